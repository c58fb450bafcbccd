// SPDX-License-Identifier: EUPL-1.2

// Package lettertext reads letter templates: the texts of a service package that
// become letters, NAME.LANG.letter.
//
// A template is a front matter in TOML between two lines "+++" and a body of
// blocks between empty lines. The structure is read before any value is put in,
// so nothing that a person typed can add a heading or a paragraph.
//
//	+++
//	title = "Bewohnerparkausweis {{.permit.number}}"     the document
//	subject = "Ihr Bewohnerparkausweis"                  the subject line
//	salutation = "Guten Tag {{.person.name}},"
//	closing = ["Mit freundlichen Grüßen", "{{.city.name}}"]
//	[[fact]]                                             shown where the body says @facts
//	label = "Kennzeichen"
//	value = "{{.application.plate}}"
//	[card]                                               the cut-out card
//	title = "Bewohnerparkausweis"
//	cut = "Hier ausschneiden"
//	check = "Gültigkeit prüfen:"
//	alt = "QR-Code zur Prüfung der Gültigkeit"
//	[[card.large]]  [[card.fact]]                        label, value
//	[message]                                            what the postbox says
//	subject = "…"
//	body = "…"
//	+++
//	A paragraph.
//
//	## A heading
//
//	- a list
//
//	~ small print
//
//	@facts, @reasons, @remedy                            parts that are put in here
//
// Values are Go template actions with a few functions: date, dateLong, money
// (cents), number, upper, join, has, get, default, and the comparisons. A block
// that comes out empty is left out. A value that isn't there is an error, never a
// hole in a letter; what may be missing is asked for with has or get.
package lettertext

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/BurntSushi/toml"

	"mercator/core/pdf"
)

// Limits of a template and of what it makes.
const (
	MaxFile   = 64 << 10
	maxOut    = 64 << 10
	maxBlocks = 200
)

// Problem is a mistake in a template.
type Problem struct {
	File      string
	Line, Col int
	Msg       string
}

func (p Problem) Error() string { return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Msg) }

// Formats is how the letter's language writes values; *i18n.Localizer is one.
type Formats interface {
	Date(v any) string
	DateLong(v any) string
	Money(cents int64) string
	Decimal(s string) string
}

// Template is a parsed letter template. It is immutable.
type Template struct {
	file                       string
	title, subject, salutation *text
	closing                    []*text
	facts                      []pair
	card                       *card
	msgSubject, msgBody        *text
	blocks                     []block
}

type text struct {
	line int
	src  string
	t    *template.Template
}

type pair struct{ label, value *text }

type card struct {
	title, cut, check, alt *text
	large, facts           []pair
}

type block struct {
	kind  pdf.BlockKind
	place string // facts, reasons, remedy
	texts []*text
}

type tomlPair struct {
	Label string `toml:"label"`
	Value string `toml:"value"`
}

type front struct {
	Title      string     `toml:"title"`
	Subject    string     `toml:"subject"`
	Salutation string     `toml:"salutation"`
	Closing    []string   `toml:"closing"`
	Facts      []tomlPair `toml:"fact"`
	Card       *struct {
		Title string     `toml:"title"`
		Cut   string     `toml:"cut"`
		Check string     `toml:"check"`
		Alt   string     `toml:"alt"`
		Large []tomlPair `toml:"large"`
		Facts []tomlPair `toml:"fact"`
	} `toml:"card"`
	Message struct {
		Subject string `toml:"subject"`
		Body    string `toml:"body"`
	} `toml:"message"`
}

type parser struct {
	file     string
	src      string
	problems []Problem
}

func (p *parser) say(line, col int, format string, args ...any) {
	if len(p.problems) < 100 {
		p.problems = append(p.problems, Problem{p.file, line, col, fmt.Sprintf(format, args...)})
	}
}

