// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// checkPage shows all answers before they are handed over.
type checkPage struct {
	Service string
	Errors  ui.ErrorSummary
	Changed bool // registers say something else than when the person last looked
	// Meanwhile: somebody has changed an answer since this page was shown. Seen is what it shows now.
	Meanwhile bool
	Seen      string
	Sections  []ui.SummaryList
	Progress  ui.Progress
	Fee       *FeeInfo
	Action    string
	Submit    ui.Button
	Draft     string
	SignIn    string // nobody has signed in, so it can't be handed over yet
	Helps     string // whom the reader helps: it's for them to hand over
	Filled    []filled
	Together  *atCounter
	Signings  []signing
	ToSign    *toSign
	Waits     bool // for signatures
	Told      *changed
	GoOn      *ui.Link // these are the answers so far: back to filling in
}

func (p *Pages) showCheck(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.renderCheck(w, r, v, nil, http.StatusOK)
}

func (p *Pages) renderCheck(w http.ResponseWriter, r *http.Request, v visit, errs []form.FieldError, status int) error {
	if v.owns() && len(v.service.Data) > 0 && v.draft.Consent == intake.Unasked {
		web.SeeOther(w, path("apply", v.draft.ID, "data"))
		return nil
	}
	var changed bool
	var err error
	if v.draft, changed, err = p.c.Intake.Refresh(r.Context(), v.actor, v.draft); err != nil {
		return err
	}
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	if errs == nil {
		errs = f.Validate("") // somebody may come here before they are through
	}
	title, back, soFar := v.loc.T("intake.check.title"), "", false
	var topics []form.Topic
	at := v.service.Form.Page(r.URL.Query().Get(atField))
	if f.TaskList() {
		back = path("apply", v.draft.ID, "tasks")
		// Of a long form it also shows the answers so far: the list of topics says what is missing.
		if topics = f.Topics(); !complete(topics) {
			title, soFar, errs, status = v.loc.T("intake.tasks.soFar"), true, nil, http.StatusOK
		}
	} else if at != nil && len(errs) > 0 { // somebody looks back on their way: what is still to come isn't a mistake
		back = path("apply", v.draft.ID, "page", at.ID)
		title, soFar, errs = v.loc.T("intake.tasks.soFar"), true, nil
	}
	wrong := map[string]bool{}
	pages := f.Pages()
	data := checkPage{
		Service: v.service.Title.For(v.loc.Lang()), Changed: changed, Meanwhile: r.URL.Query().Has("meanwhile"), Draft: v.draft.ID,
		Progress: ui.Progress{Step: len(pages) + 1, Steps: len(pages) + 1},
		Action:   path("apply", v.draft.ID, "submit"),
	}
	if topics != nil {
		data.Progress = v.progress(topics)
	}
	if soFar {
		text := v.loc.T("intake.goOn")
		if topics != nil {
			text = v.loc.T("intake.tasks.goOn")
		} else {
			data.Progress.Step, data.Progress.Steps = steps(f, at.ID)
		}
		data.GoOn = &ui.Link{Text: text, Href: back}
	}
	for _, e := range errs {
		wrong[e.Key] = true
		if fd := v.service.Form.Field(e.Key); fd != nil && !v.fills(fd.Page) {
			continue // nothing that who signs could do about
		}
		item := ui.FieldError{Text: v.service.Form.SummaryText(e, v.loc)}
		item.Href = signingHref(e)
		if fd := v.service.Form.Field(e.Key); fd != nil {
			item.Href = changeAt(v.draft.ID, fd.Page, e.Key, returnCheck)
		}
		data.Errors.Items = append(data.Errors.Items, item)
	}
	returns := returnCheck
	if soFar && topics == nil {
		returns = at.ID
	}
	data.Sections = p.sections(v, f, 2, soFar, returns)
	if len(errs) == 0 && !soFar {
		text := v.loc.T("intake.submit")
		if p.c.Fee != nil {
			if fee, ok := p.c.Fee(r.Context(), v.service, f.View.Submission()); ok {
				data.Fee = &fee
				if fee.Cents > 0 {
					text = v.loc.T("intake.submitPaid")
				}
			}
		}
		data.Submit, data.Seen = ui.Button{Text: text}, f.Shown()
	}
	ready := len(errs) == 0 && !soFar
	if data.Together, err = p.withClerk(r, v); err != nil {
		return err
	}
	if v.signs() {
		if data.ToSign, err = p.toSign(r, v, f, ready, v.problem); err != nil {
			return err
		}
		if v.problem != "" {
			problem := ui.FieldError{Text: v.problem}
			if data.ToSign != nil && data.ToSign.Form.Action != "" {
				problem.Field = "declares"
			}
			data.Errors.Items = append(data.Errors.Items, problem)
		}
	} else {
		all := false
		if data.Signings, all, err = p.signings(r, v, f); err != nil {
			return err
		}
		if !all && ready {
			data.Submit, data.Waits = ui.Button{}, true
		}
	}
	data.Filled, data.Told = filledBy(f, v), v.changed(f, true)
	if v.draft.Helper != "" && !soFar {
		data.Submit, data.Helps, data.Waits = ui.Button{}, v.draft.OwnerName, false
	}
	if v.guest && !soFar {
		data.Submit, data.SignIn, data.Waits = ui.Button{}, signIn(f), false
	}
	shell := web.Portal("services").WithErrors(len(data.Errors.Items) > 0)
	switch {
	case topics != nil:
		shell = shell.WithBack(v.loc.T("intake.tasks.back"), back)
	case soFar:
		shell = shell.WithBack(v.loc.T("intake.back"), back)
	case len(pages) > 0 && v.fills(pages[len(pages)-1].ID):
		shell = shell.WithBack(v.loc.T("intake.back"), path("apply", v.draft.ID, "page", pages[len(pages)-1].ID))
	}
	return p.check.Render(w, r, status, web.Page[checkPage]{Title: title, Shell: shell, Data: data})
}

