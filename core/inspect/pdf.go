// SPDX-License-Identifier: EUPL-1.2

package inspect

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"strconv"

	"golang.org/x/image/tiff/lzw"

	"mercator/base/fault"
)

// pages looks through a PDF and counts its pages. It looks for all objects, whatever the table
// of the file says, so that none is hidden; the later of two with one number counts.
func pages(ctx context.Context, b []byte) (int, error) {
	s := &scan{ctx: ctx, b: b, page: map[int]bool{}, budget: int64(len(b))*4 + 1<<20}
	if err := s.file(); err != nil {
		return 0, err
	}
	n := 0
	for _, is := range s.page {
		if is {
			n++
		}
	}
	// What the root of the tree says counts if so many are there: pages that were taken out may still be in the file.
	if s.count > 0 && s.count <= n {
		n = s.count
	}
	switch {
	case n == 0:
		return 0, refuse("damaged")
	case n > MaxPages:
		return n, refuse("pages", "max", MaxPages)
	}
	return n, nil
}

// scan is one look through a PDF. It is linear: no byte is read more than a few times, and budget
// says when a file makes it read more.
type scan struct {
	ctx      context.Context
	b        []byte
	page     map[int]bool // object numbers: is it a page
	count    int          // of the root of the page tree
	objects  int
	inflated int64
	budget   int64
}

var errPDF = errors.New("not a PDF object")

// object is what of an object's dictionary is of interest.
type object struct {
	typ, sub      string
	count         int
	parent        bool
	filters       []string
	length        int // -1: said elsewhere
	width, height int
	n, first      int
	encrypt       bool
	active        string // what it does besides being shown
}

func (s *scan) file() error {
	b := s.b
	obj := finder{b: b, word: []byte("obj")}
	trailer := finder{b: b, word: []byte("trailer")}
	for at := 0; at < len(b); {
		i, t := obj.next(at), trailer.next(at)
		if t < i {
			l := &tokens{b: b, at: t + 7}
			o := object{length: -1}
			if l.space(); bytes.HasPrefix(b[l.at:], []byte("<<")) {
				if err := l.object(&o, 0); err == nil && o.encrypt {
					return refuse("password")
				}
			}
			if err := s.spend(int64(l.at - t)); err != nil {
				return err
			}
			at = max(l.at, t+7)
			continue
		}
		if i >= len(b) {
			return nil
		}
		at = i + 3
		num, ok := number(b, i)
		if !ok {
			continue
		}
		if s.objects++; s.objects > maxObjects {
			return refuse("bomb")
		}
		l := &tokens{b: b, at: at}
		o := object{length: -1}
		err := l.object(&o, 0)
		if e := s.spend(int64(l.at - i)); e != nil {
			return e
		}
		if err != nil {
			continue // damaged; what comes after it is looked at all the same
		}
		if err := s.judge(num, &o); err != nil {
			return err
		}
		at = l.at
		if l.space(); bytes.HasPrefix(b[l.at:], []byte("stream")) {
			if at, err = s.stream(&o, l.at+6); err != nil {
				return err
			}
		}
	}
	return nil
}

// spend counts what was read.
func (s *scan) spend(n int64) error {
	if s.budget -= n; s.budget < 0 {
		return refuse("damaged")
	}
	if err := s.ctx.Err(); err != nil {
		return fault.Because(fault.Unavailable, "inspect.pdf", "", err)
	}
	return nil
}

// judge notes what an object is, and refuses what it mustn't be.
func (s *scan) judge(num int, o *object) error {
	switch {
	case o.encrypt:
		return refuse("password")
	case o.active != "":
		return refuse("active")
	case o.sub == "Image" && o.width > 0 && o.height > 0 && (o.width > maxPDFPixels || o.height > maxPDFPixels || o.width*o.height > maxPDFPixels):
		return refuse("bomb")
	}
	s.page[num] = o.typ == "Page"
	if o.typ == "Pages" && !o.parent {
		s.count = o.count
	}
	return nil
}

