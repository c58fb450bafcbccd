// SPDX-License-Identifier: EUPL-1.2

package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/store"
)

// New is a job to be.
type New struct {
	Kind        string
	Args        any       // marshalled as JSON
	RunAt       time.Time // zero: now
	Key         string    // unique until the job has ended; enqueueing it again meanwhile changes nothing
	MaxAttempts int       // 0: 20
	// Local is for the worker if it is this process that does the job, at once: what it
	// would otherwise read again. It isn't stored, so the worker must do without it.
	Local any
}

// Job is a job that a worker has claimed.
type Job struct {
	ID, Kind, Key string
	Args          json.RawMessage
	Attempt       int // 1 for the first
	RunAt         time.Time
	Local         any // New.Local, or nil

	lease string
	max   int
	done  bool
}

// Worker does the jobs of a kind.
type Worker struct {
	Kind string
	// Work does the job. It calls j.Done in the transaction that stores its effect;
	// returning nil without that ends the job by itself. An error tries it again
	// later; a fault of kind Invalid or Denied is final.
	Work    func(ctx context.Context, j *Job) error
	Timeout time.Duration // 0: a minute
	// Limit is how many jobs of the kind are done at the same time; 0: as many as
	// there are. What waits for the world outside has one, so that a server that
	// doesn't answer can't hold up the letters.
	Limit int
	// OnDead runs in the transaction that gives the job up.
	OnDead func(ctx context.Context, tx *store.Tx, j *Job, lastErr string) error
}

// Config is what a queue needs.
type Config struct {
	DB          *store.DB
	Workers     []Worker
	Log         *slog.Logger
	Now         func() time.Time
	Concurrency int           // jobs at the same time, slow ones not counted; 0: 32
	Lease       time.Duration // how soon the work of a killed process is taken again; 0: 6 s
	// Node names this process, over its restarts, among those that share a PostgreSQL:
	// what it had when it was killed it takes up again at once. "": it has no name.
	Node string
}

const (
	defaultAttempts = 20
	defaultPlaces   = 32 // most of the time a job waits for a commit
	maxArgs         = 1 << 20
	defaultLease    = 6 * time.Second // kept every third of it while its job is worked on: what a dead node had is taken after seven at the latest
	pollEvery       = time.Second     // for jobs that another process wrote, and for clocks that are set
	sleepMax        = 30 * time.Second
	sleepMin        = 5 * time.Millisecond
	slowAfter       = time.Second
	maxSlow         = 100
	maxDeaths       = 20 // a job that kills its process isn't begun for ever
	patience        = 3 * time.Millisecond
)

// Queue keeps jobs and runs them.
type Queue struct {
	db      *store.DB
	log     *slog.Logger
	now     func() time.Time
	workers map[string]Worker
	n       int
	lease   time.Duration
	node    string // begins every lease of this node
	own     string // begins every lease of this process
	wake    chan struct{}
	wall    int64         // what the clock said last, and when that was; of Run
	read    time.Time     // by the clock that nobody sets
	slow    chan struct{} // those that were put aside
	slots   chan struct{} // of jobs under way
	hands   chan struct{} // of those among them that were handed over
	all     sync.WaitGroup
	mu      sync.Mutex
	under   map[string]int // jobs under way by kind, of kinds with a limit
	running bool
	behind  bool // jobs may be due that nobody has claimed: look when there is a place
	handed  int  // jobs handed over or about to be
	left    int  // jobs due at once that this process has written for whoever claims them
}

// NewQueue makes a queue; Run works it off.
func NewQueue(c Config) (*Queue, error) {
	q := &Queue{db: c.DB, log: c.Log, now: c.Now, workers: map[string]Worker{}, under: map[string]int{}, n: c.Concurrency, lease: c.Lease, wake: make(chan struct{}, 1), slow: make(chan struct{}, maxSlow)}
	if q.n == 0 {
		q.n = defaultPlaces
	}
	if c.Node != "" {
		q.node = c.Node + "/"
	}
	q.slots, q.hands = make(chan struct{}, q.n), make(chan struct{}, q.n/2)
	q.own = q.node + ident.Secret(6) + "/"
	if q.lease == 0 {
		q.lease = defaultLease
	}
	if q.now == nil {
		q.now = time.Now
	}
	if q.log == nil {
		q.log = slog.New(slog.DiscardHandler)
	}
	return q, q.Register(c.Workers...)
}

