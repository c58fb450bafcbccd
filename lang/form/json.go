// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// node is a JSON value that remembers where it stands. The standard decoder
// forgets that, and takes a key that is there twice.
type node struct {
	kind      byte // 'o' 'a' 's' 'n' 't' 'f' '0'
	text      string
	items     []*node
	keys      []string // of an object, beside items
	line, col int
}

func (n *node) get(key string) *node {
	if n != nil && n.kind == 'o' {
		for i, k := range n.keys {
			if k == key {
				return n.items[i]
			}
		}
	}
	return nil
}

// str is the text of a member that is a string, else "".
func (n *node) str(key string) string {
	if m := n.get(key); m != nil && m.kind == 's' {
		return m.text
	}
	return ""
}

func (n *node) isTrue(key string) bool { m := n.get(key); return m != nil && m.kind == 't' }

// value is the JSON value as FEEL and answers know it; numbers stay exact.
func (n *node) value() any {
	switch n.kind {
	case 'o':
		m := make(map[string]any, len(n.items))
		for i, k := range n.keys {
			m[k] = n.items[i].value()
		}
		return m
	case 'a':
		l := make([]any, len(n.items))
		for i, it := range n.items {
			l[i] = it.value()
		}
		return l
	case 's':
		return n.text
	case 'n':
		return number(n.text)
	case 't':
		return true
	case 'f':
		return false
	}
	return nil
}

type reader struct {
	src       []byte
	pos       int
	line      int
	lineStart int
	file      string
	nodes     int
}

// Error is a mistake in a form's source.
type Error struct {
	File      string
	Line, Col int
	Msg       string
}

// Error is "file:line:col: what".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg) }

func (r *reader) fail(format string, args ...any) error {
	return &Error{r.file, r.line, r.pos - r.lineStart + 1, fmt.Sprintf(format, args...)}
}

func readJSON(file string, src []byte) (*node, error) {
	r := &reader{src: src, line: 1, file: file}
	if len(src) > MaxSource {
		return nil, r.fail("larger than %d bytes", MaxSource)
	}
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	r.space()
	if r.pos < len(r.src) {
		return nil, r.fail("something follows the end of the JSON value")
	}
	return n, nil
}

func (r *reader) space() {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case '\n':
			r.line++
			r.lineStart = r.pos + 1
		case ' ', '\t', '\r':
		default:
			return
		}
		r.pos++
	}
}

func (r *reader) peek() byte {
	if r.pos < len(r.src) {
		return r.src[r.pos]
	}
	return 0
}

func (r *reader) value(depth int) (*node, error) {
	r.space()
	if depth > MaxDepth {
		return nil, r.fail("nested deeper than %d", MaxDepth)
	}
	if r.nodes++; r.nodes > 200_000 {
		return nil, r.fail("more than 200000 values")
	}
	n := &node{line: r.line, col: r.pos - r.lineStart + 1}
	switch c := r.peek(); {
	case c == '{':
		return n, r.object(n, depth)
	case c == '[':
		return n, r.array(n, depth)
	case c == '"':
		n.kind = 's'
		var err error
		n.text, err = r.string()
		return n, err
	case c == '-' || c >= '0' && c <= '9':
		n.kind = 'n'
		return n, r.number(n)
	}
	for _, w := range [...]struct {
		word string
		kind byte
	}{{"true", 't'}, {"false", 'f'}, {"null", '0'}} {
		if end := r.pos + len(w.word); end <= len(r.src) && string(r.src[r.pos:end]) == w.word {
			r.pos = end
			n.kind = w.kind
			return n, nil
		}
	}
	if r.pos >= len(r.src) {
		return nil, r.fail("the JSON ends too early")
	}
	return nil, r.fail("no JSON value begins with %q", r.src[r.pos])
}

