// SPDX-License-Identifier: EUPL-1.2

package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mercator/base/ident"
	"mercator/core/store"
)

// Programs write to a register while the platform is killed: over the API, one record and many at a time, and by an import
// that is killed as well. A version, its event, its place in the feed and its entry in the ledger stand or fall together.

// written marks what they write. It is the reason of a version, the purpose of its entry, and stands in the sealed field
// model, so that each can be found by the others.
const written = "kill "

// hub is a program that keeps vehicles.
type hub struct {
	portal, idp, secret string

	mu      sync.Mutex
	token   string
	sure    map[string]int  // what was confirmed, by its mark: how many versions
	tried   map[string]int  // what was begun
	refused map[string]bool // … and refused, which is on record too
	faults  []string
	took    map[string]int
}

func newHub(t *testing.T, p *program) *hub {
	t.Helper()
	var state struct{ Identity, APISecret string }
	b, err := os.ReadFile(filepath.Join(p.dir, "demo.json"))
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &hub{portal: p.portal, idp: "http://" + state.Identity, secret: state.APISecret,
		sure: map[string]int{}, tried: map[string]int{}, refused: map[string]bool{}, took: map[string]int{}}
}

// bearer is the program's token; stale is one that was refused.
func (h *hub) bearer(c *http.Client, stale string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.token != stale && h.token != "" {
		return h.token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"registers:read registers:write register:vehicles"}}
	r, err := http.NewRequest(http.MethodPost, h.idp+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth("demo-registers", url.QueryEscape(h.secret))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("no token: %d %v", res.StatusCode, err)
	}
	h.token = answer.Token
	return h.token, nil
}

// vehicle is a record as a program knows it.
type vehicle struct {
	plate, etag string
	unsure      bool // an answer is missing: it has to look again
}

type answer struct {
	code int
	etag string
	body []byte
}

// call asks the API for something about vehicles, for a mark.
func (h *hub) call(c *http.Client, method, path, mark string, body any, header ...string) (answer, error) {
	token, err := h.bearer(c, "")
	if err != nil {
		return answer{}, err
	}
	q := url.Values{"purpose": {mark}, "basis": {"§ 33 StVG"}}
	if method != http.MethodGet {
		q.Set("reason", mark)
	}
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, h.portal+"/api/v1/registers/vehicles/records"+path+"?"+q.Encode(), in)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return answer{}, err
	}
	if res.StatusCode == http.StatusUnauthorized {
		if _, err := h.bearer(c, token); err != nil {
			return answer{}, err
		}
	}
	return answer{res.StatusCode, res.Header.Get("ETag"), b}, nil
}

// write does it and notes what became of it: confirmed, refused, or nobody knows.
func (h *hub) write(c *http.Client, what, method, path string, n int, body func(mark string) any, header ...string) (answer, error) {
	mark := written + ident.New()
	h.mu.Lock()
	h.tried[mark] = n
	h.mu.Unlock()
	a, err := h.call(c, method, path, mark, body(mark), header...)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil: // anything may have become of it, but as a whole
	case a.code < 300:
		h.sure[mark] = n
		h.took[what]++
	default:
		h.refused[mark] = true
		err = fmt.Errorf("%s %s: %d %.200s", method, path, a.code, a.body)
	}
	return a, err
}

func vehicleData(plate, mark string) map[string]any {
	return map[string]any{"plate": plate, "holder": "kill-" + plate, "make": "Wagen", "model": mark, "fuel": "petrol", "emission_class": "euro6", "first_registration": "2020-02-02"}
}

// live writes as one of several programs, each with plates of its own.
func (h *hub) live(ctx context.Context, pick *rand.Rand, letters string) {
	c := &http.Client{Timeout: 20 * time.Second}
	var mine []*vehicle
	n := 0
	plate := func() string { n++; return fmt.Sprintf("DU-%s %d", letters, n) }
	for ctx.Err() == nil {
		if err := h.step(c, pick, &mine, plate); err != nil {
			h.mu.Lock()
			if h.faults = append(h.faults, err.Error()); len(h.faults) > 100 {
				h.faults = h.faults[50:]
			}
			h.mu.Unlock()
			time.Sleep(time.Duration(20+pick.IntN(100)) * time.Millisecond)
		}
	}
}

