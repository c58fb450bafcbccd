// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/url"
	"strings"
)

// Field is what all form fields have in common. All its words are ready to show.
type Field struct {
	Name     string // the form field's name, unique in its form
	ID       string // empty: "f-" + Name
	Label    string
	Hint     string
	Error    string // in the reader's words; empty: the field is right
	Optional bool   // says so beside the label; other fields are needed
	Heading  bool   // the label is the page's heading (a page that asks one thing)
	Disabled bool
	ReadOnly bool
	// Source names the register that this value came from, if it was prefilled.
	Source string
}

// FieldID is the id of the field's input, and what an error summary links to.
func (f Field) FieldID() string {
	if f.ID != "" {
		return f.ID
	}
	return FieldID(f.Name)
}

// FieldID is the id that a field of this name has by default.
func FieldID(name string) string {
	return "f-" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
}

// DescribedBy lists the ids of hint, source and error.
func (f Field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.FieldID()+"-hint")
	}
	if f.Source != "" {
		ids = append(ids, f.FieldID()+"-source")
	}
	if f.Error != "" {
		ids = append(ids, f.FieldID()+"-error")
	}
	return strings.Join(ids, " ")
}

// Input is one line of text.
type Input struct {
	Field
	Value        string
	Type         string // text (default), email, tel, password, search, date, url
	InputMode    string // numeric, decimal …
	Autocomplete string // a token of the HTML standard: given-name, bday, street-address …
	MaxLength    int
	Width        int    // expected characters: 2, 4, 10, 20; 0: the full width
	Prefix       string // €
	Suffix       string
	NoSpelling   bool     // names, numbers: no spell check, no capitals
	List         []string // suggestions; anything else can be typed as well
	Locate       bool     // with a script, a button that enters where the device is
	Map          *Map     // beside a field for a position
}

// DescribedBy lists what stands around the text too: a unit is read out as well as shown.
func (in Input) DescribedBy() string {
	ids := strings.Fields(in.Field.DescribedBy())
	if in.Suffix != "" {
		ids = append([]string{in.FieldID() + "-suffix"}, ids...)
	}
	if in.Prefix != "" {
		ids = append([]string{in.FieldID() + "-prefix"}, ids...)
	}
	return strings.Join(ids, " ")
}

// Map is a picture of a part of the city. A click on it sends the form with Step.x and
// Step.y, in pixels from its upper left; its buttons send Step.
type Map struct {
	Src    string
	Alt    string
	Size   int // of each side, in pixels
	Step   string
	View   Hidden // which part it is, sent along
	Steps  []Button
	Marked bool
	X, Y   float64 // of the mark, in pixels
	Note   string  // whom the picture is owed to
}

// Signature asks for a typed name and a tick that says it is meant as a signature. With a
// script there is also a field to draw on; what is drawn is sent as NAME.drawing, a path
// on a field of 600 by 200.
type Signature struct {
	Field
	Value     string
	Confirmed bool
	Drawing   string
}

// TextArea is text of several lines.
type TextArea struct {
	Field
	Value     string
	Rows      int // 0: 5
	MaxLength int
	Whole     bool // the browser doesn't cut what is pasted: whoever reads it says that it is too long
}

// Option is one choice.
type Option struct {
	Value string
	Label string
	Hint  string
}

// Select is a choice from a long list.
type Select struct {
	Field
	Value   string
	Options []Option
	Empty   string // text of the choice of nothing; empty: the kit's own words
	Search  bool   // with a script, what is typed finds the option
}

// Radios is a choice of one from a few.
type Radios struct {
	Field
	Value   string
	Options []Option
	Inline  bool // beside one another: yes, no
}

// Checkboxes is a choice of several.
type Checkboxes struct {
	Field
	Values  []string
	Options []Option
	Filter  bool // with a script, what is typed leaves the options that match
}

// Has tells whether a value is chosen.
func (c Checkboxes) Has(v string) bool {
	for _, x := range c.Values {
		if x == v {
			return true
		}
	}
	return false
}

// Checkbox is a single yes. An unticked box is not sent: absent means no.
type Checkbox struct {
	Field
	Checked bool
	Value   string // what is sent when ticked; empty: "true"
}

// DateInput asks for a date in three fields, NAME.day, NAME.month and NAME.year;
// ReadDate puts them together again.
type DateInput struct {
	Field
	Value    string // YYYY-MM-DD, or what ReadDate made of a mistyped one
	Birthday bool   // lets the browser fill in the person's birthday
}

// Part is one of the three fields' values.
func (d DateInput) Part(which string) string {
	p := strings.SplitN(d.Value, "-", 3)
	for len(p) < 3 {
		p = append(p, "")
	}
	switch which {
	case "year":
		return p[0]
	case "month":
		return strings.TrimLeft(p[1], "0")
	}
	return strings.TrimLeft(p[2], "0")
}

// ReadDate puts the three fields of a DateInput together: YYYY-MM-DD if they are
// numbers, whatever was typed if they are not (so that it can be shown again), and
// "" if nothing was. A field that came as one text (a browser's date field, the
// API) is taken as it is. Whether such a day exists is for the caller to judge.
func ReadDate(form url.Values, name string) string {
	if v := strings.TrimSpace(form.Get(name)); v != "" {
		return v
	}
	d := strings.TrimSpace(form.Get(name + ".day"))
	m := strings.TrimSpace(form.Get(name + ".month"))
	y := strings.TrimSpace(form.Get(name + ".year"))
	if d == "" && m == "" && y == "" {
		return ""
	}
	return y + "-" + padDate(m) + "-" + padDate(d)
}

func padDate(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// UploadedFile is a file that is already there, or a part of one.
type UploadedFile struct {
	Name    string
	Size    string // as shown: "1,4 MB"
	Href    string // to look at it
	Value   string // sent as the value of the remove button (name: NAME.remove)
	Preview string // address of a small picture of it
	Note    string // what is to be known about it
	State   Badge
	// Of a file that hasn't come whole: where it goes on, and which one it is.
	Resume string
	Sum    string // SHA-256 in hexadecimal digits
	Bytes  int64
}

// FileInput asks for files. With a script they are sent to Upload as they are chosen, in parts, by the protocol tus.
type FileInput struct {
	Field
	Accept   string // ".pdf,image/jpeg"
	Multiple bool
	Files    []UploadedFile
	Upload   string // address that takes files in parts; empty: they go with the form
	Camera   string // label of a second input that opens the camera of a telephone; empty: none
	Texts    UploadTexts
}

// UploadTexts is what the script tells of a file that it sends.
type UploadTexts struct {
	Sending                       string // has {percent}
	Looking, Retry, Done, Stopped string
}

// Hidden carries a value.
type Hidden struct{ Name, Value string }

func (Input) component() string      { return "input" }
func (Signature) component() string  { return "signature" }
func (TextArea) component() string   { return "textarea" }
func (Select) component() string     { return "select" }
func (Radios) component() string     { return "radios" }
func (Checkboxes) component() string { return "checkboxes" }
func (Checkbox) component() string   { return "checkbox" }
func (DateInput) component() string  { return "dateinput" }
func (FileInput) component() string  { return "fileinput" }
func (Hidden) component() string     { return "hidden" }
