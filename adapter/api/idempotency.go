// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
)

const (
	keepKeys  = 24 * time.Hour
	keyLease  = time.Minute
	maxAnswer = 256 << 10
)

var keyPattern = regexp.MustCompile(`^[!-~]{1,200}$`)

// answer is what a request got.
type answer struct {
	Status      int
	ContentType string
	Location    string
	Body        []byte
}

// recorder keeps an answer while it is being given.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	long   bool
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.body.Len()+len(b) > maxAnswer {
		w.long = true
	} else {
		w.body.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

// once lets a POST with an Idempotency-Key happen once.
func (a *API) once(w http.ResponseWriter, r *http.Request, client string, next http.Handler) error {
	const op = "api.once"
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || key == "" {
		next.ServeHTTP(w, r)
		return nil
	}
	if !keyPattern.MatchString(key) {
		return fault.New(fault.Invalid, op, "api.badKey")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return fault.Because(fault.TooLarge, op, "", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	h := sha256.New()
	h.Write([]byte(r.URL.RequestURI() + "\n" + r.Header.Get("Content-Type") + "\n"))
	h.Write(body)
	request := hex.EncodeToString(h.Sum(nil))
	ctx := r.Context()
	now := a.c.Now()
	lease := store.Micros(now.Add(keyLease))
	var taken int64
	var was, state, sealed string
	if err := a.c.DB.Write(ctx, func(tx *store.Tx) error {
		was, state, sealed = "", "", ""
		if taken, err = tx.Exec(ctx, takeKey, client, key, request, store.Micros(now), lease, store.Micros(now.Add(-keepKeys))); err != nil || taken > 0 {
			return err
		}
		return tx.QueryRow(ctx, readKey, client, key).Scan(&was, &state, &sealed)
	}); err != nil {
		return fault.Wrap(op, err)
	}
	switch {
	case taken > 0:
	case was != request:
		return fault.New(fault.Invalid, op, "api.keyReused")
	case state == "running":
		w.Header().Set("Retry-After", "1")
		return fault.New(fault.Conflict, op, "api.keyRunning")
	default:
		kept, err := a.openAnswer(sealed)
		if err != nil {
			return fault.Wrap(op, err)
		}
		w.Header().Set("Content-Type", kept.ContentType)
		if kept.Location != "" {
			w.Header().Set("Location", kept.Location)
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(kept.Status)
		_, err = w.Write(kept.Body)
		return err
	}
	rec := &recorder{ResponseWriter: w}
	next.ServeHTTP(rec, r)
	// A refusal that another try may cure isn't kept, and what is too long is done again.
	again := rec.status >= 500 || rec.status == http.StatusTooManyRequests || rec.status == http.StatusConflict ||
		rec.status == http.StatusUnauthorized || rec.status == http.StatusForbidden || rec.long
	err = a.c.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if again {
			_, err := tx.Exec(ctx, freeKey, client, key, lease)
			return err
		}
		sealed, err := a.sealAnswer(answer{Status: rec.status, ContentType: rec.Header().Get("Content-Type"), Location: rec.Header().Get("Location"), Body: rec.body.Bytes()})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, keepAnswer, client, key, lease, sealed)
		return err
	})
	if err != nil {
		// The answer is given; a repetition finds the key running until its lease ends.
		a.c.Log.Error("the answer to an idempotent request can't be kept", "op", op, "error", err.Error())
	}
	return nil
}

// Sweep forgets the answers of yesterday.
func (a *API) Sweep(ctx context.Context) error {
	return fault.Wrap("api.sweep", a.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, sweepKeys, store.Micros(a.c.Now().Add(-keepKeys)))
		return err
	}))
}

func newSeal(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fault.Internalf("api.new", "the key has %d bytes, not 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealAnswer keeps answers, which may hold secrets and personal data, from whoever
// has the database alone.
func (a *API) sealAnswer(x answer) (string, error) {
	b, err := json.Marshal(x)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, a.seal.NonceSize())
	rand.Read(nonce) // never fails since Go 1.24
	return hex.EncodeToString(a.seal.Seal(nonce, nonce, b, nil)), nil
}

func (a *API) openAnswer(sealed string) (x answer, err error) {
	b, err := hex.DecodeString(sealed)
	if err != nil || len(b) < a.seal.NonceSize() {
		return x, fault.Internalf("api.openAnswer", "a kept answer is damaged")
	}
	n := a.seal.NonceSize()
	if b, err = a.seal.Open(nil, b[:n], b[n:], nil); err != nil {
		return x, fault.Internalf("api.openAnswer", "a kept answer was sealed with another key")
	}
	return x, json.Unmarshal(b, &x)
}
