// SPDX-License-Identifier: EUPL-1.2

package paydemo

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"

	"mercator/adapter/xbezahl"
	"mercator/base/i18n"
	"mercator/base/ident"
)

//go:embed templates/*.html assets/style.css
var files embed.FS

//go:embed messages.*.toml
var messages embed.FS

// The ways in which a payment can end, as the checkout offers them.
const (
	endPaid   = "paid"
	endFails  = "fails"
	endLost   = "lost"
	endTwice  = "twice"
	endForged = "forged"
	endWrong  = "wrong"
)

func ends() []string { return []string{endPaid, endFails, endLost, endTwice, endForged, endWrong} }

type page struct {
	*i18n.Localizer
	Title     string // message key
	Text      string // message key
	Languages []languageLink
	Action    string
	Payee     string
	Amount    string
	Purpose   string
	Reference string
	Ends      []string
	Back      string
}

type languageLink struct {
	Code, Name, Href string
	Current          bool
}

func (p *Provider) show(w http.ResponseWriter, r *http.Request, status int, name string, pg page, back string) {
	names := map[string]string{"de": "Deutsch", "en": "English", "tr": "Türkçe"}
	for _, code := range i18n.Required {
		pg.Languages = append(pg.Languages, languageLink{code, names[code], r.URL.Path + "?lang=" + code, code == pg.Lang()})
	}
	t, err := template.ParseFS(files, "templates/layout.html", "templates/"+name+".html")
	if err != nil {
		p.cfg.Log.Error("payment provider: template", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	// The answer to the form is a redirect to the service, and browsers hold form-action against redirects too.
	action := "'self'"
	if u, err := url.Parse(back); err == nil && u.Host != "" {
		action += " " + u.Scheme + "://" + u.Host
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action "+action+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", pg.Lang())
	w.WriteHeader(status)
	if err := t.ExecuteTemplate(w, "layout.html", pg); err != nil {
		p.cfg.Log.Error("payment provider: page", "page", name, "err", err)
	}
}

func (p *Provider) localizer(r *http.Request) *i18n.Localizer {
	return p.catalogue.Match(r.FormValue("lang"), r.Header.Get("Accept-Language"))
}

func (p *Provider) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, files, "assets/style.css")
}

func (p *Provider) home(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "message", page{Localizer: p.localizer(r), Title: "paydemo.title", Text: "paydemo.home"}, "")
}

func (p *Provider) checkout(w http.ResponseWriter, r *http.Request) {
	t, ok := p.book.get(r.PathValue("transaction"))
	if !ok {
		p.show(w, r, http.StatusNotFound, "message", page{Localizer: p.localizer(r), Title: "paydemo.unknown.title", Text: "paydemo.unknown.text"}, "")
		return
	}
	loc := p.localizer(r)
	if t.Status != xbezahl.StatusInitial {
		p.show(w, r, http.StatusOK, "message", page{Localizer: loc, Title: "paydemo.over.title", Text: "paydemo.over.text", Back: t.Request.RedirectURL}, "")
		return
	}
	cents, err := xbezahl.Cents(t.Request.GrosAmount)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	p.show(w, r, http.StatusOK, "checkout", page{Localizer: loc, Title: "paydemo.checkout.title", Action: "/checkout/" + t.ID, Payee: p.cfg.Payee,
		Amount: loc.Money(cents), Purpose: t.Request.Purpose, Reference: t.Reference, Ends: ends()}, t.Request.RedirectURL)
}

// decide ends a transaction as the person wishes, once, and sends the person back.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	end := r.PostFormValue("end")
	now := p.cfg.Now().UTC()
	next := func(forged bool) call { return call{Nonce: ident.Secret(16), Next: now, Forged: forged} }
	t, _, err := p.book.change(r.PathValue("transaction"), func(t *transaction) ([]transaction, bool) {
		if t.Status != xbezahl.StatusInitial {
			return nil, false
		}
		if r.PostFormValue("step") == "cancel" {
			t.Status, t.Calls = xbezahl.StatusCanceled, append(t.Calls, next(false))
			return nil, true
		}
		switch end {
		case endForged: // nothing was paid, but somebody says so
			t.Calls = append(t.Calls, next(true))
			return nil, true
		case endFails:
			t.Status, t.Detail, t.Calls = xbezahl.StatusFailed, "declined", append(t.Calls, next(false))
			return nil, true
		}
		t.Status, t.Method = xbezahl.StatusPayed, "OTHER"
		switch end {
		case endLost: // no call
		case endWrong:
			if cents, err := xbezahl.Cents(t.Request.GrosAmount); err == nil {
				t.Charged = xbezahl.Euros(cents + 100)
			}
			t.Calls = append(t.Calls, next(false))
		case endTwice:
			t.Calls = append(t.Calls, next(false))
			second := *t
			second.ID, second.Reference, second.Calls = ident.Secret(24), newReference(), []call{next(false)}
			return []transaction{second}, true
		default:
			t.Calls = append(t.Calls, next(false))
		}
		return nil, true
	})
	if err != nil {
		p.cfg.Log.Error("payment provider: books", "err", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	if t.ID == "" {
		p.show(w, r, http.StatusNotFound, "message", page{Localizer: p.localizer(r), Title: "paydemo.unknown.title", Text: "paydemo.unknown.text"}, "")
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
	http.Redirect(w, r, t.Request.RedirectURL, http.StatusSeeOther)
}
