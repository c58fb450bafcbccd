// SPDX-License-Identifier: EUPL-1.2

// Package oversight keeps watch over who reads the registers: for the data protection officer (Art. 38 and 39 GDPR).
//
// It finds in the ledger what looks like curiosity (detect.go), by rules that a city writes (content/policies/curiosity.toml).
// It lets somebody with the role break the glass in an emergency (glass.go): one person, one register, one hour, with a reason.
// And it keeps what a policy lets only two people do together (approval.go): asked for by one, approved by another, done once.
//
// It reads no register. Whose data something is about it knows by the id of the person only.
package oversight
