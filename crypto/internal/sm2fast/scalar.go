package sm2fast

import "math/bits"

// scalar is a 256-bit integer in little-endian limbs.
type scalar [4]uint64

// order is n, the prime order of the group; primeMinusOrder is p - n.
var (
	order           = scalar{0x53bbf40939d54123, 0x7203df6b21c6052b, 0xffffffffffffffff, 0xfffffffeffffffff}
	primeMinusOrder = scalar{0xac440bf6c62abedc, 0x8dfc2093de39fad5, 0, 0}
)

// sub sets z = x - y mod 2^256 and returns the borrow.
func sub(z, x, y *scalar) uint64 {
	var b uint64
	z[0], b = bits.Sub64(x[0], y[0], 0)
	z[1], b = bits.Sub64(x[1], y[1], b)
	z[2], b = bits.Sub64(x[2], y[2], b)
	z[3], b = bits.Sub64(x[3], y[3], b)
	return b
}

// add sets z = x + y mod 2^256 and returns the carry.
func add(z, x, y *scalar) uint64 {
	var c uint64
	z[0], c = bits.Add64(x[0], y[0], 0)
	z[1], c = bits.Add64(x[1], y[1], c)
	z[2], c = bits.Add64(x[2], y[2], c)
	z[3], c = bits.Add64(x[3], y[3], c)
	return c
}

func (x *scalar) isZero() bool { return x[0]|x[1]|x[2]|x[3] == 0 }

// inRange reports 1 ≤ x < n.
func (x *scalar) inRange() bool {
	var t scalar
	return !x.isZero() && sub(&t, x, &order) == 1
}

// addModOrder sets z = x + y mod n for x, y < n.
func addModOrder(z, x, y *scalar) {
	var sum, less scalar
	carry := add(&sum, x, y)
	if borrow := sub(&less, &sum, &order); borrow == 0 || carry == 1 {
		sum = less
	}
	*z = sum
}

// halve returns k or n - k, whichever is at most (n-1)/2, and whether it is the latter.
func halve(k *scalar) (scalar, bool) {
	var m, t scalar
	sub(&m, &order, k)
	if sub(&t, &m, k) == 1 {
		return m, true
	}
	return *k, false
}

// digit returns w bits from bit position pos on, w < 64.
func (x *scalar) digit(pos, w uint) uint64 {
	i, s := pos>>6, pos&63
	if i > 3 {
		return 0
	}
	v := x[i] >> s
	if s+w > 64 && i < 3 {
		v |= x[i+1] << (64 - s)
	}
	return v & (1<<w - 1)
}

// wnaf writes k in non-adjacent form, lowest digit first, and returns the number of
// digits in use: each is zero or odd and within ±(2^(w-1)-1), and out has room for a
// carry out of the top bit of k.
func wnaf(out []int8, k *scalar, w uint) int {
	var x [5]uint64
	copy(x[:4], k[:])
	used := 0
	carry := uint64(0)
	for pos := 0; pos < len(out); {
		i, s := uint(pos)>>6, uint(pos)&63
		if (x[i]>>s)&1 == carry {
			pos++
			continue
		}
		v := x[i] >> s
		if s+w > 64 && i < 4 {
			v |= x[i+1] << (64 - s)
		}
		d := int(v&(1<<w-1)) + int(carry)
		carry = 0
		if d >= 1<<(w-1) {
			d -= 1 << w
			carry = 1
		}
		out[pos] = int8(d)
		used = pos + 1
		pos += int(w)
	}
	return used
}
