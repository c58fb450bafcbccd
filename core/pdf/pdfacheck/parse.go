// SPDX-License-Identifier: EUPL-1.2

package pdfacheck

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// The objects of a file. Booleans, null (nil) and numbers are Go values.
type (
	name   string
	ref    struct{ num int }
	dict   map[string]any
	array  []any
	text   struct{ raw []byte }
	stream struct {
		dict dict
		raw  []byte
	}
	word string // anything else: an operator, a keyword
)

const (
	maxFile   = 64 << 20
	maxStream = 64 << 20
	maxDepth  = 60
)

var errEnd = errors.New("end")

type lexer struct {
	b       []byte
	at      int
	content bool // a content stream: no references
	odd     func(at int, rule, msg string)
}

func space(c byte) bool {
	return c == 0 || c == 9 || c == 10 || c == 12 || c == 13 || c == 32
}

func delim(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

func (l *lexer) skip() {
	for l.at < len(l.b) {
		c := l.b[l.at]
		if c == '%' {
			for l.at < len(l.b) && l.b[l.at] != 10 && l.b[l.at] != 13 {
				l.at++
			}
			continue
		}
		if !space(c) {
			return
		}
		l.at++
	}
}

func (l *lexer) say(rule, msg string) {
	if l.odd != nil {
		l.odd(l.at, rule, msg)
	}
}

// value reads an object.
func (l *lexer) value(depth int) (any, error) {
	l.skip()
	if l.at >= len(l.b) {
		return nil, errEnd
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch c := l.b[l.at]; {
	case c == '/':
		return l.name(), nil
	case c == '(':
		return l.literal()
	case c == '<' && l.at+1 < len(l.b) && l.b[l.at+1] == '<':
		l.at += 2
		d := dict{}
		for {
			l.skip()
			if bytes.HasPrefix(l.b[min(l.at, len(l.b)):], []byte(">>")) {
				l.at += 2
				return d, nil
			}
			k, err := l.value(depth + 1)
			if err != nil {
				return nil, err
			}
			key, ok := k.(name)
			if !ok {
				return nil, fmt.Errorf("a dictionary key that is no name")
			}
			l.skip()
			if bytes.HasPrefix(l.b[min(l.at, len(l.b)):], []byte(">>")) {
				return nil, fmt.Errorf("a dictionary key without a value")
			}
			v, err := l.value(depth + 1)
			if err != nil {
				return nil, err
			}
			d[string(key)] = v
		}
	case c == '<':
		return l.hex()
	case c == '[':
		l.at++
		a := array{}
		for {
			l.skip()
			if l.at < len(l.b) && l.b[l.at] == ']' {
				l.at++
				return a, nil
			}
			v, err := l.value(depth + 1)
			if err != nil {
				return nil, err
			}
			a = append(a, v)
		}
	case delim(c):
		l.at++
		return word(string(c)), nil
	}
	start := l.at
	for l.at < len(l.b) && !space(l.b[l.at]) && !delim(l.b[l.at]) {
		l.at++
	}
	w := string(l.b[start:l.at])
	switch w {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if n, err := strconv.ParseInt(w, 10, 64); err == nil {
		if n > 1<<31-1 || n < -1<<31 {
			l.say("6.1.13", "an integer beyond 32 bit")
		}
		if !l.content && n >= 0 {
			save := l.at
			l.skip()
			s2 := l.at
			for l.at < len(l.b) && l.b[l.at] >= '0' && l.b[l.at] <= '9' {
				l.at++
			}
			if l.at > s2 && l.at-s2 < 6 {
				l.skip()
				if l.at < len(l.b) && l.b[l.at] == 'R' && (l.at+1 == len(l.b) || space(l.b[l.at+1]) || delim(l.b[l.at+1])) {
					l.at++
					return ref{int(n)}, nil
				}
			}
			l.at = save
		}
		return int(n), nil
	}
	if f, err := strconv.ParseFloat(w, 64); err == nil && (w[0] == '+' || w[0] == '-' || w[0] == '.' || w[0] >= '0' && w[0] <= '9') {
		if f > 3.403e38 || f < -3.403e38 {
			l.say("6.1.13", "a real number beyond the limit")
		}
		return f, nil
	}
	return word(w), nil
}

func (l *lexer) name() name {
	l.at++
	var out []byte
	for l.at < len(l.b) && !space(l.b[l.at]) && !delim(l.b[l.at]) {
		c := l.b[l.at]
		if c == '#' && l.at+2 < len(l.b) {
			if n, err := strconv.ParseUint(string(l.b[l.at+1:l.at+3]), 16, 8); err == nil {
				c = byte(n)
				l.at += 2
			}
		}
		out = append(out, c)
		l.at++
	}
	if len(out) > 127 {
		l.say("6.1.13", "a name longer than 127 bytes")
	}
	return name(out)
}

func (l *lexer) literal() (any, error) {
	depth := 0
	var out []byte
	for ; l.at < len(l.b); l.at++ {
		switch c := l.b[l.at]; c {
		case '(':
			depth++
			if depth > 1 {
				out = append(out, c)
			}
		case ')':
			depth--
			if depth == 0 {
				l.at++
				if len(out) > 32767 {
					l.say("6.1.13", "a string longer than 32767 bytes")
				}
				return text{out}, nil
			}
			out = append(out, c)
		case '\\':
			l.at++
			if l.at >= len(l.b) {
				return nil, errEnd
			}
			e := l.b[l.at]
			switch {
			case e >= '0' && e <= '7':
				v := 0
				for i := 0; i < 3 && l.at < len(l.b) && l.b[l.at] >= '0' && l.b[l.at] <= '7'; i++ {
					v = v*8 + int(l.b[l.at]-'0')
					l.at++
				}
				l.at--
				out = append(out, byte(v))
			case e == 'n':
				out = append(out, '\n')
			case e == 'r':
				out = append(out, '\r')
			case e == 't':
				out = append(out, '\t')
			case e == 13 || e == 10:
				if e == 13 && l.at+1 < len(l.b) && l.b[l.at+1] == 10 {
					l.at++
				}
			default:
				out = append(out, e)
			}
		default:
			out = append(out, c)
		}
	}
	return nil, errEnd
}

func (l *lexer) hex() (any, error) {
	l.at++
	var out []byte
	n, v := 0, byte(0)
	for ; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		var d byte
		switch {
		case c == '>':
			l.at++
			if n%2 != 0 {
				l.say("6.1.6", "a hexadecimal string with an odd number of digits")
				out = append(out, v<<4)
			}
			if len(out) > 32767 {
				l.say("6.1.13", "a string longer than 32767 bytes")
			}
			return text{out}, nil
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		case space(c):
			continue
		default:
			l.say("6.1.6", "a hexadecimal string with something else in it")
			continue
		}
		v = v<<4 | d
		if n++; n%2 == 0 {
			out = append(out, v)
			v = 0
		}
	}
	return nil, errEnd
}

func eol(b []byte, at int) int { // length of the end of line at
	if at < len(b) && b[at] == 13 {
		if at+1 < len(b) && b[at+1] == 10 {
			return 2
		}
		return 1
	}
	if at < len(b) && b[at] == 10 {
		return 1
	}
	return 0
}

// file is a parsed file.
type file struct {
	b        []byte
	objs     map[int]any
	trailers []dict // in the order of the file
}

// get follows references.
func (f *file) get(v any) any {
	for range 20 {
		r, ok := v.(ref)
		if !ok {
			return v
		}
		v = f.objs[r.num]
	}
	return nil
}

func (f *file) dict(v any) dict {
	switch x := f.get(v).(type) {
	case dict:
		return x
	case *stream:
		return x.dict
	}
	return nil
}

func (f *file) array(v any) array {
	a, _ := f.get(v).(array)
	return a
}

func (f *file) name(v any) string {
	n, _ := f.get(v).(name)
	return string(n)
}

func (f *file) num(v any) (float64, bool) {
	switch x := f.get(v).(type) {
	case int:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// parse finds all objects by looking for them, so that damage elsewhere doesn't hide
// any; the later one of two with the same number counts.
func parse(b []byte, c *checker) (*file, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("larger than %d bytes", maxFile)
	}
	f := &file{b: b, objs: map[int]any{}}
	for at := 0; at < len(b); {
		i := bytes.Index(b[at:], []byte("obj"))
		t := bytes.Index(b[at:], []byte("trailer"))
		if t >= 0 && (i < 0 || t < i) {
			l := &lexer{b: b, at: at + t + 7, odd: c.lexical}
			if v, err := l.value(0); err == nil {
				if d, ok := v.(dict); ok {
					f.trailers = append(f.trailers, d)
				}
			}
			at = max(l.at, at+t+7)
			continue
		}
		if i < 0 {
			break
		}
		pos := at + i
		at = pos + 3
		num, tidy, ok := header(b, pos)
		if !ok {
			continue
		}
		if !tidy {
			c.add("6.1.9", "object %d: its number and keyword are not spaced as they must be", num)
		}
		l := &lexer{b: b, at: at, odd: c.lexical}
		if eol(b, at) == 0 {
			c.add("6.1.9", "object %d: no end of line after obj", num)
		}
		v, err := l.value(0)
		if err != nil {
			c.add("parse", "object %d: %v", num, err)
			continue
		}
		end := l.at
		l.skip()
		if d, ok := v.(dict); ok && bytes.HasPrefix(b[min(l.at, len(b)):], []byte("stream")) {
			s, after := f.stream(d, l.at+6, num, c)
			f.objs[num] = s
			if name, _ := d["Type"].(name); name == "XRef" {
				f.trailers = append(f.trailers, d)
			}
			end = after
			l.at = after
			l.skip()
		} else {
			f.objs[num] = v
		}
		if !bytes.HasPrefix(b[min(l.at, len(b)):], []byte("endobj")) {
			c.add("6.1.9", "object %d doesn't end in endobj", num)
			at = max(at, end)
			continue
		}
		if l.at > 0 && eolBefore(b, l.at) == 0 {
			c.add("6.1.9", "object %d: no end of line before endobj", num)
		}
		if eol(b, l.at+6) == 0 {
			c.add("6.1.9", "object %d: no end of line after endobj", num)
		}
		at = l.at + 6
	}
	f.unpack(c)
	return f, nil
}

func eolBefore(b []byte, at int) int {
	if at > 0 && (b[at-1] == 10 || b[at-1] == 13) {
		return 1
	}
	return 0
}

// header reads "12 0" backwards from the keyword obj.
func header(b []byte, pos int) (num int, tidy, ok bool) {
	at := pos
	digits := func() (int, bool) {
		e := at
		for at > 0 && b[at-1] >= '0' && b[at-1] <= '9' && e-at < 10 {
			at--
		}
		n, err := strconv.Atoi(string(b[at:e]))
		return n, err == nil
	}
	blanks := func() (int, bool) {
		e := at
		for at > 0 && space(b[at-1]) {
			at--
		}
		return e - at, e-at == 1
	}
	n1, one1 := blanks()
	if _, ok := digits(); n1 == 0 || !ok {
		return 0, false, false
	}
	n2, one2 := blanks()
	num, ok = digits()
	if n2 == 0 || !ok {
		return 0, false, false
	}
	return num, one1 && one2 && (at == 0 || b[at-1] == 10 || b[at-1] == 13), true
}

func (f *file) stream(d dict, at, num int, c *checker) (s *stream, after int) {
	b := f.b
	switch {
	case at < len(b) && b[at] == 10:
		at++
	case at+1 < len(b) && b[at] == 13 && b[at+1] == 10:
		at += 2
	default:
		c.add("6.1.7.1", "object %d: the keyword stream is not followed by CR LF or LF", num)
		at += eol(b, at)
	}
	length := -1
	switch v := d["Length"].(type) {
	case int:
		length = v
	case ref:
		// the length may stand later in the file
		if i := bytes.Index(b, []byte(fmt.Sprintf("\n%d 0 obj", v.num))); i >= 0 {
			l := &lexer{b: b, at: i + len(fmt.Sprintf("\n%d 0 obj", v.num))}
			if n, err := l.value(0); err == nil {
				if n, ok := n.(int); ok {
					length = n
				}
			}
		}
	}
	if length >= 0 && at+length <= len(b) {
		e := at + length
		rest := b[e:min(len(b), e+20)]
		for _, pre := range []string{"\r\n", "\n", "\r"} {
			if bytes.HasPrefix(rest, []byte(pre+"endstream")) {
				return &stream{d, b[at:e]}, e + len(pre) + 9
			}
		}
		if bytes.HasPrefix(rest, []byte("endstream")) {
			c.add("6.1.7.1", "object %d: no end of line before endstream", num)
			return &stream{d, b[at:e]}, e + 9
		}
	}
	e := bytes.Index(b[min(at, len(b)):], []byte("endstream"))
	if e < 0 {
		c.add("6.1.7.1", "object %d: a stream without an end", num)
		return &stream{d, nil}, len(b)
	}
	c.add("6.1.7.1", "object %d: Length is not the length of the stream", num)
	return &stream{d, bytes.TrimRight(b[at:at+e], "\r\n")}, at + e + 9
}

// unpack reads the objects inside object streams.
func (f *file) unpack(c *checker) {
	for _, o := range f.objs {
		s, ok := o.(*stream)
		if !ok || f.name(s.dict["Type"]) != "ObjStm" {
			continue
		}
		data, err := f.decode(s)
		n, _ := f.num(s.dict["N"])
		first, _ := f.num(s.dict["First"])
		if err != nil || n < 0 || n > 1e6 || first < 0 || int(first) > len(data) {
			c.add("parse", "an object stream can't be read")
			continue
		}
		head := &lexer{b: data[:int(first)], content: true}
		for range int(n) {
			a, err1 := head.value(0)
			b, err2 := head.value(0)
			num, ok1 := a.(int)
			off, ok2 := b.(int)
			if err1 != nil || err2 != nil || !ok1 || !ok2 || off < 0 || int(first)+off > len(data) {
				break
			}
			l := &lexer{b: data, at: int(first) + off, odd: c.lexical}
			if v, err := l.value(0); err == nil {
				if _, have := f.objs[num]; !have {
					f.objs[num] = v
				}
			}
		}
	}
}

// decode undoes the filters of a stream, as far as this package knows them.
func (f *file) decode(s *stream) ([]byte, error) {
	filters := f.array(s.dict["Filter"])
	if n := f.name(s.dict["Filter"]); n != "" {
		filters = array{name(n)}
	}
	params := f.array(s.dict["DecodeParms"])
	if d := f.dict(s.dict["DecodeParms"]); d != nil {
		params = array{d}
	}
	data := s.raw
	for i, fl := range filters {
		switch f.name(fl) {
		case "FlateDecode":
			z, err := zlib.NewReader(bytes.NewReader(data))
			if err != nil {
				return nil, err
			}
			out, err := io.ReadAll(io.LimitReader(z, maxStream))
			if err != nil && len(out) == 0 {
				return nil, err
			}
			data = out
			if i < len(params) {
				p := f.dict(params[i])
				if pred, _ := f.num(p["Predictor"]); pred >= 10 {
					cols, ok := f.num(p["Columns"])
					if !ok {
						cols = 1
					}
					colors, ok := f.num(p["Colors"])
					if !ok {
						colors = 1
					}
					data = png(data, int(cols*colors), int(colors))
				}
			}
		case "ASCIIHexDecode":
			l := &lexer{b: append([]byte("<"), append(data, '>')...)}
			v, err := l.hex()
			if err != nil {
				return nil, err
			}
			data = v.(text).raw
		default:
			return nil, fmt.Errorf("filter %s", f.name(fl))
		}
	}
	return data, nil
}

// png undoes PNG prediction with 8-bit components.
func png(b []byte, row, bpp int) []byte {
	if row < 1 || bpp < 1 || row > 1<<20 {
		return b
	}
	var out []byte
	prev := make([]byte, row)
	for len(b) > row {
		t, line := b[0], bytes.Clone(b[1:row+1])
		b = b[row+1:]
		for i := range line {
			var left, up, diag int
			up = int(prev[i])
			if i >= bpp {
				left, diag = int(line[i-bpp]), int(prev[i-bpp])
			}
			switch t {
			case 1:
				line[i] += byte(left)
			case 2:
				line[i] += byte(up)
			case 3:
				line[i] += byte((left + up) / 2)
			case 4:
				p := left + up - diag
				pa, pb, pc := abs(p-left), abs(p-up), abs(p-diag)
				switch {
				case pa <= pb && pa <= pc:
					line[i] += byte(left)
				case pb <= pc:
					line[i] += byte(up)
				default:
					line[i] += byte(diag)
				}
			}
		}
		out = append(out, line...)
		prev = line
	}
	return out
}

func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}
