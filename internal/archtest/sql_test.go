// SPDX-License-Identifier: EUPL-1.2

package archtest

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mercator/app"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// statement is a named SQL text: a constant whose first line is "-- room.name".
type statement struct {
	file, constant, name, text string
}

var (
	nameLine = regexp.MustCompile(`^-- ([a-z]+)\.([A-Za-z0-9]+)\n`)
	// a table name after the words that one stands behind
	tableRef = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE|TABLE(?: IF (?:NOT )?EXISTS)?)\s+([a-z_][a-z0-9_.]*)`)
	cteName  = regexp.MustCompile(`(?i)(?:\bWITH(?:\s+RECURSIVE)?|,)\s+([a-z_][a-z0-9_]*)\s*(?:\([^)]*\))?\s+AS\s*(?:NOT\s+MATERIALIZED\s*|MATERIALIZED\s*)?\(`)
	looksSQL = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)
)

// statements reads every constant of the house, folding "a" + b + "c".
func statements(t *testing.T) []statement {
	t.Helper()
	dirs := map[string][]string{}
	goFiles(t, func(name string) {
		if !strings.HasSuffix(name, "_test.go") {
			dirs[filepath.Dir(name)] = append(dirs[filepath.Dir(name)], name)
		}
	})
	var out []statement
	for _, files := range dirs {
		consts := map[string]ast.Expr{}
		where := map[string]string{}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.CONST {
					continue
				}
				for _, s := range g.Specs {
					v := s.(*ast.ValueSpec)
					for i, n := range v.Names {
						if i < len(v.Values) {
							consts[n.Name], where[n.Name] = v.Values[i], file
						}
					}
				}
			}
		}
		for name, e := range consts {
			text, ok := fold(e, consts, 0)
			if !ok {
				continue
			}
			rel, _ := filepath.Rel(root, where[name])
			text = strings.TrimSpace(text)
			if m := nameLine.FindStringSubmatch(text + "\n"); m != nil {
				out = append(out, statement{file: rel, constant: name, name: m[1] + "." + m[2], text: text})
			} else if looksSQL.MatchString(text) {
				t.Errorf("%s: %s is SQL without a name: its first line has to be \"-- room.name\"", rel, name)
			}
		}
	}
	return out
}

func fold(e ast.Expr, consts map[string]ast.Expr, depth int) (string, bool) {
	if depth > 50 {
		return "", false
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		if c, ok := consts[e.Name]; ok {
			return fold(c, consts, depth+1)
		}
	case *ast.BinaryExpr:
		a, ok1 := fold(e.X, consts, depth+1)
		b, ok2 := fold(e.Y, consts, depth+1)
		return a + b, ok1 && ok2 && e.Op == token.ADD
	case *ast.ParenExpr:
		return fold(e.X, consts, depth+1)
	}
	return "", false
}

// TestEveryStatementOnBothEngines prepares every SQL text of the house on SQLite
// and on PostgreSQL, and holds its tables against the room that it stands in. A
// statement that is written twice on purpose ends in SQLite or Postgres.
func TestEveryStatementOnBothEngines(t *testing.T) {
	all := statements(t)
	if len(all) < 30 {
		t.Fatalf("only %d statements found: the search is broken", len(all))
	}
	names := map[string]string{}
	for _, s := range all {
		room, _, _ := strings.Cut(s.name, ".")
		if other, ok := names[s.name]; ok {
			t.Errorf("%s: the name %s is taken in %s", s.file, s.name, other)
		}
		names[s.name] = s.file
		if dir := path.Base(path.Dir(filepath.ToSlash(s.file))); dir != room {
			t.Errorf("%s: %s is named after the room %s", s.file, s.name, room)
		}
		ctes := map[string]bool{"excluded": true}
		for _, m := range cteName.FindAllStringSubmatch(s.text, -1) {
			ctes[strings.ToLower(m[1])] = true
		}
		for _, m := range tableRef.FindAllStringSubmatch(s.text, -1) {
			table := strings.ToLower(m[1])
			if !ctes[table] && !strings.HasPrefix(table, room+"_") && table != "set" && table != "json_each" && !strings.HasPrefix(table, "pg_") && table != "sqlite_master" && table != "skip" {
				t.Errorf("%s: %s touches %s: a room touches its own tables only", s.file, s.name, table)
			}
		}
	}
	storetest.Each(t, app.Migrations(), func(t *testing.T, db *store.DB) {
		for _, s := range all {
			only := ""
			for _, e := range []string{"SQLite", "Postgres"} {
				if strings.HasSuffix(s.constant, e) || strings.HasSuffix(s.name, e) {
					only = strings.ToLower(e)
				}
			}
			if only != "" && only != string(db.Engine()) {
				continue
			}
			if strings.Contains(s.text, "CREATE TABLE") {
				continue
			}
			if err := db.Prepare(context.Background(), s.text); err != nil {
				t.Errorf("%s: %s: %v", s.file, s.name, err)
			}
		}
	})
}
