// SPDX-License-Identifier: EUPL-1.2

// Package ledger makes the ledger of access (core/audit) evident to tampering, and lets people check that from outside.
//
// Every record of the ledger becomes a leaf of a transparency log (tlog-tiles, with signed checkpoints), which anybody may
// read. A leaf is nothing but a hash. It commits to each field of the record by a salted hash of its own, so that one can
// show a field and keep another; and a person stands in a record as HMAC-SHA256 with a key of that person, so that erasure
// is to destroy the key, after which the log still verifies. docs/ledger.md has the format, and what it proves.
//
// Log writes (Append, one process at a time), Verify holds log and database against each other and against checkpoints that
// others kept, Proof is what a person downloads, and Check reads it without database, city or network.
//
// What it isn't: the reason why an entry is right. Who has the database and the program can write what isn't true, from
// then on; only what is past can't be changed unseen.
package ledger
