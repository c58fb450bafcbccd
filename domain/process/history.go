// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// Bounds of a page of the history.
const (
	maxTraced  = 10_000  // steps that are read for it
	tracePiece = 500     // … at once
	maxMoved   = 100_000 // more than a step enters
)

// StayState is what became of a token at an element.
type StayState string

// The states of a stay.
const (
	StayRunning   StayState = "running"
	StayIncident  StayState = "incident" // it can't go on without an operator
	StayDone      StayState = "done"
	StayCancelled StayState = "cancelled"
	// StayLater ended so many steps later that nobody looked for it.
	StayLater StayState = "later"
)

// Stay is the time of a token at an element: how long it took, who ended it.
type Stay struct {
	Place   string // in the list; the next page begins after it
	Token   string
	Element string // "call/inner" in a called process
	Name    string // of the element; its id if it has none
	Within  string // the sub-process or call around it, or ""
	Began   time.Time
	Ended   time.Time // zero: it hasn't, or later
	State   StayState
	// Incidents is how many there were.
	Incidents int
	// By is who ended it, or has the task that runs; "": nobody yet. ByName is the name of a
	// clerk or a program.
	By     access.Kind
	ByName string
}

// Took is how long it took, until now while it runs.
func (s Stay) Took(now time.Time) time.Duration {
	switch {
	case !s.Ended.IsZero():
		return s.Ended.Sub(s.Began)
	case s.State == StayLater:
		return 0
	}
	return max(now.Sub(s.Began), 0)
}

// History is a page of what an instance did, in the order in which it began.
type History struct {
	Ref
	At    time.Time // when it was read
	Stays []Stay
	Next  string // the place of the last of them, if there are more
}

// named is the name of who brings a step about, as far as it is kept: those who work for
// the city and programs, never a resident.
func named(a access.Actor) string {
	if a.Kind == access.Clerk || a.Kind == access.Machine {
		return a.Name
	}
	return ""
}

// History shows an operator what an instance did; after is the place of the last stay
// of the page before.
func (e *Engine) History(ctx context.Context, g access.Grant, instance, after string, n int) (History, error) {
	const op = "process.history"
	if err := g.Must(access.Read, resource); err != nil {
		return History{}, err
	}
	r, err := store.One(ctx, e.db, scanRow, readInstance, instance)
	if err != nil {
		return History{}, fault.Wrap(op, err)
	}
	if err := ofGrant(op, g, r.Ref); err != nil {
		return History{}, err
	}
	h, err := e.stays(ctx, r, after, n)
	return h, fault.Wrap(op, err)
}

// CaseHistory shows the process of a case to a clerk of its office, who reads the case.
func (e *Engine) CaseHistory(ctx context.Context, g access.Grant, caseID, after string, n int) (History, error) {
	const op = "process.caseHistory"
	if err := g.Must(access.Read, "case"); err != nil {
		return History{}, err
	}
	a := g.Actor()
	if a.Kind != access.Clerk || a.Office == "" || g.Request().Case != caseID {
		return History{}, fault.New(fault.Denied, op, "")
	}
	r, err := store.One(ctx, e.db, scanRow, instanceOfOffice, caseID, a.Office)
	if err != nil {
		return History{}, fault.Wrap(op, err)
	}
	h, err := e.stays(ctx, r, after, n)
	return h, fault.Wrap(op, err)
}

// place is where a stay begins: a step and which of the elements entered in it.
func place(step string, n int) string { return step + "." + strconv.Itoa(n) }

func readPlace(op, s string) (step string, n int, err error) {
	if s == "" {
		return "", -1, nil
	}
	step, number, _ := strings.Cut(s, ".")
	n, err = strconv.Atoi(number)
	if err != nil || n < 0 || !ident.Valid(step) {
		return "", 0, fault.New(fault.Invalid, op, "process.badPlace")
	}
	return step, n, nil
}

// stays pairs what was entered with what was left. Tokens pair them: a token is at one
// element at a time, so parallel ways, items of a list and called processes don't mix.
func (e *Engine) stays(ctx context.Context, r row, after string, n int) (History, error) {
	h := History{Ref: r.Ref, At: e.now()}
	n = min(max(n, 1), maxPage)
	from, skip, err := readPlace("process.history", after)
	if err != nil {
		return h, err
	}
	_, proc, err := e.process(ctx, e.db, &r)
	if err != nil {
		return h, err
	}
	p := pairing{proc: proc, n: n, after: after, skip: skip, open: map[string]int{}}
	steps, all := 0, false
	for steps < maxTraced && !p.full() {
		list, err := store.All(ctx, e.db, scanHappened, historyFrom, r.InstanceID, from, tracePiece)
		if err != nil {
			return h, err
		}
		for _, s := range list {
			p.step(s)
		}
		steps += len(list)
		if len(list) < tracePiece {
			all = true
			break
		}
		from = list[len(list)-1].id + "~" // what comes after it: no id is the beginning of another
	}
	h.Stays = p.stays
	switch {
	case p.more:
		h.Next = p.stays[len(p.stays)-1].Place
	case !all: // so many steps in which nothing began
		h.Next = place(strings.TrimSuffix(from, "~"), maxMoved)
	}
	for i := range h.Stays {
		if err := e.complete(ctx, &r, &h.Stays[i], p.kinds[i], all); err != nil {
			return h, err
		}
	}
	return h, nil
}

