// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// odd are values that functions don't expect.
var odd = []string{`null`, `true`, `0`, `-1`, `1.5`, `9999999999999999999999999999999999`, `1E6144`, `1E-6143`, `""`, `"(["`, `[]`, `[null]`, `[1, "a", [2]]`, `{}`, `{a: null}`,
	`[1..3]`, `(< 5)`, `function(x) x`, `function(x, y) null`, `@"-999999999-01-01"`, `@"999999999-12-31"`, `@"2020-03-29T02:30:00@Europe/Berlin"`, `@"23:59:59.999Z"`, `@"P999999999Y"`, `@"-P999999999D"`, `sum`}

// Whatever a built-in function or an operator is given, it answers.
func TestOddValues(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while under the race detector")
	}
	vals := make([]Value, len(odd))
	for i, s := range odd {
		p, err := Compile(s, Config{})
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if vals[i], err = p.Eval(nil); err != nil {
			t.Fatal(err)
		}
	}
	try := func(what string, f func(r *Run) Value) {
		r := NewRun(RunOptions{Now: time.Unix(0, 0), Trace: true})
		if err := r.Guard(func() { AppendJSON(nil, f(r)) }); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for name, b := range builtins {
		call := func(args ...Value) {
			try(name, func(r *Run) Value { return b.invoke(&site{st: &r.st, name: name}, args, nil) })
		}
		call()
		for i, x := range vals {
			call(x)
			for k, y := range vals {
				call(x, y)
				call(x, y, vals[(i*7+k*3)%len(vals)])
				call(x, y, vals[(i+k)%len(vals)], vals[(i*5+k)%len(vals)])
			}
		}
	}
	for _, op := range []string{"+", "-", "*", "/", "**", "=", "!=", "<", ">=", "and", "or", "in", "between 1 and"} {
		for _, x := range odd {
			for _, y := range odd {
				p, err := Compile("("+x+") "+op+" ("+y+")", Config{Lenient: true})
				if err != nil {
					t.Errorf("(%s) %s (%s): %v", x, op, y, err)
					continue
				}
				try(p.String(), func(r *Run) Value { v, _ := p.EvalIn(r, nil); return v })
			}
		}
	}
}

// Expressions that grow without end stop at their budget.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while under the race detector")
	}
	for _, src := range []string{
		`for i in 1..100 return if i = 1 then "a text that will be doubled and doubled" else partial[-1] + partial[-1]`,
		`for i in 1..100 return if i = 1 then [1, 2, 3] else concatenate(partial[-1], partial[-1])`,
		`for i in 1..60 return if i = 1 then [1] else [partial[-1], partial[-1]]`,
		`{twice: function(n) for i in 1..60 return if i = 1 then [n] else [partial[-1], partial[-1]], same: twice(1) = twice(1)}.same`,
		`string((for i in 1..60 return if i = 1 then [1] else [partial[-1], partial[-1]])[-1])`,
		`flatten(for i in 1..60 return if i = 1 then [1] else [partial[-1], partial[-1]])`,
		`(for i in 1..100000 return [partial[-1]])[-1]`,
		`{f: function(n) f(n + 1), r: f(1)}.r`,
		`for a in 1..9999, b in 1..9999 return a`,
		`for d in @"-9999-01-01"..@"9999-12-31" return d`,
		`for i in [1..1000000000000] return i`,
		`every i in 1..1000000000000 satisfies true`,
		`{s: string join(for i in 1..100000 return "a"), r: for i in 1..100000 return upper case(s)}.r`,
		`{s: string join(for i in 1..100000 return "ä"), r: for i in 1..100000 return lower case(s)}.r`,
		`{s: string join(for i in 1..100000 return "a"), r: for i in 1..100000 return substring(s, 50000)}.r`,
		`{s: string join(for i in 1..100000 return "a"), r: for i in 1..100000 return string length(s)}.r`,
		`{s: string join(for i in 1..100000 return "a"), r: for i in 1..100000 return contains(s, "b")}.r`,
		`{s: string join(for i in 1..100000 return "a"), t: string join([s, ""]), r: for i in 1..400000 return s = t}.r`,
		`{s: string join(for i in 1..100000 return "a"), r: for i in 1..100000 return matches(s, "b")}.r`,
		`{s: string join(for i in 1..100000 return "a"), r: for i in 1..3 return matches(s, "(a?){900}b")}.r`,
		`{s: string join(for i in 1..100000 return "a"), r: replace(s, "a.*b|a", "c")}.r`,
		`for i in 1..100000 return replace("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a.*b|a", "c")`,
	} {
		p, err := Compile(src, Config{Lenient: true})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if v, err := p.Eval(nil); !errors.Is(err, ErrBudget) {
			t.Errorf("%s ends with %.60s, %v", src, Text(v), err)
		}
	}
}

// Texts that are hard to read are read, or refused, without trying everything.
func TestHardToRead(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("a in (", 100), strings.Repeat("a in (", 60) + "1" + strings.Repeat(").b", 60), strings.Repeat("[1..a[", 150), strings.Repeat("]1..a[", 90) + "1" + strings.Repeat("[", 90),
		"a" + strings.Repeat(".a", 20_000), "a" + strings.Repeat("[1]", 20_000), "f" + strings.Repeat("()", 20_000), strings.Repeat("a ", 30_000), "1" + strings.Repeat("+1", 30_000),
		"{" + strings.Repeat("a b c d: 1, ", 3_000) + "z: 1}", strings.Repeat("-", 60_000) + "1", strings.Repeat("x,", 30_000) + "x", strings.Repeat("unknown(", 150) + strings.Repeat(")", 150),
	} {
		for _, compile := range []func(string, Config) (*Program, error){Compile, CompileUnary} {
			if p, err := compile(src, Config{Closed: true}); err != nil && len(Each(err)) == 0 || err == nil && p == nil {
				t.Errorf("%.20s…: %v", src, err)
			}
		}
	}
}
