package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// TestFullAndReadOnlyDisk: a disk that fills up, or turns read-only as Linux does with one
// that fails, in the middle of a run or before the start: the error is coded and says so,
// and once the cause is gone the ledger goes on where it was.
//
// covers: T.05
func TestFullAndReadOnlyDisk(t *testing.T) {
	r := record(t, 9)
	for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO} {
		for _, from := range []int{0, 2, 5, 8} {
			what := fmt.Sprintf("%v from block %d on", cause, from)
			mem := vfs.NewCrashableMem()
			var failing atomic.Bool
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if failing.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && !inBackground() {
					return cause
				}
				return nil
			}))
			n, err := r.run(fs, 0, func(n int) { failing.Store(n == from) })
			if from > 0 {
				require.Error(t, err, what)
				require.Equal(t, types.CodeDiskFailure, types.CodeOf(err), what)
				require.ErrorContains(t, err, cause.Error(), what)
				require.Equal(t, from, n, what)
			}
			failing.Store(true)
			_, err = Open("chain", r.chain.genesis, memParams(errorfs.Wrap(mem.CrashClone(vfs.CrashCloneCfg{}), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					return cause
				}
				return nil
			}))))
			require.Equal(t, types.CodeDiskFailure, types.CodeOf(err), "%s: opening: %v", what, err)
			require.ErrorContains(t, err, cause.Error(), what)
			r.resume(t, mem.CrashClone(vfs.CrashCloneCfg{}), n, what)
		}
	}
}

// TestTornLogs: a log that lost its end although it was synced, as a disk that lies about
// syncing leaves it, or has garbage there. The ledger opens at an earlier height with the
// very headers of that height, or refuses; it never goes on with something else.
//
// covers: T.05
func TestTornLogs(t *testing.T) {
	r := record(t, 24)
	mem := vfs.NewMem()
	var last *vfs.MemFS
	_, err := r.run(mem, 0, func(n int) {
		if n == 20 { // as a kill leaves it: the block store was synced once, redo rows hold the rest
			last = vfs.NewMem()
			for _, dir := range []string{"chain/state", "chain/blocks"} {
				_, err := vfs.Clone(mem, last, dir, dir, vfs.CloneSync)
				require.NoError(t, err)
			}
		}
	})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(7, 8))
	opened, refused := 0, 0
	for i := range 60 {
		fs := vfs.NewMem()
		_, err := vfs.Clone(last, fs, "chain", "chain", vfs.CloneSync)
		require.NoError(t, err)
		for _, dir := range [][]string{{"chain/state"}, {"chain/blocks"}, {"chain/state", "chain/blocks"}}[i%3] {
			tear(t, fs, newestLog(t, fs, dir), rng, i%2 == 0)
		}
		l, err := Open("chain", r.chain.genesis, memParams(fs))
		if err != nil {
			refused++
			require.Contains(t, []types.Code{types.CodeLedgerCorrupt, types.CodeLedgerMismatch, types.CodeDiskFailure}, types.CodeOf(err), "%v", err)
			continue
		}
		opened++
		require.LessOrEqual(t, l.Height(), uint64(19))
		if have := next(l); have > 0 {
			require.Equal(t, r.roots[have-1], l.ContentRoot())
		}
		have := next(l)
		require.NoError(t, l.Close())
		r.resume(t, fs, have, fmt.Sprintf("torn log %d", i))
	}
	require.Positive(t, opened)
	require.Positive(t, refused)
	t.Logf("%d opened, %d refused", opened, refused)
}

func newestLog(t *testing.T, fs vfs.FS, dir string) string {
	names, err := fs.List(dir)
	require.NoError(t, err)
	sort.Strings(names)
	newest := ""
	for _, n := range names {
		if strings.HasSuffix(n, ".log") {
			newest = path.Join(dir, n)
		}
	}
	require.NotEmpty(t, newest)
	return newest
}

// tear cuts a file somewhere, or overwrites it from there on.
func tear(t *testing.T, fs *vfs.MemFS, name string, rng *rand.Rand, garbage bool) {
	raw, err := fs.UnsafeGetFileDataBuffer(name)
	require.NoError(t, err)
	raw = bytes.Clone(raw)
	at := rng.IntN(len(raw))
	if garbage {
		for i := at; i < len(raw); i++ {
			raw[i] = byte(rng.Uint32())
		}
	} else {
		raw = raw[:at]
	}
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	_, err = f.Write(raw)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
}
