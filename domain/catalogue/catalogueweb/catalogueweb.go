// SPDX-License-Identifier: EUPL-1.2

// Package catalogueweb holds the portal's pages for everybody: the home page, the
// search and the page of each service. Nothing here needs a sign-in or a script.
package catalogueweb

import (
	"embed"
	"errors"
	"io/fs"
	"net/url"

	"mercator/base/i18n"
	"mercator/domain/catalogue"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// City is how people reach the city without the internet.
type City struct {
	Phone      string // the central service line
	PhoneShort string // 115
	Hours      i18n.Text
}

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Directory *catalogue.Directory
	City      City
	// Office is the office with an id.
	Office func(id string) (catalogue.Office, bool)
	// Register is the title of a register.
	Register func(id string) i18n.Text
}

type pages struct {
	Config
	home    *web.View[homePage]
	results *web.View[resultsPage]
	service *web.View[servicePage]
	event   *web.View[eventPage]
}

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Directory == nil {
		return nil, errors.New("catalogueweb: templates and a directory are needed")
	}
	if c.Office == nil {
		c.Office = func(string) (catalogue.Office, bool) { return catalogue.Office{}, false }
	}
	if c.Register == nil {
		c.Register = i18n.Plain
	}
	p := &pages{Config: c}
	var errs [4]error
	p.home, errs[0] = web.NewView[homePage](c.Templates, templateFS, "templates/home.html")
	p.results, errs[1] = web.NewView[resultsPage](c.Templates, templateFS, "templates/results.html")
	p.service, errs[2] = web.NewView[servicePage](c.Templates, templateFS, "templates/service.html")
	p.event, errs[3] = web.NewView[eventPage](c.Templates, templateFS, "templates/event.html")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /{$}", Handler: web.Handle(p.showHome)},
		{Pattern: "GET /services", Handler: web.Handle(p.showResults)},
		{Pattern: "GET /services/{id}", Handler: web.Handle(p.showService)},
		{Pattern: "GET /events/{id}", Handler: web.Handle(p.showEvent)},
	}, nil
}

// ServicePath is the address of a service's page.
func ServicePath(id string) string { return "/services/" + url.PathEscape(id) }

// card is a service in a list.
func card(loc *i18n.Localizer, s catalogue.Service, level int) ui.Card {
	return ui.Card{Title: s.Title.For(loc.Lang()), Level: level, Text: s.Summary.For(loc.Lang()), Href: ServicePath(s.ID)}
}

func (p *pages) search(loc *i18n.Localizer, value string) ui.Search {
	return ui.Search{Action: "/services", Value: value, Label: loc.T("catalogueweb.searchLabel"), Hint: loc.T("catalogueweb.searchHint")}
}

// help tells how to reach the city by telephone; nil if it has no number.
func (p *pages) help(loc *i18n.Localizer, title string) ui.Component {
	if p.City.Phone == "" {
		return nil
	}
	a := ui.Alert{Tone: ui.Info, Title: loc.T(title), List: []string{
		loc.T("catalogueweb.byPhone", "phone", p.City.Phone, "hours", p.City.Hours.For(loc.Lang()))}}
	if p.City.PhoneShort != "" {
		a.List = append(a.List, loc.T("catalogueweb.byShortPhone", "phone", p.City.PhoneShort))
	}
	return a
}
