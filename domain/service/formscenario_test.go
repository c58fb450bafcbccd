// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/domain/service"
	"mercator/lang/form"
)

func TestTheScenariosOfTheFormsPass(t *testing.T) {
	played := 0
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		id := d.Name()
		s, err := service.Parse(id, os.DirFS(root+"/"+id))
		if err != nil {
			t.Fatal(err)
		}
		list, problems := service.FormScenarios(s)
		for _, p := range problems {
			t.Error(id, p)
		}
		for _, sc := range list {
			c := form.NewCoverage(s.FormNamed(sc.Form))
			if err := sc.Play(s, c); err != nil {
				t.Errorf("%s %s: %v", id, sc.File, err)
			}
			if seen, all := c.Touched(); all > 0 && seen == 0 {
				t.Errorf("%s %s touches no rule", id, sc.File)
			}
			played++
		}
	}
	if played < 10 {
		t.Errorf("only %d scenarios", played)
	}
}

func TestAScenarioOfAFormTellsWhatIsDifferent(t *testing.T) {
	f, err := form.Parse("application.form", []byte(`{"type":"default","components":[{"type":"checkbox","key":"on","label":"A"},
		{"type":"textfield","key":"x","label":"X","validate":{"required":true},"conditional":{"hide":"=on != true"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	read := func(body string) ([]service.FormScenario, []service.Problem) {
		return service.FormScenarios(&service.Service{Form: f, Files: fstest.MapFS{"scenarios/forms/a.toml": {Data: []byte("title = \"T\"\nform = \"application\"\ntoday = \"2026-12-01\"\n" + body)}}})
	}
	for _, c := range []struct{ body, want string }{
		{"[[page]]\nid = \"form\"\nanswers = { on = true }\nasked = [\"on\", \"x\"]\nwrong = { x = \"required\" }\n", ""},
		{"[[page]]\nid = \"form\"\nanswers = { on = true }\nasked = [\"on\"]\nwrong = { x = \"required\" }\n", "page form asks [on x], want [on]"},
		{"[[page]]\nid = \"form\"\nanswers = { on = true }\n", "wrong is map[x:required]"},
		{"[[page]]\nid = \"form\"\nanswers = { on = true, x = \"1\" }\n[submitted]\nx = \"1\"\n", ""},
		{"[[page]]\nid = \"form\"\nanswers = { on = false, x = \"1\" }\n[submitted]\nx = \"1\"\n", "x: null is submitted"},
		{"[[page]]\nid = \"form\"\nanswers = { on = true }\nwrong = { x = \"required\" }\n[submitted]\non = true\n", "it can't be submitted"},
	} {
		list, problems := read(c.body)
		if len(list) != 1 || len(problems) > 0 {
			t.Fatal(list, problems)
		}
		err := list[0].Play(&service.Service{Form: f}, nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\n%v, want %q", c.body, err, c.want)
		}
	}
	for _, c := range []struct{ body, want string }{
		{"", "at least one [[page]]"}, {"[[page]]\nid = \"no\"\n", "no page"}, {"[[page]]\nid = \"form\"\nanswers = { y = 1 }\n", "no field"}, {"pages = 1\n[[page]]\nid = \"form\"\n", "unknown key"},
	} {
		if _, problems := read(c.body); len(problems) == 0 || !strings.Contains(problems[0].Msg, c.want) {
			t.Errorf("%s: %v, want %q", c.body, problems, c.want)
		}
	}
}

// What is recorded can be read again and plays, and says no less than a scenario that somebody has written: of every form of
// content/, with what its own scenarios type.
func TestWhatIsRecordedPlays(t *testing.T) {
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	recorded := 0
	for _, d := range dirs {
		s, err := service.Parse(d.Name(), os.DirFS(root+"/"+d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list, _ := service.FormScenarios(s)
		for _, written := range list {
			sc := written
			sc.Submitted = nil
			sc.Pages = slices.Clone(written.Pages)
			for i := range sc.Pages {
				sc.Pages[i].Asked, sc.Pages[i].Wrong = nil, nil
			}
			if _, err := sc.Record(s); err != nil {
				t.Fatalf("%s %s: %v", d.Name(), written.File, err)
			}
			text, err := sc.TOML()
			if err != nil {
				t.Fatalf("%s %s: %v", d.Name(), written.File, err)
			}
			again, problems := service.ReadFormScenario(s, "again.toml", []byte(text))
			if len(problems) > 0 {
				t.Fatalf("%s %s: %v\n%s", d.Name(), written.File, problems, text)
			}
			if err := again.Play(s, nil); err != nil {
				t.Errorf("%s %s: %v\n%s", d.Name(), written.File, err, text)
			}
			for i, p := range written.Pages {
				if len(p.Asked) > 0 && !slices.Equal(again.Pages[i].Asked, p.Asked) || !maps.Equal(again.Pages[i].Wrong, p.Wrong) {
					t.Errorf("%s %s, page %s: recorded %v %v, written %v %v", d.Name(), written.File, p.ID, again.Pages[i].Asked, again.Pages[i].Wrong, p.Asked, p.Wrong)
				}
			}
			if len(written.Submitted) > 0 && len(again.Submitted) < len(written.Submitted) {
				t.Errorf("%s %s: %d answers are recorded as submitted, %d written", d.Name(), written.File, len(again.Submitted), len(written.Submitted))
			}
			recorded++
		}
	}
	if recorded < 10 {
		t.Errorf("only %d scenarios", recorded)
	}
}

// Signatures, lists, several choices and money are told as they are typed.
func TestEveryKindOfAnswerIsRecorded(t *testing.T) {
	f, err := form.Parse("application.form", []byte(`{"type":"default","components":[
		{"type":"textfield","key":"sign","label":"S","properties":{"type":"signature"},"validate":{"required":true}},
		{"type":"checklist","key":"days","label":"D","values":[{"value":"mo"},{"value":"tu"}]},
		{"type":"textfield","key":"fee","label":"F","properties":{"type":"money"}},{"type":"number","key":"n","label":"N"},
		{"type":"dynamiclist","path":"kids","label":"K","components":[{"type":"textfield","key":"name","label":"N"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := &service.Service{Form: f}
	sc := service.FormScenario{Title: "T", Form: "application", Today: "2026-12-01", Registers: map[string]any{"resident": map[string]any{"a": nil, "b": json.Number("1.5")}},
		Pages: []service.FormPage{{ID: "form", Answers: map[string]any{"sign": map[string]any{"name": "Ada", "confirmed": true, "drawing": "M1 1L2 2"}, "days": []any{"mo", "tu"},
			"fee": "1.234,50", "n": "1,5", "kids.0.name": "Bo", "kids.1.name": "Cy"}}}}
	if _, err := sc.Record(s); err != nil {
		t.Fatal(err)
	}
	text, err := sc.TOML()
	if err != nil {
		t.Fatal(err)
	}
	again, problems := service.ReadFormScenario(s, "a.toml", []byte(text))
	if len(problems) > 0 || again.Play(s, nil) != nil {
		t.Fatalf("%v %v\n%s", problems, again.Play(s, nil), text)
	}
	if again.Submitted["fee"] != int64(123450) || again.Submitted["n"] != 1.5 || len(again.Submitted) != 5 {
		t.Errorf("submitted %v\n%s", again.Submitted, text)
	}
	again.Submitted["fee"] = int64(1)
	if err := again.Play(s, nil); err == nil {
		t.Error("another fee passes")
	}
}
