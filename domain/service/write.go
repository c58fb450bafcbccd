// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mercator/lang/feel"
)

// Write is what a case may write into a register, and where it is declared also what: the
// step of the process then only says that it happens.
type Write struct {
	Register string
	Basis    string // "": that of the service
	// Amend lays the fields over the record that is there; the others stay as they are.
	Amend bool

	key, from, to *feel.Program
	fields        map[string]*feel.Program
}

type tomlWrite struct {
	Register string            `toml:"register"`
	Basis    string            `toml:"basis"`
	Key      string            `toml:"key"`
	From     string            `toml:"from"`
	To       string            `toml:"to"`
	Amend    bool              `toml:"amend"`
	Fields   map[string]string `toml:"fields"`
}

// Writes is what the package writes into a register.
func (s *Service) Writes(register string) (Write, bool) {
	i := slices.IndexFunc(s.Write, func(w Write) bool { return w.Register == register })
	if i < 0 {
		return Write{}, false
	}
	return s.Write[i], true
}

// Declared reports whether the package says what is written.
func (w Write) Declared() bool { return w.key != nil }

// Names are the fields that it writes, sorted; none if that is said in the process.
func (w Write) Names() []string { return slices.Sorted(maps.Keys(w.fields)) }

// Written is what a case writes.
type Written struct {
	Key      string
	Fields   map[string]any
	From, To time.Time // zero: from now on, and for good
}

// Of works out what a case with these variables writes. Days are of the zone. What can't be
// worked out is an error that says which expression, never a record with holes.
func (w Write) Of(vars map[string]any, zone *time.Location) (Written, error) {
	var out Written
	var errs []error
	bad := func(what string, format string, args ...any) {
		errs = append(errs, fmt.Errorf("[[write]] %s: %s %s", w.Register, what, fmt.Sprintf(format, args...)))
	}
	v, err := w.key.EvalJSON(vars)
	if key, ok := v.(string); err == nil && ok && key != "" {
		out.Key = key
	} else {
		bad("key", "gives no text")
	}
	out.Fields = map[string]any{}
	for _, name := range w.Names() {
		v, err := w.fields[name].EvalJSON(vars)
		if err != nil {
			bad("field "+name, "can't be worked out: %v", err)
		}
		if v != nil { // what isn't known stays out, and the register's schema says whether it may
			out.Fields[name] = v
		}
	}
	day := func(what string, p *feel.Program) time.Time {
		if p == nil {
			return time.Time{}
		}
		v, err := p.EvalJSON(vars)
		text, _ := v.(string)
		t, err2 := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil || err2 != nil {
			bad(what, "gives no day")
		}
		return t
	}
	out.From, out.To = day("from", w.from), day("to", w.to)
	if !out.To.IsZero() {
		out.To = out.To.AddDate(0, 0, 1) // the last day counts
	}
	return out, errors.Join(errs...)
}

// program reads an expression of service.toml.
func (p *parser) program(line int, what, src string) *feel.Program {
	if src == "" {
		return nil
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(src), "=")
	if !ok {
		p.problem("service.toml", line, "%s: an expression begins with \"=\": %s", what, src)
		return nil
	}
	prog, err := feel.Compile(rest, feel.Config{})
	if err != nil {
		for _, e := range feel.Each(err) {
			p.problem("service.toml", line, "%s: %s", what, e.Msg)
		}
	}
	return prog
}

// writes reads what the package writes into registers.
func (p *parser) writes(data []byte, list []tomlWrite) {
	for i, t := range list {
		line := lineOfBlock(data, "write", i)
		bad := func(format string, args ...any) { p.problem("service.toml", line, format, args...) }
		what := "[[write]] " + t.Register
		w := Write{Register: t.Register, Basis: t.Basis, Amend: t.Amend, fields: map[string]*feel.Program{}}
		if t.Register == "" {
			bad("[[write]] needs a register")
		}
		if _, twice := p.s.Writes(t.Register); twice {
			bad("two [[write]] are for the register %s", t.Register)
		}
		if (t.Key == "") != (len(t.Fields) == 0) {
			bad("%s: key and fields belong together: leave both out if the step of the process says what is written", what)
		}
		if t.Key == "" && (t.From != "" || t.To != "" || t.Amend) {
			bad("%s: from, to and amend need key and fields", what)
		}
		w.key, w.from, w.to = p.program(line, what+": key", t.Key), p.program(line, what+": from", t.From), p.program(line, what+": to", t.To)
		for _, name := range sortedKeys(t.Fields) {
			w.fields[name] = p.program(line, what+": fields."+name, t.Fields[name])
		}
		p.s.Write = append(p.s.Write, w)
	}
}
