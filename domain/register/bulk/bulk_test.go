// SPDX-License-Identifier: EUPL-1.2

package bulk_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
	"mercator/domain/register/registertest"

	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
)

type house struct {
	*register.Service
	db      *store.DB
	checker *access.Checker
	told    int
}

func open(t testing.TB, db *store.DB) *house {
	t.Helper()
	regs, err := register.Load(os.DirFS("../../../content/registers"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db, checker: accesstest.AllowAll(t, db)}
	h.Service, err = register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: regs,
		Publish: func(context.Context, *store.Tx, register.Changed) error { h.told++; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) grant(t testing.TB, action, reg string) access.Grant {
	d, _ := h.Registers().Get(reg)
	r := access.Request{Actor: access.SystemActor("import"), Action: action, Resource: register.Resource(reg), Purpose: "test", Basis: "test", Office: d.Office}
	if action == access.List {
		r.Fields = d.FieldNames()
	}
	return accesstest.Grant(t, h.checker, r)
}

func (h *house) load(t testing.TB, reg, name, text, mapping string) (bulk.Report, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h.loadFile(t, reg, file, mapping)
}

func (h *house) loadFile(t testing.TB, reg, file, mapping string) (bulk.Report, error) {
	t.Helper()
	o := bulk.Order{Registers: h.Service, Register: reg, File: file, Grant: h.grant(t, access.Change, reg), Why: register.Why{Reason: "test"},
		Seen: h.checker.SeenTx}
	if mapping != "" {
		m, err := bulk.ReadMapping([]byte(mapping))
		if err != nil {
			t.Fatal(err)
		}
		o.Mapping, o.MapText = m, []byte(mapping)
	}
	return bulk.Import(t.Context(), o)
}

func (h *house) export(t testing.TB, reg, format string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	if _, err := bulk.ExportFile(t.Context(), bulk.Giving{Registers: h.Service, Register: reg, Format: format, Grant: h.grant(t, access.List, reg), Seen: h.checker.Seen}, name); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the export is %v, %v: want a file that nobody else can read", info.Mode(), err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var residentColumns = []string{"id", "given_names", "family_name", "birth_date", "nationality", "street", "house_number", "postcode", "city", "quarter", "residence_since"}

// streets is a register that is about nobody, with texts, numbers and nulls.
const streets = "name;quarter;postcode;first_number;last_number;zone\nKantstraße;505;47057;1;99;N1\n\"Am \"\"Tor\"\"\";505;47057;2;4;\n"

// staff is how many people of the demo are residents because they work for the city.
const staff = 9

func TestImportAndExportAreOneAnothersMirror(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		a, _ := registertest.Demo(t, db, 30)
		h := &house{Service: a, db: db, checker: accesstest.AllowAll(t, db)}
		for _, d := range a.Registers().All() {
			if db.Engine() == store.Postgres && !slices.Contains([]string{"residents", "vehicles", "offices"}, d.ID) {
				continue // each needs two databases, which take seconds there
			}
			want := h.export(t, d.ID, "jsonl")
			for _, format := range []string{"csv", "jsonl"} {
				t.Run(d.ID+"_"+format, func(t *testing.T) {
					b := open(t, another(t, db))
					rep, err := b.load(t, d.ID, "x."+format, h.export(t, d.ID, format), "")
					if err != nil {
						t.Fatalf("%s as %s: %v %v", d.ID, format, err, rep.Mistakes)
					}
					if rep.Fresh != rep.Records || rep.Records != strings.Count(want, "\n") || b.told != 0 {
						t.Errorf("%s as %s: %+v, %d of the first were told of one by one", d.ID, format, rep, b.told)
					}
					if got := b.export(t, d.ID, "jsonl"); !equalSets(got, want) {
						t.Errorf("%s as %s comes back as\n%.600s\nwant\n%.600s", d.ID, format, got, want)
					}
					// Once more does no harm.
					if rep, err = b.load(t, d.ID, "x."+format, h.export(t, d.ID, format), ""); err != nil || rep.Fresh != 0 || rep.Changed != 0 {
						t.Errorf("%s as %s, again: %+v %v", d.ID, format, rep, err)
					}
				})
			}
		}
	})
}

// another is an empty database of the same engine.
func another(t *testing.T, db *store.DB) *store.DB {
	if db.Engine() == store.Postgres {
		return storetest.Postgres(t, registertest.Rooms())
	}
	return storetest.SQLite(t, registertest.Rooms())
}

// equalSets compares lines regardless of their order: blind ids differ between houses.
func equalSets(a, b string) bool {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func TestAFileWithOneMistakeStoresNothingAndAllAreTold(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		text := "name;quarter;postcode;first_number;last_number\nKantstraße;505;47057;1;99\nA;505;47057;x;9\nB;505;47057;1\nC;505;;1;9\nKantstraße;505;47057;1;9\nD;505;47057;1.5;9\n\"E\"x;1;1;1;1\nF;505;47057;1;9\n"
		rep, err := h.load(t, "streets", "s.csv", text, `
[[field]]
to = "name"
from = "name"
[[field]]
to = "quarter"
from = "quarter"
[[field]]
to = "postcode"
from = "postcode"
[[field]]
to = "first_number"
from = "first_number"
[[field]]
to = "last_number"
from = "last_number"
[[field]]
to = "zone"
feel = "null"
`)
		if !errors.Is(err, bulk.ErrMistakes) {
			t.Fatalf("%v", err)
		}
		var got []string
		for _, m := range rep.Mistakes {
			got = append(got, m.String())
		}
		slices.Sort(got)
		want := []string{
			"line 3, column 4, first_number: want a number such as 1234",
			"line 4: want 5 columns, as the first line has",
			"line 5, postcode: want a value: it is missing",
			"line 6, name: want each key once: line 2 has the same",
			"line 7, column 4, first_number: want a value of type integer",
			"line 8, column 3: want quotes around the whole cell, and doubled inside of it",
		}
		for i := range want {
			if i == 2 { // the column is known although nothing stands there
				want[i] = "line 5, column 3, postcode: want a value: it is missing"
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if list, err := h.List(t.Context(), "streets"); err != nil || len(list) != 0 {
			t.Errorf("stored: %v %v", list, err)
		}
		if list, err := h.Imports(t.Context(), "streets", 10); err != nil || len(list) != 0 {
			t.Errorf("on record: %v %v", list, err)
		}
	})
}

const people = `
[[field]]
to = "id"
feel = '"p" + row.Nr'
[[field]]
to = "given_names"
from = "Vorname"
[[field]]
to = "family_name"
from = "Name"
[[field]]
to = "birth_date"
from = "geb."
date = "dd.mm.yyyy"
[[field]]
to = "nationality"
from = "Staat"
codes = { deutsch = "DE", "türkisch" = "TR" }
[[field]]
to = "street"
feel = 'substring before(row.Adresse, " ")'
[[field]]
to = "house_number"
feel = 'substring after(row.Adresse, " ")'
[[field]]
to = "postcode"
from = "PLZ"
[[field]]
to = "city"
value = "Duisburg"
[[field]]
to = "quarter"
value = "505"
[[field]]
to = "residence_since"
from = "seit"
date = "yyyy-mm-dd"
`

func TestAMappingMakesRecordsOfWhatOthersWrite(t *testing.T) {
	want := `{"id":"p7","given_names":"Jürgen","family_name":"Weiß","birth_date":"1970-02-28","nationality":"TR","street":"Kantstraße","house_number":"14a","postcode":"47057","city":"Duisburg","quarter":"505","residence_since":"2016-03-01"}` + "\n"
	latin := func(s string) string {
		out, err := charmap.Windows1252.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	table := "Nr;Vorname;Name;geb.;Staat;Adresse;PLZ;seit\n7;Jürgen;Weiß;28.02.1970;türkisch;Kantstraße 14a;47057;2016-03-01\n"
	xml := `<Export xmlns="urn:x"><Kopf><Person><Nr>0</Nr></Person></Kopf><Person><Nr>7</Nr><Vorname>Jürgen</Vorname><Name>Wei&#223;</Name><geb.>28.02.1970</geb.><Staat>türkisch</Staat><Adresse>Kantstraße 14a</Adresse><PLZ>47057</PLZ><seit>2016-03-01</seit></Person></Export>`
	files := map[string]string{
		"utf8.csv":  table,
		"bom.csv":   "\ufeff" + table,
		"latin.csv": latin(table),
		"tab.csv":   strings.ReplaceAll(table, ";", "\t"),
		"x.jsonl":   `{"Nr":"7","Vorname":"Jürgen","Name":"Weiß","geb.":"28.02.1970","Staat":"türkisch","Adresse":"Kantstraße 14a","PLZ":"47057","seit":"2016-03-01"}` + "\n\n",
		"x.xml":     xml,
		"latin.xml": `<?xml version="1.0" encoding="ISO-8859-1"?>` + latin(xml),
		"x.xlsx":    "",
	}
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			mapping := people
			if strings.HasSuffix(name, ".xml") {
				mapping = "[xml]\nrecord = \"/Export/Person\"\n" + people
			}
			file := filepath.Join(t.TempDir(), name)
			if name == "x.xlsx" {
				x := excelize.NewFile()
				for r, line := range strings.Split(strings.TrimSpace(table), "\n") {
					for c, v := range strings.Split(line, ";") {
						cell, _ := excelize.CoordinatesToCellName(c+1, 1+r*3) // with rows that are empty
						var err error
						if r == 1 && c == 7 {
							err = x.SetCellValue("Sheet1", cell, 42430) // 2016-03-01 as a number of days
						} else {
							err = x.SetCellStr("Sheet1", cell, v)
						}
						if err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := x.SaveAs(file); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(file, []byte(files[name]), 0o600); err != nil {
				t.Fatal(err)
			}
			if rep, err := h.loadFile(t, "residents", file, mapping); err != nil || rep.Records != 1 {
				t.Errorf("%s: %+v %v", name, rep, err)
			}
			if got := h.export(t, "residents", "jsonl"); got != want {
				t.Errorf("%s: got %s want %s", name, got, want)
			}
		}
		g := accesstest.Grant(t, h.checker, access.Request{Actor: access.Actor{Kind: access.Resident, ID: "p7", Level: access.High}, Action: access.Read, Resource: "ledger", Owner: "p7", Purpose: "own data"})
		list, err := h.checker.WhoRead(t.Context(), g, "", 100)
		if err != nil || !slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Action == access.List }) || !slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Action == access.Change }) {
			t.Errorf("the person is told of %+v, %v", list, err)
		}
	})
}

