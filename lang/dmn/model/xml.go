// SPDX-License-Identifier: EUPL-1.2

package model

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// node is an element of the DMN namespace.
type node struct {
	name  string
	pos   Pos
	attrs []xml.Attr
	kids  []*node
	text  []byte
	marks []mark
	scope *scope
}

// scope is what prefixes mean in an element that declares some.
type scope struct {
	up       *scope
	prefixes map[string]string
}

func (s *scope) lookup(prefix string) (string, bool) {
	for ; s != nil; s = s.up {
		if uri, ok := s.prefixes[prefix]; ok {
			return uri, true
		}
	}
	return "", false
}

// attr is the value of an attribute that has no namespace, line breaks made spaces as XML has it.
func (n *node) attr(name string) string {
	v, _ := n.look(name)
	return v
}

func (n *node) look(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			return strings.Map(func(r rune) rune {
				if r == '\n' || r == '\t' || r == '\r' {
					return ' '
				}
				return r
			}, a.Value), true
		}
	}
	return "", false
}

// kid is the first child of that name, or nil.
func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// trimmed is the text of an element with its place.
func (n *node) trimmed() Text {
	rest := bytes.TrimLeft(n.text, xmlSpace)
	lead := len(n.text) - len(rest)
	s := string(bytes.TrimRight(rest, xmlSpace))
	if s == "" {
		return Text{Pos: n.pos}
	}
	from, pos := nearest(n.marks, lead, 0, n.pos)
	t := Text{Pos: pos.after(string(n.text[from:lead])), S: s}
	var later []mark
	for _, m := range n.marks {
		if m.at > lead && m.at <= lead+len(s) {
			later = append(later, mark{m.at - lead, m.pos})
		}
	}
	if later != nil {
		t.marks = &later
	}
	return t
}

const xmlSpace = " \t\r\n"

// carriers are the elements whose text counts; holders those in which authors forget
// the <text> around it.
var (
	carriers = set("text", "description", "question", "allowedAnswers", "typeRef", "type", "importedElement")
	holders  = set("inputEntry", "outputEntry", "inputExpression", "literalExpression", "inputValues",
		"outputValues", "allowedValues", "typeConstraint", "defaultOutputEntry", "annotationEntry")
)

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// cursor turns offsets into places. Offsets are asked for in ascending order, so the
// file is walked once, however long its lines are.
type cursor struct {
	data  []byte
	off   int
	pos   Pos
	marks int // how many were made
}

// maxMarks bounds the memory for a file that is all entities; what follows knows its
// place only by counting.
const maxMarks = 200_000

func (c *cursor) at(off int) Pos {
	off = min(off, len(c.data))
	if off < c.off {
		c.off, c.pos = 0, Pos{1, 1}
	}
	part := c.data[c.off:off]
	if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
		c.pos.Line += bytes.Count(part, []byte{'\n'})
		c.pos.Col = 1
		part = part[i+1:]
	}
	c.pos.Col += utf8.RuneCount(part)
	c.off = off
	return c.pos
}

var errCharset = errors.New("charset")

