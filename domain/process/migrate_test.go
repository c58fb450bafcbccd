// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// permit2 is the next version: the form of the review is another one and it is due
// later, nobody is reminded any more, who doesn't pay has less time, and the payment
// can be called off by a message.
var permit2 = strings.NewReplacer(
	`formId="decision"`, `formId="decision2"`, `dueDate="P3D"`, `dueDate="P10D"`,
	`<bpmn:boundaryEvent id="remind" attachedToRef="review" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeCycle>R2/P1D</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:boundaryEvent>`, ``,
	`<bpmn:intermediateThrowEvent id="reminded" name="Reminded"/>`, ``,
	`<bpmn:sequenceFlow id="f11" sourceRef="remind" targetRef="reminded"/>`, `<bpmn:boundaryEvent id="off" attachedToRef="paid"><bpmn:messageEventDefinition messageRef="m2"/></bpmn:boundaryEvent><bpmn:sequenceFlow id="f13" sourceRef="off" targetRef="given_up"/>`,
	`P30D`, `P14D`,
	`<bpmn:error id="err"`, `<bpmn:message id="m2" name="payment.off"><bpmn:extensionElements><zeebe:subscription correlationKey="=case.id"/></bpmn:extensionElements></bpmn:message><bpmn:error id="err"`,
).Replace(permit)

func (h *house) plan(source string) process.MigrationPlan {
	h.t.Helper()
	def, err := bpmn.Parse("permit.bpmn", []byte(source))
	if err != nil {
		h.t.Fatal(err)
	}
	return process.MigrationPlan{Service: "permit", To: def, ToVersion: "v2", Reason: "Neue Gebührenordnung"}
}

func (h *house) rehearse(p process.MigrationPlan) process.Migration {
	h.t.Helper()
	m, err := h.engine.Rehearse(h.t.Context(), h.operates(access.Change, ""), p)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.reaches(m.ID, process.Rehearsed)
}

