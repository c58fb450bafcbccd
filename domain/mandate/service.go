// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/vault"
)

// Config is what the room needs. The functions are other rooms' doors.
type Config struct {
	DB     *store.DB
	Vault  *vault.Vault // seals the names
	Access *access.Checker
	Rules  *Rules
	Now    func() time.Time
	Zone   *time.Location // whose days count; nil: UTC
	// Services are those of a topic, Known tells whether there is a service or a topic of that id.
	Services func(topic string) []string
	Known    func(kind, id string) bool
	// Match finds the person in the register of residents by what they are called and when they were born; fault.NotFound.
	Match func(ctx context.Context, given, family, birthDate string) (person string, err error)
	// Tell tells a person in their postbox what has become of a mandate, in the transaction; nil: nobody is told.
	Tell func(ctx context.Context, tx *store.Tx, person string, n News) error
}

// News is what a person is told of a mandate.
type News struct {
	What    string // redeemed, confirmed, ended
	Mandate Mandate
}

// The purposes of the room.
const (
	purposeOwn    = "own data"
	purposeOffice = "representation"
	purposeDeputy = "deputies"
)

// Service keeps mandates.
type Service struct{ c Config }

// New opens the room.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Vault == nil || c.Rules == nil || c.Services == nil || c.Known == nil {
		return nil, fault.Internalf("mandate.new", "database, vault, rules, services and known are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &Service{c}, nil
}

// UseChecker gives the room the checker, which itself asks this room (Facts): one of them has to be there first.
func (s *Service) UseChecker(c *access.Checker) { s.c.Access = c }

// Rules are the kinds of mandate.
func (s *Service) Rules() *Rules { return s.c.Rules }

// Today is the legal day, at its beginning.
func (s *Service) Today() time.Time {
	y, m, d := s.c.Now().In(s.c.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, s.c.Zone)
}

// Facts are what is true of the mandate that an actor says to act under (access.Config.Mandate).
func (s *Service) Facts(ctx context.Context, tx *store.Tx, a access.Actor) (access.Mandate, error) {
	const op = "mandate.facts"
	if a.Kind == access.Clerk {
		return s.deputyFacts(ctx, tx, a)
	}
	m, err := store.One(ctx, tx, scan, use, a.Mandate, a.ID, store.Micros(s.c.Now()))
	return s.facts(op, m, err)
}

func (s *Service) facts(op string, m Mandate, err error) (access.Mandate, error) {
	if fault.Is(err, fault.NotFound) {
		return access.Mandate{}, fault.Because(fault.Denied, op, access.MandateEnded, err)
	}
	if err != nil {
		return access.Mandate{}, fault.Wrap(op, err)
	}
	k, ok := s.c.Rules.Kind(m.Kind)
	if !ok { // the city has taken the kind away
		return access.Mandate{}, fault.New(fault.Denied, op, access.MandateEnded)
	}
	return m.Facts(k, s.c.Services), nil
}

// Acting completes an actor who acts under a mandate by whom they act for, at each request of a session
// (identity.Config.Acting). It is fault.Denied once that is over. It grants nothing.
func (s *Service) Acting(ctx context.Context, a access.Actor) (access.Actor, error) {
	const op = "mandate.acting"
	if a.Kind == access.Clerk {
		return s.actingDeputy(ctx, a)
	}
	if a.Kind != access.Resident {
		return a, fault.New(fault.Denied, op, access.MandateEnded)
	}
	m, err := s.one(ctx, s.c.DB, current, a.Mandate, a.ID, store.Micros(s.c.Now()))
	if _, err := s.facts(op, m, err); err != nil {
		return a, err
	}
	a.For, a.ForName = m.Principal, m.PrincipalName
	return a, nil
}

// Principal is whose matters a mandate is about, whatever has become of it; "": there is none such.
func (s *Service) Principal(ctx context.Context, id string) (string, error) {
	who, err := store.One(ctx, s.c.DB, func(row store.Scanner) (p string, err error) { return p, row.Scan(&p) }, principalOf, id)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return who, fault.Wrap("mandate.principal", err)
}

