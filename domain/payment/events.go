// SPDX-License-Identifier: EUPL-1.2

package payment

// The events of this office. Their subject is the case; their data names the payment and nothing about the person.
const (
	EventRequested = "eu.mercator.payment.requested"
	EventPaid      = "eu.mercator.payment.paid"
	EventCancelled = "eu.mercator.payment.cancelled"
	EventFailed    = "eu.mercator.payment.failed"
	EventWithdrawn = "eu.mercator.payment.withdrawn"
	EventRefundDue = "eu.mercator.payment.refund_due"
	EventRefunded  = "eu.mercator.payment.refunded"
)

// Fact is the data of an event.
type Fact struct {
	Payment string `json:"payment"`
	Case    string `json:"case"`
	Service string `json:"service"`
	Cents   int64  `json:"cents"`            // of the fee, or of the refund
	Reason  Reason `json:"reason,omitempty"` // of a refund
}
