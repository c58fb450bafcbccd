// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// The pages of a life event. What its forms ask stands on the pages of their drafts, one form after the other; here is what it has
// once for all of them: which services belong to it, the data notice, the check of all answers, and the receipt.

type bundleViews struct {
	services *web.View[bundleServicesPage]
	notice   *web.View[bundleNoticePage]
	check    *web.View[bundleCheckPage]
	receipt  *web.View[bundleReceiptPage]
}

func (b *bundleViews) read(t *web.Templates) (err error) {
	if b.services, err = web.NewView[bundleServicesPage](t, templates, "templates/bundle_services.html"); err != nil {
		return err
	}
	if b.notice, err = web.NewView[bundleNoticePage](t, templates, "templates/bundle_notice.html"); err != nil {
		return err
	}
	if b.check, err = web.NewView[bundleCheckPage](t, templates, "templates/bundle_check.html"); err != nil {
		return err
	}
	b.receipt, err = web.NewView[bundleReceiptPage](t, templates, "templates/bundle_receipt.html")
	return err
}

func (p *Pages) bundles() web.Mounts {
	return web.Mounts{
		{Pattern: "GET /events/{id}/start", Handler: web.Handle(p.startEvent)},
		{Pattern: "POST /events/{id}/start", Handler: web.Handle(p.startEventGuest)},
		{Pattern: "GET /bundles/{bundle}", Handler: web.Handle(p.resumeBundle)},
		{Pattern: "GET /bundles/{bundle}/services", Handler: entered(p.enterBundle, p.showBundleServices)},
		{Pattern: "POST /bundles/{bundle}/services", Handler: entered(p.enterBundle, p.takeBundleServices)},
		{Pattern: "GET /bundles/{bundle}/data", Handler: web.Handle(p.showBundleNotice)},
		{Pattern: "POST /bundles/{bundle}/data", Handler: entered(p.enterBundle, p.takeBundleConsent)},
		{Pattern: "GET /bundles/{bundle}/check", Handler: web.Handle(p.showBundleCheck)},
		{Pattern: "POST /bundles/{bundle}/submit", Handler: entered(p.enterBundle, p.submitBundle)},
		{Pattern: "GET /bundles/{bundle}/submit", Handler: web.Handle(p.resumeBundle)},
		{Pattern: "GET /bundles/{bundle}/receipt", Handler: web.Handle(p.showBundleReceipt)},
		{Pattern: "GET /bundles/{bundle}/help", Handler: web.Handle(p.showHelp)},
		{Pattern: "POST /bundles/{bundle}/help", Handler: web.Handle(p.invite)},
		{Pattern: "POST /bundles/{bundle}/help/{invitation}/end", Handler: web.Handle(p.endHelp)},
		{Pattern: "GET /bundles/{bundle}/discard", Handler: entered(p.enterBundle, p.askDiscardBundle)},
		{Pattern: "POST /bundles/{bundle}/discard", Handler: entered(p.enterBundle, p.doDiscardBundle)},
	}
}

// bundleVisit is a request for a page of a life event.
type bundleVisit struct {
	actor access.Actor
	whole *intake.Bundled
	loc   *i18n.Localizer
	moved string // it is submitted: go there
	guest bool   // nobody has signed in: it is this browser's
}

func (v bundleVisit) to() string { return v.moved }

func (v bundleVisit) at(page ...string) string {
	return path(append([]string{"bundles", v.whole.Bundle.ID}, page...)...)
}

