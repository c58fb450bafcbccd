// SPDX-License-Identifier: EUPL-1.2

// Package intaketest builds a counter with the services of the house for tests:
// registers and cases are small tables of its own. Nothing but tests imports it.
package intaketest

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/blob"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
)

// Rooms are the tables that a counter needs.
func Rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), vault.Migrations(), service.Migrations(), intake.Migrations(), {Room: "cases", FS: fstest.MapFS{
		"migrate/0001_cases.sql": {Data: []byte(`CREATE TABLE cases_case (id TEXT PRIMARY KEY, origin TEXT NOT NULL UNIQUE, service TEXT NOT NULL, version TEXT NOT NULL,
	person TEXT NOT NULL, application TEXT NOT NULL, registers TEXT NOT NULL, corrections BIGINT NOT NULL)`)},
	}}}
}

// House is a counter and what stands around it.
type House struct {
	Intake  *intake.Intake
	DB      *store.DB
	Catalog *service.Catalog
	now     atomic.Int64
	// FailCase lets opening a case fail, after the case was written.
	FailCase atomic.Bool
	// FailService is the service whose cases don't open, after they were written; "": none.
	FailService atomic.Value
	// Fetched counts what was read from registers.
	Fetched atomic.Int64
	mu      sync.Mutex
	people  map[string]map[string]any
	// Drawer has the files, in the folder FilesIn.
	Drawer   *blob.Drawer
	Vault    *vault.Vault
	FilesIn  string
	scanner  func(ctx context.Context, r io.Reader) (string, error)
	infected []intake.Upload
	told     []string
	warned   []string
	news     []intake.News
	signed   []intake.Signature
	power    map[string]access.Mandate // mandates in force, by their id and who has them
}

// Empower puts a mandate of somebody's in force, or takes it away where it has no person.
func (h *House) Empower(delegate string, m access.Mandate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.power[m.ID+" "+delegate] = m; m.Person == "" {
		delete(h.power, m.ID+" "+delegate)
	}
}

func (h *House) mandate(_ context.Context, _ *store.Tx, a access.Actor) (access.Mandate, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.power[a.Mandate+" "+a.ID]
	if !ok {
		return m, fault.New(fault.Denied, "intaketest.mandate", access.MandateEnded)
	}
	return m, nil
}

// Root is the repository.
func Root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..")
}

