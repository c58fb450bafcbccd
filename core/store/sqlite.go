// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mercator/base/fault"
)

// A group is committed at the latest after this many changes or this long, so
// that the first of them doesn't wait for ever while others keep coming. Larger
// groups mean fewer commits (docs/benchmarks.md).
const (
	groupMax  = 128
	groupTime = 30 * time.Millisecond
)

// The log of changes (WAL) is brought into the database file beside the writer, so that
// nobody's change waits for it: what the writer has added meanwhile, which is little, it
// brings over itself between two groups, and begins the log anew.
const (
	checkpointEvery = 250 * time.Millisecond
	checkpointPages = 2000 // a log of fewer pages isn't worth the writer's time
	// checkpointLate is when the writer no longer waits for that, for a change that writes
	// faster than it is brought over.
	checkpointLate = "65536"
)

const checkpointSQLite = `-- store.checkpointSQLite
PRAGMA wal_checkpoint(PASSIVE)`

type change struct {
	fn   func(tx *Tx) error
	done chan error
	tx   *Tx
	err  error // why it was undone
}

// writerConn is the only connection that writes, with its prepared statements.
type writerConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (w *writerConn) prepared(query string) (*sql.Stmt, error) {
	if s, ok := w.stmts[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	if len(w.stmts) > 2000 { // texts are constants; this only bounds a mistake
		for k, old := range w.stmts {
			old.Close()
			delete(w.stmts, k)
		}
	}
	w.stmts[query] = s
	return s, nil
}

func (w *writerConn) exec(query string) error {
	s, err := w.prepared(query)
	if err != nil {
		return err
	}
	// Never under a caller's context: SQLite rolls the whole transaction back when
	// a change is interrupted, and others' changes are in it.
	_, err = s.ExecContext(context.Background())
	return err
}

// writer is the one goroutine that changes a SQLite database.
func (db *DB) writer(w *writerConn) {
	defer close(db.done)
	defer w.conn.Close()
	db.serve(func(c *change) {
		db.group(w, c)
		db.written.Store(true)
	}, func() { w.exec(checkpointSQLite) }) // what can't be brought over now will be the next time
}

// serve takes changes until the database is closed, and then those that wait. catchUp runs between two when it is asked for.
func (db *DB) serve(take func(*change), catchUp func()) {
	for {
		select {
		case c := <-db.queue:
			take(c)
		case <-db.catchUp: // of SQLite; where it is nil it never comes
			catchUp()
		case <-db.quit:
			for {
				select {
				case c := <-db.queue:
					take(c)
				default:
					return
				}
			}
		}
	}
}

// checkpoints brings the log over while the writer goes on. What SQLite then leaves to whoever
// brings over the last page, the sync of the whole file, is done here too: it takes longest.
func (db *DB) checkpoints(conn *sql.DB) {
	defer conn.Close()
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-db.quit:
			return
		}
		if !db.written.Swap(false) {
			continue
		}
		var busy, pages, over int
		err := conn.QueryRowContext(context.Background(), checkpointSQLite).Scan(&busy, &pages, &over)
		if err == nil && pages >= checkpointPages && db.file.Sync() == nil {
			select {
			case db.catchUp <- struct{}{}:
			case <-db.quit:
				return
			}
		}
	}
}

// group runs first and whatever waits behind it in one transaction.
func (db *DB) group(w *writerConn, first *change) {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		w.exec("ROLLBACK") // if one was left open, it mustn't shut everybody out
		first.done <- fault.Because(fault.Unavailable, "store.begin", "", err)
		return
	}
	began := time.Now()
	var held []*change
	var err error
	for c := first; c != nil && err == nil; {
		held = append(held, c)
		if c.err = db.one(w, c); errors.Is(c.err, errBroken) {
			err = c.err
			break
		}
		c = nil
		if len(held) < groupMax && time.Since(began) < groupTime {
			select {
			case c = <-db.queue:
			default:
			}
		}
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		w.exec("ROLLBACK")
		err = fault.Because(fault.Unavailable, "store.commit", "", err)
	}
	// Nobody is answered before the commit, not even who was refused: the reason may be
	// what another change of the group has written, and that isn't sure before.
	for _, c := range held {
		if err != nil {
			c.err = err
		}
		if c.tx != nil {
			c.tx.ended(c.err == nil)
		}
		c.done <- c.err
	}
}

// errBroken marks a transaction that can't go on.
var errBroken = errors.New("transaction lost")

// one runs a change in a savepoint: its failure undoes it and nothing else.
func (db *DB) one(w *writerConn, c *change) error {
	if err := w.exec("SAVEPOINT change"); err != nil {
		return errors.Join(errBroken, err)
	}
	tx := &Tx{engine: SQLite, w: w}
	c.tx = tx
	if err := guarded(c.fn, tx); err != nil {
		if e := w.exec("ROLLBACK TO change"); e != nil {
			return errors.Join(errBroken, err, e)
		}
		if e := w.exec("RELEASE change"); e != nil {
			return errors.Join(errBroken, err, e)
		}
		return err
	}
	if err := w.exec("RELEASE change"); err != nil {
		return errors.Join(errBroken, err)
	}
	return nil
}

// BackupTo writes a consistent copy of a SQLite database to a new file while the
// database is in use.
func (db *DB) BackupTo(ctx context.Context, path string, without ...string) error {
	if db.engine != SQLite {
		return fault.Internalf("store.backup", "only for sqlite: use pg_dump for postgres")
	}
	// VACUUM INTO reads one snapshot; it can't run on a query_only connection.
	conn, err := sql.Open("sqlite", "file:"+db.path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return fault.Wrap("store.backup", err)
	}
	defer conn.Close()
	if _, err = conn.ExecContext(ctx, "VACUUM INTO $1", path); err != nil || len(without) == 0 {
		return fault.Wrap("store.backup", err)
	}
	out, err := sql.Open("sqlite", "file:"+path+"?_pragma=secure_delete(1)")
	if err != nil {
		return fault.Wrap("store.backup", err)
	}
	defer out.Close()
	for _, table := range without {
		if _, err := out.ExecContext(ctx, "DELETE FROM "+table); err != nil {
			return fault.Wrap("store.backup", err)
		}
	}
	_, err = out.ExecContext(ctx, "VACUUM")
	return fault.Wrap("store.backup", err)
}