// Register adds workers. Call it before Run.
func (q *Queue) Register(workers ...Worker) error {
	for _, w := range workers {
		if _, ok := q.workers[w.Kind]; ok || w.Kind == "" || w.Work == nil {
			return fault.Internalf("job.register", "kind %q is empty, has no work or is taken", w.Kind)
		}
		if w.Timeout == 0 {
			w.Timeout = time.Minute
		}
		q.workers[w.Kind] = w
	}
	return nil
}

// Enqueue writes a job in the caller's transaction. With a Key that already waits
// nothing is written and id is "".
func (q *Queue) Enqueue(ctx context.Context, tx *store.Tx, n New) (id string, err error) {
	const op = "job.enqueue"
	row, err := q.row(n)
	if err != nil {
		return "", err
	}
	rows, err := tx.Exec(ctx, enqueue, row.values()...)
	if err != nil || rows == 0 {
		q.dropped(row)
		return "", fault.Wrap(op, err)
	}
	tx.AfterEnd(func(committed bool) { q.written(row, committed) })
	return row.ID, nil
}

// Add is Enqueue for who doesn't want to know whether the Key waits already: it costs no
// way to the database of its own.
func (q *Queue) Add(ctx context.Context, tx *store.Tx, n New) error {
	row, err := q.row(n)
	if err != nil {
		return err
	}
	if err := tx.Later(ctx, enqueue, row.values()...); err != nil {
		q.dropped(row)
		return fault.Wrap("job.add", err)
	}
	tx.AfterEnd(func(committed bool) { q.written(row, committed) })
	return nil
}

// row is a job as it is written. One that is due now, while this process has a place for
// it, is written as claimed already (handed), and begun as soon as it is on disk: that
// saves the transaction of a claim, and the wait for it.
type row struct {
	Job
	due, now int64
	handed   bool
}

func (r row) values() []any {
	var key any
	if r.Key != "" {
		key = r.Key
	}
	return []any{r.ID, r.Kind, key, string(r.Args), r.due, r.max, r.now, r.Attempt, r.lease}
}

func (q *Queue) row(n New) (row, error) {
	const op = "job.enqueue"
	args, err := json.Marshal(n.Args)
	if err != nil {
		return row{}, fault.Wrap(op, err)
	}
	if len(args) > maxArgs {
		return row{}, fault.Internalf(op, "%s: %d bytes of arguments; keep the data in your own table", n.Kind, len(args))
	}
	now := q.now()
	if n.RunAt.IsZero() {
		n.RunAt = now
	}
	if n.MaxAttempts == 0 {
		n.MaxAttempts = defaultAttempts
	}
	r := row{Job: Job{ID: ident.New(), Kind: n.Kind, Key: n.Key, Args: args, RunAt: n.RunAt, max: n.MaxAttempts}, due: store.Micros(n.RunAt), now: store.Micros(now)}
	if !n.RunAt.After(now) && q.reserve(n.Kind) {
		r.handed, r.Attempt, r.Local = true, 1, n.Local
		r.lease, r.due = q.own+ident.Secret(12), store.Micros(now.Add(q.lease))
	}
	return r, nil
}

// ahead is how many jobs may be handed over beyond those that can be begun at once: about
// as many as are written with one commit.
const ahead = 128

