// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/vault"
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

// Bounds of what one call does. A page that isn't full when one is reached goes on from there.
const (
	maxExamined = 4000 // records or entries of the index that are looked at
	maxOpened   = 200  // records that are opened to be looked at
	maxGathered = 5000 // records that are gathered to bring them in order
	maxSorted   = 500  // … of which as many are opened and sorted here
	maxOrdered  = 2000 // … and as many if there is nothing to open
	maxLeads    = 4    // leads that are weighed against each other
	maxWeighed  = 1000 // how far they are weighed
)

// search is one call.
type search struct {
	*Service
	d        *Definition
	reach    reach
	reaches  bool // restricted records, too
	cond     condition
	show     []string // fields to show
	need     []string // fields to open: to show, and to look at
	glance   bool     // what isn't sealed can tell already that a record doesn't fit
	now      int64
	examined int
	opened   int
	ring     map[string]vault.Key // of the rows that are looked at next
}

// Search gives the records of a register that fit a query, as far as the grant covers
// them, page by page. Whom a page shows is on record before it is given.
//
// What is right is asked as of now: a record that has ended isn't found, one that begins in
// the future isn't yet.
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
	x := &search{Service: s, d: d, reach: r, reaches: s.reaches(g.Request().Purpose), show: q.Fields, now: store.Micros(s.now())}
	if x.show == nil {
		x.show = orNone(r.fields)
	}
	for _, f := range x.show {
		if err := r.may(op, f); err != nil {
			return Page{}, err
		}
	}
	cond, c, err := s.compile(d, r, q)
	if err != nil {
		return Page{}, err
	}
	x.cond = cond
	x.need = append(slices.Clone(x.show), c.used...)
	x.glance = !slices.ContainsFunc(x.need, d.needsSeal) || slices.ContainsFunc(c.used, func(f string) bool { return !d.needsSeal(f) })
	field, down, err := x.sorting(q.Sort)
	if err != nil {
		return Page{}, err
	}
	n := q.Limit
	if n <= 0 {
		n = pageSize
	}
	n = min(n, MaxPage)
	after, err := s.afterOf(g, q, d)
	if err != nil {
		return Page{}, fault.Wrap(op, err)
	}
	if err := x.turned(ctx); err != nil {
		return Page{}, fault.Wrap(op, err)
	}
	if field != "" {
		x.need = append(x.need, field)
	}
	var rows []row
	var next *cursor
	if field == "" {
		rows, next, err = x.byKey(ctx, after, n)
	} else {
		rows, next, err = x.sorted(ctx, field, down, after, n)
	}
	if s.looked != nil {
		s.looked(x.examined, x.opened)
	}
	if err != nil {
		return Page{}, fault.Wrap(op, err)
	}
	var page Page
	if next != nil {
		if page.Next, err = s.nextOf(g, q, d, *next); err != nil {
			return Page{}, fault.Wrap(op, err)
		}
	}
	page.Records, err = s.shown(ctx, g, d, rows, x.show)
	return page, fault.Wrap(op, err)
}

// sorting is the field that is sorted by; none is the key.
func (x *search) sorting(sort string) (field string, down bool, err error) {
	const op = "register.search"
	if sort == "" {
		return "", false, nil
	}
	field, down = strings.CutPrefix(sort, "-")
	if err := x.reach.may(op, field); err != nil {
		return "", false, err
	}
	f, _ := x.d.Field(field)
	switch {
	case x.d.Ordered(f) && !x.built(x.d, field):
		return "", false, errBuilding(op)
	case x.d.Ordered(f):
		return field, down, nil
	case field == x.d.Key && !x.d.sealed(f) && !down:
		return "", false, nil
	}
	return "", false, fault.New(fault.Invalid, op, "register.search.sort", "field", field)
}

// Ordered reports whether there is an index of the field in its order.
func (d *Definition) Ordered(f Field) bool { return f.By(Range) || f.By(Dates) && !d.sealed(f) }

