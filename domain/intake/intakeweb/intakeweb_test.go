// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/i18n"
	"mercator/base/person"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/identity"
	"mercator/core/inspect"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/webtest"

	"github.com/chromedp/chromedp"
)

func catalogue(t testing.TB) *i18n.Catalogue {
	t.Helper()
	cat, err := i18n.Load(append(web.Messages(), Messages(), form.Messages, person.Messages, inspect.Messages)...)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// town is a site with the pages and a house behind them.
type town struct {
	*intaketest.House
	pages  *Pages
	server *httptest.Server
}

// signedIn takes the person from a cookie: the tests of identity hold sessions.
func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("who"); err == nil {
			a := accesstest.Anna()
			switch c.Value {
			case "bora":
				a = accesstest.Bora()
			case "petra":
				a = accesstest.Clerk("32")
			case "basic":
				a.Level = access.Basic
			}
			r = identity.With(r, identity.Session{ID: "s", Actor: a})
		}
		next.ServeHTTP(w, r)
	})
}

func newTown(t testing.TB) *town {
	t.Helper()
	h := intaketest.New(t, storetest.SQLite(t, intaketest.Rooms()))
	cat := catalogue(t)
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Intake: h.Intake, Templates: tmpl, Now: h.Now, Map: plan(t),
		Fee: func(context.Context, *service.Service, form.Answers) (FeeInfo, bool) {
			return FeeInfo{Cents: 3070, Law: "Nummer 265 GebOSt"}, true
		}})
	if err != nil {
		t.Fatal(err)
	}
	site, err := web.New(web.Config{Catalogue: cat, Templates: tmpl, Now: h.Now, Middleware: []func(http.Handler) http.Handler{signedIn},
		Limits: map[string]web.Rate{}, City: web.City{Product: "Mercator", Name: "Stadt Duisburg"}}, p.Mounts(), web.Mounts{
		{Pattern: "GET /cases/{id}", Handler: web.Handle(func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, "case "+r.PathValue("id"))
			return err
		})}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(site)
	t.Cleanup(s.Close)
	return &town{House: h, pages: p, server: s}
}

// visitor is a browser without a script.
type visitor struct {
	t       testing.TB
	town    *town
	client  *http.Client
	who     string
	url     string
	status  int
	body    string
	cookies string
}

func (tn *town) visitor(t testing.TB, who string) *visitor {
	return &visitor{t: t, town: tn, who: who, client: &http.Client{}}
}

func (v *visitor) do(r *http.Request) *visitor {
	v.t.Helper()
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "de")
	v.client.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if v.who != "" {
			next.Header.Set("Cookie", "who="+v.who+v.cookies)
		}
		return nil
	}
	if v.who != "" {
		r.Header.Set("Cookie", "who="+v.who+v.cookies)
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.url, v.status, v.body = res.Request.URL.RequestURI(), res.StatusCode, string(b)
	return v
}

