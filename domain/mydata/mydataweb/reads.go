// SPDX-License-Identifier: EUPL-1.2

package mydataweb

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/web"
	"mercator/web/ui"
)

const (
	latestReads = 5  // on the first page
	readsPage   = 30 // on a page of the list
)

// ledger asks for the grant to look at what is on record about the person.
func (p *pages) ledger(ctx context.Context, a access.Actor) (access.Grant, error) {
	return p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "ledger", Purpose: "own data", Basis: "Art. 15 DSGVO", Owner: a.Person()})
}

// kinds are what else than registers the list can be narrowed to.
var kinds = []string{"case", "document", "draft", "mandate", "message", "payment", "task"}

func (p *pages) showReads(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	ctx, loc, q := r.Context(), web.Localizer(r), r.URL.Query()
	narrow := audit.Narrow{Office: q.Get("office"), Resource: q.Get("what")}
	var wrong []ui.FieldError
	day := func(name string) (time.Time, string) {
		text := ui.ReadDate(q, name)
		if text == "" {
			return time.Time{}, ""
		}
		t, err := time.ParseInLocation(time.DateOnly, text, p.Zone)
		if err != nil {
			text := loc.T("mydataweb.noDay")
			wrong = append(wrong, ui.FieldError{Field: name, Text: text})
			return time.Time{}, text
		}
		return t, ""
	}
	var errFrom, errTo string
	narrow.From, errFrom = day("from")
	if narrow.To, errTo = day("to"); !narrow.To.IsZero() {
		narrow.To = narrow.To.AddDate(0, 0, 1)
	}
	before := q.Get("before")
	if !ident.Valid(before) {
		before = ""
	}
	g, err := p.ledger(ctx, a)
	if err != nil {
		return err
	}
	entries, err := p.Access.WhoReadWhere(ctx, g, before, narrow, readsPage+1)
	if err != nil {
		return err
	}
	var pages ui.Pagination
	link := func(before string) string {
		n := url.Values{}
		for k, v := range q {
			if k != "before" {
				n[k] = v
			}
		}
		if before != "" {
			n.Set("before", before)
		}
		if len(n) == 0 {
			return "/my-data/reads"
		}
		return "/my-data/reads?" + n.Encode()
	}
	if before != "" {
		pages.First = link("")
	}
	if len(entries) > readsPage {
		entries = entries[:readsPage]
		pages.Next = link(entries[len(entries)-1].ID)
	}
	list, err := p.days(ctx, a, loc, entries)
	if err != nil {
		return err
	}
	data := page{Intro: loc.T("mydataweb.readsIntro")}
	if len(wrong) > 0 {
		data.Parts = append(data.Parts, ui.ErrorSummary{Items: wrong})
	}
	data.Parts = append(data.Parts, p.filter(loc, q, errFrom, errTo))
	if len(list) == 0 {
		key := "mydataweb.noReads"
		if narrow != (audit.Narrow{}) || before != "" {
			key = "mydataweb.noneFits"
		}
		data.Parts = append(data.Parts, ui.Text{Text: loc.T(key)})
	}
	data.Parts = append(append(data.Parts, list...), pages)
	return p.show(w, r, loc.T("mydataweb.reads"), true, data)
}

