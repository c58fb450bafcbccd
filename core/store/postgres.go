// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mercator/base/fault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// writePostgres tries again what lost a race, and what never reached the server because
// its connection had ended (the server was started anew).
func (db *DB) writePostgres(ctx context.Context, fn func(tx *Tx) error) error {
	for attempt := 0; ; attempt++ {
		err, unsent := db.tryPostgres(ctx, fn)
		var pg *pgconn.PgError
		race := errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
		if (race || unsent) && attempt < 5 {
			time.Sleep(time.Duration(attempt+1) * 5 * time.Millisecond)
			continue
		}
		return err
	}
}

// appender is the one goroutine that appends to a PostgreSQL database. While one group is brought to disk the next gathers.
func (db *DB) appender() {
	defer close(db.done)
	db.serve(db.together, nil)
}

// together runs first and whatever waits behind it in one transaction; if that fails, each by itself, so that one that is
// wrong is nobody else's failure.
func (db *DB) together(first *change) {
	held := []*change{first}
	for more := true; more && len(held) < groupMax; {
		select {
		case c := <-db.queue:
			held = append(held, c)
		default:
			more = false
		}
	}
	run := func(list ...*change) error {
		return classified("store.write", db.writePostgres(context.Background(), func(tx *Tx) error {
			for _, c := range list {
				if err := c.fn(tx); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	err := run(held...)
	for _, c := range held {
		if c.err = err; err != nil && len(held) > 1 && !fault.Is(err, fault.Unavailable) {
			c.err = run(c)
		}
		c.done <- c.err
	}
}

// writeTimeout ends a change that hangs.
const writeTimeout = 30 * time.Second

func (db *DB) tryPostgres(ctx context.Context, fn func(tx *Tx) error) (err error, unsent bool) {
	// As on SQLite, a change that has begun is finished: a caller who goes away in the
	// middle of a commit must not leave it open whether it happened.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fault.Because(fault.Unavailable, "store.begin", "", err), false
	}
	defer conn.Close()
	p := &pgTx{ctx: ctx, conn: conn}
	tx := &Tx{engine: Postgres, pg: p}
	defer func() { tx.ended(err == nil) }()
	err = guarded(fn, tx)
	if p.hidden != nil {
		err = p.hidden
	}
	if err == nil {
		if err = p.commit(); err == nil {
			return nil, false
		}
		err = fmt.Errorf("store.commit: %w", err)
	} else if p.lost {
		err = fault.Because(fault.Unavailable, "store.begin", "", err)
	}
	if p.begun {
		conn.ExecContext(ctx, "ROLLBACK") // a connection in which it fails isn't used again
	}
	return err, p.unsent
}

// pgTx is a transaction of PostgreSQL that sends its statements in as few parcels as it
// can: BEGIN with the first statement, COMMIT with the last ones. The server does them
// in their order and skips the rest after a mistake, the COMMIT too.
type pgTx struct {
	ctx     context.Context
	conn    *sql.Conn
	begun   bool
	lost    bool // there was no connection to begin with
	unsent  bool // … and nothing has left
	pending []pgStatement
	err     error // what has gone wrong: nothing is sent after that
	hidden  error // … where fn couldn't see it
}

type pgStatement struct {
	query string
	args  []any
	read  func(pgx.Rows) // nil: it has no rows that anybody wants
}

func (p *pgTx) later(query string, args []any) {
	p.pending = append(p.pending, pgStatement{query, args, nil})
}

func (p *pgTx) exec(query string, args []any) (int64, error) {
	p.later(query, args)
	return p.send()
}

// row reads one row with the next parcel; what it returns sends it if nothing else did.
func (p *pgTx) row(scan func(Scanner) error, query string, args []any) (sent func() (found bool, err error)) {
	found, read := false, false
	p.pending = append(p.pending, pgStatement{query, args, func(rows pgx.Rows) {
		read = true
		for rows.Next() {
			if !found {
				found = true
				scan(rows)
			}
		}
	}})
	return func() (bool, error) {
		if !read {
			if err := p.flush(); err != nil {
				return false, err
			}
		}
		return found, p.err
	}
}

// flush sends what waits, so that a query sees it.
func (p *pgTx) flush() error {
	if p.begun && len(p.pending) == 0 || p.err != nil {
		return p.err
	}
	_, err := p.send()
	return err
}

// queryRow has no place for an error of what waited: the row says that its context has
// ended, without being asked for, and Write gives the cause back.
func (p *pgTx) queryRow(query string, args []any) *sql.Row {
	ctx := p.ctx
	if err := p.flush(); err != nil {
		p.hidden = err
		ended, cancel := context.WithCancel(ctx)
		cancel()
		ctx = ended
	}
	return p.conn.QueryRowContext(ctx, query, args...)
}

func (p *pgTx) commit() error {
	if !p.begun && len(p.pending) == 0 {
		return nil // nothing was asked of the database
	}
	_, err := p.exec("COMMIT", nil)
	return err
}

// send sends what waits and says how many rows the last statement changed.
func (p *pgTx) send() (n int64, err error) {
	if p.err != nil {
		return 0, p.err
	}
	batch, sent := &pgx.Batch{}, p.pending
	first := !p.begun
	if first {
		sent = append([]pgStatement{{query: "BEGIN"}}, sent...)
	}
	for _, s := range sent {
		batch.Queue(s.query, s.args...)
	}
	p.pending = p.pending[:0]
	p.err = p.conn.Raw(func(driver any) error {
		results := driver.(*stdlib.Conn).Conn().SendBatch(p.ctx, batch)
		for i, s := range sent {
			tag, err := result(results, s.read)
			if err != nil {
				var pg *pgconn.PgError
				p.lost = first && i == 0 && !errors.As(err, &pg)
				p.unsent = p.lost && pgconn.SafeToRetry(err)
				results.Close()
				return classify(s.query, err)
			}
			if i == 0 && first {
				p.begun = true
			}
			n = tag.RowsAffected()
			if s.query == "COMMIT" && tag.String() != "COMMIT" {
				results.Close()
				return fmt.Errorf("the transaction was rolled back: %s", tag)
			}
		}
		return results.Close()
	})
	return n, p.err
}

func result(r pgx.BatchResults, read func(pgx.Rows)) (pgconn.CommandTag, error) {
	if read == nil {
		return r.Exec()
	}
	rows, err := r.Query()
	if err == nil {
		read(rows)
		rows.Close()
		err = rows.Err()
	}
	return rows.CommandTag(), err
}
