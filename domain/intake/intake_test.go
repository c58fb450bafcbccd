// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

const parking = "resident-parking-permit"

// each runs a test on both engines in a fresh house.
func each(t *testing.T, run func(t *testing.T, h *intaketest.House)) {
	storetest.Each(t, intaketest.Rooms(), func(t *testing.T, db *store.DB) { run(t, intaketest.New(t, db)) })
}

func keys(errs []form.FieldError) string {
	var out []string
	for _, e := range errs {
		out = append(out, e.Key+" "+strings.TrimPrefix(e.Msg, "form.error."))
	}
	return strings.Join(out, ", ")
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// fill answers everything but what registers know.
func fill(t testing.TB, h *intaketest.House, a access.Actor, draft string) {
	t.Helper()
	for page, post := range map[string]url.Values{
		"vehicle": {"_f": {"vehicle", "other_vehicle"}, "vehicle": {"DU-AB 123"}},
		"permit":  {"_f": {"zone", "valid_from", "months"}, "zone": {"DE1"}, "valid_from": {h.Now().AddDate(0, 0, 7).Format("2.1.2006")}, "months": {"12"}},
		"declare": {"_f": {"declared"}, "declared": {"true"}},
	} {
		errs, err := h.Intake.Save(t.Context(), a, draft, page, post, "de")
		if err != nil || len(errs) > 0 {
			t.Fatalf("%s: %s %v", page, keys(errs), err)
		}
	}
}

func TestAnApplicationFromStartToCase(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if again := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking)); again.ID != d.ID {
			t.Error("starting again doesn't go on with the draft")
		}
		if h.Fetched.Load() != 0 {
			t.Error("registers were read before anybody agreed")
		}
		if _, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("submitted without having seen the data notice: %v", err)
		}
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || caseID != "" || keys(errs) != "vehicle choose, zone choose, valid_from required, months choose, declared consent" {
			t.Fatalf("an empty application: %q %s %v", caseID, keys(errs), err)
		}
		fill(t, h, anna, d.ID)
		// The same button, pressed by many fingers at once.
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
				if err != nil || len(errs) > 0 {
					t.Errorf("%s %v", keys(errs), err)
				}
				ids[i] = id
			})
		}
		wg.Wait()
		cases := h.Cases(t)
		if len(cases) != 1 {
			t.Fatalf("%d cases", len(cases))
		}
		for _, id := range ids {
			if id != cases[0]["_id"] {
				t.Errorf("somebody was sent to case %q", id)
			}
		}
		if c := cases[0]; c["given_names"] != "Anna" || c["plate"] != "DU-AB 123" || c["months"] != "12" || c["declared"] != true {
			t.Errorf("application %v", c)
		}
		after := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if after.State != intake.Submitted || len(after.Answers) > 0 || after.Registers != nil {
			t.Errorf("the draft keeps what is in the case: %+v", after)
		}
		if _, err := h.Intake.Save(ctx, anna, d.ID, "declare", url.Values{"_f": {"declared"}}, "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a submitted draft is changed: %v", err)
		}
		// What the person will see in "my data": who read which register.
		entries := must[[]audit.Entry](t)((&audit.Ledger{DB: h.DB}).ForPerson(ctx, anna.ID, "", 50))
		var lines []string
		for _, e := range entries {
			if e.Outcome == audit.Permitted {
				lines = append(lines, e.Action+" "+e.Resource)
			}
		}
		if got := strings.Join(lines, ", "); got != "read register:vehicles, read register:residents" {
			t.Errorf("ledger: %s", got)
		}
	})
}

func TestSayingNoLeadsToTheSameFormByHand(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, d, "de"))
		if f.Resume() != "person" || h.Fetched.Load() != 0 {
			t.Errorf("begins at %q, %d reads", f.Resume(), h.Fetched.Load())
		}
		// Changing one's mind: the registers answer, and again no: forgotten.
		for _, yes := range []bool{true, false} {
			if err := h.Intake.Consent(ctx, anna, d.ID, yes); err != nil {
				t.Fatal(err)
			}
		}
		if d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); d.Registers != nil {
			t.Error("what was fetched is kept against the person's will")
		}
	})
}

