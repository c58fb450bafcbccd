// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"

	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

func rooms() []store.Migrations { return []store.Migrations{audit.Migrations(), vault.Migrations()} }

// house is a ledger with its log.
type house struct {
	t     testing.TB
	db    *store.DB
	log   *Log
	audit *audit.Ledger
	dir   string
	key   string
	now   time.Time
}

func newHouse(t testing.TB, db *store.DB) *house {
	h := &house{t: t, db: db, audit: &audit.Ledger{DB: db, Keys: Keys(vaulttest.Open(t, db))}, dir: filepath.Join(t.TempDir(), "ledger"), now: time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)}
	var err error
	if h.key, err = NewKey("https://city.example"); err != nil {
		t.Fatal(err)
	}
	h.open()
	return h
}

func (h *house) open() {
	var err error
	if h.log, err = Open(Config{Dir: h.dir, Key: h.key, Audit: h.audit, Now: func() time.Time { return h.now }}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) tick(d time.Duration) { h.now = h.now.Add(d) }

// read puts on record that a clerk has read of persons.
func (h *house) read(persons ...string) string {
	h.t.Helper()
	return h.reads(1, func(int) []string { return persons })[0]
}

// reads is read several times in one transaction.
func (h *house) reads(n int, persons func(int) []string) (ids []string) {
	h.t.Helper()
	at := h.now
	h.tick(time.Duration(n) * time.Second)
	h.write(func(tx *store.Tx) error {
		ids = nil
		for i := range n {
			e := h.entry(at.Add(time.Duration(i+1) * time.Second))
			if i%2 == 1 { // others are as if they were on record before doors were
				e.Door, e.Client = "api", "erp"
			}
			if err := h.audit.Add(context.Background(), tx, e, persons(i)); err != nil {
				return err
			}
			ids = append(ids, e.ID)
		}
		return nil
	})
	return ids
}

func (h *house) entry(at time.Time) audit.Entry {
	return audit.Entry{ID: ident.New(), At: at, ActorKind: "clerk", ActorID: "staff-7", ActorName: "Frau Beamtin", Office: "32", Action: "read",
		Resource: "case", Purpose: "parking", Basis: "§ 45 StVO", Case: "case-1", Outcome: audit.Permitted, Rule: "clerk-own-office", Fields: []string{"name", "plate"}}
}

func (h *house) own(person string) string {
	h.t.Helper()
	h.tick(time.Second)
	e := audit.Entry{ID: ident.New(), At: h.now, ActorKind: "resident", ActorID: person, ActorName: "Anna Schmidt", Action: "read", Resource: "case", Purpose: "own data", Outcome: audit.Permitted}
	h.write(func(tx *store.Tx) error { return h.audit.Add(context.Background(), tx, e, []string{person}) })
	return e.ID
}

func (h *house) seen(entry string, persons ...string) {
	h.t.Helper()
	h.tick(time.Second)
	h.write(func(tx *store.Tx) error {
		return h.audit.AddSubjects(context.Background(), tx, audit.Entry{ID: entry, ActorKind: "clerk", ActorID: "staff-7"}, h.now, persons)
	})
}

func (h *house) write(fn func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		n, err := tx.Exec(context.Background(), query, args...)
		if err == nil && n == 0 {
			return fmt.Errorf("nothing was touched by %s", query)
		}
		return err
	})
}

func (h *house) append() int {
	h.t.Helper()
	n, err := h.log.Append(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) checkpoint() []byte {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, "checkpoint"))
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// verify looks an hour later, when everything has had its time.
func (h *house) verify(kept ...[]byte) Report {
	h.t.Helper()
	o := Options{Source: Folder(h.dir), Key: h.log.PublicKey(), Leaves: true, Audit: h.audit, Now: h.now.Add(time.Hour)}
	for i, k := range kept {
		o.Kept = append(o.Kept, Kept{fmt.Sprint("kept-", i), k})
	}
	r, err := Verify(context.Background(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) sound(kept ...[]byte) Report {
	h.t.Helper()
	r := h.verify(kept...)
	if len(r.Findings) > 0 {
		h.t.Fatalf("findings where nothing is wrong: %v", r.Findings)
	}
	return r
}

func size(t testing.TB, raw []byte) uint64 {
	var c formats.Checkpoint
	if _, err := c.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	return c.Size
}

// found tells whether a report names a record with these words.
func found(r Report, record, words string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Record == record && strings.Contains(f.What, words) })
}

