// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Value is a FEEL value: nil, bool, string, *apd.Decimal, Date, Time, DateTime, Span
// (days and time), Months (years and months), []Value, *Context, *Range or *Function.
// Values are never changed once they are made.
type Value = any

// Context is a FEEL context: entries in the order in which they were made. Contexts
// that were made alike share the names of their entries.
type Context struct {
	shape *shape
	vals  []Value
}

type shape struct {
	names []string
	index map[string]int // nil while the names are few
}

func newShape(names []string) *shape {
	s := &shape{names: names}
	if len(names) > 8 {
		s.index = make(map[string]int, len(names))
		for i, n := range names {
			s.index[n] = i
		}
	}
	return s
}

func (s *shape) find(name string) int {
	if s.index != nil {
		if i, ok := s.index[name]; ok {
			return i
		}
		return -1
	}
	return slices.Index(s.names, name)
}

// NewContext makes a context; names are different from each other.
func NewContext(names []string, vals []Value) *Context { return &Context{newShape(names), vals} }

// Get is the value of an entry.
func (c *Context) Get(name string) (Value, bool) {
	if i := c.shape.find(name); i >= 0 {
		return c.vals[i], true
	}
	return nil, false
}

// Names are the names of the entries, in order. The slice isn't to be changed.
func (c *Context) Names() []string { return c.shape.names }

// With is the context with an entry set.
func (c *Context) With(name string, v Value) *Context {
	if i := c.shape.find(name); i >= 0 {
		vals := slices.Clone(c.vals)
		vals[i] = v
		return &Context{c.shape, vals}
	}
	return NewContext(append(slices.Clone(c.shape.names), name), append(slices.Clone(c.vals), v))
}

// Range is a range; a nil end is an end that isn't there (">= 5").
type Range struct {
	Lo, Hi         Value
	OpenLo, OpenHi bool
	unsure         bool // the end that isn't there is written as null: nobody knows what lies on that side
}

// Function is a function as a value.
type Function struct {
	name    string
	params  []Param
	result  *Type
	body    code
	env     *frame
	slots   int
	builtin *builtin
	src     *function
	extern  func(args []Value) (Value, error)
}

// NewFunction makes a function of Go code, such as a decision service.
func NewFunction(name string, params []Param, result *Type, f func(args []Value) (Value, error)) *Function {
	return &Function{name: name, params: params, result: result, extern: f}
}

// Params are the parameters of a function that an author wrote; nil of a built-in one.
func (f *Function) Params() []Param { return f.params }

func (f *Function) typ() *Type {
	if f.builtin != nil {
		return f.builtin.typ()
	}
	t := &Type{Kind: KindFunction, Params: []*Type{}, Result: f.result}
	for _, p := range f.params {
		t.Params = append(t.Params, p.Type)
	}
	return t
}

// --- numbers: IEEE 754 decimal128, 34 digits, half even (10.3.2.3.1)

var decimal128 = apd.Context{Precision: 34, MaxExponent: 6144, MinExponent: -6143, Rounding: apd.RoundHalfEven}

var smalls = func() (out [1280]*apd.Decimal) {
	for i := range out {
		out[i] = apd.New(int64(i-256), 0)
	}
	return
}()

// small is the number of an integer, without an allocation while it is small.
func small(n int64) *apd.Decimal {
	if n >= -256 && n < 1024 {
		return smalls[n+256]
	}
	return apd.New(n, 0)
}

func isNumber(v Value) bool { _, ok := v.(*apd.Decimal); return ok }

// rounded is the result of an operation, or nil where it isn't a number that fits:
// division by zero, overflow and underflow, the root of a negative number.
func rounded(d *apd.Decimal, c apd.Condition, err error) Value {
	if err != nil || c.Overflow() || c.Underflow() || d.Form != apd.Finite {
		return nil
	}
	if d.Negative && d.Coeff.Sign() == 0 {
		d.Negative = false
	}
	return d
}

// maxDigits bounds the text of a number: none that fits needs more.
const maxDigits = 6200

// parseNumber reads a number literal.
func parseNumber(s string) (*apd.Decimal, bool) {
	if len(s) < 18 {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return small(n), true
		}
	}
	if len(s) > maxDigits {
		return nil, false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-') {
			return nil, false // apd reads "NaN" and "Infinity" as well
		}
	}
	d := new(apd.Decimal)
	if _, _, err := d.SetString(s); err != nil {
		return nil, false
	}
	c, err := decimal128.Round(d, d)
	v := rounded(d, c, err)
	if v == nil {
		return nil, false
	}
	return d, true
}

