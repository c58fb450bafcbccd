// SPDX-License-Identifier: EUPL-1.2

package web_test

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/web"
	"mercator/web/assets"
	"mercator/web/ui"
	"mercator/web/webtest"
)

type galleryPage struct{ Items []ui.Component }

var galleryFiles = fstest.MapFS{"gallery.html": &fstest.MapFile{Data: []byte(`{{define "main"}}<h1 class="kern-heading-large">{{.Title}}</h1>{{range .Data.Items}}{{ui .}}{{end}}{{end}}`)}}

func gallery() map[string][]ui.Component {
	f := func(name, label, hint, err string) ui.Field {
		return ui.Field{Name: name, Label: label, Hint: hint, Error: err}
	}
	yesNo := []ui.Option{{Value: "yes", Label: "Ja"}, {Value: "no", Label: "Nein"}}
	at := time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	form := []ui.Component{
		ui.Progress{Step: 2, Steps: 5},
		ui.Form{Autosave: "/save", Items: []ui.Component{
			ui.Input{Field: ui.Field{Name: "plate", Label: "Kennzeichen Ihres Fahrzeugs", Hint: "Zum Beispiel DU-AB 123. Sie finden es im Fahrzeugschein, Feld A.", Source: "Fahrzeugregister"}, Value: "DU-MK 1594", Width: 10, NoSpelling: true},
			ui.Input{Field: ui.Field{Name: "phone", Label: "Telefonnummer", Optional: true}, Type: "tel", Autocomplete: "tel", Width: 20},
			ui.Input{Field: f("amount", "Monatliche Miete", "", ""), Prefix: "€", InputMode: "decimal", Width: 10},
			ui.DateInput{Field: f("birth", "Geburtsdatum", "Zum Beispiel 27 3 1985", ""), Value: "1985-03-27", Birthday: true},
			ui.Input{Field: f("street", "Straße", "", ""), List: []string{"Königstraße", "Kantstraße"}, NoSpelling: true},
			ui.Input{Field: f("place", "Wo ist es?", "Eine Adresse oder Koordinaten", ""), Locate: true},
			ui.Signature{Field: f("sign", "Unterschrift", "", ""), Value: "Ayşe Yılmaz", Confirmed: true, Drawing: "M40 120L80 60L120 130L200 80"},
			ui.Image{Src: "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI5MDAiIGhlaWdodD0iOTAiPjxyZWN0IHdpZHRoPSI5MDAiIGhlaWdodD0iOTAiIGZpbGw9IiMwMDRiNzYiLz48L3N2Zz4=", Alt: "Ein breites Bild"},
			ui.Select{Field: f("zone", "Parkgebiet", "Es steht auf den Schildern.", ""), Value: "nn", Search: true, Options: []ui.Option{{Value: "nn", Label: "Neudorf-Nord"}, {Value: "ns", Label: "Neudorf-Süd"}}},
			ui.Checkboxes{Field: f("words", "Worum geht es?", "", ""), Values: []string{"b"}, Filter: true, Options: []ui.Option{{Value: "a", Label: "Äste"}, {Value: "b", Label: "Bänke"}, {Value: "c", Label: "Container"}}},
			ui.Select{Field: f("quarter", "Stadtteil", "", ""), Value: "hoch", Options: []ui.Option{{Value: "hoch", Label: "Hochfeld"}, {Value: "rhs", Label: "Rheinhausen-Mitte"}}},
			ui.Radios{Field: f("owner", "Sind Sie selbst der Halter des Fahrzeugs?", "", ""), Value: "yes", Options: yesNo, Inline: true},
			ui.Radios{Field: f("use", "Wie nutzen Sie das Fahrzeug?", "", ""), Options: []ui.Option{{Value: "own", Label: "Es ist auf mich zugelassen"}, {Value: "firm", Label: "Es ist ein Firmenwagen", Hint: "Sie brauchen eine Bescheinigung Ihres Arbeitgebers."}}},
			ui.Checkboxes{Field: f("days", "An welchen Tagen sind Sie erreichbar?", "", ""), Values: []string{"mo"}, Options: []ui.Option{{Value: "mo", Label: "Montag"}, {Value: "di", Label: "Dienstag"}}},
			ui.TextArea{Field: ui.Field{Name: "remark", Label: "Bemerkung", Optional: true}, MaxLength: 500, Rows: 3},
			ui.FileInput{Field: f("proof", "Bescheinigung", "PDF oder Foto, höchstens 10 MB", ""), Accept: ".pdf,image/*", Files: []ui.UploadedFile{{Name: "Bescheinigung des Arbeitgebers vom 3. November.pdf", Size: "1,4 MB", Href: "#", Value: "1"}}},
			ui.Checkbox{Field: f("true", "Ich habe alles richtig angegeben.", "", "")},
		}, Buttons: []ui.Button{{Text: "Weiter", Icon: "arrow-forward"}, {Text: "Später weitermachen", Kind: "secondary", Name: "later", Value: "1"}}},
	}
	errors := []ui.Component{
		ui.ErrorSummary{Items: []ui.FieldError{{Field: "plate", Text: "Geben Sie das Kennzeichen ein, zum Beispiel DU-AB 123."}, {Field: "birth", Text: "Dieses Datum gibt es nicht."}, {Field: "owner", Text: "Wählen Sie Ja oder Nein."}}},
		ui.Form{Items: []ui.Component{
			ui.Input{Field: f("plate", "Kennzeichen", "Zum Beispiel DU-AB 123", "Geben Sie das Kennzeichen ein, zum Beispiel DU-AB 123.")},
			ui.DateInput{Field: f("birth", "Geburtsdatum", "", "Dieses Datum gibt es nicht."), Value: "1985-02-31"},
			ui.Select{Field: f("quarter", "Stadtteil", "", "Wählen Sie einen Stadtteil."), Options: yesNo},
			ui.Radios{Field: f("owner", "Sind Sie selbst der Halter?", "", "Wählen Sie Ja oder Nein."), Options: yesNo},
			ui.Checkboxes{Field: f("days", "Tage", "", "Wählen Sie mindestens einen Tag."), Options: yesNo},
			ui.TextArea{Field: f("text", "Begründung", "", "Schreiben Sie eine Begründung.")},
			ui.FileInput{Field: f("proof", "Bescheinigung", "", "Diese Datei ist kein PDF.")},
			ui.Signature{Field: f("sign", "Unterschrift", "", "Bitte bestätigen Sie mit dem Häkchen, dass dies Ihre Unterschrift ist."), Value: "Ayşe"},
			ui.Checkbox{Field: f("true", "Ich habe alles richtig angegeben.", "", "Bitte bestätigen Sie das.")},
		}, Buttons: []ui.Button{{Text: "Weiter"}}},
	}
	blocks := []ui.Component{
		ui.Alert{Tone: ui.Success, Title: "Ihr Antrag ist da", Text: "Ihr Aktenzeichen ist BPA-2026-00042.", Links: []ui.Link{{Text: "Ausweis öffnen", Href: "#"}}},
		ui.Alert{Tone: ui.Info, Title: "Nur ein Hinweis"},
		ui.Alert{Tone: ui.Warning, Title: "Bitte beachten", List: []string{"Eins", "Zwei"}},
		ui.Alert{Tone: ui.Danger, Title: "Das hat nicht geklappt", Text: "Die Zahlung wurde abgebrochen."},
		ui.TaskList{Title: "Das fehlt noch", Tasks: []ui.Task{{Title: "Ihr Fahrzeug", Href: "#", Status: ui.Badge{Tone: ui.Success, Text: "Erledigt"}}, {Title: "Ihre Wohnung und alles, was dazu gehört", Href: "#", Status: ui.Badge{Tone: ui.Info, Text: "Offen"}}, {Title: "Bezahlen", Status: ui.Badge{Tone: ui.Warning, Text: "Noch gesperrt"}}}},
		ui.SummaryList{Title: "Ihre Angaben", Actions: []ui.Link{{Text: "Ändern", Hidden: "Ihre Angaben", Href: "#"}}, Rows: []ui.SummaryRow{
			{Key: "Name", Value: "Ayşe Yılmaz-Großkurth", Source: "Melderegister"}, {Key: "Anschrift", Value: "Königstraße 12\n47051 Duisburg", Actions: []ui.Link{{Text: "Ändern", Hidden: "Anschrift", Href: "#"}}}, {Key: "Donaudampfschifffahrtsgesellschaftskapitänsmütze", Value: "Ja"}}},
		ui.Heading{Text: "Was bisher geschah"},
		ui.Timeline{Label: "Verlauf", Moments: []ui.Moment{{When: at, Title: "Antrag eingegangen"}, {When: at, Title: "In Prüfung", State: "current", Text: "Das Straßenverkehrsamt prüft Ihren Antrag.", By: "Frau Schmitz"}, {Title: "Entscheidung", State: "todo"}}},
		ui.Details{Summary: "Warum fragen wir das?", Text: "Weil § 45 Absatz 1b der Straßenverkehrs-Ordnung es so will."},
		ui.Cards{Items: []ui.Card{{Title: "Bewohnerparkausweis", Preline: "Straßenverkehrsamt", Text: "Parken in Ihrem Viertel.", Href: "#", Badge: ui.Badge{Tone: ui.Success, Text: "Online"}}, {Title: "Gewerbe anmelden", Text: "Ein Gewerbe beginnen.", Href: "#"}}},
		ui.Links{Label: "Mehr dazu", Items: []ui.Link{{Text: "Parkzonen", Href: "#"}, {Text: "Gebühren", Href: "#"}}},
		ui.List{Items: []string{"Personalausweis", "Fahrzeugschein"}}, ui.List{Items: []string{"Erstens", "Zweitens"}, Ordered: true},
		ui.Text{Text: "Ein Absatz.\nMit zwei Zeilen.\n\nUnd noch einer.", Muted: true},
		ui.Fieldset{Legend: "Halter", Hint: "Wie im Fahrzeugschein", Items: []ui.Component{ui.Input{Field: f("given", "Vorname", "", "")}, ui.Input{Field: f("family", "Nachname", "", "")}}},
		ui.Buttons{Items: []ui.Button{{Text: "Ausweis öffnen", Href: "#", Icon: "download"}, {Text: "Zurückziehen", Kind: "secondary", Href: "#", Danger: true}, {Text: "Abbrechen", Kind: "tertiary", Href: "#"}}},
	}
	list := []ui.Component{
		ui.Breadcrumb{Items: []ui.Link{{Text: "Start", Href: "/"}, {Text: "Arbeitsliste"}}},
		ui.Search{Action: "/", Label: "Suchen Sie eine Leistung", Hint: "Zum Beispiel Anwohnerparken", Keep: []ui.Hidden{{Name: "x", Value: "y"}}},
		ui.Filters{Label: "Filter", Items: []ui.Filter{{Label: "Alle", Href: "#", Count: 1204, Active: true}, {Label: "Meine", Href: "#", Count: 3}, {Label: "Überfällig", Href: "#", Count: 0}}},
		ui.Table{Caption: "Vorgänge", Columns: []ui.Column{{Label: "Aktenzeichen", Sort: "#", Sorted: "ascending"}, {Label: "Leistung"}, {Label: "Stand"}, {Label: "Gebühr", Numeric: true}}, Rows: []ui.Row{
			{ID: "c1", Cells: []ui.Cell{{Text: "BPA-2026-00042", Href: "#", Sub: "Ayşe Yılmaz"}, {Text: "Bewohnerparkausweis"}, {Badge: ui.Badge{Tone: ui.Warning, Text: "Wartet auf Sie"}}, {Text: "30,00 €"}}},
			{ID: "c2", Marked: true, Cells: []ui.Cell{{Text: "GEW-2026-00007", Href: "#"}, {Text: "Gewerbeanmeldung"}, {Badge: ui.Badge{Tone: ui.Success, Text: "Erledigt"}}, {Text: "26,00 €"}}}}},
		ui.Table{Caption: "Nichts", CaptionHidden: true, Empty: "Hier ist nichts zu tun."},
		ui.Pagination{First: "#", Prev: "#", Next: "#", Label: "21 bis 40"},
		ui.Figure{Title: "Ablauf", SVG: template.HTML(`<svg width="900" height="60" viewBox="0 0 900 60" role="img" aria-label="Ein Kasten"><rect x="1" y="1" width="890" height="50" fill="none" stroke="black"/></svg>`), Caption: "Ablauf des Verfahrens"},
	}
	return map[string][]ui.Component{"form": form, "errors": errors, "blocks": blocks, "list": list}
}

