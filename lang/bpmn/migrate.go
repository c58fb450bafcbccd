// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Migration says how instances of one version of a process become instances of another.
type Migration struct {
	// Map gives elements and flows their new ids; one that isn't here keeps its id. What
	// is inlined below an element ("call/task") follows it.
	Map map[string]string `json:"map,omitempty"`
	// Rearm begins timers anew whose definition has changed. Without it a wait that has
	// begun goes on as it was: a deadline that was told to somebody isn't moved.
	Rearm bool `json:"rearm,omitempty"`
}

func (m Migration) id(old string) string {
	for at := old; at != ""; {
		if to, ok := m.Map[at]; ok {
			return to + old[len(at):]
		}
		at = at[:max(strings.LastIndexByte(at, '/'), 0)]
	}
	return old
}

// Problem says why an instance can't be migrated.
type Problem struct {
	Rule    string `json:"rule"` // a stable word: "gone", "kind" …
	Token   string `json:"token"`
	Element string `json:"element"`      // in the old version
	To      string `json:"to,omitempty"` // in the new one
	Text    string `json:"text"`
}

// What an alteration of a migration is.
const (
	Moved        = "moved"         // a token is at another element than before
	TimerKept    = "timer-kept"    // the definition has changed, the wait goes on as it was
	TimerRearmed = "timer-rearmed" // … or begins anew
	JobChanged   = "job"           // the type of a job is another one: it is offered anew
	TaskChanged  = "task"          // the name, form, assignment or dates of a user task
	Resubscribed = "resubscribed"  // a message or signal has another name or key
	Armed        = "armed"         // an event listens that didn't exist before
	Disarmed     = "disarmed"      // an event listens no longer
	JoinFired    = "join"          // a join has all that it needs in the new version
)

// Alteration is something that a migration does to an instance.
type Alteration struct {
	What    string `json:"what"`
	Token   string `json:"token"`
	Element string `json:"element"`       // in the new version; of what is disarmed: in the old one
	Old     string `json:"old,omitempty"` // what it was: an element, a type, a name …
	New     string `json:"new,omitempty"`
}

// Outcome is what an instance becomes.
type Outcome struct {
	Before   []string     `json:"before"` // elements with tokens
	After    []string     `json:"after"`
	Problems []Problem    `json:"problems,omitempty"`
	Changes  []Alteration `json:"changes,omitempty"`
	// Moves reports that tokens have moved on: a join fired, or a condition was true.
	Moves bool `json:"moves,omitempty"`
}

// UpdateUserTask says that a user task that is there has changed; its token stays.
type UpdateUserTask struct{ CreateUserTask }

func (UpdateUserTask) command() {}

// Migrate makes an instance of one version of a process one of another. Tokens, scopes
// and variables stay what they are; a token stands at the element that its own has
// become. Everything is looked at first: with a problem nothing happens, and the
// outcome names all of them.
//
// An element has to be of the same kind, in the same sub-process, and run for each item
// or not as before (a service task may become another kind of task that is done by a
// job). Boundary events and event sub-processes listen when they are new and listen no
// longer when they are gone; one that has happened doesn't listen again. Local
// variables that input mappings made stay as they are.
func Migrate(from, to *Process, s State, now time.Time, m Migration) (State, []Command, Outcome, error) {
	if s.Status != Running {
		return s, nil, Outcome{}, ErrNoToken
	}
	if !to.Executable {
		return s, nil, Outcome{}, fmt.Errorf("bpmn: process %q isn't marked executable", to.ID)
	}
	g := &migrating{m: m, now: now,
		old: &run{p: from, s: s, now: now, moves: maxMoves},
		new: &run{p: to, s: s.clone(), now: now, moves: maxMoves},
	}
	g.out.Before = s.Active()
	g.tokens()
	if len(g.out.Problems) == 0 {
		g.waits()
	}
	if len(g.out.Problems) == 0 {
		g.listeners()
	}
	if len(g.out.Problems) > 0 {
		return s, nil, g.out, nil
	}
	r := g.new
	n := len(r.cmds)
	g.joins()
	r.settle()
	g.out.Moves = len(r.cmds) > n
	r.s.Tokens = slices.DeleteFunc(r.s.Tokens, func(t *Token) bool { return t.dead })
	g.out.After = r.s.Active()
	return r.s, r.cmds, g.out, nil
}

