// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// mix is a lifecycle.
type mix struct {
	name string
	file string
}

var mixes = []mix{
	{"one task, a job", sequence(1, "job")},
	{"14 jobs in a row", sequence(14, "job")},
	{"14 jobs side by side", parallel(14, "job")},
	{"one task, inline", sequence(1, "inline")},
	{"14 tasks in a row, inline", sequence(14, "inline")},
}

// contender is a database and a lifecycle.
type contender struct {
	name   string
	engine store.Engine
	mix    mix
}

func document(body string) string {
	return `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="bench" isExecutable="true">` + body + `</bpmn:process></bpmn:definitions>`
}

func task(id, kind string) string {
	return fmt.Sprintf(`<bpmn:serviceTask id="%s"><bpmn:extensionElements><zeebe:taskDefinition type="%s"/></bpmn:extensionElements></bpmn:serviceTask>`, id, kind)
}

func flow(from, to string) string {
	return fmt.Sprintf(`<bpmn:sequenceFlow id="%s_%s" sourceRef="%s" targetRef="%s"/>`, from, to, from, to)
}

// sequence is a start, n service tasks one after the other, and an end.
func sequence(n int, kind string) string {
	var b strings.Builder
	b.WriteString(`<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`)
	last := "s"
	for i := range n {
		id := fmt.Sprint("t", i)
		b.WriteString(task(id, kind) + flow(last, id))
		last = id
	}
	return document(b.String() + flow(last, "e"))
}

// parallel is a start, n service tasks between two parallel gateways, and an end.
func parallel(n int, kind string) string {
	var b strings.Builder
	b.WriteString(`<bpmn:startEvent id="s"/><bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="join"/><bpmn:endEvent id="e"/>`)
	for i := range n {
		id := fmt.Sprint("t", i)
		b.WriteString(task(id, kind) + flow("fork", id) + flow(id, "join"))
	}
	return document(b.String() + flow("s", "fork") + flow("join", "e"))
}

// house is an engine with its queue at work.
type house struct {
	db     *store.DB
	queue  *job.Queue
	engine *process.Engine

	mu      sync.Mutex
	waiting map[string]chan struct{} // by case, until its instance has completed
}

