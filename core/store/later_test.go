// SPDX-License-Identifier: EUPL-1.2

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

const insertCounter = "INSERT INTO test_counter (id, n) VALUES ($1, $2)"

// What is written later is there for whoever looks in the same change, in its order; what
// is wrong with it undoes the change, wherever it comes out.
func TestLater(t *testing.T) {
	ctx := context.Background()
	number := func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }
	storetest.Each(t, counterRoom, func(t *testing.T, db *store.DB) {
		ends := map[bool]int{}
		write := func(fn func(tx *store.Tx) error) error {
			return db.Write(ctx, func(tx *store.Tx) error {
				tx.AfterEnd(func(committed bool) { ends[committed]++ })
				return fn(tx)
			})
		}
		later := func(tx *store.Tx, id string, n int) {
			// SQLite says it here, PostgreSQL when it is sent.
			if err := tx.Later(ctx, insertCounter, id, n); err != nil && db.Engine() == store.Postgres {
				t.Errorf("%v", err)
			}
		}
		if err := write(func(tx *store.Tx) error {
			later(tx, "a", 1)
			later(tx, "b", 2)
			for _, id := range []string{"a", "b"} {
				n, err := store.Lock(ctx, tx, number, "SELECT n FROM test_counter WHERE id = $1", id)()
				if err != nil || n != int(id[0]-'a')+1 {
					t.Errorf("%s: %d %v", id, n, err)
				}
			}
			if _, err := store.Lock(ctx, tx, number, "SELECT n FROM test_counter WHERE id = 'z'")(); !fault.Is(err, fault.NotFound) {
				t.Errorf("z: %v", err)
			}
			// A row stands for the time at which it was asked for.
			before := store.Lock(ctx, tx, number, "SELECT n FROM test_counter WHERE id = 'b'")
			if n, err := tx.Exec(ctx, "UPDATE test_counter SET n = 20 WHERE id = 'b'"); n != 1 || err != nil {
				t.Errorf("%d rows, %v", n, err)
			}
			if n, err := before(); n != 2 || err != nil {
				t.Errorf("b was %d, %v", n, err)
			}
			later(tx, "c", 3)
			var n int
			if err := tx.QueryRow(ctx, "SELECT n FROM test_counter WHERE id = 'c'").Scan(&n); err != nil || n != 3 {
				t.Errorf("c: %d %v", n, err)
			}
			later(tx, "d", 4)
			all, err := store.All(ctx, tx, number, "SELECT n FROM test_counter ORDER BY n")
			if err != nil || len(all) != 4 {
				t.Errorf("%v %v", all, err)
			}
			later(tx, "e", 5)
			if n, err := tx.Exec(ctx, "UPDATE test_counter SET n = n + 10 WHERE n > 1"); err != nil || n != 4 {
				t.Errorf("%d rows, %v", n, err)
			}
			return tx.Later(ctx, "DELETE FROM test_counter WHERE n = 30")
		}); err != nil {
			t.Fatal(err)
		}
		// The second "a" is wrong; the change ends in different ways.
		for name, end := range map[string]func(tx *store.Tx) error{
			"at once": func(tx *store.Tx) error { return nil },
			"exec": func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, insertCounter, "y", 1)
				return err
			},
			// On PostgreSQL the row must not be written outside the change that has failed.
			"row": func(tx *store.Tx) error {
				var n int
				return tx.QueryRow(ctx, "INSERT INTO test_counter (id, n) VALUES ('y', 1) RETURNING n").Scan(&n)
			},
			"rows": func(tx *store.Tx) error {
				_, err := store.All(ctx, tx, number, "INSERT INTO test_counter (id, n) VALUES ('y', 1) RETURNING n")
				return err
			},
			"locked": func(tx *store.Tx) error {
				_, err := store.Lock(ctx, tx, number, "INSERT INTO test_counter (id, n) VALUES ('y', 1) RETURNING n")()
				return err
			},
			"passed over": func(tx *store.Tx) error {
				tx.Exec(ctx, insertCounter, "y", 1)
				return nil
			},
		} {
			err := write(func(tx *store.Tx) error {
				if err := tx.Later(ctx, insertCounter, "x", 1); err != nil {
					return err
				}
				if err := tx.Later(ctx, insertCounter, "a", 1); err != nil {
					return err
				}
				return end(tx)
			})
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v, want a conflict", name, err)
			}
		}
		boom := errors.New("boom")
		if err := write(func(tx *store.Tx) error { later(tx, "x", 1); return boom }); !errors.Is(err, boom) {
			t.Errorf("%v", err)
		}
		if err := write(func(tx *store.Tx) error { return nil }); err != nil {
			t.Error(err)
		}
		all, err := store.All(ctx, db, number, "SELECT n FROM test_counter ORDER BY n")
		if err != nil || len(all) != 4 || all[0] != 1 || all[1] != 13 {
			t.Errorf("%v %v, want 1, 13, 14, 15", all, err)
		}
		if ends[true] != 2 || ends[false] != 7 {
			t.Errorf("ended %v, want 2 committed and 7 not", ends)
		}
	})
}

// Who appends at the same time as somebody whose rows are wrong loses nothing, and each learns what became of their own.
func TestAppend(t *testing.T) {
	storetest.Each(t, counterRoom, func(t *testing.T, db *store.DB) {
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				id := fmt.Sprintf("a%d", i)
				if i%10 == 9 {
					id = "a0" // there already, or soon
				}
				committed := false
				err := db.Append(t.Context(), func(tx *store.Tx) error {
					tx.AfterEnd(func(ok bool) { committed = ok })
					if i%25 == 24 {
						return fault.New(fault.Invalid, "test", "")
					}
					return tx.Later(t.Context(), insertCounter, id, i)
				})
				switch {
				case i%25 == 24:
					if !fault.Is(err, fault.Invalid) {
						t.Errorf("%d: %v", i, err)
					}
				case i%10 == 9 || i == 0:
					if err != nil && !fault.Is(err, fault.Conflict) {
						t.Errorf("%d: %v", i, err)
					}
				case err != nil:
					t.Errorf("%d: %v", i, err)
				}
				if committed != (err == nil) {
					t.Errorf("%d: committed is %v, the error %v", i, committed, err)
				}
			})
		}
		group.Wait()
		n, err := store.One(t.Context(), db, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "SELECT COUNT(*) FROM test_counter")
		want := 0
		for i := range 200 {
			if i == 0 || i%10 != 9 && i%25 != 24 {
				want++
			}
		}
		if err != nil || n != want {
			t.Errorf("%d rows, want %d (%v)", n, want, err)
		}
	})
}
