// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/ui"
)

// wish is a modification as it was typed.
type wish struct {
	rows     int
	revision int64
	reason   string
	values   url.Values
	vars     map[int]string // what is wrong with the variables of an instruction
}

// maxRows bounds the instructions of one form.
const maxRows = 20

func (x wish) get(i int, name string) string { return strings.TrimSpace(x.values.Get(field(i, name))) }

func field(i int, name string) string { return fmt.Sprintf("i%d.%s", i, name) }

// modification reads the instructions; a row in which nothing was chosen is left out.
func (x *wish) modification(id string) process.Modification {
	m := process.Modification{Instance: id, Revision: x.revision, Reason: x.reason}
	x.vars = map[int]string{}
	for i := range x.rows {
		in := bpmn.Instruction{Do: bpmn.Verb(x.get(i, "do")), Token: x.get(i, "token"), Element: x.get(i, "element"), Flow: x.get(i, "flow")}
		if in.Do == "" {
			continue
		}
		in.Scope, _ = strconv.Atoi(x.get(i, "scope")) // one of the choices, else the process
		switch in.Do {
		case bpmn.AddToken:
			in.Token = ""
		case bpmn.CancelToken:
			in.Element, in.Flow = "", ""
		case bpmn.ChangeVars:
			in.Element, in.Flow = "", ""
			if err := json.Unmarshal([]byte(x.get(i, "vars")), &in.Vars); err != nil {
				x.vars[i] = "processweb.badVars"
			}
		}
		m.Instructions = append(m.Instructions, in)
	}
	return m
}

func (p *pages) show(w http.ResponseWriter, r *http.Request) error {
	return p.instance(w, r, http.StatusOK, wish{rows: 1}, nil)
}

// change adds a row to the form, shows what would happen, or does it.
func (p *pages) change(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	x := wish{values: in, reason: strings.TrimSpace(in.Get("reason"))}
	x.rows, _ = strconv.Atoi(in.Get("rows"))
	x.rows = min(max(x.rows, 1), maxRows)
	x.revision, _ = strconv.ParseInt(in.Get("revision"), 10, 64)
	if in.Get("what") == "more" {
		x.rows = min(x.rows+1, maxRows)
		return p.instance(w, r, http.StatusOK, x, nil)
	}
	loc := web.Localizer(r)
	m := x.modification(id)
	if len(x.vars) > 0 {
		return p.instance(w, r, http.StatusUnprocessableEntity, x, nil)
	}
	ref, err := p.Engine.CaseOf(r.Context(), id)
	if err != nil {
		return err
	}
	if in.Get("what") != "do" {
		g, err := p.permit(r, access.Read, "process", ref)
		if err != nil {
			return err
		}
		f, err := p.Engine.Foresee(r.Context(), g, m)
		if text, status, ok := said(loc, err); ok {
			return p.instance(w, r, status, x, nil, alert(text))
		}
		if err != nil {
			return err
		}
		return p.instance(w, r, http.StatusOK, x, &f)
	}
	g, err := p.permit(r, access.Change, "process", ref)
	if err != nil {
		return err
	}
	err = p.DB.Write(r.Context(), func(tx *store.Tx) error { return p.Engine.Modify(r.Context(), tx, g, m) })
	if text, status, ok := said(loc, err); ok {
		return p.instance(w, r, status, x, nil, alert(text))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, "/desk/processes/"+id+"?done")
	return nil
}

