// SPDX-License-Identifier: EUPL-1.2

package blob

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"mercator/base/fault"
)

// Scratch keeps for a while what may be too large for memory: up to a bound there, and what is more in a file of the system's folder
// for such files (TMPDIR), which has no name any more once it is open, and is sealed under a key that should be kept nowhere. So
// nothing of it is left behind, whenever the process ends.
type Scratch struct {
	file *os.File
	mem  []byte
	size int64
	k    Key
}

const scratchName = "scratch"

// NewScratch keeps all that r gives, up to inMemory bytes in memory.
func NewScratch(k Key, r io.Reader, inMemory int64) (*Scratch, error) {
	const op = "blob.scratch"
	s := &Scratch{k: k}
	var err error
	if s.mem, err = io.ReadAll(io.LimitReader(r, inMemory+1)); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if s.size = int64(len(s.mem)); s.size <= inMemory {
		return s, nil
	}
	if s.file, err = os.CreateTemp("", ".scratch-*"); err != nil {
		return nil, fault.Because(fault.Unavailable, op, "", err)
	}
	if err := os.Remove(s.file.Name()); err != nil {
		return nil, fault.Because(fault.Unavailable, op, "", errors.Join(err, s.Close()))
	}
	n := &counted{r: io.MultiReader(bytes.NewReader(s.mem), r)}
	s.mem = nil
	if err = sealAll(s.file, k, scratchName, n, -1); err == nil { // its length isn't known before its end
		_, err = writeFrame(s.file, k, scratchName, n.n, nil, true)
	}
	if err != nil {
		err = errors.Join(err, s.Close())
		if disk := (*fs.PathError)(nil); errors.As(err, &disk) { // else it is what was to be read
			return nil, fault.Because(fault.Unavailable, op, "", err)
		}
		return nil, fault.Wrap(op, err)
	}
	s.size = n.n
	return s, nil
}

type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Size is how much it is.
func (s *Scratch) Size() int64 { return s.size }

// Held is how much of it is in memory.
func (s *Scratch) Held() int64 { return int64(len(s.mem)) }

// Open reads it, from the beginning each time.
func (s *Scratch) Open() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem)
	}
	return &opener{ReadCloser: io.NopCloser(io.NewSectionReader(s.file, 0, 1<<62)), k: s.k, name: scratchName}
}

// Close lets it go.
func (s *Scratch) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
