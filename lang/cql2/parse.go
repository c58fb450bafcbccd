// SPDX-License-Identifier: EUPL-1.2

package cql2

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The budget of one filter.
const (
	MaxText      = 16 << 10 // bytes
	MaxDepth     = 64       // of what stands in each other
	MaxTerms     = 1000     // nodes
	MaxPositions = 5000     // of all geometries
)

// Error says what is wrong with a filter, and where.
type Error struct {
	Key  string // of a message (messages.*.toml): "expected"
	Args []any  // names and values for it
	Pos  int    // in bytes
	text string // the filter
}

// Error is the English sentence.
func (e *Error) Error() string {
	var s string
	switch arg := e.arg(); e.Key {
	case "size":
		s = fmt.Sprintf("The filter is longer than %v bytes.", arg)
	case "depth":
		s = fmt.Sprintf("The filter nests deeper than %v levels.", arg)
	case "terms":
		s = fmt.Sprintf("The filter has more than %v parts.", arg)
	case "encoding":
		s = "The filter isn't UTF-8."
	case "expected":
		s = "Here " + e.expectation() + " is expected."
	case "character":
		s = fmt.Sprintf("The character %v has no meaning here.", arg)
	case "quote":
		s = "A text that begins here has no end: close it with the same quotation mark."
	case "number":
		s = fmt.Sprintf("%v isn't a number that can be used.", arg)
	case "date":
		s = fmt.Sprintf("%v isn't a date: write it like 2026-05-03.", arg)
	case "timestamp":
		s = fmt.Sprintf("%v isn't a moment: write it like 2026-05-03T12:00:00Z.", arg)
	case "arguments":
		s = fmt.Sprintf("This function takes %v arguments.", arg)
	case "geometry":
		s = fmt.Sprintf("This %v has too few positions, or isn't closed.", arg)
	default:
		s = e.Key
	}
	return fmt.Sprintf("%s (at %d)", s, e.Pos+1)
}

// expectations are what can be expected at a place, in English; who speaks other languages has a message of each, and of "sign".
var expectations = map[string]string{
	"condition":  "a condition",
	"value":      "a value",
	"text":       "a text",
	"pattern":    "a text with % or _",
	"number":     "a number",
	"geometry":   "a geometry",
	"metres":     "a distance in metres",
	"list":       "a list",
	"moment":     "a date, a field or '..'",
	"joint":      "AND, OR or the end",
	"name":       "the name of a field",
	"comparison": "LIKE, BETWEEN or IN",
	"term":       "a field, a value or a condition",
	"day":        "a text like '2026-05-03'",
	"box":        "a box of 4 or 6 numbers",
	"time":       "a time",
}

// aSign is the expectation of a sign, which is named beside it.
const aSign = "sign"

// Expectations are the codes of what can be expected, as Error.Args has them under "what".
func Expectations() []string {
	return append(slices.Sorted(maps.Keys(expectations)), aSign)
}

func (e *Error) expectation() string {
	code, _ := e.arg().(string)
	if code == aSign && len(e.Args) > 3 {
		return fmt.Sprintf("“%v”", e.Args[3])
	}
	return expectations[code]
}

func (e *Error) arg() any {
	if len(e.Args) > 1 {
		return e.Args[1]
	}
	return ""
}

// Caret shows the place: the line of the filter, cut around it, and a mark below it.
func (e *Error) Caret() string {
	const around = 30
	pos := min(max(e.Pos, 0), len(e.text))
	start := strings.LastIndexByte(e.text[:pos], '\n') + 1
	before := []rune(strings.ToValidUTF8(e.text[start:pos], "?"))
	line, _, _ := strings.Cut(e.text[pos:], "\n")
	after := []rune(strings.ToValidUTF8(line, "?"))
	if len(before) > around {
		before = append([]rune("…"), before[len(before)-around:]...)
	}
	if len(after) > around {
		after = append(after[:around:around], '…')
	}
	clean := func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}
	return strings.Map(clean, string(before)+string(after)) + "\n" + strings.Repeat(" ", len(before)) + "^"
}

type kind int

const (
	end kind = iota
	word
	quoted // a property in double quotes
	str
	num
	sign // ( ) , = <> …
)

type token struct {
	kind kind
	pos  int
	text string
}

type parser struct {
	text      string
	pos       int // of what comes after tok
	tok       token
	depth     int
	terms     int
	positions int
}