// newHouse opens an engine on a database, with its tables.
func newHouse(ctx context.Context, c store.Config, o options) (*house, error) {
	db, err := store.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	h := &house{db: db, waiting: map[string]chan struct{}{}}
	if err := h.build(ctx, o); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

func (h *house) build(ctx context.Context, o options) (err error) {
	if err := store.Migrate(ctx, h.db, []store.Migrations{job.Migrations(), process.Migrations()}); err != nil {
		return err
	}
	// Whatever goes wrong is seen: a benchmark of failures is none.
	l := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if h.queue, err = job.NewQueue(job.Config{DB: h.db, Concurrency: o.workers, Log: l}); err != nil {
		return err
	}
	done := map[string]any{"done": true}
	if h.engine, err = process.New(process.Config{DB: h.db, Jobs: h.queue, Log: l,
		Handlers: []process.Handler{
			{Type: "inline", Inline: func(context.Context, *store.Tx, process.Work) (map[string]any, error) { return done, nil }},
			{Type: "job", Async: func(context.Context, process.Work) (process.Effect, error) {
				return func(context.Context, *store.Tx) (map[string]any, error) { return done, nil }, nil
			}},
		},
		Hooks: process.Hooks{Completed: func(_ context.Context, tx *store.Tx, c process.Ref, _ map[string]any) error {
			tx.AfterCommit(func() { h.completed(c.CaseID) })
			return nil
		}},
	}); err != nil {
		return err
	}
	return h.queue.Register(h.engine.Workers()...)
}

// work runs the queue until the returned function is called.
func (h *house) work(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.queue.Run(ctx) }()
	return func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

func (h *house) completed(id string) {
	h.mu.Lock()
	c := h.waiting[id]
	delete(h.waiting, id)
	h.mu.Unlock()
	if c != nil {
		close(c)
	}
}

// lifecycle starts an instance and waits until it has completed, on disk.
func (h *house) lifecycle(ctx context.Context, def *bpmn.Definitions) error {
	id, c := ident.New(), make(chan struct{})
	h.mu.Lock()
	h.waiting[id] = c
	h.mu.Unlock()
	if _, err := h.start(ctx, def, id, map[string]any{"amount": 30.5, "zone": "NN", "plate": "DU-AB 77"}); err != nil {
		return err
	}
	select {
	case <-c:
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("the instance of case %s hasn't completed within a minute", id)
	}
}

func (h *house) start(ctx context.Context, def *bpmn.Definitions, caseID string, vars map[string]any) (instance string, err error) {
	err = h.db.Write(ctx, func(tx *store.Tx) error {
		instance, err = h.engine.Start(ctx, tx, def, process.StartParams{CaseID: caseID, CaseRef: "2026-0001", Label: "Anna Müller", Service: "bench", Version: "1",
			Office: "32", Actor: access.SystemActor("bench"), Vars: vars})
		return err
	})
	return instance, err
}

// measure does one round in a fresh database.
func (c *contender) measure(ctx context.Context, o options) (r result, err error) {
	def, err := bpmn.Parse("bench.bpmn", []byte(c.mix.file))
	if err != nil {
		return r, err
	}
	at, drop, err := place(ctx, o, c.engine)
	if err != nil {
		return r, err
	}
	defer drop()
	h, err := newHouse(ctx, at, o)
	if err != nil {
		return r, err
	}
	defer h.db.Close()
	stop := h.work(ctx)
	span := time.Duration(o.seconds * float64(time.Second))
	r, err = clock(o.each, span/4, span, func(int) error { return h.lifecycle(ctx, def) })
	return r, errors.Join(err, stop(), h.nothingLeft(ctx))
}

// nothingLeft holds the database against what was measured: every instance has completed.
func (h *house) nothingLeft(ctx context.Context) error {
	var running, jobs, incidents int
	if err := h.db.QueryRow(ctx, `SELECT (SELECT count(*) FROM process_instance WHERE status <> 'completed'), (SELECT count(*) FROM job_task WHERE kind NOT IN ('process.sweep', 'process.forget')),
		(SELECT count(*) FROM process_incident)`).Scan(&running, &jobs, &incidents); err != nil {
		return err
	}
	if running+jobs+incidents > 0 {
		return fmt.Errorf("%d instances haven't completed, %d jobs are left, %d incidents", running, jobs, incidents)
	}
	return nil
}

// place makes an empty database; drop takes it away again.
func place(ctx context.Context, o options, engine store.Engine) (c store.Config, drop func(), err error) {
	c = store.Config{Engine: engine}
	if engine == store.SQLite {
		dir, err := os.MkdirTemp(o.dir, "bench-process")
		if err != nil {
			return c, nil, err
		}
		c.Path = dir + "/bench.db"
		drop = func() { os.RemoveAll(dir) }
	} else {
		u, err := url.Parse(o.postgres)
		if err != nil {
			return c, nil, err
		}
		admin, err := sql.Open("pgx", o.postgres)
		if err != nil {
			return c, nil, err
		}
		// Figures of a PostgreSQL that doesn't wait for its disk would be no figures.
		for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			var v string
			if err := admin.QueryRow("SHOW " + setting).Scan(&v); err != nil {
				admin.Close()
				return c, nil, err
			}
			if v != "on" {
				admin.Close()
				return c, nil, fmt.Errorf("PostgreSQL has %s = %s: it must be on", setting, v)
			}
		}
		name := fmt.Sprintf("bench%x", ident.Secret(9))
		if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
			admin.Close()
			return c, nil, err
		}
		u.Path = "/" + name
		c.DSN = u.String()
		drop = func() {
			admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
			admin.Close()
		}
	}
	return c, drop, nil
}
