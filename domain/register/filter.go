// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"mercator/base/fault"
	"mercator/base/person"
	"mercator/lang/cql2"

	"golang.org/x/text/unicode/norm"
)

// A filter becomes a condition that is asked of each record, and ways to come by records at
// all: of these, one drives the search. Each way leads to all records that can fit, and to
// others, so a mistake in choosing costs time and never a record.

// truth has three values: of what isn't there nothing is said, nor of its opposite.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

// facts is a record that is looked at. While shut, what is sealed isn't known yet: a
// condition that says no then says no for good.
type facts struct {
	data map[string]any
	shut bool
}

// condition is a filter or a part of it.
type condition struct {
	holds func(f facts) truth
	leads []lead
	spans map[string]span // of fields in an order
}

// lead is a way to the records that can fit: by their keys, one of some tokens, or cells.
type lead struct {
	ids    []string
	tokens []entry
	field  string // of cells
	cells  []string
}

// span is a part of an order, both ends included; an empty one is open.
type span struct{ lo, hi string }

// top is after every value in an order.
const top = "\U0010FFFF"

const (
	maxUnion    = 32 // tokens of one lead
	maxListed   = 100
	maxPattern  = 200
	maxCompared = 1000 // bytes of a value that a pattern is held against
)

type compiler struct {
	s     *Service
	d     *Definition
	reach reach
	text  string
	used  []string // fields that the condition looks at
}

// filtered is the error of a filter, with its place.
func filtered(err error) error {
	const op = "register.search"
	var e *cql2.Error
	if !errors.As(err, &e) {
		return fault.Wrap(op, err)
	}
	args := append(slices.Clone(e.Args), "pos", e.Pos+1, "near", e.Near(), "caret", e.Caret())
	return fault.Because(fault.Invalid, op, "cql2."+filterKey(e), err, args...)
}

// filterKey is the message of an error. What is expected, and the way in which a field isn't searched, are part of the sentence, so
// each has a message of its own.
func filterKey(e *cql2.Error) string {
	of := map[string]string{"expected": "what", "way": "way"}[e.Key]
	for i := 0; of != "" && i+1 < len(e.Args); i += 2 {
		if e.Args[i] == of {
			return fmt.Sprint(e.Key, ".", e.Args[i+1])
		}
	}
	return e.Key
}

func (c *compiler) wrong(n *cql2.Node, key string, args ...any) error {
	return cql2.Wrong(c.text, n.Pos, key, args...)
}

func (c *compiler) condition(n *cql2.Node) (condition, error) {
	switch n.Op {
	case cql2.And, cql2.Or:
		a, err := c.condition(n.Args[0])
		if err != nil {
			return condition{}, err
		}
		b, err := c.condition(n.Args[1])
		if err != nil {
			return condition{}, err
		}
		if n.Op == cql2.And {
			return both(a, b), nil
		}
		return either(a, b), nil
	case cql2.Not:
		a, err := c.condition(n.Args[0])
		return condition{holds: func(f facts) truth { return -a.holds(f) }}, err
	case cql2.Bool:
		v := is(n.Bool)
		return condition{holds: func(facts) truth { return v }}, nil
	case cql2.Eq, cql2.Ne, cql2.Lt, cql2.Gt, cql2.Le, cql2.Ge:
		left, right, op := n.Args[0], n.Args[1], n.Op
		if literal(left) {
			left, right = right, left
			op = map[cql2.Op]cql2.Op{cql2.Lt: cql2.Gt, cql2.Gt: cql2.Lt, cql2.Le: cql2.Ge, cql2.Ge: cql2.Le}[op]
			if op == "" {
				op = n.Op
			}
		}
		return c.compare(op, left, right)
	case cql2.Between:
		a, err := c.compare(cql2.Ge, n.Args[0], n.Args[1])
		if err != nil {
			return condition{}, err
		}
		b, err := c.compare(cql2.Le, n.Args[0], n.Args[2])
		return both(a, b), err
	case cql2.In:
		if len(n.Args)-1 > maxListed {
			return condition{}, c.wrong(n, "list", "max", maxListed)
		}
		out, err := c.compare(cql2.Eq, n.Args[0], n.Args[1])
		for _, a := range n.Args[min(2, len(n.Args)):] {
			if err != nil {
				return condition{}, err
			}
			var one condition
			one, err = c.compare(cql2.Eq, n.Args[0], a)
			out = either(out, one)
		}
		return out, err
	case cql2.Like:
		return c.like(n)
	case cql2.IsNull:
		o, err := c.operand(n.Args[0])
		if err != nil {
			return condition{}, err
		}
		sealed := c.d.sealed(o.Field)
		return condition{holds: func(f facts) truth {
			if f.shut && sealed {
				return unknown
			}
			return is(f.data[o.Name] == nil)
		}}, nil
	case cql2.Call:
		switch {
		case strings.HasPrefix(n.Text, "S_"):
			return c.spatial(n)
		case strings.HasPrefix(n.Text, "T_"):
			return c.temporal(n)
		}
		return condition{}, c.wrong(n, "function", "name", short(n.Text))
	}
	return condition{}, c.wrong(n, "expected", "what", "condition")
}

