// SPDX-License-Identifier: EUPL-1.2

package i18n

import (
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func load(t testing.TB, files map[string]string) *Catalogue {
	t.Helper()
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := Load(fs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const german = `
[case]
title = "Meine Vorgänge"
greet = "Guten Tag, {name}"
only = "Nur deutsch"
[case.open]
one = "{n} offener Vorgang"
other = "{n} offene Vorgänge"
`

const english = `
case.title = "My cases"
case.greet = "Hello {name}"
case.open.one = "{n} open case"
case.open.other = "{n} open cases"
`

const turkish = `
[case]
title = "Başvurularım"
greet = "Merhaba {isim}"
open = "{n} açık başvuru"
`

func TestMessages(t *testing.T) {
	c := load(t, map[string]string{"messages.de.toml": german, "messages.en.toml": english, "sub/messages.tr.toml": turkish})
	tests := []struct {
		lang, key string
		args      []any
		want      string
	}{
		{"de", "case.title", nil, "Meine Vorgänge"},
		{"de", "case.greet", []any{"name", "Ayşe {x}"}, "Guten Tag, Ayşe {x}"},
		{"de", "case.greet", nil, "Guten Tag, {name}"},
		{"de", "case.open", []any{"n", 1}, "1 offener Vorgang"},
		{"de", "case.open", []any{"n", 0}, "0 offene Vorgänge"},
		{"de", "case.open", []any{"n", 12345}, "12.345 offene Vorgänge"},
		{"en", "case.open", []any{"n", int64(12345)}, "12,345 open cases"},
		{"tr", "case.open", []any{"n", 1}, "1 açık başvuru"},
		{"en", "case.only", nil, "Nur deutsch"},
		{"fr", "case.title", nil, "Meine Vorgänge"},
		{"de", "case.nobody", nil, "case.nobody"},
	}
	for _, tt := range tests {
		if got := c.Localizer(tt.lang).T(tt.key, tt.args...); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.lang, tt.key, got, tt.want)
		}
	}
}

func TestMissing(t *testing.T) {
	c := load(t, map[string]string{"messages.de.toml": german, "messages.en.toml": english, "messages.tr.toml": turkish})
	got := strings.Join(c.Missing(), "\n")
	want := strings.Join([]string{
		"en: case.only is missing",
		"tr: case.greet has placeholders [isim], German has [name]",
		"tr: case.only is missing",
	}, "\n")
	if got != want {
		t.Errorf("missing:\n%s\nwant:\n%s", got, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no TOML":       {"messages.de.toml": "a = "},
		"a number":      {"messages.de.toml": "a = 1"},
		"an open brace": {"messages.de.toml": `a = "x {name"`},
		"a bad name":    {"messages.de.toml": `a = "x {na me}"`},
		"a key twice":   {"messages.de.toml": `a.b = "x"`, "other/messages.de.toml": `a.b = "y"`},
	} {
		fs := fstest.MapFS{}
		for n, text := range files {
			fs[n] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := Load(fs); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFormats(t *testing.T) {
	c := load(t, map[string]string{"messages.de.toml": "", "messages.en.toml": "", "messages.tr.toml": ""})
	at := time.Date(2026, 3, 4, 9, 5, 0, 0, time.UTC)
	tests := []struct{ what, de, en, tr string }{
		{"date", "04.03.2026", "4 Mar 2026", "04.03.2026"},
		{"long", "4. März 2026", "4 March 2026", "4 Mart 2026"},
		{"day", "Mittwoch", "Wednesday", "Çarşamba"},
		{"instant", "04.03.2026, 09:05\u00a0Uhr", "4 Mar 2026, 09:05", "04.03.2026 09:05"},
		{"money", "1.234,05\u00a0€", "€1,234.05", "€1.234,05"},
		{"debt", "-0,30\u00a0€", "-€0.30", "-€0,30"},
		{"least", "-92.233.720.368.547.758,08\u00a0€", "-€92,233,720,368,547,758.08", "-€92.233.720.368.547.758,08"},
		{"number", "1.000.000", "1,000,000", "1.000.000"},
		{"decimal", "-0,5", "-0.5", "-0,5"},
		{"size", "1,4\u00a0MB", "1.4\u00a0MB", "1,4\u00a0MB"},
		{"percent", "40\u00a0%", "40%", "%40"},
	}
	for _, tt := range tests {
		for lang, want := range map[string]string{"de": tt.de, "en": tt.en, "tr": tt.tr} {
			l := c.Localizer(lang)
			got := map[string]string{
				"date": l.Date("2026-03-04"), "long": l.DateLong(at), "day": l.Weekday(at), "instant": l.DateTime(at),
				"money": l.Money(123405), "debt": l.Money(-30), "least": l.Money(math.MinInt64), "number": l.Number(1000000),
				"decimal": l.Decimal("-0.5"), "size": l.Bytes(1_430_000), "percent": l.Percent(40),
			}[tt.what]
			if got != want {
				t.Errorf("%s %s: %q, want %q", lang, tt.what, got, want)
			}
		}
	}
	if got := c.Localizer("de").Date("kein Tag"); got != "kein Tag" {
		t.Errorf("no date: %q", got)
	}
	if got := c.Localizer("de").Date(time.Time{}); got != "" {
		t.Errorf("zero date: %q", got)
	}
}

func TestMatch(t *testing.T) {
	c := load(t, map[string]string{"messages.de.toml": "", "messages.en.toml": "", "messages.tr.toml": ""})
	tests := []struct {
		wishes []string
		want   string
	}{
		{[]string{"", "tr-TR,tr;q=0.9,de;q=0.8"}, "tr"},
		{[]string{"en", "tr"}, "en"},
		{[]string{"xx", "fr-FR,en;q=0.3,de;q=0.7"}, "de"},
		{[]string{"fr, *;q=0.1"}, "de"},
		{[]string{"de;q=0,en;q=0.1"}, "en"},
		{[]string{"en;q=x, tr;q=0.001"}, "tr"},
		{nil, "de"},
	}
	for _, tt := range tests {
		if got := c.Match(tt.wishes...).Lang(); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.wishes, got, tt.want)
		}
	}
}

func TestPick(t *testing.T) {
	c := load(t, map[string]string{"messages.tr.toml": ""})
	l := c.Localizer("tr")
	if got := l.Pick(map[string]string{"de": "Ausweis", "tr": "Kart"}); got != "Kart" {
		t.Error(got)
	}
	if got := l.Pick(map[string]string{"de": "Ausweis"}); got != "Ausweis" {
		t.Error(got)
	}
	if got := l.Pick(map[string]string{"fr": "b", "en": "a"}); got != "a" {
		t.Error(got)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("a.b = \"x {n}\"")
	f.Add(german)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(fstest.MapFS{"messages.de.toml": &fstest.MapFile{Data: []byte(text)}})
		if err != nil {
			return
		}
		for _, k := range c.Keys() {
			c.Localizer("de").T(k, "n", 2)
		}
	})
}

func FuzzAcceptLanguage(f *testing.F) {
	f.Add("tr-TR,tr;q=0.9,de;q=0.8")
	f.Fuzz(func(t *testing.T, h string) {
		if n := len(acceptOrder(h)); n > 16 {
			t.Fatalf("%d wishes", n)
		}
	})
}

func BenchmarkT(b *testing.B) {
	c := load(b, map[string]string{"messages.de.toml": german})
	l := c.Localizer("de")
	for b.Loop() {
		l.T("case.open", "n", 7)
	}
}

// A room with a catalogue of plain language has all its messages there, but those of the desk.
func TestMissingInPlainLanguage(t *testing.T) {
	room := func(simple string) fstest.MapFS {
		fs := fstest.MapFS{}
		for _, lang := range Required {
			fs["messages."+lang+".toml"] = &fstest.MapFile{Data: []byte("a.name = \"{n} Vorgänge\"\na.why = \"Warum\"\na.desk.todo = \"Zu tun\"")}
		}
		if simple != "" {
			fs["messages.de-simple.toml"] = &fstest.MapFile{Data: []byte(simple)}
		}
		return fs
	}
	other := fstest.MapFS{}
	for _, lang := range Required {
		other["messages."+lang+".toml"] = &fstest.MapFile{Data: []byte(`b.c = "nur am Arbeitsplatz"`)}
	}
	tests := []struct{ simple, want string }{
		{"", ""},
		{"desk = [\"a.desk\"]\na.name = \"{n} Sachen\"\na.why = \"Wieso\"", ""},
		{"desk = [\"a.desk\"]\na.name = \"{n} Sachen\"", `de-simple: a.why is missing: write "Warum" in plain language, or name it under desk if only the desk says it`},
		{"desk = [\"a.desk\", \"a.gone\"]\na.name = \"Sachen\"\na.why = \"Wieso\"", "de-simple: a.name has placeholders [], German has [n]\nde-simple: desk lists a.gone, which there isn't"},
	}
	for _, tt := range tests {
		c, err := Load(room(tt.simple), other)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.Missing(), "\n"); got != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", tt.simple, got, tt.want)
		}
	}
	if _, err := Load(room("desk = [1]")); err == nil {
		t.Error("a list of numbers")
	}
	c, _ := Load(room(tests[1].simple), other)
	if l := c.Localizer(Simple); l.T("a.name", "n", 1234) != "1.234 Sachen" || l.T("b.c") != "nur am Arbeitsplatz" {
		t.Errorf("%q, %q", l.T("a.name", "n", 1234), l.T("b.c"))
	}
}
