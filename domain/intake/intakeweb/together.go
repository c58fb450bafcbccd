// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

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

// atCounter says on a page who has the same draft open, and how that ends.
type atCounter struct {
	Label string
	Alert ui.Alert
	End   ui.Form
}

// waitPage is where a clerk shows a code and waits for the person at the counter.
type waitPage struct {
	Begin ui.Form
	Code  string // as people read it; "": nothing is open
	Link  string
	Alt   string
	QR    template.HTML
	Until string
	Here  string // to see whether they are there
	Seen  string // where a script asks the same
	End   ui.Form
}

// joinPage is where the person at the counter picks what they show.
type joinPage struct {
	Errors ui.ErrorSummary
	Clerk  string
	Office string
	Until  string
	Form   ui.Form
}

func (p *Pages) togetherMounts() web.Mounts {
	return web.Mounts{
		{Pattern: "GET /desk/together", Handler: web.Handle(p.showBegin)},
		{Pattern: "POST /desk/together", Handler: web.Handle(p.beginTogether)},
		{Pattern: "GET /desk/together/{id}", Handler: web.Handle(p.showTogether)},
		{Pattern: "POST /desk/together/{id}", Handler: web.Handle(p.takeTogether)},
		{Pattern: "POST /desk/together/{id}/end", Handler: web.Handle(p.endTogether)},
		{Pattern: "POST /desk/together/{id}/save", Handler: web.Handle(p.autosaveTogether)},
		{Pattern: "GET /desk/together/{id}/seen", Handler: web.Handle(p.seenTogether)},
		{Pattern: "GET /together", Handler: web.Handle(p.showType)},
		{Pattern: "POST /together", Handler: web.Handle(p.takeType), Class: web.ClassSign},
		{Pattern: "GET /together/{code}", Handler: web.Handle(p.showJoin), Class: web.ClassSign},
		{Pattern: "POST /together/{code}", Handler: web.Handle(p.join), Class: web.ClassSign},
		{Pattern: "POST /apply/{draft}/together/end", Handler: web.Handle(p.leave)},
	}
}

// --- at the desk

func (p *Pages) showBegin(w http.ResponseWriter, r *http.Request) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	switch x, err := p.c.Intake.AtCounter(r.Context(), a, ""); {
	case err == nil: // there is one already
		web.SeeOther(w, path("desk", "together", x.ID))
		return nil
	case !fault.Is(err, fault.NotFound):
		return err
	}
	return p.renderWait(w, r, waitPage{})
}

func (p *Pages) renderWait(w http.ResponseWriter, r *http.Request, page waitPage) error {
	loc := web.Localizer(r)
	page.Begin = ui.Form{Action: "/desk/together", Buttons: []ui.Button{{Text: loc.T("intake.together.begin")}}}
	if page.Code != "" {
		page.Begin.Buttons[0] = ui.Button{Text: loc.T("intake.together.anew"), Kind: "tertiary"}
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.wait.Render(w, r, http.StatusOK, web.Page[waitPage]{Title: loc.T("intake.together.title"), Shell: web.Desk("together"), Data: page})
}

func (p *Pages) beginTogether(w http.ResponseWriter, r *http.Request) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	id, err := p.c.Intake.BeginTogether(r.Context(), a)
	if err != nil {
		return err
	}
	web.SeeOther(w, path("desk", "together", id))
	return nil
}

// partParam says in an address which service of a life event is shown.
const partParam = "part"

// partOf is that part of an address; "" if what is shown is no life event.
func partOf(x intake.AtCounter, service string) string {
	if x.Bundle == "" {
		return ""
	}
	return partParam + "=" + url.QueryEscape(service)
}

// counter is a clerk's visit to a draft that its owner has opened to them.
func (p *Pages) counter(r *http.Request, read func(a access.Actor, id, part string) (intake.AtCounter, intake.Draft, error)) (intake.AtCounter, visit, error) {
	v := visit{loc: web.Localizer(r)}
	var err error
	if v.actor, err = clerk(r); err != nil {
		return intake.AtCounter{}, v, err
	}
	x, d, err := read(v.actor, r.PathValue("id"), r.URL.Query().Get(partParam))
	if err != nil || x.Waiting() {
		return x, v, err
	}
	v.draft = d
	v.service, err = p.c.Intake.Service(d)
	return x, v, err
}

