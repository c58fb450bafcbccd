// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"cmp"
	"context"
	"maps"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/form"
)

// Somebody can be asked to help with a draft: a daughter, a social worker, a neighbour who knows forms. The owner invites by a
// link with a code, which works once and not for long; the helper signs in as themself, sees the draft and may fill it in. They
// can't agree to have registers read, hand over or throw away: an application is its owner's declaration. What they have filled in
// is marked with their name until the owner changes it, and each access of theirs is on record with the owner. It ends when the
// owner ends it, and with the draft.
//
// A life event is helped with as a whole: one invitation for all that belongs to it, now and later. What its owner has taken out of
// it is none of the helper's business, nor is what they begin alone. The helper chooses no services and begins none.

// Invitation lets somebody else into a draft, or into a life event with all its drafts: to help with it, to sign it (cosign.go), to
// look at it together at the counter (together.go).
type Invitation struct {
	ID, Owner, Helper     string
	Draft, Service        string // what it lets into, where that is a draft
	Bundle, Event         string // … or a life event
	OwnerName, HelperName string
	Kind                  string // ToHelp, ToSign, Together
	Part                  string // which signature of the service, ToSign
	CreatedAt, ExpiresAt  time.Time
	TakenAt, EndedAt      time.Time
	SignedAt, VoidAt      time.Time // VoidAt: when the answers were changed after they had been signed
	SignedHash            string
	Office, ClerkName     string // Together
	signedVersion         string
	sealed                []byte
}

// The kinds of invitations.
const (
	ToHelp   = "help"
	ToSign   = "sign"
	Together = "together"
)

// Live tells whether it can still be taken up.
func (x Invitation) Live(now time.Time) bool {
	return x.TakenAt.IsZero() && x.EndedAt.IsZero() && now.Before(x.ExpiresAt)
}

// Taken tells whether somebody helps by it.
func (x Invitation) Taken() bool { return !x.TakenAt.IsZero() && x.EndedAt.IsZero() }

const (
	keepCode       = 3 * 24 * time.Hour
	maxInvitations = 10 // of a draft, those that have ended included
)

// names are what is sealed of an invitation, under the key of the owner's drafts.
type names struct {
	Owner  string `json:"owner"`
	Helper string `json:"helper,omitempty"`
}

func invitationPlace(id string) string { return "intake_invitation/" + id }

func (in *Intake) sealNames(ctx context.Context, tx *store.Tx, x Invitation) ([]byte, error) {
	k, err := in.c.Vault.KeyFor(ctx, tx, keyOf(x.Owner))
	if err != nil {
		return nil, err
	}
	text, err := encode(names{x.OwnerName, x.HelperName})
	if err != nil {
		return nil, err
	}
	return k.Seal(invitationPlace(x.ID), []byte(text))
}

// unsealNames puts the names into an invitation; where the owner's key is destroyed they are gone.
func (in *Intake) unsealNames(ctx context.Context, q store.Q, x *Invitation) error {
	k, err := in.c.Vault.Key(ctx, q, keyOf(x.Owner))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := k.Open(invitationPlace(x.ID), x.sealed)
	if err != nil { // of before the owner's drafts were erased, all but this one
		return nil
	}
	var n names
	err = decodeJSON(string(plain), &n)
	x.OwnerName, x.HelperName = n.Owner, n.Helper
	return err
}

// Invite makes an invitation to help with a draft and gives the code for its link, which is kept nowhere.
func (in *Intake) Invite(ctx context.Context, a access.Actor, id string) (code string, err error) {
	const op = "intake.invite"
	d, err := in.ownOpen(ctx, op, a, id)
	if err != nil {
		return "", err
	}
	if d.Mandate != "" {
		return "", fault.New(fault.Denied, op, "intake.help.ownerOnly")
	}
	return in.invite(ctx, op, a, d.ID, ToHelp, "")
}

// InviteToEvent is Invite for a life event.
func (in *Intake) InviteToEvent(ctx context.Context, a access.Actor, id string) (code string, err error) {
	const op = "intake.inviteToEvent"
	if err := needSelf(op, a); err != nil {
		return "", err
	}
	b, err := in.bundle(ctx, a, id)
	switch {
	case err != nil:
		return "", err
	case b.Mandate != "":
		return "", fault.New(fault.Denied, op, "intake.help.ownerOnly")
	case b.State != Open:
		return "", fault.New(fault.Conflict, op, "intake.submitted")
	}
	return in.invite(ctx, op, a, b.ID, ToHelp, "")
}

// ownOpen is a draft into which its owner may let somebody else.
func (in *Intake) ownOpen(ctx context.Context, op string, a access.Actor, id string) (Draft, error) {
	if err := needSelf(op, a); err != nil {
		return Draft{}, err
	}
	d, err := in.Draft(ctx, a, id)
	switch {
	case err != nil:
		return d, err
	case d.Helper != "":
		return d, fault.New(fault.Denied, op, "intake.help.ownerOnly")
	case d.Bundle != "": // its answers are those of the other drafts, too
		return d, fault.New(fault.Denied, op, "intake.bundle.noHelp")
	case d.State != Open:
		return d, fault.New(fault.Conflict, op, "intake.submitted")
	}
	return d, nil
}

