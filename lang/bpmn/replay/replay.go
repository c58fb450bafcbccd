// SPDX-License-Identifier: EUPL-1.2

// Package replay runs a version of a process over what was recorded of an instance of
// another one, and says how it would have ended.
//
//	log = append(log, record)            // replay.Of, at each step of the instance
//	old, err := replay.Run(p1, log, replay.Options{Until: end})
//	new, err := replay.Run(p2, log, replay.Options{Until: end, Decide: …, Known: old.Known()})
//	diff := replay.Compare(old, new, nil)
//
// Answers are fed by element, in the order in which they came. What the clock did isn't
// fed: timers are due as the process at hand says, against the times of the answers, up to
// the moment to which the records tell everything (Until). Decisions are made anew, if
// Decide makes them. What nobody was asked for when it was recorded isn't made up: the
// instance then waits.
//
// Over the very version that was recorded, without Decide, it gives the state of the
// instance bit for bit; where it doesn't, somebody did something that is no answer.
package replay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"mercator/lang/bpmn"
)

// Record is an event that an instance took, by its element.
type Record struct {
	At       time.Time      `json:"-"`
	Kind     string         `json:"k"`               // name of the event
	Element  string         `json:"e,omitempty"`     // where the token was
	Place    string         `json:"p,omitempty"`     // … and which of several, if it runs for a list or several tokens are there
	Vars     map[string]any `json:"v,omitempty"`     // what came with it
	Value    any            `json:"d,omitempty"`     // of a decision
	Code     string         `json:"c,omitempty"`     // of a BPMN error
	Elements []string       `json:"b,omitempty"`     // that were begun in an ad-hoc sub-process
	Due      time.Time      `json:"due,omitzero"`    // of a timer
	Start    string         `json:"start,omitempty"` // element that it began at, if not the usual one
	Brought  map[string]any `json:"m,omitempty"`     // by what began it
}

// The kinds of record that aren't answers: somebody changed the instance.
const (
	ByHand   = "Modify"
	Migrated = "Migrate"
)

// Of is the record of an event that an instance in state s takes. Reasons of failures
// are left out: they may quote data, and nothing depends on them.
func Of(s bpmn.State, ev bpmn.Event) Record {
	r := Record{Kind: fmt.Sprintf("%T", ev)[len("bpmn."):]}
	at := func(token string) {
		if t := s.Token(token); t != nil {
			r.Element, r.Place = t.Element, place(s, t)
		}
	}
	switch ev := ev.(type) {
	case bpmn.Start:
		r.Start, r.Vars, r.Brought = ev.Element, ev.Vars, ev.Brought
	case bpmn.JobDone:
		at(ev.Token)
		r.Vars = ev.Vars
	case bpmn.JobFailed:
		at(ev.Token)
	case bpmn.BpmnError:
		at(ev.Token)
		r.Code, r.Vars = ev.Code, ev.Vars
	case bpmn.Decided:
		at(ev.Token)
		r.Value = ev.Value
	case bpmn.TaskDone:
		at(ev.Token)
		r.Vars = ev.Vars
	case bpmn.TimerFired:
		at(ev.Token)
	case bpmn.MessageReceived:
		at(ev.Token)
		r.Vars = ev.Vars
	case bpmn.SignalReceived:
		at(ev.Token)
		r.Vars = ev.Vars
	case bpmn.Activate:
		at(ev.Token)
		r.Elements, r.Vars = ev.Elements, ev.Vars
	case bpmn.Conclude:
		at(ev.Token)
	case bpmn.SetVars:
		r.Vars = ev.Vars
	case bpmn.Retry:
		at(ev.Token)
	}
	return r
}

// place tells a token from the others at its element: by the items that it and the
// scopes around it run for, then by its turn.
func place(s bpmn.State, t *bpmn.Token) string {
	path := items(s, t)
	n := 0
	for _, x := range s.Tokens {
		if x == t {
			break
		}
		if x.Element == t.Element && items(s, x) == path {
			n++
		}
	}
	if n > 0 {
		path += "#" + strconv.Itoa(n)
	}
	return path
}

func items(s bpmn.State, t *bpmn.Token) string {
	path := ""
	for range maxDepth {
		if t == nil {
			break
		}
		if t.Item > 0 {
			path = "." + strconv.Itoa(t.Item) + path
		}
		up := ""
		for _, sc := range s.Scopes {
			if sc.ID == t.Scope {
				up = sc.Token
			}
		}
		if up == "" || up == t.ID {
			break
		}
		t = s.Token(up)
	}
	return path
}

// maxDepth bounds how many scopes around a token are looked at.
const maxDepth = 100

