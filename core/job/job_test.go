// SPDX-License-Identifier: EUPL-1.2

package job_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

func rooms() []store.Migrations { return []store.Migrations{job.Migrations()} }

func enqueue(t testing.TB, db *store.DB, q *job.Queue, n job.New) string {
	t.Helper()
	var id string
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		var err error
		id, err = q.Enqueue(context.Background(), tx, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// Every job is done exactly once by two queues on one database, however often some fail.
func TestEveryJobIsDoneOnce(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		const n = 60
		var mu sync.Mutex
		done := map[string]int{}
		all := make(chan struct{})
		worker := job.Worker{Kind: "work", Work: func(ctx context.Context, j *job.Job) error {
			var name string
			if err := j.Read(&name); err != nil {
				return err
			}
			if j.Attempt == 1 && len(name)%3 == 0 {
				return errors.New("not the first time")
			}
			return db.Write(ctx, func(tx *store.Tx) error {
				tx.AfterCommit(func() {
					mu.Lock()
					defer mu.Unlock()
					if done[name]++; len(done) == n {
						close(all)
					}
				})
				return j.Done(ctx, tx)
			})
		}}
		var queues []*job.Queue
		for range 2 {
			q, err := job.NewQueue(job.Config{DB: db, Workers: []job.Worker{worker}, Concurrency: 3})
			if err != nil {
				t.Fatal(err)
			}
			queues = append(queues, q)
		}
		for i := range n {
			enqueue(t, db, queues[i%2], job.New{Kind: "work", Args: fmt.Sprintf("%0*d", i%7+1, i)})
		}
		var wg sync.WaitGroup
		for _, q := range queues {
			wg.Go(func() { q.Run(ctx) })
		}
		select {
		case <-all:
		case <-ctx.Done():
			t.Fatalf("only %d of %d done", len(done), n)
		}
		cancel()
		wg.Wait()
		for name, times := range done {
			if times != 1 {
				t.Errorf("%s was done %d times", name, times)
			}
		}
	})
}

func TestKeysTimersAndDeadJobs(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
		var log []string
		q, err := job.NewQueue(job.Config{DB: db, Now: func() time.Time { return now }, Workers: []job.Worker{
			{Kind: "note", Work: func(_ context.Context, j *job.Job) error {
				var s string
				if err := j.Read(&s); err != nil {
					return err
				}
				log = append(log, s)
				return nil
			}},
			{Kind: "bad", Work: func(context.Context, *job.Job) error { return fault.New(fault.Invalid, "test", "") },
				OnDead: func(_ context.Context, _ *store.Tx, _ *job.Job, _ string) error {
					log = append(log, "dead")
					return nil
				}},
			{Kind: "panics", Work: func(context.Context, *job.Job) error { panic("a defect") }},
		}})
		if err != nil {
			t.Fatal(err)
		}
		drain := func() {
			t.Helper()
			if err := q.Drain(ctx); err != nil {
				t.Fatal(err)
			}
		}
		enqueue(t, db, q, job.New{Kind: "note", Args: "once", Key: "k"})
		if id := enqueue(t, db, q, job.New{Kind: "note", Args: "twice", Key: "k"}); id != "" {
			t.Error("a key that waits was taken again")
		}
		enqueue(t, db, q, job.New{Kind: "note", Args: "later", RunAt: now.Add(time.Hour)})
		enqueue(t, db, q, job.New{Kind: "note", Args: "never", Key: "c", RunAt: now.Add(time.Hour)})
		enqueue(t, db, q, job.New{Kind: "bad", Args: 1})
		enqueue(t, db, q, job.New{Kind: "panics", Args: 1, MaxAttempts: 1})
		drain()
		if err := db.Write(ctx, func(tx *store.Tx) error { return q.CancelKey(ctx, tx, "c") }); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Hour)
		drain()
		if got := fmt.Sprint(log); got != "[once dead later]" {
			t.Errorf("%s", got)
		}
		dead, err := q.ListDead(ctx, 10)
		if err != nil || len(dead) != 2 {
			t.Fatalf("dead: %v %v", dead, err)
		}
		for _, d := range dead {
			if err := q.Revive(ctx, d.ID); err != nil {
				t.Error(err)
			}
		}
		if err := q.Revive(ctx, dead[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("revived twice: %v", err)
		}
	})
}

// A worker that was killed leaves a lease; when it has run out the job is taken again.
func TestALostLease(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
		var first *job.Job
		attempts := 0
		q, err := job.NewQueue(job.Config{DB: db, Now: func() time.Time { return now }, Workers: []job.Worker{{Kind: "w",
			Work: func(ctx context.Context, j *job.Job) error {
				if attempts++; attempts == 1 {
					first = j
					now = now.Add(time.Hour) // the first worker hangs until its lease is over
					q2, err := job.NewQueue(job.Config{DB: db, Now: func() time.Time { return now }, Workers: []job.Worker{{Kind: "w", Work: func(context.Context, *job.Job) error { attempts++; return nil }}}})
					if err != nil {
						return err
					}
					if err := q2.Drain(ctx); err != nil {
						return err
					}
					return db.Write(ctx, func(tx *store.Tx) error { return first.Done(ctx, tx) })
				}
				return nil
			}}}})
		if err != nil {
			t.Fatal(err)
		}
		enqueue(t, db, q, job.New{Kind: "w", Args: 1})
		if err := q.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		if attempts != 2 {
			t.Errorf("%d attempts, want 2", attempts)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error { return first.Done(ctx, tx) }); !fault.Is(err, fault.Conflict) {
			t.Errorf("a lost lease could still end the job: %v", err)
		}
	})
}

func BenchmarkJobs(b *testing.B) {
	db := storetest.SQLite(b, rooms())
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan struct{}, 1024)
	q, err := job.NewQueue(job.Config{DB: db, Concurrency: 16, Workers: []job.Worker{{Kind: "w", Work: func(context.Context, *job.Job) error { left <- struct{}{}; return nil }}}})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { q.Run(ctx) })
	b.ResetTimer()
	go func() {
		for range b.N {
			db.Write(ctx, func(tx *store.Tx) error { _, err := q.Enqueue(ctx, tx, job.New{Kind: "w", Args: 1}); return err })
		}
	}()
	for range b.N {
		<-left
	}
	b.StopTimer()
	cancel()
	wg.Wait()
}
