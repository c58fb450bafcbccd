// SPDX-License-Identifier: EUPL-1.2

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"mercator/base/fault"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// The primary result codes of SQLite that mean the machine and not the statement.
const (
	sqliteBusy, sqliteLocked, sqliteNoMem, sqliteReadOnly, sqliteIOErr, sqliteFull, sqliteCantOpen = 5, 6, 7, 8, 10, 13, 14
)

// outage reports that err says nothing about the change: the database is gone, is
// starting, has no room, or was waited for too long. The same change may succeed later.
func outage(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", // lost a race too often
			"25006", // the server has become a copy that only reads
			"25P03": // we were silent for too long in the middle of a change
			return true
		}
		// connection, resources (disk full, memory, too many connections), shut down, the disk itself
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "58")
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqliteBusy, sqliteLocked, sqliteNoMem, sqliteReadOnly, sqliteIOErr, sqliteFull, sqliteCantOpen:
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "conn closed")
}

// classified calls an outage Unavailable, whatever was said of it on its way up, unless
// somebody has given it a kind on purpose.
func classified(op string, err error) error {
	if err != nil && fault.Is(err, fault.Internal) && outage(err) {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	return err
}
