// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"bytes"
	"fmt"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"mercator/core/access"
	"mercator/web/webtest"
)

// try sends files for a replay.
func (d *desktop) try(status int, files map[string]string) string {
	d.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	m.WriteField("days", "7")
	for name, text := range files {
		w, err := m.CreateFormFile("files", name)
		if err != nil {
			d.t.Fatal(err)
		}
		w.Write([]byte(text))
	}
	if len(files) == 0 { // as a browser sends a field that was left empty
		if _, err := m.CreateFormFile("files", ""); err != nil {
			d.t.Fatal(err)
		}
	}
	m.Close()
	r := httptest.NewRequest(http.MethodPost, "http://city.example/desk/replays/"+d.service.ID, &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return d.send(r, status)
}

func TestReplayAtTheDesk(t *testing.T) {
	d := newDesk(t)
	has(t, d.get("/desk/replays", 200), "/desk/replays/"+d.service.ID)
	has(t, d.get("/desk/replays/"+d.service.ID, 200), "BPMN- und DMN-Dateien", `enctype="multipart/form-data"`)
	d.get("/desk/replays/nothing", 404)

	// The version in force is quite another than the one that the case began with.
	page := d.try(200, nil)
	has(t, page, "Bei 1 von 1 Fällen", "2026-R1", "wartet: first", "der geltende Stand", "/desk/processes/"+d.instance)
	if strings.Contains(page, "Müller") || strings.Contains(page, "Geheimweg") {
		t.Error("the page shows data of the case")
	}
	subjects := func() (n int) {
		if err := d.db.QueryRow(t.Context(), "SELECT count(*) FROM audit_subject s JOIN audit_entry e ON e.id = s.entry WHERE e.resource = 'replay' AND e.purpose = 'trial' AND s.person = 'person-1'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if subjects() != 1 {
		t.Errorf("%d times on record", subjects())
	}
	// A process of the same id takes the place of the one in force.
	source, err := fs.ReadFile(d.service.Files, d.service.Process.File)
	if err != nil {
		t.Fatal(err)
	}
	has(t, d.try(200, map[string]string{"mein prozess.bpmn": string(source)}), "Bei 1 von 1 Fällen")
	has(t, d.try(422, map[string]string{"x.bpmn": "<broken"}), "haben Fehler", "x.bpmn")
	has(t, d.try(422, map[string]string{"brief.txt": "x"}), ".bpmn oder .dmn")

	// The head of another office sees none of these cases; a clerk may not at all.
	d.actor = access.Actor{Kind: access.Clerk, ID: "head-1", Name: "H", Office: "99", Roles: []string{"head"}, Level: access.Substantial}
	has(t, d.try(200, nil), "Bei keinem von 0 Fällen")
	d.actor.Office = "32"
	has(t, d.try(200, nil), "Bei 1 von 1 Fällen", "/desk/cases/c1")
	d.actor.Roles = []string{"clerk"}
	d.try(403, nil)
	d.get("/desk/replays", 403)
}

func TestReplayInABrowser(t *testing.T) {
	b := webtest.Open(t)
	d := newDesk(t)
	d.begin()
	server := httptest.NewServer(d.site)
	defer server.Close()
	b.Script(false) // it works without one
	for _, width := range []int{320, 1280} {
		b.Width(width)
		b.Go(server.URL + "/desk/replays/" + d.service.ID)
		b.Run(chromedp.Click(`form[action="/desk/replays/` + d.service.ID + `"] button`))
		b.WaitText("What changes, and how")
		b.Script(true)
		name := fmt.Sprint("replay-", width)
		b.NoSidewaysScroll(name)
		b.SmallTargets(name)
		b.Axe(name)
		if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
			b.Screenshot(filepath.Join(dir, name+".png"))
		}
		b.Script(false)
	}
	b.Script(true)
}
