// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"errors"
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

// A migration takes running instances over into another version of their process.
// It is rehearsed first: every instance is looked at, nothing is changed, and the
// report says what each would become. Then it is run, instance by instance, each in a
// transaction of its own; one that has a problem stays what it is. An undo puts back
// those that have not moved since. All three go on in the background, in batches.

// MigrationState is how far a migration is.
type MigrationState string

// The states of a migration.
const (
	Rehearsing MigrationState = "rehearsing"
	Rehearsed  MigrationState = "rehearsed"
	Migrating  MigrationState = "running"
	Migrated   MigrationState = "done"
	Undoing    MigrationState = "undoing"
	Undone     MigrationState = "undone"
)

// MigrationPlan says which instances become what.
type MigrationPlan struct {
	Service string
	// Which of its instances; "" is any.
	Version, Model, Process string
	To                      *bpmn.Definitions // nil once it is stored
	ToVersion, ToProcess    string            // ToProcess "": the only executable process
	// Called finds the file of a process that call activities name; nil: those of the same file.
	Called func(process string) *bpmn.Definitions
	bpmn.Migration
	Reason string
}

// Migration is a plan and what became of it.
type Migration struct {
	ID string
	MigrationPlan
	ToModel string
	State   MigrationState
	Seen    int // in the rehearsal
	// Done, Problems and Undone count instances: in the rehearsal those that can't be
	// taken over, afterwards those that were and weren't.
	Done, Problems, Undone int
	Report                 Report
	By, RunBy              string
	Created, Changed       time.Time

	place, calls       string
	actorKind, actorID string // who planned it; the kind is that of who ran it last
}

// Report is what a rehearsal has found.
type Report struct {
	Groups []Group `json:"groups"`
	More   int     `json:"more,omitempty"` // instances in groups beyond the bound
}

// Group are instances that would become the same in the same way.
type Group struct {
	Version  string         `json:"version"`
	Model    string         `json:"model"`
	N        int            `json:"n"`
	Before   []string       `json:"before"`
	After    []string       `json:"after,omitempty"`
	Problems []bpmn.Problem `json:"problems,omitempty"` // of the first of them
	Changes  []Count        `json:"changes,omitempty"`
	Moves    bool           `json:"moves,omitempty"` // tokens would move on at once: that can't be undone
	Samples  []string       `json:"samples"`         // ids of some instances
}

// Count is how often something would be done.
type Count struct {
	What    string `json:"what"` // bpmn.Armed …
	Element string `json:"element"`
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	N       int    `json:"n"`
}

// MigratedInstance is what became of one instance.
type MigratedInstance struct {
	Instance string
	State    string // "migrated", "problem", "undone" or "kept" (it has moved since, or moved at once)
	Problems []bpmn.Problem

	before   undo
	revision int64
}

// VersionRunning are instances of a service that run in a version.
type VersionRunning struct {
	Version string `json:"version"`
	Model   string `json:"model"`
	Process string `json:"process"`
	N       int    `json:"n"`

	calls string
}

// Bounds of a migration and its report.
const (
	batch       = 100
	maxGroups   = 100
	maxSamples  = 5
	maxCounts   = 50
	maxMap      = 1000
	versionsMax = 10_000
)

const migrateKind = "process.migrate"

type migrateArgs struct {
	Migration string         `json:"migration"`
	State     MigrationState `json:"state"`
}

// VersionsRunning lists the versions that the instances of a service run in. It counts
// the first 10,000 instances, so that it costs the same however many there are.
func (e *Engine) VersionsRunning(ctx context.Context, g access.Grant, service string) ([]VersionRunning, error) {
	if err := g.Must(access.Read, resource); err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, func(s store.Scanner) (VersionRunning, error) {
		var v VersionRunning
		return v, s.Scan(&v.Version, &v.Model, &v.Process, &v.calls, &v.N)
	}, versionsRunning, service, versionsMax)
	return out, fault.Wrap("process.versionsRunning", err)
}

