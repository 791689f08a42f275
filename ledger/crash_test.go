package ledger

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

var everyWrite = flag.Int("every", 2, "crash or fail at every n-th write")

// recording is an uninterrupted run: what every interrupted one must lead to.
type recording struct {
	chain  *chain
	blocks []*Block
	roots  []crypto.Hash // content root by height
	hashes []crypto.Hash // header hash by height
}

func record(t testing.TB, blocks int) *recording {
	r := &recording{chain: newChain(t, vfs.NewMem())}
	for i := range blocks {
		c := r.chain.commit(1 + i%4)
		r.blocks = append(r.blocks, r.chain.last)
		r.roots = append(r.roots, c.ContentRoot)
		r.hashes = append(r.hashes, c.Header.Hash())
	}
	require.NoError(t, r.chain.l.Close())
	return r
}

// crashParams have the tree kept when a ledger is closed, however small.
func crashParams(fs vfs.FS, memTable uint64) Params {
	p := DefaultParams()
	p.Driver, p.PageBytes = pebbledb.Opener{FS: fs, MemTableBytes: memTable}, 0 // the folder is on no disk
	p.CheckRowsUpTo = 0
	return p
}

// next is the number of heights a ledger holds.
func next(l *Ledger) int {
	if !l.Initialized() {
		return 0
	}
	return int(l.Height()) + 1
}

// resume opens what a crash left, checks that it holds acked heights or one more, and
// commits the rest.
func (r *recording) resume(t *testing.T, fs vfs.FS, acked int, what string) {
	l, err := Open("chain", r.chain.genesis, crashParams(fs, 0))
	require.NoError(t, err, what)
	have := next(l)
	require.Contains(t, []int{acked, acked + 1}, have, what)
	for i, b := range r.blocks {
		if i >= have {
			c, err := l.Prepare(b)
			require.NoError(t, err, what)
			require.NoError(t, l.Commit(c), what)
		}
		if i > 0 {
			h, err := l.Header(uint64(i))
			require.NoError(t, err, what)
			require.Equal(t, r.hashes[i], h.Hash(), what)
		}
		txs, err := l.BlockTxs(uint64(i))
		require.NoError(t, err, what)
		require.Len(t, txs, len(b.Txs), what)
		if len(b.TxIDs) > 0 {
			height, _, err := l.TxByID(b.TxIDs[0])
			require.NoError(t, err, what)
			require.Equal(t, uint64(i), height)
		}
	}
	require.Equal(t, r.roots[len(r.roots)-1], l.ContentRoot(), what)
	r.chain.l = l
	r.chain.checkState()
	p, err := l.ProveState("evidence", []byte("record/1"))
	require.NoError(t, err, what)
	require.NoError(t, p.Verify(r.chain.trust()), what)
	require.NoError(t, l.Close(), what)
}

// run commits the recorded blocks until something fails; it returns how many were acknowledged.
func (r *recording) run(fs vfs.FS, memTable uint64, acked func(int)) (n int, err error) {
	l, err := Open("chain", r.chain.genesis, crashParams(fs, memTable))
	if err != nil {
		return 0, err
	}
	for i, b := range r.blocks {
		c, err := l.Prepare(b)
		if err == nil {
			err = l.Commit(c)
		}
		if err != nil {
			if _, _, get := l.Get("evidence", []byte("record/1")); types.CodeOf(get) != types.CodeDiskFailure {
				return i, fmt.Errorf("a ledger whose commit failed still serves: %v after %w", get, err)
			}
			return i, err
		}
		acked(i + 1)
	}
	return len(r.blocks), l.Close()
}

// covers: T.05
func TestCrashAtEveryWrite(t *testing.T) {
	t.Run("log", func(t *testing.T) { crashAtEveryWrite(t, 9, 0, *everyWrite) })
	// Small memory tables bring flushes, compactions and manifests into play.
	t.Run("tables", func(t *testing.T) { crashAtEveryWrite(t, 40, 32<<10, 3**everyWrite) })
}

func crashAtEveryWrite(t *testing.T, blocks int, memTable uint64, every int) {
	r := record(t, blocks)
	type crash struct {
		fs    *vfs.MemFS
		acked int
		what  string
	}
	var (
		mu      sync.Mutex
		crashes []crash
		acked   int
	)
	mem := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(1, 2))
	ops := 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		ops++
		if ops%every != 0 {
			return nil
		}
		cfg := vfs.CrashCloneCfg{}
		if ops/every%3 == 0 {
			cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}
		}
		crashes = append(crashes, crash{mem.CrashClone(cfg), acked, fmt.Sprintf("crash before write %d of %s, %d acknowledged", ops, op.Path, acked)})
		return nil
	}))
	_, err := r.run(fs, memTable, func(n int) { mu.Lock(); acked = n; mu.Unlock() })
	require.NoError(t, err)
	require.Greater(t, len(crashes), 30)
	for _, c := range crashes {
		r.resume(t, c.fs, c.acked, c.what)
	}
	t.Logf("%d crash points", len(crashes))
}

// inBackground reports whether Pebble's own flushing or compaction is calling: a failure
// there ends the process, which the crash tests stand for.
func inBackground() bool {
	var stack [8 << 10]byte
	text := stack[:runtime.Stack(stack[:], false)]
	return bytes.Contains(text, []byte("(*DB).flush(")) || bytes.Contains(text, []byte("(*DB).compact("))
}

