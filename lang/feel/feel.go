// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Config says where an expression stands and what is known there.
type Config struct {
	File      string
	Line, Col int // of its first character; 0: 1
	// Place finds a byte of the expression in the file, where it doesn't stand there as
	// it is, such as in XML with its "&lt;"; nil: it does.
	Place   func(off int) (line, col int)
	Names   []string         // the variables that it may read
	Closed  bool             // there are no others
	Types   map[string]*Type // the types that an author made, by name
	Vars    map[string]*Type // the types of variables, as far as they are known
	Scope   *Scope           // the names around it, where they aren't all in Names
	Lenient bool             // what doesn't check is null when it is evaluated, not an error of Compile
	Budget  Budget

	ranges bool // reading the text of range()
}

func (c *Config) types(name string) *Type { return c.Vars[name] }

// declares says whether a name is a variable by the configuration.
func (c *Config) declares(name string) bool {
	_, typed := c.Vars[name]
	return typed || slices.Contains(c.Names, name)
}

// Budget bounds an expression and its evaluation; a zero is a default.
type Budget struct {
	Source int // bytes of an expression: 64 KiB
	Nodes  int // parts of an expression: 50,000
	Depth  int // nesting of an expression: 200
	Steps  int // of an evaluation: 2,000,000
	Calls  int // functions inside functions: 500
}

func or(n, d int) int {
	if n > 0 {
		return n
	}
	return d
}

func (b Budget) source() int { return or(b.Source, 64<<10) }

func (b Budget) nodes() int { return or(b.Nodes, 50_000) }

func (b Budget) depth() int { return or(b.Depth, 200) }

func (b Budget) steps() int { return or(b.Steps, 2_000_000) }

func (b Budget) calls() int { return or(b.Calls, 500) }

// maxText bounds a text that an evaluation makes, in bytes.
const maxText = 4 << 20

// --- programs

// Program is a planned expression: immutable, safe to share between goroutines.
type Program struct {
	node     Node
	root     code
	typ      *Type
	free     []string
	slots    int
	vars     []int // the slots of the free names
	input    int   // the slot of "?", -1: none
	shapes   int
	paths    [][]string
	whole    [][]string
	problems Errors
	budget   Budget
	closures bool // it makes functions
	frames   *sync.Pool
}

// Parse reads an expression and plans nothing yet.
func Parse(src string, c Config) (Node, error) { return parse(src, &c, false) }

// ParseUnary reads unary tests, the cell of a decision table.
func ParseUnary(src string, c Config) (Node, error) { return parse(src, &c, true) }

func parse(src string, c *Config, unary bool) (n Node, err error) {
	base := builtinScope
	if c.Scope != nil {
		base = c.Scope.names
	}
	if len(c.Names) > 0 || len(c.Vars) > 0 {
		base = &names{up: base}
		for _, x := range c.Names {
			base.add(x, c.Vars[x])
		}
		for x, t := range c.Vars {
			base.add(x, t)
		}
	}
	return parseIn(src, c, unary, base)
}

func parseIn(src string, c *Config, unary bool, base *names) (n Node, err error) {
	s := &source{c.File, c.Line, c.Col, src, c.Place}
	if len(src) > c.Budget.source() {
		s.text = src[:100]
		return nil, errorAt(at{s, 0, 0}, "the expression is too long", fmt.Sprintf("at most %d bytes", c.Budget.source()))
	}
	if !utf8.ValidString(src) {
		s.text = strings.ToValidUTF8(src, "\uFFFD")
		return nil, errorAt(at{s, 0, 0}, "the text isn't UTF-8", "a file saved as UTF-8")
	}
	p := &parser{c: c, src: s, toks: lex(src), scope: base}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(parseError)
			if !ok {
				panic(r)
			}
			n, err = nil, e.Error
		}
	}()
	if unary {
		n = p.unaryTests()
	} else {
		n = p.expr()
	}
	if p.peek().kind != tEnd {
		p.unexpected("the end or an operator")
	}
	return n, nil
}

// Plan settles names and calls. The problems are what check found; the program runs
// all the same, and is null where it can't go on.
func Plan(n Node, c Config) *Program {
	p := &planner{c: &c, root: &funcScope{}, free: map[string]slot{}, paths: map[string][]string{}, whole: map[string][]string{}, inside: map[Node]bool{}}
	out := &Program{node: n, input: -1, budget: c.Budget, frames: &sync.Pool{}}
	Walk(n, func(n Node) bool {
		_, is := n.(*function)
		out.closures = out.closures || is
		return !is
	})
	out.root, out.typ = p.plan(n, &scope{fn: p.root, item: -1})
	for _, name := range p.order {
		i := p.free[name].i
		if name == "?" {
			out.input = i
			continue
		}
		out.free = append(out.free, name)
		out.vars = append(out.vars, i)
	}
	for _, path := range p.paths {
		out.paths = append(out.paths, path)
	}
	for _, path := range p.whole {
		out.whole = append(out.whole, path)
	}
	for _, paths := range [][][]string{out.paths, out.whole} {
		sort.Slice(paths, func(i, j int) bool { return strings.Join(paths[i], "\x00") < strings.Join(paths[j], "\x00") })
	}
	out.slots, out.shapes, out.problems = p.root.n, p.shapes, p.problems
	return out
}