// open is counter for what shows or changes the draft, on record with its owner.
func (p *Pages) open(r *http.Request) (intake.AtCounter, visit, error) {
	x, v, err := p.counter(r, func(a access.Actor, id, part string) (intake.AtCounter, intake.Draft, error) {
		return p.c.Intake.Together(r.Context(), a, id, part)
	})
	if err == nil && x.Waiting() && r.Method != http.MethodGet {
		err = fault.New(fault.NotFound, "intakeweb.together", "intake.together.over")
	}
	return x, v, err
}

func (p *Pages) showTogether(w http.ResponseWriter, r *http.Request) error {
	x, v, err := p.open(r)
	if fault.Is(err, fault.NotFound) && v.actor.ID != "" { // it has ended
		return p.renderOver(w, r)
	}
	if err != nil {
		return err
	}
	if !x.Waiting() {
		return p.renderTogether(w, r, x, v, nil, http.StatusOK)
	}
	here := path("desk", "together", x.ID)
	page := waitPage{Code: intake.ShowCode(x.Code), Link: strings.TrimSuffix(p.c.BaseURL, "/") + path("together", x.Code), Here: here, Seen: here + "/seen",
		Until: v.loc.Time(x.Until), Alt: v.loc.T("intake.together.qr"),
		End: ui.Form{Action: here + "/end", Buttons: []ui.Button{{Text: v.loc.T("intake.together.cancel"), Kind: "secondary"}}}}
	if page.QR, err = qrSVG(page.Link); err != nil {
		return fault.Wrap("intakeweb.together", err)
	}
	return p.renderWait(w, r, page)
}

// renderOver tells a clerk that the person has ended it, or that the hour is over.
func (p *Pages) renderOver(w http.ResponseWriter, r *http.Request) error {
	loc := web.Localizer(r)
	page := waitPage{Until: "", Begin: ui.Form{}}
	w.Header().Set("Cache-Control", "no-store")
	page.Begin = ui.Form{Action: "/desk/together", Buttons: []ui.Button{{Text: loc.T("intake.together.begin")}}}
	return p.wait.Render(w, r, http.StatusNotFound, web.Page[waitPage]{Title: loc.T("intake.together.over"), Shell: web.Desk("together"), Data: page})
}

// renderTogether is the draft as the clerk sees it, all on one page. It is the page that residents meet, with the desk around it.
func (p *Pages) renderTogether(w http.ResponseWriter, r *http.Request, x intake.AtCounter, v visit, errs []form.FieldError, status int) error {
	data, err := p.togetherPage(r, x, v, errs)
	if err != nil {
		return err
	}
	shell := web.Desk("together").WithErrors(len(errs) > 0)
	shell.Form = "form"
	w.Header().Set("Cache-Control", "no-store")
	return p.page.Render(w, r, status, web.Page[formPage]{Title: data.Heading, Shell: shell, Data: data})
}

func (p *Pages) togetherPage(r *http.Request, x intake.AtCounter, v visit, errs []form.FieldError) (formPage, error) {
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return formPage{}, err
	}
	here, part := path("desk", "together", x.ID), query(partOf(x, v.service.ID))
	data := formPage{Service: heading(v.loc, f), Heading: v.loc.T("intake.together.with", "name", x.OwnerName),
		Action: here + part, Autosave: here + "/save" + part, Changes: here + "/seen" + part, Over: v.loc.T("intake.together.over"),
		Submit: ui.Button{Text: v.loc.T("intake.paper.save"), Kind: "secondary"}}
	data.Together = &atCounter{Label: v.loc.T("intake.together.title"),
		Alert: ui.Alert{Title: v.loc.T("intake.together.until", "time", v.loc.Time(x.Until)), Text: v.loc.T("intake.together.theirs", "name", x.OwnerName)},
		End:   ui.Form{Action: here + "/end", Buttons: []ui.Button{{Text: v.loc.T("intake.together.end"), Kind: "secondary"}}}}
	if len(x.Parts) > 1 {
		data.Parts = &ui.Filters{Label: v.loc.T("intake.together.parts")}
		for _, s := range x.Parts {
			data.Parts.Items = append(data.Parts.Items, ui.Filter{Label: s.Title.For(v.loc.Lang()), Href: here + query(partOf(x, s.ID)), Active: s.ID == v.service.ID, NoCount: true})
		}
	}
	if len(v.service.Data) > 0 && v.draft.Consent == intake.Unasked {
		data.Together.Alert.Text += " " + v.loc.T("intake.together.registers", "name", x.OwnerName)
	}
	errs = f.WithRivals("", errs)
	var seen []string
	for _, pg := range f.Pages() {
		part := data
		b, err := p.fillIn(r, &part, v, f, pg, errs)
		if err != nil {
			return data, err
		}
		data.Blocks = append(data.Blocks, block{Legend: pg.Title.For(v.loc.Lang()), Blocks: part.Blocks})
		data.Known.Rows = append(data.Known.Rows, part.Known.Rows...)
		data.Above.Rows = append(data.Above.Rows, part.Above.Rows...)
		data.Posted = append(data.Posted, part.Posted...)
		data.Moves = append(data.Moves, part.Moves...)
		seen = append(seen, f.Seen(pg.ID))
		data.Errors = summary(b, errs)
	}
	data.Seen = strings.Join(seen, " ")
	return data, nil
}

