// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/domain/service"
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
	DB        *store.DB
	Engine    *process.Engine
	Services  *service.Catalog
	Access    *access.Checker
	Zone      *time.Location // nil: UTC
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Find is the instance of a file number, or "".
	Find func(ctx context.Context, ref string) (string, error)
	// Owner is the person whose case it is: an operator doesn't change their own matter.
	Owner func(ctx context.Context, caseID string) (string, error)
	Now   func() time.Time // nil: the clock
}

type pages struct {
	Config
	view *web.View[page]
}

// page is a heading and what stands below it.
type page struct{ Items []ui.Component }

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.DB == nil || c.Engine == nil || c.Services == nil || c.Access == nil || c.Actor == nil {
		return nil, errors.New("processweb: templates, database, engine, services, access and actor are needed")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	view, err := web.NewView[page](c.Templates, templateFS, "templates/page.html")
	if err != nil {
		return nil, err
	}
	p := &pages{c, view}
	return web.Mounts{
		{Pattern: "GET /desk/processes", Handler: web.Handle(p.home)},
		{Pattern: "GET /desk/processes/services/{service}/heat", Handler: web.Handle(p.heat)},
		{Pattern: "GET /desk/models/{hash}", Handler: web.Handle(p.model)},
		{Pattern: "GET /desk/processes/{id}", Handler: web.Handle(p.show)},
		{Pattern: "POST /desk/processes/{id}", Handler: web.Handle(p.change)},
		{Pattern: "GET /desk/replays", Handler: web.Handle(p.replays)},
		{Pattern: "GET /desk/replays/{service}", Handler: web.Handle(p.replayForm)},
		{Pattern: "POST /desk/replays/{service}", Handler: web.Handle(p.runReplay), MaxBody: maxDraft + 1<<20, Timeout: 2 * replayTime},
		{Pattern: "GET /desk/migrations/new", Handler: web.Handle(p.plan)},
		{Pattern: "POST /desk/migrations/new", Handler: web.Handle(p.rehearse)},
		{Pattern: "GET /desk/migrations/{id}", Handler: web.Handle(p.migration)},
		{Pattern: "POST /desk/migrations/{id}/{act}", Handler: web.Handle(p.turn)},
	}, nil
}

const purpose = "operations"

func (p *pages) permit(r *http.Request, action, resource string, ref process.Ref) (access.Grant, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return access.Grant{}, err
	}
	if a.Kind != access.Clerk {
		return access.Grant{}, fault.New(fault.Denied, "processweb.operator", "")
	}
	owner := ""
	if ref.CaseID != "" && p.Owner != nil {
		if owner, err = p.Owner(r.Context(), ref.CaseID); err != nil && !fault.Is(err, fault.NotFound) {
			return access.Grant{}, err
		}
	}
	return p.Access.Permit(r.Context(), access.Request{Actor: a, Action: action, Resource: resource, Purpose: purpose, Service: ref.Service, Case: ref.CaseID, Owner: owner})
}

func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, title string, shell web.Shell, items ...ui.Component) error {
	return p.view.Render(w, r, status, web.Page[page]{Title: title, Shell: shell, Data: page{items}})
}

func desk() web.Shell { return web.Desk("processes") }

func pathID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !ident.Valid(id) {
		return "", fault.New(fault.NotFound, "processweb.id", "")
	}
	return id, nil
}

// said is a refusal in the reader's words, and the status that goes with it; anything
// else stays an error.
func said(loc *i18n.Localizer, err error) (string, int, bool) {
	key, args := fault.Message(err)
	switch fault.KindOf(err) {
	case fault.Invalid:
		return loc.T(key, args...), http.StatusUnprocessableEntity, loc.Has(key)
	case fault.Conflict:
		return loc.T(key, args...), http.StatusConflict, loc.Has(key)
	}
	return "", 0, false
}

func alert(text string) ui.Component {
	return ui.ErrorSummary{Items: []ui.FieldError{{Text: text, Href: "#main"}}}
}

