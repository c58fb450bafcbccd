// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

const card = "identity-card"

// child is an application for an identity card that somebody of thirteen has filled in: who has custody has to sign it.
func child(t testing.TB, h *intaketest.House, a access.Actor) intake.Draft {
	t.Helper()
	d := must[intake.Draft](t)(h.Intake.Start(t.Context(), a, card))
	if err := h.Intake.Consent(t.Context(), a, d.ID, false); err != nil {
		t.Fatal(err)
	}
	for page, post := range map[string]url.Values{
		"card":    {"_f": {"reason", "place"}, "reason": {"lost"}, "place": {"centre"}},
		"person":  {"_f": {"birth_date"}, "birth_date": {"4.5.2013"}},
		"declare": {"_f": {"declared"}, "declared": {"true"}},
	} {
		if errs := save(t, h, a, d, page, post); len(errs) > 0 {
			t.Fatal(keys(errs))
		}
	}
	return d
}

// toSign is what somebody is shown who is asked for a signature.
func toSign(t testing.TB, h *intaketest.House, a access.Actor, draft string) string {
	t.Helper()
	d := must[intake.Draft](t)(h.Intake.Draft(t.Context(), a, draft))
	f := must[*intake.Filling](t)(h.Intake.Fill(t.Context(), a, d, "tr"))
	return must[string](t)(h.Intake.HashToSign(t.Context(), f))
}

func refused(t testing.TB, h *intaketest.House, a access.Actor, draft string) {
	t.Helper()
	id, errs, err := h.Intake.Submit(t.Context(), a, draft, "de")
	if err != nil || id != "" || len(errs) != 1 || errs[0].Key != "cosign:custody" {
		t.Errorf("without the signature: %q %v %v", id, errs, err)
	}
}

func told(h *intaketest.House) (out []string) {
	for _, n := range h.News() {
		out = append(out, n.Person+" "+strings.TrimPrefix(n.Key, "intake.cosign."))
	}
	slices.Sort(out)
	return out
}

