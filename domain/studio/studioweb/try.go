// SPDX-License-Identifier: EUPL-1.2

package studioweb

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/service"
	"mercator/domain/studio"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// tryPage is a form on the left and the reasons of its fields on the right.
type tryPage struct {
	Service, File string
	Head, Foot    []ui.Component
	Action        string
	State, Page   string
	Heading       string
	Fields        template.HTML
	Buttons       []ui.Button
	Why           []ui.Component
}

// trial is what was filled in so far, step by step. It travels with the page, so that trying leaves nothing at the server;
// what comes back is nobody's but the author's own, and only as good as they say.
type trial struct {
	Steps     []step `json:"steps"`
	At        int    `json:"at"` // the step that is shown
	Registers string `json:"registers,omitempty"`
}

type step struct {
	Page    string            `json:"page"`
	Answers form.Answers      `json:"answers"`
	Raw     map[string]string `json:"raw,omitempty"`
	Typed   map[string]any    `json:"typed,omitempty"` // what was typed on the page, for a scenario
}

// Bounds of a trial.
const (
	maxSteps     = 100
	maxRegisters = 64 << 10
)

func (t *trial) now() step {
	if t.At < 0 || t.At >= len(t.Steps) {
		return step{Answers: form.Answers{}}
	}
	return t.Steps[t.At]
}

// then adds a step after the one that is shown; what came after it is forgotten.
func (t *trial) then(s step) {
	if len(t.Steps) > 0 {
		t.Steps = t.Steps[:t.At+1]
	}
	if len(t.Steps) >= maxSteps {
		t.Steps = slices.Clone(t.Steps[1:])
	}
	t.Steps = append(t.Steps, s)
	t.At = len(t.Steps) - 1
}

func (p *pages) showTry(w http.ResponseWriter, r *http.Request) error {
	return p.trying(w, r, &trial{}, nil)
}

func (p *pages) takeTry(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	t := &trial{}
	dec := json.NewDecoder(strings.NewReader(in.Get("state")))
	dec.UseNumber()
	if err := dec.Decode(t); err != nil || len(t.Steps) > maxSteps || t.At < 0 || t.At > len(t.Steps) {
		return fault.Because(fault.Invalid, "studioweb.try", "web.malformed", err)
	}
	if known := in.Get("registers"); len(known) <= maxRegisters {
		t.Registers = known
	}
	return p.trying(w, r, t, in)
}

