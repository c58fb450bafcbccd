// SPDX-License-Identifier: EUPL-1.2

package noticeweb

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/notice"
	"mercator/domain/notice/noticetest"
	"mercator/web"
	"mercator/web/webtest"
)

// house is the pages over a real writing office; the header X-Test-Actor says who is signed in.
func house(t testing.TB) (*noticetest.Office, *web.Site, Config) {
	t.Helper()
	o := noticetest.New(t, storetest.SQLite(t, noticetest.Rooms()))
	cat, err := i18n.Load(append(web.Messages(), Messages(), notice.Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		t.Error(m)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	renderer, err := pdf.New(pdf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Templates: tmpl, Desk: o.Desk, Access: o.Access, Renderer: renderer,
		Actor: func(r *http.Request, _ access.Level) (access.Actor, error) {
			switch r.Header.Get("X-Test-Actor") {
			case "anna":
				return accesstest.Anna(), nil
			case "bora":
				return accesstest.Bora(), nil
			case "32", "50":
				return accesstest.Clerk(r.Header.Get("X-Test-Actor")), nil
			}
			return access.Actor{}, fault.New(fault.Unauthenticated, "test", "")
		},
		Application: func(_ context.Context, g access.Grant, id string) (pdf.Sheet, string, error) {
			if id != noticetest.CaseID || g.Actor().Office != "32" {
				return pdf.Sheet{}, "", fault.New(fault.NotFound, "test", "")
			}
			return pdf.Sheet{Lang: "de", Title: "Antrag", Parts: []pdf.SheetPart{{Title: "Zur Person", Facts: []pdf.Pair{{Label: "Name", Value: "Anna"}}}}}, "person-anna", nil
		},
	}
	ms, err := Mounts(cfg)
	if err != nil {
		t.Fatal(err)
	}
	site, err := web.New(web.Config{Catalogue: cat, Templates: tmpl, City: web.City{Name: "Stadt Duisburg"}}, ms)
	if err != nil {
		t.Fatal(err)
	}
	return o, site, cfg
}

// signed lets a browser, which can't set our header, be somebody.
func signed(h http.Handler, who string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Test-Actor", who)
		h.ServeHTTP(w, r)
	})
}