func TestAnImportThatWasStoppedGoesOnWhereItWas(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		var b strings.Builder
		b.WriteString("name,quarter,postcode,first_number,last_number,zone\n")
		const n = 20_000 // more than a batch
		for i := range n {
			fmt.Fprintf(&b, "Straße %05d,505,47057,1,9,\n", i)
		}
		file := filepath.Join(t.TempDir(), "s.csv")
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		o := bulk.Order{Registers: h.Service, Register: "streets", File: file, Grant: h.grant(t, access.Change, "streets"), Why: register.Why{Reason: "test"},
			Progress: func(what string, done, total int64) {
				if what == "load" {
					stop()
				}
			}}
		if rep, err := bulk.Import(ctx, o); err == nil || rep.Fresh == 0 || rep.Fresh == n {
			t.Fatalf("it wasn't stopped: %+v %v", rep, err)
		}
		o.Progress = nil
		rep, err := bulk.Import(t.Context(), o)
		if err != nil || rep.Before == 0 || rep.Before+rep.Fresh != n || rep.Changed != 0 {
			t.Errorf("the second: %+v %v", rep, err)
		}
		if got := strings.Count(h.export(t, "streets", "jsonl"), "\n"); got != n {
			t.Errorf("%d are stored", got)
		}
		list, err := h.Imports(t.Context(), "streets", 10)
		if err != nil || len(list) != 2 || list[0].Ended.IsZero() == list[1].Ended.IsZero() {
			t.Errorf("on record: %+v %v", list, err)
		}
	})
}

