// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/core/ledger"
	"mercator/domain/oversight"
)

// exporter is a house with people, and the command beside it.
type exporter struct {
	*House
	t    *testing.T
	conf string
	dir  string
}

func newExporter(t *testing.T, dsn string) *exporter {
	t.Helper()
	dir := t.TempDir()
	h := testHouseOn(t, dir, "", dsn)
	t.Cleanup(func() { h.Close() })
	if _, err := h.loadSample(t.Context(), 8, time.Now(), io.Discard); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EXPORT_TEST_SECRET", "test-test-test-test-test-test-test")
	database := ""
	if dsn != "" {
		t.Setenv("EXPORT_TEST_DSN", dsn)
		database = "[database]\nengine = \"postgres\"\ndsn = { env = \"EXPORT_TEST_DSN\" }\n"
	}
	conf := filepath.Join(t.TempDir(), "mercator.toml")
	text := fmt.Sprintf("[server]\npublic_url = \"https://service.city.example\"\n[data]\ndir = %q\n%s[identity]\nissuer = \"http://127.0.0.1:1\"\nclient_id = \"x\"\nclient_secret = { env = \"EXPORT_TEST_SECRET\" }\n"+
		"[payment]\nendpoint = \"http://127.0.0.1:1\"\ntoken = { env = \"EXPORT_TEST_SECRET\" }\ncallback_secret = { env = \"EXPORT_TEST_SECRET\" }\n", dir, database)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &exporter{h, t, conf, t.TempDir()}
}

// export runs the command and gives its status, what it says, and how many lines the file has.
func (e *exporter) export(args ...string) (status int, says string, lines int) {
	e.t.Helper()
	file := filepath.Join(e.dir, "out.csv")
	os.Remove(file)
	var out bytes.Buffer
	status = RegisterCommand(context.Background(), append([]string{"export", "--config", e.conf, args[0], file}, args[1:]...), &out, &out)
	text, err := os.ReadFile(file)
	if err == nil {
		lines = bytes.Count(text, []byte("\n"))
	}
	return status, out.String(), lines
}

func (e *exporter) sign(name string, roles ...string) access.Actor {
	e.t.Helper()
	a, err := e.knownStaff(&identity.Directory{DB: e.db, Now: e.now})(e.t.Context(), identity.Claims{Issuer: "https://idp", Subject: name, GivenName: name, FamilyName: "X",
		Level: access.High, Roles: roles, Office: "32"})
	if err != nil {
		e.t.Fatal(err)
	}
	return a
}

