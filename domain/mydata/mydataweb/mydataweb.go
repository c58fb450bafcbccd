// SPDX-License-Identifier: EUPL-1.2

package mydataweb

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/pdf"
	"mercator/domain/mydata"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// Register is how a register is called, and its fields.
type Register struct {
	Title  string
	Fields map[string]string
}

// Case is a case of the person's own.
type Case struct{ Ref, Service string }

// Consent is something that the person has agreed to.
type Consent struct {
	ID, Service        string // Service: its title
	Reads              []string
	CaseID             string
	Given, WithdrawnAt time.Time
	By                 string // who gave it in the person's name; empty: the person
}

// Service is a service that a page leads to.
type Service struct{ ID, Title, Summary string }

// Version is what a record was, or is.
type Version struct {
	From, To, Known time.Time
	Reason          string
	Case            string
	Ended           bool
	Facts           []mydata.Fact
}

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Access    *access.Checker
	Renderer  *pdf.Renderer
	Holders   []mydata.Holder
	Now       func() time.Time
	Zone      *time.Location
	City      string
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Acting is the same for pages that serve who uses a person's rights for them, too (identity.RequireActing).
	Acting   func(r *http.Request, least access.Level) (access.Actor, error)
	Office   func(id string) i18n.Text
	Register func(id, lang string) (Register, bool)
	// Offices and Registers are what the list of reads can be narrowed to.
	Offices   []string
	Registers func() []string
	// Service is the title of a service, or "".
	Service func(id, lang string) string
	// Case is a case if it is that person's.
	Case func(ctx context.Context, person, id, lang string) (Case, bool, error)
	// History are the versions of a record of the person who asks.
	History func(ctx context.Context, a access.Actor, register, id, lang string) ([]Version, error)
	// Rights are the services by which somebody uses their rights and that need no entry or record to begin with.
	Rights func(lang string) []Service
	// About is the service that is about an "entry", a "field" or a "record"; not ok: there is none.
	About func(kind, lang string) (Service, bool)
	// BeginEntry, BeginField and BeginRecord begin an application about one, and say where it goes on.
	BeginEntry  func(ctx context.Context, a access.Actor, e audit.Entry, told string) (string, error)
	BeginField  func(ctx context.Context, a access.Actor, register, id, field, lang string) (string, error)
	BeginRecord func(ctx context.Context, a access.Actor, register, id, lang string) (string, error)
	Consents    func(ctx context.Context, a access.Actor, lang, before string, n int) ([]Consent, error)
	Withdraw    func(ctx context.Context, a access.Actor, id string) error
	// Proof is the address of a person's entries of the ledger with their proofs.
	Proof string
}

type pages struct {
	Config
	view *web.View[web.Sheet]
}

// page is what all pages of this room show: parts one below the other.
type page struct {
	Intro string
	Parts []ui.Component
}

func (d page) sheet() web.Sheet {
	s := web.Sheet{Sections: []web.Section{{Items: d.Parts}}}
	if d.Intro != "" {
		s.Intro = []string{d.Intro}
	}
	return s
}

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Access == nil || c.Actor == nil || c.Acting == nil || c.Renderer == nil || c.Office == nil || c.Register == nil || c.Service == nil ||
		c.Case == nil || c.History == nil || c.Rights == nil || c.About == nil || c.BeginEntry == nil || c.BeginField == nil || c.BeginRecord == nil || c.Consents == nil || c.Withdraw == nil {
		return nil, errors.New("mydataweb: something of the configuration is missing")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	p := &pages{Config: c}
	var err error
	if p.view, err = web.NewSheet(c.Templates); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /my-data", Handler: web.Handle(p.showHome)},
		{Pattern: "GET /my-data/held/{holder}", Handler: web.Handle(p.showHolder)},
		{Pattern: "GET /my-data/registers/{register}/{id}", Handler: web.Handle(p.showHistory)},
		{Pattern: "POST /my-data/registers/{register}/{id}", Handler: web.Handle(p.begin)},
		{Pattern: "GET /my-data/reads", Handler: web.Handle(p.showReads)},
		{Pattern: "GET /my-data/reads/{id}", Handler: web.Handle(p.showEntry)},
		{Pattern: "POST /my-data/reads/{id}", Handler: web.Handle(p.askWhy)},
		{Pattern: "GET /my-data/consents", Handler: web.Handle(p.showConsents)},
		{Pattern: "POST /my-data/consents/{id}", Handler: web.Handle(p.withdraw)},
		{Pattern: "GET /my-data/copy.json", Handler: web.Handle(p.copyJSON(false))},
		{Pattern: "GET /my-data/copy.pdf", Handler: web.Handle(p.copyPDF)},
		{Pattern: "GET /my-data/given.json", Handler: web.Handle(p.copyJSON(true))},
		{Pattern: "GET /my-data/given.csv", Handler: web.Handle(p.copyCSV)},
	}, nil
}

// resident is who looks at their own data: two factors are asked for, and clerks sign in
// for it as residents.
func (p *pages) resident(r *http.Request) (access.Actor, error) { return p.who(r, p.Actor) }

// represented is resident, or who uses their rights for them: the policies say what of it they are shown.
func (p *pages) represented(r *http.Request) (access.Actor, error) { return p.who(r, p.Acting) }

func (p *pages) who(r *http.Request, ask func(*http.Request, access.Level) (access.Actor, error)) (access.Actor, error) {
	a, err := ask(r, access.Substantial)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "mydataweb.resident", "mydataweb.residentsOnly")
	}
	return a, nil
}

func (p *pages) local(t time.Time) time.Time { return t.In(p.Zone) }

func (p *pages) show(w http.ResponseWriter, r *http.Request, title string, up bool, data page) error {
	shell := web.Portal("my-data")
	if up {
		shell = shell.WithBack(web.Localizer(r).T("mydataweb.title"), "/my-data")
	}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: title, Shell: shell, Data: data.sheet()})
}
