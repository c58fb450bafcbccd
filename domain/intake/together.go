// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
)

// Together at the counter: a clerk shows a code, the person at the counter takes it up with their own phone, picks a draft of theirs
// and agrees. For an hour, or until either ends it, the clerk's screen shows that draft and no other, and what the clerk fills in
// carries their name. Consent, handing over and throwing away stay with the person. Of a life event the clerk sees the drafts that
// belong to it, one at a time; the person chooses the services. It is an invitation (help.go) the other way
// round: the clerk makes it, and the owner lets them in by taking it up.

const (
	codeLives     = 10 * time.Minute // until somebody takes it up
	togetherLasts = time.Hour        // from then on
	togetherBytes = 5                // of a code, as somebody can type it: 8 characters, 40 bit
)

// AtCounter is a draft that a clerk and its owner look at together, or the wait for it.
type AtCounter struct {
	Invitation
	Code  string // while it waits
	Until time.Time
	Parts []*service.Service // what belongs to it, if it is a life event
}

// Waiting tells whether nobody has taken it up yet.
func (x AtCounter) Waiting() bool { return x.Draft == "" && x.Bundle == "" }

// mayTogether puts on record that a clerk works at the counter with people. Without a draft it reads nothing of anybody's.
func (in *Intake) mayTogether(ctx context.Context, a access.Actor) error {
	if a.Kind != access.Clerk || a.Office == "" || a.Acting() {
		return fault.New(fault.Denied, "intake.together", "")
	}
	_, err := in.c.Access.Permit(ctx, access.Request{Actor: a, Action: access.List, Resource: "together", Purpose: "case work", Office: a.Office})
	return err
}

// togetherCode is the code of what waits, made from its id with a key of the house: it is shown again as often as the clerk looks, and
// stands in no table.
func (in *Intake) togetherCode(id string) (code, blind string, err error) {
	keyed, err := in.c.Vault.Blind("intake.together", id)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256([]byte(keyed))
	code = paperCode.EncodeToString(sum[:togetherBytes])
	blind, err = in.c.Vault.Blind("intake.together.code", code)
	return code, blind, err
}

// TogetherCode is a code as somebody types it; "" if it can't be one.
func TogetherCode(typed string) string {
	if len(typed) > 100 {
		return ""
	}
	code := plainCode(typed)
	if raw, err := paperCode.DecodeString(code); err != nil || len(raw) != togetherBytes {
		return ""
	}
	return code
}

// plainCode is a code without what people put between its characters, and with the digits that they take for letters.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'O':
			return '0'
		case r == 'I':
			return '1'
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z':
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

// BeginTogether makes a code for the next person at the counter. What the clerk had open before ends: there is one person at a counter.
func (in *Intake) BeginTogether(ctx context.Context, a access.Actor) (id string, err error) {
	const op = "intake.beginTogether"
	if err := in.mayTogether(ctx, a); err != nil {
		return "", fault.Wrap(op, err)
	}
	id = ident.New()
	_, blind, err := in.togetherCode(id)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	return id, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		now := in.c.Now()
		if _, err := tx.Exec(ctx, endTogether, a.ID, "", store.Micros(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertTogether, id, blind, a.ID, []byte{}, store.Micros(now), store.Micros(now.Add(codeLives)), a.Office, a.Name)
		return err
	}))
}

// AtCounter is what a clerk has open; without an id the latest. It reads nothing of the person's.
func (in *Intake) AtCounter(ctx context.Context, a access.Actor, id string) (AtCounter, error) {
	const op = "intake.atCounter"
	if a.Kind != access.Clerk || a.Office == "" || a.Acting() || id != "" && !ident.Valid(id) {
		return AtCounter{}, fault.New(fault.NotFound, op, "intake.together.over")
	}
	x, err := store.One(ctx, in.c.DB, scanInvitation, togetherOf, a.ID, a.Office, store.Micros(in.c.Now()), id)
	if fault.Is(err, fault.NotFound) {
		return AtCounter{}, fault.Because(fault.NotFound, op, "intake.together.over", err)
	}
	if err != nil {
		return AtCounter{}, fault.Wrap(op, err)
	}
	out := AtCounter{Invitation: x, Until: x.ExpiresAt.In(in.c.Zone)}
	if out.Waiting() {
		out.Code, _, err = in.togetherCode(x.ID)
		return out, fault.Wrap(op, err)
	}
	err = in.unsealNames(ctx, in.c.DB, &out.Invitation)
	return out, fault.Wrap(op, err)
}

