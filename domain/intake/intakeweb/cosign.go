// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"
	"strings"

	"mercator/base/fault"
	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// signing is a signature that an application needs, on the page that checks all answers.
type signing struct {
	ID, Title, Text string
	State           ui.Badge
	Next            ui.Buttons
	End             ui.Form
}

// toSign is what who was asked for a signature is shown below all answers.
type toSign struct {
	Title    string
	Declares string
	State    *ui.Alert
	Form     ui.Form // nil action: not yet, or signed already
	End      ui.Form
}

// signs tells whether the reader was asked to sign the draft.
func (v visit) signs() bool { return v.draft.Kind == intake.ToSign }

// fills tells whether the reader may fill in a page.
func (v visit) fills(page string) bool {
	if !v.signs() {
		return true
	}
	c, ok := v.service.Cosign(v.draft.Part)
	return ok && c.Fills(page)
}

// signings are the signatures as the owner of the application, or who fills it in for them, sees them. all: nothing is missing.
func (p *Pages) signings(r *http.Request, v visit, f *intake.Filling) (out []signing, all bool, err error) {
	list, err := p.c.Intake.Signings(r.Context(), v.actor, f)
	if err != nil {
		return nil, false, err
	}
	all = true
	lang := v.loc.Lang()
	for _, x := range list {
		all = all && x.Signed
		row := signing{ID: x.Cosign.ID, Title: x.Cosign.Title.For(lang)}
		page := path("apply", v.draft.ID, "cosign", x.Cosign.ID)
		i := x.Invitation
		button := ui.Button{Text: v.loc.T("intake.cosign.invite"), Hidden: row.Title, Href: page}
		switch {
		case x.Signed:
			row.State = ui.Badge{Tone: ui.Success, Text: v.loc.T("intake.cosign.is")}
			row.Text = v.loc.T("intake.cosign.isText", "name", i.HelperName, "at", v.loc.DateTime(p.c.Intake.Local(i.SignedAt)))
		case i.Taken() && (!i.VoidAt.IsZero() || !i.SignedAt.IsZero()):
			row.State = ui.Badge{Tone: ui.Warning, Text: v.loc.T("intake.cosign.void")}
			row.Text = v.loc.T("intake.cosign.voidText", "name", i.HelperName)
		case i.Taken():
			row.State = ui.Badge{Text: v.loc.T("intake.cosign.waits")}
			row.Text = v.loc.T("intake.cosign.waitsText", "name", i.HelperName)
		case i.ID != "":
			row.State = ui.Badge{Text: v.loc.T("intake.cosign.sent")}
			row.Text = v.loc.T("intake.cosign.sentText", "date", v.loc.Date(i.ExpiresAt))
			button.Text, button.Kind = v.loc.T("intake.cosign.again"), "secondary"
		default:
			row.State = ui.Badge{Tone: ui.Warning, Text: v.loc.T("intake.cosign.lacks")}
			row.Text = v.loc.T("intake.cosign.lacksText")
		}
		switch {
		case !v.owns() || v.actor.Acting():
			if i.ID == "" {
				row.Text = v.loc.T("intake.cosign.ownerInvites")
			}
		case i.Taken():
			row.End = ui.Form{Action: path("apply", v.draft.ID, "cosign", x.Cosign.ID, "end"),
				Buttons: []ui.Button{{Text: v.loc.T("intake.help.revoke"), Hidden: i.HelperName, Kind: "secondary", Name: "invitation", Value: i.ID}}}
		default:
			row.Next.Items = []ui.Button{button}
		}
		out = append(out, row)
	}
	return out, all, nil
}

