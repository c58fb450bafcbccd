// SPDX-License-Identifier: EUPL-1.2

// Package ident makes identifiers: time-ordered UUIDs (version 7, RFC 9562) for
// rows, and unguessable secrets for links and sessions.
package ident

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// New is a fresh UUIDv7 as text; ids made later by one process sort later.
func New() string {
	return uuid.Must(uuid.NewV7()).String()
}

// Valid reports whether s is a UUID in its canonical form. Handlers ask it
// before an id from outside reaches a query.
func Valid(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil
}

// Secret is n random bytes as URL-safe text without padding (n = 16: 128 bit).
func Secret(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// Before is a text that sorts behind every id made before a moment (in the
// milliseconds that ids know), and before every later one.
func Before(t time.Time) string {
	ms := fmt.Sprintf("%012x", max(t.UnixMilli(), 0))
	return ms[:8] + "-" + ms[8:12] + "-"
}
