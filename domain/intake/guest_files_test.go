// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

const defect = "report-defect"

// pickers are questions for files beside that of the business registration: for one, and in the rows of a list.
const pickers = `"components": [
	{"type":"filepicker","id":"f_one","key":"one","label":"Ein Foto","properties":{"page":"business"}},
	{"type":"dynamiclist","id":"l_shops","path":"shops","label":"Läden","isRepeating":true,"allowAddRemove":true,"properties":{"page":"business"},"components":[
		{"type":"textfield","key":"name","label":"Name"},
		{"type":"filepicker","id":"f_plan","key":"plan","label":"Pläne","multiple":true}]},`

func started(t testing.TB, h *intaketest.House, guest access.Actor, service, network string) intake.Draft {
	t.Helper()
	return must[intake.Draft](t)(h.Intake.StartGuest(t.Context(), guest, service, network))
}

func upload(t testing.TB, h *intaketest.House, a access.Actor, draft, field string, n int) {
	t.Helper()
	if err := h.Intake.Upload(t.Context(), a, draft, field, fmt.Sprintf("%d.pdf", n), strings.NewReader(sheetOf(n))); err != nil {
		t.Fatalf("%d: %v", n, err)
	}
}

// announced is a file of which a part has come.
func announced(t testing.TB, h *intaketest.House, a access.Actor, draft, field string, n, bytes int) intake.Upload {
	t.Helper()
	whole := sheetOf(n)
	u := must[intake.Upload](t)(h.Intake.BeginUpload(t.Context(), a, draft, intake.NewUpload{Field: field, Name: fmt.Sprintf("%d.pdf", n), Size: int64(len(whole))}))
	return must[intake.Upload](t)(h.Intake.Receive(t.Context(), a, draft, u.ID, 0, strings.NewReader(whole[:bytes]), nil))
}

// filesOf are the names of the files of a draft, by field, each of which can be opened and is what its name says.
func filesOf(t testing.TB, h *intaketest.House, a access.Actor, draft string) string {
	t.Helper()
	d := must[intake.Draft](t)(h.Intake.Draft(t.Context(), a, draft))
	f := must[*intake.Filling](t)(h.Intake.FillAlone(t.Context(), a, d, "de"))
	var out, kept []string
	for _, p := range f.View.Form.Pages() {
		form.Each(f.View.Page(p.ID), func(it *form.Item) {
			for _, file := range intake.Files(it.Value) {
				name := strings.TrimSuffix(file.Name, ".pdf")
				out = append(out, it.Name+"="+name)
				_, r, err := h.Intake.OpenFile(t.Context(), a, draft, it.Name, file.Hash, intake.Original)
				if err != nil {
					t.Errorf("%s: %v", it.Name, err)
					continue
				}
				b, _ := io.ReadAll(r)
				r.Close()
				if !strings.HasSuffix(file.Name, ".jpg") && !strings.Contains(string(b), "/N "+name) {
					t.Errorf("%s is another file", file.Name)
				}
			}
		})
	}
	for _, u := range must[[]intake.Upload](t)(h.Intake.Uploads(t.Context(), a, d)) {
		if u.Whole() {
			kept = append(kept, u.Field+"="+strings.TrimSuffix(u.Name, ".pdf"))
		}
	}
	slices.Sort(out)
	slices.Sort(kept)
	if !slices.Equal(out, kept) {
		t.Errorf("answers %v, uploads %v", out, kept)
	}
	return strings.Join(out, " ")
}

