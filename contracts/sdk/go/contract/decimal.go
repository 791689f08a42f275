package contract

import (
	"math/bits"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// MaxScale bounds the digits behind a Decimal's point.
const MaxScale = 18

// Decimal is a decimal number of up to 18 digits, as an amount of money: unscaled
// digits and how many of them stand behind the point. 1.5 and 1.50 are equal by Cmp,
// but keep their scale. Its text is a plain number, without exponent or leading zeros.
type Decimal struct {
	unscaled int64
	scale    uint8
}

// maxUnscaled is the largest magnitude of 18 digits.
const maxUnscaled = 999_999_999_999_999_999

var powers = func() (p [MaxScale + 1]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// NewDecimal returns unscaled / 10^scale, or false beyond 18 digits.
func NewDecimal(unscaled int64, scale uint8) (Decimal, bool) {
	if scale > MaxScale || unscaled > maxUnscaled || unscaled < -maxUnscaled {
		return Decimal{}, false
	}
	return Decimal{unscaled, scale}, true
}

// ParseDecimal reads the text of a Decimal.
func ParseDecimal(s string) (Decimal, bool) {
	negative := len(s) > 0 && s[0] == '-'
	digits := s
	if negative {
		digits = s[1:]
	}
	var v int64
	point := -1
	for i := 0; i < len(digits); i++ {
		c := digits[i]
		switch {
		case c == '.' && point < 0 && i > 0:
			point = i
		case c-'0' <= 9 && v <= maxUnscaled/10:
			v = 10*v + int64(c-'0')
		default:
			return Decimal{}, false
		}
	}
	whole, scale := len(digits), 0
	if point >= 0 {
		whole, scale = point, len(digits)-point-1
	}
	if whole == 0 || point >= 0 && scale == 0 || whole > 1 && digits[0] == '0' || negative && v == 0 || scale > MaxScale || v > maxUnscaled {
		return Decimal{}, false
	}
	if negative {
		v = -v
	}
	return Decimal{v, uint8(scale)}, true
}

// Unscaled returns the digits as an integer.
func (d Decimal) Unscaled() int64 { return d.unscaled }

// Scale returns how many digits stand behind the point.
func (d Decimal) Scale() uint8 { return d.scale }

// Sign returns -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.unscaled < 0:
		return -1
	case d.unscaled > 0:
		return 1
	}
	return 0
}

// Neg returns -d.
func (d Decimal) Neg() Decimal { return Decimal{-d.unscaled, d.scale} }

// Add returns d + e at the larger scale, or false beyond 18 digits.
func (d Decimal) Add(e Decimal) (Decimal, bool) {
	scale := max(d.scale, e.scale)
	d, ok := d.Rescale(scale)
	e, fits := e.Rescale(scale)
	if !ok || !fits {
		return Decimal{}, false
	}
	return NewDecimal(d.unscaled+e.unscaled, scale)
}

// Sub returns d - e, see Add.
func (d Decimal) Sub(e Decimal) (Decimal, bool) { return d.Add(e.Neg()) }

// Mul returns d · e, rounded to scale as Rescale does, or false beyond 18 digits.
func (d Decimal) Mul(e Decimal, scale uint8) (Decimal, bool) {
	hi, lo := bits.Mul64(magnitude(d.unscaled), magnitude(e.unscaled))
	from := d.scale + e.scale
	if scale > MaxScale {
		return Decimal{}, false
	}
	if from <= scale {
		if hi != 0 || lo > maxUnscaled || lo > uint64(maxUnscaled/powers[scale-from]) {
			return Decimal{}, false
		}
		lo *= uint64(powers[scale-from])
	} else if hi, lo = divide(hi, lo, from-scale); hi != 0 || lo > maxUnscaled {
		return Decimal{}, false
	}
	v := int64(lo)
	if (d.unscaled < 0) != (e.unscaled < 0) {
		v = -v
	}
	return Decimal{v, scale}, true
}

