// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"

	"mercator/base/i18n"
)

// Config says who may sign in, and for whom the provider works.
type Config struct {
	Issuer      string // its own address, without a path: http://127.0.0.1:8081
	DataDir     string // keys are kept here
	Password    string // the one password of all accounts, shown on the page
	Lookup      Lookup
	Samples     []Account // shown on the page as accounts to try
	Clients     []Client
	ACR         map[Level]string // default: StorkLevels
	APIAudience string           // aud of machine tokens, e.g. the platform's public address
	IDTokenLife time.Duration    // default 5 minutes
	SessionLife time.Duration    // how long the provider remembers a person; default 1 hour
	Now         func() time.Time
	Log         *slog.Logger
}

// Provider is the running identity provider.
type Provider struct {
	cfg       Config
	keys      *keyring
	clients   map[string]Client
	op        *op.Provider
	catalogue *i18n.Catalogue

	requests *bounded[request]
	codes    *bounded[string]   // code → request
	used     *bounded[string]   // code that was taken → request
	issued   *bounded[string]   // request → access token's id
	revoked  *bounded[struct{}] // access token's id
	ended    *bounded[struct{}] // session's id
	wrong    *bounded[int]      // login → wrong passwords
}

const (
	maxWrong    = 5
	lockedFor   = 15 * time.Minute
	maxRemember = 10_000
)

// New opens the keys of the data folder and builds the provider.
func New(cfg Config) (*Provider, error) {
	if cfg.ACR == nil {
		cfg.ACR = StorkLevels()
	}
	if cfg.IDTokenLife == 0 {
		cfg.IDTokenLife = 5 * time.Minute
	}
	if cfg.SessionLife == 0 {
		cfg.SessionLife = time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Lookup == nil || cfg.Password == "" || cfg.DataDir == "" {
		return nil, errors.New("oidcdemo: accounts, a password and a data folder are needed")
	}
	if u, err := url.Parse(cfg.Issuer); err != nil || u.Host == "" || u.Path != "" {
		return nil, fmt.Errorf("oidcdemo: %q is no address of an issuer (scheme and host, no path)", cfg.Issuer)
	}
	keys, err := openKeys(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	cat, err := i18n.Load(messages)
	if err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, keys: keys, catalogue: cat, clients: map[string]Client{}}
	for _, c := range cfg.Clients {
		if c.ID == "" || c.Secret == "" {
			return nil, errors.New("oidcdemo: a client needs an id and a secret")
		}
		p.clients[c.ID] = c
	}
	p.requests = newBounded[request](maxPending, requestLife, cfg.Now)
	p.codes = newBounded[string](maxPending, codeLife, cfg.Now)
	p.used = newBounded[string](maxPending, requestLife, cfg.Now)
	p.issued = newBounded[string](maxPending, requestLife, cfg.Now)
	p.revoked = newBounded[struct{}](maxRemember, machineLife, cfg.Now)
	p.ended = newBounded[struct{}](maxRemember, cfg.SessionLife, cfg.Now)
	p.wrong = newBounded[int](maxRemember, lockedFor, cfg.Now)

	options := []op.Option{op.WithCORSOptions(nil)}
	if u, _ := url.Parse(cfg.Issuer); u.Scheme == "http" {
		options = append(options, op.WithAllowInsecure()) // the demo listens on loopback
	}
	p.op, err = op.NewProvider(&op.Config{
		CryptoKey:          keys.opCrypto,
		CryptoKeyId:        keys.id,
		CodeMethodS256:     true,
		SupportedUILocales: []language.Tag{language.German, language.English, language.Turkish},
		SupportedScopes:    []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeAddress, ScopeMercator},
		SupportedClaims: []string{"sub", "aud", "exp", "iat", "iss", "auth_time", "nonce", "acr", "amr", "name",
			"given_name", "family_name", "birthdate", "address", "mercator_roles", "mercator_office", "mercator_staff"},
		DefaultLogoutRedirectURI: "/signed-out",
	}, storage{p}, op.StaticIssuer(cfg.Issuer), options...)
	if err != nil {
		return nil, fmt.Errorf("oidcdemo: %w", err)
	}
	return p, nil
}

