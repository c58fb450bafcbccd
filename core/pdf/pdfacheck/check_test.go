// SPDX-License-Identifier: EUPL-1.2

package pdfacheck

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
)

// suite is where the veraPDF corpus lies.
func suite(t testing.TB) string {
	t.Helper()
	return suites.Dir(t, "pdfa", "PDF_A-2b")
}

// missed are the files of the corpus whose mistake isn't found: it is inside a font
// program. The list may only get shorter.
var missed = map[string]bool{"6-2-11-4-1-t02-fail-d": true, "6-2-11-8-t01-fail-a": true}

// TestLevelsAbove: what conforms to 2a or 2u conforms to 2b.
func TestLevelsAbove(t *testing.T) {
	n := 0
	for _, level := range []string{"PDF_A-2a", "PDF_A-2u"} {
		err := filepath.WalkDir(filepath.Join(filepath.Dir(suite(t)), level), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.Contains(filepath.Base(path), "-pass-") {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			n++
			if found := Check(data); len(found) > 0 {
				t.Errorf("conforms, but was found wrong: %s %v", filepath.Base(path), found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d files", n)
}

func TestCorpus(t *testing.T) {
	var pass, fail, passOK, failOK int
	err := filepath.WalkDir(suite(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".pdf") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found := Check(data)
		good := strings.Contains(filepath.Base(path), "-pass-")
		switch {
		case good:
			pass++
			if len(found) == 0 {
				passOK++
			} else {
				t.Errorf("conforms, but was found wrong: %s %v", filepath.Base(path), found)
			}
		default:
			fail++
			_, clause, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".pdf"), "suite ")
			switch {
			case len(found) > 0 && missed[clause]:
				t.Errorf("found now: take %s off the list", clause)
			case len(found) > 0:
				failOK++
			case !missed[clause]:
				t.Errorf("doesn't conform, but nothing was found: %s", clause)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("judged right: %d of %d that conform, %d of %d that don't", passOK, pass, failOK, fail)
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n2 0 obj\n<</Kids [2 0 R] /Count 1>>\nendobj\ntrailer\n<</Root 1 0 R /ID [<00> <00>]>>\n%%EOF\n"))
	f.Add([]byte("1 0 obj\n<</Length 5>>\nstream\nBI /F /LZW ID x EI\nendstream\nendobj"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := Check(data); len(got) > 100 {
			t.Errorf("%d findings", len(got))
		}
		Check(bytes.ReplaceAll(data, []byte("1"), []byte("2")))
		_, _ = Text(data) // ends, whatever it is given
	})
}
