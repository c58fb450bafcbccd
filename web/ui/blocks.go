// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"html/template"
	"strings"
	"time"
)

// Tone says what kind of news something is. It always comes with a word and an
// icon: colour alone says nothing.
type Tone string

// The tones.
const (
	Info    Tone = "info"
	Success Tone = "success"
	Warning Tone = "warning"
	Danger  Tone = "danger"
)

// Link leads somewhere.
type Link struct {
	Text   string
	Href   string
	Hidden string // said by screen readers after Text: "Ändern" + " Straße"
}

// Stack shows components one below the other.
type Stack struct{ Items []Component }

// Form is an HTML form; with a script it is sent once, however often the button
// is pressed.
//
// Autosave names the URL that takes each field as it is left: a POST
// (application/x-www-form-urlencoded, Accept: application/json) with _field=NAME
// and the field's inputs under their own names (a DateInput's three, each ticked
// box's, none if nothing is chosen). Any 2xx means stored, whether the value is
// valid or not; on 401, 403, 429, 5xx or no answer the browser keeps the value and
// sends it again, on 404, 409, 413 or 422 it gives up.
type Form struct {
	Action    string
	Method    string // post (default) or get
	ID        string
	Multipart bool
	Autosave  string
	Items     []Component
	Buttons   []Button
}

// Button sends a form, or looks like it and leads somewhere (Href).
type Button struct {
	Text   string
	Hidden string // said by screen readers after Text
	Kind   string // primary (default), secondary, tertiary
	Href   string
	Name   string
	Value  string
	Icon   string // a KERN icon: arrow-forward, download …
	Form   string // id of the form it belongs to, if it stands outside
	Action string // formaction: another target than the form's
	Danger bool   // can't be undone
	Block  bool   // as wide as its column
}

// Buttons is a row of buttons, the most important first.
type Buttons struct{ Items []Button }

// Alert is a piece of news that must not be missed.
type Alert struct {
	Tone  Tone // empty: info
	Title string
	Text  string
	List  []string
	Links []Link
	Live  bool // announced by screen readers when it appears
}

// FieldError is one error, linked to its field.
type FieldError struct {
	Field string // the field's name; empty: not of one field
	Text  string
	Href  string // instead of the field: where to mend it
}

// ErrorSummary stands above a form that came back: what is wrong, each linked to
// its field. It takes the focus.
type ErrorSummary struct {
	Title string // empty: the kit's own words
	Items []FieldError
}

// SummaryRow is one answer.
type SummaryRow struct {
	Key     string
	Value   string // lines are kept
	Item    Component
	Source  string // the register it came from
	Actions []Link
}

// SummaryList shows answers and their questions.
type SummaryList struct {
	Title   string
	Level   int // of the title: 2 (default) to 4
	Actions []Link
	Rows    []SummaryRow
}

// Task is one step that a person takes in their own order.
type Task struct {
	ID     string // if given: what the link is described by, so that its state is read with it
	Title  string
	Hint   string
	Href   string
	Status Badge
	Note   string // a state that asks for nothing, as plain text
}

// TaskList is the list of what is to be done.
type TaskList struct {
	Title string
	Tasks []Task
}

// Badge is a short state.
type Badge struct {
	Tone Tone
	Text string
}

// Column is the head of a table's column.
type Column struct {
	Label   string
	Numeric bool
	Sort    string // URL that sorts by it
	Sorted  string // ascending, descending or empty
}

// Cell is one field of a table: text, a link, a badge or any component.
type Cell struct {
	Text  string
	Sub   string // small, below
	Href  string
	Badge Badge
	Item  Component
}

// Row is one line of a table. Its ID is an anchor, to return to it.
type Row struct {
	ID     string
	Cells  []Cell
	Marked bool // the row that one comes back to
}

// Table shows records; on a narrow screen each row becomes a block. The first
// cell of a row is its heading.
type Table struct {
	Caption       string
	CaptionHidden bool
	Columns       []Column
	Rows          []Row
	Empty         string // said when there are no rows
}

// Pagination leads to the neighbours of a page in a keyset order.
type Pagination struct {
	Prev, Next string // URLs; empty: there is none
	First      string
	Label      string // "1 bis 20"
}

// Progress tells how far one is: step of steps.
type Progress struct {
	Step, Steps int
	Label       string // empty: the kit's own words
}

// Fieldset groups fields under a question.
type Fieldset struct {
	Legend string
	Hint   string
	Error  string
	ID     string
	Focus  bool // the page begins here
	Items  []Component
}

