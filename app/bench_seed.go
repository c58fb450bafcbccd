// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/lang/bpmn"
)

// The years before today that seeded cases are spread over, and how many of them are written in one change.
const (
	seedYears = 3
	seedBatch = 500
	maxSeed   = 5_000_000
)

// benchSeed fills a demo that isn't running with cases of its residents. One
// application for each service is submitted the ordinary way; its rows, in
// whatever tables they are, are what every seeded case is made of. So a seeded
// case has the columns and sizes of a real one.
func benchSeed(ctx context.Context, dir string, cases int, out io.Writer) error {
	if cases < 1 || cases > maxSeed {
		return fmt.Errorf("bench seed: --cases %d: want 1 to %d", cases, maxSeed)
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	state, err := readDemoState(dir)
	if err != nil {
		return err
	}
	if state.Portal == "" {
		return fmt.Errorf("bench seed: no demo has run in %s yet", dir)
	}
	c := config.Config{
		Server:   config.Server{Listen: state.Portal, PublicURL: "http://" + state.Portal},
		Data:     config.Data{Dir: dir},
		Identity: config.Identity{Issuer: "http://" + state.Identity, ClientID: "mercator", ClientSecret: config.Literal(state.ClientSecret)},
		Payment: config.Payment{Endpoint: "http://" + state.Payment + "/xbezahldienste/v1", Originator: "mercator", EndpointID: "05112000",
			Token: config.Literal(state.PaymentToken), CallbackSecret: config.Literal(state.CallbackSecret)},
	}
	c.Content.Dir = demoContent("")
	h, err := New(ctx, Options{Config: c.WithDefaults(), NoStream: true})
	if err != nil {
		return err
	}
	defer h.Close()
	return h.seed(ctx, cases, out)
}

type seedPerson struct{ id, name string }

func (h *House) seed(ctx context.Context, cases int, out io.Writer) error {
	n := 0
	people, err := store.All(ctx, h.db, func(s store.Scanner) (p seedPerson, err error) {
		n++
		p.name = fmt.Sprint("Mara Beispiel ", n) // the residents' own names are sealed
		return p, s.Scan(&p.id)
	}, "SELECT id FROM register_record WHERE register = 'residents' ORDER BY id")
	if err != nil {
		return err
	}
	if len(people) == 0 {
		return fmt.Errorf("bench seed: the city has no residents")
	}
	var templates []seedTemplate
	run := ident.New()
	for _, service := range []string{"resident-parking-permit", "business-registration"} {
		t, err := h.seedTemplate(ctx, service, run, people[0])
		if err != nil {
			return fmt.Errorf("bench seed: %s: %w", service, err)
		}
		templates = append(templates, t)
	}
	began := time.Now()
	first := began.AddDate(-seedYears, 0, 0)
	step := began.Sub(first) / time.Duration(cases)
	for done := 0; done < cases; {
		end := min(done+seedBatch, cases)
		if err := h.db.Write(ctx, func(tx *store.Tx) error {
			for i := done; i < end; i++ {
				s := seedCase{n: i, run: run, at: first.Add(time.Duration(i) * step), person: people[i%len(people)], open: i%50 == 0}
				// A fifth are business registrations, which a clerk has worked on; one case in fifty is at the desk now.
				t := templates[0]
				if s.open || i%5 == 1 {
					t = templates[1]
				}
				if err := t.write(ctx, tx, s); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		done = end
		if done%(seedBatch*40) == 0 || done == cases {
			fmt.Fprintf(out, "\rcases %d of %d, %.0f s ", done, cases, time.Since(began).Seconds())
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	return nil
}

// seedRows are the rows of one case in one table.
type seedRows struct {
	table   string
	columns []string
	insert  string
	rows    [][]any
}

type seedTemplate struct {
	caseID, instance, ref, person, name string
	at                                  int64
	tables                              []seedRows
}

// benchAnswers are complete applications without any register.
func benchAnswers(service string, now time.Time) map[string]any {
	home := map[string]any{"street": "Kantstraße", "house_number": "14", "postcode": "47057", "city": "Duisburg", "declared": true}
	more := map[string]any{"residence_since": "2020-02-01", "other_plate": "DU-MB 100", "zone": "NN", "valid_from": now.Format("2006-01-02"), "months": "12"}
	if service == "business-registration" {
		more = map[string]any{"nationality": "deutsch", "email": "", "legal_form": "sole", "business_name": "Messlauf Fahrräder",
			"business_street": "Kantstraße", "business_house_number": "14", "business_postcode": "47057",
			"activity": "Einzelhandel mit Fahrrädern und Zubehör", "sector": "trade", "craft": false, "start_date": now.Format("2006-01-02"), "employees": 0}
	}
	for k, v := range more {
		home[k] = v
	}
	return home
}

func (h *House) seedTemplate(ctx context.Context, service, run string, p seedPerson) (seedTemplate, error) {
	actor := access.Actor{Kind: access.Machine, ID: "demo-client", Name: "demo-client", Office: "32", Roles: demoScopes, Level: access.Substantial, Door: access.DoorAPI, Client: "demo-client"}
	answers := benchAnswers(service, h.now().In(h.zone))
	answers["given_names"], answers["family_name"], answers["birth_date"] = "Mara", "Beispiel", "1980-01-30"
	id, errs, err := h.intake.Apply(ctx, actor, intake.Application{Service: service, Key: "seed-" + run + service, Person: p.id, PersonName: p.name,
		Channel: "api", Lang: "de", Answers: answers})
	if err != nil {
		return seedTemplate{}, err
	}
	if len(errs) > 0 {
		return seedTemplate{}, fault.Internalf("app.seed", "answers: %+v", errs)
	}
	t := seedTemplate{caseID: id, person: p.id, name: p.name}
	if t.ref, err = store.One(ctx, h.db, scanOne[string], "SELECT ref FROM casefile_case WHERE id = $1", id); err != nil {
		return t, err
	}
	if t.at, err = store.One(ctx, h.db, scanOne[int64], "SELECT opened_at FROM casefile_case WHERE id = $1", id); err != nil {
		return t, err
	}
	if t.instance, err = store.One(ctx, h.db, scanOne[string], "SELECT id FROM process_instance WHERE case_id = $1", id); err != nil {
		return t, err
	}
	for _, from := range [][2]string{
		{"casefile_case", "id = $1"}, {"casefile_entry", "case_id = $1"}, {"casefile_decision", "case_id = $1"},
		{"process_instance", "case_id = $1"}, {"process_history", "instance_id IN (SELECT id FROM process_instance WHERE case_id = $1)"},
		{"process_task", "case_id = $1"}, {"process_word", "task_id IN (SELECT id FROM process_task WHERE case_id = $1)"},
		{"audit_entry", "case_id = $1"}, {"audit_subject", "entry IN (SELECT id FROM audit_entry WHERE case_id = $1)"},
	} {
		rows, err := h.readRows(ctx, from[0], from[1], id)
		if err != nil {
			return t, err
		}
		if len(rows.rows) > 0 {
			t.tables = append(t.tables, rows)
		}
	}
	return t, nil
}

func scanOne[T any](s store.Scanner) (v T, err error) { return v, s.Scan(&v) }

func (h *House) readRows(ctx context.Context, table, where, id string) (seedRows, error) {
	r := seedRows{table: table}
	rows, err := h.db.Query(ctx, "SELECT * FROM "+table+" WHERE "+where, id)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	if r.columns, err = rows.Columns(); err != nil {
		return r, err
	}
	places := make([]string, len(r.columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	r.insert = "INSERT INTO " + table + " (" + strings.Join(r.columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
	for rows.Next() {
		row := make([]any, len(r.columns))
		to := make([]any, len(r.columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return r, err
		}
		r.rows = append(r.rows, row)
	}
	return r, rows.Err()
}

// seedCase is what differs from case to case.
type seedCase struct {
	n      int
	run    string
	at     time.Time
	person seedPerson
	open   bool
}

const refDigits = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

func (s seedCase) ref() string {
	var b [8]byte
	n := s.n
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = refDigits[n%len(refDigits)]
		n /= len(refDigits)
	}
	return "B-" + s.run[len(s.run)-4:] + "-" + string(b[:])
}

func (t seedTemplate) write(ctx context.Context, tx *store.Tx, s seedCase) error {
	ids := map[string]string{t.caseID: ident.New(), t.instance: ident.New(), t.person: s.person.id, t.name: s.person.name, t.ref: s.ref()}
	fresh := func(v any) any {
		old, ok := v.(string)
		if !ok {
			return v
		}
		if id, ok := ids[old]; ok {
			return id
		}
		if ident.Valid(old) {
			ids[old] = ident.New()
			return ids[old]
		}
		return v
	}
	shift := store.Micros(s.at) - t.at
	for _, table := range t.tables {
		if table.table == "process_word" && !s.open {
			continue // only open tasks are found by words
		}
		for _, row := range table.rows {
			row = slices.Clone(row)
			for i, column := range table.columns {
				switch column {
				case "id", "case_id", "instance_id", "task_id", "entry", "person", "ref", "person_name", "label":
					row[i] = fresh(row[i])
				case "origin":
					row[i] = fmt.Sprintf("bench:%s:%d", s.run, s.n)
				case "client":
					row[i] = ""
				case "channel":
					row[i] = "portal"
				case "at", "opened_at", "changed_at", "created_at":
					if at, ok := row[i].(int64); ok {
						row[i] = at + shift
					}
				case "due_at":
					// What is open has come in the last weeks; the rest of its dates are of the past and done.
					if at, ok := row[i].(int64); ok && at < store.Micros(time.Now().AddDate(10, 0, 0)) {
						row[i] = at - int64(s.n%40)*24*int64(time.Hour/time.Microsecond)
					}
				case "word":
					row[i] = fmt.Sprintf("%v%x", row[i], s.n)
				}
				if s.open {
					continue
				}
				switch table.table + "." + column {
				case "casefile_case.state":
					row[i] = "closed"
				case "casefile_case.outcome":
					row[i] = "granted"
				case "casefile_case.closed_at", "process_task.done_at":
					row[i] = store.Micros(s.at.Add(time.Hour))
				case "process_instance.status":
					row[i] = string(bpmn.Completed)
				case "process_task.state":
					row[i] = "done"
				case "process_task.assignee":
					row[i] = "petra.lehmann"
				case "process_task.assignee_name":
					row[i] = "Petra Lehmann"
				}
			}
			if err := tx.Later(ctx, table.insert, row...); err != nil {
				return fmt.Errorf("bench seed: %s: %w", table.table, err)
			}
		}
	}
	return nil
}
