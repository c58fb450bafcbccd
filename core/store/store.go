// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"mercator/base/fault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib" // and the database/sql driver "pgx"
	_ "modernc.org/sqlite"           // database/sql driver "sqlite"
)

// Engine is one of the two databases.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Config says where the data is.
type Config struct {
	Engine Engine
	// Path is the database file (SQLite). Its folder is made if it isn't there.
	Path string
	// DSN is a PostgreSQL connection string.
	DSN string
	// MaxConns bounds the connections (PostgreSQL: all; SQLite: readers). 0: a default.
	MaxConns int
}

// Q reads. Both DB and Tx are one.
type Q interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is an open database.
type DB struct {
	engine Engine
	read   *sql.DB
	write  *sql.DB // SQLite: one connection
	stmts  sync.Map
	queue  chan *change
	quit   chan struct{}
	done   chan struct{}
	once   sync.Once
	path   string

	// SQLite: has something been written since the log was last brought over, and is it the
	// writer's turn to do so?
	written atomic.Bool
	catchUp chan struct{}
	aside   sync.WaitGroup
	// file is the database. It is closed last: when a process closes any handle of a file, it loses all its locks of it.
	file *os.File
}

// Open opens the database; it doesn't migrate.
func Open(ctx context.Context, c Config) (*DB, error) {
	switch c.Engine {
	case SQLite:
		return openSQLite(ctx, c)
	case Postgres:
		return openPostgres(ctx, c)
	}
	return nil, fault.Internalf("store.open", "unknown engine %q: want sqlite or postgres", c.Engine)
}

// A node that stops in the middle of a change without its connection being closed (its
// machine has lost power, or is frozen) would keep the rows it has locked from everybody
// else, for hours. No change of ours is silent for so long.
const giveUpPostgres = `-- store.giveUpPostgres
SET idle_in_transaction_session_timeout = '5s'`

func openPostgres(ctx context.Context, c Config) (*DB, error) {
	n := c.MaxConns
	if n == 0 {
		n = 16
	}
	conf, err := pgx.ParseConfig(c.DSN)
	if err != nil {
		return nil, fault.Because(fault.Unavailable, "store.open", "", err)
	}
	sqlDB := stdlib.OpenDB(*conf, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, giveUpPostgres)
		return err
	}))
	sqlDB.SetMaxOpenConns(n)
	sqlDB.SetMaxIdleConns(n)
	if err := sqlDB.PingContext(ctx); err != nil {
		sqlDB.Close()
		return nil, fault.Because(fault.Unavailable, "store.open", "", err)
	}
	db := &DB{engine: Postgres, read: sqlDB, write: sqlDB, queue: make(chan *change, 1024), quit: make(chan struct{}), done: make(chan struct{})}
	go db.appender()
	return db, nil
}

func openSQLite(ctx context.Context, c Config) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		return nil, fault.Because(fault.Unavailable, "store.open", "", err)
	}
	n := c.MaxConns
	if n == 0 {
		n = 8
	}
	var opened []io.Closer
	failed := func(err error) (*DB, error) {
		for _, c := range opened {
			c.Close()
		}
		return nil, fault.Because(fault.Unavailable, "store.open", "", err)
	}
	const common = "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=temp_store(2)&_pragma=cache_size(-65536)"
	// synchronous=FULL: a commit that was answered is on disk (fsync of the WAL).
	write, err := sql.Open("sqlite", "file:"+c.Path+common+
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint("+checkpointLate+")&_pragma=journal_size_limit(67108864)")
	if err != nil {
		return failed(err)
	}
	opened = append(opened, write)
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	write.SetConnMaxLifetime(0)
	if err := write.PingContext(ctx); err != nil {
		return failed(err)
	}
	read, err := sql.Open("sqlite", "file:"+c.Path+common+"&_pragma=query_only(1)")
	if err != nil {
		return failed(err)
	}
	opened = append(opened, read)
	read.SetMaxOpenConns(n)
	read.SetMaxIdleConns(n)
	conn, err := write.Conn(ctx)
	if err != nil {
		return failed(err)
	}
	db := &DB{
		engine: SQLite, read: read, write: write, path: c.Path, catchUp: make(chan struct{}),
		queue: make(chan *change, 1024), quit: make(chan struct{}), done: make(chan struct{}),
	}
	aside, err := sql.Open("sqlite", "file:"+c.Path+common)
	if err != nil {
		return failed(err)
	}
	opened = append(opened, aside)
	aside.SetMaxOpenConns(1)
	if db.file, err = os.OpenFile(c.Path, os.O_RDWR, 0); err != nil {
		return failed(err)
	}
	db.aside.Go(func() { db.checkpoints(aside) })
	go db.writer(&writerConn{conn: conn, stmts: map[string]*sql.Stmt{}})
	return db, nil
}

