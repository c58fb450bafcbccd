// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"errors"
	"fmt"
	"time"

	"mercator/lang/feel/xpath"
)

// --- evaluating

// Run is one evaluation, of one program or of many that share their budget: a decision
// with all that it requires. It belongs to one goroutine.
type Run struct{ st state }

// RunOptions set the clock and the bounds of a run.
type RunOptions struct {
	Now    time.Time // of now() and today(); zero: they are null
	Budget Budget
	Trace  bool // note where nulls come from
	User   any  // what custom boxes find in Call.User
}

// NewRun starts a run.
func NewRun(o RunOptions) *Run {
	r := &Run{st: state{steps: o.Budget.steps(), maxDepth: o.Budget.calls(), clock: o.Now, user: o.User}}
	r.st.run = r
	if o.Trace {
		r.st.notes = &[]Note{}
	}
	return r
}

// Note tells where a null came from.
type Note struct {
	File      string
	Line, Col int
	Expr      string // the part of the expression
	Msg       string
}

// Notes are the nulls of a run with Trace, in the order in which they arose.
func (r *Run) Notes() []Note {
	if r.st.notes == nil {
		return nil
	}
	return *r.st.notes
}

// Note adds a note, of a null that came about outside of an expression; without Trace
// there are none.
func (r *Run) Note(n Note) {
	if r.st.notes != nil && len(*r.st.notes) < maxNotes {
		*r.st.notes = append(*r.st.notes, n)
	}
}

// Steps is what is left of the budget.
func (r *Run) Steps() int { return r.st.steps }

type state struct {
	run      *Run
	steps    int
	depth    int
	maxDepth int
	broken   bool // a loop found nothing to go through
	clock    time.Time
	notes    *[]Note
	regexps  map[string]*xpath.Regexp
	user     any
}

const maxNotes = 100

func (s *state) note(a at, msg string) {
	if s.notes == nil || len(*s.notes) >= maxNotes {
		return
	}
	n := Note{Msg: msg, Expr: a.text()}
	if a.src != nil {
		n.File = a.src.file
		n.Line, n.Col = a.src.place(a.off)
	}
	*s.notes = append(*s.notes, n)
}

// ErrBudget is what an evaluation ends with that takes too much.
var ErrBudget = errors.New("the evaluation takes more than its budget")

type overBudget struct{ msg string }

func (s *state) step() {
	if s.steps--; s.steps < 0 {
		panic(overBudget{"too many steps"})
	}
}

func (s *state) spend(n int) {
	if s.steps -= n; s.steps < 0 {
		panic(overBudget{"too many steps"})
	}
}

func (s *state) size(n int) {
	if n > maxText {
		panic(overBudget{"a text grows too long"})
	}
	s.spend(n >> 6)
}

// recover ends an evaluation that takes too much.
func (r *Run) recover(depth int, v *Value, err *error) {
	if x := recover(); x != nil {
		b, ok := x.(overBudget)
		if !ok {
			panic(x)
		}
		r.st.depth = depth
		*v, *err = nil, fmt.Errorf("%w: %s", ErrBudget, b.msg)
	}
}

// Spend takes steps of the budget for work that Go code does inside of an evaluation or
// of Guard.
func (r *Run) Spend(n int) { r.st.spend(n) }

// Guard runs Go code that works in a run, such as Type.Coerce. The only error is ErrBudget.
func (r *Run) Guard(f func()) (err error) {
	var v Value
	defer r.recover(r.st.depth, &v, &err)
	f()
	return nil
}

// weigh holds a value to the bounds that those outside of an evaluation rely on: lists
// and contexts share what is in them, so that a small value may be large to look at.
func (s *state) weigh(v Value, depth int) {
	switch v := v.(type) {
	case []Value:
		s.nested(depth)
		s.spend(len(v)/4 + 1)
		for _, x := range v {
			s.weigh(x, depth+1)
		}
	case *Context:
		s.nested(depth)
		s.spend(len(v.vals)/4 + 1)
		for _, x := range v.vals {
			s.weigh(x, depth+1)
		}
	case string:
		s.spend(len(v) >> 10)
	}
}

func (s *state) nested(depth int) {
	if depth > maxNest {
		panic(overBudget{"a value is nested too deeply"})
	}
}