// integer is a number without a fraction that fits into 64 bits.
func integer(v Value) (int64, bool) {
	d, ok := v.(*apd.Decimal)
	if !ok {
		return 0, false
	}
	if d.Exponent == 0 && d.Coeff.IsInt64() {
		n := d.Coeff.Int64()
		if d.Negative {
			n = -n
		}
		return n, true
	}
	if d.Exponent > 18 {
		return 0, d.IsZero()
	}
	if d.Exponent < 0 {
		var whole, frac apd.Decimal
		d.Modf(&whole, &frac)
		if !frac.IsZero() {
			return 0, false
		}
		n, err := whole.Int64()
		return n, err == nil
	}
	n, err := d.Int64()
	return n, err == nil
}

// whole is a number without its fraction; ok where it fits into 64 bits.
func whole(d *apd.Decimal) (int64, bool) {
	if n, ok := integer(d); ok {
		return n, true
	}
	if d.Exponent >= 0 {
		return 0, false
	}
	var integ, frac apd.Decimal
	d.Modf(&integ, &frac)
	n, err := integ.Int64()
	return n, err == nil
}

func fromFloat(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return small(int64(f))
	}
	// A few places behind the point: the shortest way to write it is that many units.
	for places, unit := int32(1), 10.0; places <= 6; places, unit = places+1, unit*10 {
		if n := math.Round(f * unit); math.Abs(n) < 1<<53 && n/unit == f {
			return apd.New(int64(n), -places)
		}
	}
	d, ok := parseNumber(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return nil
	}
	return d
}

// numberText writes a number without an exponent, as it is, with its trailing zeros.
func numberText(d *apd.Decimal) string {
	if d.Exponent == 0 && d.Coeff.IsInt64() {
		n := d.Coeff.Int64()
		if d.Negative {
			n = -n
		}
		return strconv.FormatInt(n, 10)
	}
	return d.Text('f')
}

// --- texts

// quoted writes a text as a FEEL literal.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Text is the string() of a value (10.3.4.1).
func Text(v Value) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b strings.Builder
	write(&b, v, 0)
	return b.String()
}

const maxNest = 1000

func write(b *strings.Builder, v Value, depth int) {
	if depth > maxNest || b.Len() > maxText {
		return
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case string:
		b.WriteString(quoted(v))
	case *apd.Decimal:
		b.WriteString(numberText(v))
	case Date:
		b.WriteString(v.String())
	case Time:
		b.WriteString(v.String())
	case DateTime:
		b.WriteString(v.String())
	case Span:
		b.WriteString(v.String())
	case Months:
		b.WriteString(v.String())
	case []Value:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			write(b, x, depth+1)
		}
		b.WriteByte(']')
	case *Context:
		b.WriteByte('{')
		for i, n := range v.shape.names {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(key(n))
			b.WriteString(": ")
			write(b, v.vals[i], depth+1)
		}
		b.WriteByte('}')
	case *Range:
		switch {
		case v.Lo == nil && v.Hi != nil:
			b.WriteString(op("<", v.OpenHi))
			literal(b, v.Hi, depth)
		case v.Hi == nil && v.Lo != nil:
			b.WriteString(op(">", v.OpenLo))
			literal(b, v.Lo, depth)
		default:
			b.WriteString(map[bool]string{true: "(", false: "["}[v.OpenLo])
			literal(b, v.Lo, depth)
			b.WriteString("..")
			literal(b, v.Hi, depth)
			b.WriteString(map[bool]string{true: ")", false: "]"}[v.OpenHi])
		}
	case *Function:
		b.WriteString("function(")
		for i, p := range v.params {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.Name)
		}
		b.WriteString(")")
	}
}

func op(s string, open bool) string {
	if open {
		return s + " "
	}
	return s + "= "
}

// literal writes a value so that FEEL reads it back.
func literal(b *strings.Builder, v Value, depth int) {
	switch v.(type) {
	case Date, Time, DateTime, Span, Months:
		b.WriteString(`@"` + Text(v) + `"`)
	default:
		write(b, v, depth)
	}
}

// key writes the name of an entry, in quotes where it isn't a plain name.
func key(n string) string {
	for _, w := range words(n) {
		for i, r := range w {
			if i == 0 && !nameStart(r) || !namePart(r) {
				return quoted(n)
			}
		}
		if keyword(w) {
			return quoted(n)
		}
	}
	if n == "" || oneSpace(n) != n {
		return quoted(n)
	}
	return n
}
