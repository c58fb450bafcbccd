// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"mercator/base/i18n"
	"mercator/base/person"
)

// FieldError is what is wrong with a field. It carries what was typed where that
// couldn't be read, so that nothing is lost.
type FieldError struct {
	Key  string // the field's name
	Msg  string // message key
	Args []any  // alternating names and values
	Raw  string // what was typed and is no value; "" if the value itself can be kept
}

// RowsMsg is the message of a list that takes no more rows.
const RowsMsg = "form.error.rows"

// MoreRowsMsg is the message of a list that has more rows than are shown: those of two drafts that became one.
const MoreRowsMsg = "form.error.moreRows"

// Names of the helpers in a post, beside the fields' own.
const (
	PostedField = "_f"       // repeated: the fields that the posted page showed
	Confirm     = ".confirm" // behind a signature's name: the box that says it is meant
	Drawing     = ".drawing" // behind a signature's name: its strokes
)

// Decode takes a posted page. It returns the new answers (the old ones are not
// changed) and what is wrong with the fields that were posted. "_f" lists the
// fields that the page showed: an unticked box is posted by its name there alone.
// Without "_f" every field of the page that is in the post is taken. What the
// page doesn't ask (other pages' fields, what a register knows, computed and
// read-only fields, files) is not taken from a post.
func (f *Form) Decode(page string, in url.Values, a Answers, ctx Context) (Answers, []FieldError) {
	p := f.Page(page)
	if p == nil {
		return a, nil
	}
	out := clone(a).(Answers)
	if out == nil {
		out = Answers{}
	}
	names := in[PostedField]
	if len(names) == 0 {
		for name := range in {
			base := name
			for _, part := range [...]string{".day", ".month", ".year", Confirm, Drawing} {
				base = strings.TrimSuffix(base, part)
			}
			names = append(names, base)
		}
	}
	if len(names) > MaxPosted {
		names = names[:MaxPosted]
	}
	bad := map[string]FieldError{}
	posted := map[string]bool{}
	v := f.Eval(a, ctx)
	rows, full := f.rowsOf(out), map[string]bool{}
	for _, name := range names {
		at, ok := f.Place(name)
		if _, elsewhere := ctx.Elsewhere[name]; elsewhere || !ok {
			continue
		}
		fd := at.Field
		if posted[name] || fd.Page != page || !fd.Input() || fd.ReadOnly || fd.Type == "filepicker" ||
			v.known(fd) != nil || ctx.Only != "" && ctx.Only != name {
			continue
		}
		if list := rows.open(out, at); list != "" {
			full[list] = true
			continue
		}
		posted[name] = true
		val, raw, err := fd.parse(name, in, ctx)
		if err != nil {
			e := FieldError{Key: name, Msg: "form.error.form", Raw: raw}
			var pr *person.Problem
			if errors.As(err, &pr) {
				e.Msg, e.Args = pr.Msg, pr.Args
			}
			bad[name] = e
			val = nil
		}
		set(out, name, val)
	}
	// What is wrong is judged with the new answers: another answer of the same
	// post may have hidden a field.
	raws := maps.Clone(ctx.Raw)
	for name := range posted {
		delete(raws, name)
	}
	// A row is added or taken away when what is in the others has been taken.
	var pressed Pressed
	if ctx.Only == "" {
		pressed = f.Pressed([]string{page}, in)
	}
	if pressed.ok && (pressed.full(v) || !pressed.do(out, rows)) {
		full[pressed.Name()] = true
	}
	raws, bad, posted = Renamed(raws, pressed), Renamed(bad, pressed), Renamed(posted, pressed)
	v.Update(out, raws)
	out = clone(out).(Answers) // the view keeps those that it has seen
	var errs []FieldError
	for _, list := range slices.Sorted(maps.Keys(full)) {
		errs = append(errs, FieldError{Key: list, Msg: RowsMsg})
	}
	each(v.Page(page), func(it *Item) {
		if !posted[it.Name] {
			return
		}
		if e, ok := bad[it.Name]; ok {
			delete(bad, it.Name)
			e.Key = it.Name
			errs = append(errs, e)
			return
		}
		if typed, ok := it.choose(); ok { // the option's own value: 6, not "6"
			it.Value = typed
			set(out, it.Name, typed)
		}
		if e, wrong := v.check(it); wrong {
			errs = append(errs, e)
		}
	})
	// Hidden by now: no error, but the words are kept all the same.
	for name, e := range bad {
		errs = append(errs, FieldError{Key: name, Raw: e.Raw})
	}
	return out, errs
}

