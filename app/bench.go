// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mercator/base/ident"
	"mercator/domain/register/sample"
)

// What one run of the benchmark may do at most.
const (
	benchMaxSubmissions = 1_000_000
	benchMaxPages       = 100_000
	benchMaxWorkers     = 256
	benchMaxPeople      = 200
	benchTimeout        = 30 * time.Minute
)

// BenchCommand is mercator bench: it measures a demo that runs, fills one that is
// stopped with cases, or measures how long one takes to start.
func BenchCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	what := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		what, args = args[0], args[1:]
	}
	limit := benchTimeout
	if what == "registers" {
		limit = benchRegistersTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f := flag.NewFlagSet("mercator bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	dir := f.String("data", "mercator-data", "folder of the demo")
	switch what {
	case "seed":
		cases := f.Int("cases", 1_000_000, "how many cases")
		if err := f.Parse(args); err != nil {
			return flag.ErrHelp
		}
		return benchSeed(ctx, *dir, *cases, stderr)
	case "registers":
		return benchRegisters(ctx, args, stdout, stderr)
	case "start":
		runs := f.Int("runs", 5, "how often")
		if err := f.Parse(args); err != nil {
			return flag.ErrHelp
		}
		return benchStart(ctx, *dir, min(max(*runs, 1), 50), stdout)
	case "form":
		service := f.String("service", "event", "service whose first page is measured")
		sessions := f.Int("sessions", 200, "people on the page at a time")
		rate := f.Int("rate", 100, "requests a second that arrive whatever happens")
		seconds := f.Int("seconds", 30, "for how long")
		if err := f.Parse(args); err != nil {
			return flag.ErrHelp
		}
		if *sessions < 1 || *sessions > benchMaxWorkers || *rate < 1 || *rate > 10_000 || *seconds < 1 || *seconds > 600 {
			return errors.New("bench: a number is out of bounds")
		}
		b := &bench{out: stdout}
		if err := b.open(*dir); err != nil {
			return err
		}
		return b.form(ctx, *service, *sessions, *rate, *seconds)
	case "":
	default:
		return fmt.Errorf("bench: unknown %q: want form, seed, start, registers or only flags", what)
	}
	b := &bench{out: stdout}
	submissions := f.Int("submissions", 3000, "applications in each run; 0: none")
	runs := f.Int("runs", 3, "how often the submissions are measured; the median counts")
	workers := f.Int("concurrency", 32, "requests at a time while submitting")
	rate := f.Int("rate", 0, "then also: submissions a second that arrive whatever happens, their time counted from when they were due; 0: not")
	service := f.String("service", "business-registration", "service that is applied for")
	pages := f.Int("pages", 1000, "requests for each page; 0: none")
	visitors := f.Int("visitors", 4, "requests for pages at a time")
	people := f.Int("people", 20, "residents who sign in for their own pages")
	if err := f.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if *submissions < 0 || *submissions > benchMaxSubmissions || *pages < 0 || *pages > benchMaxPages || *workers < 1 || *workers > benchMaxWorkers ||
		*visitors < 1 || *visitors > benchMaxWorkers || *people < 1 || *people > benchMaxPeople || *runs < 1 || *runs > 50 || *rate < 0 || *rate > 10_000 {
		return errors.New("bench: a number is out of bounds")
	}
	if err := b.open(*dir); err != nil {
		return err
	}
	b.memory(ctx, "before")
	if *submissions > 0 {
		if err := b.submissions(ctx, *service, *submissions, *runs, *workers, *rate); err != nil {
			return err
		}
		b.memory(ctx, "after submissions")
	}
	if *pages > 0 {
		if err := b.pages(ctx, *pages, *visitors, *people); err != nil {
			return err
		}
		b.memory(ctx, "after pages")
	}
	return nil
}

// bench talks to a demo as its residents, clerks and programs would.
type bench struct {
	out         io.Writer
	state       demoState
	portal, idp string
	generator   *sample.Generator
}

func (b *bench) open(dir string) (err error) {
	if b.state, err = readDemoState(dir); err != nil {
		return err
	}
	if b.state.Portal == "" {
		return fmt.Errorf("bench: no demo has run in %s yet", dir)
	}
	for _, address := range []string{b.state.Portal, b.state.Identity} {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("bench: %s isn't an address of this machine: only a demo is measured", address)
		}
	}
	b.portal, b.idp = "http://"+b.state.Portal, "http://"+b.state.Identity
	folder, err := fs.Sub(contentFS(""), "city")
	if err != nil {
		return err
	}
	city, err := sample.LoadCity(folder)
	if err != nil {
		return err
	}
	b.generator, err = sample.NewGenerator(city, sampleSeed, b.state.Began)
	return err
}

