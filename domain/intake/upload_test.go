// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/image/tiff"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/pdf/pdfacheck"
	"mercator/core/vault"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

// ofEverybody are statements of the house itself, and of cases, whose grant has been asked for.
var ofEverybody = map[string]bool{"uploadsOfCase": true, "uncheckedUploads": true, "countUnchecked": true, "checkUpload": true, "caseOfUpload": true,
	"expireUploads": true, "goneUploads": true, "deleteUpload": true, "eraseUploads": true, "contentHeld": true, "plainUploads": true, "sealUploads": true, "plainNames": true, "sealName": true}

const lease = "%PDF-1.7\n1 0 obj\n<</Type /Page>>\nendobj\n%%EOF\n"

func photo(t testing.TB) string {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withFiles runs a test in houses whose parking permit asks for files.
func withFiles(t *testing.T, run func(t *testing.T, h *intaketest.House)) {
	withQuestions(t, `
	{"type":"filepicker","id":"f_proof","key":"proof","label":"Nachweis","multiple":true,"accept":".pdf,.jpg","properties":{"page":"proof","label.en":"Proof","label.tr":"Belge"}},
	{"type":"filepicker","id":"f_one","key":"one","label":"Ein Foto","properties":{"page":"proof","label.en":"A photo","label.tr":"Bir fotoğraf"}},`, run)
}

// withQuestions runs a test in houses whose parking permit asks more.
func withQuestions(t *testing.T, questions string, run func(t *testing.T, h *intaketest.House)) {
	dir := filepath.Join(t.TempDir(), "services")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(intaketest.Root(), "content", "services"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, parking, "application.form")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	src := strings.Replace(string(data), `"components": [`, `"components": [`+questions, 1)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, h *intaketest.House) {
		if err := h.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		run(t, h)
	})
}

func start(t *testing.T, h *intaketest.House, a access.Actor) intake.Draft {
	t.Helper()
	return must[intake.Draft](t)(h.Intake.Start(t.Context(), a, parking))
}

func message(err error) string {
	if err == nil {
		return ""
	}
	msg, _ := fault.Message(err)
	return msg
}

