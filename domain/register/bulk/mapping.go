// SPDX-License-Identifier: EUPL-1.2

package bulk

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mercator/domain/register"
	"mercator/lang/feel"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Mapping says how a file becomes records. Without one, columns are called as the fields are.
type Mapping struct {
	Format string `toml:"format"` // csv, jsonl, xlsx, xml; empty: by the name of the file
	CSV    struct {
		Separator string `toml:"separator"` // empty: the one of , ; tab | that the first line has most of
		Encoding  string `toml:"encoding"`  // utf-8, windows-1252; empty: UTF-8 if all of the file is
		NoHeader  bool   `toml:"no_header"` // columns are called 1, 2, 3 …
	} `toml:"csv"`
	XLSX struct {
		Sheet  string `toml:"sheet"`  // empty: the first
		Header int    `toml:"header"` // the row with the names of the columns; default 1
	} `toml:"xlsx"`
	XML struct {
		Record string `toml:"record"` // the path of the element that is a record: /Export/Person
	} `toml:"xml"`
	Fields []FieldMapping `toml:"field"`
}

// FieldMapping says where one field comes from: exactly one of From, Value and FEEL.
type FieldMapping struct {
	To    string `toml:"to"`
	From  string `toml:"from"`  // a column; in JSON and XML a path: name.family, Name/Family, Name/@kind
	Value any    `toml:"value"` // the same for all
	FEEL  string `toml:"feel"`  // computed; row has the columns of the record

	Date      string            `toml:"date"`      // how dates are written: dd.mm.yyyy
	Decimal   string            `toml:"decimal"`   // "," if numbers are written as 1.234,5
	Split     string            `toml:"split"`     // what stands between the entries of a list
	Codes     map[string]string `toml:"codes"`     // what is written → the code
	OtherCode string            `toml:"otherwise"` // the code of what isn't among them; empty: a mistake
}

const maxMapping = 1 << 20

