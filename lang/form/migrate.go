// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/lang/feel"
)

// MigrationRule says what becomes of an answer that older versions of a form have under another name, in other values, or not
// at all. What has no rule keeps its name.
type MigrationRule struct {
	Old, New string         // names, of a whole group too; New may be the field of a row: "cards.0.number"
	Values   map[string]any // what values of choices are called now
	Value    *feel.Program  // instead of Old: worked out of the old answers, where New has none
}

// MigrationRuleOf makes the rule that works an answer out.
func MigrationRuleOf(name, expr string) (MigrationRule, error) {
	p, err := feel.Compile(pinDay(strings.TrimPrefix(strings.TrimSpace(expr), "=")), feel.Config{})
	return MigrationRule{New: name, Value: p}, err
}

// Filled is what somebody has filled in.
type Filled struct {
	Answers Answers
	Raw     map[string]string // typed and not understood
	// Kept are answers for which the form has no place as they were, by the names that they had.
	Kept map[string]Held
	// Moves are what Migrate has put elsewhere, in this order, for what is noted of answers by their names.
	Moves []Move
}

// Move is an answer, or a group or a list with all that is in it, that has another name now.
type Move struct{ From, To string }

// Name is what a name is called after the move.
func (m Move) Name(name string) string {
	if rest, below := strings.CutPrefix(name, m.From+"."); below {
		return m.To + "." + rest
	}
	if name == m.From {
		return m.To
	}
	return name
}

// Moved is a map by names after moves.
func Moved[T any](m map[string]T, moves []Move) map[string]T {
	if len(m) == 0 {
		return m
	}
	for _, move := range moves {
		out := make(map[string]T, len(m))
		for name, x := range m {
			if to := move.Name(name); to == name {
				if _, taken := out[name]; !taken {
					out[name] = x
				}
			} else {
				out[to] = x
			}
		}
		m = out
	}
	return m
}

// Held is an answer of another version of a form.
type Held struct {
	Value any    `json:"value,omitempty"`
	Raw   string `json:"raw,omitempty"`
	// At is the field that has it now, in other words or under another name; "": none. Became is how it stood there.
	At     string `json:"at,omitempty"`
	Became any    `json:"became,omitempty"`
	Label  string `json:"label,omitempty"` // of the question
	// Words are those of what is declared in the rows of a list, by its name in the row.
	Words map[string]string `json:"words,omitempty"`
}

// binding tells whether an answer is a declaration, which counts for the words that it was made under only.
func (f *Field) binding() bool { return f.Kind == "consent" || f.Kind == "signature" }

// words are what is declared in the rows of a list, by the name in the row.
func (f *Field) words() map[string]string {
	var out map[string]string
	walk(f.Children, func(x *Field) {
		if x.binding() && f.Type == "dynamiclist" {
			if out == nil {
				out = map[string]string{}
			}
			out[strings.TrimPrefix(x.Name, f.Name+".*.")] = x.Label["de"]
		}
	})
	return out
}

// givenBack is what is kept of an answer as the field takes it back: without what was declared in its rows under other words.
func (h Held) givenBack(f *Field) any {
	val := clone(h.Value)
	now := f.words()
	for name := range now {
		if h.Words[name] == now[name] {
			continue
		}
		var visit func(at any, rest string)
		visit = func(at any, rest string) {
			rows, _ := at.([]any)
			for _, row := range rows {
				m, _ := row.(map[string]any)
				if list, below, deeper := strings.Cut(rest, ".*."); deeper {
					visit(get(m, list), below)
				} else if m != nil {
					remove(m, rest)
				}
			}
		}
		visit(val, name)
	}
	return val
}