// reserve sets a place aside for a job that is about to be written. Handed jobs get no
// more than half of the places (Queue.hands), and none are handed over while more are left
// to claim than there are places: what waits isn't overtaken by all that comes.
func (q *Queue) reserve(kind string) bool {
	w, ok := q.workers[kind]
	q.mu.Lock()
	defer q.mu.Unlock()
	if !ok || !q.running || cap(q.hands) == 0 || q.left > q.n || q.handed >= cap(q.hands)+ahead || w.Limit > 0 && q.under[kind] >= w.Limit {
		return false
	}
	if w.Limit > 0 {
		q.under[kind]++
	}
	q.handed++
	q.all.Add(1)
	return true
}

// dropped gives the place back.
func (q *Queue) dropped(r row) {
	if !r.handed {
		return
	}
	q.leave(r.Kind)
	q.mu.Lock()
	q.handed--
	q.mu.Unlock()
	q.all.Done()
}

// written begins a job that was handed over, and wakes the queue for others.
func (q *Queue) written(r row, committed bool) {
	switch {
	case !committed:
		q.dropped(r)
	case !r.handed:
		if r.due <= r.now {
			q.mu.Lock()
			q.left++
			q.mu.Unlock()
		}
		q.Wake()
	default:
		go func() {
			began := time.Now()
			q.hands <- struct{}{}
			q.slots <- struct{}{}
			end := q.aside(func() { <-q.slots; <-q.hands })
			defer func() { q.dropped(r); end(); q.next(r.Kind) }()
			ctx, j := context.Background(), r.Job
			if time.Since(began) > q.lease/3 && !q.extend(ctx, &j) {
				return // it had to wait for so long that somebody else has it
			}
			q.do(ctx, &j)
		}()
	}
}

// CancelKey takes a waiting job back; one that is being done finds out when it calls Done.
func (q *Queue) CancelKey(ctx context.Context, tx *store.Tx, key string) error {
	_, err := tx.Exec(ctx, cancelKey, key)
	return fault.Wrap("job.cancelKey", err)
}

// Waiting are the arguments of the job that waits under a key, for who takes it back
// and may have to put it there again.
func (q *Queue) Waiting(ctx context.Context, tx *store.Tx, key string) (args json.RawMessage, ok bool, err error) {
	var text string
	err = tx.QueryRow(ctx, waiting, key).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return json.RawMessage(text), err == nil, fault.Wrap("job.waiting", err)
}

// Wake makes the queue look for due jobs now.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Done ends the job in the transaction that stores its effect. If the lease was
// lost meanwhile it is a Conflict, and the effect must not be stored twice.
func (j *Job) Done(ctx context.Context, tx *store.Tx) error {
	n, err := tx.Exec(ctx, finish, j.ID, j.lease)
	if err != nil {
		return fault.Wrap("job.done", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "job.done", "")
	}
	tx.AfterCommit(func() { j.done = true })
	return nil
}

