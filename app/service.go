// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/intake"
	"mercator/domain/notice"
	"mercator/domain/payment"
	"mercator/domain/postbox"
	"mercator/domain/process"
	"mercator/domain/register"
	"mercator/domain/register/sample"
	"mercator/domain/service"
	"mercator/lang/form"
)

// ServiceCommand is mercator service: lint names the mistakes of packages and of life events, test
// plays the scenarios of either through, since holds a package to an older version of it, for the
// drafts that were begun with that. It returns the exit status.
func ServiceCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 3 && args[0] == "since" {
		return lintSince(args[1], args[2], stdout)
	}
	if len(args) < 2 || (args[0] != "lint" && args[0] != "test") {
		fmt.Fprintln(stderr, "usage: mercator service lint|test FOLDER…\n       mercator service since OLDER-FOLDER FOLDER")
		return 2
	}
	bad := false
	for _, dir := range args[1:] {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			fmt.Fprintf(stderr, "%s: not a folder\n", dir)
			return 2
		}
		var ok bool
		_, err := os.Stat(filepath.Join(dir, service.EventFile))
		switch {
		case args[0] == "lint" && err == nil:
			ok = lintEvent(dir, stdout)
		case args[0] == "lint":
			ok = lintPackage(dir, stdout)
		case err == nil:
			ok = testEvent(ctx, dir, stdout)
		default:
			ok = testPackage(ctx, dir, stdout)
		}
		bad = bad || !ok
	}
	if bad {
		return 1
	}
	return 0
}

// lintSince tells what of an older version of a package the rules for drafts forget, or get wrong.
func lintSince(older, dir string, w io.Writer) int {
	name := filepath.Base(filepath.Clean(dir))
	now, err := service.Parse(name, os.DirFS(dir))
	var before *service.Service
	if err == nil {
		before, err = service.Parse(name, os.DirFS(older))
	}
	if err != nil {
		fmt.Fprintln(w, err)
		return 1
	}
	problems, gone := service.Since(before, now)
	for _, p := range problems {
		p.File = filepath.Join(dir, p.File)
		fmt.Fprintln(w, p)
	}
	for _, field := range gone {
		fmt.Fprintf(w, "gone: %q of version %s: who has answered it is told, and it isn't handed over\n", field, before.Version)
	}
	if len(problems) > 0 {
		return 1
	}
	return 0
}

func lintPackage(dir string, w io.Writer) bool {
	name := filepath.Base(filepath.Clean(dir))
	s, err := service.Parse(name, os.DirFS(dir))
	var pe *service.ParseError
	var problems []service.Problem
	switch {
	case errors.As(err, &pe):
		problems = pe.Problems
	case err != nil:
		problems = []service.Problem{{File: name, Msg: err.Error()}}
	default:
		problems = service.Lint(s, notice.Lint(s))
		if root := contentOf(dir); root != "" {
			problems = append(problems, lintAgainst(os.DirFS(root), s)...)
		}
	}
	for _, p := range problems {
		p.File = filepath.Join(dir, p.File)
		fmt.Fprintln(w, p)
	}
	if len(problems) == 0 {
		fmt.Fprintf(w, "%s: ok, version %s\n", dir, s.Version)
	}
	return len(problems) == 0
}

// contentOf is the content folder that a package lies in (content/services/ID, content/events/ID), or "".
func contentOf(dir string) string {
	root := filepath.Dir(filepath.Dir(filepath.Clean(dir)))
	if info, err := os.Stat(filepath.Join(root, "registers")); err == nil && info.IsDir() {
		return root
	}
	return ""
}

func lintAgainst(content fs.FS, s *service.Service) []service.Problem {
	h := &House{content: content}
	if err := h.readCity(); err != nil {
		return []service.Problem{{File: "content", Msg: err.Error()}}
	}
	folder, err := fs.Sub(content, "registers")
	if err != nil {
		return []service.Problem{{File: "content", Msg: err.Error()}}
	}
	definitions, err := register.Load(folder)
	if err != nil {
		return []service.Problem{{File: "registers", Msg: err.Error()}}
	}
	h.definitions = definitions
	return append(h.checkService(s), service.Once(s, h.known())...)
}

