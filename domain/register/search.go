// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// Bounds of a search.
const (
	// MaxPage is how many records a page holds at most.
	MaxPage = 200
	// pageSize is how many it holds if nobody says.
	pageSize = 50
)

// Query is what is looked for in a register.
type Query struct {
	Filter string   // CQL2-text over declared fields; empty: everything
	Text   string   // full text: words in any field declared so
	Fields []string // what to give; nil: all that the grant names
	Sort   string   // a declared field, "-" before it: descending; empty: by key
	Limit  int      // at most MaxPage
	After  string   // Page.Next of the page before
}

// Page is a part of what a search has found. It may be short, even empty, and have a Next
// all the same: one call looks at a bounded number of records only.
type Page struct {
	Records []Record
	Next    string // empty: that was all
}

// reach is which records of a register a grant covers: all, or those about some persons.
type reach struct {
	all     bool
	persons []string
	fields  []string // that may be shown, filtered and sorted by
}

// reachOf is what a grant lets be searched. A grant to list without persons covers all
// records; one to read covers those about the persons that it names, and what is about
// nobody. A public register needs none.
func reachOf(op string, g access.Grant, d *Definition) (reach, error) {
	if d.Public {
		return reach{all: true, fields: d.FieldNames()}, nil
	}
	list := g.Must(access.List, Resource(d.ID)) == nil
	if !list {
		if err := g.Must(access.Read, Resource(d.ID)); err != nil {
			return reach{}, fault.Wrap(op, err)
		}
	}
	r := g.Request()
	out := reach{all: list && r.Owner == "" && len(r.Subjects) == 0 || d.Person == ""}
	for _, f := range r.Fields {
		if _, ok := d.Field(f); ok && !slices.Contains(out.fields, f) {
			out.fields = append(out.fields, f)
		}
	}
	if !out.all {
		out.persons = slices.DeleteFunc(append(slices.Clone(r.Subjects), r.Owner), func(p string) bool { return p == "" })
		slices.Sort(out.persons)
		out.persons = slices.Compact(out.persons)
	}
	return out, nil
}

// may tells that a field may be used. That it isn't in the grant and that there is none
// are one answer: nobody finds out by asking.
func (r reach) may(op, field string) error {
	if !slices.Contains(r.fields, field) {
		return fault.Because(fault.Invalid, op, "register.search.field", fmt.Errorf("field %.40q isn't there or isn't granted", field), "field", short(field))
	}
	return nil
}

// short is what somebody has sent as far as a message repeats it.
func short(s string) string {
	if s = strings.ToValidUTF8(s, "?"); len([]rune(s)) > 40 {
		s = string([]rune(s)[:40]) + "…"
	}
	return s
}

// Search gives the records of a register that fit a query, as far as the grant covers
// them, page by page. Whom a page shows is on record before it is given.
func (s *Service) Search(ctx context.Context, g access.Grant, register string, q Query) (Page, error) {
	const op = "register.search"
	d, err := s.definition(op, register)
	if err != nil {
		return Page{}, err
	}
	r, err := reachOf(op, g, d)
	if err != nil {
		return Page{}, err
	}
	fields := q.Fields
	if fields == nil {
		fields = r.fields
	}
	for _, f := range fields {
		if err := r.may(op, f); err != nil {
			return Page{}, err
		}
	}
	if q.Filter != "" || q.Text != "" || q.Sort != "" {
		return Page{}, fault.New(fault.Unsupported, op, "register.search.byKey")
	}
	n := q.Limit
	if n <= 0 {
		n = pageSize
	}
	n = min(n, MaxPage)
	after, err := s.afterOf(q, d)
	if err != nil {
		return Page{}, fault.Wrap(op, err)
	}
	rows, err := s.reached(ctx, d, r, after, n+1)
	if err != nil {
		return Page{}, fault.Wrap(op, err)
	}
	var page Page
	if len(rows) > n {
		rows = rows[:n]
		if page.Next, err = s.nextOf(q, d, rows[n-1].ID); err != nil {
			return Page{}, fault.Wrap(op, err)
		}
	}
	if rows, err = s.ofNow(ctx, s.db, rows); err != nil {
		return Page{}, fault.Wrap(op, err)
	}
	if !r.all { // it was theirs until a moment ago
		rows = slices.DeleteFunc(rows, func(x row) bool { return !slices.Contains(r.persons, d.personOf(x)) })
	}
	page.Records, err = s.shown(ctx, g, d, rows, orNone(fields))
	return page, fault.Wrap(op, err)
}

// shown are rows as they are given, and on record.
func (s *Service) shown(ctx context.Context, g access.Grant, d *Definition, rows []row, fields []string) ([]Record, error) {
	rows, err := s.openAll(ctx, s.db, d, rows, fields)
	if err != nil {
		return nil, err
	}
	out := make([]Record, len(rows))
	var persons []string
	for i, r := range rows {
		out[i] = r.Record
		out[i].Last = r.last
		if d.Person != "" {
			persons = append(persons, d.personOf(r))
		}
		if out[i].Data, err = limited(r.Record, fields); err != nil {
			return nil, err
		}
	}
	persons = slices.DeleteFunc(persons, func(p string) bool { return p == "" })
	slices.Sort(persons)
	if persons = slices.Compact(persons); len(persons) > 0 && s.seen != nil {
		if err := s.seen(ctx, g, persons); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// personsAtOnce is how many persons one statement names.
const personsAtOnce = 50

// reached are the records that a grant covers, by key.
func (s *Service) reached(ctx context.Context, d *Definition, r reach, after string, n int) ([]row, error) {
	if r.all {
		return store.All(ctx, s.db, scanRow, recordsFrom, d.ID, after, n)
	}
	statement := recordsOfPersons
	if d.Person == d.Key {
		statement = recordsByIDs
	}
	var out []row
	for some := range slices.Chunk(r.persons, personsAtOnce) {
		args := []any{d.ID, after, n}
		for i := range personsAtOnce {
			args = append(args, some[min(i, len(some)-1)])
		}
		rows, err := store.All(ctx, s.db, scanRow, statement, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(a.ID, b.ID) })
	return out[:min(n, len(out))], nil
}

// A place in a list is what the last page has looked at last, for this query and nobody
// else's: it is signed, so that only what the house has given out comes back. It carries
// no rights: they are asked of the grant again.

type cursor struct {
	Key string `json:"k,omitempty"` // of the field that is sorted by
	ID  string `json:"i"`
}

func (s *Service) sign(q Query, d *Definition, c string) (string, error) {
	b, err := json.Marshal([]string{d.ID, q.Filter, q.Text, q.Sort, c})
	if err != nil {
		return "", err
	}
	return s.vault.Blind("=cursor", string(b))
}

func (s *Service) nextOf(q Query, d *Definition, id string) (string, error) {
	b, err := json.Marshal(cursor{ID: id})
	if err != nil {
		return "", err
	}
	c := base64.RawURLEncoding.EncodeToString(b)
	mac, err := s.sign(q, d, c)
	return c + "." + mac, err
}

func (s *Service) afterOf(q Query, d *Definition) (string, error) {
	const op = "register.search"
	if q.After == "" {
		return "", nil
	}
	c, mac, _ := strings.Cut(q.After, ".")
	want, err := s.sign(q, d, c)
	if err != nil {
		return "", err
	}
	var out cursor
	b, err := base64.RawURLEncoding.DecodeString(c)
	if mac != want || err != nil || json.Unmarshal(b, &out) != nil {
		return "", fault.New(fault.Invalid, op, "register.search.place")
	}
	return out.ID, nil
}
