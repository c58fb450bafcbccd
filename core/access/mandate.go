// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/audit"
	"mercator/core/store"
)

// Mandate is what is true of a mandate (Vollmacht, gesetzliche Vertretung) or of a deputyship at the desk at the moment that
// it's used. Nobody who asks for something can say any of it: Config.Mandate does.
type Mandate struct {
	ID   string
	Kind string // parent, guardian, authorised …; of a deputyship: deputy
	// Person is whose matters they are: a person, or the member of staff who is stood in for.
	Person string
	// Actions and services are the scope of a mandate; All: every service.
	Actions  []string
	All      bool
	Services []string
	// Office and roles are those of the member of staff who is stood in for.
	Office string
	Roles  []string
}

// Mandates finds out what is true of the mandate that an actor says to act under, in the transaction in which the access goes
// on record. One that isn't in force, or isn't theirs, is fault.Denied.
type Mandates func(ctx context.Context, tx *store.Tx, a Actor) (Mandate, error)

// Delegate is the principal's type in the policies for a person who acts under a mandate. It's a type of its own, so that no
// rule for residents in their own matters can ever be meant for somebody else's.
const delegate = types.EntityType("Delegate")

// Acting tells whether the actor acts for somebody else.
func (a Actor) Acting() bool { return a.Mandate != "" }

// Person is whose matters they are: one's own, or those of the person one acts for.
func (a Actor) Person() string {
	if a.Acting() && a.Kind == Resident {
		return a.For
	}
	return a.ID
}

// PersonName is the name of Person.
func (a Actor) PersonName() string {
	if a.Acting() && a.Kind == Resident {
		return a.ForName
	}
	return a.Name
}

// mandateOf is the mandate that a request is made under; nil: the actor's own right. What the actor claims of it, whose
// matters they are and in which office, is put right by what is true.
func (c *Checker) mandateOf(ctx context.Context, tx *store.Tx, r *Request) (*Mandate, error) {
	const op = "access.mandate"
	if !r.Actor.Acting() {
		return nil, nil
	}
	if c.mandates == nil || r.Actor.Kind != Resident && r.Actor.Kind != Clerk {
		return nil, fault.New(fault.Denied, op, MandateEnded)
	}
	m, err := c.mandates(ctx, tx, r.Actor)
	if err != nil {
		return nil, err
	}
	if m.ID != r.Actor.Mandate || m.Person == "" || m.Person == r.Actor.ID {
		return nil, fault.New(fault.Denied, op, MandateEnded)
	}
	r.Actor.For = m.Person
	if r.Actor.Kind == Clerk {
		r.Actor.Office, r.Actor.Roles = m.Office, m.Roles
	}
	return &m, nil
}

// MandateEnded is the message of a mandate that isn't in force (any more).
const MandateEnded = "mandate.ended"

// OutsideMandate is the message of what a mandate doesn't cover.
const OutsideMandate = "mandate.outside"

// principalOf is who acts, as the policies see them.
func principalOf(r Request, m *Mandate) (types.EntityType, types.RecordMap) {
	attrs := types.RecordMap{
		"id":     types.String(r.Actor.ID),
		"office": types.String(r.Actor.Office),
		"roles":  stringSet(r.Actor.Roles),
		"level":  types.Long(r.Actor.Level),
	}
	if r.Actor.Self != "" {
		attrs["self"] = types.String(r.Actor.Self)
	}
	if r.Actor.Certificate != "" { // absent otherwise, so that a policy asks "principal has certificate"
		attrs["certificate"] = types.String(r.Actor.Certificate)
	}
	typ := entityType(r.Actor.Kind)
	if m == nil {
		return typ, attrs
	}
	attrs["person"] = types.String(m.Person)
	attrs["mandate"] = types.String(m.Kind)
	if r.Actor.Kind == Resident {
		typ = delegate
		attrs["actions"], attrs["services"], attrs["all"] = stringSet(m.Actions), stringSet(m.Services), types.Boolean(m.All)
	}
	return typ, attrs
}

// Person is whose matters the grant reaches: the actor's, or those of the person whom they act for.
func (g Grant) Person() string { return g.request.Actor.Person() }

// Reach is which services the grant reaches, as a query takes it: empty for all, or their ids between bars, "|a|b|". A query
// that shows a person's cases holds it: replace($n, '|' || service || '|', ”) <> $n.
func (g Grant) Reach() string {
	m := g.mandate
	if !g.request.Actor.Acting() || g.request.Actor.Kind != Resident || m != nil && m.All {
		return ""
	}
	if m == nil {
		return "|"
	}
	return "|" + strings.Join(m.Services, "|") + "|"
}

// MandateKind is the kind of the mandate behind the grant; empty: there is none.
func (g Grant) MandateKind() string {
	if g.mandate == nil {
		return ""
	}
	return g.mandate.Kind
}

// Allows tells whether the mandate behind the grant covers an action; without a mandate one may do for oneself what one may.
// It decides what a page offers. Whether something is done, the policies decide.
func (g Grant) Allows(action string) bool {
	if !g.request.Actor.Acting() || g.request.Actor.Kind != Resident {
		return true
	}
	return g.mandate != nil && slices.Contains(g.mandate.Actions, action)
}

// ActedFor lists what was done under a mandate with the matters of the person who gave it, newest first. The grant is one of
// that person to read the resource "mandate". Nothing is held back but what no person is told of their entries: who acts for
// somebody is known to them by name.
func (c *Checker) ActedFor(ctx context.Context, g Grant, mandate, before string, n int) ([]audit.Entry, error) {
	const op = "access.actedFor"
	if err := g.Must(Read, "mandate"); err != nil {
		return nil, err
	}
	if g.request.Owner == "" || mandate == "" {
		return nil, fault.Internalf(op, "the grant names no owner, or there is no mandate")
	}
	if before != "" && !ident.Valid(before) {
		return nil, fault.Because(fault.Invalid, op, "", errors.New("the place in the list is no id"))
	}
	list, err := c.ledger.UnderMandate(ctx, mandate, g.request.Owner, before, n)
	return list, fault.Wrap(op, err)
}
