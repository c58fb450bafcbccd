// SPDX-License-Identifier: EUPL-1.2

package paydemo

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"mercator/adapter/xbezahl"
	"mercator/base/i18n"
	"mercator/base/ident"
)

// Config of the provider.
type Config struct {
	BaseURL     string // its own address: http://127.0.0.1:8082
	DataDir     string
	Payee       string // shown at the checkout: "Stadt Duisburg"
	Originator  string // the online service that it works for
	EndPoint    string
	User        string // of the service, at the interface (HTTP Basic)
	Password    string
	Token       string // or a bearer token instead
	CallbackURL string // where it calls; empty: it doesn't
	Secret      []byte // signs its calls
	Client      *http.Client
	Now         func() time.Time
	Log         *slog.Logger
}

// Provider is the running payment provider.
type Provider struct {
	cfg       Config
	book      *book
	catalogue *i18n.Catalogue
	wake      chan struct{}
}

// New opens the books.
func New(cfg Config) (*Provider, error) {
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Host == "" || u.Path != "" {
		return nil, fmt.Errorf("paydemo: %q is no address (scheme and host, no path)", cfg.BaseURL)
	}
	if cfg.DataDir == "" || cfg.Token == "" && (cfg.User == "" || cfg.Password == "") || !xbezahl.ValidID(cfg.Originator) || !xbezahl.ValidID(cfg.EndPoint) {
		return nil, errors.New("paydemo: a data folder, the service's credentials, originator and end point are needed")
	}
	if cfg.CallbackURL != "" && len(cfg.Secret) < 16 {
		return nil, errors.New("paydemo: calls need a secret of 16 bytes")
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 5 * time.Second}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cat, err := i18n.Load(messages)
	if err != nil {
		return nil, err
	}
	b, err := openBook(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	return &Provider{cfg: cfg, book: b, catalogue: cat, wake: make(chan struct{}, 1)}, nil
}

// Close closes the books.
func (p *Provider) Close() error { return p.book.close() }

// APIBase is the address that the service's client needs.
func (p *Provider) APIBase() string { return p.cfg.BaseURL + "/xbezahldienste/v1" }

// Handler answers requests.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	const api = "/xbezahldienste/v1"
	mux.HandleFunc("POST "+api+"/paymenttransaction/{originator}/{endPoint}", p.authorized(p.create))
	mux.HandleFunc("GET "+api+"/paymenttransaction/{originator}/{endPoint}/{transaction}", p.authorized(p.status))
	mux.HandleFunc("GET "+api+"/status/{originator}/{endPoint}", p.authorized(p.ready))
	mux.HandleFunc("GET /checkout/{transaction}", p.checkout)
	mux.HandleFunc("POST /checkout/{transaction}", p.decide)
	mux.HandleFunc("GET /style.css", p.style)
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok\n") })
	forms := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		forms.ServeHTTP(w, r)
	})
}

// Serve is Handler on the listener, and Run, until the context ends; then it finishes what is under way.
func (p *Provider) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: p.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelWarn)}
	calls := make(chan struct{})
	go func() {
		defer close(calls)
		p.Run(ctx)
	}()
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
	err := srv.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	err = <-stopped
	<-calls
	return err
}