// complete adds what isn't in the history itself.
func (e *Engine) complete(ctx context.Context, r *row, s *Stay, kind bpmn.Kind, all bool) error {
	if s.State == StayRunning {
		switch t := r.state.Token(s.Token); {
		case t != nil && t.Wait == bpmn.ForOperator:
			s.State = StayIncident
		case t != nil && r.state.Status == bpmn.Running || s.Token == "" && slices.Contains(r.state.Active(), s.Element):
		case all: // what went without a trace, written before there was one
			s.State = StayDone
		default:
			s.State = StayLater
		}
	}
	until := int64(math.MaxInt64)
	if !s.Ended.IsZero() {
		until = store.Micros(s.Ended)
	}
	if err := e.db.QueryRow(ctx, incidentsAt, r.InstanceID, s.Token, s.Element, store.Micros(s.Began), until).Scan(&s.Incidents); err != nil {
		return err
	}
	if kind != bpmn.UserTask || s.ByName != "" || s.State == StayCancelled {
		return nil
	}
	var name string
	var err error
	if s.Ended.IsZero() { // who has it
		err = e.db.QueryRow(ctx, clerkOfTask, r.InstanceID, s.Token).Scan(&name)
	} else { // written before names were kept with the step
		err = e.db.QueryRow(ctx, clerkOfDone, r.CaseID, r.InstanceID, s.Token, s.Element, until).Scan(&name)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if name != "" {
		s.ByName = name
		if s.By == "" {
			s.By = access.Clerk
		}
	}
	return nil
}

// happened is a step with who brought it about.
type happened struct {
	id    string
	at    int64
	event string
	kind  access.Kind
	name  string
	trace []Trace
}

func scanHappened(s store.Scanner) (happened, error) {
	var t happened
	var trace string
	if err := s.Scan(&t.id, &t.at, &t.event, &t.kind, &t.name, &trace); err != nil {
		return t, err
	}
	return t, json.Unmarshal([]byte(trace), &t.trace)
}

type pairing struct {
	proc  *bpmn.Process
	n     int
	after string // the place of the last stay of the page before
	skip  int    // … and its number in its step
	stays []Stay
	kinds []bpmn.Kind
	open  map[string]int // by token
	more  bool
}

// full reports whether the page is full and everything on it has ended.
func (p *pairing) full() bool { return p.more && len(p.open) == 0 }

func (p *pairing) step(s happened) {
	number, brought := -1, false
	for _, x := range s.trace {
		key := x.Token
		if key == "" { // written before tokens were
			key = "-" + x.Element
		}
		if x.What != "in" {
			// The first is what the event was for: the item of a list, not the list that ends with it.
			by := brings(s.event, p.proc.Element(x.Element), x.What == "x") && (!brought || x.What == "x")
			brought = brought || by && x.What != "x"
			i, ok := p.open[key]
			if !ok {
				continue
			}
			delete(p.open, key)
			st := &p.stays[i]
			st.Ended, st.State = store.Time(s.at), StayDone
			if x.What == "x" {
				st.State = StayCancelled
			}
			st.By = access.System
			if by {
				st.By, st.ByName = s.kind, s.name
			}
			continue
		}
		number++
		here := place(s.id, number)
		if strings.HasPrefix(p.after, s.id+".") && number <= p.skip {
			continue
		}
		if i, ok := p.open[key]; ok && p.stays[i].Element == x.Element {
			continue // tried again where it stood
		}
		if len(p.stays) == p.n {
			p.more = true
			continue
		}
		st := Stay{Place: here, Token: x.Token, Element: x.Element, Name: x.Element, Began: store.Time(s.at), State: StayRunning}
		kind := bpmn.Kind("")
		if el := p.proc.Element(x.Element); el != nil {
			kind = el.Kind
			if el.Name != "" {
				st.Name = el.Name
			}
			if el.Parent != nil {
				if st.Within = el.Parent.Name; st.Within == "" {
					st.Within = el.Parent.ID
				}
			}
		}
		p.open[key] = len(p.stays)
		p.stays, p.kinds = append(p.stays, st), append(p.kinds, kind)
	}
}

// brings reports whether it may have been the actor of a step who ended a stay, and not the
// process itself, which went on from there: the task that was done, the message that came.
func brings(event string, el *bpmn.Element, cancelled bool) bool {
	if cancelled {
		return event == "Cancel" || event == "Modify" || event == "Conclude"
	}
	if el == nil {
		return false
	}
	switch event {
	case "Start":
		return el.Kind == bpmn.StartEvent && el.Parent == nil
	case "MessageReceived":
		return el.Kind == bpmn.ReceiveTask || el.Trigger == bpmn.Message && el.Kind != bpmn.ThrowEvent && el.Kind != bpmn.EndEvent
	case "TaskDone":
		return el.Kind == bpmn.UserTask
	case "JobDone":
		return el.JobType != nil
	case "Conclude":
		return el.Kind == bpmn.AdHoc
	}
	return false
}
