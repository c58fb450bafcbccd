// SPDX-License-Identifier: EUPL-1.2

// Package payment is the city's cash desk for fees that are paid online (ePayment, § 4 (2) EGovG NRW): it asks for a fee,
// sends the person to a payment provider's checkout, and books what the provider confirms.
//
// Terms. A payment is a fee that somebody owes for a case. An attempt is one transaction at the provider; a payment has as
// many as it takes. A refund is money that the city owes back: the fee was paid twice, paid after the case had ended, or
// paid in a wrong amount.
//
//	open → initiated → paid
//	          │  ↑
//	          ▼  │ (tried again)
//	   cancelled, failed            open, initiated, cancelled, failed → withdrawn (the case has ended)
//
// What is believed: only what the provider answers when we ask it (GET). The person's way back from the checkout and the
// provider's call (callback) are reasons to ask, no more; the call is signed, and a signed call that came before is
// refused. A call that is lost is made up for by asking from time to time. The amount is compared each time.
//
// The fee that was paid, the message to the process and the refund that is due are one transaction.
//
// What it doesn't do: compute fees (the service's fee.dmn does), speak a provider's protocol (adapter/xbezahl does), pay
// refunds out: it lists what is due, and a clerk notes what the city's accounts have paid.
package payment
