// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Camunda 7 writes expressions in JUEL, the expression language of Java EE: "${a > 1}" or
// "#{a gt 1}". What has a FEEL expression that means the same is translated; methods, beans
// and what else only Java can do is refused by name.
//
// "The same" is meant for values of the kinds that an expression is written for. JUEL
// converts between kinds ("1" == 1, null + 1); FEEL answers null then, and a condition that
// is null is an incident and never another way. A variable that isn't there is an error in
// JUEL and null here.

// Bounds of one expression.
const (
	maxJUEL      = 4 << 10
	maxJUELDepth = 40
	maxJUELOut   = 32 << 10
)

// juelError is a place (bytes from the beginning of the source) and a reason.
type juelError struct {
	off  int
	text string
}

func (e *juelError) Error() string { return e.text }

// isJUEL reports whether a text holds an expression of JUEL.
func isJUEL(s string) bool { return strings.Contains(s, "${") || strings.Contains(s, "#{") }

// fromJUEL translates a text with expressions: "${x}" becomes x, "No. ${x}" a text in which x stands.
func fromJUEL(src string) (feel string, err *juelError) {
	if len(src) > maxJUEL {
		return "", &juelError{0, fmt.Sprintf("an expression of more than %d bytes", maxJUEL)}
	}
	p := &juel{src: src}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*juelError)
			if !ok {
				panic(r)
			}
			feel, err = "", e
		}
	}()
	type part struct {
		text string
		x    term
		expr bool
	}
	var parts []part
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, part{text: text.String()})
			text.Reset()
		}
	}
	for p.at < len(src) {
		switch rest := src[p.at:]; {
		case strings.HasPrefix(rest, `\${`), strings.HasPrefix(rest, `\#{`):
			text.WriteString(rest[1:3])
			p.at += 3
		case strings.HasPrefix(rest, "${"), strings.HasPrefix(rest, "#{"):
			flush()
			p.at += 2
			p.next()
			x := p.ternary(0)
			if p.tok != "}" {
				p.fail("%s doesn't belong here", p.shown())
			}
			parts = append(parts, part{x: x, expr: true})
		default:
			text.WriteByte(rest[0])
			p.at++
		}
	}
	flush()
	if len(parts) == 1 && parts[0].expr {
		return parts[0].x.src, nil
	}
	var out []string
	for _, x := range parts {
		switch {
		case !x.expr:
			out = append(out, quoteFEEL(x.text))
		case x.x.kind == isText:
			out = append(out, x.x.wrap(precAdd))
		default:
			out = append(out, fmt.Sprintf(`(if %s = null then "" else string(%s))`, x.x.wrap(precCompare), x.x.src))
		}
	}
	return p.bounded(strings.Join(out, " + ")), nil
}

// What is known of a term before it is evaluated.
const (
	isAnything = iota
	isNumber
	isText
	isBool
	isNull
)

// How strongly the parts of a FEEL expression hold together.
const (
	precIf = iota
	precOr
	precAnd
	precCompare
	precAdd
	precMultiply
	precUnary
	precPath
)

// term is a translated part.
type term struct {
	src  string
	prec int
	kind int
}

// wrap is the part as an operand of an operator that holds as strongly as prec.
func (t term) wrap(prec int) string {
	if t.prec <= prec && t.prec != precPath {
		return "(" + t.src + ")"
	}
	return t.src
}

// juel is a parser by recursive descent; a mistake is a panic with a *juelError.
type juel struct {
	src   string
	at    int    // after the token
	start int    // of the token
	tok   string // "" at the end
	sort  byte   // 'i' identifier, 'n' number, 's' text, 'o' operator, 0 the end
}

func (p *juel) fail(format string, args ...any) {
	panic(&juelError{p.start, fmt.Sprintf(format, args...)})
}

func (p *juel) shown() string {
	if p.sort == 0 {
		return "the end"
	}
	return fmt.Sprintf("%q", short(p.tok))
}

func (p *juel) bounded(s string) string {
	if len(s) > maxJUELOut {
		p.fail("the expression is too large")
	}
	return s
}

var juelOps = []string{"&&", "||", "==", "!=", "<=", ">=", "->", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", "[", "]", "(", ")", ",", "}", ";", "="}

