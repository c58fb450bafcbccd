// SPDX-License-Identifier: EUPL-1.2

// Package vault keeps a key for each person (or other subject), under which the rooms
// seal what they hold about them. Destroying the key makes all of it unreadable at once,
// wherever copies are, in backups too (crypto-shredding): that is how data is erased.
//
// Envelope: a subject's key is 256 bits, kept in SQL wrapped (AES-256-GCM) by the keyset
// of the house; the keyset lies in a file, wrapped by the master key, which the operator
// keeps elsewhere: a file, an environment variable, or a key management system. Tink does
// the cryptography. The rows of the keys are no part of a backup of the database: they
// have a backup of their own, of which only the last is kept, since an old one would
// bring back what was erased.
//
// What is sealed is bound to its place (associated data): a value that somebody copies
// into another record or field doesn't open there.
//
// A blind index finds sealed values without opening them: a keyed hash (HMAC-SHA-256 by
// the keyset, cut to 128 bits) of the value in its scope. Who has the database but not the
// keyset learns which values of one field are equal, and nothing else.
//
// Law: Art. 17, 25 and 32 GDPR; § 58 BDSG.
package vault
