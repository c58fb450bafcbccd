// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// Whoever searches sends texts of their own: a filter, words, an order, fields, a place in the list.

// secret is a value that no grant of these tests covers.
const secret = "xgeheimx"

// prey fills the register of things with records of p1, which the grant of prey covers, and of others.
func prey(t testing.TB, h *house) access.Grant {
	t.Helper()
	for i := range 12 {
		must(t, h.put(t, "things", "", map[string]any{"id": fmt.Sprint("t", i), "person": fmt.Sprint("p", i%3), "name": []string{"Meier", "O'Brien", "Straße", secret}[i%4],
			"size": float64(i), "title": "Haus " + fmt.Sprint(i), "hidden": secret, "code": secret}, register.Why{}))
	}
	return h.grant(t, access.Request{Action: access.List, Resource: "register:things", Subjects: []string{"p1"}, Fields: []string{"id", "person", "name", "size", "title"}})
}

// told is all that who has searched is told of a mistake.
func told(err error) string {
	key, args := fault.Message(err)
	return fmt.Sprint(key, args, err)
}

func TestAHostileQueryIsRefusedOrFindsNothing(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		g := prey(t, h)
		count := func() int {
			return len(everything(t, h, h.all(t, "things"), "things", register.Query{}))
		}
		before := count()
		for _, q := range []register.Query{
			// to the end of the text and on in SQL
			{Filter: `name = 'Meier'; DROP TABLE register_record`}, {Filter: `name = 'Meier' -- `}, {Filter: `name = 'Meier' /* */`},
			{Filter: `1=1`}, {Filter: `name = 'Meier' UNION SELECT data FROM register_record`}, {Filter: `name = (SELECT data FROM register_record)`},
			{Filter: `name = $1`}, {Filter: `name = ?`}, {Filter: `name || person = 'x'`}, {Filter: `name LIKE person`},
			// fields that aren't there, aren't granted, or aren't fields
			{Filter: `data = 'x'`}, {Filter: `sealed = 'x'`}, {Filter: `register_record.id = 'x'`}, {Filter: `hidden = 'x'`}, {Filter: `code LIKE 'x%'`},
			{Filter: `"id" || "name" = 'x'`}, {Filter: `"name""" = 'x'`}, {Filter: `name->>'$.hidden' = 'x'`}, {Filter: `name['hidden'] = 'x'`}, {Filter: `hidden IS NULL`},
			{Filter: `phonetic(hidden) = 'x'`}, {Filter: `CASEI(hidden) = 'x'`}, {Filter: `place.coordinates = 1`}, {Filter: "na\u200bme = 'x'"}, {Filter: "ｎａｍｅ = 'x'"},
			{Filter: "\u202ename = 'x'"}, {Filter: "NAME = 'x'"}, {Filter: "name\x00 = 'x'"}, {Filter: `load_extension('x') = 'x'`}, {Filter: `pg_sleep(9) = 1`}, {Filter: `randomblob(9) = 'x'`},
			{Sort: "hidden"}, {Sort: "code"}, {Sort: "-hidden"}, {Sort: "id; DROP TABLE register_record"}, {Sort: "size DESC, data"}, {Sort: "--size"}, {Sort: "size "}, {Sort: "SIZE"},
			{Sort: "(CASE WHEN 1=1 THEN id ELSE person END)"}, {Sort: "name"}, {Sort: "ſize"}, {Sort: "size\x00"},
			{Fields: []string{"hidden"}}, {Fields: []string{"id", "code"}}, {Fields: []string{"*"}}, {Fields: []string{"data"}}, {Fields: []string{"$.hidden"}}, {Fields: []string{"name.hidden"}}, {Fields: []string{""}},
			{After: "t5"}, {After: "eyJpIjoidDUifQ"}, {After: "eyJpIjoidDUifQ."}, {After: "."}, {After: strings.Repeat("A", 1<<16) + "." + strings.Repeat("B", 22)}, {After: "eyJpIjoidDUifQ.AAAAAAAAAAAAAAAAAAAAAA"},
			{Text: "   "}, {Text: "\x00"}, {Text: "…"}, {Filter: "name = '\xff'"}, {Filter: strings.Repeat("(", 1<<16)}, {Filter: "name = 'x'" + strings.Repeat(" OR name = 'x'", 1<<12)},
		} {
			page, err := h.Search(t.Context(), g, "things", q)
			if !fault.Is(err, fault.Invalid) || len(page.Records) > 0 || page.Next != "" {
				t.Errorf("%.100q: %v, %d records", fmt.Sprint(q), err, len(page.Records))
				continue
			}
			if text := told(err); strings.Contains(text, secret) || strings.Contains(text, "register_") && !strings.Contains(fmt.Sprint(q), "register_") || strings.Contains(text, "SQL") || len(text) > 4000 {
				t.Errorf("%.100q tells too much: %s", fmt.Sprint(q), text)
			}
		}
		for _, q := range []register.Query{
			{Filter: `name = ''' OR ''1''=''1'`}, {Filter: `name = 'x'' OR 1=1 --'`}, {Filter: `name LIKE '%''%' AND size > 100`}, {Filter: `name = 'Meier\'`}, {Filter: "name = '\u202eSchmidt'"},
			{Filter: `name LIKE '` + strings.Repeat("%_", 90) + `x'`}, {Filter: `name = '` + secret + `' AND person = 'p0'`}, {Text: "DROP TABLE"}, {Text: `" OR title:*`}, {Text: `haus & !x`}, {Text: `NEAR(haus)`},
		} {
			page, err := h.Search(t.Context(), g, "things", q)
			if err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", q, err)
			}
			if len(page.Records) > 0 {
				t.Errorf("%+v finds %d", q, len(page.Records))
			}
		}
		if after := count(); after != before {
			t.Errorf("%d records are left of %d", after, before)
		}
	})
}