// inDrawer are the files that lie in the house, whatever names them.
func inDrawer(t *testing.T, h *intaketest.House) (names []string) {
	t.Helper()
	err := filepath.WalkDir(h.FilesIn, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// fileKey is the key of an upload's content.
func fileKey(t *testing.T, h *intaketest.House, content string) vault.Key {
	t.Helper()
	return must[vault.Key](t)(h.Vault.Key(t.Context(), h.DB, "file/"+content))
}

func clean(context.Context, io.Reader) (string, error) { return "", nil }

// finds takes files for malware that say so.
func finds(_ context.Context, r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	if bytes.Contains(b, []byte("EVIL")) {
		return "Test.Evil", err
	}
	return "", err
}

func TestFilesAreWhatTheirContentSays(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(finds)
		d := start(t, h, anna)
		for _, c := range []struct{ name, content, msg string }{
			{"a.pdf", "", "intake.file.empty"},
			{"a.pdf", "MZ\x90\x00 a program", "inspect.type"},
			{"a.pdf", "<html><script>", "inspect.type"},
			{"a.docx", "PK\x03\x04", "inspect.archive"},
			{"a.pdf", strings.Replace(lease, "%%EOF", "trailer <</Encrypt 3 0 R>> %%EOF", 1), "inspect.password"},
			{"a.png", "\x89PNG\r\n\x1a\n1234", "intake.file.type"}, // a picture, but not one that this field takes
			{"a.pdf", "%PDF-" + strings.Repeat("x", intake.MaxFile), "intake.file.size"},
			{"evil.pdf", strings.Replace(lease, "/Page", "/Page /EVIL true", 1), "intake.file.malware"},
			{"../../etc/passwd\u202e.pdf", lease, ""},
			{"again.pdf", lease, ""},
			{"photo.JPG", photo(t), ""},
			{"photo.heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x30meta\x00\x00\x00\x00\x00\x00\x00\x24iprp\x00\x00\x00\x1cipco\x00\x00\x00\x14ispe\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x10", "inspect.noHEIC"}, // nobody is there who can read it
		} {
			if err := h.Intake.Upload(ctx, anna, d.ID, "proof", c.name, strings.NewReader(c.content)); message(err) != c.msg {
				t.Errorf("%s: %q %v, want %q", c.name, message(err), err, c.msg)
			}
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		files := intake.Files(d.Answers["proof"])
		if len(files) != 2 || files[0].Name != "passwd.pdf" || files[0].Type != "application/pdf" || files[0].Pages != 1 || files[1].Type != "image/jpeg" {
			t.Fatalf("%+v", files)
		}
		if l := inDrawer(t, h); len(l) != 4 { // the PDF, the photo, its PDF/A and its preview
			t.Errorf("what was refused is kept: %v", l)
		}
		// Answers can't be forged into files by a post.
		if _, err := h.Intake.Save(ctx, anna, d.ID, "proof", url.Values{"_f": {"proof"}, "proof": {"evil"}}, "de"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Intake.OpenFile(ctx, accesstest.Bora(), d.ID, "proof", files[0].Hash, intake.Original); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour opens the file: %v", err)
		}
		if _, _, err := h.Intake.OpenFile(ctx, anna, d.ID, "proof", files[0].Hash, intake.Preview); !fault.Is(err, fault.NotFound) {
			t.Errorf("a preview of a PDF: %v", err)
		}
		_, r, err := h.Intake.OpenFile(ctx, anna, d.ID, "proof", files[1].Hash, intake.Archive)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(r)
		r.Close()
		if wrong := pdfacheck.Check(page); len(wrong) > 0 {
			t.Errorf("the PDF/A of the photo: %v", wrong)
		}
		if err := h.Intake.RemoveFile(ctx, anna, d.ID, "proof", files[1].Hash); err != nil {
			t.Fatal(err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if files = intake.Files(d.Answers["proof"]); len(files) != 1 {
			t.Errorf("%d files", len(files))
		}
		if l := inDrawer(t, h); len(l) != 1 {
			t.Errorf("what was taken out is kept: %v", l)
		}
		// A field for one file has the last.
		for _, content := range []string{lease, photo(t)} {
			if err := h.Intake.Upload(ctx, anna, d.ID, "one", "x", strings.NewReader(content)); err != nil {
				t.Fatal(err)
			}
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if files = intake.Files(d.Answers["one"]); len(files) != 1 || files[0].Type != "image/jpeg" {
			t.Errorf("%+v", files)
		}
	})
}

// A file comes in parts, over lines that break and servers that are stopped, and is the same in the end.
func TestAFileComesInParts(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		h.Scanner(clean)
		d := start(t, h, anna)
		whole := photo(t)
		sum := sha256.Sum256([]byte(whole))
		begin := func(sum string) intake.Upload {
			t.Helper()
			return must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "proof", Name: "photo.jpg", Size: int64(len(whole)), Sum: sum}))
		}
		u := begin(hex.EncodeToString(sum[:]))
		receive := func(a access.Actor, at int, r io.Reader, check func() error) (int64, error) {
			u, err := h.Intake.Receive(ctx, a, d.ID, u.ID, int64(at), r, check)
			return u.Received, err
		}
		if n, err := receive(anna, 0, io.MultiReader(strings.NewReader(whole[:200]), iotest.ErrReader(errors.New("the line broke"))), nil); n != 200 || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d %v", n, err)
		}
		if n, err := receive(anna, 0, strings.NewReader(whole), nil); n != 200 || !fault.Is(err, fault.Conflict) {
			t.Errorf("from the beginning again: %d %v", n, err)
		}
		if n, err := receive(anna, 200, strings.NewReader("???"), func() error { return fault.New(fault.Invalid, "t", "sum") }); n != 200 || !fault.Is(err, fault.Invalid) {
			t.Errorf("a part with another sum: %d %v", n, err)
		}
		if _, err := receive(bora, 200, strings.NewReader(whole[200:]), nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour goes on with it: %v", err)
		}
		mine := start(t, h, bora)
		if _, err := h.Intake.Receive(ctx, bora, mine.ID, u.ID, 200, strings.NewReader(whole[200:]), nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("by way of their own draft: %v", err)
		}
		if _, err := h.Intake.ReadUpload(ctx, bora, mine.ID, u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour looks: %v", err)
		}
		if err := h.Intake.DropUpload(ctx, bora, mine.ID, u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour takes it away: %v", err)
		}
		if n, err := receive(anna, 200, strings.NewReader(whole[200:]+"more"), nil); n != 200 || !fault.Is(err, fault.TooLarge) {
			t.Errorf("more than announced: %d %v", n, err)
		}
		// The server is stopped when all is here and nothing of it was looked at.
		if _, err := h.Drawer.Append(ctx, fileKey(t, h, u.ID), u.ID, 200, strings.NewReader(whole[200:]), u.Size, nil); err != nil {
			t.Fatal(err)
		}
		if u = must[intake.Upload](t)(h.Intake.ReadUpload(ctx, anna, d.ID, u.ID)); u.Received != u.Size {
			t.Errorf("%d of %d", u.Received, u.Size)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if files := intake.Files(d.Answers["proof"]); len(files) != 1 || files[0].Hash != hex.EncodeToString(sum[:]) {
			t.Fatalf("%+v", files)
		}
		if u = must[intake.Upload](t)(h.Intake.ReadUpload(ctx, anna, d.ID, u.ID)); !u.Whole() {
			t.Error("it isn't taken")
		}
		// Two files that were mixed up: the sum tells.
		u = begin(strings.Repeat("0", 64))
		if _, err := receive(anna, 0, strings.NewReader(whole), nil); message(err) != "intake.file.broken" {
			t.Errorf("another file than announced: %v", err)
		}
		// What broke off for good goes.
		u = begin("")
		if _, err := receive(anna, 0, strings.NewReader(whole[:10]), nil); err != nil {
			t.Fatal(err)
		}
		h.SetNow(h.Now().Add(49 * time.Hour))
		if _, err := receive(anna, 10, strings.NewReader(whole[10:]), nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("after two days: %v", err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if l := inDrawer(t, h); len(l) != 3 {
			t.Errorf("%v", l)
		}
		// And all of it with the draft.
		if err := h.Intake.Discard(ctx, anna, d.ID); err != nil {
			t.Fatal(err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if l := inDrawer(t, h); len(l) != 0 {
			t.Errorf("files without a draft: %v", l)
		}
		d = start(t, h, anna)
		if err := h.Intake.Upload(ctx, anna, d.ID, "proof", "a.pdf", strings.NewReader(lease)); err != nil {
			t.Fatal(err)
		}
		h.SetNow(h.Now().Add(100 * 24 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		if l := inDrawer(t, h); len(l) != 0 {
			t.Errorf("files of a draft that has expired: %v", l)
		}
	})
}

// Nobody fills the house with files.
func TestUploadsAreBounded(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		told := map[string]int{}
		for range 14 {
			_, err := h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "proof", Name: "x", Size: 1})
			told[message(err)]++
		}
		if told[""] != 10 || told["intake.file.many"] != 4 {
			t.Errorf("%v", told)
		}
		told = map[string]int{}
		for range 14 {
			_, err := h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "one", Name: "x", Size: intake.MaxFile})
			told[message(err)]++
		}
		if told[""] != 9 || told["intake.file.draftFull"] != 5 {
			t.Errorf("%v", told)
		}
		for field, want := range map[string]fault.Kind{"declared": fault.NotFound, "nothing": fault.NotFound, "proof.0": fault.NotFound} {
			if _, err := h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: field, Name: "x", Size: 1}); !fault.Is(err, want) {
				t.Errorf("into %s: %v", field, err)
			}
		}
		for _, n := range []intake.NewUpload{{Field: "one", Size: 0}, {Field: "one", Size: -1}, {Field: "one", Size: 1 << 62}, {Field: "one", Size: 1, Sum: "x"}} {
			if _, err := h.Intake.BeginUpload(ctx, anna, d.ID, n); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", n, err)
			}
		}
	})
}

