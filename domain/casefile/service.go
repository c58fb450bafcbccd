// SPDX-License-Identifier: EUPL-1.2

package casefile

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/store"
)

// The limits of what a file takes.
const (
	maxApplication = 1 << 20 // bytes of answers
	maxBody        = 20_000  // bytes of a message in one language
	maxPage        = 100
)

// File is the registry. DB reads; changes run in the caller's transaction.
type File struct {
	DB     *store.DB
	Outbox *bus.Outbox
	Now    func() time.Time
}

// The events of a case. Their subject is the case's id, their data holds no personal data.
const (
	EventOpened  = "eu.mercator.case.opened"
	EventStatus  = "eu.mercator.case.status"
	EventDecided = "eu.mercator.case.decided"
	EventClosed  = "eu.mercator.case.closed"
)

type eventData struct {
	Ref      string `json:"ref,omitempty"`
	Service  string `json:"service,omitempty"`
	Office   string `json:"office,omitempty"`
	Status   Text   `json:"status,omitempty"`
	Decision string `json:"decision,omitempty"`
	Outcome  string `json:"outcome,omitempty"`
}

func (f *File) publish(ctx context.Context, tx *store.Tx, typ, caseID string, d eventData) error {
	data, err := json.Marshal(d)
	if err != nil {
		return fault.Wrap("casefile.publish", err)
	}
	return f.Outbox.Publish(ctx, tx, bus.Event{ID: ident.New(), Type: typ, Subject: caseID, Time: f.Now(), Data: data})
}

// Open opens a case with the application, or that it began without one, as its first entry. Opening the same
// origin again gives the case that is there (fresh = false) and changes nothing:
// a double click, a repeated request, a retry after a crash.
func (f *File) Open(ctx context.Context, tx *store.Tx, g access.Grant, o Opening) (c Case, fresh bool, err error) {
	const op = "casefile.open"
	if err := g.Must(access.Submit, "case"); err != nil {
		return Case{}, false, err
	}
	if len(o.Application) > maxApplication || len(o.Registers) > maxApplication {
		return Case{}, false, fault.New(fault.TooLarge, op, "casefile.tooLarge")
	}
	now := f.Now()
	id := ident.New()
	n, err := tx.Exec(ctx, insertCase, id, newRef(now), o.Origin, o.Service, o.Version, o.Office, o.Person, o.PersonName,
		o.Client, o.Channel, o.Lang, raw(o.Application), raw(o.Registers), store.Micros(now))
	if err != nil {
		return Case{}, false, fault.Wrap(op, err)
	}
	c, err = one(ctx, tx, byOrigin, o.Origin)
	if err != nil {
		return Case{}, false, fault.Wrap(op, err)
	}
	if n == 0 {
		if c.Person != o.Person || c.Client != o.Client {
			return Case{}, false, fault.New(fault.NotFound, op, "")
		}
		return c, false, nil
	}
	actor := g.Actor()
	first := Entry{CaseID: id, Kind: Application, ActorKind: string(actor.Kind), ActorName: actor.Name, Title: titleApplication, Body: o.By}
	if o.Channel == Event {
		first.Kind, first.Title = Note, titleBegun
	}
	if err := f.AddEntry(ctx, tx, first); err != nil {
		return Case{}, false, err
	}
	return c, true, f.publish(ctx, tx, EventOpened, id, eventData{Ref: c.Ref, Service: c.Service, Office: c.Office})
}

var titleApplication = Text{"de": "Antrag eingegangen", "en": "Application received", "tr": "Başvuru alındı", "de-simple": "Ihr Antrag ist da"}

var titleBegun = Text{"de": "Von Amts wegen begonnen", "en": "Begun by the office itself", "tr": "Resen başlatıldı", "de-simple": "Das Amt hat angefangen"}

// AddEntry adds to the file.
func (f *File) AddEntry(ctx context.Context, tx *store.Tx, e Entry) error {
	const op = "casefile.addEntry"
	for _, s := range e.Body {
		if len(s) > maxBody {
			return fault.New(fault.TooLarge, op, "casefile.tooLarge")
		}
	}
	_, err := tx.Exec(ctx, insertEntry, ident.New(), e.CaseID, store.Micros(f.Now()), string(e.Kind), e.ActorKind, e.ActorName,
		text(e.Title), text(e.Body), e.Document, e.Internal)
	return fault.Wrap(op, err)
}