// Options say how a log is replayed.
type Options struct {
	// Until is up to when the log tells everything; afterwards nothing is known of what people would do.
	Until time.Time
	// Onward lets timers fire after that too, if nothing else can happen.
	Onward bool
	// Known are the elements that the recorded instance has been to, by their ids in the process at hand; nil: all.
	Known map[string]bool
	// Map names the elements of the process at hand that take the answers of others.
	Map map[string]string
	// Decide makes a decision; not ok: it's taken from the log. nil: all are.
	Decide func(now time.Time, decision string, vars map[string]any) (value any, ok bool, err error)
	// Presume says what a service task would bring, as far as can be said without doing it, and
	// knows what it brought then (was). Not ok: it's taken from the log. nil: all are.
	Presume func(c bpmn.CreateJob, then map[string]any, was bool) (vars map[string]any, ok bool)
	// Job is told each service task; may be nil.
	Job      func(c bpmn.CreateJob)
	Calendar bpmn.Calendar // of timers that count in business days; nil: every day is one
	Zone     *time.Location
	Steps    int // at most; 0: 10,000
}

// Decision is a decision that was made.
type Decision struct {
	Element, Decision string
	Value             any
}

// Wait is where an instance stands.
type Wait struct {
	Element string
	For     bpmn.Wait
}

// Result is how an instance stands after a replay.
type Result struct {
	State     bpmn.State
	At        time.Time // of the last step
	Path      []string  // the elements in the order in which they were entered
	Ends      []string  // end events that were reached
	Milestone string    // element of the last one passed
	Decisions []Decision
	Waits     []Wait
	Unused    int // answers that nobody asked for
}

// Known are the elements that the instance has been to.
func (r Result) Known() map[string]bool {
	out := make(map[string]bool, len(r.Path))
	for _, id := range r.Path {
		out[id] = true
	}
	return out
}

type player struct {
	p      *bpmn.Process
	o      Options
	log    []Record
	used   []bool
	s      bpmn.State
	now    time.Time
	due    map[string]time.Time
	jobs   map[string]bpmn.CreateJob
	asks   map[string]bpmn.Decide
	sent   map[string]map[string]any // signals that the instance has sent
	signal map[string]string         // who waits for which
	steps  int
	r      Result
}

