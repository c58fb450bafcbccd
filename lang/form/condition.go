// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"strings"

	"mercator/lang/feel"
)

// Condition is a question about the answers of a form that stands outside of it, such as who else has to sign.
type Condition struct{ program *feel.Program }

// Condition reads an expression in the words of the form's own ones; names that the form doesn't have are told.
func (f *Form) Condition(src string) (Condition, []string, error) {
	src = strings.TrimPrefix(strings.TrimSpace(src), "=")
	prog, err := feel.Compile(pinDay(src), feel.Config{})
	if err != nil {
		return Condition{}, nil, err
	}
	var unknown []string
	for _, at := range prog.FreePaths() {
		if at[0] != dayName && !f.names(at[0]) {
			unknown = append(unknown, at[0])
		}
	}
	return Condition{prog}, unknown, nil
}

// names tells whether answers have something of this name at their top.
func (f *Form) names(top string) bool {
	for name := range f.keys {
		if name == top || strings.HasPrefix(name, top+".") {
			return true
		}
	}
	return false
}

// Holds tells whether a condition is true of these answers. What can't be said yet isn't.
func (v *View) Holds(c Condition) bool { return v.eval(c.program, v.root()) == true }
