// SPDX-License-Identifier: EUPL-1.2

package access_test

import (
	"os"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// TestWhoReadNarrowed: the list can be narrowed by what is shown, not by what is withheld, and one entry is given only to
// whom it is about.
func TestWhoReadNarrowed(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		checker, err := access.New(access.Config{DB: db, Policies: os.DirFS("../../content/policies"), Now: func() time.Time { return now }, Disclose: func(e audit.Entry) audit.Disclosure {
			switch e.Purpose {
			case "investigation":
				return audit.Disclosure{Hidden: true}
			case "quiet":
				return audit.Disclosure{Fields: []string{"action"}}
			}
			return audit.Disclosure{Fields: []string{"office", "action", "resource", "basis", "case"}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		read := func(office, resource, purpose string, day int) string {
			t.Helper()
			now = time.Date(2026, 3, day, 9, 0, 0, 0, time.UTC)
			return accesstest.Grant(t, checker, access.Request{Actor: accesstest.Clerk(office), Action: access.Read, Resource: resource, Office: office,
				Owner: anna.ID, Case: "c1", Basis: "§ 34 BMG", Purpose: purpose}).EntryID()
		}
		a := read("32", "case", "p", 1)
		b := read("21", "case", "p", 2)
		hidden := read("32", "case", "investigation", 3)
		quiet := read("32", "register:residents", "quiet", 4)
		c := read("32", "register:residents", "p", 5)
		own := accesstest.Grant(t, checker, access.Request{Actor: anna, Action: access.Read, Resource: "ledger", Owner: anna.ID, Purpose: "own data"})
		day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
		for name, tt := range map[string]struct {
			w    audit.Narrow
			want []string
		}{
			"all":              {audit.Narrow{}, []string{c, quiet, b, a}},
			"office":           {audit.Narrow{Office: "32"}, []string{c, a}},
			"withheld office":  {audit.Narrow{Office: "32", From: day(4), To: day(5)}, nil},
			"register":         {audit.Narrow{Resource: "register:residents"}, []string{c}},
			"time":             {audit.Narrow{From: day(2), To: day(5)}, []string{quiet, b}},
			"office with code": {audit.Narrow{Office: "32' OR '1'='1"}, nil},
		} {
			for _, n := range []int{1, 2, 50} {
				var got []string
				for before := ""; ; {
					page, err := checker.WhoReadWhere(ctx, own, before, tt.w, n)
					if err != nil {
						t.Fatal(name, err)
					}
					if len(page) == 0 {
						break
					}
					for _, e := range page {
						got = append(got, e.ID)
					}
					before = page[len(page)-1].ID
				}
				if len(got) != len(tt.want) {
					t.Fatalf("%s in pages of %d: %d entries, want %d", name, n, len(got), len(tt.want))
				}
				for i := range got {
					if got[i] != tt.want[i] {
						t.Errorf("%s: entry %d is another", name, i)
					}
				}
			}
		}
		if e, err := checker.WhoReadOne(ctx, own, quiet); err != nil || e.Office != "" || e.Action != access.Read {
			t.Errorf("an entry of which little is disclosed: %+v, %v", e, err)
		}
		theirs := accesstest.Grant(t, checker, access.Request{Actor: bora, Action: access.Read, Resource: "ledger", Owner: bora.ID, Purpose: "own data"})
		for name, try := range map[string]struct {
			g  access.Grant
			id string
		}{"hidden": {own, hidden}, "somebody else's": {theirs, a}, "none": {own, ident.New()}, "no id": {own, "x' OR 1=1"}, "my own look": {own, own.EntryID()}} {
			if _, err := checker.WhoReadOne(ctx, try.g, try.id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v, want not found", name, err)
			}
		}
	})
}
