// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/web"
)

var rooms = []store.Migrations{audit.Migrations(), vault.Migrations(), register.Migrations()}

// desk is a clerk's desk with the city's registers.
type desk struct {
	t     testing.TB
	site  *web.Site
	db    *store.DB
	regs  *register.Service
	actor access.Actor
	grant func(access.Request) access.Grant
}

// openCases are those of the offices, by their file numbers.
var openCases = map[string]struct{ id, office, person string }{
	"32-1": {"0192e4a0-7b1e-7c3d-8f00-000000000001", "32", "p1"},
	"36-1": {"0192e4a0-7b1e-7c3d-8f00-000000000002", "36", "p1"},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, actor: accesstest.Clerk("36")}
	defs, err := register.Load(os.DirFS("../../../content/registers"))
	must(t, err)
	checker := accesstest.HouseWith(t, access.Config{DB: db, Classify: func(resource string, fields []string) []string {
		def, _ := defs.Get(strings.TrimPrefix(resource, "register:"))
		var out []string
		for _, name := range fields {
			if f, ok := def.Field(name); ok {
				out = append(out, string(f.Class))
			}
		}
		return out
	}, Case: func(_ context.Context, _ store.Q, id string) (access.CaseFacts, bool, error) {
		for _, c := range openCases {
			if c.id == id {
				return access.CaseFacts{Open: true, Office: c.office, Persons: []string{c.person}}, true, nil
			}
		}
		return access.CaseFacts{}, false, nil
	}})
	d.regs, err = register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: defs, Seen: checker.Seen, Linked: checker.Permit})
	must(t, err)
	d.grant = func(r access.Request) access.Grant {
		r.Actor, r.Basis = access.SystemActor("test"), "test"
		return accesstest.Grant(t, checker, r)
	}
	words, err := i18n.Load(append(web.Messages(), Messages(), register.Messages())...)
	must(t, err)
	for _, m := range words.Missing() {
		if strings.Contains(m, "register") {
			t.Error(m)
		}
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: words})
	must(t, err)
	mounts, err := Mounts(Config{Templates: tmpl, DB: db, Registers: d.regs, Access: checker, Actor: identity.Require,
		Case: func(_ context.Context, ref string) (string, string, string, error) {
			if c, ok := openCases[ref]; ok {
				return c.id, c.office, c.person, nil
			}
			return "", "", "", fault.New(fault.NotFound, "test", "")
		}})
	must(t, err)
	d.site, err = web.New(web.Config{Catalogue: words, Templates: tmpl, Middleware: []func(http.Handler) http.Handler{
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if d.actor.ID != "" {
					r = identity.With(r, identity.Session{Actor: d.actor})
				}
				next.ServeHTTP(w, r)
			})
		},
	}}, mounts)
	must(t, err)
	return d
}

func (d *desk) put(reg string, data map[string]any, why register.Why) {
	d.t.Helper()
	g := d.grant(access.Request{Action: access.Change, Resource: register.Resource(reg), Fields: []string{"x"}})
	must(d.t, d.db.Write(d.t.Context(), func(tx *store.Tx) error { return d.regs.Put(d.t.Context(), tx, g, reg, "", data, why) }))
}

func car(plate, holder, make string) map[string]any {
	return map[string]any{"plate": plate, "holder": holder, "make": make, "model": "Astra", "fuel": "diesel", "emission_class": "Euro 5", "first_registration": "2014-02-11"}
}

func (d *desk) do(method, path string, form url.Values) (int, string, string) {
	d.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "de")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return w.Code, html.UnescapeString(string(body)), w.Header().Get("Location")
}

// page holds a page's status and words.
func (d *desk) page(path string, status int, want ...string) string {
	d.t.Helper()
	got, body, _ := d.do(http.MethodGet, path, nil)
	if got != status {
		d.t.Errorf("%s: %d, want %d\n%.3000s", path, got, status, body)
	}
	for _, s := range want {
		if !strings.Contains(body, s) {
			d.t.Errorf("%s lacks %q:\n%.6000s", path, s, body)
		}
	}
	return body
}

