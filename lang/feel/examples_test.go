// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"os"
	"strings"
	"testing"
)

// The examples of the standard, and what follows from its rules, line by line.
func TestExamples(t *testing.T) {
	b, err := os.ReadFile("testdata/examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		src, want, ok := strings.Cut(strings.TrimRight(line, "\n"), " => ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		var vals [2]Value
		for i, s := range []string{src, want} {
			p, err := Compile(s, Config{Lenient: true})
			if err != nil {
				t.Errorf("%s: %v", s, err)
				continue
			}
			if vals[i], err = p.Eval(nil); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
		if vals[0] != nil || vals[1] != nil {
			if equal(vals[0], vals[1]) != true {
				t.Errorf("%s is %s, want %s", src, Text(vals[0]), want)
			}
		}
	}
	if n < 280 {
		t.Errorf("only %d examples", n)
	}
}
