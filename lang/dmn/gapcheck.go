// SPDX-License-Identifier: EUPL-1.2

package dmn

// tableFindings are gaps and overlaps of a table.
func (d *Definitions) tableFindings(e *element) []Finding { return nil }
