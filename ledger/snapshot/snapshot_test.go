package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/types"
)

var genesis = crypto.Sum([]byte("genesis of the test chain"))

// recordsEnv sets the number of records of the full-size test.
const recordsEnv = "HUCHAIN_TEST_SNAPSHOT_RECORDS"

func records(t *testing.T) int {
	if s := os.Getenv(recordsEnv); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return 10_000
}

// world makes blocks that depend on their height alone.
type world struct {
	t   testing.TB
	set types.ValidatorSet
	key *crypto.PrivateKey
}

func newWorld(t testing.TB) *world {
	k, err := crypto.NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	return &world{t, types.ValidatorSet{{Key: k.Public(), Ed25519: [32]byte{1}, Power: 10}}, k}
}

// block has txs transactions, which write 4 keys each; one in four fails without using its id.
func (w *world) block(height uint64, txs int) *ledger.Block {
	rng := rand.New(rand.NewSource(int64(height)))
	b := &ledger.Block{Height: height, Signers: w.set, NextSigners: w.set, Config: crypto.Sum([]byte("c")), Protocol: 1}
	writes := map[string]types.Write{}
	if height > 0 {
		b.Time = 1_800_000_000_000_000_000 + int64(height)*20_000_000_000
		b.CometHash = crypto.Sum(fmt.Appendf(nil, "comet %d", height))
	}
	for i := range txs {
		if height > 0 {
			tx, err := types.SignTx(&types.Body{Genesis: genesis, Sender: types.AddressOf(w.key.Public()), Contract: "evidence", Method: "deposit",
				Args: fmt.Appendf(nil, `{"n":"%d/%d"}`, height, i), GasLimit: 1e6, ValidUntil: b.Time/1e6 + 1000}, nil, w.key)
			require.NoError(w.t, err)
			id := tx.ID()
			r := types.Receipt{TxID: id, GasUsed: uint64(1000 * (i % 4)), Result: []byte(`{"n":1}`)}
			if i%4 == 0 {
				r.Code, r.Result = types.CodeBlockFull, nil
			} else {
				b.UsedIDs = append(b.UsedIDs, id)
			}
			b.Txs, b.TxIDs, b.Receipts = append(b.Txs, tx.Bytes()), append(b.TxIDs, id), append(b.Receipts, r)
		}
		for range 4 {
			k := fmt.Sprintf("record/%d", rng.Intn(100_000))
			writes[k] = types.Write{NS: "evidence", Key: []byte(k), TxIndex: uint32(i), Delete: rng.Intn(8) == 0,
				Value: bytes.Repeat([]byte{byte(rng.Intn(256))}, 60+rng.Intn(80))}
		}
	}
	for _, w := range writes {
		b.Writes = append(b.Writes, w)
	}
	sortWrites(b.Writes)
	return b
}

func sortWrites(ws []types.Write) {
	for i := 1; i < len(ws); i++ {
		for j := i; j > 0 && bytes.Compare(ws[j].Key, ws[j-1].Key) < 0; j-- {
			ws[j], ws[j-1] = ws[j-1], ws[j]
		}
	}
}

func commit(t testing.TB, l *ledger.Ledger, b *ledger.Block) *ledger.Candidate {
	c, err := l.Prepare(b)
	require.NoError(t, err)
	require.NoError(t, l.Commit(c))
	return c
}

func open(t testing.TB, dir string) *ledger.Ledger {
	l, err := ledger.Open(dir, genesis, ledger.DefaultParams())
	require.NoError(t, err)
	return l
}

// source is a ledger with some blocks, genesis holding n records, and a store.
func source(t testing.TB, n, blocks int, p Params) (*world, *ledger.Ledger, *Store) {
	w := newWorld(t)
	l := open(t, filepath.Join(t.TempDir(), "ledger"))
	g := w.block(0, 0)
	for i := range n {
		g.Writes = append(g.Writes, types.Write{NS: "asset", Key: fmt.Appendf(nil, "%08d", i), Value: bytes.Repeat([]byte("v"), 100+i%60)})
	}
	commit(t, l, g)
	for h := 1; h <= blocks; h++ {
		commit(t, l, w.block(uint64(h), 20))
	}
	s, err := OpenStore(filepath.Join(t.TempDir(), "snapshots"), p)
	require.NoError(t, err)
	return w, l, s
}

