package drivertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

// lyingOpener opens stores that lose one write in many and say nothing.
type lyingOpener struct {
	driver.Opener
	every int
}

func (o lyingOpener) Open(dir string, p driver.Profile) (driver.DB, error) {
	db, err := o.Opener.Open(dir, p)
	return &lyingDB{DB: db, every: o.every}, err
}

type lyingDB struct {
	driver.DB
	every, n int
}

func (d *lyingDB) Batch() driver.Batch { return &lyingBatch{d.DB.Batch(), d} }

type lyingBatch struct {
	driver.Batch
	db *lyingDB
}

func (b *lyingBatch) Set(key, value []byte) {
	if b.db.n++; b.db.n%b.db.every != 0 {
		b.Batch.Set(key, value)
	}
}

// TestLyingDriverFails proves that the suite notices lost writes.
//
// covers: T.13
func TestLyingDriverFails(t *testing.T) {
	for _, every := range []int{1, 3, 100} {
		failed := 0
		for _, c := range Cases() {
			if c.Check(lyingOpener{pebbledb.Opener{}, every}, t.TempDir()+"/store") != nil {
				failed++
			}
		}
		require.Positive(t, failed, "a driver that loses one write in %d passed", every)
	}
}