func (p *juel) next() {
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.at]) >= 0 {
		p.at++
	}
	p.start, p.tok, p.sort = p.at, "", 0
	if p.at == len(p.src) {
		return
	}
	letter := func(c byte) bool {
		return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	switch c := p.src[p.at]; {
	case letter(c):
		for p.at < len(p.src) && (letter(p.src[p.at]) || digit(p.src[p.at])) {
			p.at++
		}
		p.tok, p.sort = p.src[p.start:p.at], 'i'
	case digit(c) || c == '.' && p.at+1 < len(p.src) && digit(p.src[p.at+1]):
		for p.at < len(p.src) && (digit(p.src[p.at]) || p.src[p.at] == '.') {
			p.at++
		}
		p.tok, p.sort = p.src[p.start:p.at], 'n'
		if p.at < len(p.src) && letter(p.src[p.at]) {
			p.fail("write the number %s… out", p.tok)
		}
	case c == '"' || c == '\'':
		var b strings.Builder
		for p.at++; ; p.at++ {
			if p.at >= len(p.src) {
				p.fail("the text doesn't end")
			}
			if p.src[p.at] == c {
				break
			}
			if p.src[p.at] == '\\' {
				if p.at++; p.at >= len(p.src) || p.src[p.at] != '\\' && p.src[p.at] != '"' && p.src[p.at] != '\'' {
					p.fail("an escape in a text that is none in JUEL")
				}
			}
			b.WriteByte(p.src[p.at])
		}
		p.at++
		p.tok, p.sort = b.String(), 's'
	default:
		i := slices.IndexFunc(juelOps, func(op string) bool { return strings.HasPrefix(p.src[p.at:], op) })
		if i < 0 {
			p.at++
			p.tok = p.src[p.start:p.at]
			p.fail("%q doesn't belong here", p.tok)
		}
		p.tok, p.sort = juelOps[i], 'o'
		p.at += len(p.tok)
	}
}

// is reports whether the token is one of the operators; words are operators too.
func (p *juel) is(ops ...string) bool {
	return (p.sort == 'o' || p.sort == 'i') && slices.Contains(ops, p.tok)
}

func (p *juel) deep(depth int) {
	if depth > maxJUELDepth {
		p.fail("nested deeper than %d", maxJUELDepth)
	}
}

func (p *juel) ternary(depth int) term {
	p.deep(depth)
	c := p.or(depth)
	if !p.is("?") {
		return c
	}
	p.truth(p.start, c)
	p.next()
	a := p.ternary(depth + 1)
	if !p.is(":") {
		p.fail("%s stands where the \":\" of a choice is missing", p.shown())
	}
	p.next()
	b := p.ternary(depth + 1)
	out := term{prec: precIf}
	if a.kind == b.kind {
		out.kind = a.kind
	}
	if c.kind == isBool {
		out.src = fmt.Sprintf("if %s then %s else %s", c.src, a.src, b.src)
	} else {
		// A variable may be null, which is false in JUEL; what is no boolean at all gives null.
		x := c.wrap(precCompare)
		out.src = fmt.Sprintf("if %s = true then %s else if %s = false or %s = null then %s else null", x, a.src, x, x, b.src)
	}
	p.bounded(out.src)
	return out
}

func (p *juel) or(depth int) term {
	x := p.and(depth)
	for p.is("||", "or") {
		start := p.start
		p.next()
		y := p.and(depth)
		p.truth(start, x, y)
		x = term{x.wrap(precOr-1) + " or " + y.wrap(precOr), precOr, isBool}
	}
	return x
}

func (p *juel) and(depth int) term {
	x := p.equality(depth)
	for p.is("&&", "and") {
		start := p.start
		p.next()
		y := p.equality(depth)
		p.truth(start, x, y)
		x = term{x.wrap(precAnd-1) + " and " + y.wrap(precAnd), precAnd, isBool}
	}
	return x
}

func (p *juel) equality(depth int) term {
	x := p.relation(depth)
	for p.is("==", "!=", "eq", "ne") {
		op := " = "
		if p.is("!=", "ne") {
			op = " != "
		}
		x = p.compare(x, op, depth, (*juel).relation)
	}
	return x
}

