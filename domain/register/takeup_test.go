// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
)

// node is one of several programs on one database.
type node struct {
	*house
	follow *register.Follower
}

// nodes are some of them, and the shelf by which a command applies packages.
func nodes(t *testing.T, db *store.DB, n int, folder fstest.MapFS, grace time.Duration) ([]*node, *register.Shelf) {
	t.Helper()
	v := vaulttest.Open(t, db)
	var out []*node
	for range n {
		x := openNode(t, db, v, folder)
		x.follow.Grace = grace
		out = append(out, x)
	}
	return out, &register.Shelf{DB: db, Vault: v, Now: time.Now}
}

func openNode(t *testing.T, db *store.DB, v *vault.Vault, folder fstest.MapFS) *node {
	t.Helper()
	shelf := &register.Shelf{DB: db, Vault: v, Now: time.Now}
	regs, _, err := shelf.Settle(t.Context(), folder, "system:start")
	must(t, err)
	x := &node{house: &house{db: db, checker: accesstest.AllowAll(t, db), vault: v}}
	x.Service, err = register.New(register.Config{DB: db, Vault: v, Registers: regs})
	must(t, err)
	must(t, x.Upgrade(t.Context()))
	x.follow = &register.Follower{Shelf: shelf, Folder: folder, Service: x.Service}
	return x
}

// look lets a node look until a question has the answer yes.
func (x *node) look(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for began := time.Now(); !yes(); time.Sleep(5 * time.Millisecond) {
		if _, err := x.follow.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%s: not in ten seconds", what)
		}
	}
}

func (x *node) has(field string) bool {
	d, _ := x.Registers().Get("vehicles")
	_, ok := d.Field(field)
	return ok
}

func state(t *testing.T, shelf *register.Shelf) string {
	t.Helper()
	list, err := shelf.Versions(t.Context(), "vehicles")
	must(t, err)
	return list[len(list)-1].State
}

func coloured(plate, holder, colour string) map[string]any {
	c := car(plate, holder)
	c["colour"] = colour
	return c
}

// TestARunningHouseTakesAPackageUp: a compatible version is in force at every node without a restart, while others read and
// write; a program that begins meanwhile finds the same.
func TestARunningHouseTakesAPackageUp(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		old := packages(t)
		list, shelf := nodes(t, db, 2, old, time.Millisecond)
		a, b := list[0], list[1]
		must(t, a.put(t, "vehicles", "", car("DU-AB 1", "p1"), register.Why{}))
		ctx, stop := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		for i, x := range list {
			busy.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					if err := x.put(t, "vehicles", "", car(fmt.Sprintf("DU-N %d", i*100+n%50+1), "p1"), register.Why{Reason: fmt.Sprint(n)}); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		if err := a.put(t, "vehicles", "", coloured("DU-AB 2", "p1", "red"), register.Why{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("before: %v", err)
		}
		wide := packages(t, add("vehicles", newField, `"colour": {"type": "string"}`)...)
		steps, err := shelf.Apply(t.Context(), wide, "vehicles", "command:test", false)
		if err != nil || len(steps) != 1 || len(steps[0].Obstacles) > 0 {
			t.Fatalf("%+v %v", steps, err)
		}
		before := a.Registers().Edition()
		a.look(t, "the first node", func() bool { return a.has("colour") })
		b.look(t, "the second node", func() bool { return b.has("colour") })
		stop()
		busy.Wait()
		if a.Registers().Edition() == before {
			t.Error("who derives something from the registers isn't told")
		}
		if s := state(t, shelf); s != register.InForce {
			t.Errorf("the version is %s", s)
		}
		must(t, b.put(t, "vehicles", "", coloured("DU-AB 2", "p1", "red"), register.Why{}))
		if c := openNode(t, db, a.vault, old); !c.has("colour") {
			t.Error("a program that begins has the version before")
		}
	})
}

