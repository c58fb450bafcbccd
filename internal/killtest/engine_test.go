// SPDX-License-Identifier: EUPL-1.2

package killtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mercator/base/ident"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// stuck is how long the death of a node may hold anything up before a test fails. The aim
// is ten seconds, and what it took is logged; a test that asserts so little would fail on a
// machine that has other things to do.
const stuck = time.Minute

// wanted is how many faults a test makes: few for ./check, MERCATOR_KILL_POINTS for a
// longer soak. MERCATOR_KILL_SEED repeats a run.
func wanted(t *testing.T, few int) (points int, rnd *rand.Rand) {
	t.Helper()
	if os.Getenv("MERCATOR_KILL") == "" {
		t.Skip("MERCATOR_KILL is not set: nothing was killed (./check kill does it)")
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("MERCATOR_KILL_SEED"), 10, 64); err == nil {
		seed = n
	}
	points = few
	if n, err := strconv.Atoi(os.Getenv("MERCATOR_KILL_POINTS")); err == nil {
		points = n
	}
	t.Logf("%d points, MERCATOR_KILL_SEED=%d", points, seed)
	return points, rand.New(rand.NewPCG(seed, 11))
}

// member is a node as the test sees it: a process that is started, killed and started again.
type member struct {
	t      *testing.T
	config nodeConfig
	name   string
	starts int
	cmd    *exec.Cmd
	out    *strings.Builder // what it logs, of all its lives

	mu   sync.Mutex
	addr string // "" while it is down
}

func (m *member) start() {
	m.t.Helper()
	m.starts++
	m.config.Name = fmt.Sprintf("%s.%d", m.name, m.starts)
	text, err := json.Marshal(m.config)
	if err != nil {
		m.t.Fatal(err)
	}
	m.cmd = exec.Command(os.Args[0])
	m.cmd.Env = append(os.Environ(), nodeEnv+"="+string(text))
	m.cmd.Stderr = m.out
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		for s := bufio.NewScanner(out); s.Scan(); {
			if a, ok := strings.CutPrefix(s.Text(), "ready "); ok {
				ready <- a
			}
		}
	}()
	select {
	case a := <-ready:
		if a == "" {
			m.cmd.Wait()
			m.t.Fatalf("%s doesn't start:\n%s", m.config.Name, tail(m.out.String()))
		}
		m.config.Addr = a
		m.mu.Lock()
		m.addr = a
		m.mu.Unlock()
	case <-time.After(time.Minute):
		m.t.Fatalf("%s isn't ready after a minute", m.config.Name)
	}
}

func (m *member) end(s syscall.Signal) {
	m.mu.Lock()
	m.addr = ""
	m.mu.Unlock()
	m.cmd.Process.Signal(s)
	m.cmd.Wait()
}

// freeze stops the node in whatever it does, for a while, and lets it go on as if nothing
// had happened.
func (w *town) freeze(m *member, pause time.Duration) {
	from := time.Now()
	addr := m.where()
	m.mu.Lock()
	m.addr = ""
	m.mu.Unlock()
	m.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(pause)
	m.cmd.Process.Signal(syscall.SIGCONT)
	m.mu.Lock()
	m.addr = addr
	m.mu.Unlock()
	w.mu.Lock()
	w.outages = append(w.outages, outage{m.config.Name, from, time.Now()})
	w.mu.Unlock()
}

func (m *member) where() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addr
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// outage is a time in which something was down, and the node that it was (with the
// number of its life), or "" for the database.
type outage struct {
	node     string
	from, to time.Time
}

// claim is what the test knows of a case: what was asked of the nodes and what they confirmed.
type claim struct {
	id                string
	started           bool
	asked, acked      map[string]int // messages by name
	completed         bool
	prepared, hurries bool
}

// town asks nodes for things as its people do, and keeps the books.
type town struct {
	t       *testing.T
	members []*member
	rnd     *rand.Rand

	mu      sync.Mutex
	claims  []*claim
	signals int
	refused map[string]int // answers that weren't "try again later"
	outages []outage
	later   int // answers that were
}

