// SPDX-License-Identifier: EUPL-1.2

package catalogueweb

import (
	"net/http"
	"net/url"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/domain/catalogue"
	"mercator/web"
	"mercator/web/ui"
)

// EventPath is the address of a life event's page.
func EventPath(id string) string { return "/events/" + url.PathEscape(id) }

// eventCards are life events in a list.
func eventCards(loc *i18n.Localizer, events []catalogue.Event) (out ui.Cards) {
	for _, e := range events {
		out.Items = append(out.Items, ui.Card{Title: e.Title.For(loc.Lang()), Level: 3, Text: e.Summary.For(loc.Lang()), Href: EventPath(e.ID)})
	}
	return out
}

// eventPage tells what can be settled at once in a life event.
type eventPage struct {
	Summary string
	Start   ui.Button
	SignIn  string
	Always  ui.Cards
	Offered ui.Cards
}

func (p *pages) showEvent(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	e, ok := p.Directory.Event(r.PathValue("id"))
	if !ok {
		return fault.New(fault.NotFound, "catalogueweb.event", "")
	}
	page := eventPage{Summary: e.Summary.For(loc.Lang()),
		Start: ui.Button{Text: loc.T("catalogueweb.event.start"), Href: EventPath(e.ID) + "/start", Icon: "arrow-forward"}}
	if loc.Has("catalogueweb.trust." + e.Trust) {
		page.SignIn = loc.T("catalogueweb.trust." + e.Trust)
	}
	cards := func(ids []string) (out ui.Cards) {
		for _, id := range ids {
			if s, ok := p.Directory.Get(id); ok {
				out.Items = append(out.Items, card(loc, s, 3))
			}
		}
		return out
	}
	page.Always, page.Offered = cards(e.Always), cards(e.Offered)
	return p.event.Render(w, r, http.StatusOK, web.Page[eventPage]{Title: e.Title.For(loc.Lang()),
		Shell: web.Public("services").WithBack(loc.T("catalogueweb.toServices"), "/services"), Data: page})
}