// Offers is what a mandate lets its delegate do now, for the pages that offer it. Nothing of it is a right.
func (s *Service) Offers(m Mandate) access.Mandate {
	k, ok := s.c.Rules.Kind(m.Kind)
	if !ok {
		return access.Mandate{}
	}
	return m.Facts(k, s.c.Services)
}

const maxInvitations = 20

// own is the grant of a person for their own mandates.
func (s *Service) own(ctx context.Context, a access.Actor, action, basis string) (access.Grant, error) {
	return s.c.Access.Permit(ctx, access.Request{Actor: a, Action: action, Resource: "mandate", Purpose: purposeOwn, Basis: basis, Owner: a.ID})
}

// Give makes an invitation and the code that redeems it, which is shown once and kept nowhere. What is wrong with the gift comes
// back, and nothing has happened.
func (s *Service) Give(ctx context.Context, a access.Actor, g Gift) (m Mandate, code string, problems []Problem, err error) {
	const op = "mandate.give"
	k, ok := s.c.Rules.Kind(g.Kind)
	if !ok || k.ByOffice() {
		return m, "", []Problem{{"kind", "mandate.noKind", nil}}, nil
	}
	g.Services, g.Topics, g.Actions = distinct(g.Services), distinct(g.Topics), distinct(g.Actions)
	if g.All {
		g.Services, g.Topics = nil, nil
	}
	from, until, problems := g.check(k, s.Today(), s.c.Known, s.within(k))
	if len(problems) > 0 {
		return m, "", problems, nil
	}
	if _, err := s.own(ctx, a, access.Submit, k.Basis); err != nil {
		return m, "", nil, err
	}
	now := s.c.Now()
	code = newCode()
	m = Mandate{ID: ident.New(), Kind: k.ID, State: Invited, Principal: a.ID, PrincipalName: a.Name, All: g.All, Services: g.Services, Topics: g.Topics,
		Actions: g.Actions, From: from, Until: until, CodeUntil: now.AddDate(0, 0, codeDays), CreatedAt: now}
	if k.Confirm == ByOffice {
		m.Office = k.Offices[0]
	}
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := store.One(ctx, tx, count, openInvitations, a.ID, store.Micros(now))
		if err != nil {
			return err
		}
		if n >= maxInvitations {
			return fault.New(fault.TooMany, op, "mandate.manyInvitations", "max", maxInvitations)
		}
		return s.add(ctx, tx, m, codeHash(code))
	})
	return m, code, nil, fault.Wrap(op, err)
}

// within tells whether a service is one of the topics that a kind is bound to.
func (s *Service) within(k Kind) func(string) bool {
	if len(k.Topics) == 0 {
		return func(string) bool { return true }
	}
	var of []string
	for _, t := range k.Topics {
		of = append(of, s.c.Services(t)...)
	}
	return func(id string) bool { return slices.Contains(of, id) }
}

// Within is the same for a page that offers services.
func (s *Service) Within(k Kind, service string) bool { return s.within(k)(service) }

func (s *Service) add(ctx context.Context, tx *store.Tx, m Mandate, hash string) error {
	principal, err := s.seal(ctx, tx, m.ID, principalSide, m.Principal, m.PrincipalName)
	if err != nil {
		return err
	}
	delegate, err := s.seal(ctx, tx, m.ID, delegateSide, m.Delegate, m.DelegateName)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insert, m.ID, m.Kind, m.State, m.Principal, principal, m.Delegate, delegate, m.Office, m.All,
		texts(m.Services), texts(m.Topics), texts(m.Actions), store.Micros(m.From), store.Micros(m.Until), hash, store.Micros(m.CodeUntil),
		store.Micros(m.CreatedAt), store.Micros(m.AcceptedAt), store.Micros(m.ConfirmedAt), m.ConfirmedBy, m.Proof)
	return err
}

func count(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }

