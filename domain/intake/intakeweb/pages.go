// SPDX-License-Identifier: EUPL-1.2

// Package intakeweb are the pages on which an application is filled in: the data
// notice, one page for each topic, the page that checks all answers, the drafts,
// and the correction of one field.
//
// Every page works without a script: each is a form that saves everything that is
// on it, right or wrong. With the script each field is saved as it is left.
package intakeweb

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/pdf"
	"mercator/domain/citymap"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed messages.*.toml
var messages embed.FS

// Messages are the catalogues of the room.
func Messages() fs.FS { return messages }

// RegisterInfo is how a register is called, and its fields.
type RegisterInfo struct {
	Title  string
	Fields map[string]string
}

// FeeInfo is what an application costs.
type FeeInfo struct {
	Cents int64
	Law   string
}

// Config is what the pages need.
type Config struct {
	Intake    *intake.Intake
	Templates *web.Templates
	// Register names a register and its fields in a language; nil: by their ids.
	Register func(id, lang string) RegisterInfo
	// Next is where a person goes with a submitted case: to pay, or to the case. nil: /cases/{id}.
	Next func(ctx context.Context, a access.Actor, caseID string) string
	// Pay is what is to be paid for a case now, and where; "" if nothing. nil: nothing ever.
	Pay func(ctx context.Context, caseID string) (cents int64, href string, err error)
	// Fee works out what the application costs as it is; nil or false: nothing is shown.
	Fee func(ctx context.Context, s *service.Service, application form.Answers) (FeeInfo, bool)
	Now func() time.Time
	// City, Office and Renderer print forms on paper; without a renderer there are none.
	City     string
	Office   func(id string) i18n.Text
	Renderer *pdf.Renderer
	// Moment writes an instant with its zone, as a receipt has it.
	Moment func(loc *i18n.Localizer, t time.Time) string
	// Map is the map beside a field for a position; nil: the city has none.
	Map *citymap.Map
	// BaseURL is the address of the house, for links that people send each other.
	BaseURL string
	// Secure: the house is reached by https, so cookies are marked as its own (__Host-).
	Secure bool
}

// Pages are the pages of the counter.
type Pages struct {
	c       Config
	notice  *web.View[noticePage]
	page    *web.View[formPage]
	check   *web.View[checkPage]
	drafts  *web.View[draftsPage]
	begin   *web.View[beginPage]
	help    *web.View[helpPage]
	invited *web.View[invitedPage]
	wait    *web.View[waitPage]
	joins   *web.View[joinPage]
	discard *web.View[discardPage]
	correct *web.View[correctPage]
	print   *web.View[printPage]
	scan    *web.View[scanPage]
	paper   *web.View[paperPage]
	tasks   *web.View[tasksPage]
	bundle  bundleViews
}

// New reads the templates.
func New(c Config) (*Pages, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Pages{c: c}
	var err error
	if p.notice, err = web.NewView[noticePage](c.Templates, templates, "templates/notice.html"); err != nil {
		return nil, err
	}
	if p.page, err = web.NewView[formPage](c.Templates, templates, "templates/page.html"); err != nil {
		return nil, err
	}
	if p.check, err = web.NewView[checkPage](c.Templates, templates, "templates/check.html"); err != nil {
		return nil, err
	}
	if p.drafts, err = web.NewView[draftsPage](c.Templates, templates, "templates/drafts.html"); err != nil {
		return nil, err
	}
	if p.begin, err = web.NewView[beginPage](c.Templates, templates, "templates/begin.html"); err != nil {
		return nil, err
	}
	if p.help, err = web.NewView[helpPage](c.Templates, templates, "templates/help.html"); err != nil {
		return nil, err
	}
	if p.invited, err = web.NewView[invitedPage](c.Templates, templates, "templates/invited.html"); err != nil {
		return nil, err
	}
	if p.wait, err = web.NewView[waitPage](c.Templates, templates, "templates/wait.html"); err != nil {
		return nil, err
	}
	if p.joins, err = web.NewView[joinPage](c.Templates, templates, "templates/join.html"); err != nil {
		return nil, err
	}
	if p.discard, err = web.NewView[discardPage](c.Templates, templates, "templates/discard.html"); err != nil {
		return nil, err
	}
	if p.correct, err = web.NewView[correctPage](c.Templates, templates, "templates/correct.html"); err != nil {
		return nil, err
	}
	if p.print, err = web.NewView[printPage](c.Templates, templates, "templates/print.html"); err != nil {
		return nil, err
	}
	if p.scan, err = web.NewView[scanPage](c.Templates, templates, "templates/scan.html"); err != nil {
		return nil, err
	}
	if p.paper, err = web.NewView[paperPage](c.Templates, templates, "templates/paper.html"); err != nil {
		return nil, err
	}
	if p.tasks, err = web.NewView[tasksPage](c.Templates, templates, "templates/tasks.html"); err != nil {
		return nil, err
	}
	if err = p.bundle.read(c.Templates); err != nil {
		return nil, err
	}
	return p, nil
}

