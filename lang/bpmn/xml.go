// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a file. The largest real model we know has 1.3 MB and 9,000 elements. With these
// no file makes the reader take more than 128 MB, most of it for a moment (TestHostile).
const (
	maxBytes    = 3 << 20
	maxDepth    = 64
	maxNodes    = 30_000
	maxAttrs    = 100 // of one element
	maxAllAttrs = 150_000
)

// The namespaces that mean something here.
const (
	nsBPMN    = "http://www.omg.org/spec/BPMN/20100524/MODEL"
	nsBPMNDI  = "http://www.omg.org/spec/BPMN/20100524/DI"
	nsDC      = "http://www.omg.org/spec/DD/20100524/DC"
	nsDI      = "http://www.omg.org/spec/DD/20100524/DI"
	nsZeebe   = "http://camunda.org/schema/zeebe/1.0"
	nsCamunda = "http://camunda.org/schema/1.0/bpmn"
	nsXSI     = "http://www.w3.org/2001/XMLSchema-instance"
)

// The kin of Camunda 7 writes the same under names of its own.
var kin = map[string]string{
	"http://activiti.org/bpmn":            nsCamunda,
	"http://flowable.org/bpmn":            nsCamunda,
	"http://operaton.org/schema/1.0/bpmn": nsCamunda,
}

// Prefixes that tools use for what has no effect; some forget to declare them, and a
// modelling tool opens the file all the same. Prefixes that matter have to be declared.
var idle = map[string]string{
	"xsi": nsXSI, "modeler": "http://camunda.org/schema/modeler/1.0",
	"bioc": "http://bpmn.io/schema/bpmn/biocolor/1.0", "color": "http://www.omg.org/spec/BPMN/non-normative/color/1.0",
}

// space is the namespace under which a name is known here.
func space(s string, bound map[string]bool) string {
	if k := kin[s]; k != "" {
		return k
	}
	if k := idle[s]; k != "" && !bound[s] {
		return k
	}
	return s
}

// node is an XML element.
type node struct {
	space, name string
	attrs       []xml.Attr
	kids        []*node
	text        strings.Builder
	textPos     Pos
	pos         Pos
	tag         []byte // the raw start tag, to find an attribute's place
}

func (n *node) is(space, name string) bool { return n.space == space && n.name == name }

// attr is an attribute without a namespace.
func (n *node) attr(name string) string { return n.attrNS("", name) }

// yes and no read an attribute that is true or false in XML.
func (n *node) yes(name string) bool {
	v := strings.TrimSpace(n.attr(name))
	return v == "true" || v == "1"
}

func (n *node) no(name string) bool {
	v := strings.TrimSpace(n.attr(name))
	return v == "false" || v == "0"
}

func (n *node) attrNS(space, name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name && a.Name.Space == space {
			return a.Value
		}
	}
	return ""
}

// attrPos is the place of an attribute's value.
func (n *node) attrPos(name string) Pos {
	for i := 0; ; {
		j := bytes.Index(n.tag[i:], []byte(name))
		if j < 0 {
			return n.pos
		}
		i += j
		before := i > 0 && (n.tag[i-1] == ' ' || n.tag[i-1] == '\n' || n.tag[i-1] == '\t' || n.tag[i-1] == '\r' || n.tag[i-1] == ':')
		i += len(name)
		rest := n.tag[i:]
		k := 0
		for k < len(rest) && (rest[k] == ' ' || rest[k] == '=' || rest[k] == '\n' || rest[k] == '\t') {
			k++
		}
		if before && k > 0 && k < len(rest) && (rest[k] == '"' || rest[k] == '\'') {
			p := n.pos
			for _, c := range n.tag[:i+k+1] {
				if c == '\n' {
					p.Line++
					p.Col = 1
				} else {
					p.Col++
				}
			}
			return p
		}
	}
}

func (n *node) content() string { return strings.TrimSpace(n.text.String()) }

// contentPos is the place of the first character of content.
func (n *node) contentPos() Pos {
	p := n.textPos
	for _, c := range n.text.String() {
		switch {
		case c == '\n':
			p.Line++
			p.Col = 1
		case c == ' ' || c == '\t' || c == '\r':
			p.Col++
		default:
			return p
		}
	}
	return p
}

// all are the children with the name.
func (n *node) all(space, name string) []*node {
	var out []*node
	for _, k := range n.kids {
		if k.is(space, name) {
			out = append(out, k)
		}
	}
	return out
}

func (n *node) first(space, name string) *node {
	for _, k := range n.kids {
		if k.is(space, name) {
			return k
		}
	}
	return nil
}

