// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
)

const registerUsage = `usage:
  mercator register lint FOLDER…                                   all mistakes of a folder of packages, or of one package
  mercator register apply --config FILE [--dry-run] FOLDER…         new versions of packages: what they change, and which records stand in the way
  mercator register packages --config FILE REGISTER                the versions of a register's package
  mercator register import --config FILE REGISTER FILE --reason TEXT --basis LAW [--map mapping.toml] [--dry-run] [--from DAY] [--errors FILE]
                                                                   CSV, JSON lines, Excel, XML; again after a crash: it goes on
  mercator register export --config FILE REGISTER FILE --purpose TEXT --basis LAW [--format csv|jsonl|parquet] [--fields a,b] [--separator ";"]
                                                                   a register about nobody, or what is public of one
  mercator register export --config FILE REGISTER FILE --approval ID [--format …]
                                                                   one about persons, as two people have agreed at the desk, once
  mercator register export --config FILE REGISTER FILE --emergency REASON --basis LAW [--fields a,b] [--format …]
                                                                   … without them; the data protection officer is told at once
  mercator register imports --config FILE REGISTER                 what was imported, when, by whom`

// RegisterCommand is mercator register. It returns the exit status: 1 if something is wrong, 2 if it was asked in a wrong way.
func RegisterCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, registerUsage)
		return 2
	}
	f := flag.NewFlagSet("mercator register "+args[0], flag.ContinueOnError)
	f.SetOutput(stderr)
	o := registerOrder{stdout: stdout, stderr: stderr}
	f.StringVar(&o.config, "config", "mercator.toml", "the configuration file")
	f.StringVar(&o.mapping, "map", "", "how columns become fields (import)")
	f.BoolVar(&o.dry, "dry-run", false, "say what would be done, and do nothing")
	f.StringVar(&o.reason, "reason", "", "why, for the record (import)")
	f.StringVar(&o.purpose, "purpose", "", "what for, for the record (export)")
	f.StringVar(&o.approval, "approval", "", "the id of what two people have agreed on at /desk/approvals (export)")
	f.StringVar(&o.emergency, "emergency", "", "why nobody can be asked; it is reported at once (export)")
	f.StringVar(&o.basis, "basis", "", "under which law, for the record")
	f.StringVar(&o.from, "from", "", "the day since which it is so, 2026-01-31 (import); default: new records since ever, changed ones from now")
	f.StringVar(&o.errors, "errors", "", "file for the mistakes (import); default: FILE.errors.csv")
	f.StringVar(&o.format, "format", "", "csv, jsonl or parquet (export); default: by the name of the file, else csv")
	f.StringVar(&o.fields, "fields", "", "fields with commas between (export); default: all")
	f.StringVar(&o.separator, "separator", ",", "between the cells of a CSV (export); a German Excel wants ;")
	rest, err := flagsAnywhere(f, args[1:])
	if err != nil {
		return 2
	}
	switch {
	case args[0] == "lint" && len(rest) > 0:
		if !lintRegisters(rest, stdout) {
			return 1
		}
		return 0
	case args[0] == "apply" && len(rest) > 0:
		err = o.apply(ctx, rest)
	case args[0] == "packages" && len(rest) == 1:
		err = o.packages(ctx, rest[0])
	case args[0] == "import" && len(rest) == 2:
		err = o.imports(ctx, rest[0], rest[1])
	case args[0] == "export" && len(rest) == 2:
		err = o.exports(ctx, rest[0], rest[1])
	case args[0] == "imports" && len(rest) == 1:
		err = o.list(ctx, rest[0])
	default:
		fmt.Fprintln(stderr, registerUsage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(stderr, "mercator: register:", err)
		return 1
	}
	return 0
}

