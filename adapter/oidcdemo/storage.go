// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// ScopeMercator asks for the claims mercator_roles, mercator_office and mercator_staff.
const ScopeMercator = "mercator"

// Client is a program that may ask this provider.
type Client struct {
	ID     string
	Secret string

	// A portal or a desk: people sign in through it.
	RedirectURIs   []string
	PostLogoutURIs []string

	// A machine: it signs in by itself and gets at most these scopes.
	Machine bool
	Scopes  []string
	Office  string // claim mercator_office of its tokens
}

const (
	requestLife = 15 * time.Minute
	codeLife    = time.Minute
	tokenLife   = 5 * time.Minute
	machineLife = 15 * time.Minute
	maxPending  = 20_000
)

// request is one sign-in under way.
type request struct {
	id        string
	clientID  string
	redirect  string
	state     string
	nonce     string
	scopes    []string
	mode      oidc.ResponseMode
	challenge oidc.CodeChallenge
	minimum   Level
	fresh     bool          // the password is asked even if the provider's session would do
	maxAge    time.Duration // 0: any
	hint      string
	languages string
	agent     [32]byte // hash of the browser's cookie: nobody finishes a sign-in that another browser began

	login   string // known after the password, or from the session
	way     Level
	proof   string // the second factor that is expected, shown on the demo's page
	wrong   int
	subject string
	reached Level
	when    time.Time
	done    bool
	acr     string
}

// op.AuthRequest.
func (r request) GetID() string                         { return r.id }
func (r request) GetACR() string                        { return r.acr }
func (r request) GetAMR() []string                      { return r.reached.amr() }
func (r request) GetAudience() []string                 { return []string{r.clientID} }
func (r request) GetAuthTime() time.Time                { return r.when }
func (r request) GetClientID() string                   { return r.clientID }
func (r request) GetCodeChallenge() *oidc.CodeChallenge { return &r.challenge }
func (r request) GetNonce() string                      { return r.nonce }
func (r request) GetRedirectURI() string                { return r.redirect }
func (r request) GetResponseType() oidc.ResponseType    { return oidc.ResponseTypeCode }
func (r request) GetResponseMode() oidc.ResponseMode    { return r.mode }
func (r request) GetScopes() []string                   { return r.scopes }
func (r request) GetState() string                      { return r.state }
func (r request) GetSubject() string                    { return r.subject }
func (r request) Done() bool                            { return r.done }

// machineRequest is a client-credentials grant.
type machineRequest struct {
	client Client
	scopes []string
	api    string
}

func (m machineRequest) GetSubject() string    { return m.client.ID }
func (m machineRequest) GetAudience() []string { return []string{m.api} }
func (m machineRequest) GetScopes() []string   { return m.scopes }

// tokenID is what an access token's id holds, sealed: so tokens outlive a restart and no table of them is needed.
type tokenID struct {
	Login  string   `json:"l"`
	Client string   `json:"c"`
	Scopes []string `json:"s"`
	Until  int64    `json:"u"` // unix seconds
	Nonce  string   `json:"n"`
}

// storage is the library's view of the provider.
type storage struct{ p *Provider }

var (
	_ op.Storage                        = storage{}
	_ op.ClientCredentialsStorage       = storage{}
	_ op.CanSetUserinfoFromRequest      = storage{}
	_ op.CanGetPrivateClaimsFromRequest = storage{}
)

// CreateAuthRequest stores what a client asks for, or says why not.
func (s storage) CreateAuthRequest(ctx context.Context, a *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if a.CodeChallenge == "" || a.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with code_challenge_method S256 is required")
	}
	if !slices.Contains(a.Scopes, oidc.ScopeOpenID) {
		return nil, oidc.ErrInvalidScope().WithDescription("the scope openid is required")
	}
	browser := browserOf(ctx)
	r := request{
		id: secret(), clientID: a.ClientID, redirect: a.RedirectURI, state: a.State, nonce: a.Nonce,
		scopes: a.Scopes, mode: a.ResponseMode, agent: browser.agent, hint: a.LoginHint,
		challenge: oidc.CodeChallenge{Challenge: a.CodeChallenge, Method: a.CodeChallengeMethod},
		fresh:     slices.Contains(a.Prompt, oidc.PromptLogin) || slices.Contains(a.Prompt, oidc.PromptSelectAccount),
	}
	for _, bound := range []string{a.State, a.Nonce, a.CodeChallenge, a.LoginHint} {
		if len(bound) > 1024 {
			return nil, oidc.ErrInvalidRequest().WithDescription("a parameter is too long")
		}
	}
	var err error
	if r.minimum, err = s.p.minimum(a.ACRValues); err != nil {
		return nil, err
	}
	if a.MaxAge != nil {
		if *a.MaxAge == 0 {
			r.fresh = true
		} else {
			r.maxAge = time.Duration(min(*a.MaxAge, 1<<30)) * time.Second
		}
	}
	tags := make([]string, 0, len(a.UILocales))
	for _, t := range a.UILocales {
		tags = append(tags, t.String())
	}
	r.languages = strings.Join(tags, ",")
	if slices.Contains(a.Prompt, oidc.PromptNone) && !s.p.suffices(browser.session, r) {
		return nil, oidc.ErrLoginRequired()
	}
	s.p.requests.put(r.id, r)
	return r, nil
}