// benchTimes are how long things took, sorted.
type benchTimes []time.Duration

func (t benchTimes) at(p float64) float64 {
	if len(t) == 0 {
		return 0
	}
	return float64(t[min(int(p*float64(len(t))), len(t)-1)].Microseconds()) / 1000
}

// each does something n times, workers at a time, and says how long each took.
func (b *bench) each(ctx context.Context, n, workers int, do func(i int) (time.Duration, error)) (benchTimes, time.Duration, error) {
	var next atomic.Int64
	var mu sync.Mutex
	var first error
	all := make(benchTimes, 0, n)
	began := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var mine benchTimes
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					break
				}
				took, err := do(i)
				if err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					next.Store(int64(n))
					break
				}
				mine = append(mine, took)
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	took := time.Since(began)
	slices.Sort(all)
	return all, took, errors.Join(first, ctx.Err())
}

func benchClient(workers int) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: workers, MaxConnsPerHost: 2 * workers}}
}

// token is what the demo's provider gives the program demo-client.
func (b *bench) token(ctx context.Context, c *http.Client) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"cases:submit"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.idp+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth("demo-client", url.QueryEscape(b.state.APISecret))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, status, err := fetch(c, r)
	if err != nil {
		return "", fmt.Errorf("bench: is the demo running? %w", err)
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("bench: no token: %d %.200s", status, body)
	}
	return answer.Token, nil
}

func fetch(c *http.Client, r *http.Request) ([]byte, int, error) {
	resp, err := c.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return body, resp.StatusCode, err
}

