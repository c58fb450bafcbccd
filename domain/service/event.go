// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"mercator/lang/feel"
	"mercator/lang/form"

	"github.com/BurntSushi/toml"
)

// Event is a life event (Lebenslage): what happens in a life and lets somebody need several services at once, applied for together.
// It is data, content/events/ID/event.toml, and says which services belong to it and which of their questions are the same one.
type Event struct {
	ID       string
	Title    Text
	Summary  Text
	Topics   []string
	Synonyms []string // other words that people search with
	Parts    []Part   // in the order in which they are filled in and handed over
	Same     []Shared // as the file says it; Shared finds all
}

// Part is a service of an event.
type Part struct {
	Service string
	// Question offers it: it belongs to the application of whoever says yes. Empty: it belongs to everybody's.
	Question, Hint Text
	when           *feel.Program
}

// Asked tells whether the person is asked for it.
func (p Part) Asked() bool { return len(p.Question) > 0 }

// Conditional tells whether it depends on what is known.
func (p Part) Conditional() bool { return p.when != nil }

// Reads tells whether its condition reads answers to a service, or what registers said.
func (p Part) Reads(service string) (answers, registers bool) {
	if p.when == nil {
		return false, false
	}
	for _, at := range p.when.Reads() {
		answers = answers || len(at) > 1 && at[0] == KnownAnswers && at[1] == AnswersOf(service)
		registers = registers || at[0] == KnownRegisters
	}
	return answers, registers
}

// Before are the services whose forms somebody has to know who looks at the form of one of them alone: those before it that ask what it
// asks, too, or whose answers a condition reads, and what those need in turn. Its own is among them.
func (e *Event) Before(service string, shared []Shared) map[string]bool {
	need := map[string]bool{}
	at := slices.IndexFunc(e.Parts, func(p Part) bool { return p.Service == service })
	if at < 0 {
		return need
	}
	need[service] = true
	for i := at - 1; i >= 0; i-- {
		id := e.Parts[i].Service
		need[id] = slices.ContainsFunc(e.Parts[i+1:at+1], func(p Part) bool {
			answers, registers := p.Reads(id)
			return need[p.Service] && (answers || registers || slices.ContainsFunc(shared, func(s Shared) bool {
				return s.asks(id) && s.asks(p.Service)
			}))
		})
	}
	return need
}

func (s Shared) asks(service string) bool {
	return slices.ContainsFunc(s.Questions, func(q Question) bool { return q.Service == service })
}

// Holds tells whether the part concerns somebody of whom this is known: answers by service and field, what registers said, the day.
func (p Part) Holds(known map[string]any) bool {
	if p.when == nil {
		return true
	}
	v, err := p.when.EvalJSON(known)
	return err == nil && v == true
}

// Known are the names of what a part's condition reads, and the key of a service among the answers: FEEL takes "-" for a minus.
const (
	KnownAnswers   = "answers"
	KnownRegisters = "registers"
)

// AnswersOf is the name under which conditions read a service's answers.
func AnswersOf(service string) string { return strings.ReplaceAll(service, "-", "_") }

// Question is a field of a service's form.
type Question struct{ Service, Field string }

func (q Question) String() string { return q.Service + "." + q.Field }

// Shared is one question that several services ask.
type Shared struct {
	Questions []Question
	// Afresh: the event changes it, so what registers know of it holds no longer.
	Afresh bool
}

// Anonymous tells whether people may begin it before they sign in: what is part of everybody's application allows it. What is asked for, or
// comes in by a condition, waits for the sign-in where it doesn't.
func (e *Event) Anonymous(current func(id string) (*Service, bool)) bool {
	some := false
	for _, p := range e.Parts {
		s, ok := current(p.Service)
		if ok && !s.Anonymous && !p.Asked() && p.when == nil {
			return false
		}
		some = some || ok && s.Anonymous
	}
	return some
}

// Part is the part with a service.
func (e *Event) Part(service string) (Part, bool) {
	for _, p := range e.Parts {
		if p.Service == service {
			return p, true
		}
	}
	return Part{}, false
}