// Migrate makes of what was filled in with one version of a form (nil: it isn't known) what another version can go on with. It
// changes nothing of d. Answers go by the rules, then by name: as they are if the question is of the same kind, else by reading
// their text anew. A declaration counts for the words that it was made under only. What finds no place is kept, so that the way
// back to the other version gives back all that wasn't changed meanwhile.
func Migrate(old, now *Form, d Filled, rules []MigrationRule, ctx Context) Filled {
	m := &migrator{old: old, now: now, ctx: ctx, kinds: map[string]*Field{}}
	m.a, _ = clone(d.Answers).(Answers)
	if m.a == nil {
		m.a = Answers{}
	}
	if m.raw = maps.Clone(d.Raw); m.raw == nil {
		m.raw = map[string]string{}
	}
	if m.kept = maps.Clone(d.Kept); m.kept == nil {
		m.kept = map[string]Held{}
	}
	m.back()
	for _, r := range rules {
		m.carry(r)
	}
	m.strays()
	m.fitAll(nil, "")
	return Filled{m.a, m.raw, m.kept, m.moves}
}

type migrator struct {
	old, now *Form
	ctx      Context
	a        Answers
	raw      map[string]string
	kept     map[string]Held
	kinds    map[string]*Field // the old field that an answer comes from, where a rule has moved it; nil: worked out
	moves    []Move
}

// oldField is the field of the old version that an answer comes from.
func (m *migrator) oldField(name string) *Field {
	if f, moved := m.kinds[name]; moved {
		return f
	}
	for i, c := range name { // in the rows of a list
		if f := m.kinds[name[:i]]; c == '.' && f != nil && f == m.now.Field(name[:i]) {
			return m.now.Field(name)
		}
	}
	if m.old == nil {
		return nil
	}
	for _, move := range slices.Backward(m.moves) { // in a list that has moved
		if rest, below := strings.CutPrefix(name, move.To+"."); below {
			name = move.From + "." + rest
		}
	}
	return m.old.Field(name)
}

// held is an answer of the old version.
func (m *migrator) held(name string, v any) Held {
	h := Held{Value: v, Label: m.label(name)}
	if f := m.oldField(name); f != nil {
		h.Words = f.words()
	}
	return h
}

// label is what the question of an old field said, "" if it isn't known.
func (m *migrator) label(name string) string {
	if f := m.oldField(name); f != nil {
		return f.Label["de"]
	}
	return ""
}

// move puts an answer elsewhere, and keeps it as it was beside it.
func (m *migrator) move(from, to string, became any) {
	h := m.held(from, get(m.a, from))
	h.Raw, h.At, h.Became = m.raw[from], to, became
	if from != to {
		m.moves = append(m.moves, Move{from, to})
	}
	m.follow(from, to, h.Value, became)
	remove(m.a, from)
	// Behind a group or a list stand names of their own.
	for _, name := range slices.Sorted(maps.Keys(m.raw)) {
		if rest, below := strings.CutPrefix(name, from+"."); name == from || below {
			m.raw[join(to, rest)] = m.raw[name]
			delete(m.raw, name)
		}
	}
	m.clear(to)
	if became != nil {
		set(m.a, to, clone(became))
	}
	if from != to {
		m.kept[from] = h
	}
}

// follow lets what is kept of an answer know where it has gone.
func (m *migrator) follow(from, to string, was, became any) {
	for name, h := range m.kept {
		if h.At == from {
			if h.At = to; same(h.Became, was) {
				h.Became = became
			}
			m.kept[name] = h
		}
	}
}

// clear keeps what stands in the way of a name: an answer where a group is to be.
func (m *migrator) clear(name string) {
	for i, c := range name {
		if c != '.' {
			continue
		}
		switch v := get(m.a, name[:i]).(type) {
		case nil, map[string]any, []any:
		default:
			m.hold(name[:i], v)
		}
	}
}

// hold keeps an answer that has no place.
func (m *migrator) hold(name string, v any) {
	found := false
	var around []string // what is kept of the list that it stands in, whose rows nobody else has changed
	for other, h := range m.kept {
		if h.At != "" && strings.HasPrefix(name, h.At+".") && same(get(m.a, h.At), h.Became) {
			around = append(around, other)
		}
		if h.At == name {
			h.At, h.Became, found = "", nil, true
			m.kept[other] = h
			m.moves = append(m.moves, Move{name, other})
		}
	}
	if !found {
		m.kept[name] = m.held(name, v)
	}
	remove(m.a, name)
	for _, other := range around {
		h := m.kept[other]
		h.Became = clone(get(m.a, h.At))
		m.kept[other] = h
	}
}