// tree reads the elements of the DMN namespace of the file. A mistake that ends the
// reading is the second result; the tree is then what came before it.
func (r *reader) tree(data []byte) (root *node, ok bool) {
	if len(data) > r.limits.Bytes {
		r.broken(Pos{}, fmt.Sprintf("The file has %d bytes", len(data)), fmt.Sprintf("no more than %d", r.limits.Bytes))
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.IndexByte(data[:min(len(data), 4)], 0) >= 0 {
		r.broken(Pos{1, 1}, "The file is written in UTF-16 or UTF-32", "UTF-8")
		return nil, false
	}
	cur := &cursor{data: data, pos: Pos{1, 1}}
	dec := xml.NewDecoder(bytes.NewReader(data))
	var charset string
	dec.CharsetReader = func(label string, _ io.Reader) (io.Reader, error) {
		charset = label
		return nil, errCharset
	}
	var (
		stack    []*node // the DMN elements that are open
		open     []xml.Name
		skip     int // how many of the open elements are skipped
		elements int
		scopes   *scope
		scopeAt  []*scope
		declared = map[string]bool{}
		done     bool
	)
	for {
		start := int(dec.InputOffset())
		tok, err := dec.Token()
		if err == io.EOF && done {
			return root, true
		}
		if err != nil {
			r.syntax(err, cur, start, int(dec.InputOffset()), charset, open)
			return root, false
		}
		switch t := tok.(type) {
		case xml.Directive:
			r.broken(cur.at(start), "The file has a document type declaration (<!"+firstWord(t)+")", "none, since entities of its own are not read")
			return root, false
		case xml.StartElement:
			pos := cur.at(start)
			if done {
				r.broken(pos, "A second element follows <"+root.name+">", "the end of the file")
				return root, false
			}
			if elements++; elements > r.limits.Elements {
				r.broken(pos, "The file has too many elements", fmt.Sprintf("no more than %d", r.limits.Elements))
				return root, false
			}
			if len(open) >= r.limits.Depth {
				r.broken(pos, "The elements are nested too deeply", fmt.Sprintf("no more than %d levels", r.limits.Depth))
				return root, false
			}
			open = append(open, t.Name)
			scopeAt = append(scopeAt, scopes)
			scopes = declare(scopes, t.Attr, declared)
			if a, twice := duplicate(t.Attr); twice {
				r.broken(pos, fmt.Sprintf("The attribute %s stands twice in <%s>", a, t.Name.Local), "it once")
				return root, false
			}
			if p := t.Name.Space; p != "" && p != "xml" && !strings.Contains(p, ":") && !declared[p] {
				r.broken(pos, fmt.Sprintf("The prefix %s of <%s:%s> isn't declared", p, p, t.Name.Local), fmt.Sprintf("an attribute xmlns:%s", p))
			}
			if skip > 0 {
				skip++
				continue
			}
			if root == nil {
				if !r.rootNode(t, pos) {
					return nil, false
				}
				root = &node{name: t.Name.Local, pos: pos, attrs: t.Attr, scope: scopes}
				stack = append(stack, root)
				continue
			}
			if t.Name.Space != r.space || t.Name.Local == "extensionElements" {
				if v, known := versions[t.Name.Space]; known && t.Name.Space != r.space {
					r.add(pos, fmt.Sprintf("<%s> is of DMN %s in a file of DMN %s", t.Name.Local, v, r.defs.Version), "one version in a file")
				}
				skip = 1
				continue
			}
			n := &node{name: t.Name.Local, pos: pos, attrs: t.Attr, scope: scopes}
			up := stack[len(stack)-1]
			up.kids = append(up.kids, n)
			stack = append(stack, n)
		case xml.EndElement:
			open = open[:len(open)-1]
			scopes = scopeAt[len(scopeAt)-1]
			scopeAt = scopeAt[:len(scopeAt)-1]
			if skip > 0 {
				skip--
				continue
			}
			stack = stack[:len(stack)-1]
			done = len(stack) == 0
		case xml.CharData:
			if len(stack) == 0 {
				if off, some := firstInk(data, start, int(dec.InputOffset())); some {
					r.broken(cur.at(off), "Text stands outside of the elements", "a file that begins with <definitions> and ends with it")
					return root, false
				}
				continue
			}
			if skip > 0 {
				continue
			}
			n := stack[len(stack)-1]
			if carriers[n.name] {
				n.take(cur, start, data[start:dec.InputOffset()], t)
			} else if holders[n.name] {
				if off, some := firstInk(data, start, int(dec.InputOffset())); some {
					r.add(cur.at(off), fmt.Sprintf("Text stands directly in <%s>", n.name), "a <text> around it")
				}
			}
		}
	}
}

// declare is the scope of an element with these attributes.
func declare(up *scope, attrs []xml.Attr, declared map[string]bool) *scope {
	s := up
	for _, a := range attrs {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			if s == up {
				s = &scope{up: up, prefixes: map[string]string{}}
			}
			prefix := a.Name.Local
			if a.Name.Space == "" {
				prefix = ""
			}
			s.prefixes[prefix] = a.Value
			declared[a.Value] = true
		}
	}
	return s
}

func duplicate(attrs []xml.Attr) (string, bool) {
	if len(attrs) <= 8 {
		for i, a := range attrs {
			for _, b := range attrs[:i] {
				if a.Name == b.Name {
					return a.Name.Local, true
				}
			}
		}
		return "", false
	}
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		if seen[a.Name] {
			return a.Name.Local, true
		}
		seen[a.Name] = true
	}
	return "", false
}

// take adds a run of text to the element and notes where it and the file drift apart:
// at its begin, after an entity, after a carriage return that stands alone.
func (n *node) take(cur *cursor, off int, raw, text []byte) {
	if c, ok := bytes.CutPrefix(raw, []byte("<![CDATA[")); ok {
		off += len(raw) - len(c)
		raw = bytes.TrimSuffix(c, []byte("]]>"))
		n.mark(cur, 0, off)
		n.returns(cur, off, raw)
		n.text = append(n.text, text...)
		return
	}
	n.mark(cur, 0, off)
	if bytes.IndexByte(raw, '&') >= 0 {
		j := 0 // in text
		for i := 0; i < len(raw); {
			switch {
			case raw[i] == '&':
				end := bytes.IndexByte(raw[i:], ';')
				if end < 0 || j >= len(text) {
					i = len(raw)
					break
				}
				_, size := utf8.DecodeRune(text[j:])
				i, j = i+end+1, j+size
				n.mark(cur, j, off+i)
			case raw[i] == '\r':
				i, j = i+1, j+1
				if i < len(raw) && raw[i] == '\n' {
					i++
				}
				n.mark(cur, j, off+i)
			default:
				i, j = i+1, j+1
			}
		}
	} else {
		n.returns(cur, off, raw)
	}
	n.text = append(n.text, text...)
}

