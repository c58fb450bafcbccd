// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/base/person"
	"mercator/core/store"
)

// How a record is found. Most ways to search are a question whether two values are alike
// in some form: written alike, beginning alike, sounding alike, in one month, with a word in
// common. Each is a token: a keyed hash, so that personal fields are found without standing
// anywhere in the clear, and public ones by the same statement. Order and place need what is
// in the clear (register_key), and so aren't there for personal fields; a personal date
// has tokens of its day, month and year, of which a span of time is a union.
//
// An index proposes, the record decides: what is found is held against the filter again.

// Forms of a value that a token is made of, beside the Search that compares it.
const (
	byDay   = "day"
	byMonth = "month"
	byYear  = "year"
	byWord  = "word"
)

// entry is one line of the index: a token, or a line of register_key (way Range or Places).
type entry struct {
	field string
	way   string // Search, or a form
	value string
}

func (e entry) plain() bool { return e.way == string(Range) || e.way == string(Places) }

// prefixes are the lengths, in characters, of beginnings that are indexed: a search takes
// the longest that isn't longer than what is looked for. Few, because each costs its place in
// the index of every resident, and tells somebody with the database how often it occurs.
var prefixes = [...]int{6, 4, 3}

// Bounds of what one record puts into the index.
const (
	maxParts = 4   // parts of a name
	maxWords = 400 // words of a text
)

func (d *Definition) indexed(text json.RawMessage, value func(string) string) prepared {
	n := prepared{row: row{Record: Record{Register: d.ID, ID: value(d.Key), Data: text}}}
	if d.Person != "" && d.Person != d.Key {
		n.person = value(d.Person)
	}
	add := func(field string, way Search, v string) {
		if v != "" {
			n.index = append(n.index, entry{field, string(way), v})
		}
	}
	var all map[string]any
	whole := func(field string) any {
		if all == nil {
			if all, _ = n.All(); all == nil {
				all = map[string]any{}
			}
		}
		return all[field]
	}
	var words []string
	for _, f := range d.Fields {
		if len(f.Ways) == 0 {
			continue
		}
		v := ""
		if f.Search != NoSearch || f.By(Range) || f.By(Dates) || f.By(Phonetic) {
			v = value(f.Name)
		}
		if f.Search != NoSearch {
			add(f.Name, f.Search, f.Search.fold(v))
		}
		if f.By(Prefix) {
			begin := []rune(f.beginning(v))
			for _, k := range prefixes {
				if len(begin) >= k {
					add(f.Name, Prefix, string(begin[:k]))
				}
			}
		}
		if f.By(Phonetic) {
			for _, code := range sounds(v) {
				add(f.Name, Phonetic, code)
			}
		}
		switch {
		case f.By(Range) || f.By(Dates) && !d.sealed(f):
			// A record without the field has its place in the order too: the first.
			n.index = append(n.index, entry{f.Name, string(Range), d.sortKey(f, v)})
		case f.By(Dates) && len(v) == len(time.DateOnly):
			add(f.Name, byDay, v)
			add(f.Name, byMonth, v[:7])
			add(f.Name, byYear, v[:4])
		}
		if f.By(Places) {
			if g, err := GeometryOf(whole(f.Name)); err == nil && g != nil {
				for _, cell := range cellsOf(g.Bound(), cellsStored) {
					add(f.Name, Places, cell)
				}
			}
		}
		if f.By(FullText) {
			words = append(words, wordsOf(whole(f.Name))...)
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	for _, w := range words[:min(len(words), maxWords)] {
		add("", byWord, w)
	}
	if v := matchValue(d.matches, value); v != "" {
		add(matchField, "", v)
	}
	return n
}

// beginning is the form of a value whose beginnings are compared.
func (f Field) beginning(v string) string {
	switch f.Search {
	case Exact, Plate:
		return f.Search.fold(v)
	case Street:
		return strings.ReplaceAll(person.Fold(v), " ", "")
	}
	return person.Fold(v)
}

// sounds are the codes of a name: of the whole, and of its parts.
func sounds(name string) []string {
	parts := strings.Fields(person.Fold(name))
	out := []string{person.Phonetic(name)}
	if len(parts) > 1 {
		for _, p := range parts[:min(len(parts), maxParts)] {
			out = append(out, person.Phonetic(p))
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(c string) bool { return c == "" })
}

// wordsOf are the words of a field, folded: a text, a list of texts, a text in several languages.
func wordsOf(v any) (out []string) {
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if depth > 4 || len(out) > maxWords {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for _, x := range v {
				walk(x, depth+1)
			}
		case []any:
			for _, x := range v {
				walk(x, depth+1)
			}
		default:
			for _, w := range strings.Fields(person.Fold(textOf(v))) {
				out = append(out, stem(w))
			}
		}
	}
	walk(v, 0)
	return out
}

// stem takes the endings of German plurals and cases from a long word, roughly: "Gaststätten" and
// "Gaststätte" are found by each other.
func stem(w string) string {
	if len(w) > maxIndexed {
		w = strings.ToValidUTF8(w[:maxIndexed], "")
	}
	for _, end := range [...]string{"en", "er", "es", "em", "e", "n", "s"} {
		if rest, ok := strings.CutSuffix(w, end); ok && utf8.RuneCountInString(rest) >= 5 {
			return rest
		}
	}
	return w
}

// sortKey is a value of a field as it stands in the order, byte by byte: numbers by
// size, moments in UTC, texts without case and accents.
func (d *Definition) sortKey(f Field, v string) string {
	if v == "" {
		return ""
	}
	switch d.Type(f.Name) {
	case "number", "integer":
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			return numberKey(x)
		}
		return ""
	case "boolean":
		return v
	}
	switch d.Format(f.Name) {
	case "date":
		return v
	case "date-time":
		return momentKey(v)
	}
	if v = person.Fold(v); len(v) > maxIndexed {
		v = v[:maxIndexed]
	}
	return v
}

// numberKey are the bits of a number turned so that they sort like it.
func numberKey(x float64) string {
	if x == 0 {
		x = 0 // not minus nought
	}
	bits := math.Float64bits(x)
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, bits))
}

