// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jba/templatecheck"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/web/assets"
	"mercator/web/ui"
)

type helloPage struct {
	Name  string
	Input ui.Component
}

var testFiles = fstest.MapFS{"hello.html": &fstest.MapFile{Data: []byte(
	`{{define "main"}}<h1>{{.Title}}</h1><p>Hello {{.Data.Name}}</p>{{ui .Data.Input}}{{end}}`)}}

func newSite(t testing.TB, change func(*Config), mounts ...Mount) *Site {
	t.Helper()
	cat, err := i18n.Load(Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := NewTemplates(TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	view, err := NewView[helloPage](tmpl, testFiles, "hello.html")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Catalogue: cat, Templates: tmpl, City: City{Product: "Mercator", Name: "Stadt Duisburg"},
		Nav: map[ShellKind][]NavItem{PublicShell: {{ID: "home", Key: "web.home", Href: "/"}, {ID: "x", Key: "web.signOut", Href: "/x", SignedIn: true}}}}
	if change != nil {
		change(&c)
	}
	mounts = append([]Mount{
		{Pattern: "GET /hello/{name}", Handler: Handle(func(w http.ResponseWriter, r *http.Request) error {
			return view.Render(w, r, 200, Page[helloPage]{Title: "Hi", Shell: Public("home"), Data: helloPage{
				Name: r.PathValue("name"), Input: ui.Input{Field: ui.Field{Name: "street", Label: "Street", Error: "Empty"}, Value: strings.Repeat("x", 500)}}})
		})},
		{Pattern: "POST /echo", Handler: Handle(func(w http.ResponseWriter, r *http.Request) error {
			form, err := Form(r)
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, form.Get("a"))
			return err
		})},
		{Pattern: "/fail/{kind}", Handler: Handle(func(w http.ResponseWriter, r *http.Request) error {
			return fault.New(fault.Kind(r.PathValue("kind")), "test", "", "level", "substantial")
		})},
		{Pattern: "GET /panic", Handler: Handle(func(w http.ResponseWriter, r *http.Request) error { panic("secret of Ms Kaya") })},
	}, mounts...)
	s, err := New(c, mounts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func do(s http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, rd)
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const formType = "application/x-www-form-urlencoded"

func TestPage(t *testing.T) {
	s := newSite(t, nil)
	w := do(s, "GET", "/hello/%3Cb%3E", "", "Accept-Language", "tr")
	body := w.Body.String()
	for _, want := range []string{`<html lang="tr"`, "Hello &lt;b&gt;", "İçeriğe geç", `aria-current="page">Ana sayfaya`, `aria-describedby="f-street-error"`, `href="/signin?back=%2Fhello%2F%253Cb%253E"`} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, `href="/x"`) {
		t.Error("navigation for people who are signed in is shown to others")
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy: %s", csp)
	}
}

func TestStatusOfFaults(t *testing.T) {
	s := newSite(t, nil)
	tests := []struct {
		kind fault.Kind
		want int
	}{
		{fault.Internal, 500}, {fault.Invalid, 422}, {fault.NotFound, 404}, {fault.Denied, 403}, {fault.Conflict, 409},
		{fault.TooLarge, 413}, {fault.TooMany, 429}, {fault.Unsupported, 415}, {fault.Unavailable, 503},
	}
	for _, tt := range tests {
		w := do(s, "GET", "/fail/"+string(tt.kind), "")
		if w.Code != tt.want || !strings.Contains(w.Body.String(), "<h1") {
			t.Errorf("%s: %d", tt.kind, w.Code)
		}
		w = do(s, "GET", "/fail/"+string(tt.kind), "", "Accept", "application/json")
		if w.Code != tt.want || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"code":"`+string(tt.kind)+`"`) {
			t.Errorf("%s as problem: %d %s", tt.kind, w.Code, w.Body)
		}
	}
}

func TestWithoutRoute(t *testing.T) {
	s := newSite(t, nil)
	if w := do(s, "GET", "/nowhere", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "Diese Seite gibt es nicht") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := do(s, "GET", "/echo", ""); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Allow"))
	}
}

func TestSignIn(t *testing.T) {
	s := newSite(t, nil)
	for kind, want := range map[string]string{
		"unauthenticated": "/signin?back=%2Ffail%2Funauthenticated%3Fa%3D1&level=substantial",
		"step_up":         "/signin?back=%2Ffail%2Fstep_up%3Fa%3D1&level=substantial",
	} {
		w := do(s, "GET", "/fail/"+kind+"?a=1", "")
		if w.Code != 303 || w.Header().Get("Location") != want {
			t.Errorf("%s: %d %s", kind, w.Code, w.Header().Get("Location"))
		}
		if w := do(s, "GET", "/fail/"+kind, "", "Accept", "application/json"); w.Code != 401 && w.Code != 403 {
			t.Errorf("%s for a program: %d", kind, w.Code)
		}
	}
	w := do(s, "POST", "/fail/unauthenticated", "street=K%C3%B6nigstra%C3%9Fe+%22&b=2", "Content-Type", formType)
	for _, want := range []string{`action="/fail/unauthenticated"`, `name="street" value="Königstraße &#34;"`, `name="b" value="2"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("what was typed is lost, no %s in\n%s", want, w.Body)
		}
	}
}

