// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
	"mercator/domain/register/sample"
)

const benchRegistersTimeout = 8 * time.Hour

// buildings is a register for what the city's own have too few records of to measure: an order, a map, words.
const buildings = "bench_buildings"

func buildingFields() string {
	var b strings.Builder
	for _, f := range [...][2]string{
		{"id", ""}, {"street", `search = ["street", "prefix"]`}, {"floors", `search = "range"`},
		{"built", `search = "date"`}, {"place", "search = \"geo\"\ngeometry = true"}, {"notes", `search = "text"`},
	} {
		fmt.Fprintf(&b, "[[field]]\nname = %q\nclass = \"internal\"\nsource = \"own\"\ntitle = { de = %[1]q, en = %[1]q, tr = %[1]q }\n%s\n", f[0], f[1])
	}
	return b.String()
}

func buildingPackage() map[string]string {
	const words = `{ de = "Gebäude (Messung)", en = "Buildings (benchmark)", tr = "Binalar (ölçüm)" }`
	return map[string]string{
		"register.toml": `id = "` + buildings + `"
office = "32"
basis = "benchmark"
key = "id"
title = ` + words + "\npurpose = " + words + "\nretention = " + words + "\n" + buildingFields(),
		"schema.json": `{"type": "object", "additionalProperties": false, "required": ["id"], "properties": {"id": {"type": "string"},
"street": {"type": "string"}, "floors": {"type": "integer"}, "built": {"type": "string", "format": "date"}, "place": {"type": "object"}, "notes": {"type": "string"}}}`,
	}
}

type registerBench struct {
	h         *House
	out, log  io.Writer
	generator *sample.Generator
	residents int
	vehicles  int
	buildings int
	seconds   time.Duration
	rounds    int
	only      string
	clerks    atomic.Int64
}

// benchRegisters is mercator bench registers: it builds a house in a folder, fills it with a city, and measures its registers in
// this process, with the policies, the ledger and the encryption that a running one has. A folder that is filled is only measured.
func benchRegisters(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	tuneMemory()
	f := flag.NewFlagSet("mercator bench registers", flag.ContinueOnError)
	f.SetOutput(stderr)
	dir := f.String("data", "", "folder of its own")
	postgres := f.String("postgres", "", "URL of an empty PostgreSQL database; empty: SQLite in the folder")
	b := &registerBench{out: stdout, log: stderr}
	f.IntVar(&b.residents, "residents", 500_000, "residents")
	f.IntVar(&b.vehicles, "vehicles", 300_000, "vehicles")
	f.IntVar(&b.buildings, "buildings", 100_000, "records of a register with a map, an order and words")
	cases := f.Int("cases", 1_000_000, "cases")
	f.DurationVar(&b.seconds, "each", 10*time.Second, "how long each round of a measurement takes")
	f.IntVar(&b.rounds, "rounds", 3, "rounds of each measurement; the middle one counts")
	f.StringVar(&b.only, "only", "", "only measurements whose name has one of these, with commas between")
	profile := f.String("profile", "", "file for a profile of the processor while it measures (go tool pprof)")
	if err := f.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if *dir == "" || b.residents < 1000 || b.residents > maxResidents || b.vehicles < 0 || b.vehicles > maxResidents || b.buildings < 0 || b.buildings > maxResidents ||
		*cases < 0 || *cases > maxSeed || b.rounds < 1 || b.rounds > 50 || b.seconds < 100*time.Millisecond {
		return errors.New("bench registers: --data is missing or a number is out of bounds")
	}
	if err := b.open(ctx, *dir, *postgres); err != nil {
		return err
	}
	defer b.h.Close()
	if err := b.fill(ctx, *cases); err != nil {
		return err
	}
	if *profile == "" {
		return b.measureAll(ctx)
	}
	out, err := os.Create(*profile)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return b.measureAll(ctx)
}