// ext is the first extension element of Zeebe with the name.
func (n *node) ext(name string) *node {
	if x := n.first(nsBPMN, "extensionElements"); x != nil {
		return x.first(nsZeebe, name)
	}
	return nil
}

// errAt is a mistake in the XML itself.
type errAt struct {
	pos  Pos
	rule string
	text string
}

func (e *errAt) Error() string { return e.text }

// readXML reads a document into nodes: no DTD, no entities but the five, every prefix
// bound (but for idle ones, which are warnings), within the bounds.
func readXML(data []byte) (*node, []errAt, *errAt) {
	if len(data) > maxBytes {
		return nil, nil, &errAt{Pos{1, 1}, "too-large", fmt.Sprintf("the file has %d bytes, more than %d are not read", len(data), maxBytes)}
	}
	data, problem := toUTF8(data)
	if problem != nil {
		return nil, nil, problem
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return bytes.NewReader(nil), errors.New("encoding") }
	bound := map[string]bool{"": true, "xml": true, "xmlns": true, "http://www.w3.org/XML/1998/namespace": true}
	var root *node
	var warnings []errAt
	warned := map[string]bool{}
	var stack []*node
	count, attrs := 0, 0
	for {
		line, col := d.InputPos()
		off := d.InputOffset()
		at := Pos{line, col}
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			var se *xml.SyntaxError
			if errors.As(err, &se) {
				l, c := d.InputPos()
				return nil, nil, &errAt{Pos{l, c}, "xml", "not well-formed XML: " + se.Msg}
			}
			return nil, nil, &errAt{at, "xml", "not well-formed XML: " + err.Error()}
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, nil, &errAt{at, "xml-dtd", "document type declarations and entities are not read"}
		case xml.StartElement:
			count++
			if count > maxNodes {
				return nil, nil, &errAt{at, "too-large", fmt.Sprintf("more than %d elements", maxNodes)}
			}
			if len(stack) >= maxDepth {
				return nil, nil, &errAt{at, "too-deep", fmt.Sprintf("nested deeper than %d", maxDepth)}
			}
			if len(t.Attr) > maxAttrs {
				return nil, nil, &errAt{at, "too-large", fmt.Sprintf("more than %d attributes", maxAttrs)}
			}
			if attrs += len(t.Attr); attrs > maxAllAttrs {
				return nil, nil, &errAt{at, "too-large", fmt.Sprintf("more than %d attributes in all", maxAllAttrs)}
			}
			for i, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
					bound[a.Value] = true
				}
				for _, b := range t.Attr[:i] {
					if a.Name == b.Name {
						return nil, nil, &errAt{at, "xml", fmt.Sprintf("attribute %s is there twice", a.Name.Local)}
					}
				}
			}
			unbound := ""
			declared := func(prefix string) {
				switch {
				case bound[prefix]:
				case idle[prefix] == "":
					unbound = prefix
				case !warned[prefix]:
					warned[prefix] = true
					warnings = append(warnings, errAt{at, "xml-prefix", fmt.Sprintf(
						"the prefix %q is not declared: add xmlns:%s=%q to the first element", prefix, prefix, idle[prefix])})
				}
			}
			declared(t.Name.Space)
			for _, a := range t.Attr {
				declared(a.Name.Space)
			}
			if unbound != "" {
				return nil, nil, &errAt{at, "xml-prefix", fmt.Sprintf(
					"the prefix %q is not declared: add xmlns:%s=\"…\" to the first element%s", unbound, unbound, hintFor(unbound))}
			}
			n := &node{space: space(t.Name.Space, bound), name: t.Name.Local, attrs: t.Attr, pos: at, tag: data[off:d.InputOffset()]}
			for i := range n.attrs {
				n.attrs[i].Name.Space = space(n.attrs[i].Name.Space, bound)
			}
			if len(stack) > 0 {
				p := stack[len(stack)-1]
				p.kids = append(p.kids, n)
			} else if root == nil {
				root = n
			} else {
				return nil, nil, &errAt{at, "xml", "a second root element"}
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				n := stack[len(stack)-1]
				if n.text.Len() == 0 {
					n.textPos = at
					if bytes.HasPrefix(data[off:], []byte("<![CDATA[")) {
						n.textPos.Col += len("<![CDATA[")
					}
				}
				n.text.Write(t)
			}
		}
	}
	if root == nil {
		return nil, nil, &errAt{Pos{1, 1}, "xml", "the file is empty"}
	}
	return root, warnings, nil
}

// Sniff reports whether a text is a BPMN file by its first element, whatever else is wrong with it.
func Sniff(data []byte) bool {
	data, problem := toUTF8(data)
	if problem != nil {
		return false
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local == "definitions" && e.Name.Space == nsBPMN
		}
	}
}