// known is what the registers know about whoever applies.
func (h *House) known() []service.Known {
	var out []service.Known
	for _, d := range h.definitions.All() {
		for _, f := range d.Fields {
			if d.Person == "" || f.Name == d.Person || f.Class == register.Internal || f.View() {
				continue
			}
			out = append(out, service.Known{Register: d.ID, Field: f.Name, Title: f.Title, Synonyms: f.Synonyms, Thing: d.Person != d.Key})
		}
	}
	return out
}

func testPackage(ctx context.Context, dir string, w io.Writer) bool {
	root := contentOf(dir)
	if root == "" {
		fmt.Fprintf(w, "%s: a package is tested inside its content folder (content/services/ID), with registers and city beside it\n", dir)
		return false
	}
	name := filepath.Base(filepath.Clean(dir))
	s, err := service.Parse(name, os.DirFS(dir))
	if err != nil {
		fmt.Fprintln(w, err)
		return false
	}
	scenarios, problems := service.Scenarios(s)
	ok := len(problems) == 0
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	forms, problems := service.FormScenarios(s)
	ok = ok && len(problems) == 0
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	cover := map[string]*form.Coverage{"application": form.NewCoverage(s.Form)}
	for id, f := range s.TaskForms {
		cover[id] = form.NewCoverage(f)
	}
	for _, sc := range forms {
		if err := sc.Play(s, cover[sc.Form]); err != nil {
			ok = false
			fmt.Fprintf(w, "FAIL %s forms/%s: %s\n     %s\n", name, sc.File, sc.Title, strings.ReplaceAll(err.Error(), "\n", "\n     "))
			continue
		}
		fmt.Fprintf(w, "ok   %s forms/%s: %s\n", name, sc.File, sc.Title)
	}
	for _, sc := range scenarios {
		began := time.Now()
		if err := play(ctx, root, s, sc, config.Database{}, cover["application"]); err != nil {
			ok = false
			fmt.Fprintf(w, "FAIL %s %s: %s\n     %s\n", name, sc.File, sc.Title, strings.ReplaceAll(err.Error(), "\n", "\n     "))
			continue
		}
		fmt.Fprintf(w, "ok   %s %s: %s (%d ms)\n", name, sc.File, sc.Title, time.Since(began).Milliseconds())
	}
	for _, id := range slices.Sorted(maps.Keys(cover)) {
		printCoverage(w, name, id, cover[id])
	}
	return ok
}

// printCoverage tells which outcomes of a form's rules no scenario has touched.
func printCoverage(w io.Writer, service, id string, c *form.Coverage) {
	seen, all := c.Touched()
	if all == 0 {
		return
	}
	fmt.Fprintf(w, "     %s %s.form: %d of %d outcomes of its rules are touched\n", service, id, seen, all)
	for _, o := range c.Untouched() {
		fmt.Fprintf(w, "     untouched: %s:%d: %s\n", id+".form", o.Line, o)
	}
}

// tillProvider is a payment provider that says paid when the scenario does. It
// stands in for the network only; the cash desk and its rules are the real ones.
type tillProvider struct {
	mu   sync.Mutex
	open map[string]payment.Status
}

func (t *tillProvider) Create(_ context.Context, c payment.Checkout) (payment.Status, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := payment.Status{Transaction: ident.New(), RequestID: c.RequestID, State: payment.Initial, Cents: c.Cents, Currency: "EUR", Redirect: "http://127.0.0.1/checkout"}
	t.open[s.Transaction] = s
	return s, nil
}

func (t *tillProvider) Status(_ context.Context, transaction string) (payment.Status, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[transaction], nil
}

func (t *tillProvider) payAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, s := range t.open {
		s.State = payment.Payed
		t.open[id] = s
	}
}

