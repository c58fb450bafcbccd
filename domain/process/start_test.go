// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// by is a process that begins by itself at any of the events and then waits for a person,
// or for the message once more.
func by(id, events string) string {
	flows := ""
	for i, part := range strings.Split(events, `<bpmn:startEvent id="`)[1:] {
		flows += fmt.Sprintf(`<bpmn:sequenceFlow id="b%d" sourceRef="%s" targetRef="which"/>`, i, part[:strings.Index(part, `"`)])
	}
	return `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:message id="m" name="found"><bpmn:extensionElements><zeebe:subscription correlationKey="=case.key"/></bpmn:extensionElements></bpmn:message>
<bpmn:signal id="s" name="storm"/>
<bpmn:process id="` + id + `" isExecutable="true">` + events + `
 <bpmn:exclusiveGateway id="which" default="f1"/><bpmn:userTask id="work" name="Look"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
 <bpmn:intermediateCatchEvent id="more"><bpmn:messageEventDefinition messageRef="m"/></bpmn:intermediateCatchEvent><bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="which" targetRef="work"/>
 <bpmn:sequenceFlow id="f2" sourceRef="which" targetRef="end"><bpmn:conditionExpression>=short = true</bpmn:conditionExpression></bpmn:sequenceFlow>
 <bpmn:sequenceFlow id="f3" sourceRef="work" targetRef="more"/><bpmn:sequenceFlow id="f4" sourceRef="more" targetRef="end"/>` + flows + `
</bpmn:process></bpmn:definitions>`
}

const (
	byMessage   = `<bpmn:startEvent id="told"><bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>`
	bySignal    = `<bpmn:startEvent id="alarm"><bpmn:signalEventDefinition signalRef="s"/></bpmn:startEvent>`
	byCondition = `<bpmn:startEvent id="high"><bpmn:conditionalEventDefinition><bpmn:condition>=level &gt; 3</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:startEvent>`
)

func byTimer(sort, value string) string {
	return `<bpmn:startEvent id="daily"><bpmn:timerEventDefinition><bpmn:time` + sort + `>` + value + `</bpmn:time` + sort + `></bpmn:timerEventDefinition></bpmn:startEvent>`
}

// registry opens cases, as the registry of the city does.
type registry struct {
	t      testing.TB
	db     *store.DB
	engine *process.Engine
	stop   func()

	mu     sync.Mutex
	now    time.Time // zero: the clock
	opened []process.Occasion
	fail   int // how many openings fail yet
}

func (h *registry) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.IsZero() {
		return time.Now()
	}
	return h.now
}

func (h *registry) set(t time.Time) {
	h.mu.Lock()
	h.now = t
	h.mu.Unlock()
}

func (h *registry) open(_ context.Context, tx *store.Tx, o process.Occasion) (process.StartParams, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		return process.StartParams{}, fault.Internalf("test", "the registry is closed")
	}
	id := ident.New()
	tx.AfterCommit(func() { h.mu.Lock(); h.opened = append(h.opened, o); h.mu.Unlock() })
	return process.StartParams{CaseID: id, CaseRef: "2026-" + id, Label: o.Service, Vars: map[string]any{"case": map[string]any{"id": id, "key": o.Key}}}, nil
}

// openRegistry opens the engine on a database that may have been used before.
func openRegistry(t testing.TB, db *store.DB, now time.Time) *registry {
	t.Helper()
	h := &registry{t: t, db: db, now: now}
	queue, err := job.NewQueue(job.Config{DB: db, Now: h.clock, Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.engine, err = process.New(process.Config{DB: db, Jobs: queue, Now: h.clock, Hooks: process.Hooks{Open: h.open}})
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Register(h.engine.Workers()...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); queue.Run(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				queue.Wake()
			}
		}
	}()
	h.stop = sync.OnceFunc(func() { cancel(); <-ended; tick.Stop() })
	t.Cleanup(h.stop)
	return h
}

// deploy puts services into force: pairs of an id and a version with its events.
func (h *registry) deploy(services ...[3]string) error {
	h.t.Helper()
	var all []process.Deployment
	for _, s := range services {
		def, err := bpmn.Parse(s[0]+".bpmn", []byte(by(s[0], s[2])))
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, process.Deployment{Service: s[0], Version: s[1], Office: "32", Def: def, Process: s[0]})
	}
	return h.engine.Deploy(h.t.Context(), all)
}