// title is the name of a service, or its id if it is gone.
func (p *pages) title(loc *i18n.Localizer, id string) string {
	if s, ok := p.Services.Current(id); ok {
		return s.Title.For(loc.Lang())
	}
	return id
}

// label names an element for people who know the diagram.
func label(proc *bpmn.Process, id string) string {
	if proc != nil {
		if el := proc.Element(id); el != nil && el.Name != "" {
			return el.Name + " (" + id + ")"
		}
	}
	return id
}

func labels(proc *bpmn.Process, ids []string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = label(proc, id)
	}
	return strings.Join(out, ", ")
}

// short is a hash as people compare it.
func short(s string) string { return s[:min(len(s), 12)] }

// home leads to an instance, to the services and to the migrations.
func (p *pages) home(w http.ResponseWriter, r *http.Request) error {
	g, err := p.permit(r, access.Read, "process", process.Ref{})
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	items := []ui.Component{}
	if q != "" && len(q) <= 100 {
		id := ""
		if ident.Valid(q) {
			if _, err := p.Engine.CaseOf(ctx, q); err == nil {
				id = q
			}
		}
		if id == "" && p.Find != nil {
			if id, err = p.Find(ctx, q); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if id != "" {
			web.SeeOther(w, "/desk/processes/"+id)
			return nil
		}
		items = append(items, ui.Alert{Tone: ui.Warning, Title: loc.T("processweb.notFound", "text", q), Live: true})
	}
	items = append(items, ui.Search{Action: "/desk/processes", Label: loc.T("processweb.search"), Hint: loc.T("processweb.searchHint"), Value: q})
	services := ui.Table{Caption: loc.T("processweb.services"), Empty: loc.T("processweb.noServices"), Columns: []ui.Column{
		{Label: loc.T("processweb.service")}, {Label: loc.T("processweb.running"), Numeric: true}, {Label: loc.T("processweb.older"), Numeric: true}, {Label: loc.T("processweb.action")}}}
	for _, s := range p.Services.All() {
		list, err := p.Engine.VersionsRunning(ctx, g, s.ID)
		if err != nil {
			return err
		}
		all, older := 0, 0
		for _, v := range list {
			all += v.N
			if v.Version != s.Version {
				older += v.N
			}
		}
		row := ui.Row{Cells: []ui.Cell{{Text: s.Title.For(loc.Lang()), Href: "/desk/processes/services/" + s.ID + "/heat"}, {Text: loc.Number(int64(all))}, {Text: loc.Number(int64(older))}, {Text: "–"}}}
		if older > 0 {
			row.Cells[3] = ui.Cell{Text: loc.T("processweb.migrate"), Href: "/desk/migrations/new?service=" + s.ID}
		}
		services.Rows = append(services.Rows, row)
	}
	items = append(items, services)
	list, err := p.Engine.Migrations(ctx, g, "", 20)
	if err != nil {
		return err
	}
	table := ui.Table{Caption: loc.T("processweb.migrations"), Empty: loc.T("processweb.noMigrations"), Columns: []ui.Column{
		{Label: loc.T("processweb.when")}, {Label: loc.T("processweb.service")}, {Label: loc.T("processweb.state.label")}, {Label: loc.T("processweb.by")}}}
	for _, m := range list {
		table.Rows = append(table.Rows, ui.Row{ID: m.ID, Cells: []ui.Cell{{Text: loc.DateTime(m.Created.In(p.Zone)), Href: "/desk/migrations/" + m.ID},
			{Text: p.title(loc, m.Service)}, {Badge: badge(loc, m.State)}, {Text: m.By}}})
	}
	return p.render(w, r, http.StatusOK, loc.T("processweb.title"), desk(), append(items, table)...)
}

func badge(loc *i18n.Localizer, s process.MigrationState) ui.Badge {
	tone := ui.Info
	if s == process.Migrated {
		tone = ui.Success
	}
	return ui.Badge{Tone: tone, Text: loc.T("processweb.state." + string(s))}
}