// play plays one scenario in a house of its own: real database, real rooms, and a
// clock that the scenario sets. cover, unless nil, notes which rules of the application's form were touched.
func play(ctx context.Context, root string, s *service.Service, sc service.Scenario, db config.Database, cover *form.Coverage) error {
	st, err := openStage(ctx, root, sc.Today, db)
	if err != nil {
		return err
	}
	defer st.close()
	p := &player{stage: st, s: s, sc: sc, cover: cover}
	begin := p.begin
	if !sc.Begin.Given() {
		if p.actor, err = st.resident(sc.Person); err != nil {
			return err
		}
		begin = p.apply
	}
	if err := begin(ctx); err != nil {
		return err
	}
	for i, step := range sc.Steps {
		if err := p.step(ctx, step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return p.check(ctx)
}

// stage is a house for one scenario, with the sample city and a clock of its own.
type stage struct {
	h       *House
	till    *tillProvider
	people  *sample.Generator
	advance func(time.Duration)
	dir     string
}

func openStage(ctx context.Context, root, today string, db config.Database) (*stage, error) {
	day, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return nil, err
	}
	st := &stage{till: &tillProvider{open: map[string]payment.Status{}}}
	if st.dir, err = os.MkdirTemp("", "mercator-scenario-*"); err != nil {
		return nil, err
	}
	clock := day.Add(9 * time.Hour)
	st.advance = func(d time.Duration) { clock = clock.Add(d) }
	c := config.Config{Data: config.Data{Dir: st.dir}, Database: db, Server: config.Server{PublicURL: "http://127.0.0.1"},
		Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "scenario", ClientSecret: config.Literal("scenario")},
		Payment:  config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("scenario-scenario-scenario-scenario")}}.WithDefaults()
	if st.h, err = New(ctx, Options{Config: c, Content: os.DirFS(root), Payments: st.till, NoStream: true, Now: func() time.Time { return clock }, Log: slog.New(slog.DiscardHandler)}); err != nil {
		st.close()
		return nil, err
	}
	people, err := st.h.loadSample(ctx, 10, clock, io.Discard)
	if err != nil {
		st.close()
		return nil, err
	}
	st.people = people.generator
	return st, nil
}

func (st *stage) close() {
	if st.h != nil {
		st.h.Close()
	}
	os.RemoveAll(st.dir)
}

// resident is a named person of the sample city.
func (st *stage) resident(name string) (access.Actor, error) {
	named, ok := st.people.Find(name)
	if !ok {
		return access.Actor{}, fmt.Errorf("the sample city has no person %q", name)
	}
	return access.Actor{Kind: access.Resident, ID: named.Resident.ID, Name: named.Resident.GivenNames + " " + named.Resident.FamilyName, Level: access.High, Door: access.DoorCommand}, nil
}

// settle does all that is due now.
func (st *stage) settle(ctx context.Context) error {
	return errors.Join(st.h.jobs.Drain(ctx), st.h.outbox.Drain(ctx))
}

type player struct {
	*stage
	s      *service.Service
	sc     service.Scenario
	cover  *form.Coverage
	actor  access.Actor
	caseID string
}

// apply fills in the form page by page as the person would, and submits it.
func (p *player) apply(ctx context.Context) error {
	in := p.h.intake
	d, err := p.start(ctx)
	if err != nil {
		return err
	}
	if len(p.s.Data) > 0 {
		if err := in.Consent(ctx, p.actor, d.ID, p.sc.Consent); err != nil {
			return err
		}
	}
	for range 50 {
		if d, err = in.Draft(ctx, p.actor, d.ID); err != nil {
			return err
		}
		f, err := in.Fill(ctx, p.actor, d, "de")
		if err != nil {
			return err
		}
		if p.cover != nil { // in the package's own form: the house has read another copy
			p.cover.Add(p.s.Form.Eval(d.Answers, f.Context))
		}
		page := f.Resume()
		if page == "" {
			break
		}
		errs, err := in.Save(ctx, p.actor, d.ID, page, postOf(f, page, p.sc.Answers), "de")
		if err != nil {
			return err
		}
		if len(errs) > 0 {
			return fmt.Errorf("page %s: %s: %s %v", page, errs[0].Key, errs[0].Msg, errs[0].Args)
		}
	}
	for part, person := range p.sc.Cosign {
		if err := p.cosign(ctx, d.ID, part, person); err != nil {
			return err
		}
	}
	id, errs, err := in.Submit(ctx, p.actor, d.ID, "de")
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		return fmt.Errorf("the application is not complete: %s: %s", errs[0].Key, errs[0].Msg)
	}
	p.caseID = id
	return p.settle(ctx)
}