func TestAnImportChangesWhatDiffersAndOnlyThat(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		if rep, err := h.load(t, "streets", "s.csv", streets, ""); err != nil || rep.Fresh != 2 {
			t.Fatalf("%+v %v", rep, err)
		}
		rep, err := h.load(t, "streets", "s.csv", strings.Replace(streets, ";99;", ";101;", 1)+"Neu;505;47057;1;1;\n", "")
		if err != nil || rep.Fresh != 1 || rep.Changed != 1 {
			t.Errorf("%+v %v", rep, err)
		}
		m, ok, err := h.Lookup(t.Context(), nil, "streets", "name", "Kantstr.")
		if err != nil || !ok || fmt.Sprint(m["last_number"]) != "101" {
			t.Errorf("%v %v", m, err)
		}
	})
}

func TestWhatLooksLikeAFormulaIsNoneAndComesBackAsItWas(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		var b strings.Builder
		names := []string{"=1+1", "'=1+1", "''=1+1", "-5", "+49", "@SUM(A1)", "'t Hooft", "a;=cmd|' /C calc'!A0", "x\t=1", "''", "'", "a\"b", "Müller-Straße", "=", "a,b;c"}
		for _, n := range names {
			j, _ := json.Marshal(n)
			fmt.Fprintf(&b, `{"name":%s,"quarter":"505","postcode":"47057","first_number":1,"last_number":2,"zone":null}`+"\n", j)
		}
		if rep, err := h.load(t, "streets", "s.jsonl", b.String(), ""); err != nil {
			t.Fatalf("%+v %v", rep, err)
		}
		text := h.export(t, "streets", "csv")
		for line := range strings.Lines(text) {
			for _, sep := range []string{",", ";", "\t", "|"} {
				for _, cell := range strings.Split(line, sep) {
					if cell = strings.TrimLeft(cell, `"`); cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
						t.Errorf("a spreadsheet takes %q for a formula, split at %q", cell, sep)
					}
				}
			}
		}
		want := h.export(t, "streets", "jsonl")
		t.Run("back", func(t *testing.T) {
			o := open(t, another(t, db))
			if rep, err := o.load(t, "streets", "s.csv", text, ""); err != nil {
				t.Fatalf("%+v %v", rep, err)
			}
			if got := o.export(t, "streets", "jsonl"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	})
}

