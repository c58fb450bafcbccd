// SPDX-License-Identifier: EUPL-1.2

package casefile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// SubmissionPart is one of the files of a submission.
type SubmissionPart string

// The files of a submission.
const (
	Data   SubmissionPart = "data"   // the answers, typed by the JSON Schema of the form
	Paper  SubmissionPart = "paper"  // PDF/A with questions and answers as they were asked
	Signed SubmissionPart = "signed" // both, bound to number and time by a signature of the house
)

// SubmissionParts are all of them, in the order in which they are shown.
var SubmissionParts = [...]SubmissionPart{Data, Paper, Signed}

// Submission is what was handed over, as it was.
type Submission struct {
	CaseID   string
	Revision int // 1: the application; more: after a correction
	At       time.Time
	Version  string // of the service
	Lang     string
	Files    []SubmissionFile // a paper that couldn't be made is left out
}

// File finds a file of the submission.
func (s Submission) File(p SubmissionPart) (SubmissionFile, bool) {
	for _, f := range s.Files {
		if f.Part == p {
			return f, true
		}
	}
	return SubmissionFile{}, false
}

// Hash is the hash on the receipt: of the signed file, which binds the others.
func (s Submission) Hash() string {
	f, _ := s.File(Signed)
	return f.Hash
}

// SubmissionFile is a file of a submission, without its content.
type SubmissionFile struct {
	Part SubmissionPart
	Hash string // SHA-256 in hexadecimal
	Size int64
}

// NewSubmissionFile names a content by its hash.
func NewSubmissionFile(p SubmissionPart, content []byte) SubmissionFile {
	sum := sha256.Sum256(content)
	return SubmissionFile{Part: p, Hash: hex.EncodeToString(sum[:]), Size: int64(len(content))}
}

// NextRevision is which submission of a case comes next.
func (f *File) NextRevision(ctx context.Context, tx *store.Tx, caseID string) (int, error) {
	var n int
	err := tx.QueryRow(ctx, nextRevision, caseID).Scan(&n)
	return n, fault.Wrap("casefile.nextRevision", err)
}

// KeepSubmission puts what was submitted into the file, in the transaction that takes it. What is there is never changed.
func (f *File) KeepSubmission(ctx context.Context, tx *store.Tx, s Submission, content map[SubmissionPart][]byte) error {
	const op = "casefile.keepSubmission"
	for _, x := range s.Files {
		if _, err := tx.Exec(ctx, insertSubmission, s.CaseID, s.Revision, string(x.Part), store.Micros(s.At), s.Version, s.Lang, x.Hash, x.Size, content[x.Part]); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

// Submissions are what was submitted in a case that was read with the same grant, the first one first.
func (f *File) Submissions(ctx context.Context, g access.Grant, c Case) ([]Submission, error) {
	if err := g.Must(access.Read, "case"); err != nil {
		return nil, err
	}
	return f.submissions(ctx, f.DB, c.ID)
}

func (f *File) submissions(ctx context.Context, q store.Q, caseID string) ([]Submission, error) {
	rows, err := store.All(ctx, q, scanSubmission, submissionsOf, caseID)
	if err != nil {
		return nil, fault.Wrap("casefile.submissions", err)
	}
	var out []Submission
	for _, r := range rows {
		if n := len(out); n > 0 && out[n-1].Revision == r.Revision {
			out[n-1].Files = append(out[n-1].Files, r.Files...)
		} else {
			out = append(out, r)
		}
	}
	return out, nil
}

// Received is what a receipt says of a case: its number and the application as it was submitted. It shows the case to
// nobody, so it needs no grant: the caller has just handed it over, or hands it over again. A case from before submissions
// were kept has none.
func (f *File) Received(ctx context.Context, q store.Q, caseID string) (Case, Submission, error) {
	c, err := f.Peek(ctx, q, caseID)
	if err != nil {
		return Case{}, Submission{}, err
	}
	list, err := f.submissions(ctx, q, caseID)
	if err != nil || len(list) == 0 {
		return c, Submission{CaseID: caseID, At: c.OpenedAt}, err
	}
	return c, list[0], nil
}

// OpenSubmission reads a file of a submission in a case that was read with the same grant.
func (f *File) OpenSubmission(ctx context.Context, g access.Grant, c Case, revision int, p SubmissionPart) ([]byte, error) {
	const op = "casefile.openSubmission"
	if err := g.Must(access.Read, "case"); err != nil {
		return nil, err
	}
	var hash string
	content, err := store.One(ctx, f.DB, func(s store.Scanner) (b []byte, err error) { return b, s.Scan(&hash, &b) }, readSubmission, c.ID, revision, string(p))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if NewSubmissionFile(p, content).Hash != hash {
		return nil, fault.Because(fault.Internal, op, "", errors.New("the file isn't what its hash says: it was changed"))
	}
	return content, nil
}