// trying shows a form with what was filled in; in is what was just sent, nil if nothing was.
func (p *pages) trying(w http.ResponseWriter, r *http.Request, t *trial, in url.Values) error {
	d, err := p.draft(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	with, _, err := p.Studio.Package(d) // not linted: what can be read can be tried
	if err != nil {
		return err
	}
	data := tryPage{Service: d.Service, File: d.File, Action: at(d.ID, "try")}
	page := web.Page[tryPage]{Title: loc.T("studioweb.try"), Shell: web.Desk("studio").WithBack(loc.T("studioweb.draft"), at(d.ID)), Data: data}
	if with == nil {
		page.Data.Head = []ui.Component{ui.Alert{Tone: ui.Warning, Title: loc.T("studioweb.notYet")}}
		return p.try.Render(w, r, http.StatusOK, page)
	}
	data.Service = with.Title.For(loc.Lang())
	f := with.FormNamed(studio.FormOf(d))
	ctx, problem, err := p.context(r, with, t, loc)
	if err != nil {
		return err
	}
	if problem != "" {
		data.Head = append(data.Head, ui.Alert{Tone: ui.Danger, Title: problem, Live: true})
	}
	now := t.now()
	do := in.Get("do")
	var errs []form.FieldError
	switch n, err := strconv.Atoi(strings.TrimPrefix(do, "step-")); {
	case in == nil:
	case strings.HasPrefix(do, "step-") && err == nil && n >= 0 && n < len(t.Steps):
		t.At, now = n, t.Steps[n]
	case do == "keep" && f.Page(in.Get("page")) != nil && len(typed(f, in, now.Answers)) == 0: // the page was only looked at
		now.Page = in.Get("page")
	case do != "again" && f.Page(in.Get("page")) != nil:
		ctx.Raw = now.Raw
		now.Page = in.Get("page")
		now.Typed = typed(f, in, now.Answers)
		now.Answers, now.Raw, errs = f.DecodeAll([]string{now.Page}, in, now.Answers, now.Raw, ctx)
		errs = form.Told(errs)
		t.then(now)
	}
	ctx.Raw = now.Raw
	v := f.Eval(now.Answers, ctx)
	shown := v.Pages()
	place := slices.IndexFunc(shown, func(pg *form.Page) bool { return pg.ID == now.Page })
	switch {
	case do == "next" && len(errs) == 0 && len(v.Validate(now.Page)) == 0 && place+1 < len(shown):
		place++
		errs = nil
	case do == "next" && len(errs) == 0:
		errs = v.Validate(now.Page)
	case do == "back" && place > 0:
		place--
		errs = nil
	}
	place = max(place, 0)
	if len(shown) == 0 {
		page.Data.Head = []ui.Component{ui.Alert{Tone: ui.Warning, Title: loc.T("studioweb.nothingShown")}}
		return p.try.Render(w, r, http.StatusOK, page)
	}
	pg := shown[place]
	state, err := json.Marshal(t)
	if err != nil {
		return fault.Wrap("studioweb.try", err)
	}
	data.State, data.Page = string(state), pg.ID
	data.Heading = loc.T("studioweb.page", "n", place+1, "of", len(shown), "title", pg.Title.For(loc.Lang()))
	if data.Fields, err = p.Fields(loc, f, v.Page(pg.ID), errs); err != nil {
		return err
	}
	data.Buttons = []ui.Button{{Text: loc.T("studioweb.stay"), Name: "do", Value: "stay"}}
	if place+1 < len(shown) {
		data.Buttons = append(data.Buttons, ui.Button{Text: loc.T("studioweb.next"), Kind: "secondary", Name: "do", Value: "next"})
	} else if wrong := v.Validate(""); len(wrong) == 0 {
		data.Head = append(data.Head, ui.Alert{Tone: ui.Success, Title: loc.T("studioweb.complete")})
	}
	if place > 0 {
		data.Buttons = append(data.Buttons, ui.Button{Text: loc.T("studioweb.back"), Kind: "secondary", Name: "do", Value: "back"})
	}
	if do == "keep" {
		a, err := p.Actor(r, access.Basic)
		if err != nil {
			return err
		}
		data.Head = append(data.Head, p.keep(r.Context(), a, loc, with, d, in.Get("title"), t, ctx, v))
	}
	data.Why = why(loc, v, pg.ID)
	data.Foot = p.steps(loc, t)
	submission, err := json.MarshalIndent(v.Submission(), "", "  ")
	if err != nil {
		return fault.Wrap("studioweb.try", err)
	}
	data.Foot = append(data.Foot,
		ui.Details{Summary: loc.T("studioweb.keepScenario"), Open: do == "keep", Items: []ui.Component{
			ui.Text{Text: loc.T("studioweb.keepScenarioText")},
			ui.Input{Field: ui.Field{Name: "title", Label: loc.T("studioweb.scenarioName"), Optional: true}, MaxLength: 200},
			ui.Buttons{Items: []ui.Button{{Text: loc.T("studioweb.keepScenario"), Kind: "secondary", Name: "do", Value: "keep"}}}}},
		ui.Details{Summary: loc.T("studioweb.submission"), Items: []ui.Component{ui.Code{Text: string(submission)}}},
		ui.Details{Summary: loc.T("studioweb.registers"), Open: problem != "", Items: []ui.Component{
			ui.TextArea{Field: ui.Field{Name: "registers", Label: loc.T("studioweb.registersLabel"), Hint: loc.T("studioweb.registersHint", "example", `{"resident": {"street": "Königstraße"}}`), Optional: true, Error: problem}, Value: t.Registers, Rows: 8}}})
	page.Data = data
	return p.try.Render(w, r, http.StatusOK, page)
}

// context is what the form knows: the public lists, and what the author says that registers would.
func (p *pages) context(r *http.Request, s *service.Service, t *trial, loc *i18n.Localizer) (ctx form.Context, problem string, err error) {
	vars, err := p.Vars(r.Context(), s, loc.Lang())
	if err != nil {
		return ctx, "", err
	}
	vars = maps.Clone(vars)
	vars["registers"] = nil
	if strings.TrimSpace(t.Registers) != "" {
		var known map[string]any
		dec := json.NewDecoder(strings.NewReader(t.Registers))
		dec.UseNumber()
		if err := dec.Decode(&known); err != nil {
			problem = loc.T("studioweb.registersWrong", "problem", err.Error())
		} else {
			vars["registers"] = known
		}
	}
	y, m, d := p.Now().In(p.Zone).Date()
	return form.Context{Vars: vars, Lang: loc.Lang(), Today: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), Prefill: true}, problem, nil
}