func distinct(l []string) []string {
	var out []string
	for _, x := range l {
		if x != "" && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

const (
	maxGuesses  = 10
	guessWindow = time.Hour
)

// find is the invitation of a code, for who may redeem it. That there is none, that it has been redeemed, that it has run out
// and that it's one's own all answer alike, and who tries too many is stopped for an hour.
func (s *Service) find(ctx context.Context, op string, a access.Actor, code string) (Mandate, error) {
	now := s.c.Now()
	n, err := store.One(ctx, s.c.DB, count, guesses, a.ID, store.Micros(now.Add(-guessWindow)))
	if err != nil {
		return Mandate{}, fault.Wrap(op, err)
	}
	if n >= maxGuesses {
		return Mandate{}, fault.New(fault.TooMany, op, "mandate.manyCodes")
	}
	m, err := s.one(ctx, s.c.DB, byCode, codeHash(code), store.Micros(now), a.ID)
	if !fault.Is(err, fault.NotFound) {
		return m, fault.Wrap(op, err)
	}
	return Mandate{}, s.noCode(ctx, op, a)
}

func (s *Service) noCode(ctx context.Context, op string, a access.Actor) error {
	if err := s.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, addGuess, ident.New(), a.ID, store.Micros(s.c.Now()))
		return err
	}); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.New(fault.Invalid, op, "mandate.noCode")
}

// Look shows the invitation of a code to who could redeem it.
func (s *Service) Look(ctx context.Context, a access.Actor, code string) (Mandate, error) {
	const op = "mandate.look"
	if _, err := s.own(ctx, a, access.Read, ""); err != nil {
		return Mandate{}, err
	}
	return s.find(ctx, op, a, code)
}

// Redeem takes an invitation. From then on the mandate holds within its term, or waits for the office that confirms it. The
// person who gave it is told who has it.
func (s *Service) Redeem(ctx context.Context, a access.Actor, code, organisation string) (Mandate, error) {
	const op = "mandate.redeem"
	found, err := s.find(ctx, op, a, code)
	if err != nil {
		return found, err
	}
	k, ok := s.c.Rules.Kind(found.Kind)
	if !ok {
		return found, fault.New(fault.Invalid, op, "mandate.noCode")
	}
	organisation = line(organisation, 200)
	if !k.Organisation {
		organisation = ""
	}
	if _, err := s.own(ctx, a, access.Submit, k.Basis); err != nil {
		return found, err
	}
	state := Active
	if k.Confirm == ByOffice {
		state = Unconfirmed
	}
	var m Mandate
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		name, err := s.seal(ctx, tx, found.ID, delegateSide, a.ID, a.Name)
		if err != nil {
			return err
		}
		if m, err = s.one(ctx, tx, accept, codeHash(code), state, a.ID, name, organisation, store.Micros(s.c.Now())); err != nil {
			return err
		}
		return s.tell(ctx, tx, m.Principal, News{"redeemed", m})
	})
	if fault.Is(err, fault.NotFound) {
		return m, s.noCode(ctx, op, a)
	}
	return m, fault.Wrap(op, err)
}

func (s *Service) tell(ctx context.Context, tx *store.Tx, person string, n News) error {
	if s.c.Tell == nil {
		return nil
	}
	return s.c.Tell(ctx, tx, person, n)
}

// Revoke ends a mandate that a person gave, from either side, at once: what is being done under it just now is done or isn't,
// and nothing after. A legal representation ends by its law only.
func (s *Service) Revoke(ctx context.Context, a access.Actor, id string) error {
	const op = "mandate.revoke"
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, op, "")
	}
	if _, err := s.own(ctx, a, access.Change, ""); err != nil {
		return err
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		m, err := s.one(ctx, tx, ofEither, id, a.ID)
		if err != nil {
			return err
		}
		if m.State == Ended { // pressed twice
			return nil
		}
		if k, ok := s.c.Rules.Kind(m.Kind); ok && k.ByOffice() {
			return fault.New(fault.Denied, op, "mandate.byLaw")
		}
		if m, err = s.one(ctx, tx, revoke, id, a.ID, store.Micros(s.c.Now())); err != nil {
			if fault.Is(err, fault.NotFound) { // the other side was first
				return nil
			}
			return err
		}
		other := m.Principal
		if m.EndedBy == ByPrincipal {
			other = m.Delegate
		}
		if other == "" {
			return nil
		}
		return s.tell(ctx, tx, other, News{"ended", m})
	}))
}

