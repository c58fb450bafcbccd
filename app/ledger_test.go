// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/content"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/config"
	"mercator/core/ledger"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// What the rules of this city let people see of the ledger.
func TestDisclosure(t *testing.T) {
	policies, err := fs.Sub(content.FS, "policies")
	if err != nil {
		t.Fatal(err)
	}
	show, err := loadDisclosure(policies, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		about                 string
		kind, action, purpose string
		hidden                bool
		see, notSee           []string
	}{
		{"work on a case", "clerk", "read", "case work", false, []string{"at", "purpose", "office", "action", "resource", "basis", "case", "door"}, []string{"actor", "actor_name", "subject", "rule", "client"}},
		{"a decision", "clerk", "decide", "resident-parking-permit", false, []string{"actor_name", "office"}, []string{"actor", "subject"}},
		{"a list", "clerk", "list", "case work", false, []string{"purpose", "office"}, []string{"case", "actor_name"}},
		{"another system", "machine", "read", "case work", false, []string{"actor_name", "office", "door", "client"}, []string{"subject"}},
		{"another resident", "resident", "read", "own data", false, []string{"purpose", "action", "door"}, []string{"client", "actor", "actor_name", "office", "case"}},
		{"the platform", "system", "change", "case work", false, []string{"purpose", "action"}, []string{"actor"}},
		{"an investigation", "clerk", "read", "investigation", true, nil, nil},
		{"an investigation by a system", "machine", "read", "investigation", true, nil, nil},
		{"a decision for an investigation", "clerk", "decide", "hazard prevention", true, nil, nil},
		{"a child in danger", "clerk", "list", "child protection", true, nil, nil},
		{"what no rule knows", "visitor", "look", "something", false, []string{"at", "purpose"}, []string{"actor", "actor_name", "subject"}},
	} {
		e := audit.Entry{ActorKind: c.kind, Action: c.action, Purpose: c.purpose, ActorID: "id", ActorName: "name", Office: "32", Case: "case"}
		d := show(e)
		if d.Hidden != c.hidden {
			t.Errorf("%s: hidden %v, want %v", c.about, d.Hidden, c.hidden)
		}
		for _, f := range c.see {
			if !d.Shows(f) {
				t.Errorf("%s: %s isn't shown", c.about, f)
			}
		}
		for _, f := range c.notSee {
			if d.Shows(f) {
				t.Errorf("%s: %s is shown", c.about, f)
			}
		}
		if out := d.Apply(e); (out.ActorName != "") != slices.Contains(d.Fields, "actor_name") || out.Purpose != c.purpose || out.ActorID != "" {
			t.Errorf("%s: %+v", c.about, out)
		}
	}
	for name, text := range map[string]string{"": "", "no rules": `<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="x" namespace="x"/>`} {
		folder := fstest.MapFS{}
		if name != "" {
			folder["disclosure.dmn"] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := loadDisclosure(folder, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q: rules that can't be read are left out", name)
		}
	}
}

const ledgerConfig = `
[server]
public_url = "https://city.example"
[data]
dir = %[1]q
[database]
%[2]s
[identity]
issuer = "https://id.example"
client_id = "x"
client_secret = { env = "LEDGER_TEST_SECRET" }
[payment]
endpoint = "https://pay.example"
callback_secret = { env = "LEDGER_TEST_SECRET" }
`

// What operators, outsiders and residents do on the command line, and what a backup keeps.
func TestLedgerCommand(t *testing.T) {
	t.Setenv("LEDGER_TEST_SECRET", "x")
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dir := t.TempDir()
			database := "engine = \"sqlite\""
			if engine == "postgres" {
				t.Setenv("LEDGER_TEST_DSN", storetest.PostgresDSN(t))
				database = "engine = \"postgres\"\ndsn = { env = \"LEDGER_TEST_DSN\" }"
			}
			file := func(name, text string) string {
				name = filepath.Join(dir, name)
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return name
			}
			conf := file("m.toml", fmt.Sprintf(ledgerConfig, filepath.Join(dir, "data"), database))
			c, err := config.Load(conf)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			run := func(want int, words string, args ...string) {
				t.Helper()
				out.Reset()
				if got := LedgerCommand(t.Context(), args, &out, &out); got != want || !strings.Contains(out.String(), words) {
					t.Fatalf("ledger %v: status %d, want %d and %q: %s", args, got, want, words, out.String())
				}
			}
			if err := Migrate(t.Context(), c, io.Discard); err != nil {
				t.Fatal(err)
			}
			key, err := ledgerKey(c)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ledgerKey(c); err != nil || again != key {
				t.Fatalf("the key is another one at the next start: %v", err)
			}
			db, err := openStore(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			a, err := openAudit(t.Context(), c, db)
			if err != nil {
				t.Fatal(err)
			}
			l, err := ledger.Open(ledger.Config{Dir: ledgerDir(c), Key: key, Audit: a})
			if err != nil {
				t.Fatal(err)
			}
			checker := accesstest.House(t, db)
			read := func() {
				t.Helper()
				accesstest.Grant(t, checker, access.Request{Actor: accesstest.Clerk("32"), Action: access.Read, Resource: "case", Office: "32", Owner: "person-anna"})
				if _, err := l.Append(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			read()
			server := httptest.NewServer(l.Handler("/ledger/"))
			defer server.Close()
			address := server.URL + "/ledger"
			checkpoint, err := os.ReadFile(filepath.Join(ledgerDir(c), "checkpoint"))
			if err != nil {
				t.Fatal(err)
			}
			kept := file("kept", string(checkpoint))
			read()
			g := accesstest.Grant(t, checker, access.Request{Actor: accesstest.Anna(), Action: access.Read, Resource: "ledger", Owner: "person-anna"})
			p, err := l.Prove(t.Context(), g, checker.Disclosure, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			mine := file("mine.json", string(b))
			run(0, l.PublicKey(), "key", "--config", conf)
			run(0, "grown from 1 of 1 checkpoints; 0 findings", "verify", "--config", conf, "--checkpoint", kept)
			run(0, "grown from 1 of 1 checkpoints; 0 findings", "verify", "--url", address, "--checkpoint", kept)
			run(0, "0 findings", "verify", "--url", address, "--key", l.PublicKey(), "--all")
			run(0, "2 entries are in the log", "check", mine)
			run(0, "the same log as 2 checkpoints", "check", mine, "--key", l.PublicKey(), "--url", address, "--checkpoint", kept)
			run(1, "name its address with --url", "check", mine, "--checkpoint", kept)
			run(1, "was changed", "check", file("changed.json", strings.Replace(string(b), "case", "draft", 1)))
			signWith, last := filepath.Join(dir, "witness.key"), filepath.Join(dir, "countersigned")
			run(0, "press.example+", "witness-key", "press.example", "--sign-with", signWith)
			witness := strings.TrimSpace(out.String())
			run(1, "file exists", "witness-key", "press.example", "--sign-with", signWith)
			run(0, "— press.example ", "witness", "--url", address, "--key", l.PublicKey(), "--sign-with", signWith, "--last", last)
			run(0, "— press.example ", "witness", "--url", address, "--key", l.PublicKey(), "--sign-with", signWith, "--last", last)
			run(0, "grown from 1 of 1 checkpoints; 0 findings", "verify", "--url", address, "--checkpoint", last, "--witness", witness)
			run(1, "isn't countersigned by press.example", "verify", "--config", conf, "--checkpoint", kept, "--witness", witness)
			run(2, "usage", "witness", "--url", address)
			run(2, "usage", "verify")
			run(2, "usage", "check")
			run(2, "usage", "look")

			if engine == "sqlite" || haveTool("pg_dump") {
				backup, place := filepath.Join(dir, "backup"), filepath.Join(dir, "again")
				if err := Backup(t.Context(), c, backup, "", io.Discard); err != nil {
					t.Fatal(err)
				}
				if engine == "postgres" {
					t.Setenv("LEDGER_TEST_DSN2", storetest.PostgresDSN(t))
				}
				other := file("again.toml", fmt.Sprintf(ledgerConfig, place, strings.Replace(database, "LEDGER_TEST_DSN", "LEDGER_TEST_DSN2", 1)))
				c2, err := config.Load(other)
				if err != nil {
					t.Fatal(err)
				}
				if err := Restore(t.Context(), c2, backup, "", io.Discard); err != nil {
					t.Fatal(err)
				}
				run(0, "0 findings", "verify", "--config", other, "--checkpoint", kept)
			}

			run(0, "on record", "forget", "--config", conf, "--person", "person-anna")
			run(0, "0 findings", "verify", "--config", conf)
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), "UPDATE audit_entry SET purpose = 'other' WHERE resource = 'case'")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			run(1, "it isn't what the log has", "verify", "--config", conf)
		})
	}
}

func haveTool(name string) bool { _, err := exec.LookPath(name); return err == nil }
