// SPDX-License-Identifier: EUPL-1.2

package xpath

import (
	"slices"
	"unicode"
)

const maxRune = unicode.MaxRune

// span is a closed range of characters.
type span struct{ lo, hi rune }

// set is a set of characters: spans in ascending order that neither touch nor
// overlap. A set is never changed after it is made.
type set []span

// chars is the set of the single characters given.
func chars(rs ...rune) set {
	s := make(set, 0, len(rs))
	for _, r := range rs {
		s = append(s, span{r, r})
	}
	return normal(s)
}

// normal sorts and merges spans in place.
func normal(s set) set {
	slices.SortFunc(s, func(a, b span) int { return int(a.lo) - int(b.lo) })
	out := s[:0]
	for _, p := range s {
		if n := len(out); n > 0 && p.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, p.hi)
			continue
		}
		out = append(out, p)
	}
	return out
}

// union is every character of any of the sets.
func union(sets ...set) set {
	var all set
	for _, s := range sets {
		all = append(all, s...)
	}
	return normal(all)
}

// negate is every character that s hasn't.
func (s set) negate() set {
	var out set
	next := rune(0)
	for _, p := range s {
		if p.lo > next {
			out = append(out, span{next, p.lo - 1})
		}
		next = p.hi + 1
	}
	if next <= maxRune {
		out = append(out, span{next, maxRune})
	}
	return out
}

// intersect is every character of both.
func (s set) intersect(t set) set {
	var out set
	for i, j := 0, 0; i < len(s) && j < len(t); {
		if lo, hi := max(s[i].lo, t[j].lo), min(s[i].hi, t[j].hi); lo <= hi {
			out = append(out, span{lo, hi})
		}
		if s[i].hi < t[j].hi {
			i++
		} else {
			j++
		}
	}
	return out
}

// subtract is every character of s that t hasn't.
func (s set) subtract(t set) set { return s.intersect(t.negate()) }

// count is the number of characters, at most limit+1.
func (s set) count(limit int) int {
	n := 0
	for _, p := range s {
		n += int(p.hi-p.lo) + 1
		if n > limit {
			return limit + 1
		}
	}
	return n
}

func (s set) has(r rune) bool {
	_, ok := slices.BinarySearchFunc(s, r, func(p span, r rune) int {
		switch {
		case p.hi < r:
			return -1
		case p.lo > r:
			return 1
		}
		return 0
	})
	return ok
}

// fromTable turns a table of package unicode into a set.
func fromTable(t *unicode.RangeTable) set {
	out := make(set, 0, len(t.R16)+len(t.R32))
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, span{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, span{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return normal(out)
}

// variants gives the case-variants of r, r included: every character whose lower-case
// or upper-case text is the same (F&O 3.1, 5.6.2, flag i). That is the orbit of simple
// case folding, and the few pairs that only the full mappings join.
func variants(r rune) []rune {
	switch r {
	case 'I', 'i', 'ı': // the upper case of dotless ı is I
		return []rune{'I', 'i', 'ı'}
	case 0xFB05, 0xFB06: // ſt and st ligatures: ST
		return []rune{0xFB05, 0xFB06}
	case 0x0390, 0x1FD3: // iota with dialytika and tonos or oxia
		return []rune{0x0390, 0x1FD3}
	case 0x03B0, 0x1FE3: // upsilon with dialytika and tonos or oxia
		return []rune{0x03B0, 0x1FE3}
	}
	out := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		out = append(out, f)
	}
	return out
}

// folder adds case-variants. It belongs to one compilation; the list of all pairs of
// variants is made when the first large set asks for it.
type folder struct{ pairs [][2]rune }

// fold adds the case-variants of every character of s.
func (f *folder) fold(s set) set {
	out := slices.Clone(s)
	add := func(v rune) {
		if !s.has(v) {
			out = append(out, span{v, v})
		}
	}
	if s.count(128) <= 128 {
		for _, p := range s {
			for r := p.lo; r <= p.hi; r++ {
				for _, v := range variants(r) {
					add(v)
				}
			}
		}
		return normal(out)
	}
	if f.pairs == nil {
		for _, p := range cased() {
			for r := p.lo; r <= p.hi; r++ {
				for _, v := range variants(r) {
					if v != r {
						f.pairs = append(f.pairs, [2]rune{r, v})
					}
				}
			}
		}
	}
	for i, j := 0, 0; i < len(f.pairs) && j < len(s); {
		switch r := f.pairs[i][0]; {
		case r > s[j].hi:
			j++
		case r < s[j].lo:
			i++
		default:
			add(f.pairs[i][1])
			i++
		}
	}
	return normal(out)
}

// cased holds every character that has case-variants.
func cased() set {
	var out set
	for _, p := range union(fromTable(unicode.Lu), fromTable(unicode.Ll), fromTable(unicode.Lt),
		fromTable(unicode.Other_Lowercase), fromTable(unicode.Other_Uppercase)) {
		for r := p.lo; r <= p.hi; r++ {
			if len(variants(r)) > 1 {
				out = append(out, span{r, r})
			}
		}
	}
	return normal(out)
}

// category gives the characters of a general category by the name that XML Schema
// gives it, and how package regexp writes it ("" if it can't).
func category(name string) (set, string, bool) {
	switch name {
	case "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No",
		"P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Z", "Zs", "Zl", "Zp",
		"S", "Sm", "Sc", "Sk", "So", "Cc", "Cf", "Co":
		return fromTable(unicode.Categories[name]), `\p{` + name + `}`, true
	case "C": // with the unassigned, which is why it is what the others leave
		return assigned().negate(), "", true
	case "Cn":
		return assigned().negate().subtract(union(fromTable(unicode.Cc), fromTable(unicode.Cf), fromTable(unicode.Co), fromTable(unicode.Cs))), "", true
	}
	return nil, "", false
}

// assigned is everything outside category C.
func assigned() set {
	return union(fromTable(unicode.L), fromTable(unicode.M), fromTable(unicode.N), fromTable(unicode.P), fromTable(unicode.Z), fromTable(unicode.S))
}

// wordChars is \w: everything but punctuation, separators and category C.
func wordChars() set {
	return union(fromTable(unicode.L), fromTable(unicode.M), fromTable(unicode.N), fromTable(unicode.S))
}

// nameStart is \i: NameStartChar of XML 1.0, fifth edition.
func nameStart() set {
	return set{{':', ':'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF},
		{0x370, 0x37D}, {0x37F, 0x1FFF}, {0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF},
		{0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF}}
}

// nameChar is \c: NameChar of XML 1.0, fifth edition.
func nameChar() set {
	return union(nameStart(), set{{'-', '.'}, {'0', '9'}, {0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}})
}
