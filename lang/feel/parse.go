// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"
	"strings"
)

// parser reads one expression by recursive descent, with the names that are in scope
// at hand: a FEEL name may hold blanks, operators and keywords, and only the scope says
// where it ends (DMN 1.5, 10.3.1.2).
type parser struct {
	c     *Config
	src   *source
	toks  []token
	i     int
	depth int
	nodes int
	ends  int // in the upper ends of ranges
	tried map[int]uint8
	scope *names
}

// names are the names of a scope by their first word, longest first.
type names struct {
	up    *names
	by    map[string][][]string
	types map[string]*Type
}

func (n *names) add(name string, t *Type) {
	w := words(name)
	if len(w) == 0 {
		return
	}
	if n.by == nil {
		n.by, n.types = map[string][][]string{}, map[string]*Type{}
	}
	if _, known := n.types[name]; !known {
		l := append(n.by[w[0]], w)
		slices.SortStableFunc(l, func(a, b []string) int { return len(b) - len(a) })
		n.by[w[0]] = l
	}
	n.types[name] = t
}

func (n *names) typeOf(name string) *Type {
	for s := n; s != nil; s = s.up {
		if t, ok := s.types[name]; ok {
			return t
		}
	}
	return nil
}

const keywords = " if then else for in return some every satisfies and or between instance function true false null external "

func keyword(s string) bool { return strings.Contains(keywords, " "+s+" ") }

type parseError struct{ Error *Error }

// fail ends the parse; parse recovers it.
func (p *parser) fail(off int, msg, expected string) {
	panic(parseError{errorAt(at{p.src, off, off}, msg, expected)})
}

func (p *parser) peek() token  { return p.toks[min(p.i, len(p.toks)-1)] }
func (p *parser) after() token { return p.toks[min(p.i+1, len(p.toks)-1)] }

func (p *parser) unexpected(expected string) {
	t := p.peek()
	switch {
	case t.bad != "":
		p.fail(t.off, t.bad, expected)
	case t.kind == tEnd:
		p.fail(t.off, "the expression ends too early", expected)
	case p.i > 0 && p.toks[p.i-1].text == "not" && p.toks[p.i-1].kind == tName:
		p.fail(t.off, "what not is about stands in brackets", "not(…)")
	case t.text == ".." && t.kind == tOp:
		p.fail(t.off, "a range stands in brackets", "such as [1..9], or (1..9) without its ends")
	}
	p.fail(t.off, fmt.Sprintf("%s doesn't belong here%s", quote(p.src.text[t.off:t.end]), p.meant(t)), expected)
}

// pairs are operators of other languages, of which FEEL reads the first half.
var pairs = map[string]string{"==": "=", "=>": ">=", "=<": "<=", "<>": "!=", "=!": "!=", "><": "!="}

// meant says how FEEL writes what other languages write with this token after the one before it.
func (p *parser) meant(t token) string {
	prev := token{}
	if p.i > 0 {
		prev = p.toks[p.i-1]
	}
	switch next := p.after(); {
	case t.kind == tOp && prev.kind == tOp && prev.end == t.off && pairs[prev.text+t.text] != "":
		return "; write " + pairs[prev.text+t.text]
	case t.text == "?" && t.kind == tName:
		return "; a choice is if … then … else …"
	case t.text == "," && prev.kind == tNumber && next.kind == tNumber && prev.end == t.off && t.end == next.off:
		return "; a fraction stands behind a point, as in 1.5"
	case prev.text == "is" && prev.kind == tName && t.kind == tName && keyword(t.text):
		return "; equality is ="
	case t.text == ":" && next.text == "=" && t.end == next.off:
		return "; the value of a name is set in a context, as in {a: 1}"
	}
	return ""
}

func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return "“" + s + "”"
}

func (p *parser) is(text string) bool {
	t := p.peek()
	return (t.kind == tOp || t.kind == tName) && t.text == text && t.bad == ""
}

func (p *parser) take(text string) bool {
	if p.is(text) {
		p.i++
		return true
	}
	return false
}