func TestEveryRecordIsInTheLogOnce(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.read("anna")
		h.own("anna")
		h.seen(id, "bora", "cem")
		if n := h.append(); n != 5 { // with the beginning of the log and of the day
			t.Fatalf("%d records were added, want 5", n)
		}
		first := h.checkpoint()
		if n := h.append(); n != 0 {
			t.Fatalf("%d records were added again", n)
		}
		h.reads(600, func(i int) []string { return []string{"anna", fmt.Sprint("p", i%7)} }) // more than two bundles
		h.append()
		r := h.sound(first, h.checkpoint())
		if r.Size != 605 || r.Records != 605 || r.Kept != 2 {
			t.Fatalf("%d leaves, %d records, %d checkpoints; want 605, 605, 2", r.Size, r.Records, r.Kept)
		}
		// Whoever has no database proves it from the tiles.
		mux := http.NewServeMux()
		mux.Handle("GET /ledger/", h.log.Handler("/ledger/"))
		server := httptest.NewServer(mux)
		defer server.Close()
		remote, err := Remote(server.URL + "/ledger")
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range []bool{false, true} {
			r, err := Verify(t.Context(), Options{Source: remote, Key: h.log.PublicKey(), Kept: []Kept{{"a", first}}, Leaves: all})
			if err != nil || len(r.Findings) > 0 || r.Kept != 1 || r.Size != 605 {
				t.Fatalf("from outside: %+v %v", r, err)
			}
		}
		for _, path := range []string{"/ledger/.append.lock", "/ledger/.state/treeState", "/ledger/tile/../checkpoint.key", "/ledger/tile/0/", "/ledger/tile/entries/../../x"} {
			res, err := http.Get(server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", path, res.StatusCode)
			}
		}
		// Nothing in the log names anybody.
		filepath.WalkDir(h.dir, func(name string, d os.DirEntry, err error) error {
			if b, _ := os.ReadFile(name); bytes.Contains(b, []byte("anna")) || bytes.Contains(b, []byte("Beamtin")) {
				t.Errorf("%s holds a name", name)
			}
			return err
		})
		// What is left of tiles before they were full is gone.
		if m, _ := filepath.Glob(filepath.Join(h.dir, "tile/0/000.p/*")); len(m) > 0 {
			t.Errorf("left behind: %v", m)
		}
	})
}

