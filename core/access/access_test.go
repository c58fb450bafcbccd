// SPDX-License-Identifier: EUPL-1.2

package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

func rooms() []store.Migrations { return []store.Migrations{audit.Migrations()} }

var (
	anna    = accesstest.Anna()
	bora    = accesstest.Bora()
	clerk32 = accesstest.Clerk("32")
	portal  = access.Actor{Kind: access.Machine, ID: "erp", Roles: []string{"cases:read"}, Office: "32"}
	process = access.SystemActor("process")
)

// cases are those that the tests name: Anna's, at office 32.
func cases(_ context.Context, _ store.Q, id string) (access.CaseFacts, bool, error) {
	f := access.CaseFacts{Office: "32", Persons: []string{anna.ID}}
	switch id {
	case "c1":
		f.Open = true
	case "decided":
		f.ClosedAt = time.Now().AddDate(0, 0, -7)
	case "old":
		f.ClosedAt = time.Now().AddDate(-1, 0, 0)
	default:
		return access.CaseFacts{}, false, nil
	}
	return f, true, nil
}

func low(a access.Actor) access.Actor {
	a.Level = access.Basic
	return a
}

func withRoles(a access.Actor, roles ...string) access.Actor {
	a.Roles = roles
	return a
}

// TestPolicies is the table of who may do what. A clerk of the legal office can read it.
func TestPolicies(t *testing.T) {
	checker := accesstest.HouseWith(t, access.Config{DB: storetest.SQLite(t, rooms()), Case: cases})
	tests := []struct {
		name string
		req  access.Request
		want bool
	}{
		{"resident reads her own case", access.Request{Actor: anna, Action: access.Read, Resource: "case", Owner: anna.ID}, true},
		{"resident lists her cases, the query holds the owner", access.Request{Actor: anna, Action: access.List, Resource: "case"}, true},
		{"resident reads somebody else's case", access.Request{Actor: anna, Action: access.Read, Resource: "case", Owner: bora.ID}, false},
		{"resident names somebody else as subject", access.Request{Actor: anna, Action: access.Read, Resource: "case", Subjects: []string{bora.ID}}, false},
		{"resident submits", access.Request{Actor: anna, Action: access.Submit, Resource: "case", Owner: anna.ID}, true},
		{"resident decides", access.Request{Actor: anna, Action: access.Decide, Resource: "case", Owner: anna.ID}, false},
		{"resident fetches register data about herself", access.Request{Actor: anna, Action: access.Read, Resource: "register:residents", Owner: anna.ID, Basis: "§ 10 BMG"}, true},
		{"… with one factor only", access.Request{Actor: low(anna), Action: access.Read, Resource: "register:residents", Owner: anna.ID, Basis: "§ 10 BMG"}, false},
		{"… without a legal basis", access.Request{Actor: anna, Action: access.Read, Resource: "register:residents", Owner: anna.ID}, false},
		{"… about somebody else", access.Request{Actor: anna, Action: access.Read, Resource: "register:residents", Owner: bora.ID, Basis: "§ 10 BMG"}, false},
		{"… without saying about whom", access.Request{Actor: anna, Action: access.Read, Resource: "register:residents", Basis: "§ 10 BMG"}, false},
		{"resident changes a register", access.Request{Actor: anna, Action: access.Change, Resource: "register:residents", Owner: anna.ID, Basis: "§ 17 BMG"}, false},
		{"resident asks who read her data", access.Request{Actor: anna, Action: access.Read, Resource: "ledger", Owner: anna.ID}, true},
		{"resident asks who read somebody else's data", access.Request{Actor: anna, Action: access.Read, Resource: "ledger", Owner: bora.ID}, false},

		{"clerk reads a case of the office", access.Request{Actor: clerk32, Action: access.Read, Resource: "case", Office: "32", Owner: anna.ID}, true},
		{"clerk reads a case of another office", access.Request{Actor: clerk32, Action: access.Read, Resource: "case", Office: "21", Owner: anna.ID}, false},
		{"clerk without a role", access.Request{Actor: withRoles(clerk32), Action: access.Read, Resource: "case", Office: "32"}, false},
		{"clerk decides in the office", access.Request{Actor: clerk32, Action: access.Decide, Resource: "task", Office: "32"}, true},
		{"clerk decides elsewhere", access.Request{Actor: clerk32, Action: access.Decide, Resource: "task", Office: "21"}, false},
		{"clerk decides his own matter", access.Request{Actor: clerk32, Action: access.Decide, Resource: "case", Office: "32", Owner: clerk32.ID}, false},
		{"counter enters an application for somebody", access.Request{Actor: withRoles(clerk32, "counter"), Action: access.Submit, Resource: "case", Owner: anna.ID}, true},
		{"counter decides", access.Request{Actor: withRoles(clerk32, "counter"), Action: access.Decide, Resource: "case", Office: "32"}, false},
		{"clerk reads the register for a case", access.Request{Actor: clerk32, Action: access.Read, Resource: "register:residents", Owner: anna.ID, Case: "c1", Basis: "§ 34 BMG"}, true},
		{"… of somebody else", access.Request{Actor: clerk32, Action: access.Read, Resource: "register:residents", Owner: bora.ID, Case: "c1", Basis: "§ 34 BMG"}, false},
		{"… of another office", access.Request{Actor: accesstest.Clerk("21"), Action: access.Read, Resource: "register:residents", Owner: anna.ID, Case: "c1", Basis: "§ 34 BMG"}, false},
		{"… that was decided last week", access.Request{Actor: clerk32, Action: access.Read, Resource: "register:residents", Owner: anna.ID, Case: "decided", Basis: "§ 34 BMG"}, true},
		{"… that was decided last year", access.Request{Actor: clerk32, Action: access.Read, Resource: "register:residents", Owner: anna.ID, Case: "old", Basis: "§ 34 BMG"}, false},
		{"… that doesn't exist", access.Request{Actor: clerk32, Action: access.Read, Resource: "register:residents", Owner: anna.ID, Case: "made up", Basis: "§ 34 BMG"}, false},
		{"clerk reads the register without a case", access.Request{Actor: clerk32, Action: access.Read, Resource: "register:residents", Basis: "§ 34 BMG"}, false},
		{"clerk reads the ledger", access.Request{Actor: clerk32, Action: access.Read, Resource: "ledger"}, false},
		{"auditor reads the ledger", access.Request{Actor: withRoles(clerk32, "auditor"), Action: access.Read, Resource: "ledger"}, true},
		{"auditor reads a case", access.Request{Actor: withRoles(clerk32, "auditor"), Action: access.Read, Resource: "case", Office: "32"}, false},
		{"auditor changes the ledger", access.Request{Actor: withRoles(clerk32, "auditor", "clerk"), Action: access.Change, Resource: "ledger"}, false},

		{"operator looks at a process", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Read, Resource: "process", Case: "c1"}, true},
		{"operator looks at its variables", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Read, Resource: "process:variables", Case: "c1"}, true},
		{"operator changes a process", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Change, Resource: "process", Case: "c1"}, true},
		{"operator changes the process of their own matter", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Change, Resource: "process", Case: "c1", Owner: clerk32.ID}, false},
		{"operator reads a case", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Read, Resource: "case", Office: "32"}, false},
		{"clerk changes a process", access.Request{Actor: clerk32, Action: access.Change, Resource: "process", Case: "c1"}, false},
		{"resident looks at a process", access.Request{Actor: anna, Action: access.Read, Resource: "process", Owner: anna.ID}, false},
		{"machine changes a process with the scope to read", access.Request{Actor: withRoles(portal, "processes:read"), Action: access.Change, Resource: "process"}, false},
		{"machine changes a process", access.Request{Actor: withRoles(portal, "processes:write"), Action: access.Change, Resource: "process"}, true},
		{"machine reads variables of a process", access.Request{Actor: withRoles(portal, "processes:write"), Action: access.Read, Resource: "process:variables"}, false},

		{"machine reads with its scope", access.Request{Actor: portal, Action: access.Read, Resource: "case", Office: "32"}, true},
		{"machine reads another office", access.Request{Actor: portal, Action: access.Read, Resource: "case", Office: "21"}, false},
		{"machine submits without the scope", access.Request{Actor: portal, Action: access.Submit, Resource: "case"}, false},
		{"machine submits with the scope", access.Request{Actor: withRoles(portal, "cases:submit"), Action: access.Submit, Resource: "case"}, true},
		{"machine decides a case", access.Request{Actor: withRoles(portal, "cases:read", "cases:write", "cases:submit", "tasks:write"), Action: access.Decide, Resource: "case"}, false},
		{"machine finishes a task of its office", access.Request{Actor: withRoles(portal, "tasks:write"), Action: access.Decide, Resource: "task", Office: "32"}, true},
		{"machine finishes a task elsewhere", access.Request{Actor: withRoles(portal, "tasks:write"), Action: access.Decide, Resource: "task", Office: "21"}, false},

		{"process acts for a case", access.Request{Actor: process, Action: access.Decide, Resource: "case", Case: "c1"}, true},
		{"system writes a register without a legal basis", access.Request{Actor: process, Action: access.Change, Resource: "register:permits", Case: "c1"}, false},
		{"system reads the ledger", access.Request{Actor: process, Action: access.Read, Resource: "ledger"}, false},
		{"system writes a register on a legal basis", access.Request{Actor: process, Action: access.Change, Resource: "register:permits", Basis: "§ 45 StVO"}, true},
		{"operator lists incidents", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.List, Resource: "incident"}, true},
		{"operator tries one again", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Change, Resource: "incident", Case: "c1", Office: "21"}, true},
		{"operator reads the case of an incident", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Read, Resource: "case", Case: "c1"}, false},
		{"operator tries their own matter again", access.Request{Actor: withRoles(clerk32, "operator"), Action: access.Change, Resource: "incident", Case: "c1", Owner: clerk32.ID}, false},
		{"clerk lists incidents", access.Request{Actor: clerk32, Action: access.List, Resource: "incident", Office: "32"}, false},
		{"resident reads an incident", access.Request{Actor: anna, Action: access.Read, Resource: "incident", Owner: anna.ID}, false},
		{"machine tries an incident again with the scope to read", access.Request{Actor: withRoles(portal, "incidents:read"), Action: access.Change, Resource: "incident", Office: "32"}, false},
		{"machine tries an incident of its office again", access.Request{Actor: withRoles(portal, "incidents:write"), Action: access.Change, Resource: "incident", Office: "32"}, true},
		{"… of another office", access.Request{Actor: withRoles(portal, "incidents:write"), Action: access.Change, Resource: "incident", Office: "21"}, false},
		{"… of no office at all", access.Request{Actor: withRoles(portal, "incidents:read"), Action: access.List, Resource: "incident"}, false},
		{"an unknown resource", access.Request{Actor: anna, Action: access.Read, Resource: "secrets", Owner: anna.ID}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Purpose = "resident-parking"
			g, err := checker.Permit(t.Context(), tt.req)
			if tt.want {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				if g.Zero() || g.Actor().ID != tt.req.Actor.ID {
					t.Fatal("the grant doesn't say what was granted")
				}
				return
			}
			if !fault.Is(err, fault.Denied) || !g.Zero() {
				t.Fatalf("got grant %v, error %v; want a refusal", g, err)
			}
		})
	}
}

