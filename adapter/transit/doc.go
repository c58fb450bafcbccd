// SPDX-License-Identifier: EUPL-1.2

// Package transit keeps the master key of the house in a key management system that speaks the transit protocol of
// HashiCorp Vault (OpenBao speaks it too): the key never leaves it, the house has what it holds opened there once at each
// start. It is a client of Tink's kind (registry.KMSClient).
//
// What it isn't: a client for the rest of that system. The token must be allowed to update the paths encrypt/KEY and
// decrypt/KEY and nothing else. The key has to be of a type with associated data (aes256-gcm96, chacha20-poly1305).
package transit
