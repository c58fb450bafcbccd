// SPDX-License-Identifier: EUPL-1.2

package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"time"

	"mercator/base/fault"
)

// HEICSize reads the sides of a HEIC file from its image properties (ISO/IEC 23008-12, 6.5.3): the largest that any of
// its images has. What the picture data say may differ: the decoder's process is bounded for that.
func HEICSize(b []byte) (image.Point, error) {
	var most image.Point
	n := 0
	var walk func(b []byte, depth int) bool
	walk = func(b []byte, depth int) bool {
		for len(b) >= 8 {
			if n++; n > 10_000 || depth > 4 {
				return false
			}
			size, head := uint64(binary.BigEndian.Uint32(b)), 8
			kind := string(b[4:8])
			switch {
			case size == 1 && len(b) >= 16:
				size, head = binary.BigEndian.Uint64(b[8:]), 16
			case size == 0:
				size = uint64(len(b))
			}
			if size < uint64(head) || size > uint64(len(b)) {
				return false
			}
			body := b[head:size]
			switch {
			case kind == "meta" && len(body) >= 4:
				if !walk(body[4:], depth+1) {
					return false
				}
			case kind == "iprp" || kind == "ipco":
				if !walk(body, depth+1) {
					return false
				}
			case kind == "ispe" && len(body) >= 12:
				w, h := int(binary.BigEndian.Uint32(body[4:])), int(binary.BigEndian.Uint32(body[8:]))
				if w > MaxSide || h > MaxSide || w*h > most.X*most.Y {
					most = image.Pt(w, h)
				}
			}
			b = b[size:]
		}
		return true
	}
	if !walk(b, 0) {
		return most, refuse("damaged")
	}
	return most, size(most.X, most.Y)
}

func heicSize(b []byte) (w, h int, err error) {
	p, err := HEICSize(b)
	return p.X, p.Y, err
}

// HEIC turns a HEIC picture into a JPEG.
type HEIC func(ctx context.Context, b []byte) ([]byte, error)

// HEICBy has the program mercator-heic do it: a process that can be killed, with bounds of its own.
func HEICBy(program string) HEIC {
	return func(ctx context.Context, b []byte) ([]byte, error) {
		const op = "inspect.heic"
		ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, program)
		cmd.Env = []string{} // it needs nothing of ours, secrets least of all
		cmd.Dir = "/"
		cmd.Stdin = bytes.NewReader(b)
		out := &bounded{left: 2 * MaxFile}
		cmd.Stdout = out
		err := cmd.Run()
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return nil, fault.Because(fault.Unavailable, op, "", ctx.Err())
		case errors.As(err, &exit): // the picture's fault, as far as anybody can tell
			return nil, fault.Because(fault.Invalid, op, "inspect.damaged", err)
		case err != nil:
			return nil, fault.Because(fault.Invalid, op, "inspect.noHEIC", err)
		}
		return out.buf.Bytes(), nil
	}
}

// bounded keeps what a program says, up to a bound.
type bounded struct {
	buf  bytes.Buffer
	left int
}

func (w *bounded) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, fmt.Errorf("more than was to be expected: %w", io.ErrShortWrite)
	}
	return w.buf.Write(p)
}
