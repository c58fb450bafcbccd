// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// ProofFormat names the file and its version.
const ProofFormat = "mercator-ledger-proof/1"

// Proof is what a person downloads: their entries, and why nobody can have changed them since.
type Proof struct {
	Format     string `json:"format"`
	Key        string `json:"key"`        // with which checkpoints are verified
	Checkpoint string `json:"checkpoint"` // a signed note
	Person     string `json:"person"`     // the key of the person's commitments: whoever has it can tell the person's entries
	Records    []Leaf `json:"records"`
	Waiting    int    `json:"waiting,omitempty"` // entries that aren't in the log yet
	Before     string `json:"before,omitempty"`  // where the next file begins, if there may be more entries
}

// Leaf is a record, as far as it is shown, and its way to the root of the log.
type Leaf struct {
	Leaf   uint64   `json:"leaf"`
	Fields []Field  `json:"fields"`
	Path   [][]byte `json:"path"`
}

// MaxRecords bounds a proof.
const MaxRecords = 5000

// Prove makes the proof of what others did with a person's data: the newest n entries before one, or all. Which fields are
// shown is for the rules to say. The grant is one to read the resource "ledger" whose owner is that person.
func (l *Log) Prove(ctx context.Context, g access.Grant, show func(audit.Entry) audit.Disclosure, before string, n int) (Proof, error) {
	const op = "ledger.prove"
	if err := g.Must(access.Read, "ledger"); err != nil {
		return Proof{}, err
	}
	person := g.Request().Owner
	if person == "" {
		return Proof{}, fault.Internalf(op, "the grant names no owner")
	}
	return l.prove(ctx, person, show, before, n)
}

func (l *Log) prove(ctx context.Context, person string, show func(audit.Entry) audit.Disclosure, before string, n int) (Proof, error) {
	const op = "ledger.prove"
	quiet()
	n = min(max(n, 1), MaxRecords)
	leaves, waiting, last, err := l.audit.OfPerson(ctx, person, before, n)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Format: ProofFormat, Key: l.public, Waiting: waiting, Records: []Leaf{}}
	if p.Person, err = l.audit.Key(ctx, person); err != nil {
		return Proof{}, err
	}
	entries := 0
	for _, x := range leaves {
		if x.Record.Kind == audit.Access {
			entries++
		}
	}
	if entries+waiting == n {
		p.Before = last
	}
	source := Folder(l.dir)
	raw, err := source.ReadCheckpoint(ctx)
	if err != nil {
		return Proof{}, fault.Because(fault.Unavailable, op, "", err)
	}
	c, err := openCheckpoint(raw, l.verifier)
	if err != nil {
		return Proof{}, fault.Wrap(op, err)
	}
	p.Checkpoint = string(raw)
	b := newPaths(source, c.Size)
	hidden := map[string]bool{}
	for _, x := range leaves {
		if x.Record.Kind == audit.Access && show(x.Record.Entry).Hidden {
			hidden[x.Record.ID] = true
		}
	}
	for _, x := range leaves {
		if !x.Found || uint64(x.Leaf) >= c.Size || hidden[x.Record.ID] || x.Record.Kind == audit.Seen && hidden[x.Record.Entry.ID] {
			continue
		}
		out := Leaf{Leaf: uint64(x.Leaf), Fields: fields(x.Record)}
		var d audit.Disclosure
		if x.Record.Kind == audit.Access {
			d = show(x.Record.Entry)
		}
		for i, f := range out.Fields {
			keep := true
			switch f.Name {
			case "kind", "id", "at", "entry":
			case "subject": // others stay unknown, and whether the same person stands in two of their entries
				keep = *f.Value == Commit("subject", p.Person, x.Record.ID)
			default:
				keep = d.Shows(f.Name)
			}
			if !keep {
				out.Fields[i] = f.withheld()
			}
		}
		if out.Path, err = b.inclusion(ctx, uint64(x.Leaf)); err != nil {
			return Proof{}, fault.Because(fault.Unavailable, op, "", err)
		}
		p.Records = append(p.Records, out)
	}
	return p, nil
}

// Bounds of a file that is checked.
const (
	maxProof  = 64 << 20
	maxFields = 5000
	maxPath   = 64
)

// ReadProof reads a file that says it is a proof. It checks nothing but its form.
func ReadProof(r io.Reader) (Proof, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxProof+1))
	if err != nil {
		return Proof{}, err
	}
	if len(b) > maxProof {
		return Proof{}, fmt.Errorf("the file is larger than %d MiB", maxProof>>20)
	}
	var p Proof
	if err := json.Unmarshal(b, &p); err != nil {
		return Proof{}, fmt.Errorf("the file isn't JSON of the kind that my data gives: %w", err)
	}
	if p.Format != ProofFormat {
		return Proof{}, fmt.Errorf("the file says that its format is %q; this program reads %s", p.Format, ProofFormat)
	}
	for _, x := range p.Records {
		if len(x.Fields) == 0 || len(x.Fields) > maxFields || len(x.Path) > maxPath {
			return Proof{}, fmt.Errorf("leaf %d has %d fields and a path of %d", x.Leaf, len(x.Fields), len(x.Path))
		}
	}
	return p, nil
}