func (v *visitor) get(path string) *visitor {
	v.t.Helper()
	r, err := http.NewRequest("GET", v.town.server.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(r)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
var action = regexp.MustCompile(`<form class="m-form" method="post" action="([^"]+)"`)

// send fills in the form on the page, as a browser does: hidden fields go along.
func (v *visitor) send(pairs ...string) *visitor {
	v.t.Helper()
	m := action.FindStringSubmatch(v.body)
	if m == nil {
		v.t.Fatalf("no form on %s:\n%s", v.url, v.body)
	}
	in := url.Values{}
	for _, h := range hidden.FindAllStringSubmatch(v.body, -1) {
		in.Add(h[1], h[2])
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		in.Add(pairs[i], pairs[i+1])
	}
	return v.post(m[1], in)
}

func (v *visitor) post(path string, in url.Values) *visitor {
	v.t.Helper()
	r, err := http.NewRequest("POST", v.town.server.URL+path, strings.NewReader(in.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r)
}

func (v *visitor) sees(what ...string) *visitor {
	v.t.Helper()
	for _, w := range what {
		if !strings.Contains(v.body, w) {
			v.t.Fatalf("%s (%d) lacks %q:\n%s", v.url, v.status, w, v.body)
		}
	}
	return v
}

func (v *visitor) at(pattern string, status int) *visitor {
	v.t.Helper()
	if !regexp.MustCompile("^"+pattern+"$").MatchString(v.url) || v.status != status {
		v.t.Fatalf("at %s (%d), want %s (%d):\n%s", v.url, v.status, pattern, status, v.body)
	}
	return v
}

const draftID = "/apply/[0-9a-f-]{36}"

func TestTheJourneyWithoutAScript(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").at(draftID+"/data", 200).sees("§ 34 Absatz 1 BMG", "§ 35 Absatz 1 Nummer 3 StVG", "Noch ist nichts abgerufen", "Zurück zur Leistung")
	v.send().at(draftID+"/data", 422).sees("Bitte wählen Sie aus, ob wir die Daten abrufen sollen.", `aria-invalid="true"`, `href="#f-consent"`)
	v.send("consent", "yes").at(draftID+"/page/person", 200).sees("Das wissen wir schon", "Anna", "12.04.1988", "Schritt 1 von 6")
	v.send().at(draftID+"/page/address", 200).sees("Musfeldstraße").send().at(draftID+"/page/vehicle", 200)

	// A question that comes up with an answer is no error.
	v.send("other_vehicle", "true").at(draftID+`/page/vehicle\?more=1`, 200).sees("kommt noch etwas dazu", `name="other_plate"`)
	if strings.Contains(v.body, "aria-invalid") {
		t.Error("the new question is shown as a mistake")
	}
	v.send("other_vehicle", "true", "other_plate", "das weiße").at(draftID+"/page/vehicle", 422).
		sees(`value="das weiße"`, `aria-describedby="f-other_plate-hint f-other_plate-error"`, `href="#f-other_plate"`, `<title>Fehler`)
	draft := strings.Split(v.url, "/")[2]
	// Gone and back another day: the words are still there, and so is what is wrong.
	v.get("/apply/"+draft).at(draftID+"/page/vehicle", 200).sees(`value="das weiße"`, "kommt auf Kennzeichen nicht vor")
	v.send("other_vehicle", "true", "other_plate", "e m 77").at(draftID+"/page/permit", 200)
	v.send("zone", "DE1", "months", "12", "valid_from", "1.1.99").at(draftID+"/page/permit", 422).sees("valid_from", `checked`)
	day := tn.Now().AddDate(0, 0, 3).Format("2.1.2006")
	v.send("zone", "DE1", "months", "12", "valid_from", day).at(draftID+"/page/declare", 200)
	v.send("declared", "true").at(draftID+"/check", 200).sees("E-M 77", "Dellviertel 1", "12 Monate", "30,70", "Antrag absenden und weiter zur Zahlung", "Musfeldstraße")

	// Change one answer and come back to where one was.
	v.get("/apply/"+draft+"/page/permit?check=1").sees("Speichern und zurück zur Übersicht", "Zurück zur Übersicht")
	v.send("zone", "HO2", "months", "24", "valid_from", day).at(draftID+"/check", 200).sees("Hochfeld 2", "24 Monate")
	// What was changed on another device since isn't handed over unseen.
	tn.visitor(t, "anna").get("/apply/"+draft+"/page/permit?check=1").send("zone", "HO2", "months", "6", "valid_from", day).at(draftID+"/check", 200)
	v.send().at(draftID+`/check\?meanwhile=1`, 200).sees("Es wurde noch nichts abgeschickt", "6 Monate")
	v.send().at("/cases/[0-9a-f-]{36}", 200)
	caseURL := v.url
	// The button pressed twice, the page reloaded, the way back: the same case.
	v.post("/apply/"+draft+"/submit", nil).at(regexp.QuoteMeta(caseURL), 200)
	v.get("/apply/"+draft+"/page/permit").at(regexp.QuoteMeta(caseURL), 200)
	if n := len(tn.Cases(t)); n != 1 {
		t.Errorf("%d cases", n)
	}
}

func TestABusinessIsRegisteredByHand(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/business-registration/start").at(draftID+"/data", 200).send("consent", "no").at(draftID+"/tasks", 200).
		sees("0 von 5 Themen", "Über Ihren Betrieb", "Zu erledigen", "Erledigen Sie zuerst: Wer meldet an?; Wo wohnen Sie?; Ihr Betrieb; Was machen Sie?", "Noch nicht möglich")
	draft := "/apply/" + strings.Split(v.url, "/")[2]
	v.get(draft+"/page/declare").at(draftID+"/tasks", 200) // its turn comes later
	v.get(draft+"/page/person").send("given_names", "Änne-Şebnem", "family_name", "von der Heydt", "birth_date", "12. April 88", "nationality", "deutsch").at(draftID+"/tasks", 200).sees("1 von 5 Themen")
	// Back in the middle of a page: nothing typed on it is lost, right or wrong.
	v.get(draft+"/page/home").send("street", "Königstr.", "house_number", "zwölf", "_go", "back").at(draftID+"/tasks", 200).sees("Angefangen")
	v.get(draft + "/page/person").sees(`value="Änne-Şebnem"`)
	v.get(draft+"/page/home").sees(`value="Königstraße"`, `value="zwölf"`)
	v.send("street", "Königstr.", "house_number", "12 A", "postcode", "D-47051", "city", "Duisburg", "email", "").at(draftID+"/tasks", 200)
	// What is answered so far can be seen at any time, and not handed over.
	v.get(draft+"/check").at(draftID+"/check", 200).sees("Ihre Angaben bisher", "12.04.1988", "Weiter mit den Themen")
	if strings.Contains(v.body, "/submit") || strings.Contains(v.body, "aria-invalid") {
		t.Error("an application that isn't done can be handed over, or is full of mistakes")
	}
	v.post(draft+"/submit", nil).at(draftID+"/tasks", 200)
	// In any order.
	v.get(draft+"/page/activity").send("activity", "Fahrräder\nund mehr", "sector", "trade", "start_date", "1.1.27", "employees", "zwei").at(draftID+"/page/activity", 422).sees("Bitte geben Sie eine Zahl ein", `value="zwei"`)
	v.send("activity", "Fahrräder\nund mehr", "sector", "trade", "start_date", "1.1.27", "employees", "2").at(draftID+"/tasks", 200)
	v.get(draft+"/page/business").send("legal_form", "sole", "business_name", "Rad & Tat <Heydt>", "business_street", "Kantstr.", "business_house_number", "3", "business_postcode", "47057").at(draftID+"/tasks", 200).sees("4 von 5 Themen")
	v.get(draft+"/page/declare").send("declared", "true").at(draftID+"/tasks", 200).sees("5 von 5 Themen", draft+"/check")
	v.get(draft+"/check").at(draftID+"/check", 200).sees("Rad &amp; Tat &lt;Heydt&gt;", "12.04.1988", "Königstraße", "12a", "01.01.2027", "Nein", "Keine Angabe")
	v.send().at("/cases/[0-9a-f-]{36}", 200)
	if c := tn.Cases(t)[0]; c["employees"] != float64(2) || c["craft"] != false || c["birth_date"] != "1988-04-12" || c["craft_card"] != nil {
		t.Errorf("%v", c)
	}
}

func TestOneAnswerIsCorrectedOnItsPage(t *testing.T) {
	tn := newTown(t)
	ctx, anna := t.Context(), accesstest.Anna()
	caseID, errs, err := tn.Intake.Apply(ctx, anna, intake.Application{Service: "resident-parking-permit", Key: "k", Lang: "de", Consent: true, Answers: map[string]any{
		"vehicle": "DU-AB 123", "zone": "DE1", "valid_from": tn.Now().AddDate(0, 0, 2).Format(time.DateOnly), "months": "12", "declared": true}})
	if err != nil || len(errs) > 0 {
		t.Fatal(errs, err)
	}
	if err := tn.DB.Write(ctx, func(tx *store.Tx) error {
		return tn.Intake.Correction(ctx, tx, caseID, anna.ID, "street", "Im Register steht <eine> andere Straße.")
	}); err != nil {
		t.Fatal(err)
	}
	open, err := tn.Intake.Corrections(ctx, anna, caseID)
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	page := "/corrections/" + open[0].ID
	if v := tn.visitor(t, "bora").get(page); v.status != 404 {
		t.Errorf("a neighbour: %d", v.status)
	}
	v := tn.visitor(t, "anna").get(page).at(page, 200).sees("&lt;eine&gt; andere Straße", `value="Musfeldstraße"`)
	if strings.Contains(v.body, `name="zone"`) || strings.Contains(v.body, `name="house_number"`) {
		t.Error("more than the one field is asked")
	}
	v.send("street", "☃").at(page, 422).sees(`value="☃"`, `href="#f-street"`)
	v.get(page).sees(`value="☃"`)
	v.send("street", "Königstr.").at("/cases/"+caseID, 200)
	v.get(page).sees("Ihre Berichtigung ist angekommen")
	if got := tn.Cases(t)[0]["street"]; got != "Königstraße" {
		t.Errorf("street %v", got)
	}
}

func TestThePagesSpeakThreeLanguages(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "yes")
	draft := strings.Split(v.url, "/")[2]
	for lang, want := range map[string][]string{
		"en": {"Which parking zone?", "Step 4 of 6", "Continue", "12 months", "Valid from"},
		"tr": {"Hangi park bölgesi?", "Devam", "12 ay", "Başlangıç tarihi"},
	} {
		v.cookies = "; lang=" + lang
		v.get("/apply/" + draft + "/page/permit").sees(want...)
		v.send("months", "12", "zone", "DE1", "valid_from", "").at(draftID+"/page/permit", 422)
	}
}

// Whoever changes the language in the middle of a page keeps what they have typed, right
// or wrong, and stays on the page.
func TestTheLanguageChangesInTheMiddle(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "yes")
	page := "/apply/" + strings.Split(v.url, "/")[2] + "/page/permit"
	v.get(page).sees(`form="form" name="_lang" value="tr"`, `action="`+page+`" id="form"`)
	v.send("zone", "DE1", "valid_from", "neulich", "months", "12", "_lang", "de-simple").at(page, 200)
	v.cookies = "; lang=de-simple"
	v.get(page).at(page, 200).sees("Welches Park-Gebiet?", `<html lang="de"`, `value="neulich"`, `value="DE1" selected`, `value="12" checked`, "Zum Beispiel: 3.5.1990")
	v.send("zone", "", "valid_from", "", "months", "", "_lang", "en").at(page, 200).sees("Welches Park-Gebiet?")
	if strings.Contains(v.body, "aria-invalid") {
		t.Error("what wasn't sent off yet is shown as a mistake")
	}
	v.get(page+"?check=1").send("zone", "DE1", "_lang", "xx").at(regexp.QuoteMeta(page)+`\?check=1&lang=xx`, 200)
}

// A translation that is older than the German text says so, with that text.
func TestAnOlderTranslationIsMarked(t *testing.T) {
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
	text := strings.NewReplacer(`"Bewohnerparkgebiet"`, `"Bewohnerparkgebiet <neu>"`, `"Welches Parkgebiet?"`, `"Welches Gebiet?"`).Replace(string(data))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tn.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no")
	page := "/apply/" + strings.Split(v.url, "/")[2] + "/page/permit"
	for lang, mark := range map[string]string{"de": "", "en": "This translation is older", "tr": "Bu çeviri", "de-simple": "Dieser Text ist älter"} {
		v.cookies = "; lang=" + lang
		v.get(page)
		want := 2
		if mark == "" {
			want = 0
		}
		if n := strings.Count(v.body, "m-older"); n != want {
			t.Errorf("%s: %d marks, want %d", lang, n, want)
		}
		if mark != "" {
			v.sees(mark, `lang="de">Bewohnerparkgebiet &lt;neu&gt;`, `lang="de">Welches Gebiet?`)
		}
	}
}

func TestAChangedFormLosesNothing(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200)
	shown := v.body
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(intaketest.Root()+"/content/services")); err != nil {
		t.Fatal(err)
	}
	file := dir + "/resident-parking-permit/application.form"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(data), `"page": "person"`, `"page": "applicant"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tn.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	v.body = shown
	v.send("given_names", "Anna", "family_name", "☃", "birth_date", "3.5.90").at(draftID+"/page/applicant", 200).sees(`value="Anna"`, `value="☃"`, `value="3.5.1990"`)
	v.post("/apply/"+strings.Split(v.url, "/")[2]+"/page/nowhere", url.Values{"_f": {"nobody"}})
	if v.status != 404 {
		t.Errorf("neither page nor field: %d", v.status)
	}
}

func TestSubmittingTooEarlyNamesEveryGap(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "yes")
	draft := strings.Split(v.url, "/")[2]
	v.post("/apply/"+draft+"/submit", nil).at(draftID+"/submit", 422).sees(
		`/apply/`+draft+`/page/permit?check=1#f-zone"`, "Bitte wählen Sie bei „Bewohnerparkgebiet“ etwas aus.", "Bitte bestätigen Sie: Meine Angaben")
	if strings.Contains(v.body, "Antrag absenden") {
		t.Error("an incomplete application can be sent")
	}
	if len(tn.Cases(t)) != 0 {
		t.Error("a case of an incomplete application")
	}
}

