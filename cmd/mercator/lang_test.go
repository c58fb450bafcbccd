// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
)

// command runs mercator as an author does.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFEELCommand(t *testing.T) {
	data := file(t, "data.json", `{"total amount": 12.50, "rows": [{"a-b": 1}, {"a-b": 3}], "since": "2026-01-31", "date": 7}`)
	for _, c := range []struct {
		args   []string
		stdout string
	}{
		{[]string{`1 / 3`}, "0.3333333333333333333333333333333333"},
		{[]string{`-1 + 2`}, "1"},
		{[]string{`--context`, data, `total amount * 2`}, "25.00"},
		{[]string{`rows[a-b > 1]`, "--context=" + data}, `[{"a-b":3}]`},
		{[]string{`date(since) + @"P1M"`, "--context", data}, `"2026-02-28"`},
		{[]string{`{b: 1.10, a: @"P1Y2M", t: @"10:00:00Z", r: [1..2)}`}, `{"b":1.10,"a":"P1Y2M","t":"10:00:00Z","r":"[1..2)"}`},
		{[]string{`"a" + 1`}, "null"},
		{[]string{`--context`, data, `--`, `-1 - 1`}, "-2"},
		{[]string{`a.b`, `--context`, file(t, "bom.json", "\ufeff{\"a\": {\"b\": \"b\"}, \"b\": [{\"a\": 1}, {\"a\": 2}]}")}, `"b"`},
		{[]string{`nonsense(1)`}, "null"},
		{[]string{`9999999999999999999999999999999999 + 1`}, "10000000000000000000000000000000000"},
	} {
		code, out, err := command(t, append([]string{"feel"}, c.args...)...)
		if code != 0 || out != c.stdout+"\n" || err != "" {
			t.Errorf("%v: %d %q %q, want %q", c.args, code, out, err, c.stdout)
		}
	}
	if code, out, err := command(t, "feel", `if x then`); code != 1 || out != "" || !strings.Contains(err, "expression:1:10: the expression ends too early") || !strings.Contains(err, "\n             ^") {
		t.Errorf("%d %q %q", code, out, err)
	}
	if code, out, err := command(t, "feel", "--explain", `1 / 0`); code != 0 || out != "null\n" || !strings.Contains(err, "1:1: null: division by zero") {
		t.Errorf("%d %q %q", code, out, err)
	}
	for text, want := range map[string]string{
		`{"a": 1, "b": [{"c": 1, "d": {"c": 2}, "c": 3}]}`: `the name "c" is there twice`, `{"a": [1e9999]}`: "the number 1e9999 doesn't fit", "{\"a\": \"\xff\"}": "isn't UTF-8",
		`[1]`: "want a JSON object of variables", ``: "want a JSON object of variables", `{"a": 1} 2`: "something follows", `{"a" 1}`: "want a JSON object: invalid character '1'",
	} {
		if code, out, err := command(t, "feel", "a", "--context", file(t, "bad.json", text)); code != 1 || out != "" || !strings.Contains(err, want) {
			t.Errorf("%s: %d %q %q, want %s", text, code, out, err, want)
		}
	}
	for _, bad := range [][]string{{"feel"}, {"feel", "1", "2"}, {"feel", "1", "--context", "nothing.json"}, {"feel", "1", "--context", file(t, "l.json", "[1]")}} {
		if code, _, err := command(t, bad...); code == 0 || err == "" {
			t.Errorf("%v: %d %q", bad, code, err)
		}
	}
}

func TestDMNCommand(t *testing.T) {
	const fee = "../../content/services/resident-parking-permit/fee.dmn"
	data := file(t, "data.json", `{"application": {"months": "12"}}`)
	if code, out, err := command(t, "dmn", "eval", fee, "--input", data); code != 0 || out != "{\"cents\":3070,\"label\":\"Bewohnerparkausweis 12 Monate\"}\n" || err != "" {
		t.Errorf("%d %q %q", code, out, err)
	}
	for lang, want := range map[string]string{"de": "Rechtsgrundlage: Nummer 265 der Anlage zu § 1 GebOSt", "en": "Legal basis: Nummer 265", "tr": "Yasal dayanak: Nummer 265"} {
		if code, out, _ := command(t, "dmn", "eval", fee, "--input", data, "--explain", "--lang", lang); code != 0 || !strings.Contains(out, want) || !strings.Contains(out, "6") {
			t.Errorf("%s: %d %q", lang, code, out)
		}
	}
	if code, out, _ := command(t, "dmn", "check", fee); code != 0 || out != fee+": ok\n" {
		t.Errorf("%d %q", code, out)
	}
	b, err := os.ReadFile(fee)
	if err != nil {
		t.Fatal(err)
	}
	bad := file(t, "fee.dmn", strings.NewReplacer("<text>12</text>", "<text>6, 12</text>", "<text>6140</text>", `<text>nummer("6140")</text>`).Replace(string(b)))
	if code, out, _ := command(t, "dmn", "check", bad); code != 1 || !strings.Contains(out, "both match Monate = 6") || !strings.Contains(out, "there is no function “nummer”: expected “number”") {
		t.Errorf("%d %q", code, out)
	}
	if code, out, _ := command(t, "dmn", "check", fee, "--annotations", "law, reviewed"); code != 1 || !strings.Contains(out, `has no annotation "reviewed"`) || strings.Contains(out, `annotation "law"`) {
		t.Errorf("%d %q", code, out)
	}
	if _, _, err := command(t, "dmn", "eval", fee, "--decision", "nothing"); !strings.Contains(err, "it has “") {
		t.Errorf("%q", err)
	}
	for _, args := range [][]string{{"dmn", "eval", "nothing.dmn"}, {"dmn", "eval", fee, "--decision", "nothing"}, {"dmn", "tck", t.TempDir()}, {"dmn"}} {
		if code, _, err := command(t, args...); code == 0 || err == "" {
			t.Errorf("%v: %d %q", args, code, err)
		}
	}
}

