// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/casefile"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// askPage asks the applicant to correct one field, or writes to them.
type askPage struct {
	Ref    string
	Errors ui.ErrorSummary
	Ask    *ui.Form
	Write  *ui.Form
}

// maxAsk bounds what a clerk writes.
const (
	maxAsk     = 2000
	maxSubject = 200
)

// askForm is what a clerk typed, and what is wrong with it by field.
type askForm struct {
	what, field, message, subject, body string
	errs                                map[string]string
}

func (p *pages) showAsk(w http.ResponseWriter, r *http.Request) error {
	return p.withAsk(w, r, http.StatusOK, askForm{})
}

func (p *pages) withAsk(w http.ResponseWriter, r *http.Request, status int, f askForm) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	_, c, err := p.readApplied(ctx, a, id)
	if err != nil {
		return err
	}
	page := askPage{Ref: c.Ref}
	back := backPath(r)
	if p.Ask != nil {
		fields, err := p.correctable(r, c)
		if err != nil {
			return err
		}
		page.Ask = &ui.Form{Items: []ui.Component{
			ui.Hidden{Name: "back", Value: back},
			ui.Select{Field: ui.Field{Name: "field", Label: loc.T("casefileweb.askField"), Error: f.errs["field"]}, Value: f.field, Options: fields},
			ui.TextArea{Field: ui.Field{Name: "message", Label: loc.T("casefileweb.askMessage"), Hint: loc.T("casefileweb.askHint"), Error: f.errs["message"]}, Value: f.message, MaxLength: maxAsk},
		}, Buttons: []ui.Button{{Text: loc.T("casefileweb.askSend"), Name: "what", Value: "ask"}}}
	}
	if p.Write != nil {
		page.Write = &ui.Form{Items: []ui.Component{
			ui.Hidden{Name: "back", Value: back},
			ui.Input{Field: ui.Field{Name: "subject", Label: loc.T("casefileweb.subject"), Error: f.errs["subject"]}, Value: f.subject, MaxLength: maxSubject},
			ui.TextArea{Field: ui.Field{Name: "body", Label: loc.T("casefileweb.body"), Error: f.errs["body"]}, Value: f.body, MaxLength: maxAsk},
		}, Buttons: []ui.Button{{Text: loc.T("casefileweb.writeSend"), Kind: "secondary", Name: "what", Value: "write"}}}
	}
	for _, name := range []string{"field", "message", "subject", "body"} {
		if text := f.errs[name]; text != "" {
			page.Errors.Items = append(page.Errors.Items, ui.FieldError{Field: name, Text: text})
		}
	}
	shell := web.Desk("work").WithBack(loc.T("casefileweb.toCase"), withBack("/desk/cases/"+c.ID, back)).WithErrors(len(page.Errors.Items) > 0)
	shell.Wide = false
	return p.ask.Render(w, r, status, web.Page[askPage]{Title: loc.T("casefileweb.askTitle"), Shell: shell, Data: page})
}

// correctable are the fields that the applicant was asked and can be asked again.
func (p *pages) correctable(r *http.Request, c casefile.Case) ([]ui.Option, error) {
	loc := web.Localizer(r)
	s, err := p.serviceOf(r.Context(), c.Service, c.Version)
	if err != nil {
		return nil, err
	}
	_, view, err := p.answered(r.Context(), s, c, loc, "/desk/cases/")
	if err != nil {
		return nil, err
	}
	var out []ui.Option
	for _, page := range view.Pages() {
		form.Each(view.Page(page.ID), func(it *form.Item) {
			if it.Name != "" && it.Asked() && it.Type != "filepicker" {
				out = append(out, ui.Option{Value: it.Name, Label: it.Place().Title(loc)})
			}
		})
	}
	return out, nil
}

// posted is a form that a clerk sends about a case.
func (p *pages) posted(r *http.Request) (in url.Values, a access.Actor, id string, err error) {
	if in, err = web.Form(r); err != nil {
		return nil, access.Actor{}, "", err
	}
	if a, err = p.clerk(r); err != nil {
		return nil, access.Actor{}, "", err
	}
	id, err = pathID(r)
	return in, a, id, err
}

func (p *pages) sendAsk(w http.ResponseWriter, r *http.Request) error {
	in, a, id, err := p.posted(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	_, c, err := p.readApplied(ctx, a, id)
	if err != nil {
		return err
	}
	f := askForm{what: in.Get("what"), field: in.Get("field"), message: strings.TrimSpace(in.Get("message")),
		subject: strings.TrimSpace(in.Get("subject")), body: strings.TrimSpace(in.Get("body")), errs: map[string]string{}}
	if f.what == "write" && p.Write != nil {
		f.needs(loc, "subject", f.subject, maxSubject, "casefileweb.needSubject")
		f.needs(loc, "body", f.body, maxAsk, "casefileweb.needBody")
	} else {
		fields, err := p.correctable(r, c)
		if err != nil {
			return err
		}
		known := false
		for _, o := range fields {
			known = known || o.Value == f.field
		}
		if !known || p.Ask == nil {
			f.errs["field"] = loc.T("casefileweb.needField")
		}
		f.needs(loc, "message", f.message, maxAsk, "casefileweb.needMessage")
	}
	if len(f.errs) > 0 {
		return p.withAsk(w, r, http.StatusUnprocessableEntity, f)
	}
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Change, Resource: "case", Purpose: purposeWork, Service: c.Service, Case: c.ID, Office: c.Office, Owner: c.Person})
	if err != nil {
		return err
	}
	if f.what == "write" {
		err = p.Write(ctx, g, c, f.subject, f.body)
	} else {
		err = p.Ask(ctx, g, c, f.field, f.message)
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, addQuery(withBack("/desk/cases/"+c.ID, backPath(r)), "sent"))
	return nil
}

func (f *askForm) needs(loc *i18n.Localizer, field, value string, limit int, msg string) {
	switch {
	case value == "":
		f.errs[field] = loc.T(msg)
	case len([]rune(value)) > limit:
		f.errs[field] = loc.T("casefileweb.tooLong", "n", limit)
	}
}

// readApplied reads a case that somebody has applied for: there is nobody to ask or write to otherwise.
func (p *pages) readApplied(ctx context.Context, a access.Actor, id string) (access.Grant, casefile.Case, error) {
	g, c, err := p.readCase(ctx, a, id)
	if err == nil && c.Person == "" {
		err = fault.New(fault.NotFound, "casefileweb.ask", "")
	}
	return g, c, err
}