func TestSomebodyElseSigns(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
		d := child(t, h, anna)
		refused(t, h, anna, d.ID)
		if _, err := h.Intake.InviteToSign(ctx, anna, d.ID, "nothing"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a signature that nobody asks for: %v", err)
		}
		if _, err := h.Intake.InviteToSign(ctx, bora, d.ID, "custody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("into somebody else's draft: %v", err)
		}
		lost := must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))
		code := must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))
		if _, err := h.Intake.Help(ctx, bora, lost); !fault.Is(err, fault.NotFound) {
			t.Errorf("a link that was made anew: %v", err)
		}
		if _, err := h.Intake.Help(ctx, anna, code); !fault.Is(err, fault.Conflict) {
			t.Errorf("one's own: %v", err)
		}
		if err := h.Intake.Sign(ctx, bora, d.ID, "", "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("who wasn't asked: %v", err)
		}
		if err := h.Intake.Sign(ctx, anna, d.ID, "", "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("the owner: %v", err)
		}
		must[string](t)(h.Intake.Help(ctx, bora, code))
		if _, err := h.Intake.Help(ctx, carl, code); !fault.Is(err, fault.NotFound) {
			t.Errorf("the code twice: %v", err)
		}
		if _, err := h.Intake.InviteToSign(ctx, anna, d.ID, "custody"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second for the same: %v", err)
		}
		refused(t, h, anna, d.ID)
		// Whom the package lets fill in, does, and marked; the owner's declaration is the owner's.
		save(t, h, bora, d, "card", url.Values{"_f": {"reason", "place"}, "reason": {"expires"}, "place": {"centre"}})
		if _, err := h.Intake.Save(ctx, bora, d.ID, "declare", url.Values{"_f": {"declared"}}, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("the declaration: %v", err)
		}
		// By way of a page that is theirs neither.
		if _, err := h.Intake.Save(ctx, bora, d.ID, "card", url.Values{"_f": {"declared", "place"}, "place": {"hamborn"}}, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("the declaration: %v", err)
		}
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); x.Answers["reason"] != "expires" || x.Filled["reason"] != bora.Name || x.Answers["place"] != "centre" || x.Answers["declared"] != true {
			t.Errorf("%+v", x)
		}
		// A hash of before, of nothing, of somebody's making.
		hash := toSign(t, h, bora, d.ID)
		save(t, h, anna, d, "card", url.Values{"_f": {"place"}, "place": {"hamborn"}})
		for _, stale := range []string{hash, "", strings.Repeat("0", 64)} {
			if err := h.Intake.Sign(ctx, bora, d.ID, stale, "de"); !fault.Is(err, fault.Conflict) {
				t.Errorf("what isn't what the draft says: %v", err)
			}
		}
		refused(t, h, anna, d.ID)
		save(t, h, anna, d, "card", url.Values{"_f": {"place"}, "place": {""}})
		if err := h.Intake.Sign(ctx, bora, d.ID, toSign(t, h, bora, d.ID), "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("an application that isn't complete: %v", err)
		}
		save(t, h, anna, d, "card", url.Values{"_f": {"place"}, "place": {"hamborn"}})
		weak := bora
		weak.Level = access.Basic
		if err := h.Intake.Sign(ctx, weak, d.ID, hash, "de"); !fault.Is(err, fault.StepUp) {
			t.Errorf("without a second factor: %v", err)
		}
		sign := func() string {
			t.Helper()
			hash := toSign(t, h, bora, d.ID)
			if err := h.Intake.Sign(ctx, bora, d.ID, hash, "en"); err != nil {
				t.Fatal(err)
			}
			return hash
		}
		sign()
		if got := told(h); !slices.Equal(got, []string{anna.ID + " signed"}) {
			t.Errorf("told %v", got)
		}
		for _, err := range []error{func() error { _, _, err := h.Intake.Submit(ctx, bora, d.ID, "de"); return err }(), h.Intake.Consent(ctx, bora, d.ID, true)} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("what is the owner's: %v", err)
			}
		}
		// Saved again as it is, it holds; changed by either, it is void, both are told, and back as it was it stays so.
		save(t, h, anna, d, "card", url.Values{"_f": {"place"}, "place": {"hamborn"}})
		if got := told(h); len(got) != 0 {
			t.Errorf("told %v of nothing", got)
		}
		both := []string{anna.ID + " voidOwner", bora.ID + " voidSigner"}
		save(t, h, anna, d, "card", url.Values{"_f": {"place"}, "place": {"centre"}})
		if got := told(h); !slices.Equal(got, both) {
			t.Errorf("told %v", got)
		}
		save(t, h, anna, d, "card", url.Values{"_f": {"place"}, "place": {"hamborn"}})
		refused(t, h, anna, d.ID)
		sign()
		save(t, h, bora, d, "card", url.Values{"_f": {"place"}, "place": {"centre"}})
		if got := told(h); !slices.Equal(got, append(slices.Clone(both), anna.ID+" signed")) && len(got) != 3 {
			t.Errorf("told %v", got)
		}
		refused(t, h, anna, d.ID)
		// Withdrawn: nothing is read any more.
		sign()
		told(h)
		x := must[intake.Draft](t)(h.Intake.Draft(ctx, bora, d.ID))
		if err := h.Intake.EndInvitation(ctx, carl, x.Invitation); !fault.Is(err, fault.NotFound) {
			t.Errorf("withdrawn by a stranger: %v", err)
		}
		if err := h.Intake.EndInvitation(ctx, bora, x.Invitation); err != nil {
			t.Fatal(err)
		}
		if got := told(h); !slices.Equal(got, []string{anna.ID + " withdrawn"}) {
			t.Errorf("told %v", got)
		}
		for what, err := range map[string]error{
			"reads": func() error { _, err := h.Intake.Draft(ctx, bora, d.ID); return err }(),
			"signs": h.Intake.Sign(ctx, bora, d.ID, hash, "de"),
		} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("after withdrawing %s: %v", what, err)
			}
		}
		refused(t, h, anna, d.ID)
		// Another person signs; it is handed over with that.
		code = must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))
		must[string](t)(h.Intake.Help(ctx, carl, code))
		hash = toSign(t, h, carl, d.ID)
		if err := h.Intake.Sign(ctx, carl, d.ID, hash, "de"); err != nil {
			t.Fatal(err)
		}
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 || caseID == "" {
			t.Fatalf("%v %v", errs, err)
		}
		got := h.Signatures()
		if len(got) != 1 || got[0].Name != carl.Name || got[0].Person != carl.ID || got[0].Part != "custody" || got[0].Hash != hash || got[0].At.IsZero() || got[0].Declares["de"] == "" {
			t.Errorf("handed over with %+v", got)
		}
		kept := h.Cases(t)[0]
		delete(kept, "_id")
		delete(kept, "_corrections")
		data := must[[]byte](t)(json.Marshal(kept))
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
			t.Errorf("what was signed isn't what is kept: %s", data)
		}
		for _, a := range []access.Actor{bora, carl} {
			if _, err := h.Intake.Draft(ctx, a, d.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s reads on: %v", a.Name, err)
			}
		}
		if err := h.Intake.Sign(ctx, carl, d.ID, hash, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("signed afterwards: %v", err)
		}
		// What two have signed isn't corrected by one of them.
		err = h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Correction(ctx, tx, caseID, anna.ID, "place", "Wo?") })
		if message(err) != "intake.cosign.noCorrection" {
			t.Errorf("a correction is asked for: %v", err)
		}
		seen := map[string]bool{}
		for _, e := range must[[]audit.Entry](t)((&audit.Ledger{DB: h.DB}).ForPerson(ctx, anna.ID, "", 100)) {
			seen[e.ActorID+" "+e.Action+" "+e.Resource+" "+e.Outcome] = true
		}
		for _, want := range []string{bora.ID + " read invitation ", bora.ID + " change invitation ", carl.ID + " read invitation ", carl.ID + " change invitation "} {
			if !seen[want+audit.Permitted] {
				t.Errorf("%q isn't on record: %v", want, seen)
			}
		}
	})
}

