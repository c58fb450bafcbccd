// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"context"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// Deputy is that somebody stands in for a colleague at the desk for a term.
type Deputy struct {
	ID                           string
	Represented, RepresentedName string
	Office                       string // of who is represented
	Deputy, DeputyName           string
	Reserved                     bool // has the reserved roles, too
	From, Until                  time.Time
	CreatedAt                    time.Time
	CreatedBy, CreatedName       string
	EndedAt                      time.Time
	EndedName                    string
	UsedAt                       time.Time
	Uses                         int64
}

// InForce tells whether it can be used at an instant.
func (d Deputy) InForce(at time.Time) bool {
	return d.EndedAt.IsZero() && !at.Before(d.From) && at.Before(d.Until)
}

// Member is a member of staff, as the identity provider described them last.
type Member struct {
	ID, Name, Office string
	Roles            []string
}

// facts are what a deputy has: the office and the roles of the represented, as they have signed in with last, without the reserved ones unless it's
// said. Whoever has moved to another office, or has no role left, isn't represented any more.
func (d Deputy) facts(of Member, reserved []string) (access.Mandate, bool) {
	f := access.Mandate{ID: d.ID, Kind: "deputy", Person: d.Represented, Office: of.Office}
	for _, r := range of.Roles {
		if d.Reserved || !slices.Contains(reserved, r) {
			f.Roles = append(f.Roles, r)
		}
	}
	return f, of.ID == d.Represented && of.Office == d.Office && len(f.Roles) > 0
}

