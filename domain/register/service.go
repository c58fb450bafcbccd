// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of what is read at once.
const (
	maxOfPerson = 200
	maxPublic   = 5000
	maxVersions = 500
	maxRecord   = 256 << 10
)

// matchField is the name under which the identity of a person is indexed; no
// declared field can have it.
const matchField = "="

// Config is what the office needs.
type Config struct {
	DB        *store.DB
	Registers *Registers
	Now       func() time.Time
	Publish   Publish // nil: nobody listens
}

// Service keeps the registers.
type Service struct {
	db      *store.DB
	regs    *Registers
	now     func() time.Time
	publish Publish
	people  *Definition // the register that signed-in persons are matched with; nil: none
}

// New opens the office. At most one register may declare how persons are matched.
func New(c Config) (*Service, error) {
	s := &Service{db: c.DB, regs: c.Registers, now: c.Now, publish: c.Publish}
	if s.now == nil {
		s.now = time.Now
	}
	for _, d := range c.Registers.All() {
		if len(d.Match) == 0 {
			continue
		}
		if s.people != nil {
			return nil, fault.Internalf("register.new", "%s and %s both declare how a person is matched", s.people.ID, d.ID)
		}
		s.people = d
	}
	return s, nil
}

// Registers are the declared registers.
func (s *Service) Registers() *Registers { return s.regs }

// Resource is how a register is called in an access request.
func Resource(register string) string { return "register:" + register }

func (s *Service) definition(op, id string) (*Definition, error) {
	d, ok := s.regs.Get(id)
	if !ok {
		return nil, fault.Because(fault.NotFound, op, "", fmt.Errorf("no register %q", id))
	}
	return d, nil
}

// granted checks that a grant covers the register, the fields and the person.
func granted(op string, g access.Grant, action string, d *Definition, fields []string, person string) error {
	if err := g.Must(action, Resource(d.ID)); err != nil {
		return fault.Wrap(op, err)
	}
	r := g.Request()
	for _, f := range fields {
		if _, ok := d.Field(f); !ok {
			return fault.Internalf(op, "register %s has no field %q", d.ID, f)
		}
		if !slices.Contains(r.Fields, f) {
			return fault.Because(fault.Denied, op, "", fmt.Errorf("field %s.%s is not in the grant", d.ID, f))
		}
	}
	if person != "" && r.Owner != person && !slices.Contains(r.Subjects, person) {
		return fault.Because(fault.Denied, op, "", fmt.Errorf("the person is not in the grant for %s", d.ID))
	}
	return nil
}

// Fetch reads what a register holds about a person: only the fields that are
// asked for, and only if the grant names them and the person. It gives a list of
// objects, or for Use.One the object itself (nil if there is none).
func (s *Service) Fetch(ctx context.Context, g access.Grant, u Use) (any, error) {
	const op = "register.fetch"
	d, err := s.definition(op, u.Register)
	if err != nil {
		return nil, err
	}
	if len(u.Fields) == 0 || u.Person == "" {
		return nil, fault.Internalf(op, "fields and a person are needed")
	}
	if d.Person == "" {
		return nil, fault.Internalf(op, "register %s is about nobody", d.ID)
	}
	if err := granted(op, g, access.Read, d, u.Fields, u.Person); err != nil {
		return nil, err
	}
	rows, err := s.ofPerson(ctx, d, u.Person)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	list := make([]any, 0, len(rows))
	for _, r := range rows {
		m, err := r.only(u.Fields)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		list = append(list, m)
	}
	if !u.One {
		return list, nil
	}
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return list[0], nil
	}
	return nil, fault.Internalf(op, "register %s holds several records of one person, the service expects one", d.ID)
}

func (s *Service) ofPerson(ctx context.Context, d *Definition, person string) ([]row, error) {
	if d.Person == d.Key {
		return store.All(ctx, s.db, scanRow, recordByID, d.ID, person)
	}
	return store.All(ctx, s.db, scanRow, recordsByPerson, person, d.ID, maxOfPerson)
}

// Get reads one record by its key, under a grant for it.
func (s *Service) Get(ctx context.Context, g access.Grant, register, id string) (Record, error) {
	const op = "register.get"
	d, err := s.definition(op, register)
	if err != nil {
		return Record{}, err
	}
	r, err := store.One(ctx, s.db, scanRow, recordByID, d.ID, id)
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	if err := granted(op, g, access.Read, d, nil, d.personOf(r)); err != nil {
		return Record{}, err
	}
	if r.Record.Data, err = limited(r.Record, g.Request().Fields); err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	return r.Record, nil
}

