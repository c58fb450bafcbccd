// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// waiting is what the seeded instances are: they wait for a message, with a deadline.
var waiting = strings.Replace(document(`<bpmn:startEvent id="s"/><bpmn:receiveTask id="wait" messageRef="m"/><bpmn:endEvent id="e"/>
<bpmn:boundaryEvent id="late" attachedToRef="wait"><bpmn:timerEventDefinition><bpmn:timeDuration>P300D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>`+
	flow("s", "wait")+flow("wait", "e")+flow("late", "e")), "<bpmn:process",
	`<bpmn:message id="m" name="go"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message><bpmn:process`, 1)

// second waits for a second.
var second = document(`<bpmn:startEvent id="s"/><bpmn:intermediateCatchEvent id="t"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent><bpmn:endEvent id="e"/>` +
	flow("s", "t") + flow("t", "e"))

// scale measures a step, a lifecycle and a timer with more and more in the database.
func scale(ctx context.Context, o options) error {
	fmt.Println(header(o))
	fmt.Printf("%d under way at a time, %g s for each figure. A step sets a variable of a random waiting instance; a lifecycle is one task, a job.\n\n", o.each, o.seconds)
	fmt.Println("| engine | running instances | timers | steps a second | p50, p99, ms | processor, ms | lifecycles a second | p50, p99, ms | processor, ms | a timer is late by p50, p99, ms | memory, MB | disk, MB | load |")
	fmt.Println("|---|" + strings.Repeat("--:|", 12))
	for _, e := range o.engines() {
		if !o.matches(string(e)) {
			continue
		}
		if err := scaleOn(ctx, o, e); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	return nil
}

func scaleOn(ctx context.Context, o options, engine store.Engine) error {
	c, drop, err := place(ctx, o, engine)
	if err != nil {
		return err
	}
	defer drop()
	instances, timers := 0, 0
	for _, n := range []int{10, 1_000, 100_000, o.instances, o.timers} {
		if instances == o.instances && n > timers { // all instances are there: now timers only
			if err := seed(ctx, c, 0, 0, timers, n); err != nil {
				return err
			}
			timers = n
		} else if n <= o.instances && n > instances {
			if err := seed(ctx, c, instances, n, timers, n); err != nil {
				return err
			}
			instances, timers = n, n
		} else {
			continue
		}
		if err := stage(ctx, o, c, instances, timers); err != nil {
			return err
		}
	}
	return nil
}

// template is the instance that the seeded ones are copies of.
const template = "template"

// seed copies the rows of one real instance: instances from to until, timers alike.
func seed(ctx context.Context, c store.Config, from, until, timersFrom, timersUntil int) error {
	began := time.Now()
	h, err := newHouse(ctx, c, options{})
	if err != nil {
		return err
	}
	def, err := bpmn.Parse("waiting.bpmn", []byte(waiting))
	if err != nil {
		return errors.Join(err, h.db.Close())
	}
	var instance string
	err = h.db.QueryRow(ctx, `SELECT id FROM process_instance WHERE case_id = $1`, template).Scan(&instance)
	if errors.Is(err, sql.ErrNoRows) {
		instance, err = h.start(ctx, def, template, map[string]any{"key": template, "amount": 30.5, "zone": "NN", "plate": "DU-AB 77"})
	}
	if err := errors.Join(err, h.db.Close()); err != nil {
		return err
	}
	// Its own connection: nothing but loading is done now, and a crash costs the database only.
	driver, dsn := "sqlite", "file:"+c.Path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-500000)&_pragma=temp_store(2)"
	numbers, id := `WITH RECURSIVE g (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM g WHERE i + 1 < $2)`, `printf('0000%08x', g.i)`
	if c.Engine == store.Postgres {
		driver, dsn = "pgx", c.DSN
		numbers, id = `WITH g (i) AS (SELECT generate_series(CAST($1 AS BIGINT), CAST($2 AS BIGINT) - 1))`, `('0000' || lpad(to_hex(g.i), 8, '0'))`
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	fill := func(from, until int, statements ...string) error {
		for at := from; at < until; at += 200_000 {
			for _, s := range statements {
				if _, err := db.ExecContext(ctx, strings.ReplaceAll(numbers+"\n"+s, "{id}", id), at, min(at+200_000, until), instance); err != nil {
					return fmt.Errorf("%s: %w", s, err)
				}
			}
		}
		return nil
	}
	// An index is made at once rather than grown row by row in an order of chance.
	if _, err := db.ExecContext(ctx, `DROP INDEX job_task_due`); err != nil {
		return err
	}
	if err := fill(from, until,
		`INSERT INTO process_instance (id, case_id, ref, label, service, version, office, model, process, status, state, revision, created_at, changed_at)
		SELECT {id}, {id}, ref, label, service, version, office, model, process, status, state, revision, created_at, changed_at FROM g, process_instance t WHERE t.id = $3`,
		`INSERT INTO process_subscription (instance_id, token, name, key, created_at)
		SELECT {id}, token, name, {id}, created_at FROM g, process_subscription t WHERE t.instance_id = $3`,
		`INSERT INTO process_history (id, instance_id, at, event, actor_kind, actor_id, trace)
		SELECT {id}, {id}, at, event, actor_kind, actor_id, trace FROM g, process_history t WHERE t.instance_id = $3`); err != nil {
		return err
	}
	// Due over 300 days, none of them while we measure.
	if err := fill(timersFrom, timersUntil,
		`INSERT INTO job_task (id, kind, key, args, state, due_at, attempt, max_attempts, lease, error, created_at)
		SELECT {id}, kind, replace(key, $3, {id}), replace(CAST(args AS TEXT), $3, {id}), state, due_at - (g.i * 7919 % 10000019) * 2000000, attempt, max_attempts, lease, error, created_at
		FROM g, job_task t WHERE t.key = 'process.timer/' || $3 || '/t2'`); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `CREATE INDEX job_task_due ON job_task (due_at, id) WHERE state = 'waiting'`); err != nil {
		return err
	}
	finish := []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	if c.Engine == store.Postgres {
		finish = []string{"VACUUM ANALYZE", "CHECKPOINT"}
	}
	for _, s := range finish {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	var got int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM job_task WHERE kind = 'process.timer'`).Scan(&got); err != nil {
		return err
	}
	if got != timersUntil+1 { // and the template's
		return fmt.Errorf("%d timers instead of %d", got, timersUntil+1)
	}
	if c.Engine == store.SQLite { // or the first commit that is measured waits for all of it
		f, err := os.Open(c.Path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %d instances, %d timers seeded in %.0f s\n", c.Engine, max(from, until), timersUntil, time.Since(began).Seconds())
	return nil
}

// stage measures with what is there now.
func stage(ctx context.Context, o options, c store.Config, instances, timers int) error {
	one, err := bpmn.Parse("one.bpmn", []byte(sequence(1, "job")))
	if err != nil {
		return err
	}
	wait, err := bpmn.Parse("second.bpmn", []byte(second))
	if err != nil {
		return err
	}
	h, err := newHouse(ctx, c, o)
	if err != nil {
		return err
	}
	defer h.db.Close()
	stop := h.work(ctx)
	span := time.Duration(o.seconds * float64(time.Second))
	step, err := clock(o.each, span/4, span, func(int) error {
		id := fmt.Sprintf("0000%08x", rand.IntN(instances))
		return h.db.Write(ctx, func(tx *store.Tx) error {
			return h.engine.SetVars(ctx, tx, id, access.SystemActor("bench"), map[string]any{"amount": rand.IntN(1000)})
		})
	})
	if err != nil {
		return errors.Join(err, stop())
	}
	life, err := clock(o.each, span/4, span, func(int) error { return h.lifecycle(ctx, one) })
	if err != nil {
		return errors.Join(err, stop())
	}
	// Ten seconds with twenty instances a second, each of which waits for a second.
	var late []time.Duration
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			began := time.Now()
			e := h.lifecycle(ctx, wait)
			mu.Lock()
			defer mu.Unlock()
			err = errors.Join(err, e)
			late = append(late, time.Since(began)-time.Second)
		})
		time.Sleep(50 * time.Millisecond)
	}
	wg.Wait()
	p50, p99 := percentiles(late)
	memory := rss()
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	fmt.Printf("| %s | %d | %d | %.0f | %.1f, %.1f | %.2f | %.0f | %.1f, %.1f | %.2f | %.0f, %.0f | %d | %d | %s |\n", c.Engine, instances, timers,
		step.rate, ms(step.p50), ms(step.p99), ms(step.cpu), life.rate, ms(life.p50), ms(life.p99), ms(life.cpu), ms(p50), ms(p99), memory, disk(ctx, h.db, c), load())
	return nil
}

// rss is the memory of this process in MB, garbage given back.
func rss() int {
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	n, _ := strconv.Atoi(f[min(1, len(f)-1)])
	return n * os.Getpagesize() >> 20
}

// disk is the size of the database in MB.
func disk(ctx context.Context, db *store.DB, c store.Config) int64 {
	if c.Engine == store.Postgres {
		var n int64
		if err := db.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&n); err != nil {
			return 0
		}
		return n >> 20
	}
	st, err := os.Stat(c.Path)
	if err != nil {
		return 0
	}
	return st.Size() >> 20
}
