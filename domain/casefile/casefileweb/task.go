// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/casefile"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// taskPage is one task: the form that decides it, beside the file.
type taskPage struct {
	ID       string
	Back     string
	Name     string
	Notice   ui.Component
	Errors   ui.ErrorSummary
	Mine     bool
	Free     bool
	Open     bool
	Assignee string
	Form     ui.Form
	File     deskPage
	CaseHref string
}

// taskWork is what the handlers of a task have in their hands.
type taskWork struct {
	actor   access.Actor
	task    Task
	grant   access.Grant // to read the case
	c       casefile.Case
	service *service.Service
	form    *form.Form
	vars    map[string]any
}

func (p *pages) openTask(r *http.Request) (taskWork, error) {
	var t taskWork
	var err error
	if t.actor, err = p.clerk(r); err != nil {
		return t, err
	}
	id, err := pathID(r)
	if err != nil {
		return t, err
	}
	ctx := r.Context()
	g, err := p.Access.Permit(ctx, access.Request{Actor: t.actor, Action: access.Read, Resource: "task", Purpose: purposeWork, Office: t.actor.Office})
	if err != nil {
		return t, err
	}
	if t.task, err = p.Tasks.Task(ctx, g, id); err != nil {
		return t, err
	}
	if t.grant, t.c, err = p.readCase(ctx, t.actor, t.task.CaseID); err != nil {
		return t, err
	}
	if t.service, err = p.serviceOf(ctx, t.task.Service, t.task.Version); err != nil {
		return t, err
	}
	t.form = t.service.TaskForms[t.task.Form]
	vars, answers, err := p.variables(ctx, t.service, t.c)
	if err != nil {
		return t, err
	}
	for k, v := range t.task.Vars {
		if _, taken := vars[k]; !taken {
			vars[k] = v
		}
	}
	vars["application"] = answers
	t.vars = vars
	return t, nil
}

