package archive

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// Every complete segment is proven under the list root over all records, whatever their
// number, and nothing else is.
//
// covers: T.12
func TestPathsProveSegments(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		count := rapid.IntRange(SegmentBlocks, 9*SegmentBlocks+10).Draw(r, "count")
		var p Peaks
		records := make([]crypto.Hash, count)
		roots := map[uint64]crypto.Hash{}
		for i := range records {
			records[i] = crypto.Sum(binary.BigEndian.AppendUint32(nil, uint32(i)))
			var root crypto.Hash
			var closed bool
			if p, root, closed = p.Append(records[i]); closed {
				roots[uint64(i/SegmentBlocks)] = root
			}
		}
		want := proof.ListRoot(records)
		get := func(n uint64) (crypto.Hash, error) { return roots[n], nil }
		n := rapid.Uint64Range(0, uint64(count/SegmentBlocks)-1).Draw(r, "segment")
		path, err := p.Prove(n, get)
		require.NoError(r, err)
		got, err := path.Root(n, roots[n])
		require.NoError(r, err)
		require.Equal(r, want, got)

		if got, err = path.Root(n, crypto.Sum(nil)); err == nil {
			require.NotEqual(r, want, got, "another root")
		}
		if got, err = path.Root(n^1, roots[n]); err == nil {
			require.NotEqual(r, want, got, "another place")
		}
		if len(path.Siblings) > 0 {
			bad := *path
			bad.Siblings = path.Siblings[1:]
			if got, err = bad.Root(n, roots[n]); err == nil {
				require.NotEqual(r, want, got, "a shorter path")
			}
		}
		_, err = p.Prove(uint64(count/SegmentBlocks), get)
		require.Error(r, err, "a segment that is not complete")
	})
}