// reaches waits until a migration is in a state.
func (h *house) reaches(id string, want process.MigrationState) process.Migration {
	h.t.Helper()
	g := h.operates(access.Read, "")
	for range 1000 {
		m, err := h.engine.MigrationOf(h.t.Context(), g, id)
		if err != nil {
			h.t.Fatal(err)
		}
		if m.State == want {
			return m
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("the migration never was %s", want)
	return process.Migration{}
}

func (h *house) migrates(id string) process.Migration {
	h.t.Helper()
	if err := h.engine.RunMigration(h.t.Context(), h.operates(access.Change, ""), id); err != nil {
		h.t.Fatal(err)
	}
	return h.reaches(id, process.Migrated)
}

func (h *house) undoes(id string) process.Migration {
	h.t.Helper()
	if err := h.engine.UndoMigration(h.t.Context(), h.operates(access.Change, ""), id); err != nil {
		h.t.Fatal(err)
	}
	return h.reaches(id, process.Undone)
}

func (h *house) became(id, state string) []process.MigratedInstance {
	h.t.Helper()
	list, err := h.engine.MigratedInstances(h.t.Context(), h.operates(access.Read, ""), id, state, "", 100)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// dump is all that the office keeps of instances, but for their revisions and history.
func (h *house) dump() string {
	h.t.Helper()
	var out []string
	for _, q := range []string{
		"SELECT id || version || model || process || status || state FROM process_instance ORDER BY id",
		"SELECT id || version || office || element || name || form || roles || properties || assignee || state || CAST(priority AS TEXT) || CAST(due_at AS TEXT) FROM process_task ORDER BY id",
		"SELECT instance_id || token || name || key || CAST(created_at AS TEXT) FROM process_subscription ORDER BY instance_id, token",
		"SELECT instance_id || token || name FROM process_signal ORDER BY instance_id, token",
		"SELECT instance_id || token || element || CAST(resolved_at AS TEXT) FROM process_incident ORDER BY id",
		"SELECT office || word || task_id FROM process_word ORDER BY office, word, task_id",
		"SELECT key || args || CAST(due_at AS TEXT) FROM job_task WHERE key IS NOT NULL AND kind <> 'process.migrate' ORDER BY key",
	} {
		list, err := store.All(h.t.Context(), h.db, func(s store.Scanner) (string, error) {
			var line string
			return line, s.Scan(&line)
		}, "-- test\n"+q)
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, list...)
	}
	return strings.Join(out, "\n")
}

// sameBut compares two dumps; the last number of a token may have risen.
func sameBut(t *testing.T, before, after string) {
	t.Helper()
	cut := func(s string) []string {
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			if at := strings.Index(l, `"seq":`); at >= 0 {
				end := strings.IndexByte(l[at:], ',')
				lines[i] = l[:at] + l[at+end:]
			}
		}
		return lines
	}
	a, b := cut(before), cut(after)
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("line %d differs:\n%s\n%s", i, strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
	}
}

func TestMigration(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		review, paid := h.start("c1", "manual"), h.start("c2", "granted")
		h.pass(time.Hour)
		before := h.dump()
		m := h.rehearse(h.plan(permit2))
		if h.dump() != before {
			t.Fatal("a rehearsal changed something")
		}
		if m.Seen != 2 || m.Problems != 0 || len(m.Report.Groups) != 2 || m.Report.More != 0 || m.By != "Olga Betrieb" {
			t.Fatalf("rehearsal %+v", m)
		}
		byPlace := map[string]process.Group{}
		for _, g := range m.Report.Groups {
			byPlace[fmt.Sprint(g.Before)] = g
		}
		g := byPlace["[review]"]
		if fmt.Sprint(g.After, g.N, g.Samples, g.Changes) != fmt.Sprintf("[review] 1 [%s] [{task review form due  1} {disarmed remind remind  1}]", review) {
			t.Fatalf("review: %+v", g)
		}
		if g = byPlace["[paid]"]; fmt.Sprint(g.After, g.N, g.Samples, g.Changes) != fmt.Sprintf("[paid] 1 [%s] [{timer-kept unpaid duration P30D duration P14D 1} {armed off  off 1}]", paid) {
			t.Fatalf("paid: %+v", g)
		}

		m = h.migrates(m.ID)
		if m.Done != 2 || m.Problems != 0 || len(h.became(m.ID, "migrated")) != 2 {
			t.Fatalf("migrated %+v", m)
		}
		d := h.inspect("c1", review)
		if d.Version != "v2" || d.Instance.Model.Hash != m.ToModel || d.Steps[len(d.Steps)-1].Event != "Migrate" || d.Steps[len(d.Steps)-1].ActorID != "operator-1" {
			t.Fatalf("instance %+v", d)
		}
		task := h.worklist(accesstest.Clerk("32"), process.Filter{})[0]
		if task.Form != "decision2" || task.Version != "v2" || !task.Due.Equal(task.Created.AddDate(0, 0, 10)) {
			t.Fatalf("task %+v", task)
		}
		if found := h.worklist(accesstest.Clerk("32"), process.Filter{Search: "müller"}); len(found) != 1 {
			t.Fatal("the task isn't found by its words any more")
		}

		// Back: everything is as it was, the reminder is due when it was due.
		m = h.undoes(m.ID)
		if m.Undone != 2 || len(h.became(m.ID, "undone")) != 2 {
			t.Fatalf("undone %+v", m)
		}
		sameBut(t, before, h.dump())
		if d = h.inspect("c1", review); d.Steps[len(d.Steps)-1].Event != "UndoMigration" || d.Version != "v1" {
			t.Fatalf("instance %+v", d)
		}
		h.pass(23 * time.Hour)
		h.until("reminded", func() bool { return slices.Contains(h.milestones, "Reminded") })
		h.message("c2")
		h.until("completed", func() bool { return h.completed == 1 })
	})
}

func TestMigrationGoesOnInTheNewVersion(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.start("c1", "manual")
		h.start("c2", "granted")
		h.start("c3", "granted")
		m := h.migrates(h.rehearse(h.plan(permit2)).ID)
		// One is called off by the message that only the new version knows.
		h.write(func(tx *store.Tx) error { return h.engine.Message(t.Context(), tx, "payment.off", "c2", nil) })
		if v := h.view("c2"); v.Status != bpmn.Completed || !slices.Contains(v.Done, "given_up") {
			t.Fatalf("%s, done %v", v.Status, v.Done)
		}
		h.message("c3")
		h.until("completed", func() bool { return h.completed == 2 })
		// Nobody is reminded any more.
		h.pass(49 * time.Hour)
		time.Sleep(100 * time.Millisecond)
		h.mu.Lock()
		if slices.Contains(h.milestones, "Reminded") {
			t.Error("a timer of the old version has fired")
		}
		h.mu.Unlock()
		// Only the one that hasn't moved is put back.
		m = h.undoes(m.ID)
		kept := h.became(m.ID, "kept")
		if m.Undone != 1 || len(kept) != 2 || kept[0].Problems[0].Rule != "moved" {
			t.Fatalf("undone %d, kept %+v", m.Undone, kept)
		}
		if v := h.view("c1"); v.Version != "v1" || fmt.Sprint(v.Active) != "[review]" {
			t.Fatalf("%s %v", v.Version, v.Active)
		}
		wantFault(t, h.engine.UndoMigration(t.Context(), h.operates(access.Change, ""), m.ID), fault.Conflict, "process.notNow")
	})
}