func both(a, b condition) condition {
	out := condition{
		holds: func(f facts) truth {
			x := a.holds(f)
			if x == no {
				return no
			}
			return min(x, b.holds(f))
		},
		leads: append(slices.Clone(a.leads), b.leads...),
		spans: map[string]span{},
	}
	for f, s := range a.spans {
		out.spans[f] = s
	}
	for f, s := range b.spans {
		if was, ok := out.spans[f]; ok {
			s.lo = max(s.lo, was.lo)
			if s.hi == "" || was.hi != "" && was.hi < s.hi {
				s.hi = was.hi
			}
		}
		out.spans[f] = s
	}
	return out
}

func either(a, b condition) condition {
	out := condition{holds: func(f facts) truth {
		x := a.holds(f)
		if x == yes {
			return yes
		}
		return max(x, b.holds(f))
	}}
	// One way of each side, of the same kind, leads to both.
	for _, x := range a.leads {
		for _, y := range b.leads {
			switch {
			case len(x.tokens) > 0 && len(y.tokens) > 0 && len(x.tokens)+len(y.tokens) <= maxUnion:
				out.leads = append(out.leads, lead{tokens: append(slices.Clone(x.tokens), y.tokens...)})
			case len(x.ids) > 0 && len(y.ids) > 0:
				out.leads = append(out.leads, lead{ids: append(slices.Clone(x.ids), y.ids...)})
			default:
				continue
			}
			return out
		}
	}
	return out
}

// operand is a field that a condition is about, in a form.
type operand struct {
	Field
	forms    []func(string) string // CASEI, ACCENTI
	phonetic bool
}

func (o operand) form(v string) string {
	v = o.Search.fold(v)
	for _, f := range o.forms {
		v = f(v)
	}
	return v
}

func literal(n *cql2.Node) bool {
	switch n.Op {
	case cql2.String, cql2.Number, cql2.Bool, cql2.Date, cql2.Timestamp, cql2.Interval, cql2.Geometry:
		return true
	case cql2.Call:
		return wrapper(n) != nil && literal(n.Args[0])
	}
	return false
}

func caseless(v string) string { return strings.ToLower(norm.NFC.String(v)) }

func accentless(v string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(v))
}

// wrapper is what a function makes of a text; nil if it isn't one of those.
func wrapper(n *cql2.Node) func(string) string {
	if n.Op != cql2.Call || len(n.Args) != 1 {
		return nil
	}
	switch n.Text {
	case "CASEI":
		return caseless
	case "ACCENTI":
		return accentless
	}
	return nil
}

