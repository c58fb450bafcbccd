// SPDX-License-Identifier: EUPL-1.2

// Package killtest kills the real program with SIGKILL while people apply, pay and
// wait for their permits, starts it again, and counts at the end: no case without a
// process, no payment without a case, no decision without its letter, nothing twice, no version of a record without its
// event, its place in the feed and its entry in the ledger.
// The demo's identity and payment providers live in the same process and die with it.
package killtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mercator/core/audit"
	"mercator/core/ledger"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
)

const root = "../.."

// TestKill needs a while: ./check kill. MERCATOR_KILL_POINTS (default 24 for each
// engine) makes it a longer soak, MERCATOR_KILL_SEED repeats a run.
func TestKill(t *testing.T) {
	if os.Getenv("MERCATOR_KILL") == "" {
		t.Skip("MERCATOR_KILL is not set: nothing was killed (./check kill does it)")
	}
	points, seed := 24, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("MERCATOR_KILL_POINTS")); err == nil {
		points = n
	}
	if n, err := strconv.ParseUint(os.Getenv("MERCATOR_KILL_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("%d points for each engine, MERCATOR_KILL_SEED=%d", points, seed)
	binary := filepath.Join(t.TempDir(), "mercator")
	build := exec.Command("go", "build", "-o", binary, "./cmd/mercator")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		run(t, &program{t: t, binary: binary, dir: dir}, store.Config{Engine: store.SQLite, Path: filepath.Join(dir, "mercator.db")}, points, seed)
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := storetest.PostgresDSN(t)
		run(t, &program{t: t, binary: binary, dir: t.TempDir(), args: []string{"--postgres", dsn}}, store.Config{Engine: store.Postgres, DSN: dsn}, points, seed)
	})
}

// program is the demo, killed and started again on the same data.
type program struct {
	t      *testing.T
	binary string
	dir    string
	args   []string
	cmd    *exec.Cmd
	portal string
}

func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, append([]string{"demo", "--listen", "127.0.0.1:0", "--data", p.dir, "--residents", "20"}, p.args...)...)
	p.cmd.Dir = root
	var log strings.Builder
	p.cmd.Stderr = &log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if u, ok := strings.CutPrefix(s.Text(), "ready "); ok {
				ready <- u
			}
		}
		close(ready)
	}()
	select {
	case u := <-ready:
		if u == "" {
			p.cmd.Wait()
			p.t.Fatalf("the program doesn't start again:\n%s", log.String())
		}
		p.portal = u
	case <-time.After(5 * time.Minute): // a machine may have other things to do
		p.end(syscall.SIGKILL)
		p.t.Fatal("not ready after five minutes")
	}
}

func (p *program) end(s syscall.Signal) {
	p.cmd.Process.Signal(s)
	p.cmd.Wait()
}

// walker is a person who applies again and again, and after a fault does what people
// do: looks, signs in, and presses the button once more.
type walker struct {
	portal  string
	login   string
	answers map[string]string
	client  *http.Client

	draft, caseID string
	submitted     []string // cases that the city has confirmed
	granted       []string // cases whose permit the person has seen
}

func newWalker(portal, login string, answers map[string]string) *walker {
	w := &walker{portal: portal, login: login, answers: answers}
	w.forget()
	return w
}

// forget takes another browser: no cookies.
func (w *walker) forget() {
	jar, _ := cookiejar.New(nil)
	w.client = &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

type page struct {
	url  *url.URL
	code int
	body string
}

func (w *walker) do(req *http.Request) (page, error) {
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Language", "de")
	res, err := w.client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return page{}, err
	}
	if res.StatusCode >= 500 {
		return page{}, fmt.Errorf("%s answered %d", res.Request.URL.Path, res.StatusCode)
	}
	return page{res.Request.URL, res.StatusCode, string(b)}, nil
}

func (w *walker) get(path string) (page, error) {
	req, err := http.NewRequest("GET", path, nil)
	if err != nil {
		return page{}, err
	}
	p, err := w.do(req)
	if err == nil && p.url.Path == "/login" {
		return w.signIn(p)
	}
	return p, err
}

