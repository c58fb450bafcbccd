// SPDX-License-Identifier: EUPL-1.2

// Package xbezahl speaks XBezahldienste 1.0.0, the interface of FITKO between online services and payment providers:
// ePayBL, pmPayment and epay21 answer it. It is the Provider of domain/payment.
//
//	POST {base}/paymenttransaction/{originatorId}/{endPointId}
//	GET  {base}/paymenttransaction/{originatorId}/{endPointId}/{transactionId}
//	GET  {base}/status/{originatorId}/{endPointId}
//
// How the caller proves who it is differs from provider to provider: HTTP Basic (epay21), OAuth2 client credentials
// (pmPayment), or a client certificate in the http.Client (ePayBL).
//
// The standard knows no call from the provider to the service: services ask. Where a provider can call, the call is a
// signed hint to ask at once (Webhook); its form is our own: X-Payment-Signature: t=UNIX,n=NONCE,v1=HEX with
// HMAC-SHA-256 over "t.n.body".
package xbezahl