// Without a scanner files wait in quarantine; when it is there they are looked at, and what is found is kept away.
// Between the last part of a file and its place in the answers it is looked at, which takes a while: what becomes of it meanwhile
// holds, and no application names a file that isn't there.
func TestAFileGoesWhileItIsLookedAt(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		answers := func(field string) []intake.FileRef {
			t.Helper()
			return intake.Files(must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)).Answers[field])
		}
		begin := func(field, content string) intake.Upload {
			t.Helper()
			return must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: field, Name: "a.pdf", Size: int64(len(content))}))
		}
		while := func(do func() error) {
			h.Scanner(func(context.Context, io.Reader) (string, error) {
				h.Scanner(clean)
				return "", do()
			})
		}
		// Given up.
		other := photo(t)
		u := begin("proof", other)
		while(func() error { return h.Intake.DropUpload(ctx, anna, d.ID, u.ID) })
		if _, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 0, strings.NewReader(other), nil); message(err) != "intake.file.gone" || len(answers("proof")) != 0 {
			t.Errorf("given up: %v, %+v", err, answers("proof"))
		}
		if got := inDrawer(t, h); len(got) != 0 {
			t.Errorf("what nobody knows of lies there: %v", got)
		}
		// Another has taken its place.
		u = begin("one", lease)
		while(func() error { return h.Intake.Upload(ctx, anna, d.ID, "one", "b.jpg", strings.NewReader(other)) })
		_, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 0, strings.NewReader(lease), nil)
		got := answers("one")
		if message(err) != "intake.file.gone" || len(got) != 1 || got[0].Name != "b.jpg" {
			t.Fatalf("replaced: %v, %+v", err, got)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if text, err := ownFile(t, h, anna, d.ID, "one", got[0], intake.Original); err != nil || text != other {
			t.Errorf("what has taken its place: %v", err)
		}
	})
}

