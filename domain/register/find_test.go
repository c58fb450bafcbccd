// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/lang/cql2"
)

// things is a register with every way to search.
var things = fstest.MapFS{
	"things/register.toml": {Data: []byte(`
id = "things"
office = "62"
basis = "test"
key = "id"
person = "person"
title = { de = "x", en = "x", tr = "x" }
purpose = { de = "x", en = "x", tr = "x" }
retention = { de = "x", en = "x", tr = "x" }
` + field("id", "internal", "") + field("person", "internal", "") +
		field("name", "personal", `search = ["fold", "prefix", "phonetic", "text"]`) +
		field("born", "personal", `search = "date"`) +
		field("code", "internal", `search = ["exact", "prefix"]`) +
		field("street", "personal", `search = ["street", "prefix"]`) +
		field("size", "internal", `search = "range"`) +
		field("title", "internal", `search = ["fold", "range", "text"]`) +
		field("built", "internal", `search = "date"`) +
		field("seen", "internal", `search = "range"`) +
		field("open", "internal", `search = "exact"`) +
		field("place", "internal", "search = \"geo\"\ngeometry = true") +
		field("notes", "internal", `search = "text"`) +
		field("hidden", "internal", ""))},
	"things/schema.json": {Data: []byte(`{"type": "object", "additionalProperties": false, "required": ["id"], "properties": {
"id": {"type": "string"}, "person": {"type": "string"}, "name": {"type": "string"}, "born": {"type": "string", "format": "date"},
"code": {"type": "string"}, "street": {"type": "string"}, "size": {"type": "number"}, "title": {"type": "string"},
"built": {"type": "string", "format": "date"}, "seen": {"type": "string", "format": "date-time"}, "open": {"type": "boolean"},
"place": {"type": "object"}, "notes": {"type": "array"}, "hidden": {"type": "string"}}}`)},
}

func field(name, class, more string) string {
	return fmt.Sprintf("[[field]]\nname = %q\nclass = %q\nsource = \"own\"\ntitle = { de = \"x\", en = \"x\", tr = \"x\" }\n%s\n", name, class, more)
}

func openThings(t testing.TB, db *store.DB, now func() time.Time) *house {
	t.Helper()
	regs, err := register.Load(things)
	must(t, err)
	h := open(t, db)
	h.vault = vaulttest.Open(t, db)
	h.Service, err = register.New(register.Config{DB: db, Vault: h.vault, Registers: regs, Now: now})
	must(t, err)
	return h
}

// all is a grant to list everything with all fields.
func (h *house) all(t testing.TB, reg string) access.Grant {
	d, ok := h.Registers().Get(reg)
	if !ok {
		t.Fatalf("no register %s", reg)
	}
	return h.grant(t, access.Request{Action: access.List, Resource: register.Resource(reg), Fields: d.FieldNames()})
}

func point(x, y float64) map[string]any {
	return map[string]any{"type": "Point", "coordinates": []any{x, y}}
}

func square(x, y, side float64) map[string]any {
	return map[string]any{"type": "Polygon", "coordinates": []any{[]any{[]any{x, y}, []any{x + side, y}, []any{x + side, y + side}, []any{x, y + side}, []any{x, y}}}}
}

