// SPDX-License-Identifier: EUPL-1.2

package vault_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
)

const (
	killDir = "MERCATOR_VAULT_KILL_DIR"
	killDSN = "MERCATOR_VAULT_KILL_DSN"
)

func killStore(t *testing.T, dir, dsn string) *store.DB {
	t.Helper()
	c := store.Config{Engine: store.SQLite, Path: filepath.Join(dir, "db")}
	if dsn != "" {
		c = store.Config{Engine: store.Postgres, DSN: dsn}
	}
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestTurnChild is the process that TestKilledWhileKeysAreTurned kills: it turns the keys without end.
func TestTurnChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("it is run by TestKilledWhileKeysAreTurned")
	}
	db, path := killStore(t, dir, os.Getenv(killDSN)), filepath.Join(dir, "keyset")
	masters := masters(t)
	// Whichever it was put under last.
	at := 0
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.New(db, masters[0], text); err != nil {
		at = 1
	}
	for first := true; ; first = false {
		if err := vault.Rotate(masters[at], path); err != nil {
			t.Fatal(err)
		}
		if text, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		v, err := vault.New(db, masters[at], text)
		if err != nil {
			t.Fatal(err)
		}
		if first {
			fmt.Println("turning")
		}
		if _, err := v.Rewrap(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := vault.Rekey(masters[at], masters[1-at], path); err != nil {
			t.Fatal(err)
		}
		at = 1 - at
	}
}

func masters(t *testing.T) (out [2]vault.MasterKey) {
	t.Helper()
	for i := range out {
		m, err := vault.Master(bytes.Repeat([]byte{byte(7 + i)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		out[i] = m
	}
	return out
}

// A process is killed again and again while it rotates, wraps anew and moves the keyset under another master key: every key
// opens each time, with one of the two, and goes on from there.
func TestKilledWhileKeysAreTurned(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dir, dsn := t.TempDir(), ""
			if engine == "postgres" {
				if os.Getenv("MERCATOR_TEST_POSTGRES") == "" {
					t.Skip("MERCATOR_TEST_POSTGRES is not set")
				}
				dsn = storetest.PostgresDSN(t)
			}
			db, path := killStore(t, dir, dsn), filepath.Join(dir, "keyset")
			if err := store.Migrate(t.Context(), db, []store.Migrations{vault.Migrations()}); err != nil {
				t.Fatal(err)
			}
			v := open(t, db, path)
			const people = 1100 // more than two batches
			sealed := map[string][]byte{}
			for from := 0; from < people; from += 100 { // a transaction has its time, on a busy machine too
				if err := db.Write(t.Context(), func(tx *store.Tx) error {
					for i := from; i < from+100; i++ {
						who := fmt.Sprintf("person-%04d", i)
						k, err := v.KeyFor(t.Context(), tx, who)
						if err != nil {
							return err
						}
						if i%50 == 0 {
							if sealed[who], err = k.Seal("place", []byte(who)); err != nil {
								return err
							}
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			older := 0
			for range 6 {
				child := exec.Command(os.Args[0], "-test.run", "^TestTurnChild$")
				child.Env = append(os.Environ(), killDir+"="+dir, killDSN+"="+dsn)
				out, err := child.StdoutPipe()
				if err == nil {
					err = child.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				turning := false
				for s := bufio.NewScanner(out); !turning && s.Scan(); {
					turning = s.Text() == "turning"
				}
				if !turning {
					t.Fatalf("the process turns nothing: %v", child.Wait())
				}
				time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
				child.Process.Kill()
				child.Wait()
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				var now *vault.Vault
				for _, m := range masters(t) {
					if x, err := vault.New(db, m, text); err == nil {
						now = x
					}
				}
				if now == nil {
					t.Fatal("no master key opens the keyset any more")
				}
				s, err := now.Status(t.Context())
				if err != nil || s.Bad > 0 || s.Keys != people {
					t.Fatalf("%+v %v", s, err)
				}
				older += s.Older
				for who, b := range sealed {
					k, err := now.Key(t.Context(), db, who)
					if err != nil {
						t.Fatal(err)
					}
					if plain, err := k.Open("place", b); err != nil || string(plain) != who {
						t.Fatalf("%s: %q %v", who, plain, err)
					}
				}
			}
			t.Logf("killed with %d keys still wrapped by an older one, in all", older)
		})
	}
}