// Together is the draft that a clerk has open with its owner, on record with them. Of a life event it is that of the service part, or
// else the first.
func (in *Intake) Together(ctx context.Context, a access.Actor, id, part string) (AtCounter, Draft, error) {
	x, draft, err := in.openAtCounter(ctx, a, id, part)
	if err != nil || x.Waiting() {
		return x, Draft{}, err
	}
	d, err := in.Draft(ctx, a, draft)
	return x, d, fault.Wrap("intake.together", err)
}

// openAtCounter is AtCounter and which draft it is about.
func (in *Intake) openAtCounter(ctx context.Context, a access.Actor, id, part string) (x AtCounter, draft string, err error) {
	if x, err = in.AtCounter(ctx, a, id); err != nil || x.Bundle == "" {
		return x, x.Draft, err
	}
	w, err := in.bundled(ctx, a, x.Bundle, "", "de")
	if err != nil {
		return x, "", err
	}
	for _, f := range w.Parts {
		if x.Parts = append(x.Parts, f.Service); draft == "" || f.Service.ID == part {
			draft = f.Draft.ID
		}
	}
	if draft == "" { // the person has taken everything out
		err = fault.New(fault.NotFound, "intake.together", "intake.together.over")
	}
	return x, draft, err
}

// LookAtCounter is Together for a page that asks whether something has changed: it hands out marks that tell nothing but that, so not
// each of its looks is on record. What has changed is then read by Together.
func (in *Intake) LookAtCounter(ctx context.Context, a access.Actor, id, part string) (AtCounter, Draft, error) {
	x, draft, err := in.openAtCounter(ctx, a, id, part)
	if err != nil || x.Waiting() {
		return x, Draft{}, err
	}
	d, err := in.find(ctx, a, draft)
	return x, d, err
}

// bundleAtCounter finds the life event that a clerk has open with its owner.
func (in *Intake) bundleAtCounter(ctx context.Context, a access.Actor, id string) (Bundle, error) {
	const op = "intake.bundleAtCounter"
	if a.Kind != access.Clerk || a.Office == "" || a.Acting() || !ident.Valid(id) {
		return Bundle{}, fault.New(fault.NotFound, op, "intake.together.over")
	}
	now := store.Micros(in.c.Now())
	b, err := store.One(ctx, in.c.DB, scanBundle, togetherBundle, id, a.ID, a.Office, now)
	if fault.Is(err, fault.NotFound) {
		return b, fault.Because(fault.NotFound, op, "intake.together.over", err)
	}
	if err != nil {
		return b, err
	}
	x, err := in.withOwner(ctx, b.ID, b.Owner)
	b.Helper, b.OwnerName, b.invitation, b.kind = a.ID, x.OwnerName, x.ID, Together
	return b, err
}

// withOwner is by what a clerk has a draft or a life event open with its owner.
func (in *Intake) withOwner(ctx context.Context, place, owner string) (Invitation, error) {
	x, err := store.One(ctx, in.c.DB, scanInvitation, togetherOfDraft, place, owner, store.Micros(in.c.Now()))
	if err == nil {
		err = in.unsealNames(ctx, in.c.DB, &x)
	}
	return x, err
}

// atCounter finds the draft that a clerk has open with its owner.
func (in *Intake) atCounter(ctx context.Context, a access.Actor, draft string) (Draft, error) {
	const op = "intake.atCounter"
	if a.Kind != access.Clerk || a.Office == "" || a.Acting() || !ident.Valid(draft) {
		return Draft{}, fault.New(fault.NotFound, op, "intake.together.over")
	}
	now := store.Micros(in.c.Now())
	d, err := in.oneDraft(ctx, in.c.DB, togetherDraft, draft, a.ID, a.Office, now)
	if fault.Is(err, fault.NotFound) {
		return d, fault.Because(fault.NotFound, op, "intake.together.over", err)
	}
	if err != nil {
		return d, fault.Wrap(op, err)
	}
	if err := in.wanted(ctx, d); err != nil {
		return Draft{}, err
	}
	x, err := in.withOwner(ctx, cmp.Or(d.Bundle, d.ID), d.Owner)
	d.Helper, d.OwnerName, d.Kind, d.Invitation = a.ID, x.OwnerName, Together, x.ID
	return d, fault.Wrap(op, err)
}

