// SPDX-License-Identifier: EUPL-1.2

package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
)

// Fallback is the language that every message exists in.
const Fallback = "de"

// Simple is plain German (Leichte Sprache), for those who use a service: a variety of
// German, which speaks where it lacks a message. Its dates and numbers are German.
const Simple = "de-simple"

// Required are the languages that every message has to be written in. Plain language
// has to have the messages of every room that has a catalogue of it, but those that are
// only said at the desk; any other language falls back to German where it lacks one.
var Required = [...]string{"de", "en", "tr"}

// maxCatalogue bounds one catalogue file.
const maxCatalogue = 1 << 20

// Catalogue is the merged, immutable set of messages of all rooms.
type Catalogue struct {
	langs    []string
	messages map[string]map[string]message // language, key
	locs     map[string]*Localizer
	problems []string
	simple   []scope // rooms with a catalogue of plain language
}

// scope is what a catalogue of plain language has to say: the German messages of its
// folder, but those below the keys of desk.
type scope struct {
	keys []string
	desk []string
}

// deskKey lists, in a catalogue of plain language, what only the desk says.
const deskKey = "desk"

// message is a text cut at its placeholders: one form, or one for each plural category.
type message struct {
	forms map[string][]part // plural category; the only one of a plain message is "other"
}

type part struct {
	text string
	arg  string // set: the placeholder's name, text is empty
}

// Load reads every file messages.LANG.toml in the given file systems, at any
// depth, and merges them. Two rooms that define one key are an error, as is a
// file that can't be read as a catalogue; a missing translation is not (Missing).
func Load(sources ...fs.FS) (*Catalogue, error) {
	c := &Catalogue{messages: map[string]map[string]message{}, locs: map[string]*Localizer{}}
	var errs []error
	for _, src := range sources {
		err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			base := path.Base(name)
			if d.IsDir() || !strings.HasPrefix(base, "messages.") || !strings.HasSuffix(base, ".toml") {
				return nil
			}
			lang := strings.TrimSuffix(strings.TrimPrefix(base, "messages."), ".toml")
			return c.add(src, name, lang)
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("i18n: load catalogues: %w", err)
	}
	if _, ok := c.messages[Fallback]; !ok {
		c.messages[Fallback] = map[string]message{}
	}
	for l := range c.messages {
		c.langs = append(c.langs, l)
	}
	sort.Slice(c.langs, func(i, j int) bool { return langRank(c.langs[i]) < langRank(c.langs[j]) })
	for _, l := range c.langs {
		c.locs[l] = &Localizer{lang: l, cat: c, format: formatOf(l)}
	}
	c.problems = c.findProblems()
	return c, nil
}

// langRank puts German first, then the other required languages, then the rest by name.
func langRank(l string) string {
	if i := slices.Index(Required[:], l); i >= 0 {
		return string(rune('0' + i))
	}
	return "9" + l
}

