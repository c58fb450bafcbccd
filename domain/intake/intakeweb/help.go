// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"context"
	"net/http"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// helpPage is where the owner of a draft asks for help, and ends it.
type helpPage struct {
	Service     string
	Lead        string
	Declares    string    // what somebody declares who is asked to sign
	Link        *ui.Input // of an invitation that was just made; it is shown once
	Until       time.Time
	Form        ui.Form
	Invitations []invitation
}

type invitation struct {
	Text string
	End  ui.Form
}

// invitedPage asks whether somebody wants to help.
type invitedPage struct {
	Service, Owner string
	What           string
	Declares       string // what they would declare by signing
	Form           ui.Form
}

// filled is a field that a helper has filled in.
type filled struct{ Label, By, Href string }

// filledBy lists what helpers have filled in: who hands over looks at it first.
func filledBy(f *intake.Filling, v visit) []filled {
	var out []filled
	if len(v.draft.Filled) == 0 {
		return nil
	}
	for _, pg := range f.Pages() {
		form.Each(f.View.Page(pg.ID), func(it *form.Item) {
			if by := v.draft.Filled[it.Name]; by != "" && it.Asked() {
				out = append(out, filled{it.Label.For(v.loc.Lang()), by, changeAt(v.draft.ID, pg.ID, it.Name, returnCheck)})
			}
		})
	}
	return out
}

// ask is enter for the pages on which a draft's owner asks for help.
func (p *Pages) ask(r *http.Request) (visit, error) {
	v, err := p.enter(r)
	if err != nil {
		return v, err
	}
	if v.moved != "" {
		return v, fault.New(fault.Conflict, "intakeweb.ask", "intake.submitted")
	}
	if !v.owns() || v.actor.Acting() {
		return v, fault.New(fault.Denied, "intakeweb.ask", "intake.help.ownerOnly")
	}
	return v, nil
}

// helped is what somebody can be asked to help with: a draft, or a life event.
type helped struct {
	actor  access.Actor
	loc    *i18n.Localizer
	id, at string // its address
	title  service.Text
	lead   string
	invite func(ctx context.Context, a access.Actor, id string) (code string, err error)
}

// toHelp finds what is asked for help with, by its owner.
func (p *Pages) toHelp(r *http.Request) (helped, error) {
	if r.PathValue("bundle") != "" {
		return p.eventToHelp(r)
	}
	v, err := p.ask(r)
	if err != nil {
		return helped{}, err
	}
	if e, err := p.c.Intake.EventOf(r.Context(), nil, v.draft); err != nil || e != nil {
		if err == nil {
			r.SetPathValue("bundle", v.draft.Bundle)
			return p.eventToHelp(r)
		}
		return helped{}, err
	}
	return helped{v.actor, v.loc, v.draft.ID, path("apply", v.draft.ID), v.service.Title, v.loc.T("intake.help.lead"), p.c.Intake.Invite}, nil
}

func (p *Pages) eventToHelp(r *http.Request) (helped, error) {
	v, err := p.enterBundle(r)
	switch {
	case err != nil:
		return helped{}, err
	case v.moved != "":
		return helped{}, fault.New(fault.Conflict, "intakeweb.toHelp", "intake.submitted")
	case !v.owns() || v.actor.Acting():
		return helped{}, fault.New(fault.Denied, "intakeweb.toHelp", "intake.help.ownerOnly")
	}
	return helped{v.actor, v.loc, v.whole.Bundle.ID, v.at(), v.whole.Event.Title, v.loc.T("intake.help.leadAll"), p.c.Intake.InviteToEvent}, nil
}

func (p *Pages) showHelp(w http.ResponseWriter, r *http.Request) error {
	v, err := p.toHelp(r)
	if err != nil {
		return err
	}
	return p.renderHelp(w, r, v, "")
}

