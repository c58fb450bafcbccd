// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"mercator/base/i18n"
	"mercator/lang/feel"

	"github.com/cockroachdb/apd/v3"
)

// CounterOptions say what answers are wanted and what may change.
type CounterOptions struct {
	Now time.Time
	// Wanted says whether an answer (as JSON data) is one to be told of; nil: every
	// other answer than that of the data, null excepted.
	Wanted func(answer any) bool
	// Fixed are the inputs that can't change, by name or path ("person.birth_date").
	Fixed []string
	Tries int // decisions made in the search; 0: 5,000
}

// Counterfactual is the smallest change of one input that changes the answer.
type Counterfactual struct {
	Path     []string // of the input: "application", "months"
	Label    string   // what a table calls it, else the path
	From, To any      // as JSON data; From nil: it isn't given
	Answer   any      // with the change, as JSON data
	// How far: of numbers the difference; of dates and times a days and time duration,
	// of durations one of their kind; nil of others. Negative: less, earlier.
	Delta feel.Value
	kind  feel.Kind
}

// Counterfactuals are what Counterfactuals finds: for each input at most one change up
// and one down, the smallest there is, in the order of the inputs.
type Counterfactuals struct {
	Answer   any // of the data as it is
	Changes  []Counterfactual
	Complete bool // false: the search ended at its limit, so there may be more
}