func (p *pages) showTask(w http.ResponseWriter, r *http.Request) error {
	t, err := p.openTask(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	var notice ui.Component
	switch {
	case r.URL.Query().Has("taken"):
		notice = ui.Alert{Tone: ui.Warning, Title: loc.T("casefileweb.taken", "name", t.task.AssigneeName)}
	case r.URL.Query().Has("changed"):
		notice = ui.Alert{Tone: ui.Warning, Title: loc.T("casefileweb.changed")}
	}
	return p.renderTask(w, r, http.StatusOK, t, form.Answers{}, nil, nil, notice)
}

func (p *pages) renderTask(w http.ResponseWriter, r *http.Request, status int, t taskWork, answers form.Answers, raw map[string]string, errs []form.FieldError, notice ui.Component) error {
	loc := web.Localizer(r)
	back := backPath(r)
	file, err := p.file(r, t.grant, t.c, back)
	if err != nil {
		return err
	}
	if file.Free, err = p.free(r.Context(), loc, t.grant, t.c, back); err != nil {
		return err
	}
	page := taskPage{
		ID: t.task.ID, Back: back, Name: t.task.Name.For(loc.Lang()), Notice: notice, Open: t.task.Open,
		Free: t.task.Open && t.task.Assignee == "", Mine: t.task.Open && t.task.Assignee == t.actor.ID,
		Assignee: t.task.AssigneeName, File: file, CaseHref: withBack("/desk/cases/"+t.c.ID, back),
	}
	if page.Mine {
		page.Form = ui.Form{Action: "/desk/tasks/" + t.task.ID, Items: []ui.Component{ui.Hidden{Name: "back", Value: back}, ui.Hidden{Name: "_revision", Value: strconv.FormatInt(t.task.Revision, 10)}},
			Buttons: []ui.Button{{Text: loc.T("casefileweb.complete")}}}
		if t.form != nil {
			view := t.form.Eval(answers, form.Context{Vars: t.vars, Raw: raw, Lang: loc.Lang(), Today: p.local(p.Now())})
			texts := map[string]string{}
			for _, e := range errs {
				if e.Msg == "" {
					continue
				}
				texts[e.Key] = t.form.ErrorText(e, loc)
				page.Errors.Items = append(page.Errors.Items, ui.FieldError{Field: e.Key, Text: t.form.SummaryText(e, loc)})
			}
			focus := ""
			if len(page.Errors.Items) == 0 {
				focus = pressed(t.form, r.PostForm).Goes(view)
			}
			for _, fp := range view.Pages() {
				page.Form.Items = append(page.Form.Items, formItems(view.Page(fp.ID), loc, texts, focus)...)
			}
		}
	}
	shell := web.Desk("work").WithBack(loc.T("casefileweb.work"), back).WithErrors(len(page.Errors.Items) > 0)
	return p.task.Render(w, r, status, web.Page[taskPage]{Title: page.Name + " – " + t.c.Ref, Shell: shell, Data: page})
}

func (p *pages) completeTask(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	t, err := p.openTask(r)
	if err != nil {
		return err
	}
	self := withBack("/desk/tasks/"+t.task.ID, backPath(r))
	if !t.task.Open || t.task.Assignee != t.actor.ID {
		web.SeeOther(w, addQuery(self, "changed"))
		return nil
	}
	revision, err := strconv.ParseInt(in.Get("_revision"), 10, 64)
	if err != nil {
		return fault.Because(fault.Invalid, "casefileweb.complete", "web.malformed", err)
	}
	vars := map[string]any{}
	if t.form != nil {
		answers, raw, errs := readForm(t, in, web.Localizer(r), p)
		if in.Get(form.AddRow) != "" || in.Get(form.RemoveRow) != "" { // the list has changed, nothing is decided yet
			errs = slices.DeleteFunc(errs, func(e form.FieldError) bool { return e.Msg != form.RowsMsg })
			return p.renderTask(w, r, http.StatusOK, t, answers, raw, errs, nil)
		}
		if len(errs) > 0 {
			return p.renderTask(w, r, http.StatusUnprocessableEntity, t, answers, raw, errs, nil)
		}
		vars = t.form.Eval(answers, form.Context{Vars: t.vars, Lang: web.Localizer(r).Lang(), Today: p.local(p.Now())}).Submission()
	}
	err = p.onTask(r.Context(), t, access.Decide, func(ctx context.Context, g access.Grant) error {
		return p.Tasks.Complete(ctx, g, t.task.ID, revision, vars)
	})
	if fault.Is(err, fault.Conflict) {
		web.SeeOther(w, addQuery(self, "changed"))
		return nil
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, backPath(r))
	return nil
}

// readForm takes the posted form of a task, all its pages at once.
func readForm(t taskWork, in url.Values, loc *i18n.Localizer, p *pages) (form.Answers, map[string]string, []form.FieldError) {
	ctx := form.Context{Vars: t.vars, Raw: map[string]string{}, Lang: loc.Lang(), Today: p.local(p.Now())}
	answers := form.Answers{}
	var errs []form.FieldError
	for _, fp := range t.form.Pages() {
		var found []form.FieldError
		answers, found = t.form.Decode(fp.ID, in, answers, ctx)
		errs = append(errs, found...)
	}
	seen := map[string]bool{}
	for _, e := range errs {
		seen[e.Key] = true
		if e.Raw != "" {
			ctx.Raw[e.Key] = e.Raw
		}
	}
	// A field that the page did not show yet, because another answer made it appear.
	for _, e := range t.form.Validate(answers, ctx) {
		if !seen[e.Key] {
			errs = append(errs, e)
		}
	}
	kept := errs[:0]
	for _, e := range errs {
		if e.Msg != "" {
			kept = append(kept, e)
		}
	}
	return answers, ctx.Raw, kept
}

// pressed is the button of a list that was pressed on the page of a task.
func pressed(f *form.Form, in url.Values) form.Pressed {
	var all []string
	for _, fp := range f.Pages() {
		all = append(all, fp.ID)
	}
	return f.Pressed(all, in)
}

// onTask does something with a task, under a grant that names whose matter it is: nobody works on their own.
func (p *pages) onTask(ctx context.Context, t taskWork, action string, do func(context.Context, access.Grant) error) error {
	g, err := p.Access.Permit(ctx, access.Request{Actor: t.actor, Action: action, Resource: "task", Purpose: purposeWork, Service: t.task.Service, Case: t.task.CaseID, Office: t.task.Office, Owner: t.c.Person})
	if err != nil {
		return err
	}
	return do(ctx, g)
}

func (p *pages) claim(w http.ResponseWriter, r *http.Request) error {
	return p.assign(w, r, p.Tasks.Claim)
}

func (p *pages) release(w http.ResponseWriter, r *http.Request) error {
	return p.assign(w, r, p.Tasks.Release)
}

func (p *pages) assign(w http.ResponseWriter, r *http.Request, do func(context.Context, access.Grant, string) error) error {
	if _, err := web.Form(r); err != nil {
		return err
	}
	t, err := p.openTask(r)
	if err != nil {
		return err
	}
	err = p.onTask(r.Context(), t, access.Change, func(ctx context.Context, g access.Grant) error { return do(ctx, g, t.task.ID) })
	self := withBack("/desk/tasks/"+t.task.ID, backPath(r))
	if fault.Is(err, fault.Conflict) {
		web.SeeOther(w, addQuery(self, "taken"))
		return nil
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, self)
	return nil
}

func addQuery(path, key string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := u.Query()
	q.Set(key, "1")
	u.RawQuery = q.Encode()
	return u.String()
}
