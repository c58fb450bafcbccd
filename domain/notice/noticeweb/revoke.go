// SPDX-License-Identifier: EUPL-1.2

package noticeweb

import (
	"net/http"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/notice"
	"mercator/web"
	"mercator/web/ui"
)

// revokePage asks a clerk why a document is taken back.
type revokePage struct {
	Errors  ui.ErrorSummary
	Facts   ui.SummaryList
	Revoked bool
	Form    ui.Form
}

// clerk is who is signed in at the desk, and the document's id.
func (p *pages) clerk(r *http.Request) (access.Actor, string, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return a, "", err
	}
	if a.Kind != access.Clerk {
		return a, "", fault.New(fault.Denied, "noticeweb.clerk", "")
	}
	id := r.PathValue("id")
	if !ident.Valid(id) {
		return a, "", fault.New(fault.NotFound, "noticeweb.clerk", "")
	}
	return a, id, nil
}

func (p *pages) showRevoke(w http.ResponseWriter, r *http.Request) error {
	a, id, err := p.clerk(r)
	if err != nil {
		return err
	}
	return p.revokeForm(w, r, a, id, "", "")
}

func (p *pages) revokeForm(w http.ResponseWriter, r *http.Request, a access.Actor, id, typed, wrong string) error {
	ctx, loc := r.Context(), web.Localizer(r)
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "document", Purpose: purposeWork, Office: a.Office})
	if err != nil {
		return err
	}
	d, err := p.Desk.Get(ctx, g, id)
	if err != nil {
		return err
	}
	if d.Person != "" {
		if err := p.Access.Seen(ctx, g, []string{d.Person}); err != nil {
			return err
		}
	}
	state := d.On(p.Desk.Today())
	page := revokePage{Revoked: state == notice.Revoked}
	page.Facts.Rows = []ui.SummaryRow{{Key: loc.T("noticeweb.document"), Value: d.Title}, {Key: loc.T("noticeweb.state"), Value: loc.T("noticeweb." + string(state))}}
	in := ui.TextArea{Field: ui.Field{Name: "why", Label: loc.T("noticeweb.why"), Hint: loc.T("noticeweb.whyHint")}, Value: typed, MaxLength: 2000}
	status := http.StatusOK
	if wrong != "" {
		in.Error = wrong
		page.Errors.Items = []ui.FieldError{{Field: "why", Text: wrong}}
		status = http.StatusUnprocessableEntity
	}
	page.Form = ui.Form{Action: "/desk/documents/" + id + "/revoke", Items: []ui.Component{in}, Buttons: []ui.Button{{Text: loc.T("noticeweb.revoke"), Danger: true}}}
	w.Header().Set("Cache-Control", "no-store")
	return p.take.Render(w, r, status, web.Page[revokePage]{Title: loc.T("noticeweb.revokeTitle"),
		Shell: web.Desk("").WithBack(loc.T("noticeweb.toCase"), "/desk/cases/"+d.CaseID).WithErrors(wrong != ""), Data: page})
}

func (p *pages) revoke(w http.ResponseWriter, r *http.Request) error {
	a, id, err := p.clerk(r)
	if err != nil {
		return err
	}
	form, err := web.Form(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Change, Resource: "document", Purpose: purposeWork, Office: a.Office})
	if err != nil {
		return err
	}
	err = p.Desk.RevokeNow(ctx, g, id, form.Get("why"))
	if fault.Is(err, fault.Invalid) {
		key, args := fault.Message(err)
		return p.revokeForm(w, r, a, id, form.Get("why"), web.Localizer(r).T(key, args...))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, "/desk/documents/"+id+"/revoke")
	return nil
}