// upload bounds a page with files: a few files of the greatest size.
const upload = 32 << 20

// Mounts are the addresses of the pages.
func (p *Pages) Mounts() web.Mounts {
	ms := slices.Concat(p.uploads(), p.cosignMounts(), p.togetherMounts(), p.bundles(), web.Mounts{
		{Pattern: "GET /services/{id}/start", Handler: web.Handle(p.start)},
		{Pattern: "POST /services/{id}/start", Handler: web.Handle(p.startGuest)},
		{Pattern: "GET /apply", Handler: web.Handle(p.listDrafts)},
		{Pattern: "GET " + mapPath, Handler: web.Handle(p.mapPicture)},
		{Pattern: "GET /apply/{draft}", Handler: entered(p.alone(""), p.resume)},
		{Pattern: "GET /apply/{draft}/data", Handler: entered(p.alone("data"), p.showNotice)},
		{Pattern: "POST /apply/{draft}/data", Handler: entered(p.alone("data"), p.takeConsent)},
		{Pattern: "GET /apply/{draft}/tasks", Handler: entered(p.enter, p.showTasks)},
		{Pattern: "POST /apply/{draft}/told", Handler: entered(p.enter, p.takeTold)},
		{Pattern: "GET /apply/{draft}/told", Handler: entered(p.alone(""), p.resume)},
		{Pattern: "GET /apply/{draft}/page/{page}", Handler: entered(p.enter, p.showPage)},
		{Pattern: "POST /apply/{draft}/page/{page}", Handler: web.Handle(patient(p.takePage)), MaxBody: upload, Timeout: patience},
		{Pattern: "POST /apply/{draft}/save/{page}", Handler: web.Handle(p.autosave)},
		{Pattern: "GET /apply/{draft}/seen/{page}", Handler: web.Handle(p.seen)},
		{Pattern: "GET /apply/{draft}/file/{field}/{hash}", Handler: web.Handle(p.file)},
		{Pattern: "GET /apply/{draft}/file/{field}/{hash}/preview", Handler: web.Handle(p.preview)},
		{Pattern: "GET /apply/{draft}/check", Handler: entered(p.alone("check"), p.showCheck)},
		{Pattern: "POST /apply/{draft}/submit", Handler: entered(p.alone("check"), p.submit)},
		// Where the page of a failed submission is reloaded, or its language changed.
		{Pattern: "GET /apply/{draft}/submit", Handler: entered(p.alone(""), p.resume)},
		{Pattern: "GET /apply/{draft}/discard", Handler: entered(p.alone("discard"), p.askDiscard)},
		{Pattern: "POST /apply/{draft}/discard", Handler: entered(p.alone("discard"), p.doDiscard)},
		{Pattern: "GET /apply/{draft}/help", Handler: web.Handle(p.showHelp)},
		{Pattern: "POST /apply/{draft}/help", Handler: web.Handle(p.invite)},
		{Pattern: "POST /apply/{draft}/help/{invitation}/end", Handler: web.Handle(p.endHelp)},
		{Pattern: "GET /help/{code}", Handler: web.Handle(p.showInvited), Class: web.ClassSign},
		{Pattern: "POST /help/{code}", Handler: web.Handle(p.takeInvited), Class: web.ClassSign},
		{Pattern: "GET /corrections/{id}", Handler: web.Handle(p.showCorrection)},
		{Pattern: "POST /corrections/{id}", Handler: web.Handle(p.takeCorrection)},
	})
	if p.c.Renderer == nil {
		return ms
	}
	return append(ms, web.Mounts{
		{Pattern: "GET /services/{id}/paper", Handler: web.Handle(p.showPrint)},
		{Pattern: "GET /services/{id}/paper.pdf", Handler: web.Handle(p.printPDF)},
		{Pattern: "GET /desk/paper", Handler: web.Handle(p.showScan)},
		{Pattern: "POST /desk/paper", Handler: web.Handle(p.takeScan), Class: web.ClassSign},
		{Pattern: "GET /desk/paper/{id}", Handler: web.Handle(p.showPaper)},
		{Pattern: "POST /desk/paper/{id}", Handler: web.Handle(p.takePaper)},
	}...)
}

func path(parts ...string) string {
	for i, s := range parts {
		parts[i] = url.PathEscape(s)
	}
	return "/" + strings.Join(parts, "/")
}

// entered handles a request of whoever may enter; where the visit has moved on, it leads there.
func entered[V interface{ to() string }](enter func(*http.Request) (V, error), handle func(http.ResponseWriter, *http.Request, V) error) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		v, err := enter(r)
		if err != nil {
			return err
		}
		if to := v.to(); to != "" {
			web.SeeOther(w, to)
			return nil
		}
		return handle(w, r, v)
	})
}

