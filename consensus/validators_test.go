package consensus

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/types"
)

// join adds a node to the network that is no validator yet and returns the arguments by
// which governance makes it one.
func (net *network) join(name string) (*testNode, string) {
	t := net.t
	n := &testNode{net: net, index: len(net.nodes), home: t.TempDir(), listen: freeAddress(t), reg: prometheus.NewRegistry()}
	keys := filepath.Join(n.home, "keys")
	n.keys = Keys{ConsensusKeyFile: filepath.Join(keys, "consensus.json"), VoteFile: filepath.Join(keys, "vote.json")}
	info, err := CreateKeys(n.keys)
	require.NoError(t, err)
	n.certify(types.MemberID("archives/" + name))
	key := chaintest.NewKey()
	n.keys.Header = key
	net.nodes = append(net.nodes, n)
	proof, err := key.Sign(types.PossessionSignBytes(net.genesis.Hash(), "archives", name, key.Public(), info.Ed25519))
	require.NoError(t, err)
	return n, fmt.Sprintf(`{"org":"archives","name":%q,"key":"%s","ed25519":%q,"power":10,"possession":%q}`,
		name, key.Public(), hex.EncodeToString(info.Ed25519[:]), base64.StdEncoding.EncodeToString(proof))
}

// Validators are replaced one after the other on a running chain until none of the
// founders is left: every header has its certificate, and a light client follows from the
// founders by skipping and header by header.
// covers: T.18
func TestValidatorsReplaced(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	admin := net.world.Member("archives", "admin", "admin")
	net.up()
	net.ready()
	govern := func(method, args string) uint64 {
		t.Helper()
		c := net.nodes[len(net.nodes)-1].commit(chaintest.Call(net.genesis, admin, time.Now(), "governance", method, args, true))
		require.True(t, c.Receipt.OK(), "%s %s", c.Receipt.Code, c.Receipt.Error)
		return c.Height
	}
	for i := range 4 {
		n, add := net.join(fmt.Sprintf("fresh%d", i))
		n.up()
		net.ready()
		require.False(t, n.Status().Validator)
		at := govern("addValidator", add)
		govern("removeValidator", fmt.Sprintf(`{"org":"archives","name":"node%d"}`, i))
		net.settled(at + 3)
		require.True(t, n.Status().Validator)
		require.False(t, net.nodes[i].Status().Validator)
		net.nodes[i].down()
		net.nodes[len(net.nodes)-1].commit(net.call(fmt.Sprintf("after%d", i), "1"))
	}
	govern("setParams", `{"maxBlockBytes":1048576}`)
	net.nodes[7].commit(net.call("last", "1"))
	net.quiet(300 * time.Millisecond)
	net.same()

	l := net.nodes[7].ledger
	founders, err := net.genesis.ValidatorSet()
	require.NoError(t, err)
	anchor := &light.Trusted{Genesis: net.genesis.Hash(), Time: net.genesis.Time.UnixNano(), Next: founders}
	var changes []uint64
	at, top := anchor, l.Certified()
	for h := uint64(1); h <= top; h++ {
		link, err := light.MakeLink(l, h)
		require.NoError(t, err, "height %d has its certificate", h)
		if link.Header.NextSigners != link.Header.Signers {
			changes = append(changes, h)
		}
		at, err = at.Advance(link)
		require.NoError(t, err)
	}
	require.Len(t, changes, 8)
	for _, v := range founders {
		for _, now := range at.Next {
			require.NotEqual(t, v.Key, now.Key, "no founder is left")
		}
	}
	last, err := light.MakeLink(l, top)
	require.NoError(t, err)
	_, err = anchor.Advance(last)
	require.Equal(t, types.CodeTrustGap, types.CodeOf(err))
	path, err := light.Path(l, 0, anchor.Next, top, changes, 100)
	require.NoError(t, err)
	skipped, err := anchor.Follow(path)
	require.NoError(t, err)
	require.Equal(t, at, skipped)
	t.Logf("%d heights with %d changes followed in %d steps", top, len(changes), len(path))
}
