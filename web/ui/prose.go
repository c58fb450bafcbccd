// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// markdown knows what form-js' texts have: CommonMark, and tables.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// Markdown renders an author's text, by the same rules as their HTML. Raw HTML in it is
// left out, and a heading of the first level becomes one below the page's own.
func Markdown(s string) template.HTML {
	var buf bytes.Buffer
	if err := markdown.Convert([]byte(s), &buf); err != nil {
		return template.HTML(template.HTMLEscapeString(s))
	}
	// What the author wrote is escaped by now: only tags begin with these signs.
	return HTML(strings.NewReplacer("<h1", "<h2", "</h1>", "</h2>").Replace(buf.String()))
}

// HTML keeps of an author's HTML what a text needs: paragraphs, headings below the page's
// own, lists, tables, emphasis, links, and pictures that are in the text itself. Scripts,
// styles, forms, frames, and what would be fetched from elsewhere are left out.
func HTML(s string) template.HTML { return template.HTML(proseOnly().Sanitize(s)) }

var proseOnly = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code",
		"em", "strong", "b", "i", "u", "s", "small", "sub", "sup", "abbr", "cite", "q", "mark", "div", "span", "section", "details", "summary", "figure", "figcaption")
	p.AllowTables()
	p.AllowAttrs("lang", "dir").Globally()
	p.AllowAttrs("title").OnElements("abbr")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "http", "mailto", "tel")
	p.AllowRelativeURLs(true)
	p.RequireNoFollowOnLinks(false)
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	p.AllowAttrs("alt").OnElements("img")
	p.AllowDataURIImages()
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$`)).OnElements("img")
	return p
})
