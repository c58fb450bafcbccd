// SPDX-License-Identifier: EUPL-1.2

package i18n

import (
	"fmt"
	"strconv"
	"strings"
)

// Localizer writes in one language. It is immutable and shared by all requests.
type Localizer struct {
	lang   string
	cat    *Catalogue
	format format
}

// Lang is the language's tag: de, en, tr.
func (l *Localizer) Lang() string { return l.lang }

// Languages lists the languages that there are, German first.
func (l *Localizer) Languages() []string { return l.cat.Languages() }

// Has tells whether there is a message with this key.
func (l *Localizer) Has(key string) bool {
	_, _, ok := l.find(key)
	return ok
}

// find looks a message up in this language, in its parent (de-simple: de) and in German.
func (l *Localizer) find(key string) (message, string, bool) {
	if m, ok := l.cat.messages[l.lang][key]; ok {
		return m, l.lang, true
	}
	if m, ok := l.cat.messages[Fallback][key]; ok {
		return m, Fallback, true
	}
	return message{}, "", false
}

// T is the message of a key with its placeholders filled; args alternate between
// a placeholder's name and its value. A number among the values is written the
// way the language writes numbers; n also chooses the plural form. A key that
// nobody defined is returned as it is, so that it is seen.
func (l *Localizer) T(key string, args ...any) string {
	m, lang, ok := l.find(key)
	if !ok {
		return key
	}
	cat := "other"
	if len(m.forms) > 1 {
		if n, ok := intArg(args, "n"); ok {
			cat = pluralCategory(lang, n)
			if _, has := m.forms[cat]; !has {
				cat = "other"
			}
		}
	}
	parts := m.forms[cat]
	if len(parts) == 1 && parts[0].arg == "" {
		return parts[0].text
	}
	var b strings.Builder
	for _, p := range parts {
		if p.arg == "" {
			b.WriteString(p.text)
			continue
		}
		v, ok := argOf(args, p.arg)
		if !ok {
			b.WriteString("{" + p.arg + "}")
			continue
		}
		b.WriteString(l.show(v))
	}
	return b.String()
}

// Pick chooses from texts that come with data, not with a catalogue (the name of
// a service in four languages): this language, then German, then any other by name.
func (l *Localizer) Pick(texts map[string]string) string {
	if t := texts[l.lang]; t != "" {
		return t
	}
	if t := texts[Fallback]; t != "" {
		return t
	}
	best := ""
	for lang := range texts {
		if texts[lang] != "" && (best == "" || lang < best) {
			best = lang
		}
	}
	return texts[best]
}

func (l *Localizer) show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return l.Number(int64(v))
	case int64:
		return l.Number(v)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

func argOf(args []any, name string) (any, bool) {
	for i := 0; i+1 < len(args); i += 2 {
		if s, ok := args[i].(string); ok && s == name {
			return args[i+1], true
		}
	}
	return nil, false
}

func intArg(args []any, name string) (int64, bool) {
	v, ok := argOf(args, name)
	if !ok {
		return 0, false
	}
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case uint:
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// pluralCategory is the CLDR cardinal category of a whole number. German,
// English and Turkish know only one and other.
func pluralCategory(_ string, n int64) string {
	if n == 1 || n == -1 {
		return "one"
	}
	return "other"
}