// A signature that the answers don't ask for isn't needed; who was asked for it can't give it.
func TestSignaturesAreNeededByTheAnswers(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := child(t, h, anna)
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))))
		save(t, h, anna, d, "person", url.Values{"_f": {"birth_date"}, "birth_date": {"23.11.2010"}}) // sixteen today
		if err := h.Intake.Sign(ctx, bora, d.ID, toSign(t, h, bora, d.ID), "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("signed all the same: %v", err)
		}
		if id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || len(errs) > 0 || id == "" {
			t.Errorf("%v %v", errs, err)
		}
		if l := h.Signatures(); len(l) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestWhoCantInviteOrSign(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := child(t, h, anna)
		guest, _ := intake.GuestOf(intake.NewGuest())
		if _, err := h.Intake.InviteToSign(ctx, guest, d.ID, "custody"); !fault.Is(err, fault.Denied) {
			t.Errorf("a guest invites: %v", err)
		}
		code := must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))
		acting := bora
		acting.Mandate, acting.For = "m", "person-x"
		for what, a := range map[string]access.Actor{"a guest": guest, "for somebody else": acting, "a clerk": accesstest.Clerk("32")} {
			if _, err := h.Intake.Help(ctx, a, code); !fault.Is(err, fault.Denied) {
				t.Errorf("%s signs: %v", what, err)
			}
		}
		h.SetNow(h.Now().AddDate(0, 0, 4))
		if _, err := h.Intake.Help(ctx, bora, code); !fault.Is(err, fault.NotFound) {
			t.Errorf("a code of four days ago: %v", err)
		}
		// A race of two with one code: one of them signs.
		code = must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))
		carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
		var wg sync.WaitGroup
		var n atomic.Int32
		for _, a := range []access.Actor{bora, carl, bora, carl} {
			wg.Go(func() {
				if _, err := h.Intake.Help(ctx, a, code); err == nil {
					n.Add(1)
				}
			})
		}
		wg.Wait()
		if n.Load() != 1 {
			t.Errorf("%d were let in", n.Load())
		}
		// What comes whole, by a program, can't have somebody else's signature.
		_, errs, err := h.Intake.Apply(ctx, bora, intake.Application{Service: card, Key: "k", Channel: "api", Lang: "de",
			Answers: map[string]any{"reason": "lost", "place": "centre", "birth_date": "2013-05-04", "declared": true}})
		if err != nil || keys(errs) != "cosign:custody intake.cosign.online" {
			t.Errorf("%v %v", errs, err)
		}
	})
}