func (c *compiler) operand(n *cql2.Node) (operand, error) {
	if f := wrapper(n); f != nil {
		o, err := c.operand(n.Args[0])
		o.forms = append(o.forms, f)
		return o, err
	}
	if n.Op == cql2.Call && strings.EqualFold(n.Text, "phonetic") && len(n.Args) == 1 && n.Args[0].Op == cql2.Property {
		o, err := c.operand(n.Args[0])
		if err == nil && !o.By(Phonetic) {
			err = c.wrong(n.Args[0], "way", "field", o.Name, "way", "phonetic")
		}
		o.phonetic = true
		return o, err
	}
	if n.Op == cql2.Call {
		return operand{}, c.wrong(n, "function", "name", short(n.Text))
	}
	if n.Op != cql2.Property {
		return operand{}, c.wrong(n, "fieldAndValue")
	}
	// One answer whether there is no such field or it isn't granted.
	f, ok := c.d.Field(n.Text)
	if !ok || !slices.Contains(c.reach.fields, n.Text) {
		return operand{}, c.wrong(n, "field", "field", short(n.Text))
	}
	if len(f.Ways) == 0 && f.Name != c.d.Key {
		return operand{}, c.wrong(n, "unsearched", "field", f.Name)
	}
	if !slices.Contains(c.used, f.Name) {
		c.used = append(c.used, f.Name)
	}
	return operand{Field: f}, nil
}

// given is the text of a literal for a text field.
func (c *compiler) given(o operand, n *cql2.Node) (string, error) {
	if f := wrapper(n); f != nil {
		return c.given(o, n.Args[0])
	}
	if n.Op == cql2.Call && o.phonetic && strings.EqualFold(n.Text, "phonetic") && len(n.Args) == 1 {
		n = n.Args[0]
	}
	if n.Op != cql2.String {
		return "", c.wrong(n, "value", "field", o.Name, "what", "'Mercator'")
	}
	return n.Text, nil
}

// compare is a field beside a value.
func (c *compiler) compare(op cql2.Op, left, right *cql2.Node) (condition, error) {
	o, err := c.operand(left)
	if err != nil {
		return condition{}, err
	}
	if o.phonetic {
		return c.sounding(op, o, left, right)
	}
	order := op != cql2.Eq && op != cql2.Ne
	switch c.d.Type(o.Name) {
	case "number", "integer":
		if right.Op != cql2.Number {
			return condition{}, c.wrong(right, "value", "field", o.Name, "what", "12.5")
		}
		return c.ordered(op, o, left, numberKey(right.Number), math.MaxInt)
	case "boolean":
		if right.Op != cql2.Bool || order {
			return condition{}, c.wrong(right, "value", "field", o.Name, "what", "TRUE")
		}
		want := right.Bool
		return condition{holds: func(f facts) truth {
			v, ok := f.data[o.Name].(bool)
			if !ok {
				return unknown
			}
			return is((v == want) == (op == cql2.Eq))
		}}, nil
	case "object", "array", "null":
		return condition{}, c.wrong(left, "compared", "field", o.Name)
	}
	switch c.d.Format(o.Name) {
	case "date", "date-time":
		lit, err := c.moment(o, right)
		if err != nil {
			return condition{}, err
		}
		return c.ordered(op, o, left, lit, len(lit))
	}
	v, err := c.given(o, right)
	if err != nil {
		return condition{}, err
	}
	if order {
		return c.ordered(op, o, left, c.d.sortKey(o.Field, v), math.MaxInt)
	}
	want := o.form(v)
	out := condition{holds: func(f facts) truth {
		has, ok := f.data[o.Name].(string)
		if !ok {
			return unknown
		}
		return is((o.form(has) == want) == (op == cql2.Eq))
	}}
	if op == cql2.Ne {
		return out, nil
	}
	switch folded := o.Search.fold(v); {
	case o.Search == NoSearch && o.Name == c.d.Key && len(o.forms) == 0:
		id, err := c.s.idOf(c.d, v)
		if err != nil {
			return condition{}, err
		}
		out.leads = []lead{{ids: []string{id}}}
	case o.Search != NoSearch && folded != "" && (o.Search != Exact || len(o.forms) == 0):
		out.leads = []lead{{tokens: []entry{{o.Name, string(o.Search), folded}}}}
	}
	return out, nil
}

