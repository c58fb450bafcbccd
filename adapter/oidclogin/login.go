// SPDX-License-Identifier: EUPL-1.2

package oidclogin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/identity"
)

//go:embed messages.*.toml
var messages embed.FS

// Messages are the words of this package, for the house's catalogue.
func Messages() embed.FS { return messages }

// Config says who the provider is and who we are there.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	BaseURL      string   // our own address, without a slash at its end
	Scopes       []string // default: openid profile address mercator
	// ACR gives each value of the claim acr its level; default: the STORK levels that BundID uses. A value that is
	// missing here counts as Basic: somebody has signed in, and no more is known.
	ACR      map[string]access.Level
	Key      []byte // at least 32 secret bytes, the same after a restart and in every process
	Sessions *identity.Sessions
	// Actor tells who an account is: identity.Directory.Actor.
	Actor    func(context.Context, identity.Claims) (access.Actor, error)
	Language func(*http.Request) string // the language of the page, for the provider's
	Client   *http.Client
	Now      func() time.Time
	Log      *slog.Logger
}

// Login signs people in and out.
type Login struct {
	cfg  Config
	seal cipher.AEAD

	mu    sync.Mutex
	party rp.RelyingParty
}

// StorkLevels are the acr values of BundID and the German service accounts.
func StorkLevels() map[string]access.Level {
	return map[string]access.Level{
		"STORK-QAA-Level-1": access.Basic,
		"STORK-QAA-Level-3": access.Substantial,
		"STORK-QAA-Level-4": access.High,
	}
}

// New checks the configuration. It doesn't speak to the provider yet, which may start later than we do.
func New(cfg Config) (*Login, error) {
	const op = "oidclogin.new"
	if cfg.Issuer == "" || cfg.ClientID == "" || cfg.BaseURL == "" || cfg.Sessions == nil || cfg.Actor == nil {
		return nil, fault.Internalf(op, "issuer, client id, base URL, sessions and directory are needed")
	}
	if len(cfg.Key) < 32 {
		return nil, fault.Internalf(op, "the key needs 32 bytes")
	}
	if len(cfg.ACR) == 0 {
		cfg.ACR = StorkLevels()
	}
	if cfg.Scopes == nil {
		cfg.Scopes = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeAddress, "mercator"}
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	key, err := hkdf.Key(sha256.New, cfg.Key, nil, "oidclogin attempt", 32)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return &Login{cfg: cfg, seal: seal}, nil
}

type nonceKey struct{}

// provider asks the provider once for its addresses; until it answers, signing in is unavailable.
func (l *Login) provider(ctx context.Context) (rp.RelyingParty, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.party != nil {
		return l.party, nil
	}
	party, err := rp.NewRelyingPartyOIDC(ctx, l.cfg.Issuer, l.cfg.ClientID, l.cfg.ClientSecret, l.cfg.BaseURL+"/signin/callback", l.cfg.Scopes,
		rp.WithHTTPClient(l.cfg.Client),
		rp.WithAuthStyle(oauth2.AuthStyleInHeader),
		rp.WithSigningAlgsFromDiscovery(),
		rp.WithVerifierOpts(
			rp.WithNonce(func(ctx context.Context) string { n, _ := ctx.Value(nonceKey{}).(string); return n }),
			rp.WithIssuedAtOffset(30*time.Second),
			rp.WithIssuedAtMaxAge(10*time.Minute),
		))
	if err != nil {
		return nil, fault.Because(fault.Unavailable, "oidclogin.provider", "oidclogin.unavailable", err)
	}
	l.party = party
	return party, nil
}

// attempt is one sign-in under way; it travels in a sealed cookie.
type attempt struct {
	State    string       `json:"s"`
	Nonce    string       `json:"n"`
	Verifier string       `json:"v"`
	Back     string       `json:"b"`
	Level    access.Level `json:"l"`
	Begun    int64        `json:"t"` // unix seconds
	Fresh    bool         `json:"f,omitempty"`
}

const (
	attemptLife   = 10 * time.Minute
	attemptPrefix = "signin-"
	maxAttempts   = 4 // tabs at once; older attempts are dropped, so that cookies don't pile up
)

func (l *Login) https() bool { return strings.HasPrefix(l.cfg.BaseURL, "https://") }

func (l *Login) cookie(state, value string, age int) *http.Cookie {
	name := sha256.Sum256([]byte(state))
	return &http.Cookie{Name: attemptPrefix + hex.EncodeToString(name[:6]), Value: value, Path: "/signin", HttpOnly: true,
		Secure: l.https(), SameSite: http.SameSiteLaxMode, MaxAge: age}
}

