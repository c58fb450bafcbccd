// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	bytes "encoding/binary"
	"math/bits"

	"github.com/cockroachdb/apd/v3"
)

// The way past big integers for numbers of up to 34 digits, whose coefficients fit into
// 128 bits: + - and * without an allocation but that of the result. What doesn't fit
// goes through apd, which is the reference (TestWide holds the two against each other).

type wide struct{ hi, lo uint64 }

// pow10 are the powers of ten that fit into 128 bits.
var pow10 = func() (out [39]wide) {
	out[0].lo = 1
	for i := 1; i < len(out); i++ {
		h, l := bits.Mul64(out[i-1].lo, 10)
		out[i] = wide{out[i-1].hi*10 + h, l}
	}
	return
}()

func (a wide) cmp(b wide) int {
	switch {
	case a.hi != b.hi && a.hi < b.hi, a.hi == b.hi && a.lo < b.lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// times is a product of 256 bits, the lowest word first.
func (a wide) times(b wide) (p [4]uint64) {
	h0, l0 := bits.Mul64(a.lo, b.lo)
	h1, l1 := bits.Mul64(a.lo, b.hi)
	h2, l2 := bits.Mul64(a.hi, b.lo)
	h3, l3 := bits.Mul64(a.hi, b.hi)
	var c uint64
	p[0] = l0
	p[1], c = bits.Add64(h0, l1, 0)
	p[2], c = bits.Add64(h1, h2, c)
	p[3], _ = bits.Add64(h3, 0, c)
	p[1], c = bits.Add64(p[1], l2, 0)
	p[2], c = bits.Add64(p[2], l3, c)
	p[3] += c
	return p
}

// coefficient is the coefficient of a number without its sign, where it fits.
func coefficient(d *apd.Decimal) (wide, bool) {
	if d.Coeff.IsUint64() {
		return wide{0, d.Coeff.Uint64()}, true
	}
	b := d.Coeff.Bits()
	if len(b) != 2 || bits.UintSize != 64 {
		return wide{}, false
	}
	return wide{uint64(b[1]), uint64(b[0])}, true
}

// number makes a number of up to 34 digits.
func (a wide) number(negative bool, exp int32) *apd.Decimal {
	if a.hi == 0 && a.lo>>62 == 0 {
		n := int64(a.lo)
		if negative {
			n = -n
		}
		return decimalOf(n, exp)
	}
	d := &apd.Decimal{Negative: negative, Exponent: exp}
	if a.hi == 0 {
		d.Coeff.SetUint64(a.lo)
		return d
	}
	var b [16]byte // which apd keeps in place, other than the words of SetBits
	bytes.BigEndian.PutUint64(b[:8], a.hi)
	bytes.BigEndian.PutUint64(b[8:], a.lo)
	d.Coeff.SetBytes(b[:])
	return d
}

const digits = 34

// rounded takes the product down to 34 digits, half even, and makes a number of it.
func wideRound(p [4]uint64, negative bool, exp int32) (*apd.Decimal, bool) {
	drop := int32(0)
	var last uint64 // the digit that was dropped last
	rest := false   // whether one before it wasn't zero
	for p[2] != 0 || p[3] != 0 || (wide{p[1], p[0]}).cmp(pow10[digits]) >= 0 {
		// as many digits at once as surely go
		step, by := int32(1), uint64(10)
		if p[3] != 0 || p[2]>>32 != 0 {
			step, by = 9, 1_000_000_000
		}
		var r uint64
		for i := 3; i >= 0; i-- {
			p[i], r = bits.Div64(r, p[i], by)
		}
		if last != 0 {
			rest = true
		}
		for ; step > 1; step-- {
			if r%10 != 0 {
				rest = true
			}
			r /= 10
			drop++
		}
		drop++
		last = r
	}
	a := wide{p[1], p[0]}
	if last > 5 || last == 5 && (rest || a.lo&1 == 1) {
		var c uint64
		a.lo, c = bits.Add64(a.lo, 1, 0)
		a.hi += c
		if a == pow10[digits] {
			a, drop = pow10[digits-1], drop+1
		}
	}
	exp += drop
	if exp < -6143 || exp > 6000 { // near the ends of the range apd decides
		return nil, false
	}
	return a.number(negative, exp), true
}

func wideMul(x, y *apd.Decimal) (*apd.Decimal, bool) {
	a, ok1 := coefficient(x)
	b, ok2 := coefficient(y)
	if !ok1 || !ok2 {
		return nil, false
	}
	return wideRound(a.times(b), x.Negative != y.Negative, x.Exponent+y.Exponent)
}

// wideAdd adds, or subtracts where flip is set.
func wideAdd(x, y *apd.Decimal, flip bool) (*apd.Decimal, bool) {
	a, ok1 := coefficient(x)
	b, ok2 := coefficient(y)
	if !ok1 || !ok2 {
		return nil, false
	}
	exp := min(x.Exponent, y.Exponent)
	p, ok1 := aligned(a, x.Exponent-exp)
	q, ok2 := aligned(b, y.Exponent-exp)
	if !ok1 || !ok2 {
		return nil, false
	}
	if x.Negative == (y.Negative != flip) {
		var s [4]uint64
		var c uint64
		for i := range s {
			s[i], c = bits.Add64(p[i], q[i], c)
		}
		return wideRound(s, x.Negative, exp)
	}
	negative := x.Negative
	for i := 3; i >= 0; i-- {
		if p[i] != q[i] {
			if p[i] < q[i] {
				p, q, negative = q, p, !negative
			}
			break
		}
	}
	var s [4]uint64
	var c uint64
	for i := range s {
		s[i], c = bits.Sub64(p[i], q[i], c)
	}
	if s == [4]uint64{} {
		negative = false
	}
	return wideRound(s, negative, exp)
}

// aligned is a coefficient moved up by digits.
func aligned(a wide, by int32) ([4]uint64, bool) {
	if by == 0 {
		return [4]uint64{a.lo, a.hi}, true
	}
	if by >= int32(len(pow10)) {
		return [4]uint64{}, false
	}
	return a.times(pow10[by]), true
}

// wideCmp compares.
func wideCmp(x, y *apd.Decimal) (int, bool) {
	a, ok1 := coefficient(x)
	b, ok2 := coefficient(y)
	if !ok1 || !ok2 {
		return 0, false
	}
	exp := min(x.Exponent, y.Exponent)
	p, ok1 := aligned(a, x.Exponent-exp)
	q, ok2 := aligned(b, y.Exponent-exp)
	if !ok1 || !ok2 {
		return 0, false
	}
	sign := 0
	for i := 3; i >= 0; i-- {
		if p[i] != q[i] {
			sign = 1
			if p[i] < q[i] {
				sign = -1
			}
			break
		}
	}
	zero := sign == 0 && p == [4]uint64{}
	switch {
	case zero:
		return 0, true
	case x.Negative != y.Negative:
		// one may be zero, whose sign doesn't count
		if x.Negative && a != (wide{}) || !x.Negative && a == (wide{}) && !y.Negative {
			return -1, true
		}
		if a == (wide{}) {
			if y.Negative {
				return 1, true
			}
			return -1, true
		}
		return 1, true
	case x.Negative:
		return -sign, true
	}
	return sign, true
}
