// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"mercator/lang/form"

	"github.com/BurntSushi/toml"
)

// FormScenario is a form filled in page by page, as scenarios/forms/*.toml says it:
// what is asked then, what is wrong, what is submitted. It needs no house around it,
// so it can try what nobody would submit.
type FormScenario struct {
	File      string         `toml:"-"`
	Title     string         `toml:"title"`
	Form      string         `toml:"form"` // "application", or the id of a task's form
	Today     string         `toml:"today"`
	Lang      string         `toml:"lang,omitempty"`      // "": de
	Registers map[string]any `toml:"registers,omitempty"` // what was fetched; none: the person said no
	Vars      map[string]any `toml:"vars,omitempty"`      // what else expressions read: lists, application, case
	Pages     []FormPage     `toml:"page"`
	Submitted map[string]any `toml:"submitted,omitempty"` // given: nothing is wrong at the end, and these values are submitted
}

// FormPage is a page that is sent with some answers.
type FormPage struct {
	ID      string            `toml:"id"`
	Asked   []string          `toml:"asked,omitempty"`   // which questions the page has then, in their order; none given: not checked
	Answers map[string]any    `toml:"answers,omitempty"` // by name, as they are typed; of a signature its parts: name, confirmed, drawing
	Wrong   map[string]string `toml:"wrong,omitempty"`   // what is wrong on the page then: name = "required"
}

// FormScenarios reads the scenarios of a package's forms in the order of their names.
func FormScenarios(s *Service) ([]FormScenario, []Problem) {
	var out []FormScenario
	problems := eachScenario(s.Files, "scenarios/forms", values, s.formScenario(&out))
	return out, problems
}

// ReadFormScenario reads one that isn't part of the package.
func ReadFormScenario(s *Service, name string, data []byte) (FormScenario, []Problem) {
	var out []FormScenario
	problems := oneScenario(name, data, values, s.formScenario(&out))
	if len(out) == 0 {
		return FormScenario{}, problems
	}
	return out[0], problems
}

// values are the parts of a scenario of a form below which anything may stand.
func values(k toml.Key) bool {
	return k[0] == "registers" || k[0] == "vars" || k[0] == "submitted" || k[0] == "page" && len(k) > 2 && k[1] == "answers"
}

func (s *Service) formScenario(out *[]FormScenario) func(name string, data []byte, sc FormScenario, bad told) {
	return func(name string, data []byte, sc FormScenario, bad told) {
		sc.File = name
		f := s.FormNamed(sc.Form)
		if sc.Title == "" || f == nil || len(sc.Pages) == 0 {
			bad(0, "a scenario of a form needs title, form (application or the id of a task's form) and at least one [[page]]")
			return
		}
		if _, err := time.Parse(time.DateOnly, sc.Today); err != nil {
			bad(lineOf(data, "today"), "today %q is not a day like 2026-12-01", sc.Today)
		}
		for _, p := range sc.Pages {
			if f.Page(p.ID) == nil {
				bad(lineOf(data, "id"), "%s has no page %q", f.File, p.ID)
			}
			for _, key := range slices.Sorted(maps.Keys(p.Answers)) {
				if f.Field(key) == nil {
					bad(lineOf(data, key), "%s has no field %q", f.File, key)
				}
			}
		}
		*out = append(*out, sc)
	}
}

// FormNamed is a form of the package: "application", or that of a task by its id; nil: there is none.
func (s *Service) FormNamed(name string) *form.Form {
	if name == "application" {
		return s.Form
	}
	return s.TaskForms[name]
}

// Play fills in the form as the scenario says and tells what is different from what
// it expects. cover, unless nil, notes which rules were touched.
func (sc FormScenario) Play(s *Service, cover *form.Coverage) error {
	var bad []error
	view, err := sc.fillIn(s, cover, func(i int, v *form.View) { bad = append(bad, sc.Pages[i].compare(v)...) })
	if err != nil {
		return err
	}
	if sc.Submitted == nil {
		return errors.Join(bad...)
	}
	for _, e := range view.Validate("") {
		bad = append(bad, fmt.Errorf("%s: %s: it can't be submitted", e.Key, short(e.Msg)))
	}
	got := view.Submission()
	for _, name := range slices.Sorted(maps.Keys(sc.Submitted)) {
		a, err1 := json.Marshal(got[name])
		b, err2 := json.Marshal(sc.Submitted[name])
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			bad = append(bad, fmt.Errorf("%s: %s is submitted, want %s", name, a, b))
		}
	}
	return errors.Join(bad...)
}