func (h *registry) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *registry) send(n process.Note) process.Delivery {
	h.t.Helper()
	var out process.Delivery
	h.must(h.db.Write(h.t.Context(), func(tx *store.Tx) error {
		n.Record = func(context.Context, *store.Tx, process.Ref) error { return nil }
		var err error
		out, err = h.engine.Deliver(h.t.Context(), tx, n)
		return err
	}))
	return out
}

// count is how many cases have been opened.
func (h *registry) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.opened)
}

func (h *registry) until(what string, ok func() bool) {
	h.t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("never: %s", what)
}

// stays waits a while and sees that nothing more begins.
func (h *registry) stays(n int) {
	h.t.Helper()
	h.until(fmt.Sprint(n, " cases"), func() bool { return h.count() >= n })
	time.Sleep(150 * time.Millisecond)
	if got := h.count(); got != n {
		h.t.Fatalf("%d cases, want %d", got, n)
	}
}

func (h *registry) number(query string) (n int) {
	h.t.Helper()
	h.must(h.db.QueryRow(h.t.Context(), query).Scan(&n))
	return n
}

// end ends the instance of a case.
func (h *registry) end(c process.Ref) {
	h.t.Helper()
	h.must(h.db.Write(h.t.Context(), func(tx *store.Tx) error {
		return h.engine.Cancel(h.t.Context(), tx, c.CaseID, accesstest.Clerk("32"))
	}))
}

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestStarts(t *testing.T) {
	each := func(name string, run func(t *testing.T, h *registry)) {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) { run(t, openRegistry(t, db, monday)) })
		})
	}
	key := func(key string, vars map[string]any) process.Note {
		return process.Note{Name: "found", Key: key, Vars: vars}
	}

	each("a message begins a case, with its variables and none of the house's", func(t *testing.T, h *registry) {
		if out := h.send(key("k1", nil)); out.Fate != process.Kept {
			t.Errorf("nobody listens: %+v", out)
		}
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		out := h.send(key("k2", map[string]any{"thing": "bag", "case": map[string]any{"id": "forged"}}))
		if out.Fate != process.Begun || out.Case.Service != "lost" || out.Case.Version != "v1" || out.Case.Office != "32" || out.Case.Label != "lost" {
			t.Fatalf("%+v", out)
		}
		v, err := h.engine.View(t.Context(), out.Case.CaseID)
		h.must(err)
		if fmt.Sprint(v.Active) != "[work]" || fmt.Sprint(v.Done) != "[told which]" || v.Steps[0].ActorKind != "system" {
			t.Errorf("%v after %v by %+v", v.Active, v.Done, v.Steps[0])
		}
		vars, err := h.engine.VarsOf(t.Context(), h.db, out.Case.CaseID)
		if h.must(err); vars["thing"] != "bag" || vars["case"].(map[string]any)["id"] != out.Case.CaseID {
			t.Errorf("%v", vars)
		}
		// Without a key each begins one.
		a, b := h.send(key("", nil)), h.send(key("", nil))
		if a.Fate != process.Begun || b.Fate != process.Begun || a.Case.CaseID == b.Case.CaseID {
			t.Errorf("%+v %+v", a, b)
		}
		// What came before anybody listened begins with the next one, in its turn.
		if out := h.send(key("k1", nil)); out.Fate != process.Kept {
			t.Errorf("%+v", out)
		}
		h.stays(4)
		if n := h.number("SELECT count(*) FROM process_message"); n != 1 {
			t.Errorf("%d messages wait, want the second of k1", n)
		}
		// Nobody wants it, and it isn't to be kept.
		zero := time.Duration(0)
		if out := h.send(process.Note{Name: "other", Key: "k", TTL: &zero}); out.Fate != process.Unwanted {
			t.Errorf("%+v", out)
		}
		err = h.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.engine.Deliver(t.Context(), tx, process.Note{Name: "other"})
			return err
		})
		if key, _ := fault.Message(err); !fault.Is(err, fault.NotFound) || key != "process.noStart" {
			t.Errorf("no key and no start: %v", err)
		}
	})

	each("a replay knows what has begun a case", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		h.send(key("k1", map[string]any{"thing": "bag"}))
		h.send(key("k2", map[string]any{"short": true}))
		def, err := bpmn.Parse("lost.bpmn", []byte(by("lost", byMessage)))
		h.must(err)
		g := accesstest.Grant(t, accesstest.AllowAll(t, h.db), access.Request{Actor: accesstest.Clerk("32"), Action: access.Read, Resource: "replay", Service: "lost"})
		r, err := h.engine.Replay(t.Context(), g, process.ReplayPlan{Service: "lost", To: def, Since: monday.Add(-time.Hour), Until: monday.Add(time.Hour)})
		if h.must(err); r.Cases != 2 || r.Same != 2 {
			t.Errorf("%+v", r)
		}
	})

	each("of a key one case at a time, the next when it has ended", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		first := h.send(key("k", map[string]any{"n": 1}))
		for n := 2; n <= 3; n++ {
			if out := h.send(key("k", map[string]any{"n": n})); out.Fate != process.Kept {
				t.Fatalf("%d: %+v", n, out)
			}
		}
		h.stays(1)
		h.end(first.Case)
		h.stays(2)
		var ref process.Ref
		h.must(h.db.QueryRow(t.Context(), "SELECT case_id FROM process_instance WHERE status = 'running'").Scan(&ref.CaseID))
		if vars, err := h.engine.VarsOf(t.Context(), h.db, ref.CaseID); err != nil || vars["n"] != 2.0 {
			t.Errorf("%v %v, want the second", vars, err)
		}
		// A running case that comes to wait for the message takes the one that is kept.
		list, err := h.engine.TasksOf(t.Context(), h.db, ref.CaseID)
		h.must(err)
		check := accesstest.AllowAll(t, h.db)
		clerk := accesstest.Clerk("32")
		g := accesstest.Grant(t, check, access.Request{Actor: clerk, Action: access.Change, Resource: "task"})
		task, err := h.engine.Claim(t.Context(), g, list[0].ID)
		h.must(err)
		g = accesstest.Grant(t, check, access.Request{Actor: clerk, Action: access.Decide, Resource: "task"})
		h.must(h.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.engine.Complete(t.Context(), tx, g, task.ID, task.Revision, nil)
			return err
		}))
		h.until("ended", func() bool { return h.number("SELECT count(*) FROM process_instance WHERE status = 'running'") == 0 })
		h.stays(2)
		for _, table := range []string{"message", "begun", "subscription"} {
			if n := h.number("SELECT count(*) FROM process_" + table); n != 0 {
				t.Errorf("process_%s has %d rows left", table, n)
			}
		}
	})

	each("many messages of one key at once begin one case after the other", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		const n = 24
		var wg sync.WaitGroup
		var mu sync.Mutex
		fates := map[process.Fate]int{}
		for range n {
			wg.Go(func() {
				out := h.send(key("k", nil))
				mu.Lock()
				fates[out.Fate]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if fates[process.Begun] != 1 || fates[process.Kept] != n-1 {
			t.Fatalf("%v", fates)
		}
		// They end while others come: none is lost, none is twice, never two at a time.
		wg.Go(func() {
			for range n {
				h.send(key("k", nil))
			}
		})
		for i := 1; i < 2*n; i++ {
			h.until(fmt.Sprint("case ", i), func() bool { return h.count() >= i })
			h.until("it runs", func() bool { return h.number("SELECT count(*) FROM process_instance WHERE status = 'running'") == 1 })
			var c process.Ref
			h.must(h.db.QueryRow(t.Context(), "SELECT case_id FROM process_instance WHERE status = 'running'").Scan(&c.CaseID))
			h.end(c)
		}
		wg.Wait()
		h.stays(2 * n)
		if left := h.number("SELECT count(*) FROM process_message"); left != 0 {
			t.Errorf("%d messages are left", left)
		}
	})

	each("cases that end at once follow each other", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		first := h.send(key("k", nil))
		for range 5 {
			h.send(key("k", map[string]any{"short": true}))
		}
		h.end(first.Case)
		h.stays(6)
		if n := h.number("SELECT count(*) FROM process_instance WHERE status = 'completed'"); n != 5 {
			t.Errorf("%d have ended", n)
		}
	})

	each("the same id does nothing twice within its life", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		ttl := time.Hour
		note := process.Note{Name: "found", Key: "k", ID: "a", TTL: &ttl}
		var wg sync.WaitGroup
		outs := make([]process.Delivery, 8)
		for i := range outs {
			wg.Go(func() { outs[i] = h.send(note) })
		}
		wg.Wait()
		fresh := 0
		for _, o := range outs {
			if o.Fate != process.Begun || o.Case.CaseID != outs[0].Case.CaseID {
				t.Errorf("%+v", o)
			}
			if !o.Repeated {
				fresh++
			}
		}
		if fresh != 1 || h.count() != 1 {
			t.Errorf("%d times, %d cases", fresh, h.count())
		}
		if n := h.number(`SELECT count(*) FROM process_sent WHERE outcome NOT LIKE '%"Label":""%'`); n != 0 {
			t.Error("what became of a message is kept with the name of the person whose case it is")
		}
		other := note
		other.By = access.Actor{Kind: access.Machine, ID: "other"}
		if o := h.send(other); o.Repeated || o.Fate != process.Kept {
			t.Errorf("an id is its sender's own: %+v", o)
		}
		zero := time.Duration(0)
		once := process.Note{Name: "nobody", Key: "k", ID: "a", TTL: &zero}
		if a, b := h.send(once), h.send(once); a.Repeated || !b.Repeated || b.Fate != process.Unwanted {
			t.Errorf("what isn't kept is known by its id, too: %+v, %+v", a, b)
		}
		h.set(monday.Add(23 * time.Hour))
		if o := h.send(note); !o.Repeated {
			t.Errorf("it is known for a day at least: %+v", o)
		}
		h.set(monday.Add(25 * time.Hour))
		if o := h.send(note); o.Repeated {
			t.Errorf("its life is over: %+v", o)
		}
	})

	each("a signal reaches who waits, and begins one case of each service", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"a", "v1", bySignal}, [3]string{"b", "v1", bySignal + byMessage}, [3]string{"c", "v1", byMessage[:0] + byCondition}))
		for range 2 {
			h.must(h.db.Write(t.Context(), func(tx *store.Tx) error {
				return h.engine.Signal(t.Context(), tx, "storm", map[string]any{"level": "red"})
			}))
		}
		h.must(h.db.Write(t.Context(), func(tx *store.Tx) error { return h.engine.Signal(t.Context(), tx, "calm", nil) }))
		h.stays(4)
		var got []string
		for _, o := range h.opened {
			got = append(got, fmt.Sprint(o.Service, o.Element, o.Trigger, o.Name, o.Vars))
		}
		slices.Sort(got)
		if want := "[aalarmsignalstormmap[level:red] aalarmsignalstormmap[level:red] balarmsignalstormmap[level:red] balarmsignalstormmap[level:red]]"; fmt.Sprint(got) != want {
			t.Errorf("%v", got)
		}
		// Withdrawn between the signal and the case: nothing begins.
		h.stop()
		h.must(h.db.Write(t.Context(), func(tx *store.Tx) error { return h.engine.Signal(t.Context(), tx, "storm", nil) }))
		h.must(h.deploy())
		again := openRegistry(t, h.db, monday)
		again.stays(0)
	})

	each("data begin what their condition is true for", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"flood", "v1", byCondition}, [3]string{"lost", "v1", byMessage}))
		for _, x := range []struct {
			level any
			want  int
		}{{2, 0}, {4, 1}, {"x", 0}, {nil, 0}, {9, 1}} {
			var n int
			h.must(h.db.Write(t.Context(), func(tx *store.Tx) (err error) {
				n, err = h.engine.Tell(t.Context(), tx, map[string]any{"level": x.level})
				return err
			}))
			if n != x.want {
				t.Errorf("level %v begins %d", x.level, n)
			}
		}
		h.stays(2)
	})

	each("a new version takes over, and a withdrawn service listens no more", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"lost", "v1", byMessage}))
		h.must(h.deploy([3]string{"lost", "v2", byMessage + bySignal}))
		if out := h.send(key("k", nil)); out.Case.Version != "v2" {
			t.Errorf("%+v", out)
		}
		// Another service can't take the message away; all else of it counts.
		err := h.deploy([3]string{"also", "v1", byMessage + byCondition}, [3]string{"lost", "v2", byMessage + bySignal})
		if err == nil || !strings.Contains(err.Error(), `the message "found" begins cases of the service lost already`) {
			t.Errorf("%v", err)
		}
		if n := h.number("SELECT count(*) FROM process_start WHERE service = 'also'"); n != 1 {
			t.Errorf("%d start events of also", n)
		}
		if out := h.send(key("k2", nil)); out.Case.Service != "lost" {
			t.Errorf("%+v", out)
		}
		// The one is withdrawn, and the other takes its message in the same moment.
		h.must(h.deploy([3]string{"also", "v1", byMessage + byCondition}))
		if out := h.send(key("k3", nil)); out.Case.Service != "also" {
			t.Errorf("%+v", out)
		}
		h.must(h.deploy())
		if out := h.send(key("k4", nil)); out.Fate != process.Kept {
			t.Errorf("%+v", out)
		}
		if n := h.number("SELECT count(*) FROM process_start"); n != 0 {
			t.Errorf("%d start events are left", n)
		}
	})

	each("what isn't changed isn't written", func(t *testing.T, h *registry) {
		services := [][3]string{{"lost", "v1", byMessage + bySignal}, {"check", "v1", byTimer("Cycle", "R/P1D")}}
		h.must(h.deploy(services...))
		h.stop() // nobody else writes
		before := fmt.Sprint(h.number("SELECT count(*) FROM job_task"), h.number("SELECT count(*) FROM process_start"))
		closed := make(chan struct{})
		h.must(h.db.Write(t.Context(), func(tx *store.Tx) error { // whoever wrote would wait for this
			go func() { defer close(closed); h.must(h.deploy(services...)) }()
			select {
			case <-closed:
				return nil
			case <-time.After(20 * time.Second):
				return fault.Internalf("test", "it writes")
			}
		}))
		if after := fmt.Sprint(h.number("SELECT count(*) FROM job_task"), h.number("SELECT count(*) FROM process_start")); after != before {
			t.Errorf("%s, before %s", after, before)
		}
	})
}