func TestRefused(t *testing.T) {
	s := newSite(t, func(c *Config) { c.MaxBody = 1000 })
	tests := []struct {
		name, body string
		header     []string
		want       int
	}{
		{"right", "a=hallo", []string{"Content-Type", formType}, 200},
		{"from a foreign page", "a=x", []string{"Content-Type", formType, "Sec-Fetch-Site", "cross-site"}, 403},
		{"from a foreign origin", "a=x", []string{"Content-Type", formType, "Origin", "https://evil.example"}, 403},
		{"too large", "a=" + strings.Repeat("x", 2000), []string{"Content-Type", formType}, 413},
		{"not a form", "{}", []string{"Content-Type", "text/plain"}, 415},
		{"without a type", "a=x", nil, 415},
		{"bad escape", "a=%zz", []string{"Content-Type", formType}, 422},
		{"not UTF-8", "a=%ff", []string{"Content-Type", formType}, 422},
		{"control character", "a=%00", []string{"Content-Type", formType}, 422},
		{"too many fields", strings.Repeat("a&", 450) + "b", []string{"Content-Type", formType}, 200},
	}
	for _, tt := range tests {
		if w := do(s, "POST", "/echo", tt.body, tt.header...); w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.want)
		}
	}
	if _, err := Form(httptest.NewRequest("POST", "/", strings.NewReader(""))); err == nil {
		t.Error("a form without a type is taken")
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("a&", 1001)))
	r.Header.Set("Content-Type", formType)
	if _, err := Form(r); !fault.Is(err, fault.Invalid) {
		t.Errorf("1001 fields: %v", err)
	}
}

func TestPanicAndLog(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w := do(s, "GET", "/panic", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "Kaya") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	log.Reset()
	do(s, "GET", "/hello/Ayse-Kaya?q=geheim", "")
	if got := log.String(); strings.Contains(got, "Kaya") || strings.Contains(got, "geheim") || strings.Contains(got, "192.0.2.1") || !strings.Contains(got, `route="GET /hello/{name}"`) {
		t.Errorf("log: %s", got)
	}
}

func TestLanguage(t *testing.T) {
	s := newSite(t, nil)
	w := do(s, "GET", "/hello/x?a=1&lang=tr", "")
	if w.Code != 303 || w.Header().Get("Location") != "/hello/x?a=1" || !strings.Contains(w.Header().Get("Set-Cookie"), "lang=tr") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := do(s, "GET", "//evil.example/?lang=tr", ""); strings.HasPrefix(w.Header().Get("Location"), "//") {
		t.Errorf("leads away: %s", w.Header().Get("Location"))
	}
	w = do(s, "GET", "/hello/x", "", "Cookie", "lang=en", "Accept-Language", "tr")
	if !strings.Contains(w.Body.String(), `<html lang="en"`) {
		t.Error("the cookie does not win")
	}
}

func TestLimit(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newSite(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Limits = map[string]Rate{ClassRead: {PerMinute: 60, Burst: 2}}
	})
	get := func() int { return do(s, "GET", "/hello/x", "").Code }
	if a, b, c := get(), get(), get(); a != 200 || b != 200 || c != 429 {
		t.Errorf("burst of two: %d %d %d", a, b, c)
	}
	now = now.Add(time.Second)
	if a, b := get(), get(); a != 200 || b != 429 {
		t.Errorf("a second later: %d %d", a, b)
	}
	l := newLimiter(map[string]Rate{"read": {PerMinute: 1, Burst: 1}}, time.Now)
	for i := range 500_000 {
		l.allow("read", string(rune('a'+i%26))+url.QueryEscape(time.Duration(i).String()))
	}
	for i := range l.shards {
		if n := len(l.shards[i].young) + len(l.shards[i].old); n > 2*limitGeneration {
			t.Errorf("shard %d holds %d buckets", i, n)
		}
	}
}