func TestAFilterFindsWhatFits(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		for _, r := range []map[string]any{
			{"id": "a", "person": "p1", "name": "Müller-Meier", "born": "1980-05-03", "code": "AB-1", "street": "Kantstr.", "size": 1.5, "title": "Äpfel", "built": "2020-01-31", "seen": "2026-05-03T10:00:00+02:00", "open": true, "place": point(6.76, 51.43), "notes": []any{"Gaststätten am Wasser", "ruhig"}},
			{"id": "b", "person": "p2", "name": "Mueller", "born": "1980-06-01", "code": "AB-2", "street": "Kantstraße", "size": -2, "title": "birnen", "built": "2020-02-01", "seen": "2026-05-03T23:59:59Z", "open": false, "place": square(6.70, 51.40, 0.1), "notes": []any{"Gaststätte"}},
			{"id": "c", "person": "p3", "name": "Meyer", "born": "1999-12-31", "code": "ab-3", "street": "Kölner Straße", "size": 100, "title": "Zwetschgen", "built": "2021-01-01", "seen": "2026-05-04T00:00:00Z", "place": point(6.77, 51.43)},
			{"id": "d", "person": "p4", "name": "van der Maier", "born": "2001-01-01", "code": "XY_9", "size": 0, "title": "Apfelmus 100%", "hidden": "x"},
			{"id": "e"},
		} {
			must(t, h.put(t, "things", "", r, register.Why{}))
		}
		g := h.all(t, "things")
		for filter, want := range map[string]string{
			``: "abcde", `TRUE`: "abcde", `FALSE`: "",
			`id = 'b'`: "b", `id IN ('c', 'a', 'zz')`: "ac", `id <> 'b'`: "acde", `id = 'a' OR name = 'Meyer'`: "ac",
			`name = 'MÜLLER'`: "b", `name = 'muller'`: "", `'Meyer' = name`: "c", `name <> 'Meyer'`: "abd",
			`name IN ('Meyer', 'Müller', 'x')`: "bc", `name NOT IN ('Meyer', 'Müller')`: "ad",
			`name LIKE 'Müll%'`: "ab", `name LIKE 'Mü%'`: "ab", `name LIKE '%Mei%'`: "a", `name LIKE 'M_yer'`: "c", `name LIKE 'van %'`: "d", `name LIKE 'Van Der Mai%'`: "d",
			`name NOT LIKE 'Mu%'`: "cd", `name LIKE 'Mullah%'`: "",
			`phonetic(name) = 'Maier'`: "acd", `phonetic(name) = phonetic('Miller')`: "ab", `phonetic(name) IN ('Miller', 'Meyer')`: "abcd", `NOT phonetic(name) = 'Maier'`: "b",
			`born = '1980-05-03'`: "a", `born = DATE('1980-05-03')`: "a", `born BETWEEN DATE('1980-05-03') AND DATE('1980-06-01')`: "ab", `born > '1980-05-03' AND born < '2001-01-01'`: "bc",
			`born >= '1999-01-01'`: "cd", `T_BEFORE(born, DATE('1999-12-31'))`: "ab", `T_AFTER(born, DATE('1999-12-31'))`: "d", `T_DURING(born, INTERVAL('1980-05-03', '1999-12-31'))`: "b",
			`T_INTERSECTS(born, INTERVAL('1980-05-03', '1999-12-31'))`: "abc", `T_INTERSECTS(INTERVAL('1980-05-03', '..'), born)`: "abcd", `T_DISJOINT(born, INTERVAL('1980-05-03', '1999-12-31'))`: "d",
			`T_EQUALS(born, DATE('1980-06-01'))`: "b", `T_AFTER(born, INTERVAL('1980-01-01', '..'))`: "", `T_CONTAINS(INTERVAL('1980-05-03', '1999-12-31'), born)`: "b",
			`code = 'AB-1'`: "a", `code = 'ab-1'`: "", `CASEI(code) = CASEI('ab-1')`: "a", `code LIKE 'AB%'`: "ab", `CASEI(code) LIKE CASEI('ab-%')`: "abc", `code LIKE 'XY\_9'`: "d", `code LIKE 'AB\_1'`: "",
			`street = 'Kantstraße'`: "ab", `street = 'KANTSTR'`: "ab", `street LIKE 'Kölner %'`: "c",
			`size > 0`: "ac", `size >= 0`: "acd", `size = -2`: "b", `size BETWEEN -3 AND 1.5`: "abd", `size < 0 OR size > 50`: "bc", `1 < size`: "ac", `size IN (0, 100)`: "cd",
			`title = 'aepfel'`: "a", `title > 'B'`: "bc", `title LIKE '%100\%'`: "d", `ACCENTI(title) = ACCENTI('Äpfel')`: "a",
			`built >= '2020-02-01'`: "bc", `built = DATE('2021-01-01')`: "c", `built < TIMESTAMP('2020-02-01T00:00:00Z')`: "a",
			`seen = DATE('2026-05-03')`: "ab", `seen > DATE('2026-05-03')`: "c", `seen < TIMESTAMP('2026-05-03T09:00:00Z')`: "a", `seen <= DATE('2026-05-03')`: "ab",
			`open = TRUE`: "a", `open <> TRUE`: "b", `NOT open = FALSE`: "a",
			`name IS NULL`: "e", `name IS NOT NULL AND size IS NULL`: "", `place IS NULL`: "de", `street IS NULL`: "de",
			`S_DWITHIN(place, POINT(6.76 51.43), 100)`: "ab", `S_DWITHIN(place, POINT(6.76 51.43), 1000)`: "abc", `S_WITHIN(place, BBOX(6.75, 51.42, 6.78, 51.44))`: "ac",
			`S_INTERSECTS(place, POINT(6.75 51.45))`: "b", `S_CONTAINS(place, BBOX(6.71, 51.41, 6.72, 51.42))`: "b", `S_DISJOINT(place, BBOX(6.75, 51.42, 6.765, 51.44))`: "c",
			`S_INTERSECTS(place, LINESTRING(6.0 51.43, 7.0 51.43))`: "abc", `S_WITHIN(place, POLYGON((6 51, 7 51, 7 52, 6 52, 6 51),(6.755 51.425, 6.765 51.425, 6.765 51.435, 6.755 51.435, 6.755 51.425)))`: "c",
			`S_BEYOND(place, POINT(6.76 51.43), 100)`: "c",
			`name = 'Meyer' AND born = '1999-12-31' AND phonetic(name) = 'Maier' AND size > 1 AND S_DWITHIN(place, POINT(6.77 51.43), 10)`: "c",
			`name = 'Meyer' AND born = '1999-12-30'`: "",
		} {
			for _, limit := range []int{1, 50} {
				got := strings.Join(everything(t, h, g, "things", register.Query{Filter: filter, Limit: limit}), "")
				if got != want {
					t.Errorf("%s: %q, want %q (page of %d)", filter, got, want, limit)
				}
			}
			if want == "" {
				continue
			}
			for sort, order := range map[string]string{"size": "ebdac", "-size": "cadbe", "title": "eadbc"} {
				kept := strings.Map(func(r rune) rune {
					if !strings.ContainsRune(want, r) {
						return -1
					}
					return r
				}, order)
				if got := strings.Join(everything(t, h, g, "things", register.Query{Filter: filter, Sort: sort, Limit: 2}), ""); got != kept {
					t.Errorf("%s by %s: %q, want %q", filter, sort, got, kept)
				}
			}
		}
		for text, want := range map[string]string{"gaststätte": "ab", "Wasser Gaststätten": "a", "ruhig": "a", "Apfelmus": "d", "meier": "a", "nichts": ""} {
			if got := strings.Join(everything(t, h, g, "things", register.Query{Text: text, Limit: 1}), ""); got != want {
				t.Errorf("text %q: %q, want %q", text, got, want)
			}
		}
		if got := everything(t, h, g, "things", register.Query{Text: "gaststätte", Filter: `size < 0`}); !slices.Equal(got, []string{"b"}) {
			t.Errorf("text and filter: %v", got)
		}
		// A grant for some persons: theirs and nobody else's, whatever is asked and sorted by.
		some := h.grant(t, access.Request{Action: access.List, Resource: "register:things", Subjects: []string{"p2", "p4"}, Fields: g.Request().Fields})
		for filter, want := range map[string]string{``: "bd", `name LIKE 'M%'`: "b", `id = 'a'`: "", `size >= 0`: "d", `name = 'Müller' OR id = 'a' OR TRUE`: "bd", `NOT id = 'x'`: "bd"} {
			for sort, order := range map[string]string{"": want, "size": want, "-size": reverse(want)} {
				if got := strings.Join(everything(t, h, some, "things", register.Query{Filter: filter, Sort: sort, Limit: 1}), ""); got != order {
					t.Errorf("two persons: %s by %q: %q, want %q", filter, sort, got, order)
				}
			}
		}
	})
}