func vaultKeys(t testing.TB, h *intaketest.House) int {
	t.Helper()
	return must[int](t)(store.One(t.Context(), h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.keys\nSELECT COUNT(*) FROM vault_key"))
}

// Files that are added before the sign-in are this browser's, are looked at as any other, and are the person's afterwards: what is still
// coming too.
func TestAGuestsFilesBecomeOnePersons(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		change(t, h, trade, `"components": [`, pickers)
		h.Scanner(finds)
		guest, stranger := browser(), browser()
		d := started(t, h, guest, trade, "192.0.2.1")
		theirs := started(t, h, stranger, trade, "192.0.2.1")
		save(t, h, guest, d, "business", post("shops.0.name", "Blumen", "shops.1.name", "Kränze"))
		for _, c := range []struct{ name, content, msg string }{
			{"a.pdf", "MZ\x90\x00 a program", "inspect.type"},
			{"evil.pdf", strings.Replace(lease, "/Page", "/Page /EVIL true", 1), "intake.file.malware"},
			{"photo.jpg", photo(t), ""},
		} {
			if err := h.Intake.Upload(ctx, guest, d.ID, "proofs", c.name, strings.NewReader(c.content)); message(err) != c.msg {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		h.Scanner(nil) // nobody can look now
		upload(t, h, guest, d.ID, "proofs", 1)
		upload(t, h, guest, d.ID, "one", 2)
		upload(t, h, guest, d.ID, "shops.1.plan", 3)
		upload(t, h, guest, d.ID, "proofs", 4)
		all := "one=2 proofs=1 proofs=4 proofs=photo.jpg shops.1.plan=3"
		if got := filesOf(t, h, guest, d.ID); got != all {
			t.Fatalf("has %s", got)
		}
		if len(inClear(t, h)) > 0 {
			t.Error("lies there in clear")
		}
		x := must[intake.Draft](t)(h.Intake.Draft(ctx, guest, d.ID))
		files := intake.Files(x.Answers["proofs"])
		if err := h.Intake.RemoveFile(ctx, guest, d.ID, "proofs", files[2].Hash); err != nil {
			t.Fatal(err)
		}
		half := announced(t, h, guest, d.ID, "shops.0.plan", 5, 10)
		// Nobody else's, by whatever way.
		for _, a := range []access.Actor{stranger, anna, bora} {
			for _, draft := range []string{d.ID, theirs.ID} {
				if _, _, err := h.Intake.OpenFile(ctx, a, draft, "proofs", files[0].Hash, intake.Preview); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s opens a file: %v", a.ID, err)
				}
				if _, err := h.Intake.Receive(ctx, a, draft, half.ID, half.Received, strings.NewReader("x"), nil); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s goes on with one: %v", a.ID, err)
				}
				if _, err := h.Intake.ReadUpload(ctx, a, draft, half.ID); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s looks at one: %v", a.ID, err)
				}
				if err := h.Intake.DropUpload(ctx, a, draft, half.ID); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s takes one away: %v", a.ID, err)
				}
			}
			if err := h.Intake.RemoveFile(ctx, a, d.ID, "proofs", files[0].Hash); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s takes a file out: %v", a.ID, err)
			}
			if _, err := h.Intake.BeginUpload(ctx, a, d.ID, intake.NewUpload{Field: "proofs", Name: "x.pdf", Size: 10}); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s puts one in: %v", a.ID, err)
			}
		}
		// What has broken off waits two hours, and two days once it is a person's.
		if left := half.ExpiresAt.Sub(h.Now()); left != 2*time.Hour {
			t.Errorf("it waits %s", left)
		}
		x = must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		h.SetNow(h.Now().Add(47 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		if u, err := h.Intake.Receive(ctx, anna, x.ID, half.ID, half.Received, strings.NewReader(sheetOf(5)[half.Received:]), nil); err != nil || u.Received != u.Size {
			t.Errorf("%+v %v", u, err)
		}
		if got := filesOf(t, h, anna, x.ID); got != "one=2 proofs=1 proofs=photo.jpg shops.0.plan=5 shops.1.plan=3" {
			t.Errorf("Anna has %s", got)
		}
		if _, _, err := h.Intake.OpenFile(ctx, guest, d.ID, "proofs", files[0].Hash, intake.Original); !fault.Is(err, fault.NotFound) {
			t.Errorf("still the browser's: %v", err)
		}
		// They wait to be looked at as any other, and a find is told.
		h.Scanner(func(_ context.Context, r io.Reader) (string, error) {
			b, err := io.ReadAll(r)
			if strings.Contains(string(b), "/N 3") {
				return "Test.Evil", err
			}
			return "", err
		})
		must[bool](t)(h.Intake.CheckUploads(ctx))
		if _, _, err := h.Intake.OpenFile(ctx, anna, x.ID, "shops.1.plan", intake.Files(form.At(x.Answers, "shops.1.plan"))[0].Hash, intake.Original); !fault.Is(err, fault.Denied) {
			t.Errorf("found later: %v", err)
		}
	})
}

