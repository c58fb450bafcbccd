// SPDX-License-Identifier: EUPL-1.2

// Package oversightweb are the pages of those who keep watch: the data protection officer's findings, the emergency access, and
// what takes two people.
package oversightweb

import (
	"context"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/oversight"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of the room.
func Messages() fs.FS { return messageFS }

// Register is one of the house, as the pages name it.
type Register struct {
	ID, Title string
	Office    string
	Person    bool     // it is about persons
	Fields    []string // that may be read in an emergency or leave the house: all but special categories
}

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Oversight *oversight.Service
	Access    *access.Checker
	Zone      *time.Location
	Actor     func(r *http.Request, least access.Level) (access.Actor, error)
	Office    func(id string) i18n.Text
	Registers func(lang string) []Register
	// Match finds the person in the register of residents; fault.NotFound.
	Match func(ctx context.Context, given, family, birthDate string) (person string, err error)
	// Show reads what a register holds of the person of a grant, in rows.
	Show func(ctx context.Context, g access.Grant, register, person, lang string) ([]ui.SummaryRow, error)
	// Export writes a register, Erase erases a person's records in one, and uses up its approval only if it does.
	Export func(ctx context.Context, g access.Grant, register string, w io.Writer) error
	Erase  func(ctx context.Context, r access.Request, register, rule string) (int, error)
	// Scratch is the folder in which an export is made before it leaves; empty: the system's.
	Scratch string
}

type pages struct {
	Config
	view *web.View[web.Sheet]
}

// Mounts are the addresses of the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Oversight == nil || c.Access == nil || c.Actor == nil || c.Registers == nil || c.Match == nil || c.Show == nil || c.Export == nil || c.Erase == nil {
		return nil, errors.New("oversightweb: everything but zone and office is needed")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Office == nil {
		c.Office = i18n.Plain
	}
	p := &pages{Config: c}
	var err error
	if p.view, err = web.NewSheet(c.Templates); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /desk/oversight", Handler: web.Handle(p.showFindings)},
		{Pattern: "GET /desk/oversight/marks", Handler: web.Handle(p.showMarks)},
		{Pattern: "POST /desk/oversight/marks", Handler: web.Handle(p.mark)},
		{Pattern: "GET /desk/oversight/{id}", Handler: web.Handle(p.showFinding)},
		{Pattern: "POST /desk/oversight/{id}", Handler: web.Handle(p.markSeen)},
		{Pattern: "GET /desk/break-glass", Handler: web.Handle(p.showGlass)},
		{Pattern: "POST /desk/break-glass", Handler: web.Handle(p.breakGlass)},
		{Pattern: "GET /desk/break-glass/{id}", Handler: web.Handle(p.showThrough)},
		{Pattern: "GET /desk/approvals", Handler: web.Handle(p.showApprovals)},
		{Pattern: "GET /desk/approvals/new", Handler: web.Handle(p.showAsk)},
		{Pattern: "POST /desk/approvals/new", Handler: web.Handle(p.ask)},
		{Pattern: "GET /desk/approvals/{id}", Handler: web.Handle(p.showApproval)},
		{Pattern: "POST /desk/approvals/{id}", Handler: web.Handle(p.ruleOn)},
		{Pattern: "POST /desk/approvals/{id}/do", Handler: web.Handle(p.do), Timeout: -1},
	}, nil
}

func (p *pages) clerk(r *http.Request) (access.Actor, error) {
	a, err := p.Actor(r, access.Substantial)
	if err == nil && a.Kind != access.Clerk {
		err = fault.New(fault.Denied, "oversightweb.clerk", "oversightweb.clerksOnly")
	}
	return a, err
}

const pageSize = 50

func (p *pages) at(loc *i18n.Localizer, t time.Time) string { return loc.DateTime(t.In(p.Zone)) }