// stream unpacks a stream to see how large it is, and looks at the objects in a stream of objects. It gives where the stream ends.
func (s *scan) stream(o *object, at int) (int, error) {
	b := s.b
	if bytes.HasPrefix(b[at:], []byte("\r\n")) {
		at += 2
	} else if at < len(b) && (b[at] == '\n' || b[at] == '\r') {
		at++
	}
	end := -1
	if o.length >= 0 && o.length <= len(b)-at {
		rest := bytes.TrimLeft(b[at+o.length:min(len(b), at+o.length+20)], "\r\n \t")
		if bytes.HasPrefix(rest, []byte("endstream")) {
			end = at + o.length
		}
	}
	if end < 0 {
		i := bytes.Index(b[at:], []byte("endstream"))
		if i < 0 {
			return len(b), nil
		}
		end = at + i
	}
	raw := b[at:end]
	packed := 0
	for _, f := range o.filters {
		switch f {
		case "FlateDecode", "Fl", "LZWDecode", "LZW", "RunLengthDecode", "RL":
			packed++
		}
	}
	if packed > 1 { // nothing that is in use packs twice; a bomb does
		return 0, refuse("bomb")
	}
	if len(o.filters) == 0 || packed == 0 {
		if o.typ == "EmbeddedFile" && !isXML(raw) {
			return 0, refuse("attached")
		}
		return end, nil
	}
	var r io.Reader
	switch o.filters[0] {
	case "FlateDecode", "Fl":
		z, err := zlib.NewReader(bytes.NewReader(raw))
		if err != nil {
			return end, nil
		}
		defer z.Close()
		r = z
	case "LZWDecode", "LZW":
		z := lzw.NewReader(bytes.NewReader(raw), lzw.MSB, 8)
		defer z.Close()
		r = z
	default: // text (ASCIIHex, ASCII85) around it: it can't be larger than 1032 times itself
		s.inflated += int64(len(raw)) * 1032
		r = bytes.NewReader(nil)
	}
	kept, err := s.inflate(r, o.typ == "ObjStm" || o.typ == "EmbeddedFile")
	if err != nil {
		return 0, err
	}
	switch o.typ {
	case "EmbeddedFile":
		if !isXML(kept) {
			return 0, refuse("attached")
		}
	case "ObjStm":
		if err := s.inside(kept, o); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// inflate reads a packed stream to its end; what is damaged in it ends it.
func (s *scan) inflate(r io.Reader, keep bool) ([]byte, error) {
	var kept []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if s.inflated += int64(n); s.inflated > MaxInflate {
			return nil, refuse("bomb")
		}
		if keep && len(kept) <= maxObjStm {
			kept = append(kept, buf[:n]...)
		}
		if e := s.ctx.Err(); e != nil {
			return nil, fault.Because(fault.Unavailable, "inspect.pdf", "", e)
		}
		if err != nil {
			if len(kept) > maxObjStm {
				return nil, refuse("bomb")
			}
			return kept, nil
		}
	}
}

// inside looks at the objects of a stream of objects (ISO 32000-1, 7.5.7).
func (s *scan) inside(data []byte, o *object) error {
	if o.first < 0 || o.first > len(data) || o.n < 0 {
		return nil
	}
	head := &tokens{b: data[:o.first]}
	for range o.n {
		num, ok1 := head.integer()
		off, ok2 := head.integer()
		if !ok1 || !ok2 || off < 0 || off > len(data)-o.first {
			return nil
		}
		if s.objects++; s.objects > maxObjects {
			return refuse("bomb")
		}
		l := &tokens{b: data, at: o.first + off}
		in := object{length: -1}
		err := l.object(&in, 0)
		if s.budget += 64; err == nil { // its own line in the head
			err = s.judge(num, &in)
			if err != nil {
				return err
			}
		}
		// Offsets that overlap make one place be read many times.
		if s.inflated += int64(l.at - o.first - off); s.inflated > MaxInflate {
			return refuse("bomb")
		}
	}
	return nil
}

// isXML: an invoice (EN 16931, ZUGFeRD) is a PDF with its data as XML; other files in it would be ones that nobody has looked at.
func isXML(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(b, []byte("<")) && !isPage(b[:min(len(b), 4096)])
}

// finder finds a word again and again, reading every byte once.
type finder struct {
	b, word []byte
	at      int
	from    int
	known   bool
}

// next is where the word stands at or after a place; len(b) if nowhere.
func (f *finder) next(from int) int {
	if f.known && f.at >= from && from >= f.from {
		return f.at
	}
	i := bytes.Index(f.b[from:], f.word)
	f.from, f.known, f.at = from, true, len(f.b)
	if i >= 0 {
		f.at = from + i
	}
	return f.at
}

// number reads "12 0 " backwards from the keyword obj.
func number(b []byte, pos int) (int, bool) {
	at := pos
	blanks := func() bool {
		e := at
		for at > 0 && space(b[at-1]) && e-at < 20 {
			at--
		}
		return e > at
	}
	digits := func() (int, bool) {
		e := at
		for at > 0 && b[at-1] >= '0' && b[at-1] <= '9' && e-at < 10 {
			at--
		}
		n, err := strconv.Atoi(string(b[at:e]))
		return n, err == nil
	}
	if !blanks() {
		return 0, false
	}
	if _, ok := digits(); !ok || !blanks() {
		return 0, false
	}
	return digits()
}

func space(c byte) bool { return c == 0 || c == 9 || c == 10 || c == 12 || c == 13 || c == 32 }

func delimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

// tokens reads objects, keeping nothing but what is asked for.
type tokens struct {
	b  []byte
	at int
}

func (l *tokens) space() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != 10 && l.b[l.at] != 13 {
				l.at++
			}
		case space(c):
			l.at++
		default:
			return
		}
	}
}

