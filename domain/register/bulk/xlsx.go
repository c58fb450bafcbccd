// SPDX-License-Identifier: EUPL-1.2

package bulk

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Bounds of a spreadsheet. What it unpacks to beyond some megabytes lies in temporary files.
const (
	maxSheetFile  = 256 << 20 // as it is
	maxUnpacked   = 4 << 30   // in all
	maxRatio      = 200       // of one part, from one megabyte on: a zip bomb has thousands
	maxParts      = 5000
	inMemory      = 4 << 20
	maxPartMemory = 64 << 20 // of a part that isn't rows or texts: those are held in memory
)

type xlsxSource struct {
	f     *excelize.File
	rows  *excelize.Rows
	names []string
	index []int
	all   bool
	line  int
	epoch time.Time
}

// checkParts refuses a spreadsheet that unpacks to too much, before anything is unpacked.
// (archive/zip holds a part to the size that it declares.)
func checkParts(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > maxSheetFile {
		return fmt.Errorf("the spreadsheet is larger than %d MB: export it as CSV", maxSheetFile>>20)
	}
	z, err := zip.NewReader(file, info.Size())
	if err != nil {
		return errors.New("the file is no Excel workbook (.xlsx)")
	}
	if len(z.File) > maxParts {
		return fmt.Errorf("the workbook has more than %d parts", maxParts)
	}
	total := uint64(0)
	for _, p := range z.File {
		total += p.UncompressedSize64
		streamed := strings.HasPrefix(p.Name, "xl/worksheets/sheet") || strings.EqualFold(p.Name, "xl/sharedStrings.xml")
		switch {
		case p.UncompressedSize64 > 1<<20 && p.UncompressedSize64 > maxRatio*max(p.CompressedSize64, 1), total > maxUnpacked:
			return errors.New("the workbook unpacks to far more than it is: it is refused as a zip bomb")
		case !streamed && p.UncompressedSize64 > maxPartMemory:
			return fmt.Errorf("a part of the workbook is larger than %d MB", maxPartMemory>>20)
		}
	}
	return nil
}

func newXLSX(file *os.File, m *Mapping) (_ *xlsxSource, err error) {
	if err := checkParts(file); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	s := &xlsxSource{epoch: time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)}
	if s.f, err = excelize.OpenReader(file, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: inMemory}); err != nil {
		return nil, fmt.Errorf("the file is no Excel workbook (.xlsx) that can be read: %w", err)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if p, err := s.f.GetWorkbookProps(); err == nil && p.Date1904 != nil && *p.Date1904 {
		s.epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	sheet, header := "", 1
	if m != nil {
		sheet, header = m.XLSX.Sheet, max(m.XLSX.Header, 1)
	}
	if sheet == "" {
		sheet = s.f.GetSheetName(0)
	}
	if i, err := s.f.GetSheetIndex(sheet); err != nil || i < 0 {
		return nil, fmt.Errorf("the workbook has no sheet %q, but %q", sheet, s.f.GetSheetList())
	}
	if s.rows, err = s.f.Rows(sheet); err != nil {
		return nil, err
	}
	for s.line < header {
		if !s.rows.Next() {
			return nil, fmt.Errorf("the sheet has no row %d with the names of the columns", header)
		}
		if s.line++; s.line < header {
			continue
		}
		head, err := s.rows.Columns()
		if err != nil {
			return nil, err
		}
		if len(head) > maxColumns {
			return nil, fmt.Errorf("the sheet has %d columns: at most %d", len(head), maxColumns)
		}
		for _, h := range head {
			s.names = append(s.names, strings.TrimSpace(h))
		}
	}
	if len(s.names) == 0 {
		return nil, fmt.Errorf("row %d of the sheet is empty: want the names of the columns", header)
	}
	return s, twice(s.names)
}

func (s *xlsxSource) close() error {
	if s.rows != nil {
		s.rows.Close()
	}
	return s.f.Close() // and its temporary files
}

func (s *xlsxSource) columns() []string { return s.names }

func (s *xlsxSource) ask(from []string, all bool) {
	c := &csvSource{names: s.names}
	c.ask(from, all)
	s.index, s.all = c.index, all
}

func (s *xlsxSource) next() (row, error) {
	for s.rows.Next() {
		s.line++
		list, err := s.rows.Columns()
		if err != nil {
			return row{}, err
		}
		if strings.Join(list, "") == "" {
			continue // spreadsheets have many of them
		}
		size := 0
		for _, c := range list {
			size += len(c)
		}
		if size > maxRow || len(list) > maxColumns {
			return row{}, errWide
		}
		r := row{line: s.line, cells: make([]any, len(s.index)), at: make([]int, len(s.index))}
		for i, c := range s.index {
			r.cells[i], r.at[i] = absent, c+1
			if c < len(list) {
				r.cells[i] = list[c]
			}
		}
		for i, c := range list {
			if !utf8.ValidString(c) {
				return row{line: s.line, col: i + 1, bad: "text in UTF-8"}, nil
			}
		}
		if s.all {
			r.all = make(map[string]any, len(s.names))
			for i, c := range list {
				if i < len(s.names) {
					r.all[s.names[i]] = c
				}
			}
		}
		return r, nil
	}
	if err := s.rows.Error(); err != nil {
		return row{}, err
	}
	return row{}, io.EOF
}
