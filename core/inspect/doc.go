// SPDX-License-Identifier: EUPL-1.2

// Package inspect looks at a file that somebody outside has sent: what it is by its
// content, whether it can be taken, how many pages or pixels it has, and how a
// picture looks (made anew from its pixels, so that nothing else of it goes on).
//
// It knows PDF, JPEG, PNG, HEIC and TIFF. Everything that it does is bounded in memory
// and time by the Max constants, whatever the file holds: a stream of a PDF is
// unpacked to be counted and thrown away, the size of a picture is read before a
// pixel of it is.
//
// It refuses, in words: what is none of these, what is damaged, protected by a
// password, too large when unpacked, or two things in one (a picture that is a PDF,
// an archive, a web page or a program as well), and PDF files that start programs or
// carry other files than XML.
//
// It doesn't look for malware (adapter/clamd does) and stores nothing.
package inspect

import "embed"

// Messages are what is wrong with a file, in words.
//
//go:embed messages.*.toml
var Messages embed.FS

// Bounds.
const (
	MaxFile    = 20 << 20   // bytes of a file
	MaxPages   = 300        // of a PDF
	MaxPixels  = 50_000_000 // of a picture: what telephones make
	MaxSide    = 20_000     // pixels of a side
	MaxInflate = 512 << 20  // bytes that all streams of a PDF may unpack to
	maxObjects = 200_000    // of a PDF
	maxDepth   = 60         // nesting of an object
	maxObjStm  = 16 << 20   // bytes of one stream of objects
	// An image inside a PDF may be larger than a photo: a plan that was scanned.
	maxPDFPixels = 400_000_000
)
