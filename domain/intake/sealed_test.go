// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

const marker = "GEHEIMNIS-4711"

// secret is a PDF with the marker in it.
func secret(more string) string {
	return strings.Replace(lease, "/Page", "/Page /"+marker+" true /More ("+more+")", 1)
}

// inClear are the files of the house in which the marker, or a picture that a house has made, stands as it is.
func inClear(t *testing.T, h *intaketest.House) (names []string) {
	t.Helper()
	err := filepath.WalkDir(h.FilesIn, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(marker)) || bytes.HasPrefix(b, []byte("%PDF")) || bytes.HasPrefix(b, []byte("\xff\xd8\xff")) {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// ownFile is what an owner reads of a file in their draft.
func ownFile(t *testing.T, h *intaketest.House, a access.Actor, draft, field string, f intake.FileRef, ending string) (string, error) {
	t.Helper()
	_, r, err := h.Intake.OpenFile(t.Context(), a, draft, field, f.Hash, ending)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func caseGrant(t *testing.T, h *intaketest.House, caseID string) access.Grant {
	clerk := accesstest.Clerk("32")
	return accesstest.Grant(t, accesstest.AllowAll(t, h.DB), access.Request{Actor: clerk, Action: access.Read, Resource: "case", Purpose: "case work", Case: caseID, Office: clerk.Office})
}

func caseFile(t *testing.T, h *intaketest.House, caseID, id, ending string) (string, error) {
	t.Helper()
	_, r, err := h.Intake.OpenCaseFile(t.Context(), caseGrant(t, h, caseID), caseID, id, ending)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

// What people send, and what is made of it, is sealed on the disk while it is coming, in a draft and in a case; who may read it does.
func TestFilesAreSealed(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(finds)
		d := start(t, h, anna)
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		whole := secret(strings.Repeat("x", 100_000))
		u := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "proof", Name: "a.pdf", Size: int64(len(whole))}))
		broke := io.MultiReader(strings.NewReader(whole[:70_000]), iotest.ErrReader(errors.New("the line broke")))
		if x, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 0, broke, nil); x.Received != 70_000 || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d %v", x.Received, err)
		}
		if l := inClear(t, h); len(l) > 0 || len(inDrawer(t, h)) != 1 {
			t.Errorf("while it is coming: %v of %v", l, inDrawer(t, h))
		}
		// The program is killed in the middle of a frame.
		path := filepath.Join(h.FilesIn, u.ID[34:], u.ID)
		if err := os.Truncate(path, 69_000); err != nil {
			t.Fatal(err)
		}
		x := must[intake.Upload](t)(h.Intake.ReadUpload(ctx, anna, d.ID, u.ID))
		if x.Received != 64<<10 {
			t.Errorf("%d bytes are there", x.Received)
		}
		if x, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, x.Received, strings.NewReader(whole[x.Received:]), nil); err != nil || x.Received != x.Size {
			t.Fatalf("%d %v", x.Received, err)
		}
		if err := h.Intake.Upload(ctx, anna, d.ID, "proof", "photo.jpg", strings.NewReader(photo(t))); err != nil {
			t.Fatal(err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		files := intake.Files(d.Answers["proof"])
		sum := sha256.Sum256([]byte(whole))
		if len(files) != 2 || files[0].Hash != hex.EncodeToString(sum[:]) {
			t.Fatalf("%+v", files)
		}
		if l := inClear(t, h); len(l) > 0 || len(inDrawer(t, h)) != 4 {
			t.Errorf("in a draft: %v of %v", l, inDrawer(t, h))
		}
		if got, err := ownFile(t, h, anna, d.ID, "proof", files[0], intake.Original); got != whole || err != nil {
			t.Errorf("the owner reads %d bytes, %v", len(got), err)
		}
		if got, err := ownFile(t, h, anna, d.ID, "proof", files[1], intake.Preview); !strings.HasPrefix(got, "\xff\xd8\xff") || err != nil {
			t.Errorf("the preview: %d bytes, %v", len(got), err)
		}
		other := start(t, h, accesstest.Bora())
		if err := h.Intake.Upload(ctx, accesstest.Bora(), other.ID, "proof", "b.pdf", strings.NewReader(secret(""))); err != nil {
			t.Fatal(err)
		}
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatalf("%s %v", keys(errs), err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		// The person erases all that they have, and is erased: the case keeps its evidence.
		if err := h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Forget(ctx, tx, anna.ID) }); err != nil {
			t.Fatal(err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if l := inClear(t, h); len(l) > 0 || len(inDrawer(t, h)) != 5 {
			t.Errorf("in a case: %v of %v", l, inDrawer(t, h))
		}
		list := must[[]intake.Upload](t)(h.Intake.CaseFiles(ctx, caseGrant(t, h, caseID), caseID))
		if got, err := caseFile(t, h, caseID, list[0].ID, intake.Original); got != whole || err != nil {
			t.Errorf("the case reads %d bytes, %v", len(got), err)
		}
		if got, err := caseFile(t, h, caseID, list[1].ID, intake.Archive); !strings.HasPrefix(got, "%PDF") || err != nil {
			t.Errorf("the PDF/A in the case: %d bytes, %v", len(got), err)
		}
		// One file put in the place of another, or cut off, isn't read.
		foreign := must[[]byte](t)(os.ReadFile(inDrawerOf(t, h, accesstest.Bora(), other.ID)))
		good := must[[]byte](t)(os.ReadFile(path))
		for what, b := range map[string][]byte{"another file": foreign, "cut off": good[:65536+4+28], "plain": []byte(whole)} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := caseFile(t, h, caseID, list[0].ID, intake.Original); err == nil {
				t.Errorf("%s is read: %d bytes", what, len(got))
			}
		}
	})
}