// Run replays a log, which begins with its start. The error is that it doesn't, or that
// there is no end.
func Run(p *bpmn.Process, log []Record, o Options) (Result, error) {
	if len(log) == 0 || log[0].Kind != "Start" {
		return Result{}, fmt.Errorf("the log of process %q doesn't begin with its start", p.ID)
	}
	if o.Steps == 0 {
		o.Steps = 10_000
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	pl := &player{p: p, o: o, log: log, used: make([]bool, len(log)), now: log[0].At, due: map[string]time.Time{},
		jobs: map[string]bpmn.CreateJob{}, asks: map[string]bpmn.Decide{}, sent: map[string]map[string]any{}, signal: map[string]string{}}
	pl.used[0] = true
	start := bpmn.Start{Element: log[0].Start, Vars: log[0].Vars, Brought: log[0].Brought}
	if start.Element != "" && p.Element(pl.element(start.Element)) != nil {
		start.Element = pl.element(start.Element)
	}
	if err := pl.do(start); err != nil {
		return Result{}, err
	}
	for pl.s.Status == bpmn.Running {
		if pl.steps >= o.Steps {
			return Result{}, fmt.Errorf("no end after %d steps", o.Steps)
		}
		ev, err := pl.choose()
		if err != nil {
			return Result{}, err
		}
		if ev == nil {
			break
		}
		if err := pl.do(ev); err != nil {
			return Result{}, err
		}
	}
	pl.r.State, pl.r.At = pl.s, pl.now
	for i, used := range pl.used {
		if !used && log[i].Kind != "TimerFired" {
			pl.r.Unused++
		}
	}
	if pl.s.Status == bpmn.Running {
		for _, t := range pl.s.Tokens {
			switch t.Wait {
			case bpmn.Watching, bpmn.ForScope, bpmn.ForJoin, bpmn.ForUndo:
			default:
				pl.r.Waits = append(pl.r.Waits, Wait{t.Element, t.Wait})
			}
		}
	}
	return pl.r, nil
}

// element is the element of the process at hand for one of the log.
func (pl *player) element(id string) string {
	if to, ok := pl.o.Map[id]; ok {
		return to
	}
	return id
}

func (pl *player) do(ev bpmn.Event) error {
	s, cmds, err := bpmn.Step(pl.p, pl.s, pl.now.In(pl.o.Zone), ev)
	if err != nil {
		return err
	}
	fired, _ := ev.(bpmn.TimerFired)
	from := pl.now
	if due, ok := pl.due[fired.Token]; ok {
		from = due
		delete(pl.due, fired.Token)
	}
	pl.s = s
	pl.steps++
	for _, c := range cmds {
		switch c := c.(type) {
		case bpmn.Entered:
			pl.r.Path = append(pl.r.Path, c.Element)
			if el := pl.p.Element(c.Element); el != nil && el.Kind == bpmn.EndEvent {
				pl.r.Ends = append(pl.r.Ends, c.Element)
			}
		case bpmn.CreateJob:
			pl.jobs[c.Token] = c
			if pl.o.Job != nil {
				pl.o.Job(c)
			}
		case bpmn.Decide:
			pl.asks[c.Token] = c
		case bpmn.SetTimer:
			at := pl.now
			if c.Again {
				at = from
			}
			due, err := pl.dueAt(c, at.In(pl.o.Zone))
			if err != nil {
				return err
			}
			pl.due[c.Token] = due
		case bpmn.CancelTimer:
			delete(pl.due, c.Token)
		case bpmn.AwaitSignal:
			pl.signal[c.Token] = c.Signal
		case bpmn.Broadcast:
			for _, t := range pl.s.Tokens {
				if pl.signal[t.ID] == c.Signal {
					pl.sent[t.ID] = c.Vars
				}
			}
		case bpmn.Milestone:
			pl.r.Milestone = c.Element
		}
	}
	return nil
}

func (pl *player) dueAt(c bpmn.SetTimer, from time.Time) (time.Time, error) {
	if c.Business && pl.o.Calendar != nil {
		return bpmn.BusinessDueAt(c.Kind, c.Value, from, pl.o.Calendar)
	}
	return bpmn.DueAt(c.Kind, c.Value, from)
}

// choose is what happens next, or nil.
func (pl *player) choose() (bpmn.Event, error) {
	for _, t := range pl.s.Tokens {
		ev, err := pl.anew(t)
		if ev != nil || err != nil {
			return ev, err
		}
	}
	next, token := pl.recorded()
	clock := pl.clock(next)
	if clock != nil {
		if due := pl.due[clock.ID]; due.After(pl.now) {
			pl.now = due
		}
		return bpmn.TimerFired{Token: clock.ID}, nil
	}
	if next >= 0 {
		pl.used[next] = true
		r := pl.log[next]
		if r.At.After(pl.now) {
			pl.now = r.At
		}
		switch r.Kind {
		case "Decided":
			c := pl.asks[token.ID]
			pl.r.Decisions = append(pl.r.Decisions, Decision{token.Element, c.Decision, r.Value})
		case "JobDone":
			if c, ok := pl.jobs[token.ID]; ok && pl.o.Presume != nil {
				vars, ok, err := pl.presumed(c, r.Vars, true)
				if err != nil {
					return nil, err
				}
				if ok {
					r.Vars = vars
				}
			}
		}
		return r.event(token, pl.element), nil
	}
	for _, t := range pl.s.Tokens { // signals come last: in the log they have steps of their own
		if vars, ok := pl.sent[t.ID]; ok && pl.waitsFor(t, bpmn.Signal) {
			delete(pl.sent, t.ID)
			return bpmn.SignalReceived{Token: t.ID, Vars: vars}, nil
		}
	}
	return nil, nil
}

// anew is a decision that is made, or work that is presumed.
func (pl *player) anew(t *bpmn.Token) (bpmn.Event, error) {
	switch t.Wait {
	case bpmn.ForDecision:
		c, ok := pl.asks[t.ID]
		if pl.o.Decide == nil || !ok {
			break
		}
		v, ok, err := pl.o.Decide(pl.now.In(pl.o.Zone), c.Decision, c.Vars)
		switch {
		case err != nil:
			return bpmn.JobFailed{Token: t.ID, Reason: err.Error()}, nil
		case !ok:
			return nil, nil
		}
		if v, err = plain(v); err != nil {
			return nil, err
		}
		pl.r.Decisions = append(pl.r.Decisions, Decision{c.Element, c.Decision, v})
		pl.spend("Decided", t)
		return bpmn.Decided{Token: t.ID, Value: v}, nil
	case bpmn.ForJob:
		c, ok := pl.jobs[t.ID]
		if !ok || pl.o.Presume == nil {
			break
		}
		if i := pl.find(t, func(r Record) bool { return r.Kind == "JobDone" || r.Kind == "BpmnError" }); i >= 0 {
			break // its turn comes when it came then
		}
		vars, ok, err := pl.presumed(c, nil, false)
		if err != nil || !ok {
			return nil, err
		}
		return bpmn.JobDone{Token: t.ID, Vars: vars}, nil
	}
	return nil, nil
}

// presumed is what a service task would bring.
func (pl *player) presumed(c bpmn.CreateJob, then map[string]any, was bool) (map[string]any, bool, error) {
	vars, ok := pl.o.Presume(c, then, was)
	if !ok {
		return nil, false, nil
	}
	v, err := plain(vars)
	m, _ := v.(map[string]any)
	return m, true, err
}

// spend uses up the answer of a kind that a token would have got.
func (pl *player) spend(kind string, t *bpmn.Token) {
	if i := pl.find(t, func(r Record) bool { return r.Kind == kind }); i >= 0 {
		pl.used[i] = true
	}
}

// find is the first answer left for the element of a token, the one for its place before others.
func (pl *player) find(t *bpmn.Token, ok func(Record) bool) int {
	any, at := -1, place(pl.s, t)
	for i, r := range pl.log {
		if pl.used[i] || !ok(r) || pl.element(r.Element) != t.Element {
			continue
		}
		if r.Place == at {
			return i
		}
		if any < 0 {
			any = i
		}
	}
	return any
}

// recorded is the first record that means something to the instance as it stands, with
// the token that takes it; -1: none.
func (pl *player) recorded() (int, *bpmn.Token) {
	for i, r := range pl.log {
		if pl.used[i] {
			continue
		}
		if r.Kind == "SetVars" || r.Kind == "Cancel" {
			return i, nil
		}
		id := pl.element(r.Element)
		var other *bpmn.Token
		for _, t := range pl.s.Tokens {
			if t.Element != id || !pl.takes(t, r) {
				continue
			}
			if place(pl.s, t) == r.Place {
				return i, t
			}
			if other == nil {
				other = t
			}
		}
		if other != nil {
			return i, other
		}
	}
	return -1, nil
}

// takes reports whether a record is an answer to what a token waits for.
func (pl *player) takes(t *bpmn.Token, r Record) bool {
	switch r.Kind {
	case "JobDone":
		return t.Wait == bpmn.ForJob
	case "JobFailed":
		return t.Wait == bpmn.ForJob || t.Wait == bpmn.ForDecision
	case "BpmnError":
		return t.Wait == bpmn.ForJob || t.Wait == bpmn.ForTask
	case "Decided":
		return t.Wait == bpmn.ForDecision
	case "TaskDone":
		return t.Wait == bpmn.ForTask
	case "TimerFired":
		return pl.unchanged(t, r)
	case "MessageReceived":
		return pl.waitsFor(t, bpmn.Message)
	case "SignalReceived":
		return pl.waitsFor(t, bpmn.Signal)
	case "Activate", "Conclude":
		el := pl.p.Element(t.Element)
		return t.Wait == bpmn.ForScope && el != nil && el.Kind == bpmn.AdHoc && !el.Body(t)
	case "Retry":
		return t.Wait == bpmn.ForOperator
	}
	return false
}

// unchanged reports whether a timer is due when it was in the log: then it fires when it
// did, which may be a moment later than it was due.
func (pl *player) unchanged(t *bpmn.Token, r Record) bool {
	due, ok := pl.due[t.ID]
	return ok && r.Kind == "TimerFired" && due.Sub(r.Due).Abs() < time.Millisecond
}

func (pl *player) waitsFor(t *bpmn.Token, what bpmn.Trigger) bool {
	el := pl.p.Element(t.Element)
	if el == nil {
		return false
	}
	switch t.Wait {
	case bpmn.Watching:
		return el.Trigger == what
	case bpmn.ForMessage:
		return what == bpmn.Message
	case bpmn.ForSignal:
		return what == bpmn.Signal
	}
	return false
}

// clock is the timer that is due before the next record, or nil.
func (pl *player) clock(next int) *bpmn.Token {
	var first *bpmn.Token
	asked, fresh := false, false // something waits for an answer; for one that the log can't know
	for _, t := range pl.s.Tokens {
		switch t.Wait {
		case bpmn.ForJob, bpmn.ForDecision, bpmn.ForTask, bpmn.ForMessage, bpmn.ForSignal, bpmn.ForBranch, bpmn.ForOperator, bpmn.ForChange:
			asked = true
			if pl.o.Known != nil && !pl.o.Known[t.Element] {
				fresh = true
			}
		}
	}
	for _, t := range pl.s.Tokens {
		due, ok := pl.due[t.ID]
		if !ok {
			continue
		}
		switch {
		case next >= 0:
			if !due.Before(pl.log[next].moment()) || pl.hasRecord(t) || fresh && t.Wait == bpmn.Watching {
				continue
			}
		case !due.Before(pl.o.Until):
			if !pl.o.Onward || asked || t.Wait == bpmn.Watching {
				continue // nobody knows what would have come first
			}
		case fresh && t.Wait == bpmn.Watching:
			continue
		}
		if first == nil || due.Before(pl.due[first.ID]) {
			first = t
		}
	}
	return first
}

// moment is when a record happened; a timer fires a moment after it is due.
func (r Record) moment() time.Time {
	if !r.Due.IsZero() {
		return r.Due
	}
	return r.At
}

// hasRecord reports whether a timer fires by a record.
func (pl *player) hasRecord(t *bpmn.Token) bool {
	for i, r := range pl.log {
		if !pl.used[i] && pl.element(r.Element) == t.Element && pl.unchanged(t, r) {
			return true
		}
	}
	return false
}

// event is the record as an event for a token.
func (r Record) event(t *bpmn.Token, element func(string) string) bpmn.Event {
	token := ""
	if t != nil {
		token = t.ID
	}
	switch r.Kind {
	case "JobDone":
		return bpmn.JobDone{Token: token, Vars: r.Vars}
	case "JobFailed":
		return bpmn.JobFailed{Token: token, Reason: "as recorded"}
	case "BpmnError":
		return bpmn.BpmnError{Token: token, Code: r.Code, Vars: r.Vars}
	case "Decided":
		return bpmn.Decided{Token: token, Value: r.Value}
	case "TaskDone":
		return bpmn.TaskDone{Token: token, Vars: r.Vars}
	case "TimerFired":
		return bpmn.TimerFired{Token: token}
	case "MessageReceived":
		return bpmn.MessageReceived{Token: token, Vars: r.Vars}
	case "SignalReceived":
		return bpmn.SignalReceived{Token: token, Vars: r.Vars}
	case "Activate":
		ids := make([]string, len(r.Elements))
		for i, id := range r.Elements {
			ids[i] = element(id)
		}
		return bpmn.Activate{Token: token, Elements: ids, Vars: r.Vars}
	case "Conclude":
		return bpmn.Conclude{Token: token}
	case "SetVars":
		return bpmn.SetVars{Vars: r.Vars}
	case "Retry":
		return bpmn.Retry{Token: token}
	}
	return bpmn.Cancel{}
}

// plain makes data what it is after it was stored.
func plain(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(b, &out)
}

// Difference is where two replays of one log part.
type Difference struct {
	Status bool // one is over and the other isn't, or in another way
	Ends   bool // they end, or wait, at different elements
	// Decisions whose values differ, at the elements of the second one.
	Decisions []Changed
	// After is the last element that both came to in the same order; Old and New are
	// where they went from there, "" where they didn't.
	After, Old, New string
}

// Changed is a decision with another value.
type Changed struct {
	Decision
	Old any
}

// Compare compares two replays of one log; rename gives the elements of the first one
// their ids in the second one.
func Compare(a, b Result, rename map[string]string) Difference {
	to := func(id string) string {
		if x, ok := rename[id]; ok {
			return x
		}
		return id
	}
	var d Difference
	d.Status = a.State.Status != b.State.Status
	places := func(r Result, to func(string) string) []string {
		var out []string
		for _, id := range r.Ends {
			out = append(out, "end "+to(id))
		}
		for _, w := range r.Waits {
			out = append(out, string(w.For)+" "+to(w.Element))
		}
		slices.Sort(out)
		return out
	}
	same := func(id string) string { return id }
	d.Ends = !slices.Equal(places(a, to), places(b, same))
	left := map[string][]any{}
	for _, x := range a.Decisions {
		left[to(x.Element)] = append(left[to(x.Element)], x.Value)
	}
	for _, x := range b.Decisions {
		if list := left[x.Element]; len(list) > 0 {
			left[x.Element] = list[1:]
			if !equal(list[0], x.Value) {
				d.Decisions = append(d.Decisions, Changed{x, list[0]})
			}
		}
	}
	i := 0
	for i < len(a.Path) && i < len(b.Path) && to(a.Path[i]) == b.Path[i] {
		i++
	}
	if i > 0 && (i < len(a.Path) || i < len(b.Path)) {
		d.After = b.Path[i-1]
		if i < len(a.Path) {
			d.Old = a.Path[i]
		}
		if i < len(b.Path) {
			d.New = b.Path[i]
		}
	}
	return d
}

func equal(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}
