package ledger

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// setFormat makes the ledger in fs one of another format.
func setFormat(t *testing.T, fs vfs.FS, version uint32) {
	t.Helper()
	db, err := pebbledb.Opener{FS: fs}.Open("chain/state", driver.ProfileState)
	require.NoError(t, err)
	b := db.Batch()
	setSealed(b, formatKey, binary.BigEndian.AppendUint32(nil, version))
	require.NoError(t, b.Commit(true))
	require.NoError(t, db.Close())
}

// sectionsInZstd gives the blocks the form that they have in format 4.
func sectionsInZstd(t *testing.T, fs vfs.FS) {
	t.Helper()
	db, err := pebbledb.Opener{FS: fs}.Open("chain/blocks", driver.ProfileBlocks)
	require.NoError(t, err)
	enc, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	b, n := db.Batch(), 0
	require.NoError(t, state.EachRow(db, nil, nil, func(key, value []byte) error {
		if len(key) > 4 && key[4] == byte(block.KindSection) {
			section, err := state.Unseal(key, value)
			require.NoError(t, err)
			raw, err := s2.Decode(nil, section[1:])
			require.NoError(t, err)
			b.Set(append([]byte{}, key...), enc.EncodeAll(raw, nil))
			n++
		}
		return nil
	}))
	require.Positive(t, n)
	require.NoError(t, b.Commit(true))
	require.NoError(t, db.Close())
}

// TestFormat4IsContinued: blocks of format 4 are read, those behind them are of the present
// one, and a program that knows only format 4 is told so by the format row.
func TestFormat4IsContinued(t *testing.T) {
	const old, all = 6, 10
	r := record(t, all)
	fs := vfs.NewMem()
	short := *r
	short.blocks = r.blocks[:old]
	_, err := short.run(fs, 0, func(int) {})
	require.NoError(t, err)
	setFormat(t, fs, oldestFormat)
	sectionsInZstd(t, fs)
	r.resume(t, fs, old, "format 4")
	l, err := Open("chain", r.chain.genesis, memParams(fs))
	require.NoError(t, err)
	for i := 1; i < all; i++ {
		txs, err := l.BlockTxs(uint64(i))
		require.NoError(t, err)
		require.Equal(t, r.blocks[i].Txs, txs)
	}
	format, _, err := l.sealed(formatKey)
	require.NoError(t, err)
	require.EqualValues(t, FormatVersion, binary.BigEndian.Uint32(format))
	require.NoError(t, l.Close())
	for _, version := range []uint32{oldestFormat - 1, FormatVersion + 1} {
		setFormat(t, fs, version)
		_, err := Open("chain", r.chain.genesis, memParams(fs))
		require.Equal(t, types.CodeLedgerMismatch, types.CodeOf(err))
	}
}
