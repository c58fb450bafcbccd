// SPDX-License-Identifier: EUPL-1.2

package oversight_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/oversight"
)

var rooms = []store.Migrations{audit.Migrations(), oversight.Migrations()}

const policies = "../../content/policies"

type house struct {
	*oversight.Service
	t       *testing.T
	checker *access.Checker
	now     time.Time
	leaves  []audit.Leaf
	entries map[string]audit.Entry
	cases   map[string]access.CaseFacts
	events  []string
	staff   map[string]string // person → actor
	mails   []string          // how long each waits, and whether it is urgent
}

func open(t *testing.T, db *store.DB) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC), entries: map[string]audit.Entry{}, staff: map[string]string{}, cases: map[string]access.CaseFacts{}}
	rules, err := oversight.LoadRules(os.DirFS(policies))
	h.must(err)
	caseOf := func(_ context.Context, _ store.Q, id string) (access.CaseFacts, bool, error) {
		c, ok := h.cases[id]
		return c, ok, nil
	}
	h.Service, err = oversight.New(oversight.Config{DB: db, Rules: rules, Now: func() time.Time { return h.now }, Case: caseOf,
		Leaves: func(_ context.Context, from, to int64) ([]audit.Leaf, error) {
			return h.leaves[min(from, int64(len(h.leaves))):min(to, int64(len(h.leaves)))], nil
		},
		Entry: func(_ context.Context, id string) (audit.Entry, error) {
			e, ok := h.entries[id]
			if !ok {
				return e, fault.New(fault.NotFound, "test", "")
			}
			return e, nil
		},
		Colleague: func(_ context.Context, _ store.Q, person string) (bool, error) {
			_, ok := h.staff[person]
			return ok, nil
		},
		Self: func(_ context.Context, _ store.Q, actor string) (string, error) {
			for person, a := range h.staff {
				if a == actor {
					return person, nil
				}
			}
			return "", nil
		},
		Publish: func(_ context.Context, _ *store.Tx, kind, _ string, data any) error {
			h.events = append(h.events, kind+" "+fmt.Sprint(data))
			return nil
		},
		Mail: func(_ context.Context, _ *store.Tx, due time.Time, urgent string) error {
			h.mails = append(h.mails, fmt.Sprintf("%s %t", due.Sub(h.now), urgent != ""))
			return nil
		}})
	h.must(err)
	h.checker, err = access.New(access.Config{Policies: os.DirFS(policies), DB: db, Now: func() time.Time { return h.now }, Case: caseOf,
		Classify: func(string, []string) []string { return []string{"personal"} }, Keeper: func(string) string { return "32" },
		Glass: h.Glass, Approved: h.Approved, Use: h.Use, Ask: h.Ask})
	h.must(err)
	t.Cleanup(h.checker.Close)
	h.UseChecker(h.checker)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// access puts an access into the log.
func (h *house) access(e audit.Entry, persons ...string) {
	e.ID = fmt.Sprintf("%08x-0000-7000-8000-000000000000", len(h.leaves)+1)
	if e.ActorKind == "" {
		e.ActorKind, e.ActorID, e.ActorName, e.Office = "clerk", "petra", "Petra", "32"
	}
	if e.Resource == "" {
		e.Resource = "register:residents"
	}
	if e.Outcome == "" {
		e.Outcome = audit.Permitted
	}
	e.At = h.now
	h.entries[e.ID] = e
	r := audit.Record{ID: e.ID, Kind: audit.Access, At: e.At, Entry: e}
	for _, p := range persons {
		r.Subjects = append(r.Subjects, audit.Subject{Person: p})
	}
	h.leaves = append(h.leaves, audit.Leaf{Leaf: int64(len(h.leaves)), Record: r, Found: true})
}

func (h *house) detect() {
	h.t.Helper()
	for {
		more, err := h.Detect(h.t.Context())
		h.must(err)
		if !more {
			return
		}
	}
}

