// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const bundleID = "/bundles/[0-9a-f-]{36}"

func TestALifeEventWithoutAScript(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/events/moved/start").at(bundleID+"/services", 200).sees("Was gehört für Sie dazu?", "Wohnsitz ummelden", "Haben Sie einen Hund")
	bundle := strings.Split(v.url, "/")[2]
	here := func(page string) string { return "/bundles/" + bundle + page }
	v.send("want-resident-parking-permit", "yes", "want-child-care-place", "no").at(bundleID+"/services", 422).sees("Bitte wählen Sie Ja oder Nein", `href="#f-want-dog-registration"`)
	// What was said counts, though the rest is missing; nobody goes on to the check before all is said.
	v.get(here("/check")).at(bundleID+"/services", 200).sees(`value="yes" checked`)
	v.send("want-dog-registration", "yes").at(bundleID+"/data", 200).sees("Ihre Antwort gilt für alle", "§ 35 Absatz 1 Nummer 3 StVG", "Hund anmelden")
	v.send().at(bundleID+"/data", 422).sees("Bitte wählen Sie aus, ob wir die Daten abrufen sollen.")
	v.send("consent", "yes").at(draftID+"/page/new", 200).sees("Schritt 1 von 11", "Ich bin umgezogen: Wohnsitz ummelden")
	first := strings.Split(v.url, "/")[2]
	v.send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", tn.Now().AddDate(0, 0, -3).Format("2.1.2006")).at(draftID+"/page/landlord", 200)
	v.send("landlord_code", "WG-1").at(draftID+"/page/declare", 200)
	// The page on which everything is known is skipped; the address isn't asked again.
	v.send("declared", "true").at(draftID+"/page/address", 200).sees("Das haben Sie schon beantwortet", "Müllerstraße", "Übernommen aus: Wohnsitz ummelden", `name="postcode"`)
	permit := strings.Split(v.url, "/")[2]
	if strings.Contains(v.body, `name="street"`) || permit == first {
		t.Error("the street is asked again")
	}
	v.send("postcode", "47169", "_go", "back").at("/apply/"+first+"/page/declare", 200)
	v.get("/apply/"+permit+"/page/person").at(draftID+"/page/.*", 200) // nothing left to ask on it
	v.get("/apply/"+permit+"/page/address").send("postcode", "47169").at(draftID+"/page/vehicle", 200)
	v.send("vehicle", "DU-AB 123").at(draftID+"/page/permit", 200)
	v.send("zone", "DE1", "months", "12", "valid_from", tn.Now().AddDate(0, 0, 3).Format("2.1.2006")).at(draftID+"/page/declare", 200)
	v.send("declared", "true").at(draftID+"/page/dog", 200).sees("Schritt 8 von 11", "Ich bin umgezogen: Hund anmelden")
	dog := v.url
	v.sees("Angaben bisher ansehen")
	v.get(regexp.MustCompile(`/bundles/[^"]*/check\?at=[^"]*`).FindString(v.body)).at(bundleID+`/check\?at=.*`, 200).sees("Ihre Angaben bisher", "Schritt 8 von 11", "Müllerstraße", "Weiter mit dem Antrag", `href="`+dog+`"`)
	if strings.Contains(v.body, "Bitte prüfen Sie Ihre Angaben") || strings.Contains(v.body, "Alle Anträge absenden") {
		t.Error("the answers so far tell of mistakes, or can be handed over")
	}
	// An answer that was asked elsewhere is changed where it is asked, and leads back to the answers so far.
	soFar := v.url
	at := strings.Split(dog, "/")[2] + ".dog"
	street := `/apply/` + first + `/page/new?check=` + at + `#f-new_street`
	if strings.Count(v.body, `href="`+street+`"`) < 3 {
		t.Errorf("the street isn't changed where it is asked:\n%s", v.body)
	}
	v.get(strings.Split(street, "#")[0]).sees(`href="`+soFar+`"`).send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", tn.Now().AddDate(0, 0, -3).Format("2.1.2006"))
	v.at(regexp.QuoteMeta(soFar), 200).sees("Ihre Angaben bisher", `href="`+dog+`"`)
	v.get(dog).send("dog_name", "Bello <b>", "breed", "Dackel", "large", "no", "listed", "no", "kept_since", "1.11.2026").at(draftID+"/page/reduction", 200)
	v.send("benefit", "no").at(draftID+"/page/declare", 200)
	v.send("declared", "true").at(bundleID+"/check", 200).sees("Bello &lt;b&gt;", "Gebühr: 30,70", "Alle Anträge absenden und weiter zur Zahlung", "Übernommen aus: Bewohnerparkausweis")
	if n := strings.Count(v.body, "12a"); n < 3 {
		t.Errorf("the house number stands in %d forms", n)
	}

	// What one does with a single draft leads to the whole.
	for from, to := range map[string]string{"": "/check", "/check": "/check", "/data": "/data", "/discard": "/discard"} {
		v.get("/apply/"+permit+from).at(regexp.QuoteMeta(here(to)), 200)
	}
	v.post("/apply/"+permit+"/submit", nil).at(regexp.QuoteMeta(here("/check")), 200)
	v.get("/apply/"+permit+"/help").sees("alles mit Ihnen auszufüllen", `action="`+here("/help")+`"`)
	v.get("/apply").sees("Ich bin umgezogen", `href="`+here("")+`"`)

	// An answer is changed: it is another one in all, and one is back where one was.
	v.get("/apply/"+first+"/page/new?check=1").send("new_street", "Müllerstr.", "new_house_number", "14", "moved_in", "20.11.2026").at(bundleID+"/check", 200)
	if n := strings.Count(v.body, ">14<"); n < 3 {
		t.Errorf("the new house number stands in %d forms:\n%s", n, v.body)
	}
	// A service is taken out, and is in again with what was typed.
	v.get(here("/services")).send("want-resident-parking-permit", "yes", "want-dog-registration", "no").at(bundleID+"/check", 200)
	if strings.Contains(v.body, "Dackel") {
		t.Error("the dog is still there")
	}
	v.get(here("/services")).send("want-resident-parking-permit", "yes", "want-dog-registration", "yes").at(bundleID+"/data", 200)
	v.send("consent", "yes").at(bundleID+"/check", 200).sees("Dackel")

	// Somebody else, a guess, and nobody.
	for _, page := range []string{"", "/services", "/data", "/check", "/receipt", "/discard"} {
		tn.visitor(t, "bora").get(here(page)).at(regexp.QuoteMeta(here(page)), 404)
		tn.visitor(t, "anna").get("/bundles/nonsense"+page).at("/bundles/nonsense"+page, 404)
		if x := tn.visitor(t, "").get(here(page)); !strings.HasPrefix(x.url, "/signin?") {
			t.Errorf("nobody is at %s", x.url)
		}
	}
	tn.visitor(t, "bora").post(here("/submit"), nil).at(regexp.QuoteMeta(here("/submit")), 404)
	tn.visitor(t, "bora").post(here("/services"), url.Values{"want-dog-registration": {"no"}}).at(regexp.QuoteMeta(here("/services")), 404)
	if x := tn.visitor(t, "basic").get("/events/moved/start"); !strings.HasPrefix(x.url, "/signin?") || !strings.Contains(x.url, "level=substantial") {
		t.Errorf("a level that is too low: at %s", x.url)
	}

	v.get(here("/check")).send().at(bundleID+"/receipt", 200).sees("Ihre Anträge sind eingegangen", "Wohnsitz ummelden", "Bewohnerparkausweis", "Hund anmelden")
	if n := len(tn.Cases(t)); n != 3 {
		t.Errorf("%d cases", n)
	}
	// Pressed twice, the way back: the same receipt.
	for _, page := range []string{"", "/services", "/data", "/check", "/discard"} {
		v.get(here(page)).at(bundleID+"/receipt", 200)
	}
	for _, page := range []string{"/submit", "/services", "/data", "/discard"} {
		v.post(here(page), nil).at(bundleID+"/receipt", 200)
	}
	v.get("/apply/"+permit+"/page/permit").at("/cases/[0-9a-f-]{36}", 200)
	if n := len(tn.Cases(t)); n != 3 {
		t.Errorf("%d cases", n)
	}
	tn.visitor(t, "anna").get("/events/nothing/start").at("/events/nothing/start", 404)
}

