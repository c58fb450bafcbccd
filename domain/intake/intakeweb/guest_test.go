// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mercator/core/access/accesstest"
)

// browser keeps cookies, and stops at the sign-in: who signs in is set by hand.
func (tn *town) browser(t testing.TB) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, town: tn, client: &http.Client{Jar: jar}}
}

// comes is signing in (or out, as nobody) in a browser.
func (v *visitor) comes(who string) *visitor {
	u, _ := url.Parse(v.town.server.URL)
	c := &http.Cookie{Name: "who", Value: who, Path: "/"}
	if who == "" {
		c.MaxAge = -1
	}
	v.client.Jar.SetCookies(u, []*http.Cookie{c})
	return v
}

// backFrom is where the sign-in leads back to.
func (v *visitor) backFrom(level string) string {
	v.t.Helper()
	u, err := url.Parse(v.url)
	if err != nil || u.Path != "/signin" || u.Query().Get("level") != level {
		v.t.Fatalf("at %s, want the sign-in for %q:\n%s", v.url, level, v.body)
	}
	return u.Query().Get("back")
}

func TestBeginningWithoutSigningIn(t *testing.T) {
	tn := newTown(t)
	v := tn.browser(t)
	// Where it isn't allowed the way leads to the sign-in, by whatever method.
	v.get("/services/resident-parking-permit/start").backFrom("substantial")
	if v.post("/services/resident-parking-permit/start", nil); v.status != 404 {
		t.Errorf("begun all the same: %d", v.status)
	}
	v.get("/services/business-registration/start").at("/services/business-registration/start", 200).sees("Ohne Anmeldung beginnen", "Anmelden und beginnen")
	v.send().at(draftID+"/tasks", 200).sees("Sie sind nicht angemeldet", "Anmelden und behalten")
	draft := strings.Split(v.url, "/")[2]
	v.get("/apply/" + draft + "/page/person")
	v.send("given_names", "Änne", "family_name", "Schmidt", "birth_date", "weiß nicht", "nationality", "deutsch").at(draftID+"/page/person", 422).sees(`value="weiß nicht"`)
	v.send("given_names", "Änne", "family_name", "Schmidt", "birth_date", "12.4.1988", "nationality", "deutsch").at(draftID+"/tasks", 200)
	v.get("/apply/"+draft+"/page/home").send("street", "Königstr.", "house_number", "12", "postcode", "47051", "city", "Duisburg", "email", "")
	v.get("/apply/"+draft+"/page/business").send("legal_form", "sole", "business_name", "Rad", "business_street", "Kantstr.", "business_house_number", "3", "business_postcode", "47057")
	v.get("/apply/"+draft+"/page/activity").send("activity", "Fahrräder", "sector", "trade", "start_date", "1.1.27", "employees", "2")
	v.get("/apply/"+draft+"/page/declare").send("declared", "true").at(draftID+"/tasks", 200)
	v.get("/apply/"+draft+"/check").at(draftID+"/check", 200)
	if strings.Contains(v.body, "Antrag absenden") {
		t.Error("can be handed over without a person")
	}
	v.sees("Zum Absenden melden Sie sich bitte an", "Anmelden und weiter")
	v.get("/apply/" + draft + "/data").backFrom("substantial")
	if v.post("/apply/"+draft+"/submit", url.Values{}); v.status != 401 {
		t.Errorf("submitted: %d", v.status)
	}
	// Another browser, signed in or not, has no way to it.
	other := tn.browser(t)
	other.get("/apply/" + draft).backFrom("")
	for _, who := range []string{"bora", "anna"} {
		if other.comes(who).get("/apply/" + draft); other.status != 404 {
			t.Errorf("%s in another browser: %d", who, other.status)
		}
	}
	// A level too low claims nothing; well enough, and it's hers: the data notice comes now.
	v.comes("basic").get("/apply/" + draft).backFrom("substantial")
	v.comes("anna").get("/apply/"+draft).at(draftID+"/data", 200).sees("Noch ist nichts abgerufen")
	v.send("consent", "no").at(draftID+"/tasks", 200)
	v.get("/apply/" + draft + "/page/person").sees(`value="Änne"`)
	// Who comes to this browser later doesn't see it.
	for _, who := range []string{"", "bora"} {
		if v.comes(who).get("/apply/" + draft + "/page/person"); strings.Contains(v.body, "Änne") {
			t.Errorf("%q sees it", who)
		}
	}
	if v.comes("anna").get("/apply/" + draft); v.status != 200 {
		t.Errorf("the owner: %d", v.status)
	}
}