// Whether a field isn't there or isn't granted, and whether a value is that of somebody else or of nobody, isn't found out by asking:
// not by the answer, and not by how much was looked at for it.
func TestNobodyFindsOutByAsking(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		g := prey(t, h)
		looked := [2]int{}
		h.Watch(func(examined, opened int) { looked = [2]int{examined, opened} })
		for _, q := range []func(field string) register.Query{
			func(f string) register.Query { return register.Query{Filter: f + " = 'x'"} },
			func(f string) register.Query {
				return register.Query{Filter: "size = 1 AND (" + f + " LIKE 'abc%' OR size = 2)"}
			},
			func(f string) register.Query { return register.Query{Filter: "phonetic(" + f + ") = 'x'"} },
			func(f string) register.Query { return register.Query{Filter: f + " IS NULL"} },
			func(f string) register.Query { return register.Query{Filter: "S_WITHIN(" + f + ", BBOX(1,2,3,4))"} },
			func(f string) register.Query { return register.Query{Filter: "T_AFTER(" + f + ", DATE('2020-01-01'))"} },
			func(f string) register.Query { return register.Query{Sort: f} },
			func(f string) register.Query { return register.Query{Fields: []string{f}} },
		} {
			for _, there := range []string{"hidden", "code", "notes", "place", "built"} {
				_, err := h.Search(t.Context(), g, "things", q(there))
				nosuch := strings.Repeat("q", len(there))
				_, err2 := h.Search(t.Context(), g, "things", q(nosuch))
				if err == nil || strings.ReplaceAll(told(err), there, nosuch) != told(err2) {
					t.Errorf("a field that isn't granted: %s\none that isn't there: %s", told(err), told(err2))
				}
			}
		}
		for _, filter := range []string{"name = '%s'", "name LIKE '%s%%'", "phonetic(name) = '%s'", "name = '%s' AND size > 3", "title = '%s'", "id = '%s'", "person = '%s'"} {
			for _, pair := range [][2]string{{secret, "xniemand"}, {"t2", "t9999"}, {"p2", "p7777"}} {
				var answers [2]string
				var counts [2][2]int
				for i, value := range pair {
					page, err := h.Search(t.Context(), h.grant(t, access.Request{Action: access.List, Resource: "register:things", Subjects: []string{"p2"}, Fields: []string{"id", "name", "size", "title", "person"}}), "things",
						register.Query{Filter: fmt.Sprintf(filter, value)})
					if pair[0] == "p2" || pair[0] == "t2" {
						continue // their own: found or not
					}
					for _, r := range page.Records {
						if !strings.Contains(string(r.Data), `"p2"`) {
							t.Errorf("%s gives %s", filter, r.Data)
						}
					}
					if err != nil {
						answers[i] = strings.ReplaceAll(told(err), value, "…")
					}
					counts[i] = looked
				}
				if answers[0] != answers[1] || counts[0][0] != counts[1][0] {
					t.Errorf("%s of %v: %v, looked at %v", filter, pair, answers, counts)
				}
			}
		}
	})
}

