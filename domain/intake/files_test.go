// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"strings"
	"testing"
	"unicode/utf8"

	"mercator/core/inspect"
)

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"lease.pdf", "../../etc/passwd", `C:\Users\x\a.pdf`, "...", "a\u202efdp.exe", "\xff", "", strings.Repeat("ä", 500), "a\r\nSet-Cookie: x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := fileName(s)
		if got == "" || !utf8.ValidString(got) || utf8.RuneCountInString(got) > 120 || strings.ContainsAny(got, "/\\\r\n\x00\"<>") || strings.HasPrefix(got, ".") {
			t.Fatalf("%q becomes %q", s, got)
		}
		accepts(s, inspect.Sniff([]byte(s)))
	})
}
