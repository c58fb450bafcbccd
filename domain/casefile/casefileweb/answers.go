// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
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

// answered is the application as data: each page of its form with the answers.
func (p *pages) answered(ctx context.Context, s *service.Service, c casefile.Case, loc *i18n.Localizer) ([]ui.Component, *form.View, error) {
	vars, answers, err := p.variables(ctx, s, c)
	if err != nil {
		return nil, nil, err
	}
	view := s.Form.Eval(answers, form.Context{Vars: vars, Lang: loc.Lang(), Today: c.OpenedAt})
	var out []ui.Component
	for _, section := range view.Summary(loc) {
		list := ui.SummaryList{Title: section.Title, Level: 3}
		for _, row := range section.Rows {
			r := ui.SummaryRow{Key: row.Label, Value: row.Value}
			if row.Known {
				r.Source = loc.T("casefileweb.register")
			}
			if r.Value == "" {
				r.Value = loc.T("casefileweb.notAnswered")
			}
			list.Rows = append(list.Rows, r)
		}
		if len(list.Rows) > 0 {
			out = append(out, list)
		}
	}
	return out, view, nil
}
