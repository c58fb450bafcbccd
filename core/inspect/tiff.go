// SPDX-License-Identifier: EUPL-1.2

package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"

	"golang.org/x/image/tiff"

	"mercator/base/fault"
)

// Bounds of a TIFF, which is what scanners make: pages in one file, each a picture in strips or tiles (TIFF 6.0).
const (
	maxTIFFPages  = 100
	maxTIFFPixels = 500_000_000 // of all pages
	maxTIFFBlocks = 400_000     // strips and tiles of all pages
	// A strip or tile that is packed may unpack to eight bytes a pixel, whatever the picture needs.
	maxTIFFBlock = 10_000_000
	maxDrawn     = 64 << 20 // bytes of what is made of all pages
)

// The tags that are looked at.
const (
	tagSubfile     = 254
	tagWidth       = 256
	tagLength      = 257
	tagBits        = 258
	tagCompression = 259
	tagColors      = 262
	tagOrientation = 274
	tagRows        = 278
	tagTileWidth   = 322
	tagTileLength  = 323
)

// directory is a page of a TIFF.
type directory struct {
	at            int // in the file
	width, height int
	orientation   int
	bilevel       bool // black and white and nothing else
	small         bool // a preview of another page, or its mask
}

func tiffOrder(b []byte) binary.ByteOrder {
	if b[0] == 'M' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// directories are the pages of a TIFF, in the order of the file, those left out that are previews.
func directories(b []byte) ([]directory, error) {
	if len(b) < 8 {
		return nil, refuse("damaged")
	}
	order := tiffOrder(b)
	var out []directory
	seen := map[int]bool{}
	pixels, blocks := 0, 0
	for at := int(order.Uint32(b[4:])); at != 0; {
		if at < 8 || at > len(b)-2 || seen[at] {
			return nil, refuse("damaged")
		}
		if seen[at] = true; len(seen) > maxTIFFPages {
			return nil, refuse("pages", "max", maxTIFFPages)
		}
		n := int(order.Uint16(b[at:]))
		if n == 0 || at+2+12*n+4 > len(b) {
			return nil, refuse("damaged")
		}
		tags := map[int]int{}
		for i := range n {
			e := b[at+2+12*i:]
			if v, ok := firstValue(b, e[:12], order); ok {
				tags[int(order.Uint16(e))] = v
			}
		}
		d := directory{at: at, width: tags[tagWidth], height: tags[tagLength], orientation: 1, small: tags[tagSubfile]&5 != 0}
		if o := tags[tagOrientation]; o >= 1 && o <= 8 {
			d.orientation = o
		}
		if err := size(d.width, d.height); err != nil {
			return nil, err
		}
		bits, ok := tags[tagBits]
		if !ok {
			bits = 1
		}
		if bits > 8 && d.width*d.height > MaxPixels/2 { // eight bytes a pixel
			return nil, refuse("pixels", "max", MaxPixels/2_000_000)
		}
		d.bilevel = bits == 1 && tags[tagColors] <= 1
		many, area := 1, d.width*d.height
		if w, h := tags[tagTileWidth], tags[tagTileLength]; w != 0 || h != 0 {
			if w < 16 || h < 16 || w > MaxSide || h > MaxSide {
				return nil, refuse("damaged")
			}
			many, area = ((d.width+w-1)/w)*((d.height+h-1)/h), w*h
		} else if rows := tags[tagRows]; rows > 0 && rows < d.height {
			many, area = (d.height+rows-1)/rows, d.width*rows
		}
		switch tags[tagCompression] {
		case 0, 1, 3, 4: // none, or by fax: as large as the picture, whatever it says
		default:
			if area > maxTIFFBlock {
				return nil, refuse("tiff")
			}
		}
		if pixels, blocks = pixels+many*area, blocks+many; pixels > maxTIFFPixels || blocks > maxTIFFBlocks {
			return nil, refuse("bomb")
		}
		if !d.small {
			out = append(out, d)
		}
		at = int(order.Uint32(b[at+2+12*n:]))
	}
	if len(out) == 0 {
		return nil, refuse("damaged")
	}
	return out, nil
}

// firstValue is the first number of an entry of a directory.
func firstValue(b, entry []byte, order binary.ByteOrder) (int, bool) {
	count, value := order.Uint32(entry[4:]), entry[8:12]
	wide := map[uint16]int{1: 1, 3: 2, 4: 4}[order.Uint16(entry[2:])]
	if wide == 0 || count == 0 {
		return 0, false
	}
	if int64(count)*int64(wide) > 4 {
		at := int64(order.Uint32(value))
		if at+4 > int64(len(b)) {
			return 0, false
		}
		value = b[at:]
	}
	switch wide {
	case 1:
		return int(value[0]), true
	case 2:
		return int(order.Uint16(value)), true
	}
	return int(order.Uint32(value)), true
}

// Pages makes the pictures of all pages of a file that File has found to be one or more pictures; the first has a preview.
func Pages(ctx context.Context, b []byte, typ string, heic HEIC) ([]Picture, error) {
	if typ != TIFF {
		p, err := Draw(ctx, b, typ, heic)
		return []Picture{p}, err
	}
	list, err := directories(b)
	if err != nil {
		return nil, err
	}
	// The library reads the page that the head of the file names.
	b = bytes.Clone(b)
	order := tiffOrder(b)
	var out []Picture
	drawn := 0
	for i, d := range list {
		if err := ctx.Err(); err != nil {
			return nil, fault.Because(fault.Unavailable, "inspect.pages", "", err)
		}
		order.PutUint32(b[4:], uint32(d.at))
		img, err := tiff.Decode(bytes.NewReader(b))
		if err != nil {
			return nil, fault.Because(fault.Invalid, "inspect.pages", "inspect.tiff", err)
		}
		p, err := picture(img, d.orientation, i == 0, d.bilevel)
		if err != nil {
			return nil, err
		}
		if drawn += len(p.JPEG) + len(p.Bits); drawn > maxDrawn {
			return nil, refuse("bomb")
		}
		out = append(out, p)
	}
	return out, nil
}

// bits are the pixels of a picture in black and white, one for each bit; nil if it isn't one.
func bits(img image.Image) []byte {
	g, ok := img.(*image.Gray)
	if !ok {
		return nil
	}
	w, h := g.Rect.Dx(), g.Rect.Dy()
	row := (w + 7) / 8
	out := make([]byte, row*h)
	for y := range h {
		for x, v := range g.Pix[y*g.Stride:][:w] {
			if v >= 128 {
				out[y*row+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return out
}