// cosign has somebody whom the person invites sign the application as it is.
func (p *player) cosign(ctx context.Context, draft, part, person string) error {
	in := p.h.intake
	signer, err := p.resident(person)
	if err != nil {
		return err
	}
	code, err := in.InviteToSign(ctx, p.actor, draft, part)
	if err != nil {
		return err
	}
	if _, err := in.Help(ctx, signer, code); err != nil {
		return err
	}
	d, err := in.Draft(ctx, signer, draft)
	if err != nil {
		return err
	}
	f, err := in.Fill(ctx, signer, d, "de")
	if err != nil {
		return err
	}
	hash, err := in.HashToSign(ctx, f)
	if err != nil {
		return err
	}
	return in.Sign(ctx, signer, draft, hash, "de")
}

// start begins the application, about what the scenario says if the service is about something.
func (p *player) start(ctx context.Context) (intake.Draft, error) {
	if p.sc.Offered != "" {
		return p.offered(ctx)
	}
	if p.s.About == "" {
		return p.h.intake.Start(ctx, p.actor, p.s.ID)
	}
	var about map[string]any
	if p.s.About == "entry" { // an office reads, and the person finds it on record
		reader := access.SystemActor("intake")
		reader.Office = p.s.Office
		if _, err := p.h.access.Permit(ctx, access.Request{Actor: reader, Action: access.Read, Resource: "register:residents", Purpose: p.s.ID, Basis: "§ 34 BMG",
			Owner: p.actor.ID, Fields: []string{"street"}}); err != nil {
			return intake.Draft{}, err
		}
		g, err := p.h.own(ctx, p.actor, access.Read, "ledger")
		if err != nil {
			return intake.Draft{}, err
		}
		entries, err := p.h.access.WhoRead(ctx, g, "", 1)
		if err != nil || len(entries) == 0 {
			return intake.Draft{}, errors.Join(err, errors.New("nobody has read anything"))
		}
		about = p.h.aboutEntry(entries[0], "Das Amt hat Ihre Anschrift gelesen.")
	} else {
		list, err := p.h.registers.Own(ctx, p.h.access.Permit, p.actor, p.sc.About["register"])
		if err != nil || len(list) == 0 {
			return intake.Draft{}, errors.Join(err, fmt.Errorf("the register %q holds nothing about the person", p.sc.About["register"]))
		}
		if about, err = p.h.aboutRecord(ctx, p.actor, p.sc.About["register"], list[0].ID, p.sc.About["field"], "de"); err != nil {
			return intake.Draft{}, err
		}
	}
	return p.h.intake.StartAbout(ctx, p.actor, p.s.ID, about)
}

// offered is the application that a watch has prepared, as the person finds it in their postbox.
func (p *player) offered(ctx context.Context) (intake.Draft, error) {
	for more := true; more; {
		var err error
		if more, err = p.h.watches.Pass(ctx); err != nil {
			return intake.Draft{}, err
		}
	}
	if err := p.settle(ctx); err != nil {
		return intake.Draft{}, err
	}
	g, err := p.h.own(ctx, p.actor, access.List, "message")
	if err != nil {
		return intake.Draft{}, err
	}
	list, err := p.h.postbox.List(ctx, g, postbox.After{}, 100)
	if err != nil {
		return intake.Draft{}, err
	}
	for _, m := range list {
		id, ok := strings.CutPrefix(m.Link, "/apply/")
		if !ok {
			continue
		}
		if d, err := p.h.intake.Draft(ctx, p.actor, id); err != nil || d.Service == p.s.ID {
			return d, err
		}
	}
	return intake.Draft{}, fmt.Errorf("the watch %q has offered nothing", p.sc.Offered)
}

