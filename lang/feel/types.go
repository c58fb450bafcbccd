// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"math"
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Kind is the sort of a type.
type Kind uint8

// The kinds of FEEL (DMN 1.5, 10.3.2.2).
const (
	KindAny Kind = iota
	KindNull
	KindNumber
	KindString
	KindBoolean
	KindDate
	KindTime
	KindDateTime
	KindSpan   // days and time duration
	KindMonths // years and months duration
	KindList
	KindRange
	KindContext
	KindFunction
	KindUnknown // a name that no type has
)

// Type is a FEEL type. A nil Type, and one of KindAny, is any value.
type Type struct {
	Kind    Kind
	Name    string                 // of a type that an author named
	Elem    *Type                  // of a list or range
	Fields  []Param                // of a context
	Params  []*Type                // of a function; nil: any
	Result  *Type                  // of a function
	Allow   func(*Run, Value) bool // the allowed values that an author set; nil: all
	Allowed Node                   // and as they are written
}

// The simple types.
var (
	TypeAny      = &Type{Kind: KindAny}
	TypeNull     = &Type{Kind: KindNull}
	TypeNumber   = &Type{Kind: KindNumber}
	TypeString   = &Type{Kind: KindString}
	TypeBoolean  = &Type{Kind: KindBoolean}
	TypeDate     = &Type{Kind: KindDate}
	TypeTime     = &Type{Kind: KindTime}
	TypeDateTime = &Type{Kind: KindDateTime}
	TypeSpan     = &Type{Kind: KindSpan}
	TypeMonths   = &Type{Kind: KindMonths}
)

var kindNames = [...]string{"Any", "Null", "number", "string", "boolean", "date", "time", "date and time", "days and time duration",
	"years and months duration", "list", "range", "context", "function", "unknown type"}

func (k Kind) String() string { return kindNames[k] }

func (t *Type) kind() Kind {
	if t == nil {
		return KindAny
	}
	return t.Kind
}

// bare is a list, range, context or function that doesn't say of what, which is no type
// (table 61).
func (t *Type) bare() bool {
	if t == nil || t.Name != "" {
		return false
	}
	switch t.Kind {
	case KindList, KindRange:
		return t.Elem == nil
	case KindContext:
		return t.Fields == nil
	case KindFunction:
		return t.Params == nil
	}
	return false
}

func (t *Type) fields() []Param {
	if t == nil || t.Kind != KindContext {
		return nil
	}
	return t.Fields
}

func (t *Type) field(name string) *Type {
	for _, f := range t.fields() {
		if f.Name == name {
			return f.Type
		}
	}
	return nil
}

// String writes a type as FEEL does, for a message: of a large one the begin. What is
// found out about values may share its parts, and would be endless written out.
func (t *Type) String() string {
	left := 40
	return t.write(&left)
}

// whole is all of a type that stands in an expression, which bounds it.
func (t *Type) whole() string {
	left := math.MaxInt
	return t.write(&left)
}

func (t *Type) write(left *int) string {
	*left--
	list := func(n int, part func(i int) string) string {
		var p []string
		for i := range n {
			if *left <= 0 {
				p = append(p, "…")
				break
			}
			p = append(p, part(i))
		}
		return strings.Join(p, ", ")
	}
	switch {
	case t == nil:
		return "Any"
	case t.Name != "":
		return t.Name
	case *left < 0:
		return "…"
	case t.Kind == KindList && t.Elem != nil, t.Kind == KindRange && t.Elem != nil:
		return t.Kind.String() + "<" + t.Elem.write(left) + ">"
	case t.Kind == KindContext && t.Fields != nil:
		return "context<" + list(len(t.Fields), func(i int) string { return t.Fields[i].Name + ": " + t.Fields[i].Type.write(left) }) + ">"
	case t.Kind == KindFunction && t.Params != nil:
		return "function<" + list(len(t.Params), func(i int) string { return t.Params[i].write(left) }) + "> -> " + t.Result.write(left)
	}
	return t.Kind.String()
}

// TypeNamed is the built-in type of a name ("number", "date and time" …), or nil.
func TypeNamed(name string) *Type { return typeNames[name] }

// Fits says whether values of t may be ones of u after the conversions of 10.3.2.9.4,
// as far as that is known: what isn't known fits.
func (t *Type) Fits(u *Type) bool { return t.fits(u, nil) }

func (t *Type) fits(u *Type, seen map[pair]bool) bool {
	switch {
	case !known(t.kind()) || !known(u.kind()):
		return true
	case t.Kind == KindDate && u.Kind == KindDateTime:
		return true
	case t.Kind == KindList && u.Kind != KindList:
		return t.Elem.fits(u, seen)
	case t.Kind != KindList && u.Kind == KindList:
		return t.fits(u.Elem, seen)
	case t.Kind != u.Kind:
		return false
	case seen[pair{t, u}]:
		return true
	}
	if seen == nil {
		seen = map[pair]bool{}
	}
	seen[pair{t, u}] = true
	switch t.Kind {
	case KindList, KindRange:
		return t.Elem.fits(u.Elem, seen)
	case KindContext:
		for _, f := range u.Fields {
			if t.Fields != nil && !slices.ContainsFunc(t.Fields, func(g Param) bool { return g.Name == f.Name && g.Type.fits(f.Type, seen) }) {
				return false
			}
		}
	}
	return true
}

