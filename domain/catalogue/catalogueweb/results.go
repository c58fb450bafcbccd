// SPDX-License-Identifier: EUPL-1.2

package catalogueweb

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mercator/domain/catalogue"
	"mercator/web"
	"mercator/web/ui"
)

// resultsPage lists services: those found, those of a topic, or all.
type resultsPage struct {
	Search ui.Search
	Topics ui.Filters
	Events ui.Cards // life events
	Count  string
	Found  []ui.Component
	More   ui.Cards // life events that fit less than the services
	None   bool
	Tips   ui.List
	Help   ui.Component
}

// Bounds of a result page.
const (
	maxHits   = 30
	maxEvents = 3
	maxQuery  = 200
)

func topicPath(id string) string { return "/services?" + url.Values{"topic": {id}}.Encode() }

func (p *pages) showResults(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	q := r.URL.Query()
	query := strings.TrimSpace(strings.ToValidUTF8(q.Get("q"), ""))
	if runes := []rune(query); len(runes) > maxQuery {
		query = string(runes[:maxQuery])
	}
	topic, known := p.Directory.Topic(q.Get("topic"))
	title := loc.T("catalogueweb.servicesTitle")
	var list []catalogue.Service
	var events, further []catalogue.Event
	switch {
	case query != "":
		title = loc.T("catalogueweb.resultsTitle")
		list = p.Directory.Search(query, maxHits)
		events, further = p.Directory.SearchEvents(query, maxEvents)
	case known:
		title = topic.Title.For(loc.Lang())
		list, events = p.Directory.All(topic.ID), p.Directory.Events(topic.ID)
	default:
		list, events = p.Directory.All(""), p.Directory.Events("")
	}
	if query == "" {
		byTitle(list, loc.Lang())
	}
	page := resultsPage{Search: p.search(loc, query), None: len(list) == 0 && len(events) == 0,
		Events: eventCards(loc, events), More: eventCards(loc, further)}
	switch {
	case len(list) == 0: // only life events
	case query != "":
		page.Count = loc.T("catalogueweb.found", "n", len(list), "query", query)
	default:
		page.Count = loc.T("catalogueweb.count", "n", len(list))
	}
	cards := ui.Cards{}
	for _, s := range list {
		cards.Items = append(cards.Items, card(loc, s, 2))
	}
	if len(cards.Items) > 0 {
		page.Found = append(page.Found, cards)
	}
	if page.None {
		page.Count = loc.T("catalogueweb.nothing", "query", query)
		page.Tips = ui.List{Items: []string{loc.T("catalogueweb.tipWords"), loc.T("catalogueweb.tipOther"), loc.T("catalogueweb.tipTopics")}}
		page.Help = p.help(loc, "catalogueweb.helpTitle")
	}
	page.Topics.Label = loc.T("catalogueweb.topics")
	page.Topics.Items = append(page.Topics.Items, ui.Filter{Label: loc.T("catalogueweb.allTopics"), Href: "/services",
		Count: len(p.Directory.All("")), Active: query == "" && !known})
	for _, t := range p.Directory.Topics() {
		page.Topics.Items = append(page.Topics.Items, ui.Filter{Label: t.Title.For(loc.Lang()), Href: topicPath(t.ID), Count: t.Services,
			Active: query == "" && known && t.ID == topic.ID})
	}
	return p.results.Render(w, r, http.StatusOK, web.Page[resultsPage]{Title: title, Shell: web.Public("services"), Data: page})
}

// byTitle puts services in the order in which people look them up.
func byTitle(list []catalogue.Service, lang string) {
	slices.SortStableFunc(list, func(a, b catalogue.Service) int {
		return strings.Compare(catalogue.SortKey(a.Title.For(lang)), catalogue.SortKey(b.Title.For(lang)))
	})
}
