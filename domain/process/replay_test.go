// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// settled plays five cases: paid on the third day, paid after a review, never paid,
// waiting for the review, and withdrawn by the applicant.
func settled(t *testing.T, h *house) {
	t.Helper()
	for _, x := range [][2]string{{"quick", "granted"}, {"reviewed", "check"}, {"unpaid", "granted"}, {"waiting", "check"}, {"withdrawn", "check"}} {
		h.start(x[0], x[1])
	}
	clerk := accesstest.Clerk("32")
	grant := h.grant(clerk, access.Decide)
	h.pass(2 * time.Hour)
	for _, task := range h.worklist(clerk, process.Filter{}) {
		if task.CaseID == "reviewed" {
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Complete(t.Context(), tx, grant, task.ID, task.Revision, map[string]any{"outcome": "granted"})
				return err
			})
		}
	}
	h.write(func(tx *store.Tx) error { return h.engine.Cancel(t.Context(), tx, "withdrawn", accesstest.Anna()) })
	h.pass(70 * time.Hour)
	h.until("reminders", func() bool { return strings.Count(fmt.Sprint(h.milestones), "Reminded") >= 2 })
	h.message("quick")
	h.until("quick", func() bool { return h.completed == 1 })
	h.pass(10 * 24 * time.Hour)
	h.message("reviewed")
	h.until("reviewed", func() bool { return h.completed == 2 })
	h.pass(20 * 24 * time.Hour)
	h.until("unpaid", func() bool { return h.completed == 3 })
	h.pass(time.Hour)
}