var juelRelations = map[string]string{"<": " < ", ">": " > ", "<=": " <= ", ">=": " >= ", "lt": " < ", "gt": " > ", "le": " <= ", "ge": " >= "}

func (p *juel) relation(depth int) term {
	x := p.sum(depth)
	for (p.sort == 'o' || p.sort == 'i') && juelRelations[p.tok] != "" {
		x = p.compare(x, juelRelations[p.tok], depth, (*juel).sum)
	}
	return x
}

func (p *juel) compare(x term, op string, depth int, operand func(*juel, int) term) term {
	start := p.start
	p.next()
	y := operand(p, depth)
	if x.kind != y.kind && x.kind != isAnything && y.kind != isAnything && x.kind != isNull && y.kind != isNull {
		panic(&juelError{start, "values of different kinds are compared"})
	}
	return term{x.wrap(precCompare) + op + y.wrap(precCompare), precCompare, isBool}
}

func (p *juel) sum(depth int) term {
	x := p.product(depth)
	for p.is("+", "-") {
		op, start := p.tok, p.start
		p.next()
		y := p.product(depth)
		p.numbers(start, x, y)
		if op == "+" && x.kind != isNumber && y.kind != isNumber {
			// "+" adds in JUEL and never joins texts: with a zero between them, texts give null.
			op = "+ 0 +"
		}
		x = term{x.wrap(precAdd-1) + " " + op + " " + y.wrap(precAdd), precAdd, isNumber}
	}
	return x
}

func (p *juel) product(depth int) term {
	x := p.unary(depth)
	for p.is("*", "/", "%", "div", "mod") {
		op, start := p.tok, p.start
		p.next()
		y := p.unary(depth)
		p.numbers(start, x, y)
		switch op {
		case "%", "mod": // the rest has the sign of the dividend
			a, b := x.wrap(precMultiply), y.wrap(precMultiply)
			x = term{fmt.Sprintf("%s - %s * round down(%s / %s, 0)", a, b, a, b), precAdd, isNumber}
		case "div":
			op = "/"
			fallthrough
		default:
			x = term{x.wrap(precMultiply-1) + " " + op + " " + y.wrap(precMultiply), precMultiply, isNumber}
		}
		p.bounded(x.src)
	}
	return x
}

// numbers refuses what can't be calculated with.
func (p *juel) numbers(start int, terms ...term) {
	for _, t := range terms {
		if t.kind == isText || t.kind == isBool || t.kind == isNull {
			panic(&juelError{start, "a text, a boolean or null is calculated with"})
		}
	}
}

// truth refuses what is neither true nor false.
func (p *juel) truth(start int, terms ...term) {
	for _, t := range terms {
		if t.kind == isText || t.kind == isNumber || t.kind == isNull {
			panic(&juelError{start, "a text, a number or null is taken for true or false"})
		}
	}
}

func (p *juel) unary(depth int) term {
	p.deep(depth)
	start := p.start
	switch {
	case p.is("!", "not"):
		p.next()
		x := p.unary(depth + 1)
		p.truth(start, x)
		return term{"not(" + x.src + ")", precPath, isBool}
	case p.is("-"):
		p.next()
		x := p.unary(depth + 1)
		p.numbers(start, x)
		return term{"-" + x.wrap(precUnary), precUnary, isNumber}
	case p.is("empty"):
		p.next()
		x := p.unary(depth + 1)
		return term{`list contains([null, "", [], {}], ` + x.src + ")", precPath, isBool}
	}
	return p.value(depth)
}

// Words of JUEL and FEEL that can't be the name of a variable, and what Camunda 7 binds
// to its own objects.
var (
	juelWords = []string{"and", "or", "not", "eq", "ne", "lt", "gt", "le", "ge", "div", "mod", "empty", "instanceof"}
	feelWords = []string{"if", "then", "else", "for", "return", "some", "every", "in", "satisfies", "between", "function", "external"}
	juelBeans = []string{"execution", "task", "caseExecution", "authenticatedUserId", "externalTask", "connector"}
	multiVars = []string{"nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances"}
)