// begin has the case begin by what the scenario says.
func (p *player) begin(ctx context.Context) error {
	b := p.sc.Begin
	if b.Wait != "" {
		if err := p.wait(ctx, b.Wait); err != nil {
			return err
		}
	} else if err := p.h.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		switch {
		case b.Message != "":
			_, err = p.h.engine.Deliver(ctx, tx, process.Note{Name: b.Message, Key: b.Key, Vars: b.Variables})
		case b.Signal != "":
			err = p.h.engine.Signal(ctx, tx, b.Signal, b.Variables)
		default:
			_, err = p.h.engine.Tell(ctx, tx, b.Variables)
		}
		return err
	}); err != nil {
		return err
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	clerk := access.Actor{Kind: access.Clerk, ID: "scenario", Name: "Scenario", Office: p.s.Office, Roles: []string{"clerk"}, Level: access.Substantial, Door: access.DoorCommand}
	g, err := p.h.access.Permit(ctx, access.Request{Actor: clerk, Action: access.List, Resource: "case", Office: clerk.Office, Purpose: "case work"})
	if err != nil {
		return err
	}
	cases, err := p.h.cases.List(ctx, g, casefile.After{}, 100)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cases, func(c casefile.Case) bool { return c.Service == p.s.ID })
	if i < 0 {
		return errors.New("no case has begun")
	}
	p.caseID = cases[i].ID
	return nil
}

// postOf is a page as a browser would send it, with what is filled in already unless the scenario says otherwise.
func postOf(f *intake.Filling, page string, answers map[string]any) url.Values {
	v := url.Values{}
	put := func(name string, a any) {
		v.Add(form.PostedField, name)
		switch a := a.(type) {
		case nil:
		case bool:
			if a {
				v.Set(name, "true")
			}
		case []any:
			for _, x := range a {
				v.Add(name, fmt.Sprint(x))
			}
		default:
			v.Set(name, fmt.Sprint(a))
		}
	}
	for _, it := range f.View.Page(page) {
		a, ok := answers[it.Name]
		if !ok {
			a = f.Draft.Answers[it.Name]
		}
		put(it.Name, a)
	}
	for name, a := range answers { // in groups and in the rows of lists
		if at, ok := f.View.Form.Place(name); ok && at.Field.Page == page && !v.Has(name) && at.Field.Parent != nil {
			put(name, a)
		}
	}
	return v
}

func (p *player) step(ctx context.Context, st service.Step) error {
	switch {
	case st.Pay != 0:
		return p.pay(ctx, st.Pay)
	case st.Task != "":
		return p.complete(ctx, st.Task, st.Answers)
	}
	return p.wait(ctx, st.Wait)
}

func (p *player) wait(ctx context.Context, how string) error {
	var days int
	if n, err := fmt.Sscanf(how, "P%dD", &days); n != 1 || err != nil {
		return fmt.Errorf("wait %q: want days, P31D", how)
	}
	p.advance(time.Duration(days) * 24 * time.Hour)
	return p.settle(ctx)
}

func (p *player) pay(ctx context.Context, cents int64) error {
	due, ok, err := p.h.payments.OpenFor(ctx, p.caseID)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("nothing is due")
	}
	if due.Cents != cents {
		return fmt.Errorf("%d cents are due, the scenario expects %d", due.Cents, cents)
	}
	g, err := p.h.access.Permit(ctx, access.Request{Actor: p.actor, Action: access.Change, Resource: "payment", Owner: p.actor.ID, Purpose: "own data"})
	if err != nil {
		return err
	}
	if _, err := p.h.payments.Begin(ctx, g, due.ID); err != nil {
		return err
	}
	p.till.payAll()
	if g, err = p.h.access.Permit(ctx, access.Request{Actor: p.actor, Action: access.Read, Resource: "payment", Owner: p.actor.ID, Purpose: "own data"}); err != nil {
		return err
	}
	if _, err := p.h.payments.Refresh(ctx, g, due.ID); err != nil {
		return err
	}
	return p.settle(ctx)
}