func small() Params { return Params{ChunkBytes: 128 << 10, MemoryBytes: 256 << 10, FS: vfs.Default} }

func make1(t testing.TB, l *ledger.Ledger, s *Store) *Info {
	f, err := l.Freeze()
	require.NoError(t, err)
	info, err := s.Create(context.Background(), f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return info
}

// recordsUpTo are the peaks over the records of a world, whose blocks carry neither commits
// nor certificates.
func recordsUpTo(t testing.TB, l *ledger.Ledger, height uint64) archive.Peaks {
	var p archive.Peaks
	for h := uint64(1); h <= height; h++ {
		head, err := l.Header(h)
		require.NoError(t, err)
		p, _, _ = p.Append(archive.RecordHash(head.Hash(), crypto.Sum(), crypto.Sum()))
	}
	return p
}

func restore(t testing.TB, l *ledger.Ledger, s *Store, height uint64, dir string) {
	m, err := s.Manifest(height)
	require.NoError(t, err)
	r, err := NewRestore(m, dir, genesis, ledger.DefaultParams().Driver)
	require.NoError(t, err)
	for i := range m.Chunks() {
		require.Equal(t, i, r.Next())
		c, err := s.Chunk(height, i)
		require.NoError(t, err)
		require.NoError(t, r.Apply(c))
	}
	require.NoError(t, r.Finish([]byte("anchor"), nil, recordsUpTo(t, l, height)))
}

// A restored ledger goes on exactly as the one it was taken from, which went on meanwhile.
//
// covers: T.05
func TestRestoredGoesOnAlike(t *testing.T) {
	w, l, s := source(t, records(t), 40, small())
	f, err := l.Freeze()
	require.NoError(t, err)
	commit(t, l, w.block(41, 20)) // the chain does not wait
	info, err := s.Create(context.Background(), f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, uint64(40), info.Height)
	require.Greater(t, info.Chunks, uint32(8))

	dir := filepath.Join(t.TempDir(), "restored")
	restore(t, l, s, 40, dir)
	got := open(t, dir)
	require.Equal(t, uint64(40), got.Height())
	require.Equal(t, uint64(41), got.Base())
	commit(t, got, w.block(41, 20))
	same := func(height uint64) {
		a, err := l.Header(height)
		require.NoError(t, err)
		b, err := got.Header(height)
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
	same(40)
	same(41)
	const more = 2000
	for h := uint64(42); h <= 40+more; h++ {
		if testing.Short() && h > 140 {
			break
		}
		txs := 5
		if h > 80 {
			txs = int(h % 2) // signing is what takes the time
		}
		b := w.block(h, txs)
		commit(t, l, b)
		commit(t, got, b)
		same(h)
		if h <= 80 || h%100 == 0 {
			require.Equal(t, usedIDs(t, l), usedIDs(t, got), "window of used ids")
		}
		if h == 60 { // opened anew in between
			require.NoError(t, got.Close())
			got = open(t, dir)
		}
	}
	a, _, err := got.Anchor()
	require.NoError(t, err)
	require.Equal(t, "anchor", string(a))
	require.NoError(t, got.Close())
	r, err := fsck.Check(context.Background(), ledger.DefaultParams().Driver, dir, nil)
	require.NoError(t, err)
	require.True(t, r.OK(), "%v", r.Findings)
	require.Equal(t, got.Height()-40, r.Blocks)
}

func usedIDs(t testing.TB, l *ledger.Ledger) (out []string) {
	require.NoError(t, l.UsedIDs(func(h uint64, at int64, ids []crypto.Hash) error {
		out = append(out, fmt.Sprint(h, at, ids))
		return nil
	}))
	return out
}

// Two ledgers of one chain make the same snapshot, however they sort.
func TestSameSnapshotEverywhere(t *testing.T) {
	p := small()
	_, a, sa := source(t, 5000, 20, p)
	p.MemoryBytes = 64 << 20
	_, b, sb := source(t, 5000, 20, p)
	ia, ib := make1(t, a, sa), make1(t, b, sb)
	require.Equal(t, ia.Hash, ib.Hash)
	for i := range ia.Chunks {
		ca, err := sa.Chunk(20, i)
		require.NoError(t, err)
		cb, err := sb.Chunk(20, i)
		require.NoError(t, err)
		require.Equal(t, ca, cb)
	}
}

// covers: T.05
func TestBadChunksAreRefused(t *testing.T) {
	_, l, s := source(t, 3000, 30, small())
	info := make1(t, l, s)
	m, err := s.Manifest(info.Height)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "restored")
	r, err := NewRestore(m, dir, genesis, ledger.DefaultParams().Driver)
	require.NoError(t, err)
	rng := rand.New(rand.NewSource(3))
	refused := func(chunk []byte, what string, i uint32) {
		err := r.Apply(chunk)
		require.Equal(t, types.CodeSnapshotInvalid, types.CodeOf(err), "chunk %d: %s: %v", i, what, err)
		require.Equal(t, i, r.Next())
	}
	for i := range m.Chunks() {
		chunk, err := s.Chunk(info.Height, i)
		require.NoError(t, err)
		for range 40 {
			bad := bytes.Clone(chunk)
			bad[rng.Intn(len(bad))] ^= 1 << rng.Intn(8)
			refused(bad, "flipped bit", i)
		}
		refused(chunk[:len(chunk)-1], "cut short", i)
		refused(chunk[:rng.Intn(len(chunk))], "cut short", i)
		refused(append(bytes.Clone(chunk), 0), "with a byte more", i)
		refused(nil, "empty", i)
		if other, err := s.Chunk(info.Height, (i+1)%m.Chunks()); err == nil {
			refused(other, "another chunk", i)
		}
		require.NoError(t, r.Apply(chunk))
	}
	require.NoError(t, r.Finish(nil, nil, recordsUpTo(t, l, info.Height)))
	require.Equal(t, l.StateRoot(), open(t, dir).StateRoot())

	_, err = NewRestore(m, dir, genesis, ledger.DefaultParams().Driver)
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err))
	_, err = NewRestore(m, dir+"2", crypto.Sum(nil), ledger.DefaultParams().Driver)
	require.Equal(t, types.CodeSnapshotInvalid, types.CodeOf(err))
}

