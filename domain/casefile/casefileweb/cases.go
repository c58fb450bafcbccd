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

// pageSize is how many cases or tasks a page lists.
const pageSize = 20

// casesPage is "my cases".
type casesPage struct {
	Cases ui.Cards
	Empty bool
	Pages ui.Pagination
}

func (p *pages) showCases(w http.ResponseWriter, r *http.Request) error {
	a, err := p.person(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.List, Resource: "case", Purpose: purposeOwn, Owner: a.Person()})
	if err != nil {
		return err
	}
	var after casefile.After
	if t, id, ok := readPlace(r.URL.Query().Get("after")); ok {
		after = casefile.After{OpenedAt: t, ID: id}
	}
	list, err := p.Cases.List(ctx, g, after, pageSize+1)
	if err != nil {
		return err
	}
	next := ""
	if len(list) > pageSize {
		list = list[:pageSize]
		last := list[len(list)-1]
		next = place(last.OpenedAt, last.ID)
	}
	page := casesPage{Empty: len(list) == 0 && after.ID == "", Pages: pagination("/cases", r.URL.Query(), next)}
	for _, c := range list {
		page.Cases.Items = append(page.Cases.Items, ui.Card{
			Title: p.serviceTitle(loc, c.Service), Href: "/cases/" + c.ID, Preline: c.Ref,
			Text: loc.T("casefileweb.openedOn", "date", loc.Date(p.local(c.OpenedAt))), Badge: stateBadge(loc, c),
		})
	}
	return p.cases.Render(w, r, http.StatusOK, web.Page[casesPage]{Title: loc.T("casefileweb.cases"), Shell: web.Portal("cases"), Data: page})
}

// stateBadge is the state of a case in a word.
func stateBadge(loc *i18n.Localizer, c casefile.Case) ui.Badge {
	if c.State == casefile.Open {
		return ui.Badge{Tone: ui.Info, Text: loc.T("casefileweb.state.open")}
	}
	key := "casefileweb.outcome." + c.Outcome
	if !loc.Has(key) {
		return ui.Badge{Tone: ui.Info, Text: loc.T("casefileweb.state.closed")}
	}
	tone := ui.Info
	switch c.Outcome {
	case casefile.Granted:
		tone = ui.Success
	case casefile.Refused:
		tone = ui.Danger
	case casefile.Abandoned:
		tone = ui.Warning
	}
	return ui.Badge{Tone: tone, Text: loc.T(key)}
}
