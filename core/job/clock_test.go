// SPDX-License-Identifier: EUPL-1.2

package job_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// Somebody sets the clock of the machine, forward and back, while work is under way.
func TestTheClockIsSet(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		var offset atomic.Int64
		clock := func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) }
		var mu sync.Mutex
		begun := map[string]int{}
		done, long := make(chan string, 20), make(chan bool)
		q, err := job.NewQueue(job.Config{DB: db, Now: clock, Lease: 3 * time.Second, Workers: []job.Worker{{Kind: "work", Work: func(ctx context.Context, j *job.Job) error {
			var name string
			if err := j.Read(&name); err != nil {
				return err
			}
			mu.Lock()
			begun[name]++
			n := begun[name]
			mu.Unlock()
			switch {
			case name == "long":
				long <- true
				<-long
			case name == "fails" && n == 1:
				offset.Store(0)
				return errors.New("not the first time")
			}
			done <- name
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		expect := func(want string) {
			t.Helper()
			select {
			case got := <-done:
				if got != want {
					t.Fatalf("%q was done, want %q", got, want)
				}
			case <-ctx.Done():
				t.Fatalf("%q waits", want)
			}
		}
		// Written when the clock was two hours ahead, which was put right while nobody ran.
		offset.Store(int64(2 * time.Hour))
		enqueue(t, db, q, job.New{Kind: "work", Args: "at once"})
		offset.Store(0)
		var wg sync.WaitGroup
		wg.Go(func() { q.Run(ctx) })
		expect("at once")

		// Forward: what is under way isn't begun again, what is due is done, and no more.
		enqueue(t, db, q, job.New{Kind: "work", Args: "long"})
		<-long
		enqueue(t, db, q, job.New{Kind: "work", Args: "in an hour", RunAt: clock().Add(time.Hour)})
		enqueue(t, db, q, job.New{Kind: "work", Args: "tomorrow", RunAt: clock().Add(24 * time.Hour)})
		offset.Store(int64(90 * time.Minute))
		expect("in an hour") // although nobody has woken the queue
		enqueue(t, db, q, job.New{Kind: "work", Args: "meanwhile"})
		expect("meanwhile")
		long <- true
		expect("long")

		// Back, in the middle of a try that fails: the next one doesn't wait for 90 minutes.
		enqueue(t, db, q, job.New{Kind: "work", Args: "fails"})
		expect("fails")
		enqueue(t, db, q, job.New{Kind: "work", Args: "after"})
		expect("after")
		cancel()
		wg.Wait()
		for name, n := range begun {
			want := 1
			if name == "fails" {
				want = 2
			}
			if n != want {
				t.Errorf("%s was begun %d times, want %d", name, n, want)
			}
		}
		var left int
		if err := db.QueryRow(context.Background(), `SELECT COUNT(*) FROM job_task`).Scan(&left); err != nil || left != 1 {
			t.Errorf("%d jobs are left, %v; want the one of tomorrow", left, err)
		}
	})
}

// A node that was killed takes up at once what it had; what another has, and has not
// given up, it doesn't touch.
func TestANodeTakesUpItsOwn(t *testing.T) {
	db := storetest.Postgres(t, rooms())
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	done := make(chan string, 5)
	blocked := make(chan bool)
	open := func(node string, work func(name string)) *job.Queue {
		q, err := job.NewQueue(job.Config{DB: db, Node: node, Lease: time.Hour, Concurrency: 1, Workers: []job.Worker{{Kind: "work", Work: func(ctx context.Context, j *job.Job) error {
			var name string
			if err := j.Read(&name); err != nil {
				return err
			}
			work(name)
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	hang := func(string) { blocked <- true; <-ctx.Done() }
	// Nothing stops these two, as nothing is stopped in a process that is killed.
	for _, node := range []string{"a", "ab"} {
		q := open(node, hang)
		enqueue(t, db, q, job.New{Kind: "work", Args: node})
		go q.Run(ctx)
		<-blocked
	}
	again := open("a", func(name string) { done <- name })
	stop, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { again.Run(stop) })
	select {
	case got := <-done:
		if got != "a" {
			t.Errorf("took %q", got)
		}
	case <-ctx.Done():
		t.Fatal("nothing was taken up")
	}
	enqueue(t, db, again, job.New{Kind: "work", Args: "next"})
	if got := <-done; got != "next" {
		t.Errorf("took %q", got)
	}
	end()
	wg.Wait()
}
