// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"mercator/core/audit"

	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// Finding is something that isn't as it should be.
type Finding struct {
	Leaf   int64  // below 0: none
	Record string // the id of an entry or another record; may be empty
	What   string
	// Missing: the log has a leaf of which the database has no record. Behind a copy of the database that is older than the
	// one of the log nothing is wrong with that.
	Missing bool
}

func (f Finding) String() string {
	s := ""
	if f.Leaf >= 0 {
		s = fmt.Sprintf("leaf %d: ", f.Leaf)
	}
	if f.Record != "" {
		s += "entry " + f.Record + ": "
	}
	return s + f.What
}

// Kept is a checkpoint that somebody kept.
type Kept struct {
	Name string
	Raw  []byte
}

// Options is what is held against what.
type Options struct {
	Source Source
	Key    string // the public key
	Kept   []Kept
	// Witnesses are public keys of who must have countersigned each of Kept.
	Witnesses []string
	// Leaves reads every leaf of the log and builds all its hashes anew; without it only proofs from the tiles are checked.
	Leaves bool
	// Audit is the database, for who has it; it needs Leaves.
	Audit     *audit.Ledger
	Now       time.Time
	Grace     time.Duration // how long a record may take into the log; 0: ten minutes
	Retention time.Duration // 0: two years
}

// Grace is how long a record may take into the log if nothing else is said.
const Grace = 10 * time.Minute

// Report is the outcome of a verification.
type Report struct {
	Size     uint64
	Root     []byte
	Records  int    // that were held against the log
	Gone     uint64 // leaves whose records have reached the end of their retention
	Kept     int    // checkpoints that the log is consistent with
	Findings []Finding
}

func (r *Report) say(leaf int64, record, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Leaf: leaf, Record: record, What: fmt.Sprintf(format, args...)})
}

// Verify holds a log against its checkpoint, against checkpoints that others kept, and against the database. What is wrong
// with them is in the report; an error means that they couldn't be read.
func Verify(ctx context.Context, o Options) (Report, error) {
	quiet()
	r := Report{}
	o.Grace, o.Retention = cmp.Or(o.Grace, Grace), cmp.Or(o.Retention, Retention)
	v, err := note.NewVerifier(o.Key)
	if err != nil {
		return r, fmt.Errorf("the key can't be read: %w", err)
	}
	// In this order: what the database says to be in the log was in a checkpoint before it said so.
	var next int64
	if o.Audit != nil {
		if next, err = o.Audit.NextLeaf(ctx); err != nil {
			return r, err
		}
	}
	raw, err := o.Source.ReadCheckpoint(ctx)
	if err != nil {
		return r, fmt.Errorf("the log has no checkpoint: %w", err)
	}
	c, err := openCheckpoint(raw, v)
	if err != nil {
		r.say(-1, "", "the checkpoint of the log: %v", err)
		return r, nil
	}
	r.Size, r.Root = c.Size, c.Hash
	kept := r.open(o.Kept, v, c)
	if err := r.countersigned(o.Kept, o.Witnesses); err != nil {
		return r, err
	}
	if !o.Leaves {
		return r, r.consistency(ctx, o.Source, c, kept)
	}
	leaves, err := r.rebuild(ctx, o.Source, c, kept)
	if err != nil {
		return r, err
	}
	if o.Audit != nil && leaves != nil {
		err = r.compare(ctx, o, leaves, next)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Leaf, b.Leaf) })
	return r, err
}

// open verifies checkpoints that others kept, and compares those that tell by themselves.
func (r *Report) open(list []Kept, v note.Verifier, now *formats.Checkpoint) map[uint64][]named {
	kept := map[uint64][]named{}
	for _, k := range list {
		c, err := openCheckpoint(k.Raw, v)
		switch {
		case err != nil:
			r.say(-1, "", "the checkpoint %s: %v; was the key of the log replaced?", k.Name, err)
		case c.Size > now.Size:
			r.say(-1, "", "the checkpoint %s knows %d leaves and the log has %d: it was rolled back", k.Name, c.Size, now.Size)
		case c.Size == now.Size && !bytes.Equal(c.Hash, now.Hash):
			r.say(-1, "", "the checkpoint %s has other leaves than the log, at the same size %d: the log is forked", k.Name, c.Size)
		default:
			kept[c.Size] = append(kept[c.Size], named{k.Name, c.Hash})
		}
	}
	return kept
}