// Run claims and does jobs until ctx ends, then finishes what is under way.
func (q *Queue) Run(ctx context.Context) error {
	// A SQLite database belongs to one process: what it finds leased was left by the one
	// before, which was killed. On PostgreSQL it was if the lease bears the name of this
	// node; the leases of other dead nodes run out.
	if whose := q.node; whose != "" || q.db.Engine() == store.SQLite {
		if q.db.Engine() == store.SQLite {
			whose = ""
		}
		if err := q.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, release, whose)
			return err
		}); err != nil {
			return fault.Wrap("job.run", err)
		}
	}
	q.mu.Lock()
	q.running, q.behind = true, true
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.running = false
		q.mu.Unlock()
		q.all.Wait()
	}()
	var short time.Time // since when only few slots are free
	for ctx.Err() == nil {
		q.watchClock(ctx)
		free := q.n - len(q.slots)
		pause := sleepMax // all slots are taken: the next to end wakes us
		if free == 0 {
			q.setBehind(true)
		}
		// A busy queue waits a moment for a quarter of its slots: each claim is a transaction.
		few := free > 0 && free < q.n/4
		switch {
		case !few:
			short = time.Time{}
		case short.IsZero():
			short = time.Now()
		}
		wait := few && time.Since(short) < patience
		if wait {
			pause = patience
		}
		if free > 0 && !wait {
			short = time.Time{}
			busy := q.busy()
			jobs, err := q.claim(ctx, free, busy)
			switch {
			case ctx.Err() != nil && len(jobs) == 0:
				return ctx.Err()
			case err != nil:
				q.log.Error("jobs can't be claimed", "err", err)
				pause = pollEvery
			}
			full := len(jobs) == free
			if err == nil {
				q.mu.Lock()
				q.left = max(q.left-len(jobs), 0)
				if q.behind = full; !full {
					q.left = 0
				}
				q.mu.Unlock()
			}
			for _, j := range jobs {
				if !q.take(j.Kind) {
					q.giveBack(ctx, j)
					continue
				}
				q.slots <- struct{}{}
				q.all.Go(func() {
					end := q.aside(func() { <-q.slots })
					defer func() { q.leave(j.Kind); end(); q.next(j.Kind) }()
					q.do(context.WithoutCancel(ctx), j)
				})
			}
			if full {
				continue
			}
			if err == nil {
				pause = q.pause(ctx, busy)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return ctx.Err()
}

// next wakes the queue after a job has ended, if there may be something for its place.
func (q *Queue) next(kind string) {
	q.mu.Lock()
	behind := q.behind
	q.mu.Unlock()
	if behind || q.workers[kind].Limit > 0 {
		q.Wake()
	}
}

func (q *Queue) setBehind(is bool) {
	q.mu.Lock()
	q.behind = is
	q.mu.Unlock()
}

// watchClock sees that somebody has set the clock. Set forward, the leases of this process
// must not run out under its hands. Set back, work that was due at once, leases and
// further tries must not wait until the clock is where it was before; timers do.
func (q *Queue) watchClock(ctx context.Context) {
	wall, read := store.Micros(q.now()), time.Now()
	jump := time.Duration(wall-q.wall)*time.Microsecond - read.Sub(q.read)
	upTo := q.wall + longestBackoff.Microseconds()
	if q.wall == 0 { // it may have been set while we were away
		jump, upTo = -time.Hour, wall+25*time.Hour.Microseconds()
	}
	if jump.Abs() > time.Second {
		err := q.db.Write(ctx, func(tx *store.Tx) error {
			var err error
			if until := wall + q.lease.Microseconds(); jump > 0 {
				_, err = tx.Exec(ctx, keep, until, q.own)
			} else {
				_, err = tx.Exec(ctx, setBack, wall, until, upTo)
			}
			return err
		})
		if err != nil {
			if ctx.Err() == nil {
				q.log.Error("jobs can't be told that the clock was set", "err", err)
			}
			return // the next look tries again
		}
		if q.wall != 0 {
			q.log.Warn("the clock was set", "by", jump.Round(time.Second))
		}
	}
	q.wall, q.read = wall, read
}

// pause is how long nothing is due. It's short even where nobody else writes jobs: a
// clock that is set forward, or a machine that was asleep, wakes nobody.
func (q *Queue) pause(ctx context.Context, busy string) time.Duration {
	var due int64
	if err := q.db.QueryRow(ctx, q.text(nextDueSQLite, nextDuePostgres), busy).Scan(&due); err != nil || due == 0 {
		return pollEvery
	}
	return min(max(store.Time(due).Sub(q.now()), sleepMin), pollEvery)
}

// aside gives the place of a job that takes long to others, so that a service that doesn't
// answer can't hold up the timers; there is room aside for maxSlow.
func (q *Queue) aside(leave func()) (end func()) {
	leave = sync.OnceFunc(leave)
	ended := make(chan struct{})
	t := time.AfterFunc(slowAfter, func() {
		select {
		case q.slow <- struct{}{}:
			leave()
			q.Wake()
			<-ended
			<-q.slow
		case <-ended:
		}
	})
	return func() { t.Stop(); close(ended); leave() }
}

// take counts a job under way, unless its kind has reached its limit.
func (q *Queue) take(kind string) bool {
	limit := q.workers[kind].Limit
	if limit == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.under[kind] >= limit {
		return false
	}
	q.under[kind]++
	return true
}

func (q *Queue) leave(kind string) {
	if q.workers[kind].Limit > 0 {
		q.mu.Lock()
		q.under[kind]--
		q.mu.Unlock()
	}
}

// giveBack is for a job that one claim took beyond the limit of its kind. If it
// fails the lease runs out.
func (q *Queue) giveBack(ctx context.Context, j *Job) {
	if err := q.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, giveBack, j.ID, j.lease, store.Micros(q.now()))
		return err
	}); err != nil {
		q.log.Error("a job can't be given back", "kind", j.Kind, "job", j.ID, "err", err)
	}
}

