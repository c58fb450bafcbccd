// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// remotes are the documents that the suite refers to at http://localhost:1234.
type remotes struct{ dir string }

func (r remotes) Load(url string) (any, error) {
	rest, ok := strings.CutPrefix(url, "http://localhost:1234/")
	if !ok {
		return nil, fmt.Errorf("the suite has no %s", url)
	}
	f, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(rest)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return jsonschema.UnmarshalJSON(f)
}

// schemaExceptions are the tests of the official suite that the library doesn't pass, one a
// line: file, case, test. The list may only get shorter.
//
//go:embed testdata/jsonschema_exceptions.txt
var schemaExceptions string

// The schemas of packages mean what JSON Schema 2020-12 says: the official suite, what it
// requires and the formats, run through the library as package.go sets it up.
func TestSchemasMeanWhatTheStandardSays(t *testing.T) {
	dir := suites.Dir(t, "jsonschema")
	root := filepath.Join(dir, "tests", "draft2020-12")
	files, passed := 0, 0
	excepted := map[string]bool{}
	for line := range strings.Lines(schemaExceptions) {
		excepted[strings.TrimSpace(line)] = true
	}
	failed := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		formats := strings.HasPrefix(rel, filepath.Join("optional", "format")+string(filepath.Separator))
		if e.IsDir() && rel == filepath.Join("optional", "format-assertion") || strings.HasPrefix(rel, "optional") && !e.IsDir() && !formats || filepath.Ext(name) != ".json" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var cases []struct {
			Description string
			Schema      json.RawMessage
			Tests       []struct {
				Description string
				Data        json.RawMessage
				Valid       bool
			}
		}
		if err := json.Unmarshal(text, &cases); err != nil {
			return fmt.Errorf("%s: %w", rel, err)
		}
		files++
		for _, c := range cases {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema))
			if err != nil {
				return err
			}
			k := jsonschema.NewCompiler()
			k.DefaultDraft(jsonschema.Draft2020)
			if formats {
				k.AssertFormat()
			}
			k.UseLoader(remotes{filepath.Join(dir, "remotes")})
			const url = "mercator:///suite/schema.json"
			if err := k.AddResource(url, doc); err != nil {
				return fmt.Errorf("%s: %s: %w", rel, c.Description, err)
			}
			s, err := k.Compile(url)
			for _, x := range c.Tests {
				id := strings.Join([]string{filepath.ToSlash(rel), c.Description, x.Description}, " | ")
				ok := false
				if err == nil {
					v, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.Data))
					if err != nil {
						return err
					}
					ok = (s.Validate(v) == nil) == x.Valid
				}
				if ok {
					passed++
				} else {
					failed[id] = true
				}
				if !ok && !excepted[id] {
					t.Errorf("%s: compiled with %v", id, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range excepted {
		if !failed[id] {
			t.Errorf("%s passes now: take it off the list", id)
		}
	}
	if files < 41 || passed < 933 {
		t.Errorf("only %d files and %d tests were found", files, passed)
	}
	t.Logf("%d files, %d tests pass, %d don't", files, passed, len(failed))
}
