// SPDX-License-Identifier: EUPL-1.2

// Command pocketbase measures the registers beside PocketBase, a data API in Go on SQLite: the same residents, the same
// requests, by turns in the same run. Mercator decides about access by purpose, puts each read and change on record, seals
// what is personal and keeps every version; PocketBase checks that somebody is signed in and writes its request log. It is
// a module of its own, so that the house doesn't depend on what it only measures. bench/pocketbase/run builds and runs it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	mercator := flag.String("mercator", "", "the program")
	root := flag.String("root", "../..", "the folder of the repository")
	dir := flag.String("dir", "", "an empty folder for the data")
	residents := flag.Int("residents", 20_000, "how many residents the city has")
	rounds := flag.Int("rounds", 3, "how often each is measured; the median counts")
	seconds := flag.Float64("seconds", 5, "how long each round takes")
	workers := flag.Int("workers", 16, "requests at a time in the second figure of each")
	dsn := flag.String("postgres", "", "a database of a PostgreSQL server: Mercator is measured on it, too")
	as := flag.String("peer", "", "be PocketBase on this folder (internal)")
	file := flag.String("file", "", "with the records of this file (internal)")
	durable := flag.Bool("durable", false, "with synchronous=FULL (internal)")
	flag.Parse()
	if *as != "" {
		return peer(*as, *file, *durable)
	}
	if *mercator == "" || *dir == "" {
		return errors.New("use bench/pocketbase/run")
	}
	b := &bench{root: *root, mercator: *mercator, dir: *dir, residents: *residents, rounds: *rounds, length: time.Duration(*seconds * float64(time.Second)), workers: *workers}
	return b.run(*dsn)
}

type bench struct {
	root, mercator, dir        string
	residents, rounds, workers int
	length                     time.Duration
	keys, names                []string
}

// system is one that is measured.
type system struct {
	name   string
	base   string // of its records
	cmd    *exec.Cmd
	auth   string
	merc   bool
	query  string // why and under which law, of Mercator
	tags   sync.Map
	disk   string
	client *http.Client
	result map[string][]figure
}

type figure struct{ rate, p50, p99, cpu, memory float64 }