func (d *desk) lacks(body string, words ...string) {
	d.t.Helper()
	for _, s := range words {
		if strings.Contains(body, s) {
			d.t.Errorf("the page shows %q:\n%.6000s", s, body)
		}
	}
}

const said = "?basis=%C2%A7+39+StVG&purpose=Halteranfrage"

var recordLink = regexp.MustCompile(`/desk/registers/vehicles/records/(~[A-Za-z0-9_-]+)`)

func TestAClerkSaysWhyBeforeARegisterOpens(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.put("vehicles", car("DU-AB 1", "p1", "Opel"), register.Why{Reason: "Zulassung"})
		d.put("vehicles", car("DU-AB 2", "p2", "Ford"), register.Why{Reason: "Zulassung"})
		d.page("/desk/registers", 200, "Register Ihres Amts", "Fahrzeugregister", "Melderegister", "Öffentliche Register")
		first := d.page("/desk/registers/vehicles", 200, "Rechtsgrundlage", "§§ 32, 33 StVG")
		d.lacks(first, "DU-AB")
		d.page("/desk/registers/vehicles?asked=1&purpose=&basis=", 422, "Bitte füllen Sie dieses Feld aus.")
		d.page("/desk/registers/vehicles?asked=1&purpose=x&basis=y&case=32-1", 422, "hat Ihr Amt keinen Vorgang")
		before := d.page("/desk/registers/vehicles"+said, 200, "Suchen", "Halteranfrage")
		d.lacks(before, "DU-AB")
		list := d.page("/desk/registers/vehicles"+said+"&go=1", 200, "DU-AB 1", "DU-AB 2", "Opel")
		link := recordLink.FindString(list)
		if link == "" || strings.Contains(link, "DU-") {
			t.Fatalf("no link to a record: %s", list)
		}
		d.page(link, 422, "Bitte füllen Sie dieses Feld aus.")
		d.page(link+said, 200, "Personenbezogene Angaben", "11.02.2014", "Zulassung", "/desk/registers/residents/records/p")

		// Another office: without a case nothing, with one only whom it is about.
		d.actor = accesstest.Clerk("32")
		d.page("/desk/registers/vehicles"+said+"&asked=1", 422, "Ihr Amt führt dieses Register nicht")
		d.lacks(d.page(link+said, 422), "DU-AB")
		mine := d.page("/desk/registers/vehicles"+said+"&case=32-1&go=1", 200, "DU-AB 1")
		d.lacks(mine, "DU-AB 2", "Neuer Datensatz")
		d.page("/desk/registers/vehicles"+said+"&case=36-1&go=1", 422, "hat Ihr Amt keinen Vorgang")
		d.page("/desk/registers/vehicles"+said+"&case=99&go=1", 422, "hat Ihr Amt keinen Vorgang")

		// Residents and strangers have no business here.
		d.actor = accesstest.Anna()
		if status, body, _ := d.do(http.MethodGet, link+said, nil); status != 403 || strings.Contains(body, "DU-AB") {
			t.Errorf("a resident: %d", status)
		}
		d.actor = access.Actor{}
		if status, _, _ := d.do(http.MethodGet, "/desk/registers", nil); status == 200 {
			t.Errorf("a stranger: %d", status)
		}
	})
}

func TestWhatAClerkMayNotSeeLooksLikeWhatIsntThere(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.put("vehicles", car("DU-AB 1", "p1", "Opel"), register.Why{Reason: "Zulassung"})
		link := recordLink.FindString(d.page("/desk/registers/vehicles"+said+"&go=1", 200))
		d.actor = access.Actor{Kind: access.Clerk, ID: "c9", Office: "36", Roles: []string{"counter"}, Level: access.Substantial}
		for _, what := range []string{"", "/versions", "/known", "/readers", "/edit", "/end"} {
			there := d.page(link+what+said, 404, "nicht für Sie zugänglich")
			not := d.page("/desk/registers/vehicles/records/~AAAAAAAAAAAAAAAAAAAAAA"+what+said, 404)
			id := strings.TrimPrefix(link, "/desk/registers/vehicles/records/")
			if strings.ReplaceAll(there, id, "X") != strings.ReplaceAll(not, "~AAAAAAAAAAAAAAAAAAAAAA", "X") {
				t.Errorf("%s differs", what)
			}
		}
		for _, key := range []string{"%00", "%FF", "%7E", "..%2Fx", strings.Repeat("x", 600)} {
			d.page("/desk/registers/vehicles/records/"+key+said, 404)
		}
		d.page("/desk/registers/none"+said, 404)
	})
}