// open builds a house whose content has one more register.
func (b *registerBench) open(ctx context.Context, dir, postgres string) error {
	content := filepath.Join(dir, "content")
	if err := os.RemoveAll(content); err != nil {
		return err
	}
	if err := os.CopyFS(content, contentFS(demoContent(""))); err != nil {
		return err
	}
	folder := filepath.Join(content, "registers", buildings)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, text := range buildingPackage() {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	c := config.Config{
		Server:   config.Server{Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1:1"},
		Data:     config.Data{Dir: filepath.Join(dir, "data")},
		Identity: config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "mercator", ClientSecret: config.Literal("bench")},
		Payment: config.Payment{Endpoint: "http://127.0.0.1:1/xbezahldienste/v1", Originator: "mercator", EndpointID: "05112000",
			Token: config.Literal("bench"), CallbackSecret: config.Literal("bench")},
	}
	if postgres != "" {
		c.Database = config.Database{Engine: "postgres", DSN: config.Literal(postgres)}
	}
	c.Content.Dir = content
	h, err := New(ctx, Options{Config: c.WithDefaults(), NoStream: true})
	if err != nil {
		return err
	}
	b.h = h
	b.generator, err = sample.NewGenerator(h.city, sampleSeed, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
	return err
}

// size is how many bytes the database takes.
func (b *registerBench) size(ctx context.Context) (n int64, err error) {
	query := "-- app.bench\nSELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if b.h.db.Engine() == store.Postgres {
		query = "-- app.bench\nSELECT pg_database_size(current_database())"
	}
	return store.One(ctx, b.h.db, scanOne[int64], query)
}

func benchItem(reg string, v any, value func(string) string) register.Item {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a struct of texts
	}
	return register.Item{Register: reg, Data: text, Value: value}
}

// plate numbers the vehicles: two letters that the demo's own don't have.
func benchPlate(i int) string {
	n := i / 9999
	return fmt.Sprintf("DU-%c%c %d", 'A'+n%26, 'A'+n/26%26, 1+i%9999)
}