// A person exports by a grant of that name, which two people have agreed to; a grant to read one isn't one.
func TestAnExportTakesAGrantForIt(t *testing.T) {
	db := storetest.SQLite(t, registertest.Rooms())
	s, g := registertest.Demo(t, db, 20)
	h := &house{Service: s, db: db, checker: accesstest.AllowAll(t, db)}
	for action, works := range map[string]bool{access.Export: true, access.List: true, access.Read: false, access.Change: false} {
		grant := accesstest.Grant(t, h.checker, access.Request{Actor: access.SystemActor("test"), Action: action, Resource: "register:residents", Purpose: "test",
			Basis: "test", Fields: []string{"family_name"}})
		var out bytes.Buffer
		n, err := bulk.Export(t.Context(), bulk.Giving{Registers: s, Register: "residents", Format: "csv", Grant: grant, Seen: h.checker.Seen}, &out)
		if (err == nil) != works || works && (n != 20+staff || !strings.Contains(out.String(), g.Person(19).Resident.FamilyName)) || strings.Contains(out.String(), "Kantstraße") {
			t.Errorf("%s: %d records, %v: %s", action, n, err, out.String())
		}
	}
}

func TestParquetHasTypedColumns(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		a, _ := registertest.Demo(t, db, 700)
		h := &house{Service: a, db: db, checker: accesstest.AllowAll(t, db)}
		raw := []byte(h.export(t, "residents", "parquet"))
		type resident struct {
			ID    *string `parquet:"id,optional"`
			Born  *int32  `parquet:"birth_date,optional,date"`
			Given *string `parquet:"given_names,optional"`
		}
		rows, err := parquet.Read[resident](bytes.NewReader(raw), int64(len(raw)))
		if err != nil || len(rows) != 700+staff {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if *rows[0].Given != "Anna" || *rows[0].Born != 6676 { // 1988-04-12
			t.Errorf("the first is %s, born on day %d", *rows[0].Given, *rows[0].Born)
		}
		raw = []byte(h.export(t, "streets", "parquet"))
		f, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]string{}
		for _, x := range f.Schema().Fields() {
			kinds[x.Name()] = x.Type().Kind().String()
		}
		if want := map[string]string{"name": "BYTE_ARRAY", "quarter": "BYTE_ARRAY", "postcode": "BYTE_ARRAY", "first_number": "INT64", "last_number": "INT64", "zone": "BYTE_ARRAY"}; !reflect.DeepEqual(kinds, want) {
			t.Errorf("%v", kinds)
		}
	})
}

