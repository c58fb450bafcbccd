// SPDX-License-Identifier: EUPL-1.2

package tck

import (
	_ "embed"
	"strings"
)

//go:embed exceptions.txt
var exceptionsText string

// Exceptions are the cases of the official suite that aren't to pass, with their
// reasons, by folder or by folder/case.
func Exceptions() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(exceptionsText) {
		name, why, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(name, "#") {
			out[name] = why
		}
	}
	return out
}
