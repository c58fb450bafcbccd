// SPDX-License-Identifier: EUPL-1.2

// Package xdatenfelder reads and writes XDatenfelder, the format in which the federal
// information management (FIM) says what an application asks: a Stammdatenschema of groups
// and fields, with rules and code lists.
//
// Read takes messages of version 2.0 and 3.0.0 (a schema, a group or a field) and is strict:
// an element that the version doesn't know, that is missing or there twice is a mistake with
// its place, since what is skipped in silence is missing from a form later. ReadCodeList
// takes OASIS genericode 1.0. Import makes a form of both, Export makes a Message of a form,
// and Write a file of version 3.0.0.
//
// What a form can't say is kept word for word in the form's properties "xdf.…", which
// the editors keep and Export reads, and is told as a Finding:
//
//	xdf               id: F60000227, G60000088; of the form's first text: S00000094
//	xdf.version       version of the element
//	xdf.count         how often: "0:1", "1:1", "2:5", "0:*"
//	xdf.type          feldart and datentyp: "input text", "select text", "label text"
//	xdf.name          internal name; xdf.label: its label where the form shows another or none
//	xdf.kind          schemaelementart: ABS, HAR, RNG
//	xdf.output        label and xdf.outputhelp help text of the output
//	xdf.definition, xdf.description, xdf.basis, xdf.note
//	xdf.codes         the code list's canonical version URI
//	xdf.rule.R1       text of a rule, word for word; .name, .version, .type, .script, .state:
//	                  "translated" or "noted: why"
//	xdf.made          "yes": a component that the import has added, no part of the schema
//	xdf.part          number of the page, of a group that is split over pages
//	xdf.copy          number of the copy, of a field that is asked a few times
//
// Both directions are pure functions and bounded; documents with a document type are refused.
package xdatenfelder

// Bounds. What is beyond them is refused, never cut.
const (
	MaxBytes    = 8 << 20 // of a file
	maxDepth    = 120     // of XML elements: a group takes three
	maxElements = 200_000 // of XML
	maxCodes    = 50_000  // of a code list
	maxCopies   = 5       // a field that is asked up to so many times is shown so many times
	pageFields  = 12      // a page has about so many questions
)