func TestALifeEventIsThrownAway(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/events/moved/start").send("want-resident-parking-permit", "no", "want-dog-registration", "no", "want-child-care-place", "no").at(bundleID+"/data", 200)
	bundle := strings.Split(v.url, "/")[2]
	v.send("consent", "no").at(draftID+"/page/new", 200)
	draft := strings.Split(v.url, "/")[2]
	v.get("/apply/"+draft+"/discard").at(bundleID+"/discard", 200).sees("Ich bin umgezogen")
	v.send().at("/apply", 200)
	v.get("/bundles/"+bundle).at("/bundles/"+bundle, 404)
	v.get("/apply/"+draft).at("/apply/"+draft, 404)
}

func TestALifeEventBeforeSigningIn(t *testing.T) {
	tn := newTown(t)
	v := tn.browser(t)
	v.get("/events/moved/start").at("/events/moved/start", 200).sees("Ohne Anmeldung beginnen", "Anmelden und beginnen", "Ich bin umgezogen", "level=substantial")
	v.send().at(bundleID+"/services", 200).sees("Was gehört für Sie dazu?", "Diese Leistung füllen Sie nach der Anmeldung aus", "nur in diesem Browser zu sehen")
	bundle := strings.Split(v.url, "/")[2]
	here := func(page string) string { return "/bundles/" + bundle + page }
	v.send("want-resident-parking-permit", "no", "want-dog-registration", "yes", "want-child-care-place", "no").at(draftID+"/page/new", 200).sees("Sie sind nicht angemeldet", "Anmelden und behalten")
	draft := strings.Split(v.url, "/")[2]
	v.get(here("/services")).sees("Das füllen Sie nach der Anmeldung aus", "Hund anmelden")
	v.get("/apply/"+draft+"/page/new").send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", "neulich").at(draftID+"/page/new", 422).sees(`value="neulich"`)
	v.send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", tn.Now().AddDate(0, 0, -3).Format("2.1.2006")).at(draftID+"/page/landlord", 200)
	v.send("landlord_code", "WG-1").at(draftID+"/page/declare", 200)
	v.send("declared", "true").at(bundleID+"/check", 200).sees("Zum Absenden melden Sie sich bitte an", "Das füllen Sie nach der Anmeldung aus", "Müllerstraße")
	if strings.Contains(v.body, "Alle Anträge absenden") {
		t.Error("can be handed over without a person")
	}
	v.get(here("/data")).backFrom("substantial")
	if v.post(here("/submit"), url.Values{}); v.status != 401 {
		t.Errorf("submitted: %d", v.status)
	}
	// Another browser, signed in or not, has no way to it; what asks for a person begins with one.
	other := tn.browser(t)
	other.get(here("")).backFrom("")
	for _, who := range []string{"bora", "anna"} {
		if other.comes(who).get(here("")); other.status != 404 {
			t.Errorf("%s in another browser: %d", who, other.status)
		}
	}
	if other.comes("").post("/events/nothing/start", nil); other.status != 404 {
		t.Errorf("no such life event: %d", other.status)
	}
	// A level too low claims nothing, at the whole and at a part. Well enough, and all is hers, the chosen dog, too.
	v.comes("basic").get(here("")).backFrom("substantial")
	v.get("/apply/" + draft + "/page/new").backFrom("substantial")
	v.comes("anna").get("/apply/"+draft).at(bundleID+"/data", 200).sees("Hund anmelden")
	v.send("consent", "no").at(draftID+"/page/person", 200).sees("Ich bin umgezogen: Hund anmelden")
	v.get("/apply/" + draft + "/page/new").sees(`value="12a"`)
	for _, who := range []string{"", "bora"} {
		if v.comes(who).get("/apply/" + draft + "/page/new"); strings.Contains(v.body, "12a") {
			t.Errorf("%q sees it", who)
		}
	}
	v.comes("anna").get("/apply").sees("Ich bin umgezogen", `href="`+here("")+`"`)
}

