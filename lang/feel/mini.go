// SPDX-License-Identifier: EUPL-1.2

// Package feel evaluates FEEL, the expression language of DMN.
package feel

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
)

// Value is a FEEL value.
type Value = any

// Budget bounds an evaluation; 0: a default.
type Budget struct{ Steps, Depth, Size int }

// Config says where an expression stands.
type Config struct {
	File      string
	Line, Col int
	Names     []string
	Budget    Budget
}

// Error is a mistake in an expression.
type Error struct {
	File      string
	Line, Col int
	Expr      string
	Msg       string
	Expected  string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
	if e.Expected != "" {
		s += ": expected " + e.Expected
	}
	return s + " in: " + e.Expr
}

// Program is a compiled expression.
type Program struct {
	src   string
	root  node
	free  []string
	paths [][]string
	unary bool
}

type (
	// Date is a calendar day.
	Date struct{ T time.Time }
	// DateTime is an instant.
	DateTime struct{ T time.Time }
	// Months is a duration of years and months.
	Months int
	// Span is a duration of days and time.
	Span time.Duration
)

type env struct {
	vars  map[string]any
	up    *env
	steps *int
}

func (e *env) get(name string) (any, bool) {
	for x := e; x != nil; x = x.up {
		if v, ok := x.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

var errBudget = errors.New("the expression takes too many steps")

type node func(*env) (any, error)

func (e *env) step() error {
	if *e.steps--; *e.steps < 0 {
		return errBudget
	}
	return nil
}

type token struct {
	kind string // num str name op end
	text string
	pos  int
}

type parser struct {
	c      Config
	src    string
	toks   []token
	i      int
	depth  int
	locals []map[string]bool
	free   map[string]bool
	paths  map[string][]string
	unary  bool
}

const maxSource = 64 << 10

func compile(src string, c Config, unary bool) (p *Program, err error) {
	ps := &parser{c: c, src: src, free: map[string]bool{}, paths: map[string][]string{}, unary: unary}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			p, err = nil, e
		}
	}()
	if len(src) > maxSource {
		ps.fail(0, "the expression is too long", "")
	}
	ps.lex()
	var root node
	if unary {
		root = ps.unaryTests()
	} else {
		root = ps.expr()
	}
	if t := ps.peek(); t.kind != "end" {
		ps.fail(t.pos, fmt.Sprintf("unexpected %q", t.text), "the end or an operator")
	}
	out := &Program{src: src, root: root, unary: unary}
	for n := range ps.free {
		out.free = append(out.free, n)
	}
	sort.Strings(out.free)
	for _, p := range ps.paths {
		out.paths = append(out.paths, p)
	}
	return out, nil
}

// Compile compiles an expression.
func Compile(src string, c Config) (*Program, error) { return compile(src, c, false) }

// CompileUnary compiles unary tests.
func CompileUnary(src string, c Config) (*Program, error) { return compile(src, c, true) }

// FreeNames are the variables that the expression reads.
func (p *Program) FreeNames() []string { return p.free }

// FreePaths are their full paths.
func (p *Program) FreePaths() [][]string { return p.paths }

// Eval evaluates over FEEL values.
func (p *Program) Eval(vars map[string]Value) (Value, error) {
	steps := 100_000
	return p.root(&env{vars: vars, steps: &steps})
}

// EvalJSON evaluates over JSON data.
func (p *Program) EvalJSON(vars map[string]any) (any, error) {
	in := make(map[string]any, len(p.free))
	for _, n := range p.free {
		if v, ok := vars[n]; ok {
			in[n] = FromJSON(v)
		}
	}
	v, err := p.Eval(in)
	if err != nil {
		return nil, err
	}
	return ToJSON(v), nil
}

// Test tests a value.
func (p *Program) Test(input any, vars map[string]any) (bool, error) {
	in := make(map[string]any, len(p.free)+1)
	for _, n := range p.free {
		if v, ok := vars[n]; ok {
			in[n] = FromJSON(v)
		}
	}
	in["?"] = FromJSON(input)
	v, err := p.Eval(in)
	return v == true, err
}