// A parent who acts for the child under a mandate of the law has applied by that; one with a power of attorney hasn't.
func TestWhoRepresentsSignsByApplying(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		for kind, needs := range map[string]bool{"parent": false, "authorised": true} {
			h.Empower(bora.ID, access.Mandate{ID: "m-" + kind, Kind: kind, Person: anna.ID, Actions: []string{"fill", "submit", "registers"}, Services: []string{card}})
			acting := bora
			acting.Mandate, acting.For, acting.ForName = "m-"+kind, anna.ID, anna.Name
			d := child(t, h, acting)
			if _, err := h.Intake.InviteToSign(ctx, acting, d.ID, "custody"); !fault.Is(err, fault.Denied) {
				t.Errorf("%s invites: %v", kind, err)
			}
			if !needs {
				id, errs, err := h.Intake.Submit(ctx, acting, d.ID, "de")
				if err != nil || len(errs) > 0 || id == "" {
					t.Errorf("%s: %v %v", kind, errs, err)
				}
				// Who represents signs by correcting, too; the person alone doesn't.
				if err := h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Correction(ctx, tx, id, anna.ID, "place", "Wo?") }); err != nil {
					t.Fatal(err)
				}
				x := must[[]intake.Correction](t)(h.Intake.Corrections(ctx, anna, id))[0]
				place := url.Values{"_f": {"place"}, "place": {"hamborn"}}
				if _, err := h.Intake.Correct(ctx, anna, x.ID, place, "de"); message(err) != "intake.cosign.noCorrection" {
					t.Errorf("corrected alone: %v", err)
				}
				if errs, err := h.Intake.Correct(ctx, acting, x.ID, place, "de"); err != nil || len(errs) > 0 {
					t.Errorf("corrected by who represents: %v %v", errs, err)
				}
				continue
			}
			refused(t, h, acting, d.ID)
			carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
			must[string](t)(h.Intake.Help(ctx, carl, must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))))
			if err := h.Intake.Sign(ctx, carl, d.ID, toSign(t, h, carl, d.ID), "de"); err != nil {
				t.Fatal(err)
			}
			if id, errs, err := h.Intake.Submit(ctx, acting, d.ID, "de"); err != nil || len(errs) > 0 || id == "" {
				t.Errorf("%s: %v %v", kind, errs, err)
			}
		}
	})
}

// with puts the identity card in force with something more in its service.toml.
func with(t testing.TB, h *intaketest.House, more string) {
	t.Helper()
	withForm(t, h, more, func(form string) string { return form })
}