// A clerk who has the task keeps it, there and back.
func TestMigrationLeavesTasksToWhoHasThem(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.start("c1", "manual")
		clerk := accesstest.Clerk("32")
		task := h.worklist(clerk, process.Filter{})[0]
		if _, err := h.engine.Claim(t.Context(), h.grant(clerk, access.Change), task.ID); err != nil {
			t.Fatal(err)
		}
		m := h.migrates(h.rehearse(h.plan(permit2)).ID)
		// What the clerk has on the screen is the old form.
		decide := h.grant(clerk, access.Decide)
		err := h.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.engine.Complete(t.Context(), tx, decide, task.ID, task.Revision+1, map[string]any{"outcome": "granted"})
			return err
		})
		wantFault(t, err, fault.Conflict, "")
		h.undoes(m.ID)
		if mine := h.worklist(clerk, process.Filter{Mine: true}); len(mine) != 1 || mine[0].Form != "decision" {
			t.Fatalf("%+v", mine)
		}
	})
}

func TestMigrationProblems(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.start("c1", "manual")
		h.start("c2", "granted")
		// In this version the review is called otherwise.
		renamed := strings.NewReplacer(`id="review"`, `id="check"`, `Ref="review"`, `Ref="check"`).Replace(permit2)
		before := h.dump()
		m := h.rehearse(h.plan(renamed))
		if m.Seen != 2 || m.Problems != 1 {
			t.Fatalf("rehearsal %+v", m)
		}
		at := slices.IndexFunc(m.Report.Groups, func(g process.Group) bool { return len(g.Problems) > 0 })
		if p := m.Report.Groups[at].Problems[0]; p.Rule != "gone" || p.Element != "review" || m.Report.Groups[at].After != nil {
			t.Fatalf("problem %+v", p)
		}
		// Run all the same: what can't be taken over stays what it is.
		m = h.migrates(m.ID)
		if m.Done != 1 || m.Problems != 1 || h.view("c1").Version != "v1" || h.view("c2").Version != "v2" {
			t.Fatalf("migrated %+v", m)
		}
		if list := h.became(m.ID, "problem"); len(list) != 1 || list[0].Problems[0].Rule != "gone" {
			t.Fatalf("%+v", list)
		}
		m = h.undoes(m.ID)
		sameBut(t, before, h.dump())

		// With a mapping it goes.
		p := h.plan(renamed)
		p.Map = map[string]string{"review": "check"}
		m = h.migrates(h.rehearse(p).ID)
		if m.Done != 2 || m.Problems != 0 {
			t.Fatalf("migrated %+v", m)
		}
		h.at("c1", "check")
		if task := h.worklist(accesstest.Clerk("32"), process.Filter{})[0]; task.Element != "check" {
			t.Fatalf("task %+v", task)
		}

		versions, err := h.engine.VersionsRunning(t.Context(), h.operates(access.Read, ""), "permit")
		if err != nil || len(versions) != 1 || versions[0].Version != "v2" || versions[0].N != 2 {
			t.Fatalf("%v %+v", err, versions)
		}
		diff, err := h.engine.Compare(t.Context(), h.operates(access.Read, ""), versions[0], process.MigrationPlan{To: h.def, Migration: bpmn.Migration{Map: map[string]string{"check": "review"}}})
		if err != nil || !slices.ContainsFunc(diff, func(d bpmn.Difference) bool { return d.Element == "" && d.To == "remind" }) {
			t.Fatalf("%v %+v", err, diff)
		}
	})
}

