// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

// A page on which another row stood at a number sends its files to the row that it showed, with the form or by a script.
func TestAStalePageSendsItsFilesToTheRowThatItShowed(t *testing.T) {
	tn := newTown(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(intaketest.Root()+"/content/services")); err != nil {
		t.Fatal(err)
	}
	file := dir + "/resident-parking-permit/application.form"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	src := strings.Replace(string(data), `"components": [`, `"components": [
	{"type":"dynamiclist","id":"l_homes","path":"homes","label":"Wohnungen","isRepeating":true,"allowAddRemove":true,"defaultRepetitions":3,"properties":{"page":"proof"},"components":[
		{"type":"textfield","id":"f_where","key":"where","label":"Wo"},{"type":"filepicker","id":"f_plan","key":"plan","label":"Grundriss"}]},`, 1)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tn.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "yes").at(draftID+"/page/proof", 200)
	draft := strings.Split(v.url, "/")[2]
	page := "/apply/" + draft + "/page/proof"
	const lease = "%PDF-1.4\n1 0 obj\n<</Type /Page>>\nendobj\n%%EOF"
	// send sends the page that v shows, with a file for a row and perhaps a button.
	send := func(stale string, field, name string, more ...string) {
		t.Helper()
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		for _, h := range hidden.FindAllStringSubmatch(stale, -1) {
			w.WriteField(h[1], h[2])
		}
		for i := 0; i < len(more); i += 2 {
			w.WriteField(more[i], more[i+1])
		}
		f, _ := w.CreateFormFile(field, name)
		io.WriteString(f, strings.Replace(lease, "/Page", "/Page /N ("+name+")", 1))
		w.Close()
		r, _ := http.NewRequest("POST", tn.server.URL+page, &buf)
		r.Header.Set("Content-Type", w.FormDataContentType())
		v.do(r)
	}
	files := func() string {
		t.Helper()
		v.get(page)
		var out []string
		for _, m := range regexp.MustCompile(`file/(homes[^/]*)/[0-9a-f]{64}"[^>]*>([a-z]+\.pdf)`).FindAllStringSubmatch(v.body, -1) {
			out = append(out, m[1]+"="+m[2])
		}
		return strings.Join(out, " ")
	}
	// The page's own button takes the row away that stands before.
	send(v.body, "homes.2.plan", "a.pdf", form.RemoveRow, "homes.0")
	if got := files(); got != "homes.1.plan=a.pdf" {
		t.Errorf("with its own button: %s", got)
	}
	stale := v.body
	v.post(page, url.Values{form.RemoveRow: {"homes.0"}})
	send(stale, "homes.0.plan", "b.pdf")
	v.at(page, 422).sees("Diesen Eintrag gibt es nicht mehr.", `href="#f-homes"`)
	if got := files(); got != "homes.0.plan=a.pdf" {
		t.Errorf("to a row that has gone: %s", got)
	}
	send(stale, "homes.1.plan", "c.pdf")
	if got := files(); got != "homes.0.plan=c.pdf" {
		t.Errorf("to a row that has moved up: %s", got)
	}
	// By a script.
	address := regexp.MustCompile(`data-upload="([^"]*)"`).FindAllStringSubmatch(stale, -1)
	for field, status := range map[string]int{"homes.0.plan": 422, "homes.1.plan": 201} {
		r, _ := http.NewRequest("POST", tn.server.URL+address[0][1], nil)
		r.Header.Set("Tus-Resumable", "1.0.0")
		r.Header.Set("Upload-Length", "9")
		r.Header.Set("Upload-Metadata", "field "+base64.StdEncoding.EncodeToString([]byte(field)))
		if v.do(r); v.status != status {
			t.Errorf("%s to %s: %d", field, address[0][1], v.status)
		}
	}
}
