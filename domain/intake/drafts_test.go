// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

const trade = "business-registration"

// rows are the drafts as the database has them, every column as text.
func rows(t testing.TB, h *intaketest.House) string {
	t.Helper()
	all := must[[]string](t)(store.All(t.Context(), h.DB, func(s store.Scanner) (string, error) {
		var a, r, g string
		var sealed []byte
		err := s.Scan(&a, &r, &g, &sealed)
		return a + r + g + string(sealed), err
	}, "-- test.rows\nSELECT answers, raw, registers, sealed FROM intake_draft ORDER BY id"))
	return strings.Join(all, "\n")
}

func exec(t testing.TB, h *intaketest.House, statement string, args ...any) {
	t.Helper()
	if err := h.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func save(t testing.TB, h *intaketest.House, a access.Actor, d intake.Draft, page string, post url.Values) []form.FieldError {
	t.Helper()
	return must[[]form.FieldError](t)(h.Intake.Save(t.Context(), a, d.ID, page, post, "de"))
}

func TestDraftsAreSealed(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, d, "vehicle", url.Values{"_f": {"other_vehicle", "other_plate"}, "other_vehicle": {"true"}, "other_plate": {"das Wohnmobil"}})
		for _, secret := range []string{"Musfeldstraße", "Wohnmobil", "DU-AB 123"} {
			if strings.Contains(rows(t, h), secret) {
				t.Errorf("%q stands in the database", secret)
			}
		}
		if d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); d.Raw["other_plate"] != "das Wohnmobil" || d.Registers == nil {
			t.Errorf("the draft: %v %v", d.Raw, d.Registers)
		}
		// Put into somebody else's draft it doesn't open there.
		bora := accesstest.Bora()
		b := must[intake.Draft](t)(h.Intake.Start(ctx, bora, parking))
		exec(t, h, "-- test.move\nUPDATE intake_draft SET sealed = (SELECT sealed FROM intake_draft WHERE id = $1) WHERE id = $2", d.ID, b.ID)
		if _, err := h.Intake.Draft(ctx, bora, b.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a moved draft: %v", err)
		}
		// … and whoever it happened to can begin again.
		if again := must[intake.Draft](t)(h.Intake.Start(ctx, bora, parking)); again.ID == b.ID || len(again.Answers) > 0 {
			t.Errorf("begun again: %+v", again)
		}
	})
}

func TestDraftsOfBeforeAreSealedWithoutLoss(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		exec(t, h, "-- test.plain\nUPDATE intake_draft SET answers = $2, raw = $3, registers = $4, consent = 'yes' WHERE id = $1", d.ID,
			`{"given_names":"Änne","months":12,"long":9007199254740993}`, `{"birth_date":"weiß nicht"}`, `{"resident":{"street":"Musfeldstraße"}}`)
		same := func(when string) {
			t.Helper()
			d := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			r, _ := d.Registers["resident"].(map[string]any)
			if got := fmt.Sprint(d.Answers, d.Raw, r["street"]); got != "map[given_names:Änne long:9007199254740993 months:12] map[birth_date:weiß nicht]Musfeldstraße" {
				t.Errorf("%s: %s", when, got)
			}
		}
		same("before")
		if n := must[int](t)(h.Intake.Upgrade(ctx)); n != 1 {
			t.Errorf("%d sealed", n)
		}
		same("after")
		if r := rows(t, h); strings.Contains(r, "nne") || strings.Contains(r, "weiß") || strings.Contains(r, "Musfeld") {
			t.Errorf("in clear: %q", r)
		}
		if n := must[int](t)(h.Intake.Upgrade(ctx)); n != 0 {
			t.Errorf("%d sealed again", n)
		}
	})
}