func TestTamperingIsFound(t *testing.T) {
	type attack struct {
		name string
		do   func(h *house, ids []string)
		want func(ids []string) (record, words string)
		// outsider: only who kept a checkpoint finds it.
		outsider bool
	}
	third := func(words string) func(ids []string) (string, string) {
		return func(ids []string) (string, string) { return ids[3], words }
	}
	nobody := func(words string) func([]string) (string, string) {
		return func([]string) (string, string) { return "", words }
	}
	change := func(column, value string) attack {
		return attack{name: "change " + column, want: third("it was changed"), do: func(h *house, ids []string) {
			h.exec("UPDATE audit_entry SET "+column+" = $1 WHERE id = $2", value, ids[3])
		}}
	}
	attacks := []attack{
		change("actor_name", "Herr Anders"), change("actor_id", "staff-8"), change("office", "50"), change("purpose", "other"), change("case_id", "case-2"),
		change("fields", `["name"]`), change("outcome", "refused"), change("basis", ""), change("salt", "AAAAAAAAAAAAAAAAAAAAAA"),
		change("door", "desk"), change("door", ""), change("client", "erp2"), change("client", ""),
		{name: "give an older entry a door", want: func(ids []string) (string, string) { return ids[2], "it was changed" }, do: func(h *house, ids []string) {
			h.exec("UPDATE audit_entry SET door = 'portal' WHERE id = $1 AND door = ''", ids[2])
		}},
		{name: "say the door where the client stands", want: third("it was changed"), do: func(h *house, ids []string) {
			h.exec("UPDATE audit_entry SET door = client, client = door WHERE id = $1", ids[3])
		}},
		{name: "change the time", want: third("it was changed"), do: func(h *house, ids []string) {
			h.exec("UPDATE audit_entry SET at = at - 1 WHERE id = $1", ids[3])
		}},
		{name: "delete an entry", want: third("it was deleted"), do: func(h *house, ids []string) {
			h.exec("DELETE FROM audit_subject WHERE entry = $1", ids[3])
			h.exec("DELETE FROM audit_entry WHERE id = $1", ids[3])
		}},
		{name: "delete an entry and its place", want: nobody("the database has no record of it"), do: func(h *house, ids []string) {
			h.exec("DELETE FROM audit_subject WHERE entry = $1", ids[3])
			h.exec("DELETE FROM audit_entry WHERE id = $1", ids[3])
			h.exec("DELETE FROM audit_leaf WHERE record = $1", ids[3])
		}},
		{name: "delete the last entries and their places", want: nobody("the database has no record of it"), do: func(h *house, ids []string) {
			for _, id := range ids[len(ids)-3:] {
				h.exec("DELETE FROM audit_entry WHERE id = $1", id)
				h.exec("DELETE FROM audit_leaf WHERE record = $1", id)
			}
		}},
		{name: "delete a person", want: third("the persons of it"), do: func(h *house, ids []string) {
			h.exec("DELETE FROM audit_subject WHERE entry = $1 AND person = 'anna'", ids[3])
		}},
		{name: "another person", want: third("the persons of it"), do: func(h *house, ids []string) {
			h.exec("UPDATE audit_subject SET person = 'bora' WHERE entry = $1 AND person = 'anna'", ids[3])
		}},
		{name: "one more person", want: third("the persons of it"), do: func(h *house, ids []string) {
			h.exec("INSERT INTO audit_subject (person, entry, own, record) VALUES ('anna2', $1, FALSE, '')", ids[3])
		}},
		{name: "a person by no record", want: third("nothing that is on record"), do: func(h *house, ids []string) {
			h.exec("INSERT INTO audit_subject (person, entry, own, record) VALUES ('anna2', $1, FALSE, 'x')", ids[3])
		}},
		{name: "delete who was seen", want: nobody("the database has no record"), do: func(h *house, ids []string) {
			h.exec("DELETE FROM audit_leaf WHERE kind = 'seen'")
			h.exec("DELETE FROM audit_seen")
			h.exec("DELETE FROM audit_subject WHERE record <> ''")
		}},
		{name: "change the order", want: third("the order was changed"), do: func(h *house, ids []string) {
			h.exec("UPDATE audit_leaf SET leaf = leaf + 100000 WHERE record = $1 OR record = $2", ids[3], ids[4])
			h.exec("UPDATE audit_leaf SET leaf = (SELECT leaf FROM audit_leaf WHERE record = $1) - 100001 WHERE record = $2", ids[4], ids[4])
			h.exec("UPDATE audit_leaf SET leaf = leaf - 99999 WHERE record = $1", ids[3])
		}},
		{name: "the key of a person", want: third("the persons of it"), do: func(h *house, ids []string) {
			h.exec("DELETE FROM vault_key WHERE subject = 'ledger:anna'")
			h.write(func(tx *store.Tx) error { return h.audit.Keys.Keep(context.Background(), tx, "anna", "x") })
		}},
		{name: "destroy the key of a person by hand", want: third("has no key"), do: func(h *house, ids []string) {
			h.exec("DELETE FROM vault_key WHERE subject = 'ledger:anna'")
		}},
		{name: "add an entry by hand", want: nobody("it isn't in the log"), do: func(h *house, ids []string) {
			h.exec("INSERT INTO audit_entry (id, at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields, salt) SELECT 'forged', at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields, salt FROM audit_entry WHERE id = $1", ids[3])
		}},
		{name: "add an entry of the past through the queue", want: nobody("it was added afterwards"), do: func(h *house, ids []string) {
			h.exec("INSERT INTO audit_entry (id, at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields, salt) SELECT 'forged', at - 3600000000, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields, salt FROM audit_entry WHERE id = $1", ids[3])
			h.exec("INSERT INTO audit_pending (record, kind) VALUES ('forged', 'access')")
			h.append()
		}},
		{name: "delete an entry before it is in the log", want: func(ids []string) (string, string) { return "last", "it was deleted" }, do: func(h *house, ids []string) {
			h.exec("DELETE FROM audit_entry WHERE id = $1", h.read("anna"))
			h.append()
		}},
		{name: "say that it was erased", want: nobody("the database has no record of it"), do: func(h *house, ids []string) {
			h.write(func(tx *store.Tx) error {
				return h.audit.AddAct(context.Background(), tx, audit.Record{Act: audit.Erased, At: h.now, Upto: 9})
			})
			h.append()
			h.exec("DELETE FROM audit_entry WHERE id = $1", ids[3])
			h.exec("DELETE FROM audit_leaf WHERE record = $1", ids[3])
		}},
		{name: "replace a tile", want: nobody("the tile tile/0/000"), do: func(h *house, _ []string) { h.spoil("tile/0/000") }},
		{name: "replace a bundle", want: nobody("don't make up the root"), do: func(h *house, _ []string) { h.spoil("tile/entries/000") }},
		{name: "remove a bundle", want: nobody("the bundle tile/entries/000"), do: func(h *house, _ []string) {
			if err := os.Remove(filepath.Join(h.dir, "tile/entries/000")); err != nil {
				h.t.Fatal(err)
			}
		}},
		{name: "replace the key", want: nobody("isn't signed with the key"), do: func(h *house, _ []string) {
			raw := h.checkpoint()
			key, _ := NewKey("https://city.example")
			signer, err := note.NewSigner(key)
			if err != nil {
				h.t.Fatal(err)
			}
			text, _, _ := bytes.Cut(raw, []byte("\n\n"))
			raw, err = note.Sign(&note.Note{Text: string(text) + "\n"}, signer)
			if err != nil {
				h.t.Fatal(err)
			}
			os.WriteFile(filepath.Join(h.dir, "checkpoint"), raw, 0o600)
		}},
		{name: "replace the key everywhere", want: nobody("the key of the log replaced"), outsider: true, do: func(h *house, _ []string) {
			h.key, _ = NewKey("https://city.example")
			h.restart()
		}},
		{name: "roll the log back", want: nobody("was rolled back"), do: func(h *house, _ []string) { h.rollBack() }},
		{name: "roll back log and database", want: nobody("it was rolled back"), outsider: true, do: func(h *house, _ []string) {
			h.rollBack()
			n := size(h.t, h.checkpoint())
			h.exec("DELETE FROM audit_entry WHERE id IN (SELECT record FROM audit_leaf WHERE leaf >= $1)", n)
			h.exec("DELETE FROM audit_seen")
			h.exec("DELETE FROM audit_subject WHERE record <> '' OR entry NOT IN (SELECT id FROM audit_entry)")
			h.exec("DELETE FROM audit_leaf WHERE leaf >= $1", n)
		}},
		{name: "fork", want: nobody("the log is forked"), outsider: true, do: func(h *house, ids []string) {
			h.exec("UPDATE audit_entry SET purpose = 'other' WHERE id = $1", ids[3])
			h.restart()
		}},
		{name: "fork and go on", want: nobody("hasn't grown from the checkpoint"), outsider: true, do: func(h *house, ids []string) {
			h.exec("UPDATE audit_entry SET purpose = 'other' WHERE id = $1", ids[3])
			h.restart()
			h.read("anna")
			h.append()
		}},
	}
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		for _, a := range attacks {
			t.Run(a.name, func(t *testing.T) {
				clean(t, db)
				h := newHouse(t, db)
				var ids []string
				some := func(i int) []string { return []string{"anna", fmt.Sprint("p", i%3)} }
				ids = h.reads(100, some)
				h.append()
				h.keepCopy()
				ids = append(ids, h.reads(200, some)...)
				h.seen(ids[5], "bora")
				h.append()
				kept := h.checkpoint()
				h.sound(kept)
				a.do(h, ids)
				r := h.verify(kept)
				record, words := a.want(ids)
				ok := found(r, record, words)
				if record == "" || record == "last" {
					ok = slices.ContainsFunc(r.Findings, func(f Finding) bool { return strings.Contains(f.String(), words) })
				}
				if !ok {
					t.Fatalf("not found: want %q %q, got %v", record, words, r.Findings)
				}
				if without := h.verify(); a.outsider != (len(without.Findings) == 0) {
					t.Fatalf("without a checkpoint that was kept: %v", without.Findings)
				}
			})
		}
	})
}