// TestRequestNeedsItsParts: what is no proper request is a defect, not a refusal, and isn't on record.
func TestRequestNeedsItsParts(t *testing.T) {
	checker := accesstest.AllowAll(t, storetest.SQLite(t, rooms()))
	ok := access.Request{Actor: anna, Action: access.Read, Resource: "case", Purpose: "own data"}
	tests := map[string]func(*access.Request){
		"no purpose":        func(r *access.Request) { r.Purpose = "" },
		"no actor":          func(r *access.Request) { r.Actor = access.Actor{} },
		"unknown kind":      func(r *access.Request) { r.Actor.Kind = "dog" },
		"unknown action":    func(r *access.Request) { r.Action = "peek" },
		"no resource":       func(r *access.Request) { r.Resource = "" },
		"endless purpose":   func(r *access.Request) { r.Purpose = strings.Repeat("x", 501) },
		"too many subjects": func(r *access.Request) { r.Subjects = slices.Repeat([]string{"p"}, 1001) },
		"nameless subject":  func(r *access.Request) { r.Subjects = []string{""} },
	}
	if _, err := checker.Permit(t.Context(), ok); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range tests {
		r := ok
		spoil(&r)
		if g, err := checker.Permit(t.Context(), r); !fault.Is(err, fault.Internal) || !g.Zero() {
			t.Errorf("%s: got %v, %v", name, g, err)
		}
	}
}