func reverse(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

func TestAFilterThatCantBeAskedSaysWhy(t *testing.T) {
	h := openThings(t, storetest.SQLite(t, rooms), nil)
	words, err := i18n.Load(register.Messages())
	must(t, err)
	g := h.grant(t, access.Request{Action: access.List, Resource: "register:things", Fields: []string{"id", "name", "size", "hidden", "born", "place", "open", "notes", "code"}})
	for filter, want := range map[string]string{
		`nothing = 1`: "cql2.field", `title = 'x'`: "cql2.field", `"title; --" = 'x'`: "cql2.expected.name", `title IS NULL`: "cql2.field", `phonetic(title) = 'x'`: "cql2.field",
		`hidden = 'x'`: "cql2.unsearched", `name > 'x'`: "cql2.way.range", `size LIKE 'x'`: "cql2.way.prefix", `phonetic(code) = 'x'`: "cql2.way.phonetic",
		`name = 5`: "cql2.value", `size = 'x'`: "cql2.value", `born = 'yesterday'`: "cql2.value", `open = 1`: "cql2.value", `notes = 'x'`: "cql2.compared", `place = 'x'`: "cql2.compared",
		`name = code`: "cql2.value", `1 = 1`: "cql2.fieldAndValue", `size + 1 = 2`: "cql2.fieldAndValue", `sleep(10) = 1`: "cql2.function", `load_file('/etc/passwd')`: "cql2.function", `S_TOUCHES(place, POINT(1 2))`: "cql2.function",
		`A_CONTAINS(notes, ('x'))`: "cql2.function", `S_DWITHIN(place, POINT(1 2), 1000000)`: "cql2.metres", `S_DWITHIN(name, POINT(1 2), 1)`: "cql2.way.geo", `S_WITHIN(place, POINT(500 2))`: "cql2.asked",
		`T_MEETS(born, INTERVAL('2020-01-01', '..'))`: "cql2.function", `name LIKE '` + strings.Repeat("%a", 200) + `'`: "cql2.pattern", `name = 'x' OR`: "cql2.expected.term", `name IN ('x'`: "cql2.expected.sign", `S_WITHIN(place, 'x')`: "cql2.expected.geometry", `phonetic(name)`: "cql2.function",
		"id IN ('" + strings.Repeat("x','", 200) + "')": "cql2.list",
	} {
		_, err := h.Search(t.Context(), g, "things", register.Query{Filter: filter})
		f, ok := err.(*fault.Error)
		if !ok || f.Kind != fault.Invalid || f.Msg != want {
			t.Errorf("%.80s: %v, want %s", filter, err, want)
			continue
		}
		if said := words.Localizer("de").T(f.Msg, f.Args...); said == f.Msg || strings.ContainsAny(said, "{}") {
			t.Errorf("%.80s: %q", filter, said)
		}
	}
	// Whether a field isn't there or isn't granted is one answer, word by word.
	ask := func(q register.Query) string {
		_, err := h.Search(t.Context(), g, "things", q)
		f, ok := err.(*fault.Error)
		if !ok {
			t.Fatalf("%+v: %v", q, err)
		}
		return strings.NewReplacer("title", "X", "teapt", "X").Replace(fmt.Sprint(f.Kind, f.Msg, f.Args))
	}
	for _, q := range []register.Query{{Filter: "title = 'x'"}, {Filter: "title LIKE 1"}, {Filter: "title > 1"}, {Filter: "id = 'a' AND S_WITHIN(title, POINT(1 2))"}, {Sort: "title"}, {Sort: "-title"}, {Fields: []string{"title"}}} {
		other := q
		other.Filter, other.Sort = strings.ReplaceAll(q.Filter, "title", "teapt"), strings.ReplaceAll(q.Sort, "title", "teapt")
		if q.Fields != nil {
			other.Fields = []string{"teapt"}
		}
		if a, b := ask(q), ask(other); a != b {
			t.Errorf("%s\n%s", a, b)
		}
	}
	for sort, want := range map[string]string{"name": "register.search.sort", "-id": "register.search.sort", "hidden": "register.search.sort", "title": "register.search.field", "size; DROP TABLE register_record": "register.search.field", "--size": "register.search.field", "size DESC": "register.search.field"} {
		_, err := h.Search(t.Context(), g, "things", register.Query{Sort: sort})
		if f, ok := err.(*fault.Error); !ok || f.Msg != want {
			t.Errorf("sort by %q: %v", sort, err)
		}
	}
	nothing := h.grant(t, access.Request{Action: access.List, Resource: "register:things", Fields: []string{"id"}})
	if _, err := h.Search(t.Context(), nothing, "things", register.Query{Text: "x"}); err == nil {
		t.Error("the words of fields that aren't granted were searched")
	}
}

// What a filter expects at a place is said in every language, whatever it is.
func TestWhatAFilterExpectsHasItsWords(t *testing.T) {
	words, err := i18n.Load(register.Messages())
	must(t, err)
	for _, lang := range []string{"de", "en", "tr"} {
		seen := map[string]string{}
		for _, code := range cql2.Expectations() {
			key := "cql2.expected." + code
			said := words.Localizer(lang).T(key, "near", "x", "pos", 1, "sign", ")")
			if said == key || strings.ContainsAny(said, "{}") || lang != "en" && said == words.Localizer("en").T(key, "near", "x", "pos", 1, "sign", ")") {
				t.Errorf("%s in %s: %q", code, lang, said)
			}
			if was := seen[said]; was != "" {
				t.Errorf("%s and %s are the same in %s", code, was, lang)
			}
			seen[said] = code
		}
	}
}

// What the index leads to is what looking at every record finds, whatever the filter is; and
// after changes, endings and erasures too.
func TestNoLeadLosesARecord(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		h := openThings(t, db, func() time.Time { return now })
		rnd := rand.New(rand.NewPCG(1, 2))
		pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
		names := []string{"Müller", "Mueller", "Meier", "Mayer", "Möller-Meier", "van der Heide", "Schmidt", "Schmitt", "Özdemir", "Yılmaz", "Jansen", "Janßen"}
		day := func() string { return fmt.Sprintf("%d-%02d-%02d", 1980+rnd.IntN(4), 1+rnd.IntN(12), 1+rnd.IntN(28)) }
		data := func(id string) map[string]any {
			r := map[string]any{"id": id, "person": fmt.Sprintf("p%d", rnd.IntN(20))}
			set := func(f string, v any) {
				if rnd.IntN(8) > 0 {
					r[f] = v
				}
			}
			set("name", pick(names...))
			set("born", day())
			set("built", day())
			set("code", pick("AAAA", "AAAB", "aaaa", "B"))
			set("size", float64(rnd.IntN(20)-10)/2)
			set("title", pick(names...))
			set("open", rnd.IntN(2) == 0)
			if rnd.IntN(2) == 0 {
				set("place", point(6.7+rnd.Float64()/5, 51.4+rnd.Float64()/10))
			} else {
				set("place", square(6.7+rnd.Float64()/5, 51.4+rnd.Float64()/10, rnd.Float64()/20))
			}
			set("notes", []any{pick("rot", "grün", "blau"), pick("Haus", "Häuser", "Garten")})
			return r
		}
		for i := range 150 {
			must(t, h.put(t, "things", "", data(fmt.Sprintf("t%03d", i)), register.Why{}))
		}
		for i := range 40 {
			id := fmt.Sprintf("t%03d", rnd.IntN(150))
			why := register.Why{Reason: "changed"}
			if i%3 == 0 {
				why.From = now.Add(time.Duration(1+rnd.IntN(100)) * time.Hour)
			}
			must(t, h.put(t, "things", "", data(id), why))
		}
		change := h.grant(t, access.Request{Action: access.Change, Resource: "register:things"})
		for i := range 10 {
			must(t, db.Write(t.Context(), func(tx *store.Tx) error {
				return h.End(t.Context(), tx, change, "things", fmt.Sprintf("t%03d", i*7), register.Why{From: now.Add(time.Duration(i*10) * time.Hour)})
			}))
		}
		erase := h.grant(t, access.Request{Action: access.Erase, Resource: "register", Owner: "p3"})
		must(t, db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.Erase(t.Context(), tx, erase, "p3", register.Erasure{Rule: "test"})
			return err
		}))
		now = now.Add(50 * time.Hour) // Turn hasn't run
		g := h.all(t, "things")
		var leaf func(depth int) string
		leaf = func(depth int) string {
			if depth > 0 && rnd.IntN(3) > 0 {
				a, b := leaf(depth-1), leaf(depth-1)
				return pick("("+a+" AND "+b+")", "("+a+" OR "+b+")", "(NOT ("+a+") AND "+b+")")
			}
			op := pick("=", "<>", "<", "<=", ">", ">=")
			switch rnd.IntN(11) {
			case 0:
				return fmt.Sprintf("name %s '%s'", pick("=", "<>"), pick(names...))
			case 1:
				return fmt.Sprintf("name LIKE '%s%%'", string([]rune(pick(names...))[:3+rnd.IntN(3)]))
			case 2:
				return fmt.Sprintf("phonetic(name) = '%s'", pick(names...))
			case 3:
				return fmt.Sprintf("born %s '%s'", op, day())
			case 4:
				return fmt.Sprintf("born BETWEEN '%s' AND '%s'", day(), day())
			case 5:
				return fmt.Sprintf("built %s '%s'", op, day())
			case 6:
				return fmt.Sprintf("size %s %d", op, rnd.IntN(10)-5)
			case 7:
				return fmt.Sprintf("title %s '%s'", op, pick(names...))
			case 8:
				return fmt.Sprintf("S_DWITHIN(place, POINT(%f %f), %d)", 6.7+rnd.Float64()/5, 51.4+rnd.Float64()/10, rnd.IntN(5000))
			case 9:
				return fmt.Sprintf("S_INTERSECTS(place, BBOX(6.75, 51.43, %f, %f))", 6.75+rnd.Float64()/10, 51.43+rnd.Float64()/10)
			}
			return fmt.Sprintf("code IN ('%s', '%s')", pick("AAAA", "AAAB", "B"), pick("aaaa", "C"))
		}
		everyone := make([]string, 20)
		for i := range everyone {
			everyone[i] = fmt.Sprintf("p%d", i)
		}
		// A grant for all persons by name goes through their records and uses no lead.
		slow := h.grant(t, access.Request{Action: access.List, Resource: "register:things", Subjects: everyone, Fields: g.Request().Fields})
		found := 0
		for range 60 {
			filter := leaf(2)
			want := everything(t, h, slow, "things", register.Query{Filter: filter})
			got := everything(t, h, g, "things", register.Query{Filter: filter, Limit: 1 + rnd.IntN(60)})
			if !slices.Equal(got, want) {
				t.Fatalf("%s\nfound    %v\nthere is %v", filter, got, want)
			}
			sorted := everything(t, h, g, "things", register.Query{Filter: filter, Sort: pick("size", "-size", "title", "built", "-built"), Limit: 1 + rnd.IntN(60)})
			slices.Sort(sorted)
			if !slices.Equal(sorted, want) {
				t.Fatalf("sorted: %s\nfound    %v\nthere is %v", filter, sorted, want)
			}
			found += len(want)
		}
		if found < 300 {
			t.Errorf("the filters found only %d records", found)
		}
	})
}

