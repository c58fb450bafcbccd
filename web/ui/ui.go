// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"
	"time"

	"mercator/base/i18n"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of the components' own words.
func Messages() fs.FS { return messageFS }

// Component is something that a page shows. The components are those of this
// package: pages are made of them, so that they all look and behave alike.
type Component interface{ component() string }

// Kit renders components in one language. It is safe for concurrent use.
type Kit struct {
	loc  *i18n.Localizer
	tmpl *template.Template
	bufs sync.Pool
	// zone is where the city's clocks stand.
	zone *time.Location
}

// Config is what a Kit needs.
type Config struct {
	Loc   *i18n.Localizer
	Zone  *time.Location           // the city's; nil: UTC
	Asset func(name string) string // URL of an asset; nil: "/assets/" + name
	Funcs template.FuncMap         // more functions for every template
}

// NewKit parses the components for one language.
func NewKit(c Config) (*Kit, error) {
	k := &Kit{loc: c.Loc, zone: c.Zone}
	if k.zone == nil {
		k.zone = time.UTC
	}
	if c.Asset == nil {
		c.Asset = func(name string) string { return "/assets/" + name }
	}
	k.bufs.New = func() any { return new(bytes.Buffer) }
	funcs := k.Funcs()
	funcs["asset"] = c.Asset
	for n, f := range c.Funcs {
		funcs[n] = f
	}
	t, err := template.New("ui").Funcs(funcs).ParseFS(templateFS, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("ui: parse components: %w", err)
	}
	k.tmpl = t
	return k, nil
}

// Funcs are the functions of every template: ui shows a component, t says a
// message, the rest write values the way the language does.
func (k *Kit) Funcs() template.FuncMap {
	return template.FuncMap{
		"ui":         k.Render,
		"t":          k.loc.T,
		"lang":       k.loc.Lang,
		"date":       k.loc.Date,
		"datelong":   k.loc.DateLong,
		"datetime":   func(t time.Time) string { return k.loc.DateTime(t.In(k.zone)) },
		"clock":      func(t time.Time) string { return k.loc.Time(t.In(k.zone)) },
		"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"money":      k.loc.Money,
		"number":     func(n int) string { return k.loc.Number(int64(n)) },
		"bytes":      k.loc.Bytes,
		"pick":       k.loc.Pick,
		"lines":      func(s string) []string { return strings.Split(s, "\n") },
		"breadcrumb": func(items []Link) Breadcrumb { return Breadcrumb{Items: items} },
		"fieldid":    FieldID,
		"heading":    func(text string, level int) Heading { return Heading{Text: text, Level: level} },
		"paragraphs": func(s string) []string {
			return strings.Split(strings.TrimSpace(s), "\n\n")
		},
		"add":  func(a, b int) int { return a + b },
		"cell": func(t Table, i int, c Cell) cellData { return cellOf(t, i, c) },
	}
}

// cellOf joins a cell with its column; a cell without one has a nameless column.
func cellOf(t Table, i int, c Cell) cellData {
	d := cellData{Cell: c, First: i == 0}
	if i < len(t.Columns) {
		d.Column = t.Columns[i]
	}
	return d
}

type cellData struct {
	Column Column
	Cell   Cell
	First  bool
}

// Render turns a component into HTML; nil gives nothing. A list is shown one by one.
func (k *Kit) Render(c any) (template.HTML, error) {
	switch c := c.(type) {
	case nil:
		return "", nil
	case []Component:
		return k.Render(Stack{Items: c})
	case Component:
		buf := k.bufs.Get().(*bytes.Buffer)
		buf.Reset()
		defer k.bufs.Put(buf)
		if err := k.tmpl.ExecuteTemplate(buf, c.component(), c); err != nil {
			return "", fmt.Errorf("ui: render %s: %w", c.component(), err)
		}
		return template.HTML(buf.String()), nil // the output of html/template
	}
	return "", fmt.Errorf("ui: %T is no component", c)
}
