// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/service"
)

// cockpit is a house with a few people in it, seen by those who sign in.
type cockpit struct {
	h                 *House
	anna, mehmet      access.Actor
	annaRow, otherRow string // their records in the register of residents
	calls             int
}

func newCockpit(t testing.TB, dsn string) *cockpit {
	t.Helper()
	h := testHouseOn(t, t.TempDir(), "", dsn)
	t.Cleanup(h.Close)
	people, err := h.loadSample(context.Background(), 20, time.Now(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := &cockpit{h: h}
	for key, a := range map[string]*access.Actor{"anna-schmidt": &c.anna, "mehmet-yilmaz": &c.mehmet} {
		p, ok := people.generator.Find(key)
		if !ok {
			t.Fatal(key)
		}
		*a = access.Actor{Kind: access.Resident, ID: p.Resident.ID, Name: p.Resident.GivenNames + " " + p.Resident.FamilyName, Level: access.Substantial, Door: access.DoorHouse}
	}
	c.annaRow, c.otherRow = c.row(t, c.anna), c.row(t, c.mehmet)
	return c
}

// row is the id of a person's record in the register of residents.
func (c *cockpit) row(t testing.TB, a access.Actor) string {
	t.Helper()
	list, err := c.h.registers.Own(context.Background(), c.h.access.Permit, a, "residents")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	return list[0].ID
}

// cookie signs somebody in.
func (c *cockpit) cookie(t testing.TB, a access.Actor) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := c.h.sessions.SignIn(context.Background(), w, httptest.NewRequest("GET", "/", nil), a, ""); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

// call gets a page, or posts a form to it.
func (c *cockpit) call(t testing.TB, by *http.Cookie, path string, form url.Values) (status int, body, location string) {
	t.Helper()
	method, content := "GET", io.Reader(http.NoBody)
	if form != nil {
		method, content = "POST", strings.NewReader(form.Encode())
	}
	q := httptest.NewRequestWithContext(context.Background(), method, "http://127.0.0.1"+path, content)
	c.calls++ // from another address each time: how much one of them may ask isn't what is tested here
	q.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", c.calls>>16&255, c.calls>>8&255, c.calls&255)
	q.AddCookie(by)
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Sec-Fetch-Site", "same-origin")
		q.Header.Set("Origin", "http://127.0.0.1")
	}
	w := httptest.NewRecorder()
	c.h.site.ServeHTTP(w, q)
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

// reads puts on record that the office has read Anna's street.
func (c *cockpit) reads(t testing.TB, who access.Actor, purpose string) {
	t.Helper()
	if _, err := c.h.access.Permit(context.Background(), access.Request{Actor: who, Action: access.Read, Resource: "register:residents", Purpose: purpose,
		Basis: "§ 34 BMG", Owner: c.anna.ID, Office: "32", Fields: []string{"street"}}); err != nil {
		t.Fatal(err)
	}
}

func engines(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, storetest.PostgresDSN(t)) })
}