func TestAKeeperChangesARecordAndAStaleChangeShowsBoth(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.put("vehicles", car("DU-AB 1", "p1", "Opel"), register.Why{Reason: "Zulassung", From: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)})
		link := recordLink.FindString(d.page("/desk/registers/vehicles"+said+"&go=1", 200))
		form := d.page(link+"/edit"+said, 200, `name="f.make"`, `name="f.fuel"`, `name="reason"`)
		d.lacks(form, `name="f.plate"`, `name="f.holder"`)
		in := url.Values{"mark": {"1-1"}, "f.make": {"Opel"}, "f.model": {"Corsa"}, "f.fuel": {"diesel"}, "f.emission_class": {"Euro 5"},
			"f.first_registration.day": {"11"}, "f.first_registration.month": {"2"}, "f.first_registration.year": {"2014"}, "reason": {"Berichtigung"}}
		with := func(name, value string) url.Values {
			out := url.Values{}
			for k, v := range in {
				out[k] = v
			}
			out.Set(name, value)
			return out
		}
		for _, x := range []struct {
			in     url.Values
			status int
			want   string
		}{
			{with("reason", ""), 422, "Bitte nennen Sie den Grund."}, {with("f.model", ""), 422, "Bitte füllen Sie dieses Feld aus."},
			{with("f.first_registration.day", "31"), 422, "passt nicht zum Register"}, {with("from.day", "x"), 422, "kein Datum"},
			{with("f.fuel", "water"), 422, "passt nicht zum Register"}, {with("mark", "x"), 409, "inzwischen geändert"},
			{with("f.model", "Astra"), 422, "nichts geändert"},
		} {
			status, body, _ := d.do(http.MethodPost, link+"/edit"+said, x.in)
			if status != x.status || !strings.Contains(body, x.want) {
				t.Errorf("%v: %d, want %d and %q\n%.4000s", x.in, status, x.status, x.want, body)
			}
		}
		// Fields that the form doesn't have change nothing.
		hostile := with("f.plate", "DU-X 9")
		hostile.Set("f.holder", "p9")
		hostile.Set("f.unknown", "x")
		status, body, to := d.do(http.MethodPost, link+"/edit"+said, hostile)
		if status != 303 {
			t.Fatalf("%d %.4000s", status, body)
		}
		d.page(to, 200, "Corsa", "DU-AB 1", "Berichtigung", "Die Änderung ist gespeichert.")
		status, body, _ = d.do(http.MethodPost, link+"/edit"+said, with("f.model", "Zafira"))
		if status != 409 || !strings.Contains(body, "Corsa") || !strings.Contains(body, "Zafira") || !strings.Contains(body, "geändert") || !strings.Contains(body, `value="2-2"`) {
			t.Errorf("stale: %d %.6000s", status, body)
		}
		d.page(link+"/versions"+said, 200, "Version 1", "Astra", "Corsa", "geändert", "gleich")
		d.page(link+"/known"+said+"&valid.day=1&valid.month=6&valid.year=2026&known.day=1&known.month=6&known.year=2026", 200, "wusste die Stadt über den")
		d.page(link+"/known"+said+"&valid=2026-06-01", 200, "Was die Stadt am", "Astra")
		d.page(link+"/known"+said+"&valid=2026-02-31", 422, "kein Datum")
		d.page(link+"/readers"+said, 403, "Datenschutzbeauftragte")
		d.page(link+"/end"+said, 200, "keine Löschung")
		if status, _, _ := d.do(http.MethodPost, link+"/end"+said, url.Values{"mark": {"1-1"}, "reason": {"Abmeldung"}}); status != 409 {
			t.Errorf("a stale end: %d", status)
		}
		if status, body, _ := d.do(http.MethodPost, link+"/end"+said, url.Values{"mark": {"2-2"}, "reason": {"Abmeldung"}}); status != 303 {
			t.Errorf("%d %.3000s", status, body)
		}
		d.page(link+said, 404)

		made := url.Values{"f.plate": {"DU-NE 7"}, "f.holder": {"p7"}}
		for k, v := range in {
			made[k] = v
		}
		status, body, to = d.do(http.MethodPost, "/desk/registers/vehicles/new"+said, made)
		if status != 303 || strings.Contains(to, "DU-NE") {
			t.Fatalf("%d %s %.4000s", status, to, body)
		}
		d.page(to, 200, "DU-NE 7")
		if status, body, _ := d.do(http.MethodPost, "/desk/registers/vehicles/new"+said, made); status != 422 || !strings.Contains(body, "gibt es schon") {
			t.Errorf("%d %.3000s", status, body)
		}

		// Who doesn't keep the register changes nothing, whatever they send.
		d.actor = accesstest.Clerk("32")
		for _, path := range []string{to, link} {
			path, _, _ = strings.Cut(path, "?")
			if status, _, _ := d.do(http.MethodPost, path+"/edit"+said+"&case=32-1", in); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
			if status, _, _ := d.do(http.MethodPost, path+"/end"+said+"&case=32-1", url.Values{"mark": {"1-1"}, "reason": {"x"}}); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
	})
}