func (b *bench) run(dsn string) error {
	content := filepath.Join(b.dir, "content")
	if err := os.CopyFS(content, os.DirFS(filepath.Join(b.root, "content"))); err != nil {
		return err
	}
	if err := loosen(filepath.Join(content, "policies", "brakes.toml")); err != nil {
		return err
	}
	var all []*system
	defer func() {
		for _, s := range all {
			s.stop()
		}
	}()
	began := time.Now()
	m, err := b.startMercator("Mercator, SQLite", filepath.Join(b.dir, "sqlite"), content, "")
	if err != nil {
		return err
	}
	all = append(all, m)
	fmt.Fprintf(os.Stderr, "Mercator has %d residents after %s\n", b.residents, time.Since(began).Round(time.Second))
	file := filepath.Join(b.dir, "residents.jsonl")
	if err := b.export(m.disk, content, file); err != nil {
		return err
	}
	if err := b.read(file); err != nil {
		return err
	}
	if dsn != "" {
		p, err := b.startMercator("Mercator, PostgreSQL", filepath.Join(b.dir, "postgres"), content, dsn)
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	for name, durable := range map[string]bool{"PocketBase 0.36.9": false, "PocketBase 0.36.9, synchronous=FULL": true} {
		began := time.Now()
		p, err := b.startPeer(name, filepath.Join(b.dir, "pocketbase-"+strconv.FormatBool(durable)), file, durable)
		if err != nil {
			return err
		}
		all = append(all, p)
		fmt.Fprintf(os.Stderr, "%s has them after %s\n", name, time.Since(began).Round(time.Second))
	}
	slices.SortFunc(all, func(a, b *system) int { return strings.Compare(a.name, b.name) })
	kinds := []struct {
		name    string
		workers int
		do      func(s *system, worker int, r *rand.Rand) error
	}{
		{"read by key, one at a time", 1, b.readOne},
		{"read by key, " + strconv.Itoa(b.workers) + " at a time", b.workers, b.readOne},
		{"20 records of a name, " + strconv.Itoa(b.workers) + " at a time", b.workers, b.search},
		{"change, one at a time", 1, b.change},
		{"change, " + strconv.Itoa(b.workers) + " at a time", b.workers, b.change},
	}
	fmt.Printf("%d residents, %d rounds of %s by turns; load %s before\n\n", b.residents, b.rounds, b.length, load())
	for range b.rounds {
		for _, k := range kinds {
			for _, s := range all {
				// Warm for a moment, not counted: the processor goes from one to the other.
				if _, err := s.measure(min(b.length/4, time.Second), k.workers, k.do); err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, k.name, err)
				}
				f, err := s.measure(b.length, k.workers, k.do)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, k.name, err)
				}
				s.result[k.name] = append(s.result[k.name], f)
			}
		}
	}
	fmt.Println("| what | system | a second | p50, ms | p99, ms | processor, ms | memory, MB |\n|---|---|--:|--:|--:|--:|--:|")
	for _, k := range kinds {
		for _, s := range all {
			list := s.result[k.name]
			fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", k.name, s.name, median(list, "%.0f", func(f figure) float64 { return f.rate }),
				median(list, "%.1f", func(f figure) float64 { return f.p50 }), median(list, "%.1f", func(f figure) float64 { return f.p99 }),
				median(list, "%.2f", func(f figure) float64 { return f.cpu }), median(list, "%.0f", func(f figure) float64 { return f.memory }))
		}
	}
	fmt.Printf("\nOn disk at the end:")
	for _, s := range all {
		if s.disk != "" {
			fmt.Printf(" %s %.0f MB;", s.name, size(s.disk))
		}
	}
	fmt.Printf(" load %s\n", load())
	return b.onRecord(all)
}

// loosen lets a program read as many persons as the benchmark does. The brake counts as it would.
func loosen(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, regexp.MustCompile(`(?m)^persons = .*$`).ReplaceAll(b, []byte("persons = 1000000000")), 0o600)
}

// start starts a program and waits for its line "ready".
func start(cmd *exec.Cmd, log string) ([]string, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stderr = f
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	ready := make(chan []string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if words := strings.Fields(s.Text()); len(words) > 1 && words[0] == "ready" {
				ready <- words[1:]
			}
		}
		close(ready)
	}()
	select {
	case words, ok := <-ready:
		if !ok {
			text, _ := os.ReadFile(log)
			return nil, fmt.Errorf("%s: %v\n%s", cmd, cmd.Wait(), text)
		}
		return words, nil
	case <-time.After(startup):
		cmd.Process.Kill()
		return nil, fmt.Errorf("%s isn't ready after %s", cmd, startup)
	}
}

func (s *system) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { s.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		s.cmd.Process.Kill()
	}
}