// The index of what is there already is built at the next start, when a register comes to
// declare more; it goes on where it was stopped.
func TestUpgradeBuildsWhatIsNewlySearchable(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		must(t, h.Upgrade(t.Context()))
		for i := range 1200 {
			must(t, h.put(t, "things", "", map[string]any{"id": fmt.Sprintf("t%04d", i), "name": "Meier", "hidden": fmt.Sprintf("h%d", i%3)}, register.Why{}))
		}
		more := fstest.MapFS{"things/schema.json": things["things/schema.json"], "things/register.toml": {Data: []byte(strings.Replace(string(things["things/register.toml"].Data),
			field("hidden", "internal", ""), field("hidden", "internal", `search = ["exact", "range"]`), 1))}}
		regs, err := register.Load(more)
		must(t, err)
		h.Service, err = register.New(register.Config{DB: db, Vault: h.vault, Registers: regs})
		must(t, err)
		must(t, h.Upgrade(t.Context()))
		must(t, h.Upgrade(t.Context()))
		g := h.all(t, "things")
		if got := everything(t, h, g, "things", register.Query{Filter: `hidden = 'h1'`, Sort: "hidden"}); len(got) != 400 {
			t.Errorf("%d records by the new field", len(got))
		}
		if got := everything(t, h, g, "things", register.Query{Sort: "-hidden", Limit: 200}); len(got) != 1200 || got[0] != "t1199" {
			t.Errorf("%d records in the new order, the first is %s", len(got), got[0])
		}
	})
}

