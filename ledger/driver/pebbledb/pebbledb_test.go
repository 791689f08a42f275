package pebbledb_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/huchain/huchain/ledger/driver/drivertest"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

func TestDriver(t *testing.T) {
	drivertest.Run(t, pebbledb.Opener{}, t.TempDir)
}

func TestDriverWithSmallTables(t *testing.T) {
	drivertest.Run(t, pebbledb.Opener{FS: vfs.NewMem(), MemTableBytes: 64 << 10, CacheBytes: 1 << 20}, t.TempDir)
}
