// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

func rooms() []store.Migrations { return []store.Migrations{identity.Migrations()} }

// clock is a time that only moves when a test says so.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.us.Store(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

var anna = access.Actor{Kind: access.Resident, ID: "p1", Name: "Anna Schmidt", Level: access.Basic}

// house is a browser and the sessions that it meets.
type house struct {
	t        *testing.T
	sessions *identity.Sessions
	clock    *clock
	cookie   string
}

func (h *house) request() *http.Request {
	r := httptest.NewRequest("GET", "/cases", nil).WithContext(h.t.Context())
	if h.cookie != "" {
		r.AddCookie(&http.Cookie{Name: h.sessions.CookieName(), Value: h.cookie})
	}
	return r
}

func (h *house) keep(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			h.t.Errorf("a careless cookie: %v", c)
		}
		h.cookie = c.Value
	}
}

func (h *house) signIn(a access.Actor) identity.Session {
	h.t.Helper()
	w := httptest.NewRecorder()
	s, err := h.sessions.SignIn(h.t.Context(), w, h.request(), a, "the.identity.token")
	if err != nil {
		h.t.Fatal(err)
	}
	h.keep(w)
	return s
}

// visit is what a page learns about the visitor.
func (h *house) visit(least access.Level) (actor access.Actor, s identity.Session, err error) {
	w := httptest.NewRecorder()
	h.sessions.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ = identity.Of(r)
		actor, err = identity.Require(r, least)
	})).ServeHTTP(w, h.request())
	h.keep(w)
	return actor, s, err
}

func each(t *testing.T, run func(t *testing.T, h *house, db *store.DB)) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		c := newClock()
		s, err := identity.NewSessions(identity.Config{DB: db, Secure: true, Idle: 30 * time.Minute, Absolute: 8 * time.Hour, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		run(t, &house{t: t, sessions: s, clock: c}, db)
	})
}

func TestSession(t *testing.T) {
	each(t, func(t *testing.T, h *house, db *store.DB) {
		if !strings.HasPrefix(h.sessions.CookieName(), "__Host-") {
			t.Error("with https the cookie is tied to the host")
		}
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("nobody: %v", err)
		}
		begun := h.signIn(anna)
		first := h.cookie
		actor, s, err := h.visit(access.Basic)
		if err != nil || actor.ID != "p1" || actor.Name != "Anna Schmidt" || actor.Kind != access.Resident {
			t.Fatalf("signed in: %+v, %v", actor, err)
		}
		if s.Hint != "the.identity.token" || s.CSRF != begun.CSRF || !s.CheckCSRF(begun.CSRF) || s.CheckCSRF("") || s.CheckCSRF("x") {
			t.Errorf("the session came back as %+v", s)
		}
		if _, _, err := h.visit(access.Substantial); !fault.Is(err, fault.StepUp) {
			t.Fatalf("below the level: %v", err)
		}

		// Proving more makes a new token; the old one is worth nothing.
		raised := anna
		raised.Level, raised.Roles = access.Substantial, []string{"a", "b"}
		h.signIn(raised)
		if h.cookie == first {
			t.Error("the token stayed the same at step-up")
		}
		if actor, _, err := h.visit(access.Substantial); err != nil || !slices.Equal(actor.Roles, raised.Roles) {
			t.Fatalf("after step-up: %+v, %v", actor, err)
		}
		second := h.cookie
		h.cookie = first
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("the old token: %v", err)
		}
		if h.cookie != first {
			t.Error("an answer to a request with the old token changed the cookie: another tab has the new one")
		}

		h.cookie = second
		w := httptest.NewRecorder()
		hint, err := h.sessions.SignOut(t.Context(), w, h.request())
		if err != nil || hint != "the.identity.token" {
			t.Fatalf("sign out: %q, %v", hint, err)
		}
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("after signing out: %v", err)
		}
	})
}

func TestSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, h *house, db *store.DB) {
		h.signIn(anna)
		for range 5 { // used every 29 minutes it lives
			h.clock.advance(29 * time.Minute)
			if _, _, err := h.visit(access.Basic); err != nil {
				t.Fatal(err)
			}
		}
		token := h.cookie
		h.clock.advance(30 * time.Minute)
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("idle for 30 minutes: %v", err)
		}
		h.cookie = ""
		h.signIn(anna)
		for range 16 { // used all the time it ends after 8 hours
			h.clock.advance(29 * time.Minute)
			if _, _, err := h.visit(access.Basic); err != nil {
				t.Fatal(err)
			}
		}
		h.clock.advance(29 * time.Minute)
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("after 8 hours: %v", err)
		}
		if n, err := h.sessions.Sweep(t.Context()); err != nil || n != 2 {
			t.Fatalf("swept %d, %v; want both", n, err)
		}
		h.cookie = token
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Fatal("swept but alive")
		}
	})
}

func TestManySessions(t *testing.T) {
	each(t, func(t *testing.T, h *house, db *store.DB) {
		var tokens []string
		for range 22 {
			h.cookie = ""
			h.signIn(anna)
			tokens = append(tokens, h.cookie)
			h.clock.advance(time.Second)
		}
		alive := func() (n int) {
			for _, h.cookie = range tokens {
				if _, _, err := h.visit(access.Basic); err == nil {
					n++
				}
			}
			return n
		}
		if n := alive(); n != 20 {
			t.Errorf("%d sessions of one person, want 20", n)
		}
		other := anna
		other.ID = "p2"
		h.cookie = ""
		h.signIn(other)
		tokens = append(tokens, h.cookie)
		if err := h.sessions.EndAll(t.Context(), access.Resident, "p1"); err != nil {
			t.Fatal(err)
		}
		if n := alive(); n != 1 {
			t.Errorf("%d sessions alive after ending all of p1, want the one of p2", n)
		}
	})
}

// TestNothingSecretAtRest: whoever reads the database can neither sign in nor learn what the provider said.
// Who works for the city is a person, too: the session knows which, from the sign-in on, until the register says otherwise.
func TestTheSessionKnowsWhichPersonAClerkIs(t *testing.T) {
	each(t, func(t *testing.T, h *house, db *store.DB) {
		d := &identity.Directory{DB: db, Now: h.clock.now}
		clerk := access.Actor{Kind: access.Clerk, ID: "account-7", Office: "32", Roles: []string{"clerk"}, Level: access.High}
		self := func() string {
			t.Helper()
			a, _, err := h.visit(access.Basic)
			if err != nil {
				t.Fatal(err)
			}
			return a.Self
		}
		h.signIn(clerk)
		if got := self(); got != "" {
			t.Errorf("before anybody said so: %q", got)
		}
		for _, person := range []string{"anna", "berta", ""} {
			if err := d.NoteStaff(t.Context(), clerk.ID, person); err != nil {
				t.Fatal(err)
			}
			if got := self(); got != person {
				t.Errorf("the session says %q, want %q", got, person)
			}
			if got, err := identity.PersonOfStaff(t.Context(), db, clerk.ID); err != nil || got != person {
				t.Errorf("%q %v, want %q", got, err, person)
			}
		}
	})
}

func TestNothingSecretAtRest(t *testing.T) {
	each(t, func(t *testing.T, h *house, db *store.DB) {
		h.signIn(anna)
		var hash string
		var hint []byte
		if err := db.QueryRow(t.Context(), "SELECT hash, sealed_hint FROM identity_session").Scan(&hash, &hint); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(hash, h.cookie) || strings.Contains(string(hint), "identity") {
			t.Error("the token or the hint is readable")
		}
		h.cookie = hash[:43]
		if _, _, err := h.visit(access.Basic); !fault.Is(err, fault.Unauthenticated) {
			t.Error("the hash signs in")
		}
	})
}