func (h *house) replay(p process.ReplayPlan) process.Replay {
	h.t.Helper()
	p.Service = "permit"
	if p.To == nil {
		p.To = h.def
	}
	g := accesstest.Grant(h.t, h.check, access.Request{Actor: accesstest.Clerk("31"), Action: access.Read, Resource: "replay", Service: "permit", Office: "31"})
	r, err := h.engine.Replay(h.t.Context(), g, p)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func changed(t *testing.T, old, fresh string) *bpmn.Definitions {
	t.Helper()
	text := strings.Replace(permit, old, fresh, 1)
	if text == permit {
		t.Fatalf("%q isn't there", old)
	}
	d, err := bpmn.Parse("permit.bpmn", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func tell(r process.Replay) string {
	var out []string
	for _, c := range r.List {
		part := ""
		if c.Parting.After != "" {
			part = " after " + c.Parting.After + ": " + c.Parting.Old + "/" + c.Parting.New
		}
		out = append(out, fmt.Sprintf("%s: %s%v%v -> %s%v%v%s", strings.TrimPrefix(c.File, "2026-ABCD-"), c.Old.Status, c.Old.Ends, c.Old.Waits, c.New.Status, c.New.Ends, c.New.Waits, part))
	}
	return strings.Join(out, "\n")
}

func TestReplay(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		settled(t, h)
		same := func(_ time.Time, _ string, vars map[string]any) (any, bool, error) {
			return map[string]any{"result": vars["zone"]}, true, nil
		}

		r := h.replay(process.ReplayPlan{Decide: same})
		if r.Cases != 5 || r.Same != 5 || r.More {
			t.Fatalf("the same version makes a difference: %+v\n%s", r, tell(r))
		}

		// Ten days to pay: who paid on the thirteenth day would have been too late.
		r = h.replay(process.ReplayPlan{To: changed(t, "P30D", "P10D"), Decide: same})
		if r.Changed != 1 || r.Same != 4 || tell(r) != "reviewed: completed[done reminded][] -> completed[given_up reminded][] after paid: issue/unpaid" &&
			tell(r) != "reviewed: completed[done][] -> completed[given_up][] after paid: issue/unpaid" {
			t.Fatalf("%+v\n%s", r, tell(r))
		}

		// Sixty days to pay: nobody knows who would have paid later.
		r = h.replay(process.ReplayPlan{To: changed(t, "P30D", "P60D"), Decide: same})
		if r.Changed != 1 || r.Waiting != 1 || tell(r) != "unpaid: completed[given_up][] -> running[][paid] after paid: unpaid/" {
			t.Fatalf("%+v\n%s", r, tell(r))
		}

		// A table that sends everybody to a person: nobody has asked for those yet.
		r = h.replay(process.ReplayPlan{Decide: func(time.Time, string, map[string]any) (any, bool, error) {
			return map[string]any{"result": "check"}, true, nil
		}})
		if r.Changed != 2 || r.Waiting != 2 || r.Decided != 0 || len(r.Decisions) != 1 || r.Decisions[0].N != 2 || r.Decisions[0].Old != `{"result":"granted"}` || r.Decisions[0].Decision != "eligibility" {
			t.Fatalf("%+v\n%s", r, tell(r))
		}
		for _, c := range r.List {
			if fmt.Sprint(c.New.Waits) != "[review]" || c.Parting != (process.Parting{After: "clear", Old: "request", New: "review"}) {
				t.Errorf("%s: %+v %+v", c.File, c.New, c.Parting)
			}
		}
		if len(r.Groups) != 2 { // one would be granted, one given up
			t.Errorf("%+v", r.Groups)
		}

		// A table that can't decide: an operator would have to look.
		r = h.replay(process.ReplayPlan{Decide: func(time.Time, string, map[string]any) (any, bool, error) {
			return nil, false, fmt.Errorf("no rule")
		}})
		if r.Stuck != 4 || r.Same != 1 { // who has withdrawn has done so
			t.Fatalf("%+v\n%s", r, tell(r))
		}

		// An element with a new name takes the answers of the old one.
		renamed := strings.ReplaceAll(permit, `"review"`, `"examine"`)
		d, err := bpmn.Parse("permit.bpmn", []byte(renamed))
		if err != nil {
			t.Fatal(err)
		}
		if r = h.replay(process.ReplayPlan{To: d, Decide: same}); r.Changed != 2 { // reviewed and waiting
			t.Fatalf("%+v\n%s", r, tell(r))
		}
		if r = h.replay(process.ReplayPlan{To: d, Decide: same, Map: map[string]string{"review": "examine"}}); r.Same != 5 {
			t.Fatalf("%+v\n%s", r, tell(r))
		}

		// The time and the number of cases are bounded, and so is the office.
		if r = h.replay(process.ReplayPlan{Decide: same, Max: 2}); r.Cases != 2 || !r.More {
			t.Errorf("%+v", r)
		}
		if r = h.replay(process.ReplayPlan{Decide: same, Since: h.clock().Add(-24 * time.Hour)}); r.Cases != 0 {
			t.Errorf("%+v", r)
		}
		g := accesstest.Grant(t, h.check, access.Request{Actor: accesstest.Clerk("99"), Action: access.Read, Resource: "replay", Service: "permit", Office: "99"})
		if r, err := h.engine.Replay(t.Context(), g, process.ReplayPlan{Service: "permit", To: h.def, Decide: same}); err != nil || r.Cases != 0 {
			t.Errorf("another office: %+v %v", r, err)
		}
		if _, err := h.engine.Replay(t.Context(), g, process.ReplayPlan{Service: "other", To: h.def}); err == nil {
			t.Error("a grant for another service is taken")
		}
		if _, err := h.engine.Replay(t.Context(), h.grant(accesstest.Clerk("31"), access.Read), process.ReplayPlan{Service: "permit", To: h.def}); err == nil {
			t.Error("a grant for tasks is taken")
		}
	})
}

// A draft whose decision gives back what somebody has applied with shows it to nobody who
// may not read cases; what many cases share tells of nobody.
func TestReplayShowsNoCaseToOperators(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		for i := range 5 {
			h.start(fmt.Sprint("many", i), "granted")
		}
		h.start("secret", "check")
		tells := func(_ time.Time, _ string, vars map[string]any) (any, bool, error) {
			if vars["zone"] == "check" {
				return map[string]any{"result": "check", "of": "somebody's secret"}, true, nil
			}
			return map[string]any{"result": "granted", "fee": 42}, true, nil
		}
		ask := func(office string) string {
			g := accesstest.Grant(t, h.check, access.Request{Actor: accesstest.Clerk(office), Action: access.Read, Resource: "replay", Service: "permit", Office: office})
			r, err := h.engine.Replay(t.Context(), g, process.ReplayPlan{Service: "permit", To: h.def, Decide: tells})
			if err != nil || r.Decided != 6 || len(r.Decisions) != 2 || r.Decisions[0].N+r.Decisions[1].N != 6 {
				t.Fatalf("%+v %v", r, err)
			}
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if said := ask(""); strings.Contains(said, "somebody") || strings.Count(said, `\"fee\":42`) != 1 || !strings.Contains(said, `"unseen":true`) {
			t.Error(said)
		}
		if said := ask("31"); strings.Count(said, "somebody") != 2 || strings.Contains(said, `"unseen"`) {
			t.Error(said)
		}
	})
}

