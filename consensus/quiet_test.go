package consensus

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/mock"
	"github.com/stretchr/testify/require"
)

// Gossip asks a peer without a pause while messages pass, seldom when none has for a while,
// and at once when one does.
func TestGossipRestsWhileTheChainIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTraffic()
		peer := quietPeer{mock.NewPeer(nil), n}
		took := func() time.Duration {
			begin := time.Now()
			peer.IsRunning()
			return time.Since(begin)
		}
		peer.TrySend(p2p.Envelope{})
		require.Zero(t, took())
		time.Sleep(quietAfter)
		require.Zero(t, took(), "not quiet yet")
		time.Sleep(1)
		require.Equal(t, quietLook, took())
		require.Equal(t, quietLook, took(), "nobody has sent anything")
		for _, message := range []func(){
			func() { peer.Send(p2p.Envelope{}) },
			func() { peer.TrySend(p2p.Envelope{}) },
			func() { heardSwitch{silent{}, n}.TryBroadcast(p2p.Envelope{}) },
			func() { heardSwitch{silent{}, n}.BroadcastAsync(p2p.Envelope{}) },
		} {
			go func() {
				time.Sleep(quietLook / 4)
				message()
			}()
			require.Equal(t, quietLook/4, took())
			require.Zero(t, took())
			time.Sleep(quietAfter + 1)
		}
	})
}

// silent is a switch without peers.
type silent struct{ p2p.Switcher }

func (silent) TryBroadcast(p2p.Envelope)   {}
func (silent) BroadcastAsync(p2p.Envelope) {}