// divide returns hi‖lo / 10^n, rounded half up; n is at most 2·MaxScale.
func divide(hi, lo uint64, n uint8) (uint64, uint64) {
	digit := uint64(0)
	for ; n > 0; n-- {
		qh, r := hi/10, hi%10
		ql, rest := bits.Div64(r, lo, 10)
		hi, lo, digit = qh, ql, rest
	}
	if digit >= 5 {
		lo, digit = bits.Add64(lo, 1, 0)
		hi += digit
	}
	return hi, lo
}

// Rescale returns d with scale digits behind the point, rounded half away from zero
// where digits go (四舍五入), or false beyond 18 digits.
func (d Decimal) Rescale(scale uint8) (Decimal, bool) {
	if scale > MaxScale {
		return Decimal{}, false
	}
	if scale >= d.scale {
		p := powers[scale-d.scale]
		if int64(magnitude(d.unscaled)) > maxUnscaled/p {
			return Decimal{}, false
		}
		return Decimal{d.unscaled * p, scale}, true
	}
	_, v := divide(0, magnitude(d.unscaled), d.scale-scale)
	if d.unscaled < 0 {
		return Decimal{-int64(v), scale}, true
	}
	return Decimal{int64(v), scale}, true
}

// Cmp returns -1, 0 or 1 as d is below, equal to or above e.
func (d Decimal) Cmp(e Decimal) int {
	dh, dl := d.wide()
	eh, el := e.wide()
	switch {
	case dh < eh || dh == eh && dl < el:
		return -1
	case dh == eh && dl == el:
		return 0
	}
	return 1
}

// wide returns d · 10^18 in 128 bits, offset so that unsigned order is the order of
// values.
func (d Decimal) wide() (hi, lo uint64) {
	hi, lo = bits.Mul64(magnitude(d.unscaled), uint64(powers[MaxScale-d.scale]))
	if d.unscaled < 0 {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return hi ^ 1<<63, lo
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// String returns the text.
func (d Decimal) String() string { return string(d.appendText(make([]byte, 0, 24))) }

func (d Decimal) appendText(b []byte) []byte {
	if d.unscaled < 0 {
		b = append(b, '-')
	}
	var text [20]byte
	digits := codec.AppendUint(text[:0], magnitude(d.unscaled))
	whole := len(digits) - int(d.scale)
	if whole <= 0 {
		b = append(b, '0')
	} else {
		b = append(b, digits[:whole]...)
	}
	if d.scale == 0 {
		return b
	}
	b = append(b, '.')
	for ; whole < 0; whole++ {
		b = append(b, '0')
	}
	return append(b, digits[whole:]...)
}

// DecodeJSON reads the text as a string.
func (d *Decimal) DecodeJSON(r *codec.Reader) {
	v, ok := ParseDecimal(r.String())
	if !ok {
		r.Fail("decimal number of up to 18 digits as a string expected")
		return
	}
	*d = v
}

// AppendJSON appends the text as a string.
func (d *Decimal) AppendJSON(b []byte) []byte { return append(d.appendText(append(b, '"')), '"') }

// AppendKey appends 32 hex digits, whose order is the order of the numbers; equal ones
// of different scale have the same key.
func (d *Decimal) AppendKey(b []byte) []byte {
	hi, lo := d.wide()
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[hi>>shift&15])
	}
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[lo>>shift&15])
	}
	return b
}

// DecodeKey reads what AppendKey wrote, at the smallest scale.
func (d *Decimal) DecodeKey(b []byte) bool {
	var raw [16]byte
	if !codec.DecodeHex(raw[:], b) {
		return false
	}
	var hi, lo uint64
	for i := range 8 {
		hi, lo = hi<<8|uint64(raw[i]), lo<<8|uint64(raw[8+i])
	}
	hi ^= 1 << 63
	negative := hi>>63 != 0
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	scale := uint8(MaxScale)
	for scale > 0 {
		qh, r := hi/10, hi%10
		ql, rest := bits.Div64(r, lo, 10)
		if rest != 0 {
			break
		}
		hi, lo, scale = qh, ql, scale-1
	}
	if hi != 0 || lo > maxUnscaled {
		return false
	}
	d.unscaled, d.scale = int64(lo), scale
	if negative {
		d.unscaled = -d.unscaled
	}
	return !negative || lo != 0
}
