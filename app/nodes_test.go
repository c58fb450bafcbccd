// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
)

// Nodes on one database share documents and keys; one with a folder of its own is told so
// before anybody's document is missing.
func TestNodesShareDocumentsAndKeys(t *testing.T) {
	ctx := t.Context()
	dsn := storetest.PostgresDSN(t)
	node := func(shared string) (*House, error) {
		c := config.Config{Data: config.Data{Dir: t.TempDir(), Shared: shared}, Database: config.Database{Engine: "postgres", DSN: config.Literal(dsn)},
			Content: config.Content{Dir: contentDir}, Server: config.Server{PublicURL: "http://127.0.0.1"},
			Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "test", ClientSecret: config.Literal("test")},
			Payment:  config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("test-test-test-test-test-test-test")}}.WithDefaults()
		h, err := New(ctx, Options{Config: c, Payments: &tillProvider{open: map[string]payment.Status{}}, NoStream: true})
		if err == nil {
			t.Cleanup(h.Close)
		}
		return h, err
	}
	shared := filepath.Join(t.TempDir(), "shared")
	a, err := node(shared)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := blob.PutBytes(ctx, a.blobs, []byte("Bescheid"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := node(shared)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := blob.ReadAll(ctx, b.blobs, ref.Hash, 100); err != nil || string(got) != "Bescheid" {
		t.Errorf("%q %v", got, err)
	}
	if keys, err := filepath.Glob(filepath.Join(shared, "*.key")); err != nil || len(keys) != 5 { // signing in, API, webhooks, vault, ledger
		t.Errorf("%v %v", keys, err)
	}
	own := t.TempDir()
	if _, err := node(own); !errors.Is(err, blob.ErrElsewhere) {
		t.Errorf("a node with a folder of its own: %v", err)
	}
	// The way out that the message names.
	id, err := os.ReadFile(filepath.Join(shared, "documents", blob.IDFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "documents", blob.IDFile), id, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := node(own); err != nil {
		t.Errorf("documents that were moved: %v", err)
	}
}