// covers: T.05
func TestBadManifestsAreRefused(t *testing.T) {
	_, l, s := source(t, 2000, 12, small())
	info := make1(t, l, s)
	m, err := s.Manifest(info.Height)
	require.NoError(t, err)
	good := m.Encode()
	header := m.Header.Hash()
	for i := range good {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= bit
			got, err := DecodeManifest(bad)
			if err != nil {
				require.Equal(t, types.CodeSnapshotInvalid, types.CodeOf(err))
				continue
			}
			// Another header is for the certificate to refuse; the number of history chunks
			// is refused once they are complete.
			require.True(t, got.Header.Hash() != header || got.History != m.History, "byte %d", i)
		}
	}
	for n := range good {
		_, err := DecodeManifest(good[:n])
		require.Error(t, err)
	}
}

func FuzzDecodeManifest(f *testing.F) {
	_, l, s := source(f, 300, 3, small())
	m, err := s.Manifest(make1(f, l, s).Height)
	require.NoError(f, err)
	f.Add(m.Encode())
	f.Fuzz(func(t *testing.T, in []byte) {
		if m, err := DecodeManifest(in); err == nil {
			require.Equal(t, in, m.Encode())
		}
	})
}

func FuzzChunk(f *testing.F) {
	_, l, s := source(f, 300, 3, small())
	height := make1(f, l, s).Height
	m, err := s.Manifest(height)
	require.NoError(f, err)
	for i := range m.Chunks() {
		c, err := s.Chunk(height, i)
		require.NoError(f, err)
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h := newHistory(m)
		_ = h.apply(in)
		_, _ = checkState(&m.State[0], &crypto.Hash{}, in)
	})
}

