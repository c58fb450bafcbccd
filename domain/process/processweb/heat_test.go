// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mercator/base/i18n"
	"mercator/core/access"
)

func TestHeat(t *testing.T) {
	d := newDesk(t)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		d.site.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	code, body := get("/desk/processes/services/" + d.service.ID + "/heat")
	if code != http.StatusOK || !strings.Contains(body, "<svg") || !strings.Contains(body, "Erst &lt;b&gt;dies") || !strings.Contains(body, "1 dort") || strings.Contains(body, "Müller") {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get("/desk/processes/services/nothing/heat"); code != http.StatusNotFound {
		t.Errorf("of no service: %d", code)
	}
	d.actor = access.Actor{Kind: access.Clerk, ID: "clerk-1", Name: "C", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial}
	if code, _ := get("/desk/processes/services/" + d.service.ID + "/heat"); code != http.StatusForbidden {
		t.Errorf("a clerk without the role: %d", code)
	}
}

func TestSpans(t *testing.T) {
	cat, err := i18n.Load(Messages())
	if err != nil {
		t.Fatal(err)
	}
	loc := cat.Match("de")
	for d, want := range map[time.Duration]string{time.Millisecond: "unter 1 s", 59 * time.Second: "59 s", 90 * time.Second: "1 min", 26 * time.Hour: "1 T 2 h", 2*time.Hour + 5*time.Minute: "2 h 5 min"} {
		if got := span(loc, d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{time.Millisecond: "unter 1 Sek.", 59 * time.Second: "59 Sek.", 90 * time.Second: "1 Min.", 24 * time.Hour: "1 Tag", 76 * time.Hour: "3 Tage 4 Std.", 2*time.Hour + 5*time.Minute: "2 Std. 5 Min.", 3 * time.Hour: "3 Std."} {
		if got := words(loc, d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	if level(0, time.Hour) != 0 || level(time.Hour, time.Hour) != 4 || level(30*time.Minute, time.Hour) != 3 {
		t.Error("the shades are wrong")
	}
}