// What is handed over in the end has the files that were added before anybody was known.
func TestWhatAGuestBeganIsHandedOverWithItsFiles(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(clean)
		guest := browser()
		d := started(t, h, guest, defect, "192.0.2.1")
		if err := h.Intake.Upload(ctx, guest, d.ID, "photos", "hole.jpg", strings.NewReader(photo(t))); err != nil {
			t.Fatal(err)
		}
		for page, in := range map[string][]string{"place": {"spot", "51.43, 6.76"}, "what": {"concern", "road", "text", "Ein tiefes Loch"}} {
			save(t, h, guest, d, page, post(in...))
		}
		if _, _, err := h.Intake.Submit(ctx, guest, d.ID, "de"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("without a person: %v", err)
		}
		d = must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(keys(errs), err)
		}
		list := must[[]intake.Upload](t)(h.Intake.CaseFiles(ctx, caseGrant(t, h, caseID), caseID))
		if len(list) != 1 || list[0].Name != "hole.jpg" || list[0].State() != intake.Clean {
			t.Fatalf("%+v", list)
		}
		h.SetNow(h.Now().AddDate(1, 0, 0))
		must[int64](t)(h.Intake.Sweep(ctx))
		if got, err := caseFile(t, h, caseID, list[0].ID, intake.Original); err != nil || got != photo(t) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// Whoever has begun at home has the files of both afterwards, each once; where one is asked for, they say which.
func TestAGuestsFilesJoinThoseThatWereThere(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		change(t, h, trade, `"components": [`, pickers)
		h.Scanner(clean)
		mine := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, mine.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, mine, "business", post("shops.0.name", "Blumen", "shops.1.name", "Kränze"))
		for i, field := range []string{"proofs", "proofs", "one", "shops.0.plan", "shops.1.plan"} {
			upload(t, h, anna, mine.ID, field, i)
		}
		guest := browser()
		d := started(t, h, guest, trade, "192.0.2.1")
		save(t, h, guest, d, "business", post("shops.0.name", "Räder"))
		upload(t, h, guest, d.ID, "proofs", 1) // the same
		for i, field := range []string{"proofs", "one", "shops.0.plan"} {
			upload(t, h, guest, d.ID, field, 10+i)
		}
		half := announced(t, h, guest, d.ID, "proofs", 20, 10)
		x := must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		if x.ID != mine.ID {
			t.Fatal("two drafts")
		}
		if got := filesOf(t, h, anna, x.ID); got != "one=11 one=2 proofs=0 proofs=1 proofs=10 shops.0.plan=12 shops.0.plan=3 shops.1.plan=4" {
			t.Errorf("has %s", got)
		}
		if l := inDrawer(t, h); len(l) != 9 {
			t.Errorf("%d files for eight answers and one that is coming", len(l))
		}
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de"))
		if got := keys(f.Validate("business")); !strings.Contains(got, "one oneFile") {
			t.Errorf("two where one is asked for: %s", got)
		}
		for _, r := range f.Rivalries("") {
			if r.Item.Type == "filepicker" {
				t.Errorf("%s waits for a decision", r.Item.Name)
			}
		}
		if err := h.Intake.RemoveFile(ctx, anna, x.ID, "one", intake.Files(x.Answers["one"])[0].Hash); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Receive(ctx, anna, x.ID, half.ID, half.Received, strings.NewReader(sheetOf(20)[half.Received:]), nil); err != nil {
			t.Fatal(err)
		}
		if got := filesOf(t, h, anna, x.ID); got != "one=11 proofs=0 proofs=1 proofs=10 proofs=20 shops.0.plan=12 shops.0.plan=3 shops.1.plan=4" {
			t.Errorf("has %s", got)
		}
	})
}

// The draft becomes a person's while a file of it is looked at: it has come, so it is theirs.
func TestAFileThatIsLookedAtAtTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		// Bora has begun before: it goes into a draft that is there.
		must[intake.Draft](t)(h.Intake.Start(ctx, accesstest.Bora(), trade))
		for _, a := range []access.Actor{accesstest.Anna(), accesstest.Bora()} {
			guest := browser()
			d := started(t, h, guest, trade, "192.0.2.1")
			signedIn := false
			var mine intake.Draft
			h.Scanner(func(context.Context, io.Reader) (string, error) {
				if !signedIn {
					signedIn = true
					mine = must[intake.Draft](t)(h.Intake.Claim(ctx, a, guest, d.ID))
				}
				return "", nil
			})
			err := h.Intake.Upload(ctx, guest, d.ID, "proofs", "photo.jpg", strings.NewReader(photo(t)))
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("it is the browser's: %v", err)
			}
			if len(intake.Files(mine.Answers["proofs"])) != 1 || filesOf(t, h, a, mine.ID) != "proofs=photo.jpg" {
				t.Errorf("lost: %v", mine.Answers)
			}
		}
		if l := inDrawer(t, h); len(l) != 6 {
			t.Errorf("in the drawer: %v", l)
		}
	})
}

