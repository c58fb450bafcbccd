// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"mercator/core/config"
	"mercator/core/store"
)

// Options is what a house is built from.
type Options struct {
	Config config.Config
	Log    *slog.Logger
	Now    func() time.Time // nil: the clock
}

func openStore(ctx context.Context, c config.Config) (*store.DB, error) {
	sc := store.Config{Engine: store.Engine(c.Database.Engine), Path: c.Database.Path, MaxConns: c.Database.MaxConns}
	if sc.Engine == store.Postgres {
		dsn, err := c.Database.DSN.Read()
		if err != nil {
			return nil, fmt.Errorf("database.dsn: %w", err)
		}
		sc.DSN = dsn
	}
	return store.Open(ctx, sc)
}

func blobDir(c config.Config) string { return filepath.Join(c.Data.Dir, "documents") }

// deadEnd turns the error of a room that can't be built into one that names it.
func room(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
