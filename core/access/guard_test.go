// SPDX-License-Identifier: EUPL-1.2

package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// TestPolicyTests: the tests beside the policies are run, and say what they should.
func TestPolicyTests(t *testing.T) {
	policies, tests, err := access.Test(accesstest.Policies())
	if err != nil {
		t.Fatal(err)
	}
	if policies < 20 || tests < 50 {
		t.Errorf("%d policies, %d tests: were they read?", policies, tests)
	}
}

// TestPoliciesThatFailTheirTests aren't loaded: all that is wrong is told at once, and the old ones stay.
func TestPoliciesThatFailTheirTests(t *testing.T) {
	const policy = `@id("own") permit (principal is Resident, action == Action::"read", resource) when { resource has owner && resource.owner == principal.id };
@id("two") @approval("two") permit (principal is Clerk, action == Action::"erase", resource);`
	const actors = "[actor.anna]\nkind = \"resident\"\n[actor.c]\nkind = \"clerk\"\n"
	const test = "[[test]]\nname = \"x\"\nactor = \"anna\"\naction = \"read\"\nresource = \"case\"\n"
	good := test + "owner = \"anna\"\nallow = \"own\"\n"
	for name, tt := range map[string]struct{ test, want string }{
		"good":                  {good, ""},
		"allowed":               {test + "owner = \"anna\"\nrefuse = true\n", "is allowed by own; want refused"},
		"refused":               {test + "allow = \"own\"\n", "is refused: no policy permits it; want allowed by own"},
		"another rule":          {test + "owner = \"anna\"\nallow = \"other\"\n", "is allowed by own; want allowed by other"},
		"says nothing":          {test, "says neither"},
		"says both":             {test + "allow = \"own\"\nrefuse = true\n", "says both"},
		"mistyped key":          {test + "refused = true\n", "unknown key test.refused"},
		"no such actor":         {strings.Replace(good, `"anna"`, `"bora"`, 1), `no actor "bora"`},
		"no such action":        {strings.Replace(good, `"read"`, `"peek"`, 1), "peek"},
		"no toml":               {"[[test", "tests/x.toml"},
		"second person missing": {"[[test]]\nname = \"x\"\nactor = \"c\"\naction = \"erase\"\nresource = \"case\"\nallow = \"two\"\n", "second person: true; want false"},
		"all that is wrong":     {test + "refuse = true\n" + test + "allow = \"a\"\n" + test + "allow = \"b\"\n", "want allowed by b"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := fstest.MapFS{"x.cedar": {Data: []byte(policy)}, "tests/x.toml": {Data: []byte(actors + tt.test)}}
			checker := accesstest.AllowAll(t, storetest.SQLite(t, rooms()))
			err := checker.Load(folder)
			_, err2 := checker.Permit(t.Context(), access.Request{Actor: anna, Action: access.Decide, Resource: "case", Purpose: "p"})
			if tt.want == "" {
				if err != nil || !fault.Is(err2, fault.Denied) {
					t.Fatalf("loaded: %v; the old ones are still in force: %v", err, err2)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if name == "all that is wrong" && !strings.Contains(err.Error(), "want allowed by a") {
				t.Errorf("only one mistake is told: %v", err)
			}
			if err2 != nil {
				t.Errorf("the old ones aren't in force: %v", err2)
			}
		})
	}
}

// TestAPolicyThatNoTestNames isn't loaded, nor found to be in order.
func TestAPolicyThatNoTestNames(t *testing.T) {
	const seen = `@id("seen") permit (principal is Resident, action == Action::"read", resource);` + "\n"
	const permit = `@id("unseen") permit (principal is Resident, action == Action::"list", resource);`
	const forbid = `@id("unseen") forbid (principal is Resident, action == Action::"list", resource);`
	const tests = "[actor.anna]\nkind = \"resident\"\n[[test]]\nname = \"x\"\nactor = \"anna\"\naction = \"read\"\nresource = \"case\"\nallow = \"seen\"\n"
	// Refused by nobody's rule says nothing about a rule.
	const refused = "[[test]]\nname = \"y\"\nactor = \"anna\"\naction = \"change\"\nresource = \"case\"\nrefuse = true\n"
	const list = "[[test]]\nname = \"z\"\nactor = \"anna\"\naction = \"list\"\nresource = \"case\"\n"
	checker := accesstest.House(t, storetest.SQLite(t, rooms()))
	for name, c := range map[string]struct {
		policies, tests string
		ok              bool
	}{
		"each is named":       {seen, tests, true},
		"no test at all":      {seen, "", false},
		"a permit isn't":      {seen + permit, tests + refused, false},
		"a forbid isn't":      {seen + forbid, tests + refused, false},
		"a permit is, later":  {seen + permit, tests + list + "allow = \"unseen\"\n", true},
		"a forbid is, later":  {seen + forbid, tests + list + "forbid = \"unseen\"\n", true},
		"named and not so":    {seen + permit, tests + list + "forbid = \"unseen\"\n", false},
		"a name for nothing":  {seen, tests + list + "allow = \"none\"\n", false},
		"only the name of it": {seen + permit, tests + strings.Replace(refused, "\"y\"", "\"unseen\"", 1), false},
	} {
		folder := fstest.MapFS{"x.cedar": {Data: []byte(c.policies)}, "tests/x.toml": {Data: []byte(c.tests)}}
		if err := checker.Load(folder); (err == nil) != c.ok {
			t.Errorf("%s: loaded: %v", name, err)
		}
		_, _, err := access.Test(folder)
		if (err == nil) != c.ok || strings.HasSuffix(name, "isn't") && !strings.Contains(err.Error(), `the policy "unseen" is in no test`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkerWith(t *testing.T, db *store.DB, policy, brakes string, cfg access.Config) *access.Checker {
	t.Helper()
	folder := fstest.MapFS{"x.cedar": {Data: []byte(policy)}}
	if brakes != "" {
		folder["brakes.toml"] = &fstest.MapFile{Data: []byte(brakes)}
	}
	cfg.DB, cfg.Policies, cfg.Untested = db, folder, true
	c, err := access.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestBrake: who reads too many persons is stopped, is told for how long, and that is on record.
func TestBrake(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
		c := checkerWith(t, db, `@id("all") permit (principal, action, resource);`,
			"[[brake]]\nid = \"slow\"\nwho = \"clerk\"\nresource = \"register\"\npersons = 10\nwithin = \"10m\"\n",
			access.Config{Now: func() time.Time { return now }})
		ctx := t.Context()
		read := func(who access.Actor, resource string, n int) (access.Grant, error) {
			r := access.Request{Actor: who, Action: access.Read, Resource: resource, Purpose: "p", Case: "c7"}
			for i := range n {
				r.Subjects = append(r.Subjects, fmt.Sprint("person-", i))
			}
			return c.Permit(ctx, r)
		}
		other := accesstest.Clerk("21")
		for i := range 10 {
			if _, err := read(clerk32, "register:residents", 1); err != nil {
				t.Fatal(i, err)
			}
		}
		_, err := read(clerk32, "register:vehicles", 1)
		var b *access.Braked
		if !fault.Is(err, fault.TooMany) || !errors.As(err, &b) || b.Brake != "slow" || b.RetryAfter() != time.Minute {
			t.Fatalf("the eleventh: %v", err)
		}
		entries, err := (&audit.Ledger{DB: db}).ForCase(ctx, "c7", "", 50)
		if err != nil || len(entries) != 11 || entries[0].Outcome != audit.Refused || entries[0].Rule != "brake:slow" {
			t.Errorf("on record: %d entries, %v", len(entries), err)
		}
		if _, err := read(clerk32, "case", 1); err != nil {
			t.Errorf("the brake of registers holds a case: %v", err)
		}
		if _, err := read(clerk32, "registers", 1); err != nil {
			t.Errorf("the brake takes a name that only begins alike: %v", err)
		}
		if _, err := read(other, "register:residents", 1); err != nil {
			t.Errorf("somebody else is held too: %v", err)
		}
		now = now.Add(time.Minute)
		if _, err := read(clerk32, "register:residents", 1); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		if _, err := read(clerk32, "register:residents", 1); !fault.Is(err, fault.TooMany) {
			t.Errorf("a minute is worth one person: %v", err)
		}
		// A list shows more than is left: the next one waits the longer.
		now = now.Add(2 * time.Hour)
		g, err := read(clerk32, "register:residents", 0)
		if err != nil {
			t.Fatal(err)
		}
		var shown []string
		for i := range 30 {
			shown = append(shown, fmt.Sprint("p", i))
		}
		if err := c.Seen(ctx, g, shown); err != nil {
			t.Fatal(err)
		}
		now = now.Add(20 * time.Minute)
		if _, err := read(clerk32, "register:residents", 1); !fault.Is(err, fault.TooMany) {
			t.Errorf("31 persons were read with 10 allowed in ten minutes: %v", err)
		}
		now = now.Add(2 * time.Minute)
		if _, err := read(clerk32, "register:residents", 1); err != nil {
			t.Errorf("22 minutes later: %v", err)
		}
		// More than the whole allowance at once can be asked for, but only from the full one.
		now = now.Add(time.Hour)
		if _, err := read(clerk32, "register:residents", 15); err != nil {
			t.Errorf("from the full allowance: %v", err)
		}
	})
}

func TestBadBrakes(t *testing.T) {
	checker := accesstest.AllowAll(t, storetest.SQLite(t, rooms()))
	const ok = "[[brake]]\nid = \"a\"\nwho = \"clerk\"\nresource = \"register\"\npersons = 10\nwithin = \"10m\"\n"
	for name, text := range map[string]string{
		"": ok, "twice": ok + ok, "nobody": strings.Replace(ok, "clerk", "dog", 1), "none": strings.Replace(ok, "10\n", "0\n", 1),
		"no time": strings.Replace(ok, "10m", "soon", 1), "mistyped": ok + "person = 3\n", "never": strings.Replace(ok, "10m", "0s", 1),
	} {
		err := checker.Load(fstest.MapFS{"x.cedar": {Data: []byte(`@id("a") permit (principal, action, resource);`)}, "brakes.toml": {Data: []byte(text)}})
		if (err == nil) != (name == "") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestSecondPerson: what a policy marks so is refused until somebody else has approved it; the refusal asks.
func TestSecondPerson(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		var asked []string
		approved := false
		c := checkerWith(t, db, `@id("two") @approval("two") permit (principal, action, resource);
@id("free") permit (principal, action, resource) when { resource.kind == "case" };`, "", access.Config{
			Approved: func(context.Context, store.Q, access.Request) (string, bool, error) { return "a1", approved, nil },
			Ask: func(_ context.Context, _ *store.Tx, r access.Request, entry string) error {
				asked = append(asked, r.Action+" "+entry)
				return nil
			}})
		erase := access.Request{Actor: clerk32, Action: access.Erase, Resource: "register:residents", Owner: anna.ID, Purpose: "p", Case: "c8"}
		if _, err := c.Permit(t.Context(), erase); !fault.Is(err, fault.Denied) {
			t.Fatalf("without a second person: %v", err)
		}
		entries, err := (&audit.Ledger{DB: db}).ForCase(t.Context(), "c8", "", 50)
		if err != nil || len(entries) != 1 || entries[0].Outcome != audit.Refused || len(asked) != 1 || asked[0] != "erase "+entries[0].ID {
			t.Fatalf("asked %v, on record %v, %v", asked, entries, err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := c.PermitTx(t.Context(), tx, erase)
			return err
		})
		if c.Close(); !fault.Is(err, fault.Denied) || len(asked) != 2 {
			t.Fatalf("in a transaction: %v, asked %v", err, asked)
		}
		approved = true
		g, err := c.Permit(t.Context(), erase)
		if err != nil || g.Zero() || len(asked) != 2 {
			t.Fatalf("approved: %v, asked %v", err, asked)
		}
		if entries, _ = (&audit.Ledger{DB: db}).ForCase(t.Context(), "c8", "", 50); entries[0].Rule != "two approval:a1" || entries[0].Outcome != audit.Permitted {
			t.Errorf("on record: %+v", entries[0])
		}
		approved = false
		if _, err := c.Permit(t.Context(), access.Request{Actor: clerk32, Action: access.Erase, Resource: "case", Purpose: "p"}); err != nil {
			t.Errorf("another policy permits it without: %v", err)
		}
	})
	// Where nobody can be asked, nothing that needs it is permitted.
	c := checkerWith(t, storetest.SQLite(t, rooms()), `@id("two") @approval("two") permit (principal, action, resource);`, "", access.Config{})
	if _, err := c.Permit(t.Context(), access.Request{Actor: clerk32, Action: access.Erase, Resource: "case", Purpose: "p"}); !fault.Is(err, fault.Denied) {
		t.Errorf("without approvals: %v", err)
	}
}

// TestGlass: broken glass opens what a policy names and nothing else, with its reason on record.
func TestGlass(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		c := accesstest.HouseWith(t, access.Config{DB: db, Glass: func(_ context.Context, _ store.Q, r access.Request) (access.Glass, bool, error) {
			return access.Glass{ID: "g1", Reason: "Brand in der Wohnung"}, r.Owner == anna.ID && r.Resource == "register:residents", nil
		}})
		duty := withRoles(accesstest.Clerk("21"), "clerk", "emergency")
		read := access.Request{Actor: duty, Action: access.Read, Resource: "register:residents", Owner: anna.ID, Purpose: "hazard", Basis: "§ 34 BMG", Case: "c6", Fields: []string{"street"}}
		if _, err := c.Permit(t.Context(), read); err != nil {
			t.Fatal(err)
		}
		entries, err := (&audit.Ledger{DB: db}).ForCase(t.Context(), "c6", "", 5)
		if err != nil || len(entries) != 1 || entries[0].Rule != "break-glass glass:g1" || entries[0].Purpose != "break-glass: Brand in der Wohnung" {
			t.Errorf("on record: %+v, %v", entries, err)
		}
		for name, spoil := range map[string]func(*access.Request){
			"another person":   func(r *access.Request) { r.Owner = bora.ID },
			"another register": func(r *access.Request) { r.Resource = "register:vehicles" },
			"to change":        func(r *access.Request) { r.Action = access.Change },
			"to list":          func(r *access.Request) { r.Action = access.List },
			"without the role": func(r *access.Request) { r.Actor.Roles = []string{"clerk"} },
			"a program":        func(r *access.Request) { r.Actor = portal },
		} {
			r := read
			spoil(&r)
			if _, err := c.Permit(t.Context(), r); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
