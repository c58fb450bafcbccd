// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"mercator/base/fault"
	"mercator/core/audit"
	"mercator/core/store"

	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

// NewKey makes the key that checkpoints are signed with. The log is named after the address of the city.
func NewKey(publicURL string) (string, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return "", err
	}
	key, _, err := note.GenerateKey(rand.Reader, u.Host+"/ledger")
	return key, err
}

// VerifierKey is the public half of a key.
func VerifierKey(key string) (string, error) {
	bad := errors.New("the key of the ledger is damaged")
	part := strings.SplitN(strings.TrimSpace(key), "+", 5) // PRIVATE+KEY+name+hash+data
	if len(part) != 5 {
		return "", bad
	}
	data, err := base64.StdEncoding.DecodeString(part[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return "", bad
	}
	return note.NewEd25519VerifierKey(part[2], ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey))
}

// Config is what a log needs.
type Config struct {
	Dir       string // of the tiles; all nodes on one database share it
	Key       string // as NewKey made it
	Audit     *audit.Ledger
	Now       func() time.Time
	Log       *slog.Logger
	Retention time.Duration // of entries; 0: two years
}

// Retention is how long entries are kept if nothing else is said.
const Retention = 730 * 24 * time.Hour

// Log is the transparency log of a ledger.
type Log struct {
	dir       string
	signer    note.Signer
	verifier  note.Verifier
	public    string
	audit     *audit.Ledger
	now       func() time.Time
	log       *slog.Logger
	retention time.Duration
	mu        sync.Mutex
	// fail is for tests: what happens after the log has a batch and before the database knows.
	fail func() error
}

// Open opens the log, or a folder for it.
func Open(c Config) (*Log, error) {
	l := &Log{dir: c.Dir, audit: c.Audit, now: c.Now, log: c.Log, retention: c.Retention}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.retention == 0 {
		l.retention = Retention
	}
	var err error
	if l.public, err = VerifierKey(c.Key); err != nil {
		return nil, err
	}
	if l.verifier, err = note.NewVerifier(l.public); err != nil {
		return nil, err
	}
	if l.signer, err = note.NewSigner(strings.TrimSpace(c.Key)); err != nil {
		return nil, errors.New("the key of the ledger is damaged")
	}
	return l, os.MkdirAll(c.Dir, 0o700)
}

// PublicKey is what checkpoints are verified with.
func (l *Log) PublicKey() string { return l.public }

// Batch is how many records are added to the log at once.
const Batch = 2048

// ErrShorter: somebody has put an older state of the log in its place, or the database is another's.
var ErrShorter = errors.New("the log is shorter than the database knows: it was rolled back, or isn't the one of this database; nothing is added to it")

// quiet keeps the library from writing to standard error by itself.
var quiet = sync.OnceFunc(func() { klog.SetSlogLogger(slog.New(slog.DiscardHandler)) })

// Append adds to the log what isn't in it, and stores where it stands. Only one process does so at a time. Killed anywhere
// it can be begun again: what the log has already, and the database doesn't know of, is recognised by its hash.
func (l *Log) Append(ctx context.Context) (n int, err error) {
	const op = "ledger.append"
	quiet()
	l.mu.Lock()
	defer l.mu.Unlock()
	unlock, err := lock(filepath.Join(l.dir, lockName))
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	defer unlock()
	if err := l.mark(ctx); err != nil {
		return 0, fault.Wrap(op, err)
	}
	// Only this process: an appender that is open for longer would look at its files ten times a second.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	driver, err := posix.New(ctx, posix.Config{Path: l.dir})
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	o := tessera.NewAppendOptions().WithCheckpointSigner(l.signer).WithBatching(Batch, 5*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond).WithCheckpointRepublishInterval(0)
	appender, _, reader, err := tessera.NewAppender(ctx, driver, o)
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	size, err := reader.IntegratedSize(ctx)
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	next, err := l.audit.NextLeaf(ctx)
	if err != nil {
		return 0, err
	}
	if uint64(next) > size {
		return 0, fault.Because(fault.Internal, op, "", ErrShorter)
	}
	if n, err = l.recover(ctx, reader, uint64(next), size); err != nil {
		return n, fault.Wrap(op, err)
	}
	for ctx.Err() == nil {
		records, err := l.audit.Pending(ctx, "", Batch)
		if err != nil || len(records) == 0 {
			return n, err
		}
		futures := make([]tessera.IndexFuture, len(records))
		for i, r := range records {
			leaf, err := leafOf(fields(r))
			if err != nil {
				return n, fault.Wrap(op, err)
			}
			futures[i] = appender.Add(ctx, tessera.NewEntry(leaf))
		}
		leaves := make([]audit.Leaf, len(records))
		for i, f := range futures {
			index, err := f()
			if err != nil {
				return n, fault.Because(fault.Unavailable, op, "", err)
			}
			leaves[i] = audit.Leaf{Leaf: int64(index.Index), Record: records[i]}
		}
		if l.fail != nil {
			if err := l.fail(); err != nil {
				return n, err
			}
		}
		end := uint64(leaves[len(leaves)-1].Leaf + 1)
		if err := published(ctx, reader, end); err != nil {
			return n, fault.Wrap(op, err)
		}
		if err := l.audit.Store(ctx, leaves); err != nil {
			return n, fault.Wrap(op, err)
		}
		n += len(records)
		l.tidy(size, end)
		size = end
		if len(records) < Batch {
			break
		}
	}
	return n, ctx.Err()
}

