// SPDX-License-Identifier: EUPL-1.2

package mydataweb

import (
	"encoding/json"
	"net/http"

	"mercator/base/fault"
	"mercator/core/pdf"
	"mercator/domain/mydata"
	"mercator/web"
)

// collect makes the copy anew: it is kept nowhere.
func (p *pages) collect(r *http.Request, given bool) (mydata.Copy, error) {
	a, err := p.represented(r)
	if err != nil {
		return mydata.Copy{}, err
	}
	return mydata.Collect(r.Context(), p.Holders, a, web.Localizer(r).Lang(), p.Now(), given)
}

func send(w http.ResponseWriter, kind, name string, data []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write(data)
	return err
}

func (p *pages) copyJSON(given bool) func(http.ResponseWriter, *http.Request) error {
	name := "my-data.json"
	if given {
		name = "my-data-given.json"
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := p.collect(r, given)
		if err != nil {
			return err
		}
		b, err := json.MarshalIndent(c.JSON(), "", " ")
		if err != nil {
			return fault.Wrap("mydataweb.copyJSON", err)
		}
		return send(w, "application/json", name, b)
	}
}

func (p *pages) copyCSV(w http.ResponseWriter, r *http.Request) error {
	c, err := p.collect(r, true)
	if err != nil {
		return err
	}
	b, err := c.CSV()
	if err != nil {
		return err
	}
	return send(w, "text/csv; charset=utf-8", "my-data-given.csv", b)
}

func (p *pages) copyPDF(w http.ResponseWriter, r *http.Request) error {
	c, err := p.collect(r, false)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	doc := pdf.Sheet{Lang: loc.Lang(), Title: loc.T("mydataweb.copyTitle"), Created: c.Made, Sender: pdf.Sender{Name: p.City},
		PageOf: loc.T("mydataweb.pageOf", "page", "{page}", "pages", "{pages}"), Note: loc.T("mydataweb.copyNote"),
		Facts: []pdf.Pair{{Label: loc.T("mydataweb.person"), Value: c.Person}, {Label: loc.T("mydataweb.made"), Value: loc.DateTime(p.local(c.Made))}}}
	if doc.Lang == "de-simple" {
		doc.Lang = "de"
	}
	for _, h := range c.Holders {
		head := pdf.SheetPart{Title: h.About.Title}
		pair := func(s *pdf.SheetPart, label, value string) {
			if value != "" {
				s.Facts = append(s.Facts, pdf.Pair{Label: label, Value: value})
			}
		}
		pair(&head, loc.T("mydataweb.purpose"), h.About.Purpose)
		pair(&head, loc.T("mydataweb.basis"), h.Holder.Basis)
		pair(&head, loc.T("mydataweb.retention"), h.About.Retention)
		doc.Parts = append(doc.Parts, head)
		for _, it := range h.Items {
			s := pdf.SheetPart{Title: it.Title}
			for _, f := range it.Facts {
				value := p.value(loc, f.Value)
				if f.Source != "" {
					value += "\n" + loc.T("mydataweb.sourceIs", "source", f.Source)
				}
				pair(&s, f.Label, value)
			}
			if !it.Since.IsZero() {
				pair(&s, loc.T("mydataweb.since"), loc.Date(p.local(it.Since)))
			}
			doc.Parts = append(doc.Parts, s)
		}
	}
	b, err := p.Renderer.Sheet(doc)
	if err != nil {
		return fault.Wrap("mydataweb.copyPDF", err)
	}
	return send(w, "application/pdf", "my-data.pdf", b)
}
