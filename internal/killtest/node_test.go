// SPDX-License-Identifier: EUPL-1.2

package killtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// nodeEnv holds the configuration of a node. With it the test binary isn't a test but a
// process of its own: the queue and the process engine on a database, that can be killed.
const nodeEnv = "MERCATOR_KILL_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeEnv); text != "" {
		if err := beNode(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type nodeConfig struct {
	Name  string // with the number of its start: n1.3
	Store store.Config
	Addr  string // where it listens; the port stays over a restart
}

// The tables of the test: every time that work begins, and every effect. Neither has a
// key: what is done twice is there twice.
var nodeTables = store.Migrations{Room: "killtest", FS: fstest.MapFS{"migrate/0001_killtest.sql": {Data: []byte(`
CREATE TABLE killtest_run (case_id TEXT NOT NULL, element TEXT NOT NULL, node TEXT NOT NULL, at BIGINT NOT NULL, fails BIGINT NOT NULL);
CREATE TABLE killtest_effect (case_id TEXT NOT NULL, element TEXT NOT NULL, node TEXT NOT NULL, at BIGINT NOT NULL)`)}}}

func nodeRooms() []store.Migrations {
	return []store.Migrations{job.Migrations(), audit.Migrations(), process.Migrations(), nodeTables}
}

// model has everything that waits: two service tasks, a timer, a message, a signal, a
// message against a timer, and a user task with two reminders.
const model = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:message id="m1" name="go"><bpmn:extensionElements><zeebe:subscription correlationKey="=case.id"/></bpmn:extensionElements></bpmn:message>
<bpmn:message id="m2" name="race"><bpmn:extensionElements><zeebe:subscription correlationKey="=case.id"/></bpmn:extensionElements></bpmn:message>
<bpmn:signal id="g" name="alarm"/>
<bpmn:process id="fault" isExecutable="true">
 <bpmn:startEvent id="start"/><bpmn:intermediateThrowEvent id="received" name="received"/><bpmn:parallelGateway id="split"/>
 <bpmn:serviceTask id="a1"><bpmn:extensionElements><zeebe:taskDefinition type="work" retries="1000"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:serviceTask id="a2"><bpmn:extensionElements><zeebe:taskDefinition type="work" retries="1000"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:intermediateCatchEvent id="ring"><bpmn:timerEventDefinition><bpmn:timeDuration>PT0.6S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
 <bpmn:intermediateThrowEvent id="rung" name="rung"/>
 <bpmn:receiveTask id="go" messageRef="m1"/>
 <bpmn:intermediateCatchEvent id="alarm"><bpmn:signalEventDefinition signalRef="g"/></bpmn:intermediateCatchEvent>
 <bpmn:receiveTask id="race" messageRef="m2"/>
 <bpmn:boundaryEvent id="late" attachedToRef="race"><bpmn:timerEventDefinition><bpmn:timeDuration>PT0.5S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:intermediateThrowEvent id="by_message" name="by_message"/><bpmn:intermediateThrowEvent id="by_timer" name="by_timer"/><bpmn:exclusiveGateway id="raced"/>
 <bpmn:userTask id="look" name="Look"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
 <bpmn:boundaryEvent id="tick" attachedToRef="look" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeCycle>R2/PT1S</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:intermediateThrowEvent id="ticked" name="ticked"/><bpmn:endEvent id="tick_end"/>
 <bpmn:parallelGateway id="join"/>
 <bpmn:serviceTask id="book"><bpmn:extensionElements><zeebe:taskDefinition type="book"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="s1" sourceRef="start" targetRef="received"/><bpmn:sequenceFlow id="s2" sourceRef="received" targetRef="split"/>
 <bpmn:sequenceFlow id="f1" sourceRef="split" targetRef="a1"/><bpmn:sequenceFlow id="f2" sourceRef="a1" targetRef="a2"/><bpmn:sequenceFlow id="f3" sourceRef="a2" targetRef="join"/>
 <bpmn:sequenceFlow id="f4" sourceRef="split" targetRef="ring"/><bpmn:sequenceFlow id="f5" sourceRef="ring" targetRef="rung"/><bpmn:sequenceFlow id="f6" sourceRef="rung" targetRef="join"/>
 <bpmn:sequenceFlow id="f7" sourceRef="split" targetRef="go"/><bpmn:sequenceFlow id="f8" sourceRef="go" targetRef="join"/>
 <bpmn:sequenceFlow id="f9" sourceRef="split" targetRef="alarm"/><bpmn:sequenceFlow id="f10" sourceRef="alarm" targetRef="join"/>
 <bpmn:sequenceFlow id="f11" sourceRef="split" targetRef="race"/><bpmn:sequenceFlow id="f12" sourceRef="race" targetRef="by_message"/><bpmn:sequenceFlow id="f13" sourceRef="late" targetRef="by_timer"/>
 <bpmn:sequenceFlow id="f14" sourceRef="by_message" targetRef="raced"/><bpmn:sequenceFlow id="f15" sourceRef="by_timer" targetRef="raced"/><bpmn:sequenceFlow id="f16" sourceRef="raced" targetRef="join"/>
 <bpmn:sequenceFlow id="f17" sourceRef="split" targetRef="look"/><bpmn:sequenceFlow id="f18" sourceRef="look" targetRef="join"/>
 <bpmn:sequenceFlow id="f19" sourceRef="tick" targetRef="ticked"/><bpmn:sequenceFlow id="f20" sourceRef="ticked" targetRef="tick_end"/>
 <bpmn:sequenceFlow id="f21" sourceRef="join" targetRef="book"/><bpmn:sequenceFlow id="f22" sourceRef="book" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

// node is what a process of the test consists of.
type node struct {
	name   string
	db     *store.DB
	engine *process.Engine
	check  *access.Checker
	def    *bpmn.Definitions
}

const (
	noteRun    = `INSERT INTO killtest_run (case_id, element, node, at, fails) VALUES ($1, $2, $3, $4, $5)`
	noteEffect = `INSERT INTO killtest_effect (case_id, element, node, at) VALUES ($1, $2, $3, $4)`
)

func beNode(text string) error {
	var c nodeConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	db, err := store.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := store.Migrate(ctx, db, nodeRooms()); err != nil {
		return err
	}
	n := &node{name: c.Name, db: db}
	if n.def, err = bpmn.Parse("fault.bpmn", []byte(model)); err != nil {
		return err
	}
	name, _, _ := strings.Cut(c.Name, ".")
	queue, err := job.NewQueue(job.Config{DB: db, Log: log, Node: name})
	if err != nil {
		return err
	}
	n.engine, err = process.New(process.Config{DB: db, Jobs: queue, Log: log,
		Handlers: []process.Handler{{Type: "work", Async: n.work}, {Type: "book", Inline: func(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
			return nil, n.effect(ctx, tx, w.CaseID, w.Element)
		}}},
		Hooks: process.Hooks{
			Milestone: func(ctx context.Context, tx *store.Tx, c process.Ref, name string, _ map[string]string) error {
				return n.effect(ctx, tx, c.CaseID, name)
			},
			Completed: func(ctx context.Context, tx *store.Tx, c process.Ref, _ map[string]any) error {
				return n.effect(ctx, tx, c.CaseID, "completed")
			},
		}})
	if err != nil {
		return err
	}
	if err := queue.Register(n.engine.Workers()...); err != nil {
		return err
	}
	if n.check, err = access.New(access.Config{DB: db, Untested: true, Policies: fstest.MapFS{"all.cedar": {Data: []byte(`@id("test") permit (principal, action, resource);`)}}}); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: n.routes()}
	var wg sync.WaitGroup
	wg.Go(func() { s.Serve(l) })
	wg.Go(func() {
		if err := queue.Run(ctx); ctx.Err() == nil {
			log.Error("the queue has ended", "err", err)
			os.Exit(1)
		}
	})
	fmt.Println("ready", l.Addr())
	<-ctx.Done()
	s.Shutdown(context.Background())
	wg.Wait()
	n.check.Close()
	return nil
}

