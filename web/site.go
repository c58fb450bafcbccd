// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/web/assets"
	"mercator/web/ui"
)

// Viewer is who looks at a page, as far as the shell shows it.
type Viewer struct {
	Name  string
	Kind  string // resident, clerk
	Level int    // trust level: 1 basic, 2 substantial, 3 high
	Sub   string // beside the name: the office
	Roles []string
	// Acting is whom the viewer acts for, or stands in for, at the moment; nil: they are here for themselves.
	Acting *Acting
}

// Acting is shown on each page as long as it lasts.
type Acting struct {
	Name string // whom for; empty: it's over, and nothing can be done but to say so
	Desk bool   // at the desk: as a colleague's deputy
}

// NavItem is an entry of a shell's navigation.
type NavItem struct {
	ID   string // Shell.Active names it
	Key  string // message key
	Href string
	// SignedIn shows it only to people who are signed in.
	SignedIn bool
	// Roles shows it only to people who have one of them; none: to all.
	Roles []string
}

// City is what the shell says about the town.
type City struct {
	Product string // Mercator
	Name    string // Stadt Duisburg
	Footer  []FooterLink
}

// FooterLink is a link at the foot of every page.
type FooterLink struct {
	Key  string // message key
	Href string
}

// Rate is how many requests a client may make: PerMinute in the long run, Burst at once.
// The zero Rate is no limit.
type Rate struct {
	PerMinute float64
	Burst     int
}

// Config is what a site needs. What is left out gets a sound default.
type Config struct {
	Catalogue *i18n.Catalogue
	Templates *Templates
	Assets    *assets.Set
	Log       *slog.Logger
	Now       func() time.Time
	City      City
	Nav       map[ShellKind][]NavItem
	// Viewer tells who is signed in.
	Viewer func(*http.Request) (Viewer, bool)
	// Middleware runs around every handler, outermost first: sessions.
	Middleware []func(http.Handler) http.Handler
	// HTTPS marks cookies as secure and asks browsers to stay with TLS.
	HTTPS bool
	// FormOrigins are the origins that a form's answer may redirect to (checkout,
	// identity provider): Chromium holds redirects of form posts against form-action.
	FormOrigins []string
	// TrustedOrigins may send requests that change something, besides our own.
	TrustedOrigins []string
	// TrustedProxies may say in X-Forwarded-For who the client is.
	TrustedProxies []netip.Prefix
	Limits         map[string]Rate // by class; nil: DefaultLimits
	MaxBody        int64           // 0: 256 kB
	Timeout        time.Duration   // of a handler; 0: 20 s
	// Observe is told of every answered request: for metrics. Route is a pattern, never a path.
	Observe func(route, method string, status int, took time.Duration, bytes int64)
}

// DefaultLimits are generous to a household and a library behind one address.
func DefaultLimits() map[string]Rate {
	return map[string]Rate{
		ClassRead:  {PerMinute: 1200, Burst: 300},
		ClassWrite: {PerMinute: 600, Burst: 200},
		ClassSign:  {PerMinute: 60, Burst: 30},
		ClassAPI:   {PerMinute: 6000, Burst: 600},
	}
}

// Site answers requests.
type Site struct {
	cfg     Config
	csp     string
	first   template.CSS // style of a form that is seen before anything is in the browser's cache
	xorigin *http.CrossOriginProtection
	limiter *limiter
	errView *View[errorPage]
	resume  *View[resumePage]
	signed  *View[struct{}]
	inner   http.Handler
	mux     *http.ServeMux
}

// New builds the site from the rooms' mounts.
func New(c Config, mounts ...Mounts) (*Site, error) {
	if c.Catalogue == nil || c.Templates == nil {
		return nil, errors.New("web: a site needs a catalogue and templates")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Limits == nil {
		c.Limits = DefaultLimits()
	}
	if c.MaxBody == 0 {
		c.MaxBody = 256 << 10
	}
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	if c.Assets == nil {
		c.Assets = c.Templates.assets
	}
	if c.City.Product == "" {
		c.City.Product = "Mercator"
	}
	first := c.Assets.Text("first.css")
	s := &Site{cfg: c, csp: policy(first, c.FormOrigins), first: template.CSS(first), xorigin: http.NewCrossOriginProtection(), limiter: newLimiter(c.Limits, c.Now), mux: http.NewServeMux()}
	for _, o := range c.TrustedOrigins {
		if err := s.xorigin.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("web: trusted origin: %w", err)
		}
	}
	var err error
	if s.errView, err = NewView[errorPage](c.Templates, templateFS, "templates/error.html"); err != nil {
		return nil, err
	}
	if s.resume, err = NewView[resumePage](c.Templates, templateFS, "templates/resume.html"); err != nil {
		return nil, err
	}
	if s.signed, err = NewView[struct{}](c.Templates, templateFS, "templates/signed.html"); err != nil {
		return nil, err
	}
	done := Mount{Pattern: "GET /signin/done", Handler: Handle(func(w http.ResponseWriter, r *http.Request) error {
		return s.signed.Render(w, r, http.StatusOK, Page[struct{}]{Title: Localizer(r).T("web.signedTitle"), Shell: Public("")})
	})}
	all := append([]Mounts{{done, {Pattern: "GET " + assets.Prefix, Handler: c.Assets, Class: ClassFree}}}, mounts...)
	for _, ms := range all {
		for _, m := range ms {
			if err := s.mount(m); err != nil {
				return nil, err
			}
		}
	}
	var h http.Handler = http.HandlerFunc(s.route)
	for i := len(c.Middleware) - 1; i >= 0; i-- {
		h = c.Middleware[i](h)
	}
	s.inner = h
	return s, nil
}