// TypeOf is the type of a value; the items of a list are taken to be like the first.
func TypeOf(v Value) *Type {
	switch v := v.(type) {
	case []Value:
		if len(v) == 0 {
			return nil
		}
		return listType(TypeOf(v[0]))
	case *Context:
		t := &Type{Kind: KindContext, Fields: make([]Param, len(v.vals))}
		for i, n := range v.shape.names {
			t.Fields[i] = Param{n, TypeOf(v.vals[i])}
		}
		return t
	}
	return typeOfValue(v)
}

// kindOf is the kind of a value.
func kindOf(v Value) Kind {
	switch v.(type) {
	case nil:
		return KindNull
	case *apd.Decimal:
		return KindNumber
	case string:
		return KindString
	case bool:
		return KindBoolean
	case Date:
		return KindDate
	case Time:
		return KindTime
	case DateTime:
		return KindDateTime
	case Span:
		return KindSpan
	case Months:
		return KindMonths
	case []Value:
		return KindList
	case *Range:
		return KindRange
	case *Context:
		return KindContext
	case *Function:
		return KindFunction
	}
	return KindUnknown
}

// Has says whether a value conforms to the type. A null conforms to every type where
// nullable is set, which is so for typed variables and not for "instance of". Allowed
// values are tested in the run.
func (t *Type) Has(r *Run, v Value, nullable bool) bool {
	if v == nil {
		return nullable || t.kind() == KindNull
	}
	if t == nil {
		return true
	}
	if t.Elem != nil || t.Fields != nil {
		if r.st.depth++; r.st.depth > maxNest {
			panic(overBudget{"a value is nested too deeply"})
		}
		r.st.step()
		defer func() { r.st.depth-- }()
	}
	switch t.Kind {
	case KindAny:
	case KindList:
		l, ok := v.([]Value)
		if !ok {
			return false
		}
		if t.Elem != nil {
			r.st.spend(len(l) >> 3)
			for _, x := range l {
				if !t.Elem.Has(r, x, true) {
					return false
				}
			}
		}
	case KindRange:
		g, ok := v.(*Range)
		if !ok || t.Elem != nil && (g.Lo != nil && !t.Elem.Has(r, g.Lo, false) || g.Hi != nil && !t.Elem.Has(r, g.Hi, false)) {
			return false
		}
	case KindContext:
		c, ok := v.(*Context)
		if !ok {
			return false
		}
		for _, f := range t.Fields {
			x, has := c.Get(f.Name)
			if !has || !f.Type.Has(r, x, true) {
				return false
			}
		}
	case KindFunction:
		f, ok := v.(*Function)
		if !ok || t.Params != nil && !f.typ().Is(t) {
			return false
		}
	default:
		if kindOf(v) != t.Kind {
			return false
		}
	}
	return t.Allow == nil || t.Allow(r, v)
}

// Is says whether every value of t is one of u: "conforms to" of 10.3.2.9.
func (t *Type) Is(u *Type) bool { return t.is(u, nil) }

// pair are two types that are being compared: types may hold themselves.
type pair struct{ t, u *Type }

func (t *Type) is(u *Type, seen map[pair]bool) bool {
	if u.kind() == KindAny || t == u || t.kind() == KindNull {
		return true
	}
	if t.kind() != u.kind() {
		return false
	}
	if t.Elem != nil || t.Fields != nil || t.Params != nil {
		if seen[pair{t, u}] {
			return true
		}
		if seen == nil {
			seen = map[pair]bool{}
		}
		seen[pair{t, u}] = true
	}
	switch t.Kind {
	case KindList, KindRange:
		return u.Elem == nil || t.Elem.is(u.Elem, seen)
	case KindContext:
		for _, f := range u.Fields {
			mine := t.field(f.Name)
			if mine == nil || !mine.is(f.Type, seen) {
				return false
			}
		}
	case KindFunction:
		if u.Params == nil {
			return true
		}
		if len(t.Params) != len(u.Params) {
			return false
		}
		for i, p := range t.Params {
			if !u.Params[i].is(p, seen) {
				return false
			}
		}
		return t.Result.is(u.Result, seen)
	}
	return true
}

// Coerce makes a value conform to the type by the conversions of 10.3.2.9.4: a list of
// one for its item and back, a date for the date and time of its midnight. Where that
// can't be done it says so.
func (t *Type) Coerce(r *Run, v Value) (Value, bool) {
	if t == nil || v == nil || t.Has(r, v, true) {
		return v, true
	}
	if l, ok := v.([]Value); ok {
		if len(l) == 1 && l[0] != nil && t.Kind != KindList && t.Has(r, l[0], true) {
			return l[0], true
		}
	} else if t.Kind == KindList {
		if x, ok := t.Elem.Coerce(r, v); ok {
			out := []Value{x}
			return out, t.Allow == nil || t.Allow(r, out)
		}
	}
	if d, ok := v.(Date); ok && t.Kind == KindDateTime {
		x := toDateTime(d)
		return x, x != nil && (t.Allow == nil || t.Allow(r, x))
	}
	return nil, false
}