// Shared are the questions that several services of the event ask: those that the event names, and those that are filled from
// the same field of the same register. What a form doesn't have any more, or asks in another way by now, is left out.
func (e *Event) Shared(current func(id string) (*Service, bool)) []Shared {
	place := map[string]int{}
	for i, p := range e.Parts {
		place[p.Service] = i
	}
	type group struct {
		Shared
		field *form.Field // of the first question
	}
	var groups []*group
	of := map[Question]*group{}
	add := func(g *group, q Question) {
		s, ok := current(q.Service)
		if !ok || of[q] != nil {
			return
		}
		f := s.Form.Field(q.Field)
		if f == nil || !shareable(f) || slices.ContainsFunc(g.Questions, func(o Question) bool { return o.Service == q.Service }) {
			return
		}
		if g.field != nil && unlike(g.field, f) != "" {
			if g.Afresh { // asked by itself, but asked
				own := &group{Shared: Shared{Questions: []Question{q}, Afresh: true}, field: f}
				groups, of[q] = append(groups, own), own
			}
			return
		}
		if g.field == nil {
			g.field = f
		}
		g.Questions, of[q] = append(g.Questions, q), g
	}
	for _, s := range e.Same {
		g := &group{Shared: Shared{Afresh: s.Afresh}}
		groups = append(groups, g)
		for _, q := range s.Questions {
			add(g, q)
		}
	}
	known := map[string]*group{}
	for _, g := range groups {
		for _, q := range g.Questions {
			if s, ok := current(q.Service); ok {
				if key := s.registerField(q.Field); key != "" && known[key] == nil {
					known[key] = g
				}
			}
		}
	}
	for _, p := range e.Parts {
		s, ok := current(p.Service)
		if !ok {
			continue
		}
		for _, name := range s.Form.Names() {
			key := s.registerField(name)
			if key == "" {
				continue
			}
			q := Question{p.Service, name}
			if known[key] == nil {
				known[key] = &group{}
				groups = append(groups, known[key])
			}
			add(known[key], q)
		}
	}
	var out []Shared
	for _, g := range groups {
		if len(g.Questions) > 1 || g.Afresh && len(g.Questions) == 1 {
			slices.SortStableFunc(g.Questions, func(a, b Question) int { return place[a.Service] - place[b.Service] })
			out = append(out, g.Shared)
		}
	}
	return out
}

// registerField names the field of a register that a field of the form is filled from: "residents.street"; "" if none.
func (s *Service) registerField(name string) string {
	f := s.Form.Field(name)
	if f == nil || f.Register == "" || !f.Input() {
		return ""
	}
	as, field, _ := strings.Cut(f.Register, ".")
	for _, d := range s.Data {
		if d.As == as && d.One {
			return d.Register + "." + field
		}
	}
	return ""
}

// shareable tells whether an answer can count for another service too. A declaration and a signature are made for each.
func shareable(f *form.Field) bool {
	return f.Input() && !f.ReadOnly && !strings.Contains(f.Name, ".") && f.Kind != "consent" && f.Kind != "signature"
}

// unlike says in what two fields differ, so that one answer can't be that of both; "": in nothing.
func unlike(a, b *form.Field) string {
	values := func(f *form.Field) (out []string) {
		for _, o := range f.Options {
			out = append(out, o.OptionText())
		}
		slices.Sort(out)
		return out
	}
	switch {
	case a.Type != b.Type:
		return fmt.Sprintf("one is a %s, the other a %s", a.Type, b.Type)
	case a.Kind != b.Kind:
		return fmt.Sprintf("one asks for a %s, the other for a %s", a.Kind, b.Kind)
	case !slices.Equal(values(a), values(b)):
		return "they have different options"
	case a.Type == "filepicker" && (a.Multiple != b.Multiple || a.Accept != b.Accept):
		return "they take different files"
	case a.Props["partial"] != b.Props["partial"]:
		return "one may be known in part, the other not"
	}
	return ""
}

// EventFile is the file of an event.
const EventFile = "event.toml"

type tomlEvent struct {
	ID       string   `toml:"id"`
	Title    Text     `toml:"title"`
	Summary  Text     `toml:"summary"`
	Topics   []string `toml:"topics"`
	Synonyms []string `toml:"synonyms"`
	Service  []struct {
		ID       string `toml:"id"`
		Question Text   `toml:"question"`
		Hint     Text   `toml:"hint"`
		When     string `toml:"when"`
	} `toml:"service"`
	Same []struct {
		Fields []string `toml:"fields"`
		Afresh bool     `toml:"afresh"`
	} `toml:"same"`
}

// The limits of an event.
const (
	maxParts = 12
	maxSame  = 200
)