// Checked is what is known of a proof that holds.
type Checked struct {
	Entries  int
	Withheld int // fields that aren't shown
	Size     uint64
	Root     []byte
}

// Check tells whether a proof holds, by itself: every record is in the log whose checkpoint is signed with the key, and is
// about the person whose key it is. key is the one that the reader got elsewhere; empty: the one in the file is believed.
func (p Proof) Check(key string) (Checked, error) {
	if key == "" {
		key = p.Key
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return Checked{}, fmt.Errorf("the key can't be read: %w", err)
	}
	c, err := openCheckpoint([]byte(p.Checkpoint), v)
	if err != nil {
		return Checked{}, fmt.Errorf("the checkpoint: %w", err)
	}
	out := Checked{Size: c.Size, Root: c.Hash}
	about, linked, entries := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, x := range p.Records {
		bad := func(format string, args ...any) (Checked, error) {
			return Checked{}, fmt.Errorf("leaf %d: %w", x.Leaf, fmt.Errorf(format, args...))
		}
		leaf, err := leafOf(x.Fields)
		if err != nil {
			return bad("%w", err)
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, x.Leaf, c.Size, rfc6962.DefaultHasher.HashLeaf(leaf), x.Path, c.Hash); err != nil {
			return bad("it isn't in the log as it stands here: it was changed, or was never there")
		}
		one := map[string]string{}
		var subjects []string
		for _, f := range x.Fields {
			switch {
			case f.Value == nil:
				out.Withheld++
			case f.Name == "subject":
				subjects = append(subjects, *f.Value)
			default:
				if _, twice := one[f.Name]; twice {
					return bad("the field %q is there twice", f.Name)
				}
				one[f.Name] = *f.Value
			}
		}
		id := one["id"]
		if _, err := parseTime(one["at"]); err != nil || id == "" {
			return bad("its id or its time is withheld, which no rule does")
		}
		mine := slices.Contains(subjects, Commit("subject", p.Person, id))
		switch one["kind"] {
		case audit.Access:
			if entries[id] {
				return bad("the entry %s is there twice", id)
			}
			if _, ok := one["purpose"]; !ok {
				return bad("its purpose is withheld, which no rule does")
			}
			entries[id], about[id] = true, mine
		case audit.Seen:
			if !mine {
				return bad("it isn't about the person of this file")
			}
			linked[one["entry"]] = true
		default:
			return bad("it is a record of the kind %q", one["kind"])
		}
	}
	for id, mine := range about {
		if !mine && !linked[id] {
			return Checked{}, fmt.Errorf("entry %s: it isn't about the person of this file", id)
		}
	}
	for id := range linked {
		if !entries[id] {
			return Checked{}, fmt.Errorf("entry %s: a list showed the person, but the entry isn't in the file", id)
		}
	}
	out.Entries = len(entries)
	return out, nil
}

// Against holds a checked proof against another checkpoint of the log. One of the same size tells by itself; for others
// the log is needed, for its tiles.
func (p Proof) Against(ctx context.Context, key string, k Kept, s Source) error {
	if key == "" {
		key = p.Key
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return fmt.Errorf("the key can't be read: %w", err)
	}
	mine, err := openCheckpoint([]byte(p.Checkpoint), v)
	if err != nil {
		return err
	}
	other, err := openCheckpoint(k.Raw, v)
	if err != nil {
		return fmt.Errorf("the checkpoint %s: %w", k.Name, err)
	}
	small, large := mine, other
	if small.Size > large.Size {
		small, large = large, small
	}
	if small.Size == large.Size {
		if !bytes.Equal(small.Hash, large.Hash) {
			return fmt.Errorf("the checkpoint %s has the size of the one in the file and other leaves: the log is forked", k.Name)
		}
		return nil
	}
	if s == nil {
		return errors.New("a checkpoint of another size can only be compared with the log at hand: name its address with --url")
	}
	b, err := client.NewProofBuilder(ctx, large.Size, s.ReadTile)
	if err != nil {
		return err
	}
	var path [][]byte
	if small.Size > 0 {
		if path, err = b.ConsistencyProof(ctx, small.Size, large.Size); err != nil {
			return fmt.Errorf("the log gives no proof: %w", err)
		}
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, small.Size, large.Size, path, small.Hash, large.Hash); err != nil {
		return fmt.Errorf("the log at hand and the one of the file aren't one: %s (size %d) and the file (size %d) don't agree", k.Name, other.Size, mine.Size)
	}
	return nil
}
