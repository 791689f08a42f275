package links

import (
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/stretchr/testify/require"
)

func TestPenaltyBox(t *testing.T) {
	b := newPenaltyBox()
	now := time.Unix(1000, 0)
	b.now = func() time.Time { return now }
	require.False(t, b.blocked("p"))
	require.Equal(t, minPenalty, b.fault("p"))
	require.True(t, b.blocked("p"))
	require.False(t, b.blocked("q"))
	now = now.Add(minPenalty)
	require.False(t, b.blocked("p"))
	require.Equal(t, 2*minPenalty, b.fault("p"))
	for range 20 {
		b.fault("p")
	}
	require.Equal(t, maxPenalty, b.fault("p"))
	now = now.Add(forgetFaults + time.Second)
	require.Equal(t, minPenalty, b.fault("p"))
	for i := range 5000 {
		b.fault(p2p.ID(strings.Repeat("x", i%50)) + p2p.ID(rune(i)))
	}
	require.LessOrEqual(t, len(b.peers), 2*maxFaulty+1)
}

func TestPeerAddresses(t *testing.T) {
	for _, s := range []string{"archives/node0@127.0.0.1:7200", "archives/node0@node3.example.org:1", "a/b@[::1]:7200"} {
		_, _, err := ParseAddress(s)
		require.NoError(t, err, s)
	}
	for _, s := range []string{"", "archives/node0", "@h:1", "node0@h:1", "Archives/node0@h:1", "a/b@host", "a/b@h:0", "a/b@h:65536", "a/b@:1", "a/b@" + strings.Repeat("h", 300) + ":1"} {
		_, _, err := ParseAddress(s)
		require.Error(t, err, s)
	}
}
