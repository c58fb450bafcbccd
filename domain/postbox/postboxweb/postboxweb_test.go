// SPDX-License-Identifier: EUPL-1.2

package postboxweb

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/bus"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/postbox"
	"mercator/web"
	"mercator/web/webtest"
)

type house struct {
	t    testing.TB
	db   *store.DB
	box  *postbox.Box
	site *web.Site
	cfg  Config
	who  string // overrides the header, for a browser
}

func newHouse(t testing.TB) *house {
	t.Helper()
	db := storetest.SQLite(t, []store.Migrations{audit.Migrations(), bus.Migrations(), postbox.Migrations()})
	outbox, err := bus.New(bus.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db}
	if h.box, err = postbox.New(postbox.Config{DB: db, Outbox: outbox}); err != nil {
		t.Fatal(err)
	}
	cat, err := i18n.Load(append(web.Messages(), Messages(), postbox.Messages())...)
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
	h.cfg = Config{Templates: tmpl, Box: h.box, Access: accesstest.House(t, db), Office: func(string) i18n.Text { return i18n.Plain("Ordnungsamt") },
		Actor: func(r *http.Request, _ access.Level) (access.Actor, error) {
			who := h.who
			if who == "" {
				who = r.Header.Get("X-Test-Actor")
			}
			switch who {
			case "anna":
				return accesstest.Anna(), nil
			case "bora":
				return accesstest.Bora(), nil
			case "32":
				return accesstest.Clerk("32"), nil
			}
			return access.Actor{}, fault.New(fault.Unauthenticated, "test", "")
		}}
	ms, err := Mounts(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if h.site, err = web.New(web.Config{Catalogue: cat, Templates: tmpl}, ms); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) deliver(subject string) (id string) {
	h.t.Helper()
	err := h.db.Write(h.t.Context(), func(tx *store.Tx) (err error) {
		id, err = h.box.Deliver(h.t.Context(), tx, postbox.Message{Person: accesstest.Anna().ID, Office: "32", CaseID: "c1",
			Subject: i18n.Text{"de": subject, "tr": "Kartınız geldi"}, Body: i18n.Text{"de": "Guten Tag,\n\nder Ausweis <b>liegt</b> bei.", "tr": "Kart ektedir."},
			Documents: []postbox.Attached{{ID: "01900000-0000-7000-8000-000000000001", Title: "Bewohnerparkausweis BP-1"}}})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) get(path, who, lang string) (int, string) {
	h.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("X-Test-Actor", who)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	h.site.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return w.Code, string(b)
}

func TestInbox(t *testing.T) {
	h := newHouse(t)
	if status, text := h.get("/postbox", "anna", "de"); status != 200 || !strings.Contains(text, "noch nichts") {
		t.Errorf("empty: %d %s", status, text)
	}
	id := h.deliver("Ihr Ausweis ist da")
	if status, text := h.get("/postbox", "anna", "de"); status != 200 || !strings.Contains(text, "Ihr Ausweis ist da") || !strings.Contains(text, "Eine ungelesene Nachricht") || !strings.Contains(text, ">neu<") {
		t.Errorf("one: %d %s", status, text)
	}
	status, text := h.get("/postbox/"+id, "anna", "tr")
	for _, want := range []string{"Kartınız geldi", "Kart ektedir.", "/documents/01900000-0000-7000-8000-000000000001", "Almanca metin geçerlidir", "/cases/c1"} {
		if status != 200 || !strings.Contains(text, want) {
			t.Errorf("the message lacks %q: %d", want, status)
		}
	}
	if _, text := h.get("/postbox/"+id, "anna", "de"); strings.Contains(text, "<b>liegt</b>") || strings.Contains(text, "der deutsche Wortlaut") {
		t.Error("markup of the text got through, or a German reader is told about German")
	}
	if _, text := h.get("/postbox", "anna", "de"); strings.Contains(text, ">neu<") || !strings.Contains(text, "0 ungelesene") {
		t.Error("still new after it was read")
	}
	for _, c := range []struct {
		path, who string
		status    int
	}{
		{"/postbox/" + id, "bora", 404}, {"/postbox/" + id, "32", 403}, {"/postbox/" + id, "", 303}, {"/postbox/x", "anna", 404}, {"/postbox", "32", 403}, {"/postbox", "", 303},
		{"/postbox?after=rubbish", "anna", 200},
	} {
		if status, text := h.get(c.path, c.who, "de"); status != c.status || c.status != 200 && strings.Contains(text, "Ausweis ist da") {
			t.Errorf("%s as %q: %d, want %d", c.path, c.who, status, c.status)
		}
	}
}

var nextLink = regexp.MustCompile(`href="(/postbox\?after=[^"]+)"`)

func TestManyMessages(t *testing.T) {
	h := newHouse(t)
	for i := range 45 {
		h.deliver(fmt.Sprintf("Nachricht %02d.", i))
	}
	seen := map[string]bool{}
	path := "/postbox"
	for range 3 {
		_, text := h.get(path, "anna", "de")
		for _, m := range regexp.MustCompile(`Nachricht \d\d\.`).FindAllString(text, -1) {
			seen[m] = true
		}
		m := nextLink.FindStringSubmatch(text)
		if m == nil {
			break
		}
		u, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
		if err != nil {
			t.Fatal(err)
		}
		path = u.String()
	}
	if len(seen) != 45 {
		t.Errorf("%d of 45 messages on three pages", len(seen))
	}
}

func TestTemplates(t *testing.T) {
	h := newHouse(t)
	list, err := web.NewView[listPage](h.cfg.Templates, templateFS, "templates/list.html")
	if err != nil {
		t.Fatal(err)
	}
	message, err := web.NewView[messagePage](h.cfg.Templates, templateFS, "templates/message.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "list", list.Template("de"), web.Page[listPage]{})
	webtest.CheckView(t, "message", message.Template("de"), web.Page[messagePage]{})
}

func TestPagesInABrowser(t *testing.T) {
	h := newHouse(t)
	h.who = "anna"
	id := h.deliver("Ihr Bewohnerparkausweis für das Bewohnerparkgebiet Neudorf-Nord")
	srv := httptest.NewServer(h.site)
	defer srv.Close()
	b := webtest.Open(t)
	for _, width := range []int{360, 1280} {
		b.Width(width)
		for _, path := range []string{"/postbox", "/postbox/" + id} {
			b.Go(srv.URL + path)
			b.Axe(path)
			b.NoSidewaysScroll(path)
		}
	}
}
