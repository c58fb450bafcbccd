// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestRefused(t *testing.T) {
	task := func(inner string) string {
		return `<bpmn:startEvent id="s"/>` + inner + flows("s>a")
	}
	for _, c := range []struct{ name, body, rule, says string }{
		{"service task without a type", task(`<bpmn:serviceTask id="a"/>`), "incomplete", "taskDefinition"},
		{"call activity", task(`<bpmn:callActivity id="a"/>`), "incomplete", "calls no process"},
		{"call of a version", task(`<bpmn:callActivity id="a"><bpmn:extensionElements><zeebe:calledElement processId="x" bindingType="versionTag" versionTag="2"/></bpmn:extensionElements></bpmn:callActivity>`), "unsupported", "in force"},
		{"call of what isn't fixed", task(`<bpmn:callActivity id="a"><bpmn:extensionElements><zeebe:calledElement processId="=x"/></bpmn:extensionElements></bpmn:callActivity>`), "unsupported", "fixed"},
		{"transaction", task(`<bpmn:transaction id="a"/>`), "unsupported", "transaction"},
		{"complex gateway", task(`<bpmn:complexGateway id="a"/>`), "unsupported", "complexGateway"},
		{"ad-hoc without activities", task(`<bpmn:adHocSubProcess id="a"/>`), "incomplete", "no activity"},
		{"ad-hoc with a start", task(`<bpmn:adHocSubProcess id="a"><bpmn:startEvent id="x"/><bpmn:task id="y"/></bpmn:adHocSubProcess>`), "incomplete", "can't have"},
		{"compensation without a handler", task(`<bpmn:task id="a"/><bpmn:boundaryEvent id="b" attachedToRef="a"><bpmn:compensateEventDefinition/></bpmn:boundaryEvent>`), "incomplete", "handler"},
		{"compensation of what has no handler", task(`<bpmn:task id="x"/><bpmn:endEvent id="a"><bpmn:compensateEventDefinition activityRef="x"/></bpmn:endEvent>`), "incomplete", "no compensation handler"},
		{"compensation of nothing", task(`<bpmn:endEvent id="a"><bpmn:compensateEventDefinition activityRef="x"/></bpmn:endEvent>`), "reference", "not an element"},
		{"compensation of the process", `<bpmn:startEvent id="s"/><bpmn:subProcess id="e" triggeredByEvent="true"><bpmn:startEvent id="x"><bpmn:compensateEventDefinition/></bpmn:startEvent></bpmn:subProcess>`, "incomplete", "only a sub-process"},
		{"a flow to a handler", task(`<bpmn:task id="a" isForCompensation="true"/>`), "incomplete", "no sequence flow"},
		{"no condition", task(`<bpmn:intermediateCatchEvent id="a"><bpmn:conditionalEventDefinition/></bpmn:intermediateCatchEvent>`), "incomplete", "condition"},
		{"signal without a name", task(`<bpmn:intermediateThrowEvent id="a"><bpmn:signalEventDefinition/></bpmn:intermediateThrowEvent>`), "incomplete", "signal"},
		{"several events", task(`<bpmn:intermediateCatchEvent id="a">` + onPaid + afterDay + `</bpmn:intermediateCatchEvent>`), "unsupported", "several"},
		{"loop without an end", task(`<bpmn:task id="a"><bpmn:standardLoopCharacteristics/></bpmn:task>`), "incomplete", "nothing ends it"},
		{"loop without a number", task(`<bpmn:task id="a"><bpmn:standardLoopCharacteristics loopMaximum="many"/></bpmn:task>`), "loop", "loopMaximum"},
		{"no start", `<bpmn:task id="a"/>`, "start", "no start event"},
		{"unknown target", `<bpmn:startEvent id="s"/>` + flows("s>nowhere"), "reference", "nowhere"},
		{"two of one id", `<bpmn:startEvent id="s"/><bpmn:task id="s"/>`, "duplicate-id", "already in line"},
		{"another language", task(`<bpmn:userTask id="a"><bpmn:extensionElements><zeebe:assignmentDefinition assignee="${x}"/></bpmn:extensionElements></bpmn:userTask>`), "expression", "FEEL"},
		{"condition without =", `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:task id="a"/>` + flows("s>g;g>a[x = 1]"), "expression", "begin with"},
		{"flow without condition", `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:task id="a"/><bpmn:task id="b"/>` + flows("s>g;g>a;g>b"), "condition", "no condition"},
		{"not a duration", task(`<bpmn:intermediateCatchEvent id="a"><bpmn:timerEventDefinition><bpmn:timeDuration>3 days</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>`), "timer", "3 days"},
		{"not FEEL", task(`<bpmn:scriptTask id="a"><bpmn:extensionElements><zeebe:script expression="=((" resultVariable="r"/></bpmn:extensionElements></bpmn:scriptTask>`), "feel", "FEEL"},
		{"unknown element", `<bpmn:startEvent id="s"/><bpmn:teleport id="a"/>`, "unsupported", "teleport"},
		{"unbound prefix", `<bpmn:startEvent id="s" foo:bar="1"/>`, "xml-prefix", "foo"},
		{"not well-formed", `<bpmn:startEvent id="s">`, "xml", "well-formed"},
		{"too deep", strings.Repeat(`<bpmn:x>`, 100), "too-deep", "64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.bpmn", model(c.body))
			var all Findings
			if !errors.As(err, &all) {
				t.Fatalf("loads, or %v", err)
			}
			for _, f := range all {
				if f.Rule == c.rule && strings.Contains(f.Text, c.says) && f.Line > 1 && f.Col > 0 && f.File == "x.bpmn" {
					return
				}
			}
			t.Errorf("got %v", err)
		})
	}
	for name, doc := range map[string]string{
		"empty":    "",
		"entities": `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`,
		"html":     "<html></html>",
		"binary":   "\x00\x01",
		"large":    "<x>" + strings.Repeat(" ", maxBytes) + "</x>",
		"million":  "<x>" + strings.Repeat("<y/>", 1_000_000) + "</x>",
	} {
		if _, err := Parse("x.bpmn", []byte(doc)); err == nil {
			t.Errorf("%s loads", name)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := Parse("x.bpmn", model("<bpmn:startEvent id=\"s\"/>\n<bpmn:serviceTask id=\"a\"/>\n<bpmn:transaction id=\"b\"/>\n"+flows("s>a;a>b")))
	if s := err.Error(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "x.bpmn:7:1:") || !strings.Contains(s, "x.bpmn:8:1:") {
		t.Error(s)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, body, rule, element string }{
		{"unreachable", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:task id="a"/>` + flows("s>e;a>e"), "unreachable", "a"},
		{"dead end", `<bpmn:startEvent id="s"/><bpmn:task id="a"/>` + flows("s>a"), "dead-end", "a"},
		{"no default", `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="a"/><bpmn:endEvent id="b"/>` + flows("s>g;g>a[=x = 1];g>b[=x = 2]"), "no-default", "g"},
		{"deadlock", `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="f1_g_a"/><bpmn:task id="a"/><bpmn:task id="b"/><bpmn:parallelGateway id="j"/><bpmn:endEvent id="e"/>` + flows("s>g;g>a;g>b[=x = 1];a>j;b>j;j>e"), "deadlock", "j"},
		{"twice", `<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/><bpmn:task id="a"/><bpmn:task id="b"/><bpmn:exclusiveGateway id="j"/><bpmn:task id="c"/><bpmn:endEvent id="e"/>` + flows("s>g;g>a;g>b;a>j;b>j;j>c;c>e"), "pile-up", "c"},
		{"endless", `<bpmn:startEvent id="s"/><bpmn:task id="a"/><bpmn:task id="b"/>` + flows("s>a;a>b;b>a"), "endless", "a"},
		{"loop", `<bpmn:startEvent id="s"/><bpmn:task id="a"/><bpmn:exclusiveGateway id="g" default="f2_g_a"/><bpmn:endEvent id="e"/>` + flows("s>a;a>g;g>a;g>e[=x = 1]"), "loop", "a"},
		{"unknown name", `<bpmn:startEvent id="s"/><bpmn:scriptTask id="a"><bpmn:extensionElements><zeebe:script expression="=aplication.name" resultVariable="r"/></bpmn:extensionElements></bpmn:scriptTask><bpmn:endEvent id="e"/>` + flows("s>a;a>e"), "unknown-name", "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse("x.bpmn", model(c.body))
			if err != nil {
				t.Fatal(err)
			}
			all := Check(d, Known{Names: []string{"application", "x"}})
			for _, f := range all {
				if f.Rule == c.rule && f.Element == c.element && f.Line > 0 {
					return
				}
			}
			t.Errorf("not found; got %v", all)
		})
	}
}

// The packages of the house load, are sound, and can be drawn.
func TestContent(t *testing.T) {
	files, err := filepath.Glob("../../content/services/*/*.bpmn")
	if err != nil || len(files) == 0 {
		t.Fatal("no packages", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(file, data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, f := range Check(d, Known{}) {
			t.Errorf("%s", f)
		}
		svg := string(SVG(d, "", Drawing{Active: []string{"start"}}))
		if !strings.Contains(svg, "bpmn-active") || !strings.Contains(svg, "<title") || strings.Contains(svg, "style=") {
			t.Error("the drawing lacks something")
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(model(`<bpmn:startEvent id="s"/>` + job("a") + flows("s>a")))
	f.Add([]byte("\xff\xfe<\x00"))
	f.Add(c7(`<startEvent id="s"/><userTask id="a" camunda:assignee="${x}"><multiInstanceLoopCharacteristics camunda:collection="l"/></userTask>` + c7flows("s>a")))
	f.Add(model(begin + throwing("a", onLink) + catching("b", onLink) + byEvent("x", starting("y", onLate, false)) + finish + flows("s>a;b>e")))
	f.Add(model(begin + `<bpmn:eventBasedGateway id="g"/>` + catching("a", onPaid) + catching("b", onStorm) + flows("s>g;g>a;g>b")))
	f.Add([]byte("<?xml version=\"1.0\" encoding=\"windows-1252\"?><definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\"><process id=\"p\" name=\"\x80\"/></definitions>"))
	files, _ := filepath.Glob("../../content/services/*/*.bpmn")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Sniff(data)
		d, err := Parse("fuzz.bpmn", data)
		if err != nil {
			var all Findings
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		Check(d, Known{Names: []string{"x"}})
		for _, p := range d.Processes {
			SVG(d, p.ID, Drawing{})
			if p.Executable && p.start(nil) != nil {
				if _, _, err := Step(p, State{}, epoch, Start{}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestOutline(t *testing.T) {
	p := load(t, `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="f1_g_a"/><bpmn:task id="a" name="Grant"/><bpmn:task id="b"/><bpmn:endEvent id="e"/>`+flows("s>g;g>a;g>b[=x = 1];a>e;b>e"))
	var got []string
	for _, l := range Outline(p, []string{"a"}, []string{"s", "g"}) {
		s := l.Name
		if l.Done {
			s += " done"
		}
		if l.Active {
			s += " active"
		}
		got = append(got, s+strings.Join(l.Next, "|"))
	}
	if s := strings.Join(got, ", "); s != "s done, g doneGrant|b, Grant active, e, b" {
		t.Error(s)
	}
}

// The packages of the house run to their ends, at once and over the desk.
func TestContentRuns(t *testing.T) {
	for _, c := range []struct {
		service, result, outcome, end string
	}{
		{"resident-parking-permit", "granted", "", "end_granted"},
		{"resident-parking-permit", "review", "granted", "end_granted"},
		{"resident-parking-permit", "review", "refused", "end_refused"},
		{"business-registration", "review", "granted", "end_granted"},
		{"business-registration", "review", "refused", "end_refused"},
	} {
		t.Run(c.service+" "+c.result+" "+c.outcome, func(t *testing.T) {
			file := "../../content/services/" + c.service + "/process.bpmn"
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(file, data)
			if err != nil {
				t.Fatal(err)
			}
			p, ok := d.Process(c.service)
			if !ok {
				t.Fatal("no process")
			}
			todo := []Event{Start{Vars: map[string]any{
				"application": map[string]any{"street": "Königstraße", "plate": "DU-AB 123", "zone": "A", "months": 12.0, "valid_from": "2026-03-01"},
				"registers":   map[string]any{}, "person": map[string]any{"id": "p1"}, "case": map[string]any{"id": "c1", "ref": "2026-ABCD-EFGH"},
			}}}
			s, last := State{}, ""
			for len(todo) > 0 {
				var cmds []Command
				if s, cmds, err = Step(p, s, epoch, todo[0]); err != nil {
					t.Fatal(err)
				}
				todo = todo[1:]
				for _, cmd := range cmds {
					switch cmd := cmd.(type) {
					case Left:
						last = cmd.Element
					case CreateJob:
						if cmd.Type == "document.issue" && c.service == "resident-parking-permit" && c.end == "end_granted" && cmd.Vars["valid_until"] != "2027-02-28" {
							t.Errorf("the permit holds until %v", cmd.Vars["valid_until"])
						}
						// What is written into the register stands in service.toml; the engine carries on what came of it.
						record := map[string]any{"valid_from": "2026-03-01", "valid_until": "2027-02-28"}
						todo = append(todo, JobDone{Token: cmd.Token, Vars: map[string]any{"record": record, "payment": "p1", "document": "d1"}})
					case Decide:
						todo = append(todo, Decided{Token: cmd.Token, Value: map[string]any{"result": c.result, "cents": 3000.0, "label": "Gebühr"}})
					case CreateUserTask:
						if _, err := DueAt(Date, cmd.Due, epoch); err != nil {
							t.Errorf("due: %v", err)
						}
						todo = append(todo, TaskDone{Token: cmd.Token, Vars: map[string]any{"outcome": c.outcome, "reason": "so", "zone": nil}})
					case Subscribe:
						if cmd.Message != "payment.paid" || cmd.Key != "c1" {
							t.Errorf("%+v", cmd)
						}
						todo = append(todo, MessageReceived{Token: cmd.Token})
					case Incident:
						t.Fatalf("%s: %s", cmd.Element, cmd.Reason)
					}
				}
			}
			if s.Status != Completed || last != c.end {
				t.Errorf("%s at %s", s.Status, last)
			}
		})
	}
}

// Sequence flows need no id: a join tells by them apart what has come.
func TestFlowsWithoutIDs(t *testing.T) {
	bare := regexp.MustCompile(`<bpmn:sequenceFlow id="[^"]*"`)
	body := `<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/>` + job("a") + job("b") + `<bpmn:parallelGateway id="j"/>` + job("c") + `<bpmn:endEvent id="e"/>` +
		flows("s>g;g>a;g>b;a>j;b>j;j>c;c>e")
	pl := play(t, bare.ReplaceAllString(body, "<bpmn:sequenceFlow"), nil)
	pl.jobDone("a", nil)
	pl.is("b", "j")
	pl.jobDone("b", nil)
	pl.is("c")
	pl.jobDone("c", nil)
	pl.completed()

	// Also where two connect the same elements.
	pl = play(t, bare.ReplaceAllString(`<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/><bpmn:parallelGateway id="j"/>`+job("c")+`<bpmn:endEvent id="e"/>`+flows("s>g;g>j;g>j;j>c;c>e"), "<bpmn:sequenceFlow"), nil)
	pl.is("c")
	pl.jobDone("c", nil)
	pl.completed()
}

// The encodings that old tools write are read as they mean it.
func TestEncodings(t *testing.T) {
	const name = "Gebühr 5 €, Šárka"
	file := func(declared, name string) string {
		return `<?xml version="1.0" encoding="` + declared + `"?>` + "\n" + `<definitions xmlns="` + nsBPMN + `"><process id="p" name="` + name + `"/></definitions>`
	}
	bytesOf := func(s string, letters *[256]rune) string {
		var out []byte
		for _, r := range s {
			at := slices.Index(letters[:], r)
			if at < 0 {
				t.Fatalf("%q isn't in this encoding", r)
			}
			out = append(out, byte(at))
		}
		return string(out)
	}
	wide := func(s string, order binary.AppendByteOrder, mark bool) string {
		var out []byte
		if mark {
			out = order.AppendUint16(out, 0xFEFF)
		}
		for _, u := range utf16.Encode([]rune(s)) {
			out = order.AppendUint16(out, u)
		}
		return string(out)
	}
	for _, c := range []struct{ what, data, want string }{
		{"UTF-8", file("UTF-8", name), name},
		{"UTF-8 with a mark", "\xef\xbb\xbf" + file("UTF-8", name), name},
		{"UTF-8 with a mark, declared otherwise", "\xef\xbb\xbf" + file("ISO-8859-1", name), name},
		{"Windows", file("windows-1252", bytesOf(name, &windows1252)), name},
		{"Latin-1", file("ISO-8859-1", bytesOf("Gebühr", &latin1)), "Gebühr"},
		{"Latin-9", file("iso-8859-15", bytesOf(name, &latin9)), name},
		{"UTF-16", wide(file("UTF-16", name+" 𝄞"), binary.LittleEndian, true), name + " 𝄞"},
		{"UTF-16, the other way", wide(file("UTF-16", name), binary.BigEndian, true), name},
		{"UTF-16 without a mark", wide(file("UTF-16", name), binary.BigEndian, false), name},
	} {
		d, err := Parse("x.bpmn", []byte(c.data))
		if err != nil || d.Processes[0].Name != c.want || d.Processes[0].Pos.Line != 2 {
			t.Errorf("%s: %+v %v", c.what, d, err)
		}
		if !Sniff([]byte(c.data)) {
			t.Errorf("%s isn't known as BPMN", c.what)
		}
	}
}
