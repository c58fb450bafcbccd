// SPDX-License-Identifier: EUPL-1.2

package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/register"
)

// Mistake is what is wrong at one place of a file. It never holds what stands there.
type Mistake struct {
	Line, Column int    // Column 0: the whole row, or a file without columns
	Field        string // of the register; empty: none in particular
	Want         string // what is expected
}

// String is the mistake as a line of a report.
func (m Mistake) String() string {
	s := fmt.Sprintf("line %d", m.Line)
	if m.Column > 0 {
		s += fmt.Sprintf(", column %d", m.Column)
	}
	if m.Field != "" {
		s += ", " + m.Field
	}
	return s + ": want " + m.Want
}

// MaxMistakes is how many mistakes are kept; the others are counted.
const MaxMistakes = 1000

// Report is what an import found and did.
type Report struct {
	Records  int
	Mistakes []Mistake
	More     int // mistakes beyond those
	Before   int // records that an import before this one, which didn't end, had stored
	Fresh    int
	Changed  int
}

// Wrong is how many mistakes there are.
func (r Report) Wrong() int { return len(r.Mistakes) + r.More }

// ErrMistakes: the file has mistakes, so nothing of it is stored.
var ErrMistakes = errors.New("the file has mistakes: nothing is stored")

// Order is an import.
type Order struct {
	Registers *register.Service
	Register  string
	File      string
	Mapping   *Mapping
	MapText   []byte       // the mapping as it was read: part of the import's name
	Grant     access.Grant // to change the register
	Why       register.Why
	DryRun    bool
	Seen      func(ctx context.Context, tx *store.Tx, g access.Grant, persons []string) error // access.Checker.SeenTx
	Progress  func(what string, done, total int64)
	Now       time.Time
}

// file is a file that is read twice: to check it, and to load it.
type file struct {
	*os.File
	format string
	size   int64
	utf8   bool
	hash   string
	read   int64 // so far
}