// AddRuling puts a decision of the rules on file.
func (f *File) AddRuling(ctx context.Context, tx *store.Tx, r Ruling) error {
	const op = "casefile.addRuling"
	rules, err := json.Marshal(r.Rules)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, insertDecision, ident.New(), r.CaseID, store.Micros(f.Now()), r.Decision, r.Name, raw(r.Outcome), string(rules)); err != nil {
		return fault.Wrap(op, err)
	}
	return f.publish(ctx, tx, EventDecided, r.CaseID, eventData{Decision: r.Decision})
}

// SetStatus tells the applicant where the case stands.
func (f *File) SetStatus(ctx context.Context, tx *store.Tx, caseID string, status Text) error {
	const op = "casefile.setStatus"
	n, err := tx.Exec(ctx, setStatus, caseID, text(status), store.Micros(f.Now()))
	if err := changed(op, n, err); err != nil {
		return err
	}
	if err := f.AddEntry(ctx, tx, Entry{CaseID: caseID, Kind: Status, ActorKind: string(access.System), Title: status}); err != nil {
		return err
	}
	return f.publish(ctx, tx, EventStatus, caseID, eventData{Status: status})
}

// SetOutcome says how the case ends.
func (f *File) SetOutcome(ctx context.Context, tx *store.Tx, caseID, outcome string) error {
	n, err := tx.Exec(ctx, setOutcome, caseID, outcome, store.Micros(f.Now()))
	return changed("casefile.setOutcome", n, err)
}

// SetApplication replaces the answers after a correction; the entry of the
// correction says what changed.
func (f *File) SetApplication(ctx context.Context, tx *store.Tx, caseID string, application json.RawMessage) error {
	if len(application) > maxApplication {
		return fault.New(fault.TooLarge, "casefile.setApplication", "casefile.tooLarge")
	}
	n, err := tx.Exec(ctx, setApplication, caseID, raw(application), store.Micros(f.Now()))
	return changed("casefile.setApplication", n, err)
}

// Close closes the case; closing it twice is no error.
func (f *File) Close(ctx context.Context, tx *store.Tx, caseID string) error {
	const op = "casefile.close"
	n, err := tx.Exec(ctx, closeCase, caseID, store.Micros(f.Now()))
	if err != nil || n == 0 {
		return fault.Wrap(op, err)
	}
	c, err := one(ctx, tx, byID, caseID)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return f.publish(ctx, tx, EventClosed, caseID, eventData{Ref: c.Ref, Service: c.Service, Outcome: c.Outcome})
}

// Get reads a case as far as the grant reaches: a resident their own, a clerk
// those of the office, a machine those it submitted. Anything else isn't there.
func (f *File) Get(ctx context.Context, g access.Grant, id string) (Case, error) {
	const op = "casefile.get"
	if err := g.Must(access.Read, "case"); err != nil {
		return Case{}, err
	}
	var c Case
	var err error
	switch a := g.Actor(); a.Kind {
	case access.Resident:
		c, err = one(ctx, f.DB, byIDAndPerson, id, a.Person(), g.Reach())
	case access.Clerk:
		c, err = one(ctx, f.DB, byIDAndOffice, id, a.Office)
	case access.Machine:
		c, err = one(ctx, f.DB, byIDAndClient, id, a.ID)
	case access.System:
		c, err = one(ctx, f.DB, byID, id)
	default:
		err = fault.New(fault.Denied, op, "")
	}
	return c, fault.Wrap(op, err)
}

// maxSome is how many cases Some reads at once.
const maxSome = 20

// Some reads cases of a clerk's office by their ids, at most 20: a page of the
// worklist in one query. One that isn't the office's isn't there.
func (f *File) Some(ctx context.Context, g access.Grant, ids []string) (map[string]Case, error) {
	const op = "casefile.some"
	if err := g.Must(access.Read, "case"); err != nil {
		return nil, err
	}
	if g.Actor().Kind != access.Clerk {
		return nil, fault.New(fault.Denied, op, "")
	}
	if len(ids) > maxSome {
		return nil, fault.Internalf(op, "more than %d cases at once", maxSome)
	}
	args := make([]any, 1+maxSome)
	args[0] = g.Actor().Office
	for i := range maxSome {
		args[1+i] = ""
		if i < len(ids) {
			args[1+i] = ids[i]
		}
	}
	list, err := store.All(ctx, f.DB, scanCase, byIDsAndOffice, args...)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	out := make(map[string]Case, len(list))
	for _, c := range list {
		out[c.ID] = c
	}
	return out, nil
}