// Whoever signs in at a page of the life event, and has begun it before, goes on with both.
func TestALifeEventOfABrowserAtASignIn(t *testing.T) {
	tn := newTown(t)
	anna := tn.visitor(t, "anna")
	anna.get("/events/moved/start").send("want-resident-parking-permit", "no", "want-dog-registration", "no", "want-child-care-place", "no").send("consent", "no").at(draftID+"/page/new", 200)
	mine := strings.Split(anna.url, "/")[2]
	anna.send("new_street", "Königstr.", "new_house_number", "3", "moved_in", "1.11.2026")
	v := tn.browser(t)
	v.get("/events/moved/start").send().send("want-resident-parking-permit", "no", "want-dog-registration", "no", "want-child-care-place", "no").at(draftID+"/page/new", 200)
	draft := strings.Split(v.url, "/")[2]
	v.send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", "1.11.2026").at(draftID+"/page/landlord", 200)
	v.comes("anna").get("/apply/"+draft+"/page/new").sees(`value="12a"`, "/apply/"+mine+"/page/new", "Königstraße")
	v.get("/apply/"+draft+"/page/new").at("/apply/"+draft+"/page/new", 404)
	// Thrown away before the sign-in, it is gone.
	w := tn.browser(t)
	w.get("/events/moved/start").send()
	at := strings.TrimSuffix(w.url, "/services")
	w.get(at+"/discard").send().at("/events/moved", 404) // its page is the catalogue's
	w.get(at).backFrom("")
}

