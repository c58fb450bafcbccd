// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"errors"
	"net/http"
	"slices"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// What belongs to a browser whose person hasn't signed in, or not any more: the drafts begun in it, and a page that it sent when
// the session had ended. Both are found by a token in a cookie.

const (
	guestCookie  = "mercator-begun"
	parkedCookie = "mercator-parked"
)

func (p *Pages) cookieName(name string) string {
	if p.c.Secure {
		return "__Host-" + name
	}
	return name
}

// setCookie gives a token to the browser until it is closed; empty: takes it away.
func (p *Pages) setCookie(w http.ResponseWriter, name, token string) {
	c := &http.Cookie{Name: p.cookieName(name), Value: token, Path: "/", HttpOnly: true, Secure: p.c.Secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func (p *Pages) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// guest is who has begun in this browser without signing in, if anybody has.
func (p *Pages) guest(r *http.Request) (access.Actor, bool) {
	return intake.GuestOf(p.cookie(r, guestCookie))
}

// claim makes a draft of the browser the person's, who has come to it signed in. Not before they are signed in well enough for
// the service: until then it stays the browser's.
func (p *Pages) claim(r *http.Request, a, guest access.Actor, notFound error) (intake.Draft, error) {
	id := r.PathValue("draft")
	d, err := p.c.Intake.Draft(r.Context(), guest, id)
	if fault.Is(err, fault.NotFound) {
		return d, notFound
	}
	if err != nil {
		return d, err
	}
	if e, err := p.c.Intake.EventOf(r.Context(), nil, d); err != nil || e != nil {
		if err == nil {
			d, err = p.claimPart(r, a, guest, d)
		}
		return d, err
	}
	s, err := p.c.Intake.Service(d)
	if err == nil {
		err = level(a, s)
	}
	if err != nil {
		return d, err
	}
	return p.c.Intake.Claim(r.Context(), a, guest, id)
}

// claimPart is claim for a draft of a life event: all of it becomes the person's.
func (p *Pages) claimPart(r *http.Request, a, guest access.Actor, d intake.Draft) (intake.Draft, error) {
	w, err := p.claimBundle(r, a, guest, d.Bundle, fault.New(fault.NotFound, "intakeweb.claim", "intake.noDraft"))
	if err != nil {
		return d, err
	}
	for _, f := range w.Parts {
		if f.Service.ID == d.Service {
			return f.Draft, nil
		}
	}
	return p.c.Intake.Draft(r.Context(), a, d.ID)
}

// claimBundle makes a life event of the browser the person's, as claim does.
func (p *Pages) claimBundle(r *http.Request, a, guest access.Actor, id string, notFound error) (*intake.Bundled, error) {
	lang := web.Localizer(r).Lang()
	w, err := p.c.Intake.Bundled(r.Context(), guest, id, lang)
	if fault.Is(err, fault.NotFound) {
		return nil, notFound
	}
	if err == nil {
		err = reaches(a, w.Trust())
	}
	if err != nil {
		return nil, err
	}
	b, err := p.c.Intake.ClaimBundle(r.Context(), a, guest, id)
	if err != nil {
		return nil, err
	}
	return p.c.Intake.Bundled(r.Context(), a, b.ID, lang)
}

// signIn is where somebody signs in to go on with what they have begun: once, for all of a life event.
func signIn(f *intake.Filling) string {
	need := f.Service.Trust
	if f.Whole != nil {
		need = f.Whole.Trust()
	}
	return web.SignInPath(need.String(), path("apply", f.Draft.ID))
}

// beginPage asks whether to sign in first.
type beginPage struct {
	Service string // or life event
	Form    ui.Form
}

// offerBegin asks whether to sign in first for what is described at an address and needs a level in the end.
func (p *Pages) offerBegin(w http.ResponseWriter, r *http.Request, title service.Text, need access.Level, at, back string) error {
	loc := web.Localizer(r)
	return p.begin.Render(w, r, http.StatusOK, web.Page[beginPage]{
		Title: loc.T("intake.guest.title"),
		Shell: web.Portal("services").WithBack(loc.T(back), at),
		Data: beginPage{Service: title.For(loc.Lang()), Form: ui.Form{Action: at + "/start", Buttons: []ui.Button{
			{Text: loc.T("intake.guest.signInFirst"), Href: web.SignInPath(need.String(), at+"/start")},
			{Text: loc.T("intake.guest.begin"), Kind: "secondary"}}}},
	})
}

// startGuest begins without signing in.
func (p *Pages) startGuest(w http.ResponseWriter, r *http.Request) error {
	if s, err := p.c.Intake.Service(intake.Draft{Service: r.PathValue("id")}); err != nil || !s.Anonymous {
		return fault.New(fault.NotFound, "intakeweb.startGuest", "")
	}
	if _, ok := identity.Current(r); ok { // signed in meanwhile
		web.SeeOther(w, path("services", r.PathValue("id"), "start"))
		return nil
	}
	guest, token := p.newGuest(r)
	d, err := p.c.Intake.StartGuest(r.Context(), guest, r.PathValue("id"), web.Network(r))
	if err != nil {
		return err
	}
	p.setCookie(w, guestCookie, token)
	web.SeeOther(w, path("apply", d.ID))
	return nil
}

// newGuest is guest for whoever begins: with a token for a browser that has none.
func (p *Pages) newGuest(r *http.Request) (guest access.Actor, token string) {
	token = p.cookie(r, guestCookie)
	guest, ok := intake.GuestOf(token)
	if !ok {
		token = intake.NewGuest()
		guest, _ = intake.GuestOf(token)
	}
	return guest, token
}

// park keeps a page that was sent when the session had ended, and leads to the sign-in and back. What can't be kept is answered
// as any post without a session.
func (p *Pages) park(w http.ResponseWriter, r *http.Request, unsigned error) error {
	in, err := posted(r)
	if err != nil {
		return unsigned
	}
	keep := intake.Parked{Draft: r.PathValue("draft"), Page: r.PathValue("page"), Post: in, Files: web.AnyFiles(r)}
	token, err := p.c.Intake.Park(r.Context(), keep, web.Network(r))
	switch {
	case fault.Is(err, fault.TooMany) || fault.Is(err, fault.TooLarge):
		return unsigned
	case err != nil:
		return err
	}
	p.setCookie(w, parkedCookie, token)
	web.SeeOther(w, web.SignInPath(levelOf(unsigned), path("apply", keep.Draft, "page", keep.Page)))
	return nil
}

// levelOf is the level that a refusal asks for.
func levelOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		for i := 0; i+1 < len(f.Args); i += 2 {
			if s, ok := f.Args[i+1].(string); ok && f.Args[i] == "level" {
				return s
			}
		}
	}
	return ""
}

