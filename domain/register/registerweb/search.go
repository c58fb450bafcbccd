// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/register"
	"mercator/lang/cql2"
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
	qs, err := v.questions()
	if err != nil {
		return err
	}
	search := v.asked(qs)
	filter := v.filter(qs, &search)
	items := []ui.Component{}
	if len(search.errs) > 0 {
		summary := ui.ErrorSummary{}
		for _, q := range qs {
			for _, name := range q.names() {
				if text := search.errs[name]; text != "" {
					summary.Items = append(summary.Items, ui.FieldError{Field: name, Text: text})
				}
			}
		}
		items = append(items, summary)
	}
	items = append(items, v.reasonList())
	if search.wrong != "" {
		items = append(items, ui.Alert{Tone: ui.Danger, Title: v.loc.T("registerweb.badSearch"), Text: search.wrong, Live: true})
	}
	items = append(items, v.searchForm(qs, search))
	status := http.StatusOK
	if len(search.errs) > 0 || search.wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	if search.begun && status == http.StatusOK {
		found, err := v.results(search, filter)
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
	values map[string]string // by the names of the form's fields
	text   string
	expert string
	sort   string
	after  string
	begun  bool
	errs   map[string]string
	wrong  string
}

// asking is how a form asks for a field.
type asking int

const (
	byText   asking = iota // one value, as the field compares values
	byChoice               // one of some
	byNumber               // one number
	byRange                // numbers from and to
	byTime                 // days from and to
	byPlace                // near a point
	byTruth                // yes or no
)

// question is a field that a form can ask for.
type question struct {
	register.Field
	shape
	asking
}

// questions are the fields that a form can ask for, in their declared order.
func (v *visit) questions() ([]question, error) {
	all, err := shapes(v.d)
	if err != nil {
		return nil, err
	}
	var out []question
	for _, f := range v.d.Fields {
		if f.Class == register.Special || f.View() {
			continue
		}
		q := question{Field: f, shape: all[f.Name]}
		key := f.Name == v.d.Key && f.Name != v.d.Person
		exact := f.Search != register.NoSearch || key
		switch number := q.Kind == "number" || q.Kind == "integer"; {
		case f.By(register.Places):
			q.asking = byPlace
		case q.Format == "date" || q.Format == "date-time":
			if !f.By(register.Dates) && !f.By(register.Range) {
				continue
			}
			q.asking = byTime
		case number && f.By(register.Range):
			q.asking = byRange
		case number && exact:
			q.asking = byNumber
		case q.Kind == "boolean" && exact:
			q.asking = byTruth
		case q.Kind == "string" && exact && len(v.choices(f, q.shape, "", "")) > 0:
			q.asking = byChoice
		case q.Kind == "string" && (exact || f.By(register.Phonetic)):
			q.asking = byText
		default:
			continue
		}
		out = append(out, q)
	}
	return out, nil
}

// Ways in which a text is compared, as a form asks.
const (
	wayBegins = "begins"
	waySounds = "sounds"
)

// ways are those of a field beside being the same.
func (q question) ways() (out []string) {
	if q.By(register.Prefix) && q.Field.Search != register.NoSearch {
		out = append(out, wayBegins)
	}
	if q.By(register.Phonetic) {
		out = append(out, waySounds)
	}
	return out
}

// names are the form's fields of a question.
func (q question) names() []string {
	n := "f." + q.Name
	switch q.asking {
	case byText:
		if len(q.ways()) > 0 {
			return []string{n, n + ".way"}
		}
	case byRange, byTime:
		return []string{n + ".from", n + ".to"}
	case byPlace:
		return []string{n + ".lon", n + ".lat", n + ".metres"}
	}
	return []string{n}
}

func (v *visit) asked(qs []question) wanted {
	q := v.r.URL.Query()
	out := wanted{values: map[string]string{}, errs: map[string]string{}, text: strings.TrimSpace(q.Get("text")), expert: strings.TrimSpace(q.Get("filter")),
		sort: q.Get("sort"), after: q.Get("after"), begun: q.Get("go") == "1"}
	for _, x := range qs {
		for _, name := range x.names() {
			s := strings.TrimSpace(q.Get(name))
			if x.asking == byTime {
				s = ui.ReadDate(q, name)
			}
			if s == "" {
				continue
			}
			out.values[name] = s
			if !clean(s) {
				out.errs[name] = v.loc.T("registerweb.badText")
			}
		}
	}
	if !clean(out.text) || !clean(out.after) || !clean(out.sort) || len(out.expert) > maxFilter || strings.ContainsRune(out.expert, 0) {
		out.wrong = v.loc.T("registerweb.badText")
	}
	return out
}

// literally takes from a text what a pattern would take for more than itself.
var literally = strings.NewReplacer("\\", "\\\\", "%", "\\%", "_", "\\_")