// busy is a JSON list of the kinds of which no more can be done now.
func (q *Queue) busy() string {
	kinds := []string{}
	q.mu.Lock()
	for kind, n := range q.under {
		if n >= q.workers[kind].Limit {
			kinds = append(kinds, kind)
		}
	}
	q.mu.Unlock()
	slices.Sort(kinds)
	b, _ := json.Marshal(kinds) // a list of texts always can
	return string(b)
}

func (q *Queue) text(sqlite, postgres string) string {
	if q.db.Engine() == store.Postgres {
		return postgres
	}
	return sqlite
}

func (q *Queue) claim(ctx context.Context, n int, busy string) ([]*Job, error) {
	now := store.Micros(q.now())
	// Look before locking: an idle queue must not write.
	var due int64
	if err := q.db.QueryRow(ctx, q.text(nextDueSQLite, nextDuePostgres), busy).Scan(&due); err != nil {
		return nil, err
	}
	if due == 0 || due > now {
		return nil, nil
	}
	lease := q.own + ident.Secret(12)
	text := q.text(claimSQLite, claimPostgres)
	var jobs []*Job
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		jobs, err = store.All(ctx, tx, scanJob, text, now, n, now+q.lease.Microseconds(), lease, busy)
		return err
	})
	if err != nil {
		return nil, err // what wasn't committed isn't ours
	}
	for _, j := range jobs {
		j.lease = lease
	}
	return jobs, nil
}

// hold keeps the lease of a job while it is worked on, and ends the work when the
// lease is lost: somebody else does it then.
func (q *Queue) hold(ctx context.Context, j *Job, lost context.CancelFunc) {
	t := time.NewTicker(q.lease / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !q.extend(ctx, j) {
			lost()
			return
		}
	}
}

// extend keeps the lease of a job for another while, and says no only when it is lost for sure.
func (q *Queue) extend(ctx context.Context, j *Job) bool {
	var n int64
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		n, err = tx.Exec(ctx, extend, j.ID, j.lease, store.Micros(q.now().Add(q.lease)))
		return err
	})
	if err != nil && ctx.Err() == nil {
		q.log.Warn("the lease of a job can't be kept", "kind", j.Kind, "job", j.ID, "err", err)
	}
	return err != nil || n > 0
}

