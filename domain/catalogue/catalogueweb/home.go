// SPDX-License-Identifier: EUPL-1.2

package catalogueweb

import (
	"net/http"

	"mercator/web"
	"mercator/web/ui"
)

// homePage is the front page: the search, the life events, the services that most people want, the topics.
type homePage struct {
	Search   ui.Search
	Events   ui.Cards
	Services ui.Cards
	All      ui.Link // empty if all services are shown
	Topics   ui.Cards
	Help     ui.Component
}

// homeServices and homeEvents are how many services and life events the front page shows.
const (
	homeServices = 6
	homeEvents   = 3
)

func (p *pages) showHome(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	page := homePage{Search: p.search(loc, ""), Help: p.help(loc, "catalogueweb.helpTitle")}
	events := p.Directory.Events("")
	page.Events = eventCards(loc, events[:min(homeEvents, len(events))])
	services := p.Directory.All("")
	byTitle(services, loc.Lang())
	for _, s := range services[:min(homeServices, len(services))] {
		page.Services.Items = append(page.Services.Items, card(loc, s, 3))
	}
	if len(services) > homeServices {
		page.All = ui.Link{Text: loc.T("catalogueweb.allServices", "n", len(services)), Href: "/services"}
	}
	for _, t := range p.Directory.Topics() {
		page.Topics.Items = append(page.Topics.Items, ui.Card{
			Title: t.Title.For(loc.Lang()), Level: 3, Text: t.Text.For(loc.Lang()), Href: topicPath(t.ID)})
	}
	return p.home.Render(w, r, http.StatusOK, web.Page[homePage]{Title: loc.T("catalogueweb.homeTitle"), Shell: web.Public("home"), Data: page})
}