// filter is the CQL2 text for the fields that were filled in. What somebody types is a
// text between quotes, a number or a day, and nothing else.
func (v *visit) filter(qs []question, a *wanted) string {
	var terms []string
	text := func(name, s string) string {
		q, ok := cql2.Quote(s)
		if !ok {
			a.errs[name] = v.loc.T("registerweb.badText")
			return "''"
		}
		return q
	}
	number := func(name string) string {
		s := strings.ReplaceAll(a.values[name], ",", ".")
		if s != "" && (len(s) > 40 || strings.Trim(s, "0123456789.-") != "" || !json.Valid([]byte(s))) {
			a.errs[name] = v.loc.T("registerweb.badNumber")
			return ""
		}
		return s
	}
	day := func(name string) string {
		s := a.values[name]
		if _, err := time.Parse(time.DateOnly, s); s != "" && err != nil {
			a.errs[name] = v.loc.T("registerweb.badDate")
			return ""
		}
		return s
	}
	for _, q := range qs {
		n, field := "f."+q.Name, cql2.Name(q.Name)
		s := a.values[n]
		switch q.asking {
		case byText:
			switch way := a.values[n+".way"]; {
			case s == "":
			case way == wayBegins && slices.Contains(q.ways(), way):
				terms = append(terms, field+" LIKE "+text(n, literally.Replace(s)+"%"))
			case way == waySounds && slices.Contains(q.ways(), way) || q.Field.Search == register.NoSearch && q.By(register.Phonetic):
				terms = append(terms, "phonetic("+field+") = "+text(n, s))
			default:
				terms = append(terms, field+" = "+text(n, s))
			}
		case byChoice:
			if s != "" {
				terms = append(terms, field+" = "+text(n, s))
			}
		case byTruth:
			if s == "true" || s == "false" {
				terms = append(terms, field+" = "+strings.ToUpper(s))
			}
		case byNumber:
			if s = number(n); s != "" {
				terms = append(terms, field+" = "+s)
			}
		case byRange:
			if from := number(n + ".from"); from != "" {
				terms = append(terms, field+" >= "+from)
			}
			if to := number(n + ".to"); to != "" {
				terms = append(terms, field+" <= "+to)
			}
		case byTime:
			from, to := day(n+".from"), day(n+".to")
			switch {
			case from != "" && from == to:
				terms = append(terms, field+" = DATE('"+from+"')")
				continue
			case from != "":
				terms = append(terms, field+" >= DATE('"+from+"')")
			}
			if to != "" {
				terms = append(terms, field+" <= DATE('"+to+"')")
			}
		case byPlace:
			lon, lat, far := number(n+".lon"), number(n+".lat"), number(n+".metres")
			if lon == "" && lat == "" && far == "" {
				continue
			}
			for name, x := range map[string]string{n + ".lon": lon, n + ".lat": lat, n + ".metres": far} {
				if x == "" && a.errs[name] == "" {
					a.errs[name] = v.loc.T("registerweb.needed")
				}
			}
			terms = append(terms, "S_DWITHIN("+field+", POINT("+lon+" "+lat+"), "+far+")")
		}
	}
	if a.expert != "" {
		if len(terms) == 0 {
			return a.expert // as it stands, so that mistakes are shown at their place
		}
		terms = append(terms, "("+a.expert+")")
	}
	return strings.Join(terms, " AND ")
}

