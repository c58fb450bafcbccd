// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"strings"
	"testing"
)

func TestPrune(t *testing.T) {
	const in = `@charset "UTF-8";
/* a comment with } */
:root { --a: var(--b); --b: 8px; --c: red; --own: 1px; }
[data-kern-theme=dark] { --a: 0; }
@media (prefers-color-scheme: dark) { .used { color: black } }
.used, .unused { padding: var(--a, 4px); content: "};"; }
.unused { color: blue }
a:not(.unused):hover { color: oklch(62.80% 0.2577 29.23) }
@media (min-width: 5px) { .unused { a: b } .used:has(.unused) { c: d } .used { mask: url(data:image/svg+xml;x) } }
`
	got, err := prune(in, ".m{margin:var(--own)}", map[string]bool{"used": true})
	if err != nil {
		t.Fatal(err)
	}
	want := `:root{--a:var(--b);--b:8px;--own:1px;}
.used{padding:var(--a);content:"};";}
a:not(.unused):hover{color:#ff0000;}
@media (min-width: 5px){.used{mask:url(data:image/svg+xml;x);}
}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPruneRefuses(t *testing.T) {
	for _, in := range []string{".a{", ".a}", "a{b}", strings.Repeat("@media x{", 20)} {
		if _, err := prune(in, "", nil); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}

func FuzzPrune(f *testing.F) {
	f.Add(".a{b:c}")
	f.Add("@media x{.a{b:c}}")
	f.Fuzz(func(t *testing.T, css string) { prune(css, css, map[string]bool{"a": true}) })
}
