// SPDX-License-Identifier: EUPL-1.2

package pdfacheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Text is all that a file says: the text of its pages in reading order, a line of it a line, what stands beside glyphs that
// don't say it themselves, and the metadata. It reads fonts with two-byte codes that say what they mean (ToUnicode), as ours
// do; a text in another font is an error, lest a file that can't be read counts as one that says nothing.
func Text(data []byte) (string, error) {
	f, err := parse(data, &checker{seen: map[Finding]bool{}})
	if err != nil {
		return "", err
	}
	r := &reader{f: f}
	for _, t := range f.trailers {
		root := f.dict(t["Root"])
		if err := r.page(root["Pages"], nil, 0); err != nil {
			return "", err
		}
		for _, v := range f.dict(t["Info"]) {
			if s, ok := f.get(v).(text); ok {
				r.line(textOf(s.raw))
			}
		}
		if s, ok := f.get(root["Metadata"]).(*stream); ok {
			b, err := f.decode(s)
			if err != nil {
				return "", err
			}
			r.line(string(b))
		}
	}
	return r.out.String(), nil
}

type reader struct {
	f     *file
	out   strings.Builder
	nodes int
}

// maxNodes bounds a tree of pages that leads back into itself.
const maxNodes = 10_000

func (r *reader) line(s string) { r.out.WriteString("\n" + s + "\n") }

// textOf is a text string: UTF-16 with a mark before it, else bytes.
func textOf(b []byte) string {
	if len(b) < 2 || b[0] != 0xfe || b[1] != 0xff {
		return string(b)
	}
	return wide(b[2:])
}

func wide(b []byte) string {
	var u []uint16
	for ; len(b) > 1; b = b[2:] {
		u = append(u, binary.BigEndian.Uint16(b))
	}
	return string(utf16.Decode(u))
}

func (r *reader) page(v any, inherited dict, depth int) error {
	d := r.f.dict(v)
	if d == nil {
		return nil
	}
	if r.nodes++; depth > maxDepth || r.nodes > maxNodes {
		return errors.New("too many pages, or pages that lead back into themselves")
	}
	res := r.f.dict(d["Resources"])
	if res == nil {
		res = inherited
	}
	if d["Kids"] != nil {
		for _, k := range r.f.array(d["Kids"]) {
			if err := r.page(k, res, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	list := r.f.array(d["Contents"])
	if list == nil {
		list = array{d["Contents"]}
	}
	var all []byte
	for _, s := range list {
		if s, ok := r.f.get(s).(*stream); ok {
			part, err := r.f.decode(s)
			if err != nil {
				return err
			}
			all = append(append(all, part...), '\n')
		}
	}
	return r.content(all, res)
}

// content reads what is shown; a new line begins where the height changes.
func (r *reader) content(data []byte, res dict) error {
	l := &lexer{b: data, content: true}
	var args []any
	var says map[uint16]string
	var height any
	instead := []bool{} // of each marked part that is open: whether another text stands for its glyphs
	for {
		v, err := l.value(0)
		if errors.Is(err, errEnd) {
			return nil
		}
		if err != nil {
			return err
		}
		w, ok := v.(word)
		if !ok {
			args = append(args, v)
			continue
		}
		switch n := len(args); w {
		case "Tf":
			if n == 2 {
				if says, err = r.font(res, args[0]); err != nil {
					return err
				}
			}
		case "Td", "Tm":
			if n > 1 && args[n-1] != height {
				height = args[n-1]
				r.out.WriteByte('\n')
			}
		case "Tj", "TJ":
			parts := args
			if n == 1 {
				if a, ok := args[0].(array); ok {
					parts = a
				}
			}
			if slices.Contains(instead, true) {
				break
			}
			if err := r.show(says, parts); err != nil {
				return err
			}
		case "BDC", "BMC":
			var s text
			if n == 2 {
				s, _ = r.f.dict(args[1])["ActualText"].(text)
			}
			r.out.WriteString(textOf(s.raw))
			instead = append(instead, s.raw != nil)
		case "EMC":
			instead = instead[:max(len(instead)-1, 0)]
		}
		args = args[:0]
	}
}

func (r *reader) show(says map[uint16]string, parts []any) error {
	for _, p := range parts {
		s, ok := p.(text)
		if !ok {
			continue
		}
		if says == nil || len(s.raw)%2 != 0 {
			return errors.New("a text whose font doesn't say what it means")
		}
		for b := s.raw; len(b) > 0; b = b[2:] {
			r.out.WriteString(says[binary.BigEndian.Uint16(b)])
		}
	}
	return nil
}

// font is what the codes of a font mean.
func (r *reader) font(res dict, v any) (map[uint16]string, error) {
	n, _ := v.(name)
	d := r.f.dict(r.f.dict(res["Font"])[string(n)])
	s, ok := r.f.get(d["ToUnicode"]).(*stream)
	if !ok || r.f.name(d["Encoding"]) != "Identity-H" {
		return nil, fmt.Errorf("the font %s has no ToUnicode, or other codes than of two bytes", n)
	}
	b, err := r.f.decode(s)
	if err != nil {
		return nil, err
	}
	says := map[uint16]string{}
	l := &lexer{b: b, content: true}
	var pair []text
	in := false
	for {
		v, err := l.value(0)
		if err != nil {
			return says, nil // its end
		}
		switch x := v.(type) {
		case word:
			in, pair = x == "beginbfchar", nil
			if x == "beginbfrange" {
				return nil, fmt.Errorf("the font %s says what it means in ranges", n)
			}
		case text:
			if pair = append(pair, x); in && len(pair) == 2 {
				if len(pair[0].raw) == 2 {
					says[binary.BigEndian.Uint16(pair[0].raw)] = wide(pair[1].raw)
				}
				pair = nil
			}
		}
	}
}