// moment is a date or a moment as it stands in an order. A date beside moments is the whole day.
func (c *compiler) moment(o operand, n *cql2.Node) (string, error) {
	t := n.Text
	switch n.Op {
	case cql2.Date, cql2.Timestamp:
	case cql2.String:
		if _, err := time.Parse(time.DateOnly, t); err != nil {
			if _, err := time.Parse(time.RFC3339, t); err != nil {
				return "", c.wrong(n, "value", "field", o.Name, "what", "DATE('2026-05-03')")
			}
		}
	default:
		return "", c.wrong(n, "value", "field", o.Name, "what", "DATE('2026-05-03')")
	}
	if len(t) == len(time.DateOnly) {
		return t, nil
	}
	if t = momentKey(t); c.d.Format(o.Name) == "date" {
		t = t[:len(time.DateOnly)]
	}
	return t, nil
}

// ordered compares places in an order: those of the record are cut to so many bytes.
func (c *compiler) ordered(op cql2.Op, o operand, n *cql2.Node, want string, cut int) (condition, error) {
	inOrder := o.By(Range) || o.By(Dates)
	if !inOrder && op != cql2.Eq && op != cql2.Ne {
		return condition{}, c.wrong(n, "way", "field", o.Name, "way", "range")
	}
	d := c.d
	out := condition{holds: func(f facts) truth {
		v := textOf(f.data[o.Name])
		if v == "" {
			return unknown
		}
		has := d.sortKey(o.Field, v)
		has = has[:min(len(has), cut)]
		switch op {
		case cql2.Eq:
			return is(has == want)
		case cql2.Ne:
			return is(has != want)
		case cql2.Lt:
			return is(has < want)
		case cql2.Gt:
			return is(has > want)
		case cql2.Le:
			return is(has <= want)
		}
		return is(has >= want)
	}}
	if op == cql2.Ne {
		return out, nil
	}
	if op == cql2.Eq && o.Search == Exact && c.d.Format(o.Name) == "date" {
		out.leads = []lead{{tokens: []entry{{o.Name, string(Exact), want}}}}
	}
	if op == cql2.Eq && c.d.sealed(o.Field) && o.By(Dates) {
		out.leads = []lead{{tokens: []entry{{o.Name, byDay, want}}}}
	} else if inOrder {
		var s span
		if op != cql2.Lt && op != cql2.Le {
			s.lo = want
		}
		if op != cql2.Gt && op != cql2.Ge {
			s.hi = want
		}
		out.spans = map[string]span{o.Name: s}
	}
	return out, nil
}

func (c *compiler) sounding(op cql2.Op, o operand, left, right *cql2.Node) (condition, error) {
	if op != cql2.Eq && op != cql2.Ne {
		return condition{}, c.wrong(left, "compared", "field", o.Name)
	}
	v, err := c.given(o, right)
	if err != nil {
		return condition{}, err
	}
	code := person.Phonetic(v)
	out := condition{holds: func(f facts) truth {
		has, ok := f.data[o.Name].(string)
		if !ok {
			return unknown
		}
		return is(slices.Contains(sounds(has), code) == (op == cql2.Eq))
	}}
	if op == cql2.Eq && code != "" {
		out.leads = []lead{{tokens: []entry{{o.Name, string(Phonetic), code}}}}
	}
	return out, nil
}

