// SPDX-License-Identifier: EUPL-1.2

// Package cql2 reads filters in CQL2-text, the query language of the OGC (21-065r2): what
// somebody looks for in a register or a map layer, in one line of text.
//
//	family_name = 'Meier' AND birth_date >= DATE('1980-01-01')
//	phonetic(family_name) = 'Maier' OR family_name LIKE 'Mey%'
//	S_DWITHIN(place, POINT(6.76 51.43), 500) AND kind IN ('school', 'nursery')
//
// It is a pure function of the text: it knows no fields and evaluates nothing. Whoever uses
// it walks the tree (Node) and says which fields and functions it takes.
//
// The whole grammar is read: comparisons, LIKE, BETWEEN, IN, IS NULL, AND, OR, NOT,
// arithmetic, dates, timestamps and intervals, geometries in WKT with BBOX, spatial,
// temporal and array predicates, CASEI and ACCENTI, functions. A text is bounded in size,
// depth and number of terms, so none can stop the house. An error names its place.
//
// Print gives a tree as text again, always the same for the same tree.
package cql2
