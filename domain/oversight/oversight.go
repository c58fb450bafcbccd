// SPDX-License-Identifier: EUPL-1.2

package oversight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/store"
)

// Config is what the room needs. The functions are other rooms' doors.
type Config struct {
	DB     *store.DB
	Access *access.Checker
	Rules  []Rule
	Now    func() time.Time
	// Leaves are what the log of the ledger has from a leaf up to another, Entry is one entry of it.
	Leaves func(ctx context.Context, from, to int64) ([]audit.Leaf, error)
	Entry  func(ctx context.Context, id string) (audit.Entry, error)
	// Case gives what is known of a case.
	Case func(ctx context.Context, q store.Q, id string) (access.CaseFacts, bool, error)
	// Colleague tells whether a person works for the city; nil: only who is marked does.
	Colleague func(ctx context.Context, q store.Q, person string) (bool, error)
	// Self is which person a member of staff is; "": nobody knows. nil: of nobody.
	Self func(ctx context.Context, q store.Q, actor string) (string, error)
	// Publish tells the outside that there is something to look at, in the transaction; no personal data. It may be nil.
	Publish func(ctx context.Context, tx *store.Tx, kind, subject string, data any) error
	// Mail has a mail sent to the data protection officer about what is new (News), in the transaction, when it is due. One is
	// enough until it is sent; one that is urgent names its finding and doesn't wait for others. nil: the officer has no address.
	Mail func(ctx context.Context, tx *store.Tx, due time.Time, urgent string) error
}

// EventFound is the type of the event that a finding is new.
const EventFound = "eu.mercator.oversight.found"

// Found is its content: which rule, and where to look.
type Found struct {
	Finding string `json:"finding"`
	Rule    string `json:"rule"`
}

// The purposes of the room, as they are on record.
const (
	purposeOversight = "data protection oversight"
	purposeTwo       = "two-person rule"
	basisOversight   = "Art. 39 Absatz 1 Buchstabe b DSGVO"
)

// Finding is something that the data protection officer should look at.
type Finding struct {
	ID, Rule                             string
	At, Last                             time.Time
	Times                                int64
	ActorKind, Actor, ActorName, Office  string
	Resource, Person                     string
	Persons                              int64 // how many, of a rate
	Purpose, Case, Entry, SeenBy, Remark string
	SeenAt                               time.Time // zero: nobody has looked at it
}

// Service keeps watch.
type Service struct{ c Config }

// New opens the room.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Leaves == nil || c.Entry == nil || c.Case == nil {
		return nil, fault.Internalf("oversight.new", "database, leaves, entry and case are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}, nil
}

// UseChecker gives the room the checker, which itself asks this room: one of them has to be there first.
func (s *Service) UseChecker(c *access.Checker) { s.c.Access = c }

// Rule is the rule of an id.
func (s *Service) Rule(id string) (Rule, bool) {
	i := slices.IndexFunc(s.c.Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return s.c.Rules[i], true
}

// may is the grant of who keeps watch.
func (s *Service) may(ctx context.Context, a access.Actor, action string, persons ...string) (access.Grant, error) {
	return s.c.Access.Permit(ctx, access.Request{Actor: a, Action: action, Resource: "oversight", Purpose: purposeOversight, Basis: basisOversight, Subjects: persons})
}

const afterAll = "g"

func place(op, before string) (string, error) {
	if before == "" {
		return afterAll, nil
	}
	if !ident.Valid(before) {
		return "", fault.Because(fault.Invalid, op, "", errors.New("the place in the list is no id"))
	}
	return before, nil
}

// Findings lists those that nobody has looked at yet, or those that are done, the newest first.
func (s *Service) Findings(ctx context.Context, a access.Actor, seen bool, before string, n int) ([]Finding, error) {
	const op = "oversight.findings"
	before, err := place(op, before)
	if err != nil {
		return nil, err
	}
	g, err := s.may(ctx, a, access.List)
	if err != nil {
		return nil, err
	}
	query := findingsOpen
	if seen {
		query = findingsSeen
	}
	list, err := store.All(ctx, s.c.DB, scanFinding, query, before, min(max(n, 1), 200))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var persons []string
	for _, f := range list {
		persons = append(persons, f.Person)
	}
	return list, s.c.Access.Seen(ctx, g, persons)
}

// Finding is one of them.
func (s *Service) Finding(ctx context.Context, a access.Actor, id string) (Finding, error) {
	const op = "oversight.finding"
	if _, err := s.may(ctx, a, access.Read); err != nil {
		return Finding{}, err
	}
	f, err := store.One(ctx, s.c.DB, scanFinding, findingByID, id)
	if err != nil || f.Person == "" {
		return f, fault.Wrap(op, err)
	}
	_, err = s.may(ctx, a, access.Read, f.Person)
	return f, err
}

// MaxText bounds a remark and a reason.
const MaxText = 400

func said(op, text, key string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > MaxText {
		return "", fault.New(fault.Invalid, op, key, "max", MaxText)
	}
	return text, nil
}

// MarkSeen says what has become of a finding. It is said once.
func (s *Service) MarkSeen(ctx context.Context, a access.Actor, id, remark string) error {
	const op = "oversight.markSeen"
	remark, err := said(op, remark, "oversight.needsRemark")
	if err != nil {
		return err
	}
	if _, err := s.may(ctx, a, access.Change); err != nil {
		return err
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, markSeen, id, store.Micros(s.c.Now()), a.Name, remark)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, op, "oversight.alreadySeen")
		}
		return err
	}))
}

