// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// tasksPage is the list of the topics of a long form: where it begins, and where every page leads back to.
type tasksPage struct {
	Progress ui.Progress
	Lists    []ui.TaskList
	SoFar    ui.Link // all answers so far
	Expires  time.Time
	Soon     bool
	Drafts   string
	SignIn   string // nobody has signed in
	Help     string // where somebody is asked for help
	Helps    string // whom the reader helps with it
	Changed  *changed
}

// entry is where a draft that nobody has gone on with begins.
func entry(f *intake.Filling) string {
	if f.TaskList() {
		return path("apply", f.Draft.ID, "tasks")
	}
	if pages := f.Pages(); len(pages) > 0 {
		return path("apply", f.Draft.ID, "page", pages[0].ID)
	}
	return path("apply", f.Draft.ID, "check")
}

// complete tells whether everything is done that has to be before a long form is handed over.
func complete(topics []form.Topic) bool {
	done, all := intake.Finished(topics)
	return done == all
}

// waits tells whether a page of a long form can't be filled in yet.
func waits(topics []form.Topic, page string) bool {
	return slices.ContainsFunc(topics, func(t form.Topic) bool { return t.Page.ID == page && t.State == form.Waits })
}

func (v visit) progress(topics []form.Topic) ui.Progress {
	done, all := intake.Finished(topics)
	return ui.Progress{Step: done, Steps: all, Label: v.loc.T("intake.tasks.progress", "done", done, "all", all)}
}

func (p *Pages) showTasks(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	if !f.TaskList() || v.owns() && len(v.service.Data) > 0 && v.draft.Consent == intake.Unasked {
		web.SeeOther(w, path("apply", v.draft.ID))
		return nil
	}
	topics := f.Topics()
	data := tasksPage{Progress: v.progress(topics), Lists: taskLists(v, topics), SoFar: ui.Link{Text: v.loc.T("intake.tasks.soFarLink"), Href: path("apply", v.draft.ID, "check")},
		Expires: v.draft.ExpiresAt, Soon: !v.guest && p.c.Intake.Soon(v.draft.ExpiresAt), Drafts: "/apply"}
	data.Changed = v.changed(f, true)
	if v.guest {
		data.SignIn = signIn(f)
	}
	if v.owns() && !v.actor.Acting() {
		data.Help = path("apply", v.draft.ID, "help")
	}
	if v.draft.Helper != "" {
		data.Helps = v.draft.OwnerName
	}
	shell := web.Portal("services").WithBack(v.loc.T("intake.backToService"), path("services", v.service.ID))
	if v.owns() && len(v.service.Data) > 0 {
		shell = web.Portal("services").WithBack(v.loc.T("intake.back"), path("apply", v.draft.ID, "data"))
	}
	return p.tasks.Render(w, r, http.StatusOK, web.Page[tasksPage]{Title: v.service.Title.For(v.loc.Lang()), Shell: shell, Data: data})
}

// taskLists are the topics by sections, and at the end what comes after all of them.
func taskLists(v visit, topics []form.Topic) []ui.TaskList {
	lang := v.loc.Lang()
	var out []ui.TaskList
	section := ""
	for i, t := range topics {
		if name := t.Page.Section.For(lang); i == 0 || name != section {
			section = name
			out = append(out, ui.TaskList{Title: name})
		}
		task := ui.Task{ID: "topic-" + t.Page.ID, Title: t.Page.Title.For(lang), Href: path("apply", v.draft.ID, "page", t.Page.ID)}
		switch t.State {
		case form.Done:
			task.Status = ui.Badge{Tone: ui.Success, Text: v.loc.T("intake.tasks.done")}
		case form.Begun:
			task.Status = ui.Badge{Tone: ui.Warning, Text: v.loc.T("intake.tasks.begun")}
		case form.ToDo:
			task.Status = ui.Badge{Text: v.loc.T("intake.tasks.todo")}
		case form.Waits:
			var first []string
			for _, p := range t.For {
				first = append(first, p.Title.For(lang))
			}
			task.Href, task.Note, task.Hint = "", v.loc.T("intake.tasks.waits"), v.loc.T("intake.tasks.first", "pages", strings.Join(first, "; "))
		default:
			task.Href, task.Note = "", v.loc.T("intake.tasks.unneeded")
		}
		if !v.fills(t.Page.ID) { // who signs sees it with all the others
			task.Href = ""
		}
		last := &out[len(out)-1]
		last.Tasks = append(last.Tasks, task)
	}
	last := ui.Task{ID: "topic-end", Title: v.loc.T("intake.tasks.submit"), Note: v.loc.T("intake.tasks.waits"), Hint: v.loc.T("intake.tasks.all")}
	if complete(topics) {
		last.Note, last.Hint = "", ""
		last.Href, last.Status = path("apply", v.draft.ID, "check"), ui.Badge{Text: v.loc.T("intake.tasks.todo")}
	}
	if section == "" && len(out) > 0 { // a form without sections has one list
		out[len(out)-1].Tasks = append(out[len(out)-1].Tasks, last)
		return out
	}
	return append(out, ui.TaskList{Title: v.loc.T("intake.tasks.end"), Tasks: []ui.Task{last}})
}
