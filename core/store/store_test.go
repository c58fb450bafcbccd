// SPDX-License-Identifier: EUPL-1.2

package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

var counterRoom = []store.Migrations{{Room: "test", FS: fstest.MapFS{
	"migrate/0001_counter.sql": {Data: []byte(`
CREATE TABLE test_counter (id TEXT PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE test_note (id TEXT PRIMARY KEY, counter TEXT NOT NULL REFERENCES test_counter (id));
`)},
}}}

func TestWriteIsAllOrNothing(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, counterRoom, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		var ran sync.Map
		boom := errors.New("boom")
		for i := range 200 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				err := db.Write(ctx, func(tx *store.Tx) error {
					tx.AfterCommit(func() { ran.Store(i, true) })
					if _, err := tx.Exec(ctx, "INSERT INTO test_counter (id, n) VALUES ($2, $1)", i, key(i)); err != nil {
						return err
					}
					switch {
					case i%10 == 3:
						return boom
					case i%10 == 7:
						panic("a defect in one change")
					}
					return nil
				})
				switch {
				case i%10 == 3 && !errors.Is(err, boom), i%10 == 7 && err == nil, i%10 != 3 && i%10 != 7 && err != nil:
					t.Errorf("change %d: %v", i, err)
				}
			}()
		}
		wg.Wait()
		ids, err := store.All(ctx, db, func(s store.Scanner) (string, error) {
			var id string
			return id, s.Scan(&id)
		}, "SELECT id FROM test_counter")
		if err != nil || len(ids) != 160 {
			t.Fatalf("%d rows of 160, %v", len(ids), err)
		}
		n := 0
		ran.Range(func(any, any) bool { n++; return true })
		if n != 160 {
			t.Fatalf("AfterCommit ran %d times, want 160", n)
		}
	})
}

func key(i int) string { return strings.Repeat("k", i+1) }

func TestConflictIsTheSameOnBothEngines(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, counterRoom, func(t *testing.T, db *store.DB) {
		add := func() error {
			return db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "-- test.add\nINSERT INTO test_counter (id, n) VALUES ($1, 1)", "a")
				return err
			})
		}
		if err := add(); err != nil {
			t.Fatal(err)
		}
		if err := add(); !fault.Is(err, fault.Conflict) {
			t.Fatalf("the second: %v", err)
		}
		if _, err := store.One(ctx, db, func(s store.Scanner) (int, error) {
			var n int
			return n, s.Scan(&n)
		}, "SELECT n FROM test_counter WHERE id = $1", "nobody"); !fault.Is(err, fault.NotFound) {
			t.Fatalf("no row: %v", err)
		}
	})
}

func TestMigrateRefusesANewerDatabaseAndAChangedFile(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, counterRoom, func(t *testing.T, db *store.DB) {
		if err := store.Migrate(ctx, db, counterRoom); err != nil {
			t.Fatalf("twice: %v", err)
		}
		if err := store.Migrate(ctx, db, nil); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Fatalf("an older program: %v", err)
		}
		changed := []store.Migrations{{Room: "test", FS: fstest.MapFS{"migrate/0001_counter.sql": {Data: []byte("SELECT 1")}}}}
		if err := store.Migrate(ctx, db, changed); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Fatalf("a changed file: %v", err)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	ctx := context.Background()
	db := storetest.SQLite(b, counterRoom)
	if err := db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO test_counter (id, n) VALUES ('a', 0)")
		return err
	}); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE test_counter SET n = n + 1 WHERE id = $1", "a")
				return err
			}); err != nil {
				b.Error(err)
			}
		}
	})
}
