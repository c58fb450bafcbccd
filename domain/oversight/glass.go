// SPDX-License-Identifier: EUPL-1.2

package oversight

import (
	"context"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// Hour is for how long the glass is broken.
const Hour = time.Hour

// Broken is an emergency access that somebody has declared.
type Broken struct {
	ID                       string
	At, Until                time.Time
	Actor, ActorName, Office string
	Resource, Person, Reason string
}

// Break declares an emergency: the actor reads one person in one register for an hour. The declaration is on record, and the
// data protection officer has it before anything can be read: finding, event and permission are one transaction.
func (s *Service) Break(ctx context.Context, a access.Actor, resource, person, reason string) (Broken, error) {
	const op = "oversight.break"
	reason, err := said(op, reason, "oversight.needsReason")
	if err != nil {
		return Broken{}, err
	}
	if resource == "" || person == "" {
		return Broken{}, fault.New(fault.Invalid, op, "oversight.needsPerson")
	}
	g := Broken{ID: ident.New(), At: s.c.Now(), Actor: a.ID, ActorName: a.Name, Office: a.Office, Resource: resource, Person: person, Reason: reason}
	g.Until = g.At.Add(Hour)
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		grant, err := s.c.Access.PermitTx(ctx, tx, access.Request{Actor: a, Action: access.Submit, Resource: "break-glass", Purpose: access.GlassPurpose + ": " + reason,
			Basis: "Art. 6 Absatz 1 Buchstabe d DSGVO", Subjects: []string{person}})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, addGlass, g.ID, store.Micros(g.At), store.Micros(g.Until), g.Actor, g.ActorName, g.Office, g.Resource, g.Person, g.Reason); err != nil {
			return err
		}
		return s.report(ctx, tx, Finding{Rule: s.glassRule(), At: g.At, ActorKind: string(a.Kind), Actor: a.ID, ActorName: a.Name, Office: a.Office, Resource: resource, Person: person,
			Purpose: access.GlassPurpose + ": " + reason, Entry: grant.EntryID()}, "glass|"+g.ID)
	})
	return g, fault.Wrap(op, err)
}

// TakeOut lets the house itself do in an emergency what takes two people otherwise: who runs it has no second person at hand, and
// gives the reason. As with broken glass, grant and finding are one transaction: the data protection officer has it before
// anything leaves.
func (s *Service) TakeOut(ctx context.Context, r access.Request, reason string) (g access.Grant, err error) {
	const op = "oversight.takeOut"
	if reason, err = said(op, reason, "oversight.needsReason"); err != nil {
		return g, err
	}
	r.Action, r.Purpose = access.Export, access.GlassPurpose+": "+reason
	err = s.c.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if g, err = s.c.Access.PermitTx(ctx, tx, r); err != nil {
			return err
		}
		return s.report(ctx, tx, Finding{Rule: s.glassRule(), At: s.c.Now(), ActorKind: string(r.Actor.Kind), Actor: r.Actor.ID, ActorName: r.Actor.Name, Office: r.Office,
			Resource: r.Resource, Purpose: r.Purpose, Entry: g.EntryID()}, "glass|"+g.EntryID())
	})
	if err != nil {
		return access.Grant{}, fault.Wrap(op, err)
	}
	return g, nil
}

// Glass tells the checker whether the actor has broken the glass for just this request (access.Config.Glass). A deputy hasn't,
// whatever whom they stand in for has declared.
func (s *Service) Glass(ctx context.Context, q store.Q, r access.Request) (access.Glass, bool, error) {
	persons := append([]string(nil), r.Subjects...)
	if r.Owner != "" {
		persons = append(persons, r.Owner)
	}
	if len(persons) == 0 || r.Actor.Acting() {
		return access.Glass{}, false, nil
	}
	for _, p := range persons[1:] {
		if p != persons[0] {
			return access.Glass{}, false, nil
		}
	}
	g, err := store.One(ctx, q, scanGlass, glassFor, r.Actor.ID, store.Micros(s.c.Now()), r.Resource, persons[0])
	if fault.Is(err, fault.NotFound) {
		return access.Glass{}, false, nil
	}
	return access.Glass{ID: g.ID, Reason: g.Reason}, err == nil, fault.Wrap("oversight.glass", err)
}

// Glasses lists the actor's own that hold.
func (s *Service) Glasses(ctx context.Context, a access.Actor) ([]Broken, error) {
	const op = "oversight.glasses"
	if _, err := s.c.Access.Permit(ctx, access.Request{Actor: a, Action: access.List, Resource: "break-glass", Purpose: access.GlassPurpose}); err != nil {
		return nil, err
	}
	list, err := store.All(ctx, s.c.DB, scanGlass, glassesOf, a.ID, store.Micros(s.c.Now()))
	return list, fault.Wrap(op, err)
}

// OneGlass is one of them.
func (s *Service) OneGlass(ctx context.Context, a access.Actor, id string) (Broken, error) {
	g, err := store.One(ctx, s.c.DB, scanGlass, glassByID, id, a.ID, store.Micros(s.c.Now()))
	return g, fault.Wrap("oversight.oneGlass", err)
}