func TestTheAnswersSoFar(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200)
	draft := strings.Split(v.url, "/")[2]
	if strings.Contains(v.body, "Angaben bisher ansehen") {
		t.Error("the first page shows answers that there aren't")
	}
	v.send("given_names", "Anna", "family_name", "Schmidt", "birth_date", "3.5.1990")
	here := regexp.MustCompile(`/page/(\w+)$`).FindStringSubmatch(v.url)[1]
	v.at(draftID+"/page/"+here, 200).sees("Angaben bisher ansehen", `href="/apply/`+draft+`/check?at=`+here+`"`)
	v.get("/apply/"+draft+"/check?at="+here).at(draftID+`/check\?at=`+here, 200).sees("Ihre Angaben bisher", "Schmidt", "03.05.1990", "Weiter mit dem Antrag",
		`href="/apply/`+draft+`/page/`+here+`"`, `href="/apply/`+draft+`/page/person?check=`+here+`#f-family_name"`)
	for _, no := range []string{"Bitte prüfen Sie Ihre Angaben", "Bitte wählen Sie", "Keine Angabe", "Antrag absenden"} {
		if strings.Contains(v.body, no) {
			t.Errorf("the answers so far say %q", no)
		}
	}
	// What is changed there leads back there.
	v.get("/apply/"+draft+"/page/person?check="+here).sees("Zurück zur Übersicht", `href="/apply/`+draft+`/check?at=`+here+`"`)
	v.send("given_names", "Anna", "family_name", "Schmitt", "birth_date", "gestern").at(draftID+"/page/person", 422)
	v.send("given_names", "Anna", "family_name", "Schmitt", "birth_date", "3.5.1990").at(draftID+`/check\?at=`+here, 200).sees("Ihre Angaben bisher", "Schmitt")
	// Nobody is led anywhere else by the address.
	v.get("/apply/"+draft+"/page/person?check="+url.QueryEscape(`//evil.example/"><b>`)).send("given_names", "Anna", "family_name", "Schmitt", "birth_date", "3.5.1990").at(draftID+`/check\?at=%2F%2Fevil.*`, 200)
	// Without having come from a page, everything that is missing is named.
	if v.get("/apply/" + draft + "/check?at=nowhere").sees("Bitte prüfen Sie Ihre Angaben"); strings.Contains(v.body, "Ihre Angaben bisher") {
		t.Error("a page that there isn't is gone on with")
	}
}

