package state

import (
	"bytes"
	"fmt"
	"math/rand"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/types"
)

// leafReads counts reads of leaf rows, which several goroutines share.
type leafReads struct {
	driver.DB
	n atomic.Int64
}

func (d *leafReads) Iter(lower, upper []byte) (driver.Iterator, error) {
	if len(lower) > 0 && lower[0] == PrefixLeaf {
		d.n.Add(1)
	}
	return d.DB.Iter(lower, upper)
}

// change commits a block of random writes and notes them in o.
func change(t *testing.T, s *Store, o oracle, rng *rand.Rand, height uint64, n int) {
	var ws []types.Write
	for k := range 30_000 {
		if rng.Intn(30_000) < n {
			ws = append(ws, types.Write{NS: "ns", Key: fmt.Appendf(nil, "%06d", k), Value: fmt.Append(nil, height, k)})
		}
	}
	ch, recs, err := s.Prepare(height, ws)
	require.NoError(t, err)
	for i := range recs {
		o[recs[i].KeyHash] = recs[i].ValueHash
	}
	require.NoError(t, s.Commit(ch, height, func(driver.Batch) {}))
	require.Equal(t, o.root(), s.Root())
}

// covers: T.05
func TestCheckpointSparesReadingLeaves(t *testing.T) {
	db := &leafReads{DB: openMem(t, vfs.NewMem())}
	rng, o := rand.New(rand.NewSource(1)), oracle{}
	p := Params{Keep: 3} // without a page file, which would be filled from leaf rows
	for height := uint64(0); height < 5; height++ {
		p.LeafHint = uint64(len(o))
		db.n.Store(0)
		s, err := Open(db, p)
		require.NoError(t, err)
		require.Equal(t, o.root(), s.Root())
		require.Equal(t, uint64(len(o)), s.Leaves())
		if height > 0 {
			require.Zero(t, db.n.Load(), "height %d was opened from its leaf rows", height)
		}
		change(t, s, o, rng, height, []int{20_000, 3, 5_000, 100, 3_000}[height])
		require.NoError(t, s.Checkpoint())
		require.NoError(t, s.Checkpoint())
		change(t, s, o, rng, height+10, 10) // the next Open finds a checkpoint of an older state
		require.NoError(t, s.Close())

		p.Checkpoint, p.LeafHint = o.root(), uint64(len(o))
		s, err = Open(db, p)
		require.NoError(t, err)
		require.Equal(t, o.root(), s.Root())
		require.Positive(t, db.n.Load())
		require.NoError(t, s.Checkpoint())
		require.NoError(t, s.Close())
	}
	require.NoError(t, db.Close())
}

// TestCheckpointedTreeGetsItsLeavesBack: the leaves of a tree from a checkpoint are read
// in one go, also while blocks change it, so that updates need not search for them.
func TestCheckpointedTreeGetsItsLeavesBack(t *testing.T) {
	db := &leafReads{DB: openMem(t, vfs.NewMem())}
	rng, o := rand.New(rand.NewSource(3)), oracle{}
	p := Params{Keep: 3, PageBytes: 8 << 20, PageDir: t.TempDir()}
	s, err := Open(db, p)
	require.NoError(t, err)
	change(t, s, o, rng, 0, 20_000)
	for height := uint64(1); height < 4; height++ {
		require.NoError(t, s.Checkpoint())
		require.NoError(t, s.Close())
		p.Checkpoint = o.root()
		if height == 3 {
			p.PageBytes = 1 // the least that it can be
		}
		s, err = Open(db, p)
		require.NoError(t, err)
		if height == 2 { // beside the filling, which may then miss pages beside changed ones
			change(t, s, o, rng, height, 2_000)
			change(t, s, o, rng, height+10, 2_000)
			continue
		}
		s.filling.Wait()
		db.n.Store(0)
		change(t, s, o, rng, height, 2_000)
		require.Equal(t, height == 3, db.n.Load() > 0, "leaf rows were read %d times", db.n.Load())
	}
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// TestDamagedCheckpointIsIgnored alters rows of a checkpoint, with checksums that fit.
//
// covers: T.05
func TestDamagedCheckpointIsIgnored(t *testing.T) {
	db := &leafReads{DB: openMem(t, vfs.NewMem())}
	s, err := Open(db, Params{Keep: 1})
	require.NoError(t, err)
	rng, o := rand.New(rand.NewSource(2)), oracle{}
	change(t, s, o, rng, 0, 2_000)
	root := o.root()
	require.NoError(t, s.Checkpoint())
	require.NoError(t, s.Close())
	var keys, bodies [][]byte
	require.NoError(t, eachPrefix(db, PrefixCheckpoint, func(key, row []byte) error {
		body, err := Unseal(key, row)
		keys, bodies = append(keys, bytes.Clone(key)), append(bodies, bytes.Clone(body))
		return err
	}))
	require.Len(t, keys, 2)
	const rounds = 200
	ignored := 0
	for i := range rounds {
		b := db.Batch()
		for k := range keys {
			b.Set(keys[k], Seal(keys[k], bytes.Clone(bodies[k])))
		}
		at := rng.Intn(2)
		key, body := keys[at], bytes.Clone(bodies[at])
		switch bit := byte(1) << rng.Intn(8); i % 5 {
		case 0:
			body[rng.Intn(len(body))] ^= bit
			b.Set(key, Seal(key, body))
		case 1:
			b.Set(key, Seal(key, body[:rng.Intn(len(body))]))
		case 2:
			b.Set(key, Seal(key, append(body, bit)))
		case 3:
			row := Seal(key, body)
			row[rng.Intn(len(row))] ^= bit
			b.Set(key, row)
		default:
			b.Delete(key)
		}
		require.NoError(t, b.Commit(true))
		db.n.Store(0)
		s, err := Open(db, Params{Keep: 1, Checkpoint: root})
		require.NoError(t, err)
		require.Equal(t, root, s.Root())
		require.Equal(t, uint64(len(o)), s.Leaves())
		require.NoError(t, s.Close())
		if db.n.Load() > 0 {
			ignored++
		}
	}
	require.Equal(t, rounds, ignored)
	require.NoError(t, db.Close())
}