// TestAVersionThatTakesLessIsGuarded: between the command and its coming into force nobody writes what the new version wouldn't
// take, at no node; what was written in the moment before makes it be refused, and then the old one holds as before.
func TestAVersionThatTakesLessIsGuarded(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		list, shelf := nodes(t, db, 2, packages(t), 300*time.Millisecond)
		a, b := list[0], list[1]
		petrol := func(plate string) map[string]any {
			c := car(plate, "p1")
			c["fuel"] = "petrol"
			return c
		}
		must(t, a.put(t, "vehicles", "", car("DU-AB 1", "p1"), register.Why{}))
		narrow := packages(t, `vehicles/codes/fuel.toml: code = "petrol" => code = "otto"`)
		apply := func() {
			t.Helper()
			steps, err := shelf.Apply(t.Context(), narrow, "vehicles", "command:test", false)
			if err != nil || len(steps) != 1 || len(steps[0].Obstacles) > 0 {
				t.Fatalf("%+v %v", steps, err)
			}
		}
		apply()
		must(t, b.put(t, "vehicles", "", petrol("DU-AB 2"), register.Why{})) // b hasn't looked yet
		guards := func(x *node) func() bool {
			return func() bool {
				return fault.Is(x.put(t, "vehicles", "", petrol("DU-AB 3"), register.Why{}), fault.Unavailable)
			}
		}
		if _, err := a.follow.Look(t.Context()); err != nil || !guards(a)() {
			t.Fatalf("the first node lets it be written: %v", err)
		}
		if _, err := b.follow.Look(t.Context()); err != nil || !guards(b)() {
			t.Fatalf("the second node lets it be written: %v", err)
		}
		must(t, a.put(t, "vehicles", "", car("DU-AB 4", "p1"), register.Why{})) // what both take goes on
		a.look(t, "the first node", func() bool { return state(t, shelf) != register.Waiting })
		if s := state(t, shelf); s != register.Refused {
			t.Fatalf("the version is %s", s)
		}
		for _, x := range list {
			x.look(t, "a node after the refusal", func() bool { return !guards(x)() })
			must(t, x.put(t, "vehicles", "", petrol("DU-AB 3"), register.Why{}))
		}
		// Nobody has it any more: now it comes, and stays.
		for _, plate := range []string{"DU-AB 2", "DU-AB 3"} {
			must(t, a.put(t, "vehicles", "", car(plate, "p1"), register.Why{}))
		}
		apply()
		for _, x := range list {
			x.look(t, "a node", func() bool {
				d, _ := x.Registers().Get("vehicles")
				_, ok := d.CodeList("fuel").Has("petrol")
				return !ok
			})
			if err := x.put(t, "vehicles", "", petrol("DU-AB 5"), register.Why{}); !fault.Is(err, fault.Invalid) {
				t.Errorf("it takes what isn't in the list any more: %v", err)
			}
		}
		if s := state(t, shelf); s != register.InForce {
			t.Errorf("the version is %s", s)
		}
	})
}

// TestAServiceCanStandInTheWay: what else in the house wouldn't go with a version refuses it.
func TestAServiceCanStandInTheWay(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		list, shelf := nodes(t, db, 1, packages(t), time.Millisecond)
		a := list[0]
		a.follow.Unfit = func(next *register.Registers) []string {
			if d, _ := next.Get("vehicles"); len(d.FieldNames()) > 0 {
				return []string{"the service x needs it otherwise"}
			}
			return nil
		}
		_, err := shelf.Apply(t.Context(), packages(t, add("vehicles", newField, `"colour": {"type": "string"}`)...), "vehicles", "command:test", false)
		must(t, err)
		var told []register.Step
		for range 3 {
			steps, err := a.follow.Look(t.Context())
			must(t, err)
			told = append(told, steps...)
		}
		if len(told) != 1 || len(told[0].Obstacles) != 1 || !strings.Contains(told[0].Obstacles[0].Rule, "service x") || state(t, shelf) != register.Refused || a.has("colour") {
			t.Errorf("%+v, %s", told, state(t, shelf))
		}
	})
}

// TestSearchIsRightWhileItsIndexIsBuilt: a field that comes to be searched finds every record from the first moment, the slow
// way, also those that are written meanwhile; an order that isn't built yet says so; afterwards the index serves at every node.
func TestSearchIsRightWhileItsIndexIsBuilt(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		list, shelf := nodes(t, db, 2, packages(t), time.Millisecond)
		a, b := list[0], list[1]
		for i := range 6 {
			must(t, a.put(t, "vehicles", "", car(fmt.Sprintf("DU-AB %d", i+1), "p1"), register.Why{}))
		}
		_, err := shelf.Apply(t.Context(), packages(t, "vehicles/register.toml: name = \"model\" => name = \"model\"\nsearch = [\"fold\", \"prefix\"]"), "vehicles", "command:test", false)
		must(t, err)
		searched := func(x *node) func() bool {
			return func() bool {
				d, _ := x.Registers().Get("vehicles")
				f, _ := d.Field("model")
				return f.Search == register.Folded
			}
		}
		a.look(t, "the first node", searched(a))
		b.look(t, "the second node", searched(b))
		find := func(x *node, filter string) (n int) {
			t.Helper()
			g := x.grant(t, access.Request{Action: access.List, Resource: "register:vehicles", Fields: []string{"plate", "model"}})
			for after, more := "", true; more; {
				p, err := x.Search(t.Context(), g, "vehicles", register.Query{Filter: filter, After: after})
				must(t, err)
				n += len(p.Records)
				after, more = p.Next, p.Next != ""
			}
			return n
		}
		right := func(when string, want int) {
			t.Helper()
			for _, x := range list {
				for _, filter := range []string{"model = 'astra'", "model LIKE 'ast%'", "plate = 'DU-AB 1' OR model = 'ASTRA'"} {
					if n := find(x, filter); n != want {
						t.Errorf("%s: %s finds %d of %d", when, filter, n, want)
					}
				}
			}
		}
		right("before it is built", 6)
		must(t, b.put(t, "vehicles", "", car("DU-AB 7", "p1"), register.Why{}))
		right("with a new one", 7)
		for _, x := range list {
			if lacks, err := x.Indexing(t.Context()); err != nil || !lacks {
				t.Fatalf("nothing is to be built: %v", err)
			}
		}
		must(t, errors.Join(a.Upgrade(t.Context()), b.Upgrade(t.Context())))
		for _, x := range list {
			if lacks, err := x.Indexing(t.Context()); err != nil || lacks {
				t.Errorf("it isn't built: %v", err)
			}
		}
		right("by the index", 7)
	})
}
