// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/web"
	"mercator/web/ui"
)

// myDataPage is what the city holds about a person and who read it (Art. 15 GDPR).
type myDataPage struct {
	Holdings []ui.Component
	Reads    ui.Table
	Proof    ui.Component
	Pages    ui.Pagination
}

// ledgerSize is how many accesses a page lists.
const ledgerSize = 30

func (p *pages) showMyData(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "ledger", Purpose: purposeOwn, Basis: "Art. 15 DSGVO", Owner: a.ID})
	if err != nil {
		return err
	}
	before := r.URL.Query().Get("before")
	if !ident.Valid(before) {
		before = ""
	}
	entries, err := p.Access.WhoRead(ctx, g, before, ledgerSize+1)
	if err != nil {
		return err
	}
	var page myDataPage
	if before != "" {
		page.Pages.First = "/my-data#reads"
	}
	if len(entries) > ledgerSize {
		entries = entries[:ledgerSize]
		page.Pages.Next = "/my-data?" + url.Values{"before": {entries[len(entries)-1].ID}}.Encode() + "#reads"
	}
	page.Reads = ui.Table{Caption: loc.T("casefileweb.reads"), CaptionHidden: true, Empty: loc.T("casefileweb.noReads"), Columns: []ui.Column{
		{Label: loc.T("casefileweb.when")}, {Label: loc.T("casefileweb.who")}, {Label: loc.T("casefileweb.what")}, {Label: loc.T("casefileweb.why")}}}
	for i := 0; i < len(entries); {
		// The same again on the same day is one line that says how often.
		e, n := entries[i], 1
		for i+n < len(entries) && p.alike(e, entries[i+n]) {
			n++
		}
		when := ui.Cell{Text: loc.Date(p.local(e.At)), Sub: loc.Time(p.local(e.At))}
		if n > 1 {
			when.Sub = loc.T("casefileweb.times", "count", n, "time", when.Sub)
		}
		page.Reads.Rows = append(page.Reads.Rows, ui.Row{Cells: []ui.Cell{when, p.who(loc, e), p.what(loc, e), p.why(loc, e)}})
		i += n
	}
	if p.Proof != "" {
		page.Proof = ui.Link{Text: loc.T("casefileweb.proofLink"), Href: p.Proof}
	}
	if p.Holdings != nil && before == "" {
		list, err := p.Holdings(ctx, a)
		if err != nil {
			return err
		}
		for _, h := range list {
			page.Holdings = append(page.Holdings, showHolding(loc, h))
		}
	}
	return p.myData.Render(w, r, http.StatusOK, web.Page[myDataPage]{Title: loc.T("casefileweb.myData"), Shell: web.Portal("my-data"), Data: page})
}

func showHolding(loc *i18n.Localizer, h Holding) ui.Component {
	lang := loc.Lang()
	d := ui.Details{Summary: h.Register.For(lang)}
	if purpose := h.Purpose.For(lang); purpose != "" {
		d.Items = append(d.Items, ui.Text{Text: purpose, Muted: true})
	}
	if h.Basis != "" {
		d.Items = append(d.Items, ui.Text{Text: loc.T("casefileweb.basis", "basis", h.Basis), Muted: true})
	}
	if len(h.Records) == 0 {
		d.Items = append(d.Items, ui.Text{Text: loc.T("casefileweb.noRecords")})
	}
	for _, rec := range h.Records {
		var list ui.SummaryList
		for _, f := range rec {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: f.Label.For(lang), Value: showValue(loc, f.Value)})
		}
		d.Items = append(d.Items, list)
	}
	return d
}

// showValue writes days and truth the way people do; anything else is text already.
func showValue(loc *i18n.Localizer, v string) string {
	switch v {
	case "true":
		return loc.T("casefileweb.yes")
	case "false":
		return loc.T("casefileweb.no")
	}
	return loc.Date(v)
}

// alike tells whether two accesses differ in nothing but the time of day.
func (p *pages) alike(a, b audit.Entry) bool {
	return a.ActorKind == b.ActorKind && a.Office == b.Office && a.Action == b.Action && a.Resource == b.Resource && a.Purpose == b.Purpose &&
		a.Basis == b.Basis && a.Case == b.Case && a.ActorName == b.ActorName && a.Outcome == b.Outcome && (a.ActorKind != string(access.Machine) || a.ActorID == b.ActorID) &&
		p.local(a.At).Format(time.DateOnly) == p.local(b.At).Format(time.DateOnly)
}

// who names the office, and the clerk only where the rules of disclosure leave the name in the entry.
func (p *pages) who(loc *i18n.Localizer, e audit.Entry) ui.Cell {
	if e.ActorKind == "" {
		return ui.Cell{Text: loc.T("casefileweb.withheld")}
	}
	c := ui.Cell{Text: loc.T("casefileweb.actor." + e.ActorKind)}
	if e.ActorKind == string(access.Clerk) && e.ActorName != "" {
		c.Text = e.ActorName
	}
	switch {
	case e.Office != "":
		c.Sub = p.Office(e.Office).For(loc.Lang())
	case e.ActorKind == string(access.Machine):
		c.Sub = e.ActorName
	}
	return c
}

func (p *pages) what(loc *i18n.Localizer, e audit.Entry) ui.Cell {
	if e.Resource == "" || e.Action == "" {
		return ui.Cell{Text: loc.T("casefileweb.withheld")}
	}
	resource := e.Resource
	kind, _, _ := strings.Cut(e.Resource, ":")
	if key := "casefileweb.resource." + kind; loc.Has(key) {
		resource = loc.T(key)
	}
	c := ui.Cell{Text: resource + ": " + loc.T("casefileweb.action."+e.Action)}
	if e.Outcome == audit.Refused {
		c.Badge = ui.Badge{Tone: ui.Danger, Text: loc.T("casefileweb.refusedAccess")}
	}
	if e.Case != "" {
		c.Item = ui.Link{Text: loc.T("casefileweb.toCase"), Href: "/cases/" + e.Case}
	}
	return c
}

func (p *pages) why(loc *i18n.Localizer, e audit.Entry) ui.Cell {
	var purpose string
	switch {
	case e.Purpose == purposeOwn:
		purpose = loc.T("casefileweb.purposeOwn")
	case e.Purpose == purposeWork:
		purpose = loc.T("casefileweb.purposeWork")
	case e.Purpose == purposeOperations:
		purpose = loc.T("casefileweb.purposeOperations")
	case e.Purpose == purposeTrial:
		purpose = loc.T("casefileweb.purposeTrial")
	default:
		purpose = p.serviceTitle(loc, e.Purpose)
	}
	return ui.Cell{Text: purpose, Sub: e.Basis}
}