func (p *pages) filter(loc *i18n.Localizer, q url.Values, errFrom, errTo string) ui.Component {
	var offices, what []ui.Option
	for _, id := range p.Offices {
		offices = append(offices, ui.Option{Value: id, Label: p.Office(id).For(loc.Lang())})
	}
	for _, id := range p.Registers() {
		if reg, ok := p.Register(id, loc.Lang()); ok {
			what = append(what, ui.Option{Value: "register:" + id, Label: reg.Title})
		}
	}
	for _, k := range kinds {
		what = append(what, ui.Option{Value: k, Label: loc.T("mydataweb.kind." + k)})
	}
	open := q.Get("office") != "" || q.Get("what") != "" || ui.ReadDate(q, "from") != "" || ui.ReadDate(q, "to") != ""
	return ui.Details{Summary: loc.T("mydataweb.filter"), Open: open, Items: []ui.Component{ui.Form{Method: "get", Action: "/my-data/reads", Items: []ui.Component{
		ui.Select{Field: ui.Field{Name: "office", Label: loc.T("mydataweb.office")}, Value: q.Get("office"), Options: offices, Empty: loc.T("mydataweb.anyOffice")},
		ui.Select{Field: ui.Field{Name: "what", Label: loc.T("mydataweb.what")}, Value: q.Get("what"), Options: what, Empty: loc.T("mydataweb.anyWhat")},
		ui.DateInput{Field: ui.Field{Name: "from", Label: loc.T("mydataweb.from"), Error: errFrom}, Value: ui.ReadDate(q, "from")},
		ui.DateInput{Field: ui.Field{Name: "to", Label: loc.T("mydataweb.to"), Error: errTo}, Value: ui.ReadDate(q, "to")},
	}, Buttons: []ui.Button{{Text: loc.T("mydataweb.apply"), Kind: "secondary"}}}}}
}

// teller tells entries in words; it remembers the cases of a page.
type teller struct {
	p     *pages
	ctx   context.Context
	loc   *i18n.Localizer
	who   string
	cases map[string]*Case
}

// days are entries as a timeline, the same again on one day told once.
func (p *pages) days(ctx context.Context, a access.Actor, loc *i18n.Localizer, entries []audit.Entry) ([]ui.Component, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	t := &teller{p: p, ctx: ctx, loc: loc, who: a.Person(), cases: map[string]*Case{}}
	_, asks := p.About("entry", loc.Lang())
	line := ui.Timeline{Label: loc.T("mydataweb.reads")}
	for i := 0; i < len(entries); {
		e, n := entries[i], 1
		for i+n < len(entries) && p.alike(e, entries[i+n]) {
			n++
		}
		i += n
		told, err := t.tell(e)
		if err != nil {
			return nil, err
		}
		m := ui.Moment{When: e.At, Title: told, Text: t.basis(e)}
		if door := web.Door(loc, e.Door, e.Client); door != "" {
			m.Text = strings.TrimSpace(m.Text + "\n" + loc.T("mydataweb.doorIs", "door", door))
		}
		if n > 1 {
			m.Text = strings.TrimSpace(m.Text + "\n" + loc.T("mydataweb.times", "count", n))
		}
		key := "mydataweb.details"
		if asks {
			key = "mydataweb.askWhy"
		}
		m.Links = []ui.Link{{Text: loc.T(key), Hidden: loc.DateTime(p.local(e.At)), Href: "/my-data/reads/" + e.ID}}
		line.Moments = append(line.Moments, m)
	}
	return []ui.Component{line}, nil
}

// alike tells whether two accesses differ in nothing but the time of day.
func (p *pages) alike(a, b audit.Entry) bool {
	return a.ActorKind == b.ActorKind && a.Office == b.Office && a.Action == b.Action && a.Resource == b.Resource && a.Purpose == b.Purpose &&
		a.Basis == b.Basis && a.Case == b.Case && a.ActorName == b.ActorName && a.Mandate == b.Mandate && a.Door == b.Door && a.Client == b.Client && a.Outcome == b.Outcome && slices.Equal(a.Fields, b.Fields) &&
		(a.ActorKind != string(access.Machine) || a.ActorID == b.ActorID) && p.local(a.At).Format(time.DateOnly) == p.local(b.At).Format(time.DateOnly)
}

// tell says in a sentence who did what and why.
func (t *teller) tell(e audit.Entry) (string, error) {
	what, err := t.what(e)
	if err != nil {
		return "", err
	}
	why, err := t.why(e)
	if err != nil {
		return "", err
	}
	key := "mydataweb.tell." + e.Action
	if e.Outcome == audit.Refused {
		key = "mydataweb.tell.refused"
	}
	if e.Action == "" || !t.loc.Has(key) {
		key = "mydataweb.tell.other"
	}
	return t.loc.T(key, "who", t.actor(e), "what", what, "why", why), nil
}

