// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
	"mercator/domain/register"
)

// Nodes on one database share documents and keys; one with a folder of its own is told so
// before anybody's document is missing.
func TestNodesShareDocumentsAndKeys(t *testing.T) {
	ctx := t.Context()
	dsn := storetest.PostgresDSN(t)
	node := func(shared string) (*House, error) { return openNode(t, dsn, shared) }
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
	for _, name := range []string{"vault.key", "vault.keyset"} { // they move with them: the registers hold what is sealed
		text, err := os.ReadFile(filepath.Join(shared, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(own, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := node(own); err != nil {
		t.Errorf("documents that were moved: %v", err)
	}
}

// openNode is one of several houses on a database.
func openNode(t *testing.T, dsn, shared string) (*House, error) {
	c := config.Config{Data: config.Data{Dir: t.TempDir(), Shared: shared}, Database: config.Database{Engine: "postgres", DSN: config.Literal(dsn)},
		Content: config.Content{Dir: contentDir}, Server: config.Server{PublicURL: "http://127.0.0.1"},
		Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "test", ClientSecret: config.Literal("test")},
		Payment:  config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("test-test-test-test-test-test-test")}}.WithDefaults()
	h, err := New(t.Context(), Options{Config: c, Payments: &tillProvider{open: map[string]payment.Status{}}, NoStream: true})
	if err == nil {
		t.Cleanup(h.Close)
	}
	return h, err
}

// A version of a register's package that was applied beside them is in force at all nodes within seconds, for everybody in the house:
// registers, classes of the policies, the API and its document; its index is built by one of them. One that a service couldn't
// go on with is refused.
func TestNodesTakeAPackageUpWithoutARestart(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	dsn, shared := storetest.PostgresDSN(t), filepath.Join(t.TempDir(), "shared")
	var nodes []*House
	var running sync.WaitGroup
	for range 2 {
		h, err := openNode(t, dsn, shared)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, h)
	}
	t.Cleanup(running.Wait) // before the nodes are closed
	t.Cleanup(stop)
	for _, h := range nodes {
		for _, work := range []func(context.Context) error{h.followPackages, h.jobs.Run} {
			running.Go(func() {
				if err := work(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			})
		}
	}
	// apply applies the package of vehicles with some texts of its files replaced: file, old, new.
	apply := func(edits ...[3]string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(contentDir, "registers"))); err != nil {
			t.Fatal(err)
		}
		for _, x := range edits {
			name := filepath.Join(dir, "vehicles", x[0])
			text, err := os.ReadFile(name)
			if err != nil || !strings.Contains(string(text), x[1]) {
				t.Fatalf("%s: %v", x[0], err)
			}
			if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(text), x[1], x[2])), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		steps, err := nodes[0].shelf().Apply(ctx, os.DirFS(dir), "vehicles", "command:test", false)
		if err != nil || len(steps) != 1 || len(steps[0].Obstacles) > 0 {
			t.Fatalf("%+v %v", steps, err)
		}
	}
	get := func(h *House, path string) string {
		w := httptest.NewRecorder()
		h.site.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Body.String()
	}
	await := func(what string, yes func() bool) {
		t.Helper()
		for began := time.Now(); !yes(); time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%s: not in thirty seconds", what)
			}
		}
	}
	if strings.Contains(get(nodes[0], "/api/openapi.json"), `"colour"`) {
		t.Fatal("the document knows the field before")
	}
	const plate = "[[field]]\nname = \"plate\""
	colour := strings.Replace(plate, "plate", "colour", 1) + "\nclass = \"special\"\nsource = \"own\"\nsearch = \"fold\"\ntitle = { de = \"Farbe\", en = \"Colour\", tr = \"Renk\" }\n\n"
	apply([3]string{"register.toml", plate, colour + plate}, [3]string{"schema.json", `"properties": {`, `"properties": {"colour": {"type": "string"},`})
	for i, h := range nodes {
		await("the field at node "+strconv.Itoa(i), func() bool { d, _ := h.definitions.Get("vehicles"); _, ok := d.Field("colour"); return ok })
		if d, _ := h.registers.Registers().Get("vehicles"); !slices.Contains(d.FieldNames(), "colour") {
			t.Error("the office of registers has another version")
		}
		if got := classify(h.definitions, "register:vehicles", []string{"colour"}); !slices.Equal(got, []string{"special"}) {
			t.Errorf("the policies go by %v", got)
		}
		if !strings.Contains(get(h, "/api/openapi.json"), `"colour"`) {
			t.Errorf("the document of node %d doesn't know the field", i)
		}
		if info := h.registerInfo("vehicles", "en"); info.Fields["colour"] != "Colour" {
			t.Errorf("forms call it %q", info.Fields["colour"])
		}
	}
	for i, h := range nodes {
		await("the index at node "+strconv.Itoa(i), func() bool {
			lacks, err := h.registers.Indexing(ctx)
			return err == nil && !lacks
		})
	}
	// A field that services read can't go, although no record has it.
	apply([3]string{"register.toml", `"make"`, `"brand"`}, [3]string{"schema.json", `"make"`, `"brand"`})
	await("the refusal", func() bool {
		list, err := nodes[0].shelf().Versions(ctx, "vehicles")
		return err == nil && list[len(list)-1].State == register.Refused
	})
	for _, h := range nodes {
		if d, _ := h.definitions.Get("vehicles"); !slices.Contains(d.FieldNames(), "make") {
			t.Error("a field that a service reads is gone")
		}
	}
}
