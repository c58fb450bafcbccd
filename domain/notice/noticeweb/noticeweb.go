// SPDX-License-Identifier: EUPL-1.2

// Package noticeweb is what people see of the writing office: the public page that
// tells whether a code is valid, and the documents themselves for those whom they
// belong to and for the office that issued them.
package noticeweb

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/pdf"
	"mercator/domain/notice"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Desk      *notice.Desk
	Access    *access.Checker
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Application is a case's application as a document for the office's file, and
	// whose it is; nil: there is no such page. The grant is one to read the case.
	Application func(ctx context.Context, g access.Grant, caseID string) (s pdf.Sheet, person string, err error)
	Renderer    *pdf.Renderer // for Application
}

type pages struct {
	Config
	check *web.View[checkPage]
	enter *web.View[enterPage]
	take  *web.View[revokePage]
}

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Desk == nil || c.Access == nil || c.Actor == nil {
		return nil, errors.New("noticeweb: templates, desk, access and actor are needed")
	}
	p := &pages{Config: c}
	var errs [3]error
	p.check, errs[0] = web.NewView[checkPage](c.Templates, templateFS, "templates/check.html")
	p.enter, errs[1] = web.NewView[enterPage](c.Templates, templateFS, "templates/enter.html")
	p.take, errs[2] = web.NewView[revokePage](c.Templates, templateFS, "templates/revoke.html")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	ms := web.Mounts{
		{Pattern: "GET /v", Handler: web.Handle(p.showEnter), Class: web.ClassSign},
		{Pattern: "GET /v/{code}", Handler: web.Handle(p.showCheck), Class: web.ClassSign},
		{Pattern: "GET /documents/{id}", Handler: web.Handle(p.own)},
		{Pattern: "GET /desk/documents/{id}", Handler: web.Handle(p.office)},
		{Pattern: "GET /desk/documents/{id}/revoke", Handler: web.Handle(p.showRevoke)},
		{Pattern: "POST /desk/documents/{id}/revoke", Handler: web.Handle(p.revoke)},
	}
	if c.Application != nil && c.Renderer != nil {
		ms = append(ms, web.Mount{Pattern: "GET /desk/cases/{id}/application.pdf", Handler: web.Handle(p.application)})
	}
	return ms, nil
}

// The purposes that documents are read for.
const (
	purposeOwn  = "own data"
	purposeWork = "case work"
)

