// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// What a package says about its fields beyond class and search: units, code lists, sources,
// geometry, and for how long a record is kept.

// Source is who else the city has a field from, and who therefore is right if two differ.
type Source struct {
	Title Text   `toml:"title"`
	URL   string `toml:"url"`
}

// Keep is a retention rule that a machine can follow.
type Keep struct {
	After  string `toml:"after"`  // "ended": when the record ended; or a field that holds a date
	Period string `toml:"period"` // an ISO 8601 duration of years, months and days: P5Y
	Basis  string `toml:"basis"`  // the law that says so

	years, months, days int
}

// AfterEnd is the rule of a record that counts from its end.
const AfterEnd = "ended"

// CodeList is a list of codes in the manner of XRepository: named, versioned, each code
// valid for a time. A code is never taken away, its validity ends.
type CodeList struct {
	URN     string `toml:"urn"`
	Version string `toml:"version"`
	Title   Text   `toml:"title"`
	Codes   []Code `toml:"code"`
	File    string `toml:"file"` // a CSV beside it with the codes: code,de,en,tr,valid_from,valid_until

	byCode map[string]int
}

// Code is one of a list.
type Code struct {
	Code  string `toml:"code"`
	Title Text   `toml:"title"`
	From  string `toml:"valid_from"`  // a day; empty: since ever
	Until string `toml:"valid_until"` // the last day; empty: for good
}

// Has is the code, and whether the list has it.
func (l *CodeList) Has(code string) (Code, bool) {
	i, ok := l.byCode[code]
	if !ok {
		return Code{}, false
	}
	return l.Codes[i], true
}

// On reports whether the code can be used on a day.
func (c Code) On(day string) bool {
	return (c.From == "" || c.From <= day) && (c.Until == "" || day <= c.Until)
}

// CodeList is the list that a field's values are from, nil if they are free.
func (d *Definition) CodeList(field string) *CodeList { return d.lists[field] }

const maxCodes = 20_000

var (
	period   = regexp.MustCompile(`^P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?$`)
	unitName = regexp.MustCompile(`^[A-Za-z0-9%./*^\[\]_-]{1,20}$`)
	listName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,60}\.toml$`)
	listFile = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,60}\.csv$`)
)

// keepShape remembers what the schema says about each field.
func (d *Definition) keepShape(root map[string]any) {
	d.props, _ = root["properties"].(map[string]any)
	d.needed = map[string]bool{}
	list, _ := root["required"].([]any)
	for _, v := range list {
		if name, ok := v.(string); ok {
			d.needed[name] = true
		}
	}
}

// declare checks units, code lists, geometry, sources and the retention rule.
func (d *Definition) declare(fsys fs.FS, folder string) error {
	var errs []error
	name := path.Join(folder, "register.toml")
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
	}
	d.lists = map[string]*CodeList{}
	seen := map[string]*CodeList{}
	for _, f := range d.Fields {
		if f.Unit != "" {
			if t := d.Type(f.Name); t != "number" && t != "integer" {
				wrong("field %s has the unit %s, but its schema says %q: only numbers have units", f.Name, f.Unit, t)
			}
			if !unitName.MatchString(f.Unit) {
				wrong("field %s has the unit %q: want it as UCUM writes it, such as km or m2", f.Name, f.Unit)
			}
		}
		if f.Geometry && d.Type(f.Name) != "object" {
			wrong("field %s is a geometry, so its schema must be an object", f.Name)
		}
		if f.Codes == "" {
			continue
		}
		if t := d.Type(f.Name); t != "string" && t != "array" {
			wrong("field %s has a code list, but its schema says %q: codes are texts, or a list of them", f.Name, t)
		}
		l := seen[f.Codes]
		if l == nil {
			var err error
			if l, err = loadCodes(fsys, folder, f.Codes); err != nil {
				errs = append(errs, err)
				continue
			}
			seen[f.Codes] = l
		}
		d.lists[f.Name] = l
	}
	for _, id := range sortedKeys(d.Sources) {
		if !identifier.MatchString(id) || id == "own" {
			wrong("source name %q", id)
		}
		if d.Sources[id].Title["de"] == "" {
			wrong("source %s lacks its title in de", id)
		}
	}
	if d.Keep != nil {
		if err := d.Keep.read(d); err != nil {
			wrong("%w", err)
		}
	}
	return errors.Join(errs...)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// checkSource holds a field's source against what there is.
