// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"fmt"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// Sheet is a form on paper, question by question with what was answered, or empty, to be written on; or what is known of
// somebody, side by side.
type Sheet struct {
	Lang    string
	Title   string
	Created time.Time
	Sender  Sender
	Facts   []Pair // number, date of receipt
	Intro   string
	Code    *SheetCode
	Parts   []SheetPart
	Note    string // small print at the end
	PageOf  string // "Seite {page} von {pages}"
	// Ticked and Unticked are what is read out for a box.
	Ticked, Unticked string
}

// SheetCode is the code by which a paper is known again. Text stands beside it, and on each further page.
type SheetCode struct {
	Content string // of the QR code
	Alt     string // what the code is, for people who don't see it
	Lead    string // above the text
	Text    string // the same for people to type
}

// SheetPart is a page of the form.
type SheetPart struct {
	Title string
	Facts []Pair // label and value side by side
	Items []SheetItem
}

// SheetItem is a question; or, without a Label, a heading or a text between questions.
type SheetItem struct {
	Heading string
	Text    string
	Label   string
	Help    string // what to enter
	Why     string // why it is asked
	Value   string // the answer
	Source  string // where the answer is from, if not from the person
	Choices []Choice
	Lines   int // to write on: the height of the box in lines
}

// Choice is an option with its box.
type Choice struct {
	Label  string
	Ticked bool
}

// Limits of a sheet.
const (
	maxSheetItems = 20_000
	maxSheetPages = 400
)

// Sheet makes the file of a form.
func (r *Renderer) Sheet(s Sheet) ([]byte, error) {
	n := 0
	for _, p := range s.Parts {
		for _, fact := range p.Facts {
			if n++; len(fact.Value) > MaxText*4 || len(fact.Label) > MaxText {
				return nil, fmt.Errorf("pdf: a fact of %d bytes", len(fact.Value))
			}
		}
		for _, it := range p.Items {
			if n += 1 + len(it.Choices); len(it.Value) > MaxText*4 || len(it.Label)+len(it.Text)+len(it.Help)+len(it.Why) > MaxText*4 {
				return nil, fmt.Errorf("pdf: an answer of %d bytes", len(it.Value))
			}
		}
	}
	if n > maxSheetItems || len(s.Facts) > 50 {
		return nil, fmt.Errorf("pdf: a form with more parts than it may have")
	}
	d := newDocument(r.faces, s.Title, s.Lang, s.Sender.Name, s.Created)
	d.newPage()
	head := d.root.add("P")
	d.in(head, func() { d.text(left, 22, s.Sender.Name+" ", style{bold: true, size: 16}) })
	if s.Sender.Office != "" {
		d.in(head, func() { d.text(left, 28, s.Sender.Office, style{size: 11}) })
	}
	f := &flow{d: d, y: 42, size: 10.5, bottom: bottom, pages: maxSheetPages}
	again := s.Sender.Name + "  ·  " + fit(d.face(false), s.Title, 8, 80)
	w := right - left
	if s.Code != nil {
		code, err := qr.Encode(s.Code.Content, qr.M, qr.Auto)
		if err != nil {
			return nil, fmt.Errorf("pdf: QR code: %w", err)
		}
		again += "  ·  " + s.Code.Text
		w -= 34
		d.sheetCode(*s.Code, code)
	}
	d.artifact(func() { d.line(left, 32, left+w, 32, 0.4) })
	f.fresh = func() { d.artifact(func() { d.text(left, 20, again, style{size: 8}) }) }
	f.lines(d.root.add("H1"), left, w, s.Title, style{bold: true, size: 15}, 1)
	f.space(0.6)
	if s.Intro != "" {
		f.lines(d.root.add("P"), left, w, s.Intro, style{}, 1)
		f.space(0.4)
	}
	f.table(d.root, left, w, 55, s.Facts)
	if s.Code != nil && len(d.pages) == 1 {
		f.y = max(f.y, 66)
	}
	for _, p := range s.Parts {
		f.space(0.9)
		sect := d.root.add("Sect")
		if p.Title != "" {
			f.lines(sect.add("H2"), left, right-left, p.Title, style{bold: true, size: 13}, 4)
			f.space(0.3)
		}
		f.table(sect, left, right-left, 70, p.Facts)
		for _, it := range p.Items {
			f.item(sect, it, s)
		}
	}
	return f.end(s.Note, s.Sender, s.PageOf)
}

