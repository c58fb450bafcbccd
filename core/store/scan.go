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

// Locked is One inside a transaction. PostgreSQL gets the query together with the
// statements that wait for the next one (Tx.Later) and with the BEGIN; its columns are
// texts, bytes and whole numbers, and scan keeps nothing of the row.
func Locked[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) (v T, err error) {
	if tx.pg == nil {
		return One(ctx, tx, scan, query, args...)
	}
	err = tx.pg.one(func(s Scanner) (err error) {
		v, err = scan(s)
		return err
	}, query, args)
	if errors.Is(err, sql.ErrNoRows) {
		return v, fault.Because(fault.NotFound, "store.locked", "", err)
	}
	return v, classified("store.locked", err)
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
