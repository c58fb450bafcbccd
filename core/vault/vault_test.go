// SPDX-License-Identifier: EUPL-1.2

package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
)

func open(t testing.TB, db *store.DB, path string) *vault.Vault {
	t.Helper()
	master, err := vault.Master(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text, err = vault.NewKeyset(master)
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(db, master, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSealedOpensOnlyWithItsKeyAtItsPlace(t *testing.T) {
	storetest.Each(t, []store.Migrations{vault.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx, path := t.Context(), filepath.Join(t.TempDir(), "keyset.json")
		v := open(t, db, path)
		var key vault.Key
		var sealed []byte
		if err := db.Write(ctx, func(tx *store.Tx) (err error) {
			if key, err = v.KeyFor(ctx, tx, "anna"); err != nil {
				return err
			}
			again, err := v.KeyFor(ctx, tx, "anna")
			if err != nil {
				return err
			}
			if sealed, err = key.Seal("residents/1", []byte("Müller")); err != nil {
				return err
			}
			if plain, err := again.Open("residents/1", sealed); err != nil || string(plain) != "Müller" {
				t.Errorf("%q %v", plain, err)
			}
			other, err := v.KeyFor(ctx, tx, "ben")
			if err != nil {
				return err
			}
			if _, err := other.Open("residents/1", sealed); err == nil {
				t.Error("another's key opens it")
			}
			_, err = v.KeyFor(ctx, tx, "")
			if err == nil {
				t.Error("nobody has a key")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(sealed, []byte("Müller")) {
			t.Error("it isn't sealed")
		}
		if _, err := key.Open("residents/2", sealed); err == nil {
			t.Error("it opens at another place")
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := key.Open("residents/1", sealed); err == nil {
			t.Error("it opens though it was changed")
		}
		sealed[len(sealed)-1] ^= 1
		// Another start of the house, and a keyset with a new key.
		master, _ := vault.Master(bytes.Repeat([]byte{7}, 32))
		if err := vault.Rotate(master, path); err != nil {
			t.Fatal(err)
		}
		rotated := open(t, db, path)
		if n, err := rotated.Rewrap(ctx); err != nil || n != 2 {
			t.Errorf("%d keys wrapped anew, %v", n, err)
		}
		k, err := rotated.Key(ctx, db, "anna")
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := k.Open("residents/1", sealed); err != nil || string(plain) != "Müller" {
			t.Errorf("after a rotation: %q %v", plain, err)
		}
		if _, err := v.Key(ctx, db, "anna"); err == nil {
			t.Error("the old keyset unwraps what the new one has wrapped")
		}
		a, err1 := v.Blind("residents/name", "mueller")
		b, err2 := rotated.Blind("residents/name", "mueller")
		c, err3 := v.Blind("staff/name", "mueller")
		d, err4 := v.Blind("residents/nam", "emueller")
		if err := errors.Join(err1, err2, err3, err4); err != nil || a != b || a == c || a == d || len(a) != 22 {
			t.Errorf("blind: %s %s %s %s %v", a, b, c, d, err)
		}
		stranger, _ := vault.Master(bytes.Repeat([]byte{8}, 32))
		text, _ := os.ReadFile(path)
		if _, err := vault.New(db, stranger, text); err == nil {
			t.Error("another master key opens the keyset")
		}
		if err := vault.Rekey(master, stranger, path); err != nil {
			t.Fatal(err)
		}
		if text, _ = os.ReadFile(path); true {
			if moved, err := vault.New(db, stranger, text); err != nil {
				t.Error(err)
			} else if _, err := moved.Key(ctx, db, "anna"); err != nil {
				t.Error(err)
			}
		}
	})
}

// Destroying a key erases what was sealed under it, in copies of the database too; a new
// key of the same subject doesn't bring it back.
func TestDestroyedIsErased(t *testing.T) {
	storetest.Each(t, []store.Migrations{vault.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		v := open(t, db, filepath.Join(t.TempDir(), "keyset.json"))
		var sealed []byte
		if err := db.Write(ctx, func(tx *store.Tx) error {
			k, err := v.KeyFor(ctx, tx, "anna")
			if err != nil {
				return err
			}
			if sealed, err = k.Seal("p", []byte("x")); err != nil {
				return err
			}
			if was, err := v.Destroy(ctx, tx, "anna"); err != nil || !was {
				t.Errorf("%v %v", was, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Key(ctx, db, "anna"); !errors.Is(err, vault.ErrDestroyed) || !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			k, err := v.KeyFor(ctx, tx, "anna")
			if err != nil {
				return err
			}
			if _, err := k.Open("p", sealed); err == nil {
				t.Error("a new key opens what was erased")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// Many transactions at once make one key.
func TestOneKeyForEach(t *testing.T) {
	storetest.Each(t, []store.Migrations{vault.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		v := open(t, db, filepath.Join(t.TempDir(), "keyset.json"))
		var wg sync.WaitGroup
		sealed := make([][]byte, 20)
		for i := range sealed {
			wg.Go(func() {
				if err := db.Write(ctx, func(tx *store.Tx) error {
					k, err := v.KeyFor(ctx, tx, "anna")
					if err != nil {
						return err
					}
					sealed[i], err = k.Seal("p", fmt.Append(nil, i))
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		k, err := v.Key(ctx, db, "anna")
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sealed {
			if plain, err := k.Open("p", s); err != nil || string(plain) != fmt.Sprint(i) {
				t.Errorf("%d: %q %v", i, plain, err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	db := storetest.SQLite(b, []store.Migrations{vault.Migrations()})
	v := open(b, db, filepath.Join(b.TempDir(), "keyset.json"))
	var sealed []byte
	if err := db.Write(b.Context(), func(tx *store.Tx) error {
		k, err := v.KeyFor(b.Context(), tx, "anna")
		if err == nil {
			sealed, err = k.Seal("p", bytes.Repeat([]byte("x"), 400))
		}
		return err
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		k, err := v.Key(b.Context(), db, "anna")
		if err == nil {
			_, err = k.Open("p", sealed)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
