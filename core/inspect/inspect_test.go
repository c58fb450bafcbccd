// SPDX-License-Identifier: EUPL-1.2

package inspect_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"mercator/base/fault"
	"mercator/core/inspect"
	"mercator/core/pdf"
	"mercator/internal/suites"
)

func picture(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), 90, 255})
		}
	}
	return img
}

func jpg(t testing.TB, w, h int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(w, h), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, picture(w, h)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// segment puts a segment into a JPEG, right behind its start.
func segment(b []byte, marker byte, content string) []byte {
	head := []byte{0xff, marker, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(content)+2))
	return bytes.Join([][]byte{b[:2], head, []byte(content), b[2:]}, nil)
}

func flate(b []byte) []byte {
	var out bytes.Buffer
	z, _ := zlib.NewWriterLevel(&out, zlib.BestCompression)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// zeros is a packed stream of n million zeros, made without having them.
func zeros(n int) []byte {
	var out bytes.Buffer
	z, _ := zlib.NewWriterLevel(&out, zlib.BestCompression)
	m := make([]byte, 1_000_000)
	for range n {
		z.Write(m)
	}
	z.Close()
	return out.Bytes()
}

// doc is a PDF of the objects that are given, numbered from 3; 1 is the catalog, 2 the pages.
func doc(pages int, trailer string, objects ...string) []byte {
	var b bytes.Buffer
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 100+i)
	}
	fmt.Fprintf(&b, "%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type /Pages /Kids [%s] /Count %d>>\nendobj\n", kids, pages)
	for i := range pages {
		fmt.Fprintf(&b, "%d 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>\nendobj\n", 100+i)
	}
	for i, o := range objects {
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", 3+i, o)
	}
	fmt.Fprintf(&b, "trailer\n<</Root 1 0 R %s>>\nstartxref\n0\n%%%%EOF\n", trailer)
	return b.Bytes()
}