// Details is text that opens on demand.
type Details struct {
	Summary string
	Hidden  string // said by screen readers after Summary: what it is about
	Text    string
	Items   []Component
	Open    bool
	Small   bool // beside something else, of which it tells more
}

// Breadcrumb tells where one is.
type Breadcrumb struct{ Items []Link }

// Moment is one event of a timeline.
type Moment struct {
	When  time.Time // zero: yet to come
	Title string
	Text  string
	By    string
	State string // done (default), current, todo
	Links []Link
}

// Timeline tells what happened, and what will.
type Timeline struct {
	Label   string
	Moments []Moment
}

// Card is a thing that one can go to.
type Card struct {
	Title   string
	Level   int // of the title: 2 (default) to 4
	Preline string
	Text    string
	Href    string
	Badge   Badge
	Items   []Component
	Buttons []Button
}

// Cards is a grid of cards.
type Cards struct{ Items []Card }

// Filter is one way to narrow a list, and how much it leaves.
type Filter struct {
	Label   string
	Href    string
	Count   int
	Active  bool
	More    bool // the number is a lower bound
	NoCount bool // nobody counted
}

// Filters is a row of filters.
type Filters struct {
	Label string
	Items []Filter
}

// Search is a search box with its button.
type Search struct {
	Action string
	Name   string // empty: q
	Value  string
	Label  string
	Hint   string
	Keep   []Hidden // parameters that stay
}

// Heading is a heading; level 2 by default.
type Heading struct {
	Text  string
	Level int
	ID    string
}

// Text is plain paragraphs, cut at empty lines.
type Text struct {
	Text  string
	Muted bool
}

// List is a list of short texts.
type List struct {
	Items   []string
	Ordered bool
}

// Code is text as a program has it, line by line.
type Code struct{ Text string }

// Links is a list of links.
type Links struct {
	Label string
	Items []Link
}

// Figure shows a drawing made by our own code, which names itself (role img, title).
// SVG must not hold script or style attributes: the page's policy forbids them.
type Figure struct {
	SVG     template.HTML
	Title   string // of the frame, which scrolls if the drawing is wide
	Caption string
	Text    string // the same in words
	// Model is where a BPMN file lies that a script shows in the place of SVG, with its
	// tokens; "": none. Without a script, and if the file has no diagram, SVG stands there.
	Model        string
	Active, Done []string // ids of elements
}

// ActiveIDs and DoneIDs are the elements as the script reads them.
func (f Figure) ActiveIDs() string { return strings.Join(f.Active, " ") }

// DoneIDs are the elements that are done.
func (f Figure) DoneIDs() string { return strings.Join(f.Done, " ") }

// Image is a picture. Src is an address of this house, or the picture itself (data:image/…).
// Without Alt it is decoration.
type Image struct {
	Src template.URL
	Alt string
}

// Drawing is what somebody drew as their signature: strokes on a field of 600 by 200, which the caller has checked
// (form.IsDrawing).
type Drawing struct {
	Path string
	Alt  string
}

func (Drawing) component() string      { return "drawing" }
func (Link) component() string         { return "link" }
func (Image) component() string        { return "image" }
func (Stack) component() string        { return "stack" }
func (Form) component() string         { return "form" }
func (Button) component() string       { return "button" }
func (Buttons) component() string      { return "buttons" }
func (Alert) component() string        { return "alert" }
func (ErrorSummary) component() string { return "errorsummary" }
func (SummaryList) component() string  { return "summarylist" }
func (TaskList) component() string     { return "tasklist" }
func (Badge) component() string        { return "badge" }
func (Table) component() string        { return "table" }
func (Pagination) component() string   { return "pagination" }
func (Progress) component() string     { return "progress" }
func (Fieldset) component() string     { return "fieldset" }
func (Details) component() string      { return "details" }
func (Breadcrumb) component() string   { return "breadcrumb" }
func (Timeline) component() string     { return "timeline" }
func (Card) component() string         { return "card" }
func (Cards) component() string        { return "cards" }
func (Filters) component() string      { return "filters" }
func (Search) component() string       { return "search" }
func (Heading) component() string      { return "heading" }
func (Text) component() string         { return "text" }
func (List) component() string         { return "list" }
func (Code) component() string         { return "code" }
func (Links) component() string        { return "links" }
func (Figure) component() string       { return "figure" }
