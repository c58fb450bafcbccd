// SPDX-License-Identifier: EUPL-1.2

// Package watch is the office that looks after what becomes due: services that begin by
// themselves because a register says so (an identity card expires in eight weeks), before
// anybody has to ask.
//
// What is watched stands in service packages ([[watch]]): which register, which fields, for
// which purpose and on which basis, under which condition, and what is then opened. A record
// is looked at when it changes, and, where a day is watched, once a day if that day has come
// near: the register's index of days says which those are, so that nobody else's record is
// touched. Each look is an access by the system with its purpose and basis, on record before
// it happens.
//
// Nothing opens twice: the occasion is a row with a key of its own, written in the
// transaction that opens, whatever is repeated, killed or done by two nodes at once. Whoever
// doesn't want a service to begin by itself says so once (opting out), and their records are
// not even looked at.
//
// What it doesn't: decide anything about a person. It offers, or opens a case in which the
// rules of the service and people decide as they would on an application (Art. 22 GDPR).
//
// Law: Art. 5, 6 and 21 GDPR; § 25 VwVfG (advice by the authority).
package watch