// Compare says what is different between a version that instances run in and the one
// that a plan leads to.
func (e *Engine) Compare(ctx context.Context, g access.Grant, from VersionRunning, p MigrationPlan) ([]bpmn.Difference, error) {
	const op = "process.compare"
	if err := g.Must(access.Read, resource); err != nil {
		return nil, err
	}
	_, a, err := e.process(ctx, e.db, &row{model: from.Model, process: from.Process, calls: from.calls})
	if err != nil {
		return nil, err
	}
	b, ok := p.To.Process(p.ToProcess)
	if !ok {
		return nil, fault.New(fault.Invalid, op, "process.noTarget")
	}
	if b, err = p.link(op, b); err != nil {
		return nil, err
	}
	return bpmn.Compare(a, b, p.Migration), nil
}

// link is the process that a plan leads to, with what it calls.
func (p MigrationPlan) link(op string, proc *bpmn.Process) (*bpmn.Process, error) {
	called := p.Called
	if called == nil {
		called = func(string) *bpmn.Definitions { return p.To }
	}
	linked, err := link(proc, called)
	if err != nil {
		return nil, fault.Because(fault.Invalid, op, "process.noTarget", err)
	}
	return linked, nil
}

// check says what is wrong with a plan.
func (p *MigrationPlan) check(op string) error {
	if err := checkReason(op, p.Reason); err != nil {
		return err
	}
	if p.Service == "" || p.To == nil || p.ToVersion == "" {
		return fault.New(fault.Invalid, op, "process.noTarget")
	}
	proc, ok := p.To.Process(p.ToProcess)
	if !ok || !proc.Executable {
		return fault.New(fault.Invalid, op, "process.noTarget")
	}
	p.ToProcess = proc.ID
	if len(p.Map) > maxMap {
		return fault.New(fault.Invalid, op, "process.longMap", "n", maxMap)
	}
	linked, err := p.link(op, proc)
	if err != nil {
		return err
	}
	flows := map[string]bool{}
	for _, f := range linked.Flows {
		flows[f.ID] = true
	}
	for from, to := range p.Map {
		if len(from) > 500 || linked.Element(to) == nil && !flows[to] {
			return fault.New(fault.Invalid, op, "process.mapTarget", "from", short(from), "to", short(to))
		}
	}
	return nil
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// Rehearse looks at every instance that a plan is about and reports what each would
// become. The first batch is looked at before it returns, the others in the background.
func (e *Engine) Rehearse(ctx context.Context, g access.Grant, p MigrationPlan) (Migration, error) {
	const op = "process.rehearse"
	if err := g.Must(access.Change, resource); err != nil {
		return Migration{}, err
	}
	if err := p.check(op); err != nil {
		return Migration{}, err
	}
	plan, err := json.Marshal(p.Migration)
	if err != nil {
		return Migration{}, fault.Wrap(op, err)
	}
	id, a := ident.New(), g.Actor()
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		now := store.Micros(e.now())
		if err := e.keepModel(ctx, tx, p.To); err != nil {
			return err
		}
		proc, _ := p.To.Process(p.ToProcess)
		_, calls, err := e.pin(ctx, tx, p.To, proc, p.Called)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertMigration, id, p.Service, p.Version, p.Model, p.Process, p.ToVersion, p.To.Hash, p.ToProcess, string(plan),
			strings.TrimSpace(p.Reason), "{}", string(a.Kind), a.ID, a.Name, now, calls); err != nil {
			return err
		}
		return e.planMigration(ctx, tx, id, Rehearsing)
	})
	if err != nil {
		return Migration{}, fault.Wrap(op, err)
	}
	if err := e.goOn(ctx, id, Rehearsing); err != nil {
		return Migration{}, fault.Wrap(op, err)
	}
	return e.migration(ctx, op, id)
}

func (e *Engine) planMigration(ctx context.Context, tx *store.Tx, id string, state MigrationState) error {
	_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: migrateKind, Key: migrateKind + "/" + id + "/" + string(state), Args: migrateArgs{id, state}})
	return err
}

// RunMigration runs a migration that was rehearsed to its end.
func (e *Engine) RunMigration(ctx context.Context, g access.Grant, id string) error {
	return e.turn(ctx, "process.runMigration", g, id, Rehearsed, Migrating)
}

// UndoMigration puts the instances back that have not moved since the migration.
func (e *Engine) UndoMigration(ctx context.Context, g access.Grant, id string) error {
	return e.turn(ctx, "process.undoMigration", g, id, Migrated, Undoing)
}

