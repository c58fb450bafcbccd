// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"os"
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