func openFile(name string, m *Mapping, progress func(done, total int64)) (*file, error) {
	f := &file{format: strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), ".")}
	if m != nil && m.Format != "" {
		f.format = m.Format
	}
	switch f.format {
	case "ndjson":
		f.format = "jsonl"
	case "csv", "jsonl", "xlsx", "xml":
	default:
		return nil, fmt.Errorf("%s: what kind of file is it? Its name ends with none of .csv, .jsonl, .xlsx, .xml, and no mapping says the format", name)
	}
	var err error
	if f.File, err = os.Open(name); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file: it is read twice, so it can't be a pipe", name)
	}
	if err == nil {
		f.size = info.Size()
		err = f.look(progress)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// look reads the file once, for its fingerprint and whether it is UTF-8.
func (f *file) look(progress func(done, total int64)) error {
	h := sha256.New()
	f.utf8 = true
	buf := make([]byte, 1<<18)
	keep := 0 // of a letter that was cut
	for {
		n, err := f.Read(buf[keep:])
		h.Write(buf[keep : keep+n])
		f.read += int64(n)
		part := buf[:keep+n]
		keep = 0
		if f.utf8 {
			if err != io.EOF && len(part) >= utf8.UTFMax {
				for i := 1; i < utf8.UTFMax; i++ {
					if utf8.RuneStart(part[len(part)-i]) {
						if !utf8.FullRune(part[len(part)-i:]) {
							keep = i
						}
						break
					}
				}
			}
			f.utf8 = utf8.Valid(part[:len(part)-keep])
		}
		if progress != nil {
			progress(f.read, f.size)
		}
		copy(buf, part[len(part)-keep:])
		if err == io.EOF {
			f.hash = hex.EncodeToString(h.Sum(nil))
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// counted tells how far a reader is.
type counted struct {
	r    io.Reader
	f    *file
	tell func(done, total int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.f.read += int64(n)
	if c.tell != nil {
		c.tell(c.f.read, c.f.size)
	}
	return n, err
}

// source begins to read the file from the start.
func (f *file) source(m *Mapping, progress func(done, total int64)) (source, func(), error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	f.read = 0
	r := &counted{f.File, f, progress}
	switch f.format {
	case "xlsx":
		s, err := newXLSX(f.File, m)
		if err != nil {
			return nil, nil, err
		}
		return s, func() { s.close() }, nil
	case "xml":
		s, err := newXML(r, m)
		return s, func() {}, err
	case "jsonl":
		return newJSONLines(text(r, "utf-8", true)), func() {}, nil
	}
	encoding := ""
	if m != nil {
		encoding = m.CSV.Encoding
	}
	s, err := newCSV(text(r, encoding, f.utf8), m)
	return s, func() {}, err
}

// plan is the mapping ready for a source.
func (f *file) plan(d *register.Definition, m *Mapping, s source, now time.Time) (*plan, error) {
	p, err := planFor(d, m, s.columns())
	if err != nil {
		return nil, err
	}
	p.now, p.unescd = now, f.format == "csv"
	if x, ok := s.(*xlsxSource); ok {
		p.xlsx, p.epoch = true, x.epoch
	}
	s.ask(p.from, p.rows)
	return p, nil
}

const chunkRows = 256

// chunk are rows that are made records together.
type chunk struct {
	rows     []row
	out      chan struct{}
	records  []record
	mistakes []Mistake
	hash     [sha256.Size]byte
}

type record struct {
	line   int
	fields map[string]any
	text   json.RawMessage
}

// each makes records of all rows, in their order, on all processors. check asks the schema.
func each(ctx context.Context, s source, p *plan, check bool, take func(*chunk) error) error {
	ctx, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()
	n := runtime.GOMAXPROCS(0)
	work, order := make(chan *chunk, n), make(chan *chunk, 2*n)
	var failed error // of the reader; order is closed after it is set
	workers.Go(func() {
		defer close(order)
		defer close(work)
		total := 0
		for {
			c := &chunk{rows: make([]row, 0, chunkRows), out: make(chan struct{})}
			var err error
			for len(c.rows) < chunkRows && err == nil {
				var r row
				if r, err = s.next(); err == nil {
					c.rows = append(c.rows, r)
				}
			}
			if total += len(c.rows); total > maxRows {
				err = fmt.Errorf("the file has more than %d records", maxRows)
			}
			if err != nil && err != io.EOF {
				failed = err
			}
			if len(c.rows) > 0 {
				for _, to := range [...]chan<- *chunk{work, order} {
					select {
					case to <- c:
					case <-ctx.Done():
						return
					}
				}
			}
			if err != nil {
				return
			}
		}
	})
	for range n {
		workers.Go(func() {
			for c := range work {
				c.fill(p, check)
				close(c.out)
			}
		})
	}
	for c := range order {
		<-c.out
		if err := take(c); err != nil {
			return err
		}
	}
	if failed == nil {
		return ctx.Err()
	}
	return failed
}

func (c *chunk) fill(p *plan, check bool) {
	h := sha256.New()
	for _, r := range c.rows {
		if r.bad != "" {
			c.mistakes = append(c.mistakes, Mistake{r.line, r.col, "", r.bad})
			continue
		}
		fields, bad := p.record(r)
		if check {
			for _, m := range p.def.Mistakes(fields) {
				same := false
				for _, b := range bad {
					same = same || b.Field == m.Field // the cell says already what is expected
				}
				if !same {
					bad = append(bad, m)
				}
			}
		}
		for _, m := range bad {
			c.mistakes = append(c.mistakes, Mistake{r.line, p.column(r, m.Field), m.Field, m.Want})
		}
		if len(bad) > 0 {
			continue
		}
		text, err := json.Marshal(fields)
		if err != nil || len(text) > register.MaxRecord {
			c.mistakes = append(c.mistakes, Mistake{r.line, 0, "", fmt.Sprintf("a record of at most %d bytes", register.MaxRecord)})
			continue
		}
		h.Write(binary.AppendUvarint(nil, uint64(len(text))))
		h.Write(text)
		c.records = append(c.records, record{r.line, fields, text})
	}
	h.Sum(c.hash[:0])
	c.rows = nil
}

// column is where a field of a row comes from.
func (p *plan) column(r row, field string) int {
	for _, u := range p.rules {
		if u.To == field && u.col >= 0 && u.col < len(r.at) {
			return r.at[u.col]
		}
	}
	return 0
}

// Import checks a file whole, and then loads it. ErrMistakes comes with a report of them.
func Import(ctx context.Context, o Order) (Report, error) {
	const op = "bulk.import"
	var rep Report
	d, ok := o.Registers.Registers().Get(o.Register)
	if !ok {
		return rep, fmt.Errorf("there is no register %q", o.Register)
	}
	if err := o.Grant.Must(access.Change, register.Resource(d.ID)); err != nil {
		return rep, fault.Wrap(op, err)
	}
	tell := func(what string) func(done, total int64) {
		if o.Progress == nil {
			return nil
		}
		return func(done, total int64) { o.Progress(what, done, total) }
	}
	f, err := openFile(o.File, o.Mapping, nil)
	if err != nil {
		return rep, err
	}
	defer f.Close()
	checked, err := o.check(ctx, d, f, &rep, tell("check"))
	if err != nil {
		return rep, err
	}
	if rep.Wrong() > 0 {
		return rep, ErrMistakes
	}
	if o.DryRun {
		return rep, nil
	}
	mapping := ""
	if o.MapText != nil {
		sum := sha256.Sum256(o.MapText)
		mapping = hex.EncodeToString(sum[:])
	}
	i, err := o.Registers.BeginImport(ctx, o.Grant, register.Import{Register: d.ID, Source: f.hash, Mapping: mapping,
		Who: o.Why.Who, Reason: o.Why.Reason, Records: rep.Records})
	if err != nil {
		return rep, err
	}
	if rep.Before, err = o.Registers.Loaded(ctx, i.LoadName()); err != nil {
		return rep, err
	}
	load := register.Loading{Name: i.LoadName(), Records: o.records(ctx, d, f, checked), Why: o.Why, Upsert: true,
		Done: func(fresh, changed int) { rep.Fresh += fresh; rep.Changed += changed }}
	if o.Seen != nil {
		load.Seen = func(ctx context.Context, tx *store.Tx, persons []string) error {
			return o.Seen(ctx, tx, o.Grant, persons)
		}
	}
	if o.Progress != nil {
		load.Progress = func(done int) { o.Progress("load", int64(done), int64(rep.Records)) }
	}
	if err := o.Registers.Load(ctx, o.Grant, load); err != nil {
		return rep, err
	}
	i.Fresh, i.Changed = rep.Fresh, rep.Changed
	return rep, o.Registers.EndImport(ctx, i)
}

// check reads all of the file and keeps nothing of it but fingerprints.
func (o Order) check(ctx context.Context, d *register.Definition, f *file, rep *Report, progress func(done, total int64)) ([][sha256.Size]byte, error) {
	s, done, err := f.source(o.Mapping, progress)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	defer done()
	p, err := f.plan(d, o.Mapping, s, o.Now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	wrong := func(m Mistake) {
		if len(rep.Mistakes) < MaxMistakes {
			rep.Mistakes = append(rep.Mistakes, m)
		} else {
			rep.More++
		}
	}
	var checked [][sha256.Size]byte
	seed := maphash.MakeSeed()
	keys := map[uint64]uint32{} // the line of each key
	err = each(ctx, s, p, true, func(c *chunk) error {
		for _, m := range c.mistakes {
			wrong(m)
		}
		for _, r := range c.records {
			rep.Records++
			h := maphash.String(seed, keyText(r.fields[d.Key]))
			if line, twice := keys[h]; twice {
				wrong(Mistake{r.line, 0, d.Key, fmt.Sprintf("each key once: line %d has the same", line)})
			}
			keys[h] = uint32(r.line)
		}
		checked = append(checked, c.hash)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%s: after %d records: %w", o.File, rep.Records, err)
	}
	return checked, err
}

func keyText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(v)
}

var errChanged = errors.New("the file has changed since it was checked")

// records reads the file again, for the load: what isn't what was checked ends it.
func (o Order) records(ctx context.Context, d *register.Definition, f *file, checked [][sha256.Size]byte) iter.Seq[register.Item] {
	return func(yield func(register.Item) bool) {
		s, done, err := f.source(o.Mapping, nil)
		if err != nil {
			yield(register.Item{Err: err})
			return
		}
		defer done()
		p, err := f.plan(d, o.Mapping, s, o.Now)
		if err != nil {
			yield(register.Item{Err: err})
			return
		}
		at := 0
		stop := errors.New("stop")
		err = each(ctx, s, p, false, func(c *chunk) error {
			if at >= len(checked) || c.hash != checked[at] || len(c.mistakes) > 0 {
				return errChanged
			}
			at++
			for _, r := range c.records {
				if !yield(register.Item{Register: d.ID, Data: r.text, Value: d.TextOf(r.fields)}) {
					return stop
				}
			}
			return nil
		})
		if err == nil && at != len(checked) {
			err = errChanged
		}
		if err != nil && !errors.Is(err, stop) {
			yield(register.Item{Err: err})
		}
	}
}