// enterBundle finds the person and their own bundle; the level is the highest that a service of it needs.
func (p *Pages) enterBundle(r *http.Request) (bundleVisit, error) {
	v := bundleVisit{loc: web.Localizer(r)}
	var err error
	guest, begun := p.guest(r)
	if v.actor, err = identity.RequireActing(r, access.Basic); fault.Is(err, fault.Unauthenticated) && begun {
		v.actor, v.guest = guest, true
	} else if err != nil {
		return v, err
	}
	if v.actor.Kind == access.Clerk { // at the counter they have a page of their own (together.go)
		return v, fault.New(fault.NotFound, "intakeweb.enterBundle", "intake.noDraft")
	}
	v.whole, err = p.c.Intake.Bundled(r.Context(), v.actor, r.PathValue("bundle"), v.loc.Lang())
	switch {
	case fault.Is(err, fault.NotFound) && v.guest: // somebody's who has to sign in for it
		return v, fault.New(fault.Unauthenticated, "intakeweb.enterBundle", "")
	case fault.Is(err, fault.NotFound) && begun && !v.actor.Acting():
		v.whole, err = p.claimBundle(r, v.actor, guest, r.PathValue("bundle"), err)
	}
	if err != nil {
		return v, err
	}
	if v.whole.Bundle.State == intake.Submitted {
		v.moved = v.at("receipt")
		return v, nil
	}
	if v.guest { // the trust level comes with the person
		return v, nil
	}
	return v, reaches(v.actor, v.whole.Trust())
}

// owns tells whether the person is known and it is theirs: neither a guest's nor one that they help with.
func (v bundleVisit) owns() bool { return !v.guest && v.whole.Bundle.Helper == "" }

// undecided tells whether there are services that the reader has to say yes or no to first: who helps chooses none.
func (v bundleVisit) undecided() bool { return v.whole.Bundle.Helper == "" && v.whole.Undecided() }

// unasked tells whether there is a data notice that the reader has to answer first.
func (v bundleVisit) unasked() bool { return v.owns() && v.whole.Unasked() }

// signIn is where somebody signs in to go on with it.
func (v bundleVisit) signIn() string { return web.SignInPath(v.whole.Trust().String(), v.at()) }

// waiting are the services that are filled in after the sign-in.
func (v bundleVisit) waiting() (out ui.List) {
	for _, s := range v.whole.Waiting {
		out.Items = append(out.Items, s.Title.For(v.loc.Lang()))
	}
	return out
}

// alone enters what is done for a whole life event, where the draft is part of one: then the visit has moved to that page of it.
func (p *Pages) alone(page string) func(*http.Request) (visit, error) {
	return func(r *http.Request) (visit, error) {
		v, err := p.enter(r)
		if err != nil || v.moved != "" || v.draft.Bundle == "" {
			return v, err
		}
		f, err := p.c.Intake.Fill(r.Context(), v.actor, v.draft, v.loc.Lang())
		if err == nil && f.Whole != nil {
			v.moved = strings.TrimSuffix(path("bundles", f.Whole.Bundle.ID, page), "/")
		}
		return v, err
	}
}

// heading says above a page which application it is of.
func heading(loc *i18n.Localizer, f *intake.Filling) string {
	if f.Whole == nil {
		return f.Service.Title.For(loc.Lang())
	}
	return f.Whole.Event.Title.For(loc.Lang()) + ": " + f.Service.Title.For(loc.Lang())
}

// steps is the how-manieth page this is, and of how many, with the one that checks all; 0: it isn't one of them.
func steps(f *intake.Filling, page string) (step, of int) {
	if f.Whole == nil {
		pages := f.Pages()
		return 1 + slices.IndexFunc(pages, func(p *form.Page) bool { return p.ID == page }), len(pages) + 1
	}
	places := f.Whole.Places()
	return 1 + slices.Index(places, intake.Place{Part: f, Page: page}), len(places) + 1
}

// after is where a page leads: the next, of whichever form, or the check of all.
func after(f *intake.Filling, page string) string {
	if f.Whole == nil {
		if next := f.NextPage(page); next != "" {
			return path("apply", f.Draft.ID, "page", next)
		}
		return path("apply", f.Draft.ID, "check")
	}
	places := f.Whole.Places()
	if i := slices.Index(places, intake.Place{Part: f, Page: page}); i+1 < len(places) {
		return pagePath(places[i+1])
	}
	return path("bundles", f.Whole.Bundle.ID, "check")
}

