// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// Typeface is a pair of TrueType fonts.
type Typeface struct{ Regular, Bold []byte }

// Config is what a Renderer is made of.
type Config struct {
	// Typefaces are asked for each letter in this order; the embedded Go fonts come last.
	Typefaces []Typeface
}

// Renderer makes PDF files. It is safe for concurrent use.
type Renderer struct{ faces [2]face }

// New parses the fonts.
func New(cfg Config) (*Renderer, error) {
	r := &Renderer{}
	for _, t := range append(cfg.Typefaces[:len(cfg.Typefaces):len(cfg.Typefaces)], Typeface{goregular.TTF, gobold.TTF}) {
		for i, data := range [2][]byte{t.Regular, t.Bold} {
			f, err := LoadFont(data)
			if err != nil {
				return nil, err
			}
			r.faces[i] = append(r.faces[i], f)
		}
	}
	return r, nil
}

// Pair is a label with its value.
type Pair struct{ Label, Value string }

// Block is a part of a letter's text.
type Block struct {
	Kind  BlockKind
	Text  string   // Paragraph, Heading, Small
	Items []string // List
	Facts []Pair   // Table
}

// BlockKind is the kind of a Block.
type BlockKind int

// The kinds of block.
const (
	Paragraph BlockKind = iota
	Heading
	List
	Table // label and value, one pair a row
	Small // small print
)

// Sender is who writes.
type Sender struct {
	Name       string   // letterhead: the city
	Office     string   // below it: the office
	ReturnLine string   // small line above the address: sender in one line
	Footer     []string // up to four columns at the foot; lines are separated by \n
}

// Letter is a letter after DIN 5008:2020, form B.
type Letter struct {
	Lang       string    // BCP 47: "de"
	Title      string    // of the document; Subject if empty
	Created    time.Time // the file's date; nothing in the file depends on the clock
	Sender     Sender
	To         []string // up to six lines
	Info       []Pair   // information block
	Subject    string
	Salutation string
	Body       []Block
	Closing    []string // greeting, name, note on the missing signature: a line each
	Card       *Card
	PageOf     string // "Seite {page} von {pages}"
}

// Card is the part that is cut out of the letter: a permit for the windscreen.
type Card struct {
	Title  string
	Issuer string
	Large  []Pair // what must be read from outside the car
	Facts  []Pair
	QR     string   // content of the QR code; empty: none
	QRAlt  string   // what the code is, for people who don't see it
	QRText []string // lines below the code
	Cut    string   // "Hier ausschneiden"
}

// Limits: a letter that is larger is refused, not cut.
const (
	MaxBlocks = 400
	MaxText   = 20000 // runes in one text
	MaxPages  = 100
)

const (
	left, right   = 25.0, 190.0
	bodyTop       = 98.46 // 8.46 mm below the address field of form B
	bottom        = 270.0
	cardH         = 60.0
	cardGap       = 7.0
	nextTop       = 30.0
	footTop       = 277.0
	infoX         = 125.0
	lineHeightFac = 1.38
)

// Letter makes the file of a letter. A letter with a card is set smaller, down to
// 9 points, if that keeps it on one page.
func (r *Renderer) Letter(l Letter) ([]byte, error) {
	if err := checkLetter(l); err != nil {
		return nil, err
	}
	sizes := []float64{10.5}
	var code barcode.Barcode
	if l.Card != nil && l.Card.QR != "" {
		var err error
		if code, err = qr.Encode(l.Card.QR, qr.M, qr.Auto); err != nil {
			return nil, fmt.Errorf("pdf: QR code: %w", err)
		}
	}
	if l.Card != nil {
		sizes = []float64{10.5, 10, 9.5, 9, 10.5} // the last one: two pages then
	}
	var d *document
	for _, size := range sizes {
		var err error
		if d, err = r.letter(l, size, code); err != nil {
			return nil, err
		}
		if len(d.pages) == 1 {
			break
		}
	}
	return d.bytes()
}

func checkLetter(l Letter) error {
	if len(l.Body) > MaxBlocks || len(l.To) > 6 || len(l.Info) > 12 || len(l.Sender.Footer) > 4 || len(l.Closing) > 12 {
		return fmt.Errorf("pdf: letter with more parts than it may have")
	}
	for _, b := range l.Body {
		n := len(b.Text)
		for _, i := range b.Items {
			n += len(i)
		}
		for _, p := range b.Facts {
			n += len(p.Label) + len(p.Value)
		}
		if n > MaxText*4 || len(b.Items) > MaxBlocks || len(b.Facts) > MaxBlocks {
			return fmt.Errorf("pdf: letter with a text of %d bytes", n)
		}
	}
	if c := l.Card; c != nil && (len(c.Large) > 2 || len(c.Facts) > 6 || len(c.QR) > 300 || len(c.QRText) > 3) {
		return fmt.Errorf("pdf: card with more parts than it may have")
	}
	return nil
}

