// SPDX-License-Identifier: EUPL-1.2

package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"mercator/base/fault"
)

// size holds the sides of a picture against the bounds.
func size(w, h int) error {
	switch {
	case w <= 0 || h <= 0:
		return refuse("damaged")
	case w > MaxSide || h > MaxSide || w*h > MaxPixels:
		return refuse("pixels", "max", MaxPixels/1_000_000)
	}
	return nil
}

// segments calls f with each segment of a JPEG before its picture data: its marker and its content. It gives where the data begin.
func segments(b []byte, f func(marker byte, content []byte)) (data int, ok bool) {
	at := 2
	for at+4 <= len(b) && b[at] == 0xff {
		m := b[at+1]
		switch {
		case m == 0xff: // fill
			at++
			continue
		case m == 0x01 || m >= 0xd0 && m <= 0xd8: // no content
			at += 2
			continue
		case m == 0xd9:
			return at, false
		}
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		if n < 2 || at+2+n > len(b) {
			return at, false
		}
		f(m, b[at+4:at+2+n])
		at += 2 + n
		if m == 0xda {
			return at, true
		}
	}
	return at, false
}

// frame tells whether a marker is the start of a frame, which has the sides.
func frame(m byte) bool { return m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc }

func jpegSize(b []byte) (w, h int, err error) {
	frames := 0
	_, ok := segments(b, func(m byte, c []byte) {
		if frame(m) && len(c) >= 6 {
			frames++
			h, w = int(binary.BigEndian.Uint16(c[1:])), int(binary.BigEndian.Uint16(c[3:]))
		}
	})
	if !ok || frames != 1 {
		return 0, 0, refuse("damaged")
	}
	return w, h, size(w, h)
}

// jpegBeside is what of a JPEG isn't its picture: its metadata, and what follows it. Telephones put
// a second picture or a film there, so that alone is no reason to refuse one.
func jpegBeside(b []byte) []byte {
	var out []byte
	at, ok := segments(b, func(m byte, c []byte) {
		if m == 0xfe || m >= 0xe0 && m <= 0xef {
			out = append(out, c...)
			out = append(out, ' ')
		}
	})
	// A program in disguise: the length of the first segment reads as the start of a comment.
	if len(b) > 6 && string(b[4:6]) == "/*" && bytes.Contains(out, []byte("*/")) {
		out = append(out, "<script"...)
	}
	if !ok {
		return out
	}
	for at < len(b) { // through the picture data, where ff is followed by 00 or the number of a restart
		i := bytes.IndexByte(b[at:], 0xff)
		if i < 0 || at+i+1 >= len(b) {
			break
		}
		at += i + 1
		if b[at] == 0xd9 {
			return append(out, b[at+1:]...)
		}
	}
	return out
}

// chunks calls f with each chunk of a PNG; it gives what follows the last.
func chunks(b []byte, f func(kind string, content []byte)) (rest []byte, ok bool) {
	at := 8
	for at+12 <= len(b) {
		n := int(binary.BigEndian.Uint32(b[at:]))
		if n < 0 || n > len(b)-at-12 {
			return nil, false
		}
		kind := string(b[at+4 : at+8])
		f(kind, b[at+8:at+8+n])
		at += 12 + n
		if kind == "IEND" {
			return b[at:], true
		}
	}
	return nil, false
}

func pngSize(b []byte) (w, h int, err error) {
	heads, depth := 0, 8
	_, ok := chunks(b, func(kind string, c []byte) {
		if kind == "IHDR" && len(c) == 13 {
			heads++
			w, h, depth = int(binary.BigEndian.Uint32(c)), int(binary.BigEndian.Uint32(c[4:])), int(c[8])
		}
	})
	if !ok || heads != 1 {
		return 0, 0, refuse("damaged")
	}
	if err := size(w, h); err != nil {
		return w, h, err
	}
	if depth == 16 && w*h > MaxPixels/2 { // eight bytes a pixel
		return w, h, refuse("pixels", "max", MaxPixels/2_000_000)
	}
	return w, h, nil
}

func pngBeside(b []byte) []byte {
	var out []byte
	rest, _ := chunks(b, func(kind string, c []byte) {
		switch kind {
		case "IDAT", "IHDR", "PLTE", "IEND":
		default:
			out = append(out, c...)
			out = append(out, ' ')
		}
	})
	return append(out, rest...)
}