func (p *parser) need(text string) {
	if !p.take(text) {
		p.unexpected(quote(text))
	}
}

// from is the place of what was read since the token at off.
func (p *parser) from(off int) at {
	if p.nodes++; p.nodes > p.c.Budget.nodes() {
		p.fail(off, "the expression is too large", fmt.Sprintf("at most %d parts", p.c.Budget.nodes()))
	}
	return at{p.src, off, p.toks[max(p.i-1, 0)].end}
}

func (p *parser) in(extra func(*names), f func()) {
	s := &names{up: p.scope}
	extra(s)
	p.scope = s
	f()
	p.scope = s.up
}

// known matches the longest name in scope that starts at this token and says how many
// tokens it has.
func (p *parser) known() (string, int) {
	t := p.peek()
	best, n := "", 0
	for s := p.scope; s != nil; s = s.up {
		for _, w := range s.by[t.text] {
			if len(w) <= n {
				break
			}
			if p.matches(w) {
				best, n = strings.Join(w, " "), len(w)
				break
			}
		}
	}
	if n > 0 {
		best = p.canonical(n)
	}
	return best, n
}

func (p *parser) matches(w []string) bool {
	if p.i+len(w) > len(p.toks)-1 {
		return false
	}
	for k, s := range w {
		if t := p.toks[p.i+k]; t.text != s || t.kind == tString {
			return false
		}
	}
	return true
}

// canonical is the name in scope whose words are the next n tokens.
func (p *parser) canonical(n int) string {
	for s := p.scope; s != nil; s = s.up {
		for name := range s.types {
			if n == 1 {
				if name == p.peek().text {
					return name
				}
				continue
			}
			if w := words(name); len(w) == n && p.matches(w) {
				return name
			}
		}
	}
	return p.peek().text
}

// greedy takes a name whose scope isn't known: words side by side, since two names
// without an operator are nothing else in FEEL.
func (p *parser) greedy() string {
	if p.peek().kind != tName {
		p.unexpected("a name")
	}
	start := p.i
	p.i++
	for p.peek().kind == tName && !keyword(p.peek().text) && p.peek().text != "?" || p.i > start && p.peek().kind == tNumber && p.toks[p.i-1].kind == tName && !strings.HasPrefix(p.peek().text, ".") {
		p.i++
	}
	return p.words(start, p.i)
}

// words is the name that some tokens make: blanks between them are one, and so is a comment.
func (p *parser) words(from, to int) string {
	if to == from+1 {
		return oneSpace(p.src.text[p.toks[from].off:p.toks[from].end])
	}
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from && p.toks[i].off > p.toks[i-1].end {
			b.WriteByte(' ')
		}
		b.WriteString(p.src.text[p.toks[i].off:p.toks[i].end])
	}
	return b.String()
}

// anyName reads a name that is being defined, up to one of the stops.
func (p *parser) anyName(stops ...string) string {
	start := p.i
	if t := p.peek(); t.kind == tString && t.bad == "" {
		p.i++
		return t.text
	}
	for {
		t := p.peek()
		if t.kind == tEnd || t.kind == tString || p.i > start && slices.Contains(stops, t.text) || p.i-start > 100 {
			break
		}
		if t.kind == tOp && !strings.Contains(".-/+*'’", t.text) && t.bad == "" || p.i == start && t.kind != tName && t.bad == "" {
			break
		}
		p.i++
	}
	if p.i == start {
		p.unexpected("a name")
	}
	return p.words(start, p.i)
}

// --- unary tests (rules 7 to 17)

func (p *parser) unaryTests() Node {
	off := p.peek().off
	if p.is("-") && p.after().kind == tEnd {
		p.i++
		return &unaryTests{at: p.from(off)}
	}
	if p.is("not") && p.after().text == "(" {
		mark := p.i
		p.i += 2
		tests := p.tests()
		if p.take(")") && p.peek().kind == tEnd {
			return &unaryTests{p.from(off), true, tests}
		}
		p.i = mark // not(…) is the start of a longer expression
	}
	tests := p.tests()
	return &unaryTests{p.from(off), false, tests}
}

