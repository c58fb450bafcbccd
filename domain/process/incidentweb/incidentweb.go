// SPDX-License-Identifier: EUPL-1.2

package incidentweb

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Processes *process.Engine
	Access    *access.Checker
	Zone      *time.Location // the city's clock; nil: UTC
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Service is the name of a service.
	Service func(id, lang string) string
	// Element is the name of an element in the version of a service that is in force.
	Element func(service, element string) string
	// Person is whose case it is, for the record; "" if nobody's.
	Person func(ctx context.Context, caseID string) (string, error)
}

type pages struct {
	Config
	groups *web.View[groupsPage]
	group  *web.View[groupPage]
	one    *web.View[onePage]
	retry  *web.View[retryPage]

	external *web.View[externalPage]
}

// Mounts are the pages and where they hang.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Processes == nil || c.Access == nil || c.Actor == nil {
		return nil, errors.New("incidentweb: templates, processes, access and actor are needed")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Service == nil {
		c.Service = func(id, _ string) string { return id }
	}
	if c.Element == nil {
		c.Element = func(_, element string) string { return element }
	}
	if c.Person == nil {
		c.Person = func(context.Context, string) (string, error) { return "", nil }
	}
	p := &pages{Config: c}
	var errs [5]error
	p.groups, errs[0] = web.NewView[groupsPage](c.Templates, templateFS, "templates/groups.html")
	p.group, errs[1] = web.NewView[groupPage](c.Templates, templateFS, "templates/group.html")
	p.one, errs[2] = web.NewView[onePage](c.Templates, templateFS, "templates/one.html")
	p.retry, errs[3] = web.NewView[retryPage](c.Templates, templateFS, "templates/retry.html")
	p.external, errs[4] = web.NewView[externalPage](c.Templates, templateFS, "templates/external.html")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /desk/incidents", Handler: web.Handle(p.showGroups)},
		{Pattern: "GET /desk/incidents/group", Handler: web.Handle(p.showGroup)},
		{Pattern: "POST /desk/incidents/group", Handler: web.Handle(p.retryMany)},
		{Pattern: "GET /desk/incidents/{id}", Handler: web.Handle(p.showOne)},
		{Pattern: "POST /desk/incidents/{id}", Handler: web.Handle(p.retryOne)},
		{Pattern: "GET /desk/external", Handler: web.Handle(p.showExternal)},
		{Pattern: "GET /desk/incidents/retries/{id}", Handler: web.Handle(p.showRetry)},
	}, nil
}

const (
	purpose  = "operations"
	pageSize = 50
	home     = "/desk/incidents"
)

// operator is who is signed in; whether they may is the policies' to say.
func (p *pages) operator(r *http.Request) (access.Actor, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return a, err
	}
	if a.Kind != access.Clerk {
		return a, fault.New(fault.Denied, "incidentweb.operator", "")
	}
	return a, nil
}

func (p *pages) permit(r *http.Request, action string) (access.Grant, error) {
	a, err := p.operator(r)
	if err != nil {
		return access.Grant{}, err
	}
	return p.Access.Permit(r.Context(), access.Request{Actor: a, Action: action, Resource: "incident", Purpose: purpose, Basis: basis})
}

// basis is why an operator may see what a reason quotes: the safety of processing is a duty.
const basis = "Art. 32 DSGVO"

// permitOne is a grant for one incident, on record with its case and the person whose it is.
func (p *pages) permitOne(r *http.Request, action string) (access.Grant, string, error) {
	id := r.PathValue("id")
	a, err := p.operator(r)
	if err != nil {
		return access.Grant{}, id, err
	}
	if !ident.Valid(id) {
		return access.Grant{}, id, fault.New(fault.NotFound, "incidentweb.id", "")
	}
	ref, err := p.Processes.CaseOfIncident(r.Context(), id)
	if err != nil {
		return access.Grant{}, id, err
	}
	q := access.Request{Actor: a, Action: action, Resource: "incident", Purpose: purpose, Basis: basis, Service: ref.Service, Case: ref.CaseID}
	person, err := p.Person(r.Context(), ref.CaseID)
	if err != nil {
		return access.Grant{}, id, err
	}
	if person != "" {
		q.Subjects = []string{person}
	}
	g, err := p.Access.Permit(r.Context(), q)
	return g, id, err
}

