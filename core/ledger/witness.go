// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// A witness is somebody outside the city who countersigns checkpoints, each only if the log has grown from the one that it
// has signed before. Whoever trusts one witness out of the house knows that the city shows everybody the same log. The
// signatures are those of c2sp.org/tlog-cosignature, so that other programs can be witnesses, and check them.

// NewWitnessKey makes the key of a witness: what it signs with, and what others check its signatures with.
func NewWitnessKey(name string) (private, public string, err error) {
	if private, public, err = note.GenerateKey(rand.Reader, name); err != nil {
		return "", "", err
	}
	public, err = fnote.VKeyToCosignatureV1(public)
	return private, public, err
}

// ErrNotGrown is in the error of a witness that doesn't sign: the log isn't the one any more that it has signed before.
var ErrNotGrown = errors.New("the log hasn't grown from the checkpoint that was countersigned last: it isn't countersigned")

// Countersign gives the checkpoint of a log with the signature of a witness. last is what the witness countersigned before;
// nil: nothing yet, and it takes the log as it is.
func Countersign(ctx context.Context, s Source, key, witness string, last []byte) ([]byte, error) {
	quiet()
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("the key can't be read: %w", err)
	}
	signer, err := fnote.NewSignerForCosignatureV1(witness)
	if err != nil {
		return nil, fmt.Errorf("the key of the witness can't be read: %w", err)
	}
	raw, err := s.ReadCheckpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("the log has no checkpoint: %w", err)
	}
	now, err := openCheckpoint(raw, v)
	if err != nil {
		return nil, err
	}
	if last != nil {
		// It was signed by this witness: nobody has put another one in its place.
		if _, err := note.Open(last, note.VerifierList(signer.Verifier())); err != nil {
			return nil, fmt.Errorf("the checkpoint that was countersigned last: %w", err)
		}
		r := Report{}
		kept := r.open([]Kept{{"countersigned last", last}}, v, now)
		if len(r.Findings) == 0 {
			if err := r.consistency(ctx, s, now, kept); err != nil {
				return nil, err
			}
		}
		if len(r.Findings) > 0 {
			return nil, fmt.Errorf("%w: %s", ErrNotGrown, r.Findings[0])
		}
	}
	n, err := note.Open(raw, note.VerifierList(v))
	if err != nil {
		return nil, err
	}
	return note.Sign(n, signer)
}

// countersigned says of which kept checkpoints a witness has not signed.
func (r *Report) countersigned(list []Kept, witnesses []string) error {
	for _, key := range witnesses {
		v, err := fnote.NewVerifierForCosignatureV1(key)
		if err != nil {
			return fmt.Errorf("the key of a witness, %q, can't be read: %w", key, err)
		}
		for _, k := range list {
			if _, err := note.Open(k.Raw, note.VerifierList(v)); err != nil {
				r.say(-1, "", "the checkpoint %s isn't countersigned by %s: %v", k.Name, v.Name(), err)
			}
		}
	}
	return nil
}