// Parse reads a template. With problems there is no template.
func Parse(file string, src []byte) (*Template, []Problem) {
	p := &parser{file: file, src: string(src)}
	if len(src) > MaxFile {
		p.say(1, 1, "the template is larger than %d bytes", MaxFile)
		return nil, p.problems
	}
	head, body, bodyLine, ok := split(p.src)
	if !ok {
		p.say(1, 1, "a template begins with a front matter between two lines +++")
		return nil, p.problems
	}
	var f front
	meta, err := toml.Decode(head, &f)
	if err != nil {
		var pe toml.ParseError
		if errors.As(err, &pe) {
			p.say(pe.Position.Line+1, 1, "front matter: %s", pe.Message)
		} else {
			p.say(2, 1, "front matter: %v", err)
		}
		return nil, p.problems
	}
	for _, k := range meta.Undecoded() {
		p.say(p.lineOf(k[len(k)-1]), 1, "front matter: unknown key %q", k.String())
	}
	t := &Template{file: file}
	t.title, t.subject, t.salutation = p.front(f.Title), p.front(f.Subject), p.front(f.Salutation)
	t.msgSubject, t.msgBody = p.front(f.Message.Subject), p.front(f.Message.Body)
	if f.Subject == "" && f.Message.Subject == "" {
		p.say(2, 1, "front matter: a letter needs a subject")
	}
	for _, s := range f.Closing {
		t.closing = append(t.closing, p.front(s))
	}
	t.facts = p.pairs(f.Facts)
	if c := f.Card; c != nil {
		t.card = &card{title: p.front(c.Title), cut: p.front(c.Cut), check: p.front(c.Check), alt: p.front(c.Alt), large: p.pairs(c.Large), facts: p.pairs(c.Facts)}
		if len(c.Large) > 2 || len(c.Facts) > 6 {
			p.say(p.lineOf("card"), 1, "a card has room for 2 large and 6 small facts")
		}
	}
	p.body(t, body, bodyLine)
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return t, nil
}

func split(src string) (head, body string, bodyLine int, ok bool) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	rest, ok := strings.CutPrefix(src, "+++\n")
	if !ok {
		return "", "", 0, false
	}
	head, body, ok = strings.Cut(rest, "\n+++\n")
	if !ok {
		return "", "", 0, false
	}
	return head, body, strings.Count(head, "\n") + 4, true
}

// lineOf finds the line of the front matter that holds s.
func (p *parser) lineOf(s string) int {
	first, _, _ := strings.Cut(s, "\n")
	i := strings.Index(p.src, first)
	if i < 0 {
		i = strings.Index(p.src, strings.Trim(strconv.Quote(first), `"`))
	}
	if i < 0 {
		return 2
	}
	return 1 + strings.Count(p.src[:i], "\n")
}

func (p *parser) front(s string) *text { return p.text(s, p.lineOf(s)) }

func (p *parser) pairs(list []tomlPair) []pair {
	var out []pair
	for _, x := range list {
		out = append(out, pair{p.front(x.Label), p.front(x.Value)})
	}
	return out
}

func (p *parser) body(t *Template, body string, line int) {
	type raw struct {
		line  int
		lines []string
	}
	var blocks []raw
	var cur *raw
	for i, l := range strings.Split(body, "\n") {
		l = strings.TrimRight(l, " \t")
		if l == "" {
			cur = nil
			continue
		}
		if cur == nil {
			blocks = append(blocks, raw{line: line + i})
			cur = &blocks[len(blocks)-1]
		}
		cur.lines = append(cur.lines, l)
	}
	if len(blocks) > maxBlocks {
		p.say(line, 1, "more than %d blocks", maxBlocks)
		return
	}
	for _, b := range blocks {
		first := b.lines[0]
		switch {
		case strings.HasPrefix(first, "@"):
			place := strings.TrimPrefix(first, "@")
			if !slices.Contains([]string{"facts", "reasons", "remedy"}, place) || len(b.lines) > 1 {
				p.say(b.line, 1, "%q is not a part that can be put in: @facts, @reasons, @remedy", first)
			}
			t.blocks = append(t.blocks, block{place: place})
		case strings.HasPrefix(first, "## "):
			if len(b.lines) > 1 {
				p.say(b.line+1, 1, "leave a line empty after a heading")
			}
			t.blocks = append(t.blocks, block{kind: pdf.Heading, texts: []*text{p.text(first[3:], b.line)}})
		case strings.HasPrefix(first, "- "):
			out := block{kind: pdf.List}
			item, itemLine := "", b.line
			for i, l := range b.lines {
				if rest, ok := strings.CutPrefix(l, "- "); ok {
					if item != "" {
						out.texts = append(out.texts, p.text(item, itemLine))
					}
					item, itemLine = rest, b.line+i
				} else {
					item += "\n" + l
				}
			}
			out.texts = append(out.texts, p.text(item, itemLine))
			t.blocks = append(t.blocks, out)
		case strings.HasPrefix(first, "~ "):
			t.blocks = append(t.blocks, block{kind: pdf.Small, texts: []*text{p.text(strings.Join(b.lines, "\n")[2:], b.line)}})
		default:
			t.blocks = append(t.blocks, block{kind: pdf.Paragraph, texts: []*text{p.text(strings.Join(b.lines, "\n"), b.line)}})
		}
	}
}