func (p *parser) tests() []Node {
	var out []Node
	for {
		out = append(out, p.test())
		if !p.take(",") {
			return out
		}
	}
}

var comparisons = []string{"=", "!=", "<", "<=", ">", ">="}

func (p *parser) test() Node {
	t := p.peek()
	if t.kind == tOp && slices.Contains(comparisons, t.text) {
		p.i++
		x := p.additive()
		return &compareTest{p.from(t.off), t.text, x}
	}
	return p.expr()
}

// --- expressions

func (p *parser) expr() Node {
	if p.depth++; p.depth > p.c.Budget.depth() {
		p.fail(p.peek().off, "the expression is nested too deeply", fmt.Sprintf("at most %d levels", p.c.Budget.depth()))
	}
	defer func() { p.depth-- }()
	t := p.peek()
	if t.kind == tName {
		if _, n := p.known(); n <= 1 { // a name in scope may start with a keyword
			switch t.text {
			case "if":
				p.i++
				cond := p.expr()
				p.need("then")
				then := p.expr()
				p.need("else")
				other := p.expr()
				return &ifElse{at: p.from(t.off), cond: cond, then: then, other: other}
			case "for":
				p.i++
				n := &forLoop{}
				p.loop("return", &n.iters, func() { n.body = p.expr() })
				n.at = p.from(t.off)
				return n
			case "some", "every":
				p.i++
				n := &quantified{every: t.text == "every"}
				p.loop("satisfies", &n.iters, func() { n.cond = p.expr() })
				n.at = p.from(t.off)
				return n
			}
		}
	}
	return p.or()
}

func (p *parser) loop(word string, iters *[]iter, body func()) {
	mark := p.scope
	for {
		name := p.anyName("in")
		p.need("in")
		off := p.peek().off
		l := p.expr()
		if p.take("..") {
			hi := p.expr()
			l = &rangeOf{at: p.from(off), lo: l, hi: hi}
			l = &loopRange{l.(*rangeOf)}
		}
		*iters = append(*iters, iter{name, l})
		p.scope = &names{up: p.scope}
		p.scope.add(name, itemType(p.typeOf(l)))
		if !p.take(",") {
			break
		}
	}
	p.scope = &names{up: p.scope}
	if word == "return" {
		p.scope.add("partial", nil)
	}
	p.need(word)
	body()
	p.scope = mark
}

// loopRange is the "1..n" of a for, which may run down as well (rule 46).
type loopRange struct{ *rangeOf }

func (p *parser) or() Node {
	off := p.peek().off
	x := p.and()
	for p.take("or") {
		y := p.and()
		x = &binary{p.from(off), "or", x, y}
	}
	return x
}

func (p *parser) and() Node {
	off := p.peek().off
	x := p.comparison()
	for p.take("and") {
		y := p.comparison()
		x = &binary{p.from(off), "and", x, y}
	}
	return x
}

func (p *parser) comparison() Node {
	off := p.peek().off
	x := p.additive()
	for {
		t := p.peek()
		switch {
		case t.kind == tOp && slices.Contains(comparisons, t.text):
			p.i++
			y := p.additive()
			x = &binary{p.from(off), t.text, x, y}
		case p.is("between"):
			p.i++
			lo := p.additive()
			p.need("and")
			hi := p.additive()
			x = &between{p.from(off), x, lo, hi}
		case p.is("in"):
			p.i++
			n := &inTests{x: x}
			n.tests, n.list = p.inList()
			n.at = p.from(off)
			x = n
		default:
			return x
		}
	}
}

// inList reads what follows "in": one test, or tests in brackets. "(1..3)" is a range
// and "(a).b" an expression, which only what follows can tell.
func (p *parser) inList() ([]Node, bool) {
	if p.is("(") && p.tried[p.i] != tryFailed {
		mark := p.i
		p.i++
		tests, ok := p.try(p.tests)
		if ok && p.take(")") {
			switch t := p.peek(); {
			case t.kind == tOp && strings.Contains(" . [ ( + - * / ** ", " "+t.text+" "):
			default:
				return tests, true
			}
		}
		p.i = mark
		p.remember(mark, tryFailed)
	}
	if t := p.peek(); t.kind == tOp && slices.Contains(comparisons, t.text) {
		return []Node{p.test()}, false
	}
	return []Node{p.additive()}, false
}