func (p *Pages) takeTogether(w http.ResponseWriter, r *http.Request) error {
	x, v, err := p.open(r)
	if fault.Is(err, fault.NotFound) && v.actor.ID != "" {
		return p.renderOver(w, r)
	}
	if err != nil {
		return err
	}
	in, err := posted(r)
	if err != nil {
		return err
	}
	if _, err := p.takeRival(r, v, in); err != nil {
		return err
	}
	onMap := p.takeMap(v.service.Form, in)
	errs, err := p.c.Intake.Save(r.Context(), v.actor, v.draft.ID, "", in, v.loc.Lang())
	if err != nil {
		return err
	}
	if there, ok := web.WithLanguage(in, path("desk", "together", x.ID)+query(partOf(x, v.service.ID))); ok {
		web.SeeOther(w, there)
		return nil
	}
	onRow := in.Get(form.AddRow) != "" || in.Get(form.RemoveRow) != ""
	if onRow || len(errs) > 0 {
		if x, v, err = p.open(r); err != nil {
			return err
		}
	}
	if len(errs) > 0 && (!onRow || full(errs)) {
		return p.renderTogether(w, r, x, v, errs, http.StatusUnprocessableEntity)
	}
	there := path("desk", "together", x.ID) + query(partOf(x, v.service.ID), onMap)
	if onRow {
		f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
		if err != nil {
			return err
		}
		there += rowAnchor(pageIDs(v.service.Form), in, f.View)
	}
	web.SeeOther(w, there)
	return nil
}

// look is counter for what hands out marks only.
func (p *Pages) look(r *http.Request) (intake.AtCounter, visit, error) {
	return p.counter(r, func(a access.Actor, id, part string) (intake.AtCounter, intake.Draft, error) {
		return p.c.Intake.LookAtCounter(r.Context(), a, id, part)
	})
}

// autosaveTogether keeps one field as a clerk leaves it.
func (p *Pages) autosaveTogether(w http.ResponseWriter, r *http.Request) error {
	x, v, err := p.look(r) // what it changes is on record by Save
	if err == nil && x.Waiting() {
		err = fault.New(fault.NotFound, "intakeweb.together", "intake.together.over")
	}
	if err != nil {
		return err
	}
	in, err := left(r)
	if err != nil {
		return err
	}
	if _, err := p.c.Intake.Save(r.Context(), v.actor, v.draft.ID, "", in, v.loc.Lang()); err != nil {
		return err
	}
	if in.Get(liveField) == "" {
		return p.seenTogether(w, r)
	}
	if x, v, err = p.open(r); err != nil {
		return err
	}
	data, err := p.togetherPage(r, x, v, nil)
	if err != nil {
		return err
	}
	return p.page.RenderPart(w, r, http.StatusOK, "live", web.Page[formPage]{Data: data})
}

// seenTogether tells the clerk's page how its fields are by now, or that the person is there.
func (p *Pages) seenTogether(w http.ResponseWriter, r *http.Request) error {
	x, v, err := p.look(r)
	if err != nil {
		return err
	}
	if x.Waiting() {
		return web.WriteJSON(w, r, http.StatusOK, map[string]string{"version": "waiting"})
	}
	f, err := p.c.Intake.FillAlone(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	out := seenAnswer{Version: "open"}
	var seen []string
	for _, pg := range f.Pages() {
		seen = append(seen, f.Seen(pg.ID))
	}
	out.Seen = strings.Join(seen, " ")
	for _, y := range f.Rivalries("") {
		out.Rivals = append(out.Rivals, y.Item.Name)
	}
	return web.WriteJSON(w, r, http.StatusOK, out)
}

func (p *Pages) endTogether(w http.ResponseWriter, r *http.Request) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	if err := p.c.Intake.EndTogether(r.Context(), a, r.PathValue("id")); err != nil {
		return err
	}
	web.SeeOther(w, "/desk/together")
	return nil
}