func newTown(t *testing.T, rnd *rand.Rand, nodes int, c store.Config) *town {
	w := &town{t: t, rnd: rnd, refused: map[string]int{}}
	for i := range nodes {
		m := &member{t: t, config: nodeConfig{Store: c, Addr: "127.0.0.1:0"}, name: fmt.Sprint("n", i+1), out: &strings.Builder{}}
		w.members = append(w.members, m)
		m.start()
	}
	t.Cleanup(func() {
		for _, m := range w.members {
			m.cmd.Process.Kill()
			m.cmd.Wait()
			if t.Failed() {
				t.Logf("%s logged:\n%s", m.name, tail(m.out.String()))
			}
		}
	})
	return w
}

// kill ends a node, and starts it again after a pause.
func (w *town) kill(m *member, pause time.Duration) {
	w.t.Helper()
	from := time.Now()
	m.end(syscall.SIGKILL)
	time.Sleep(pause)
	name := m.config.Name
	m.start()
	w.mu.Lock()
	w.outages = append(w.outages, outage{name, from, time.Now()})
	w.mu.Unlock()
}

// client waits longer than a node tries: an answer that isn't one came from a node that died.
var client = &http.Client{Timeout: 100 * time.Second}

// ask asks any node that is up; ok when it has confirmed.
func (w *town) ask(pick int, path string, v url.Values) bool {
	addr := w.members[pick%len(w.members)].where()
	if addr == "" {
		return false
	}
	res, err := client.Post("http://"+addr+path+"?"+v.Encode(), "", nil)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode == 200 {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if res.StatusCode == 503 {
		w.later++
	} else {
		w.refused[fmt.Sprintf("%s: %d %.300s", path, res.StatusCode, text)]++
	}
	return false
}

// insist asks until somebody confirms.
func (w *town) insist(ctx context.Context, pick *rand.Rand, path string, v url.Values) bool {
	for ctx.Err() == nil {
		if w.ask(pick.IntN(len(w.members)), path, v) {
			return true
		}
		time.Sleep(time.Duration(10+pick.IntN(60)) * time.Millisecond)
	}
	return false
}

// live brings a case from its start to where only signals, timers and workers are left.
// Once begun it goes on until all is confirmed or hard ends.
func (w *town) live(hard context.Context, pick *rand.Rand, c *claim) {
	id := url.Values{"case": {c.id}}
	tell := func(name string) {
		for hard.Err() == nil {
			c.asked[name]++
			if w.ask(pick.IntN(len(w.members)), "/message", url.Values{"case": {c.id}, "name": {name}}) {
				c.acked[name]++
				return
			}
			time.Sleep(time.Duration(10+pick.IntN(60)) * time.Millisecond)
		}
	}
	if c.prepared {
		tell("go") // before anybody waits for it
	}
	c.started = w.insist(hard, pick, "/start", id)
	if !c.prepared {
		tell("go")
	}
	if c.hurries { // about when the timer fires
		time.Sleep(time.Duration(350+pick.IntN(250)) * time.Millisecond)
		tell("race")
	}
	time.Sleep(time.Duration(pick.IntN(2500)) * time.Millisecond)
	c.completed = w.insist(hard, pick, "/complete", id)
}

// load lets people come until soft ends, and waits until all that they began is confirmed.
func (w *town) load(soft, hard context.Context, people int) (wait func()) {
	var wg sync.WaitGroup
	for range people {
		pick := rand.New(rand.NewPCG(w.rnd.Uint64(), 3))
		wg.Go(func() {
			for soft.Err() == nil {
				c := &claim{id: ident.New(), asked: map[string]int{}, acked: map[string]int{}, prepared: pick.IntN(3) == 0, hurries: pick.IntN(2) == 0}
				w.mu.Lock()
				w.claims = append(w.claims, c)
				w.mu.Unlock()
				w.live(hard, pick, c)
			}
		})
	}
	pick := rand.New(rand.NewPCG(w.rnd.Uint64(), 4))
	wg.Go(func() {
		for soft.Err() == nil {
			if w.ask(pick.IntN(len(w.members)), "/signal", nil) {
				w.mu.Lock()
				w.signals++
				w.mu.Unlock()
			}
			time.Sleep(150 * time.Millisecond)
		}
	})
	return wg.Wait
}

// ofCases are the jobs that are about cases; the others are chores of the house, which
// come again every day.
const ofCases = `kind NOT IN ('process.sweep', 'process.forget')`

// rest sends signals until no case runs any more.
func (w *town) rest(db *store.DB, limit time.Duration) {
	w.t.Helper()
	pick := rand.New(rand.NewPCG(w.rnd.Uint64(), 5))
	began := time.Now()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		w.insist(ctx, pick, "/signal", nil)
		cancel()
		time.Sleep(500 * time.Millisecond)
		var runs, waits int
		err := errors.Join(db.QueryRow(w.t.Context(), `SELECT COUNT(*) FROM process_instance WHERE status = 'running'`).Scan(&runs),
			db.QueryRow(w.t.Context(), `SELECT COUNT(*) FROM job_task WHERE state = 'waiting' AND `+ofCases).Scan(&waits))
		if err == nil && runs == 0 && waits == 0 {
			return
		}
		if time.Since(began) > limit {
			w.stuck(db)
			w.t.Fatalf("%d cases still run and %d jobs wait %v after the last fault, %v", runs, waits, limit, err)
		}
	}
}