func clean(t *testing.T, db *store.DB) {
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		for _, table := range []string{"audit_entry", "audit_subject", "audit_seen", "audit_act", "audit_pending", "audit_leaf", "audit_forgotten", "vault_key"} {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (h *house) spoil(name string) {
	name = filepath.Join(h.dir, name)
	b, err := os.ReadFile(name)
	if err != nil {
		h.t.Fatal(err)
	}
	b[40] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) keepCopy() {
	if err := os.CopyFS(h.dir+".old", os.DirFS(h.dir)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) rollBack() {
	if err := errors.Join(os.RemoveAll(h.dir), os.Rename(h.dir+".old", h.dir)); err != nil {
		h.t.Fatal(err)
	}
}

// restart begins the log anew from the database, as somebody would who has changed it.
func (h *house) restart() {
	if err := os.RemoveAll(h.dir); err != nil {
		h.t.Fatal(err)
	}
	h.exec("INSERT INTO audit_pending (record, kind) SELECT record, kind FROM audit_leaf WHERE kind <> 'act'")
	h.exec("INSERT INTO audit_pending (record, kind) SELECT record, kind FROM audit_leaf WHERE kind = 'act'")
	h.exec("UPDATE audit_act SET note = $1 WHERE kind = 'began'", must(VerifierKey(h.key)))
	h.exec("DELETE FROM audit_leaf")
	h.open()
	h.append()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestNothingIsAddedToAnOlderLog(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.read("anna")
		h.append()
		h.keepCopy()
		h.read("anna")
		h.append()
		h.rollBack()
		h.read("anna")
		if _, err := h.log.Append(t.Context()); !errors.Is(err, ErrShorter) {
			t.Fatalf("got %v", err)
		}
	})
}

// A process is killed after the log has a batch and before the database knows: nothing is lost, nothing is there twice.
func TestKilledBetweenLogAndDatabase(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		late := ident.New() // an id that is made now and committed late
		killed := errors.New("killed")
		for round := range 4 {
			h.reads(200, func(int) []string { return []string{"anna"} })
			h.log.fail = func() error { return killed }
			if _, err := h.log.Append(t.Context()); !errors.Is(err, killed) {
				t.Fatalf("got %v", err)
			}
			h.open() // another process
			h.read("bora")
			if round == 2 {
				h.write(func(tx *store.Tx) error {
					return h.audit.Add(t.Context(), tx, audit.Entry{ID: late, At: h.now, ActorKind: "system", ActorID: "x", Action: "read", Resource: "case", Purpose: "p", Outcome: audit.Permitted}, []string{"anna"})
				})
			}
			h.append()
		}
		r := h.sound()
		if want := uint64(4*201 + 1 + 2); r.Size != want || r.Records != int(want) {
			t.Fatalf("%d leaves, %d records; want %d", r.Size, r.Records, want)
		}
		if _, ok, err := h.audit.LeafOf(t.Context(), late); !ok || err != nil {
			t.Fatalf("what was committed late isn't in the log: %v", err)
		}
	})
}