type migrating struct {
	m        Migration
	now      time.Time
	old, new *run
	out      Outcome
}

func (g *migrating) problem(rule string, t *Token, to, format string, args ...any) {
	old := g.old.s.Token(t.ID)
	g.out.Problems = append(g.out.Problems, Problem{Rule: rule, Token: t.ID, Element: old.Element, To: to, Text: fmt.Sprintf(format, args...)})
}

func (g *migrating) change(what string, t *Token, element, old, now string) {
	g.out.Changes = append(g.out.Changes, Alteration{What: what, Token: t.ID, Element: element, Old: old, New: now})
}

// tokens puts each token at its new element; watchers follow later.
func (g *migrating) tokens() {
	for _, t := range g.new.s.Tokens {
		if t.Wait == Watching {
			continue
		}
		el := g.old.p.byID[t.Element]
		if el == nil {
			g.problem("unknown", t, "", "the version that it runs in has no element %q", t.Element)
			continue
		}
		id := g.m.id(el.ID)
		to := g.new.p.byID[id]
		if to == nil {
			g.problem("gone", t, id, "there is no element %q: say what %q becomes, or move the token first", id, el.ID)
			continue
		}
		if rule, text := g.m.fits(el, to); rule != "" {
			g.problem(rule, t, id, "%s", text)
			continue
		}
		if t.Wait == ForDecision {
			g.problem("busy", t, id, "a decision is under way at %q", el.ID)
			continue
		}
		if t.Via != "" {
			via := g.via(el, to, t.Via)
			if via == "" && t.Wait == ForJoin && len(to.In) > 1 {
				g.problem("flow", t, id, "the flow %q over which it came to %q is gone: say what it becomes", t.Via, el.ID)
				continue
			}
			t.Via = via
		}
		if id != el.ID {
			g.change(Moved, t, id, el.ID, id)
		}
		t.Undo = g.done(t, t.Undo)
		t.Element = id
	}
	for _, sc := range g.new.s.Scopes {
		t := g.new.s.Token(sc.Token)
		if at := g.anchor(sc); at != nil {
			sc.Done = g.done(at, sc.Done)
		}
		if t == nil || g.old.p.byID[g.old.s.Token(t.ID).Element] == nil {
			continue
		}
		old := g.old.p.byID[g.old.s.Token(t.ID).Element]
		if to := g.new.p.byID[t.Element]; old.Kind == AdHoc && !old.Body(t) && to != nil {
			g.waiting(t, old, to, sc)
		}
	}
}

// anchor is a token to which a problem of a scope belongs.
func (g *migrating) anchor(sc *Scope) *Token {
	if t := g.new.s.Token(sc.Token); t != nil {
		return t
	}
	for _, t := range g.new.s.Tokens {
		if t.Scope == sc.ID && t.Wait != Watching {
			return t
		}
	}
	return nil
}

// done is what can be undone, under its new ids. What was done and could be undone must
// not become what can't.
func (g *migrating) done(t *Token, list []Done) []Done {
	var out []Done
	for _, d := range list {
		el, to := g.old.p.byID[d.Element], g.new.p.byID[g.m.id(d.Element)]
		if el == nil || to == nil || (el.compensation() == nil) != (to.compensation() == nil) || (el.compensationStart() == nil) != (to.compensationStart() == nil) {
			g.problem("compensation", t, g.m.id(d.Element), "%q was done and could be undone; in the new version it can't, or in another way", d.Element)
			continue
		}
		d.Element, d.Inner = to.ID, g.done(t, d.Inner)
		out = append(out, d)
	}
	return out
}