// visit is a request for a page of a draft.
type visit struct {
	actor   access.Actor
	draft   intake.Draft
	service *service.Service
	loc     *i18n.Localizer
	moved   string // the draft is submitted: go there
	guest   bool   // nobody has signed in: the draft is this browser's
	problem string // why it isn't signed
}

// enter finds the person and their own draft. The service may ask for a higher
// trust level than they came with.
func (p *Pages) enter(r *http.Request) (visit, error) {
	v := visit{loc: web.Localizer(r)}
	var err error
	guest, begun := p.guest(r)
	if v.actor, err = identity.RequireActing(r, access.Basic); fault.Is(err, fault.Unauthenticated) && begun {
		v.actor, v.guest = guest, true
	} else if err != nil {
		return v, err
	}
	if v.actor.Kind == access.Clerk { // at the counter they have a page of their own (together.go)
		return v, fault.New(fault.NotFound, "intakeweb.enter", "intake.noDraft")
	}
	v.draft, err = p.c.Intake.Draft(r.Context(), v.actor, r.PathValue("draft"))
	switch {
	case fault.Is(err, fault.NotFound) && v.guest: // somebody's who has to sign in for it
		return v, fault.New(fault.Unauthenticated, "intakeweb.enter", "")
	case fault.Is(err, fault.NotFound) && begun && !v.actor.Acting():
		v.draft, err = p.claim(r, v.actor, guest, err)
	}
	if err != nil {
		return v, err
	}
	if v.draft.State == intake.Submitted {
		v.moved = p.next(r.Context(), v.actor, v.draft.CaseID)
		return v, nil
	}
	if v.service, err = p.c.Intake.Service(v.draft); err != nil {
		return v, err
	}
	if v.guest { // the trust level comes with the person
		return v, nil
	}
	return v, level(v.actor, v.service)
}

func (v visit) to() string { return v.moved }

// owns tells whether the person is known and the draft theirs: neither a guest's nor one that they help with.
func (v visit) owns() bool { return !v.guest && v.draft.Helper == "" }

func level(a access.Actor, s *service.Service) error { return reaches(a, s.Trust) }

// reaches asks for another sign-in where the person's level isn't enough.
func reaches(a access.Actor, need access.Level) error {
	if a.Level < need {
		return fault.New(fault.StepUp, "intakeweb.level", "", "level", need.String())
	}
	return nil
}

func (p *Pages) next(ctx context.Context, a access.Actor, caseID string) string {
	if p.c.Next != nil {
		return p.c.Next(ctx, a, caseID)
	}
	return path("cases", caseID)
}

func (p *Pages) register(id, lang string) RegisterInfo {
	if p.c.Register != nil {
		return p.c.Register(id, lang)
	}
	return RegisterInfo{Title: id}
}