// functions of the language: the name only, so that templates can be parsed
// without a language; Execute puts the real ones in.
func functions(f Formats, data map[string]any) template.FuncMap {
	refuse := func(...any) (string, error) { return "", fmt.Errorf("this function is not part of the language") }
	return template.FuncMap{
		"date":     func(v any) string { return f.Date(v) },
		"dateLong": func(v any) string { return f.DateLong(v) },
		"money": func(v any) (string, error) {
			n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
			if err != nil || n != float64(int64(n)) {
				return "", fmt.Errorf("money: %v is not a whole number of cents", v)
			}
			return f.Money(int64(n)), nil
		},
		"number": func(v any) (string, error) {
			s, err := plain(v)
			return f.Decimal(s), err
		},
		"upper": strings.ToUpper,
		"join": func(sep string, list []any) (string, error) {
			var out []string
			for _, v := range list {
				s, err := plain(v)
				if err != nil {
					return "", err
				}
				out = append(out, s)
			}
			return strings.Join(out, sep), nil
		},
		"has": func(path string) bool { v, ok := lookup(data, path); return ok && v != nil && v != "" },
		"get": func(path string) string {
			v, _ := lookup(data, path)
			s, err := plain(v)
			if err != nil {
				return ""
			}
			return s
		},
		"default": func(def string, v any) any {
			if v == nil || v == "" {
				return def
			}
			return v
		},
		// Numbers come from JSON and forms: 24, 24.0 and "24" are the same to an author.
		"eq": func(a any, bs ...any) bool {
			return slices.ContainsFunc(bs, func(b any) bool { return compare(a, b) == 0 })
		},
		"ne":    func(a, b any) bool { return compare(a, b) != 0 },
		"lt":    func(a, b any) bool { return compare(a, b) < 0 },
		"le":    func(a, b any) bool { return compare(a, b) <= 0 },
		"gt":    func(a, b any) bool { return compare(a, b) > 0 },
		"ge":    func(a, b any) bool { return compare(a, b) >= 0 },
		"show":  plain,
		"print": refuse, "printf": refuse, "println": refuse, "html": refuse, "js": refuse, "urlquery": refuse, "call": refuse, "slice": refuse,
	}
}

var allowed = []string{"date", "dateLong", "money", "number", "upper", "join", "has", "get", "default", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "len", "index"}

// compare orders numbers by value and everything else as text; dates are text that sorts.
func compare(a, b any) int {
	x, y := fmt.Sprint(a), fmt.Sprint(b)
	if m, err := strconv.ParseFloat(x, 64); err == nil {
		if n, err := strconv.ParseFloat(y, 64); err == nil {
			return cmp.Compare(m, n)
		}
	}
	return cmp.Compare(x, y)
}

func lookup(data map[string]any, path string) (any, bool) {
	var v any = data
	for _, name := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// plain writes a value as text of one line.
func plain(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return strings.Join(strings.Fields(x), " "), nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case int:
		return strconv.Itoa(x), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case nil:
		return "", fmt.Errorf("a value is missing")
	}
	if s, ok := v.(fmt.Stringer); ok {
		return plain(s.String())
	}
	return "", fmt.Errorf("a %T can't be written in a letter", v)
}

var parseError = regexp.MustCompile(`^template: .*?:(\d+)(?::\d+)?: (.*)$`)