func problem(w http.ResponseWriter, status int, code, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(xbezahl.Problem{Status: status, Title: title, FunctionalCode: code})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// authorized lets the service in, and nobody else.
func (p *Provider) authorized(next http.HandlerFunc) http.HandlerFunc {
	same := func(want, got string) bool {
		w, g := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got))
		return subtle.ConstantTimeCompare(w[:], g[:]) == 1
	}
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		ok := p.cfg.User != "" && same(p.cfg.User+"\x00"+p.cfg.Password, user+"\x00"+password) ||
			p.cfg.Token != "" && same("Bearer "+p.cfg.Token, r.Header.Get("Authorization"))
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="xbezahldienste"`)
			problem(w, http.StatusUnauthorized, xbezahl.CodeForbidden, "user or password is wrong")
			return
		}
		if r.PathValue("originator") != p.cfg.Originator || r.PathValue("endPoint") != p.cfg.EndPoint {
			problem(w, http.StatusNotFound, xbezahl.CodeNoDestination, "no such originator or end point")
			return
		}
		next(w, r)
	}
}

func (p *Provider) ready(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

var purposeForm = regexp.MustCompile(`^[\w\d\s-]{1,27}$`)

// validate holds a request against the standard.
func validate(q xbezahl.PaymentRequest) (code, title string) {
	total, err := xbezahl.Cents(q.GrosAmount)
	back, backErr := url.Parse(q.RedirectURL)
	_, timeErr := time.Parse(time.RFC3339, q.RequestTimestamp)
	switch {
	case !xbezahl.ValidID(q.RequestID):
		return xbezahl.CodeValidation, "requestId"
	case timeErr != nil:
		return xbezahl.CodeValidation, "requestTimestamp"
	case q.Currency != "EUR":
		return xbezahl.CodeValidation, "currency"
	case err != nil || total <= 0 || total > 99_999_900:
		return xbezahl.CodeValidation, "grosAmount"
	case !purposeForm.MatchString(q.Purpose):
		return xbezahl.CodeValidation, "purpose"
	case len(q.Description) > 500:
		return xbezahl.CodeValidation, "description"
	case backErr != nil || back.Host == "" || len(q.RedirectURL) > 2082 || back.Scheme != "https" && back.Scheme != "http":
		return xbezahl.CodeValidation, "redirectUrl"
	case len(q.Items) == 0 || len(q.Items) > 99:
		return xbezahl.CodeValidation, "items"
	}
	var sum int64
	for _, item := range q.Items {
		net, err := xbezahl.Cents(item.TotalNetAmount)
		tax, taxErr := xbezahl.Cents(item.TotalTaxAmount)
		if err != nil || taxErr != nil || item.ID == "" || len(item.ID) > 36 || item.Reference == "" || len(item.Reference) > 36 || item.Quantity < 1 {
			return xbezahl.CodeValidation, "items"
		}
		sum += net + tax
	}
	if sum != total {
		return xbezahl.CodeCalculation, "grosAmount is not the sum of the items"
	}
	return "", ""
}

func (p *Provider) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, xbezahl.CodeValidation, "too large")
		return
	}
	var q xbezahl.PaymentRequest
	if err := json.Unmarshal(body, &q); err != nil {
		problem(w, http.StatusBadRequest, xbezahl.CodeValidation, "no payment request")
		return
	}
	if code, title := validate(q); code != "" {
		problem(w, http.StatusBadRequest, code, title)
		return
	}
	t := transaction{ID: ident.Secret(24), Originator: p.cfg.Originator, EndPoint: p.cfg.EndPoint, Request: q, Status: xbezahl.StatusInitial,
		Reference: newReference(), At: p.cfg.Now().UTC()}
	t, existed, err := p.book.add(t)
	switch {
	case err != nil:
		p.cfg.Log.Error("payment provider: books", "err", err)
		problem(w, http.StatusServiceUnavailable, xbezahl.CodeUnspecified, "try again later")
	case existed:
		problem(w, http.StatusConflict, xbezahl.CodeExists, "this request has a transaction already")
	default:
		answer(w, http.StatusCreated, p.public(t))
	}
}

// newReference is a Kassenzeichen, in letters that one can read out on the phone.
func newReference() string { return "DEMO-" + rand.Text()[:8] }

func (p *Provider) public(t transaction) xbezahl.PaymentTransaction {
	i := xbezahl.PaymentInformation{TransactionID: t.ID, TransactionReference: t.Reference, TransactionTimestamp: t.At.Format(time.RFC3339),
		TransactionURL: p.APIBase() + "/paymenttransaction/" + t.Originator + "/" + t.EndPoint + "/" + t.ID,
		PaymentMethod:  t.Method, Status: t.Status, StatusDetail: t.Detail}
	if t.Status == xbezahl.StatusInitial {
		i.TransactionRedirectURL = p.cfg.BaseURL + "/checkout/" + t.ID
	}
	q := t.Request
	if t.Charged != "" {
		q.GrosAmount = t.Charged
	}
	return xbezahl.PaymentTransaction{PaymentInformation: i, PaymentRequest: q}
}

func (p *Provider) status(w http.ResponseWriter, r *http.Request) {
	t, ok := p.book.get(r.PathValue("transaction"))
	if !ok {
		problem(w, http.StatusNotFound, xbezahl.CodeUnspecified, "no such transaction")
		return
	}
	answer(w, http.StatusOK, p.public(t))
}

// Run tells the service about changes, again and again until it has taken the call, until the context ends. Whoever serves
// Handler by themselves runs it beside.
func (p *Provider) Run(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.cfg.CallbackURL != "" {
			for _, id := range p.book.due(p.cfg.Now(), 100) {
				if ctx.Err() != nil {
					return nil
				}
				p.callAbout(ctx, id)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-tick.C:
		}
	}
}

const maxTries = 20

func (p *Provider) callAbout(ctx context.Context, id string) {
	t, ok := p.book.get(id)
	if !ok {
		return
	}
	now := p.cfg.Now()
	for _, c := range t.Calls {
		if c.Next.After(now) {
			continue
		}
		taken := p.callOnce(ctx, t, c)
		_, _, err := p.book.change(id, func(t *transaction) ([]transaction, bool) {
			for i := range t.Calls {
				if t.Calls[i].Nonce != c.Nonce {
					continue
				}
				if t.Calls[i].Tries++; taken || t.Calls[i].Tries >= maxTries {
					t.Calls = append(t.Calls[:i], t.Calls[i+1:]...)
				} else {
					t.Calls[i].Next = now.Add(min(time.Minute, time.Second<<min(t.Calls[i].Tries, 6)))
				}
				return nil, true
			}
			return nil, false
		})
		if err != nil {
			p.cfg.Log.Error("payment provider: books", "err", err)
		}
	}
}

// callOnce tells whether the call is done with.
func (p *Provider) callOnce(ctx context.Context, t transaction, c call) bool {
	body, err := json.Marshal(xbezahl.Call{TransactionID: t.ID})
	if err != nil {
		return true
	}
	secret := p.cfg.Secret
	if c.Forged {
		secret = []byte("not the provider's secret at all")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return true
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(xbezahl.SignatureHeader, xbezahl.Sign(secret, p.cfg.Now(), c.Nonce, body))
	resp, err := p.cfg.Client.Do(r)
	if err != nil {
		p.cfg.Log.Debug("payment provider: the service can't be reached; it will be called again", "err", err)
		return false
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch {
	case resp.StatusCode < 300, resp.StatusCode == http.StatusConflict, c.Forged:
		return true
	}
	return false
}