// Parse reads a filter.
func Parse(text string) (n *Node, err error) {
	p := &parser{text: text}
	defer func() { // a parser goes deep; its errors come straight up
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			n, err = nil, e
		}
	}()
	if len(text) > MaxText {
		p.fail(0, "size", "max", MaxText)
	}
	if !utf8.ValidString(text) {
		p.fail(0, "encoding")
	}
	p.next()
	n = p.expression()
	if p.tok.kind != end {
		p.expected("joint")
	}
	// A function by itself is what the caller makes of it; a value is no condition.
	if !n.truth() {
		p.failAt(n.Pos, "expected", "what", "condition")
	}
	return n, nil
}

func (p *parser) fail(pos int, key string, args ...any) {
	panic(&Error{Key: key, Args: args, Pos: pos, text: p.text})
}

func (p *parser) failAt(pos int, key string, args ...any) { p.fail(pos, key, args...) }

func (p *parser) expected(what string) { p.fail(p.tok.pos, "expected", "what", what) }

func (p *parser) expectedSign(s string) { p.fail(p.tok.pos, "expected", "what", aSign, "sign", s) }

func (p *parser) node(op Op, pos int, args ...*Node) *Node {
	if p.terms++; p.terms > MaxTerms {
		p.fail(pos, "terms", "max", MaxTerms)
	}
	return &Node{Op: op, Pos: pos, Args: args}
}

func (p *parser) down() {
	if p.depth++; p.depth > MaxDepth {
		p.fail(p.tok.pos, "depth", "max", MaxDepth)
	}
}

func (p *parser) up() { p.depth-- }

// identStart and identPart are those of the standard, which takes them from XML.
func identStart(r rune) bool {
	return r == ':' || r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= 0xC0 && r <= 0xD6 || r >= 0xD8 && r <= 0xF6 ||
		r >= 0xF8 && r <= 0x2FF || r >= 0x370 && r <= 0x37D || r >= 0x37F && r <= 0x1FFE || r == 0x200C || r == 0x200D ||
		r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF || r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF ||
		r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

func identPart(r rune) bool {
	return identStart(r) || r == '.' || r >= '0' && r <= '9' || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

func identifier(s string) bool {
	for i, r := range s {
		if i == 0 && !identStart(r) || !identPart(r) {
			return false
		}
	}
	return s != ""
}

// next reads a token.
func (p *parser) next() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	start := p.pos
	if start == len(p.text) {
		p.tok = token{end, start, ""}
		return
	}
	rest := p.text[start:]
	r, size := utf8.DecodeRuneInString(rest)
	take := func(k kind, n int) {
		p.tok = token{k, start, rest[:n]}
		p.pos = start + n
	}
	switch {
	case identStart(r):
		n := strings.IndexFunc(rest, func(r rune) bool { return !identPart(r) })
		if n < 0 {
			n = len(rest)
		}
		take(word, n)
	case r >= '0' && r <= '9' || r == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		take(num, numberLen(rest))
	case r == '"':
		n := strings.IndexByte(rest[1:], '"')
		if n < 0 {
			p.fail(start, "quote")
		}
		if !identifier(rest[1 : 1+n]) {
			p.fail(start+1, "expected", "what", "name")
		}
		p.tok = token{quoted, start, rest[1 : 1+n]}
		p.pos = start + n + 2
	case r == '\'':
		p.quoted(start)
	default:
		if len(rest) > 1 && (rest[:2] == "<>" || rest[:2] == "<=" || rest[:2] == ">=") {
			take(sign, 2)
		} else if strings.ContainsRune("()=<>,+-*/%^", r) {
			take(sign, size)
		} else {
			p.fail(start, "character", "char", strconv.QuoteRune(r))
		}
	}
}

// quoted reads a text; a quotation mark in it is doubled, or has a backslash before it.
func (p *parser) quoted(start int) {
	var b strings.Builder
	for i := start + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\' && i+1 < len(p.text) && p.text[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case c == '\'' && i+1 < len(p.text) && p.text[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case c == '\'':
			p.tok = token{str, start, b.String()}
			p.pos = i + 1
			return
		default:
			b.WriteByte(c)
		}
	}
	p.fail(start, "quote")
}

func numberLen(s string) int {
	i := 0
	digits := func() {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
	}
	digits()
	if i < len(s) && s[i] == '.' {
		i++
		digits()
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		mark := i
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if from := i; true {
			if digits(); i == from {
				i = mark
			}
		}
	}
	return i
}

func (p *parser) is(s string) bool { return p.tok.kind == sign && p.tok.text == s }

// keyword reports whether the next word is one of the language.
func (p *parser) keyword(s string) bool {
	return p.tok.kind == word && strings.EqualFold(p.tok.text, s)
}