// Counterfactuals looks for the smallest change of one input that would change the
// answer of a decision: "with three more weeks of residence: yes". It tries what the
// rules compare with, then steps away from the data and narrows down on the border.
// What a change further away would do isn't told.
func (d *Definitions) Counterfactuals(name string, in map[string]any, o CounterOptions) (*Counterfactuals, error) {
	e := d.asked(name)
	if e == nil {
		return nil, d.unknown(name)
	}
	s := &search{d: d, e: e, o: o, in: in, vals: map[*element]feel.Value{}, told: map[*element]feel.Value{}, labels: map[string]string{}, prefix: map[*element]string{}, left: cmp.Or(max(o.Tries, 0), 5_000)}
	ev := newEvaluation(d, in, EvalOptions{Now: o.Now})
	first, err := ev.result(e)
	if err != nil {
		return nil, err
	}
	s.run, s.answer = ev.run, feel.Text(first.FEEL)
	s.steps = maxEvaluations * feel.NewRun(feel.RunOptions{Budget: d.budget}).Steps()
	out := &Counterfactuals{Answer: first.Value, Complete: true}
	s.collect(e)
	for _, x := range s.inputs {
		err := s.run.Guard(func() {
			s.vals[x] = ev.input(x)
			s.told[x] = s.vals[x]
			if raw, ok := ev.raw(x); ok && s.vals[x] == nil { // of another type: what would have to change is in it
				s.told[x] = shaped(x.typ, feel.FromJSON(raw), 0)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	for _, x := range s.inputs {
		for _, leaf := range s.leaves(x) {
			out.Changes = append(out.Changes, s.nearest(leaf)...)
		}
	}
	// The parameters of knowledge are no inputs: nothing is known of their changes.
	out.Complete = s.left >= 0 && !s.over && e.sort != knowledge
	return out, nil
}

// A search may take as many steps as these many evaluations of the largest size.
const maxEvaluations = 4

type search struct {
	d         *Definitions
	e         *element // what is asked
	o         CounterOptions
	in        map[string]any
	vals      map[*element]feel.Value // of the inputs, as they are
	told      map[*element]feel.Value // the same, but as the caller gave it where it isn't of its type
	answer    string
	left      int  // tries
	steps     int  // of all evaluations
	over      bool // an evaluation, or all together, took too much
	inputs    []*element
	constants []feel.Value
	paths     [][]string // that the logic reads
	labels    map[string]string
	prefix    map[*element]string // the name of the import of an input
	run       *feel.Run           // of type checks
}

// collect finds the inputs that a decision rests on, and the values it compares with.
func (s *search) collect(e *element) {
	seen := map[*element]bool{}
	var walk func(e *element)
	walk = func(e *element) {
		if e == nil || seen[e] {
			return
		}
		seen[e] = true
		// What a caller gives: input data, decisions without logic, and all that a
		// service is given.
		if e.sort == inputData || e.sort == decision && e.prog == nil || e.sort == decision && slices.Contains(s.e.given, e) {
			s.inputs = append(s.inputs, e)
			if e.typ != nil && e.typ.Allowed != nil {
				s.constants = append(s.constants, feel.Constants(e.typ.Allowed)...)
			}
			return
		}
		for _, t := range e.tables {
			for _, in := range t.src.Inputs {
				if in.Label != "" {
					s.labels[in.Expr.S] = in.Label
				}
			}
		}
		if e.prog != nil {
			s.constants = append(s.constants, e.prog.Constants()...)
			s.paths = append(s.paths, e.prog.FreePaths()...)
		}
		for _, n := range e.needs {
			if n.prefix != "" {
				s.prefix[n.to] = n.prefix
			}
			walk(n.to)
		}
	}
	for _, g := range e.given {
		walk(g)
	}
	walk(e)
}

// leaf is one value of an input that may change.
type leaf struct {
	input *element
	path  []string // below the input
	val   feel.Value
	typ   *feel.Type
}

func (s *search) label(l leaf) string {
	p := strings.Join(l.full(), ".")
	return cmp.Or(s.labels[p], p)
}

func (l leaf) full() []string { return append([]string{l.input.name}, l.path...) }

// leaves are the single values of an input that the logic reads.
func (s *search) leaves(x *element) []leaf {
	var out []leaf
	var walk func(path []string, v feel.Value, t *feel.Type)
	walk = func(path []string, v feel.Value, t *feel.Type) {
		full := append([]string{x.name}, path...)
		if slices.Contains(s.o.Fixed, strings.Join(full, ".")) || len(out) > 200 {
			return
		}
		switch c := v.(type) {
		case *feel.Context:
			for _, n := range c.Names() {
				y, _ := c.Get(n)
				var ft *feel.Type
				if t != nil {
					for _, f := range t.Fields {
						if f.Name == n {
							ft = f.Type
						}
					}
				}
				walk(append(slices.Clone(path), n), y, ft)
			}
			return
		case []feel.Value, *feel.Range, *feel.Function:
			return
		}
		if s.reads(full) || s.prefix[x] != "" && s.reads(append([]string{s.prefix[x]}, full...)) {
			out = append(out, leaf{x, path, v, t})
		}
	}
	walk(nil, s.told[x], x.typ)
	return out
}

func (s *search) reads(path []string) bool {
	return slices.ContainsFunc(s.paths, func(p []string) bool {
		n := min(len(p), len(path))
		return n > 0 && slices.Equal(p[:n], path[:n])
	})
}

// try makes the decision with another value; changed says whether the answer is one
// that is looked for.
func (s *search) try(l leaf, v feel.Value) (answer *Result, changed bool) {
	if s.left--; s.left < 0 || s.steps < 0 {
		s.left, s.over = -1, true
		return nil, false
	}
	if l.typ != nil && l.typ.Allow != nil {
		ok := false
		if err := s.run.Guard(func() { ok = l.typ.Allow(s.run, v) }); err != nil {
			s.over = true
		}
		if !ok {
			return nil, false
		}
	}
	ev := newEvaluation(s.d, s.in, EvalOptions{Now: s.o.Now})
	before := ev.run.Steps()
	var r *Result
	err := ev.run.Guard(func() {
		ev.given = maps.Clone(s.vals)
		ev.given[l.input] = typed(ev.run, l.input.typ, put(s.told[l.input], l.path, v))
	})
	if err == nil {
		r, err = ev.result(s.e)
	}
	s.steps -= before - ev.run.Steps()
	if err != nil { // too much: what the answer would be isn't known
		s.over = true
		return nil, false
	}
	if s.o.Wanted != nil {
		return r, s.o.Wanted(r.Value)
	}
	return r, r.FEEL != nil && feel.Text(r.FEEL) != s.answer
}

func put(v feel.Value, path []string, to feel.Value) feel.Value {
	c, ok := v.(*feel.Context)
	if !ok || len(path) == 0 {
		return to
	}
	x, _ := c.Get(path[0])
	return c.With(path[0], put(x, path[1:], to))
}

// nearest finds the smallest change of one value in each direction.
func (s *search) nearest(l leaf) []Counterfactual {
	ax, ok := axisOf(l)
	if !ok { // no order: every value that the rules name
		var out []Counterfactual
		for _, c := range s.others(l) {
			if r, changed := s.try(l, c); changed {
				out = append(out, Counterfactual{Path: l.full(), Label: s.label(l), From: feel.ToJSON(l.val), To: feel.ToJSON(c), Answer: r.Value, kind: feel.KindOf(c)})
				if l.val != nil {
					break
				}
			}
		}
		return out[:min(len(out), 3)]
	}
	var out []Counterfactual
	for _, sign := range []int64{1, -1} {
		k, r := s.walk(l, ax, sign)
		if r == nil {
			continue
		}
		to := ax.at(k)
		out = append(out, Counterfactual{Path: l.full(), Label: s.label(l), From: feel.ToJSON(l.val), To: feel.ToJSON(to), Answer: r.Value, Delta: ax.delta(k), kind: ax.kind})
	}
	return out
}

// others are the values without an order that could stand instead.
func (s *search) others(l leaf) []feel.Value {
	if b, ok := l.val.(bool); ok {
		return []feel.Value{!b}
	}
	var out []feel.Value
	add := func(v feel.Value) {
		if v == nil || feel.Equal(v, l.val) == true || slices.ContainsFunc(out, func(o feel.Value) bool { return feel.Equal(o, v) == true }) || len(out) >= 200 {
			return
		}
		if l.val == nil && l.typ != nil && l.typ.Kind != feel.KindAny && !l.typ.Has(s.run, v, false) {
			return
		}
		if l.val != nil && feel.KindOf(v) != feel.KindOf(l.val) {
			return
		}
		out = append(out, v)
	}
	if l.val == nil {
		add(true)
		add(false)
	}
	for _, c := range s.constants {
		add(c)
	}
	return out
}

// axis counts the values that one value could have, in steps of its own unit.
type axis struct {
	kind  feel.Kind
	at    func(k int64) feel.Value // nil: there is none
	delta func(k int64) feel.Value
	steps func(v feel.Value) (int64, bool) // how many steps away a value lies, rounded away from here
	far   int64
}

func axisOf(l leaf) (axis, bool) {
	val, text := l.val, false
	if s, ok := val.(string); ok { // a date in JSON, or a number out of a form
		v, ok := feel.ParseTemporal(s)
		if !ok {
			if v, ok = feel.ParseNumber(s); !ok {
				return axis{}, false
			}
		}
		val, text = v, true
	}
	write := func(v feel.Value) feel.Value {
		if text && v != nil {
			return feel.Text(v)
		}
		return v
	}
	var unit feel.Value
	a := axis{kind: feel.KindOf(val), far: 1 << 40}
	switch v := val.(type) {
	case *apd.Decimal:
		unit = apd.New(1, min(v.Exponent, 0))
	case feel.Date:
		unit, a.far = feel.SpanOf(24*time.Hour), 366*150
	case feel.DateTime:
		unit, a.far = feel.SpanOf(time.Minute), 366*24*60*100
	case feel.Time:
		unit, a.far = feel.SpanOf(time.Minute), 24*60
	case feel.Span:
		unit, a.far = feel.SpanOf(time.Hour), 366*24*150
	case feel.Months:
		unit, a.far = feel.Months(1), 12*150
	default:
		return axis{}, false
	}
	a.delta = func(k int64) feel.Value { return feel.Arithmetic("*", unit, apd.New(k, 0)) }
	a.at = func(k int64) feel.Value { return write(feel.Arithmetic("+", val, a.delta(k))) }
	a.steps = func(v feel.Value) (int64, bool) {
		if s, ok := v.(string); ok {
			if v, ok = feel.ParseTemporal(s); !ok {
				if v, ok = feel.ParseNumber(s); !ok {
					return 0, false
				}
			}
		}
		if feel.KindOf(v) != a.kind {
			return 0, false
		}
		n, ok := feel.Arithmetic("/", feel.Arithmetic("-", v, val), unit).(*apd.Decimal)
		if !ok {
			return 0, false
		}
		var out apd.Decimal
		c := apd.BaseContext.WithPrecision(40)
		c.Rounding = apd.RoundUp
		if _, err := c.Quantize(&out, n, 0); err != nil {
			return 0, false
		}
		k, err := out.Int64()
		return k, err == nil && k >= -a.far && k <= a.far
	}
	return a, true
}

// walk finds the smallest number of steps in a direction after which the answer is
// another; r nil: there is none.
func (s *search) walk(l leaf, a axis, sign int64) (int64, *Result) {
	// Where the answer can change: at the values that the rules name and beside them,
	// nearby, and at distances that double.
	var tries []int64
	add := func(k int64) {
		if k > 0 && k <= a.far {
			tries = append(tries, k)
		}
	}
	for _, c := range s.constants {
		if k, ok := a.steps(c); ok {
			for by := int64(-1); by <= 1; by++ {
				add(k*sign + by)
			}
		}
	}
	for k := int64(1); k <= 31; k++ {
		add(k)
	}
	for k := int64(32); k <= a.far; k *= 2 {
		add(k)
	}
	slices.Sort(tries)
	tries = slices.Compact(tries)
	same := int64(0) // the last that changes nothing
	for _, k := range tries {
		v := a.at(k * sign)
		if v == nil {
			break
		}
		r, changed := s.try(l, v)
		if s.left < 0 {
			return 0, nil
		}
		if !changed {
			same = k
			continue
		}
		// The border lies between same and k.
		for k-same > 1 {
			m := same + (k-same)/2
			if mr, changed := s.try(l, a.at(m*sign)); changed {
				k, r = m, mr
			} else {
				same = m
			}
		}
		return k * sign, r
	}
	return 0, nil
}

// Explain says in a language what would change the answer, or that nothing does.
func (c *Counterfactuals) Explain(l *i18n.Localizer) []string {
	var out []string
	for _, x := range c.Changes {
		from := l.T("dmn.missing")
		if x.From != nil {
			from = show(l, x.From)
		}
		args := []any{"label", x.Label, "from", from, "to", show(l, x.To), "answer", show(l, x.Answer)}
		if x.Delta == nil {
			out = append(out, l.T("dmn.counter.change", args...))
			continue
		}
		text, negative := amount(l, x.Delta)
		key := "dmn.counter.more"
		switch moved := x.kind == feel.KindDate || x.kind == feel.KindDateTime || x.kind == feel.KindTime; {
		case moved && negative:
			key = "dmn.counter.earlier"
		case moved:
			key = "dmn.counter.later"
		case negative:
			key = "dmn.counter.less"
		}
		out = append(out, l.T(key, append(args, "delta", text)...))
	}
	if len(out) == 0 {
		key := "dmn.counter.none"
		if !c.Complete {
			key = "dmn.counter.unsure"
		}
		out = append(out, l.T(key))
	}
	return out
}

// amount writes a difference without its sign, in the largest unit that fits.
func amount(l *i18n.Localizer, v feel.Value) (string, bool) {
	count := func(n int64, units ...any) string {
		for i := 0; i < len(units); i += 2 {
			if size := units[i].(int64); n%size == 0 {
				return l.T("dmn.unit."+units[i+1].(string), "n", n/size)
			}
		}
		return ""
	}
	switch v := v.(type) {
	case feel.Months:
		n := max(int64(v), -int64(v))
		return count(n, int64(12), "years", int64(1), "months"), v < 0
	case feel.Span:
		n := v.Seconds()
		return count(max(n, -n), int64(7*86400), "weeks", int64(86400), "days", int64(3600), "hours", int64(60), "minutes", int64(1), "seconds"), n < 0
	}
	s := feel.Text(v)
	t, negative := strings.CutPrefix(s, "-")
	return l.Decimal(t), negative
}

// Smallest is the change that is nearest to the data among those that can be measured
// on one axis; nil where there is none.
func (c *Counterfactuals) Smallest() *Counterfactual {
	if len(c.Changes) == 0 {
		return nil
	}
	best := slices.MinFunc(c.Changes, func(a, b Counterfactual) int {
		if a.Delta == nil || b.Delta == nil || strings.Join(a.Path, ".") != strings.Join(b.Path, ".") {
			return 0
		}
		x, _ := feel.Order(abs(a.Delta), abs(b.Delta))
		return cmp.Compare(x, 0)
	})
	return &best
}

func abs(v feel.Value) feel.Value {
	if s := feel.Text(v); strings.HasPrefix(s, "-") {
		return feel.Arithmetic("*", v, apd.New(-1, 0))
	}
	return v
}
