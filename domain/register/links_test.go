// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
)

// linkedAt is a house whose views ask for their own grants; asked are the requests.
func linkedAt(t testing.TB, db *store.DB, now *time.Time, asked *[]access.Request, refuse *bool) *house {
	h := &house{db: db, checker: accesstest.AllowAll(t, db), vault: vaulttest.Open(t, db)}
	var err error
	h.Service, err = register.New(register.Config{DB: db, Vault: h.vault, Registers: declared(t), Now: func() time.Time { return *now },
		Linked: func(ctx context.Context, r access.Request) (access.Grant, error) {
			*asked = append(*asked, r)
			if *refuse {
				return access.Grant{}, fault.New(fault.Denied, "test", "")
			}
			return h.checker.Permit(ctx, r)
		}})
	must(t, err)
	return h
}

// A change of address, made once, is what every register shows that shows the address, at
// the next read; each such read is one of the residents' register, with its own grant.
func TestAnAddressIsSaidOnceAndShownEverywhere(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		now := day("2026-01-10")
		var asked []access.Request
		refuse := false
		h := linkedAt(t, db, &now, &asked, &refuse)
		must(t, h.put(t, "residents", "", street("Kantstraße"), register.Why{}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", "p1"), register.Why{}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 2", "p1"), register.Why{}))
		must(t, h.put(t, "vehicles", "", car("DU-XY 9", "nobody-known"), register.Why{}))

		fields := []string{"plate", "holder_street"}
		g := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Purpose: "parking", Basis: "§ 35 StVG", Case: "c1", Owner: "p1", Fields: fields})
		shown := func() string {
			t.Helper()
			r, err := h.Get(t.Context(), g, "vehicles", "DU-AB 1")
			must(t, err)
			list, err := h.Fetch(t.Context(), g, register.Use{Register: "vehicles", Person: "p1", Fields: fields})
			must(t, err)
			return fmt.Sprint(string(r.Data), list)
		}
		if got, want := shown(), `{"holder_street":"Kantstraße","plate":"DU-AB 1"} [map[holder_street:Kantstraße plate:DU-AB 1] map[holder_street:Kantstraße plate:DU-AB 2]]`; strings.Count(got, "Kantstraße") != 3 {
			t.Errorf("shown is %s, want %s", got, want)
		}
		for _, r := range asked {
			if r.Resource != "register:residents" || r.Purpose != "parking" || r.Basis != "§ 35 StVG" || r.Case != "c1" || r.Owner != "p1" || !slices.Equal(r.Fields, []string{"street"}) {
				t.Errorf("the residents' register was asked as %+v", r)
			}
		}
		if len(asked) != 2 {
			t.Errorf("two reads have asked %d times", len(asked))
		}

		// She moves: nobody touches the vehicles.
		now = day("2026-02-01")
		must(t, h.put(t, "residents", "", street("Hafenstraße"), register.Why{Case: "move"}))
		if got := shown(); strings.Count(got, "Hafenstraße") != 3 || strings.Contains(got, "Kantstraße") {
			t.Errorf("after the move: %s", got)
		}
		// What was shown on a day of the past is what was so then.
		past, err := h.AsOf(t.Context(), g, "vehicles", "DU-AB 1", day("2026-01-15"), now)
		must(t, err)
		if !strings.Contains(string(past.Data), "Kantstraße") {
			t.Errorf("in January: %s", past.Data)
		}
		// Versions are what was stored, and the address never was.
		hist, err := h.History(t.Context(), g, "vehicles", "DU-AB 1")
		must(t, err)
		if len(hist) != 1 || strings.Contains(string(hist[0].Data), "street") {
			t.Errorf("history: %+v", hist)
		}
		// Own data shows it too.
		own, err := h.OwnData(t.Context(), h.checker.Permit, access.Actor{Kind: access.Resident, ID: "p1", Level: access.Substantial})
		must(t, err)
		i := slices.IndexFunc(own, func(x register.Holding) bool { return x.Register.ID == "vehicles" })
		if i < 0 || !strings.Contains(string(own[i].Records[0].Data), "Hafenstraße") {
			t.Errorf("own data: %+v", own)
		}

		// So does "my data", which reads the other register as the person's own too: on record there, with what is shown only.
		anna := access.Actor{Kind: access.Resident, ID: "p1", Level: access.Substantial}
		asked = nil
		mine, err := h.Own(t.Context(), h.checker.Permit, anna, "vehicles")
		must(t, err)
		if len(mine) != 2 || !strings.Contains(string(mine[0].Data), "Hafenstraße") || !strings.Contains(string(mine[1].Data), "Hafenstraße") {
			t.Errorf("my data: %+v", mine)
		}
		if len(asked) != 1 || asked[0].Resource != "register:residents" || asked[0].Purpose != register.OwnDataPurpose || asked[0].Owner != "p1" || !slices.Contains(asked[0].Fields, "street") {
			t.Errorf("my data has asked the residents' register as %+v", asked)
		}

		// Who may not read the residents' register sees the vehicle and no address.
		refuse = true
		if got := shown(); strings.Contains(got, "straße") || strings.Count(got, "DU-AB") != 3 {
			t.Errorf("without a grant for residents: %s", got)
		}
		if mine, err = h.Own(t.Context(), h.checker.Permit, anna, "vehicles"); err != nil || len(mine) != 2 || strings.Contains(string(mine[0].Data), "straße") {
			t.Errorf("my data without a grant for residents: %+v %v", mine, err)
		}
		refuse, asked = false, nil
		// A grant that doesn't name the view asks for nothing.
		less := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: "p1", Fields: []string{"plate"}})
		r, err := h.Get(t.Context(), less, "vehicles", "DU-AB 1")
		must(t, err)
		if string(r.Data) != `{"plate":"DU-AB 1"}` || len(asked) != 0 {
			t.Errorf("shown is %s, asked %v", r.Data, asked)
		}
		if _, err := h.Fetch(t.Context(), less, register.Use{Register: "vehicles", Person: "p1", Fields: fields}); !fault.Is(err, fault.Denied) {
			t.Errorf("a view outside the grant: %v", err)
		}
		// A link to nobody shows nothing.
		other := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: "nobody-known", Fields: fields})
		if r, err := h.Get(t.Context(), other, "vehicles", "DU-XY 9"); err != nil || string(r.Data) != `{"plate":"DU-XY 9"}` {
			t.Errorf("%s %v", r.Data, err)
		}

		// It can't be written: it isn't this register's to say.
		forged := car("DU-AB 1", "p1")
		forged["holder_street"] = "Schlossallee"
		if err := h.put(t, "vehicles", "", forged, register.Why{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a view was written: %v", err)
		}
	})
}