// toSign is what who was asked for a signature is shown.
func (p *Pages) toSign(r *http.Request, v visit, f *intake.Filling, complete bool, problem string) (*toSign, error) {
	c, ok := v.service.Cosign(v.draft.Part)
	if !ok {
		return nil, nil
	}
	out := &toSign{Title: c.Title.For(v.loc.Lang()), Declares: c.Declares.For(v.loc.Lang()), End: ui.Form{Action: path("apply", v.draft.ID, "sign", "end"),
		Buttons: []ui.Button{{Text: v.loc.T("intake.cosign.decline"), Kind: "secondary"}}}}
	list, err := p.c.Intake.Signings(r.Context(), v.actor, f)
	if err != nil {
		return nil, err
	}
	say := func(tone ui.Tone, key string, args ...any) {
		out.State = &ui.Alert{Tone: tone, Title: v.loc.T(key, args...)}
	}
	switch {
	case len(list) == 0:
		say(ui.Info, "intake.cosign.notNeeded")
		return out, nil
	case list[0].Signed:
		say(ui.Success, "intake.cosign.yours", "at", v.loc.DateTime(p.c.Intake.Local(list[0].Invitation.SignedAt)), "name", v.draft.OwnerName)
		out.End.Buttons[0].Text = v.loc.T("intake.cosign.withdraw")
		return out, nil
	case !complete:
		say(ui.Info, "intake.cosign.incomplete")
		return out, nil
	case !list[0].Invitation.VoidAt.IsZero() || !list[0].Invitation.SignedAt.IsZero():
		say(ui.Warning, "intake.cosign.yoursVoid")
	}
	hash, err := p.c.Intake.HashToSign(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out.Form = ui.Form{Action: path("apply", v.draft.ID, "sign"), Items: []ui.Component{
		ui.Hidden{Name: "hash", Value: hash}, ui.Checkbox{Field: ui.Field{Name: "declares", Label: out.Declares, Error: problem}},
	}, Buttons: []ui.Button{{Text: v.loc.T("intake.cosign.sign")}}}
	return out, nil
}

// signingHref leads from an error to the signature that it is about.
func signingHref(e form.FieldError) string {
	if id, ok := intake.SigningOf(e); ok {
		return "#cosign-" + id
	}
	return ""
}

func (p *Pages) showCosign(w http.ResponseWriter, r *http.Request) error {
	v, err := p.ask(r)
	if err != nil {
		return err
	}
	return p.renderCosign(w, r, v, "")
}

// renderCosign is where the owner of an application asks somebody for their signature.
func (p *Pages) renderCosign(w http.ResponseWriter, r *http.Request, v visit, code string) error {
	c, ok := v.service.Cosign(r.PathValue("part"))
	if !ok {
		return fault.New(fault.NotFound, "intakeweb.cosign", "")
	}
	list, err := p.c.Intake.Invitations(r.Context(), v.actor, v.draft.ID)
	if err != nil {
		return err
	}
	lead := v.loc.T("intake.cosign.lead")
	if c.All || len(c.Pages) > 0 {
		lead += " " + v.loc.T("intake.cosign.leadFills")
	}
	data := helpPage{Service: v.service.Title.For(v.loc.Lang()), Lead: lead, Declares: c.Declares.For(v.loc.Lang()),
		Form: ui.Form{Action: path("apply", v.draft.ID, "cosign", c.ID), Buttons: []ui.Button{{Text: v.loc.T("intake.help.invite")}}}}
	if code != "" && len(list) > 0 {
		data.Until = list[0].ExpiresAt
		data.Link = &ui.Input{Field: ui.Field{Name: "link", Label: v.loc.T("intake.cosign.send"), ReadOnly: true}, Value: strings.TrimSuffix(p.c.BaseURL, "/") + path("help", code)}
		data.Form.Buttons[0].Text, data.Form.Buttons[0].Kind = v.loc.T("intake.cosign.again"), "secondary"
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.help.Render(w, r, http.StatusOK, web.Page[helpPage]{Title: c.Title.For(v.loc.Lang()),
		Shell: web.Portal("apply").WithBack(v.loc.T("intake.backToCheck"), path("apply", v.draft.ID, "check")), Data: data})
}

func (p *Pages) inviteToSign(w http.ResponseWriter, r *http.Request) error {
	v, err := p.ask(r)
	if err != nil {
		return err
	}
	code, err := p.c.Intake.InviteToSign(r.Context(), v.actor, v.draft.ID, r.PathValue("part"))
	if err != nil {
		return err
	}
	return p.renderCosign(w, r, v, code)
}

func (p *Pages) endCosign(w http.ResponseWriter, r *http.Request) error {
	v, err := p.ask(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	if err := p.c.Intake.EndInvitation(r.Context(), v.actor, in.Get("invitation")); err != nil {
		return err
	}
	web.SeeOther(w, path("apply", v.draft.ID, "check"))
	return nil
}

// signer is enter for who was asked to sign.
func (p *Pages) signer(r *http.Request) (visit, error) {
	v, err := p.enter(r)
	if err == nil && !v.signs() {
		err = fault.New(fault.Denied, "intakeweb.signer", "intake.cosign.notAsked")
	}
	return v, err
}

func (p *Pages) sign(w http.ResponseWriter, r *http.Request) error {
	v, err := p.signer(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	if in.Get("declares") != "true" {
		v.problem = v.loc.T("intake.cosign.tick")
		return p.renderCheck(w, r, v, nil, http.StatusUnprocessableEntity)
	}
	switch err = p.c.Intake.Sign(r.Context(), v.actor, v.draft.ID, in.Get("hash"), v.loc.Lang()); {
	case fault.Is(err, fault.Conflict): // what there is now is shown, and what has to be done
		msg, args := fault.Message(err)
		if v.draft, err = p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID); err != nil {
			return err
		}
		v.problem = v.loc.T(msg, args...)
		return p.renderCheck(w, r, v, nil, http.StatusConflict)
	case err != nil:
		return err
	}
	web.SeeOther(w, path("apply", v.draft.ID, "check"))
	return nil
}

func (p *Pages) endSign(w http.ResponseWriter, r *http.Request) error {
	v, err := p.signer(r)
	if err != nil {
		return err
	}
	if err := p.c.Intake.EndInvitation(r.Context(), v.actor, v.draft.Invitation); err != nil {
		return err
	}
	web.SeeOther(w, "/apply")
	return nil
}

// cosignMounts are the addresses for signing together and for the counter.
func (p *Pages) cosignMounts() web.Mounts {
	return web.Mounts{
		{Pattern: "GET /apply/{draft}/cosign/{part}", Handler: web.Handle(p.showCosign)},
		{Pattern: "POST /apply/{draft}/cosign/{part}", Handler: web.Handle(p.inviteToSign)},
		{Pattern: "POST /apply/{draft}/cosign/{part}/end", Handler: web.Handle(p.endCosign)},
		{Pattern: "POST /apply/{draft}/sign", Handler: web.Handle(p.sign)},
		{Pattern: "GET /apply/{draft}/sign", Handler: entered(p.alone(""), p.resume)}, // reloaded, or its language changed
		{Pattern: "POST /apply/{draft}/sign/end", Handler: web.Handle(p.endSign)},
	}
}
