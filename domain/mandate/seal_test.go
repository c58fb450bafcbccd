// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"bytes"
	"encoding/json"
	"testing"

	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// kept is all that the table holds of a mandate but what is sealed, as one text.
func (h *house) kept(id string) []byte {
	h.t.Helper()
	m, err := store.One(h.t.Context(), h.db, scan, ofEither, id, anna.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := json.Marshal(m) // the sealed forms aren't exported, so they aren't in it
	if err != nil {
		h.t.Fatal(err)
	}
	return append(append(out, m.principalSealed...), m.delegateSealed...)
}

func (h *house) destroy(person string) {
	h.t.Helper()
	if err := h.db.Write(h.t.Context(), func(tx *store.Tx) error {
		_, err := h.vault.Destroy(h.t.Context(), tx, person)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

// Names are sealed under the keys of those they name: whose key is destroyed has none any more, and the other one still has.
func TestNamesAreSealedUnderTheKeyOfWhomTheyName(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		m := h.hold(gift("authorised", []string{"parking"}, Read))
		for _, name := range []string{anna.Name, bora.Name} {
			if bytes.Contains(h.kept(m.ID), []byte(name)) {
				t.Errorf("%q stands in the table: %s", name, h.kept(m.ID))
			}
		}
		names := func(principal, delegate string) {
			t.Helper()
			given, err := h.Given(ctx, anna, "", 10)
			if err != nil || len(given) != 1 || given[0].PrincipalName != principal || given[0].DelegateName != delegate {
				t.Errorf("given: %+v %v", given, err)
			}
			received, err := h.Received(ctx, bora, "", 10)
			if err != nil || len(received) != 1 || received[0].PrincipalName != principal || received[0].DelegateName != delegate {
				t.Errorf("received: %+v %v", received, err)
			}
		}
		names(anna.Name, bora.Name)
		h.destroy(bora.ID)
		names(anna.Name, "")
		// Whoever comes back has a new key: the names of before stay gone, and nothing breaks.
		if err := db.Write(ctx, func(tx *store.Tx) error { _, err := h.vault.KeyFor(ctx, tx, bora.ID); return err }); err != nil {
			t.Fatal(err)
		}
		names(anna.Name, "")
		h.destroy(anna.ID)
		names("", "")
		// What the mandate allows hangs on no name.
		if a, err := h.Acting(ctx, as(bora, m)); err != nil || a.For != anna.ID || a.ForName != "" {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// A name that was moved to another mandate, or to the other side, isn't shown there.
func TestANameIsBoundToItsPlace(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		a, b := h.hold(gift("authorised", []string{"parking"}, Read)), h.hold(gift("authorised", []string{"parking"}, Read))
		from, err := store.One(ctx, db, scan, ofEither, a.ID, anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, setSealed, b.ID, from.principalSealed, from.principalSealed)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, m, err := h.Get(ctx, anna, b.ID); err != nil || m.PrincipalName != "" || m.DelegateName != "" {
			t.Errorf("%+v %v", m, err)
		}
	})
}

// What stood in clear is sealed at the next start, and is read in between as after.
func TestWhatStoodInClearIsSealed(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		var ids []string
		for range 3 {
			ids = append(ids, h.hold(gift("authorised", []string{"parking"}, Read)).ID)
		}
		_, code := h.given(anna, gift("authorised", []string{"parking"}, Read)) // nobody has redeemed it
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE mandate_mandate SET principal_name = $1, principal_sealed = $3, delegate_name = CASE WHEN delegate = '' THEN '' ELSE $2 END, delegate_sealed = $3",
				anna.Name, bora.Name, []byte{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		same := func() {
			t.Helper()
			list, err := h.Given(ctx, anna, "", 10)
			if err != nil || len(list) != 4 {
				t.Fatalf("%+v %v", list, err)
			}
			for i, m := range list {
				if m.PrincipalName != anna.Name || (m.DelegateName == bora.Name) != (i > 0) {
					t.Errorf("%+v", m)
				}
			}
		}
		same()
		for range 2 {
			if err := h.Upgrade(ctx); err != nil {
				t.Fatal(err)
			}
			same()
		}
		for _, id := range ids {
			if text := h.kept(id); bytes.Contains(text, []byte(anna.Name)) || bytes.Contains(text, []byte(bora.Name)) {
				t.Errorf("still in clear: %s", text)
			}
		}
		if m, err := h.Redeem(ctx, accesstest.Bora(), code, ""); err != nil || m.DelegateName != bora.Name {
			t.Errorf("%+v %v", m, err)
		}
	})
}