// Engine says which database this is, for the few statements written twice.
func (db *DB) Engine() Engine { return db.engine }

// Close waits for the changes under way and closes the database.
func (db *DB) Close() error {
	var err error
	db.once.Do(func() {
		close(db.quit)
		<-db.done
		if db.engine == SQLite {
			db.aside.Wait()
			err = db.read.Close()
		}
		err = errors.Join(err, db.write.Close())
		if db.file != nil {
			err = errors.Join(err, db.file.Close())
		}
	})
	return err
}

// Ping asks the database for an answer.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return fault.Wrap("store.ping", db.read.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// prepared keeps one statement per text for the readers of SQLite, where
// preparing costs more than running; pgx has a cache of its own.
func (db *DB) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := db.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := db.read.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	if old, loaded := db.stmts.LoadOrStore(query, s); loaded {
		s.Close()
		return old.(*sql.Stmt), nil
	}
	return s, nil
}

// Query reads outside any transaction.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if db.engine == Postgres {
		return db.read.QueryContext(ctx, query, args...)
	}
	s, err := db.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRow reads one row outside any transaction.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if db.engine == Postgres {
		return db.read.QueryRowContext(ctx, query, args...)
	}
	s, err := db.prepared(ctx, query)
	if err != nil {
		return db.read.QueryRowContext(ctx, query, args...) // carries the same error in the row
	}
	return s.QueryRowContext(ctx, args...)
}

// Prepare checks that the engine takes a statement, for the test that holds every
// statement of the house against both engines.
func (db *DB) Prepare(ctx context.Context, query string) error {
	s, err := db.read.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	return s.Close()
}

// Tx is a transaction under way. It is not safe for several goroutines and must
// not be kept after the function that got it returns.
type Tx struct {
	engine Engine
	w      *writerConn // SQLite
	pg     *pgTx       // PostgreSQL
	after  []func(committed bool)
	lost   error // SQLite has rolled everything back by itself
}

// Engine says which database this is.
func (tx *Tx) Engine() Engine { return tx.engine }

// AfterCommit runs f once the change is on disk: to wake a worker, never to store.
// It doesn't run when the change is rolled back.
func (tx *Tx) AfterCommit(f func()) {
	tx.AfterEnd(func(committed bool) {
		if committed {
			f()
		}
	})
}

// AfterEnd runs f once the change is on disk or is known not to be: to give back what was
// set aside for it. A commit of which nobody can say what became of it counts as none.
func (tx *Tx) AfterEnd(f func(committed bool)) { tx.after = append(tx.after, f) }

func (tx *Tx) ended(committed bool) {
	for _, f := range tx.after {
		f(committed)
	}
}

// Exec changes rows and says how many.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if tx.pg != nil {
		return tx.pg.exec(query, args)
	}
	if tx.lost != nil {
		return 0, tx.lost // what came now would stand for itself
	}
	var res sql.Result
	s, err := tx.w.prepared(query)
	if err == nil {
		res, err = s.ExecContext(context.WithoutCancel(ctx), args...)
	}
	if err != nil {
		err = classify(query, err)
		if outage(err) {
			tx.lost = err
		}
		return 0, err
	}
	return res.RowsAffected()
}