func TestForgottenPersons(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.read("anna", "bora")
		h.own("anna")
		h.seen(h.read("cem"), "anna")
		h.append()
		h.read("anna") // not in the log yet
		kept := h.checkpoint()
		if err := h.log.Forget(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		h.append()
		h.sound(kept)
		for _, table := range []string{"audit_subject WHERE person = 'anna'", "vault_key WHERE subject LIKE '%anna%'", "audit_entry WHERE actor_id = 'anna' OR actor_name LIKE 'Anna%'"} {
			var n int
			if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s: %d rows %v", table, n, err)
			}
		}
		if list := must(h.audit.ForPerson(t.Context(), "bora", "", 9)); len(list) != 1 || list[0].ID != id {
			t.Errorf("the entries of others: %v", list)
		}
		h.exec("DELETE FROM audit_forgotten WHERE record = $1", id)
		if r := h.verify(); !found(r, id, "the persons of it") {
			t.Errorf("what is left of a forgotten person was removed, and nobody says so: %v", r.Findings)
		}
	})
}

// A database of before the keys were the vault's: all that was in the log verifies as before, a person's proofs too, and
// no key is left with the entries.
func TestKeysMoveIntoTheVault(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.reads(600, func(i int) []string { return []string{"anna", fmt.Sprint("p", i)} }) // more than one batch of persons
		h.own("bora")
		h.append()
		before, kept := must(h.log.prove(t.Context(), "anna", shown, "", MaxRecords)), h.checkpoint()
		persons := []string{"anna", "bora"}
		for i := range 600 {
			persons = append(persons, fmt.Sprint("p", i))
		}
		of := must(h.audit.Keys.Of(t.Context(), db, persons))
		h.write(func(tx *store.Tx) error {
			for person, key := range of {
				if _, err := tx.Exec(t.Context(), "INSERT INTO audit_key_before (person, key) VALUES ($1, $2)", person, key); err != nil {
					return err
				}
			}
			_, err := tx.Exec(t.Context(), "DELETE FROM vault_key")
			return err
		})
		if r := h.verify(); len(r.Findings) == 0 {
			t.Fatal("nothing is missing without the keys: the test shows nothing")
		}
		if n := must(h.audit.MoveKeys(t.Context())); n != 602 {
			t.Errorf("%d keys were moved, want 602", n)
		}
		if n := must(h.audit.MoveKeys(t.Context())); n != 0 {
			t.Errorf("%d keys were moved again", n)
		}
		h.sound(kept)
		if after := must(h.log.prove(t.Context(), "anna", shown, "", MaxRecords)); after.Person != before.Person || len(after.Records) != 600 {
			t.Errorf("the proof is another one: %d records", len(after.Records))
		} else if _, err := after.Check(h.log.PublicKey()); err != nil {
			t.Error(err)
		}
		h.read("anna", "dora")
		h.append()
		h.sound(kept)
	})
}