// StopMigration ends a migration that is being run where it stands; what was taken
// over stays so, and can be undone.
func (e *Engine) StopMigration(ctx context.Context, g access.Grant, id string) error {
	return e.turn(ctx, "process.stopMigration", g, id, Migrating, Migrated)
}

// turn takes a migration from one state to the next.
func (e *Engine) turn(ctx context.Context, op string, g access.Grant, id string, from, to MigrationState) error {
	if err := g.Must(access.Change, resource); err != nil {
		return err
	}
	return fault.Wrap(op, e.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, turnMigration, id, string(from), string(to), store.Micros(e.now()), g.Actor().ID, string(g.Actor().Kind))
		if err != nil {
			return err
		}
		if n == 0 {
			if _, err := store.One(ctx, tx, scanMigration, readMigration, id); err != nil {
				return err
			}
			return fault.New(fault.Conflict, op, "process.notNow")
		}
		if to == Migrated {
			return nil
		}
		return e.planMigration(ctx, tx, id, to)
	}))
}

// MigrationOf reads a migration.
func (e *Engine) MigrationOf(ctx context.Context, g access.Grant, id string) (Migration, error) {
	if err := g.Must(access.Read, resource); err != nil {
		return Migration{}, err
	}
	return e.migration(ctx, "process.migrationOf", id)
}

func (e *Engine) migration(ctx context.Context, op, id string) (Migration, error) {
	m, err := store.One(ctx, e.db, scanMigration, readMigration, id)
	if err != nil {
		return m, fault.Wrap(op, err)
	}
	m.To, err = e.model(ctx, e.db, m.ToModel)
	return m, err
}

// Migrations lists migrations, the newest first; before is the id of the last one of the page before.
func (e *Engine) Migrations(ctx context.Context, g access.Grant, before string, n int) ([]Migration, error) {
	if err := g.Must(access.Read, resource); err != nil {
		return nil, err
	}
	if before == "" {
		before = "~"
	}
	out, err := store.All(ctx, e.db, scanMigration, listMigrations, before, min(max(n, 1), maxPage))
	return out, fault.Wrap("process.migrations", err)
}

// MigratedInstances lists what became of the instances of a migration, those in one
// state; after is the id of the last one of the page before.
func (e *Engine) MigratedInstances(ctx context.Context, g access.Grant, id, state, after string, n int) ([]MigratedInstance, error) {
	if err := g.Must(access.Read, resource); err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, scanMigrated, listMigrated, id, state, after, min(max(n, 1), maxPage))
	return out, fault.Wrap("process.migratedInstances", err)
}

// migrateOn is the job that does one batch of a migration and plans the next.
func (e *Engine) migrateOn(ctx context.Context, j *job.Job) error {
	var a migrateArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	if err := e.goOn(ctx, a.Migration, a.State); err != nil {
		return ignoreNoRow(err)
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		m, err := store.One(ctx, tx, scanMigration, readMigration, a.Migration)
		if err != nil || m.State != a.State {
			return ignoreNoRow(err)
		}
		return e.planMigration(ctx, tx, a.Migration, a.State)
	})
}

// goOn does one batch of a migration in a state.
func (e *Engine) goOn(ctx context.Context, id string, state MigrationState) error {
	m, err := e.migration(ctx, "process.goOn", id)
	if err != nil || m.State != state {
		return err
	}
	switch state {
	case Rehearsing:
		return e.rehearseBatch(ctx, m)
	case Migrating:
		return e.migrateBatch(ctx, m)
	case Undoing:
		return e.undoBatch(ctx, m)
	}
	return nil
}

// next are the instances that a migration comes to next.
func (e *Engine) next(ctx context.Context, m Migration) ([]row, error) {
	return store.All(ctx, e.db, scanRow, toMigrate, m.Service, m.place, m.Version, m.Model, m.Process, m.ToModel, m.ToProcess, m.ToVersion, m.calls, batch)
}

func (e *Engine) rehearseBatch(ctx context.Context, m Migration) error {
	rows, err := e.next(ctx, m)
	if err != nil {
		return err
	}
	at, seen, problems := m.place, m.Seen, m.Problems
	for _, r := range rows {
		_, _, out, err := e.become(ctx, e.db, r, m)
		if err != nil {
			return err
		}
		seen++
		if len(out.Problems) > 0 {
			problems++
		}
		m.Report.add(r, out)
		at = r.InstanceID
	}
	state := Rehearsing
	if len(rows) < batch {
		state = Rehearsed
	}
	b, err := json.Marshal(m.Report)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, rehearseOn, m.ID, m.place, at, seen, problems, string(b), string(state), store.Micros(e.now()))
		return err
	})
}

