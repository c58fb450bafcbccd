// SPDX-License-Identifier: EUPL-1.2

// Process measures how many lifecycles of processes Mercator completes a second, durably:
// each step is on disk before anybody learns of it. The load generator shares the
// processors. See run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// lifecycle is a process with n service tasks in a row, done by a handler of the type.
type lifecycle struct {
	name, typ string
	tasks     int
}

var lifecycles = []lifecycle{
	{"one task, done by a worker", "async", 1},
	{"14 tasks, done by workers", "async", 14},
	{"one task, done in the step", "inline", 1},
	{"14 tasks, done in the step", "inline", 14},
}

func (l lifecycle) model() ([]byte, error) {
	var b strings.Builder
	b.WriteString(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true"><startEvent id="t0"/>`)
	for i := range l.tasks {
		fmt.Fprintf(&b, `<serviceTask id="t%d"><extensionElements><zeebe:taskDefinition type="%s"/></extensionElements></serviceTask>`, i+1, l.typ)
	}
	fmt.Fprintf(&b, `<endEvent id="t%d"/>`, l.tasks+1)
	for i := range l.tasks + 1 {
		fmt.Fprintf(&b, `<sequenceFlow id="f%d" sourceRef="t%d" targetRef="t%d"/>`, i, i, i+1)
	}
	b.WriteString(`</process></definitions>`)
	return []byte(b.String()), nil
}

// house is an engine on a database.
type house struct {
	db     *store.DB
	engine *process.Engine
	stop   func()
	ended  sync.Map // case → chan
}

func open(ctx context.Context, c store.Config, workers int) (*house, error) {
	h := &house{}
	var err error
	if h.db, err = store.Open(ctx, c); err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, h.db, []store.Migrations{job.Migrations(), process.Migrations()}); err != nil {
		return nil, err
	}
	queue, err := job.NewQueue(job.Config{DB: h.db, Concurrency: workers})
	if err != nil {
		return nil, err
	}
	h.engine, err = process.New(process.Config{DB: h.db, Jobs: queue,
		Handlers: []process.Handler{
			{Type: "inline", Inline: func(context.Context, *store.Tx, process.Work) (map[string]any, error) { return nil, nil }},
			{Type: "async", Async: func(context.Context, process.Work) (process.Effect, error) { return nil, nil }},
		},
		Hooks: process.Hooks{Completed: func(_ context.Context, tx *store.Tx, c process.Ref, _ map[string]any) error {
			tx.AfterCommit(func() {
				if ch, ok := h.ended.LoadAndDelete(c.CaseID); ok {
					close(ch.(chan struct{}))
				}
			})
			return nil
		}}})
	if err != nil {
		return nil, err
	}
	if err := queue.Register(h.engine.Workers()...); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); queue.Run(run) }()
	h.stop = func() { cancel(); <-done; h.db.Close() }
	return h, nil
}

var nextCase atomic.Int64

// one takes a case from its start to its end.
func (h *house) one(ctx context.Context, def *bpmn.Definitions) error {
	id := fmt.Sprintf("c%d-%d", os.Getpid(), nextCase.Add(1))
	done := make(chan struct{})
	h.ended.Store(id, done)
	if err := h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := h.engine.Start(ctx, tx, def, process.StartParams{CaseID: id, CaseRef: id, Label: "bench", Service: "bench", Version: "v1", Office: "32",
			Vars: map[string]any{"amount": 12}, Actor: access.SystemActor("bench")})
		return err
	}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("case %s doesn't end", id)
	}
}

type round struct {
	perSecond float64
	p50, p99  time.Duration
}

// measure keeps n cases under way for d.
func (h *house) measure(ctx context.Context, def *bpmn.Definitions, n int, d time.Duration) (round, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	began := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for time.Since(began) < d {
				at := time.Now()
				err := h.one(ctx, def)
				mu.Lock()
				all = append(all, time.Since(at))
				if err != nil {
					failed = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	slices.Sort(all)
	if failed != nil || len(all) == 0 {
		return round{}, failed
	}
	return round{float64(len(all)) / took.Seconds(), all[len(all)/2], all[len(all)*99/100]}, nil
}

func median(rounds []round) round {
	pick := func(key func(round) float64) float64 {
		var v []float64
		for _, r := range rounds {
			v = append(v, key(r))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return round{pick(func(r round) float64 { return r.perSecond }),
		time.Duration(pick(func(r round) float64 { return float64(r.p50) })), time.Duration(pick(func(r round) float64 { return float64(r.p99) }))}
}

func main() {
	postgres := flag.String("postgres", "", "URL of an empty PostgreSQL database; default: only SQLite")
	dir := flag.String("dir", "", "folder of the SQLite database; default: a temporary one")
	rounds := flag.Int("rounds", 5, "rounds; the medians are reported")
	seconds := flag.Float64("seconds", 5, "of a round")
	under := flag.Int("under-way", 64, "cases under way at the same time")
	workers := flag.Int("workers", 64, "jobs done at the same time")
	only := flag.String("only", "", "only lifecycles whose name holds this")
	flag.Parse()
	if err := run(*postgres, *dir, *only, *rounds, *under, *workers, time.Duration(*seconds*float64(time.Second))); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(postgres, dir, only string, rounds, under, workers int, d time.Duration) error {
	ctx := context.Background()
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "bench"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	databases := []store.Config{{Engine: store.SQLite, Path: filepath.Join(dir, "bench.db")}}
	if postgres != "" {
		databases = append(databases, store.Config{Engine: store.Postgres, DSN: postgres, MaxConns: 32})
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s, %d processors, load %.4s, %d rounds of %s, %d cases under way, %d workers. Medians of the rounds.\n\n", runtime.Version(), runtime.NumCPU(), load, rounds, d, under, workers)
	fmt.Println("| lifecycle | database | a second | p50 | p99 |\n|---|---|--:|--:|--:|")
	for _, c := range databases {
		h, err := open(ctx, c, workers)
		if err != nil {
			return err
		}
		for _, l := range lifecycles {
			if !strings.Contains(l.name, only) {
				continue
			}
			src, err := l.model()
			if err != nil {
				return err
			}
			def, err := bpmn.Parse("bench.bpmn", src)
			if err != nil {
				return err
			}
			var all []round
			for i := range rounds + 1 {
				r, err := h.measure(ctx, def, under, d)
				if err != nil {
					return err
				}
				if i > 0 { // the first warms up
					all = append(all, r)
				}
			}
			m := median(all)
			fmt.Printf("| %s | %s | %.0f | %.1f ms | %.1f ms |\n", l.name, c.Engine, m.perSecond, m.p50.Seconds()*1e3, m.p99.Seconds()*1e3)
		}
		h.stop()
	}
	return nil
}
