// SPDX-License-Identifier: EUPL-1.2

// Package archtest is the building inspector: its tests hold the storeys of the
// house (docs/house.md), the SQL of the rooms and the headers of the files against
// what is written down. It parses in-process, so that the result is never stale.
package archtest
