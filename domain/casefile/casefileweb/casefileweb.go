// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/pdf"
	"mercator/domain/casefile"
	"mercator/domain/service"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// Task is a user task of a case as the desk shows it.
type Task struct {
	ID, CaseID       string
	CaseRef          string // the file number
	Label            string // whose case it is
	Service, Version string
	Office           string
	Name             i18n.Text // of the element in the process
	Form             string    // id of the task's form in the package
	Assignee         string    // staff id; "": free
	AssigneeName     string
	Open             bool
	Created          time.Time
	Due, Done        time.Time      // zero: none, not yet
	Revision         int64          // rises with every change
	Vars             map[string]any // what its form is filled from; in Tasks.Task only
}

// Filter narrows the worklist.
type Filter struct {
	Which   string // "": all open tasks of the office, "free", "mine", "due" (overdue), "done"
	Service string
	Search  string // words of the file number or the label
}

// After is the place in the worklist: Due (of done tasks: Done) and ID of the last
// task of the page before.
type After struct {
	Due time.Time
	ID  string
}

// Counts is how many open tasks each filter leaves. They may stop at Limit, if it is
// not 0: a number above it means "more than".
type Counts struct {
	All, Free, Mine, Due int
	Services             map[string]int
	Limit                int
}

// Tasks is the part of the process engine that the desk works with. Every list is
// held to the grant's office by its query.
type Tasks interface {
	Worklist(ctx context.Context, g access.Grant, f Filter, after After, n int) ([]Task, error)
	Counts(ctx context.Context, g access.Grant) (Counts, error)
	Task(ctx context.Context, g access.Grant, id string) (Task, error)
	OfCase(ctx context.Context, g access.Grant, caseID string) ([]Task, error)
	// Claim takes a free task; one that somebody else has is fault.Conflict.
	Claim(ctx context.Context, g access.Grant, id string) error
	Release(ctx context.Context, g access.Grant, id string) error
	// Complete ends a task that the actor has claimed; fault.Conflict if it is theirs
	// no more, or not at that revision.
	Complete(ctx context.Context, g access.Grant, id string, revision int64, vars map[string]any) error
}

// Document is an issued or uploaded document of a case.
type Document struct {
	ID    string
	Title i18n.Text
	At    time.Time
	Href  string
	Size  int64
	State string // "valid", "expired", "revoked"; "": it does not run out (a letter)
}

// Message is a message between office and applicant.
type Message struct {
	At      time.Time
	From    string // "office" or "applicant"
	Subject i18n.Text
	Body    i18n.Text
}

// Payment is a fee that is still open.
type Payment struct {
	Href  string
	Cents int64
}

// Correction is a field that the applicant has been asked to correct.
type Correction struct {
	Label   i18n.Text
	Message i18n.Text
	Href    string
}

// Config is what the pages need. Functions that are nil leave out their part of a page.
type Config struct {
	Templates *web.Templates
	Cases     *casefile.File
	Services  *service.Catalog
	Access    *access.Checker
	Tasks     Tasks
	Now       func() time.Time
	Zone      *time.Location // the city's clock; nil: UTC
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Acting is Actor for the pages that serve those who act for somebody else, too (identity.RequireActing); nil: nobody does.
	Acting func(r *http.Request, least access.Level) (access.Actor, error)
	// Office is the name of an office.
	Office func(id string) i18n.Text

	// Moment writes an instant with its zone, as a receipt has it; nil: on the clock of Zone.
	Moment func(loc *i18n.Localizer, t time.Time) string
	// City and Renderer make the receipt as a PDF; without a renderer there is none.
	City     string
	Renderer *pdf.Renderer

	// NoWorklist is where somebody goes who has no worklist, or "".
	NoWorklist func(a access.Actor) string

	Documents   func(ctx context.Context, g access.Grant, caseID string) ([]Document, error)
	Messages    func(ctx context.Context, g access.Grant, caseID string) ([]Message, error)
	Payment     func(ctx context.Context, g access.Grant, caseID string) (Payment, bool, error)
	Corrections func(ctx context.Context, g access.Grant, caseID string) ([]Correction, error)
	// Ask asks the applicant to correct one field of the application.
	Ask func(ctx context.Context, g access.Grant, c casefile.Case, field, message string) error
	// Write sends the applicant a message.
	Write func(ctx context.Context, g access.Grant, c casefile.Case, subject, body string) error
	// Diagram draws the process of a case with its token, and tells it as a list.
	Diagram func(ctx context.Context, g access.Grant, c casefile.Case, loc *i18n.Localizer) ([]ui.Component, error)
	// Steps tells what the process of a case did, element by element; after is the place of
	// its next page in the address, path the page on which it stands.
	Steps func(ctx context.Context, g access.Grant, c casefile.Case, loc *i18n.Localizer, path, after string) (ui.Component, error)
	// Free leads the parts of a case that have no order of their own.
	Free FreeParts
	// FormVars are what the forms of a service may read besides answers and registers: lists.
	FormVars func(ctx context.Context, s *service.Service) (map[string]any, error)
	// Files are the files that came with the application; SendFile sends one of them, or its PDF/A.
	Files    func(ctx context.Context, g access.Grant, caseID string) ([]File, error)
	SendFile func(w http.ResponseWriter, r *http.Request, g access.Grant, caseID, id string, archive bool) error
	// ApplicationPDF is the address of the application as a PDF.
	ApplicationPDF func(caseID string) string
}

