// SPDX-License-Identifier: EUPL-1.2

// Package smtp hands mails of the house to the city's mail server (RFC 5321), over TLS from the beginning or by STARTTLS.
//
// It sends one mail and tells whether the server has taken it. What isn't taken stays where it came from: a job that tries
// again (core/job), so nothing is lost while the server is down. An unencrypted connection is made to this machine only.
//
// What a server answers may repeat an address; an error of this package holds the answer's number and nothing of its text.
//
// It isn't for letters to residents: they have the postbox (domain/postbox).
package smtp
