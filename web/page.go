// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"mercator/base/i18n"
	"mercator/web/assets"
	"mercator/web/ui"
)

// ShellKind is the frame around a page.
type ShellKind string

// The shells.
const (
	PublicShell ShellKind = "public" // for everybody: home, services, verification
	PortalShell ShellKind = "portal" // a resident's own pages
	DeskShell   ShellKind = "desk"   // a clerk's
)

// Shell says which frame a page has and what in it is the page's own.
type Shell struct {
	Kind       ShellKind
	Active     string    // id of the navigation item that one is in
	Back       ui.Link   // one step back; shown above the content
	Breadcrumb []ui.Link // where one is; the last has no Href
	Wide       bool      // tables and files: the whole width
	Errors     bool      // the page shows errors: its title says so
	// Form is the id of the page's form: whoever changes the language in the middle of it
	// sends it with the button LanguageField. Its handler keeps what was typed (WithLanguage).
	Form string
}

// Public is the shell of a page for everybody.
func Public(active string) Shell { return Shell{Kind: PublicShell, Active: active} }

// Portal is the shell of a resident's page.
func Portal(active string) Shell { return Shell{Kind: PortalShell, Active: active} }

// Desk is the shell of a clerk's page.
func Desk(active string) Shell { return Shell{Kind: DeskShell, Active: active, Wide: true} }

// WithBack adds the way back.
func (s Shell) WithBack(text, href string) Shell {
	s.Back = ui.Link{Text: text, Href: href}
	return s
}

// WithErrors marks a page that came back with errors.
func (s Shell) WithErrors(any bool) Shell {
	s.Errors = any
	return s
}

// Page is what a view's template sees. Rooms fill in Title (in the reader's
// language), Shell and Data; Render fills in Env.
type Page[T any] struct {
	Title string
	Shell Shell
	Data  T
	Env   Env
}

// Env is what the frame shows around a page.
type Env struct {
	Lang      string
	Languages []LanguageLink
	Nav       []NavLink
	Footer    []ui.Link
	City      City
	Viewer    *Viewer
	SignIn    string
	Home      string
	First     template.CSS // style that the page brings itself, before Style; see arrives
	Style     string       // URLs of the assets, empty if not built
	Script    string
}

// LanguageLink switches the page's language.
type LanguageLink struct {
	Code, Href string
	Lang, Name string // the name in its own language
	Short      string // what there is room for
	Current    bool
}

// NavLink is an item of the navigation.
type NavLink struct {
	Text, Href string
	Active     bool
}

// Templates holds the shell and the components, parsed once for each language.
type Templates struct {
	assets *assets.Set
	langs  map[string]*langSet
}

type langSet struct {
	kit  *ui.Kit
	base *template.Template
}

// TemplateConfig is what templates need.
type TemplateConfig struct {
	Catalogue *i18n.Catalogue
	Assets    *assets.Set    // nil: the embedded ones
	Zone      *time.Location // the city's clock; nil: Europe/Berlin, or UTC without a zone database
}

// NewTemplates parses shell and components.
func NewTemplates(c TemplateConfig) (*Templates, error) {
	if c.Assets == nil {
		var err error
		if c.Assets, err = assets.Load(); err != nil {
			return nil, err
		}
	}
	if c.Zone == nil {
		c.Zone = time.UTC
		if z, err := time.LoadLocation("Europe/Berlin"); err == nil {
			c.Zone = z
		}
	}
	t := &Templates{assets: c.Assets, langs: map[string]*langSet{}}
	for _, lang := range c.Catalogue.Languages() {
		kit, err := ui.NewKit(ui.Config{Loc: c.Catalogue.Localizer(lang), Zone: c.Zone, Asset: c.Assets.URL})
		if err != nil {
			return nil, err
		}
		funcs := kit.Funcs()
		funcs["asset"] = c.Assets.URL
		base, err := template.New("shell").Funcs(funcs).ParseFS(templateFS, "templates/shell.html")
		if err != nil {
			return nil, fmt.Errorf("web: parse shell: %w", err)
		}
		t.langs[lang] = &langSet{kit: kit, base: base}
	}
	return t, nil
}

// View is a page's template, ready in every language.
type View[T any] struct {
	file  string
	langs map[string]*template.Template
}

// NewView parses a page's template from a room's files. It defines "main", may
// define "head", and may use what the files named _*.html beside it define.
func NewView[T any](t *Templates, files fs.FS, file string) (*View[T], error) {
	v := &View[T]{file: file, langs: map[string]*template.Template{}}
	partials, err := fs.Glob(files, path.Join(path.Dir(file), "_*.html"))
	if err != nil {
		return nil, fmt.Errorf("web: view %s: %w", file, err)
	}
	for lang, set := range t.langs {
		tmpl, err := set.base.Clone()
		if err == nil {
			tmpl, err = tmpl.ParseFS(files, append(partials, file)...)
		}
		if err != nil {
			return nil, fmt.Errorf("web: view %s: %w", file, err)
		}
		if tmpl.Lookup("main") == nil {
			return nil, fmt.Errorf("web: view %s defines no \"main\"", file)
		}
		v.langs[lang] = tmpl
	}
	return v, nil
}

