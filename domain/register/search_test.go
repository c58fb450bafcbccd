// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"fmt"
	"slices"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// everything reads all pages of a search.
func everything(t testing.TB, h *house, g access.Grant, reg string, q register.Query) []string {
	t.Helper()
	ids := []string{}
	for range 1000 {
		page, err := h.Search(t.Context(), g, reg, q)
		must(t, err)
		for _, r := range page.Records {
			ids = append(ids, r.ID)
		}
		if q.After = page.Next; page.Next == "" {
			return ids
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func TestASearchGoesPageByPageAndOnlyAsFarAsTheGrant(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		var all []string
		for i := range 7 {
			all = append(all, fmt.Sprintf("p%d", i))
			must(t, h.put(t, "residents", "", resident(all[i], "Anna", "Schmidt", fmt.Sprintf("1990-01-0%d", i+1)), register.Why{}))
		}
		fields := []string{"id", "family_name"}
		list := h.grant(t, access.Request{Action: access.List, Resource: "register:residents", Fields: fields})
		if got := everything(t, h, list, "residents", register.Query{Limit: 3}); !slices.Equal(got, all) {
			t.Errorf("the list is %v", got)
		}
		for _, action := range []string{access.List, access.Read} {
			some := h.grant(t, access.Request{Action: action, Resource: "register:residents", Owner: "p4", Subjects: []string{"p1", "p6", "nobody"}, Fields: fields})
			if got := everything(t, h, some, "residents", register.Query{Limit: 2}); !slices.Equal(got, []string{"p1", "p4", "p6"}) {
				t.Errorf("a grant to %s three persons lists %v", action, got)
			}
		}
		nobody := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Fields: fields})
		if got := everything(t, h, nobody, "residents", register.Query{}); len(got) != 0 {
			t.Errorf("a grant to read nobody's record lists %v", got)
		}
		page, err := h.Search(t.Context(), list, "residents", register.Query{Limit: 1, Fields: []string{"family_name"}})
		must(t, err)
		if string(page.Records[0].Data) != `{"family_name":"Schmidt"}` {
			t.Errorf("asked for the family name, got %s", page.Records[0].Data)
		}
		// What isn't granted and what isn't there are one answer.
		_, one := h.Search(t.Context(), list, "residents", register.Query{Fields: []string{"birth_date"}})
		_, two := h.Search(t.Context(), list, "residents", register.Query{Fields: []string{"birth_dote"}})
		if !fault.Is(one, fault.Invalid) || !fault.Is(two, fault.Invalid) {
			t.Errorf("not granted: %v; not there: %v", one, two)
		}
		// A place of another list, or one that was never given out, is none.
		for _, after := range []string{page.Next, "x", page.Next + "x", "eyJpIjoicDYifQ.", "eyJpIjoicDYifQ"} {
			q := register.Query{After: after, Limit: 1}
			if after == page.Next {
				q.Sort = "family_name"
			}
			if _, err := h.Search(t.Context(), list, "residents", q); err == nil {
				t.Errorf("the place %q was taken", after)
			}
		}
		if _, err := h.Search(t.Context(), access.Grant{}, "residents", register.Query{}); err == nil {
			t.Error("searched without a grant")
		}
		change := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Fields: fields})
		if _, err := h.Search(t.Context(), change, "residents", register.Query{}); err == nil {
			t.Error("searched with a grant to change")
		}
	})
}
