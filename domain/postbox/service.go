// SPDX-License-Identifier: EUPL-1.2

package postbox

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/store"
)

// Config is what the postbox works with.
type Config struct {
	DB     *store.DB
	Outbox *bus.Outbox
	Now    func() time.Time
}

// Box is everybody's postbox.
type Box struct{ c Config }

// New makes the postbox.
func New(c Config) (*Box, error) {
	if c.DB == nil || c.Outbox == nil {
		return nil, fault.Internalf("postbox.new", "database and outbox are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Box{c}, nil
}

// Deliver puts a message into a postbox, in the transaction of what it tells of.
// ID and times of m are set here.
func (b *Box) Deliver(ctx context.Context, tx *store.Tx, m Message) (id string, err error) {
	const op = "postbox.deliver"
	if err := m.check(); err != nil {
		return "", err
	}
	m.ID = ident.New()
	if m.Documents == nil {
		m.Documents = []Attached{}
	}
	var raw [3][]byte
	for i, v := range []any{m.Subject, m.Body, m.Documents} {
		if raw[i], err = json.Marshal(v); err != nil {
			return "", fault.Wrap(op, err)
		}
	}
	if string(raw[1]) == "null" {
		raw[1] = []byte("{}")
	}
	if _, err := tx.Exec(ctx, insert, m.ID, m.Person, m.CaseID, m.Office, string(raw[0]), string(raw[1]), string(raw[2]), store.Micros(b.c.Now()), m.Link); err != nil {
		return "", fault.Wrap(op, err)
	}
	data, err := json.Marshal(Fact{m.ID})
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	return m.ID, fault.Wrap(op, b.c.Outbox.Publish(ctx, tx, bus.Event{Type: EventDelivered, Subject: m.CaseID, Data: data}))
}

// After is the place in a list: the last message of the page before.
type After struct {
	SentAt time.Time
	ID     string
}

// List shows a resident their messages, the newest first.
func (b *Box) List(ctx context.Context, g access.Grant, after After, n int) ([]Message, error) {
	if err := g.Must(access.List, "message"); err != nil {
		return nil, err
	}
	at := int64(math.MaxInt64)
	if after.ID != "" {
		at = store.Micros(after.SentAt)
	}
	list, err := store.All(ctx, b.c.DB, scan, byPerson, owner(g), at, after.ID, min(max(n, 1), 200))
	return list, fault.Wrap("postbox.list", err)
}

// owner is whose messages the grant is for: only residents have a postbox.
func owner(g access.Grant) string {
	if g.Actor().Kind == access.Resident {
		return g.Person()
	}
	return ""
}

// Read opens a message of the resident and notes that it was read.
func (b *Box) Read(ctx context.Context, g access.Grant, id string) (Message, error) {
	const op = "postbox.read"
	if err := g.Must(access.Read, "message"); err != nil {
		return Message{}, err
	}
	m, err := store.One(ctx, b.c.DB, scan, byIDAndPerson, id, owner(g))
	if err != nil {
		return m, fault.Wrap(op, err)
	}
	// Who reads it for somebody else leaves it new for them.
	if m.ReadAt.IsZero() && !g.Actor().Acting() {
		now := b.c.Now()
		err := b.c.DB.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, setRead, id, owner(g), store.Micros(now))
			return err
		})
		if err != nil {
			return m, fault.Wrap(op, err)
		}
	}
	return m, nil
}

// OfCase lists the messages of a case: a resident's own, or those of the clerk's
// office. The grant is one to read the case or the message.
func (b *Box) OfCase(ctx context.Context, g access.Grant, caseID string) ([]Message, error) {
	if g.Must(access.Read, "case") != nil {
		if err := g.Must(access.Read, "message"); err != nil {
			return nil, err
		}
	}
	sql, who := ofCaseAndOffice, g.Actor().Office
	if g.Actor().Kind == access.Resident {
		sql, who = ofCaseAndPerson, g.Person()
	}
	list, err := store.All(ctx, b.c.DB, scan, sql, caseID, who)
	return list, fault.Wrap("postbox.ofCase", err)
}

// Unread counts what a person hasn't read, for the number in the navigation. It
// tells nothing of the messages, so it needs no grant; the caller is the person.
func (b *Box) Unread(ctx context.Context, person string) (int, error) {
	n, err := store.One(ctx, b.c.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, unread, person)
	return n, fault.Wrap("postbox.unread", err)
}
