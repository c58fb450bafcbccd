// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/ledger"
	"mercator/core/store/storetest"
	"mercator/domain/notice"
	"mercator/domain/payment"
	"mercator/domain/service"
	"mercator/lang/form"
)

const contentDir = "../content"

// TestScenariosOnBothEngines is the service-level suite: every scenario of every
// package, with the real kernel, on SQLite and on PostgreSQL.
func TestScenariosOnBothEngines(t *testing.T) {
	dirs, err := os.ReadDir(filepath.Join(contentDir, "services"))
	if err != nil {
		t.Fatal(err)
	}
	engines := map[string]func(t *testing.T) config.Database{
		"sqlite": func(*testing.T) config.Database { return config.Database{} },
		"postgres": func(t *testing.T) config.Database {
			return config.Database{Engine: "postgres", DSN: config.Literal(storetest.PostgresDSN(t))}
		},
	}
	for _, d := range dirs {
		s, err := service.Parse(d.Name(), os.DirFS(filepath.Join(contentDir, "services", d.Name())))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range service.Lint(s, notice.Lint(s)) {
			t.Errorf("%s: %s", d.Name(), p)
		}
		list, problems := service.Scenarios(s)
		if len(problems) > 0 || len(list) == 0 {
			t.Fatalf("%s: %d scenarios, %v", d.Name(), len(list), problems)
		}
		cover := map[string]*form.Coverage{"application": form.NewCoverage(s.Form)}
		for id, f := range s.TaskForms {
			cover[id] = form.NewCoverage(f)
		}
		played := 0
		for name, database := range engines {
			if testing.Short() { // with the race detector: each service's way once
				if list = list[:1]; name != "sqlite" {
					continue
				}
			}
			t.Run(d.Name()+"/"+name, func(t *testing.T) {
				for _, sc := range list {
					t.Run(sc.File, func(t *testing.T) {
						if err := play(context.Background(), contentDir, s, sc, database(t), cover["application"]); err != nil {
							t.Error(err)
						}
						played++
					})
				}
			})
		}
		if testing.Short() || played < len(list) { // only some were asked for
			continue
		}
		forms, _ := service.FormScenarios(s)
		for _, sc := range forms {
			if err := sc.Play(s, cover[sc.Form]); err != nil {
				t.Errorf("%s %s: %v", d.Name(), sc.File, err)
			}
		}
		for id, c := range cover {
			if rest := c.Untouched(); len(rest) > 0 {
				t.Errorf("%s: no scenario touches these outcomes of %s.form: %v", d.Name(), id, rest)
			}
		}
	}
}

// A scenario that expects the wrong thing fails: the suite above can.
func TestAScenarioCanFail(t *testing.T) {
	s, err := service.Parse("resident-parking-permit", os.DirFS(contentDir+"/services/resident-parking-permit"))
	if err != nil {
		t.Fatal(err)
	}
	list, _ := service.Scenarios(s)
	sc := list[0]
	sc.Expect.Outcome, sc.Expect.Documents = "refused", nil
	err = play(context.Background(), contentDir, s, sc, config.Database{}, nil)
	if err == nil || !strings.Contains(err.Error(), "outcome: granted, want refused") || !strings.Contains(err.Error(), "documents: [permit], want []") {
		t.Fatalf("%v", err)
	}
}

func testHouse(t testing.TB, dir, content string) *House {
	t.Helper()
	return testHouseOn(t, dir, content, "")
}

// testHouseOn is a house on PostgreSQL, if there is a connection string.
func testHouseOn(t testing.TB, dir, content, dsn string) *House {
	t.Helper()
	c := config.Config{Data: config.Data{Dir: dir}, Content: config.Content{Dir: content}, Server: config.Server{PublicURL: "http://127.0.0.1"},
		Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "test", ClientSecret: config.Literal("test")},
		Payment:  config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("test-test-test-test-test-test-test")}}
	if dsn != "" {
		c.Database = config.Database{Engine: "postgres", DSN: config.Literal(dsn)}
	}
	c = c.WithDefaults()
	h, err := New(context.Background(), Options{Config: c, Payments: &tillProvider{open: map[string]payment.Status{}}, NoStream: true,
		untested: true}) // for policies that leak_test.go draws; those of content/ are tested in core/access
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Every word that any room says is there in every language.
func TestEveryWordInEveryLanguage(t *testing.T) {
	h := testHouse(t, t.TempDir(), "")
	defer h.Close()
	words, err := h.catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range words.Missing() {
		t.Error(m)
	}
}

