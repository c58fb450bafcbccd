// SPDX-License-Identifier: EUPL-1.2

// Package river measures River as the queue of the house, in the shape in which
// core/job is measured by its own BenchmarkJobs: sixteen goroutines enqueue, each in
// a transaction of its own, while sixteen workers do the jobs. See
// docs/adr/0003-jobs.md. It is a module of its own, so that the house doesn't
// depend on what it only measures.
package river

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite"
)

type args struct{ N int }

func (args) Kind() string { return "work" }

type worker struct {
	river.WorkerDefaults[args]
	left chan struct{}
}

func (w *worker) Work(context.Context, *river.Job[args]) error { w.left <- struct{}{}; return nil }

func config(left chan struct{}) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{left: left})
	return &river.Config{
		Workers: workers, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 16, FetchCooldown: time.Millisecond, FetchPollInterval: 20 * time.Millisecond}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 20 * time.Millisecond,
	}
}

// measure enqueues b.N jobs from sixteen goroutines and waits until all are done.
func measure(b *testing.B, left chan struct{}, insert func(context.Context) error) {
	ctx := context.Background()
	work := make(chan struct{}, b.N)
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range work {
				if err := insert(ctx); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "enqueued/s")
	for range b.N {
		<-left
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	// How long one job takes from its commit to its worker when nothing else happens.
	began := time.Now()
	for range 20 {
		if err := insert(ctx); err != nil {
			b.Fatal(err)
		}
		<-left
	}
	b.ReportMetric(float64(time.Since(began).Microseconds())/20, "µs-alone")
}

func openSQLite(b *testing.B) *sql.DB {
	// As core/store opens its writer: synchronous=FULL, one connection.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "river.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	m, err := rivermigrate.New(riversqlite.New(db), nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.Migrate(context.Background(), rivermigrate.DirectionUp, nil); err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkSQLite gives each enqueueing transaction its own commit.
func BenchmarkSQLite(b *testing.B) {
	ctx := context.Background()
	db := openSQLite(b)
	left := make(chan struct{}, 100_000)
	client, err := river.NewClient(riversqlite.New(db), config(left))
	if err != nil {
		b.Fatal(err)
	}
	if err := client.Start(ctx); err != nil {
		b.Fatal(err)
	}
	defer client.Stop(ctx)
	measure(b, left, func(ctx context.Context) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := client.InsertTx(ctx, tx, args{1}, nil); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// BenchmarkSQLiteGrouped commits changes in groups, as core/store does, which would
// have to hold a *sql.Tx (River asks for one) instead of its own BEGIN.
func BenchmarkSQLiteGrouped(b *testing.B) {
	ctx := context.Background()
	db := openSQLite(b)
	left := make(chan struct{}, 100_000)
	client, err := river.NewClient(riversqlite.New(db), config(left))
	if err != nil {
		b.Fatal(err)
	}
	if err := client.Start(ctx); err != nil {
		b.Fatal(err)
	}
	defer client.Stop(ctx)
	queue := make(chan chan error, 1024)
	quit := make(chan struct{})
	defer close(quit)
	group := func(first chan error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		held := []chan error{}
		for c := first; c != nil; {
			for _, step := range []func() error{
				func() error { _, err := tx.ExecContext(ctx, "SAVEPOINT change"); return err },
				func() error { _, err := client.InsertTx(ctx, tx, args{1}, nil); return err },
				func() error { _, err := tx.ExecContext(ctx, "RELEASE change"); return err },
			} {
				if err := step(); err != nil {
					return err
				}
			}
			held = append(held, c)
			c = nil
			select {
			case c = <-queue:
			default:
			}
		}
		err = tx.Commit()
		for _, c := range held {
			c <- err
		}
		return nil
	}
	go func() {
		for {
			select {
			case c := <-queue:
				if err := group(c); err != nil {
					panic(err)
				}
			case <-quit:
				return
			}
		}
	}()
	measure(b, left, func(context.Context) error {
		c := make(chan error, 1)
		queue <- c
		return <-c
	})
}

// connTx lends River the *pgx.Conn below a database/sql transaction.
type connTx struct{ conn }

// conn takes the method Conn out of the way of the embedded connection.
type conn struct{ *pgx.Conn }

func (c connTx) Conn() *pgx.Conn                     { return c.conn.Conn }
func (connTx) Commit(context.Context) error          { return errors.New("the owner commits") }
func (connTx) Rollback(context.Context) error        { return errors.New("the owner rolls back") }
func (connTx) LargeObjects() pgx.LargeObjects        { panic("not used") }
func (connTx) Begin(context.Context) (pgx.Tx, error) { return nil, errors.New("not nested") }

// BenchmarkPostgres enqueues through database/sql, as core/store does, with the
// *pgx.Conn below it (sql.Conn.Raw).
func BenchmarkPostgres(b *testing.B) {
	ctx := context.Background()
	server := os.Getenv("MERCATOR_TEST_POSTGRES")
	if server == "" {
		b.Skip("MERCATOR_TEST_POSTGRES is not set")
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		b.Fatal(err)
	}
	defer admin.Close()
	name := fmt.Sprint("river", time.Now().UnixNano())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		b.Fatal(err)
	}
	defer admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
	u, err := url.Parse(server)
	if err != nil {
		b.Fatal(err)
	}
	u.Path = "/" + name
	pool, err := pgxpool.New(ctx, u.String())
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		b.Fatal(err)
	}
	left := make(chan struct{}, 100_000)
	client, err := river.NewClient(riverpgxv5.New(pool), config(left))
	if err != nil {
		b.Fatal(err)
	}
	if err := client.Start(ctx); err != nil {
		b.Fatal(err)
	}
	defer client.Stop(ctx)
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	measure(b, left, func(ctx context.Context) error {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := c.Raw(func(driverConn any) error {
			_, err := client.InsertTx(ctx, connTx{conn{driverConn.(*stdlib.Conn).Conn()}}, args{1}, nil)
			return err
		}); err != nil {
			return err
		}
		return tx.Commit()
	})
}