func (p *parser) accept(s string) bool {
	if p.is(s) || p.keyword(s) {
		p.next()
		return true
	}
	return false
}

func (p *parser) must(s string) {
	if !p.accept(s) {
		p.expectedSign(s)
	}
}

func (p *parser) check(n *Node, ok func(*Node) bool, what string) *Node {
	if !ok(n) {
		p.fail(n.Pos, "expected", "what", what)
	}
	return n
}

// expression is booleanExpression, or a value where one may stand.
func (p *parser) expression() *Node {
	p.down()
	defer p.up()
	left := p.conjunction()
	for p.keyword("OR") {
		p.check(left, (*Node).truth, "condition")
		p.next()
		right := p.check(p.conjunction(), (*Node).truth, "condition")
		left = p.node(Or, left.Pos, left, right)
	}
	return left
}

func (p *parser) conjunction() *Node {
	left := p.negation()
	for p.keyword("AND") {
		p.check(left, (*Node).truth, "condition")
		p.next()
		right := p.check(p.negation(), (*Node).truth, "condition")
		left = p.node(And, left.Pos, left, right)
	}
	return left
}

func (p *parser) negation() *Node {
	if pos := p.tok.pos; p.keyword("NOT") {
		p.next()
		return p.node(Not, pos, p.check(p.predicate(), (*Node).truth, "condition"))
	}
	return p.predicate()
}

func (p *parser) predicate() *Node {
	left := p.sum()
	pos := left.Pos
	if p.tok.kind == sign {
		switch op := Op(p.tok.text); op {
		case Eq, Ne, Lt, Gt, Le, Ge:
			p.check(left, (*Node).scalar, "value")
			p.next()
			return p.node(op, pos, left, p.check(p.sum(), (*Node).scalar, "value"))
		}
		return left
	}
	negated := false
	if p.keyword("NOT") {
		p.next()
		if negated = true; !p.keyword("LIKE") && !p.keyword("BETWEEN") && !p.keyword("IN") {
			p.expected("comparison")
		}
	}
	var n *Node
	switch {
	case p.accept("LIKE"):
		p.check(left, (*Node).text, "text")
		n = p.node(Like, pos, left, p.check(p.sum(), (*Node).pattern, "pattern"))
	case p.accept("BETWEEN"):
		p.check(left, (*Node).scalar, "value")
		from := p.check(p.sum(), (*Node).scalar, "value")
		p.must("AND")
		n = p.node(Between, pos, left, from, p.check(p.sum(), (*Node).scalar, "value"))
	case p.accept("IN"):
		p.check(left, (*Node).scalar, "value")
		p.must("(")
		n = p.node(In, pos, left)
		for {
			n.Args = append(n.Args, p.check(p.sum(), (*Node).scalar, "value"))
			if !p.accept(",") {
				break
			}
		}
		p.must(")")
	case p.accept("IS"):
		negated = p.accept("NOT")
		p.must("NULL")
		n = p.node(IsNull, pos, left)
	default:
		return left
	}
	if negated {
		return p.node(Not, pos, n)
	}
	return n
}

func (p *parser) sum() *Node {
	left := p.product()
	for p.is("+") || p.is("-") {
		op := Op(p.tok.text)
		p.check(left, (*Node).numeric, "number")
		p.next()
		left = p.node(op, left.Pos, left, p.check(p.product(), (*Node).numeric, "number"))
	}
	return left
}

func (p *parser) product() *Node {
	left := p.power()
	for p.is("*") || p.is("/") || p.is("%") || p.keyword("div") {
		op := Op(strings.ToLower(p.tok.text))
		p.check(left, (*Node).numeric, "number")
		p.next()
		left = p.node(op, left.Pos, left, p.check(p.power(), (*Node).numeric, "number"))
	}
	return left
}

func (p *parser) power() *Node {
	left := p.factor()
	if p.is("^") {
		p.check(left, (*Node).numeric, "number")
		p.next()
		left = p.node(Power, left.Pos, left, p.check(p.factor(), (*Node).numeric, "number"))
	}
	return left
}

func (p *parser) factor() *Node {
	pos := p.tok.pos
	if p.accept("+") {
		if p.tok.kind != num {
			p.expected("number")
		}
	}
	if !p.accept("-") {
		return p.primary()
	}
	if p.tok.kind == num {
		n := p.primary()
		n.Pos, n.Number = pos, -n.Number
		return n
	}
	p.down()
	defer p.up()
	return p.node(Negate, pos, p.check(p.factor(), (*Node).numeric, "number"))
}