func momentKey(v string) string {
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// token is the number under which an entry stands in the index.
func (s *Service) token(d *Definition, e entry) (int64, error) {
	return s.vault.Token(d.ID+"/"+e.field+"/"+e.way, e.value)
}

func (s *Service) addIndex(ctx context.Context, tx *store.Tx, d *Definition, id string, list []entry) error {
	return s.writeIndex(ctx, tx, d, id, list, insertFind, insertKey)
}

func (s *Service) dropIndex(ctx context.Context, tx *store.Tx, d *Definition, id string, list []entry) error {
	return s.writeIndex(ctx, tx, d, id, list, deleteFind, deleteKey)
}

func (s *Service) writeIndex(ctx context.Context, tx *store.Tx, d *Definition, id string, list []entry, find, key string) error {
	for _, e := range list {
		if e.plain() {
			if _, err := tx.Exec(ctx, key, d.ID, e.field, e.value, id); err != nil {
				return err
			}
			continue
		}
		t, err := s.token(d, e)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, find, t, id); err != nil {
			return err
		}
	}
	return nil
}

// reindex makes the index of a record that of another assertion; of a row without a
// register there is none.
func (s *Service) reindex(ctx context.Context, tx *store.Tx, d *Definition, old, next row) error {
	entries := func(r row) ([]entry, error) {
		if r.Register == "" {
			return nil, nil
		}
		r, err := s.open(ctx, tx, d, r, nil)
		if err != nil {
			return nil, err
		}
		return d.entriesOf(r.Data), nil
	}
	was, err := entries(old)
	if err != nil {
		return err
	}
	is, err := entries(next)
	if err != nil {
		return err
	}
	// The index of a record whose package has changed meanwhile may lack what it now should have.
	gone := slices.DeleteFunc(slices.Clone(was), func(e entry) bool { return slices.Contains(is, e) })
	if err := s.dropIndex(ctx, tx, d, old.ID, gone); err != nil {
		return err
	}
	fresh := slices.DeleteFunc(is, func(e entry) bool { return slices.Contains(was, e) })
	return s.writeIndex(ctx, tx, d, old.ID, fresh, findAgain, keyAgain)
}