// back gives a field what is kept of its own answer, unless somebody has answered anew meanwhile.
func (m *migrator) back() {
	for _, name := range slices.Sorted(maps.Keys(m.kept)) {
		h := m.kept[name]
		f := m.now.Field(name)
		if f == nil || !f.Input() && f.Type != "dynamiclist" {
			continue
		}
		answered := get(m.a, name) != nil || m.raw[name] != ""
		switch {
		case h.At == "":
			if answered || !f.holds(h.Value) && h.Raw == "" || f.binding() && h.Label != f.Label["de"] {
				continue
			}
			m.clear(name)
			if h.Value != nil {
				set(m.a, name, h.givenBack(f))
			}
			if h.Raw != "" {
				m.raw[name] = h.Raw
			}
			m.kinds[name] = f
			delete(m.kept, name)
		case h.At == name: // as it was before it was read anew
			if f.holds(h.Value) && same(get(m.a, name), h.Became) && m.raw[name] == "" {
				set(m.a, name, clone(h.Value))
				m.kinds[name] = f
				delete(m.kept, name)
			}
		case answered:
		case m.now.Field(h.At) != nil && (h.Label != f.Label["de"] || !same(get(m.a, h.At), h.Became)):
			// Both are asked: of the same name, another question; or the answer is theirs by now.
		default:
			val := get(m.a, h.At)
			asWas := same(val, h.Became) || same(val, h.Value)
			delete(m.kept, name)
			m.kinds[name] = m.oldField(h.At)
			if asWas && (!f.binding() || h.Label == f.Label["de"]) {
				m.kinds[name] = f
			}
			if asWas {
				val = h.givenBack(f)
			}
			m.move(h.At, name, val)
		}
	}
}

// carry applies a rule.
func (m *migrator) carry(r MigrationRule) {
	answered := get(m.a, r.New) != nil || m.raw[r.New] != ""
	if r.Value != nil {
		if answered {
			return
		}
		vars := maps.Clone(m.ctx.Vars)
		if vars == nil {
			vars = map[string]any{}
		}
		maps.Copy(vars, m.a)
		if !m.ctx.Today.IsZero() {
			vars[dayName] = m.ctx.Today.Format("2006-01-02")
		}
		v := bare(vars)
		if val := v.eval(r.Value, v.root()); val != nil {
			m.clear(r.New)
			set(m.a, r.New, val)
			m.kinds[r.New] = nil
		}
		return
	}
	if _, group := get(m.a, r.Old).(map[string]any); group && m.old != nil && m.old.keys[r.Old] == nil {
		for _, f := range m.old.graph.rows[nil] { // each of its questions
			if rest, below := strings.CutPrefix(f.Name, r.Old+"."); below && m.now.Field(join(r.New, rest)) != nil {
				m.carry(MigrationRule{Old: f.Name, New: join(r.New, rest), Values: r.Values})
			}
		}
		return
	}
	val := get(m.a, r.Old)
	if val == nil && m.raw[r.Old] == "" || r.New != r.Old && answered {
		return
	}
	became := r.mapped(val)
	switch {
	case r.New != r.Old:
		m.kinds[r.New] = m.oldField(r.Old)
		if !same(val, became) {
			m.kinds[r.New] = nil
		}
		m.move(r.Old, r.New, became)
	case !same(val, became):
		m.follow(r.Old, r.Old, val, became)
		if _, there := m.kept[r.Old]; !there {
			m.kept[r.Old] = Held{Value: val, At: r.Old, Became: became, Label: m.label(r.Old)}
		}
		set(m.a, r.Old, clone(became))
		m.kinds[r.Old] = nil
	}
}

func (r MigrationRule) mapped(v any) any {
	if l, many := v.([]any); many && len(r.Values) > 0 {
		out := make([]any, len(l))
		for i, x := range l {
			out[i] = r.mapped(x)
		}
		return out
	}
	switch v.(type) {
	case map[string]any, []any, nil:
		return v
	}
	if to, ok := r.Values[optionText(v)]; ok {
		return to
	}
	return v
}