// start begins an application, or goes on with the one begun.
func (p *Pages) start(w http.ResponseWriter, r *http.Request) error {
	s, err := p.c.Intake.Service(intake.Draft{Service: r.PathValue("id")})
	if err != nil {
		return fault.New(fault.NotFound, "intakeweb.start", "")
	}
	if s.About != "" { // it begins at what it is about
		web.SeeOther(w, "/my-data")
		return nil
	}
	actor, err := identity.RequireActing(r, s.Trust)
	if fault.Is(err, fault.Unauthenticated) && s.Anonymous {
		return p.offerBegin(w, r, s.Title, s.Trust, path("services", s.ID), "intake.backToService")
	}
	if fault.Is(err, fault.Unauthenticated) { // one sign-in at the level needed, not two
		return fault.Because(fault.Unauthenticated, "intakeweb.start", "", err, "level", s.Trust.String())
	}
	if err != nil {
		return err
	}
	d, err := p.c.Intake.Start(r.Context(), actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	web.SeeOther(w, path("apply", d.ID))
	return nil
}

// resume leads to where the person left off.
func (p *Pages) resume(w http.ResponseWriter, r *http.Request, v visit) error {
	if v.owns() && len(v.service.Data) > 0 && v.draft.Consent == intake.Unasked {
		web.SeeOther(w, path("apply", v.draft.ID, "data"))
		return nil
	}
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	page := f.Resume()
	if !v.signs() && (f.TaskList() || len(v.draft.Answers) == 0 && len(v.draft.Raw) == 0) {
		web.SeeOther(w, entry(f)) // nothing typed yet: begin at the beginning, with what is known
		return nil
	}
	if page == "" || !v.fills(page) {
		web.SeeOther(w, path("apply", v.draft.ID, "check"))
		return nil
	}
	web.SeeOther(w, path("apply", v.draft.ID, "page", page))
	return nil
}

// noticePage says what would be fetched.
type noticePage struct {
	Record   string // who sees that it was fetched
	Service  string
	Sources  []source
	Purpose  string
	Form     ui.Form
	Errors   ui.ErrorSummary
	Expires  time.Time
	Answered string
}

type source struct {
	Title   string
	Fields  []string
	Uses    []use // what they are for
	Purpose string
	Basis   string
}

// use is what some of the fields are for.
type use struct{ For, Fields string }

// usesOf tells which fields fill in the form, decide, or are looked at.
func usesOf(loc *i18n.Localizer, u service.RegisterUse, label func(string) string) []use {
	var out []use
	for _, x := range []struct {
		what service.For
		key  string
	}{{service.Prefill, "intake.notice.prefill"}, {service.Eligibility, "intake.notice.eligibility"}, {service.Evidence, "intake.notice.evidence"}} {
		var names []string
		for _, f := range u.Fields {
			if slices.Contains(u.UsedFor(f), x.what) {
				names = append(names, label(f))
			}
		}
		if len(names) > 0 {
			out = append(out, use{loc.T(x.key), strings.Join(names, ", ")})
		}
	}
	return out
}

// sources are the registers that a service reads.
func (p *Pages) sources(loc *i18n.Localizer, s *service.Service) (out []source) {
	for _, use := range s.Data {
		info := p.register(use.Register, loc.Lang())
		label := func(f string) string { return cmp.Or(info.Fields[f], f) }
		x := source{Title: info.Title, Purpose: use.Purpose.For(loc.Lang()), Basis: use.Basis, Uses: usesOf(loc, use, label)}
		for _, f := range use.Fields {
			x.Fields = append(x.Fields, label(f))
		}
		out = append(out, x)
	}
	return out
}

// ofWhom says whose data would be fetched, and who sees that it was.
func ofWhom(loc *i18n.Localizer, a access.Actor) (title, record string) {
	if a.Acting() {
		return loc.T("intake.notice.titleFor", "name", a.PersonName()), loc.T("intake.notice.recordFor", "name", a.PersonName())
	}
	return loc.T("intake.notice.title"), loc.T("intake.notice.record")
}

// consentChoice asks whether registers may be read.
func consentChoice(loc *i18n.Localizer, value, problem string) ui.Radios {
	return ui.Radios{
		Field: ui.Field{Name: "consent", Label: loc.T("intake.notice.question"), Error: problem},
		Value: value,
		Options: []ui.Option{
			{Value: intake.Yes, Label: loc.T("intake.notice.yes"), Hint: loc.T("intake.notice.yesHint")},
			{Value: intake.No, Label: loc.T("intake.notice.no"), Hint: loc.T("intake.notice.noHint")},
		},
	}
}

func (p *Pages) showNotice(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.noticeWith(w, r, v, "")
}

func (p *Pages) noticeWith(w http.ResponseWriter, r *http.Request, v visit, problem string) error {
	if v.guest { // what is known of whom: that needs somebody
		return fault.New(fault.Unauthenticated, "intakeweb.notice", "", "level", v.service.Trust.String())
	}
	if v.draft.Helper != "" { // what registers may be asked is the owner's to say
		web.SeeOther(w, path("apply", v.draft.ID))
		return nil
	}
	if len(v.service.Data) == 0 {
		web.SeeOther(w, path("apply", v.draft.ID))
		return nil
	}
	lang := v.loc.Lang()
	data := noticePage{Service: v.service.Title.For(lang), Purpose: v.service.Purpose.For(lang), Expires: v.draft.ExpiresAt, Answered: v.draft.Consent,
		Sources: p.sources(v.loc, v.service)}
	title := ""
	title, data.Record = ofWhom(v.loc, v.actor)
	choice := consentChoice(v.loc, v.draft.Consent, problem)
	data.Form = ui.Form{Action: path("apply", v.draft.ID, "data"), Items: []ui.Component{choice}, Buttons: []ui.Button{{Text: v.loc.T("intake.next"), Icon: "arrow-forward"}}}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
		data.Errors = ui.ErrorSummary{Items: []ui.FieldError{{Field: "consent", Text: problem}}}
	}
	return p.notice.Render(w, r, status, web.Page[noticePage]{
		Title: title,
		Shell: web.Portal("services").WithBack(v.loc.T("intake.backToService"), path("services", v.service.ID)).WithErrors(problem != ""),
		Data:  data,
	})
}