// SignedIn notes a member of staff with the office and the roles that they have signed in with, and forgets one who has none left.
func (s *Service) SignedIn(ctx context.Context, a access.Actor) error {
	if a.Acting() || a.Kind != access.Clerk && a.Kind != access.Resident {
		return nil
	}
	if a.Kind == access.Resident { // mostly somebody who never was
		if _, err := MemberOf(ctx, s.c.DB, a.ID); fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return fault.Wrap("mandate.signedIn", s.c.DB.Write(ctx, func(tx *store.Tx) error {
		if a.Kind == access.Resident {
			_, err := tx.Exec(ctx, dropStaff, a.ID)
			return err
		}
		_, err := tx.Exec(ctx, setStaff, a.ID, a.Name, a.Office, texts(a.Roles), store.Micros(s.c.Now()))
		return err
	}))
}

// MemberOf is a member of staff with the office and the roles that they have signed in with last.
func MemberOf(ctx context.Context, q store.Q, id string) (Member, error) {
	m, err := store.One(ctx, q, scanStaff, staffOf, id)
	return m, fault.Wrap("mandate.memberOf", err)
}

func (s *Service) deputyOf(ctx context.Context, op string, q store.Q, sql string, a access.Actor) (Deputy, access.Mandate, error) {
	d, err := store.One(ctx, q, scanDeputy, sql, a.Mandate, a.ID, store.Micros(s.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return d, access.Mandate{}, fault.Because(fault.Denied, op, access.MandateEnded, err)
	}
	if err != nil {
		return d, access.Mandate{}, fault.Wrap(op, err)
	}
	of, err := store.One(ctx, q, scanStaff, staffOf, d.Represented)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return d, access.Mandate{}, fault.Wrap(op, err)
	}
	f, ok := d.facts(of, s.c.Rules.Deputies.Reserved)
	if !ok {
		return d, f, fault.New(fault.Denied, op, access.MandateEnded)
	}
	return d, f, nil
}

func (s *Service) deputyFacts(ctx context.Context, tx *store.Tx, a access.Actor) (access.Mandate, error) {
	_, f, err := s.deputyOf(ctx, "mandate.deputyFacts", tx, useDeputy, a)
	return f, err
}

// actingDeputy puts the office and the roles of the represented in the place of the deputy's own; what the deputy does is signed
// "X i. V. Y", in the file as in the ledger.
func (s *Service) actingDeputy(ctx context.Context, a access.Actor) (access.Actor, error) {
	d, f, err := s.deputyOf(ctx, "mandate.actingDeputy", s.c.DB, currentDeputy, a)
	if err != nil {
		return a, err
	}
	a.For, a.ForName, a.Office, a.Roles = d.Represented, d.RepresentedName, f.Office, f.Roles
	a.Name += " i. V. " + d.RepresentedName
	return a, nil
}

func (s *Service) mayDeputies(ctx context.Context, a access.Actor, action string) error {
	// A clerk's own arrangements are no matter of theirs (§ 20 VwVfG), so they come without an owner: the queries hold whom they
	// are about.
	r := access.Request{Actor: a, Action: action, Resource: "deputy:own", Purpose: purposeDeputy}
	if a.Is("head") {
		r.Resource, r.Office = "deputy:office", a.Office
	}
	_, err := s.c.Access.Permit(ctx, r)
	return err
}

// headOf is the office whose deputies somebody arranges, or "".
func headOf(a access.Actor) string {
	if a.Is("head") {
		return a.Office
	}
	return ""
}

// Deputies lists the deputyships that concern a member of staff, or the head's office, and haven't ended.
func (s *Service) Deputies(ctx context.Context, a access.Actor) ([]Deputy, error) {
	const op = "mandate.deputies"
	if err := s.mayDeputies(ctx, a, access.List); err != nil {
		return nil, err
	}
	out, err := store.All(ctx, s.c.DB, scanDeputy, deputiesOf, a.ID, headOf(a), store.Micros(s.c.Now()))
	return out, fault.Wrap(op, err)
}

// Staff lists whom a deputyship can name.
func (s *Service) Staff(ctx context.Context) ([]Member, error) {
	out, err := store.All(ctx, s.c.DB, scanStaff, listStaff)
	return out, fault.Wrap("mandate.staff", err)
}

// Standing is a deputyship as it's arranged. Represented is oneself where it's empty.
type Standing struct {
	Represented, Deputy string
	Reserved            bool
	From, Until         string
}

// Name names a deputy: a member of staff for themself, the head of an office for a member of it.
func (s *Service) Name(ctx context.Context, a access.Actor, n Standing) (d Deputy, problems []Problem, err error) {
	const op = "mandate.name"
	if n.Represented == "" {
		n.Represented = a.ID
	}
	say := func(field, msg string) { problems = append(problems, Problem{field, "mandate." + msg, nil}) }
	from, until, more := term(n.From, n.Until, s.Today(), s.c.Rules.Deputies.Longest)
	problems = append(problems, more...)
	represented, err := store.One(ctx, s.c.DB, scanStaff, staffOf, n.Represented)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return d, nil, fault.Wrap(op, err)
	}
	if err != nil || n.Represented != a.ID && (headOf(a) == "" || represented.Office != a.Office) {
		say("represented", "noMember")
	}
	deputy, err := store.One(ctx, s.c.DB, scanStaff, staffOf, n.Deputy)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return d, nil, fault.Wrap(op, err)
	case err != nil:
		say("deputy", "noMember")
	case n.Deputy == n.Represented:
		say("deputy", "samePerson")
	}
	// Only who has a reserved role can hand it on.
	if n.Reserved && n.Represented != a.ID {
		say("reserved", "notYours")
	}
	if len(problems) > 0 {
		return d, problems, nil
	}
	if err := s.mayDeputies(ctx, a, access.Change); err != nil {
		return d, nil, err
	}
	d = Deputy{ID: ident.New(), Represented: represented.ID, RepresentedName: represented.Name, Office: represented.Office, Deputy: deputy.ID, DeputyName: deputy.Name,
		Reserved: n.Reserved, From: from, Until: until, CreatedAt: s.c.Now(), CreatedBy: a.ID, CreatedName: a.Name}
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, insertDeputy, d.ID, d.Represented, d.RepresentedName, d.Office, d.Deputy, d.DeputyName, d.Reserved,
			store.Micros(d.From), store.Micros(d.Until), store.Micros(d.CreatedAt), d.CreatedBy, d.CreatedName)
		return err
	})
	return d, nil, fault.Wrap(op, err)
}

// EndDeputy ends a deputyship at once: who is represented, the deputy, or the head of the office.
func (s *Service) EndDeputy(ctx context.Context, a access.Actor, id string) error {
	const op = "mandate.endDeputy"
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, op, "")
	}
	if err := s.mayDeputies(ctx, a, access.Change); err != nil {
		return err
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, endDeputy, id, a.ID, headOf(a), store.Micros(s.c.Now()), a.Name)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, op, "")
		}
		return err
	}))
}

// UsableDeputy tells whether a member of staff could begin to stand in now.
func (s *Service) UsableDeputy(ctx context.Context, a access.Actor, id string) (Deputy, error) {
	const op = "mandate.usableDeputy"
	if !ident.Valid(id) {
		return Deputy{}, fault.New(fault.NotFound, op, "")
	}
	a.Mandate = id
	d, _, err := s.deputyOf(ctx, op, s.c.DB, currentDeputy, a)
	if fault.Is(err, fault.Denied) {
		err = fault.Because(fault.NotFound, op, "", err)
	}
	return d, err
}