// ParseEvent reads an event and holds it against the services in force. dir is the folder's name, which is the event's id. The error
// is a *ParseError with everything that is wrong.
func ParseEvent(dir string, fsys fs.FS, current func(id string) (*Service, bool)) (*Event, error) {
	p := &eventParser{e: &Event{}, current: current}
	files, err := readAll(fsys)
	if err != nil {
		return nil, &ParseError{Service: dir, Problems: []Problem{{File: dir, Msg: err.Error()}}}
	}
	for name := range files {
		if scenario, _ := path.Match("scenarios/*.toml", name); name != EventFile && path.Ext(name) != ".md" && !scenario {
			p.problem(0, "an event has the file %s, scenarios/*.toml and no other: %s", EventFile, name)
		}
	}
	p.read(dir, files[EventFile])
	if len(p.problems) > 0 {
		return nil, &ParseError{Service: dir, Problems: p.problems}
	}
	return p.e, nil
}

type eventParser struct {
	e        *Event
	data     []byte
	current  func(id string) (*Service, bool)
	problems []Problem
}

func (p *eventParser) problem(line int, format string, args ...any) {
	p.problems = append(p.problems, Problem{File: EventFile, Line: line, Msg: fmt.Sprintf(format, args...)})
}

func (p *eventParser) text(line int, what string, t Text) {
	for _, lang := range Languages {
		if strings.TrimSpace(t[lang]) == "" {
			p.problem(line, "%s has no text in %s", what, lang)
		}
	}
}

func (p *eventParser) read(dir string, data []byte) {
	if p.data = data; data == nil {
		p.problem(0, "missing")
		return
	}
	var t tomlEvent
	meta, err := toml.Decode(string(data), &t)
	var pe toml.ParseError
	if errors.As(err, &pe) {
		p.problem(pe.Position.Line, "%s", pe.Message)
		return
	} else if err != nil {
		p.problem(0, "%v", err)
		return
	}
	for _, k := range meta.Undecoded() {
		p.problem(lineOf(data, k[len(k)-1]), "unknown key %q", k.String())
	}
	if !idPattern.MatchString(t.ID) || t.ID != dir {
		p.problem(lineOf(data, "id"), "id %q must be the name of the folder, %q, in lower case with hyphens", t.ID, dir)
	}
	p.text(lineOf(data, "title"), "title", t.Title)
	p.text(lineOf(data, "summary"), "summary", t.Summary)
	e := p.e
	e.ID, e.Title, e.Summary, e.Topics, e.Synonyms = t.ID, t.Title, t.Summary, t.Topics, t.Synonyms
	if len(t.Service) < 2 || len(t.Service) > maxParts {
		p.problem(lineOf(data, "service"), "an event holds 2 to %d services ([[service]])", maxParts)
	}
	for i, s := range t.Service {
		p.part(lineOfBlock(data, "service", i), s.ID, s.Question, s.Hint, s.When)
	}
	if len(t.Same) > maxSame {
		p.problem(lineOf(data, "same"), "more than %d [[same]]", maxSame)
		return
	}
	for i, s := range t.Same {
		p.same(lineOfBlock(data, "same", i), s.Fields, s.Afresh)
	}
}

func (p *eventParser) part(line int, id string, question, hint Text, when string) {
	what := fmt.Sprintf("[[service]] %q", id)
	s, ok := p.current(id)
	switch {
	case !ok:
		p.problem(line, "%s: the city has no such service", what)
	case s.Internal || s.About != "":
		p.problem(line, "%s: it isn't applied for by itself", what)
	case len(s.Cosigns) > 0:
		p.problem(line, "%s: others sign it, so it is applied for alone", what)
	}
	if _, again := p.e.Part(id); again {
		p.problem(line, "%s stands here twice", what)
	}
	part := Part{Service: id, Question: question, Hint: hint}
	if len(question) > 0 {
		p.text(line, what+": question", question)
	} else if len(hint) > 0 {
		p.problem(line, "%s: a hint belongs to a question", what)
	}
	if len(hint) > 0 {
		p.text(line, what+": hint", hint)
	}
	if when != "" {
		part.when = p.condition(line, what, when)
	}
	p.e.Parts = append(p.e.Parts, part)
}

