// SPDX-License-Identifier: EUPL-1.2

package bulk

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of a file.
const (
	maxRow     = 1 << 20    // bytes of one record as it stands in the file
	maxColumns = 2000       //
	maxRows    = 20_000_000 //
	maxDepth   = 64         // of elements, and of objects in a record
)

// row is one record as it stands in the file.
type row struct {
	line  int
	cells []any          // the columns that were asked for; absent: it isn't there
	at    []int          // their columns in the file, from 1; nil: it has none
	all   map[string]any // all of it, if that was asked for
	bad   string         // what is expected, if the row itself can't be read
	col   int            // where that is, if known
}

// source reads a file row by row. io.EOF is the end; any other error ends the file before it,
// while a bad row is one that is told of, and the next one follows.
type source interface {
	columns() []string // nil: it has none of its own
	ask(from []string, all bool)
	next() (row, error)
}

// errWide is what a row is refused with that is too large to be kept in memory.
var errWide = fmt.Errorf("a record takes more than %d bytes", maxRow)

// budget lets no more than a record's bytes pass between two calls of renew.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) renew() { b.left = maxRow }

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errWide
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// text decodes a file to UTF-8 without a byte order mark. encoding is utf-8, windows-1252 or
// "" for what the file looks like; valid says whether all of it is UTF-8.
func text(r io.Reader, encoding string, valid bool) io.Reader {
	br := bufio.NewReaderSize(r, 1<<16)
	head, _ := br.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		br.Discard(3)
		return br
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(br)
	case strings.EqualFold(encoding, "windows-1252") || encoding == "" && !valid:
		return charmap.Windows1252.NewDecoder().Reader(br)
	}
	return br
}

type csvSource struct {
	limit *budget
	r     *csv.Reader
	names []string
	index []int
	all   bool
	first []string // without a header: the first row
	line  int
}

func newCSV(r io.Reader, m *Mapping) (*csvSource, error) {
	var o Mapping
	if m != nil {
		o = *m
	}
	br := bufio.NewReaderSize(r, 1<<16)
	s := &csvSource{limit: &budget{r: br}}
	s.limit.renew()
	sep := ','
	if o.CSV.Separator != "" {
		sep, _ = utf8.DecodeRuneInString(o.CSV.Separator)
	} else {
		head, _ := br.Peek(1 << 15)
		sep = guessSeparator(head)
	}
	s.r = csv.NewReader(s.limit)
	s.r.Comma = sep
	s.r.ReuseRecord = true
	head, err := s.r.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty: want a first line with the names of the columns")
	}
	if err != nil {
		return nil, fmt.Errorf("the first line: %w", err)
	}
	if len(head) > maxColumns {
		return nil, fmt.Errorf("the file has %d columns: at most %d", len(head), maxColumns)
	}
	s.names = make([]string, len(head))
	if o.CSV.NoHeader {
		s.first = append([]string(nil), head...)
		s.line, _ = s.r.FieldPos(0)
		for i := range head {
			s.names[i] = strconv.Itoa(i + 1)
		}
		return s, nil
	}
	for i, name := range head {
		s.names[i] = strings.TrimSpace(strings.Clone(name))
	}
	return s, twice(s.names)
}

// twice is the error that two columns have one name.
func twice(names []string) error {
	seen := map[string]bool{}
	for _, n := range names {
		if n != "" && seen[n] {
			return fmt.Errorf("the file has two columns %s: their names must differ", clean(n))
		}
		seen[n] = true
	}
	return nil
}

// guessSeparator is the separator that the first line has most of, outside of quotes.
func guessSeparator(head []byte) rune {
	count := map[byte]int{}
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted && c == '\n' {
			break
		}
		if !quoted {
			count[c]++
		}
	}
	best := byte(',')
	for _, c := range [...]byte{',', ';', '\t', '|'} {
		if count[c] > count[best] {
			best = c
		}
	}
	return rune(best)
}

func (s *csvSource) columns() []string { return s.names }

func (s *csvSource) ask(from []string, all bool) {
	s.index, s.all = nil, all
	for _, f := range from {
		i := 0
		for i < len(s.names) && s.names[i] != f {
			i++
		}
		s.index = append(s.index, i)
	}
}

func (s *csvSource) next() (row, error) {
	list, line := s.first, s.line
	if s.first = nil; list == nil {
		var err error
		s.limit.renew()
		list, err = s.r.Read()
		var pe *csv.ParseError
		switch {
		case errors.As(err, &pe) && errors.Is(pe.Err, csv.ErrFieldCount):
			return row{line: pe.Line, bad: fmt.Sprintf("%d columns, as the first line has", len(s.names))}, nil
		case errors.As(err, &pe) && !errors.Is(err, errWide):
			return row{line: pe.Line, col: pe.Column, bad: "quotes around the whole cell, and doubled inside of it"}, nil
		case err != nil:
			return row{}, err
		}
		line, _ = s.r.FieldPos(0)
	}
	r := row{line: line, cells: make([]any, len(s.index)), at: make([]int, len(s.index))}
	for i, c := range s.index {
		r.cells[i], r.at[i] = absent, c+1
		if c < len(list) {
			r.cells[i] = list[c]
		}
	}
	for i, c := range list {
		if !utf8.ValidString(c) {
			return row{line: line, col: i + 1, bad: `text in UTF-8 (or csv.encoding = "windows-1252" in the mapping)`}, nil
		}
	}
	if s.all {
		r.all = make(map[string]any, len(list))
		for i, c := range list {
			r.all[s.names[i]] = c
		}
	}
	return r, nil
}

type jsonSource struct {
	r    *bufio.Reader
	line int
	from [][]string
	all  bool
}

func newJSONLines(r io.Reader) *jsonSource { return &jsonSource{r: bufio.NewReaderSize(r, maxRow)} }

func (s *jsonSource) columns() []string { return nil }

func (s *jsonSource) ask(from []string, all bool) {
	s.from, s.all = nil, all
	for _, f := range from {
		s.from = append(s.from, strings.Split(f, "."))
	}
}

func (s *jsonSource) next() (row, error) {
	for {
		line, err := s.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return row{}, errWide
		}
		if err != nil && err != io.EOF {
			return row{}, err
		}
		s.line++
		if len(bytes.TrimSpace(line)) == 0 {
			if err == io.EOF {
				return row{}, io.EOF
			}
			continue
		}
		return s.row(line), nil
	}
}

func (s *jsonSource) row(line []byte) row {
	r := row{line: s.line}
	if !utf8.Valid(line) {
		r.bad = "text in UTF-8"
		return r
	}
	if depth(line) > maxDepth {
		r.bad = fmt.Sprintf("at most %d objects inside each other", maxDepth)
		return r
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		r.bad = "one JSON object in a line"
		return r
	}
	r.cells = make([]any, len(s.from))
	for i, path := range s.from {
		r.cells[i] = follow(m, path)
	}
	if s.all {
		r.all = m
	}
	return r
}

// follow goes down a path; a name that has points in it is found as it is, too.
func follow(m map[string]any, path []string) any {
	if v, ok := m[strings.Join(path, ".")]; ok {
		return v
	}
	for i, name := range path {
		v, ok := m[name]
		if !ok {
			return absent
		}
		if i == len(path)-1 {
			return v
		}
		if m, ok = v.(map[string]any); !ok {
			return absent
		}
	}
	return absent
}

// depth is how deep brackets of a JSON text go, quotes heeded.
func depth(text []byte) int {
	most, now := 0, 0
	quoted, escaped := false, false
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
}
