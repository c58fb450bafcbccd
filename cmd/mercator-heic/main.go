// SPDX-License-Identifier: EUPL-1.2

// Command mercator-heic turns a picture of a telephone (HEIC on standard input) into
// a JPEG (on standard output). It is a program of its own for two reasons: the
// decoder (libheif, as WebAssembly) reads what strangers send and knows neither time nor memory limits, so it
// runs in a process that has both and can be killed (core/inspect.HEICBy starts it); and Mercator itself stays
// without it. Build it with -tags nodynamic: then no library of the machine is ever loaded.
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"

	"github.com/gen2brain/heic"

	"mercator/core/inspect"
)

func main() {
	if err := limit(); err != nil {
		fail(err)
	}
	heic.ForceWasmMode = true
	if err := convert(os.Stdin, os.Stdout); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mercator-heic:", err)
	os.Exit(1)
}

func convert(r io.Reader, w io.Writer) error {
	b, err := io.ReadAll(io.LimitReader(r, inspect.MaxFile+1))
	if err != nil {
		return err
	}
	if _, err := inspect.HEICSize(b); err != nil { // before a pixel is decoded
		return err
	}
	img, err := heic.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	if box := img.Bounds(); box.Dx()*box.Dy() > inspect.MaxPixels {
		return fmt.Errorf("%d by %d pixels", box.Dx(), box.Dy())
	}
	if n, ok := img.(*image.NRGBA); ok { // the coder is made for RGBA; opaque, the two are the same bytes
		img = &image.RGBA{Pix: n.Pix, Stride: n.Stride, Rect: n.Rect}
	}
	return jpeg.Encode(w, img, &jpeg.Options{Quality: 95})
}