func (p *player) complete(ctx context.Context, element string, answers map[string]any) error {
	c, err := p.h.cases.Peek(ctx, p.h.db, p.caseID)
	if err != nil {
		return err
	}
	clerk := access.Actor{Kind: access.Clerk, ID: "scenario", Name: "Scenario", Office: c.Office, Roles: []string{"clerk"}, Level: access.Substantial, Door: access.DoorCommand}
	tasks, err := p.h.engine.TasksOf(ctx, p.h.db, p.caseID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tasks, func(t process.UserTask) bool { return t.Element == element && t.State == process.Open })
	if i < 0 {
		return fmt.Errorf("no task %q is open", element)
	}
	t := tasks[i]
	f := p.s.TaskForms[t.Form]
	for key := range answers {
		if f == nil || f.Field(key) == nil {
			return fmt.Errorf("the form %q of the task has no field %q", t.Form, key)
		}
	}
	g, err := p.h.access.Permit(ctx, access.Request{Actor: clerk, Action: access.Change, Resource: "task", Office: clerk.Office, Case: p.caseID, Purpose: "case work"})
	if err != nil {
		return err
	}
	if t, err = p.h.engine.Claim(ctx, g, t.ID); err != nil {
		return err
	}
	if g, err = p.h.access.Permit(ctx, access.Request{Actor: clerk, Action: access.Decide, Resource: "task", Office: clerk.Office, Case: p.caseID, Purpose: "case work"}); err != nil {
		return err
	}
	if err := p.h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := p.h.engine.Complete(ctx, tx, g, t.ID, t.Revision, answers)
		return err
	}); err != nil {
		return err
	}
	return p.settle(ctx)
}

// check compares the case with what the scenario expects, and tells all differences.
func (p *player) check(ctx context.Context) error {
	var bad []error
	differ := func(what string, got, want any) {
		if a, b := fmt.Sprint(got), fmt.Sprint(want); a != b {
			bad = append(bad, fmt.Errorf("%s: %s, want %s", what, a, b))
		}
	}
	c, err := p.h.cases.Peek(ctx, p.h.db, p.caseID)
	if err != nil {
		return err
	}
	want := p.sc.Expect
	differ("outcome", c.Outcome, want.Outcome)
	differ("state", c.State, "closed")
	if want.Status != "" {
		differ("status", c.Status.For("de"), want.Status)
	}
	clerk := access.Actor{Kind: access.Clerk, ID: "scenario", Name: "Scenario", Office: c.Office, Roles: []string{"clerk"}, Level: access.Substantial, Door: access.DoorCommand}
	g, err := p.h.access.Permit(ctx, access.Request{Actor: clerk, Action: access.Read, Resource: "case", Office: clerk.Office, Case: p.caseID, Purpose: "case work"})
	if err != nil {
		return err
	}
	documents, err := p.h.notice.OfCase(ctx, g, p.caseID)
	if err != nil {
		return err
	}
	templates := []string{}
	for _, d := range documents {
		templates = append(templates, d.Template)
	}
	differ("documents", templates, append([]string{}, want.Documents...))
	var holdings []register.Holding
	if p.actor.ID != "" {
		if holdings, err = p.h.registers.OwnData(ctx, p.h.access.Permit, p.actor); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want.Shows)) {
		shown := []string{}
		for _, x := range holdings {
			for _, r := range x.Records {
				if reg, field, _ := strings.Cut(name, "."); reg == x.Register.ID {
					all, err := r.All()
					if err != nil {
						return err
					}
					shown = append(shown, fmt.Sprint(all[field]))
				}
			}
		}
		if !slices.Contains(shown, want.Shows[name]) {
			differ(name, shown, want.Shows[name])
		}
	}
	records := []string{}
	for _, x := range holdings {
		for _, r := range x.Records {
			if r.Case == p.caseID {
				records = append(records, x.Register.ID)
			}
		}
	}
	differ("records", records, append([]string{}, want.Records...))
	rulings, err := p.h.cases.RulingsOf(ctx, p.caseID)
	if err != nil {
		return err
	}
	fired := map[string]string{}
	for _, r := range rulings {
		for _, rule := range r.Rules {
			fired[r.Decision] = rule.Law
		}
	}
	for decision, law := range want.Rules {
		differ("rule of "+decision, fired[decision], law)
	}
	incidents, err := p.h.engine.Incidents(ctx, "", 10)
	if err != nil {
		return err
	}
	for _, i := range incidents {
		bad = append(bad, fmt.Errorf("the process stopped at %s: %s", i.Element, i.Reason))
	}
	return errors.Join(bad...)
}