// text parses a snippet whose first line is at line of the file.
func (p *parser) text(src string, line int) *text {
	x := &text{line: line, src: src}
	t, err := template.New("letter").Option("missingkey=error").Funcs(functions(nil, nil)).Parse(src)
	if err != nil {
		msg, at := err.Error(), line
		if m := parseError.FindStringSubmatch(msg); m != nil {
			n, _ := strconv.Atoi(m[1])
			at, msg = line+n-1, m[2]
		}
		p.say(at, 1, "%s", msg)
		return x
	}
	if len(t.Templates()) > 1 {
		p.say(line, 1, "define and block are not part of the language")
		return x
	}
	if t.Tree != nil && t.Root != nil {
		p.check(x, t.Root, 0)
		finish(t.Root)
	}
	x.t = t
	return x
}

func (x *text) at(pos parse.Pos) (line, col int) {
	before := x.src[:min(int(pos), len(x.src))]
	i := strings.LastIndex(before, "\n")
	return x.line + strings.Count(before, "\n"), len(before) - i
}

// check refuses what is not part of the language: it has no loops without an end,
// no recursion, no printing by formats of any width.
func (p *parser) check(x *text, n parse.Node, loops int) {
	walk(n, loops, func(n parse.Node, loops int) {
		line, col := x.at(n.Position())
		switch n := n.(type) {
		case *parse.TemplateNode:
			p.say(line, col, "template is not part of the language")
		case *parse.RangeNode:
			if loops > 1 {
				p.say(line, col, "a loop in a loop in a loop")
			}
			if len(n.Pipe.Cmds) != 1 || len(n.Pipe.Cmds[0].Args) != 1 || n.Pipe.Cmds[0].Args[0].Type() != parse.NodeField {
				p.say(line, col, "range takes a list of the data")
			}
		case *parse.IdentifierNode:
			if !slices.Contains(allowed, n.Ident) {
				p.say(line, col, "the function %q is not part of the language", n.Ident)
			}
		}
	})
}

// walk visits every node; loops counts the loops around it.
func walk(n parse.Node, loops int, visit func(parse.Node, int)) {
	branch := func(b *parse.BranchNode, loops int) {
		walk(b.Pipe, loops, visit)
		walk(b.List, loops, visit)
		if b.ElseList != nil {
			walk(b.ElseList, loops, visit)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			walk(c, loops, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, loops, visit)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			walk(c, loops, visit)
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			walk(a, loops, visit)
		}
	case *parse.ChainNode:
		walk(n.Node, loops, visit)
	case *parse.IfNode:
		branch(&n.BranchNode, loops)
	case *parse.WithNode:
		branch(&n.BranchNode, loops)
	case *parse.RangeNode:
		visit(n, loops)
		branch(&n.BranchNode, loops+1)
	default:
		visit(n, loops)
	}
}

// finish lets every action end in show, so that a value is written as one line of
// text or is an error.
func finish(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			finish(c)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier("show").SetPos(n.Pos)}})
		}
	case *parse.IfNode:
		finish(n.List)
		if n.ElseList != nil {
			finish(n.ElseList)
		}
	case *parse.WithNode:
		finish(n.List)
		if n.ElseList != nil {
			finish(n.ElseList)
		}
	case *parse.RangeNode:
		finish(n.List)
		if n.ElseList != nil {
			finish(n.ElseList)
		}
	}
}

// Known says which variables there are: the names of the first storey, and for
// some of them the names of the second (nil: any).
type Known map[string][]string