// FromJSON makes FEEL values of JSON data.
func FromJSON(v any) Value {
	switch v := v.(type) {
	case json.Number:
		d, _, err := apd.NewFromString(v.String())
		if err != nil {
			return nil
		}
		return d
	case float64:
		d := new(apd.Decimal)
		if _, err := d.SetFloat64(v); err != nil {
			return nil
		}
		return d
	case int:
		return apd.New(int64(v), 0)
	case int64:
		return apd.New(v, 0)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = FromJSON(v[i])
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = FromJSON(v[i])
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = FromJSON(x)
		}
		return out
	case map[string]string:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = x
		}
		return out
	}
	return v
}

// ToJSON makes JSON data of FEEL values.
func ToJSON(v Value) any {
	switch v := v.(type) {
	case *apd.Decimal:
		return json.Number(v.Text('f'))
	case Date, DateTime, Months, Span:
		return toString(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = ToJSON(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = ToJSON(x)
		}
		return out
	}
	return v
}

func toString(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return fmt.Sprint(v)
	case *apd.Decimal:
		return v.Text('f')
	case Date:
		return v.T.Format("2006-01-02")
	case DateTime:
		return v.T.Format(time.RFC3339)
	case Months:
		return fmt.Sprintf("P%dM", int(v))
	case Span:
		d := time.Duration(v)
		if d%(24*time.Hour) == 0 {
			return fmt.Sprintf("P%dD", d/(24*time.Hour))
		}
		return fmt.Sprintf("PT%dS", int64(d/time.Second))
	}
	b, _ := json.Marshal(ToJSON(v))
	return string(b)
}

// --- reading

func (p *parser) fail(pos int, msg, expected string) {
	line, col := p.c.Line, p.c.Col
	if line == 0 {
		line, col = 1, 1
	}
	pos = min(pos, len(p.src))
	if n := strings.Count(p.src[:pos], "\n"); n > 0 {
		line += n
		col = pos - strings.LastIndex(p.src[:pos], "\n")
	} else {
		col += pos
	}
	panic(&Error{File: p.c.File, Line: line, Col: col, Expr: p.src, Msg: msg, Expected: expected})
}

var number = regexp.MustCompile(`^(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?`)

func (p *parser) lex() {
	s := p.src
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsSpace(r):
			i += w
		case number.MatchString(s[i:]) && !strings.HasPrefix(s[i:], ".."):
			t := number.FindString(s[i:])
			if k := strings.Index(t, "."); k >= 0 && strings.HasPrefix(s[i+k:], "..") {
				t = t[:k]
			}
			p.toks = append(p.toks, token{"num", t, i})
			i += len(t)
		case r == '"':
			j := i + 1
			for j < len(s) && s[j] != '"' {
				if s[j] == '\\' {
					j++
				}
				j++
			}
			if j >= len(s) {
				p.fail(i, "the text has no end", `"`)
			}
			var t string
			if err := json.Unmarshal([]byte(strings.ReplaceAll(s[i:j+1], "\n", `\n`)), &t); err != nil {
				p.fail(i, "the text has an unknown escape", "")
			}
			p.toks = append(p.toks, token{"str", t, i})
			i = j + 1
		case unicode.IsLetter(r) || r == '_' || r == '?':
			j := i
			for j < len(s) {
				r, w := utf8.DecodeRuneInString(s[j:])
				if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '?' && r != '\'' {
					break
				}
				j += w
			}
			p.toks = append(p.toks, token{"name", s[i:j], i})
			i = j
		default:
			op := string(r)
			for _, two := range []string{"**", "<=", ">=", "!=", ".."} {
				if strings.HasPrefix(s[i:], two) {
					op = two
				}
			}
			if !strings.Contains("+-*/<>=()[]{},.:**<=>=!=..@", op) {
				p.fail(i, fmt.Sprintf("unexpected %q", op), "")
			}
			p.toks = append(p.toks, token{"op", op, i})
			i += len(op)
		}
	}
	p.toks = append(p.toks, token{"end", "the end", len(s)})
}