// submissions measures how many applications a second are taken, each of them
// answered when the case, its file, process, event and access record are on disk.
func (b *bench) submissions(ctx context.Context, service string, n, runs, workers, rate int) error {
	c := benchClient(benchMaxWorkers)
	defer c.CloseIdleConnections()
	token, err := b.token(ctx, c)
	if err != nil {
		return err
	}
	run := ident.New()
	first := rand.IntN(900_000) // other residents each time
	send := func(i int) (time.Duration, error) {
		who := b.generator.Person(first + i).Resident
		body, err := json.Marshal(map[string]any{"service": service, "lang": "de",
			"person":  map[string]any{"givenNames": who.GivenNames, "familyName": who.FamilyName, "birthDate": who.BirthDate},
			"answers": benchAnswers(service, time.Now())})
		if err != nil {
			return 0, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.portal+"/api/v1/cases", bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", run+"-"+strconv.Itoa(i))
		began := time.Now()
		answer, status, err := fetch(c, r)
		took := time.Since(began)
		if err != nil {
			return 0, err
		}
		if status != http.StatusCreated {
			return 0, fmt.Errorf("bench: submission: %d %.500s", status, answer)
		}
		return took, nil
	}
	done := 0
	next := func(n int) (benchTimes, time.Duration, error) {
		base := done
		done += n
		return b.each(ctx, n, workers, func(i int) (time.Duration, error) { return send(base + i) })
	}
	if _, _, err := next(min(n, 500)); err != nil { // warm-up
		return err
	}
	type result struct{ rate, p50, p99 float64 }
	var results []result
	for i := range runs {
		before, _ := b.metric(ctx, "process_cpu_seconds_total")
		times, took, err := next(n)
		if err != nil {
			return err
		}
		after, _ := b.metric(ctx, "process_cpu_seconds_total")
		r := result{float64(n) / took.Seconds(), times.at(.5), times.at(.99)}
		results = append(results, r)
		fmt.Fprintf(b.out, "submissions  %s run %d: %d with %d at a time in %.1f s: %.0f/s, p50 %.1f ms, p99 %.1f ms, server CPU %.2f ms each, load %s\n",
			service, i+1, n, workers, took.Seconds(), r.rate, r.p50, r.p99, (after-before)*1000/float64(n), loadAverage())
	}
	slices.SortFunc(results, func(a, b result) int { return int(a.rate - b.rate) })
	m := results[len(results)/2]
	fmt.Fprintf(b.out, "submissions  %s MEDIAN %.0f/s, p50 %.1f ms, p99 %.1f ms (of %d runs)\n", service, m.rate, m.p50, m.p99, runs)
	if rate == 0 {
		return nil
	}
	results = nil
	for i := range runs {
		base, due := done, time.Now()
		done += n
		times, took, err := b.each(ctx, n, benchMaxWorkers, func(i int) (time.Duration, error) {
			at := due.Add(time.Duration(i) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(at))
			_, err := send(base + i)
			return time.Since(at), err
		})
		if err != nil {
			return err
		}
		r := result{float64(n) / took.Seconds(), times.at(.5), times.at(.99)}
		results = append(results, r)
		fmt.Fprintf(b.out, "submissions  %s run %d: %d arriving at %d/s: %.0f/s done, p50 %.1f ms, p99 %.1f ms, load %s\n",
			service, i+1, n, rate, r.rate, r.p50, r.p99, loadAverage())
	}
	slices.SortFunc(results, func(a, b result) int { return int(a.p99 - b.p99) })
	m = results[len(results)/2]
	fmt.Fprintf(b.out, "submissions  %s MEDIAN arriving at %d/s: %.0f/s done, p50 %.1f ms, p99 %.1f ms (of %d runs)\n", service, rate, m.rate, m.p50, m.p99, runs)
	return nil
}

// loadAverage is how busy the machine was in the last minute, our own work included.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// visitor is a person with a browser.
type visitor struct {
	b *bench
	c *http.Client
}

func (b *bench) visitor() (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := benchClient(4)
	c.Jar = jar
	return &visitor{b, c}, nil
}

func (v *visitor) get(ctx context.Context, address string) (body []byte, at *url.URL, err error) {
	return v.do(ctx, http.MethodGet, address, nil)
}

func (v *visitor) do(ctx context.Context, method, address string, form url.Values) ([]byte, *url.URL, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.c.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err == nil && resp.StatusCode >= 400 {
		err = fmt.Errorf("bench: %s %s: %d", method, resp.Request.URL.Path, resp.StatusCode)
	}
	return body, resp.Request.URL, err
}

var (
	inputID   = regexp.MustCompile(`name="id" value="([^"]+)"`)
	proofSeen = regexp.MustCompile(`<strong>(\d{6})</strong>`)
)

// signIn goes to a page that asks who it is, and answers as a person would.
func (v *visitor) signIn(ctx context.Context, page, login string) (*url.URL, error) {
	body, at, err := v.get(ctx, v.b.portal+page)
	if err != nil {
		return nil, err
	}
	id := inputID.FindSubmatch(body)
	if id == nil {
		return nil, fmt.Errorf("bench: no page to sign in at %s", at)
	}
	form := url.Values{"id": {string(id[1])}, "login": {login}, "password": {demoPassword}, "way": {"substantial"}, "step": {"password"}}
	if body, _, err = v.do(ctx, http.MethodPost, v.b.idp+"/login", form); err != nil {
		return nil, err
	}
	proof := proofSeen.FindSubmatch(body)
	if proof == nil {
		return nil, fmt.Errorf("bench: the provider asks %s for no second factor", login)
	}
	form = url.Values{"id": {string(id[1])}, "proof": {string(proof[1])}, "step": {"proof"}}
	if _, at, err = v.do(ctx, http.MethodPost, v.b.idp+"/login", form); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(at.String(), v.b.portal) || strings.HasPrefix(at.Path, "/signin") {
		return nil, fmt.Errorf("bench: %s is not signed in, but at %s", login, at)
	}
	return at, nil
}

// firstByte is the time from the request on an open connection to the first byte of the answer.
func (v *visitor) firstByte(ctx context.Context, address string) (time.Duration, error) {
	var began time.Time
	var took time.Duration
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { began = time.Now() },
		GotFirstResponseByte: func() { took = time.Since(began) },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := v.c.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 8<<20)); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK || resp.Request.URL.String() != address {
		return 0, fmt.Errorf("bench: %s: %d at %s", address, resp.StatusCode, resp.Request.URL)
	}
	return took, nil
}

