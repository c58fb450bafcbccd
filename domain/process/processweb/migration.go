// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"net/http"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/domain/service"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/ui"
)

func sorted(list []string) []string { slices.Sort(list); return list }

// maxVersions bounds the versions that are compared on one page.
const maxVersions = 5

// mapped is the beginning of the names of the fields that map an element.
const mapped = "map."

// target is the version of a service that is in force.
func (p *pages) target(id string) (*service.Service, error) {
	s, ok := p.Services.Current(id)
	if !ok {
		return nil, fault.New(fault.NotFound, "processweb.target", "")
	}
	return s, nil
}

func planOf(s *service.Service) process.MigrationPlan {
	return process.MigrationPlan{Service: s.ID, To: s.Process, ToVersion: s.Version, ToProcess: s.ProcessID, Called: s.Called}
}

func (p *pages) plan(w http.ResponseWriter, r *http.Request) error {
	return p.planning(w, r, http.StatusOK, r.URL.Query().Get("service"), process.MigrationPlan{})
}

// planning is the form of a plan: what is different, and what becomes of what is gone.
func (p *pages) planning(w http.ResponseWriter, r *http.Request, status int, id string, typed process.MigrationPlan, first ...ui.Component) error {
	s, err := p.target(id)
	if err != nil {
		return err
	}
	g, err := p.permit(r, access.Read, "process", process.Ref{Service: s.ID})
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	running, err := p.Engine.VersionsRunning(ctx, g, s.ID)
	if err != nil {
		return err
	}
	to, ok := s.Process.Process(s.ProcessID)
	if !ok {
		return fault.New(fault.NotFound, "processweb.planning", "")
	}
	plan := planOf(s)
	items := append(first, ui.Text{Text: loc.T("processweb.planIntro")})
	versions := []ui.Option{}
	var gone []bpmn.Difference
	for _, v := range running {
		if v.Version == s.Version {
			continue
		}
		if !slices.ContainsFunc(versions, func(o ui.Option) bool { return o.Value == v.Version }) {
			versions = append(versions, ui.Option{Value: v.Version, Label: loc.T("processweb.versionN", "version", short(v.Version), "n", v.N)})
		}
		if len(versions) > maxVersions {
			continue
		}
		diff, err := p.Engine.Compare(ctx, g, v, plan)
		if err != nil {
			return err
		}
		t := ui.Table{Caption: loc.T("processweb.diff", "version", short(v.Version)), Empty: loc.T("processweb.noDiff"), Columns: []ui.Column{
			{Label: loc.T("processweb.element")}, {Label: loc.T("processweb.difference")}}}
		for _, d := range diff {
			c := ui.Cell{Text: loc.T("processweb.diffs.changed", "fields", fieldNames(loc, d.Fields))}
			switch {
			case d.Element == "":
				c = ui.Cell{Text: loc.T("processweb.diffs.new")}
			case d.Rule != "":
				c = ui.Cell{Text: loc.T("process.migrate."+d.Rule, "element", d.Element, "to", d.To)}
				if !slices.ContainsFunc(gone, func(x bpmn.Difference) bool { return x.Element == d.Element }) {
					gone = append(gone, d)
				}
			}
			name := d.Name
			if id := firstOf(d.Element, d.To); id != name {
				name += " (" + id + ")"
			}
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: name}, c}})
		}
		items = append(items, t)
	}
	f := ui.Form{Action: "/desk/migrations/new", Items: []ui.Component{ui.Hidden{Name: "service", Value: s.ID},
		ui.Select{Field: ui.Field{Name: "version", Label: loc.T("processweb.which"), Optional: true}, Value: typed.Version, Options: versions, Empty: loc.T("processweb.every")}}}
	for _, d := range gone {
		var same []ui.Option
		for _, el := range to.Elements {
			if el.Kind == d.Kind {
				same = append(same, ui.Option{Value: el.ID, Label: label(to, el.ID)})
			}
		}
		if len(same) > 0 {
			f.Items = append(f.Items, ui.Select{Field: ui.Field{Name: mapped + d.Element, Label: loc.T("processweb.becomes", "element", d.Name), Optional: true},
				Value: typed.Map[d.Element], Options: same, Empty: loc.T("processweb.stays")})
		}
	}
	f.Items = append(f.Items,
		ui.Checkbox{Field: ui.Field{Name: "rearm", Label: loc.T("processweb.rearm"), Hint: loc.T("processweb.rearmHint"), Optional: true}, Checked: typed.Rearm},
		ui.Input{Field: ui.Field{Name: "reason", Label: loc.T("processweb.reason"), Hint: loc.T("processweb.reasonHint")}, Value: typed.Reason, MaxLength: 500})
	f.Buttons = []ui.Button{{Text: loc.T("processweb.rehearse")}}
	items = append(items, ui.Heading{Text: loc.T("processweb.planTitle")}, f)
	return p.render(w, r, status, loc.T("processweb.migrateTitle", "service", s.Title.For(loc.Lang())),
		desk().WithBack(loc.T("processweb.back"), "/desk/processes").WithErrors(status >= 400), items...)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func fieldNames(loc *i18n.Localizer, list []string) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = loc.T("processweb.field." + f)
	}
	return strings.Join(out, ", ")
}

