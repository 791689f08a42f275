package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand"
	"path"
	"slices"
	"sort"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/ledger/state"
)

func check(t *testing.T, fs vfs.FS) *fsck.Report {
	r, err := fsck.Check(context.Background(), pebbledb.Opener{FS: fs}, "chain", nil)
	require.NoError(t, err)
	return r
}

// TestFsckFindsEveryFlippedByte flips a byte in rows of every kind, indexes too, which the
// ledger itself serves unchecked.
//
// covers: T.05
func TestFsckFindsEveryFlippedByte(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	for i := range 12 {
		c.commit(1 + i%4 + i/9%2*300) // some blocks have several sections
	}
	root := c.l.StateRoot()
	require.NoError(t, c.l.Close())
	r := check(t, fs)
	require.True(t, r.OK(), "%v", r.Findings)
	require.Equal(t, root, r.StateRoot)
	require.Equal(t, uint64(11), r.Height)
	require.Equal(t, uint64(12), r.Blocks)
	require.Equal(t, uint64(9), r.Certificates)
	require.NotZero(t, r.Txs)

	rows := rawRows(t, fs)
	var kinds []string
	for k := range rows {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	require.Len(t, kinds, 20)
	rng := rand.New(rand.NewSource(11))
	for _, kind := range kinds {
		for n := range 4 {
			old := rows[kind][rng.Intn(len(rows[kind]))]
			bad := rawRow{old.store, bytes.Clone(old.key), bytes.Clone(old.value)}
			if n%2 == 0 || len(bad.value) == 0 {
				bad.key[rng.Intn(len(bad.key))] ^= 1 << rng.Intn(8)
			} else {
				bad.value[rng.Intn(len(bad.value))] ^= 1 << rng.Intn(8)
			}
			if slices.ContainsFunc(rows[kind], func(r rawRow) bool { return !bytes.Equal(old.key, r.key) && bytes.Equal(r.key, bad.key) }) {
				continue // it would replace another row
			}
			tamper(t, fs, old, bad)
			require.False(t, check(t, fs).OK(), "%s row %.80q → %.80q", kind, fmt.Sprint(old), fmt.Sprint(bad))
			tamper(t, fs, bad, old)
		}
		for _, missing := range rows[kind][:1] {
			tamper(t, fs, missing, rawRow{missing.store, []byte("mformat"), rows["state/m"][0].value})
			if missing.store == "state" && string(missing.key) != "mformat" && kind != "state/h" && kind != "state/S" {
				require.False(t, check(t, fs).OK(), "missing %s row", kind)
			}
			if missing.store == "blocks" {
				tamper(t, fs, rawRow{missing.store, []byte("mformat"), nil}, missing)
			} else {
				tamper(t, fs, missing, missing)
			}
		}
	}
	require.True(t, check(t, fs).OK())
}

// TestFsckFindsDamagedFiles: a file that the store itself cannot read, tables and values
// beside them, is a finding, not the end of the check.
//
// covers: T.05
func TestFsckFindsDamagedFiles(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	c.commit(300)
	require.NoError(t, c.l.Close())
	c.open(fs) // moves the rows from the log into tables
	require.NoError(t, c.l.Close())
	names, err := fs.List("chain/blocks")
	require.NoError(t, err)
	kinds := map[string]bool{}
	for _, name := range names {
		if !pebbledb.Unchanging(name) {
			continue
		}
		kinds[path.Ext(name)] = true
		buf, err := fs.UnsafeGetFileDataBuffer("chain/blocks/" + name)
		require.NoError(t, err)
		buf[len(buf)/4] ^= 4
		r := check(t, fs)
		require.False(t, r.OK(), name)
		require.Contains(t, fmt.Sprint(r.Findings), "checksum mismatch", name)
		buf[len(buf)/4] ^= 4
		r = check(t, fs)
		require.True(t, r.OK(), "%v", r.Findings)
	}
	require.Len(t, kinds, 2)
}

// After a power cut the block store lacks the newest blocks, of which it was not synced: they
// are checked where the next start takes them from, and what is lost or altered there is found.
//
// covers: T.05
func TestFsckFindsAfterAPowerCut(t *testing.T) {
	whole := vfs.NewCrashableMem()
	c := newChain(t, whole)
	const blocks = maxRedoRows + 5
	for i := range blocks {
		c.commit(1 + i%4 + i/(blocks-1)*300) // the newest has several sections
	}
	fs := whole.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, c.l.Close())
	want, got := check(t, whole), check(t, fs)
	require.True(t, want.OK(), "%v", want.Findings)
	require.True(t, got.OK(), "%v", got.Findings)
	require.EqualValues(t, blocks-maxRedoRows, got.Redo)
	want.Redo = got.Redo
	require.Equal(t, want, got, "as without the power cut")

	rows := rawRows(t, fs)["state/r"]
	found := func(old, bad rawRow, what ...string) {
		t.Helper()
		tamper(t, fs, old, bad)
		r := check(t, fs)
		require.False(t, r.OK())
		text := fmt.Sprint(r.Findings)
		for _, w := range what {
			require.Contains(t, text, w)
		}
		tamper(t, fs, old, old)
	}
	old := rows[len(rows)-2]
	height := binary.BigEndian.Uint64(old.key[1:])
	require.EqualValues(t, blocks-2, height)
	missing := fmt.Sprintf("blocks %d to %d are in no redo row either, and were not checked", height, height+1)
	body, err := state.Unseal(old.key, old.value)
	require.NoError(t, err)
	pairs, err := block.DecodePairs(bytes.Clone(body))
	require.NoError(t, err)
	sealed := func(body []byte) rawRow { return rawRow{"state", old.key, state.Seal(old.key, body)} }
	flipped := rawRow{"state", old.key, bytes.Clone(old.value)}
	flipped.value[len(body)/2] ^= 1
	found(old, flipped, "does not match its checksum", missing)
	found(old, rawRow{"state", []byte("mformat"), rawRows(t, fs)["state/m"][0].value}, missing)
	found(old, sealed(body[:len(body)-1]), "malformed redo row", missing)
	found(old, sealed(block.EncodePairs(pairs[1:])), fmt.Sprintf("block %d", height))
	for i := range pairs[:len(pairs)-1] { // altered by someone who knows the form; the tip row is that of the next block
		pairs[i].Value[len(pairs[i].Value)/2] ^= 1
		found(old, sealed(block.EncodePairs(pairs)))
		pairs[i].Value[len(pairs[i].Value)/2] ^= 1
	}

	c.open(fs)
	require.EqualValues(t, blocks-1, c.l.Height())
	require.NoError(t, c.l.Close())
	again := check(t, fs)
	require.Zero(t, again.Redo)
	again.Redo = got.Redo
	require.Equal(t, want, again)
}
