package boltdb_test

import (
	"testing"

	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/drivertest"
)

// covers: T.13
func TestDriver(t *testing.T) {
	drivertest.Run(t, boltdb.Opener{MaxBytes: 1 << 30}, t.TempDir)
}