func (p *pages) rehearse(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	s, err := p.target(in.Get("service"))
	if err != nil {
		return err
	}
	g, err := p.permit(r, access.Change, "process", process.Ref{Service: s.ID})
	if err != nil {
		return err
	}
	plan := planOf(s)
	plan.Version, plan.Reason, plan.Rearm = in.Get("version"), strings.TrimSpace(in.Get("reason")), in.Get("rearm") != ""
	plan.Map = map[string]string{}
	for name := range in {
		if from, ok := strings.CutPrefix(name, mapped); ok && in.Get(name) != "" {
			plan.Map[from] = in.Get(name)
		}
	}
	m, err := p.Engine.Rehearse(r.Context(), g, plan)
	if text, status, ok := said(web.Localizer(r), err); ok {
		return p.planning(w, r, status, s.ID, plan, alert(text))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, "/desk/migrations/"+m.ID)
	return nil
}

// migration shows what a rehearsal has found, how far the run is and what became of it.
func (p *pages) migration(w http.ResponseWriter, r *http.Request) error {
	return p.report(w, r, http.StatusOK)
}

func (p *pages) report(w http.ResponseWriter, r *http.Request, status int, first ...ui.Component) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	g, err := p.permit(r, access.Read, "process", process.Ref{})
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	m, err := p.Engine.MigrationOf(ctx, g, id)
	if err != nil {
		return err
	}
	to, _ := m.To.Process(m.ToProcess)
	items := first
	rows := []ui.SummaryRow{
		{Key: loc.T("processweb.state.label"), Item: badge(loc, m.State)},
		{Key: loc.T("processweb.version"), Value: loc.T("processweb.fromTo", "from", firstOf(short(m.Version), loc.T("processweb.every")), "to", short(m.ToVersion))},
		{Key: loc.T("processweb.reason"), Value: m.Reason}, {Key: loc.T("processweb.by"), Value: m.By},
		{Key: loc.T("processweb.seen"), Value: loc.Number(int64(m.Seen))},
	}
	if m.State != process.Rehearsing && m.State != process.Rehearsed {
		rows = append(rows, ui.SummaryRow{Key: loc.T("processweb.migrated"), Value: loc.Number(int64(m.Done))})
	}
	rows = append(rows, ui.SummaryRow{Key: loc.T("processweb.problems"), Value: loc.Number(int64(m.Problems))})
	if m.State == process.Undoing || m.State == process.Undone {
		rows = append(rows, ui.SummaryRow{Key: loc.T("processweb.undone"), Value: loc.Number(int64(m.Undone))})
	}
	items = append(items, ui.SummaryList{Title: loc.T("processweb.progress"), Rows: rows})
	button := func(act, kind string, danger bool) {
		items = append(items, ui.Form{Action: "/desk/migrations/" + m.ID + "/" + act, Buttons: []ui.Button{{Text: loc.T("processweb.act." + act), Kind: kind, Danger: danger}}})
	}
	switch m.State {
	case process.Rehearsed:
		if m.Seen > m.Problems {
			button("run", "", true)
		}
	case process.Migrating:
		button("stop", "secondary", false)
	case process.Migrated:
		if m.Done > 0 {
			button("undo", "secondary", true)
		}
	}
	if m.State == process.Rehearsing || m.State == process.Migrating || m.State == process.Undoing {
		items = append(items, ui.Alert{Tone: ui.Info, Title: loc.T("processweb.goesOn"), Links: []ui.Link{{Text: loc.T("processweb.reload"), Href: "/desk/migrations/" + m.ID}}})
	}
	items = append(items, ui.Heading{Text: loc.T("processweb.report")}, p.groups(loc, to, m))
	if m.Report.More > 0 {
		items = append(items, ui.Text{Text: loc.T("processweb.moreGroups", "n", m.Report.More), Muted: true})
	}
	for _, state := range []string{"problem", "kept"} {
		list, err := p.Engine.MigratedInstances(ctx, g, m.ID, state, "", 50)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			continue
		}
		t := ui.Table{Caption: loc.T("processweb.became." + state), Columns: []ui.Column{{Label: loc.T("processweb.oneProcess")}, {Label: loc.T("processweb.why")}}}
		for _, x := range list {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: x.Instance, Href: "/desk/processes/" + x.Instance}, {Item: ui.List{Items: problems(loc, x.Problems)}}}})
		}
		items = append(items, t)
	}
	return p.render(w, r, status, loc.T("processweb.migrateTitle", "service", p.title(loc, m.Service)), desk().WithBack(loc.T("processweb.back"), "/desk/processes").WithErrors(status >= 400), items...)
}

