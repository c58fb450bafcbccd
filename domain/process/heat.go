// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// heatCases is how many cases the heat map looks at, the last begun ones: enough to show
// where time goes, and the same work however many there are.
const heatCases = 2000

// Model is a version of a process that cases have run under.
type Model struct {
	Hash, Version, Process string
	Last                   time.Time // when a case began with it
}

// ElementTime is how an element of a process went.
type ElementTime struct {
	Element     string
	Done        int           // how often it was left
	Cancelled   int           // … because something else went on
	Now         int           // how many are there
	Median, P90 time.Duration // from entering to leaving
	Longest     time.Duration
}

// Heat is where the time of a process goes. It holds no personal data.
type Heat struct {
	Model    Model
	Defs     *bpmn.Definitions
	Process  *bpmn.Process
	Cases    int // that were looked at
	Elements []ElementTime
}

// Models are the versions of a service's process, the last used first. An operator or
// a clerk asks.
func (e *Engine) Models(ctx context.Context, g access.Grant, service string) ([]Model, error) {
	const op = "process.models"
	if err := g.Must(access.Read, resource); err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, func(s store.Scanner) (Model, error) {
		var m Model
		var at int64
		err := s.Scan(&m.Hash, &at)
		m.Last = store.Time(at)
		return m, err
	}, modelsOf, service)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	slices.SortFunc(out, func(a, b Model) int { return b.Last.Compare(a.Last) })
	for i := range out {
		r, err := store.One(ctx, e.db, scanRow, lastBegun, service, out[i].Hash, 1)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		out[i].Version, out[i].Process = r.Version, r.process
	}
	return out, nil
}

// Heat works out how long the elements of a version took, over its last cases.
func (e *Engine) Heat(ctx context.Context, g access.Grant, service string, m Model) (Heat, error) {
	const op = "process.heat"
	if err := g.Must(access.Read, resource); err != nil {
		return Heat{}, err
	}
	h := Heat{Model: m}
	first, err := store.One(ctx, e.db, scanRow, lastBegun, service, m.Hash, 1)
	if err != nil {
		return h, fault.Wrap(op, err)
	}
	if h.Defs, h.Process, err = e.process(ctx, e.db, &first); err != nil {
		return h, err
	}
	t := timing{entered: map[string]int64{}, took: map[string][]time.Duration{}, stat: map[string]*ElementTime{}}
	rows, err := e.db.Query(ctx, historyOfMany, service, m.Hash, heatCases)
	if err != nil {
		return h, fault.Wrap(op, err)
	}
	defer rows.Close()
	at := ""
	for rows.Next() {
		var instance, text string
		var when int64
		if err := rows.Scan(&instance, &when, &text); err != nil {
			return h, fault.Wrap(op, err)
		}
		if instance != at {
			t.next()
			at = instance
			h.Cases++
		}
		var trace []Trace
		if err := json.Unmarshal([]byte(text), &trace); err != nil {
			return h, fault.Wrap(op, err)
		}
		t.step(when, trace)
	}
	if err := rows.Err(); err != nil {
		return h, fault.Wrap(op, err)
	}
	t.next()
	for _, el := range h.Process.Elements {
		if s := t.stat[el.ID]; s != nil {
			h.Elements = append(h.Elements, t.sum(s))
		}
	}
	return h, nil
}

// timing pairs what was entered with what was left, instance by instance.
type timing struct {
	entered map[string]int64 // by token and element, of the instance at hand
	took    map[string][]time.Duration
	stat    map[string]*ElementTime
}

func (t *timing) of(element string) *ElementTime {
	s := t.stat[element]
	if s == nil {
		s = &ElementTime{Element: element}
		t.stat[element] = s
	}
	return s
}

// next ends an instance: what was entered and not left is where it stands.
func (t *timing) next() {
	for key := range t.entered {
		var token, element string
		fmt.Sscanf(key, "%s %s", &token, &element)
		t.of(element).Now++
	}
	clear(t.entered)
}

func (t *timing) step(at int64, trace []Trace) {
	for _, x := range trace {
		token := x.Token
		if token == "" { // written before tokens were
			token = "-"
		}
		key := token + " " + x.Element
		if x.What == "in" {
			t.entered[key] = at
			continue
		}
		s := t.of(x.Element)
		since, ok := t.entered[key]
		delete(t.entered, key)
		if x.What == "x" {
			s.Cancelled++
			continue
		}
		s.Done++
		if ok {
			t.took[x.Element] = append(t.took[x.Element], time.Duration(at-since)*time.Microsecond)
		}
	}
}

func (t *timing) sum(s *ElementTime) ElementTime {
	if list := t.took[s.Element]; len(list) > 0 {
		slices.Sort(list)
		s.Median, s.P90, s.Longest = list[len(list)/2], list[len(list)*9/10], list[len(list)-1]
	}
	return *s
}
