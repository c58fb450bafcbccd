// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"fmt"
	"slices"
	"strings"

	"mercator/lang/dmn/model"
	"mercator/lang/feel"
)

// compiler makes programs of a model: what a box means is a FEEL expression.
type compiler struct {
	o    Options
	d    *Definitions
	errs feel.Errors
	// later completes types that restrict one which wasn't made yet: types may hold
	// themselves.
	later []func()
}

const maxErrors = 50

func (c *compiler) bad(p model.Pos, msg, expected string) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, &feel.Error{File: c.d.file, Line: p.Line, Col: p.Col, Msg: msg, Expected: expected})
	}
}

func (c *compiler) problem(p model.Pos, msg, expected string) {
	if len(c.d.problems) < maxErrors {
		c.d.problems = append(c.d.problems, &feel.Error{File: c.d.file, Line: p.Line, Col: p.Col, Msg: msg, Expected: expected})
	}
}

// problemIn is a problem of a text, which is shown.
func (c *compiler) problemIn(t model.Text, msg, expected string) {
	if len(c.d.problems) >= maxErrors {
		return
	}
	line, _, _ := strings.Cut(t.S, "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:120])
	}
	c.d.problems = append(c.d.problems, &feel.Error{File: c.d.file, Line: t.Line, Col: t.Col, Expr: strings.ReplaceAll(line, "\t", " "), Msg: msg, Expected: expected})
}

// --- types (7.3.2 and 7.3.3)

func (c *compiler) types() {
	for _, it := range c.d.source.Types {
		c.d.items[it.Name] = it
	}
	for _, it := range c.d.source.Types {
		c.named(it.Name, it.Pos, nil)
	}
	for _, f := range c.later {
		f()
	}
}

// named is the type of a name; around are the types that are being made, since a type
// may not hold itself.
func (c *compiler) named(name string, at model.Pos, around []string) *feel.Type {
	if name == "" {
		return nil
	}
	if slices.Contains(around, name) {
		c.bad(at, "the type "+quote(name)+" is nothing but itself", "a type of its own")
		return nil
	}
	if t, ok := c.d.types[name]; ok {
		return t
	}
	if it, ok := c.d.items[name]; ok {
		t := &feel.Type{Name: name}
		if plain(it) { // another name for a type
			t = c.named(it.TypeRef, it.Pos, append(around, name))
			c.d.types[name] = t
			return t
		}
		c.d.types[name] = t // it is there while it is made: a tree holds trees
		*t = *c.item(it, append(around, name))
		t.Name = name
		return t
	}
	if t := feel.TypeNamed(name); t != nil {
		return t
	}
	if prefix, rest, ok := strings.Cut(name, "."); ok {
		for _, im := range c.d.imports {
			if im.name == prefix {
				if t, ok := im.defs.types[rest]; ok {
					return t
				}
			}
		}
	}
	for _, im := range c.d.imports {
		if t, ok := im.defs.types[name]; ok && im.name == "" {
			return t
		}
	}
	c.problem(at, "there is no type "+quote(name), "")
	return nil
}

// plain is an item definition that says nothing but another type.
func plain(it *model.ItemDefinition) bool {
	return it.Function == nil && len(it.Components) == 0 && !it.Collection && it.AllowedValues == nil && it.TypeConstraint == nil
}

func (c *compiler) item(it *model.ItemDefinition, around []string) *feel.Type {
	var t *feel.Type
	switch {
	case it.Function != nil:
		t = &feel.Type{Kind: feel.KindFunction, Params: []*feel.Type{}, Result: c.named(it.Function.OutputTypeRef, it.Pos, nil)}
		for _, p := range it.Function.Params {
			t.Params = append(t.Params, c.named(p.TypeRef, p.Pos, nil))
		}
	case len(it.Components) > 0:
		t = &feel.Type{Kind: feel.KindContext, Fields: []feel.Param{}}
		for _, x := range it.Components {
			t.Fields = append(t.Fields, feel.Param{Name: x.Name, Type: c.item(x, nil)})
		}
	default:
		if t = c.named(it.TypeRef, it.Pos, around); t == nil {
			t = &feel.Type{}
		}
	}
	// Allowed values hold for the items of a collection, a constraint for the whole.
	if it.AllowedValues != nil {
		t = c.restricted(t, *it.AllowedValues)
	}
	if it.Collection {
		t = &feel.Type{Kind: feel.KindList, Elem: t}
	}
	if it.TypeConstraint != nil {
		t = c.restricted(t, *it.TypeConstraint)
	}
	return t
}