// waiting gives the activities that are yet to begin in an ad-hoc sub-process their new ids.
func (g *migrating) waiting(t *Token, el, to *Element, sc *Scope) {
	var items []any
	for _, x := range sc.Items {
		id, _ := x.(string)
		was := g.old.p.within(el, id)
		if was == nil || g.new.p.byID[g.m.id(was.ID)] == nil || startable(g.new.p, to, []string{g.m.id(was.ID)}) != nil {
			g.problem("gone", t, to.ID, "%q is yet to begin in %q, and can't in the new version", id, el.ID)
			return
		}
		if g.m.id(was.ID) != was.ID {
			id = g.m.id(was.ID)
		}
		items = append(items, id)
	}
	if len(items) > 0 {
		sc.Items = items
	}
}

// fits says why an element can't become another one, or nothing.
func (m Migration) fits(el, to *Element) (rule, text string) {
	byJob := func(e *Element) bool { return e.JobType != nil && e.Activity() && !e.Scope() }
	switch {
	case to.Unchecked != "":
		return "unchecked", fmt.Sprintf("%q can't be executed: %s", to.ID, to.Unchecked)
	case el.Kind != to.Kind && !(byJob(el) && byJob(to)):
		return "kind", fmt.Sprintf("%q is a %s, %q is a %s", el.ID, el.Kind, to.ID, to.Kind)
	case el.Trigger != to.Trigger:
		return "trigger", fmt.Sprintf("%q waits for another kind of event than %q (%s, %s)", to.ID, el.ID, first(string(to.Trigger), "none"), first(string(el.Trigger), "none"))
	case (el.JobType == nil) != (to.JobType == nil) || (el.Decision == nil) != (to.Decision == nil):
		return "work", fmt.Sprintf("the work of %q is done in another way than that of %q", to.ID, el.ID)
	case el.ByEvent != to.ByEvent:
		return "kind", fmt.Sprintf("one of %q and %q is an event sub-process, the other isn't", el.ID, to.ID)
	case (el.Multi == nil) != (to.Multi == nil):
		return "multi", fmt.Sprintf("one of %q and %q runs for each item of a list, the other doesn't", el.ID, to.ID)
	case (el.Loop == nil) != (to.Loop == nil):
		return "multi", fmt.Sprintf("one of %q and %q is a loop, the other isn't", el.ID, to.ID)
	case el.ForCompensation != to.ForCompensation:
		return "kind", fmt.Sprintf("one of %q and %q runs only to undo what was done, the other doesn't", el.ID, to.ID)
	case el.Scope() != to.Scope():
		return "kind", fmt.Sprintf("the process that one of %q and %q calls isn't there", el.ID, to.ID)
	case el.Multi != nil && el.Multi.Sequential != to.Multi.Sequential:
		return "multi", fmt.Sprintf("%q runs for one item after the other or for all at once, and %q the other way", el.ID, to.ID)
	}
	was, is := "", ""
	if el.Parent != nil {
		was = m.id(el.Parent.ID)
	}
	if to.Parent != nil {
		is = to.Parent.ID
	}
	if was != is {
		return "scope", fmt.Sprintf("%q is in another sub-process than %q was: move the token instead", to.ID, el.ID)
	}
	return "", ""
}

// via is the flow that a flow to el has become: as mapped, of the same id, or else the
// one that comes from the same element.
func (g *migrating) via(el, to *Element, flow string) string {
	id := g.m.id(flow)
	for _, f := range to.In {
		if f.ID == id {
			return id
		}
	}
	if old := g.old.p.flowByID[flow]; old != nil && g.m.Map[flow] == "" {
		from := g.m.id(old.From.ID)
		for _, f := range to.In {
			if f.From.ID == from {
				return f.ID
			}
		}
	}
	return ""
}