// token kinds
const (
	tEnd = iota
	tName
	tString
	tOpen  // <<
	tClose // >>
	tList  // [
	tUnlist
	tWord
)

func (l *tokens) next() (kind int, text string) {
	defer func() { l.at = min(l.at, len(l.b)) }()
	l.space()
	if l.at >= len(l.b) {
		return tEnd, ""
	}
	c := l.b[l.at]
	two := l.at+1 < len(l.b) && l.b[l.at+1] == c
	switch {
	case c == '/':
		return tName, l.name()
	case c == '(':
		l.text()
		return tString, ""
	case c == '<' && two:
		l.at += 2
		return tOpen, ""
	case c == '>' && two:
		l.at += 2
		return tClose, ""
	case c == '<':
		for l.at < len(l.b) && l.b[l.at] != '>' {
			l.at++
		}
		l.at++
		return tString, ""
	case c == '[':
		l.at++
		return tList, ""
	case c == ']':
		l.at++
		return tUnlist, ""
	case delimiter(c):
		l.at++
		return tWord, string(c)
	}
	from := l.at
	for l.at < len(l.b) && !space(l.b[l.at]) && !delimiter(l.b[l.at]) {
		l.at++
	}
	return tWord, string(l.b[from:min(l.at, from+64)])
}

// name reads a name; #xx is a byte, so that nothing hides behind another spelling.
func (l *tokens) name() string {
	l.at++
	var out []byte
	for l.at < len(l.b) && !space(l.b[l.at]) && !delimiter(l.b[l.at]) {
		c := l.b[l.at]
		if c == '#' && l.at+2 < len(l.b) {
			if n, err := strconv.ParseUint(string(l.b[l.at+1:l.at+3]), 16, 8); err == nil {
				c = byte(n)
				l.at += 2
			}
		}
		if len(out) < 128 {
			out = append(out, c)
		}
		l.at++
	}
	return string(out)
}

