// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sort"
	"strings"
	"unicode/utf16"
)

// Font is a parsed TrueType font. It is immutable and can be shared.
type Font struct {
	name                      string // PostScript name
	data                      []byte
	tables                    map[string][]byte
	upem                      int
	bbox                      [4]int
	ascent, descent           int
	capHeight, xHeight        int
	italicAngle               float64
	bold                      bool
	glyphs, hMetrics, locaFmt int
	cmap                      map[rune]uint16
}

const maxFont = 8 << 20

// LoadFont parses a TrueType font (glyf outlines). It checks every table that it will use.
func LoadFont(data []byte) (*Font, error) {
	if len(data) > maxFont {
		return nil, fmt.Errorf("pdf: font of %d bytes is larger than %d", len(data), maxFont)
	}
	if len(data) < 12 {
		return nil, fmt.Errorf("pdf: not a font")
	}
	if v := binary.BigEndian.Uint32(data); v != 0x00010000 && v != 0x74727565 {
		return nil, fmt.Errorf("pdf: not a TrueType font")
	}
	f := &Font{data: data, tables: map[string][]byte{}}
	n := int(binary.BigEndian.Uint16(data[4:]))
	if len(data) < 12+16*n {
		return nil, fmt.Errorf("pdf: font is cut off")
	}
	for i := range n {
		rec := data[12+16*i:]
		off, size := uint64(binary.BigEndian.Uint32(rec[8:])), uint64(binary.BigEndian.Uint32(rec[12:]))
		if off+size > uint64(len(data)) {
			return nil, fmt.Errorf("pdf: font table %q lies outside the file", rec[:4])
		}
		f.tables[string(rec[:4])] = data[off : off+size]
	}
	for tag, size := range map[string]int{"head": 54, "hhea": 36, "maxp": 6, "hmtx": 4, "loca": 4, "glyf": 0, "cmap": 4} {
		if t, ok := f.tables[tag]; !ok || len(t) < size {
			return nil, fmt.Errorf("pdf: font table %q is missing or too short", tag)
		}
	}
	head, hhea := f.tables["head"], f.tables["hhea"]
	f.upem = int(binary.BigEndian.Uint16(head[18:]))
	if f.upem < 16 || f.upem > 16384 {
		return nil, fmt.Errorf("pdf: font has %d units per em", f.upem)
	}
	for i := range 4 {
		f.bbox[i] = int(s16(head[36+2*i:]))
	}
	f.locaFmt = int(s16(head[50:]))
	f.ascent, f.descent = int(s16(hhea[4:])), int(s16(hhea[6:]))
	f.hMetrics = int(binary.BigEndian.Uint16(hhea[34:]))
	f.glyphs = int(binary.BigEndian.Uint16(f.tables["maxp"][4:]))
	if f.hMetrics < 1 || f.hMetrics > f.glyphs || len(f.tables["hmtx"]) < 4*f.hMetrics+2*(f.glyphs-f.hMetrics) {
		return nil, fmt.Errorf("pdf: font table hmtx is too short")
	}
	step := 2
	if f.locaFmt == 1 {
		step = 4
	}
	if len(f.tables["loca"]) < step*(f.glyphs+1) {
		return nil, fmt.Errorf("pdf: font table loca is too short")
	}
	f.capHeight, f.xHeight = f.ascent*7/10, f.ascent/2
	if os2 := f.tables["OS/2"]; len(os2) >= 90 && binary.BigEndian.Uint16(os2) >= 2 {
		f.xHeight, f.capHeight = int(s16(os2[86:])), int(s16(os2[88:]))
		f.bold = binary.BigEndian.Uint16(os2[4:]) >= 600
	}
	if post := f.tables["post"]; len(post) >= 8 {
		f.italicAngle = float64(int32(binary.BigEndian.Uint32(post[4:]))) / 65536
	}
	if err := f.readCmap(); err != nil {
		return nil, err
	}
	f.name = f.postScriptName()
	return f, nil
}

func s16(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) }

