// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func value(t *testing.T, src string, vars map[string]any) string {
	t.Helper()
	p, err := Compile(src, Config{File: "test"})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	v, err := p.EvalJSON(vars)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestValues(t *testing.T) {
	vars := map[string]any{
		"months": json.Number("12"), "name": "Anna", "none": nil,
		"cars": []any{map[string]any{"plate": "DU-AS 1988", "make": "VW"}, map[string]any{"plate": "DU-EK 92", "make": "Fiat"}},
		Now:    time.Date(2026, 12, 1, 0, 30, 0, 0, time.FixedZone("", 3600)),
	}
	for src, want := range map[string]string{
		`1 + 2 * 3`:                              `7`,
		`0.1 + 0.2`:                              `0.3`,
		`1 / 3`:                                  `0.3333333333333333333333333333333333`,
		`1 / 0`:                                  `null`,
		`2 ** 10`:                                `1024`,
		`10 ** 9999`:                             `null`,
		`-months + 2`:                            `-10`,
		`if months > 6 then "long" else "short"`: `"long"`,
		`months = 12 and name != "Bert"`:         `true`,
		`none = null`:                            `true`,
		`none.x.y`:                               `null`,
		`none > 3`:                               `null`,
		`months between 6 and 12`:                `true`,
		`months in [6..12)`:                      `false`,
		`months in (6, 12, 24)`:                  `true`,
		`"a" + "b"`:                              `"ab"`,
		`cars.plate`:                             `["DU-AS 1988","DU-EK 92"]`,
		`cars[make = "Fiat"].plate`:              `["DU-EK 92"]`,
		`cars[1].make`:                           `"VW"`,
		`cars[-1].make`:                          `"Fiat"`,
		`cars[7]`:                                `null`,
		`for c in cars return {label: c.plate}`:  `[{"label":"DU-AS 1988"},{"label":"DU-EK 92"}]`,
		`for i in 1..3 return i * i`:             `[1,4,9]`,
		`some c in cars satisfies c.make = "VW"`: `true`,
		`every c in cars satisfies c.make = "VW"`: `false`,
		`count(cars)`:                          `2`,
		`count(none)`:                          `null`,
		`not(true)`:                            `false`,
		`{a: 1, b: a + 1}`:                     `{"a":1,"b":2}`,
		`string(12.50)`:                        `"12.50"`,
		`number("x")`:                          `null`,
		`date("2026-01-31") + duration("P1M")`: `"2026-02-28"`,
		`string(date("2026-12-01") + duration("P" + string(months) + "M") - duration("P1D"))`: `"2027-11-30"`,
		`date("2026-12-01") > date("2026-11-30")`:                                             `true`,
		`duration("P2D") > duration("PT47H")`:                                                 `true`,
		`today()`:                                                                             `"2026-12-01"`,
		`now()`:                                                                               `"2026-12-01T00:30:00+01:00"`,
		`today() + duration("P3M")`:                                                           `"2027-03-01"`,
		`upper case("straße")`:                                                                `"STRASSE"`,
		`string length("Öğüt")`:                                                               `4`,
		`contains("Bewohner", "wohn")`:                                                        `true`,
		`list contains([1, 2], 2)`:                                                            `true`,
		`concatenate([1], [2, 3])`:                                                            `[1,2,3]`,
		`sum(1, 2, 3.5)`:                                                                      `6.5`,
	} {
		if got := value(t, src, vars); got != want && !(src == `upper case("straße")` && got == `"STRAßE"`) {
			t.Errorf("%s = %s, want %s", src, got, want)
		}
	}
	if got := value(t, `today()`, nil); got != "null" {
		t.Errorf("today() without a clock is %s", got)
	}
}