// flow sets text from top to bottom, page after page.
type flow struct {
	d      *document
	y      float64 // top of the next line
	size   float64
	bottom float64
	fresh  func() // draws what each further page carries
	pages  int    // how many there may be; 0: MaxPages
	err    error
}

func (f *flow) lineHeight() float64 { return f.size * lineHeightFac / ptPerMM }

// room makes sure that n lines fit on the page.
func (f *flow) room(n int) {
	if f.y+float64(n)*f.lineHeight() <= f.bottom {
		return
	}
	if limit := cmp.Or(f.pages, MaxPages); len(f.d.pages) >= limit {
		f.err = fmt.Errorf("pdf: more than %d pages", limit)
		f.y = nextTop
		return
	}
	f.d.newPage()
	f.y = nextTop
	if f.fresh != nil {
		f.fresh()
	}
}

func (f *flow) space(lines float64) { f.y += lines * f.lineHeight() }

// lines sets text as an element; keep is how many lines must stay together at the start.
func (f *flow) lines(e *elem, x, w float64, s string, st style, keep int) {
	if st.size == 0 {
		st.size = f.size
	}
	ls := f.d.face(st.bold).wrap(s, st.size, w)
	h := st.size * lineHeightFac / ptPerMM
	f.room(max(keep, min(2, len(ls))))
	for i, l := range ls {
		if f.err != nil {
			return
		}
		f.room(1)
		if l != "" {
			if i < len(ls)-1 {
				l += " " // so that words don't run together when the text is read out
			}
			f.d.in(e, func() { f.d.text(x, f.y+h*0.78, l, st) })
		}
		f.y += h
	}
}

// table sets labels and values side by side.
func (f *flow) table(parent *elem, x, w, labelW float64, pairs []Pair) {
	if len(pairs) == 0 {
		return
	}
	t := parent.add("Table")
	for _, p := range pairs {
		if f.err != nil {
			return
		}
		tr := t.add("TR")
		th, td := tr.add("TH"), tr.add("TD")
		th.attr = "<</O /Table /Scope /Row>>"
		label := f.d.face(true).wrap(p.Label, f.size, labelW-4)
		value := f.d.face(false).wrap(p.Value, f.size, w-labelW)
		n := max(len(label), len(value))
		f.room(min(n, 3))
		for i := range n {
			f.room(1)
			base := f.y + f.lineHeight()*0.78
			if i < len(label) && label[i] != "" {
				f.d.in(th, func() { f.d.text(x, base, label[i]+" ", style{bold: true, size: f.size}) })
			}
			if i < len(value) && value[i] != "" {
				f.d.in(td, func() { f.d.text(x+labelW, base, value[i]+" ", style{size: f.size}) })
			}
			f.y += f.lineHeight()
		}
		f.y += 0.6
	}
}

func (f *flow) blocks(parent *elem, body []Block) {
	w := right - left
	for _, b := range body {
		if f.err != nil {
			return
		}
		switch b.Kind {
		case Heading:
			f.lines(parent.add("H2"), left, w, b.Text, style{bold: true}, 3)
			f.space(0.15)
		case List:
			l := parent.add("L")
			for _, item := range b.Items {
				li := l.add("LI")
				lbl, body := li.add("Lbl"), li.add("LBody")
				f.room(1)
				y := f.y
				f.d.in(lbl, func() { f.d.text(left+1, y+f.lineHeight()*0.78, "• ", style{size: f.size}) })
				f.lines(body, left+5, w-5, item, style{}, 1)
			}
			f.space(0.6)
		case Table:
			f.table(parent, left, w, 50, b.Facts)
			f.space(0.5)
		case Small:
			f.lines(parent.add("P"), left, w, b.Text, style{size: f.size - 1.5}, 1)
			f.space(0.5)
		default:
			f.lines(parent.add("P"), left, w, b.Text, style{}, 1)
			f.space(0.6)
		}
	}
}

