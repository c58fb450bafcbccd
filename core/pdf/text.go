// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// cluster is one letter as it stands on the paper: a glyph and the marks that are drawn to it.
type cluster struct {
	text  string // what it says
	font  int    // index of the face's fonts
	gid   uint16
	adv   float64 // thousandths of the size
	marks []rune
	exact bool    // the glyph alone says the text
	turn  float64 // 0, or the glyph stands on its head, that many times as large: schwa is a turned e
}

// face is a weight of type: the fonts that are asked for a letter, in this order.
type face []*Font

// substitutes are signs that may stand for one that no font has.
var substitutes = map[rune]rune{
	0x2010: '-', 0x2011: '-', 0x2012: 0x2013, 0x2212: 0x2013, 0x00a0: ' ', 0x202f: ' ', 0x2009: ' ', 0x2007: ' ',
	0x02b9: 0x2032, 0x02ba: 0x2033, 0x02be: 0x2019, 0x02bf: 0x2018, 0x02c8: '\'', 0x02cc: ',', 0x2032: '\'', 0x2033: '"',
	0x201b: 0x2018, 0x201f: 0x201c, 0x0110: 0x00d0, 0x1e9e: 0x00df,
}

// strokes are letters that are a base letter with a stroke or hook, which have no decomposition.
var strokes = map[rune][]rune{
	0x0187: {'C', 0x0309}, 0x0188: {'c', 0x0309}, 0x0197: {'I', 0x0335}, 0x0268: {'i', 0x0335}, 0x019a: {'l', 0x0335},
	0x01e4: {'G', 0x0335}, 0x01e5: {'g', 0x0335}, 0x01b7: {'3'}, 0x0292: {'3'}, 0x018f: {'e'}, 0x0259: {'e'},
}

func (fc face) find(r rune) (int, uint16, bool) {
	for i, f := range fc {
		if g, ok := f.glyph(r); ok {
			return i, g, true
		}
	}
	return 0, 0, false
}

// shape makes clusters of a line of text. What no font can say becomes a question
// mark, with the true text beside it for copying and reading aloud.
func (fc face) shape(s string) []cluster {
	s = norm.NFC.String(strings.ToValidUTF8(s, "\ufffd"))
	out := make([]cluster, 0, len(s))
	for _, r := range s {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			r = ' '
		case r == 0xad || r == 0x200b || r == 0x200c || r == 0x200d || r == 0xfeff || unicode.IsControl(r):
			continue
		}
		if unicode.Is(unicode.Mn, r) && len(out) > 0 {
			c := &out[len(out)-1]
			if len(c.marks) < 4 {
				c.marks = append(c.marks, r)
				c.text += string(r)
				c.exact = false
				fc.dotless(c)
			}
			continue
		}
		if i, g, ok := fc.find(r); ok {
			out = append(out, cluster{text: string(r), font: i, gid: g, adv: fc[i].advance(g), exact: true})
			continue
		}
		out = append(out, fc.compose(r))
	}
	return out
}

func (fc face) compose(r rune) cluster {
	c := cluster{text: string(r)}
	rs := []rune(norm.NFD.String(string(r)))
	if sub, ok := strokes[rs[0]]; ok {
		rs = append(sub[:len(sub):len(sub)], rs[1:]...)
	}
	if sub, ok := substitutes[rs[0]]; ok {
		rs[0] = sub
		if again, ok := substitutes[sub]; ok {
			if _, _, has := fc.find(sub); !has {
				rs[0] = again
			}
		}
	}
	i, g, ok := fc.find(rs[0])
	if !ok {
		if i, g, ok = fc.find('?'); !ok {
			return c // a font without a question mark: nothing is drawn, the text is still there
		}
		rs = rs[:1]
	}
	c.font, c.gid, c.adv, c.marks = i, g, fc[i].advance(g), rs[1:]
	switch f := fc[i]; {
	case r == 0x0259:
		c.turn = 1
	case r == 0x018f && f.xHeight > 0:
		c.turn = float64(f.capHeight) / float64(f.xHeight)
		c.adv *= c.turn
	}
	fc.dotless(&c)
	return c
}

// dotless takes the dot off i and j that carry a mark above.
func (fc face) dotless(c *cluster) {
	above := false
	for _, m := range c.marks {
		above = above || markPlace(m) == placeAbove
	}
	if !above {
		return
	}
	first := []rune(norm.NFD.String(c.text))[0]
	for from, to := range map[rune]rune{'i': 0x131, 'j': 0x237} {
		if first != from {
			continue
		}
		if i, g, ok := fc.find(to); ok {
			c.font, c.gid, c.adv, c.exact = i, g, fc[i].advance(g), false
		}
	}
}

func width(cs []cluster) float64 {
	w := 0.0
	for _, c := range cs {
		w += c.adv
	}
	return w
}

// measure is the width of s in mm at a size in points.
func (fc face) measure(s string, size float64) float64 {
	return width(fc.shape(s)) / 1000 * size / ptPerMM
}

// wrap breaks text into lines that are at most w mm wide. It breaks at spaces,
// after hyphens and slashes, at soft hyphens, and inside a word that is too long.
func (fc face) wrap(s string, size, w float64) []string {
	limit := w * ptPerMM / size * 1000
	var lines []string
	for _, par := range strings.Split(s, "\n") {
		line, lineW := "", 0.0
		for _, word := range pieces(par) {
			shown := strings.TrimRight(word, " ")
			soft := strings.HasSuffix(shown, "\u00ad")
			ww := width(fc.shape(shown))
			room := ww
			if soft {
				room += width(fc.shape("-"))
			}
			if lineW > 0 && lineW+room > limit {
				lines = append(lines, closeLine(line))
				line, lineW = "", 0
			}
			for ww > limit { // a word longer than the line
				head, rest := fc.cut(shown, limit)
				if rest == "" {
					break
				}
				lines = append(lines, closeLine(line+head))
				line, lineW = "", 0
				word = rest + word[len(shown):]
				shown = rest
				ww = width(fc.shape(shown))
			}
			line += word
			lineW += width(fc.shape(word))
		}
		lines = append(lines, closeLine(line))
	}
	return lines
}

// closeLine ends a line: no spaces at its end, a hyphen where a soft one was used.
func closeLine(line string) string {
	line = strings.TrimRight(line, " ")
	if cut, ok := strings.CutSuffix(line, "\u00ad"); ok {
		return cut + "-"
	}
	return line
}

// pieces are the unbreakable parts of a text, each with the spaces behind it.
func pieces(s string) []string {
	var out []string
	start := 0
	rs := []rune(s)
	for i, r := range rs {
		next := rune(' ')
		if i+1 < len(rs) {
			next = rs[i+1]
		}
		cut := r == ' ' && next != ' ' || r == 0xad ||
			(r == '-' || r == '/' || r == '\u2013') && i > start && unicode.IsLetter(next) && unicode.IsLetter(rs[i-1])
		if cut {
			out = append(out, string(rs[start:i+1]))
			start = i + 1
		}
	}
	if start < len(rs) {
		out = append(out, string(rs[start:]))
	}
	return out
}

func (fc face) cut(s string, limit float64) (head, rest string) {
	w := 0.0
	rs := []rune(s)
	for i := range rs {
		w += width(fc.shape(string(rs[i])))
		if w > limit && i > 0 && !unicode.Is(unicode.Mn, rs[i]) {
			return string(rs[:i]), string(rs[i:])
		}
	}
	return s, ""
}
