// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/base/caldate"
	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

const permit = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:message id="m" name="payment.paid"><bpmn:extensionElements><zeebe:subscription correlationKey="=case.id"/></bpmn:extensionElements></bpmn:message>
<bpmn:error id="err" errorCode="wrong"/>
<bpmn:process id="permit" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:intermediateThrowEvent id="received" name="Received"><bpmn:extensionElements><zeebe:properties><zeebe:property name="text.de" value="Ist da."/></zeebe:properties></bpmn:extensionElements></bpmn:intermediateThrowEvent>
 <bpmn:businessRuleTask id="eligible"><bpmn:extensionElements><zeebe:calledDecision decisionId="eligibility" resultVariable="eligibility"/></bpmn:extensionElements></bpmn:businessRuleTask>
 <bpmn:exclusiveGateway id="clear" default="f5"/>
 <bpmn:userTask id="review" name="Review"><bpmn:extensionElements><zeebe:formDefinition formId="decision"/><zeebe:assignmentDefinition candidateGroups="office:32"/><zeebe:taskSchedule dueDate="P3D"/><zeebe:ioMapping><zeebe:output source="=outcome" target="decision.outcome"/></zeebe:ioMapping></bpmn:extensionElements></bpmn:userTask>
 <bpmn:boundaryEvent id="remind" attachedToRef="review" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeCycle>R2/P1D</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:intermediateThrowEvent id="reminded" name="Reminded"/>
 <bpmn:serviceTask id="request"><bpmn:extensionElements><zeebe:taskDefinition type="payment.request"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:receiveTask id="paid" messageRef="m"/>
 <bpmn:boundaryEvent id="unpaid" attachedToRef="paid"><bpmn:timerEventDefinition><bpmn:timeDuration>P30D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:serviceTask id="issue"><bpmn:extensionElements><zeebe:taskDefinition type="document.issue"/><zeebe:taskHeaders><zeebe:header key="template" value="permit"/></zeebe:taskHeaders></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:boundaryEvent id="wrong" attachedToRef="issue"><bpmn:errorEventDefinition errorRef="err"/></bpmn:boundaryEvent>
 <bpmn:endEvent id="done"/><bpmn:endEvent id="given_up"/><bpmn:endEvent id="went_wrong"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="received"/>
 <bpmn:sequenceFlow id="f2" sourceRef="received" targetRef="eligible"/>
 <bpmn:sequenceFlow id="f3" sourceRef="eligible" targetRef="clear"/>
 <bpmn:sequenceFlow id="f4" sourceRef="clear" targetRef="request"><bpmn:conditionExpression>=eligibility.result = "granted"</bpmn:conditionExpression></bpmn:sequenceFlow>
 <bpmn:sequenceFlow id="f5" sourceRef="clear" targetRef="review"/>
 <bpmn:sequenceFlow id="f6" sourceRef="review" targetRef="request"/>
 <bpmn:sequenceFlow id="f7" sourceRef="request" targetRef="paid"/>
 <bpmn:sequenceFlow id="f8" sourceRef="paid" targetRef="issue"/>
 <bpmn:sequenceFlow id="f9" sourceRef="issue" targetRef="done"/>
 <bpmn:sequenceFlow id="f10" sourceRef="unpaid" targetRef="given_up"/>
 <bpmn:sequenceFlow id="f11" sourceRef="remind" targetRef="reminded"/>
 <bpmn:sequenceFlow id="f12" sourceRef="wrong" targetRef="went_wrong"/>
