// SPDX-License-Identifier: EUPL-1.2

package mydata

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
)

// Holder is a room, or a register, that holds something about people.
type Holder struct {
	ID     string // "register:residents", "case", "document" …
	Office string // whose answer it is; "": the city's
	Basis  string
	Self   bool // it is shown to the person alone, and to nobody who acts for them
	About  func(lang string) About
	// List is what is held about the person who asks, in the order of its places; after is
	// the place of the last item before. It asks for its own grant, so each look is on record.
	List func(ctx context.Context, a access.Actor, lang, after string, n int) (Part, error)
}

// For are the holders whose things an actor is shown: all in their own matter, fewer for who acts for somebody else.
func For(holders []Holder, a access.Actor) []Holder {
	if !a.Acting() {
		return holders
	}
	return slices.DeleteFunc(slices.Clone(holders), func(h Holder) bool { return h.Self })
}

// About says in words what a holder is.
type About struct{ Title, Purpose, Retention string }

// Part is a page of what is held.
type Part struct {
	Items []Item
	Next  string // the place of the last one, if there are more
}

// Item is one thing that is held: a record, a case, a letter.
type Item struct {
	Title   string
	Href    string // where the person sees it, or ""
	History string // where its earlier versions are, or ""
	Since   time.Time
	Until   time.Time // when it goes; zero: that is not known yet
	Changed time.Time
	// Restricted says since when only little may be done with it (Art. 18 GDPR).
	Restricted time.Time
	Facts      []Fact
}

// Fact is one field of an item.
type Fact struct {
	Name   string
	Label  string
	Value  string
	Raw    any    // as it is kept; nil: Value
	Source string // where the city has it from, in words; "": from the person
	Given  bool   // the person gave it (Art. 20 (1) GDPR)
	Fix    string // where it can be put right, or ""
}

// Copy is everything that is held about a person (Art. 15 (3) GDPR), or what they gave (Art. 20).
type Copy struct {
	Made    time.Time
	Person  string
	Holders []Held
}

// Held is what one holder holds.
type Held struct {
	Holder Holder
	About  About
	Items  []Item
}

// The bounds of a copy. Whoever has more than that gets it from the office.
const (
	copyPage = 100
	maxItems = 20_000
)

// Collect asks every holder for everything; with given, for what the person gave.
func Collect(ctx context.Context, holders []Holder, a access.Actor, lang string, now time.Time, given bool) (Copy, error) {
	const op = "mydata.collect"
	out := Copy{Made: now, Person: a.PersonName()}
	total := 0
	for _, h := range For(holders, a) {
		held := Held{Holder: h, About: h.About(lang)}
		for after := ""; ; {
			part, err := h.List(ctx, a, lang, after, copyPage)
			if err != nil {
				return Copy{}, fault.Wrap(op, err)
			}
			for _, it := range part.Items {
				if given {
					it.Facts = onlyGiven(it.Facts)
				}
				if !given || len(it.Facts) > 0 {
					held.Items = append(held.Items, it)
				}
			}
			if total += len(part.Items); total > maxItems {
				return Copy{}, fault.New(fault.TooLarge, op, "mydata.tooMuch")
			}
			if part.Next == "" || part.Next == after {
				break
			}
			after = part.Next
		}
		if len(held.Items) > 0 {
			out.Holders = append(out.Holders, held)
		}
	}
	return out, nil
}

func onlyGiven(facts []Fact) []Fact {
	var out []Fact
	for _, f := range facts {
		if f.Given {
			out = append(out, f)
		}
	}
	return out
}

// JSON is a copy as a machine reads it.
func (c Copy) JSON() map[string]any {
	moment := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.UTC().Format(time.RFC3339)
	}
	holders := make([]any, 0, len(c.Holders))
	for _, h := range c.Holders {
		items := make([]any, 0, len(h.Items))
		for _, it := range h.Items {
			facts := make([]any, 0, len(it.Facts))
			for _, f := range it.Facts {
				v := f.Raw
				if v == nil {
					v = f.Value
				}
				x := map[string]any{"name": f.Name, "label": f.Label, "value": v, "given": f.Given}
				if f.Source != "" {
					x["source"] = f.Source
				}
				facts = append(facts, x)
			}
			x := map[string]any{"title": it.Title, "facts": facts}
			for key, t := range map[string]time.Time{"since": it.Since, "until": it.Until, "changed": it.Changed, "restricted": it.Restricted} {
				if m := moment(t); m != nil {
					x[key] = m
				}
			}
			items = append(items, x)
		}
		holders = append(holders, map[string]any{"id": h.Holder.ID, "title": h.About.Title, "purpose": h.About.Purpose, "retention": h.About.Retention,
			"basis": h.Holder.Basis, "office": h.Holder.Office, "items": items})
	}
	return map[string]any{"format": "https://mercator.example/my-data/1", "made": moment(c.Made), "person": c.Person, "holders": holders}
}

// CSV is a copy as a table: one line a fact.
func (c Copy) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"holder", "item", "since", "name", "label", "value"}}
	n := 0
	for _, h := range c.Holders {
		for _, it := range h.Items {
			n++
			since := ""
			if !it.Since.IsZero() {
				since = it.Since.UTC().Format(time.RFC3339)
			}
			for _, f := range it.Facts {
				rows = append(rows, []string{h.Holder.ID, it.Title, since, f.Name, f.Label, f.Value})
			}
		}
	}
	for _, r := range rows {
		for i := range r {
			r[i] = harmless(r[i])
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fault.Wrap("mydata.csv", err)
	}
	return b.Bytes(), nil
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
