// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/web/ui"
)

// Status is the HTTP status of a kind of fault. This is the only place that maps them.
func Status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Denied:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.StepUp:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Classify gives the errors that come from HTTP itself their kinds.
func Classify(op string, err error) error {
	var tooLarge *http.MaxBytesError
	var classified *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return fault.Because(fault.TooLarge, op, "", err)
	case errors.As(err, &classified):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Because(fault.Unavailable, op, "", err)
	}
	return err
}

// Fail answers with a fault: a page for people, a problem document for programs,
// the sign-in page for somebody who is not signed in (well enough).
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	err = Classify("web.handle", err)
	st := stateOf(r)
	kind := fault.KindOf(err)
	if st.site == nil {
		http.Error(w, err.Error(), Status(kind)) // only in a handler's own test
		return
	}
	if (kind == fault.Unauthenticated || kind == fault.StepUp) && wantsHTML(r) {
		st.site.askToSignIn(w, r, err)
		return
	}
	st.site.answer(w, r, Status(kind), err)
}

// RetryAfter is the value of that header where an error knows when it may be tried again.
func RetryAfter(err error) (string, bool) {
	var e interface{ RetryAfter() time.Duration }
	if !errors.As(err, &e) {
		return "", false
	}
	return strconv.Itoa(max(1, int((e.RetryAfter()+time.Second-1)/time.Second))), true
}

// errorPage is the data of the page for a fault.
type errorPage struct {
	Status  int
	Text    string
	Help    string
	Request string
	Home    ui.Link
}

func (s *Site) answer(w http.ResponseWriter, r *http.Request, status int, err error) {
	st := stateOf(r)
	kind := fault.KindOf(err)
	if status >= 500 && !errors.Is(err, context.Canceled) {
		s.cfg.Log.Error("request failed", "request", st.id, "route", st.route, "kind", string(kind), "error", err.Error())
	} else {
		s.cfg.Log.Debug("request refused", "request", st.id, "route", st.route, "kind", string(kind), "error", err.Error())
	}
	key, args := fault.Message(err)
	text := st.loc.T(key, args...)
	w.Header().Set("Cache-Control", "no-store")
	if wait, ok := RetryAfter(err); ok {
		w.Header().Set("Retry-After", wait)
	}
	if !wantsHTML(r) {
		WriteProblem(w, Problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status,
			Detail: text, Code: string(kind), Request: st.id,
		})
		return
	}
	page := Page[errorPage]{Title: st.loc.T("web.errorTitle." + strconv.Itoa(status)), Shell: Shell{Kind: shellOf(r)}, Data: errorPage{
		Status: status, Text: text, Request: st.id, Home: ui.Link{Text: st.loc.T("web.home"), Href: "/"},
	}}
	if !st.loc.Has("web.errorTitle." + strconv.Itoa(status)) {
		page.Title = st.loc.T("web.errorTitle.other")
	}
	if status >= 500 {
		page.Data.Help = st.loc.T("web.errorHelp")
	}
	if err := s.errView.Render(w, r, status, page); err != nil {
		s.cfg.Log.Error("error page failed", "request", st.id, "error", err.Error())
		http.Error(w, http.StatusText(status), status)
	}
}

// shellOf keeps a clerk at the desk.
func shellOf(r *http.Request) ShellKind {
	if r.URL.Path == "/desk" || strings.HasPrefix(r.URL.Path, "/desk/") {
		return DeskShell
	}
	return PublicShell
}

// resumePage lets somebody whose session ended send again what they had typed.
type resumePage struct {
	SignIn string
	Action string
	Fields []ui.Hidden
	Lost   bool // a file can't be carried along
}

// askToSignIn leads to the sign-in page. A form that was sent without a session is
// not lost: the page keeps its answers and sends them once the person is back.
func (s *Site) askToSignIn(w http.ResponseWriter, r *http.Request, err error) {
	st := stateOf(r)
	level := ""
	var f *fault.Error
	if errors.As(err, &f) {
		for i := 0; i+1 < len(f.Args); i += 2 {
			if f.Args[i] == "level" {
				level = fmt.Sprint(f.Args[i+1])
			}
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		SeeOther(w, SignInPath(level, r.URL.RequestURI()))
		return
	}
	page := resumePage{Action: r.URL.RequestURI(), SignIn: SignInPath(level, "/signin/done")}
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/x-www-form-urlencoded" && r.ParseForm() == nil {
		page.Fields = hiddenFields(r.PostForm)
	} else {
		page.Lost = true
		page.SignIn = SignInPath(level, backTo(r))
	}
	w.Header().Set("Cache-Control", "no-store")
	err = s.resume.Render(w, r, http.StatusUnauthorized, Page[resumePage]{Title: st.loc.T("web.resumeTitle"), Shell: Shell{Kind: shellOf(r)}, Data: page})
	if err != nil {
		s.answer(w, r, http.StatusInternalServerError, err)
	}
}

func hiddenFields(form url.Values) []ui.Hidden {
	names := make([]string, 0, len(form))
	for n := range form {
		names = append(names, n)
	}
	sort.Strings(names)
	var out []ui.Hidden
	for _, n := range names {
		for _, v := range form[n] {
			out = append(out, ui.Hidden{Name: n, Value: v})
		}
	}
	return out
}

// backTo is the page that a form was sent from, if it is one of ours.
func backTo(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return LocalPath(u.RequestURI(), "/")
}

// wantsHTML tells a browser from a program: a program asks for JSON, or sends it.
func wantsHTML(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/webhooks/") {
		return false
	}
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "text/html") || accept == "" {
		return true
	}
	if strings.Contains(accept, "json") {
		return false
	}
	return !strings.Contains(r.Header.Get("Content-Type"), "json")
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type    string         `json:"type"`
	Title   string         `json:"title"`
	Status  int            `json:"status"`
	Detail  string         `json:"detail,omitempty"`
	Code    string         `json:"code,omitempty"`    // the fault's kind
	Request string         `json:"request,omitempty"` // its number in the log
	Errors  []ProblemField `json:"errors,omitempty"`
}

// ProblemField is what is wrong with one field.
type ProblemField struct {
	Pointer string `json:"pointer"` // JSON pointer
	Detail  string `json:"detail"`
}

// WriteProblem answers with a problem document.
func WriteProblem(w http.ResponseWriter, p Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, http.StatusText(p.Status), p.Status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	w.Write(body) // the client is gone if this fails
}

// WriteJSON answers with JSON.
func WriteJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap("web.json", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	return writeBody(w, r, status, body)
}