// sections are the questions of a form with their answers, and where each can be changed, from where it leads back; so far: only those
// with an answer.
func (p *Pages) sections(v visit, f *intake.Filling, level int, soFar bool, back string) (out []ui.SummaryList) {
	source, above := p.source(v), askedBy(f, v.loc, back)
	for _, s := range f.View.Summary(v.loc) {
		list := ui.SummaryList{Title: s.Title, Level: level}
		for _, row := range s.Rows {
			out := ui.SummaryRow{Key: row.Label, Value: row.Value}
			there := changeAt(v.draft.ID, s.Page, row.Name, back)
			switch {
			case row.Item.Elsewhere:
				out.Source, there = above(row.Name)
				fallthrough
			default:
				if there != "" {
					out.Actions = []ui.Link{{Text: v.loc.T("intake.change"), Hidden: row.Label, Href: there}}
				}
			case row.Known:
				out.Source = source(row.Item.Register)
			case row.Computed || row.Item.ReadOnly || !v.fills(s.Page):
			}
			if out.Value == "" {
				if row.Computed || soFar && row.Item.Raw == "" {
					continue
				}
				out.Value = v.loc.T("intake.unanswered")
				if row.Item.Raw != "" {
					out.Value = row.Item.Raw
				}
			}
			list.Rows = append(list.Rows, out)
		}
		if len(list.Rows) > 0 {
			out = append(out, list)
		}
	}
	return out
}

// submit hands the application over. Pressed twice, it leads to the same case.
func (p *Pages) submit(w http.ResponseWriter, r *http.Request, v visit) error {
	in, err := posted(r)
	if err == nil {
		err = p.saw(r, v, in.Get(toldField))
	}
	if err != nil {
		return err
	}
	if v.service.Form.TaskList() {
		f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
		if err != nil {
			return err
		}
		if !complete(f.Topics()) {
			web.SeeOther(w, path("apply", v.draft.ID, "tasks"))
			return nil
		}
	}
	caseID, errs, err := p.c.Intake.SubmitSeen(r.Context(), v.actor, v.draft.ID, in.Get(intake.SeenField), v.loc.Lang())
	switch {
	case err != nil:
		if again, ok := lookAgain(err); ok {
			web.SeeOther(w, path("apply", v.draft.ID, "check")+again)
			return nil
		}
		return err
	case len(errs) > 0:
		return p.renderCheck(w, r, v, errs, http.StatusUnprocessableEntity)
	}
	web.SeeOther(w, p.next(r.Context(), v.actor, caseID))
	return nil
}

// lookAgain is what the page of all answers is asked for where somebody has to look at them once more before they are handed over.
func lookAgain(err error) (query string, ok bool) {
	switch msg, _ := fault.Message(err); msg {
	case "intake.lookAgain":
		return "", true
	case "intake.check.meanwhile":
		return "?meanwhile=1", true
	}
	return "", false
}

// begun is what somebody has begun, in the list of it.
func (p *Pages) begun(loc *i18n.Localizer, title service.Text, href string, changed, expires time.Time) ui.Task {
	status := ui.Badge{Text: loc.T("intake.drafts.begun")}
	if p.c.Intake.Soon(expires) {
		status = ui.Badge{Tone: ui.Warning, Text: loc.T("intake.drafts.soon")}
	}
	return ui.Task{Status: status, Title: title.For(loc.Lang()), Href: href,
		Hint: loc.T("intake.drafts.dates", "changed", loc.Date(changed), "expires", loc.Date(expires))}
}

// draftsPage lists what is begun.
type draftsPage struct{ Drafts, Helping ui.TaskList }