// restricted is a type with fewer values. The type may still be in the making.
func (c *compiler) restricted(base *feel.Type, text model.Text) *feel.Type {
	t := *base
	c.allow(&t, text)
	allow, allowed := t.Allow, t.Allowed
	c.later = append(c.later, func() {
		name := t.Name
		t = *base
		t.Name, t.Allow, t.Allowed = name, allow, allowed
	})
	return &t
}

// allow restricts a type to the values that pass unary tests.
func (c *compiler) allow(t *feel.Type, text model.Text) {
	n := c.unary(text, feel.NewScope())
	if n == nil {
		return
	}
	p := feel.Plan(n, feel.Config{Lenient: true})
	before := t.Allow
	t.Allowed = n
	t.Allow = func(r *feel.Run, v feel.Value) bool {
		if before != nil && !before(r, v) {
			return false
		}
		ok, err := p.EvalTest(r, nil, v)
		return err == nil && ok == true
	}
}

// --- the graph of requirements (6.3)

func (c *compiler) graph() {
	m := c.d.source
	add := func(e *element, v model.Variable) *element {
		e.defs, e.typ = c.d, c.named(v.TypeRef, v.Pos, nil)
		if e.name = v.Name; e.name == "" {
			e.name = e.label
		}
		c.d.elements = append(c.d.elements, e)
		if e.id != "" {
			c.d.byID[e.id] = e
		}
		return e
	}
	for _, x := range m.Inputs {
		add(&element{sort: inputData, id: x.ID, label: x.Name, pos: x.Pos}, x.Variable)
	}
	for _, x := range m.Decisions {
		e := add(&element{sort: decision, id: x.ID, label: x.Name, pos: x.Pos}, x.Variable)
		for _, r := range x.Needs {
			e.needs = append(e.needs, need{ref: r})
		}
	}
	for _, x := range m.BKMs {
		e := add(&element{sort: knowledge, id: x.ID, label: x.Name, pos: x.Pos}, x.Variable)
		for _, r := range x.Needs {
			e.needs = append(e.needs, need{ref: r})
		}
		if x.Logic != nil {
			for _, p := range x.Logic.Params {
				e.params = append(e.params, feel.Param{Name: p.Name, Type: c.named(p.TypeRef, p.Pos, nil)})
			}
			e.result = c.named(x.Logic.TypeRef, x.Logic.Pos, nil)
		}
		// The variable of knowledge has the type of the function since DMN 1.3, and
		// that of its result before.
		if e.typ != nil && e.typ.Kind == feel.KindFunction && e.typ.Params != nil {
			if e.result == nil {
				e.result = e.typ.Result
			}
		} else if e.result == nil {
			e.result = e.typ
		}
		e.typ = &feel.Type{Kind: feel.KindFunction, Params: []*feel.Type{}, Result: e.result}
		for _, p := range e.params {
			e.typ.Params = append(e.typ.Params, p.Type)
		}
	}
	for _, x := range m.Services {
		e := add(&element{sort: service, id: x.ID, label: x.Name, pos: x.Pos}, x.Variable)
		for _, r := range slices.Concat(x.Output, x.Encapsulated, x.InputData, x.InputDecisions) {
			e.needs = append(e.needs, need{ref: r})
		}
	}
	for _, e := range c.d.elements {
		c.resolve(e)
	}
	for i, x := range m.Services {
		_ = i
		e := c.d.find(x.Name, service)
		if x.ID != "" {
			e = c.d.byID[x.ID]
		}
		pick := func(refs []model.Ref) (out []*element) {
			for _, r := range refs {
				if t, _ := c.target(r); t != nil {
					out = append(out, t)
				}
			}
			return
		}
		e.output, e.encapsulated = pick(x.Output), pick(x.Encapsulated)
		e.given = append(pick(x.InputData), pick(x.InputDecisions)...)
		e.result = e.typ
		if e.typ != nil && e.typ.Kind == feel.KindFunction && e.typ.Params != nil {
			e.result = e.typ.Result
		}
		if e.result == nil && len(e.output) > 1 {
			e.result = &feel.Type{Kind: feel.KindContext, Fields: []feel.Param{}}
			for _, o := range e.output {
				e.result.Fields = append(e.result.Fields, feel.Param{Name: o.name, Type: o.typ})
			}
		}
		e.typ = &feel.Type{Kind: feel.KindFunction, Params: []*feel.Type{}, Result: e.result}
		for _, g := range e.given {
			e.params = append(e.params, feel.Param{Name: g.name, Type: g.typ})
			e.typ.Params = append(e.typ.Params, g.typ)
		}
		e.byName, e.groups = nil, nil
	}
	c.circles()
}