func TestHostileFilesAreRefused(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		xml := "[xml]\nrecord = \"/a/b\"\n" + people
		for name, c := range map[string]struct{ file, text, mapping, want string }{
			"entities":       {"x.xml", `<!DOCTYPE a [<!ENTITY x "yyyy"><!ENTITY z "&x;&x;">]><a><b>&z;</b></a>`, xml, "DTD"},
			"a file":         {"x.xml", `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, xml, "DTD"},
			"depth":          {"x.xml", strings.Repeat("<a>", 100_000), xml, "inside each other"},
			"depth inside":   {"x.xml", "<a><b>" + strings.Repeat("<c>", 100_000), xml, "inside each other"},
			"a huge text":    {"x.xml", "<a><b>" + strings.Repeat("x", 3<<20), xml, "bytes"},
			"a huge comment": {"x.xml", "<a><!--" + strings.Repeat("x", 3<<20), xml, "bytes"},
			"many values":    {"x.xml", "<a><b>" + strings.Repeat("<c/>", 6000), xml, "values"},
			"not closed":     {"x.xml", "<a><b><c></b>", xml, "closes"},
			"an open quote":  {"x.csv", strings.Join(residentColumns, ";") + "\n" + `"` + strings.Repeat("x\n", 2<<20), "", "bytes"},
			"a long line":    {"x.jsonl", strings.Repeat(" ", 3<<20), "", "bytes"},
			"no workbook":    {"x.xlsx", "PK", "", "workbook"},
			"two columns":    {"x.csv", "name;name\n", "", "two columns"},
			"a strange one":  {"x.csv", "name;quarter;x\n", "", "is no field"},
			"empty":          {"x.csv", "", "", "empty"},
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rep, err := h.load(t, "residents", c.file, c.text, c.mapping)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %+v, %v: want it to say %q", name, rep, err, c.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
				t.Errorf("%s: took %d MB of memory", name, took>>20)
			}
		}
		deep := `{"id":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}\n"
		if rep, err := h.load(t, "residents", "x.jsonl", deep, ""); !errors.Is(err, bulk.ErrMistakes) || rep.Wrong() != 1 {
			t.Errorf("depth: %+v %v", rep, err)
		}
	})
}

func TestAZipBombIsRefusedBeforeItIsUnpacked(t *testing.T) {
	storetest.Each(t, registertest.Rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db)
		x := excelize.NewFile()
		var b bytes.Buffer
		if err := x.Write(&b); err != nil {
			t.Fatal(err)
		}
		in, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "docProps/extra.xml"} {
			file := filepath.Join(t.TempDir(), "bomb.xlsx")
			out, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			z := zip.NewWriter(out)
			for _, f := range in.File {
				if f.Name != part {
					if err := z.Copy(f); err != nil {
						t.Fatal(err)
					}
				}
			}
			w, err := z.Create(part)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(w, zeros{}, 100<<20); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(z.Close(), out.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := h.loadFile(t, "streets", file, ""); err == nil || !strings.Contains(err.Error(), "zip bomb") {
				t.Errorf("%s: %v", part, err)
			}
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAMappingTellsAllItsMistakes(t *testing.T) {
	_, err := bulk.ReadMapping([]byte(`
format = "pdf"
colour = 1
[[field]]
to = "a"
[[field]]
to = "a"
from = "x"
value = 1
[[field]]
to = "b"
feel = "1 +"
[[field]]
to = "c"
feel = "secret"
[[field]]
to = "d"
from = "x"
date = "tomorrow"
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"pdf"`, "colour", "one of from, value and feel", "twice", "field b", "uses secret", "day, month and year"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