func TestForeignForgedAndSignedOut(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200)
	draft := strings.Split(v.url, "/")[2]
	bora := tn.visitor(t, "bora")
	for _, p := range []string{"", "/data", "/page/person", "/check", "/discard", "/file/proof/abc"} {
		if bora.get("/apply/" + draft + p); bora.status != 404 {
			t.Errorf("a neighbour's GET %s: %d", p, bora.status)
		}
	}
	for _, p := range []string{"/data", "/page/person", "/save/person", "/submit", "/discard"} {
		if bora.post("/apply/"+draft+p, url.Values{"given_names": {"Mallory"}, "_field": {"given_names"}}); bora.status != 404 {
			t.Errorf("a neighbour's POST %s: %d", p, bora.status)
		}
	}
	if v.get("/apply/" + draft + "/page/nowhere"); v.status != 404 {
		t.Errorf("a page that there isn't: %d", v.status)
	}
	out := tn.visitor(t, "")
	// A trust level too low for the service.
	for who, paths := range map[string][]string{"who=basic": {"/apply/" + draft, "/services/resident-parking-permit/start"}, "": {"/services/resident-parking-permit/start"}} {
		for _, p := range paths {
			r, _ := http.NewRequest("GET", tn.server.URL+p, nil)
			r.Header.Set("Cookie", who)
			r.Header.Set("Accept", "text/html")
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if loc := res.Header.Get("Location"); res.StatusCode != 303 || !strings.Contains(loc, "level=substantial") {
				t.Errorf("%s at low trust: %d %s", p, res.StatusCode, loc)
			}
		}
	}
	if out.get("/services/nowhere/start"); out.status != 404 {
		t.Errorf("a service that there isn't: %d", out.status)
	}
}