// Compile parses, checks and plans an expression.
func Compile(src string, c Config) (*Program, error) { return compile(src, c, false) }

// CompileUnary does so with unary tests, to be run by Test.
func CompileUnary(src string, c Config) (*Program, error) { return compile(src, c, true) }

func compile(src string, c Config, unary bool) (*Program, error) {
	n, err := parse(src, &c, unary)
	if err != nil {
		return nil, err
	}
	p := Plan(n, c)
	if !c.Lenient && len(p.problems) > 0 {
		return nil, p.problems.err()
	}
	return p, nil
}

// Problems are what is wrong with an expression that can be read: unknown names,
// functions and types, values that don't go together.
func (p *Program) Problems() []*Error { return p.problems }

// Type is what is known of the value before it is evaluated; nil: nothing.
func (p *Program) Type() *Type { return p.typ }

// FreeNames are the variables that the expression reads, sorted.
func (p *Program) FreeNames() []string {
	out := append([]string(nil), p.free...)
	sort.Strings(out)
	return out
}

// FreePaths are their full paths, as far as they are written as chains of names.
func (p *Program) FreePaths() [][]string { return p.paths }

// Reads are FreePaths without those that are only the beginning of a longer chain:
// a.b reads a.b, and a only where a stands alone too.
func (p *Program) Reads() [][]string { return p.whole }

// Constants are the literal values in the expression.
func (p *Program) Constants() []Value { return Constants(p.node) }

// String prints the expression; parsing it again gives the same.
func (p *Program) String() string { return Print(p.node) }

// EvalTest runs unary tests over an input in a run: true, false or nil.
func (p *Program) EvalTest(r *Run, lookup func(name string) Value, input Value) (Value, error) {
	return p.run(r, lookup, input)
}

// EvalIn evaluates in a run; lookup gives the variables. The only error is ErrBudget.
func (p *Program) EvalIn(r *Run, lookup func(name string) Value) (Value, error) {
	return p.run(r, lookup, nil)
}

func (p *Program) run(r *Run, lookup func(name string) Value, input Value) (v Value, err error) {
	defer r.recover(r.st.depth, &v, &err)
	f := p.frame(&r.st)
	if lookup != nil {
		for i, s := range p.vars {
			f.slots[s] = lookup(p.free[i])
		}
	}
	if p.input >= 0 {
		f.slots[p.input] = input
	}
	v = p.root(f)
	r.st.weigh(v, 0)
	if !p.closures {
		clear(f.slots)
		f.st = nil
		p.frames.Put(f)
	}
	return v, nil
}

// frame is the outermost frame of an evaluation. Frames are used again, but for those
// that a function may have kept.
func (p *Program) frame(st *state) *frame {
	if !p.closures {
		if f, ok := p.frames.Get().(*frame); ok {
			f.st = st
			return f
		}
	}
	return &frame{st: st, slots: make([]Value, p.slots), seen: make([]seenShape, p.shapes)}
}

// Eval evaluates over FEEL values. The only error is ErrBudget.
func (p *Program) Eval(vars map[string]Value) (Value, error) {
	return p.EvalIn(NewRun(RunOptions{Now: clockOf(vars), Budget: p.budget}), func(n string) Value { return vars[n] })
}

// EvalJSON evaluates over JSON data and gives JSON data.
func (p *Program) EvalJSON(vars map[string]any) (any, error) {
	v, err := p.EvalIn(NewRun(RunOptions{Now: clockOf(vars), Budget: p.budget}), func(n string) Value { return FromJSON(vars[n]) })
	if err != nil {
		return nil, err
	}
	return ToJSON(v), nil
}

// Test runs unary tests over an input of JSON data.
func (p *Program) Test(input any, vars map[string]any) (bool, error) {
	v, err := p.run(NewRun(RunOptions{Now: clockOf(vars), Budget: p.budget}), func(n string) Value { return FromJSON(vars[n]) }, FromJSON(input))
	return v == true, err
}

// Now is the variable under which a caller says what time it is: a time.Time whose
// location is the town's. Without it now() and today() are null: FEEL here is a pure
// function of its text and its data.
const Now = "now()"

func clockOf(vars map[string]any) time.Time {
	t, _ := vars[Now].(time.Time)
	return t
}