func (p *juel) value(depth int) term {
	var x term
	switch {
	case p.sort == 'n':
		f, err := strconv.ParseFloat(p.tok, 64)
		if err != nil || f > 1e15 {
			p.fail("%q is not a number", short(p.tok))
		}
		src := strings.TrimSuffix(p.tok, ".")
		if strings.HasPrefix(src, ".") {
			src = "0" + src
		}
		x = term{src, precPath, isNumber}
	case p.sort == 's':
		x = term{quoteFEEL(p.tok), precPath, isText}
	case p.is("true"), p.is("false"):
		x = term{p.tok, precPath, isBool}
	case p.is("null"):
		x = term{p.tok, precPath, isNull}
	case p.is("("):
		p.next()
		in := p.ternary(depth + 1)
		if !p.is(")") {
			p.fail("%s stands where a closing bracket is missing", p.shown())
		}
		x = term{"(" + in.src + ")", precPath, in.kind}
	case p.sort == 'i' && slices.Contains(juelWords, p.tok):
		p.fail("%q is a word of JUEL and doesn't belong here", p.tok)
	case p.sort == 'i' && slices.Contains(juelBeans, p.tok):
		p.fail("%q is an object of Camunda 7, which is not here", p.tok)
	case p.sort == 'i' && slices.Contains(multiVars, p.tok):
		p.fail("%q, which Camunda 7 counts for multi-instance, is not counted here", p.tok)
	case p.sort == 'i' && slices.Contains(feelWords, p.tok):
		p.fail("the variable %q has a name that is a word of FEEL", p.tok)
	case p.sort == 'i' && strings.Contains(p.tok, "$"):
		p.fail("the variable %q has a name that FEEL can't write", p.tok)
	case p.sort == 'i' && p.tok == "loopCounter":
		// The instances of an activity count from 0 in Camunda 7 and from 1 here.
		x = term{"(loopCounter - 1)", precPath, isNumber}
	case p.sort == 'i':
		name := p.tok
		p.next()
		if p.is("(") || p.is(":") && p.call() {
			p.fail("the function %q is not here", name)
		}
		return p.path(term{src: name, prec: precPath}, name, depth)
	default:
		p.fail("%s stands where a value is missing", p.shown())
	}
	p.next()
	return p.path(x, "", depth)
}

// call reports whether "prefix:name(" follows: a function with a prefix.
func (p *juel) call() bool {
	q := *p
	q.next()
	if q.sort != 'i' {
		return false
	}
	q.next()
	return q.is("(")
}

// path is what follows a value: ".name", "[1]", `["name"]`.
func (p *juel) path(x term, root string, depth int) term {
	for n := 0; ; n++ {
		p.deep(n)
		switch {
		case p.is("."):
			p.next()
			name := p.tok
			if p.sort != 'i' {
				p.fail("%s stands where a name is missing", p.shown())
			}
			if strings.Contains(name, "$") {
				p.fail("the entry %q has a name that FEEL can't write", name)
			}
			if slices.Contains(feelWords, name) {
				p.fail("the entry %q has a name that is a word of FEEL", name)
			}
			p.next()
			if p.is("(") {
				p.fail("%q is a method of Java, which is not here", root+"."+name)
			}
			if x.kind != 0 {
				p.fail("an entry %q of what is no map can't be read", name)
			}
			x = term{src: x.src + "." + name, prec: precPath}
			if root != "" {
				root += "." + name
			}
		case p.is("["):
			if x.kind != 0 {
				p.fail("an index of what is neither a list nor a map can't be read")
			}
			p.next()
			switch {
			case p.sort == 'n' && !strings.Contains(p.tok, "."):
				i, err := strconv.Atoi(p.tok)
				if err != nil || i > 1e6 {
					p.fail("the index %s", short(p.tok))
				}
				x = term{src: fmt.Sprintf("%s[%d]", x.src, i+1), prec: precPath}
			case p.sort == 's':
				x = term{src: "get value(" + x.src + ", " + quoteFEEL(p.tok) + ")", prec: precPath}
			default:
				p.fail("an index that is computed can't be read")
			}
			p.next()
			if !p.is("]") {
				p.fail("%s stands where a closing bracket is missing", p.shown())
			}
			p.next()
		case p.is("("):
			p.fail("a call is not here")
		default:
			p.bounded(x.src)
			return x
		}
	}
}

// quoteFEEL writes a text as FEEL does.
func quoteFEEL(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}
