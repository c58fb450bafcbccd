// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"mercator/domain/service"
	"mercator/lang/form"
)

// Two devices at once. A page carries what it showed of each field, as marks that tell nothing but whether two values are the
// same. What comes back is compared field by field with what the draft holds by then:
//
//	changed here only        taken
//	changed elsewhere only   stays as it is there
//	changed in both places   taken, and what was written elsewhere is kept beside it, as its rival, until the person has decided
//
// So nothing that was typed anywhere is lost, and nobody hands over what they haven't seen, nor takes a row of a list away.

// Names of what a page posts beside the fields' own.
const (
	SeenField  = "_seen"  // what the page showed: "name:mark name:mark"
	RivalField = "_rival" // repeated: "name:mark" of each rival that the page showed, so the person has seen it
	TakeField  = "_take"  // the field whose rival is to take its place
	RowsField  = "_rows"  // how many rows had gone when the page was shown: Draft.Rows
)

// RivalMsg is the message of a field with a rival.
const RivalMsg = "intake.rival"

// RowMovedMsg is the message of a list of which a row was to be taken away that isn't any more what the person has seen.
const RowMovedMsg = "intake.rowMoved"

// Rival is what was written elsewhere into a field.
type Rival struct {
	Value any    `json:"value,omitempty"`
	Raw   string `json:"raw,omitempty"`
}

// Mark names it in a page.
func (r Rival) Mark() string { return markOf(r.Value, r.Raw) }

