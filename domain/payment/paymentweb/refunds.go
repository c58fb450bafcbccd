// SPDX-License-Identifier: EUPL-1.2

package paymentweb

import (
	"net/http"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/payment"
	"mercator/web"
	"mercator/web/ui"
)

// refundsPage is what a clerk's office owes back.
type refundsPage struct {
	Done  *ui.Alert
	Table ui.Table
	Pages ui.Pagination
}

const refundsSize = 50

// clerk is who works at the desk. Residents have no refunds page: theirs is with the payment.
func (p *pages) clerk(r *http.Request, action string) (access.Grant, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return access.Grant{}, err
	}
	if a.Kind != access.Clerk {
		return access.Grant{}, fault.New(fault.Denied, "paymentweb.refunds", "")
	}
	return p.Access.Permit(r.Context(), access.Request{Actor: a, Action: action, Resource: "payment", Purpose: "case work", Basis: "§ 812 BGB", Office: a.Office})
}

func (p *pages) refunds(w http.ResponseWriter, r *http.Request) error {
	g, err := p.clerk(r, access.List)
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("after")
	if !ident.Valid(after) {
		after = ""
	}
	list, err := p.Payments.Refunds(r.Context(), g, after, refundsSize+1)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	var data refundsPage
	if r.URL.Query().Has("done") {
		data.Done = &ui.Alert{Tone: ui.Success, Title: loc.T("payment.refunds.done"), Live: true}
	}
	if after != "" {
		data.Pages.First = "/desk/refunds"
	}
	if len(list) > refundsSize {
		list = list[:refundsSize]
		data.Pages.Next = "/desk/refunds?after=" + list[len(list)-1].ID
	}
	data.Table = ui.Table{Caption: loc.T("payment.refunds.title"), CaptionHidden: true, Empty: loc.T("payment.refunds.none"), Columns: []ui.Column{
		{Label: loc.T("payment.refunds.since")}, {Label: loc.T("payment.refunds.amount"), Numeric: true},
		{Label: loc.T("payment.refunds.reason")}, {Label: loc.T("payment.refunds.case")}, {Label: loc.T("payment.refunds.action")}}}
	persons := make([]string, 0, len(list))
	for _, f := range list {
		persons = append(persons, f.Person)
		data.Table.Rows = append(data.Table.Rows, ui.Row{ID: f.ID, Cells: []ui.Cell{
			{Text: loc.Date(f.Created)}, {Text: loc.Money(f.Cents)}, {Text: loc.T("payment.reason." + string(f.Reason))},
			{Text: loc.T("payment.refunds.open"), Href: "/desk/cases/" + f.Case}, {Item: done(f, loc.T("payment.refunds.mark"), loc.Money(f.Cents))}}})
	}
	if err := p.Access.Seen(r.Context(), g, persons); err != nil {
		return err
	}
	return p.list.Render(w, r, http.StatusOK, web.Page[refundsPage]{Title: loc.T("payment.refunds.title"), Shell: web.Desk("refunds"), Data: data})
}

func done(f payment.Refund, text, amount string) ui.Component {
	return ui.Form{Action: "/desk/refunds/" + f.ID, Buttons: []ui.Button{{Kind: "secondary", Text: text, Hidden: amount}}}
}

func (p *pages) refunded(w http.ResponseWriter, r *http.Request) error {
	g, err := p.clerk(r, access.Change)
	if err != nil {
		return err
	}
	if err := p.Payments.Refunded(r.Context(), g, r.PathValue("id")); err != nil {
		return err
	}
	web.SeeOther(w, "/desk/refunds?done")
	return nil
}