func (p *parser) primary() *Node {
	t := p.tok
	switch t.kind {
	case num:
		n := p.node(Number, t.pos)
		n.Number = p.number()
		return n
	case str:
		n := p.node(String, t.pos)
		n.Text = t.text
		p.next()
		return n
	case quoted:
		p.next()
		return p.property(t)
	case word:
		return p.word()
	case sign:
		if p.accept("(") {
			return p.parens(t.pos)
		}
	}
	p.expected("term")
	return nil
}

func (p *parser) property(t token) *Node {
	n := p.node(Property, t.pos)
	n.Text = t.text
	return n
}

// parens is what stands in parentheses: an expression, or a list.
func (p *parser) parens(pos int) *Node {
	if p.accept(")") {
		return p.node(Array, pos)
	}
	first := p.expression()
	if !p.is(",") {
		p.must(")")
		return first
	}
	return p.rest(pos, first)
}

func (p *parser) rest(pos int, first *Node) *Node {
	n := p.node(Array, pos, first)
	for p.accept(",") {
		n.Args = append(n.Args, p.expression())
	}
	p.must(")")
	return n
}

func (p *parser) word() *Node {
	t := p.tok
	upper := strings.ToUpper(t.text)
	p.next()
	switch upper {
	case "TRUE", "FALSE":
		n := p.node(Bool, t.pos)
		n.Bool = upper == "TRUE"
		return n
	case "DATE", "TIMESTAMP":
		if p.is("(") {
			p.next()
			if p.tok.kind != str {
				p.expected("day")
			}
			n := p.instant(upper == "DATE", upper == "TIMESTAMP")
			p.must(")")
			n.Pos = t.pos
			return n
		}
	case "INTERVAL":
		if p.is("(") {
			return p.interval(t.pos)
		}
	case "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION", "BBOX":
		if p.is("(") || p.keyword("Z") {
			n := p.node(Geometry, t.pos)
			n.Geom = p.geometry(upper, t.pos)
			return n
		}
	}
	if p.is("(") {
		return p.call(t, upper)
	}
	if reserved[upper] && upper != "Z" {
		p.fail(t.pos, "expected", "what", "term")
	}
	return p.property(t)
}

func (p *parser) call(t token, upper string) *Node {
	p.down()
	defer p.up()
	n := p.node(Call, t.pos)
	n.Text = t.text
	want, standard := predicates[upper]
	if standard {
		n.Text = upper
	} else if reserved[upper] {
		p.fail(t.pos, "expected", "what", "term")
	}
	p.must("(")
	for !p.is(")") {
		if len(n.Args) > 0 {
			p.must(",")
		}
		var a *Node
		if pos := p.tok.pos; standard && want.what == "list" && p.accept("(") {
			// A list of one is a list here, and not what stands in parentheses.
			if p.accept(")") {
				a = p.node(Array, pos)
			} else {
				a = p.rest(pos, p.expression())
			}
		} else {
			a = p.expression()
		}
		if standard && want.ok != nil {
			p.check(a, want.ok, want.what)
		}
		n.Args = append(n.Args, a)
	}
	p.must(")")
	if standard && len(n.Args) != want.args {
		p.fail(t.pos, "arguments", "n", want.args)
	}
	if upper == "S_DWITHIN" || upper == "S_BEYOND" {
		p.check(n.Args[0], (*Node).spatial, "geometry")
		p.check(n.Args[1], (*Node).spatial, "geometry")
		p.check(n.Args[2], (*Node).numeric, "metres")
	}
	return n
}

func (p *parser) instant(date, moment bool) *Node {
	t := p.tok
	n := p.node(Date, t.pos)
	n.Text = t.text
	_, bad := time.Parse(time.DateOnly, t.text)
	if bad != nil || !date {
		if _, err := time.Parse(time.RFC3339, t.text); err != nil || !moment {
			key := "timestamp"
			if date {
				key = "date"
			}
			shown := []rune(t.text)
			p.fail(t.pos, key, "text", strconv.Quote(string(shown[:min(len(shown), 40)])))
		}
		n.Op = Timestamp
	}
	p.next()
	return n
}

func (p *parser) interval(pos int) *Node {
	p.must("(")
	n := p.node(Interval, pos)
	for i := range 2 {
		if i > 0 {
			p.must(",")
		}
		switch {
		case p.tok.kind == str && p.tok.text == "..":
			n.Args = append(n.Args, p.node(Open, p.tok.pos))
			p.next()
		case p.tok.kind == str:
			n.Args = append(n.Args, p.instant(true, true))
		default:
			a := p.expression()
			if a.Op != Property && a.Op != Call && a.Op != Date && a.Op != Timestamp {
				p.fail(a.Pos, "expected", "what", "moment")
			}
			n.Args = append(n.Args, a)
		}
	}
	p.must(")")
	return n
}