// DecodeAll takes a post that may hold fields of several pages. raw is what was typed before and couldn't be read, by name: what
// was posted anew is forgotten there, and what can't be read of it now is kept, fit to be stored (UTF-8 without NUL).
func (f *Form) DecodeAll(pages []string, in url.Values, a Answers, raw map[string]string, ctx Context) (Answers, map[string]string, []FieldError) {
	var errs []FieldError
	for _, page := range pages {
		var wrong []FieldError
		a, wrong = f.Decode(page, in, a, ctx)
		errs = append(errs, wrong...)
	}
	out := maps.Clone(raw)
	if out == nil {
		out = map[string]string{}
	}
	for _, name := range in[PostedField] {
		delete(out, name)
	}
	for name := range in {
		delete(out, name)
	}
	if ctx.Only == "" {
		out = Renamed(out, f.Pressed(pages, in))
	}
	for _, e := range errs {
		if e.Raw != "" {
			out[e.Key] = Storable(e.Raw)
		}
	}
	return a, out, errs
}

// Storable is a text as a column takes it: UTF-8 without NUL.
func Storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// Told are the errors that a page tells of: not those of fields that another answer has hidden.
func Told(errs []FieldError) []FieldError {
	return slices.DeleteFunc(slices.Clone(errs), func(e FieldError) bool { return e.Msg == "" })
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = clone(x)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = clone(x)
		}
		return l
	}
	return v
}

// set writes a value under a dotted name and makes the objects and rows on the way.
func set(m Answers, name string, val any) {
	parts := strings.Split(name, ".")
	var cur any = m
	store := func(any) {}
	for i, part := range parts {
		last := i == len(parts)-1
		if isIndex(part) && i > 0 {
			l, _ := cur.([]any)
			n, _ := strconv.Atoi(part)
			if n >= MaxRows {
				return
			}
			for len(l) <= n {
				l = append(l, map[string]any{})
			}
			if l[n] == nil {
				l[n] = map[string]any{}
			}
			store(l)
			if last {
				l[n] = val
				return
			}
			cur, store = l[n], func(x any) { l[n] = x }
			continue
		}
		o, ok := cur.(map[string]any)
		if !ok {
			o = map[string]any{}
			store(o)
		}
		if last {
			if val == nil {
				delete(o, part)
			} else {
				o[part] = val
			}
			return
		}
		cur, store = o[part], func(x any) { o[part] = x }
	}
}

