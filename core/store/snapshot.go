// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"database/sql"
	"net/url"

	"mercator/base/fault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// snapshot reads from one state of a database.
type snapshot struct {
	q interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
}

func (s snapshot) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.q.QueryContext(ctx, query, args...)
}

func (s snapshot) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return s.q.QueryRowContext(ctx, query, args...)
}

// ReadCopy reads a file that BackupTo has written, and leaves it as it is.
func ReadCopy(ctx context.Context, path string, fn func(Q) error) error {
	const op = "store.readCopy"
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	defer db.Close()
	return fault.Wrap(op, fn(snapshot{db}))
}

const snapshotPostgres = `-- store.snapshotPostgres
SELECT pg_export_snapshot()`

// ReadPostgres reads one state of a PostgreSQL database, and gives its name: programs of PostgreSQL read the same state by
// it while fn runs.
func ReadPostgres(ctx context.Context, dsn string, fn func(q Q, name string) error) error {
	const op = "store.readPostgres"
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	db := stdlib.OpenDB(*conf)
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	defer tx.Rollback()
	var name string
	if err := tx.QueryRowContext(ctx, snapshotPostgres).Scan(&name); err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	return fault.Wrap(op, fn(snapshot{tx}, name))
}

const tablesSQLite = `-- store.tablesSQLite
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`

const tablesPostgres = `-- store.tablesPostgres
SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY tablename`

// Counts are the rows of each table.
func Counts(ctx context.Context, q Q, engine Engine) (map[string]int64, error) {
	const op = "store.counts"
	list := tablesSQLite
	if engine == Postgres {
		list = tablesPostgres
	}
	names, err := All(ctx, q, func(row Scanner) (s string, err error) { return s, row.Scan(&s) }, list)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	out := map[string]int64{}
	for _, name := range names {
		var n int64
		if err := q.QueryRow(ctx, `SELECT COUNT(*) FROM "`+name+`"`).Scan(&n); err != nil {
			return nil, fault.Wrap(op, err)
		}
		out[name] = n
	}
	return out, nil
}

// ScratchPostgres makes an empty database beside the one of a connection string and removes it after fn, whatever comes.
// The role needs the right to make databases (CREATEDB).
func ScratchPostgres(ctx context.Context, dsn, name string, fn func(dsn string) error) (err error) {
	const op = "store.scratchPostgres"
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	db := stdlib.OpenDB(*conf)
	defer db.Close()
	id := pgx.Identifier{name}.Sanitize()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+id+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	defer func() {
		if _, e := db.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE "+id+" WITH (FORCE)"); e != nil && err == nil {
			err = fault.Because(fault.Unavailable, op, "", e)
		}
	}()
	// A connection string is a URL or a list of words, of which the last one counts.
	scratch := dsn + " dbname=" + name
	if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
		q := u.Query()
		q.Del("dbname")
		u.Path, u.RawQuery = "/"+name, q.Encode()
		scratch = u.String()
	}
	return fn(scratch)
}