func TestLedger(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		checker := accesstest.House(t, db)
		ctx := t.Context()
		own := accesstest.Grant(t, checker, access.Request{Actor: anna, Action: access.Read, Resource: "ledger", Owner: anna.ID, Purpose: "own data"})
		who := func() []audit.Entry {
			t.Helper()
			entries, err := checker.WhoRead(ctx, own, "", 50)
			if err != nil {
				t.Fatal(err)
			}
			return entries
		}
		if n := len(who()); n != 0 {
			t.Fatalf("her own look at the ledger is listed: %d entries", n)
		}

		read := access.Request{Actor: clerk32, Action: access.Read, Resource: "case", Office: "32", Owner: anna.ID, Case: "c1",
			Purpose: "resident-parking", Basis: "§ 45 StVO", Fields: []string{"plate", "address"}}
		accesstest.Grant(t, checker, read)
		read.Office = "21"
		if _, err := checker.Permit(ctx, read); !fault.Is(err, fault.Denied) {
			t.Fatalf("want a refusal, got %v", err)
		}
		entries := who()
		if len(entries) != 2 {
			t.Fatalf("%d entries, want the read and the refusal", len(entries))
		}
		if e := entries[0]; e.Outcome != audit.Refused || e.Rule != "" {
			t.Errorf("newest is %+v, want the refusal", e)
		}
		if e := entries[1]; e.Outcome != audit.Permitted || e.Rule != "clerk-own-office" || e.ActorName != clerk32.Name ||
			e.Basis != "§ 45 StVO" || !slices.Equal(e.Fields, []string{"plate", "address"}) {
			t.Errorf("the read is %+v", e)
		}

		// A list tells afterwards whom it has shown, each person once.
		list := accesstest.Grant(t, checker, access.Request{Actor: clerk32, Action: access.List, Resource: "task", Purpose: "worklist"})
		for range 2 {
			if err := checker.Seen(ctx, list, []string{anna.ID, bora.ID, anna.ID, ""}); err != nil {
				t.Fatal(err)
			}
		}
		if entries = who(); len(entries) != 3 || entries[0].Purpose != "worklist" {
			t.Fatalf("after the list: %+v", entries)
		}
		if err := checker.Seen(ctx, access.Grant{}, []string{anna.ID}); err == nil {
			t.Error("a zero grant was taken for a list")
		}

		// Pages follow each other without a gap.
		var paged []string
		before := ""
		for {
			page, err := checker.WhoRead(ctx, own, before, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				paged = append(paged, e.ID)
			}
			before = page[len(page)-1].ID
		}
		var all []string
		for _, e := range entries {
			all = append(all, e.ID)
		}
		if !slices.Equal(paged, all) {
			t.Errorf("pages give %v, want %v", paged, all)
		}
		if _, err := checker.WhoRead(ctx, own, "x' OR 1=1", 2); !fault.Is(err, fault.Invalid) {
			t.Errorf("a forged place in the list: %v", err)
		}
		if _, err := checker.WhoRead(ctx, list, "", 2); err == nil {
			t.Error("a grant for tasks opened the ledger")
		}
	})
}

