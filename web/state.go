// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"embed"
	"net/http"
	"net/url"
	"strings"

	"mercator/base/i18n"
)

//go:embed messages.*.toml
var messageFS embed.FS

//go:embed templates/*.html
var templateFS embed.FS

// state is what belongs to one request; handlers reach it through functions.
type state struct {
	site  *Site
	id    string
	loc   *i18n.Localizer
	route string
}

type stateKey struct{}

// stateOf is the request's state; a request that no site has seen (a handler's own
// test) gets an empty one.
func stateOf(r *http.Request) *state {
	if st, ok := r.Context().Value(stateKey{}).(*state); ok {
		return st
	}
	return &state{}
}

// Localizer speaks the language of the request.
func Localizer(r *http.Request) *i18n.Localizer {
	if st := stateOf(r); st.loc != nil {
		return st.loc
	}
	empty, err := i18n.Load()
	if err != nil {
		return &i18n.Localizer{}
	}
	return empty.Localizer(i18n.Fallback)
}

// RequestID names the request in the log.
func RequestID(r *http.Request) string { return stateOf(r).id }

// Route is the pattern that the request matched.
func Route(r *http.Request) string { return stateOf(r).route }

// Network is the address that a request came from, or of IPv6 its network: what tells clients apart that nobody knows.
func Network(r *http.Request) string {
	if st := stateOf(r); st.site != nil {
		return st.site.clientKey(r)
	}
	return ""
}

// languageCookie remembers the choice for a year. It holds no personal data.
const languageCookie = "lang"

// chooseLanguage takes the cookie's language, else the browser's, else German. The desk
// has no plain language: who works there reads the words of the law.
func (s *Site) chooseLanguage(w http.ResponseWriter, r *http.Request) *i18n.Localizer {
	w.Header().Add("Vary", "Accept-Language, Cookie")
	chosen := ""
	if c, err := r.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	if chosen == i18n.Simple && (r.URL.Path == "/desk" || strings.HasPrefix(r.URL.Path, "/desk/")) {
		chosen = i18n.Fallback
	}
	return s.cfg.Catalogue.Match(chosen, r.Header.Get("Accept-Language"))
}

// switchLanguage answers ?lang=xx: it remembers the choice and goes back to the same page.
func (s *Site) switchLanguage(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.RawQuery, "lang=") {
		return false
	}
	q := r.URL.Query()
	lang := q.Get("lang")
	known := false
	for _, l := range s.cfg.Catalogue.Languages() {
		known = known || l == lang
	}
	if !known {
		return false
	}
	http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.cfg.HTTPS, SameSite: http.SameSiteLaxMode})
	q.Del("lang")
	// The escaped path, and never two slashes at its start: that would be another host.
	target := "/" + strings.TrimLeft(r.URL.EscapedPath(), "/\\")
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	SeeOther(w, target)
	return true
}

// LanguageField is the name of the buttons that change the language of a page with a
// form (Shell.Form): they send the form, so that nothing that was typed is lost.
const LanguageField = "_lang"

// WithLanguage is the address at which target is shown in the language chosen by a
// button of the form, and remembered; ok is false if none was pressed.
func WithLanguage(in url.Values, target string) (address string, ok bool) {
	lang := in.Get(LanguageField)
	if lang == "" {
		return "", false
	}
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	return target + sep + url.Values{"lang": {lang}}.Encode(), true
}

// SeeOther sends the browser on with GET. Target is an address of our own making.
func SeeOther(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// LocalPath checks an address that came with a request (where to go back to): a
// path of this site, or fallback.
func LocalPath(s, fallback string) string {
	if len(s) == 0 || len(s) > 2000 || s[0] != '/' || strings.HasPrefix(s, "//") {
		return fallback
	}
	// Plain characters only, and given back as they came: browsers drop some others, and
	// net/url writes an address anew that holds a space, which makes /%2f two slashes,
	// another host.
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return fallback
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" {
		return fallback
	}
	return s
}

// SignInPath is where a person signs in and comes back from.
func SignInPath(level, back string) string {
	q := url.Values{"back": {back}}
	if level != "" {
		q.Set("level", level)
	}
	return "/signin?" + q.Encode()
}
