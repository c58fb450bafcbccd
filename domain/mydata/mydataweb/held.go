// SPDX-License-Identifier: EUPL-1.2

package mydataweb

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/mydata"
	"mercator/web"
	"mercator/web/ui"
)

const (
	homeItems   = 3  // of each holder on the first page
	holderItems = 20 // on a page of one holder
)

func (p *pages) showHome(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	data := page{Intro: loc.T("mydataweb.intro")}
	add := func(c ...ui.Component) { data.Parts = append(data.Parts, c...) }

	add(ui.Heading{Text: loc.T("mydataweb.holdings")})
	for _, h := range mydata.For(p.Holders, a) {
		part, err := h.List(ctx, a, loc.Lang(), "", homeItems)
		if err != nil {
			return err
		}
		if len(part.Items) == 0 {
			continue
		}
		d := ui.Details{Summary: h.About(loc.Lang()).Title, Items: p.holderParts(loc, h)}
		d.Items = append(d.Items, p.items(loc, part.Items, 3)...)
		if part.Next != "" {
			d.Items = append(d.Items, ui.Links{Label: d.Summary, Items: []ui.Link{{Text: loc.T("mydataweb.allOf", "holder", d.Summary), Href: "/my-data/held/" + url.PathEscape(h.ID)}}})
		}
		add(d)
	}

	g, err := p.ledger(ctx, a)
	if err != nil {
		return err
	}
	entries, err := p.Access.WhoRead(ctx, g, "", latestReads+1)
	if err != nil {
		return err
	}
	add(ui.Heading{Text: loc.T("mydataweb.reads"), ID: "reads"})
	more := len(entries) > latestReads
	if more {
		entries = entries[:latestReads]
	}
	list, err := p.days(ctx, a, loc, entries)
	if err != nil {
		return err
	}
	if add(list...); len(list) == 0 {
		add(ui.Text{Text: loc.T("mydataweb.noReads")})
	}
	links := ui.Links{Label: loc.T("mydataweb.reads")}
	if more {
		links.Items = append(links.Items, ui.Link{Text: loc.T("mydataweb.allReads"), Href: "/my-data/reads"})
	}
	if p.Proof != "" && !a.Acting() {
		links.Items = append(links.Items, ui.Link{Text: loc.T("mydataweb.proof"), Href: p.Proof})
	}
	if len(links.Items) > 0 {
		add(links)
	}

	if !a.Acting() { // consents, and what may be offered, are the person's own
		if err := p.addOwn(ctx, a, loc, add); err != nil {
			return err
		}
	}

	add(ui.Heading{Text: loc.T("mydataweb.rights"), ID: "rights"}, ui.Text{Text: loc.T("mydataweb.rightsText")},
		ui.Links{Label: loc.T("mydataweb.copies"), Items: []ui.Link{
			{Text: loc.T("mydataweb.copyPDF"), Href: "/my-data/copy.pdf"}, {Text: loc.T("mydataweb.copyJSON"), Href: "/my-data/copy.json"},
			{Text: loc.T("mydataweb.givenJSON"), Href: "/my-data/given.json"}, {Text: loc.T("mydataweb.givenCSV"), Href: "/my-data/given.csv"}}})
	var cards ui.Cards
	for _, s := range p.Rights(loc.Lang()) {
		cards.Items = append(cards.Items, ui.Card{Title: s.Title, Level: 3, Text: s.Summary, Href: "/services/" + s.ID})
	}
	if len(cards.Items) > 0 {
		add(cards)
	}
	return p.show(w, r, loc.T("mydataweb.title"), false, data)
}

