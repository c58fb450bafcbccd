// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// instant is a due date: an instant, a day, or a duration from now; not readable: none.
func (e *Engine) instant(s string, now time.Time, business bool) time.Time {
	kind := bpmn.Date
	if strings.HasPrefix(s, "P") {
		kind = bpmn.Duration
	}
	t, err := e.dueAt(kind, s, now, business)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// task puts a user task on the worklist of its office: the office among its candidate
// groups ("office:32"), else the one that is responsible for the case. Groups such as
// "role:head" say who of the office may take it.
func (s *stepping) task(ctx context.Context, c bpmn.CreateUserTask, now time.Time) error {
	t := UserTask{ID: ident.New(), Ref: s.row.Ref, Token: c.Token, Element: c.Element, Name: c.Name, Form: c.Form,
		Properties: pairs(c.Properties), Assignee: c.Assignee, AssigneeName: c.Assignee, State: Open, Priority: c.Priority,
		Due: s.e.instant(c.Due, now, c.Business), Created: now.UTC(), Revision: 1}
	t.Office, t.Roles = s.placed(c.Groups)
	roles, err := json.Marshal(t.Roles)
	if err != nil {
		return err
	}
	properties, err := json.Marshal(t.Properties)
	if err != nil {
		return err
	}
	if _, err := s.tx.Exec(ctx, insertTask, t.ID, t.InstanceID, t.Token, t.CaseID, t.CaseRef, t.Label, t.Service, t.Version, t.Office, t.Element,
		t.Name, t.Form, string(roles), string(properties), t.Assignee, t.AssigneeName, t.Priority, dueMicros(t.Due), store.Micros(now)); err != nil {
		return err
	}
	if err := s.words(ctx, t); err != nil {
		return err
	}
	if s.e.hooks.TaskMade != nil {
		return s.e.hooks.TaskMade(ctx, s.tx, t.Ref, t)
	}
	return nil
}

// placed says which office and which roles in it the candidate groups mean.
func (s *stepping) placed(groups []string) (office string, roles []string) {
	office = s.row.Office
	for _, g := range groups {
		kind, name, ok := strings.Cut(g, ":")
		switch {
		case ok && kind == "office":
			office = name
		case ok && kind == "role":
			roles = append(roles, name)
		}
	}
	return office, roles
}

// words writes the words by which a task is found.
func (s *stepping) words(ctx context.Context, t UserTask) error {
	for _, w := range words(t.CaseRef+" "+t.Label, 12) {
		if _, err := s.tx.Exec(ctx, insertWord, t.Office, w, t.ID); err != nil {
			return err
		}
	}
	return nil
}

// words are the words of a text as they are searched: small letters without accents,
// umlauts written out, at most n of them.
func words(text string, n int) []string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch r {
		case 'ä':
			b.WriteString("ae")
		case 'ö':
			b.WriteString("oe")
		case 'ü':
			b.WriteString("ue")
		case 'ß':
			b.WriteString("ss")
		case 'ı':
			b.WriteString("i")
		default:
			b.WriteRune(r)
		}
	}
	folded := strings.FieldsFunc(norm.NFD.String(b.String()), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)
	})
	var out []string
	for _, w := range folded {
		w = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, w)
		if w != "" && len(w) <= 64 && !slices.Contains(out, w) && len(out) < n {
			out = append(out, w)
		}
	}
	return out
}

// clerk is the actor of a grant for tasks: only a person or a machine that works for an office has a worklist.
func clerk(op string, g access.Grant, actions ...string) (access.Actor, error) {
	if g.Zero() || g.Request().Resource != "task" || !slices.Contains(actions, g.Request().Action) {
		return access.Actor{}, fault.Internalf(op, "needs a grant for tasks to %v", actions)
	}
	a := g.Actor()
	if a.Kind != access.Clerk && a.Kind != access.Machine || a.Office == "" {
		return access.Actor{}, fault.New(fault.Denied, op, "")
	}
	return a, nil
}

const maxPage = 100

