// SPDX-License-Identifier: EUPL-1.2

package incidentweb

import (
	"net/http"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/web"
	"mercator/web/ui"
)

// externalPage is the work that programs outside do, by type.
type externalPage struct {
	Alone []ui.Component // types that nobody has ever come for
	Table ui.Table
}

func (p *pages) showExternal(w http.ResponseWriter, r *http.Request) error {
	g, err := p.permit(r, access.List)
	if err != nil {
		return err
	}
	list, err := p.Processes.ExternalTypes(r.Context(), g)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	data := externalPage{Table: ui.Table{Caption: loc.T("incidentweb.external.title"), CaptionHidden: true, Empty: loc.T("incidentweb.external.none"), Columns: []ui.Column{
		{Label: loc.T("incidentweb.external.type")}, {Label: loc.T("incidentweb.external.waiting"), Numeric: true}, {Label: loc.T("incidentweb.external.oldest")},
		{Label: loc.T("incidentweb.external.locked")}, {Label: loc.T("incidentweb.external.failed"), Numeric: true}, {Label: loc.T("incidentweb.external.clients")}}}}
	for _, x := range list {
		if len(x.Clients) == 0 {
			data.Alone = append(data.Alone, ui.Alert{Tone: ui.Warning, Title: loc.T("incidentweb.external.alone", "type", x.Type), Text: loc.T("incidentweb.external.aloneText", "scope", "job:"+x.Type)})
		}
		number := func(n int) ui.Cell {
			if x.More && n >= process.WorkCountLimit {
				return ui.Cell{Text: loc.T("incidentweb.moreThan", "count", loc.Number(int64(process.WorkCountLimit)))}
			}
			return ui.Cell{Text: loc.Number(int64(n))}
		}
		oldest, locked, clients := ui.Cell{Text: "–"}, number(x.Locked), ui.Cell{Text: loc.T("incidentweb.external.nobody")}
		if !x.Oldest.IsZero() {
			oldest.Text = p.at(loc, x.Oldest)
		}
		if len(x.Holders) > 0 {
			locked = ui.Cell{Item: ui.List{Items: holders(loc, x)}}
		}
		if len(x.Clients) > 0 {
			var lines []string
			for _, c := range x.Clients {
				key := "incidentweb.external.client"
				if c.Office != "" {
					key = "incidentweb.external.clientOf"
				}
				lines = append(lines, loc.T(key, "client", c.Client, "office", c.Office, "when", p.at(loc, c.Seen)))
			}
			clients = ui.Cell{Item: ui.List{Items: lines}}
		}
		data.Table.Rows = append(data.Table.Rows, ui.Row{Cells: []ui.Cell{{Text: x.Type}, number(x.Waiting), oldest, locked, number(x.Failed), clients}})
	}
	return p.external.Render(w, r, http.StatusOK, web.Page[externalPage]{Title: loc.T("incidentweb.external.title"), Shell: web.Desk("external"), Data: data})
}

// holders says who has how much of a type now.
func holders(loc *i18n.Localizer, x process.ExternalType) []string {
	var out []string
	for _, h := range x.Holders[:min(len(x.Holders), 20)] {
		out = append(out, loc.T("incidentweb.external.holder", "client", h.Client, "count", loc.Number(int64(h.N))))
	}
	return out
}
