// SPDX-License-Identifier: EUPL-1.2

// Package paydemo is a payment provider for the demo: its own HTTP service on its own origin, which the platform meets as
// it would meet ePayBL, pmPayment or epay21 — by the XBezahldienste interface, a hosted checkout and signed calls.
//
// The checkout is where a person decides how the payment ends: paid, cancelled, declined, paid while the provider's call is
// lost, charged twice, a forged call without a payment, or charged in a wrong amount. No money moves, and the page says so.
//
// It keeps its own books: a file in the data folder to which every change is added and synced before it's answered. Killed
// at any moment it has lost nothing that it has said; calls that were not yet taken are made again after the start.
//
// What it isn't: a payment provider. It knows no cards and no accounts.
package paydemo
