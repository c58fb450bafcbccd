// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/web"
	"mercator/web/ui"
)

// workPage is the worklist of an office. Its whole state stands in its address,
// so that a clerk comes back to the same place, and to the same row.
type workPage struct {
	Search   ui.Search
	Filters  ui.Filters
	Services ui.Filters
	Table    ui.Table
	Pages    ui.Pagination
	Version  string // of the list, for the live hint
	Here     string
	Office   string
}

// filters are the ways to narrow the list; the done tasks have no number.
var filters = [...]string{"", "free", "mine", "due", "done"}

// maxSearch bounds what is searched for.
const maxSearch = 100

func (p *pages) showWork(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	if p.NoWorklist != nil {
		if elsewhere := p.NoWorklist(a); elsewhere != "" {
			web.SeeOther(w, elsewhere)
			return nil
		}
	}
	ctx, loc, q := r.Context(), web.Localizer(r), r.URL.Query()
	g, read, err := p.permitList(ctx, a)
	if err != nil {
		return err
	}
	counts, err := p.Tasks.Counts(ctx, g)
	if err != nil {
		return err
	}
	f := Filter{Service: q.Get("service"), Search: strings.TrimSpace(q.Get("q"))}
	if len(f.Search) > maxSearch || len(f.Service) > maxSearch {
		return fault.New(fault.TooLarge, "casefileweb.work", "")
	}
	for _, which := range filters {
		if q.Get("show") == which {
			f.Which = which
		}
	}
	var after After
	if t, id, ok := readPlace(q.Get("after")); ok {
		after = After{Due: t, ID: id}
	}
	tasks, err := p.Tasks.Worklist(ctx, g, f, after, pageSize+1)
	if err != nil {
		return err
	}
	next := ""
	if len(tasks) > pageSize {
		tasks = tasks[:pageSize]
		last := tasks[len(tasks)-1]
		next = place(last.Due, last.ID)
		if f.Which == "done" {
			next = place(last.Done, last.ID)
		}
	}
	here := "/desk"
	if len(q) > 0 {
		here += "?" + q.Encode()
	}
	page := workPage{
		Version: version(counts), Here: here, Pages: pagination("/desk", q, next), Office: p.Office(a.Office).For(loc.Lang()),
		Filters: ui.Filters{Label: loc.T("casefileweb.filter")}, Services: ui.Filters{Label: loc.T("casefileweb.filterService")},
	}
	page.Search = ui.Search{Action: "/desk", Label: loc.T("casefileweb.search"), Value: f.Search}
	if f.Which != "" {
		page.Search.Keep = append(page.Search.Keep, ui.Hidden{Name: "show", Value: f.Which})
	}
	if f.Service != "" {
		page.Search.Keep = append(page.Search.Keep, ui.Hidden{Name: "service", Value: f.Service})
	}
	page.Filters.Items, page.Services.Items = p.showFilters(loc, f, counts)
	if page.Table, err = p.taskTable(ctx, a, read, tasks, loc, here); err != nil {
		return err
	}
	return p.work.Render(w, r, http.StatusOK, web.Page[workPage]{Title: loc.T("casefileweb.work"), Shell: web.Desk("work"), Data: page})
}

func (p *pages) showFilters(loc *i18n.Localizer, f Filter, counts Counts) (which, services []ui.Filter) {
	link := func(show, service string) string {
		q := url.Values{}
		if show != "" {
			q.Set("show", show)
		}
		if service != "" {
			q.Set("service", service)
		}
		if f.Search != "" {
			q.Set("q", f.Search)
		}
		if len(q) == 0 {
			return "/desk"
		}
		return "/desk?" + q.Encode()
	}
	n := map[string]int{"": counts.All, "free": counts.Free, "mine": counts.Mine, "due": counts.Due}
	for _, show := range filters {
		label := "casefileweb.show.all"
		if show != "" {
			label = "casefileweb.show." + show
		}
		count, known := n[show]
		which = append(which, number(ui.Filter{Label: loc.T(label), Href: link(show, f.Service), Count: count, Active: f.Which == show, NoCount: !known}, counts.Limit))
	}
	ids := make([]string, 0, len(counts.Services))
	for id := range counts.Services {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	if len(ids) > 1 || f.Service != "" {
		services = append(services, number(ui.Filter{Label: loc.T("casefileweb.allServices"), Href: link(f.Which, ""), Count: counts.All, Active: f.Service == ""}, counts.Limit))
		for _, id := range ids {
			services = append(services, number(ui.Filter{Label: p.serviceTitle(loc, id), Href: link(f.Which, id), Count: counts.Services[id], Active: f.Service == id}, counts.Limit))
		}
	}
	return which, services
}

// number marks a number behind which nobody counted on.
func number(f ui.Filter, limit int) ui.Filter {
	if limit > 0 && f.Count > limit {
		f.Count, f.More = limit, true
	}
	return f
}

// permitList grants the list and the names in it, on record with one commit.
func (p *pages) permitList(ctx context.Context, a access.Actor) (list, read access.Grant, err error) {
	err = p.Cases.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		if list, err = p.Access.PermitTx(ctx, tx, access.Request{Actor: a, Action: access.List, Resource: "task", Purpose: purposeWork, Office: a.Office}); err != nil {
			return err
		}
		read, err = p.Access.PermitTx(ctx, tx, access.Request{Actor: a, Action: access.Read, Resource: "case", Purpose: purposeWork, Office: a.Office})
		return err
	})
	return list, read, err
}

