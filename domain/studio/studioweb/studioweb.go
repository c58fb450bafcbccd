// SPDX-License-Identifier: EUPL-1.2

package studioweb

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/service"
	"mercator/domain/studio"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of the room.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Studio    *studio.Studio
	Services  *service.Catalog
	Actor     func(r *http.Request, least access.Level) (access.Actor, error)
	// Fields renders items of a form as residents meet them.
	Fields func(loc *i18n.Localizer, f *form.Form, items []form.Item, errs []form.FieldError) (template.HTML, error)
	// Vars are what the expressions of a service's forms read beside the answers: the public lists.
	Vars func(ctx context.Context, s *service.Service, lang string) (map[string]any, error)
	Now  func() time.Time
	Zone *time.Location
}

type pages struct {
	Config
	sheet  *web.View[web.Sheet]
	editor *web.View[editorPage]
	try    *web.View[tryPage]
}

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Studio == nil || c.Services == nil || c.Actor == nil || c.Fields == nil || c.Vars == nil {
		return nil, errors.New("studioweb: templates, studio, services, actor, fields and vars are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	p := &pages{Config: c}
	var err error
	if p.sheet, err = web.NewSheet(c.Templates); err != nil {
		return nil, err
	}
	if p.editor, err = web.NewView[editorPage](c.Templates, templateFS, "templates/editor.html"); err != nil {
		return nil, err
	}
	if p.try, err = web.NewView[tryPage](c.Templates, templateFS, "templates/try.html"); err != nil {
		return nil, err
	}
	const room = 4 * form.MaxSource // as a browser encodes it
	return web.Mounts{
		{Pattern: "GET /desk/studio", Handler: web.Handle(p.home)},
		{Pattern: "POST /desk/studio", Handler: web.Handle(p.begin)},
		{Pattern: "GET /desk/studio/{id}", Handler: web.Handle(p.show)},
		{Pattern: "POST /desk/studio/{id}", Handler: web.Handle(p.save), MaxBody: room},
		{Pattern: "GET /desk/studio/{id}/file", Handler: web.Handle(p.file)},
		{Pattern: "GET /desk/studio/{id}/scenarios/{scenario}", Handler: web.Handle(p.scenarioFile)},
		{Pattern: "POST /desk/studio/{id}/scenarios/{scenario}/drop", Handler: web.Handle(p.dropScenario)},
		{Pattern: "GET /desk/studio/{id}/discard", Handler: web.Handle(p.askDiscard)},
		{Pattern: "POST /desk/studio/{id}/discard", Handler: web.Handle(p.discard)},
		{Pattern: "GET /desk/studio/{id}/try", Handler: web.Handle(p.showTry)},
		{Pattern: "POST /desk/studio/{id}/try", Handler: web.Handle(p.takeTry), MaxBody: room},
	}, nil
}

func at(id string, more ...string) string {
	return "/desk/studio/" + strings.Join(append([]string{id}, more...), "/")
}

// home lists the drafts and the forms that one can be begun of.
func (p *pages) home(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	drafts, err := p.Studio.Drafts(r.Context(), a)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	title := func(id string) string {
		if s, ok := p.Services.Current(id); ok {
			return s.Title.For(loc.Lang())
		}
		return id
	}
	t := ui.Table{Caption: loc.T("studioweb.drafts"), Empty: loc.T("studioweb.noDrafts"), Columns: []ui.Column{{Label: loc.T("studioweb.form")}, {Label: loc.T("studioweb.by")}, {Label: loc.T("studioweb.changed")}}}
	for _, d := range drafts {
		t.Rows = append(t.Rows, ui.Row{ID: d.ID, Cells: []ui.Cell{{Text: title(d.Service), Sub: d.File, Href: at(d.ID)}, {Text: d.AuthorName}, {Text: loc.DateTime(d.ChangedAt.In(p.Zone))}}})
	}
	pick := ui.Select{Field: ui.Field{Name: "form", Label: loc.T("studioweb.which")}, Empty: loc.T("studioweb.choose")}
	for _, s := range p.Services.All() {
		for _, name := range studio.Forms(s) {
			pick.Options = append(pick.Options, ui.Option{Value: s.ID + "/" + name, Label: s.Title.For(loc.Lang()) + ": " + name})
		}
	}
	begin := ui.Form{Action: "/desk/studio", Items: []ui.Component{pick}, Buttons: []ui.Button{{Text: loc.T("studioweb.begin")}}}
	return p.sheet.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("studioweb.title"), Shell: web.Desk("studio"),
		Data: web.Sheet{Sections: []web.Section{{Items: []ui.Component{ui.Text{Text: loc.T("studioweb.intro")}, t, begin}}}}})
}

func (p *pages) begin(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	service, file, _ := strings.Cut(in.Get("form"), "/")
	d, err := p.Studio.Begin(r.Context(), a, service, file)
	if err != nil {
		return err
	}
	web.SeeOther(w, at(d.ID))
	return nil
}

// editorPage is a draft.
type editorPage struct {
	Service, File string
	Head, Foot    []ui.Component
	Action        string
	Rev           int64
	Text          string
	Buttons       []ui.Button
}

// draft is the one of the address.
func (p *pages) draft(r *http.Request) (studio.Draft, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return studio.Draft{}, err
	}
	return p.Studio.Draft(r.Context(), a, r.PathValue("id"))
}

func (p *pages) show(w http.ResponseWriter, r *http.Request) error {
	d, err := p.draft(r)
	if err != nil {
		return err
	}
	return p.edit(w, r, http.StatusOK, d, "")
}

