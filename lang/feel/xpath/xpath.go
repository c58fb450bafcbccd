// SPDX-License-Identifier: EUPL-1.2

package xpath

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
)

// The bounds of an expression and of what comes out of it.
const (
	maxPattern  = 10_000  // characters of a pattern
	maxDepth    = 200     // nesting of groups and classes
	maxSize     = 20_000  // instructions of the program
	maxText     = 1 << 20 // bytes of the expression for package regexp
	maxSpans    = 1 << 19 // character ranges of all classes
	maxTexts    = 64      // texts of a group that is referred back to
	maxLength   = 100     // characters of such a text
	maxReferred = 50      // groups that are referred back to
	maxResult   = 1 << 24 // bytes of a replaced text
)

// Error says what is wrong with an expression, its flags or a replacement.
type Error struct {
	Pattern   string // the text that is wrong: the pattern, the flags or the replacement
	Pos       int    // where, counted in characters from 0
	Msg       string // one sentence in plain words
	Construct string // what can't be mapped, by name; "" if the text is simply wrong
}

// Error is the sentence, with the place and the construct.
func (e *Error) Error() string {
	s := fmt.Sprintf("regular expression %q, character %d: ", short(e.Pattern), e.Pos+1)
	if e.Construct != "" {
		s += e.Construct + ": "
	}
	return s + e.Msg
}

// short keeps a message readable.
func short(s string) string {
	n := 0
	for i := range s {
		if n++; n > 80 {
			return s[:i] + "…"
		}
	}
	return s
}

// Regexp is a compiled expression. It is immutable and safe to share.
type Regexp struct {
	pattern string
	re      *regexp.Regexp
	prog    func() *syntax.Prog // for the machine of this package
	lines   bool                // flag m makes a difference where a text ends with a newline
	size    int                 // instructions, about
	far     bool                // to find a match may take to look far behind it
	groups  int
	labels  []int // the group of each capture of re, from 1
	direct  bool  // capture n is group n
	literal bool  // flag q: the replacement is literal too
	empty   bool  // matches the empty text
}

type flags struct{ dotAll, lines, fold, strip, literal bool }

func parseFlags(s string) (f flags, err *Error) {
	i := 0
	for _, r := range s {
		switch r {
		case 's':
			f.dotAll = true
		case 'm':
			f.lines = true
		case 'i':
			f.fold = true
		case 'x':
			f.strip = true
		case 'q':
			f.literal = true
		default:
			return f, &Error{Pattern: s, Pos: i, Construct: fmt.Sprintf("flag %q", r), Msg: "the flags are s, m, i, x and q"}
		}
		if i++; i > maxPattern {
			return f, &Error{Pattern: s, Pos: i, Msg: "there are too many flags"}
		}
	}
	if f.literal { // q takes the effect of m, s and x away
		f.dotAll, f.lines, f.strip = false, false, false
	}
	return f, nil
}

// Compile reads an expression of F&O 3.1, 5.6.1. The error is an *Error.
func Compile(pattern, flags string) (*Regexp, error) {
	r, err := compile(pattern, flags)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func compile(pattern, flagText string) (*Regexp, *Error) {
	if len(pattern) > maxPattern && utf8.RuneCountInString(pattern) > maxPattern {
		return nil, &Error{Pattern: pattern, Pos: maxPattern, Msg: fmt.Sprintf("the expression is longer than %d characters", maxPattern)}
	}
	f, err := parseFlags(flagText)
	if err != nil {
		return nil, err
	}
	p := newParser(pattern, f)
	var root *node
	if f.literal {
		pieces := make([]*node, len(p.src))
		for i, c := range p.src {
			pieces[i] = p.literal(c)
		}
		root = concat(pieces...)
	} else {
		if root, err = p.parse(); err != nil {
			return nil, err
		}
	}
	if size(root) <= maxSize {
		if root, err = p.resolve(root); err != nil {
			return nil, err
		}
	}
	w := &writer{lines: f.lines}
	if size(root) <= maxSize {
		w.write(root)
	} else {
		w.wide = true
	}
	if w.lazies {
		return nil, &Error{Pattern: pattern, Construct: "reluctant repetition of more than 1000", Msg: "a bounded reluctant repetition of a group can't be so large"}
	}
	if w.wide {
		return nil, &Error{Pattern: pattern, Construct: "expression of this size", Msg: "with its repetitions written out, the expression is too large"}
	}
	expr := w.b.String()
	re, goErr := regexp.Compile(expr)
	if goErr != nil { // a test and a fuzz target hold that this can't happen
		return nil, &Error{Pattern: pattern, Construct: unforeseen, Msg: goErr.Error()}
	}
	r := &Regexp{pattern: pattern, re: re, size: size(root), far: far(root, true), lines: f.lines && strings.Contains(expr, `(?m:`), groups: p.groups, labels: w.labels, direct: len(w.labels) == p.groups, literal: f.literal}
	for i, n := range w.labels {
		r.direct = r.direct && n == i+1
	}
	r.empty = re.MatchString("")
	r.prog = sync.OnceValue(func() *syntax.Prog {
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			panic(err) // package regexp has just read the same
		}
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			panic(err)
		}
		return prog
	})
	return r, nil
}

// unforeseen names what package regexp refused and this package didn't.
const unforeseen = "expression that the matcher refuses"

// Match says whether s, or a part of it, matches. What is spent is told to spend, which
// may panic to end the work; nil: nobody counts.
func (r *Regexp) Match(s string, spend func(steps int)) bool {
	if spend == nil {
		spend = func(int) {}
	}
	spend(r.once(s))
	if r.special(s) {
		return newMachine(r.prog(), spend).find(s, 0) != nil
	}
	return r.re.MatchString(s)
}

