// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/register"
	"mercator/web"
	"mercator/web/ui"
)

const maxReason = 300

// editing is a form to change a record: how it was seen, and what is typed.
type editing struct {
	fresh  bool // there is no record yet
	mark   register.Mark
	before map[string]any    // the record as it was seen
	typed  map[string]string // what stands in the fields
	from   string
	reason string
	errs   map[string]string
	stale  ui.Component // what somebody else has made of it meanwhile
}

// editable are the fields that the form has: those that the clerk sees; the key and whom
// the record is about only of a new one.
func (v *visit) editable(fresh bool) []register.Field {
	var out []register.Field
	for _, name := range v.fields() {
		f, _ := v.d.Field(name)
		if fresh || f.Name != v.d.Key && f.Name != v.d.Person {
			out = append(out, f)
		}
	}
	return out
}

// keeper is a visit of the office that keeps the register, with its reason.
func (p *pages) keeper(w http.ResponseWriter, r *http.Request) (*visit, bool, error) {
	v, err := p.visit(w, r)
	if err != nil {
		return nil, false, err
	}
	if !v.keeps() {
		return v, false, v.refuse(fault.New(fault.NotFound, "registerweb.keeper", ""))
	}
	if q := r.URL.Query(); v.d.Public { // reading needs no reason, changing does
		v.why.Purpose, v.why.Basis = strings.TrimSpace(q.Get("purpose")), strings.TrimSpace(q.Get("basis"))
		if v.why.Purpose == "" || !clean(v.why.Purpose) {
			v.why.Purpose = v.d.Purpose.For("de")
		}
		if v.why.Basis == "" || !clean(v.why.Basis) {
			v.why.Basis = v.d.Basis
		}
	}
	if !v.said() {
		return v, false, v.askReason(true)
	}
	return v, true, nil
}

// read is the record that the visit is about to change.
func (v *visit) read() (register.Record, map[string]any, error) {
	g, err := v.grant(access.Read, v.fields())
	if err != nil {
		return register.Record{}, nil, err
	}
	rec, err := v.Registers.Get(v.r.Context(), g, v.d.ID, v.key)
	if err != nil {
		return rec, nil, err
	}
	m, err := data(rec)
	return rec, m, err
}

func (p *pages) showEdit(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := p.keeper(w, r)
	if !ok {
		return err
	}
	rec, m, err := v.read()
	if err != nil {
		return v.refuse(err)
	}
	return v.editForm(http.StatusOK, v.begin(rec, m))
}

func (v *visit) begin(rec register.Record, m map[string]any) editing {
	e := editing{mark: rec.Mark(), before: m, typed: map[string]string{}, errs: map[string]string{}}
	for _, f := range v.editable(false) {
		e.typed[f.Name] = plain(m[f.Name])
	}
	return e
}

func (p *pages) showNew(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := p.keeper(w, r)
	if !ok {
		return err
	}
	return v.editForm(http.StatusOK, editing{fresh: true, typed: map[string]string{}, errs: map[string]string{}})
}

// editForm is made of the register's schema: a new field is there without Go.
func (v *visit) editForm(status int, e editing) error {
	all, err := shapes(v.d)
	if err != nil {
		return err
	}
	form := ui.Form{Buttons: []ui.Button{{Text: v.loc.T("registerweb.save")}}}
	if e.fresh {
		form.Action = v.registerPath() + "/new" + v.query()
	} else {
		form.Action = v.recordPath() + "/edit" + v.query("special", v.r.URL.Query().Get("special"))
		form.Items = append(form.Items, ui.Hidden{Name: "mark", Value: strconv.FormatInt(e.mark.Version, 10) + "-" + strconv.FormatInt(e.mark.Last, 10)})
	}
	summary := ui.ErrorSummary{}
	wrong := func(name string) string {
		if text := e.errs[name]; text != "" {
			summary.Items = append(summary.Items, ui.FieldError{Field: name, Text: text})
			return text
		}
		return ""
	}
	for _, f := range v.editable(e.fresh) {
		form.Items = append(form.Items, v.input(f, all[f.Name], e.typed[f.Name], wrong("f."+f.Name)))
	}
	form.Items = append(form.Items,
		ui.DateInput{Field: ui.Field{Name: "from", Label: v.loc.T("registerweb.from"), Hint: v.loc.T("registerweb.fromHint"), Optional: true, Error: wrong("from")}, Value: e.from},
		ui.TextArea{Field: ui.Field{Name: "reason", Label: v.loc.T("registerweb.why"), Hint: v.loc.T("registerweb.whyHint"), Error: wrong("reason")}, Value: e.reason, Rows: 2, MaxLength: maxReason})
	items := []ui.Component{}
	if text := e.errs[""]; text != "" {
		summary.Items = append(summary.Items, ui.FieldError{Text: text, Href: "#main"})
	}
	if len(summary.Items) > 0 {
		items = append(items, summary)
	}
	if e.stale != nil {
		items = append(items, ui.Alert{Tone: ui.Warning, Title: v.loc.T("registerweb.staleTitle"), Text: v.loc.T("registerweb.staleText"), Live: true}, e.stale)
	}
	items = append(items, form)
	title, back := v.loc.T("registerweb.change"), v.toRecord()
	if e.fresh {
		title, back = v.loc.T("registerweb.new"), v.toRegister()
	}
	return v.render(status, title, back, items...)
}