func galleryServer(t *testing.T, save ...web.Mount) *httptest.Server {
	t.Helper()
	cat, err := i18n.Load(web.Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	view, err := web.NewView[galleryPage](tmpl, galleryFiles, "gallery.html")
	if err != nil {
		t.Fatal(err)
	}
	pages := gallery()
	h := web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		name := r.PathValue("name")
		shell := web.Portal("cases").WithBack("Zurück", "/").WithErrors(name == "errors")
		if name == "list" {
			shell = web.Desk("work")
		}
		return view.Render(w, r, 200, web.Page[galleryPage]{Title: "Bewohnerparkausweis beantragen", Shell: shell, Data: galleryPage{pages[name]}})
	})
	nav := []web.NavItem{{ID: "home", Key: "web.home", Href: "/"}, {ID: "cases", Key: "web.nav", Href: "/cases"}, {ID: "postbox", Key: "web.languages", Href: "/postbox"}, {ID: "my-data", Key: "web.footer", Href: "/my-data"}}
	site, err := web.New(web.Config{Catalogue: cat, Templates: tmpl, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), City: web.City{Product: "Mercator", Name: "Stadt Duisburg", Footer: []web.FooterLink{{Key: "web.home", Href: "/"}}},
		Nav:    map[web.ShellKind][]web.NavItem{web.PortalShell: nav, web.DeskShell: nav},
		Viewer: func(*http.Request) (web.Viewer, bool) { return web.Viewer{Name: "Ayşe Yılmaz", Sub: "Amt 32"}, true },
	}, web.Mounts{{Pattern: "GET /g/{name}", Handler: h}}, save)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	return srv
}

