// SPDX-License-Identifier: EUPL-1.2

package bulk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/register"

	"github.com/parquet-go/parquet-go"
)

// Giving is an export.
type Giving struct {
	Registers *register.Service
	Register  string
	Format    string // csv, jsonl, parquet
	Separator rune   // of a CSV; 0: comma
	Grant     access.Grant
	Seen      func(ctx context.Context, g access.Grant, persons []string) error // access.Checker.Seen
	Progress  func(done int)
}

// writer writes records in a format.
type writer interface {
	write(m map[string]any) error
	close() error
}

// ExportFile writes a register to a file that nobody else can read, whole or not at all. It
// tells how many records there are.
func ExportFile(ctx context.Context, g Giving, name string) (n int, err error) {
	const op = "bulk.export"
	tmp, err := os.CreateTemp(filepath.Dir(name), ".export-*") // 0600
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if n, err = Export(ctx, g, tmp); err != nil {
		return n, err
	}
	for _, step := range [...]func() error{tmp.Sync, tmp.Close, func() error { return os.Rename(tmp.Name(), name) }} {
		if err = step(); err != nil {
			return n, fault.Wrap(op, err)
		}
	}
	return n, nil
}

// Export writes a register. Whose data a page has is on record before the page is written.
func Export(ctx context.Context, g Giving, out io.Writer) (n int, err error) {
	const op = "bulk.export"
	d, ok := g.Registers.Registers().Get(g.Register)
	if !ok {
		return 0, fmt.Errorf("there is no register %q", g.Register)
	}
	asked := g.Grant.Request().Fields
	var fields []string // in the order of the register
	for _, f := range d.FieldNames() {
		if slices.Contains(asked, f) {
			fields = append(fields, f)
		}
	}
	buf := bufio.NewWriterSize(out, 1<<16)
	var w writer
	switch g.Format {
	case "csv":
		if g.Separator == 0 {
			g.Separator = ','
		}
		w = &csvWriter{w: buf, fields: fields, sep: g.Separator}
	case "jsonl":
		w = &jsonWriter{w: buf, fields: fields}
	case "parquet":
		w = newParquet(buf, d, fields)
	default:
		return 0, fmt.Errorf("format %q: want csv, jsonl or parquet", g.Format)
	}
	err = g.Registers.Export(ctx, g.Grant, d.ID, g.Seen, func(page []map[string]any) error {
		for _, m := range page {
			if err := w.write(m); err != nil {
				return err
			}
		}
		if n += len(page); g.Progress != nil {
			g.Progress(n)
		}
		return nil
	})
	if err == nil {
		err = w.close()
	}
	if err == nil {
		err = buf.Flush()
	}
	return n, fault.Wrap(op, err)
}

type csvWriter struct {
	w      *bufio.Writer
	fields []string
	sep    rune
	line   []byte
	begun  bool
}

func (c *csvWriter) head() error {
	if c.begun {
		return nil
	}
	c.begun = true
	_, err := c.w.WriteString(strings.Join(c.fields, string(c.sep)) + "\r\n")
	return err
}

func (c *csvWriter) write(m map[string]any) error {
	if err := c.head(); err != nil {
		return err
	}
	c.line = c.line[:0]
	for i, f := range c.fields {
		if i > 0 {
			c.line = append(c.line, string(c.sep)...)
		}
		switch v := m[f].(type) {
		case nil:
		case string:
			c.line = quoted(c.line, escape(v))
		case json.Number:
			c.line = append(c.line, v...)
		case bool:
			c.line = fmt.Appendf(c.line, "%t", v)
		default:
			b, err := json.Marshal(v)
			if err != nil {
				return err
			}
			c.line = quoted(c.line, escape(string(b)))
		}
	}
	_, err := c.w.Write(append(c.line, "\r\n"...))
	return err
}

func (c *csvWriter) close() error { return c.head() }

type jsonWriter struct {
	w      *bufio.Writer
	fields []string
}

func (j *jsonWriter) write(m map[string]any) error {
	j.w.WriteByte('{')
	first := true
	for _, f := range j.fields {
		v, ok := m[f]
		if !ok {
			continue
		}
		if !first {
			j.w.WriteByte(',')
		}
		first = false
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		fmt.Fprintf(j.w, "%q:", f) // a field's name is letters, digits and underscores
		j.w.Write(b)
	}
	_, err := j.w.WriteString("}\n")
	return err
}

func (j *jsonWriter) close() error { return nil }

// parquetGroup is how many rows are in memory at once.
const parquetGroup = 20_000

type parquetWriter struct {
	w       *parquet.GenericWriter[any]
	d       *register.Definition
	columns []string // in the order of the schema
	rows    []parquet.Row
}

// newParquet types each column by the schema: dates are dates, what has parts is JSON.
func newParquet(w io.Writer, d *register.Definition, fields []string) *parquetWriter {
	group := parquet.Group{}
	for _, f := range fields {
		var n parquet.Node
		switch d.Type(f) {
		case "string":
			if n = parquet.String(); d.Format(f) == "date" {
				n = parquet.Date()
			}
		case "integer":
			n = parquet.Int(64)
		case "number":
			n = parquet.Leaf(parquet.DoubleType)
		case "boolean":
			n = parquet.Leaf(parquet.BooleanType)
		default:
			n = parquet.JSON()
		}
		group[f] = parquet.Optional(n)
	}
	p := &parquetWriter{d: d, columns: slices.Sorted(slices.Values(fields))}
	p.w = parquet.NewGenericWriter[any](w, parquet.NewSchema(d.ID, group), parquet.Compression(&parquet.Zstd),
		parquet.MaxRowsPerRowGroup(parquetGroup), parquet.CreatedBy("mercator", "1", ""))
	return p
}

func (p *parquetWriter) write(m map[string]any) error {
	r := make(parquet.Row, len(p.columns))
	for i, f := range p.columns {
		v, err := p.value(f, m[f])
		if err != nil {
			return err
		}
		level := 1
		if v.IsNull() {
			level = 0
		}
		r[i] = v.Level(0, level, i)
	}
	if p.rows = append(p.rows, r); len(p.rows) < 500 {
		return nil
	}
	return p.flush()
}

func (p *parquetWriter) flush() error {
	_, err := p.w.WriteRows(p.rows)
	p.rows = p.rows[:0]
	return err
}

func (p *parquetWriter) value(field string, v any) (parquet.Value, error) {
	if v == nil {
		return parquet.NullValue(), nil
	}
	bad := func() (parquet.Value, error) {
		return parquet.Value{}, fmt.Errorf("a record has in %s what its schema doesn't say", field)
	}
	switch p.d.Type(field) {
	case "string":
		s, ok := v.(string)
		if !ok {
			return bad()
		}
		if p.d.Format(field) != "date" {
			return parquet.ByteArrayValue([]byte(s)), nil
		}
		day, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return bad()
		}
		return parquet.Int32Value(int32(day.Unix() / 86400)), nil
	case "integer":
		n, ok := v.(json.Number)
		if !ok {
			return bad()
		}
		i, err := n.Int64()
		if err != nil {
			return bad()
		}
		return parquet.Int64Value(i), nil
	case "number":
		n, ok := v.(json.Number)
		if !ok {
			return bad()
		}
		x, err := n.Float64()
		if err != nil {
			return bad()
		}
		return parquet.DoubleValue(x), nil
	case "boolean":
		b, ok := v.(bool)
		if !ok {
			return bad()
		}
		return parquet.BooleanValue(b), nil
	}
	b, err := json.Marshal(v)
	return parquet.ByteArrayValue(b), err
}

func (p *parquetWriter) close() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.w.Close()
}