func TestTimersThatBeginCases(t *testing.T) {
	each := func(name string, run func(t *testing.T, h *registry)) {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) { run(t, openRegistry(t, db, monday)) })
		})
	}
	day := 24 * time.Hour
	due := func(h *registry) string {
		var at int64
		if err := h.db.QueryRow(t.Context(), "SELECT due_at FROM process_start WHERE element = 'daily'").Scan(&at); err != nil {
			h.t.Fatal(err)
		}
		if at == 0 {
			return "never"
		}
		return store.Time(at).Format("2006-01-02 15:04")
	}

	each("a date and a duration fire once", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"date", "v1", byTimer("Date", "2026-03-04T08:00:00Z")}, [3]string{"gone", "v1", byTimer("Date", "2026-03-01")}, [3]string{"later", "v1", byTimer("Duration", "PT3H")}))
		h.stays(0)
		h.set(monday.Add(3 * time.Hour))
		h.stays(1)
		h.set(monday.Add(30 * day))
		h.stays(2)
		// A new version with the same date has had its time, one with another has not.
		h.must(h.deploy([3]string{"date", "v2", byTimer("Date", "2026-03-04T08:00:00Z")}, [3]string{"later", "v2", byTimer("Duration", "PT4H")}))
		h.set(monday.Add(31 * day))
		h.stays(3)
		if last := h.opened[2]; last.Service != "later" || last.Version != "v2" || last.Trigger != bpmn.Timer {
			t.Errorf("%+v", last)
		}
	})

	each("a cycle counts from its due time, and a new version takes it over", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"check", "v1", byTimer("Cycle", "R3/P1D")}))
		h.set(monday.Add(day + 5*time.Hour)) // late
		h.stays(1)
		if got := due(h); got != "2026-03-04 09:00" {
			t.Errorf("next: %s", got)
		}
		h.must(h.deploy([3]string{"check", "v2", byTimer("Cycle", "R3/P1D") + bySignal}))
		if got := due(h); got != "2026-03-04 09:00" {
			t.Errorf("after a new version: %s", got)
		}
		h.stays(1)
		h.set(monday.Add(2 * day))
		h.stays(2)
		if v := h.opened[1].Version; v != "v2" {
			t.Errorf("of version %s", v)
		}
		h.set(monday.Add(9 * day))
		h.stays(3)
		if got := due(h); got != "never" {
			t.Errorf("R3 goes on: %s", got)
		}
		// Another rhythm is another schedule.
		h.must(h.deploy([3]string{"check", "v3", byTimer("Cycle", "R/P2D")}))
		if got := due(h); got != "2026-03-13 09:00" {
			t.Errorf("another rhythm: %s", got)
		}
		h.must(h.deploy())
		h.set(monday.Add(90 * day))
		h.stays(3)
	})

	each("over a restart each missed time counts, up to a bound", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"check", "v1", byTimer("Cycle", "R/PT1H")}))
		h.stop()
		again := openRegistry(t, h.db, monday.Add(5*time.Hour+30*time.Minute))
		again.must(again.deploy([3]string{"check", "v1", byTimer("Cycle", "R/PT1H")}))
		again.stays(5)
		again.stop()
		third := openRegistry(t, h.db, monday.Add(1000*time.Hour))
		third.stays(101) // the one that was due, and the hundred before now
		if got := due(third); got != "2026-04-13 02:00" {
			t.Errorf("next: %s", got)
		}
		third.stop()
		// So far behind that nobody counts: the rhythm begins anew.
		fourth := openRegistry(t, h.db, monday.Add(20_000*time.Hour+20*time.Minute))
		fourth.stays(1)
		if got, want := due(fourth), monday.Add(20_001*time.Hour+20*time.Minute).Format("2006-01-02 15:04"); got != want {
			t.Errorf("next: %s, want %s", got, want)
		}
	})

	each("the clock is set forward and back", func(t *testing.T, h *registry) {
		h.must(h.deploy([3]string{"check", "v1", byTimer("Cycle", "R/P1D")}))
		h.set(monday.Add(day))
		h.stays(1)
		h.set(monday.Add(-day))
		h.stays(1)
		h.set(monday.Add(2 * day))
		h.stays(2)
	})

	each("a case that can't be opened is tried again", func(t *testing.T, h *registry) {
		h.mu.Lock()
		h.fail = 1
		h.mu.Unlock()
		h.must(h.deploy([3]string{"check", "v1", byTimer("Cycle", "R/P1D")}))
		h.set(monday.Add(day))
		h.until("tried again", func() bool { h.set(h.clock().Add(time.Second)); return h.count() > 0 })
		h.stays(1)
		if got := due(h); got != "2026-03-04 09:00" {
			t.Errorf("next: %s", got)
		}
	})

	each("one that is given up doesn't end the cycle", func(t *testing.T, h *registry) {
		h.mu.Lock()
		h.fail = 20
		h.mu.Unlock()
		h.must(h.deploy([3]string{"check", "v1", byTimer("Cycle", "R/P30D")}))
		h.set(monday.Add(30 * day))
		h.until("given up", func() bool {
			if due(h) == "2026-05-01 09:00" {
				return true
			}
			time.Sleep(20 * time.Millisecond)
			h.mu.Lock()
			h.now = h.now.Add(5 * time.Minute)
			h.mu.Unlock()
			return false
		})
		h.set(monday.Add(60 * day))
		h.stays(1)
	})
}

