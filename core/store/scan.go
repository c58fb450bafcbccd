// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mercator/base/fault"
)

// Scanner is a row.
type Scanner interface{ Scan(dest ...any) error }

// All reads every row of a query through scan.
func All[T any](ctx context.Context, q Q, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, classified("store.all", err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, classified("store.all", rows.Err())
}

// One reads one row; no row is a NotFound fault.
func One[T any](ctx context.Context, q Q, scan func(Scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRow(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		var zero T
		return zero, fault.Because(fault.NotFound, "store.one", "", err)
	}
	return v, classified("store.one", err)
}

// Lock is One inside a transaction for a row that is needed a little later: what it
// returns gives the row. PostgreSQL gets the query, in its order, together with what comes
// before and after it (Tx.Later, Tx.Exec); its columns are texts, bytes and whole numbers,
// and scan keeps nothing of the row.
func Lock[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) func() (T, error) {
	if tx.pg == nil {
		v, err := One(ctx, tx, scan, query, args...)
		return func() (T, error) { return v, err }
	}
	var v T
	var scanned error
	sent := tx.pg.row(func(s Scanner) error {
		v, scanned = scan(s)
		return scanned
	}, query, args)
	return func() (T, error) {
		found, err := sent()
		switch {
		case err != nil:
			return v, classified("store.lock", err)
		case !found:
			return v, fault.Because(fault.NotFound, "store.lock", "", sql.ErrNoRows)
		}
		return v, scanned
	}
}

// Micros is an instant as the databases hold it: µs since 1970 UTC; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the instant of Micros.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
