// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// source is the text of one expression and where it stands.
type source struct {
	file      string
	line, col int // of the first character, 1-based
	text      string
	at        func(off int) (line, col int) // nil: the text stands in the file as it is
}

// place is the line and column of a byte offset.
func (s *source) place(off int) (line, col int) {
	if s.at != nil {
		return s.at(off)
	}
	line, col = max(s.line, 1), max(s.col, 1)
	before := s.text[:min(off, len(s.text))]
	if n := strings.Count(before, "\n"); n > 0 {
		line, col = line+n, 1
		before = before[strings.LastIndexByte(before, '\n')+1:]
	}
	return line, col + utf8.RuneCountInString(before)
}

// at is a stretch of a source; every node has one, down to the last error.
type at struct {
	src      *source
	off, end int
}

func (a at) where() at { return a }

func (a at) text() string {
	if a.src == nil {
		return ""
	}
	return a.src.text[a.off:min(max(a.end, a.off), len(a.src.text))]
}

type kind uint8

const (
	tEnd kind = iota
	tNumber
	tString
	tName
	tOp
)

type token struct {
	kind     kind
	text     string // of a string: its value
	off, end int
	bad      string // what is wrong with it, reported when the parser gets there
}

// nameStart and namePart follow the grammar rules 28 and 29 of DMN 1.5; what Unicode
// calls a letter but the grammar forgot is a letter here too.
func nameStart(r rune) bool {
	return r == '?' || r == '_' || unicode.IsLetter(r) || r >= 0x10000 && r <= 0xEFFFF ||
		r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF || r >= 0x200C && r <= 0x200D
}

func namePart(r rune) bool {
	return nameStart(r) || unicode.IsDigit(r) || r == 0xB7 || unicode.Is(unicode.Mn, r) || r >= 0x203F && r <= 0x2040
}

// space is white space by rule 61, with what editors paste.
func space(r rune) bool { return unicode.IsSpace(r) || r == 0x180E || r == 0x200B || r == 0xFEFF }

// lex cuts a text into tokens. It never fails: what can't be a token is one with a
// mistake, since it may be part of a name ("Fee & tax").
func lex(s string) []token {
	toks := make([]token, 0, len(s)/3+2)
	for i := 0; i < len(s); {
		r, w := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, w = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case space(r):
			i += w
		case strings.HasPrefix(s[i:], "//"):
			if k := strings.IndexByte(s[i:], '\n'); k >= 0 {
				i += k
			} else {
				i = len(s)
			}
		case strings.HasPrefix(s[i:], "/*"):
			k := strings.Index(s[i+2:], "*/")
			if k < 0 {
				toks = append(toks, token{tOp, "/*", i, len(s), "the comment has no end"})
				i = len(s)
				break
			}
			i += k + 4
		case r == '"':
			t := lexString(s, i)
			toks = append(toks, t)
			i = t.end
		case r >= '0' && r <= '9' || r == '.' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' && !(i > 0 && s[i-1] == '.'):
			j := i
			digits := func() {
				for j < len(s) && s[j] >= '0' && s[j] <= '9' {
					j++
				}
			}
			digits()
			if j+1 < len(s) && s[j] == '.' && s[j+1] >= '0' && s[j+1] <= '9' {
				j++
				digits()
			}
			if j < len(s) && (s[j] == 'e' || s[j] == 'E') {
				k := j
				j++
				if j < len(s) && (s[j] == '+' || s[j] == '-') {
					j++
				}
				if j < len(s) && s[j] >= '0' && s[j] <= '9' {
					digits()
				} else {
					j = k
				}
			}
			toks = append(toks, token{kind: tNumber, text: s[i:j], off: i, end: j})
			i = j
		case nameStart(r):
			j := i
			for j < len(s) {
				r, w := rune(s[j]), 1
				if r >= utf8.RuneSelf {
					r, w = utf8.DecodeRuneInString(s[j:])
				}
				if !namePart(r) {
					break
				}
				j += w
			}
			toks = append(toks, token{kind: tName, text: s[i:j], off: i, end: j})
			i = j
		default:
			op, bad := s[i:i+w], ""
			if i+2 <= len(s) {
				switch s[i : i+2] {
				case "**", "<=", ">=", "!=", "..", "->":
					op = s[i : i+2]
				}
			}
			if !strings.Contains("+-*/<>=()[]{},.:@**<=>=!=..->", op) {
				bad = "the character " + op + " has no meaning here" + hints[op]
			}
			toks = append(toks, token{tOp, op, i, i + len(op), bad})
			i += len(op)
		}
	}
	return append(toks, token{kind: tEnd, off: len(s), end: len(s)})
}

// hints say how FEEL writes what other languages write with these characters.
var hints = map[string]string{
	"%": "; the rest of a division is modulo(a, b)", "&": "; write “and”, or + between texts", "|": "; write “or”", "!": "; write not(…)", ";": "; a comma separates",
	"'": "; a text stands in double quotes", "“": "; a text stands in straight double quotes", "”": "; a text stands in straight double quotes", "„": "; a text stands in straight double quotes",
	"^": "; a power is a ** b", "≤": "; write <=", "≥": "; write >=", "≠": "; write !=", "×": "; write *", "÷": "; write /", "–": "; write -",
}

// lexString reads a string literal with its escapes (rule 33; \uXXXX pairs are
// surrogates, \UXXXXXX is a code point).
func lexString(s string, i int) token {
	t := token{kind: tString, off: i}
	j := i + 1
	plain := true
	for j < len(s) && s[j] != '"' {
		if s[j] == '\\' {
			plain = false
			j++
		}
		j++
	}
	if j >= len(s) {
		t.end, t.bad = len(s), "the text has no end"
		return t
	}
	t.end = j + 1
	body := s[i+1 : j]
	if plain {
		t.text = body
		return t
	}
	var b strings.Builder
	for k := 0; k < len(body); {
		if body[k] != '\\' {
			b.WriteByte(body[k])
			k++
			continue
		}
		k++
		switch c := body[k]; c {
		case '"', '\\', '\'', '/':
			b.WriteByte(c)
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u', 'U':
			n := 4
			if c == 'U' {
				n = 6
			}
			r, ok := hex(body[k+1:], n)
			if !ok {
				t.bad = "the text has an escape that isn't one: \\" + string(c) + " wants " + string(rune('0'+n)) + " hexadecimal digits"
				return t
			}
			k += n
			if r >= 0xD800 && r < 0xDC00 && strings.HasPrefix(body[k+1:], `\u`) {
				if low, ok := hex(body[k+3:], 4); ok && low >= 0xDC00 && low < 0xE000 {
					r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
					k += 6
				}
			}
			b.WriteRune(r)
		default:
			// An unknown escape stands for itself: regular expressions are full of them.
			b.WriteByte('\\')
			b.WriteByte(c)
		}
		k++
	}
	t.text = b.String()
	return t
}

func hex(s string, n int) (rune, bool) {
	if len(s) < n {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[:n]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 + rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 + rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 + rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, r <= unicode.MaxRune
}

// words are the tokens of a name, to compare it with what stands in a text: "a-b" and
// "a - b" are one name.
func words(name string) []string {
	toks := lex(name)
	out := make([]string, 0, len(toks)-1)
	for _, t := range toks[:len(toks)-1] {
		if t.kind == tString {
			out = append(out, name[t.off:t.end])
		} else {
			out = append(out, t.text)
		}
	}
	return out
}

// oneSpace collapses white space in a name.
func oneSpace(s string) string {
	f := strings.FieldsFunc(s, space)
	if len(f) == 1 {
		return f[0]
	}
	return strings.Join(f, " ")
}