// once is what it takes to go through a text one time.
func (r *Regexp) once(s string) int { return len(s)/16 + len(s)*r.size/64 }

// nearby is the length of a text for which the square of it is no matter.
const nearby = 256

// MatchesEmpty says whether the empty text matches. XPath forbids such an expression
// for replace and tokenize (FORX0003).
func (r *Regexp) MatchesEmpty() bool { return r.empty }

// Groups is the number of groups that capture.
func (r *Regexp) Groups() int { return r.groups }

// special says that s is a text that package regexp would read differently.
func (r *Regexp) special(s string) bool {
	return r.lines && strings.HasSuffix(s, "\n")
}

// all gives every match with its captures, from left to right.
func (r *Regexp) all(s string, spend func(int)) [][]int {
	if spend == nil {
		spend = func(int) {}
	}
	spend(len(s)/4 + r.once(s))
	if !r.special(s) {
		if r.far && len(s) <= nearby {
			spend(len(s) * len(s) / 16)
		}
		if !r.far || len(s) <= nearby {
			return r.re.FindAllStringSubmatchIndex(s, -1)
		}
	}
	var out [][]int
	v := newMachine(r.prog(), spend)
	for from := 0; from <= len(s); {
		m := v.find(s, from)
		if m == nil {
			break
		}
		// As in package regexp, an empty match may not touch the match before it.
		if m[1] > m[0] || len(out) == 0 || m[0] > out[len(out)-1][1] {
			out = append(out, m)
		}
		if from = m[1]; m[1] == m[0] {
			_, width := utf8.DecodeRuneInString(s[from:])
			from += max(1, width)
		}
	}
	return out
}

// group gives what group n captured in match m, or "".
func (r *Regexp) group(s string, m []int, n int) string {
	lo, hi := -1, -1
	if n == 0 || r.direct {
		if 2*n+1 < len(m) {
			lo, hi = m[2*n], m[2*n+1]
		}
	} else {
		// A group may have been written several times; the last to match counts.
		for i, label := range r.labels {
			if k := 2 * (i + 1); label == n && k+1 < len(m) && m[k] > lo {
				lo, hi = m[k], m[k+1]
			}
		}
	}
	if lo < 0 {
		return ""
	}
	return s[lo:hi]
}

// part is a piece of a replacement: a literal text, then a group (-1: none).
type part struct {
	text  string
	group int
}

// parseReplacement reads $N, \$ and \\. A number takes as many digits as there are
// groups for; a single digit beyond them is the empty text.
func (r *Regexp) parseReplacement(s string) ([]part, *Error) {
	if r.literal {
		return []part{{s, -1}}, nil
	}
	var parts []part
	var text strings.Builder
	bad := func(i int, msg string) *Error {
		return &Error{Pattern: s, Pos: utf8.RuneCountInString(s[:i]), Msg: msg}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '\\':
			if i+1 == len(s) || s[i+1] != '\\' && s[i+1] != '$' {
				return nil, bad(i, `in a replacement, \ stands only before \ or $ (FORX0004)`)
			}
			text.WriteByte(s[i+1])
			i += 2
		case '$':
			if i++; i == len(s) || s[i] < '0' || s[i] > '9' {
				return nil, bad(i-1, `in a replacement, $ stands only before the number of a group; a literal one is written \$ (FORX0004)`)
			}
			n := int(s[i] - '0')
			for i++; i < len(s) && s[i] >= '0' && s[i] <= '9' && n*10+int(s[i]-'0') <= r.groups; i++ {
				n = n*10 + int(s[i]-'0')
			}
			if n <= r.groups {
				parts = append(parts, part{text.String(), n})
				text.Reset()
			}
		default:
			text.WriteByte(c)
			i++
		}
	}
	return append(parts, part{text.String(), -1}), nil
}

// Replace replaces every match in s. In the replacement $N is what group N matched, $0
// the whole match, \$ and \\ the characters themselves. An expression that matches the
// empty text is an error, as XPath has it.
func (r *Regexp) Replace(s, replacement string, spend func(steps int)) (string, error) {
	parts, err := r.parseReplacement(replacement)
	if err != nil {
		return "", err
	}
	if r.empty {
		return "", &Error{Pattern: r.pattern, Msg: "an expression that matches the empty text can't be replaced (FORX0003)"}
	}
	var out strings.Builder
	at := 0
	for _, m := range r.all(s, spend) {
		out.WriteString(s[at:m[0]])
		for _, p := range parts {
			out.WriteString(p.text)
			if p.group >= 0 {
				out.WriteString(r.group(s, m, p.group))
			}
			if out.Len() > maxResult {
				return "", &Error{Pattern: replacement, Construct: "result of more than 16 MiB", Msg: "the replaced text is too long"}
			}
		}
		at = m[1]
	}
	out.WriteString(s[at:])
	return out.String(), nil
}

// Split gives the pieces of s between the matches; empty pieces stay. Where the
// expression matches the empty text (see MatchesEmpty), it splits between characters,
// but neither before the first nor behind the last.
func (r *Regexp) Split(s string, spend func(steps int)) []string {
	var out []string
	at := 0
	for _, m := range r.all(s, spend) {
		if m[0] == m[1] && (m[0] == 0 || m[0] == len(s)) {
			continue
		}
		out = append(out, s[at:m[0]])
		at = m[1]
	}
	return append(out, s[at:])
}
