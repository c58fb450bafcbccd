// SPDX-License-Identifier: EUPL-1.2

package assets

import (
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

func TestServe(t *testing.T) {
	s, err := LoadFS(fstest.MapFS{
		"manifest.json": {Data: []byte(`{"a.css":"a.123.css","f.woff2":"f.456.woff2"}`)},
		"a.123.css":     {Data: []byte("plain")}, "a.123.css.gz": {Data: []byte("gz")}, "a.123.css.br": {Data: []byte("br")},
		"f.456.woff2": {Data: []byte("font")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.URL("a.css") != "/assets/a.123.css" || s.URL("b.css") != "" {
		t.Errorf("addresses: %q %q", s.URL("a.css"), s.URL("b.css"))
	}
	tests := []struct {
		path, accept, match string
		status              int
		body, encoding      string
	}{
		{"/assets/a.123.css", "gzip, br", "", 200, "br", "br"},
		{"/assets/a.123.css", "gzip", "", 200, "gz", "gzip"},
		{"/assets/a.123.css", "", "", 200, "plain", ""},
		{"/assets/f.456.woff2", "gzip, br", "", 200, "font", ""},
		{"/assets/a.123.css", "br", `"a.123.css"`, 304, "", ""},
		{"/assets/a.css", "", "", 404, "404 page not found\n", ""},
		{"/assets/../manifest.json", "", "", 404, "404 page not found\n", ""},
		{"/assets/manifest.json", "", "", 404, "404 page not found\n", ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Header.Set("Accept-Encoding", tt.accept)
		r.Header.Set("If-None-Match", tt.match)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != tt.status || w.Body.String() != tt.body || w.Header().Get("Content-Encoding") != tt.encoding {
			t.Errorf("%s (%s): %d %q %q", tt.path, tt.accept, w.Code, w.Body, w.Header().Get("Content-Encoding"))
		}
	}
}

func TestNeverBuilt(t *testing.T) {
	s, err := LoadFS(fstest.MapFS{"README.md": {Data: []byte("x")}})
	if err != nil || s.Built() {
		t.Errorf("%v %v", err, s)
	}
	if _, err := LoadFS(fstest.MapFS{"manifest.json": {Data: []byte(`{"a.css":"gone.css"}`)}}); err == nil {
		t.Error("a manifest that names a missing file is taken")
	}
}
