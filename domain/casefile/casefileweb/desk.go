// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"net/http"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/casefile"
	"mercator/web"
	"mercator/web/ui"
)

// deskPage is a case as a clerk of its office sees it: the whole file.
type deskPage struct {
	Ref      string
	State    ui.Badge
	Notice   ui.Component
	Free     []ui.Component // what the clerk may begin
	Tasks    ui.Table
	Facts    ui.SummaryList
	Actions  ui.Buttons
	Answers  []ui.Component
	Files    []ui.Component // that came with the application
	Rulings  []ui.Component
	Docs     []ui.Component
	Messages []ui.Component
	Timeline ui.Timeline
	Diagram  ui.Component
	Steps    ui.Component // of the process; on the page of the case only
	Kept     []ui.Component
}

func (p *pages) showDesk(w http.ResponseWriter, r *http.Request) error {
	return p.renderDesk(w, r, http.StatusOK, nil)
}

func (p *pages) renderDesk(w http.ResponseWriter, r *http.Request, status int, notice ui.Component) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	g, c, err := p.readCase(ctx, a, id)
	if err != nil {
		return err
	}
	back := backPath(r)
	page, err := p.file(r, g, c, back)
	if err != nil {
		return err
	}
	if p.Tasks != nil {
		tg, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.List, Resource: "task", Purpose: purposeWork, Case: id, Office: a.Office})
		if err != nil {
			return err
		}
		tasks, err := p.Tasks.OfCase(ctx, tg, id)
		if err != nil {
			return err
		}
		page.Tasks = ui.Table{Caption: loc.T("casefileweb.tasks"), CaptionHidden: true, Columns: []ui.Column{
			{Label: loc.T("casefileweb.task")}, {Label: loc.T("casefileweb.due")}, {Label: loc.T("casefileweb.assignee")}}}
		for _, t := range tasks {
			if !t.Open {
				continue
			}
			due := ui.Cell{Text: "–"}
			if !t.Due.IsZero() {
				due.Text = loc.Date(p.local(t.Due))
			}
			page.Tasks.Rows = append(page.Tasks.Rows, ui.Row{Cells: []ui.Cell{
				{Text: t.Name.For(loc.Lang()), Href: withBack("/desk/tasks/"+t.ID, back)}, due, assigneeCell(loc, a, t)}})
		}
	}
	if page.Free, err = p.free(ctx, loc, g, c, back); err != nil {
		return err
	}
	if p.Steps != nil {
		if page.Steps, err = p.Steps(ctx, g, c, loc, "/desk/cases/"+c.ID, r.URL.Query().Get("steps")); err != nil {
			return err
		}
	}
	page.Notice = notice
	switch q := r.URL.Query(); {
	case notice != nil:
	case q.Has("sent"):
		page.Notice = ui.Alert{Tone: ui.Success, Title: loc.T("casefileweb.sent")}
	case q.Has("begun"):
		page.Notice = ui.Alert{Tone: ui.Success, Title: loc.T("casefileweb.parts.begun"), Live: true}
	case q.Has("concluded"):
		page.Notice = ui.Alert{Tone: ui.Success, Title: loc.T("casefileweb.parts.concluded"), Live: true}
	}
	return p.desk.Render(w, r, status, web.Page[deskPage]{
		Title: p.serviceTitle(loc, c.Service) + " " + c.Ref, Shell: web.Desk("work").WithBack(loc.T("casefileweb.work"), back).WithErrors(status >= 400), Data: page})
}

// file collects everything about a case that was read with the grant.
func (p *pages) file(r *http.Request, g access.Grant, c casefile.Case, back string) (deskPage, error) {
	ctx, loc := r.Context(), web.Localizer(r)
	page := deskPage{Ref: c.Ref, State: stateBadge(loc, c)}
	s, err := p.serviceOf(ctx, c.Service, c.Version)
	if err != nil {
		return page, err
	}
	if page.Answers, _, err = p.answered(ctx, s, c, loc, "/desk/cases/"); err != nil {
		return page, err
	}
	if page.Files, err = p.files(r, g, s, c.ID, "/desk/cases/"); err != nil {
		return page, err
	}
	entries, err := p.Cases.Entries(ctx, g, c)
	if err != nil {
		return page, err
	}
	page.Timeline = p.timeline(loc, c, entries, true)
	rulings, err := p.Cases.Rulings(ctx, g, c)
	if err != nil {
		return page, err
	}
	page.Rulings = showRulings(loc, rulings)
	if page.Docs, err = p.documents(r, g, c); err != nil {
		return page, err
	}
	kept, err := p.Cases.Submissions(ctx, g, c)
	if err != nil {
		return page, err
	}
	page.Kept = showSubmissions(loc, p.Moment, kept, "/desk/cases/"+c.ID)
	if page.Messages, err = p.messages(r, g, c); err != nil {
		return page, err
	}
	page.Facts = ui.SummaryList{Rows: []ui.SummaryRow{
		{Key: loc.T("casefileweb.ref"), Value: c.Ref},
		{Key: loc.T("casefileweb.applicant"), Value: applicant(loc, c)},
		{Key: loc.T("casefileweb.service"), Value: s.Title.For(loc.Lang())},
		{Key: loc.T("casefileweb.opened"), Value: loc.DateTime(p.local(c.OpenedAt))},
		{Key: loc.T("casefileweb.channel"), Value: loc.T("casefileweb.channels." + c.Channel)},
		{Key: loc.T("casefileweb.language"), Value: loc.T("web.language." + c.Lang)},
	}}
	if st := c.Status.For(loc.Lang()); st != "" {
		page.Facts.Rows = append(page.Facts.Rows, ui.SummaryRow{Key: loc.T("casefileweb.told"), Value: st})
	}
	if (p.Ask != nil || p.Write != nil) && c.State == casefile.Open && c.Person != "" {
		page.Actions.Items = append(page.Actions.Items, ui.Button{Text: loc.T("casefileweb.ask"), Kind: "secondary", Href: withBack("/desk/cases/"+c.ID+"/ask", back)})
	}
	if p.ApplicationPDF != nil {
		page.Actions.Items = append(page.Actions.Items, ui.Button{Text: loc.T("casefileweb.pdf"), Kind: "tertiary", Icon: "download", Href: p.ApplicationPDF(c.ID)})
	}
	if p.Renderer != nil && len(kept) > 0 {
		page.Actions.Items = append(page.Actions.Items, ui.Button{Text: loc.T("casefileweb.receiptPDF"), Kind: "tertiary", Icon: "download", Href: "/desk/cases/" + c.ID + "/receipt.pdf"})
	}
	if p.Diagram != nil {
		d, err := p.Diagram(ctx, g, c, loc)
		if err != nil {
			return page, err
		}
		page.Diagram = ui.Stack{Items: d}
	}
	return page, nil
}

// applicant is whose case it is, as the desk says it.
func applicant(loc *i18n.Localizer, c casefile.Case) string {
	if c.PersonName == "" {
		return loc.T("casefileweb.noApplicant")
	}
	return c.PersonName
}
