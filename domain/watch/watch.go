// SPDX-License-Identifier: EUPL-1.2

package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
)

// Bounds of the look of a day.
const (
	batch = 100
	// keep is how long it is remembered what was looked at. What was opened is remembered as
	// long as the record is there, so that no jump of a clock opens it again.
	keep = 3 * 366 * 24 * time.Hour
)

// Due is a record whose day has come near.
type Due struct{ Record, Day string }

// Config is what the office needs. The functions are other rooms' doors.
type Config struct {
	DB       *store.DB
	Services *service.Catalog
	Access   *access.Checker
	// Due gives the records of a register whose day lies in a span, in the order of day and
	// record, after the one given; register.DueBetween.
	Due func(ctx context.Context, g access.Grant, register, field, first, last string, after Due, n int) ([]Due, error)
	// Person is whom a record is about; "": nobody.
	Person func(ctx context.Context, q store.Q, register, record string) (string, error)
	// Read reads a record under a grant, in the transaction. What isn't there any more is fault.NotFound.
	Read func(ctx context.Context, tx *store.Tx, g access.Grant, register, record string) (map[string]any, error)
	// Open does what the watch opens, in the transaction.
	Open func(ctx context.Context, tx *store.Tx, s *service.Service, w service.Watch, person string, record map[string]any, o service.Occasion) error
	Now  func() time.Time
	Zone *time.Location
	Log  *slog.Logger
}

// Office is the office.
type Office struct{ c Config }