// input is the field of a form for a field of a register.
func (v *visit) input(f register.Field, s shape, value, wrong string) ui.Component {
	field := ui.Field{Name: "f." + f.Name, Label: f.Title.For(v.loc.Lang()), Optional: !s.Required, Error: wrong}
	if to, ok := v.Registers.Registers().Get(f.Link); ok {
		field.Hint = v.loc.T("registerweb.linkHint", "register", to.Title.For(v.loc.Lang()))
	}
	switch {
	case len(s.Choices) > 0:
		in := ui.Select{Field: field, Value: value}
		for _, c := range s.Choices {
			in.Options = append(in.Options, ui.Option{Value: c, Label: c})
		}
		return in
	case s.Kind == "boolean":
		return ui.Select{Field: field, Value: value, Options: []ui.Option{{Value: "true", Label: v.loc.T("registerweb.yes")}, {Value: "false", Label: v.loc.T("registerweb.no")}}}
	case s.Kind == "string" && s.Format == "date":
		return ui.DateInput{Field: field, Value: value}
	case s.Kind == "list":
		field.Hint = v.loc.T("registerweb.listHint")
		return ui.TextArea{Field: field, Value: value, Rows: 4}
	case s.Kind == "other":
		field.Hint = v.loc.T("registerweb.jsonHint")
		return ui.TextArea{Field: field, Value: value, Rows: 4}
	case s.Kind == "integer":
		return ui.Input{Field: field, Value: value, InputMode: "numeric", Width: 10}
	case s.Kind == "number":
		return ui.Input{Field: field, Value: value, InputMode: "decimal", Width: 10}
	}
	return ui.Input{Field: field, Value: value, MaxLength: s.MaxLength, NoSpelling: true}
}

// typed is what was typed: a patch of the fields that differ from what was seen. An empty
// field takes its value away.
func (v *visit) typed(in url.Values, e *editing) (map[string]any, error) {
	all, err := shapes(v.d)
	if err != nil {
		return nil, err
	}
	patch := map[string]any{}
	for _, f := range v.editable(e.fresh) {
		s, name := all[f.Name], "f."+f.Name
		text := strings.TrimSpace(in.Get(name))
		if s.Kind == "string" && s.Format == "date" {
			text = ui.ReadDate(in, name)
		}
		e.typed[f.Name] = text
		if text == plain(e.before[f.Name]) {
			continue
		}
		switch {
		case text == "":
			if s.Required {
				e.errs[name] = v.loc.T("registerweb.needed")
			}
			patch[f.Name] = nil
		case s.Kind == "integer" || s.Kind == "number":
			number := strings.ReplaceAll(text, ",", ".")
			if !json.Valid([]byte(number)) || len(number) > 40 || strings.Trim(number, "0123456789.-") != "" || s.Kind == "integer" && strings.Contains(number, ".") {
				e.errs[name] = v.loc.T("registerweb.badNumber")
				continue
			}
			patch[f.Name] = json.Number(number)
		case s.Kind == "boolean":
			patch[f.Name] = text == "true"
		case s.Kind == "list":
			list := []any{}
			for line := range strings.SplitSeq(text, "\n") {
				if line = strings.TrimSpace(line); line != "" {
					list = append(list, line)
				}
			}
			patch[f.Name] = list
		case s.Kind == "other":
			var x any
			dec := json.NewDecoder(strings.NewReader(text))
			dec.UseNumber()
			if !json.Valid([]byte(text)) || dec.Decode(&x) != nil {
				e.errs[name] = v.loc.T("registerweb.badJSON")
				continue
			}
			patch[f.Name] = x
		default:
			patch[f.Name] = text
		}
	}
	e.reason = strings.TrimSpace(in.Get("reason"))
	if e.reason == "" {
		e.errs["reason"] = v.loc.T("registerweb.whyNeeded")
	}
	if r := []rune(e.reason); len(r) > maxReason {
		e.errs["reason"] = v.loc.T("registerweb.badText")
	}
	e.from = ui.ReadDate(in, "from")
	return patch, nil
}