// ReadMapping reads a mapping file. It tells all mistakes at once.
func ReadMapping(text []byte) (*Mapping, error) {
	if len(text) > maxMapping {
		return nil, fmt.Errorf("the mapping is larger than %d bytes", maxMapping)
	}
	m := &Mapping{}
	meta, err := toml.Decode(string(text), m)
	if err != nil {
		return nil, err
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, k := range meta.Undecoded() {
		if len(k) < 2 || k[len(k)-2] != "value" { // a constant may be an object
			wrong("unknown key %s", k)
		}
	}
	if !slices.Contains([]string{"", "csv", "jsonl", "xlsx", "xml"}, m.Format) {
		wrong("format %q: want csv, jsonl, xlsx or xml", m.Format)
	}
	if s := m.CSV.Separator; s != "" && (utf8.RuneCountInString(s) != 1 || strings.ContainsAny(s, "\"\r\n\ufffd")) {
		wrong("csv.separator %q: want one character", s)
	}
	if !slices.Contains([]string{"", "utf-8", "windows-1252"}, strings.ToLower(m.CSV.Encoding)) {
		wrong("csv.encoding %q: want utf-8 or windows-1252", m.CSV.Encoding)
	}
	if m.XLSX.Header < 0 || m.XLSX.Header > 1000 {
		wrong("xlsx.header %d: want 1 to 1000", m.XLSX.Header)
	}
	if len(m.Fields) == 0 {
		wrong("no [[field]]: nothing would be taken")
	}
	to := map[string]bool{}
	for i, f := range m.Fields {
		name := f.To
		if name == "" {
			wrong("field %d lacks to: the field of the register", i+1)
			name = strconv.Itoa(i + 1)
		}
		if to[f.To] {
			wrong("field %s is there twice", name)
		}
		to[f.To] = true
		n := 0
		for _, has := range [...]bool{f.From != "", f.Value != nil, f.FEEL != ""} {
			if has {
				n++
			}
		}
		if n != 1 {
			wrong("field %s: want one of from, value and feel", name)
		}
		if f.Date != "" {
			if _, err := dateLayout(f.Date); err != nil {
				wrong("field %s: %w", name, err)
			}
		}
		if f.Decimal != "" && f.Decimal != "," && f.Decimal != "." {
			wrong("field %s: decimal %q: want a comma or a point", name, f.Decimal)
		}
		if f.FEEL != "" {
			if _, err := compile(f.FEEL); err != nil {
				wrong("field %s: %w", name, err)
			}
		}
	}
	return m, errors.Join(errs...)
}

func compile(text string) (*feel.Program, error) {
	p, err := feel.Compile(text, feel.Config{File: "mapping", Budget: feel.Budget{Steps: 100_000}})
	if err != nil {
		return nil, err
	}
	for _, name := range p.FreeNames() {
		if name != "row" && name != feel.Now {
			return nil, fmt.Errorf("the expression uses %s: want row.COLUMN, or get value(row, \"COLUMN\")", name)
		}
	}
	return p, nil
}

// dateLayout makes of dd.mm.yyyy what package time knows.
func dateLayout(s string) (string, error) {
	out := strings.NewReplacer("yyyy", "2006", "mm", "01", "dd", "02").Replace(strings.ToLower(s))
	if !strings.Contains(out, "2006") || !strings.Contains(out, "01") || !strings.Contains(out, "02") || len(s) > 20 {
		return "", fmt.Errorf("date %q: want day, month and year such as dd.mm.yyyy", s)
	}
	return out, nil
}

// plan is a mapping ready for the fields of one register.
type plan struct {
	def    *register.Definition
	rules  []rule
	from   []string // the columns that rules need, in order
	rows   bool     // an expression needs the whole row
	trim   bool     // there is a mapping; without one a cell is taken as it is
	unescd bool     // cells may have the apostrophe that our own exports put before formulas
	xlsx   bool
	epoch  time.Time // of the dates of a spreadsheet
	now    time.Time
}

type rule struct {
	FieldMapping
	col    int // in from; -1: none
	typ    string
	date   string // layout
	format string
	null   bool // what is empty is null, since the field must be there
	feel   *feel.Program
	value  any
}

// planFor makes the plan. columns are those of the file; nil: it has none of its own (JSON, XML).
func planFor(d *register.Definition, m *Mapping, columns []string) (*plan, error) {
	p := &plan{def: d, trim: m != nil}
	var errs []error
	fields := []FieldMapping(nil)
	if m != nil {
		fields = m.Fields
	}
	if fields == nil {
		for _, f := range d.FieldNames() {
			if columns == nil || slices.Contains(columns, f) {
				fields = append(fields, FieldMapping{To: f, From: f})
			}
		}
		for _, c := range columns {
			if _, ok := d.Field(c); !ok {
				errs = append(errs, fmt.Errorf("the file has the column %s, which is no field of %s: a mapping says what to do with it", clean(c), d.ID))
			}
		}
	}
	for _, f := range fields {
		if _, ok := d.Field(f.To); !ok {
			errs = append(errs, fmt.Errorf("register %s has no field %q", d.ID, f.To))
			continue
		}
		r := rule{FieldMapping: f, col: -1, typ: d.Type(f.To), format: d.Format(f.To), null: d.Needs(f.To) && d.Nullable(f.To)}
		if f.From != "" {
			if columns != nil && !slices.Contains(columns, f.From) {
				errs = append(errs, fmt.Errorf("the file has no column %q, from which %s comes", f.From, f.To))
			}
			r.col = len(p.from)
			p.from = append(p.from, f.From)
		}
		if f.Date != "" {
			r.date, _ = dateLayout(f.Date)
		}
		if f.FEEL != "" {
			var err error
			if r.feel, err = compile(f.FEEL); err != nil {
				errs = append(errs, err)
			}
			p.rows = true
		}
		if f.Value != nil {
			b, err := json.Marshal(f.Value)
			if err == nil {
				r.value, err = jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("field %s: value: %w", f.To, err))
			}
		}
		p.rules = append(p.rules, r)
	}
	for _, name := range d.FieldNames() {
		if d.Needs(name) && !slices.ContainsFunc(p.rules, func(r rule) bool { return r.To == name }) {
			errs = append(errs, fmt.Errorf("nothing gives %s, which every record of %s must have", name, d.ID))
		}
	}
	return p, errors.Join(errs...)
}

// clean is a name from a file as it can be printed.
func clean(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.Quote(s)
}

