// SPDX-License-Identifier: EUPL-1.2

package catalogueweb

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"mercator/base/i18n"
	"mercator/domain/catalogue"
	"mercator/web"
	"mercator/web/webtest"
)

// services are the packages of content/services, as far as these pages show them.
func services(t testing.TB) []catalogue.Service {
	t.Helper()
	var out []catalogue.Service
	for _, id := range []string{"resident-parking-permit", "business-registration", "change-of-address", "dog-registration"} {
		var f struct {
			Trust, Office                               string
			Topics, Synonyms                            []string
			Title, Summary, Eligible, Duration, Purpose i18n.Text
			Need                                        []i18n.Text
			Law                                         []catalogue.Law
			Data                                        []struct {
				Register, Basis string
				Purpose         i18n.Text
			}
			Fee struct {
				Example []struct{ Label i18n.Text }
			}
		}
		if _, err := toml.DecodeFile("../../../content/services/"+id+"/service.toml", &f); err != nil {
			t.Fatal(err)
		}
		s := catalogue.Service{ID: id, Title: f.Title, Summary: f.Summary, Eligible: f.Eligible, Duration: f.Duration, Purpose: f.Purpose,
			Needs: f.Need, Laws: f.Law, Office: f.Office, Trust: f.Trust, Topics: f.Topics, Synonyms: f.Synonyms}
		for _, d := range f.Data {
			s.Data = append(s.Data, catalogue.Use{Register: d.Register, Purpose: d.Purpose, Basis: d.Basis})
		}
		for i, e := range f.Fee.Example {
			s.Fees = append(s.Fees, catalogue.Fee{Label: e.Label, Cents: int64(i+1) * 1520, Law: "Nummer 265 GebOSt"})
		}
		out = append(out, s)
	}
	return out
}

// events are those of content/events.
func events(t testing.TB) []catalogue.Event {
	t.Helper()
	var f struct {
		ID               string
		Title, Summary   i18n.Text
		Topics, Synonyms []string
	}
	if _, err := toml.DecodeFile("../../../content/events/moved/event.toml", &f); err != nil {
		t.Fatal(err)
	}
	return []catalogue.Event{{ID: f.ID, Title: f.Title, Summary: f.Summary, Topics: f.Topics, Synonyms: f.Synonyms}}
}

