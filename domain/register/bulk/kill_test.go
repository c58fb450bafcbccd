// SPDX-License-Identifier: EUPL-1.2

package bulk_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
	"mercator/domain/register/registertest"
)

const (
	killedEngine = "MERCATOR_TEST_KILLED_ENGINE" // of the import that is killed …
	killedPlace  = "MERCATOR_TEST_KILLED_PLACE"  // … where its database is …
	killedFolder = "MERCATOR_TEST_KILLED_FOLDER" // … and its keys and its file
	killedRows   = 40_000                        // several batches
)

func openKilled(t *testing.T, engine, place, folder string) *house {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Engine: store.Engine(engine), Path: place, DSN: place})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := store.Migrate(t.Context(), db, registertest.Rooms()); err != nil {
		t.Fatal(err)
	}
	regs, err := register.Load(os.DirFS("../../../content/registers"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db, checker: accesstest.AllowAll(t, db)}
	h.Service, err = register.New(register.Config{DB: db, Vault: vaulttest.At(t, db, filepath.Join(folder, "keyset")), Registers: regs,
		Publish: func(context.Context, *store.Tx, register.Changed) error { h.told++; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) killed(t *testing.T, folder string, progress func(what string)) (bulk.Report, error) {
	return bulk.Import(t.Context(), bulk.Order{Registers: h.Service, Register: "residents", File: filepath.Join(folder, "residents.csv"),
		Grant: h.grant(t, access.Change, "residents"), Why: register.Why{Reason: "test"}, Seen: inThousands(h.checker),
		Progress: func(what string, _, _ int64) { progress(what) }})
}

// inThousands puts on record whom a batch is about as the ledger takes it.
func inThousands(c *access.Checker) func(context.Context, *store.Tx, access.Grant, []string) error {
	return func(ctx context.Context, tx *store.Tx, g access.Grant, persons []string) error {
		for len(persons) > 0 {
			n := min(len(persons), 1000)
			if err := c.SeenTx(ctx, tx, g, persons[:n]); err != nil {
				return err
			}
			persons = persons[n:]
		}
		return nil
	}
}

// TestImportUntilKilled is the process that TestAnImportIsKilled kills. It says when a batch is stored.
func TestImportUntilKilled(t *testing.T) {
	engine := os.Getenv(killedEngine)
	if engine == "" {
		t.Skip("it is started by the test that kills it")
	}
	h := openKilled(t, engine, os.Getenv(killedPlace), os.Getenv(killedFolder))
	_, err := h.killed(t, os.Getenv(killedFolder), func(what string) {
		if what == "load" {
			fmt.Println("stored")
		}
	})
	fmt.Println("ended", err)
	time.Sleep(time.Minute)
}

// reader tells when the killed process has said something.
type reader struct {
	text bytes.Buffer
	word string
	said chan struct{}
}

func (r *reader) Write(b []byte) (int, error) {
	r.text.Write(b)
	if r.said != nil && strings.Contains(r.text.String(), r.word) {
		close(r.said)
		r.said = nil
	}
	return len(b), nil
}

// Killed with SIGKILL after its first batch, in the middle of the next or before the first, an import goes on with the same
// command, and in the end every record is there once, whole, and the feed tells of it once.
func TestAnImportIsKilled(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.Join(residentColumns, ",") + "\n")
	for i := range killedRows {
		fmt.Fprintf(&b, "r%06d,Anna,Schmidt%d,1990-01-02,DE,Kantstraße,%d,47057,Duisburg,505,2016-03-01\n", i, i, i%90+1)
	}
	for engine, place := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "mercator.db") },
		"postgres": func(t *testing.T) string { return storetest.PostgresDSN(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			at, folder := place(t), t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "residents.csv"), []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			h := openKilled(t, engine, at, folder)
			// One is there already: of the first records of a register the feed doesn't tell one by one.
			first := []byte(`{"id":"x","given_names":"Anna","family_name":"First","birth_date":"1990-01-02","nationality":"DE","street":"Kantstraße","house_number":"1","postcode":"47057","city":"Duisburg","quarter":"505","residence_since":"2016-03-01"}`)
			if err := h.Load(t.Context(), accesstest.Grant(t, h.checker, access.Request{Actor: access.SystemActor("test"), Action: access.Change, Resource: "register:residents"}),
				register.Loading{Name: "before", Upsert: true, Records: func(yield func(register.Item) bool) { yield(register.Item{Register: "residents", Data: first}) }}); err != nil {
				t.Fatal(err)
			}
			number := func(query string) (n int) {
				t.Helper()
				if err := h.db.QueryRow(t.Context(), query).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			whole := func(when string) int {
				t.Helper()
				records := number("SELECT count(*) FROM register_record WHERE register = 'residents' AND id <> 'x'")
				if n := number("SELECT count(*) FROM register_change WHERE register = 'residents' AND id <> ''"); n != records {
					t.Errorf("%s: %d records, and the feed tells of %d", when, records, n)
				}
				return records
			}
			before := 0
			for kill := range 2 {
				say := &reader{word: "stored", said: make(chan struct{})}
				said := say.said
				c := exec.Command(os.Args[0], "-test.run=^TestImportUntilKilled$", "-test.count=1")
				c.Env = append(os.Environ(), killedEngine+"="+engine, killedPlace+"="+at, killedFolder+"="+folder)
				c.Stdout, c.Stderr = say, os.Stderr
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() { c.Wait(); close(ended) }()
				select {
				case <-said:
				case <-ended:
					t.Fatalf("it ended by itself: %s", say.text.String())
				}
				c.Process.Kill()
				<-ended
				n := whole(fmt.Sprint("after kill ", kill+1))
				if n <= before || n >= killedRows && kill == 0 {
					t.Fatalf("after kill %d: %d records are stored, %d before", kill+1, n, before)
				}
				before = n
			}
			rep, err := h.killed(t, folder, func(string) {})
			if err != nil || rep.Before+rep.Fresh != killedRows || rep.Before < before || rep.Changed != 0 {
				t.Errorf("the last: %+v, %v; %d were stored", rep, err, before)
			}
			if n := whole("in the end"); n != killedRows {
				t.Errorf("%d records of %d", n, killedRows)
			}
			if n := number("SELECT count(*) FROM (SELECT id FROM register_find WHERE id <> 'x' GROUP BY id) x"); n != killedRows {
				t.Errorf("the index knows %d records", n)
			}
			g := accesstest.Grant(t, h.checker, access.Request{Actor: access.SystemActor("test"), Action: access.Read, Resource: "register:residents",
				Subjects: []string{"r000000", "r039999"}, Fields: []string{"id", "family_name"}})
			for id, name := range map[string]string{"r000000": "Schmidt0", "r039999": "Schmidt39999"} { // whose keys the killed one made, and the last
				page, err := h.Search(t.Context(), g, "residents", register.Query{Filter: "family_name = '" + name + "'"})
				if err != nil || len(page.Records) != 1 {
					t.Errorf("%s: %v, %v", id, page, err)
					continue
				}
				if r, err := page.Records[0].All(); err != nil || r["id"] != id || r["family_name"] != name {
					t.Errorf("%s: %v, %v", id, r, err)
				}
			}
		})
	}
}