// condition reads when a service is offered. It sees only what stands before it, so that there is an order in which all is known.
func (p *eventParser) condition(line int, what, src string) *feel.Program {
	rest, ok := strings.CutPrefix(strings.TrimSpace(src), "=")
	if !ok {
		p.problem(line, "%s: when: an expression begins with \"=\": %s", what, src)
		return nil
	}
	prog, err := feel.Compile(rest, feel.Config{})
	if err != nil {
		for _, e := range feel.Each(err) {
			p.problem(line, "%s: when: %s", what, e.Msg)
		}
		return nil
	}
	for _, at := range prog.Reads() {
		switch {
		case at[0] == KnownRegisters:
		case at[0] != KnownAnswers || len(at) < 3:
			p.problem(line, "%s: when reads %s: it knows %s.SERVICE.FIELD (a service with _ for -), %s and today()", what, strings.Join(at, "."), KnownAnswers, KnownRegisters)
		default:
			i := slices.IndexFunc(p.e.Parts, func(o Part) bool { return AnswersOf(o.Service) == at[1] })
			if i < 0 {
				p.problem(line, "%s: when reads %s: no service before this one is called that", what, strings.Join(at, "."))
				continue
			}
			if s, ok := p.current(p.e.Parts[i].Service); ok && s.Form.Field(at[2]) == nil {
				p.problem(line, "%s: when reads %s: the form has no such field", what, strings.Join(at, "."))
			}
		}
	}
	return prog
}

func (p *eventParser) same(line int, fields []string, afresh bool) {
	if len(fields) < 2 && !afresh || len(fields) == 0 {
		p.problem(line, "[[same]] names at least two fields (service.field), or one with afresh")
	}
	out := Shared{Afresh: afresh}
	var first *form.Field
	for _, name := range fields {
		service, field, _ := strings.Cut(name, ".")
		q := Question{service, field}
		if _, ok := p.e.Part(service); !ok {
			p.problem(line, "[[same]] %s: the event doesn't hold that service", q)
			continue
		}
		s, ok := p.current(service)
		if !ok {
			continue // said already
		}
		f := s.Form.Field(field)
		switch {
		case f == nil:
			p.problem(line, "[[same]] %s: the form has no such field", q)
			continue
		case !shareable(f):
			p.problem(line, "[[same]] %s: a declaration, a signature, a field of a list or a group with a path is each service's own", q)
			continue
		case slices.ContainsFunc(out.Questions, func(o Question) bool { return o.Service == service }):
			p.problem(line, "[[same]] %s: two questions of one service aren't the same", q)
		case slices.ContainsFunc(p.e.Same, func(o Shared) bool { return slices.Contains(o.Questions, q) }):
			p.problem(line, "[[same]] %s stands in another [[same]] too", q)
		case first != nil:
			if why := unlike(first, f); why != "" {
				p.problem(line, "[[same]] %s and %s: %s", out.Questions[0], q, why)
			}
		}
		if first == nil {
			first = f
		}
		out.Questions = append(out.Questions, q)
	}
	p.e.Same = append(p.e.Same, out)
}

// LoadEvents reads every event in a folder and holds it against the services in force, so after Load. An event with a mistake is named in
// the error, and the one before it stays in force; one whose folder is gone is offered no more.
func (c *Catalog) LoadEvents(root fs.FS) error {
	dirs, err := fs.ReadDir(root, ".")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := map[string]*Event{}
	var bad []error
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		sub, err := fs.Sub(root, d.Name())
		if err != nil {
			return err
		}
		e, err := ParseEvent(d.Name(), sub, c.Current)
		if err != nil {
			bad = append(bad, err)
			if e, _ = c.Event(d.Name()); e == nil {
				continue
			}
		}
		fresh[d.Name()] = e
	}
	c.mu.Lock()
	c.events = fresh
	notify := c.changed
	c.mu.Unlock()
	for _, f := range notify {
		f()
	}
	return errors.Join(bad...)
}

// Event is a life event in force.
func (c *Catalog) Event(id string) (*Event, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.events[id]
	return e, ok
}

// Events lists the life events in force by id.
func (c *Catalog) Events() []*Event {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*Event, 0, len(c.events))
	for _, e := range c.events {
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// KnownOn is what conditions of parts read: what is known on a day.
func KnownOn(answers, registers map[string]any, now time.Time) map[string]any {
	return map[string]any{KnownAnswers: answers, KnownRegisters: registers, feel.Now: now}
}