// SignIn leads to the provider: GET /signin?level=substantial&back=/cases. Somebody who is signed in well enough goes
// straight back. With fresh=1 the provider asks for the password in any case.
func (l *Login) SignIn(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	level, err := access.ParseLevel(q.Get("level"))
	if err != nil || level == access.None {
		level = access.Basic
	}
	back, fresh := localPath(q.Get("back")), q.Get("fresh") == "1"
	if a, ok := identity.Current(r); ok && a.Level >= level && !fresh {
		see(w, back)
		return nil
	}
	party, err := l.provider(r.Context())
	if err != nil {
		return err
	}
	at := attempt{State: ident.Secret(16), Nonce: ident.Secret(16), Verifier: oauth2.GenerateVerifier(), Back: back, Level: level,
		Begun: l.cfg.Now().Unix(), Fresh: fresh}
	text, err := json.Marshal(at)
	if err != nil {
		return fault.Wrap("oidclogin.signIn", err)
	}
	l.dropOld(w, r)
	http.SetCookie(w, l.cookie(at.State, base64.RawURLEncoding.EncodeToString(l.seal.Seal(nil, nil, text, nil)), int(attemptLife/time.Second)))

	options := []rp.AuthURLOpt{
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(at.Verifier)),
		rp.AuthURLOpt(rp.WithURLParam("nonce", at.Nonce)),
	}
	if values := l.values(level); len(values) > 0 {
		options = append(options, rp.AuthURLOpt(rp.WithURLParam("acr_values", strings.Join(values, " "))))
	}
	if fresh {
		options = append(options, rp.WithPrompt(oidc.PromptLogin))
	}
	if l.cfg.Language != nil {
		options = append(options, rp.AuthURLOpt(rp.WithURLParam("ui_locales", l.cfg.Language(r))))
	}
	see(w, rp.AuthURL(at.State, party, options...))
	return nil
}

// values are the acr values that satisfy a level, the lowest first.
func (l *Login) values(least access.Level) []string {
	var out []string
	for level := least; level <= access.High; level++ {
		var same []string
		for value, is := range l.cfg.ACR {
			if is == level {
				same = append(same, value)
			}
		}
		slices.Sort(same)
		out = append(out, same...)
	}
	return out
}

func (l *Login) dropOld(w http.ResponseWriter, r *http.Request) {
	n := 0
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, attemptPrefix) {
			if n++; n >= maxAttempts {
				c.Value, c.Path, c.MaxAge, c.HttpOnly = "", "/signin", -1, true
				http.SetCookie(w, c)
			}
		}
	}
}

// attemptOf finds the attempt that an answer belongs to: this browser began it, not long ago, and hasn't used it yet.
func (l *Login) attemptOf(w http.ResponseWriter, r *http.Request, state string) (attempt, error) {
	if state == "" || len(state) > 200 {
		return attempt{}, errors.New("no state")
	}
	name := l.cookie(state, "", -1)
	c, err := r.Cookie(name.Name)
	if err != nil {
		return attempt{}, errors.New("no such attempt in this browser")
	}
	http.SetCookie(w, name)
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return attempt{}, err
	}
	text, err := l.seal.Open(nil, nil, raw, nil)
	if err != nil {
		return attempt{}, err
	}
	var at attempt
	if err := json.Unmarshal(text, &at); err != nil {
		return attempt{}, err
	}
	if subtle.ConstantTimeCompare([]byte(at.State), []byte(state)) != 1 {
		return attempt{}, errors.New("another attempt's state")
	}
	if age := l.cfg.Now().Sub(time.Unix(at.Begun, 0)); age > attemptLife || age < -time.Minute {
		return attempt{}, errors.New("the attempt has expired")
	}
	return at, nil
}

