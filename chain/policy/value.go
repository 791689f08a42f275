package policy

import (
	"slices"
	"strings"

	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// object is a JSON object whose keys come in ascending order: the map of cel-go ranges
// over a Go map, whose order differs from run to run. The interface is embedded, not the
// type behind it, so that no other way of walking it shows through.
type object struct {
	traits.Mapper
	keys []string // in any order
}

// Iterator walks the keys in order.
func (o *object) Iterator() traits.Iterator {
	slices.Sort(o.keys)
	keys := make([]ref.Val, len(o.keys))
	for i, k := range o.keys {
		keys[i] = celtypes.String(k)
	}
	return celtypes.NewRefValList(celtypes.DefaultTypeAdapter, keys).Iterator()
}

// decimalUnit is what decimal() counts in: millionths.
const decimalUnit = 1_000_000

// parseDecimal reads a decimal with up to six places as millionths.
func parseDecimal(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, part, point := strings.Cut(digits, ".")
	if whole == "" || point && part == "" || len(part) > 6 || len(whole) > 13 {
		return 0, false
	}
	all := whole + part + "000000"[len(part):]
	var n int64
	for _, c := range []byte(all) {
		if c < '0' || c > '9' || n > (1<<63-1-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// decimal is the CEL function of the same name.
func decimal(v ref.Val) ref.Val {
	switch v := v.(type) {
	case celtypes.String:
		if n, ok := parseDecimal(string(v)); ok {
			return celtypes.Int(n)
		}
	case celtypes.Int:
		if n := int64(v); n <= (1<<63-1)/decimalUnit && n >= -(1<<63-1)/decimalUnit {
			return celtypes.Int(n * decimalUnit)
		}
	}
	return celtypes.NewErr("no decimal of up to 13 digits and 6 places")
}