// withForm is with for who changes the form, too.
func withForm(t testing.TB, h *intaketest.House, more string, change func(form string) string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(intaketest.Root(), "content", "services"))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, card, "service.toml")
	text := must[[]byte](t)(os.ReadFile(name))
	if err := os.WriteFile(name, append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(dir, card, "application.form")
	text = must[[]byte](t)(os.ReadFile(name))
	if err := os.WriteFile(name, []byte(change(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

const second = `
[[cosign]]
id = "second"
title = { de = "Zweite Unterschrift", en = "Second signature", tr = "İkinci imza", de-simple = "Noch eine Unterschrift" }
declares = { de = "Ich bin einverstanden.", en = "I agree.", tr = "Kabul ediyorum.", de-simple = "Ich bin einverstanden." }
`

// Two signatures are of two people; who only signs fills in nothing; a package that asks otherwise by now wasn't signed.
func TestTwoSign(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
		with(t, h, second)
		d := child(t, h, anna)
		invite := func(part string) string {
			t.Helper()
			return must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, part))
		}
		must[string](t)(h.Intake.Help(ctx, bora, invite("custody")))
		code := invite("second")
		if _, err := h.Intake.Help(ctx, bora, code); !fault.Is(err, fault.Conflict) {
			t.Errorf("one person for both: %v", err)
		}
		must[string](t)(h.Intake.Help(ctx, carl, code))
		// Nothing, by whatever way.
		for page, post := range map[string]url.Values{"card": {"_f": {"place"}, "place": {"hamborn"}}, "person": {"_f": {"birth_date"}, "birth_date": {"gestern"}}, "": {"_f": {"declared"}}} {
			if _, err := h.Intake.Save(ctx, carl, d.ID, page, post, "de"); !fault.Is(err, fault.Denied) {
				t.Errorf("who only signs fills in %q: %v", page, err)
			}
		}
		if err := h.Intake.Sign(ctx, bora, d.ID, toSign(t, h, bora, d.ID), "de"); err != nil {
			t.Fatal(err)
		}
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)), "de"))
		if l := must[[]intake.Signing](t)(h.Intake.Signings(ctx, anna, f)); len(l) != 2 || !l[0].Signed || l[1].Signed || l[1].Invitation.HelperName != carl.Name {
			t.Errorf("%+v", l)
		}
		f = must[*intake.Filling](t)(h.Intake.Fill(ctx, carl, must[intake.Draft](t)(h.Intake.Draft(ctx, carl, d.ID)), "de"))
		if l := must[[]intake.Signing](t)(h.Intake.Signings(ctx, carl, f)); len(l) != 1 || l[0].Cosign.ID != "second" {
			t.Errorf("who signs sees %+v", l)
		}
		if _, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || keys(errs) != "cosign:second intake.cosign.missing" {
			t.Errorf("%v %v", errs, err)
		}
		if err := h.Intake.Sign(ctx, carl, d.ID, toSign(t, h, carl, d.ID), "de"); err != nil {
			t.Fatal(err)
		}
		with(t, h, second+"\n# another version\n")
		if _, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || len(errs) != 2 {
			t.Errorf("signed under another version: %v %v", errs, err)
		}
		for _, a := range []access.Actor{bora, carl} {
			if err := h.Intake.Sign(ctx, a, d.ID, toSign(t, h, a, d.ID), "de"); err != nil {
				t.Fatal(err)
			}
		}
		// Withdrawn while it is handed over: with both signatures, or not at all.
		x := must[intake.Draft](t)(h.Intake.Draft(ctx, carl, d.ID))
		var wg sync.WaitGroup
		var caseID string
		wg.Go(func() { _ = h.Intake.EndInvitation(ctx, carl, x.Invitation) })
		wg.Go(func() { caseID, _, _ = h.Intake.Submit(ctx, anna, d.ID, "de") })
		wg.Wait()
		if got := h.Signatures(); caseID != "" && len(got) != 2 {
			t.Errorf("handed over with %+v", got)
		}
		if n := len(h.Cases(t)); n > 1 || (n == 1) != (caseID != "") {
			t.Errorf("%d cases, told %q", n, caseID)
		}
	})
}