</bpmn:process></bpmn:definitions>`

// storm waits for a signal, or sends it.
const storm = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:signal id="g" name="storm"/>
<bpmn:process id="storm" isExecutable="true">
 <bpmn:startEvent id="start"/><bpmn:exclusiveGateway id="which" default="f2"/>
 <bpmn:intermediateCatchEvent id="wait"><bpmn:signalEventDefinition signalRef="g"/></bpmn:intermediateCatchEvent>
 <bpmn:endEvent id="warn"><bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="red" target="level"/></zeebe:ioMapping></bpmn:extensionElements><bpmn:signalEventDefinition signalRef="g"/></bpmn:endEvent>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="which"/>
 <bpmn:sequenceFlow id="f2" sourceRef="which" targetRef="wait"/>
 <bpmn:sequenceFlow id="f3" sourceRef="which" targetRef="warn"><bpmn:conditionExpression>=warns</bpmn:conditionExpression></bpmn:sequenceFlow>
 <bpmn:sequenceFlow id="f4" sourceRef="wait" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

// house is an engine in a database with a clock that the test moves.
type house struct {
	t      testing.TB
	db     *store.DB
	engine *process.Engine
	check  *access.Checker
	def    *bpmn.Definitions
	stop   func()

	mu         sync.Mutex
	now        time.Time
	milestones []string
	completed  int
	cancelled  int
	incidents  int
	issued     int
	issueErr   error // what the next tries to issue say
	requestErr error
	request    func(ctx context.Context, tx *store.Tx, w process.Work) error
}

func rooms() []store.Migrations {
	return []store.Migrations{job.Migrations(), audit.Migrations(), process.Migrations()}
}

func openHouse(t testing.TB, db *store.DB) *house {
	h := &house{t: t, db: db, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), check: accesstest.AllowAll(t, db)}
	queue, err := job.NewQueue(job.Config{DB: db, Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := caldate.New("NW")
	if err != nil {
		t.Fatal(err)
	}
	h.engine, err = process.New(process.Config{DB: db, Jobs: queue, Now: h.clock, Calendar: calendar,
		Handlers: []process.Handler{
			{Type: "payment.request", Inline: func(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
				if h.request != nil {
					if err := h.request(ctx, tx, w); err != nil {
						return nil, err
					}
				}
				return map[string]any{"payment": map[string]any{"id": "p1"}}, h.requestErr
			}},
			{Type: "document.issue", Async: func(ctx context.Context, w process.Work) (process.Effect, error) {
				h.mu.Lock()
				defer h.mu.Unlock()
				if h.issueErr != nil {
					return nil, h.issueErr
				}
				if w.Header("template") != "permit" || w.Vars["payment"] == nil {
					return nil, fault.Internalf("test", "work %+v", w)
				}
				return func(ctx context.Context, tx *store.Tx) (map[string]any, error) {
					tx.AfterCommit(func() { h.mu.Lock(); h.issued++; h.mu.Unlock() })
					return map[string]any{"document": "d1"}, nil
				}, nil
			}},
		},
		Hooks: process.Hooks{
			Decide: func(_ context.Context, _ *store.Tx, c process.Ref, decision string, vars map[string]any) (any, error) {
				if decision != "eligibility" || c.CaseID == "" {
					return nil, fault.Internalf("test", "decision %s of %+v", decision, c)
				}
				return map[string]any{"result": vars["zone"]}, nil
			},
			Milestone: func(_ context.Context, tx *store.Tx, _ process.Ref, name string, p map[string]string) error {
				tx.AfterCommit(func() {
					h.mu.Lock()
					h.milestones = append(h.milestones, name+p["text.de"])
					h.mu.Unlock()
				})
				return nil
			},
			Completed: func(_ context.Context, tx *store.Tx, _ process.Ref, _ map[string]any) error {
				tx.AfterCommit(func() { h.mu.Lock(); h.completed++; h.mu.Unlock() })
				return nil
			},
			Cancelled: func(_ context.Context, tx *store.Tx, _ process.Ref) error {
				tx.AfterCommit(func() { h.mu.Lock(); h.cancelled++; h.mu.Unlock() })
				return nil
			},
			Incident: func(_ context.Context, tx *store.Tx, _ process.Ref, _ process.Incident) error {
				tx.AfterCommit(func() { h.mu.Lock(); h.incidents++; h.mu.Unlock() })
				return nil
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Register(h.engine.Workers()...); err != nil {
		t.Fatal(err)
	}
	if h.def, err = bpmn.Parse("permit.bpmn", []byte(permit)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); queue.Run(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	go func() { // the clock of the test jumps: let the queue look at it
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				queue.Wake()
			}
		}
	}()
	h.stop = func() { cancel(); <-ended; tick.Stop() }
	t.Cleanup(h.stop)
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	h.now = h.now.Add(d)
	h.mu.Unlock()
}

func (h *house) write(fn func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) start(caseID, zone string) string {
	h.t.Helper()
	var id string
	h.write(func(tx *store.Tx) error {
		var err error
		id, err = h.engine.Start(h.t.Context(), tx, h.def, process.StartParams{CaseID: caseID, CaseRef: "2026-ABCD-" + caseID, Label: "Anna Müller", Service: "permit", Version: "v1", Office: "31",
			Vars: map[string]any{"zone": zone, "case": map[string]any{"id": caseID}}, Actor: accesstest.Anna()})
		return err
	})
	return id
}

func (h *house) message(key string) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		return h.engine.Message(h.t.Context(), tx, "payment.paid", key, map[string]any{"cents": 3000})
	})
}

// until waits for the workers.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	for range 6000 { // a minute: other work may keep the processors busy
		h.mu.Lock()
		yes := ok()
		h.mu.Unlock()
		if yes {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("never: %s", what)
}

func (h *house) view(caseID string) process.Instance {
	h.t.Helper()
	v, err := h.engine.View(h.t.Context(), caseID)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) at(caseID string, want ...string) {
	h.t.Helper()
	if got := h.view(caseID).Active; fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Fatalf("active: got %v, want %v", got, want)
	}
}

func (h *house) grant(a access.Actor, action string) access.Grant {
	h.t.Helper()
	return accesstest.Grant(h.t, h.check, access.Request{Actor: a, Action: action, Resource: "task"})
}

func (h *house) worklist(a access.Actor, f process.Filter) []process.UserTask {
	h.t.Helper()
	list, err := h.engine.Worklist(h.t.Context(), h.grant(a, access.List), f, process.After{}, 50)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func colleague() access.Actor {
	c := accesstest.Clerk("32")
	c.ID, c.Name = "clerk-32-b", "Cem Yıldız"
	return c
}

func TestProcess(t *testing.T) {
	each := func(name string, run func(t *testing.T, h *house)) {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) { run(t, openHouse(t, db)) })
		})
	}

	each("from the application to the permit", func(t *testing.T, h *house) {
		h.start("c1", "granted")
		h.at("c1", "paid")
		h.message("c1")
		h.until("completed", func() bool { return h.completed == 1 })
		v := h.view("c1")
		if v.Status != bpmn.Completed || len(v.Active) != 0 || h.issued != 1 || fmt.Sprint(h.milestones) != "[ReceivedIst da.]" {
			t.Errorf("%+v issued %d, milestones %v", v.Status, h.issued, h.milestones)
		}
		if got := fmt.Sprint(v.Done); got != "[start received eligible clear request paid issue done]" {
			t.Errorf("done: %s", got)
		}
		if svg := string(v.Drawing("Ende")); !strings.Contains(svg, "bpmn-done") {
			t.Error("the drawing doesn't show where the case has been")
		}
		vars, err := h.engine.VarsOf(t.Context(), h.db, "c1")
		if err != nil || vars["document"] != "d1" || vars["cents"] != 3000.0 {
			t.Errorf("%v %v", vars, err)
		}
	})

	each("a message may come first, and twice it's kept for nobody", func(t *testing.T, h *house) {
		h.message("c1")
		h.start("c1", "granted")
		h.until("completed", func() bool { return h.completed == 1 })
		h.message("c1")
		if v := h.view("c1"); v.Status != bpmn.Completed {
			t.Errorf("%v", v.Status)
		}
		kept := func() (n int) {
			if err := h.db.QueryRow(t.Context(), "SELECT count(*) FROM process_message").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		h.pass(25 * time.Hour)
		time.Sleep(100 * time.Millisecond)
		if kept() != 1 {
			t.Error("a message is kept for its time")
		}
		h.pass(91 * 24 * time.Hour)
		// The sweep of the day before may still have been at work while the clock was put on: then the next day's finds it.
		h.until("swept", func() bool {
			h.now = h.now.Add(25 * time.Hour) // until holds the lock
			return kept() == 0
		})
	})

	each("a handler may bring the message of its own case", func(t *testing.T, h *house) {
		h.request = func(ctx context.Context, tx *store.Tx, w process.Work) error {
			return h.engine.Message(ctx, tx, "payment.paid", w.CaseID, nil) // nothing to pay
		}
		h.start("c1", "granted")
		h.until("completed", func() bool { return h.completed == 1 })
	})

	each("never paid", func(t *testing.T, h *house) {
		h.start("c1", "granted")
		h.pass(29 * 24 * time.Hour)
		h.at("c1", "paid")
		h.pass(25 * time.Hour)
		h.until("completed", func() bool { return h.completed == 1 })
		if v := h.view("c1"); v.Done[len(v.Done)-1] != "given_up" {
			t.Errorf("%v", v.Done)
		}
		h.message("c1") // too late: kept, and thrown away one day
		if h.issued != 0 {
			t.Error("issued without payment")
		}
	})

	each("the desk", func(t *testing.T, h *house) {
		ada, cem := accesstest.Clerk("32"), colleague()
		other := accesstest.Clerk("40")
		h.start("c1", "unclear")
		h.start("c2", "unclear")
		h.at("c1", "review")
		list := h.worklist(ada, process.Filter{})
		if len(list) != 2 || list[0].Name != "Review" || list[0].Form != "decision" || list[0].Office != "32" || !list[0].Due.Equal(h.now.Add(72*time.Hour)) {
			t.Fatalf("%+v", list)
		}
		id := list[0].ID
		if len(h.worklist(other, process.Filter{})) != 0 {
			t.Error("another office sees the task")
		}
		if _, err := h.engine.Claim(t.Context(), h.grant(other, access.Change), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("another office claims: %v", err)
		}
		if _, err := h.engine.Claim(t.Context(), h.grant(accesstest.Anna(), access.Change), id); !fault.Is(err, fault.Denied) {
			t.Errorf("a resident claims: %v", err)
		}
		mine, err := h.engine.Claim(t.Context(), h.grant(ada, access.Change), id)
		if err != nil || mine.Assignee != ada.ID {
			t.Fatalf("%+v %v", mine, err)
		}
		if again, err := h.engine.Claim(t.Context(), h.grant(ada, access.Change), id); err != nil || again.Revision != mine.Revision {
			t.Errorf("claimed twice: %v", err)
		}
		_, err = h.engine.Claim(t.Context(), h.grant(cem, access.Change), id)
		if key, args := fault.Message(err); !fault.Is(err, fault.Conflict) || key != "process.taskTaken" || fmt.Sprint(args) != "[name "+ada.Name+"]" {
			t.Errorf("snatched: %v", err)
		}
		if err := h.engine.Release(t.Context(), h.grant(cem, access.Change), id); !fault.Is(err, fault.Conflict) {
			t.Errorf("released for somebody else: %v", err)
		}
		for name, c := range map[string]struct {
			f    process.Filter
			want int
		}{
			"mine": {process.Filter{Mine: true}, 1}, "free": {process.Filter{Free: true}, 1}, "service": {process.Filter{Service: "permit"}, 2},
			"other service": {process.Filter{Service: "x"}, 0}, "free of service": {process.Filter{Free: true, Service: "permit"}, 1}, "overdue": {process.Filter{Overdue: true}, 0},
			"name": {process.Filter{Search: "müll"}, 2}, "written out": {process.Filter{Search: "Mueller anna"}, 2}, "nobody": {process.Filter{Search: "Schulz"}, 0},
			"file number": {process.Filter{Search: "abcd c1"}, 1}, "only mine, by name": {process.Filter{Search: "anna", Mine: true}, 1}, "signs": {process.Filter{Search: "%"}, 0},
		} {
			if got := h.worklist(ada, c.f); len(got) != c.want {
				t.Errorf("%s: %d tasks, want %d", name, len(got), c.want)
			}
		}
		counts, err := h.engine.Counts(t.Context(), h.grant(ada, access.List))
		if err != nil || counts.All != 2 || counts.Mine != 1 || counts.Free != 1 || counts.Overdue != 0 || counts.Services["permit"] != 2 {
			t.Errorf("%+v %v", counts, err)
		}
		vars, err := h.engine.Vars(t.Context(), h.grant(ada, access.Read), mine)
		if err != nil || vars["zone"] != "unclear" {
			t.Errorf("%v %v", vars, err)
		}
		complete := func(a access.Actor, revision int64) error {
			g := h.grant(a, access.Decide)
			return h.db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := h.engine.Complete(t.Context(), tx, g, id, revision, map[string]any{"outcome": "granted"})
				return err
			})
		}
		if err := complete(cem, mine.Revision); !fault.Is(err, fault.Conflict) {
			t.Errorf("completed by somebody else: %v", err)
		}
		if err := complete(ada, mine.Revision-1); !fault.Is(err, fault.Conflict) {
			t.Errorf("completed from an old page: %v", err)
		}
		if err := complete(ada, mine.Revision); err != nil {
			t.Fatal(err)
		}
		if err := complete(ada, mine.Revision+1); !fault.Is(err, fault.Conflict) {
			t.Errorf("completed twice: %v", err)
		}
		h.at(mine.CaseID, "paid")
		all, err := h.engine.VarsOf(t.Context(), h.db, mine.CaseID)
		if err != nil || fmt.Sprint(all["decision"]) != "map[outcome:granted]" {
			t.Errorf("%v %v", all, err)
		}
		if done := h.worklist(cem, process.Filter{Done: true}); len(done) != 1 || done[0].AssigneeName != ada.Name {
			t.Errorf("%+v", done)
		}
		if got := h.worklist(ada, process.Filter{Search: "anna"}); len(got) != 1 {
			t.Errorf("a done task is found: %+v", got)
		}
	})

	each("pages of the worklist", func(t *testing.T, h *house) {
		for i := range 7 {
			h.start(fmt.Sprint("c", i), "unclear")
		}
		g := h.grant(accesstest.Clerk("32"), access.List)
		seen := map[string]bool{}
		after := process.After{}
		for range 4 {
			list, err := h.engine.Worklist(t.Context(), g, process.Filter{}, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range list {
				seen[x.ID] = true
				after = x.Cursor()
			}
		}
		if len(seen) != 7 {
			t.Errorf("%d of 7", len(seen))
		}
	})

	each("a reminder every day, twice, from when it was due", func(t *testing.T, h *house) {
		h.start("c1", "unclear")
		for i := range 2 {
			h.pass(24*time.Hour + time.Minute)
			h.until("reminded", func() bool { return len(h.milestones) == 2+i })
		}
		h.at("c1", "review")
	})

	each("cancelled", func(t *testing.T, h *house) {
		h.start("c1", "unclear")
		h.write(func(tx *store.Tx) error { return h.engine.Cancel(t.Context(), tx, "c1", accesstest.Anna()) })
		if v := h.view("c1"); v.Status != bpmn.Cancelled || len(v.Active) != 0 || h.cancelled != 1 {
			t.Errorf("%+v", v)
		}
		if len(h.worklist(accesstest.Clerk("32"), process.Filter{})) != 0 {
			t.Error("the task stays")
		}
		err := h.db.Write(t.Context(), func(tx *store.Tx) error { return h.engine.Cancel(t.Context(), tx, "c1", accesstest.Anna()) })
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("cancelled twice: %v", err)
		}
	})

	each("what a handler can't take is an incident", func(t *testing.T, h *house) {
		h.requestErr = fault.New(fault.Invalid, "test", "")
		h.start("c1", "granted")
		list, err := h.engine.Incidents(t.Context(), "", 10)
		if err != nil || len(list) != 1 || list[0].Element != "request" || list[0].CaseID != "c1" || h.incidents != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		h.requestErr = nil
		h.write(func(tx *store.Tx) error {
			return h.engine.Retry(t.Context(), tx, accesstest.Clerk("32"), list[0].ID)
		})
		h.at("c1", "paid")
		if list, _ = h.engine.Incidents(t.Context(), "", 10); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})

	each("what breaks undoes the step", func(t *testing.T, h *house) {
		h.requestErr = errors.New("no space left")
		err := h.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.engine.Start(t.Context(), tx, h.def, process.StartParams{CaseID: "c1", Office: "32", Vars: map[string]any{"zone": "granted", "case": map[string]any{"id": "c1"}}})
			return err
		})
		if err == nil {
			t.Fatal("no error")
		}
		if _, err := h.engine.View(t.Context(), "c1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("something stays: %v", err)
		}
	})

	each("asynchronous work: tried again, given up, meant for the model", func(t *testing.T, h *house) {
		h.mu.Lock()
		h.issueErr = fault.New(fault.Denied, "test", "") // final at the first try
		h.mu.Unlock()
		h.start("c1", "granted")
		h.message("c1")
		h.until("incident", func() bool { return h.incidents == 1 })
		h.mu.Lock()
		h.issueErr = nil
		h.mu.Unlock()
		list, _ := h.engine.Incidents(t.Context(), "", 10)
		h.write(func(tx *store.Tx) error {
			return h.engine.Retry(t.Context(), tx, accesstest.Clerk("32"), list[0].ID)
		})
		h.until("completed", func() bool { return h.completed == 1 })
		h.mu.Lock()
		h.issueErr = &process.ModelError{Code: "wrong"}
		h.mu.Unlock()
		h.start("c2", "granted")
		h.message("c2")
		h.until("completed", func() bool { return h.completed == 2 })
		if v := h.view("c2"); v.Done[len(v.Done)-1] != "went_wrong" {
			t.Errorf("%v", v.Done)
		}
	})

	each("a signal reaches everybody who waits, once", func(t *testing.T, h *house) {
		def, err := bpmn.Parse("storm.bpmn", []byte(storm))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: fmt.Sprint("c", i), Office: "37", Vars: map[string]any{"warns": i == 3}})
				return err
			})
		}
		h.until("completed", func() bool { return h.completed == 4 })
		for i := range 3 {
			if vars, err := h.engine.VarsOf(t.Context(), h.db, fmt.Sprint("c", i)); err != nil || vars["level"] != "red" {
				t.Errorf("%v %v", vars, err)
			}
		}
		h.write(func(tx *store.Tx) error { return h.engine.Signal(t.Context(), tx, "storm", nil) }) // nobody waits
	})

	each("the clock is set forward and back", func(t *testing.T, h *house) {
		const day = 24 * time.Hour
		h.start("c1", "granted")
		h.message("c9") // for nobody yet
		h.pass(10 * day)
		h.start("c2", "granted")
		h.start("c3", "unclear")
		h.pass(-10 * day) // what began meanwhile is of a time to come
		h.message("c2")
		h.until("completed", func() bool { return h.completed == 1 })
		h.start("c9", "granted")
		h.until("completed", func() bool { return h.completed == 2 })
		h.pass(29 * day)
		h.at("c1", "paid")
		h.pass(day + time.Hour)
		h.until("completed", func() bool { return h.completed == 3 })
		if v := h.view("c1"); v.Done[len(v.Done)-1] != "given_up" {
			t.Errorf("%v", v.Done)
		}
		h.until("reminded", func() bool { return len(h.milestones) == 6 }) // c3 twice, by its own time
		h.at("c3", "review")
	})

	each("a restart in between", func(t *testing.T, h *house) {
		h.start("c1", "granted")
		h.stop()
		again := openHouse(t, h.db)
		again.message("c1")
		again.until("completed", func() bool { return again.completed == 1 })
	})

	each("many at once, one payment each", func(t *testing.T, h *house) {
		for i := range 20 {
			h.start(fmt.Sprint("c", i), "granted")
		}
		var wg sync.WaitGroup
		for i := range 20 {
			for range 2 {
				wg.Go(func() {
					if err := h.db.Write(context.Background(), func(tx *store.Tx) error {
						return h.engine.Message(context.Background(), tx, "payment.paid", fmt.Sprint("c", i), nil)
					}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		h.until("completed", func() bool { return h.completed == 20 })
		if h.issued != 20 {
			t.Errorf("%d issued", h.issued)
		}
	})
}

// A token keeps its id from one task to the next, and round a loop to the same one again.
func TestTaskAfterTask(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		def, err := bpmn.Parse("two.bpmn", []byte(`<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="two" isExecutable="true">
<bpmn:startEvent id="s"/><bpmn:userTask id="first"/><bpmn:userTask id="second"/><bpmn:exclusiveGateway id="g" default="f3"/><bpmn:endEvent id="e"/>
<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="first"/><bpmn:sequenceFlow id="f2" sourceRef="first" targetRef="second"/><bpmn:sequenceFlow id="f" sourceRef="second" targetRef="g"/>
<bpmn:sequenceFlow id="f3" sourceRef="g" targetRef="first"/><bpmn:sequenceFlow id="f4" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=enough = true</bpmn:conditionExpression></bpmn:sequenceFlow></bpmn:process></bpmn:definitions>`))
		if err != nil {
			t.Fatal(err)
		}
		h.write(func(tx *store.Tx) error {
			_, err := h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: "c1", CaseRef: "R1", Label: "A", Service: "s", Version: "v1", Office: "32", Vars: map[string]any{}, Actor: accesstest.Anna()})
			return err
		})
		clerk := accesstest.Clerk("32")
		read, decide := h.grant(clerk, access.List), h.grant(clerk, access.Decide)
		for i, element := range []string{"first", "second", "first", "second"} {
			h.at("c1", element)
			list, err := h.engine.CaseTasks(t.Context(), read, "c1")
			if err != nil || len(list) != i+1 {
				t.Fatalf("%v %+v", err, list)
			}
			x := list[i]
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Complete(t.Context(), tx, decide, x.ID, x.Revision, map[string]any{"enough": i == 3})
				return err
			})
		}
		if v := h.view("c1"); v.Status != bpmn.Completed {
			t.Errorf("%s", v.Status)
		}
	})
}