func TestEachFieldIsSavedAsItIsLeft(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no")
	draft := strings.Split(v.url, "/")[2]
	save := func(in url.Values) int {
		v.post("/apply/"+draft+"/save/person", in)
		return v.status
	}
	if s := save(url.Values{"_field": {"given_names"}, "given_names": {"Anna"}}); s != 200 {
		t.Errorf("right: %d", s)
	}
	if s := save(url.Values{"_field": {"birth_date"}, "birth_date": {"dritter"}}); s != 200 {
		t.Errorf("wrong is stored too: %d", s)
	}
	if s := save(url.Values{"given_names": {"x"}}); s != 422 {
		t.Errorf("no field named: %d", s)
	}
	v.get("/apply/"+draft+"/page/person").sees(`value="Anna"`, `value="dritter"`)
	tn.SetNow(tn.Now().AddDate(0, 0, 55))
	v.get("/apply").sees("Angefangene Anträge", "/apply/"+draft, "Wird bald gelöscht").get("/apply/"+draft+"/discard").send().at("/apply", 200).sees("keinen Antrag angefangen")
}

func TestAnAnswerBringsWhatItChangesOnThePage(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/business-registration/start").send("consent", "no")
	draft := strings.Split(v.url, "/")[2]
	v.get("/apply/" + draft + "/page/activity").sees(`data-moves="craft "`)
	if strings.Contains(v.body, "craft_card") {
		t.Error("the card is asked of everybody")
	}
	save := func(in url.Values) { v.post("/apply/"+draft+"/save/activity", in) }
	save(url.Values{"_field": {"craft"}, "craft": {"true"}, "_live": {"1"}, "_wrong": {"employees"}})
	if v.status != 200 {
		t.Fatal(v.status)
	}
	v.sees(`data-patch="known"`, `data-patch="fields"`, `data-field="craft_card"`, `name="_f" value="craft_card"`, `id="f-employees-error"`)
	for _, not := range []string{"<html", "f-craft_card-error", "f-sector-error"} {
		if strings.Contains(v.body, not) {
			t.Errorf("there is %s:\n%s", not, v.body)
		}
	}
	save(url.Values{"_field": {"craft"}, "_live": {"1"}})
	if v.status != 200 || strings.Contains(v.body, "craft_card") {
		t.Errorf("%d: the tick is gone, the question is not", v.status)
	}
}

