// SPDX-License-Identifier: EUPL-1.2

package blob

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the table that names the folder.
func Migrations() store.Migrations { return store.Migrations{Room: "blob", FS: migrations} }

const folderOf = `-- blob.folderOf
SELECT id FROM blob_folder`

const nameFolder = `-- blob.nameFolder
INSERT INTO blob_folder (id, one) VALUES ($1, 1) ON CONFLICT (one) DO NOTHING`

// IDFile is the file in a folder that says which one it is.
const IDFile = "folder.id"

// ErrElsewhere: the documents of a database are in another folder.
var ErrElsewhere = errors.New("the documents of this database are in another folder")

// Belong makes sure that a folder is the one with the documents of a database: of all
// nodes the same, and after a move or a restore that which was moved. The first folder
// that comes to a database is its folder. Else the error is ErrElsewhere.
func (f *Folder) Belong(ctx context.Context, db *store.DB) error {
	const op = "blob.belong"
	own, err := WriteOnce(filepath.Join(f.dir, IDFile), []byte(ident.New()+"\n"))
	if err != nil {
		return fault.Because(fault.Unavailable, op, "", err)
	}
	id := strings.TrimSpace(string(own))
	var want string
	if err := db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, nameFolder, id); err != nil {
			return err
		}
		return tx.QueryRow(ctx, folderOf).Scan(&want)
	}); err != nil {
		return fault.Wrap(op, err)
	}
	if want != id {
		return fmt.Errorf("%w than %s: all nodes need one folder that they share (data.shared); if this is where they were moved to, write %s into the file %s in it", ErrElsewhere, f.dir, want, IDFile)
	}
	return nil
}

// WriteOnce writes a small file unless it is there, and gives what is there: of several
// processes that begin at once one is first, and none reads half of it.
func WriteOnce(path string, b []byte) ([]byte, error) {
	if there, err := os.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		return there, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