func TestADraftIsTheirsAlone(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		clerk := accesstest.Clerk("32")
		clerk.ID = anna.ID // an id of another kind of actor is another person
		for name, who := range map[string]access.Actor{"a neighbour": bora, "a clerk": clerk, "nobody": {}} {
			_, err := h.Intake.Draft(ctx, who, d.ID)
			_, err2 := h.Intake.Save(ctx, who, d.ID, "person", url.Values{}, "de")
			err3 := h.Intake.Consent(ctx, who, d.ID, true)
			_, _, err4 := h.Intake.Submit(ctx, who, d.ID, "de")
			for i, e := range []error{err, err2, err3, err4} {
				if !fault.Is(e, fault.NotFound) {
					t.Errorf("%s, %d: %v", name, i, e)
				}
			}
		}
		if err := h.Intake.Discard(ctx, bora, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("thrown away by a neighbour: %v", err)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, bora)); len(l) != 0 {
			t.Error("a neighbour sees the draft")
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna)); len(l) != 1 {
			t.Error("the owner doesn't see the draft")
		}
		for _, id := range []string{"", "x", "' OR 1=1 --", strings.Repeat("a", 1<<16)} {
			if _, err := h.Intake.Draft(ctx, anna, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("id %.20q: %v", id, err)
			}
		}
		low := anna
		low.Level = access.Basic
		if err := h.Intake.Consent(ctx, low, d.ID, true); !fault.Is(err, fault.StepUp) {
			t.Errorf("registers at a low trust level: %v", err)
		}
	})
}

func TestNothingTypedIsLost(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		errs, err := h.Intake.Save(ctx, anna, d.ID, "person", url.Values{"_f": {"given_names", "birth_date"}, "given_names": {"Иван <b>"}, "birth_date": {"weiß nicht"}}, "de")
		if err != nil || len(errs) != 2 {
			t.Fatalf("%s %v", keys(errs), err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Raw["given_names"] != "Иван <b>" || d.Raw["birth_date"] != "weiß nicht" {
			t.Errorf("kept: %q", d.Raw)
		}
		// Put right: the old words are forgotten.
		if errs, err = h.Intake.Save(ctx, anna, d.ID, "person", url.Values{"_f": {"given_names"}, "given_names": {"Ivan"}}, "de"); err != nil || len(errs) != 0 {
			t.Fatalf("%s %v", keys(errs), err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Answers["given_names"] != "Ivan" || d.Raw["given_names"] != "" || d.Raw["birth_date"] == "" {
			t.Errorf("%v %v", d.Answers, d.Raw)
		}
		// Two devices save different fields at the same moment.
		names := []string{"street", "house_number", "postcode", "city"}
		values := []string{"Königstraße", "1", "47051", "Duisburg"}
		var wg sync.WaitGroup
		for i, name := range names {
			wg.Go(func() {
				if _, err := h.Intake.Save(ctx, anna, d.ID, "address", url.Values{"_f": {name}, name: {values[i]}}, "de"); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		for i, name := range names {
			if d.Answers[name] != values[i] {
				t.Errorf("%s is lost: %v", name, d.Answers[name])
			}
		}
	})
}

func TestASubmissionThatFailsHasNotHappened(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		h.FailCase.Store(true)
		if _, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("%v", err)
		}
		if len(h.Cases(t)) != 0 {
			t.Fatal("half a case stays")
		}
		h.FailCase.Store(false)
		if id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || id == "" {
			t.Fatalf("%s %v", keys(errs), err)
		}
	})
}

func TestRegistersAreAskedAgainWhenADraftHasLain(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.SetNow(h.Now().Add(-48 * time.Hour))
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		h.SetNow(h.Now().Add(48 * time.Hour))
		fill(t, h, anna, d.ID)
		h.Move(anna.ID, "Königstraße")
		if _, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); !fault.Is(err, fault.Conflict) {
			t.Fatalf("submitted with the address of two days ago: %v", err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		d, changed, err := h.Intake.Refresh(ctx, anna, d)
		if err != nil || !changed {
			t.Fatalf("%v %v", changed, err)
		}
		if _, again, err := h.Intake.Refresh(ctx, anna, d); again || err != nil {
			t.Fatalf("%v %v", again, err)
		}
		if id, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || id == "" {
			t.Fatal(err)
		}
		if got := h.Cases(t)[0]["street"]; got != "Königstraße" {
			t.Errorf("street %v", got)
		}
	})
}

func TestDraftsExpire(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		h.SetNow(h.Now().AddDate(0, 0, 59))
		if n := must[int64](t)(h.Intake.Sweep(ctx)); n != 0 {
			t.Errorf("%d deleted too early", n)
		}
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil { // whoever works on it keeps it
			t.Fatal(err)
		}
		h.SetNow(h.Now().AddDate(0, 0, 61))
		if _, err := h.Intake.Draft(ctx, anna, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("expired and still there: %v", err)
		}
		if n := must[int64](t)(h.Intake.Sweep(ctx)); n != 1 {
			t.Errorf("%d deleted", n)
		}
		if again := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking)); again.ID == d.ID {
			t.Error("the expired draft is back")
		}
	})
}

