// SPDX-License-Identifier: EUPL-1.2

package xpath

import (
	"fmt"
	"strings"
	"unicode"
)

// op is the kind of a node.
type op uint8

const (
	opEmpty   op = iota // the empty string
	opSet               // one character of a set
	opBegin             // ^
	opEnd               // $
	opConcat            // subs, one after the other
	opAlt               // one of subs, the first that leads to a match
	opRepeat            // subs[0], min to max times (max < 0: no limit)
	opCapture           // subs[0], remembered as group n
	opBackref           // what group n matched
)

// node is a piece of an expression. Nodes are never changed after they are made, so
// they may be shared.
type node struct {
	op       op
	set      set
	src      string // opSet: how package regexp writes the set in short, if it can
	subs     []*node
	min, max int
	lazy     bool
	n        int // opCapture, opBackref: the number of the group
	pos      int // opBackref: where it stands in the pattern
}

// parser reads the grammar of F&O 3.1, 5.6.1, by recursive descent.
type parser struct {
	pattern  string
	src      []rune
	at       []int // position in pattern of each rune of src, and of its end
	i        int
	depth    int
	fold     bool // flag i
	folder   folder
	dotAll   bool // flag s
	groups   int  // capturing groups opened so far
	closed   []bool
	order    []int            // the groups in the order in which they close
	referred map[int]bool     // groups that are referred back to
	cache    map[string]*node // category and class escapes
}

func newParser(pattern string, f flags) *parser {
	p := &parser{pattern: pattern, fold: f.fold, dotAll: f.dotAll, closed: []bool{true}, cache: map[string]*node{}, referred: map[int]bool{}}
	if f.strip {
		p.strip(pattern)
		return p
	}
	p.src = []rune(pattern)
	p.at = make([]int, len(p.src)+1)
	for i := range p.at {
		p.at[i] = i
	}
	return p
}

// strip does what flag x asks: white space goes, except inside a character class.
func (p *parser) strip(pattern string) {
	escaped, depth, i := false, 0, 0
	for _, r := range pattern {
		if depth > 0 || !strings.ContainsRune(" \t\n\r", r) {
			p.src = append(p.src, r)
			p.at = append(p.at, i)
			switch {
			case escaped:
				escaped = false
			case r == '\\':
				escaped = true
			case r == '[':
				depth++
			case r == ']' && depth > 0:
				depth--
			}
		}
		i++
	}
	p.at = append(p.at, i)
}

// fail is an error at position i of src; construct names what can't be mapped.
func (p *parser) fail(i int, construct, format string, args ...any) *Error {
	i = min(i, len(p.src))
	return &Error{Pattern: p.pattern, Pos: p.at[i], Construct: construct, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) end() bool { return p.i >= len(p.src) }

// peek is the rune k places ahead, or -1.
func (p *parser) peek(k int) rune {
	if p.i+k >= len(p.src) {
		return -1
	}
	return p.src[p.i+k]
}

// parse reads the whole pattern.
func (p *parser) parse() (*node, *Error) {
	n, err := p.alt()
	if err != nil {
		return nil, err
	}
	if !p.end() { // alt stops only at the end or at a parenthesis
		return nil, p.fail(p.i, "", "there is a ) without a (; a literal parenthesis is written \\)")
	}
	return n, nil
}

// alt: branch ('|' branch)*
func (p *parser) alt() (*node, *Error) {
	var branches []*node
	for {
		b, err := p.branch()
		if err != nil {
			return nil, err
		}
		branches = append(branches, b)
		if p.peek(0) != '|' {
			break
		}
		p.i++
	}
	if len(branches) == 1 {
		return branches[0], nil
	}
	return &node{op: opAlt, subs: branches}, nil
}

// branch: piece*
func (p *parser) branch() (*node, *Error) {
	var pieces []*node
	for !p.end() && p.peek(0) != '|' && p.peek(0) != ')' {
		n, err := p.piece()
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, n)
	}
	return concat(pieces...), nil
}

