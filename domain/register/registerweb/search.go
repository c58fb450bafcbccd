// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"net/http"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/register"
	"mercator/web/ui"
)

const (
	pageSize  = 25
	maxFilter = 4000
	maxColumn = 6
)

// showSearch asks for the reason first, then for what is looked for.
func (p *pages) showSearch(w http.ResponseWriter, r *http.Request) error {
	v, err := p.visit(w, r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	if !v.said() || q.Get("ask") == "1" {
		return v.askReason(q.Has("asked"))
	}
	search := v.asked()
	items := []ui.Component{v.reasonList()}
	if search.wrong != "" {
		items = append(items, ui.Alert{Tone: ui.Danger, Title: v.loc.T("registerweb.badSearch"), Text: search.wrong, Live: true})
	}
	items = append(items, v.searchForm(search))
	status := http.StatusOK
	if search.begun && search.wrong == "" {
		found, err := v.results(search)
		switch fault.KindOf(err) {
		case "":
			items = append(items, found...)
		case fault.Denied:
			status = http.StatusForbidden
			items = append(items, v.missing(ui.Danger))
		case fault.Invalid, fault.Unsupported:
			status = http.StatusUnprocessableEntity
			items = append(items, ui.Alert{Tone: ui.Danger, Title: v.loc.T("registerweb.badSearch"), Text: v.faultText(err), Live: true})
		default:
			return err
		}
	}
	if v.keeps() {
		items = append(items, ui.Buttons{Items: []ui.Button{{Text: v.loc.T("registerweb.new"), Kind: "secondary", Href: v.registerPath() + "/new" + v.query()}}})
	}
	return v.render(status, v.title(), ui.Link{Text: v.loc.T("registerweb.title"), Href: home}, items...)
}

func (v *visit) faultText(err error) string {
	key, args := fault.Message(err)
	if !v.loc.Has(key) {
		key, args = "registerweb.badSearchText", nil
	}
	return v.loc.T(key, args...)
}

// askReason asks for what, on which basis and for which case the register is read.
func (v *visit) askReason(again bool) error {
	need := v.why.wrong
	if again {
		for name, text := range map[string]string{"purpose": v.why.Purpose, "basis": v.why.Basis} {
			if text == "" && need[name] == "" {
				need[name] = v.loc.T("registerweb.needed")
			}
		}
		if v.why.Ref == "" && !v.keeps() && v.d.Person != "" {
			need["case"] = v.loc.T("registerweb.caseNeeded")
		}
	}
	purpose, basis := v.why.Purpose, v.why.Basis
	if !again && v.keeps() { // what the office keeps it for
		if purpose == "" {
			purpose = v.d.Purpose.For("de")
		}
		if basis == "" {
			basis = v.d.Basis
		}
	}
	items := []ui.Component{}
	summary := ui.ErrorSummary{}
	for _, name := range []string{"purpose", "basis", "case"} {
		if need[name] != "" {
			summary.Items = append(summary.Items, ui.FieldError{Field: name, Text: need[name]})
		}
	}
	status := http.StatusOK
	if len(summary.Items) > 0 {
		status = http.StatusUnprocessableEntity
		items = append(items, summary)
	}
	optional := v.keeps() || v.d.Person == ""
	items = append(items, ui.Text{Text: v.loc.T("registerweb.reasonIntro")}, ui.Form{Method: "get", Action: v.registerPath(), Items: []ui.Component{
		ui.Hidden{Name: "asked", Value: "1"},
		ui.Input{Field: ui.Field{Name: "purpose", Label: v.loc.T("registerweb.purpose"), Hint: v.loc.T("registerweb.purposeHint"), Error: need["purpose"]}, Value: purpose, MaxLength: 200},
		ui.Input{Field: ui.Field{Name: "basis", Label: v.loc.T("registerweb.basis"), Hint: v.loc.T("registerweb.basisHint"), Error: need["basis"]}, Value: basis, MaxLength: 200, NoSpelling: true},
		ui.Input{Field: ui.Field{Name: "case", Label: v.loc.T("registerweb.case"), Hint: v.loc.T("registerweb.caseHint"), Error: need["case"], Optional: optional}, Value: v.why.Ref, MaxLength: 60, NoSpelling: true},
	}, Buttons: []ui.Button{{Text: v.loc.T("registerweb.onward")}}})
	return v.render(status, v.title(), ui.Link{Text: v.loc.T("registerweb.title"), Href: home}, items...)
}

// reasonList shows the reason that goes on record, and where to change it.
func (v *visit) reasonList() ui.Component {
	if v.d.Public {
		return ui.Text{Text: v.loc.T("registerweb.publicText"), Muted: true}
	}
	rows := []ui.SummaryRow{{Key: v.loc.T("registerweb.purpose"), Value: v.why.Purpose}, {Key: v.loc.T("registerweb.basis"), Value: v.why.Basis}}
	if v.why.Ref != "" {
		rows = append(rows, ui.SummaryRow{Key: v.loc.T("registerweb.case"), Value: v.why.Ref})
	}
	return ui.SummaryList{Title: v.loc.T("registerweb.reason"), Rows: rows,
		Actions: []ui.Link{{Text: v.loc.T("registerweb.changeReason"), Href: v.registerPath() + v.query("ask", "1")}}}
}

// wanted is what somebody looks for.
type wanted struct {
	values map[string]string
	text   string
	expert string
	after  string
	begun  bool
	wrong  string
}

func (v *visit) asked() wanted {
	q := v.r.URL.Query()
	out := wanted{values: map[string]string{}, text: strings.TrimSpace(q.Get("text")), expert: strings.TrimSpace(q.Get("filter")), after: q.Get("after"), begun: q.Get("go") == "1"}
	for _, f := range v.searchable() {
		if s := strings.TrimSpace(q.Get("f." + f.Name)); s != "" {
			out.values[f.Name] = s
			if !clean(s) {
				out.wrong = v.loc.T("registerweb.badText")
			}
		}
	}
	if !clean(out.text) || !clean(out.after) || len(out.expert) > maxFilter || strings.ContainsRune(out.expert, 0) {
		out.wrong = v.loc.T("registerweb.badText")
	}
	return out
}

// searchable are the fields that a form can ask for, in their declared order.
func (v *visit) searchable() []register.Field {
	var out []register.Field
	for _, f := range v.d.Fields {
		if searched(f) && f.Class != register.Special {
			out = append(out, f)
		}
	}
	return out
}

// filter is the CQL2 text for the fields that were filled in. What somebody types is a
// text between quotes and nothing else.
func (v *visit) filter(a wanted) string {
	var terms []string
	for _, f := range v.searchable() {
		if s := a.values[f.Name]; s != "" {
			terms = append(terms, f.Name+" = '"+strings.ReplaceAll(s, "'", "''")+"'")
		}
	}
	if a.expert != "" {
		terms = append(terms, "("+a.expert+")")
		if len(terms) == 1 {
			return a.expert // as it stands, so that mistakes are shown at their place
		}
	}
	return strings.Join(terms, " AND ")
}

func (v *visit) searchForm(a wanted) ui.Component {
	form := ui.Form{Method: "get", Action: v.registerPath(), Items: v.hidden(), Buttons: []ui.Button{{Text: v.loc.T("registerweb.search")}}}
	form.Items = append(form.Items, ui.Hidden{Name: "go", Value: "1"})
	for _, f := range v.searchable() {
		form.Items = append(form.Items, ui.Input{Field: ui.Field{Name: "f." + f.Name, Label: f.Title.For(v.loc.Lang()), Optional: true}, Value: a.values[f.Name], MaxLength: 200, NoSpelling: true})
	}
	if v.fullText() {
		form.Items = append(form.Items, ui.Input{Field: ui.Field{Name: "text", Label: v.loc.T("registerweb.text"), Optional: true}, Value: a.text, MaxLength: 200, NoSpelling: true})
	}
	names := strings.Join(v.d.FieldNames(), ", ")
	form.Items = append(form.Items, ui.Details{Summary: v.loc.T("registerweb.expert"), Open: a.expert != "", Items: []ui.Component{
		ui.TextArea{Field: ui.Field{Name: "filter", Label: v.loc.T("registerweb.filter"), Hint: v.loc.T("registerweb.filterHint", "fields", names), Optional: true}, Value: a.expert, Rows: 3, MaxLength: maxFilter}}})
	return form
}

// results are the records that fit, and the way to the next page.
func (v *visit) results(a wanted) ([]ui.Component, error) {
	fields := v.fields()
	var g access.Grant
	if !v.d.Public {
		r := v.request(access.List, fields)
		if !v.keeps() && v.d.Person != "" { // for a case: whom it is about
			r.Action, r.Owner = access.Read, v.why.person
		}
		var err error
		if g, err = v.Access.Permit(v.r.Context(), r); err != nil {
			return nil, err
		}
	}
	found, err := v.Registers.Search(v.r.Context(), g, v.d.ID, register.Query{Filter: v.filter(a), Text: a.text, Fields: fields, Limit: pageSize, After: a.after})
	if err != nil {
		return nil, err
	}
	columns := v.columns()
	table := ui.Table{Caption: v.loc.T("registerweb.results"), Empty: v.loc.T("registerweb.none")}
	if found.Next != "" {
		table.Empty = v.loc.T("registerweb.noneYet")
	}
	for _, f := range columns {
		table.Columns = append(table.Columns, ui.Column{Label: f.Title.For(v.loc.Lang())})
	}
	for _, rec := range found.Records {
		m, err := rec.All()
		if err != nil {
			return nil, err
		}
		row := ui.Row{}
		for i, f := range columns {
			cell := ui.Cell{Text: v.value(f, m[f.Name])}
			if i == 0 {
				cell.Href = recordPath(v.d.ID, v.d.Address(rec.ID)) + v.query()
				if cell.Text == "" {
					cell.Text = v.loc.T("registerweb.record")
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		table.Rows = append(table.Rows, row)
	}
	link := func(after string) string {
		q := v.r.URL.Query()
		q.Del("after")
		if after != "" {
			q.Set("after", after)
		}
		return v.registerPath() + "?" + q.Encode()
	}
	pages := ui.Pagination{}
	if found.Next != "" {
		pages.Next = link(found.Next)
	}
	if a.after != "" {
		pages.First = link("")
	}
	return []ui.Component{table, pages}, nil
}

// columns are the fields that tell records apart: the key and what is searched by, then
// what comes first.
func (v *visit) columns() []register.Field {
	var out []register.Field
	add := func(f register.Field) {
		for _, x := range out {
			if x.Name == f.Name {
				return
			}
		}
		if len(out) < maxColumn && f.Class != register.Special {
			out = append(out, f)
		}
	}
	key, _ := v.d.Field(v.d.Key)
	if v.d.Key != v.d.Person {
		add(key)
	}
	for _, f := range v.d.Fields {
		if searched(f) && f.Class != register.Internal {
			add(f)
		}
	}
	for _, f := range v.d.Fields {
		if f.Name != v.d.Person && f.Class != register.Internal || v.d.Person == "" {
			add(f)
		}
	}
	if len(out) == 0 {
		add(key)
	}
	return out
}