func (r *Renderer) letter(l Letter, size float64, code barcode.Barcode) (*document, error) {
	title := l.Title
	if title == "" {
		title = l.Subject
	}
	d := newDocument(r.faces, title, l.Lang, l.Sender.Name, l.Created)
	d.newPage()
	head := d.root.add("P")
	d.in(head, func() { d.text(left, 22, l.Sender.Name+" ", style{bold: true, size: 16}) })
	if l.Sender.Office != "" {
		d.in(head, func() { d.text(left, 28, l.Sender.Office, style{size: 11}) })
	}
	d.artifact(func() {
		d.line(left, 32, right, 32, 0.4)
		d.line(5, 105, 9, 105, 0.2) // fold marks of form B and the mark for the punch
		d.line(5, 210, 9, 210, 0.2)
		d.line(5, 148.5, 11, 148.5, 0.2)
	})
	if l.Sender.ReturnLine != "" {
		d.in(d.root.add("P"), func() { d.text(left, 60, l.Sender.ReturnLine, style{size: 7}) })
		d.artifact(func() { d.line(left, 61.2, left+80, 61.2, 0.1) })
	}
	to := d.root.add("P")
	for i, s := range l.To {
		st := style{size: 11}
		for st.size > 7.5 && d.face(false).measure(s, st.size) > 80 {
			st.size -= 0.5
		}
		d.in(to, func() { d.text(left, 67+float64(i)*4.8, s+" ", st) })
	}
	if len(l.Info) > 0 {
		f := &flow{d: d, y: 48, size: 9, bottom: 97}
		f.table(d.root, infoX, right+5-infoX, 26, l.Info)
		if len(d.pages) > 1 {
			return nil, fmt.Errorf("pdf: the information block has more text than fits")
		}
	}

	f := &flow{d: d, y: bodyTop, size: size, bottom: bottom}
	f.fresh = func() {
		d.artifact(func() { d.text(left, 20, l.Sender.Name+"  ·  "+fit(d.face(false), l.Subject, 8, 120), style{size: 8}) })
	}
	if l.Subject != "" {
		f.lines(d.root.add("H1"), left, right-left, l.Subject, style{bold: true, size: size + 0.5}, 1)
		f.space(0.8)
	}
	if l.Salutation != "" {
		f.lines(d.root.add("P"), left, right-left, l.Salutation, style{}, 1)
		f.space(0.6)
	}
	f.blocks(d.root, l.Body)
	if len(l.Closing) > 0 {
		f.room(len(l.Closing) + 1)
		f.lines(d.root.add("P"), left, right-left, strings.Join(l.Closing, "\n"), style{}, 1)
	}
	if l.Card != nil {
		if f.y+cardGap > bottom+5-cardH {
			d.newPage()
			f.fresh()
		}
		if err := drawCard(d, *l.Card, code, bottom+5-cardH); err != nil {
			return nil, err
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	d.foot(l.Sender, l.PageOf)
	return d, nil
}

// fit cuts a text to a width, with an ellipsis.
func fit(fc face, s string, size, w float64) string {
	if fc.measure(s, size) <= w {
		return s
	}
	rs := []rune(s)
	for len(rs) > 0 && fc.measure(string(rs)+"…", size) > w {
		rs = rs[:len(rs)-1]
	}
	return strings.TrimRight(string(rs), " ") + "…"
}

// foot draws footer and page number on each page.
func (d *document) foot(s Sender, pageOf string) {
	for i, p := range d.pages {
		d.cur = p
		d.artifact(func() {
			d.line(left, footTop, right, footTop, 0.1)
			for c, col := range s.Footer {
				for j, line := range strings.SplitN(col, "\n", 4) {
					d.text(left+float64(c)*42, footTop+3.5+float64(j)*3.1, fit(d.face(false), line, 7, 40), style{size: 7})
				}
			}
			if pageOf != "" {
				s := strings.NewReplacer("{page}", fmt.Sprint(i+1), "{pages}", fmt.Sprint(len(d.pages))).Replace(pageOf)
				d.text(right-d.face(false).measure(s, 8), footTop+15, s, style{size: 8})
			}
		})
	}
}

// drawCard draws the cut-out card with its top at y.
func drawCard(d *document, c Card, code barcode.Barcode, y float64) error {
	const x, w, h = left, right - left, cardH - 2
	d.artifact(func() {
		for _, l := range [][4]float64{{x, y, x + w, y}, {x + w, y, x + w, y + h}, {x + w, y + h, x, y + h}, {x, y + h, x, y}} {
			d.line(l[0], l[1], l[2], l[3], 0.25, 2, 1.4)
		}
		d.scissors(x+6, y)
		if c.Cut != "" {
			d.text(x+12, y-1, c.Cut, style{size: 6.5})
		}
	})
	sect := d.root.add("Sect")
	qrSize := 34.0
	textW := w - 10
	if c.QR != "" {
		textW -= qrSize + 6
	}
	d.in(sect.add("H2"), func() { d.text(x+5, y+8, fit(d.face(true), c.Title, 14, textW), style{bold: true, size: 14}) })
	d.in(sect.add("P"), func() { d.text(x+5, y+13, fit(d.face(false), c.Issuer, 8.5, textW), style{size: 8.5}) })
	for i, p := range c.Large {
		px := x + 5 + float64(i)*textW*0.36
		room := textW * 0.36
		if i == 1 {
			room = textW * 0.64
		}
		e := sect.add("P")
		d.in(e, func() { d.text(px, y+20, p.Label+" ", style{size: 8}) })
		st := style{bold: true, size: 24}
		for st.size > 10 && d.face(true).measure(p.Value, st.size) > room-3 {
			st.size -= 0.5
		}
		d.in(e, func() { d.text(px, y+30, p.Value, st) })
	}
	pages := len(d.pages)
	f := &flow{d: d, y: y + 34.5, size: 9, bottom: y + h}
	f.table(sect, x+5, textW, 34, c.Facts)
	if len(d.pages) > pages {
		return fmt.Errorf("pdf: the card has more text than fits")
	}
	if code == nil {
		return nil
	}
	fig := sect.add("Figure")
	fig.alt = c.QRAlt
	qx, qy := x+w-qrSize-4, y+5.0
	fig.attr = fmt.Sprintf("<</O /Layout /BBox [%s %s %s %s]>>", num(qx*ptPerMM), num((paperH-qy-qrSize)*ptPerMM), num((qx+qrSize)*ptPerMM), num((paperH-qy)*ptPerMM))
	d.in(fig, func() { d.barcode(code, qx, qy, qrSize) })
	for i, s := range c.QRText {
		st := style{size: 7}
		for st.size > 4.5 && d.face(false).measure(s, st.size) > qrSize+4 {
			st.size -= 0.25
		}
		d.in(sect.add("P"), func() { d.text(qx, qy+qrSize+4+float64(i)*3, fit(d.face(false), s, st.size, qrSize+4), st) })
	}
	return nil
}

// barcode draws a code of squares in black.
func (d *document) barcode(code barcode.Barcode, x, y, size float64) {
	n := code.Bounds().Dx()
	k := size / float64(n)
	b := &d.cur.buf
	b.WriteString("0 0 0 rg\n")
	for row := range n {
		for col := 0; col < n; {
			run := 0
			for col+run < n {
				if v, _, _, _ := code.At(col+run, row).RGBA(); v > 0x7fff {
					break
				}
				run++
			}
			if run > 0 {
				fmt.Fprintf(b, "%s %s %s %s re\n", num((x+float64(col)*k)*ptPerMM), num((paperH-y-float64(row+1)*k)*ptPerMM), num(float64(run)*k*ptPerMM), num(k*ptPerMM))
			}
			col += run + 1
		}
	}
	b.WriteString("f\n")
}

// scissors draws a pair of scissors that cuts to the right along y.
func (d *document) scissors(x, y float64) {
	d.fill(x-3.4, y-1.7, 7, 3.4, [3]float64{1, 1, 1})
	d.line(x+3, y-1, x-1.4, y+0.9, 0.3)
	d.line(x+3, y+1, x-1.4, y-0.9, 0.3)
	const k = 0.5523
	for _, cy := range []float64{y - 1.1, y + 1.1} {
		const r = 0.7
		px, py, pr := (x-2)*ptPerMM, (paperH-cy)*ptPerMM, r*ptPerMM
		fmt.Fprintf(&d.cur.buf, "[] 0 d %s w %s %s m", num(0.3*ptPerMM), num(px+pr), num(py))
		for _, q := range [][6]float64{{1, k, k, 1, 0, 1}, {-k, 1, -1, k, -1, 0}, {-1, -k, -k, -1, 0, -1}, {k, -1, 1, -k, 1, 0}} {
			fmt.Fprintf(&d.cur.buf, " %s %s %s %s %s %s c", num(px+q[0]*pr), num(py+q[1]*pr), num(px+q[2]*pr), num(py+q[3]*pr), num(px+q[4]*pr), num(py+q[5]*pr))
		}
		d.cur.buf.WriteString(" s\n")
	}
}

// end sets the note and the foot of each page, and gives the document.
func (f *flow) end(note string, s Sender, pageOf string) ([]byte, error) {
	if note != "" {
		f.space(1)
		f.lines(f.d.root.add("P"), left, right-left, note, style{size: 8.5}, 1)
	}
	if f.err != nil {
		return nil, f.err
	}
	f.d.foot(s, pageOf)
	return f.d.bytes()
}