// concat joins nodes.
func concat(pieces ...*node) *node {
	switch len(pieces) {
	case 0:
		return &node{op: opEmpty}
	case 1:
		return pieces[0]
	}
	return &node{op: opConcat, subs: pieces}
}

// piece: atom quantifier?
func (p *parser) piece() (*node, *Error) {
	atom, err := p.atom()
	if err != nil {
		return nil, err
	}
	start := p.i
	lo, hi := 0, -1
	switch p.peek(0) {
	case '?':
		hi = 1
		p.i++
	case '*':
		p.i++
	case '+':
		lo = 1
		p.i++
	case '{':
		if lo, hi, err = p.quantity(); err != nil {
			return nil, err
		}
	default:
		return atom, nil
	}
	lazy := false
	switch p.peek(0) {
	case '?':
		lazy = true
		p.i++
	case '+':
		q := string(p.src[start : p.i+1])
		return nil, p.fail(start, "possessive quantifier "+q, "XPath has no possessive quantifier")
	}
	if c := p.peek(0); c == '*' || c == '+' || c == '?' || c == '{' {
		return nil, p.fail(p.i, "", "%q repeats a repetition; put the first one into ( )", c)
	}
	return &node{op: opRepeat, subs: []*node{atom}, min: lo, max: hi, lazy: lazy}, nil
}

// quantity: '{' n '}' | '{' n ',' '}' | '{' n ',' m '}'
func (p *parser) quantity() (lo, hi int, err *Error) {
	start := p.i
	p.i++
	number := func() (int, bool, *Error) {
		from, v := p.i, 0
		for c := p.peek(0); c >= '0' && c <= '9'; c = p.peek(0) {
			if v = v*10 + int(c-'0'); v > maxSize {
				return 0, false, p.fail(start, "repetition of more than "+fmt.Sprint(maxSize), "the repetition is larger than what is allowed")
			}
			p.i++
		}
		return v, p.i > from, nil
	}
	lo, ok, err := number()
	if err != nil {
		return 0, 0, err
	}
	if !ok {
		return 0, 0, p.fail(start, "", "after { there must be a number, as in {2}, {2,} or {2,5}; a literal brace is written \\{")
	}
	hi = lo
	if p.peek(0) == ',' {
		p.i++
		if hi, ok, err = number(); err != nil {
			return 0, 0, err
		}
		if !ok {
			hi = -1
		}
	}
	if p.peek(0) != '}' {
		return 0, 0, p.fail(start, "", "a repetition is written {2}, {2,} or {2,5}; the closing } is missing")
	}
	p.i++
	if hi >= 0 && hi < lo {
		return 0, 0, p.fail(start, "", "the repetition {%d,%d} has its larger number first", lo, hi)
	}
	return lo, hi, nil
}

// atom: a character, a class, ^, $, a group or a back-reference.
func (p *parser) atom() (*node, *Error) {
	c := p.peek(0)
	switch c {
	case '(':
		return p.group()
	case '[':
		s, err := p.class()
		if err != nil {
			return nil, err
		}
		return &node{op: opSet, set: s}, nil
	case '.':
		p.i++
		if p.dotAll {
			return &node{op: opSet, set: set{{0, maxRune}}}, nil
		}
		return &node{op: opSet, set: set{{'\n', '\n'}, {'\r', '\r'}}.negate()}, nil
	case '^':
		p.i++
		return &node{op: opBegin}, nil
	case '$':
		p.i++
		return &node{op: opEnd}, nil
	case '\\':
		return p.escape()
	case '*', '+', '?':
		return nil, p.fail(p.i, "", "there is nothing that %q could repeat; as a literal it is written \\%c", c, c)
	case '{':
		return nil, p.fail(p.i, "", "there is nothing that { could repeat; as a literal it is written \\{")
	case '}', ']':
		return nil, p.fail(p.i, "", "there is a %c without its opening; as a literal it is written \\%c", c, c)
	}
	p.i++
	return p.literal(c), nil
}

