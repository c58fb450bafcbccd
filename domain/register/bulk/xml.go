// SPDX-License-Identifier: EUPL-1.2

package bulk

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// xmlSource reads the elements of one path, each a record. Names count without their
// namespace; in a record a path names an element or, with @, an attribute.
type xmlSource struct {
	limit  *budget
	d      *xml.Decoder
	record []string
	open   []string // the elements around
	from   []string
	all    bool
}

const maxValues = 5000 // of one record

func newXML(r io.Reader, m *Mapping) (*xmlSource, error) {
	if m == nil || m.XML.Record == "" {
		return nil, errors.New("XML needs a mapping with xml.record: the path of the element that is a record, such as /Export/Person")
	}
	s := &xmlSource{limit: &budget{r: r}, record: strings.Split(strings.Trim(m.XML.Record, "/"), "/")}
	s.d = xml.NewDecoder(s.limit)
	s.d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "windows-1252", "iso-8859-1":
			return charmap.Windows1252.NewDecoder().Reader(in), nil
		case "iso-8859-15":
			return charmap.ISO8859_15.NewDecoder().Reader(in), nil
		}
		return nil, fmt.Errorf("the encoding %s isn't read: want UTF-8, ISO-8859-1, ISO-8859-15 or windows-1252", clean(label))
	}
	return s, nil
}

func (s *xmlSource) columns() []string           { return nil }
func (s *xmlSource) ask(from []string, all bool) { s.from, s.all = from, all }
func (s *xmlSource) fail(format string, args ...any) (row, error) {
	line, col := s.d.InputPos()
	return row{}, fmt.Errorf("line %d, column %d: %w", line, col, fmt.Errorf(format, args...))
}

// token is the next one; what could name files, or swell, is refused.
func (s *xmlSource) token() (xml.Token, error) {
	t, err := s.d.RawToken()
	switch t := t.(type) {
	case xml.Directive:
		return nil, errors.New("the file has a DTD (<!DOCTYPE or the like), which isn't read")
	case xml.StartElement:
		if len(t.Attr) > 200 {
			return nil, errors.New("an element has more than 200 attributes")
		}
	}
	return t, err
}

func (s *xmlSource) next() (row, error) {
	for {
		s.limit.renew()
		t, err := s.token()
		if err == io.EOF {
			if len(s.open) > 0 {
				return s.fail("the file ends inside of %s", clean(s.open[len(s.open)-1]))
			}
			return row{}, io.EOF
		}
		if err != nil {
			return s.fail("%w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(s.open) >= maxDepth {
				return s.fail("more than %d elements inside each other", maxDepth)
			}
			s.open = append(s.open, t.Name.Local)
			if s.here() {
				return s.read(t)
			}
		case xml.EndElement:
			if err := s.end(t); err != nil {
				return s.fail("%w", err)
			}
		}
	}
}

func (s *xmlSource) here() bool {
	if len(s.open) != len(s.record) {
		return false
	}
	for i, name := range s.open {
		if name != s.record[i] {
			return false
		}
	}
	return true
}

func (s *xmlSource) end(t xml.EndElement) error {
	if n := len(s.open); n == 0 || s.open[n-1] != t.Name.Local {
		return fmt.Errorf("</%s> closes nothing that is open", clean(t.Name.Local))
	}
	s.open = s.open[:len(s.open)-1]
	return nil
}

// read reads the record whose start was just read.
func (s *xmlSource) read(start xml.StartElement) (row, error) {
	line, _ := s.d.InputPos()
	values := map[string][]string{}
	n := 0
	var path []string
	add := func(name, v string) error {
		if n++; n > maxValues {
			return fmt.Errorf("a record has more than %d values", maxValues)
		}
		values[name] = append(values[name], v)
		return nil
	}
	attrs := func(t xml.StartElement) error {
		for _, a := range t.Attr {
			if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" && a.Name.Space == "" {
				continue
			}
			if err := add(strings.Join(append(path[:len(path):len(path)], "@"+a.Name.Local), "/"), a.Value); err != nil {
				return err
			}
		}
		return nil
	}
	if err := attrs(start); err != nil {
		return s.fail("%w", err)
	}
	var text strings.Builder
	inner := false // the element that is open has others in it
	for {
		t, err := s.token()
		if err == io.EOF {
			return s.fail("the file ends inside of a record")
		}
		if err != nil {
			return s.fail("%w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(s.open) >= maxDepth {
				return s.fail("more than %d elements inside each other", maxDepth)
			}
			s.open, path = append(s.open, t.Name.Local), append(path, t.Name.Local)
			text.Reset()
			inner = false
			if err := attrs(t); err != nil {
				return s.fail("%w", err)
			}
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if err := s.end(t); err != nil {
				return s.fail("%w", err)
			}
			if !inner {
				name := strings.Join(path, "/")
				if name == "" {
					name = "."
				}
				if err := add(name, strings.TrimSpace(text.String())); err != nil {
					return s.fail("%w", err)
				}
			}
			text.Reset()
			inner = true
			if len(path) == 0 {
				return s.row(line, values), nil
			}
			path = path[:len(path)-1]
		}
	}
}

func (s *xmlSource) row(line int, values map[string][]string) row {
	r := row{line: line, cells: make([]any, len(s.from))}
	one := func(list []string) any {
		if len(list) == 1 {
			return list[0]
		}
		out := make([]any, len(list))
		for i, v := range list {
			out[i] = v
		}
		return out
	}
	for i, f := range s.from {
		r.cells[i] = absent
		if list := values[strings.Trim(f, "/")]; len(list) > 0 {
			r.cells[i] = one(list)
		}
	}
	if s.all {
		r.all = make(map[string]any, len(values))
		for name, list := range values {
			r.all[name] = one(list)
		}
	}
	return r
}