// A register about persons leaves the house by the command as two people have agreed, once; or in an emergency that is reported.
func TestARegisterLeavesTheHouseWhenTwoHaveAgreed(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		e := newExporter(t, dsn)
		ctx := t.Context()
		status, says, lines := e.export("residents", "--purpose", "statistics", "--basis", "§ 6 StatG")
		if status != 1 || lines != 0 || !strings.Contains(says, "https://service.city.example/desk/approvals/new") || !strings.Contains(says, "--approval ID") {
			t.Errorf("without anybody: %d, %d lines\n%s", status, lines, says)
		}
		if status, says, lines = e.export("streets", "--purpose", "map", "--basis", "§ 3 EGovG"); status != 0 || lines < 2 {
			t.Errorf("a public register: %d\n%s", status, says)
		}
		if status, says, lines = e.export("staff", "--purpose", "map", "--basis", "§ 3 EGovG"); status != 0 || lines != len(e.city.Staff)+1 {
			t.Errorf("a register about nobody: %d\n%s", status, says)
		}
		if status, says, _ = e.export("staff", "--purpose", "map", "--basis", "§ 3 EGovG", "--fields", "id,person"); status != 1 || !strings.Contains(says, "two people") {
			t.Errorf("with who they are: %d\n%s", status, says)
		}

		head, second := e.sign("ingrid", "clerk", "head"), e.sign("maria", "clerk", "head")
		ask := access.Request{Actor: head, Action: access.Export, Resource: "register:residents", Purpose: "statistics", Basis: "§ 6 StatG", Office: "32", Fields: []string{"id", "street"}}
		if _, err := e.access.Permit(ctx, ask); !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		list, err := e.oversight.Approvals(ctx, head, "", 1)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		id := list[0].ID
		if status, says, lines = e.export("residents", "--approval", id); status != 1 || lines != 0 || !strings.Contains(says, "waits for a second") {
			t.Errorf("not approved yet: %d\n%s", status, says)
		}
		if err := e.oversight.RuleOn(ctx, second, id, true, "agreed"); err != nil {
			t.Fatal(err)
		}
		if status, says, lines = e.export("vehicles", "--approval", id); status != 1 || lines != 0 {
			t.Errorf("another register: %d\n%s", status, says)
		}
		if status, says, _ = e.export("residents", "--approval", id, "--fields", "id,birth_date"); status != 1 || !strings.Contains(says, "the approval says") {
			t.Errorf("other fields: %d\n%s", status, says)
		}
		e.sign("ingrid", "clerk") // she is no head any more
		if status, says, lines = e.export("residents", "--approval", id); status != 1 || lines != 0 {
			t.Errorf("for who may no more: %d\n%s", status, says)
		}
		e.sign("ingrid", "clerk", "head")
		if status, says, lines = e.export("residents", "--approval", id); status != 0 || lines < 9 {
			t.Errorf("approved: %d, %d lines\n%s", status, lines, says)
		}
		entries := e.entries(head.ID)
		if !strings.Contains(entries, "export register:residents permitted head-register-export approval:"+id) {
			t.Errorf("on record for her: %s", entries)
		}
		if status, says, lines = e.export("residents", "--approval", id); status != 1 || lines != 0 || !strings.Contains(says, "is used") {
			t.Errorf("a second time: %d\n%s", status, says)
		}
		if status, says, _ = e.export("residents", "--approval", "nonsense"); status != 1 || !strings.Contains(says, "no request") {
			t.Errorf("made up: %d\n%s", status, says)
		}
	})
}

func TestAnEmergencyExportIsReportedAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		e := newExporter(t, dsn)
		officer := access.Actor{Kind: access.Clerk, ID: "fatma", Name: "Fatma", Office: "30", Roles: []string{"auditor"}, Level: access.High}
		for _, args := range [][]string{{"residents", "--emergency", "fire"}, {"residents", "--emergency", " ", "--basis", "Art. 32 DSGVO"}, {"residents", "--emergency", "fire", "--basis", "§", "--approval", "x"}} {
			if status, says, lines := e.export(args...); status != 1 || lines != 0 {
				t.Errorf("%v: %d\n%s", args, status, says)
			}
		}
		findings := func() []oversight.Finding {
			list, err := e.oversight.Findings(t.Context(), officer, false, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		if list := findings(); len(list) != 0 {
			t.Errorf("found %+v", list)
		}
		status, says, lines := e.export("residents", "--emergency", "the data centre burns", "--basis", "Art. 32 DSGVO")
		if status != 0 || lines < 9 {
			t.Fatalf("%d, %d lines\n%s", status, lines, says)
		}
		list := findings()
		if len(list) != 1 || list[0].Rule != "glass" || list[0].Resource != "register:residents" || list[0].Purpose != "break-glass: the data centre burns" {
			t.Errorf("found %+v", list)
		}
	})
}

// entries are what the ledger has of an actor, the newest last.
func (e *exporter) entries(actor string) string {
	e.t.Helper()
	if _, err := e.ledger.Append(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
	leaves, err := (&audit.Ledger{DB: e.db, Keys: ledger.Keys(e.vault)}).Leaves(e.t.Context(), 0, 10000)
	if err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, l := range leaves {
		if x := l.Record.Entry; l.Record.Kind == audit.Access && x.ActorID == actor {
			out = append(out, strings.Join([]string{x.Action, x.Resource, string(x.Outcome), x.Rule}, " "))
		}
	}
	return strings.Join(out, "; ")
}