// private keeps an answer out of caches and search engines.
func private(w http.ResponseWriter) {
	w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// checkPage tells whether a code is valid.
type checkPage struct {
	Answer ui.Alert
	Facts  ui.SummaryList
	Again  ui.Link
}

func (p *pages) showCheck(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	private(w)
	v, kind, from, until, err := p.Desk.Check(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	tones := map[notice.Validity]ui.Tone{notice.Valid: ui.Success, notice.Early: ui.Warning, notice.Expired: ui.Danger, notice.Revoked: ui.Danger, notice.Unknown: ui.Danger}
	key := "noticeweb." + string(v)
	page := checkPage{
		Answer: ui.Alert{Tone: tones[v], Title: loc.T(key), Text: loc.T(key + "Text")},
		Again:  ui.Link{Text: loc.T("noticeweb.again"), Href: "/v"},
	}
	status := http.StatusOK
	if v == notice.Unknown {
		status = http.StatusNotFound
	} else {
		page.Facts.Rows = append(page.Facts.Rows, ui.SummaryRow{Key: loc.T("noticeweb.kind"), Value: loc.Pick(kind)})
		if from != "" {
			page.Facts.Rows = append(page.Facts.Rows, ui.SummaryRow{Key: loc.T("noticeweb.from"), Value: loc.Date(from)})
		}
		if until != "" {
			page.Facts.Rows = append(page.Facts.Rows, ui.SummaryRow{Key: loc.T("noticeweb.until"), Value: loc.Date(until)})
		}
		page.Facts.Rows = append(page.Facts.Rows, ui.SummaryRow{Key: loc.T("noticeweb.checkedOn"), Value: loc.Date(p.Desk.Today())})
	}
	return p.check.Render(w, r, status, web.Page[checkPage]{Title: loc.T("noticeweb.title"), Shell: web.Public(""), Data: page})
}

// enterPage asks for a code.
type enterPage struct {
	Errors ui.ErrorSummary
	Form   ui.Form
}

func (p *pages) showEnter(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	private(w)
	typed := r.URL.Query().Get("code")
	if code := notice.ReadCode(typed); code != "" {
		web.SeeOther(w, "/v/"+code)
		return nil
	}
	in := ui.Input{Field: ui.Field{Name: "code", Label: loc.T("noticeweb.code"), Hint: loc.T("noticeweb.codeHint")}, Value: typed, MaxLength: 60, NoSpelling: true}
	page := enterPage{}
	wrong := r.URL.Query().Has("code")
	status := http.StatusOK
	if wrong {
		if len(typed) > 100 {
			in.Value = ""
		}
		in.Error = loc.T("noticeweb.badCode")
		page.Errors.Items = []ui.FieldError{{Field: "code", Text: in.Error}}
		status = http.StatusUnprocessableEntity
	}
	page.Form = ui.Form{Action: "/v", Method: "get", Items: []ui.Component{in}, Buttons: []ui.Button{{Text: loc.T("noticeweb.check")}}}
	return p.enter.Render(w, r, status, web.Page[enterPage]{Title: loc.T("noticeweb.title"), Shell: web.Public("").WithErrors(wrong), Data: page})
}

// own is a document for the person whom it belongs to.
func (p *pages) own(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Substantial)
	if err != nil {
		return err
	}
	if a.Kind != access.Resident {
		return fault.New(fault.Denied, "noticeweb.own", "")
	}
	return p.send(w, r, access.Request{Actor: a, Action: access.Read, Resource: "document", Purpose: purposeOwn, Owner: a.Person()})
}

// office is a document for the office that issued it.
func (p *pages) office(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	if a.Kind != access.Clerk {
		return fault.New(fault.Denied, "noticeweb.office", "")
	}
	return p.send(w, r, access.Request{Actor: a, Action: access.Read, Resource: "document", Purpose: purposeWork, Office: a.Office})
}

func (p *pages) send(w http.ResponseWriter, r *http.Request, q access.Request) error {
	id := r.PathValue("id")
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, "noticeweb.send", "")
	}
	ctx := r.Context()
	g, err := p.Access.Permit(ctx, q)
	if err != nil {
		return err
	}
	x, file, err := p.Desk.Open(ctx, g, id)
	if err != nil {
		return err
	}
	defer file.Close()
	if q.Owner == "" && x.Person != "" {
		if err := p.Access.Seen(ctx, g, []string{x.Person}); err != nil {
			return err
		}
	}
	// Read as a whole, so that a damaged file is an error page and never half a document.
	data, err := io.ReadAll(io.LimitReader(file, x.Size+1))
	if err != nil {
		return fault.Wrap("noticeweb.send", err)
	}
	return sendPDF(w, r, x.Title, data)
}

func sendPDF(w http.ResponseWriter, r *http.Request, title string, data []byte) error {
	private(w)
	kind := "inline"
	if r.URL.Query().Has("download") {
		kind = "attachment"
	}
	name := strings.Map(func(c rune) rune {
		if c < 32 || strings.ContainsRune(`\/:*?"<>|`, c) {
			return '-'
		}
		return c
	}, title)
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", mime.FormatMediaType(kind, map[string]string{"filename": name + ".pdf"}))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, err := io.Copy(w, bytes.NewReader(data))
	return fault.Wrap("noticeweb.sendPDF", err)
}

// application is the application of a case as a PDF, for its office.
func (p *pages) application(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if a.Kind != access.Clerk || !ident.Valid(id) {
		return fault.New(fault.NotFound, "noticeweb.application", "")
	}
	ctx := r.Context()
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "case", Purpose: purposeWork, Case: id, Office: a.Office})
	if err != nil {
		return err
	}
	doc, person, err := p.Application(ctx, g, id)
	if err != nil {
		return err
	}
	if person != "" {
		if err := p.Access.Seen(ctx, g, []string{person}); err != nil {
			return err
		}
	}
	data, err := p.Renderer.Sheet(doc)
	if err != nil {
		return fault.Wrap("noticeweb.application", err)
	}
	return sendPDF(w, r, doc.Title, data)
}