// What was tried at a token and how it went, so that nothing is tried twice.
const (
	tryWorked = 1
	tryFailed = 2
)

func (p *parser) remember(at int, verdict uint8) {
	if p.tried == nil {
		p.tried = map[int]uint8{}
	}
	p.tried[at] = verdict
}

// try reads something that may turn out to be something else.
func (p *parser) try(f func() []Node) (out []Node, ok bool) {
	depth, scope, ends := p.depth, p.scope, p.ends
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(parseError); !is {
				panic(r)
			}
			p.depth, p.scope, p.ends = depth, scope, ends
			out, ok = nil, false
		}
	}()
	return f(), true
}

func (p *parser) additive() Node {
	off := p.peek().off
	x := p.multiplicative()
	for p.is("+") || p.is("-") {
		op := p.peek().text
		p.i++
		y := p.multiplicative()
		x = &binary{p.from(off), op, x, y}
	}
	return x
}

func (p *parser) multiplicative() Node {
	off := p.peek().off
	x := p.power()
	for p.is("*") || p.is("/") {
		op := p.peek().text
		p.i++
		y := p.power()
		x = &binary{p.from(off), op, x, y}
	}
	return x
}

func (p *parser) power() Node {
	off := p.peek().off
	x := p.prefix()
	for p.take("**") {
		y := p.prefix()
		x = &binary{p.from(off), "**", x, y}
	}
	return x
}

func (p *parser) prefix() Node {
	off := p.peek().off
	if p.is("-") {
		if p.depth++; p.depth > p.c.Budget.depth() {
			p.fail(off, "the expression is nested too deeply", "")
		}
		defer func() { p.depth-- }()
		p.i++
		x := p.prefix()
		n := &negate{p.from(off), x}
		// "-1 instance of number" is about -1: nothing that instance of gives can be negated.
		if in, ok := x.(*instanceOf); ok {
			for {
				in.off = off
				deeper, ok := in.x.(*instanceOf)
				if !ok {
					break
				}
				in = deeper
			}
			n.x, n.end = in.x, in.x.where().end
			in.x = n
			return x
		}
		return n
	}
	x := p.postfix()
	for p.is("instance") && p.after().text == "of" {
		p.i += 2
		t := p.typeName()
		x = &instanceOf{p.from(off), x, t}
	}
	return x
}

const maxLinks = 500

func (p *parser) postfix() Node {
	off := p.peek().off
	x := p.primary()
	for links := 0; ; links++ {
		if links > maxLinks {
			p.fail(p.peek().off, "the chain of names, filters and calls is too long", fmt.Sprintf("at most %d links", maxLinks))
		}
		switch {
		case p.is("."):
			p.i++
			x = p.member(off, x)
		case p.is("["):
			if p.ends > 0 { // "[1..2[": the bracket may end the range
				mark := p.i
				if p.tried[mark] == 0 {
					verdict := uint8(tryWorked)
					if _, ok := p.try(func() []Node { p.i++; x := p.expr(); p.need("]"); return []Node{x} }); !ok {
						verdict = tryFailed
					}
					p.remember(mark, verdict)
					p.i = mark
				}
				if p.tried[mark] == tryFailed {
					return x
				}
			}
			p.i++
			t := itemType(p.typeOf(x))
			var cond Node
			p.in(func(n *names) {
				n.add("item", t)
				for _, f := range t.fields() {
					n.add(f.Name, f.Type)
				}
			}, func() { cond = p.filterCond() })
			p.need("]")
			x = &filter{at: p.from(off), x: x, cond: cond}
		case p.is("("):
			x = p.call(off, x)
		default:
			return x
		}
	}
}

