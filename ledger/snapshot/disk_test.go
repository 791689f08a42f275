package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// A disk that is full, read-only or failing at any write of a snapshot, one that tears a
// write, and a crash at any of them: no height is ever listed whose snapshot is not whole,
// the error is coded and names the cause, and the next attempt succeeds.
//
// covers: T.05
func TestFailingDiskLeavesNoHalfSnapshot(t *testing.T) {
	ctx := context.Background()
	_, l, _ := source(t, 300, 4, small())
	frozen := func(s *Store) (*Info, error) {
		f, err := l.Freeze()
		require.NoError(t, err)
		i, err := s.Create(ctx, f)
		require.NoError(t, f.Close())
		return i, err
	}
	// whole checks every listed snapshot against its manifest.
	whole := func(what string, disk vfs.FS) int {
		p := small()
		p.FS = disk
		s, err := OpenStore("/snapshots", p)
		require.NoError(t, err)
		require.NoError(t, s.Clean())
		heights, err := s.Heights()
		require.NoError(t, err)
		for _, h := range heights {
			_, err := s.Check(ctx, h)
			require.NoError(t, err, what)
		}
		return len(heights)
	}
	writes := 0
	p := small()
	p.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			writes++
		}
		return nil
	}))
	s, err := OpenStore("/snapshots", p)
	require.NoError(t, err)
	_, err = frozen(s)
	require.NoError(t, err)
	require.Equal(t, 1, whole("", p.FS))
	total := writes
	require.Greater(t, total, 20)

	var points []int // some anywhere, and each of the last ones: manifest, syncs, rename
	for at := 1; at < total-12; at += total / 8 {
		points = append(points, at)
	}
	for at := total - 12; at <= total; at++ {
		points = append(points, at)
	}
	causes := []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO}
	listed := 0
	for k, at := range points {
		cause, once := causes[k%len(causes)], k%2 == 0
		what := fmt.Sprintf("%v at write %d of %d, once: %v", cause, at, total, once)
		mem := vfs.NewCrashableMem()
		n, failing := 0, true
		p.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
				return nil
			}
			if n++; failing && (n == at || n > at && !once) {
				return cause
			}
			return nil
		}))
		s, err := OpenStore("/snapshots", p)
		require.NoError(t, err)
		_, err = frozen(s)
		require.Error(t, err, what)
		require.Equal(t, types.CodeDiskFailure, types.CodeOf(err), "%s: %v", what, err)
		require.ErrorContains(t, err, cause.Error(), what)
		failing = false
		// As the disk is now, and as a power cut leaves it: what was not synced is torn.
		for _, unsynced := range []int{0, 50, 100} {
			listed += whole(what, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(1, uint64(at)))}))
		}
		if whole(what, mem) == 0 {
			_, err = frozen(s)
			require.NoError(t, err, what)
			require.Equal(t, 1, whole(what, mem.CrashClone(vfs.CrashCloneCfg{})), what)
		}
		require.Equal(t, 1, whole(what, mem), what)
	}
	t.Logf("%d writes; %d crashed disks list the snapshot", total, listed)
}

// A disk that fails while an anchor is written leaves the snapshot without one.
func TestFailingDiskLeavesNoHalfAnchor(t *testing.T) {
	_, l, _ := source(t, 50, 4, small())
	for at := 1; at < 8; at++ {
		n, failing := -1, errors.New("failing disk")
		p := small()
		p.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if n >= 0 && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				if n++; n >= at {
					return failing
				}
			}
			return nil
		}))
		s, err := OpenStore("/snapshots", p)
		require.NoError(t, err)
		i := make1(t, l, s)
		n = 0
		anchor := []byte(strings.Repeat("anchor", 1000))
		err = s.PutAnchor(i.Height, bytes.Clone(anchor)) // under the race detector, files in memory alter what they were given
		n = -1
		got, rerr := s.Anchor(i.Height)
		if rerr == nil {
			require.Equal(t, anchor, got)
		} else {
			require.Error(t, err)
			require.Equal(t, types.CodeNotFound, types.CodeOf(rerr))
			require.NoError(t, s.PutAnchor(i.Height, bytes.Clone(anchor)))
		}
	}
}
