// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"fmt"
	"html/template"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"mercator/base/i18n"
)

//go:embed templates/*.html assets/style.css
var files embed.FS

//go:embed messages.*.toml
var messages embed.FS

// page is what every template of the provider gets.
type page struct {
	*i18n.Localizer
	Title     string // message key
	Languages []languageLink

	ID        string // the request
	Signed    string // login of the session that is to be raised
	Login     string // what was typed, or the hint
	Ways      []wayChoice
	Minimum   string
	Proof     string
	Way       string
	Error     string // message key
	ErrorLine int    // for the message: attempts left or minutes
	Password  string
	Samples   []Account
	Back      string // where the client wants the person to go
	Hidden    [][2]string
}

type languageLink struct {
	Code, Name, Href string
	Current          bool
}

type wayChoice struct {
	Name    string
	Checked bool
}

func (p *Provider) localizer(r *http.Request, req request) *i18n.Localizer {
	return p.catalogue.Match(r.FormValue("lang"), req.languages, r.Header.Get("Accept-Language"))
}

func (p *Provider) show(w http.ResponseWriter, r *http.Request, status int, name string, req request, pg page) {
	if pg.Localizer == nil {
		pg.Localizer = p.localizer(r, req)
	}
	names := map[string]string{"de": "Deutsch", "en": "English", "tr": "Türkçe"}
	for _, code := range i18n.Required {
		q := url.Values{"lang": {code}}
		if req.id != "" {
			q.Set("id", req.id)
		}
		path := r.URL.Path
		if r.Method != http.MethodGet {
			path = "/login"
		}
		if name == "end" || name == "message" {
			continue // their address holds more than we would repeat in a link
		}
		pg.Languages = append(pg.Languages, languageLink{code, names[code], path + "?" + q.Encode(), code == pg.Lang()})
	}
	t, err := template.ParseFS(files, "templates/layout.html", "templates/"+name+".html")
	if err != nil {
		p.cfg.Log.Error("identity provider: template", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	// The answer to the form is a redirect to the client, and browsers hold form-action against redirects too.
	action := "'self'"
	if u, err := url.Parse(req.redirect); err == nil && u.Host != "" {
		action += " " + u.Scheme + "://" + u.Host
	}
	h := w.Header()
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; form-action "+action+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", pg.Lang())
	w.WriteHeader(status)
	if err := t.ExecuteTemplate(w, "layout.html", pg); err != nil {
		p.cfg.Log.Error("identity provider: page", "page", name, "err", err)
	}
}

func (p *Provider) message(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	p.show(w, r, status, "message", request{}, page{Title: title, Error: text})
}

func (p *Provider) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, files, "assets/style.css")
}

func (p *Provider) home(w http.ResponseWriter, r *http.Request) {
	p.message(w, r, http.StatusOK, "idp.title", "idp.home")
}

// current finds the request that the browser works on, or tells that there is none.
func (p *Provider) current(w http.ResponseWriter, r *http.Request) (request, bool) {
	id := r.FormValue("id")
	req, ok := p.requests.get(id)
	if !ok || req.done || !browserOf(r.Context()).mine(req) {
		p.message(w, r, http.StatusBadRequest, "idp.gone.title", "idp.gone.text")
		return request{}, false
	}
	return req, true
}

func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request) {
	req, ok := p.current(w, r)
	if !ok {
		return
	}
	b := browserOf(r.Context())
	if p.suffices(b.session, req) {
		p.finish(w, r, req, b.session)
		return
	}
	if req.proof != "" {
		p.showProof(w, r, http.StatusOK, req, page{})
		return
	}
	p.showPassword(w, r, http.StatusOK, req, page{Login: req.hint})
}

// raisable tells whether only a higher level is missing: then the password isn't asked again.
func (p *Provider) raisable(b browser, req request) bool {
	return b.session.Login != "" && !req.fresh && p.recent(b.session, req)
}

func (p *Provider) showPassword(w http.ResponseWriter, r *http.Request, status int, req request, pg page) {
	pg.Title, pg.ID, pg.Minimum = "idp.login.title", req.id, req.minimum.String()
	pg.Password, pg.Samples = p.cfg.Password, p.cfg.Samples
	if b := browserOf(r.Context()); p.raisable(b, req) {
		pg.Signed, pg.Title = b.session.Login, "idp.raise.title"
	}
	chosen := levelNamed(r.PostFormValue("way"))
	if chosen < req.minimum {
		chosen = req.minimum
	}
	for _, l := range levels() {
		if l >= req.minimum {
			pg.Ways = append(pg.Ways, wayChoice{l.String(), l == chosen})
		}
	}
	p.show(w, r, status, "password", req, pg)
}