func (c *Catalogue) add(src fs.FS, name, lang string) error {
	data, err := fs.ReadFile(src, name)
	if err != nil {
		return err
	}
	if len(data) > maxCatalogue {
		return fmt.Errorf("%s: larger than %d bytes", name, maxCatalogue)
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if c.messages[lang] == nil {
		c.messages[lang] = map[string]message{}
	}
	if lang == Simple {
		if err := c.scope(src, name, tree); err != nil {
			return err
		}
	}
	return c.flatten(c.messages[lang], name, "", tree)
}

// scope notes what a catalogue of plain language has to say, and takes the list of what
// is only said at the desk out of it.
func (c *Catalogue) scope(src fs.FS, name string, tree map[string]any) error {
	var s scope
	if list, ok := tree[deskKey].([]any); ok {
		for _, x := range list {
			key, ok := x.(string)
			if !ok {
				return fmt.Errorf("%s: %s lists keys", name, deskKey)
			}
			s.desk = append(s.desk, key)
		}
		delete(tree, deskKey)
	}
	data, err := fs.ReadFile(src, path.Join(path.Dir(name), "messages."+Fallback+".toml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var german map[string]any
	if err := toml.Unmarshal(data, &german); err != nil {
		return nil // told when the file itself is read
	}
	room := map[string]message{}
	if err := c.flatten(room, name, "", german); err != nil {
		return nil
	}
	for key := range room {
		s.keys = append(s.keys, key)
	}
	c.simple = append(c.simple, s)
	return nil
}

// missing are the problems of a room's catalogue of plain language.
func (s scope) missing(c *Catalogue) []string {
	var out []string
	used := map[string]bool{}
	for _, key := range s.keys {
		desk := false
		for _, d := range s.desk {
			if key == d || strings.HasPrefix(key, d+".") {
				desk, used[d] = true, true
			}
		}
		if _, ok := c.messages[Simple][key]; !ok && !desk {
			out = append(out, fmt.Sprintf("%s: %s is missing: write %q in plain language, or name it under %s if only the desk says it", Simple, key, c.locs[Fallback].T(key), deskKey))
		}
	}
	for _, d := range s.desk {
		if !used[d] {
			out = append(out, fmt.Sprintf("%s: %s lists %s, which there isn't", Simple, deskKey, d))
		}
	}
	return out
}

func (c *Catalogue) flatten(into map[string]message, file, prefix string, tree map[string]any) error {
	var errs []error
	put := func(key string, m message) {
		if _, dup := into[key]; dup {
			errs = append(errs, fmt.Errorf("%s: key %s is defined twice", file, key))
			return
		}
		into[key] = m
	}
	for k, v := range tree {
		key := k
		if prefix != "" {
			key = prefix + "." + k
		}
		switch v := v.(type) {
		case string:
			parts, err := compile(v)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", file, key, err))
				continue
			}
			put(key, message{forms: map[string][]part{"other": parts}})
		case map[string]any:
			if !isPlural(v) {
				if err := c.flatten(into, file, key, v); err != nil {
					errs = append(errs, err)
				}
				continue
			}
			m := message{forms: map[string][]part{}}
			for cat, text := range v {
				parts, err := compile(text.(string))
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %s.%s: %w", file, key, cat, err))
				}
				m.forms[cat] = parts
			}
			put(key, m)
		default:
			errs = append(errs, fmt.Errorf("%s: %s is a %T, not a text", file, key, v))
		}
	}
	return errors.Join(errs...)
}

// isPlural tells whether a table is one message with plural forms: only
// categories as keys, "other" among them, only texts as values.
func isPlural(t map[string]any) bool {
	if _, ok := t["other"]; !ok || len(t) < 2 {
		return false
	}
	for k, v := range t {
		switch k {
		case "zero", "one", "two", "few", "many", "other":
		default:
			return false
		}
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

// compile cuts a text at its placeholders. "{{" stands for a brace.
func compile(s string) ([]part, error) {
	var out []part
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			out = append(out, part{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "{{") || strings.HasPrefix(s[i:], "}}"):
			text.WriteByte(s[i])
			i++
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("placeholder without end in %q", s)
			}
			name := s[i+1 : i+end]
			if !isName(name) {
				return nil, fmt.Errorf("placeholder {%s} has no plain name", name)
			}
			flush()
			out = append(out, part{arg: name})
			i += end
		case s[i] == '}':
			return nil, fmt.Errorf("placeholder without start in %q", s)
		default:
			text.WriteByte(s[i])
		}
	}
	flush()
	return out, nil
}

func isName(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

func (m message) args() []string {
	set := map[string]bool{}
	for _, parts := range m.forms {
		for _, p := range parts {
			if p.arg != "" {
				set[p.arg] = true
			}
		}
	}
	out := make([]string, 0, len(set))
	for a := range set {
		out = append(out, a)
	}
	sort.Strings(out)
	return out
}

// Languages lists the languages that have a catalogue, German first.
func (c *Catalogue) Languages() []string { return slices.Clone(c.langs) }

// Missing lists what is incomplete, one line each: a message that a required
// language lacks, one whose placeholders differ from the German, one whose
// plural forms are not those of its language, and an empty one; and what a room's
// catalogue of plain language lacks.
func (c *Catalogue) Missing() []string { return slices.Clone(c.problems) }

func (c *Catalogue) findProblems() []string {
	var out []string
	all := map[string]bool{}
	for _, msgs := range c.messages {
		for k := range msgs {
			all[k] = true
		}
	}
	for _, s := range c.simple {
		out = append(out, s.missing(c)...)
	}
	for key := range all {
		german, hasGerman := c.messages[Fallback][key]
		for _, lang := range append(Required[:], Simple) {
			m, ok := c.messages[lang][key]
			if !ok {
				if lang != Simple {
					out = append(out, lang+": "+key+" is missing")
				}
				continue
			}
			for cat, parts := range m.forms {
				if len(parts) == 0 {
					out = append(out, lang+": "+key+" is empty ("+cat+")")
				}
			}
			if hasGerman && lang != Fallback && !slices.Equal(m.args(), german.args()) {
				out = append(out, fmt.Sprintf("%s: %s has placeholders %v, German has %v", lang, key, m.args(), german.args()))
			}
			if len(m.forms) > 1 {
				if _, ok := m.forms["one"]; !ok {
					out = append(out, lang+": "+key+" has plural forms but no form for one")
				}
			}
		}
	}
	sort.Strings(out)
	return out
}

// Rooms are the first parts of the keys that a language has a message of, sorted.
func (c *Catalogue) Rooms(lang string) []string {
	var out []string
	for key := range c.messages[lang] {
		room, _, _ := strings.Cut(key, ".")
		out = append(out, room)
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// Has tells whether German has the key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.messages[Fallback][key]
	return ok
}

// Keys lists every German key, sorted.
func (c *Catalogue) Keys() []string {
	out := make([]string, 0, len(c.messages[Fallback]))
	for k := range c.messages[Fallback] {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Localizer speaks the language, or German if there is no catalogue for it.
func (c *Catalogue) Localizer(lang string) *Localizer {
	if l, ok := c.locs[lang]; ok {
		return l
	}
	return c.locs[Fallback]
}

// Match chooses a language for a person from their wishes, most wanted first:
// language tags ("tr"), or whole Accept-Language headers ("tr-TR,de;q=0.8").
func (c *Catalogue) Match(wishes ...string) *Localizer {
	for _, w := range wishes {
		for _, tag := range acceptOrder(w) {
			for t := tag; t != ""; {
				if l, ok := c.locs[t]; ok {
					return l
				}
				i := strings.LastIndexByte(t, '-')
				if i < 0 {
					break
				}
				t = t[:i]
			}
		}
	}
	return c.locs[Fallback]
}

// acceptOrder reads an Accept-Language header into lower-case tags, most wanted
// first. At most 16 entries are looked at; what is malformed is left out.
func acceptOrder(header string) []string {
	type wish struct {
		tag string
		q   int // thousandths
	}
	var ws []wish
	for i, item := range strings.SplitN(header, ",", 17) {
		if i == 16 {
			break
		}
		tag, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		tag = strings.ToLower(strings.TrimSpace(tag))
		if tag == "" || len(tag) > 20 {
			continue
		}
		q := 1000
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			q = 0
			var scale = 1000
			for j, r := range v {
				if j > 4 {
					break
				}
				if r == '.' {
					continue
				}
				if r < '0' || r > '9' {
					q = 0
					break
				}
				q += int(r-'0') * scale
				scale /= 10
			}
		}
		if q > 0 {
			ws = append(ws, wish{tag, q})
		}
	}
	sort.SliceStable(ws, func(i, j int) bool { return ws[i].q > ws[j].q })
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.tag
	}
	return out
}
