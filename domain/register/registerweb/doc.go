// SPDX-License-Identifier: EUPL-1.2

// Package registerweb is where a clerk uses the registers: says for what and on which
// legal basis, searches, looks at a record, at its versions side by side, at what the
// city knew when and who has read it, and, at the office that keeps the register,
// changes or ends it. The pages are one set for all registers: a new package under
// content/registers has its screens without Go.
//
// What a page shows is what the grant names: a field that it doesn't isn't there, and a
// record that the clerk may not see can't be told from one that doesn't exist.
package registerweb
