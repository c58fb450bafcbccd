// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"mercator/core/store"
	"mercator/core/store/storetest"
)

// A witness countersigns a log that has grown, and neither one that was rolled back nor one that is forked; others check its
// signature, and miss it where it isn't.
func TestWitness(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		private, public := must2(NewWitnessKey("press.example"))
		_, stranger := must2(NewWitnessKey("stranger.example"))
		sign := func(last []byte) ([]byte, error) {
			return Countersign(t.Context(), Folder(h.dir), h.log.PublicKey(), private, last)
		}
		verify := func(witness string, kept ...[]byte) Report {
			t.Helper()
			o := Options{Source: Folder(h.dir), Key: h.log.PublicKey(), Leaves: true, Audit: h.audit, Now: h.now.Add(time.Hour), Witnesses: []string{witness}}
			for _, k := range kept {
				o.Kept = append(o.Kept, Kept{"kept", k})
			}
			r, err := Verify(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		h.reads(100, func(int) []string { return []string{"anna"} })
		h.append()
		first, err := sign(nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := sign(first); err != nil || size(t, again) != size(t, first) {
			t.Fatalf("the same log again: %v", err)
		}
		plain := h.checkpoint()
		h.keepCopy()
		h.reads(300, func(int) []string { return []string{"bora"} })
		h.append()
		second, err := sign(first)
		if err != nil || size(t, second) <= size(t, first) {
			t.Fatalf("%v: %s", err, second)
		}
		if r := verify(public, first, second); len(r.Findings) > 0 || r.Kept != 2 {
			t.Fatalf("countersigned checkpoints: %+v", r)
		}
		for name, test := range map[string]struct {
			witness string
			kept    []byte
		}{
			"nobody has countersigned": {public, plain},
			"somebody else has":        {stranger, second},
			"the signature was moved":  {public, append(bytes.Clone(plain), second[bytes.LastIndex(second, []byte("— press.example")):]...)},
		} {
			r := verify(test.witness, test.kept)
			if len(r.Findings) != 1 || !strings.Contains(r.Findings[0].What, "isn't countersigned") {
				t.Errorf("%s: %v", name, r.Findings)
			}
		}
		// What it signed last can't be taken from it, nor replaced by what it never signed.
		if _, err := sign(plain); err == nil {
			t.Error("it goes on from a checkpoint that it didn't countersign")
		}
		entry := h.read("anna")
		h.append()
		third, err := sign(second)
		if err != nil {
			t.Fatal(err)
		}
		h.exec("UPDATE audit_entry SET purpose = 'other' WHERE id = $1", entry)
		h.restart()
		if _, err := sign(third); !errors.Is(err, ErrNotGrown) {
			t.Errorf("a fork of the same size: %v", err)
		}
		h.read("cem")
		h.append()
		if _, err := sign(third); !errors.Is(err, ErrNotGrown) {
			t.Errorf("a fork that has grown: %v", err)
		}
		h.rollBack()
		if _, err := sign(third); !errors.Is(err, ErrNotGrown) {
			t.Errorf("a log that was rolled back: %v", err)
		}
	})
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}
