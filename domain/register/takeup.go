// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"io/fs"
	"maps"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
)

// A running house takes new versions of packages up by itself, at every node. One that takes less
// than the version before it can't simply be held against the records: meanwhile others write by
// the old one. So every node first lets nobody write what the coming version wouldn't take; when
// all nodes have had time to notice, the records are held against it, and it comes into force or
// is refused.

// takeUpGrace is how long nodes have to notice a change before somebody relies on it. They look
// every second.
const takeUpGrace = 5 * time.Second

// coming is a version that is about to take the place of the one in force.
type coming struct {
	next  *Definition
	rules []rule
}

// refuses reports whether the coming version wouldn't take a record.
func (c *coming) refuses(doc any) bool {
	all, _ := doc.(map[string]any)
	for _, x := range c.rules {
		if x.field == "" || all[x.field] != nil {
			return true
		}
	}
	return c.next.schema.Validate(doc) != nil || c.next.checkCodes(all) != nil
}

// Follower keeps what a node holds of the registers as the packages are in force.
type Follower struct {
	Shelf   *Shelf
	Folder  fs.FS // content/registers
	Service *Service
	Grace   time.Duration             // 0: takeUpGrace
	Unfit   func(*Registers) []string // what else in the house wouldn't go with them; nil: nothing is asked

	seen  int64  // changes of the shelf that were looked at
	held  string // what is held, and what is coming
	wait  string // what waits for its grace
	since time.Time
	swap  time.Time // when what is held was replaced last
}

// Look takes up what has changed since the last look. It gives what was tried to be brought into force.
func (f *Follower) Look(ctx context.Context) ([]Step, error) {
	const op = "register.look"
	n, err := store.One(ctx, f.Shelf.DB, scanCount, shelfState)
	if err != nil || n == f.seen && f.wait == "" {
		return nil, fault.Wrap(op, err)
	}
	all, err := f.Shelf.read(ctx)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	fresh, err := readFolder(f.Folder)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	base, err := f.Shelf.base(ctx, all, fresh)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	candidates := memory{}
	for id, x := range all {
		if x.waiting != nil && x.waiting.State == Waiting {
			candidates[id] = x.waiting.files
		}
	}
	regs, err := base.load()
	if err != nil { // a newer program's; it is said once, and what was held before stays
		f.seen, f.wait = n, ""
		return nil, fault.Wrap(op, err)
	}
	if held := fingerprint(base) + "," + fingerprint(candidates); held != f.held {
		guard(regs, base, candidates)
		if err := f.Service.takeUp(ctx, regs); err != nil {
			return nil, fault.Wrap(op, err)
		}
		f.held, f.swap = held, time.Now()
	}
	f.seen = n
	if len(candidates) == 0 {
		f.wait = ""
		return nil, nil
	}
	if w := fingerprint(candidates); f.wait != w {
		f.wait, f.since = w, time.Now()
	}
	if guarded(regs) && time.Since(f.since) < f.grace() {
		return nil, nil
	}
	steps, err := f.Shelf.settleWaiting(ctx, n, all, base, candidates, f.Unfit)
	if err == nil {
		f.wait = ""
	}
	return steps, fault.Wrap(op, err)
}

// Settled reports whether every node has had time to take up what this one holds.
func (f *Follower) Settled() bool { return time.Since(f.swap) >= f.grace() }

func (f *Follower) grace() time.Duration {
	if f.Grace > 0 {
		return f.Grace
	}
	return takeUpGrace
}

func fingerprint(m memory) string {
	var b strings.Builder
	for _, id := range sortedKeys(m) {
		b.WriteString(id + "=" + m[id].hash() + " ")
	}
	return b.String()
}

// guard lets nobody write what a coming version of a register wouldn't take. What can't be loaded guards nothing: it
// will be refused.
func guard(regs *Registers, base, candidates memory) {
	next, err := base.with(candidates).load()
	if err != nil {
		return
	}
	for id := range candidates {
		o, known := regs.Get(id)
		n, ok := next.Get(id)
		if !known || !ok {
			continue
		}
		if _, rules, look := compare(o, n); look || len(rules) > 0 {
			o.coming = &coming{n, rules}
		}
	}
}

func guarded(regs *Registers) bool {
	for _, d := range regs.All() {
		if d.coming != nil {
			return true
		}
	}
	return false
}

