// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"os"
	"testing"

	"mercator/domain/service"
)

const root = "../../content/services"

func TestPackagesParseAndLintClean(t *testing.T) {
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		s, err := service.Parse(d.Name(), os.DirFS(root+"/"+d.Name()))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, p := range service.Lint(s, nil) {
			t.Errorf("%s: %s", d.Name(), p)
		}
	}
}