// A list that shows persons puts them on record before it gives them, and only those that
// it shows.
func TestWhomAListShowsIsOnRecord(t *testing.T) {
	db := storetest.SQLite(t, rooms)
	h := openThings(t, db, nil)
	var seen []string
	var fail error
	d, err := register.Load(things)
	must(t, err)
	h.Service, err = register.New(register.Config{DB: db, Vault: h.vault, Registers: d, Seen: func(_ context.Context, _ access.Grant, persons []string) error {
		seen = append(seen, persons...)
		return fail
	}})
	must(t, err)
	for i := range 5 {
		must(t, h.put(t, "things", "", map[string]any{"id": fmt.Sprint(i), "person": fmt.Sprintf("p%d", i), "size": i}, register.Why{}))
	}
	page, err := h.Search(t.Context(), h.all(t, "things"), "things", register.Query{Filter: "size > 1", Limit: 2})
	must(t, err)
	if !slices.Equal(seen, []string{"p2", "p3"}) || len(page.Records) != 2 {
		t.Errorf("on record: %v", seen)
	}
	fail = fault.New(fault.Unavailable, "test", "")
	if page, err := h.Search(t.Context(), h.all(t, "things"), "things", register.Query{}); err == nil || len(page.Records) > 0 {
		t.Error("shown without being on record")
	}
}