// fair is a life event of two services that are begun without signing in, and ask for the same files.
func fair(t *testing.T, h *intaketest.House) {
	t.Helper()
	change(t, h, defect, `"accept": ".jpg,.jpeg,.png,.heic"`, `"accept": ".pdf,.jpg,.jpeg,.png,.heic"`)
	text := `{ de = "A", en = "A", tr = "A", de-simple = "A" }`
	if err := h.Catalog.LoadEvents(fstest.MapFS{"fair/event.toml": {Data: []byte("id = \"fair\"\ntitle = " + text + "\nsummary = " + text + `
[[service]]
id = "business-registration"
[[service]]
id = "report-defect"
[[same]]
fields = ["business-registration.proofs", "report-defect.photos"]
`)}}); err != nil {
		t.Fatal(err)
	}
}

func TestALifeEventsFilesBecomeOnePersons(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		fair(t, h)
		h.Scanner(clean)
		guest := browser()
		b := must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, guest, "fair", "192.0.2.1"))
		w := bundled(t, h, guest, b.ID)
		first, second := partOf(t, w, trade).Draft, partOf(t, w, defect).Draft
		upload(t, h, guest, first.ID, "proofs", 1)
		half := announced(t, h, guest, first.ID, "proofs", 2, 10)
		if got := filesOf(t, h, guest, first.ID) + " " + filesOf(t, h, guest, second.ID); got != "proofs=1 photos=1" {
			t.Errorf("given once: %s", got)
		}
		if l := inDrawer(t, h); len(l) != 2 {
			t.Errorf("in the drawer: %v", l)
		}
		if got := must[intake.Bundle](t)(h.Intake.ClaimBundle(ctx, anna, guest, b.ID)); got.ID != b.ID {
			t.Fatal(got.ID)
		}
		if _, err := h.Intake.Receive(ctx, anna, first.ID, half.ID, 10, strings.NewReader(sheetOf(2)[10:]), nil); err != nil {
			t.Fatal(err)
		}
		if got := filesOf(t, h, anna, first.ID) + " " + filesOf(t, h, anna, second.ID); got != "proofs=1 proofs=2 photos=1 photos=2" {
			t.Errorf("Anna has %s", got)
		}
		// The same once more in another browser: nothing of either is lost, and what both have is there once.
		again := browser()
		c := must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, again, "fair", "192.0.2.1"))
		upload(t, h, again, partOf(t, bundled(t, h, again, c.ID), trade).Draft.ID, "proofs", 2)
		upload(t, h, again, partOf(t, bundled(t, h, again, c.ID), trade).Draft.ID, "proofs", 3)
		must[intake.Bundle](t)(h.Intake.ClaimBundle(ctx, anna, again, c.ID))
		if got := filesOf(t, h, anna, first.ID) + " " + filesOf(t, h, anna, second.ID); got != "proofs=1 proofs=2 proofs=3 photos=1 photos=2 photos=3" {
			t.Errorf("Anna has %s", got)
		}
		if l := inDrawer(t, h); len(l) != 3 {
			t.Errorf("in the drawer: %v", l)
		}
	})
}