// TestPermitTx: the access and its record happen both or not at all, and a refusal is on record although its
// transaction is rolled back.
// TestDoorsAreOnRecord: where who acted came in and with which program, of a refusal too; a door that isn't there opens nothing.
func TestDoorsAreOnRecord(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		checker := accesstest.House(t, db)
		ask := func(a access.Actor, office string) error {
			_, err := checker.Permit(t.Context(), access.Request{Actor: a, Action: access.Read, Resource: "case", Office: office, Owner: anna.ID, Purpose: "p"})
			return err
		}
		desk, house := clerk32, access.SystemActor("process")
		desk.Door = access.DoorDesk
		program := access.Actor{Kind: access.Machine, ID: "erp", Name: "erp", Roles: []string{"cases:read"}, Door: access.DoorAPI, Client: "erp"}
		if err := errors.Join(ask(desk, "32"), ask(house, "32"), ask(program, "32")); err != nil {
			t.Fatal(err)
		}
		if err := ask(desk, "21"); !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		desk.Door = "window"
		if err := ask(desk, "32"); !fault.Is(err, fault.Internal) {
			t.Errorf("a door that isn't there: %v", err)
		}
		own := accesstest.Grant(t, checker, access.Request{Actor: anna, Action: access.Read, Resource: "ledger", Owner: anna.ID, Purpose: "own data"})
		entries, err := checker.WhoRead(t.Context(), own, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		var got [][2]string
		for _, e := range entries {
			got = append(got, [2]string{e.Door, e.Client})
		}
		if want := [][2]string{{"desk", ""}, {"api", "erp"}, {"house", ""}, {"desk", ""}}; !slices.Equal(got, want) {
			t.Errorf("on record: %q, want %q", got, want)
		}
	})
}