type named struct {
	name string
	root []byte
}

// consistency proves from the tiles that the log has grown from each checkpoint.
func (r *Report) consistency(ctx context.Context, s Source, c *formats.Checkpoint, kept map[uint64][]named) error {
	b, err := client.NewProofBuilder(ctx, c.Size, s.ReadTile)
	if err != nil {
		return err
	}
	for size, list := range kept {
		var path [][]byte
		if size > 0 && size < c.Size {
			if path, err = b.ConsistencyProof(ctx, size, c.Size); err != nil {
				r.say(-1, "", "the tiles of the log give no proof for the size %d: %v", size, err)
				continue
			}
		}
		for _, k := range list {
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, size, c.Size, path, k.root, c.Hash); err != nil {
				r.say(-1, "", "the log hasn't grown from the checkpoint %s (size %d): what was in it was changed, or the log is forked", k.name, size)
			} else {
				r.Kept++
			}
		}
	}
	return nil
}

// rebuild reads every leaf, builds every hash above it, and holds them against tiles and checkpoints.
func (r *Report) rebuild(ctx context.Context, s Source, c *formats.Checkpoint, kept map[uint64][]named) ([][32]byte, error) {
	hasher := rfc6962.DefaultHasher
	factory := compact.RangeFactory{Hash: hasher.HashChildren}
	all := factory.NewEmptyRange(0)
	leaves := make([][32]byte, 0, min(c.Size, 1<<24))
	tiles := map[uint64][][]byte{} // by level: the hashes of the tile that is being filled
	wrong := map[[2]uint64]bool{}
	compare := func(level, index uint64, partial uint8) {
		raw, err := s.ReadTile(ctx, level, index, partial)
		var t api.HashTile
		if err == nil {
			err = t.UnmarshalText(raw)
		}
		want := tiles[level]
		if err == nil && (len(t.Nodes) < len(want) || !slices.EqualFunc(t.Nodes[:len(want)], want, bytes.Equal)) {
			err = fmt.Errorf("its hashes aren't those of the leaves")
		}
		if err != nil && !wrong[[2]uint64{level, index}] {
			wrong[[2]uint64{level, index}] = true
			r.say(-1, "", "the tile %s: %v", layout.TilePath(level, index, partial), err)
		}
		tiles[level] = nil
	}
	visit := func(id compact.NodeID, hash []byte) {
		if id.Level%layout.TileHeight != 0 {
			return
		}
		level := uint64(id.Level / layout.TileHeight)
		if tiles[level] = append(tiles[level], hash); len(tiles[level]) == layout.TileWidth {
			compare(level, id.Index/layout.TileWidth, 0)
		}
	}
	reached := func(size uint64) error {
		if len(kept[size]) == 0 && size != c.Size {
			return nil
		}
		root := hasher.EmptyRoot()
		if size > 0 {
			var err error
			if root, err = all.GetRootHash(nil); err != nil {
				return err
			}
		}
		for _, k := range kept[size] {
			if bytes.Equal(k.root, root) {
				r.Kept++
			} else {
				r.say(-1, "", "the log hasn't grown from the checkpoint %s (size %d): what was in it was changed, or the log is forked", k.name, size)
			}
		}
		if size == c.Size && !bytes.Equal(root, c.Hash) {
			r.say(-1, "", "the leaves of the log don't make up the root of its checkpoint: they were changed")
		}
		return nil
	}
	if err := reached(0); err != nil {
		return nil, err
	}
	for at := uint64(0); at < c.Size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		index := at / layout.EntryBundleWidth
		bundle, err := client.GetEntryBundle(ctx, s.ReadEntryBundle, index, c.Size)
		want := min(layout.EntryBundleWidth, c.Size-at)
		if err == nil && uint64(len(bundle.Entries)) < want {
			err = fmt.Errorf("it has %d leaves and should have %d", len(bundle.Entries), want)
		}
		if err != nil {
			r.say(int64(at), "", "the bundle %s: %v", layout.EntriesPath(index, layout.PartialTileSize(0, index, c.Size)), err)
			return nil, nil
		}
		for _, leaf := range bundle.Entries[:want] {
			var sum [32]byte
			if copy(sum[:], leaf) != len(leaf) || len(leaf) != len(sum) {
				r.say(int64(at), "", "what stands there isn't a hash")
			}
			leaves = append(leaves, sum)
			if err := all.Append(hasher.HashLeaf(leaf), visit); err != nil {
				return nil, err
			}
			at++
			if err := reached(at); err != nil {
				return nil, err
			}
		}
	}
	for level := uint64(0); c.Size>>(level*layout.TileHeight) > 0; level++ {
		n := c.Size >> (level * layout.TileHeight)
		if rest := n % layout.TileWidth; rest > 0 && uint64(len(tiles[level])) == rest {
			compare(level, n/layout.TileWidth, uint8(rest))
		}
	}
	return leaves, nil
}