// since is the day that somebody has typed, in the city.
func (v *visit) since(e *editing) time.Time {
	if e.from == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateOnly, e.from, v.Zone)
	if err != nil {
		e.errs["from"] = v.loc.T("registerweb.badDate")
		return time.Time{}
	}
	return t.UTC()
}

func (p *pages) edit(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	v, ok, err := p.keeper(w, r)
	if !ok {
		return err
	}
	rec, m, err := v.read()
	if err != nil {
		return v.refuse(err)
	}
	e := v.begin(rec, m)
	seen := markOf(in.Get("mark"))
	if seen != rec.Mark() {
		// Both states are shown; who sends the form now has seen the other's, too.
		if _, err := v.typed(in, &e); err != nil {
			return err
		}
		mine := map[string]any{}
		for k, x := range m {
			mine[k] = x
		}
		for _, f := range v.editable(false) {
			mine[f.Name] = e.typed[f.Name]
		}
		e.stale, e.errs = v.differences(m, mine, v.loc.T("registerweb.now"), v.loc.T("registerweb.yours")), map[string]string{}
		return v.editForm(http.StatusConflict, e)
	}
	patch, err := v.typed(in, &e)
	if err != nil {
		return err
	}
	from := v.since(&e)
	if len(e.errs) > 0 {
		return v.editForm(http.StatusUnprocessableEntity, e)
	}
	if len(patch) == 0 && from.IsZero() {
		e.errs[""] = v.loc.T("registerweb.nothingChanged")
		return v.editForm(http.StatusUnprocessableEntity, e)
	}
	var fields []string
	for name := range patch {
		fields = append(fields, name)
	}
	g, err := v.grant(access.Change, fields)
	if err != nil {
		return v.refuse(err)
	}
	return v.store(g, register.Edit{Key: v.key, Patch: patch, Only: &seen, Why: register.Why{Reason: e.reason, From: from}}, e)
}

func markOf(s string) register.Mark {
	a, b, _ := strings.Cut(s, "-")
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if err1 != nil || err2 != nil {
		return register.Mark{Version: -1}
	}
	return register.Mark{Version: x, Last: y}
}

// store does an edit, and shows the form again with what is wrong with it.
func (v *visit) store(g access.Grant, edit register.Edit, e editing) error {
	var rec register.Record
	err := v.DB.Write(v.r.Context(), func(tx *store.Tx) (err error) {
		rec, err = v.Registers.Edit(v.r.Context(), tx, g, v.d.ID, edit)
		return err
	})
	var broken *register.BrokenError
	switch {
	case err == nil:
		http.Redirect(v.w, v.r, recordPath(v.d.ID, v.d.Address(rec.ID))+v.query("done", "1"), http.StatusSeeOther)
		return nil
	case errors.As(err, &broken):
		for _, x := range broken.Places {
			name, _, _ := strings.Cut(strings.TrimPrefix(x.At, "/"), "/")
			if _, ok := v.d.Field(name); ok {
				e.errs["f."+name] = v.loc.T("registerweb.badValue", "rule", x.Keyword)
			} else {
				e.errs[""] = v.loc.T("registerweb.badRecord")
			}
		}
	case errors.Is(err, register.ErrStale): // between reading and writing: once more, now with both
		rec, m, err := v.read()
		if err != nil {
			return v.refuse(err)
		}
		mine := map[string]any{}
		for k, x := range m {
			mine[k] = x
		}
		for name, text := range e.typed {
			mine[name] = text
		}
		e.mark, e.before, e.stale = rec.Mark(), m, v.differences(m, mine, v.loc.T("registerweb.now"), v.loc.T("registerweb.yours"))
		return v.editForm(http.StatusConflict, e)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		e.errs[""] = v.faultText(err)
	default:
		return v.refuse(err)
	}
	return v.editForm(http.StatusUnprocessableEntity, e)
}