// TestACertificateOpensSpecialCategories: the policies see the certificate that a program is bound to.
func TestACertificateOpensSpecialCategories(t *testing.T) {
	checker := accesstest.HouseWith(t, access.Config{DB: storetest.SQLite(t, rooms()),
		Classify: func(string, []string) []string { return []string{"special"} }, Keeper: func(string) string { return "32" },
		Case: func(context.Context, store.Q, string) (access.CaseFacts, bool, error) {
			return access.CaseFacts{Open: true, Office: "32", Persons: []string{anna.ID}}, true, nil
		}})
	ask := func(certificate string) error {
		_, err := checker.Permit(t.Context(), access.Request{Action: access.Read, Resource: "register:residents", Owner: anna.ID, Case: "c1", Purpose: "p", Basis: "b", Fields: []string{"religion"},
			Actor: access.Actor{Kind: access.Machine, ID: "erp", Office: "32", Roles: []string{"registers:read", "register:residents"}, Certificate: certificate}})
		return err
	}
	if err := ask("thumbprint"); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	if err := ask(""); !fault.Is(err, fault.Denied) {
		t.Errorf("without one: %v", err)
	}
}

func TestPermitTx(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		checker := accesstest.House(t, db)
		ctx := t.Context()
		ledger := audit.Ledger{DB: db}
		count := func() int {
			t.Helper()
			entries, err := ledger.ForCase(ctx, "c9", "", 50)
			if err != nil {
				t.Fatal(err)
			}
			return len(entries)
		}
		read := access.Request{Actor: clerk32, Action: access.Read, Resource: "case", Office: "32", Case: "c9", Purpose: "p"}
		boom := errors.New("boom")
		err := db.Write(ctx, func(tx *store.Tx) error {
			if _, err := checker.PermitTx(ctx, tx, read); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) || count() != 0 {
			t.Fatalf("rolled back: error %v, %d entries", err, count())
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := checker.PermitTx(ctx, tx, read)
			return err
		}); err != nil || count() != 1 {
			t.Fatalf("committed: error %v, %d entries", err, count())
		}
		read.Office = "21"
		err = db.Write(ctx, func(tx *store.Tx) error {
			_, err := checker.PermitTx(ctx, tx, read)
			return err
		})
		checker.Close()
		if !fault.Is(err, fault.Denied) || count() != 2 {
			t.Fatalf("refused: error %v, %d entries", err, count())
		}
	})
}

func TestLoadRefusesBadPolicies(t *testing.T) {
	checker := accesstest.House(t, storetest.SQLite(t, rooms()))
	for name, text := range map[string]string{
		"no id":    `permit (principal, action, resource);`,
		"syntax":   `@id("a") permit (principal, action resource);`,
		"twice":    `@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);`,
		"no files": "",
	} {
		folder := fstest.MapFS{"x.cedar": {Data: []byte(text)}}
		if name == "no files" {
			folder = fstest.MapFS{}
		}
		if err := checker.Load(folder); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	// The old policies are still in force.
	if _, err := checker.Permit(t.Context(), access.Request{Actor: anna, Action: access.Read, Resource: "case", Owner: bora.ID, Purpose: "p"}); !fault.Is(err, fault.Denied) {
		t.Errorf("after failed loads: %v", err)
	}
}

// TestBrokenForbid: a forbid that can't be evaluated must not let through what it would have stopped.
func TestBrokenForbid(t *testing.T) {
	c, err := access.New(access.Config{DB: storetest.SQLite(t, rooms()), Untested: true, Policies: fstest.MapFS{"x.cedar": {Data: []byte(
		`@id("all") permit (principal, action, resource); @id("broken") forbid (principal, action, resource) when { principal.age > 3 };`)}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Permit(t.Context(), access.Request{Actor: anna, Action: access.Read, Resource: "case", Purpose: "p"}); !fault.Is(err, fault.Denied) {
		t.Errorf("got %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(`@id("a") permit (principal is Resident, action, resource) when { resource has owner };`)
	f.Add(`@id("") forbid`)
	db := storetest.SQLite(f, rooms())
	checker := accesstest.AllowAll(f, db)
	f.Fuzz(func(t *testing.T, text string) {
		checker.Load(fstest.MapFS{"x.cedar": {Data: []byte(text)}}) // any text: an error or a policy, never a panic
	})
}

// BenchmarkPermit is the hot path of every read: decide, and put it on record. As many ask at once as a busy house has
// requests under way.
func BenchmarkPermit(b *testing.B) {
	for name, open := range map[string]func(testing.TB, []store.Migrations) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		for _, subjects := range []int{1, 50} {
			b.Run(fmt.Sprintf("%s/%d", name, subjects), func(b *testing.B) {
				checker := accesstest.House(b, open(b, rooms()))
				r := access.Request{Actor: clerk32, Action: access.Read, Resource: "case", Office: "32", Owner: anna.ID, Purpose: "p", Basis: "§ 45 StVO"}
				for i := 1; i < subjects; i++ {
					r.Subjects = append(r.Subjects, fmt.Sprint("person-", i))
				}
				b.SetParallelism(16)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := checker.Permit(context.Background(), r); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
