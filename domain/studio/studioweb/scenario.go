// SPDX-License-Identifier: EUPL-1.2

package studioweb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/service"
	"mercator/domain/studio"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// typed is what was sent of a page, in the words in which it was typed: as a scenario says it.
func typed(f *form.Form, in url.Values, before form.Answers) map[string]any {
	out := map[string]any{}
	for i, name := range in[form.PostedField] {
		fd := f.Field(name)
		if fd == nil || i >= form.MaxPosted {
			continue
		}
		was, _ := get(before, name)
		switch {
		case fd.Kind == "signature":
			if sign := in.Get(name); sign != "" || was != nil {
				out[name] = map[string]any{"name": sign, "confirmed": in.Get(name+form.Confirm) == "true", "drawing": in.Get(name + form.Drawing)}
			}
		case fd.Type == "checkbox":
			if ticked := in.Get(name) != ""; ticked || was == true {
				out[name] = ticked
			}
		case fd.Type == "checklist" || fd.Type == "taglist":
			if list := in[name]; len(list) > 0 || was != nil {
				all := []any{}
				for _, x := range list {
					if x != "" {
						all = append(all, x)
					}
				}
				out[name] = all
			}
		default:
			if text := in.Get(name); text != "" || was != nil {
				out[name] = text
			}
		}
	}
	return out
}

