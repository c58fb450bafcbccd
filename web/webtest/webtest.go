// SPDX-License-Identifier: EUPL-1.2

// Package webtest looks at pages with a real browser: for tests only.
package webtest

import (
	"context"
	"encoding/json"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/jba/templatecheck"
)

// CheckView fails the test if a template does not fit the type of its data: pass
// view.Template("de") and the zero value of its Page.
func CheckView(t testing.TB, name string, tmpl *template.Template, page any) {
	t.Helper()
	if tmpl == nil {
		t.Errorf("%s: no template", name)
		return
	}
	if err := templatecheck.CheckHTML(tmpl, page); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// Browser is a headless Chromium that lives as long as the test.
type Browser struct {
	t    testing.TB
	ctx  context.Context
	root string // of the repository
}

// Open starts a browser; without Chromium on the machine the test is skipped, but
// fails if MERCATOR_NEED_BROWSER is set, as ./check does.
func Open(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("google-chrome")
	}
	if err != nil {
		if os.Getenv("MERCATOR_NEED_BROWSER") != "" {
			t.Fatal("no Chromium found")
		}
		t.Skip("no Chromium on this machine")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	_, file, _, _ := runtime.Caller(0)
	return &Browser{t: t, ctx: ctx, root: filepath.Join(filepath.Dir(file), "..", "..")}
}

// Eval evaluates JavaScript in the open page and waits for its promise.
func Eval[T any](b *Browser, js string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("script: %v", err)
	}
	return v
}

// Run runs browser actions.
func (b *Browser) Run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// Context is the browser's, for actions of chromedp.
func (b *Browser) Context() context.Context { return b.ctx }

// Width sets the width of the window, as of a phone if it is narrow.
func (b *Browser) Width(px int) {
	b.t.Helper()
	b.Run(chromedp.EmulateViewport(int64(px), 800))
}

// Script switches JavaScript on or off for pages opened from now on.
func (b *Browser) Script(on bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// Go opens a page.
func (b *Browser) Go(url string) {
	b.t.Helper()
	b.Run(chromedp.Navigate(url))
}

// Screenshot writes the whole page to a PNG file.
func (b *Browser) Screenshot(file string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatalf("screenshot: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// NoSidewaysScroll fails the test if the page is wider than the window.
func (b *Browser) NoSidewaysScroll(what string) {
	b.t.Helper()
	wide := Eval[[]string](b, `(() => {
		const w = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= w) return [];
		return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > w + 1).slice(0, 5)
			.map(e => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right));
	})()`)
	if len(wide) > 0 {
		b.t.Errorf("%s is wider than the window: %s", what, strings.Join(wide, ", "))
	}
}

// violation is a finding of axe.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML   string `json:"html"`
		Target []any  `json:"target"`
		Why    string `json:"failureSummary"`
	} `json:"nodes"`
}

// Axe fails the test for everything that axe-core finds against WCAG 2.2 A and AA
// on the page that is open. It needs axe-core in node_modules (npm ci).
func (b *Browser) Axe(what string) {
	b.t.Helper()
	src, err := os.ReadFile(filepath.Join(b.root, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		if os.Getenv("MERCATOR_NEED_BROWSER") != "" {
			b.t.Fatal(err)
		}
		b.t.Skip("axe-core is missing: npm ci")
	}
	Eval[int](b, string(src)+";0")
	raw := Eval[string](b, `axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"], resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	var found []violation
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		b.t.Fatalf("axe: %v", err)
	}
	for _, v := range found {
		for _, n := range v.Nodes {
			b.t.Errorf("%s: %s (%s)\n%s\n%s", what, v.ID, v.Help, n.HTML, n.Why)
		}
	}
}

// SmallTargets fails the test for buttons, links and fields that are smaller than
// 44 px both ways to a finger, leaving out links within a text.
func (b *Browser) SmallTargets(what string) {
	b.t.Helper()
	small := Eval[[]string](b, `[...document.querySelectorAll("button,input:not([type=hidden]),select,textarea,summary,nav a,.kern-btn")]
		.filter(e => { const r = e.getBoundingClientRect();
			if (!r.width || r.right < 0 || r.bottom < 0) return false;
			let h = r.height; const l = e.id && document.querySelector('label[for="' + CSS.escape(e.id) + '"]');
			if (l && (e.type === "radio" || e.type === "checkbox")) h = Math.max(h, l.getBoundingClientRect().height);
			return h < 43.5; })
		.map(e => e.tagName + " " + (e.id || e.textContent.trim().slice(0, 30)) + " " + Math.round(e.getBoundingClientRect().height) + "px")`)
	for _, s := range small {
		b.t.Errorf("%s: target too small: %s", what, s)
	}
}

// Bytes is what the open page cost over the wire, in all and of it script.
func (b *Browser) Bytes() (all, script int) {
	b.t.Helper()
	r := Eval[[]float64](b, `(() => { const e = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
		const sum = l => l.reduce((n, x) => n + x.transferSize, 0);
		return [sum(e), sum(e.filter(x => x.initiatorType === "script"))]; })()`)
	if len(r) != 2 {
		b.t.Fatalf("bytes: %v", r)
	}
	return int(r[0]), int(r[1])
}

// Path names a file of the repository.
func (b *Browser) Path(parts ...string) string {
	return filepath.Join(append([]string{b.root}, parts...)...)
}

// WaitText waits until the page says something, and fails the test if it doesn't
// within ten seconds. It needs no script of the page.
func (b *Browser) WaitText(text string) {
	b.t.Helper()
	var got string
	for range 100 {
		// While a page is being left it can't be asked.
		if s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`)); err == nil {
			if got = s; strings.Contains(got, text) {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("the page never said %q, but:\n%s", text, got)
}

// Text is the text of the open page.
func (b *Browser) Text() string {
	b.t.Helper()
	return Eval[string](b, `document.body.innerText`)
}
