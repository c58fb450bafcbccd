// SPDX-License-Identifier: EUPL-1.2

package payment

import (
	"testing"
	"time"
)

// TestSettle is the rule of the cash desk: what the provider's answer means.
func TestSettle(t *testing.T) {
	const owed = 3070
	tests := []struct {
		name    string
		payment State
		attempt AttemptState
		current bool // the attempt is the payment's latest
		answer  AttemptState
		cents   int64
		want    outcome
	}{
		{"paid", Initiated, Initial, true, Payed, owed, outcome{attempt: Payed, payment: Paid, paid: true}},
		{"paid, asked again", Paid, Payed, true, Payed, owed, outcome{attempt: Payed, payment: Paid}},
		{"paid, the provider changes its mind", Paid, Payed, true, Canceled, owed, outcome{attempt: Payed, payment: Paid}},
		{"still open", Initiated, Initial, true, Initial, owed, outcome{attempt: Initial, payment: Initiated}},
		{"the answer to our request was lost", Initiated, Preparing, true, Initial, owed, outcome{attempt: Initial, payment: Initiated}},
		{"cancelled", Initiated, Initial, true, Canceled, owed, outcome{attempt: Canceled, payment: Cancelled}},
		{"declined", Initiated, Initial, true, Declined, owed, outcome{attempt: Declined, payment: Failed}},
		{"an older attempt is cancelled", Initiated, Initial, false, Canceled, owed, outcome{attempt: Canceled, payment: Initiated}},
		{"an older attempt is declined after payment", Paid, Initial, false, Declined, owed, outcome{attempt: Declined, payment: Paid}},
		{"an older attempt is paid", Initiated, Initial, false, Payed, owed, outcome{attempt: Payed, payment: Paid, paid: true}},
		{"paid after it was cancelled", Cancelled, Canceled, true, Payed, owed, outcome{attempt: Payed, payment: Paid, paid: true}},
		{"paid after it was declined", Failed, Declined, true, Payed, owed, outcome{attempt: Payed, payment: Paid, paid: true}},
		{"paid at a checkout that we gave up", Open, Abandoned, true, Payed, owed, outcome{attempt: Payed, payment: Paid, paid: true}},
		{"paid twice", Paid, Initial, false, Payed, owed, outcome{attempt: Payed, payment: Paid, refund: owed, reason: Twice}},
		{"paid after the case has ended", Withdrawn, Initial, true, Payed, owed, outcome{attempt: Payed, payment: Withdrawn, refund: owed, reason: Late}},
		{"cancelled after the case has ended", Withdrawn, Initial, true, Canceled, owed, outcome{attempt: Canceled, payment: Withdrawn}},
		{"too little", Initiated, Initial, true, Payed, 1, outcome{attempt: Payed, payment: Failed, refund: 1, reason: WrongAmount}},
		{"too much", Initiated, Initial, true, Payed, 9999, outcome{attempt: Payed, payment: Failed, refund: 9999, reason: WrongAmount}},
		{"too much, and paid already", Paid, Initial, false, Payed, 9999, outcome{attempt: Payed, payment: Paid, refund: 9999, reason: WrongAmount}},
		{"too much at an older attempt", Initiated, Initial, false, Payed, 9999, outcome{attempt: Payed, payment: Initiated, refund: 9999, reason: WrongAmount}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Payment{State: tt.payment, Cents: owed, Attempt: "latest"}
			a := Attempt{ID: "older", State: tt.attempt}
			if tt.current {
				a.ID = "latest"
			}
			if got := settle(p, a, Status{State: tt.answer, Cents: tt.cents, Currency: "EUR"}); got != tt.want {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
	dollars := settle(Payment{State: Initiated, Cents: owed, Attempt: "a"}, Attempt{ID: "a", State: Initial}, Status{State: Payed, Cents: owed, Currency: "USD"})
	if dollars.paid || dollars.reason != WrongAmount {
		t.Errorf("another currency: %+v", dollars)
	}
}

func TestChecksBecomeRareAndEnd(t *testing.T) {
	now := time.Unix(1000, 0)
	last := time.Duration(0)
	for i := range 90 {
		wait := nextCheck(i, now).Sub(now)
		if wait < last || wait <= 0 {
			t.Fatalf("check %d after %v, the one before after %v", i, wait, last)
		}
		last = wait
	}
	if !nextCheck(90, now).IsZero() {
		t.Error("asks for ever")
	}
}