func (n *node) effect(ctx context.Context, tx *store.Tx, caseID, element string) error {
	_, err := tx.Exec(ctx, noteEffect, caseID, element, n.name, store.Micros(time.Now()))
	return err
}

// work takes a while, fails now and then, and says before that it has begun.
func (n *node) work(ctx context.Context, w process.Work) (process.Effect, error) {
	fails := rand.IntN(20) == 0
	if err := n.db.Write(ctx, func(tx *store.Tx) error {
		failing := 0
		if fails {
			failing = 1
		}
		_, err := tx.Exec(ctx, noteRun, w.CaseID, w.Element, n.name, store.Micros(time.Now()), failing)
		return err
	}); err != nil {
		return nil, err
	}
	time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
	if fails {
		return nil, errors.New("not this time")
	}
	return func(ctx context.Context, tx *store.Tx) (map[string]any, error) {
		return map[string]any{"by": n.name}, n.effect(ctx, tx, w.CaseID, w.Element)
	}, nil
}

func (n *node) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, f func(ctx context.Context, tx *store.Tx, q func(string) string) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			err := n.db.Write(r.Context(), func(tx *store.Tx) error { return f(r.Context(), tx, r.URL.Query().Get) })
			if err != nil {
				code := map[fault.Kind]int{fault.NotFound: 404, fault.Conflict: 409, fault.Unavailable: 503}[fault.KindOf(err)]
				if code == 0 {
					code = 500
				}
				http.Error(w, err.Error(), code)
			}
		})
	}
	// Who asks again after a fault asks for the same case: it isn't begun twice.
	handle("/start", func(ctx context.Context, tx *store.Tx, q func(string) string) error {
		var there int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM process_instance WHERE case_id = $1`, q("case")).Scan(&there); err != nil || there > 0 {
			return err
		}
		_, err := n.engine.Start(ctx, tx, n.def, process.StartParams{CaseID: q("case"), CaseRef: q("case"), Office: "32",
			Vars: map[string]any{"case": map[string]any{"id": q("case")}}, Actor: access.SystemActor("killtest")})
		return err
	})
	handle("/message", func(ctx context.Context, tx *store.Tx, q func(string) string) error {
		return n.engine.Message(ctx, tx, q("name"), q("case"), map[string]any{"n": 1})
	})
	handle("/signal", func(ctx context.Context, tx *store.Tx, q func(string) string) error {
		return n.engine.Signal(ctx, tx, "alarm", nil)
	})
	clerk := access.Actor{Kind: access.Clerk, ID: "clerk-32", Name: "Office 32", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial}
	handle("/complete", func(ctx context.Context, tx *store.Tx, q func(string) string) error {
		g, err := n.check.PermitTx(ctx, tx, access.Request{Actor: clerk, Action: access.Decide, Resource: "task", Purpose: "test"})
		if err != nil {
			return err
		}
		var id string
		var revision int64
		if err := tx.QueryRow(ctx, `SELECT id, revision FROM process_task WHERE case_id = $1 AND state = 'open'`, q("case")).Scan(&id, &revision); err != nil {
			if strings.Contains(err.Error(), "no rows") {
				return nil // done before, and the answer was lost
			}
			return err
		}
		_, err = n.engine.Complete(ctx, tx, g, id, revision, nil)
		return err
	})
	return mux
}