// target is an instance of the version that a migration leads to.
func (m Migration) target() *row {
	return &row{Ref: Ref{Version: m.ToVersion}, model: m.ToModel, process: m.ToProcess, calls: m.calls}
}

// become is what an instance would become.
func (e *Engine) become(ctx context.Context, q store.Q, r row, m Migration) (bpmn.State, []bpmn.Command, bpmn.Outcome, error) {
	_, from, err := e.process(ctx, q, &r)
	if err != nil {
		return bpmn.State{}, nil, bpmn.Outcome{}, err
	}
	_, to, err := e.process(ctx, q, m.target())
	if err != nil {
		return bpmn.State{}, nil, bpmn.Outcome{}, err
	}
	state, cmds, out, err := bpmn.Migrate(from, to, r.state, e.now().In(e.zone), m.Migration)
	return state, cmds, out, err
}

// add counts an instance in the group that it belongs to.
func (rep *Report) add(r row, out bpmn.Outcome) {
	same := func(g Group) bool {
		return g.Version == r.Version && g.Model == r.model && g.Moves == out.Moves && slices.Equal(g.Before, out.Before) && slices.Equal(g.After, out.After) &&
			slices.EqualFunc(g.Problems, out.Problems, func(a, b bpmn.Problem) bool { return a.Rule == b.Rule && a.Element == b.Element && a.To == b.To })
	}
	at := slices.IndexFunc(rep.Groups, same)
	if at < 0 {
		if len(rep.Groups) >= maxGroups {
			rep.More++
			return
		}
		at = len(rep.Groups)
		rep.Groups = append(rep.Groups, Group{Version: r.Version, Model: r.model, Before: out.Before, After: out.After, Problems: out.Problems, Moves: out.Moves})
	}
	g := &rep.Groups[at]
	g.N++
	if len(g.Samples) < maxSamples {
		g.Samples = append(g.Samples, r.InstanceID)
	}
	for _, c := range out.Changes {
		i := slices.IndexFunc(g.Changes, func(x Count) bool {
			return x.What == c.What && x.Element == c.Element && x.Old == c.Old && x.New == c.New
		})
		switch {
		case i >= 0:
			g.Changes[i].N++
		case len(g.Changes) < maxCounts:
			g.Changes = append(g.Changes, Count{c.What, c.Element, c.Old, c.New, 1})
		}
	}
}

func (e *Engine) migrateBatch(ctx context.Context, m Migration) error {
	rows, err := e.next(ctx, m)
	if err != nil {
		return err
	}
	at := m.place
	for _, r := range rows {
		_, _, out, err := e.become(ctx, e.db, r, m)
		if err != nil {
			return err
		}
		err = e.db.Write(ctx, func(tx *store.Tx) error {
			if len(out.Problems) > 0 { // it isn't even touched
				return e.count(ctx, tx, m, r, "problem", out.Problems, undo{})
			}
			return e.migrateOne(ctx, tx, m, r.InstanceID)
		})
		if err != nil && ctx.Err() == nil {
			// A handler that began at once has failed: the instance stays what it is.
			err = e.db.Write(ctx, func(tx *store.Tx) error {
				return e.count(ctx, tx, m, r, "problem", []bpmn.Problem{{Rule: "failed", Text: err.Error()}}, undo{})
			})
		}
		if errors.Is(err, errStopped) {
			return nil
		}
		if err != nil {
			return err
		}
		at = r.InstanceID
	}
	state := Migrating
	if len(rows) < batch {
		state = Migrated
	}
	return e.proceed(ctx, m, at, state)
}

// errStopped says that a migration goes on no longer.
var errStopped = errors.New("the migration was stopped")

func (e *Engine) proceed(ctx context.Context, m Migration, at string, state MigrationState) error {
	return e.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, migrateOn, m.ID, m.place, at, string(state), store.Micros(e.now()), string(m.State))
		return err
	})
}

