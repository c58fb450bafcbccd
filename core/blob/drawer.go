// SPDX-License-Identifier: EUPL-1.2

package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mercator/base/fault"
	"mercator/base/ident"
)

// Drawer keeps files by the id of the row that names them, each for itself: files that come in
// parts over a line that breaks, and that are taken out again, which a Folder can't do (a document
// there may be somebody else's too). Beside a file lie what was made of it, under its id and an ending.
// All of it is sealed under a key that each file has of its own; who destroys the key has erased the file, wherever copies of
// it are. All nodes on one database use one drawer.
type Drawer struct{ dir string }

// OpenDrawer makes the folder and its 256 parts if they aren't there, and removes what killed processes left half written.
func OpenDrawer(dir string) (*Drawer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Because(fault.Unavailable, "blob.openDrawer", "", err)
	}
	for i := range 256 {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("%02x", i)), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fault.Because(fault.Unavailable, "blob.openDrawer", "", err)
		}
	}
	if err := removeOld(filepath.Join(dir, "??", ".new-*")); err != nil {
		return nil, fault.Wrap("blob.openDrawer", err)
	}
	return &Drawer{dir: dir}, errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// path is where a file lies. The last digits of an id (UUIDv7) are random, its first are the time.
func (d *Drawer) path(id, ending string) (string, error) {
	if !ident.Valid(id) || strings.ContainsAny(ending, `/\`) {
		return "", fault.New(fault.NotFound, "blob.drawer", "")
	}
	return filepath.Join(d.dir, id[len(id)-2:], id+ending), nil
}

// crumbs is how much the frames of a file may take beside its content, on top of an eighth of it: parts of a byte each would take
// the disk thirty times over.
const crumbs = 16 << 10

// Append adds what r gives to a file that holds `at` bytes now, up to size, at which it is whole, and gives how many it holds
// then. What has come before a line broke stays, together with the error; but if check, which is asked when r has ended, fails, or r
// has ended early where check is given, nothing of it does. Who comes while somebody else appends, or at another place
// than the end, gets fault.Conflict, and how many bytes are there.
func (d *Drawer) Append(ctx context.Context, k Key, id string, at int64, r io.Reader, size int64, check func() error) (now int64, err error) {
	const op = "blob.append"
	name, err := d.path(id, "")
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return 0, fault.Because(fault.Conflict, op, "blob.busy", err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	there, end, err := extent(f, info.Size(), nil, id)
	if err == nil && there != at { // after a loss of power a frame may have its length and not its content
		there, end, err = extent(f, info.Size(), k, id)
	}
	switch {
	case err != nil:
		return 0, fault.Because(fault.Unavailable, op, "", err)
	case there != at:
		return there, fault.New(fault.Conflict, op, "blob.elsewhere")
	case end-at > size/8+crumbs:
		return at, fault.New(fault.TooLarge, op, "blob.crumbs")
	}
	// What is beyond is half a frame, left by a crash.
	if err := f.Truncate(end); err != nil {
		return at, fault.Because(fault.Unavailable, op, "", err)
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		return at, fault.Because(fault.Unavailable, op, "", err)
	}
	now, whole := at, end // whole: where the last whole frame ends
	buf := make([]byte, frameMost)
	src := io.LimitReader(r, size-at+1)
	var broken, ended error // the disk, the line
	for ended == nil && broken == nil && now <= size {
		var n int
		if n, ended = fill(src, buf); n == 0 {
			continue
		}
		if now+int64(n) > size {
			now += int64(n)
			break
		}
		var m int64
		if m, broken = writeFrame(f, k, id, now, buf[:n], now+int64(n) == size); broken == nil {
			now, whole = now+int64(n), whole+m
		}
	}
	if ended == io.EOF {
		ended = nil
	}
	err = errors.Join(broken, ended)
	keep := true
	switch {
	case now > size:
		keep, err = false, fault.New(fault.TooLarge, op, "blob.tooLarge")
	case check != nil && err != nil:
		keep = false
	case check != nil:
		err = check()
		keep = err == nil
	}
	if !keep {
		now, whole = at, end
	}
	if e := f.Truncate(whole); e != nil {
		return at, fault.Because(fault.Unavailable, op, "", e)
	}
	// On disk before anybody is told that it is there.
	if e := errors.Join(f.Sync(), syncDir(filepath.Dir(name))); e != nil {
		return at, fault.Because(fault.Unavailable, op, "", e)
	}
	if err != nil && fault.KindOf(err) == fault.Internal {
		err = fault.Because(fault.Unavailable, op, "blob.brokenOff", err)
	}
	return now, err
}

// Size is how much a file holds, as the lengths of its frames say; 0 if nothing.
func (d *Drawer) Size(id string) (int64, error) { return d.size(nil, id) }

// Sound is how much of a file opens, from its beginning on.
func (d *Drawer) Sound(k Key, id string) (int64, error) { return d.size(k, id) }

func (d *Drawer) size(k Key, id string) (int64, error) {
	const op = "blob.size"
	f, err := d.open(id, "")
	if fault.Is(err, fault.NotFound) && ident.Valid(id) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	n, _, err := extent(f, info.Size(), k, id)
	if err != nil {
		return 0, fault.Because(fault.Unavailable, op, "", err)
	}
	return n, nil
}

// Put writes something that was made of a file, beside it.
func (d *Drawer) Put(k Key, id, ending string, b []byte) error {
	name, err := d.path(id, ending)
	if err != nil {
		return err
	}
	if err := Replace(name, func(w io.Writer) error { return sealAll(w, k, id+ending, bytes.NewReader(b), int64(len(b))) }); err != nil {
		return fault.Because(fault.Unavailable, "blob.putBeside", "", err)
	}
	return nil
}

// Open reads a whole file (ending ""), or what lies beside it. What was changed, or cut off, is ErrDamaged where it is read.
func (d *Drawer) Open(k Key, id, ending string) (io.ReadCloser, error) {
	f, err := d.open(id, ending)
	if err != nil {
		return nil, err
	}
	return &opener{ReadCloser: f, k: k, name: id + ending}, nil
}

func (d *Drawer) open(id, ending string) (*os.File, error) {
	name, err := d.path(id, ending)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Because(fault.NotFound, "blob.openFile", "", err)
	}
	if err != nil {
		return nil, fault.Because(fault.Unavailable, "blob.openFile", "", err)
	}
	return f, nil
}

// SealPlain seals a file of before files were sealed, and what lies beside it. size is what the file holds when it is whole. It can
// be broken off and begun again: what is sealed under the key already stays as it is.
func (d *Drawer) SealPlain(k Key, id string, size int64) error {
	const op = "blob.sealPlain"
	name, err := d.path(id, "")
	if err != nil {
		return err
	}
	list, err := filepath.Glob(name + "*") // an id has nothing that Glob reads
	if err != nil {
		return fault.Wrap(op, err)
	}
	for _, path := range list {
		if err := d.sealPlain(k, path, filepath.Base(path), filepath.Base(path) == id, size); err != nil {
			return fault.Because(fault.Unavailable, op, "", err)
		}
	}
	return nil
}

func (d *Drawer) sealPlain(k Key, path, name string, original bool, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !original {
		size = info.Size()
	}
	if there, _, err := extent(f, info.Size(), k, name); err != nil || there > 0 || original && info.Size() == 0 {
		return err
	}
	return Replace(path, func(w io.Writer) error { return sealAll(w, k, name, f, size) })
}

// Remove takes a file out, with all that lies beside it. What isn't there is out already.
func (d *Drawer) Remove(id string) error {
	name, err := d.path(id, "")
	if err != nil {
		return err
	}
	list, err := filepath.Glob(name + "*")
	if err != nil {
		return fault.Wrap("blob.remove", err)
	}
	for _, f := range list {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Because(fault.Unavailable, "blob.remove", "", err)
		}
	}
	if err := syncDir(filepath.Dir(name)); err != nil {
		return fault.Because(fault.Unavailable, "blob.remove", "", err)
	}
	return nil
}
