// SPDX-License-Identifier: EUPL-1.2

package play

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/internal/suites"
	"mercator/lang/bpmn"
)

const dunning = `<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:message id="m" name="paid"><bpmn:extensionElements><zeebe:subscription correlationKey="=id"/></bpmn:extensionElements></bpmn:message>
<bpmn:error id="x" errorCode="unknown"/>
<bpmn:process id="dunning" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:serviceTask id="send"><bpmn:extensionElements><zeebe:taskDefinition type="letter"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:boundaryEvent id="moved" attachedToRef="send"><bpmn:errorEventDefinition errorRef="x"/></bpmn:boundaryEvent>
 <bpmn:businessRuleTask id="fee"><bpmn:extensionElements><zeebe:calledDecision decisionId="late_fee" resultVariable="fee"/></bpmn:extensionElements></bpmn:businessRuleTask>
 <bpmn:userTask id="wait"/>
 <bpmn:boundaryEvent id="late" attachedToRef="wait"><bpmn:timerEventDefinition><bpmn:timeDuration>P14D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:boundaryEvent id="paid" attachedToRef="wait"><bpmn:messageEventDefinition messageRef="m"/></bpmn:boundaryEvent>
 <bpmn:endEvent id="done"/><bpmn:endEvent id="enforce"/><bpmn:endEvent id="settled"/><bpmn:endEvent id="gone"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="send"/><bpmn:sequenceFlow id="f2" sourceRef="send" targetRef="fee"/>
 <bpmn:sequenceFlow id="f3" sourceRef="fee" targetRef="wait"/><bpmn:sequenceFlow id="f4" sourceRef="wait" targetRef="done"/>
 <bpmn:sequenceFlow id="f5" sourceRef="late" targetRef="enforce"/><bpmn:sequenceFlow id="f6" sourceRef="paid" targetRef="settled"/>
 <bpmn:sequenceFlow id="f7" sourceRef="moved" targetRef="gone"/>
</bpmn:process></bpmn:definitions>`

func TestRun(t *testing.T) {
	d, err := bpmn.Parse("dunning.bpmn", []byte(dunning))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	decide := func(_ time.Time, id string, _ map[string]any) (any, bool, error) { return 5.0, id == "late_fee", nil }
	for _, c := range []struct{ name, answers, outcome, at, end string }{
		{"everybody answers", `{}`, "completed", "2026-12-01", "done"},
		{"nobody does the task: the clock goes on", `{"wait": null}`, "completed", "2026-12-15", "enforce"},
		{"the message comes", `{"wait": null, "paid": {"cents": 500}}`, "completed", "2026-12-01", "settled"},
		{"an error of the work", `{"send": {"$error": "unknown"}}`, "completed", "2026-12-01", "gone"},
		{"work that fails", `{"send": {"$fail": "no paper"}}`, "incident", "2026-12-01", "send"},
		{"a list is used up", `{"send": []}`, "waiting", "2026-12-01", "send"},
		{"an answer to a decision", `{"fee": 7, "wait": null, "late": null}`, "waiting", "2026-12-01", "wait"},
		{"no answer to a decision", `{"fee": null}`, "waiting", "2026-12-01", "fee"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers, err := ReadAnswers([]byte(c.answers))
			if err != nil {
				t.Fatal(err)
			}
			last := ""
			run := func() (Outcome, string) {
				all := ""
				out, err := Run(d.Processes[0], map[string]any{"id": "k"}, Options{Answers: answers, Now: now, Decide: decide}, func(s Step) error {
					for _, x := range s.Did {
						if x.What == "Entered" {
							last = x.Element
						}
					}
					all += fmt.Sprint(s)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return out, all
			}
			out, all := run()
			if out.Outcome != c.outcome || out.At.Format(time.DateOnly) != c.at || last != c.end {
				t.Errorf("%s on %s at %s, want %+v", out.Outcome, out.At, last, c)
			}
			if _, again := run(); again != all {
				t.Error("the same input gives another run")
			}
		})
	}
	if out, err := Run(d.Processes[0], map[string]any{"id": "k"}, Options{Now: now}, func(Step) error { return nil }); err != nil || out.Outcome != "waiting" || out.Waiting[0].Element != "fee" {
		t.Errorf("without decisions: %+v %v", out, err)
	}
}

func TestAnswersThatCantBeRead(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{`[]`, "object"}, {`{} {}`, "follows"}, {`{"a": {"$error": 3}}`, "$error"}, {`{"a": {"$begin": "b"}}`, "$begin"}, {`{"a": {"$nothing": 1}}`, "$nothing"},
	} {
		if _, err := ReadAnswers([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	d, _ := bpmn.Parse("dunning.bpmn", []byte(dunning))
	if _, err := Run(d.Processes[0], nil, Options{Answers: Answers{"nowhere": {}}}, nil); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}

// Every model from outside that loads can be played; none panics, and each comes to an
// end, a wait, an incident, or its bound.
func TestSuites(t *testing.T) {
	tally := map[string]int{}
	for _, name := range []string{"bpmn_miwg", "bpmn_exec"} {
		err := filepath.WalkDir(suites.Dir(t, name), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.Contains(filepath.Ext(path), "bpmn") && filepath.Ext(path) != ".xml" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			d, err := bpmn.Parse(path, data)
			if err != nil {
				return nil
			}
			for _, p := range d.Processes {
				if !p.Executable {
					continue
				}
				linked, err := p.Link(func(id string) *bpmn.Process { p, _ := d.Process(id); return p })
				if err != nil {
					tally["calls another file"]++
					continue
				}
				out, err := Run(linked, nil, Options{Steps: 300}, func(Step) error { return nil })
				switch {
				case err == nil:
					tally[out.Outcome]++
				case strings.Contains(err.Error(), "no end after"):
					tally["goes on"]++
				default:
					t.Errorf("%s: %v", path, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Log(tally)
	if tally["completed"] == 0 {
		t.Error("none completes")
	}
}

// Whatever a model and its answers are, a run comes to an end that it can tell.
func FuzzRun(f *testing.F) {
	f.Add([]byte(dunning), []byte(`{"wait": null, "paid": {"cents": 500}, "fee": 3}`), []byte(`{"id": "k"}`))
	f.Add([]byte(dunning), []byte(`{"send": [{"$error": "unknown"}, {"$fail": "no paper"}]}`), []byte(`{"id": 1}`))
	f.Fuzz(func(t *testing.T, model, said, data []byte) {
		d, err := bpmn.Parse("fuzz.bpmn", model)
		if err != nil {
			return
		}
		answers, err := ReadAnswers(said)
		if err != nil {
			return
		}
		var vars map[string]any
		if json.Unmarshal(data, &vars) != nil {
			return
		}
		for _, p := range d.Processes {
			linked, err := p.Link(func(id string) *bpmn.Process { called, _ := d.Process(id); return called })
			if err != nil || !p.Executable {
				continue
			}
			for id := range answers {
				if linked.Element(id) == nil {
					delete(answers, id)
				}
			}
			now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
			out, err := Run(linked, vars, Options{Answers: answers, Now: now, Steps: 50}, func(Step) error { return nil })
			if err == nil && out.Outcome == "" {
				t.Errorf("no outcome: %+v", out)
			}
		}
	})
}
