// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"fmt"
	"io/fs"
	"slices"
)

// reach are the purposes that reach records whose processing is restricted (Art. 18 (2) GDPR): by themselves, or, which is the
// policies' to see to, for an open case.
type reach struct {
	Own  []string `toml:"own"`
	Case []string `toml:"case"`
}

const reachFile = "restriction.toml"

func readReach(folder fs.FS) (out reach, err error) {
	if err := optional(folder, reachFile, &out); err != nil {
		return out, err
	}
	if slices.Contains(out.Own, "") || slices.Contains(out.Case, "") {
		return out, fmt.Errorf("%s: a purpose is empty", reachFile)
	}
	return out, nil
}

// Reaches reports whether a purpose reaches restricted records, as the policies in force have it.
func (c *Checker) Reaches(purpose string) bool {
	r := c.rules.Load().reach
	return slices.Contains(r.Own, purpose) || slices.Contains(r.Case, purpose)
}