func (p *Pages) takeConsent(w http.ResponseWriter, r *http.Request, v visit) error {
	in, err := posted(r)
	if err != nil {
		return err
	}
	switch in.Get("consent") {
	case intake.Yes:
		err = p.c.Intake.Consent(r.Context(), v.actor, v.draft.ID, true)
	case intake.No:
		err = p.c.Intake.Consent(r.Context(), v.actor, v.draft.ID, false)
	default:
		return p.noticeWith(w, r, v, v.loc.T("intake.notice.choose"))
	}
	if err != nil {
		return err
	}
	d, err := p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID)
	if err != nil {
		return err
	}
	f, err := p.c.Intake.Fill(r.Context(), v.actor, d, v.loc.Lang())
	if err != nil {
		return err
	}
	web.SeeOther(w, entry(f))
	return nil
}

// formPage is one topic.
type formPage struct {
	Service  string
	Heading  string
	Older    []string // the German heading, if it is newer
	Progress ui.Progress
	Errors   ui.ErrorSummary
	More     bool // answers have brought up further questions
	Known    ui.SummaryList
	Above    ui.SummaryList // answered in another form of the life event
	About    bool           // what is known is what the application is about
	Action   string
	Autosave string
	Files    bool
	Return   string // came from a page of answers, goes back there: checkField
	Blocks   []block
	Posted   []ui.Hidden
	Rows     string   // intake.RowsField
	Moves    []string // fields that change what else the page shows
	Submit   ui.Button
	Back     ui.Button // saves too: going back loses nothing, with or without a script
	Expires  time.Time
	Soon     bool // it will go soon
	Kept     bool // what was sent after the session had ended is there
	Again    bool // … but for the files that came with it
	Seen     string
	Changes  string // where a script asks what has changed elsewhere
	SignIn   string // nobody has signed in
	Help     string // where somebody is asked for help
	Helps    string // whom the reader helps with it
	Signs    bool   // … and is asked to sign it
	Together *atCounter
	Parts    *ui.Filters // of a life event at the counter
	Over     string      // what is said when it has ended while the page was open
	Drafts   string
	SoFar    *ui.Link // the answers so far, of a form without a list of topics
	Changed  *changed // what is different about the form since its owner was last here
}

func (p *Pages) showPage(w http.ResponseWriter, r *http.Request, v visit) error {
	kept, again, err := p.unpark(w, r, &v)
	if err != nil {
		return err
	}
	return p.renderPage(w, r, v, nil, http.StatusOK, func(d *formPage) { d.Kept, d.Again = kept, again })
}

// renderPage shows a page of a draft as it is now, with errors if it was posted.
// Raw input that couldn't be read shows its error on every visit.
func (p *Pages) renderPage(w http.ResponseWriter, r *http.Request, v visit, errs []form.FieldError, status int, more ...func(*formPage)) error {
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	id := r.PathValue("page")
	pg := v.service.Form.Page(id)
	if pg == nil {
		return fault.New(fault.NotFound, "intakeweb.page", "")
	}
	step, steps := steps(f, id)
	if step == 0 { // nothing of it concerns this person
		web.SeeOther(w, path("apply", v.draft.ID))
		return nil
	}
	if !v.fills(id) { // it isn't for who signs to fill in; they see it with all the others
		web.SeeOther(w, path("apply", v.draft.ID, "check"))
		return nil
	}
	var topics []form.Topic
	if f.TaskList() {
		if topics = f.Topics(); waits(topics, id) { // the list says what comes first
			web.SeeOther(w, path("apply", v.draft.ID, "tasks"))
			return nil
		}
	}
	if errs == nil {
		errs = stillWrong(f, id, nil)
	}
	errs = f.WithRivals(id, errs)
	back := cmp.Or(r.URL.Query().Get(checkField), r.PostForm.Get(checkField))
	data := formPage{
		Service: heading(v.loc, f), Heading: pg.Title.For(v.loc.Lang()),
		Progress: ui.Progress{Step: step, Steps: steps},
		Action:   path("apply", v.draft.ID, "page", id), Autosave: path("apply", v.draft.ID, "save", id),
		Return: back, Expires: v.draft.ExpiresAt, Drafts: "/apply", More: r.URL.Query().Get("more") != "",
		Soon: !v.guest && p.c.Intake.Soon(v.draft.ExpiresAt), Seen: f.Seen(id), Changes: path("apply", v.draft.ID, "seen", id),
	}
	if v.guest {
		data.SignIn, data.Drafts = signIn(f), ""
	}
	if v.owns() && !v.actor.Acting() {
		if data.Help = path("apply", v.draft.ID, "help"); f.Whole != nil {
			data.Help = path("bundles", f.Whole.Bundle.ID, "help")
		}
	}
	if v.draft.Helper != "" {
		// Each look of a helper's is on record with the owner, so a page that is open doesn't look by itself.
		data.Helps, data.Changes, data.Signs = v.draft.OwnerName, "", v.signs()
	}
	if data.Together, err = p.withClerk(r, v); err != nil {
		return err
	}
	for _, change := range more {
		change(&data)
	}
	b, err := p.fillIn(r, &data, v, f, pg, errs)
	if err != nil {
		return err
	}
	if b.locate { // no other page may ask the browser where the device is
		w.Header().Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(self), browsing-topics=()")
	}
	if pg.Outdated(v.loc.Lang()) {
		data.Older = []string{pg.Title.For(i18n.Fallback)}
	}
	data.Errors, data.Changed = summary(b, errs), v.changed(f, false)
	text, leave := v.loc.T("intake.next"), v.loc.T("intake.back")
	if topics == nil && step > 1 && v.draft.Kind != intake.Together {
		there, at := path("apply", v.draft.ID, "check"), id
		if f.Whole != nil {
			there, at = path("bundles", f.Whole.Bundle.ID, "check"), placeName(intake.Place{Part: f, Page: id})
		}
		data.SoFar = &ui.Link{Text: v.loc.T("intake.tasks.soFarLink"), Href: there + "?" + atField + "=" + url.QueryEscape(at)}
	}
	if topics != nil {
		data.Progress, text, leave = v.progress(topics), v.loc.T("intake.tasks.save"), v.loc.T("intake.tasks.back")
	}
	if back != "" {
		text = v.loc.T("intake.saveAndBack")
	}
	data.Submit = ui.Button{Text: text, Icon: "arrow-forward"}
	shell := web.Portal("services").WithErrors(len(errs) > 0)
	shell.Form = "form"
	if back != "" {
		shell = shell.WithBack(v.loc.T("intake.backToCheck"), checkAt(f, back))
	} else {
		data.Back = ui.Button{Text: leave, Kind: "secondary", Name: goField, Value: "back"}
	}
	return p.page.Render(w, r, status, web.Page[formPage]{Title: data.Heading, Shell: shell, Data: data})
}

