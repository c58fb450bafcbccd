// SPDX-License-Identifier: EUPL-1.2

package paymentweb

import (
	"embed"
	"io/fs"
	"net/http"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/payment"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of the cash desk and its pages.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Payments  *payment.Service
	Access    *access.Checker
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Webhook takes the provider's calls; nil: it makes none.
	Webhook func(w http.ResponseWriter, r *http.Request) error
}

type pages struct {
	Config
	view *web.View[payPage]
	list *web.View[refundsPage]
}

// Mounts are the pages and where they hang.
func Mounts(c Config) (web.Mounts, error) {
	view, err := web.NewView[payPage](c.Templates, templateFS, "templates/pay.html")
	if err != nil {
		return nil, err
	}
	list, err := web.NewView[refundsPage](c.Templates, templateFS, "templates/refunds.html")
	if err != nil {
		return nil, err
	}
	p := &pages{c, view, list}
	m := web.Mounts{
		{Pattern: "GET /pay/{id}", Handler: web.Handle(p.show)},
		{Pattern: "POST /pay/{id}", Handler: web.Handle(p.begin)},
		{Pattern: "GET /pay/{id}/return", Handler: web.Handle(p.back)},
		{Pattern: "GET /desk/refunds", Handler: web.Handle(p.refunds)},
		{Pattern: "POST /desk/refunds/{id}", Handler: web.Handle(p.refunded)},
	}
	if c.Webhook != nil {
		m = append(m, web.Mount{Pattern: "POST /webhooks/payment", Handler: web.Handle(c.Webhook), Foreign: true, Class: web.ClassAPI, MaxBody: 16 << 10})
	}
	return m, nil
}

// payPage is what is owed, and what to do about it.
type payPage struct {
	Alert  *ui.Alert
	Facts  ui.SummaryList
	Pay    *ui.Form
	Onward ui.Buttons
}

func (p *pages) grant(r *http.Request, action string) (access.Grant, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return access.Grant{}, err
	}
	return p.Access.Permit(r.Context(), access.Request{Actor: a, Action: action, Resource: "payment", Purpose: "own data", Basis: "§ 4 EGovG NRW"})
}

func (p *pages) show(w http.ResponseWriter, r *http.Request) error {
	g, err := p.grant(r, access.Read)
	if err != nil {
		return err
	}
	pay, err := p.Payments.Refresh(r.Context(), g, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, pay, nil)
}

// back is where the provider sends the person. What the address says is not read; the provider is asked.
func (p *pages) back(w http.ResponseWriter, r *http.Request) error {
	g, err := p.grant(r, access.Read)
	if err != nil {
		return err
	}
	pay, err := p.Payments.Refresh(r.Context(), g, r.PathValue("id"))
	if err != nil {
		return err
	}
	web.SeeOther(w, "/pay/"+pay.ID)
	return nil
}

func (p *pages) begin(w http.ResponseWriter, r *http.Request) error {
	g, err := p.grant(r, access.Change)
	if err != nil {
		return err
	}
	checkout, err := p.Payments.Begin(r.Context(), g, r.PathValue("id"))
	switch {
	case err == nil:
		web.SeeOther(w, checkout)
		return nil
	case fault.Is(err, fault.Conflict):
		web.SeeOther(w, "/pay/"+r.PathValue("id")) // the page tells how it stands now
		return nil
	case !fault.Is(err, fault.Unavailable):
		return err
	}
	read, readErr := p.grant(r, access.Read)
	if readErr != nil {
		return readErr
	}
	pay, readErr := p.Payments.Get(r.Context(), read, r.PathValue("id"))
	if readErr != nil {
		return readErr
	}
	return p.render(w, r, http.StatusServiceUnavailable, pay, err)
}

func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, pay payment.Payment, problem error) error {
	loc := web.Localizer(r)
	data := payPage{Alert: alert(loc, pay)}
	if problem != nil {
		key, args := fault.Message(problem)
		data.Alert = &ui.Alert{Tone: ui.Danger, Title: loc.T("payment.problem"), Text: loc.T(key, args...), Live: true}
	}
	data.Facts = ui.SummaryList{Title: loc.T("payment.facts"), Rows: []ui.SummaryRow{
		{Key: loc.T("payment.amount"), Value: loc.Money(pay.Cents)},
		{Key: loc.T("payment.purpose"), Value: pay.Purpose},
		{Key: loc.T("payment.stateLabel"), Item: ui.Badge{Tone: tone(pay.State), Text: loc.T("payment.state." + string(pay.State))}},
	}}
	if !pay.PaidAt.IsZero() {
		data.Facts.Rows = append(data.Facts.Rows, ui.SummaryRow{Key: loc.T("payment.paidAt"), Value: loc.Date(pay.PaidAt)})
	}
	if pay.RefundDue > 0 {
		data.Facts.Rows = append(data.Facts.Rows, ui.SummaryRow{Key: loc.T("payment.refundDue"), Value: loc.Money(pay.RefundDue)})
	}
	title := loc.T("payment.title")
	if pay.State.Payable() {
		key := "payment.pay"
		if pay.State == payment.Cancelled || pay.State == payment.Failed {
			key = "payment.again"
		}
		data.Pay = &ui.Form{Action: "/pay/" + pay.ID, Buttons: []ui.Button{{Text: loc.T(key, "amount", loc.Money(pay.Cents)), Icon: "arrow-forward"}}}
	}
	if pay.State == payment.Initiated {
		data.Onward.Items = append(data.Onward.Items, ui.Button{Kind: "secondary", Text: loc.T("payment.refresh"), Href: "/pay/" + pay.ID})
	}
	kind := "secondary"
	if data.Pay == nil {
		kind = "primary"
	}
	data.Onward.Items = append(data.Onward.Items, ui.Button{Kind: kind, Text: loc.T("payment.toCase"), Href: "/cases/" + pay.Case})
	return p.view.Render(w, r, status, web.Page[payPage]{Title: title, Shell: web.Portal("cases").WithErrors(problem != nil), Data: data})
}

func tone(s payment.State) ui.Tone {
	switch s {
	case payment.Paid:
		return ui.Success
	case payment.Cancelled, payment.Initiated:
		return ui.Warning
	case payment.Failed:
		return ui.Danger
	}
	return ui.Info
}

// alert says first what matters most.
func alert(loc *i18n.Localizer, pay payment.Payment) *ui.Alert {
	a := &ui.Alert{Tone: tone(pay.State), Live: true,
		Title: loc.T("payment.alert." + string(pay.State) + ".title"), Text: loc.T("payment.alert." + string(pay.State) + ".text")}
	if pay.RefundDue > 0 {
		a.List = append(a.List, loc.T("payment.alert.refund", "amount", loc.Money(pay.RefundDue)))
	}
	if pay.State == payment.Open && pay.RefundDue == 0 {
		return nil
	}
	return a
}
