package consensus

import (
	"testing"
	"time"

	mempl "github.com/cometbft/cometbft/mempool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// fakeTx is a well-formed transaction with signatures that nobody checks.
func fakeTx(t require.TestingT, sender byte, salt uint16, validUntil int64, args int) *types.Tx {
	b := &types.Body{
		Genesis: crypto.Hash{1}, Sender: types.Address{sender}, Contract: "store", Method: "put",
		Args: make([]byte, args), GasLimit: 1, ValidUntil: validUntil,
	}
	b.Salt[0], b.Salt[1], b.Salt[2] = byte(salt), byte(salt>>8), 1
	tx := &types.Tx{BodyBytes: types.EncodeBody(b), Signatures: [][]byte{make([]byte, crypto.SignatureSize)}}
	out, err := types.DecodeTx(reencode(tx))
	require.NoError(t, err)
	return out
}

func testPool(t require.TestingT, p Params) (*pool, map[crypto.Hash]bool, map[crypto.Hash]types.Code) {
	m, err := newMetrics(nil, "test")
	require.NoError(t, err)
	used, dropped := map[crypto.Hash]bool{}, map[crypto.Hash]types.Code{}
	q := newPool(&p, m, func(id crypto.Hash) bool { return used[id] }, func(id crypto.Hash, err *types.Error) { dropped[id] = err.Code })
	return q, used, dropped
}

const start = int64(1_700_000_000_000) // Unix milliseconds

func TestPoolKnownIDs(t *testing.T) {
	q, used, _ := testPool(t, DefaultParams())
	tx := fakeTx(t, 1, 1, start+1000, 1)
	require.Nil(t, q.add([]*types.Tx{tx}, ""))
	require.Equal(t, types.CodeTxKnown, q.add([]*types.Tx{tx}, "")[0].Code)
	require.True(t, q.has(tx.ID()))
	used[tx.ID()] = true
	q.committed(1, start, []crypto.Hash{tx.ID()})
	require.False(t, q.has(tx.ID()))
	require.Equal(t, types.CodeTxDuplicate, q.add([]*types.Tx{tx}, "")[0].Code)
	n, b := q.size()
	require.Zero(t, n)
	require.Zero(t, b)
}

func TestPoolLimits(t *testing.T) {
	p := DefaultParams()
	p.PoolTxs, p.SenderTxs, p.PeerTxs = 20, 5, 8
	q, _, _ := testPool(t, p)
	salt := uint16(0)
	fill := func(sender byte, from string, n int) (refused []*types.Error) {
		for range n {
			salt++
			for _, err := range q.add([]*types.Tx{fakeTx(t, sender, salt, start+1000, 1)}, from) {
				refused = append(refused, err)
			}
		}
		return refused
	}
	require.Len(t, fill(1, "", 7), 2, "five of one sender")
	require.Empty(t, fill(2, "p", 5))
	require.Len(t, fill(3, "p", 5), 2, "eight of one peer")
	require.Len(t, fill(4, "q", 5), 0)
	require.Len(t, fill(5, "r", 1), 1, "peers together may not fill the pool")
	require.Len(t, fill(5, "", 2), 0, "the rest is for submissions here")
	errs := fill(6, "", 1)
	require.Len(t, errs, 1)
	require.Equal(t, types.CodePoolFull, errs[0].Code)
	require.Positive(t, errs[0].RetryAfterMs)

	p.PoolBytes, p.SenderBytes, p.PeerBytes = 3*types.MaxTxBytes, types.MaxTxBytes, 2*types.MaxTxBytes
	q, _, _ = testPool(t, p)
	big := func(sender byte, n uint16) *types.Tx { return fakeTx(t, sender, n, start+1000, types.MaxArgsBytes) }
	require.Nil(t, q.add([]*types.Tx{big(1, 1)}, ""))
	require.Equal(t, types.CodePoolFull, q.add([]*types.Tx{big(1, 2)}, "")[0].Code)
	require.Nil(t, q.add([]*types.Tx{big(2, 3), big(3, 4)}, "p"))
	require.Equal(t, types.CodePoolFull, q.add([]*types.Tx{big(4, 5)}, "p")[0].Code)
}

func TestPoolExpiry(t *testing.T) {
	q, _, dropped := testPool(t, DefaultParams())
	short, long := fakeTx(t, 1, 1, start+2000, 1), fakeTx(t, 1, 2, start+60_000, 1)
	far := fakeTx(t, 1, 3, start+types.Window.Milliseconds()+5000, 1)
	require.Nil(t, q.add([]*types.Tx{short, long, far}, ""))
	ids := func(timeMs int64) (out []crypto.Hash) {
		f, err := decodeFrames(1, q.pack(1<<20, timeMs, MaxBlockTxs), false)
		require.NoError(t, err)
		for _, raw := range f.txs {
			tx, err := types.DecodeTx(raw)
			require.NoError(t, err)
			out = append(out, tx.ID())
		}
		return out
	}
	require.Equal(t, []crypto.Hash{short.ID(), long.ID()}, ids(start+1999))
	require.Equal(t, []crypto.Hash{long.ID()}, ids(start+2000), "void at its ValidUntil, as the chain judges")
	require.Equal(t, []crypto.Hash{long.ID(), far.ID()}, ids(start+5000), "block time has caught up")
	q.committed(1, start+2000, nil)
	require.Equal(t, map[crypto.Hash]types.Code{short.ID(): types.CodeTxExpired}, dropped)
	q.committed(2, start+types.Window.Milliseconds()+9000, nil)
	n, _ := q.size()
	require.Zero(t, n)
	require.Empty(t, q.log, "nothing is kept of what is gone")
}

// What a peer offered that is gone is this node's to offer, also what comes of it later, and
// what somebody submits here that came from a peer.
func TestPoolTakesThePlaceOfOrigins(t *testing.T) {
	q, _, _ := testPool(t, DefaultParams())
	txs := make([]*types.Tx, 5)
	for i := range txs {
		txs[i] = fakeTx(t, byte(i), uint16(i), start+60_000, 1)
	}
	q.linked("p", true)
	q.linked("r", true)
	require.Nil(t, q.add(txs[:2], "p"))
	require.Nil(t, q.add(txs[2:4], "r"))
	out, c, more := q.next(q.start())
	require.Empty(t, out)

	require.Equal(t, types.CodeTxKnown, q.add(txs[2:3], "p")[0].Code)
	out, c, _ = q.next(c)
	require.Empty(t, out, "another peer's offer changes nothing")
	require.Equal(t, types.CodeTxKnown, q.add(txs[2:3], "")[0].Code)
	<-more
	out, c, more = q.next(c)
	require.Equal(t, [][]byte{txs[2].Bytes()}, out)

	q.linked("p", false)
	<-more
	out, c, _ = q.next(c)
	require.Equal(t, [][]byte{txs[0].Bytes(), txs[1].Bytes()}, out)
	require.NotContains(t, q.peers, "p", "they count as this node's own")
	require.Nil(t, q.add(txs[4:], "p"))
	out, c, _ = q.next(c)
	require.Equal(t, [][]byte{txs[4].Bytes()}, out)

	q.linked("p", false)
	q.linked("p", true)
	out, _, _ = q.next(c)
	require.Empty(t, out, "offered once")
	q.committed(1, start, []crypto.Hash{txs[0].ID(), txs[1].ID(), txs[2].ID(), txs[3].ID(), txs[4].ID()})
	n, b := q.size()
	require.Zero(t, n)
	require.Zero(t, b)
	require.Empty(t, q.senders)
	require.Empty(t, q.peers)
}

func TestPoolOffersAgain(t *testing.T) {
	p := DefaultParams()
	p.OfferAgainBlocks = 3
	q, _, _ := testPool(t, p)
	own, foreign := fakeTx(t, 1, 1, start+60_000, 1), fakeTx(t, 2, 2, start+60_000, 1)
	require.Nil(t, q.add([]*types.Tx{own}, ""))
	require.Nil(t, q.add([]*types.Tx{foreign}, "p"))
	txs, c, _ := q.next(q.start())
	require.Equal(t, [][]byte{own.Bytes()}, txs, "only the origin sends")
	txs, c, more := q.next(c)
	require.Empty(t, txs)
	for h := int64(1); h <= 2; h++ {
		q.committed(h, start+h, nil)
	}
	select {
	case <-more:
		t.Fatal("offered again too early")
	default:
	}
	q.committed(3, start+3, nil)
	<-more
	txs, c, _ = q.next(c)
	require.Equal(t, [][]byte{own.Bytes()}, txs)
	q.committed(4, start+4, []crypto.Hash{own.ID()})
	txs, _, _ = q.next(cursor{})
	require.Empty(t, txs)

	// Without blocks, time does it.
	second := fakeTx(t, 1, 9, start+60_000, 1)
	require.Nil(t, q.add([]*types.Tx{second}, ""))
	_, c, _ = q.next(c)
	q.offerIdle(q.blockAt.Add(time.Second), 2*time.Second)
	txs, c, _ = q.next(c)
	require.Empty(t, txs)
	q.offerIdle(q.blockAt.Add(2*time.Second), 2*time.Second)
	txs, _, _ = q.next(c)
	require.Equal(t, [][]byte{second.Bytes()}, txs)
}

// The signal fires once per height while something waits.
func TestPoolSignal(t *testing.T) {
	q, _, _ := testPool(t, DefaultParams())
	m := cometMempool{q}
	m.EnableTxsAvailable()
	fired := func() bool {
		select {
		case <-m.TxsAvailable():
			return true
		default:
			return false
		}
	}
	require.False(t, fired())
	a, b := fakeTx(t, 1, 1, start+60_000, 1), fakeTx(t, 1, 2, start+60_000, 1)
	q.add([]*types.Tx{a}, "")
	q.add([]*types.Tx{b}, "")
	require.True(t, fired())
	require.False(t, fired())
	q.committed(1, start, []crypto.Hash{a.ID()})
	require.NoError(t, m.Update(1, nil, nil, nil, nil))
	require.True(t, fired(), "b still waits")
	q.committed(2, start, []crypto.Hash{b.ID()})
	require.NoError(t, m.Update(2, nil, nil, nil, nil))
	require.False(t, fired())
	require.Zero(t, m.Size())
	require.Zero(t, m.SizeBytes())
	require.Error(t, m.CheckTx(nil, nil, mempl.TxInfo{}))
}

// Against a plain list: what waits, in which order, and what a peer is offered.
func TestPoolModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := DefaultParams()
		p.PoolTxs, p.SenderTxs, p.PeerTxs = 30, 15, 20
		q, used, _ := testPool(t, p)
		var waiting []*types.Tx
		own := map[crypto.Hash]bool{}
		sent := map[crypto.Hash]bool{}
		cur, salt, height := q.start(), uint16(0), int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				salt++
				from := rapid.SampledFrom([]string{"", "", "p", "q"}).Draw(t, "from")
				tx := fakeTx(t, byte(rapid.IntRange(1, 3).Draw(t, "sender")), salt, start+60_000, 1)
				if q.add([]*types.Tx{tx}, from) == nil {
					waiting = append(waiting, tx)
					own[tx.ID()] = from == ""
				}
			case 2:
				var ids []crypto.Hash
				rest := waiting[:0:0]
				for _, tx := range waiting {
					if rapid.Bool().Draw(t, "take") {
						ids = append(ids, tx.ID())
						used[tx.ID()] = true
					} else {
						rest = append(rest, tx)
					}
				}
				waiting = rest
				height++
				q.committed(height, start+height, ids)
			case 3:
				var txs [][]byte
				txs, cur, _ = q.next(cur)
				for _, raw := range txs {
					tx, err := types.DecodeTx(raw)
					require.NoError(t, err)
					require.True(t, own[tx.ID()])
					sent[tx.ID()] = true
				}
			}
			var bytes int64
			for _, tx := range waiting {
				bytes += int64(len(tx.Bytes()))
			}
			n, b := q.size()
			require.Equal(t, len(waiting), n)
			require.Equal(t, bytes, b)
			f, err := decodeFrames(1, q.pack(1<<20, start, MaxBlockTxs), false)
			require.NoError(t, err)
			require.Len(t, f.txs, n)
			for i := range f.txs {
				require.Equal(t, waiting[i].Bytes(), f.txs[i])
			}
		}
		for txs, next, _ := q.next(cur); len(txs) > 0; txs, next, _ = q.next(next) {
			for _, raw := range txs {
				tx, _ := types.DecodeTx(raw)
				sent[tx.ID()] = true
			}
		}
		for _, tx := range waiting {
			require.Equal(t, own[tx.ID()], sent[tx.ID()])
		}
		require.Equal(t, len(q.byID) == 0, len(q.senders) == 0)
	})
}