func groupPath(g process.IncidentGroup, after string) string {
	q := url.Values{"service": {g.Service}, "element": {g.Element}, "cause": {g.Cause}}
	if after != "" {
		q.Set("after", after)
	}
	return home + "/group?" + q.Encode()
}

func (p *pages) at(loc *i18n.Localizer, t time.Time) string { return loc.DateTime(t.In(p.Zone)) }

// groupsPage are all groups, and what has been tried lately.
type groupsPage struct {
	Table   ui.Table
	Retries ui.Table
}

func (p *pages) showGroups(w http.ResponseWriter, r *http.Request) error {
	g, err := p.permit(r, access.List)
	if err != nil {
		return err
	}
	list, err := p.Processes.IncidentGroups(r.Context(), g)
	if err != nil {
		return err
	}
	retries, err := p.Processes.BulkRetries(r.Context(), g, 5)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	data := groupsPage{
		Table: ui.Table{Caption: loc.T("incidentweb.title"), CaptionHidden: true, Empty: loc.T("incidentweb.none"), Columns: []ui.Column{
			{Label: loc.T("incidentweb.step")}, {Label: loc.T("incidentweb.cause")}, {Label: loc.T("incidentweb.count"), Numeric: true},
			{Label: loc.T("incidentweb.first")}, {Label: loc.T("incidentweb.last")}}},
		Retries: ui.Table{Caption: loc.T("incidentweb.retries"), CaptionHidden: true, Columns: []ui.Column{
			{Label: loc.T("incidentweb.begun")}, {Label: loc.T("incidentweb.what")}, {Label: loc.T("incidentweb.by")}, {Label: loc.T("incidentweb.state")}}},
	}
	for _, x := range list {
		n := loc.Number(int64(min(x.N, process.IncidentCountLimit)))
		if x.N > process.IncidentCountLimit {
			n = loc.T("incidentweb.moreThan", "count", n)
		}
		data.Table.Rows = append(data.Table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: p.Element(x.Service, x.Element), Href: groupPath(x.IncidentGroup, ""), Sub: p.Service(x.Service, loc.Lang())},
			{Text: x.Cause}, {Text: n}, {Text: p.at(loc, x.First)}, {Text: p.at(loc, x.Last)}}})
	}
	for _, b := range retries {
		data.Retries.Rows = append(data.Retries.Rows, ui.Row{Cells: []ui.Cell{
			{Text: p.at(loc, b.At), Href: home + "/retries/" + b.ID}, {Text: p.what(loc, b)}, {Text: b.By.Name},
			{Text: loc.T("incidentweb.tried", "tried", loc.Number(int64(b.Tried())), "n", b.Total), Badge: stateBadge(loc, b)}}})
	}
	return p.groups.Render(w, r, http.StatusOK, web.Page[groupsPage]{Title: loc.T("incidentweb.title"), Shell: web.Desk("incidents"), Data: data})
}

func (p *pages) what(loc *i18n.Localizer, b process.BulkRetry) string {
	if len(b.Chosen) > 0 {
		return loc.T("incidentweb.choice")
	}
	return p.Element(b.Service, b.Element) + ": " + b.Cause
}

func stateBadge(loc *i18n.Localizer, b process.BulkRetry) ui.Badge {
	switch {
	case b.State == process.Retrying:
		return ui.Badge{Tone: ui.Info, Text: loc.T("incidentweb.running")}
	case b.Again+b.Failed > 0 || b.Tried() < b.Total:
		return ui.Badge{Tone: ui.Warning, Text: loc.T("incidentweb.doneSome")}
	}
	return ui.Badge{Tone: ui.Success, Text: loc.T("incidentweb.done")}
}

// groupPage is one group: what is chosen in it is tried again, or all of it.
type groupPage struct {
	Notice ui.Component
	Facts  ui.SummaryList
	All    *ui.Form
	Some   *ui.Form
	Empty  string
	Pages  ui.Pagination
}

func groupOf(q url.Values) process.IncidentGroup {
	return process.IncidentGroup{Service: q.Get("service"), Element: q.Get("element"), Cause: q.Get("cause")}
}

// maxText bounds each part of what names a group.
const maxText = 2000

