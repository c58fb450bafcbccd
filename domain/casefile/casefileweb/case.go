// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"net/http"
	"slices"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/casefile"
	"mercator/web"
	"mercator/web/ui"
)

// casePage is one case as its applicant sees it.
type casePage struct {
	Service  string
	State    ui.Badge
	Todo     []ui.Component // what is the applicant's turn
	Facts    ui.SummaryList
	Timeline ui.Timeline
	Why      string // heading of the rulings
	Rulings  []ui.Component
	Docs     []ui.Component
	Files    []ui.Component // that came with the application
	Messages []ui.Component
	Answers  ui.Details
	Kept     []ui.Component // what was submitted, as it was
	Receipt  ui.Link
}

func (p *pages) showCase(w http.ResponseWriter, r *http.Request) error {
	g, c, err := p.ownCase(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	s, err := p.serviceOf(ctx, c.Service, c.Version)
	if err != nil {
		return err
	}
	page := casePage{Service: s.Title.For(loc.Lang()), State: stateBadge(loc, c)}
	if page.Todo, err = p.todo(r, g, c); err != nil {
		return err
	}
	if page.Files, err = p.files(r, g, s, c.ID, "/cases/"); err != nil {
		return err
	}
	entries, err := p.Cases.Entries(ctx, g, c)
	if err != nil {
		return err
	}
	page.Timeline = p.timeline(loc, c, entries, false)
	rulings, err := p.Cases.Rulings(ctx, g, c)
	if err != nil {
		return err
	}
	page.Rulings, page.Why = showRulings(loc, rulings), loc.T("casefileweb.whyDecided")
	if c.Outcome == "" {
		page.Why = loc.T("casefileweb.rulings")
	}
	if page.Docs, err = p.documents(r, g, c); err != nil {
		return err
	}
	if page.Messages, err = p.messages(r, g, c); err != nil {
		return err
	}
	answers, _, err := p.answered(ctx, s, c, loc, "/cases/")
	if err != nil {
		return err
	}
	page.Answers = ui.Details{Summary: loc.T("casefileweb.answers"), Items: answers}
	kept, err := p.Cases.Submissions(ctx, g, c)
	if err != nil {
		return err
	}
	if len(kept) > 0 {
		page.Kept = showSubmissions(loc, p.Moment, kept, "/cases/"+c.ID)
		page.Receipt = ui.Link{Text: loc.T("casefileweb.receipt"), Href: "/cases/" + c.ID + "/receipt"}
	}
	page.Facts = ui.SummaryList{Rows: []ui.SummaryRow{
		{Key: loc.T("casefileweb.ref"), Value: c.Ref},
		{Key: loc.T("casefileweb.opened"), Value: loc.DateLong(p.local(c.OpenedAt))},
		{Key: loc.T("casefileweb.office"), Value: p.Office(c.Office).For(loc.Lang())},
	}}
	if st := c.Status.For(loc.Lang()); st != "" {
		page.Facts.Rows = append([]ui.SummaryRow{{Key: loc.T("casefileweb.status"), Value: st}}, page.Facts.Rows...)
	}
	return p.caseView.Render(w, r, http.StatusOK, web.Page[casePage]{
		Title: page.Service, Shell: web.Portal("cases").WithBack(loc.T("casefileweb.cases"), "/cases"), Data: page})
}

// todo is what waits for the applicant: a field to correct, a fee to pay.
func (p *pages) todo(r *http.Request, g access.Grant, c casefile.Case) ([]ui.Component, error) {
	ctx, loc := r.Context(), web.Localizer(r)
	var out []ui.Component
	if c.State != casefile.Open {
		return nil, nil
	}
	if p.Corrections != nil {
		list, err := p.Corrections(ctx, g, c.ID)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			out = append(out, ui.Alert{Tone: ui.Warning, Title: loc.T("casefileweb.correct", "field", x.Label.For(loc.Lang())), Text: x.Message.For(loc.Lang()),
				Links: []ui.Link{{Text: loc.T("casefileweb.correctNow"), Href: x.Href}}})
		}
	}
	if p.Payment != nil {
		pay, ok, err := p.Payment(ctx, g, c.ID)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, ui.Alert{Tone: ui.Warning, Title: loc.T("casefileweb.payOpen", "amount", loc.Money(pay.Cents)), Text: loc.T("casefileweb.payText")},
				ui.Buttons{Items: []ui.Button{{Text: loc.T("casefileweb.payNow"), Href: pay.Href}}})
		}
	}
	return out, nil
}