func (p *Pages) listDrafts(w http.ResponseWriter, r *http.Request) error {
	actor, err := identity.RequireActing(r, access.Basic)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	drafts, err := p.c.Intake.Drafts(r.Context(), actor)
	if err != nil {
		return err
	}
	var data draftsPage
	for _, d := range drafts {
		s, err := p.c.Intake.Service(d)
		if err != nil {
			continue // the service is no longer offered; the draft expires
		}
		data.Drafts.Tasks = append(data.Drafts.Tasks, p.begun(loc, s.Title, path("apply", d.ID), d.ChangedAt, d.ExpiresAt))
	}
	helping, err := p.c.Intake.Helping(r.Context(), actor)
	if err != nil {
		return err
	}
	for _, x := range helping {
		title, err := p.into(x)
		if err != nil {
			continue
		}
		badge := loc.T("intake.help.badge")
		if x.Kind == intake.ToSign {
			badge = loc.T("intake.cosign.badge")
		}
		data.Helping.Tasks = append(data.Helping.Tasks, ui.Task{Status: ui.Badge{Text: badge}, Title: title.For(loc.Lang()),
			Href: opens(x), Hint: x.OwnerName})
	}
	bundles, err := p.begunEvents(r.Context(), loc, actor)
	if err != nil {
		return err
	}
	data.Drafts.Tasks = append(bundles, data.Drafts.Tasks...)
	return p.drafts.Render(w, r, http.StatusOK, web.Page[draftsPage]{Title: loc.T("intake.drafts.title"), Shell: web.Portal("apply"), Data: data})
}

// discardPage asks before a draft is thrown away.
type discardPage struct {
	Service string
	Form    ui.Form
}

func (p *Pages) askDiscard(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.renderDiscard(w, r, v.loc, v.service.Title, path("apply", v.draft.ID))
}

// renderDiscard asks whether what stands at an address is to be thrown away.
func (p *Pages) renderDiscard(w http.ResponseWriter, r *http.Request, loc *i18n.Localizer, title service.Text, at string) error {
	return p.discard.Render(w, r, http.StatusOK, web.Page[discardPage]{
		Title: loc.T("intake.discard.title"),
		Shell: web.Portal("apply").WithBack(loc.T("intake.back"), at),
		Data: discardPage{Service: title.For(loc.Lang()), Form: ui.Form{Action: at + "/discard",
			Buttons: []ui.Button{{Text: loc.T("intake.discard.yes"), Danger: true}, {Text: loc.T("intake.discard.no"), Kind: "secondary", Href: at}}}},
	})
}

func (p *Pages) doDiscard(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := p.c.Intake.Discard(r.Context(), v.actor, v.draft.ID); err != nil {
		return err
	}
	if v.guest {
		web.SeeOther(w, path("services", v.service.ID))
		return nil
	}
	web.SeeOther(w, "/apply")
	return nil
}

// correctPage asks for the one field that a clerk wants put right.
type correctPage struct {
	Service string
	Message string
	Done    bool
	Case    string
	Errors  ui.ErrorSummary
	Action  string
	Blocks  []block
	Posted  []ui.Hidden
	Submit  ui.Button
}

func (p *Pages) showCorrection(w http.ResponseWriter, r *http.Request) error {
	return p.renderCorrection(w, r, nil, http.StatusOK)
}

func (p *Pages) renderCorrection(w http.ResponseWriter, r *http.Request, errs []form.FieldError, status int) error {
	actor, err := identity.RequireActing(r, access.Basic)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	c, err := p.c.Intake.Correcting(r.Context(), actor, r.PathValue("id"), loc.Lang())
	if err != nil {
		return err
	}
	if err := level(actor, c.Service); err != nil {
		return err
	}
	data := correctPage{
		Service: c.Service.Title.For(loc.Lang()), Message: c.Correction.Message, Done: c.Correction.State != intake.Open,
		Case: path("cases", c.Correction.CaseID), Action: path("corrections", c.Correction.ID), Submit: ui.Button{Text: loc.T("intake.correction.send")},
	}
	b := builder{form: c.Service.Form, loc: loc, errs: errorTexts(c.Service.Form, errs, loc), source: func(s string) string { return s }}
	if !data.Done {
		data.Blocks = b.blocks([]form.Item{c.Item})
		if row, in := c.Item.Place().Around(); in { // which of them
			data.Blocks = []block{{Legend: row.Title(loc), Level: 2, Blocks: data.Blocks}}
		}
		data.Posted = b.posted
	}
	data.Errors = summary(b, errs)
	return p.correct.Render(w, r, status, web.Page[correctPage]{
		Title: loc.T("intake.correction.title"),
		Shell: web.Portal("cases").WithBack(loc.T("intake.correction.back"), data.Case).WithErrors(len(errs) > 0), Data: data,
	})
}

func (p *Pages) takeCorrection(w http.ResponseWriter, r *http.Request) error {
	actor, err := identity.RequireActing(r, access.Basic)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	c, err := p.c.Intake.Correcting(r.Context(), actor, r.PathValue("id"), loc.Lang())
	if err != nil {
		return err
	}
	if err := level(actor, c.Service); err != nil {
		return err
	}
	in, err := posted(r)
	if err != nil {
		return err
	}
	errs, err := p.c.Intake.Correct(r.Context(), actor, c.Correction.ID, in, loc.Lang())
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		return p.renderCorrection(w, r, errs, http.StatusUnprocessableEntity)
	}
	web.SeeOther(w, path("cases", c.Correction.CaseID))
	return nil
}
