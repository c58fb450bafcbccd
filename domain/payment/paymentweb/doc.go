// SPDX-License-Identifier: EUPL-1.2

// Package paymentweb is where a person pays: what is owed and for what, the way to the provider's checkout, and what came
// of it. The page never says "paid" before the provider has said so to us.
package paymentweb