func TestSomebodyHelpsWithALifeEvent(t *testing.T) {
	tn := newTown(t)
	anna, bora := tn.visitor(t, "anna"), tn.visitor(t, "bora")
	anna.get("/events/moved/start").send("want-resident-parking-permit", "no", "want-dog-registration", "yes", "want-child-care-place", "no").send("consent", "no").at(draftID+"/page/new", 200)
	draft := strings.Split(anna.url, "/")[2]
	bundle := regexp.MustCompile(`href="(/bundles/[0-9a-f-]{36})/help"`).FindStringSubmatch(anna.body)
	if bundle == nil {
		t.Fatalf("nobody can be asked for help:\n%s", anna.body)
	}
	here := func(page string) string { return bundle[1] + page }
	anna.get(here("/help")).sees("auch die Leistungen, die Sie später dazunehmen")
	anna.send().at(bundleID+"/help", 200).sees("Schicken Sie diesen Link")
	link := regexp.MustCompile(`value="(/help/[\w-]+)"`).FindStringSubmatch(anna.body)
	if link == nil {
		t.Fatalf("no link:\n%s", anna.body)
	}
	bora.get(link[1]).at("/help/[\\w-]+", 200).sees("Anna Schmidt bittet Sie um Hilfe", "Ich bin umgezogen", "Leistungen auswählen und absenden können Sie nicht")
	// She chose and answered the data notice; who helps fills in.
	bora.send().at(draftID+"/page/new", 200).sees("Sie helfen Anna Schmidt bei diesem Antrag", "Ich bin umgezogen: Wohnsitz ummelden")
	for _, page := range []string{"/services", "/data"} {
		bora.get(here(page)).at(draftID+"/page/new", 200)
	}
	bora.send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", "20.11.2026", "_go", "back").at("/apply", 200).sees("Ich bin umgezogen", "Sie helfen", `href="`+here("")+`"`)
	bora.get("/apply/"+draft+"/page/new").send("new_street", "Müllerstr.", "new_house_number", "12a", "moved_in", "20.11.2026").at(draftID+"/page/landlord", 200)
	bora.get(here("/check")).at(bundleID+"/check", 200).sees("Absenden kann diesen Antrag nur Anna Schmidt", "Von anderen ausgefüllt")
	for _, no := range []string{"Alle Anträge absenden", "Auswahl der Leistungen ändern"} {
		if strings.Contains(bora.body, no) {
			t.Errorf("who helps is offered: %s", no)
		}
	}
	for page, status := range map[string]int{"/submit": 403, "/services": 404, "/data": 403, "/discard": 404, "/help": 403} {
		if bora.post(here(page), url.Values{"consent": {"yes"}}); bora.status != status {
			t.Errorf("%s by who helps: %d at %s", page, bora.status, bora.url)
		}
	}
	if bora.get(here("/discard")); bora.status != 403 {
		t.Errorf("asked to throw it away: %d", bora.status)
	}
	if bora.get("/apply/" + draft + "/help"); bora.status != 403 {
		t.Errorf("asks others for help: %d", bora.status)
	}
	anna.get(here("/check")).sees("Von anderen ausgefüllt", "Neue Straße</a>: ")
	anna.get("/apply/"+draft+"/help").sees("hilft seit dem", "Hilfe beenden")
	end := regexp.MustCompile(`action="(/bundles/[^"]+/end)"`).FindStringSubmatch(anna.body)
	if end == nil {
		t.Fatalf("it can't be ended:\n%s", anna.body)
	}
	anna.post(end[1], nil).at(bundleID+"/help", 200)
	bora.get(here("/check")).at(bundleID+"/check", 404)
	bora.get("/apply/"+draft+"/page/new").at(draftID+"/page/new", 404)
	bora.get(link[1]).at("/help/[\\w-]+", 404)
}

