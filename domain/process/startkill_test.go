// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
)

const (
	killedEngine = "MERCATOR_TEST_KILLED_ENGINE" // … and where its database is
	killedPlace  = "MERCATOR_TEST_KILLED_PLACE"
	manyMessages = 60
)

func killedStore(t *testing.T, engine, place string) *store.DB {
	t.Helper()
	c := store.Config{Engine: store.Engine(engine), Path: place, DSN: place}
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := store.Migrate(t.Context(), db, rooms()); err != nil {
		t.Fatal(err)
	}
	return db
}

// TestBegunUntilKilled is the process that TestBeginningIsKilled kills.
func TestBegunUntilKilled(t *testing.T) {
	engine := os.Getenv(killedEngine)
	if engine == "" {
		t.Skip("it is started by the test that kills it")
	}
	h := openRegistry(t, killedStore(t, engine, os.Getenv(killedPlace)), time.Time{})
	h.must(h.deploy([3]string{"check", "v1", byTimer("Cycle", "R/PT1S")}, [3]string{"lost", "v1", byMessage}))
	for n := range manyMessages { // what was sent before does nothing
		h.send(process.Note{Name: "found", Key: "k", ID: fmt.Sprint(n), Vars: map[string]any{"short": true}})
	}
	time.Sleep(time.Minute)
}

// Killed at any moment, each time of a cycle begins one case, and each message one.
func TestBeginningIsKilled(t *testing.T) {
	for engine, place := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "mercator.db") },
		"postgres": func(t *testing.T) string { return storetest.PostgresDSN(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			at := place(t)
			db := killedStore(t, engine, at)
			first := openRegistry(t, db, time.Time{})
			first.must(first.deploy([3]string{"check", "v1", byTimer("Cycle", "R/PT1S")}, [3]string{"lost", "v1", byMessage}))
			first.stop()
			// In the middle of it: one case runs, and the others wait for their turn.
			holder := first.send(process.Note{Name: "found", Key: "k"})
			due := func() int {
				return first.number("SELECT due_at / 1000000 FROM process_start WHERE service = 'check'")
			}
			cases := func(service string) int {
				return first.number("SELECT count(*) FROM process_instance WHERE service = '" + service + "'")
			}
			// However many have begun, the next is due as much later: at each moment.
			ahead := func() int {
				return first.number("SELECT due_at / 1000000 - (SELECT count(*) FROM process_instance WHERE service = 'check') FROM process_start WHERE service = 'check'")
			}
			offset := ahead()
			kills := 12
			if testing.Short() {
				kills = 3
			}
			for n := range kills {
				c := exec.Command(os.Args[0], "-test.run=^TestBegunUntilKilled$", "-test.count=1")
				c.Env = append(os.Environ(), killedEngine+"="+engine, killedPlace+"="+at)
				c.Stdout, c.Stderr = os.Stderr, os.Stderr
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				if n == kills/2 {
					first.end(holder.Case)
				}
				time.Sleep(time.Duration(200+rand.IntN(1500)) * time.Millisecond)
				c.Process.Kill()
				c.Wait()
				if got := ahead(); got != offset {
					t.Fatalf("after kill %d: %d cases too few", n+1, got-offset)
				}
			}
			last := openRegistry(t, db, time.Time{})
			for n := range manyMessages {
				last.send(process.Note{Name: "found", Key: "k", ID: fmt.Sprint(n), Vars: map[string]any{"short": true}})
			}
			last.until("all have had their turn", func() bool { return cases("lost") >= 1+manyMessages })
			last.until("no time is missed", func() bool { return due() > int(time.Now().Unix()) })
			last.stop()
			if n := cases("lost"); n != 1+manyMessages {
				t.Errorf("%d cases by %d messages", n, 1+manyMessages)
			}
			if got := ahead(); got != offset || cases("check") == 0 {
				t.Errorf("%d cases too few of %d", got-offset, cases("check"))
			}
			for _, table := range []string{"message", "begun"} {
				if n := first.number("SELECT count(*) FROM process_" + table); n != 0 {
					t.Errorf("process_%s has %d rows left", table, n)
				}
			}
		})
	}
}
