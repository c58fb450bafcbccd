// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

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

// Now is the variable under which a caller says what time it is: a time.Time whose
// location is the town's. Without it now() and today() are null: FEEL here is a pure
// function of its text and its data.
const Now = "now()"

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
	if t, ok := vars[Now]; ok {
		in[Now] = t
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
	if t, ok := vars[Now]; ok {
		in[Now] = t
	}
	in["?"] = FromJSON(input)
	v, err := p.Eval(in)
	return v == true, err
}

// FromJSON makes FEEL values of JSON data.
func FromJSON(v any) Value {
	switch v := v.(type) {
	case json.Number:
		if d, ok := decimal(v.String()); ok {
			return d
		}
		return nil
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