// lines are the entries of many records as the arguments of insertFind and insertKey, in
// the order of the index, so that neighbours land on the same page.
func (s *Service) lines(rows []prepared) (find, key []any, err error) {
	type token struct {
		n  int64
		id string
	}
	var tokens []token
	var keys [][4]string
	for _, n := range rows {
		d, _ := s.regs.Get(n.Register)
		for _, e := range n.index {
			if e.plain() {
				keys = append(keys, [4]string{d.ID, e.field, e.value, n.ID})
				continue
			}
			t, err := s.token(d, e)
			if err != nil {
				return nil, nil, err
			}
			tokens = append(tokens, token{t, n.ID})
		}
	}
	slices.SortFunc(tokens, func(a, b token) int {
		switch {
		case a.n != b.n && a.n < b.n:
			return -1
		case a.n != b.n:
			return 1
		}
		return strings.Compare(a.id, b.id)
	})
	slices.SortFunc(keys, func(a, b [4]string) int { return slices.Compare(a[:], b[:]) })
	for _, t := range slices.Compact(tokens) { // by chance two values have one token
		find = append(find, t.n, t.id)
	}
	for _, k := range slices.Compact(keys) {
		key = append(key, k[0], k[1], k[2], k[3])
	}
	return find, key, nil
}

// indexForm counts the ways in which the index was ever written.
const indexForm = "1"

// declared is what the index of a register is built for.
func (d *Definition) declared() string {
	var b strings.Builder
	b.WriteString(indexForm)
	for _, f := range d.Fields {
		if len(f.Ways) > 0 {
			b.WriteString(" " + f.Name)
			for _, w := range f.Ways {
				b.WriteString("," + string(w))
			}
			if d.sealed(f) {
				b.WriteString("!")
			}
		}
	}
	return b.String() + " =" + strings.Join(d.Match, ",")
}

// buildBatch is how many records are indexed in one transaction.
const buildBatch = 500

// building is how far the index of a register is built, and for what.
type building struct {
	declared, last string
	done           int64
}

func (s *Service) buildOf(ctx context.Context, d *Definition) (building, error) {
	st, err := store.One(ctx, s.db, func(r store.Scanner) (st building, err error) {
		err = r.Scan(&st.declared, &st.last, &st.done)
		return st, err
	}, buildState, d.ID)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return st, err
}

// build makes the index of every register whose declaration has changed. It can be stopped
// and goes on where it was.
func (s *Service) build(ctx context.Context) error {
	for _, d := range s.regs.All() {
		st, err := s.buildOf(ctx, d)
		if err != nil {
			return err
		}
		if st.declared != d.declared() {
			if err := s.beginBuild(ctx, d, st.declared); err != nil {
				return err
			}
			if st, err = s.buildOf(ctx, d); err != nil {
				return err
			}
		}
		for st.done == 0 && st.declared == d.declared() {
			if st, err = s.buildSome(ctx, d, st); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginBuild begins the index of a register anew, once: of two who try, one does. What the old declaration has put into
// register_find stays and finds nothing any more, or something that is looked at again; an order must have no others.
func (s *Service) beginBuild(ctx context.Context, d *Definition, was string) error {
	old, want := builtFor(was), builtFor(d.declared())
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if n, err := tx.Exec(ctx, beginBuild, d.ID, d.declared(), was); err != nil || n == 0 {
			return err
		}
		if old == nil {
			_, err := tx.Exec(ctx, deleteKeys, d.ID)
			return err
		}
		for _, name := range sortedKeys(old) {
			if old[name] == want[name] {
				continue
			}
			if _, err := tx.Exec(ctx, deleteKeysOf, d.ID, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// buildSome indexes the next records, and tells how far it has come.
func (s *Service) buildSome(ctx context.Context, d *Definition, st building) (building, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := store.All(ctx, tx, scanRow, recordsFrom, d.ID, st.last, buildBatch)
		if err != nil {
			return err
		}
		if rows, err = s.openAll(ctx, tx, d, rows, nil); err != nil {
			return err
		}
		for _, r := range rows {
			if err := s.writeIndex(ctx, tx, d, r.ID, d.entriesOf(r.Data), findAgain, keyAgain); err != nil {
				return err
			}
		}
		next := building{declared: st.declared, last: st.last, done: 1}
		if len(rows) == buildBatch {
			next.last, next.done = rows[len(rows)-1].ID, 0
		}
		_, err = tx.Exec(ctx, setBuildState, d.ID, next.declared, next.last, next.done)
		if err == nil {
			st = next
		}
		return err
	})
	return st, err
}