func (p *Pages) renderHelp(w http.ResponseWriter, r *http.Request, v helped, code string) error {
	list, err := p.c.Intake.Invitations(r.Context(), v.actor, v.id)
	if err != nil {
		return err
	}
	here := v.at + "/help"
	data := helpPage{Service: v.title.For(v.loc.Lang()), Lead: v.lead, Form: ui.Form{Action: here, Buttons: []ui.Button{{Text: v.loc.T("intake.help.invite")}}}}
	now := p.c.Now()
	if code != "" && len(list) > 0 {
		data.Until = list[0].ExpiresAt
		data.Link = &ui.Input{Field: ui.Field{Name: "link", Label: v.loc.T("intake.help.send"), ReadOnly: true}, Value: strings.TrimSuffix(p.c.BaseURL, "/") + path("help", code)}
		data.Form.Buttons[0].Text, data.Form.Buttons[0].Kind = v.loc.T("intake.help.another"), "secondary"
	}
	for _, x := range list {
		if x.Kind != intake.ToHelp {
			continue
		}
		row := invitation{}
		end := ui.Form{Action: here + path(x.ID, "end")}
		switch {
		case x.Taken():
			row.Text = v.loc.T("intake.help.taken", "name", x.HelperName, "date", v.loc.Date(x.TakenAt))
			end.Buttons = []ui.Button{{Text: v.loc.T("intake.help.end"), Hidden: x.HelperName, Kind: "secondary"}}
			row.End = end
		case x.Live(now):
			row.Text = v.loc.T("intake.help.open", "date", v.loc.Date(x.ExpiresAt))
			end.Buttons = []ui.Button{{Text: v.loc.T("intake.help.revoke"), Kind: "secondary"}}
			row.End = end
		default:
			row.Text = v.loc.T("intake.help.over", "date", v.loc.Date(x.CreatedAt))
		}
		data.Invitations = append(data.Invitations, row)
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.help.Render(w, r, http.StatusOK, web.Page[helpPage]{Title: v.loc.T("intake.help.title"),
		Shell: web.Portal("apply").WithBack(v.loc.T("intake.back"), v.at), Data: data})
}

func (p *Pages) invite(w http.ResponseWriter, r *http.Request) error {
	v, err := p.toHelp(r)
	if err != nil {
		return err
	}
	code, err := v.invite(r.Context(), v.actor, v.id)
	if err != nil {
		return err
	}
	return p.renderHelp(w, r, v, code)
}

func (p *Pages) endHelp(w http.ResponseWriter, r *http.Request) error {
	v, err := p.toHelp(r)
	if err != nil {
		return err
	}
	if err := p.c.Intake.EndInvitation(r.Context(), v.actor, r.PathValue("invitation")); err != nil {
		return err
	}
	web.SeeOther(w, v.at+"/help")
	return nil
}

// helper is who comes with an invitation: signed in once, well enough, and in their own right.
func helper(r *http.Request) (access.Actor, error) {
	a, err := identity.Require(r, access.Substantial)
	if fault.Is(err, fault.Unauthenticated) {
		err = fault.Because(fault.Unauthenticated, "intakeweb.helper", "", err, "level", access.Substantial.String())
	}
	return a, err
}

func (p *Pages) showInvited(w http.ResponseWriter, r *http.Request) error {
	a, err := helper(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	x, err := p.c.Intake.Invited(r.Context(), a, r.PathValue("code"))
	if err != nil {
		return err
	}
	into, err := p.into(x)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the code
	title := loc.T("intake.help.asked", "name", x.OwnerName)
	data := invitedPage{Service: into.For(loc.Lang()), Owner: x.OwnerName, What: loc.T("intake.help.what"), Form: ui.Form{Action: path("help", r.PathValue("code")),
		Buttons: []ui.Button{{Text: loc.T("intake.help.accept")}, {Text: loc.T("intake.help.decline"), Kind: "secondary", Href: "/"}}}}
	if x.Event != "" {
		data.What = loc.T("intake.help.whatAll")
	}
	if x.Kind == intake.ToSign {
		s, err := p.c.Intake.Service(intake.Draft{Service: x.Service})
		if err != nil {
			return err
		}
		c, ok := s.Cosign(x.Part)
		if !ok {
			return fault.New(fault.NotFound, "intakeweb.invited", "intake.help.gone")
		}
		title = loc.T("intake.cosign.asked", "name", x.OwnerName)
		data.What, data.Declares = loc.T("intake.cosign.what", "title", c.Title.For(loc.Lang())), c.Declares.For(loc.Lang())
		if c.All || len(c.Pages) > 0 {
			data.What += " " + loc.T("intake.cosign.whatFills")
		}
		data.Form.Buttons[0].Text = loc.T("intake.cosign.look")
		data.Form.Buttons[1].Text = loc.T("intake.cosign.notNow")
	}
	return p.invited.Render(w, r, http.StatusOK, web.Page[invitedPage]{Title: title, Shell: web.Portal("apply"), Data: data})
}

func (p *Pages) takeInvited(w http.ResponseWriter, r *http.Request) error {
	a, err := helper(r)
	if err != nil {
		return err
	}
	x, err := p.c.Intake.Invited(r.Context(), a, r.PathValue("code"))
	if err == nil {
		_, err = p.c.Intake.Help(r.Context(), a, r.PathValue("code"))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, opens(x))
	return nil
}

// into is what an invitation lets into, by its title.
func (p *Pages) into(x intake.Invitation) (service.Text, error) {
	if x.Event == "" {
		s, err := p.c.Intake.Service(intake.Draft{Service: x.Service})
		if err != nil {
			return nil, err
		}
		return s.Title, nil
	}
	e, ok := p.c.Intake.Event(x.Event)
	if !ok {
		return nil, fault.New(fault.NotFound, "intakeweb.into", "intake.help.gone")
	}
	return e.Title, nil
}

// opens is the address of what an invitation lets into.
func opens(x intake.Invitation) string {
	if x.Bundle != "" {
		return path("bundles", x.Bundle)
	}
	return path("apply", x.Draft)
}