func (c *compiler) target(r model.Ref) (*element, string) {
	ns, id := r.Split()
	if ns == "" || ns == c.d.namespace {
		if e := c.d.byID[id]; e != nil {
			return e, ""
		}
	}
	for _, im := range c.d.imports {
		if im.defs.namespace == ns || ns == "" && im.name == "" {
			if e := im.defs.byID[id]; e != nil {
				return e, im.name
			}
		}
	}
	return nil, ""
}

func (c *compiler) resolve(e *element) {
	e.byName, e.groups = map[string]*element{}, map[string][]*element{}
	for i := range e.needs {
		n := &e.needs[i]
		n.to, n.prefix = c.target(n.ref)
		switch {
		case n.to == nil:
			if !slices.Contains(c.d.source.KnowledgeSources, strings.TrimPrefix(n.ref.Href, "#")) {
				c.problem(n.ref.Pos, fmt.Sprintf("%s needs %s, which isn't there", e, quote(n.ref.Href)), "the id of an input, a decision, knowledge or a service")
			}
		case n.prefix == "":
			e.byName[n.to.name] = n.to
		default:
			e.groups[n.prefix] = append(e.groups[n.prefix], n.to)
		}
	}
}

// circles refuses decisions that need one another, be it through a service or through
// knowledge that calls one; knowledge may call itself. All circles are told.
func (c *compiler) circles() {
	// Tarjan's strongly connected components.
	type mark struct {
		at, low int
		open    bool
	}
	marks := map[*element]*mark{}
	var stack []*element
	var walk func(e *element) *mark
	walk = func(e *element) *mark {
		m := &mark{len(marks), len(marks), true}
		marks[e] = m
		stack = append(stack, e)
		for _, n := range makes(e) {
			switch x := marks[n]; {
			case x == nil:
				m.low = min(m.low, walk(n).low)
			case x.open:
				m.low = min(m.low, x.at)
			}
		}
		if m.low == m.at {
			i := len(stack) - 1
			for stack[i] != e {
				i--
			}
			part := slices.Clone(stack[i:])
			stack = stack[:i]
			for _, x := range part {
				marks[x].open = false
			}
			c.circle(part)
		}
		return m
	}
	for _, e := range c.d.elements {
		if marks[e] == nil {
			walk(e)
		}
	}
}

// makes are the elements that one needs made, what a service is given not counted.
func makes(e *element) []*element {
	var out []*element
	if e.sort == service {
		for _, x := range slices.Concat(e.output, e.encapsulated) {
			if !slices.Contains(e.given, x) {
				out = append(out, x)
			}
		}
		return out
	}
	for _, n := range e.needs {
		if n.to != nil {
			out = append(out, n.to)
		}
	}
	return out
}

