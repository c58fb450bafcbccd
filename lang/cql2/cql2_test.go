// SPDX-License-Identifier: EUPL-1.2

package cql2_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/internal/suites"
	"mercator/lang/cql2"
)

// Every example of the standard that is text is read, and printed so that it is read again
// as the same.
func TestTheExamplesOfTheStandardAreRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(suites.Dir(t, "ogc_features", "cql2", "standard", "schema", "examples", "text"), "*.txt"))
	if err != nil || len(files) < 80 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := cql2.Parse(string(text))
		if err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, caret(err))
			continue
		}
		stable(t, n)
	}
}

func caret(err error) string {
	var e *cql2.Error
	if errors.As(err, &e) {
		return e.Caret()
	}
	return ""
}

// stable holds that what is printed is read as the same again.
func stable(t *testing.T, n *cql2.Node) {
	t.Helper()
	once := cql2.Print(n)
	if len(once) > cql2.MaxText {
		return
	}
	again, err := cql2.Parse(once)
	if err != nil {
		t.Errorf("what was printed can't be read: %v\n%s", err, once)
		return
	}
	if twice := cql2.Print(again); twice != once {
		t.Errorf("printed\n%s\nand read again\n%s", once, twice)
	}
}

func TestWhatAFilterMeans(t *testing.T) {
	for text, want := range map[string]string{
		`a=1 or b=2 and c=3`:                       `a = 1 OR b = 2 AND c = 3`,
		`(a=1 or b=2) and not c=3`:                 `(a = 1 OR b = 2) AND NOT c = 3`,
		`a NOT LIKE 'x%'`:                          `NOT a LIKE 'x%'`,
		`not (a not in (1,2))`:                     `NOT (NOT a IN (1, 2))`,
		`a is not null`:                            `NOT a IS NULL`,
		`name = 'O''Brien' OR name = 'O\'Brien'`:   `name = 'O''Brien' OR name = 'O''Brien'`,
		`"and" = 1`:                                `"AND" = 1`,
		`a - (b - c) = a - b - c`:                  `a - (b - c) = a - b - c`,
		`a * (b + 1) > -(c) ^ -2`:                  `a * (b + 1) > -c ^ -2`,
		`x = .5E1`:                                 `x = 5`,
		`t_during(a, interval('2020-01-01','..'))`: `T_DURING(a, INTERVAL('2020-01-01', '..'))`,
		`s_dwithin(g, point z (1 2 3), 50)`:        `S_DWITHIN(g, POINT Z (1 2 3), 50)`,
		`a_equals((1), b)`:                         `A_EQUALS((1), b)`,
		`a BETWEEN 1 AND 2 AND b = 1`:              `a BETWEEN 1 AND 2 AND b = 1`,
		`S_INTERSECTS(g, MULTIPOINT(1 2, (3 4)))`:  `S_INTERSECTS(g, MULTIPOINT((1 2), (3 4)))`,
	} {
		n, err := cql2.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := cql2.Print(n); !strings.EqualFold(got, want) {
			t.Errorf("%s\nis %s\nnot %s", text, got, want)
		}
		stable(t, n)
	}
}

func TestAWrongFilterSaysWhatAndWhere(t *testing.T) {
	deep := strings.Repeat("(", 70) + "a=1" + strings.Repeat(")", 70)
	for text, want := range map[string]struct {
		key string
		pos int
	}{
		``:                                    {"expected", 0},
		`name`:                                {"expected", 0},
		`name = `:                             {"expected", 7},
		`name = 'Meier`:                       {"quote", 7},
		`name == 'x'`:                         {"expected", 6},
		`name = 'x'; DROP TABLE a`:            {"character", 10},
		`name = 'x' name`:                     {"expected", 11},
		`a = 1 AND`:                           {"expected", 9},
		`1 AND a = 1`:                         {"expected", 0},
		`a = (1, 2)`:                          {"expected", 4},
		`a LIKE b`:                            {"expected", 7},
		`a = DATE('2026-02-30')`:              {"date", 9},
		`a = TIMESTAMP('yesterday')`:          {"timestamp", 14},
		`a = 1e999`:                           {"number", 4},
		`S_WITHIN(a)`:                         {"arguments", 0},
		`S_WITHIN(a, 'x')`:                    {"expected", 12},
		`S_WITHIN(a, POLYGON((0 0,1 0,1 1)))`: {"geometry", 12},
		`S_WITHIN(a, BBOX(1,2,3))`:            {"expected", 22},
		`a NOT NULL`:                          {"expected", 6},
		`NOT NOT a = 1`:                       {"expected", 4},
		`"a b" = 1`:                           {"expected", 1},
		`and = 1`:                             {"expected", 0},
		"a = '\xff'":                          {"encoding", 0},
		deep:                                  {"depth", 64},
		strings.Repeat("a", cql2.MaxText+1):   {"size", 0},
		"a IN (" + strings.Repeat("1,", cql2.MaxTerms) + "1)":    {"terms", -1},
		"a = 1" + strings.Repeat(" OR a = 1", cql2.MaxTerms/4+1): {"terms", -1},
		"a = " + strings.Repeat("-", 100) + "b":                  {"depth", -1},
	} {
		_, err := cql2.Parse(text)
		var e *cql2.Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q was taken", text)
			continue
		}
		if e.Key != want.key || want.pos >= 0 && e.Pos != want.pos {
			t.Errorf("%.60q: %s at %d, want %s at %d: %v", text, e.Key, e.Pos, want.key, want.pos, err)
		}
		if e.Key == "expected" && !slices.Contains(cql2.Expectations(), fmt.Sprint(e.Args[1])) {
			t.Errorf("%.60q: nobody has words for %v", text, e.Args)
		}
		if !strings.HasSuffix(e.Caret(), "^") || len(e.Caret()) > 300 || strings.Contains(err.Error(), "%!") {
			t.Errorf("%.60q: %v\n%s", text, err, e.Caret())
		}
	}
	_, err := cql2.Parse("name =\n  'Meier' AND Straße == 'x'")
	if got, want := caret(err), "  'Meier' AND Straße == 'x'\n                      ^"; got != want {
		t.Errorf("the caret:\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`a = 1 OR NOT (b LIKE 'x%' AND c IN (1, 'b', TRUE))`, `value = - foo * 2.0 + "bar" / 6.1234 - "x" ^ 2.0`,
		`S_EQUALS(GEOMETRYCOLLECTION (POINT (1 2), POLYGON Z ((0 0 1,1 0 1,1 1 1,0 0 1))), g)`, `a = '\\'''`, `a=--1`, `a=-(1)`,
		`T_DURING(INTERVAL(a, '..'), INTERVAL('1991-10-07', '2010-02-10T05:29:20.073225Z'))`, `A_EQUALS(('a', TRUE, 1.0, 8), "values")`,
		`phonetic(name) = 'Meier'`, `((((((((a=1))))))))`, `a IS NULL`, `a BETWEEN 1 AND 2`, "a = '\u202e'", `CASEI(ACCENTI(a)) LIKE CASEI('x')`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := cql2.Parse(text)
		if err != nil {
			var e *cql2.Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(text) {
				t.Fatalf("%v", err)
			}
			_ = e.Caret()
			return
		}
		stable(t, n)
	})
}