// maxShown is how many mistakes are shown at once.
const maxShown = 50

// edit shows a draft, with the text that it has or that somebody has just sent.
func (p *pages) edit(w http.ResponseWriter, r *http.Request, status int, d studio.Draft, problem string) error {
	loc := web.Localizer(r)
	with, problems, err := p.Studio.Package(d)
	if err != nil {
		return err
	}
	if with != nil {
		problems = p.Studio.Check(with, d)
	}
	data := editorPage{Service: d.Service, File: d.File, Action: at(d.ID), Rev: d.Rev, Text: d.Text}
	if s, ok := p.Services.Current(d.Service); ok {
		data.Service = s.Title.For(loc.Lang())
	}
	if problem != "" {
		data.Head = append(data.Head, ui.Alert{Tone: ui.Danger, Title: problem, Live: true})
	}
	if p.Studio.Changed(d) {
		data.Head = append(data.Head, ui.Alert{Tone: ui.Warning, Title: loc.T("studioweb.moved")})
	}
	if len(problems) > 0 {
		list := make([]string, 0, maxShown)
		for _, x := range problems[:min(len(problems), maxShown)] {
			list = append(list, x.String())
		}
		data.Head = append(data.Head, ui.Alert{Tone: ui.Warning, Title: loc.T("studioweb.problems", "n", len(problems)), List: list})
	} else {
		data.Head = append(data.Head, ui.Alert{Tone: ui.Success, Title: loc.T("studioweb.fine")})
	}
	data.Buttons = []ui.Button{{Text: loc.T("studioweb.save")}}
	if with != nil {
		data.Buttons = append(data.Buttons, ui.Button{Text: loc.T("studioweb.saveAndTry"), Kind: "secondary", Name: "do", Value: "try"})
		if words := p.different(loc, d, with); len(words) > 0 {
			data.Foot = append(data.Foot, ui.Details{Summary: loc.T("studioweb.different", "n", len(words)), Open: true, Items: []ui.Component{ui.List{Items: words}}})
		} else {
			data.Foot = append(data.Foot, ui.Text{Text: loc.T("studioweb.same")})
		}
		a, err := p.Actor(r, access.Basic)
		if err != nil {
			return err
		}
		played, err := p.played(r.Context(), a, loc, with, d)
		if err != nil {
			return err
		}
		data.Foot = append(data.Foot, played...)
	}
	data.Foot = append(data.Foot, ui.Links{Items: []ui.Link{{Text: loc.T("studioweb.file"), Href: at(d.ID, "file")}, {Text: loc.T("studioweb.discard"), Href: at(d.ID, "discard")}}})
	return p.editor.Render(w, r, status, web.Page[editorPage]{Title: loc.T("studioweb.draft"), Shell: web.Desk("studio").WithBack(loc.T("studioweb.title"), "/desk/studio"), Data: data})
}

// different says in words what a draft does otherwise than the form in force.
func (p *pages) different(loc *i18n.Localizer, d studio.Draft, with *service.Service) []string {
	current, ok := p.Services.Current(d.Service)
	if !ok {
		return nil
	}
	name := studio.FormOf(d)
	old, now := current.FormNamed(name), with.FormNamed(name)
	if old == nil || now == nil {
		return nil // it isn't in the version in force any more
	}
	var out []string
	for _, x := range form.Diff(old, now) {
		out = append(out, x.Words(loc))
	}
	return out
}

func (p *pages) save(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	rev, err := strconv.ParseInt(in.Get("rev"), 10, 64)
	if err != nil {
		return fault.Because(fault.Invalid, "studioweb.save", "web.malformed", err)
	}
	err = p.Studio.Save(r.Context(), a, r.PathValue("id"), rev, in.Get("text"))
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge) {
		d, err2 := p.Studio.Draft(r.Context(), a, r.PathValue("id"))
		if err2 != nil {
			return err2
		}
		// What they have written stays before their eyes; to save it again is their decision, over what is there now.
		key, args := fault.Message(err)
		d.Text = in.Get("text")
		return p.edit(w, r, http.StatusConflict, d, web.Localizer(r).T(key, args...))
	}
	if err != nil {
		return err
	}
	if in.Get("do") == "try" {
		web.SeeOther(w, at(r.PathValue("id"), "try"))
		return nil
	}
	web.SeeOther(w, at(r.PathValue("id")))
	return nil
}

func (p *pages) file(w http.ResponseWriter, r *http.Request) error {
	d, err := p.draft(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+d.File+`"`) // of the package: letters, digits, points and hyphens
	h.Set("Cache-Control", "no-store")
	_, err = w.Write([]byte(d.Text))
	return err
}

func (p *pages) askDiscard(w http.ResponseWriter, r *http.Request) error {
	d, err := p.draft(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	ask := ui.Form{Action: at(d.ID, "discard"), Items: []ui.Component{ui.Text{Text: loc.T("studioweb.discardText", "form", d.Service+"/"+d.File)}},
		Buttons: []ui.Button{{Text: loc.T("studioweb.discard"), Danger: true}, {Text: loc.T("studioweb.keep"), Kind: "secondary", Href: at(d.ID)}}}
	return p.sheet.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("studioweb.discard"), Shell: web.Desk("studio").WithBack(loc.T("studioweb.draft"), at(d.ID)),
		Data: web.Sheet{Sections: []web.Section{{Items: []ui.Component{ask}}}}})
}

func (p *pages) discard(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	if err := p.Studio.Discard(r.Context(), a, r.PathValue("id")); err != nil {
		return err
	}
	web.SeeOther(w, "/desk/studio")
	return nil
}