// Worklist lists the tasks of the actor's office, those that are due first before the others.
func (e *Engine) Worklist(ctx context.Context, g access.Grant, f Filter, after After, n int) ([]UserTask, error) {
	const op = "process.worklist"
	a, err := clerk(op, g, access.List)
	if err != nil {
		return nil, err
	}
	n = min(max(n, 1), maxPage)
	if f.Done {
		at := int64(math.MaxInt64)
		if after.ID != "" {
			at = store.Micros(after.At)
		}
		who := ""
		if f.Mine {
			who = a.ID
		}
		out, err := store.All(ctx, e.db, scanTask, listDone, a.Office, at, after.ID, n, f.Service, who)
		return out, fault.Wrap(op, err)
	}
	from := int64(-1)
	if after.ID != "" {
		from = dueMicros(after.At)
	}
	until := int64(math.MaxInt64)
	if f.Overdue {
		until = store.Micros(e.now())
	}
	var out []UserTask
	search := words(f.Search, 2)
	switch {
	case f.Search != "" && len(search) == 0:
	case len(search) > 0:
		second, secondEnd := "", ""
		if len(search) > 1 {
			second, secondEnd = search[1], search[1]+"\U0010ffff"
		}
		who := ""
		if f.Free {
			who = "free"
		}
		if f.Mine {
			who = a.ID
		}
		out, err = store.All(ctx, e.db, scanTask, searchOpen, a.Office, from, after.ID, until, n,
			search[0], search[0]+"\U0010ffff", second, secondEnd, f.Service, who)
	case f.Mine:
		out, err = store.All(ctx, e.db, scanTask, listMine, a.Office, from, after.ID, until, n, a.ID, f.Service)
	case f.Free && f.Service != "":
		out, err = store.All(ctx, e.db, scanTask, listFreeService, a.Office, from, after.ID, until, n, f.Service)
	case f.Free:
		out, err = store.All(ctx, e.db, scanTask, listFree, a.Office, from, after.ID, until, n)
	case f.Service != "":
		out, err = store.All(ctx, e.db, scanTask, listOpenService, a.Office, from, after.ID, until, n, f.Service)
	default:
		out, err = store.All(ctx, e.db, scanTask, listOpen, a.Office, from, after.ID, until, n)
	}
	return out, fault.Wrap(op, err)
}

// Counts are the numbers of the worklist. They stop counting behind CountLimit, so
// that they cost the same however much there is to do.
func (e *Engine) Counts(ctx context.Context, g access.Grant) (Counts, error) {
	const op = "process.counts"
	c := Counts{Services: map[string]int{}}
	a, err := clerk(op, g, access.List)
	if err != nil {
		return c, err
	}
	const limit = CountLimit + 1
	for _, q := range []struct {
		n     *int
		query string
		args  []any
	}{
		{&c.Overdue, countOverdue, []any{a.Office, store.Micros(e.now()), limit}},
		{&c.Free, countFree, []any{a.Office, limit}},
		{&c.Mine, countMine, []any{a.Office, a.ID, limit}},
	} {
		if err := e.db.QueryRow(ctx, q.query, q.args...).Scan(q.n); err != nil {
			return c, fault.Wrap(op, err)
		}
	}
	type pair struct {
		service string
		n       int
	}
	list, err := store.All(ctx, e.db, func(s store.Scanner) (pair, error) {
		var p pair
		return p, s.Scan(&p.service, &p.n)
	}, countServices, a.Office, limit)
	for _, p := range list {
		c.Services[p.service] = p.n
		c.All = min(c.All+p.n, limit)
	}
	return c, fault.Wrap(op, err)
}

// Task reads a task of the actor's office; any other isn't there.
func (e *Engine) Task(ctx context.Context, g access.Grant, id string) (UserTask, error) {
	const op = "process.task"
	a, err := clerk(op, g, access.Read, access.Change, access.Decide)
	if err != nil {
		return UserTask{}, err
	}
	t, err := store.One(ctx, e.db, scanTask, taskOfOffice, id, a.Office)
	return t, fault.Wrap(op, err)
}

// CaseTasks are the tasks of a case that belong to the actor's office.
func (e *Engine) CaseTasks(ctx context.Context, g access.Grant, caseID string) ([]UserTask, error) {
	const op = "process.caseTasks"
	a, err := clerk(op, g, access.Read, access.List, access.Change)
	if err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, scanTask, tasksOfCase, caseID, a.Office)
	return out, fault.Wrap(op, err)
}

// TasksOf are all tasks of a case, whoever does them. No grant: it shows them to
// nobody; other rooms ask it in their own steps.
func (e *Engine) TasksOf(ctx context.Context, q store.Q, caseID string) ([]UserTask, error) {
	out, err := store.All(ctx, q, scanTask, allTasksOfCase, caseID)
	return out, fault.Wrap("process.tasksOf", err)
}

// Vars are what the task's element sees: what its form is filled from.
func (e *Engine) Vars(ctx context.Context, g access.Grant, t UserTask) (map[string]any, error) {
	const op = "process.vars"
	a, err := clerk(op, g, access.Read, access.Change, access.Decide)
	if err != nil {
		return nil, err
	}
	if _, err := store.One(ctx, e.db, scanTask, taskOfOffice, t.ID, a.Office); err != nil {
		return nil, fault.Wrap(op, err)
	}
	r, err := store.One(ctx, e.db, scanRow, readInstance, t.InstanceID)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return r.state.Visible(t.Token), nil
}

