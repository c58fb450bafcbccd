// SPDX-License-Identifier: EUPL-1.2

// Package fault is the one error type of the house. A fault has three readers:
// a Kind for the program, an Op for the operator, a message key for the citizen.
// An error that nobody classified means Internal, so that what was forgotten is
// never shown to a citizen.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what a program may do about an error.
type Kind string

// The kinds. Package web maps each of them once to an HTTP status.
const (
	Internal        Kind = "internal"        // a defect or an unknown failure: 500
	Invalid         Kind = "invalid"         // the input is wrong and says so: 422
	NotFound        Kind = "not_found"       // not there, or not theirs: 404, never told apart
	Denied          Kind = "denied"          // known, but the policy says no: 403
	Unauthenticated Kind = "unauthenticated" // nobody is signed in: 401 or the sign-in page
	StepUp          Kind = "step_up"         // signed in, but the trust level is too low: step-up
	Conflict        Kind = "conflict"        // somebody else was first: 409
	TooLarge        Kind = "too_large"       // over a limit of size: 413
	TooMany         Kind = "too_many"        // over a limit of rate: 429
	Unsupported     Kind = "unsupported"     // a type of content that is not taken: 415
	Unavailable     Kind = "unavailable"     // try again later: 503
)

// Error is a classified error. Msg is a key of a message catalogue (base/i18n)
// with Args as alternating names and values; it holds no personal data that its
// reader doesn't already have. Op and Err are for the log only.
type Error struct {
	Kind Kind
	Op   string // "room.useCase"
	Msg  string // message key, "payment.amountChanged"; empty: the kind's own text
	Args []any  // "name", value, …
	Err  error
}

// Error is the operator's text.
func (e *Error) Error() string {
	s := e.Op + ": " + string(e.Kind)
	if e.Msg != "" {
		s += " (" + e.Msg + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a classified error; args are alternating names and values for the message.
func New(kind Kind, op, msg string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Msg: msg, Args: args}
}

// Wrap adds the operation to err and keeps its kind and message; nil stays nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return &Error{Kind: e.Kind, Op: op, Msg: e.Msg, Args: e.Args, Err: err}
	}
	return &Error{Kind: Internal, Op: op, Err: err}
}

// Because classifies a foreign error.
func Because(kind Kind, op, msg string, err error, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Msg: msg, Args: args, Err: err}
}

// Internalf is a defect with an operator's text.
func Internalf(op, format string, args ...any) *Error {
	return &Error{Kind: Internal, Op: op, Err: fmt.Errorf(format, args...)}
}

// KindOf is the kind of err: Internal for what nobody classified, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }

// Message is the citizen's message key of err with its arguments; the key
// "fault.<kind>" stands in where the error has none of its own.
func Message(err error) (key string, args []any) {
	var e *Error
	if errors.As(err, &e) && e.Msg != "" && e.Kind != Internal {
		return e.Msg, e.Args
	}
	return "fault." + string(KindOf(err)), nil
}