// recover finds for the leaves that the database doesn't know of the records they stand for: the process was killed between
// the two. A leaf without a record (the database is older: it was restored) stays one; verify names it.
func (l *Log) recover(ctx context.Context, source Source, from, size uint64) (n int, err error) {
	if from == size {
		return 0, nil
	}
	if err := published(ctx, source, size); err != nil {
		return 0, err
	}
	where := map[string]uint64{}
	for at := from; at < size; {
		bundle, err := client.GetEntryBundle(ctx, source.ReadEntryBundle, at/layout.EntryBundleWidth, size)
		if err != nil {
			return 0, err
		}
		for _, leaf := range bundle.Entries[at%layout.EntryBundleWidth:] {
			if _, twice := where[string(leaf)]; !twice {
				where[string(leaf)] = at
			}
			at++
		}
	}
	var found []audit.Leaf
	for after := ""; len(where) > 0; {
		records, err := l.audit.Pending(ctx, after, Batch)
		if err != nil {
			return 0, err
		}
		for _, r := range records {
			leaf, err := leafOf(fields(r))
			if err != nil {
				return 0, err
			}
			if at, ok := where[string(leaf)]; ok {
				found = append(found, audit.Leaf{Leaf: int64(at), Record: r})
				delete(where, string(leaf))
			}
		}
		if len(records) < Batch {
			break
		}
		after = records[len(records)-1].ID
	}
	if len(where) > 0 {
		l.log.Error("ledger: the log has records that the database doesn't; mercator ledger verify names them", "leaves", len(where), "from", from)
	}
	return len(found), l.audit.Store(ctx, found)
}

// published waits for a checkpoint that covers a size: before it nothing is said to be in the log.
func published(ctx context.Context, source Source, size uint64) error {
	for {
		raw, err := source.ReadCheckpoint(ctx)
		if err == nil {
			var c formats.Checkpoint
			if _, err := c.Unmarshal(raw); err != nil {
				return err
			}
			if c.Size >= size {
				return nil
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tidy removes what is left of bundles and tiles from before they were full. The library does it too, but only while an
// appender is open.
func (l *Log) tidy(from, to uint64) {
	for level := uint64(0); ; level++ {
		from, to = from/layout.TileWidth, to/layout.TileWidth
		if from == to {
			return
		}
		for i := from; i < to; i++ {
			// What can't be removed takes space and does no other harm.
			os.RemoveAll(filepath.Join(l.dir, layout.TilePath(level, i, 0)+".p"))
			if level == 0 {
				os.RemoveAll(filepath.Join(l.dir, layout.EntriesPath(i, 0)+".p"))
			}
		}
	}
}

// mark puts on record that the log has begun, with which key, and each new day: so the log says itself about when it had
// which size.
func (l *Log) mark(ctx context.Context) error {
	acts, err := l.audit.Acts(ctx)
	if err != nil {
		return err
	}
	now, began, day := l.now().UTC(), false, ""
	for _, a := range acts {
		began = began || a.Record.Act == audit.Began
		if a.Record.Act == audit.Day {
			day = max(day, a.Record.At.UTC().Format(time.DateOnly))
		}
	}
	if began && day >= now.Format(time.DateOnly) {
		return nil
	}
	checkpoint, err := os.ReadFile(filepath.Join(l.dir, layout.CheckpointPath))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.audit.DB.Write(ctx, func(tx *store.Tx) error {
		if !began {
			if err := l.audit.AddAct(ctx, tx, audit.Record{Act: audit.Began, At: now, Note: l.public}); err != nil {
				return err
			}
		}
		return l.audit.AddAct(ctx, tx, audit.Record{Act: audit.Day, At: now, Note: string(checkpoint)})
	})
}

// Retain removes entries at the end of their retention. That they go is a record of the log before they do: everything
// before the leaf of a day that is long enough ago.
func (l *Log) Retain(ctx context.Context) (n int, err error) {
	const op = "ledger.retain"
	acts, err := l.audit.Acts(ctx)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	now := l.now().UTC()
	var stated, logged, upto int64
	for _, a := range acts {
		switch {
		case a.Record.Act == audit.Erased:
			stated = max(stated, a.Record.Upto)
			if a.Leaf >= 0 {
				logged = max(logged, a.Record.Upto)
			}
		case a.Record.Act == audit.Day && a.Leaf >= 0 && !a.Record.At.After(now.Add(-l.retention)):
			upto = max(upto, a.Leaf)
		}
	}
	if upto > stated {
		if err := l.audit.DB.Write(ctx, func(tx *store.Tx) error {
			return l.audit.AddAct(ctx, tx, audit.Record{Act: audit.Erased, At: now, Upto: upto, N: upto - logged})
		}); err != nil {
			return 0, fault.Wrap(op, err)
		}
	}
	if n, err = l.audit.End(ctx, logged); err != nil {
		return n, fault.Wrap(op, err)
	}
	return n, fault.Wrap(op, l.audit.Partition(ctx, now, now.Add(-l.retention)))
}

// Forget makes it impossible to say which entries a person is in. The log still verifies.
func (l *Log) Forget(ctx context.Context, person string) error {
	return l.audit.Forget(ctx, person, l.now().UTC(), Commit)
}

// Freeze keeps the log in a folder from growing until it is released: for a copy.
func Freeze(dir string) (release func(), err error) { return lock(filepath.Join(dir, lockName)) }

const lockName = ".append.lock"

// lock waits until no other process has the file.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// openCheckpoint verifies a checkpoint.
func openCheckpoint(raw []byte, v note.Verifier) (*formats.Checkpoint, error) {
	c, _, _, err := formats.ParseCheckpoint(raw, v.Name(), v)
	if err != nil {
		if !bytes.Contains(raw, []byte("— "+v.Name()+" ")) {
			return nil, fmt.Errorf("it isn't of the log %s", v.Name())
		}
		return nil, fmt.Errorf("it isn't signed with the key %s: %w", v.Name(), err)
	}
	return c, nil
}
