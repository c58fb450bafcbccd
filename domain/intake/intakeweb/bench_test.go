// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/core/access/accesstest"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
)

// sixty is a page of 60 fields, a third of them with a condition, and its pages.
func sixty(b *testing.B) (*Pages, visit) {
	var parts []string
	for i := range 60 {
		hide := ""
		if i%3 == 2 {
			hide = fmt.Sprintf(`"conditional":{"hide":"=f%d = \"x\""},`, i-1)
		}
		switch i % 6 {
		case 1:
			parts = append(parts, fmt.Sprintf(`{"type":"radio","key":"f%d","label":"Frage %d",%s"values":[{"value":"x","label":"Ja"},{"value":"y","label":"Nein"}]}`, i, i, hide))
		case 3:
			parts = append(parts, fmt.Sprintf(`{"type":"datetime","subtype":"date","key":"f%d","label":"Tag %d"}`, i, i))
		default:
			parts = append(parts, fmt.Sprintf(`{"type":"textfield","key":"f%d","label":"Feld %d",%s"validate":{"required":true,"maxLength":80},"properties":{"type":"name","why":"Damit wir Sie erreichen."}}`, i, i, hide))
		}
	}
	f, err := form.Parse("sixty.form", []byte(`{"type":"default","components":[`+strings.Join(parts, ",")+`]}`))
	if err != nil {
		b.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: catalogue(b)})
	if err != nil {
		b.Fatal(err)
	}
	p := &Pages{}
	if p.page, err = web.NewView[formPage](tmpl, templates, "templates/page.html"); err != nil {
		b.Fatal(err)
	}
	return p, visit{service: &service.Service{Form: f, Title: service.Text{"de": "Gewerbeanmeldung"}, Purpose: service.Text{"de": "Entgegennahme, Prüfung und Bescheinigung einer Gewerbeanzeige"},
		Retention: service.Text{"de": "Im Gewerberegister, solange der Betrieb besteht, und fünf Jahre nach der Abmeldung. Der Vorgang zehn Jahre nach seinem Abschluss."}}, loc: catalogue(b).Localizer("de")}
}

// show does what a change of an answer costs but for the database: it looks at the
// form and makes the page of it.
func (p *Pages) show(v visit, part string) error {
	ctx := form.Context{Lang: "de", Today: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	f := &intake.Filling{View: v.service.Form.Eval(form.Answers{"f0": "Anna", "f1": "y", "f3": "2026-12-01"}, ctx)}
	var data formPage
	if _, err := p.fillIn(httptest.NewRequest(http.MethodGet, "/", nil), &data, v, f, v.service.Form.Pages()[0], stillWrong(f, "form", nil)); err != nil {
		return err
	}
	return p.page.RenderPart(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), 200, part, web.Page[formPage]{Data: data})
}

func BenchmarkSixtyFields(b *testing.B) {
	p, v := sixty(b)
	for _, part := range []string{"live", "shell.html"} {
		b.Run(part, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := p.show(v, part); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTwoHundredSessions has 200 people answer a question of the page every five
// seconds, whether the answers before are done or not, and tells how long they wait.
func BenchmarkTwoHundredSessions(b *testing.B) {
	p, v := sixty(b)
	const sessions, answers, pause = 200, 3, 5 * time.Second
	for b.Loop() {
		var mu sync.Mutex
		var took []time.Duration
		var wg sync.WaitGroup
		begin := time.Now()
		for range sessions {
			phase := time.Duration(rand.Int64N(int64(pause)))
			wg.Go(func() {
				for i := range answers {
					due := begin.Add(phase + time.Duration(i)*pause)
					time.Sleep(time.Until(due))
					if err := p.show(v, "live"); err != nil {
						b.Error(err)
					}
					mu.Lock()
					took = append(took, time.Since(due)) // with the time in which it waited for a core
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
	}
}

// BenchmarkALifeEvent asks for pages of "I have moved" with all its services, and saves fields of it as a script does, on SQLite.
func BenchmarkALifeEvent(b *testing.B) {
	tn := newTown(b)
	v := tn.visitor(b, "anna")
	v.get("/events/moved/start").send("want-resident-parking-permit", "yes", "want-dog-registration", "yes", "want-child-care-place", "yes").send("consent", "yes")
	bundle := ""
	drafts := map[string]string{}
	w, err := tn.Intake.Bundles(b.Context(), accesstest.Anna())
	if err != nil || len(w) != 1 {
		b.Fatal(err, w)
	}
	bundle = w[0].ID
	whole, err := tn.Intake.Bundled(b.Context(), accesstest.Anna(), bundle, "de")
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range whole.Parts {
		drafts[f.Service.ID] = f.Draft.ID
	}
	day := tn.Now().AddDate(0, 0, -3).Format("2.1.2006")
	v.get("/apply/"+drafts["change-of-address"]+"/page/new").send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", day).at(draftID+"/page/landlord", 200)
	v.get("/apply/"+drafts["dog-registration"]+"/page/dog").send("dog_name", "Bello", "breed", "Dackel", "large", "no", "listed", "no", "kept_since", day).at(draftID+"/page/reduction", 200)
	do := func(b *testing.B, method, address string, in url.Values) {
		r := httptest.NewRequest(method, address, strings.NewReader(in.Encode()))
		r.Header.Set("Cookie", "who=anna")
		r.Header.Set("Accept-Language", "de")
		if in != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		rec := httptest.NewRecorder()
		if tn.server.Config.Handler.ServeHTTP(rec, r); rec.Code >= 400 {
			b.Fatalf("%s: %d %s", address, rec.Code, rec.Body)
		}
	}
	get := func(address string) func(*testing.B, int) {
		return func(b *testing.B, _ int) { do(b, http.MethodGet, address, nil) }
	}
	field := func(service, page, name string) func(*testing.B, int) {
		return func(b *testing.B, i int) {
			do(b, http.MethodPost, "/apply/"+drafts[service]+"/save/"+page, url.Values{"_field": {name}, name: {fmt.Sprint("A", i)}})
		}
	}
	for _, x := range []struct {
		name string
		do   func(*testing.B, int)
	}{
		{"page of the first form", get("/apply/" + drafts["change-of-address"] + "/page/new")},
		{"page of the last form", get("/apply/" + drafts["child-care-place"] + "/page/child")},
		{"field of the first form", field("change-of-address", "new", "new_street")},
		{"field of its own", field("dog-registration", "dog", "dog_name")},
		{"seen", get("/apply/" + drafts["change-of-address"] + "/seen/new")},
		{"check", get("/bundles/" + bundle + "/check")},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				x.do(b, i)
			}
		})
	}
}
