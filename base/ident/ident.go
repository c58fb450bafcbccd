// SPDX-License-Identifier: EUPL-1.2

// Package ident makes identifiers: time-ordered UUIDs (version 7, RFC 9562) for
// rows, and unguessable secrets for links and sessions.
package ident

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
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

// Cipher seals under a secret that the database doesn't have, such as a browser's token; use keeps what is sealed for one thing
// from opening as another (HKDF, AES-256-GCM with random nonces).
func Cipher(secret, use string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, use, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Before is a text that sorts behind every id made before a moment (in the
// milliseconds that ids know), and before every later one.
func Before(t time.Time) string {
	ms := fmt.Sprintf("%012x", max(t.UnixMilli(), 0))
	return ms[:8] + "-" + ms[8:12] + "-"
}