type pages struct {
	Config
	cases    *web.View[casesPage]
	caseView *web.View[casePage]
	work     *web.View[workPage]
	desk     *web.View[deskPage]
	task     *web.View[taskPage]
	ask      *web.View[askPage]
	receipt  *web.View[receiptPage]
}

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Cases == nil || c.Services == nil || c.Access == nil || c.Actor == nil {
		return nil, errors.New("casefileweb: templates, cases, services, access and actor are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Office == nil {
		c.Office = i18n.Plain
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Moment == nil {
		c.Moment = func(loc *i18n.Localizer, t time.Time) string { return loc.DateTime(t.In(c.Zone)) }
	}
	p := &pages{Config: c}
	var errs [7]error
	p.cases, errs[0] = web.NewView[casesPage](c.Templates, templateFS, "templates/cases.html")
	p.caseView, errs[1] = web.NewView[casePage](c.Templates, templateFS, "templates/case.html")
	p.work, errs[2] = web.NewView[workPage](c.Templates, templateFS, "templates/work.html")
	p.desk, errs[3] = web.NewView[deskPage](c.Templates, templateFS, "templates/desk.html")
	p.task, errs[4] = web.NewView[taskPage](c.Templates, templateFS, "templates/task.html")
	p.ask, errs[5] = web.NewView[askPage](c.Templates, templateFS, "templates/ask.html")
	p.receipt, errs[6] = web.NewView[receiptPage](c.Templates, templateFS, "templates/receipt.html")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	ms := web.Mounts{
		{Pattern: "GET /cases", Handler: web.Handle(p.showCases)},
		{Pattern: "GET /cases/{id}", Handler: web.Handle(p.showCase)},
		{Pattern: "GET /cases/{id}/receipt", Handler: web.Handle(p.showReceipt)},
		{Pattern: "GET /cases/{id}/submissions/{n}/{file}", Handler: web.Handle(p.submission(p.ownCase))},
		{Pattern: "GET /desk/cases/{id}", Handler: web.Handle(p.showDesk)},
		{Pattern: "GET /desk/cases/{id}/submissions/{n}/{file}", Handler: web.Handle(p.submission(p.officeCase))},
	}
	if c.Renderer != nil {
		ms = append(ms, web.Mounts{
			{Pattern: "GET /cases/{id}/receipt.pdf", Handler: web.Handle(p.submission(p.ownCase))},
			{Pattern: "GET /desk/cases/{id}/receipt.pdf", Handler: web.Handle(p.submission(p.officeCase))},
		}...)
	}
	if c.Tasks != nil {
		ms = append(ms, web.Mounts{
			{Pattern: "GET /desk", Handler: web.Handle(p.showWork)},
			{Pattern: "GET /desk/live", Handler: web.Handle(p.live)},
			{Pattern: "GET /desk/tasks/{id}", Handler: web.Handle(p.showTask)},
			{Pattern: "POST /desk/tasks/{id}", Handler: web.Handle(p.completeTask)},
			{Pattern: "POST /desk/tasks/{id}/claim", Handler: web.Handle(p.claim)},
			{Pattern: "POST /desk/tasks/{id}/release", Handler: web.Handle(p.release)},
		}...)
	}
	if c.Files != nil && c.SendFile != nil {
		ms = append(ms, web.Mounts{
			{Pattern: "GET /desk/cases/{id}/files/{file}", Handler: web.Handle(p.deskFile(false))},
			{Pattern: "GET /desk/cases/{id}/files/{file}/archive", Handler: web.Handle(p.deskFile(true))},
			{Pattern: "GET /cases/{id}/files/{file}", Handler: web.Handle(p.ownFile(false))},
			{Pattern: "GET /cases/{id}/files/{file}/archive", Handler: web.Handle(p.ownFile(true))},
		}...)
	}
	if c.Free != nil {
		ms = append(ms, web.Mount{Pattern: "POST /desk/cases/{id}/free/{token}", Handler: web.Handle(p.turnFree)})
	}
	if c.Ask != nil || c.Write != nil {
		ms = append(ms, web.Mounts{
			{Pattern: "GET /desk/cases/{id}/ask", Handler: web.Handle(p.showAsk)},
			{Pattern: "POST /desk/cases/{id}/ask", Handler: web.Handle(p.sendAsk)},
		}...)
	}
	return ms, nil
}

// resident is who is signed in as a resident; a clerk's own matters are not mixed
// with their work: they sign in for them as anybody else does.
func (p *pages) resident(r *http.Request) (access.Actor, error) {
	a, err := p.Actor(r, access.Substantial)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "casefileweb.resident", "casefileweb.residentsOnly")
	}
	return a, nil
}

