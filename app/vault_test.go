// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/adapter/transit/transittest"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
)

// vaultHouse is the configuration of a house in a folder, with what is said about its vault.
type vaultHouse struct {
	t             *testing.T
	dir, database string
}

func (h vaultHouse) file(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h vaultHouse) config(name, section string) (string, config.Config) {
	h.t.Helper()
	path := h.file(name, fmt.Sprintf(ledgerConfig, filepath.Join(h.dir, "data"), h.database)+"\n[vault]\n"+section+"\n")
	c, err := config.Load(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return path, c
}

func (h vaultHouse) run(want int, words string, args ...string) {
	h.t.Helper()
	var out strings.Builder
	if got := VaultCommand(h.t.Context(), args, &out, &out); got != want || !strings.Contains(out.String(), words) {
		h.t.Fatalf("vault %v: status %d, want %d and %q: %s", args, got, want, words, out.String())
	}
}

// opens seals in one start of a house what the next ones open, as often as it is asked.
type sealed struct{ text []byte }

func (s *sealed) opens(t *testing.T, c config.Config) {
	t.Helper()
	if err := s.try(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func (s *sealed) try(ctx context.Context, c config.Config) error {
	db, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := openVault(ctx, c, db)
	if err != nil {
		return err
	}
	if s.text == nil {
		return db.Write(ctx, func(tx *store.Tx) error {
			k, err := v.KeyFor(ctx, tx, "anna")
			if err == nil {
				s.text, err = k.Seal("place", []byte("Anna Schmidt"))
			}
			return err
		})
	}
	k, err := v.Key(ctx, db, "anna")
	if err != nil {
		return err
	}
	plain, err := k.Open("place", s.text)
	if err == nil && string(plain) != "Anna Schmidt" {
		err = fmt.Errorf("it says %q", plain)
	}
	return err
}

func vaultHouses(t *testing.T, fn func(t *testing.T, h vaultHouse)) {
	t.Setenv("LEDGER_TEST_SECRET", "x")
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			h := vaultHouse{t: t, dir: t.TempDir(), database: `engine = "sqlite"`}
			if engine == "postgres" {
				if os.Getenv("MERCATOR_TEST_POSTGRES") == "" {
					t.Skip("MERCATOR_TEST_POSTGRES is not set")
				}
				t.Setenv("MERCATOR_VAULT_TEST_DSN", storetest.PostgresDSN(t))
				h.database = "engine = \"postgres\"\ndsn = { env = \"MERCATOR_VAULT_TEST_DSN\" }"
			}
			fn(t, h)
		})
	}
}

// The keys are turned while there is something sealed, and what is sealed opens after each turn.
func TestVaultCommand(t *testing.T) {
	vaultHouses(t, func(t *testing.T, h vaultHouse) {
		conf, c := h.config("m.toml", "")
		h.run(2, "usage")
		h.run(2, "usage", "destroy")
		h.run(1, "there is no keyset", "status", "--config", conf)
		if err := Migrate(t.Context(), c, io.Discard); err != nil {
			t.Fatal(err)
		}
		h.run(1, "there is no keyset", "status", "--config", conf)
		var s sealed
		s.opens(t, c)
		h.run(0, "1 keys of persons and records, 0 of them wrapped by an older one, 0 don't open", "status", "--config", conf)
		// A node that runs meanwhile.
		db, err := openStore(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		node, err := openVault(t.Context(), c, db)
		if err != nil {
			t.Fatal(err)
		}
		h.run(0, "new key", "rotate", "--config", conf)
		h.run(0, "2 keys that wrap", "status", "--config", conf)
		h.run(0, "1 of them wrapped by an older one", "status", "--config", conf)
		h.run(0, "1 keys", "rewrap", "--config", conf)
		h.run(0, "0 of them wrapped by an older one", "status", "--config", conf)
		s.opens(t, c)
		if _, err := node.Key(t.Context(), db, "anna"); err != nil {
			t.Errorf("a node that runs doesn't know of the rotation: %v", err)
		}
		// From the file beside the data to one elsewhere, and into a key system.
		key := h.file("master", strings.Repeat("ab", 32))
		next, nextC := h.config("next.toml", fmt.Sprintf("key = { file = %q }", key))
		h.run(1, "--to FILE is missing", "rekey", "--config", conf)
		h.run(1, "both configurations", "rekey", "--config", conf, "--to", conf)
		h.run(1, "doesn't open", "status", "--config", next)
		h.run(0, "take a backup", "rekey", "--config", conf, "--to", next)
		h.run(0, "1 keys of persons", "status", "--config", next)
		h.run(1, "doesn't open", "status", "--config", conf)
		s.opens(t, nextC)
		server := transittest.Start(t, "mercator", "s.token")
		token := h.file("token", "s.token\n")
		outside, outsideC := h.config("outside.toml", fmt.Sprintf("kms = %q\nkms_token = { file = %q }", server.URI, token))
		h.run(0, "vault.kms hcvault", "rekey", "--config", next, "--to", outside)
		h.run(0, "1 keys of persons", "status", "--config", outside)
		s.opens(t, outsideC)
		h.run(0, "new key", "rotate", "--config", outside)
		s.opens(t, outsideC)
		server.Seal()
		h.run(1, "it is sealed, or not ready", "status", "--config", outside)
		if b, err := os.ReadFile(keysetFile(c)); err != nil || !strings.Contains(string(b), "encryptedKeyset") {
			t.Errorf("%v", err)
		}
	})
}

// Whatever is missing or wrong at the start, the start fails with what to do, changes nothing, and what is sealed opens
// when it is put right.
func TestWithoutItsKeysTheHouseStaysShut(t *testing.T) {
	vaultHouses(t, func(t *testing.T, h vaultHouse) {
		_, c := h.config("m.toml", "")
		if err := Migrate(t.Context(), c, io.Discard); err != nil {
			t.Fatal(err)
		}
		var s sealed
		s.opens(t, c)
		other := h.file("other", strings.Repeat("cd", 32))
		_, wrong := h.config("wrong.toml", fmt.Sprintf("key = { file = %q }", other))
		short := h.file("short", "abcd")
		_, bad := h.config("short.toml", fmt.Sprintf("key = { file = %q }", short))
		away := func(path string) (back func()) {
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			return func() {
				if _, err := os.Stat(path); err == nil {
					t.Errorf("a new %s was made, which opens nothing", path)
				}
				if err := os.Rename(path+".away", path); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, test := range map[string]struct {
			c     config.Config
			spoil func() (back func())
			words string
		}{
			"no master key":      {c, func() func() { return away(masterFile(c)) }, "bring the file back"},
			"another master key": {wrong, func() func() { return func() {} }, "set the master key that it had"},
			"a short master key": {bad, func() func() { return func() {} }, "64 hexadecimal digits"},
			"no keyset":          {c, func() func() { return away(keysetFile(c)) }, "the file of keys beside the backups"},
			"a damaged keyset": {c, func() func() {
				back := away(keysetFile(c))
				if err := os.WriteFile(keysetFile(c), []byte("{"), 0o600); err != nil {
					t.Fatal(err)
				}
				return func() { os.Remove(keysetFile(c)); back() }
			}, "doesn't open"},
		} {
			back := test.spoil()
			if err := s.try(t.Context(), test.c); err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%s: %v", name, err)
			}
			back()
			s.opens(t, c)
		}
		if _, err := vault.Master([]byte("short")); err == nil {
			t.Error("a short key is a master key")
		}
	})
}