var (
	officer = access.Actor{Kind: access.Clerk, ID: "fatma", Name: "Fatma", Office: "30", Roles: []string{"auditor"}, Level: access.High}
	head    = access.Actor{Kind: access.Clerk, ID: "ingrid", Name: "Ingrid", Office: "32", Roles: []string{"clerk", "head"}, Level: access.High}
	second  = access.Actor{Kind: access.Clerk, ID: "maria", Name: "Maria", Office: "32", Roles: []string{"clerk", "head"}, Level: access.High}
	clerk   = access.Actor{Kind: access.Clerk, ID: "petra", Name: "Petra", Office: "32", Roles: []string{"clerk"}, Level: access.High}
	duty    = access.Actor{Kind: access.Clerk, ID: "jens", Name: "Jens", Office: "37", Roles: []string{"emergency"}, Level: access.High}
)

// found are the open findings: rule, person, times.
func (h *house) found() string {
	h.t.Helper()
	list, err := h.Findings(h.t.Context(), officer, false, "", 200)
	h.must(err)
	var out []string
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s %s %d", list[i].Rule, list[i].Person, list[i].Times), " "))
	}
	return strings.Join(out, ", ")
}

func TestTheDetectorFindsWhatNeedsAReason(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx := t.Context()
		h.cases["open"] = access.CaseFacts{Open: true, Office: "32", Persons: []string{"anna"}}
		h.cases["other"] = access.CaseFacts{Open: true, Office: "21", Persons: []string{"anna"}}
		h.cases["closed"] = access.CaseFacts{Office: "32", Persons: []string{"anna"}, ClosedAt: h.now.Add(-time.Hour)}
		h.cases["later"] = access.CaseFacts{Office: "32", Persons: []string{"anna"}, ClosedAt: h.now.Add(time.Hour)}
		// What has its reason, or isn't curiosity.
		h.access(audit.Entry{Case: "open"}, "anna")
		h.access(audit.Entry{Case: "later"}, "anna")
		h.access(audit.Entry{ActorKind: "resident", ActorID: "anna"}, "anna")
		h.access(audit.Entry{ActorKind: "system", ActorID: "process"}, "anna", "berta")
		h.access(audit.Entry{Resource: "case"}, "anna")
		h.detect()
		if got := h.found(); got != "" {
			t.Errorf("found %s", got)
		}
		// What hasn't.
		h.access(audit.Entry{}, "berta")
		h.access(audit.Entry{}, "berta")
		h.access(audit.Entry{Case: "open"}, "carl")
		h.access(audit.Entry{Case: "other"}, "anna")
		h.detect()
		h.detect()
		if got := h.found(); got != "no-case berta 2, no-case carl 1, no-case anna 1" {
			t.Errorf("found %s", got)
		}
		if len(h.events) != 3 || strings.Contains(strings.Join(h.events, ""), "berta") {
			t.Errorf("events: %v", h.events)
		}
		h.now = h.now.Add(24 * time.Hour) // another day is another finding
		h.access(audit.Entry{Case: "closed"}, "anna")
		h.detect()
		if got := h.found(); !strings.HasSuffix(got, "no-case anna 1, no-case anna 1") {
			t.Errorf("found %s", got)
		}
		// Marked persons, with a case too.
		h.must(h.SetMark(ctx, officer, "anna", oversight.Colleague))
		h.must(h.SetMark(ctx, officer, "berta", oversight.Known))
		h.access(audit.Entry{Case: "open"}, "anna")
		h.access(audit.Entry{ActorKind: "machine", ActorID: "erp"}, "berta")
		h.must(h.SetMark(ctx, officer, "anna", ""))
		h.detect()
		if got := h.found(); !strings.HasSuffix(got, "known berta 1") || strings.Contains(got, "colleague") {
			t.Errorf("found %s", got)
		}
		h.must(h.SetMark(ctx, officer, "anna", oversight.Colleague))
		h.access(audit.Entry{Case: "open"}, "anna")
		h.detect()
		if got := h.found(); !strings.HasSuffix(got, "colleague anna 1") {
			t.Errorf("found %s", got)
		}
	})
}