// TestGallery shows every component to a browser and to axe. MERCATOR_SHOTS names
// a folder for pictures of it.
func TestGallery(t *testing.T) {
	if set, err := assets.Load(); err != nil || !set.Built() {
		if os.Getenv("MERCATOR_NEED_BROWSER") != "" {
			t.Fatal("the assets are not built")
		}
		t.Skip("the assets are not built: go run ./web/assets/build")
	}
	b := webtest.Open(t)
	srv := galleryServer(t)
	b.Go(srv.URL + "/g/form?lang=de")
	for _, name := range []string{"form", "errors", "blocks", "list"} {
		for _, width := range []int{320, 360, 1280} {
			what := fmt.Sprintf("%s at %d px", name, width)
			b.Width(width)
			b.Go(srv.URL + "/g/" + name)
			if got := webtest.Eval[string](b, `document.querySelector("h1").textContent`); got != "Bewohnerparkausweis beantragen" {
				t.Fatalf("%s: the page is headed %q", what, got)
			}
			b.NoSidewaysScroll(what)
			if width != 360 {
				b.Axe(what)
				b.SmallTargets(what)
			}
			if width == 320 {
				b.Run(chromedp.Click(".m-menu summary"))
				b.NoSidewaysScroll(what + " with its menu open")
				b.SmallTargets(what + " with its menu open")
				b.Axe(what + " with its menu open")
			}
			if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
				b.Screenshot(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)))
			}
		}
	}
	if all, script := func() (int, int) { b.Go(srv.URL + "/g/form"); return b.Bytes() }(); all > 100_000 || script > 15_000 || all == 0 {
		t.Errorf("a form page costs %d bytes, %d of them script", all, script)
	}
}

