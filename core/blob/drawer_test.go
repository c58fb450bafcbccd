// SPDX-License-Identifier: EUPL-1.2

package blob_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/blob"
)

// A file comes in parts: what has come stays, whatever happens to the line, and every part stands once.
func TestDrawer(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	d, err := blob.OpenDrawer(dir)
	if err != nil {
		t.Fatal(err)
	}
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
		size, err := d.Append(ctx, id, c.at, c.r, 10, c.check)
		if size != c.size || c.kind == "" && err != nil || c.kind != "" && !fault.Is(err, c.kind) {
			t.Errorf("%s: %d %v", c.what, size, err)
		}
		if now, err := d.Size(id); err != nil || now != c.size {
			t.Errorf("%s: %d bytes there, %v", c.what, now, err)
		}
	}
	f, err := d.Open(id, "")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(f); string(b) != "abcdefghij" {
		t.Errorf("%q", b)
	}
	f.Close()
	// Somebody else appends at the moment.
	r, w := io.Pipe()
	other := ident.New()
	done := make(chan error)
	go func() { _, err := d.Append(ctx, other, 0, r, 10, nil); done <- err }()
	w.Write([]byte("a"))
	if _, err := d.Append(ctx, other, 0, strings.NewReader("b"), 10, nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("two at once: %v", err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := d.Put(id, ".pdf", []byte("made of it")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Remove(id), d.Remove(id)); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "??", id+"*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if _, err := d.Open("../../etc/passwd", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path as an id: %v", err)
	}
}
