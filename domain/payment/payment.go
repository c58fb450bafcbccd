// SPDX-License-Identifier: EUPL-1.2

package payment

import (
	"context"
	"time"

	"mercator/base/fault"
)

// State of a payment.
type State string

// The states of a payment.
const (
	Open      State = "open"      // owed; nobody has tried to pay
	Initiated State = "initiated" // the person is at the provider's checkout, or left it without an end
	Paid      State = "paid"
	Cancelled State = "cancelled" // the person cancelled; may try again
	Failed    State = "failed"    // the provider couldn't collect; may try again
	Withdrawn State = "withdrawn" // the case has ended; nothing is owed any more
)

// Payable tells whether the person may still pay.
func (s State) Payable() bool {
	return s == Open || s == Initiated || s == Cancelled || s == Failed
}

// Payment is a fee that somebody owes for a case.
type Payment struct {
	ID        string
	Case      string
	Key       string
	Person    string
	Office    string
	Service   string
	Cents     int64
	Purpose   string // what the person reads
	Lang      string
	State     State
	Attempt   string // the latest
	RefundDue int64  // cents that the city owes back
	Created   time.Time
	Changed   time.Time
	PaidAt    time.Time
}

// AttemptState is how far a transaction at the provider is.
type AttemptState string

// The states of an attempt.
const (
	Preparing AttemptState = "preparing" // we have asked the provider for a checkout and don't know its answer
	Initial   AttemptState = "initial"   // the checkout is open
	Payed     AttemptState = "payed"     // the standard's spelling
	Canceled  AttemptState = "canceled"
	Declined  AttemptState = "failed"
	Abandoned AttemptState = "abandoned" // the provider never answered; nobody knows the way to its checkout
)

// Attempt is one transaction at the provider.
type Attempt struct {
	ID          string // the requestId that the provider knows
	Payment     string
	Transaction string // the provider's id
	Redirect    string // the checkout
	State       AttemptState
	Detail      string
	Method      string
	Reference   string // Kassenzeichen
	Cents       int64  // what the provider says was paid
	Created     time.Time
	Checks      int
}

// Status is what the provider answers when it is asked.
type Status struct {
	Transaction string
	RequestID   string // the attempt's id, as the provider has it
	State       AttemptState
	Cents       int64
	Currency    string
	Detail      string
	Method      string
	Reference   string
	Redirect    string // only while Initial
}

// Checkout is what the provider is asked for.
type Checkout struct {
	RequestID string
	At        time.Time
	Cents     int64
	Purpose   string // for the bank statement
	Text      string // what the person reads
	Reference string // of the item: the case
	ReturnURL string
}

// Provider is a payment provider. It is trusted to say what was paid.
type Provider interface {
	Create(ctx context.Context, c Checkout) (Status, error)
	Status(ctx context.Context, transaction string) (Status, error)
}

// Reason why money is owed back.
type Reason string

// The reasons for a refund.
const (
	Twice       Reason = "twice"
	Late        Reason = "late"         // the case had ended
	WrongAmount Reason = "wrong_amount" // not what was owed
)

// outcome is what a provider's answer changes.
type outcome struct {
	attempt AttemptState
	payment State
	paid    bool // it's paid now, and was not before
	refund  int64
	reason  Reason
}

// settle is the rule of the cash desk: what an answer of the provider means for an attempt and its payment. It is asked
// again and again about the same transaction and changes something once.
func settle(p Payment, a Attempt, s Status) outcome {
	o := outcome{attempt: a.State, payment: p.State}
	if a.State == Payed {
		return o // money that has come doesn't go by a later answer
	}
	switch s.State {
	case Payed:
		o.attempt = Payed
		switch {
		case s.Cents != p.Cents || s.Currency != "EUR":
			o.refund, o.reason = s.Cents, WrongAmount
			if p.State == Initiated && p.Attempt == a.ID {
				o.payment = Failed
			}
		case p.State == Paid:
			o.refund, o.reason = s.Cents, Twice
		case p.State == Withdrawn:
			o.refund, o.reason = s.Cents, Late
		default:
			o.payment, o.paid = Paid, true
		}
	case Canceled, Declined:
		o.attempt = s.State
		if p.State == Initiated && p.Attempt == a.ID {
			o.payment = Cancelled
			if s.State == Declined {
				o.payment = Failed
			}
		}
	case Initial:
		if a.State == Preparing {
			o.attempt = Initial
		}
	}
	return o
}

// Order is a fee that a process asks for.
type Order struct {
	CaseID  string
	Key     string // tells several payments of one case apart; usually empty
	Person  string
	Office  string
	Service string
	Cents   int64
	Purpose string
	Lang    string
}

const (
	maxCents   = 99_999_999 // XBezahldienste: 999,999.99 EUR
	maxPurpose = 250
)

func (o Order) check() error {
	const op = "payment.request"
	switch {
	case o.CaseID == "" || o.Person == "":
		return fault.Internalf(op, "a payment needs a case and a person")
	case o.Cents < 0 || o.Cents > maxCents:
		return fault.Internalf(op, "%d cents", o.Cents)
	case o.Purpose == "" || len(o.Purpose) > maxPurpose:
		return fault.Internalf(op, "the purpose is empty or too long")
	}
	return nil
}

// nextCheck says when to ask the provider again: soon at first, then rarely, and after a month never.
func nextCheck(checks int, now time.Time) time.Time {
	switch {
	case checks < 6:
		return now.Add(10 * time.Second)
	case checks < 20:
		return now.Add(time.Minute)
	case checks < 60:
		return now.Add(30 * time.Minute)
	case checks < 90:
		return now.Add(24 * time.Hour)
	}
	return time.Time{}
}