// TestAutosave types into a form whose server fails at first: nothing that was
// typed may be lost, neither by the failure nor by loading the page again.
func TestAutosave(t *testing.T) {
	if set, err := assets.Load(); err != nil || !set.Built() {
		t.Skip("the assets are not built: go run ./web/assets/build")
	}
	b := webtest.Open(t)
	var broken atomic.Bool
	broken.Store(true)
	got := make(chan string, 10)
	srv := galleryServer(t, web.Mount{Pattern: "POST /save", Handler: web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		form, err := web.Form(r)
		if err != nil {
			return err
		}
		if broken.Load() {
			return fault.New(fault.Unauthenticated, "test", "")
		}
		got <- form.Encode()
		w.WriteHeader(http.StatusNoContent)
		return nil
	})})
	b.Width(360)
	b.Go(srv.URL + "/g/form")
	webtest.Eval[string](b, `document.querySelector("#f-birth-year").value = ""`)
	b.Run(chromedp.SendKeys("#f-birth-year", "1986"), chromedp.SendKeys("#f-phone", "0203 123"), chromedp.Blur("#f-phone"),
		waitFor(`document.querySelector("[data-autosave-status]").textContent.startsWith("Not saved yet")`))
	b.Go(srv.URL + "/g/form")
	if v := webtest.Eval[string](b, `document.querySelector("#f-birth-year").value + document.querySelector("#f-phone").value`); v != "19860203 123" {
		t.Errorf("after loading the page again the fields hold %q", v)
	}
	broken.Store(false)
	b.Go(srv.URL + "/g/form")
	for _, want := range []string{"_field=birth&birth.day=27&birth.month=3&birth.year=1986", "_field=phone&phone=0203+123"} {
		select {
		case v := <-got:
			if v != want {
				t.Errorf("sent %q, want %q", v, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s was never sent", want)
		}
	}
	b.Run(waitFor(`document.querySelector("[data-autosave-status]").textContent === "Saved"`))
	b.Run(waitFor(`sessionStorage.length === 0`))
}

func waitFor(js string) chromedp.Action[chromedp.Void] { return chromedp.Poll[chromedp.Void](js) }
