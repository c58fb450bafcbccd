// SPDX-License-Identifier: EUPL-1.2

// Package assets serves what the pages look and feel like: style, fonts, a few
// small scripts.
//
// What it serves is made at build time from npm packages and from src/ by
// `go run ./web/assets/build` into dist/, which git ignores and the binary embeds.
// File names carry a fingerprint of their content, so a browser may keep them for
// ever; each lies there plain, gzip- and brotli-compressed. A binary built without
// that step works, unstyled.
package assets