// count stores what became of an instance.
func (e *Engine) count(ctx context.Context, tx *store.Tx, m Migration, r row, state string, problems []bpmn.Problem, u undo) error {
	reason, err := json.Marshal(problems)
	if err != nil {
		return err
	}
	before, err := json.Marshal(u)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, insertMigrated, m.ID, r.InstanceID, state, string(reason), string(before), r.revision, store.Micros(e.now()))
	if err != nil || n == 0 {
		return err
	}
	done, bad := 1, 0
	if state == "problem" {
		done, bad = 0, 1
	}
	if n, err = tx.Exec(ctx, countMigrated, m.ID, done, bad, 0, string(m.State)); err == nil && n == 0 {
		return errStopped
	}
	return err
}

// migrateOne takes one instance over, or says why not.
func (e *Engine) migrateOne(ctx context.Context, tx *store.Tx, m Migration, instance string) error {
	r, err := store.One(ctx, tx, scanRow, e.text(lockSQLite, lockPostgres), instance)
	if err != nil {
		return err
	}
	if r.status != bpmn.Running || r.model == m.ToModel && r.process == m.ToProcess && r.Version == m.ToVersion && r.calls == m.calls {
		return nil // it has ended, or was taken over, since it was listed
	}
	state, cmds, out, err := e.become(ctx, tx, r, m)
	if err != nil {
		return err
	}
	if len(out.Problems) > 0 {
		return e.count(ctx, tx, m, r, "problem", out.Problems, undo{})
	}
	_, from, err := e.process(ctx, tx, &r)
	if err != nil {
		return err
	}
	_, proc, err := e.process(ctx, tx, m.target())
	if err != nil {
		return err
	}
	u, err := e.remember(ctx, tx, r, from, cmds)
	if err != nil {
		return err
	}
	u.Final = out.Moves
	s := &stepping{e: e, tx: tx, row: &r, proc: proc, actor: m.operator()}
	r.state, r.model, r.process, r.Version, r.calls = state, m.ToModel, m.ToProcess, m.ToVersion, m.calls
	if _, err := tx.Exec(ctx, retarget, r.InstanceID, r.model, r.process, r.Version, r.calls); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, retargetTasks, r.InstanceID, r.Version); err != nil {
		return err
	}
	if err := s.takeOver(ctx, cmds, "Migrate"); err != nil {
		return err
	}
	u.Final = u.Final || s.went
	return e.count(ctx, tx, m, r, "migrated", nil, u)
}

// operator is who runs or undoes it.
func (m Migration) operator() access.Actor {
	return access.Actor{Kind: access.Kind(m.actorKind), ID: m.RunBy}
}

// takeOver carries out what a migration or its undo asks for, and stores the instance.
func (s *stepping) takeOver(ctx context.Context, cmds []bpmn.Command, event string) error {
	ctx = context.WithValue(ctx, underKey(s.row.InstanceID), s)
	now := s.e.now().In(s.e.zone)
	s.record = append(s.record, replay.Record{Kind: replay.Migrated})
	for _, c := range cmds {
		if err := s.carryOut(ctx, c, now); err != nil {
			return err
		}
	}
	s.went = len(s.queue) > 0
	if err := s.drain(ctx, false); err != nil {
		return err
	}
	if err := s.save(ctx, event); err != nil {
		return err
	}
	return s.incidents(ctx)
}

// updateTask changes a task that is there. Who has claimed it keeps it, and a due date
// counts from when the task came up.
func (s *stepping) updateTask(ctx context.Context, c bpmn.UpdateUserTask) error {
	t, err := store.One(ctx, s.tx, scanTask, openTask, s.row.InstanceID, c.Token)
	if err != nil {
		return ignoreNoRow(err)
	}
	t.Name, t.Form, t.Element, t.Properties, t.Priority = c.Name, c.Form, c.Element, pairs(c.Properties), c.Priority
	t.Due = s.e.instant(c.Due, t.Created.In(s.e.zone), c.Business)
	t.Office, t.Roles = s.placed(c.Groups)
	if t.Assignee == "" {
		t.Assignee, t.AssigneeName = c.Assignee, c.Assignee
	}
	return s.storeTask(ctx, t)
}