func (p *pages) register(lang, resource string) string {
	id := strings.TrimPrefix(resource, "register:")
	for _, r := range p.Registers(lang) {
		if r.ID == id {
			return r.Title
		}
	}
	return resource
}

func (p *pages) one(lang, id string) (Register, bool) {
	for _, r := range p.Registers(lang) {
		if r.ID == id {
			return r, true
		}
	}
	return Register{}, false
}

func done(r *http.Request, loc *i18n.Localizer) []ui.Component {
	if d := r.URL.Query().Get("done"); d != "" && loc.Has("oversightweb.done."+d) {
		return []ui.Component{ui.Alert{Tone: ui.Success, Title: loc.T("oversightweb.done." + d), Live: true}}
	}
	return nil
}

func place(r *http.Request) string {
	if id := r.URL.Query().Get("before"); ident.Valid(id) {
		return id
	}
	return ""
}

// wrong turns a mistake in a form into the page that says so.
func wrong(loc *i18n.Localizer, err error, field string) (ui.ErrorSummary, string, bool) {
	key, args := fault.Message(err)
	if key == "" || !(fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict)) {
		return ui.ErrorSummary{}, "", false
	}
	text := loc.T(key, args...)
	return ui.ErrorSummary{Items: []ui.FieldError{{Field: field, Text: text}}}, text, true
}

func (p *pages) title(loc *i18n.Localizer, rule string) string {
	if r, ok := p.Oversight.Rule(rule); ok {
		return r.Title.For(loc.Lang())
	}
	return rule
}

func (p *pages) showFindings(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	seen := r.URL.Query().Get("seen") == "1"
	list, err := p.Oversight.Findings(r.Context(), a, seen, place(r), pageSize)
	if err != nil {
		return err
	}
	q := url.Values{}
	if seen {
		q.Set("seen", "1")
	}
	t := ui.Table{Caption: loc.T("oversightweb.findings"), CaptionHidden: true, Empty: loc.T("oversightweb.nothing"), Columns: []ui.Column{{Label: loc.T("oversightweb.what")}, {Label: loc.T("oversightweb.who")}, {Label: loc.T("oversightweb.register")}, {Label: loc.T("oversightweb.when")}, {Label: loc.T("oversightweb.times"), Numeric: true}}}
	for _, f := range list {
		t.Rows = append(t.Rows, ui.Row{ID: f.ID, Cells: []ui.Cell{{Text: p.title(loc, f.Rule), Href: "/desk/oversight/" + f.ID}, {Text: f.ActorName, Sub: p.Office(f.Office).For(loc.Lang())},
			{Text: p.register(loc.Lang(), f.Resource)}, {Text: p.at(loc, f.Last)}, {Text: loc.Number(f.Times)}}})
	}
	items := []ui.Component{ui.Filters{Label: loc.T("oversightweb.which"), Items: []ui.Filter{{Label: loc.T("oversightweb.open"), Href: "/desk/oversight", Active: !seen, NoCount: true}, {Label: loc.T("oversightweb.seen"), Href: "/desk/oversight?seen=1", Active: seen, NoCount: true}}}, t}
	if len(list) == pageSize {
		q.Set("before", list[pageSize-1].ID)
		items = append(items, ui.Pagination{Next: "/desk/oversight?" + q.Encode()})
	}
	items = append(items, ui.Links{Items: []ui.Link{{Text: loc.T("oversightweb.marks"), Href: "/desk/oversight/marks"}}})
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("oversightweb.title"), Shell: web.Desk("oversight"),
		Data: web.Sheet{Alerts: done(r, loc), Intro: []string{loc.T("oversightweb.intro")}, Sections: []web.Section{{Items: items}}}})
}

func (p *pages) showFinding(w http.ResponseWriter, r *http.Request) error {
	return p.finding(w, r, "", nil)
}

