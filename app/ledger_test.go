// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"io/fs"
	"log/slog"
	"slices"
	"testing"
	"testing/fstest"

	"mercator/content"
	"mercator/core/audit"
)

// What the rules of this city let people see of the ledger.
func TestDisclosure(t *testing.T) {
	policies, err := fs.Sub(content.FS, "policies")
	if err != nil {
		t.Fatal(err)
	}
	show, err := loadDisclosure(policies, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		about                 string
		kind, action, purpose string
		hidden                bool
		see, notSee           []string
	}{
		{"work on a case", "clerk", "read", "case work", false, []string{"at", "purpose", "office", "action", "resource", "basis", "case"}, []string{"actor", "actor_name", "subject", "rule"}},
		{"a decision", "clerk", "decide", "resident-parking-permit", false, []string{"actor_name", "office"}, []string{"actor", "subject"}},
		{"a list", "clerk", "list", "case work", false, []string{"purpose", "office"}, []string{"case", "actor_name"}},
		{"another system", "machine", "read", "case work", false, []string{"actor_name", "office"}, []string{"subject"}},
		{"another resident", "resident", "read", "own data", false, []string{"purpose", "action"}, []string{"actor", "actor_name", "office", "case"}},
		{"the platform", "system", "change", "case work", false, []string{"purpose", "action"}, []string{"actor"}},
		{"an investigation", "clerk", "read", "investigation", true, nil, nil},
		{"an investigation by a system", "machine", "read", "investigation", true, nil, nil},
		{"a decision for an investigation", "clerk", "decide", "hazard prevention", true, nil, nil},
		{"a child in danger", "clerk", "list", "child protection", true, nil, nil},
		{"what no rule knows", "visitor", "look", "something", false, []string{"at", "purpose"}, []string{"actor", "actor_name", "subject"}},
	} {
		e := audit.Entry{ActorKind: c.kind, Action: c.action, Purpose: c.purpose, ActorID: "id", ActorName: "name", Office: "32", Case: "case"}
		d := show(e)
		if d.Hidden != c.hidden {
			t.Errorf("%s: hidden %v, want %v", c.about, d.Hidden, c.hidden)
		}
		for _, f := range c.see {
			if !d.Shows(f) {
				t.Errorf("%s: %s isn't shown", c.about, f)
			}
		}
		for _, f := range c.notSee {
			if d.Shows(f) {
				t.Errorf("%s: %s is shown", c.about, f)
			}
		}
		if out := d.Apply(e); (out.ActorName != "") != slices.Contains(d.Fields, "actor_name") || out.Purpose != c.purpose || out.ActorID != "" {
			t.Errorf("%s: %+v", c.about, out)
		}
	}
	for name, text := range map[string]string{"": "", "no rules": `<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="x" namespace="x"/>`} {
		folder := fstest.MapFS{}
		if name != "" {
			folder["disclosure.dmn"] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := loadDisclosure(folder, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q: rules that can't be read are left out", name)
		}
	}
}
