// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
)

// world is what the oracle knows: mandates as plain facts, and nothing of how they are kept.
type world struct {
	kinds   map[string]Kind
	topics  map[string][]string
	entries []fact
}

type fact struct {
	id, kind, principal, delegate string
	all                           bool
	services, topics, actions     []string
	from, until                   time.Time
	active                        bool
}

// allows says in plain words what the policies say in theirs: somebody acts under a mandate of theirs that is in force, for the
// person it is about, in a service that it covers, doing what it covers and what its kind can cover at all.
func (w world) allows(delegate, mandate, action, resource, service, owner string, level access.Level, basis string, now time.Time) bool {
	i := slices.IndexFunc(w.entries, func(f fact) bool { return f.id == mandate })
	if i < 0 {
		return false
	}
	f := w.entries[i]
	k := w.kinds[f.kind]
	if f.delegate != delegate || !f.active || now.Before(f.from) || !now.Before(f.until) || owner != f.principal || level < access.Substantial {
		return false
	}
	can := func(a string) bool { return slices.Contains(f.actions, a) && slices.Contains(k.Actions, a) }
	all := f.all && k.All
	in := all
	if service != "" {
		covered := slices.Contains(f.services, service)
		for _, t := range f.topics {
			covered = covered || slices.Contains(w.topics[t], service)
		}
		if len(k.Topics) > 0 {
			bound := false
			for _, t := range k.Topics {
				bound = bound || slices.Contains(w.topics[t], service)
			}
			covered = covered && bound
		}
		in = in || covered
	}
	switch {
	case (resource == "case" || resource == "document") && (action == access.Read || action == access.List):
		return can(Read) && (service == "" || in) // the query holds the services
	case resource == "draft" && (action == access.Read || action == access.Change):
		return can(Fill) && in
	case resource == "draft" && action == access.List:
		return can(Fill) && (service == "" || in)
	case resource == "case" && (action == access.Submit || action == access.Change):
		return can(Submit) && service != "" && in
	case resource == "message" && (action == access.Read || action == access.List):
		return can(Messages) && in
	case resource == "register:residents" && action == access.Read:
		return can(Registers) && basis != "" && service != "" && in
	}
	return false
}

// TestNobodyBeyondTheirMandate generates mandates, terms, scopes, revocations, clocks and requests, hostile ones among them, and
// holds every answer of the checker, and the services that its grants reach, against the oracle: nobody ever does what no mandate
// in force allows, and nobody is kept from what one does.
func TestNobodyBeyondTheirMandate(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		v := vaulttest.Open(t, db) // what is sealed in one of them is there in the next
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) { property(t, houseWith(t, db, v), rand.New(rand.NewPCG(seed, 5))) })
		}
	})
}