func (w *walker) post(action string, v url.Values) (page, error) {
	req, err := http.NewRequest("POST", action, strings.NewReader(v.Encode()))
	if err != nil {
		return page{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(req)
}

var (
	formTag  = regexp.MustCompile(`(?s)<form\b[^>]*>.*?</form>`)
	action   = regexp.MustCompile(`<form\b[^>]*\baction="([^"]*)"`)
	inputTag = regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`)
	nameAttr = regexp.MustCompile(`\bname="([^"]*)"`)
	valAttr  = regexp.MustCompile(`\bvalue="([^"]*)"`)
	typeAttr = regexp.MustCompile(`\btype="([^"]*)"`)
	proofRe  = regexp.MustCompile(`\b(\d{6})\b`)
)

// fill finds the form whose action ends so, and fills it in.
func (p page) fill(suffix string, answers map[string]string) (string, url.Values, error) {
	for _, f := range formTag.FindAllString(p.body, -1) {
		m := action.FindStringSubmatch(f)
		target := p.url.String()
		if m != nil {
			u, err := p.url.Parse(html.UnescapeString(m[1]))
			if err != nil {
				return "", nil, err
			}
			target = u.String()
		}
		if !strings.Contains(target, suffix) {
			continue
		}
		v := url.Values{}
		for _, tag := range inputTag.FindAllString(f, -1) {
			n := nameAttr.FindStringSubmatch(tag)
			if n == nil {
				continue
			}
			name, kind, value := html.UnescapeString(n[1]), "", ""
			if k := typeAttr.FindStringSubmatch(tag); k != nil {
				kind = k[1]
			}
			if x := valAttr.FindStringSubmatch(tag); x != nil {
				value = html.UnescapeString(x[1])
			}
			if a, ok := answers[name]; ok && kind != "hidden" {
				v.Set(name, a)
			} else if kind == "hidden" {
				v.Add(name, value)
			}
		}
		return target, v, nil
	}
	return "", nil, fmt.Errorf("no form for %q at %s", suffix, p.url.Path)
}

func (w *walker) signIn(p page) (page, error) {
	to, v, err := p.fill("/login", map[string]string{"login": w.login, "password": "mercator"})
	if err != nil {
		return p, err
	}
	v.Set("login", w.login)
	v.Set("password", "mercator")
	v.Set("way", "substantial")
	v.Set("step", "password")
	if p, err = w.post(to, v); err != nil {
		return p, err
	}
	if p.url.Path != "/login" {
		return p, nil
	}
	code := proofRe.FindString(p.body)
	if to, v, err = p.fill("/login", nil); err != nil {
		return p, err
	}
	v.Set("proof", code)
	v.Set("step", "proof")
	return w.post(to, v)
}

// advance does the next thing. It may fail at any point; called again it goes on.
func (w *walker) advance() error {
	if w.caseID == "" {
		return w.apply()
	}
	p, err := w.get(w.portal + "/cases/" + w.caseID)
	if err != nil {
		return err
	}
	switch {
	case p.code != 200:
		return fmt.Errorf("the case %s: %d", w.caseID, p.code)
	case strings.Contains(p.body, "Ihr Ausweis liegt im Postfach."):
		w.granted = append(w.granted, w.caseID)
		w.caseID, w.draft = "", ""
		return nil
	}
	if m := regexp.MustCompile(`href="(/pay/[^"]+)"`).FindStringSubmatch(p.body); m != nil {
		return w.pay(w.portal + m[1])
	}
	time.Sleep(30 * time.Millisecond) // the permit is being made
	return nil
}

func (w *walker) apply() error {
	start := w.portal + "/services/resident-parking-permit/start"
	if w.draft != "" {
		start = w.portal + "/apply/" + w.draft
	}
	p, err := w.get(start)
	if err != nil {
		return err
	}
	for range 15 {
		parts := strings.Split(strings.Trim(p.url.Path, "/"), "/")
		switch {
		case len(parts) >= 2 && parts[0] == "cases":
			return w.arrived(p)
		case parts[0] != "apply" || len(parts) < 3:
			w.draft = ""
			return fmt.Errorf("led to %s (%d)", p.url.Path, p.code)
		}
		w.draft = parts[1]
		suffix := map[string]string{"data": "/data", "page": "/page/", "check": "/submit"}[parts[2]]
		to, v, err := p.fill("/apply/"+w.draft+suffix, w.answers)
		if err != nil {
			return err
		}
		if suffix == "/submit" {
			// A double click: two requests at once give one case.
			var wg sync.WaitGroup
			wg.Go(func() { w.post(to, v) })
			p, err = w.post(to, v)
			wg.Wait()
		} else {
			p, err = w.post(to, v)
		}
		if err != nil {
			return err
		}
		if p.code == 422 {
			return fmt.Errorf("refused at %s: %.300s", p.url.Path, regexp.MustCompile(`(?s)role="alert".{0,400}`).FindString(p.body))
		}
	}
	return errors.New("the form has no end")
}

