// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// What programs outside send is of the resource "event". A program sends the messages and
// signals that it was granted, by name (scopes "message:" and "signal:" + name); one that
// is tied to an office reaches the cases of that office, and begins those of its services.

// eventOf is who sends something from outside, if it is granted to them by name.
func eventOf(op string, g access.Grant, sort, name string) (access.Actor, error) {
	if err := g.Must(access.Change, "event"); err != nil {
		return access.Actor{}, err
	}
	a := g.Actor()
	if sort != "" && !a.Is(sort+":"+name) {
		return a, fault.New(fault.Denied, op, "process.eventNotGranted", "name", name)
	}
	return a, nil
}

// Readable reports whether a name, key or id is a text that people can read and both
// engines keep: to PostgreSQL a NUL is none.
func Readable(t string) bool {
	return utf8.ValidString(t) && !strings.ContainsFunc(t, unicode.IsControl)
}

// bounded refuses what nobody sends in earnest.
func bounded(op string, vars map[string]any, texts ...string) error {
	for _, t := range texts {
		if len(t) > maxName {
			return fault.New(fault.Invalid, op, "process.longText", "n", maxName)
		}
		if !Readable(t) {
			return fault.New(fault.Invalid, op, "process.noText")
		}
	}
	b, err := json.Marshal(vars)
	if err != nil {
		return fault.Because(fault.Invalid, op, "", err)
	}
	if len(b) > maxVars {
		return fault.New(fault.TooLarge, op, "process.tooMuchData", "n", maxVars>>10)
	}
	return nil
}

// SendMessage delivers the message of a program outside.
func (e *Engine) SendMessage(ctx context.Context, g access.Grant, n Note) (Delivery, error) {
	const op = "process.sendMessage"
	a, err := eventOf(op, g, "message", n.Name)
	if err != nil {
		return Delivery{}, err
	}
	if err := bounded(op, n.Vars, n.Name, n.Key, n.ID); err != nil {
		return Delivery{}, err
	}
	if n.TTL != nil && (*n.TTL < 0 || *n.TTL > maxTTL) {
		return Delivery{}, fault.New(fault.Invalid, op, "process.longLife", "days", int(maxTTL/(24*time.Hour)))
	}
	n.By = a
	var out Delivery
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		out, err = e.Deliver(ctx, tx, n)
		return err
	})
	return out, fault.Wrap(op, err)
}

// SendSignal sends the signal of a program outside. It says how many cases have waited for
// it and how many it begins.
func (e *Engine) SendSignal(ctx context.Context, g access.Grant, name string, vars map[string]any) (waited, begins int, err error) {
	const op = "process.sendSignal"
	a, err := eventOf(op, g, "signal", name)
	if err != nil {
		return 0, 0, err
	}
	if name == "" {
		return 0, 0, fault.Internalf(op, "a signal needs a name")
	}
	if err := bounded(op, vars, name); err != nil {
		return 0, 0, err
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		waited, begins, err = e.broadcast(ctx, tx, name, vars, a)
		return err
	})
	return waited, begins, fault.Wrap(op, err)
}

// SendData tells the engine the data of a program outside. It says how many cases begin
// because a condition is true for them.
func (e *Engine) SendData(ctx context.Context, g access.Grant, vars map[string]any) (begins int, err error) {
	const op = "process.sendData"
	a, err := eventOf(op, g, "", "")
	if err != nil {
		return 0, err
	}
	if err := bounded(op, vars); err != nil {
		return 0, err
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		begins, err = e.tell(ctx, tx, vars, a, "", "")
		return err
	})
	return begins, fault.Wrap(op, err)
}
