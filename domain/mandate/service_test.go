// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
)

type house struct {
	*Service
	t       testing.TB
	db      *store.DB
	vault   *vault.Vault
	checker *access.Checker
	now     time.Time
	told    []string
}

func rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), vault.Migrations(), Migrations()}
}

func newHouse(t testing.TB, db *store.DB) *house {
	t.Helper()
	return houseWith(t, db, vaulttest.Open(t, db))
}

func houseWith(t testing.TB, db *store.DB, v *vault.Vault) *house {
	t.Helper()
	h := &house{t: t, db: db, vault: v, now: time.Date(2026, 11, 28, 10, 0, 0, 0, berlin)}
	var err error
	h.Service, err = New(Config{DB: db, Vault: h.vault, Rules: contentRules(t), Now: func() time.Time { return h.now }, Zone: berlin,
		Services: func(topic string) []string {
			return map[string][]string{"taxes": {"dog-tax"}, "mobility": {"parking"}}[topic]
		},
		Known: func(kind, id string) bool {
			return slices.Contains([]string{"dog-tax", "parking", "taxes", "mobility"}, id)
		},
		Match: func(_ context.Context, given, family, birth string) (string, error) {
			if id := map[string]string{"Anna Schmidt 1980-01-01": accesstest.Anna().ID, "Bora Yılmaz 1981-02-02": accesstest.Bora().ID, "Kim Schmidt 2009-05-01": "person-kim"}[given+" "+family+" "+birth]; id != "" {
				return id, nil
			}
			return "", fault.New(fault.NotFound, "test", "")
		},
		Tell: func(_ context.Context, _ *store.Tx, person string, n News) error {
			h.told = append(h.told, person+" "+n.What)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	h.checker = accesstest.Acting(t, db, h.Facts)
	h.UseChecker(h.checker)
	return h
}

var (
	anna = accesstest.Anna()
	bora = accesstest.Bora()
)

func gift(kind string, services []string, actions ...string) Gift {
	return Gift{Kind: kind, Services: services, Actions: actions, From: "2026-11-28", Until: "2027-05-31"}
}

func (h *house) given(a access.Actor, g Gift) (Mandate, string) {
	h.t.Helper()
	m, code, problems, err := h.Give(h.t.Context(), a, g)
	if err != nil || len(problems) > 0 {
		h.t.Fatalf("give: %v %v", problems, err)
	}
	return m, code
}

// hold is a mandate from Anna to Bora in force.
func (h *house) hold(g Gift) Mandate {
	h.t.Helper()
	_, code := h.given(anna, g)
	m, err := h.Redeem(h.t.Context(), bora, code, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

func as(a access.Actor, m Mandate) access.Actor {
	a.Mandate = m.ID
	return a
}

func (h *house) may(a access.Actor, action, resource, service, owner string) bool {
	h.t.Helper()
	_, err := h.checker.Permit(h.t.Context(), access.Request{Actor: a, Action: action, Resource: resource, Purpose: "test", Basis: "§ 10 BMG", Service: service, Owner: owner})
	if err != nil && !fault.Is(err, fault.Denied) {
		h.t.Fatal(err)
	}
	return err == nil
}

func TestLife(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		m, code := h.given(anna, gift("authorised", []string{"parking"}, Read, Fill, Submit))
		if h.may(as(bora, m), access.Read, "case", "parking", anna.ID) {
			t.Error("a mandate that nobody has redeemed is used")
		}
		if _, err := h.Redeem(ctx, anna, code, ""); !fault.Is(err, fault.Invalid) {
			t.Error("one gives a mandate to oneself:", err)
		}
		look, err := h.Look(ctx, bora, strings.ToLower(code))
		if err != nil || look.PrincipalName != anna.Name {
			t.Fatal(look, err)
		}
		got, err := h.Redeem(ctx, bora, code, "Ein Verein")
		if err != nil || got.State != Active || got.Delegate != bora.ID || got.Organisation != "" {
			t.Fatalf("%+v %v", got, err)
		}
		if _, err := h.Redeem(ctx, accesstest.Bora(), code, ""); !fault.Is(err, fault.Invalid) {
			t.Error("a code was redeemed twice:", err)
		}
		a, err := h.Acting(ctx, as(bora, m))
		if err != nil || a.For != anna.ID || a.ForName != anna.Name || a.Person() != anna.ID || a.ID != bora.ID {
			t.Fatalf("%+v %v", a, err)
		}
		for _, c := range []struct {
			action, resource, service, owner string
			want                             bool
		}{
			{access.Read, "case", "parking", anna.ID, true},
			{access.Read, "case", "", anna.ID, true}, // the query holds the services
			{access.Read, "case", "dog-tax", anna.ID, false},
			{access.Read, "case", "parking", bora.ID, false}, // neither their own matters
			{access.Read, "case", "parking", "", false},
			{access.Change, "draft", "parking", anna.ID, true},
			{access.Change, "draft", "dog-tax", anna.ID, false},
			{access.Change, "draft", "", anna.ID, false},
			{access.Submit, "case", "parking", anna.ID, true},
			{access.Submit, "case", "", anna.ID, false},
			{access.Read, "register:residents", "parking", anna.ID, false},
			{access.Read, "message", "parking", anna.ID, false},
			{access.Read, "ledger", "parking", anna.ID, false},
			{access.Read, "mandate", "parking", anna.ID, false},
			{access.Submit, "mandate", "parking", anna.ID, false},
			{access.Read, "payment", "parking", anna.ID, false},
			{access.Decide, "case", "parking", anna.ID, false},
		} {
			if got := h.may(a, c.action, c.resource, c.service, c.owner); got != c.want {
				t.Errorf("%s %s of %q for %q: %v", c.action, c.resource, c.service, c.owner, got)
			}
		}
		// What the actor says of it counts for nothing.
		liar := a
		liar.For, liar.Roles = "person-kim", []string{"clerk", "head"}
		if h.may(liar, access.Read, "case", "parking", "person-kim") {
			t.Error("the one acted for was believed")
		}
		thief := accesstest.Anna()
		thief.ID, thief.Mandate, thief.For = "person-kim", m.ID, anna.ID
		if h.may(thief, access.Read, "case", "parking", anna.ID) {
			t.Error("somebody else's mandate was used")
		}
		// It's on record, and the person sees it.
		g, mine, err := h.Get(ctx, anna, m.ID)
		if err != nil || mine.Uses == 0 || mine.UsedAt.IsZero() {
			t.Fatalf("%+v %v", mine, err)
		}
		list, err := h.checker.ActedFor(ctx, g, m.ID, "", 100)
		if err != nil || !slices.ContainsFunc(list, func(e audit.Entry) bool {
			return e.ActorName == bora.Name && e.Action == access.Submit && e.Resource == "case" && e.Service == "parking" && e.Mandate == m.ID && e.Outcome == audit.Permitted
		}) {
			t.Errorf("%v %v", list, err)
		}
		if g, _, err := h.Get(ctx, bora, m.ID); err != nil {
			t.Error(err)
		} else if list, err := h.checker.ActedFor(ctx, g, m.ID, "", 100); err != nil || slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Service == "dog-tax" }) {
			t.Error("the delegate reads the record of somebody else:", list, err)
		}
		if _, _, err := h.Get(ctx, accesstest.Clerk("32"), m.ID); !fault.Is(err, fault.Denied) {
			t.Error("a clerk reads it:", err)
		}
		// Revoked by the one, it's over for the other, whatever the session believes.
		if err := h.Revoke(ctx, anna, m.ID); err != nil {
			t.Fatal(err)
		}
		if h.may(a, access.Read, "case", "parking", anna.ID) {
			t.Error("a revoked mandate is used")
		}
		if _, err := h.Acting(ctx, as(bora, m)); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		if err := h.Revoke(ctx, bora, m.ID); err != nil {
			t.Error("twice:", err)
		}
		if want := []string{anna.ID + " redeemed", bora.ID + " ended"}; !slices.Equal(h.told, want) {
			t.Errorf("told: %v", h.told)
		}
		stranger := accesstest.Bora()
		stranger.ID = "person-kim"
		if err := h.Revoke(ctx, stranger, m.ID); !fault.Is(err, fault.NotFound) {
			t.Error("a stranger revokes:", err)
		}
	})
}

func TestTerm(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		g := gift("authorised", []string{"parking"}, Read)
		g.From, g.Until = "2026-12-01", "2026-12-31"
		m := h.hold(g)
		for _, c := range []struct {
			at   time.Time
			want bool
		}{
			{time.Date(2026, 11, 30, 23, 59, 59, 0, berlin), false}, {time.Date(2026, 12, 1, 0, 0, 0, 0, berlin), true},
			{time.Date(2026, 12, 31, 23, 59, 59, 0, berlin), true}, {time.Date(2027, 1, 1, 0, 0, 0, 0, berlin), false},
		} {
			h.now = c.at
			_, err := h.Acting(t.Context(), as(bora, m))
			if got := h.may(as(bora, m), access.Read, "case", "parking", anna.ID); got != c.want || (err == nil) != c.want || m.InForce(c.at) != c.want {
				t.Errorf("%s: %v %v", c.at, got, err)
			}
		}
	})
}

