// SPDX-License-Identifier: EUPL-1.2

package postboxweb

import (
	"net/http"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/web"
	"mercator/web/ui"
)

// messagePage is one message.
type messagePage struct {
	Head      ui.SummaryList
	Body      ui.Text
	Documents []ui.Link
	Official  bool // the document is in German and the page is not
	Case      string
	Link      string // to the application that is prepared
}

func (p *pages) showMessage(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, "postboxweb.message", "")
	}
	ctx, loc := r.Context(), web.Localizer(r)
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "message", Purpose: purposeOwn, Owner: a.Person()})
	if err != nil {
		return err
	}
	m, err := p.Box.Read(ctx, g, id)
	if err != nil {
		return err
	}
	page := messagePage{Body: ui.Text{Text: m.Body.For(loc.Lang())}, Official: loc.Lang() != "de" && len(m.Documents) > 0}
	page.Head.Rows = []ui.SummaryRow{{Key: loc.T("postboxweb.sentAt"), Value: loc.DateTime(m.SentAt.In(p.Zone))}}
	if m.Office != "" {
		page.Head.Rows = append(page.Head.Rows, ui.SummaryRow{Key: loc.T("postboxweb.from"), Value: p.Office(m.Office).For(loc.Lang())})
	}
	for _, d := range m.Documents {
		page.Documents = append(page.Documents, ui.Link{Text: d.Title, Href: "/documents/" + d.ID})
	}
	page.Link = m.Link
	if m.CaseID != "" {
		page.Case = "/cases/" + m.CaseID
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.message.Render(w, r, http.StatusOK, web.Page[messagePage]{Title: m.Subject.For(loc.Lang()),
		Shell: web.Portal("postbox").WithBack(loc.T("postboxweb.title"), "/postbox"), Data: page})
}
