// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
	"mercator/domain/intake"
	"mercator/domain/payment"
	"mercator/domain/postbox"
	"mercator/domain/register"
	"mercator/domain/register/sample"
	"mercator/domain/service"
)

// onceHouse is a house with a clock that the test sets, on one of the engines.
type onceHouse struct {
	*House
	t       *testing.T
	c       config.Config
	content string
	clock   *time.Time
	people  *demoPeople
	began   time.Time
	// ready is told before anything is delivered, and then nothing is settled: the test runs the house itself.
	ready func()
}

func eachOnceHouse(t *testing.T, content string, test func(t *testing.T, o *onceHouse)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			c := config.Config{Data: config.Data{Dir: t.TempDir()}, Server: config.Server{PublicURL: "http://127.0.0.1"},
				Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "test", ClientSecret: config.Literal("test")},
				Payment:  config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("test-test-test-test-test-test-test")}}
			if engine == "postgres" {
				c.Database = config.Database{Engine: "postgres", DSN: config.Literal(storetest.PostgresDSN(t))}
			}
			began := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
			clock := began
			o := &onceHouse{t: t, c: c.WithDefaults(), content: content, clock: &clock, began: began}
			o.open()
			t.Cleanup(func() { o.Close() })
			test(t, o)
		})
	}
}

