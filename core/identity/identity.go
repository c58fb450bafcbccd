// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
)

// Session is a person who is signed in.
type Session struct {
	ID    string // names the session in the database; it's no secret and signs nobody in
	Actor access.Actor
	CSRF  string // a form of the session carries it
	Hint  string // the provider's identity token, for signing out there too
	Begun time.Time
	Ends  time.Time
	hint  []byte // sealed
	seen  time.Time
}

// CheckCSRF tells whether a form belongs to the session.
func (s Session) CheckCSRF(token string) bool {
	return s.CSRF != "" && subtle.ConstantTimeCompare([]byte(s.CSRF), []byte(token)) == 1
}

// known is what the middleware leaves on a request.
type known struct {
	session Session
	is      bool
	err     error
}

type requestKey struct{}

// Of is the session on the request, which Sessions.Middleware has put there.
func Of(r *http.Request) (Session, bool) {
	k, _ := r.Context().Value(requestKey{}).(known)
	return k.session, k.is
}

// Current is who acts with this request, if anybody is signed in.
func Current(r *http.Request) (access.Actor, bool) {
	s, ok := Of(r)
	return s.Actor, ok
}

// Require is who acts, at that trust level or above. Nobody is fault.Unauthenticated, a lower level fault.StepUp.
func Require(r *http.Request, least access.Level) (access.Actor, error) {
	const op = "identity.require"
	k, _ := r.Context().Value(requestKey{}).(known)
	if k.err != nil {
		return access.Actor{}, fault.Wrap(op, k.err)
	}
	if !k.is {
		return access.Actor{}, fault.New(fault.Unauthenticated, op, "")
	}
	if k.session.Actor.Level < least {
		return access.Actor{}, fault.New(fault.StepUp, op, "", "level", least.String())
	}
	return k.session.Actor, nil
}

// With puts an actor on a request: for the API, whose actor comes with a token, and for tests.
func With(r *http.Request, s Session) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, known{session: s, is: true}))
}