// stuck logs what doesn't go on.
func (w *town) stuck(db *store.DB) {
	lines, err := store.All(w.t.Context(), db, func(s store.Scanner) (string, error) {
		var c, state string
		return c, errors.Join(s.Scan(&c, &state), func() error { c += " " + state; return nil }())
	}, `SELECT case_id, state FROM process_instance WHERE status = 'running' ORDER BY id LIMIT 5`)
	w.t.Logf("%v\n%s", err, strings.Join(lines, "\n"))
	lines, err = store.All(w.t.Context(), db, func(s store.Scanner) (string, error) {
		var kind, args, lease, e string
		var due, attempt int64
		err := s.Scan(&kind, &args, &lease, &e, &due, &attempt)
		return fmt.Sprintf("%s %s due %v attempt %d lease %q %.200s", kind, args, store.Time(due), attempt, lease, e), err
	}, `SELECT kind, args, lease, error, due_at, attempt FROM job_task WHERE `+ofCases+` ORDER BY due_at LIMIT 10`)
	w.t.Logf("now %v; %v\n%s", time.Now(), err, strings.Join(lines, "\n"))
}

func openStore(t *testing.T, c store.Config) *store.DB {
	t.Helper()
	c.MaxConns = 4
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type mark struct {
	caseID, element, node string
	at                    time.Time
	fails                 bool
}

// late is the time from due to at, less the time in which the database or every node was down.
func (w *town) late(due, at time.Time) time.Duration {
	const grain = 10 * time.Millisecond
	d := at.Sub(due)
	for x := due; x.Before(at); x = x.Add(grain) {
		down := map[string]bool{}
		for _, o := range w.outages {
			if !x.Before(o.from) && x.Before(o.to) {
				name, _, _ := strings.Cut(o.node, ".")
				down[name] = true
			}
		}
		if down[""] || len(down) == len(w.members) {
			d -= grain
		}
	}
	return d
}

func (w *town) between(from, to time.Time) (n int) {
	for _, o := range w.outages {
		if o.to.After(from) && o.from.Before(to) {
			n++
		}
	}
	return n
}

// result is what a run has shown.
type result struct {
	cases, runs, twice int
	shares             map[string]int // effects by node
	latest             time.Duration  // a timer behind its time, outages taken off
	which              string         // that one
	longest            time.Duration  // from the death of a node to when its work was begun again
}

// judge holds the database against the model of what should have happened.
func (w *town) judge(db *store.DB) result {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	r := result{shares: map[string]int{}}
	faults := 0
	say := func(format string, args ...any) {
		if faults++; faults <= 30 {
			t.Errorf(format, args...)
		}
	}
	all := func(query string) map[string][]mark {
		out := map[string][]mark{}
		list, err := store.All(ctx, db, func(s store.Scanner) (mark, error) {
			var m mark
			var at, fails int64
			err := s.Scan(&m.caseID, &m.element, &m.node, &at, &fails)
			m.at, m.fails = store.Time(at), fails == 1
			return m, err
		}, query)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			out[m.caseID+" "+m.element] = append(out[m.caseID+" "+m.element], m)
		}
		return out
	}
	effects := all(`SELECT case_id, element, node, at, 0 FROM killtest_effect ORDER BY at`)
	runs := all(`SELECT case_id, element, node, at, fails FROM killtest_run ORDER BY at`)
	count := func(query string, args ...any) (n int) {
		if err := db.QueryRow(ctx, query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, list := range effects {
		for _, m := range list {
			name, _, _ := strings.Cut(m.node, ".")
			r.shares[name]++
		}
	}
	for _, c := range w.claims {
		if !c.started {
			say("case %s was never confirmed", c.id)
			continue
		}
		r.cases++
		if n := count(`SELECT COUNT(*) FROM process_instance WHERE case_id = $1 AND status = 'completed'`, c.id); n != 1 {
			say("case %s has %d processes that are completed", c.id, n)
		}
		if n := count(`SELECT COUNT(*) FROM process_instance WHERE case_id = $1`, c.id); n != 1 {
			say("case %s has %d processes", c.id, n)
		}
		got := func(element string) int { return len(effects[c.id+" "+element]) }
		for _, element := range []string{"received", "a1", "a2", "rung", "book", "completed"} {
			if got(element) != 1 {
				say("case %s: %s happened %d times", c.id, element, got(element))
			}
		}
		if m, tm := got("by_message"), got("by_timer"); m+tm != 1 || m == 1 && c.asked["race"] == 0 {
			say("case %s: the race ended %d times with the message and %d times with the timer", c.id, m, tm)
		}
		// Each message that was confirmed was taken once or is still kept; what was asked for without an answer may be either.
		for name, taken := range map[string]int{"go": 1, "race": got("by_message")} {
			kept := count(`SELECT COUNT(*) FROM process_message WHERE name = $1 AND key = $2`, name, c.id)
			if n := taken + kept; n < c.acked[name] || n > c.asked[name] {
				say("case %s: the message %s was sent %d times and confirmed %d times; %d were taken and %d are kept", c.id, name, c.asked[name], c.acked[name], taken, kept)
			}
		}
		w.history(db, c, say, &r)
	}
	// Work is done once unless the node that had it was down before the end.
	for key, list := range runs {
		r.runs += len(list)
		for i, m := range list {
			if i == 0 || list[i-1].fails {
				continue
			}
			before := list[i-1]
			r.twice++
			// One who was frozen with it may begin only after he has thawed.
			i := slices.IndexFunc(w.outages, func(o outage) bool {
				return (o.node == "" || o.node == before.node || o.node == m.node) && o.to.After(before.at) && o.from.Before(m.at)
			})
			if i < 0 {
				say("%s was done twice, by %s at %v and by %s at %v, and nothing was down", key, before.node, before.at, m.node, m.at)
			} else if w.outages[i].node == before.node && w.between(before.at, m.at) == 1 { // who took it up may have died as well
				r.longest = max(r.longest, w.late(w.outages[i].from, m.at))
			}
		}
	}
	for what, query := range map[string]string{
		"chores planned twice":         `SELECT COUNT(*) FROM (SELECT kind FROM job_task WHERE state = 'waiting' AND NOT (` + ofCases + `) GROUP BY kind HAVING COUNT(*) > 1) t`,
		"jobs given up":                `SELECT COUNT(*) FROM job_task WHERE state = 'dead'`,
		"incidents":                    `SELECT COUNT(*) FROM process_incident`,
		"subscriptions of nobody":      `SELECT COUNT(*) FROM process_subscription`,
		"listeners to signals left":    `SELECT COUNT(*) FROM process_signal`,
		"tasks left open":              `SELECT COUNT(*) FROM process_task WHERE state = 'open'`,
		"processes without a claim":    `SELECT COUNT(*) FROM process_instance WHERE case_id = ''`,
		"instances that aren't over":   `SELECT COUNT(*) FROM process_instance WHERE status <> 'completed'`,
		"effects of cases not there":   `SELECT COUNT(*) FROM killtest_effect e WHERE NOT EXISTS (SELECT 1 FROM process_instance i WHERE i.case_id = e.case_id)`,
		"histories of nothing at hand": `SELECT COUNT(*) FROM process_history h WHERE NOT EXISTS (SELECT 1 FROM process_instance i WHERE i.id = h.instance_id)`,
	} {
		if n := count(query); n != 0 {
			say("%s: %d", what, n)
		}
	}
	for text, n := range w.refused {
		say("an answer that isn't clear, %d times: %s", n, text)
	}
	if r.latest > stuck {
		say("a timer was %v late, outages taken off: %s", r.latest, r.which)
	}
	if r.longest > stuck {
		say("the work of a dead node was stuck for %v", r.longest)
	}
	if faults > 30 {
		t.Errorf("and %d more", faults-30)
	}
	t.Logf("%d outages, %d cases, %d signals, %d times work (%d begun again after a fault), effects by node %v; answers \"later\": %d; latest timer %v, longest stuck %v",
		len(w.outages), r.cases, w.signals, r.runs, r.twice, r.shares, w.later, r.latest.Round(time.Millisecond), r.longest.Round(time.Millisecond))
	return r
}

// history holds the steps of a case against the model: each element is entered and left
// as often as the model says, and each timer fires at its time.
func (w *town) history(db *store.DB, c *claim, say func(string, ...any), r *result) {
	type step struct {
		at    time.Time
		event string
		trace []struct{ E, W string }
	}
	steps, err := store.All(w.t.Context(), db, func(s store.Scanner) (step, error) {
		var x step
		var at int64
		var trace string
		if err := s.Scan(&at, &x.event, &trace); err != nil {
			return x, err
		}
		x.at = store.Time(at)
		return x, json.Unmarshal([]byte(trace), &x.trace)
	}, `SELECT h.at, h.event, h.trace FROM process_history h JOIN process_instance i ON i.id = h.instance_id WHERE i.case_id = $1 ORDER BY h.id`, c.id)
	if err != nil {
		w.t.Fatal(err)
	}
	in, out := map[string][]time.Time{}, map[string][]time.Time{}
	over := map[string]time.Time{} // left or cancelled
	for _, s := range steps {
		for _, x := range s.trace {
			switch x.W {
			case "in":
				in[x.E] = append(in[x.E], s.at)
			case "out":
				out[x.E] = append(out[x.E], s.at)
				over[x.E] = s.at
			default:
				over[x.E] = s.at
			}
		}
	}
	for _, e := range []string{"start", "received", "split", "a1", "a2", "ring", "rung", "go", "alarm", "look", "raced", "join", "book", "end"} {
		times := 1
		if e == "join" {
			times = 6 // every token that comes
		}
		if len(in[e]) != times || len(out[e]) != times {
			say("case %s: %s was entered %d times and left %d times", c.id, e, len(in[e]), len(out[e]))
		}
	}
	fired := func(e string, due, at time.Time) {
		if at.Before(due.Add(-time.Millisecond)) {
			say("case %s: %s was due at %v and fired at %v", c.id, e, due, at)
		}
		if d := w.late(due, at); d > r.latest {
			r.latest, r.which = d, fmt.Sprintf("%s of %s, due %v, at %v, %d outages meanwhile", e, c.id, due, at, w.between(due, at))
		}
	}
	if len(in["ring"]) == 1 && len(out["ring"]) == 1 {
		fired("ring", in["ring"][0].Add(600*time.Millisecond), out["ring"][0])
	}
	if len(out["late"]) == 1 && len(in["race"]) == 1 {
		fired("late", in["race"][0].Add(500*time.Millisecond), out["late"][0])
	} else if at, ok := over["race"]; ok && len(in["race"]) == 1 {
		fired("late", in["race"][0].Add(500*time.Millisecond), maxTime(at, in["race"][0].Add(500*time.Millisecond)))
	}
	ticks := out["ticked"]
	if len(ticks) > 2 || len(in["look"]) != 1 {
		say("case %s: %d reminders", c.id, len(ticks))
		return
	}
	for i := range 2 {
		due := in["look"][0].Add(time.Duration(i+1) * time.Second)
		if i < len(ticks) {
			fired("tick", due, ticks[i])
		} else if at, ok := over["look"]; ok && at.After(due) {
			fired("tick", due, at) // it can't be later than the task
		}
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// play runs a town under load while faults happen, and judges.
func (w *town) play(db *store.DB, people int, faults func()) result {
	w.t.Helper()
	soft, stop := context.WithCancel(context.Background())
	hard, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	wait := w.load(soft, hard, people)
	faults()
	stop()
	wait()
	w.rest(db, 2*time.Minute)
	for _, m := range w.members {
		m.end(syscall.SIGTERM)
	}
	return w.judge(db)
}

// eachStore runs a test on both engines; a database of its own each.
func eachStore(t *testing.T, run func(t *testing.T, c store.Config)) {
	t.Run("sqlite", func(t *testing.T) {
		run(t, store.Config{Engine: store.SQLite, Path: filepath.Join(t.TempDir(), "test.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		run(t, store.Config{Engine: store.Postgres, DSN: storetest.PostgresDSN(t)})
	})
}

// A node is killed again and again while cases with timers, messages, signals, jobs and
// tasks are under way.
func TestTheEngineIsKilled(t *testing.T) {
	points, rnd := wanted(t, 12)
	eachStore(t, func(t *testing.T, c store.Config) {
		w := newTown(t, rnd, 1, c)
		w.play(openStore(t, c), 12, func() {
			for range points {
				time.Sleep(time.Duration(50+rnd.IntN(900)) * time.Millisecond)
				w.kill(w.members[0], time.Duration(rnd.IntN(200))*time.Millisecond)
			}
			time.Sleep(time.Second)
		})
	})
}

// Two and three nodes share the work of one PostgreSQL, and nobody does what another does.
func TestNodesShareTheWork(t *testing.T) {
	_, rnd := wanted(t, 0)
	for _, nodes := range []int{2, 3} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			c := store.Config{Engine: store.Postgres, DSN: storetest.PostgresDSN(t)}
			w := newTown(t, rnd, nodes, c)
			r := w.play(openStore(t, c), 24, func() { time.Sleep(4 * time.Second) })
			if r.twice != 0 {
				t.Errorf("%d jobs were done twice", r.twice)
			}
			for _, m := range w.members {
				if r.shares[m.name] == 0 {
					t.Errorf("%s did nothing", m.name)
				}
			}
		})
	}
}

// One of several nodes is killed and stays away for longer than its leases last.
func TestANodeDies(t *testing.T) {
	points, rnd := wanted(t, 2)
	for _, nodes := range []int{2, 3} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			c := store.Config{Engine: store.Postgres, DSN: storetest.PostgresDSN(t)}
			w := newTown(t, rnd, nodes, c)
			w.play(openStore(t, c), 24, func() {
				for range points {
					time.Sleep(time.Duration(200+rnd.IntN(900)) * time.Millisecond)
					w.kill(w.members[rnd.IntN(nodes)], time.Duration(rnd.IntN(10000))*time.Millisecond)
				}
				time.Sleep(time.Second)
			})
		})
	}
}

// A node is frozen in the middle of what it does, for longer than its leases and its locks
// last, and goes on afterwards: it finds out that others have done its work.
func TestANodeIsFrozen(t *testing.T) {
	points, rnd := wanted(t, 1)
	c := store.Config{Engine: store.Postgres, DSN: storetest.PostgresDSN(t)}
	w := newTown(t, rnd, 2, c)
	w.play(openStore(t, c), 24, func() {
		for range points {
			time.Sleep(time.Duration(500+rnd.IntN(900)) * time.Millisecond)
			w.freeze(w.members[rnd.IntN(2)], time.Duration(9000+rnd.IntN(5000))*time.Millisecond)
		}
		time.Sleep(2 * time.Second)
	})
}