// covers: T.05
func TestFailedWritesAreReportedAndRepaired(t *testing.T) {
	r := record(t, 9)
	failures := 0
	for at := 1; ; at += *everyWrite {
		mem := vfs.NewCrashableMem()
		var mu sync.Mutex
		ops, acked, lasting := 0, 0, at / *everyWrite % 2 == 0
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || inBackground() {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if ops++; ops == at || lasting && ops > at {
				return errorfs.ErrInjected
			}
			return nil
		}))
		n, err := r.run(fs, 0, func(n int) { mu.Lock(); acked = n; mu.Unlock() })
		mu.Lock()
		reached := ops >= at
		mu.Unlock()
		if !reached {
			require.NoError(t, err)
			break
		}
		if err != nil {
			failures++
			require.Equal(t, types.CodeDiskFailure, types.CodeOf(err), "write %d: %v", at, err)
		}
		r.resume(t, mem.CrashClone(vfs.CrashCloneCfg{}), max(n, acked), fmt.Sprintf("write %d failed, lasting %v: %v", at, lasting, err))
	}
	require.Greater(t, failures, 10)
	t.Logf("%d failed runs", failures)
}

// covers: T.05
func TestBlockStoreIsCutToTheState(t *testing.T) {
	r := record(t, 9)
	fs := vfs.NewMem()
	var old *vfs.MemFS
	_, err := r.run(fs, 0, func(i int) {
		if i == 5 {
			old = vfs.NewMem()
			ok, err := vfs.Clone(fs, old, "chain/state", "chain/state", vfs.CloneSync)
			require.NoError(t, err)
			require.True(t, ok)
		}
	})
	require.NoError(t, err)
	ok, err := vfs.Clone(fs, old, "chain/blocks", "chain/blocks", vfs.CloneSync)
	require.NoError(t, err)
	require.True(t, ok)
	// The state is of height 4, the block store of height 8.
	l, err := Open("chain", r.chain.genesis, memParams(old))
	require.NoError(t, err)
	require.Equal(t, uint64(4), l.Height())
	for i, b := range r.blocks {
		for j, id := range b.TxIDs {
			h, idx, err := l.TxByID(id)
			if i <= 4 {
				require.NoError(t, err)
				require.Equal(t, Ref{Height: uint64(i), Index: uint32(j)}, Ref{Height: h, Index: idx})
			} else {
				require.Equal(t, types.CodeNotFound, types.CodeOf(err))
			}
		}
	}
	refs, _, err := l.TxsBySender(types.AddressOf(r.chain.user.Public()), Page{Limit: MaxPage})
	require.NoError(t, err)
	require.Equal(t, uint64(4), refs[0].Height)
	_, err = l.Certificate(5)
	require.Error(t, err)
	require.NoError(t, l.Close())
	r.resume(t, old, 5, "cut")
}

// TestRedoRowsAreBounded: the block store is synced once in sixteen blocks, whose redo rows
// stay until then, so that at every height a power cut leaves all that was acknowledged.
//
// covers: T.05
func TestRedoRowsAreBounded(t *testing.T) {
	r := record(t, 2*maxRedoRows+3)
	mem := vfs.NewCrashableMem()
	var syncs atomic.Int64
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData {
			if strings.HasPrefix(op.Path, "chain/blocks/") && strings.HasSuffix(op.Path, ".log") {
				syncs.Add(1)
			}
		}
		return nil
	}))
	l, err := Open("chain", r.chain.genesis, crashParams(fs, 0))
	require.NoError(t, err)
	redoRows := func() (n int) {
		require.NoError(t, state.EachRow(l.db, []byte{prefixRedo}, []byte{prefixRedo + 1}, func([]byte, []byte) error { n++; return nil }))
		return n
	}
	before := syncs.Load()
	for i, b := range r.blocks {
		c, err := l.Prepare(b)
		require.NoError(t, err)
		require.NoError(t, l.Commit(c))
		require.Equal(t, (i+1)%maxRedoRows, redoRows())
		if i%5 == 0 || (i+1)%maxRedoRows < 2 {
			r.resume(t, mem.CrashClone(vfs.CrashCloneCfg{}), i+1, fmt.Sprintf("power cut behind height %d", i))
		}
	}
	require.EqualValues(t, 2, syncs.Load()-before)
	require.NoError(t, l.Close())
	l, err = Open("chain", r.chain.genesis, crashParams(mem.CrashClone(vfs.CrashCloneCfg{}), 0))
	require.NoError(t, err)
	require.Zero(t, redoRows())
	require.NoError(t, l.Close())
}

// TestRedoRowsDoNotHideAGap: those of the last blocks are no substitute for what lies before.
//
// covers: T.05
func TestRedoRowsDoNotHideAGap(t *testing.T) {
	r := record(t, maxRedoRows+4)
	fs, crashed := vfs.NewCrashableMem(), (*vfs.MemFS)(nil)
	_, err := r.run(fs, 0, func(n int) {
		if n == maxRedoRows+3 {
			crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
		}
	})
	require.NoError(t, err)
	require.NoError(t, crashed.RemoveAll("chain/blocks"))
	_, err = Open("chain", r.chain.genesis, memParams(crashed))
	require.Equal(t, types.CodeLedgerMismatch, types.CodeOf(err))
}

// TestMissingBlocksAreRefused: a block store that is behind, with no redo row to fill it.
//
// covers: T.05
func TestMissingBlocksAreRefused(t *testing.T) {
	r := record(t, 5)
	fs := vfs.NewMem()
	_, err := r.run(fs, 0, func(int) {})
	require.NoError(t, err)
	require.NoError(t, fs.RemoveAll("chain/blocks"))
	_, err = Open("chain", r.chain.genesis, memParams(fs))
	require.Equal(t, types.CodeLedgerMismatch, types.CodeOf(err))
}
