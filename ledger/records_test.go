package ledger

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Every header names the list root over the records below it, also after the ledger was
// opened again; a complete segment's root is that of its records, and fsck comes to the same.
//
// covers: T.12
func TestHeadersNameTheRecordsBelow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "chain")
	c := newFeeder(t)
	open := func() {
		l, err := Open(dir, genesisHash, DefaultParams())
		require.NoError(t, err)
		c.l = l
	}
	open()
	c.commit(3)
	var records []crypto.Hash
	for h := uint64(1); h <= archive.SegmentBlocks+3; h++ {
		if h%300 == 0 {
			require.NoError(t, c.l.Close())
			open()
		}
		n := 0
		if h%100 == 1 {
			n = 3
		}
		head := c.commit(n).Header
		require.Equal(t, proof.ListRoot(records), head.Archive, "height %d", h)
		if h > 1 {
			_, err := c.l.Record(h)
			require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err), "its commit comes with the next block")
		}
		certificate := crypto.Sum()
		if h > 2 {
			cert, err := c.l.Certificate(h - 2)
			require.NoError(t, err)
			certificate = crypto.Sum(cert.Encode())
		}
		commit := fmt.Appendf(nil, "commit of %d", h-1)
		records = append(records, archive.RecordHash(head.Hash(), crypto.Sum(commit), certificate))
	}
	root, err := c.l.SegmentRoot(0)
	require.NoError(t, err)
	require.Equal(t, proof.ListRoot(records[:archive.SegmentBlocks]), root)
	_, err = c.l.SegmentRoot(1)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	for _, h := range []uint64{1, 2, 101, archive.SegmentBlocks} {
		r, err := c.l.Record(h)
		require.NoError(t, err)
		require.Equal(t, records[h-1], r.Hash(), "height %d", h)
		peaks, err := c.l.Records(h)
		if h > 3 {
			require.NoError(t, err)
			require.Equal(t, proof.ListRoot(records[:h]), peaks.Root())
		} else {
			require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
		}
	}
	require.NoError(t, c.l.Close())
	rep, err := fsck.Check(t.Context(), pebbledb.Opener{}, dir, nil)
	require.NoError(t, err)
	require.Empty(t, rep.Findings)
}