// Check parses a template and names every mistake in it, unknown variables too.
func Check(file string, src []byte, known Known) []Problem {
	t, problems := Parse(file, src)
	if t == nil {
		return problems
	}
	for _, x := range t.texts() {
		if x == nil || x.t == nil || x.t.Tree == nil {
			continue
		}
		say := func(pos parse.Pos, path []string) {
			line, col := x.at(pos)
			second, ok := known[path[0]]
			switch {
			case !ok:
				problems = append(problems, Problem{file, line, col, fmt.Sprintf("unknown variable %q", path[0])})
			case len(path) > 1 && second != nil && !slices.Contains(second, path[1]):
				problems = append(problems, Problem{file, line, col, fmt.Sprintf("%q has no %q", path[0], path[1])})
			}
		}
		dotIsElse := map[parse.Node]bool{}
		markRebound(x.t.Root, false, dotIsElse)
		walk(x.t.Root, 0, func(n parse.Node, _ int) {
			switch n := n.(type) {
			case *parse.FieldNode:
				if !dotIsElse[n] {
					say(n.Position(), n.Ident)
				}
			case *parse.VariableNode:
				if n.Ident[0] == "$" && len(n.Ident) > 1 {
					say(n.Position(), n.Ident[1:])
				}
			}
		})
		for _, m := range pathArg.FindAllStringSubmatchIndex(x.src, -1) {
			say(parse.Pos(m[2]), strings.Split(x.src[m[2]:m[3]], "."))
		}
	}
	return problems
}

var pathArg = regexp.MustCompile(`\b(?:has|get) "([A-Za-z_][A-Za-z0-9_.]*)"`)

// markRebound marks the fields inside range and with, where the dot is something else.
func markRebound(n parse.Node, rebound bool, out map[parse.Node]bool) {
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			markRebound(c, rebound, out)
		}
	case *parse.RangeNode:
		markRebound(n.Pipe, rebound, out)
		markRebound(n.List, true, out)
		if n.ElseList != nil {
			markRebound(n.ElseList, rebound, out)
		}
	case *parse.WithNode:
		markRebound(n.Pipe, rebound, out)
		markRebound(n.List, true, out)
		if n.ElseList != nil {
			markRebound(n.ElseList, rebound, out)
		}
	case *parse.IfNode:
		markRebound(n.Pipe, rebound, out)
		markRebound(n.List, rebound, out)
		if n.ElseList != nil {
			markRebound(n.ElseList, rebound, out)
		}
	case *parse.ActionNode:
		markRebound(n.Pipe, rebound, out)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			markRebound(c, rebound, out)
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			markRebound(a, rebound, out)
		}
	case *parse.FieldNode:
		if rebound {
			out[n] = true
		}
	}
}

func (t *Template) texts() []*text {
	out := []*text{t.title, t.subject, t.salutation, t.msgSubject, t.msgBody}
	out = append(out, t.closing...)
	pairs := func(list []pair) {
		for _, p := range list {
			out = append(out, p.label, p.value)
		}
	}
	pairs(t.facts)
	if c := t.card; c != nil {
		out = append(out, c.title, c.cut, c.check, c.alt)
		pairs(c.large)
		pairs(c.facts)
	}
	for _, b := range t.blocks {
		out = append(out, b.texts...)
	}
	return out
}

// Letter is what a template says with the values put in.
type Letter struct {
	Title, Subject, Salutation string
	Body                       []pdf.Block
	Closing                    []string
	Card                       *Card
	MessageSubject             string // of the postbox; the subject if the template says none
	MessageBody                string
}

// Card is the template's part of a cut-out card.
type Card struct {
	Title, Cut, Check, Alt string
	Large, Facts           []pdf.Pair
}

// Parts are what the office puts in where the body says @reasons and @remedy.
type Parts struct {
	Reasons             []string
	RemedyTitle, Remedy string
	ReasonsTitle        string
}

