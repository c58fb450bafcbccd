// SPDX-License-Identifier: EUPL-1.2

// Package api is the counter for programs: what people can do at the screens, as
// HTTP and JSON under /api/v1, described by OpenAPI 3.1 at /api/openapi.json.
//
// Callers show an access token (OAuth 2 client credentials). What they may do is
// decided in two places: the operation names a scope, and the rooms behind it ask
// core/access, which puts every access to personal data on record.
//
// Every error is a problem document (RFC 9457); its type is urn:mercator:fault:<kind>.
// A POST with an Idempotency-Key is done once: the same key with the same request
// gives the same answer for a day, with another request it is refused.
// Lists are paged by a key: "next" of one page is "after" of the next.
package api