func (b *registerBench) building(i int) map[string]any {
	r := rand.New(rand.NewPCG(7, uint64(i)))
	uses := [...]string{"Wohnhaus", "Gaststätte", "Werkstatt", "Lagerhalle", "Schule", "Kirche", "Kiosk", "Bürogebäude", "Garage", "Kindergarten"}
	signs := [...]string{"Denkmal", "Altbau", "Neubau", "Hochwasser", "Brandschutz", "Aufzug", "Innenhof", "Dachgeschoss", "Fernwärme", "Photovoltaik"}
	s := b.h.city.Streets[r.IntN(len(b.h.city.Streets))]
	return map[string]any{"id": fmt.Sprintf("b%07d", i), "street": s.Name, "floors": 1 + min(r.IntN(8), r.IntN(24)), "built": time.Date(1880, 1, 1+r.IntN(146*365), 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
		"place": map[string]any{"type": "Point", "coordinates": []float64{6.63 + 0.2*r.Float64(), 51.33 + 0.22*r.Float64()}},
		"notes": uses[min(r.IntN(10), r.IntN(10))] + " " + signs[r.IntN(10)] + fmt.Sprintf(" Flurstück %d", r.IntN(5000))}
}

func (b *registerBench) load(ctx context.Context, what string, n int, item func(i int) register.Item) (took time.Duration, err error) {
	done, err := b.h.registers.Loaded(ctx, "bench."+what)
	if err != nil || done >= n {
		return 0, err
	}
	g, err := b.h.keepCity(ctx, "benchmark")
	if err != nil {
		return 0, err
	}
	bar := &progressBar{w: b.log, began: time.Now(), what: what}
	began, cpu := time.Now(), processor()
	err = b.h.registers.Load(ctx, g, register.Loading{Name: "bench." + what, Why: register.Why{Reason: "benchmark"},
		Records: iter.Seq[register.Item](func(yield func(register.Item) bool) {
			for i := range n {
				if !yield(item(i)) {
					return
				}
			}
		}), Progress: func(done int) { bar.show(done, n) }})
	bar.end()
	took = time.Since(began)
	if err == nil {
		fmt.Fprintf(b.out, "| import of %d %s%s | %.1f s | %.0f a second | %.1f s of processor |\n", n-done, what, rest(done), took.Seconds(), float64(n-done)/took.Seconds(), (processor() - cpu).Seconds())
	}
	return took, err
}

// importResidents does what mercator register import does with a file of them all, which is made before. It takes no time if
// it has been done.
func (b *registerBench) importResidents(ctx context.Context) (time.Duration, error) {
	if done, err := b.h.registers.Imports(ctx, "residents", 1); err != nil || len(done) > 0 && !done[0].Ended.IsZero() {
		return 0, err
	}
	name := filepath.Join(b.h.config.Data.Dir, "residents.jsonl")
	defer os.Remove(name)
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(f)
	lines := json.NewEncoder(w)
	for i := range b.residents {
		if err := lines.Encode(b.generator.Person(i).Resident); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return 0, err
	}
	bar := &progressBar{w: b.log, began: time.Now()}
	began, cpu := time.Now(), processor()
	d, _ := b.h.definitions.Get("residents")
	g, err := b.h.access.Permit(ctx, access.Request{Actor: commandActor("register import"), Action: access.Change, Resource: register.Resource(d.ID),
		Purpose: "import: benchmark", Basis: "§ 3 BMG", Office: d.Office, Fields: d.FieldNames()})
	if err != nil {
		return 0, err
	}
	var checked time.Duration
	rep, err := bulk.Import(ctx, bulk.Order{Registers: b.h.registers, Register: d.ID, File: name, Grant: g, Why: register.Why{Reason: "benchmark"},
		Seen: seenInParts(b.h.access), Now: b.h.now(), Progress: func(what string, done, total int64) {
			if what == "check" {
				checked = time.Since(began)
			}
			bar.what = "residents, " + what
			bar.show(int(done), int(total))
		}})
	bar.end()
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	fmt.Fprintf(b.out, "| import of %d residents | %.1f s, %.1f of them to check the file | %.0f a second | %.1f s of processor |\n",
		rep.Fresh, took.Seconds(), checked.Seconds(), float64(rep.Fresh)/took.Seconds(), (processor() - cpu).Seconds())
	return took, nil
}

func rest(done int) string {
	if done == 0 {
		return ""
	}
	return fmt.Sprintf(" (the rest; %d were there)", done)
}

func (b *registerBench) fill(ctx context.Context, cases int) error {
	empty, err := b.size(ctx)
	if err != nil {
		return err
	}
	took, err := b.importResidents(ctx)
	if err != nil {
		return err
	}
	if took > 0 {
		after, err := b.size(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "| size of %d residents, with index, keys and feed | %d bytes each | | |\n", b.residents, (after-empty)/int64(b.residents))
	}
	car := sample.Vehicle{}
	for i := 0; car.Make == ""; i++ {
		if v := b.generator.Person(i).Vehicles; len(v) > 0 {
			car = v[0]
		}
	}
	_, err = b.load(ctx, "vehicles", b.vehicles, func(i int) register.Item {
		v := car
		v.Plate, v.Holder = benchPlate(i), sample.PersonID(i*7919%b.residents)
		return benchItem("vehicles", v, v.Value)
	})
	if err != nil {
		return err
	}
	_, err = b.load(ctx, buildings, b.buildings, func(i int) register.Item {
		m := b.building(i)
		return benchItem(buildings, m, func(field string) string {
			switch v := m[field].(type) {
			case string:
				return v
			case int:
				return fmt.Sprint(v)
			}
			return ""
		})
	})
	if err != nil {
		return err
	}
	there, err := store.One(ctx, b.h.db, scanOne[int], "-- app.bench\nSELECT COUNT(*) FROM casefile_case")
	if err != nil {
		return err
	}
	if there < cases {
		if err := b.h.seed(ctx, cases-there, b.log); err != nil {
			return err
		}
	}
	return b.h.db.Analyze(ctx) // what autovacuum would do some minutes later
}

// clerk is one of the office that keeps a register, another each time: no brake holds who reads as much as a benchmark.
func (b *registerBench) clerk(reg string) access.Actor {
	id, office := fmt.Sprint("bench-", b.clerks.Add(1)%15_000), ""
	if d, ok := b.h.definitions.Get(reg); ok {
		office = d.Office
	}
	return access.Actor{Kind: access.Clerk, ID: id, Name: "Benchmark", Office: office, Roles: []string{"clerk"}, Level: access.Substantial, Door: access.DoorCommand}
}

var benchFields = map[string][]string{
	"residents": {"id", "given_names", "family_name", "birth_date", "street", "house_number", "postcode", "city", "quarter"},
	"vehicles":  {"plate", "holder", "make", "model"},
	buildings:   {"id", "street", "floors", "built", "place", "notes"},
}

func (b *registerBench) read(ctx context.Context, i int) error {
	person := sample.PersonID(i)
	g, err := b.h.access.Permit(ctx, access.Request{Actor: b.clerk("residents"), Action: access.Read, Resource: register.Resource("residents"), Purpose: "benchmark",
		Basis: "§ 3 BMG", Subjects: []string{person}, Fields: benchFields["residents"]})
	if err != nil {
		return err
	}
	r, err := b.h.registers.Get(ctx, g, "residents", person)
	if err == nil && len(r.Data) < 50 {
		err = fmt.Errorf("the record of %s is empty", person)
	}
	return err
}

// ask is a search; it gives how many it has found on how many pages.
func (b *registerBench) ask(ctx context.Context, reg string, q register.Query, pages int) (n int, err error) {
	clerk := b.clerk(reg) // who turns the page is who asked: it is given to nobody else
	for range pages {
		g, err := b.h.access.Permit(ctx, access.Request{Actor: clerk, Action: access.List, Resource: register.Resource(reg), Purpose: "benchmark",
			Basis: "§ 3 BMG", Fields: benchFields[reg]})
		if err != nil {
			return n, err
		}
		page, err := b.h.registers.Search(ctx, g, reg, q)
		if err != nil {
			return n, err
		}
		if n += len(page.Records); page.Next == "" {
			break
		}
		q.After = page.Next
	}
	return n, nil
}

func (b *registerBench) change(ctx context.Context, i int, r *rand.Rand) error {
	p := b.generator.Person(i).Resident
	p.HouseNumber = fmt.Sprint(1 + r.IntN(10_000))
	return b.h.db.Write(ctx, func(tx *store.Tx) error {
		g, err := b.h.access.PermitTx(ctx, tx, access.Request{Actor: b.clerk("residents"), Action: access.Change, Resource: register.Resource("residents"), Purpose: "benchmark",
			Basis: "§ 3 BMG", Owner: p.ID, Fields: benchFields["residents"]})
		if err != nil {
			return err
		}
		return b.h.registers.Put(ctx, tx, g, "residents", p.ID, p, register.Why{Reason: "benchmark"})
	})
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// searches are what is looked for, each time something else.
func (b *registerBench) searches() []struct {
	name, register string
	pages          int
	query          func(p sample.Resident, r *rand.Rand) register.Query
} {
	type R = sample.Resident
	type search = struct {
		name, register string
		pages          int
		query          func(p R, r *rand.Rand) register.Query
	}
	filter := func(format string, args ...any) register.Query {
		return register.Query{Filter: fmt.Sprintf(format, args...)}
	}
	begin := func(s string, n int) string { return string([]rune(s)[:min(n, len([]rune(s)))]) }
	day := func(s string, years int) string {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return s
		}
		return t.AddDate(years, 0, 0).Format(time.DateOnly)
	}
	sorted := func(q register.Query, by string) register.Query { q.Sort = by; return q }
	return []search{
		{"exact: family name, given names and date of birth", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("family_name = %s AND given_names = %s AND birth_date = DATE('%s')", quote(p.FamilyName), quote(p.GivenNames), p.BirthDate)
		}},
		{"exact: family name, page of 50", "residents", 1, func(p R, _ *rand.Rand) register.Query { return filter("family_name = %s", quote(p.FamilyName)) }},
		{"exact: family name, pages 1 and 2", "residents", 2, func(p R, _ *rand.Rand) register.Query { return filter("family_name = %s", quote(p.FamilyName)) }},
		{"exact: plate", "vehicles", 1, func(_ R, r *rand.Rand) register.Query {
			return filter("plate = %s", quote(benchPlate(r.IntN(max(b.vehicles, 1)))))
		}},
		{"prefix: three letters of a family name", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("family_name LIKE %s", quote(begin(p.FamilyName, 3)+"%"))
		}},
		{"prefix: five letters, and a year of birth", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("family_name LIKE %s AND birth_date BETWEEN DATE('%s-01-01') AND DATE('%[2]s-12-31')", quote(begin(p.FamilyName, 5)+"%"), p.BirthDate[:4])
		}},
		{"phonetic: family name", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("phonetic(family_name) = %s", quote(p.FamilyName))
		}},
		{"phonetic: family name, and the month of birth", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("phonetic(family_name) = %s AND birth_date BETWEEN DATE('%s-01') AND DATE('%[2]s-28')", quote(p.FamilyName), p.BirthDate[:7])
		}},
		{"date: a day of birth", "residents", 1, func(p R, _ *rand.Rand) register.Query { return filter("birth_date = DATE('%s')", p.BirthDate) }},
		{"date: born in ten years (personal)", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("birth_date BETWEEN DATE('%s') AND DATE('%s')", p.BirthDate, day(p.BirthDate, 10))
		}},
		{"street and date of birth", "residents", 1, func(p R, _ *rand.Rand) register.Query {
			return filter("street = %s AND birth_date > DATE('%s')", quote(p.Street), day(p.BirthDate, -1))
		}},
		{"range: built in a year, by date", buildings, 1, func(_ R, r *rand.Rand) register.Query {
			y := 1880 + r.IntN(140)
			return sorted(filter("built BETWEEN DATE('%d-01-01') AND DATE('%[1]d-12-31')", y), "built")
		}},
		{"range: sorted downwards by floors, 3 pages", buildings, 3, func(_ R, r *rand.Rand) register.Query {
			return sorted(filter("floors <= %d", 1+r.IntN(7)), "-floors")
		}},
		{"everything sorted by date, 3 pages", buildings, 3, func(R, *rand.Rand) register.Query { return register.Query{Sort: "built"} }},
		{"near: within 500 m of a point", buildings, 1, func(_ R, r *rand.Rand) register.Query {
			return filter("S_DWITHIN(place, POINT(%.5f %.5f), 500)", 6.64+0.18*r.Float64(), 51.34+0.2*r.Float64())
		}},
		{"within: a rectangle of 1 km", buildings, 1, func(_ R, r *rand.Rand) register.Query {
			x, y := 6.64+0.17*r.Float64(), 51.34+0.19*r.Float64()
			return filter("S_WITHIN(place, BBOX(%.5f, %.5f, %.5f, %.5f))", x, y, x+0.0143, y+0.009)
		}},
		{"full text: two words", buildings, 1, func(_ R, r *rand.Rand) register.Query {
			m := b.building(r.IntN(max(b.buildings, 1)))
			w := strings.Fields(m["notes"].(string))
			return register.Query{Text: w[0] + " " + w[1]}
		}},
		{"combined: words, street, order", buildings, 1, func(_ R, r *rand.Rand) register.Query {
			m := b.building(r.IntN(max(b.buildings, 1)))
			return register.Query{Text: strings.Fields(m["notes"].(string))[0], Filter: "street = " + quote(m["street"].(string)), Sort: "built"}
		}},
		{"combined: map, order, words", buildings, 1, func(_ R, r *rand.Rand) register.Query {
			x, y := 6.64+0.16*r.Float64(), 51.34+0.18*r.Float64()
			return register.Query{Text: "Wohnhaus", Sort: "-built", Filter: fmt.Sprintf("S_WITHIN(place, BBOX(%.5f, %.5f, %.5f, %.5f)) AND floors > 2", x, y, x+0.03, y+0.02)}
		}},
		{"finds nothing: no field has an index for it", "residents", 1, func(R, *rand.Rand) register.Query {
			return filter("family_name LIKE '%%qqq%%'")
		}},
	}
}