func (v *visit) searchForm(qs []question, a wanted) ui.Component {
	form := ui.Form{Method: "get", Action: v.registerPath(), Items: v.hidden(), Buttons: []ui.Button{{Text: v.loc.T("registerweb.search")}}}
	form.Items = append(form.Items, ui.Hidden{Name: "go", Value: "1"})
	field := func(name, label string) ui.Field {
		return ui.Field{Name: name, Label: label, Optional: true, Error: a.errs[name]}
	}
	for _, q := range qs {
		n, label := "f."+q.Name, v.label(q.Field)
		switch q.asking {
		case byText:
			in := ui.Input{Field: field(n, label), Value: a.values[n], MaxLength: 200, NoSpelling: true}
			ways := q.ways()
			if len(ways) == 0 || q.Field.Search == register.NoSearch {
				form.Items = append(form.Items, in)
				continue
			}
			how := ui.Select{Field: field(n+".way", v.loc.T("registerweb.way", "field", label)), Value: a.values[n+".way"], Empty: v.loc.T("registerweb.ways.same")}
			for _, w := range ways {
				how.Options = append(how.Options, ui.Option{Value: w, Label: v.loc.T("registerweb.ways." + w)})
			}
			form.Items = append(form.Items, in, how)
		case byChoice:
			form.Items = append(form.Items, ui.Select{Field: field(n, label), Value: a.values[n], Options: v.choices(q.Field, q.shape, "", ""), Empty: v.loc.T("registerweb.any")})
		case byTruth:
			form.Items = append(form.Items, ui.Select{Field: field(n, label), Value: a.values[n], Empty: v.loc.T("registerweb.any"),
				Options: []ui.Option{{Value: "true", Label: v.loc.T("registerweb.yes")}, {Value: "false", Label: v.loc.T("registerweb.no")}}})
		case byNumber:
			form.Items = append(form.Items, ui.Input{Field: field(n, label), Value: a.values[n], InputMode: "decimal", Width: 10})
		case byRange:
			form.Items = append(form.Items, ui.Fieldset{Legend: label, Items: []ui.Component{
				ui.Input{Field: field(n+".from", v.loc.T("registerweb.least")), Value: a.values[n+".from"], InputMode: "decimal", Width: 10},
				ui.Input{Field: field(n+".to", v.loc.T("registerweb.most")), Value: a.values[n+".to"], InputMode: "decimal", Width: 10}}})
		case byTime:
			form.Items = append(form.Items,
				ui.DateInput{Field: field(n+".from", v.loc.T("registerweb.sinceDay", "field", label)), Value: a.values[n+".from"]},
				ui.DateInput{Field: field(n+".to", v.loc.T("registerweb.untilDay", "field", label)), Value: a.values[n+".to"]})
		case byPlace:
			form.Items = append(form.Items, ui.Fieldset{Legend: label, Hint: v.loc.T("registerweb.near"), Items: []ui.Component{
				ui.Input{Field: field(n+".lon", v.loc.T("registerweb.lon")), Value: a.values[n+".lon"], InputMode: "decimal", Width: 10},
				ui.Input{Field: field(n+".lat", v.loc.T("registerweb.lat")), Value: a.values[n+".lat"], InputMode: "decimal", Width: 10},
				ui.Input{Field: field(n+".metres", v.loc.T("registerweb.metres")), Value: a.values[n+".metres"], InputMode: "numeric", Width: 10}}})
		}
	}
	if v.fullText() {
		form.Items = append(form.Items, ui.Input{Field: field("text", v.loc.T("registerweb.text")), Value: a.text, MaxLength: 200, NoSpelling: true})
	}
	if sorts := v.sorts(); len(sorts) > 0 {
		form.Items = append(form.Items, ui.Select{Field: field("sort", v.loc.T("registerweb.sort")), Value: a.sort, Options: sorts, Empty: v.loc.T("registerweb.byKey")})
	}
	form.Items = append(form.Items, ui.Details{Summary: v.loc.T("registerweb.expert"), Open: a.expert != "", Items: []ui.Component{
		ui.TextArea{Field: ui.Field{Name: "filter", Label: v.loc.T("registerweb.filter"), Hint: v.loc.T("registerweb.filterHint", "fields", strings.Join(v.lookedBy(nil), ", ")), Optional: true}, Value: a.expert, Rows: 3, MaxLength: maxFilter}}})
	return form
}

// sorts are the orders that the register has.
func (v *visit) sorts() []ui.Option {
	var out []ui.Option
	for _, f := range v.d.Fields {
		if f.Class != register.Special && v.d.Ordered(f) {
			label := f.Title.For(v.loc.Lang())
			out = append(out, ui.Option{Value: f.Name, Label: v.loc.T("registerweb.up", "field", label)}, ui.Option{Value: "-" + f.Name, Label: v.loc.T("registerweb.down", "field", label)})
		}
	}
	return out
}

// lookedBy are fields and those that a filter may name beside them. A search asks for no
// more: what it looks at is on record as read.
func (v *visit) lookedBy(shown []string) []string {
	out := slices.Clone(shown)
	for _, f := range v.d.Fields {
		if f.Class != register.Special && (len(f.Ways) > 0 || f.Name == v.d.Key) && !slices.Contains(out, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// results are the records that fit, and the way to the next page.
func (v *visit) results(a wanted, filter string) ([]ui.Component, error) {
	columns := v.columns()
	var shown []string
	for _, f := range columns {
		shown = append(shown, f.Name)
	}
	var g access.Grant
	if !v.d.Public {
		r := v.request(access.List, v.lookedBy(shown))
		if !v.keeps() && v.d.Person != "" { // for a case: whom it is about
			r.Action, r.Owner = access.Read, v.why.person
		}
		var err error
		if g, err = v.Access.Permit(v.r.Context(), r); err != nil {
			return nil, err
		}
	}
	found, err := v.Registers.Search(v.r.Context(), g, v.d.ID, register.Query{Filter: filter, Text: a.text, Fields: shown, Sort: a.sort, Limit: pageSize, After: a.after})
	if err != nil {
		return nil, err
	}
	table := ui.Table{Caption: v.loc.T("registerweb.results"), Empty: v.loc.T("registerweb.none")}
	if found.Next != "" {
		table.Empty = v.loc.T("registerweb.noneYet")
	}
	for _, f := range columns {
		table.Columns = append(table.Columns, ui.Column{Label: v.label(f)})
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
		if f.View() || f.Geometry {
			return
		}
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
		if len(f.Ways) > 0 && f.Class != register.Internal {
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
