package test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cs "github.com/cometbft/cometbft/consensus"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cometbft/cometbft/privval"
	cmtcons "github.com/cometbft/cometbft/proto/tendermint/consensus"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	gogo "github.com/cosmos/gogoproto/types"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
)

// rogue is a validator with good certificates that does everything wrong: it votes for two
// blocks at once, proposes blocks that cannot be, and sends bad carriers, bad certificates
// and nonsense. It runs no chain: what it needs to know the others tell it.
type rogue struct {
	p2p.BaseReactor
	sw      *links.Switch
	key     cmted25519.PrivKey
	index   int32
	chainID string

	mu    sync.Mutex
	voted map[[2]int64]bool // height, round
	bad   atomic.Int64

	twice, proposals, nonsense atomic.Int64 // what it sent
}

// newRogue takes the place of a validator that does not run.
func newRogue(t testing.TB, n *network, i int) *rogue {
	raw, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	g, err := chain.ParseGenesis(raw)
	require.NoError(t, err)
	home := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain)
	text, err := os.ReadFile(filepath.Join(home.KeysDir(), "consensus.json"))
	require.NoError(t, err)
	var key privval.FilePVKey
	require.NoError(t, cmtjson.Unmarshal(text, &key))
	secret, err := keystore.ReadPassphrase(n.PassphraseFile())
	require.NoError(t, err)
	id, err := home.LinkFiles().Load(secret)
	require.NoError(t, err)
	r := &rogue{key: key.PrivKey.(cmted25519.PrivKey), chainID: g.CometChainID(), voted: map[[2]int64]bool{}}
	r.BaseReactor = *p2p.NewBaseReactor("ROGUE", r)

	var addresses [][]byte
	for _, v := range g.Validators {
		pub, err := hex.DecodeString(v.Ed25519)
		require.NoError(t, err)
		addresses = append(addresses, cmted25519.PubKey(pub).Address())
	}
	sort.Slice(addresses, func(a, b int) bool { return bytes.Compare(addresses[a], addresses[b]) < 0 })
	for k, a := range addresses {
		if bytes.Equal(a, key.Address) {
			r.index = int32(k)
		}
	}
	var peers []string
	for j := range n.Nodes {
		if j != i {
			peers = append(peers, n.Nodes[j].Member+"@"+n.Nodes[j].P2P)
		}
	}
	mconn := conn.DefaultMConnConfig()
	mconn.SendRate, mconn.RecvRate, mconn.FlushThrottle = 100<<20, 100<<20, 10*time.Millisecond
	r.sw, err = links.NewSwitch(links.Params{
		Self: p2p.ID(n.Nodes[i].Member), Chain: r.chainID, Block: 11, App: 1, Listen: freeAddress(t), Peers: peers, MaxPeers: 10,
		RedialInterval: 200 * time.Millisecond, MConn: mconn, Logger: log.NewNopLogger(),
		TLCP: &tlcp.Config{Identity: tlcp.Fixed(id), VerifyPeer: func(*tlcp.Peer) error { return nil }, Roots: func(org string) (out []*cert.Certificate) {
			for _, o := range g.Organisations {
				for _, der := range o.Roots {
					if c, err := cert.Parse(der); err == nil && o.Name == org {
						out = append(out, c)
					}
				}
			}
			return out
		}},
	})
	require.NoError(t, err)
	r.sw.AddReactor("ROGUE", r)
	require.NoError(t, r.sw.Listen())
	require.NoError(t, r.sw.Start())
	t.Cleanup(func() {
		r.sw.Stop()
		r.sw.Close()
	})
	return r
}

// GetChannels are those of consensus, of carriers and of certificates.
func (r *rogue) GetChannels() (out []*conn.ChannelDescriptor) {
	for _, id := range []byte{cs.StateChannel, cs.DataChannel, cs.VoteChannel, cs.VoteSetBitsChannel} {
		out = append(out, &conn.ChannelDescriptor{ID: id, Priority: 5, SendQueueCapacity: 100, RecvMessageCapacity: 4 << 20, MessageType: &cmtcons.Message{}})
	}
	for _, id := range []byte{consensus.CarrierChannel, consensus.CertificateChannel} {
		out = append(out, &conn.ChannelDescriptor{ID: id, Priority: 5, SendQueueCapacity: 100, RecvMessageCapacity: 4 << 20, MessageType: &gogo.BytesValue{}})
	}
	return out
}

func (r *rogue) RemovePeer(p2p.Peer, any) {}

// AddPeer says something bad at once, another thing at each link.
func (r *rogue) AddPeer(p p2p.Peer) {
	go func() {
		time.Sleep(2 * time.Second) // time for votes, before the peer cuts this link off
		junk := make([]byte, 100)
		rand.Read(junk)
		e := []p2p.Envelope{
			{ChannelID: consensus.CarrierChannel, Message: &gogo.BytesValue{Value: junk}},
			{ChannelID: consensus.CertificateChannel, Message: &gogo.BytesValue{Value: append([]byte{2}, junk...)}},
			{ChannelID: cs.VoteChannel, Message: &cmtcons.Vote{Vote: &cmtproto.Vote{Type: 77, Height: -4}}},
			{ChannelID: cs.DataChannel, Message: &cmtcons.BlockPart{Height: -1, Part: cmtproto.Part{Bytes: junk}}},
		}[r.bad.Add(1)%4]
		if p.Send(e) {
			r.nonsense.Add(1)
		}
	}()
}

// Receive answers the news of the first vote of a round with votes for two blocks and for
// none, and with a proposal of a block that does not exist.
func (r *rogue) Receive(e p2p.Envelope) {
	m, ok := e.Message.(*cmtcons.HasVote)
	if !ok || m.Type != cmtproto.PrevoteType {
		return
	}
	height, round := m.Height, m.Round
	r.mu.Lock()
	done := r.voted[[2]int64{height, int64(round)}]
	r.voted[[2]int64{height, int64(round)}] = true
	r.mu.Unlock()
	if done {
		return
	}
	block := func() cmtproto.BlockID {
		hash := make([]byte, 32)
		rand.Read(hash)
		return cmtproto.BlockID{Hash: hash, PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: hash}}
	}
	id := block()
	for _, v := range []cmtproto.BlockID{id, block(), {}} {
		r.sw.BroadcastAsync(p2p.Envelope{ChannelID: cs.VoteChannel, Message: &cmtcons.Vote{Vote: r.vote(height, round, v)}})
		r.twice.Add(1)
	}
	p := &cmtproto.Proposal{Type: cmtproto.ProposalType, Height: height + 1, PolRound: -1, BlockID: id, Timestamp: time.Now()}
	p.Signature, _ = r.key.Sign(cmttypes.ProposalSignBytes(r.chainID, p))
	r.sw.BroadcastAsync(p2p.Envelope{ChannelID: cs.DataChannel, Message: &cmtcons.Proposal{Proposal: *p}})
	r.proposals.Add(1)
}

func (r *rogue) vote(height int64, round int32, block cmtproto.BlockID) *cmtproto.Vote {
	v := &cmtproto.Vote{Type: cmtproto.PrevoteType, Height: height, Round: round, BlockID: block, Timestamp: time.Now(),
		ValidatorAddress: r.key.PubKey().Address(), ValidatorIndex: r.index}
	v.Signature, _ = r.key.Sign(cmttypes.VoteSignBytes(r.chainID, v))
	return v
}