// flagsAnywhere takes flags before and after the other arguments, which it returns.
func flagsAnywhere(f *flag.FlagSet, args []string) (rest []string, err error) {
	for len(args) > 0 {
		if args[0] == "--" {
			return append(rest, args[1:]...), nil
		}
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		if args = f.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	return rest, nil
}

type registerOrder struct {
	config, mapping, reason, purpose, basis, from, errors, format, fields, separator, approval, emergency string

	dry            bool
	stdout, stderr io.Writer
}

// registerHouse is a house with the registers and nothing that runs, beside one that may run.
func registerHouse(ctx context.Context, c config.Config) (_ *House, err error) {
	if err := hasDatabase(c); err != nil {
		return nil, err
	}
	h := &House{config: c, now: time.Now, content: contentFS(c.Content.Dir), metrics: newMetrics(), log: c.Log.Logger()}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.zone, err = cityZone(); err != nil {
		return nil, err
	}
	if err := h.strongRoom(ctx, Options{Config: c, NoStream: true, AsIs: true}); err != nil {
		return nil, err
	}
	folder, err := fs.Sub(h.content, "registers")
	if err != nil {
		return nil, err
	}
	if h.definitions, err = h.shelf().InForce(ctx, folder); err != nil {
		return nil, err
	}
	return h, h.openRegisters(nil) // a command reaches nothing that is restricted
}

// shelf is where the packages of registers are kept.
func (h *House) shelf() *register.Shelf {
	return &register.Shelf{DB: h.db, Vault: h.vault, Now: h.now}
}

// settleRegisters brings the packages of the folder into force, but for those that records stand in the way of.
func (h *House) settleRegisters(ctx context.Context, folder fs.FS) (err error) {
	var steps []register.Step
	h.definitions, steps, err = h.shelf().Settle(ctx, folder, "system:start")
	h.logSteps(steps)
	return err
}

// logSteps tells the operator which versions of packages came into force, and what stands in the way of the others.
func (h *House) logSteps(steps []register.Step) {
	for _, s := range steps {
		if len(s.Obstacles) > 0 {
			h.log.Error("a register's package can't come into force; the version before it stays", "register", s.Register, "version", s.Version, "records", s.Obstacles)
		} else if !s.New {
			h.log.Info("a register has a new version of its package", "register", s.Register, "version", s.Version, "changes", s.Changes)
		}
	}
}

// jobIndex builds what the index of registers lacks. One key: one node at a time.
const jobIndex = "registers.index"

func (h *House) indexWorker() job.Worker {
	return job.Worker{Kind: jobIndex, Limit: 1, Timeout: 2 * time.Hour, Work: func(ctx context.Context, _ *job.Job) error { return h.registers.Upgrade(ctx) }}
}

// packageFollower keeps this node's registers as their packages are in force.
func (h *House) packageFollower() (*register.Follower, error) {
	folder, err := fs.Sub(h.content, "registers")
	return &register.Follower{Shelf: h.shelf(), Folder: folder, Service: h.registers, Unfit: h.unfit}, err
}

// followPackages takes new versions of registers' packages up while the house runs.
func (h *House) followPackages(ctx context.Context) error {
	f, err := h.packageFollower()
	if err != nil {
		return err
	}
	return h.every(ctx, time.Second, "new versions of registers' packages can't be taken up", func() (bool, error) { return false, h.lookForPackages(ctx, f) })
}

// lookForPackages takes up what has changed, and has the index built when no node writes by the version before any more.
func (h *House) lookForPackages(ctx context.Context, f *register.Follower) error {
	steps, err := f.Look(ctx)
	h.logSteps(steps)
	if err != nil {
		return err
	}
	if lacks, err := h.registers.Indexing(ctx); err != nil || !lacks || !f.Settled() {
		return err
	}
	return h.db.Write(ctx, func(tx *store.Tx) error { return h.jobs.Add(ctx, tx, job.New{Kind: jobIndex, Key: jobIndex}) })
}

// unfit names the services in force that would need what registers don't declare any more.
func (h *House) unfit(next *register.Registers) (out []string) {
	for _, s := range h.services.All() {
		was := checkRegisters(h.definitions, s)
		for _, p := range checkRegisters(next, s) {
			if slices.Contains(was, p) {
				continue // not because of the new version
			}
			out = append(out, "the service "+s.ID+": "+p.Msg)
		}
	}
	return out
}

// openRegisters opens the office of the registers. reaches tells which purposes reach restricted records; nil: none but the
// person's own.
func (h *House) openRegisters(reaches func(purpose string) bool) (err error) {
	h.registers, err = register.New(register.Config{DB: h.db, Vault: h.vault, Registers: h.definitions, Now: h.now, Zone: h.zone,
		Restricted: reaches, Linked: h.access.Permit, Seen: h.access.Seen,
		Publish: func(ctx context.Context, tx *store.Tx, e register.Changed) error {
			// Its subject is the record: what waits for one record holds back no other.
			return h.publish(ctx, tx, register.EventChanged, e.Register+"/"+e.ID, e)
		}})
	return err
}

// open opens the house and finds a register.
func (o registerOrder) open(ctx context.Context, id string) (*House, *register.Definition, error) {
	c, err := config.Load(o.config)
	if err != nil {
		return nil, nil, err
	}
	h, err := registerHouse(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	d, ok := h.definitions.Get(id)
	if !ok {
		h.Close()
		return nil, nil, fmt.Errorf("there is no register %q", id)
	}
	return h, d, nil
}

func (o registerOrder) imports(ctx context.Context, id, file string) error {
	if o.reason == "" || o.basis == "" {
		return errors.New("import: --reason and --basis go on record: say them")
	}
	var m *bulk.Mapping
	var text []byte
	var err error
	if o.mapping != "" {
		if text, err = os.ReadFile(o.mapping); err != nil {
			return err
		}
		if m, err = bulk.ReadMapping(text); err != nil {
			return fmt.Errorf("%s: %w", o.mapping, err)
		}
	}
	h, d, err := o.open(ctx, id)
	if err != nil {
		return err
	}
	defer h.Close()
	why := register.Why{Reason: o.reason}
	if o.from != "" {
		if why.From, err = time.ParseInLocation(time.DateOnly, o.from, h.zone); err != nil {
			return fmt.Errorf("--from %q: want a day such as 2026-01-31", o.from)
		}
	}
	g, err := h.access.Permit(ctx, access.Request{Actor: commandActor("register import"), Action: access.Change, Resource: register.Resource(d.ID),
		Purpose: "import: " + o.reason, Basis: o.basis, Office: d.Office, Fields: d.FieldNames()})
	if err != nil {
		return err
	}
	bar := &progressBar{w: o.stderr, began: time.Now(), what: "records"}
	rep, err := bulk.Import(ctx, bulk.Order{Registers: h.registers, Register: d.ID, File: file, Mapping: m, MapText: text, Grant: g, Why: why, DryRun: o.dry,
		Seen: seenInParts(h.access), Now: h.now(),
		Progress: func(what string, done, total int64) {
			bar.what = map[string]string{"check": "bytes checked", "load": "records stored"}[what]
			bar.show(int(done), int(total))
		}})
	bar.end()
	if errors.Is(err, bulk.ErrMistakes) {
		return o.mistakes(file, rep, err)
	}
	if err != nil {
		if rep.Before+rep.Fresh+rep.Changed > 0 {
			fmt.Fprintf(o.stderr, "%d records are stored whole; the same command goes on after them\n", rep.Before+rep.Fresh+rep.Changed)
		}
		return err
	}
	if o.dry {
		fmt.Fprintf(o.stdout, "%s: %d records, no mistakes; nothing was stored\n", file, rep.Records)
		return nil
	}
	fmt.Fprintf(o.stdout, "%s: %d records: %d new, %d changed, %d as they were", file, rep.Records, rep.Fresh, rep.Changed, rep.Records-rep.Before-rep.Fresh-rep.Changed)
	if rep.Before > 0 {
		fmt.Fprintf(o.stdout, ", %d stored by an import before this one", rep.Before)
	}
	fmt.Fprintln(o.stdout)
	return nil
}

// apply brings new versions of packages.
func (o registerOrder) apply(ctx context.Context, dirs []string) error {
	c, err := config.Load(o.config)
	if err != nil {
		return err
	}
	h, err := registerHouse(ctx, c)
	if err != nil {
		return err
	}
	defer h.Close()
	var refused error
	for _, dir := range dirs {
		if err := o.applyOne(ctx, h, dir); errors.Is(err, register.ErrInTheWay) {
			refused = err
		} else if err != nil {
			return err
		}
	}
	return refused
}

func (o registerOrder) applyOne(ctx context.Context, h *House, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	only := ""
	if _, err := os.Stat(filepath.Join(dir, "register.toml")); err == nil {
		dir, only = filepath.Dir(dir), filepath.Base(dir)
	}
	shelf := h.shelf()
	bar := &progressBar{w: o.stderr, began: time.Now(), what: "records checked"}
	shelf.Progress = func(_ string, done int) { bar.show(done, 0) }
	a := commandActor("register apply")
	steps, err := shelf.Apply(ctx, os.DirFS(dir), only, a.ID, o.dry)
	bar.end()
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		fmt.Fprintf(o.stdout, "%s: nothing has changed\n", filepath.Join(dir, only))
		return nil
	}
	stuck := 0
	for _, s := range steps {
		verdict := "can come into force"
		if len(s.Obstacles) > 0 {
			stuck++
			verdict = "can't come into force"
		}
		fmt.Fprintf(o.stdout, "%s: version %d %s\n", s.Register, s.Version, verdict)
		for _, x := range s.Changes {
			fmt.Fprintf(o.stdout, "  %s\n", x)
		}
		if s.Checked > 0 {
			fmt.Fprintf(o.stdout, "  %d records were held against it\n", s.Checked)
		}
		for _, x := range s.Obstacles {
			more := ""
			if x.Records > len(x.IDs) {
				more = " …"
			}
			fmt.Fprintf(o.stdout, "  in the way: %s: %d records: %s%s\n", x.Rule, x.Records, strings.Join(x.IDs, " "), more)
		}
	}
	switch {
	case stuck > 0:
		return fmt.Errorf("%w of %d of %d packages; nothing was applied", register.ErrInTheWay, stuck, len(steps))
	case o.dry:
		fmt.Fprintln(o.stdout, "nothing was applied: it was a dry run")
	default:
		fmt.Fprintln(o.stdout, "applied; a running house takes it within seconds, another one at its next start; either checks once more")
	}
	return nil
}

// packages lists the versions of a register's package.
func (o registerOrder) packages(ctx context.Context, id string) error {
	h, d, err := o.open(ctx, id)
	if err != nil {
		return err
	}
	defer h.Close()
	list, err := h.shelf().Versions(ctx, d.ID)
	if err != nil {
		return err
	}
	for _, p := range list {
		fmt.Fprintf(o.stdout, "%d  %s  %-8s  %s  %.12s\n", p.Version, p.At.Local().Format(time.DateTime), p.State, p.Who, p.Hash)
	}
	return nil
}

// mistakes prints the first mistakes and writes all that were kept to a file.
func (o registerOrder) mistakes(file string, rep bulk.Report, cause error) error {
	const shown = 20
	for i, m := range rep.Mistakes {
		if i == shown {
			break
		}
		fmt.Fprintf(o.stdout, "%s: %s\n", file, m)
	}
	name := o.errors
	if name == "" {
		name = file + ".errors.csv"
	}
	out, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w; %d mistakes, and the file for them can't be written: %w", cause, rep.Wrong(), err)
	}
	w := csv.NewWriter(out)
	w.Write([]string{"line", "column", "field", "expected"})
	for _, m := range rep.Mistakes {
		column := ""
		if m.Column > 0 {
			column = strconv.Itoa(m.Column)
		}
		w.Write([]string{strconv.Itoa(m.Line), column, m.Field, m.Want})
	}
	w.Flush()
	if err := errors.Join(w.Error(), out.Close()); err != nil {
		return err
	}
	more := ""
	if rep.More > 0 {
		more = fmt.Sprintf(", the first %d of them", len(rep.Mistakes))
	}
	return fmt.Errorf("%w: %d mistakes in %s%s", cause, rep.Wrong(), name, more)
}

