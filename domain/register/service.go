// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/vault"

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
	Vault     *vault.Vault
	Registers *Registers
	Now       func() time.Time
	Zone      *time.Location // the city's, in which a day begins, of validity and of retention rules; nil: UTC
	Publish   Publish        // nil: nobody listens
	// Seen puts on record whose data a list shows, under its grant, before it is given
	// (access.Checker.Seen); nil: in tests of this room.
	Seen func(ctx context.Context, g access.Grant, persons []string) error
	// Linked asks for the grant under which a view reads the register that it shows;
	// access.Checker.Permit. nil: views show nothing.
	Linked func(ctx context.Context, r access.Request) (access.Grant, error)
	// Restricted tells whether a purpose reaches records that are restricted (Art. 18 GDPR);
	// nil: only the person concerned does.
	Restricted func(purpose string) bool
}

// Service keeps the registers.
type Service struct {
	db      *store.DB
	vault   *vault.Vault
	regs    *Registers
	now     func() time.Time
	zone    *time.Location
	publish Publish
	seen    func(context.Context, access.Grant, []string) error
	linked  Permit

	taking sync.Mutex               // one who replaces what is held, or asks for the state of the index
	index  atomic.Pointer[indexing] // nil: it is built

	restricted func(purpose string) bool
	looked     func(examined, opened int) // what a search has looked at, for tests; nil: nobody counts
	batch      int                        // how many records a load stores at once; fewer in tests
}

