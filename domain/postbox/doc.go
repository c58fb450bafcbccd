// SPDX-License-Identifier: EUPL-1.2

// Package postbox is the inbox (Postfach) that each resident has with the city:
// messages of the offices, with the documents that they have issued.
//
// A message is delivered in the transaction of what it tells of, and never changed.
// Its text is kept in the languages it was written in and shown in the reader's.
//
// It doesn't write letters and doesn't keep documents (domain/notice); a document is
// known here by id and title only, and opened there. It doesn't send mail.
//
// Law: § 9 OZG (notification by a postbox of the user account), § 41 (2a) VwVfG NRW.
package postbox
