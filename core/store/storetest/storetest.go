// SPDX-License-Identifier: EUPL-1.2

// Package storetest gives tests a real database of each engine: SQLite in a temp
// folder, and PostgreSQL where $MERCATOR_TEST_POSTGRES names a server (./check
// starts one). Without it the PostgreSQL half skips and says so; with CI=true it
// fails, so that nobody believes in a run that didn't happen.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"mercator/base/ident"
	"mercator/core/store"
)

// Each runs the test on both engines, each time in a fresh, migrated database.
func Each(t *testing.T, rooms []store.Migrations, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, SQLite(t, rooms)) })
	t.Run("postgres", func(t *testing.T) { run(t, Postgres(t, rooms)) })
}

// SQLite is a fresh, migrated database in a temp folder.
func SQLite(t testing.TB, rooms []store.Migrations) *store.DB {
	t.Helper()
	return open(t, store.Config{Engine: store.SQLite, Path: filepath.Join(t.TempDir(), "test.db")}, rooms)
}

// Postgres is a fresh, migrated database of its own on the test server.
func Postgres(t testing.TB, rooms []store.Migrations) *store.DB {
	t.Helper()
	return open(t, store.Config{Engine: store.Postgres, DSN: PostgresDSN(t), MaxConns: 8}, rooms)
}

// PostgresDSN makes an empty database on the test server and drops it when the
// test ends. $MERCATOR_TEST_POSTGRES is a URL to a database whose user may create others.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv("MERCATOR_TEST_POSTGRES")
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MERCATOR_TEST_POSTGRES is not set: ./check starts a PostgreSQL and sets it")
		}
		t.Skip("MERCATOR_TEST_POSTGRES is not set: the PostgreSQL half of this test did not run (./check runs it)")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "m" + fmt.Sprintf("%x", ident.Secret(9))
	if _, err := admin.Exec("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
		admin.Close()
	})
	u.Path = "/" + name
	return u.String()
}

func open(t testing.TB, c store.Config, rooms []store.Migrations) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := store.Migrate(context.Background(), db, rooms); err != nil {
		t.Fatal(err)
	}
	return db
}