// New opens the office.
func New(c Config) (*Office, error) {
	if c.DB == nil || c.Services == nil || c.Access == nil || c.Due == nil || c.Person == nil || c.Read == nil || c.Open == nil {
		return nil, fault.Internalf("watch.new", "database, services, access and the doors of registers and counters are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Office{c}, nil
}

func (o *Office) now() time.Time { return o.c.Now().In(o.c.Zone) }

// request is how it looks: the office of the service, by the platform, on the basis that the
// package names. People see it in what was read about them.
func (o *Office) request(s *service.Service, w service.Watch, action string, fields []string) access.Request {
	reader := access.SystemActor("watch")
	reader.Name, reader.Office = s.Title.For("de"), s.Office
	return access.Request{Actor: reader, Action: action, Resource: "register:" + w.Register, Purpose: s.ID, Basis: w.Basis, Service: s.ID, Fields: fields}
}

// Changed looks at a record that has changed, for every service that watches its register.
// It runs in the transaction of the event's receipt.
func (o *Office) Changed(ctx context.Context, tx *store.Tx, register, record string) error {
	for _, s := range o.c.Services.All() {
		for _, w := range s.Watches {
			if w.Register != register {
				continue
			}
			if err := o.look(ctx, tx, s, w, record); err != nil {
				return fault.Wrap("watch.changed", err)
			}
		}
	}
	return nil
}

// Forget takes out what is known of a record that was erased, and of the person if it was
// the record of one.
func (o *Office) Forget(ctx context.Context, tx *store.Tx, register, record string) error {
	if _, err := tx.Exec(ctx, forgetRecord, register, record); err != nil {
		return fault.Wrap("watch.forget", err)
	}
	_, err := tx.Exec(ctx, forgetPerson, record)
	return fault.Wrap("watch.forget", err)
}

// Pass goes on with the looks of today: for every watched day those records whose day has
// come near. It reports whether there may be more at once.
func (o *Office) Pass(ctx context.Context) (more bool, err error) {
	for _, s := range o.c.Services.All() {
		for _, w := range s.Watches {
			if w.Date == "" {
				continue
			}
			again, err := o.pass(ctx, s, w)
			if err != nil {
				return false, fault.Wrap("watch.pass", err)
			}
			more = more || again
		}
	}
	return more, nil
}

func (o *Office) pass(ctx context.Context, s *service.Service, w service.Watch) (more bool, err error) {
	now := o.now()
	today := now.Format(time.DateOnly)
	p, err := store.One(ctx, o.c.DB, scanPass, readPass, s.ID, w.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	if p.version != s.Version || p.today != today {
		p = pass{version: s.Version, today: today}
	}
	if p.done == 1 {
		return false, nil
	}
	g, err := o.c.Access.Permit(ctx, o.request(s, w, access.List, []string{w.Date}))
	if err != nil {
		return false, err
	}
	list, err := o.c.Due(ctx, g, w.Register, w.Date, today, now.AddDate(0, 0, w.Before).Format(time.DateOnly), Due{p.record, p.day}, batch)
	if err != nil {
		return false, err
	}
	for _, d := range list {
		if err := o.dueLook(ctx, s, w, d); err != nil {
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			// One record mustn't keep the others from their turn: it has its own tomorrow.
			o.c.Log.Error("a watched record couldn't be looked at", "service", s.ID, "watch", w.ID, "record", d.Record, "err", err)
		}
		p.day, p.record = d.Day, d.Record
	}
	if more = len(list) == batch; !more {
		p.done = 1
	}
	return more, o.c.DB.Write(ctx, func(tx *store.Tx) error {
		if !more {
			if _, err := tx.Exec(ctx, forgetOld, store.Micros(now.Add(-keep))); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, writePass, s.ID, w.ID, p.version, p.today, p.day, p.record, p.done)
		return err
	})
}

// dueLook looks at a record once for each day that it has: not again tomorrow, but again when
// the package has changed.
func (o *Office) dueLook(ctx context.Context, s *service.Service, w service.Watch, d Due) error {
	looked := hash(w, d.Record, "look\x00"+s.Version+"\x00"+d.Day)
	n, err := store.One(ctx, o.c.DB, scanCount, countOccasions, s.ID, w.ID, d.Record, looked)
	if err != nil || n > 0 {
		return err
	}
	return o.c.DB.Write(ctx, func(tx *store.Tx) error {
		person, err := o.whose(ctx, tx, s, w, d.Record)
		if err != nil || person == "" {
			return err // and it isn't noted: who opts in again is looked at
		}
		if err := o.look(ctx, tx, s, w, d.Record); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, addLook, s.ID, w.ID, w.Register, d.Record, looked, store.Micros(o.c.Now()))
		return err
	})
}

// hash is the key of an occasion: it tells nothing about what the record holds.
func hash(w service.Watch, record, key string) string {
	sum := sha256.Sum256([]byte(w.Register + "\x00" + record + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// whose is whom a record is about, if that is somebody who lets the service begin by itself.
func (o *Office) whose(ctx context.Context, tx *store.Tx, s *service.Service, w service.Watch, record string) (string, error) {
	person, err := o.c.Person(ctx, tx, w.Register, record)
	if err != nil || person == "" {
		return "", err
	}
	n, err := store.One(ctx, tx, scanCount, isOut, person, s.ID)
	if n > 0 {
		return "", err
	}
	return person, err
}

// look reads a record and opens what is to be opened, if it wasn't yet.
func (o *Office) look(ctx context.Context, tx *store.Tx, s *service.Service, w service.Watch, record string) error {
	person, err := o.whose(ctx, tx, s, w, record)
	if err != nil || person == "" {
		return err
	}
	r := o.request(s, w, access.Read, w.Fields)
	r.Owner, r.Subjects = person, []string{person}
	g, err := o.c.Access.PermitTx(ctx, tx, r)
	if fault.Is(err, fault.Denied) {
		o.c.Log.Error("a service may not look at what it watches", "service", s.ID, "watch", w.ID)
		return nil
	}
	if err != nil {
		return err
	}
	data, err := o.c.Read(ctx, tx, g, w.Register, record)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := o.now()
	if w.Date != "" {
		day, _ := data[w.Date].(string)
		if due, err := time.ParseInLocation(time.DateOnly, day, o.c.Zone); err != nil || due.AddDate(0, 0, -w.Before).After(now) {
			return nil // its time hasn't come
		}
	}
	seen, err := w.See(data, now)
	if err != nil { // the package's mistake, which waiting doesn't cure
		o.c.Log.Error("a watch can't be worked out", "service", s.ID, "watch", w.ID, "err", err)
		return nil
	}
	if !seen.Holds {
		return nil
	}
	n, err := tx.Exec(ctx, addOccasion, s.ID, w.ID, w.Register, record, hash(w, record, "open\x00"+seen.Key), store.Micros(now))
	if err != nil || n == 0 {
		return err
	}
	return o.c.Open(ctx, tx, s, w, person, data, seen)
}

// Choice is a service that begins by itself, as a person sees it.
type Choice struct {
	Service *service.Service
	Out     bool
}

// Choices are the services in force that begin by themselves, and whether the person wants that.
func (o *Office) Choices(ctx context.Context, a access.Actor) ([]Choice, error) {
	const op = "watch.choices"
	if a.Kind != access.Resident || a.ID == "" {
		return nil, fault.New(fault.Denied, op, "")
	}
	out, err := store.All(ctx, o.c.DB, scanText, outOf, a.ID)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	is := map[string]bool{}
	for _, id := range out {
		is[id] = true
	}
	var list []Choice
	for _, s := range o.c.Services.All() {
		if len(s.Watches) > 0 {
			list = append(list, Choice{s, is[s.ID]})
		}
	}
	return list, nil
}

// Choose says whether a service may begin by itself for the person who says it.
func (o *Office) Choose(ctx context.Context, a access.Actor, serviceID string, out bool) error {
	const op = "watch.choose"
	if a.Kind != access.Resident || a.ID == "" {
		return fault.New(fault.Denied, op, "")
	}
	if s, ok := o.c.Services.Current(serviceID); !ok || len(s.Watches) == 0 {
		return fault.New(fault.NotFound, op, "")
	}
	return fault.Wrap(op, o.c.DB.Write(ctx, func(tx *store.Tx) error {
		if out {
			_, err := tx.Exec(ctx, optOut, a.ID, serviceID, store.Micros(o.c.Now()))
			return err
		}
		_, err := tx.Exec(ctx, optIn, a.ID, serviceID)
		return err
	}))
}