// A program sends what it was granted, and fills its own room only.
func TestEventsFromOutside(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openRegistry(t, db, monday)
		h.must(h.deploy([3]string{"lost", "v1", byMessage + bySignal + byCondition}))
		check := accesstest.House(t, db)
		machine := func(id, office string, roles ...string) access.Actor {
			return access.Actor{Kind: access.Machine, ID: id, Name: id, Office: office, Roles: roles}
		}
		grant := func(a access.Actor, resource string) (access.Grant, error) {
			return check.Permit(t.Context(), access.Request{Actor: a, Action: access.Change, Resource: resource, Purpose: "test"})
		}
		for _, roles := range [][]string{{"message:found"}, {"cases:write"}, {"signals:write", "message:found"}} {
			if _, err := grant(machine("m", "", roles...), "event:message:found"); !fault.Is(err, fault.Denied) {
				t.Errorf("%v may send a message: %v", roles, err)
			}
		}
		if _, err := grant(accesstest.Clerk("32"), "event:message:found"); !fault.Is(err, fault.Denied) {
			t.Errorf("a clerk: %v", err)
		}
		finder := machine("finder", "", "messages:write", "message:found", "signals:write", "conditions:write")
		g, err := grant(finder, "event:message:found")
		h.must(err)
		if _, err := h.engine.SendMessage(t.Context(), g, process.Note{Name: "payment.paid", Key: "c"}); !fault.Is(err, fault.Denied) {
			t.Errorf("a name that wasn't granted: %v", err)
		}
		if _, _, err := h.engine.SendSignal(t.Context(), g, "storm", nil); !fault.Is(err, fault.Denied) {
			t.Errorf("a signal that wasn't granted: %v", err)
		}
		if out, err := h.engine.SendMessage(t.Context(), g, process.Note{Name: "found"}); err != nil || out.Fate != process.Begun {
			t.Errorf("%+v %v", out, err)
		}
		h.stays(1)
		if o := h.opened[0]; o.Sender != "finder" {
			t.Errorf("%+v", o)
		}
		if n, err := h.engine.SendData(t.Context(), g, map[string]any{"level": 5}); err != nil || n != 1 {
			t.Errorf("%d %v", n, err)
		}
		for _, bad := range []process.Note{{Name: "found", Key: strings.Repeat("k", 201)}, {Name: "found", Vars: map[string]any{"x": strings.Repeat("x", 256<<10)}}, {Name: "found", TTL: new(time.Duration)}} {
			if bad.TTL != nil {
				*bad.TTL = 400 * 24 * time.Hour
			}
			if _, err := h.engine.SendMessage(t.Context(), g, bad); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("out of bounds: %v", err)
			}
		}
		h.stays(2)

		// Tied to an office it reaches no other.
		elsewhere := machine("elsewhere", "21", "messages:write", "message:found", "signals:write", "signal:storm", "conditions:write")
		g, err = grant(elsewhere, "event:message:found")
		h.must(err)
		if out, err := h.engine.SendMessage(t.Context(), g, process.Note{Name: "found", Key: "k"}); err != nil || out.Fate != process.Kept {
			t.Errorf("%+v %v", out, err)
		}
		if w, n, err := h.engine.SendSignal(t.Context(), g, "storm", nil); err != nil || w+n != 0 {
			t.Errorf("%d %d %v", w, n, err)
		}
		if n, err := h.engine.SendData(t.Context(), g, map[string]any{"level": 5}); err != nil || n != 0 {
			t.Errorf("%d %v", n, err)
		}
		// What it has sent isn't taken by a case of another office later either.
		g, err = grant(finder, "event:message:found")
		h.must(err)
		if out, err := h.engine.SendMessage(t.Context(), g, process.Note{Name: "found", Key: "k"}); err != nil || out.Fate != process.Begun {
			t.Errorf("%+v %v", out, err)
		}
		h.stays(3)

		// A flood stops at the bound.
		h.must(h.db.Write(t.Context(), func(tx *store.Tx) error {
			for i := range 9_999 {
				if err := tx.Later(t.Context(), "INSERT INTO process_message (id, name, key, vars, expires_at, sender, office) VALUES ($1, 'found', 'z', '{}', 9000000000000000, 'finder', '')", fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		}))
		if out, err := h.engine.SendMessage(t.Context(), g, process.Note{Name: "found", Key: "k"}); err != nil || out.Fate != process.Kept {
			t.Errorf("%+v %v", out, err)
		}
		if _, err := h.engine.SendMessage(t.Context(), g, process.Note{Name: "found", Key: "k"}); !fault.Is(err, fault.TooMany) {
			t.Errorf("beyond the bound: %v", err)
		}
	})
}

// Cases that begin each other by a signal without ever waiting come to an end.
func TestSignalsThatBeginEachOther(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openRegistry(t, db, monday)
		def, err := bpmn.Parse("echo.bpmn", []byte(`<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL">
<bpmn:signal id="s" name="echo"/><bpmn:process id="echo" isExecutable="true">
 <bpmn:startEvent id="start"><bpmn:signalEventDefinition signalRef="s"/></bpmn:startEvent><bpmn:endEvent id="end"><bpmn:signalEventDefinition signalRef="s"/></bpmn:endEvent>
 <bpmn:sequenceFlow id="f" sourceRef="start" targetRef="end"/></bpmn:process></bpmn:definitions>`))
		h.must(err)
		h.must(h.engine.Deploy(t.Context(), []process.Deployment{{Service: "echo", Version: "v1", Office: "32", Def: def, Process: "echo"}}))
		h.must(db.Write(t.Context(), func(tx *store.Tx) error { return h.engine.Signal(t.Context(), tx, "echo", nil) }))
		h.stays(9)
		if n := h.number("SELECT count(*) FROM job_task WHERE state = 'dead' AND kind = 'process.begin'"); n != 1 {
			t.Errorf("%d jobs were given up, want the one that would go on", n)
		}
	})
}