// --- on the phone

// withClerk is what the owner of a draft is told who has it open at the counter.
func (p *Pages) withClerk(r *http.Request, v visit) (*atCounter, error) {
	if !v.owns() || v.actor.Acting() {
		return nil, nil
	}
	x, ok, err := p.c.Intake.WithClerk(r.Context(), v.actor, v.draft)
	if err != nil || !ok {
		return nil, err
	}
	return &atCounter{Label: v.loc.T("intake.together.title"),
		Alert: ui.Alert{Title: v.loc.T("intake.together.now", "name", x.ClerkName, "office", p.office(x.Office, v.loc), "time", v.loc.Time(x.Until)), Text: v.loc.T("intake.together.yours")},
		End: ui.Form{Action: path("apply", v.draft.ID, "together", "end"), Buttons: []ui.Button{{Text: v.loc.T("intake.together.end"), Kind: "secondary",
			Name: "invitation", Value: x.ID}}}}, nil
}

func (p *Pages) office(id string, loc *i18n.Localizer) string {
	if p.c.Office == nil {
		return id
	}
	return cmp.Or(p.c.Office(id).For(loc.Lang()), id)
}

func (p *Pages) showType(w http.ResponseWriter, r *http.Request) error {
	return p.renderType(w, r, "", http.StatusOK)
}

// renderType is where a code is typed that can't be scanned.
func (p *Pages) renderType(w http.ResponseWriter, r *http.Request, problem string, status int) error {
	if _, err := identity.Require(r, access.Basic); err != nil {
		return err
	}
	loc := web.Localizer(r)
	page := joinPage{Form: ui.Form{Action: "/together", Items: []ui.Component{
		ui.Input{Field: ui.Field{Name: "code", Label: loc.T("intake.together.code"), Hint: loc.T("intake.together.codeHint"), Error: problem}, MaxLength: 60, NoSpelling: true, Width: 20}},
		Buttons: []ui.Button{{Text: loc.T("intake.next"), Icon: "arrow-forward"}}}}
	if problem != "" {
		page.Errors.Items = []ui.FieldError{{Field: "code", Text: problem}}
	}
	return p.joins.Render(w, r, status, web.Page[joinPage]{Title: loc.T("intake.together.link"), Shell: web.Portal("apply").WithBack(loc.T("intake.back"), "/apply").WithErrors(problem != ""), Data: page})
}

func (p *Pages) takeType(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	code := intake.TogetherCode(in.Get("code"))
	if code == "" {
		return p.renderType(w, r, web.Localizer(r).T("intake.together.noCode"), http.StatusUnprocessableEntity)
	}
	web.SeeOther(w, path("together", code))
	return nil
}

func (p *Pages) showJoin(w http.ResponseWriter, r *http.Request) error {
	return p.renderJoin(w, r, nil, http.StatusOK)
}

// The fields of the page on which somebody picks what they show, and agrees.
const (
	showField  = "show"
	agreeField = "agree"
)