// A view is held against what it shows.
func TestViewsThatShowNothing(t *testing.T) {
	for _, c := range []struct{ old, with, want string }{
		{"shows = \"street\"", "shows = \"shoe_size\"", "shows residents.shoe_size, which isn't kept there"},
		{"shows = \"street\"", "", "needs both through"},
		{"through = \"holder\"\nshows = \"street\"", "through = \"make\"\nshows = \"street\"", "goes through \"make\", which is no link"},
		{"class = \"personal\"\nsource = \"residents\"\nthrough = \"holder\"\nshows = \"street\"", "class = \"public\"\nsource = \"residents\"\nthrough = \"holder\"\nshows = \"street\"", "what it shows has one class"},
		{"through = \"holder\"\nshows = \"street\"", "search = \"street\"\nthrough = \"holder\"\nshows = \"street\"", "can be neither a key"},
	} {
		out := fstest.MapFS{}
		src := os.DirFS("../../content/registers")
		must(t, fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(src, name)
			if name == "vehicles/register.toml" {
				if !strings.Contains(string(b), c.old) {
					t.Fatalf("%q isn't there", c.old)
				}
				b = []byte(strings.Replace(string(b), c.old, c.with, 1))
			}
			out[name] = &fstest.MapFile{Data: b}
			return err
		}))
		if _, err := register.Load(out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q is not named in %v", c.want, err)
		}
	}
}

// What a case decides is laid over the record as it then is; said twice it is there once,
// and somebody else's record can't be found out.
func TestAmend(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		now := day("2026-01-10")
		var asked []access.Request
		refuse := false
		h := linkedAt(t, db, &now, &asked, &refuse)
		must(t, h.put(t, "residents", "", street("Kantstraße"), register.Why{}))
		must(t, h.put(t, "residents", "", resident("p2", "Elif", "Kaya", "1988-04-12"), register.Why{}))
		g := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Owner: "p1", Case: "c1"})
		amend := func(key string, fields map[string]any, why register.Why) error {
			return db.Write(t.Context(), func(tx *store.Tx) error {
				return h.Amend(t.Context(), tx, g, "residents", key, fields, why)
			})
		}
		versions := func() int {
			all := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: "p1", Fields: []string{"street"}})
			list, err := h.History(t.Context(), all, "residents", "p1")
			must(t, err)
			return len(list)
		}
		future := register.Why{From: day("2026-03-01"), Reason: "Ummeldung"}
		must(t, amend("p1", map[string]any{"street": "Hafenstraße", "house_number": "7"}, future))
		must(t, amend("p1", map[string]any{"street": "Hafenstraße", "house_number": "7"}, future))
		if n := versions(); n != 2 {
			t.Errorf("said twice there are %d versions, want 2", n)
		}
		read := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: "p1", Fields: []string{"street", "house_number", "family_name"}})
		for at, want := range map[string]string{"2026-01-20": "Kantstraße", "2026-03-02": "Hafenstraße"} {
			now = day(at)
			r, err := h.Get(t.Context(), read, "residents", "p1")
			must(t, err)
			if !strings.Contains(string(r.Data), want) || !strings.Contains(string(r.Data), "Schmidt") {
				t.Errorf("on %s: %s", at, r.Data)
			}
		}
		for key, fields := range map[string]map[string]any{"p2": {"street": "Hafenstraße"}, "p3": {"street": "Hafenstraße"}, "p1": {"id": "p2"}} {
			if err := amend(key, fields, register.Why{}); err == nil || strings.Contains(err.Error(), "Kaya") {
				t.Errorf("%s %v: %v", key, fields, err)
			}
		}
		same := func(key string) string { return fmt.Sprint(amend(key, map[string]any{"street": "x"}, register.Why{})) }
		if same("p2") != same("p3") {
			t.Errorf("the error tells whether there is somebody: %s / %s", same("p2"), same("p3"))
		}
		if err := amend("p1", map[string]any{"colour": "red"}, register.Why{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("what the register doesn't know: %v", err)
		}
	})
}