// waits changes what tokens wait for where its definition has changed.
func (g *migrating) waits() {
	for _, t := range slices.Clone(g.new.s.Tokens) {
		if t.Wait == Watching {
			continue
		}
		old := g.old.s.Token(t.ID)
		el, to := g.old.p.byID[old.Element], g.new.p.byID[t.Element]
		switch t.Wait {
		case ForJob:
			g.job(t, el, to)
		case ForTask:
			g.task(t, el, to)
		case ForTimer, ForMessage, ForSignal:
			g.wait(t, el, to)
		}
	}
}

func (g *migrating) job(t *Token, el, to *Element) {
	was, err1 := g.old.text(el.JobType, t.Scope, t.Vars)
	is, err2 := g.new.text(to.JobType, t.Scope, t.Vars)
	if err2 != nil {
		g.problem("expression", t, to.ID, "the type of the job can't be found: %s", err2)
		return
	}
	if err1 == nil && was == is {
		return
	}
	r := g.new
	r.takeBack(t)
	n := len(r.cmds)
	if r.job(t, to); t.Wait == ForOperator {
		r.cmds = r.cmds[:n]
		g.problem("expression", t, to.ID, "%s", t.Reason)
		return
	}
	g.change(JobChanged, t, to.ID, was, is)
}

// asked is the user task that an element asks for.
func asked(r *run, t *Token, el *Element) (CreateUserTask, error) {
	c := *t
	c.Wait = Moving
	p := &run{p: r.p, s: r.s, now: r.now}
	p.userTask(&c, el)
	if task, ok := p.cmds[0].(CreateUserTask); ok {
		return task, nil
	}
	return CreateUserTask{}, errors.New(c.Reason)
}

func (g *migrating) task(t *Token, el, to *Element) {
	is, err := asked(g.new, t, to)
	if err != nil {
		g.problem("expression", t, to.ID, "%s", err)
		return
	}
	was, err := asked(g.old, t, el)
	a, b := was, is
	a.Vars, b.Vars = nil, nil
	if err == nil && reflect.DeepEqual(a, b) {
		return
	}
	g.new.do(UpdateUserTask{is})
	g.change(TaskChanged, t, to.ID, strings.Join(differ(a, b), " "), "")
}

// differ names what is different about two user tasks.
func differ(a, b CreateUserTask) []string {
	var out []string
	for _, x := range []struct {
		name string
		same bool
	}{
		{"element", a.Element == b.Element}, {"name", a.Name == b.Name}, {"form", a.Form == b.Form}, {"assignee", a.Assignee == b.Assignee},
		{"groups", slices.Equal(a.Groups, b.Groups)}, {"users", slices.Equal(a.Users, b.Users)}, {"due", a.Due == b.Due},
		{"followUp", a.FollowUp == b.FollowUp}, {"priority", a.Priority == b.Priority},
		{"properties", slices.Equal(a.Properties, b.Properties)}, {"headers", slices.Equal(a.Headers, b.Headers)},
	} {
		if !x.same {
			out = append(out, x.name)
		}
	}
	return out
}

// wait changes the timer, subscription or signal of a token or watcher that stays.
func (g *migrating) wait(t *Token, el, to *Element) {
	r := g.new
	again := func(what, was, is string) {
		r.takeBack(t)
		n := len(r.cmds)
		if err := r.listen(t, to, false); err != nil {
			r.cmds = r.cmds[:n]
			g.problem("expression", t, to.ID, "%q can't listen: %s", to.ID, err)
			return
		}
		g.change(what, t, to.ID, was, is)
	}
	switch {
	case to.Trigger == Timer:
		was, is := string(el.TimerKind)+" "+source(el.TimerValue), string(to.TimerKind)+" "+source(to.TimerValue)
		switch {
		case was == is:
		case g.m.Rearm:
			again(TimerRearmed, was, is)
		default:
			g.change(TimerKept, t, to.ID, was, is)
		}
	case to.Trigger == Conditional:
	case to.Trigger == Signal:
		was, _ := g.old.text(el.SignalName, t.Scope, t.Vars)
		is, err := r.text(to.SignalName, t.Scope, t.Vars)
		if err != nil || was != is {
			again(Resubscribed, was, is)
		}
	default:
		name, _ := g.old.text(el.MessageName, t.Scope, t.Vars)
		key, _ := g.old.text(el.Key, t.Scope, t.Vars)
		newName, err1 := r.text(to.MessageName, t.Scope, t.Vars)
		newKey, err2 := r.text(to.Key, t.Scope, t.Vars)
		if err1 != nil || err2 != nil || name != newName || key != newKey {
			again(Resubscribed, name, newName) // the key may be personal data
		}
	}
}

