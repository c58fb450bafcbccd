// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"
	"strings"

	"mercator/lang/feel/xpath"
)

// builtin is a built-in function (10.3.4) with its signatures.
type builtin struct {
	name string
	sigs []signature
}

// signature is one way to call a built-in function. Its parameters are written as
// "name:type", where type is one of the letters of argTypes; a "?" behind it: may be
// left out; a "~": may be null; a "*": any number of them.
type signature struct {
	params []argument
	many   bool // the last takes the rest
	least  int
	result *Type
	f      func(c *site, a []Value) Value
}

type argument struct {
	name     string
	typ      *Type
	any      bool // null too
	optional bool
}

var argTypes = map[byte]*Type{
	'a': nil, 'x': TypeAny, 'n': TypeNumber, 's': TypeString, 'b': TypeBoolean, 'd': TypeDate, 't': TypeTime, 'D': TypeDateTime, 'p': TypeSpan, 'm': TypeMonths,
	'l': {Kind: KindList}, 'r': {Kind: KindRange}, 'c': {Kind: KindContext}, 'f': {Kind: KindFunction},
}

func sig(params string, result *Type, f func(c *site, a []Value) Value) signature {
	s := signature{result: result, f: f}
	if params == "" {
		return s
	}
	for _, p := range strings.Split(params, ", ") {
		name, t, _ := strings.Cut(p, ":")
		a := argument{name: name, typ: argTypes[t[0]], any: t[0] == 'a' || strings.Contains(t, "~"), optional: strings.Contains(t, "?")}
		if strings.Contains(t, "*") {
			s.many = true
		}
		if !a.optional {
			s.least++
		}
		s.params = append(s.params, a)
	}
	return s
}

// site is one call of a built-in function: where it stands, and what was given.
type site struct {
	st    *state
	at    at
	name  string
	given uint32        // which arguments, by their bits
	re    *xpath.Regexp // of a constant pattern
}

// has says whether an optional argument was given, and not as null.
func (c *site) has(i int) bool { return c.given&(1<<i) != 0 }

// null is the answer null, with the reason for the trace.
func (c *site) null(why string, args ...any) Value {
	if c.st.notes != nil {
		c.st.note(c.at, c.name+"(): "+fmt.Sprintf(why, args...))
	}
	return nil
}

func (b *builtin) typ() *Type {
	t := &Type{Kind: KindFunction, Params: []*Type{}, Result: b.sigs[0].result}
	for _, p := range b.sigs[0].params {
		if !p.optional {
			t.Params = append(t.Params, p.typ)
		}
	}
	return t
}

// takes says in words what the function takes.
func (b *builtin) takes() string {
	var ways []string
	for _, s := range b.sigs {
		var p []string
		for _, a := range s.params {
			n := a.name
			if a.optional {
				n += "?"
			}
			p = append(p, n)
		}
		w := strings.Join(p, ", ")
		if s.many {
			w += ", …"
		}
		ways = append(ways, b.name+"("+w+")")
	}
	return strings.Join(ways, " or ")
}

// arrange puts arguments into the order of the parameters; ok is false where they
// don't fit in number or name. order[i] is the argument of parameter i, -1: none.
func (s *signature) arrange(n int, names []string) (order []int, ok bool) {
	if names == nil {
		if s.many && n >= len(s.params) {
			return nil, true
		}
		return nil, n >= s.least && n <= len(s.params)
	}
	order = make([]int, len(s.params))
	used := 0
	for i, p := range s.params {
		order[i] = slices.Index(names, p.name)
		if order[i] >= 0 {
			used++
		} else if !p.optional {
			return nil, false
		}
	}
	return order, used == len(names)
}

// fit makes the arguments those that the signature takes.
func (s *signature) fit(c *site, args []Value, order []int, out []Value) (_ []Value, why string) {
	c.given = 0
	n := len(s.params)
	if order == nil {
		n = len(args)
	}
	if cap(out) < max(n, len(s.params)) {
		out = make([]Value, max(n, len(s.params)))
	}
	out = out[:max(n, len(s.params))]
	for i := range out {
		p := &s.params[min(i, len(s.params)-1)]
		var v Value
		if order == nil {
			if i >= len(args) {
				out[i] = nil
				continue
			}
			v = args[i]
		} else {
			if order[i] < 0 {
				out[i] = nil
				continue
			}
			v = args[order[i]]
		}
		if v == nil {
			if !p.any {
				return nil, "the argument " + quote(p.name) + " is null"
			}
			out[i] = nil
			continue
		}
		if i < 32 {
			c.given |= 1 << i
		}
		if s, ok := v.(string); ok {
			c.st.spend(len(s) >> 6) // what reads a text goes through all of it
		}
		if l, ok := v.([]Value); ok && p.typ == TypeAny && len(l) == 1 && l[0] != nil {
			v = l[0] // of the several types that it may be, none is a list
		}
		if p.typ != nil && p.typ.Kind != KindAny && kindOf(v) != p.typ.Kind {
			w, ok := p.typ.Coerce(c.st.run, v)
			if !ok || w == nil {
				return nil, fmt.Sprintf("the argument %s is %s, not a %s", quote(p.name), brief(v), p.typ)
			}
			v = w
		}
		out[i] = v
	}
	return out, ""
}

// invoke calls a function that is only known at run time.
func (b *builtin) invoke(c *site, args []Value, names []string) Value {
	why := "takes " + b.takes()
	for i := range b.sigs {
		s := &b.sigs[i]
		order, ok := s.arrange(len(args), names)
		if !ok {
			continue
		}
		vals, w := s.fit(c, args, order, nil)
		if w == "" {
			return s.f(c, vals)
		}
		why = w
	}
	return c.null("%s", why)
}