// beforeInBundle is the page before one of a life event.
func beforeInBundle(f *intake.Filling, page string) string {
	places := f.Whole.Places()
	if i := slices.Index(places, intake.Place{Part: f, Page: page}); i > 0 {
		return pagePath(places[i-1])
	}
	if f.Draft.Helper != "" {
		return path("apply")
	}
	return path("bundles", f.Whole.Bundle.ID, "services")
}

func pagePath(p intake.Place) string { return path("apply", p.Part.Draft.ID, "page", p.Page) }

// placeName names a page among those of all services.
func placeName(p intake.Place) string { return p.Part.Draft.ID + "." + p.Page }

// askedBy tells which service asks a question in the place of this form, and where it can be changed; "": it can't. back is as of
// changeAt.
func askedBy(f *intake.Filling, loc *i18n.Localizer, back string) func(field string) (service, there string) {
	return func(field string) (string, string) {
		by, page, name, ok := f.AskedBy(field)
		if !ok {
			return "", ""
		}
		if page == "" || f.Draft.Kind == intake.Together { // the desk has another address
			return by.Service.Title.For(loc.Lang()), ""
		}
		return by.Service.Title.For(loc.Lang()), changeAt(by.Draft.ID, page, name, back)
	}
}

// changeAt is where an answer can be changed; back says to which page of answers that leads then: returnCheck, or the page from which
// somebody looks at the answers so far.
func changeAt(draft, page, field, back string) string {
	return path("apply", draft, "page", page) + "?" + checkField + "=" + url.QueryEscape(back) + "#" + ui.FieldID(field)
}

// checkAt is the page of answers that a page leads back to.
func checkAt(f *intake.Filling, back string) string {
	there := path("apply", f.Draft.ID, "check")
	if f.Whole != nil {
		there = path("bundles", f.Whole.Bundle.ID, "check")
	}
	if back != returnCheck {
		there += "?" + atField + "=" + url.QueryEscape(back)
	}
	return there
}

// startEvent begins a life event, or goes on with the one begun.
func (p *Pages) startEvent(w http.ResponseWriter, r *http.Request) error {
	e, ok := p.c.Intake.Event(r.PathValue("id"))
	if !ok {
		return fault.New(fault.NotFound, "intakeweb.startEvent", "")
	}
	need := access.Basic
	for _, x := range e.Parts {
		if s, err := p.c.Intake.Service(intake.Draft{Service: x.Service}); err == nil && !x.Asked() {
			need = max(need, s.Trust)
		}
	}
	actor, err := identity.RequireActing(r, need)
	if fault.Is(err, fault.Unauthenticated) && p.c.Intake.Anonymous(e) {
		return p.offerBegin(w, r, e.Title, need, path("events", e.ID), "intake.bundle.backToEvent")
	}
	if fault.Is(err, fault.Unauthenticated) { // one sign-in at the level needed, not two
		return fault.Because(fault.Unauthenticated, "intakeweb.startEvent", "", err, "level", need.String())
	}
	if err != nil {
		return err
	}
	b, err := p.c.Intake.StartEvent(r.Context(), actor, e.ID)
	if err != nil {
		return err
	}
	web.SeeOther(w, path("bundles", b.ID))
	return nil
}

// startEventGuest begins a life event without signing in.
func (p *Pages) startEventGuest(w http.ResponseWriter, r *http.Request) error {
	if _, ok := identity.Current(r); ok { // signed in meanwhile
		web.SeeOther(w, path("events", r.PathValue("id"), "start"))
		return nil
	}
	guest, token := p.newGuest(r)
	b, err := p.c.Intake.StartEventGuest(r.Context(), guest, r.PathValue("id"), web.Network(r))
	if err != nil {
		return err
	}
	p.setCookie(w, guestCookie, token)
	web.SeeOther(w, path("bundles", b.ID))
	return nil
}

// resumeBundle leads to where the person left off.
func (p *Pages) resumeBundle(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enterBundle(r)
	if err != nil {
		return err
	}
	web.SeeOther(w, p.resumeAt(v))
	return nil
}