func (p *pages) finding(w http.ResponseWriter, r *http.Request, remark string, failed error) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	f, err := p.Oversight.Finding(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	row := func(key, value string) ui.SummaryRow {
		return ui.SummaryRow{Key: loc.T("oversightweb." + key), Value: value}
	}
	rows := []ui.SummaryRow{row("who", f.ActorName+" ("+f.Actor+")"), row("office", p.Office(f.Office).For(loc.Lang())), row("register", p.register(loc.Lang(), f.Resource)),
		row("purpose", f.Purpose), row("first", p.at(loc, f.At)), row("last", p.at(loc, f.Last)), row("times", loc.Number(f.Times))}
	if f.Person != "" {
		rows = append(rows, row("person", f.Person))
	}
	if f.Persons > 0 {
		rows = append(rows, row("persons", loc.Number(f.Persons)))
	}
	if f.Case != "" {
		rows = append(rows, row("case", f.Case))
	}
	rows = append(rows, row("entry", f.Entry))
	data := web.Sheet{Alerts: done(r, loc), Sections: []web.Section{{Items: []ui.Component{ui.SummaryList{Rows: rows}}}}}
	status := http.StatusOK
	if f.SeenAt.IsZero() {
		field := ui.Field{Name: "remark", Label: loc.T("oversightweb.remark"), Hint: loc.T("oversightweb.remarkHint")}
		if failed != nil {
			sum, text, ok := wrong(loc, failed, "remark")
			if !ok {
				return failed
			}
			data.Errors, field.Error, status = sum, text, http.StatusUnprocessableEntity
		}
		data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.look"), Items: []ui.Component{ui.Form{Action: "/desk/oversight/" + f.ID,
			Items: []ui.Component{ui.TextArea{Field: field, Value: remark, Rows: 3, MaxLength: oversight.MaxText}}, Buttons: []ui.Button{{Text: loc.T("oversightweb.markSeen")}}}}})
	} else {
		data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.looked"), Items: []ui.Component{ui.SummaryList{Rows: []ui.SummaryRow{row("by", f.SeenBy), row("when", p.at(loc, f.SeenAt)), row("remark", f.Remark)}}}})
	}
	return p.view.Render(w, r, status, web.Page[web.Sheet]{Title: p.title(loc, f.Rule), Shell: web.Desk("oversight").WithBack(loc.T("oversightweb.title"), "/desk/oversight").WithErrors(failed != nil), Data: data})
}

func (p *pages) markSeen(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	if err := p.Oversight.MarkSeen(r.Context(), a, r.PathValue("id"), in.Get("remark")); err != nil {
		return p.finding(w, r, in.Get("remark"), err)
	}
	web.SeeOther(w, "/desk/oversight?done=seen")
	return nil
}

// personFields ask for a person by what they are called and when they were born.
func personFields(loc *i18n.Localizer, in url.Values, text string) []ui.Component {
	field := func(name, label string) ui.Input {
		return ui.Input{Field: ui.Field{Name: name, Label: loc.T("oversightweb." + label)}, Value: in.Get(name), MaxLength: 200, NoSpelling: true, Autocomplete: "off"}
	}
	given := field("given", "given")
	given.Error = text
	return []ui.Component{given, field("family", "family"), ui.DateInput{Field: ui.Field{Name: "birth", Label: loc.T("oversightweb.birth")}, Value: ui.ReadDate(in, "birth")}}
}

// person finds whom a form names.
func (p *pages) person(r *http.Request, in url.Values) (string, error) {
	id, err := p.Match(r.Context(), strings.TrimSpace(in.Get("given")), strings.TrimSpace(in.Get("family")), ui.ReadDate(in, "birth"))
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		return "", fault.New(fault.NotFound, "oversightweb.person", "oversightweb.noPerson")
	}
	return id, err
}

func (p *pages) showMarks(w http.ResponseWriter, r *http.Request) error {
	return p.marks(w, r, url.Values{}, nil)
}