func TestErasedDraftsAreGoneInBackupsToo(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		save(t, h, anna, d, "person", url.Values{"_f": {"given_names"}, "given_names": {"Anna"}})
		other := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		save(t, h, anna, other, "person", url.Values{"_f": {"given_names"}, "given_names": {"Anna Lena"}})
		backup := must[[]byte](t)(store.One(ctx, h.DB, func(s store.Scanner) (b []byte, err error) { return b, s.Scan(&b) }, "-- test.sealed\nSELECT sealed FROM intake_draft WHERE id = $1", d.ID))
		erase := func(asking string) {
			t.Helper()
			if err := h.DB.Write(ctx, func(tx *store.Tx) error {
				n, err := h.Intake.EraseDrafts(ctx, tx, anna.ID, asking)
				if n != 1 {
					t.Errorf("%d erased", n)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		erase(trade)
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, other.ID)); x.Answers["given_names"] != "Anna Lena" {
			t.Errorf("what stays: %v", x.Answers)
		}
		// The row comes back out of a backup, into a draft with its very id: there is nothing to read in it.
		again := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		exec(t, h, "-- test.restore\nUPDATE intake_draft SET id = $1, sealed = $2 WHERE id = $3", d.ID, backup, again.ID)
		if _, err := h.Intake.Draft(ctx, anna, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("an erased draft opens: %v", err)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna)); len(l) != 1 || l[0].ID != other.ID {
			t.Errorf("the list: %v", l)
		}
		if err := h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Forget(ctx, tx, anna.ID) }); err != nil {
			t.Fatal(err)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna)); len(l) != 0 {
			t.Errorf("after the person is erased: %v", l)
		}
	})
}

func TestOwnersAreToldBeforeTheirDraftGoes(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		guest, _ := intake.GuestOf(intake.NewGuest())
		must[intake.Draft](t)(h.Intake.StartGuest(ctx, guest, trade, "192.0.2.1"))
		told := func(want int) {
			t.Helper()
			must[int64](t)(h.Intake.Sweep(ctx))
			if got := h.Warned(); len(got) != want {
				t.Errorf("told %v, want %d", got, want)
			}
		}
		told(0)
		h.SetNow(h.Now().AddDate(0, 0, 54))
		told(1)
		told(1) // once
		if !h.Intake.Soon(must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)).ExpiresAt) {
			t.Error("the page doesn't say so")
		}
		save(t, h, anna, d, "person", url.Values{"_f": {"given_names"}, "given_names": {"Anna"}}) // lives on
		told(1)
		h.SetNow(h.Now().AddDate(0, 0, 55))
		told(2)
		if got := h.Warned(); got[1] != anna.ID+" "+d.ID {
			t.Errorf("told %v", got)
		}
	})
}

func TestTwoDevicesLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		now := func() (intake.Draft, *intake.Filling) {
			t.Helper()
			x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			return x, must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de"))
		}
		post := func(seen string, pairs ...string) url.Values {
			in := url.Values{intake.SeenField: {seen}}
			for i := 0; i < len(pairs); i += 2 {
				in.Add("_f", pairs[i])
				in.Set(pairs[i], pairs[i+1])
			}
			return in
		}
		save(t, h, anna, d, "address", post("", "street", "Königstraße", "house_number", "1", "postcode", "47051", "city", "Duisburg"))
		_, f := now()
		shown := f.Seen("address") // on the phone and on the laptop

		// The phone changes the street. The laptop sends its whole page with another house number.
		save(t, h, anna, d, "address", post(shown, "street", "Düsseldorfer Straße"))
		save(t, h, anna, d, "address", post(shown, "street", "Königstraße", "house_number", "2", "postcode", "47051", "city", "Duisburg"))
		x, f := now()
		if x.Answers["street"] != "Düsseldorfer Straße" || x.Answers["house_number"] != "2" || len(x.Rivals) != 0 {
			t.Errorf("what nobody touched here was taken back: %v %v", x.Answers, x.Rivals)
		}

		// Both change the same field, one of them into what can't be read.
		shown = f.Seen("address")
		save(t, h, anna, d, "address", post(shown, "postcode", "viersiebennullfünfeins"))
		save(t, h, anna, d, "address", post(shown, "postcode", "47057"))
		x, f = now()
		list := f.Rivalries("")
		if x.Answers["postcode"] != "47057" || x.Raw["postcode"] != "" || len(list) != 1 || list[0].Rival.Raw != "viersiebennullfünfeins" {
			t.Fatalf("%v %v %+v", x.Answers, x.Raw, list)
		}
		if errs := f.Validate("address"); keys(errs) != "residence_since required, postcode intake.rival" || f.Resume() != "person" {
			t.Errorf("the page says %s", keys(errs))
		}
		if _, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || !strings.Contains(keys(errs), "postcode intake.rival") {
			t.Errorf("handed over undecided: %s %v", keys(errs), err)
		}
		// Sent without having seen it: it stays. Having seen it: decided.
		save(t, h, anna, d, "address", post(f.Seen("address"), "postcode", "47058"))
		if x, f = now(); len(x.Rivals) != 1 {
			t.Fatal("the other value is lost")
		}
		in := post(f.Seen("address"), "postcode", "47058")
		in.Add(intake.RivalField, "postcode:"+f.Rivalries("")[0].Mark)
		save(t, h, anna, d, "address", in)
		if x, _ = now(); len(x.Rivals) != 0 || x.Answers["postcode"] != "47058" {
			t.Errorf("%v %v", x.Answers, x.Rivals)
		}
		// The same in both places is no matter; nonsense in the helper fields neither.
		_, f = now()
		shown = f.Seen("address")
		save(t, h, anna, d, "address", post(shown, "city", "Essen"))
		save(t, h, anna, d, "address", post(shown, "city", "Essen"))
		in = post(strings.Repeat(":x y: ", 1<<12), "city", "Essen")
		in[intake.RivalField] = []string{"", ":", "city:", "city:" + strings.Repeat("A", 1<<12)}
		save(t, h, anna, d, "address", in)
		if x, _ = now(); len(x.Rivals) != 0 || x.Answers["city"] != "Essen" {
			t.Errorf("%v %v", x.Answers, x.Rivals)
		}
	})
}

