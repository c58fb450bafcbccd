// SPDX-License-Identifier: EUPL-1.2

package bpmn_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mercator/internal/suites"
	"mercator/lang/bpmn"
	"mercator/lang/bpmn/play"
)

// The verdicts on foreign models that were judged one by one stay as they are.
func TestForeign(t *testing.T) {
	list, err := os.ReadFile("testdata/foreign.txt")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	refused, loads := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			t.Fatalf("want three columns: %q", line)
		}
		suite, name, _ := strings.Cut(f[0], "/")
		data, err := os.ReadFile(filepath.Join(suites.Dir(t, suite), name))
		if err != nil {
			t.Fatal(err)
		}
		d, err := bpmn.Parse(name, data)
		switch verdict, why := f[1], f[2]; verdict {
		case "refused":
			refused[f[0]] = true
			var all bpmn.Findings
			if !errors.As(err, &all) {
				t.Errorf("%s loads, want refused: %s", f[0], why)
				continue
			}
			found := false
			for _, x := range all {
				found = found || strings.HasPrefix(x.Rule+": "+quoted.ReplaceAllString(x.Text, "Q"), why)
			}
			if !found {
				t.Errorf("%s: want %s, got\n%v", f[0], why, all)
			}
		case "loads":
			loads[f[0]] = true
			if err != nil {
				t.Errorf("%s is refused: %v", f[0], err)
				continue
			}
			runs := []string{}
			for _, p := range d.Processes {
				if p.Executable {
					runs = append(runs, played(d, p))
				}
			}
			if len(runs) == 0 {
				runs = append(runs, "a drawing")
			}
			found := false
			for _, x := range runs {
				found = found || strings.HasPrefix(x, why)
			}
			if !found {
				t.Errorf("%s: want %s, got\n%s", f[0], why, strings.Join(runs, "\n"))
			}
		default:
			t.Fatalf("verdict %q", verdict)
		}
	}
	if len(refused) < 120 || len(loads) < 30 {
		t.Errorf("%d refused and %d loaded are pinned", len(refused), len(loads))
	}
}

// played is how a process runs without data.
func played(d *bpmn.Definitions, p *bpmn.Process) string {
	linked, err := p.Link(func(id string) *bpmn.Process { called, _ := d.Process(id); return called })
	if err != nil {
		return p.ID + " calls another file"
	}
	var trace []string
	out, err := play.Run(linked, nil, play.Options{Steps: 300}, func(s play.Step) error {
		for _, x := range s.Did {
			switch x.What {
			case "Entered":
				trace = append(trace, x.Element)
			case "Cancelled":
				trace = append(trace, "-"+x.Element)
			}
		}
		return nil
	})
	if err != nil {
		return p.ID + " " + err.Error()
	}
	return fmt.Sprintf("%s %s: %s", p.ID, out.Outcome, strings.Join(trace, " "))
}