// strays keeps the answers that the new version doesn't ask for. In the rows of a list that it has they stay where they are.
func (m *migrator) strays() {
	has := func(name string) bool {
		f := m.now.Field(name)
		return f != nil && (f.Input() || f.Type == "dynamiclist")
	}
	if m.old != nil { // by its fields, some of whose values have parts
		for _, f := range m.old.graph.rows[nil] {
			if v := get(m.a, f.Name); v != nil && !has(f.Name) {
				if _, group := v.(map[string]any); group && m.above(f.Name) {
					continue
				}
				m.hold(f.Name, v)
			}
		}
	}
	var visit func(prefix string, at map[string]any)
	visit = func(prefix string, at map[string]any) {
		for _, key := range sortedKeys(at) {
			name := join(prefix, key)
			if has(name) {
				continue
			}
			if o, group := at[key].(map[string]any); group && m.above(name) {
				visit(name, o)
				continue
			}
			m.hold(name, at[key])
		}
	}
	visit("", m.a)
	for _, name := range slices.Sorted(maps.Keys(m.raw)) {
		if has(name) {
			continue
		}
		if h := m.kept[name]; h.Raw == "" {
			h.Raw, h.Label = m.raw[name], m.label(name)
			m.kept[name] = h
		}
		delete(m.raw, name)
	}
}

