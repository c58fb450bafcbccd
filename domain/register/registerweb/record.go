// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"net/http"
	"strconv"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/domain/register"
	"mercator/web"
	"mercator/web/ui"
)

var classes = []register.Class{register.Public, register.Internal, register.Personal, register.Special}

// seenBy reads the record of the visit for a page: without its reason it is asked for.
func (p *pages) seenBy(w http.ResponseWriter, r *http.Request) (*visit, access.Grant, bool, error) {
	v, err := p.visit(w, r)
	if err != nil {
		return nil, access.Grant{}, false, err
	}
	if !v.said() {
		return v, access.Grant{}, false, v.askReason(true)
	}
	g, err := v.grant(access.Read, v.fields())
	if err != nil {
		return v, g, false, v.refuse(err)
	}
	return v, g, true, nil
}

// showRecord is a record as it is now.
func (p *pages) showRecord(w http.ResponseWriter, r *http.Request) error {
	v, g, ok, err := p.seenBy(w, r)
	if !ok {
		return err
	}
	rec, err := p.Registers.Get(r.Context(), g, v.d.ID, v.key)
	if err != nil {
		return v.refuse(err)
	}
	m, err := data(rec)
	if err != nil {
		return err
	}
	items := []ui.Component{v.reasonList()}
	if r.URL.Query().Get("done") == "1" {
		items = append([]ui.Component{ui.Alert{Tone: ui.Success, Title: v.loc.T("registerweb.saved"), Live: true}}, items...)
	}
	items = append(items, v.facts(m)...)
	items = append(items, v.times(rec))
	if v.keeps() {
		items = append(items, ui.Buttons{Items: []ui.Button{
			{Text: v.loc.T("registerweb.change"), Href: v.recordPath() + "/edit" + v.query()},
			{Text: v.loc.T("registerweb.end"), Kind: "secondary", Href: v.recordPath() + "/end" + v.query()}}})
	}
	more := []ui.Link{{Text: v.loc.T("registerweb.versions"), Href: v.recordPath() + "/versions" + v.query()},
		{Text: v.loc.T("registerweb.known"), Href: v.recordPath() + "/known" + v.query()}}
	if v.d.Person != "" {
		more = append(more, ui.Link{Text: v.loc.T("registerweb.readers"), Href: v.recordPath() + "/readers" + v.query()})
	}
	for _, f := range v.d.Fields {
		if !v.seesThrough(f) && r.URL.Query().Get("linked") != "1" {
			more = append(more, ui.Link{Text: v.loc.T("registerweb.linked"), Href: v.recordPath() + v.query("linked", "1")})
			break
		}
	}
	for _, f := range v.d.Fields {
		if f.Class == register.Special && r.URL.Query().Get("special") != "1" {
			more = append(more, ui.Link{Text: v.loc.T("registerweb.special"), Href: v.recordPath() + v.query("special", "1")})
			break
		}
	}
	items = append(items, ui.Links{Label: v.loc.T("registerweb.more"), Items: more})
	return v.render(http.StatusOK, v.name(m), v.toRegister(), items...)
}

// name is how a page calls a record: by its key, if the page shows it.
func (v *visit) name(m map[string]any) string {
	if key := plain(m[v.d.Key]); key != "" && v.d.Key != v.d.Person {
		return v.title() + ": " + key
	}
	return v.title()
}

// facts are the fields by class, each with where it is from, and a link to what it names.
func (v *visit) facts(m map[string]any) []ui.Component {
	var out []ui.Component
	for _, class := range classes {
		list := ui.SummaryList{Title: v.loc.T("registerweb.class." + string(class))}
		for _, f := range v.d.Fields {
			x, ok := m[f.Name]
			if f.Class != class || !ok {
				continue
			}
			row := ui.SummaryRow{Key: v.label(f), Value: v.value(f, x)}
			if f.Source != "" && f.Source != "own" {
				row.Source = f.Source
				if d, ok := v.Registers.Registers().Get(f.Source); ok {
					row.Source = d.Title.For(v.loc.Lang())
				}
			}
			if to, ok := v.Registers.Registers().Get(f.Link); ok && plain(x) != "" {
				if _, one := x.(string); one {
					row.Actions = []ui.Link{{Text: v.loc.T("registerweb.open"), Hidden: to.Title.For(v.loc.Lang()), Href: recordPath(to.ID, plain(x)) + v.query()}}
				}
			}
			list.Rows = append(list.Rows, row)
		}
		if len(list.Rows) > 0 {
			out = append(out, list)
		}
	}
	return out
}

// times say since when it is so, and since when it is known.
func (v *visit) times(r register.Record) ui.Component {
	return ui.SummaryList{Title: v.loc.T("registerweb.times"), Rows: []ui.SummaryRow{
		{Key: v.loc.T("registerweb.version"), Value: strconv.FormatInt(r.Version, 10)},
		{Key: v.loc.T("registerweb.validFrom"), Value: v.at(r.ValidFrom)},
		{Key: v.loc.T("registerweb.validTo"), Value: v.at(r.ValidTo)},
		{Key: v.loc.T("registerweb.recorded"), Value: v.at(r.ChangedAt)},
		{Key: v.loc.T("registerweb.changeReasonOf"), Value: r.Reason},
	}}
}