// storeTask writes a task that has changed, and where its office finds it.
func (s *stepping) storeTask(ctx context.Context, t UserTask) error {
	roles, err := json.Marshal(t.Roles)
	if err != nil {
		return err
	}
	properties, err := json.Marshal(t.Properties)
	if err != nil {
		return err
	}
	if _, err := s.tx.Exec(ctx, changeTask, t.ID, t.Office, t.Element, t.Name, t.Form, string(roles), string(properties), t.Assignee, t.AssigneeName,
		t.Priority, dueMicros(t.Due)); err != nil {
		return err
	}
	if _, err := s.tx.Exec(ctx, deleteWords, t.ID); err != nil {
		return err
	}
	return s.words(ctx, t)
}

// undo is what puts an instance back as it was. It holds no variables: as long as the
// instance hasn't moved, they are the ones that it has.
type undo struct {
	Model, Process, Version string
	Calls                   string `json:",omitempty"`
	State                   bpmn.State
	Waiting                 map[int][]any        `json:",omitempty"` // by scope: what is yet to begin in an ad-hoc sub-process
	Timers                  map[string]time.Time `json:",omitempty"` // by token, when due
	Messages                []keptMessage        `json:",omitempty"`
	Signals                 map[string]string    `json:",omitempty"`
	Tasks                   []UserTask           `json:",omitempty"`
	Jobs                    []string             `json:",omitempty"`
	// What the migration has asked for, by token: it is taken back.
	Made  []madeWait `json:",omitempty"`
	Final bool       `json:",omitempty"` // tokens have moved on at once: there is no way back
}

type keptMessage struct {
	Token, Name, Key string
	At               int64
}

type madeWait struct {
	Token string
	What  string // "timer", "message", "signal", "job"
}

// bare is a state without what lives in it.
func bare(s bpmn.State) bpmn.State {
	out := s
	out.Tokens, out.Scopes = nil, nil
	for _, t := range s.Tokens {
		c := *t
		c.Vars, c.Undo = nil, bareDone(t.Undo)
		out.Tokens = append(out.Tokens, &c)
	}
	for _, sc := range s.Scopes {
		c := *sc
		c.Vars, c.Items, c.Result, c.Done = nil, nil, nil, bareDone(sc.Done)
		out.Scopes = append(out.Scopes, &c)
	}
	return out
}

func bareDone(list []bpmn.Done) []bpmn.Done {
	var out []bpmn.Done
	for _, d := range list {
		d.Vars, d.Inner = nil, bareDone(d.Inner)
		out = append(out, d)
	}
	return out
}

var errGone = errors.New("something of the instance is gone")

// fillDone is the reverse of bareDone.
func fillDone(list, from []bpmn.Done) error {
	if len(list) != len(from) {
		return errGone
	}
	for i := range list {
		list[i].Vars = from[i].Vars
		if err := fillDone(list[i].Inner, from[i].Inner); err != nil {
			return err
		}
	}
	return nil
}

// filled is a bare state with what lives in another one.
func (u undo) filled(from bpmn.State) (bpmn.State, error) {
	s := u.State
	scopes := map[int]*bpmn.Scope{}
	for _, sc := range from.Scopes {
		scopes[sc.ID] = sc
	}
	for _, sc := range s.Scopes {
		src := scopes[sc.ID]
		if src == nil {
			return s, errGone
		}
		sc.Vars, sc.Items, sc.Result = src.Vars, src.Items, src.Result
		if list, ok := u.Waiting[sc.ID]; ok {
			sc.Items = list
		}
		if err := fillDone(sc.Done, src.Done); err != nil {
			return s, err
		}
	}
	for _, t := range s.Tokens {
		src := from.Token(t.ID)
		if src == nil {
			if t.Wait != bpmn.Watching {
				return s, errGone
			}
			continue
		}
		t.Vars = src.Vars
		if err := fillDone(t.Undo, src.Undo); err != nil {
			return s, err
		}
	}
	// A token that the migration made has used up its number.
	s.Seq = max(s.Seq, from.Seq)
	return s, nil
}