// like is a pattern: % stands for anything, _ for one character, \ before them for themselves.
func (c *compiler) like(n *cql2.Node) (condition, error) {
	o, err := c.operand(n.Args[0])
	if err != nil {
		return condition{}, err
	}
	if o.phonetic || o.Search == NoSearch || c.d.Type(o.Name) != "string" {
		return condition{}, c.wrong(n.Args[0], "way", "field", o.Name, "way", "prefix")
	}
	text, err := c.given(o, n.Args[1])
	if err != nil {
		return condition{}, err
	}
	if len(text) > maxPattern {
		return condition{}, c.wrong(n.Args[1], "pattern", "max", maxPattern)
	}
	form := o.beginning
	if o.Search == Plate {
		form = foldPlate
	}
	whole := func(v string) string {
		v = form(v)
		for _, f := range o.forms {
			v = f(v)
		}
		return v
	}
	parts := patternOf(text, whole)
	out := condition{holds: func(f facts) truth {
		has, ok := f.data[o.Name].(string)
		if !ok {
			return unknown
		}
		return is(fits(parts, []rune(whole(has[:min(len(has), maxCompared)]))))
	}}
	if o.By(Prefix) && len(o.forms) == 0 || o.By(Prefix) && o.Search != Exact {
		var begin []rune
		for _, p := range parts {
			if p < 0 {
				break
			}
			begin = append(begin, p)
		}
		for _, k := range prefixes {
			if len(begin) >= k {
				out.leads = []lead{{tokens: []entry{{o.Name, string(Prefix), string(begin[:k])}}}}
				break
			}
		}
	}
	return out, nil
}

// The signs of a pattern, among its characters.
const (
	anything = rune(-1)
	one      = rune(-2)
)

// patternOf is a pattern in the form of the values. A space at the edge of a part counts,
// though the form of a value has none at its edges.
func patternOf(text string, form func(string) string) []rune {
	var out []rune
	var part []rune
	flush := func() {
		if len(part) == 0 {
			return
		}
		v := []rune(form(string(part)))
		spaced := string(form("a b")) == "a b"
		if spaced && len(out) > 0 && unicode.IsSpace(part[0]) {
			v = append([]rune{' '}, v...)
		}
		if spaced && len(v) > 0 && len(part) > 1 && unicode.IsSpace(part[len(part)-1]) {
			v = append(v, ' ')
		}
		out, part = append(out, v...), part[:0]
	}
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			part, escaped = append(part, r), false
		case r == '\\':
			escaped = true
		case r == '%' || r == '_':
			flush()
			if r == '_' {
				out = append(out, one)
			} else if len(out) == 0 || out[len(out)-1] != anything {
				out = append(out, anything)
			}
		default:
			part = append(part, r)
		}
	}
	flush()
	return out
}