func (rs *Registers) checkSource(d *Definition, f Field) error {
	_, named := d.Sources[f.Source]
	switch {
	case f.Source == "":
		return fmt.Errorf("%s/register.toml: field %s lacks its source: own, a register, or one of [sources]", d.ID, f.Name)
	case f.Source == "own" || named || rs.held.Load().byID[f.Source] != nil:
		return nil
	}
	return fmt.Errorf("%s/register.toml: field %s has the source %q, which is neither own, nor a register, nor one of [sources]", d.ID, f.Name, f.Source)
}

func (k *Keep) read(d *Definition) error {
	m := period.FindStringSubmatch(k.Period)
	if m == nil || k.Period == "P" {
		return fmt.Errorf("keep.period %q: want years, months and days such as P5Y or P1Y6M", k.Period)
	}
	k.years, _ = strconv.Atoi(m[1])
	k.months, _ = strconv.Atoi(m[2])
	k.days, _ = strconv.Atoi(m[3])
	if k.Basis == "" {
		return errors.New("keep.basis is missing: the law that says how long")
	}
	if k.After == AfterEnd {
		return nil
	}
	if p, _ := d.props[k.After].(map[string]any); p["format"] != "date" {
		return fmt.Errorf("keep.after %q: want %q, or a field whose schema has the format date", k.After, AfterEnd)
	}
	return nil
}

// Due is the moment from which a record needn't be kept that the rule counts for from another: the day of
// that doesn't count, and the last day is kept as a whole (§§ 187, 188 BGB).
func (k *Keep) Due(from time.Time) time.Time {
	y, m, d := from.Date()
	return time.Date(y+k.years, m+time.Month(k.months), d+k.days+1, 0, 0, 0, 0, from.Location())
}

func loadCodes(fsys fs.FS, folder, file string) (*CodeList, error) {
	if !listName.MatchString(file) {
		return nil, fmt.Errorf("%s/register.toml: codes %q: want the name of a file of the folder codes, such as fuel.toml", folder, file)
	}
	name := path.Join(folder, "codes", file)
	text, err := readBounded(fsys, name)
	if err != nil {
		return nil, err
	}
	l := &CodeList{}
	meta, err := toml.Decode(string(text), l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
	}
	for _, k := range meta.Undecoded() {
		wrong("unknown key %s", k)
	}
	if l.URN == "" || l.Version == "" {
		wrong("urn and version are needed: so a code list is cited")
	}
	if l.File != "" {
		if len(l.Codes) > 0 || !listFile.MatchString(l.File) {
			wrong("file %q: want a name such as nations.csv, and no [[code]] beside it", l.File)
		} else if l.Codes, err = readCodes(fsys, path.Join(folder, "codes", l.File)); err != nil {
			errs = append(errs, err)
		}
	}
	if len(l.Codes) == 0 || len(l.Codes) > maxCodes {
		wrong("has %d codes: want 1 to %d", len(l.Codes), maxCodes)
	}
	l.byCode = make(map[string]int, len(l.Codes))
	for i, c := range l.Codes {
		if _, twice := l.byCode[c.Code]; twice || c.Code == "" {
			wrong("code %q is empty or there twice", c.Code)
		}
		l.byCode[c.Code] = i
		if c.Title["de"] == "" {
			wrong("code %s lacks its title in de", c.Code)
		}
		for _, day := range [...]string{c.From, c.Until} {
			if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
				wrong("code %s: %q is no day such as 2026-01-31", c.Code, day)
			}
		}
		if c.From != "" && c.Until != "" && c.Until < c.From {
			wrong("code %s ends before it begins", c.Code)
		}
	}
	return l, errors.Join(errs...)
}