// circle refuses elements that all need one another, if a decision is among them.
func (c *compiler) circle(part []*element) {
	in := map[*element]bool{}
	var first *element
	for _, x := range part {
		in[x] = true
		if x.sort == decision && (first == nil || x.pos.Line < first.pos.Line) {
			first = x
		}
	}
	if first == nil || len(part) == 1 && !slices.Contains(makes(first), first) {
		return
	}
	// The shortest way back, for the message.
	from := map[*element]*element{}
	queue := []*element{first}
	for i := 0; i < len(queue); i++ {
		for _, n := range makes(queue[i]) {
			if n == first {
				names := []string{quote(first.label)}
				for x := queue[i]; x != first; x = from[x] {
					names = append(names, quote(x.label))
				}
				names = append(names, quote(first.label))
				slices.Reverse(names)
				if len(names) > 12 {
					names = append(append(names[:6:6], "…"), names[len(names)-6:]...)
				}
				c.bad(first.pos, "decisions need one another in a circle: "+strings.Join(names, " → "), "a graph without circles")
				return
			}
			if in[n] && from[n] == nil {
				from[n] = queue[i]
				queue = append(queue, n)
			}
		}
	}
}

// --- logic

// scope is what the logic of an element may name.
func (c *compiler) scope(e *element) (*feel.Scope, feel.Config) {
	s := feel.NewScope()
	cfg := feel.Config{File: c.d.file, Types: c.allTypes(), Vars: map[string]*feel.Type{}, Budget: c.o.Budget, Lenient: true, Closed: true}
	name := func(n string, t *feel.Type) {
		s = s.With(n, t)
		cfg.Names, cfg.Vars[n] = append(cfg.Names, n), t
	}
	for n, t := range e.byName {
		name(n, t.known())
	}
	for prefix, l := range e.groups {
		t := &feel.Type{Kind: feel.KindContext, Fields: []feel.Param{}}
		for _, x := range l {
			t.Fields = append(t.Fields, feel.Param{Name: x.name, Type: x.typ})
		}
		name(prefix, t)
	}
	if e.sort == knowledge { // it may call itself
		name(e.name, e.typ)
	}
	return s, cfg
}

func (c *compiler) allTypes() map[string]*feel.Type {
	if len(c.d.imports) == 0 {
		return c.d.types
	}
	out := map[string]*feel.Type{}
	for n, t := range c.d.types {
		out[n] = t
	}
	for _, im := range c.d.imports {
		for n, t := range im.defs.types {
			if im.name != "" {
				n = im.name + "." + n
			}
			out[n] = t
		}
	}
	return out
}

func (c *compiler) logic() {
	plan := func(e *element, x *model.Expr, t *feel.Type) {
		if x == nil {
			return
		}
		s, cfg := c.scope(e)
		b := &boxer{compiler: c, e: e, cfg: cfg}
		n := b.expr(x, s)
		e.tables = b.tables
		e.prog = feel.Plan(feel.BoxTyped(b.where(x.Pos, x.Text.S), n, t), cfg)
		for _, p := range e.prog.Problems() {
			if len(c.d.problems) < maxErrors {
				c.d.problems = append(c.d.problems, p)
			}
		}
	}
	sources := map[*element]*model.Expr{}
	i := map[role]int{}
	for _, e := range c.d.elements {
		switch k := i[e.sort]; e.sort {
		case decision:
			sources[e] = c.d.source.Decisions[k].Logic
		case knowledge:
			sources[e] = c.d.source.BKMs[k].Logic
		}
		i[e.sort]++
	}
	// What an element needs comes first: what is known of its type, and with it of the
	// names in it, is then there.
	done := map[*element]bool{}
	var visit func(e *element)
	visit = func(e *element) {
		if e == nil || done[e] || e.defs != c.d {
			return
		}
		done[e] = true
		for _, n := range e.needs {
			visit(n.to)
		}
		switch e.sort {
		case decision:
			plan(e, sources[e], e.typ)
			if e.typ == nil && e.prog != nil {
				e.inferred = e.prog.Type()
			}
		case knowledge:
			plan(e, sources[e], nil)
			if f := e.prog; f != nil && e.result == nil && f.Type() != nil && f.Type().Kind == feel.KindFunction {
				e.inferred = f.Type()
			}
		case service:
			if e.result == nil && len(e.output) == 1 {
				e.result = e.output[0].known()
				e.typ.Result = e.result
			}
		}
	}
	for _, e := range c.d.elements {
		visit(e)
	}
}