// instance is the page of an instance: where it stands, and the form to change it.
func (p *pages) instance(w http.ResponseWriter, r *http.Request, status int, x wish, f *process.Foreseen, first ...ui.Component) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	ref, err := p.Engine.CaseOf(ctx, id)
	if err != nil {
		return err
	}
	resource := "process"
	values := r.Method == http.MethodGet && r.URL.Query().Has("values")
	if values {
		resource = "process:variables"
	}
	g, err := p.permit(r, access.Read, resource, ref)
	if err != nil {
		return err
	}
	d, err := p.Engine.Inspect(ctx, g, id)
	if err != nil {
		return err
	}
	if x.revision == 0 {
		x.revision = d.Revision
	}
	items := first
	if r.URL.Query().Has("done") {
		items = append(items, ui.Alert{Tone: ui.Success, Title: loc.T("processweb.done"), Live: true})
	}
	items = append(items, ui.SummaryList{Title: loc.T("processweb.stands"), Rows: []ui.SummaryRow{
		{Key: loc.T("processweb.ref"), Value: d.CaseRef}, {Key: loc.T("processweb.service"), Value: p.title(loc, d.Service)},
		{Key: loc.T("processweb.version"), Value: short(d.Version)}, {Key: loc.T("processweb.status.label"), Value: loc.T("processweb.status." + string(d.Status))},
		{Key: loc.T("processweb.at"), Value: labels(d.Linked, d.Active)}}})
	items = append(items, Diagram(d.Instance, loc.T("processweb.diagram"), labels(d.Linked, d.Active)), Outline(loc, d.Instance))
	after := ""
	if r.Method == http.MethodGet {
		after = r.URL.Query().Get("steps")
	}
	h, err := p.Engine.History(ctx, g, id, after, StepsPage)
	if err != nil {
		return err
	}
	items = append(items, History(loc, p.Zone, h, "/desk/processes/"+id, after))
	items = append(items, p.tokens(loc, d), p.scopes(loc, d, values))
	if !values {
		items = append(items, ui.Links{Items: []ui.Link{{Text: loc.T("processweb.showValues"), Href: "/desk/processes/" + id + "?values"}}})
	}
	if d.Status == bpmn.Running {
		if f != nil {
			items = append(items, foreseen(loc, d, *f))
		}
		items = append(items, ui.Heading{Text: loc.T("processweb.byHand")}, p.form(loc, d, x, f != nil))
	}
	if len(d.Modified) > 0 {
		var moments []ui.Moment
		for _, m := range d.Modified {
			moments = append(moments, ui.Moment{When: m.At.In(p.Zone), Title: m.Reason, Text: strings.Join(told(loc, d, m.Instructions), "\n"), By: m.By})
		}
		items = append(items, ui.Heading{Text: loc.T("processweb.changed")}, ui.Timeline{Label: loc.T("processweb.changed"), Moments: moments})
	}
	shell := desk().WithBack(loc.T("processweb.back"), "/desk/processes").WithErrors(status >= 400)
	return p.render(w, r, status, loc.T("processweb.instance", "ref", d.CaseRef), shell, items...)
}

// told puts instructions into words.
func told(loc *i18n.Localizer, d process.Detail, list []bpmn.Instruction) []string {
	var out []string
	for _, in := range list {
		names := make([]string, 0, len(in.Vars))
		for name := range in.Vars {
			names = append(names, name)
		}
		out = append(out, loc.T("processweb.told."+string(in.Do), "token", in.Token, "element", label(d.Linked, in.Element), "names", strings.Join(sorted(names), ", ")))
	}
	return out
}

func (p *pages) tokens(loc *i18n.Localizer, d process.Detail) ui.Component {
	t := ui.Table{Caption: loc.T("processweb.tokens"), Empty: loc.T("processweb.noTokens"), Columns: []ui.Column{
		{Label: loc.T("processweb.token")}, {Label: loc.T("processweb.element")}, {Label: loc.T("processweb.wait.label")}, {Label: loc.T("processweb.scope")}}}
	for _, x := range d.Tokens {
		c := ui.Cell{Text: loc.T("processweb.wait." + string(x.Wait))}
		if x.Item > 0 {
			c.Sub = loc.T("processweb.item", "n", x.Item)
		}
		if x.Reason != "" {
			c.Sub = x.Reason
		}
		t.Rows = append(t.Rows, ui.Row{ID: x.ID, Cells: []ui.Cell{{Text: x.ID}, {Text: label(d.Linked, x.Element)}, c, {Text: strconv.Itoa(x.Scope)}}})
	}
	return t
}

func (p *pages) scopes(loc *i18n.Localizer, d process.Detail, values bool) ui.Component {
	t := ui.Table{Caption: loc.T("processweb.variables"), Columns: []ui.Column{{Label: loc.T("processweb.scope")}, {Label: loc.T("processweb.of")}, {Label: loc.T("processweb.variables")}}}
	for _, s := range d.Scopes {
		of := loc.T("processweb.process")
		if s.Element != "" {
			of = label(d.Linked, s.Element)
		}
		var lines []string
		for _, name := range s.Names {
			if values {
				b, err := json.Marshal(s.Vars[name])
				if err == nil {
					name += " = " + string(b)
				}
			}
			lines = append(lines, name)
		}
		c := ui.Cell{Text: "–"}
		if len(lines) > 0 {
			c = ui.Cell{Item: ui.List{Items: lines}}
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: strconv.Itoa(s.ID)}, {Text: of}, c}})
	}
	return t
}