func (p *Pages) resumeAt(v bundleVisit) string {
	switch {
	case v.moved != "":
		return v.moved
	case v.undecided(), len(v.whole.Parts) == 0 && v.whole.Bundle.Helper == "":
		return v.at("services")
	case v.unasked():
		return v.at("data")
	}
	if place, ok := v.whole.Resume(); ok {
		return pagePath(place)
	}
	return v.at("check")
}

// bundleServicesPage asks which services belong to it.
type bundleServicesPage struct {
	Event   string
	Errors  ui.ErrorSummary
	Always  ui.List
	Form    ui.Form
	Waiting ui.List // filled in after the sign-in
	SignIn  string  // nobody has signed in
	Expires time.Time
}

func wantField(service string) string { return "want-" + service }

func (p *Pages) showBundleServices(w http.ResponseWriter, r *http.Request, v bundleVisit) error {
	if v.whole.Bundle.Helper != "" { // what is applied for is the owner's to say
		web.SeeOther(w, p.resumeAt(v))
		return nil
	}
	return p.renderBundleServices(w, r, v, nil)
}

func (p *Pages) renderBundleServices(w http.ResponseWriter, r *http.Request, v bundleVisit, missing []string) error {
	lang := v.loc.Lang()
	data := bundleServicesPage{Event: v.whole.Event.Title.For(lang), Expires: v.whole.Bundle.ExpiresAt, Form: ui.Form{Action: v.at("services"),
		Buttons: []ui.Button{{Text: v.loc.T("intake.next"), Icon: "arrow-forward"}}}}
	for _, f := range v.whole.Parts {
		if x, _ := v.whole.Event.Part(f.Service.ID); !x.Asked() {
			data.Always.Items = append(data.Always.Items, f.Service.Title.For(lang))
		}
	}
	for _, o := range v.whole.Offers {
		value := ""
		if o.Decided {
			value = map[bool]string{true: intake.Yes, false: intake.No}[o.Wanted]
		}
		field := ui.Field{Name: wantField(o.Service.ID), Label: o.Part.Question.For(lang), Hint: o.Part.Hint.For(lang)}
		if v.guest && !o.Service.Anonymous {
			field.Hint = strings.TrimSpace(field.Hint + " " + v.loc.T("intake.bundle.needsSignIn"))
		}
		if slices.Contains(missing, o.Service.ID) {
			field.Error = v.loc.T("intake.bundle.choose")
			data.Errors.Items = append(data.Errors.Items, ui.FieldError{Field: field.Name, Text: v.loc.T("intake.bundle.chooseFor", "question", field.Label)})
		}
		data.Form.Items = append(data.Form.Items, ui.Radios{Field: field, Value: value, Inline: true, Options: []ui.Option{
			{Value: intake.Yes, Label: v.loc.T("intake.bundle.yes")}, {Value: intake.No, Label: v.loc.T("intake.bundle.no")}}})
	}
	if v.guest {
		data.SignIn, data.Waiting = v.signIn(), v.waiting()
	}
	status := http.StatusOK
	if len(missing) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return p.bundle.services.Render(w, r, status, web.Page[bundleServicesPage]{Title: v.loc.T("intake.bundle.servicesTitle"),
		Shell: web.Portal("services").WithBack(v.loc.T("intake.bundle.backToEvent"), path("events", v.whole.Event.ID)).WithErrors(len(missing) > 0), Data: data})
}

func (p *Pages) takeBundleServices(w http.ResponseWriter, r *http.Request, v bundleVisit) error {
	in, err := posted(r)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	var missing []string
	for _, o := range v.whole.Offers {
		switch in.Get(wantField(o.Service.ID)) {
		case intake.Yes:
			wanted[o.Service.ID] = true
		case intake.No:
			wanted[o.Service.ID] = false
		default:
			if !o.Decided {
				missing = append(missing, o.Service.ID)
			}
		}
	}
	if err := p.c.Intake.Choose(r.Context(), v.actor, v.whole.Bundle.ID, wanted); err != nil {
		return err
	}
	// The answers may have brought services in that need another level, and questions for further ones.
	if v, err = p.enterBundle(r); err != nil {
		return err
	}
	if len(missing) > 0 && v.moved == "" {
		return p.renderBundleServices(w, r, v, missing)
	}
	web.SeeOther(w, p.resumeAt(v))
	return nil
}