func problems(loc *i18n.Localizer, list []bpmn.Problem) []string {
	var out []string
	for _, x := range list {
		out = append(out, loc.T("process.migrate."+x.Rule, "element", x.Element, "to", x.To))
	}
	return out
}

// groups are instances that would become the same in the same way.
func (p *pages) groups(loc *i18n.Localizer, to *bpmn.Process, m process.Migration) ui.Component {
	t := ui.Table{Caption: loc.T("processweb.groups"), CaptionHidden: true, Empty: loc.T("processweb.noGroups"), Columns: []ui.Column{
		{Label: loc.T("processweb.before")}, {Label: loc.T("processweb.count"), Numeric: true}, {Label: loc.T("processweb.becomesHead")}, {Label: loc.T("processweb.changes")}, {Label: loc.T("processweb.samples")}}}
	for _, g := range m.Report.Groups {
		became := ui.Cell{Text: labels(to, g.After), Badge: ui.Badge{Tone: ui.Success, Text: loc.T("processweb.goes")}}
		if len(g.Problems) > 0 {
			became = ui.Cell{Badge: ui.Badge{Tone: ui.Warning, Text: loc.T("processweb.doesntGo")}, Item: ui.List{Items: problems(loc, g.Problems)}}
		}
		var changes []string
		for _, c := range g.Changes {
			changes = append(changes, loc.T("processweb.change."+c.What, "element", label(to, c.Element), "old", c.Old, "new", c.New, "fields", fieldNames(loc, strings.Fields(c.Old)), "n", c.N))
		}
		if g.Moves {
			changes = append(changes, loc.T("processweb.moves"))
		}
		cell := ui.Cell{Text: "–"}
		if len(changes) > 0 {
			cell = ui.Cell{Item: ui.List{Items: changes}}
		}
		links := ui.Links{Label: loc.T("processweb.samples")}
		for i, id := range g.Samples {
			links.Items = append(links.Items, ui.Link{Text: loc.T("processweb.sample", "n", i+1), Href: "/desk/processes/" + id})
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: labels(to, g.Before), Sub: short(g.Version)}, {Text: loc.Number(int64(g.N))}, became, cell, {Item: links}}})
	}
	return t
}

// turn runs, stops or undoes a migration.
func (p *pages) turn(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.Form(r); err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	do := map[string]func() error{}
	g, err := p.permit(r, access.Change, "process", process.Ref{})
	if err != nil {
		return err
	}
	ctx := r.Context()
	do["run"] = func() error { return p.Engine.RunMigration(ctx, g, id) }
	do["stop"] = func() error { return p.Engine.StopMigration(ctx, g, id) }
	do["undo"] = func() error { return p.Engine.UndoMigration(ctx, g, id) }
	act := do[r.PathValue("act")]
	if act == nil {
		return fault.New(fault.NotFound, "processweb.turn", "")
	}
	err = act()
	if text, status, ok := said(web.Localizer(r), err); ok {
		return p.report(w, r, status, alert(text))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, "/desk/migrations/"+id)
	return nil
}
