// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"
)

// Offer begins a draft for somebody, with answers that are known already, in the transaction
// of what offers it. A draft that they have open stays as it is. The data notice and their
// consent are still to come, and only they can submit it. The grant is one to change their draft.
func (in *Intake) Offer(ctx context.Context, tx *store.Tx, g access.Grant, s *service.Service, answers map[string]any) (id string, err error) {
	const op = "intake.offer"
	if err := g.Must(access.Change, "draft"); err != nil {
		return "", fault.Wrap(op, err)
	}
	owner := g.Request().Owner
	if owner == "" || s.Internal {
		return "", fault.Internalf(op, "an offer is for somebody, and of a service that people apply for")
	}
	now := in.c.Now()
	if _, err := tx.Exec(ctx, expireOne, owner, s.ID, store.Micros(now), ""); err != nil {
		return "", fault.Wrap(op, err)
	}
	fresh, err := tx.Exec(ctx, insertDraft, ident.New(), owner, s.ID, s.Version, store.Micros(now), store.Micros(now.Add(in.c.Keep)), "", "", []byte{}, "")
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	d, err := in.oneDraft(ctx, tx, openDraft, owner, s.ID, "")
	if err != nil || fresh == 0 {
		return d.ID, fault.Wrap(op, err)
	}
	known := form.Answers{}
	for name, v := range answers {
		if f := s.Form.Field(name); f != nil && f.Input() && f.Type != "filepicker" && f.Kind != "consent" {
			known[name] = v
		}
	}
	d.Answers = known
	_, err = in.save(ctx, tx, d, now)
	return d.ID, fault.Wrap(op, err)
}