func (p *Provider) showProof(w http.ResponseWriter, r *http.Request, status int, req request, pg page) {
	pg.Title, pg.ID, pg.Proof, pg.Way = "idp.proof."+req.way.String()+".title", req.id, req.proof, req.way.String()
	p.show(w, r, status, "proof", req, pg)
}

// login takes the answers of the two pages.
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.message(w, r, http.StatusRequestEntityTooLarge, "idp.gone.title", "idp.gone.text")
		return
	}
	req, ok := p.current(w, r)
	if !ok {
		return
	}
	switch r.PostFormValue("step") {
	case "cancel":
		p.requests.remove(req.id)
		op.AuthRequestError(w, r, req, oidc.ErrAccessDenied().WithDescription("the person cancelled"), p.op)
	case "other":
		p.requests.change(req.id, func(q request) request {
			q.fresh, q.login, q.proof, q.hint = true, "", "", ""
			return q
		})
		http.Redirect(w, r, "/login?"+p.back(r, req), http.StatusSeeOther)
	case "proof":
		p.takeProof(w, r, req)
	default:
		p.takePassword(w, r, req)
	}
}

func (p *Provider) back(r *http.Request, req request) string {
	q := url.Values{"id": {req.id}}
	if lang := r.PostFormValue("lang"); slices.Contains(i18n.Required[:], lang) {
		q.Set("lang", lang)
	}
	return q.Encode()
}

func (p *Provider) takePassword(w http.ResponseWriter, r *http.Request, req request) {
	b := browserOf(r.Context())
	way := levelNamed(r.PostFormValue("way"))
	if way < req.minimum {
		p.showPassword(w, r, http.StatusUnprocessableEntity, req, page{Error: "idp.error.way", Login: r.PostFormValue("login")})
		return
	}
	login := b.session.Login
	if !p.raisable(b, req) || r.PostFormValue("login") != "" {
		login = strings.ToLower(strings.TrimSpace(r.PostFormValue("login")))
		if len(login) > 100 {
			login = login[:100]
		}
		if p.locked(login) {
			p.showPassword(w, r, http.StatusTooManyRequests, req,
				page{Error: "idp.error.locked", ErrorLine: int(lockedFor / time.Minute), Login: login})
			return
		}
		_, known := p.cfg.Lookup(r.Context(), login)
		right := subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(p.cfg.Password)) == 1
		if !known || !right {
			// An unknown login counts as well, or the lock would tell which ones exist.
			if n := p.wrong.change(login, func(n int) int { return n + 1 }); n >= maxWrong {
				p.cfg.Log.Warn("identity provider: an account is locked after wrong passwords")
				p.showPassword(w, r, http.StatusTooManyRequests, req,
					page{Error: "idp.error.locked", ErrorLine: int(lockedFor / time.Minute), Login: login})
				return
			}
			p.showPassword(w, r, http.StatusUnprocessableEntity, req, page{Error: "idp.error.password", Login: login})
			return
		}
		p.wrong.remove(login)
	}
	if way == Normal {
		p.signIn(w, r, req, login, Normal)
		return
	}
	proof, err := newProof()
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	p.requests.change(req.id, func(q request) request {
		q.login, q.way, q.proof, q.wrong = login, way, proof, 0
		return q
	})
	http.Redirect(w, r, "/login?"+p.back(r, req), http.StatusSeeOther)
}

func (p *Provider) locked(login string) bool {
	n, _ := p.wrong.get(login)
	return n >= maxWrong
}

// newProof is the second factor: in the demo a number that the page itself shows.
func newProof() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%06d", n), nil
}

func (p *Provider) takeProof(w http.ResponseWriter, r *http.Request, req request) {
	if req.proof == "" || req.login == "" {
		p.showPassword(w, r, http.StatusUnprocessableEntity, req, page{})
		return
	}
	given := strings.ReplaceAll(r.PostFormValue("proof"), " ", "")
	if subtle.ConstantTimeCompare([]byte(given), []byte(req.proof)) != 1 {
		after := p.requests.change(req.id, func(q request) request {
			q.wrong++
			return q
		})
		if after.wrong >= maxWrong {
			p.requests.remove(req.id)
			p.message(w, r, http.StatusTooManyRequests, "idp.gone.title", "idp.error.proofs")
			return
		}
		p.showProof(w, r, http.StatusUnprocessableEntity, req, page{Error: "idp.error.proof", ErrorLine: maxWrong - after.wrong})
		return
	}
	p.signIn(w, r, req, req.login, req.way)
}

