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

// A job that takes longer than a lease is still done by one worker only.
func TestWorkUnderWayKeepsItsLease(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		var mu sync.Mutex
		starts := 0
		ended := make(chan error, 10)
		worker := job.Worker{Kind: "slow", Work: func(ctx context.Context, j *job.Job) error {
			mu.Lock()
			starts++
			mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(900 * time.Millisecond):
			}
			err := db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return j.Done(ctx, tx) })
			ended <- err
			return err
		}}
		var wg sync.WaitGroup
		for range 2 {
			q, err := job.NewQueue(job.Config{DB: db, Workers: []job.Worker{worker}, Lease: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			enqueue(t, db, q, job.New{Kind: "slow", Key: "the same", Args: 1})
			wg.Go(func() { q.Run(ctx) })
			for s := 0; s == 0; { // both queues run before the job ends
				mu.Lock()
				s = starts
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
			if db.Engine() == store.SQLite {
				break // one process has the database for itself
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		cancel()
		wg.Wait()
		if starts != 1 {
			t.Errorf("%d workers did the job", starts)
		}
	})
}

// Shutting down waits for the work under way; what a killed process left is taken
// again, on SQLite at once, on PostgreSQL when the lease has run out.
func TestShutdownAndKill(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		began, killed := make(chan bool), make(chan bool)
		first, err := job.NewQueue(job.Config{DB: db, Lease: time.Hour, Workers: []job.Worker{{Kind: "w", Work: func(ctx context.Context, j *job.Job) error {
			began <- true
			<-killed
			return ctx.Err()
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		enqueue(t, db, first, job.New{Kind: "w", Args: 1})
		run, stop := context.WithCancel(ctx)
		returned := make(chan bool)
		go func() { first.Run(run); close(returned) }()
		<-began
		stop()
		select {
		case <-returned:
			t.Fatal("Run returned while a job was under way")
		case <-time.After(50 * time.Millisecond):
		}
		// The first process hangs for ever, as far as the second knows.
		again := make(chan int, 1)
		later := func() time.Time { return time.Now() }
		if db.Engine() == store.Postgres {
			later = func() time.Time { return time.Now().Add(2 * time.Hour) }
		}
		second, err := job.NewQueue(job.Config{DB: db, Now: later, Workers: []job.Worker{{Kind: "w", Work: func(_ context.Context, j *job.Job) error {
			again <- j.Attempt
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		run, stop = context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { second.Run(run) })
		select {
		case n := <-again:
			if n != 2 {
				t.Errorf("attempt %d", n)
			}
		case <-ctx.Done():
			t.Error("what the killed process left was not taken again")
		}
		stop()
		wg.Wait()
		close(killed)
		<-returned
	})
}

// Jobs that hang on the world outside leave room for the others.
func TestALimitLeavesRoom(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		var mu sync.Mutex
		under, most, calls := 0, 0, 0
		answer, letters := make(chan struct{}), make(chan struct{}, 100)
		q, err := job.NewQueue(job.Config{DB: db, Concurrency: 3, Workers: []job.Worker{
			{Kind: "call", Limit: 2, Work: func(context.Context, *job.Job) error {
				mu.Lock()
				calls++
				under++
				most = max(most, under)
				mu.Unlock()
				<-answer
				mu.Lock()
				under--
				mu.Unlock()
				return nil
			}},
			{Kind: "letter", Work: func(context.Context, *job.Job) error { letters <- struct{}{}; return nil }},
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			enqueue(t, db, q, job.New{Kind: "call"})
		}
		for range 20 {
			enqueue(t, db, q, job.New{Kind: "letter"})
		}
		var wg sync.WaitGroup
		wg.Go(func() { q.Run(ctx) })
		for i := range 20 {
			select {
			case <-letters:
			case <-ctx.Done():
				t.Fatalf("only %d letters of 20 went out", i)
			}
		}
		close(answer)
		for n := 0; n < 10 && ctx.Err() == nil; time.Sleep(time.Millisecond) {
			mu.Lock()
			n = calls
			mu.Unlock()
		}
		cancel()
		wg.Wait()
		if most > 2 || calls != 10 {
			t.Errorf("%d calls, %d at the same time", calls, most)
		}
	})
}

func BenchmarkJobs(b *testing.B) {
	for _, c := range []struct {
		name  string
		timer int
		open  func(testing.TB, []store.Migrations) *store.DB
	}{{"sqlite", 0, storetest.SQLite}, {"sqlite-100000-timers", 100_000, storetest.SQLite}, {"postgres", 0, storetest.Postgres}} {
		b.Run(c.name, func(b *testing.B) { benchmarkJobs(b, c.open(b, rooms()), c.timer) })
	}
}

// benchmarkJobs enqueues, each in a transaction of its own from 16 goroutines, while
// 16 workers do the jobs.
func benchmarkJobs(b *testing.B, db *store.DB, timers int) {
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan struct{}, 100_000)
	q, err := job.NewQueue(job.Config{DB: db, Concurrency: 16, Workers: []job.Worker{{Kind: "w", Work: func(context.Context, *job.Job) error { left <- struct{}{}; return nil }}}})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; n < timers; n += 1000 {
		if err := db.Write(ctx, func(tx *store.Tx) error {
			for i := range 1000 {
				if _, err := q.Enqueue(ctx, tx, job.New{Kind: "w", RunAt: time.Now().Add(time.Duration(n+i+3600) * time.Second)}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { q.Run(ctx) })
	b.ResetTimer()
	work := make(chan struct{}, b.N)
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	insert := func() {
		if err := db.Write(ctx, func(tx *store.Tx) error { _, err := q.Enqueue(ctx, tx, job.New{Kind: "w", Args: 1}); return err }); err != nil {
			b.Error(err)
		}
	}
	var enqueuers sync.WaitGroup
	for range 16 {
		enqueuers.Go(func() {
			for range work {
				insert()
			}
		})
	}
	enqueuers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "enqueued/s")
	for range b.N {
		<-left
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	// How long one job takes from its commit to its worker when nothing else happens.
	began := time.Now()
	for range 20 {
		insert()
		<-left
	}
	b.ReportMetric(float64(time.Since(began).Microseconds())/20, "µs-alone")
	cancel()
	wg.Wait()
}

// A claim that can't be committed, because the disk is full for instance, is none: nothing
// is begun without a lease.
func TestAClaimThatFailsIsNone(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	exec := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if err := db.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, text); return err }); err != nil {
				t.Fatal(err)
			}
		}
	}
	begun := make(chan int, 100)
	q, err := job.NewQueue(job.Config{DB: db, Workers: []job.Worker{{Kind: "work", Work: func(_ context.Context, j *job.Job) error {
		begun <- j.Attempt
		return nil
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, db, q, job.New{Kind: "work"})
	exec("CREATE TABLE test_none (id TEXT PRIMARY KEY)",
		"CREATE TABLE test_bad (id TEXT REFERENCES test_none (id) DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TRIGGER test_full AFTER UPDATE OF lease ON job_task BEGIN INSERT INTO test_bad (id) VALUES ('x'); END")
	if err := q.Drain(ctx); err == nil {
		t.Error("the claim was committed")
	}
	stop, end := context.WithTimeout(ctx, 200*time.Millisecond)
	q.Run(stop)
	end()
	if len(begun) != 0 {
		t.Errorf("begun %d times without a lease", len(begun))
	}
	exec("DROP TRIGGER test_full")
	if err := q.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if len(begun) != 1 {
		t.Fatalf("begun %d times", len(begun))
	}
	if n := <-begun; n != 1 {
		t.Errorf("attempt %d is the first", n)
	}
}

// A job that takes its process down, because it needs more memory than there is for
// instance, is given up one day: it would take down one node after the other.
func TestAJobThatKillsIsGivenUp(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		begun, dead := 0, ""
		q, err := job.NewQueue(job.Config{DB: db, Workers: []job.Worker{{Kind: "work",
			Work:   func(context.Context, *job.Job) error { begun++; return nil },
			OnDead: func(_ context.Context, _ *store.Tx, _ *job.Job, why string) error { dead = why; return nil }}}})
		if err != nil {
			t.Fatal(err)
		}
		for attempt, want := range map[int]int{10: 1, 30: 0} { // attempts that have ended without an answer
			begun = 0
			id := enqueue(t, db, q, job.New{Kind: "work", MaxAttempts: 3})
			if err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE job_task SET attempt = $1 WHERE id = $2", attempt, id)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := q.Drain(ctx); err != nil {
				t.Fatal(err)
			}
			if begun != want {
				t.Errorf("begun %d times after %d attempts, want %d", begun, attempt, want)
			}
		}
		if list, err := q.ListDead(ctx, 10); err != nil || len(list) != 1 || dead == "" {
			t.Errorf("%v %v %q", list, err, dead)
		}
	})
}
