package links

import (
	"testing"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
)

// panicking is a reactor like CometBFT's on a store it cannot read.
type panicking struct{ p2p.BaseReactor }

func (*panicking) OnStart() error { panic("unreadable") }

// A reactor that panics instead of starting fails the start with an error, those before it
// are stopped, and nothing waits for it.
func TestReactorThatPanicsAtStart(t *testing.T) {
	o := newOrg(t, "archives")
	s, err := NewSwitch(Params{
		Self: "archives/a", Chain: chainA, Block: 11, App: 1, Listen: freeAddress(t), MaxPeers: 1, RedialInterval: time.Second,
		MConn: conn.DefaultMConnConfig(), Logger: log.NewNopLogger(),
		TLCP: &tlcp.Config{
			Identity:   tlcp.Fixed(o.identity(t, "a", time.Now().AddDate(1, 0, 0), "node")),
			Roots:      func(string) []*cert.Certificate { return []*cert.Certificate{o.ca.Root()} },
			VerifyPeer: func(*tlcp.Peer) error { return nil },
		},
	})
	require.NoError(t, err)
	before, bad := newCounting(), &panicking{}
	bad.BaseReactor = *p2p.NewBaseReactor("BAD", bad)
	s.AddReactor("BEFORE", before)
	s.AddReactor("BAD", bad)
	require.NoError(t, s.Listen())
	require.ErrorIs(t, s.Start(), ErrPanic)
	require.False(t, before.IsRunning())
	require.False(t, s.IsRunning())
	s.Close()
}
