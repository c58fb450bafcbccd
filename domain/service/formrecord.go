// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mercator/lang/form"

	"github.com/BurntSushi/toml"
)

// Record completes a scenario of which only the pages and what was typed on them is known: with the questions that each page
// has then, with what is wrong, and, if nothing is wrong at the end, with what is submitted. It gives what that is in any case,
// so that whoever records can see whether it is what they had before their eyes.
func (sc *FormScenario) Record(s *Service) (form.Answers, error) {
	view, err := sc.fillIn(s, nil, func(i int, v *form.View) {
		p := &sc.Pages[i]
		p.Asked, p.Wrong = nil, nil
		form.Each(v.Page(p.ID), func(it *form.Item) {
			if it.Asked() {
				p.Asked = append(p.Asked, it.Name)
			}
		})
		for _, e := range v.Validate(p.ID) {
			if p.Wrong == nil {
				p.Wrong = map[string]string{}
			}
			p.Wrong[e.Key] = short(e.Msg)
		}
	})
	if err != nil {
		return nil, err
	}
	got := view.Submission()
	if sc.Submitted = nil; len(view.Validate("")) > 0 {
		return got, nil
	}
	sc.Submitted = map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		val := inTOML(got[name])
		// A null, which TOML has none of, is told by what is asked.
		a, err1 := json.Marshal(val)
		b, err2 := json.Marshal(got[name])
		if val != nil && err1 == nil && err2 == nil && bytes.Equal(a, b) {
			sc.Submitted[name] = val
		}
	}
	return got, nil
}

// TOML writes a scenario as it stands in scenarios/forms.
func (sc FormScenario) TOML() (string, error) {
	sc.Registers, _ = inTOML(sc.Registers).(map[string]any)
	sc.Vars, _ = inTOML(sc.Vars).(map[string]any)
	var b bytes.Buffer
	b.WriteString("# SPDX-License-Identifier: EUPL-1.2\n")
	enc := toml.NewEncoder(&b)
	enc.Indent = ""
	err := enc.Encode(sc)
	return b.String(), err
}

// inTOML makes of JSON what TOML can say: numbers of a kind, no null.
func inTOML(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if y := inTOML(x); y != nil {
				out[k] = y
			}
		}
		return out
	case []any:
		out := []any{}
		for _, x := range v {
			if y := inTOML(x); y != nil {
				out = append(out, y)
			}
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil && !strings.ContainsAny(v.String(), ".eE") {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case int:
		return int64(v)
	case float64:
		if n, err := strconv.ParseInt(strconv.FormatFloat(v, 'f', -1, 64), 10, 64); err == nil {
			return n
		}
	}
	return v
}