// invite makes an invitation into a draft or a life event of one's own.
func (in *Intake) invite(ctx context.Context, op string, a access.Actor, place, kind, part string) (code string, err error) {
	code = ident.Secret(tokenBytes)
	return code, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		list, err := store.All(ctx, tx, scanInvitation, invitationsOf, place, a.ID)
		if err != nil {
			return err
		}
		n := 0
		for _, x := range list {
			if x.Kind == kind && x.Part == part {
				n++
			}
			if kind == ToSign && x.Part == part && x.Taken() {
				return fault.New(fault.Conflict, op, "intake.cosign.taken")
			}
		}
		if n >= maxInvitations {
			return fault.New(fault.Conflict, op, "intake.help.many", "max", maxInvitations)
		}
		now := in.c.Now()
		if kind == ToSign {
			if _, err := tx.Exec(ctx, endUntaken, place, a.ID, part, store.Micros(now)); err != nil {
				return err
			}
		}
		x := Invitation{ID: ident.New(), Owner: a.ID, OwnerName: a.Name}
		sealed, err := in.sealNames(ctx, tx, x)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, insertInvitation, x.ID, place, x.Owner, hashOf("invitation", code), sealed, store.Micros(now), store.Micros(now.Add(keepCode)), kind, part)
		return err
	}))
}

// Invitations are those of the owner's draft or life event, the newest first.
func (in *Intake) Invitations(ctx context.Context, a access.Actor, place string) ([]Invitation, error) {
	const op = "intake.invitations"
	if err := needSelf(op, a); err != nil {
		return nil, err
	}
	list, err := store.All(ctx, in.c.DB, scanInvitation, invitationsOf, place, a.ID)
	for i := range list {
		if err == nil {
			err = in.unsealNames(ctx, in.c.DB, &list[i])
		}
	}
	return list, fault.Wrap(op, err)
}

// EndInvitation ends an invitation, and the help by it at once. Either side can.
func (in *Intake) EndInvitation(ctx context.Context, a access.Actor, id string) error {
	const op = "intake.endInvitation"
	if err := needSelf(op, a); err != nil {
		return err
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		x, err := store.One(ctx, tx, scanInvitation, invitationFor, id, a.ID)
		if fault.Is(err, fault.NotFound) {
			return fault.Because(fault.NotFound, op, "intake.help.gone", err)
		}
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, endInvitation, id, a.ID, store.Micros(in.c.Now()))
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, op, "intake.help.gone")
		}
		if err != nil || x.Kind != ToSign || !x.Taken() {
			return err
		}
		return in.tellOther(ctx, tx, x, a, "intake.cosign.withdrawn")
	}))
}

// Invited is the invitation of a code that can still be taken up.
func (in *Intake) Invited(ctx context.Context, a access.Actor, code string) (Invitation, error) {
	const op = "intake.invited"
	if err := needSelf(op, a); err != nil {
		return Invitation{}, err
	}
	if len(code) != tokenChars {
		return Invitation{}, fault.New(fault.NotFound, op, "intake.help.gone")
	}
	x, err := store.One(ctx, in.c.DB, scanInvitation, invitationOfCode, hashOf("invitation", code), store.Micros(in.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return x, fault.Because(fault.NotFound, op, "intake.help.gone", err)
	}
	if err == nil {
		err = in.unsealNames(ctx, in.c.DB, &x)
	}
	return x, fault.Wrap(op, err)
}

// Help takes an invitation up: once, and not one's own. The draft is "" where it is to help with a life event.
func (in *Intake) Help(ctx context.Context, a access.Actor, code string) (draft string, err error) {
	const op = "intake.help"
	x, err := in.Invited(ctx, a, code)
	if err != nil {
		return "", err
	}
	if x.Owner == a.ID {
		return "", fault.New(fault.Conflict, op, "intake.help.own")
	}
	x.Helper, x.HelperName = a.ID, a.Name
	return x.Draft, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		sealed, err := in.sealNames(ctx, tx, x)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, takeInvitation, x.ID, hashOf("invitation", code), a.ID, sealed, store.Micros(in.c.Now()))
		if fault.Is(err, fault.Conflict) { // one person for each signature, and no two of one
			return fault.Because(fault.Conflict, op, "intake.cosign.twice", err)
		}
		if err == nil && n == 0 { // somebody else was first, or it has ended
			err = fault.New(fault.NotFound, op, "intake.help.gone")
		}
		return err
	}))
}

// Helping are the drafts and life events of others that somebody helps with.
func (in *Intake) Helping(ctx context.Context, a access.Actor) ([]Invitation, error) {
	const op = "intake.helping"
	if a.Acting() || a.Kind != access.Resident {
		return nil, nil
	}
	list, err := store.All(ctx, in.c.DB, scanInvitation, helpsWith, a.ID, store.Micros(in.c.Now()))
	for i := range list {
		if err == nil {
			err = in.unsealNames(ctx, in.c.DB, &list[i])
		}
	}
	return list, fault.Wrap(op, err)
}

