// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/lang/bpmn"
	"mercator/lang/bpmn/replay"
)

// The time machine: a version of a process or its decisions that is not in force yet is
// run over the recorded cases of the last weeks, and says whose outcome would be another.
// Nothing is stored and nothing is done: no letter, no payment, no task. What a case got as
// answers stands in its history and is forgotten after a time, whatever becomes of the case.

// replayResource is what a grant for a replay names. It shows outcomes of cases, so it
// is a right of its own.
const replayResource = "replay"

// Bounds of a replay.
const (
	replayPage    = 50
	MaxReplayed   = 100_000 // cases
	maxReplayList = 200     // cases that are listed
	maxReplayed   = 100     // groups
	maxHistory    = 10_000  // steps of one case
	// fewCases: who may not read cases sees what a decision comes out as only if so many
	// share it. A draft can have a decision give back what somebody has applied with.
	fewCases = 5
	unseen   = "…"
)

// ReplayPlan says which version is run over which cases.
type ReplayPlan struct {
	Service      string
	Since, Until time.Time     // when the cases began
	Max          int           // how many cases at most, the last begun first; 0: 2,000
	Limit        time.Duration // how long it may take; 0: as long as it takes

	To        *bpmn.Definitions
	ToProcess string // "": the only executable process
	// Called finds the file of a process that call activities name; nil: those of the same file.
	Called func(process string) *bpmn.Definitions
	// Map names the elements of the new version that take the answers of others.
	Map map[string]string
	// Decide makes a decision of the new version; not ok: it has none of that id.
	Decide func(now time.Time, decision string, vars map[string]any) (value any, ok bool, err error)
}

// Outcome is how a case ended, or where it stands.
type Outcome struct {
	Status  bpmn.Status `json:"status"`
	Outcome string      `json:"outcome,omitempty"` // what a task made it
	Ends    []string    `json:"ends,omitempty"`    // end events that were reached
	Waits   []string    `json:"waits,omitempty"`   // elements where it waits
	Stuck   []string    `json:"stuck,omitempty"`   // … where it can't go on without an operator
}

// Same reports whether nobody would see a difference between two outcomes.
func (o Outcome) Same(x Outcome) bool {
	if o.Status != x.Status || o.Outcome != x.Outcome {
		return false
	}
	if o.Status == bpmn.Running {
		return slices.Equal(o.Waits, x.Waits) && slices.Equal(o.Stuck, x.Stuck)
	}
	return o.Outcome != "" || slices.Equal(o.Ends, x.Ends)
}

// Parting is where two runs of a case part.
type Parting struct {
	After string `json:"after,omitempty"` // the last element of both
	Old   string `json:"old,omitempty"`   // where they went from there; "": nowhere
	New   string `json:"new,omitempty"`
}

// ChangedDecision is a decision that came out differently.
type ChangedDecision struct {
	Element  string `json:"element"`
	Decision string `json:"decision"`
	Old      string `json:"old"` // as JSON, cut where it is long
	New      string `json:"new"`
}

// ReplayedCase is a case whose outcome or decisions would be others.
type ReplayedCase struct {
	Ref       `json:"-"`
	File      string            `json:"case"` // the file number
	Old       Outcome           `json:"old"`
	New       Outcome           `json:"new"`
	Parting   Parting           `json:"parting,omitzero"`
	Decisions []ChangedDecision `json:"decisions,omitempty"`
}

// ReplayGroup are cases whose outcome changes in the same way.
type ReplayGroup struct {
	Old     Outcome `json:"old"`
	New     Outcome `json:"new"`
	Parting Parting `json:"parting,omitzero"`
	N       int     `json:"n"`
}

// DecisionGroup is a decision that comes out differently in the same way.
type DecisionGroup struct {
	ChangedDecision
	N int `json:"n"`
}