// markOf is the same for equal values.
func markOf(value any, raw string) string {
	b, _ := json.Marshal(value) // a value of a draft has come out of JSON
	sum := sha256.Sum256(append(append(b, 0), raw...))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// marks are those of the visible fields of pages.
func marks(v *form.View, pages []string) map[string]string {
	out := map[string]string{}
	for _, p := range pages {
		form.Each(v.Page(p), func(it *form.Item) {
			if it.Input() {
				out[it.Name] = markOf(it.Value, it.Raw)
			}
		})
	}
	return out
}

// Seen is what a page shows of its fields, for SeenField.
func (f *Filling) Seen(page string) string {
	var out []string
	form.Each(f.View.Page(page), func(it *form.Item) {
		if it.Asked() {
			out = append(out, it.Name+":"+markOf(it.Value, it.Raw))
		}
	})
	return strings.Join(out, " ")
}

// Shown is the mark of all that is handed over: the page that asks for it posts it as SeenField.
func (f *Filling) Shown() string { return markOf(f.View.Submission(), "") }

// Shown is the mark of all that is handed over of a life event.
func (w *Bundled) Shown() string {
	parts := map[string]any{}
	for _, f := range w.Parts {
		parts[f.Service.ID] = f.View.Submission()
	}
	return markOf(parts, "")
}

// pairs reads "name:mark name:mark".
func pairs(s string) map[string]string {
	out := map[string]string{}
	for i, x := range strings.Fields(s) {
		name, mark, ok := strings.Cut(x, ":")
		if i >= form.MaxPosted {
			break
		}
		if ok {
			out[name] = mark
		}
	}
	return out
}

// Rivalry is a field of the page that has a rival.
type Rivalry struct {
	Item  form.Item // as it is here
	Page  string
	Rival form.Item // as it was written elsewhere
	Mark  string
}

// Rivalries are the fields with rivals, of a page or of all ("").
func (f *Filling) Rivalries(page string) []Rivalry {
	if len(f.Draft.Rivals) == 0 {
		return nil
	}
	var out []Rivalry
	for _, p := range f.Pages() {
		if page != "" && p.ID != page {
			continue
		}
		form.Each(f.View.Page(p.ID), func(it *form.Item) {
			if r, ok := f.Draft.Rivals[it.Name]; ok && it.Asked() {
				other := *it
				other.Value, other.Raw = r.Value, r.Raw
				out = append(out, Rivalry{Item: *it, Page: p.ID, Rival: other, Mark: r.Mark()})
			}
		})
	}
	return out
}

// Validate is what is wrong with a page, or with all (""), fields included that were changed in two places.
func (f *Filling) Validate(page string) []form.FieldError {
	return f.WithRivals(page, f.Wrong(page))
}

// WithRivals adds to errors that of each field with a rival that has none yet.
func (f *Filling) WithRivals(page string, errs []form.FieldError) []form.FieldError {
	for _, r := range f.Rivalries(page) {
		if !slices.ContainsFunc(errs, func(e form.FieldError) bool { return e.Key == r.Item.Name }) {
			errs = append(errs, form.FieldError{Key: r.Item.Name, Msg: RivalMsg})
		}
	}
	return errs
}

// without is a post without some of its fields.
func without(post url.Values, names []string) url.Values {
	out := url.Values{}
	for key, values := range post {
		if !slices.ContainsFunc(names, func(n string) bool { return key == n || strings.HasPrefix(key, n+".") }) {
			out[key] = values
		}
	}
	out[form.PostedField] = slices.DeleteFunc(slices.Clone(post[form.PostedField]), func(s string) bool { return slices.Contains(names, s) })
	return out
}

// take puts a post into a draft.
func take(f *form.Form, d *Draft, pages []string, post url.Values, fctx form.Context) (errs []form.FieldError) {
	d.Answers, d.Raw, errs = f.DecodeAll(pages, post, d.Answers, d.Raw, fctx)
	return errs
}

// merge puts a post into a draft that may have been changed elsewhere since its page was shown. Where a button takes a row away,
// what is kept by name beside the answers moves up with the rows.
func merge(s *service.Service, d *Draft, pages []string, post url.Values, fctx form.Context) []form.FieldError {
	f := s.Form
	decide(s, d, post)
	errs, post := mergeFields(f, d, pages, post, fctx)
	d.pressed = f.Pressed(pages, post)
	if d.pressed.Name() != "" && d.pressed.At.IsRow() {
		d.gone.add(d.pressed.Name())
	}
	d.Rivals = form.Renamed(d.Rivals, d.pressed)
	d.Kept = form.Renamed(d.Kept, d.pressed)
	for name, h := range d.Kept {
		if at := d.pressed.Renamed(h.At); at == "" && h.At != "" {
			delete(d.Kept, name)
		} else if h.At != at {
			h.At = at
			d.Kept[name] = h
		}
	}
	return errs
}

// mergeFields is merge for the answers. It gives the post as it was taken.
func mergeFields(f *form.Form, d *Draft, pages []string, post url.Values, fctx form.Context) (errs []form.FieldError, taken url.Values) {
	seen := pairs(post.Get(SeenField))
	if len(seen) == 0 {
		return take(f, d, pages, post, fctx), post
	}
	var moved []string
	there := f.Eval(d.Answers, fctx)
	now := marks(there, pages)
	for _, name := range post[form.PostedField] {
		if was, ok := seen[name]; ok && was != now[name] {
			moved = append(moved, name)
		}
	}
	if len(moved) == 0 {
		return take(f, d, pages, post, fctx), post
	}
	// What the post would make of them tells whether they were changed here, too.
	trial := *d
	fields := maps.Clone(post) // without the buttons, which would change the names
	delete(fields, form.AddRow)
	delete(fields, form.RemoveRow)
	take(f, &trial, pages, fields, fctx)
	here := fctx
	here.Raw = trial.Raw
	then := marks(f.Eval(trial.Answers, here), pages)
	var stay []string
	for _, name := range moved {
		switch then[name] {
		case seen[name]:
			stay = append(stay, name)
		case now[name]: // the same in both places
		default:
			it, _, ok := there.Item(name)
			if !ok { // hidden by what was answered elsewhere: nothing to choose from
				continue
			}
			if d.Rivals == nil {
				d.Rivals = map[string]Rival{}
			}
			d.Rivals[name] = Rival{Value: it.Value, Raw: it.Raw}
		}
	}
	// Where the row that is to go was changed, or rows before it have gone, another row than the person has seen would go.
	if row := f.Pressed(pages, post).Name(); row != "" && row == post.Get(form.RemoveRow) && slices.ContainsFunc(moved, func(name string) bool {
		return strings.HasPrefix(name, row+".") && then[name] != now[name]
	}) {
		post = fields
		errs = append(errs, form.FieldError{Key: row[:strings.LastIndexByte(row, '.')], Msg: RowMovedMsg})
	}
	if len(stay) > 0 {
		post = without(post, stay)
	}
	return append(errs, take(f, d, pages, post, fctx)...), post
}

// decide ends the rivalries that the posted page has shown: what is in the field counts, the person has seen both. Those of fields that
// aren't theirs to fill in are left to whose they are.
func decide(s *service.Service, d *Draft, post url.Values) {
	for i, x := range post[RivalField] {
		name, mark, _ := strings.Cut(x, ":")
		if r, ok := d.Rivals[name]; ok && i < form.MaxPosted && r.Mark() == mark && theirs(s, *d, name) {
			delete(d.Rivals, name)
		}
	}
}