// remember keeps what the commands of a migration are about to change.
func (e *Engine) remember(ctx context.Context, tx *store.Tx, r row, from *bpmn.Process, cmds []bpmn.Command) (undo, error) {
	u := undo{Model: r.model, Process: r.process, Version: r.Version, Calls: r.calls, State: bare(r.state)}
	for _, sc := range r.state.Scopes {
		if t := r.state.Token(sc.Token); t != nil && len(sc.Items) > 0 && from.Element(t.Element).Kind == bpmn.AdHoc && !from.Element(t.Element).Body(t) {
			if u.Waiting == nil {
				u.Waiting = map[int][]any{}
			}
			u.Waiting[sc.ID] = sc.Items
		}
	}
	for _, c := range cmds {
		switch c := c.(type) {
		case bpmn.CancelTimer:
			args, ok, err := e.jobs.Waiting(ctx, tx, jobKey(timerKind, r.InstanceID, c.Token))
			if err != nil {
				return u, err
			}
			if !ok {
				continue
			}
			var a tokenArgs
			if err := json.Unmarshal(args, &a); err != nil {
				return u, err
			}
			if u.Timers == nil {
				u.Timers = map[string]time.Time{}
			}
			u.Timers[c.Token] = a.Due
		case bpmn.Unsubscribe:
			k := keptMessage{Token: c.Token}
			if err := tx.QueryRow(ctx, readSubscription, r.InstanceID, c.Token).Scan(&k.Name, &k.Key, &k.At); err != nil {
				if ignoreNoRow(err) == nil {
					continue
				}
				return u, err
			}
			u.Messages = append(u.Messages, k)
		case bpmn.ForgetSignal:
			var name string
			if err := tx.QueryRow(ctx, readSignal, r.InstanceID, c.Token).Scan(&name); err != nil {
				if ignoreNoRow(err) == nil {
					continue
				}
				return u, err
			}
			if u.Signals == nil {
				u.Signals = map[string]string{}
			}
			u.Signals[c.Token] = name
		case bpmn.UpdateUserTask:
			t, err := store.One(ctx, tx, scanTask, openTask, r.InstanceID, c.Token)
			if err != nil {
				if ignoreNoRow(err) == nil {
					continue
				}
				return u, err
			}
			t.CaseRef, t.Label = "", "" // the row has them
			u.Tasks = append(u.Tasks, t)
		case bpmn.CancelJob:
			u.Jobs = append(u.Jobs, c.Token)
		case bpmn.SetTimer:
			u.Made = append(u.Made, madeWait{c.Token, "timer"})
		case bpmn.Subscribe:
			u.Made = append(u.Made, madeWait{c.Token, "message"})
		case bpmn.AwaitSignal:
			u.Made = append(u.Made, madeWait{c.Token, "signal"})
		case bpmn.CreateJob:
			u.Made = append(u.Made, madeWait{c.Token, "job"})
		}
	}
	return u, nil
}

func (e *Engine) undoBatch(ctx context.Context, m Migration) error {
	list, err := store.All(ctx, e.db, scanMigrated, listMigrated, m.ID, "migrated", m.place, batch)
	if err != nil {
		return err
	}
	at := m.place
	for _, x := range list {
		if err := e.db.Write(ctx, func(tx *store.Tx) error { return e.undoOne(ctx, tx, m, x.Instance) }); err != nil {
			return err
		}
		at = x.Instance
	}
	state := Undoing
	if len(list) < batch {
		state = Undone
	}
	return e.proceed(ctx, m, at, state)
}