func (p *pages) showGroup(w http.ResponseWriter, r *http.Request) error {
	return p.renderGroup(w, r, http.StatusOK, groupOf(r.URL.Query()), r.URL.Query().Get("after"), nil)
}

func (p *pages) renderGroup(w http.ResponseWriter, r *http.Request, status int, of process.IncidentGroup, after string, notice ui.Component) error {
	if len(of.Service) > maxText || len(of.Element) > maxText || len(of.Cause) > maxText {
		return fault.New(fault.TooLarge, "incidentweb.group", "")
	}
	g, err := p.permit(r, access.List)
	if err != nil {
		return err
	}
	if !ident.Valid(after) {
		after = ""
	}
	list, err := p.Processes.GroupIncidents(r.Context(), g, of, after, pageSize+1)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	data := groupPage{Notice: notice, Empty: loc.T("incidentweb.groupEmpty")}
	if after != "" {
		data.Pages.First = groupPath(of, "")
	}
	more := len(list) > pageSize
	if more {
		list = list[:pageSize]
		data.Pages.Next = groupPath(of, list[len(list)-1].ID)
	}
	data.Facts = ui.SummaryList{Rows: []ui.SummaryRow{
		{Key: loc.T("incidentweb.service"), Value: p.Service(of.Service, loc.Lang())},
		{Key: loc.T("incidentweb.step"), Value: p.Element(of.Service, of.Element)},
		{Key: loc.T("incidentweb.cause"), Value: of.Cause},
	}}
	hidden := []ui.Component{ui.Hidden{Name: "service", Value: of.Service}, ui.Hidden{Name: "element", Value: of.Element}, ui.Hidden{Name: "cause", Value: of.Cause}}
	if len(list) > 0 {
		data.Empty = ""
		table := ui.Table{Caption: loc.T("incidentweb.incidents"), CaptionHidden: true, Columns: []ui.Column{
			{Label: loc.T("incidentweb.case")}, {Label: loc.T("incidentweb.reason")}, {Label: loc.T("incidentweb.since")}, {Label: loc.T("incidentweb.choose")}}}
		persons := make([]string, 0, len(list))
		for _, i := range list {
			person, err := p.Person(r.Context(), i.CaseID)
			if err != nil {
				return err
			}
			persons = append(persons, person)
			table.Rows = append(table.Rows, ui.Row{ID: "i-" + i.ID, Cells: []ui.Cell{
				{Text: i.CaseRef, Href: home + "/" + i.ID}, {Text: i.Reason}, {Text: p.at(loc, i.At)},
				{Item: ui.Checkbox{Field: ui.Field{Name: "incident", ID: "choose-" + i.ID, Label: i.CaseRef}, Value: i.ID}}}})
		}
		if err := p.Access.Seen(r.Context(), g, persons); err != nil {
			return err
		}
		data.Some = &ui.Form{Action: home + "/group", Items: append(append([]ui.Component{}, hidden...), table),
			Buttons: []ui.Button{{Text: loc.T("incidentweb.retrySome"), Kind: "secondary", Name: "do", Value: "some"}}}
		data.All = &ui.Form{Action: home + "/group", Items: hidden,
			Buttons: []ui.Button{{Text: loc.T("incidentweb.retryAll"), Name: "do", Value: "all"}}}
	}
	return p.group.Render(w, r, status, web.Page[groupPage]{Title: loc.T("incidentweb.groupTitle", "step", p.Element(of.Service, of.Element)),
		Shell: web.Desk("incidents").WithBack(loc.T("incidentweb.title"), home).WithErrors(notice != nil), Data: data})
}

func (p *pages) retryMany(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(r)
	if err != nil {
		return err
	}
	g, err := p.permit(r, access.Change)
	if err != nil {
		return err
	}
	of, loc := groupOf(form), web.Localizer(r)
	chosen := form["incident"]
	again := func(status int, text string) error {
		return p.renderGroup(w, r, status, of, "", ui.Alert{Tone: ui.Danger, Title: text, Live: true})
	}
	if form.Get("do") == "all" {
		chosen = nil
	} else if len(chosen) == 0 {
		return again(http.StatusUnprocessableEntity, loc.T("incidentweb.noneChosen"))
	}
	b, err := p.Processes.RetryIncidents(r.Context(), g, of, chosen)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		key, args := fault.Message(err)
		return again(http.StatusConflict, loc.T(key, args...))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, home+"/retries/"+b.ID)
	return nil
}

