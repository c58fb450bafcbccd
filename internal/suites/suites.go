// SPDX-License-Identifier: EUPL-1.2

// Package suites finds the official test suites and real inputs that nobody here wrote.
// They lie outside of the repository: in $MERCATOR_SUITES, else in ../shared/suites
// beside it. Where one is missing a test is skipped and says so; with CI=true it fails.
package suites

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is a folder of the suites, such as Dir(t, "dmn_tck", "TestCases"), or a file.
func Dir(t testing.TB, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{root(t)}, path...)...)
	if _, err := os.Stat(p); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the suite %s is missing: %v", filepath.Join(path...), err)
		}
		t.Skipf("the suite %s isn't here: set MERCATOR_SUITES to the folder of the suites", filepath.Join(path...))
	}
	return p
}

func root(t testing.TB) string {
	if dir := os.Getenv("MERCATOR_SUITES"); dir != "" {
		return dir
	}
	dir, err := os.Getwd() // a test runs in the folder of its package
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", "suites")
		}
		up := filepath.Dir(dir)
		if up == dir {
			return filepath.Join("shared", "suites")
		}
		dir = up
	}
}
