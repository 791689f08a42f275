package bench

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// The published workload: 250 bytes of body, one signature, no hash twice.
func TestEvidenceWorkload(t *testing.T) {
	key, err := crypto.GenerateKey(rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	now := time.Now()
	ca, err := cert.NewCA("archives", key, now.Add(-48*time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	members, err := newMembers(context.Background(), ca, 3)
	require.NoError(t, err)
	sc, err := scenarioOf("evidence")
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(1, 1))
	genesis := crypto.Sum([]byte("genesis"))
	seen := map[string]bool{}
	for i := range 200 {
		c := sc.next(rnd)
		tx, err := members[i%3].sign(genesis, c, false)
		require.NoError(t, err)
		require.Len(t, tx.BodyBytes, 250)
		require.Len(t, tx.Signatures, 1)
		var args struct{ Hash, Title string }
		require.NoError(t, json.Unmarshal(c.args, &args))
		require.False(t, seen[args.Hash])
		seen[args.Hash] = true
	}
	_, err = scenarioOf("nothing")
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
}

func TestParams(t *testing.T) {
	p := DefaultParams()
	require.NoError(t, p.Validate())
	p.InFlight = 0
	require.Equal(t, types.CodeUsage, types.CodeOf(p.Validate()))
}

// A transaction counts once, from the time it was due to the block that holds it; what
// has no effect and what others sent does not count.
func TestTracker(t *testing.T) {
	key, err := crypto.GenerateKey(rand.NewChaCha8([32]byte{2}))
	require.NoError(t, err)
	m := &member{key: key, addr: types.AddressOf(key.Public())}
	var mine []*signed
	now := time.Now()
	for range 4 {
		tx, err := m.sign(crypto.Sum(nil), call{contract: "evidence", method: "deposit"}, false)
		require.NoError(t, err)
		mine = append(mine, &signed{tx, now})
	}
	track := newTracker(10)
	for range mine {
		<-track.room
	}
	track.measure(now)
	track.sent(mine)
	require.Equal(t, 4, track.left())
	track.rejected(mine[3].tx.ID(), types.CodeTxTooFar)
	block := &rest.Outcomes{Height: 1, Time: now, TxIDs: []crypto.Hash{mine[0].tx.ID(), crypto.Sum([]byte("foreign")), mine[1].tx.ID()},
		Refused: []rest.RefusedInside{{Index: 2, Code: "HC-3103"}}}
	track.block(block, now.Add(30*time.Millisecond))
	track.block(block, now.Add(50*time.Millisecond))
	w := track.finish(now.Add(time.Second))
	require.EqualValues(t, 1, w.committed)
	require.Equal(t, map[string]uint64{"HC-3103": 1, "HC-2106": 1}, w.refused)
	require.InDelta(t, 30, float64(w.latency.quantile(0.5).Milliseconds()), 2)
	require.Equal(t, 1, track.left())
	require.Len(t, track.room, 9)
}