func resident(id, given, family, birth string) map[string]any {
	return map[string]any{"id": id, "given_names": given, "family_name": family, "birth_date": birth, "nationality": "DE", "street": "Kantstraße", "house_number": "1",
		"postcode": "47057", "city": "Duisburg", "quarter": "505", "residence_since": "2001-01-01"}
}

// Each field is asked for in the ways that its register declares, and what is typed stays
// what it is, whatever it looks like.
func TestAFormAsksForWhatTheRegisterCanFind(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.actor = accesstest.Clerk("32")
		for _, x := range []map[string]any{resident("p1", "Anna", "Meier", "1980-05-03"), resident("p2", "Bora", "Mayer", "1991-12-31"), resident("p3", "Carl", "O'Neill", "1980-06-01"), resident("p4", "Dora", "100% Weiss_", "1999-01-01")} {
			d.put("residents", x, register.Why{Reason: "Anmeldung"})
		}
		const at = "/desk/registers/residents?basis=BMG&purpose=Auskunft"
		form := d.page(at, 200, `name="f.family_name"`, `name="f.family_name.way"`, "klingt so", "beginnt so", `name="f.birth_date.from.day"`, `name="f.birth_date.to.year"`, `name="filter"`)
		d.lacks(form, `name="f.nationality"`, `name="f.id"`)
		all := []string{"Meier", "Mayer", "O'Neill", "Weiss_"}
		for query, want := range map[string][]string{
			"f.family_name=meier":                                     {"Meier"},
			"f.family_name=Maier&f.family_name.way=sounds":            {"Meier", "Mayer"},
			"f.family_name=Ma&f.family_name.way=begins":               {"Mayer"},
			"f.family_name=O%27Neill":                                 {"O'Neill"},
			"f.family_name=100%25&f.family_name.way=begins":           {"Weiss_"},
			"f.family_name=M%25er&f.family_name.way=begins":           {},
			"f.family_name=M_yer&f.family_name.way=begins":            {},
			"f.family_name=%5C%27+OR+given_names+%3D+%27Anna":         {},
			"f.family_name=x%27+OR+given_names+%3D+%27Anna":           {},
			"f.birth_date.from=1980-05-01&f.birth_date.to=1980-05-31": {"Meier"},
			"f.birth_date.from=1990-01-01":                            {"Mayer", "Weiss_"},
			"f.birth_date.from=1991-12-31&f.birth_date.to=1991-12-31": {"Mayer"},
			"f.birth_date.from.day=1&f.birth_date.from.month=6&f.birth_date.from.year=1980&f.birth_date.to=1980-06-01": {"O'Neill"},
			"f.street=Kantstr.&f.given_names=Bora":                                                {"Mayer"},
			"filter=family_name+%3D+%27Meier%27&f.given_names=Bora":                               {},
			"filter=family_name+%3D+%27Meier%27+OR+given_names+%3D+%27Bora%27&f.given_names=Anna": {"Meier"},
			"f.nationality=TR": all, // no field of the form: not asked
		} {
			body := d.page(at+"&go=1&"+query, 200)
			if _, table, ok := strings.Cut(body, "<tbody"); ok || len(want) > 0 {
				for _, name := range all {
					if has := strings.Contains(table, name); has != slices.Contains(want, name) {
						t.Errorf("%s: %s is found: %v", query, name, has)
					}
				}
			}
		}
		for query, want := range map[string]string{
			"f.birth_date.from=1980-02-31": "kein Datum", "f.birth_date.from.day=x": "kein Datum", "f.family_name=x%5C": "nicht erlaubt", "f.family_name=a%00": "nicht erlaubt",
			"filter=nationality+%3D+%27DE%27": "Suche ist nicht möglich", "filter=family_name+%3D": "Suche ist nicht möglich", "filter=secret+%3D+1": "Suche ist nicht möglich",
			"sort=family_name": "Suche ist nicht möglich", "sort=data": "Suche ist nicht möglich", "after=x.y": "Suche ist nicht möglich", "text=x": "Suche ist nicht möglich",
		} {
			d.lacks(d.page(at+"&go=1&"+query, 422, want), "Meier</", "Mayer</")
		}
	})
}

