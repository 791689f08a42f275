package pgdriver_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/drivertest"
	"github.com/huchain/huchain/ledger/driver/pgdriver"
	"github.com/huchain/huchain/ledger/driver/pgdriver/pgtest"
)

// perFolder gives each folder of the suite a schema of its own.
type perFolder struct {
	url     string
	schemas map[string]string
	n       *atomic.Int64
}

func (o perFolder) Open(dir string, p driver.Profile) (driver.DB, error) {
	if o.schemas[dir] == "" {
		o.schemas[dir] = fmt.Sprintf("suite_%d", o.n.Add(1))
	}
	return pgdriver.Opener{URL: o.url, Schema: o.schemas[dir]}.Open(dir, p)
}

// covers: T.13
func TestDriver(t *testing.T) {
	s := pgtest.Start(t)
	drivertest.Run(t, perFolder{s.URL, map[string]string{}, &atomic.Int64{}}, t.TempDir)

	t.Run("one process at a time", func(t *testing.T) {
		o := pgdriver.Opener{URL: s.URL, Schema: "alone"}
		db, err := o.Open("state", driver.ProfileState)
		require.NoError(t, err)
		_, err = o.Open("state", driver.ProfileState)
		require.ErrorContains(t, err, "another process")
		other, err := o.Open("blocks", driver.ProfileBlocks)
		require.NoError(t, err)
		require.NoError(t, other.Close())
		require.NoError(t, db.Close())
		db, err = o.Open("state", driver.ProfileState)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	t.Run("names", func(t *testing.T) {
		for _, bad := range []string{"", "A", "x;drop", `x"`, "1x"} {
			_, err := pgdriver.Opener{URL: s.URL, Schema: bad}.Open("state", driver.ProfileState)
			require.ErrorContains(t, err, "names must be", bad)
		}
	})
}

// A server that crashes fails the write under way, and all that follow on the open store;
// what was acknowledged is there when it is back.
//
// covers: T.13
func TestServerCrash(t *testing.T) {
	s := pgtest.Start(t)
	o := pgdriver.Opener{URL: s.URL, Schema: "crash"}
	put := func(db driver.DB, key string) error {
		b := db.Batch()
		b.Set([]byte(key), []byte("v"))
		return b.Commit(true)
	}
	db, err := o.Open("state", driver.ProfileState)
	require.NoError(t, err)
	require.NoError(t, put(db, "before"))
	s.Stop()
	require.Error(t, put(db, "lost"))
	s.Run()
	require.ErrorContains(t, put(db, "after"), "an earlier write failed", "another process may have taken over")
	require.NoError(t, db.Close())
	db, err = o.Open("state", driver.ProfileState)
	require.NoError(t, err)
	_, found, err := db.Get([]byte("before"))
	require.NoError(t, err)
	require.True(t, found)
	_, found, err = db.Get([]byte("lost"))
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, db.Close())
}