// literal is one character, with its case-variants under flag i.
func (p *parser) literal(c rune) *node {
	s := chars(c)
	if p.fold {
		s = p.folder.fold(s)
	}
	return &node{op: opSet, set: s}
}

// group: '(' '?:'? regExp ')'
func (p *parser) group() (*node, *Error) {
	start := p.i
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(start, fmt.Sprintf("nesting deeper than %d", maxDepth), "the expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	p.i++
	n := 0
	if p.peek(0) == '?' {
		if p.peek(1) != ':' {
			return nil, p.foreignGroup(start)
		}
		p.i += 2
	} else {
		p.groups++
		n = p.groups
		p.closed = append(p.closed, false)
	}
	inner, err := p.alt()
	if err != nil {
		return nil, err
	}
	if p.peek(0) != ')' {
		return nil, p.fail(start, "", "the group isn't closed: ) is missing; a literal parenthesis is written \\(")
	}
	p.i++
	if n == 0 {
		return inner, nil
	}
	p.closed[n] = true
	p.order = append(p.order, n)
	return &node{op: opCapture, n: n, subs: []*node{inner}}, nil
}

// foreignGroup names a group that other dialects have and XPath hasn't.
func (p *parser) foreignGroup(start int) *Error {
	rest := string(p.src[p.i:min(p.i+4, len(p.src))])
	name := ""
	switch {
	case strings.HasPrefix(rest, "?="):
		name = "look-ahead (?="
	case strings.HasPrefix(rest, "?!"):
		name = "negative look-ahead (?!"
	case strings.HasPrefix(rest, "?<="):
		name = "look-behind (?<="
	case strings.HasPrefix(rest, "?<!"):
		name = "negative look-behind (?<!"
	case strings.HasPrefix(rest, "?>"):
		name = "atomic group (?>"
	case strings.HasPrefix(rest, "?P"), strings.HasPrefix(rest, "?<"), strings.HasPrefix(rest, "?'"):
		name = "named group (" + string(p.src[p.i:min(p.i+2, len(p.src))])
	case strings.HasPrefix(rest, "?#"):
		name = "comment (?#"
	case strings.HasPrefix(rest, "?("):
		name = "conditional group (?("
	case len(rest) > 1 && (rest[1] == '-' || unicode.IsLetter(p.peek(1))):
		return p.fail(start, "inline flags (?"+string(p.peek(1)), "XPath takes flags as an argument of their own, not inside the expression")
	default:
		return p.fail(start, "", "after (? there must be a colon, as in (?:a|b)")
	}
	return p.fail(start, name, "XPath has no such group")
}

// escape reads what starts with a backslash, outside a class.
func (p *parser) escape() (*node, *Error) {
	start := p.i
	if c := p.peek(1); c >= '0' && c <= '9' {
		return p.backReference()
	}
	key, single, set, src, err := p.escaped()
	if err != nil {
		return nil, err
	}
	if set == nil {
		return p.literal(single), nil
	}
	if n := p.cache[key]; n != nil {
		return n, nil
	}
	n := &node{op: opSet, set: set, src: src, pos: start}
	p.cache[key] = n
	return n, nil
}

// backReference: '\' [1-9][0-9]*. Digits belong to the number as long as so many
// groups were opened before.
func (p *parser) backReference() (*node, *Error) {
	start := p.i
	p.i++
	n := int(p.peek(0) - '0')
	p.i++
	if n == 0 {
		return nil, p.fail(start, `\0`, "groups are counted from 1; there is no group 0 to refer back to")
	}
	for c := p.peek(0); c >= '0' && c <= '9' && n*10+int(c-'0') <= p.groups; c = p.peek(0) {
		n = n*10 + int(c-'0')
		p.i++
	}
	name := fmt.Sprintf(`back-reference \%d`, n)
	if n > p.groups {
		return nil, p.fail(start, name, "there is no group %d before it", n)
	}
	if !p.closed[n] {
		return nil, p.fail(start, name, "group %d is still open where it is referred to", n)
	}
	p.referred[n] = true
	return &node{op: opBackref, n: n, pos: p.at[start]}, nil
}

// foreignEscape names an escape of another dialect.
func foreignEscape(c rune) string {
	switch c {
	case 'b', 'B':
		return `word boundary \` + string(c)
	case 'A', 'z', 'Z', 'G':
		return `anchor \` + string(c)
	case 'x', 'u', 'U', 'N', 'o':
		return `character code \` + string(c)
	case 'Q', 'E':
		return `quotation \` + string(c)
	case 'k', 'g':
		return `named back-reference \` + string(c)
	case 'h', 'H', 'v', 'V', 'R', 'X', 'K':
		return `escape \` + string(c)
	case 'f', 'a', 'e':
		return `control character \` + string(c)
	}
	return ""
}

// escaped reads an escape that is no back-reference. A single character has no set; a
// set has a key, for the cache, and may have a short form for package regexp.
func (p *parser) escaped() (key string, single rune, s set, src string, err *Error) {
	start := p.i
	c := p.peek(1)
	p.i += 2
	switch c {
	case -1:
		return "", 0, nil, "", p.fail(start, "", "the expression ends with a lone backslash; a literal one is written \\\\")
	case 'n':
		return "", '\n', nil, "", nil
	case 'r':
		return "", '\r', nil, "", nil
	case 't':
		return "", '\t', nil, "", nil
	case '\\', '|', '.', '?', '*', '+', '(', ')', '{', '}', '$', '-', '[', ']', '^':
		return "", c, nil, "", nil
	case 'p', 'P':
		return p.property(start, c == 'P')
	}
	key = string(c)
	if n := p.cache[key]; n != nil {
		return key, 0, n.set, n.src, nil
	}
	switch c {
	case 's', 'S':
		s = set{{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}}
	case 'd', 'D':
		s, src = fromTable(unicode.Nd), `\p{Nd}`
	case 'w', 'W':
		s, src = wordChars(), `[\pL\pM\pN\pS]`
	case 'i', 'I':
		s = nameStart()
	case 'c', 'C':
		s = nameChar()
	default:
		if name := foreignEscape(c); name != "" {
			return "", 0, nil, "", p.fail(start, name, "XPath has no such escape")
		}
		return "", 0, nil, "", p.fail(start, "", "\\%c is no escape of XPath; only special characters are escaped", c)
	}
	if unicode.IsUpper(c) {
		s = s.negate()
		switch c {
		case 'D':
			src = `\P{Nd}`
		case 'W':
			src = `[^\pL\pM\pN\pS]`
		}
	}
	return key, 0, s, src, nil
}

// property reads what follows \p or \P.
func (p *parser) property(start int, not bool) (string, rune, set, string, *Error) {
	bad := func(construct, format string, args ...any) (string, rune, set, string, *Error) {
		return "", 0, nil, "", p.fail(start, construct, format, args...)
	}
	if p.peek(0) != '{' {
		return bad("", "after \\p there must be a category in braces, as in \\p{Lu}")
	}
	end := p.i + 1
	for end < len(p.src) && p.src[end] != '}' {
		end++
	}
	if end == len(p.src) {
		return bad("", "the } after \\p{ is missing")
	}
	name := string(p.src[p.i+1 : end])
	p.i = end + 1
	key := "p" + name
	if not {
		key = "P" + name
	}
	if n := p.cache[key]; n != nil {
		return key, 0, n.set, n.src, nil
	}
	s, src, ok := category(name)
	if !ok {
		blockName, isBlock := strings.CutPrefix(name, "Is")
		if s, ok = block(blockName); !ok || !isBlock {
			if isBlock {
				return bad("block "+blockName, "there is no Unicode block of this name (a block's name without its spaces, as in \\p{IsLatin-1Supplement})")
			}
			return bad("category "+name, "there is no such category in XPath; categories are one or two letters, as in \\p{L} or \\p{Nd}, blocks start with Is")
		}
	}
	if not {
		s = s.negate()
		if src != "" {
			src = `\P` + src[2:]
		}
	}
	return key, 0, s, src, nil
}

// class reads a character class expression, from [ to ].
//
// An unescaped hyphen is a range between two characters, a subtraction before [, and
// otherwise itself.
func (p *parser) class() (set, *Error) {
	start := p.i
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(start, fmt.Sprintf("nesting deeper than %d", maxDepth), "the expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	p.i++
	not := false
	if p.peek(0) == '^' {
		not = true
		p.i++
	}
	var plain, escapes set // flag i is for the first only
	var sub set
	parts := 0
	open := func() *Error {
		return p.fail(start, "", "the character class isn't closed: ] is missing; a literal bracket is written \\[")
	}
loop:
	for {
		c := p.peek(0)
		switch {
		case c == -1:
			return nil, open()
		case c == ']':
			if parts == 0 {
				return nil, p.fail(start, "", "a character class can't be empty; a literal bracket is written \\]")
			}
			p.i++
			break loop
		case c == '[':
			if n := p.peek(1); n == ':' || n == '.' || n == '=' {
				return nil, p.fail(p.i, "POSIX class [[:", "XPath writes categories as \\p{L}; a literal bracket is written \\[")
			}
			return nil, p.fail(p.i, "", "a [ inside a character class is written \\[, or -[ to take characters away")
		case c == '-' && p.peek(1) == '[':
			if parts == 0 {
				return nil, p.fail(p.i, "", "there is nothing in the class to take characters away from")
			}
			p.i++
			var err *Error
			if sub, err = p.class(); err != nil {
				return nil, err
			}
			if p.peek(0) == -1 {
				return nil, open()
			}
			if p.peek(0) != ']' {
				return nil, p.fail(p.i, "", "after the class that is taken away the outer class must end with ]")
			}
			p.i++
			break loop
		}
		at := p.i
		lo, multi, err := p.classChar()
		if err != nil {
			return nil, err
		}
		parts++
		if multi != nil {
			if escapes = append(escapes, multi...); len(escapes) > maxSpans/8 {
				escapes = normal(escapes)
			}
			continue
		}
		if next := p.peek(1); p.peek(0) != '-' || next == '[' || next == ']' {
			plain = append(plain, span{lo, lo})
			continue
		}
		if p.peek(1) == -1 {
			return nil, open()
		}
		if c == '-' || p.peek(1) == '-' {
			return nil, p.fail(at, "", "a hyphen as the end of a range is written \\-")
		}
		p.i++
		hi, multi, err := p.classChar()
		switch {
		case err != nil:
			return nil, err
		case multi != nil:
			return nil, p.fail(at, "", "a range can't end with a class like \\d; a literal hyphen is written \\-")
		case hi < lo:
			return nil, p.fail(at, "", "the range %c-%c runs backwards", lo, hi)
		}
		plain = append(plain, span{lo, hi})
	}
	plain = normal(plain)
	if p.fold {
		plain = p.folder.fold(plain)
	}
	s := union(plain, escapes)
	if not {
		s = s.negate()
	}
	if sub != nil {
		s = s.subtract(sub)
	}
	if s == nil {
		s = set{}
	}
	return s, nil
}

// classChar reads one character of a class, or an escape that stands for several.
func (p *parser) classChar() (rune, set, *Error) {
	c := p.peek(0)
	if c != '\\' {
		p.i++
		return c, nil, nil
	}
	if d := p.peek(1); d >= '0' && d <= '9' {
		return 0, nil, p.fail(p.i, `back-reference \`+string(d)+" in a character class", "a class can't refer back to a group")
	}
	start := p.i
	key, single, s, src, err := p.escaped()
	if err != nil {
		return 0, nil, err
	}
	if s == nil {
		return single, nil, nil
	}
	if p.cache[key] == nil {
		p.cache[key] = &node{op: opSet, set: s, src: src, pos: start}
	}
	return 0, s, nil
}
