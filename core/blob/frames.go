// SPDX-License-Identifier: EUPL-1.2

package blob

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"

	"mercator/base/fault"
)

// Key seals what lies at a place, and opens it there and nowhere else: a vault.Key is one. What it seals becomes Overhead
// bytes longer.
type Key interface {
	Seal(place string, plain []byte) ([]byte, error)
	Open(place string, sealed []byte) ([]byte, error)
}

// Overhead is the nonce and the tag of AES-GCM.
const Overhead = 12 + 16

// A sealed file is a sequence of frames, so that it can be added to, and read as a stream:
//
//	4 bytes   how many bytes it holds, and in the highest bit whether it is the last
//	the rest  these bytes, sealed for this file, the offset at which they begin, and for being the last or not
//
// So no frame can be changed, moved, left out, or taken for the end; only what isn't whole yet can be cut off at a frame, and
// that is what it is for: what a crash has left of one is cut off, and the rest holds.
const (
	frameMost = 64 << 10
	frameHead = 4
	lastFrame = 1 << 31
)

// ErrDamaged: a file was changed, or cut off, or was sealed under another key.
var ErrDamaged = errors.New("a file doesn't open: it was changed, cut off, or sealed under another key")

func damaged() error { return fault.Because(fault.Internal, "blob.frame", "", ErrDamaged) }

// frame is the head of one.
type frame struct {
	size int
	last bool
}

func readFrame(head []byte) (frame, bool) {
	n := binary.BigEndian.Uint32(head)
	f := frame{int(n &^ lastFrame), n&lastFrame != 0}
	return f, f.size <= frameMost && (f.size > 0 || f.last) // an empty file has an empty frame
}

// place is what a frame is sealed for.
func (f frame) place(name string, at int64) string {
	end := ""
	if f.last {
		end = " last"
	}
	return name + " " + strconv.FormatInt(at, 10) + end
}

// writeFrame seals what a file has from an offset on. It gives how many bytes that takes.
func writeFrame(w io.Writer, k Key, name string, at int64, plain []byte, last bool) (int64, error) {
	f := frame{len(plain), last}
	sealed, err := k.Seal(f.place(name, at), plain)
	if err != nil {
		return 0, err
	}
	if len(sealed) != len(plain)+Overhead {
		return 0, fault.Internalf("blob.frame", "the key adds %d bytes, not %d", len(sealed)-len(plain), Overhead)
	}
	head := uint32(f.size)
	if last {
		head |= lastFrame
	}
	n, err := w.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, frameHead+len(sealed)), head), sealed...))
	return int64(n), err
}

// sealAll seals what r gives, which has size bytes when it is whole: only then does the last frame say that it is the last.
func sealAll(w io.Writer, k Key, name string, r io.Reader, size int64) error {
	buf := make([]byte, frameMost)
	for at := int64(0); ; {
		n, err := fill(r, buf)
		if err != nil && err != io.EOF {
			return err
		}
		if last := at+int64(n) == size; n > 0 || last && at == 0 {
			if _, err := writeFrame(w, k, name, at, buf[:n], last); err != nil {
				return err
			}
		}
		if at += int64(n); err == io.EOF {
			return nil
		}
	}
}

// fill is io.ReadFull that doesn't hide whether a reader has ended or broken off.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// extent is how far the frames of a file of that length go: how many bytes they hold, and where the last whole one ends. With a key
// only what opens counts, without one what the lengths say.
func extent(r io.ReaderAt, length int64, k Key, name string) (plain, end int64, err error) {
	head, body := make([]byte, frameHead), []byte(nil)
	for end+frameHead <= length {
		if _, err := r.ReadAt(head, end); err != nil {
			return plain, end, err
		}
		f, ok := readFrame(head)
		next := end + frameHead + int64(f.size) + Overhead
		if !ok || next > length {
			return plain, end, nil
		}
		if k != nil {
			if body == nil {
				body = make([]byte, frameMost+Overhead)
			}
			if _, err := r.ReadAt(body[:f.size+Overhead], end+frameHead); err != nil {
				return plain, end, err
			}
			if _, err := k.Open(f.place(name, plain), body[:f.size+Overhead]); err != nil {
				return plain, end, nil
			}
		}
		if plain, end = plain+int64(f.size), next; f.last {
			return plain, end, nil
		}
	}
	return plain, end, nil
}

// opener reads a whole sealed file.
type opener struct {
	io.ReadCloser
	k     Key
	name  string
	at    int64
	plain []byte
	body  []byte
	last  bool
	err   error
}

// Read implements io.Reader. What comes is as it was sealed; only at the end it is certain that nothing is missing.
func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 && o.err == nil {
		if o.last {
			o.err = io.EOF
			break
		}
		o.err = o.next()
	}
	if len(o.plain) == 0 {
		return 0, o.err
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

func (o *opener) next() error {
	if o.body == nil {
		o.body = make([]byte, frameMost+Overhead)
	}
	read := func(b []byte) error {
		n, err := fill(o.ReadCloser, b)
		if n == len(b) {
			return nil
		}
		if err == io.EOF {
			return damaged()
		}
		return fault.Because(fault.Unavailable, "blob.read", "", err)
	}
	if err := read(o.body[:frameHead]); err != nil {
		return err
	}
	f, ok := readFrame(o.body)
	if !ok {
		return damaged()
	}
	sealed := o.body[:f.size+Overhead]
	if err := read(sealed); err != nil {
		return err
	}
	plain, err := o.k.Open(f.place(o.name, o.at), sealed)
	if err != nil {
		return damaged()
	}
	o.plain, o.last = plain, f.last
	if o.at += int64(f.size); f.last {
		if n, err := fill(o.ReadCloser, o.body[:1]); n > 0 || err != io.EOF {
			return damaged()
		}
	}
	return nil
}
