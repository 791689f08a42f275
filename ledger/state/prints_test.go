package state

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

// TestAbsentKeysNeedNoSearch: once the pages of a tree from a checkpoint were read, most keys
// that are not there are answered without their leaves, which the page file has no room for, and
// none that is there is taken for absent, also after blocks that rewrite and split pages.
func TestAbsentKeysNeedNoSearch(t *testing.T) {
	db := &leafReads{DB: openMem(t, vfs.NewMem())}
	rng, o := rand.New(rand.NewSource(5)), oracle{}
	p := Params{Keep: 3, PageBytes: 1, PageDir: t.TempDir()}
	s, err := Open(db, p)
	require.NoError(t, err)
	change(t, s, o, rng, 0, 20_000)
	require.NoError(t, s.Checkpoint())
	require.NoError(t, s.Close())
	p.Checkpoint = o.root()
	s, err = Open(db, p)
	require.NoError(t, err)
	s.filling.Wait()
	for height := uint64(1); height < 4; height++ {
		const absent = 10_000
		db.n.Store(0)
		for i := range absent {
			_, found, err := s.Get("ns", fmt.Appendf(nil, "absent %d", i))
			require.NoError(t, err)
			require.False(t, found)
		}
		require.Less(t, db.n.Load(), int64(absent*5/100))
		there := uint64(0)
		for k := range 30_000 {
			_, found, err := s.Get("ns", fmt.Appendf(nil, "%06d", k))
			require.NoError(t, err)
			if found {
				there++
			}
		}
		require.Equal(t, s.Leaves(), there)
		change(t, s, o, rng, height, 5_000)
	}
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// TestPrints: a page lacks a key only if no leaf has its last byte.
func TestPrints(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for n := range pageLeaves + 1 {
		leaves := make([]entry, n)
		for i := range leaves {
			rng.Read(leaves[i].key[:])
		}
		p := printsOf(leaves)
		for last := range 256 {
			lacks := n > 0
			for i := range leaves {
				lacks = lacks && leaves[i].key[printByte] != byte(last)
			}
			require.Equal(t, lacks, p.lack(&crypto.Hash{printByte: byte(last)}, n))
		}
	}
	require.False(t, printsOf(make([]entry, pageLeaves)).lack(&crypto.Hash{1, printByte: 1}, pageLeaves), "all zero is not known")
}
