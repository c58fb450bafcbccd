// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// A translation says which German text it is a translation of: the property source.en of
// a field lists, for each of its texts that is written in English, a mark of the German
// text as it was ("label=1a2b3c4d help=99aa00ff"). When the German text changes, the mark
// no longer fits, and the translation is older than what it says. Marks stand in
// properties, so form editors keep them; Translated writes them.

// sourceProp is the property with the marks of a language, but for the language.
const sourceProp = "source."

// Outdated is a translation that is older than the German text.
type Outdated struct {
	Name   string // label, help, why, use, keep, section, row, text, value.X, message.X
	German string // as it is now
}

// namedText is a text of a field, with its name among them.
type namedText struct {
	name string
	text Text
}

// texts are all texts of the field that are translated.
func (f *Field) texts() []namedText {
	out := []namedText{{"label", f.Label}, {"help", f.Help}, {"why", f.Why}, {"use", f.Use}, {"keep", f.Keep}, {"section", f.Section}, {"row", f.Row}, {"text", f.Content}}
	for _, o := range f.Options {
		out = append(out, namedText{"value." + optionText(o.Value), o.Label})
	}
	messages := map[string]Text{}
	for k, v := range f.Props {
		rest, ok := strings.CutPrefix(k, "message.")
		if !ok {
			continue
		}
		name, lang, ok := strings.Cut(rest, ".")
		if !ok {
			lang = "de"
		}
		if messages[name] == nil {
			messages[name] = Text{}
		}
		messages[name][lang] = v
	}
	names := make([]string, 0, len(messages))
	for name := range messages {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		out = append(out, namedText{"message." + name, messages[name]})
	}
	return slices.DeleteFunc(out, func(s namedText) bool { return s.text["de"] == "" })
}

// markOf is the mark of a German text. Where a line breaks says nothing.
func markOf(german string) string {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(german), " ")))
	return hex.EncodeToString(sum[:4])
}

// marks reads the marks of a language, by the names of the texts.
func (f *Field) marks(lang string) map[string]string {
	out := map[string]string{}
	for _, pair := range strings.Fields(f.Props[sourceProp+lang]) {
		// An option's value may hold anything but a space; the mark doesn't hold "=".
		if i := strings.LastIndexByte(pair, '='); i > 0 {
			out[pair[:i]] = pair[i+1:]
		}
	}
	return out
}

// markName is the name as it stands among the marks, which spaces part.
func markName(name string) string { return strings.Join(strings.Fields(name), "_") }

// Outdated are the texts of the field whose translation is older than the German text.
// A translation without a mark isn't known to be.
func (f *Field) Outdated(lang string) []Outdated {
	if f.Props[sourceProp+lang] == "" {
		return nil
	}
	var out []Outdated
	marks := f.marks(lang)
	for _, s := range f.texts() {
		if m := marks[markName(s.name)]; s.text[lang] != "" && m != "" && m != markOf(s.text["de"]) {
			out = append(out, Outdated{s.name, s.text["de"]})
		}
	}
	return out
}

// Outdated is whether the title is older than the German one.
func (p *Page) Outdated(lang string) bool {
	return p.titleField != nil && len(p.titleField.Outdated(lang)) > 0
}

// languages are those, besides German, that the field has a text in, sorted.
func (f *Field) languages() []string {
	var out []string
	for _, s := range f.texts() {
		for lang := range s.text {
			if lang != "de" && !slices.Contains(out, lang) {
				out = append(out, lang)
			}
		}
	}
	sort.Strings(out)
	return out
}

// translations finds translations that are older than the German text, and, if they are
// to have marks, those without.
func (c *checker) translations(f *Field) {
	for _, lang := range f.languages() {
		marks := f.marks(lang)
		for _, s := range f.texts() {
			if s.text[lang] == "" {
				continue
			}
			switch m := marks[markName(s.name)]; {
			case m == "" && c.opt.Marked:
				c.add(f, "%s: %s in %s doesn't say which German text it is a translation of: mercator form translated", cmpName(f), s.name, lang)
			case m != "" && m != markOf(s.text["de"]):
				c.add(f, "%s: %s in %s is older than the German text: translate it anew, then mercator form translated --lang %s --field %s", cmpName(f), s.name, lang, lang, cmpName(f))
			}
		}
	}
}

