package consensus

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	gogo "github.com/cosmos/gogoproto/types"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// testAdmitter verifies by asking judge.
func testAdmitter(t *testing.T, p Params, judge func(tx *types.Tx) error) (*admitter, chan string) {
	q, _, _ := testPool(t, p)
	m, err := newMetrics(nil, "test")
	require.NoError(t, err)
	faults := make(chan string, 100)
	a := newAdmitter(&p, m, func(raws [][]byte, _ int64) ([]*types.Tx, []error) {
		txs, errs := make([]*types.Tx, len(raws)), make([]error, len(raws))
		for i, raw := range raws {
			if txs[i], errs[i] = types.DecodeTx(raw); errs[i] == nil {
				errs[i] = judge(txs[i])
			}
		}
		return txs, errs
	}, q, func(peer string, err error) { faults <- peer + ": " + err.Error() })
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { a.run(quit) })
	t.Cleanup(func() { close(quit); wg.Wait() })
	return a, faults
}

func TestCarrierAdmission(t *testing.T) {
	var known atomic.Bool
	a, faults := testAdmitter(t, DefaultParams(), func(tx *types.Tx) error {
		switch tx.Body.Sender[0] {
		case 7:
			if !known.Load() {
				return types.Errorf(types.CodeUnknownSender, "not yet")
			}
		case 8:
			return types.Errorf(types.CodeBadSignature, "bad")
		case 9:
			return types.Errorf(types.CodeTxExpired, "late")
		}
		return nil
	})
	tx := func(sender byte, n uint16) *types.Tx { return fakeTx(t, sender, n, start+60_000, 1) }
	waits := func(tx *types.Tx) func() bool { return func() bool { return a.pool.has(tx.ID()) } }

	good, late, new1 := tx(1, 1), tx(9, 2), tx(7, 3)
	require.True(t, a.offer("p", types.EncodeList([][]byte{good.Bytes(), late.Bytes(), new1.Bytes()})))
	eventually(t, "admitted", waits(good))
	require.False(t, a.pool.has(late.ID()))
	require.Empty(t, faults, "what depends on time or state is no fault of the peer's")

	// The sender becomes known: the parked transaction is tried again after a block.
	known.Store(true)
	require.False(t, a.pool.has(new1.ID()))
	a.pool.committed(1, start, nil)
	a.blockCommitted(1)
	eventually(t, "tried again", waits(new1))

	// Known ones are no fault either.
	require.True(t, a.offer("q", types.EncodeList([][]byte{good.Bytes()})))
	for name, list := range map[string][]byte{
		"malformed list":        {0xff, 0xff},
		"empty list":            {},
		"malformed transaction": types.EncodeList([][]byte{[]byte("nonsense")}),
		"bad signature":         types.EncodeList([][]byte{tx(8, 9).Bytes()}),
	} {
		require.True(t, a.offer(name, list))
		select {
		case f := <-faults:
			require.True(t, strings.HasPrefix(f, name+": "), f)
		case <-time.After(patience):
			t.Fatal(name + " is not the peer's fault")
		}
	}
	eventually(t, "nothing left", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.queued)+len(a.parked)+a.parkedBytes == 0
	})
}

// A peer can neither fill the queue nor park without bound.
func TestCarrierBackPressure(t *testing.T) {
	block := make(chan struct{})
	p := DefaultParams()
	p.AdmitWorkers = 1
	a, _ := testAdmitter(t, p, func(*types.Tx) error { <-block; return types.Errorf(types.CodeUnknownSender, "who") })
	list := types.EncodeList([][]byte{fakeTx(t, 1, 1, start, 1).Bytes()})
	n := 0
	for a.offer("p", list) {
		n++
	}
	require.LessOrEqual(t, n, maxPeerQueuedCarriers+1)
	require.True(t, a.offer("q", list), "another peer has its own room")
	close(block)
	eventually(t, "worked off", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.queued) == 0 })
	a.peerGone("p")
	a.mu.Lock()
	left := len(a.parked)
	a.mu.Unlock()
	require.Equal(t, 1, left)
	height, parked := int64(0), func() int { a.mu.Lock(); defer a.mu.Unlock(); return len(a.parked) }
	eventually(t, "given up after 1, 2, 4, … blocks", func() bool {
		if parked() == 1 {
			height++
			a.pool.committed(height, start, nil)
			a.blockCommitted(height)
		}
		return height > 1<<maxParkTries-4 && parked() == 0
	})
}