// compare holds the database against the leaves; next is the first that it didn't know when the checkpoint was read.
func (r *Report) compare(ctx context.Context, o Options, leaves [][32]byte, next int64) error {
	size := int64(len(leaves))
	if next > size {
		r.say(-1, "", "the database knows of %d leaves and the log has %d: it was rolled back", next, size)
	}
	acts, err := o.Audit.Acts(ctx)
	if err != nil {
		return err
	}
	gone := r.gone(acts, o.Retention)
	r.Gone = uint64(gone)
	began := false
	for _, a := range acts {
		if a.Record.Act == audit.Began {
			if began = true; a.Record.Note != o.Key {
				r.say(a.Leaf, a.Record.ID, "the log began with the key %s, not with %s: the key was replaced", a.Record.Note, o.Key)
			}
		}
	}
	if !began && size > 0 {
		r.say(-1, "", "the record with which the log began is missing")
	}
	var latest time.Time
	var missing []int64
	wrong := map[[32]byte]Finding{} // what the database has where the log has something else
	for from := int64(0); from < size; from += Batch {
		to := min(from+Batch, size)
		list, err := o.Audit.Leaves(ctx, from, to)
		if err != nil {
			return err
		}
		at := from
		for _, x := range list {
			for ; at < x.Leaf; at++ {
				missing = append(missing, at)
			}
			at = x.Leaf + 1
			if !x.Found {
				r.say(x.Leaf, x.Record.ID, "it was deleted")
				continue
			}
			r.Records++
			sum, err := leafOf(fields(x.Record))
			if err != nil {
				return err
			}
			if x.Record.Keyless() {
				r.say(x.Leaf, x.Record.ID, "a person of it has no key, so it can't be held against the log: the persons of it were changed, or the key was taken away, or the database comes from a backup of before it was destroyed")
				continue
			}
			if [32]byte(sum) != leaves[x.Leaf] {
				wrong[[32]byte(sum)] = Finding{Leaf: x.Leaf, Record: x.Record.ID}
				continue
			}
			if x.Record.At.Before(latest.Add(-o.Grace)) {
				r.say(x.Leaf, x.Record.ID, "it is dated %s and stands behind what is dated %s: it was added afterwards, or a clock was wrong",
					x.Record.At.UTC().Format(time.RFC3339), latest.UTC().Format(time.RFC3339))
			}
			if x.Record.At.After(latest) {
				latest = x.Record.At
			}
		}
		for ; at < to; at++ {
			missing = append(missing, at)
		}
	}
	r.wrong(wrong, leaves)
	if err := r.missing(ctx, o, missing, gone, leaves); err != nil {
		return err
	}
	lost, err := o.Audit.Unlogged(ctx, o.Now.Add(-o.Grace))
	if err != nil {
		return err
	}
	for _, x := range lost {
		r.say(-1, x[0], "it isn't in the log (%s), though it is older than %s: it was added by hand, or the log stands still", x[1], o.Grace)
	}
	strays, err := o.Audit.Strays(ctx)
	for _, x := range strays {
		r.say(-1, x[0], "a person was put to it by nothing that is on record %s", x[1])
	}
	return err
}

