// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
)

// keeper is a house of registers under the city's own policies, with a clock.
type keeper struct {
	*house
	now    time.Time
	needed map[string]bool // persons with an open case
	asked  []access.Request
}

func newKeeper(t *testing.T, db *store.DB) *keeper {
	k := &keeper{house: &house{db: db, checker: accesstest.House(t, db), vault: vaulttest.Open(t, db)}, needed: map[string]bool{}}
	k.now = time.Date(2026, 1, 10, 12, 0, 0, 0, berlin(t))
	var err error
	k.Service, err = register.New(register.Config{DB: db, Vault: k.vault, Registers: declared(t), Now: func() time.Time { return k.now }, Zone: berlin(t),
		Publish: func(_ context.Context, _ *store.Tx, c register.Changed) error {
			k.published = append(k.published, c)
			return nil
		}})
	must(t, err)
	return k
}

func berlin(t *testing.T) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	return zone
}

func (k *keeper) forgetting() register.Forgetting {
	return register.Forgetting{
		Permit: func(ctx context.Context, tx *store.Tx, r access.Request) (access.Grant, error) {
			k.asked = append(k.asked, r)
			return k.checker.PermitTx(ctx, tx, r)
		},
		Needed: func(_ context.Context, _ store.Q, _, person, _ string) (bool, error) { return k.needed[person], nil },
		Feed:   400 * 24 * time.Hour,
	}
}

// on does the work of a day.
func (k *keeper) on(t *testing.T, at time.Time) register.Forgotten {
	t.Helper()
	k.now = at
	n, err := k.Forget(t.Context(), k.forgetting())
	must(t, err)
	return n
}

func (k *keeper) change(t *testing.T, reg, owner string, data map[string]any, why register.Why) {
	t.Helper()
	why.Reason = "test"
	g := accesstest.Grant(t, k.checker, access.Request{Actor: access.SystemActor("process"), Action: access.Change, Resource: register.Resource(reg), Purpose: "test", Basis: "§ 1", Owner: owner})
	must(t, k.db.Write(t.Context(), func(tx *store.Tx) error { return k.Put(t.Context(), tx, g, reg, "", data, why) }))
}

func (k *keeper) end(t *testing.T, reg, owner, key string) {
	t.Helper()
	g := accesstest.Grant(t, k.checker, access.Request{Actor: access.SystemActor("process"), Action: access.Change, Resource: register.Resource(reg), Purpose: "test", Basis: "§ 1", Owner: owner})
	must(t, k.db.Write(t.Context(), func(tx *store.Tx) error {
		return k.End(t.Context(), tx, g, reg, key, register.Why{Reason: "test"})
	}))
}

func (k *keeper) count(t *testing.T, question string, args ...any) (n int) {
	t.Helper()
	must(t, k.db.QueryRow(t.Context(), question, args...).Scan(&n))
	return n
}

func card(number, holder, until string) map[string]any {
	return map[string]any{"number": number, "holder": holder, "kind": "identity_card", "issued_on": "2015-01-01", "valid_until": until}
}