// unpark puts into the draft what was kept of this browser for it. again: files have to be chosen once more.
func (p *Pages) unpark(w http.ResponseWriter, r *http.Request, v *visit) (kept, again bool, err error) {
	token := p.cookie(r, parkedCookie)
	if token == "" || v.guest {
		return false, false, nil
	}
	x, ok, err := p.c.Intake.Unpark(r.Context(), v.actor, token, v.draft.ID, v.loc.Lang())
	if err != nil || !ok {
		return false, false, err
	}
	p.setCookie(w, parkedCookie, "")
	v.draft, err = p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID)
	return true, x.Files, err
}

// takeRival puts what was written elsewhere into its field of the post, if that is asked for.
func (p *Pages) takeRival(r *http.Request, v visit, in map[string][]string) (bool, error) {
	names := in[intake.TakeField]
	if len(names) == 0 {
		return false, nil
	}
	f, err := p.c.Intake.FillAlone(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return false, err
	}
	for _, x := range f.Rivalries(r.PathValue("page")) {
		name := x.Item.Name
		if name != names[0] || !slices.Contains(in[intake.RivalField], name+":"+x.Mark) {
			continue
		}
		for _, part := range [...]string{".day", ".month", ".year"} {
			delete(in, name+part)
		}
		in[name] = nil
		switch value := x.Rival.Value.(type) {
		case []any:
			for _, one := range value {
				in[name] = append(in[name], form.Option{Value: one}.OptionText())
			}
		case bool:
			if value {
				in[name] = []string{"true"}
			}
		default:
			in[name] = []string{form.EditText(x.Rival, v.loc)}
		}
	}
	return true, nil
}

// seenAnswer tells a page that is open how its fields are by now.
type seenAnswer struct {
	Seen    string   `json:"seen"`
	Rivals  []string `json:"rivals,omitempty"`
	Version string   `json:"version,omitempty"` // of a page that waits for somebody (live.js)
}

// seen is what a page asks for that is open: whether something was changed elsewhere.
func (p *Pages) seen(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enter(r)
	if err != nil {
		return err
	}
	if v.moved != "" {
		return fault.New(fault.Conflict, "intakeweb.seen", "intake.submitted")
	}
	return p.answerSeen(w, r, v)
}

func (p *Pages) answerSeen(w http.ResponseWriter, r *http.Request, v visit) error {
	d, err := p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID)
	if err != nil {
		return err
	}
	f, err := p.c.Intake.FillAlone(r.Context(), v.actor, d, v.loc.Lang())
	if err != nil {
		return err
	}
	page := r.PathValue("page")
	out := seenAnswer{Seen: f.Seen(page)}
	for _, x := range f.Rivalries(page) {
		out.Rivals = append(out.Rivals, x.Item.Name)
	}
	return web.WriteJSON(w, r, http.StatusOK, out)
}
