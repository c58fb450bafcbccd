// SPDX-License-Identifier: EUPL-1.2

// Package identity knows who is at the other end: sessions of people, tokens of machines, and which account of an identity
// provider belongs to which person.
//
// A session is a row in the database and a random token of 256 bits in a cookie. The database holds only the token's hash,
// so a stolen copy of it signs nobody in. A session ends after a time without use (idle) and after a time in any case
// (absolute); its token changes at every sign-in and step-up, so a token from before is worth nothing afterwards.
//
// A machine shows an access token (JWT) of the identity provider, checked against the provider's published keys.
//
// An account is linked to a person of the register once the person has proved who they are at the level substantial or
// higher; below that, the name that an account gives is only a claim, and the account stays by itself.
//
// What it doesn't do: speak to an identity provider for people (adapter/oidclogin does), decide what somebody may do
// (core/access does).
package identity