// A filter that nothing narrows ends after a bounded piece of work, with a place to go on.
func TestASearchIsBounded(t *testing.T) {
	db := storetest.SQLite(t, rooms)
	h := openThings(t, db, nil)
	var items []register.Item
	for i := range 6000 {
		text, err := json.Marshal(map[string]any{"id": fmt.Sprintf("t%04d", i), "name": fmt.Sprintf("Meier%d", i%1000), "size": i % 7})
		must(t, err)
		items = append(items, register.Item{Register: "things", Data: text})
	}
	must(t, h.Load(t.Context(), h.grant(t, access.Request{Action: access.Change, Resource: "register"}), register.Loading{Name: "x", Records: slices.Values(items)}))
	g := h.all(t, "things")
	for _, q := range []register.Query{{Filter: `name LIKE '%ier999'`}, {Filter: `size = 3 AND name LIKE '%ier999'`}, {Filter: `name LIKE '%ier999'`, Sort: "size"}, {Filter: `name LIKE 'Mei%' AND NOT name LIKE '%0'`, Limit: 200}} {
		page, err := h.Search(t.Context(), g, "things", q)
		must(t, err)
		if page.Next == "" {
			t.Errorf("%+v was answered in one go", q)
		}
	}
	if got := everything(t, h, g, "things", register.Query{Filter: `name LIKE '%ier999'`}); len(got) != 6 {
		t.Errorf("found %v", got)
	}
	if got := everything(t, h, g, "things", register.Query{Filter: `name LIKE '%ier999'`, Sort: "-size"}); len(got) != 6 {
		t.Errorf("found in order %v", got)
	}
}