// record makes a record of a row. What is wrong with cells is in the mistakes; the schema
// isn't asked here.
func (p *plan) record(r row) (map[string]any, []register.Mistake) {
	out := make(map[string]any, len(p.rules))
	var bad []register.Mistake
	var run *feel.Run
	var context feel.Value
	for i := range p.rules {
		u := &p.rules[i]
		var v any
		switch {
		case u.feel != nil:
			if run == nil {
				run = feel.NewRun(feel.RunOptions{Now: p.now})
				context = feel.FromJSON(r.all)
			}
			x, err := u.feel.EvalIn(run, func(string) feel.Value { return context })
			if err != nil {
				bad = append(bad, register.Mistake{Field: u.To, Want: "an expression that ends within its budget"})
				continue
			}
			if v = feel.ToJSON(x); v == nil && !u.null {
				continue
			}
		case u.col < 0:
			v = u.value
		default:
			v = r.cells[u.col]
			if v == absent {
				continue
			}
			var want string
			if v, want = p.convert(u, v); want != "" {
				bad = append(bad, register.Mistake{Field: u.To, Want: want})
				continue
			}
			if v == absent {
				if u.null {
					out[u.To] = nil
				}
				continue
			}
		}
		out[u.To] = v
	}
	return out, bad
}

type none struct{}

// absent is the value of a cell that isn't there.
var absent any = none{}

var (
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?$`)
	yes        = []string{"true", "1", "ja", "yes", "j", "y", "wahr"}
	no         = []string{"false", "0", "nein", "no", "n", "falsch"}
)

// convert makes a cell a value of the field; want says what is expected if it can't be one.
func (p *plan) convert(u *rule, v any) (_ any, want string) {
	s, ok := v.(string)
	if !ok { // JSON has types of its own
		n, ok := v.(json.Number)
		if !ok || u.Codes == nil {
			return v, ""
		}
		s = n.String()
	}
	if p.unescd {
		s = unescape(s)
	}
	if p.trim {
		s = strings.TrimSpace(s)
	}
	if s == "" {
		return absent, ""
	}
	if u.Split != "" || u.typ == "array" && s[0] != '[' {
		sep := u.Split
		if sep == "" {
			return []any{s}, ""
		}
		var list []any
		for part := range strings.SplitSeq(s, sep) {
			x, want := p.one(u, strings.TrimSpace(part), "string")
			if want != "" {
				return nil, want
			}
			if x != absent {
				list = append(list, x)
			}
		}
		return list, ""
	}
	return p.one(u, s, u.typ)
}

func (p *plan) one(u *rule, s, typ string) (any, string) {
	if u.Codes != nil {
		c, ok := u.Codes[s]
		if !ok {
			if c = u.OtherCode; c == "" {
				return nil, "one of the " + strconv.Itoa(len(u.Codes)) + " codes of the mapping"
			}
		}
		s = c
	}
	if s == "" {
		return absent, ""
	}
	switch {
	case u.date != "":
		t, err := time.Parse(u.date, s)
		if err != nil {
			if d, ok := p.serial(s); ok {
				return d, ""
			}
			return nil, "a date written " + u.Date
		}
		return t.Format(time.DateOnly), ""
	case u.format == "date":
		if d, ok := p.serial(s); ok {
			return d, ""
		}
		return s, ""
	}
	switch typ {
	case "number", "integer":
		if u.Decimal == "," {
			s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
		}
		if !jsonNumber.MatchString(s) {
			return nil, "a number such as 1234" + map[bool]string{true: ".5"}[typ == "number"]
		}
		return json.Number(s), ""
	case "boolean":
		switch l := strings.ToLower(s); {
		case slices.Contains(yes, l):
			return true, ""
		case slices.Contains(no, l):
			return false, ""
		}
		return nil, "true or false"
	case "array", "object":
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(s))
		if err != nil {
			return nil, "JSON of type " + typ
		}
		return v, ""
	}
	return s, ""
}

// serial is the date of a spreadsheet's number.
func (p *plan) serial(s string) (string, bool) {
	if !p.xlsx {
		return "", false
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 1 || n > 2_958_465 || math.IsNaN(n) {
		return "", false
	}
	return p.epoch.AddDate(0, 0, int(n)).Format(time.DateOnly), true
}