// bundleNoticePage says what would be fetched for which service.
type bundleNoticePage struct {
	Event    string
	Errors   ui.ErrorSummary
	Services []bundleSources
	Record   string
	Form     ui.Form
	Expires  time.Time
}

type bundleSources struct {
	Title   string
	Sources []source
}

func (p *Pages) showBundleNotice(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enterBundle(r)
	if err != nil {
		return err
	}
	return p.renderBundleNotice(w, r, v, "")
}

func (p *Pages) renderBundleNotice(w http.ResponseWriter, r *http.Request, v bundleVisit, problem string) error {
	if v.guest { // what is known of whom: that needs somebody
		return fault.New(fault.Unauthenticated, "intakeweb.bundleNotice", "", "level", v.whole.Trust().String())
	}
	if v.moved != "" || v.undecided() || v.whole.Bundle.Helper != "" { // what registers may be asked is the owner's to say, too
		web.SeeOther(w, p.resumeAt(v))
		return nil
	}
	title, record := ofWhom(v.loc, v.actor)
	data := bundleNoticePage{Event: v.whole.Event.Title.For(v.loc.Lang()), Record: record, Expires: v.whole.Bundle.ExpiresAt}
	said := intake.Unasked
	for _, f := range v.whole.Parts {
		if len(f.Service.Data) == 0 {
			continue
		}
		data.Services = append(data.Services, bundleSources{f.Service.Title.For(v.loc.Lang()), p.sources(v.loc, f.Service)})
		if said = f.Draft.Consent; v.whole.Unasked() {
			said = intake.Unasked
		}
	}
	if len(data.Services) == 0 {
		web.SeeOther(w, v.at())
		return nil
	}
	data.Form = ui.Form{Action: v.at("data"), Items: []ui.Component{consentChoice(v.loc, said, problem)},
		Buttons: []ui.Button{{Text: v.loc.T("intake.next"), Icon: "arrow-forward"}}}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
		data.Errors = ui.ErrorSummary{Items: []ui.FieldError{{Field: "consent", Text: problem}}}
	}
	return p.bundle.notice.Render(w, r, status, web.Page[bundleNoticePage]{Title: title,
		Shell: web.Portal("services").WithBack(v.loc.T("intake.back"), v.at("services")).WithErrors(problem != ""), Data: data})
}

func (p *Pages) takeBundleConsent(w http.ResponseWriter, r *http.Request, v bundleVisit) error {
	in, err := posted(r)
	if err != nil {
		return err
	}
	switch said := in.Get("consent"); said {
	case intake.Yes, intake.No:
		err = p.c.Intake.ConsentAll(r.Context(), v.actor, v.whole.Bundle.ID, said == intake.Yes)
	default:
		return p.renderBundleNotice(w, r, v, v.loc.T("intake.notice.choose"))
	}
	if err == nil {
		v, err = p.enterBundle(r)
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, p.resumeAt(v))
	return nil
}

// bundleCheckPage shows all answers of all forms before they are handed over.
type bundleCheckPage struct {
	Event   string
	Errors  ui.ErrorSummary
	Changed bool
	// Meanwhile: somebody has changed an answer since this page was shown. Seen is what it shows now.
	Meanwhile bool
	Seen      string
	Progress  ui.Progress
	Services  string   // where the choice of services is changed
	GoOn      *ui.Link // these are the answers so far: back to filling in
	Parts     []bundlePart
	Action    string
	Submit    ui.Button
	Waiting   ui.List // filled in after the sign-in
	SignIn    string  // nobody has signed in, so it can't be handed over yet
	Helps     string  // whom the reader helps: it's for them to hand over
	Together  *atCounter
}

type bundlePart struct {
	ID, Title string
	Told      *changed
	Sections  []ui.SummaryList
	Filled    []filled
	Fee       *FeeInfo
}

