// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/domain/casefile"
	"mercator/domain/process"
	"mercator/domain/process/processweb"
	"mercator/domain/service"
	"mercator/lang/bpmn"
)

// What the kernel's work would bring, for replays: nothing of it is done.

func presumeNothing(process.Work, map[string]any, bool) (map[string]any, bool) { return nil, true }

func (h *House) presumeRecord(w process.Work, then map[string]any, was bool) (map[string]any, bool) {
	record, ok := w.Vars["record"].(map[string]any)
	key, _ := w.Vars["key"].(string)
	if ok && key != "" {
		return map[string]any{"record": record}, true
	}
	// The package says in [[write]] what is written.
	s, err := h.services.Version(context.Background(), w.Service, w.Version)
	if err != nil {
		return then, was
	}
	write, ok := s.Writes(w.Header("register"))
	if !ok || !write.Declared() {
		return then, was && ok
	}
	out, err := h.written(write, w)
	return map[string]any{"record": out.Fields}, err == nil
}

// presumePayment asks for the amount that the new version says.
func presumePayment(w process.Work, then map[string]any, _ bool) (map[string]any, bool) {
	cents, ok := service.Cents(w.Vars["amount"])
	p := map[string]any{"id": "", "cents": cents}
	if was, is := then["payment"].(map[string]any); is {
		p["id"] = was["id"]
	}
	return map[string]any{"payment": p}, ok
}

// presumeDocument takes the document that was issued; a new one has no number yet.
func presumeDocument(_ process.Work, then map[string]any, was bool) (map[string]any, bool) {
	if was {
		return then, true
	}
	return map[string]any{"document": map[string]any{}}, true
}

func presumeMessage(process.Work, map[string]any, bool) (map[string]any, bool) {
	return map[string]any{"message": true}, true
}

func outcomeOf(w process.Work) string { return w.Header("outcome") }

// replayUsage says how the command is called.
const replayUsage = "usage: mercator process replay --config FILE --service ID [--package FOLDER | FILE.bpmn|FILE.dmn…] [--days N] [--max N] [--json]"

// ProcessCommand is mercator process: replay runs a version that isn't in force yet over
// recorded cases and prints whose outcome would be another.
func ProcessCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] != "replay" {
		fmt.Fprintln(stderr, replayUsage)
		return flag.ErrHelp
	}
	f := flag.NewFlagSet("mercator process replay", flag.ContinueOnError)
	f.SetOutput(stderr)
	file := f.String("config", "mercator.toml", "the configuration file")
	id := f.String("service", "", "the service")
	folder := f.String("package", "", "folder of the new version of the package")
	days := f.Int("days", 31, "cases that began in the last days")
	most := f.Int("max", 10_000, "how many cases at most, the last begun first")
	asJSON := f.Bool("json", false, "print JSON")
	if err := f.Parse(args[1:]); err != nil {
		return flag.ErrHelp
	}
	if *id == "" || *days < 1 || *most < 1 || *folder != "" && f.NArg() > 0 {
		fmt.Fprintln(stderr, replayUsage)
		return flag.ErrHelp
	}
	c, err := config.Load(*file)
	if err != nil {
		return err
	}
	return replayCommand(ctx, c, replayOrder{*id, *folder, f.Args(), *days, *most, *asJSON}, nil, stdout)
}

type replayOrder struct {
	service, folder string
	files           []string
	days, most      int
	json            bool
}