func TestGzip(t *testing.T) {
	s := newSite(t, nil)
	w := do(s, "GET", "/hello/x", "", "Accept-Encoding", "gzip, br")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || !bytes.Contains(body, []byte("Hello x")) {
		t.Errorf("%v %s", err, body)
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{
		"/cases/1?a=b": "/cases/1?a=b", "": "/", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "/a\nb": "/", "javascript:x": "/", "/x/../y": "/x/../y",
	} {
		if got := LocalPath(in, "/"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestBadMounts(t *testing.T) {
	cat, err := i18n.Load(Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := NewTemplates(TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	h := http.NotFoundHandler()
	for name, ms := range map[string]Mounts{"twice": {{Pattern: "GET /a", Handler: h}, {Pattern: "GET /a", Handler: h}}, "malformed": {{Pattern: "GET a{", Handler: h}}, "nil": {{Pattern: "GET /a"}}} {
		if _, err := New(Config{Catalogue: cat, Templates: tmpl}, ms); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTemplatesFitTheirData(t *testing.T) {
	s := newSite(t, nil)
	for name, check := range map[string]error{
		"error":  templatecheck.CheckHTML(s.errView.Template("de"), Page[errorPage]{}),
		"resume": templatecheck.CheckHTML(s.resume.Template("de"), Page[resumePage]{}),
		"signed": templatecheck.CheckHTML(s.signed.Template("de"), Page[struct{}]{}),
	} {
		if check != nil {
			t.Errorf("%s: %v", name, check)
		}
	}
}

func TestMessagesComplete(t *testing.T) {
	cat, err := i18n.Load(Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		t.Error(m)
	}
}

func BenchmarkPage(b *testing.B) {
	s := newSite(b, func(c *Config) { c.Limits = map[string]Rate{} })
	b.ReportAllocs()
	for b.Loop() {
		if w := do(s, "GET", "/hello/x", "", "Accept-Encoding", "gzip"); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

func FuzzForm(f *testing.F) {
	f.Add("a=1&b=%C3%BC", formType)
	f.Add("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x")
	f.Fuzz(func(t *testing.T, body, ct string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", ct)
		r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 1<<16)
		form, err := Form(r)
		if err != nil {
			return
		}
		for _, vs := range form {
			for _, v := range vs {
				if !cleanText(v) {
					t.Fatalf("%q passed", v)
				}
			}
		}
	})
}

func FuzzLocalPath(f *testing.F) {
	f.Add("/a")
	f.Add("//x")
	f.Fuzz(func(t *testing.T, s string) {
		got := LocalPath(s, "/")
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

// Whoever comes to a form from elsewhere gets the style of its first screen with the page, which the policy allows by its hash; the
// whole sheet comes after it. Whoever comes from another of our pages has it.
func TestAFormBringsItsFirstStyle(t *testing.T) {
	set, err := assets.LoadFS(fstest.MapFS{
		"manifest.json": {Data: []byte(`{"first.css": "first.1.css", "mercator.css": "mercator.2.css"}`)},
		"first.1.css":   {Data: []byte(`.m-form>*{color:"red"}`)}, "mercator.2.css": {Data: []byte(`.m-form{}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var view *View[helloPage]
	s := newSite(t, func(c *Config) {
		c.Assets = set
		if view, err = NewView[helloPage](c.Templates, testFiles, "hello.html"); err != nil {
			t.Fatal(err)
		}
	}, Mount{Pattern: "GET /form", Handler: Handle(func(w http.ResponseWriter, r *http.Request) error {
		return view.Render(w, r, 200, Page[helloPage]{Shell: Shell{Kind: PublicShell, Form: "form"}, Data: helloPage{Input: ui.Input{}}})
	})})
	link, style := `<link rel="stylesheet" href="/assets/mercator.2.css">`, `<style>.m-form>*{color:"red"}</style>`
	sum := sha256.Sum256([]byte(`.m-form>*{color:"red"}`))
	hash := "style-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	for _, tt := range []struct {
		path, from    string
		first, before bool
	}{
		{"/form", "none", true, false}, {"/form", "cross-site", true, false}, {"/form", "same-origin", false, true}, {"/form", "", false, true},
		{"/hello/x", "none", false, true},
	} {
		w := do(s, "GET", tt.path, "", "Sec-Fetch-Site", tt.from)
		body := w.Body.String()
		head, rest, _ := strings.Cut(body, "</head>")
		if strings.Contains(head, style) != tt.first || strings.Contains(head, link) != tt.before || strings.Contains(rest, link) == tt.before {
			t.Errorf("%s from %q:\n%s", tt.path, tt.from, body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, hash) {
			t.Errorf("policy: %s", csp)
		}
	}
}
