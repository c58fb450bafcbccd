// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"fmt"
	"time"
)

// Picture is a photo that becomes a page of the file.
type Picture struct {
	Lang    string
	Title   string // of the document
	Alt     string // what it is, for who doesn't see it
	By      string // the document's author
	Created time.Time
	// JPEG is a baseline or progressive JPEG in RGB (YCbCr) or gray, without metadata.
	JPEG []byte
	// Bits is in its place where all is black or white: a bit for each pixel, 1 is white, each row begins with a byte.
	Bits          []byte
	Width, Height int // as they are stored
	Gray          bool
	Orientation   int // how it is turned to be seen: 1 to 8, as Exif has it (tag 274)
}

// image is a picture as an object of the file.
type image struct {
	jpeg, bits    []byte
	width, height int
	gray          bool
}

const imageName = "Im"

func (i *image) put(f *file, n int) error {
	space := "DeviceRGB" // of the output intent
	if i.gray {
		space = "DeviceGray"
	}
	if i.bits != nil {
		return f.stream(n, fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 1", i.width, i.height), i.bits, true)
	}
	return f.stream(n, fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /%s /BitsPerComponent 8 /Filter /DCTDecode", i.width, i.height, space), i.jpeg, false)
}

// pictureMargin is what stays white around a picture, in mm.
const pictureMargin = 10.0

// placed are the matrices (ISO 32000-1, 8.3.4) that turn the unit square of an image as its orientation says: a, b, c, d, e, f with e and f as
// parts of width and height.
var placed = [9][6]float64{
	1: {1, 0, 0, 1, 0, 0}, 2: {-1, 0, 0, 1, 1, 0}, 3: {-1, 0, 0, -1, 1, 1}, 4: {1, 0, 0, -1, 0, 1},
	5: {0, -1, -1, 0, 1, 1}, 6: {0, -1, 1, 0, 0, 1}, 7: {0, 1, 1, 0, 0, 0}, 8: {0, 1, -1, 0, 1, 0},
}

// Picture makes a page of a photo: as large as the paper takes it, upright or on its side.
func (r *Renderer) Picture(p Picture) ([]byte, error) { return r.Pictures([]Picture{p}) }

// Pictures makes a document of pictures, a page of each. The first one says what the document is called.
func (r *Renderer) Pictures(list []Picture) ([]byte, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("pdf: a document without a picture")
	}
	first := list[0]
	d := newDocument(r.faces, first.Title, first.Lang, first.By, first.Created)
	for _, p := range list {
		if err := d.picture(p); err != nil {
			return nil, err
		}
	}
	return d.bytes()
}

func (d *document) picture(p Picture) error {
	bits := len(p.Bits) > 0 && len(p.Bits) == (p.Width+7)/8*p.Height
	if p.Width <= 0 || p.Height <= 0 || len(p.JPEG) == 0 && !bits || p.Orientation < 1 || p.Orientation > 8 {
		return fmt.Errorf("pdf: a picture of %d by %d pixels, %d and %d bytes, orientation %d", p.Width, p.Height, len(p.JPEG), len(p.Bits), p.Orientation)
	}
	d.newPage()
	w, h := float64(p.Width), float64(p.Height)
	if p.Orientation >= 5 {
		w, h = h, w
	}
	d.cur.wide = w > h
	d.cur.image = &image{jpeg: p.JPEG, bits: p.Bits, width: p.Width, height: p.Height, gray: p.Gray}
	pw, ph := d.cur.size()
	k := min((pw-2*pictureMargin*ptPerMM)/w, (ph-2*pictureMargin*ptPerMM)/h)
	w, h = w*k, h*k
	x, y := (pw-w)/2, (ph-h)/2
	m := placed[p.Orientation]
	fig := d.root.add("Figure")
	fig.alt = p.Alt
	fig.attr = fmt.Sprintf("<</O /Layout /Placement /Block /BBox [%s %s %s %s]>>", num(x), num(y), num(x+w), num(y+h))
	d.in(fig, func() {
		fmt.Fprintf(&d.cur.buf, "q %s %s %s %s %s %s cm /%s Do Q\n", num(m[0]*w), num(m[1]*h), num(m[2]*w), num(m[3]*h), num(x+m[4]*w), num(y+m[5]*h), imageName)
	})
	return nil
}