// parse reads what was typed into a field. raw is the typed text, kept when err isn't nil.
func (f *Field) parse(name string, in url.Values, ctx Context) (val any, raw string, err error) {
	switch f.Type {
	case "checkbox":
		switch in.Get(name) {
		case "", "false", "off":
			return false, "", nil
		}
		return true, "", nil
	case "checklist", "taglist":
		var l []any
		seen := map[string]bool{}
		for _, s := range in[name] {
			switch {
			case s == "" || seen[s]:
				continue
			case len(l) == MaxOptions || len(s) > 1000 || !utf8.ValidString(s):
				return nil, "", &person.Problem{Msg: "form.error.option"} // no form offers it
			}
			seen[s] = true
			l = append(l, s) // turned into the option's own value when checked
		}
		if l == nil {
			return nil, "", nil
		}
		return l, "", nil
	}
	raw = in.Get(name)
	if (f.Kind == "date" || f.Kind == "birthdate") && raw == "" {
		d, m, y := strings.TrimSpace(in.Get(name+".day")), strings.TrimSpace(in.Get(name+".month")), strings.TrimSpace(in.Get(name+".year"))
		if d+m+y != "" {
			raw = d + "." + m + "." + y
		}
	}
	if len(raw) > 4*MaxText {
		// Too long to be kept whole; the page said so before it was sent.
		cut := raw[:4*MaxText]
		for !utf8.ValidString(cut) && len(cut) > 4*MaxText-4 {
			cut = cut[:len(cut)-1]
		}
		return nil, cut, &person.Problem{Msg: "person.tooLong", Args: []any{"max", f.limit()}}
	}
	text := func(s string, err error) (any, string, error) {
		if err != nil {
			return nil, raw, err
		}
		if s == "" {
			return nil, "", nil
		}
		return s, "", nil
	}
	switch f.Kind {
	case "name":
		return text(person.ParseName(raw))
	case "company":
		return text(person.ParseText(raw, f.limit()))
	case "plate":
		return text(person.ParsePlate(raw, strings.Fields(f.home())...))
	case "iban":
		return text(person.ParseIBAN(raw))
	case "tax_id":
		return text(person.ParseTaxID(raw))
	case "phone":
		return text(person.ParsePhone(raw))
	case "email":
		return text(person.ParseEmail(raw))
	case "street":
		return text(person.ParseStreet(raw))
	case "nationality":
		if f.Type == "textfield" {
			return text(person.ParseNationality(raw))
		}
	case "register_number":
		return text(person.ParseRegisterNumber(raw))
	case "position":
		p, ok, err := person.ParsePosition(raw)
		switch {
		case err != nil:
			return nil, raw, err
		case !ok:
			return nil, "", nil
		case p.Address != "":
			return map[string]any{"address": p.Address}, "", nil
		}
		return map[string]any{"lat": degrees(p.Lat), "lon": degrees(p.Lon)}, "", nil
	case "signature":
		return f.signature(name, raw, in)
	case "house_number":
		return text(person.ParseHouseNumber(raw))
	case "postcode":
		return text(person.ParsePostcode(raw))
	case "date", "birthdate":
		return text(person.ParseDate(raw, person.DateRule{Today: ctx.Today, Past: f.Kind == "birthdate", Partial: f.Props["partial"] == "true"}))
	case "time":
		return text(person.ParseTime(raw))
	case "datetime":
		s := strings.Replace(strings.TrimSpace(raw), "T", " ", 1)
		i := strings.LastIndexByte(s, ' ')
		if s == "" {
			return nil, "", nil
		}
		if i < 0 {
			return nil, raw, &person.Problem{Msg: "form.error.dateTime"}
		}
		d, err := person.ParseDate(strings.Trim(s[:i], " ,"), person.DateRule{Today: ctx.Today})
		if err != nil {
			return nil, raw, err
		}
		t, err := person.ParseTime(s[i+1:])
		if err != nil || t == "" {
			return nil, raw, &person.Problem{Msg: "form.error.dateTime"}
		}
		return d + "T" + t, "", nil
	case "money":
		n, ok, err := person.ParseMoney(raw, ctx.Lang)
		if err != nil {
			return nil, raw, err
		}
		if !ok {
			return nil, "", nil
		}
		return json.Number(strconv.FormatInt(n, 10)), "", nil
	case "number":
		s, err := person.ParseDecimal(raw, ctx.Lang)
		if err != nil {
			return nil, raw, err
		}
		if s == "" {
			return nil, "", nil
		}
		if _, frac, _ := strings.Cut(s, "."); f.Decimals >= 0 && len(strings.TrimRight(frac, "0")) > f.Decimals {
			if f.Decimals == 0 {
				return nil, raw, &person.Problem{Msg: "form.error.whole"}
			}
			return nil, raw, &person.Problem{Msg: "form.error.decimals", Args: []any{"n", f.Decimals}}
		}
		return json.Number(s), "", nil
	}
	if f.Type == "radio" || f.Type == "select" {
		if len(raw) > 1000 || !utf8.ValidString(raw) {
			return nil, "", &person.Problem{Msg: "form.error.option"}
		}
		return text(raw, nil)
	}
	s, err := freeText(raw, f.Type == "textarea", f.limit())
	return text(s, err)
}

// signature takes a typed name, which counts when the person says beside it that it is
// meant as a signature (check holds it against that). What they have drawn comes along; it
// is never needed.
func (f *Field) signature(name, raw string, in url.Values) (any, string, error) {
	s, err := person.ParseName(raw)
	if err != nil {
		return nil, raw, err
	}
	d := strings.TrimSpace(in.Get(name + Drawing))
	if !IsDrawing(d) {
		d = ""
	}
	if s == "" && d == "" {
		return nil, "", nil
	}
	out := map[string]any{"name": s, "confirmed": true}
	switch in.Get(name + Confirm) {
	case "", "false", "off":
		out["confirmed"] = false
	}
	if d != "" {
		out["drawing"] = d
	}
	return out, "", nil
}

// MaxDrawing bounds the strokes of a drawn signature, in bytes.
const MaxDrawing = 16 << 10