// New builds the house in a database with Rooms.
func New(t testing.TB, db *store.DB) *House {
	t.Helper()
	h := &House{DB: db, people: map[string]map[string]any{}, FilesIn: t.TempDir(), power: map[string]access.Mandate{}}
	h.SetNow(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	h.Catalog = service.NewCatalog(db, h.Now)
	if err := h.Catalog.Load(t.Context(), os.DirFS(filepath.Join(Root(), "content", "services"))); err != nil {
		t.Fatal(err)
	}
	if err := h.Catalog.LoadEvents(os.DirFS(filepath.Join(Root(), "content", "events"))); err != nil {
		t.Fatal(err)
	}
	h.Move(accesstest.Anna().ID, "Musfeldstraße")
	var err error
	if h.Drawer, err = blob.OpenDrawer(h.FilesIn); err != nil {
		t.Fatal(err)
	}
	pictures, err := pdf.New(pdf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h.Vault = vaulttest.Open(t, db)
	h.Intake, err = intake.New(intake.Config{
		DB: db, Vault: h.Vault, Fading: h.fading, Tell: h.tell, Services: h.Catalog, Access: accesstest.Acting(t, db, h.mandate), Now: h.Now,
		Fetch: h.fetch, List: h.list, OpenCase: h.openCase, Case: h.caseData, Corrected: h.corrected, Withdrawn: h.withdrawn,
		Files: h.Drawer, Pictures: pictures, Scan: h.scan, Found: h.found,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Now is the house's clock.
func (h *House) Now() time.Time { return time.UnixMicro(h.now.Load()).UTC() }

// SetNow sets it.
func (h *House) SetNow(t time.Time) { h.now.Store(t.UnixMicro()) }

// Move registers a person at a street in Duisburg.
func (h *House) Move(person, street string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.people[person] = map[string]any{"given_names": "Anna", "family_name": "Schmidt", "birth_date": "1988-04-12", "street": street, "house_number": "12",
		"postcode": "47053", "city": "Duisburg", "residence_since": "2019-05-01", "nationality": "deutsch"}
}

func (h *House) fetch(_ context.Context, g access.Grant, use service.RegisterUse, person string) (any, error) {
	if err := g.Must(access.Read, "register:"+use.Register); err != nil {
		return nil, err
	}
	h.Fetched.Add(1)
	if use.Register == "vehicles" {
		return []map[string]any{{"plate": "DU-AB 123", "make": "VW", "model": "Golf"}}, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.people[person]
	if p == nil {
		return nil, nil
	}
	out := map[string]any{}
	for _, f := range use.Fields {
		out[f] = p[f]
	}
	return out, nil
}

func (h *House) list(context.Context, string) ([]map[string]any, error) {
	return []map[string]any{{"code": "DE1", "name": "Dellviertel 1"}, {"code": "HO2", "name": "Hochfeld 2"}}, nil
}

func (h *House) openCase(ctx context.Context, tx *store.Tx, g access.Grant, o intake.Opening) (string, error) {
	if err := g.Must(access.Submit, "case"); err != nil {
		return "", err
	}
	id := ident.New()
	_, err := tx.Exec(ctx, "-- cases.open\nINSERT INTO cases_case (id, origin, service, version, person, application, registers, corrections) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
		id, o.Draft, o.Service, o.Version, o.Person, string(o.Application), string(o.Registers))
	h.mu.Lock()
	h.signed = o.Signatures
	h.mu.Unlock()
	if fails, _ := h.FailService.Load().(string); err == nil && (h.FailCase.Load() || fails == o.Service) {
		err = fault.New(fault.Unavailable, "cases.open", "")
	}
	return id, err
}

func (h *House) caseData(ctx context.Context, q store.Q, id string) (intake.CaseData, error) {
	return store.One(ctx, q, func(s store.Scanner) (intake.CaseData, error) {
		var c intake.CaseData
		var application, registers string
		err := s.Scan(&c.Service, &c.Version, &application, &registers)
		c.Application, c.Registers = json.RawMessage(application), json.RawMessage(registers)
		return c, err
	}, "-- cases.read\nSELECT service, version, application, registers FROM cases_case WHERE id = $1", id)
}

func (h *House) corrected(ctx context.Context, tx *store.Tx, c intake.Correction, application json.RawMessage, _ *form.View) error {
	_, err := tx.Exec(ctx, "-- cases.correct\nUPDATE cases_case SET application = $2, corrections = corrections + 1 WHERE id = $1", c.CaseID, string(application))
	return err
}

// Cases are the applications of all cases, in the order of opening.
func (h *House) Cases(t testing.TB) []map[string]any {
	t.Helper()
	l, err := store.All(t.Context(), h.DB, func(s store.Scanner) (map[string]any, error) {
		var id, application string
		var n int64
		if err := s.Scan(&id, &application, &n); err != nil {
			return nil, err
		}
		m := map[string]any{}
		err := json.Unmarshal([]byte(application), &m)
		m["_id"], m["_corrections"] = id, n
		return m, err
	}, "-- cases.all\nSELECT id, application, corrections FROM cases_case ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (h *House) scan(ctx context.Context, r io.Reader) (string, error) {
	h.mu.Lock()
	scan := h.scanner
	h.mu.Unlock()
	if scan == nil {
		return "", fault.New(fault.Unavailable, "intaketest.scan", "")
	}
	return scan(ctx, r)
}

// Scanner puts a scanner for malware in place; nil: there is none to be asked.
func (h *House) Scanner(scan func(ctx context.Context, r io.Reader) (string, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scanner = scan
}

func (h *House) found(_ context.Context, _ *store.Tx, u intake.Upload) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.infected = append(h.infected, u)
	return nil
}

// Infected are the files of cases of which the people concerned were told.
func (h *House) Infected() []intake.Upload {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.infected)
}

func (h *House) withdrawn(_ context.Context, _ *store.Tx, c intake.Consent) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, c.CaseID)
	return nil
}

func (h *House) fading(_ context.Context, _ *store.Tx, d intake.Draft) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warned = append(h.warned, d.Owner+" "+d.ID)
	return nil
}

func (h *House) tell(_ context.Context, _ *store.Tx, n intake.News) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.news = append(h.news, n)
	return nil
}

// News are the messages about drafts since it was last asked.
func (h *House) News() []intake.News {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.news
	h.news = nil
	return out
}

// Signatures are those that the last case was opened with.
func (h *House) Signatures() []intake.Signature {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signed
}

// Warned are the owners and drafts that were told to go soon.
func (h *House) Warned() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.warned...)
}

// Told are the cases whose file was told that its consent was taken back.
func (h *House) Told(t testing.TB) []string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.told
}