// A batch is sealed while the one before is stored: it has to know the keys that this one has made, and its records.
func TestALoadKnowsTheBatchThatIsBeingStored(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		h.LoadInBatches(3)
		item := func(id, person string, size int) register.Item {
			text, err := json.Marshal(map[string]any{"id": id, "person": person, "name": "Meier", "size": size})
			must(t, err)
			return register.Item{Register: "things", Data: text}
		}
		var items []register.Item
		for i := range 10 {
			items = append(items, item(fmt.Sprint("a", i), "anna", i), item(fmt.Sprint("b", i), fmt.Sprint("p", i/3), i))
		}
		items = append(items, item("b8", "p2", 70), item("b9", "p3", 71), item("a9", "anna", 72)) // of the batch before
		changed := 0
		must(t, h.Load(t.Context(), h.grant(t, access.Request{Action: access.Change, Resource: "register:things"}),
			register.Loading{Name: "x", Upsert: true, Records: slices.Values(items), Done: func(_, n int) { changed += n }}))
		page, err := h.Search(t.Context(), h.all(t, "things"), "things", register.Query{Filter: "size > 69 AND name = 'Meier'"})
		must(t, err)
		if changed != 3 || len(page.Records) != 3 || page.Records[0].Version != 2 {
			t.Errorf("%d changed, found %+v", changed, page.Records)
		}
		if got := everything(t, h, h.all(t, "things"), "things", register.Query{}); len(got) != 20 {
			t.Errorf("%d records", len(got))
		}
	})
}