func (o *onceHouse) open() {
	o.t.Helper()
	h, err := New(context.Background(), Options{Config: o.c, Content: os.DirFS(o.content), Payments: &tillProvider{open: map[string]payment.Status{}}, NoStream: true,
		Now: func() time.Time { return *o.clock }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		o.t.Fatal(err)
	}
	o.House = h
	if o.people, err = h.loadSample(context.Background(), 10, o.began, io.Discard); err != nil {
		o.t.Fatal(err)
	}
	if o.ready != nil {
		o.ready()
		return
	}
	o.settle()
}

// restart is what a crash leaves: another house on the same data.
func (o *onceHouse) restart() {
	o.t.Helper()
	o.Close()
	o.open()
}

func (o *onceHouse) settle() {
	o.t.Helper()
	for range 3 { // jobs publish events, events make jobs
		if err := errors.Join(o.jobs.Drain(context.Background()), o.outbox.Drain(context.Background())); err != nil {
			o.t.Fatal(err)
		}
	}
}

// pass does the looks of a day to their end.
func (o *onceHouse) pass() {
	o.t.Helper()
	for more := true; more; {
		var err error
		if more, err = o.watches.Pass(context.Background()); err != nil {
			o.t.Fatal(err)
		}
	}
	o.settle()
}

func (o *onceHouse) resident(login string) (access.Actor, sample.Resident) {
	o.t.Helper()
	n, ok := o.people.generator.Find(login)
	if !ok {
		o.t.Fatalf("no %s", login)
	}
	return access.Actor{Kind: access.Resident, ID: n.Resident.ID, Name: n.Resident.GivenNames, Level: access.High}, n.Resident
}

// offers are the messages of a person that lead to an application.
func (o *onceHouse) offers(a access.Actor) (out []postbox.Message) {
	o.t.Helper()
	g, err := o.own(context.Background(), a, access.List, "message")
	if err != nil {
		o.t.Fatal(err)
	}
	list, err := o.postbox.List(context.Background(), g, postbox.After{}, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, m := range list {
		if strings.HasPrefix(m.Link, "/apply/") {
			out = append(out, m)
		}
	}
	return out
}

// looks are the times that a service has looked at a person's record by itself, as the
// person sees them.
func (o *onceHouse) looks(a access.Actor) (n int) {
	o.t.Helper()
	g, err := o.own(context.Background(), a, access.Read, "ledger")
	if err != nil {
		o.t.Fatal(err)
	}
	list, err := o.access.WhoRead(context.Background(), g, "", 200)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range list {
		if e.Purpose == "identity-card" && e.Resource == "register:identity_documents" {
			n++
		}
	}
	return n
}

// write puts a record about a person, or with fields only some of its fields.
func (o *onceHouse) write(reg, key, person string, fields map[string]any, amend bool) error {
	ctx := context.Background()
	return o.db.Write(ctx, func(tx *store.Tx) error {
		g, err := o.access.PermitTx(ctx, tx, access.Request{Actor: access.SystemActor("process"), Action: access.Change, Resource: register.Resource(reg),
			Purpose: "test", Basis: "§ 1", Owner: person, Subjects: []string{person}})
		if err != nil {
			return err
		}
		if amend {
			return o.registers.Amend(ctx, tx, g, reg, key, fields, register.Why{Reason: "test"})
		}
		return o.registers.Put(ctx, tx, g, reg, key, fields, register.Why{Reason: "test"})
	})
}

func (o *onceHouse) card(number, person, until string) {
	o.t.Helper()
	if err := o.write("identity_documents", number, person, map[string]any{"number": number, "holder": person, "kind": "identity_card", "issued_on": "2016-12-20", "valid_until": until}, false); err != nil {
		o.t.Fatal(err)
	}
	o.settle()
}

// An identity card that expires in less than eight weeks: the person finds a prepared
// application in the postbox, once, whatever the clock does and however often the house
// begins anew; and whoever has switched it off isn't even looked at.
func TestACardThatExpiresIsOfferedOnce(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		anna, who := o.resident("anna-schmidt")
		if n := o.offers(anna); len(n) != 0 {
			t.Fatalf("before anybody looked: %+v", n)
		}
		// Several nodes look at once.
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				if _, err := o.watches.Pass(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		o.settle()
		list := o.offers(anna)
		if len(list) != 1 {
			t.Fatalf("%d offers, want one", len(list))
		}
		m := list[0]
		if !strings.Contains(m.Subject["de"], "10.01.2027") || !strings.Contains(m.Subject["en"], "10 January 2027") || strings.Contains(m.Body["de"], "{") {
			t.Errorf("%v %v", m.Subject, m.Body)
		}
		d, err := o.intake.Draft(ctx, anna, strings.TrimPrefix(m.Link, "/apply/"))
		if err != nil || d.Service != "identity-card" || fmt.Sprint(d.Answers) != "map[reason:expires]" {
			t.Fatalf("%+v %v", d, err)
		}
		if d.Consent == intake.Yes || d.Registers != nil {
			t.Errorf("consent %q is not the town's to give: %v", d.Consent, d.Registers)
		}
		seen := o.looks(anna)
		if seen == 0 {
			t.Error("she doesn't find on record that her card was looked at")
		}

		// Again, the next days, after restarts, with the clock before and years ahead.
		for _, jump := range []time.Duration{0, 24 * time.Hour, 10 * 24 * time.Hour, -40 * 24 * time.Hour, 5 * 366 * 24 * time.Hour, time.Hour} {
			*o.clock = o.began.Add(jump)
			o.pass()
			o.restart()
			o.pass()
			if n := len(o.offers(anna)); n != 1 {
				t.Fatalf("%s later: %d offers", jump, n)
			}
		}
		*o.clock = o.began
		// What the package doesn't look at may change; the day is the occasion.
		if err := o.write("identity_documents", sampleCard(o, who.ID), anna.ID, map[string]any{"issued_on": "2017-01-11"}, true); err != nil {
			t.Fatal(err)
		}
		o.settle()
		if n := len(o.offers(anna)); n != 1 {
			t.Fatalf("after a change that is none of it: %d offers", n)
		}

		// Switched off: neither offered nor looked at, by a change nor by the day.
		jonas, other := o.resident("jonas-weber")
		if err := o.watches.Choose(ctx, jonas, "identity-card", true); err != nil {
			t.Fatal(err)
		}
		before := o.looks(jonas)
		o.card("L01X00T47", other.ID, "2026-12-20")
		*o.clock = o.began.Add(24 * time.Hour)
		o.pass()
		if n, l := len(o.offers(jonas)), o.looks(jonas); n != 0 || l != before {
			t.Fatalf("switched off: %d offers, looked at %d times", n, l-before)
		}
		if err := o.watches.Choose(ctx, anna, "no-such-service", true); !fault.Is(err, fault.NotFound) {
			t.Errorf("a service that isn't there: %v", err)
		}
		clerk := access.Actor{Kind: access.Clerk, ID: "petra", Office: "32", Level: access.High}
		if err := o.watches.Choose(ctx, clerk, "identity-card", true); !fault.Is(err, fault.Denied) {
			t.Errorf("a clerk chooses for nobody: %v", err)
		}
		// And on again: the next look of a day finds it.
		if err := o.watches.Choose(ctx, jonas, "identity-card", false); err != nil {
			t.Fatal(err)
		}
		*o.clock = o.began.Add(48 * time.Hour)
		o.pass()
		if n := len(o.offers(jonas)); n != 1 {
			t.Fatalf("switched on again: %d offers", n)
		}
		// Another day is another occasion; a change is seen at once, without a look of the day.
		o.card("L01X00T47", other.ID, "2026-12-28")
		if n := len(o.offers(jonas)); n != 2 {
			t.Fatalf("another day: %d offers", n)
		}
		// Not yet: more than eight weeks. The condition: not a provisional one. Past: no more.
		o.card("L01X00T48", other.ID, "2027-06-01")
		o.card("L01X00T50", other.ID, "2026-11-01")
		if err := o.write("identity_documents", "L01X00T49", other.ID, map[string]any{"number": "L01X00T49", "holder": other.ID, "kind": "provisional_identity_card", "issued_on": "2026-11-20", "valid_until": "2026-12-18"}, false); err != nil {
			t.Fatal(err)
		}
		o.settle()
		if n := len(o.offers(jonas)); n != 2 {
			t.Fatalf("what isn't due: %d offers", n)
		}
		// Its day comes near without anything that happens.
		*o.clock = time.Date(2027, 4, 10, 9, 0, 0, 0, time.UTC)
		o.pass()
		if n := len(o.offers(jonas)); n != 3 {
			t.Fatalf("in April: %d offers", n)
		}
	})
}

// sampleCard is the number of the card that the sample city gives a person.
func sampleCard(o *onceHouse, person string) string {
	o.t.Helper()
	for i := range 10 {
		if d, ok := o.people.generator.Document(i); ok && d.Holder == person {
			return d.Number
		}
	}
	o.t.Fatalf("no card of %s", person)
	return ""
}

// A record whose processing is restricted (Art. 18 GDPR) is found by no watch.
func TestARestrictedRecordIsNotWatched(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		anna, _ := o.resident("anna-schmidt")
		mine, err := o.registers.Own(ctx, o.access.Permit, anna, "identity_documents")
		if err != nil || len(mine) != 1 {
			t.Fatalf("%d cards: %v", len(mine), err)
		}
		mark := func(sql string, args ...any) {
			t.Helper()
			if err := o.db.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, sql, args...); return err }); err != nil {
				t.Fatal(err)
			}
		}
		mark(`INSERT INTO register_restriction (register, id, person, at, case_id, lifted_at, lifted_case) VALUES ('identity_documents', $1, $2, 1, '', 0, '')`, mine[0].ID, anna.ID)
		o.pass()
		if n := len(o.offers(anna)); n != 0 {
			t.Fatalf("restricted: %d offers", n)
		}
		mark(`UPDATE register_restriction SET lifted_at = 2 WHERE id = $1`, mine[0].ID)
		*o.clock = o.began.Add(24 * time.Hour)
		o.pass()
		if n := len(o.offers(anna)); n != 1 {
			t.Fatalf("lifted: %d offers", n)
		}
	})
}