// A place in a list is good for who was given it, for their query, in its register; and only as it was given.
func TestAPlaceInAListIsForWhoGotIt(t *testing.T) {
	h := openThings(t, storetest.SQLite(t, rooms), nil)
	prey(t, h)
	g := h.all(t, "things")
	q := register.Query{Limit: 2, Filter: "size >= 0", Sort: "size"}
	page, err := h.Search(t.Context(), g, "things", q)
	must(t, err)
	if page.Next == "" {
		t.Fatal("no next page")
	}
	q.After = page.Next
	next, err := h.Search(t.Context(), g, "things", q)
	must(t, err)
	if len(next.Records) != 2 || next.Records[0].ID == page.Records[0].ID {
		t.Fatalf("the next page: %+v", next)
	}
	refused := func(what string, g access.Grant, q register.Query) {
		t.Helper()
		if page, err := h.Search(t.Context(), g, "things", q); !fault.Is(err, fault.Invalid) || len(page.Records) > 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := h.grant(t, access.Request{Actor: access.SystemActor("somebody"), Action: access.List, Resource: "register:things", Fields: g.Request().Fields})
	refused("somebody else", other, q)
	for what, change := range map[string]func(*register.Query){
		"another filter": func(q *register.Query) { q.Filter = "size >= 1" }, "no filter": func(q *register.Query) { q.Filter = "" },
		"another order": func(q *register.Query) { q.Sort = "-size" }, "words": func(q *register.Query) { q.Text = "Haus" },
	} {
		changed := q
		change(&changed)
		refused(what, g, changed)
	}
	at, mac, _ := strings.Cut(q.After, ".")
	for i := range len(q.After) {
		b := []byte(q.After)
		b[i] ^= 1
		changed := q
		changed.After = string(b)
		refused(fmt.Sprint("with another byte ", i), g, changed)
	}
	for _, forged := range []string{`{"i":"t0"}`, `{"k":"","i":""}`, `{"k":"x","i":"t9","z":1}`, `null`, `[]`} {
		changed := q
		changed.After = base64.RawURLEncoding.EncodeToString([]byte(forged)) + "." + mac
		refused(forged, g, changed)
	}
	changed := q
	changed.After = at
	refused("unsigned", g, changed)
}

// What a search costs whoever may see few persons depends on their records only: others don't make it longer, and fewer persons
// never make it longer. Whoever may see all is stopped at a bound.
func TestFewerRightsNeverMeanMoreWork(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		fill := func(name string, from, n int, person func(i int) string) {
			var items []register.Item
			for i := from; i < from+n; i++ {
				text, err := json.Marshal(map[string]any{"id": fmt.Sprintf("t%06d", i), "person": person(i), "name": []string{"Meier", "Schmidt", "Özdemir"}[i%3], "size": i % 50,
					"title": fmt.Sprint("Haus ", i%10), "born": fmt.Sprintf("19%02d-01-01", i%90), "code": fmt.Sprint("AAA", i%7)})
				must(t, err)
				items = append(items, register.Item{Register: "things", Data: text})
			}
			must(t, h.Load(t.Context(), h.grant(t, access.Request{Action: access.Change, Resource: "register"}), register.Loading{Name: name, Records: slices.Values(items)}))
		}
		fill("mine", 0, 200, func(i int) string { return fmt.Sprintf("p%02d", i%20) })
		var examined, opened int
		h.Watch(func(e, o int) { examined, opened = e, o })
		fields := []string{"id", "person", "name", "size", "title", "born", "code"}
		queries := []register.Query{
			{}, {Filter: "name = 'Meier'"}, {Filter: "name LIKE 'Sch%'"}, {Filter: "phonetic(name) = 'Mayer'"}, {Filter: "born > DATE('1950-01-01')"}, {Filter: "size BETWEEN 3 AND 5"},
			{Filter: "name LIKE '%zz%'"}, {Text: "Haus"}, {Sort: "size"}, {Sort: "-size", Filter: "name = 'Meier'"}, {Filter: "code = 'AAA1' AND size > 10", Limit: 5}, {Filter: "name = 'Niemand'"},
		}
		cost := func(q register.Query, persons ...string) (e, o int) {
			g := h.grant(t, access.Request{Action: access.List, Resource: "register:things", Subjects: persons, Fields: fields})
			_, err := h.Search(t.Context(), g, "things", q)
			must(t, err)
			return examined, opened
		}
		all := make([]string, 20)
		for i := range all {
			all[i] = fmt.Sprintf("p%02d", i)
		}
		alone := map[string]int{}
		for i, q := range queries {
			last := -1
			for _, n := range []int{1, 5, 20} {
				e, _ := cost(q, all[:n]...)
				if e > n*10 {
					t.Errorf("%+v: %d persons with %d records, %d looked at", q, n, n*10, e)
				}
				if e < last && q.Limit == 0 && i > 0 {
					continue // a full page ends it sooner
				}
				last = e
				alone[fmt.Sprint(i, " ", n)] = e
			}
		}
		fill("others", 200, 6000, func(i int) string { return fmt.Sprintf("q%04d", i%2000) })
		for i, q := range queries {
			for _, n := range []int{1, 5, 20} {
				was, counted := alone[fmt.Sprint(i, " ", n)]
				if e, o := cost(q, all[:n]...); counted && e != was || o > n*10 {
					t.Errorf("%+v with %d persons: %d looked at among themselves, %d among others (%d opened)", q, n, was, e, o)
				}
			}
			few, _ := cost(q, all[0])
			more, _ := cost(q, all...)
			if few > more {
				t.Errorf("%+v: one person costs %d, twenty %d", q, few, more)
			}
			if e, o := cost(q); e > register.MaxExamined+512 || o > 1000 {
				t.Errorf("%+v with all rights: %d looked at, %d opened", q, e, o)
			}
		}
		if e, _ := cost(register.Query{}, "nobody"); e != 0 {
			t.Errorf("somebody without records costs %d", e)
		}
	})
}