const maxPage = 200

func before(id string) string {
	if id == "" {
		return "g" // above every id: ids are lower-case hexadecimal
	}
	return id
}

// Given lists the mandates that are about a person, the newest first.
func (s *Service) Given(ctx context.Context, a access.Actor, after string, n int) ([]Mandate, error) {
	const op = "mandate.given"
	if _, err := s.own(ctx, a, access.List, ""); err != nil {
		return nil, err
	}
	out, err := s.all(ctx, s.c.DB, given, a.ID, before(after), min(max(n, 1), maxPage))
	return out, fault.Wrap(op, err)
}

// Received lists the mandates that a person has, the newest first.
func (s *Service) Received(ctx context.Context, a access.Actor, after string, n int) ([]Mandate, error) {
	const op = "mandate.received"
	if _, err := s.own(ctx, a, access.List, ""); err != nil {
		return nil, err
	}
	out, err := s.all(ctx, s.c.DB, received, a.ID, before(after), min(max(n, 1), maxPage))
	return out, fault.Wrap(op, err)
}

// Get reads a mandate that a person gave or has, and gives the grant with which it was.
func (s *Service) Get(ctx context.Context, a access.Actor, id string) (access.Grant, Mandate, error) {
	const op = "mandate.get"
	if !ident.Valid(id) {
		return access.Grant{}, Mandate{}, fault.New(fault.NotFound, op, "")
	}
	g, err := s.own(ctx, a, access.Read, "Art. 15 DSGVO")
	if err != nil {
		return g, Mandate{}, err
	}
	m, err := s.one(ctx, s.c.DB, ofEither, id, a.ID)
	return g, m, fault.Wrap(op, err)
}

// Usable tells whether somebody could begin to act under a mandate now.
func (s *Service) Usable(ctx context.Context, a access.Actor, id string) (Mandate, error) {
	const op = "mandate.usable"
	if !ident.Valid(id) {
		return Mandate{}, fault.New(fault.NotFound, op, "")
	}
	m, err := s.one(ctx, s.c.DB, current, id, a.ID, store.Micros(s.c.Now()))
	return m, fault.Wrap(op, err)
}

// Person is what a clerk enters of somebody whom the register of residents knows.
type Person struct{ Given, Family, Birth string }

func (p Person) name() string { return strings.TrimSpace(p.Given + " " + p.Family) }

// Legal is a legal representation as an office enters it.
type Legal struct {
	Kind                string
	Principal, Delegate Person
	All                 bool
	Services, Topics    []string
	From, Until         string // Until isn't asked for where the kind ends by itself
	Proof               string
}

