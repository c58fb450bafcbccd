// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
)

// Migrations are the numbered SQL files of one room (0001_name.sql, forward only).
// A file that has landed is never changed: a fresh install equals an upgraded one.
type Migrations struct {
	Room string // the prefix of its tables
	FS   fs.FS  // holds migrate/0001_x.sql …
}

const createMigrations = `-- store.createMigrations
CREATE TABLE IF NOT EXISTS store_migration (
	room TEXT NOT NULL,
	number BIGINT NOT NULL,
	name TEXT NOT NULL,
	sum TEXT NOT NULL,
	applied_at BIGINT NOT NULL,
	PRIMARY KEY (room, number)
)`

const listMigrations = `-- store.listMigrations
SELECT room, number, name, sum FROM store_migration`

const addMigration = `-- store.addMigration
INSERT INTO store_migration (room, number, name, sum, applied_at) VALUES ($1, $2, $3, $4, $5)`

var migrationName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)

// Migrate brings the database up to what the rooms say, each file in its own
// transaction. It refuses a database that knows a migration that this binary
// doesn't (it is newer), and a file whose text has changed since it ran.
func Migrate(ctx context.Context, db *DB, rooms []Migrations) error {
	if err := db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, createMigrations)
		return err
	}); err != nil {
		return fault.Wrap("store.migrate", err)
	}
	return migrate(ctx, db, rooms, true)
}

// Migrated refuses a database that isn't where the rooms say, and changes nothing: another
// program may be at work with it, which couldn't start again after a migration.
func Migrated(ctx context.Context, db *DB, rooms []Migrations) error {
	return migrate(ctx, db, rooms, false)
}

func migrate(ctx context.Context, db *DB, rooms []Migrations, apply bool) error {
	const op = "store.migrate"
	type key struct {
		room   string
		number int
	}
	applied := map[key]string{}
	rows, err := db.Query(ctx, listMigrations)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for rows.Next() {
		var k key
		var name, sum string
		if err := rows.Scan(&k.room, &k.number, &name, &sum); err != nil {
			rows.Close()
			return fault.Wrap(op, err)
		}
		applied[k] = sum
	}
	if err := rows.Close(); err != nil {
		return fault.Wrap(op, err)
	}
	known := map[key]bool{}
	for _, room := range rooms {
		names, err := fs.Glob(room.FS, "migrate/*.sql")
		if err != nil {
			return fault.Wrap(op, err)
		}
		sort.Strings(names)
		for _, name := range names {
			m := migrationName.FindStringSubmatch(path.Base(name))
			if m == nil {
				return fault.Internalf(op, "%s: %s is not NNNN_name.sql", room.Room, name)
			}
			text, err := fs.ReadFile(room.FS, name)
			if err != nil {
				return fault.Wrap(op, err)
			}
			number, _ := strconv.Atoi(m[1])
			h := sha256.Sum256(text)
			sum := hex.EncodeToString(h[:])
			k := key{room.Room, number}
			if known[k] {
				return fault.Internalf(op, "%s: two migrations have number %d", room.Room, number)
			}
			known[k] = true
			if old, ok := applied[k]; ok {
				if old != sum {
					return fault.Internalf(op, "%s: %s has changed since it was applied", room.Room, name)
				}
				continue
			}
			if !apply {
				return fault.Internalf(op, "the database is older than this program: it lacks %s %04d; use the program that serves it", room.Room, number)
			}
			if err := db.Write(ctx, func(tx *Tx) error {
				if err := tx.script(ctx, string(text)); err != nil {
					return fmt.Errorf("%s/%s: %w", room.Room, name, err)
				}
				_, err := tx.Exec(ctx, addMigration, room.Room, number, path.Base(name), sum, time.Now().UnixMicro())
				return err
			}); err != nil {
				return fault.Wrap(op, err)
			}
		}
	}
	for k := range applied {
		if !known[k] {
			return fault.Internalf(op, "the database is newer than this program: it has %s %04d; use the newer program", k.room, k.number)
		}
	}
	return nil
}

// script runs several statements at once. SQLite keeps a table that is nothing but its
// primary key twice, unless it says WITHOUT ROWID, which PostgreSQL doesn't know: a
// migration has it in a comment. What only PostgreSQL knows stands in one that says so.
func (tx *Tx) script(ctx context.Context, text string) error {
	if tx.w != nil {
		text = strings.ReplaceAll(text, "/* WITHOUT ROWID */", " WITHOUT ROWID")
		_, err := tx.w.conn.ExecContext(context.WithoutCancel(ctx), text)
		return err
	}
	if err := tx.pg.flush(); err != nil {
		return err
	}
	_, err := tx.pg.conn.ExecContext(tx.pg.ctx, onlyPostgres.ReplaceAllString(text, "$1"))
	return err
}

var onlyPostgres = regexp.MustCompile(`(?s)/\* postgres: ?(.*?)\*/`)