// timeline is what happened in a case. A resident sees the milestones and what
// concerns them; a clerk everything, with who did it.
func (p *pages) timeline(loc *i18n.Localizer, c casefile.Case, entries []casefile.Entry, clerk bool) ui.Timeline {
	t := ui.Timeline{Label: loc.T("casefileweb.timeline")}
	for _, e := range entries {
		m := ui.Moment{When: e.At, Title: e.Title.For(loc.Lang()), Text: e.Body.For(loc.Lang())}
		if clerk && e.ActorKind != string(access.System) {
			m.By = e.ActorName
		}
		if clerk && e.Internal {
			m.Title += " (" + loc.T("casefileweb.internal") + ")"
		}
		t.Moments = append(t.Moments, m)
	}
	if c.State == casefile.Open && len(t.Moments) > 0 {
		t.Moments[len(t.Moments)-1].State = "current"
		if c.Outcome == "" {
			t.Moments = append(t.Moments, ui.Moment{Title: loc.T("casefileweb.decisionToCome"), State: "todo"})
		}
	}
	return t
}

// showRulings tells why the rules decided as they did: each rule that matched, in
// words, with its paragraph (§ 39 VwVfG NRW).
func showRulings(loc *i18n.Localizer, rulings []casefile.Ruling) []ui.Component {
	var out []ui.Component
	for _, ru := range rulings {
		list := ui.SummaryList{Title: ru.Name, Level: 3}
		for _, rule := range ru.Rules {
			text := rule.Text.For(loc.Lang())
			if text == "" && rule.Law == "" {
				continue
			}
			row := ui.SummaryRow{Key: rule.Law, Value: text}
			if row.Key == "" {
				row.Key = loc.T("casefileweb.rule")
			}
			if row.Value == "" {
				row.Value = loc.T("casefileweb.ruleApplied")
			}
			list.Rows = append(list.Rows, row)
		}
		if len(list.Rows) > 0 {
			out = append(out, list)
		}
	}
	return out
}

func (p *pages) documents(r *http.Request, g access.Grant, c casefile.Case) ([]ui.Component, error) {
	if p.Documents == nil {
		return nil, nil
	}
	loc := web.Localizer(r)
	docs, err := p.Documents(r.Context(), g, c.ID)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	t := ui.Table{Caption: loc.T("casefileweb.documents"), CaptionHidden: true, Columns: []ui.Column{{Label: loc.T("casefileweb.document")}, {Label: loc.T("casefileweb.date")}}}
	tones := map[string]ui.Tone{"valid": ui.Success, "expired": ui.Warning, "revoked": ui.Danger}
	runsOut := slices.ContainsFunc(docs, func(d Document) bool { return tones[d.State] != "" })
	if runsOut {
		t.Columns = append(t.Columns, ui.Column{Label: loc.T("casefileweb.docState")})
	}
	for _, d := range docs {
		cell := ui.Cell{Text: d.Title.For(loc.Lang()), Href: d.Href}
		if d.Size > 0 {
			cell.Sub = "PDF, " + loc.Bytes(d.Size)
		}
		row := ui.Row{Cells: []ui.Cell{cell, {Text: loc.Date(p.local(d.At))}}}
		switch tone := tones[d.State]; {
		case tone != "":
			row.Cells = append(row.Cells, ui.Cell{Badge: ui.Badge{Tone: tone, Text: loc.T("casefileweb.doc." + d.State)}})
		case runsOut:
			row.Cells = append(row.Cells, ui.Cell{Text: "–"})
		}
		t.Rows = append(t.Rows, row)
	}
	return []ui.Component{t}, nil
}

func (p *pages) messages(r *http.Request, g access.Grant, c casefile.Case) ([]ui.Component, error) {
	if p.Messages == nil {
		return nil, nil
	}
	loc := web.Localizer(r)
	list, err := p.Messages(r.Context(), g, c.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	t := ui.Timeline{Label: loc.T("casefileweb.messages")}
	for _, m := range list {
		by := loc.T("casefileweb.fromOffice")
		if m.From == "applicant" {
			by = loc.T("casefileweb.fromApplicant")
		}
		t.Moments = append(t.Moments, ui.Moment{When: m.At, By: by, Title: m.Subject.For(loc.Lang()), Text: m.Body.For(loc.Lang())})
	}
	return []ui.Component{t}, nil
}
