package drivertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

// TestLyingDriverFails proves that the suite notices lost writes.
//
// covers: T.13
func TestLyingDriverFails(t *testing.T) {
	for _, lie := range []Lie{LostSet, LostDelete, LostBatch} {
		for _, every := range []int{1, 3, 20} {
			failed := 0
			for _, c := range Cases() {
				if c.Check(Liar{pebbledb.Opener{}, every, lie}, t.TempDir()+"/store") != nil {
					failed++
				}
			}
			require.Positive(t, failed, "a driver that loses one write in %d passed (lie %d)", every, lie)
		}
	}
}
