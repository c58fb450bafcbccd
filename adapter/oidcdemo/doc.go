// SPDX-License-Identifier: EUPL-1.2

// Package oidcdemo is a real OpenID Connect provider for the demo: the part that BundID, a state's service account or
// the city's own Keycloak plays in production.
//
// It speaks authorization code with PKCE (S256, always demanded) for people, client credentials for machines (JWT
// access tokens), discovery, JWKS, user info, and RP-initiated logout. It runs as its own HTTP server, on its own
// origin, so that the platform meets it exactly as it would meet somebody else's provider.
//
// Three ways to sign in stand for the three trust levels (Vertrauensniveaus, § 3 OZG and BSI TR-03107-1): a password
// (normal), a password and a code (substantial), a password and the PIN of an identity card (high). In the demo the code
// and the PIN are shown on the page, and the page says so. The level reached goes into the claim acr; a request that
// names acr_values is only answered at that level or above, and a session below it is asked for what is missing.
//
// The sub claim is pairwise: another client sees another pseudonym of the same person, as the bPK2 of BundID does.
//
// What it isn't: an identity provider for production. Every account has the same password, which the page prints.
//
// Requests under way, codes and wrong attempts live in memory and are bounded; keys live in the data folder, and what
// must outlive a restart (the provider's session, access tokens) is sealed with them and held by the client.
package oidcdemo