func (h *hub) step(c *http.Client, pick *rand.Rand, mine *[]*vehicle, plate func() string) error {
	if i := slices.IndexFunc(*mine, func(v *vehicle) bool { return v.unsure }); i >= 0 {
		v := (*mine)[i]
		a, err := h.call(c, http.MethodGet, "/"+url.PathEscape(v.plate), "look", nil)
		switch {
		case err != nil:
			return err
		case a.code == http.StatusOK:
			v.etag, v.unsure = a.etag, false
		case a.code == http.StatusNotFound:
			*mine = slices.Delete(*mine, i, i+1)
		default:
			return fmt.Errorf("look at %s: %d %.200s", v.plate, a.code, a.body)
		}
		return nil
	}
	switch r := pick.IntN(10); {
	case len(*mine) < 3 || r == 0:
		v := &vehicle{plate: plate(), unsure: true}
		*mine = append(*mine, v)
		a, err := h.write(c, "made", http.MethodPut, "/"+url.PathEscape(v.plate), 1, func(mark string) any { return vehicleData(v.plate, mark) }, "If-None-Match", "*")
		if err == nil {
			v.etag, v.unsure = a.etag, false
		}
		return err
	case r == 1:
		const many = 4
		var list []*vehicle
		for range many {
			list = append(list, &vehicle{plate: plate(), unsure: true})
		}
		*mine = append(*mine, list...)
		_, err := h.write(c, "made together", http.MethodPost, ":batch", many, func(mark string) any {
			var changes []any
			for _, v := range list {
				changes = append(changes, map[string]any{"key": v.plate, "record": vehicleData(v.plate, mark)})
			}
			return map[string]any{"changes": changes}
		})
		return err
	case r == 2 && len(*mine) > 6:
		i := pick.IntN(len(*mine))
		v := (*mine)[i]
		v.unsure = true
		_, err := h.write(c, "ended", http.MethodDelete, "/"+url.PathEscape(v.plate), 1, func(string) any { return nil }, "If-Match", v.etag)
		if err == nil {
			*mine = slices.Delete(*mine, i, i+1)
		}
		return err
	default:
		v := (*mine)[pick.IntN(len(*mine))]
		v.unsure = true
		a, err := h.write(c, "changed", http.MethodPatch, "/"+url.PathEscape(v.plate), 1, func(mark string) any { return map[string]any{"model": mark} },
			"Content-Type", "application/merge-patch+json", "If-Match", v.etag)
		if err == nil {
			v.etag, v.unsure = a.etag, false
		}
		return err
	}
}

// importer imports a file again and again until it is done, and is killed on the way.
type importer struct {
	binary, config, file string
	rows, kills          int
	done                 bool
}

const importReason = "killed import"

const importConfig = `
[server]
public_url = "http://127.0.0.1"
[data]
dir = %q
[database]
%s
[identity]
issuer = "http://127.0.0.1"
client_id = "x"
client_secret = { env = "MERCATOR_KILL_SECRET" }
[payment]
endpoint = "http://127.0.0.1"
callback_secret = { env = "MERCATOR_KILL_SECRET" }
`