// The first records of a register are told of as a whole, also by a load that goes on after it was broken off; later ones each.
func TestTheFirstRecordsAreToldOfAsAWhole(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := openThings(t, db, nil)
		h.LoadInBatches(3)
		load := func(name string, from, to int, fails bool) error {
			return h.Load(t.Context(), h.grant(t, access.Request{Action: access.Change, Resource: "register:things"}), register.Loading{Name: name, Upsert: true,
				Records: func(yield func(register.Item) bool) {
					for i := range to {
						if fails && i == 5 {
							yield(register.Item{Err: fault.New(fault.Unavailable, "test", "")})
							return
						}
						if !yield(register.Item{Register: "things", Data: fmt.Appendf(nil, `{"id": "t%d", "size": 1}`, from+i)}) {
							return
						}
					}
				}})
		}
		kinds := func() (n map[register.ChangeKind]int) {
			n = map[register.ChangeKind]int{}
			list, _, err := h.Changes(t.Context(), h.feed(t, "things"), "things", 0, 100)
			must(t, err)
			for _, c := range list {
				n[c.Kind]++
			}
			return n
		}
		if err := load("a", 0, 9, true); err == nil {
			t.Fatal("the source is broken")
		}
		must(t, load("a", 0, 9, false))
		if got := kinds(); got[register.Put] != 0 || got[register.Loaded] != 3 {
			t.Errorf("the first: %v", got)
		}
		must(t, load("b", 20, 4, false))
		if got := kinds(); got[register.Put] != 4 || got[register.Loaded] != 3 {
			t.Errorf("later ones: %v", got)
		}
	})
}
