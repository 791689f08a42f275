package ledger

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"sort"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// chain feeds a ledger with blocks of made-up but well-formed content.
type chain struct {
	t       testing.TB
	l       *Ledger
	rng     *rand.Rand
	keys    []*crypto.PrivateKey
	set     types.ValidatorSet
	genesis crypto.Hash
	last    *Block
	user    *crypto.PrivateKey
	live    map[string][]byte // what the state must hold
	nextID  int
}

var genesisHash = crypto.Sum([]byte("genesis of the test chain"))

func memParams(fs vfs.FS) Params {
	p := DefaultParams()
	p.Driver, p.PageBytes = pebbledb.Opener{FS: fs}, 0 // the folder is on no disk
	return p
}

func newChain(t testing.TB, fs vfs.FS) *chain {
	c := newFeeder(t)
	c.open(fs)
	return c
}

// newFeeder is a chain without a ledger.
func newFeeder(t testing.TB) *chain {
	c := &chain{t: t, rng: rand.New(rand.NewSource(1)), genesis: genesisHash, live: map[string][]byte{}}
	for i := range 4 {
		k := testKey(byte(i + 1))
		c.keys = append(c.keys, k)
	}
	sort.Slice(c.keys, func(i, j int) bool {
		a, b := c.keys[i].Public(), c.keys[j].Public()
		return bytes.Compare(a[:], b[:]) < 0
	})
	for i, k := range c.keys {
		c.set = append(c.set, types.Validator{Key: k.Public(), Ed25519: [32]byte{byte(i + 1)}, Power: 10})
	}
	c.user = testKey(99)
	return c
}