// Template is the parsed template in one language, for a test that checks it
// against the type of its data.
func (v *View[T]) Template(lang string) *template.Template { return v.langs[lang].Lookup("shell.html") }

// Part renders what the view's files define under a name, for a page that somebody else shows.
func (v *View[T]) Part(lang, name string, data any) (template.HTML, error) {
	tmpl, ok := v.langs[lang]
	if !ok {
		tmpl = v.langs[i18n.Fallback]
	}
	buf := bufferPool.Get().(*bytes.Buffer)
	buf.Reset()
	defer bufferPool.Put(buf)
	if err := tmpl.ExecuteTemplate(buf, name, data); err != nil {
		return "", fmt.Errorf("web: render %s of %s: %w", name, v.file, err)
	}
	return template.HTML(buf.String()), nil // escaped by the template
}

// bufferPool keeps the buffers that pages are rendered into. It holds no state of
// any page.
var bufferPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render shows the page. It is written to the client only when it is complete, so
// an error becomes an error page and never half a page.
func (v *View[T]) Render(w http.ResponseWriter, r *http.Request, status int, p Page[T]) error {
	return v.render(w, r, status, "shell.html", p)
}

// RenderPart shows one of the templates that the page's file defines, without the
// frame: what a script puts in the place of a part of the page.
func (v *View[T]) RenderPart(w http.ResponseWriter, r *http.Request, status int, part string, p Page[T]) error {
	return v.render(w, r, status, part, p)
}

func (v *View[T]) render(w http.ResponseWriter, r *http.Request, status int, name string, p Page[T]) error {
	st := stateOf(r)
	lang := i18n.Fallback
	if st.loc != nil {
		lang = st.loc.Lang()
	}
	tmpl, ok := v.langs[lang]
	if !ok {
		tmpl = v.langs[i18n.Fallback]
	}
	if st.site != nil {
		p.Env = st.site.env(r, st, p.Shell)
	}
	buf := bufferPool.Get().(*bytes.Buffer)
	buf.Reset()
	defer bufferPool.Put(buf)
	if err := tmpl.ExecuteTemplate(buf, name, p); err != nil {
		return fmt.Errorf("web: render %s: %w", v.file, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		// A page may show personal data to the next user of a shared computer: the
		// back button asks the server again.
		h.Set("Cache-Control", "no-store")
		if p.Env.Viewer == nil && p.Shell.Kind == PublicShell && status == http.StatusOK {
			h.Set("Cache-Control", "private, no-cache")
		}
	}
	return writeBody(w, r, status, buf.Bytes())
}

// arrives tells that the reader comes from elsewhere, and hasn't got our style sheet in all likelihood. On a slow line they would wait
// for it as long as for the page itself: a form then brings what its first screen needs, and the whole sheet comes after it. A browser
// that doesn't say where its reader comes from gets the sheet as on any other page.
func arrives(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return r.Method == http.MethodGet && from != "" && from != "same-origin"
}

func (s *Site) env(r *http.Request, st *state, shell Shell) Env {
	e := Env{Lang: st.loc.Lang(), City: s.cfg.City, Home: "/", Style: s.cfg.Assets.URL("mercator.css"), Script: s.cfg.Assets.URL("mercator.js")}
	if shell.Form != "" && arrives(r) {
		e.First = s.first
	}
	if e.Lang == i18n.Simple {
		e.Lang = i18n.Fallback // screen readers have voices for German, not for its plain variety
	}
	if shell.Kind == DeskShell {
		e.Home = "/desk"
	}
	if s.cfg.Viewer != nil {
		if v, ok := s.cfg.Viewer(r); ok {
			e.Viewer = &v
		}
	}
	back := "/"
	if r.Method == http.MethodGet {
		back = r.URL.RequestURI()
	}
	e.SignIn = SignInPath("", LocalPath(back, "/"))
	for _, l := range st.loc.Languages() {
		if l == i18n.Simple && shell.Kind == DeskShell {
			continue
		}
		q := url.Values{}
		if r.Method == http.MethodGet {
			q = r.URL.Query()
		}
		q.Set("lang", l)
		link := LanguageLink{Code: l, Lang: l, Short: strings.ToUpper(l), Name: st.loc.T("web.language." + l), Href: "?" + q.Encode(), Current: l == st.loc.Lang()}
		if l == i18n.Simple {
			link.Lang, link.Short = i18n.Fallback, st.loc.T("web.simple")
		}
		e.Languages = append(e.Languages, link)
	}
	for _, n := range s.cfg.Nav[shell.Kind] {
		if n.SignedIn && e.Viewer == nil {
			continue
		}
		if len(n.Roles) > 0 && (e.Viewer == nil || !slices.ContainsFunc(n.Roles, func(role string) bool { return slices.Contains(e.Viewer.Roles, role) })) {
			continue
		}
		e.Nav = append(e.Nav, NavLink{Text: st.loc.T(n.Key), Href: n.Href, Active: n.ID == shell.Active && n.ID != ""})
	}
	for _, f := range s.cfg.City.Footer {
		e.Footer = append(e.Footer, ui.Link{Text: st.loc.T(f.Key), Href: f.Href})
	}
	return e
}