func (r *reader) object(n *node, depth int) error {
	n.kind = 'o'
	r.pos++
	if r.space(); r.peek() == '}' {
		r.pos++
		return nil
	}
	seen := map[string]bool{}
	for {
		r.space()
		if r.peek() != '"' {
			return r.fail("a member's name in quotation marks is expected")
		}
		line, col := r.line, r.pos-r.lineStart+1
		key, err := r.string()
		if err != nil {
			return err
		}
		if seen[key] {
			return &Error{r.file, line, col, fmt.Sprintf("%q is there twice", key)}
		}
		seen[key] = true
		if r.space(); r.peek() != ':' {
			return r.fail("':' is expected after %q", key)
		}
		r.pos++
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.keys, n.items = append(n.keys, key), append(n.items, v)
		switch r.space(); r.peek() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			return nil
		default:
			return r.fail("',' or '}' is expected")
		}
	}
}

func (r *reader) array(n *node, depth int) error {
	n.kind = 'a'
	r.pos++
	if r.space(); r.peek() == ']' {
		r.pos++
		return nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, v)
		switch r.space(); r.peek() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			return nil
		default:
			return r.fail("',' or ']' is expected")
		}
	}
}

func (r *reader) number(n *node) error {
	start := r.pos
	digits := func() int {
		from := r.pos
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.pos++
		}
		return r.pos - from
	}
	if r.peek() == '-' {
		r.pos++
	}
	zero := r.peek() == '0'
	if k := digits(); k == 0 || zero && k > 1 {
		return r.fail("not a number of JSON")
	}
	if r.peek() == '.' {
		r.pos++
		if digits() == 0 {
			return r.fail("not a number of JSON")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		if digits() == 0 {
			return r.fail("not a number of JSON")
		}
	}
	n.text = string(r.src[start:r.pos])
	if len(n.text) > 60 {
		return r.fail("a number of more than 60 signs")
	}
	return nil
}

func (r *reader) string() (string, error) {
	r.pos++
	var out []byte
	for {
		if r.pos >= len(r.src) {
			return "", r.fail("a text without its closing quotation mark")
		}
		c := r.src[r.pos]
		switch {
		case c == '"':
			r.pos++
			return string(out), nil
		case c < 0x20:
			return "", r.fail("a control character in a text")
		case c < utf8.RuneSelf && c != '\\':
			out = append(out, c)
			r.pos++
		case c != '\\':
			ch, size := utf8.DecodeRune(r.src[r.pos:])
			if ch == utf8.RuneError && size == 1 {
				return "", r.fail("not UTF-8")
			}
			out = append(out, r.src[r.pos:r.pos+size]...)
			r.pos += size
		default:
			r.pos++
			switch e := r.peek(); e {
			case '"', '\\', '/':
				out = append(out, e)
			case 'b':
				out = append(out, '\b')
			case 'f':
				out = append(out, '\f')
			case 'n':
				out = append(out, '\n')
			case 'r':
				out = append(out, '\r')
			case 't':
				out = append(out, '\t')
			case 'u':
				ch, err := r.hex()
				if err != nil {
					return "", err
				}
				if utf16.IsSurrogate(ch) {
					low := rune(0)
					if r.pos+2 < len(r.src) && r.src[r.pos+1] == '\\' && r.src[r.pos+2] == 'u' {
						r.pos += 2
						if low, err = r.hex(); err != nil {
							return "", err
						}
					}
					if ch = utf16.DecodeRune(ch, low); ch == utf8.RuneError {
						return "", r.fail("half of a surrogate pair")
					}
				}
				out = utf8.AppendRune(out, ch)
			default:
				return "", r.fail("no escape of JSON")
			}
			r.pos++
		}
	}
}

// hex reads the four digits after \u and stays on the last one.
func (r *reader) hex() (rune, error) {
	if r.pos+4 >= len(r.src) {
		return 0, r.fail("four hexadecimal digits are expected")
	}
	v, err := strconv.ParseUint(string(r.src[r.pos+1:r.pos+5]), 16, 16)
	if err != nil {
		return 0, r.fail("four hexadecimal digits are expected")
	}
	r.pos += 4
	return rune(v), nil
}
