// SPDX-License-Identifier: EUPL-1.2

package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/blob"
)

func TestADocumentIsKeptOnceAndChecked(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".put-left"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".put-young"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, ".put-left"), old, old); err != nil {
		t.Fatal(err)
	}
	f, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := blob.PutBytes(ctx, f, []byte("Bescheid"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.PutBytes(ctx, f, []byte("Bescheid"))
	if err != nil || a != b || a.Size != 8 {
		t.Fatalf("%v %v %v", a, b, err)
	}
	got, err := blob.ReadAll(ctx, f, a.Hash, 100)
	if err != nil || !bytes.Equal(got, []byte("Bescheid")) {
		t.Fatalf("%q %v", got, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".put-*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != ".put-young" {
		t.Errorf("left over: %v", left) // another process may still be writing the young one
	}
	if _, err := f.Put(ctx, strings.NewReader("too long"), 3); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := f.Open(ctx, "../../etc/passwd"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path as a hash: %v", err)
	}
	if _, err := f.Open(ctx, strings.Repeat("0", 64)); !fault.Is(err, fault.NotFound) {
		t.Errorf("not there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, a.Hash[:2], a.Hash), []byte("Beschied"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.ReadAll(ctx, f, a.Hash, 100); err == nil {
		t.Error("a damaged document was read")
	}
}

// The same document put by many at once is kept once, and everybody may name it.
func TestManyPutTheSame(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	f, err := blob.OpenFolder(filepath.Join(dir, "documents"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			text := []byte("Bescheid " + string(rune('a'+i%3)))
			ref, err := blob.PutBytes(ctx, f, text)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := blob.ReadAll(ctx, f, ref.Hash, 100); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	wg.Wait()
	files, err := filepath.Glob(filepath.Join(dir, "documents", "??", "*"))
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, want 3: %v", len(files), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "documents", ".put-*")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func BenchmarkPut(b *testing.B) {
	f, err := blob.OpenFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	page := make([]byte, 50_000)
	for i := range b.N {
		page[0], page[1], page[2] = byte(i), byte(i>>8), byte(i>>16)
		if _, err := blob.PutBytes(context.Background(), f, page); err != nil {
			b.Fatal(err)
		}
	}
}

// A file is replaced as a whole or not at all, and nothing else stays in its folder.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	for _, text := range []string{"one", "two"} {
		if err := blob.ReplaceBytes(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q %v", b, err)
		}
	}
	broken := errors.New("broken off")
	if err := blob.Replace(path, func(w io.Writer) error {
		io.WriteString(w, "half of thr")
		return broken
	}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "two" {
		t.Errorf("%q %v", b, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	if err := blob.ReplaceBytes(filepath.Join(dir, "missing", "state"), nil); err == nil {
		t.Error("a folder that isn't there")
	}
}