func limited(r Record, fields []string) (json.RawMessage, error) {
	m, err := r.only(fields)
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func (d *Definition) personOf(r row) string {
	if d.Person != "" && d.Person == d.Key {
		return r.ID
	}
	return r.person
}

// History is a record's versions, the current one first, under a grant like Get's.
func (s *Service) History(ctx context.Context, g access.Grant, register, id string) ([]Record, error) {
	const op = "register.history"
	now, err := s.Get(ctx, g, register, id)
	if err != nil {
		return nil, err
	}
	old, err := store.All(ctx, s.db, scanRow, versionsByID, register, id, maxVersions)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	out := []Record{now}
	for _, r := range old {
		// Who held the record then isn't of the grant's business unless it is the same person.
		if d, _ := s.regs.Get(register); granted(op, g, access.Read, d, nil, d.personOf(r)) != nil {
			continue
		}
		if r.Record.Data, err = limited(r.Record, g.Request().Fields); err != nil {
			return nil, fault.Wrap(op, err)
		}
		out = append(out, r.Record)
	}
	return out, nil
}

// Find looks records up by a declared field of a register about persons. Records
// of persons whom the grant doesn't name are not there.
func (s *Service) Find(ctx context.Context, g access.Grant, register, field, value string, fields []string) ([]map[string]any, error) {
	const op = "register.find"
	d, err := s.definition(op, register)
	if err != nil {
		return nil, err
	}
	if err := granted(op, g, access.Read, d, fields, ""); err != nil {
		return nil, err
	}
	rows, err := s.byValue(ctx, s.db, d, field, value, maxOfPerson)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var out []map[string]any
	for _, r := range rows {
		if p := d.personOf(r); d.Person != "" && (p == "" || granted(op, g, access.Read, d, nil, p) != nil) {
			continue
		}
		m, err := r.only(fields)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// Lookup finds the one record of a public register by its key or a declared
// field; several are a conflict. Personal registers are never looked up this way.
func (s *Service) Lookup(ctx context.Context, q store.Q, register, field, value string) (map[string]any, bool, error) {
	const op = "register.lookup"
	d, err := s.public(op, register)
	if err != nil {
		return nil, false, err
	}
	if q == nil {
		q = s.db
	}
	rows, err := s.byValue(ctx, q, d, field, value, 2)
	switch {
	case err != nil:
		return nil, false, fault.Wrap(op, err)
	case len(rows) == 0:
		return nil, false, nil
	case len(rows) > 1:
		return nil, false, fault.Because(fault.Conflict, op, "", fmt.Errorf("%s.%s is not unique", register, field))
	}
	m, err := rows[0].All()
	return m, err == nil, fault.Wrap(op, err)
}

func (s *Service) byValue(ctx context.Context, q store.Q, d *Definition, field, value string, n int) ([]row, error) {
	f, ok := d.Field(field)
	if !ok {
		return nil, fault.Internalf("register.byValue", "register %s has no field %q", d.ID, field)
	}
	if f.Search == NoSearch {
		if field == d.Key {
			return store.All(ctx, q, scanRow, recordByID, d.ID, value)
		}
		return nil, fault.Internalf("register.byValue", "field %s.%s is not declared as searchable", d.ID, field)
	}
	v := f.Search.fold(value)
	if v == "" {
		return nil, nil
	}
	return store.All(ctx, q, scanRow, recordsByValue, d.ID, field, v, n)
}

func (s *Service) public(op, register string) (*Definition, error) {
	d, err := s.definition(op, register)
	if err != nil {
		return nil, err
	}
	if !d.Public {
		return nil, fault.Because(fault.Denied, op, "", fmt.Errorf("register %s is not public", register))
	}
	return d, nil
}

// List gives a public register as it is, by key: for the choices of a form.
func (s *Service) List(ctx context.Context, register string) ([]map[string]any, error) {
	const op = "register.list"
	d, err := s.public(op, register)
	if err != nil {
		return nil, err
	}
	rows, err := store.All(ctx, s.db, scanRow, recordsFrom, d.ID, "", maxPublic)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	out := make([]map[string]any, 0, len(rows))
	for _, r := range rows {
		m, err := r.All()
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// MatchPerson finds the person who has just proven their name and birth date, in
// the register that declares how persons are matched. Nobody is fault.NotFound, and so
// are several, because the city must not guess who somebody is.
func (s *Service) MatchPerson(ctx context.Context, given, family, birthDate string) (string, error) {
	const op = "register.matchPerson"
	if s.people == nil {
		return "", fault.New(fault.NotFound, op, "")
	}
	values := [...]string{given, family, birthDate}
	if len(s.people.Match) != len(values) {
		return "", fault.Internalf(op, "register %s must match by given names, family name and birth date, in this order", s.people.ID)
	}
	v := matchValue(s.people.matches, func(name string) string { return values[slices.Index(s.people.Match, name)] })
	if v == "" {
		return "", fault.New(fault.NotFound, op, "")
	}
	ids, err := store.All(ctx, s.db, scanID, idsByValue, s.people.ID, matchField, v)
	switch {
	case err != nil:
		return "", fault.Wrap(op, err)
	case len(ids) == 0:
		return "", fault.New(fault.NotFound, op, "")
	case len(ids) > 1:
		return "", fault.Because(fault.NotFound, op, "", errors.New("several persons have this name and birth date"))
	}
	return ids[0], nil
}

// Put stores a record in the caller's transaction: a new one, or a new version of
// the one with this key. Unchanged data makes no version, so a repeated call does no
// harm. If the grant names an owner, the record must be theirs.
func (s *Service) Put(ctx context.Context, tx *store.Tx, g access.Grant, register, key string, data any, why Why) error {
	const op = "register.put"
	d, err := s.definition(op, register)
	if err != nil {
		return err
	}
	if err := g.Must(access.Change, Resource(d.ID)); err != nil {
		return fault.Wrap(op, err)
	}
	if why.Who == "" {
		why.Who = string(g.Actor().Kind) + ":" + g.Actor().ID
	}
	if why.Case == "" {
		why.Case = g.Request().Case
	}
	n, err := d.prepare(key, data)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if owner := g.Request().Owner; owner != "" && d.Person != "" && d.personOf(n.row) != owner {
		return fault.Because(fault.Denied, op, "", fmt.Errorf("the record of %s is about somebody else than the grant", d.ID))
	}
	return fault.Wrap(op, s.put(ctx, tx, d, n, why))
}

// prepared is a checked record with its index.
type prepared struct {
	row
	index []entry
}

// prepare checks data against the register's schema and derives key, person and index.
func (d *Definition) prepare(key string, data any) (prepared, error) {
	const op = "register.check"
	text, err := json.Marshal(data)
	if err != nil {
		return prepared{}, fault.Because(fault.Invalid, op, "", err)
	}
	if len(text) > maxRecord {
		return prepared{}, fault.Because(fault.TooLarge, op, "", fmt.Errorf("record of %s is larger than %d bytes", d.ID, maxRecord))
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return prepared{}, fault.Because(fault.Invalid, op, "", err)
	}
	if err := d.schema.Validate(doc); err != nil {
		return prepared{}, fault.Because(fault.Invalid, op, "", places(d.ID, err))
	}
	m, ok := doc.(map[string]any)
	if !ok {
		return prepared{}, fault.Because(fault.Invalid, op, "", fmt.Errorf("a record of %s is an object", d.ID))
	}
	value := func(name string) string { return textOf(m[name]) }
	if value(d.Key) == "" || key != "" && value(d.Key) != key {
		return prepared{}, fault.Because(fault.Invalid, op, "", fmt.Errorf("%s.%s must be the record's key", d.ID, d.Key))
	}
	if text, err = json.Marshal(m); err != nil { // one form, whatever came in
		return prepared{}, fault.Wrap(op, err)
	}
	return d.indexed(text, value), nil
}

// places tells where a record breaks its schema, never with which value: the
// message goes to the log.
func places(register string, err error) error {
	v, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return fmt.Errorf("a record of %s breaks its schema", register)
	}
	var out []string
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 && len(out) < 20 {
			at := "/"
			for i, p := range e.InstanceLocation {
				if i > 0 {
					at += "/"
				}
				at += p
			}
			out = append(out, fmt.Sprintf("%s (%v)", at, e.ErrorKind.KeywordPath()))
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(v)
	return fmt.Errorf("a record of %s breaks its schema at %v", register, out)
}

func (d *Definition) indexed(text json.RawMessage, value func(string) string) prepared {
	n := prepared{row: row{Record: Record{Register: d.ID, ID: value(d.Key), Data: text}}}
	if d.Person != "" && d.Person != d.Key {
		n.person = value(d.Person)
	}
	for _, f := range d.Fields {
		if f.Search == NoSearch {
			continue
		}
		if v := f.Search.fold(value(f.Name)); v != "" {
			n.index = append(n.index, entry{f.Name, v})
		}
	}
	if v := matchValue(d.matches, value); v != "" {
		n.index = append(n.index, entry{matchField, v})
	}
	return n
}

func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func (s *Service) put(ctx context.Context, tx *store.Tx, d *Definition, n prepared, why Why) error {
	n.ChangedAt, n.ChangedBy, n.Reason, n.Case = s.now().UTC(), why.Who, why.Reason, why.Case
	old, err := store.One(ctx, tx, scanRow, recordByID, d.ID, n.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		n.Version = 1
		if _, err := tx.Exec(ctx, insertRecord, n.args()...); err != nil {
			return err
		}
		for _, e := range n.index {
			if err := addIndex(ctx, tx, d.ID, n.ID, e); err != nil {
				return err
			}
		}
	case err != nil:
		return err
	case bytes.Equal(old.Data, n.Data):
		return nil
	default:
		n.Version = old.Version + 1
		if _, err := tx.Exec(ctx, insertVersion, old.args()...); err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, updateRecord, append(n.args(), old.Version)...)
		if err != nil {
			return err
		}
		if changed != 1 {
			return fault.New(fault.Conflict, "register.put", "")
		}
		if err := reindex(ctx, tx, d, old, n); err != nil {
			return err
		}
	}
	if s.publish == nil {
		return nil
	}
	return s.publish(ctx, tx, Changed{Register: d.ID, ID: n.ID, Version: n.Version, Case: n.Case})
}

func reindex(ctx context.Context, tx *store.Tx, d *Definition, old row, n prepared) error {
	was, err := d.entriesOf(old.Data)
	if err != nil {
		return err
	}
	for _, e := range was {
		if !slices.Contains(n.index, e) {
			if err := dropIndex(ctx, tx, d.ID, n.ID, e); err != nil {
				return err
			}
		}
	}
	for _, e := range n.index {
		if !slices.Contains(was, e) {
			if err := addIndex(ctx, tx, d.ID, n.ID, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Definition) entriesOf(text json.RawMessage) ([]entry, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	m, _ := doc.(map[string]any)
	return d.indexed(text, func(name string) string { return textOf(m[name]) }).index, nil
}

// Permit asks for a grant; access.Checker.Permit is one.
type Permit func(ctx context.Context, r access.Request) (access.Grant, error)

// OwnDataPurpose is the purpose under which a person reads their own data.
const OwnDataPurpose = "own data"

// OwnData is all that the registers hold about the person who asks. Each register
// is asked for under a grant of its own, so each look is on record.
func (s *Service) OwnData(ctx context.Context, permit Permit, actor access.Actor) ([]Holding, error) {
	const op = "register.ownData"
	var out []Holding
	for _, d := range s.regs.All() {
		if d.Person == "" {
			continue
		}
		g, err := permit(ctx, access.Request{
			Actor: actor, Action: access.Read, Resource: Resource(d.ID), Purpose: OwnDataPurpose, Basis: "Art. 15 DSGVO",
			Owner: actor.ID, Office: d.Office, Fields: d.FieldNames(),
		})
		if fault.Is(err, fault.Denied) && actor.Level < access.Substantial {
			return nil, fault.Because(fault.StepUp, op, "", err, "level", access.Substantial.String())
		}
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		h, err := s.holding(ctx, g, d)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if len(h.Records) > 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

func (s *Service) holding(ctx context.Context, g access.Grant, d *Definition) (Holding, error) {
	if err := granted("register.holding", g, access.Read, d, d.FieldNames(), g.Actor().ID); err != nil {
		return Holding{}, err
	}
	rows, err := s.ofPerson(ctx, d, g.Actor().ID)
	if err != nil {
		return Holding{}, err
	}
	h := Holding{Register: d}
	for _, r := range rows {
		h.Records = append(h.Records, r.Record)
	}
	return h, nil
}