func testKey(seed byte) *crypto.PrivateKey {
	k, err := crypto.NewPrivateKey(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

func (c *chain) open(fs vfs.FS) {
	l, err := Open("chain", c.genesis, memParams(fs))
	require.NoError(c.t, err)
	c.l = l
}

func (c *chain) certify(h *types.Header) *types.FinalityCertificate {
	cert := &types.FinalityCertificate{Height: h.Height}
	for i, k := range c.keys[:3] {
		sig, err := k.Sign(h.SignBytes())
		require.NoError(c.t, err)
		cert.Signatures = append(cert.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [64]byte(sig)})
	}
	return cert
}

// block makes the next block with n transactions, each writing or deleting one or two keys.
func (c *chain) block(n int) *Block {
	b := &Block{Signers: c.set, NextSigners: c.set, Config: crypto.Sum([]byte("config")), Protocol: 1}
	writes := map[string]types.Write{}
	if c.l.Initialized() {
		b.Height = c.l.Height() + 1
		b.Time = 1_800_000_000_000_000_000 + int64(b.Height)*1_000_000_000
		b.CometHash = crypto.Sum(fmt.Appendf(nil, "comet %d", b.Height))
		if b.Height > 2 {
			h, err := c.l.Header(b.Height - 2)
			require.NoError(c.t, err)
			b.Certificate = c.certify(&h)
		}
		if b.Height > 1 {
			b.LastCommit = fmt.Appendf(nil, "commit of %d", b.Height-2)
		}
		for i := range n {
			c.addTx(b, i, writes)
		}
	} else {
		for i := range n {
			k := fmt.Sprintf("genesis/%d", i)
			writes[k] = types.Write{NS: "evidence", Key: []byte(k), Value: []byte("at genesis")}
		}
	}
	for _, w := range writes {
		b.Writes = append(b.Writes, w)
	}
	sortWrites(b.Writes)
	return b
}

func (c *chain) addTx(b *Block, i int, writes map[string]types.Write) {
	c.nextID++
	body := &types.Body{Genesis: c.genesis, Sender: types.AddressOf(c.user.Public()), Contract: "evidence", Method: "deposit",
		Args: fmt.Appendf(nil, `{"n":%d}`, c.nextID), GasLimit: 1e6, ValidUntil: b.Time/1e6 + 1000}
	tx, err := types.SignTx(body, nil, c.user)
	require.NoError(c.t, err)
	b.Txs = append(b.Txs, tx.Bytes())
	b.TxIDs = append(b.TxIDs, tx.ID())
	b.UsedIDs = append(b.UsedIDs, tx.ID())
	b.Senders = append(b.Senders, body.Sender)
	b.Contracts = append(b.Contracts, body.Contract)
	b.Receipts = append(b.Receipts, types.Receipt{TxID: tx.ID(), Result: body.Args, GasUsed: 1000, Events: 1})
	name := []string{"deposited", "changed"}[c.rng.Intn(2)]
	b.Events = append(b.Events, types.Event{TxIndex: uint32(i), Contract: "evidence", Name: name, Data: body.Args})
	for range 2 {
		k := fmt.Sprintf("record/%d", c.rng.Intn(200))
		writes[k] = types.Write{NS: "evidence", Key: []byte(k), Value: fmt.Appendf(nil, "value %d", c.nextID),
			Delete: c.rng.Intn(4) == 0, TxIndex: uint32(i)}
	}
}

func (c *chain) commit(n int) *Candidate {
	b := c.block(n)
	cand, err := c.l.Prepare(b)
	require.NoError(c.t, err)
	require.NoError(c.t, c.l.Commit(cand))
	c.applied(b)
	return cand
}

func (c *chain) applied(b *Block) {
	c.last = b
	for _, w := range b.Writes {
		if w.Delete {
			delete(c.live, string(w.Key))
		} else {
			c.live[string(w.Key)] = w.Value
		}
	}
}

func (c *chain) checkState() {
	got := map[string][]byte{}
	require.NoError(c.t, c.l.Scan("evidence", nil, nil, func(k, v []byte) bool {
		got[string(k)] = v
		return true
	}))
	require.Equal(c.t, c.live, got)
	for k, want := range c.live {
		v, found, err := c.l.Get("evidence", []byte(k))
		require.NoError(c.t, err)
		require.True(c.t, found)
		require.Equal(c.t, want, v)
	}
}

func (c *chain) trust() proof.Trust { return proof.Trust{Genesis: c.genesis, Validators: c.set} }

// covers: T.05, T.09
func TestBlocksAreKeptServedAndProven(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	require.False(t, c.l.Initialized())
	c.commit(5)
	require.True(t, c.l.Initialized())
	var blocks []*Block
	for i := range 10 {
		c.commit(i * 3)
		blocks = append(blocks, c.last)
	}
	check := func() {
		c.checkState()
		for _, b := range blocks {
			txs, err := c.l.BlockTxs(b.Height)
			require.NoError(t, err)
			require.Equal(t, b.Txs, txs)
			rs, err := c.l.Receipts(b.Height)
			require.NoError(t, err)
			require.Equal(t, b.Receipts, rs)
			evs, err := c.l.Events(b.Height)
			require.NoError(t, err)
			require.Equal(t, b.Events, evs)
			ws, err := c.l.Writes(b.Height)
			require.NoError(t, err)
			require.Len(t, ws, len(b.Writes))
			for i, id := range b.TxIDs {
				h, idx, err := c.l.TxByID(id)
				require.NoError(t, err)
				require.Equal(t, Ref{Height: b.Height, Index: uint32(i)}, Ref{Height: h, Index: idx})
			}
		}
		require.Equal(t, uint64(8), c.l.Certified())
		for _, key := range []string{"record/1", "record/77", "absent", "genesis/1"} {
			p, err := c.l.ProveState("evidence", []byte(key))
			require.NoError(t, err)
			require.Equal(t, uint64(8), p.Header.Height)
			require.NoError(t, p.Verify(c.trust()))
		}
		p, err := c.l.ProveTx(blocks[4].TxIDs[3])
		require.NoError(t, err)
		require.NoError(t, p.Verify(c.trust()))
		p, err = c.l.ProveReceipt(blocks[4].TxIDs[3])
		require.NoError(t, err)
		require.NoError(t, p.Verify(c.trust()))
		p, err = c.l.ProveEvent(Ref{Height: 5, Index: 2})
		require.NoError(t, err)
		require.NoError(t, p.Verify(c.trust()))
	}
	check()
	root := c.l.ContentRoot()
	require.NoError(t, c.l.Close())
	c.open(fs)
	require.Equal(t, root, c.l.ContentRoot())
	check()
	n := 0
	require.NoError(t, c.l.UsedIDs(func(h uint64, at int64, ids []crypto.Hash) error {
		require.Equal(t, blocks[h-1].UsedIDs, ids)
		n++
		return nil
	}))
	require.Equal(t, 9, n)
	require.NoError(t, c.l.Close())
}

func sortWrites(ws []types.Write) {
	slices.SortFunc(ws, func(x, y types.Write) int { return bytes.Compare(x.Key, y.Key) })
}

// TestSizesOfThePageFile: a page file as large as places reach is taken, a larger one refused.
func TestSizesOfThePageFile(t *testing.T) {
	p := DefaultParams()
	p.PageBytes = state.MaxPageBytes
	require.NoError(t, p.Validate())
	for _, bad := range []int64{-1, state.MaxPageBytes + 1} {
		p.PageBytes = bad
		_, err := Open(t.TempDir(), genesisHash, p)
		require.Error(t, err)
	}
}
