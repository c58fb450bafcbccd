// SPDX-License-Identifier: EUPL-1.2

// Package bulk takes many records into a register from a file, and gives all of a register
// to one.
//
// In: CSV, JSON lines, Excel and XML, by a mapping (mapping.go) from columns or paths to
// fields. The whole file is checked first and all mistakes are told at once, with line,
// column, field and what is expected, never with the value; a file with one mistake stores
// nothing. Then it is loaded in batches, of which each is stored whole or not at all; begun
// again, it goes on after the last one. What is loaded is what was checked: of each part of
// the file a fingerprint is compared. A record whose key is there gets a new version if it
// differs, so an import done twice does no harm.
//
// Out: CSV, JSON lines and Parquet, a page at a time by key.
//
// Files are hostile: rows, cells, depth, and what a spreadsheet unpacks to are bounded, XML
// has no DTD and no entities of its own, and what is kept in memory doesn't grow with the
// file, but for 16 bytes a record, to find keys that are there twice.
package bulk