// IsDrawing tells whether a text is nothing but strokes: moves and lines in whole steps on a
// field of 600 by 200, as the path of an SVG. So it can stand in a page and in a letter.
func IsDrawing(s string) bool {
	if len(s) > MaxDrawing || s == "" || s[0] != 'M' {
		return false
	}
	for i := 0; i < len(s); {
		if s[i] != 'M' && s[i] != 'L' {
			return false
		}
		i++
		for j, most := range [...]int{600, 200} {
			k := i
			for k < len(s) && k-i < 4 && s[k] >= '0' && s[k] <= '9' {
				k++
			}
			if n, err := strconv.Atoi(s[i:k]); err != nil || n > most {
				return false
			}
			if i = k; j == 0 {
				if i >= len(s) || s[i] != ' ' {
					return false
				}
				i++
			}
		}
	}
	return true
}

func degrees(f float64) json.Number { return number(strconv.FormatFloat(f, 'f', -1, 64)) }

// choose gives chosen texts the values that their options have, and a typed text the
// spelling of the suggestion that it means.
func (it *Item) choose() (any, bool) {
	one := func(v any) any {
		s, _ := v.(string)
		for _, o := range it.Options {
			if optionText(o.Value) == s {
				return o.Value
			}
		}
		return v
	}
	switch v := it.Value.(type) {
	case string:
		if it.optionsExpr != nil && it.Type == "textfield" {
			want := person.Fold(v)
			for _, o := range it.Options {
				if s := optionText(o.Value); person.Fold(s) == want {
					return s, true
				}
			}
			return v, true
		}
		return one(v), it.Type == "radio" || it.Type == "select"
	case []any:
		if it.Type != "checklist" && it.Type != "taglist" {
			return nil, false
		}
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = one(x)
		}
		return l, true
	}
	return nil, false
}

func (f *Field) home() string {
	if h := f.Props["home"]; h != "" {
		return h
	}
	return "DU" // the town of the seed; a form of another town says its own
}

// limit is the greatest number of characters of a text.
func (f *Field) limit() int {
	if f.MaxLength > 0 {
		return f.MaxLength
	}
	if f.Type == "textarea" {
		return MaxText
	}
	return 500
}

// freeText takes any text that can be shown: it loses white space at its ends,
// nothing else. Signs that no one sees and that reorder what others see are refused.
func freeText(s string, lines bool, maxRunes int) (string, error) {
	if !utf8.ValidString(s) {
		return "", &person.Problem{Msg: "person.encoding"}
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	n := 0
	for _, r := range s {
		switch {
		case r == 0x200b, r == 0xfeff, r == 0x2060: // come along with copied text
			continue
		case r == '\n' || r == '\r' || r == '\v' || r == '\f': // a word processor's line break is \v
			if r = '\n'; !lines {
				r = ' '
			}
		case r == '\t' && !lines:
			r = ' '
		case r == '\t':
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029, r >= 0xfff9 && r <= 0xfffb,
			r >= 0xe0000 && r <= 0xe007f:
			return "", &person.Problem{Msg: "person.invisible"}
		}
		n++
		b.WriteRune(r)
	}
	out := strings.TrimSpace(b.String())
	if n > maxRunes && utf8.RuneCountInString(out) > maxRunes {
		return "", &person.Problem{Msg: "person.tooLong", Args: []any{"max", maxRunes}}
	}
	return out, nil
}

// ErrorText is an error in the reader's words: the form's own text for it, if its
// author gave one, else the house's.
func (f *Form) ErrorText(e FieldError, l *i18n.Localizer) string {
	at, ok := f.Place(e.Key)
	if !ok {
		return l.T(e.Msg, e.Args...)
	}
	fd := at.Field
	short := strings.TrimPrefix(e.Msg, "form.error.")
	if strings.HasPrefix(e.Msg, "person.") {
		short = "form"
	}
	for _, key := range [...]string{"message." + short + "." + l.Lang(), "message." + short} {
		if t := fd.Props[key]; t != "" {
			return t
		}
	}
	args := append([]any{"label", at.Title(l)}, e.Args...)
	for i := 3; i < len(args); i += 2 { // bounds as the language writes them
		if s, ok := args[i].(string); ok {
			switch args[i-1] {
			case "date":
				args[i] = l.Date(s)
			case "min", "max":
				args[i] = l.Decimal(s)
			}
		}
	}
	return l.T(e.Msg, args...)
}

// SummaryText is an error away from its field: it says of which question it is, in a list also in which row, if the error's words don't.
func (f *Form) SummaryText(e FieldError, l *i18n.Localizer) string {
	text := f.ErrorText(e, l)
	at, ok := f.Place(e.Key)
	if !ok {
		return text
	}
	if title := at.Title(l); !strings.Contains(text, title) {
		text = l.T("form.row.label", "row", title, "label", text)
	}
	return text
}
