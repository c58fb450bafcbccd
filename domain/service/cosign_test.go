// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/lang/form"
)

// card is the package of the identity card, with something more in its service.toml.
func card(t testing.TB, more string) fstest.MapFS {
	t.Helper()
	dir := os.DirFS("../../content/services/identity-card")
	out := fstest.MapFS{}
	if err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dir, name)
		if name == "service.toml" {
			b = append(b, more...)
		}
		out[name] = &fstest.MapFile{Data: b}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

const texts = `title = { de = "A", en = "A", tr = "A", de-simple = "A" }
declares = { de = "B", en = "B", tr = "B", de-simple = "B" }
`

func TestWhoElseHasToSign(t *testing.T) {
	s, err := Parse("identity-card", card(t, "\n[[cosign]]\nid = \"all\"\nfills = true\n"+texts))
	if err != nil {
		t.Fatal(err)
	}
	custody, ok := s.Cosign("custody")
	if !ok || custody.Fills("declare") || !custody.Fills("card") || custody.Represented[0] != "parent" {
		t.Errorf("%+v", custody)
	}
	all, ok := s.Cosign("all")
	if !ok || !all.Fills("declare") {
		t.Errorf("%+v", all)
	}
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for born, needed := range map[any]bool{nil: false, "2010-12-01": false, "2010-12-02": true, "2013-05-04": true, "1988-04-12": false, "gestern": false} {
		v := s.Form.Eval(form.Answers{"birth_date": born}, form.Context{Today: day})
		if custody.Needed(v) != needed || !all.Needed(v) {
			t.Errorf("born %v: %v", born, custody.Needed(v))
		}
	}
	// What was hidden and sent anyway, or what registers say, is as the form has it.
	if _, ok := s.Cosign("none"); ok {
		t.Error("a signature that nobody asks for")
	}
}

func TestMistakesInSignatures(t *testing.T) {
	for more, want := range map[string]string{
		"[[cosign]]\nid = \"custody\"\n" + texts:                                           "one of its own",
		"[[cosign]]\nid = \"A B\"\n" + texts:                                               "lower case",
		"[[cosign]]\nid = \"x\"\n":                                                         "title has no text in de-simple",
		"[[cosign]]\nid = \"x\"\nfills = [\"nowhere\"]\n" + texts:                          "no page nowhere",
		"[[cosign]]\nid = \"x\"\nfills = [1]\n" + texts:                                    "no page 1",
		"[[cosign]]\nid = \"x\"\nfills = \"card\"\n" + texts:                               "a list of pages",
		"[[cosign]]\nid = \"x\"\nwhen = \"reason\"\n" + texts:                              `begins with "="`,
		"[[cosign]]\nid = \"x\"\nwhen = \"=reason = (\"\n" + texts:                         "when:",
		"[[cosign]]\nid = \"x\"\nwhen = \"=registers.resident.street = reason\"\n" + texts: "when reads registers",
		"[[cosign]]\nid = \"x\"\nelse = 1\n" + texts:                                       "unknown key",
		strings.Repeat("[[cosign]]\nid = \"x\"\n"+texts, maxCosigns+1):                     "more than",
	} {
		_, err := Parse("identity-card", card(t, "\n"+more))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", more, err, want)
		}
	}
}