// What a register says begins a process by its conditional start event, about the person
// whose record it is, once; and lets a case go on that waits for it to become so.
func TestRegistersMoveProcesses(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, startsContent(t), func(t *testing.T, o *onceHouse) {
		anna, who := o.resident("anna-schmidt")
		s, ok := o.services.Current("moving-aid")
		if !ok {
			t.Fatal("no moving-aid")
		}
		p := &player{stage: &stage{h: o.House}, s: s, actor: anna, sc: service.Scenario{Consent: true, Answers: map[string]any{"declared": true}}}
		if err := p.apply(ctx); err != nil {
			t.Fatal(err)
		}
		o.settle()
		state := func() casefile.State {
			c, err := o.cases.Peek(ctx, o.db, p.caseID)
			if err != nil {
				t.Fatal(err)
			}
			return c.State
		}
		cars := func() (out []casefile.Case) {
			list, err := o.cases.OpenOf(ctx, o.db, anna.ID, 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				if c.Service == "charging-point" {
					out = append(out, c)
				}
			}
			return out
		}
		if state() != casefile.Open || len(cars()) != 0 {
			t.Fatalf("%s, %d cases before anything changes", state(), len(cars()))
		}
		for _, step := range []struct {
			reg, key string
			fields   map[string]any
			state    casefile.State
			cars     int
		}{
			{"residents", who.ID, map[string]any{"house_number": "77"}, casefile.Open, 0},
			{"residents", who.ID, map[string]any{"quarter": "999"}, casefile.Closed, 0},
			{"vehicles", "DU-ZZ 1", map[string]any{"plate": "DU-ZZ 1", "holder": anna.ID, "make": "Opel", "model": "Corsa", "fuel": "petrol", "emission_class": "6", "first_registration": "2020-01-01"}, casefile.Closed, 0},
			{"vehicles", "DU-ZZ 1", map[string]any{"fuel": "electric"}, casefile.Closed, 1},
			{"vehicles", "DU-ZZ 1", map[string]any{"model": "Corsa-e"}, casefile.Closed, 1},
			{"vehicles", "DU-ZZ 1", map[string]any{"fuel": "petrol"}, casefile.Closed, 1},
			{"vehicles", "DU-ZZ 1", map[string]any{"fuel": "electric"}, casefile.Closed, 1},
		} {
			if err := o.write(step.reg, step.key, anna.ID, step.fields, step.fields["holder"] == nil); err != nil {
				t.Fatalf("%+v: %v", step, err)
			}
			o.settle()
			if got := state(); got != step.state || len(cars()) != step.cars {
				t.Fatalf("%v: the case is %s, %d processes have begun; want %s, %d", step.fields, got, len(cars()), step.state, step.cars)
			}
		}
		// Who has taken back their consent isn't read again for the case.
		jonas, other := o.resident("jonas-weber")
		p = &player{stage: &stage{h: o.House}, s: s, actor: jonas, sc: service.Scenario{Consent: true, Answers: map[string]any{"declared": true}}}
		if err := p.apply(ctx); err != nil {
			t.Fatal(err)
		}
		consents, err := o.intake.Consents(ctx, jonas, "", 10)
		if err != nil || len(consents) != 1 {
			t.Fatalf("%v %v", consents, err)
		}
		if err := o.intake.Withdraw(ctx, jonas, consents[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := o.write("residents", other.ID, jonas.ID, map[string]any{"quarter": "999"}, true); err != nil {
			t.Fatal(err)
		}
		o.settle()
		if got := state(); got != casefile.Open {
			t.Errorf("without consent the case is %s", got)
		}
		if vars, err := o.engine.VarsOf(ctx, o.db, cars()[0].ID); err != nil || vars["plate"] != "DU-ZZ 1" {
			t.Errorf("%v %v", vars, err)
		}
	})
}

// What changes reaches every subscriber, for each record in the order of its versions and
// without a gap, though many write at once, receivers fail and the house is stopped in between.
func TestChangesReachEverySubscriberInOrder(t *testing.T) {
	const writers, records, each = 4, 3, 12
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		if err := o.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `CREATE TABLE test_heard (who TEXT NOT NULL, record TEXT NOT NULL, n BIGINT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (who, record, n))`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var turn atomic.Int64
		subscribe := func() {
			for _, who := range []string{"test.first", "test.second"} {
				if err := o.outbox.Register(bus.Handler{Name: who, Types: []string{register.EventChanged}, Handle: func(ctx context.Context, tx *store.Tx, e bus.Event) error {
					var c register.Changed
					if err := json.Unmarshal(e.Data, &c); err != nil || c.Register != "identity_documents" {
						return err
					}
					if _, err := tx.Exec(ctx, `INSERT INTO test_heard (who, record, n, version) SELECT $1, $2, COUNT(*), $3 FROM test_heard WHERE who = $1 AND record = $2`, who, c.ID, c.Version); err != nil {
						return err
					}
					if turn.Add(1)%5 == 0 {
						return errors.New("its effect is lost this time")
					}
					return nil
				}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		subscribe()
		run, kill := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- o.outbox.Run(run) }()

		anna, _ := o.resident("anna-schmidt")
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					for r := range records {
						number := fmt.Sprintf("T%08d", r)
						day := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, w*1000+i).Format(time.DateOnly)
						err := o.write("identity_documents", number, anna.ID, map[string]any{"number": number, "holder": anna.ID, "kind": "identity_card", "issued_on": "2030-01-01", "valid_until": day}, false)
						for tries := 0; fault.Is(err, fault.Conflict) && tries < 50; tries++ {
							err = o.write("identity_documents", number, anna.ID, map[string]any{"number": number, "holder": anna.ID, "kind": "identity_card", "issued_on": "2030-01-01", "valid_until": day}, false)
						}
						if err != nil {
							t.Error(err)
							return
						}
					}
				}
				if w == 0 { // the house stops while others write
					kill()
				}
			})
		}
		all.Wait()
		kill()
		<-ended
		o.ready = subscribe
		o.restart()
		again, stop := context.WithCancel(ctx)
		defer stop()
		go o.outbox.Run(again)

		mine, err := o.registers.Own(ctx, o.access.Permit, anna, "identity_documents")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{}
		for _, r := range mine {
			if r.Version > 1 {
				want[r.ID] = r.Version
			}
		}
		if len(want) != records {
			t.Fatalf("%d records have changed, want %d", len(want), records)
		}
		heard := func(who, record string) (out []int64) {
			out, err := store.All(ctx, o.db, func(s store.Scanner) (v int64, err error) { return v, s.Scan(&v) }, `SELECT version FROM test_heard WHERE who = $1 AND record = $2 ORDER BY n`, who, record)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for record, last := range want {
			for _, who := range []string{"test.first", "test.second"} {
				var got []int64
				for range 600 {
					if got = heard(who, record); int64(len(got)) >= last {
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				var ordered []int64
				for v := range last {
					ordered = append(ordered, v+1)
				}
				if !slices.Equal(got, ordered) {
					t.Errorf("%s heard of %s %v, want 1 to %d", who, record, got, last)
				}
			}
		}
	})
}

