// SPDX-License-Identifier: EUPL-1.2

// Package store is the strong room: one SQL text, two engines.
//
// SQLite (modernc.org/sqlite, no C compiler) is the embedded default, PostgreSQL
// (jackc/pgx) the way up. Every statement is written once in the subset that both
// share, with $1 placeholders, as a constant in its room's store.go whose first
// line names it ("-- payment.capture").
//
// All changes go through DB.Write. On SQLite there is one writer: it takes the
// waiting changes together into one transaction, each in its own savepoint, and
// commits them with one fsync (synchronous=FULL), so durable doesn't mean slow. On
// PostgreSQL each change is its own transaction, retried when the engine says that
// it lost a race; its statements go in as few parcels as can be (Tx.Later). Either way Write returns after the data is on disk.
//
// What store is not: an ORM, a query builder, a place for rules.
package store
