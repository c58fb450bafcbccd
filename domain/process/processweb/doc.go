// SPDX-License-Identifier: EUPL-1.2

// Package processweb is the operators' desk: where a process stands and a change of it
// by hand, with a look ahead; and the migration of running processes to the version
// that is in force: rehearsal, run, progress, undo. It works without a script.
//
// Operators see processes, not cases: no application, no document, and the values of
// variables only when they ask for them, which is on record by itself.
package processweb
