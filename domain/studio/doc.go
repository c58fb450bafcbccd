// SPDX-License-Identifier: EUPL-1.2

// Package studio is where authors draw forms and try them, before a version of a service package is delivered. It keeps
// drafts of files of a package: text that isn't in force, that nobody applies with, and that holds no personal data.
//
// Authors share the drafts. A draft is held against its package as the lint holds a delivered one. It comes into force as
// every version does: as a file in the package (content/services), reviewed and tested; the studio changes nothing there.
//
// Scenarios are kept with a draft, too: what was filled in while trying it. They are played through with each change, together
// with those of the package, and tell which outcomes of the form's rules none of them brings about.
//
// Terms: Draft, its base (the version it was begun from).
package studio
