// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"strings"
	"testing"
)

func TestCause(t *testing.T) {
	for reason, want := range map[string]string{
		"":          "",
		"paper jam": "paper jam",
		"tried 3 times, the last error: paper jam in tray 2":       "tried … times, the last error: paper jam in tray …",
		`nobody does work of the type "external.print"`:            "nobody does work of the type …",
		"das Konto „DE02 1203 0000“ von anna@example.org ist zu":   "das Konto … von … ist zu",
		"case 2026-ABCD-17, 18, 19 not found.":                     "case …, …, … not found.",
		"an open quotation: \"Anna Müller, geboren 1980":           "an open quotation: …",
		"spaces \n\t and   lines":                                  "spaces and lines",
		"post: 01a22156-d7ac-7557-987e-7d27b50b40d9: timeout (5s)": "post: …: timeout …)",
	} {
		if got := cause(reason); got != want {
			t.Errorf("%q: %q, want %q", reason, got, want)
		}
	}
	if n := len([]rune(cause(strings.Repeat("ä ", 5000)))); n != maxCause {
		t.Errorf("%d characters", n)
	}
}
