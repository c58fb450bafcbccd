// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/web/assets"
	"mercator/web/webtest"
)

// begin starts a case with the process of the service, which has a diagram.
func (d *desktop) begin() string {
	d.t.Helper()
	id := ""
	if err := d.db.Write(d.t.Context(), func(tx *store.Tx) error {
		var err error
		id, err = d.engine.Start(d.t.Context(), tx, d.service.Process, process.StartParams{CaseID: "c2", CaseRef: "2026-R2", Label: "Anna Müller", Service: d.service.ID, Version: d.service.Version, Office: "32",
			Process: d.service.ProcessID, Called: d.service.Called, Vars: map[string]any{"application": map[string]any{}, "registers": nil}, Actor: accesstest.Anna()})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return id
}

func TestModelIsForTheDesk(t *testing.T) {
	d := newDesk(t)
	d.begin()
	path := "/desk/models/" + d.service.Process.Hash
	if body := d.get(path, 200); body != string(d.service.Process.Source) {
		t.Errorf("%.200s", body)
	}
	d.get("/desk/models/"+strings.Repeat("0", len(d.service.Process.Hash)), 404)
	d.get("/desk/models/..%2F..", 404)
	has(t, d.get("/desk/processes/"+d.instance, 200), "Prozess als Liste", "Erst &lt;b&gt;dies&lt;/b&gt; – hier")
	d.actor = accesstest.Anna()
	d.get(path, 403)
}

// The viewer shows the token, keeps the mark of bpmn.io in sight, and leaves the drawing
// where there is no script or no diagram in the file.
func TestDiagramInABrowser(t *testing.T) {
	if set, err := assets.Load(); err != nil || !set.Built() {
		t.Skip("the assets are not built: go run ./web/assets/build")
	}
	b := webtest.Open(t)
	d := newDesk(t)
	id := d.begin()
	server := httptest.NewServer(d.site)
	defer server.Close()
	wait := func(what, js string) {
		t.Helper()
		for range 100 {
			if webtest.Eval[bool](b, js) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Fatalf("never: %s", what)
	}
	b.Script(true)
	for _, width := range []int{320, 1280} {
		b.Width(width)
		name := fmt.Sprint("diagram-", width)
		b.Go(server.URL + "/desk/processes/" + id)
		wait("the viewer", `!!document.querySelector(".m-diagram .djs-element.m-active") && document.querySelector(".m-figure__scroll").hidden`)
		if n := webtest.Eval[int](b, `document.querySelectorAll(".m-diagram .m-token").length`); n != 1 {
			t.Errorf("%s: %d tokens", name, n)
		}
		// Its licence: fully visible, nothing over it.
		if ok := webtest.Eval[bool](b, `(() => { const a = document.querySelector(".m-diagram .bjs-powered-by"); a.scrollIntoView({block: "center", behavior: "instant"});
			const r = a.getBoundingClientRect(), box = a.closest(".m-diagram").getBoundingClientRect();
			const at = (x, y) => a.contains(document.elementFromPoint(x, y));
			return r.width > 40 && r.height > 15 && r.right <= box.right && r.bottom <= box.bottom && r.left >= box.left &&
				at(r.left + 2, r.top + 2) && at(r.right - 2, r.bottom - 2) && at((r.left + r.right) / 2, (r.top + r.bottom) / 2) && getComputedStyle(a).opacity === "1"; })()`); !ok {
			t.Errorf("%s: the mark of bpmn.io isn't fully visible", name)
		}
		for _, label := range []string{"Zoom in", "Zoom out", "Show all of it"} {
			if ok := webtest.Eval[bool](b, fmt.Sprintf(`(() => { const c = document.querySelector('[aria-label=%q]'); if (!c) return false;
				const before = document.querySelector(".m-diagram .viewport").getAttribute("transform"); c.click();
				return %t || before !== document.querySelector(".m-diagram .viewport").getAttribute("transform"); })()`, label, label == "Show all of it")); !ok {
				t.Errorf("%s: %s does nothing", name, label)
			}
		}
		b.NoSidewaysScroll(name)
		b.SmallTargets(name)
		b.Axe(name)
		if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
			b.Screenshot(filepath.Join(dir, name+".png"))
		}
	}
	_, script := b.Bytes()
	if script > 80_000 {
		t.Errorf("the page with the viewer costs %d bytes of script", script)
	}
	b.Go(server.URL + "/desk/processes")
	if _, script := b.Bytes(); script > 15_000 || webtest.Eval[bool](b, `!!document.querySelector("script[src*=diagram]")`) {
		t.Errorf("a page without a figure costs %d bytes of script", script)
	}
	// A file without a diagram: the drawing stays.
	b.Go(server.URL + "/desk/processes/" + d.instance)
	time.Sleep(time.Second)
	if ok := webtest.Eval[bool](b, `!document.querySelector(".m-diagram") && !document.querySelector(".m-figure__scroll").hidden && !!document.querySelector(".m-figure__scroll .bpmn-active")`); !ok {
		t.Error("the drawing is gone though there is no diagram to show")
	}
	b.Script(false)
	b.Go(server.URL + "/desk/processes/" + id)
	if ok := webtest.Eval[bool](b, `!document.querySelector(".m-diagram") && document.querySelector(".m-figure__scroll svg").getBoundingClientRect().width > 100`); !ok {
		t.Error("without a script the drawing isn't there")
	}
	b.Script(true)
}