// New opens the office.
func New(c Config) (*Service, error) {
	s := &Service{db: c.DB, vault: c.Vault, regs: c.Registers, now: c.Now, zone: cmp.Or(c.Zone, time.UTC), publish: c.Publish, seen: c.Seen, linked: c.Linked, restricted: c.Restricted, batch: loadBatch}
	if s.now == nil {
		s.now = time.Now
	}
	if c.DB.Engine() == store.Postgres {
		s.batch = loadBatchPostgres
	}
	if s.vault == nil {
		return nil, fault.Internalf("register.new", "personal fields need a vault")
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
	rows, err := s.ofPerson(ctx, d, u.Person, u.Fields, g.Request().Purpose)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := s.showLinks(ctx, g, d, rows, u.Fields, s.thisMoment()); err != nil {
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

// ofPerson are the records about a person that hold now, with the fields that are asked for.
func (s *Service) ofPerson(ctx context.Context, d *Definition, person string, fields []string, purpose string) ([]row, error) {
	var rows []row
	var err error
	if d.Person == d.Key {
		rows, err = store.All(ctx, s.db, scanRow, readableByID, d.ID, person, s.reaches(purpose))
	} else {
		rows, err = store.All(ctx, s.db, scanRow, readableByPerson, person, d.ID, maxOfPerson, s.reaches(purpose))
	}
	if err == nil {
		rows, err = s.ofNow(ctx, s.db, rows)
	}
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return d.personOf(r) != person }) // it was theirs until a moment ago
	return s.openAll(ctx, s.db, d, rows, fields)
}

// rowsOf are the records about a person for work that shows them to nobody.
func (s *Service) rowsOf(ctx context.Context, q store.Q, d *Definition, person string) ([]row, error) {
	if d.Person == d.Key {
		return store.All(ctx, q, scanRow, recordByID, d.ID, person)
	}
	return store.All(ctx, q, scanRow, recordsByPerson, person, d.ID, maxOfPerson)
}

// Get reads one record by its key, under a grant for it.
func (s *Service) Get(ctx context.Context, g access.Grant, register, key string) (Record, error) {
	const op = "register.get"
	d, err := s.definition(op, register)
	if err != nil {
		return Record{}, err
	}
	id, err := s.idAt(d, key)
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	r, err := store.One(ctx, s.db, scanRow, readableByID, d.ID, id, s.reaches(g.Request().Purpose))
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	r, ok, err := s.inForce(ctx, s.db, r)
	switch {
	case err != nil:
		return Record{}, fault.Wrap(op, err)
	case !ok:
		return Record{}, fault.New(fault.NotFound, op, "")
	}
	return s.show(ctx, op, g, d, r, s.thisMoment())
}

// show is an assertion as a grant lets it be seen, with what it showed of others at a moment;
// at none it shows nothing of them.
func (s *Service) show(ctx context.Context, op string, g access.Grant, d *Definition, r row, at when) (Record, error) {
	r.Record.Last = r.last
	if d.Public {
		return r.Record, nil
	}
	if err := granted(op, g, access.Read, d, nil, d.personOf(r)); err != nil {
		return Record{}, err
	}
	if r.none() {
		return r.Record, nil
	}
	r, err := s.open(ctx, s.db, d, r, orNone(g.Request().Fields))
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	one := []row{r}
	if err := s.showLinks(ctx, g, d, one, g.Request().Fields, at); err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	r = one[0]
	r.Record.Data, err = limited(r.Record, g.Request().Fields)
	return r.Record, fault.Wrap(op, err)
}

// orNone is a list of fields of which none named means none, not all.
func orNone(fields []string) []string {
	if fields == nil {
		return []string{}
	}
	return fields
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

// History is every assertion about a record, the newest first, under a grant like Get's:
// one that is past or is to come stands among them at its place. That it has ended is one
// without data (null).
func (s *Service) History(ctx context.Context, g access.Grant, register, key string) ([]Record, error) {
	const op = "register.history"
	d, err := s.definition(op, register)
	if err != nil {
		return nil, err
	}
	id, err := s.idAt(d, key)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	now, err := store.One(ctx, s.db, scanRow, readableByID, d.ID, id, s.reaches(g.Request().Purpose))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return s.versions(ctx, op, g, d, now)
}

// versions are the assertions about a record that a grant lets be seen, the newest first.
func (s *Service) versions(ctx context.Context, op string, g access.Grant, d *Definition, now row) ([]Record, error) {
	all, err := store.All(ctx, s.db, scanRow, versionsByID, d.ID, now.ID, maxVersions)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	all = append(all, now)
	slices.SortFunc(all, func(a, b row) int { return cmp.Compare(b.Version, a.Version) })
	var out []Record
	for i, r := range all {
		if i > 0 && r.Version == all[i-1].Version {
			continue // it was put in force between the two questions
		}
		rec, err := s.show(ctx, op, g, d, r, when{})
		// Who held the record then isn't of the grant's business unless it is the same person.
		if fault.Is(err, fault.Denied) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Denied, op, "")
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
	rows, err := s.byValue(ctx, q, d, field, value, 2, nil, true)
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

// byValue are the records that hold now and have a value, with the fields that are asked for.
func (s *Service) byValue(ctx context.Context, q store.Q, d *Definition, field, value string, n int, fields []string, reaches bool) ([]row, error) {
	const op = "register.byValue"
	f, ok := d.Field(field)
	if !ok {
		return nil, fault.Internalf(op, "register %s has no field %q", d.ID, field)
	}
	var rows []row
	switch {
	case field == d.Key && f.Search == NoSearch:
		id, err := s.idOf(d, value)
		if err != nil {
			return nil, err
		}
		if rows, err = store.All(ctx, q, scanRow, readableByID, d.ID, id, reaches); err != nil {
			return nil, err
		}
	case f.Search == NoSearch:
		return nil, fault.Internalf(op, "field %s.%s is not declared as searchable", d.ID, field)
	default:
		if !s.built(d, field) {
			return nil, errBuilding(op)
		}
		v := f.Search.fold(value)
		if v == "" {
			return nil, nil
		}
		t, err := s.token(d, entry{field, string(f.Search), v})
		if err != nil {
			return nil, err
		}
		if rows, err = store.All(ctx, q, scanRow, readableByToken, d.ID, t, n, reaches); err != nil {
			return nil, err
		}
	}
	rows, err := s.ofNow(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	if fields != nil && !slices.Contains(fields, field) {
		fields = append(slices.Clone(fields), field)
	}
	if rows, err = s.openAll(ctx, q, d, rows, fields); err != nil || f.Search == NoSearch {
		return rows, err
	}
	// The index proposes; what the record says counts.
	var out []row
	for _, r := range rows {
		m, err := r.All()
		if err != nil {
			return nil, err
		}
		if f.Search.fold(textOf(m[field])) == f.Search.fold(value) {
			out = append(out, r)
		}
	}
	return out, nil
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
	if err == nil {
		rows, err = s.ofNow(ctx, s.db, rows)
	}
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
	people := s.regs.held.Load().people
	if people == nil {
		return "", fault.New(fault.NotFound, op, "")
	}
	values := [...]string{given, family, birthDate}
	if len(people.Match) != len(values) {
		return "", fault.Internalf(op, "register %s must match by given names, family name and birth date, in this order", people.ID)
	}
	v := matchValue(people.matches, func(name string) string { return values[slices.Index(people.Match, name)] })
	if v == "" {
		return "", fault.New(fault.NotFound, op, "")
	}
	if !s.built(people, matchField) {
		return "", errBuilding(op)
	}
	t, err := s.token(people, entry{field: matchField, value: v})
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	rows, err := store.All(ctx, s.db, scanRow, recordsByToken, people.ID, t, 3)
	if err == nil {
		rows, err = s.openAll(ctx, s.db, people, rows, people.Match)
	}
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	var ids []string
	for _, r := range rows {
		m, err := r.All()
		if err != nil {
			return "", fault.Wrap(op, err)
		}
		if matchValue(people.matches, func(name string) string { return textOf(m[name]) }) == v {
			ids = append(ids, r.ID)
		}
	}
	switch {
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
	n, err := d.prepare(key, data)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return s.change(ctx, tx, op, g, d, n, why)
}

// change adds an assertion under a grant.
func (s *Service) change(ctx context.Context, tx *store.Tx, op string, g access.Grant, d *Definition, n prepared, why Why) error {
	if err := g.Must(access.Change, Resource(d.ID)); err != nil {
		return fault.Wrap(op, err)
	}
	if why.Who == "" {
		why.Who = string(g.Actor().Kind) + ":" + g.Actor().ID
	}
	if why.Case == "" {
		why.Case = g.Request().Case
	}
	if owner := g.Request().Owner; owner != "" && d.Person != "" && d.personOf(n.row) != owner {
		return fault.Because(fault.Denied, op, "", fmt.Errorf("the record of %s is about somebody else than the grant", d.ID))
	}
	if done, err := s.said(ctx, tx, d, n, why); err != nil || done {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.put(ctx, tx, d, n, why))
}

// prepared is a checked record with its index.
type prepared struct {
	row
	placed bool   // its id is that of the record already, not the key
	seen   *int64 // the last version that whoever changes it has seen, 0: none; nil: whatever there is
	index  []entry
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
	if err := d.checkCodes(m); err != nil {
		return prepared{}, fault.Because(fault.Invalid, op, "", err)
	}
	value := func(name string) string { return textOf(m[name]) }
	if value(d.Key) == "" || key != "" && value(d.Key) != key {
		return prepared{}, fault.Because(fault.Invalid, op, "", fmt.Errorf("%s.%s must be the record's key", d.ID, d.Key))
	}
	if d.coming != nil && d.coming.refuses(doc) {
		return prepared{}, fault.New(fault.Unavailable, op, "register.edit.coming")
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
	var out []Place
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 && len(out) < 20 {
			out = append(out, Place{"/" + strings.Join(e.InstanceLocation, "/"), strings.Join(e.ErrorKind.KeywordPath(), "/")})
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(v)
	return &BrokenError{Register: register, Places: out}
}

// Place is where a record breaks its schema, and which keyword of it; never the value.
type Place struct{ At, Keyword string }

// BrokenError is in the error of who gives a record that breaks its schema.
type BrokenError struct {
	Register string
	Places   []Place

	text string // instead of the places, where there is more to say
}

// Error implements error.
func (e *BrokenError) Error() string {
	if e.text != "" {
		return e.text
	}
	var at []string
	for _, p := range e.Places {
		at = append(at, p.At+" ("+p.Keyword+")")
	}
	return fmt.Sprintf("a record of %s breaks its schema at %v", e.Register, at)
}

func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func (s *Service) put(ctx context.Context, tx *store.Tx, d *Definition, n prepared, why Why) error {
	const op = "register.put"
	at := s.now().UTC()
	now := store.Micros(at)
	n.ChangedAt, n.ChangedBy, n.Reason, n.Case = at, why.Who, why.Reason, why.Case
	if n.ValidFrom, n.ValidTo = why.From, why.To; n.ValidFrom.IsZero() {
		n.ValidFrom = at
	}
	if !n.ValidTo.IsZero() && !n.ValidTo.After(n.ValidFrom) {
		return fault.New(fault.Invalid, op, "register.nothingBetween")
	}
	var err error
	if !n.placed {
		if n.ID, err = s.idOf(d, n.ID); err != nil {
			return err
		}
	}
	old, err := store.One(ctx, tx, scanRow, recordByID, d.ID, n.ID)
	first := fault.Is(err, fault.NotFound)
	if err != nil && !first {
		return err
	}
	// It was looked at before, but then somebody else's change may not have been there yet.
	if n.seen != nil && old.last != *n.seen {
		return conflict(op, nil)
	}
	var was json.RawMessage
	var plain row // old, opened
	if !first {
		if old, err = s.turn(ctx, tx, d, old); err != nil {
			return err
		}
		if plain, err = s.open(ctx, tx, d, old, nil); err != nil {
			return err
		}
		was = plain.Data
		if same, err := d.same(plain.Data, n.Data); err != nil || same && old.covers(now) && n.ValidFrom.Compare(old.ValidFrom) >= 0 && to(n.ValidTo) == to(old.ValidTo) && old.turn >= to(n.ValidTo) {
			return err
		}
	}
	if !n.none() {
		if err := d.expired(was, n.Data, n.ValidFrom.In(s.zone).Format(time.DateOnly)); err != nil {
			return fault.Because(fault.Invalid, op, "", err)
		}
	}
	n.Version = old.last + 1
	n.last = n.Version
	k, err := s.keyOf(ctx, tx, d, n.row)
	if err != nil {
		return err
	}
	open := n.row
	if n.row, err = d.seal(k, n.row); err != nil {
		return err
	}
	switch {
	case first:
		if n.turn, err = s.nextTurn(ctx, tx, n.row, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertRecord, n.current()...); err != nil {
			return err
		}
		if err := s.addIndex(ctx, tx, d, n.ID, d.entriesOf(open.Data)); err != nil {
			return err
		}
	case n.covers(now):
		if _, err := tx.Exec(ctx, insertVersion, old.args()...); err != nil {
			return err
		}
		if n.turn, err = s.nextTurn(ctx, tx, n.row, now); err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, updateRecord, append(n.current(), old.last)...)
		if err != nil || changed != 1 {
			return conflict(op, err)
		}
		if err := s.reindex(ctx, tx, d, plain, open); err != nil {
			return err
		}
	default: // about the past or the future: what is in force stays
		if _, err := tx.Exec(ctx, insertVersion, n.args()...); err != nil {
			return err
		}
		was := old.last
		old.last = n.last
		if old.turn, err = s.nextTurn(ctx, tx, old, now); err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, updateRecord, append(old.current(), was)...)
		if err != nil || changed != 1 {
			return conflict(op, err)
		}
	}
	return s.tell(ctx, tx, n.row, Put)
}

// same reports whether two records say the same.
func (d *Definition) same(a, b json.RawMessage) (bool, error) {
	x, err1 := jsonschema.UnmarshalJSON(bytes.NewReader(a))
	y, err2 := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	one, err1 := json.Marshal(x)
	two, err2 := json.Marshal(y)
	return bytes.Equal(one, two), errors.Join(err1, err2)
}

// keyOf is the key that a record is sealed under, or none if nothing of it is sealed.
func (s *Service) keyOf(ctx context.Context, tx *store.Tx, d *Definition, r row) (vault.Key, error) {
	if !slices.ContainsFunc(d.Fields, d.sealed) {
		return vault.Key{}, nil
	}
	return s.vault.KeyFor(ctx, tx, d.subject(r))
}

// tell publishes that a record has changed, and writes it down for the feed.
func (s *Service) tell(ctx context.Context, tx *store.Tx, r row, kind ChangeKind) error {
	if r.none() {
		kind = Ended
	}
	if err := s.note(ctx, tx, Change{Register: r.Register, ID: r.ID, Version: r.Version, Kind: kind, Case: r.Case, At: s.now()}); err != nil {
		return err
	}
	if s.publish == nil {
		return nil
	}
	return s.publish(ctx, tx, Changed{Register: r.Register, ID: r.ID, Version: r.Version, Case: r.Case})
}

// entriesOf is the index of a record's data.
func (d *Definition) entriesOf(text json.RawMessage) []entry {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	m, _ := doc.(map[string]any)
	return d.indexed(text, func(name string) string { return textOf(m[name]) }).index
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
			Owner: actor.Person(), Office: d.Office, Fields: d.FieldNames(),
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
	if err := granted("register.holding", g, access.Read, d, d.FieldNames(), g.Person()); err != nil {
		return Holding{}, err
	}
	rows, err := s.ofPerson(ctx, d, g.Person(), nil, g.Request().Purpose)
	if err != nil {
		return Holding{}, err
	}
	if err := s.showLinks(ctx, g, d, rows, d.FieldNames(), s.thisMoment()); err != nil {
		return Holding{}, err
	}
	h := Holding{Register: d}
	for _, r := range rows {
		h.Records = append(h.Records, r.Record)
	}
	return h, nil
}
