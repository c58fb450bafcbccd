// SPDX-License-Identifier: EUPL-1.2

package job_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// A job that is begun by whom it was written is begun when it is on disk, once, and not at
// all when it was rolled back, which gives its place to others.
func TestHandedOver(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		var mu sync.Mutex
		begun, ended, local := map[string]int{}, 0, 0
		q, err := job.NewQueue(job.Config{DB: db, Concurrency: 3, Workers: []job.Worker{{Kind: "work", Work: func(ctx context.Context, j *job.Job) error {
			var name string
			if err := j.Read(&name); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			begun[name]++
			if s, ok := j.Local.(string); ok {
				local++
				if s != name {
					t.Errorf("%s was handed over as %s", name, s)
				}
			}
			ended++
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		run, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() { q.Run(run) })
		undone := errors.New("undone")
		write := func(name string, add, fail bool) {
			n := job.New{Kind: "work", Args: name, Local: name, Key: name}
			err := db.Write(ctx, func(tx *store.Tx) error {
				if add {
					if err := q.Add(ctx, tx, n); err != nil {
						return err
					}
				} else if _, err := q.Enqueue(ctx, tx, n); err != nil {
					return err
				}
				if fail {
					return undone
				}
				return nil
			})
			if fail != errors.Is(err, undone) || !fail && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wait := func(n int) {
			t.Helper()
			for {
				mu.Lock()
				got := ended
				mu.Unlock()
				if got == n {
					return
				}
				if ctx.Err() != nil {
					t.Fatalf("%d have ended, want %d", got, n)
				}
				time.Sleep(time.Millisecond)
			}
		}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() { write(fmt.Sprint(i), i%2 == 0, i%4 > 1) })
		}
		wg.Wait()
		wait(100)
		// Its places are free again: sooner or later one is handed over.
		mu.Lock()
		before := local
		mu.Unlock()
		for i := 0; ; i++ {
			write("again", false, false)
			wait(101 + i)
			mu.Lock()
			more := local > before
			delete(begun, "again")
			mu.Unlock()
			if more {
				break
			}
		}
		stop()
		running.Wait()
		for name, n := range begun {
			if i, err := strconv.Atoi(name); n != 1 || err != nil || i%4 > 1 {
				t.Errorf("%s was begun %d times", name, n)
			}
		}
		var left int
		if err := db.QueryRow(context.Background(), `SELECT count(*) FROM job_task`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d jobs are left, %v", left, err)
		}
		// Who has stopped takes nothing more.
		enqueue(t, db, q, job.New{Kind: "work", Args: "late"})
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		if begun["late"] != 0 {
			t.Error("a queue that has stopped began a job")
		}
		mu.Unlock()
	})
}

// However much is handed over, what somebody else has written gets its turn.
func TestNothingIsOvertakenForEver(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		var flood atomic.Bool
		flood.Store(true)
		old := make(chan bool, 1)
		worker := job.Worker{Kind: "work", Work: func(_ context.Context, j *job.Job) error {
			if string(j.Args) == `"old"` {
				old <- true
			}
			time.Sleep(5 * time.Millisecond) // there is always one that wants its place
			return nil
		}}
		q, err := job.NewQueue(job.Config{DB: db, Concurrency: 2, Workers: []job.Worker{worker}})
		if err != nil {
			t.Fatal(err)
		}
		other, err := job.NewQueue(job.Config{DB: db, Workers: []job.Worker{worker}})
		if err != nil {
			t.Fatal(err)
		}
		run, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { q.Run(run) })
		for range 8 {
			wg.Go(func() {
				for flood.Load() && ctx.Err() == nil {
					enqueue(t, db, q, job.New{Kind: "work", Args: "new"})
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		enqueue(t, db, other, job.New{Kind: "work", Args: "old"})
		select {
		case <-old:
		case <-ctx.Done():
			t.Error("the old job was never done")
		}
		flood.Store(false)
		stop()
		wg.Wait()
	})
}