// returns notes the carriage returns of text without entities.
func (n *node) returns(cur *cursor, off int, raw []byte) {
	if bytes.IndexByte(raw, '\r') < 0 {
		return
	}
	for i, j := 0, 0; i < len(raw); j++ {
		if i++; raw[i-1] == '\r' {
			if i < len(raw) && raw[i] == '\n' {
				i++
				continue
			}
			n.mark(cur, j+1, off+i)
		}
	}
}

// mark notes that the byte j of the run that is about to be added stands at off.
func (n *node) mark(cur *cursor, j, off int) {
	if cur.marks >= maxMarks && len(n.marks) > 0 {
		return
	}
	cur.marks++
	n.marks = append(n.marks, mark{len(n.text) + j, cur.at(off)})
}

// rootNode checks the root element and learns the version of the file.
func (r *reader) rootNode(t xml.StartElement, pos Pos) bool {
	version, known := versions[t.Name.Space]
	switch {
	case !known && t.Name.Space == "":
		r.broken(pos, fmt.Sprintf("<%s> has no namespace", t.Name.Local), "one of "+knownSpaces())
		return false
	case !known && (t.Name.Local == "definitions" || t.Name.Local == "Definitions"):
		r.broken(pos, fmt.Sprintf("The namespace %s is none of DMN 1.1 to 1.6", quote(t.Name.Space)), "one of "+knownSpaces())
		return false
	case t.Name.Local != "definitions" || !known:
		r.broken(pos, fmt.Sprintf("The file begins with <%s>", t.Name.Local), "<definitions> of DMN")
		return false
	}
	r.space, r.defs.Version = t.Name.Space, version
	return true
}

// syntax says in plain words why the XML can't be read.
func (r *reader) syntax(err error, cur *cursor, start, end int, charset string, open []xml.Name) {
	var se *xml.SyntaxError
	switch {
	case errors.Is(err, errCharset) || charset != "":
		r.broken(cur.at(start), fmt.Sprintf("The file says that it is written in %s", quote(charset)), "UTF-8")
	case err == io.EOF && len(open) == 0:
		r.broken(cur.at(start), "The file has no element", "<definitions> of DMN")
	case err == io.EOF || errors.As(err, &se) && se.Msg == "unexpected EOF":
		msg := "The file ends in the midst"
		want := "the rest of it"
		if len(open) > 0 {
			last := open[len(open)-1].Local
			msg, want = "The file ends inside of <"+clip(last)+">", "</"+clip(last)+">"
		}
		r.broken(cur.at(len(cur.data)), msg, want)
	case !errors.As(err, &se):
		r.broken(cur.at(end), "The XML can't be read ("+clip(strings.TrimPrefix(err.Error(), "xml: "))+")", "well-formed XML")
	case strings.Contains(se.Msg, "closed by"), strings.HasPrefix(se.Msg, "unexpected end element"):
		want := "no end tag"
		if len(open) > 0 {
			want = "</" + clip(open[len(open)-1].Local) + ">"
		}
		r.broken(cur.at(start), "The end tag closes another element than the one that is open", want)
	case strings.HasPrefix(se.Msg, "expected element name after <"):
		r.broken(cur.at(max(start, end-1)), "A < stands here that begins no element", "&lt; in a text")
	case strings.HasPrefix(se.Msg, "invalid character entity"):
		r.broken(cur.at(ampersand(cur.data, start, end)), "An & stands here that begins no character that XML knows", "&amp; in a text")
	case strings.HasPrefix(se.Msg, "invalid UTF-8"):
		r.broken(cur.at(notUTF8(cur.data, start)), "The text isn't UTF-8", "UTF-8")
	default:
		r.broken(cur.at(max(start, end-1)), "The XML is not well-formed ("+clip(se.Msg)+")", "well-formed XML")
	}
}

// firstInk is where what isn't white space begins.
func firstInk(data []byte, start, end int) (int, bool) {
	for ; start < end; start++ {
		if strings.IndexByte(xmlSpace, data[start]) < 0 {
			return start, true
		}
	}
	return end, false
}

// notUTF8 is the first byte from start on that isn't part of a UTF-8 character.
func notUTF8(data []byte, start int) int {
	for start < len(data) {
		r, size := utf8.DecodeRune(data[start:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		start += size
	}
	return start
}

// ampersand is where the last & before end stands.
func ampersand(data []byte, start, end int) int {
	end = min(end, len(data))
	start = min(start, end)
	if i := bytes.LastIndexByte(data[start:end], '&'); i >= 0 {
		return start + i
	}
	return end
}

func firstWord(b []byte) string {
	f := strings.Fields(string(b[:min(len(b), 40)]))
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

// clip keeps what an author's file puts into a message short.
func clip(s string) string {
	const limit = 80
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}

func quote(s string) string { return `"` + clip(s) + `"` }
