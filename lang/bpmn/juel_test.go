// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/json"
	"strings"
	"testing"

	"mercator/lang/feel"
)

func TestJUEL(t *testing.T) {
	for src, want := range map[string]string{
		`${x}`:                               `x`,
		`#{order.price <= 250}`:              `order.price <= 250`,
		`${a == 'yes' && !done}`:             `a = "yes" and not(done)`,
		`${a eq "x" or b ne 1 and c lt 2}`:   `a = "x" or b != 1 and c < 2`,
		`${(a || b) && c}`:                   `(a or b) and c`,
		`${a ? 1 : 2}`:                       `if a = true then 1 else if a = false or a = null then 2 else null`,
		`${a > 1 ? 'x' : b}`:                 `if a > 1 then "x" else b`,
		`${not empty x}`:                     `not(list contains([null, "", [], {}], x))`,
		`${x + y}`:                           `x + 0 + y`,
		`${x + 1}`:                           `x + 1`,
		`${7 % x}`:                           `7 - x * round down(7 / x, 0)`,
		`${-x * 2 div 3}`:                    `-x * 2 / 3`,
		`${list[0].name}`:                    `list[1].name`,
		`${m["a-b"]}`:                        `get value(m, "a-b")`,
		`${'it\'s "so"'}`:                    `"it's \"so\""`,
		`${loopCounter}`:                     `(loopCounter - 1)`,
		`No. ${n}!`:                          `"No. " + (if n = null then "" else string(n)) + "!"`,
		`${a}${'b'}`:                         `(if a = null then "" else string(a)) + "b"`,
		`\${a} ${b}`:                         `"${a} " + (if b = null then "" else string(b))`,
		`${first-name}`:                      `first - name`,
		`${null}`:                            `null`,
		`${nrOfLoops}`:                       `nrOfLoops`,
		`${ a.b.c ge .5 }`:                   `a.b.c >= 0.5`,
		`${a == null || a.b == null}`:        `a = null or a.b = null`,
		"${a\n&& b}":                         `a and b`,
		`${(x)}`:                             `(x)`,
		`${a == b == c}`:                     `(a = b) = c`,
		`${a - (b - c)}`:                     `a - (b - c)`,
		`${Straße > 1}`:                      `Straße > 1`,
		`${a ? b ? 1 : 2 : 3}`:               `if a = true then if b = true then 1 else if b = false or b = null then 2 else null else if a = false or a = null then 3 else null`,
		`${(a > 1) ? (b) : c}`:               `if (a > 1) then (b) else c`,
		`${empty (a.b)}`:                     `list contains([null, "", [], {}], (a.b))`,
		`${x == -1}`:                         `x = -1`,
		`${"Activiti"}`:                      `"Activiti"`,
		`${date}`:                            `date`,
		`${a mod 2 == 0}`:                    `a - 2 * round down(a / 2, 0) = 0`,
		`R${n}/PT1H`:                         `"R" + (if n = null then "" else string(n)) + "/PT1H"`,
		`${a != null and a.size gt 3 or !b}`: `a != null and a.size > 3 or not(b)`,
	} {
		got, err := fromJUEL(src)
		if err != nil || got != want {
			t.Errorf("%s\n got %s %v\nwant %s", src, got, err, want)
			continue
		}
		if _, err := feel.Compile(got, feel.Config{}); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	for _, c := range []struct {
		src, says string
		off       int
	}{
		{`${bean.check(x)}`, `"bean.check" is a method of Java`, 12},
		{`${now()}`, `the function "now"`, 5},
		{`${fn:length(x)}`, `the function "fn"`, 4},
		{`${execution.id}`, `"execution" is an object of Camunda 7`, 2},
		{`${nrOfCompletedInstances == 2}`, `nrOfCompletedInstances`, 2},
		{`${list[i]}`, `an index that is computed`, 7},
		{`${if}`, `a word of FEEL`, 2},
		{`${a.in}`, `a word of FEEL`, 4},
		{`${a`, `the end`, 3},
		{`${}`, `stands where a value is missing`, 2},
		{`${a b}`, `"b" doesn't belong here`, 4},
		{`${'a`, `doesn't end`, 2},
		{`${1 == 'a'}`, `different kinds`, 4},
		{`${'a' + 1}`, `is calculated with`, 6},
		{`${!5}`, `taken for true or false`, 2},
		{`${true && 5}`, `taken for true or false`, 7},
		{`${'' ? 1 : 2}`, `taken for true or false`, 5},
		{`${1e3}`, `write the number`, 2},
		{`${a = 1}`, `"=" doesn't belong here`, 4},
		{`${x ? 1}`, `is missing`, 7},
		{`${` + strings.Repeat("(", 100), `nested deeper`, 43},
		{`${` + strings.Repeat("!", 100) + "x}", `nested deeper`, 43},
		{`${` + strings.Repeat("a%", 100) + "a}", `too large`, -1},
		{strings.Repeat("x", maxJUEL) + `${a}`, `more than`, 0},
	} {
		got, err := fromJUEL(c.src)
		if err == nil || !strings.Contains(err.text, c.says) || c.off >= 0 && err.off != c.off {
			t.Errorf("%s: got %q, %+v; want %q at %d", short(c.src), got, err, c.says, c.off)
		}
	}
}

// What JUEL answers, as its specification has it, the translation answers too; where the
// kinds of the values don't fit, it answers null and nothing else.
func TestJUELMeans(t *testing.T) {
	for _, c := range []struct{ vars, src, want string }{
		{`{"x": 1}`, `${x == 1}`, `true`},
		{`{"x": null}`, `${x == 'a'}`, `false`},
		{`{"x": null}`, `${x != 'a'}`, `true`},
		{`{"x": null}`, `${x == null}`, `true`},
		{`{"x": null}`, `${empty x}`, `true`},
		{`{"x": ""}`, `${empty x}`, `true`},
		{`{"x": []}`, `${empty x}`, `true`},
		{`{"x": {}}`, `${empty x}`, `true`},
		{`{"x": 0}`, `${empty x}`, `false`},
		{`{"x": false}`, `${!empty x}`, `true`},
		{`{"x": [0]}`, `${empty x}`, `false`},
		{`{"x": null}`, `${x ? 1 : 2}`, `2`},
		{`{"x": true}`, `${x ? 1 : 2}`, `1`},
		{`{"x": "true"}`, `${x ? 1 : 2}`, `null`},
		{`{"x": "1"}`, `${x == 1}`, `null`},
		{`{"x": "1", "y": "2"}`, `${x + y}`, `null`},
		{`{"x": 1, "y": 2}`, `${x + y}`, `3`},
		{`{"x": -7}`, `${x % 3}`, `-1`},
		{`{"x": 7}`, `${x mod -3}`, `1`},
		{`{"x": 5}`, `${x / 2}`, `2.5`},
		{`{"x": null}`, `a${x}b`, `"ab"`},
		{`{"x": 5}`, `a${x}b`, `"a5b"`},
		{`{"x": true}`, `${x}`, `true`},
		{`{"x": {"a": [{"b": 4}]}}`, `${x.a[0].b}`, `4`},
		{`{"x": 2}`, `${x < 1 ? 'a' : x < 3 ? 'b' : 'c'}`, `"b"`},
		{`{"x": true, "y": false}`, `${x && !y || y}`, `true`},
		{`{"x": 3}`, `${2 - x - 1}`, `-2`},
		{`{"x": 3}`, `${2 - (x - 1)}`, `0`},
		{`{"x": 3}`, `${-x + 1}`, `-2`},
		{`{"x": 3}`, `${12 / x / 2}`, `2`},
		{`{"x": 3}`, `${(x == 3) == true}`, `true`},
	} {
		src, jerr := fromJUEL(c.src)
		if jerr != nil {
			t.Errorf("%s: %v", c.src, jerr)
			continue
		}
		p, err := feel.Compile(src, feel.Config{})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		var vars map[string]any
		if err := json.Unmarshal([]byte(c.vars), &vars); err != nil {
			t.Fatal(err)
		}
		v, err := p.EvalJSON(vars)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, _ := json.Marshal(v); string(got) != c.want {
			t.Errorf("%s with %s: got %s, want %s (%s)", c.src, c.vars, got, c.want, src)
		}
	}
}

// What is translated can be compiled, and is never much longer than its bound.
func FuzzJUEL(f *testing.F) {
	for _, s := range []string{`${a}`, `#{a.b == 'x' ? 1 : 2}`, `x ${!empty a[0]} y`, `${a % b div 2 - -1}`, `${a["b"]}`, `#{0[""]}[`, `${'x'.a}`, `\${`, `${'`, "${\xff}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		out, err := fromJUEL(src)
		if err != nil {
			if err.off < 0 || err.off > len(src) || err.text == "" {
				t.Fatalf("%+v", err)
			}
			return
		}
		if len(out) > 4*maxJUELOut {
			t.Fatalf("%d bytes", len(out))
		}
		// FEEL has bounds of its own; within them all is read.
		ascii := !strings.ContainsFunc(src, func(r rune) bool { return r >= 0x80 || r < ' ' })
		if _, err := feel.Compile(out, feel.Config{}); err != nil && len(out) < 200 && ascii && isJUEL(src) {
			t.Fatalf("%q became %q: %v", src, out, err)
		}
	})
}