// known is what is known of the type of an element.
func (e *element) known() *feel.Type {
	if e.inferred != nil {
		return e.inferred
	}
	return e.typ
}

// boxer makes FEEL nodes of the boxed expressions of one element.
type boxer struct {
	*compiler
	e      *element
	cfg    feel.Config
	tables []*table
	depth  int
}

func (b *boxer) where(p model.Pos, text string) feel.Place {
	return feel.Where(b.d.file, p.Line, p.Col, text)
}

func (c *compiler) config(t model.Text, s *feel.Scope) feel.Config {
	return feel.Config{File: c.d.file, Line: t.Line, Col: t.Col, Scope: s, Types: c.allTypes(), Budget: c.o.Budget,
		Place: func(off int) (int, int) { p := t.At(off); return p.Line, p.Col }}
}

func (c *compiler) failed(err error) {
	for _, e := range feel.Each(err) {
		if len(c.errs) < maxErrors {
			c.errs = append(c.errs, e)
		}
	}
}

// literal reads an expression; a mistake is noted and null stands for it.
func (c *compiler) literal(t model.Text, s *feel.Scope) feel.Node {
	n, err := feel.Parse(t.S, c.config(t, s))
	if err != nil {
		c.unreadable(err)
		return feel.BoxConstant(nil)
	}
	return n
}

// unreadable is an error, or a problem where the file is to be read all the same.
func (c *compiler) unreadable(err error) {
	if c.o.Lenient {
		for _, e := range feel.Each(err) {
			if len(c.d.problems) < maxErrors {
				c.d.problems = append(c.d.problems, e)
			}
		}
		return
	}
	c.failed(err)
}

// unary reads unary tests; nil: they can't be read.
func (c *compiler) unary(t model.Text, s *feel.Scope) feel.Node {
	if t.S == "" {
		t.S = "-"
	}
	n, err := feel.ParseUnary(t.S, c.config(t, s.With("?", nil)))
	if err != nil {
		c.unreadable(err)
		return nil
	}
	return n
}

const maxBoxes = 100

// expr is a boxed expression (7.3.1, 10.2).
func (b *boxer) expr(x *model.Expr, s *feel.Scope) feel.Node {
	if x == nil {
		return feel.BoxConstant(nil)
	}
	if b.depth++; b.depth > maxBoxes {
		b.bad(x.Pos, "the boxes are nested too deeply", fmt.Sprintf("at most %d levels", maxBoxes))
		return feel.BoxConstant(nil)
	}
	defer func() { b.depth-- }()
	n := b.box(x, s)
	if x.TypeRef != "" && x.Kind != model.Function {
		n = feel.BoxTyped(b.where(x.Pos, x.Text.S), n, b.named(x.TypeRef, x.Pos, nil))
	}
	return n
}

