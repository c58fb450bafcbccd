// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/store"
)

// The ledger by time, on PostgreSQL (migrate/0080_partitions.sql says why and how): a partition a quarter of each of these
// tables, called after it: audit_entry_2026q4.
var partitioned = [...]string{"audit_entry", "audit_subject", "audit_seen"}

const addPartition = `-- audit.addPartitionPostgres
SELECT audit_add_partition($1, $2, $3, $4)`

const partitions = `-- audit.partitionsPostgres
SELECT c.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_namespace n ON n.oid = p.relnamespace WHERE n.nspname = current_schema() AND p.relname = $1 ORDER BY c.relname`

const dropPartition = `-- audit.dropPartitionPostgres
SELECT audit_drop_partition($1)`

// quarter is the first moment of the quarter that a moment is in.
func quarter(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
}

func quarterName(table string, q time.Time) string {
	return fmt.Sprintf("%s_%dq%d", table, q.Year(), (q.Month()+2)/3)
}

// Partition makes the partitions of this quarter and the next one, and drops those of quarters before a moment that the end
// of retention has emptied. One that is there stays as it is, and a quarter of which something stands in the rest already
// gets none. On SQLite there is nothing to do.
func (l *Ledger) Partition(ctx context.Context, now, before time.Time) error {
	const op = "audit.partition"
	if l.DB.Engine() != store.Postgres {
		return nil
	}
	scanBool := func(row store.Scanner) (done bool, err error) { return done, row.Scan(&done) }
	next := quarter(now).AddDate(0, 3, 0)
	for _, table := range partitioned {
		there, err := store.All(ctx, l.DB, func(row store.Scanner) (name string, err error) { return name, row.Scan(&name) }, partitions, table)
		if err != nil {
			return fault.Wrap(op, err)
		}
		for _, q := range [...]time.Time{quarter(now), next} {
			name := quarterName(table, q)
			if slices.Contains(there, name) {
				continue
			}
			if err := l.DB.Write(ctx, func(tx *store.Tx) error {
				_, err := store.One(ctx, tx, scanBool, addPartition, table, name, ident.Before(q), ident.Before(q.AddDate(0, 3, 0)))
				return err
			}); err != nil {
				return fault.Wrap(op, err)
			}
		}
		for _, name := range there {
			var year, n int
			if _, err := fmt.Sscanf(name, table+"_%dq%d", &year, &n); err != nil {
				continue // the rest
			}
			if end := time.Date(year, time.Month(3*n+1), 1, 0, 0, 0, 0, time.UTC); end.After(before) {
				continue
			}
			if err := l.DB.Write(ctx, func(tx *store.Tx) error {
				_, err := store.One(ctx, tx, scanBool, dropPartition, name)
				return err
			}); err != nil {
				return fault.Wrap(op, err)
			}
		}
	}
	return nil
}
