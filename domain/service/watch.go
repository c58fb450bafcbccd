// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mercator/lang/feel"
)

// Watch is what a service looks at a register for without being asked: a proactive service
// (§ 3 Absatz 2 OZG speaks of services that need no application). It says which fields it
// reads, for which purpose and on which basis, as [[data]] does, and what it opens.
type Watch struct {
	ID, Register string
	Fields       []string
	// Date is a field of the register that is searched as a date, and Before is how many days
	// before it the record is looked at. Without a date it is looked at when it changes.
	Date    string
	Before  int
	Opens   string // one of those below
	Purpose Text
	Basis   string
	Subject Text // of the message with an offer
	Body    Text

	when, occasion *feel.Program
	answers        map[string]*feel.Program
}

// What a watch opens.
const (
	Offer   = "offer"   // a message in the postbox and an application that is filled in as far as it goes
	Opening = "case"    // a case
	Begins  = "process" // what the process itself waits for: its conditional start events are told the record
)

type tomlWatch struct {
	ID        string            `toml:"id"`
	Register  string            `toml:"register"`
	Fields    []string          `toml:"fields"`
	Date      string            `toml:"date"`
	Before    int               `toml:"before"`
	Condition string            `toml:"condition"`
	Occasion  string            `toml:"occasion"`
	Opens     string            `toml:"opens"`
	Basis     string            `toml:"basis"`
	Purpose   Text              `toml:"purpose"`
	Subject   Text              `toml:"subject"`
	Body      Text              `toml:"body"`
	Answers   map[string]string `toml:"answers"`
}

// maxBefore bounds how long before a day a record is looked at: two years.
const maxBefore = 731

// Occasion is what a watch sees in a record.
type Occasion struct {
	Holds   bool
	Key     string         // at most once for each; the same record and key never open twice
	Answers map[string]any // of the application
}

// See works out what a watch sees in a record at a moment (whose location is the town's).
func (w Watch) See(record map[string]any, now time.Time) (Occasion, error) {
	vars := map[string]any{"record": record, "today": now.Format(time.DateOnly), feel.Now: now}
	v, err := w.when.EvalJSON(vars)
	if err != nil {
		return Occasion{}, fmt.Errorf("[[watch]] %s: condition: %w", w.ID, err)
	}
	o := Occasion{Holds: v == true, Answers: map[string]any{}}
	if w.Date != "" {
		o.Key, _ = record[w.Date].(string)
	}
	if w.occasion != nil {
		v, err := w.occasion.EvalJSON(vars)
		if err != nil || v == nil {
			return Occasion{}, fmt.Errorf("[[watch]] %s: occasion gives nothing: %v", w.ID, err)
		}
		o.Key = fmt.Sprint(v)
	}
	for name, p := range w.answers {
		v, err := p.EvalJSON(vars)
		if err != nil {
			return Occasion{}, fmt.Errorf("[[watch]] %s: answers.%s: %w", w.ID, name, err)
		}
		if v != nil {
			o.Answers[name] = v
		}
	}
	return o, nil
}

// Told is the message of an offer, with the record's fields in the place of "{field}": days
// as people in that language write them.
func (w Watch) Told(record map[string]any) (subject, body Text) {
	fill := func(t Text) Text {
		out := Text{}
		for lang, text := range t {
			for _, f := range w.Fields {
				v := fmt.Sprint(record[f])
				if day, err := time.Parse(time.DateOnly, v); err == nil {
					if v = day.Format("02.01.2006"); lang == "en" {
						v = day.Format("2 January 2006")
					}
				}
				text = strings.ReplaceAll(text, "{"+f+"}", v)
			}
			out[lang] = text
		}
		return out
	}
	return fill(w.Subject), fill(w.Body)
}

