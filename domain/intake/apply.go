// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"encoding/json"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/form"
)

// Application is an application that comes whole: by the API, from another
// authority, from a scenario.
type Application struct {
	Service            string
	Version            string // of the form that was filled in on paper; "": the one in force
	Key                string // idempotency: the same key gives the same case
	Person, PersonName string // whose it is; a resident's own if empty
	Channel, Lang      string
	// Consent lets the registers be read; only the person can give it, so it counts only for a resident.
	Consent bool
	Answers map[string]any
}

// Apply takes a whole application by the same rules as the pages. What is wrong
// comes back by field, and nothing has happened.
func (in *Intake) Apply(ctx context.Context, a access.Actor, ap Application) (caseID string, errs []form.FieldError, err error) {
	// The sender is part of the key: nobody meets somebody else's case by a guess.
	return in.apply(ctx, a, ap, string(a.Kind)+":"+a.ID+":"+ap.Key, nil)
}

// apply is Apply under an origin, with something more in its transaction.
func (in *Intake) apply(ctx context.Context, a access.Actor, ap Application, origin string, also func(*store.Tx, string) error) (caseID string, errs []form.FieldError, err error) {
	const op = "intake.apply"
	s, ok := in.c.Services.Current(ap.Service)
	if !ok || s.Internal || s.About != "" {
		return "", nil, fault.New(fault.NotFound, op, "")
	}
	if ap.Version != "" && ap.Version != s.Version && a.Kind == access.Clerk { // a paper of before
		if s, err = in.c.Services.Version(ctx, ap.Service, ap.Version); err != nil {
			return "", nil, fault.Wrap(op, err)
		}
	}
	if ap.Key == "" || len(ap.Key) > 200 {
		return "", nil, fault.New(fault.Invalid, op, "intake.apply.key")
	}
	if b, err := json.Marshal(ap.Answers); err != nil || len(b) > maxAnswers {
		return "", nil, fault.Because(fault.TooLarge, op, "intake.tooLarge", err)
	}
	d := Draft{Service: s.ID}
	switch a.Kind {
	case access.Resident:
		if ap.Person != "" && ap.Person != a.ID || a.Acting() {
			return "", nil, fault.New(fault.Denied, op, "")
		}
		if a.Level < s.Trust {
			return "", nil, fault.New(fault.StepUp, op, "", "level", s.Trust.String())
		}
		ap.Person, ap.PersonName = a.ID, a.Name
		if ap.Consent {
			if d.Registers, err = in.fetch(ctx, a, s); err != nil {
				return "", nil, err
			}
		}
	case access.Machine, access.Clerk:
		if ap.Person == "" || len(ap.Person) > 100 || len(ap.PersonName) > 300 {
			return "", nil, fault.New(fault.Invalid, op, "intake.apply.person")
		}
	default:
		return "", nil, fault.New(fault.Denied, op, "")
	}
	fctx, err := in.context(ctx, access.Actor{ID: ap.Person, Name: ap.PersonName}, s, d, ap.Lang)
	if err != nil {
		return "", nil, err
	}
	answers, errs := s.Form.Take(ap.Answers, fctx)
	if len(errs) > 0 {
		return "", errs, nil
	}
	view := s.Form.Eval(answers, fctx)
	// What comes by a program carries nobody else's signature; on paper there are those by hand, which the clerk has seen.
	if a.Kind != access.Clerk {
		for _, c := range s.Cosigns {
			if c.Needed(view) {
				errs = append(errs, form.FieldError{Key: signingKey(c.ID), Msg: "intake.cosign.online", Args: []any{"title", c.Title.For(ap.Lang)}})
			}
		}
		if len(errs) > 0 {
			return "", errs, nil
		}
	}
	application, err := json.Marshal(view.Submission())
	if err != nil {
		return "", nil, fault.Wrap(op, err)
	}
	registers, err := json.Marshal(d.Registers)
	if err != nil {
		return "", nil, fault.Wrap(op, err)
	}
	err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
		g, err := in.c.Access.PermitTx(ctx, tx, access.Request{
			Actor: a, Action: access.Submit, Resource: "case", Purpose: s.ID, Basis: s.Basis(), Service: s.ID, Office: s.Office, Owner: ap.Person,
		})
		if err != nil {
			return err
		}
		caseID, err = in.c.OpenCase(ctx, tx, g, Opening{
			Draft:   origin,
			Service: s.ID, Version: s.Version, Office: s.Office, Person: ap.Person, PersonName: ap.PersonName,
			Channel: ap.Channel, Lang: ap.Lang, Application: application, Registers: registers, View: view,
		})
		if err != nil || also == nil {
			return err
		}
		return also(tx, caseID)
	})
	return caseID, nil, fault.Wrap(op, err)
}