// Plain language is there for everything that residents meet; the rooms that only the
// desk, programs and authors meet are named here, and no other.
func TestResidentsAreSpokenToInPlainLanguage(t *testing.T) {
	h := testHouse(t, t.TempDir(), "")
	defer h.Close()
	words, err := h.catalogue()
	if err != nil {
		t.Fatal(err)
	}
	others := []string{"api", "cql2", "dmn", "incidentweb", "notice", "oversight", "oversightweb", "process", "processweb", "register", "registerweb", "studio", "studioweb", "webhook"}
	simple := words.Rooms(i18n.Simple)
	for _, room := range words.Rooms(i18n.Fallback) {
		if has, other := slices.Contains(simple, room), slices.Contains(others, room); has == other {
			t.Errorf("%s: has a messages.de-simple.toml: %v; residents don't meet it: %v", room, has, other)
		}
	}
}

// What goes wrong is said in words: a message that is named where an error is made is in the catalogue.
func TestEveryMistakeHasItsWords(t *testing.T) {
	h := testHouse(t, t.TempDir(), "")
	defer h.Close()
	words, err := h.catalogue()
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	found := 0
	for _, storey := range []string{"core", "domain", "adapter", "web", "app"} {
		err := filepath.WalkDir(filepath.Join("..", storey), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) < 3 {
					return true
				}
				fun, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || fun.Sel.Name != "New" && fun.Sel.Name != "Because" {
					return true
				}
				if room, ok := fun.X.(*ast.Ident); !ok || room.Name != "fault" {
					return true
				}
				lit, ok := call.Args[2].(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				key, err := strconv.Unquote(lit.Value)
				if err != nil || key == "" {
					return true
				}
				found++
				if !words.Has(key) {
					t.Errorf("%s: there are no words for %q", files.Position(lit.Pos()), key)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 100 {
		t.Errorf("only %d messages found: the search is broken", found)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// A package that changes is in force for new cases; a running one ends by the rules
// that it began with, also after a restart. A package with a mistake changes nothing.
func TestARunningCaseKeepsItsVersion(t *testing.T) {
	ctx := context.Background()
	dir, content := t.TempDir(), filepath.Join(t.TempDir(), "content")
	copyTree(t, contentDir, content)
	h := testHouse(t, dir, content)
	people, err := h.loadSample(ctx, 10, time.Now(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	anna, _ := people.generator.Find("anna-schmidt")
	begin := func(h *House) *player {
		s, _ := h.services.Current("resident-parking-permit")
		list, _ := service.Scenarios(s)
		sc := list[0]
		sc.Answers["valid_from"] = h.now().In(h.zone).Format(time.DateOnly)
		p := &player{stage: &stage{h: h}, s: s, sc: sc, actor: access.Actor{Kind: access.Resident, ID: anna.Resident.ID, Name: "Anna Schmidt", Level: access.High}}
		if err := p.apply(ctx); err != nil {
			t.Fatal(err)
		}
		return p
	}
	due := func(h *House, caseID string) int64 {
		p, ok, err := h.payments.OpenFor(ctx, caseID)
		if err != nil || !ok {
			t.Fatalf("nothing is due: %v", err)
		}
		return p.Cents
	}
	first := begin(h)
	fee := filepath.Join(content, "services", "resident-parking-permit", "fee.dmn")
	text, err := os.ReadFile(fee)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fee, []byte(strings.ReplaceAll(string(text), "<text>3070</text>", "<text>4200</text>")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.loadServices(ctx); err != nil {
		t.Fatal(err)
	}
	second := begin(h)
	if a, b := due(h, first.caseID), due(h, second.caseID); a != 3070 || b != 4200 {
		t.Errorf("the fees are %d and %d", a, b)
	}
	if err := os.WriteFile(fee, []byte("<broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.loadServices(ctx); err == nil || !strings.Contains(err.Error(), "fee.dmn") {
		t.Errorf("a broken package was not named: %v", err)
	}
	if a, b := due(h, first.caseID), due(h, begin(h).caseID); a != 3070 || b != 4200 {
		t.Errorf("after a broken package the fees are %d and %d", a, b)
	}
	v1, err := h.cases.Peek(ctx, h.db, first.caseID)
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	// The town opens with the version before it.
	closed := testHouse(t, dir, content)
	if s, ok := closed.services.Current("resident-parking-permit"); !ok || s.Fee.Examples[1].Cents != 4200 {
		t.Errorf("after a start with a broken package %v is in force", s)
	}
	closed.Close()
	if err := os.WriteFile(fee, text, 0o600); err != nil {
		t.Fatal(err)
	}
	again := testHouse(t, dir, content)
	defer again.Close()
	s, err := again.services.Version(ctx, v1.Service, v1.Version)
	if err != nil || s.Fee.Examples[1].Cents != 3070 {
		t.Fatalf("the first version after a restart: %v", err)
	}
}

// What is backed up from a running house comes back in an empty place, and nowhere else.
func TestBackupAndRestore(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	h := testHouse(t, dir, "")
	defer h.Close()
	if _, err := h.loadSample(ctx, 10, time.Now(), io.Discard); err != nil {
		t.Fatal(err)
	}
	ref, err := h.blobs.Put(ctx, strings.NewReader("a document"), 100)
	if err != nil {
		t.Fatal(err)
	}
	tar := filepath.Join(t.TempDir(), "backup.tar")
	if err := Backup(ctx, h.config, tar, "", io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := Backup(ctx, h.config, tar, "", io.Discard); err == nil {
		t.Error("a backup was overwritten")
	}
	if err := Restore(ctx, h.config, tar, "", io.Discard); err == nil {
		t.Error("restored over a house that is in use")
	}
	other := h.config
	other.Data.Dir = t.TempDir()
	other.Data.Shared = other.Data.Dir
	other.Database.Path = filepath.Join(other.Data.Dir, "mercator.db")
	// Without the keys the copy tells nothing about anybody.
	if err := Restore(ctx, other, tar, filepath.Join(t.TempDir(), "none"), io.Discard); err == nil {
		t.Error("restored without the keys")
	}
	copied, err := os.ReadFile(tar)
	if err != nil || strings.Contains(string(copied), "Schmidt") {
		t.Errorf("a name stands in the backup, %v", err)
	}
	if err := Restore(ctx, other, tar, "", io.Discard); err != nil {
		t.Fatal(err)
	}
	back := testHouse(t, other.Data.Dir, "")
	defer back.Close()
	f, err := back.blobs.Open(ctx, ref.Hash)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "a document" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := back.registers.MatchPerson(ctx, "Anna", "Schmidt", "1988-04-12"); err != nil {
		t.Errorf("Anna is lost: %v", err)
	}
	if err := Restore(ctx, other, filepath.Join(contentDir, "embed.go"), filepath.Join(filepath.Dir(tar), keysFile), io.Discard); err == nil {
		t.Error("something that is no backup was restored")
	}
}

// A backup knows nobody whom the city has forgotten since: the keys of the ledger are no part of it, what brings them back
// forgets again, and the ledger of the restored house verifies.
func TestForgottenInBackupsToo(t *testing.T) {
	ctx := context.Background()
	h := testHouse(t, t.TempDir(), "")
	defer h.Close()
	read := func(person string) {
		t.Helper()
		if _, err := h.access.Permit(ctx, access.Request{Actor: access.SystemActor("process"), Action: access.Read, Resource: "register:residents", Purpose: "parking-permit", Basis: "x", Owner: person}); err != nil && !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		if _, err := h.ledger.Append(ctx); err != nil {
			t.Fatal(err)
		}
	}
	read("person-anna")
	read("person-bora")
	a, err := openAudit(ctx, h.config, h.db)
	if err != nil {
		t.Fatal(err)
	}
	key, err := a.Key(ctx, "person-anna")
	if err != nil || key == "" {
		t.Fatalf("Anna has no key: %v", err)
	}
	dir := t.TempDir()
	old, keys := filepath.Join(dir, "old.tar"), filepath.Join(dir, keysFile)
	if err := Backup(ctx, h.config, old, "", io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := h.ledger.Forget(ctx, "person-anna"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ledger.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := Backup(ctx, h.config, filepath.Join(dir, "new.tar"), "", io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{old, keys} {
		if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), key) {
			t.Errorf("the key stands in %s, %v", file, err)
		}
	}
	other := h.config
	other.Data.Dir = t.TempDir()
	other.Data.Shared, other.Database.Path = other.Data.Dir, filepath.Join(other.Data.Dir, "mercator.db")
	if err := Restore(ctx, other, old, keys, io.Discard); err != nil {
		t.Fatal(err)
	}
	db, err := openStore(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	back, err := openAudit(ctx, other, db)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := back.Key(ctx, "person-anna"); err != nil || key != "" {
		t.Errorf("Anna has a key again: %v", err)
	}
	if list, err := back.ForPerson(ctx, "person-anna", "", 9); err != nil || len(list) != 0 {
		t.Errorf("%d entries about Anna, %v", len(list), err)
	}
	if list, err := back.ForPerson(ctx, "person-bora", "", 9); err != nil || len(list) != 1 {
		t.Errorf("%d entries about Bora, want 1, %v", len(list), err)
	}
	r, err := ledger.Verify(ctx, ledger.Options{Source: ledger.Folder(ledgerDir(other)), Key: h.ledger.PublicKey(), Leaves: true, Audit: back, Now: time.Now()})
	if err != nil || len(r.Findings) > 0 {
		t.Errorf("%v %v", r.Findings, err)
	}
}

// The content that is built in is the content of the folder.
func TestContentIsBuiltIn(t *testing.T) {
	for _, name := range []string{"services/resident-parking-permit/service.toml", "registers/residents/register.toml", "city/organisation.toml", "policies/residents.cedar"} {
		if _, err := fs.Stat(contentFS(""), name); err != nil {
			t.Error(err)
		}
	}
}
