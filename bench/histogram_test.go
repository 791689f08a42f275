package bench

import (
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Quantiles must be within 1/32 of those of the sorted values.
func TestHistogramAgainstSorted(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var h histogram
		var all []time.Duration
		for range 1 + rnd.IntN(5000) {
			d := time.Duration(rnd.Int64N(int64(time.Minute) >> rnd.IntN(30)))
			h.add(d)
			all = append(all, d)
		}
		sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			exact := all[min(int(q*float64(len(all))), len(all)-1)]
			got := h.quantile(q)
			require.GreaterOrEqual(t, got+time.Microsecond, exact.Truncate(time.Microsecond))
			require.LessOrEqual(t, float64(got), float64(exact)*33/32+float64(2*time.Microsecond))
		}
		require.Equal(t, all[len(all)-1], h.max)
	}
}

func TestBucketsAscend(t *testing.T) {
	last := -1
	for us := range 200_000 {
		b := bucketOf(time.Duration(us) * time.Microsecond)
		require.GreaterOrEqual(t, b, last)
		require.GreaterOrEqual(t, upperOf(b), time.Duration(us)*time.Microsecond)
		last = b
	}
}