// Later changes rows of which nobody needs to know how many. PostgreSQL gets the
// statement together with the next one, or with the commit: a change that mostly
// writes takes one way there and back instead of one for each statement. Whatever is
// wrong with it comes out there, at the latest as the error of Write.
func (tx *Tx) Later(ctx context.Context, query string, args ...any) error {
	if tx.pg != nil {
		tx.pg.later(query, args)
		return nil
	}
	_, err := tx.Exec(ctx, query, args...)
	return err
}

// Query reads inside the transaction. Close the rows before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if tx.pg != nil {
		if err := tx.pg.flush(); err != nil {
			return nil, err
		}
		return tx.pg.conn.QueryContext(tx.pg.ctx, query, args...)
	}
	s, err := tx.w.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...)
}

// QueryRow reads one row inside the transaction.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if tx.pg != nil {
		return tx.pg.queryRow(query, args)
	}
	ctx = context.WithoutCancel(ctx)
	s, err := tx.w.prepared(query)
	if err != nil {
		return tx.w.conn.QueryRowContext(ctx, query, args...)
	}
	return s.QueryRowContext(ctx, args...)
}

// classify turns "already there" into a conflict on both engines; anything else
// stays what it is.
func classify(query string, err error) error {
	op := "store.exec"
	if rest, ok := strings.CutPrefix(strings.TrimSpace(query), "-- "); ok {
		op, _, _ = strings.Cut(rest, "\n")
		op = strings.TrimSpace(op)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if pg.Code == "23505" {
			return fault.Because(fault.Conflict, op, "", err)
		}
		return fmt.Errorf("%s: %w", op, err)
	}
	if s := err.Error(); strings.Contains(s, "UNIQUE constraint failed") || strings.Contains(s, "PRIMARY KEY constraint failed") {
		return fault.Because(fault.Conflict, op, "", err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// Write runs fn in a transaction and returns when its changes are on disk, or
// none of them. fn may run more than once (PostgreSQL retries what lost a race),
// so it changes nothing outside the transaction; it must not call Write. What it
// has to do after the commit it hands to tx.AfterCommit.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fault.Because(fault.Unavailable, "store.write", "", err)
	}
	if db.engine == Postgres {
		return classified("store.write", db.writePostgres(ctx, fn))
	}
	return db.queued(ctx, fn)
}

// Append is Write for a change that only adds rows, reads nothing and can't lose a race: an entry of the ledger. On PostgreSQL
// those that come at the same time share a transaction, as all changes do on SQLite, so that many are on disk by one commit.
func (db *DB) Append(ctx context.Context, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fault.Because(fault.Unavailable, "store.write", "", err)
	}
	return db.queued(ctx, fn)
}

// queued hands a change to the goroutine that groups them.
func (db *DB) queued(ctx context.Context, fn func(tx *Tx) error) error {
	c := &change{fn: fn, done: make(chan error, 1)}
	select {
	case db.queue <- c:
	case <-ctx.Done():
		return fault.Because(fault.Unavailable, "store.write", "", ctx.Err())
	case <-db.quit:
		return fault.New(fault.Unavailable, "store.write", "")
	}
	// No way out by ctx from here: the caller must learn whether it happened.
	select {
	case err := <-c.done:
		return err
	case <-db.done:
		select {
		case err := <-c.done:
			return err
		default:
			return fault.New(fault.Unavailable, "store.write", "")
		}
	}
}

// Analyze has PostgreSQL count its tables. It keeps the plan of a statement until somebody has counted, so one made while a
// table was nearly empty reads all of it when it is full; autovacuum counts within minutes, which a bulk load can't wait for.
// SQLite plans by its indexes.
func (db *DB) Analyze(ctx context.Context) error {
	if db.engine != Postgres {
		return nil
	}
	return db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "-- store.analyze\nANALYZE")
		return err
	})
}

// guarded turns a panic of fn into an error, so that one change can't take the
// writer, and everybody else's changes, down.
func guarded(fn func(tx *Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internalf("store.write", "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