// minimum is the lowest level that a request allows. Values that we don't know are left out, as the standard wants;
// if none is known, the request can't be served.
func (p *Provider) minimum(acr []string) (Level, error) {
	if len(acr) == 0 {
		return Normal, nil
	}
	for _, l := range levels() {
		if slices.Contains(acr, p.cfg.ACR[l]) {
			return l, nil
		}
	}
	return 0, oidc.ErrInvalidRequest().WithDescription("no acr_values that this provider knows")
}

// AuthRequestByID finds a request that the browser is allowed to go on with.
func (s storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	r, ok := s.p.requests.get(id)
	if !ok {
		return nil, oidc.ErrInvalidRequest().WithDescription("no such request")
	}
	return r, nil
}

// AuthRequestByCode takes the code: it works once. Who comes with a used code may have stolen it, so what the first
// one got is withdrawn (RFC 6749, 4.1.2).
func (s storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	id, ok := s.p.codes.take(code)
	if !ok {
		if id, used := s.p.used.get(code); used {
			if token, issued := s.p.issued.get(id); issued {
				s.p.revoked.put(token, struct{}{})
			}
		}
		return nil, errors.New("code unknown, used or expired")
	}
	s.p.used.put(code, id)
	r, ok := s.p.requests.take(id)
	if !ok || !r.done {
		return nil, errors.New("the code's request is gone")
	}
	return r, nil
}

// SaveAuthCode remembers the code of a finished request.
func (s storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.p.codes.put(code, id)
	return nil
}

// DeleteAuthRequest forgets a request.
func (s storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.p.requests.remove(id)
	return nil
}

// CreateAccessToken names a new access token.
func (s storage) CreateAccessToken(_ context.Context, tr op.TokenRequest) (string, time.Time, error) {
	t := tokenID{Scopes: tr.GetScopes(), Nonce: secret()[:22]}
	life := tokenLife
	var requestID string
	switch r := tr.(type) {
	case request:
		t.Login, t.Client, requestID = r.login, r.clientID, r.id
	case machineRequest:
		t.Client, life = r.client.ID, machineLife
	default:
		return "", time.Time{}, oidc.ErrUnsupportedGrantType()
	}
	until := time.Now().Add(life).UTC()
	t.Until = until.Unix()
	id, err := s.p.keys.sealed("token", t)
	if err != nil {
		return "", time.Time{}, err
	}
	if requestID != "" {
		s.p.issued.put(requestID, id)
	}
	return id, until, nil
}

// CreateAccessAndRefreshTokens: this provider gives no refresh tokens; the platform keeps its own session.
func (s storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, oidc.ErrUnsupportedGrantType()
}

// TokenRequestByRefreshToken: there are none.
func (s storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, op.ErrInvalidRefreshToken
}

// GetRefreshTokenInfo: there are none.
func (s storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

// TerminateSession has nothing to do: the session is in the browser's cookie, which the end-session page removes.
func (s storage) TerminateSession(context.Context, string, string) error { return nil }

// RevokeToken withdraws a token of the client that asks.
func (s storage) RevokeToken(_ context.Context, id, _, clientID string) *oidc.Error {
	t, ok := s.p.token(id)
	if !ok {
		return nil // what isn't valid is as good as withdrawn
	}
	if t.Client != clientID {
		return oidc.ErrInvalidClient().WithDescription("token was issued for another client")
	}
	s.p.revoked.put(id, struct{}{})
	return nil
}

// token opens the id of an access token that still holds.
func (p *Provider) token(id string) (tokenID, bool) {
	var t tokenID
	if err := p.keys.unsealed("token", id, &t); err != nil || t.Until < p.cfg.Now().Unix() {
		return tokenID{}, false
	}
	if _, gone := p.revoked.get(id); gone {
		return tokenID{}, false
	}
	return t, true
}

// SigningKey signs tokens.
func (s storage) SigningKey(context.Context) (op.SigningKey, error) {
	return signingKey{s.p.keys}, nil
}

// SignatureAlgorithms are those of discovery.
func (s storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet is what others check our tokens with.
func (s storage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{s.p.keys}}, nil
}

// GetClientByClientID finds a client.
func (s storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, ok := s.p.clients[id]
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
	}
	return client{c, s.p.cfg.IDTokenLife}, nil
}