func TestALifeEventTogetherOnThePages(t *testing.T) {
	tn := newTown(t)
	anna, desk := tn.browser(t).comes("anna"), tn.browser(t).comes("petra")
	desk.get("/desk/together").send()
	here := desk.url
	code := regexp.MustCompile(`<strong>(\w{4}) (\w{4})</strong>`).FindStringSubmatch(desk.body)
	join := "/together/" + code[1] + code[2]
	anna.get(join).at(join, 200).sees("Ich bin umgezogen", `value="event:moved"`)
	anna.post(join, url.Values{"show": {"event:nothing"}, "agree": {"true"}}).at(join, 404)
	anna.post(join, url.Values{"show": {"bundle:nonsense"}, "agree": {"true"}}).at(join, 404)
	anna.post(join, url.Values{"show": {"event:moved"}, "agree": {"true"}}).at(bundleID+"/services", 200)
	anna.send("want-resident-parking-permit", "no", "want-dog-registration", "yes", "want-child-care-place", "no").send("consent", "no").at(draftID+"/page/new", 200).sees("sieht diesen Antrag")
	draft := regexp.MustCompile(draftID).FindString(anna.url)
	bundle := regexp.MustCompile(`/bundles/[0-9a-f-]{36}`).FindString(anna.body)
	// One form at a time, the first at first.
	desk.get(here).at(here, 200).sees("Antrag von Anna Schmidt", "Ich bin umgezogen: Wohnsitz ummelden", `name="new_street"`, `href="`+here+`?part=dog-registration"`, "Das erklärt die Person selbst")
	desk.post(here+"/save?part=change-of-address", url.Values{"_field": {"new_street"}, "new_street": {"Müllerstr."}}).sees(`"seen"`)
	desk.get(here+"?part=dog-registration").sees("Ich bin umgezogen: Hund anmelden", `name="dog_name"`, "Das haben Sie schon beantwortet", "Müllerstraße", `data-autosave="`+here+`/save?part=dog-registration"`)
	if strings.Contains(desk.body, `name="street"`) {
		t.Error("the street is asked again")
	}
	desk.post(here+"?part=dog-registration", url.Values{"_f": {"dog_name"}, "dog_name": {"Bello"}})
	if desk.status != 200 || !strings.HasSuffix(desk.url, "?part=dog-registration") && !strings.Contains(desk.body, "Bello") {
		t.Errorf("%d at %s:\n%s", desk.status, desk.url, desk.body)
	}
	anna.get(draft+"/page/new").sees("Ausgefüllt von Sachbearbeitung 32", `value="Müllerstraße"`)
	anna.get(bundle+"/check").sees("Bello", "Von anderen ausgefüllt", "Gemeinsames Ausfüllen beenden")
	for _, page := range []string{"", "/services", "/data", "/check", "/discard", "/help"} {
		if desk.get(bundle + page); desk.status == 200 { // the pages of the portal are the owner's
			t.Errorf("the clerk is at %s", page)
		}
	}
	for _, page := range []string{"/submit", "/services", "/data", "/discard", "/help"} {
		if desk.post(bundle+page, url.Values{"consent": {"yes"}}); desk.status != 403 && desk.status != 404 {
			t.Errorf("%s by the clerk: %d", page, desk.status)
		}
	}
	inv := regexp.MustCompile(`name="invitation" value="([^"]*)"`).FindStringSubmatch(anna.get(bundle + "/check").body)
	anna.post(draft+"/together/end", url.Values{"invitation": {inv[1]}}).at(draftID+"/page/.*", 200)
	desk.get(here+"?part=dog-registration").at(here+".part=dog-registration", 404).sees("Das gemeinsame Ausfüllen ist beendet")
}
