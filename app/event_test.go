// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/core/config"
	"mercator/core/store/storetest"
	"mercator/domain/service"
)

func TestScenariosOfLifeEventsOnBothEngines(t *testing.T) {
	dirs, err := os.ReadDir(filepath.Join(contentDir, "events"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		var out bytes.Buffer
		e, list, ok := readEvent(filepath.Join(contentDir, "events", d.Name()), &out)
		if !ok || len(list) == 0 {
			t.Fatalf("%s: %d scenarios, %s", d.Name(), len(list), out.String())
		}
		cover := service.NewEventCoverage(e)
		for _, sc := range list {
			t.Run(d.Name()+"/"+sc.File, func(t *testing.T) {
				if err := playEvent(context.Background(), contentDir, e.ID, sc, config.Database{}, cover); err != nil {
					t.Error(err)
				}
			})
			if testing.Short() { // with the race detector
				continue
			}
			t.Run(d.Name()+"/postgres/"+sc.File, func(t *testing.T) {
				db := config.Database{Engine: "postgres", DSN: config.Literal(storetest.PostgresDSN(t))}
				if err := playEvent(context.Background(), contentDir, e.ID, sc, db, cover); err != nil {
					t.Error(err)
				}
			})
		}
		if untouched, _ := cover.Untouched(); len(untouched) > 0 {
			t.Errorf("%s: no scenario brings about: %v", e.ID, untouched)
		}
	}
}

// A condition that no scenario meets is told, and a scenario that expects the wrong thing fails.
func TestAScenarioOfALifeEventCanFail(t *testing.T) {
	content := filepath.Join(t.TempDir(), "content")
	if err := os.CopyFS(content, os.DirFS(contentDir)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(content, "events", "moved")
	change := func(name, old, new string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), old) {
			t.Fatalf("%s has no %q: %v", name, old, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(data), old, new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func() (string, bool) {
		var out bytes.Buffer
		status := ServiceCommand(context.Background(), []string{"test", dir}, &out, &out)
		return out.String(), status == 0
	}
	for _, name := range []string{"01-all.toml", "02-by-hand.toml"} {
		if err := os.Remove(filepath.Join(dir, "scenarios", name)); err != nil {
			t.Fatal(err)
		}
	}
	change("event.toml", "id = \"dog-registration\"\n", "id = \"dog-registration\"\nwhen = '=answers.change_of_address.new_house_number = \"99\"'\n")
	if out, ok := run(); !ok || !strings.Contains(out, "3 of 8 outcomes of its conditions and questions are touched") || !strings.Contains(out, "untouched: dog-registration: when: holds") ||
		strings.Contains(out, "untouched: dog-registration: when: doesn't hold") {
		t.Errorf("%v\n%s", ok, out)
	}
	change("scenarios/03-address-only.toml", "new_street = \"Müllerstraße\"\nlandlord", "new_street = \"Kantstraße\"\nlandlord")
	if out, ok := run(); ok || !strings.Contains(out, "FAIL moved 03-address-only.toml") || !strings.Contains(out, `the case of change-of-address has new_street: "Müllerstraße", want "Kantstraße"`) {
		t.Errorf("%v\n%s", ok, out)
	}
	// What isn't answered is named.
	change("scenarios/03-address-only.toml", "landlord_code = \"WG-2026-4711\"\ndeclared", "declared")
	if out, ok := run(); ok || !strings.Contains(out, "change-of-address, page landlord: landlord_code: form.error.required") {
		t.Errorf("%v\n%s", ok, out)
	}
}
