// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// Config of the sessions.
type Config struct {
	DB       *store.DB
	Secure   bool          // the house is reached by https: the cookie gets the prefix __Host-
	Idle     time.Duration // default 30 minutes
	Absolute time.Duration // default 10 hours
	Now      func() time.Time
	Log      *slog.Logger
	// Acting finds, at every request of a session that acts for somebody, whom for; fault.Denied once that is over. nil: nobody
	// acts for anybody.
	Acting func(ctx context.Context, a access.Actor) (access.Actor, error)
}

// Sessions begins, finds and ends sessions.
type Sessions struct {
	cfg Config
}

// touchAfter keeps a session's last use exact to a minute, which spares a write at every request.
const touchAfter = time.Minute

// maxPerActor bounds the sessions of one person; the least recently used ones end.
const maxPerActor = 20

// NewSessions fills the defaults.
func NewSessions(cfg Config) (*Sessions, error) {
	if cfg.DB == nil {
		return nil, fault.Internalf("identity.new", "no database")
	}
	if cfg.Idle == 0 {
		cfg.Idle = 30 * time.Minute
	}
	if cfg.Absolute == 0 {
		cfg.Absolute = 10 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Sessions{cfg}, nil
}

// CookieName is the name of the session's cookie.
func (s *Sessions) CookieName() string {
	if s.cfg.Secure {
		return "__Host-mercator"
	}
	return "mercator"
}

func (s *Sessions) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: s.CookieName(), Value: value, Path: "/", HttpOnly: true, Secure: s.cfg.Secure,
		SameSite: http.SameSiteLaxMode, MaxAge: age}
}

const tokenBytes = 32

func tokenOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) != 43 {
		return ""
	}
	return c.Value
}

func hashOf(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// hintUse: what the provider said about a person is sealed under the session's token, which the database doesn't have.
const hintUse = "mercator session hint"

const maxHint = 8 << 10

// SignIn begins a session and sets its cookie. The session that the request came with, if any, ends: the token changes
// whenever somebody signs in or proves more. hint is the provider's identity token; it may be empty.
func (s *Sessions) SignIn(ctx context.Context, w http.ResponseWriter, r *http.Request, a access.Actor, hint string) (Session, error) {
	const op = "identity.signIn"
	if a.ID == "" || a.Level < access.Basic {
		return Session{}, fault.Internalf(op, "an actor without id or level")
	}
	if len(hint) > maxHint {
		hint = ""
	}
	a = cameIn(a)
	token := ident.Secret(tokenBytes)
	aead, err := ident.Cipher(token, hintUse)
	if err != nil {
		return Session{}, fault.Wrap(op, err)
	}
	now := s.cfg.Now()
	n := Session{ID: hashOf(token), Actor: a, CSRF: ident.Secret(16), Hint: hint, Begun: now, Ends: now.Add(s.cfg.Absolute),
		seen: now, hint: aead.Seal(nil, nil, []byte(hint), nil)}
	err = s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		if old := tokenOf(r, s.CookieName()); old != "" {
			if _, err := tx.Exec(ctx, endSession, hashOf(old)); err != nil {
				return err
			}
		}
		if err := addSession(ctx, tx, n); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, endSurplus, string(a.Kind), a.ID, maxPerActor)
		return err
	})
	if err != nil {
		return Session{}, fault.Wrap(op, err)
	}
	http.SetCookie(w, s.cookie(token, 0))
	return n, nil
}

// SignOut ends the request's session and gives what the provider needs to end its own.
func (s *Sessions) SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request) (hint string, err error) {
	const op = "identity.signOut"
	token := tokenOf(r, s.CookieName())
	if token == "" {
		return "", nil
	}
	session, ok, err := s.find(ctx, token)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if ok {
		hint = session.Hint
	}
	if err := s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, endSession, hashOf(token))
		return err
	}); err != nil {
		return "", fault.Wrap(op, err)
	}
	http.SetCookie(w, s.cookie("", -1))
	return hint, nil
}

// EndAll ends every session of an actor: the account was blocked, a role was withdrawn.
func (s *Sessions) EndAll(ctx context.Context, kind access.Kind, actor string) error {
	return fault.Wrap("identity.endAll", s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, endActor, string(kind), actor)
		return err
	}))
}

// Sweep removes sessions that have ended by time. It only keeps the table small: an ended session is never found.
func (s *Sessions) Sweep(ctx context.Context) (int64, error) {
	var n int64
	now := s.cfg.Now()
	err := s.cfg.DB.Write(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, sweep, store.Micros(now), store.Micros(now.Add(-s.cfg.Idle)))
		return err
	})
	return n, fault.Wrap("identity.sweep", err)
}

// find is the live session of a token.
func (s *Sessions) find(ctx context.Context, token string) (Session, bool, error) {
	session, err := findSession(ctx, s.cfg.DB, hashOf(token))
	if fault.Is(err, fault.NotFound) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, err
	}
	now := s.cfg.Now()
	if !now.Before(session.Ends) || now.Sub(session.seen) >= s.cfg.Idle {
		return Session{}, false, nil
	}
	aead, err := ident.Cipher(token, hintUse)
	if err != nil {
		return Session{}, false, err
	}
	hint, err := aead.Open(nil, nil, session.hint, nil)
	if err != nil {
		return Session{}, false, err
	}
	session.Hint = string(hint)
	if now.Sub(session.seen) >= touchAfter {
		if err := s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, touch, session.ID, store.Micros(now))
			return err
		}); err != nil {
			return Session{}, false, err
		}
	}
	return session, true, nil
}

// Middleware puts the session on the request. The cookie of a session that has ended is left alone: the request may have
// been under way while another tab signed in anew, and its answer would take away the new cookie.
func (s *Sessions) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := tokenOf(r, s.CookieName())
		if token == "" || strings.HasPrefix(r.URL.Path, "/assets/") {
			next.ServeHTTP(w, r)
			return
		}
		session, ok, err := s.find(r.Context(), token)
		if err != nil {
			if r.Context().Err() == nil { // else the browser has gone away
				s.cfg.Log.Error("identity: a session can't be read", "err", err)
			}
			err = fault.Because(fault.Unavailable, "identity.session", "", err)
		}
		k := known{session: session, self: session.Actor, is: ok, err: err}
		k.self.Mandate = ""
		if ok && err == nil && session.Actor.Acting() {
			k.session.Actor, k.err = s.acting(r.Context(), session.Actor)
		}
		ctx := context.WithValue(r.Context(), requestKey{}, k)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