var caseLink = regexp.MustCompile(`/cases/([0-9a-f-]{36})`)

func (w *walker) arrived(p page) error {
	m := caseLink.FindStringSubmatch(p.url.Path + " " + p.body)
	if m == nil {
		return fmt.Errorf("no case at %s", p.url.Path)
	}
	w.caseID = m[1]
	w.submitted = append(w.submitted, w.caseID)
	return nil
}

func (w *walker) pay(address string) error {
	p, err := w.get(address)
	if err != nil {
		return err
	}
	to, v, err := p.fill("/pay/", nil)
	if err != nil {
		return nil // paid meanwhile
	}
	if p, err = w.post(to, v); err != nil {
		return err
	}
	if strings.HasPrefix(p.url.String(), w.portal) {
		return nil // nothing to pay any more
	}
	for _, f := range formTag.FindAllString(p.body, -1) {
		if !strings.Contains(f, `name="end"`) {
			continue
		}
		m := action.FindStringSubmatch(f)
		u, err := p.url.Parse(html.UnescapeString(m[1]))
		if err != nil {
			return err
		}
		_, err = w.post(u.String(), url.Values{"end": {"paid"}, "step": {"pay"}, "lang": {"de"}})
		return err
	}
	return errors.New("no checkout")
}

func run(t *testing.T, p *program, db store.Config, points int, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	p.start()
	today := time.Now().Format("2.1.2006")
	walkers := []*walker{
		newWalker(p.portal, "anna-schmidt", map[string]string{"consent": "yes", "vehicle": "DU-AS 1988", "zone": "NN", "months": "12", "valid_from": today, "declared": "true"}),
		newWalker(p.portal, "elif-kaya", map[string]string{"consent": "yes", "vehicle": "DU-EK 92", "zone": "AL", "months": "6", "valid_from": today, "declared": "true"}),
		newWalker(p.portal, "sofia-rossi", map[string]string{"consent": "yes", "vehicle": "DU-SR 95", "zone": "NN", "months": "24", "valid_from": today, "declared": "true"}),
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var faults []string
	for i, w := range walkers {
		pause := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := w.advance(); err != nil {
					mu.Lock()
					if faults = append(faults, w.login+": "+err.Error()); len(faults) > 200 {
						faults = faults[100:]
					}
					mu.Unlock()
					time.Sleep(time.Duration(20+pause.IntN(150)) * time.Millisecond)
					if pause.IntN(8) == 0 {
						w.forget()
					}
				}
			}
		})
	}
	registers := newHub(t, p)
	for i, letters := range programs {
		pick := rand.New(rand.NewPCG(seed, uint64(100+i)))
		wg.Go(func() { registers.live(ctx, pick, letters) })
	}
	books, imports := openStore(t, db), newImporter(t, p, db)
	wg.Go(func() {
		pick := rand.New(rand.NewPCG(seed, 200))
		for ctx.Err() == nil && !imports.done {
			// Later and later, so that it is killed in each of its parts and still comes to its end on a slow machine.
			limit := time.Duration(1000+pick.IntN(1500)*(imports.kills+1)) * time.Millisecond
			if err := imports.run(ctx, db, limit); err != nil {
				mu.Lock()
				faults = append(faults, err.Error())
				mu.Unlock()
				time.Sleep(200 * time.Millisecond)
			}
			imports.half(t, books)
		}
	})
	for i := range points {
		time.Sleep(time.Duration(30+rnd.IntN(900)) * time.Millisecond)
		p.end(syscall.SIGKILL)
		if i == points/2 {
			if err := os.RemoveAll(filepath.Join(p.dir, "nats")); err != nil {
				t.Fatal(err)
			}
		}
		portal := p.portal
		p.start()
		if p.portal != portal {
			t.Fatalf("the portal has moved from %s to %s", portal, p.portal)
		}
	}
	time.Sleep(3 * time.Second) // some more journeys with nothing in their way
	stop()
	wg.Wait()
	// Everybody brings to an end what they have begun.
	deadline := time.Now().Add(90 * time.Second)
	for _, w := range walkers {
		for w.caseID != "" || w.draft != "" {
			err := w.advance()
			if time.Now().After(deadline) {
				t.Fatalf("%s can't bring case %q, draft %q to an end: %v\nfaults on the way:\n%s", w.login, w.caseID, w.draft, err, strings.Join(faults[max(0, len(faults)-20):], "\n"))
			}
			if err != nil {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
	if !imports.done {
		if err := imports.run(context.Background(), db, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("an import of %d records, killed %d times", imports.rows, imports.kills)
	// All that was written is told: the import alone has as many events as records.
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var waiting int
		if err := books.QueryRow(t.Context(), `SELECT COUNT(*) FROM bus_pending`).Scan(&waiting); err == nil && waiting == 0 {
			break
		}
	}
	registers.open(t)
	time.Sleep(2 * time.Second)
	p.end(syscall.SIGTERM)
	submitted, granted := 0, 0
	for _, w := range walkers {
		submitted += len(w.submitted)
		granted += len(w.granted)
	}
	t.Logf("%d kills; %d cases confirmed, %d permits seen", points, submitted, granted)
	if granted < 3 {
		t.Fatalf("too little happened between the kills to show anything; faults:\n%s", strings.Join(faults[max(0, len(faults)-20):], "\n"))
	}
	count(t, db, walkers)
	registers.judge(t, books, imports.rows)
	proveLedger(t, db, p.dir)
}

// proveLedger adds what the last process left to the log, and holds log and database against each other.
func proveLedger(t *testing.T, c store.Config, dir string) {
	t.Helper()
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	key, err := os.ReadFile(filepath.Join(dir, "ledger.key"))
	if err != nil {
		t.Fatal(err)
	}
	folder, a := filepath.Join(dir, "ledger"), &audit.Ledger{DB: db, Keys: ledger.Keys(openVault(t, db, dir))}
	l, err := ledger.Open(ledger.Config{Dir: folder, Key: string(key), Audit: a})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := ledger.Verify(t.Context(), ledger.Options{Source: ledger.Folder(folder), Key: l.PublicKey(), Leaves: true, Audit: a, Now: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("the ledger: %s", f)
	}
	if r.Size == 0 || uint64(r.Records) != r.Size {
		t.Errorf("the ledger: %d records for %d leaves", r.Records, r.Size)
	}
	t.Logf("the ledger: %d records agree with the log", r.Records)
}

// openVault opens the keys of a data folder.
func openVault(t *testing.T, db *store.DB, dir string) *vault.Vault {
	t.Helper()
	key, err1 := os.ReadFile(filepath.Join(dir, "vault.key"))
	keyset, err2 := os.ReadFile(filepath.Join(dir, "vault.keyset"))
	master, err3 := vault.Master(key)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(db, master, keyset)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// count holds the books against each other.
func count(t *testing.T, c store.Config, walkers []*walker) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for what, query := range map[string]string{
		"cases without a process":                      `SELECT COUNT(*) FROM casefile_case c WHERE (SELECT COUNT(*) FROM process_instance i WHERE i.case_id = c.id) <> 1`,
		"processes without a case":                     `SELECT COUNT(*) FROM process_instance i WHERE NOT EXISTS (SELECT 1 FROM casefile_case c WHERE c.id = i.case_id)`,
		"submitted drafts without their case":          `SELECT COUNT(*) FROM intake_draft d WHERE d.state = 'submitted' AND NOT EXISTS (SELECT 1 FROM casefile_case c WHERE c.id = d.case_id AND c.origin = d.id)`,
		"cases of drafts that are still open":          `SELECT COUNT(*) FROM intake_draft d JOIN casefile_case c ON c.origin = d.id WHERE d.state = 'open'`,
		"payments without a case":                      `SELECT COUNT(*) FROM payment_payment p WHERE NOT EXISTS (SELECT 1 FROM casefile_case c WHERE c.id = p.case_id)`,
		"paid fees whose case has not gone on":         `SELECT COUNT(*) FROM payment_payment p JOIN casefile_case c ON c.id = p.case_id WHERE p.state = 'paid' AND (c.state <> 'closed' OR c.outcome <> 'granted')`,
		"granted cases without a paid fee":             `SELECT COUNT(*) FROM casefile_case c WHERE c.outcome = 'granted' AND NOT EXISTS (SELECT 1 FROM payment_payment p WHERE p.case_id = c.id AND p.state = 'paid')`,
		"decisions without exactly one letter":         `SELECT COUNT(*) FROM casefile_case c WHERE c.state = 'closed' AND (SELECT COUNT(*) FROM notice_document d WHERE d.case_id = c.id) <> 1`,
		"letters that are not in the postbox once":     `SELECT COUNT(*) FROM notice_document d WHERE (SELECT COUNT(*) FROM postbox_message m WHERE m.case_id = d.case_id AND m.documents LIKE '%' || d.id || '%') <> 1`,
		"cases without exactly one receipt":            `SELECT COUNT(*) FROM casefile_case c WHERE (SELECT COUNT(*) FROM postbox_message m WHERE m.case_id = c.id AND m.link = '/cases/' || c.id || '/receipt') <> 1`,
		"cases without exactly one kept submission":    `SELECT COUNT(*) FROM casefile_case c WHERE (SELECT COUNT(*) FROM casefile_submission s WHERE s.case_id = c.id AND s.revision = 1) <> 3`,
		"granted cases without exactly one record":     `SELECT COUNT(*) FROM casefile_case c WHERE c.outcome = 'granted' AND (SELECT COUNT(*) FROM register_record r WHERE r.register = 'parking_permits' AND r.case_id = c.id) <> 1`,
		"cases that were not told to have opened":      `SELECT COUNT(*) FROM casefile_case c WHERE (SELECT COUNT(*) FROM bus_event e WHERE e.subject = c.id AND e.type = 'eu.mercator.case.opened') <> 1`,
		"closed cases that were not told to be so":     `SELECT COUNT(*) FROM casefile_case c WHERE c.state = 'closed' AND (SELECT COUNT(*) FROM bus_event e WHERE e.subject = c.id AND e.type = 'eu.mercator.case.closed') <> 1`,
		"paid fees that were not told once":            `SELECT COUNT(*) FROM payment_payment p WHERE p.state = 'paid' AND (SELECT COUNT(*) FROM bus_event e WHERE e.subject = p.case_id AND e.type = 'eu.mercator.payment.paid') <> 1`,
		"events that wait":                             `SELECT COUNT(*) FROM bus_pending`,
		"jobs given up":                                `SELECT COUNT(*) FROM job_task WHERE state = 'dead'`,
		"processes that can't go on":                   `SELECT COUNT(*) FROM process_incident`,
		"submissions without a line in the ledger":     `SELECT COUNT(*) FROM casefile_case c WHERE NOT EXISTS (SELECT 1 FROM audit_subject s JOIN audit_entry e ON e.id = s.entry WHERE s.person = c.person AND e.action = 'submit')`,
		"permits written without a line in the ledger": `SELECT COUNT(*) FROM casefile_case c WHERE c.outcome = 'granted' AND NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.case_id = c.id AND e.resource = 'register:parking_permits')`,
	} {
		var n int
		if err := db.QueryRow(ctx, query).Scan(&n); err != nil {
			t.Errorf("%s: %v", what, err)
		} else if n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	// What the city has confirmed is there.
	for _, w := range walkers {
		for state, ids := range map[string][]string{"": w.submitted, "granted": w.granted} {
			for _, id := range ids {
				var outcome string
				if err := db.QueryRow(ctx, `SELECT outcome FROM casefile_case WHERE id = $1`, id).Scan(&outcome); err != nil || state != "" && outcome != state {
					t.Errorf("%s was told of case %s (%q): %q %v", w.login, id, state, outcome, err)
				}
			}
		}
	}
}