func (f *Font) readCmap() error {
	t := f.tables["cmap"]
	n := int(binary.BigEndian.Uint16(t[2:]))
	f.cmap = map[rune]uint16{}
	var best []byte
	bestRank := 0
	for i := range n {
		if len(t) < 4+8*(i+1) {
			break
		}
		rec := t[4+8*i:]
		platform, encoding, off := binary.BigEndian.Uint16(rec), binary.BigEndian.Uint16(rec[2:]), int(binary.BigEndian.Uint32(rec[4:]))
		rank := 0
		switch {
		case platform == 3 && encoding == 10:
			rank = 3
		case platform == 3 && encoding == 1:
			rank = 2
		case platform == 0 && encoding != 5:
			rank = 1
		}
		if rank > bestRank && off >= 0 && off+4 <= len(t) {
			best, bestRank = t[off:], rank
		}
	}
	if best == nil {
		return fmt.Errorf("pdf: font has no Unicode character map")
	}
	put := func(r int, g int) {
		if g > 0 && g < f.glyphs {
			f.cmap[rune(r)] = uint16(g)
		}
	}
	switch binary.BigEndian.Uint16(best) {
	case 4:
		if len(best) < 16 {
			return fmt.Errorf("pdf: character map is cut off")
		}
		seg := int(binary.BigEndian.Uint16(best[6:])) / 2
		if len(best) < 16+8*seg {
			return fmt.Errorf("pdf: character map is cut off")
		}
		end, start := best[14:], best[16+2*seg:]
		delta, rng := best[16+4*seg:], best[16+6*seg:]
		for i := range seg {
			e, s := int(binary.BigEndian.Uint16(end[2*i:])), int(binary.BigEndian.Uint16(start[2*i:]))
			d, ro := int(binary.BigEndian.Uint16(delta[2*i:])), int(binary.BigEndian.Uint16(rng[2*i:]))
			for c := s; c <= e && c < 0xffff; c++ {
				g := c + d
				if ro != 0 {
					at := 2*i + ro + 2*(c-s)
					if at+2 > len(rng) {
						break
					}
					g = int(binary.BigEndian.Uint16(rng[at:]))
					if g != 0 {
						g += d
					}
				}
				put(c, g&0xffff)
			}
		}
	case 12:
		if len(best) < 16 {
			return fmt.Errorf("pdf: character map is cut off")
		}
		groups := int(binary.BigEndian.Uint32(best[12:]))
		if groups < 0 || groups > (len(best)-16)/12 {
			return fmt.Errorf("pdf: character map is cut off")
		}
		for i := range groups {
			rec := best[16+12*i:]
			s, e, g := int(binary.BigEndian.Uint32(rec)), int(binary.BigEndian.Uint32(rec[4:])), int(binary.BigEndian.Uint32(rec[8:]))
			if e > 0x10ffff || e-s > 0xffff {
				continue
			}
			for c := s; c <= e; c++ {
				put(c, g+c-s)
			}
		}
	default:
		return fmt.Errorf("pdf: character map of format %d", binary.BigEndian.Uint16(best))
	}
	return nil
}

func (f *Font) postScriptName() string {
	t := f.tables["name"]
	if len(t) >= 6 {
		n, base := int(binary.BigEndian.Uint16(t[2:])), int(binary.BigEndian.Uint16(t[4:]))
		for i := range n {
			if len(t) < 6+12*(i+1) {
				break
			}
			rec := t[6+12*i:]
			if binary.BigEndian.Uint16(rec) != 3 || binary.BigEndian.Uint16(rec[6:]) != 6 {
				continue
			}
			size, off := int(binary.BigEndian.Uint16(rec[8:])), base+int(binary.BigEndian.Uint16(rec[10:]))
			if off+size > len(t) {
				continue
			}
			u := make([]uint16, size/2)
			for j := range u {
				u[j] = binary.BigEndian.Uint16(t[off+2*j:])
			}
			name := strings.Map(func(r rune) rune {
				if r > 32 && r < 127 && !strings.ContainsRune("[](){}<>/%#", r) {
					return r
				}
				return -1
			}, string(utf16.Decode(u)))
			if name != "" {
				return name
			}
		}
	}
	return fmt.Sprintf("Font%08x", crc32.ChecksumIEEE(f.data))
}

// glyph tells the glyph of a rune.
func (f *Font) glyph(r rune) (uint16, bool) {
	g, ok := f.cmap[r]
	return g, ok
}

// advance is a glyph's width in thousandths of the font size.
func (f *Font) advance(g uint16) float64 {
	i := min(int(g), f.hMetrics-1)
	return float64(binary.BigEndian.Uint16(f.tables["hmtx"][4*i:])) * 1000 / float64(f.upem)
}

// outline is the data of a glyph, nil if it has none or lies outside.
func (f *Font) outline(g uint16) []byte {
	loca, glyf := f.tables["loca"], f.tables["glyf"]
	var a, b uint64
	if int(g) >= f.glyphs {
		return nil
	}
	if f.locaFmt == 1 {
		a, b = uint64(binary.BigEndian.Uint32(loca[4*int(g):])), uint64(binary.BigEndian.Uint32(loca[4*int(g)+4:]))
	} else {
		a, b = 2*uint64(binary.BigEndian.Uint16(loca[2*int(g):])), 2*uint64(binary.BigEndian.Uint16(loca[2*int(g)+2:]))
	}
	if a >= b || b > uint64(len(glyf)) || b-a < 10 {
		return nil
	}
	return glyf[a:b]
}

// box is the glyph's bounding box in thousandths of the font size.
func (f *Font) box(g uint16) (x0, y0, x1, y1 float64) {
	o := f.outline(g)
	if o == nil {
		return 0, 0, f.advance(g), 0
	}
	k := 1000 / float64(f.upem)
	return float64(s16(o[2:])) * k, float64(s16(o[4:])) * k, float64(s16(o[6:])) * k, float64(s16(o[8:])) * k
}