// A package whose watch asks for more than it should isn't taken.
func TestMistakesInAWatchAreNamed(t *testing.T) {
	content := filepath.Join(t.TempDir(), "content")
	copyTree(t, contentDir, content)
	dir := filepath.Join(content, "services", "identity-card")
	name := filepath.Join(dir, "service.toml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ from, to, want string }{
		{"x", "x", ""},
		{`fields = ["kind", "valid_until"]`, `fields = ["kind", "valid_until", "issued_on"]`, `reads "issued_on" and uses it for nothing`},
		{`fields = ["kind", "valid_until"]`, `fields = ["valid_until"]`, `condition reads record.kind, which isn't among the fields`},
		{`date = "valid_until"`, `date = "issued_on"`, `date "issued_on" must be among the fields`},
		{`date = "valid_until"`, `date = "kind"`, `identity_documents.kind isn't searched as a date`},
		{`before = 56`, `before = 5600`, `before (0 to 731 days)`},
		{`basis = "§ 25 Absatz 1 VwVfG NRW in Verbindung mit § 23 Absatz 1 PAuswG"`, ``, `register, fields, condition and basis are needed`},
		{`opens = "offer"`, `opens = "gift"`, `opens "gift"`},
		{`reason = '="expires"'`, `motive = '="expires"'`, `application.form has no field "motive"`},
		{`en = "Your identity card expires on {valid_until}"`, `en = ""`, `subject has no text in en`},
		{"register = \"identity_documents\"\nfields", "register = \"streets\"\nfields", `there is no register "streets" about persons`},
	} {
		if err := os.WriteFile(name, []byte(strings.Replace(string(text), m.from, m.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		if ok := lintPackage(dir, &said); ok != (m.want == "") || !strings.Contains(said.String(), m.want) {
			t.Errorf("%s: %s, want %q", m.to, said.String(), m.want)
		}
	}
}