// source is an expression as it stands in the file.
func source(x *Expr) string {
	switch {
	case x == nil:
		return ""
	case x.Static():
		return x.Src
	}
	return "=" + x.Src
}

// listeners holds the watchers of each token and scope against the new version.
func (g *migrating) listeners() {
	for _, t := range slices.Clone(g.new.s.Tokens) {
		if t.dead || t.Wait == Watching {
			continue
		}
		old := g.old.s.Token(t.ID)
		if old == nil {
			continue
		}
		el, to := g.old.p.byID[old.Element], g.new.p.byID[t.Element]
		if t.Wait == ForBranch {
			g.branches(t, el, to)
			continue
		}
		// Before a token is past entering, and while it stands for an item, nothing listens for it.
		if !to.Activity() || t.Item > 0 || t.Wait == ForUndo || t.Wait == ForOperator && t.Phase == entering {
			continue
		}
		g.reconcile(t, t.Scope, t.ID, el.Boundary, to.Boundary, true)
	}
	for _, sc := range slices.Clone(g.new.s.Scopes) {
		var el, to *Element
		if sc.ID != 0 {
			if g.new.body(sc) || g.new.s.Token(sc.Token).Wait == ForUndo {
				continue // nothing listens there
			}
			el = g.old.p.byID[g.old.s.Token(sc.Token).Element]
			to = g.new.p.byID[g.new.s.Token(sc.Token).Element]
		}
		arm := true
		for _, t := range g.old.s.Tokens {
			if t.Scope != sc.ID || t.Wait == Watching {
				continue
			}
			// An event sub-process that interrupts has taken every listener away; a retry makes them all.
			e := g.old.p.byID[t.Element]
			if st := e.eventStart(); e.ByEvent && st != nil && st.Interrupting || t.Phase == arming {
				arm = false
			}
		}
		at := g.anchor(sc)
		if at != nil {
			g.reconcile(at, sc.ID, "", g.old.p.eventStarts(el), g.new.p.eventStarts(to), arm)
		}
	}
}