func (p *Pages) renderJoin(w http.ResponseWriter, r *http.Request, problems map[string]string, status int) error {
	a, err := helper(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	x, err := p.c.Intake.Asked(ctx, a, r.PathValue("code"))
	if fault.Is(err, fault.NotFound) {
		msg, _ := fault.Message(err)
		return p.renderType(w, r, loc.T(msg), http.StatusNotFound)
	}
	if err != nil {
		return err
	}
	drafts, err := p.c.Intake.Drafts(ctx, a)
	if err != nil {
		return err
	}
	pick := ui.Radios{Field: ui.Field{Name: showField, Label: loc.T("intake.together.show"), Error: problems[showField]}, Value: r.PostForm.Get(showField)}
	begun := map[string]bool{}
	for _, d := range drafts {
		if d.Mandate != "" {
			continue
		}
		if s, err := p.c.Intake.Service(d); err == nil {
			begun[d.Service] = true
			pick.Options = append(pick.Options, ui.Option{Value: "draft:" + d.ID, Label: s.Title.For(loc.Lang()), Hint: loc.T("intake.together.begun", "date", loc.Date(d.ChangedAt))})
		}
	}
	for _, s := range p.c.Intake.Beginnable() {
		if !begun[s.ID] {
			pick.Options = append(pick.Options, ui.Option{Value: "service:" + s.ID, Label: s.Title.For(loc.Lang()), Hint: loc.T("intake.together.fresh")})
		}
	}
	if err := p.eventsToShow(ctx, loc, a, &pick); err != nil {
		return err
	}
	office := p.office(x.Office, loc)
	page := joinPage{Clerk: x.ClerkName, Office: office, Until: loc.Time(x.Until), Form: ui.Form{Action: path("together", x.Code), Items: []ui.Component{pick,
		ui.Checkbox{Field: ui.Field{Name: agreeField, Label: loc.T("intake.together.agree", "name", x.ClerkName, "office", office), Error: problems[agreeField]}, Checked: r.PostForm.Get(agreeField) == "true"}},
		Buttons: []ui.Button{{Text: loc.T("intake.together.join")}, {Text: loc.T("intake.together.not"), Kind: "secondary", Href: "/apply"}}}}
	for _, name := range []string{showField, agreeField} {
		if problems[name] != "" {
			page.Errors.Items = append(page.Errors.Items, ui.FieldError{Field: name, Text: problems[name]})
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the code
	return p.joins.Render(w, r, status, web.Page[joinPage]{Title: loc.T("intake.together.asked", "name", x.ClerkName), Shell: web.Portal("apply").WithErrors(len(problems) > 0), Data: page})
}

// eventsToShow offers the life events, begun and to begin.
func (p *Pages) eventsToShow(ctx context.Context, loc *i18n.Localizer, a access.Actor, pick *ui.Radios) error {
	bundles, err := p.c.Intake.Bundles(ctx, a)
	if err != nil {
		return err
	}
	begun := map[string]bool{}
	for _, b := range bundles {
		if e, ok := p.c.Intake.Event(b.Event); ok && b.Mandate == "" {
			begun[e.ID] = true
			pick.Options = append(pick.Options, ui.Option{Value: "bundle:" + b.ID, Label: e.Title.For(loc.Lang()), Hint: loc.T("intake.together.begun", "date", loc.Date(b.ChangedAt))})
		}
	}
	for _, e := range p.c.Intake.Events() {
		if !begun[e.ID] {
			pick.Options = append(pick.Options, ui.Option{Value: "event:" + e.ID, Label: e.Title.For(loc.Lang()), Hint: loc.T("intake.together.fresh")})
		}
	}
	return nil
}

func (p *Pages) join(w http.ResponseWriter, r *http.Request) error {
	a, err := helper(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	problems := map[string]string{}
	kind, id, _ := strings.Cut(in.Get(showField), ":")
	if id == "" {
		problems[showField] = loc.T("intake.together.pick")
	}
	if in.Get(agreeField) != "true" {
		problems[agreeField] = loc.T("intake.together.mustAgree")
	}
	if len(problems) > 0 {
		return p.renderJoin(w, r, problems, http.StatusUnprocessableEntity)
	}
	if kind == "event" {
		b, err := p.c.Intake.StartEvent(r.Context(), a, id)
		if err != nil {
			return err
		}
		kind, id = "bundle", b.ID
	}
	if kind == "bundle" {
		if err := p.c.Intake.JoinEvent(r.Context(), a, r.PathValue("code"), id); err != nil {
			return err
		}
		web.SeeOther(w, path("bundles", id))
		return nil
	}
	if kind == "service" {
		known := slices.ContainsFunc(p.c.Intake.Beginnable(), func(s *service.Service) bool { return s.ID == id })
		if !known {
			return fault.New(fault.NotFound, "intakeweb.join", "")
		}
		d, err := p.c.Intake.Start(r.Context(), a, id)
		if err != nil {
			return err
		}
		id = d.ID
	}
	if err := p.c.Intake.Join(r.Context(), a, r.PathValue("code"), id); err != nil {
		return err
	}
	web.SeeOther(w, path("apply", id))
	return nil
}

// leave ends it from the phone.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request) error {
	v, err := p.ask(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	// By whoever ended it, it has ended: nobody is told off for that.
	if err := p.c.Intake.EndInvitation(r.Context(), v.actor, in.Get("invitation")); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	web.SeeOther(w, path("apply", v.draft.ID))
	return nil
}
