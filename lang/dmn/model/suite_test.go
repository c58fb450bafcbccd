// SPDX-License-Identifier: EUPL-1.2

package model_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
	"mercator/lang/dmn/model"
)

// files are the DMN files below a folder.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".dmn") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t testing.TB, path string) *model.Definitions {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, errs := model.Read(filepath.Base(path), data, model.Limits{})
	for _, e := range errs {
		t.Errorf("%v", e)
	}
	return d
}

func TestEveryFileOfTheSuiteReads(t *testing.T) {
	dir := suites.Dir(t, "dmn_tck", "TestCases")
	paths := files(t, dir)
	if len(paths) < 100 {
		t.Errorf("only %d files in %s", len(paths), dir)
	}
	for _, path := range paths {
		d := read(t, path)
		if d.Namespace == "" || d.Version == "" || len(d.Decisions)+len(d.BKMs)+len(d.Inputs) == 0 {
			t.Errorf("%s: little was read: %+v", path, d)
		}
	}
}

func TestEveryFileOfTheContentReads(t *testing.T) {
	paths := files(t, filepath.Join("..", "..", "..", "content", "services"))
	if len(paths) < 4 {
		t.Errorf("only %d files", len(paths))
	}
	for _, path := range paths {
		d := read(t, path)
		for _, c := range d.Decisions {
			if c.Logic == nil || c.Logic.Kind != model.DecisionTable || len(c.Logic.Table.Rules) == 0 {
				t.Errorf("%s: decision %s has no rules", path, c.Name)
			}
		}
	}
}
