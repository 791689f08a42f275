package sm2fast

// comb is the small table of a key that was met more than once: the odd multiples
// 1, 3, …, 15 of 2^(64·i)·P for i = 0…3, 2 KiB. It cuts the doublings to 64.
type comb [4][8]affine

const combSize = 4 * 8 * 64

func newComb(p *affine) *comb {
	var points [32]jacobian
	first := p.jacobian()
	for i := range 4 {
		row := points[8*i : 8*i+8]
		oddMultiples(row, &first)
		for range 64 {
			first.double(&first)
		}
	}
	c := new(comb)
	var flat [32]affine
	toAffine(flat[:], points[:])
	for i := range c {
		copy(c[i][:], flat[8*i:])
	}
	return c
}

// oddMultiples sets row to p, 3p, 5p, ….
func oddMultiples(row []jacobian, p *jacobian) {
	var twice jacobian
	twice.double(p)
	var step scaled
	step.set(&twice)
	row[0] = *p
	for j := 1; j < len(row); j++ {
		row[j] = row[j-1]
		row[j].addScaled(&step, false)
	}
}

// multiply sets acc = k·P.
func (c *comb) multiply(acc *jacobian, k *scalar) {
	var digits [4][72]int8
	n := 0
	for i := range digits {
		n = max(n, wnaf(digits[i][:], &scalar{k[i]}, 5))
	}
	*acc = jacobian{}
	for b := n - 1; b >= 0; b-- {
		acc.double(acc)
		for i := range digits {
			if d := digits[i][b]; d > 0 {
				acc.addAffine(&c[i][d>>1], false)
			} else if d < 0 {
				acc.addAffine(&c[i][-d>>1], true)
			}
		}
	}
}

// multiplyCold sets acc = k·p for a key without tables.
func multiplyCold(acc *jacobian, p *affine, k *scalar) {
	var odd [8]jacobian
	var table [8]scaled
	first := p.jacobian()
	oddMultiples(odd[:], &first)
	for i := range odd {
		table[i].set(&odd[i])
	}
	var digits [264]int8
	n := wnaf(digits[:], k, 5)
	*acc = jacobian{}
	for i := n - 1; i >= 0; i-- {
		acc.double(acc)
		if d := digits[i]; d > 0 {
			acc.addScaled(&table[d>>1], false)
		} else if d < 0 {
			acc.addScaled(&table[-d>>1], true)
		}
	}
}