// A crash while a snapshot is made leaves nothing that is taken for one.
func TestCrashLeavesNoHalfSnapshot(t *testing.T) {
	_, l, s := source(t, 500, 3, small())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f, err := l.Freeze()
	require.NoError(t, err)
	_, err = s.Create(ctx, f)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, f.Close())
	draft := filepath.Join(s.dir, draftPrefix+"3")
	require.NoError(t, os.MkdirAll(draft, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(draft, "chunk-000000"), []byte("half"), 0o600))
	s, err = OpenStore(s.dir, s.p)
	require.NoError(t, err)
	require.NoError(t, s.Clean())
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	make1(t, l, s)
	_, err = os.Stat(draft)
	require.ErrorIs(t, err, os.ErrNotExist)

	// The same for restoring: what was not finished is no ledger, and is made anew.
	dir := filepath.Join(t.TempDir(), "restored")
	m, err := s.Manifest(3)
	require.NoError(t, err)
	r, err := NewRestore(m, dir, genesis, ledger.DefaultParams().Driver)
	require.NoError(t, err)
	c, err := s.Chunk(3, 0)
	require.NoError(t, err)
	require.NoError(t, r.Apply(c))
	require.Error(t, r.Finish(nil, nil, archive.Peaks{}))
	require.NoError(t, r.im.Discard())
	restore(t, l, s, 3, dir)
	require.Equal(t, l.StateRoot(), open(t, dir).StateRoot())
}

func TestKeep(t *testing.T) {
	w, l, s := source(t, 10, 3, small())
	var heights []uint64
	for h := uint64(4); h < 9; h++ {
		commit(t, l, w.block(h, 2))
		heights = append(heights, make1(t, l, s).Height)
	}
	require.NoError(t, s.PutAnchor(4, []byte("x")))
	require.NoError(t, s.PutAnchor(5, []byte("x")))
	require.NoError(t, s.Keep(2))
	got, err := s.Heights()
	require.NoError(t, err)
	require.Equal(t, []uint64{5, 7, 8}, got, "the newest two, and the newest that others can be served with")
	i, err := s.Info(5)
	require.NoError(t, err)
	require.True(t, i.Anchored)
	f, err := l.Freeze()
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // a test
	_, err = s.Create(context.Background(), f)
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err))
	_ = heights
}

// A block whose receipts do not fit into one chunk is cut, each piece verified by itself.
func TestLargeBlockIsCut(t *testing.T) {
	w, l, s := source(t, 10, 2, small())
	b := w.block(3, 900)
	for i := range b.Receipts {
		if b.Receipts[i].OK() {
			b.Receipts[i].Result = bytes.Repeat([]byte("r"), 700)
		}
	}
	commit(t, l, b)
	info := make1(t, l, s)
	m, err := s.Manifest(3)
	require.NoError(t, err)
	require.Greater(t, m.History, uint32(4))
	dir := filepath.Join(t.TempDir(), "restored")
	restore(t, l, s, info.Height, dir)
	require.Equal(t, usedIDs(t, l), usedIDs(t, open(t, dir)))
}

// Grinding keys into one place makes partitions finer, not memory larger.
func TestFinerPartitions(t *testing.T) {
	_, l, s := source(t, 300, 1, small())
	want := make1(t, l, s)
	f, err := l.Freeze()
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // a test
	dir := t.TempDir()
	c := &creator{ctx: context.Background(), p: Params{ChunkBytes: 4 << 10, MemoryBytes: 4 << 10, FS: vfs.Default}, dir: dir, m: &Manifest{}}
	parts, err := c.partition(0, f.Rows)
	require.NoError(t, err)
	for i := range parts { // as if every part were one file too large
		parts[i].bytes = max(parts[i].bytes, 4<<10+1)
	}
	require.NoError(t, c.split(parts, 0))
	root := fold{entries: c.m.State}
	h, _, err := root.node(0, crypto.Hash{})
	require.NoError(t, err)
	m, err := s.Manifest(want.Height)
	require.NoError(t, err)
	require.Equal(t, m.Content.State, h)
	left, err := filepath.Glob(filepath.Join(dir, "part-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