func TestTheDetectorCountsRatesOverAccesses(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		page := func(from int) (out []string) {
			for i := range 50 {
				out = append(out, fmt.Sprint("p", from+i))
			}
			return out
		}
		has := func(rule string) bool { return strings.Contains(h.found(), rule+" ") }
		h.access(audit.Entry{}, page(0)...)
		h.access(audit.Entry{}, page(50)...)
		h.access(audit.Entry{}, page(0)...) // the same persons again
		h.detect()
		if has("many") {
			t.Errorf("a hundred are no finding: %s", h.found())
		}
		h.now = h.now.Add(2 * time.Hour)
		h.access(audit.Entry{}, page(100)...)
		h.detect()
		if has("many") {
			t.Error("what was two hours ago counts")
		}
		// A list is an entry without persons first; whom it has shown comes as a record of its own.
		h.access(audit.Entry{})
		r := audit.Record{ID: "seen", Kind: audit.Seen, At: h.now, Entry: audit.Entry{ID: h.leaves[len(h.leaves)-1].Record.ID}}
		for _, p := range page(200) {
			r.Subjects = append(r.Subjects, audit.Subject{Person: p})
		}
		h.leaves = append(h.leaves, audit.Leaf{Leaf: int64(len(h.leaves)), Record: r, Found: true})
		h.access(audit.Entry{}, "one")
		h.detect()
		if !has("many") {
			t.Errorf("101 persons in an hour: %s", h.found())
		}
		for range 20 {
			h.access(audit.Entry{Outcome: audit.Refused}, "p1")
		}
		h.detect()
		if has("doors") {
			t.Error("twenty refusals are no finding")
		}
		h.access(audit.Entry{Outcome: audit.Refused}, "p1")
		h.detect()
		if !has("doors") {
			t.Errorf("21 refusals: %s", h.found())
		}
		h.must(h.Sweep(t.Context()))
	})
}

func TestAFindingIsDealtWithOnceByWhoKeepsWatch(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx := t.Context()
		h.access(audit.Entry{}, "berta")
		h.detect()
		for _, a := range []access.Actor{clerk, head, duty} {
			if _, err := h.Findings(ctx, a, false, "", 10); !fault.Is(err, fault.Denied) {
				t.Errorf("%s sees findings: %v", a.ID, err)
			}
			if err := h.SetMark(ctx, a, "anna", oversight.Known); !fault.Is(err, fault.Denied) {
				t.Errorf("%s marks: %v", a.ID, err)
			}
		}
		list, err := h.Findings(ctx, officer, false, "", 10)
		h.must(err)
		if err := h.MarkSeen(ctx, officer, list[0].ID, " "); !fault.Is(err, fault.Invalid) {
			t.Errorf("without a remark: %v", err)
		}
		if err := h.MarkSeen(ctx, clerk, list[0].ID, "nothing to see"); !fault.Is(err, fault.Denied) {
			t.Errorf("by the clerk: %v", err)
		}
		h.must(h.MarkSeen(ctx, officer, list[0].ID, "asked; the case came later"))
		if err := h.MarkSeen(ctx, officer, list[0].ID, "again"); !fault.Is(err, fault.Conflict) {
			t.Errorf("twice: %v", err)
		}
		done, err := h.Findings(ctx, officer, true, "", 10)
		h.must(err)
		if len(done) != 1 || done[0].Remark != "asked; the case came later" || done[0].SeenBy != "Fatma" || h.found() != "" {
			t.Errorf("%+v %s", done, h.found())
		}
	})
}

