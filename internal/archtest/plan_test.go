// SPDX-License-Identifier: EUPL-1.2

package archtest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// grows are the tables that have a row, or more, for each record of a register.
var grows = []string{"register_record", "register_version", "register_find", "register_key", "register_change"}

// whole are the statements that go through a register as a whole, and why they may: no request of anybody waits for them.
var whole = map[string]string{
	"register.deleteKeys":   "an order is built anew after a register came to declare another one",
	"register.deleteKeysOf": "the order of one field is taken away after a register came to declare it otherwise",
	"register.recordCounts": "a restored backup is held against what it says of itself",
}

var (
	placeholder = regexp.MustCompile(`\$(\d+)`)
	alias       = regexp.MustCompile(`(?i)\b(register_[a-z]+)\s+(?:AS\s+)?([a-z])\b`)
)

// TestNoStatementReadsARegisterAsAWhole asks both engines how they would answer every statement about registers, in a database
// where a register has many records: each has to come by its rows over an index, and further in it than the name of the register.
func TestNoStatementReadsARegisterAsAWhole(t *testing.T) {
	var all []statement
	for _, s := range statements(t) {
		if strings.HasPrefix(s.name, "register.") && slices.ContainsFunc(grows, func(table string) bool { return strings.Contains(s.text, table) }) &&
			!strings.HasPrefix(s.text[strings.Index(s.text, "\n")+1:], "INSERT") {
			all = append(all, s)
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d statements found: the search is broken", len(all))
	}
	storetest.Each(t, []store.Migrations{register.Migrations()}, func(t *testing.T, db *store.DB) {
		many(t, db)
		ways := planSQLite
		if db.Engine() == store.Postgres {
			ways = planPostgres
		}
		asked := map[string]bool{}
		for _, s := range all {
			for _, way := range ways(t, db, s) {
				t.Errorf("%s: %s\n%s", s.file, s.name, way)
			}
			asked[s.name] = true
		}
		for name := range whole {
			if !asked[name] {
				t.Errorf("%s is excused and isn't there", name)
			}
		}
		// A statement that does read all is found out.
		for _, bad := range []string{
			"SELECT id FROM register_record WHERE register = $1 AND turn_at <= $2 LIMIT 1",
			"SELECT id FROM register_record WHERE data = $1",
			"SELECT COUNT(*) FROM register_record WHERE register = $1",
		} {
			if len(ways(t, db, statement{name: "register.bad", text: "-- register.bad\n" + bad})) == 0 {
				t.Errorf("this reads all and isn't found out: %s", bad)
			}
		}
	})
}

// many fills the tables, so that what the engines know of them is true to scale.
func many(t *testing.T, db *store.DB) {
	t.Helper()
	const rows, registers = 20_000, 4
	exec := func(tx *store.Tx, query string, args ...any) {
		t.Helper()
		if err := tx.Later(context.Background(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	for from := 0; from < rows; from += 2000 {
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			for i := from; i < from+2000; i++ {
				reg, id := fmt.Sprint("r", i%registers), fmt.Sprintf("%06d", i)
				exec(tx, "INSERT INTO register_record (register, id, person, version, data, changed_at, changed_by, reason, case_id) VALUES ($1, $2, $3, 2, $4, $5, '', '', '')",
					reg, id, fmt.Sprint("p", i/2), strings.Repeat("x", 200), i)
				exec(tx, "INSERT INTO register_version (register, id, person, version, data, changed_at, changed_by, reason, case_id) VALUES ($1, $2, $3, 1, $4, $5, '', '', '')",
					reg, id, fmt.Sprint("p", i/2), strings.Repeat("x", 200), i)
				exec(tx, "INSERT INTO register_find (token, id) VALUES ($1, $2)", i%5000, id)
				exec(tx, "INSERT INTO register_key (register, field, value, id) VALUES ($1, $2, $3, $4)", reg, fmt.Sprint("f", i%3), fmt.Sprint(i%700), id)
				exec(tx, "INSERT INTO register_change (register, id, at, version, kind, case_id, position) VALUES ($1, $2, $3, 1, 'put', '', $4)", reg, id, i, i+1)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		if db.Engine() == store.Postgres { // SQLite plans without: a house doesn't gather statistics there
			exec(tx, "ANALYZE")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// nothing are as many arguments as a statement takes.
func nothing(text string) (out []any) {
	n := 0
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		var k int
		fmt.Sscan(m[1], &k)
		n = max(n, k)
	}
	return make([]any, n)
}

// bounded tells that a statement ends by itself after so many rows, in the order of the index that it goes along.
func bounded(text string) bool { return strings.Contains(text, "LIMIT") }

func planSQLite(t *testing.T, db *store.DB, s statement) (bad []string) {
	t.Helper()
	if whole[s.name] != "" {
		return nil
	}
	rows, err := db.Query(t.Context(), "EXPLAIN QUERY PLAN "+s.text[strings.Index(s.text, "\n")+1:], nothing(s.text)...)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	defer rows.Close()
	tables := map[string]bool{}
	for _, table := range grows {
		tables[table] = true
	}
	for _, m := range alias.FindAllStringSubmatch(s.text, -1) {
		if tables[m[1]] {
			tables[m[2]] = true
		}
	}
	for rows.Next() {
		var id, parent, x int
		var step string
		if err := rows.Scan(&id, &parent, &x, &step); err != nil {
			t.Fatal(err)
		}
		word := strings.Fields(step)
		if len(word) < 2 || !tables[word[1]] {
			continue
		}
		// An index of a part of the rows may be read from its beginning: it is as long as what waits in it.
		part := strings.Contains(step, "_waiting") || strings.Contains(step, "register_record_ended")
		if word[0] == "SCAN" && !part || strings.HasSuffix(step, "(register=?)") && !part || strings.HasSuffix(step, "(register=? AND field=?)") && !bounded(s.text) {
			bad = append(bad, step)
		}
	}
	return bad
}

type pgPlan struct {
	Type    string `json:"Node Type"`
	Table   string `json:"Relation Name"`
	Index   string `json:"Index Name"`
	Cond    string `json:"Index Cond"`
	Filter  string `json:"Filter"`
	Recheck string `json:"Recheck Cond"`
	Plans   []pgPlan
}

func planPostgres(t *testing.T, db *store.DB, s statement) (bad []string) {
	t.Helper()
	if whole[s.name] != "" {
		return nil
	}
	body := s.text[strings.Index(s.text, "\n")+1:]
	args := strings.TrimSuffix(strings.Repeat("NULL, ", len(nothing(s.text))), ", ")
	if args != "" {
		args = "(" + args + ")"
	}
	var text string
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		for _, q := range []string{"SET LOCAL plan_cache_mode = force_generic_plan", "PREPARE planned AS " + body} {
			if _, err := tx.Exec(t.Context(), q); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) EXECUTE planned"+args).Scan(&text); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "DEALLOCATE planned")
		return err
	}); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	var plans []struct{ Plan pgPlan }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	var walk func(p pgPlan)
	walk = func(p pgPlan) {
		for _, x := range p.Plans {
			walk(x)
		}
		part := strings.Contains(p.Index, "_waiting") || strings.Contains(p.Index, "_ended") || strings.Contains(p.Index, "_turn")
		onlyRegister := strings.Count(p.Cond, "=") == 1 && strings.Contains(p.Cond, "register") && !strings.ContainsAny(p.Cond, "<>")
		switch {
		case p.Type == "Seq Scan" && slices.Contains(grows, p.Table),
			strings.HasPrefix(p.Type, "Index") && slices.Contains(grows, p.Table) && p.Cond == "" && !part,
			strings.HasPrefix(p.Type, "Index") && onlyRegister && !part && (p.Filter != "" || !bounded(s.text)),
			p.Type == "Bitmap Index Scan" && onlyRegister && !part:
			bad = append(bad, fmt.Sprintf("%s of %s by %s (%s), filter %s", p.Type, p.Table, p.Index, p.Cond, p.Filter))
		}
	}
	walk(plans[0].Plan)
	return bad
}