func TestTCKCommand(t *testing.T) {
	dir := suites.Dir(t, "dmn_tck", "TestCases", "compliance-level-2")
	if code, out, err := command(t, "dmn", "tck", dir); code != 0 || !strings.HasSuffix(out, "level 2: 63 of 63\n") || err != "" {
		t.Errorf("%d %q %q", code, out, err)
	}
}

func TestBPMNCommands(t *testing.T) {
	permit := filepath.Join("..", "..", "content", "services", "resident-parking-permit", "process.bpmn")
	bad := file(t, "bad.bpmn", `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="true"><startEvent id="s"/><transaction id="t"/></process></definitions>`)
	code, out, err := command(t, "bpmn", "check", permit, bad)
	if code != 1 || !strings.Contains(out, permit+": ok\n") || !strings.Contains(out, bad+":1:") || !strings.Contains(out, `<transaction> "t" is not executed`) {
		t.Errorf("check: %d %s %s", code, out, err)
	}

	dir := t.TempDir()
	const sound = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="true"><startEvent id="s"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/></process></definitions>`
	for name, text := range map[string]string{
		"a.bpmn": sound, "b/c.bpmn20.xml": sound, "b/d.xml": "<!-- a model -->" + sound, "b/e.bpmn2": sound, "b/f.txt": sound, "b/pom.xml": "<project/>",
		"g.bpmn": strings.ReplaceAll(sound, "startEvent", "transaction"), "h.BPMN": "<definitions/>",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, err = command(t, "bpmn", "check", dir)
	if code != 1 || err == "" || strings.Count(out, ": ok\n") != 4 || strings.Count(out, "\n") != 7 || !strings.HasSuffix(out, "\n6 files: 4 ok, 2 refused\n") || !strings.Contains(out, "(and 1 more)") {
		t.Errorf("check of a folder: %d %s %s", code, out, err)
	}
	if code, out, err = command(t, "bpmn", "check", filepath.Join(dir, "b")); code != 0 || err != "" || !strings.HasSuffix(out, "\n3 files: 3 ok, 0 refused\n") {
		t.Errorf("check of a folder without mistakes: %d %s %s", code, out, err)
	}
	if code, _, err = command(t, "bpmn", "check", t.TempDir()); code != 1 || !strings.Contains(err, "holds no model") {
		t.Errorf("check of an empty folder: %d %s", code, err)
	}

	data := file(t, "vars.json", `{"application": {"months": 12}, "registers": {"person": {"address_zone": "NN"}}, "case": {"id": "c1", "opened_on": "2026-12-01"}}`)
	answers := file(t, "answers.json", `{"find_zone": {"record": {"zone": "NN"}}, "review": {"outcome": "refused"}}`)
	args := []string{"bpmn", "simulate", permit, "--context", data, "--answers", answers, "--at", "2026-12-01T09:00:00Z"}
	code, out, err = command(t, args...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || err != "" || !strings.HasPrefix(lines[0], `{"step":1,"at":"2026-12-01T09:00:00Z","event":{"what":"Start","element":"start"`) ||
		!strings.HasPrefix(lines[len(lines)-1], `{"outcome":"completed"`) || !strings.Contains(out, `"outcome":"refused"`) {
		t.Errorf("simulate: %d %s %s", code, out, err)
	}
	if _, again, _ := command(t, args...); again != out {
		t.Error("the same input gives another run")
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{permit, "--answers", file(t, "a.json", `{"nowhere": {}}`)}, `"nowhere"`},
		{[]string{permit, "--answers", file(t, "a.json", `{`)}, "JSON"},
		{[]string{permit, "--process", "nothing"}, `no process "nothing"`},
		{[]string{permit, "--at", "soon"}, "--at"},
		{[]string{bad}, "transaction"},
		{[]string{"missing.bpmn"}, "no such file"},
	} {
		code, _, err := command(t, append([]string{"bpmn", "simulate"}, c.args...)...)
		if code != 1 || !strings.Contains(err, c.says) {
			t.Errorf("%v: %d %s, want %q", c.args, code, err, c.says)
		}
	}
}