// eventStarts are the start events of the event sub-processes of a scope.
func (p *Process) eventStarts(of *Element) []*Element {
	var out []*Element
	for _, e := range p.children(of) {
		if e.ByEvent {
			for _, c := range e.Children {
				if c.Kind == StartEvent {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// reconcile keeps, arms and disarms the watchers of a token (owner) or a scope; t is
// the token to which a problem belongs.
func (g *migrating) reconcile(t *Token, scope int, owner string, olds, news []*Element, arm bool) {
	r := g.new
	watching := func(el *Element) *Token {
		for _, w := range r.s.Tokens {
			old := g.old.s.Token(w.ID)
			if old != nil && !w.dead && w.Wait == Watching && w.Owner == owner && w.Scope == scope && old.Element == el.ID {
				return w
			}
		}
		return nil
	}
	became := map[*Element]*Element{}
	for _, el := range olds {
		for _, to := range news {
			if g.m.id(el.ID) == to.ID && el.Trigger == to.Trigger {
				became[to] = el
			}
		}
	}
	kept := map[*Element]bool{}
	for _, to := range news {
		if el := became[to]; el != nil {
			kept[el] = true
			if w := watching(el); w != nil {
				w.Element = to.ID
				g.wait(w, el, to)
			}
		}
	}
	for _, el := range olds {
		if w := watching(el); w != nil && !kept[el] {
			g.disarm(w, el)
		}
	}
	for _, to := range news {
		if became[to] != nil || !listens(to.Trigger) || !arm {
			continue
		}
		if to.Unchecked != "" {
			g.problem("unchecked", t, to.ID, "%q can't be executed: %s", to.ID, to.Unchecked)
			continue
		}
		g.arm(t, to, scope, owner, "")
	}
}

func (g *migrating) arm(t *Token, to *Element, scope int, owner, via string) {
	w := g.new.token(to, scope)
	w.Owner, w.Wait, w.Via = owner, Watching, via
	if err := g.new.listen(w, to, false); err != nil {
		w.dead = true
		g.problem("expression", t, to.ID, "%q can't listen: %s", to.ID, err)
		return
	}
	g.change(Armed, w, to.ID, "", to.ID)
}

func (g *migrating) disarm(w *Token, el *Element) {
	w.dead = true
	r := run{p: g.old.p} // it was armed by the old version
	c := *w
	c.Element = el.ID
	r.takeBack(&c)
	g.new.cmds = append(g.new.cmds, r.cmds...)
	g.change(Disarmed, w, el.ID, el.ID, "")
}

// branches holds the branches of an event-based gateway against the new version.
func (g *migrating) branches(t *Token, el, to *Element) {
	r := g.new
	taken := map[*Flow]bool{}
	for _, w := range slices.Clone(r.s.Tokens) {
		if w.Owner != t.ID || w.dead {
			continue
		}
		was := g.old.p.byID[w.Element]
		at := slices.IndexFunc(to.Out, func(f *Flow) bool {
			return f.To.ID == g.m.id(was.ID) && f.To.Trigger == was.Trigger && f.To.Kind == was.Kind && !taken[f]
		})
		if at < 0 {
			g.disarm(w, was)
			continue
		}
		f := to.Out[at]
		taken[f] = true
		w.Element, w.Via = f.To.ID, f.ID
		g.wait(w, was, f.To)
	}
	for _, f := range to.Out {
		if !taken[f] {
			g.arm(t, f.To, t.Scope, t.ID, f.ID)
		}
	}
}

// joins fires parallel joins that have all they need now; inclusive ones are looked at
// as after every step.
func (g *migrating) joins() {
	r := g.new
	for _, t := range slices.Clone(r.s.Tokens) {
		if t.dead || t.Wait != ForJoin {
			continue
		}
		el := r.p.byID[t.Element]
		if el.Kind != ParallelGateway {
			continue
		}
		if len(el.In) < 2 {
			r.leave(t, el)
		} else if !r.join(el, t.Scope, len(el.In)) {
			continue
		}
		g.change(JoinFired, t, el.ID, "", "")
	}
}

// Difference is what is different about an element in another version of a process.
type Difference struct {
	Element string   `json:"element"` // in the old version; "": it is new
	To      string   `json:"to"`      // in the new one; "": it is gone
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"`
	Fields  []string `json:"fields,omitempty"` // what has changed
	// Rule and Text say why a token at Element couldn't be taken over.
	Rule string `json:"rule,omitempty"`
	Text string `json:"text,omitempty"`
}

// Compare lists the elements that are different in another version: those that are
// gone or have changed, in the order of the old file, then those that are new.
func Compare(from, to *Process, m Migration) []Difference {
	var out []Difference
	image := map[string]bool{}
	for _, el := range from.Elements {
		id := m.id(el.ID)
		d := Difference{Element: el.ID, Name: first(el.Name, el.ID), Kind: el.Kind}
		n := to.byID[id]
		if n == nil {
			d.Rule, d.Text = "gone", fmt.Sprintf("there is no element %q", id)
			out = append(out, d)
			continue
		}
		image[id] = true
		d.To = id
		d.Fields = fields(el, n, m)
		if d.Rule, d.Text = m.fits(el, n); d.Rule != "" || len(d.Fields) > 0 {
			out = append(out, d)
		}
	}
	for _, el := range to.Elements {
		if !image[el.ID] {
			out = append(out, Difference{To: el.ID, Name: first(el.Name, el.ID), Kind: el.Kind})
		}
	}
	return out
}

// fields names what is different about two elements.
func fields(a, b *Element, m Migration) []string {
	var out []string
	add := func(name string, same bool) {
		if !same {
			out = append(out, name)
		}
	}
	same := func(x, y *Expr) bool { return (x == nil) == (y == nil) && source(x) == source(y) }
	mappings := func(x, y []Mapping) bool {
		return slices.EqualFunc(x, y, func(p, q Mapping) bool { return same(p.Source, q.Source) && slices.Equal(p.Target, q.Target) })
	}
	ways := func(e *Element, old bool) []string {
		var list []string
		for _, f := range e.Out {
			to := f.To.ID
			if old {
				to = m.id(to)
			}
			list = append(list, to+" "+source(f.Condition))
		}
		slices.Sort(list)
		return list
	}
	add("id", a.ID == b.ID)
	add("name", a.Name == b.Name)
	add("kind", a.Kind == b.Kind)
	add("interrupting", a.Interrupting == b.Interrupting)
	add("event", a.Trigger == b.Trigger && same(a.MessageName, b.MessageName) && same(a.Key, b.Key) && same(a.SignalName, b.SignalName) &&
		same(a.Condition, b.Condition) && a.Code == b.Code && a.LinkName == b.LinkName)
	add("timer", a.TimerKind == b.TimerKind && same(a.TimerValue, b.TimerValue))
	add("job", same(a.JobType, b.JobType) && same(a.Retries, b.Retries) && slices.Equal(a.Headers, b.Headers))
	add("decision", same(a.Decision, b.Decision) && a.ResultVar == b.ResultVar)
	add("script", same(a.Script, b.Script))
	add("form", a.Form == b.Form)
	add("assignment", same(a.Assignee, b.Assignee) && same(a.Groups, b.Groups) && same(a.Users, b.Users) && same(a.Priority, b.Priority))
	add("dates", same(a.Due, b.Due) && same(a.FollowUp, b.FollowUp))
	add("properties", slices.Equal(a.Properties, b.Properties))
	add("mappings", mappings(a.Inputs, b.Inputs) && mappings(a.Outputs, b.Outputs))
	add("ways", slices.Equal(ways(a, true), ways(b, false)))
	if a.Multi != nil && b.Multi != nil {
		add("items", same(a.Multi.Collection, b.Multi.Collection) && a.Multi.Item == b.Multi.Item && a.Multi.Result == b.Multi.Result &&
			same(a.Multi.Output, b.Multi.Output) && same(a.Multi.Until, b.Multi.Until) && a.Multi.Sequential == b.Multi.Sequential)
	} else {
		add("items", a.Multi == b.Multi)
	}
	if a.Loop != nil && b.Loop != nil {
		add("loop", a.Loop.Before == b.Loop.Before && a.Loop.Max == b.Loop.Max && same(a.Loop.While, b.Loop.While))
	} else {
		add("loop", a.Loop == b.Loop)
	}
	if a.Call != nil && b.Call != nil {
		add("call", *a.Call == *b.Call)
	}
	if a.AdHoc != nil && b.AdHoc != nil {
		add("ad-hoc", a.AdHoc.Sequential == b.AdHoc.Sequential && a.AdHoc.CancelRest == b.AdHoc.CancelRest && a.AdHoc.Result == b.AdHoc.Result &&
			same(a.AdHoc.Begin, b.AdHoc.Begin) && same(a.AdHoc.Until, b.AdHoc.Until) && same(a.AdHoc.Output, b.AdHoc.Output))
	}
	return out
}
