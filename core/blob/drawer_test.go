// SPDX-License-Identifier: EUPL-1.2

package blob_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/blob"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
	"pgregory.net/rapid"
)

// key is one as core/vault has them.
type key struct{ aead tink.AEAD }

func (k key) Seal(place string, plain []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, []byte(place))
}

func (k key) Open(place string, sealed []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed, []byte(place))
}

func newKey(t testing.TB) key {
	t.Helper()
	raw := make([]byte, 32)
	rand.Read(raw)
	a, err := subtle.NewAESGCM(raw)
	if err != nil {
		t.Fatal(err)
	}
	return key{a}
}

func openDrawer(t testing.TB) (*blob.Drawer, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := blob.OpenDrawer(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

// readAll is what a file holds, or "damaged".
func readAll(t testing.TB, d *blob.Drawer, k blob.Key, id, ending string) string {
	t.Helper()
	f, err := d.Open(k, id, ending)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if errors.Is(err, blob.ErrDamaged) {
		return "damaged"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A file comes in parts: what has come stays, whatever happens to the line, and every part stands once.
func TestDrawer(t *testing.T) {
	ctx := t.Context()
	d, dir := openDrawer(t)
	k := newKey(t)
	id := ident.New()
	broken := errors.New("the line broke")
	for _, c := range []struct {
		what  string
		at    int64
		r     io.Reader
		check func() error
		size  int64
		kind  fault.Kind
	}{
		{"the first part", 0, strings.NewReader("abc"), nil, 3, ""},
		{"the same again", 0, strings.NewReader("abc"), nil, 3, fault.Conflict},
		{"beyond the end", 9, strings.NewReader("x"), nil, 3, fault.Conflict},
		{"the line breaks", 3, io.MultiReader(strings.NewReader("de"), iotest.ErrReader(broken)), nil, 5, fault.Unavailable},
		{"it breaks where a sum was announced", 5, io.MultiReader(strings.NewReader("??"), iotest.ErrReader(broken)), func() error { return nil }, 5, fault.Unavailable},
		{"the sum is another", 5, strings.NewReader("??"), func() error { return fault.New(fault.Invalid, "t", "x") }, 5, fault.Invalid},
		{"too much", 5, strings.NewReader("fghijklmnop"), nil, 5, fault.TooLarge},
		{"the rest", 5, strings.NewReader("fghij"), nil, 10, ""},
	} {
		size, err := d.Append(ctx, k, id, c.at, c.r, 10, c.check)
		if size != c.size || c.kind == "" && err != nil || c.kind != "" && !fault.Is(err, c.kind) {
			t.Errorf("%s: %d %v", c.what, size, err)
		}
		if now, err := d.Size(id); err != nil || now != c.size {
			t.Errorf("%s: %d bytes there, %v", c.what, now, err)
		}
	}
	if got := readAll(t, d, k, id, ""); got != "abcdefghij" {
		t.Errorf("%q", got)
	}
	// Somebody else appends at the moment.
	r, w := io.Pipe()
	other := ident.New()
	done := make(chan error)
	go func() { _, err := d.Append(ctx, k, other, 0, r, 10, nil); done <- err }()
	w.Write([]byte("a"))
	if _, err := d.Append(ctx, k, other, 0, strings.NewReader("b"), 10, nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("two at once: %v", err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := d.Put(k, id, ".pdf", []byte("made of it")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Remove(id), d.Remove(id)); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "??", id+"*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if _, err := d.Open(k, "../../etc/passwd", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path as an id: %v", err)
	}
}

// Whatever parts a file comes in, it is the same in the end, and nothing of it stands on the disk.
func TestAFileIsSealed(t *testing.T) {
	d, dir := openDrawer(t)
	rapid.Check(t, func(r *rapid.T) {
		k, id := newKey(t), ident.New()
		whole := bytes.Repeat([]byte("Geheimnis "), rapid.IntRange(1, 20_000).Draw(r, "tens"))
		size := int64(len(whole))
		for at := int64(0); at < size; {
			n := min(size-at, int64(rapid.OneOf(rapid.IntRange(10_000, 50_000), rapid.IntRange(60_000, 140_000)).Draw(r, "part")))
			if rapid.Bool().Draw(r, "sound") {
				if got, err := d.Sound(k, id); err != nil || got != at {
					r.Fatalf("%d sound, want %d: %v", got, at, err)
				}
			}
			got, err := d.Append(t.Context(), k, id, at, bytes.NewReader(whole[at:at+n]), size, nil)
			if err != nil || got != at+n {
				r.Fatalf("%d bytes, want %d: %v", got, at+n, err)
			}
			at = got
		}
		if err := d.Put(k, id, ".pdf", whole); err != nil {
			r.Fatal(err)
		}
		for _, ending := range []string{"", ".pdf"} {
			if got := readAll(t, d, k, id, ending); got != string(whole) {
				r.Fatalf("%q: %d bytes, want %d", ending, len(got), len(whole))
			}
			b, err := os.ReadFile(filepath.Join(dir, id[len(id)-2:], id+ending))
			if err != nil || bytes.Contains(b, []byte("Geheimnis")) {
				r.Fatalf("in clear: %v", err)
			}
		}
		if err := d.Remove(id); err != nil {
			r.Fatal(err)
		}
	})
}

// What was changed, cut off, moved or belongs to another is found, wherever that is.
func TestTamperingIsFound(t *testing.T) {
	d, dir := openDrawer(t)
	k, id, other := newKey(t), ident.New(), ident.New()
	at := func(id, ending string) string { return filepath.Join(dir, id[len(id)-2:], id+ending) }
	whole := make([]byte, 150_000)
	rand.Read(whole)
	const frame = 4 + 64<<10 + blob.Overhead
	for _, x := range []string{id, other} {
		if _, err := d.Append(t.Context(), k, x, 0, bytes.NewReader(whole), int64(len(whole)), nil); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(at(id, ""))
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(good)
	copy(swapped, good[frame:2*frame])
	copy(swapped[frame:], good[:frame])
	open := bytes.Clone(good) // the last frame passed off as one before the last
	open[2*frame] &= 0x7f
	early := bytes.Clone(good[:2*frame]) // … and the other way round
	early[frame] |= 0x80
	elsewhere, err := os.ReadFile(at(other, ""))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"empty": {}, "without its end": good[:2*frame], "cut off in a frame": good[:len(good)-1], "with something behind it": append(bytes.Clone(good), 0),
		"twice": append(bytes.Clone(good), good...), "frames that were swapped": swapped, "a frame less": append(bytes.Clone(good[:frame]), good[2*frame:]...),
		"of another": elsewhere, "plain": whole, "an end that isn't one": open, "ended too early": early,
	}
	for _, i := range []int{0, 3, 4, 20, frame - 1, frame, frame + 100, len(good) - 1} {
		b := bytes.Clone(good)
		b[i] ^= 1
		files["byte "+string(rune('a'+i%26))] = b
	}
	for what, b := range files {
		if err := os.WriteFile(at(id, ""), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, d, k, id, ""); got != "damaged" {
			t.Errorf("%s: %d bytes are read", what, len(got))
		}
	}
	if err := os.WriteFile(at(id, ""), good, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, d, newKey(t), id, ""); got != "damaged" {
		t.Error("another key opens it")
	}
	if err := os.WriteFile(at(id, ".pdf"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, d, k, id, ".pdf"); got != "damaged" {
		t.Error("an original is taken for what was made of it")
	}
	if readAll(t, d, k, id, "") != string(whole) {
		t.Error("the file itself")
	}
}

// A crash leaves half a frame, or one with its length and without its content: the client is told what is really there, goes on from
// there, and the file is whole in the end.
func TestItGoesOnAfterACrash(t *testing.T) {
	ctx := t.Context()
	whole := make([]byte, 200_000)
	rand.Read(whole)
	for what, crash := range map[string]struct {
		left func(b []byte) []byte
		size int64 // as the lengths say
		at   int64 // that is really there
	}{
		"in the middle of a frame":  {func(b []byte) []byte { return b[:len(b)-1000] }, 65536, 65536},
		"in the head of a frame":    {func(b []byte) []byte { return append(b, 0, 0) }, 100_000, 100_000},
		"in the first frame":        {func(b []byte) []byte { return b[:10] }, 0, 0},
		"a frame without content":   {func(b []byte) []byte { clear(b[len(b)-1000:]); return b }, 100_000, 65536},
		"space without any content": {func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, 100_000, 100_000},
	} {
		t.Run(what, func(t *testing.T) {
			d, dir := openDrawer(t)
			k, id := newKey(t), ident.New()
			if _, err := d.Append(ctx, k, id, 0, bytes.NewReader(whole[:100_000]), int64(len(whole)), nil); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, id[len(id)-2:], id)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, crash.left(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if d, err = blob.OpenDrawer(dir); err != nil {
				t.Fatal(err)
			}
			size, err1 := d.Size(id)
			sound, err2 := d.Sound(k, id)
			if err := errors.Join(err1, err2); err != nil || size != crash.size || sound != crash.at {
				t.Errorf("%d bytes, %d sound, want %d and %d: %v", size, sound, crash.size, crash.at, err)
			}
			if got, err := d.Append(ctx, k, id, 123_456, strings.NewReader("x"), int64(len(whole)), nil); !fault.Is(err, fault.Conflict) || got != crash.at {
				t.Errorf("elsewhere: %d %v", got, err)
			}
			if got, err := d.Append(ctx, k, id, crash.at, bytes.NewReader(whole[crash.at:]), int64(len(whole)), nil); err != nil || got != int64(len(whole)) {
				t.Fatalf("%d %v", got, err)
			}
			if readAll(t, d, k, id, "") != string(whole) {
				t.Error("it isn't what was sent")
			}
		})
	}
}

// Parts of a byte each don't fill the disk with frames.
func TestCrumbsAreRefused(t *testing.T) {
	d, _ := openDrawer(t)
	k, id := newKey(t), ident.New()
	for at := int64(0); ; at++ {
		if _, err := d.Append(t.Context(), k, id, at, strings.NewReader("x"), 10_000, nil); err != nil {
			if !fault.Is(err, fault.TooLarge) || at < 500 {
				t.Errorf("at %d: %v", at, err)
			}
			return
		}
		if at > 1000 {
			t.Fatal("they are taken")
		}
	}
}

// Files of before are sealed once, those too that are still coming.
func TestPlainFilesAreSealed(t *testing.T) {
	d, dir := openDrawer(t)
	k, id, coming := newKey(t), ident.New(), ident.New()
	whole := bytes.Repeat([]byte("Geheimnis "), 10_000)
	for name, b := range map[string][]byte{id: whole, id + ".pdf": whole[:70_000], id + ".jpg": whole[:20], coming: whole[:70_000]} {
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(strings.TrimSuffix(name, ".pdf"), ".jpg")[34:], name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for _, x := range []string{id, coming, ident.New()} {
			if err := d.SealPlain(k, x, int64(len(whole))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := d.Append(t.Context(), k, coming, 70_000, bytes.NewReader(whole[70_000:]), int64(len(whole)), nil); err != nil || got != int64(len(whole)) {
		t.Fatalf("%d %v", got, err)
	}
	for name, want := range map[string][]byte{"": whole, ".pdf": whole[:70_000], ".jpg": whole[:20]} {
		if readAll(t, d, k, id, name) != string(want) {
			t.Errorf("%q isn't what it was", name)
		}
	}
	if readAll(t, d, k, coming, "") != string(whole) {
		t.Error("what was coming isn't what was sent")
	}
	list, err := filepath.Glob(filepath.Join(dir, "??", "*"))
	if err != nil || len(list) != 4 {
		t.Errorf("%v %v", list, err)
	}
	for _, path := range list {
		if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte("Geheimnis")) {
			t.Errorf("%s in clear: %v", path, err)
		}
	}
}

func BenchmarkDrawerOpen(b *testing.B) {
	d, _ := openDrawer(b)
	k, id := newKey(b), ident.New()
	whole := make([]byte, 10<<20)
	if _, err := d.Append(b.Context(), k, id, 0, bytes.NewReader(whole), int64(len(whole)), nil); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(whole)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := d.Open(k, id, "")
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, f); err != nil || n != int64(len(whole)) {
			b.Fatal(n, err)
		}
		f.Close()
	}
}