func TestSubmitLimits(t *testing.T) {
	block, entered := make(chan struct{}), make(chan struct{}, 10)
	p := DefaultParams()
	p.AdmitQueue, p.AdmitWorkers = 2, 1
	a, _ := testAdmitter(t, p, func(*types.Tx) error { entered <- struct{}{}; <-block; return nil })
	var wg sync.WaitGroup
	for i := range uint16(2) {
		wg.Go(func() { _, _ = a.submit(fakeTx(t, 1, i, start+1000, 1).Bytes()) })
	}
	<-entered
	eventually(t, "both wait", func() bool { return len(a.waiting) == 2 })
	_, err := a.submit(fakeTx(t, 1, 5, start+1000, 1).Bytes())
	require.Equal(t, types.CodePoolFull, types.CodeOf(err))
	var e *types.Error
	require.ErrorAs(t, err, &e)
	require.Positive(t, e.RetryAfterMs)
	close(block)
	wg.Wait()
	n, _ := a.pool.size()
	require.Equal(t, 2, n)
	tx := fakeTx(t, 1, 0, start+1000, 1)
	id, err := a.submit(tx.Bytes())
	require.Equal(t, types.CodeTxKnown, types.CodeOf(err))
	require.Equal(t, tx.ID(), id, "the id of a known transaction is told")
	id, err = a.submit([]byte("nonsense"))
	require.Equal(t, types.CodeTxMalformed, types.CodeOf(err))
	require.Equal(t, crypto.Hash{}, id)
}

// What a full pool cannot take is not verified, from clients and peers alike, while what
// it holds or a block holds is answered for.
func TestFullPoolVerifiesNothing(t *testing.T) {
	p := DefaultParams()
	p.PoolTxs, p.SenderTxs, p.PeerTxs = 10, 10, 10
	var verified atomic.Int64
	a, _ := testAdmitter(t, p, func(*types.Tx) error { verified.Add(1); return nil })
	for i := range uint16(10) {
		_, err := a.submit(fakeTx(t, 1, i, start+1000, 1).Bytes())
		require.NoError(t, err)
	}
	before := verified.Load()
	for i := range uint16(50) { // five times what fits
		tx := fakeTx(t, 2, i, start+1000, 1)
		id, err := a.submit(tx.Bytes())
		var e *types.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, types.CodePoolFull, e.Code)
		require.Positive(t, e.RetryAfterMs)
		require.Equal(t, tx.ID(), id)
	}
	a.work(carrierJob{peer: "p", list: types.EncodeList([][]byte{fakeTx(t, 3, 1, start+1000, 1).Bytes()})})
	require.Equal(t, before, verified.Load())
	require.EqualValues(t, 1, counterValue(t, a.m.carrierDrops))
	_, err := a.submit(fakeTx(t, 1, 3, start+1000, 1).Bytes())
	require.Equal(t, types.CodeTxKnown, types.CodeOf(err))
	_, err = a.submit([]byte("nonsense"))
	require.Equal(t, types.CodeTxMalformed, types.CodeOf(err))

	a.pool.committed(1, start, []crypto.Hash{fakeTx(t, 1, 0, start+1000, 1).ID()})
	_, err = a.submit(fakeTx(t, 2, 0, start+1000, 1).Bytes())
	require.NoError(t, err, "there is room again")
}

// Of a carrier that holds more than the pool has room for, as much is taken as fits: a
// small pool would else never take anything of a large one, and its node never propose.
func TestCarrierLargerThanThePool(t *testing.T) {
	p := DefaultParams()
	p.PoolTxs, p.SenderTxs, p.PeerTxs = 10, 10, 10
	a, _ := testAdmitter(t, p, func(*types.Tx) error { return nil })
	var list [][]byte
	for i := range uint16(40) {
		list = append(list, fakeTx(t, byte(i), i, start+1000, 1).Bytes())
	}
	a.work(carrierJob{peer: "p", list: types.EncodeList(list)})
	txs, _ := a.pool.size()
	require.Equal(t, 9, txs, "nine tenths are for peers")
	require.EqualValues(t, 1, counterValue(t, a.m.carrierDrops))
}

// A peer that sends what no honest node sends is cut off, and comes back later.
// covers: T.04
func TestFaultyPeerIsCutOff(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 2)
	net.up()
	net.ready()
	a, b := net.nodes[0], net.nodes[1]
	toA := func() p2p.Peer { return b.engine.Load().sw.Peers().Get(p2p.ID(a.id)) }
	linked := func() bool { return len(a.Status().Peers) == 1 && len(b.Status().Peers) == 1 }
	tx := net.call("x", "1")
	tx.Signatures[0] = append([]byte(nil), tx.Signatures[0]...)
	tx.Signatures[0][1] ^= 1
	for i, msg := range []struct {
		channel byte
		value   []byte
	}{
		{CarrierChannel, append([]byte{msgCarrier}, types.EncodeList([][]byte{reencode(tx)})...)},
		{CertificateChannel, []byte{msgCertificate, 0xff}},
	} {
		eventually(t, "linked", linked)
		before := counterValue(t, a.app.m.peerFault)
		var sent time.Time
		eventually(t, "cut off", func() bool {
			// Of two links made at once one ends, and what it carries is lost.
			if p := toA(); p != nil && time.Since(sent) > 5*time.Second {
				sent = time.Now()
				p.Send(p2p.Envelope{ChannelID: msg.channel, Message: &gogo.BytesValue{Value: msg.value}})
			}
			return counterValue(t, a.app.m.peerFault) > before
		})
		eventually(t, "unlinked", func() bool { return len(a.Status().Peers) == 0 })
		require.True(t, a.engine.Load().sw.(*links.Switch).Blocked(p2p.ID(b.id)), "message %d", i)
	}
	eventually(t, "linked again", linked)
	require.True(t, a.commit(net.call("y", "1")).Receipt.OK())
}