// showVersions are all versions, and two of them side by side.
func (p *pages) showVersions(w http.ResponseWriter, r *http.Request) error {
	v, g, ok, err := p.seenBy(w, r)
	if !ok {
		return err
	}
	list, err := p.Registers.History(r.Context(), g, v.d.ID, v.key)
	if err != nil {
		return v.refuse(err)
	}
	q := r.URL.Query()
	find := func(name string, or int) register.Record {
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		for _, x := range list {
			if err == nil && x.Version == n {
				return x
			}
		}
		return list[min(or, len(list)-1)]
	}
	one, two := find("a", 1), find("b", 0)
	table := ui.Table{Caption: v.loc.T("registerweb.versions"), Columns: []ui.Column{{Label: v.loc.T("registerweb.version")}, {Label: v.loc.T("registerweb.validFrom")},
		{Label: v.loc.T("registerweb.validTo")}, {Label: v.loc.T("registerweb.recorded")}, {Label: v.loc.T("registerweb.changeReasonOf")}}}
	var choice []ui.Option
	for _, x := range list {
		n := strconv.FormatInt(x.Version, 10)
		cell := ui.Cell{Text: n}
		if string(x.Data) == "null" {
			cell.Badge = ui.Badge{Tone: ui.Warning, Text: v.loc.T("registerweb.ended")}
		}
		table.Rows = append(table.Rows, ui.Row{Cells: []ui.Cell{cell, {Text: v.at(x.ValidFrom)}, {Text: v.at(x.ValidTo)}, {Text: v.at(x.ChangedAt)}, {Text: x.Reason}}})
		choice = append(choice, ui.Option{Value: n, Label: v.loc.T("registerweb.versionOf", "n", n, "at", v.at(x.ChangedAt))})
	}
	items := []ui.Component{v.reasonList(), table}
	if len(list) > 1 {
		form := ui.Form{Method: "get", Action: v.recordPath() + "/versions", Items: v.hidden(), Buttons: []ui.Button{{Text: v.loc.T("registerweb.compare"), Kind: "secondary"}}}
		form.Items = append(form.Items,
			ui.Select{Field: ui.Field{Name: "a", Label: v.loc.T("registerweb.one")}, Value: strconv.FormatInt(one.Version, 10), Options: choice},
			ui.Select{Field: ui.Field{Name: "b", Label: v.loc.T("registerweb.other")}, Value: strconv.FormatInt(two.Version, 10), Options: choice})
		beside, err := v.beside(one, two, v.loc.T("registerweb.versionN", "n", one.Version), v.loc.T("registerweb.versionN", "n", two.Version))
		if err != nil {
			return err
		}
		items = append(items, form, beside)
	}
	return v.render(http.StatusOK, v.loc.T("registerweb.versions"), v.toRecord(), items...)
}

// beside shows two states of a record side by side. What differs says so in words.
func (v *visit) beside(one, two register.Record, first, second string) (ui.Component, error) {
	a, err := data(one)
	if err != nil {
		return nil, err
	}
	b, err := data(two)
	if err != nil {
		return nil, err
	}
	return v.differences(a, b, first, second), nil
}