func (h *house) read(a access.Actor, register string, persons ...string) error {
	_, err := h.checker.Permit(h.t.Context(), access.Request{Actor: a, Action: access.Read, Resource: register, Purpose: "emergency", Basis: "Art. 6", Owner: persons[0], Subjects: persons[1:], Fields: []string{"street"}})
	return err
}

func TestTheGlassIsBrokenForOnePersonOneRegisterAnHour(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx := t.Context()
		if err := h.read(duty, "register:residents", "anna"); !fault.Is(err, fault.Denied) {
			t.Fatalf("unbroken: %v", err)
		}
		if _, err := h.Break(ctx, clerk, "register:residents", "anna", "curious"); !fault.Is(err, fault.Denied) {
			t.Errorf("without the role: %v", err)
		}
		if _, err := h.Break(ctx, duty, "register:residents", "anna", ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		if h.found() != "" {
			t.Errorf("found %s", h.found())
		}
		_, err := h.Break(ctx, duty, "register:residents", "anna", "unconscious in the street")
		h.must(err)
		if h.found() != "glass anna 1" || len(h.events) != 1 {
			t.Errorf("not told at once: %s %v", h.found(), h.events)
		}
		h.must(h.read(duty, "register:residents", "anna"))
		other := duty
		other.ID = "other"
		for what, err := range map[string]error{"another person": h.read(duty, "register:residents", "berta"), "two persons": h.read(duty, "register:residents", "anna", "berta"),
			"another register": h.read(duty, "register:vehicles", "anna"), "another actor": h.read(other, "register:residents", "anna")} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		l := audit.Ledger{DB: db}
		list, err := l.ForPerson(ctx, "anna", "", 50)
		h.must(err)
		told := false
		for _, e := range list {
			told = told || e.Action == access.Read && e.Outcome == audit.Permitted && e.Purpose == "break-glass: unconscious in the street" && strings.Contains(e.Rule, "glass:")
		}
		if !told {
			t.Errorf("the person isn't told: %+v", list)
		}
		h.now = h.now.Add(oversight.Hour)
		if err := h.read(duty, "register:residents", "anna"); !fault.Is(err, fault.Denied) {
			t.Errorf("after an hour: %v", err)
		}
	})
}