// above tells whether fields of the new version stand below a name.
func (m *migrator) above(name string) bool {
	for key := range m.now.keys {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

// fitAll fits what stands in a row of a list, or in none (nil), and in the rows below.
func (m *migrator) fitAll(list *Field, row string) {
	for _, f := range m.now.graph.rows[list] {
		name := join(row, f.below())
		m.fit(f, name)
		if f.Type != "dynamiclist" {
			continue
		}
		rows, _ := get(m.a, name).([]any)
		for i := range rows {
			m.fitAll(f, name+"."+strconv.Itoa(i))
		}
	}
}

// fit reads an answer the way its field in the new version takes it.
func (m *migrator) fit(f *Field, name string) {
	val := get(m.a, name)
	if val == nil || !f.Input() && f.Type != "dynamiclist" {
		return
	}
	of := m.oldField(name)
	if _, moved := m.kinds[name]; !moved && of == nil && f.holds(val) {
		return // of a version that isn't known: it was read once
	}
	if f.binding() && of != nil && of.Label["de"] != f.Label["de"] {
		m.hold(name, val)
		return
	}
	became, ok := f.reread(val, of, m.ctx)
	switch {
	case !ok:
		m.hold(name, val)
	case !same(val, became):
		m.follow(name, name, val, became)
		_, moved := m.kinds[name] // then it's kept where it comes from
		if _, there := m.kept[name]; !there && !moved {
			m.kept[name] = Held{Value: val, At: name, Became: became, Label: m.label(name)}
		}
		set(m.a, name, became)
	}
}

// reread makes of a value of another field one of this; false: it takes no such value.
func (f *Field) reread(val any, of *Field, ctx Context) (any, bool) {
	if of != nil && of.Kind == f.Kind {
		return val, f.holds(val)
	}
	switch val.(type) {
	case map[string]any, []any:
		return val, f.holds(val)
	}
	switch f.Type {
	case "checkbox":
		return val, f.holds(val)
	case "radio", "select":
		for _, o := range f.Options {
			if optionText(o.Value) == optionText(val) {
				return o.Value, true
			}
		}
		return val, f.holds(val)
	case "textfield", "textarea", "number", "datetime":
		from := of
		if from == nil {
			from = f
		}
		if _, is := val.(bool); is {
			return nil, false
		}
		got, _, err := f.parse(f.Key, url.Values{f.Key: {typed(from, val)}}, ctx)
		return got, err == nil && got != nil
	}
	return nil, false
}

// holds tells whether a value is one that the field can have.
func (f *Field) holds(v any) bool {
	fixed := f.optionsExpr == nil && f.valuesKey == ""
	switch f.Type {
	case "checkbox":
		_, ok := v.(bool)
		return ok
	case "radio", "select":
		switch v.(type) {
		case nil, map[string]any, []any:
			return false
		}
		return !fixed || hasOption(f.Options, optionText(v))
	case "checklist", "taglist":
		l, ok := v.([]any)
		return ok && (!fixed || slices.ContainsFunc(l, func(x any) bool { return hasOption(f.Options, optionText(x)) }))
	case "filepicker", "dynamiclist":
		_, ok := v.([]any)
		return ok
	}
	switch f.Kind {
	case "position", "signature":
		_, ok := v.(map[string]any)
		return ok
	case "number", "money":
		_, text := v.(string)
		return v != nil && !text && isNumber(optionText(v))
	}
	_, ok := v.(string)
	return ok
}

// remove takes an answer out, and the groups that are empty then.
func remove(m Answers, name string) {
	before, last, below := cutLast(name)
	if !below {
		delete(m, name)
		return
	}
	o, ok := get(m, before).(map[string]any)
	if !ok {
		return
	}
	if delete(o, last); len(o) == 0 && !isIndex(before[strings.LastIndexByte(before, '.')+1:]) {
		remove(m, before)
	}
}

// Concerns tells what of the differences between two versions concerns somebody who has filled in the old one and goes on with
// the new one (v): questions that they haven't met, and answers of theirs that have no place any more. Whatever has only moved
// says nothing.
func Concerns(old *Form, v *View, kept map[string]Held, rules []MigrationRule) []Difference {
	carried := map[string]bool{}
	for _, r := range rules {
		carried[r.New] = true
		for i, c := range r.New { // the list that a row is for
			if c == '.' {
				carried[r.New[:i]] = true
			}
		}
	}
	d := &differ{}
	before := old.byName()
	walk(old.Fields, func(f *Field) {
		h, ok := kept[f.Name]
		if !ok || h.At != "" || empty(h.Value) && h.Raw == "" {
			return
		}
		answer := answered{f, h}
		switch now := v.Form.Field(f.Name); {
		case now == nil || !now.Input() && now.Type != "dynamiclist":
			d.add(f, "form.changed.gone", "answer", answer)
		case len(f.Options) > 0 && now.Kind == f.Kind:
			d.add(now, "form.changed.option", "answer", answer)
		default:
			d.add(now, "form.changed.otherwise", "answer", answer)
		}
	})
	for _, p := range v.Form.pages {
		each(v.Page(p.ID), func(it *Item) {
			if !it.Asked() && it.Type != "dynamiclist" || listAround(it.Field) != nil {
				return
			}
			o := before[it.Field.Name]
			switch {
			case o == nil && carried[it.Field.Name]:
			case o == nil && it.Required:
				d.add(it.Field, "form.changed.newRequired")
			case o == nil:
				d.add(it.Field, "form.changed.new")
			case it.Required && !o.Required && empty(it.Value):
				d.add(it.Field, "form.changed.required")
			case o.Label["de"] != it.Label["de"] && !empty(it.Value):
				d.add(it.Field, "form.changed.label", "old", o.Label)
			}
		})
	}
	return d.out
}

// answered is an answer to a question that is asked no more, to be written in the reader's language.
type answered struct {
	field *Field
	held  Held
}

func (a answered) words(l *i18n.Localizer) string {
	switch {
	case a.held.Value == nil:
		return oneLine(a.held.Raw)
	case a.field.Type != "dynamiclist":
		return oneLine(Format(Item{Field: a.field, Value: a.held.Value, Options: a.field.Options}, l))
	}
	return oneLine(rowsInWords(a.field, a.held.Value, l))
}

// rowsInWords are the rows of a list with the answers in them; those of a list within it stand in brackets.
func rowsInWords(list *Field, val any, l *i18n.Localizer) string {
	rows, _ := val.([]any)
	var out []string
	for _, row := range rows {
		m, _ := row.(map[string]any)
		var parts []string
		var visit func(fields []*Field)
		visit = func(fields []*Field) {
			for _, f := range fields {
				s := ""
				switch val := get(m, f.below()); {
				case f.Type == "group":
					visit(f.Children)
				case f.Type == "dynamiclist":
					if s = rowsInWords(f, val, l); s != "" {
						s = "(" + s + ")"
					}
				case f.Input():
					s = Format(Item{Field: f, Value: val, Options: f.Options}, l)
				}
				if s != "" {
					parts = append(parts, s)
				}
			}
		}
		visit(list.Children)
		out = append(out, strings.Join(parts, ", "))
	}
	return strings.Join(out, "; ")
}
