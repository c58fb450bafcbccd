// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"
)

// The short way for numbers gives what apd gives, to the last digit and exponent.
func TestWide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) *apd.Decimal {
			n := rapid.IntRange(1, 34).Draw(t, "digits")
			s := ""
			for range n {
				s += fmt.Sprint(rapid.SampledFrom([]int{0, 0, 1, 4, 5, 5, 9, 9}).Draw(t, "digit"))
			}
			if rapid.Bool().Draw(t, "negative") {
				s = "-" + s
			}
			d, _, err := apd.NewFromString(fmt.Sprintf("%sE%d", s, rapid.IntRange(-40, 40).Draw(t, "exponent")))
			if err != nil {
				t.Fatal(err)
			}
			return d
		})
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		for _, op := range []string{"+", "-", "*"} {
			want := new(apd.Decimal)
			var got *apd.Decimal
			var ok bool
			switch op {
			case "+":
				decimal128.Add(want, x, y)
				got, ok = wideAdd(x, y, false)
			case "-":
				decimal128.Sub(want, x, y)
				got, ok = wideAdd(x, y, true)
			case "*":
				decimal128.Mul(want, x, y)
				got, ok = wideMul(x, y)
			}
			if want.IsZero() {
				want.Negative = false
			}
			if ok && got.IsZero() {
				got = negatedZero(got)
			}
			if ok && (got.Cmp(want) != 0 || got.NumDigits() > 34) {
				t.Fatalf("%s %s %s = %s, want %s", x, op, y, got, want)
			}
		}
		if c, ok := wideCmp(x, y); ok && c != x.Cmp(y) {
			t.Fatalf("%s <=> %s: %d, want %d", x, y, c, x.Cmp(y))
		}
	})
}

func negatedZero(d *apd.Decimal) *apd.Decimal { return apd.New(0, d.Exponent) }