// sheetCode draws the code in the corner of the first page.
func (d *document) sheetCode(c SheetCode, code barcode.Barcode) {
	const size = 26.0
	x, y := right-size, 14.0
	fig := d.root.add("Figure")
	fig.alt = c.Alt
	fig.attr = fmt.Sprintf("<</O /Layout /BBox [%s %s %s %s]>>", num(x*ptPerMM), num((paperH-y-size)*ptPerMM), num((x+size)*ptPerMM), num((paperH-y)*ptPerMM))
	d.in(fig, func() { d.barcode(code, x, y, size) })
	p := d.root.add("P")
	lines := append(d.face(false).wrap(c.Lead, 7, size+4), d.face(false).wrap(c.Text, 9, size+4)...)
	lead := len(lines) - len(d.face(false).wrap(c.Text, 9, size+4))
	ty := y + size + 4
	for i, l := range lines {
		st := style{size: 7}
		if i >= lead {
			st = style{size: 9, bold: true}
		}
		d.in(p, func() { d.text(x, ty, l+" ", st) })
		ty += st.size * lineHeightFac / ptPerMM
	}
}

const (
	boxLine = 8.0 // mm for a line to write on
	smaller = 8.5 // points
)

// item sets a question with its answer, or with room for one.
func (f *flow) item(sect *elem, it SheetItem, s Sheet) {
	if f.err != nil {
		return
	}
	w := right - left
	switch {
	case it.Heading != "":
		f.space(0.3)
		f.lines(sect.add("H3"), left, w, it.Heading, style{bold: true, size: 11}, 3)
		f.space(0.2)
		return
	case it.Label == "":
		if it.Text != "" {
			f.lines(sect.add("P"), left, w, it.Text, style{}, 1)
			f.space(0.4)
		}
		return
	}
	f.lines(sect.add("P"), left, w, it.Label, style{bold: true}, 3)
	for _, small := range []string{it.Help, it.Why} {
		if small != "" {
			f.lines(sect.add("P"), left, w, small, style{size: smaller, color: [3]float64{0.25, 0.25, 0.25}}, 1)
		}
	}
	if len(it.Choices) > 0 {
		f.space(0.15)
		l := sect.add("L")
		for _, c := range it.Choices {
			f.choice(l, c, s)
		}
	}
	if it.Value != "" {
		f.lines(sect.add("P"), left+4, w-4, it.Value, style{}, 1)
	}
	if it.Source != "" {
		f.lines(sect.add("P"), left+4, w-4, it.Source, style{size: smaller, color: [3]float64{0.25, 0.25, 0.25}}, 1)
	}
	if it.Lines > 0 {
		h := boxLine * float64(min(it.Lines, 20))
		f.y += 1
		f.room(int(h/f.lineHeight()) + 1)
		y := f.y
		f.d.artifact(func() {
			for _, l := range [][4]float64{{left, y, right, y}, {right, y, right, y + h}, {right, y + h, left, y + h}, {left, y + h, left, y}} {
				f.d.line(l[0], l[1], l[2], l[3], 0.25)
			}
		})
		f.y += h
	}
	f.space(0.6)
}

// choice sets an option with its box; what the box says is read out.
func (f *flow) choice(list *elem, c Choice, s Sheet) {
	li := list.add("LI")
	lbl, body := li.add("Lbl"), li.add("LBody")
	f.room(1)
	if f.err != nil {
		return
	}
	word := s.Unticked
	if c.Ticked {
		word = s.Ticked
	}
	const size = 3.2
	x, y := left+4, f.y+(f.lineHeight()-size)/2
	f.d.in(lbl, func() {
		b := &f.d.cur.buf
		if word != "" {
			fmt.Fprintf(b, "/Span <</ActualText %s>> BDC\n", textString(word+" "))
		}
		for _, l := range [][4]float64{{x, y, x + size, y}, {x + size, y, x + size, y + size}, {x + size, y + size, x, y + size}, {x, y + size, x, y}} {
			f.d.line(l[0], l[1], l[2], l[3], 0.25)
		}
		if c.Ticked {
			f.d.line(x+0.5, y+0.5, x+size-0.5, y+size-0.5, 0.4)
			f.d.line(x+size-0.5, y+0.5, x+0.5, y+size-0.5, 0.4)
		}
		if word != "" {
			b.WriteString("EMC\n")
		}
	})
	f.lines(body, left+4+size+2.5, right-left-size-6.5, c.Label, style{}, 1)
}