func replayCommand(ctx context.Context, c config.Config, o replayOrder, now func() time.Time, stdout io.Writer) error {
	h, err := reader(ctx, c, now)
	if err != nil {
		return err
	}
	defer h.Close()
	s, err := h.draft(ctx, o)
	if err != nil {
		return err
	}
	g, err := h.access.Permit(ctx, access.Request{Actor: operatorOfCommand(), Action: access.Read, Resource: "replay", Purpose: "trial", Service: s.ID})
	if err != nil {
		return err
	}
	until := h.now()
	r, err := h.engine.Replay(ctx, g, processweb.ReplayPlan(s, until.AddDate(0, 0, -o.days), until, o.most, 0))
	if err != nil {
		return err
	}
	// Whose case is printed is on record before it is.
	var persons []string
	for _, x := range r.List {
		p, err := h.cases.Peek(ctx, h.db, x.CaseID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		persons = append(persons, p.Person)
	}
	if err := h.access.Seen(ctx, g, persons); err != nil {
		return err
	}
	if o.json {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	return printReplay(stdout, r)
}

// operatorOfCommand is who calls a command, as the machine knows them.
func operatorOfCommand() access.Actor { return commandActor("process replay") }

// commandActor is who runs a command on the machine of the house.
func commandActor(command string) access.Actor {
	a := access.Actor{Kind: access.System, ID: "command", Name: "mercator " + command, Door: access.DoorCommand}
	if u, err := user.Current(); err == nil {
		a.ID, a.Name = "command:"+u.Username, u.Username
	}
	return a
}

// reader is a house that reads a database beside one that runs: it takes no requests, does
// no jobs, publishes nothing, puts no package into force and migrates nothing.
func reader(ctx context.Context, c config.Config, now func() time.Time) (_ *House, err error) {
	if err := hasDatabase(c); err != nil {
		return nil, err
	}
	h := &House{config: c, now: now, content: contentFS(c.Content.Dir), metrics: newMetrics(), log: c.Log.Logger()}
	if h.now == nil {
		h.now = time.Now
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if err := h.strongRoom(ctx, Options{Config: c, NoStream: true, AsIs: true}); err != nil {
		return nil, err
	}
	if err := h.readCity(); err != nil {
		return nil, err
	}
	h.services = service.NewCatalog(h.db, h.now)
	h.cases = &casefile.File{DB: h.db, Outbox: h.outbox, Now: h.now}
	h.engine, err = process.New(process.Config{DB: h.db, Jobs: h.jobs, Now: h.now, Zone: h.zone, Calendar: h.calendar, Log: h.log})
	if err != nil {
		return nil, err
	}
	return h, h.engine.Handle(h.handlers()...)
}

// draft is the version that is tried: a folder, or the one in force with other files.
func (h *House) draft(ctx context.Context, o replayOrder) (*service.Service, error) {
	if o.folder != "" {
		s, err := service.Parse(o.service, os.DirFS(o.folder))
		return s, err
	}
	s, err := h.services.Last(ctx, o.service)
	if fault.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("there is no service %q", o.service)
	}
	if err != nil || len(o.files) == 0 {
		return s, err
	}
	files := map[string][]byte{}
	for _, name := range o.files {
		if ext := filepath.Ext(name); ext != ".bpmn" && ext != ".dmn" {
			return nil, fmt.Errorf("%s: want a file that ends with .bpmn or .dmn", name)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if _, ok := files[filepath.Base(name)]; ok {
			return nil, fmt.Errorf("%s: there are two files of this name", filepath.Base(name))
		}
		files[filepath.Base(name)] = data
	}
	return s.With(maps.Clone(files))
}

func printReplay(w io.Writer, r process.Replay) error {
	fmt.Fprintf(w, "%s: %d cases that began from %s to %s\n", r.Service, r.Cases, r.Since.Format(time.DateOnly), r.Until.Format(time.DateOnly))
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(n int, text string) {
		if n > 0 {
			fmt.Fprintf(t, "  %d\t%s\n", n, text)
		}
	}
	line(r.Same, "unchanged")
	line(r.Changed, "another outcome")
	line(r.Waiting, "… would wait for what nobody was asked")
	line(r.Stuck, "… couldn't go on: an incident")
	line(r.Decided, "same outcome, but a decision comes out differently")
	line(r.Unrecorded, "can't be compared: nothing is recorded, or no more")
	line(r.ByHand, "can't be compared: changed by hand or migrated")
	line(r.Unlike, "can't be compared: their own version doesn't lead to where they stand")
	if r.More {
		fmt.Fprintf(t, "  \tthere are more cases\n")
	}
	for i, g := range r.Groups {
		if i == 0 {
			fmt.Fprint(t, "\nwhat changes\n")
		}
		fmt.Fprintf(t, "  %d\t%s\t-> %s\t%s\n", g.N, outcomeLine(r, g.Old), outcomeLine(r, g.New), partLine(r, g.Parting))
	}
	for i, d := range r.Decisions {
		if i == 0 {
			fmt.Fprint(t, "\ndecisions that come out differently\n")
		}
		fmt.Fprintf(t, "  %d\t%s\t%s\t-> %s\n", d.N, d.Decision, d.Old, d.New)
	}
	for i, c := range r.List {
		if i == 0 {
			fmt.Fprint(t, "\ncases\n")
		}
		decided := ""
		for _, d := range c.Decisions {
			decided += fmt.Sprintf("; %s: %s -> %s", d.Decision, d.Old, d.New)
		}
		fmt.Fprintf(t, "  %s\t%s\t-> %s\t%s\n", c.File, outcomeLine(r, c.Old), outcomeLine(r, c.New), strings.TrimPrefix(partLine(r, c.Parting)+decided, "; "))
	}
	return t.Flush()
}

func outcomeLine(r process.Replay, o process.Outcome) string {
	names := func(list []string) string {
		out := make([]string, len(list))
		for i, id := range list {
			out[i] = r.Name(id)
		}
		return strings.Join(out, ", ")
	}
	switch {
	case len(o.Stuck) > 0:
		return "incident at " + names(o.Stuck)
	case o.Status == bpmn.Running:
		return "waits at " + names(o.Waits)
	case o.Outcome != "":
		return o.Outcome
	case o.Status == bpmn.Cancelled:
		return "cancelled"
	}
	return names(o.Ends)
}

func partLine(r process.Replay, p process.Parting) string {
	if p.After == "" {
		return ""
	}
	to := func(id string) string {
		if id == "" {
			return "nowhere"
		}
		return r.Name(id)
	}
	return fmt.Sprintf("after %s: %s -> %s", r.Name(p.After), to(p.Old), to(p.New))
}