// FuzzQuery: whatever is asked, only records of the grant's persons with the grant's fields come, and a mistake says nothing of others.
func FuzzQuery(f *testing.F) {
	for _, q := range []register.Query{
		{}, {Filter: "name = 'Meier' AND size > 3", Sort: "-size"}, {Text: "haus 1"}, {Filter: "hidden = 'x'"}, {Sort: "hidden"}, {After: "eyJpIjoidDUifQ.AAAA"},
		{Filter: "phonetic(name) = 'Maier' OR title LIKE 'H_us%'"}, {Filter: "NOT (name IS NULL) AND person IN ('p1','p2')"}, {Filter: "name BETWEEN 'A' AND 'Z'"}, {Filter: "CASEI(name) = CASEI('meier')"},
		{Filter: "S_DWITHIN(place, POINT(6.7 51.4), 500)"}, {Filter: "T_AFTER(built, DATE('2020-01-01'))"}, {Filter: "id = 't1' OR id = 't2'"}, {Filter: "name = '\u202e' OR size = 1e308"},
	} {
		f.Add(q.Filter, q.Text, q.Sort, "id,name,size", q.After)
	}
	f.Add("", "", "", "id,hidden", "")
	h := openThings(f, storetest.SQLite(f, rooms), nil)
	g := prey(f, h)
	granted := map[string]bool{}
	for _, name := range g.Request().Fields {
		granted[name] = true
	}
	f.Fuzz(func(t *testing.T, filter, text, sort, fields, after string) {
		q := register.Query{Filter: filter, Text: text, Sort: sort, After: after}
		if fields != "" {
			q.Fields = strings.Split(fields, ",")
		}
		page, err := h.Search(t.Context(), g, "things", q)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%+v: %v", q, err)
			}
			if !strings.Contains(filter+text+sort+fields+after, "geheim") && strings.Contains(told(err), secret) {
				t.Fatalf("%+v tells %s", q, told(err))
			}
			return
		}
		if after != "" {
			t.Fatalf("a place that nobody was given is taken: %q", after)
		}
		for _, r := range page.Records {
			var m map[string]any
			if err := json.Unmarshal(r.Data, &m); err != nil {
				t.Fatal(err)
			}
			if r.ID != "t1" && r.ID != "t4" && r.ID != "t7" && r.ID != "t10" {
				t.Fatalf("%+v gives %s", q, r.ID)
			}
			for name := range maps.Keys(m) {
				if !granted[name] || q.Fields != nil && !slices.Contains(q.Fields, name) {
					t.Fatalf("%+v gives %s", q, name)
				}
			}
		}
	})
}
