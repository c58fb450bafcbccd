// SPDX-License-Identifier: EUPL-1.2

package blob

import (
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
// All nodes on one database use one drawer.
type Drawer struct{ dir string }

// OpenDrawer makes the folder and its 256 parts if they aren't there.
func OpenDrawer(dir string) (*Drawer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Because(fault.Unavailable, "blob.openDrawer", "", err)
	}
	for i := range 256 {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("%02x", i)), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fault.Because(fault.Unavailable, "blob.openDrawer", "", err)
		}
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

// Append adds what r gives to a file that is `at` bytes long now, up to limit bytes in all, and gives how long it
// is then. What has come before a line broke stays, together with the error; but if check, which is asked when r has ended, fails, or r
// has ended early where check is given, nothing of it does. Who comes while somebody else appends, or at another place
// than the end, gets fault.Conflict, and how long the file is.
func (d *Drawer) Append(ctx context.Context, id string, at int64, r io.Reader, limit int64, check func() error) (size int64, err error) {
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
	if info.Size() != at {
		return info.Size(), fault.New(fault.Conflict, op, "blob.elsewhere")
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return at, fault.Because(fault.Unavailable, op, "", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, limit-at+1))
	switch {
	case at+n > limit:
		n, err = 0, fault.New(fault.TooLarge, op, "blob.tooLarge")
	case check != nil && err != nil:
		n = 0
	case check != nil:
		if err = check(); err != nil {
			n = 0
		}
	}
	if n == 0 {
		if e := f.Truncate(at); e != nil {
			return at, fault.Because(fault.Unavailable, op, "", e)
		}
	}
	// On disk before anybody is told that it is there.
	if e := errors.Join(f.Sync(), syncDir(filepath.Dir(name))); e != nil {
		return at, fault.Because(fault.Unavailable, op, "", e)
	}
	if err != nil && fault.KindOf(err) == fault.Internal { // the line, not the disk
		err = fault.Because(fault.Unavailable, op, "blob.brokenOff", err)
	}
	return at + n, err
}

// Size is how much of a file there is; 0 if nothing.
func (d *Drawer) Size(id string) (int64, error) {
	name, err := d.path(id, "")
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fault.Because(fault.Unavailable, "blob.size", "", err)
	}
	return info.Size(), nil
}

// Put writes something that was made of a file, beside it.
func (d *Drawer) Put(id, ending string, b []byte) error {
	name, err := d.path(id, ending)
	if err != nil {
		return err
	}
	if err := ReplaceBytes(name, b); err != nil {
		return fault.Because(fault.Unavailable, "blob.putBeside", "", err)
	}
	return nil
}

// Open reads a file (ending ""), or what lies beside it.
func (d *Drawer) Open(id, ending string) (*os.File, error) {
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

// Remove takes a file out, with all that lies beside it. What isn't there is out already.
func (d *Drawer) Remove(id string) error {
	name, err := d.path(id, "")
	if err != nil {
		return err
	}
	list, err := filepath.Glob(name + "*") // an id has nothing that Glob reads
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