func (p *parser) filterCond() Node {
	if t := p.peek(); t.kind == tOp && slices.Contains(comparisons, t.text) {
		p.unexpected("a value before the comparison, such as item")
	}
	return p.expr()
}

func (p *parser) member(off int, x Node) Node {
	if t := p.peek(); t.kind == tString && t.bad == "" {
		p.i++
		return &member{p.from(off), x, t.text}
	}
	if p.peek().kind != tName {
		p.unexpected("the name of an entry after the dot")
	}
	// what is known of the value says which names it has
	t := p.typeOf(x)
	if t != nil && t.Kind == KindList {
		t = t.Elem
	}
	if f := t.fields(); f != nil {
		mark := p.scope
		p.scope = &names{}
		for _, e := range f {
			p.scope.add(e.Name, e.Type)
		}
		name, n := p.known()
		p.scope = mark
		if n > 0 {
			p.i += n
			if !(p.peek().kind == tName && !keyword(p.peek().text)) {
				return &member{p.from(off), x, name}
			}
			p.i -= n
		}
	}
	name := p.greedy()
	return &member{p.from(off), x, name}
}

func (p *parser) call(off int, fn Node) Node {
	p.need("(")
	c := &call{fn: fn}
	if !p.is(")") {
		if p.named() {
			c.names = []string{}
		}
		for {
			if c.names != nil {
				c.names = append(c.names, p.anyName(":"))
				p.need(":")
			}
			c.args = append(c.args, p.expr())
			if p.is(":") && c.names == nil && len(c.args) > 1 {
				p.fail(p.peek().off, "some arguments have names and some have none", "names for all of them or for none")
			}
			if !p.take(",") {
				break
			}
			if c.names != nil && !p.named() {
				p.fail(p.peek().off, "some arguments have names and some have none", "names for all of them or for none")
			}
		}
	}
	p.need(")")
	c.at = p.from(off)
	return c
}

// named looks ahead: are the arguments given by name?
func (p *parser) named() bool {
	for k := p.i; k < len(p.toks) && k < p.i+50; k++ {
		t := p.toks[k]
		switch {
		case t.kind == tOp && t.text == ":":
			return k > p.i
		case t.kind == tName, t.kind == tNumber && k > p.i, t.kind == tOp && k > p.i && strings.Contains(".-/+*'’", t.text):
		case t.kind == tString && k == p.i:
		default:
			return false
		}
	}
	return false
}

func (p *parser) primary() Node {
	t := p.peek()
	if t.bad != "" {
		if _, n := p.known(); n == 0 {
			p.fail(t.off, t.bad, "")
		}
	}
	switch t.kind {
	case tNumber:
		p.i++
		d, ok := parseNumber(t.text)
		if !ok {
			p.fail(t.off, "the number doesn't fit", "at most 34 digits and an exponent up to 6144")
		}
		return &constant{p.from(t.off), d, t.text}
	case tString:
		p.i++
		return &constant{p.from(t.off), t.text, ""}
	case tName:
		return p.nameOrWord()
	}
	switch {
	case p.take("@"):
		s := p.peek()
		if s.kind != tString || s.bad != "" {
			p.unexpected("a date, time or duration in quotes after @")
		}
		p.i++
		v, ok := ParseTemporal(s.text)
		if !ok {
			v = nil // by 10.3.1.3 what can't be read is null; check reports it
		}
		return &constant{p.from(t.off), v, "@" + quoted(s.text)}
	case p.is("{"):
		return p.context()
	case p.is("("), p.is("["), p.is("]"):
		return p.bracket()
	case p.is("=") && p.opens(): // the range of one value
		p.i++
		x := p.additive()
		return &rangeOf{at: p.from(t.off), lo: x, hi: x}
	case t.kind == tOp && slices.Contains(comparisons, t.text) && t.text != "!=" && p.opens():
		// a range that is open on one side (rule 8 as a value)
		p.i++
		x := p.additive()
		r := &rangeOf{at: p.from(t.off), openLo: true, openHi: true}
		switch t.text {
		case "<", "<=":
			r.hi, r.openHi = x, t.text == "<"
		default:
			r.lo, r.openLo = x, t.text == ">"
		}
		return r
	}
	if _, n := p.known(); n > 0 {
		return p.nameOrWord()
	}
	p.unexpected("a value")
	return nil
}