// get follows a name through answers.
func get(a form.Answers, name string) (any, bool) {
	var cur any = a
	for part := range strings.SplitSeq(name, ".") {
		switch c := cur.(type) {
		case map[string]any:
			cur = c[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i < 0 || i >= len(c) {
				return nil, false
			}
			cur = c[i]
		default:
			return nil, false
		}
	}
	return cur, cur != nil
}

// recorded makes a scenario of what was tried, with what came of it. What can't be told in one (a file, a row that was left
// empty) is a reason not to: then it is fault.Invalid.
func recorded(s *service.Service, d studio.Draft, title string, t *trial, ctx form.Context, v *form.View) (string, error) {
	const op = "studioweb.record"
	sc := service.FormScenario{Title: title, Form: studio.FormOf(d), Today: ctx.Today.Format("2006-01-02"), Lang: ctx.Lang, Vars: few(d.Text, ctx.Vars, v.Answers())}
	if sc.Registers, _ = ctx.Vars["registers"].(map[string]any); sc.Registers == nil {
		sc.Registers = map[string]any{}
	}
	for _, x := range t.Steps[:min(t.At+1, len(t.Steps))] {
		sc.Pages = append(sc.Pages, service.FormPage{ID: x.Page, Answers: x.Typed})
	}
	if len(sc.Pages) == 0 {
		return "", fault.New(fault.Invalid, op, "studioweb.scenarioEmpty")
	}
	if ctx.Vars["registers"] == nil {
		sc.Registers = nil
	}
	want, err := json.Marshal(v.Submission())
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	text := ""
	for _, whole := range []bool{false, true} { // the lists in excerpts, and if that makes a difference whole
		if whole {
			sc.Vars = maps.Clone(ctx.Vars)
			delete(sc.Vars, "registers")
		}
		for i := range sc.Pages {
			sc.Pages[i].Asked, sc.Pages[i].Wrong = nil, nil
		}
		submitted, err := sc.Record(s)
		if err != nil {
			return "", fault.Because(fault.Invalid, op, "studioweb.scenarioOther", err)
		}
		got, err := json.Marshal(submitted)
		if err != nil {
			return "", fault.Wrap(op, err)
		}
		if text, err = sc.TOML(); err != nil {
			return "", fault.Because(fault.Invalid, op, "studioweb.scenarioOther", err)
		}
		again, problems := service.ReadFormScenario(s, "scenario.toml", []byte(text))
		if bytes.Equal(got, want) && len(problems) == 0 && again.Play(s, nil) == nil {
			return text, nil
		}
	}
	return "", fault.New(fault.Invalid, op, "studioweb.scenarioOther")
}

// few are the variables that a scenario needs: of long lists what was chosen, and the beginning.
func few(text string, vars map[string]any, answers form.Answers) map[string]any {
	const beginning = 3
	chosen, err := json.Marshal(answers)
	if err != nil {
		chosen = nil
	}
	out := maps.Clone(vars)
	delete(out, "registers")
	lists, _ := vars["lists"].(map[string]any)
	short := map[string]any{}
	for name, l := range lists {
		all, ok := l.([]any)
		if !ok || !strings.Contains(text, "lists."+name) {
			continue
		}
		var some []any
		for i, x := range all {
			o, _ := x.(map[string]any)
			value, err := json.Marshal(o["value"])
			if i < beginning || err == nil && bytes.Contains(chosen, value) {
				some = append(some, x)
			}
		}
		short[name] = some
	}
	if out["lists"] = short; len(short) == 0 {
		delete(out, "lists")
	}
	for _, name := range []string{"person", "service"} {
		if !strings.Contains(text, name+".") {
			delete(out, name)
		}
	}
	return out
}

// keep saves what was tried as a scenario of the draft.
func (p *pages) keep(ctx context.Context, a access.Actor, loc *i18n.Localizer, s *service.Service, d studio.Draft, title string, t *trial, fctx form.Context, v *form.View) ui.Component {
	title = strings.TrimSpace(title)
	if title == "" || len(title) > 200 {
		return ui.Alert{Tone: ui.Danger, Title: loc.T("studioweb.scenarioTitle"), Live: true}
	}
	text, err := recorded(s, d, title, t, fctx, v)
	if err == nil {
		_, err = p.Studio.KeepScenario(ctx, a, d.ID, text)
	}
	if err != nil {
		key, args := fault.Message(err)
		return ui.Alert{Tone: ui.Danger, Title: loc.T(key, args...), Live: true}
	}
	return ui.Alert{Tone: ui.Success, Title: loc.T("studioweb.scenarioKept", "title", title), Live: true, Links: []ui.Link{{Text: loc.T("studioweb.scenarios"), Href: at(d.ID) + "#scenarios"}}}
}

// played shows what came of the scenarios of a draft.
func (p *pages) played(ctx context.Context, a access.Actor, loc *i18n.Localizer, with *service.Service, d studio.Draft) ([]ui.Component, error) {
	own, err := p.Studio.Scenarios(ctx, a, d.ID)
	if err != nil {
		return nil, err
	}
	run := p.Studio.Play(with, d, own)
	out := []ui.Component{ui.Heading{Text: loc.T("studioweb.scenarios"), ID: "scenarios"}}
	t := ui.Table{Caption: loc.T("studioweb.scenarios"), CaptionHidden: true, Empty: loc.T("studioweb.noScenarios"),
		Columns: []ui.Column{{Label: loc.T("studioweb.scenario")}, {Label: loc.T("studioweb.outcome")}, {Label: loc.T("studioweb.actions")}}}
	for _, x := range run.Played {
		cell := ui.Cell{Badge: ui.Badge{Tone: ui.Success, Text: loc.T("studioweb.passes")}}
		if len(x.Wrong) > 0 {
			cell = ui.Cell{Badge: ui.Badge{Tone: ui.Danger, Text: loc.T("studioweb.fails")}, Item: ui.List{Items: x.Wrong}}
		}
		row := ui.Row{Cells: []ui.Cell{{Text: x.Title, Sub: loc.T("studioweb.ofPackage", "file", x.File)}, cell, {}}}
		if x.ID != "" {
			row.Cells[0].Sub = ""
			row.Cells[2].Item = ui.Stack{Items: []ui.Component{
				ui.Link{Text: loc.T("studioweb.file"), Hidden: x.Title, Href: at(d.ID, "scenarios", x.ID)},
				ui.Form{Action: at(d.ID, "scenarios", x.ID, "drop"), Buttons: []ui.Button{{Text: loc.T("studioweb.drop"), Hidden: x.Title, Kind: "tertiary"}}}}}
		}
		t.Rows = append(t.Rows, row)
	}
	out = append(out, t)
	if run.All == 0 {
		return append(out, ui.Text{Text: loc.T("studioweb.noRules")}), nil
	}
	out = append(out, ui.Text{Text: loc.T("studioweb.coverage", "n", run.Seen, "of", run.All)})
	if len(run.Untouched) > 0 {
		var words []string
		for _, o := range run.Untouched {
			what := o.Rule + "." + o.Is
			if o.Rule == "option" {
				what = "option"
			}
			words = append(words, loc.T("studioweb.untouchedOne", "name", o.Field, "line", o.Line, "what", loc.T("studioweb.never."+what, "option", o.Is)))
		}
		out = append(out, ui.Details{Summary: loc.T("studioweb.untouched", "n", len(words)), Items: []ui.Component{ui.List{Items: words}}})
	}
	return out, nil
}

func (p *pages) scenarioFile(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	own, err := p.Studio.Scenarios(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(own, func(x studio.Scenario) bool { return x.ID == r.PathValue("scenario") })
	if i < 0 {
		return fault.New(fault.NotFound, "studioweb.scenario", "")
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+own[i].File()+`"`)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write([]byte(own[i].Text))
	return err
}

func (p *pages) dropScenario(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	if err := p.Studio.DropScenario(r.Context(), a, r.PathValue("id"), r.PathValue("scenario")); err != nil {
		return err
	}
	web.SeeOther(w, at(r.PathValue("id"))+"#scenarios")
	return nil
}