// Handler answers the provider's requests.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /login", p.showLogin)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("GET /end_session", p.endSession)
	mux.HandleFunc("POST /end_session", p.endSession)
	mux.HandleFunc("POST /end_session/confirm", p.confirmEnd)
	mux.HandleFunc("GET /signed-out", p.signedOut)
	mux.HandleFunc("GET /style.css", p.style)
	mux.Handle("/authorize", p.op)
	mux.Handle("/oauth/token", p.op)
	mux.Handle("/oauth/introspect", p.op)
	mux.Handle("/userinfo", p.op)
	mux.Handle("/revoke", p.op)
	mux.Handle("/keys", p.op)
	mux.Handle("/.well-known/openid-configuration", p.op)
	mux.Handle("/healthz", p.op)
	return p.guard(mux)
}

const maxBody = 64 << 10

// guard bounds a request, sets the headers of every answer, refuses forms of other pages, and knows the browser.
func (p *Provider) guard(next http.Handler) http.Handler {
	forms := http.NewCrossOriginProtection()
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.URL.Path == "/authorize" || r.URL.Path == "/login" || r.URL.Path == "/end_session" || r.URL.Path == "/end_session/confirm" {
			r = r.WithContext(context.WithValue(r.Context(), browserKey{}, p.browser(w, r)))
		}
		next.ServeHTTP(w, r)
	})
	pages := forms.Handler(guarded)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end_session" || r.URL.Path == "/authorize" {
			guarded.ServeHTTP(w, r) // the standard lets clients come here with a form; both only change state after a page of ours
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// Serve answers on the listener until the context ends, then finishes what is under way.
func (p *Provider) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           p.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := srv.Shutdown(wait)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close() // connections that were opened and never used
		}
		stopped <- err
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// session is what the provider knows of a person who signed in; it's sealed in the browser's cookie.
type session struct {
	ID    string `json:"i"`
	Login string `json:"l"`
	Level Level  `json:"v"`
	When  int64  `json:"w"` // unix seconds of the last time that the person proved who they are
	Until int64  `json:"u"`
}

type browser struct {
	agent   [32]byte
	session session // Login is empty: nobody
}

type browserKey struct{}

func browserOf(ctx context.Context) browser {
	b, _ := ctx.Value(browserKey{}).(browser)
	return b
}

const (
	agentCookie   = "idp_browser"
	sessionCookie = "idp_session"
)

// cookieName takes the prefix that ties a cookie to this host, where https lets it.
func (p *Provider) cookie(name, value string, age int) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: age}
	if p.https() {
		c.Name, c.Secure = "__Host-"+name, true
	}
	return c
}

func (p *Provider) https() bool { return p.cfg.Issuer[:5] == "https" }

func (p *Provider) browser(w http.ResponseWriter, r *http.Request) browser {
	var b browser
	agent, err := r.Cookie(p.cookie(agentCookie, "", 0).Name)
	if err != nil || len(agent.Value) != 43 {
		agent = p.cookie(agentCookie, secret(), 0)
		http.SetCookie(w, agent)
	}
	b.agent = sha256.Sum256([]byte(agent.Value))
	if c, err := r.Cookie(p.cookie(sessionCookie, "", 0).Name); err == nil {
		var s session
		if p.keys.unsealed("session", c.Value, &s) == nil && s.Until > p.cfg.Now().Unix() {
			if _, ended := p.ended.get(s.ID); !ended {
				if _, exists := p.cfg.Lookup(r.Context(), s.Login); exists {
					b.session = s
				}
			}
		}
	}
	return b
}

// suffices tells whether the person need not be asked again.
func (p *Provider) suffices(s session, r request) bool {
	return s.Login != "" && !r.fresh && s.Level >= r.minimum && p.recent(s, r)
}

func (p *Provider) recent(s session, r request) bool {
	return r.maxAge == 0 || p.cfg.Now().Sub(time.Unix(s.When, 0)) <= r.maxAge
}

// mine tells whether the browser began this request.
func (b browser) mine(r request) bool {
	return subtle.ConstantTimeCompare(b.agent[:], r.agent[:]) == 1
}