// taskTable lists tasks with their cases; the persons shown go on record.
func (p *pages) taskTable(ctx context.Context, a access.Actor, read access.Grant, tasks []Task, loc *i18n.Localizer, here string) (ui.Table, error) {
	t := ui.Table{Caption: loc.T("casefileweb.work"), CaptionHidden: true, Empty: loc.T("casefileweb.noWork"), Columns: []ui.Column{
		{Label: loc.T("casefileweb.case")}, {Label: loc.T("casefileweb.task")}, {Label: loc.T("casefileweb.due")}, {Label: loc.T("casefileweb.assignee")}}}
	if len(tasks) == 0 {
		return t, nil
	}
	var persons, ids []string
	for _, task := range tasks {
		ids = append(ids, task.CaseID)
	}
	cases, err := p.Cases.Some(ctx, read, ids)
	if err != nil {
		return t, err
	}
	now := p.Now()
	for _, task := range tasks {
		c, ok := cases[task.CaseID]
		if !ok {
			return t, fault.New(fault.NotFound, "casefileweb.taskTable", "")
		}
		if c.Person != "" {
			persons = append(persons, c.Person)
		}
		back := here + "#" + anchor(task.ID)
		due := ui.Cell{Text: "–"}
		if !task.Due.IsZero() {
			due = ui.Cell{Text: loc.Date(p.local(task.Due))}
			if task.Open && task.Due.Before(now) {
				due.Badge = ui.Badge{Tone: ui.Danger, Text: loc.T("casefileweb.overdue")}
			}
		}
		t.Rows = append(t.Rows, ui.Row{ID: anchor(task.ID), Cells: []ui.Cell{
			{Text: c.Ref, Href: withBack("/desk/tasks/"+task.ID, back), Sub: c.PersonName},
			{Text: task.Name.For(loc.Lang()), Sub: p.serviceTitle(loc, task.Service)},
			due,
			assigneeCell(loc, a, task),
		}})
	}
	return t, p.Access.Seen(ctx, read, persons)
}

func assigneeCell(loc *i18n.Localizer, a access.Actor, t Task) ui.Cell {
	if !t.Open {
		return ui.Cell{Text: t.AssigneeName, Badge: ui.Badge{Tone: ui.Success, Text: loc.T("casefileweb.done")}}
	}
	switch t.Assignee {
	case "":
		return ui.Cell{Badge: ui.Badge{Tone: ui.Info, Text: loc.T("casefileweb.free")}}
	case a.ID:
		return ui.Cell{Badge: ui.Badge{Tone: ui.Success, Text: loc.T("casefileweb.yours")}}
	}
	return ui.Cell{Text: t.AssigneeName}
}

// version changes when the list does. It tells nothing about anybody.
func version(c Counts) string {
	ids := make([]string, 0, len(c.Services))
	for id, n := range c.Services {
		ids = append(ids, fmt.Sprint(id, "=", n))
	}
	sort.Strings(ids)
	sum := sha256.Sum256([]byte(fmt.Sprint(c.All, c.Free, c.Mine, c.Due, ids)))
	return hex.EncodeToString(sum[:8])
}

// live tells a script whether the list has changed.
func (p *pages) live(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.List, Resource: "task", Purpose: purposeWork, Office: a.Office})
	if err != nil {
		return err
	}
	counts, err := p.Tasks.Counts(ctx, g)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, r, http.StatusOK, struct {
		Version string `json:"version"`
	}{version(counts)})
}