// parts are the glyphs that a composite glyph is made of.
func parts(o []byte) []uint16 {
	if o == nil || s16(o) >= 0 {
		return nil
	}
	var out []uint16
	for at := 10; at+4 <= len(o) && len(out) < 64; {
		flags := binary.BigEndian.Uint16(o[at:])
		out = append(out, binary.BigEndian.Uint16(o[at+2:]))
		at += 4
		if flags&1 != 0 {
			at += 4
		} else {
			at += 2
		}
		switch {
		case flags&8 != 0:
			at += 2
		case flags&0x40 != 0:
			at += 4
		case flags&0x80 != 0:
			at += 8
		}
		if flags&0x20 == 0 {
			break
		}
	}
	return out
}

// subset is a font file with the used glyphs only. Glyph numbers stay what they
// are, so that text needs no second numbering; what isn't used is empty.
func (f *Font) subset(used map[uint16]bool) []byte {
	want := map[uint16]bool{0: true}
	var add func(g uint16, depth int)
	add = func(g uint16, depth int) {
		if int(g) >= f.glyphs || depth > 8 || (want[g] && depth > 0) {
			return
		}
		want[g] = true
		for _, p := range parts(f.outline(g)) {
			add(p, depth+1)
		}
	}
	last := uint16(0)
	for g := range used {
		add(g, 0)
	}
	for g := range want {
		last = max(last, g)
	}
	count := int(last) + 1
	var glyf bytes.Buffer
	loca := make([]byte, 4*(count+1))
	for g := range count {
		binary.BigEndian.PutUint32(loca[4*g:], uint32(glyf.Len()))
		if want[uint16(g)] {
			glyf.Write(f.outline(uint16(g)))
			for glyf.Len()%4 != 0 {
				glyf.WriteByte(0)
			}
		}
	}
	binary.BigEndian.PutUint32(loca[4*count:], uint32(glyf.Len()))
	hmtx := make([]byte, 4*count)
	for g := range count {
		if !want[uint16(g)] {
			continue
		}
		src := f.tables["hmtx"]
		if g < f.hMetrics {
			copy(hmtx[4*g:4*g+4], src[4*g:])
		} else {
			copy(hmtx[4*g:4*g+2], src[4*(f.hMetrics-1):])
			copy(hmtx[4*g+2:4*g+4], src[4*f.hMetrics+2*(g-f.hMetrics):])
		}
	}
	head := bytes.Clone(f.tables["head"])
	binary.BigEndian.PutUint16(head[50:], 1)
	binary.BigEndian.PutUint32(head[8:], 0)
	hhea := bytes.Clone(f.tables["hhea"])
	binary.BigEndian.PutUint16(hhea[34:], uint16(count))
	maxp := bytes.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint16(maxp[4:], uint16(count))
	out := map[string][]byte{"head": head, "hhea": hhea, "maxp": maxp, "hmtx": hmtx, "loca": loca, "glyf": glyf.Bytes()}
	for _, t := range []string{"cvt ", "fpgm", "prep"} {
		if b, ok := f.tables[t]; ok {
			out[t] = b
		}
	}
	return sfntFile(out)
}

// sfntFile puts tables into a font file.
func sfntFile(tables map[string][]byte) []byte {
	tags := make([]string, 0, len(tables))
	for t := range tables {
		tags = append(tags, t)
	}
	sort.Strings(tags)
	n := len(tags)
	pow, log := 1, 0
	for pow*2 <= n {
		pow, log = pow*2, log+1
	}
	buf := make([]byte, 12+16*n)
	binary.BigEndian.PutUint32(buf, 0x00010000)
	binary.BigEndian.PutUint16(buf[4:], uint16(n))
	binary.BigEndian.PutUint16(buf[6:], uint16(pow*16))
	binary.BigEndian.PutUint16(buf[8:], uint16(log))
	binary.BigEndian.PutUint16(buf[10:], uint16(n*16-pow*16))
	headAt := 0
	for i, tag := range tags {
		data := tables[tag]
		rec := buf[12+16*i:]
		copy(rec, tag)
		binary.BigEndian.PutUint32(rec[4:], sumTable(data))
		binary.BigEndian.PutUint32(rec[8:], uint32(len(buf)))
		binary.BigEndian.PutUint32(rec[12:], uint32(len(data)))
		if tag == "head" {
			headAt = len(buf)
		}
		buf = append(buf, data...)
		for len(buf)%4 != 0 {
			buf = append(buf, 0)
		}
	}
	binary.BigEndian.PutUint32(buf[headAt+8:], 0xb1b0afba-sumTable(buf))
	return buf
}

func sumTable(b []byte) uint32 {
	var sum uint32
	for len(b) >= 4 {
		sum += binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	if len(b) > 0 {
		var last [4]byte
		copy(last[:], b)
		sum += binary.BigEndian.Uint32(last[:])
	}
	return sum
}
