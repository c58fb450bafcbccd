// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/domain/casefile"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web/ui"
)

// variables are what the forms of a case read.
func (p *pages) variables(ctx context.Context, s *service.Service, c casefile.Case) (map[string]any, form.Answers, error) {
	vars := map[string]any{}
	if p.FormVars != nil {
		more, err := p.FormVars(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		for k, v := range more {
			vars[k] = v
		}
	}
	answers, err := object(c.Application)
	if err != nil {
		return nil, nil, err
	}
	registers, err := object(c.Registers)
	if err != nil {
		return nil, nil, err
	}
	vars["registers"] = nil // not an empty object: nothing was fetched
	if len(registers) > 0 {
		vars["registers"] = registers
	}
	vars["case"] = map[string]any{"id": c.ID, "ref": c.Ref, "service": c.Service, "openedOn": c.OpenedAt.Format(time.DateOnly)}
	return vars, answers, nil
}

// object reads a JSON object with its numbers as they are written; null is an empty one.
func object(raw json.RawMessage) (map[string]any, error) {
	out := map[string]any{}
	if len(raw) == 0 {
		return out, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, fault.Wrap("casefileweb.object", err)
	}
	if v != nil {
		out = v
	}
	return out, nil
}

// answered is the application as data: each page of its form with the answers, and with what else the form shows of them. at is
// where the files of cases are, for who reads.
func (p *pages) answered(ctx context.Context, s *service.Service, c casefile.Case, loc *i18n.Localizer, at string) ([]ui.Component, *form.View, error) {
	vars, answers, err := p.variables(ctx, s, c)
	if err != nil {
		return nil, nil, err
	}
	view := s.Form.Eval(answers, form.Context{Vars: vars, Lang: loc.Lang(), Today: c.OpenedAt})
	ids := map[string]string{} // of files, by their hash
	for _, pg := range view.Pages() {
		form.Each(view.Page(pg.ID), func(it *form.Item) {
			if all, ok := it.Value.([]any); ok && it.Type == "filepicker" {
				for _, x := range all {
					m, _ := x.(map[string]any)
					hash, _ := m["hash"].(string)
					if id, ok := m["id"].(string); ok && ident.Valid(id) {
						ids[hash] = id
					}
				}
			}
		})
	}
	t := teller{loc: loc, open: func(hash string) string {
		if ids[hash] == "" {
			return ""
		}
		return at + c.ID + "/files/" + ids[hash]
	}}
	for _, pg := range view.Form.Pages() {
		t.begin(pg.Title.For(loc.Lang()), 3)
		t.tell(view.Page(pg.ID), 3)
	}
	t.begin("", 3)
	return t.out, view, nil
}

// teller writes what was answered: groups and the rows of lists under their own headings.
type teller struct {
	loc  *i18n.Localizer
	open files
	out  []ui.Component
	list ui.SummaryList
}

// begin ends the list of answers before and begins one with a heading.
func (t *teller) begin(title string, level int) {
	if len(t.list.Rows) > 0 {
		t.out = append(t.out, t.list)
	}
	t.list = ui.SummaryList{Title: title, Level: min(level, 4)}
}

// show puts something between the answers. What comes behind it goes on under the same heading.
func (t *teller) show(items []ui.Component) {
	title, level := t.list.Title, t.list.Level
	if len(t.list.Rows) == 0 && title != "" && len(items) > 0 {
		t.out = append(t.out, ui.Heading{Text: title, Level: level})
	}
	t.begin("", level)
	t.out = append(t.out, items...)
}

func (t *teller) tell(items []form.Item, level int) {
	lang := t.loc.Lang()
	for i := range items {
		it := items[i]
		label := it.Label.For(lang)
		switch {
		case it.Type == "group" && label == "":
			t.tell(it.Items, level)
		case it.Type == "group":
			around := t.list
			t.begin(label, level+1)
			t.tell(it.Items, level+1)
			t.begin(around.Title, around.Level)
			if len(around.Rows) > 0 {
				t.list.Title = ""
			}
		case it.Type == "dynamiclist":
			for n, row := range it.Rows {
				t.begin(it.RowAt(n).Title(t.loc), level+1)
				t.tell(row, level+1)
			}
			around := ""
			if row, in := it.Place().Around(); in { // what follows in it
				around = row.Title(t.loc)
			}
			t.begin(around, level)
		case it.Shown != nil:
			t.show(shown(it, t.loc, t.open))
		case it.Name == "" || it.Type == "expression" && label == "":
		default:
			if it.Type == "checkbox" && it.Value == nil && !it.Required {
				it.Value = false // a box that is left empty is an answer
			}
			r := answer(it, t.loc, t.open)
			if it.Known {
				r.Source = t.loc.T("casefileweb.register")
			}
			if r.Value == "" && r.Item == nil {
				r.Value = t.loc.T("casefileweb.notAnswered")
			}
			t.list.Rows = append(t.list.Rows, r)
		}
	}
}