// signIn begins a new session of the provider; its id changes, so a cookie from before is worth nothing.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request, req request, login string, level Level) {
	if old := browserOf(r.Context()).session; old.ID != "" {
		p.ended.put(old.ID, struct{}{})
	}
	now := p.cfg.Now()
	s := session{ID: secret(), Login: login, Level: level, When: now.Unix(), Until: now.Add(p.cfg.SessionLife).Unix()}
	sealed, err := p.keys.sealed("session", s)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, p.cookie(sessionCookie, sealed, int(p.cfg.SessionLife/time.Second)))
	p.finish(w, r, req, s)
}

// finish answers the client with a code.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, req request, s session) {
	won := false
	done := p.requests.change(req.id, func(q request) request {
		if q.id == "" || q.done { // finished or forgotten since: somebody was faster
			return q
		}
		won = true
		q.login, q.subject = s.Login, p.Pairwise(q.clientID, s.Login)
		q.reached, q.acr = s.Level, p.cfg.ACR[s.Level]
		q.when, q.done, q.proof = time.Unix(s.When, 0).UTC(), true, ""
		return q
	})
	if !won {
		p.message(w, r, http.StatusBadRequest, "idp.gone.title", "idp.gone.text")
		return
	}
	op.AuthResponse(done, p.op, w, r.WithContext(op.ContextWithIssuer(r.Context(), p.cfg.Issuer)))
}

// endSession is RP-initiated logout. With the identity token of the person who is signed in it's done at once;
// otherwise the person is asked, or any page could sign them out.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	ctx := op.ContextWithIssuer(r.Context(), p.cfg.Issuer)
	ask, err := op.ParseEndSessionRequest(r, p.op.Decoder())
	if err != nil {
		p.message(w, r, http.StatusBadRequest, "idp.gone.title", "idp.end.invalid")
		return
	}
	end, err := op.ValidateEndSessionRequest(ctx, ask, p.op)
	if err != nil {
		p.message(w, r, http.StatusBadRequest, "idp.gone.title", "idp.end.invalid")
		return
	}
	s := browserOf(r.Context()).session
	if s.Login != "" && (end.IDTokenHintClaims == nil || end.UserID != p.Pairwise(end.ClientID, s.Login)) {
		hidden := [][2]string{{"client_id", ask.ClientID}, {"post_logout_redirect_uri", ask.PostLogoutRedirectURI}, {"state", ask.State}}
		p.show(w, r, http.StatusOK, "end", request{}, page{
			Localizer: p.catalogue.Match(r.FormValue("lang"), r.FormValue("ui_locales"), r.Header.Get("Accept-Language")),
			Title:     "idp.end.title", Signed: s.Login, Hidden: hidden})
		return
	}
	p.end(w, s)
	http.Redirect(w, r, end.RedirectURI, http.StatusFound)
}

func (p *Provider) end(w http.ResponseWriter, s session) {
	if s.ID != "" {
		p.ended.put(s.ID, struct{}{})
	}
	http.SetCookie(w, p.cookie(sessionCookie, "", -1))
}

// confirmEnd is the answer of a person to our own page. It goes to a link, not on to the client: form-action.
func (p *Provider) confirmEnd(w http.ResponseWriter, r *http.Request) {
	p.end(w, browserOf(r.Context()).session)
	ask, err := op.ParseEndSessionRequest(r, p.op.Decoder())
	if err == nil {
		if end, err := op.ValidateEndSessionRequest(op.ContextWithIssuer(r.Context(), p.cfg.Issuer), ask, p.op); err == nil && end.RedirectURI != "/signed-out" {
			p.show(w, r, http.StatusOK, "message", request{}, page{Title: "idp.out.title", Error: "idp.out.text", Back: end.RedirectURI})
			return
		}
	}
	p.signedOut(w, r)
}

func (p *Provider) signedOut(w http.ResponseWriter, r *http.Request) {
	p.message(w, r, http.StatusOK, "idp.out.title", "idp.out.text")
}