// Callback takes the provider's answer: GET /signin/callback.
func (l *Login) Callback(w http.ResponseWriter, r *http.Request) error {
	const op = "oidclogin.callback"
	q := r.URL.Query()
	at, err := l.attemptOf(w, r, q.Get("state"))
	if err != nil {
		return fault.Because(fault.Invalid, op, "oidclogin.attempt", err)
	}
	if problem := q.Get("error"); problem != "" {
		if problem == string(oidc.AccessDenied) {
			return fault.Because(fault.Denied, op, "oidclogin.cancelled", errors.New("the person cancelled"))
		}
		return fault.Because(fault.Unavailable, op, "oidclogin.unavailable", fmt.Errorf("the provider says %.100q", problem))
	}
	party, err := l.provider(r.Context())
	if err != nil {
		return err
	}
	ctx := context.WithValue(r.Context(), nonceKey{}, at.Nonce)
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, q.Get("code"), party, rp.WithCodeVerifier(at.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode >= 500 {
			return fault.Because(fault.Unavailable, op, "oidclogin.unavailable", err)
		}
		var network *url.Error
		if errors.As(err, &network) {
			return fault.Because(fault.Unavailable, op, "oidclogin.unavailable", err)
		}
		return fault.Because(fault.Invalid, op, "oidclogin.token", withoutBody(err))
	}
	claims := tokens.IDTokenClaims
	level, ok := l.cfg.ACR[claims.AuthenticationContextClassReference]
	if !ok {
		level = access.Basic
	}
	if level < at.Level {
		return fault.Because(fault.Denied, op, "oidclogin.level", fmt.Errorf("asked for %s, got %s", at.Level, level))
	}
	// A session of the provider won't do when the password was to be asked anew.
	if at.Fresh && claims.GetAuthTime().Before(time.Unix(at.Begun, 0).Add(-30*time.Second)) {
		return fault.Because(fault.Invalid, op, "oidclogin.token", errors.New("the sign-in isn't fresh"))
	}
	who := identity.Claims{Issuer: claims.Issuer, Subject: claims.Subject, GivenName: claims.GivenName, FamilyName: claims.FamilyName,
		BirthDate: claims.Birthdate, Level: level, Roles: texts(claims.Claims["mercator_roles"])}
	who.Office, _ = claims.Claims["mercator_office"].(string)
	who.Staff, _ = claims.Claims["mercator_staff"].(string)
	if who.GivenName == "" && who.FamilyName == "" && party.UserinfoEndpoint() != "" {
		// Providers may keep the identity token short and tell the rest when asked.
		info, err := rp.Userinfo[*oidc.UserInfo](ctx, tokens.AccessToken, tokens.Type(), claims.Subject, party)
		if err != nil {
			return fault.Because(fault.Unavailable, op, "oidclogin.unavailable", withoutBody(err))
		}
		who.GivenName, who.FamilyName, who.BirthDate = info.GivenName, info.FamilyName, info.Birthdate
		who.Roles = texts(info.Claims["mercator_roles"])
		who.Office, _ = info.Claims["mercator_office"].(string)
		who.Staff, _ = info.Claims["mercator_staff"].(string)
	}
	actor, err := l.cfg.Actor(r.Context(), who)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if _, err := l.cfg.Sessions.SignIn(r.Context(), w, r, actor, tokens.IDToken); err != nil {
		return fault.Wrap(op, err)
	}
	see(w, at.Back)
	return nil
}

// withoutBody keeps what the provider answered out of the log: it may be about a person.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Errorf("the provider refused the code: %.60q", refused.ErrorCode)
	}
	return err
}

// SignOut ends our session, then the provider's: POST /signout. The form's page must allow the provider's origin
// (FormOrigin) in its policy.
func (l *Login) SignOut(w http.ResponseWriter, r *http.Request) error {
	hint, err := l.cfg.Sessions.SignOut(r.Context(), w, r)
	if err != nil {
		return fault.Wrap("oidclogin.signOut", err)
	}
	if hint == "" {
		see(w, "/")
		return nil
	}
	party, err := l.provider(r.Context())
	if err != nil || party.GetEndSessionEndpoint() == "" {
		l.cfg.Log.Warn("signed out here, but not at the identity provider", "err", err)
		see(w, "/")
		return nil
	}
	end, err := url.Parse(party.GetEndSessionEndpoint())
	if err != nil {
		return fault.Wrap("oidclogin.signOut", err)
	}
	q := end.Query()
	q.Set("id_token_hint", hint)
	q.Set("post_logout_redirect_uri", l.cfg.BaseURL+"/")
	q.Set("client_id", l.cfg.ClientID)
	end.RawQuery = q.Encode()
	see(w, end.String())
	return nil
}

// FormOrigin is the provider's origin, which the content security policy must allow as the target of forms.
func (l *Login) FormOrigin() string {
	u, err := url.Parse(l.cfg.Issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func see(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok && s != "" && len(out) < 50 {
			out = append(out, s)
		}
	}
	return out
}

// localPath takes an address only if it is a path of this site: nobody makes us send a person elsewhere.
func localPath(s string) string {
	if s == "" || len(s) > 2000 || s[0] != '/' || strings.HasPrefix(s, "//") {
		return "/"
	}
	// Anything but plain characters: browsers drop some, and net/url writes an address anew that holds a space, which can
	// turn /%2f into two slashes, another host.
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return "/"
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path == "/signin" || u.Path == "/signin/callback" {
		return "/"
	}
	return s
}