// pages measures the time to the first byte of the main pages, and what a form page weighs.
func (b *bench) pages(ctx context.Context, n, visitors, people int) error {
	const service = "/services/resident-parking-permit"
	var residents []*visitor
	var form []string
	for i := range people {
		v, err := b.visitor()
		if err != nil {
			return err
		}
		// Residents from all over the register, not neighbours in it.
		login := fmt.Sprintf("resident-%d", 20+i*37)
		at, err := v.signIn(ctx, service+"/start", login)
		if err != nil {
			return err
		}
		// /apply/ID/data asks for consent to read the registers; they say no and fill in by hand.
		draft := strings.TrimSuffix(strings.TrimSuffix(at.String(), "/data"), "/")
		if strings.HasSuffix(at.Path, "/data") {
			if _, at, err = v.do(ctx, http.MethodPost, draft+"/data", url.Values{"consent": {"no"}}); err != nil {
				return err
			}
		}
		if !strings.Contains(at.Path, "/page/") && !strings.HasSuffix(at.Path, "/check") {
			return fmt.Errorf("bench: no form page at %s", at)
		}
		residents, form = append(residents, v), append(form, at.String())
	}
	clerk, err := b.visitor()
	if err != nil {
		return err
	}
	if _, err := clerk.signIn(ctx, "/desk", "petra.lehmann"); err != nil {
		return err
	}
	anyone, err := b.visitor()
	if err != nil {
		return err
	}
	words := []string{"Anwohnerparken", "parkausweis", "Parkplatz vor der Tür", "Gewerbe anmelden", "Bewonerparken", "laden eröffnen"}
	one := func(address string) func(i int) (time.Duration, error) {
		return func(int) (time.Duration, error) { return anyone.firstByte(ctx, b.portal+address) }
	}
	own := func(address string) func(i int) (time.Duration, error) {
		return func(i int) (time.Duration, error) { return residents[i%people].firstByte(ctx, b.portal+address) }
	}
	for _, page := range []struct {
		name string
		do   func(i int) (time.Duration, error)
	}{
		{"home", one("/")},
		{"search", func(i int) (time.Duration, error) {
			return anyone.firstByte(ctx, b.portal+"/services?q="+url.QueryEscape(words[i%len(words)]))
		}},
		{"service", one(service)},
		{"form page", func(i int) (time.Duration, error) { return residents[i%people].firstByte(ctx, form[i%people]) }},
		{"my cases", own("/cases")},
		{"postbox", own("/postbox")},
		{"worklist", func(int) (time.Duration, error) { return clerk.firstByte(ctx, b.portal+"/desk") }},
	} {
		if _, _, err := b.each(ctx, min(n, 100), visitors, page.do); err != nil { // warm-up
			return err
		}
		times, took, err := b.each(ctx, n, visitors, page.do)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "first byte   %-10s p50 %.1f ms, p99 %.1f ms, max %.1f ms (%d requests, %d at a time, %.0f/s), load %s\n", page.name,
			times.at(.5), times.at(.99), times.at(1), n, visitors, float64(n)/took.Seconds(), loadAverage())
	}
	return residents[0].weigh(ctx, form[0])
}

var (
	assetInPage  = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)
	assetInStyle = regexp.MustCompile(`url\(["']?([^"')]+)["']?\)`)
)

// weigh loads a page and everything it names as a browser with an empty cache
// would, and counts the bytes of the answers, headers included.
func (v *visitor) weigh(ctx context.Context, address string) error {
	var bytesIn atomic.Int64
	c := &http.Client{Jar: v.c.Jar, Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return countedConn{conn, &bytesIn}, err
		}}}
	defer c.CloseIdleConnections()
	load := func(address string, packed bool) ([]byte, int64, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, 0, err
		}
		if packed {
			r.Header.Set("Accept-Encoding", "gzip, br, zstd")
		}
		before := bytesIn.Load()
		body, status, err := fetch(c, r)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("bench: %s: %d", address, status)
		}
		return body, bytesIn.Load() - before, err
	}
	base, err := url.Parse(address)
	if err != nil {
		return err
	}
	kinds := map[string]int64{}
	seen := map[string]bool{address: true}
	todo := []string{address}
	var letters []rune
	for len(todo) > 0 && len(seen) < 200 {
		at := todo[0]
		todo = todo[1:]
		_, wire, err := load(at, true)
		if err != nil {
			return err
		}
		path, _, _ := strings.Cut(at, "?")
		kind := path[strings.LastIndex(path, ".")+1:]
		find := assetInStyle
		if at == address {
			kind, find = "html", assetInPage
		}
		kinds[kind] += wire
		if kind != "html" && kind != "css" {
			continue
		}
		text, _, err := load(at, false)
		if err != nil {
			return err
		}
		from, err := base.Parse(at)
		if err != nil {
			return err
		}
		if kind == "css" {
			text = withoutUnusedFonts(text, letters)
		} else {
			letters = []rune(string(text))
		}
		for _, m := range find.FindAllSubmatch(text, -1) {
			u, err := from.Parse(string(m[1]))
			if err != nil || u.Host != base.Host || seen[u.String()] {
				continue
			}
			seen[u.String()] = true
			todo = append(todo, u.String())
		}
	}
	var sum int64
	var parts []string
	for _, k := range slices.Sorted(func(yield func(string) bool) {
		for k := range kinds {
			if !yield(k) {
				return
			}
		}
	}) {
		sum += kinds[k]
		parts = append(parts, fmt.Sprintf("%s %.1f", k, float64(kinds[k])/1000))
	}
	fmt.Fprintf(v.b.out, "form page    %.1f kB over the wire in all (%s)\n", float64(sum)/1000, strings.Join(parts, ", "))
	return nil
}