func (t *teller) basis(e audit.Entry) string {
	if e.Basis == "" {
		return ""
	}
	return t.loc.T("mydataweb.basisIs", "basis", e.Basis)
}

// actor names the office, and the clerk only where the rules of disclosure leave the name in the entry.
func (t *teller) actor(e audit.Entry) string {
	office := ""
	if e.Office != "" {
		name := t.p.Office(e.Office).For(t.loc.Lang())
		key := "mydataweb.who.office"
		if first, _, _ := strings.Cut(name, " "); strings.HasSuffix(strings.ToLower(first), "amt") || strings.HasSuffix(first, "-") && strings.HasSuffix(strings.ToLower(name), "amt") {
			key = "mydataweb.who.amt"
		}
		office = t.loc.T(key, "office", name)
	}
	switch e.ActorKind {
	case string(access.Resident):
		// The rules of disclosure leave the name of whoever acted in this person's own name, and of nobody else.
		if e.Mandate != "" && e.ActorName != "" {
			return t.loc.T("mydataweb.who.delegate", "name", e.ActorName)
		}
		return t.loc.T("mydataweb.who.person")
	case string(access.Machine):
		if e.ActorName != "" {
			return t.loc.T("mydataweb.who.machine", "name", e.ActorName)
		}
	case string(access.Clerk):
		if e.ActorName != "" && office != "" {
			return t.loc.T("mydataweb.who.named", "name", e.ActorName, "office", office)
		}
	case string(access.System):
		if office == "" {
			return t.loc.T("mydataweb.who.system")
		}
	}
	if office == "" {
		return t.loc.T("mydataweb.who.city")
	}
	return office
}

// own is the person's own case of an entry, or nil.
func (t *teller) own(id string) (*Case, error) {
	if id == "" {
		return nil, nil
	}
	if c, ok := t.cases[id]; ok {
		return c, nil
	}
	c, ok, err := t.p.Case(t.ctx, t.who, id, t.loc.Lang())
	if err != nil {
		return nil, err
	}
	t.cases[id] = nil
	if ok {
		t.cases[id] = &c
	}
	return t.cases[id], nil
}

func (t *teller) what(e audit.Entry) (string, error) {
	kind, name, _ := strings.Cut(e.Resource, ":")
	if kind == "register" && name != "" {
		reg, ok := t.p.Register(name, t.loc.Lang())
		if !ok {
			reg.Title = name
		}
		if fields := t.fields(e); fields != "" {
			return t.loc.T("mydataweb.obj.fields", "register", reg.Title, "fields", fields), nil
		}
		return t.loc.T("mydataweb.obj.register", "register", reg.Title), nil
	}
	if kind == "case" {
		if c, err := t.own(e.Case); err != nil || c != nil {
			if err != nil {
				return "", err
			}
			return t.loc.T("mydataweb.obj.ownCase", "ref", c.Ref), nil
		}
	}
	if key := "mydataweb.obj." + kind; kind != "" && t.loc.Has(key) {
		return t.loc.T(key), nil
	}
	return t.loc.T("mydataweb.obj.other"), nil
}

// fields are the fields of a register that an entry names, in words.
func (t *teller) fields(e audit.Entry) string {
	_, name, ok := strings.Cut(e.Resource, ":")
	if !ok {
		return ""
	}
	reg, _ := t.p.Register(name, t.loc.Lang())
	var out []string
	for _, f := range e.Fields {
		if title := reg.Fields[f]; title != "" {
			out = append(out, title)
		}
	}
	return strings.Join(out, ", ")
}

