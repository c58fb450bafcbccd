// SPDX-License-Identifier: EUPL-1.2

package inspect_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"mercator/base/fault"
	"mercator/core/inspect"
	"mercator/core/pdf"
	"mercator/core/pdf/pdfacheck"
)

// scan makes a TIFF of one page.
func scan(t testing.TB, img image.Image, how *tiff.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tiff.Encode(&b, img, how); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// entries calls f with each entry of the first directory of a TIFF in little endian; it gives where the directory ends.
func entries(b []byte, f func(tag int, entry []byte)) (end int) {
	at := int(binary.LittleEndian.Uint32(b[4:]))
	n := int(binary.LittleEndian.Uint16(b[at:]))
	for i := range n {
		e := b[at+2+12*i:][:12]
		f(int(binary.LittleEndian.Uint16(e)), e)
	}
	return at + 2 + 12*n
}

// with sets a tag of a page, if it is there, to a number.
func with(b []byte, tag int, value uint32) []byte {
	b = bytes.Clone(b)
	entries(b, func(at int, e []byte) {
		if at == tag {
			binary.LittleEndian.PutUint32(e[8:], value)
		}
	})
	return b
}

// bound makes one file of files of one page, as a scanner does.
func bound(files ...[]byte) []byte {
	le := binary.LittleEndian
	out, next := []byte("II*\x00\x00\x00\x00\x00"), 4
	for _, b := range files {
		b = bytes.Clone(b)
		base := uint32(len(out))
		move := func(at []byte) { le.PutUint32(at, le.Uint32(at)+base) }
		end := entries(b, func(tag int, e []byte) {
			wide := map[uint16]uint32{1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[le.Uint16(e[2:])]
			count, list := le.Uint32(e[4:]), e[8:]
			if count*wide > 4 {
				list = b[le.Uint32(e[8:]):]
				move(e[8:])
			}
			if tag == 273 || tag == 324 { // where strips or tiles are
				if wide == 2 {
					panic("short offsets can't be moved")
				}
				for i := range count {
					move(list[4*i:])
				}
			}
		})
		le.PutUint32(b[end:], 0)
		le.PutUint32(out[next:], base+le.Uint32(b[4:]))
		out, next = append(out, b...), len(out)+end
		if len(out)%2 == 1 {
			out = append(out, 0)
		}
	}
	return out
}

// gray is a page with a dark and a bright half.
func gray(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		if i%w >= w/2 {
			img.Pix[i] = 0xff
		}
	}
	return img
}

func TestTIFF(t *testing.T) {
	colour := image.NewRGBA(image.Rect(0, 0, 50, 80))
	colour.Set(1, 1, color.RGBA{200, 0, 0, 255})
	one, two, three := scan(t, gray(60, 40), nil), scan(t, colour, &tiff.Options{Compression: tiff.Deflate}), scan(t, image.NewGray16(image.Rect(0, 0, 30, 30)), &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	file := bound(one, two, three)
	r, err := inspect.File(t.Context(), file)
	if err != nil || r.Type != inspect.TIFF || r.Pages != 3 || r.Width != 60 || r.Height != 40 {
		t.Fatalf("%+v %v", r, err)
	}
	list, err := inspect.Pages(t.Context(), file, r.Type, nil)
	if err != nil || len(list) != 3 || list[0].Width != 60 || list[1].Height != 80 || list[2].Width != 30 || len(list[0].Thumbnail) == 0 || len(list[1].Thumbnail) != 0 {
		t.Fatalf("%d pages, %v", len(list), err)
	}
	img, err := jpeg.Decode(bytes.NewReader(list[0].JPEG))
	if err != nil {
		t.Fatal(err)
	}
	if dark, bright := img.At(5, 5), img.At(55, 5); dark.(color.Gray).Y > 20 || bright.(color.Gray).Y < 230 {
		t.Errorf("%v %v", dark, bright)
	}
	// A preview beside a page is none.
	preview := bytes.Clone(one)
	entries(preview, func(tag int, e []byte) {
		if tag == 282 { // in the place of its resolution
			copy(e, []byte{254, 0, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0})
		}
	})
	if r, err := inspect.File(t.Context(), bound(two, preview)); err != nil || r.Pages != 1 {
		t.Errorf("a page and its preview: %+v %v", r, err)
	}
	if _, err := inspect.File(t.Context(), preview); !fault.Is(err, fault.Invalid) {
		t.Errorf("a preview of nothing: %v", err)
	}

	loop := bytes.Clone(file)
	at := entries(loop, func(int, []byte) {})
	copy(loop[at:], loop[4:8])
	pages := make([][]byte, 101)
	for i := range pages {
		pages[i] = scan(t, gray(8, 8), nil)
	}
	large := make([][]byte, 60) // each may be; all of them unpack to too much
	for i := range large {
		large[i] = with(with(with(one, 256, 3000), 257, 3000), 278, 3000)
	}
	for what, c := range map[string]struct {
		b   []byte
		msg string
	}{
		"a head":                         {[]byte("II*\x00"), "damaged"},
		"no page":                        {[]byte("II*\x00\x00\x00\x00\x00"), "damaged"},
		"a page beyond the end":          {[]byte("II*\x00\xff\xff\xff\xff"), "damaged"},
		"a page in the head":             {[]byte("II*\x00\x04\x00\x00\x00\x00\x00\x00\x00"), "damaged"},
		"big endian, cut":                {[]byte("MM\x00*\x00\x00\x00\x08\x00\x09"), "damaged"},
		"pages that lead back":           {loop, "damaged"},
		"more pages than are taken":      {bound(pages...), "pages"},
		"wider than is taken":            {with(one, 256, 30_000), "pixels"},
		"more pixels than are taken":     {with(with(one, 256, 10_000), 257, 10_000), "pixels"},
		"without a width":                {with(one, 256, 0), "damaged"},
		"too much in all":                {bound(large...), "bomb"},
		"strips of a row, of many pages": {bound(slicesOf(30, with(with(with(two, 256, 8), 257, 20_000), 278, 1))...), "bomb"},
		"packed, in one strip":           {with(with(with(two, 256, 5000), 257, 5000), 278, 5000), "tiff"},
		"a page as well":                 {append(bytes.Clone(one), "<script>alert(1)</script>"...), "twoInOne"},
		"an archive as well":             {join(one, zipped(t, "a.exe", []byte("MZ"))), "twoInOne"},
	} {
		if _, err := inspect.File(t.Context(), c.b); message(err) != "inspect."+c.msg {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, b := range map[string][]byte{
		"of a kind that isn't read":  with(one, 259, 7),
		"strips beyond the end":      with(one, 273, 1<<30),
		"more pixels than there are": with(with(with(one, 256, 4000), 257, 4000), 278, 4000),
	} {
		if _, err := inspect.File(t.Context(), b); err != nil {
			t.Errorf("%s: refused before it is read: %v", what, err)
		}
		if _, err := inspect.Pages(t.Context(), b, inspect.TIFF, nil); message(err) != "inspect.tiff" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func message(err error) string {
	msg, _ := fault.Message(err)
	return msg
}

func slicesOf(n int, b []byte) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

// Real files, packed in the ways that scanners and fax machines pack, become PDF/A, black and white ones without loss.
func TestTIFFOfOthers(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	if err != nil {
		t.Fatal(err)
	}
	render, err := pdf.New(pdf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata")
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var gopher []byte
	for name, bilevel := range map[string]bool{
		"bw-gopher_ccittGroup3.tiff": true, "bw-gopher_ccittGroup4.tiff": true, "bw-packbits.tiff": true, "bw-deflate.tiff": true, "bw-uncompressed.tiff": true,
		"blue-purple-pink.lzwcompressed.tiff": false, "video-001-gray.tiff": false, "video-001-16bit.tiff": false, "video-001-paletted.tiff": false,
		"video-001-strip-64.tiff": false, "video-001-tile-64x64.tiff": false, "no_rps.tiff": false,
	} {
		b := read(name)
		r, err := inspect.File(t.Context(), b)
		if err != nil || r.Pages != 1 {
			t.Errorf("%s: %+v %v", name, r, err)
			continue
		}
		list, err := inspect.Pages(t.Context(), b, r.Type, nil)
		if err != nil || len(list) != 1 || (list[0].Bits != nil) != bilevel || len(list[0].Thumbnail) == 0 {
			t.Errorf("%s: %d pages, %v", name, len(list), err)
			continue
		}
		if bilevel {
			if gopher == nil {
				gopher = list[0].Bits
			}
			if strings.Contains(name, "gopher") && !bytes.Equal(list[0].Bits, gopher) && len(list[0].Bits) == len(gopher) {
				t.Errorf("%s isn't the same picture", name)
			}
		}
		p := list[0]
		page := pdf.Picture{Lang: "de", Title: "x", Alt: "x", JPEG: p.JPEG, Bits: p.Bits, Width: p.Width, Height: p.Height, Gray: p.Gray, Orientation: p.Orientation}
		file, err := render.Pictures([]pdf.Picture{page, page})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range pdfacheck.Check(file) {
			t.Errorf("%s: %s", name, f)
		}
		if again, err := inspect.File(t.Context(), file); err != nil || again.Pages != 2 {
			t.Errorf("%s: %+v %v", name, again, err)
		}
	}
}
