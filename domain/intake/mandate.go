// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
)

// A draft can be filled in by somebody who acts for its owner under a mandate. It's the owner's: they see it, go on with it and
// hand it over. The delegate sees the drafts of their mandate and no other, as long as it's in force, and what registers have
// said only if it covers that. Every statement carries owner and mandate; every access of a delegate is asked for and on record.

// may asks whether somebody may do this with a draft; who acts for themself may.
func (in *Intake) may(ctx context.Context, tx *store.Tx, a access.Actor, action, serviceID string) (access.Grant, error) {
	if !a.Acting() {
		return access.Grant{}, nil
	}
	r := access.Request{Actor: a, Action: action, Resource: "draft", Purpose: "own data", Owner: a.Person()}
	if serviceID != "" {
		r.Purpose, r.Service = serviceID, serviceID
	}
	if tx != nil {
		return in.c.Access.PermitTx(ctx, tx, r)
	}
	return in.c.Access.Permit(ctx, r)
}

// covered refuses a draft with what registers have said to a delegate whose mandate doesn't cover that.
func covered(op string, g access.Grant, a access.Actor, d Draft) error {
	if a.Acting() && d.Registers != nil && !g.Allows("registers") {
		return fault.New(fault.Denied, op, "intake.registersForeign")
	}
	return nil
}

// mayFetch puts on record that a delegate has the registers asked, if the mandate covers it.
func (in *Intake) mayFetch(ctx context.Context, tx *store.Tx, a access.Actor, s *service.Service, use service.RegisterUse) error {
	if !a.Acting() {
		return nil
	}
	_, err := in.c.Access.PermitTx(ctx, tx, access.Request{Actor: a, Action: access.Read, Resource: "register:" + use.Register, Purpose: s.ID,
		Basis: use.Basis, Service: s.ID, Owner: a.Person(), Fields: use.Fields})
	return err
}

// mayCorrect asks whether a delegate may put a field of the person's application right.
func (in *Intake) mayCorrect(ctx context.Context, a access.Actor, c Correction) error {
	if !a.Acting() {
		return nil
	}
	_, err := in.c.Access.Permit(ctx, access.Request{Actor: a, Action: access.Change, Resource: "case", Purpose: c.Service, Service: c.Service,
		Case: c.CaseID, Owner: a.Person(), Fields: []string{c.Field}})
	return err
}
