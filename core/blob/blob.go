// SPDX-License-Identifier: EUPL-1.2

// Package blob keeps documents by the hash of their content (SHA-256), each once.
//
// A document is on disk before the transaction that names it: Put writes a
// temporary file, syncs it, renames it and syncs the folder. So a row never names a
// document that isn't there; a document that no row names is garbage. Documents are
// never changed. All nodes on one database use one folder (Belong).
//
// What people send lies in a Drawer, sealed; what comes with a page and is too large for memory for as long as the page is
// answered in a Scratch.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"mercator/base/fault"
)

// Ref names a document.
type Ref struct {
	Hash string // SHA-256 in hexadecimal
	Size int64  // bytes
}

// Store is where documents are: a folder here, or a bucket.
type Store interface {
	// Put keeps what r gives, at most limit bytes (more is fault.TooLarge), and
	// returns when it is durable.
	Put(ctx context.Context, r io.Reader, limit int64) (Ref, error)
	// Open reads a document; what was damaged on disk is an error at its end.
	Open(ctx context.Context, hash string) (io.ReadCloser, error)
}

// Folder is a Store in a folder of the file system.
type Folder struct{ dir string }

// halfFor is how long a document may take to be written; what is older was left by a
// process that was killed, while a younger one may be another process's at its work.
const halfFor = 24 * time.Hour

// OpenFolder makes the folder and its 256 parts if they aren't there, so that no Put
// has to, and removes what killed processes left half written.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Because(fault.Unavailable, "blob.open", "", err)
	}
	for i := range 256 {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("%02x", i)), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fault.Because(fault.Unavailable, "blob.open", "", err)
		}
	}
	if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(dir))); err != nil {
		return nil, fault.Because(fault.Unavailable, "blob.open", "", err)
	}
	if err := removeOld(filepath.Join(dir, ".put-*")); err != nil {
		return nil, fault.Wrap("blob.open", err)
	}
	return &Folder{dir: dir}, nil
}

func removeOld(half string) error {
	list, err := filepath.Glob(half)
	for _, name := range list {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > halfFor {
			os.Remove(name)
		}
	}
	return err
}

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (f *Folder) path(hash string) string {
	return filepath.Join(f.dir, hash[:2], hash)
}

// Put implements Store.
func (f *Folder) Put(ctx context.Context, r io.Reader, limit int64) (ref Ref, err error) {
	const op = "blob.put"
	tmp, err := os.CreateTemp(f.dir, ".put-*")
	if err != nil {
		return Ref{}, fault.Because(fault.Unavailable, op, "", err)
	}
	defer func() {
		tmp.Close()
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(tmp, h), io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return Ref{}, fault.Wrap(op, err)
	case n > limit:
		return Ref{}, fault.New(fault.TooLarge, op, "blob.tooLarge")
	case ctx.Err() != nil:
		return Ref{}, fault.Because(fault.Unavailable, op, "", ctx.Err())
	}
	ref = Ref{Hash: hex.EncodeToString(h.Sum(nil)), Size: n}
	final := f.path(ref.Hash)
	folder := filepath.Dir(final)
	if _, err := os.Stat(final); err == nil {
		// Whoever put it first may still be waiting for the folder.
		if err := errors.Join(os.Remove(tmp.Name()), syncDir(folder)); err != nil {
			return Ref{}, fault.Because(fault.Unavailable, op, "", err)
		}
		return ref, nil
	}
	// In this order and no further than the first failure: a name must never stand for
	// what isn't on disk.
	for _, step := range []func() error{
		tmp.Sync,
		func() error { return os.Rename(tmp.Name(), final) },
		func() error { return syncDir(folder) },
	} {
		if err := step(); err != nil {
			return Ref{}, fault.Because(fault.Unavailable, op, "", err)
		}
	}
	return ref, nil
}

// PutBytes keeps a document that is in memory.
func PutBytes(ctx context.Context, s Store, b []byte) (Ref, error) {
	return s.Put(ctx, bytes.NewReader(b), int64(len(b)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	const op = "blob.get"
	if !hashPattern.MatchString(hash) {
		return nil, fault.New(fault.NotFound, op, "")
	}
	file, err := os.Open(f.path(hash))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Because(fault.NotFound, op, "", err)
	case err != nil:
		return nil, fault.Because(fault.Unavailable, op, "", err)
	}
	return &checked{File: file, h: sha256.New(), want: hash}, nil
}

// checked compares what was read with its name.
type checked struct {
	*os.File
	h    hash.Hash
	want string
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.h.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(c.h.Sum(nil)) != c.want {
		return n, fault.Internalf("blob.read", "document %s is damaged", c.want)
	}
	return n, err
}

// WriteTo keeps io.Copy from going around the check.
func (c *checked) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{c})
}

// ReadAll reads a whole document of at most limit bytes.
func ReadAll(ctx context.Context, s Store, hash string, limit int64) ([]byte, error) {
	r, err := s.Open(ctx, hash)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fault.New(fault.TooLarge, "blob.readAll", "blob.tooLarge")
	}
	return b, err
}