// watches reads what the package looks at by itself.
func (p *parser) watches(data []byte, list []tomlWatch) {
	for i, t := range list {
		line := lineOfBlock(data, "watch", i)
		what := "[[watch]] " + t.ID
		bad := func(format string, args ...any) {
			p.problem("service.toml", line, "%s: %s", what, fmt.Sprintf(format, args...))
		}
		w := Watch{ID: t.ID, Register: t.Register, Fields: t.Fields, Date: t.Date, Before: t.Before, Opens: t.Opens, Purpose: t.Purpose, Basis: t.Basis,
			Subject: t.Subject, Body: t.Body, answers: map[string]*feel.Program{}}
		if !idPattern.MatchString(t.ID) || slices.ContainsFunc(p.s.Watches, func(o Watch) bool { return o.ID == t.ID }) {
			bad("id must be in lower case with hyphens, and one of its own")
		}
		if t.Register == "" || len(t.Fields) == 0 || t.Condition == "" || t.Basis == "" {
			bad("register, fields, condition and basis are needed: nobody looks into a register without a purpose and a basis")
		}
		p.texts(line, what+": purpose", t.Purpose)
		if t.Date != "" && !slices.Contains(t.Fields, t.Date) {
			bad("date %q must be among the fields", t.Date)
		}
		if t.Date == "" && (t.Before != 0 || t.Occasion == "") || t.Before < 0 || t.Before > maxBefore {
			bad("before (0 to %d days) needs a date; without a date occasion says what is opened at most once", maxBefore)
		}
		switch t.Opens {
		case Offer:
			p.texts(line, what+": subject", t.Subject)
			p.texts(line, what+": body", t.Body)
		case Opening, Begins:
			if len(t.Subject) > 0 || len(t.Body) > 0 || t.Opens == Begins && len(t.Answers) > 0 {
				bad("subject, body and answers belong to an offer, answers to a case, too")
			}
		default:
			bad("opens %q: want %s, %s or %s", t.Opens, Offer, Opening, Begins)
		}
		w.when, w.occasion = p.program(line, what+": condition", t.Condition), p.program(line, what+": occasion", t.Occasion)
		for _, name := range sortedKeys(t.Answers) {
			w.answers[name] = p.program(line, what+": answers."+name, t.Answers[name])
		}
		for name, prog := range p.watchPrograms(w) {
			for _, at := range prog.FreePaths() {
				switch {
				case at[0] == "record" && len(at) > 1 && !slices.Contains(t.Fields, at[1]):
					bad("%s reads record.%s, which isn't among the fields", name, at[1])
				case at[0] != "record" && at[0] != "today":
					bad("%s reads %s: a watch knows the record and today", name, at[0])
				}
			}
		}
		p.s.Watches = append(p.s.Watches, w)
	}
}

func (p *parser) watchPrograms(w Watch) map[string]*feel.Program {
	all := maps.Clone(w.answers)
	all["condition"], all["occasion"] = w.when, w.occasion
	maps.DeleteFunc(all, func(_ string, prog *feel.Program) bool { return prog == nil })
	return all
}

// watched holds the watches against the form and the process, which are read later.
func (l *linter) watched() {
	for i, w := range l.s.Watches {
		line := l.s.lineOfBlock("watch", i)
		for _, name := range sortedKeys(w.answers) {
			if f := l.s.Form.Field(name); f == nil || !f.Input() {
				l.say("service.toml", line, 0, "[[watch]] %s: application.form has no field %q that could be filled in", w.ID, name)
			}
		}
		used := map[string]bool{w.Date: true}
		for _, prog := range (&parser{}).watchPrograms(w) {
			for _, at := range prog.FreePaths() {
				if at[0] == "record" && len(at) > 1 {
					used[at[1]] = true
				}
			}
		}
		for _, f := range w.Fields {
			told := w.Opens == Begins
			for _, t := range []Text{w.Subject, w.Body} {
				for _, text := range t {
					told = told || strings.Contains(text, "{"+f+"}")
				}
			}
			if !used[f] && !told {
				l.say("service.toml", line, 0, "[[watch]] %s reads %q and uses it for nothing: take it out", w.ID, f)
			}
		}
		if l.s.Internal && w.Opens != Begins {
			l.say("service.toml", line, 0, "[[watch]] %s: nobody applies for this service: it opens a process", w.ID)
		}
	}
}