func (p *Pages) showBundleCheck(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enterBundle(r)
	if err != nil {
		return err
	}
	return p.renderBundleCheck(w, r, v, nil, http.StatusOK)
}

func (p *Pages) renderBundleCheck(w http.ResponseWriter, r *http.Request, v bundleVisit, errs []intake.BundleError, status int) error {
	if v.moved != "" || v.undecided() || v.unasked() {
		web.SeeOther(w, p.resumeAt(v))
		return nil
	}
	whole, changed, err := p.c.Intake.RefreshAll(r.Context(), v.actor, v.whole, v.loc.Lang())
	if err != nil {
		return err
	}
	v.whole = whole
	places, title, from := whole.Places(), v.loc.T("intake.check.title"), -1
	if errs == nil {
		if errs = whole.Validate(); len(errs) > 0 { // somebody looks back on their way: what is still to come isn't a mistake
			from = slices.IndexFunc(places, func(p intake.Place) bool { return placeName(p) == r.URL.Query().Get(atField) })
		}
	}
	data := bundleCheckPage{Event: whole.Event.Title.For(v.loc.Lang()), Changed: changed, Meanwhile: r.URL.Query().Has("meanwhile"), Action: v.at("submit"),
		Progress: ui.Progress{Step: len(places) + 1, Steps: len(places) + 1}}
	if len(whole.Offers) > 0 && whole.Bundle.Helper == "" {
		data.Services = v.at("services")
	}
	soFar, back := from >= 0, returnCheck
	if soFar {
		back = placeName(places[from])
		title, data.Progress.Step = v.loc.T("intake.tasks.soFar"), from+1
		data.GoOn = &ui.Link{Text: v.loc.T("intake.goOn"), Href: pagePath(places[from])}
	}
	for _, e := range errs {
		if soFar {
			break
		}
		item := ui.FieldError{Text: e.Part.Service.Form.SummaryText(e.Error, v.loc)}
		if fd := e.Part.Service.Form.Field(e.Error.Key); fd != nil {
			item.Href = changeAt(e.Part.Draft.ID, fd.Page, e.Error.Key, returnCheck)
		}
		data.Errors.Items = append(data.Errors.Items, item)
	}
	text := v.loc.T("intake.bundle.submit")
	for _, f := range whole.Parts {
		own := visit{actor: v.actor, draft: f.Draft, service: f.Service, loc: v.loc}
		part := bundlePart{ID: f.Service.ID, Title: f.Service.Title.For(v.loc.Lang()), Told: own.changed(f, true), Filled: filledBy(f, own), Sections: p.sections(own, f, 3, soFar, back)}
		if p.c.Fee != nil && len(errs) == 0 {
			if fee, ok := p.c.Fee(r.Context(), f.Service, f.View.Submission()); ok {
				if part.Fee = &fee; fee.Cents > 0 {
					text = v.loc.T("intake.bundle.submitPaid")
				}
			}
		}
		data.Parts = append(data.Parts, part)
	}
	if len(whole.Parts) > 0 {
		if data.Together, err = p.withClerk(r, visit{actor: v.actor, draft: whole.Parts[0].Draft, guest: v.guest, loc: v.loc}); err != nil {
			return err
		}
	}
	switch {
	case soFar:
	case v.guest:
		data.SignIn, data.Waiting = v.signIn(), v.waiting()
	case whole.Bundle.Helper != "":
		data.Helps = whole.Bundle.OwnerName
	case len(errs) == 0:
		data.Submit, data.Seen = ui.Button{Text: text}, whole.Shown()
	}
	shell := web.Portal("services").WithErrors(len(data.Errors.Items) > 0)
	switch {
	case soFar:
		shell = shell.WithBack(v.loc.T("intake.back"), data.GoOn.Href)
	case len(places) > 0:
		shell = shell.WithBack(v.loc.T("intake.back"), pagePath(places[len(places)-1]))
	}
	return p.bundle.check.Render(w, r, status, web.Page[bundleCheckPage]{Title: title, Shell: shell, Data: data})
}

