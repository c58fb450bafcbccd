// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/core/pdf/pdfacheck"
)

// corners is a picture, stored as a camera that was held that way stores it, which is to be seen with red, green above blue, white.
func corners(t *testing.T, orientation int) Picture {
	t.Helper()
	colours := [4]color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}} // top left, top right, bottom left, bottom right
	// Which corner of what is seen stands where in what is stored (Exif 2.32, 4.6.4.A: row 0, column 0).
	seen := map[int][4]int{1: {0, 1, 2, 3}, 2: {1, 0, 3, 2}, 3: {3, 2, 1, 0}, 4: {2, 3, 0, 1}, 5: {0, 2, 1, 3}, 6: {1, 3, 0, 2}, 7: {3, 1, 2, 0}, 8: {2, 0, 3, 1}}[orientation]
	w, h := 320, 240
	if orientation >= 5 {
		w, h = h, w
	}
	img := stdimage.NewRGBA(stdimage.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			i := 0
			if x >= w/2 {
				i++
			}
			if y >= h/2 {
				i += 2
			}
			img.SetRGBA(x, y, colours[seen[i]])
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return Picture{Lang: "de", Title: "Mietvertrag.jpg", Alt: "Foto: Mietvertrag.jpg", By: "Stadt Duisburg", Created: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
		JPEG: b.Bytes(), Width: w, Height: h, Orientation: orientation}
}

// A photo becomes PDF/A, and stands upright however the camera was held.
func TestPicture(t *testing.T) {
	r := renderer(t)
	for o := 1; o <= 8; o++ {
		p := corners(t, o)
		data, err := r.Picture(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range pdfacheck.Check(data) {
			t.Errorf("orientation %d: %s", o, f)
		}
		if again, _ := r.Picture(p); !bytes.Equal(again, data) {
			t.Error("the same picture gives other bytes")
		}
		if !bytes.Contains(data, []byte("/S /Figure")) || !bytes.Contains(data, []byte("/Alt "+textString(p.Alt))) {
			t.Error("the figure has no text for who doesn't see it")
		}
		tool, err := exec.LookPath("pdftoppm")
		if err != nil {
			t.Log("pdftoppm is not installed: how it looks isn't checked")
			continue
		}
		file := filepath.Join(t.TempDir(), "x.pdf")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tool, "-r", "20", "-jpeg", "-singlefile", file, strings.TrimSuffix(file, ".pdf")).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		raw, err := os.ReadFile(strings.TrimSuffix(file, ".pdf") + ".jpg")
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		box := img.Bounds()
		if box.Dx() < box.Dy() {
			t.Errorf("orientation %d: the page stands upright, the picture doesn't", o)
		}
		name := func(x, y int) string {
			r, g, b, _ := img.At(box.Dx()*x/4, box.Dy()*y/4).RGBA()
			out := ""
			for i, v := range []uint32{r, g, b} {
				if v > 0x8000 {
					out += "rgb"[i : i+1]
				}
			}
			return out
		}
		if got := strings.Join([]string{name(1, 1), name(3, 1), name(1, 3), name(3, 3)}, " "); got != "r g b rgb" {
			t.Errorf("orientation %d: looks like %s", o, got)
		}
	}
	if _, err := r.Picture(Picture{Width: 1, Height: 1, JPEG: []byte{1}, Orientation: 9}); err == nil {
		t.Error("an orientation that there isn't")
	}
}
