// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
)

func TestFormCommand(t *testing.T) {
	dir := suites.Dir(t, "fim", "fim_mutterschutz_real")
	schema := filepath.Join(dir, "S00000094V1.0_xdf2.xml")
	to := filepath.Join(t.TempDir(), "application.form")
	code, out, err := command(t, "form", "import", "--xdf", schema, "--codes", dir, "--out", to)
	if code != 0 || out != "" || !strings.HasSuffix(err, "44 fields, 16 groups, 13 rules\n") || strings.Count(err, "is kept as a note") != 4 {
		t.Fatalf("%d %q %q", code, out, err)
	}
	if !strings.Contains(err, schema+":4:723: rule R00000849 of S00000094 is kept as a note: the code 009 isn't in the code list of F00000463") {
		t.Error(err)
	}
	code, out, err = command(t, "form", "export", "--xdf", to)
	if code != 0 || !strings.Contains(out, "<xdf:id>F60000000227</xdf:id>") || err != to+": 44 fields, 16 groups, 13 rules\n" {
		t.Fatalf("%d %.200q %q", code, out, err)
	}
	// Of the folder that the schema lies in the lists are taken without being asked for.
	if code, out, err = command(t, "form", "import", "--xdf", schema); code != 0 || strings.Contains(err, "isn't at hand") || !strings.Contains(out, "Bosnien und Herzegowina") {
		t.Errorf("%d %q", code, err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"form"}, "usage: form import --xdf FILE"},
		{[]string{"form", "import"}, "usage: form import --xdf FILE"},
		{[]string{"form", "import", "--xdf", schema, "--codes", t.TempDir()}, "holds no code list: no *.xml or *.gc of genericode 1.0"},
		{[]string{"form", "import", "--xdf", filepath.Join(dir, "C00000020_genericode.xml")}, ":1:39: the namespace"},
		{[]string{"form", "export", "--xdf", schema}, "no JSON value begins with"},
		{[]string{"form", "import", "--xdf", filepath.Join(dir, "nothing.xml")}, "no such file"},
	} {
		if code, out, err := command(t, c.args...); code != 1 || out != "" || !strings.Contains(err, c.want) {
			t.Errorf("%v: %d %q %q, want %s", c.args, code, out, err, c.want)
		}
	}
}