// onePage is one incident: why, where, what happened before.
type onePage struct {
	Notice   ui.Component
	Facts    ui.SummaryList
	Retry    *ui.Form
	Timeline ui.Timeline
	Diagram  ui.Component
}

func (p *pages) showOne(w http.ResponseWriter, r *http.Request) error {
	g, id, err := p.permitOne(r, access.Read)
	if err != nil {
		return err
	}
	i, err := p.Processes.Incident(r.Context(), g, id)
	if err != nil {
		return err
	}
	v, err := p.Processes.IncidentPlace(r.Context(), g, id)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	var data onePage
	switch q := r.URL.Query(); {
	case q.Has("again"):
		data.Notice = ui.Alert{Tone: ui.Warning, Title: loc.T("incidentweb.cameBack"), Text: loc.T("incidentweb.cameBackText"), Live: true}
	case q.Has("gone"):
		data.Notice = ui.Alert{Tone: ui.Info, Title: loc.T("process.incidentGone"), Live: true}
	case q.Has("done"):
		data.Notice = ui.Alert{Tone: ui.Success, Title: loc.T("incidentweb.wentOn"), Live: true}
	}
	state := ui.Badge{Tone: ui.Danger, Text: loc.T("incidentweb.open")}
	if !i.ResolvedAt.IsZero() {
		state = ui.Badge{Tone: ui.Success, Text: loc.T("incidentweb.resolved")}
	}
	step, where := p.place(v, i.Element)
	data.Facts = ui.SummaryList{Rows: []ui.SummaryRow{
		{Key: loc.T("incidentweb.state"), Item: state},
		{Key: loc.T("incidentweb.reason"), Value: i.Reason},
		{Key: loc.T("incidentweb.step"), Value: step},
	}}
	add := func(key, value string) {
		if value != "" {
			data.Facts.Rows = append(data.Facts.Rows, ui.SummaryRow{Key: loc.T(key), Value: value})
		}
	}
	add("incidentweb.where", where)
	add("incidentweb.elementID", i.Element)
	add("incidentweb.service", p.Service(i.Service, loc.Lang()))
	add("incidentweb.version", i.Version)
	add("incidentweb.office", i.Office)
	add("incidentweb.case", i.CaseRef)
	add("incidentweb.since", p.at(loc, i.At))
	if i.ResolvedAt.IsZero() {
		data.Retry = &ui.Form{Action: home + "/" + i.ID, Buttons: []ui.Button{{Text: loc.T("incidentweb.retry")}}}
	} else {
		add("incidentweb.resolvedAt", p.at(loc, i.ResolvedAt))
		add("incidentweb.by", i.ResolvedName)
	}
	text := loc.T("incidentweb.stopsAt", "step", step)
	drawing := bpmn.SVG(v.Model, v.Process, bpmn.Drawing{Active: v.Active, Done: v.Done, Desc: text})
	data.Diagram = ui.Figure{SVG: template.HTML(drawing), Title: loc.T("incidentweb.diagram"), Text: text} // the engine's own drawing: every text in it is escaped
	const last = 20
	for _, s := range v.Steps[max(0, len(v.Steps)-last):] {
		m := ui.Moment{When: s.At, Title: s.Event}
		if key := "incidentweb.event." + s.Event; loc.Has(key) {
			m.Title = loc.T(key)
		}
		if key := "incidentweb.who." + s.ActorKind; loc.Has(key) {
			m.By = loc.T(key)
		}
		var names []string
		for _, t := range s.Trace {
			if t.What == "in" {
				name, _ := p.place(v, t.Element)
				names = append(names, name)
			}
		}
		m.Text = strings.Join(names, " → ")
		data.Timeline.Moments = append(data.Timeline.Moments, m)
	}
	data.Timeline.Label = loc.T("incidentweb.history")
	return p.one.Render(w, r, http.StatusOK, web.Page[onePage]{Title: loc.T("incidentweb.oneTitle", "ref", i.CaseRef),
		Shell: web.Desk("incidents").WithBack(loc.T("incidentweb.backToGroup"), groupPath(i.Group(), "")), Data: data})
}

