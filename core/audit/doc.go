// SPDX-License-Identifier: EUPL-1.2

// Package audit is the ledger of access to personal data: who, of which office, did what with which kind of record, for
// which purpose, on which legal basis, in which case, when, through which door of the house, and whether it was permitted. It holds names of fields, never
// their values.
//
// The person concerned can read what is written about them (Art. 15 GDPR; the "my data" page), the data protection officer
// all of it (Art. 5 (2), Art. 32 GDPR). The ledger is written before data leaves; it is not a log file. Entries are only
// ever added: nothing in this package changes or removes one.
//
// Only core/access writes here, before it hands out a grant. This package knows no policy.
package audit