// A database that was restored from before a person was forgotten forgets again, and verifies.
func TestForgottenAgainAfterARestore(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		id := h.read("anna", "bora")
		h.own("anna")
		h.seen(h.read("cem"), "anna")
		h.append()
		late := h.read("anna", "cem") // the backup has it as pending
		tables := []string{"audit_subject", "audit_entry", "audit_pending", "audit_seen", "audit_leaf", "audit_act"}
		for _, table := range tables {
			h.exec("CREATE TABLE " + table + "_copy AS SELECT * FROM " + table)
		}
		h.append()
		if err := h.log.Forget(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		h.append()
		kept := h.checkpoint()
		var lines bytes.Buffer
		if n := must(h.audit.ExportForgotten(t.Context(), &lines)); n != 5 {
			t.Errorf("%d places of forgotten persons, want 5", n)
		}
		// The restore: what was, but for the keys and what is left of the forgotten, which are of today.
		h.write(func(tx *store.Tx) error {
			for _, table := range append([]string{"audit_forgotten"}, tables...) {
				if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
					return err
				}
			}
			for _, table := range tables {
				if _, err := tx.Exec(t.Context(), "INSERT INTO "+table+" SELECT * FROM "+table+"_copy"); err != nil {
					return err
				}
			}
			return nil
		})
		t.Cleanup(func() {
			for _, table := range tables {
				db.Write(context.Background(), func(tx *store.Tx) error {
					_, err := tx.Exec(context.Background(), "DROP TABLE "+table+"_copy")
					return err
				})
			}
		})
		if list := must(h.audit.Leaves(t.Context(), 0, 99)); !slices.ContainsFunc(list, func(x audit.Leaf) bool { return x.Record.ID == id && x.Record.Keyless() }) {
			t.Error("the backup doesn't know of who was forgotten: the test shows nothing")
		}
		if err := h.audit.ForgetAgain(t.Context(), bytes.NewReader(lines.Bytes()), h.now, Commit); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM audit_subject WHERE person = 'anna') + (SELECT COUNT(*) FROM audit_entry WHERE actor_id = 'anna')").Scan(&n); err != nil || n != 0 {
			t.Errorf("anna stands in %d places, %v", n, err)
		}
		h.append()
		r := h.verify(kept)
		for _, f := range r.Findings { // what the log has since the backup is lost, and nothing else
			if f.What != "the database has no record of it: it was deleted, or the database is older than the log" {
				t.Errorf("%v", f)
			}
		}
		if _, ok, err := h.audit.LeafOf(t.Context(), late); !ok || err != nil {
			t.Errorf("the entry that the backup had as pending isn't found in the log: %v", err)
		}
		if err := h.audit.ForgetAgain(t.Context(), strings.NewReader("no line of JSON"), h.now, Commit); err == nil {
			t.Error("a damaged file was read")
		}
	})
}

func TestEndOfRetention(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		var first []string
		for range 30 {
			first = append(first, h.read("anna"))
		}
		h.seen(first[3], "bora")
		h.append()
		h.tick(24 * time.Hour)
		second := h.read("anna")
		h.append()
		h.tick(Retention - 12*time.Hour) // the second day isn't old enough
		h.append()
		if n := must(h.log.Retain(t.Context())); n != 0 {
			t.Fatalf("%d removed before that is on record", n)
		}
		h.append()
		kept := h.checkpoint()
		must(h.log.Retain(t.Context()))
		list := must(h.audit.ForPerson(t.Context(), "anna", "", 100))
		if len(list) != 1 || list[0].ID != second {
			t.Fatalf("%d entries are left, want the one of the second day", len(list))
		}
		if n := must(h.audit.Strays(t.Context())); len(n) > 0 {
			t.Fatalf("left behind: %v", n)
		}
		h.read("anna")
		h.append()
		r := h.sound(kept)
		if r.Gone == 0 {
			t.Error("nothing is reported as gone")
		}
		h.exec("DELETE FROM audit_subject WHERE entry = $1", second)
		h.exec("DELETE FROM audit_entry WHERE id = $1", second)
		h.exec("DELETE FROM audit_leaf WHERE record = $1", second)
		if r := h.verify(); len(r.Findings) == 0 {
			t.Error("what was deleted behind the end of retention isn't found")
		}
	})
}

// shown is a rule as a city might have it.
func shown(e audit.Entry) audit.Disclosure {
	return audit.Disclosure{Hidden: e.Purpose == "investigation", Fields: []string{"actor_kind", "office", "action", "resource", "basis", "outcome", "fields"}}
}