func (p *pages) makeNew(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	v, ok, err := p.keeper(w, r)
	if !ok {
		return err
	}
	e := editing{fresh: true, typed: map[string]string{}, errs: map[string]string{}}
	record, err := v.typed(in, &e)
	if err != nil {
		return err
	}
	from := v.since(&e)
	key := plain(record[v.d.Key])
	if key == "" {
		e.errs["f."+v.d.Key] = v.loc.T("registerweb.needed")
	} else if !clean(key) || strings.HasPrefix(key, register.ByID) {
		e.errs["f."+v.d.Key] = v.loc.T("registerweb.badText")
	}
	if len(e.errs) > 0 {
		return v.editForm(http.StatusUnprocessableEntity, e)
	}
	for name, x := range record {
		if x == nil {
			delete(record, name)
		}
	}
	req := v.request(access.Change, v.fields())
	req.Owner = plain(record[v.d.Person])
	if len(req.Owner) > 500 {
		return v.refuse(fault.New(fault.NotFound, "registerweb.new", ""))
	}
	g, err := v.Access.Permit(r.Context(), req)
	if err != nil {
		return v.refuse(err)
	}
	return v.store(g, register.Edit{Key: key, Data: record, Why: register.Why{Reason: e.reason, From: from}}, e)
}

// showEnd asks whether a record is to end.
func (p *pages) showEnd(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := p.keeper(w, r)
	if !ok {
		return err
	}
	rec, m, err := v.read()
	if err != nil {
		return v.refuse(err)
	}
	return v.endForm(http.StatusOK, v.begin(rec, m))
}

func (v *visit) endForm(status int, e editing) error {
	items := []ui.Component{}
	summary := ui.ErrorSummary{}
	for _, name := range []string{"from", "reason", ""} {
		if e.errs[name] != "" {
			x := ui.FieldError{Field: name, Text: e.errs[name]}
			if name == "" {
				x.Href = "#main"
			}
			summary.Items = append(summary.Items, x)
		}
	}
	if len(summary.Items) > 0 {
		items = append(items, summary)
	}
	items = append(items, ui.Text{Text: v.loc.T("registerweb.endText")})
	items = append(items, v.facts(e.before)...)
	items = append(items, ui.Form{Action: v.recordPath() + "/end" + v.query(), Items: []ui.Component{
		ui.Hidden{Name: "mark", Value: strconv.FormatInt(e.mark.Version, 10) + "-" + strconv.FormatInt(e.mark.Last, 10)},
		ui.DateInput{Field: ui.Field{Name: "from", Label: v.loc.T("registerweb.endFrom"), Hint: v.loc.T("registerweb.fromHint"), Optional: true, Error: e.errs["from"]}, Value: e.from},
		ui.TextArea{Field: ui.Field{Name: "reason", Label: v.loc.T("registerweb.why"), Hint: v.loc.T("registerweb.whyHint"), Error: e.errs["reason"]}, Value: e.reason, Rows: 2, MaxLength: maxReason},
	}, Buttons: []ui.Button{{Text: v.loc.T("registerweb.end"), Danger: true}}})
	return v.render(status, v.loc.T("registerweb.endTitle"), v.toRecord(), items...)
}

func (p *pages) end(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	v, ok, err := p.keeper(w, r)
	if !ok {
		return err
	}
	rec, m, err := v.read()
	if err != nil {
		return v.refuse(err)
	}
	e := v.begin(rec, m)
	if e.reason = strings.TrimSpace(in.Get("reason")); e.reason == "" {
		e.errs["reason"] = v.loc.T("registerweb.whyNeeded")
	}
	if len([]rune(e.reason)) > maxReason {
		e.errs["reason"] = v.loc.T("registerweb.badText")
	}
	e.from = ui.ReadDate(in, "from")
	from := v.since(&e)
	if len(e.errs) > 0 {
		return v.endForm(http.StatusUnprocessableEntity, e)
	}
	seen := markOf(in.Get("mark"))
	g, err := v.grant(access.Change, v.d.FieldNames())
	if err != nil {
		return v.refuse(err)
	}
	err = p.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := p.Registers.Edit(r.Context(), tx, g, v.d.ID, register.Edit{Key: v.key, End: true, Only: &seen, Why: register.Why{Reason: e.reason, From: from}})
		return err
	})
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
		e.errs[""] = v.faultText(err)
		return v.endForm(http.StatusConflict, e)
	case err != nil:
		return v.refuse(err)
	}
	if from.After(p.Now()) {
		http.Redirect(w, r, v.recordPath()+v.query("done", "1"), http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, v.registerPath()+v.query(), http.StatusSeeOther)
	return nil
}