// Enter enters a legal representation that was proven at the office. It holds at once.
func (s *Service) Enter(ctx context.Context, a access.Actor, l Legal) (m Mandate, problems []Problem, err error) {
	const op = "mandate.enter"
	k, ok := s.c.Rules.Kind(l.Kind)
	if !ok || !k.ByOffice() {
		return m, []Problem{{"kind", "mandate.noKind", nil}}, nil
	}
	if !slices.Contains(k.Offices, a.Office) {
		return m, nil, fault.New(fault.Denied, op, "mandate.otherOffice")
	}
	say := func(field, msg string) { problems = append(problems, Problem{field, "mandate." + msg, nil}) }
	l.Proof = line(l.Proof, 500)
	if k.Proof && l.Proof == "" {
		say("proof", "noProof")
	}
	for i, p := range []*Person{&l.Principal, &l.Delegate} {
		side := [...]string{"principal_", "delegate_"}[i]
		p.Given, p.Family = line(p.Given, 200), line(p.Family, 200)
		if p.Given == "" {
			say(side+"given", "noName")
		}
		if p.Family == "" {
			say(side+"family", "noName")
		}
		if _, err := time.Parse(time.DateOnly, p.Birth); err != nil {
			say(side+"birth", "noDate")
		}
	}
	g := Gift{Kind: l.Kind, All: l.All, Services: distinct(l.Services), Topics: distinct(l.Topics), Actions: k.Actions, From: l.From, Until: l.Until}
	if g.All {
		g.Services, g.Topics = nil, nil
	}
	var grown time.Time
	today := s.Today()
	if k.Until == "18" {
		if grown, err = adulthood(l.Principal.Birth, s.c.Zone); err == nil && !grown.After(today) {
			say("principal_birth", "ofAge")
		}
		g.From, g.Until = today.Format(time.DateOnly), today.Format(time.DateOnly)
		k.Longest = 1
	}
	from, until, more := g.check(k, today, s.c.Known, s.within(k))
	if problems = append(problems, more...); len(problems) > 0 {
		return m, problems, nil
	}
	if k.Until == "18" {
		until = grown
	}
	// On record before anybody is looked for; whom was found is added.
	grant, err := s.c.Access.Permit(ctx, access.Request{Actor: a, Action: access.Submit, Resource: "mandate", Purpose: purposeOffice, Basis: k.Basis, Office: a.Office})
	if err != nil {
		return m, nil, err
	}
	var ids [2]string
	for i, p := range []Person{l.Principal, l.Delegate} {
		side := [...]string{"principal_", "delegate_"}[i]
		if s.c.Match == nil {
			return m, nil, fault.Internalf(op, "match isn't connected")
		}
		ids[i], err = s.c.Match(ctx, p.Given, p.Family, p.Birth)
		if fault.Is(err, fault.NotFound) {
			say(side+"family", "noPerson")
			continue
		}
		if err != nil {
			return m, nil, fault.Wrap(op, err)
		}
	}
	if err := s.c.Access.Seen(ctx, grant, ids[:]); err != nil {
		return m, nil, err
	}
	if len(problems) > 0 {
		return m, problems, nil
	}
	if ids[0] == ids[1] {
		return m, []Problem{{"delegate_family", "samePerson", nil}}, nil
	}
	now := s.c.Now()
	m = Mandate{ID: ident.New(), Kind: k.ID, State: Active, Principal: ids[0], PrincipalName: l.Principal.name(), Delegate: ids[1], DelegateName: l.Delegate.name(),
		Office: a.Office, All: g.All, Services: g.Services, Topics: g.Topics, Actions: g.Actions, From: from, Until: until, CreatedAt: now, AcceptedAt: now,
		ConfirmedAt: now, ConfirmedBy: a.Name, Proof: l.Proof}
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := store.One(ctx, tx, count, same, m.Principal, m.Delegate, m.Kind, store.Micros(now))
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, op, "mandate.already")
		}
		if err := s.add(ctx, tx, m, ""); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, m.Principal, News{"confirmed", m}); err != nil {
			return err
		}
		return s.tell(ctx, tx, m.Delegate, News{"confirmed", m})
	})
	return m, nil, fault.Wrap(op, err)
}

func (s *Service) office(ctx context.Context, a access.Actor, action, basis string, subjects ...string) (access.Grant, error) {
	return s.c.Access.Permit(ctx, access.Request{Actor: a, Action: action, Resource: "mandate", Purpose: purposeOffice, Basis: basis, Office: a.Office, Subjects: subjects})
}

const basisOffice = "§ 14 VwVfG NRW"

// OfOffice lists the mandates in a state that an office enters or confirms, the newest first.
func (s *Service) OfOffice(ctx context.Context, a access.Actor, state, after string, n int) ([]Mandate, error) {
	const op = "mandate.ofOffice"
	g, err := s.office(ctx, a, access.List, basisOffice)
	if err != nil {
		return nil, err
	}
	list, err := s.all(ctx, s.c.DB, listOffice, a.Office, state, before(after), min(max(n, 1), maxPage))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var seen []string
	for _, m := range list {
		seen = append(seen, m.Principal, m.Delegate)
	}
	return list, s.c.Access.Seen(ctx, g, seen)
}

