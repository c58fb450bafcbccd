// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
)

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
		d, ok := decimal(t.text)
		if !ok {
			p.fail(t.pos, "the number is too long", "at most 34 digits")
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
		if name == "now" || name == "today" {
			if len(args) > 0 {
				p.fail(t.pos, name+"() takes no arguments", "")
			}
			day := name == "today"
			return func(e *env) (any, error) {
				v, _ := e.get(Now)
				now, ok := v.(time.Time)
				switch {
				case !ok:
					return nil, nil
				case day:
					return Date{time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)}, nil
				}
				return DateTime{now}, nil
			}, nil
		}
		b, ok := builtins[name]
		if !ok {
			p.fail(t.pos, fmt.Sprintf("unknown function %q", name), "")
		}
		if len(args) < b.min || len(args) > b.max {
			p.fail(t.pos, fmt.Sprintf("%s() has %d arguments", name, len(args)), b.takes())
		}
		f := b.f
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