// fillIn puts what is asked into the page: the part of it that an answer can change.
func (p *Pages) fillIn(r *http.Request, data *formPage, v visit, f *intake.Filling, pg *form.Page, errs []form.FieldError) (builder, error) {
	data.Files = pg.Has("filepicker") // one may yet appear
	var kept []intake.Upload
	if data.Files {
		var err error
		if kept, err = p.c.Intake.Uploads(r.Context(), v.actor, v.draft); err != nil {
			return builder{}, err
		}
	}
	b := builder{form: v.service.Form, loc: v.loc, errs: errorTexts(v.service.Form, errs, v.loc), draft: v.draft.ID, source: p.source(v),
		reason: v.loc.T("intake.asked.reason", "service", v.service.Title.For(v.loc.Lang()), "basis", v.service.Basis()),
		use:    v.service.Purpose.For(v.loc.Lang()), keep: v.service.Retention.For(v.loc.Lang()), kept: kept, rows: v.draft.Rows(), rivals: f.Rivalries(pg.ID), filled: v.draft.Filled, desk: v.draft.Kind == intake.Together,
		city: p.c.Map, view: func(name string) (citymap.View, bool) { return viewOf(r, name) }, askedBy: askedBy(f, v.loc, returnCheck)}
	if v.guest {
		most := p.c.Intake.GuestFiles()
		b.fewFiles = v.loc.T("intake.guest.files", "files", most.Files, "max", most.File/1_000_000)
	}
	items := f.View.Page(pg.ID)
	data.Blocks = b.blocks(items)
	data.Known, data.Above, data.About = b.known, b.above, v.service.About != ""
	data.Posted, data.Rows = b.posted, b.rows
	form.Each(items, func(it *form.Item) {
		if it.Asked() && v.service.Form.Moves(it.Field) {
			data.Moves = append(data.Moves, it.Name)
		}
	})
	return b, nil
}

// stillWrong are the errors that a page shows though it wasn't sent: of what couldn't
// be read, and of the fields that showed one before.
func stillWrong(f *intake.Filling, page string, before []string) []form.FieldError {
	var out []form.FieldError
	for _, e := range f.Wrong(page) {
		if e.Raw != "" || slices.Contains(before, e.Key) {
			out = append(out, e)
		}
	}
	return out
}

// atField is the page from which somebody looks at the answers so far.
const atField = "at"

// checkField says that a page of answers has led here, and leads back there: returnCheck, or what atField is of the answers so far.
const (
	checkField  = "check"
	returnCheck = "1"
)

// goField is the name of the button that goes back.
const goField = "_go"

// before is the page before one: another topic, the list of topics, the data notice, or the service.
func before(f *intake.Filling, page string, elsewhere bool) string {
	if f.Whole != nil {
		return beforeInBundle(f, page)
	}
	if f.TaskList() {
		return path("apply", f.Draft.ID, "tasks")
	}
	pages := f.Pages()
	for i, pg := range pages {
		if pg.ID == page && i > 0 {
			return path("apply", f.Draft.ID, "page", pages[i-1].ID)
		}
	}
	if len(f.Service.Data) > 0 && !elsewhere {
		return path("apply", f.Draft.ID, "data")
	}
	return path("services", f.Service.ID)
}