// submitted gives a case of Anna's.
func submitted(t testing.TB, h *intaketest.House) string {
	t.Helper()
	anna := accesstest.Anna()
	d := must[intake.Draft](t)(h.Intake.Start(t.Context(), anna, parking))
	if err := h.Intake.Consent(t.Context(), anna, d.ID, true); err != nil {
		t.Fatal(err)
	}
	fill(t, h, anna, d.ID)
	id, errs, err := h.Intake.Submit(t.Context(), anna, d.ID, "de")
	if err != nil || id == "" {
		t.Fatalf("%s %v", keys(errs), err)
	}
	return id
}

func TestOneFieldIsCorrected(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		id := submitted(t, h)
		ask := func(field, msg string) error {
			return h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Correction(ctx, tx, id, anna.ID, field, msg) })
		}
		if err := ask("nonsense", "?"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a field that there isn't: %v", err)
		}
		if err := ask("street", "Bitte die Straße prüfen."); err != nil {
			t.Fatal(err)
		}
		if err := ask("street", "Noch einmal"); !fault.Is(err, fault.Conflict) {
			t.Errorf("asked twice: %v", err)
		}
		open := must[[]intake.Correction](t)(h.Intake.Corrections(ctx, anna, id))
		if len(open) != 1 {
			t.Fatalf("%d corrections", len(open))
		}
		cid := open[0].ID
		if _, err := h.Intake.Correcting(ctx, accesstest.Bora(), cid, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour: %v", err)
		}
		c := must[*intake.Correcting](t)(h.Intake.Correcting(ctx, anna, cid, "de"))
		if c.Item.Name != "street" || c.Item.Known || c.Item.Value != "Musfeldstraße" {
			t.Errorf("item %+v", c.Item)
		}
		// Wrong: kept; another field smuggled in: not taken; right: in the case, once.
		errs, err := h.Intake.Correct(ctx, anna, cid, url.Values{"_f": {"street"}, "street": {"☃"}}, "de")
		if err != nil || keys(errs) != "street person.character" {
			t.Fatalf("%s %v", keys(errs), err)
		}
		if c := must[*intake.Correcting](t)(h.Intake.Correcting(ctx, anna, cid, "de")); c.Item.Raw != "☃" {
			t.Errorf("what was typed is lost: %q", c.Item.Raw)
		}
		for range 2 {
			if errs, err = h.Intake.Correct(ctx, anna, cid, url.Values{"_f": {"street", "zone"}, "street": {"Königstr."}, "zone": {"HO2"}}, "de"); err != nil || len(errs) > 0 {
				t.Fatalf("%s %v", keys(errs), err)
			}
		}
		got := h.Cases(t)[0]
		if got["street"] != "Königstraße" || got["zone"] != "DE1" || got["plate"] != "DU-AB 123" || got["_corrections"] != int64(1) {
			t.Errorf("%v", got)
		}
	})
}

func TestAWholeApplicationAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		ap := intake.Application{Service: parking, Key: "k1", Channel: "api", Lang: "de", Consent: true, Answers: map[string]any{
			"vehicle": "DU-AB 123", "zone": "DE1", "valid_from": h.Now().AddDate(0, 0, 2).Format(time.DateOnly), "months": "12", "declared": true}}
		id, errs, err := h.Intake.Apply(ctx, anna, ap)
		if err != nil || len(errs) > 0 || id == "" {
			t.Fatalf("%s %v", keys(errs), err)
		}
		if got := h.Cases(t)[0]; got["street"] != "Musfeldstraße" || got["plate"] != "DU-AB 123" {
			t.Errorf("%v", got)
		}
		ap.Answers["months"], ap.Key = "7", "k2"
		if id, errs, err := h.Intake.Apply(ctx, anna, ap); err != nil || id != "" || keys(errs) != "months option" {
			t.Errorf("%q %s %v", id, keys(errs), err)
		}
		ap.Person = accesstest.Bora().ID
		if _, _, err := h.Intake.Apply(ctx, anna, ap); !fault.Is(err, fault.Denied) {
			t.Errorf("for a neighbour: %v", err)
		}
		machine := access.Actor{Kind: access.Machine, ID: "m", Roles: []string{"cases:submit"}}
		if _, errs, err := h.Intake.Apply(ctx, machine, ap); err != nil || !strings.Contains(keys(errs), "street required") {
			t.Errorf("a machine's word isn't the person's consent: %s %v", keys(errs), err)
		}
		ap.Answers = map[string]any{"given_names": "Bora", "family_name": "Yılmaz", "birth_date": "1990-01-02", "street": "Königstraße", "house_number": "1", "postcode": "47051",
			"city": "Duisburg", "residence_since": "2020-01-01", "other_plate": "DU-X 1", "zone": "DE1", "valid_from": ap.Answers["valid_from"], "months": "6", "declared": true}
		if id, errs, err := h.Intake.Apply(ctx, machine, ap); err != nil || id == "" {
			t.Errorf("%s %v", keys(errs), err)
		}
		machine.Roles = nil
		ap.Key = "k3"
		if _, _, err := h.Intake.Apply(ctx, machine, ap); !fault.Is(err, fault.Denied) {
			t.Errorf("without the scope: %v", err)
		}
		if n := len(h.Cases(t)); n != 2 {
			t.Errorf("%d cases", n)
		}
	})
}