// ForOffice reads one of them.
func (s *Service) ForOffice(ctx context.Context, a access.Actor, id string) (Mandate, error) {
	const op = "mandate.forOffice"
	if !ident.Valid(id) {
		return Mandate{}, fault.New(fault.NotFound, op, "")
	}
	g, err := s.office(ctx, a, access.Read, basisOffice)
	if err != nil {
		return Mandate{}, err
	}
	m, err := s.one(ctx, s.c.DB, ofOffice, id, a.Office)
	if err != nil {
		return m, fault.Wrap(op, err)
	}
	return m, s.c.Access.Seen(ctx, g, []string{m.Principal, m.Delegate})
}

// Confirm confirms a mandate by the proof that was shown.
func (s *Service) Confirm(ctx context.Context, a access.Actor, id, proof string) error {
	return s.rule(ctx, "mandate.confirm", a, id, proof, confirm, "confirmed")
}

// End ends a mandate that the office has entered or was to confirm; the proof says why.
func (s *Service) End(ctx context.Context, a access.Actor, id, why string) error {
	return s.rule(ctx, "mandate.end", a, id, why, endByOffice, "ended")
}

func (s *Service) rule(ctx context.Context, op string, a access.Actor, id, proof, sql, what string) error {
	if proof = line(proof, 500); proof == "" {
		return fault.New(fault.Invalid, op, "mandate.noProof")
	}
	m, err := s.ForOffice(ctx, a, id)
	if err != nil {
		return err
	}
	k, _ := s.c.Rules.Kind(m.Kind)
	if _, err := s.office(ctx, a, access.Change, basisOr(k), m.Principal, m.Delegate); err != nil {
		return err
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		m, err := s.one(ctx, tx, sql, id, a.Office, store.Micros(s.c.Now()), a.Name, proof)
		if fault.Is(err, fault.NotFound) {
			return fault.Because(fault.Conflict, op, "mandate.changed", err)
		}
		if err != nil {
			return err
		}
		if err := s.tell(ctx, tx, m.Principal, News{what, m}); err != nil {
			return err
		}
		return s.tell(ctx, tx, m.Delegate, News{what, m})
	}))
}

func basisOr(k Kind) string {
	if k.Basis == "" {
		return basisOffice
	}
	return k.Basis
}

const (
	// keepEnded is how long it stays provable who could act for whom: claims lapse three years after the end of the year (§§ 195, 199 BGB).
	keepEnded = 4 * 366 * 24 * time.Hour
	// keepLapsed is how long an invitation that nobody has redeemed is shown as such.
	keepLapsed = 30 * 24 * time.Hour
)

// Sweep forgets tries that count no more, mandates and deputyships that ended long ago and invitations that came to nothing.
func (s *Service) Sweep(ctx context.Context) error {
	return fault.Wrap("mandate.sweep", s.c.DB.Write(ctx, func(tx *store.Tx) error {
		now := s.c.Now()
		if _, err := tx.Exec(ctx, forgetGuesses, store.Micros(now.Add(-guessWindow))); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetMandates, store.Micros(now.Add(-keepEnded)), store.Micros(now.Add(-keepLapsed))); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, forgetDeputies, store.Micros(now.Add(-keepEnded)))
		return err
	}))
}

// Forget ends the mandates of a person who was erased, on both sides. Their names went with their key.
func (s *Service) Forget(ctx context.Context, tx *store.Tx, person string) error {
	return fault.Wrap("mandate.forget", tx.Later(ctx, endOfPerson, person, store.Micros(s.c.Now())))
}

// line is a text in one line, of so many characters at most.
func line(s string, n int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > n {
		s = string(r[:n])
	}
	return s
}