// opens says whether a comparison at this token has no left side, so that it is a range.
func (p *parser) opens() bool {
	if p.i == 0 {
		return true
	}
	switch t := p.toks[p.i-1]; t.kind {
	case tOp:
		return strings.Contains(" ( [ , : ", " "+t.text+" ")
	case tName:
		return keyword(t.text)
	}
	return false
}

func (p *parser) nameOrWord() Node {
	t := p.peek()
	name, n := p.known()
	if n <= 1 {
		switch t.text {
		case "true", "false":
			p.i++
			return &constant{p.from(t.off), t.text == "true", ""}
		case "null":
			p.i++
			return &constant{p.from(t.off), nil, ""}
		case "function":
			if p.after().text == "(" {
				return p.function()
			}
		}
		switch {
		case n > 0:
		case t.text == "if" || t.text == "for" || t.text == "some" || t.text == "every":
			return p.expr() // without brackets, as far to the right as it goes
		case keyword(t.text):
			p.unexpected("a value")
		}
	}
	if n > 0 {
		p.i += n
		if next := p.peek(); !(next.kind == tName && !keyword(next.text)) {
			return &nameRef{p.from(t.off), name}
		}
		p.i -= n
	}
	name = p.greedy()
	return &nameRef{p.from(t.off), name}
}

func (p *parser) function() Node {
	off := p.peek().off
	p.i++
	p.need("(")
	f := &function{}
	for !p.is(")") {
		par := Param{Name: p.anyName(":", ",", ")")}
		if p.take(":") {
			par.Type = p.typeName()
		}
		f.params = append(f.params, par)
		if !p.take(",") {
			break
		}
	}
	p.need(")")
	if p.take(":") {
		f.result = p.typeName()
	}
	f.external = p.take("external")
	p.in(func(n *names) {
		for _, x := range f.params {
			n.add(x.Name, x.Type)
		}
	}, func() { f.body = p.expr() })
	f.at = p.from(off)
	return f
}

// bracket is a list, a range or an expression in brackets.
func (p *parser) bracket() Node {
	t := p.peek()
	p.i++
	if t.text == "[" && p.take("]") {
		return &listOf{at: p.from(t.off)}
	}
	if p.c.ranges && t.text != "[" && p.take("..") { // "(..2]", of range() only
		r := &rangeOf{openLo: true, hi: p.expr(), openHi: !p.is("]")}
		p.i++
		r.at = p.from(t.off)
		return r
	}
	first := p.expr()
	if p.take("..") {
		r := &rangeOf{lo: first, openLo: t.text != "["}
		if p.c.ranges && (p.is(")") || p.is("[")) {
			p.i++
			r.openHi, r.at = true, p.from(t.off)
			return r
		}
		p.ends++
		r.hi = p.expr()
		p.ends--
		if !p.is("]") && !p.is(")") && !p.is("[") {
			p.unexpected("the end of the range: ], ) or [")
		}
		r.openHi = !p.is("]")
		p.i++
		r.at = p.from(t.off)
		return r
	}
	switch t.text {
	case "(":
		p.need(")")
		return first
	case "]":
		p.unexpected("“..”")
	}
	l := &listOf{items: []Node{first}}
	for p.take(",") {
		l.items = append(l.items, p.expr())
	}
	p.need("]")
	l.at = p.from(t.off)
	return l
}

func (p *parser) context() Node {
	off := p.peek().off
	p.need("{")
	c := &contextOf{}
	p.in(func(*names) {}, func() {
		for !p.is("}") {
			key := p.anyName(":")
			p.need(":")
			v := p.expr()
			c.keys = append(c.keys, key)
			c.vals = append(c.vals, v)
			p.scope.add(key, p.typeOf(v))
			if !p.take(",") {
				break
			}
		}
	})
	p.need("}")
	c.at = p.from(off)
	return c
}

