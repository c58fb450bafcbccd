// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// thirteen is an application for an identity card that Anna has filled in as somebody of thirteen, up to the page that checks it.
func thirteen(t *testing.T, tn *town) (anna *visitor, draft string) {
	t.Helper()
	anna = tn.browser(t).comes("anna")
	anna.get("/services/identity-card/start").at(draftID+"/data", 200).send("consent", "no").at(draftID+"/page/card", 200)
	draft = regexp.MustCompile(draftID).FindString(anna.url)
	anna.send("reason", "lost", "place", "centre").at(draftID+"/page/person", 200)
	anna.send("birth_date", "4.5.2013").at(draftID+"/page/declare", 200)
	anna.send("declared", "true").at(draftID+"/check", 200)
	return anna, draft
}

func TestSigningOnThePages(t *testing.T) {
	tn := newTown(t)
	anna, draft := thirteen(t, tn)
	anna.sees("Antrag der sorgeberechtigten Person", "Fehlt", "Zur Unterschrift einladen", "sobald alle unterschrieben haben")
	if strings.Contains(anna.body, "Antrag verbindlich") || strings.Contains(anna.body, `action="`+draft+`/submit"`) {
		t.Error("there is a button to submit without the signature")
	}
	anna.post(draft+"/submit", nil).at(draft+"/submit", http.StatusUnprocessableEntity).sees("Es fehlt noch eine Unterschrift", `href="#cosign-custody"`, `id="cosign-custody"`)
	anna.get(draft+"/cosign/custody").at(draft+"/cosign/custody", 200).sees("Ich bin sorgeberechtigt", "mit ihrem eigenen Konto", "Einladung erstellen")
	anna.send().sees("für eine Person, ein einziges Mal")
	link := regexp.MustCompile(`value="[^"]*(/help/[\w-]{43})"`).FindStringSubmatch(anna.body)
	if link == nil {
		t.Fatal(anna.body)
	}
	if anna.get(draft + "/cosign/custody"); strings.Contains(anna.body, link[1]) {
		t.Error("the link is shown again")
	}
	anna.get(draft+"/cosign/nothing").at(draft+"/cosign/nothing", 404)
	anna.get(draft+"/check").sees("Eingeladen", "Neuen Link erstellen")

	bora := tn.browser(t).comes("bora")
	bora.get(draft+"/check").at(draft+"/check", 404)
	bora.get(link[1]).at(link[1], 200).sees("Anna Schmidt bittet Sie um Ihre Unterschrift", "Ich bin sorgeberechtigt", "Antrag ansehen")
	bora.send().at(draft+"/check", 200).sees("04.05.2013", "Unterschreiben", "Ihre Unterschrift gilt genau für diese Angaben", draft+"/page/card")
	if strings.Contains(bora.body, draft+"/page/declare") {
		t.Error("a way to change what isn't theirs")
	}
	bora.get("/apply").sees("Ihre Unterschrift", "Anna Schmidt")
	bora.get(draft+"/page/declare").at(draft+"/check", 200)
	bora.get(draft+"/page/card").at(draft+"/page/card", 200).sees("bittet Sie, diesen Antrag mit zu unterschreiben")
	for _, p := range []string{"/submit", "/data", "/discard", "/help", "/cosign/custody"} {
		if bora.post(draft+p, url.Values{"consent": {"yes"}}); bora.status != 403 && bora.status != 404 {
			t.Errorf("%s: %d", p, bora.status)
		}
	}
	if anna.post(draft+"/sign", url.Values{"hash": {"x"}, "declares": {"true"}}); anna.status != 403 {
		t.Errorf("the owner signs: %d", anna.status)
	}
	// Not without the declaration, not what has changed meanwhile.
	bora.get(draft+"/check").post(draft+"/sign", url.Values{"hash": {"x"}}).at(draft+"/sign", 422).sees("Setzen Sie das Häkchen")
	bora.get(draft + "/check")
	stale := regexp.MustCompile(`name="hash" value="(\w{64})"`).FindStringSubmatch(bora.body)
	if stale == nil {
		t.Fatal(bora.body)
	}
	anna.post(draft+"/page/card", url.Values{"_f": {"reason", "place"}, "reason": {"lost"}, "place": {"hamborn"}})
	bora.post(draft+"/sign", url.Values{"hash": {stale[1]}, "declares": {"true"}}).at(draft+"/sign", 409).sees("haben sich gerade geändert", "Bürgerservice Hamborn")
	anna.get(draft+"/check").sees("Angenommen", "Bora Yılmaz hat die Einladung angenommen")
	sign := func() {
		t.Helper()
		bora.get(draft + "/check")
		hash := regexp.MustCompile(`name="hash" value="(\w{64})"`).FindStringSubmatch(bora.body)
		if hash == nil {
			t.Fatal(bora.body)
		}
		bora.post(draft+"/sign", url.Values{"hash": {hash[1]}, "declares": {"true"}}).at(draft+"/check", 200).sees("Sie haben am", "Unterschrift zurückziehen")
	}
	sign()
	anna.get(draft+"/check").sees("Unterschrieben", "Bora Yılmaz hat am", `action="`+draft+`/submit"`)
	anna.post(draft+"/page/card", url.Values{"_f": {"reason", "place"}, "reason": {"lost"}, "place": {"centre"}})
	anna.get(draft+"/check").sees("Gilt nicht mehr", "muss noch einmal unterschreiben")
	bora.get(draft + "/check").sees("Nach Ihrer Unterschrift haben sich Angaben geändert")
	sign()
	// Withdrawn by the owner, and by who was asked.
	end := regexp.MustCompile(`action="(/apply/[^"]*/cosign/custody/end)".*?name="invitation" value="([^"]*)"`).FindStringSubmatch(strings.ReplaceAll(anna.get(draft+"/check").body, "\n", " "))
	if end == nil {
		t.Fatal(anna.body)
	}
	anna.post(end[1], url.Values{"invitation": {end[2]}}).at(draft+"/check", 200).sees("Fehlt")
	bora.get(draft+"/check").at(draft+"/check", 404)
	anna.get(draft + "/cosign/custody").send()
	link = regexp.MustCompile(`value="[^"]*(/help/[\w-]{43})"`).FindStringSubmatch(anna.body)
	bora.get(link[1]).send().at(draft+"/check", 200)
	bora.post(draft+"/sign/end", nil).at("/apply", 200)
	bora.get(draft+"/check").at(draft+"/check", 404)
	anna.get(draft + "/cosign/custody").send()
	link = regexp.MustCompile(`value="[^"]*(/help/[\w-]{43})"`).FindStringSubmatch(anna.body)
	bora.get(link[1]).send().at(draft+"/check", 200)
	sign()
	anna.post(draft+"/submit", nil).at("/cases/.*", 200)
	if l := tn.Signatures(); len(l) != 1 || l[0].Name != "Bora Yılmaz" {
		t.Errorf("%+v", l)
	}
}

