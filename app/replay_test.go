// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
	"mercator/domain/process"
	"mercator/domain/service"
)

// TestReplay plays the scenarios of a package in one city, and then runs other versions
// over these cases with the command: beside the house, on both engines.
func TestReplay(t *testing.T) {
	engines := map[string]func(t *testing.T) config.Database{
		"sqlite": func(*testing.T) config.Database { return config.Database{} },
		"postgres": func(t *testing.T) config.Database {
			return config.Database{Engine: "postgres", DSN: config.Literal(storetest.PostgresDSN(t))}
		},
	}
	for name, database := range engines {
		t.Run(name, func(t *testing.T) { replays(t, database(t)) })
	}
}

func replays(t *testing.T, db config.Database) {
	ctx := context.Background()
	c := config.Config{Data: config.Data{Dir: t.TempDir()}, Database: db, Content: config.Content{Dir: contentDir}, Server: config.Server{PublicURL: "http://127.0.0.1"},
		Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "test", ClientSecret: config.Literal("test")},
		Payment:  config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("test-test-test-test-test-test-test")}}.WithDefaults()
	clock := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	till := &tillProvider{open: map[string]payment.Status{}}
	h, err := New(ctx, Options{Config: c, Payments: till, NoStream: true, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	people, err := h.loadSample(ctx, 10, clock, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := h.services.Current("resident-parking-permit")
	list, problems := service.Scenarios(s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	waits := func(sc service.Scenario) bool {
		return slices.ContainsFunc(sc.Steps, func(st service.Step) bool { return st.Wait != "" })
	}
	slices.SortStableFunc(list, func(a, b service.Scenario) int { // who waits comes last
		switch {
		case waits(a) == waits(b):
			return 0
		case waits(a):
			return 1
		}
		return -1
	})
	for _, sc := range list {
		named, ok := people.generator.Find(sc.Person)
		if !ok {
			t.Fatalf("no person %s", sc.Person)
		}
		p := &player{stage: &stage{h: h, till: till, advance: func(d time.Duration) { clock = clock.Add(d) }}, s: s, sc: sc,
			actor: access.Actor{Kind: access.Resident, ID: named.Resident.ID, Name: named.Resident.GivenNames, Level: access.High}}
		if err := p.apply(ctx); err != nil {
			t.Fatalf("%s: %v", sc.File, err)
		}
		clock = clock.Add(time.Hour)
		for _, st := range sc.Steps {
			if err := p.step(ctx, st); err != nil {
				t.Fatalf("%s: %v", sc.File, err)
			}
		}
		clock = clock.Add(time.Hour)
	}
	clock = clock.Add(time.Hour)

	drafts := t.TempDir()
	draft := func(file, old, fresh string) string {
		b, err := os.ReadFile(filepath.Join(contentDir, "services", s.ID, file))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), old, fresh)
		if text == string(b) {
			t.Fatalf("%s has no %q", file, old)
		}
		name := filepath.Join(drafts, file)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	run := func(o replayOrder) process.Replay {
		t.Helper()
		o.service, o.days, o.most, o.json = s.ID, 60, 1000, true
		var out bytes.Buffer
		if err := replayCommand(ctx, c, o, func() time.Time { return clock }, &out); err != nil {
			t.Fatal(err)
		}
		var r process.Replay
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if r.Cases != len(list) || r.Unlike+r.ByHand+r.Unrecorded > 0 {
			t.Fatalf("not every case can be compared: %s", &out)
		}
		return r
	}

	if r := run(replayOrder{}); r.Same != len(list) {
		t.Errorf("the version in force makes a difference: %+v", r)
	}
	if r := run(replayOrder{folder: filepath.Join(contentDir, "services", s.ID)}); r.Same != len(list) {
		t.Errorf("the same package makes a difference: %+v", r)
	}
	// A higher fee: nobody's outcome is another, but what those pay who take twelve months.
	r := run(replayOrder{files: []string{draft("fee.dmn", "<text>3070</text>", "<text>4200</text>")}})
	if r.Changed != 0 || r.Decided != 1 || len(r.Decisions) != 1 || !strings.Contains(r.Decisions[0].Old, "3070") || !strings.Contains(r.Decisions[0].New, "4200") {
		t.Errorf("%+v", r)
	}
	// Rules that let nobody through at once: who had it at once would wait for a person.
	r = run(replayOrder{files: []string{draft("eligibility.dmn", `"granted"`, `"check"`)}})
	if r.Changed != 1 || r.Waiting != 1 || r.List[0].Old.Outcome != "granted" || strings.Join(r.List[0].New.Waits, " ") != "review" ||
		r.List[0].Parting != (process.Parting{After: "entitled", Old: "fee", New: "in_review"}) {
		t.Errorf("%+v", r)
	}
	// More time to pay: who never paid would still be waited for.
	r = run(replayOrder{files: []string{draft("process.bpmn", "P30D", "P90D")}})
	if r.Changed != 1 || r.Waiting != 1 || r.List[0].Old.Outcome != "abandoned" || strings.Join(r.List[0].New.Waits, " ") != "paid" {
		t.Errorf("%+v", r)
	}
	// No second look of a person at what was refused: it would be granted and wait for the fee.
	r = run(replayOrder{files: []string{draft("process.bpmn", `=decision.outcome = "granted"`, `=decision.outcome != null`)}})
	if r.Changed != 1 || r.List[0].Old.Outcome != "refused" || strings.Join(r.List[0].New.Waits, " ") != "paid" {
		t.Errorf("%+v", r)
	}

	var out bytes.Buffer
	o := replayOrder{service: s.ID, files: []string{draft("process.bpmn", "P30D", "P90D")}, days: 60, most: 100}
	if err := replayCommand(ctx, c, o, func() time.Time { return clock }, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"another outcome", "abandoned", "waits at Auf Zahlung warten"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table doesn't say %q:\n%s", want, &out)
		}
	}
	for _, bad := range []replayOrder{{service: "nothing"}, {service: s.ID, files: []string{"letter.txt"}}, {service: s.ID, files: []string{draft("fee.dmn", "<decision ", "<decisio ")}}} {
		bad.days, bad.most = 60, 10
		if err := replayCommand(ctx, c, bad, nil, io.Discard); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	// The persons whose cases were printed find it in their ledger.
	var n int
	if err := h.db.QueryRow(ctx, "SELECT count(*) FROM audit_entry WHERE resource = 'replay' AND purpose = 'trial'").Scan(&n); err != nil || n < 7 {
		t.Errorf("%d replays on record: %v", n, err)
	}
	if err := h.db.QueryRow(ctx, "SELECT count(*) FROM audit_subject WHERE entry IN (SELECT id FROM audit_entry WHERE resource = 'replay')").Scan(&n); err != nil || n != 5 {
		t.Errorf("%d persons on record: %v", n, err)
	}
	// The database of an older program, which serves the city, stays its own.
	if err := h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM store_migration WHERE room = 'process' AND number = 40")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := replayCommand(ctx, c, o, nil, io.Discard); err == nil || !strings.Contains(err.Error(), "older than this program") {
		t.Errorf("a replay migrates the database: %v", err)
	}
}