// turned brings the index up to date with what has begun or ended by the passing of time, if that is little: the rest is
// the house's work each minute, not a reader's. Until then a record is found by what it was before, and shown as it is.
func (x *search) turned(ctx context.Context) error {
	due, err := store.All(ctx, x.db, scanID, turnsOf, x.d.ID, x.now)
	if err != nil || len(due) == 0 || len(due) > turnAtOnce {
		return err
	}
	_, err = x.turnSome(ctx, turnAtOnce)
	return err
}

// turnAtOnce is how many records a search turns.
const turnAtOnce = 20

// fits looks at a row: does it hold now, does the grant cover it, does it fit? The row is
// opened as far as needed.
func (x *search) fits(ctx context.Context, r row) (row, bool, error) {
	r, ok, err := x.inForce(ctx, x.db, r)
	if err != nil || !ok {
		return r, false, err
	}
	if !x.reach.all && !slices.Contains(x.reach.persons, x.d.personOf(r)) { // it was theirs until a moment ago
		return r, false, nil
	}
	var data map[string]any
	if x.glance || len(r.sealed) == 0 {
		if data, err = r.All(); err != nil {
			return r, false, err
		}
		if x.cond.holds(facts{data, len(r.sealed) > 0}) == no {
			return r, false, nil
		}
	}
	if len(r.sealed) > 0 {
		was := r.sealed
		if k, ok := x.ring[x.d.subject(r)]; ok {
			r, err = unseal(k, r)
		} else {
			r, err = x.open(ctx, x.db, x.d, r, x.need)
		}
		if err != nil {
			return r, false, err
		}
		if len(r.sealed) != len(was) {
			x.opened++
			if data, err = r.All(); err != nil {
				return r, false, err
			}
		}
	}
	return r, x.cond.holds(facts{data: data}) == yes, nil
}

// ringSize is for how many rows keys are asked for in one go: a page ends before all rows that were read are opened.
const ringSize = 50

// keys gets the keys of rows that will have to be opened, with one question for all of them.
func (x *search) keys(ctx context.Context, rows []row) error {
	x.ring = nil
	if !slices.ContainsFunc(x.need, x.d.needsSeal) {
		return nil
	}
	var subjects []string
	for _, r := range rows {
		if len(r.sealed) == 0 || !x.reach.all && !slices.Contains(x.reach.persons, x.d.personOf(r)) {
			continue
		}
		if x.glance {
			data, err := r.All()
			if err != nil {
				return err
			}
			if x.cond.holds(facts{data, true}) == no {
				continue
			}
		}
		subjects = append(subjects, x.d.subject(r))
	}
	if len(subjects) == 0 {
		return nil
	}
	slices.Sort(subjects)
	ring, fresh, err := x.vault.Keys(ctx, slices.Compact(subjects))
	for _, w := range fresh {
		delete(ring, w.Subject) // destroyed
	}
	x.ring = ring
	return err
}

// source gives rows by key after one: how far it has come, and whether that was all. It looks at
// more than it gives.
type source func(ctx context.Context, after string, n int) (rows []row, last string, done bool, err error)

// byKey is a page in the order of keys.
func (x *search) byKey(ctx context.Context, after cursor, n int) (out []row, next *cursor, err error) {
	from, err := x.source(ctx)
	if err != nil {
		return nil, nil, err
	}
	at := after.ID
	for chunk := n + 1; ; chunk = min(2*chunk, 512) {
		rows, last, done, err := from(ctx, at, chunk)
		if err != nil {
			return nil, nil, err
		}
		for i, r := range rows {
			if i%ringSize == 0 {
				if err := x.keys(ctx, rows[i:min(i+ringSize, len(rows))]); err != nil {
					return nil, nil, err
				}
			}
			id := r.ID
			r, ok, err := x.fits(ctx, r)
			if err != nil {
				return nil, nil, err
			}
			if ok {
				if len(out) == n {
					return out, &cursor{ID: out[n-1].ID}, nil
				}
				out = append(out, r)
			}
			if x.opened-len(out) >= maxOpened {
				return out, &cursor{ID: id}, nil
			}
		}
		if at = last; done {
			return out, nil, nil
		}
		if x.examined >= maxExamined {
			return out, &cursor{ID: at}, nil
		}
	}
}

