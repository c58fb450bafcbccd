// SPDX-License-Identifier: EUPL-1.2

// Package web is the counter hall: the plumbing of HTTP and the shell of every
// page. It knows requests, responses and HTML; it knows no office.
//
// A room's page is a struct of data, a template and a handler that returns an
// error:
//
//	view, err := web.NewView[casesPage](templates, templateFS, "cases.html")
//	…
//	func (p *pages) cases(w http.ResponseWriter, r *http.Request) error {
//		loc := web.Localizer(r)
//		…
//		return p.casesView.Render(w, r, http.StatusOK, web.Page[casesPage]{
//			Title: loc.T("casefile.title"), Shell: web.Portal("cases"), Data: data,
//		})
//	}
//
// The template defines "main" and sees the Page: {{define "main"}}…{{ui .Data.List}}…{{end}}.
// The room hands its pages to app as Mounts. A returned fault becomes, in one
// place, an error page or a problem document (RFC 9457), as the client prefers.
//
// There are no CSRF tokens: cookies are SameSite, and a request that changes
// something must come from our own origin (Sec-Fetch-Site, Origin), which
// http.CrossOriginProtection checks.
package web