// Files that stand in different drafts of one life event are all there after the sign-in.
func TestFilesOfALifeEventAreGathered(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		fair(t, h)
		h.Scanner(clean)
		b := must[intake.Bundle](t)(h.Intake.StartEvent(ctx, anna, "fair"))
		if err := h.Intake.ConsentAll(ctx, anna, b.ID, false); err != nil {
			t.Fatal(err)
		}
		mine := partOf(t, bundled(t, h, anna, b.ID), defect).Draft
		upload(t, h, anna, mine.ID, "photos", 1)
		guest := browser()
		c := must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, guest, "fair", "192.0.2.1"))
		upload(t, h, guest, partOf(t, bundled(t, h, guest, c.ID), trade).Draft.ID, "proofs", 2)
		must[intake.Bundle](t)(h.Intake.ClaimBundle(ctx, anna, guest, c.ID))
		w := bundled(t, h, anna, b.ID)
		if got := filesOf(t, h, anna, partOf(t, w, trade).Draft.ID) + " " + filesOf(t, h, anna, mine.ID); got != "proofs=1 proofs=2 photos=1 photos=2" {
			t.Errorf("has %s", got)
		}
	})
}

// Files go with their drafts: given up, or after a day. Nothing of them stays, no key either.
func TestAGuestsFilesGo(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		fair(t, h)
		h.Scanner(clean)
		alone := func() (access.Actor, string) {
			guest := browser()
			d := started(t, h, guest, defect, "192.0.2.1")
			if err := h.Intake.Upload(ctx, guest, d.ID, "photos", "a.jpg", strings.NewReader(photo(t))); err != nil {
				t.Fatal(err)
			}
			return guest, d.ID
		}
		event := func() (access.Actor, string) {
			guest := browser()
			b := must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, guest, "fair", "192.0.2.1"))
			part := partOf(t, bundled(t, h, guest, b.ID), trade).Draft
			upload(t, h, guest, part.ID, "proofs", 1)
			announced(t, h, guest, part.ID, "proofs", 2, 10)
			return guest, b.ID
		}
		nothing := func(why string) {
			t.Helper()
			must[int64](t)(h.Intake.Sweep(ctx))
			left := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.left\nSELECT COUNT(*) FROM intake_upload"))
			if l, n := inDrawer(t, h), vaultKeys(t, h); len(l) != 0 || n != 0 || left != 0 {
				t.Errorf("%s: %v, %d keys and %d rows stay", why, l, n, left)
			}
		}
		alone()
		event()
		h.SetNow(h.Now().AddDate(0, 0, 2))
		nothing("after a day")
		guest, id := alone()
		if err := h.Intake.Discard(ctx, guest, id); err != nil {
			t.Fatal(err)
		}
		guest, id = event()
		if err := h.Intake.DiscardBundle(ctx, guest, id); err != nil {
			t.Fatal(err)
		}
		nothing("given up")
	})
}

func TestFilesOfGuestsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		announce := func(a access.Actor, draft string, size int64) (intake.Upload, error) {
			return h.Intake.BeginUpload(ctx, a, draft, intake.NewUpload{Field: "proofs", Name: "x.pdf", Size: size})
		}
		guest := browser()
		d := started(t, h, guest, trade, "192.0.2.1")
		if _, err := announce(guest, d.ID, 6e6+1); message(err) != "intake.guest.fileSize" {
			t.Errorf("too large: %v", err)
		}
		if err := h.Intake.Upload(ctx, guest, d.ID, "proofs", "x.pdf", strings.NewReader("%PDF-"+strings.Repeat("x", 6e6))); message(err) != "intake.guest.fileSize" {
			t.Errorf("too large, in one piece: %v", err)
		}
		var last intake.Upload
		for range 3 {
			last = must[intake.Upload](t)(announce(guest, d.ID, 6e6))
		}
		if _, err := announce(guest, d.ID, 3e6); message(err) != "intake.guest.filesFull" {
			t.Errorf("more than 20 MB: %v", err)
		}
		if err := h.Intake.DropUpload(ctx, guest, d.ID, last.ID); err != nil {
			t.Fatal(err)
		}
		must[intake.Upload](t)(announce(guest, d.ID, 3e6))
		many := browser()
		e := started(t, h, many, trade, "192.0.2.9")
		for range 10 {
			must[intake.Upload](t)(announce(many, e.ID, 10))
		}
		other := started(t, h, many, defect, "192.0.2.9")
		if _, err := h.Intake.BeginUpload(ctx, many, other.ID, intake.NewUpload{Field: "photos", Name: "x.jpg", Size: 10}); message(err) != "intake.guest.filesFull" {
			t.Errorf("the eleventh of a browser: %v", err)
		}
		// Of one network, 15 MB of it so far.
		for i := range 14 {
			next := browser()
			x := started(t, h, next, trade, "192.0.2.1")
			if _, err := announce(next, x.ID, 6e6); err != nil {
				t.Fatal(i, err)
			}
		}
		next := browser()
		x := started(t, h, next, trade, "192.0.2.1")
		if _, err := announce(next, x.ID, 6e6); message(err) != "intake.guest.filesClosed" {
			t.Errorf("more than 100 MB of a network: %v", err)
		}
		neighbour := browser()
		must[intake.Upload](t)(announce(neighbour, started(t, h, neighbour, trade, "192.0.2.2").ID, 6e6))
		// Signed in, they count no more, and the person's own bounds hold.
		mine := must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		must[intake.Upload](t)(announce(next, x.ID, 6e6))
		must[intake.Upload](t)(announce(anna, mine.ID, 9e6))
		// Of all together.
		n := 0
		for i := 0; i < 400; i++ {
			next := browser()
			x := started(t, h, next, trade, fmt.Sprintf("198.51.%d.1", i/15))
			if _, err := announce(next, x.ID, 6e6); err != nil {
				if message(err) != "intake.guest.filesClosed" {
					t.Fatal(err)
				}
				break
			}
			n++
		}
		if n < 300 || n > 333 {
			t.Errorf("%d of 6 MB beside 100", n)
		}
		must[intake.Upload](t)(announce(anna, mine.ID, 9e6))
		// What never came doesn't count for long.
		h.SetNow(h.Now().Add(2 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		must[intake.Upload](t)(announce(next, x.ID, 6e6))
	})
}

