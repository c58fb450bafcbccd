// SPDX-License-Identifier: EUPL-1.2

package cql2

import (
	"testing"
	"unicode/utf8"
)

// FuzzQuote: what somebody types stays one text in a filter, whatever it is.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "Meier", "O'Neill", `\'`, `\' OR a = a OR a = '`, `\\'`, `''`, `\''\'`, `x\`, "\x00", "'--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, ok := Quote(s)
		if !ok || len(q) > 200 {
			return
		}
		n, err := Parse("a = " + q + " AND b = 1")
		if err != nil {
			if utf8.ValidString(s) {
				t.Fatalf("%q: %v", q, err)
			}
			return
		}
		if n.Op != And || n.Args[0].Op != Eq || n.Args[0].Args[1].Op != String || n.Args[0].Args[1].Text != s {
			t.Fatalf("%q became %s", s, Print(n))
		}
	})
}
