// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"testing"
	"time"
)

// FuzzCursor: a place that was read can be written again; anything else is refused.
func FuzzCursor(f *testing.F) {
	f.Add(cursor(time.Unix(1_700_000_000, 5000), "0190b2a0-0000-7000-8000-000000000000"))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		at, id, err := readCursor(s)
		if err != nil || s == "" {
			return
		}
		again, same, err := readCursor(cursor(at, id))
		if err != nil || !again.Equal(at) || same != id {
			t.Errorf("%q: %v %q became %v %q, %v", s, at, id, again, same, err)
		}
	})
}