func TestDirectory(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		register := map[string]string{"Anna Schmidt 1990-04-01": "person-1"}
		d := &identity.Directory{DB: db, Match: func(_ context.Context, given, family, born string) (string, error) {
			if id := register[given+" "+family+" "+born]; id != "" {
				return id, nil
			}
			return "", fault.New(fault.NotFound, "test", "")
		}}
		sign := func(sub, given, family, born string, level access.Level, roles ...string) access.Actor {
			t.Helper()
			a, err := d.Actor(t.Context(), identity.Claims{Issuer: "https://idp", Subject: sub, GivenName: given, FamilyName: family,
				BirthDate: born, Level: level, Roles: roles, Office: "32"})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		low := sign("s1", "Anna", "Schmidt", "1990-04-01", access.Basic)
		if low.ID == "person-1" || low.ID == "" {
			t.Fatalf("a name without proof became %q", low.ID)
		}
		if again := sign("s1", "Anna", "Schmidt", "1990-04-01", access.Basic); again.ID != low.ID {
			t.Errorf("the same account is %q and %q", low.ID, again.ID)
		}
		if a := sign("s1", "Anna", "Schmidt", "1990-04-01", access.Substantial); a.ID != "person-1" || a.Kind != access.Resident || a.Office != "" {
			t.Errorf("proven: %+v", a)
		}
		if a := sign("s1", "Anna", "Yılmaz", "1990-04-01", access.Basic); a.ID != "person-1" || a.Name != "Anna Yılmaz" {
			t.Errorf("after marriage: %+v", a)
		}
		stranger := sign("s2", "Carl", "Nowhere", "1980-01-01", access.High)
		if a := sign("s2", "Carl", "Nowhere", "1980-01-01", access.High); a.ID != stranger.ID || a.ID == "" {
			t.Errorf("a person who isn't registered: %q, then %q", stranger.ID, a.ID)
		}
		clerk := sign("s3", "Anna", "Schmidt", "1990-04-01", access.Substantial, "clerk")
		if clerk.Kind != access.Clerk || clerk.Office != "32" || !clerk.Is("clerk") || clerk.ID == "person-1" {
			t.Errorf("clerk: %+v", clerk)
		}
		if _, err := d.Actor(t.Context(), identity.Claims{Issuer: "x", Subject: "y"}); err == nil {
			t.Error("claims without a level were taken")
		}
	})
}

// provider is an identity provider that publishes one key.
type provider struct {
	*httptest.Server
	key   *ecdsa.PrivateKey
	down  atomic.Bool
	asked atomic.Int64
}