func (p *parser) peek() token { return p.toks[p.i] }
func (p *parser) is(text string) bool {
	t := p.peek()
	return (t.kind == "op" || t.kind == "name") && t.text == text
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
		t := p.peek()
		p.fail(t.pos, fmt.Sprintf("unexpected %q", t.text), fmt.Sprintf("%q", text))
	}
}

func (p *parser) name() string {
	t := p.peek()
	if t.kind != "name" && t.kind != "str" {
		p.fail(t.pos, fmt.Sprintf("unexpected %q", t.text), "a name")
	}
	p.i++
	return t.text
}

func (p *parser) scoped(names []string, f func() node) node {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	p.locals = append(p.locals, m)
	defer func() { p.locals = p.locals[:len(p.locals)-1] }()
	return f()
}

func (p *parser) unaryTests() node {
	if p.is("-") && p.toks[p.i+1].kind == "end" {
		p.i++
		return func(*env) (any, error) { return true, nil }
	}
	negate := false
	if p.is("not") && p.toks[p.i+1].text == "(" {
		p.i += 2
		negate = true
	}
	var tests []node
	for {
		tests = append(tests, p.unaryTest())
		if !p.take(",") {
			break
		}
	}
	if negate {
		p.need(")")
	}
	return func(e *env) (any, error) {
		for _, t := range tests {
			v, err := t(e)
			if err != nil {
				return nil, err
			}
			if v == true {
				return !negate, nil
			}
		}
		return negate, nil
	}
}

func (p *parser) unaryTest() node {
	t := p.peek()
	for _, op := range []string{"<", "<=", ">", ">=", "=", "!="} {
		if t.kind == "op" && t.text == op {
			p.i++
			x := p.additive()
			return func(e *env) (any, error) {
				v, err := x(e)
				if err != nil {
					return nil, err
				}
				in, _ := e.get("?")
				return compare(op, in, v), nil
			}
		}
	}
	usesInput := false
	for k := p.i; k < len(p.toks); k++ {
		if p.toks[k].text == "?" {
			usesInput = true
		}
	}
	x := p.expr()
	return func(e *env) (any, error) {
		v, err := x(e)
		if err != nil {
			return nil, err
		}
		in, _ := e.get("?")
		if b, ok := v.(bool); ok && usesInput {
			return b, nil
		}
		return contains(v, in), nil
	}
}

type rng struct {
	lo, hi         any
	openLo, openHi bool
}

// contains is the "in" of FEEL.
func contains(v, in any) bool {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if contains(x, in) {
				return true
			}
		}
		return false
	case rng:
		a, b := ">=", "<="
		if v.openLo {
			a = ">"
		}
		if v.openHi {
			b = "<"
		}
		return compare(a, in, v.lo) == true && compare(b, in, v.hi) == true
	}
	return compare("=", in, v) == true
}

func (p *parser) expr() node {
	if p.depth++; p.depth > 200 {
		p.fail(p.peek().pos, "the expression is nested too deeply", "")
	}
	defer func() { p.depth-- }()
	switch {
	case p.take("if"):
		c := p.expr()
		p.need("then")
		a := p.expr()
		p.need("else")
		b := p.expr()
		return func(e *env) (any, error) {
			v, err := c(e)
			if err != nil {
				return nil, err
			}
			if v == true {
				return a(e)
			}
			return b(e)
		}
	case p.is("for") || p.is("some") || p.is("every"):
		kind := p.peek().text
		p.i++
		return p.loop(kind)
	}
	return p.or()
}

