// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"html/template"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/ui"
)

// heat shows where the time of a service's process goes: the diagram, shaded, and the
// same as a table.
func (p *pages) heat(w http.ResponseWriter, r *http.Request) error {
	g, err := p.permit(r, access.Read, "process", process.Ref{Service: r.PathValue("service")})
	if err != nil {
		return err
	}
	ctx, loc, id := r.Context(), web.Localizer(r), r.PathValue("service")
	models, err := p.Engine.Models(ctx, g, id)
	if err != nil {
		return err
	}
	if len(models) == 0 {
		return fault.New(fault.NotFound, "processweb.heat", "")
	}
	m := models[0]
	for _, x := range models {
		if x.Hash == r.URL.Query().Get("model") {
			m = x
		}
	}
	h, err := p.Engine.Heat(ctx, g, id, m)
	if err != nil {
		return err
	}
	var longest time.Duration
	for _, e := range h.Elements {
		longest = max(longest, e.Median)
	}
	marks := map[string]bpmn.Mark{}
	table := ui.Table{Caption: loc.T("processweb.heat.table"), Columns: []ui.Column{{Label: loc.T("processweb.heat.element")}, {Label: loc.T("processweb.heat.now"), Numeric: true},
		{Label: loc.T("processweb.heat.done"), Numeric: true}, {Label: loc.T("processweb.heat.cancelled"), Numeric: true}, {Label: loc.T("processweb.heat.median"), Numeric: true},
		{Label: loc.T("processweb.heat.p90"), Numeric: true}, {Label: loc.T("processweb.heat.longest"), Numeric: true}}}
	stats := map[string]process.ElementTime{}
	for _, e := range h.Elements {
		stats[e.Element] = e
		text := loc.Number(int64(e.Done + e.Cancelled))
		if e.Median >= time.Second {
			text += " · " + span(loc, e.Median)
		}
		if e.Now > 0 {
			text += " · " + loc.T("processweb.heat.here", "n", e.Now)
		}
		marks[e.Element] = bpmn.Mark{Level: level(e.Median, longest), Text: text}
	}
	// In the order in which the process is walked.
	for _, line := range bpmn.Outline(h.Process, nil, nil) {
		e, ok := stats[line.Element]
		if !ok {
			continue
		}
		table.Rows = append(table.Rows, ui.Row{Cells: []ui.Cell{{Text: line.Name}, {Text: loc.Number(int64(e.Now))}, {Text: loc.Number(int64(e.Done))}, {Text: loc.Number(int64(e.Cancelled))},
			{Text: span(loc, e.Median)}, {Text: span(loc, e.P90)}, {Text: span(loc, e.Longest)}}})
	}
	versions := ui.Table{Caption: loc.T("processweb.heat.versions"), Columns: []ui.Column{{Label: loc.T("processweb.heat.version")}, {Label: loc.T("processweb.heat.last")}}}
	for _, x := range models {
		versions.Rows = append(versions.Rows, ui.Row{Cells: []ui.Cell{{Text: short(x.Version) + " · " + short(x.Hash), Href: "/desk/processes/services/" + id + "/heat?model=" + x.Hash}, {Text: loc.DateTime(x.Last.In(p.Zone))}}})
	}
	svg := bpmn.SVG(h.Defs, m.Process, bpmn.Drawing{Marks: marks, Desc: loc.T("processweb.heat.desc")})
	return p.render(w, r, http.StatusOK, loc.T("processweb.heat.title", "service", p.title(loc, id)), desk(),
		ui.Text{Text: loc.T("processweb.heat.intro", "n", h.Cases)},
		// The engine's own drawing: every text in it is escaped.
		ui.Figure{SVG: template.HTML(svg), Title: loc.T("processweb.heat.figure"), Caption: loc.T("processweb.heat.legend"), Text: loc.T("processweb.heat.seeTable")},
		table, versions, ui.Links{Items: []ui.Link{{Text: loc.T("processweb.replay.title"), Href: "/desk/replays/" + id}}})
}

// level is how dark an element is shaded: by its part of the longest median.
func level(d, longest time.Duration) int {
	if d < time.Second || longest == 0 {
		return 0
	}
	return 1 + int(3*float64(d)/float64(longest)+0.5)
}

// span is a duration as people say it, to two units.
func span(loc *i18n.Localizer, d time.Duration) string {
	switch {
	case d < time.Second:
		return loc.T("processweb.heat.lessThanSecond")
	case d < time.Minute:
		return loc.T("processweb.heat.seconds", "n", int(d/time.Second))
	case d < time.Hour:
		return loc.T("processweb.heat.minutes", "n", int(d/time.Minute))
	case d < 24*time.Hour:
		return loc.T("processweb.heat.hours", "h", int(d/time.Hour), "m", int(d%time.Hour/time.Minute))
	}
	return loc.T("processweb.heat.days", "d", int(d/(24*time.Hour)), "h", int(d%(24*time.Hour)/time.Hour))
}