// Translated marks translations as those of today's German texts: in the given
// languages, none: all, and of the given fields, by name or id, none: all. Nothing else
// of the source changes, its layout neither. It tells how many properties are new.
func Translated(file string, src []byte, langs, fields []string) ([]byte, int, error) {
	f, err := Parse(file, src)
	if err != nil {
		return nil, 0, err
	}
	root, err := readJSON(file, src)
	if err != nil {
		return nil, 0, err
	}
	at := map[[2]int]*Field{}
	found := map[string]bool{}
	walk(f.Fields, func(fd *Field) {
		at[[2]int{fd.Line, fd.Col}] = fd
		found[fd.Name], found[fd.ID] = true, true
	})
	for _, name := range fields {
		if name == "" || !found[name] {
			return nil, 0, fmt.Errorf("%s has no field %q", file, name)
		}
	}
	e := editor{src: src}
	e.lines = []int{0}
	for i, c := range src {
		if c == '\n' {
			e.lines = append(e.lines, i+1)
		}
	}
	var visit func(n *node)
	visit = func(n *node) {
		for _, it := range n.items {
			visit(it)
		}
		fd := at[[2]int{n.line, n.col}]
		props := n.get("properties")
		if fd == nil || n.kind != 'o' || props == nil || len(props.items) == 0 {
			return
		}
		if len(fields) > 0 && !slices.Contains(fields, fd.Name) && !slices.Contains(fields, fd.ID) {
			return
		}
		for _, lang := range fd.languages() {
			if len(langs) > 0 && !slices.Contains(langs, lang) {
				continue
			}
			var marks []string
			for _, s := range fd.texts() {
				if s.text[lang] != "" {
					marks = append(marks, markName(s.name)+"="+markOf(s.text["de"]))
				}
			}
			e.set(props, sourceProp+lang, strings.Join(marks, " "))
		}
	}
	visit(root)
	return e.result(), e.count, nil
}

// editor changes the values of an object in a JSON text and leaves everything else as it is.
type editor struct {
	src   []byte
	lines []int // where each begins
	edits []edit
	count int
}

type edit struct {
	from, to int
	text     string
}

func (e *editor) offset(n *node) int { return e.lines[n.line-1] + n.col - 1 }

// end is the place after the text that begins at from.
func (e *editor) end(from int) int {
	for i := from + 1; i < len(e.src); i++ {
		switch e.src[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(e.src)
}

// set gives a member of an object of texts its value.
func (e *editor) set(obj *node, key, value string) {
	if old := obj.get(key); old != nil {
		if from := e.offset(old); old.text != value {
			e.edits = append(e.edits, edit{from, e.end(from), quote(value)})
			e.count++
		}
		return
	}
	// Behind the last member, as that one stands behind the one before it, or behind the brace.
	last := obj.items[len(obj.items)-1]
	before := e.offset(obj) + 1
	if len(obj.items) > 1 {
		before = e.end(e.offset(obj.items[len(obj.items)-2])) + 1
	}
	space := ""
	for i := before; i < len(e.src) && bytes.IndexByte([]byte(" \t\r\n"), e.src[i]) >= 0; i++ {
		space += string(e.src[i])
	}
	to := e.end(e.offset(last))
	e.edits = append(e.edits, edit{to, to, "," + space + quote(key) + ": " + quote(value)})
	e.count++
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

func (e *editor) result() []byte {
	sort.SliceStable(e.edits, func(i, j int) bool { return e.edits[i].from < e.edits[j].from })
	var out []byte
	pos := 0
	for _, x := range e.edits {
		out = append(append(out, e.src[pos:x.from]...), x.text...)
		pos = x.to
	}
	return append(out, e.src[pos:]...)
}
