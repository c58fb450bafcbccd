// SPDX-License-Identifier: EUPL-1.2

package catalogueweb

import (
	"net/http"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/domain/catalogue"
	"mercator/web"
	"mercator/web/ui"
)

// servicePage tells all about a service before anybody signs in.
type servicePage struct {
	Summary  string
	Start    ui.Button
	SignIn   string // which sign-in it needs
	Facts    ui.SummaryList
	Eligible string
	Needs    ui.List
	Fees     ui.Table
	FeeText  string
	FeeLaw   string
	Duration string
	Data     ui.List
	Watches  ui.List
	Purpose  string
	Laws     ui.Links
	LawNames ui.List
	Office   ui.SummaryList
	Other    ui.List
	Paper    ui.Links
}

func (p *pages) showService(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	s, ok := p.Directory.Get(r.PathValue("id"))
	if !ok {
		return fault.New(fault.NotFound, "catalogueweb.service", "")
	}
	lang := loc.Lang()
	page := servicePage{
		Summary:  s.Summary.For(lang),
		Start:    ui.Button{Text: loc.T("catalogueweb.start"), Href: ServicePath(s.ID) + "/start", Icon: "arrow-forward"},
		Eligible: s.Eligible.For(lang),
		Duration: s.Duration.For(lang),
		Purpose:  s.Purpose.For(lang),
	}
	if loc.Has("catalogueweb.trust." + s.Trust) {
		page.SignIn = loc.T("catalogueweb.trust." + s.Trust)
	}
	for _, n := range s.Needs {
		page.Needs.Items = append(page.Needs.Items, n.For(lang))
	}
	p.fees(loc, s, &page)
	uses := func(list []catalogue.Use) (out []string) {
		for _, u := range list {
			name := p.Register(u.Register).For(lang)
			if name == "" {
				name = u.Register
			}
			out = append(out, loc.T("catalogueweb.dataUse", "register", name, "purpose", u.Purpose.For(lang), "basis", u.Basis))
		}
		return out
	}
	page.Data.Items, page.Watches.Items = uses(s.Data), uses(s.Watches)
	for _, l := range s.Laws {
		if strings.HasPrefix(l.URL, "https://") {
			page.Laws.Items = append(page.Laws.Items, ui.Link{Text: l.Name, Href: l.URL})
		} else {
			page.LawNames.Items = append(page.LawNames.Items, l.Name)
		}
	}
	p.office(loc, s, &page)
	if s.Paper {
		page.Paper.Items = []ui.Link{{Text: loc.T("catalogueweb.otherPaper"), Href: ServicePath(s.ID) + "/paper"}}
	}
	shell := web.Public("services").WithBack(loc.T("catalogueweb.toServices"), "/services")
	return p.service.Render(w, r, http.StatusOK, web.Page[servicePage]{Title: s.Title.For(lang), Shell: shell, Data: page})
}

func (p *pages) fees(loc *i18n.Localizer, s catalogue.Service, page *servicePage) {
	switch {
	case s.Free:
		page.FeeText = loc.T("catalogueweb.free")
		return
	case len(s.Fees) == 0:
		page.FeeText = loc.T("catalogueweb.feeDepends")
		return
	}
	page.Fees = ui.Table{Caption: loc.T("catalogueweb.fee"), CaptionHidden: true, Columns: []ui.Column{
		{Label: loc.T("catalogueweb.feeFor")}, {Label: loc.T("catalogueweb.fee"), Numeric: true}}}
	var laws []string
	for _, f := range s.Fees {
		page.Fees.Rows = append(page.Fees.Rows, ui.Row{Cells: []ui.Cell{{Text: f.Label.For(loc.Lang())}, {Text: loc.Money(f.Cents)}}})
		if f.Law != "" && !contains(laws, f.Law) {
			laws = append(laws, f.Law)
		}
	}
	if len(laws) > 0 {
		page.FeeLaw = loc.T("catalogueweb.feeLaw", "law", strings.Join(laws, "; "))
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (p *pages) office(loc *i18n.Localizer, s catalogue.Service, page *servicePage) {
	if p.City.Phone != "" {
		page.Other.Items = append(page.Other.Items, loc.T("catalogueweb.otherPhone", "phone", p.City.Phone, "hours", p.City.Hours.For(loc.Lang())))
	}
	o, ok := p.Office(s.Office)
	if !ok {
		return
	}
	row := func(key, value string) {
		if value != "" {
			page.Office.Rows = append(page.Office.Rows, ui.SummaryRow{Key: loc.T("catalogueweb." + key), Value: value})
		}
	}
	row("office", o.Name.For(loc.Lang()))
	row("address", o.Address)
	row("hours", o.Hours.For(loc.Lang()))
	row("phone", o.Phone)
	row("email", o.Email)
	page.Other.Items = append(page.Other.Items, loc.T("catalogueweb.otherCounter", "office", o.Name.For(loc.Lang()),
		"address", strings.ReplaceAll(o.Address, "\n", ", "), "hours", o.Hours.For(loc.Lang())))
}