func (p *parser) loop(kind string) node {
	var names []string
	var lists []node
	var rest func() node
	rest = func() node {
		n := p.name()
		p.need("in")
		l := p.or()
		if p.take("..") {
			hi := p.additive()
			lo := l
			l = func(e *env) (any, error) {
				a, err := lo(e)
				if err != nil {
					return nil, err
				}
				b, err := hi(e)
				if err != nil {
					return nil, err
				}
				x, ok1 := integer(a)
				y, ok2 := integer(b)
				if !ok1 || !ok2 || y-x > 100_000 {
					return nil, nil
				}
				var out []any
				for ; x <= y; x++ {
					out = append(out, apd.New(x, 0))
				}
				return out, nil
			}
		}
		names, lists = append(names, n), append(lists, l)
		return p.scoped([]string{n}, func() node {
			if p.take(",") {
				return rest()
			}
			if kind == "for" {
				p.need("return")
			} else {
				p.need("satisfies")
			}
			return p.expr()
		})
	}
	body := rest()
	return func(e *env) (any, error) {
		var out []any
		found := kind == "every"
		var run func(e *env, k int) error
		run = func(e *env, k int) error {
			if k == len(names) {
				v, err := body(e)
				if err != nil {
					return err
				}
				switch kind {
				case "for":
					out = append(out, v)
				case "some":
					found = found || v == true
				case "every":
					found = found && v == true
				}
				return nil
			}
			v, err := lists[k](e)
			if err != nil {
				return err
			}
			items, ok := v.([]any)
			if !ok && v != nil {
				items = []any{v}
			}
			for _, it := range items {
				if err := e.step(); err != nil {
					return err
				}
				if err := run(&env{vars: map[string]any{names[k]: it}, up: e, steps: e.steps}, k+1); err != nil {
					return err
				}
			}
			return nil
		}
		if err := run(e, 0); err != nil {
			return nil, err
		}
		if kind == "for" {
			if out == nil {
				out = []any{}
			}
			return out, nil
		}
		return found, nil
	}
}

func (p *parser) or() node {
	x := p.and()
	for p.take("or") {
		a, b := x, p.and()
		x = func(e *env) (any, error) {
			v, err := a(e)
			if err != nil || v == true {
				return v, err
			}
			w, err := b(e)
			if err != nil || w == true {
				return w, err
			}
			if v == false && w == false {
				return false, nil
			}
			return nil, nil
		}
	}
	return x
}

func (p *parser) and() node {
	x := p.comparison()
	for p.take("and") {
		a, b := x, p.comparison()
		x = func(e *env) (any, error) {
			v, err := a(e)
			if err != nil || v == false {
				return v, err
			}
			w, err := b(e)
			if err != nil || w == false {
				return w, err
			}
			if v == true && w == true {
				return true, nil
			}
			return nil, nil
		}
	}
	return x
}

func (p *parser) comparison() node {
	x := p.additive()
	for {
		t := p.peek()
		switch {
		case t.kind == "op" && strings.Contains(" = != < <= > >= ", " "+t.text+" "):
			p.i++
			a, b, op := x, p.additive(), t.text
			x = func(e *env) (any, error) {
				v, err := a(e)
				if err != nil {
					return nil, err
				}
				w, err := b(e)
				if err != nil {
					return nil, err
				}
				return compare(op, v, w), nil
			}
		case p.is("between"):
			p.i++
			a, lo := x, p.additive()
			p.need("and")
			hi := p.additive()
			x = func(e *env) (any, error) {
				v, err := a(e)
				if err != nil {
					return nil, err
				}
				l, err := lo(e)
				if err != nil {
					return nil, err
				}
				h, err := hi(e)
				if err != nil {
					return nil, err
				}
				return compare(">=", v, l) == true && compare("<=", v, h) == true, nil
			}
		case p.is("in"):
			p.i++
			a := x
			var list []node
			if p.take("(") {
				for {
					list = append(list, p.unaryTest())
					if !p.take(",") {
						break
					}
				}
				p.need(")")
			} else {
				list = append(list, p.unaryTest())
			}
			x = func(e *env) (any, error) {
				v, err := a(e)
				if err != nil {
					return nil, err
				}
				inner := &env{vars: map[string]any{"?": v}, up: e, steps: e.steps}
				for _, t := range list {
					r, err := t(inner)
					if err != nil || r == true {
						return r, err
					}
				}
				return false, nil
			}
		default:
			return x
		}
	}
}

func (p *parser) additive() node {
	x := p.multiplicative()
	for p.is("+") || p.is("-") {
		op := p.peek().text
		p.i++
		a, b := x, p.multiplicative()
		x = binary(op, a, b)
	}
	return x
}

func (p *parser) multiplicative() node {
	x := p.power()
	for p.is("*") || p.is("/") {
		op := p.peek().text
		p.i++
		a, b := x, p.power()
		x = binary(op, a, b)
	}
	return x
}