// TestInterpreter holds the one thing that an interpreter never does, whatever a row says.
func TestInterpreter(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		m := h.hold(gift("interpreter", []string{"parking"}, Read, Fill))
		if !h.may(as(bora, m), access.Change, "draft", "parking", anna.ID) || h.may(as(bora, m), access.Submit, "case", "parking", anna.ID) {
			t.Error("an interpreter fills in and never submits")
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE mandate_mandate SET actions = '["fill","submit"]', every = TRUE WHERE id = $1`, m.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if h.may(as(bora, m), access.Submit, "case", "parking", anna.ID) || h.may(as(bora, m), access.Change, "draft", "dog-tax", anna.ID) {
			t.Error("the kind doesn't bound what the row says")
		}
	})
}

func TestGuessing(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		_, code := h.given(anna, gift("authorised", []string{"parking"}, Read))
		stale, old := h.given(anna, gift("authorised", []string{"parking"}, Read))
		_ = stale
		if err := h.Revoke(ctx, anna, stale.ID); err != nil {
			t.Fatal(err)
		}
		msg := func(err error) string { k, _ := fault.Message(err); return k }
		// No code, a withdrawn one and one's own answer alike.
		_, err1 := h.Look(ctx, bora, newCode())
		_, err2 := h.Look(ctx, bora, old)
		_, err3 := h.Look(ctx, anna, code)
		if msg(err1) != "mandate.noCode" || msg(err2) != msg(err1) || msg(err3) != msg(err1) {
			t.Error(err1, err2, err3)
		}
		for range maxGuesses - 2 {
			if _, err := h.Look(ctx, bora, "rubbish"); !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		}
		for _, c := range []string{newCode(), code} { // the right one, too
			if _, err := h.Look(ctx, bora, c); !fault.Is(err, fault.TooMany) {
				t.Error("goes on guessing:", err)
			}
			if _, err := h.Redeem(ctx, bora, c, ""); !fault.Is(err, fault.TooMany) {
				t.Error("goes on guessing:", err)
			}
		}
		h.now = h.now.Add(guessWindow + time.Minute)
		if err := h.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Redeem(ctx, bora, code, ""); err != nil {
			t.Error(err)
		}
		// The code itself is nowhere.
		found, err := store.All(ctx, db, func(s store.Scanner) (x string, err error) { return x, s.Scan(&x) }, `SELECT code_hash FROM mandate_mandate`)
		if err != nil || slices.Contains(found, code) || slices.Contains(found, strings.ReplaceAll(code, "-", "")) {
			t.Error(found, err)
		}
		// And it runs out.
		_, code = h.given(anna, gift("authorised", []string{"parking"}, Read))
		h.now = h.now.AddDate(0, 0, codeDays)
		if _, err := h.Redeem(ctx, bora, code, ""); !fault.Is(err, fault.Invalid) {
			t.Error("an old code is redeemed:", err)
		}
	})
}

func TestManyInvitations(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t, rooms()))
	for range maxInvitations {
		h.given(anna, gift("authorised", []string{"parking"}, Read))
	}
	if _, _, _, err := h.Give(t.Context(), anna, gift("authorised", []string{"parking"}, Read)); !fault.Is(err, fault.TooMany) {
		t.Error(err)
	}
}

// TestSweep: what ended long ago and what never came to anything is forgotten, and nothing that is in force or was lately.
func TestSweep(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		lapsed, _ := h.given(anna, gift("authorised", []string{"parking"}, Read))
		revoked := h.hold(gift("authorised", []string{"parking"}, Read))
		if err := h.Revoke(ctx, anna, revoked.ID); err != nil {
			t.Fatal(err)
		}
		long := gift("authorised", []string{"parking"}, Read)
		long.Until = "2029-11-20"
		held := h.hold(long)
		for _, c := range []struct {
			at   time.Time
			want []string
		}{
			{h.now.AddDate(0, 0, codeDays+29), []string{lapsed.ID, revoked.ID, held.ID}},
			{h.now.AddDate(0, 0, codeDays+31), []string{revoked.ID, held.ID}},
			{h.now.Add(keepEnded - time.Hour), []string{revoked.ID, held.ID}},
			{h.now.Add(keepEnded + time.Hour), []string{held.ID}},
			{held.Until.Add(keepEnded + time.Hour), nil},
		} {
			h.now = c.at
			if err := h.Sweep(ctx); err != nil {
				t.Fatal(err)
			}
			list, err := h.Given(ctx, anna, "", 50)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, m := range list {
				ids = append(ids, m.ID)
			}
			slices.Reverse(ids) // the newest comes first
			if !slices.Equal(ids, c.want) {
				t.Errorf("on %s: %v, want %v", c.at, ids, c.want)
			}
		}
	})
}

func TestOffice(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		clerk, other := accesstest.Clerk("32"), accesstest.Clerk("21")
		child := Person{"Kim", "Schmidt", "2009-05-01"}
		legal := Legal{Kind: "parent", All: true, Principal: child, Delegate: Person{"Anna", "Schmidt", "1980-01-01"}, Proof: "Geburtsurkunde"}
		if _, _, err := h.Enter(ctx, other, legal); !fault.Is(err, fault.Denied) {
			t.Error("another office enters it:", err)
		}
		wrong := legal
		wrong.Delegate.Birth = "1980-01-02"
		if _, problems, err := h.Enter(ctx, clerk, wrong); err != nil || len(problems) != 1 || problems[0].Msg != "mandate.noPerson" {
			t.Error(problems, err)
		}
		wrong = legal
		wrong.Proof = "  "
		if _, problems, err := h.Enter(ctx, clerk, wrong); err != nil || len(problems) != 1 || problems[0].Field != "proof" {
			t.Error(problems, err)
		}
		wrong = legal
		wrong.Principal = Person{"Bora", "Yılmaz", "1981-02-02"}
		if _, problems, err := h.Enter(ctx, clerk, wrong); err != nil || len(problems) != 1 || problems[0].Msg != "mandate.ofAge" {
			t.Error(problems, err)
		}
		m, problems, err := h.Enter(ctx, clerk, legal)
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		if _, _, err := h.Enter(ctx, clerk, legal); !fault.Is(err, fault.Conflict) {
			t.Error("entered twice:", err)
		}
		parent := anna
		parent.Mandate = m.ID
		if !h.may(parent, access.Submit, "case", "dog-tax", "person-kim") || !h.may(parent, access.List, "message", "", "person-kim") {
			t.Error("a parent doesn't act for the child")
		}
		if h.may(parent, access.Read, "ledger", "", "person-kim") {
			t.Error("a parent reads the child's record by the mandate")
		}
		kid := access.Actor{Kind: access.Resident, ID: "person-kim", Name: "Kim Schmidt", Level: access.Substantial}
		for _, a := range []access.Actor{kid, anna} {
			if err := h.Revoke(ctx, a, m.ID); !fault.Is(err, fault.Denied) {
				t.Error("a legal representation is revoked:", err)
			}
		}
		h.now = time.Date(2027, 4, 30, 23, 59, 59, 0, berlin)
		if !h.may(parent, access.Read, "case", "", "person-kim") {
			t.Error("ended a day too soon")
		}
		h.now = time.Date(2027, 5, 1, 0, 0, 0, 0, berlin)
		if h.may(parent, access.Read, "case", "", "person-kim") {
			t.Error("a parent acts for a child of age")
		}
		h.now = time.Date(2026, 11, 28, 10, 0, 0, 0, berlin)

		// An association waits for the office.
		_, code := h.given(anna, gift("association", []string{"parking"}, Read, Fill))
		a, err := h.Redeem(ctx, bora, code, "Mieterverein e. V.")
		if err != nil || a.State != Unconfirmed || a.Organisation != "Mieterverein e. V." {
			t.Fatalf("%+v %v", a, err)
		}
		if h.may(as(bora, a), access.Read, "case", "parking", anna.ID) {
			t.Error("used before it was confirmed")
		}
		if err := h.Confirm(ctx, other, a.ID, "Vereinsregister"); !fault.Is(err, fault.NotFound) {
			t.Error("another office confirms:", err)
		}
		if err := h.Confirm(ctx, clerk, a.ID, " "); !fault.Is(err, fault.Invalid) {
			t.Error("confirmed without a proof:", err)
		}
		if list, err := h.OfOffice(ctx, clerk, Unconfirmed, "", 10); err != nil || len(list) != 1 {
			t.Error(list, err)
		}
		if err := h.Confirm(ctx, clerk, a.ID, "Vereinsregister"); err != nil {
			t.Fatal(err)
		}
		if !h.may(as(bora, a), access.Read, "case", "parking", anna.ID) {
			t.Error("not in force once confirmed")
		}
		if err := h.Confirm(ctx, clerk, a.ID, "noch einmal"); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		if err := h.End(ctx, clerk, a.ID, "Auflösung"); err != nil {
			t.Fatal(err)
		}
		if h.may(as(bora, a), access.Read, "case", "parking", anna.ID) {
			t.Error("used after the office ended it")
		}
	})
}

func staff(id, office string, roles ...string) access.Actor {
	return access.Actor{Kind: access.Clerk, ID: id, Name: strings.ToUpper(id), Office: office, Roles: roles, Level: access.Substantial}
}

func TestDeputies(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		boss, clerk, far := staff("boss", "32", "head", "clerk"), staff("clerk", "32", "clerk"), staff("far", "21", "clerk")
		for _, a := range []access.Actor{boss, clerk, far} {
			if err := h.SignedIn(ctx, a); err != nil {
				t.Fatal(err)
			}
		}
		n := Standing{Deputy: "far", From: "2026-11-28", Until: "2026-12-11"}
		d, problems, err := h.Name(ctx, boss, n)
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		before := far
		if h.may2(before, access.Read, "32") {
			t.Error("another office is open anyway")
		}
		deputy := far
		deputy.Mandate = d.ID
		acting, err := h.Acting(ctx, deputy)
		if err != nil || acting.Office != "32" || !slices.Equal(acting.Roles, []string{"clerk"}) || acting.Name != "FAR i. V. BOSS" || acting.ID != "far" || acting.For != "boss" {
			t.Fatalf("%+v %v", acting, err)
		}
		if !h.may2(acting, access.Read, "32") || h.may2(acting, access.Read, "21") {
			t.Error("a deputy has the office of the represented, and not their own beside it")
		}
		liar := deputy
		liar.Office, liar.Roles = "36", []string{"head", "operator"}
		if h.may2(liar, access.Read, "36") || h.may(liar, access.List, "incident", "", "") {
			t.Error("the office and the roles that a deputy says were believed")
		}
		// Neither the matters of the represented, nor more deputies.
		if _, err := h.checker.Permit(ctx, access.Request{Actor: acting, Action: access.Decide, Resource: "case", Purpose: "test", Office: "32", Owner: "boss"}); !fault.Is(err, fault.Denied) {
			t.Error("a deputy decides the matter of the represented:", err)
		}
		if _, _, err := h.Name(ctx, acting, Standing{Deputy: "clerk", From: "2026-11-28", Until: "2026-12-01"}); err == nil {
			t.Error("a deputy names a deputy")
		}
		// The reserved roles only where it's said, by who has them.
		full := n
		full.Reserved = true
		d2, problems, err := h.Name(ctx, boss, full)
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		deputy.Mandate = d2.ID
		if acting, err = h.Acting(ctx, deputy); err != nil || !acting.Is("head") {
			t.Error(acting, err)
		}
		// Nobody hands on what isn't theirs.
		for name, c := range map[string]struct {
			a access.Actor
			n Standing
		}{
			"a clerk for the head":            {clerk, Standing{Represented: "boss", Deputy: "clerk", From: n.From, Until: n.Until}},
			"the head for another office":     {boss, Standing{Represented: "far", Deputy: "clerk", From: n.From, Until: n.Until}},
			"the head with roles of a clerk":  {boss, Standing{Represented: "clerk", Deputy: "far", Reserved: true, From: n.From, Until: n.Until}},
			"oneself":                         {clerk, Standing{Deputy: "clerk", From: n.From, Until: n.Until}},
			"nobody":                          {clerk, Standing{Deputy: "no-such", From: n.From, Until: n.Until}},
			"too long":                        {clerk, Standing{Deputy: "far", From: n.From, Until: "2027-11-28"}},
			"yesterday":                       {clerk, Standing{Deputy: "far", From: "2026-11-27", Until: n.Until}},
			"of somebody who was never here ": {boss, Standing{Represented: "ghost", Deputy: "far", From: n.From, Until: n.Until}},
		} {
			if _, problems, err := h.Name(ctx, c.a, c.n); err == nil && len(problems) == 0 {
				t.Errorf("%s names a deputy", name)
			}
		}
		if own, problems, err := h.Name(ctx, clerk, Standing{Deputy: "far", From: n.From, Until: n.Until}); err != nil || len(problems) > 0 {
			t.Error("a clerk for themself:", problems, err)
		} else if err := h.EndDeputy(ctx, clerk, own.ID); err != nil {
			t.Error(err)
		}
		if _, problems, err := h.Name(ctx, boss, Standing{Represented: "clerk", Deputy: "far", From: n.From, Until: n.Until}); err != nil || len(problems) > 0 {
			t.Error("the head for a clerk:", problems, err)
		}
		// Who has left the office isn't represented there any more.
		moved := boss
		moved.Office = "36"
		if err := h.SignedIn(ctx, moved); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Acting(ctx, deputy); !fault.Is(err, fault.Denied) {
			t.Error("the represented has moved:", err)
		}
		if err := h.SignedIn(ctx, boss); err != nil {
			t.Fatal(err)
		}
		// Ended by any of the three, at once; by nobody else.
		if err := h.EndDeputy(ctx, staff("x", "36", "head"), d2.ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := h.EndDeputy(ctx, far, d2.ID); err != nil {
			t.Error(err)
		}
		if h.may2(deputy, access.Read, "32") {
			t.Error("used after its end")
		}
		if list, err := h.Deputies(ctx, boss); err != nil || len(list) != 2 {
			t.Error(list, err)
		}
		deputy.Mandate = d.ID
		h.now = time.Date(2026, 12, 12, 0, 0, 0, 0, berlin)
		if h.may2(deputy, access.Read, "32") {
			t.Error("used after its term")
		}
	})
}

func (h *house) may2(a access.Actor, action, office string) bool {
	h.t.Helper()
	_, err := h.checker.Permit(h.t.Context(), access.Request{Actor: a, Action: action, Resource: "case", Purpose: "case work", Office: office})
	if err != nil && !fault.Is(err, fault.Denied) {
		h.t.Fatal(err)
	}
	return err == nil
}

// TestRevokedMeanwhile races uses in the caller's transaction against the revocation: what began after it was done is refused.
func TestRevokedMeanwhile(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		m := h.hold(gift("authorised", []string{"parking"}, Fill, Submit))
		ctx := t.Context()
		var mu sync.Mutex
		over := false
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 15 {
					mu.Lock()
					late := over
					mu.Unlock()
					err := db.Write(ctx, func(tx *store.Tx) error {
						_, err := h.checker.PermitTx(ctx, tx, access.Request{Actor: as(bora, m), Action: access.Submit, Resource: "case", Purpose: "test", Service: "parking", Owner: anna.ID})
						return err
					})
					if err == nil && late {
						t.Error("submitted under a mandate that had been revoked")
					}
					if err != nil && !fault.Is(err, fault.Denied) {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			if err := h.Revoke(ctx, anna, m.ID); err != nil {
				t.Error(err)
			}
			mu.Lock()
			over = true
			mu.Unlock()
		})
		wg.Wait()
	})
}

// Whoever is erased gives and has no mandate any more, and whoever has left the city's service lends no role.
func TestWhoIsGoneActsForNobody(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		m, _ := h.given(anna, gift("authorised", []string{"parking"}, Read))
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return h.Forget(t.Context(), tx, anna.ID) }); err != nil {
			t.Fatal(err)
		}
		var state string
		if err := db.QueryRow(t.Context(), "SELECT state FROM mandate_mandate WHERE id = $1", m.ID).Scan(&state); err != nil || state != "ended" {
			t.Errorf("a mandate of somebody who is erased is %s: %v", state, err)
		}
		clerk := access.Actor{Kind: access.Clerk, ID: "account-1", Name: "Petra", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial}
		known := func() bool {
			_, err := MemberOf(t.Context(), db, clerk.ID)
			return err == nil
		}
		for _, kind := range []access.Kind{access.Clerk, access.Resident} {
			clerk.Kind = kind
			if err := h.SignedIn(t.Context(), clerk); err != nil {
				t.Fatal(err)
			}
			if known() != (kind == access.Clerk) {
				t.Errorf("signed in as %s: known as staff: %v", kind, known())
			}
		}
	})
}
