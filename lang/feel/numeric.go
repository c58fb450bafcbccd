// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"github.com/cockroachdb/apd/v3"
)

// --- numbers (10.3.4.5)

var numeric = map[string][]signature{
	"decimal":         {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundHalfEven))},
	"floor":           {sig("n:n, scale:n?", TypeNumber, rounding(apd.RoundFloor))},
	"ceiling":         {sig("n:n, scale:n?", TypeNumber, rounding(apd.RoundCeiling))},
	"round up":        {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundUp))},
	"round down":      {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundDown))},
	"round half up":   {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundHalfUp))},
	"round half down": {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundHalfDown))},
	"abs": {
		sig("n:n", TypeNumber, func(c *site, a []Value) Value {
			if d := a[0].(*apd.Decimal); d.Negative {
				return negated(d)
			}
			return a[0]
		}),
		sig("n:p", TypeSpan, absDuration), sig("n:m", TypeMonths, absDuration),
	},
	"modulo": {sig("dividend:n, divisor:n", TypeNumber, func(c *site, a []Value) Value {
		x, y := a[0].(*apd.Decimal), a[1].(*apd.Decimal)
		if y.IsZero() {
			return c.null("division by zero")
		}
		if m, ok := units(x); ok && x.Exponent == y.Exponent {
			if n, ok := units(y); ok {
				r := m % n
				if r != 0 && (r < 0) != (n < 0) {
					r += n
				}
				return decimalOf(r, x.Exponent)
			}
		}
		wide := decimal128
		wide.Precision = 7000
		if d := int64(x.Exponent) + x.NumDigits() - int64(y.Exponent); d > 6000 || d < -6000 {
			return c.null("the numbers are too far apart")
		}
		var q, r apd.Decimal
		if _, err := wide.QuoInteger(&q, x, y); err != nil {
			return c.null("%s", err)
		}
		wide.Mul(&r, &q, y)
		wide.Sub(&r, x, &r)
		if !r.IsZero() && r.Negative != y.Negative {
			wide.Add(&r, &r, y)
		}
		out := new(apd.Decimal)
		cond, err := decimal128.Round(out, &r)
		return rounded(out, cond, err)
	})},
	"sqrt": {sig("number:n", TypeNumber, func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		if d.Negative {
			return c.null("the number is negative")
		}
		c.st.spend(30)
		out := new(apd.Decimal)
		cond, err := decimal128.Sqrt(out, d)
		if v := rounded(out, cond, err); v != nil {
			if cond.Inexact() {
				return v
			}
			return trimTo(out, min(0, d.Exponent/2))
		}
		return nil
	})},
	"log": {sig("number:n", TypeNumber, func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		if d.Negative || d.IsZero() {
			return c.null("the number isn't above zero")
		}
		c.st.spend(500 + magnitude(d))
		out := new(apd.Decimal)
		cond, err := decimal128.Ln(out, d)
		return rounded(out, cond, err)
	})},
	"exp": {sig("number:n", TypeNumber, func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		n, ok := whole(d)
		if !ok || n > 14_200 || n < -14_200 {
			return c.null("the result doesn't fit")
		}
		c.st.spend(500 + 4*int(max(n, -n))) // the further from zero, the more
		out := new(apd.Decimal)
		cond, err := decimal128.Exp(out, d)
		return rounded(out, cond, err)
	})},
	"odd":  {sig("number:n", TypeBoolean, func(c *site, a []Value) Value { return parity(c, a[0], true) })},
	"even": {sig("number:n", TypeBoolean, func(c *site, a []Value) Value { return parity(c, a[0], false) })},
}

func absDuration(c *site, a []Value) Value {
	switch v := a[0].(type) {
	case Months:
		if v < 0 {
			return negTemporal(v)
		}
	case Span:
		if v.sec < 0 {
			return negTemporal(v)
		}
	}
	return a[0]
}

func parity(c *site, v Value, odd bool) Value {
	d := v.(*apd.Decimal)
	if n, ok := integer(d); ok {
		return (n%2 != 0) == odd
	}
	if d.Exponent > 0 {
		return !odd
	}
	var r, two apd.Decimal
	two.SetInt64(2)
	wide := decimal128
	wide.Precision = 80
	if _, err := wide.Rem(&r, d, &two); err != nil {
		return c.null("the number doesn't fit")
	}
	return !r.IsZero() == odd && r.Exponent >= 0
}

// rounding rounds to a number of decimal places, which may be negative.
func rounding(mode apd.Rounder) func(c *site, a []Value) Value {
	ctx := decimal128
	ctx.Rounding = mode
	return func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		scale := int64(0)
		if c.has(1) {
			var ok bool
			if scale, ok = whole(a[1].(*apd.Decimal)); !ok || scale < -6111 || scale > 6176 {
				return c.null("the scale is a whole number from -6111 to 6176")
			}
		}
		if int64(d.Exponent) >= -scale && c.name != "decimal" || d.Exponent == int32(-scale) {
			return d
		}
		if int64(d.Exponent)+d.NumDigits()+scale > int64(ctx.Precision) && int64(d.Exponent) >= -scale {
			return d // no room for so many zeros
		}
		out := new(apd.Decimal)
		cond, err := ctx.Quantize(out, d, int32(-scale))
		if cond.InvalidOperation() || err != nil {
			return d // has fewer places than that, and no room for their zeros
		}
		if v := rounded(out, cond, err); v == nil || out.Exponent <= 0 {
			return v
		}
		// a whole number reads better without an exponent
		cond, err = ctx.Quantize(out, out, 0)
		if err != nil || cond.InvalidOperation() {
			ctx.Quantize(out, d, int32(-scale))
		}
		return out
	}
}
