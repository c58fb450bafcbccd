// SPDX-License-Identifier: EUPL-1.2

package postboxweb

import (
	"net/http"
	"net/url"

	"mercator/core/access"
	"mercator/web"
	"mercator/web/ui"
)

const pageSize = 20

// listPage is the inbox.
type listPage struct {
	Unread   string
	Messages ui.Cards
	Empty    bool
	Pages    ui.Pagination
}

func (p *pages) showList(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.List, Resource: "message", Purpose: purposeOwn, Owner: a.Person()})
	if err != nil {
		return err
	}
	after := readPlace(r.URL.Query().Get("after"))
	list, err := p.Box.List(ctx, g, after, pageSize+1)
	if err != nil {
		return err
	}
	unread, err := p.Box.Unread(ctx, a.Person())
	if err != nil {
		return err
	}
	page := listPage{Unread: loc.T("postboxweb.unreadCount", "n", unread), Empty: len(list) == 0 && after.ID == ""}
	if after.ID != "" {
		page.Pages.First = "/postbox"
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		page.Pages.Next = "/postbox?after=" + url.QueryEscape(place(list[pageSize-1]))
	}
	for _, m := range list {
		card := ui.Card{Title: m.Subject.For(loc.Lang()), Href: "/postbox/" + m.ID, Preline: loc.DateTime(m.SentAt.In(p.Zone)), Text: p.Office(m.Office).For(loc.Lang())}
		if m.ReadAt.IsZero() {
			card.Badge = ui.Badge{Tone: ui.Info, Text: loc.T("postboxweb.new")}
		}
		page.Messages.Items = append(page.Messages.Items, card)
	}
	return p.list.Render(w, r, http.StatusOK, web.Page[listPage]{Title: loc.T("postboxweb.title"), Shell: web.Portal("postbox"), Data: page})
}
