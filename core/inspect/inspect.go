// SPDX-License-Identifier: EUPL-1.2

package inspect

import (
	"bytes"
	"context"

	"mercator/base/fault"
)

// The types of file that are known.
const (
	PDF      = "application/pdf"
	JPEG     = "image/jpeg"
	PNG      = "image/png"
	HEICType = "image/heic"
	TIFF     = "image/tiff"
)

// Report is what a file is.
type Report struct {
	Type          string
	Pages         int // of a PDF or TIFF
	Width, Height int // of a picture, as it is stored
}

// refuse says in words why a file isn't taken.
func refuse(why string, args ...any) error {
	return fault.New(fault.Invalid, "inspect.file", "inspect."+why, args...)
}

// Sniff tells the type of a file by its first bytes (24 are enough), "" if it is none that is
// known. The name and what the browser says count for nothing.
func Sniff(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF
	case bytes.HasPrefix(head, []byte{0xff, 0xd8, 0xff}):
		return JPEG
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case bytes.HasPrefix(head, []byte("II*\x00")), bytes.HasPrefix(head, []byte("MM\x00*")):
		return TIFF
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		switch string(head[8:12]) {
		case "heic", "heix", "heim", "heis", "mif1":
			return HEICType
		}
	}
	return ""
}

// File inspects a whole file.
func File(ctx context.Context, b []byte) (Report, error) {
	r := Report{Type: Sniff(b)}
	switch {
	case len(b) == 0:
		return r, refuse("empty")
	case len(b) > MaxFile:
		return r, refuse("size", "max", MaxFile>>20)
	case r.Type == "" && isZip(b):
		return r, refuse("archive")
	case r.Type == "":
		return r, refuse("type")
	}
	var err error
	switch r.Type {
	case PDF:
		r.Pages, err = pages(ctx, b)
	case JPEG:
		r.Width, r.Height, err = jpegSize(b)
	case PNG:
		r.Width, r.Height, err = pngSize(b)
	case HEICType:
		r.Width, r.Height, err = heicSize(b)
	case TIFF:
		var list []directory
		if list, err = directories(b); err == nil {
			r.Pages, r.Width, r.Height = len(list), list[0].width, list[0].height
		}
	}
	if err != nil {
		return r, err
	}
	return r, twoInOne(b, r.Type)
}

func isZip(b []byte) bool {
	return bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06")) ||
		bytes.HasPrefix(b, []byte("Rar!")) || bytes.HasPrefix(b, []byte("7z\xbc\xaf\x27\x1c")) || bytes.HasPrefix(b, []byte("\x1f\x8b"))
}

// zipTail is how far from the end of a file an archive's directory may end: 22 bytes and a
// comment of 65,535 (APPNOTE 4.3.16).
const zipTail = 22 + 65535

// twoInOne refuses a file that some other program takes for something else.
func twoInOne(b []byte, typ string) error {
	head, tail := b[:min(len(b), 1024)], b[max(0, len(b)-zipTail):]
	if typ != PDF && bytes.Contains(head, []byte("%PDF-")) { // readers look for it in the first 1024 bytes
		return refuse("twoInOne")
	}
	if archived(tail) {
		return refuse("twoInOne")
	}
	var more []byte
	switch typ {
	case PDF:
		more = head
		if i := bytes.LastIndex(b, []byte("%%EOF")); i >= 0 {
			more = append(bytes.Clone(head), b[i:]...)
		}
	case JPEG:
		more = jpegBeside(b)
	case PNG:
		more = pngBeside(b)
	case HEICType, TIFF:
		more = append(bytes.Clone(head), tail[:min(len(tail), 4096)]...)
	}
	if isPage(more) {
		return refuse("twoInOne")
	}
	return nil
}

// archived finds the directory of a zip archive at the end of a file: its record, whose numbers
// fit the file. Two bytes by chance among a photo's don't make an archive.
func archived(tail []byte) bool {
	for at := 0; ; at++ {
		i := bytes.Index(tail[at:], []byte("PK\x05\x06"))
		if i < 0 {
			return false
		}
		at += i
		if len(tail)-at >= 22 {
			return true
		}
	}
}

// What makes a browser, or an interpreter, take a file for its own.
var pageMarks = [][]byte{[]byte("<script"), []byte("<html"), []byte("<!doctype"), []byte("<?php"), []byte("<svg"), []byte("<iframe"), []byte("<body"), []byte("javascript:"), []byte("#!/")}

func isPage(b []byte) bool {
	low := bytes.ToLower(b)
	for _, m := range pageMarks {
		if bytes.Contains(low, m) {
			return true
		}
	}
	return false
}