// Replay is what a replay has found.
type Replay struct {
	Service string    `json:"service"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Cases   int       `json:"cases"` // that were looked at
	Same    int       `json:"same"`  // whose outcome and decisions stay
	Changed int       `json:"changed"`
	Waiting int       `json:"waiting"` // of them: would wait for what nobody was asked
	Stuck   int       `json:"stuck"`   // of them: couldn't go on without an operator
	Decided int       `json:"decided"` // the outcome stays, but a decision comes out differently
	// Cases that can't be compared: nothing was recorded (or it is forgotten again),
	// somebody changed them by hand or migrated them, or their own version doesn't bring
	// them to where they stand.
	Unrecorded int  `json:"unrecorded"`
	ByHand     int  `json:"by_hand"`
	Unlike     int  `json:"unlike"`
	More       bool `json:"more"` // there are more cases than were looked at
	// Unseen: what decisions come out as is left out where it could tell of a person.
	Unseen bool `json:"unseen,omitempty"`

	Groups    []ReplayGroup   `json:"groups"`
	Decisions []DecisionGroup `json:"decisions"`
	List      []ReplayedCase  `json:"list"` // the first of those that change

	Process *bpmn.Process `json:"-"` // the new one, where the ids of elements are found
}

// Replay runs a version over recorded cases. The grant says whose: with an office, those
// of that office. Staff without one see no case, so they see what a decision comes out as
// only where it tells of nobody.
func (e *Engine) Replay(ctx context.Context, g access.Grant, p ReplayPlan) (Replay, error) {
	r, err := e.runReplay(ctx, g, p)
	if g.Actor().Kind != access.System && g.Request().Office == "" {
		r.leaveOut()
	}
	return r, err
}

func (e *Engine) runReplay(ctx context.Context, g access.Grant, p ReplayPlan) (Replay, error) {
	const op = "process.replay"
	if err := g.Must(access.Read, replayResource); err != nil {
		return Replay{}, err
	}
	if g.Request().Service != p.Service || p.Service == "" {
		return Replay{}, fault.Internalf(op, "the grant is for the service %q, not for %q", g.Request().Service, p.Service)
	}
	if p.To == nil {
		return Replay{}, fault.New(fault.Invalid, op, "process.noTarget")
	}
	proc, ok := p.To.Process(p.ToProcess)
	if !ok || !proc.Executable {
		return Replay{}, fault.New(fault.Invalid, op, "process.noTarget")
	}
	proc, err := MigrationPlan{To: p.To, Called: p.Called}.link(op, proc)
	if err != nil {
		return Replay{}, err
	}
	for from, to := range p.Map {
		if proc.Element(to) == nil {
			return Replay{}, fault.New(fault.Invalid, op, "process.mapTarget", "from", short(from), "to", short(to))
		}
	}
	if p.Max <= 0 {
		p.Max = 2000
	}
	if p.Max = min(p.Max, MaxReplayed); p.Until.IsZero() {
		p.Until = e.now()
	}
	r := Replay{Service: p.Service, Since: p.Since, Until: p.Until, Process: proc}
	began := time.Now()
	models, err := store.All(ctx, e.db, func(s store.Scanner) (Model, error) {
		var m Model
		var at int64
		err := s.Scan(&m.Hash, &at)
		m.Last = store.Time(at)
		return m, err
	}, modelsOf, p.Service)
	if err != nil {
		return r, fault.Wrap(op, err)
	}
	slices.SortFunc(models, func(a, b Model) int { return b.Last.Compare(a.Last) })
	for _, m := range models {
		if m.Last.Before(p.Since) {
			break
		}
		at, id := store.Micros(p.Until), "~"
		for {
			page, err := store.All(ctx, e.db, scanBegun, begunIn, p.Service, m.Hash, store.Micros(p.Since), at, id, g.Request().Office, replayPage)
			if err != nil {
				return r, fault.Wrap(op, err)
			}
			for _, c := range page {
				if r.Cases == p.Max || p.Limit > 0 && time.Since(began) > p.Limit {
					r.More = true
					return r, nil
				}
				if err := e.replay(ctx, &r, p, proc, c.row); err != nil {
					return r, fault.Wrap(op, err)
				}
				at, id = c.at, c.InstanceID
			}
			if len(page) < replayPage {
				break
			}
		}
	}
	return r, nil
}

type begun struct {
	row
	at int64
}

func scanBegun(s store.Scanner) (begun, error) {
	var b begun
	var err error
	b.row, err = scanRow(scanWith{s, &b.at})
	return b, err
}

// scanWith scans one more column behind those of a row.
type scanWith struct {
	store.Scanner
	last any
}

func (s scanWith) Scan(dest ...any) error { return s.Scanner.Scan(append(dest, s.last)...) }

// recorded is what was recorded of a case, and whether nobody changed it by hand. Nothing
// recorded is an empty log.
func (e *Engine) recorded(ctx context.Context, instance string) (log []replay.Record, byHand bool, err error) {
	type line struct {
		at     int64
		event  string
		record string
	}
	lines, err := store.All(ctx, e.db, func(s store.Scanner) (line, error) {
		var l line
		var trace string
		return l, s.Scan(&l.at, &l.event, &trace, &l.record)
	}, recordOf, instance)
	if err != nil || len(lines) > maxHistory {
		return nil, false, err
	}
	for _, l := range lines {
		if l.record == "" {
			return nil, false, nil
		}
		var list []replay.Record
		if err := json.Unmarshal([]byte(l.record), &list); err != nil {
			return nil, false, err
		}
		for i := range list {
			list[i].At = store.Time(l.at)
			byHand = byHand || list[i].Kind == replay.ByHand || list[i].Kind == replay.Migrated
		}
		log = append(log, list...)
	}
	return log, byHand, nil
}

// replay runs one case in its own version and in the new one, and notes what differs.
func (e *Engine) replay(ctx context.Context, out *Replay, p ReplayPlan, to *bpmn.Process, r row) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	out.Cases++
	log, byHand, err := e.recorded(ctx, r.InstanceID)
	switch {
	case err != nil:
		return err
	case byHand:
		out.ByHand++
		return nil
	case len(log) == 0:
		out.Unrecorded++
		return nil
	}
	_, own, err := e.process(ctx, e.db, &r)
	if err != nil {
		return err
	}
	until := log[len(log)-1].At
	if r.state.Status == bpmn.Running {
		// Timers that are late have not fired, and are no answer of anybody.
		if now := e.now().Add(-time.Minute); now.After(until) {
			until = now
		}
	}
	work := func(c bpmn.CreateJob) Work {
		return Work{Ref: r.Ref, Token: c.Token, Element: c.Element, Type: c.Type, Headers: pairs(c.Headers), Vars: c.Vars, mapped: c.Mapped}
	}
	var oldOutcome, newOutcome string
	said := func(outcome *string) func(bpmn.CreateJob) {
		return func(c bpmn.CreateJob) {
			if h := e.handlers[c.Type]; h.Outcome != nil {
				if o := h.Outcome(work(c)); o != "" {
					*outcome = o
				}
			}
		}
	}
	o := replay.Options{Until: until, Calendar: e.calendar, Zone: e.zone}
	o.Job = said(&oldOutcome)
	old, err := replay.Run(own, log, o)
	if err != nil || !sameState(old.State, r.state) {
		out.Unlike++
		return nil
	}
	known := map[string]bool{}
	for id := range old.Known() {
		if to, ok := p.Map[id]; ok {
			id = to
		}
		known[id] = true
	}
	o.Job, o.Known, o.Map, o.Decide = said(&newOutcome), known, p.Map, p.Decide
	o.Onward = r.state.Status != bpmn.Running
	o.Presume = func(c bpmn.CreateJob, then map[string]any, was bool) (map[string]any, bool) {
		h := e.handlers[c.Type]
		if h.Presume == nil {
			return nil, false
		}
		return h.Presume(work(c), then, was)
	}
	now, err := replay.Run(to, log, o)
	if err != nil { // it goes on and on: an operator would have to look at it
		now = replay.Result{State: bpmn.State{Status: bpmn.Running}, Waits: []replay.Wait{{Element: "", For: bpmn.ForOperator}}}
	}
	c := ReplayedCase{Ref: r.Ref, File: r.CaseRef, Old: outcome(old, oldOutcome, p.Map), New: outcome(now, newOutcome, nil)}
	d := replay.Compare(old, now, p.Map)
	for _, x := range d.Decisions {
		c.Decisions = append(c.Decisions, ChangedDecision{x.Element, x.Decision.Decision, cut(x.Old), cut(x.Value)})
	}
	c.Parting = Parting{d.After, d.Old, d.New}
	switch same := c.Old.Same(c.New); {
	case same && len(c.Decisions) == 0:
		out.Same++
		return nil
	case same:
		out.Decided++
	default:
		out.Changed++
		if len(c.New.Stuck) > 0 {
			out.Stuck++
		} else if c.New.Status == bpmn.Running && c.Old.Status != bpmn.Running {
			out.Waiting++
		}
		out.group(c)
	}
	for _, x := range c.Decisions {
		out.decided(x)
	}
	if len(out.List) < maxReplayList {
		out.List = append(out.List, c)
	}
	return nil
}

// sameState reports whether two states are the same once they are stored, but for the
// reasons of incidents, which aren't recorded.
func sameState(a, b bpmn.State) bool {
	plain := func(s bpmn.State) ([]byte, error) {
		s.Tokens = slices.Clone(s.Tokens)
		for i, t := range s.Tokens {
			c := *t
			c.Reason = ""
			s.Tokens[i] = &c
		}
		return json.Marshal(s)
	}
	x, err1 := plain(a)
	y, err2 := plain(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func outcome(r replay.Result, said string, rename map[string]string) Outcome {
	o := Outcome{Status: r.State.Status, Outcome: said}
	to := func(id string) string {
		if x, ok := rename[id]; ok {
			return x
		}
		return id
	}
	if o.Status == bpmn.Running {
		for _, w := range r.Waits {
			if w.For == bpmn.ForOperator {
				o.Stuck = append(o.Stuck, to(w.Element))
			} else {
				o.Waits = append(o.Waits, to(w.Element))
			}
		}
	}
	for _, id := range r.Ends {
		o.Ends = append(o.Ends, to(id))
	}
	for _, list := range []*[]string{&o.Waits, &o.Stuck, &o.Ends} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return o
}

// cut is a value as a short text.
func cut(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if r := []rune(string(b)); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return string(b)
}

func (r *Replay) group(c ReplayedCase) {
	for i, g := range r.Groups {
		if g.Parting == c.Parting && g.Old.equal(c.Old) && g.New.equal(c.New) {
			r.Groups[i].N++
			return
		}
	}
	if len(r.Groups) < maxReplayed {
		r.Groups = append(r.Groups, ReplayGroup{c.Old, c.New, c.Parting, 1})
	}
}

func (o Outcome) equal(x Outcome) bool {
	return o.Status == x.Status && o.Outcome == x.Outcome && slices.Equal(o.Ends, x.Ends) && slices.Equal(o.Waits, x.Waits) && slices.Equal(o.Stuck, x.Stuck)
}

func (r *Replay) decided(c ChangedDecision) {
	for i, g := range r.Decisions {
		if g.ChangedDecision == c {
			r.Decisions[i].N++
			return
		}
	}
	if len(r.Decisions) < maxReplayed {
		r.Decisions = append(r.Decisions, DecisionGroup{c, 1})
	}
}

// leaveOut takes out what decisions come out as where few cases share it, and of each case.
func (r *Replay) leaveOut() {
	all := r.Decisions
	r.Decisions = nil
	for _, d := range all {
		if d.N < fewCases {
			d.Old, d.New, r.Unseen = unseen, unseen, true
		}
		if i := slices.IndexFunc(r.Decisions, func(o DecisionGroup) bool { return o.ChangedDecision == d.ChangedDecision }); i >= 0 {
			r.Decisions[i].N += d.N
		} else {
			r.Decisions = append(r.Decisions, d)
		}
	}
	for i := range r.List {
		for j := range r.List[i].Decisions {
			d := &r.List[i].Decisions[j]
			d.Old, d.New, r.Unseen = unseen, unseen, true
		}
	}
}

// Name is an element of the new process as people know it.
func (r Replay) Name(id string) string {
	if r.Process != nil {
		if el := r.Process.Element(id); el != nil && strings.TrimSpace(el.Name) != "" {
			return el.Name
		}
	}
	return id
}

// forgetBatch is how many steps are looked at in one transaction.
const forgetBatch = 1000

type forgetArgs struct {
	Place string `json:"place,omitempty"` // the last step that was looked at
}

// planForget plans the job that forgets records, if it doesn't wait already.
func (e *Engine) planForget(ctx context.Context, tx *store.Tx) error {
	e.mu.Lock()
	planned := e.forgets
	e.mu.Unlock()
	if planned || e.recordFor < 0 {
		return nil
	}
	_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: forgetKind, Key: forgetKind, RunAt: e.now().Add(24 * time.Hour), Args: forgetArgs{}})
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		e.mu.Lock()
		e.forgets = true
		e.mu.Unlock()
	})
	return nil
}

// forget takes the answers out of the history of steps that are old enough, a batch in
// each transaction, and comes again: at once while there are more, else the next day.
func (e *Engine) forget(ctx context.Context, j *job.Job) error {
	var a forgetArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		last, err := store.One(ctx, tx, func(s store.Scanner) (string, error) {
			var id string
			return id, s.Scan(&id)
		}, oldestKept, a.Place, ident.Before(e.now().Add(-e.recordFor)), forgetBatch)
		if err != nil {
			return err
		}
		at := e.now().Add(24 * time.Hour)
		if last != "" {
			if _, err := tx.Exec(ctx, forgetRecords, a.Place, last); err != nil {
				return err
			}
			a.Place, at = last, e.now()
		}
		_, err = e.jobs.Enqueue(ctx, tx, job.New{Kind: forgetKind, Key: forgetKind, RunAt: at, Args: a})
		return err
	})
}