func foreseen(loc *i18n.Localizer, d process.Detail, f process.Foreseen) ui.Component {
	list := []string{loc.T("processweb.after", "elements", labels(d.Linked, f.After))}
	if f.Ends {
		list = []string{loc.T("processweb.ends")}
	}
	for _, a := range f.Asks {
		key := "processweb.ask."
		if a.Gone {
			key = "processweb.gone."
		}
		list = append(list, loc.T(key+a.What, "element", label(d.Linked, a.Element)))
	}
	return ui.Alert{Tone: ui.Info, Title: loc.T("processweb.foreseen"), Text: loc.T("processweb.foreseenHint"), List: list, Live: true}
}

func (p *pages) form(loc *i18n.Localizer, d process.Detail, x wish, sure bool) ui.Component {
	var tokens, elements, scopes []ui.Option
	for _, t := range d.Tokens {
		if !t.Watches {
			tokens = append(tokens, ui.Option{Value: t.ID, Label: t.ID + ": " + label(d.Linked, t.Element)})
		}
	}
	for _, el := range d.Linked.Elements {
		if el.Kind != bpmn.BoundaryEvent && !el.ForCompensation {
			elements = append(elements, ui.Option{Value: el.ID, Label: label(d.Linked, el.ID)})
		}
	}
	for _, s := range d.Scopes {
		of := loc.T("processweb.process")
		if s.Element != "" {
			of = label(d.Linked, s.Element)
		}
		scopes = append(scopes, ui.Option{Value: strconv.Itoa(s.ID), Label: strconv.Itoa(s.ID) + ": " + of})
	}
	verbs := []ui.Option{}
	for _, v := range []bpmn.Verb{bpmn.MoveToken, bpmn.AddToken, bpmn.CancelToken, bpmn.ChangeVars} {
		verbs = append(verbs, ui.Option{Value: string(v), Label: loc.T("processweb.do." + string(v))})
	}
	f := ui.Form{Action: "/desk/processes/" + d.InstanceID, Items: []ui.Component{
		ui.Hidden{Name: "rows", Value: strconv.Itoa(x.rows)}, ui.Hidden{Name: "revision", Value: strconv.FormatInt(x.revision, 10)}}}
	for i := range x.rows {
		text := ""
		if x.vars[i] != "" {
			text = loc.T(x.vars[i])
		}
		opt := func(name, key string) ui.Field {
			return ui.Field{Name: field(i, name), Label: loc.T("processweb." + key), Optional: true}
		}
		scope := opt("scope", "scope")
		scope.Hint = loc.T("processweb.scopeHint")
		flow := opt("flow", "flow")
		flow.Hint = loc.T("processweb.flowHint")
		vars := opt("vars", "vars")
		vars.Hint, vars.Error = loc.T("processweb.varsHint", "open", "{", "close", "}"), text
		f.Items = append(f.Items, ui.Fieldset{Legend: loc.T("processweb.instruction", "n", i+1), Items: []ui.Component{
			ui.Select{Field: ui.Field{Name: field(i, "do"), Label: loc.T("processweb.what")}, Value: x.get(i, "do"), Options: verbs},
			ui.Select{Field: opt("token", "token"), Value: x.get(i, "token"), Options: tokens},
			ui.Select{Field: opt("element", "element"), Value: x.get(i, "element"), Options: elements},
			ui.Details{Summary: loc.T("processweb.more"), Open: x.get(i, "scope") != "" || x.get(i, "flow") != "" || x.get(i, "vars") != "" || text != "", Items: []ui.Component{
				ui.Select{Field: scope, Value: x.get(i, "scope"), Options: scopes},
				ui.Input{Field: flow, Value: x.get(i, "flow"), NoSpelling: true, MaxLength: 500},
				ui.TextArea{Field: vars, Value: x.get(i, "vars"), MaxLength: 10_000, Rows: 3},
			}},
		}})
	}
	f.Items = append(f.Items, ui.Input{Field: ui.Field{Name: "reason", Label: loc.T("processweb.reason"), Hint: loc.T("processweb.reasonHint")}, Value: x.reason, MaxLength: 500})
	f.Buttons = []ui.Button{{Text: loc.T("processweb.preview"), Name: "what", Value: "preview"}, {Text: loc.T("processweb.another"), Kind: "secondary", Name: "what", Value: "more"}}
	if sure {
		f.Buttons = append([]ui.Button{{Text: loc.T("processweb.run"), Name: "what", Value: "do", Danger: true}}, f.Buttons...)
		f.Buttons[1].Kind = "secondary"
	}
	return f
}