// source names the register that a field's value comes from.
func (p *Pages) source(v visit) func(register string) string {
	return func(register string) string {
		as, _, _ := strings.Cut(register, ".")
		for _, use := range v.service.Data {
			if use.As == as {
				return p.register(use.Register, v.loc.Lang()).Title
			}
		}
		if v.service.About != "" && as == "about" {
			return v.loc.T("intake.fromMyData")
		}
		return as
	}
}

func errorTexts(f *form.Form, errs []form.FieldError, loc *i18n.Localizer) map[string]string {
	m := map[string]string{}
	for _, e := range errs {
		m[e.Key] = f.ErrorText(e, loc)
	}
	return m
}

func summary(b builder, errs []form.FieldError) ui.ErrorSummary {
	var s ui.ErrorSummary
	for _, e := range errs {
		s.Items = append(s.Items, ui.FieldError{Field: e.Key, Text: b.form.SummaryText(e, b.loc)})
	}
	return s
}

func (p *Pages) takePage(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enter(r)
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.StepUp) {
		return p.park(w, r, err)
	}
	if err != nil {
		return err
	}
	if v.moved != "" {
		web.SeeOther(w, v.moved)
		return nil
	}
	in, err := posted(r)
	if err != nil {
		return err
	}
	id := r.PathValue("page")
	if in.Get(intake.RowsField) == "" { // before a button of the page takes one away
		in.Set(intake.RowsField, v.draft.Rows())
	}
	taken, err := p.takeRival(r, v, in)
	if err != nil {
		return err
	}
	onMap := p.takeMap(v.service.Form, in)
	errs, err := p.c.Intake.Save(r.Context(), v.actor, v.draft.ID, id, in, v.loc.Lang())
	if err == nil {
		err = p.saw(r, v, in.Get(toldField))
	}
	if err != nil {
		return err
	}
	if v.service.Form.Page(id) == nil { // the form has changed meanwhile; what was typed is saved
		web.SeeOther(w, path("apply", v.draft.ID))
		return nil
	}
	if in.Get(goField) == "back" {
		f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
		if err != nil {
			return err
		}
		web.SeeOther(w, before(f, id, !v.owns()))
		return nil
	}
	fileErrs, stay, err := p.takeFiles(r, v, id, in)
	if err != nil {
		return err
	}
	stay = stay || taken || in.Get(form.AddRow) != "" || in.Get(form.RemoveRow) != ""
	if v.draft, err = p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID); err != nil {
		return err
	}
	check, back := "", in.Get(checkField)
	if back != "" {
		check = checkField + "=" + url.QueryEscape(back)
	}
	here := path("apply", v.draft.ID, "page", id)
	if there, ok := web.WithLanguage(in, here+query(check)); ok && len(fileErrs) == 0 {
		web.SeeOther(w, there)
		return nil
	}
	if (stay || onMap != "") && len(fileErrs) == 0 && !full(errs) {
		f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
		if err != nil {
			return err
		}
		web.SeeOther(w, here+query(check, onMap)+rowAnchor([]string{id}, in, f.View))
		return nil
	}
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	if errs = append(errs, fileErrs...); len(errs) > 0 {
		return p.renderPage(w, r, v, append(errs, noFile(f, id, errs)...), http.StatusUnprocessableEntity)
	}
	// Still something wrong? Either the page was sent without a field that it asks,
	// or an answer has brought up a question: that one isn't an error yet.
	asked := in[form.PostedField]
	more := false
	for _, e := range f.Validate(id) {
		if slices.Contains(asked, e.Key) || len(asked) == 0 || e.Msg == form.MoreRowsMsg || v.service.Form.Field(e.Key).Type == "filepicker" {
			errs = append(errs, e)
		} else {
			more = true
		}
	}
	switch {
	case len(errs) > 0:
		return p.renderPage(w, r, v, errs, http.StatusUnprocessableEntity)
	case more:
		web.SeeOther(w, here+query(check, "more=1"))
		return nil
	}
	if err := p.c.Intake.Sent(r.Context(), v.actor, v.draft.ID, id); err != nil {
		return err
	}
	switch {
	case check != "":
		web.SeeOther(w, checkAt(f, back))
	case f.TaskList():
		web.SeeOther(w, path("apply", v.draft.ID, "tasks"))
	default:
		web.SeeOther(w, after(f, id))
	}
	return nil
}

// noFile are the files that are missing, besides the errors there are: all is said at once.
func noFile(f *intake.Filling, page string, errs []form.FieldError) (missing []form.FieldError) {
	for _, e := range f.Validate(page) {
		if e.Msg == "form.error.file" && !slices.ContainsFunc(errs, func(o form.FieldError) bool { return o.Key == e.Key }) {
			missing = append(missing, e)
		}
	}
	return missing
}