func (b *registerBench) measureAll(ctx context.Context) error {
	fmt.Fprintf(b.out, "\n%s: %d residents, %d vehicles, %d buildings; %d rounds of %s\n\n| what | at a time | a second | p50 | p99 | longest | processor each |\n|---|--:|--:|--:|--:|--:|--:|\n",
		b.h.db.Engine(), b.residents, b.vehicles, b.buildings, b.rounds, b.seconds)
	for _, workers := range []int{1, 4, 16, 64} {
		if err := b.measure(ctx, "read by key", workers, func(ctx context.Context, r *rand.Rand) error { return b.read(ctx, r.IntN(b.residents)) }); err != nil {
			return err
		}
	}
	for _, rate := range []int{1000, 3000} {
		if err := b.measureAt(ctx, "read by key", rate, func(ctx context.Context, r *rand.Rand) error { return b.read(ctx, r.IntN(b.residents)) }); err != nil {
			return err
		}
	}
	if err := b.measureAt(ctx, "change of a resident", 500, func(ctx context.Context, r *rand.Rand) error { return b.change(ctx, r.IntN(b.residents), r) }); err != nil {
		return err
	}
	for _, workers := range []int{1, 16} {
		if err := b.measure(ctx, "change of a resident", workers, func(ctx context.Context, r *rand.Rand) error { return b.change(ctx, r.IntN(b.residents), r) }); err != nil {
			return err
		}
	}
	for _, s := range b.searches() {
		if s.register == buildings && b.buildings == 0 || s.register == "vehicles" && b.vehicles == 0 {
			continue
		}
		if err := b.measure(ctx, "search "+s.name, 1, func(ctx context.Context, r *rand.Rand) error {
			_, err := b.ask(ctx, s.register, s.query(b.generator.Person(r.IntN(b.residents)).Resident, r), s.pages)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// measure does something again and again, so many at a time; the median round is told.
func (b *registerBench) measure(ctx context.Context, name string, workers int, do func(context.Context, *rand.Rand) error) error {
	return b.rounded(ctx, name, fmt.Sprint(workers), workers, func(last time.Duration, _ *rand.Rand) func() (time.Time, bool) {
		began := time.Now()
		return func() (time.Time, bool) { return time.Now(), time.Since(began) < last }
	}, do)
}

// measureAt lets so many a second come, by chance and whether those before them are answered or not. How long one takes counts
// from when it came, so whoever had to wait is seen.
func (b *registerBench) measureAt(ctx context.Context, name string, rate int, do func(context.Context, *rand.Rand) error) error {
	const waiting = 256 // as many come at once at most; with more the machine is too slow in any case
	return b.rounded(ctx, name, fmt.Sprintf("%d a second come", rate), waiting, func(last time.Duration, r *rand.Rand) func() (time.Time, bool) {
		come := make(chan time.Time, 1<<16)
		go func() {
			defer close(come)
			for next, end := time.Now(), time.Now().Add(last); next.Before(end); {
				next = next.Add(time.Duration(r.ExpFloat64() * float64(time.Second) / float64(rate)))
				time.Sleep(time.Until(next))
				late := next.Add(time.Millisecond) // what the runtime rounds a sleep up to
				if now := time.Now(); now.Before(late) {
					late = now
				}
				come <- late
			}
		}()
		return func() (time.Time, bool) {
			at, ok := <-come
			return at, ok
		}
	}, do)
}

// rounded is a row of the table: rounds of something by some workers, each begun when arrive says.
func (b *registerBench) rounded(ctx context.Context, name, how string, workers int, arrivals func(last time.Duration, r *rand.Rand) func() (time.Time, bool), do func(context.Context, *rand.Rand) error) error {
	if !slices.ContainsFunc(strings.Split(b.only, ","), func(part string) bool { return strings.Contains(name, part) }) {
		return nil
	}
	type round struct {
		rate               float64
		p50, p99, top, cpu time.Duration
	}
	var rounds []round
	for n := -1; n < b.rounds; n++ {
		last := b.seconds
		if n < 0 {
			last = min(last/4, 2*time.Second) // to warm up
		}
		var mu sync.Mutex
		var all []time.Duration
		var failed error
		began, cpu := time.Now(), processor()
		arrive := arrivals(last, rand.New(rand.NewPCG(uint64(n+1), 1<<32)))
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(n+1), uint64(w)))
				var list []time.Duration
				for {
					at, ok := arrive()
					if !ok {
						break
					}
					if err := do(ctx, r); err != nil {
						mu.Lock()
						failed = cmp.Or(failed, fmt.Errorf("%s: %w", name, err))
						mu.Unlock()
						break
					}
					list = append(list, time.Since(at))
				}
				mu.Lock()
				all = append(all, list...)
				mu.Unlock()
			})
		}
		wg.Wait()
		took := time.Since(began)
		if failed != nil {
			return failed
		}
		if n < 0 {
			continue
		}
		slices.Sort(all)
		rounds = append(rounds, round{float64(len(all)) / took.Seconds(), all[len(all)/2], all[len(all)*99/100], all[len(all)-1], (processor() - cpu) / time.Duration(len(all))})
	}
	middle := func(of func(round) float64) float64 {
		var list []float64
		for _, r := range rounds {
			list = append(list, of(r))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	ms := func(of func(round) time.Duration) float64 {
		return middle(func(r round) float64 { return of(r).Seconds() * 1000 })
	}
	fmt.Fprintf(b.out, "| %s | %s | %.0f | %.2f ms | %.2f ms | %.1f ms | %.2f ms |\n", name, how, middle(func(r round) float64 { return r.rate }),
		ms(func(r round) time.Duration { return r.p50 }), ms(func(r round) time.Duration { return r.p99 }), ms(func(r round) time.Duration { return r.top }),
		ms(func(r round) time.Duration { return r.cpu }))
	return ctx.Err()
}