// What a person changed by hand is no answer, and what is forgotten can't be replayed.
func TestReplayKnowsItsBounds(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		h.start("c1", "check")
		h.start("c2", "granted")
		v := h.view("c1")
		g := accesstest.Grant(t, h.check, access.Request{Actor: accesstest.Clerk("31"), Action: access.Read, Resource: "process", Case: "c1"})
		d, err := h.engine.Inspect(t.Context(), g, v.InstanceID)
		if err != nil {
			t.Fatal(err)
		}
		token := ""
		for _, x := range d.Tokens {
			if x.Element == "review" {
				token = x.ID
			}
		}
		g = accesstest.Grant(t, h.check, access.Request{Actor: accesstest.Clerk("31"), Action: access.Change, Resource: "process", Case: "c1"})
		h.write(func(tx *store.Tx) error {
			return h.engine.Modify(t.Context(), tx, g, process.Modification{Instance: v.InstanceID, Revision: d.Revision, Reason: "why",
				Instructions: []bpmn.Instruction{{Do: bpmn.MoveToken, Token: token, Element: "request"}}})
		})
		if r := h.replay(process.ReplayPlan{}); r.ByHand != 1 || r.Same != 1 {
			t.Fatalf("%+v", r)
		}
		kept := func() (n int) {
			if err := db.QueryRow(t.Context(), "SELECT count(*) FROM process_history WHERE record <> ''").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if kept() != 3 {
			t.Fatalf("%d records", kept())
		}
		// Ids are made by the real clock: the house's is put there.
		h.pass(time.Until(h.clock()) * -1)
		h.pass(99 * 24 * time.Hour)
		time.Sleep(200 * time.Millisecond)
		if kept() < 3 {
			t.Fatal("forgotten too early")
		}
		h.pass(2 * 24 * time.Hour)
		h.until("forgotten", func() bool {
			var n int
			err := db.QueryRow(t.Context(), "SELECT count(*) FROM process_history WHERE record <> '' AND at < 1780000000000000").Scan(&n)
			return err == nil && n == 0
		})
		if r := h.replay(process.ReplayPlan{}); r.Unrecorded != 2 {
			t.Fatalf("%+v", r)
		}
		if steps := h.view("c1").Steps; len(steps) < 2 || len(steps[0].Trace) == 0 {
			t.Errorf("the history is gone with the answers: %+v", steps)
		}
	})
}

// A case in which something failed, was mended and tried again is replayed like any
// other; the reason, which may quote data, is not kept for it.
func TestReplayOfAnIncident(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		h.requestErr = fault.Because(fault.Invalid, "test", "", fmt.Errorf("the account of Anna Müller is closed"))
		id := h.start("c1", "granted")
		h.until("incident", func() bool { return h.incidents == 1 })
		if r := h.replay(process.ReplayPlan{}); r.Same != 1 {
			t.Fatalf("%+v\n%s", r, tell(r))
		}
		var n int
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM process_history WHERE record LIKE '%Anna%'").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d records quote the reason: %v", n, err)
		}
		h.requestErr = nil
		list, err := h.engine.Incidents(t.Context(), "", 10)
		if err != nil || len(list) != 1 || list[0].InstanceID != id {
			t.Fatalf("%v %v", list, err)
		}
		h.write(func(tx *store.Tx) error {
			return h.engine.Retry(t.Context(), tx, accesstest.Clerk("31"), list[0].ID)
		})
		h.at("c1", "paid")
		h.message("c1")
		h.until("completed", func() bool { return h.completed == 1 })
		if r := h.replay(process.ReplayPlan{}); r.Same != 1 {
			t.Fatalf("%+v\n%s", r, tell(r))
		}
	})
}