func get(site http.Handler, path, actor string) *http.Response {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("X-Test-Actor", actor)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "de")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCheckPageTellsNothingAboutThePerson(t *testing.T) {
	o, site, _ := house(t)
	d := o.Issue(o.Permit())
	for _, c := range []struct {
		at, want string
		status   int
		path     string
	}{
		{"2026-11-20T09:00:00Z", "Noch nicht gültig", 200, "/v/" + d.Code},
		{"2026-12-24T09:00:00Z", "Dieses Dokument ist gültig", 200, "/v/" + strings.ToLower(d.Code)},
		{"2028-12-24T09:00:00Z", "Abgelaufen", 200, "/v/" + d.Code},
		{"2026-12-24T09:00:00Z", "Unbekannt", 404, "/v/" + strings.Repeat("Z", 26)},
		{"2026-12-24T09:00:00Z", "Unbekannt", 404, "/v/x"},
		{"2026-12-24T09:00:00Z", "alle", 422, "/v?code=123"},
		{"2026-12-24T09:00:00Z", "Prüfcode", 200, "/v"},
	} {
		o.At(c.at)
		r := get(site, c.path, "")
		text := body(t, r)
		if r.StatusCode != c.status || !strings.Contains(text, c.want) && c.want != "alle" {
			t.Errorf("%s at %s: %d, want %d with %q", c.path, c.at, r.StatusCode, c.status, c.want)
		}
		for _, secret := range []string{"Anna", "Schmidt", "DU-AS", "1988", "Königstraße", "BP-2026", "ABCD-EFGH", d.ID, noticetest.CaseID, ">NN<"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q", c.path, secret)
			}
		}
		if !strings.Contains(r.Header.Get("X-Robots-Tag"), "noindex") || !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s may be indexed or kept: %v", c.path, r.Header)
		}
	}
	g := o.Grant(accesstest.Clerk("32"), access.Change)
	if err := o.DB.Write(t.Context(), func(tx *store.Tx) error { return o.Desk.Revoke(t.Context(), tx, g, d.ID, "Umzug von Anna") }); err != nil {
		t.Fatal(err)
	}
	if text := body(t, get(site, "/v/"+d.Code, "")); !strings.Contains(text, "Zurückgenommen") || strings.Contains(text, "Umzug") {
		t.Errorf("after it was revoked: %s", text)
	}
	if r := get(site, "/v?code="+strings.ToLower(d.Code), ""); r.StatusCode != 303 || r.Header.Get("Location") != "/v/"+d.Code {
		t.Errorf("a typed code: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestDocumentsAreForTheirOwnerAndOffice(t *testing.T) {
	o, site, _ := house(t)
	d := o.Issue(o.Permit())
	for _, c := range []struct {
		path, who string
		status    int
	}{
		{"/documents/" + d.ID, "anna", 200}, {"/documents/" + d.ID + "?download", "anna", 200}, {"/documents/" + d.ID, "bora", 404}, {"/documents/" + d.ID, "32", 403}, {"/documents/" + d.ID, "", 303},
		{"/desk/documents/" + d.ID, "32", 200}, {"/desk/documents/" + d.ID, "50", 404}, {"/desk/documents/" + d.ID, "anna", 403},
		{"/documents/x", "anna", 404}, {"/documents/" + noticetest.CaseID, "anna", 404},
		{"/desk/cases/" + noticetest.CaseID + "/application.pdf", "32", 200}, {"/desk/cases/" + noticetest.CaseID + "/application.pdf", "50", 404},
		{"/desk/cases/" + noticetest.CaseID + "/application.pdf", "anna", 404},
	} {
		r := get(site, c.path, c.who)
		text := body(t, r)
		if r.StatusCode != c.status {
			t.Errorf("%s as %q: %d, want %d", c.path, c.who, r.StatusCode, c.status)
		}
		if isPDF := strings.HasPrefix(text, "%PDF-1.7"); isPDF != (c.status == 200) {
			t.Errorf("%s as %q: a PDF: %v", c.path, c.who, isPDF)
		}
	}
	r := get(site, "/documents/"+d.ID+"?download", "anna")
	if got := r.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment") || !strings.Contains(got, "Bewohnerparkausweis BP-2026-ABCD-EFGH.pdf") {
		t.Errorf("disposition: %s", got)
	}
	seen, err := o.Access.WhoRead(t.Context(), accesstest.Grant(t, o.Access, access.Request{Actor: accesstest.Anna(), Action: access.Read, Resource: "ledger", Owner: "person-anna"}), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	office := 0
	for _, e := range seen {
		if e.Resource == "document" && e.Office == "32" {
			office++
		}
	}
	if office == 0 {
		t.Errorf("Anna doesn't see that office 32 opened her document: %+v", seen)
	}
}

func TestRevoke(t *testing.T) {
	o, site, _ := house(t)
	d := o.Issue(o.Permit())
	o.At("2026-12-24T09:00:00Z")
	path := "/desk/documents/" + d.ID + "/revoke"
	post := func(who, why string) int {
		r := httptest.NewRequest("POST", path, strings.NewReader(url.Values{"why": {why}}.Encode()))
		r.Header.Set("X-Test-Actor", who)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		return w.Code
	}
	for _, c := range []struct {
		who, why string
		status   int
	}{{"anna", "x", 403}, {"50", "x", 404}, {"32", "", 422}, {"32", strings.Repeat("x", 2001), 422}} {
		if got := post(c.who, c.why); got != c.status {
			t.Errorf("%s, %d characters: %d, want %d", c.who, len(c.why), got, c.status)
		}
	}
	if v, _, _, _, err := o.Desk.Check(t.Context(), d.Code); err != nil || v != notice.Valid {
		t.Fatalf("not revoked yet: %s, %v", v, err)
	}
	if r := get(site, path, "32"); r.StatusCode != 200 || !strings.Contains(body(t, r), "Warum wird") {
		t.Errorf("the form: %d", r.StatusCode)
	}
	if r := get(site, path, "50"); r.StatusCode != 404 {
		t.Errorf("the form for another office: %d", r.StatusCode)
	}
	if got := post("32", "Umzug"); got != 303 {
		t.Errorf("revoked: %d", got)
	}
	if got := post("32", "Umzug"); got != 409 {
		t.Errorf("revoked twice: %d", got)
	}
	if text := body(t, get(site, path, "32")); !strings.Contains(text, "Zurückgenommen") || strings.Contains(text, "<form method=\"post\" action=\""+path) {
		t.Error("the page still offers it")
	}
	if v, _, _, _, err := o.Desk.Check(t.Context(), d.Code); err != nil || v != notice.Revoked {
		t.Errorf("after it was revoked: %s, %v", v, err)
	}
}

func TestTemplates(t *testing.T) {
	_, _, cfg := house(t)
	check, err := web.NewView[checkPage](cfg.Templates, templateFS, "templates/check.html")
	if err != nil {
		t.Fatal(err)
	}
	enter, err := web.NewView[enterPage](cfg.Templates, templateFS, "templates/enter.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "check", check.Template("de"), web.Page[checkPage]{})
	take, err := web.NewView[revokePage](cfg.Templates, templateFS, "templates/revoke.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "revoke", take.Template("de"), web.Page[revokePage]{})
	webtest.CheckView(t, "enter", enter.Template("de"), web.Page[enterPage]{})
}

func TestPagesInABrowser(t *testing.T) {
	o, site, _ := house(t)
	d := o.Issue(o.Permit())
	o.At("2026-12-24T09:00:00Z")
	srv := httptest.NewServer(signed(site, "32"))
	defer srv.Close()
	b := webtest.Open(t)
	for _, width := range []int{360, 1280} {
		b.Width(width)
		for _, path := range []string{"/v/" + d.Code, "/v/" + strings.Repeat("0", 26), "/v", "/v?code=1", "/desk/documents/" + d.ID + "/revoke"} {
			b.Go(srv.URL + path)
			b.Axe(path)
			b.NoSidewaysScroll(path)
		}
	}
}