func TestAPersonChecksTheirEntries(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		for range 20 {
			h.read("anna", "bora")
		}
		listed := h.read("cem")
		h.seen(listed, "anna", "bora")
		h.own("anna")
		h.tick(time.Second)
		h.write(func(tx *store.Tx) error {
			return h.audit.Add(t.Context(), tx, audit.Entry{ID: ident.New(), At: h.now, ActorKind: "clerk", ActorID: "staff-1", Action: "read", Resource: "case", Purpose: "investigation", Outcome: audit.Permitted}, []string{"anna"})
		})
		h.append()
		old := h.checkpoint()
		waits := h.read("anna")
		checker := accesstest.AllowAll(t, db)
		g := accesstest.Grant(t, checker, access.Request{Actor: access.Actor{Kind: access.Resident, ID: "anna"}, Action: access.Read, Resource: "ledger", Owner: "anna"})
		p, err := h.log.Prove(t.Context(), g, shown, "", MaxRecords)
		if err != nil {
			t.Fatal(err)
		}
		if p.Waiting != 1 || p.Before != "" {
			t.Errorf("waiting %d (%s), before %q", p.Waiting, waits, p.Before)
		}
		file := must(json.Marshal(p))
		for _, word := range []string{"Beamtin", "staff-7", "case-1", "bora", "cem", "investigation", `"anna"`} {
			if bytes.Contains(file, []byte(word)) {
				t.Errorf("the file says %q", word)
			}
		}
		p, err = ReadProof(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Check(h.log.PublicKey())
		if err != nil || c.Entries != 21 {
			t.Fatalf("%+v %v", c, err)
		}
		h.read("x")
		h.append()
		now := Kept{"now", h.checkpoint()}
		if err := errors.Join(p.Against(t.Context(), "", Kept{"old", old}, nil), p.Against(t.Context(), "", now, Folder(h.dir))); err != nil {
			t.Error(err)
		}
		if err := p.Against(t.Context(), "", now, nil); err == nil {
			t.Error("another size was compared without the log")
		}
		// The entries of somebody else, and every kind of change.
		other := must(VerifierKey(must(NewKey("https://city.example"))))
		if _, err := p.Check(other); err == nil {
			t.Error("it holds with another key")
		}
		text := string(file)
		for name, change := range map[string][2]string{
			"value": {"§ 45 StVO", "§ 46 StVO"}, "office": {`"value":"32"`, `"value":"33"`}, "person": {p.Person, strings.Repeat("A", len(p.Person))},
			"leaf": {`"leaf":4,`, `"leaf":5,`}, "size": {fmt.Sprintf(`ledger\n%d\n`, c.Size), fmt.Sprintf(`ledger\n%d\n`, c.Size+1)},
		} {
			changed := strings.Replace(text, change[0], change[1], 1)
			if changed == text {
				t.Fatalf("%s: nothing was changed", name)
			}
			if p, err := ReadProof(strings.NewReader(changed)); err == nil {
				if _, err := p.Check(""); err == nil {
					t.Errorf("%s: it holds though it was changed", name)
				}
			}
		}
		without := p
		without.Records = slices.DeleteFunc(slices.Clone(p.Records), func(x Leaf) bool {
			return slices.ContainsFunc(x.Fields, func(f Field) bool { return f.Value != nil && *f.Value == listed && f.Name == "entry" })
		})
		if _, err := without.Check(""); err == nil || !strings.Contains(err.Error(), "isn't about the person") {
			t.Errorf("an entry about somebody else holds: %v", err)
		}
		// Page by page.
		n, before := 0, ""
		for pages := 0; pages < 20; pages++ {
			p, err := h.log.Prove(t.Context(), g, shown, before, 5)
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.Check("")
			if err != nil {
				t.Fatal(err)
			}
			n += c.Entries
			if before = p.Before; before == "" {
				break
			}
		}
		if n != 22 {
			t.Errorf("%d entries page by page, want 22", n)
		}
	})
}

// Proofs are the same as the library makes them, for logs of every shape.
func TestPaths(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t, rooms()))
	for _, n := range []int{1, 5, 250, 1, 300, 1500} {
		h.reads(n, func(int) []string { return nil })
		h.append()
		s := size(t, h.checkpoint())
		theirs, err := client.NewProofBuilder(t.Context(), s, Folder(h.dir).ReadTile)
		if err != nil {
			t.Fatal(err)
		}
		ours := newPaths(Folder(h.dir), s)
		for leaf := range s {
			want, err1 := theirs.InclusionProof(t.Context(), leaf)
			got, err2 := ours.inclusion(t.Context(), leaf)
			if err := errors.Join(err1, err2); err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("leaf %d of %d: %v", leaf, s, err)
			}
		}
	}
}