// --- types (rules 64 to 66)

var typeNames = map[string]*Type{
	"Any": TypeAny, "Null": TypeNull, "number": TypeNumber, "string": TypeString, "boolean": TypeBoolean,
	"date": TypeDate, "time": TypeTime, "date and time": TypeDateTime, "dateTime": TypeDateTime,
	"days and time duration": TypeSpan, "dayTimeDuration": TypeSpan, "years and months duration": TypeMonths, "yearMonthDuration": TypeMonths,
	"any": TypeAny, "context": {Kind: KindContext}, "list": {Kind: KindList}, "range": {Kind: KindRange}, "function": {Kind: KindFunction},
}

func (p *parser) typeName() *Type {
	if p.depth++; p.depth > p.c.Budget.depth() {
		p.fail(p.peek().off, "the type is nested too deeply", "")
	}
	defer func() { p.depth-- }()
	t := p.peek()
	if t.kind != tName {
		p.unexpected("a type")
	}
	if p.after().text == "<" {
		switch t.text {
		case "list", "range":
			p.i += 2
			e := p.typeName()
			p.need(">")
			if t.text == "list" {
				return &Type{Kind: KindList, Elem: e}
			}
			return &Type{Kind: KindRange, Elem: e}
		case "context":
			p.i += 2
			out := &Type{Kind: KindContext, Fields: []Param{}}
			for !p.is(">") {
				f := Param{Name: p.anyName(":")}
				p.need(":")
				f.Type = p.typeName()
				out.Fields = append(out.Fields, f)
				if !p.take(",") {
					break
				}
			}
			p.need(">")
			return out
		case "function":
			p.i += 2
			out := &Type{Kind: KindFunction, Params: []*Type{}}
			for !p.is(">") {
				out.Params = append(out.Params, p.typeName())
				if !p.take(",") {
					break
				}
			}
			p.need(">")
			p.need("->")
			out.Result = p.typeName()
			return out
		}
	}
	// the longest name that is a type
	for n := min(8, len(p.toks)-1-p.i); n > 0; n-- {
		name := p.words(p.i, p.i+n)
		if u, ok := p.c.Types[name]; ok {
			p.i += n
			return u
		}
		if b, ok := typeNames[name]; ok {
			p.i += n
			return b
		}
	}
	name := p.greedy()
	for p.is(".") {
		p.i++
		name += "." + p.greedy()
	}
	return &Type{Kind: KindUnknown, Name: name}
}

// --- what is known of a value while it is read: the names of its entries

func (p *parser) typeOf(n Node) *Type {
	switch n := n.(type) {
	case *nameRef:
		return p.scope.typeOf(n.name)
	case *member:
		t := p.typeOf(n.x)
		if t != nil && t.Kind == KindList {
			return listType(t.Elem.field(n.name))
		}
		return t.field(n.name)
	case *filter:
		t := p.typeOf(n.x)
		if t != nil && t.Kind != KindList {
			t = listType(t)
		}
		if c, ok := n.cond.(*constant); ok && isNumber(c.val) {
			return itemType(t)
		}
		return t
	case *listOf:
		if len(n.items) > 0 {
			return listType(p.typeOf(n.items[0]))
		}
	case *contextOf:
		if n.result != nil {
			return nil
		}
		t := &Type{Kind: KindContext, Fields: make([]Param, len(n.keys))}
		for i, k := range n.keys {
			t.Fields[i] = Param{k, p.typeOf(n.vals[i])}
		}
		return t
	case *ifElse:
		if t := p.typeOf(n.then); t != nil {
			return t
		}
		return p.typeOf(n.other)
	case *coerced:
		return n.typ
	case *forLoop:
		return nil
	case *call:
		if f := p.typeOf(n.fn); f != nil && f.Kind == KindFunction {
			return f.Result
		}
	}
	return nil
}

func itemType(t *Type) *Type {
	if t == nil || t.Kind != KindList {
		return t
	}
	return t.Elem
}

func listType(t *Type) *Type { return &Type{Kind: KindList, Elem: t} }