func property(t *testing.T, h *house, rng *rand.Rand) {
	pick := func(l []string) string { return l[rng.IntN(len(l))] }
	some := func(l []string) []string {
		var out []string
		for _, x := range l {
			if rng.IntN(2) == 0 {
				out = append(out, x)
			}
		}
		return out
	}
	persons := []string{"p1", "p2", "p3"}
	services := []string{"dog-tax", "parking", "trade"}
	topics := map[string][]string{"taxes": {"dog-tax"}, "mobility": {"parking"}, "business": {"trade", "dog-tax"}}
	h.c.Services = func(topic string) []string { return topics[topic] }
	w := world{kinds: map[string]Kind{}, topics: topics}
	var kinds []string
	for _, k := range h.Rules().Kinds {
		w.kinds[k.ID], kinds = k, append(kinds, k.ID)
	}
	day := func(n int) time.Time { return time.Date(2026, 11, 28+n, 0, 0, 0, 0, berlin) }
	ctx := t.Context()
	for i := range 12 {
		f := fact{id: fmt.Sprintf("m%d-%d", rng.Uint64(), i), kind: pick(kinds), principal: pick(persons), delegate: pick(persons), all: rng.IntN(4) == 0,
			services: some(services), topics: some([]string{"taxes", "mobility", "business"}), actions: some(Actions()), from: day(rng.IntN(5)), active: rng.IntN(5) > 0}
		f.until = f.from.AddDate(0, 0, 1+rng.IntN(6))
		state := Active
		if !f.active {
			state = pick([]string{Invited, Unconfirmed, Ended})
		}
		if f.principal == f.delegate {
			f.delegate = "p4"
		}
		// Past every check of a form: whatever a row says, no more than its kind can come of it.
		if err := h.db.Write(ctx, func(tx *store.Tx) error {
			return h.add(ctx, tx, Mandate{ID: f.id, Kind: f.kind, State: state, Principal: f.principal, PrincipalName: "P", Delegate: f.delegate, DelegateName: "D",
				All: f.all, Services: f.services, Topics: f.topics, Actions: f.actions, From: f.from, Until: f.until}, "")
		}); err != nil {
			t.Fatal(err)
		}
		w.entries = append(w.entries, f)
	}
	permitted := 0
	for range 250 {
		h.now = day(0).Add(time.Duration(rng.IntN(12*24)) * time.Hour)
		if rng.IntN(25) == 0 { // revoked while others go on
			i := rng.IntN(len(w.entries))
			f := &w.entries[i]
			who := access.Actor{Kind: access.Resident, ID: f.principal, Name: "P", Level: access.Substantial}
			if rng.IntN(2) == 0 {
				who.ID = f.delegate
			}
			if !w.kinds[f.kind].ByOffice() {
				if err := h.revokeRow(ctx, f.id, who.ID); err != nil {
					t.Fatal(err)
				}
				f.active = false
			}
		}
		f := w.entries[rng.IntN(len(w.entries))]
		service := pick(append(services, "", "no-such", "parking|dog-tax", "*"))
		action := pick([]string{access.Read, access.List, access.Change, access.Submit, access.Decide})
		resource := pick([]string{"case", "document", "draft", "message", "register:residents", "payment", "ledger", "mandate", "task", "deputy:own", "incident", "process"})
		if rng.IntN(2) == 0 { // what a delegate really does, in the term; hostile or not is decided below
			pair := [][2]string{{access.Read, "case"}, {access.List, "case"}, {access.Read, "document"}, {access.Change, "draft"}, {access.List, "draft"},
				{access.Submit, "case"}, {access.Read, "message"}, {access.Read, "register:residents"}}[rng.IntN(8)]
			action, resource, service = pair[0], pair[1], pick(append(services, ""))
			h.now = f.from.Add(time.Duration(rng.Int64N(int64(f.until.Sub(f.from)))))
		}
		a := access.Actor{Kind: access.Resident, ID: f.delegate, Name: "D", Level: access.Substantial, Mandate: f.id, For: pick(append(persons, "")), Roles: some([]string{"clerk", "head"})}
		owner := f.principal
		switch rng.IntN(8) { // what somebody hostile would try
		case 0:
			a.ID = pick(append(persons, "p4"))
		case 1:
			owner = pick(append(persons, "", "p4"))
		case 2:
			a.Level = access.Basic
		case 3:
			a.Mandate = pick([]string{"m", f.id + " ", "' OR 1=1 --", "%"})
		}
		basis := pick([]string{"", "§ 10 BMG"})
		r := access.Request{Actor: a, Action: action, Resource: resource, Purpose: "test", Basis: basis, Service: service, Owner: owner}
		var g access.Grant
		var err error
		if rng.IntN(2) == 0 {
			g, err = h.checker.Permit(ctx, r)
		} else {
			err = h.db.Write(ctx, func(tx *store.Tx) (err error) {
				g, err = h.checker.PermitTx(ctx, tx, r)
				return err
			})
		}
		if err != nil && !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		want := w.allows(a.ID, a.Mandate, action, resource, service, owner, a.Level, basis, h.now)
		if (err == nil) != want {
			t.Fatalf("%+v at %s: %v, the oracle says %v\n%+v", r, h.now, err, want, f)
		}
		if err != nil {
			continue
		}
		permitted++
		if g.Person() != f.principal {
			t.Fatalf("the grant is for %q", g.Person())
		}
		// What a query with this grant finds is what the oracle allows one by one.
		for _, s := range append(services, "no-such") {
			reaches, err := store.One(ctx, h.db, func(x store.Scanner) (n int64, err error) { return n, x.Scan(&n) },
				`SELECT count(*) FROM (SELECT CAST($1 AS TEXT) AS service) t WHERE CAST($2 AS TEXT) = '' OR replace($2, '|' || service || '|', '') <> $2`, s, g.Reach())
			if err != nil {
				t.Fatal(err)
			}
			if want := w.covers(f, s); (reaches == 1) != want {
				t.Fatalf("the grant reaches %q: %v, the oracle says %v\n%+v", s, reaches == 1, want, f)
			}
		}
	}
	if permitted < 5 {
		t.Errorf("only %d requests were permitted: the test shows little", permitted)
	}
}

// covers tells whether a mandate is for a service.
func (w world) covers(f fact, service string) bool {
	k := w.kinds[f.kind]
	if f.all && k.All {
		return true
	}
	var bound []string
	for _, t := range k.Topics {
		bound = append(bound, w.topics[t]...)
	}
	covered := slices.Contains(f.services, service)
	for _, t := range f.topics {
		covered = covered || slices.Contains(w.topics[t], service)
	}
	return covered && (len(k.Topics) == 0 || slices.Contains(bound, service))
}

func (h *house) revokeRow(ctx context.Context, id, who string) error {
	return h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := store.One(ctx, tx, scan, revoke, id, who, store.Micros(h.now))
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
}