// Claim gives a free task to the actor. A task that a colleague has is a Conflict that
// says who: nobody's work is snatched. Claiming one's own task again changes nothing.
func (e *Engine) Claim(ctx context.Context, g access.Grant, id string) (UserTask, error) {
	const op = "process.claim"
	a, err := clerk(op, g, access.Change, access.Decide)
	if err != nil {
		return UserTask{}, err
	}
	var t UserTask
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		if t, err = store.One(ctx, tx, scanTask, taskOfOffice, id, a.Office); err != nil {
			return err
		}
		if err := mayTake(op, t, a); err != nil {
			return err
		}
		if t.State == Open && t.Assignee == a.ID {
			return nil
		}
		n, err := tx.Exec(ctx, claimTask, id, a.Office, a.ID, a.Name)
		if err != nil {
			return err
		}
		if t, err = store.One(ctx, tx, scanTask, taskOfOffice, id, a.Office); err != nil {
			return err
		}
		if n == 0 {
			return taken(op, t)
		}
		return nil
	})
	return t, fault.Wrap(op, err)
}

// mayTake reports whether the task asks for a role that the actor doesn't have.
func mayTake(op string, t UserTask, a access.Actor) error {
	if len(t.Roles) > 0 && !slices.ContainsFunc(t.Roles, a.Is) {
		return fault.New(fault.Denied, op, "process.role")
	}
	return nil
}

// taken says why a task can't be had.
func taken(op string, t UserTask) error {
	switch {
	case t.State == Done:
		return fault.New(fault.Conflict, op, "process.taskDone", "name", t.AssigneeName)
	case t.State == Withdrawn:
		return fault.New(fault.Conflict, op, "process.taskWithdrawn")
	case t.Assignee != "":
		return fault.New(fault.Conflict, op, "process.taskTaken", "name", t.AssigneeName)
	}
	return fault.New(fault.Conflict, op, "process.taskChanged")
}

// Release gives one's own task back.
func (e *Engine) Release(ctx context.Context, g access.Grant, id string) error {
	const op = "process.release"
	a, err := clerk(op, g, access.Change, access.Decide)
	if err != nil {
		return err
	}
	return fault.Wrap(op, e.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, releaseTask, id, a.Office, a.ID)
		if err != nil || n > 0 {
			return err
		}
		t, err := store.One(ctx, tx, scanTask, taskOfOffice, id, a.Office)
		if err != nil || t.State == Open && t.Assignee == "" {
			return err
		}
		return taken(op, t)
	}))
}

// Complete ends a task with its results and moves the process on. The revision is the
// one that the clerk saw; a task that somebody changed meanwhile, or that a colleague
// has, is a Conflict.
func (e *Engine) Complete(ctx context.Context, tx *store.Tx, g access.Grant, id string, revision int64, vars map[string]any) (UserTask, error) {
	const op = "process.complete"
	a, err := clerk(op, g, access.Change, access.Decide)
	if err != nil {
		return UserTask{}, err
	}
	vars, err = plain(vars)
	if err != nil {
		return UserTask{}, fault.Wrap(op, err)
	}
	t, err := store.One(ctx, tx, scanTask, taskOfOffice, id, a.Office)
	if err != nil {
		return UserTask{}, fault.Wrap(op, err)
	}
	if err := mayTake(op, t, a); err != nil {
		return UserTask{}, err
	}
	now := e.now()
	n, err := tx.Exec(ctx, completeTask, id, a.Office, a.ID, a.Name, store.Micros(now), revision)
	if err != nil {
		return UserTask{}, fault.Wrap(op, err)
	}
	if n == 0 {
		t, err := store.One(ctx, tx, scanTask, taskOfOffice, id, a.Office)
		if err != nil {
			return UserTask{}, fault.Wrap(op, err)
		}
		if t.Assignee == a.ID && t.State == Open {
			t.Assignee = ""
		}
		return t, taken(op, t)
	}
	t.State, t.Assignee, t.AssigneeName, t.DoneAt, t.Revision = Done, a.ID, a.Name, now.UTC(), t.Revision+1
	if _, err := tx.Exec(ctx, deleteWords, id); err != nil {
		return UserTask{}, fault.Wrap(op, err)
	}
	if e.hooks.TaskDone != nil {
		if err := e.hooks.TaskDone(ctx, tx, t.Ref, t, a, vars); err != nil {
			return UserTask{}, fault.Wrap(op, err)
		}
	}
	return t, stale(op, e.step(ctx, tx, t.InstanceID, a, bpmn.TaskDone{Token: t.Token, Vars: vars}))
}