// The kinds of mark.
const (
	Colleague = "colleague" // works for the city
	Known     = "known"     // a celebrity, or in danger
)

// SetMark marks a person whose records tempt; kind "" takes the mark away.
func (s *Service) SetMark(ctx context.Context, a access.Actor, person, kind string) error {
	const op = "oversight.setMark"
	if person == "" || !slices.Contains([]string{Colleague, Known, ""}, kind) {
		return fault.New(fault.Invalid, op, "")
	}
	if _, err := s.may(ctx, a, access.Change, person); err != nil {
		return err
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		if kind == "" {
			_, err := tx.Exec(ctx, dropMark, person)
			return err
		}
		_, err := tx.Exec(ctx, setMark, person, kind, store.Micros(s.c.Now()), a.ID)
		return err
	}))
}

// Marks lists the persons that are marked.
func (s *Service) Marks(ctx context.Context, a access.Actor) ([]Mark, error) {
	const op = "oversight.marks"
	g, err := s.may(ctx, a, access.List)
	if err != nil {
		return nil, err
	}
	list, err := store.All(ctx, s.c.DB, scanMark, marks)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var persons []string
	for _, m := range list {
		persons = append(persons, m.Person)
	}
	return list, s.c.Access.Seen(ctx, g, persons)
}

// report keeps a finding and tells that it is new.
func (s *Service) report(ctx context.Context, tx *store.Tx, f Finding, once string) error {
	const op = "oversight.report"
	got, err := store.One(ctx, tx, scanFinding, addFinding, ident.New(), once, f.Rule, store.Micros(f.At), f.ActorKind, f.Actor, f.ActorName, f.Office, f.Resource, f.Person, f.Persons, f.Purpose, f.Case, f.Entry)
	if err != nil || got.Times > 1 {
		return fault.Wrap(op, err)
	}
	if s.c.Publish != nil {
		if err := s.c.Publish(ctx, tx, EventFound, got.ID, Found{got.ID, got.Rule}); err != nil {
			return fault.Wrap(op, err)
		}
	}
	urgent := ""
	if got.Rule == s.glassRule() {
		urgent = got.ID
	}
	return fault.Wrap(op, s.tell(ctx, tx, urgent))
}

// keepFindings is how long a finding is kept: as long as the entries that it came from.
const keepFindings = 2 * 365 * 24 * time.Hour

// keepApprovals is how long an approval is kept that is over. What was asked, approved and done stays in the ledger.
const keepApprovals = 90 * 24 * time.Hour

// Forget forgets a person who was erased: what was found about them stays as what somebody did, without whom it was about.
func (s *Service) Forget(ctx context.Context, tx *store.Tx, person string) error {
	for _, q := range [...]string{dropMark, forgetInFindings, forgetInGlasses, forgetInRecent} {
		if err := tx.Later(ctx, q, person); err != nil {
			return fault.Wrap("oversight.forget", err)
		}
	}
	return nil
}

// Sweep forgets what has run out, and sees that the officer hears of what is still untold: of what was found before there was an
// address, say.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.c.Now()
	return fault.Wrap("oversight.sweep", s.c.DB.Write(ctx, func(tx *store.Tx) error {
		for _, x := range []struct {
			sql string
			at  time.Time
		}{{dropRecent, now.Add(-s.longest())}, {dropFindings, now.Add(-keepFindings)}, {dropGlasses, now.Add(-keepFindings)}, {lapse, now}, {dropApprovals, now.Add(-keepApprovals)}} {
			if _, err := tx.Exec(ctx, x.sql, store.Micros(x.at)); err != nil {
				return err
			}
		}
		return s.tellRest(ctx, tx)
	}))
}