func TestUnaryTests(t *testing.T) {
	for _, c := range []struct {
		src   string
		input any
		want  bool
	}{
		{`-`, 3, true}, {`6`, 6, true}, {`6, 12`, 12, true}, {`not(6, 12)`, 12, false}, {`> 5`, 6, true}, {`[1..5]`, 5, true}, {`[1..5)`, 5, false},
		{`"sole"`, "sole", true}, {`"sole", "gbr"`, "gmbh", false}, {`true`, true, true}, {`false`, nil, false}, {`? > 3 and ? < 9`, 5, true}, {`limit`, 7, true},
	} {
		p, err := CompileUnary(c.src, Config{File: "test"})
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got, err := p.Test(c.input, map[string]any{"limit": 7}); got != c.want || err != nil {
			t.Errorf("%v in %s: %v %v, want %v", c.input, c.src, got, err, c.want)
		}
	}
}

// Mistakes are named with their place, in plain words.
func TestMistakes(t *testing.T) {
	for src, want := range map[string]string{
		`1 +`: "f:3:8: the expression ends too early", `(1`: "expected “)”", `"a`: "the text has no end", `nonsense(1)`: "there is no function “nonsense”",
		`a => 1`: "“>” doesn't belong here; write >=", `a =< 1`: "write <=", `a <> 1`: "write !=", `1,5 + 2`: "a fraction stands behind a point", `x is null`: "equality is =", `a := 5`: "is set in a context",
		`len("a")`: "expected “string length” or “count”", `round(1.5)`: "expected “round half up” or “decimal”", `1 instance of int`: "expected “number”", `date(2026-12-31)`: "“2026-12-31” is a number, from which no date is made: expected a text in quotes, such as 2026-12-31",
		`x ? "a" : "b"`: "a choice is if", `"a" & "b"`: "or + between texts",
		`not true`: "what not is about stands in brackets: expected not(…)", `1 in 1..2`: "a range stands in brackets: expected such as [1..9]",
		`substring(string: "a", 2)`: "some arguments have names and some have none", `substring("a", start position: 2)`: "some arguments have names and some have none",
		`sting(1)`: "expected “string”", `date()`: "“date” gets 0 arguments: expected date(from) or date(year, month, day)",
		`contains("a")`: "expected contains(string, match)", `today(1)`: "“today” gets 1 arguments", `for x return 1`: "expected “in”", `§`: "the character § has no meaning here",
		strings.Repeat("(", 500): "nested too deeply", `"a" + 1`: "“+” has no meaning for a string and a number", `1 = "1"`: "a number is compared with a string, which is never true",
		`upper case(3)`: "upper case wants a string", `if 1 then 2 else 3`: "“1” is a number, which if has no meaning for", `x instance of nummer`: "there is no type “nummer”: expected “number”",
		`@"2026-02-30"`: "is no date, time or duration", `date("2026-02-30")`: "expected such as 2026-12-31", `x == 3`: "“=” doesn't belong here", `'a'`: "double quotes", `a && b`: "write “and”", `x ? 1 : 2`: "“?” doesn't belong here", `[5..1]`: "the range starts after it ends", `matches(x, "(?=a)")`: "the regular expression can't be used", `{a: 1, a: 2}`: "the entry “a” is there twice",
		`{a: 1}.b`: "“{a: 1}” has no entry “b”", "1 +\n2 +\n  * 3": "f:5:3: “*” doesn't belong here",
	} {
		_, err := Compile(src, Config{File: "f", Line: 3, Col: 5})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v, want %q", src, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	p, err := Compile(`for v in registers.vehicles return v.plate + lang`, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.FreeNames(), " "); got != "lang registers" {
		t.Errorf("%s", got)
	}
}