// fits holds a value against a pattern, in time by the product of their lengths at most.
func fits(pattern, v []rune) bool {
	p, i, star, from := 0, 0, -1, 0
	for i < len(v) {
		switch {
		case p < len(pattern) && pattern[p] == anything:
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == one || pattern[p] == v[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anything {
		p++
	}
	return p == len(pattern)
}

// temporal is a date or a moment of a record beside one that is given, or an interval.
func (c *compiler) temporal(n *cql2.Node) (condition, error) {
	name, left, right := n.Text, n.Args[0], n.Args[1]
	if literal(left) {
		left, right = right, left
		turned := map[string]string{"T_BEFORE": "T_AFTER", "T_AFTER": "T_BEFORE", "T_CONTAINS": "T_DURING", "T_EQUALS": "T_EQUALS", "T_INTERSECTS": "T_INTERSECTS", "T_DISJOINT": "T_DISJOINT"}
		if name = turned[name]; name == "" {
			return condition{}, c.wrong(n, "function", "name", n.Text)
		}
	}
	o, err := c.operand(left)
	if err != nil {
		return condition{}, err
	}
	if f := c.d.Format(o.Name); f != "date" && f != "date-time" || o.phonetic || len(o.forms) > 0 {
		return condition{}, c.wrong(left, "value", "field", o.Name, "what", "DATE('2026-05-03')")
	}
	ends := []*cql2.Node{right, right}
	if right.Op == cql2.Interval {
		ends = right.Args
	}
	var at [2]string
	for i, e := range ends {
		if e.Op == cql2.Open {
			continue
		}
		if at[i], err = c.moment(o, e); err != nil {
			return condition{}, err
		}
	}
	cmp := func(op cql2.Op, i int) (condition, error) {
		if at[i] == "" { // open: nothing is before or after it, all is within
			v := is(op == cql2.Ge || op == cql2.Le || (op == cql2.Gt) == (i == 0))
			return condition{holds: func(facts) truth { return v }}, nil
		}
		return c.ordered(op, o, left, at[i], len(at[i]))
	}
	two := func(a, b cql2.Op, join func(a, b condition) condition) (condition, error) {
		x, err := cmp(a, 0)
		if err != nil {
			return condition{}, err
		}
		y, err := cmp(b, 1)
		return join(x, y), err
	}
	switch name {
	case "T_BEFORE":
		if at[0] == "" {
			return condition{holds: func(facts) truth { return no }}, nil
		}
		return cmp(cql2.Lt, 0)
	case "T_AFTER":
		if at[1] == "" {
			return condition{holds: func(facts) truth { return no }}, nil
		}
		return cmp(cql2.Gt, 1)
	case "T_DURING":
		return two(cql2.Gt, cql2.Lt, both)
	case "T_INTERSECTS":
		return two(cql2.Ge, cql2.Le, both)
	case "T_EQUALS":
		if at[0] == at[1] {
			return cmp(cql2.Eq, 0)
		}
	case "T_DISJOINT":
		out, err := two(cql2.Ge, cql2.Le, both)
		return condition{holds: func(f facts) truth { return -out.holds(f) }}, err
	}
	return condition{}, c.wrong(n, "function", "name", n.Text)
}

// spatial is a geometry of a record beside one that is given.
func (c *compiler) spatial(n *cql2.Node) (condition, error) {
	name, left, right := n.Text, n.Args[0], n.Args[1]
	if literal(left) {
		left, right = right, left
		switch name {
		case "S_WITHIN":
			name = "S_CONTAINS"
		case "S_CONTAINS":
			name = "S_WITHIN"
		}
	}
	o, err := c.operand(left)
	if err != nil {
		return condition{}, err
	}
	if !o.By(Places) || len(o.forms) > 0 || o.phonetic {
		return condition{}, c.wrong(left, "way", "field", o.Name, "way", "geo")
	}
	if right.Op != cql2.Geometry {
		return condition{}, c.wrong(right, "value", "field", o.Name, "what", "POINT(6.76 51.43)")
	}
	g, ok := askedFor(right.Geom)
	if !ok {
		return condition{}, c.wrong(right, "asked", "max", maxAsked)
	}
	asked, box, far := shapeOf(g), g.Bound(), 0.0
	var test func(has shape) bool
	drives := true
	switch name {
	case "S_INTERSECTS":
		test = func(has shape) bool { return intersects(has, asked, box) }
	case "S_DISJOINT":
		test, drives = func(has shape) bool { return !intersects(has, asked, box) }, false
	case "S_WITHIN":
		test = func(has shape) bool { return within(has, asked) }
	case "S_CONTAINS":
		test = func(has shape) bool { return within(asked, has) }
	case "S_DWITHIN", "S_BEYOND":
		if m := n.Args[2]; m.Op != cql2.Number || !(m.Number >= 0 && m.Number <= maxMetres) {
			return condition{}, c.wrong(n.Args[2], "metres", "max", maxMetres)
		}
		far = n.Args[2].Number
		drives = name == "S_DWITHIN"
		test = func(has shape) bool { return (metres(has, asked, box) <= far) == drives }
	default:
		return condition{}, c.wrong(n, "function", "name", n.Text)
	}
	out := condition{holds: func(f facts) truth {
		has, err := GeometryOf(f.data[o.Name])
		if err != nil || has == nil {
			return unknown
		}
		// Mostly the boxes tell that the shapes are apart.
		if b := has.Bound(); drives && !b.Intersects(around(box, far)) {
			return no
		}
		return is(test(shapeOf(has)))
	}}
	if drives {
		out.leads = []lead{{field: o.Name, cells: cellsOf(around(box, far), cellsAsked)}}
	}
	return out, nil
}

// worded is the condition that a record has all words, in fields that are granted.
func (c *compiler) worded(text string) (condition, error) {
	const op = "register.search"
	words := wordsOf(text[:min(len(text), maxPattern)])
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) > 10 {
		return condition{}, fault.New(fault.Invalid, op, "register.search.words", "max", 10)
	}
	var fields []string
	for _, f := range c.d.Fields {
		if f.By(FullText) && slices.Contains(c.reach.fields, f.Name) {
			fields = append(fields, f.Name)
		}
	}
	if len(fields) == 0 {
		return condition{}, fault.New(fault.Invalid, op, "register.search.noText")
	}
	if len(words) == 0 {
		return condition{}, fault.New(fault.Invalid, op, "register.search.noWord")
	}
	c.used = append(c.used, fields...)
	sealed := slices.ContainsFunc(fields, func(name string) bool { f, _ := c.d.Field(name); return c.d.sealed(f) })
	out := condition{holds: func(f facts) truth {
		if f.shut && sealed {
			return unknown
		}
		has := map[string]bool{}
		for _, name := range fields {
			for _, w := range wordsOf(f.data[name]) {
				has[w] = true
			}
		}
		for _, w := range words {
			if !has[w] {
				return no
			}
		}
		return yes
	}}
	for _, w := range words {
		out.leads = append(out.leads, lead{tokens: []entry{{"", byWord, w}}})
	}
	return out, nil
}

// spanned turns spans of personal dates into tokens: whole years and months, and days at
// the ends. An end that is open, or very long ago, drives nothing.
func (c *compiler) spanned(spans map[string]span) (out []lead) {
	for _, f := range c.d.Fields {
		s, ok := spans[f.Name]
		if !ok || !c.d.sealed(f) {
			continue
		}
		if tokens := daysBetween(f.Name, s); len(tokens) > 0 {
			out = append(out, lead{tokens: tokens})
		}
	}
	return out
}

func daysBetween(field string, s span) []entry {
	lo, err1 := time.Parse(time.DateOnly, s.lo)
	hi, err2 := time.Parse(time.DateOnly, s.hi)
	if err1 != nil || err2 != nil || hi.Year()-lo.Year() > maxUnion {
		return nil
	}
	for rough := range 3 { // 0: to the day, 1: to the month, 2: to the year
		from, to := lo, hi
		if rough == 1 {
			from, to = from.AddDate(0, 0, 1-from.Day()), to.AddDate(0, 0, 1-to.Day()).AddDate(0, 1, -1)
		}
		if rough == 2 {
			from, to = time.Date(lo.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(hi.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
		}
		var out []entry
		for d := from; !d.After(to) && len(out) <= maxUnion; {
			day := d.Format(time.DateOnly)
			switch year, month := d.AddDate(1, 0, -1), d.AddDate(0, 1, -1); {
			case d.YearDay() == 1 && !year.After(to):
				out = append(out, entry{field, byYear, day[:4]})
				d = d.AddDate(1, 0, 0)
			case d.Day() == 1 && !month.After(to):
				out = append(out, entry{field, byMonth, day[:7]})
				d = d.AddDate(0, 1, 0)
			default:
				out = append(out, entry{field, byDay, day})
				d = d.AddDate(0, 0, 1)
			}
		}
		if len(out) <= maxUnion {
			return out
		}
	}
	return nil
}

// compile is what a query asks of a record.
func (s *Service) compile(d *Definition, r reach, q Query) (condition, *compiler, error) {
	c := &compiler{s: s, d: d, reach: r, text: q.Filter}
	out := condition{holds: func(facts) truth { return yes }}
	if strings.TrimSpace(q.Filter) != "" {
		n, err := cql2.Parse(q.Filter)
		if err != nil {
			return out, c, filtered(err)
		}
		if out, err = c.condition(n); err != nil {
			return out, c, filtered(err)
		}
	}
	if q.Text != "" {
		words, err := c.worded(q.Text)
		if err != nil {
			return out, c, err
		}
		out = both(out, words)
	}
	out.leads = append(out.leads, c.spanned(out.spans)...)
	return s.usable(d, out), c, nil
}
