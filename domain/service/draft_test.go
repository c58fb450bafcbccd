// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

func TestDraft(t *testing.T) {
	root := os.DirFS("../../content/services/resident-parking-permit")
	s, err := Parse("resident-parking-permit", root)
	if err != nil {
		t.Fatal(err)
	}
	fee, err := fs.ReadFile(root, "fee.dmn")
	if err != nil {
		t.Fatal(err)
	}
	decide := func(s *Service) string {
		v, ok, err := s.Decide(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), "fee", map[string]any{"application": map[string]any{"months": 12.0}})
		m, _ := v.(map[string]any)
		cents, known := Cents(m["cents"])
		if err != nil || !ok || !known {
			t.Fatalf("%v %v %v", v, ok, err)
		}
		return strings.Repeat("I", int(cents/1000))
	}
	was := decide(s)
	dearer := []byte(strings.ReplaceAll(string(fee), "<text>3070</text>", "<text>9070</text>"))
	d, err := s.With(map[string][]byte{"new prices.dmn": dearer})
	if err != nil {
		t.Fatal(err)
	}
	if d.Version == s.Version || len(d.Decisions) != len(s.Decisions) || decide(d) == was || decide(s) != was {
		t.Errorf("fee %s, was %s; version %s of %s", decide(d), was, d.Version, s.Version)
	}
	if _, ok, err := d.Decide(time.Now(), "nothing", nil); ok || err != nil {
		t.Errorf("a decision that isn't there: %v %v", ok, err)
	}
	var pe *ParseError
	if _, err := s.With(map[string][]byte{"fee.dmn": []byte("<definitions")}); !errors.As(err, &pe) {
		t.Errorf("a draft with a mistake: %v", err)
	}
}