func (p *parser) power() node {
	x := p.prefix()
	for p.take("**") {
		a, b := x, p.prefix()
		x = binary("**", a, b)
	}
	return x
}

func binary(op string, a, b node) node {
	return func(e *env) (any, error) {
		v, err := a(e)
		if err != nil {
			return nil, err
		}
		w, err := b(e)
		if err != nil {
			return nil, err
		}
		return arithmetic(op, v, w), nil
	}
}

func (p *parser) prefix() node {
	if p.take("-") {
		x := p.prefix()
		return func(e *env) (any, error) {
			v, err := x(e)
			if err != nil {
				return nil, err
			}
			return arithmetic("-", apd.New(0, 0), v), nil
		}
	}
	return p.postfix()
}

func (p *parser) postfix() node {
	start := p.peek()
	x, path := p.primary()
	for {
		switch {
		case p.is("."):
			p.i++
			n := p.name()
			if path != nil {
				path = append(path, n)
			}
			a := x
			x = func(e *env) (any, error) {
				v, err := a(e)
				if err != nil {
					return nil, err
				}
				return member(v, n), nil
			}
		case p.is("[") && p.toks[p.i].pos > 0:
			p.i++
			filter := p.scoped([]string{"item"}, func() node { return p.expr() })
			p.need("]")
			a := x
			x = func(e *env) (any, error) {
				v, err := a(e)
				if err != nil {
					return nil, err
				}
				return pick(e, v, filter)
			}
		default:
			if len(path) > 0 && p.free[path[0]] {
				p.paths[strings.Join(path, ".")] = path
			}
			_ = start
			return x
		}
	}
}

func pick(e *env, v any, filter node) (any, error) {
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return nil, nil
		}
		list = []any{v}
	}
	var out []any
	for i, it := range list {
		if err := e.step(); err != nil {
			return nil, err
		}
		vars := map[string]any{"item": it}
		if m, ok := it.(map[string]any); ok {
			for k, x := range m {
				vars[k] = x
			}
		}
		r, err := filter(&env{vars: vars, up: e, steps: e.steps})
		if err != nil {
			return nil, err
		}
		if n, ok := integer(r); ok && i == 0 {
			if n < 0 {
				n += int64(len(list)) + 1
			}
			if n >= 1 && n <= int64(len(list)) {
				return list[n-1], nil
			}
			return nil, nil
		}
		if r == true {
			out = append(out, it)
		}
	}
	if out == nil {
		out = []any{}
	}
	return out, nil
}

func member(v any, n string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[n]
	case []any:
		out := make([]any, 0, len(v))
		for _, it := range v {
			out = append(out, member(it, n))
		}
		return out
	case Date:
		return part(v.T, n)
	case DateTime:
		return part(v.T, n)
	}
	return nil
}

func part(t time.Time, n string) any {
	switch n {
	case "year":
		return apd.New(int64(t.Year()), 0)
	case "month":
		return apd.New(int64(t.Month()), 0)
	case "day":
		return apd.New(int64(t.Day()), 0)
	case "hour":
		return apd.New(int64(t.Hour()), 0)
	case "minute":
		return apd.New(int64(t.Minute()), 0)
	}
	return nil
}

func (p *parser) primary() (node, []string) {
	t := p.peek()
	switch t.kind {
	case "num":
		p.i++
		d, _, err := apd.NewFromString(t.text)
		if err != nil {
			p.fail(t.pos, "not a number", "")
		}
		return func(*env) (any, error) { return d, nil }, nil
	case "str":
		p.i++
		s := t.text
		return func(*env) (any, error) { return s, nil }, nil
	case "name":
		switch t.text {
		case "true", "false":
			p.i++
			b := t.text == "true"
			return func(*env) (any, error) { return b, nil }, nil
		case "null":
			p.i++
			return func(*env) (any, error) { return nil, nil }, nil
		}
		return p.nameOrCall()
	}
	switch {
	case p.take("@"):
		s := p.name()
		return func(*env) (any, error) { return temporal(s), nil }, nil
	case p.take("{"):
		return p.context(), nil
	case p.is("(") || p.is("[") || p.is("]"):
		return p.bracket(), nil
	}
	p.fail(t.pos, fmt.Sprintf("unexpected %q", t.text), "a value")
	return nil, nil
}