// source is what drives the search. Who has fewer rights is driven by their persons.
func (x *search) source(ctx context.Context) (source, error) {
	if !x.reach.all {
		return x.ofPersons, nil
	}
	leads, err := x.weigh(ctx, "")
	if err != nil {
		return nil, err
	}
	switch {
	case leads.ids != nil:
		return x.listed(leads.ids), nil
	case leads.tokens != nil:
		return x.byTokens(leads.tokens, leads.also), nil
	}
	return x.scan, nil
}

// weighed is what is best to go by: keys that were named or gathered, or one of some tokens, of
// whose records others tell something more.
type weighed struct {
	ids    []string
	tokens []int64
	also   [][]int64
	count  int64 // of tokens, as far as they were counted
}

// weigh finds what is best to go by. Who walks along the order of a field has its span already.
func (x *search) weigh(ctx context.Context, order string) (weighed, error) {
	var options []weighed
	for _, l := range x.cond.leads {
		if len(l.ids) > 0 {
			ids := slices.Clone(l.ids)
			slices.Sort(ids)
			return weighed{ids: slices.Compact(ids)}, nil
		}
		if len(l.tokens) == 0 || len(options) == maxLeads {
			continue
		}
		o, err := x.counted(ctx, l.tokens)
		if err != nil {
			return weighed{}, err
		}
		options = append(options, o)
	}
	slices.SortStableFunc(options, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(a.count, b.count), cmp.Compare(len(a.tokens), len(b.tokens)))
	})
	var out weighed
	var ids []string
	gathered := false
	if len(options) > 0 {
		out = options[0]
		switch {
		case out.count >= maxWeighed:
		case len(out.tokens) == 1 && len(options) == 1:
			return out, nil
		default:
			var err error
			if ids, err = x.union(ctx, out.tokens); err != nil {
				return out, err
			}
			gathered, options = true, options[1:]
		}
	}
	if !gathered {
		var err error
		if ids, gathered, err = x.gathered(ctx, order); err != nil {
			return out, err
		}
	}
	if gathered { // what else is known of them the index tells sooner than the records
		for _, o := range options {
			if len(ids) > few && len(o.tokens) <= perSet {
				var err error
				if ids, err = x.having(ctx, ids, o.tokens); err != nil {
					return out, err
				}
			}
		}
		return weighed{ids: ids}, nil
	}
	for _, o := range options[min(1, len(options)):] {
		if len(o.tokens) <= perSet && len(out.also) < 2 {
			out.also = append(out.also, o.tokens)
		}
	}
	return out, nil
}

// few is how many records are read without asking the index first what else it knows of them.
const few = 8

// counted are the tokens of a lead, and how many records they lead to, as far as that is worth knowing.
func (x *search) counted(ctx context.Context, list []entry) (out weighed, err error) {
	for _, e := range list {
		t, err := x.token(x.d, e)
		if err != nil {
			return out, err
		}
		out.tokens = append(out.tokens, t)
	}
	slices.Sort(out.tokens)
	out.tokens = slices.Compact(out.tokens)
	for some := range slices.Chunk(out.tokens, tokensAtOnce) {
		if out.count >= maxWeighed {
			break
		}
		n, err := store.One(ctx, x.db, scanCount, countTokens, append(setOf(some, tokensAtOnce), maxWeighed)...)
		if err != nil {
			return out, err
		}
		out.count += n
	}
	return out, nil
}

