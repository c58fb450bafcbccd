// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"mercator/base/fault"
	"mercator/core/access"
)

// BearerConfig says whose tokens are taken, and for whom they must be made.
type BearerConfig struct {
	Issuer   string
	Audience string // a token for somebody else, such as an identity token, is refused
	// Certificates bind tokens and clients to certificates; zero: none are taken, and a token that is bound to one is refused.
	Certificates Certificates
	Client       *http.Client
	Now          func() time.Time
}

// Bearer checks the access tokens of machines (RFC 9068): signature, issuer, audience, time.
type Bearer struct {
	cfg BearerConfig

	mu   sync.RWMutex
	keys jose.JSONWebKeySet

	fetching sync.Mutex
	asked    time.Time
	failed   error
}

const (
	maxToken = 8 << 10
	maxKeys  = 256 << 10
	leeway   = 30 * time.Second
	// A token with an unknown key makes us ask the provider again, but strangers can't make us ask often.
	refetchAfter = 10 * time.Second
	retryAfter   = time.Second
)

// NewBearer fills the defaults. It doesn't speak to the provider yet, which may start later than we do.
func NewBearer(cfg BearerConfig) (*Bearer, error) {
	if cfg.Issuer == "" || cfg.Audience == "" {
		return nil, fault.Internalf("identity.newBearer", "an issuer and an audience are needed")
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 5 * time.Second}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Bearer{cfg: cfg}, nil
}

// algorithms that we take: only with asymmetric keys, so nobody makes a token out of our public keys.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
}

// Actor is the machine that a request's token speaks for; its scopes are its roles. A request without a token, or with one
// that doesn't hold, is fault.Unauthenticated; the reason is for the log only.
func (b *Bearer) Actor(r *http.Request) (access.Actor, error) {
	const op = "identity.bearer"
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return access.Actor{}, fault.New(fault.Unauthenticated, op, "")
	}
	a, err := b.check(r, token)
	if err != nil {
		if fault.Is(err, fault.Unavailable) {
			return access.Actor{}, fault.Wrap(op, err)
		}
		return access.Actor{}, fault.Because(fault.Unauthenticated, op, "", err)
	}
	return a, nil
}

// Middleware puts the machine on the request like a session. A request without a token goes on as it is; one with a bad
// token gets the answer of refuse.
func (b *Bearer) Middleware(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			next.ServeHTTP(w, r)
			return
		}
		a, err := b.Actor(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, With(r, Session{Actor: a}))
	})
}

func (b *Bearer) check(r *http.Request, token string) (access.Actor, error) {
	if len(token) > maxToken {
		return access.Actor{}, errors.New("token too long")
	}
	parsed, err := jwt.ParseSigned(token, algorithms())
	if err != nil {
		return access.Actor{}, err
	}
	if len(parsed.Headers) != 1 {
		return access.Actor{}, errors.New("not exactly one signature")
	}
	key, err := b.key(r.Context(), parsed.Headers[0].KeyID)
	if err != nil {
		return access.Actor{}, err
	}
	var standard jwt.Claims
	var more struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
		Office   string `json:"mercator_office"`
		// Confirmation is what the token is bound to (RFC 7800).
		Confirmation map[string]any `json:"cnf"`
	}
	if err := parsed.Claims(key, &standard, &more); err != nil {
		return access.Actor{}, err
	}
	if standard.Expiry == nil {
		return access.Actor{}, errors.New("a token without end")
	}
	if err := standard.ValidateWithLeeway(jwt.Expected{
		Issuer: b.cfg.Issuer, AnyAudience: jwt.Audience{b.cfg.Audience}, Time: b.cfg.Now(),
	}, leeway); err != nil {
		return access.Actor{}, err
	}
	id := more.ClientID
	if id == "" {
		id = standard.Subject
	}
	if id == "" || len(id) > 255 {
		return access.Actor{}, errors.New("a token of nobody")
	}
	certificate, err := b.certificate(r, id, more.Confirmation)
	if err != nil {
		return access.Actor{}, err
	}
	return access.Actor{Kind: access.Machine, ID: id, Name: id, Office: more.Office, Roles: strings.Fields(more.Scope),
		Level: access.Substantial, Door: access.DoorAPI, Client: id, Certificate: certificate}, nil
}

// certificate is the one that a client is known by (RFC 8705, section 3). A token that is bound to anything else, such as a key
// of its own (RFC 9449), is refused: nothing here would hold that against it.
func (b *Bearer) certificate(r *http.Request, client string, confirmation map[string]any) (string, error) {
	bound, _ := confirmation["x5t#S256"].(string)
	if confirmation != nil && (bound == "" || len(confirmation) > 1) {
		return "", errors.New("a token that is bound to something else than a certificate")
	}
	shown, err := b.cfg.Certificates.of(r, b.cfg.Now())
	if err != nil {
		return "", err
	}
	return b.cfg.Certificates.bind(client, bound, shown)
}

// key finds the provider's key, asking the provider when it isn't known yet.
func (b *Bearer) key(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	if k := b.known(id); k != nil {
		return k, nil
	}
	b.fetching.Lock()
	defer b.fetching.Unlock()
	if k := b.known(id); k != nil { // somebody else has asked meanwhile
		return k, nil
	}
	wait := refetchAfter
	if b.failed != nil {
		wait = retryAfter
	}
	if !b.asked.IsZero() && b.cfg.Now().Sub(b.asked) < wait {
		if b.failed != nil {
			return nil, fault.Because(fault.Unavailable, "identity.keys", "", b.failed)
		}
		return nil, errors.New("unknown key")
	}
	b.asked = b.cfg.Now()
	if b.failed = b.fetch(ctx); b.failed != nil {
		return nil, fault.Because(fault.Unavailable, "identity.keys", "", b.failed)
	}
	if k := b.known(id); k != nil {
		return k, nil
	}
	return nil, errors.New("unknown key")
}

func (b *Bearer) known(id string) *jose.JSONWebKey {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if found := b.keys.Key(id); len(found) > 0 {
		return &found[0]
	}
	return nil
}

func (b *Bearer) fetch(ctx context.Context) error {
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := b.get(ctx, strings.TrimSuffix(b.cfg.Issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return err
	}
	if discovery.Issuer != b.cfg.Issuer {
		return fmt.Errorf("the provider calls itself %q", discovery.Issuer)
	}
	var keys, public jose.JSONWebKeySet
	if err := b.get(ctx, discovery.Keys, &keys); err != nil {
		return err
	}
	for _, k := range keys.Keys {
		if k.IsPublic() && k.Valid() && (k.Use == "" || k.Use == "sig") {
			public.Keys = append(public.Keys, k)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = public
	return nil
}

func (b *Bearer) get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := b.cfg.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxKeys)).Decode(into)
}
