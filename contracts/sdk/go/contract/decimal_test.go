package contract

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawDecimal(t *rapid.T, name string) Decimal {
	d, ok := NewDecimal(rapid.Int64Range(-maxUnscaled, maxUnscaled).Draw(t, name), rapid.Uint8Range(0, MaxScale).Draw(t, name+" scale"))
	require.True(t, ok)
	return d
}

func rat(d Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

// rounded rounds half away from zero.
func rounded(r *big.Rat, scale uint8) *big.Rat {
	out, _ := new(big.Rat).SetString(r.FloatString(int(scale)))
	return out
}

// Arithmetic, order, text and keys agree with math/big.
func TestDecimalAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, e := drawDecimal(t, "d"), drawDecimal(t, "e")
		back, ok := ParseDecimal(d.String())
		require.True(t, ok, d.String())
		require.Equal(t, d, back)
		require.Equal(t, rat(d).Cmp(rat(e)), d.Cmp(e))
		require.Equal(t, d.Cmp(e), bytes.Compare(d.AppendKey(nil), e.AppendKey(nil)))
		var key Decimal
		require.True(t, key.DecodeKey(d.AppendKey(nil)))
		require.Zero(t, key.Cmp(d))
		if sum, ok := d.Add(e); ok {
			require.Zero(t, new(big.Rat).Add(rat(d), rat(e)).Cmp(rat(sum)))
		}
		if diff, ok := d.Sub(e); ok {
			require.Zero(t, new(big.Rat).Sub(rat(d), rat(e)).Cmp(rat(diff)))
		}
		scale := rapid.Uint8Range(0, MaxScale).Draw(t, "scale")
		if r, ok := d.Rescale(scale); ok {
			require.Zero(t, rounded(rat(d), scale).Cmp(rat(r)), "%s at %d: %s", d, scale, r)
		}
		if p, ok := d.Mul(e, scale); ok {
			require.Zero(t, rounded(new(big.Rat).Mul(rat(d), rat(e)), scale).Cmp(rat(p)))
		}
	})
}

func TestDecimalText(t *testing.T) {
	for s, want := range map[string]bool{"0": true, "0.00": true, "-1.50": true, "12.5": true, "999999999999999999": true, "0.000000000000000001": true,
		"": false, "-": false, ".5": false, "1.": false, "01": false, "-0": false, "1e3": false, "1000000000000000000": false, "1.2.3": false, "0.0000000000000000001": false} {
		_, ok := ParseDecimal(s)
		require.Equal(t, want, ok, s)
	}
	d, _ := ParseDecimal("2.5")
	r, ok := d.Rescale(0)
	require.True(t, ok)
	require.Equal(t, "3", r.String())
	r, _ = d.Neg().Rescale(0)
	require.Equal(t, "-3", r.String())
}

func FuzzParseDecimal(f *testing.F) {
	f.Add("-12.50")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := ParseDecimal(s); ok {
			require.Equal(t, s, d.String())
		}
	})
}

func TestDate(t *testing.T) {
	for s, want := range map[string]bool{"2026-03-02": true, "2024-02-29": true, "2026-02-29": false, "2026-3-2": false, "0000-01-01": false} {
		d, ok := ParseDate(s)
		require.Equal(t, want, ok, s)
		if ok {
			require.Equal(t, s, d.String())
		}
	}
	at, _ := ParseTime("2026-03-02T16:00:00Z")
	require.Equal(t, "2026-03-03", at.Date().String(), "China Standard Time")
	require.Equal(t, "2026-03-02", (at - 1).Date().String())
}