func TestEveryStatementIsTakenByBothEngines(t *testing.T) {
	data, err := os.ReadFile("store.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "= `-- intake."); n < 12 {
		t.Fatalf("%d statements found", n)
	}
	each(t, func(t *testing.T, h *intaketest.House) {
		// Each is run by the tests above; here: no statement reads a draft without its owner.
		for _, part := range strings.Split(string(data), "`-- intake.")[1:] {
			stmt, _, _ := strings.Cut(part, "\nfunc")
			stmt, _, _ = strings.Cut(stmt, "\nconst")
			name, _, _ := strings.Cut(stmt, "\n")
			if strings.Contains(stmt, "intake_paper") { // of an office, whose clerks type it in
				if !strings.Contains(stmt, "office") && name != "expiredPapers" && name != "dropPaper" {
					t.Errorf("%s does not name the office", name)
				}
				continue
			}
			if ofEverybody[name] {
				continue
			}
			switch name {
			case "expireDrafts", "endConsents", "dropConsents", "expireParked": // of everybody: what has expired
			case "plainDrafts", "sealDraft", "fadingDrafts", "warnedDraft": // the house's own work on all drafts
			case "guestDrafts", "parkedPages", "countGuestUploads": // counts
			case "invitationOfCode": // named by a code that only who is invited has
			case "takeInvitation": // by the code, too
			case "helpsWith", "helpOf", "helpedDraft", "helpedBundle": // of who was asked to help
				if !strings.Contains(stmt, "i.helper = $") || !strings.Contains(stmt, "i.ended_at = 0") {
					t.Errorf("%s does not name the helper", name)
				}
			case "signInvitation": // of who was asked to sign
				if !strings.Contains(stmt, "helper = $2") || !strings.Contains(stmt, "ended_at = 0") {
					t.Errorf("%s does not name who was asked", name)
				}
			case "voidSignature": // by the hash that was read with the owner's draft, in the same transaction
			case "togetherOfCode", "joinTogether": // by the code that a clerk shows
				if !strings.Contains(stmt, "code = $") || !strings.Contains(stmt, "ended_at = 0") {
					t.Errorf("%s does not name the code", name)
				}
			case "togetherOf", "togetherDraft", "togetherBundle", "endTogether": // of the clerk, where they show something within the time
				if !strings.Contains(stmt, "helper = $") || name != "endTogether" && (!strings.Contains(stmt, "i.office = $") || !strings.Contains(stmt, "i.expires_at > $") || !strings.Contains(stmt, "i.ended_at = 0")) {
					t.Errorf("%s does not name the clerk", name)
				}
			case "expireBundles": // of everybody: what has expired
			case "dropInvitations": // of drafts that are gone
			case "readParked", "dropParked": // named by a browser's token, which nobody else has
			default:
				where := stmt[max(0, strings.Index(stmt, "WHERE")):] // a column that is read is no condition
				if !strings.Contains(where, "owner = $") && !strings.HasPrefix(name, "insert") {
					t.Errorf("%s does not name the owner", name)
				}
			}
		}
	})
}

func BenchmarkSaveField(b *testing.B) {
	h := intaketest.New(b, storetest.SQLite(b, intaketest.Rooms()))
	anna := accesstest.Anna()
	drafts := make([]string, 64)
	for i := range drafts {
		anna.ID = fmt.Sprint("person-", i)
		d := must[intake.Draft](b)(h.Intake.Start(b.Context(), anna, parking))
		drafts[i] = d.ID
	}
	b.SetParallelism(32)
	var n sync.Mutex
	next := 0
	b.RunParallel(func(pb *testing.PB) {
		n.Lock()
		i := next % len(drafts)
		next++
		n.Unlock()
		a := accesstest.Anna()
		a.ID = fmt.Sprint("person-", i)
		for pb.Next() {
			if _, err := h.Intake.Save(b.Context(), a, drafts[i], "address", url.Values{"_f": {"street"}, "street": {"Königstraße"}}, "de"); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkJourney is an application from start to case: notice, three pages, submission.
func BenchmarkJourney(b *testing.B) {
	h := intaketest.New(b, storetest.SQLite(b, intaketest.Rooms()))
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		a := accesstest.Anna()
		for pb.Next() {
			a.ID = fmt.Sprint("person-", n.Add(1))
			h.Move(a.ID, "Königstraße")
			d := must[intake.Draft](b)(h.Intake.Start(b.Context(), a, parking))
			if err := h.Intake.Consent(b.Context(), a, d.ID, true); err != nil {
				b.Error(err)
			}
			fill(b, h, a, d.ID)
			if id, errs, err := h.Intake.Submit(b.Context(), a, d.ID, "de"); err != nil || id == "" {
				b.Error(keys(errs), err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "applications/s")
}