// helped finds the draft of somebody else that the actor was invited to help with.
func (in *Intake) helped(ctx context.Context, a access.Actor, id string) (Draft, error) {
	const op = "intake.helped"
	if a.Kind != access.Resident || a.Acting() {
		return Draft{}, fault.New(fault.NotFound, op, "intake.noDraft")
	}
	now := store.Micros(in.c.Now())
	d, err := in.oneDraft(ctx, in.c.DB, helpedDraft, id, a.ID, now)
	if err != nil {
		return d, err
	}
	if a.Level < access.Substantial {
		return Draft{}, fault.New(fault.StepUp, op, "", "level", access.Substantial.String())
	}
	if err := in.wanted(ctx, d); err != nil {
		return Draft{}, err
	}
	x, err := in.helpOf(ctx, a, cmp.Or(d.Bundle, d.ID))
	d.Helper, d.OwnerName, d.Kind, d.Part, d.Invitation = a.ID, x.OwnerName, x.Kind, x.Part, x.ID
	return d, err
}

// wanted tells whether a draft of a life event is part of it now: else it's nobody's to see but its owner's.
func (in *Intake) wanted(ctx context.Context, d Draft) error {
	if d.Bundle == "" {
		return nil
	}
	e, b, err := in.eventOf(ctx, in.c.DB, d)
	if err == nil && (e == nil || b.rests(e, d)) {
		err = fault.New(fault.NotFound, "intake.wanted", "intake.noDraft")
	}
	return err
}

// helpOf is the invitation by which the actor helps with a draft or a life event.
func (in *Intake) helpOf(ctx context.Context, a access.Actor, place string) (Invitation, error) {
	x, err := store.One(ctx, in.c.DB, scanInvitation, helpOf, place, a.ID)
	if err == nil {
		err = in.unsealNames(ctx, in.c.DB, &x)
	}
	return x, err
}

// helpedBundle finds the life event of somebody else that the actor was invited to help with.
func (in *Intake) helpedBundle(ctx context.Context, a access.Actor, id string) (Bundle, error) {
	const op = "intake.helpedBundle"
	if a.Kind == access.Clerk {
		return in.bundleAtCounter(ctx, a, id)
	}
	if a.Kind != access.Resident || a.Acting() || !ident.Valid(id) {
		return Bundle{}, fault.New(fault.NotFound, op, "intake.noDraft")
	}
	b, err := store.One(ctx, in.c.DB, scanBundle, helpedBundle, id, a.ID, store.Micros(in.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return b, fault.Because(fault.NotFound, op, "intake.noDraft", err)
	}
	if err == nil && a.Level < access.Substantial {
		err = fault.New(fault.StepUp, op, "", "level", access.Substantial.String())
	}
	if err != nil {
		return Bundle{}, err
	}
	x, err := in.helpOf(ctx, a, b.ID)
	b.Helper, b.OwnerName, b.invitation, b.kind = a.ID, x.OwnerName, x.ID, x.Kind
	return b, err
}

// mayHelp puts on record, with the owner, that a helper reads or changes their draft.
func (in *Intake) mayHelp(ctx context.Context, tx *store.Tx, a access.Actor, action string, d Draft) error {
	if d.Helper == "" {
		return nil
	}
	r := access.Request{Actor: a, Action: action, Resource: "invitation", Purpose: d.Service, Service: d.Service, Owner: d.Owner, Subjects: []string{d.Owner}}
	if d.Kind == Together {
		r.Resource, r.Office = "together", a.Office
	}
	var err error
	if tx != nil {
		_, err = in.c.Access.PermitTx(ctx, tx, r)
	} else {
		_, err = in.c.Access.Permit(ctx, r)
	}
	return err
}

// ownersOnly refuses a helper what only the owner does.
func ownersOnly(op string, d Draft) error {
	if d.Helper != "" {
		return fault.New(fault.Denied, op, "intake.help.ownerOnly")
	}
	return nil
}

// note marks what a helper has changed with their name, and takes the mark off what the owner has changed.
func note(f *form.Form, a access.Actor, before, after *Draft, pages []string, fctx form.Context) {
	if after.Helper == "" && len(before.Filled) == 0 {
		return
	}
	was, is := fctx, fctx
	was.Raw, is.Raw = before.Raw, after.Raw
	old, now := form.Renamed(marks(f.Eval(before.Answers, was), pages), after.pressed), marks(f.Eval(after.Answers, is), pages)
	after.Filled = maps.Clone(form.Renamed(before.Filled, after.pressed))
	if after.Filled == nil {
		after.Filled = map[string]string{}
	}
	for name, mark := range now {
		switch {
		case old[name] == mark:
		case after.Helper != "":
			after.Filled[name] = a.Name
		default:
			delete(after.Filled, name)
		}
	}
}