func TestWhatTakesTwoPeopleIsDoneOnceByTwo(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx := t.Context()
		export := access.Request{Actor: head, Action: access.Export, Resource: "register:residents", Purpose: "audit", Basis: "§ 1", Office: "32", Fields: []string{"street"}}
		try := func(r access.Request) error {
			_, err := h.checker.Permit(ctx, r)
			return err
		}
		waits := func(err error) bool {
			key, _ := fault.Message(err)
			return fault.Is(err, fault.Denied) && key == access.ApprovalNeeded
		}
		if err := try(export); !waits(err) {
			t.Fatal(err)
		}
		if err := try(export); !waits(err) { // asked once
			t.Fatal(err)
		}
		list, err := h.Approvals(ctx, second, "", 10)
		h.must(err)
		if len(list) != 1 || list[0].State != oversight.Waiting || list[0].Actor != "ingrid" {
			t.Fatalf("%+v", list)
		}
		id := list[0].ID
		deputy := second
		deputy.Mandate, deputy.For = "m", "maria"
		foreign := second
		foreign.ID, foreign.Office = "joanna", "21"
		for _, a := range []access.Actor{head, clerk, deputy, foreign, officer} {
			if err := h.RuleOn(ctx, a, id, true, "fine"); err == nil {
				t.Errorf("%s of %s approves", a.ID, a.Office)
			}
		}
		if err := try(export); !waits(err) {
			t.Fatal(err)
		}
		if err := h.RuleOn(ctx, second, id, true, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		h.must(h.RuleOn(ctx, second, id, true, "agreed in the morning"))
		if err := h.RuleOn(ctx, second, id, false, "no"); err == nil {
			t.Error("ruled on twice")
		}
		other := export
		other.Fields = []string{"street", "birth_date"}
		if err := try(other); !waits(err) {
			t.Errorf("another request goes through: %v", err)
		}
		mine := export
		mine.Actor = second
		if err := try(mine); !waits(err) {
			t.Errorf("somebody else uses it: %v", err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		through := 0
		for range 6 {
			wg.Go(func() {
				if try(export) == nil {
					mu.Lock()
					through++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if through != 1 {
			t.Errorf("done %d times", through)
		}
		// Turned down is turned down, and what waits too long lapses.
		erase := access.Request{Actor: head, Action: access.Erase, Resource: "register:residents", Purpose: "wish", Basis: "Art. 17", Office: "32", Owner: "anna"}
		if err := try(erase); !waits(err) {
			t.Fatal(err)
		}
		list, err = h.Approvals(ctx, second, "", 10)
		h.must(err)
		h.must(h.RuleOn(ctx, second, list[0].ID, false, "has to be kept"))
		if err := try(erase); !waits(err) {
			t.Errorf("refused, and done: %v", err)
		}
		list, err = h.Approvals(ctx, second, "", 10)
		h.must(err)
		h.must(h.RuleOn(ctx, second, list[0].ID, true, "now it hasn't"))
		h.now = h.now.Add(25 * time.Hour)
		if err := try(erase); !waits(err) {
			t.Errorf("a day later: %v", err)
		}
		h.checker.Close()
	})
}

func TestRulesWithAMistakeArentLoaded(t *testing.T) {
	for text, want := range map[string]string{
		`[[rule]]` + "\n" + `id = "x"` + "\n" + `looks = "no-case"` + "\n" + `who = ["clerk"]` + "\n" + `resource = "register"` + "\n" + `title = { de = "x" }` + "\n" + `persns = 3`: "unknown key",
		`[[rule]]` + "\n" + `id = "x"` + "\n" + `looks = "rate"` + "\n" + `who = ["clerk"]` + "\n" + `resource = "register"` + "\n" + `title = { de = "x" }`:                          "needs persons",
		`[[rule]]` + "\n" + `id = "x"` + "\n" + `looks = "mark"` + "\n" + `mark = "rich"` + "\n" + `who = ["clerk"]` + "\n" + `resource = "register"` + "\n" + `title = { de = "x" }`: "mark",
		`[[rule]]` + "\n" + `id = "x"` + "\n" + `looks = "gut"` + "\n" + `who = ["clerk"]` + "\n" + `resource = "register"` + "\n" + `title = { de = "x" }`:                           "looks",
		`[[rule]]` + "\n" + `id = "x"` + "\n" + `looks = "no-case"` + "\n" + `who = ["boss"]` + "\n" + `resource = "register"` + "\n" + `title = { de = "x" }`:                        "who",
	} {
		if _, err := oversight.LoadRules(fstest.MapFS{"curiosity.toml": {Data: []byte(text)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A colleague is found without a mark, and so is who reads their own at the desk.
func TestTheDetectorKnowsWhoWorksForTheCity(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		h.staff = map[string]string{"p-can": "can", "p-petra": "petra"}
		h.cases["open"] = access.CaseFacts{Open: true, Office: "32", Persons: []string{"anna", "p-can", "p-petra"}}
		h.access(audit.Entry{Case: "open"}, "anna")
		h.access(audit.Entry{ActorKind: "machine", ActorID: "petra", Office: "32"}, "p-petra") // a program of that name is nobody's self
		h.detect()
		if got := h.found(); got != "" {
			t.Fatalf("found %s", got)
		}
		h.access(audit.Entry{Case: "open"}, "anna", "p-can")
		h.detect()
		if got := h.found(); got != "colleague p-can 1" {
			t.Errorf("a colleague: %s", got)
		}
		h.access(audit.Entry{Case: "open"}, "anna", "p-petra") // in a list: the policies can't refuse what isn't known before
		h.access(audit.Entry{Resource: "case", Case: "open"}, "p-petra")
		h.detect()
		if got := h.found(); got != "colleague p-can 1, colleague p-petra 1, own p-petra 1, own-case p-petra 1" {
			t.Errorf("their own: %s", got)
		}
	})
}

// Nobody rules on a request about the person who they are.
func TestNobodyRulesOnTheirOwnErasure(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		erase := access.Request{Actor: head, Action: access.Erase, Resource: "register:residents", Purpose: "wish", Basis: "Art. 17", Office: "32", Owner: "p-maria"}
		if _, err := h.checker.Permit(t.Context(), erase); err == nil {
			t.Fatal("without a second person")
		}
		list, err := h.Approvals(t.Context(), head, "", 1)
		h.must(err)
		herself := second
		herself.Self = "p-maria"
		if ok, err := h.Entitled(t.Context(), herself, list[0]); err != nil || ok {
			t.Errorf("entitled: %v %v", ok, err)
		}
		if ok, err := h.Entitled(t.Context(), second, list[0]); err != nil || !ok {
			t.Errorf("somebody else: %v %v", ok, err)
		}
		if err := h.RuleOn(t.Context(), herself, list[0].ID, true, "it's me"); err == nil {
			t.Error("she has approved")
		}
	})
}

// sent is what the officer would be sent.
func (h *house) sent() oversight.News {
	h.t.Helper()
	n, err := h.News(h.t.Context())
	h.must(err)
	return n
}

func TestTheOfficerHasMailOfWhatIsNew(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx := t.Context()
		h.access(audit.Entry{}, "anna")
		h.detect()
		h.access(audit.Entry{}, "anna") // the same again: nothing new
		h.detect()
		if got := strings.Join(h.mails, ", "); got != "0s false" {
			t.Fatalf("mails: %s", got)
		}
		n := h.sent()
		if len(n.Findings) != 1 || n.Findings[0].Rule != "no-case" || n.More {
			t.Fatalf("%+v", n)
		}
		// What is found while the mail is under way isn't in it, and has another one, a minute later.
		h.access(audit.Entry{}, "berta")
		h.detect()
		h.now = h.now.Add(time.Second)
		h.mails = nil
		h.must(db.Write(ctx, func(tx *store.Tx) error { return h.Sent(ctx, tx, n) }))
		if got := strings.Join(h.mails, ", "); got != "1m0s false" {
			t.Errorf("mails: %s", got)
		}
		// An emergency doesn't wait, and stands before the rest.
		h.mails = nil
		_, err := h.Break(ctx, duty, "register:residents", "anna", "unconscious in the street")
		h.must(err)
		if got := strings.Join(h.mails, ", "); got != "0s true" {
			t.Errorf("mails: %s", got)
		}
		for i := range 25 {
			h.access(audit.Entry{}, fmt.Sprint("p", i))
		}
		h.detect()
		n = h.sent()
		if len(n.Findings) != 20 || !n.More || n.Findings[0].Rule != "glass" || n.Findings[1].Rule != "no-case" {
			t.Errorf("%d findings, %v, %+v", len(n.Findings), n.More, n.Findings)
		}
		h.must(db.Write(ctx, func(tx *store.Tx) error { return h.Sent(ctx, tx, n) }))
		if n = h.sent(); len(n.Findings) != 0 {
			t.Errorf("told twice: %+v", n)
		}
		h.mails = nil
		h.must(h.Sweep(ctx))
		if len(h.mails) != 0 {
			t.Errorf("a mail about nothing: %v", h.mails)
		}
		h.access(audit.Entry{}, "carla")
		h.detect()
		h.now, h.mails = h.now.Add(-time.Hour), nil // a clock that is set back
		h.must(h.Sweep(ctx))
		if got := strings.Join(h.mails, ", "); got != "1m0s false" {
			t.Errorf("what was left untold: %s", got)
		}
	})
}