// Who takes a row of a list away takes the one that they have seen, whatever somebody else has done meanwhile.
func TestTheRowThatWasSeenIsTakenAway(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, clerk := t.Context(), accesstest.Anna(), accesstest.Clerk("32")
		change(t, h, parking, `"components": [`, `"components": [
			{ "type": "dynamiclist", "id": "drivers", "path": "drivers", "label": "Wer fährt", "allowAddRemove": true, "properties": { "page": "person" }, "components": [
				{ "type": "textfield", "key": "driver", "label": "Name" } ] },`)
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		names := func() string {
			t.Helper()
			d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			return fmt.Sprint(d.Answers["drivers"])
		}
		save(t, h, anna, d, "person", post("drivers.0.driver", "Anna", "drivers.1.driver", "Emil", "drivers.2.driver", "Ida"))
		atCounter(t, h, clerk, anna, d.ID)
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)), "de"))
		press := func(row string) url.Values {
			in := post("drivers.0.driver", "Anna", "drivers.1.driver", "Emil", "drivers.2.driver", "Ida")
			in.Set(intake.SeenField, f.Seen("person"))
			in.Set(form.RemoveRow, row)
			return in
		}
		// Both see three rows. She takes the first away, the clerk the second.
		save(t, h, anna, d, "person", press("drivers.0"))
		if got := names(); got != "[map[driver:Emil] map[driver:Ida]]" {
			t.Fatal(got)
		}
		errs := must[[]form.FieldError](t)(h.Intake.Save(ctx, clerk, d.ID, "", press("drivers.1"), "de"))
		if keys(errs) != "drivers intake.rowMoved" || names() != "[map[driver:Emil] map[driver:Ida]]" {
			t.Errorf("%s: %s", keys(errs), names())
		}
		// What is there by now is taken away.
		f = must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, d, "de"))
		in := post("drivers.0.driver", "Emil", "drivers.1.driver", "Ida Peters")
		in.Set(intake.SeenField, f.Seen("person"))
		in.Set(form.RemoveRow, "drivers.1")
		if errs := save(t, h, anna, d, "person", in); len(errs) > 0 || names() != "[map[driver:Emil]]" {
			t.Errorf("%s: %s", keys(errs), names())
		}
	})
}