func (b *bench) system(name string) *system {
	return &system{name: name, result: map[string][]figure{},
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

func (b *bench) startMercator(name, dir, content, dsn string) (*system, error) {
	s := b.system(name)
	args := []string{"demo", "--listen", "127.0.0.1:0", "--data", dir, "--residents", strconv.Itoa(b.residents), "--content", content}
	if dsn != "" {
		args = append(args, "--postgres", dsn)
	} else {
		s.disk = dir
	}
	s.cmd = exec.Command(b.mercator, args...)
	words, err := start(s.cmd, dir+".log")
	if err != nil {
		return nil, err
	}
	var state struct{ Identity, APISecret string }
	raw, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err == nil {
		err = json.Unmarshal(raw, &state)
	}
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"registers:read registers:write register:residents"}}
	r, err := http.NewRequest(http.MethodPost, "http://"+state.Identity+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth("demo-registers", url.QueryEscape(state.APISecret))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	body, _, err := s.send(r)
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil || answer.Token == "" {
		return nil, fmt.Errorf("no token: %w %.300s", err, body)
	}
	s.merc, s.auth, s.base = true, "Bearer "+answer.Token, words[0]+"/api/v1/registers/residents/records"
	s.query = url.Values{"purpose": {"benchmark"}, "basis": {"§ 34 BMG"}}.Encode()
	return s, nil
}

func (b *bench) startPeer(name, dir, file string, durable bool) (*system, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := b.system(name)
	s.disk = dir
	s.cmd = exec.Command(self, "-peer", dir, "-file", file, "-durable="+strconv.FormatBool(durable))
	words, err := start(s.cmd, dir+".log")
	if err != nil {
		return nil, err
	}
	if len(words) != 2 {
		return nil, fmt.Errorf("PocketBase said %q", words)
	}
	s.base, s.auth = words[0]+"/api/collections/residents/records", words[1]
	return s, nil
}

const exportConfig = `
[server]
public_url = "http://127.0.0.1"
[data]
dir = %q
[content]
dir = %q
[identity]
issuer = "http://127.0.0.1"
client_id = "x"
client_secret = { env = "MERCATOR_BENCH_SECRET" }
[payment]
endpoint = "http://127.0.0.1"
callback_secret = { env = "MERCATOR_BENCH_SECRET" }
`

// export has Mercator give out the residents, so that both have the same.
func (b *bench) export(data, content, file string) error {
	conf := filepath.Join(b.dir, "mercator.toml")
	if err := os.WriteFile(conf, fmt.Appendf(nil, exportConfig, data, content), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(b.mercator, "register", "export", "--config", conf, "residents", file, "--emergency", "benchmark of made-up people", "--basis", "§ 34 BMG")
	cmd.Env = append(os.Environ(), "MERCATOR_BENCH_SECRET=x")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("export: %w\n%s", err, out)
	}
	return nil
}

// read takes keys and names out of what was exported.
func (b *bench) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	names := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		var r struct {
			ID   string `json:"id"`
			Name string `json:"family_name"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		b.keys = append(b.keys, r.ID)
		if len(names) < 500 {
			names[r.Name] = true
		}
	}
	for n := range names {
		b.names = append(b.names, n)
	}
	slices.Sort(b.names)
	if len(b.keys) < b.residents {
		return fmt.Errorf("%d residents were exported, want %d", len(b.keys), b.residents)
	}
	return lines.Err()
}

func (s *system) send(r *http.Request) ([]byte, *http.Response, error) {
	if s.auth != "" {
		r.Header.Set("Authorization", s.auth)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s: %d %.300s", r.URL.Path, res.StatusCode, body)
	}
	return body, res, err
}

// readOne reads a random record by its key.
func (b *bench) readOne(s *system, _ int, r *rand.Rand) error {
	_, err := b.get(s, b.keys[r.IntN(len(b.keys))])
	return err
}

func (b *bench) get(s *system, key string) (tag string, err error) {
	address := s.base + "/" + key
	if s.merc {
		address += "?" + s.query
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	body, res, err := s.send(req)
	if err != nil {
		return "", err
	}
	if !bytes.Contains(body, []byte(`"family_name":`)) || !bytes.Contains(body, []byte(key)) {
		return "", fmt.Errorf("%s: the answer isn't the record: %.300s", key, body)
	}
	return res.Header.Get("ETag"), nil
}

// search gives the first records of a family name.
func (b *bench) search(s *system, _ int, r *rand.Rand) error {
	name := b.names[r.IntN(len(b.names))]
	address := s.base + "?perPage=20&skipTotal=1&filter=" + url.QueryEscape("family_name='"+strings.ReplaceAll(name, "'", `\'`)+"'")
	if s.merc {
		address = s.base + "?limit=20&" + s.query + "&filter=" + url.QueryEscape("family_name='"+strings.ReplaceAll(name, "'", "''")+"'")
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	body, _, err := s.send(req)
	if err == nil && !bytes.Contains(body, []byte(`"family_name":`)) {
		err = fmt.Errorf("nobody is called %s: %.300s", name, body)
	}
	return err
}

// hot are so many records of each worker that are changed again and again.
const hot = 200

// change changes the street of a record. Each worker has records of its own; Mercator wants to know in which state the
// record was seen, and says the next one in its answer.
func (b *bench) change(s *system, worker int, r *rand.Rand) error {
	key := b.keys[(worker*hot+r.IntN(hot))%len(b.keys)]
	number := strconv.Itoa(1 + r.IntN(999))
	body, err := json.Marshal(map[string]string{"house_number": number})
	if err != nil {
		return err
	}
	address := s.base + "/" + key
	if s.merc {
		address += "?" + s.query + "&reason=benchmark"
	}
	req, err := http.NewRequest(http.MethodPatch, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.merc {
		tag, ok := s.tags.Load(key)
		if !ok {
			if tag, err = b.get(s, key); err != nil {
				return err
			}
		}
		req.Header.Set("Content-Type", "application/merge-patch+json")
		req.Header.Set("If-Match", tag.(string))
	}
	_, res, err := s.send(req)
	if err == nil && s.merc {
		s.tags.Store(key, res.Header.Get("ETag"))
	}
	return err
}

// measure does something for a while and says how often a second, how long it took, and what it cost the server.
func (s *system) measure(length time.Duration, workers int, do func(*system, int, *rand.Rand) error) (figure, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	var first error
	var failed atomic.Bool
	cpu, began := s.processor(), time.Now()
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), uint64(w)))
			var mine []time.Duration
			for time.Since(began) < length && !failed.Load() {
				from := time.Now()
				if err := do(s, w, r); err != nil {
					failed.Store(true)
					mu.Lock()
					first = err
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(from))
			}
			mu.Lock()
			times = append(times, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if first != nil || len(times) == 0 {
		return figure{}, fmt.Errorf("%d were done: %w", len(times), first)
	}
	took := time.Since(began)
	slices.Sort(times)
	at := func(p float64) float64 {
		return float64(times[min(int(p*float64(len(times))), len(times)-1)].Microseconds()) / 1000
	}
	return figure{rate: float64(len(times)) / took.Seconds(), p50: at(.5), p99: at(.99), cpu: (s.processor() - cpu) * 1000 / float64(len(times)), memory: s.memory()}, nil
}

// processor is the processor time of the server in seconds.
func (s *system) processor() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// memory is what the server has in memory, in megabytes.
func (s *system) memory() float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(b); m != nil {
		kb, _ := strconv.ParseFloat(string(m[1]), 64)
		return kb / 1024
	}
	return 0
}

func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// size is how much a folder holds, in megabytes.
func size(dir string) float64 {
	n := int64(0)
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil
	})
	return float64(n) / 1e6
}

func median(list []figure, format string, of func(figure) float64) string {
	var v []float64
	for _, f := range list {
		v = append(v, of(f))
	}
	slices.Sort(v)
	text := fmt.Sprintf(format, v[len(v)/2])
	if len(v) > 1 {
		text += fmt.Sprintf(" ("+format+" to "+format+")", v[0], v[len(v)-1])
	}
	return text
}

// onRecord holds that Mercator did what it is measured for: the ledger of the house agrees with its log.
func (b *bench) onRecord(all []*system) error {
	for _, s := range all {
		if !s.merc || s.disk == "" {
			continue
		}
		s.stop()
		cmd := exec.Command(b.mercator, "ledger", "verify", "--config", filepath.Join(b.dir, "mercator.toml"))
		cmd.Env = append(os.Environ(), "MERCATOR_BENCH_SECRET=x")
		out, err := cmd.CombinedOutput()
		fmt.Printf("%s: mercator ledger verify: %s\n", s.name, strings.TrimSpace(string(out)))
		if err != nil {
			return fmt.Errorf("the ledger: %w", err)
		}
	}
	return nil
}