// steps are the ways back in time.
func (p *pages) steps(loc *i18n.Localizer, t *trial) []ui.Component {
	if len(t.Steps) < 2 {
		return nil
	}
	var row ui.Buttons
	for i, s := range t.Steps {
		if i == t.At {
			continue
		}
		row.Items = append(row.Items, ui.Button{Text: loc.T("studioweb.step", "n", i+1, "page", s.Page), Kind: "tertiary", Name: "do", Value: fmt.Sprint("step-", i)})
	}
	return []ui.Component{ui.Details{Summary: loc.T("studioweb.steps", "n", len(t.Steps)), Open: true, Items: []ui.Component{row}}}
}

// why says of each field of a page why it is as it is, and of the hidden ones of other pages, too.
func why(loc *i18n.Localizer, v *form.View, page string) (out []ui.Component) {
	problems := map[string]string{}
	for _, e := range v.Validate("") {
		problems[e.Key] = v.Form.ErrorText(e, loc) // in the words that people read
	}
	for _, t := range v.Trace() {
		if t.Page != page && t.State != form.IsHidden {
			continue
		}
		list := ui.SummaryList{}
		row := func(key, value string) {
			if value != "" {
				list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("studioweb." + key), Value: value})
			}
		}
		state := loc.T("studioweb.state." + t.State)
		if t.State == form.IsHidden && t.HiddenBy != "" && t.HiddenBy != t.Name {
			state = loc.T("studioweb.hiddenBy", "name", t.HiddenBy)
		}
		if t.Value != nil {
			value := short(t.Value)
			if t.Source != "" {
				value = loc.T("studioweb.from."+t.Source, "value", value)
			}
			row("value", value)
		}
		row("raw", t.Raw)
		if t.Problem != "" {
			row("problem", strings.TrimSpace(problems[t.Name]+" ("+t.Problem+")"))
			state += " · " + loc.T("studioweb.wrong")
		}
		if t.Contradicts {
			row("problem", loc.T("studioweb.contradicts"))
		}
		for _, x := range t.Rules {
			text := x.Expr + "\n→ " + short(x.Result)
			for _, in := range x.Inputs {
				text += "\n" + in.Name + " = " + short(in.Value)
			}
			for _, null := range x.Nulls {
				text += "\n" + null
			}
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("studioweb.rule", "name", x.Name, "line", x.Line), Item: ui.Code{Text: text}})
		}
		out = append(out, ui.Details{Summary: t.Name + ": " + state, Open: t.Problem != "" || t.Contradicts, Items: []ui.Component{list}})
	}
	return out
}

// short is a value as the page shows it.
func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if s := []rune(string(b)); len(s) > 200 {
		return string(s[:200]) + "…"
	}
	return string(b)
}
