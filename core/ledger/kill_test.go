// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mercator/base/ident"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
)

const (
	killDir = "MERCATOR_LEDGER_KILL_DIR"
	killDSN = "MERCATOR_LEDGER_KILL_DSN"
	// killBegun is what the process says when its first entries are stored.
	killBegun = "begun"
)

func killConfig(dir, dsn string) store.Config {
	if dsn != "" {
		return store.Config{Engine: store.Postgres, DSN: dsn}
	}
	return store.Config{Engine: store.SQLite, Path: filepath.Join(dir, "db")}
}

// TestKillChild is the process that TestKill kills: it puts on record and logs, without end.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("it is run by TestKill")
	}
	db, err := store.Open(t.Context(), killConfig(dir, os.Getenv(killDSN)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	a := &audit.Ledger{DB: db, Keys: Keys(vaulttest.At(t, db, filepath.Join(dir, "keyset")))}
	l, err := Open(Config{Dir: filepath.Join(dir, "ledger"), Key: string(key), Audit: a})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for begun := false; ; {
			err := db.Write(context.Background(), func(tx *store.Tx) error {
				for range 50 {
					e := audit.Entry{ID: ident.New(), At: time.Now(), ActorKind: "clerk", ActorID: "x", Action: "read", Resource: "case", Purpose: "p", Outcome: audit.Permitted}
					if err := a.Add(context.Background(), tx, e, []string{"anna", "bora"}); err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil && !begun {
				begun = true
				fmt.Println(killBegun)
			}
		}
	}()
	for {
		l.Append(context.Background())
	}
}

// TestKill kills a process with SIGKILL while it logs, again and again: no entry is lost, none is in the log twice.
func TestKill(t *testing.T) {
	engines := map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return storetest.PostgresDSN(t) }}
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			if name == "postgres" && os.Getenv("MERCATOR_TEST_POSTGRES") == "" {
				t.Skip("MERCATOR_TEST_POSTGRES is not set")
			}
			dir, dsn := t.TempDir(), dsn()
			db, err := store.Open(t.Context(), killConfig(dir, dsn))
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Migrate(t.Context(), db, rooms()); err != nil {
				t.Fatal(err)
			}
			db.Close()
			key := must(NewKey("https://city.example"))
			if err := os.WriteFile(filepath.Join(dir, "key"), []byte(key), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 8 {
				child := exec.Command(os.Args[0], "-test.run", "^TestKillChild$")
				child.Env = append(os.Environ(), killDir+"="+dir, killDSN+"="+dsn)
				out, err := child.StdoutPipe()
				if err == nil {
					err = child.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				// However slow the machine is, it is killed at work.
				begun := false
				for s := bufio.NewScanner(out); !begun && s.Scan(); {
					begun = s.Text() == killBegun
				}
				if !begun {
					child.Wait()
					t.Fatal("the process has put nothing on record")
				}
				time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
				child.Process.Kill()
				child.Wait()
			}
			if db, err = store.Open(t.Context(), killConfig(dir, dsn)); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			h := &house{t: t, db: db, audit: &audit.Ledger{DB: db, Keys: Keys(vaulttest.At(t, db, filepath.Join(dir, "keyset")))}, dir: filepath.Join(dir, "ledger"), key: key, now: time.Now()}
			h.open()
			h.append()
			r := h.sound()
			var entries, acts uint64
			if err := db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM audit_entry), (SELECT COUNT(*) FROM audit_act)").Scan(&entries, &acts); err != nil {
				t.Fatal(err)
			}
			if entries == 0 || r.Size != entries+acts {
				t.Fatalf("%d leaves for %d entries and %d acts", r.Size, entries, acts)
			}
		})
	}
}