func hintFor(prefix string) string {
	for _, known := range [][2]string{
		{"bpmn", nsBPMN}, {"bpmn2", nsBPMN}, {"bpmndi", nsBPMNDI}, {"dc", nsDC}, {"di", nsDI},
		{"zeebe", nsZeebe}, {"camunda", nsCamunda},
	} {
		if known[0] == prefix {
			return fmt.Sprintf(" (usually %q)", known[1])
		}
	}
	return ""
}

// toUTF8 reads the encodings that modelling tools write.
func toUTF8(data []byte) ([]byte, *errAt) {
	at := Pos{1, 1}
	known := true // by the first bytes, whatever the declaration says
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		data = data[3:]
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{'<', 0}):
		var ok bool
		if data, ok = fromUTF16(data, binary.LittleEndian); !ok {
			return nil, &errAt{at, "encoding", "broken UTF-16"}
		}
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), bytes.HasPrefix(data, []byte{0, '<'}):
		var ok bool
		if data, ok = fromUTF16(data, binary.BigEndian); !ok {
			return nil, &errAt{at, "encoding", "broken UTF-16"}
		}
	default:
		known = false
	}
	// The declaration says the encoding; we take it away because what follows is UTF-8.
	if bytes.HasPrefix(data, []byte("<?xml")) {
		end := bytes.Index(data[:min(len(data), 302)], []byte("?>"))
		if end < 0 {
			return nil, &errAt{at, "xml", "the XML declaration doesn't end"}
		}
		decl := strings.ToLower(string(data[:end]))
		enc := "utf-8"
		if i := strings.Index(decl, "encoding"); i >= 0 && !known {
			rest := strings.TrimLeft(decl[i+len("encoding"):], " \t\r\n=")
			if len(rest) > 1 {
				if j := strings.IndexByte(rest[1:], rest[0]); j >= 0 {
					enc = rest[1 : 1+j]
				}
			}
		}
		var letters *[256]rune
		switch enc {
		case "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be":
		case "iso-8859-1", "latin1":
			letters = &latin1
		case "windows-1252", "cp1252":
			letters = &windows1252
		case "iso-8859-15":
			letters = &latin9
		default:
			return nil, &errAt{at, "encoding", fmt.Sprintf("encoding %q is not read: save the file as UTF-8", enc)}
		}
		size := len(data)
		if letters != nil {
			for _, c := range data[end+2:] {
				size += utf8.RuneLen(letters[c]) - 1
			}
		}
		out := make([]byte, 0, size)
		for _, c := range data[:end+2] {
			if c != '\n' {
				c = ' '
			}
			out = append(out, c)
		}
		if letters == nil {
			out = append(out, data[end+2:]...)
		} else {
			for _, c := range data[end+2:] {
				out = utf8.AppendRune(out, letters[c])
			}
		}
		data = out
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, &errAt{at, "encoding", "the file holds a zero byte"}
	}
	if !utf8.Valid(data) {
		line := 1
		for i := 0; i < len(data); {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			i += n
		}
		return nil, &errAt{Pos{line, 1}, "encoding", "the file is not valid UTF-8"}
	}
	return data, nil
}

// fromUTF16 makes UTF-8 of UTF-16, without the mark at its beginning.
func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, bool) {
	if len(data)%2 != 0 {
		return nil, false
	}
	each := func(yield func(rune)) {
		for i := 0; i < len(data); i += 2 {
			r := rune(order.Uint16(data[i:]))
			if utf16.IsSurrogate(r) {
				low := utf8.RuneError
				if i+2 < len(data) {
					low = rune(order.Uint16(data[i+2:]))
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 2
				}
			}
			if i > 0 || r != 0xFEFF {
				yield(r)
			}
		}
	}
	size := 0
	each(func(r rune) { size += utf8.RuneLen(r) })
	out := make([]byte, 0, size)
	each(func(r rune) { out = utf8.AppendRune(out, r) })
	return out, true
}

// The letters of the encodings of one byte. Windows-1252 and ISO 8859-15 differ from
// ISO 8859-1 in the euro sign and some letters.
var (
	latin1      = letters(0, "")
	windows1252 = letters(0x80, "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")
	latin9      = letters(0xA4, "€¥Š§š©ª«¬\u00ad®¯°±²³Žµ¶·ž¹º»ŒœŸ")
)

func letters(from int, other string) (out [256]rune) {
	for i := range out {
		out[i] = rune(i)
	}
	for _, r := range other {
		out[from] = r
		from++
	}
	return out
}