func (l *tokens) text() {
	depth := 0
	for ; l.at < len(l.b); l.at++ {
		switch l.b[l.at] {
		case '\\':
			l.at++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				l.at++
				return
			}
		}
	}
}

func (l *tokens) integer() (int, bool) {
	kind, w := l.next()
	n, err := strconv.Atoi(w)
	return n, kind == tWord && err == nil
}

// actions are the entries and actions (ISO 32000-1, 12.6.4) with which a document does something by itself.
func actionOf(name string) bool {
	switch name {
	case "JavaScript", "JS", "Launch", "RichMedia", "ImportData", "SubmitForm":
		return true
	}
	return false
}

// object reads one object. Of its outermost dictionary o gets what it asks for, of all of it what it does.
func (l *tokens) object(o *object, depth int) error {
	if depth > maxDepth {
		return errPDF
	}
	kind, _ := l.next()
	switch kind {
	case tEnd:
		return errPDF
	case tList:
		return l.list(o, depth)
	case tOpen:
		return l.dict(o, depth)
	}
	return nil
}

func (l *tokens) list(o *object, depth int) error {
	for {
		from := l.at
		kind, text := l.next()
		switch kind {
		case tEnd:
			return errPDF
		case tUnlist:
			return nil
		case tClose:
			return errPDF
		}
		if err := l.inside(o, kind, text, from, depth); err != nil {
			return err
		}
	}
}

// inside looks at what stands in a list or as a value: the name of an action, or more of the kind, from where it began.
func (l *tokens) inside(o *object, kind int, text string, from, depth int) error {
	switch kind {
	case tName:
		if actionOf(text) {
			o.active = text
		}
	case tOpen, tList:
		l.at = from
		return l.object(o, depth+1)
	}
	return nil
}

func (l *tokens) dict(o *object, depth int) error {
	for {
		kind, key := l.next()
		switch kind {
		case tClose:
			return nil
		case tName:
		default:
			return errPDF
		}
		if actionOf(key) {
			o.active = key
		}
		l.space()
		from := l.at
		kind, text := l.next()
		switch kind {
		case tEnd, tUnlist:
			return errPDF
		case tClose:
			return nil
		case tWord:
			l.reference()
		}
		if err := l.inside(o, kind, text, from, depth); err != nil {
			return err
		}
		if depth == 0 {
			l.note(o, key, kind, text, from)
		}
	}
}

// reference takes "0 R" after a number.
func (l *tokens) reference() bool {
	at := l.at
	if _, ok := l.integer(); ok {
		if kind, w := l.next(); kind == tWord && w == "R" {
			return true
		}
	}
	l.at = at
	return false
}

// note keeps an entry of an object's own dictionary.
func (l *tokens) note(o *object, key string, kind int, text string, from int) {
	number := func() int {
		n, err := strconv.Atoi(text)
		if kind != tWord || err != nil {
			return -1
		}
		return n
	}
	plain := func() int { // no reference
		t := &tokens{b: l.b[:l.at], at: from}
		t.next()
		if t.reference() {
			return -1
		}
		return number()
	}
	switch key {
	case "Type":
		o.typ = text
	case "Subtype", "S":
		if kind == tName && o.sub == "" {
			o.sub = text
		}
	case "Count":
		o.count = number()
	case "Parent":
		o.parent = true
	case "Length":
		o.length = plain()
	case "Width":
		o.width = number()
	case "Height":
		o.height = number()
	case "N":
		o.n = number()
	case "First":
		o.first = number()
	case "Encrypt":
		o.encrypt = kind != tWord || text != "null"
	case "Filter":
		o.filters = nil
		t := &tokens{b: l.b[:l.at], at: from}
		for {
			k, name := t.next()
			if k == tEnd || len(o.filters) > 16 {
				return
			}
			if k == tName {
				o.filters = append(o.filters, name)
			}
		}
	}
}