// However many guests send files at once, there is a place left to look at those of who has signed in.
func TestGuestsLeaveAPlaceToLookAtFiles(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		mine := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		looking, release := make(chan bool, 3), make(chan bool)
		h.Scanner(func(_ context.Context, r io.Reader) (string, error) {
			b, err := io.ReadAll(r)
			if !strings.Contains(string(b), "/N 100") {
				looking <- true
				<-release
			}
			return "", err
		})
		var wg sync.WaitGroup
		for n := range 3 {
			guest := browser()
			d := started(t, h, guest, trade, "192.0.2.1")
			wg.Go(func() {
				if err := h.Intake.Upload(ctx, guest, d.ID, "proofs", "a.pdf", strings.NewReader(sheetOf(n))); err != nil {
					t.Error(err)
				}
			})
		}
		<-looking
		within, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := h.Intake.Upload(within, anna, mine.ID, "proofs", "b.pdf", strings.NewReader(sheetOf(100))); err != nil {
			t.Errorf("who has signed in waits for guests: %v", err)
		}
		if len(looking) > 0 {
			t.Error("two files of guests are looked at")
		}
		close(release)
		wg.Wait()
	})
}

// Whoever signs in while files come, into a draft that is there or not, has each that was taken; the others are still coming, or were told.
func TestFilesComeWhileSomebodySignsIn(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		h.Scanner(clean)
		for round := range 6 {
			a := accesstest.Anna()
			if round%2 == 1 {
				a = accesstest.Bora()
				must[intake.Draft](t)(h.Intake.Start(ctx, a, trade))
			}
			guest := browser()
			d := started(t, h, guest, trade, "192.0.2.1")
			var wg sync.WaitGroup
			var taken [3]bool
			for n := range taken {
				wg.Go(func() {
					err := h.Intake.Upload(ctx, guest, d.ID, "proofs", fmt.Sprintf("%d.pdf", round*10+n), strings.NewReader(sheetOf(round*10+n)))
					if taken[n] = err == nil; err != nil && !fault.Is(err, fault.NotFound) {
						t.Errorf("%d: %v", n, err)
					}
				})
			}
			time.Sleep(time.Duration(round) * 5 * time.Millisecond)
			mine, err := h.Intake.Claim(ctx, a, guest, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			has := " " + filesOf(t, h, a, mine.ID) + " "
			for n, ok := range taken {
				if name := fmt.Sprintf(" proofs=%d ", round*10+n); ok && !strings.Contains(has, name) {
					t.Errorf("round %d: lost %s of %s", round, name, has)
				}
			}
			if len(must[[]intake.Upload](t)(h.Intake.Uploads(ctx, a, mine))) < strings.Count(has, "=") {
				t.Error("an answer without its file")
			}
		}
		must[int64](t)(h.Intake.Sweep(ctx))
	})
}