// bracket is a list, a range or an expression in brackets.
func (p *parser) bracket() node {
	open := p.peek().text
	p.i++
	if open == "[" && p.take("]") {
		return func(*env) (any, error) { return []any{}, nil }
	}
	first := p.expr()
	if p.take("..") {
		hi := p.expr()
		t := p.peek()
		if t.text != "]" && t.text != ")" && t.text != "[" {
			p.fail(t.pos, "the range has no end", "] or )")
		}
		p.i++
		return func(e *env) (any, error) {
			a, err := first(e)
			if err != nil {
				return nil, err
			}
			b, err := hi(e)
			if err != nil {
				return nil, err
			}
			return rng{a, b, open != "[", t.text != "]"}, nil
		}
	}
	if open == "(" {
		p.need(")")
		return first
	}
	items := []node{first}
	for p.take(",") {
		items = append(items, p.expr())
	}
	p.need("]")
	return func(e *env) (any, error) {
		out := make([]any, len(items))
		for i, it := range items {
			v, err := it(e)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	}
}

func (p *parser) context() node {
	var names []string
	var values []node
	m := map[string]bool{}
	p.locals = append(p.locals, m)
	defer func() { p.locals = p.locals[:len(p.locals)-1] }()
	for !p.is("}") {
		n := p.name()
		p.need(":")
		values = append(values, p.expr())
		names = append(names, n)
		m[n] = true
		if !p.take(",") {
			break
		}
	}
	p.need("}")
	return func(e *env) (any, error) {
		out := make(map[string]any, len(names))
		inner := &env{vars: out, up: e, steps: e.steps}
		for i, n := range names {
			v, err := values[i](inner)
			if err != nil {
				return nil, err
			}
			out[n] = v
		}
		return out, nil
	}
}

var multiWord = []string{"date and time", "years and months duration", "starts with", "ends with", "string length", "upper case", "lower case", "substring before", "substring after", "distinct values", "list contains", "get value", "get entries", "index of", "insert before"}

func (p *parser) nameOrCall() (node, []string) {
	t := p.peek()
	name := t.text
	p.i++
	for _, w := range multiWord {
		parts := strings.Fields(w)
		if parts[0] != name {
			continue
		}
		ok := p.i+len(parts)-1 < len(p.toks)
		for k := 1; ok && k < len(parts); k++ {
			ok = p.toks[p.i+k-1].text == parts[k]
		}
		if ok {
			p.i += len(parts) - 1
			name = w
			break
		}
	}
	if p.is("(") {
		p.i++
		var args []node
		for !p.is(")") {
			args = append(args, p.expr())
			if !p.take(",") {
				break
			}
		}
		p.need(")")
		f, ok := builtins[name]
		if !ok {
			p.fail(t.pos, fmt.Sprintf("unknown function %q", name), "")
		}
		return func(e *env) (any, error) {
			if err := e.step(); err != nil {
				return nil, err
			}
			vals := make([]any, len(args))
			for i, a := range args {
				v, err := a(e)
				if err != nil {
					return nil, err
				}
				vals[i] = v
			}
			return f(vals), nil
		}, nil
	}
	local := false
	for _, m := range p.locals {
		local = local || m[name]
	}
	var path []string
	if !local && name != "?" {
		p.free[name] = true
		path = []string{name}
	}
	return func(e *env) (any, error) {
		v, _ := e.get(name)
		return v, nil
	}, path
}

// --- computing

var context34 = apd.BaseContext.WithPrecision(34)

func integer(v any) (int64, bool) {
	d, ok := v.(*apd.Decimal)
	if !ok {
		return 0, false
	}
	n, err := d.Int64()
	return n, err == nil
}

func compare(op string, a, b any) any {
	if op == "=" {
		return equal(a, b)
	}
	if op == "!=" {
		if v, ok := equal(a, b).(bool); ok {
			return !v
		}
		return nil
	}
	var c int
	switch x := a.(type) {
	case *apd.Decimal:
		y, ok := b.(*apd.Decimal)
		if !ok {
			return nil
		}
		c = x.Cmp(y)
	case string:
		y, ok := b.(string)
		if !ok {
			return nil
		}
		c = strings.Compare(x, y)
	case Date:
		y, ok := b.(Date)
		if !ok {
			return nil
		}
		c = x.T.Compare(y.T)
	case DateTime:
		y, ok := b.(DateTime)
		if !ok {
			return nil
		}
		c = x.T.Compare(y.T)
	case Months:
		y, ok := b.(Months)
		if !ok {
			return nil
		}
		c = int(x) - int(y)
	case Span:
		y, ok := b.(Span)
		if !ok {
			return nil
		}
		switch {
		case x < y:
			c = -1
		case x > y:
			c = 1
		}
	default:
		return nil
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func equal(a, b any) any {
	switch x := a.(type) {
	case nil:
		return b == nil
	case *apd.Decimal:
		if y, ok := b.(*apd.Decimal); ok {
			return x.Cmp(y) == 0
		}
	case string:
		if y, ok := b.(string); ok {
			return x == y
		}
	case bool:
		if y, ok := b.(bool); ok {
			return x == y
		}
	case Date, DateTime, Months, Span:
		if v := compare("<=", a, b); v != nil {
			return v == true && compare(">=", a, b) == true
		}
	case []any:
		if y, ok := b.([]any); ok {
			if len(x) != len(y) {
				return false
			}
			for i := range x {
				if equal(x[i], y[i]) != true {
					return false
				}
			}
			return true
		}
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			if len(x) != len(y) {
				return false
			}
			for k := range x {
				if v, ok := y[k]; !ok || equal(x[k], v) != true {
					return false
				}
			}
			return true
		}
	}
	if b == nil {
		return false
	}
	return nil
}

func arithmetic(op string, a, b any) any {
	switch x := a.(type) {
	case *apd.Decimal:
		y, ok := b.(*apd.Decimal)
		if !ok {
			if m, ok := b.(Months); ok && op == "-" && x.IsZero() {
				return -m
			}
			if m, ok := b.(Span); ok && op == "-" && x.IsZero() {
				return -m
			}
			return nil
		}
		out := new(apd.Decimal)
		var err error
		switch op {
		case "+":
			_, err = context34.Add(out, x, y)
		case "-":
			_, err = context34.Sub(out, x, y)
		case "*":
			_, err = context34.Mul(out, x, y)
		case "/":
			if y.IsZero() {
				return nil
			}
			_, err = context34.Quo(out, x, y)
		case "**":
			_, err = context34.Pow(out, x, y)
		}
		if err != nil {
			return nil
		}
		if out.Form == apd.Finite {
			out.Reduce(out)
		}
		return out
	case string:
		if y, ok := b.(string); ok && op == "+" {
			return x + y
		}
	case Date:
		switch y := b.(type) {
		case Months:
			return Date{addMonths(x.T, sign(op)*int(y))}
		case Span:
			t := x.T.Add(time.Duration(sign(op)) * time.Duration(y))
			return Date{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
		case Date:
			if op == "-" {
				return Span(x.T.Sub(y.T))
			}
		}
	case DateTime:
		switch y := b.(type) {
		case Months:
			return DateTime{addMonths(x.T, sign(op)*int(y))}
		case Span:
			return DateTime{x.T.Add(time.Duration(sign(op)) * time.Duration(y))}
		case DateTime:
			if op == "-" {
				return Span(x.T.Sub(y.T))
			}
		}
	case Months:
		if y, ok := b.(Months); ok {
			return x + Months(sign(op)*int(y))
		}
	case Span:
		if y, ok := b.(Span); ok {
			return x + Span(sign(op))*y
		}
	}
	return nil
}

func sign(op string) int {
	if op == "-" {
		return -1
	}
	return 1
}

// addMonths keeps the day, or takes the last of the month.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

var months = regexp.MustCompile(`^(-)?P(?:(\d+)Y)?(?:(\d+)M)?$`)
var span = regexp.MustCompile(`^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)

func temporal(s string) any {
	if t, err := time.Parse("2006-01-02", s); err == nil {
		return Date{t}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return DateTime{t}
		}
	}
	if m := months.FindStringSubmatch(s); m != nil && len(s) > 2 {
		n := atoi(m[2])*12 + atoi(m[3])
		if m[1] != "" {
			n = -n
		}
		return Months(n)
	}
	if m := span.FindStringSubmatch(s); m != nil && len(s) > 2 {
		var sec float64
		fmt.Sscan(m[5], &sec)
		d := time.Duration(atoi(m[2]))*24*time.Hour + time.Duration(atoi(m[3]))*time.Hour + time.Duration(atoi(m[4]))*time.Minute + time.Duration(sec*float64(time.Second))
		if m[1] != "" {
			d = -d
		}
		return Span(d)
	}
	return nil
}

func atoi(s string) int {
	n := 0
	fmt.Sscan(s, &n)
	return n
}

func listOf(args []any) []any {
	if len(args) == 1 {
		if l, ok := args[0].([]any); ok {
			return l
		}
	}
	return args
}

var builtins = map[string]func([]any) any{
	"not": func(a []any) any {
		if b, ok := a[0].(bool); ok {
			return !b
		}
		return nil
	},
	"count": func(a []any) any {
		if a[0] == nil {
			return nil
		}
		return apd.New(int64(len(listOf(a))), 0)
	},
	"string": func(a []any) any {
		if a[0] == nil {
			return nil
		}
		return toString(a[0])
	},
	"number": func(a []any) any {
		switch v := a[0].(type) {
		case *apd.Decimal:
			return v
		case string:
			d, _, err := apd.NewFromString(v)
			if err != nil {
				return nil
			}
			return d
		}
		return nil
	},
	"date": func(a []any) any {
		if len(a) == 3 {
			y, ok1 := integer(a[0])
			m, ok2 := integer(a[1])
			d, ok3 := integer(a[2])
			if ok1 && ok2 && ok3 {
				return Date{time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)}
			}
			return nil
		}
		switch v := a[0].(type) {
		case Date:
			return v
		case DateTime:
			return Date{time.Date(v.T.Year(), v.T.Month(), v.T.Day(), 0, 0, 0, 0, time.UTC)}
		case string:
			if d, ok := temporal(v).(Date); ok {
				return d
			}
		}
		return nil
	},
	"date and time": func(a []any) any {
		if s, ok := a[0].(string); ok {
			if d, ok := temporal(s).(DateTime); ok {
				return d
			}
		}
		return nil
	},
	"duration": func(a []any) any {
		if s, ok := a[0].(string); ok {
			switch v := temporal(s).(type) {
			case Months, Span:
				return v
			}
		}
		return nil
	},
	"today": func([]any) any {
		t := time.Now()
		return Date{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
	},
	"now": func([]any) any { return DateTime{time.Now()} },
	"contains": func(a []any) any {
		x, ok1 := a[0].(string)
		y, ok2 := a[1].(string)
		if ok1 && ok2 {
			return strings.Contains(x, y)
		}
		return nil
	},
	"upper case": func(a []any) any {
		if s, ok := a[0].(string); ok {
			return strings.ToUpper(s)
		}
		return nil
	},
	"lower case": func(a []any) any {
		if s, ok := a[0].(string); ok {
			return strings.ToLower(s)
		}
		return nil
	},
	"string length": func(a []any) any {
		if s, ok := a[0].(string); ok {
			return apd.New(int64(utf8.RuneCountInString(s)), 0)
		}
		return nil
	},
	"list contains": func(a []any) any {
		l, ok := a[0].([]any)
		if !ok {
			return nil
		}
		for _, x := range l {
			if equal(x, a[1]) == true {
				return true
			}
		}
		return false
	},
	"sum": func(a []any) any {
		var out any = apd.New(0, 0)
		for _, x := range listOf(a) {
			out = arithmetic("+", out, x)
		}
		return out
	},
	"concatenate": func(a []any) any {
		out := []any{}
		for _, x := range a {
			if l, ok := x.([]any); ok {
				out = append(out, l...)
			} else {
				out = append(out, x)
			}
		}
		return out
	},
}