// wrong tells a record that was changed from one that was moved.
func (r *Report) wrong(wrong map[[32]byte]Finding, leaves [][32]byte) {
	if len(wrong) == 0 {
		return
	}
	elsewhere := map[[32]byte]int64{}
	for i, leaf := range leaves {
		if _, ok := wrong[leaf]; ok {
			elsewhere[leaf] = int64(i)
		}
	}
	for sum, f := range wrong {
		if at, ok := elsewhere[sum]; ok {
			r.say(f.Leaf, f.Record, "it stands at leaf %d: the order was changed", at)
		} else {
			r.say(f.Leaf, f.Record, "it isn't what the log has (%s): it was changed, or the persons of it were", hex.EncodeToString(leaves[f.Leaf][:8]))
		}
	}
}

// gone is the leaf before which records may be missing: their end of retention is on record, and the log itself had that
// size long enough before.
func (r *Report) gone(acts []audit.Leaf, retention time.Duration) (upto int64) {
	day := map[int64]time.Time{}
	for _, a := range acts {
		if a.Record.Act == audit.Day && a.Leaf >= 0 {
			day[a.Leaf] = a.Record.At
		}
	}
	for _, a := range acts {
		if a.Record.Act != audit.Erased || a.Leaf < 0 {
			continue
		}
		at, ok := day[a.Record.Upto]
		switch {
		case !ok || a.Record.Upto > a.Leaf:
			r.say(a.Leaf, a.Record.ID, "it says that records before leaf %d were erased, which isn't the beginning of a day in the log", a.Record.Upto)
		case a.Record.At.Sub(at) < retention:
			r.say(a.Leaf, a.Record.ID, "it says that records of before %s were erased on %s: that is before the end of their retention", at.Format(time.DateOnly), a.Record.At.Format(time.DateOnly))
		default:
			upto = max(upto, a.Record.Upto)
		}
	}
	return upto
}

// missing tells which of the leaves without a record in the database should have one.
func (r *Report) missing(ctx context.Context, o Options, list []int64, gone int64, leaves [][32]byte) error {
	list = slices.DeleteFunc(list, func(at int64) bool { return at < gone })
	if len(list) == 0 {
		return nil
	}
	// What is being stored, and what was left by a process that was killed, is still known as pending. First what waits,
	// then what is stored: nothing can slip through between the two.
	waits := map[[32]byte]bool{}
	for after := ""; ; {
		records, err := o.Audit.Pending(ctx, after, Batch)
		if err != nil {
			return err
		}
		for _, x := range records {
			sum, err := leafOf(fields(x))
			if err != nil {
				return err
			}
			waits[[32]byte(sum)] = true
		}
		if len(records) < Batch {
			break
		}
		after = records[len(records)-1].ID
	}
	stored := map[int64]bool{}
	for chunk := range slices.Chunk(list, Batch) {
		found, err := o.Audit.Leaves(ctx, chunk[0], chunk[len(chunk)-1]+1)
		if err != nil {
			return err
		}
		for _, x := range found {
			stored[x.Leaf] = true
		}
	}
	lacks := map[[32]byte][]int64{}
	for _, at := range list {
		if !stored[at] && !waits[leaves[at]] {
			lacks[leaves[at]] = append(lacks[leaves[at]], at)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	// The same leaf a second time says nothing new: two processes believed to be the only one.
	first := map[[32]byte]int64{}
	for i, leaf := range leaves {
		if _, ok := lacks[leaf]; ok {
			if _, ok := first[leaf]; !ok {
				first[leaf] = int64(i)
			}
		}
	}
	for leaf, places := range lacks {
		for _, at := range places {
			if at == first[leaf] || slices.Contains(places, first[leaf]) {
				r.say(at, "", "the database has no record of it: it was deleted, or the database is older than the log")
				r.Findings[len(r.Findings)-1].Missing = true
			}
		}
	}
	return nil
}