func TestAGuestsDraftBecomesOnePersons(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		guest, ok := intake.GuestOf(intake.NewGuest())
		if !ok {
			t.Fatal("a token is refused")
		}
		if _, err := h.Intake.StartGuest(ctx, guest, parking, "192.0.2.1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a service that asks to sign in first: %v", err)
		}
		if _, err := h.Intake.Start(ctx, guest, trade); !fault.Is(err, fault.Denied) {
			t.Errorf("past the bounds: %v", err)
		}
		d := must[intake.Draft](t)(h.Intake.StartGuest(ctx, guest, trade, "192.0.2.1"))
		save(t, h, guest, d, "person", url.Values{"_f": {"given_names", "birth_date"}, "given_names": {"Anna Lena"}, "birth_date": {"weiß nicht"}})
		if strings.Contains(rows(t, h), "Lena") {
			t.Error("stands in the database")
		}
		// Nothing that needs a person.
		if err := h.Intake.Consent(ctx, guest, d.ID, true); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("consent: %v", err)
		}
		if _, _, err := h.Intake.Submit(ctx, guest, d.ID, "de"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("submit: %v", err)
		}
		// Nobody else's.
		stranger, _ := intake.GuestOf(intake.NewGuest())
		for _, a := range []access.Actor{stranger, anna, bora} {
			if _, err := h.Intake.Draft(ctx, a, d.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s reads it: %v", a.ID, err)
			}
		}
		if _, err := h.Intake.Claim(ctx, bora, stranger, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("claimed with another token: %v", err)
		}
		acting := anna
		acting.Mandate, acting.For = "m", bora.ID
		if _, err := h.Intake.Claim(ctx, acting, guest, d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("claimed for somebody else: %v", err)
		}
		// Two at once: one has it.
		var wg sync.WaitGroup
		var won atomic.Int32
		for _, a := range []access.Actor{anna, bora, anna, bora} {
			wg.Go(func() {
				x, err := h.Intake.Claim(ctx, a, guest, d.ID)
				switch {
				case err == nil && x.Owner == a.ID && x.Answers["given_names"] == "Anna Lena" && x.Raw["birth_date"] == "weiß nicht":
					won.Add(1)
				case !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict):
					t.Errorf("%s: %v %+v", a.ID, err, x)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have it", won.Load())
		}
		if _, err := h.Intake.Draft(ctx, guest, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("still the browser's: %v", err)
		}
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.keys\nSELECT COUNT(*) FROM vault_key WHERE subject = $1", "drafts/"+guest.ID)); n != 0 {
			t.Error("the browser's key stays")
		}
	})
}

func TestAGuestsDraftJoinsTheOneThatWasBegun(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		mine := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, mine.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, mine, "business", url.Values{"_f": {"business_name", "business_street"}, "business_name": {"Blumen Schmidt"}, "business_street": {"Königstraße"}})
		guest, _ := intake.GuestOf(intake.NewGuest())
		d := must[intake.Draft](t)(h.Intake.StartGuest(ctx, guest, trade, "192.0.2.1"))
		save(t, h, guest, d, "business", url.Values{"_f": {"business_name", "business_house_number"}, "business_name": {"Blumen Anna"}, "business_house_number": {"5"}})
		x := must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		if x.ID != mine.ID || x.Answers["business_name"] != "Blumen Anna" || x.Answers["business_street"] != "Königstraße" || x.Answers["business_house_number"] != "5" ||
			len(x.Rivals) != 1 || x.Rivals["business_name"].Value != "Blumen Schmidt" {
			t.Errorf("%+v", x)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna)); len(l) != 1 {
			t.Errorf("%d drafts", len(l))
		}
	})
}