// number reads the number that tok is.
func (p *parser) number() float64 {
	f, err := strconv.ParseFloat(p.tok.text, 64)
	if err != nil || math.IsInf(f, 0) {
		p.fail(p.tok.pos, "number", "text", p.tok.text[:min(len(p.tok.text), 40)])
	}
	p.next()
	return f
}

func (p *parser) signed() float64 {
	neg := false
	if !p.accept("+") {
		neg = p.accept("-")
	}
	if p.tok.kind != num {
		p.expected("number")
	}
	if f := p.number(); !neg {
		return f
	} else {
		return -f
	}
}

func (p *parser) geometry(kind string, pos int) *Geom {
	p.down()
	defer p.up()
	g := &Geom{Kind: kind}
	if kind == "BBOX" {
		p.must("(")
		g.Box = append(g.Box, p.signed())
		for p.accept(",") {
			if g.Box = append(g.Box, p.signed()); len(g.Box) > 6 {
				p.expectedSign(")")
			}
		}
		if len(g.Box) != 4 && len(g.Box) != 6 {
			p.expected("box")
		}
		p.must(")")
		return g
	}
	if p.keyword("Z") {
		p.next()
		g.Z = true
	}
	few := func(bad bool) {
		if bad {
			p.fail(pos, "geometry", "kind", kind)
		}
	}
	lines := func() (out [][][]float64) {
		p.must("(")
		for {
			out = append(out, p.line(g.Z))
			if !p.accept(",") {
				break
			}
		}
		p.must(")")
		return out
	}
	rings := func() [][][]float64 {
		out := lines()
		for _, r := range out {
			first, last := r[0], r[len(r)-1]
			few(len(r) < 4 || first[0] != last[0] || first[1] != last[1])
		}
		return out
	}
	switch kind {
	case "POINT":
		g.Parts = [][][][]float64{{p.line(g.Z)}}
		few(len(g.Parts[0][0]) != 1)
	case "LINESTRING":
		g.Parts = [][][][]float64{{p.line(g.Z)}}
		few(len(g.Parts[0][0]) < 2)
	case "MULTIPOINT":
		p.must("(")
		var points [][]float64
		for {
			bare := !p.accept("(")
			points = append(points, p.position(g.Z))
			if !bare {
				p.must(")")
			}
			if !p.accept(",") {
				break
			}
		}
		p.must(")")
		g.Parts = [][][][]float64{{points}}
	case "MULTILINESTRING":
		g.Parts = [][][][]float64{lines()}
		for _, l := range g.Parts[0] {
			few(len(l) < 2)
		}
	case "POLYGON":
		g.Parts = [][][][]float64{rings()}
	case "MULTIPOLYGON":
		p.must("(")
		for {
			g.Parts = append(g.Parts, rings())
			if !p.accept(",") {
				break
			}
		}
		p.must(")")
	case "GEOMETRYCOLLECTION":
		p.must("(")
		for {
			t := p.tok
			upper := strings.ToUpper(t.text)
			switch upper {
			case "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON":
			default:
				p.expected("geometry")
			}
			if t.kind != word {
				p.expected("geometry")
			}
			p.next()
			g.Members = append(g.Members, p.geometry(upper, t.pos))
			if !p.accept(",") {
				break
			}
		}
		p.must(")")
	}
	return g
}

func (p *parser) line(z bool) (out [][]float64) {
	p.must("(")
	for {
		out = append(out, p.position(z))
		if !p.accept(",") {
			break
		}
	}
	p.must(")")
	return out
}

// position is two numbers, three with a height (Z).
func (p *parser) position(z bool) []float64 {
	if p.positions++; p.positions > MaxPositions {
		p.fail(p.tok.pos, "terms", "max", MaxPositions)
	}
	out := []float64{p.signed(), p.signed()}
	if z {
		out = append(out, p.signed())
	}
	return out
}

// Wrong is an error of who evaluates a filter, at a place of its text; its key is of their
// own messages.
func Wrong(text string, pos int, key string, args ...any) *Error {
	return &Error{Key: key, Args: args, Pos: pos, text: text}
}

// Near is what stands at the place, cut short.
func (e *Error) Near() string {
	line, _, _ := strings.Cut(e.text[min(max(e.Pos, 0), len(e.text)):], "\n")
	r := []rune(strings.ToValidUTF8(line, "?"))
	if len(r) > 20 {
		r = append(r[:20:20], '…')
	}
	return string(r)
}
