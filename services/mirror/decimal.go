package mirror

import (
	"math/big"
	"regexp"
	"strings"
)

var decimalForm = regexp.MustCompile(`^-?[0-9]{1,38}(\.[0-9]{1,38})?$`)

// decimal is an exact decimal number of any size; its zero value is 0.
type decimal struct {
	units big.Int // in tenths to the power of places
	place int
}

// add adds a number in text form; what is none counts for nothing.
func (d *decimal) add(text string) {
	if !decimalForm.MatchString(text) {
		return
	}
	whole, fraction, _ := strings.Cut(text, ".")
	var v big.Int
	v.SetString(whole+fraction, 10)
	d.scale(&d.units, len(fraction)-d.place)
	d.scale(&v, d.place-len(fraction))
	d.place = max(d.place, len(fraction))
	d.units.Add(&d.units, &v)
}

func (d *decimal) scale(v *big.Int, places int) {
	if places > 0 {
		v.Mul(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil))
	}
}

// String writes the number without zeros at the end of its fraction.
func (d *decimal) String() string {
	sign, digits := "", d.units.String()
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if d.place == 0 {
		return sign + digits
	}
	if len(digits) <= d.place {
		digits = strings.Repeat("0", d.place-len(digits)+1) + digits
	}
	at := len(digits) - d.place
	return strings.TrimSuffix(sign+digits[:at]+"."+strings.TrimRight(digits[at:], "0"), ".")
}

// plain writes a number that a database formatted as this package does.
func plain(text string) string {
	var d decimal
	d.add(text)
	return d.String()
}

// compare is -1, 0 or 1.
func (d *decimal) compare(o *decimal) int {
	var a, b big.Int
	a.Set(&d.units)
	b.Set(&o.units)
	d.scale(&a, o.place-d.place)
	d.scale(&b, d.place-o.place)
	return a.Cmp(&b)
}