// addOwn shows what is for the person alone: their consents, and what they are offered.
func (p *pages) addOwn(ctx context.Context, a access.Actor, loc *i18n.Localizer, add func(...ui.Component)) error {
	consents, err := p.Consents(ctx, a, loc.Lang(), "", consentsPage+1)
	if err != nil {
		return err
	}
	add(ui.Heading{Text: loc.T("mydataweb.consents"), ID: "consents"})
	add(p.consentParts(loc, consents[:min(len(consents), homeItems)])...)
	if len(consents) > homeItems {
		add(ui.Links{Label: loc.T("mydataweb.consents"), Items: []ui.Link{{Text: loc.T("mydataweb.allConsents"), Href: "/my-data/consents"}}})
	}

	add(ui.Links{Label: loc.T("mydataweb.proactive"), Items: []ui.Link{{Text: loc.T("mydataweb.proactive"), Href: "/proactive"}}})
	return nil
}

// holderParts say why, on which basis and how long something is held.
func (p *pages) holderParts(loc *i18n.Localizer, h mydata.Holder) []ui.Component {
	about := h.About(loc.Lang())
	list := ui.SummaryList{}
	row := func(key, value string) {
		if value != "" {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T(key), Value: value})
		}
	}
	row("mydataweb.purpose", about.Purpose)
	row("mydataweb.basis", h.Basis)
	if h.Office != "" {
		row("mydataweb.office", p.Office(h.Office).For(loc.Lang()))
	}
	row("mydataweb.retention", about.Retention)
	return []ui.Component{list}
}

// items are things that are held, each with its facts and where they come from.
func (p *pages) items(loc *i18n.Localizer, items []mydata.Item, level int) []ui.Component {
	var out []ui.Component
	for _, it := range items {
		list := ui.SummaryList{Title: it.Title, Level: level}
		if !it.Restricted.IsZero() {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.restricted"), Value: loc.T("mydataweb.restrictedSince", "date", loc.Date(p.local(it.Restricted)))})
		}
		for _, f := range it.Facts {
			row := ui.SummaryRow{Key: f.Label, Value: p.value(loc, f.Value), Source: f.Source}
			if f.Fix != "" {
				row.Actions = []ui.Link{{Text: loc.T("mydataweb.fix"), Hidden: f.Label, Href: f.Fix}}
			}
			list.Rows = append(list.Rows, row)
		}
		if !it.Since.IsZero() {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.since"), Value: loc.Date(p.local(it.Since))})
		}
		if !it.Changed.IsZero() && !it.Changed.Equal(it.Since) {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.changed"), Value: loc.DateTime(p.local(it.Changed))})
		}
		if !it.Until.IsZero() {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.until"), Value: loc.Date(p.local(it.Until))})
		}
		if it.Href != "" {
			list.Actions = append(list.Actions, ui.Link{Text: loc.T("mydataweb.look"), Hidden: it.Title, Href: it.Href})
		}
		if it.History != "" {
			list.Actions = append(list.Actions, ui.Link{Text: loc.T("mydataweb.history"), Hidden: it.Title, Href: it.History})
		}
		out = append(out, list)
	}
	return out
}

// value writes days and truth the way people do; anything else is text already.
func (p *pages) value(loc *i18n.Localizer, v string) string {
	switch v {
	case "true":
		return loc.T("mydataweb.yes")
	case "false":
		return loc.T("mydataweb.no")
	case "":
		return loc.T("mydataweb.nothing")
	}
	return loc.Date(v)
}

func (p *pages) showHolder(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	for _, h := range mydata.For(p.Holders, a) {
		if h.ID != r.PathValue("holder") {
			continue
		}
		after := r.URL.Query().Get("after")
		if len(after) > 200 {
			after = ""
		}
		part, err := h.List(r.Context(), a, loc.Lang(), after, holderItems)
		if err != nil {
			return err
		}
		data := page{Parts: append(p.holderParts(loc, h), p.items(loc, part.Items, 2)...)}
		self := "/my-data/held/" + url.PathEscape(h.ID)
		var pages ui.Pagination
		if after != "" {
			pages.First = self
		}
		if part.Next != "" {
			pages.Next = self + "?" + url.Values{"after": {part.Next}}.Encode()
		}
		if len(part.Items) == 0 {
			data.Parts = append(data.Parts, ui.Text{Text: loc.T("mydataweb.nothingHeld")})
		}
		data.Parts = append(data.Parts, pages)
		return p.show(w, r, h.About(loc.Lang()).Title, true, data)
	}
	return fault.New(fault.NotFound, "mydataweb.holder", "")
}