func (b *boxer) box(x *model.Expr, s *feel.Scope) feel.Node {
	at := b.where(x.Pos, "")
	switch x.Kind {
	case model.Literal:
		switch {
		case x.ImportedText:
			b.problem(x.Pos, "imported values can't be read", "the expression itself")
			return feel.BoxConstant(nil)
		case !isFEEL(x.Language, b.d.source.ExpressionLanguage):
			b.problem(x.Pos, "the language "+quote(x.Language)+" isn't FEEL", "FEEL")
			return feel.BoxConstant(nil)
		case x.Text.S == "":
			b.problem(x.Pos, "the expression is empty", "a FEEL expression")
			return feel.BoxConstant(nil)
		}
		return b.literal(x.Text, s)
	case model.Context:
		var entries []feel.Entry
		var result feel.Node
		for _, e := range x.Entries {
			n := b.expr(e.Value, s)
			if e.Variable == nil {
				result = n
				continue
			}
			t := b.named(e.Variable.TypeRef, e.Variable.Pos, nil)
			n = feel.BoxTyped(b.where(e.Pos, ""), n, t)
			if t == nil {
				t = s.TypeOf(n)
			}
			s = s.With(e.Variable.Name, t)
			entries = append(entries, feel.Entry{Name: e.Variable.Name, Value: n})
		}
		return feel.BoxContext(at, entries, result)
	case model.Invocation:
		var names []string
		var args []feel.Node
		for _, p := range x.Bindings {
			if p.Value != nil {
				names, args = append(names, p.Param.Name), append(args, b.expr(p.Value, s))
			}
		}
		return feel.BoxCall(at, b.expr(x.Callee, s), names, args)
	case model.Function:
		return b.function(x, s)
	case model.Relation:
		rows := make([]feel.Node, len(x.Rows))
		for i, r := range x.Rows {
			var entries []feel.Entry
			for k, col := range x.Columns {
				if k < len(r) {
					n := b.expr(r[k], s)
					entries = append(entries, feel.Entry{Name: col.Name, Value: feel.BoxTyped(b.where(x.Pos, ""), n, b.named(col.TypeRef, col.Pos, nil))})
				}
			}
			rows[i] = feel.BoxRow(at, entries)
		}
		return feel.BoxList(at, rows)
	case model.List:
		items := make([]feel.Node, len(x.Items))
		for i, it := range x.Items {
			items[i] = b.expr(it, s)
		}
		return feel.BoxList(at, items)
	case model.Conditional:
		return feel.BoxIf(at, b.expr(x.If, s), b.expr(x.Then, s), b.expr(x.Else, s))
	case model.For, model.Some, model.Every:
		in := b.expr(x.In, s)
		inner := s.With(x.Iterator, nil).With("partial", nil)
		body := b.expr(x.Body, inner)
		if x.Kind == model.For {
			return feel.BoxFor(at, x.Iterator, in, body)
		}
		return feel.BoxQuantified(at, x.Kind == model.Every, x.Iterator, in, body)
	case model.Filter:
		in := b.expr(x.In, s)
		inner := s.With("item", nil)
		if t := s.TypeOf(in); t != nil {
			if t.Kind == feel.KindList {
				t = t.Elem
			}
			if t != nil {
				for _, f := range t.Fields {
					inner = inner.With(f.Name, f.Type)
				}
			}
		}
		return feel.BoxFilter(at, in, b.expr(x.Match, inner))
	case model.DecisionTable:
		t, n := b.table(x, s)
		b.tables = append(b.tables, t)
		return n
	}
	b.bad(x.Pos, "this box isn't known", "")
	return feel.BoxConstant(nil)
}

func (b *boxer) function(x *model.Expr, s *feel.Scope) feel.Node {
	at := b.where(x.Pos, "")
	params := make([]feel.Param, len(x.Params))
	inner := s
	for i, p := range x.Params {
		params[i] = feel.Param{Name: p.Name, Type: b.named(p.TypeRef, p.Pos, nil)}
		inner = inner.With(p.Name, params[i].Type)
	}
	var result *feel.Type
	if b.depth == 1 && b.e.sort == knowledge {
		result = b.e.result
	} else {
		result = b.named(x.TypeRef, x.Pos, nil)
		if result != nil && result.Kind == feel.KindFunction && result.Params != nil {
			result = result.Result
		}
	}
	if k := x.FunctionKind; k != "" && k != "FEEL" {
		b.problem(x.Pos, "a function of the kind "+k+" can't be called here", "a FEEL function")
		return feel.BoxFunction(at, params, feel.BoxConstant(nil), result)
	}
	return feel.BoxFunction(at, params, b.expr(x.Body, inner), result)
}

// isFEEL says whether a language is FEEL, which is the default (7.3.1).
func isFEEL(lang, file string) bool {
	if lang == "" {
		lang = file
	}
	l := strings.ToLower(lang)
	return l == "" || l == "feel" || strings.Contains(l, "/feel/") || strings.HasSuffix(l, "/feel") || strings.Contains(l, "spec/feel")
}