// AuthorizeClientIDSecret checks a client's secret without telling by its time how much of it was right.
func (s storage) AuthorizeClientIDSecret(_ context.Context, id, given string) error {
	c, ok := s.p.clients[id]
	want, got := sha256.Sum256([]byte(c.Secret)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 || !ok || c.Secret == "" {
		return errors.New("unknown client or wrong secret")
	}
	return nil
}

// ClientCredentials lets a machine in.
func (s storage) ClientCredentials(ctx context.Context, id, given string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, given); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

// ClientCredentialsTokenRequest grants a machine the scopes it asks for, if all are its own; without a wish, all.
func (s storage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	c, ok := s.p.clients[id]
	if !ok || !c.Machine {
		return nil, oidc.ErrUnauthorizedClient()
	}
	for _, scope := range scopes {
		if !slices.Contains(c.Scopes, scope) {
			return nil, oidc.ErrInvalidScope().WithDescription("a scope that this client doesn't have")
		}
	}
	if len(scopes) == 0 {
		scopes = c.Scopes
	}
	return machineRequest{client: c, scopes: scopes, api: s.p.cfg.APIAudience}, nil
}

// SetUserinfoFromScopes is replaced by SetUserinfoFromRequest.
func (s storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills the identity token.
func (s storage) SetUserinfoFromRequest(ctx context.Context, u *oidc.UserInfo, ir op.IDTokenRequest, scopes []string) error {
	r, ok := ir.(request)
	if !ok {
		return oidc.ErrServerError()
	}
	u.Subject = r.subject // or the library takes the empty one
	return s.p.claims(ctx, u, r.login, scopes)
}

// SetUserinfoFromToken answers the user info endpoint.
func (s storage) SetUserinfoFromToken(ctx context.Context, u *oidc.UserInfo, id, subject, _ string) error {
	t, ok := s.p.token(id)
	if !ok || t.Login == "" {
		return oidc.ErrAccessDenied()
	}
	u.Subject = subject
	return s.p.claims(ctx, u, t.Login, t.Scopes)
}

// claims tells what the scopes allow, and no more.
func (p *Provider) claims(ctx context.Context, u *oidc.UserInfo, login string, scopes []string) error {
	a, ok := p.cfg.Lookup(ctx, login)
	if !ok {
		return oidc.ErrAccessDenied()
	}
	if slices.Contains(scopes, oidc.ScopeProfile) {
		u.GivenName, u.FamilyName, u.Birthdate = a.GivenName, a.FamilyName, a.BirthDate
		u.Name = strings.TrimSpace(a.GivenName + " " + a.FamilyName)
	}
	if slices.Contains(scopes, oidc.ScopeAddress) && a.Address != (Address{}) {
		u.Address = &oidc.UserInfoAddress{
			StreetAddress: a.Address.Street, PostalCode: a.Address.PostalCode,
			Locality: a.Address.Locality, Country: a.Address.Country,
		}
	}
	if slices.Contains(scopes, ScopeMercator) && len(a.Roles) > 0 {
		u.AppendClaims("mercator_roles", a.Roles)
		u.AppendClaims("mercator_office", a.Office)
		u.AppendClaims("mercator_staff", a.Login)
	}
	return nil
}

// SetIntrospectionFromToken tells the client that owns a token whether it holds.
func (s storage) SetIntrospectionFromToken(_ context.Context, i *oidc.IntrospectionResponse, id, subject, clientID string) error {
	t, ok := s.p.token(id)
	if !ok || t.Client != clientID {
		return oidc.ErrAccessDenied()
	}
	i.Subject, i.ClientID, i.Scope = subject, t.Client, t.Scopes
	i.Expiration = oidc.FromTime(time.Unix(t.Until, 0))
	return nil
}

// GetPrivateClaimsFromRequest fills access tokens: their scope (RFC 9068), and the office of a machine.
func (s storage) GetPrivateClaimsFromRequest(_ context.Context, tr op.TokenRequest, _ []string) (map[string]any, error) {
	claims := map[string]any{"scope": strings.Join(tr.GetScopes(), " ")}
	if m, ok := tr.(machineRequest); ok && m.client.Office != "" {
		claims["mercator_office"] = m.client.Office
	}
	return claims, nil
}

// GetPrivateClaimsFromScopes is replaced by GetPrivateClaimsFromRequest.
func (s storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// GetKeyByIDAndClientID: clients have secrets here, not keys.
func (s storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errors.New("no client keys")
}

// ValidateJWTProfileScopes: the JWT profile isn't offered.
func (s storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnsupportedGrantType()
}

// Health is always well: everything is in memory.
func (s storage) Health(context.Context) error { return nil }

// client is the library's view of a Client.
type client struct {
	Client
	life time.Duration
}

var _ op.Client = client{}

func (c client) GetID() string                       { return c.ID }
func (c client) RedirectURIs() []string              { return c.Client.RedirectURIs }
func (c client) PostLogoutRedirectURIs() []string    { return c.PostLogoutURIs }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c client) LoginURL(id string) string           { return "/login?id=" + id }
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c client) IDTokenLifetime() time.Duration      { return c.life }
func (c client) DevMode() bool                       { return false }
func (c client) ClockSkew() time.Duration            { return 0 }

// IDTokenUserinfoClaimsAssertion puts the claims into the identity token, which saves a request at every sign-in.
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c client) IsScopeAllowed(scope string) bool { return !c.Machine && scope == ScopeMercator }

func (c client) ResponseTypes() []oidc.ResponseType {
	if c.Machine {
		return nil
	}
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c client) GrantTypes() []oidc.GrantType {
	if c.Machine {
		return []oidc.GrantType{oidc.GrantTypeClientCredentials}
	}
	return []oidc.GrantType{oidc.GrantTypeCode}
}

func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
