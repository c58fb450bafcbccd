// SPDX-License-Identifier: EUPL-1.2

package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

func pages() []store.Migrations {
	return []store.Migrations{{Room: "test", FS: fstest.MapFS{"migrate/0001_page.sql": {Data: []byte(
		"CREATE TABLE test_page (n BIGINT PRIMARY KEY, text TEXT NOT NULL)")}}}}
}

// The database may not grow any more: who is refused is told to try later, whoever was
// told "done" has it, and with room it goes on without a restart.
func TestNoRoom(t *testing.T) {
	db := storetest.SQLite(t, pages())
	ctx := context.Background()
	limit := func(pages int) {
		t.Helper()
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	insert := func(n int) error {
		return db.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO test_page (n, text) VALUES ($1, $2)", 2*n, strings.Repeat("x", 3000)); err != nil && n%2 == 0 {
				return err
			}
			// Who passes over the error must not get half of what he wants.
			_, err := tx.Exec(ctx, "INSERT INTO test_page (n, text) VALUES ($1, '')", 2*n+1)
			return err
		})
	}
	limit(60)
	var mu sync.Mutex
	var wg sync.WaitGroup
	done, refused := map[int]bool{}, 0
	for w := range 8 {
		wg.Go(func() {
			for i := range 40 {
				n := w*40 + i
				err := insert(n)
				mu.Lock()
				if err == nil {
					done[n] = true
				} else {
					refused++
					if !fault.Is(err, fault.Unavailable) {
						t.Errorf("%v", err)
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	limit(10000)
	if err := insert(1000); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	done[1000] = true
	got, err := store.All(ctx, db, func(s store.Scanner) (int, error) {
		var n int
		return n, s.Scan(&n)
	}, "SELECT n FROM test_page ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	if refused == 0 || len(got) != 2*len(done) {
		t.Errorf("%d refused; %d rows of %d that were confirmed, which have two each", refused, len(got), len(done))
	}
	for _, n := range got {
		if !done[n/2] {
			t.Errorf("%d is there and was refused", n)
		}
	}
}

// A node that falls silent in the middle of a change, and holds the row that others want,
// loses it.
func TestASilentNodeLosesItsLocks(t *testing.T) {
	db := storetest.Postgres(t, pages())
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	set := func(text string, then func()) error {
		return db.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO test_page (n, text) VALUES (1, $1) ON CONFLICT (n) DO UPDATE SET text = $1", text); err != nil {
				return err
			}
			then()
			return nil
		})
	}
	if err := set("before", func() {}); err != nil {
		t.Fatal(err)
	}
	locked, wake := make(chan bool), make(chan bool)
	silent := make(chan error)
	go func() { silent <- set("silent", func() { locked <- true; <-wake }) }()
	<-locked
	if err := set("other", func() {}); err != nil {
		t.Fatalf("the silent one still has the row: %v", err)
	}
	wake <- true
	if err := <-silent; !fault.Is(err, fault.Unavailable) {
		t.Errorf("the silent one was told %v", err)
	}
	var text string
	if err := db.QueryRow(ctx, "SELECT text FROM test_page WHERE n = 1").Scan(&text); err != nil || text != "other" {
		t.Errorf("%q %v", text, err)
	}
}
