// SPDX-License-Identifier: EUPL-1.2

package blob

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Replace writes a file as a whole, for its owner only: whoever reads it, and whenever the power fails, finds what was
// there before or what write wrote, never a part.
func Replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	// In this order and no further than the first failure: the name must never stand for what isn't on disk.
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// ReplaceBytes is Replace by what is in memory.
func ReplaceBytes(path string, b []byte) error {
	return Replace(path, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(b))
		return err
	})
}