// inDrawerOf is where the first file of a draft lies.
func inDrawerOf(t *testing.T, h *intaketest.House, a access.Actor, draft string) string {
	t.Helper()
	d := must[intake.Draft](t)(h.Intake.Draft(t.Context(), a, draft))
	id := intake.Files(d.Answers["proof"])[0].ID
	return filepath.Join(h.FilesIn, id[34:], id)
}

// When drafts are erased, so are their files, at once and wherever a copy of them is; what isn't erased stays.
func TestErasedFilesAreGoneInBackupsToo(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		for _, name := range []string{"a.pdf", "b.pdf"} {
			if err := h.Intake.Upload(ctx, anna, d.ID, "proof", name, strings.NewReader(secret(name))); err != nil {
				t.Fatal(err)
			}
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		files := intake.Files(d.Answers["proof"])
		at := func(id string) string { return filepath.Join(h.FilesIn, id[34:], id) }
		backup := must[[]byte](t)(os.ReadFile(at(files[0].ID)))
		open := func(id string) error { // as a program that knows all that the house knows
			k, err := h.Vault.Key(ctx, h.DB, "file/"+id)
			if err != nil {
				return err
			}
			r, err := h.Drawer.Open(k, id, intake.Original)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.ReadAll(r)
			return err
		}
		if err := open(files[0].ID); err != nil {
			t.Fatal(err)
		}
		// Taken out by its owner.
		if err := h.Intake.RemoveFile(ctx, anna, d.ID, "proof", files[0].Hash); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(files[0].ID), backup, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(files[0].ID); !errors.Is(err, vault.ErrDestroyed) {
			t.Errorf("what was taken out opens: %v", err)
		}
		erase := func(asking string) {
			t.Helper()
			if err := h.DB.Write(ctx, func(tx *store.Tx) error {
				_, err := h.Intake.EraseDrafts(ctx, tx, anna.ID, asking)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		erase(parking) // all but this
		if got, err := ownFile(t, h, anna, d.ID, "proof", files[1], intake.Original); got != secret("b.pdf") || err != nil {
			t.Errorf("what stays: %q %v", got, err)
		}
		// Erased, and the draft came back out of a backup: nobody hands over what can't be read.
		key := must[[]byte](t)(store.One(ctx, h.DB, func(s store.Scanner) (b []byte, err error) { return b, s.Scan(&b) }, "-- test.key\nSELECT wrapped FROM vault_key WHERE subject = $1", "file/"+files[1].ID))
		exec(t, h, "-- test.destroy\nDELETE FROM vault_key WHERE subject = $1", "file/"+files[1].ID)
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		if id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || id != "" || keys(errs) != "proof intake.file.gone" {
			t.Errorf("handed over: %q %s %v", id, keys(errs), err)
		}
		exec(t, h, "-- test.restore\nINSERT INTO vault_key (subject, wrapped) VALUES ($1, $2)", "file/"+files[1].ID, key)
		erase("")
		if err := open(files[1].ID); !errors.Is(err, vault.ErrDestroyed) {
			t.Errorf("an erased file opens: %v", err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if l := inDrawer(t, h); len(l) != 1 { // what this test has put there
			t.Errorf("left over: %v", l)
		}
	})
}

// Files of before there were seals are sealed once, wherever it was broken off; what was coming goes on, and nothing is lost.
func TestFilesOfBeforeAreSealed(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(clean)
		d := start(t, h, anna)
		for name, content := range map[string]string{"a.pdf": secret(""), "photo.jpg": photo(t)} {
			if err := h.Intake.Upload(ctx, anna, d.ID, "proof", name, strings.NewReader(content)); err != nil {
				t.Fatal(err)
			}
		}
		whole := secret(strings.Repeat("x", 100_000))
		u := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "proof", Name: "c.pdf", Size: int64(len(whole))}))
		if _, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 0, strings.NewReader(whole[:70_000]), nil); err != nil {
			t.Fatal(err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		files := intake.Files(d.Answers["proof"])
		// As they lay there before.
		for _, f := range files {
			for _, ending := range []string{intake.Original, intake.Archive, intake.Preview} {
				if r, err := h.Drawer.Open(fileKey(t, h, f.ID), f.ID, ending); err == nil {
					b := must[[]byte](t)(io.ReadAll(r))
					r.Close()
					if err := os.WriteFile(filepath.Join(h.FilesIn, f.ID[34:], f.ID+ending), b, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := os.WriteFile(filepath.Join(h.FilesIn, u.ID[34:], u.ID), []byte(whole[:70_000]), 0o600); err != nil {
			t.Fatal(err)
		}
		exec(t, h, "-- test.keys\nDELETE FROM vault_key WHERE subject LIKE 'file/%'")
		exec(t, h, "-- test.plain\nUPDATE intake_upload SET sealed = FALSE")
		if l := inClear(t, h); len(l) != 5 {
			t.Fatalf("this test has nothing to seal: %v", l)
		}
		// A file that is asked for is sealed at once.
		if got, err := ownFile(t, h, anna, d.ID, "proof", files[0], intake.Original); err != nil || len(got) != int(files[0].Size) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		// Broken off when the file was sealed and the row didn't say so yet.
		exec(t, h, "-- test.again\nUPDATE intake_upload SET sealed = FALSE")
		broken, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := h.Intake.Upgrade(broken); err == nil {
			t.Error("it isn't broken off")
		}
		if n := must[int](t)(h.Intake.Upgrade(ctx)); n != 3 {
			t.Errorf("%d were sealed", n)
		}
		if n := must[int](t)(h.Intake.Upgrade(ctx)); n != 0 {
			t.Errorf("%d were sealed again", n)
		}
		if l := inClear(t, h); len(l) > 0 {
			t.Errorf("in clear: %v", l)
		}
		for _, f := range files {
			got, err := ownFile(t, h, anna, d.ID, "proof", f, intake.Original)
			if sum := sha256.Sum256([]byte(got)); err != nil || hex.EncodeToString(sum[:]) != f.Hash {
				t.Errorf("%s: %d bytes, %v", f.Name, len(got), err)
			}
			if f.Type == "image/jpeg" {
				if got, err := ownFile(t, h, anna, d.ID, "proof", f, intake.Preview); err != nil || !strings.HasPrefix(got, "\xff\xd8\xff") {
					t.Errorf("the preview: %d bytes, %v", len(got), err)
				}
			}
		}
		if x, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 70_000, strings.NewReader(whole[70_000:]), nil); err != nil || x.Received != x.Size {
			t.Fatalf("%d %v", x.Received, err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if l := intake.Files(d.Answers["proof"]); len(l) != 3 {
			t.Errorf("%+v", l)
		}
	})
}

// A file that is damaged before it is taken is thrown away, and the person is told to send it again; one in a case that doesn't open
// isn't what the others wait for.
func TestADamagedFileIsToldOf(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		whole := secret("")
		u := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "proof", Name: "a.pdf", Size: int64(len(whole))}))
		if _, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 0, strings.NewReader(whole[:50]), nil); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(h.FilesIn, u.ID[34:], u.ID)
		b := must[[]byte](t)(os.ReadFile(path))
		b[20] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 50, strings.NewReader(whole[50:]), nil); message(err) != "intake.file.broken" {
			t.Errorf("taken: %v", err)
		}
		if l := inDrawer(t, h); len(l) != 0 {
			t.Errorf("kept: %v", l)
		}
		for _, name := range []string{"a.pdf", "b.pdf"} { // nobody looks for malware
			if err := h.Intake.Upload(ctx, anna, d.ID, "proof", name, strings.NewReader(secret(name))); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Truncate(inDrawerOf(t, h, anna, d.ID), 40); err != nil {
			t.Fatal(err)
		}
		h.Scanner(finds)
		if _, err := h.Intake.CheckUploads(ctx); err == nil {
			t.Error("nobody is told of the damage")
		}
		if n := must[int64](t)(h.Intake.Unchecked(ctx)); n != 1 {
			t.Errorf("%d wait", n)
		}
	})
}