func (p *pages) marks(w http.ResponseWriter, r *http.Request, in url.Values, failed error) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	list, err := p.Oversight.Marks(r.Context(), a)
	if err != nil {
		return err
	}
	data, status, text := web.Sheet{Alerts: done(r, loc), Intro: []string{loc.T("oversightweb.marksIntro")}}, http.StatusOK, ""
	if failed != nil {
		var ok bool
		if data.Errors, text, ok = wrong(loc, failed, "given"); !ok {
			return failed
		}
		status = http.StatusUnprocessableEntity
	}
	t := ui.Table{Caption: loc.T("oversightweb.marks"), CaptionHidden: true, Empty: loc.T("oversightweb.nothing"), Columns: []ui.Column{{Label: loc.T("oversightweb.person")}, {Label: loc.T("oversightweb.kind")}, {Label: loc.T("oversightweb.action")}}}
	for _, m := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: m.Person}, {Text: loc.T("oversightweb.mark." + m.Kind)}, {Item: ui.Form{Action: "/desk/oversight/marks",
			Items: []ui.Component{ui.Hidden{Name: "person", Value: m.Person}}, Buttons: []ui.Button{{Text: loc.T("oversightweb.unmark"), Hidden: m.Person, Kind: "tertiary"}}}}}})
	}
	kind := in.Get("kind")
	if kind == "" {
		kind = oversight.Colleague
	}
	items := append(personFields(loc, in, text), ui.Radios{Field: ui.Field{Name: "kind", Label: loc.T("oversightweb.kind")}, Value: kind, Options: []ui.Option{{Value: oversight.Colleague, Label: loc.T("oversightweb.mark.colleague")}, {Value: oversight.Known, Label: loc.T("oversightweb.mark.known")}}})
	data.Sections = []web.Section{{Items: []ui.Component{t}}, {Title: loc.T("oversightweb.newMark"), Items: []ui.Component{ui.Form{Action: "/desk/oversight/marks", Items: items, Buttons: []ui.Button{{Text: loc.T("oversightweb.markIt")}}}}}}
	return p.view.Render(w, r, status, web.Page[web.Sheet]{Title: loc.T("oversightweb.marks"), Shell: web.Desk("oversight").WithBack(loc.T("oversightweb.title"), "/desk/oversight").WithErrors(failed != nil), Data: data})
}

func (p *pages) mark(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	person, kind := in.Get("person"), ""
	if person == "" {
		// Whoever may not mark learns nothing of who lives here.
		if _, err := p.Oversight.Marks(r.Context(), a); err != nil {
			return err
		}
		if person, err = p.person(r, in); err != nil {
			return p.marks(w, r, in, err)
		}
		if kind = in.Get("kind"); kind == "" {
			kind = oversight.Colleague
		}
	}
	if err := p.Oversight.SetMark(r.Context(), a, person, kind); err != nil {
		return err
	}
	web.SeeOther(w, "/desk/oversight/marks?done=marked")
	return nil
}

func (p *pages) showGlass(w http.ResponseWriter, r *http.Request) error {
	return p.glass(w, r, url.Values{}, "", nil)
}

