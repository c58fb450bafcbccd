// SPDX-License-Identifier: EUPL-1.2

// Package pdf turns letters into paper: a letter after DIN 5008 (form B), if
// wanted with a cut-out card, the file's copy of an application, and a photo as a
// page of the file, all as PDF/A-2b bytes. It is pure: the same input gives the same bytes.
//
// It does not store, sign or send anything, and it doesn't know what a permit is.
//
// The writer is our own and small. No Go library that can be had writes tagged
// files, and an authority owes accessible documents (§ 12a BGG, BITV 2.0): so
// every text stands in the structure tree with its role, in reading order, with
// the language; marks and footers are artifacts. Conformance level b is what is
// claimed in the metadata; what package pdfacheck can check, is checked in the tests.
//
// Fonts: the Go fonts (golang.org/x/image, BSD licence) are embedded in the
// binary and are there in every build; a build that has others hands them in
// (LoadFont). Letters of DIN 91379 that a font lacks are composed of the base
// letter and drawn marks, with the true text beside them, so that every name in
// German registers can be printed, copied and read out.
//
// Terms: letter (Schreiben), address field (Anschriftfeld), information block
// (Informationsblock), subject (Betreff), remedy (Rechtsbehelfsbelehrung),
// card (Ausweis zum Ausschneiden).
package pdf