func FuzzReadProof(f *testing.F) {
	h := newHouse(f, storetest.SQLite(f, rooms()))
	h.seen(h.read("anna"), "bora")
	h.append()
	for _, person := range []string{"anna", "bora", "nobody"} {
		p, err := h.log.prove(f.Context(), person, shown, "", 10)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(must(json.Marshal(p)))
	}
	f.Add([]byte(`{"format":"mercator-ledger-proof/1","records":[{"leaf":0,"fields":[{"name":"id"}]}]}`))
	known := map[string]bool{}
	for _, x := range must(h.audit.Leaves(f.Context(), 0, 100)) {
		known[x.Record.ID] = true
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadProof(bytes.NewReader(b))
		if err != nil {
			return
		}
		// Whatever holds with the city's key is what the city wrote.
		if _, err := p.Check(h.log.PublicKey()); err != nil {
			return
		}
		for _, x := range p.Records {
			for _, field := range x.Fields {
				if field.Name == "id" && field.Value != nil && !known[*field.Value] {
					t.Fatalf("entry %q holds and isn't in the log", *field.Value)
				}
			}
		}
	})
}

// The format is what people keep files and checkpoints of: it may get a new version, but this one never changes.
func TestFormat(t *testing.T) {
	at := time.Date(2026, 5, 3, 10, 0, 0, 123456000, time.UTC)
	entry := audit.Entry{ID: "0196", At: at, ActorKind: "clerk", ActorID: "staff-7", ActorName: "Çelik & Söhne", Office: "32", Action: "read", Resource: "register:residents",
		Purpose: "parking", Basis: "§ 45 StVO", Service: "s", Case: "c", Outcome: audit.Permitted, Rule: "r", Fields: []string{"name", "<b>"}}
	own := entry
	own.ActorKind, own.ActorID, own.ActorName = audit.Resident, "anna", "Anna"
	desk, program := entry, entry
	desk.Door = "desk"
	program.ActorKind, program.ActorID, program.ActorName = "machine", "erp", "erp"
	program.Mandate, program.Door, program.Client = "m", "api", "erp"
	both := []audit.Subject{{Person: "anna", Key: "key"}, {Commitment: strings.Repeat("ab", 32)}}
	for name, c := range map[string]struct {
		r    audit.Record
		want string
	}{
		"access": {audit.Record{ID: "0196", Kind: audit.Access, At: at, Salt: "salt", Entry: entry, Subjects: []audit.Subject{{Person: "anna", Key: "key"}, {Commitment: strings.Repeat("ab", 32)}}},
			"927425a4fb09c210b8b4603be1c32f5591fe91177708c32a5ffdded570142175"},
		"own": {audit.Record{ID: "0196", Kind: audit.Access, At: at, Salt: "salt", Entry: own, ActorKey: "key"}, "ae753217f77dfe6ea60fc13c1e921cc917324bcf2debc4b7c7849e0714e942ee"},
		// Version 2: the door and the client stand behind what version 1 has.
		"door":   {audit.Record{ID: "0196", Kind: audit.Access, At: at, Salt: "salt", Entry: desk, Subjects: both}, "f8e313d10c741b4ef2896f1394294f2b3a6a64fd46b1a5703d441738c4fdc474"},
		"client": {audit.Record{ID: "0196", Kind: audit.Access, At: at, Salt: "salt", Entry: program, Subjects: both}, "af9e6a38406e05d21d29132043583d8976f59567b29e1646b53d5e6ddd12ee36"},
		"seen":   {audit.Record{ID: "0197", Kind: audit.Seen, At: at, Salt: "salt", Entry: audit.Entry{ID: "0196"}}, "106919624a1cc1cbb796b98acb6fc84a435d0d843dae25bbe672da13df6bdbce"},
		"act":    {audit.Record{ID: "0198", Kind: audit.Act, At: at, Salt: "salt", Act: audit.Erased, Upto: 7, N: 7, Note: "n"}, "8612df1c3f14c6bf8e0a409f6af1f146953262bb83211507d50598922ae76472"},
	} {
		if got := fmt.Sprintf("%x", must(leafOf(fields(c.r)))); got != c.want {
			t.Errorf("%s: the leaf is %s, want %s", name, got, c.want)
		}
	}
	if got := Commit("subject", "key", "0196"); got != "6ec76270ce259f3dfb7a5dd7fbcce774a81634a0df1068134f53c0639109cf67" {
		t.Errorf("the commitment is %s", got)
	}
	// A field that is withheld leaves the leaf as it is.
	all := fields(audit.Record{ID: "0196", Kind: audit.Access, At: at, Salt: "salt", Entry: entry})
	some := slices.Clone(all)
	for i := range some {
		some[i] = some[i].withheld()
	}
	if !bytes.Equal(must(leafOf(all)), must(leafOf(some))) {
		t.Error("withheld fields make another leaf")
	}
}