// A row that is gone while the answers name it, as a backup or a fault may leave it, isn't handed over; what isn't asked any more
// keeps nobody from handing over.
func TestOnlyFilesThatAreThereAreHandedOver(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		if err := h.Intake.Upload(ctx, anna, d.ID, "proof", "a.pdf", strings.NewReader(lease)); err != nil {
			t.Fatal(err)
		}
		exec(t, h, "-- test.gone\nDELETE FROM intake_upload WHERE draft = $1", d.ID)
		if _, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || keys(errs) != "proof intake.file.gone" {
			t.Errorf("%s %v", keys(errs), err)
		}
		changeFile(t, h, parking, "application.form", `"components": [`, `"components": [
	{"type":"filepicker","id":"f_proof","key":"proof","label":"Nachweis","multiple":true,"conditional":{"hide":"=true"},"properties":{"page":"proof"}},`)
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if err := h.Intake.Told(ctx, anna, d.ID, d.Since); err != nil {
			t.Fatal(err)
		}
		if id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de"); err != nil || id == "" {
			t.Errorf("hidden by now: %s %v", keys(errs), err)
		}
	})
}

func TestQuarantine(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		evil := strings.Replace(lease, "/Page", "/Page /EVIL true", 1)
		submit := func(a access.Actor, files ...string) string {
			t.Helper()
			d := start(t, h, a)
			if err := h.Intake.Consent(ctx, a, d.ID, true); err != nil {
				t.Fatal(err)
			}
			fill(t, h, a, d.ID)
			for i, content := range files {
				if err := h.Intake.Upload(ctx, a, d.ID, "proof", fmt.Sprintf("%d.pdf", i), strings.NewReader(content)); err != nil {
					t.Fatal(err)
				}
			}
			id, errs, err := h.Intake.Submit(ctx, a, d.ID, "de")
			if err != nil || len(errs) > 0 {
				t.Fatalf("%s %v", keys(errs), err)
			}
			return id
		}
		caseID := submit(anna, lease, evil, photo(t))
		must[int64](t)(h.Intake.Sweep(ctx))
		clerk := accesstest.Clerk("32")
		grant := func(caseID string) access.Grant {
			return accesstest.Grant(t, accesstest.AllowAll(t, h.DB), access.Request{Actor: clerk, Action: access.Read, Resource: "case", Purpose: "case work", Case: caseID, Office: clerk.Office})
		}
		list := must[[]intake.Upload](t)(h.Intake.CaseFiles(ctx, grant(caseID), caseID))
		if len(list) != 3 {
			t.Fatalf("%+v", list)
		}
		open := func(u intake.Upload, ending string) string {
			_, r, err := h.Intake.OpenCaseFile(ctx, grant(caseID), caseID, u.ID, ending)
			if err != nil {
				return message(err)
			}
			defer r.Close()
			b, _ := io.ReadAll(r)
			return string(b[:5])
		}
		for _, u := range list {
			if u.State() != intake.Waiting || open(u, intake.Original) != "intake.file.waiting" || u.Picture && open(u, intake.Archive) != "intake.file.waiting" {
				t.Errorf("%s can be opened, and nobody has looked at it: %s", u.Name, open(u, intake.Original))
			}
		}
		if n := must[int64](t)(h.Intake.Unchecked(ctx)); n != 3 {
			t.Errorf("%d wait", n)
		}
		if _, err := h.Intake.CheckUploads(ctx); !fault.Is(err, fault.Unavailable) {
			t.Errorf("nobody can look: %v", err)
		}
		h.Scanner(finds)
		for range 2 { // the second has nothing to do
			if more, err := h.Intake.CheckUploads(ctx); more || err != nil {
				t.Errorf("%v %v", more, err)
			}
		}
		list = must[[]intake.Upload](t)(h.Intake.CaseFiles(ctx, grant(caseID), caseID))
		if got := open(list[0], intake.Original) + open(list[1], intake.Original) + open(list[2], intake.Archive); got != "%PDF-intake.file.malware%PDF-" {
			t.Errorf("%s", got)
		}
		if told := h.Infected(); len(told) != 1 || told[0].Case != caseID || told[0].Found != "Test.Evil" || told[0].Name != "1.pdf" {
			t.Errorf("told of %+v", told)
		}
		if _, err := h.Intake.CaseFiles(ctx, grant(caseID), list[0].ID); err == nil {
			t.Error("the grant of one case opens another")
		}
		// Found before it was submitted: it isn't, until the file is taken out.
		h.Scanner(nil)
		bora := accesstest.Bora()
		h.Move(bora.ID, "Musfeldstraße")
		d := start(t, h, bora)
		if err := h.Intake.Consent(ctx, bora, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, bora, d.ID)
		if err := h.Intake.Upload(ctx, bora, d.ID, "proof", "x.pdf", strings.NewReader(evil)); err != nil {
			t.Fatal(err)
		}
		h.Scanner(finds)
		if _, err := h.Intake.CheckUploads(ctx); err != nil {
			t.Fatal(err)
		}
		_, errs, err := h.Intake.Submit(ctx, bora, d.ID, "de")
		if err != nil || keys(errs) != "proof intake.file.malwareRemove" {
			t.Fatalf("%s %v", keys(errs), err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, bora, d.ID))
		hash := intake.Files(d.Answers["proof"])[0].Hash
		if _, _, err := h.Intake.OpenFile(ctx, bora, d.ID, "proof", hash, intake.Original); !fault.Is(err, fault.Denied) {
			t.Errorf("their own, with malware in it: %v", err)
		}
		if err := h.Intake.RemoveFile(ctx, bora, d.ID, "proof", hash); err != nil {
			t.Fatal(err)
		}
		if id, errs, err := h.Intake.Submit(ctx, bora, d.ID, "de"); err != nil || len(errs) > 0 || id == "" {
			t.Errorf("%s %v", keys(errs), err)
		}
		if len(h.Infected()) != 1 {
			t.Error("people of a case were told of a draft")
		}
	})
}