// Peek reads a case for another room's work on it, which shows it to nobody.
func (f *File) Peek(ctx context.Context, q store.Q, id string) (Case, error) {
	c, err := one(ctx, q, byID, id)
	return c, fault.Wrap("casefile.peek", err)
}

// OpenOf are the open cases of a person, for other rooms in their own steps. No grant: it shows them to nobody.
func (f *File) OpenOf(ctx context.Context, q store.Q, person string, n int) ([]Case, error) {
	if person == "" {
		return nil, nil
	}
	out, err := store.All(ctx, q, scanCase, openOfPerson, person, n)
	return out, fault.Wrap("casefile.openOf", err)
}

// Facts are what decides whether a case is a reason to read a register: whose it is, at which office, and since when it
// is closed (zero while open). It shows no case to anybody.
func (f *File) Facts(ctx context.Context, q store.Q, id string) (office, person string, closed time.Time, err error) {
	const op = "casefile.facts"
	var state string
	var at int64
	err = q.QueryRow(ctx, factsOf, id).Scan(&office, &person, &state, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", closed, fault.New(fault.NotFound, op, "")
	}
	if State(state) != Open {
		closed = store.Time(at)
	}
	return office, person, closed, fault.Wrap(op, err)
}

// IDOf is the case with a file number. No grant: it says nothing but that there is one.
func (f *File) IDOf(ctx context.Context, ref string) (string, error) {
	var id string
	err := f.DB.QueryRow(ctx, caseOfRef, ref).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fault.New(fault.NotFound, "casefile.idOf", "")
	}
	return id, fault.Wrap("casefile.idOf", err)
}

// RulingsOf is what the rules decided in a case, for the letter that gives the reasons.
func (f *File) RulingsOf(ctx context.Context, caseID string) ([]Ruling, error) {
	out, err := store.All(ctx, f.DB, scanRuling, decisionsOf, caseID)
	return out, fault.Wrap("casefile.rulingsOf", err)
}

// After is the place in a list: the last case of the page before, or the zero value.
type After struct {
	OpenedAt time.Time
	ID       string
}

// List lists cases, newest first, as far as the grant reaches.
func (f *File) List(ctx context.Context, g access.Grant, after After, n int) ([]Case, error) {
	const op = "casefile.list"
	if err := g.Must(access.List, "case"); err != nil {
		return nil, err
	}
	at := int64(math.MaxInt64)
	if !after.OpenedAt.IsZero() {
		at = store.Micros(after.OpenedAt)
	}
	n = min(max(n, 1), maxPage)
	var out []Case
	var err error
	switch a := g.Actor(); a.Kind {
	case access.Resident:
		out, err = store.All(ctx, f.DB, scanCase, byPerson, a.Person(), at, after.ID, n, g.Reach())
	case access.Clerk:
		out, err = store.All(ctx, f.DB, scanCase, byOffice, a.Office, at, after.ID, n)
	case access.Machine:
		out, err = store.All(ctx, f.DB, scanCase, byClient, a.ID, at, after.ID, n)
	default:
		err = fault.New(fault.Denied, op, "")
	}
	return out, fault.Wrap(op, err)
}

// Entries is the timeline of a case that was read with the same grant; a resident
// doesn't see what is internal.
func (f *File) Entries(ctx context.Context, g access.Grant, c Case) ([]Entry, error) {
	if err := g.Must(access.Read, "case"); err != nil {
		return nil, err
	}
	which := "own"
	if k := g.Actor().Kind; k == access.Clerk || k == access.System {
		which = "all"
	}
	out, err := store.All(ctx, f.DB, scanEntry, entriesOf, c.ID, which)
	return out, fault.Wrap("casefile.entries", err)
}

// Rulings is what the rules decided in a case that was read with the same grant.
func (f *File) Rulings(ctx context.Context, g access.Grant, c Case) ([]Ruling, error) {
	if err := g.Must(access.Read, "case"); err != nil {
		return nil, err
	}
	out, err := store.All(ctx, f.DB, scanRuling, decisionsOf, c.ID)
	return out, fault.Wrap("casefile.rulings", err)
}
