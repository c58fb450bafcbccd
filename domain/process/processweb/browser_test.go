// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"mercator/web/webtest"
)

// TestDeskInABrowser changes a process and rehearses a migration on a phone and at a
// desk, and lets axe look at every page; without a script it works as well.
// MERCATOR_SHOTS names a folder for pictures.
func TestDeskInABrowser(t *testing.T) {
	b := webtest.Open(t)
	for _, width := range []int{320, 1280} {
		d := newDesk(t)
		server := httptest.NewServer(d.site)
		t.Cleanup(server.Close)
		b.Width(width)
		look := func(what string) {
			t.Helper()
			name := fmt.Sprint(what, "-", width)
			b.NoSidewaysScroll(name)
			b.SmallTargets(name)
			b.Axe(name)
			if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
				b.Screenshot(filepath.Join(dir, name+".png"))
			}
		}
		b.Script(true)
		b.Go(server.URL + "/desk/processes")
		look("home")
		b.Go(server.URL + "/desk/processes/" + d.instance + "?values")
		look("instance")
		b.Go(server.URL + "/desk/processes/" + d.instance + "?steps=0")
		look("steps")
		b.Go(server.URL + "/desk/migrations/new?service=" + d.service.ID)
		look("plan")
		b.Script(false)
		b.Run(chromedp.SendKeys(`[name="reason"]`, "Neue Fassung"), chromedp.Click(`form[action="/desk/migrations/new"] button`))
		b.WaitText("What the rehearsal has found")
		b.Go(server.URL + "/desk/processes/" + d.instance)
		b.Run(chromedp.SetValue(`[name="i0.do"]`, "move"), chromedp.SetValue(`[name="i0.token"]`, "t1"), chromedp.SetValue(`[name="i0.element"]`, "second"),
			chromedp.SendKeys(`[name="reason"]`, "weil"), chromedp.Click(`button[value="preview"]`))
		b.WaitText("This would happen")
		b.Run(chromedp.Click(`button[value="do"]`))
		b.WaitText("done and on record")
		b.Script(true)
		b.Go(server.URL + "/desk/processes/" + d.instance + "?done")
		look("changed")
		list, err := d.engine.Migrations(t.Context(), d.grant(), "", 1)
		if err != nil {
			t.Fatal(err)
		}
		b.Go(server.URL + "/desk/migrations/" + list[0].ID)
		look("report")
	}
}