// What a file is called stands nowhere in the database in clear, that of one shared by two services and of one that is coming neither.
func TestNamesOfFilesAreSealed(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(clean)
		stored := func() string {
			t.Helper()
			all := must[[]string](t)(store.All(ctx, h.DB, func(s store.Scanner) (string, error) {
				var name, field, sum, found string
				var sealed []byte
				err := s.Scan(&name, &field, &sum, &found, &sealed)
				return name + field + sum + found + string(sealed), err
			}, "-- test.names\nSELECT name, field, sum, found, sealed_name FROM intake_upload ORDER BY id"))
			return strings.Join(all, "\n") + rows(t, h)
		}
		w := moved(t, h, anna, dog, care)
		if err := h.Intake.ConsentAll(ctx, anna, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, w.Bundle.ID)
		d, other := partOf(t, w, dog).Draft, partOf(t, w, care).Draft
		save(t, h, anna, d, "reduction", post("benefit", "yes"))
		if err := h.Intake.Upload(ctx, anna, d.ID, "benefit_notice", "Scheidungsurteil Schmidt.pdf", strings.NewReader(lease)); err != nil {
			t.Fatal(err)
		}
		must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "benefit_notice", Name: "Schmidt, Befund.pdf", Size: 99}))
		names := func(d intake.Draft) string {
			t.Helper()
			var out []string
			for _, u := range must[[]intake.Upload](t)(h.Intake.Uploads(ctx, anna, d)) {
				out = append(out, u.Name)
			}
			return strings.Join(out, "; ")
		}
		look := func(when string) {
			t.Helper()
			if s := stored(); strings.Contains(s, "Schmidt") || strings.Contains(s, ".pdf") {
				t.Errorf("%s: in clear: %q", when, s)
			}
			if got, shared := names(d), names(other); got != "Scheidungsurteil Schmidt.pdf; Schmidt, Befund.pdf" || shared != "Scheidungsurteil Schmidt.pdf" {
				t.Errorf("%s: %s, shared %s", when, got, shared)
			}
		}
		look("new")
		// Of before: a file, one that it is shared from, one that is coming, and one that was erased.
		exec(t, h, "-- test.before\nUPDATE intake_upload SET name = 'Scheidungsurteil Schmidt.pdf', sealed_name = $1 WHERE state = 'kept'", []byte{})
		exec(t, h, "-- test.before\nUPDATE intake_upload SET name = 'Schmidt, Befund.pdf', sealed_name = $1 WHERE state = 'receiving'", []byte{})
		if got := names(d); got != "Scheidungsurteil Schmidt.pdf; Schmidt, Befund.pdf" {
			t.Errorf("before: %s", got)
		}
		if n := must[int](t)(h.Intake.Upgrade(ctx)); n != 3 {
			t.Errorf("%d were sealed", n)
		}
		look("after the start")
		if n := must[int](t)(h.Intake.Upgrade(ctx)); n != 0 {
			t.Errorf("%d were sealed again", n)
		}
		// One whose key is destroyed, and whose row a backup has brought back, gets no new key, and its name goes.
		exec(t, h, "-- test.erased\nDELETE FROM vault_key WHERE subject LIKE 'file/%'")
		exec(t, h, "-- test.back\nUPDATE intake_upload SET name = 'Schmidt.pdf'")
		must[int](t)(h.Intake.Upgrade(ctx))
		n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.keys\nSELECT COUNT(*) FROM vault_key WHERE subject LIKE 'file/%'"))
		if s := stored(); n != 0 || strings.Contains(s, "Schmidt") {
			t.Errorf("%d keys, %q", n, s)
		}
	})
}

// The desk and the applicant see what a file of a case is called.
func TestAFileOfACaseHasItsName(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		if err := h.Intake.Upload(ctx, anna, d.ID, "one", "Befund Schmidt.jpg", strings.NewReader(photo(t))); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(keys(errs), err)
		}
		h.Scanner(func(context.Context, io.Reader) (string, error) { return "Eicar", nil })
		must[bool](t)(h.Intake.CheckUploads(ctx))
		l := must[[]intake.Upload](t)(h.Intake.CaseFiles(ctx, caseGrant(t, h, id), id))
		if found := h.Infected(); len(l) != 1 || l[0].Name != "Befund Schmidt.jpg" || len(found) != 1 || found[0].Name != l[0].Name {
			t.Errorf("%+v %+v", l, found)
		}
	})
}