// place is the name of an element, and where it is: the sub-processes around it and its lane.
func (p *pages) place(v process.Instance, id string) (name, where string) {
	name = id
	if v.Linked == nil {
		return name, ""
	}
	e := v.Linked.Element(id)
	if e == nil {
		return name, ""
	}
	if e.Name != "" {
		name = e.Name
	}
	var around []string
	if e.Lane != "" {
		around = append(around, e.Lane)
	}
	for up := e.Parent; up != nil; up = up.Parent {
		n := up.Name
		if n == "" {
			n = up.ID
		}
		around = append([]string{n}, around...)
	}
	return name, strings.Join(around, " → ")
}

func (p *pages) retryOne(w http.ResponseWriter, r *http.Request) error {
	g, id, err := p.permitOne(r, access.Change)
	if err != nil {
		return err
	}
	again, err := p.Processes.RetryIncident(r.Context(), g, id)
	switch {
	case fault.Is(err, fault.Conflict):
		web.SeeOther(w, home+"/"+id+"?gone")
		return nil
	case err != nil:
		return err
	case again != "":
		web.SeeOther(w, home+"/"+again+"?again")
		return nil
	}
	web.SeeOther(w, home+"/"+id+"?done")
	return nil
}

// retryPage is how far a retry of many is. It doesn't reload by itself, which would take a
// screen reader back to its beginning: a button does.
type retryPage struct {
	Notice   ui.Component
	Progress ui.Progress
	Facts    ui.SummaryList
	Onward   ui.Buttons
}

func (p *pages) showRetry(w http.ResponseWriter, r *http.Request) error {
	g, err := p.permit(r, access.List)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, "incidentweb.retry", "")
	}
	b, err := p.Processes.BulkRetryOf(r.Context(), g, id)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	n := func(i int) string { return loc.Number(int64(i)) }
	data := retryPage{Progress: ui.Progress{Step: b.Tried(), Steps: max(b.Total, 1), Label: loc.T("incidentweb.tried", "tried", n(b.Tried()), "n", b.Total)}}
	data.Facts = ui.SummaryList{Rows: []ui.SummaryRow{
		{Key: loc.T("incidentweb.state"), Item: stateBadge(loc, b)},
		{Key: loc.T("incidentweb.what"), Value: p.what(loc, b)},
		{Key: loc.T("incidentweb.begun"), Value: p.at(loc, b.At)},
		{Key: loc.T("incidentweb.by"), Value: b.By.Name},
		{Key: loc.T("incidentweb.nResolved"), Value: n(b.Resolved)},
		{Key: loc.T("incidentweb.nAgain"), Value: n(b.Again)},
		{Key: loc.T("incidentweb.nGone"), Value: n(b.Gone)},
		{Key: loc.T("incidentweb.nFailed"), Value: n(b.Failed)},
	}}
	switch {
	case b.State == process.Retrying:
		data.Notice = ui.Alert{Tone: ui.Info, Title: loc.T("incidentweb.runningTitle"), Text: loc.T("incidentweb.runningText"), Live: true}
		data.Onward.Items = append(data.Onward.Items, ui.Button{Text: loc.T("incidentweb.refresh"), Href: home + "/retries/" + b.ID})
	case b.Again+b.Failed > 0 || b.Tried() < b.Total:
		data.Notice = ui.Alert{Tone: ui.Warning, Title: loc.T("incidentweb.endedSome"), Text: loc.T("incidentweb.endedSomeText"), Live: true}
	default:
		data.Notice = ui.Alert{Tone: ui.Success, Title: loc.T("incidentweb.ended"), Text: loc.T("incidentweb.endedText"), Live: true}
	}
	kind := "secondary"
	if b.State != process.Retrying {
		kind = "primary"
	}
	data.Onward.Items = append(data.Onward.Items, ui.Button{Text: loc.T("incidentweb.toList"), Kind: kind, Href: home})
	return p.retry.Render(w, r, http.StatusOK, web.Page[retryPage]{Title: loc.T("incidentweb.retryTitle"), Shell: web.Desk("incidents").WithBack(loc.T("incidentweb.title"), home), Data: data})
}
