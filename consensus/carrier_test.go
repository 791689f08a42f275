package consensus

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/mock"
	gogo "github.com/cosmos/gogoproto/types"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// carrierPeer notes when it is sent carriers, and of how many transactions.
type carrierPeer struct {
	*mock.Peer
	begun time.Time
	got   []carried
}

type carried struct {
	at  time.Duration
	txs int
}

func (p *carrierPeer) Send(e p2p.Envelope) bool {
	list, err := types.DecodeList(e.Message.(*gogo.BytesValue).Value[1:], MaxCarrierTxs)
	if err != nil {
		panic(err)
	}
	p.got = append(p.got, carried{time.Since(p.begun), len(list)})
	return true
}

// A transaction after a pause leaves at once; those that follow share carriers, which are
// full or CarrierLinger apart.
func TestCarriersGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := DefaultParams()
		q, _, _ := testPool(t, p)
		r := newCarrierReactor(&p, q.m, q, nil, nil)
		require.NoError(t, r.Start())
		peer := &carrierPeer{Peer: mock.NewPeer(nil), begun: time.Now()}
		f := &feeder{quit: make(chan struct{}), again: make(chan struct{}, 1)}
		done := make(chan struct{})
		go func() { defer close(done); r.feed(peer, f) }()
		n := uint16(0)
		add := func(count int) {
			for range count {
				n++
				require.Nil(t, q.add([]*types.Tx{fakeTx(t, byte(n>>5), n, time.Now().Add(time.Minute).UnixMilli(), 1)}, ""))
			}
			synctest.Wait()
		}
		linger := p.CarrierLinger
		time.Sleep(time.Second)
		add(1)
		for range 5 {
			time.Sleep(linger / 10)
			add(1)
		}
		time.Sleep(10 * linger)
		synctest.Wait()
		require.Equal(t, []carried{{time.Second, 1}, {time.Second + linger, 5}}, peer.got)
		peer.got = nil
		begin := time.Since(peer.begun)
		add(1)
		add(1)
		add(MaxCarrierTxs + 1)
		time.Sleep(3 * linger)
		synctest.Wait()
		require.Equal(t, []carried{{begin, 1}, {begin + linger, MaxCarrierTxs}, {begin + 2*linger, 2}}, peer.got)
		close(f.quit)
		<-done
		require.NoError(t, r.Stop())
	})
}