// showHistory shows what a record was, and leads to what can be done about it.
func (p *pages) showHistory(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	reg, id := r.PathValue("register"), r.PathValue("id")
	about, ok := p.Register(reg, loc.Lang())
	if !ok {
		return fault.New(fault.NotFound, "mydataweb.history", "")
	}
	versions, err := p.History(ctx, a, reg, id, loc.Lang())
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return fault.New(fault.NotFound, "mydataweb.history", "")
	}
	data := page{Intro: loc.T("mydataweb.historyIntro")}
	if len(versions[0].Facts) > 0 && !versions[0].Ended {
		data.Parts = append(data.Parts, p.remedies(loc, versions[0])...)
	}
	for i, v := range versions {
		title := loc.T("mydataweb.versionNow")
		if i > 0 || v.Ended {
			title = loc.T("mydataweb.version", "n", len(versions)-i)
		}
		list := ui.SummaryList{Title: title, Level: 2}
		row := func(key, value string) {
			if value != "" {
				list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T(key), Value: value})
			}
		}
		if v.Ended {
			row("mydataweb.state", loc.T("mydataweb.ended"))
		}
		for _, f := range v.Facts {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: f.Label, Value: p.value(loc, f.Value), Source: f.Source})
		}
		if !v.From.IsZero() {
			row("mydataweb.validFrom", loc.Date(p.local(v.From)))
		}
		if !v.To.IsZero() {
			row("mydataweb.validTo", loc.Date(p.local(v.To)))
		}
		row("mydataweb.known", loc.DateTime(p.local(v.Known)))
		row("mydataweb.reason", v.Reason)
		if v.Case != "" {
			c, own, err := p.Case(ctx, a.Person(), v.Case, loc.Lang())
			if err != nil {
				return err
			}
			if own {
				list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.case"), Item: ui.Link{Text: c.Ref, Href: "/cases/" + v.Case}})
			}
		}
		data.Parts = append(data.Parts, list)
	}
	return p.show(w, r, about.Title, true, data)
}

// remedies lead to rectification of a field and to restriction of the record.
func (p *pages) remedies(loc *i18n.Localizer, v Version) []ui.Component {
	var out []ui.Component
	if s, ok := p.About("field", loc.Lang()); ok {
		sel := ui.Select{Field: ui.Field{Name: "field", Label: loc.T("mydataweb.whichField")}}
		for _, f := range v.Facts {
			sel.Options = append(sel.Options, ui.Option{Value: f.Name, Label: f.Label})
		}
		out = append(out, ui.Details{Summary: s.Title, Text: s.Summary, Items: []ui.Component{ui.Form{Items: []ui.Component{sel},
			Buttons: []ui.Button{{Text: loc.T("mydataweb.fixNow"), Kind: "secondary", Name: "what", Value: "field"}}}}})
	}
	if s, ok := p.About("record", loc.Lang()); ok {
		out = append(out, ui.Details{Summary: s.Title, Text: s.Summary, Items: []ui.Component{ui.Form{
			Buttons: []ui.Button{{Text: loc.T("mydataweb.restrictNow"), Kind: "secondary", Name: "what", Value: "record"}}}}})
	}
	return out
}

// begin begins an application about a record or one of its fields.
func (p *pages) begin(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	ctx, lang := r.Context(), web.Localizer(r).Lang()
	reg, id := r.PathValue("register"), r.PathValue("id")
	var next string
	switch r.FormValue("what") {
	case "field":
		next, err = p.BeginField(ctx, a, reg, id, strings.TrimSpace(r.FormValue("field")), lang)
	case "record":
		next, err = p.BeginRecord(ctx, a, reg, id, lang)
	default:
		err = fault.New(fault.Invalid, "mydataweb.begin", "")
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, next)
	return nil
}