// Asked is the clerk who shows a code, for the person who is to take it up.
func (in *Intake) Asked(ctx context.Context, a access.Actor, code string) (AtCounter, error) {
	const op = "intake.asked"
	if err := needSelf(op, a); err != nil {
		return AtCounter{}, err
	}
	code = TogetherCode(code)
	if code == "" {
		return AtCounter{}, fault.New(fault.NotFound, op, "intake.together.noCode")
	}
	blind, err := in.c.Vault.Blind("intake.together.code", code)
	if err != nil {
		return AtCounter{}, fault.Wrap(op, err)
	}
	x, err := store.One(ctx, in.c.DB, scanInvitation, togetherOfCode, blind, store.Micros(in.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return AtCounter{}, fault.Because(fault.NotFound, op, "intake.together.noCode", err)
	}
	return AtCounter{Invitation: x, Code: code, Until: in.c.Now().Add(togetherLasts).In(in.c.Zone)}, fault.Wrap(op, err)
}

// Join lets the clerk who shows a code into a draft of one's own, for an hour: once, and into that one.
func (in *Intake) Join(ctx context.Context, a access.Actor, code, draft string) error {
	const op = "intake.join"
	x, err := in.Asked(ctx, a, code)
	if err != nil {
		return err
	}
	d, err := in.ownOpen(ctx, op, a, draft)
	if err != nil {
		return err
	}
	if d.Mandate != "" {
		return fault.New(fault.Denied, op, "intake.help.ownerOnly")
	}
	s, err := in.Service(d)
	if err != nil {
		return err
	}
	if a.Level < s.Trust {
		return fault.New(fault.StepUp, op, "", "level", s.Trust.String())
	}
	return in.joined(ctx, op, a, x, d.ID)
}

// JoinEvent is Join for a life event of one's own.
func (in *Intake) JoinEvent(ctx context.Context, a access.Actor, code, bundle string) error {
	const op = "intake.joinEvent"
	x, err := in.Asked(ctx, a, code)
	if err != nil {
		return err
	}
	w, err := in.bundled(ctx, a, bundle, "", "de")
	switch {
	case err != nil:
		return err
	case w.Bundle.Helper != "" || w.Bundle.Mandate != "":
		return fault.New(fault.Denied, op, "intake.help.ownerOnly")
	case w.Bundle.State != Open:
		return fault.New(fault.Conflict, op, "intake.submitted")
	case a.Level < w.Trust():
		return fault.New(fault.StepUp, op, "", "level", w.Trust().String())
	}
	return in.joined(ctx, op, a, x, w.Bundle.ID)
}

// joined lets the clerk into a draft or a life event.
func (in *Intake) joined(ctx context.Context, op string, a access.Actor, x AtCounter, place string) error {
	_, blind, err := in.togetherCode(x.ID)
	if err != nil {
		return fault.Wrap(op, err)
	}
	x.Owner, x.OwnerName = a.ID, a.Name
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		now := in.c.Now()
		if _, err := tx.Exec(ctx, endOfDraft, place, a.ID, store.Micros(now)); err != nil {
			return err
		}
		sealed, err := in.sealNames(ctx, tx, x.Invitation)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, joinTogether, x.ID, blind, place, a.ID, sealed, store.Micros(now), store.Micros(now.Add(togetherLasts)))
		if err == nil && n == 0 { // somebody else was first, or it has ended
			err = fault.New(fault.NotFound, op, "intake.together.noCode")
		}
		return err
	}))
}

// WithClerk is who has a draft of one's own, or its life event, open at the counter; false: nobody.
func (in *Intake) WithClerk(ctx context.Context, a access.Actor, d Draft) (AtCounter, bool, error) {
	if a.Kind != access.Resident || a.Acting() || d.Owner != a.ID || d.State != Open {
		return AtCounter{}, false, nil
	}
	x, err := store.One(ctx, in.c.DB, scanInvitation, togetherOfDraft, cmp.Or(d.Bundle, d.ID), a.ID, store.Micros(in.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return AtCounter{}, false, nil
	}
	return AtCounter{Invitation: x, Until: x.ExpiresAt.In(in.c.Zone)}, err == nil, fault.Wrap("intake.withClerk", err)
}

// EndTogether ends what a clerk has open. The person ends it by EndInvitation.
func (in *Intake) EndTogether(ctx context.Context, a access.Actor, id string) error {
	const op = "intake.endTogether"
	if a.Kind != access.Clerk || !ident.Valid(id) {
		return fault.New(fault.NotFound, op, "intake.together.over")
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, endTogether, a.ID, id, store.Micros(in.c.Now()))
		return err
	}))
}

// Beginnable are the services that somebody at the counter can begin.
func (in *Intake) Beginnable() []*service.Service {
	var out []*service.Service
	for _, s := range in.c.Services.All() {
		if !s.Internal && s.About == "" {
			out = append(out, s)
		}
	}
	return out
}