// A carrier never exceeds its bounds.
func TestCarrierBounds(t *testing.T) {
	q, _, _ := testPool(t, DefaultParams())
	for i := range uint16(300) {
		require.Nil(t, q.add([]*types.Tx{fakeTx(t, 1, i, start+1000, 1)}, ""))
	}
	for i := range uint16(12) {
		require.Nil(t, q.add([]*types.Tx{fakeTx(t, 2, i, start+1000, types.MaxArgsBytes)}, ""))
	}
	total := 0
	for txs, c, _ := q.next(q.start()); len(txs) > 0; txs, c, _ = q.next(c) {
		require.LessOrEqual(t, len(txs), MaxCarrierTxs)
		require.LessOrEqual(t, 1+len(types.EncodeList(txs)), MaxCarrierBytes)
		total += len(txs)
	}
	require.Equal(t, 312, total)
}

func TestPace(t *testing.T) {
	var p pace
	require.Equal(t, 4*minPacedTxs, p.txsWithin(time.Second), "before anything is known")
	p.block(1, time.Second)
	require.Equal(t, 4*minPacedTxs, p.txsWithin(time.Second), "a single transaction says nothing")
	for range 20 {
		p.block(1000, 100*time.Millisecond)
	}
	require.Equal(t, 4000, p.txsWithin(400*time.Millisecond))
	for range 40 {
		p.block(100, time.Minute)
	}
	require.Equal(t, minPacedTxs, p.txsWithin(400*time.Millisecond))
}

func TestDrainRate(t *testing.T) {
	var r drainRate
	require.Equal(t, int64(1000), r.drainMs(5000))
	for i := range int64(100) {
		r.block(start+i*100, 500) // 5,000 a second
	}
	require.InDelta(t, 1000, r.drainMs(5000), 20)
	require.Equal(t, int64(100), r.drainMs(1))
	require.Equal(t, int64(10_000), r.drainMs(1_000_000))
}