func newProvider(t testing.TB) *provider {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(t testing.TB, key any, alg jose.SignatureAlgorithm, id string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestBearer(t *testing.T) {
	p, c := newProvider(t), newClock()
	b, err := identity.NewBearer(identity.BearerConfig{Issuer: p.URL, Audience: "mercator-api", Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	good := func() map[string]any {
		return map[string]any{"iss": p.URL, "aud": []string{"mercator-api"}, "sub": "erp", "client_id": "erp",
			"scope": "cases:read cases:write", "mercator_office": "32", "iat": c.now().Unix(), "exp": c.now().Add(5 * time.Minute).Unix()}
	}
	with := func(key string, value any) map[string]any {
		m := good()
		m[key] = value
		if value == nil {
			delete(m, key)
		}
		return m
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(claims map[string]any) string { return "Bearer " + p.token(t, p.key, jose.ES256, "k1", claims) }
	raw := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	ask := func(header string) (access.Actor, error) {
		r := httptest.NewRequest("GET", "/api/cases", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		return b.Actor(r)
	}

	p.down.Store(true)
	if _, err := ask(sign(good())); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("the provider is down: %v", err)
	}
	p.down.Store(false)
	c.advance(time.Second)
	a, err := ask(sign(good()))
	if err != nil || a.Kind != access.Machine || a.ID != "erp" || a.Office != "32" || !slices.Equal(a.Roles, []string{"cases:read", "cases:write"}) {
		t.Fatalf("a good token: %+v, %v", a, err)
	}
	// No claim makes a caller somebody else, or one who acts for somebody.
	for _, claim := range []string{"mandate", "mercator_mandate", "for", "act", "may_act"} {
		if a, err := ask(sign(with(claim, "0190b0a0-0000-7000-8000-000000000001"))); err != nil || a.Kind != access.Machine || a.Acting() || a.Person() != "erp" {
			t.Errorf("%s: %+v %v", claim, a, err)
		}
	}
	if _, err := ask(strings.Replace(sign(good()), "Bearer", "bearer", 1)); err != nil {
		t.Errorf("the scheme's case matters: %v", err)
	}
	flipped := []byte(sign(good()))
	flipped[len(flipped)-10] ^= 1
	for name, header := range map[string]string{
		"no header":             "",
		"basic":                 "Basic ZXJwOnNlY3JldA==",
		"no token":              "Bearer ",
		"rubbish":               "Bearer a.b.c",
		"endless":               "Bearer " + strings.Repeat("a", 9<<10),
		"expired":               sign(with("exp", c.now().Add(-time.Minute).Unix())),
		"without end":           sign(with("exp", nil)),
		"not yet":               sign(with("nbf", c.now().Add(5*time.Minute).Unix())),
		"another issuer":        sign(with("iss", "https://evil.example")),
		"an identity token":     sign(with("aud", []string{"portal"})),
		"nobody's":              sign(map[string]any{"iss": p.URL, "aud": "mercator-api", "exp": c.now().Add(time.Hour).Unix()}),
		"a foreign key":         "Bearer " + p.token(t, foreign, jose.ES256, "k1", good()),
		"an unknown key":        "Bearer " + p.token(t, foreign, jose.ES256, "k2", good()),
		"a symmetric signature": "Bearer " + p.token(t, []byte(strings.Repeat("k", 32)), jose.HS256, "k1", good()),
		"no signature":          "Bearer " + raw(`{"alg":"none","kid":"k1"}`) + "." + raw(`{"iss":"`+p.URL+`","aud":"mercator-api","exp":99999999999}`) + ".",
		"changed on the way":    string(flipped),
	} {
		if _, err := ask(header); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	asked := p.asked.Load()
	for range 50 {
		ask("Bearer " + p.token(t, foreign, jose.ES256, "k3", good()))
	}
	if n := p.asked.Load() - asked; n > 1 {
		t.Errorf("strangers made us ask the provider %d times", n)
	}

	refused := 0
	h := b.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := identity.Current(r); ok {
			w.Write([]byte(a.ID))
		}
	}), func(w http.ResponseWriter, r *http.Request, err error) {
		refused++
		w.WriteHeader(http.StatusUnauthorized)
	})
	for header, want := range map[string]string{"": "", sign(good()): "erp", "Bearer x": ""} {
		r, w := httptest.NewRequest("GET", "/api", nil), httptest.NewRecorder()
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		h.ServeHTTP(w, r)
		if w.Body.String() != want {
			t.Errorf("the API sees %q, want %q", w.Body.String(), want)
		}
	}
	if refused != 1 {
		t.Errorf("refused %d, want the bad token only", refused)
	}
}

func FuzzBearer(f *testing.F) {
	p, c := newProvider(f), newClock()
	b, err := identity.NewBearer(identity.BearerConfig{Issuer: p.URL, Audience: "a", Now: c.now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.token(f, p.key, jose.ES256, "k1", map[string]any{"iss": p.URL, "aud": "b", "exp": c.now().Add(time.Hour).Unix(), "sub": "x"}))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{"Bearer " + token}
		if a, err := b.Actor(r); err == nil {
			t.Errorf("%q signs in %q", token, a.ID)
		}
	})
}

func BenchmarkMiddleware(b *testing.B) {
	s, err := identity.NewSessions(identity.Config{DB: storetest.SQLite(b, rooms())})
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := s.SignIn(b.Context(), w, httptest.NewRequest("GET", "/", nil), anna, "hint"); err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	h := s.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := identity.Current(r); !ok {
			b.Fatal("not signed in")
		}
	}))
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