// Execute puts values in. Data is JSON data: maps, lists, texts, numbers, booleans.
func (t *Template) Execute(f Formats, data map[string]any, parts Parts) (l Letter, err error) {
	e := &execution{file: t.file, funcs: functions(f, data), data: data, left: maxOut}
	l.Title, l.Subject, l.Salutation = e.run(t.title), e.run(t.subject), e.run(t.salutation)
	l.MessageSubject, l.MessageBody = e.run(t.msgSubject), e.run(t.msgBody)
	if l.MessageSubject == "" {
		l.MessageSubject = l.Subject
	}
	for _, c := range t.closing {
		if s := e.run(c); s != "" {
			l.Closing = append(l.Closing, s)
		}
	}
	facts := e.pairs(t.facts)
	if c := t.card; c != nil {
		l.Card = &Card{Title: e.run(c.title), Cut: e.run(c.cut), Check: e.run(c.check), Alt: e.run(c.alt), Large: e.pairs(c.large), Facts: e.pairs(c.facts)}
	}
	for _, b := range t.blocks {
		switch b.place {
		case "facts":
			if len(facts) > 0 {
				l.Body = append(l.Body, pdf.Block{Kind: pdf.Table, Facts: facts})
			}
			continue
		case "reasons":
			if len(parts.Reasons) > 0 {
				if parts.ReasonsTitle != "" {
					l.Body = append(l.Body, pdf.Block{Kind: pdf.Heading, Text: parts.ReasonsTitle})
				}
				for _, r := range parts.Reasons {
					l.Body = append(l.Body, pdf.Block{Text: strings.Join(strings.Fields(r), " ")})
				}
			}
			continue
		case "remedy":
			if parts.Remedy != "" {
				if parts.RemedyTitle != "" {
					l.Body = append(l.Body, pdf.Block{Kind: pdf.Heading, Text: parts.RemedyTitle})
				}
				l.Body = append(l.Body, pdf.Block{Text: parts.Remedy})
			}
			continue
		}
		out := pdf.Block{Kind: b.kind}
		for _, x := range b.texts {
			s := e.run(x)
			switch {
			case s == "":
			case b.kind == pdf.List:
				out.Items = append(out.Items, s)
			default:
				out.Text = s
			}
		}
		if out.Text != "" || len(out.Items) > 0 {
			l.Body = append(l.Body, out)
		}
	}
	return l, e.err
}

type execution struct {
	file  string
	funcs template.FuncMap
	data  map[string]any
	left  int
	err   error
}

func (e *execution) pairs(list []pair) []pdf.Pair {
	var out []pdf.Pair
	for _, p := range list {
		if v := e.run(p.value); v != "" {
			out = append(out, pdf.Pair{Label: e.run(p.label), Value: v})
		}
	}
	return out
}

func (e *execution) run(x *text) string {
	if e.err != nil || x == nil || x.t == nil || x.src == "" {
		return ""
	}
	t, err := x.t.Clone()
	if err != nil {
		e.err = fmt.Errorf("%s:%d: %w", e.file, x.line, err)
		return ""
	}
	var b bytes.Buffer
	if err := t.Funcs(e.funcs).Execute(&limited{b: &b, left: &e.left}, e.data); err != nil {
		// The text of a template's error may quote a value: only the place is told.
		line := x.line
		if m := parseError.FindStringSubmatch(err.Error()); m != nil {
			n, _ := strconv.Atoi(m[1])
			line += n - 1
		}
		e.err = fmt.Errorf("%s:%d: %s", e.file, line, reason(err))
		return ""
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// reason is why an execution failed, without the values.
func reason(err error) string {
	s := err.Error()
	if i := strings.Index(s, "map has no entry for key"); i >= 0 {
		return s[i:]
	}
	if errors.Is(err, errTooLong) {
		return errTooLong.Error()
	}
	if i := strings.LastIndex(s, "error calling "); i >= 0 {
		name, _, _ := strings.Cut(s[i+len("error calling "):], ":")
		if name == "show" {
			return "a value is missing or is no text"
		}
		return "the function " + name + " can't take this value"
	}
	return "a value has the wrong type"
}

var errTooLong = errors.New("the letter is too long")

type limited struct {
	b    *bytes.Buffer
	left *int
}

func (l *limited) Write(p []byte) (int, error) {
	if *l.left -= len(p); *l.left < 0 {
		return 0, errTooLong
	}
	return l.b.Write(p)
}

// Name is the file name of a template in a language; Find looks for it, and for
// the German one where there is none.
func Name(template, lang string) string { return template + "." + lang + ".letter" }

// Find gives the text of a template in a language, else in German.
func Find(letters map[string][]byte, template, lang string) (file string, src []byte, err error) {
	for _, l := range []string{lang, "de"} {
		if src, ok := letters[Name(template, l)]; ok {
			return path.Join("letters", Name(template, l)), src, nil
		}
	}
	return "", nil, fmt.Errorf("letters/%s: %w", Name(template, lang), fs.ErrNotExist)
}