// mount hangs a handler up. A pattern that is wrong or taken is an error, not a panic.
func (s *Site) mount(m Mount) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("web: mount %q: %v", m.Pattern, p)
		}
	}()
	if m.Handler == nil {
		return fmt.Errorf("web: mount %q has no handler", m.Pattern)
	}
	s.mux.Handle(m.Pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		st := stateOf(r)
		st.route = m.Pattern
		class := m.Class
		if class == "" {
			class = ClassRead
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				class = ClassWrite
			}
		}
		if wait, ok := s.limiter.allow(class, s.clientKey(r)); !ok {
			w.Header().Set("Retry-After", fmt.Sprint(max(1, int(wait.Seconds()+0.999))))
			Fail(w, r, fault.New(fault.TooMany, "web.limit", ""))
			return
		}
		if !m.Foreign {
			if err := s.xorigin.Check(r); err != nil {
				Fail(w, r, fault.Because(fault.Denied, "web.origin", "web.foreignOrigin", err))
				return
			}
		}
		limit := s.cfg.MaxBody
		if m.MaxBody > 0 {
			limit = m.MaxBody
		}
		if r.ContentLength > limit {
			Fail(w, r, fault.New(fault.TooLarge, "web.body", ""))
			return
		}
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		timeout := s.cfg.Timeout
		if m.Timeout != 0 {
			timeout = m.Timeout
		}
		if timeout > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), timeout)
			defer cancel()
			// The pointer's own context changes nothing outside: the state it carries is shared.
			r2 := r.WithContext(ctx)
			m.Handler.ServeHTTP(w, r2)
			return
		}
		m.Handler.ServeHTTP(w, r)
	}))
	return nil
}

// route finds the handler, and answers for what has none.
func (s *Site) route(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	probe := &statusProbe{header: http.Header{}}
	s.mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		s.answer(w, r, http.StatusMethodNotAllowed, fault.New(fault.NotFound, "web.method", "web.methodNotAllowed"))
		return
	}
	Fail(w, r, fault.New(fault.NotFound, "web.route", ""))
}

type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }

// ServeHTTP answers a request: names it, guards it, times it, logs it.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.cfg.Now()
	st := &state{site: s, id: ident.New(), loc: s.chooseLanguage(w, r)}
	rec := &recorder{ResponseWriter: w}
	h := rec.Header()
	h.Set("X-Request-Id", st.id)
	s.secure(h)
	r = r.WithContext(context.WithValue(r.Context(), stateKey{}, st))
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.cfg.Log.Error("panic in a handler", "request", st.id, "route", st.route, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if rec.status == 0 {
				s.answer(rec, r, http.StatusInternalServerError, fault.Internalf("web.panic", "%v", p))
			}
		}
		took := s.cfg.Now().Sub(start)
		if rec.status == 0 {
			rec.status = http.StatusOK
		}
		route := st.route
		if route == "" {
			route = "none"
		}
		if s.cfg.Observe != nil {
			s.cfg.Observe(route, methodLabel(r.Method), rec.status, took, rec.bytes)
		}
		// No path, no address, no query: they hold personal data.
		s.cfg.Log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request", slog.String("request", st.id), slog.String("route", route),
			slog.String("method", methodLabel(r.Method)), slog.Int("status", rec.status), slog.Duration("took", took), slog.Int64("bytes", rec.bytes))
	}()
	if s.switchLanguage(rec, r) {
		return
	}
	s.inner.ServeHTTP(rec, r)
}

// methodLabel keeps invented methods out of logs and metrics.
func methodLabel(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "OTHER"
}

// Server is an http.Server with bounds on everything that a client could stretch.
func (s *Site) Server() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// clientKey tells clients apart for rate limits: an address, or an IPv6 network.
func (s *Site) clientKey(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if s.trusted(addr) {
		// The last address that a proxy of ours did not write itself is the client.
		hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		for i := len(hops) - 1; i >= 0 && i >= len(hops)-8; i-- {
			a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			addr = a.Unmap()
			if !s.trusted(addr) {
				break
			}
		}
	}
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

func (s *Site) trusted(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// recorder notes status and size.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// policy is the content security policy: nothing from elsewhere, nothing inline but the one style sheet that we have built.
func policy(first string, formOrigins []string) string {
	style := "'self'"
	if first != "" {
		sum := sha256.Sum256([]byte(first))
		style += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src 'self'; style-src " + style + "; font-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action " + strings.Join(append([]string{"'self'"}, formOrigins...), " ") + "; frame-ancestors 'none'; base-uri 'none'"
}

func (s *Site) secure(h http.Header) {
	h.Set("Content-Security-Policy", s.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if s.cfg.HTTPS {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// Messages are the catalogues of this package and of ui.
func Messages() []fs.FS { return []fs.FS{messageFS, ui.Messages()} }
