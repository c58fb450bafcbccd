// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"net/http"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/service"
	"mercator/web"
	"mercator/web/ui"
)

// File is a file that came with an application.
type File struct {
	ID      string
	Field   string // of the form, that it was given for
	Name    string
	Size    int64
	Pages   int    // of a PDF
	Archive bool   // there is a PDF/A of it, for the file; the original is kept beside it
	State   string // "clean"; "waiting": nobody has looked for malware in it, "infected": nobody can open it
}

// files are the files of a case with the questions that they were given for, as the desk (at "/desk/cases/…") or the applicant sees them.
func (p *pages) files(r *http.Request, g access.Grant, s *service.Service, caseID, at string) ([]ui.Component, error) {
	if p.Files == nil {
		return nil, nil
	}
	loc := web.Localizer(r)
	list, err := p.Files(r.Context(), g, caseID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	t := ui.Table{Caption: loc.T("casefileweb.files"), CaptionHidden: true, Columns: []ui.Column{{Label: loc.T("casefileweb.file")}, {Label: loc.T("casefileweb.original")}, {Label: loc.T("casefileweb.fileState")}}}
	tones := map[string]ui.Tone{"clean": ui.Success, "waiting": ui.Warning, "infected": ui.Danger}
	waiting, infected := false, false
	for _, f := range list {
		href := at + caseID + "/files/" + f.ID
		name, original := ui.Cell{Text: f.Name}, ui.Cell{Text: loc.Bytes(f.Size)}
		switch {
		case f.Pages == 1:
			name.Sub = loc.T("casefileweb.filePage")
		case f.Pages > 1:
			name.Sub = loc.T("casefileweb.filePages", "n", f.Pages)
		}
		switch {
		case f.State != "clean":
			waiting, infected = waiting || f.State == "waiting", infected || f.State == "infected"
		case f.Archive:
			name.Href, name.Sub = href+"/archive", "PDF/A"
			original = ui.Cell{Text: loc.T("casefileweb.asSent"), Href: href, Sub: loc.Bytes(f.Size)}
		default:
			name.Href = href
		}
		if place, ok := s.Form.Place(f.Field); ok {
			name.Sub = strings.Join(slices.DeleteFunc([]string{place.Title(loc), name.Sub}, func(s string) bool { return s == "" }), " · ")
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{name, original, {Badge: ui.Badge{Tone: tones[f.State], Text: loc.T("casefileweb.fileStates." + f.State)}}}})
	}
	out := []ui.Component{t}
	if waiting {
		out = append(out, ui.Alert{Tone: ui.Warning, Title: loc.T("casefileweb.filesWaiting"), Text: loc.T("casefileweb.filesWaitingText")})
	}
	if infected {
		out = append(out, ui.Alert{Tone: ui.Danger, Title: loc.T("casefileweb.filesInfected"), Text: loc.T("casefileweb.filesInfectedText")})
	}
	return out, nil
}

// deskFile sends a file of a case to a clerk.
func (p *pages) deskFile(archive bool) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := p.clerk(r)
		if err != nil {
			return err
		}
		id, err := pathID(r)
		if err != nil {
			return err
		}
		g, c, err := p.readCase(r.Context(), a, id)
		if err != nil {
			return err
		}
		return p.sendFile(w, r, g, c.ID, archive)
	}
}

// ownFile sends a file of a case to the applicant.
func (p *pages) ownFile(archive bool) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := p.person(r)
		if err != nil {
			return err
		}
		id, err := pathID(r)
		if err != nil {
			return err
		}
		g, err := p.Access.Permit(r.Context(), access.Request{Actor: a, Action: access.Read, Resource: "case", Purpose: purposeOwn, Case: id, Owner: a.Person()})
		if err != nil {
			return err
		}
		c, err := p.Cases.Get(r.Context(), g, id)
		if err != nil {
			return err
		}
		return p.sendFile(w, r, g, c.ID, archive)
	}
}

func (p *pages) sendFile(w http.ResponseWriter, r *http.Request, g access.Grant, caseID string, archive bool) error {
	id := r.PathValue("file")
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, "casefileweb.sendFile", "")
	}
	return p.SendFile(w, r, g, caseID, id, archive)
}
