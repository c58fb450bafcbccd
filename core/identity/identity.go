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

// cameIn is the actor with the door that a session is for: who works for the city comes in at the desk, anybody else at the
// portal.
func cameIn(a access.Actor) access.Actor {
	a.Door = access.DoorPortal
	if a.Kind == access.Clerk {
		a.Door = access.DoorDesk
	}
	return a
}

// known is what the middleware leaves on a request.
type known struct {
	session Session
	self    access.Actor // in their own right
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

// Require is who acts in their own matters, at that trust level or above. Nobody is fault.Unauthenticated, a lower level
// fault.StepUp, and who acts for somebody else at the moment fault.Denied: a page that doesn't know about mandates shows neither
// the other's matters nor, under the other's name, their own. A deputy at the desk comes as one.
func Require(r *http.Request, least access.Level) (access.Actor, error) {
	a, err := RequireActing(r, least)
	if err == nil && a.Acting() && a.Kind == access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "identity.require", access.OutsideMandate)
	}
	return a, err
}

// RequireActing is Require for pages that serve people who act for somebody else, too: whose matters they are is Actor.Person,
// and what they may see of them the grant says. A mandate that is over is fault.Denied, lest what is meant for somebody else is
// taken for one's own.
func RequireActing(r *http.Request, least access.Level) (access.Actor, error) {
	k, _ := r.Context().Value(requestKey{}).(known)
	return k.require(k.session.Actor, k.err, least)
}

// RequireSelf is who is signed in, in their own right, whomever they act for at the moment: for the pages on which that is
// begun and ended.
func RequireSelf(r *http.Request, least access.Level) (access.Actor, error) {
	k, _ := r.Context().Value(requestKey{}).(known)
	err := k.err
	if k.session.Actor.Acting() && fault.Is(err, fault.Denied) {
		err = nil
	}
	return k.require(k.self, err, least)
}

func (k known) require(a access.Actor, err error, least access.Level) (access.Actor, error) {
	const op = "identity.require"
	if err != nil {
		return access.Actor{}, fault.Wrap(op, err)
	}
	if !k.is {
		return access.Actor{}, fault.New(fault.Unauthenticated, op, "")
	}
	if a.Level < least {
		return access.Actor{}, fault.New(fault.StepUp, op, "", "level", least.String())
	}
	return a, nil
}

// With puts an actor on a request: for the API, whose actor comes with a token, and for tests.
func With(r *http.Request, s Session) *http.Request {
	self := s.Actor
	self.Mandate, self.For, self.ForName = "", "", ""
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, known{session: s, self: self, is: true}))
}