// newImporter writes a file of more vehicles than go into one transaction.
func newImporter(t *testing.T, p *program, db store.Config) *importer {
	t.Helper()
	i := &importer{binary: p.binary, rows: 18_000}
	dir := t.TempDir()
	i.config, i.file = filepath.Join(dir, "mercator.toml"), filepath.Join(dir, "vehicles.jsonl")
	database := `engine = "sqlite"`
	if db.Engine == store.Postgres {
		database = "engine = \"postgres\"\ndsn = { env = \"MERCATOR_KILL_DSN\" }"
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for n := range i.rows {
		plate := fmt.Sprintf("IM-%c%c %d", 'A'+n/26000, 'A'+n/1000%26, n%1000+1)
		if err := enc.Encode(vehicleData(plate, importReason)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(i.file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(i.config, fmt.Appendf(nil, importConfig, p.dir, database), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// run lets it work for a while and kills it; without a limit it has to come to its end.
func (i *importer) run(ctx context.Context, db store.Config, limit time.Duration) error {
	cmd := exec.Command(i.binary, "register", "import", "--config", i.config, "vehicles", i.file, "--reason", importReason, "--basis", "§ 33 StVG")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "MERCATOR_KILL_SECRET=x", "MERCATOR_KILL_DSN="+db.DSN)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var stop <-chan time.Time
	if limit > 0 {
		stop = time.After(limit)
	}
	select {
	case err := <-ended:
		i.done = err == nil
		if err != nil {
			return fmt.Errorf("the import: %w\n%s", err, tail(out.String()))
		}
		return nil
	case <-stop:
	case <-ctx.Done():
	}
	cmd.Process.Signal(syscall.SIGKILL)
	if err := <-ended; err == nil {
		i.done = true
		return nil
	}
	i.kills++
	return nil
}

// half says what of the import is there that shouldn't be: records that it doesn't know of, or the other way round.
func (i *importer) half(t *testing.T, db *store.DB) {
	t.Helper()
	var records, known int
	err := db.QueryRow(t.Context(), `SELECT COUNT(*), (SELECT COALESCE(MAX(done), 0) FROM register_load WHERE substr(name, 1, 16) = 'import:vehicles:') FROM register_record WHERE register = 'vehicles' AND reason = $1`, importReason).Scan(&records, &known)
	if err != nil {
		t.Errorf("what the import has left can't be counted: %v", err)
	}
	// Killed after its end and before it could say so, it knows of nothing any more.
	if !i.done && records != known && !(records == i.rows && known == 0) {
		t.Errorf("%d records of the import are there, and it knows of %d", records, known)
	}
}

// judge holds versions, feed, events, ledger and what was confirmed against each other.
func (h *hub) judge(t *testing.T, db *store.DB, imported int) {
	t.Helper()
	ctx := t.Context()
	type version struct {
		id  string
		n   int64
		of  string
		now bool
	}
	all, err := store.All(ctx, db, func(s store.Scanner) (v version, err error) {
		err = s.Scan(&v.id, &v.n, &v.of, &v.now)
		return v, err
	}, `SELECT id, version, reason, TRUE FROM register_record WHERE register = 'vehicles' AND (substr(reason, 1, 5) = 'kill ' OR reason = 'killed import')
UNION ALL SELECT id, version, reason, FALSE FROM register_version WHERE register = 'vehicles' AND (substr(reason, 1, 5) = 'kill ' OR reason = 'killed import')`)
	if err != nil {
		t.Fatal(err)
	}
	type key struct {
		id string
		n  int64
	}
	pairs := func(query string) map[key]int {
		list, err := store.All(ctx, db, func(s store.Scanner) (k key, err error) {
			err = s.Scan(&k.id, &k.n)
			return k, err
		}, query)
		if err != nil {
			t.Fatal(err)
		}
		out := map[key]int{}
		for _, k := range list {
			out[k]++
		}
		return out
	}
	feed := pairs(`SELECT id, version FROM register_change WHERE register = 'vehicles' AND id <> ''`)
	events := map[key]int{}
	texts, err := store.All(ctx, db, func(s store.Scanner) (text string, err error) { return text, s.Scan(&text) }, `SELECT data FROM bus_event WHERE type = 'eu.mercator.register.changed'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		var e struct {
			Register, ID string
			Version      int64
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if e.Register == "vehicles" {
			events[key{e.ID, e.Version}]++
		}
	}
	type entry struct {
		purpose string
		n       int
	}
	entries, err := store.All(ctx, db, func(s store.Scanner) (e entry, err error) {
		err = s.Scan(&e.purpose, &e.n)
		return e, err
	}, `SELECT purpose, COUNT(*) FROM audit_entry WHERE action = 'change' AND resource = 'register:vehicles' AND outcome = 'permitted' AND substr(purpose, 1, 5) = 'kill ' GROUP BY purpose`)
	if err != nil {
		t.Fatal(err)
	}
	ledger := map[string]int{}
	for _, e := range entries {
		ledger[e.purpose] = e.n
	}
	marks, numbers, fromImport := map[string]int{}, map[string][]int64{}, 0
	for _, v := range all {
		k := key{v.id, v.n}
		if feed[k] != 1 || events[k] != 1 {
			t.Errorf("version %d of %s (%s) is %d times in the feed and has %d events", v.n, v.id, v.of, feed[k], events[k])
		}
		delete(feed, k)
		delete(events, k)
		numbers[v.id] = append(numbers[v.id], v.n)
		if v.of == importReason {
			fromImport++
		} else {
			marks[v.of]++
		}
	}
	for id, list := range numbers {
		slices.Sort(list)
		for i, n := range list {
			if n != int64(i+1) {
				t.Errorf("the versions of %s are %v", id, list)
				break
			}
		}
	}
	for what, rest := range map[string]map[key]int{"feed": feed, "events": events} {
		for k := range rest {
			if _, ours := numbers[k.id]; ours {
				t.Errorf("the %s tell of version %d of %s, which isn't there", what, k.n, k.id)
			}
		}
	}
	if fromImport != imported {
		t.Errorf("%d records were imported, want %d", fromImport, imported)
	}
	unknown := 0
	for mark, n := range h.tried {
		is, on := marks[mark], ledger[mark]
		switch {
		case h.refused[mark]:
			if is != 0 {
				t.Errorf("%s was refused and has %d versions", mark, is)
			}
		case is != 0 && is != n:
			t.Errorf("%s was to make %d versions and made %d", mark, n, is)
		case is == 0 && on != 0 || is != 0 && on != 1:
			t.Errorf("%s has %d versions and %d entries in the ledger", mark, is, on)
		case h.sure[mark] != 0 && is == 0:
			t.Errorf("%s was confirmed and isn't there", mark)
		}
		if h.sure[mark] == 0 && !h.refused[mark] {
			unknown++
		}
		delete(marks, mark)
	}
	if len(marks) > 0 {
		t.Errorf("versions that nobody wrote: %v", slices.Collect(maps.Keys(marks)))
	}
	for what, query := range map[string]string{
		"versions whose person isn't on record":   `SELECT COUNT(*) FROM register_version v WHERE substr(v.reason, 1, 5) = 'kill ' AND NOT EXISTS (SELECT 1 FROM audit_entry e JOIN audit_subject s ON s.entry = e.id WHERE e.purpose = v.reason AND s.person = v.person)`,
		"records whose person isn't on record":    `SELECT COUNT(*) FROM register_record v WHERE substr(v.reason, 1, 5) = 'kill ' AND NOT EXISTS (SELECT 1 FROM audit_entry e JOIN audit_subject s ON s.entry = e.id WHERE e.purpose = v.reason AND s.person = v.person)`,
		"imported records that aren't on record":  `SELECT COUNT(*) FROM register_record v WHERE v.reason = 'killed import' AND NOT EXISTS (SELECT 1 FROM audit_subject s JOIN audit_entry e ON e.id = s.entry WHERE s.person = v.person AND e.purpose = 'import: killed import')`,
		"records without a key to be opened with": `SELECT COUNT(*) FROM register_record v WHERE v.person <> '' AND v.data <> 'null' AND v.register = 'vehicles' AND NOT EXISTS (SELECT 1 FROM vault_key k WHERE k.subject = v.person)`,
	} {
		var n int
		if err := db.QueryRow(ctx, query).Scan(&n); err != nil {
			t.Errorf("%s: %v", what, err)
		} else if n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	t.Logf("the register: %v; %d answers lost, %d refused", h.took, unknown, len(h.refused))
	for _, what := range []string{"made", "made together", "changed"} {
		if h.took[what] == 0 {
			t.Errorf("too little happened between the kills: nothing was %s; faults:\n%s", what, strings.Join(h.faults[max(0, len(h.faults)-20):], "\n"))
		}
	}
}

// open reads what is sealed over the API: each version says what it was written for.
func (h *hub) open(t *testing.T) {
	t.Helper()
	c := &http.Client{Timeout: 20 * time.Second}
	looked := 0
	for _, letters := range programs {
		for n := 1; n <= 40; n++ {
			plate := fmt.Sprintf("DU-%s %d", letters, n)
			a, err := h.call(c, http.MethodGet, "/"+url.PathEscape(plate)+"/versions", "look", nil)
			if err != nil {
				t.Fatal(err)
			}
			if a.code == http.StatusNotFound {
				continue
			}
			var page struct {
				Items []struct {
					Version int64
					Reason  string
					Data    *struct{ Plate, Model string }
				}
			}
			if err := json.Unmarshal(a.body, &page); err != nil || a.code != http.StatusOK || len(page.Items) == 0 {
				t.Errorf("versions of %s: %d %.200s", plate, a.code, a.body)
				continue
			}
			for _, v := range page.Items {
				if v.Data == nil {
					continue
				}
				looked++
				if v.Data.Plate != plate || v.Data.Model != v.Reason {
					t.Errorf("version %d of %s was written for %q and says %+v", v.Version, plate, v.Reason, *v.Data)
				}
			}
		}
	}
	if looked == 0 {
		t.Error("nothing that was written can be read")
	}
	t.Logf("the register: %d versions open and say what they were written for", looked)
}

// programs are letters of the plates that each of them keeps.
var programs = []string{"KA", "KB", "KC"}