// person is a resident, or who acts for one: whose matters they are is Actor.Person.
func (p *pages) person(r *http.Request) (access.Actor, error) {
	if p.Acting == nil {
		return p.resident(r)
	}
	a, err := p.Acting(r, access.Substantial)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "casefileweb.person", "casefileweb.residentsOnly")
	}
	return a, nil
}

func (p *pages) clerk(r *http.Request) (access.Actor, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Clerk {
		return access.Actor{}, fault.New(fault.Denied, "casefileweb.clerk", "casefileweb.clerksOnly")
	}
	return a, nil
}

// The purposes that these pages read for.
const (
	purposeOwn  = "own data"
	purposeWork = "case work"
)

// pathID is the id in the path; what is no id is not there.
func pathID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !ident.Valid(id) {
		return "", fault.New(fault.NotFound, "casefileweb.id", "")
	}
	return id, nil
}

// readCase reads a case as a clerk, with the applicant on record.
func (p *pages) readCase(ctx context.Context, a access.Actor, id string) (access.Grant, casefile.Case, error) {
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "case", Purpose: purposeWork, Case: id, Office: a.Office})
	if err != nil {
		return g, casefile.Case{}, err
	}
	c, err := p.Cases.Get(ctx, g, id)
	if err != nil {
		return g, casefile.Case{}, err
	}
	if c.Person == "" {
		return g, c, nil
	}
	return g, c, p.Access.Seen(ctx, g, []string{c.Person})
}

// serviceOf is the version of the service that the case began with.
func (p *pages) serviceOf(ctx context.Context, id, version string) (*service.Service, error) {
	return p.Services.Version(ctx, id, version)
}

// serviceTitle is the name of a service in its current version, or its id if it is gone.
func (p *pages) serviceTitle(loc *i18n.Localizer, id string) string {
	if s, ok := p.Services.Current(id); ok {
		return s.Title.For(loc.Lang())
	}
	return id
}

// place is a place in a list as it stands in an address.
func place(t time.Time, id string) string {
	return strconv.FormatInt(t.UnixMicro(), 36) + "_" + id
}

func readPlace(s string) (time.Time, string, bool) {
	us, id, ok := strings.Cut(s, "_")
	n, err := strconv.ParseInt(us, 36, 64)
	if !ok || err != nil || !ident.Valid(id) {
		return time.Time{}, "", false
	}
	return time.UnixMicro(n).UTC(), id, true
}

// trail leads back through the pages of a keyset list: the places of the pages
// before, in the address, at most maxTrail of them.
type trail []string

const maxTrail = 20

func readTrail(q url.Values) (trail, string) {
	after := q.Get("after")
	if _, _, ok := readPlace(after); !ok {
		return nil, ""
	}
	var t trail
	for _, s := range strings.Split(q.Get("trail"), "~") {
		if _, _, ok := readPlace(s); ok || s == "0" {
			t = append(t, s)
		}
	}
	return t[max(0, len(t)-maxTrail):], after
}

// pagination links the neighbours of a page; next is the place of its last row, or "".
func pagination(path string, q url.Values, next string) ui.Pagination {
	t, after := readTrail(q)
	link := func(after string, t trail) string {
		n := url.Values{}
		for k, v := range q {
			if k != "after" && k != "trail" {
				n[k] = v
			}
		}
		if after != "" && after != "0" {
			n.Set("after", after)
			if len(t) > 0 {
				n.Set("trail", strings.Join(t, "~"))
			}
		}
		if len(n) == 0 {
			return path
		}
		return path + "?" + n.Encode()
	}
	var out ui.Pagination
	if after != "" {
		out.First = link("", nil)
		if len(t) > 0 {
			out.Prev = link(t[len(t)-1], t[:len(t)-1])
		}
	}
	if next != "" {
		here := after
		if here == "" {
			here = "0"
		}
		grown := append(append(trail{}, t...), here)
		out.Next = link(next, grown[max(0, len(grown)-maxTrail):])
	}
	return out
}

// backPath is the list that a clerk came from and returns to.
func backPath(r *http.Request) string {
	back := web.LocalPath(r.FormValue("back"), "/desk")
	if back != "/desk" && !strings.HasPrefix(back, "/desk?") && !strings.HasPrefix(back, "/desk#") && !strings.HasPrefix(back, "/desk/") {
		return "/desk"
	}
	return back
}

func withBack(path, back string) string {
	if back == "/desk" {
		return path
	}
	return path + "?back=" + url.QueryEscape(back)
}

// anchor is the id of a row on its page.
func anchor(id string) string { return "t-" + id }

// local is an instant on the city's clock.
func (p *pages) local(t time.Time) time.Time { return t.In(p.Zone) }