var (
	fontFace     = regexp.MustCompile(`@font-face\s*\{[^}]*\}`)
	unicodeRange = regexp.MustCompile(`unicode-range:([^;}]*)`)
)

// withoutUnusedFonts leaves those fonts out of a stylesheet that a browser doesn't
// load, since no letter of the page is in their unicode-range.
func withoutUnusedFonts(style []byte, letters []rune) []byte {
	return fontFace.ReplaceAllFunc(style, func(face []byte) []byte {
		m := unicodeRange.FindSubmatch(face)
		if m == nil {
			return face
		}
		for part := range strings.SplitSeq(string(m[1]), ",") {
			low, high, ok := strings.Cut(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(part)), "U+"), "-")
			if !ok {
				high = low
			}
			from, err1 := strconv.ParseInt(strings.ReplaceAll(low, "?", "0"), 16, 32)
			to, err2 := strconv.ParseInt(strings.ReplaceAll(high, "?", "F"), 16, 32)
			if err1 != nil || err2 != nil {
				return face
			}
			if slices.ContainsFunc(letters, func(r rune) bool { return r > ' ' && int64(r) >= from && int64(r) <= to }) {
				return face
			}
		}
		return nil
	})
}

type countedConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// memory says how much of the machine's memory the server holds.
func (b *bench) memory(ctx context.Context, when string) {
	if n, ok := b.metric(ctx, "process_resident_memory_bytes"); ok {
		fmt.Fprintf(b.out, "memory       %s: %.0f MB\n", when, n/1e6)
	}
}

// metric reads one number of the server's metrics.
func (b *bench) metric(ctx context.Context, name string) (float64, bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.portal+"/metrics", nil)
	if err != nil {
		return 0, false
	}
	body, _, err := fetch(http.DefaultClient, r)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return n, err == nil
		}
	}
	return 0, false
}

// benchStart starts demos of this program and measures the time until they are
// ready, and their memory five seconds later: fresh ones, then the one in dir.
func benchStart(ctx context.Context, dir string, runs int, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	residents := "1000"
	if state, err := readDemoState(dir); err != nil {
		return err
	} else if state.Portal == "" {
		dir = ""
	}
	type way struct{ name, dir string }
	ways := []way{{"fresh", ""}}
	if dir != "" {
		ways = append(ways, way{"with data", dir})
	}
	for _, w := range ways {
		var ready benchTimes
		var memory []int
		for range runs {
			at := w.dir
			if at == "" {
				if at, err = os.MkdirTemp("", "mercator-bench"); err != nil {
					return err
				}
				defer os.RemoveAll(at)
			}
			took, rss, err := startOnce(ctx, self, at, residents)
			if err != nil {
				return err
			}
			ready, memory = append(ready, took), append(memory, rss)
		}
		slices.Sort(ready)
		slices.Sort(memory)
		fmt.Fprintf(out, "start        %s: ready after %.0f ms (median of %d; %.0f to %.0f), %d MB idle, load %s\n", w.name,
			ready.at(.5), runs, ready.at(0), ready.at(1), memory[len(memory)/2], loadAverage())
	}
	return nil
}

func startOnce(ctx context.Context, self, dir, residents string) (time.Duration, int, error) {
	cmd := exec.CommandContext(ctx, self, "demo", "--listen", "127.0.0.1:0", "--data", dir, "--residents", residents)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	var took time.Duration
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			took = time.Since(began)
			break
		}
	}
	rss := 0
	if took > 0 {
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		}
		rss = residentMemory(cmd.Process.Pid)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	io.Copy(io.Discard, stdout)
	err = cmd.Wait()
	if took == 0 {
		return 0, 0, fmt.Errorf("bench: the demo in %s did not get ready: %w", dir, errors.Join(err, ctx.Err()))
	}
	return took, rss, err
}

// residentMemory is the resident set of a process in MB; 0 where there is no /proc.
func residentMemory(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.Atoi(fields[0])
	return kb * 1024 / 1_000_000
}
