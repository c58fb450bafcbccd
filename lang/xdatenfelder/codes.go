// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Genericode is the namespace of OASIS genericode 1.0.
const Genericode = "http://docs.oasis-open.org/codelist/ns/genericode/1.0/"

// CodeList is a list of a genericode file.
type CodeList struct {
	File                           string
	Name, Version, URI, VersionURI string
	columns                        []string   // ids
	names                          [][]string // of each column, besides its id
	keys                           []string   // ids of the columns that keys name, in their order
	rows                           []map[string]string
}

// ReadCodeList reads a genericode file.
func ReadCodeList(file string, data []byte) (*CodeList, error) {
	root, err := readXML(file, data)
	if err != nil {
		return nil, err
	}
	var errs []error
	fail := func(e *element, format string, args ...any) {
		if len(errs) < 100 {
			errs = append(errs, Finding{file, e.line, e.col, fmt.Sprintf(format, args...)})
		}
	}
	if root.name.Local != "CodeList" || root.name.Space != Genericode {
		fail(root, "<%s> in the namespace %q is no code list: expected CodeList of genericode 1.0 (%s)", root.name.Local, root.name.Space, Genericode)
		return nil, errors.Join(errs...)
	}
	id := root.kid("Identification")
	l := &CodeList{File: file, Name: id.str("ShortName"), Version: id.str("Version"), URI: id.str("CanonicalUri"), VersionURI: id.str("CanonicalVersionUri")}
	set := root.kid("ColumnSet")
	rows := root.kid("SimpleCodeList")
	switch {
	case id == nil:
		fail(root, "<Identification> is missing in <CodeList>")
	case set == nil:
		fail(root, "<ColumnSet> is missing in <CodeList>")
	case rows == nil:
		fail(root, "<SimpleCodeList> is missing in <CodeList>")
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, k := range set.kids {
		switch k.name.Local {
		case "Column":
			if k.attr("Id") == "" {
				fail(k, "<Column> has no Id")
			}
			l.columns = append(l.columns, k.attr("Id"))
			l.names = append(l.names, []string{k.str("ShortName"), k.str("LongName")})
		case "Key":
			if ref := k.kid("ColumnRef"); ref != nil {
				l.keys = append(l.keys, ref.attr("Ref"))
			}
		}
	}
	if len(l.columns) == 0 {
		fail(set, "<ColumnSet> has no <Column>")
	}
	for _, k := range l.keys {
		if !slices.Contains(l.columns, k) {
			fail(set, "a key names the column %q, which there isn't", k)
		}
	}
	for _, row := range rows.kids {
		if row.name.Local != "Row" {
			fail(row, "<%s> is not expected in <SimpleCodeList>: expected Row", row.name.Local)
			continue
		}
		if len(l.rows) == maxCodes {
			fail(row, "more than %d rows", maxCodes)
			break
		}
		// A value without ColumnRef belongs to the column after that of the value before it.
		cells, at := map[string]string{}, -1
		for _, v := range row.kids {
			if v.name.Local != "Value" {
				continue
			}
			at++
			if ref := v.attr("ColumnRef"); ref != "" {
				if at = slices.Index(l.columns, ref); at < 0 {
					fail(v, "the column %q isn't in the <ColumnSet>", ref)
					break
				}
			}
			if at < len(l.columns) {
				cells[l.columns[at]] = v.str("SimpleValue")
			}
		}
		l.rows = append(l.rows, cells)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return l, nil
}

// column finds a column by its id or name, "" if there is none.
func (l *CodeList) column(names ...string) string {
	for _, want := range names {
		for i, id := range l.columns {
			if want != "" && (strings.EqualFold(id, want) || strings.EqualFold(l.names[i][0], want) || strings.EqualFold(l.names[i][1], want)) {
				return id
			}
		}
	}
	return ""
}

// Codes are the entries: the code is the first key, what it is called the second one (or a
// column that says so), unless the field names its columns (codeKey, nameKey, helpKey).
func (l *CodeList) Codes(codeKey, nameKey, helpKey string) []Code {
	code, name, help := l.column(codeKey), l.column(nameKey), l.column(helpKey)
	if code == "" && len(l.keys) > 0 {
		code = l.keys[0]
	}
	if code == "" {
		if code = l.column("code", "schluessel", "key"); code == "" {
			code = l.columns[0]
		}
	}
	if name == "" && len(l.keys) > 1 && l.keys[1] != code {
		name = l.keys[1]
	}
	if name == "" {
		name = l.column("name", "codename", "bezeichnung", "beschreibung", "wert")
	}
	for _, id := range l.columns {
		if name == "" && id != code {
			name = id
		}
	}
	out := make([]Code, 0, len(l.rows))
	for _, r := range l.rows {
		c := Code{Code: r[code], Name: r[name]}
		if help != "" {
			c.Help = r[help]
		}
		if c.Name == "" {
			c.Name = c.Code
		}
		if c.Code != "" {
			out = append(out, c)
		}
	}
	return out
}

// Lists are the code lists at hand.
type Lists []*CodeList

// Find is the list that a field names, nil if it isn't there. A reference without a version
// takes the newest one.
func (l Lists) Find(ref CodesRef) *CodeList {
	var best *CodeList
	for _, c := range l {
		switch {
		case ref.VersionURI != "" && c.VersionURI == ref.VersionURI, ref.Version != "" && c.URI == ref.URI && c.Version == ref.Version:
			return c
		case ref.Version == "" && ref.VersionURI == "" && ref.URI != "" && c.URI == ref.URI && (best == nil || c.Version > best.Version):
			best = c
		}
	}
	return best
}