// picture is a small photo.
func picture(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sendFiles sends a page with files, as a browser does.
func (v *visitor) sendFiles(field string, files map[string]string, pairs ...string) *visitor {
	v.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, h := range hidden.FindAllStringSubmatch(v.body, -1) {
		pairs = append(pairs, h[1], h[2])
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	for name, content := range files {
		part, err := w.CreateFormFile(field, name)
		if err != nil {
			v.t.Fatal(err)
		}
		io.WriteString(part, content)
	}
	w.Close()
	r, err := http.NewRequest("POST", v.town.server.URL+v.url, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return v.do(r)
}

func TestAddingFilesWithoutSigningIn(t *testing.T) {
	tn := newTown(t)
	v := tn.browser(t)
	v.post("/services/report-defect/start", nil).at(draftID+"/page/place", 200)
	draft := "/apply/" + strings.Split(v.url, "/")[2]
	v.get(draft+"/page/what").sees("Solange Sie nicht angemeldet sind: höchstens 10 Dateien, jede höchstens 6 MB", `data-upload="`+draft+`/uploads"`)
	said := []string{"concern", "road", "text", "Ein tiefes Loch"}
	// What can't be taken is said at the field, and what is typed stays.
	v.sendFiles("photos", map[string]string{"large.jpg": "\xff\xd8\xff" + strings.Repeat("x", 6e6)}, said...).at(draftID+"/page/what", 422).
		sees("Ohne Anmeldung darf eine Datei höchstens 6 MB haben", "melden Sie sich an", "Ein tiefes Loch", `href="#f-photos"`)
	v.sendFiles("photos", map[string]string{"program.jpg": "MZ\x90\x00 a program"}, said...).at(draftID+"/page/what", 422)
	v.sendFiles("photos", map[string]string{"hole.jpg": picture(t)}, said...)
	v.get(draft+"/page/what").sees("hole.jpg", "/preview")
	preview := regexp.MustCompile(`src="(/apply/[^"]+/preview)"`).FindStringSubmatch(v.body)
	if preview == nil {
		t.Fatalf("no preview:\n%s", v.body)
	}
	if v.get(preview[1]); v.status != 200 || !strings.HasPrefix(v.body, "\xff\xd8\xff") {
		t.Errorf("the preview: %d", v.status)
	}
	// In parts, of which the first comes now.
	tus := func(method, path, body string, header ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequest(method, tn.server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		header = append(header, "Tus-Resumable", "1.0.0")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := v.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	whole := strings.Replace(picture(t), "\xff\xd9", "\xff\xfe\x00\x04hi\xff\xd9", 1) // another file
	res := tus("POST", draft+"/uploads", "", "Upload-Length", strconv.Itoa(len(whole)), "Upload-Metadata", "field cGhvdG9z,filename bW9yZS5qcGc=")
	at := res.Header.Get("Location")
	ends, err := http.ParseTime(res.Header.Get("Upload-Expires"))
	if res.StatusCode != 201 || at == "" || err != nil || ends.Sub(tn.Now()) > 2*time.Hour {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	if res = tus("PATCH", at, whole[:100], "Content-Type", tusPart, "Upload-Offset", "0"); res.StatusCode != 204 {
		t.Fatalf("%d", res.StatusCode)
	}
	v.get(draft+"/page/what").sees("more.jpg", "Wählen Sie dieselbe Datei noch einmal aus")
	// Signed in, both are hers, and the second goes on where it was.
	v.comes("anna").get(draft+"/page/what").at(draftID+"/page/what", 200).sees("hole.jpg", "/preview", "more.jpg", "Wählen Sie dieselbe Datei noch einmal aus")
	if strings.Contains(v.body, "Solange Sie nicht angemeldet sind") {
		t.Error("she is signed in")
	}
	if res = tus("HEAD", at, ""); res.StatusCode != 200 || res.Header.Get("Upload-Offset") != "100" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res = tus("PATCH", at, whole[100:], "Content-Type", tusPart, "Upload-Offset", "100"); res.StatusCode != 204 {
		t.Errorf("%d", res.StatusCode)
	}
	if v.get(draft + "/page/what"); strings.Count(v.body, `/preview"`) != 2 || strings.Contains(v.body, "Wählen Sie dieselbe") {
		t.Errorf("not both are there:\n%s", v.body)
	}
	// Nobody sees them here when she has gone.
	if v.comes("").get(preview[1]); strings.HasPrefix(v.body, "\xff\xd8\xff") {
		t.Error("the browser still has them")
	}
}

func TestAPageSentWhileSignedOutIsThereAfterSigningIn(t *testing.T) {
	tn := newTown(t)
	v := tn.browser(t).comes("anna")
	v.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200)
	draft := strings.Split(v.url, "/")[2]
	v.comes("").send("given_names", "Änne \"<", "family_name", "Schmidt", "birth_date", "12.4.1988")
	back := v.backFrom("")
	if back != "/apply/"+draft+"/page/person" || strings.Contains(v.body, "Änne") {
		t.Errorf("leads back to %s", back)
	}
	// Somebody else signs in here first.
	if v.comes("bora").get(back); v.status != 404 || strings.Contains(v.body, "Änne") {
		t.Errorf("somebody else: %d", v.status)
	}
	v.comes("anna").get(back).at(draftID+"/page/person", 200).sees("Ihre Anmeldung war abgelaufen", `value="Änne &#34;&lt;"`, `value="12.4.1988"`)
	if v.get(back); strings.Contains(v.body, "Ihre Anmeldung war abgelaufen") {
		t.Error("said twice")
	}
	// With a file, and after a step-up.
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, pair := range [][2]string{{"_f", "given_names"}, {"given_names", "Annegret"}} {
		if err := w.WriteField(pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("proof", "a.pdf")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, "%PDF-1.7")
	w.Close()
	r, _ := http.NewRequest("POST", tn.server.URL+back, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	v.comes("basic").do(r)
	back = v.backFrom("substantial")
	v.comes("anna").get(back).sees("Ihre Anmeldung war abgelaufen", "Dateien wählen Sie bitte noch einmal aus", `value="Annegret"`)
}

func TestTwoTabsTellEachOther(t *testing.T) {
	tn := newTown(t)
	phone := tn.browser(t).comes("anna")
	phone.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200)
	draft := strings.Split(phone.url, "/")[2]
	laptop := tn.browser(t).comes("anna")
	laptop.get("/apply/" + draft + "/page/person")
	person := func(name string) []string {
		return []string{"given_names", name, "family_name", "Schmidt", "birth_date", "12.4.1988"}
	}
	phone.send(person("Anna")...).at(draftID+"/page/address", 200)
	// Sent over it from a page that was shown before: said at the field, both are there.
	laptop.send(person("Änne")...).at(draftID+"/page/person", 422).sees("an zwei Stellen verschieden ausgefüllt", "An anderer Stelle eingegeben: Anna", `value="Änne"`, `name="_take" value="given_names"`,
		`href="#f-given_names"`)
	phone.get("/apply/"+draft+"/page/person").sees("An anderer Stelle eingegeben: Anna", `value="Änne"`)
	phone.get("/apply/" + draft + "/check").sees("an zwei Stellen verschieden ausgefüllt")
	// Taking over what was written elsewhere.
	laptop.send(append(person("Änne"), "_take", "given_names")...).at(draftID+"/page/person", 200).sees(`value="Anna"`)
	if strings.Contains(laptop.body, "An anderer Stelle") {
		t.Error("not decided")
	}
	laptop.send(person("Anna")...).at(draftID+"/page/address", 200)
	// What a page that is open is told.
	laptop.get("/apply/" + draft + "/seen/person")
	if laptop.status != 200 || !strings.Contains(laptop.body, "given_names:") || strings.Contains(laptop.body, "Anna") {
		t.Errorf("%d %s", laptop.status, laptop.body)
	}
	bora := tn.browser(t).comes("bora")
	if bora.get("/apply/" + draft + "/seen/person"); bora.status != 404 {
		t.Errorf("a neighbour is told: %d", bora.status)
	}
}

func TestADraftThatGoesSoonSaysSo(t *testing.T) {
	tn := newTown(t)
	d, err := tn.Intake.Start(t.Context(), accesstest.Anna(), "resident-parking-permit")
	if err != nil {
		t.Fatal(err)
	}
	v := tn.browser(t).comes("anna")
	if v.get("/apply/" + d.ID + "/page/person"); strings.Contains(v.body, "wird am") {
		t.Error("said too early")
	}
	tn.SetNow(tn.Now().Add(54 * 24 * time.Hour))
	v.get("/apply/" + d.ID + "/page/person").sees("Dieser Entwurf wird am 22.01.2027 gelöscht")
	v.get("/apply").sees("Wird bald gelöscht")
}

func TestAHelperAtThePages(t *testing.T) {
	tn := newTown(t)
	anna := tn.browser(t).comes("anna")
	anna.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200).sees("Jemanden um Hilfe bitten")
	draft := strings.Split(anna.url, "/")[2]
	anna.get("/apply/"+draft+"/help").sees("Einladung erstellen").send().sees("für eine Person, ein einziges Mal", "Noch nicht angenommen")
	link := regexp.MustCompile(`value="[^"]*(/help/[\w-]{43})"`).FindStringSubmatch(anna.body)
	if link == nil {
		t.Fatalf("no link:\n%s", anna.body)
	}
	if anna.get("/apply/" + draft + "/help"); strings.Contains(anna.body, link[1]) {
		t.Error("the link is shown again")
	}
	bora := tn.browser(t)
	bora.get(link[1]).backFrom("substantial")
	bora.comes("bora").get(link[1]).sees("Anna Schmidt bittet Sie um Hilfe").send().at(draftID+"/page/person", 200).sees("Sie helfen Anna Schmidt")
	if strings.Contains(bora.body, "Jemanden um Hilfe bitten") || !strings.Contains(bora.body, `data-changes=""`) {
		t.Error("the page is the owner's")
	}
	bora.send("given_names", "Anna", "family_name", "Schmidt", "birth_date", "12.4.1988").at(draftID+"/page/address", 200)
	bora.get("/apply/" + draft + "/check").sees("Absenden kann diesen Antrag nur Anna Schmidt")
	bora.get("/apply").sees("Anträge, bei denen Sie helfen", "Anna Schmidt")
	for _, p := range []string{"/submit", "/data", "/discard", "/help"} {
		if bora.post("/apply/"+draft+p, url.Values{"consent": {"yes"}}); bora.status != 403 && bora.status != 404 {
			t.Errorf("POST %s: %d", p, bora.status)
		}
	}
	anna.get("/apply/" + draft + "/page/person").sees("Ausgefüllt von Bora Yılmaz")
	anna.get("/apply/" + draft + "/check").sees("Von anderen ausgefüllt")
	anna.get("/apply/" + draft + "/help").sees("Bora Yılmaz hilft seit dem")
	end := regexp.MustCompile(`action="(/apply/[^"]+/end)"`).FindStringSubmatch(anna.body)
	if end == nil {
		t.Fatal("can't be ended")
	}
	anna.post(end[1], url.Values{}).sees("nicht mehr gültig")
	if bora.get("/apply/" + draft + "/page/person"); bora.status != 404 {
		t.Errorf("afterwards: %d", bora.status)
	}
}
