// SPDX-License-Identifier: EUPL-1.2

package blob_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/core/blob"
)

func TestADocumentIsKeptOnceAndChecked(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".put-left"), []byte("half"), 0o600); err != nil {
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
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %v", left)
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