func query(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// posted reads a form as web.Form does, but leaves it to the form's language to
// judge the text of a field: a stray sign in one field is an error at that field,
// and nothing is lost of the rest.
func posted(r *http.Request) (url.Values, error) {
	in, err := web.Form(r)
	var f *fault.Error
	if err == nil || !errors.As(err, &f) || f.Kind != fault.Invalid || f.Err != nil || r.PostForm == nil {
		return in, err
	}
	n := 0
	for _, values := range r.PostForm {
		if n += len(values); n > form.MaxPosted*2 {
			return nil, err
		}
	}
	return r.PostForm, nil
}

// takeFiles stores what was uploaded with the page, and removes what was asked to go.
func (p *Pages) takeFiles(r *http.Request, v visit, page string, in url.Values) (errs []form.FieldError, stay bool, err error) {
	pickers := slices.DeleteFunc(slices.Clone(in[form.PostedField]), func(name string) bool {
		fd := v.service.Form.Field(name)
		return fd == nil || fd.Type != "filepicker" || fd.Page != page
	})
	if len(pickers) == 0 {
		return nil, false, nil
	}
	if v.draft, err = p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID); err != nil { // with the rows as the page's own change left them
		return nil, false, err
	}
	for _, sent := range pickers {
		name := ""
		if name, err = v.draft.NowCalled(sent, in.Get(intake.RowsField)); err != nil { // it has gone with its row
			if len(web.Files(r, sent)) > 0 && v.service.Form.Pressed([]string{page}, in).Renamed(sent) != "" {
				msg, args := fault.Message(err)
				list, _, _ := strings.Cut(v.service.Form.Field(sent).Name, ".*")
				errs = append(errs, form.FieldError{Key: list, Msg: msg, Args: args})
			}
			continue
		}
		if hash := in.Get(sent + ".remove"); hash != "" {
			if err := p.removeFile(r, v, name, hash); err != nil {
				return nil, false, err
			}
			stay = true
		}
		for _, f := range web.Files(r, sent) {
			err = p.c.Intake.UploadFrom(r.Context(), v.actor, v.draft.ID, intake.NewUpload{Field: sent, Name: f.Name, Rows: in.Get(intake.RowsField)}, f.Open())
			if fault.Is(err, fault.Invalid) {
				msg, args := fault.Message(err)
				errs = append(errs, form.FieldError{Key: name, Msg: msg, Args: args})
				continue
			}
			if err != nil {
				return nil, false, err
			}
		}
	}
	return errs, stay, nil
}

// left is what a script posts of a field as it is left.
func left(r *http.Request) (url.Values, error) {
	in, err := posted(r)
	if err != nil {
		return nil, err
	}
	in[form.PostedField] = in["_field"]
	delete(in, form.AddRow)
	delete(in, form.RemoveRow)
	if len(in[form.PostedField]) == 0 {
		return nil, fault.New(fault.Invalid, "intakeweb.autosave", "web.malformed")
	}
	return in, nil
}

// autosave keeps one field as it is left. Anything that is theirs is stored, right
// or wrong; the page says what is wrong when it is sent.
func (p *Pages) autosave(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enter(r)
	if err != nil {
		return err
	}
	if v.moved != "" {
		return fault.New(fault.Conflict, "intakeweb.autosave", "intake.submitted")
	}
	in, err := left(r)
	if err != nil {
		return err
	}
	if _, err := p.c.Intake.Save(r.Context(), v.actor, v.draft.ID, r.PathValue("page"), in, v.loc.Lang()); err != nil {
		return err
	}
	if in.Get(liveField) != "" {
		return p.live(w, r, v, in[wrongField])
	}
	return p.answerSeen(w, r, v)
}

// What a script says when it saves an answer: that it wants to see what the page asks
// now, and, repeated, which fields show an error.
const (
	liveField  = "_live"
	wrongField = "_wrong"
)

// live answers with the part of the page that an answer can change, as it is now.
func (p *Pages) live(w http.ResponseWriter, r *http.Request, v visit, wrong []string) error {
	var err error
	if v.draft, err = p.c.Intake.Draft(r.Context(), v.actor, v.draft.ID); err != nil {
		return err
	}
	f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
	if err != nil {
		return err
	}
	pg := v.service.Form.Page(r.PathValue("page"))
	if pg == nil {
		return fault.New(fault.NotFound, "intakeweb.live", "")
	}
	data := formPage{Seen: f.Seen(pg.ID)}
	if _, err := p.fillIn(r, &data, v, f, pg, f.WithRivals(pg.ID, stillWrong(f, pg.ID, wrong))); err != nil {
		return err
	}
	return p.page.RenderPart(w, r, http.StatusOK, "live", web.Page[formPage]{Data: data})
}