func (p *pages) glass(w http.ResponseWriter, r *http.Request, in url.Values, at string, failed error) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	list, err := p.Oversight.Glasses(r.Context(), a)
	if err != nil {
		return err
	}
	data, status := web.Sheet{Alerts: append(done(r, loc), ui.Alert{Tone: ui.Warning, Title: loc.T("oversightweb.glassWarning"), Text: loc.T("oversightweb.glassIntro")})}, http.StatusOK
	reason := ui.Field{Name: "reason", Label: loc.T("oversightweb.reason"), Hint: loc.T("oversightweb.reasonHint")}
	text := ""
	if failed != nil {
		sum, said, ok := wrong(loc, failed, at)
		if !ok {
			return failed
		}
		data.Errors, status = sum, http.StatusUnprocessableEntity
		if at == "reason" {
			reason.Error = said
		} else {
			text = said
		}
	}
	if len(list) > 0 {
		t := ui.Table{Caption: loc.T("oversightweb.glasses"), CaptionHidden: true, Columns: []ui.Column{{Label: loc.T("oversightweb.register")}, {Label: loc.T("oversightweb.reason")}, {Label: loc.T("oversightweb.until")}}}
		for _, g := range list {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: p.register(loc.Lang(), g.Resource), Href: "/desk/break-glass/" + g.ID}, {Text: g.Reason}, {Text: p.at(loc, g.Until)}}})
		}
		data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.glasses"), Items: []ui.Component{t}})
	}
	var options []ui.Option
	for _, x := range p.Registers(loc.Lang()) {
		if x.Person {
			options = append(options, ui.Option{Value: x.ID, Label: x.Title})
		}
	}
	items := append(personFields(loc, in, text), ui.Select{Field: ui.Field{Name: "register", Label: loc.T("oversightweb.register")}, Value: in.Get("register"), Options: options}, ui.TextArea{Field: reason, Value: in.Get("reason"), Rows: 3, MaxLength: oversight.MaxText})
	data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.newGlass"), Items: []ui.Component{ui.Form{Action: "/desk/break-glass", Items: items, Buttons: []ui.Button{{Text: loc.T("oversightweb.break"), Danger: true}}}}})
	return p.view.Render(w, r, status, web.Page[web.Sheet]{Title: loc.T("oversightweb.glassTitle"), Shell: web.Desk("break-glass").WithErrors(failed != nil), Data: data})
}

func (p *pages) breakGlass(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	// Whoever may not break it learns nothing of who lives here.
	if _, err := p.Oversight.Glasses(r.Context(), a); err != nil {
		return err
	}
	if strings.TrimSpace(in.Get("reason")) == "" {
		return p.glass(w, r, in, "reason", fault.New(fault.Invalid, "oversightweb.break", "oversight.needsReason", "max", oversight.MaxText))
	}
	reg, ok := p.one("de", in.Get("register"))
	if !ok || !reg.Person {
		return p.glass(w, r, in, "register", fault.New(fault.Invalid, "oversightweb.break", "oversightweb.noRegister"))
	}
	person, err := p.person(r, in)
	if err != nil {
		return p.glass(w, r, in, "given", err)
	}
	g, err := p.Oversight.Break(r.Context(), a, "register:"+reg.ID, person, in.Get("reason"))
	if err != nil {
		return p.glass(w, r, in, "reason", err)
	}
	web.SeeOther(w, "/desk/break-glass/"+g.ID)
	return nil
}

func (p *pages) showThrough(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	b, err := p.Oversight.OneGlass(ctx, a, r.PathValue("id"))
	if err != nil {
		return err
	}
	reg, ok := p.one(loc.Lang(), strings.TrimPrefix(b.Resource, "register:"))
	if !ok {
		return fault.New(fault.NotFound, "oversightweb.through", "")
	}
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: b.Resource, Purpose: access.GlassPurpose, Basis: "Art. 6 Absatz 1 Buchstabe d DSGVO", Owner: b.Person, Fields: reg.Fields})
	if err != nil {
		return err
	}
	rows, err := p.Show(ctx, g, reg.ID, b.Person, loc.Lang())
	if err != nil {
		return err
	}
	items := []ui.Component{ui.SummaryList{Rows: rows}}
	if len(rows) == 0 {
		items = []ui.Component{ui.Text{Text: loc.T("oversightweb.nothingThere")}}
	}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: reg.Title, Shell: web.Desk("break-glass").WithBack(loc.T("oversightweb.glassTitle"), "/desk/break-glass"),
		Data: web.Sheet{Alerts: []ui.Component{ui.Alert{Tone: ui.Warning, Title: loc.T("oversightweb.glassHolds", "until", p.at(loc, b.Until)), Text: loc.T("oversightweb.glassTold")}}, Sections: []web.Section{{Items: items}}}})
}