// What another register says is shown to who may see it there, and can't be changed here.
func TestAViewIsShownForACaseAndNeverChanged(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.put("residents", resident("p1", "Anna", "Meier", "1980-05-03"), register.Why{Reason: "Anmeldung"})
		d.put("vehicles", car("DU-AB 1", "p1", "Opel"), register.Why{Reason: "Zulassung"})
		link := recordLink.FindString(d.page("/desk/registers/vehicles"+said+"&go=1", 200))
		refused := func() (n int) {
			must(t, db.QueryRow(t.Context(), "SELECT COUNT(*) FROM audit_entry WHERE resource = 'register:residents' AND outcome = 'refused'").Scan(&n))
			return n
		}
		d.lacks(d.page(link+said, 200, "Diesel", "Auch zeigen, was andere Register dazu sagen"), "Kantstraße")
		if n := refused(); n != 0 {
			t.Errorf("opening a record of one's own register left %d refusals in another", n)
		}
		d.page(link+said+"&case=36-1", 200, "Kantstraße")
		d.lacks(d.page(link+said+"&linked=1", 200, "DU-AB 1"), "Kantstraße")
		if n := refused(); n != 1 {
			t.Errorf("asking for what one may not see left %d refusals", n)
		}
		d.lacks(d.page(link+"/edit"+said, 200, `value="diesel"`), "holder_street")
	})
}

func TestEveryRegisterHasItsScreens(t *testing.T) {
	d := open(t, storetest.SQLite(t, rooms))
	for _, def := range d.regs.Registers().All() {
		d.actor = accesstest.Clerk(def.Office)
		d.page("/desk/registers/"+def.ID+said, 200, "Suchen")
		d.page("/desk/registers/"+def.ID+"/new"+said, 200, "Speichern")
		d.page("/desk/registers/"+def.ID+said+"&go=1", 200, "Nichts gefunden.")
	}
}

func TestTheAuditorSeesWhoHasRead(t *testing.T) {
	d := open(t, storetest.SQLite(t, rooms))
	d.put("vehicles", car("DU-AB 1", "p1", "Opel"), register.Why{Reason: "Zulassung"})
	link := recordLink.FindString(d.page("/desk/registers/vehicles"+said+"&go=1", 200))
	d.page(link+said, 200)
	d.actor.Roles = append(d.actor.Roles, "auditor")
	d.page(link+"/readers"+said, 200, "gelesen", "Halteranfrage", "§ 39 StVG")
}