// TestWhatIsOverIsErasedOnItsDay: for rules that count from the end and rules that count from a day in the record, the last
// day is kept as a whole in the city's time; afterwards the record is gone with all its versions, once, with the proof, the
// event and an entry of the ledger that says "erase".
func TestWhatIsOverIsErasedOnItsDay(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		k := newKeeper(t, db)
		ctx, zone := t.Context(), berlin(t)
		k.now = time.Date(2026, 1, 10, 0, 30, 0, 0, zone) // in UTC it is the day before
		k.change(t, "vehicles", "p1", car("DU-AB 1", "p1"), register.Why{})
		k.change(t, "vehicles", "p1", car("DU-AB 2", "p1"), register.Why{})
		k.change(t, "vehicles", "p9", car("DU-AB 2", "p9"), register.Why{}) // sold
		k.change(t, "vehicles", "p3", car("DU-AB 3", "p3"), register.Why{To: time.Date(2026, 1, 10, 18, 0, 0, 0, zone)})
		k.change(t, "vehicles", "p4", car("DU-AB 4", "p4"), register.Why{To: time.Date(2026, 1, 10, 18, 0, 0, 0, zone)})
		k.change(t, "vehicles", "p4", car("DU-AB 4", "p4"), register.Why{From: time.Date(2027, 6, 1, 0, 0, 0, 0, zone)}) // and again then
		k.change(t, "identity_documents", "p1", card("T11111111", "p1", "2022-01-10"), register.Why{})
		k.change(t, "identity_documents", "p2", card("T22222222", "p2", "2022-01-11"), register.Why{})
		k.change(t, "identity_documents", "p5", card("T55555555", "p5", "2022-01-10"), register.Why{})
		k.change(t, "identity_documents", "p5", card("T55555555", "p5", "2021-01-10"), register.Why{}) // put right, wrongly
		k.end(t, "identity_documents", "p5", "T55555555")
		k.end(t, "vehicles", "p9", "DU-AB 2")
		k.published = nil

		if n := k.on(t, time.Date(2027, 1, 10, 23, 59, 59, 0, zone)); n.Erased != 0 || n.Left != 0 {
			t.Fatalf("erased on the last day: %+v", n)
		}
		// One year from the end: DU-AB 2 (ended) and DU-AB 3 (ran out); five years from a day: T11111111 and the ended T55555555.
		n := k.on(t, time.Date(2027, 1, 11, 0, 0, 0, 0, zone))
		if n.Erased != 4 || n.Left != 0 {
			t.Fatalf("on the day after: %+v", n)
		}
		if n := k.on(t, k.now.Add(time.Hour)); n != (register.Forgotten{}) {
			t.Errorf("twice on a day: %+v", n)
		}
		for reg, want := range map[string]int{"vehicles": 2, "identity_documents": 1} {
			if n := k.count(t, "SELECT COUNT(*) FROM register_record WHERE register = $1", reg); n != want {
				t.Errorf("%d records are left in %s, want %d", n, reg, want)
			}
			if n := k.count(t, "SELECT COUNT(*) FROM register_erasure WHERE register = $1 AND who = 'system:retention' AND records = 1 AND case_id = ''", reg); n != 2 {
				t.Errorf("%d proofs in %s, want 2", n, reg)
			}
		}
		if n := k.count(t, "SELECT COUNT(*) FROM register_erasure WHERE rule = '§ 44 StVG' AND versions IN (1, 3)"); n != 2 {
			t.Errorf("%d proofs with all versions under § 44 StVG, want 2", n)
		}
		if n := len(k.published); n != 4 || slices.ContainsFunc(k.published, func(c register.Changed) bool { return !c.Erased }) {
			t.Errorf("published: %+v", k.published)
		}
		for _, r := range k.asked {
			if r.Action != access.Erase || r.Purpose != register.RetentionPurpose || r.Basis == "" || r.Office == "" {
				t.Errorf("asked for %+v", r)
			}
		}
		if !slices.ContainsFunc(k.asked, func(r access.Request) bool {
			return r.Owner == "p9" && slices.Contains(r.Subjects, "p1") && slices.Contains(r.Subjects, "p9")
		}) {
			t.Errorf("the holder before isn't on record: %+v", k.asked)
		}
		if n := k.count(t, "SELECT COUNT(*) FROM audit_entry WHERE action = 'erase' AND rule = 'retention-erase'"); n != 4 {
			t.Errorf("%d entries of the ledger say erase, want 4", n)
		}
		// The next ones, in their time; nothing of before comes again.
		if n := k.on(t, time.Date(2027, 1, 12, 0, 0, 0, 0, zone)); n.Erased != 1 {
			t.Errorf("T22222222: %+v", n)
		}
		_, err := k.Turn(ctx)
		must(t, err)
		if n := k.on(t, time.Date(2040, 1, 1, 0, 0, 0, 0, zone)); n.Erased != 0 {
			t.Errorf("what holds, and what held again later, is erased: %+v", n)
		}
	})
}

