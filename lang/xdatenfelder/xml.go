// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Finding is what somebody has to know about a file: a mistake, or what a form can't say.
type Finding struct {
	File      string
	Line, Col int
	Msg       string
}

// String is "file:line:col: what".
func (f Finding) String() string { return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Msg) }

// Error makes a mistake of a finding.
func (f Finding) Error() string { return f.String() }

// element of XML.
type element struct {
	name      xml.Name
	attrs     []xml.Attr
	text      strings.Builder
	kids      []*element
	line, col int
}

func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// kid is the first child of the name, whatever its namespace.
func (e *element) kid(name string) *element {
	if e != nil {
		for _, k := range e.kids {
			if k.name.Local == name {
				return k
			}
		}
	}
	return nil
}

// str is the text of a child, without white space around it.
func (e *element) str(name string) string {
	if k := e.kid(name); k != nil {
		return strings.TrimSpace(k.text.String())
	}
	return ""
}

// readXML reads a document: UTF-8, no document type, within the bounds.
func readXML(file string, data []byte) (*element, error) {
	fail := func(line, col int, format string, args ...any) error {
		return Finding{file, line, col, fmt.Sprintf(format, args...)}
	}
	if len(data) > MaxBytes {
		return nil, fail(1, 1, "larger than %d bytes", MaxBytes)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, fail(1, 1, "not UTF-8: save the file as UTF-8")
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the encoding %q is not read: save the file as UTF-8", charset)
	}
	var root *element
	var open []*element
	count := 0
	for {
		line, col := d.InputPos()
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, col = d.InputPos()
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				return nil, fail(line, col, "not well-formed XML: %s", syntax.Msg)
			}
			return nil, fail(line, col, "not well-formed XML: %v", err)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, fail(line, col, "document types and entities are not read")
		case xml.StartElement:
			if count++; count > maxElements {
				return nil, fail(line, col, "more than %d elements", maxElements)
			}
			if len(open) >= maxDepth {
				return nil, fail(line, col, "nested deeper than %d elements", maxDepth)
			}
			e := &element{name: t.Name, attrs: t.Attr, line: line, col: col}
			switch {
			case len(open) > 0:
				p := open[len(open)-1]
				p.kids = append(p.kids, e)
			case root == nil:
				root = e
			default:
				return nil, fail(line, col, "a second root element <%s>", t.Name.Local)
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, fail(line, col, "text outside of the root element")
			}
		}
	}
	if root == nil {
		return nil, fail(1, 1, "the file holds no XML element")
	}
	return root, nil
}