// What hangs on a field beside its answer isn't for who mayn't fill it in either: what was written elsewhere stays until those have
// decided whose it is, and nobody fills the owner's room with files for pages that aren't theirs, or takes away what is coming there.
func TestWhoSignsLeavesAloneWhatIsntTheirs(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
		withForm(t, h, second, func(form string) string {
			return strings.Replace(form, `"components": [`, `"components": [
	{"type":"filepicker","id":"f_photo","key":"photo","label":"Foto","properties":{"page":"card","label.en":"Photo","label.tr":"Fotoğraf"}},
	{"type":"filepicker","id":"f_proof","key":"proof","label":"Nachweis","multiple":true,"properties":{"page":"declare","label.en":"Proof","label.tr":"Belge"}},`, 1)
		})
		d := child(t, h, anna)
		for part, a := range map[string]access.Actor{"custody": bora, "second": carl} {
			must[string](t)(h.Intake.Help(ctx, a, must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, part))))
		}
		now := func() (intake.Draft, *intake.Filling) {
			t.Helper()
			x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			return x, must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de"))
		}
		place := func(a access.Actor, seen, value string) {
			t.Helper()
			save(t, h, a, d, "card", url.Values{"_f": {"place"}, "place": {value}, intake.SeenField: {seen}})
		}
		// The owner has chosen another place on each of two devices. Who only signs says that they have seen it.
		_, f := now()
		shown := f.Seen("card")
		place(anna, shown, "hamborn")
		place(anna, shown, "rheinhausen")
		x, f := now()
		if len(x.Rivals) != 1 {
			t.Fatalf("%+v", x.Rivals)
		}
		decide := func(a access.Actor, page string) {
			t.Helper()
			in := url.Values{intake.RivalField: {"place:" + f.Rivalries("")[0].Mark}}
			if _, err := h.Intake.Save(ctx, a, d.ID, page, in, "de"); err != nil && !fault.Is(err, fault.Denied) {
				t.Error(err)
			}
		}
		for _, page := range []string{"card", "person", "declare", ""} {
			decide(carl, page)
		}
		if x, _ = now(); len(x.Rivals) != 1 || x.Answers["place"] != "rheinhausen" {
			t.Errorf("decided by who only signs: %v %v", x.Rivals, x.Answers["place"])
		}
		decide(bora, "card")
		if x, _ = now(); len(x.Rivals) != 0 {
			t.Error("who may fill in the page can't decide")
		}
		// Files.
		begin := func(a access.Actor, field string) (intake.Upload, error) {
			return h.Intake.BeginUpload(ctx, a, d.ID, intake.NewUpload{Field: field, Name: "a.pdf", Size: int64(len(lease))})
		}
		for what, err := range map[string]error{
			"who fills in other pages": func() error { _, err := begin(bora, "proof"); return err }(),
			"who only signs":           func() error { _, err := begin(carl, "photo"); return err }(),
			"at once":                  h.Intake.Upload(ctx, bora, d.ID, "proof", "a.pdf", strings.NewReader(lease)),
		} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.uploads\nSELECT COUNT(*) FROM intake_upload"))
		if n != 0 {
			t.Errorf("%d files take the owner's room", n)
		}
		coming := must[intake.Upload](t)(begin(anna, "proof"))
		if _, err := h.Intake.Receive(ctx, bora, d.ID, coming.ID, 0, strings.NewReader(lease), nil); !fault.Is(err, fault.Denied) {
			t.Errorf("a part of the owner's: %v", err)
		}
		if err := h.Intake.DropUpload(ctx, bora, d.ID, coming.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("the owner's is taken away: %v", err)
		}
		if _, err := h.Intake.Receive(ctx, anna, d.ID, coming.ID, 0, strings.NewReader(lease), nil); err != nil {
			t.Fatal(err)
		}
		if err := h.Intake.DropUpload(ctx, bora, d.ID, coming.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("the owner's is taken out: %v", err)
		}
		mine := must[intake.Upload](t)(begin(bora, "photo"))
		if err := h.Intake.DropUpload(ctx, bora, d.ID, mine.ID); err != nil {
			t.Error(err)
		}
		if err := h.Intake.Upload(ctx, bora, d.ID, "photo", "a.pdf", strings.NewReader(lease)); err != nil {
			t.Error(err)
		}
		if x, _ = now(); len(intake.Files(x.Answers["proof"])) != 1 || len(intake.Files(x.Answers["photo"])) != 1 {
			t.Errorf("%v", x.Answers)
		}
	})
}