// builtin plans a call whose function is known: which signatures fit is settled here.
func (p *planner) builtin(n *call, b *builtin, args []code, types []*Type) (code, *Type) {
	type way struct {
		s     *signature
		order []int
	}
	var ways []way
	for i := range b.sigs {
		if order, ok := b.sigs[i].arrange(len(args), n.names); ok {
			ways = append(ways, way{&b.sigs[i], order})
		}
	}
	if len(ways) == 0 {
		what := fmt.Sprintf("%s gets %d arguments", quote(b.name), len(args))
		if n.names != nil {
			what = fmt.Sprintf("%s has no parameters %s", quote(b.name), strings.Join(n.names, ", "))
		}
		p.problem(n.at, what, b.takes())
		return func(f *frame) Value {
			f.st.note(n.at, what)
			return nil
		}, b.sigs[0].result
	}
	result := ways[0].s.result
	if len(ways) == 1 {
		s, order := ways[0].s, ways[0].order
		for i := range s.params {
			k := i
			if order != nil {
				k = order[i]
			}
			if k < 0 || k >= len(args) || s.params[i].typ == nil {
				continue
			}
			if want, got := s.params[i].typ.Kind, types[k].kind(); known(want) && known(got) && got != want && got != KindList && want != KindList && !(got == KindDate && want == KindDateTime) {
				p.problem(n.args[k].where(), fmt.Sprintf("%s wants a %s for %s and gets a %s", b.name, s.params[i].typ, quote(s.params[i].name), types[k]), "a "+s.params[i].typ.String())
			}
		}
	}
	re := p.pattern(n, b)
	p.temporalText(n, b, types)
	if b.name == "sort" || b.name == "list replace" { // what they take by function has the type of the items
		result = itemsLike(types, n.names, result)
	}
	a, name := n.at, b.name
	return func(f *frame) Value {
		f.st.step()
		var buf [4]Value
		vals := buf[:0]
		for _, x := range args {
			vals = append(vals, x(f))
		}
		c := site{st: f.st, at: a, name: name, re: re}
		why := ""
		for i := range ways {
			var in [4]Value
			w := &ways[i]
			fitted, bad := w.s.fit(&c, vals, w.order, in[:0])
			if bad == "" {
				return w.s.f(&c, fitted)
			}
			why = bad
		}
		return c.null("%s", why)
	}, result
}

// temporalText reports a date, time or duration whose text is known and isn't one.
func (p *planner) temporalText(n *call, b *builtin, types []*Type) {
	want, ok := map[string]string{"date": "such as 2026-12-31", "time": "such as 08:30:00", "date and time": "such as 2026-12-31T08:30:00", "duration": "such as P1Y2M or PT36H"}[b.name]
	if !ok || len(n.args) != 1 {
		return
	}
	if k := types[0].kind(); k == KindNumber || k == KindBoolean {
		p.problem(n.args[0].where(), fmt.Sprintf("%s is a %s, from which no %s is made", quote(n.args[0].where().text()), k, b.name), "a text in quotes, "+want)
		return
	}
	c, ok := n.args[0].(*constant)
	s, text := Value(nil), false
	if ok {
		s, text = c.val, c.src == ""
	}
	if t, is := s.(string); is && text {
		v := b.invoke(&site{st: &NewRun(RunOptions{}).st, name: b.name}, []Value{t}, nil)
		if v == nil {
			p.problem(c.at, fmt.Sprintf("%s is no %s", quoted(t), b.name), want)
		}
	}
}

func itemsLike(types []*Type, names []string, t *Type) *Type {
	i := 0
	if names != nil {
		i = slices.Index(names, "list")
	}
	if i >= 0 && i < len(types) && types[i].kind() == KindList {
		return types[i]
	}
	return t
}

// pattern compiles a regular expression that is known when the call is planned.
func (p *planner) pattern(n *call, b *builtin) *xpath.Regexp {
	at, flags := 1, 2
	switch b.name {
	case "matches":
	case "replace":
		flags = 3
	case "split":
		flags = -1
	default:
		return nil
	}
	get := func(i int, names ...string) (string, Node, bool) {
		if n.names != nil {
			i = slices.IndexFunc(n.names, func(s string) bool { return slices.Contains(names, s) })
		}
		if i < 0 || i >= len(n.args) {
			return "", nil, true
		}
		c, ok := n.args[i].(*constant)
		if !ok {
			return "", n.args[i], false
		}
		s, ok := c.val.(string)
		return s, n.args[i], ok
	}
	pat, node, ok1 := get(at, "pattern", "delimiter")
	fl, _, ok2 := get(flags, "flags")
	if !ok1 || !ok2 || node == nil {
		return nil
	}
	re, err := xpath.Compile(pat, fl)
	if err != nil {
		p.problem(node.where(), "the regular expression can't be used: "+err.Error(), "a pattern of XPath and XQuery (F&O 3.1, 5.6.1) without look-around")
		return nil
	}
	return re
}

// regex is the compiled pattern of a call.
func (c *site) regex(pattern, flags string) (*xpath.Regexp, error) {
	if c.re != nil {
		return c.re, nil
	}
	k := flags + "\x00" + pattern
	if re, ok := c.st.regexps[k]; ok {
		return re, nil
	}
	c.st.spend(200 + len(pattern))
	re, err := xpath.Compile(pattern, flags)
	if err != nil {
		return nil, err
	}
	if c.st.regexps == nil {
		c.st.regexps = map[string]*xpath.Regexp{}
	}
	c.st.regexps[k] = re
	return re, nil
}