// TestWhatIsStillNeededStays: a restricted record and one of an open case are left, and go when the reason is gone.
func TestWhatIsStillNeededStays(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		k := newKeeper(t, db)
		ctx := t.Context()
		for _, p := range []string{"p1", "p2", "p3"} {
			k.change(t, "vehicles", p, car("DU-AB "+p[1:], p), register.Why{})
		}
		kept, err := k.Kept(ctx, db, "p1")
		must(t, err)
		mark := func(on bool) {
			g := accesstest.Grant(t, k.checker, access.Request{Actor: access.SystemActor("process"), Action: access.Change, Resource: "register:vehicles", Purpose: "test", Basis: "Art. 18 DSGVO", Owner: "p1"})
			must(t, db.Write(ctx, func(tx *store.Tx) error {
				if on {
					return k.Restrict(ctx, tx, g, "vehicles", kept[0].ID)
				}
				return k.Unrestrict(ctx, tx, g, "vehicles", kept[0].ID)
			}))
		}
		for _, p := range []string{"p1", "p2", "p3"} {
			k.end(t, "vehicles", p, "DU-AB "+p[1:])
		}
		mark(true)
		k.needed["p2"] = true
		at := k.now.AddDate(2, 0, 0)
		if n := k.on(t, at); n.Erased != 1 || n.Left != 2 {
			t.Fatalf("%+v, want one erased and two left", n)
		}
		k.needed["p2"] = false
		if n := k.on(t, at.AddDate(0, 0, 1)); n.Erased != 1 || n.Left != 1 {
			t.Errorf("after the case: %+v", n)
		}
		mark(false)
		if n := k.on(t, at.AddDate(0, 0, 2)); n.Erased != 1 || n.Left != 0 {
			t.Errorf("after the restriction: %+v", n)
		}
	})
}

// TestForgettingGoesOnAfterAKill: what was erased before stays erased, nothing is half, and the day's work is done once whole;
// more records than one page has.
func TestForgettingGoesOnAfterAKill(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		k := newKeeper(t, db)
		const all = 230
		for i := range all {
			plate := fmt.Sprintf("DU-K %d", i+1)
			k.change(t, "vehicles", "p1", car(plate, "p1"), register.Why{To: k.now.Add(time.Duration(i%7+1) * time.Minute)})
		}
		k.now = k.now.AddDate(2, 0, 0)
		f := k.forgetting()
		permit, left := f.Permit, 97
		killed, kill := context.WithCancel(t.Context())
		f.Permit = func(ctx context.Context, tx *store.Tx, r access.Request) (access.Grant, error) {
			g, err := permit(ctx, tx, r)
			if left--; left < 0 {
				kill()
				err = context.Canceled
			}
			return g, err
		}
		if n, err := k.Forget(killed, f); err == nil || n.Erased != 97 {
			t.Fatalf("%+v %v", n, err)
		}
		if n := k.count(t, "SELECT COUNT(*) FROM register_erasure"); n != 97 {
			t.Errorf("%d proofs of 97", n)
		}
		if n := k.count(t, "SELECT COUNT(*) FROM audit_entry WHERE action = 'erase'"); n != 97 {
			t.Errorf("%d entries of the ledger for 97", n)
		}
		if done, err := k.ForgotToday(t.Context()); err != nil || done {
			t.Fatalf("the day is done: %v %v", done, err)
		}
		if n, err := k.Forget(t.Context(), k.forgetting()); err != nil || n.Erased != all-97 {
			t.Errorf("%+v %v", n, err)
		}
		if done, err := k.ForgotToday(t.Context()); err != nil || !done {
			t.Errorf("the day isn't done: %v %v", done, err)
		}
		if n := k.count(t, "SELECT COUNT(*) FROM register_record") + k.count(t, "SELECT COUNT(*) FROM register_find"); n != 0 {
			t.Errorf("%d rows of records and their index are left", n)
		}
	})
}