// Nothing of either draft is lost where it stands in groups and in the rows of lists, and no row is made of two.
func TestAGuestsRowsJoinThoseThatWereBegun(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		change(t, h, trade, `"components": [`, `"components": [
			{ "type": "group", "id": "seat", "path": "seat", "label": "Sitz", "properties": { "page": "business" }, "components": [
				{ "type": "textfield", "key": "place", "label": "Ort" }, { "type": "textfield", "key": "floor", "label": "Etage" } ] },
			{ "type": "dynamiclist", "id": "shops", "path": "shops", "label": "Läden", "allowAddRemove": true, "properties": { "page": "business" }, "components": [
				{ "type": "textfield", "key": "name", "label": "Name" },
				{ "type": "textfield", "key": "since", "label": "Seit", "properties": { "type": "birthdate" } },
				{ "type": "dynamiclist", "id": "staff", "path": "staff", "label": "Leute", "allowAddRemove": true, "components": [
					{ "type": "textfield", "key": "who", "label": "Name" } ] } ] },`)
		mine := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, mine.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, mine, "business", post("seat.place", "Hamborn", "seat.floor", "2", "shops.0.name", "Blumen", "shops.0.since", "neulich",
			"shops.0.staff.0.who", "Emil", "shops.0.staff.1.who", "Ida", "shops.1.name", "Kränze", "shops.1.since", "1.2.1999"))
		guest, _ := intake.GuestOf(intake.NewGuest())
		d := must[intake.Draft](t)(h.Intake.StartGuest(ctx, guest, trade, "192.0.2.1"))
		save(t, h, guest, d, "business", post("seat.place", "Walsum", "shops.0.name", "Räder", "shops.0.since", "3.4.2001", "shops.0.staff.0.who", "Emil"))
		x := must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		if got := fmt.Sprint(x.Answers["seat"], x.Answers["shops"]); got != "map[floor:2 place:Walsum] "+
			"[map[name:Räder since:2001-04-03 staff:[map[who:Emil] map[]]] map[name:Kränze since:1999-02-01]]" {
			t.Error(got)
		}
		var beside []string
		for _, r := range must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de")).Rivalries("") {
			beside = append(beside, fmt.Sprint(r.Item.Name, "=", r.Rival.Value, r.Rival.Raw))
		}
		if got := strings.Join(beside, " "); got != "seat.place=Hamborn shops.0.name=Blumen shops.0.since=<nil>neulich shops.0.staff.1.who=Ida" {
			t.Errorf("beside it: %s", got)
		}
		if x.Raw["shops.0.since"] != "" {
			t.Errorf("what was typed before hides what was typed since: %v", x.Raw)
		}
	})
}

func TestGuestsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		begin := func(network string) error {
			guest, _ := intake.GuestOf(intake.NewGuest())
			_, err := h.Intake.StartGuest(ctx, guest, trade, network)
			return err
		}
		for range 40 {
			if err := begin("192.0.2.1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := begin("192.0.2.1"); !fault.Is(err, fault.TooMany) {
			t.Errorf("the 41st: %v", err)
		}
		if err := begin("192.0.2.2"); err != nil {
			t.Errorf("a neighbour: %v", err)
		}
		if origins := must[[]string](t)(store.All(ctx, h.DB, func(s store.Scanner) (x string, err error) { return x, s.Scan(&x) }, "-- test.origins\nSELECT DISTINCT origin FROM intake_draft")); strings.Contains(fmt.Sprint(origins), "192") {
			t.Errorf("addresses are kept: %v", origins)
		}
		h.SetNow(h.Now().AddDate(0, 0, 2))
		if n := must[int64](t)(h.Intake.Sweep(ctx)); n != 41 {
			t.Errorf("%d have gone", n)
		}
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.keys\nSELECT COUNT(*) FROM vault_key")); n != 0 {
			t.Errorf("%d keys stay", n)
		}
		if err := begin("192.0.2.1"); err != nil {
			t.Errorf("the next day: %v", err)
		}
		for _, token := range []string{"", "x", strings.Repeat("a", 1<<16)} {
			if _, ok := intake.GuestOf(token); ok {
				t.Errorf("%.10q is a token", token)
			}
		}
	})
}