// Picture is a picture made anew from the pixels of a file: without its place, its camera, its time and
// whatever else was in it.
type Picture struct {
	JPEG          []byte
	Bits          []byte // in its place, of what is black and white: a bit for each pixel, 1 is white, each row begins with a byte
	Width, Height int    // as they are in JPEG, before it is turned
	Orientation   int    // 1 to 8 (Exif 2.32, tag 274): how it is to be turned
	Gray          bool
	Thumbnail     []byte // JPEG, turned; of a page that isn't the first none
}

// thumbnail is the longer side of a preview.
const thumbnail = 240

// Draw makes the picture of a file that File has found to be a picture. heic reads HEIC; nil: nobody can.
func Draw(ctx context.Context, b []byte, typ string, heic HEIC) (Picture, error) {
	if typ == HEICType {
		if heic == nil {
			return Picture{}, refuse("noHEIC")
		}
		var err error
		if b, err = heic(ctx, b); err != nil { // it turns the picture upright
			return Picture{}, err
		}
		typ = JPEG
		if _, _, err := jpegSize(b); err != nil {
			return Picture{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Picture{}, fault.Because(fault.Unavailable, "inspect.draw", "", err)
	}
	turned := 1
	var img image.Image
	var err error
	switch typ {
	case JPEG:
		turned = orientation(b)
		img, err = jpeg.Decode(bytes.NewReader(b))
	case PNG:
		img, err = png.Decode(bytes.NewReader(b))
	default:
		return Picture{}, refuse("type")
	}
	if err != nil {
		return Picture{}, fault.Because(fault.Invalid, "inspect.draw", "inspect.damaged", err)
	}
	return picture(img, turned, true, false)
}

// picture makes one of pixels.
func picture(img image.Image, orientation int, thumbnail, bilevel bool) (p Picture, err error) {
	box := img.Bounds()
	if err := size(box.Dx(), box.Dy()); err != nil {
		return Picture{}, err
	}
	p.Width, p.Height, p.Orientation = box.Dx(), box.Dy(), orientation
	if thumbnail {
		defer func() {
			if err == nil {
				p.Thumbnail, err = small(img, orientation)
			}
		}()
	}
	if bilevel {
		if p.Bits = bits(img); p.Bits != nil {
			p.Gray = true
			return p, nil
		}
	}
	switch x := img.(type) {
	case *image.YCbCr:
	case *image.Gray:
		p.Gray = true
	case *image.RGBA:
		if !x.Opaque() {
			img = onWhite(img)
		}
	default: // with a palette, CMYK, 16 bit, transparent
		img = onWhite(img)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 90}); err != nil {
		return Picture{}, fault.Wrap("inspect.draw", err)
	}
	p.JPEG = out.Bytes()
	return p, nil
}

func onWhite(img image.Image) image.Image {
	box := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, box.Dx(), box.Dy()))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, box.Min, draw.Over)
	return out
}

// small is the preview of a picture, turned as it is to be seen.
func small(img image.Image, orientation int) ([]byte, error) {
	box := img.Bounds()
	w, h := box.Dx(), box.Dy()
	if long := max(w, h); long > thumbnail {
		w, h = max(1, w*thumbnail/long), max(1, h*thumbnail/long)
	}
	flat := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(flat, flat.Bounds(), img, box, draw.Src, nil)
	turned := image.NewRGBA(flat.Bounds())
	if orientation >= 5 {
		turned = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := turn(x, y, w, h, orientation)
			turned.SetRGBA(tx, ty, flat.RGBAAt(x, y))
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, turned, &jpeg.Options{Quality: 75})
	return out.Bytes(), err
}

// turn is where a pixel comes to stand.
func turn(x, y, w, h, orientation int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}

// orientation is how a camera was held; 1 if it doesn't say.
func orientation(b []byte) int {
	out := 1
	segments(b, func(m byte, c []byte) {
		if m != 0xe1 || !bytes.HasPrefix(c, []byte("Exif\x00\x00")) || out != 1 {
			return
		}
		t := c[6:]
		if len(t) < 8 {
			return
		}
		var o binary.ByteOrder = binary.BigEndian
		if string(t[:2]) == "II" {
			o = binary.LittleEndian
		}
		at := int(o.Uint32(t[4:]))
		if at < 8 || at > len(t)-2 {
			return
		}
		n := int(o.Uint16(t[at:]))
		for i := range n {
			e := at + 2 + 12*i
			if e+12 > len(t) {
				return
			}
			if o.Uint16(t[e:]) == 274 {
				if v := int(o.Uint16(t[e+8:])); v >= 1 && v <= 8 {
					out = v
				}
				return
			}
		}
	})
	return out
}
