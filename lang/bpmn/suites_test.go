// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
	"time"
)

// Every model from outside either loads, or is refused with a place and a reason; none panics.
// What loads is checked, drawn and started.
func TestSuites(t *testing.T) {
	for _, name := range []string{"bpmn_miwg", "bpmn_exec"} {
		t.Run(name, func(t *testing.T) {
			dir := suites.Dir(t, name)
			loads, refused, runs := 0, 0, 0
			rules := map[string]int{}
			filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					t.Fatal(err)
				}
				ext := filepath.Ext(path)
				if d.IsDir() || ext != ".bpmn" && ext != ".bpmn2" && ext != ".xml" {
					return nil
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				defs, err := Parse(filepath.Base(path), data)
				if err != nil {
					refused++
					var all Findings
					if !errors.As(err, &all) || len(all) == 0 {
						t.Fatalf("%s: refused without a reason: %v", path, err)
					}
					for _, f := range all {
						if f.Line < 1 || f.Col < 1 || f.Text == "" || f.Rule == "" {
							t.Errorf("%s: a finding without a place or a reason: %+v", path, f)
						}
					}
					rules[all[0].Rule]++
					if testing.Verbose() {
						t.Logf("%s: %s", strings.TrimPrefix(path, dir), all[0])
					}
					return nil
				}
				loads++
				Check(defs, Known{})
				for _, p := range defs.Processes {
					if svg := SVG(defs, p.ID, Drawing{}); !strings.HasPrefix(string(svg), "<svg ") {
						t.Errorf("%s: %s isn't drawn", path, p.ID)
					}
					if !p.Executable || p.start(nil) == nil {
						continue
					}
					s, _, err := Step(p, State{}, time.Unix(0, 0).UTC(), Start{})
					if err != nil {
						t.Errorf("%s: %v", path, err)
					}
					if s.Status != Running && s.Status != Completed {
						t.Errorf("%s: status %q", path, s.Status)
					}
					runs++
				}
				return nil
			})
			t.Logf("%s: %d load, %d refused (first reasons: %v), %d processes started", name, loads, refused, rules, runs)
			if loads == 0 {
				t.Fatal("no model loaded")
			}
		})
	}
}