// union are the ids of some tokens, which are few.
func (x *search) union(ctx context.Context, tokens []int64) ([]string, error) {
	ids := []string{}
	for some := range slices.Chunk(tokens, tokensAtOnce) {
		list, err := store.All(ctx, x.db, scanID, idsByTokens, setOf(some, tokensAtOnce)...)
		if err != nil {
			return nil, err
		}
		ids = append(ids, list...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func scanCount(s store.Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}

// gathered are the keys of the records in a part of an order or of the map, if they are few.
func (x *search) gathered(ctx context.Context, order string) (ids []string, ok bool, err error) {
	fewest := func(list []string) bool {
		slices.Sort(list)
		list = slices.Compact(list)
		if len(list) <= maxGathered && (!ok || len(list) < len(ids)) {
			ids, ok = list, true
			if ids == nil {
				ids = []string{}
			}
		}
		return ok
	}
	for _, l := range x.cond.leads {
		if len(l.cells) == 0 {
			continue
		}
		var list []string
		for _, c := range l.cells {
			some, err := store.All(ctx, x.db, scanID, idsByRange, x.d.ID, l.field, c, c+top, maxGathered+1-min(len(list), maxGathered))
			if err != nil {
				return nil, false, err
			}
			list = append(list, some...)
		}
		for some := range slices.Chunk(above(l.cells), atOnce) {
			more, err := store.All(ctx, x.db, scanID, idsByKeys, padded([]any{x.d.ID, l.field, maxGathered + 1}, some)...)
			if err != nil {
				return nil, false, err
			}
			list = append(list, more...)
		}
		fewest(list)
	}
	for _, f := range x.d.Fields {
		s, there := x.cond.spans[f.Name]
		if !there || !x.d.Ordered(f) || f.Name == order {
			continue
		}
		list, err := store.All(ctx, x.db, scanID, idsByRange, x.d.ID, f.Name, s.lo, s.hi+top, maxGathered+1)
		if s.hi == "" && err == nil && len(list) > maxGathered {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		fewest(list)
	}
	return ids, ok, nil
}

// scan goes through all records.
func (x *search) scan(ctx context.Context, after string, n int) ([]row, string, bool, error) {
	rows, err := store.All(ctx, x.db, scanRow, readableFrom, x.d.ID, after, n, x.reaches)
	x.examined += len(rows)
	if len(rows) > 0 {
		after = rows[len(rows)-1].ID
	}
	return rows, after, len(rows) < n, err
}

// ofPersons goes through the records about the persons of the grant.
func (x *search) ofPersons(ctx context.Context, after string, n int) ([]row, string, bool, error) {
	statement := readableOfPersons
	if x.d.Person == x.d.Key {
		statement = readableByIDs
	}
	var out []row
	for some := range slices.Chunk(x.reach.persons, atOnce) {
		rows, err := store.All(ctx, x.db, scanRow, statement, append(padded([]any{x.d.ID, after, n}, some), x.reaches)...)
		if err != nil {
			return nil, "", false, err
		}
		out = append(out, rows...)
	}
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(a.ID, b.ID) })
	done := len(out) < n
	out = out[:min(n, len(out))]
	x.examined += len(out)
	if len(out) > 0 {
		after = out[len(out)-1].ID
	}
	return out, after, done, nil
}

// listed goes through records whose keys are known, in order.
func (x *search) listed(ids []string) source {
	return func(ctx context.Context, after string, n int) ([]row, string, bool, error) {
		at, found := slices.BinarySearch(ids, after)
		if found {
			at++
		}
		some := ids[at:min(len(ids), at+n)]
		if len(some) == 0 {
			return nil, after, true, nil
		}
		x.examined += len(some)
		rows, err := x.rows(ctx, some)
		return rows, some[len(some)-1], at+len(some) == len(ids), err
	}
}

// rows are the records with these keys, in their order.
func (x *search) rows(ctx context.Context, ids []string) ([]row, error) {
	var out []row
	for some := range slices.Chunk(ids, atOnce) {
		rows, err := store.All(ctx, x.db, scanRow, readableByIDs, append(padded([]any{x.d.ID, "", atOnce}, some), x.reaches)...)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// byTokens goes through the records that have one of the tokens, and of each other set one too.
func (x *search) byTokens(tokens []int64, also [][]int64) source {
	// What each token is asked for in one go: together they are as many as wanted, or more where others fall out in the index.
	share := min(len(tokens), 2)
	if len(also) > 0 {
		share = 8
	}
	return func(ctx context.Context, after string, n int) ([]row, string, bool, error) {
		each := max(share*n/len(tokens), 8)
		var ids []string
		safe, done := "", true // how far every token has told all that it has
		for _, t := range tokens {
			some, last, count, err := x.next(ctx, t, also, after, each)
			if err != nil {
				return nil, "", false, err
			}
			x.examined += count
			if count == each {
				if done || last < safe {
					safe = last
				}
				done = false
			}
			ids = append(ids, some...)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if !done {
			ids = slices.DeleteFunc(ids, func(id string) bool { return id > safe })
		}
		if len(ids) > n {
			ids, done, safe = ids[:n], false, ids[n-1]
		}
		rows, err := x.rows(ctx, ids)
		return rows, safe, done, err
	}
}

// next are the next ids of a token that have one of each other set too: of so many that were looked at, up to the last.
func (x *search) next(ctx context.Context, token int64, also [][]int64, after string, n int) (ids []string, last string, count int, err error) {
	if len(also) == 0 {
		if ids, err = store.All(ctx, x.db, scanID, idsByToken, token, after, n); err == nil && len(ids) > 0 {
			last = ids[len(ids)-1]
		}
		return ids, last, len(ids), err
	}
	type end struct {
		id    string
		count int
	}
	e, err := store.One(ctx, x.db, func(s store.Scanner) (e end, err error) { return e, s.Scan(&e.id, &e.count) }, lastByToken, token, after, n)
	if err != nil || e.count == 0 {
		return nil, "", 0, err
	}
	statement, args := idsBySet, []any{token, after, e.id}
	if len(also) > 1 {
		statement = idsBySets
	}
	for _, set := range also {
		args = append(args, setOf(set, perSet)...)
	}
	ids, err = store.All(ctx, x.db, scanID, statement, args...)
	return ids, e.id, e.count, err
}

// having are those of some ids that have one of a set of tokens.
func (x *search) having(ctx context.Context, ids []string, set []int64) ([]string, error) {
	out := []string{}
	for some := range slices.Chunk(ids, atOnce) {
		list, err := store.All(ctx, x.db, scanID, idsHaving, padded(setOf(set, perSet), some)...)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// whole is all that a source has.
func whole(ctx context.Context, from source, n int) (out []row, err error) {
	for after, done := "", false; !done; {
		var rows []row
		if rows, after, done, err = from(ctx, after, n); err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// How many tokens a statement takes.
const (
	perSet       = 4
	tokensAtOnce = 8
)

// setOf fills the places of a set: with the last of it, if it has fewer.
func setOf(tokens []int64, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = tokens[min(i, len(tokens)-1)]
	}
	return out
}

// atOnce is how many values one statement takes.
const atOnce = 50

func padded(args []any, values []string) []any {
	for i := range atOnce {
		args = append(args, values[min(i, len(values)-1)])
	}
	return args
}

// sorted is a page in the order of a field.
func (x *search) sorted(ctx context.Context, field string, down bool, after cursor, n int) ([]row, *cursor, error) {
	if !x.reach.all {
		rows, _, done, err := x.ofPersons(ctx, "", maxSorted+1)
		if err == nil && !done {
			err = fault.New(fault.Invalid, "register.search", "register.search.tooMany", "max", maxSorted)
		}
		if err != nil {
			return nil, nil, err
		}
		return x.sort(ctx, rows, field, down, after, n)
	}
	w, err := x.weigh(ctx, field)
	if err != nil {
		return nil, nil, err
	}
	most := maxSorted
	if !slices.ContainsFunc(x.need, x.d.needsSeal) {
		most = maxOrdered
	}
	if w.tokens != nil && w.count < maxWeighed && int(w.count) <= most {
		rows, err := whole(ctx, x.byTokens(w.tokens, w.also), most)
		if err != nil {
			return nil, nil, err
		}
		return x.sort(ctx, rows, field, down, after, n)
	}
	if w.ids != nil && len(w.ids) <= most {
		rows, err := x.rows(ctx, w.ids)
		if err != nil {
			return nil, nil, err
		}
		return x.sort(ctx, rows, field, down, after, n)
	}
	return x.walk(ctx, field, down, after, n)
}

// place is where a record stands in an order.
type place struct {
	key string
	row row
}

func (c cursor) before(p place, down bool) bool {
	if c.Key != p.key {
		return (c.Key < p.key) != down
	}
	return c.ID != p.row.ID && (c.ID < p.row.ID) != down
}

// sort brings few records in order.
func (x *search) sort(ctx context.Context, rows []row, field string, down bool, after cursor, n int) ([]row, *cursor, error) {
	f, _ := x.d.Field(field)
	var list []place
	if err := x.keys(ctx, rows); err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		r, ok, err := x.fits(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			continue
		}
		data, err := r.All()
		if err != nil {
			return nil, nil, err
		}
		p := place{x.d.sortKey(f, textOf(data[field])), r}
		if after == (cursor{}) || after.before(p, down) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b place) int {
		c := cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.row.ID, b.row.ID))
		if down {
			return -c
		}
		return c
	})
	var next *cursor
	if len(list) > n {
		list = list[:n]
		next = &cursor{list[n-1].key, list[n-1].row.ID}
	}
	var out []row
	for _, p := range list {
		out = append(out, p.row)
	}
	return out, next, nil
}

// walk goes along the order of a field.
func (x *search) walk(ctx context.Context, field string, down bool, after cursor, n int) (out []row, next *cursor, err error) {
	statement := keysUp
	lo, hi := x.cond.spans[field].lo, x.cond.spans[field].hi+top
	if down {
		statement = keysDown
		if after == (cursor{}) {
			after.Key = top + top
		}
	}
	var last *cursor
	for chunk := n + 1; ; chunk = min(2*chunk, 512) {
		keys, err := store.All(ctx, x.db, func(s store.Scanner) (c cursor, err error) {
			err = s.Scan(&c.Key, &c.ID)
			return c, err
		}, statement, x.d.ID, field, lo, hi, after.Key, after.ID, chunk)
		if err != nil {
			return nil, nil, err
		}
		x.examined += len(keys)
		ids := make([]string, len(keys))
		for i, k := range keys {
			ids[i] = k.ID
		}
		rows, err := x.rows(ctx, ids)
		if err != nil {
			return nil, nil, err
		}
		if err := x.keys(ctx, rows); err != nil {
			return nil, nil, err
		}
		byID := make(map[string]row, len(rows))
		for _, r := range rows {
			byID[r.ID] = r
		}
		for _, k := range keys {
			after = k
			r, there := byID[k.ID]
			if !there {
				continue
			}
			r, ok, err := x.fits(ctx, r)
			if err != nil {
				return nil, nil, err
			}
			if ok {
				if len(out) == n {
					return out, last, nil
				}
				out = append(out, r)
				last = &cursor{k.Key, k.ID}
			}
			if x.opened-len(out) >= maxOpened {
				return out, &cursor{k.Key, k.ID}, nil
			}
		}
		if len(keys) < chunk {
			return out, nil, nil
		}
		if x.examined >= maxExamined {
			return out, &cursor{after.Key, after.ID}, nil
		}
	}
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

// A place in a list is what the last page has looked at last, for this query and nobody
// else's: it is signed, so that only what the house has given out comes back. It carries
// no rights: they are asked of the grant again.

type cursor struct {
	Key string `json:"k,omitempty"` // of the field that is sorted by
	ID  string `json:"i"`
}

func (s *Service) sign(g access.Grant, q Query, d *Definition, c string) (string, error) {
	a := g.Actor()
	b, err := json.Marshal([]string{string(a.Kind), a.ID, d.ID, q.Filter, q.Text, q.Sort, c})
	if err != nil {
		return "", err
	}
	return s.vault.Blind("=cursor", string(b))
}

func (s *Service) nextOf(g access.Grant, q Query, d *Definition, at cursor) (string, error) {
	b, err := json.Marshal(at)
	if err != nil {
		return "", err
	}
	c := base64.RawURLEncoding.EncodeToString(b)
	mac, err := s.sign(g, q, d, c)
	return c + "." + mac, err
}

func (s *Service) afterOf(g access.Grant, q Query, d *Definition) (cursor, error) {
	const op = "register.search"
	var out cursor
	if q.After == "" {
		return out, nil
	}
	c, mac, _ := strings.Cut(q.After, ".")
	want, err := s.sign(g, q, d, c)
	if err != nil {
		return out, err
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if subtle.ConstantTimeCompare([]byte(mac), []byte(want)) != 1 || err != nil || json.Unmarshal(b, &out) != nil {
		return cursor{}, fault.New(fault.Invalid, op, "register.search.place")
	}
	return out, nil
}