// TestTheFeedForgetsWhatIsOld: the daily work keeps what is asked for.
func TestTheFeedForgetsWhatIsOld(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		k := newKeeper(t, db)
		for i := range 3 {
			k.change(t, "vehicles", "p1", car(fmt.Sprintf("DU-F %d", i+1), "p1"), register.Why{})
		}
		began := k.now
		k.now = began.AddDate(0, 0, 100)
		k.change(t, "vehicles", "p1", car("DU-F 4", "p1"), register.Why{})
		if n := k.on(t, began.AddDate(0, 0, 400)); n.Changes != 0 {
			t.Errorf("forgotten too early: %+v", n)
		}
		if n := k.on(t, began.AddDate(0, 0, 401)); n.Changes != 3 {
			t.Errorf("%+v, want three changes forgotten", n)
		}
		g := accesstest.Grant(t, k.checker, access.Request{Actor: access.SystemActor("feed"), Action: access.List, Resource: "register:vehicles", Purpose: "test", Basis: "§ 1"})
		if _, _, err := k.Changes(t.Context(), g, "vehicles", 2, 10); !errors.Is(err, register.ErrForgotten) {
			t.Errorf("who reads on from what is forgotten: %v", err)
		}
		if list, next, err := k.Changes(t.Context(), g, "vehicles", 3, 10); err != nil || len(list) != 1 || next != 4 {
			t.Errorf("%+v %d %v", list, next, err)
		}
	})
}

// TestEveryKindOfDayIsFollowed: a rule that counts from a day finds its records whether that field is sealed and searched as a
// date, lies in the open in an order, or isn't searched at all. One record that fails keeps no other from its turn.
func TestEveryKindOfDayIsFollowed(t *testing.T) {
	const day = `name = "first_registration"` + "\nclass = \"personal\""
	for name, fields := range map[string]string{
		"not searched":     day,
		"sealed, a date":   day + "\nsearch = \"date\"",
		"in the open":      `name = "first_registration"` + "\nclass = \"internal\"\nsearch = \"date\"",
		"in another order": `name = "first_registration"` + "\nclass = \"internal\"\nsearch = \"range\"",
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
				k := newKeeper(t, db)
				regs, err := register.Load(packages(t, "vehicles/register.toml: after = \"ended\" => after = \"first_registration\"", "vehicles/register.toml: "+day+" => "+fields))
				must(t, err)
				k.Service, err = register.New(register.Config{DB: db, Vault: k.vault, Registers: regs, Now: func() time.Time { return k.now }, Zone: berlin(t)})
				must(t, err)
				for i, first := range []string{"2024-02-29", "2025-12-31", "2025-01-01", "2026-01-09", "1961-07-01"} {
					c := car(fmt.Sprintf("DU-D %d", i+1), "p1")
					c["first_registration"] = first
					k.change(t, "vehicles", "p1", c, register.Why{})
				}
				f := k.forgetting()
				permit, n := f.Permit, 0
				f.Permit = func(ctx context.Context, tx *store.Tx, r access.Request) (access.Grant, error) {
					if n++; n == 2 {
						return access.Grant{}, errors.New("this one fails")
					}
					return permit(ctx, tx, r)
				}
				if got, err := k.Forget(t.Context(), f); err == nil || got.Erased != 2 || got.Failed != 1 {
					t.Errorf("%+v %v, want two of three erased and one failed", got, err)
				}
				if got := k.on(t, k.now.AddDate(0, 0, 1)); got.Erased != 1 || got.Failed != 0 {
					t.Errorf("%+v, want the one that failed", got)
				}
				if got := k.count(t, "SELECT COUNT(*) FROM register_record"); got != 2 {
					t.Errorf("%d records are left, want 2", got)
				}
			})
		})
	}
}