// settleWaiting brings applied versions into force or refuses them, if nobody else has done anything since the shelf
// was read.
func (s *Shelf) settleWaiting(ctx context.Context, n int64, all map[string]shelved, base, candidates memory, unfit func(*Registers) []string) ([]Step, error) {
	var accepted memory
	var regs *Registers
	var steps []Step
	if _, err := base.with(candidates).load(); err != nil { // together they are no registers
		for _, id := range sortedKeys(candidates) {
			steps = append(steps, Step{Register: id, Version: all[id].waiting.Version, Obstacles: []Obstacle{{Rule: err.Error()}}})
		}
	} else if accepted, regs, steps, err = s.accept(ctx, all, base, candidates); err != nil {
		return nil, err
	}
	if unfit != nil && len(accepted) > 0 {
		if says := unfit(regs); len(says) > 0 {
			accepted = memory{}
			for i := range steps {
				steps[i].Obstacles = append(steps[i].Obstacles, Obstacle{Rule: strings.Join(says, "; ")})
			}
		}
	}
	first := false
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		first = false
		if done, err := tx.Exec(ctx, turnShelf, n); err != nil || done == 0 {
			return err
		}
		first = true
		for id := range candidates {
			state := Refused
			if accepted[id] != nil {
				state = InForce
			}
			if _, err := tx.Exec(ctx, judgePackage, id, all[id].waiting.Version, state); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !first {
		return nil, err
	}
	return steps, nil
}

// indexing is what the index lacks: for each register its fields that can't be found by yet, and what
// it is being built for.
type indexing struct {
	lacks map[string]map[string]bool
	want  map[string]string
}

// takeUp replaces what everybody holds. What the index isn't built for yet is known before.
func (s *Service) takeUp(ctx context.Context, next *Registers) error {
	s.taking.Lock()
	defer s.taking.Unlock()
	x, err := s.indexOf(ctx, next)
	if err != nil {
		return err
	}
	s.index.Store(x)
	s.regs.replace(next)
	return nil
}

// Indexing reports whether the index of a register is still to be built. Upgrade builds it.
func (s *Service) Indexing(ctx context.Context) (bool, error) {
	if x := s.index.Load(); x == nil || len(x.lacks) == 0 {
		return false, nil
	}
	s.taking.Lock()
	defer s.taking.Unlock()
	x, err := s.indexOf(ctx, s.regs)
	if err != nil {
		return false, fault.Wrap("register.indexing", err)
	}
	s.index.Store(x)
	return len(x.lacks) > 0, nil
}

// indexOf compares what the index is built for with what registers declare.
func (s *Service) indexOf(ctx context.Context, regs *Registers) (*indexing, error) {
	old := s.index.Load()
	out := &indexing{lacks: map[string]map[string]bool{}, want: map[string]string{}}
	for _, d := range regs.All() {
		st, err := s.buildOf(ctx, d)
		if err != nil {
			return nil, err
		}
		want := d.declared()
		var lacks map[string]bool
		switch {
		case st.declared == want && st.done == 1:
		case st.declared == want && old != nil && old.want[d.ID] == want:
			lacks = old.lacks[d.ID] // of before somebody began to build
		case st.declared == want:
			lacks = d.lacks("")
		default:
			lacks = d.lacks(st.declared)
		}
		out.want[d.ID] = want
		if len(lacks) > 0 || st.done != 1 || st.declared != want {
			out.lacks[d.ID] = lacks
		}
	}
	return out, nil
}

// built reports whether records are found by what the index says of a field.
func (s *Service) built(d *Definition, field string) bool {
	x := s.index.Load()
	return x == nil || !x.lacks[d.ID][field]
}

// errBuilding is for who wants something that only the index can tell.
func errBuilding(op string) error {
	return fault.New(fault.Unavailable, op, "register.search.building")
}

// usable takes from a condition the ways to its records that aren't built yet. The others, or all records, lead
// to the same ones.
func (s *Service) usable(d *Definition, c condition) condition {
	x := s.index.Load()
	if x == nil || len(x.lacks[d.ID]) == 0 {
		return c
	}
	var leads []lead
	for _, l := range c.leads {
		ok := l.field == "" || s.built(d, l.field)
		for _, e := range l.tokens {
			ok = ok && s.built(d, e.field)
		}
		if ok {
			leads = append(leads, l)
		}
	}
	c.leads, c.spans = leads, maps.Clone(c.spans)
	maps.DeleteFunc(c.spans, func(field string, _ span) bool { return !s.built(d, field) })
	return c
}

// builtFor reads what declared has written: each field with its ways, and the match under its name.
func builtFor(text string) map[string]string {
	form, rest, _ := strings.Cut(text, " ")
	if form != indexForm {
		return nil
	}
	out := map[string]string{}
	for _, part := range strings.Fields(rest) {
		name, _, _ := strings.Cut(part, ",")
		if strings.HasPrefix(part, matchField) {
			name = matchField
		}
		out[strings.TrimSuffix(name, "!")] = part
	}
	return out
}

// lacks are the fields for which an index that was built for another declaration doesn't serve; "" are the words.
func (d *Definition) lacks(was string) map[string]bool {
	old, out := builtFor(was), map[string]bool{}
	for name, ways := range builtFor(d.declared()) {
		if old[name] == ways {
			continue
		}
		out[name] = true
		if f, ok := d.Field(name); ok && f.By(FullText) {
			out[""] = true
		}
	}
	return out
}
