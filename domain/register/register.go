// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"encoding/json"
	"strings"
	"time"

	"mercator/base/i18n"
	"mercator/base/person"

	"github.com/santhosh-tekuri/jsonschema/v6"
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
)

// Field is a declared field of a register.
type Field struct {
	Name   string `toml:"name"`
	Class  Class  `toml:"class"`
	Source string `toml:"source"` // where the city has it from
	Search Search `toml:"search"`
	Link   string `toml:"link"` // the register whose key it holds
	Due    bool   `toml:"due"`  // a day that is watched: the index holds it in order, in the clear
	// Through and Shows make it a view: what the record shows that the link leads to.
	Through string `toml:"through"`
	Shows   string `toml:"shows"`
	Title   Text   `toml:"title"`
}

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

	schema  *jsonschema.Schema
	matches []Field // those of Match
	byName  map[string]int
}

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
	Data      json.RawMessage
	ValidFrom time.Time // since when it is so; zero: since ever
	ValidTo   time.Time // until when; zero: for good
	ChangedAt time.Time // when the city came to know it
	ChangedBy string
	Reason    string
	Case      string
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

// Fact is one field of a record as a person reads it.
type Fact struct {
	Label i18n.Text
	Value string
}

// Facts are the fields of the i-th record, in declared order, without what only
// machines need (a field that is both internal and a key).
func (h Holding) Facts(i int) ([]Fact, error) {
	m, err := h.Records[i].All()
	if err != nil {
		return nil, err
	}
	var out []Fact
	for _, f := range h.Register.Fields {
		if f.Class == Internal && (f.Name == h.Register.Key || f.Link != "") || f.Name == h.Register.Person {
			continue
		}
		if v := textOf(m[f.Name]); v != "" {
			out = append(out, Fact{f.Title, v})
		}
	}
	return out, nil
}