func TestAPageSentAfterTheSessionEndedIsKept(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		page := intake.Parked{Draft: d.ID, Page: "person", Post: url.Values{"_f": {"given_names"}, "given_names": {"Änne"}}}
		token := must[string](t)(h.Intake.Park(ctx, page, "192.0.2.1"))
		kept := must[[]string](t)(store.All(ctx, h.DB, func(s store.Scanner) (string, error) {
			var id, origin string
			var b []byte
			err := s.Scan(&id, &origin, &b)
			return id + origin + string(b), err
		}, "-- test.parked\nSELECT id, origin, sealed FROM intake_parked"))
		if len(kept) != 1 || strings.Contains(kept[0], "nne") || strings.Contains(kept[0], token) || strings.Contains(kept[0], "192") {
			t.Errorf("kept: %q", kept)
		}
		// The wrong person signs in, or comes to another draft: nothing happens, nothing is lost.
		if _, ok, err := h.Intake.Unpark(ctx, bora, token, d.ID, "de"); ok || !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else: %v %v", ok, err)
		}
		if _, ok, err := h.Intake.Unpark(ctx, anna, token, bora.ID, "de"); ok || err != nil {
			t.Errorf("another draft: %v %v", ok, err)
		}
		if _, ok, err := h.Intake.Unpark(ctx, anna, intake.NewGuest(), d.ID, "de"); ok || err != nil {
			t.Errorf("another token: %v %v", ok, err)
		}
		if _, ok, err := h.Intake.Unpark(ctx, anna, token, d.ID, "de"); !ok || err != nil {
			t.Fatalf("%v %v", ok, err)
		}
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); x.Answers["given_names"] != "Änne" {
			t.Errorf("%v", x.Answers)
		}
		if _, ok, _ := h.Intake.Unpark(ctx, anna, token, d.ID, "de"); ok {
			t.Error("twice")
		}
		// Bounds.
		big := page
		big.Post = url.Values{"given_names": {strings.Repeat("x", 300<<10)}}
		if _, err := h.Intake.Park(ctx, big, "192.0.2.1"); !fault.Is(err, fault.TooLarge) {
			t.Errorf("a huge page: %v", err)
		}
		for range 40 {
			must[string](t)(h.Intake.Park(ctx, page, "192.0.2.1"))
		}
		if _, err := h.Intake.Park(ctx, page, "192.0.2.1"); !fault.Is(err, fault.TooMany) {
			t.Errorf("the 41st: %v", err)
		}
		if token = must[string](t)(h.Intake.Park(ctx, page, "192.0.2.2")); token == "" {
			t.Error("a neighbour can't")
		}
		h.SetNow(h.Now().Add(31 * 60 * 1e9))
		if _, ok, err := h.Intake.Unpark(ctx, anna, token, d.ID, "de"); ok || err != nil {
			t.Errorf("too late: %v %v", ok, err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.count\nSELECT COUNT(*) FROM intake_parked")); n != 0 {
			t.Errorf("%d stay", n)
		}
	})
}

func TestWhatIsForgedDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		// The last page first: taken, and nothing is handed over for it.
		save(t, h, anna, d, "declare", url.Values{"_f": {"declared"}, "declared": {"true"}})
		if _, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || len(errs) < 5 || len(h.Cases(t)) != 0 {
			t.Errorf("pages left out: %s %v", keys(errs), err)
		}
		// Hidden, computed, unknown and internal names sent anyway: what counts is what is asked.
		save(t, h, anna, d, "person", url.Values{"_f": {"given_names", "family_name", "birth_date", "other_plate", "fee", "owner", "registers", "state", "person.id"},
			"given_names": {"Anna"}, "family_name": {"Schmidt"}, "birth_date": {"12.4.1988"}, "other_plate": {"E-M 77"}, "fee": {"0"}, "owner": {"person-bora"},
			"registers": {`{"resident":{"street":"x"}}`}, "state": {"submitted"}, "person.id": {"person-bora"}})
		save(t, h, anna, d, "address", url.Values{"_f": {"street", "house_number", "postcode", "city", "residence_since"}, "street": {"Königstraße"}, "house_number": {"1"},
			"postcode": {"47051"}, "city": {"Duisburg"}, "residence_since": {"1.5.2019"}})
		save(t, h, anna, d, "permit", url.Values{"_f": {"zone", "valid_from", "months"}, "zone": {"DE1"}, "valid_from": {h.Now().AddDate(0, 0, 7).Format("2.1.2006")}, "months": {"12"}})
		x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if x.Owner != anna.ID || x.State != intake.Open || x.Registers != nil || x.Answers["owner"] != nil || x.Answers["registers"] != nil || x.Answers["fee"] != nil {
			t.Errorf("%+v", x)
		}
		save(t, h, anna, d, "vehicle", url.Values{"_f": {"vehicle", "other_vehicle", "other_plate"}, "other_plate": {"E-M 77"}})
		id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatalf("%s %v", keys(errs), err)
		}
		// Handed over again, by whatever button: the same case.
		for range 3 {
			if again, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || again != id {
				t.Errorf("again: %q %v", again, err)
			}
		}
		if n := len(h.Cases(t)); n != 1 {
			t.Errorf("%d cases", n)
		}
	})
}
