package consensus

import (
	"testing"
	"time"

	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/stretchr/testify/require"
)

// The clock is compared with the median of the others' votes for the newest block: not with
// this node's own, nor with those that are missing, nor while blocks of the past come in.
//
// covers: T.04
func TestClockIsComparedWithTheOthers(t *testing.T) {
	m, err := newMetrics(nil, "test")
	require.NoError(t, err)
	syncing := false
	own := []byte("own")
	commit := func(off time.Duration) func(int64) *cmttypes.Commit {
		at := func(d time.Duration) time.Time { return time.Now().Add(-off + d) }
		return func(int64) *cmttypes.Commit {
			return &cmttypes.Commit{Signatures: []cmttypes.CommitSig{
				{ValidatorAddress: own, Timestamp: time.Now()}, {ValidatorAddress: []byte("b"), Timestamp: at(0)},
				{ValidatorAddress: []byte("c"), Timestamp: at(time.Hour)}, // one that is wrong itself
				{ValidatorAddress: []byte("d"), Timestamp: at(-time.Second)}, cmttypes.NewCommitSigAbsent(),
			}}
		}
	}
	a := &app{m: m, address: own, syncing: func() bool { return syncing }}
	a.checkClock(7)
	require.Nil(t, a.clockAhead.Load(), "during replay")
	for _, off := range []time.Duration{30 * time.Second, -30 * time.Second, 0} {
		a.clockChecked = time.Time{}
		a.seenCommit = commit(off)
		a.checkClock(7)
		require.InDelta(t, off.Seconds(), a.clockAhead.Load().Seconds(), 5)
	}
	two := func(off, other time.Duration) float64 {
		a.clockChecked = time.Time{}
		a.seenCommit = func(int64) *cmttypes.Commit {
			return &cmttypes.Commit{Signatures: []cmttypes.CommitSig{
				{ValidatorAddress: []byte("b"), Timestamp: time.Now().Add(-off)}, {ValidatorAddress: []byte("c"), Timestamp: time.Now().Add(other - off)},
			}}
		}
		a.checkClock(7)
		return a.clockAhead.Load().Seconds()
	}
	require.InDelta(t, 0, two(0, time.Hour), 5, "one of two others is wrong")
	require.InDelta(t, 0, two(0, -time.Hour), 5, "one of two others is wrong")
	require.InDelta(t, 30, two(30*time.Second, 0), 5, "two others agree")
	require.InDelta(t, -30, two(-30*time.Second, 0), 5, "two others agree")
	before := *a.clockAhead.Load()
	a.seenCommit = commit(time.Minute)
	a.checkClock(8)
	require.Equal(t, before, *a.clockAhead.Load(), "not at each block")
	a.clockChecked, syncing = time.Time{}, true
	a.checkClock(8)
	require.Equal(t, before, *a.clockAhead.Load(), "not while catching up")
}