func site(t testing.TB, list []catalogue.Service) *web.Site {
	t.Helper()
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		if strings.Contains(m, "catalogueweb") {
			t.Error(m)
		}
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	topics, err := catalogue.LoadTopics(os.DirFS("../../../content/city"))
	if err != nil {
		t.Fatal(err)
	}
	directory := catalogue.NewDirectory(topics, list)
	directory.ReplaceEvents(events(t))
	ms, err := Mounts(Config{
		Templates: tmpl, Directory: directory,
		City: City{Phone: "0203 94000", PhoneShort: "115", Hours: i18n.Text{"de": "Montag bis Freitag 8 bis 18 Uhr", "en": "Monday to Friday 8 am to 6 pm"}},
		Office: func(id string) (catalogue.Office, bool) {
			return catalogue.Office{ID: id, Name: i18n.Text{"de": "Bürger- und Ordnungsamt", "en": "Citizens' office"}, Address: "Königstraße 63\n47051 Duisburg",
				Phone: "0203 94032", Email: "amt32@stadt.example", Hours: i18n.Plain("Mo-Fr 8-12")}, id == "32"
		},
		Register: func(id string) i18n.Text {
			return map[string]i18n.Text{"residents": {"de": "Melderegister", "en": "Register of residents", "tr": "Nüfus kayıt sistemi"}}[id]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := web.New(web.Config{Catalogue: cat, Templates: tmpl, City: web.City{Product: "Mercator", Name: "Stadt Duisburg"},
		Limits: map[string]web.Rate{}}, ms)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s http.Handler, target, lang string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestAServiceIsFoundFromTheHomePageInEachLanguage(t *testing.T) {
	s := site(t, services(t))
	for _, c := range []struct{ lang, query, home, title, start string }{
		{"de", "Parkplatz vor der Tür", "Was möchten Sie erledigen?", "Bewohnerparkausweis", "Jetzt beantragen"},
		{"de", "bewonerparkausweiss", "Was möchten Sie erledigen?", "Bewohnerparkausweis", "Jetzt beantragen"},
		{"en", "resident parkng", "What would you like to do?", "Resident parking permit", "Apply now"},
		{"tr", "park kartı", "Ne yapmak istiyorsunuz?", "Mahalle sakini park kartı", "Şimdi başvur"},
	} {
		home := get(s, "/", c.lang).Body.String()
		if !strings.Contains(home, c.home) || !strings.Contains(home, `action="/services"`) {
			t.Errorf("%s: the home page lacks %q or the search", c.lang, c.home)
		}
		found := get(s, "/services?"+url.Values{"q": {c.query}}.Encode(), c.lang).Body.String()
		if !strings.Contains(found, c.title) || !strings.Contains(found, `href="/services/resident-parking-permit"`) {
			t.Errorf("%s: %q doesn't lead to %q", c.lang, c.query, c.title)
		}
		page := get(s, "/services/resident-parking-permit", c.lang).Body.String()
		for _, want := range []string{c.title, c.start, `href="/services/resident-parking-permit/start"`, "0203 94032", "0203 94000", "§ 45 Absatz 1b", "§ 34 Absatz 1 BMG"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the service page lacks %q", c.lang, want)
			}
		}
	}
	if page := get(s, "/services/resident-parking-permit", "de").Body.String(); !strings.Contains(page, "30,40") || !strings.Contains(page, "Melderegister") {
		t.Error("the service page lacks fee or register")
	}
}

// Whoever types what has happened to them finds the life event before the service; whoever names a service finds that one first.
func TestALifeEventIsFoundAsServicesAre(t *testing.T) {
	s := site(t, services(t))
	event, list := `href="/events/moved"`, `href="/services/`
	page := func(address string) string {
		t.Helper()
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, address, nil))
		if rec.Code != http.StatusOK || strings.Count(rec.Body.String(), event) > 1 {
			t.Errorf("%s: %d", address, rec.Code)
		}
		_, main, _ := strings.Cut(rec.Body.String(), "<main")
		return main
	}
	for address, first := range map[string]bool{"/": true, "/services": true, "/services?topic=living": true, "/services?q=Umzug": true, "/services?q=umgezogen": true,
		"/services?q=moving": true, "/services?q=yeni+ev": true, "/services?q=Hund+anmelden": false, "/services?q=Hundesteuer+anmelden": false} {
		main := page(address)
		at, services := strings.Index(main, event), strings.Index(main, list)
		if at < 0 || services >= 0 && (at < services) != first {
			t.Errorf("%s: the life event at %d, services at %d", address, at, services)
		}
	}
	for _, address := range []string{"/services?q=Gewerbe", "/services?topic=business", "/services?q=xyzzyx"} {
		if strings.Contains(page(address), event) {
			t.Errorf("%s leads to it", address)
		}
	}
}

func TestWhatIsNotFoundSaysSoAndHelpsOn(t *testing.T) {
	s := site(t, services(t))
	w := get(s, "/services?q=%3Cscript%3Ealert(1)%3C/script%3Exyzzy", "de")
	body := w.Body.String()
	if w.Code != 200 || strings.Contains(body, "<script>alert") || !strings.Contains(body, "nichts gefunden") || !strings.Contains(body, "0203 94000") {
		t.Errorf("status %d: %s", w.Code, body)
	}
	for target, want := range map[string]int{
		"/services/no-such-service": 404, "/services/..%2f..%2fetc": 404, "/services?q=" + strings.Repeat("x", 5000): 200,
		"/services?q=%ff%fe%00": 200, "/services?topic=mobility": 200, "/services?topic=unknown": 200, "/services": 200,
	} {
		if w := get(s, target, "de"); w.Code != want {
			t.Errorf("%.40s: %d, want %d", target, w.Code, want)
		}
	}
	if body := get(s, "/services?topic=mobility", "de").Body.String(); strings.Contains(body, "business-registration") {
		t.Error("the topic of traffic lists the business registration")
	}
	if w := get(site(t, nil), "/", "de"); w.Code != 200 {
		t.Errorf("a city without services: %d", w.Code)
	}
}

func TestTemplatesFitTheirPages(t *testing.T) {
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	home, err1 := web.NewView[homePage](tmpl, templateFS, "templates/home.html")
	results, err2 := web.NewView[resultsPage](tmpl, templateFS, "templates/results.html")
	service, err3 := web.NewView[servicePage](tmpl, templateFS, "templates/service.html")
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	webtest.CheckView(t, "home", home.Template("de"), web.Page[homePage]{})
	webtest.CheckView(t, "results", results.Template("de"), web.Page[resultsPage]{})
	webtest.CheckView(t, "service", service.Template("de"), web.Page[servicePage]{})
}

func TestPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := webtest.Open(t)
	srv := httptest.NewServer(site(t, services(t)))
	defer srv.Close()
	for _, width := range []int{320, 360, 1280} {
		b.Width(width)
		for _, page := range []string{"/", "/services", "/services?q=parkausweis", "/services?q=xyzzy", "/services/resident-parking-permit", "/services/business-registration?lang=tr"} {
			b.Go(srv.URL + page)
			b.Axe(page)
			b.NoSidewaysScroll(page)
			b.SmallTargets(page)
			if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
				b.Screenshot(dir + "/" + strings.NewReplacer("/", "_", "?", "_", "=", "_").Replace(page) + "_" + map[int]string{320: "320", 360: "360", 1280: "1280"}[width] + ".png")
			}
		}
	}
}

func BenchmarkServicePage(b *testing.B) {
	s := site(b, services(b))
	b.ReportAllocs()
	for b.Loop() {
		get(s, "/services/resident-parking-permit", "de")
	}
}

func BenchmarkSearchPage(b *testing.B) {
	s := site(b, services(b))
	for b.Loop() {
		get(s, "/services?q=bewonerparkausweiss", "de")
	}
}
