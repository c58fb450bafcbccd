// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"mercator/internal/suites"
)

// harmful says what in a piece of HTML could act, style or fetch something from elsewhere.
func harmful(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "math", "base", "link", "meta", "template", "noscript", "video", "audio", "h1"}, tok.Data) {
			return "<" + tok.Data + ">"
		}
		for _, a := range tok.Attr {
			u, err := url.Parse(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "id", a.Key == "class", a.Key == "srcset", a.Key == "name":
				return a.Key
			case a.Key == "href" && (err != nil || !slices.Contains([]string{"", "https", "http", "mailto", "tel"}, u.Scheme)):
				return "href " + a.Val
			case a.Key == "src" && !strings.HasPrefix(a.Val, "data:image/"):
				return "src " + a.Val
			}
		}
	}
	return ""
}

func TestAuthorsMarkupIsHarmless(t *testing.T) {
	for in, want := range map[string]string{
		`<p onclick="x()">Ein <b>Satz</b>.</p><script>alert(1)</script>`:                              `<p>Ein <b>Satz</b>.</p>`,
		`<h1>Groß</h1><h2 style="color:red" id="f-name">Klein</h2>`:                                   `Groß<h2>Klein</h2>`,
		`<a href="javascript:alert(1)">x</a> <a href="/services">y</a>`:                               `x <a href="/services">y</a>`,
		`<a href="https://example.org/a?b=1&c=2" target="_blank">z</a>`:                               `<a href="https://example.org/a?b=1&amp;c=2" rel="noreferrer">z</a>`,
		`<img src="https://example.org/x.png" alt="x"><img src="data:image/png;base64,AAAA" alt="y">`: `<img alt="x"><img src="data:image/png;base64,AAAA" alt="y">`,
		`<table><tr><th scope="col">A</th></tr><tr><td>1</td></tr></table>`:                           `<table><tr><th scope="col">A</th></tr><tr><td>1</td></tr></table>`,
		`<form action="/x"><input name="a">Text</form><iframe src="//x"></iframe>`:                    `Text`,
	} {
		if got := string(HTML(in)); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
	if got := string(Markdown("| Art | Gebühr |\n|---|--:|\n| Kauf | 30,70 € |\n")); !strings.Contains(got, "<th>Art</th>") || !strings.Contains(got, ">30,70 €</td>") || harmful(got) != "" {
		t.Errorf("a table: %q", got)
	}
	if got, want := string(Markdown("# A\n\n**b** <script>x</script> [c](javascript:x)")), "<h2>A</h2>\n<p><strong>b</strong> x c</p>\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHostileMarkupOfTheSuites(t *testing.T) {
	dir := suites.Dir(t, "sec_payloads")
	var all []string
	b, err := os.ReadFile(filepath.Join(dir, "blns/blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"payloads_all_the_things/XSS_Injection", "fuzzdb/xss"} {
		err := filepath.WalkDir(filepath.Join(dir, sub), func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			all = append(append(all, string(b)), strings.Split(string(b), "\n")...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 1000 {
		t.Fatalf("only %d", len(all))
	}
	for _, s := range all {
		if bad := harmful(string(HTML(s))); bad != "" {
			t.Errorf("%s is left of %.200q: %.300q", bad, s, HTML(s))
		}
		if bad := harmful(string(Markdown(s))); bad != "" {
			t.Errorf("%s is made of %.200q: %.300q", bad, s, Markdown(s))
		}
	}
	t.Logf("%d texts", len(all))
}

func FuzzHTML(f *testing.F) {
	f.Add(`<p onclick=x>a<b>c<script>d</script><a href="java&#10;script:e">f`)
	f.Add(`<img src="data:image/svg+xml,<svg onload=x>"><style>@import x</style>`)
	f.Fuzz(func(t *testing.T, s string) {
		if bad := harmful(string(HTML(s))); bad != "" {
			t.Fatalf("%s is left: %q", bad, HTML(s))
		}
	})
}