func (o registerOrder) list(ctx context.Context, id string) error {
	h, d, err := o.open(ctx, id)
	if err != nil {
		return err
	}
	defer h.Close()
	list, err := h.registers.Imports(ctx, d.ID, 50)
	if err != nil {
		return err
	}
	for _, i := range list {
		state := "not finished"
		if !i.Ended.IsZero() {
			state = fmt.Sprintf("%d new, %d changed, %s", i.Fresh, i.Changed, i.Ended.Sub(i.Began).Round(time.Second))
		}
		fmt.Fprintf(o.stdout, "%s  %s  %d records, %s  file %.12s  %q\n", i.Began.Local().Format(time.DateTime), i.Who, i.Records, state, i.Source, i.Reason)
	}
	return nil
}

// seenInParts puts on record whom a batch is about, a thousand at a time as the ledger takes them.
func seenInParts(c *access.Checker) func(context.Context, *store.Tx, access.Grant, []string) error {
	return func(ctx context.Context, tx *store.Tx, g access.Grant, persons []string) error {
		for part := range slices.Chunk(persons, 1000) {
			if err := c.SeenTx(ctx, tx, g, part); err != nil {
				return err
			}
		}
		return nil
	}
}

// lintRegisters names all mistakes of folders of packages, and of single packages.
func lintRegisters(dirs []string, w io.Writer) bool {
	ok := true
	for _, dir := range dirs {
		list, err := register.Lint(dir)
		for _, line := range list {
			fmt.Fprintln(w, line)
		}
		if err != nil {
			fmt.Fprintf(w, "%s: %v\n", dir, err)
		}
		if len(list) == 0 && err == nil {
			fmt.Fprintf(w, "%s: ok\n", dir)
		} else {
			ok = false
		}
	}
	return ok
}