func (v *visit) differences(a, b map[string]any, first, second string) ui.Component {
	t := ui.Table{Caption: v.loc.T("registerweb.beside"), Columns: []ui.Column{{Label: v.loc.T("registerweb.field")}, {Label: first}, {Label: second}, {Label: v.loc.T("registerweb.difference")}}}
	for _, f := range v.d.Fields {
		x, had := a[f.Name]
		y, has := b[f.Name]
		if !had && !has {
			continue
		}
		row := ui.Row{Cells: []ui.Cell{{Text: v.label(f)}, {Text: v.value(f, x)}, {Text: v.value(f, y)}, {Text: v.loc.T("registerweb.same")}}}
		if had != has || plain(x) != plain(y) {
			row.Cells[3] = ui.Cell{Badge: ui.Badge{Tone: ui.Warning, Text: v.loc.T("registerweb.changed")}}
			row.Marked = true
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// showKnown answers what the city knew on one day about another.
func (p *pages) showKnown(w http.ResponseWriter, r *http.Request) error {
	v, g, ok, err := p.seenBy(w, r)
	if !ok {
		return err
	}
	q := r.URL.Query()
	today := p.Now().In(p.Zone).Format(time.DateOnly)
	known, valid := ui.ReadDate(q, "known"), ui.ReadDate(q, "valid")
	wrong := ui.ErrorSummary{}
	errs := map[string]string{}
	day := func(name, text string) time.Time {
		if text == "" {
			return p.Now()
		}
		t, err := time.ParseInLocation(time.DateOnly, text, p.Zone)
		if err != nil {
			errs[name] = v.loc.T("registerweb.badDate")
			wrong.Items = append(wrong.Items, ui.FieldError{Field: name, Text: errs[name]})
		}
		return t.AddDate(0, 0, 1).Add(-time.Microsecond).UTC() // by the end of that day
	}
	knownAt, validAt := day("known", known), day("valid", valid)
	if known == "" {
		known = today
	}
	if valid == "" {
		valid = today
	}
	form := ui.Form{Method: "get", Action: v.recordPath() + "/known", Items: v.hidden(), Buttons: []ui.Button{{Text: v.loc.T("registerweb.ask")}}}
	form.Items = append(form.Items, ui.DateInput{Field: ui.Field{Name: "known", Label: v.loc.T("registerweb.knownOn"), Error: errs["known"]}, Value: known},
		ui.DateInput{Field: ui.Field{Name: "valid", Label: v.loc.T("registerweb.validOn"), Error: errs["valid"]}, Value: valid})
	items := []ui.Component{v.reasonList()}
	if len(wrong.Items) > 0 {
		return v.render(http.StatusUnprocessableEntity, v.loc.T("registerweb.known"), v.toRecord(), append([]ui.Component{wrong}, append(items, form)...)...)
	}
	items = append(items, form)
	rec, err := p.Registers.AsOf(r.Context(), g, v.d.ID, v.key, validAt, knownAt)
	switch {
	case fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied):
		items = append(items, ui.Alert{Title: v.loc.T("registerweb.nothingKnown", "known", v.loc.Date(known), "valid", v.loc.Date(valid))})
	case err != nil:
		return err
	default:
		m, err := data(rec)
		if err != nil {
			return err
		}
		items = append(items, ui.Heading{Text: v.loc.T("registerweb.knew", "known", v.loc.Date(known), "valid", v.loc.Date(valid))})
		items = append(items, v.facts(m)...)
		items = append(items, v.times(rec))
	}
	return v.render(http.StatusOK, v.loc.T("registerweb.known"), v.toRecord(), items...)
}

// readersPage is how many entries of the ledger a page shows.
const readersPage = 50

// showReaders are the entries of the ledger about the person whom the record is about, as
// far as policy lets the clerk see them.
func (p *pages) showReaders(w http.ResponseWriter, r *http.Request) error {
	v, _, ok, err := p.seenBy(w, r)
	if !ok {
		return err
	}
	person, _, err := p.Registers.Whom(r.Context(), v.d.ID, v.key)
	if err != nil {
		return err
	}
	if person == "" {
		return v.refuse(fault.New(fault.NotFound, "registerweb.readers", ""))
	}
	g, err := p.Access.Permit(r.Context(), access.Request{Actor: v.a, Action: access.Read, Resource: "ledger", Purpose: v.why.Purpose, Basis: v.why.Basis, Case: v.why.caseID, Owner: person})
	if fault.Is(err, fault.Denied) {
		return v.render(http.StatusForbidden, v.loc.T("registerweb.readers"), v.toRecord(), ui.Alert{Tone: ui.Warning, Title: v.loc.T("registerweb.readersOnly")})
	}
	if err != nil {
		return err
	}
	list, err := p.Access.WhoReadWhere(r.Context(), g, r.URL.Query().Get("before"), audit.Narrow{Resource: register.Resource(v.d.ID)}, readersPage)
	if err != nil {
		return err
	}
	table := ui.Table{Caption: v.loc.T("registerweb.readers"), Empty: v.loc.T("registerweb.nobody"), Columns: []ui.Column{{Label: v.loc.T("registerweb.when")}, {Label: v.loc.T("registerweb.who")},
		{Label: v.loc.T("registerweb.what")}, {Label: v.loc.T("registerweb.purpose")}, {Label: v.loc.T("registerweb.basis")}}}
	for _, e := range list {
		who := e.ActorName
		if e.Office != "" {
			who = p.Office(e.Office).For(v.loc.Lang())
		}
		row := ui.Row{Cells: []ui.Cell{{Text: v.at(e.At)}, {Text: who, Sub: e.ActorName}, {Text: v.loc.T("registerweb.action." + e.Action), Sub: web.Door(v.loc, e.Door, e.Client)}, {Text: e.Purpose}, {Text: e.Basis}}}
		if e.Outcome == "refused" {
			row.Cells[2].Badge = ui.Badge{Tone: ui.Warning, Text: v.loc.T("registerweb.refusedBadge")}
		}
		table.Rows = append(table.Rows, row)
	}
	pages := ui.Pagination{}
	if len(list) == readersPage {
		pages.Next = v.recordPath() + "/readers" + v.query("before", list[len(list)-1].ID)
	}
	return v.render(http.StatusOK, v.loc.T("registerweb.readers"), v.toRecord(), v.reasonList(), table, pages)
}