func TestTogetherOnThePages(t *testing.T) {
	tn := newTown(t)
	anna := tn.browser(t).comes("anna")
	anna.get("/services/identity-card/start").send("consent", "no").at(draftID+"/page/card", 200)
	draft := regexp.MustCompile(draftID).FindString(anna.url)
	desk := tn.browser(t).comes("petra")
	anna.get("/desk/together").at("/desk/together", 403)
	desk.get("/desk/together").at("/desk/together", 200).sees("Code erstellen")
	desk.send().at("/desk/together/[0-9a-f-]{36}", 200).sees("<svg", "für eine Person", "Weiter zum Antrag")
	here := desk.url
	code := regexp.MustCompile(`<strong>(\w{4}) (\w{4})</strong>`).FindStringSubmatch(desk.body)
	if code == nil {
		t.Fatal(desk.body)
	}
	desk.get(here + "/seen").sees(`"waiting"`)
	desk.get("/desk/together").at(here, 200)
	join := "/together/" + code[1] + code[2]
	// Typed, wrongly and rightly; nobody who isn't signed in.
	out := tn.browser(t)
	out.get(join).backFrom("substantial")
	anna.get("/together").at("/together", 200).send("code", "ABCD").at("/together", 422).sees("Dieser Code gilt nicht")
	anna.get("/together/ABCDABCD").at("/together/ABCDABCD", 404).sees("Dieser Code gilt nicht")
	anna.get("/together").send("code", strings.ToLower(code[1])+" "+code[2]).at(join, 200).sees("Sachbearbeitung 32", "wenn Sie oder 32 es beenden", "draft:", "Neu beginnen", "Ich bin einverstanden")
	anna.send().at(join, 422).sees("Wählen Sie einen Antrag aus", "Setzen Sie das Häkchen")
	anna.post(join, url.Values{"show": {"service:data-question"}, "agree": {"true"}}).at(join, 404)
	anna.post(join, url.Values{"show": {"draft:" + strings.TrimPrefix(draft, "/apply/")}}).at(join, 422)
	anna.post(join, url.Values{"show": {"draft:" + strings.TrimPrefix(draft, "/apply/")}, "agree": {"true"}}).at(draftID+"/page/card", 200).sees("Sachbearbeitung 32", "sieht diesen Antrag", "Gemeinsames Ausfüllen beenden")
	anna.get(join).at(join, 404)
	desk.get(here).at(here, 200).sees("Antrag von Anna Schmidt", `name="reason"`, `name="birth_date"`, "Das erklärt die Person selbst", `data-changes="`+here+`/seen"`)
	desk.get(draft).at(draft, 404) // the pages of the portal are the owner's
	if strings.Contains(desk.body, `name="declared"`) {
		t.Error("the clerk can declare for her")
	}
	// Field by field as with a script, and as a whole without one.
	desk.post(here+"/save", url.Values{"_field": {"reason"}, "reason": {"lost"}}).sees(`"seen"`)
	anna.get(draft+"/page/card").sees("Ausgefüllt von Sachbearbeitung 32", `value="lost" checked`)
	all := []string{"reason", "place", "birth_date"}
	desk.post(here, url.Values{"_f": all, "reason": {"lost"}, "place": {"hamborn"}, "birth_date": {"4.5.19xx"}}).at(here, 422).sees("4.5.19xx", "Hamborn")
	desk.post(here, url.Values{"_f": all, "reason": {"lost"}, "place": {"hamborn"}, "birth_date": {"4.5.1990"}}).at(here, 200)
	anna.get(draft+"/page/person").sees(`value="4.5.1990"`, "Ausgefüllt von Sachbearbeitung 32")
	anna.post(draft+"/page/declare", url.Values{"_f": {"declared"}, "declared": {"true"}})
	anna.get(draft+"/check").sees("Von anderen ausgefüllt", "Gemeinsames Ausfüllen beenden", `action="`+draft+`/submit"`)
	for _, p := range []string{"/submit", "/data", "/discard", "/help"} {
		if desk.post(draft+p, url.Values{"consent": {"yes"}}); desk.status != 403 && desk.status != 404 {
			t.Errorf("%s: %d", p, desk.status)
		}
	}
	// She ends it; the clerk is told.
	inv := regexp.MustCompile(`name="invitation" value="([^"]*)"`).FindStringSubmatch(anna.get(draft + "/check").body)
	anna.post(draft+"/together/end", url.Values{"invitation": {inv[1]}}).at(draft+"/.*", 200)
	desk.get(here).at(here, 404).sees("Das gemeinsame Ausfüllen ist beendet", "Code erstellen")
	if desk.post(here, url.Values{"_f": {"reason"}, "reason": {"changed"}}); desk.status != 404 {
		t.Errorf("%d", desk.status)
	}
	if desk.get(here + "/seen"); desk.status != 404 {
		t.Errorf("%d", desk.status)
	}
	// Beginning a service at the counter; an hour later it is over.
	desk.get("/desk/together").send()
	here = desk.url
	code = regexp.MustCompile(`<strong>(\w{4}) (\w{4})</strong>`).FindStringSubmatch(desk.body)
	anna.post("/together/"+code[1]+code[2], url.Values{"show": {"service:resident-parking-permit"}, "agree": {"true"}}).at(draftID+"/data", 200)
	desk.get(here).at(here, 200).sees("noch nicht beantwortet")
	tn.SetNow(tn.Now().Add(time.Hour))
	desk.get(here).at(here, 404)
}