// TestThePageFollowsAnAnswerInPlace looks in a real browser whether a question comes
// and goes under the hands of who answers, who keeps focus, caret and what is typed.
func TestThePageFollowsAnAnswerInPlace(t *testing.T) {
	tn := newTown(t)
	b := webtest.Open(t)
	b.Go(tn.server.URL + "/apply")
	webtest.Eval[string](b, `document.cookie = "who=anna; path=/"`)
	b.Go(tn.server.URL + "/services/business-registration/start")
	d, err := tn.Intake.Drafts(t.Context(), accesstest.Anna())
	if err != nil || len(d) != 1 {
		t.Fatalf("%d drafts, %v", len(d), err)
	}
	if err := tn.Intake.Consent(t.Context(), accesstest.Anna(), d[0].ID, false); err != nil {
		t.Fatal(err)
	}
	b.Width(360)
	b.Go(tn.server.URL + "/apply/" + d[0].ID + "/page/activity")
	until := func(what, js string) {
		t.Helper()
		for range 200 {
			if webtest.Eval[bool](b, js) {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: never; the page says %q", what, webtest.Eval[string](b, `document.querySelector("[data-autosave-status]").textContent`))
	}
	b.Run(chromedp.SendKeys("#f-activity", "Elektro"))
	b.Run(chromedp.Focus("#f-craft")) // which the browser may scroll to, and not at once
	until("the page stands still", `(window.before = window.now ?? -1, window.now = document.getElementById("f-craft").getBoundingClientRect().top, before === now)`)
	webtest.Eval[bool](b, `(window.box = document.getElementById("f-craft"), window.text = document.getElementById("f-activity"), box.click(), window.top0 = box.getBoundingClientRect().top, true)`)
	until("the card is asked", `!!document.getElementById("f-craft_card")`)
	until("it is said", `document.querySelector("[data-autosave-status]").textContent.includes("something more")`)
	if !webtest.Eval[bool](b, `document.activeElement === box && box.checked && box.isConnected && text.isConnected && text.value === "Elektro"`) {
		t.Error("focus, tick or text are lost")
	}
	if dy := webtest.Eval[float64](b, `Math.abs(box.getBoundingClientRect().top - top0)`); dy > 2 {
		t.Errorf("the page moved by %v pixels", dy)
	}
	// Somebody goes on typing while the answer is on its way.
	webtest.Eval[bool](b, `(box.click(), text.focus(), text.setSelectionRange(3, 3), true)`)
	b.Run(chromedp.SendKeys("#f-activity", "x"))
	until("the card is gone", `!document.getElementById("f-craft_card")`)
	if got := webtest.Eval[string](b, `text.value + "|" + text.selectionStart + "|" + (document.activeElement === text)`); !strings.Contains(got, "x") || !strings.HasSuffix(got, "|true") {
		t.Errorf("what is being typed: %s", got)
	}
	b.Axe("changed in place")
}

func TestHostileInputIsShownEscaped(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no")
	draft := strings.Split(v.url, "/")[2]
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	v.post("/apply/"+draft+"/page/person", url.Values{"_f": {"given_names"}, "given_names": {evil}, "check": {evil}, "_add": {evil}, evil: {evil}})
	v.get("/apply/" + draft + "/page/person").sees("&lt;script&gt;")
	v.get("/apply/" + draft + "/check?check=" + url.QueryEscape(evil))
	if strings.Contains(v.body, "<script>alert") || strings.Contains(v.body, "<img src=x") {
		t.Error("markup from a field is on the page")
	}
	for name, body := range map[string]string{"large": "given_names=" + strings.Repeat("a", 1<<20), "many": strings.Repeat("_f=a&", 5000), "encoding": "given_names=%ff"} {
		r, _ := http.NewRequest("POST", tn.server.URL+"/apply/"+draft+"/save/person", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if v.do(r); v.status < 400 || v.status >= 500 {
			t.Errorf("%s: %d", name, v.status)
		}
	}
}

func TestAStraySignIsAnErrorAtItsFieldOnly(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/business-registration/start").send("consent", "no")
	draft := strings.Split(v.url, "/")[2]
	page := "/apply/" + draft + "/page/activity"
	fields := url.Values{"_f": {"activity", "sector", "start_date", "employees"}, "sector": {"trade"}, "start_date": {"1.1.2027"}, "employees": {"3"}}
	for _, c := range []struct{ typed, want, later string }{
		{"Räder\vund mehr", "", ""}, // a line break of a word processor
		{"Räder\x00", "unsichtbares Zeichen", "Räder\ufffd"},
		{"Räder\x1b[31m", "unsichtbares Zeichen", "unsichtbares Zeichen"},
		{"R\xe4der", "nicht lesbar", "R\ufffdder"}, // another encoding
		{"R\u202eder", "unsichtbares Zeichen", "unsichtbares Zeichen"},
	} {
		fields.Set("activity", c.typed)
		v.post(page, fields)
		if c.want == "" {
			v.at(draftID+"/tasks", 200)
			continue
		}
		v.at(draftID+"/page/activity", 422).sees(c.want, `href="#f-activity"`, `value="3"`)
		v.get(page).sees(c.later, `href="#f-activity"`)
	}
}

func TestUploads(t *testing.T) {
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
	{"type":"filepicker","id":"f_proof","key":"proof","label":"Nachweis","validate":{"required":true},"properties":{"page":"proof","label.en":"Proof","label.tr":"Belge"}},
	{"type":"textfield","id":"f_reason","key":"reason","label":"Anlass","validate":{"required":true},"properties":{"page":"proof"}},`, 1)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tn.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	v := tn.visitor(t, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "yes").at(draftID+"/page/proof", 200).sees(`enctype="multipart/form-data"`)
	draft := strings.Split(v.url, "/")[2]
	v.send().at(draftID+"/page/proof", 422).sees("Bitte fügen Sie bei „Nachweis“ eine Datei hinzu.")
	v.send("reason", "").at(draftID+"/page/proof", 422).sees("Bitte füllen Sie das Feld „Anlass“ aus.", "Bitte fügen Sie bei „Nachweis“ eine Datei hinzu.")
	upload := func(name, content string) {
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		w.WriteField("_f", "proof")
		w.WriteField("_f", "reason")
		w.WriteField("reason", "Umzug")
		f, _ := w.CreateFormFile("proof", name)
		io.WriteString(f, content)
		w.Close()
		r, _ := http.NewRequest("POST", tn.server.URL+"/apply/"+draft+"/page/proof", &buf)
		r.Header.Set("Content-Type", w.FormDataContentType())
		v.do(r)
	}
	upload("lease.pdf", "MZ not a PDF")
	v.at(draftID+"/page/proof", 422).sees("Diese Art von Datei können wir nicht annehmen.", `href="#f-proof"`)
	const lease = "%PDF-1.4\n1 0 obj\n<</Type /Page>>\nendobj\n2 0 obj\n<</Type /Page>>\nendobj\n%%EOF"
	upload("lease.pdf", lease)
	v.at(draftID+"/page/person", 200)
	v.get("/apply/"+draft+"/page/proof").sees("lease.pdf", `name="proof.remove"`, "2 Seiten", "Wird noch auf Schadsoftware geprüft")
	link := regexp.MustCompile(`/apply/[0-9a-f-]+/file/proof/[0-9a-f]{64}`).FindString(v.body)
	if v.get(link); v.status != 200 || v.body != lease {
		t.Errorf("the file: %d %q", v.status, v.body)
	}
	v.get("/apply/"+draft+"/page/proof").post("/apply/"+draft+"/page/proof", url.Values{"_f": {"proof"}, "proof.remove": {link[strings.LastIndex(link, "/")+1:]}})
	v.at(draftID+"/page/proof", 200)
	if strings.Contains(v.body, "lease.pdf") {
		t.Error("the file is still there")
	}
}

func TestTemplatesFitTheirData(t *testing.T) {
	p := newTown(t).pages
	webtest.CheckView(t, "notice", p.notice.Template("de"), web.Page[noticePage]{})
	webtest.CheckView(t, "page", p.page.Template("de"), web.Page[formPage]{})
	webtest.CheckView(t, "check", p.check.Template("de"), web.Page[checkPage]{})
	webtest.CheckView(t, "drafts", p.drafts.Template("de"), web.Page[draftsPage]{})
	webtest.CheckView(t, "discard", p.discard.Template("de"), web.Page[discardPage]{})
	webtest.CheckView(t, "correct", p.correct.Template("de"), web.Page[correctPage]{})
}

func TestEveryMessageIsThereInEveryLanguage(t *testing.T) {
	cat := catalogue(t)
	for _, m := range cat.Missing() {
		t.Error(m)
	}
	files, err := templates.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range files {
		b, _ := templates.ReadFile("templates/" + f.Name())
		text.Write(b)
	}
	for _, f := range []string{"pages.go", "check.go", "fields.go", "upload.go", "../service.go", "../upload.go"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	used := regexp.MustCompile(`"(intake\.[a-zA-Z.]+)"`).FindAllStringSubmatch(text.String(), -1)
	if len(used) < 40 {
		t.Fatalf("only %d keys found", len(used))
	}
	ops := regexp.MustCompile(`op = "(intake\.[a-zA-Z]+)"`).FindAllStringSubmatch(text.String(), -1)
	isOp := func(k string) bool {
		return slices.ContainsFunc(ops, func(m []string) bool { return m[1] == k }) || strings.Contains(text.String(), `fault.Wrap("`+k+`"`) ||
			strings.Contains(text.String(), `Internalf("`+k+`"`) || strings.Contains(text.String(), `fault.NotFound, "`+k+`"`) || strings.Contains(text.String(), `a, id, func`) && k == "intake.removeFile" || strings.Contains(text.String(), `in.change(ctx, "`+k+`"`)
	}
	for _, m := range used {
		if !cat.Has(m[1]) && !isOp(m[1]) {
			t.Errorf("%s has no text", m[1])
		}
	}
}

// TestBrowser looks at every page in a real browser with axe, at the width of a
// phone and of a desk, and types into one: each field is saved as it is left.
// The journey without a script is TestTheJourneyWithoutAScript.
func TestBrowser(t *testing.T) {
	tn := newTown(t)
	b := webtest.Open(t)
	b.Go(tn.server.URL + "/apply")
	webtest.Eval[string](b, `document.cookie = "who=anna; path=/"`)
	b.Go(tn.server.URL + "/services/resident-parking-permit/start")
	ctx, anna := t.Context(), accesstest.Anna()
	d, err := tn.Intake.Drafts(ctx, anna)
	if err != nil || len(d) != 1 {
		t.Fatalf("%d drafts, %v", len(d), err)
	}
	id := d[0].ID
	base := tn.server.URL + "/apply/" + id
	look := func(what, url string) {
		t.Helper()
		for _, width := range []int{360, 1280} {
			b.Width(width)
			b.Go(url)
			b.NoSidewaysScroll(what)
			if width == 360 {
				b.SmallTargets(what)
			}
			b.Axe(what)
			if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
				b.Screenshot(fmt.Sprintf("%s/intake-%s-%d.png", dir, strings.ReplaceAll(what, " ", "-"), width))
			}
		}
	}
	look("data notice", base+"/data")
	if err := tn.Intake.Consent(ctx, anna, id, true); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"person", "vehicle", "permit", "declare"} {
		look(p, base+"/page/"+p)
	}
	look("check with errors", base+"/check")

	// Typed, left, saved: nobody has pressed a button.
	b.Width(360)
	b.Go(base + "/page/permit")
	b.Run(chromedp.SendKeys("#f-valid_from", "irgendwann"), chromedp.Blur("#f-valid_from"))
	saved := false
	for range 100 {
		draft, err := tn.Intake.Draft(ctx, anna, id)
		if err != nil {
			t.Fatal(err)
		}
		if saved = draft.Raw["valid_from"] == "irgendwann"; saved {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !saved {
		t.Error("the field was left and is not saved")
	}
	look("page with an error", base+"/page/permit")
	look("drafts", tn.server.URL+"/apply")
	caseID, errs, err := tn.Intake.Apply(ctx, anna, intake.Application{Service: "resident-parking-permit", Key: "k", Lang: "de", Consent: true, Answers: map[string]any{
		"vehicle": "DU-AB 123", "zone": "DE1", "valid_from": tn.Now().AddDate(0, 0, 2).Format(time.DateOnly), "months": "12", "declared": true}})
	if err != nil || len(errs) > 0 {
		t.Fatal(errs, err)
	}
	if err := tn.DB.Write(ctx, func(tx *store.Tx) error {
		return tn.Intake.Correction(ctx, tx, caseID, anna.ID, "street", "Bitte prüfen.")
	}); err != nil {
		t.Fatal(err)
	}
	open, err := tn.Intake.Corrections(ctx, anna, caseID)
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	look("correction", tn.server.URL+"/corrections/"+open[0].ID)
	look("discard", base+"/discard")
}

func BenchmarkFormPage(b *testing.B) {
	tn := newTown(b)
	v := tn.visitor(b, "anna")
	v.get("/services/resident-parking-permit/start").send("consent", "yes")
	draft := strings.Split(v.url, "/")[2]
	b.ReportAllocs()
	for b.Loop() {
		if v.get("/apply/" + draft + "/page/permit"); v.status != 200 {
			b.Fatal(v.status)
		}
	}
}

// A new version of the form comes into force: its owner is told once what of it concerns them, on the page, the list or the check,
// whichever they meet first, in their language.
func TestAChangedFormIsToldOnce(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/business-registration/start").send("consent", "no")
	draft := "/apply/" + strings.Split(v.url, "/")[2]
	v.get(draft+"/page/business").send("legal_form", "gbr", "business_name", "Rad & Tat <Heydt>", "business_street", "Kantstr.", "business_house_number", "3", "business_postcode", "47057").at(draftID+"/tasks", 200)
	shown := v.get(draft + "/page/business").body
	change := func(rules string, changes ...string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(intaketest.Root()+"/content/services")); err != nil {
			t.Fatal(err)
		}
		file := dir + "/business-registration/application.form"
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.NewReplacer(changes...).Replace(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/business-registration/migrate.toml", []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := tn.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	change("[[step]]\n[[step.rule]]\nold = \"business_name\"\nnew = \"trade_name\"\n",
		`"key": "business_name"`, `"key": "trade_name"`, `"value": "gbr"`, `"value": "partnership"`, `"key": "business_postcode"`, `"key": "postcode_of_business"`)
	for lang, want := range map[string]string{
		"de": "Wird nicht mehr gefragt: „Postleitzahl des Betriebs“. Ihre Antwort war: 47057", "en": "No longer asked: &#34;Postcode of the business&#34;. Your answer was: 47057",
		"tr": "Artık sorulmuyor", "de-simple": "Das fragen wir nicht mehr",
	} {
		v.cookies = "; lang=" + lang
		v.get(draft+"/tasks").at(draftID+"/tasks", 200).sees(want, `name="_told"`)
	}
	v.cookies = "; lang=de"
	v.get(draft+"/check").at(draftID+"/check", 200).sees("Das Formular hat sich geändert", "Rad &amp; Tat &lt;Heydt&gt;")
	v.get(draft+"/page/business").at(draftID+"/page/business", 200).sees("Das Formular hat sich geändert", `name="trade_name" type="text" value="Rad &amp; Tat &lt;Heydt&gt;"`, `name="postcode_of_business"`)
	// Saving a field isn't having seen it.
	v.post(draft+"/save/activity", url.Values{"_field": {"activity"}, "activity": {"Räder"}})
	v.get(draft + "/tasks").sees("Das Formular hat sich geändert")
	// A page of the version before comes in: its words go where they belong now.
	v.body = shown
	v.send("business_name", "Rad & Rat", "business_postcode", "47058").get(draft + "/tasks").sees("Ihre Antwort war: 47058").get(draft + "/page/business").sees(`value="Rad &amp; Rat"`)
	// Sent with it before their eyes, and it is told no more.
	v.send("legal_form", "partnership", "trade_name", "Rad & Rat", "business_street", "Kantstr.", "business_house_number", "3", "postcode_of_business", "47057").at(draftID+"/tasks", 200)
	if strings.Contains(v.body, "Das Formular hat sich geändert") {
		t.Error("told twice")
	}
	// And again, ended by the button.
	change("", `"Name des Betriebs"`, `"Name der Firma"`)
	v.get(draft + "/tasks").sees("Das Formular hat sich geändert")
	form := regexp.MustCompile(`(?s)action="` + draft + `/told".*?value="([0-9a-f]{16})"`).FindStringSubmatch(v.body)
	if form == nil {
		t.Fatalf("no button:\n%s", v.body)
	}
	v.post(draft+"/told", url.Values{"_told": {form[1]}}).at(draftID+"/tasks", 200)
	if strings.Contains(v.body, "Das Formular hat sich geändert") {
		t.Error("told after it was understood")
	}
}

// Rows of lists within lists come and go without a script: each is called by its name, and who presses a button goes on there.
func TestRowsWithinRowsComeAndGo(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/child-care-place/start").send("consent", "no")
	page := "/apply/" + strings.Split(v.url, "/")[2] + "/page/contribution"
	var to string
	press := func(button, name string, fields ...string) *visitor {
		t.Helper()
		in := url.Values{button: {name}, form.PostedField: {"benefit"}, "benefit": {"no"}}
		for i := 0; i < len(fields); i += 2 {
			in.Add(form.PostedField, fields[i])
			in.Set(fields[i], fields[i+1])
		}
		r, err := http.NewRequest("POST", tn.server.URL+page, strings.NewReader(in.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", "who=anna")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if to = res.Header.Get("Location"); res.StatusCode == 303 {
			v.get(strings.Split(to, "#")[0])
		}
		v.status = res.StatusCode
		return v
	}
	goes := func(want string) {
		t.Helper()
		if to != page+"#"+want || !strings.Contains(v.body, `id="`+want+`" tabindex="-1" aria-labelledby="`+want+`-h"`) {
			t.Fatalf("to %s, want %s:\n%s", to, want, v.body)
		}
	}
	press(form.AddRow, "earners")
	goes("f-earners-0")
	press(form.AddRow, "earners.0.incomes", "earners.0.earner", "Anna", "earners.0.incomes.0.amount", "viel")
	goes("f-earners-0-incomes-1")
	v.sees(`id="f-earners-0-incomes-1-h">Einkommen 2 von Elternteil 1</h`, `name="_remove" value="earners.0.incomes.1"`, "Einkommen 2 von Elternteil 1 entfernen", `value="viel"`)
	press(form.RemoveRow, "earners.0.incomes.0", "earners.0.incomes.0.amount", "viel", "earners.0.incomes.1.amount", "12,50")
	goes("f-earners-0-incomes-0")
	v.sees(`value="12,50"`)
	if strings.Contains(v.body, "viel") || strings.Contains(v.body, "earners.0.incomes.1") {
		t.Errorf("the row is still there:\n%s", v.body)
	}
	// Of a page that is sent, the summary leads to the field in its row and says which it is.
	v.post(page, url.Values{form.PostedField: {"earners.0.incomes.0.amount"}, "earners.0.incomes.0.amount": {"viel"}}).at(page, 422)
	v.sees(`<a class="kern-link" href="#f-earners-0-incomes-0-amount">Einkommen 1 von Elternteil 1: Betrag im Jahr: `)
	for range form.MaxRows + 2 {
		if press(form.AddRow, "earners"); v.status != 303 {
			break
		}
	}
	if v.status != 422 {
		t.Errorf("more rows than fit: %d", v.status)
	}
	press(form.RemoveRow, "earners.0")
	goes("f-earners-0")
}
