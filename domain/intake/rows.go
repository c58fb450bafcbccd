// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"slices"
	"strconv"
	"strings"

	"mercator/base/fault"
	"mercator/lang/form"
)

// A row of a list has no name but its number, which changes when one before it is taken away. So a draft keeps which rows went, in their
// order, and a page says how many had gone when it was shown: a file that comes from there goes to the row that was meant.

// maxRowsGone is how many rows a draft remembers. A page from before is told to be loaded anew.
const maxRowsGone = 200

// rowsGone are the rows that went, the latest last, by the names that they had then; Before is how many went before those.
type rowsGone struct {
	Before int      `json:"before,omitempty"`
	Names  []string `json:"names,omitempty"`
}

func (g *rowsGone) add(row string) {
	g.Names = append(slices.Clone(g.Names), row)
	if n := len(g.Names) - maxRowsGone; n > 0 {
		g.Names, g.Before = g.Names[n:], g.Before+n
	}
}

// Rows says for a page which rows it shows.
func (d Draft) Rows() string { return strconv.Itoa(d.gone.Before + len(d.gone.Names)) }

// NowCalled is what a field is called by now that a page named which was shown at rows; "": it isn't known.
func (d Draft) NowCalled(field, rows string) (string, error) {
	if rows == "" || !strings.Contains(field, ".") {
		return field, nil
	}
	n, err := strconv.Atoi(rows)
	if n -= d.gone.Before; err != nil || n < 0 || n > len(d.gone.Names) {
		return "", fault.Because(fault.Invalid, "intake.nowCalled", "intake.file.rowGone", err)
	}
	for _, row := range d.gone.Names[n:] {
		if field = form.Without(row, field); field == "" {
			return "", fault.New(fault.Invalid, "intake.nowCalled", "intake.file.rowGone")
		}
	}
	return field, nil
}