func readCodes(fsys fs.FS, name string) ([]Code, error) {
	text, err := readBounded(fsys, name)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], []string{"code", "de", "en", "tr", "valid_from", "valid_until"}) {
		return nil, fmt.Errorf("%s: the first line must be code,de,en,tr,valid_from,valid_until", name)
	}
	var out []Code
	for _, r := range rows[1:] {
		c := Code{Code: r[0], Title: Text{"de": r[1]}, From: r[4], Until: r[5]}
		for i, lang := range [...]string{"en", "tr"} {
			if r[2+i] != "" {
				c.Title[lang] = r[2+i]
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// Type is the JSON type of a field by its schema, without null; "" if it may be several.
func (d *Definition) Type(field string) string {
	p, _ := d.props[field].(map[string]any)
	switch t := p["type"].(type) {
	case string:
		return t
	case []any:
		one := ""
		for _, v := range t {
			if v == "null" {
				continue
			}
			if one != "" {
				return ""
			}
			one, _ = v.(string)
		}
		return one
	}
	return ""
}

// Nullable reports whether the schema lets a field be null.
func (d *Definition) Nullable(field string) bool {
	p, _ := d.props[field].(map[string]any)
	list, _ := p["type"].([]any)
	return slices.Contains(list, any("null"))
}

// Format is the format of a text field by its schema: date, email, uri … or "".
func (d *Definition) Format(field string) string {
	p, _ := d.props[field].(map[string]any)
	f, _ := p["format"].(string)
	return f
}

// Needs reports whether a record must have the field.
func (d *Definition) Needs(field string) bool { return d.needed[field] }

// Mistake is what is wrong with one field of a record. It never holds the value.
type Mistake struct {
	Field string
	Want  string // what is expected
}

// Mistakes are all that is wrong with a record, as a clerk can read it: data is an object as
// package jsonschema has it (numbers are json.Number).
func (d *Definition) Mistakes(data map[string]any) []Mistake {
	var out []Mistake
	if err := d.schema.Validate(data); err != nil {
		out = d.mistakes(err)
	}
	out = append(out, d.codeMistakes(data)...)
	if len(out) == 0 && textOf(data[d.Key]) == "" {
		out = append(out, Mistake{d.Key, "the key of the record"})
	}
	return out
}

func (d *Definition) codeMistakes(data map[string]any) []Mistake {
	var out []Mistake
	for _, f := range d.Fields {
		l := d.lists[f.Name]
		if l == nil {
			continue
		}
		list, ok := data[f.Name].([]any)
		if !ok {
			list = []any{data[f.Name]}
		}
		for _, v := range list {
			if v == nil {
				continue
			}
			if code, ok := v.(string); !ok || !l.known(code) {
				out = append(out, Mistake{f.Name, "a code of " + l.URN + l.some()})
				break
			}
		}
	}
	return out
}

func (l *CodeList) known(code string) bool {
	_, ok := l.byCode[code]
	return ok
}

// some names the codes of a short list.
func (l *CodeList) some() string {
	if len(l.Codes) > 12 {
		return ""
	}
	var codes []string
	for _, c := range l.Codes {
		codes = append(codes, c.Code)
	}
	return ": " + strings.Join(codes, ", ")
}

func (d *Definition) checkCodes(data map[string]any) error {
	list := d.codeMistakes(data)
	if len(list) == 0 {
		return nil
	}
	e := &BrokenError{Register: d.ID}
	var fields []string
	for _, m := range list {
		fields = append(fields, m.Field+" (want "+m.Want+")")
		e.Places = append(e.Places, Place{"/" + m.Field, "codes"})
	}
	e.text = fmt.Sprintf("a record of %s has codes that aren't in their lists: %s", d.ID, strings.Join(fields, "; "))
	return e
}

// expired are the fields in which a record comes to have a code that isn't in use on the day
// any more, or not yet. A record may keep one that it has.
func (d *Definition) expired(old, data json.RawMessage, day string) error {
	if len(d.lists) == 0 {
		return nil
	}
	var was, is map[string]any
	if len(old) > 0 {
		if err := json.Unmarshal(old, &was); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(data, &is); err != nil {
		return err
	}
	var fields []string
	for _, f := range d.Fields {
		l := d.lists[f.Name]
		if l == nil {
			continue
		}
		codes, before := codesOf(is[f.Name]), codesOf(was[f.Name])
		for _, code := range codes {
			if c, ok := l.Has(code); ok && !c.On(day) && !slices.Contains(before, code) {
				fields = append(fields, f.Name)
				break
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	e := &BrokenError{Register: d.ID, text: fmt.Sprintf("a record of %s would get codes that aren't in use on %s, in %s", d.ID, day, strings.Join(fields, ", "))}
	for _, f := range fields {
		e.Places = append(e.Places, Place{"/" + f, "codes"})
	}
	return e
}

func codesOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// mistakes says what a schema expects, field by field. The values stay out of it.
func (d *Definition) mistakes(err error) []Mistake {
	v, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return []Mistake{{"", "a record as its schema says"}}
	}
	var out []Mistake
	add := func(field, want string) {
		if m := (Mistake{field, want}); len(out) < maxFields && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		field, inside := "", ""
		if at := e.InstanceLocation; len(at) > 0 {
			field = at[0]
			if len(at) > 1 {
				inside = " at " + strings.Join(at[1:], "/")
			}
		}
		if _, known := d.Field(field); field != "" && !known {
			field, inside = "", "" // it isn't ours to repeat what somebody wrote
		}
		switch k := e.ErrorKind.(type) {
		case *kind.Required:
			for _, name := range k.Missing {
				if field == "" {
					add(name, "a value: it is missing")
				} else {
					add(field, "a value for "+name+inside)
				}
			}
			return
		case *kind.AdditionalProperties:
			if field == "" {
				add("", "only fields that the register declares")
				return
			}
		case *kind.AnyOf, *kind.OneOf:
			add(field, "one of the forms that the schema allows"+inside)
			return
		}
		if len(e.Causes) == 0 {
			add(field, wanted(e.ErrorKind)+inside)
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(v)
	return out
}

func wanted(e jsonschema.ErrorKind) string {
	switch k := e.(type) {
	case *kind.Type:
		return "a value of type " + strings.Join(k.Want, " or ")
	case *kind.Format:
		return "the format " + k.Want
	case *kind.Pattern:
		return "the form " + k.Want
	case *kind.Enum:
		var list []string
		for i, v := range k.Want {
			if i == 20 {
				list = append(list, "…")
				break
			}
			list = append(list, fmt.Sprint(v))
		}
		return "one of " + strings.Join(list, ", ")
	case *kind.Const:
		return fmt.Sprintf("the value %v", k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("at most %d characters", k.Want)
	case *kind.Minimum:
		return "at least " + k.Want.RatString()
	case *kind.Maximum:
		return "at most " + k.Want.RatString()
	case *kind.ExclusiveMinimum:
		return "more than " + k.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "less than " + k.Want.RatString()
	case *kind.MultipleOf:
		return "a multiple of " + k.Want.RatString()
	case *kind.MinItems:
		return fmt.Sprintf("at least %d entries", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("at most %d entries", k.Want)
	case *kind.UniqueItems:
		return "entries that are all different"
	}
	return "what the schema says (" + strings.Join(e.KeywordPath(), "/") + ")"
}