// Anna sees what the city holds and who read it, in words; she asks why, and the question is with the office that read.
func TestMyData(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		c := newCockpit(t, dsn)
		anna, mehmet := c.cookie(t, c.anna), c.cookie(t, c.mehmet)
		reader := access.SystemActor("intake")
		reader.Office = "21"
		c.reads(t, reader, "resident-parking-permit")
		c.reads(t, reader, access.GlassPurpose+": Person in Gefahr")
		c.reads(t, reader, "investigation")
		clerk := access.Actor{Kind: access.Clerk, ID: "petra.lehmann", Name: "Petra Lehmann", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial, Door: access.DoorDesk}
		c.reads(t, clerk, "keeping the register")
		c.reads(t, access.Actor{Kind: access.Machine, ID: "parking-erp", Name: "parking-erp", Roles: []string{"registers:read", "register:residents"}, Door: access.DoorAPI, Client: "parking-erp"}, "checking permits")

		code, home, _ := c.call(t, anna, "/my-data", nil)
		for _, want := range []string{"Melderegister", "Kantstraße", "§§ 2, 3 BMG", "/my-data/registers/residents/" + c.annaRow, "DU-AS 1988", "/my-data/copy.pdf", "/services/data-erasure"} {
			if code != 200 || !strings.Contains(home, want) {
				t.Errorf("my data: %d, without %q", code, want)
			}
		}
		// Where the keeper of a vehicle lives stands in another register, and the page says in which.
		code, held, _ := c.call(t, anna, "/my-data/held/register:vehicles", nil)
		for _, want := range []string{"Halteranschrift: Straße", "Kantstraße", "aus dem Register „Melderegister“ gezeigt"} {
			if code != 200 || !strings.Contains(held, want) {
				t.Errorf("the vehicles: %d, without %q", code, want)
			}
		}
		code, list, _ := c.call(t, anna, "/my-data/reads", nil)
		for _, want := range []string{"Straße", "„Bewohnerparkausweis“", "in einem Notfall ohne Vorgang; angegebener Grund: „Person in Gefahr“", "§ 34 BMG", "Nachfragen, warum",
			"Über: Die Plattform selbst", "Über: Arbeitsplatz der Verwaltung", "Über: Schnittstelle für Programme (parking-erp)"} {
			if code != 200 || !strings.Contains(list, want) {
				t.Errorf("who read: %d, without %q", code, want)
			}
		}
		for _, never := range []string{"investigation", "Petra", "Lehmann", "Mehmet"} {
			if strings.Contains(list, never) || strings.Contains(home, never) {
				t.Errorf("who read tells %q", never)
			}
		}
		// What somebody does at the portal is on record as done there. What this test has looked up in Anna's name is the house's.
		var there, elsewhere int
		if err := c.h.db.QueryRow(ctx, "SELECT COUNT(*) FILTER (WHERE door = 'portal'), COUNT(*) FILTER (WHERE door NOT IN ('portal', 'house')) FROM audit_entry WHERE actor_id = $1", c.anna.ID).Scan(&there, &elsewhere); err != nil || there == 0 || elsewhere > 0 {
			t.Errorf("Anna's own looks: %d at the portal, %d elsewhere, %v", there, elsewhere, err)
		}
		// What others did with Anna's data isn't in Mehmet's list.
		if code, body, _ := c.call(t, mehmet, "/my-data/reads", nil); code != 200 || strings.Contains(body, "Person in Gefahr") {
			t.Errorf("Mehmet's list: %d", code)
		}
		// One factor isn't enough, and a clerk is nobody whom the page is for.
		weak := c.anna
		weak.Level = access.Basic
		for name, a := range map[string]access.Actor{"one factor": weak, "a clerk": clerk} {
			if code, body, _ := c.call(t, c.cookie(t, a), "/my-data", nil); code == 200 || strings.Contains(body, "Kantstraße") {
				t.Errorf("%s: %d", name, code)
			}
		}

		g, err := c.h.own(ctx, c.anna, access.Read, "ledger")
		if err != nil {
			t.Fatal(err)
		}
		entries, err := c.h.access.WhoRead(ctx, g, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(entries, func(e audit.Entry) bool { return e.Purpose == "resident-parking-permit" })
		if i < 0 {
			t.Fatalf("%+v", entries)
		}
		page := "/my-data/reads/" + entries[i].ID
		if code, body, _ := c.call(t, anna, page, nil); code != 200 || !strings.Contains(body, "§ 34 BMG") || !strings.Contains(body, "Straße") || !strings.Contains(body, "Die Plattform selbst") {
			t.Errorf("the entry: %d", code)
		}
		for name, form := range map[string]url.Values{"looked at": nil, "asked about": {}} {
			if code, _, _ := c.call(t, mehmet, page, form); code != 404 {
				t.Errorf("Anna's entry, %s by Mehmet: %d", name, code)
			}
		}
		code, _, next := c.call(t, anna, page, url.Values{})
		if code != 303 || !strings.HasPrefix(next, "/apply/") {
			t.Fatalf("ask why: %d %q", code, next)
		}
		id := strings.Split(strings.TrimPrefix(next, "/apply/"), "/")[0]
		if errs, err := c.h.intake.Save(ctx, c.anna, id, "question", map[string][]string{"doubt": {"why"}}, "de"); err != nil || len(errs) > 0 {
			t.Fatalf("%v %v", errs, err)
		}
		caseID, errs, err := c.h.intake.Submit(ctx, c.anna, id, "de")
		if err != nil || len(errs) > 0 {
			t.Fatalf("%v %v", errs, err)
		}
		if asked, err := c.h.cases.Peek(ctx, c.h.db, caseID); err != nil || asked.Office != "21" || asked.Service != "data-question" || asked.Person != c.anna.ID {
			t.Errorf("the question: %+v %v", asked, err)
		}

		// Correction begins at a field of one's own record, and of nobody else's.
		record := "/my-data/registers/residents/"
		if code, body, _ := c.call(t, anna, record+c.annaRow, nil); code != 200 || !strings.Contains(body, "Heutige Fassung") || !strings.Contains(body, "Angabe berichtigen") {
			t.Errorf("the record: %d", code)
		}
		for what, form := range map[string]url.Values{"field": {"what": {"field"}, "field": {"family_name"}}, "record": {"what": {"record"}}} {
			if code, _, next := c.call(t, anna, record+c.annaRow, form); code != 303 || !strings.HasPrefix(next, "/apply/") {
				t.Errorf("begin with a %s: %d %q", what, code, next)
			}
			if code, _, _ := c.call(t, anna, record+c.otherRow, form); code != 404 {
				t.Errorf("begin with a %s of Mehmet's: %d", what, code)
			}
		}
		if code, _, _ := c.call(t, anna, record+c.otherRow, nil); code != 404 {
			t.Errorf("Mehmet's record: %d", code)
		}
		if code, _, _ := c.call(t, anna, record+c.annaRow, url.Values{"what": {"field"}, "field": {"id"}}); code != 404 {
			t.Errorf("a field that nobody is given: %d", code)
		}

		// The copies: all of it, and only Anna's.
		code, text, _ := c.call(t, anna, "/my-data/copy.json", nil)
		var copied struct {
			Holders []struct {
				ID    string
				Basis string
				Items []struct {
					Facts []struct{ Name, Source string }
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &copied); err != nil || code != 200 {
			t.Fatalf("%d %v", code, err)
		}
		found := map[string]bool{}
		for _, x := range copied.Holders {
			found[x.ID] = x.Basis != "" && len(x.Items) > 0
		}
		if !found["register:residents"] || !found["register:vehicles"] || !found["case"] || !found["draft"] || strings.Contains(text, c.mehmet.ID) {
			t.Errorf("the copy holds %v", found)
		}
		if code, body, _ := c.call(t, anna, "/my-data/given.csv", nil); code != 200 || !strings.Contains(body, "doubt") || strings.Contains(body, "Melderegister") {
			t.Errorf("what Anna gave: %d\n%s", code, body)
		}
		if code, body, _ := c.call(t, anna, "/my-data/copy.pdf", nil); code != 200 || !strings.HasPrefix(body, "%PDF") {
			t.Errorf("the copy as PDF: %d", code)
		}
	})
}

// BenchmarkCockpit is the answer for a request of the Datenschutzcockpit about a person with 10,000 entries: it has to
// take less than 500 ms.
func BenchmarkCockpit(b *testing.B) {
	for engine, dsn := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return storetest.PostgresDSN(b) }} {
		c := newCockpit(b, dsn())
		reader := access.SystemActor("intake")
		for range 20 {
			if err := c.h.db.Write(context.Background(), func(tx *store.Tx) error {
				for i := range 500 {
					reader.Office = []string{"21", "30", "32"}[i%3]
					if _, err := c.h.access.PermitTx(context.Background(), tx, access.Request{Actor: reader, Action: access.Read, Resource: "register:residents",
						Purpose: "resident-parking-permit", Basis: "§ 34 BMG", Owner: c.anna.ID, Office: "32", Case: fmt.Sprint("c", i), Fields: []string{"street"}}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		anna := c.cookie(b, c.anna)
		for name, path := range map[string]string{"all": "/my-data", "reads": "/my-data/reads", "narrowed": "/my-data/reads?office=30", "copy": "/my-data/copy.json"} {
			b.Run(engine+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if code, _, _ := c.call(b, anna, path, nil); code != 200 {
						b.Fatal(code)
					}
				}
			})
		}
	}
}

// What nobody needs goes at once, what the law keeps stays, and the person is told which is which.
func TestErasure(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		c := newCockpit(t, dsn)
		if _, err := c.h.intake.Start(ctx, c.anna, "resident-parking-permit"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.h.intake.Start(ctx, c.mehmet, "resident-parking-permit"); err != nil {
			t.Fatal(err)
		}
		s, ok := c.h.services.Current("data-erasure")
		if !ok {
			t.Fatal("no such service")
		}
		list, _ := service.Scenarios(s)
		p := &player{stage: &stage{h: c.h}, s: s, sc: list[0], actor: c.anna}
		if err := p.apply(ctx); err != nil {
			t.Fatal(err)
		}
		p.sc.Expect = service.Expect{Outcome: "granted", Documents: []string{"erased"}}
		if err := p.check(ctx); err != nil {
			t.Error(err)
		}
		for who, want := range map[*access.Actor]int{&c.anna: 0, &c.mehmet: 1} {
			if drafts, err := c.h.intake.Drafts(ctx, *who); err != nil || len(drafts) != want {
				t.Errorf("%s has %d drafts: %v", who.Name, len(drafts), err)
			}
		}
		if c.row(t, c.anna) != c.annaRow { // what holds stays
			t.Error("the record in the register of residents is another one")
		}
	})
}

// While a record is restricted its office doesn't find it, and its person does.
func TestRestriction(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		c := newCockpit(t, dsn)
		clerk := access.Actor{Kind: access.Clerk, ID: "petra.lehmann", Name: "Petra Lehmann", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial}
		ask := func(purpose, caseID string) error {
			_, err := c.h.access.Permit(ctx, access.Request{Actor: clerk, Action: access.Read, Resource: "register:residents", Purpose: purpose, Basis: "§ 34 BMG",
				Case: caseID, Owner: c.anna.ID, Office: "32", Fields: []string{"street"}})
			return err
		}
		if err := ask("keeping the register", ""); err != nil {
			t.Fatal(err)
		}
		s, _ := c.h.services.Current("data-restriction")
		list, _ := service.Scenarios(s)
		p := &player{stage: &stage{h: c.h}, s: s, sc: list[0], actor: c.anna}
		if err := p.apply(ctx); err != nil {
			t.Fatal(err)
		}
		if err := ask("keeping the register", ""); !fault.Is(err, fault.Denied) {
			t.Errorf("the office reads what is restricted: %v", err)
		}
		if err := ask("legal claims", ""); !fault.Is(err, fault.Denied) {
			t.Errorf("to say the words is enough: %v", err)
		}
		if err := ask("legal claims", p.caseID); err != nil {
			t.Errorf("for legal claims: %v", err)
		}
		if code, body, _ := c.call(t, c.cookie(t, c.anna), "/my-data", nil); code != 200 || !strings.Contains(body, "Art. 18 DSGVO") || !strings.Contains(body, "Kantstraße") {
			t.Errorf("her own page: %d", code)
		}
		if err := p.complete(ctx, "settle", map[string]any{"reason": "Die Anschrift ist berichtigt."}); err != nil {
			t.Fatal(err)
		}
		if err := ask("keeping the register", ""); err != nil {
			t.Errorf("after it was lifted: %v", err)
		}
		if err := p.check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A consent is the person's to take back: what was fetched on it is forgotten, and nothing is read on it again.
func TestConsentWithdrawn(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		c := newCockpit(t, dsn)
		d, err := c.h.intake.Start(ctx, c.anna, "resident-parking-permit")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.h.intake.Consent(ctx, c.anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fetched := func() map[string]any {
			t.Helper()
			d, err := c.h.intake.Draft(ctx, c.anna, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			return d.Registers
		}
		list, err := c.h.intake.Consents(ctx, c.anna, "", 9)
		if err != nil || len(list) != 1 || fetched() == nil {
			t.Fatalf("%v %v", list, err)
		}
		anna, path := c.cookie(t, c.anna), "/my-data/consents/"+list[0].ID
		if code, body, _ := c.call(t, anna, "/my-data/consents", nil); code != 200 || !strings.Contains(body, path) || !strings.Contains(body, "§ 34 Absatz 1 BMG") {
			t.Errorf("the consents: %d", code)
		}
		if code, _, _ := c.call(t, c.cookie(t, c.mehmet), path, url.Values{}); code != 404 || fetched() == nil {
			t.Errorf("Mehmet takes Anna's consent back: %d", code)
		}
		before := c.readsOnRecord(t)
		if code, _, _ := c.call(t, anna, path, url.Values{}); code != 303 || fetched() != nil {
			t.Errorf("taken back: %d, and the draft has %v", code, fetched())
		}
		if d, err = c.h.intake.Draft(ctx, c.anna, d.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.h.intake.Fill(ctx, c.anna, d, "de"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.h.intake.Submit(ctx, c.anna, d.ID, "de"); err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		if c.readsOnRecord(t) != before {
			t.Error("registers were read again after the consent was taken back")
		}
		if code, body, _ := c.call(t, anna, "/my-data/consents", nil); code != 200 || strings.Contains(body, path) || !strings.Contains(body, "Beendet am") {
			t.Errorf("the consents afterwards: %d", code)
		}
	})
}

// readsOnRecord counts what others have read about Anna.
func (c *cockpit) readsOnRecord(t testing.TB) int {
	t.Helper()
	g, err := c.h.own(context.Background(), c.anna, access.Read, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.h.access.WhoRead(context.Background(), g, "", audit.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
