// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/vault"
)

// States of a package's version.
const (
	InForce = "in force" // it is, or was until a newer one came
	Waiting = "waiting"  // applied, and taken by the running house or the next start if it still can be
	Refused = "refused"  // records stood in its way when the running house wanted to take it; the next start tries again
)

// Shelf keeps the packages of registers with their versions. What stands in the folder of
// packages isn't what is in force: a new version is only if no record stands in its way.
type Shelf struct {
	DB    *store.DB
	Vault *vault.Vault
	Now   func() time.Time
	// Progress is told how many records of a register are held against its new package; nil: nobody.
	Progress func(register string, done int)
}

// Package is a version of a register's package.
type Package struct {
	Register string
	Version  int64
	Hash     string // SHA-256 of its files
	At       time.Time
	Who      string
	State    string

	files files
}

// files are those of a package, by their names in its folder.
type files map[string]string

func (f files) hash() string {
	h := sha256.New()
	for _, name := range sortedKeys(f) {
		fmt.Fprintf(h, "%d %s %d %s\n", len(name), name, len(f[name]), f[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// memory is a folder of packages that lies in the database.
type memory map[string]files

// Open is there because a file system must have it: files are read whole.
func (memory) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}

// ReadFile is a file of a package.
func (m memory) ReadFile(name string) ([]byte, error) {
	folder, file, _ := strings.Cut(name, "/")
	text, ok := m[folder][file]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (m memory) load() (*Registers, error) {
	var names []string
	for id := range m {
		names = append(names, path.Join(id, "register.toml"))
	}
	return load(m, names)
}

func (m memory) with(more memory) memory {
	out := maps.Clone(m)
	maps.Copy(out, more)
	return out
}

// readFolder reads the files of a folder's packages, without judging them.
func readFolder(fsys fs.FS) (memory, error) {
	names, err := fs.Glob(fsys, "*/register.toml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || len(names) > maxRegisters {
		return nil, fmt.Errorf("%d folders with a register.toml: want 1 to %d", len(names), maxRegisters)
	}
	out := memory{}
	for _, name := range names {
		folder := path.Dir(name)
		out[folder] = files{}
		for _, pattern := range [...]string{"register.toml", "schema.json", "codes/*.toml", "codes/*.csv"} {
			list, err := fs.Glob(fsys, folder+"/"+pattern)
			if err != nil {
				return nil, err
			}
			for _, file := range list {
				text, err := readBounded(fsys, file)
				if err != nil {
					return nil, err
				}
				if !utf8.Valid(text) || slices.Contains(text, 0) {
					return nil, fmt.Errorf("%s: want UTF-8", file)
				}
				out[folder][strings.TrimPrefix(file, folder+"/")] = string(text)
			}
		}
	}
	return out, nil
}

// shelved is what the database knows of one register's packages.
type shelved struct {
	all     []Package
	force   *Package // nil: none was ever
	waiting *Package // newer than force; nil: none
}

func (s shelved) has(hash string) bool {
	return slices.ContainsFunc(s.all, func(p Package) bool { return p.Hash == hash })
}

func (s shelved) next() int64 {
	if len(s.all) == 0 {
		return 1
	}
	return s.all[len(s.all)-1].Version + 1
}

func (s *Shelf) read(ctx context.Context) (map[string]shelved, error) {
	list, err := store.All(ctx, s.DB, func(r store.Scanner) (p Package, err error) {
		var text string
		var at int64
		if err = r.Scan(&p.Register, &p.Version, &p.Hash, &text, &at, &p.Who, &p.State); err != nil {
			return p, err
		}
		p.At = store.Time(at)
		return p, json.Unmarshal([]byte(text), &p.files)
	}, packagesAll)
	if err != nil {
		return nil, err
	}
	out := map[string]shelved{}
	for _, p := range list { // in the order of their versions
		x := out[p.Register]
		x.all = append(x.all, p)
		if p.State == InForce {
			x.force, x.waiting = &p, nil
		} else {
			x.waiting = &p
		}
		out[p.Register] = x
	}
	return out, nil
}

// Versions are the versions of a register's package, the oldest first.
func (s *Shelf) Versions(ctx context.Context, register string) ([]Package, error) {
	all, err := s.read(ctx)
	return all[register].all, fault.Wrap("register.versions", err)
}

// base is what is in force. A register whose folder is gone stays as long as it has records, or was
// put there by somebody's command and never stood in the folder.
func (s *Shelf) base(ctx context.Context, all map[string]shelved, folder memory) (memory, error) {
	out := memory{}
	for id, x := range all {
		if x.force == nil {
			continue
		}
		if _, there := folder[id]; !there && !strings.HasPrefix(x.force.Who, "command") {
			list, err := store.All(ctx, s.DB, scanRow, recordsFrom, id, "", 1)
			if err != nil {
				return nil, err
			}
			if len(list) == 0 {
				continue
			}
		}
		out[id] = x.force.files
	}
	return out, nil
}

// InForce are the registers as a running house has them, for commands beside it: nothing is
// taken that the house hasn't taken. Only a register that it doesn't know is as its folder says.
func (s *Shelf) InForce(ctx context.Context, folder fs.FS) (*Registers, error) {
	const op = "register.inForce"
	fresh, err := readFolder(folder)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	all, err := s.read(ctx)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	base, err := s.base(ctx, all, fresh)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return fresh.with(base).load()
}

// Settle is what a house does at its start: packages that were applied, and new versions in the
// folder, come into force if no record stands in their way; of the others the version before stays.
// A version that was in force and has been replaced doesn't come back because it still stands in the folder.
func (s *Shelf) Settle(ctx context.Context, folder fs.FS, who string) (*Registers, []Step, error) {
	const op = "register.settle"
	fresh, err := readFolder(folder)
	if err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	all, err := s.read(ctx)
	if err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	base, err := s.base(ctx, all, fresh)
	if err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	candidates := memory{}
	waits := map[string]int64{}
	for id, x := range all {
		if x.waiting != nil {
			candidates[id], waits[id] = x.waiting.files, x.waiting.Version
		}
	}
	for id, f := range fresh {
		if candidates[id] == nil && !all[id].has(f.hash()) {
			candidates[id] = f
		}
	}
	accepted, regs, steps, err := s.accept(ctx, all, base, candidates)
	if err != nil || len(accepted) == 0 {
		return regs, steps, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, touchShelf); err != nil {
			return err
		}
		for _, id := range sortedKeys(accepted) {
			var err error
			if v, ok := waits[id]; ok {
				_, err = tx.Exec(ctx, judgePackage, id, v, InForce)
			} else {
				err = s.add(ctx, tx, id, all[id].next(), accepted[id], who, InForce)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return regs, steps, fault.Wrap(op, err)
}

// accept holds candidates against what is in force and the records: which of them can come, and the registers with those.
func (s *Shelf) accept(ctx context.Context, all map[string]shelved, base, candidates memory) (memory, *Registers, []Step, error) {
	regs, steps, err := s.plan(ctx, all, base, candidates)
	if err != nil {
		return nil, nil, nil, err
	}
	accepted := memory{}
	for i := range steps {
		x := &steps[i]
		if w := all[x.Register].waiting; w != nil && w.Hash == candidates[x.Register].hash() {
			x.Version = w.Version // also one that was refused once
		}
		if len(x.Obstacles) == 0 {
			accepted[x.Register] = candidates[x.Register]
		}
	}
	if len(accepted) < len(candidates) {
		if regs, err = base.with(accepted).load(); err != nil {
			// One that could come needs one that can't.
			for i := range steps {
				if len(steps[i].Obstacles) == 0 {
					steps[i].Obstacles = []Obstacle{{Rule: "it needs another package, which can't come into force"}}
				}
			}
			accepted = memory{}
			if regs, err = base.load(); err != nil {
				return nil, nil, steps, err
			}
		}
	}
	return accepted, regs, steps, nil
}

// Apply brings new versions of packages: those of a folder, or only one of it. All of them can come
// or none does; dry says what would be and does nothing. A running house brings them into force within seconds (Follower),
// another one at its next start; either holds them against the records once more: until then others write by the old one.
func (s *Shelf) Apply(ctx context.Context, folder fs.FS, only, who string, dry bool) ([]Step, error) {
	const op = "register.apply"
	fresh, err := readFolder(folder)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if only != "" {
		fresh = memory{only: fresh[only]}
	}
	all, err := s.read(ctx)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	base := memory{}
	for id, x := range all {
		if x.force != nil {
			base[id] = x.force.files
		}
		if x.waiting != nil && x.waiting.State == Waiting && fresh[id] == nil {
			base[id] = x.waiting.files // it will be there
		}
	}
	candidates := memory{}
	for id, f := range fresh {
		newest := ""
		if n := len(all[id].all); n > 0 {
			newest = all[id].all[n-1].Hash
			if all[id].all[n-1].State == Refused {
				newest = "" // it may be tried again
			}
		}
		if f.hash() != newest {
			candidates[id] = f
		}
	}
	_, steps, err := s.plan(ctx, all, base, candidates)
	if err != nil || dry || slices.ContainsFunc(steps, func(x Step) bool { return len(x.Obstacles) > 0 }) {
		return steps, err
	}
	return steps, fault.Wrap(op, s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, touchShelf); err != nil {
			return err
		}
		for _, id := range sortedKeys(candidates) {
			if err := s.add(ctx, tx, id, all[id].next(), candidates[id], who, Waiting); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *Shelf) add(ctx context.Context, tx *store.Tx, id string, version int64, f files, who, state string) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, addPackage, id, version, f.hash(), string(text), store.Micros(s.Now()), who, state)
	return err
}

// plan holds candidates against what is in force and against the records.
func (s *Shelf) plan(ctx context.Context, all map[string]shelved, base, candidates memory) (*Registers, []Step, error) {
	const op = "register.plan"
	next, err := base.with(candidates).load()
	if err != nil {
		return nil, nil, err
	}
	old, err := base.load()
	if err != nil {
		old = holding(&edition{byID: map[string]*Definition{}}) // a newer program doesn't take it any more: every record is looked at
	}
	var steps []Step
	for _, id := range sortedKeys(candidates) {
		n, ok := next.Get(id)
		if !ok {
			return nil, nil, fault.Internalf(op, "the folder %s declares another register", id)
		}
		step := Step{Register: id, Version: all[id].next()}
		if x := all[id]; x.waiting != nil && x.waiting.State == Waiting && x.waiting.Hash == candidates[id].hash() {
			step.Version = x.waiting.Version
		}
		o, known := old.Get(id)
		var rules []rule
		look := false
		switch {
		case known:
			step.Changes, rules, look = compare(o, n)
		case base[id] != nil:
			look, o = true, n
			step.Changes = []string{"the package before isn't one any more: every record is held against the new one"}
		default:
			step.New = true
			step.Changes = []string{"a new register"}
		}
		if look || len(rules) > 0 {
			x := &Service{db: s.DB, vault: s.Vault, regs: next, now: s.Now}
			if step.Checked, step.Obstacles, err = x.obstacles(ctx, o, n, rules, s.Progress); err != nil {
				return nil, nil, fault.Wrap(op, err)
			}
		}
		steps = append(steps, step)
	}
	return next, steps, nil
}

// Step is what a new version of a package changes, and what stands in its way.
type Step struct {
	Register  string
	Version   int64 // that it gets
	New       bool  // there was no such register
	Changes   []string
	Checked   int // how many records were held against it; 0: the change leaves them as they are
	Obstacles []Obstacle
}

// Obstacle is a rule of the new package that records don't keep. Their ids are those of rows: where the key
// tells something about a person, its blind form.
type Obstacle struct {
	Rule    string
	Records int
	IDs     []string // the first of them
}

// shownIDs is how many records an obstacle names.
const shownIDs = 20

// rule is what no record may be that has the field; every record if it is "".
type rule struct{ field, says string }

// obstacles holds the records of a register, those in force and those to come, against its new package.
func (s *Service) obstacles(ctx context.Context, old, next *Definition, rules []rule, progress func(string, int)) (int, []Obstacle, error) {
	var gone []string
	for _, f := range old.Fields {
		if _, ok := next.Field(f.Name); !ok && !f.View() {
			gone = append(gone, f.Name)
		}
	}
	found := map[string]*Obstacle{}
	note := func(says, id string) {
		o := found[says]
		if o == nil {
			o = &Obstacle{Rule: says}
			found[says] = o
		}
		if n := len(o.IDs); n > 0 && o.IDs[n-1] == id {
			return // another mistake of the same kind
		}
		if o.Records++; len(o.IDs) < shownIDs {
			o.IDs = append(o.IDs, id)
		}
	}
	done := 0
	look := func(rows []row) error {
		sealed := map[int]bool{}
		for i, r := range rows {
			sealed[i] = len(r.sealed) > 0
		}
		rows, err := s.openMany(ctx, old, rows, old.FieldNames())
		if err != nil {
			return err
		}
		for i, r := range rows {
			if r.none() {
				continue
			}
			v, err := decode(r.Data)
			if err != nil {
				return err
			}
			all, ok := v.(map[string]any)
			if !ok || sealed[i] && !slices.ContainsFunc(old.Fields, func(f Field) bool { _, has := all[f.Name]; return has && old.sealed(f) }) {
				continue // its key is destroyed: there is no record any more
			}
			done++
			for _, x := range rules {
				if x.field == "" || all[x.field] != nil {
					note(x.says, r.ID)
				}
			}
			for _, name := range gone {
				if _, has := all[name]; has {
					note("field "+name+" is gone, and the record has it", r.ID)
					delete(all, name)
				}
			}
			for _, m := range next.Mistakes(all) {
				note(strings.TrimPrefix(m.Field+": want "+m.Want, ": "), r.ID)
			}
		}
		if progress != nil {
			progress(next.ID, done)
		}
		return nil
	}
	for last := ""; ; {
		rows, err := store.All(ctx, s.db, scanRow, recordsFrom, next.ID, last, exportPage)
		if err != nil {
			return 0, nil, err
		}
		if len(rows) == 0 {
			break
		}
		last = rows[len(rows)-1].ID
		if err := look(rows); err != nil {
			return 0, nil, err
		}
	}
	now := store.Micros(s.now())
	for last, version := "", int64(0); ; {
		rows, err := store.All(ctx, s.db, scanRow, comingVersions, next.ID, last, version, now, exportPage)
		if err != nil {
			return 0, nil, err
		}
		if len(rows) == 0 {
			break
		}
		last, version = rows[len(rows)-1].ID, rows[len(rows)-1].Version
		if err := look(rows); err != nil {
			return 0, nil, err
		}
	}
	var out []Obstacle
	for _, says := range sortedKeys(found) {
		out = append(out, *found[says])
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Records > out[j].Records })
	return done, out, nil
}

// ErrInTheWay is in the error of an apply that records stand in the way of.
var ErrInTheWay = errors.New("records stand in the way")