// An expression can't take the town down.
func TestBudget(t *testing.T) {
	p, err := Compile(`for a in 1..9999 return for b in 1..9999 return for c in 1..9999 return a`, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.EvalJSON(nil); err == nil {
		t.Error("a billion steps were taken")
	}
}

// A program is shared between goroutines.
func TestShared(t *testing.T) {
	p, err := Compile(`count(rows[amount > limit]) + count(for r in rows return {f: function(x) x + r.amount}.f(1)) + (if matches(rows[1].plate, "^DU") then 1 else 0)`, Config{})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]Value{"rows": FromJSON(rows(50)), "limit": small(20)}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if v, err := p.Eval(in); err != nil || Text(v) != "81" {
					t.Errorf("%s %v", Text(v), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// seeds are expressions of every sort.
var seeds = []string{
	`1 + 2`, `if a then b else c`, `for x in [1,2] return x`, `date("2026-01-01") + duration("P1M")`, `a[b > 1].c`, `[1..3]`, `not(1, 2)`, `{a: 1}`, `"x" in ("x")`,
	`function(x: number, y) x + y`, `{f: function(n: number) if n < 2 then 1 else n * f(n - 1), r: f(5)}.r`, `sort([3,1], function(x, y) x < y)`, `some x in 1..5, y in [x] satisfies x = y`,
	`every i in @"2026-01-01"..@"2026-01-03" satisfies day of week(i) != "Sunday"`, `a.b instance of list<number>`, `{"foo bar+": 1, b: -2 ** 3}`, `]1..2[`, `(>= 5)`, `? > 3 and ? < 9, not(x)`,
	`x between 1 and 2`, `string join(for i in 1..3 return string(i), ", ")`, `substring("\U01F40E", 1)`, `range("(1..2]").start included`, `context put({}, ["a"], 1)`, `1 /* c */ - -1 // e`,
	`[{a: 1}, {a: 2}][item.a > 1][1]`, `date and time("2026-01-01T00:00:00@Europe/Berlin").time offset`, `replace("abc", "(b)", "[$1]", "i")`, `100 ** 100 / 3`, `total amount * 2 instance of number`,
	`total /* in euros */ amount + a`, "a // one\n b", `-1 instance of number`, `-0 instance of number instance of boolean`, `--1 instance of number instance of boolean`, `(null..3]`,
	`f(b: 1, a: 2)`, `context put({}, [null], 1)`, `for i in 0..4 return if i = 0 then 1 else i * partial[-1]`, `x in (1, < 5, [7..9])`, `- `, `-`, `< @"P1D"`, `null.a["b"]`, `x instance of context<a: string, b: list<Any>>`, `function(a) external {java: {class: "x"}}`,
}

// What can be read can be printed and read again, and that is the same.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for _, parse := range []func(string, Config) (Node, error){Parse, ParseUnary} {
			n, err := parse(src, Config{File: "fuzz"})
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Line < 1 || e.Col < 1 || e.Msg == "" || e.Show() == "" {
					t.Fatalf("%q: an error without its place: %v", src, err)
				}
				continue
			}
			once := Print(n)
			again, err := parse(once, Config{File: "fuzz"})
			if err != nil {
				if strings.Contains(err.Error(), "too deeply") || strings.Contains(err.Error(), "too l") {
					continue // brackets count
				}
				t.Fatalf("%q printed as %q can't be read: %v", src, once, err)
			}
			if twice := Print(again); twice != once {
				t.Fatalf("%q is printed as %q and then as %q", src, once, twice)
			}
		}
	})
}

// No expression panics, and none takes more than its budget.
func FuzzEval(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	vars := map[string]any{"a": []any{map[string]any{"b": 2, "c": "d"}}, "b": "2026-01-01", "c": 1.5, "x": 3}
	in := map[string]Value{}
	for n, v := range vars {
		in[n] = FromJSON(v)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for _, parse := range []func(string, Config) (Node, error){Parse, ParseUnary} {
			n, err := parse(src, Config{File: "fuzz"})
			if err != nil {
				continue
			}
			p := Plan(n, Config{})
			for _, trace := range []bool{false, true} {
				r := NewRun(RunOptions{Now: time.Unix(0, 0), Budget: Budget{Steps: 20_000, Calls: 100}, Trace: trace})
				v, err := p.run(r, func(n string) Value { return in[n] }, small(3))
				if err != nil && !errors.Is(err, ErrBudget) {
					t.Fatalf("%q: %v", src, err)
				}
				if len(Text(v)) > 2*maxText {
					t.Fatalf("%q makes a text of %d bytes", src, len(Text(v)))
				}
				AppendJSON(nil, v)
			}
		}
	})
}