// submitBundle hands all applications over. Pressed twice, it leads to the same receipt.
func (p *Pages) submitBundle(w http.ResponseWriter, r *http.Request, v bundleVisit) error {
	in, err := posted(r)
	if err != nil {
		return err
	}
	errs, err := p.c.Intake.SubmitAllSeen(r.Context(), v.actor, v.whole.Bundle.ID, in.Get(intake.SeenField), v.loc.Lang())
	switch {
	case err != nil:
		if again, ok := lookAgain(err); ok {
			web.SeeOther(w, v.at("check")+again)
			return nil
		}
		return err
	case len(errs) > 0:
		return p.renderBundleCheck(w, r, v, errs, http.StatusUnprocessableEntity)
	}
	web.SeeOther(w, v.at("receipt"))
	return nil
}

// bundleReceiptPage says that all applications are there, each with its number.
type bundleReceiptPage struct {
	Event string
	Cases ui.Cards
}

func (p *Pages) showBundleReceipt(w http.ResponseWriter, r *http.Request) error {
	v, err := p.enterBundle(r)
	if err != nil {
		return err
	}
	if v.moved == "" {
		web.SeeOther(w, v.at())
		return nil
	}
	list, err := p.c.Intake.Handed(r.Context(), v.whole)
	if err != nil {
		return err
	}
	data := bundleReceiptPage{}
	if v.whole.Event != nil {
		data.Event = v.whole.Event.Title.For(v.loc.Lang())
	}
	for _, h := range list {
		card := ui.Card{Title: h.Number, Level: 2, Text: v.loc.T("intake.bundle.number", "number", h.Number),
			Buttons: []ui.Button{{Text: v.loc.T("intake.bundle.toReceipt"), Hidden: h.Number, Kind: "secondary", Href: p.next(r.Context(), v.actor, h.CaseID)}}}
		if h.Service != nil {
			card.Title = h.Service.Title.For(v.loc.Lang())
		}
		if p.c.Pay != nil && !v.actor.Acting() { // nobody pays by a mandate
			cents, href, err := p.c.Pay(r.Context(), h.CaseID)
			if err != nil {
				return err
			}
			if href != "" {
				card.Text += "\n" + v.loc.T("intake.check.fee", "amount", v.loc.Money(cents))
				card.Buttons = append([]ui.Button{{Text: v.loc.T("intake.bundle.pay"), Hidden: card.Title, Href: href}}, card.Buttons...)
			}
		}
		data.Cases.Items = append(data.Cases.Items, card)
	}
	return p.bundle.receipt.Render(w, r, http.StatusOK, web.Page[bundleReceiptPage]{Title: v.loc.T("intake.bundle.receiptTitle"), Shell: web.Portal("cases"), Data: data})
}

// begunEvents are the life events that somebody has begun, for the list of what is begun.
func (p *Pages) begunEvents(ctx context.Context, loc *i18n.Localizer, a access.Actor) ([]ui.Task, error) {
	list, err := p.c.Intake.Bundles(ctx, a)
	if err != nil {
		return nil, err
	}
	var out []ui.Task
	for _, b := range list {
		e, ok := p.c.Intake.Event(b.Event)
		if !ok {
			continue
		}
		out = append(out, p.begun(loc, e.Title, path("bundles", b.ID), b.ChangedAt, b.ExpiresAt))
	}
	return out, nil
}

func (p *Pages) askDiscardBundle(w http.ResponseWriter, r *http.Request, v bundleVisit) error {
	if v.whole.Bundle.Helper != "" {
		return fault.New(fault.Denied, "intakeweb.discardBundle", "intake.help.ownerOnly")
	}
	return p.renderDiscard(w, r, v.loc, v.whole.Event.Title, v.at())
}

func (p *Pages) doDiscardBundle(w http.ResponseWriter, r *http.Request, v bundleVisit) error {
	if err := p.c.Intake.DiscardBundle(r.Context(), v.actor, v.whole.Bundle.ID); err != nil {
		return err
	}
	if v.guest {
		web.SeeOther(w, path("events", v.whole.Event.ID))
		return nil
	}
	web.SeeOther(w, "/apply")
	return nil
}