func TestMigrationRefusals(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		g := h.operates(access.Change, "")
		bad := func(key string, change func(p *process.MigrationPlan)) {
			t.Helper()
			p := h.plan(permit2)
			change(&p)
			_, err := h.engine.Rehearse(t.Context(), g, p)
			wantFault(t, err, fault.Invalid, key)
		}
		bad("process.needReason", func(p *process.MigrationPlan) { p.Reason = "" })
		bad("process.noTarget", func(p *process.MigrationPlan) { p.Service = "" })
		bad("process.noTarget", func(p *process.MigrationPlan) { p.To = nil })
		bad("process.noTarget", func(p *process.MigrationPlan) { p.ToProcess = "other" })
		bad("process.mapTarget", func(p *process.MigrationPlan) { p.Map = map[string]string{"review": "nowhere"} })
		if _, err := h.engine.Rehearse(t.Context(), h.operates(access.Read, ""), h.plan(permit2)); !fault.Is(err, fault.Internal) {
			t.Fatalf("a grant to read rehearsed: %v", err)
		}
		m := h.rehearse(h.plan(permit2))
		wantFault(t, h.engine.UndoMigration(t.Context(), g, m.ID), fault.Conflict, "process.notNow")
		wantFault(t, h.engine.RunMigration(t.Context(), g, "nowhere"), fault.NotFound, "")
		if err := h.engine.RunMigration(t.Context(), h.grant(operator(), access.Change), m.ID); !fault.Is(err, fault.Internal) {
			t.Fatalf("a grant for tasks ran a migration: %v", err)
		}
	})
}

// Several batches: each instance is taken over exactly once, and put back.
func TestMigrationInBatches(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		const n = 230
		for i := range n {
			zone := "manual"
			if i%3 == 0 {
				zone = "granted"
			}
			h.start(fmt.Sprintf("c%d", i), zone)
		}
		before := h.dump()
		m := h.rehearse(h.plan(permit2))
		total := 0
		for _, g := range m.Report.Groups {
			total += g.N
		}
		if m.Seen != n || total != n || len(m.Report.Groups) != 2 {
			t.Fatalf("rehearsal: %d seen, %d in %d groups", m.Seen, total, len(m.Report.Groups))
		}
		if m = h.migrates(m.ID); m.Done != n || m.Problems != 0 {
			t.Fatalf("%d done, %d problems", m.Done, m.Problems)
		}
		var left int
		if err := h.db.QueryRow(t.Context(), "SELECT count(*) FROM process_instance WHERE version <> 'v2'").Scan(&left); err != nil || left != 0 {
			t.Fatalf("%v: %d were left", err, left)
		}
		if m = h.undoes(m.ID); m.Undone != n {
			t.Fatalf("%d undone", m.Undone)
		}
		sameBut(t, before, h.dump())
	})
}

// A migration that lets a process go on at once can't be undone for it, and one whose
// handler fails leaves it what it was.
func TestMigrationThatGoesOnAtOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.start("c1", "granted")
		h.message("c9") // for the case below, in the new version under another key
		// In the new version the message has the key "c9": it has come already.
		other := strings.Replace(permit, `correlationKey="=case.id"`, `correlationKey="c9"`, 1)
		m := h.migrates(h.rehearse(h.plan(other)).ID)
		if m.Done != 1 {
			t.Fatalf("%+v", m)
		}
		h.until("completed", func() bool { return h.completed == 1 })
		m = h.undoes(m.ID)
		if kept := h.became(m.ID, "kept"); m.Undone != 0 || len(kept) != 1 || kept[0].Problems[0].Rule != "went-on" {
			t.Fatalf("%+v", kept)
		}
	})
}

// What is kept for an undo holds no data of the case.
func TestMigrationKeepsNoData(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.start("c1", "manual")
		m := h.migrates(h.rehearse(h.plan(permit2)).ID)
		var kept, report string
		if err := h.db.QueryRow(t.Context(), "SELECT before FROM process_migrated WHERE migration_id = $1", m.ID).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if err := h.db.QueryRow(t.Context(), "SELECT report FROM process_migration WHERE id = $1", m.ID).Scan(&report); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{kept, report} {
			if !json.Valid([]byte(text)) || strings.Contains(text, "Müller") || strings.Contains(text, `"manual"`) || strings.Contains(text, "eligibility") {
				t.Fatalf("%s", text)
			}
		}
	})
}