// fillIn sends the pages one after the other. after looks at the form when a page was sent.
func (sc FormScenario) fillIn(s *Service, cover *form.Coverage, after func(page int, v *form.View)) (*form.View, error) {
	f := s.FormNamed(sc.Form)
	if f == nil {
		return nil, fmt.Errorf("the package has no form %q", sc.Form)
	}
	day, err := time.Parse(time.DateOnly, sc.Today)
	if err != nil {
		return nil, err
	}
	ctx := form.Context{Vars: map[string]any{"registers": nil}, Lang: sc.Lang, Today: day, Prefill: true}
	if ctx.Lang == "" {
		ctx.Lang = "de"
	}
	vars, err := plain(sc.Vars)
	if err != nil {
		return nil, err
	}
	maps.Copy(ctx.Vars, vars)
	if sc.Registers != nil {
		if ctx.Vars["registers"], err = plain(sc.Registers); err != nil {
			return nil, err
		}
	}
	view := f.Eval(nil, ctx)
	if cover != nil {
		cover.Add(view)
	}
	var answers form.Answers
	for i, p := range sc.Pages {
		post := p.post(view.Page(p.ID))
		var errs []form.FieldError
		answers, errs = f.Decode(p.ID, post, answers, ctx)
		raw := maps.Clone(ctx.Raw)
		if raw == nil {
			raw = map[string]string{}
		}
		for _, name := range post[form.PostedField] {
			delete(raw, name)
		}
		for _, e := range errs {
			if e.Raw != "" {
				raw[e.Key] = e.Raw
			}
		}
		ctx.Raw = raw
		view.Update(answers, raw)
		if cover != nil {
			cover.Add(view)
		}
		after(i, view)
	}
	return view, nil
}

// post is the page as a browser sends it: what it asks and shows in the fields, with what is typed over it.
func (p FormPage) post(items []form.Item) url.Values {
	v := url.Values{}
	put := func(name string, val any) {
		v.Del(name)
		switch x := val.(type) {
		case nil:
		case bool:
			if x {
				v.Set(name, "true")
			}
		case []any:
			for _, y := range x {
				v.Add(name, fmt.Sprint(y))
			}
		case map[string]any: // a signature; where something is stays as it is unless it is typed anew
			if sign, ok := x["name"].(string); ok {
				v.Set(name, sign)
				if x["confirmed"] == true {
					v.Set(name+form.Confirm, "true")
				}
				if d, ok := x["drawing"].(string); ok {
					v.Set(name+form.Drawing, d)
				}
			}
		default:
			v.Set(name, fmt.Sprint(x))
		}
	}
	form.Each(items, func(it *form.Item) {
		if !it.Asked() || it.Type == "filepicker" {
			return
		}
		v.Add(form.PostedField, it.Name)
		if it.Raw != "" {
			put(it.Name, it.Raw)
		} else if it.Type == "number" || it.Kind == "money" || it.Kind == "position" {
			delete(v, it.Name) // it would have to be written as the language has it: what isn't typed anew stays
			v[form.PostedField] = v[form.PostedField][:len(v[form.PostedField])-1]
		} else {
			put(it.Name, it.Value)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(p.Answers)) {
		if !slices.Contains(v[form.PostedField], name) {
			v.Add(form.PostedField, name)
		}
		put(name, p.Answers[name])
	}
	return v
}

func (p FormPage) compare(v *form.View) []error {
	var bad []error
	if p.Asked != nil {
		asked := []string{}
		form.Each(v.Page(p.ID), func(it *form.Item) {
			if it.Asked() {
				asked = append(asked, it.Name)
			}
		})
		if !slices.Equal(asked, p.Asked) {
			bad = append(bad, fmt.Errorf("page %s asks %v, want %v", p.ID, asked, p.Asked))
		}
	}
	wrong := map[string]string{}
	for _, e := range v.Validate(p.ID) {
		wrong[e.Key] = short(e.Msg)
	}
	if !maps.Equal(wrong, p.Wrong) {
		bad = append(bad, fmt.Errorf("page %s: wrong is %v, want %v", p.ID, wrong, p.Wrong))
	}
	return bad
}

func short(msg string) string { return strings.TrimPrefix(msg, "form.error.") }

// plain makes of TOML what JSON would have said.
func plain(m map[string]any) (map[string]any, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return out, d.Decode(&out)
}