// What a scanner makes is taken where a PDF is, and becomes one.
func TestAScanBecomesAPDF(t *testing.T) {
	withFiles(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		var scan bytes.Buffer
		if err := tiff.Encode(&scan, image.NewGray(image.Rect(0, 0, 80, 100)), &tiff.Options{Compression: tiff.Deflate}); err != nil {
			t.Fatal(err)
		}
		if err := h.Intake.Upload(ctx, anna, d.ID, "proof", "scan.tif", &scan); err != nil {
			t.Fatal(err)
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		files := intake.Files(d.Answers["proof"])
		if len(files) != 1 || files[0].Type != "image/tiff" || files[0].Pages != 1 || len(inDrawer(t, h)) != 3 {
			t.Fatalf("%+v %v", files, inDrawer(t, h))
		}
		page, err := ownFile(t, h, anna, d.ID, "proof", files[0], intake.Archive)
		if wrong := pdfacheck.Check([]byte(page)); err != nil || len(wrong) > 0 {
			t.Errorf("%v %v", wrong, err)
		}
		if small, err := ownFile(t, h, anna, d.ID, "proof", files[0], intake.Preview); err != nil || !strings.HasPrefix(small, "\xff\xd8\xff") {
			t.Errorf("the preview: %d bytes, %v", len(small), err)
		}
	})
	for accept, want := range map[string]string{"": "application/pdf,image/jpeg,image/png,image/heic,.heic,image/tiff", ".pdf,.jpg": ".pdf,.jpg,.tif,.tiff", ".jpg": ".jpg", ".pdf,.tiff": ".pdf,.tiff", "image/*": "image/*,.tif,.tiff"} {
		if got := intake.Accept(accept); got != want {
			t.Errorf("%q: %q", accept, got)
		}
	}
}