func (q *Queue) do(ctx context.Context, j *Job) {
	w, ok := q.workers[j.Kind]
	var err error
	switch {
	case !ok:
		err = fault.Internalf("job.do", "no worker for jobs of kind %q", j.Kind)
	case j.Attempt > j.max+maxDeaths:
		err = fault.Internalf("job.do", "its process has ended in the middle of it again and again")
	default:
		work, cancel := context.WithTimeout(ctx, w.Timeout)
		var held sync.WaitGroup
		held.Go(func() { q.hold(work, j, cancel) })
		err = guarded(work, w, j)
		cancel()
		held.Wait()
	}
	if j.done {
		if err != nil {
			q.log.Warn("a job failed after its end", "kind", j.Kind, "job", j.ID, "err", err)
		}
		return
	}
	if err == nil {
		err = q.db.Write(ctx, func(tx *store.Tx) error { return j.Done(ctx, tx) })
		if err == nil {
			return
		}
	}
	if fault.Is(err, fault.Conflict) && !q.owns(ctx, j) {
		return // another worker has it, or it was cancelled
	}
	final := j.Attempt >= j.max || fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied)
	q.log.Warn("a job failed", "kind", j.Kind, "job", j.ID, "attempt", j.Attempt, "final", final, "err", err)
	text := err.Error()
	text = text[:min(len(text), 2000)]
	err = q.db.Write(ctx, func(tx *store.Tx) error {
		if !final {
			_, err := tx.Exec(ctx, retry, j.ID, j.lease, store.Micros(q.now().Add(backoff(j.Attempt))), text)
			return err
		}
		n, err := tx.Exec(ctx, bury, j.ID, j.lease, text)
		if err != nil || n == 0 || w.OnDead == nil {
			return err
		}
		return w.OnDead(ctx, tx, j, text)
	})
	if err != nil {
		q.log.Error("the failure of a job can't be stored; its lease will run out", "kind", j.Kind, "job", j.ID, "err", err)
	}
}

func (q *Queue) owns(ctx context.Context, j *Job) bool {
	var one int
	return q.db.QueryRow(ctx, owns, j.ID, j.lease).Scan(&one) == nil
}

func guarded(ctx context.Context, w Worker, j *Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internalf("job.work", "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.Work(ctx, j)
}

// longestBackoff is an hour and what is added to it.
const longestBackoff = 75 * time.Minute

// backoff is half a second, doubled each time, at most an hour, ±20 %.
func backoff(attempt int) time.Duration {
	d := time.Hour
	if attempt < 13 {
		d = min(d, 500*time.Millisecond<<attempt)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// Dead is a job that was given up.
type Dead struct {
	ID, Kind  string
	Error     string
	CreatedAt time.Time
}

// ListDead lists jobs that were given up, the newest first, for the operator.
func (q *Queue) ListDead(ctx context.Context, n int) ([]Dead, error) {
	out, err := store.All(ctx, q.db, func(s store.Scanner) (Dead, error) {
		var d Dead
		var at int64
		err := s.Scan(&d.ID, &d.Kind, &d.Error, &at)
		d.CreatedAt = store.Time(at)
		return d, err
	}, listDead, n)
	return out, fault.Wrap("job.listDead", err)
}

// Revive lets a job that was given up try again.
func (q *Queue) Revive(ctx context.Context, id string) error {
	const op = "job.revive"
	var n int64
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		n, err = tx.Exec(ctx, revive, id, store.Micros(q.now()))
		tx.AfterCommit(q.Wake)
		return err
	})
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, op, "")
	}
	return fault.Wrap(op, err)
}

// Drain does every job that is due, one after the other, and returns when none is
// left: for tests and for playing a service through without workers.
func (q *Queue) Drain(ctx context.Context) error {
	for range 10_000 {
		jobs, err := q.claim(ctx, 1, "[]")
		if err != nil {
			return fault.Wrap("job.drain", err)
		}
		if len(jobs) == 0 {
			return nil
		}
		q.do(ctx, jobs[0])
	}
	return fault.Wrap("job.drain", errors.New("no end after 10000 jobs"))
}

func scanJob(s store.Scanner) (*Job, error) {
	j := &Job{}
	var key *string
	var args string
	var due int64
	err := s.Scan(&j.ID, &j.Kind, &key, &args, &due, &j.Attempt, &j.max)
	if key != nil {
		j.Key = *key
	}
	j.Args, j.RunAt = json.RawMessage(args), store.Time(due)
	return j, err
}

// Read unmarshals the arguments.
func (j *Job) Read(v any) error {
	if err := json.Unmarshal(j.Args, v); err != nil {
		return fault.Because(fault.Invalid, "job.read", "", fmt.Errorf("%s: %w", j.Kind, err))
	}
	return nil
}
