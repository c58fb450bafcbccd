// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"mercator/base/i18n"
	"mercator/base/person"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/unicode/norm"
)

// Text is a text in several languages.
type Text = i18n.Text

// Class says how much a field needs protection.
type Class string

// The classes.
const (
	Public   Class = "public"
	Internal Class = "internal"
	Personal Class = "personal"
	Special  Class = "special" // Art. 9 GDPR
)

// Search says how a field finds its record.
type Search string

// The ways to search. What isn't declared can't be searched.
const (
	NoSearch Search = ""
	Exact    Search = "exact"  // as written: ids, dates, codes
	Folded   Search = "fold"   // case, accents and umlauts don't count: names
	Street   Search = "street" // folded, and "Str." is "Straße"
	Plate    Search = "plate"  // only letters and digits count

	Prefix   Search = "prefix"   // by its beginning, beside exact, fold or street
	Phonetic Search = "phonetic" // by how it sounds: German names
	Dates    Search = "date"     // a date, and from … to; a personal one too
	Range    Search = "range"    // numbers, dates and texts from … to, and sorted by; nothing personal
	FullText Search = "text"     // by its words (Query.Text)
	Places   Search = "geo"      // a geometry, by where it lies; nothing personal
)

// Ways are the ways to search a field: one, or a list of several.
type Ways []Search

// UnmarshalTOML takes a text or a list of them.
func (w *Ways) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		t, ok := x.(string)
		if !ok {
			return fmt.Errorf("search is a text or a list of texts")
		}
		*w = append(*w, Search(t))
	}
	return nil
}

// Field is a declared field of a register.
type Field struct {
	Name   string `toml:"name"`
	Class  Class  `toml:"class"`
	Source string `toml:"source"` // where the city has it from: "own", a register, or one of [sources]
	Ways   Ways   `toml:"search"`
	Search Search `toml:"-"`    // the one of Ways that compares values: exact, fold, street, plate
	Link   string `toml:"link"` // the register whose key it holds

	Unit     string `toml:"unit"`     // of a number, as UCUM writes it: km, m2, kW
	Codes    string `toml:"codes"`    // the code list that its values are from: codes/NAME.toml of the package
	Geometry bool   `toml:"geometry"` // a GeoJSON geometry in WGS 84

	// Through and Shows make it a view: what the record shows that the link leads to.
	Through string `toml:"through"`
	Shows   string `toml:"shows"`
	Title   Text   `toml:"title"`
	// Synonyms are what else people call it, in any language: a form that asks for it under
	// such a name asks for what this register knows.
	Synonyms []string `toml:"synonyms"`
}

// By reports whether the field is searched in this way.
func (f Field) By(w Search) bool { return slices.Contains(f.Ways, w) }

// Definition is a register as its package declares it. It is immutable.
type Definition struct {
	ID          string   `toml:"id"`
	Office      string   `toml:"office"`
	Basis       string   `toml:"basis"`
	Retention   Text     `toml:"retention"`
	Purpose     Text     `toml:"purpose"`
	Title       Text     `toml:"title"`
	Description Text     `toml:"description"`
	Key         string   `toml:"key"`    // the field that names a record
	Person      string   `toml:"person"` // the field with the id of the person whom the record is about; empty: about nobody
	Public      bool     `toml:"public"`
	Match       []string `toml:"match"` // the fields that together identify a person who signs in
	Fields      []Field  `toml:"field"`

	Sources map[string]Source `toml:"sources"` // who else the city has fields from
	Keep    *Keep             `toml:"keep"`    // how long a record is kept, as a rule; nil: nobody erases by a rule

	schema  *jsonschema.Schema
	text    []byte  // of the schema
	matches []Field // those of Match
	coming  *coming // the version that is about to take its place and takes less; nil: none
	byName  map[string]int
	props   map[string]any       // the properties of the schema
	needed  map[string]bool      // those that a record must have
	lists   map[string]*CodeList // by field
}

// Schema is the JSON Schema of a record.
func (d *Definition) Schema() []byte { return slices.Clone(d.text) }

// Field is a field by its name.
func (d *Definition) Field(name string) (Field, bool) {
	i, ok := d.byName[name]
	if !ok {
		return Field{}, false
	}
	return d.Fields[i], true
}

// FieldNames lists the fields in declared order.
func (d *Definition) FieldNames() []string {
	out := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		out[i] = f.Name
	}
	return out
}

// Record is a thing that a register holds, in one of its versions.
type Record struct {
	Register  string
	ID        string
	Version   int64
	Last      int64 // the newest version of the record: greater if something is known about another time
	Data      json.RawMessage
	ValidFrom time.Time // since when it is so; zero: since ever
	ValidTo   time.Time // until when; zero: for good
	ChangedAt time.Time // when the city came to know it
	// Restricted is since when the record is restricted, if Own gives it; zero: it isn't.
	Restricted time.Time
	ChangedBy  string
	Reason     string
	Case       string
}

// All is the record's data as an object.
func (r Record) All() (map[string]any, error) {
	var all map[string]any
	err := json.Unmarshal(r.Data, &all)
	return all, err
}

// Fields is the record's data with only the named fields; nil stands for all. It is
// for who already holds the record: what somebody may see of it is cut by only.
func (r Record) Fields(names []string) (map[string]any, error) {
	if names == nil {
		return r.All()
	}
	return r.only(names)
}

// only is the record's data with the named fields: none named, none given.
func (r Record) only(names []string) (map[string]any, error) {
	all, err := r.All()
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(names))
	for _, n := range names {
		if v, ok := all[n]; ok {
			out[n] = v
		}
	}
	return out, nil
}

// Why is the reason of a change: who did it, why, in which case.
type Why struct {
	Who    string // empty: the grant's actor
	Reason string
	Case   string
	// From and To say for when it is so; zero: from now on, and for good.
	From, To time.Time
}

// Use is what a service wants to read about a person.
type Use struct {
	Register string
	Person   string
	Fields   []string
	One      bool // the register holds at most one record of a person: give it, not a list
}

// Holding is what one register holds about a person.
type Holding struct {
	Register *Definition
	Records  []Record
}

// fold is the form in which a value of a field is kept in the index.
func (s Search) fold(v string) string {
	switch s {
	case Exact:
		v = norm.NFC.String(v)
	case Folded:
		v = person.Fold(v)
	case Street:
		v = foldStreet(v)
	case Plate:
		v = foldPlate(v)
	}
	if len(v) > maxIndexed {
		v = v[:maxIndexed]
	}
	return v
}

// maxIndexed bounds an index entry; longer values are compared in this many bytes.
const maxIndexed = 200

func foldStreet(v string) string {
	v = person.Fold(v)
	for _, short := range [...]string{"str", "strase"} {
		if rest, ok := strings.CutSuffix(v, short); ok {
			v = rest + "strasse"
			break
		}
	}
	return strings.ReplaceAll(v, " ", "")
}

func foldPlate(v string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(v) {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == 'Ä' || r == 'Ö' || r == 'Ü' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// matchValue is the index entry of a person's identifying fields, or "" if one is missing.
func matchValue(fields []Field, value func(name string) string) string {
	var b strings.Builder
	for i, f := range fields {
		v := f.matchForm(value(f.Name))
		if v == "" {
			return ""
		}
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(v)
	}
	return b.String()
}

func (f Field) matchForm(v string) string {
	if f.Search == NoSearch || f.Search == Folded {
		return person.Fold(v)
	}
	return f.Search.fold(v)
}