func (t *teller) why(e audit.Entry) (string, error) {
	key := "mydataweb.purposes." + strings.ReplaceAll(e.Purpose, " ", "_")
	if e.Purpose == "case work" {
		c, err := t.own(e.Case)
		if err != nil {
			return "", err
		}
		if c != nil {
			return t.loc.T("mydataweb.purposes.ownCase", "service", c.Service), nil
		}
	}
	if e.Purpose != "" && t.loc.Has(key) {
		return t.loc.T(key), nil
	}
	// Some purposes carry the reason that somebody gave in their own words.
	for prefix, key := range map[string]string{access.GlassPurpose: "mydataweb.purposes.glass", "import": "mydataweb.purposes.import"} {
		if reason, ok := strings.CutPrefix(e.Purpose, prefix+": "); ok && reason != "" {
			return t.loc.T(key, "reason", reason), nil
		}
	}
	if title := t.p.Service(e.Purpose, t.loc.Lang()); title != "" {
		return t.loc.T("mydataweb.purposes.service", "service", title), nil
	}
	return t.loc.T("mydataweb.purposes.other", "purpose", e.Purpose), nil
}

// entryOf is the entry of the request, if it is about the person and disclosed to them.
func (p *pages) entryOf(r *http.Request, a access.Actor) (audit.Entry, error) {
	g, err := p.ledger(r.Context(), a)
	if err != nil {
		return audit.Entry{}, err
	}
	e, err := p.Access.WhoReadOne(r.Context(), g, r.PathValue("id"))
	if fault.Is(err, fault.NotFound) {
		return e, fault.Because(fault.NotFound, "mydataweb.entry", "mydataweb.noEntry", err)
	}
	return e, err
}

func (p *pages) showEntry(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	e, err := p.entryOf(r, a)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	t := &teller{p: p, ctx: ctx, loc: loc, who: a.Person(), cases: map[string]*Case{}}
	told, err := t.tell(e)
	if err != nil {
		return err
	}
	list := ui.SummaryList{}
	row := func(key, value string) {
		if value != "" {
			list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T(key), Value: value})
		}
	}
	row("mydataweb.when", loc.DateTime(p.local(e.At)))
	if e.Office != "" {
		row("mydataweb.office", p.Office(e.Office).For(loc.Lang()))
	}
	row("mydataweb.fields", t.fields(e))
	row("mydataweb.basis", e.Basis)
	row("mydataweb.door", web.Door(t.loc, e.Door, e.Client))
	if c, err := t.own(e.Case); err != nil {
		return err
	} else if c != nil {
		list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.case"), Item: ui.Link{Text: c.Ref, Href: "/cases/" + e.Case}})
	}
	if e.Mandate != "" && e.ActorKind == string(access.Resident) {
		list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mydataweb.mandate"), Item: ui.Link{Text: loc.T("mydataweb.toMandate"), Href: "/mandates/" + e.Mandate}})
	}
	row("mydataweb.number", e.ID)
	data := page{Intro: told, Parts: []ui.Component{list}}
	if s, ok := p.About("entry", loc.Lang()); ok {
		data.Parts = append(data.Parts, ui.Heading{Text: s.Title}, ui.Text{Text: s.Summary},
			ui.Form{Buttons: []ui.Button{{Text: loc.T("mydataweb.askWhy")}}})
	}
	shell := web.Portal("my-data").WithBack(loc.T("mydataweb.reads"), "/my-data/reads")
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mydataweb.entryTitle", "date", loc.Date(p.local(e.At))), Shell: shell, Data: data.sheet()})
}

// askWhy begins the question about an entry.
func (p *pages) askWhy(w http.ResponseWriter, r *http.Request) error {
	a, err := p.represented(r)
	if err != nil {
		return err
	}
	e, err := p.entryOf(r, a)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	told, err := (&teller{p: p, ctx: r.Context(), loc: loc, who: a.Person(), cases: map[string]*Case{}}).tell(e)
	if err != nil {
		return err
	}
	next, err := p.BeginEntry(r.Context(), a, e, told)
	if err != nil {
		return err
	}
	web.SeeOther(w, next)
	return nil
}
