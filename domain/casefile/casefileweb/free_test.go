// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/web/webtest"
)

// freeParts leads one part of one case in memory.
type freeParts struct {
	caseID string
	rev    int64
	begun  []string
	over   bool
	grants []access.Request
}

func (f *freeParts) Running(_ context.Context, g access.Grant, caseID string) ([]FreePart, error) {
	if caseID != f.caseID || f.over || g.Actor().Office != "32" {
		return nil, nil
	}
	part := FreePart{Token: "t7", Name: "Stellungnahmen", Revision: f.rev, Choices: []FreeChoice{{ID: "fire", Name: "Feuerwehr <b>anhören</b>"}, {ID: "trees", Name: "Grünflächenamt anhören", Waiting: 2}}}
	for i := range part.Choices {
		for _, id := range f.begun {
			if id == part.Choices[i].ID {
				part.Choices[i].Running++
			}
		}
	}
	return []FreePart{part}, nil
}

func (f *freeParts) check(g access.Grant, caseID, token string, rev int64) error {
	f.grants = append(f.grants, g.Request())
	if rev != f.rev || token != "t7" || caseID != f.caseID {
		return fault.New(fault.Conflict, "test", "casefileweb.changed")
	}
	f.rev++
	return nil
}

func (f *freeParts) Begin(_ context.Context, g access.Grant, caseID, token string, rev int64, steps []string) error {
	if err := f.check(g, caseID, token, rev); err != nil {
		return err
	}
	f.begun = append(f.begun, steps...)
	return nil
}

func (f *freeParts) Conclude(_ context.Context, g access.Grant, caseID, token string, rev int64) error {
	err := f.check(g, caseID, token, rev)
	f.over = err == nil
	return err
}

func TestFreeParts(t *testing.T) {
	h := newHouse(t, 2)
	a, id := clerk("Schmitz"), h.cases[0].ID
	path := "/desk/cases/" + id
	h.sees(a, path, "Freie Schritte: Stellungnahmen", "Feuerwehr &lt;b&gt;", "noch 2 warten", `name="revision" value="1"`)
	h.sees(a, "/desk/tasks/"+h.tasks.list[0].ID, "Freie Schritte: Stellungnahmen")
	if strings.Contains(h.sees(a, "/desk/cases/"+h.cases[1].ID), "Freie Schritte") {
		t.Error("another case has the steps of this one")
	}
	post := func(who access.Actor, want int, form url.Values) string {
		t.Helper()
		w := h.as(who, path+"/free/t7", form)
		if w.Code != want {
			t.Fatalf("%d, want %d\n%s", w.Code, want, w.Body)
		}
		return w.Header().Get("Location") + w.Body.String()
	}
	if to := post(a, 303, url.Values{"do": {"begin"}, "revision": {"1"}, "step": {"fire", "trees"}, "back": {"/desk?show=free"}}); !strings.HasPrefix(to, path) || !strings.Contains(to, "begun") {
		t.Errorf("leads to %s", to)
	}
	if !slices.Equal(h.free.begun, []string{"fire", "trees"}) {
		t.Errorf("begun: %v", h.free.begun)
	}
	if g := h.free.grants[0]; g.Action != access.Change || g.Resource != "task" || g.Case != id || g.Owner != h.cases[0].Person {
		t.Errorf("%+v", g)
	}
	h.sees(a, path+"?begun=1", "haben begonnen", "Was noch läuft, wird abgebrochen: Feuerwehr")
	if page := post(a, 409, url.Values{"do": {"conclude"}, "revision": {"1"}}); h.free.over || !strings.Contains(page, "Freie Schritte") {
		t.Error("concluded on an older state")
	}
	post(a, 422, url.Values{"do": {"conclude"}, "revision": {"x"}})
	post(accesstest.Clerk("21"), 404, url.Values{"do": {"conclude"}, "revision": {"2"}})
	own := clerk("Anna") // their own matter
	own.ID = h.cases[0].Person
	post(own, 403, url.Values{"do": {"conclude"}, "revision": {"2"}})
	if post(a, 303, url.Values{"do": {"conclude"}, "revision": {"2"}}); !h.free.over {
		t.Error("not concluded")
	}
	h.sees(a, path+"?concluded=1", "geht weiter")
}

// Without a script: begin two steps, then conclude.
func TestFreePartsInABrowser(t *testing.T) {
	b := webtest.Open(t)
	h := newHouse(t, 1)
	srv, as := h.serve()
	as(clerk("Schmitz"))
	b.Width(320)
	b.Script(false)
	b.Go(srv.URL + "/desk/cases/" + h.cases[0].ID + "?lang=de")
	b.Run(chromedp.Click(`input[name="step"][value="fire"]`), chromedp.Click(`button[value="begin"]`))
	b.WaitText("haben begonnen")
	b.Run(chromedp.Click(`details:has(button[value="conclude"]) summary`), chromedp.Click(`button[value="conclude"]`))
	b.WaitText("der Vorgang geht weiter")
	if fmt.Sprint(h.free.begun, h.free.over) != "[fire] true" {
		t.Errorf("%v %v", h.free.begun, h.free.over)
	}
}