func stream(dict string, data []byte) string {
	return fmt.Sprintf("<<%s /Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

func zipped(t testing.TB, name string, content []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(content)
	z.Close()
	return b.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// heif is a HEIC file's frame that says how large its image is.
func heif(w, h uint32) []byte {
	box := func(kind string, body ...[]byte) []byte {
		b := join(body...)
		head := make([]byte, 8)
		binary.BigEndian.PutUint32(head, uint32(8+len(b)))
		copy(head[4:], kind)
		return join(head, b)
	}
	ispe := make([]byte, 12)
	binary.BigEndian.PutUint32(ispe[4:], w)
	binary.BigEndian.PutUint32(ispe[8:], h)
	return join(box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), box("meta", make([]byte, 4), box("iprp", box("ipco", box("ispe", ispe)))))
}

// What is sent in good faith, what isn't, and what each of them is told.
func TestFiles(t *testing.T) {
	photo, scan := jpg(t, 64, 48), pngOf(t, 64, 48)
	bomb := zipped(t, "1.zip", zipped(t, "2.zip", make([]byte, 1<<20)))
	objStm := flate([]byte("9 0 <</Type /Page /Parent 2 0 R>>"))
	huge := bytes.Clone(scan)
	binary.BigEndian.PutUint32(huge[16:], 60_000)
	wide := bytes.Clone(photo)
	i := bytes.Index(wide, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(wide[i+5:], 65_000)
	many := make([]string, 0, 400)
	for range 40 {
		many = append(many, stream("/Filter /FlateDecode", zeros(20)))
	}
	for _, c := range []struct {
		what  string
		file  []byte
		want  string // "" or the message
		pages int
	}{
		{"a photo", photo, "", 0},
		{"a photo with its camera's data", segment(photo, 0xe1, "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"), "", 0},
		{"a photo with a second one behind it", join(photo, photo), "", 0},
		{"a photo that moves", join(photo, []byte("\x00\x00\x00\x18ftypmp42 and so on")), "", 0},
		{"a screenshot", scan, "", 0},
		{"a photo of a telephone", heif(4032, 3024), "", 0},
		{"a PDF", doc(3, ""), "", 3},
		{"a PDF with packed objects", doc(0, "", stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", objStm)), "", 1},
		{"an invoice with its data as XML", doc(1, "", stream("/Type /EmbeddedFile /Filter /FlateDecode", flate([]byte("<?xml version=\"1.0\"?><Invoice/>")))), "", 1},
		{"a PDF that speaks of programs", doc(1, "", "(about /JavaScript and /Launch)"), "", 1},
		{"a PDF that was changed: the later page counts", join(doc(2, ""), []byte("2 0 obj\n<</Type /Pages /Kids [100 0 R] /Count 1>>\nendobj\n%%EOF\n")), "", 1},

		{"nothing", nil, "empty", 0},
		{"a program", []byte("MZ\x90\x00"), "type", 0},
		{"a page", []byte("<html><script>alert(1)</script>"), "type", 0},
		{"a drawing with a script", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "type", 0},
		{"a PDF behind something else", join([]byte("GIF89a"), doc(1, "")), "type", 0},
		{"an archive", zipped(t, "a.txt", []byte("a")), "archive", 0},
		{"an archive in an archive in …", bomb, "archive", 0},
		{"a packed tape", []byte("\x1f\x8b\x08\x00"), "archive", 0},
		{"a PDF of nothing", []byte("%PDF-1.7\n%%EOF"), "damaged", 0},
		{"a PDF cut in the middle", doc(1, "")[:40], "damaged", 0},
		{"a photo cut in its head", photo[:100], "damaged", 0},
		{"a photo with two frames", segment(photo, 0xc0, "\x08\x00\x10\x00\x10\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"), "damaged", 0},
		{"a screenshot cut", scan[:60], "damaged", 0},

		{"a PDF with a password", doc(1, "/Encrypt 7 0 R"), "password", 0},
		{"a PDF with a password, written otherwise", doc(1, "/#45ncrypt <</Filter /Standard>>"), "password", 0},
		{"a PDF with a password in its table", doc(1, "", stream("/Type /XRef /Encrypt 7 0 R", nil)), "password", 0},
		{"a PDF of 301 pages", doc(301, ""), "pages", 0},
		{"a PDF that starts a program", doc(1, "", "<</S /Launch /F (cmd.exe)>>"), "active", 0},
		{"a PDF with a script", doc(1, "", "<</OpenAction <</S /JavaScript /JS (app.alert(1))>>>>"), "active", 0},
		{"a PDF with a script, written otherwise", doc(1, "", "<</A [<</S /Java#53cript>>]>>"), "active", 0},
		{"a PDF with a script among packed objects", doc(1, "", stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", flate([]byte("9 0 <</S /JavaScript /JS (x)>>")))), "active", 0},
		{"a PDF with a script behind a comment", doc(1, "", "<</A %( \n <</S /JavaScript>>>>"), "active", 0},
		{"a PDF that carries an archive", doc(1, "", stream("/Type /EmbeddedFile /Filter /FlateDecode", flate(bomb))), "attached", 0},
		{"a PDF that carries a program as it is", doc(1, "", stream("/Type /EmbeddedFile", []byte("MZ\x90"))), "attached", 0},

		{"a PDF of zeros", doc(1, "", stream("/Filter /FlateDecode", zeros(600))), "bomb", 0},
		{"a PDF of many that are small", doc(1, "", many...), "bomb", 0},
		{"a PDF packed twice", doc(1, "", stream("/Filter [/FlateDecode /FlateDecode]", flate(zeros(100)))), "bomb", 0},
		{"a PDF packed as text", doc(1, "", stream("/Filter [/ASCII85Decode /FlateDecode]", make([]byte, 600_000))), "bomb", 0},
		{"a PDF of one image of 100,000 by 100,000", doc(1, "", stream("/Type /XObject /Subtype /Image /Width 100000 /Height 100000 /Filter /JBIG2Decode", []byte("x"))), "bomb", 0},
		{"a PDF of objects that are all one place", doc(1, "", stream("/Type /ObjStm /N 60000 /First 480000 /Filter /FlateDecode", flate(join(bytes.Repeat([]byte("9 0     "), 60000), []byte("["), bytes.Repeat([]byte("[] "), 100_000))))), "bomb", 0},
		{"a screenshot of 60,000 pixels", huge, "pixels", 0},
		{"a photo of 65,000 pixels", wide, "pixels", 0},
		{"a photo of a telephone of 4 thousand million", heif(65_000, 65_000), "pixels", 0},
		{"a photo of a telephone without a size", heif(4000, 3000)[:30], "damaged", 0},

		{"a photo that is a PDF", segment(photo, 0xfe, string(doc(1, ""))), "twoInOne", 0},
		{"a photo that is an archive", join(photo, zipped(t, "a.exe", []byte("MZ"))), "twoInOne", 0},
		{"a photo that is a page", segment(photo, 0xfe, "<html><body onload=alert(1)>"), "twoInOne", 0},
		{"a photo with a page behind it", join(photo, []byte("<script>alert(1)</script>")), "twoInOne", 0},
		{"a photo that is PHP", segment(photo, 0xe1, "Exif<?php system($_GET[0])"), "twoInOne", 0},
		{"a photo that is a program", join(photo[:2], []byte{0xff, 0xe0, '/', '*'}, make([]byte, 0x2f2a-2-12), []byte("*/=alert(1)/"), photo[2:]), "twoInOne", 0},
		{"a screenshot that is an archive", join(scan, bomb), "twoInOne", 0},
		{"a screenshot with a page behind it", join(scan, []byte("<SCRIPT src=x>")), "twoInOne", 0},
		{"a PDF that is an archive", join(doc(1, ""), bomb), "twoInOne", 0},
		{"a PDF that is a page", join(doc(1, ""), []byte("<html><script>alert(1)</script></html>")), "twoInOne", 0},
		{"a PDF that begins as a page", join([]byte("%PDF-1.7\n<html><script>1</script>\n"), doc(1, "")[9:]), "twoInOne", 0},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := inspect.File(t.Context(), c.file)
		runtime.ReadMemStats(&after)
		msg := ""
		if err != nil {
			msg, _ = fault.Message(err)
			msg = strings.TrimPrefix(msg, "inspect.")
		}
		if msg != c.want || msg != "" && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %q %v, want %q", c.what, msg, err, c.want)
		}
		if c.want == "" && r.Pages != c.pages {
			t.Errorf("%s: %d pages, want %d", c.what, r.Pages, c.pages)
		}
		// What is allocated in all bounds what is in use at any time.
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 64 {
			t.Errorf("%s: took %d MB", c.what, mb)
		}
	}
}

// Drawing a picture leaves everything behind but its pixels, and turns it.
func TestDraw(t *testing.T) {
	exif := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00 GPS 51.4344 6.7623"
	photo := segment(segment(jpg(t, 320, 200), 0xe1, exif), 0xfe, "taken by Anna Schmidt")
	p, err := inspect.Draw(t.Context(), photo, inspect.JPEG, nil)
	if err != nil || p.Orientation != 6 || p.Width != 320 || p.Height != 200 {
		t.Fatalf("%d %dx%d %v", p.Orientation, p.Width, p.Height, err)
	}
	for _, secret := range []string{"GPS", "Anna", "Exif"} {
		if bytes.Contains(p.JPEG, []byte(secret)) || bytes.Contains(p.Thumbnail, []byte(secret)) {
			t.Errorf("%s is still there", secret)
		}
	}
	small, err := jpeg.DecodeConfig(bytes.NewReader(p.Thumbnail))
	if err != nil || small.Width != 150 || small.Height != 240 {
		t.Errorf("the preview: %+v %v", small, err)
	}
	r, err := pdf.New(pdf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Picture(pdf.Picture{Lang: "de", Title: "x", Alt: "x", JPEG: p.JPEG, Width: p.Width, Height: p.Height, Orientation: p.Orientation})
	if err != nil || bytes.Contains(page, []byte("GPS")) || bytes.Contains(page, []byte("Anna")) {
		t.Errorf("the PDF/A: %v", err)
	}
	// A transparent screenshot stands on white paper.
	clear := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	var b bytes.Buffer
	if err := png.Encode(&b, clear); err != nil {
		t.Fatal(err)
	}
	if p, err = inspect.Draw(t.Context(), b.Bytes(), inspect.PNG, nil); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, _ := img.At(4, 4).RGBA(); r < 0xf000 {
		t.Errorf("what is transparent is %x", r)
	}
	if _, err := inspect.Draw(t.Context(), jpg(t, 64, 64)[:700], inspect.JPEG, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("a photo whose data are cut: %v", err)
	}
	if _, err := inspect.Draw(t.Context(), heif(10, 10), inspect.HEICType, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("HEIC without a decoder: %v", err)
	}
	if _, err := inspect.Draw(t.Context(), heif(10, 10), inspect.HEICType, inspect.HEICBy("/nowhere/mercator-heic")); !fault.Is(err, fault.Invalid) {
		t.Errorf("HEIC with a decoder that isn't there: %v", err)
	}
}

// Photos of telephones, by the program that is made for them.
func TestHEIC(t *testing.T) {
	program := filepath.Join(t.TempDir(), "mercator-heic")
	build := exec.Command("go", "build", "-tags", "nodynamic", "-o", program, "mercator/cmd/mercator-heic")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gen2brain/heic").Output()
	if err != nil {
		t.Fatal(err)
	}
	heic := inspect.HEICBy(program)
	for _, name := range []string{"test.heic", "gray.heic"} {
		b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		r, err := inspect.File(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := inspect.Draw(t.Context(), b, r.Type, heic)
		if err != nil || p.Width != r.Width || p.Height != r.Height || p.Orientation != 1 {
			t.Errorf("%s: %dx%d, said %dx%d: %v", name, p.Width, p.Height, r.Width, r.Height, err)
		}
		// Damaged inside: the program ends, and the message says what to do.
		for i := len(b) / 2; i < len(b); i++ {
			b[i] ^= 0x55
		}
		if _, err := inspect.Draw(t.Context(), b[:len(b)/2], r.Type, heic); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s, cut: %v", name, err)
		}
		inspect.Draw(t.Context(), b, r.Type, heic) // whatever comes of it, it comes back
	}
	if _, err := inspect.Draw(t.Context(), heif(10, 10), inspect.HEICType, heic); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a picture: %v", err)
	}
}

// Nothing of the corpus of PDF/A is taken for a danger that it isn't, and every page is found.
func TestCorpus(t *testing.T) {
	dir := suites.Dir(t, "pdfa")
	n, told := 0, map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".pdf") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		_, err = inspect.File(t.Context(), b)
		if err == nil {
			return nil
		}
		msg, _ := fault.Message(err)
		told[msg]++
		// Those that conform have no password and no scripts; other files in them PDF/A-3 and -4f allow.
		if strings.Contains(filepath.Base(path), "-pass-") && !(msg == "inspect.attached" && (strings.Contains(path, "-3b") || strings.Contains(path, "-4"))) {
			t.Errorf("%s: %s", filepath.Base(path), msg)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, refused: %v", n, told)
}

// Drawings and XML of the collections are no pictures here, whatever they are called.
func TestPayloads(t *testing.T) {
	dir := suites.Dir(t, "sec_payloads")
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if _, err := inspect.File(t.Context(), b); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", path, err)
		}
		// The same behind a photo: taken only if it is no page and no archive.
		photo := jpg(t, 8, 8)
		if _, err := inspect.File(t.Context(), join(photo, b)); err == nil && bytes.Contains(bytes.ToLower(b), []byte("<script")) {
			t.Errorf("%s behind a photo was taken", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files", n)
}

func FuzzFile(f *testing.F) {
	f.Add(jpg(f, 16, 16))
	f.Add(pngOf(f, 16, 16))
	f.Add(heif(100, 100))
	f.Add(doc(2, ""))
	f.Add(doc(1, "/Encrypt 7 0 R", stream("/Filter /LZWDecode", []byte("\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01")), stream("/Type /ObjStm /N 2 /First 9 /Filter /FlateDecode", flate([]byte("9 0 10 3 1 <</A [(\\")))))
	f.Add([]byte("%PDF-1 1 0 obj (\\"))
	f.Add(scan(f, gray(16, 16), nil))
	f.Add(bound(scan(f, gray(16, 16), nil), scan(f, image.NewRGBA(image.Rect(0, 0, 8, 8)), &tiff.Options{Compression: tiff.Deflate})))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := inspect.File(t.Context(), b)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		if r.Type != inspect.PDF && r.Type != inspect.HEICType && r.Width*r.Height <= 1<<20 {
			if l, err := inspect.Pages(t.Context(), b, r.Type, nil); err == nil && (l[0].Width != r.Width || l[0].Height != r.Height) {
				t.Errorf("%dx%d, said %dx%d", l[0].Width, l[0].Height, r.Width, r.Height)
			}
		}
	})
}

func BenchmarkFile(b *testing.B) {
	for name, file := range map[string][]byte{"photo 12 MP": jpg(b, 4000, 3000), "PDF 300 MB unpacked": doc(1, "", stream("/Filter /FlateDecode", zeros(300)))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				inspect.File(b.Context(), file)
			}
		})
	}
	photo := jpg(b, 4000, 3000)
	b.Run("draw 12 MP", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := inspect.Draw(b.Context(), photo, inspect.JPEG, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
