// SPDX-License-Identifier: EUPL-1.2

package mydataweb

import (
	"net/http"
	"net/url"

	"mercator/base/i18n"
	"mercator/web"
	"mercator/web/ui"
)

const consentsPage = 20

func (p *pages) showConsents(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	before := r.URL.Query().Get("before")
	list, err := p.Consents(r.Context(), a, loc.Lang(), before, consentsPage+1)
	if err != nil {
		return err
	}
	var pages ui.Pagination
	if before != "" {
		pages.First = "/my-data/consents"
	}
	if len(list) > consentsPage {
		list = list[:consentsPage]
		pages.Next = "/my-data/consents?" + url.Values{"before": {list[len(list)-1].ID}}.Encode()
	}
	return p.show(w, r, loc.T("mydataweb.consents"), true, page{Parts: append(p.consentParts(loc, list), pages)})
}

func (p *pages) consentParts(loc *i18n.Localizer, list []Consent) []ui.Component {
	if len(list) == 0 {
		return []ui.Component{ui.Text{Text: loc.T("mydataweb.noConsents")}}
	}
	out := []ui.Component{ui.Text{Text: loc.T("mydataweb.consentsText"), Muted: true}}
	for _, c := range list {
		rows := ui.SummaryList{Title: c.Service, Level: 3}
		for _, r := range c.Reads {
			rows.Rows = append(rows.Rows, ui.SummaryRow{Key: loc.T("mydataweb.mayRead"), Value: r})
		}
		rows.Rows = append(rows.Rows, ui.SummaryRow{Key: loc.T("mydataweb.given"), Value: loc.DateTime(p.local(c.Given))})
		if c.By != "" {
			rows.Rows = append(rows.Rows, ui.SummaryRow{Key: loc.T("mydataweb.givenBy"), Value: loc.T("mydataweb.inYourName", "name", c.By)})
		}
		if c.CaseID != "" {
			rows.Rows = append(rows.Rows, ui.SummaryRow{Key: loc.T("mydataweb.case"), Item: ui.Link{Text: loc.T("mydataweb.toCase"), Href: "/cases/" + c.CaseID}})
		}
		if !c.WithdrawnAt.IsZero() {
			rows.Rows = append(rows.Rows, ui.SummaryRow{Key: loc.T("mydataweb.withdrawnAt"), Value: loc.DateTime(p.local(c.WithdrawnAt))})
			out = append(out, rows)
			continue
		}
		out = append(out, rows, ui.Form{Action: "/my-data/consents/" + c.ID, Buttons: []ui.Button{{Text: loc.T("mydataweb.withdraw"), Hidden: c.Service, Kind: "secondary"}}})
	}
	return out
}

func (p *pages) withdraw(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	if err := p.Withdraw(r.Context(), a, r.PathValue("id")); err != nil {
		return err
	}
	web.SeeOther(w, "/my-data/consents")
	return nil
}