// undoOne puts one instance back, or says why not.
func (e *Engine) undoOne(ctx context.Context, tx *store.Tx, m Migration, instance string) error {
	now := store.Micros(e.now())
	r, err := store.One(ctx, tx, scanRow, e.text(lockSQLite, lockPostgres), instance)
	if err != nil {
		return err
	}
	// Read behind the lock: two that undo at once don't do it twice.
	x, err := store.One(ctx, tx, scanMigrated, readMigrated, m.ID, instance)
	if err != nil || x.State != "migrated" {
		return err
	}
	keep := func(rule, text string) error {
		b, err := json.Marshal([]bpmn.Problem{{Rule: rule, Text: text}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, markMigrated, m.ID, instance, "kept", string(b), now)
		return err
	}
	u := x.before
	if u.Final {
		return keep("went-on", "the process went on at once when it was taken over")
	}
	if r.revision != x.revision+1 || r.model != m.ToModel || r.status != bpmn.Running {
		return keep("moved", "the process has gone on since")
	}
	state, err := u.filled(r.state)
	if err != nil {
		return keep("moved", err.Error())
	}
	r.state, r.model, r.process, r.Version, r.calls = state, u.Model, u.Process, u.Version, u.Calls
	_, proc, err := e.process(ctx, tx, &r)
	if err != nil {
		return err
	}
	s := &stepping{e: e, tx: tx, row: &r, proc: proc, actor: m.operator()}
	if _, err := tx.Exec(ctx, retarget, r.InstanceID, r.model, r.process, r.Version, r.calls); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, retargetTasks, r.InstanceID, r.Version); err != nil {
		return err
	}
	var cmds []bpmn.Command
	for _, w := range u.Made {
		switch w.What {
		case "timer":
			cmds = append(cmds, bpmn.CancelTimer{Token: w.Token})
		case "message":
			cmds = append(cmds, bpmn.Unsubscribe{Token: w.Token})
		case "signal":
			cmds = append(cmds, bpmn.ForgetSignal{Token: w.Token})
		case "job":
			cmds = append(cmds, bpmn.CancelJob{Token: w.Token})
		}
	}
	for _, c := range cmds {
		if err := s.carryOut(ctx, c, e.now()); err != nil {
			return err
		}
	}
	if err := s.restore(ctx, u); err != nil {
		return err
	}
	if err := s.takeOver(ctx, nil, "UndoMigration"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, markMigrated, m.ID, instance, "undone", "[]", now); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, countMigrated, m.ID, 0, 0, 1, string(m.State))
	return err
}

// restore puts back what an instance was waiting for.
func (s *stepping) restore(ctx context.Context, u undo) error {
	e, tx, id := s.e, s.tx, s.row.InstanceID
	for _, t := range u.State.Tokens { // in the order of the tokens, not of a map
		if due, ok := u.Timers[t.ID]; ok {
			if _, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: timerKind, Key: jobKey(timerKind, id, t.ID), RunAt: due, Args: tokenArgs{Instance: id, Token: t.ID, Due: due}}); err != nil {
				return err
			}
		}
		if name, ok := u.Signals[t.ID]; ok {
			if _, err := tx.Exec(ctx, insertSignal, id, t.ID, name); err != nil {
				return err
			}
		}
	}
	for _, k := range u.Messages {
		if _, err := tx.Exec(ctx, turn, k.Name, k.Key); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertSubscription, id, k.Token, k.Name, k.Key, k.At); err != nil {
			return err
		}
	}
	for _, old := range u.Tasks {
		t, err := store.One(ctx, tx, scanTask, openTask, id, old.Token)
		if err != nil {
			return err
		}
		// Who took the task since then has it still.
		if old.Assignee == "" && t.Assignee != "" && t.Assignee == t.AssigneeName {
			t.Assignee, t.AssigneeName = "", ""
		}
		t.Office, t.Element, t.Name, t.Form, t.Roles, t.Properties, t.Priority, t.Due = old.Office, old.Element, old.Name, old.Form, old.Roles, old.Properties, old.Priority, old.Due
		if err := s.storeTask(ctx, t); err != nil {
			return err
		}
	}
	for _, token := range u.Jobs {
		c, err := bpmn.JobOf(s.proc, s.row.state, e.now().In(e.zone), token)
		if err != nil {
			return err
		}
		if err := s.job(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func scanMigration(s store.Scanner) (Migration, error) {
	var m Migration
	var plan, report string
	var created, changed int64
	if err := s.Scan(&m.ID, &m.Service, &m.Version, &m.Model, &m.Process, &m.ToVersion, &m.ToModel, &m.ToProcess, &plan, &m.Reason, &m.State, &m.place,
		&m.Seen, &m.Done, &m.Problems, &m.Undone, &report, &m.actorKind, &m.actorID, &m.By, &m.RunBy, &created, &changed, &m.calls); err != nil {
		return m, err
	}
	m.Created, m.Changed = store.Time(created), store.Time(changed)
	return m, errors.Join(json.Unmarshal([]byte(plan), &m.Migration), json.Unmarshal([]byte(report), &m.Report))
}

func scanMigrated(s store.Scanner) (MigratedInstance, error) {
	var x MigratedInstance
	var reason, before string
	if err := s.Scan(&x.Instance, &x.State, &reason, &before, &x.revision); err != nil {
		return x, err
	}
	return x, errors.Join(json.Unmarshal([]byte(reason), &x.Problems), json.Unmarshal([]byte(before), &x.before))
}
