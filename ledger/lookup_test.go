package ledger

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// pages walks a listing to its end.
func pages(t *testing.T, limit int, oldest bool, list func(Page) ([]Ref, Cursor, error)) []Ref {
	var all []Ref
	q := Page{Limit: limit, Oldest: oldest}
	for {
		refs, next, err := list(q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(refs), limit)
		all = append(all, refs...)
		if next == "" {
			return all
		}
		q.Cursor = next
	}
}

func TestListings(t *testing.T) {
	c := newChain(t, vfs.NewMem())
	var txs, changed, events []Ref
	for i := range 7 {
		c.commit(i * 2)
		b := c.last
		for j := range b.Txs {
			txs = append(txs, Ref{Height: b.Height, Index: uint32(j)})
		}
		for j := range b.Events {
			r := Ref{Height: b.Height, Index: uint32(j)}
			events = append(events, r)
			if b.Events[j].Name == "changed" {
				changed = append(changed, r)
			}
		}
	}
	sender := types.AddressOf(c.user.Public())
	lists := []struct {
		want []Ref
		list func(Page) ([]Ref, Cursor, error)
	}{
		{txs, func(q Page) ([]Ref, Cursor, error) { return c.l.TxsBySender(sender, q) }},
		{txs, func(q Page) ([]Ref, Cursor, error) { return c.l.TxsByContract("evidence", q) }},
		{events, func(q Page) ([]Ref, Cursor, error) { return c.l.EventsByContract("evidence", "", q) }},
		{changed, func(q Page) ([]Ref, Cursor, error) { return c.l.EventsByContract("evidence", "changed", q) }},
		{nil, func(q Page) ([]Ref, Cursor, error) { return c.l.TxsBySender(types.Address{1}, q) }},
		{nil, func(q Page) ([]Ref, Cursor, error) { return c.l.EventsByContract("evidenc", "", q) }},
	}
	for _, l := range lists {
		for _, limit := range []int{1, 3, 1000} {
			require.Equal(t, l.want, pages(t, limit, true, l.list))
			newest := pages(t, limit, false, l.list)
			require.Len(t, newest, len(l.want))
			for i := range newest {
				require.Equal(t, l.want[len(l.want)-1-i], newest[i])
			}
		}
	}
	_, _, err := c.l.TxsBySender(sender, Page{Limit: MaxPage + 1})
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	_, _, err = c.l.TxsBySender(sender, Page{Cursor: "zz"})
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	_, _, err = c.l.TxByID(crypto.Hash{1})
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	other := c.last.TxIDs[0] // the index holds only the first half of an id
	other[31] ^= 1
	_, _, err = c.l.TxByID(other)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	_, err = c.l.ProveTx(other)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	_, err = c.l.Tx(Ref{Height: 2, Index: 1000})
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	_, err = c.l.BlockTxs(1000)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
	require.NoError(t, c.l.Close())
}

// TestBlocksByHash finds every block by the hash of its header, also in a ledger that was
// written before there was an index by it.
func TestBlocksByHash(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	for range 6 {
		c.commit(1)
	}
	hashes := map[uint64]crypto.Hash{}
	all := func() {
		for h := uint64(1); h <= c.l.Height(); h++ {
			header, err := c.l.Header(h)
			require.NoError(t, err)
			hashes[h] = header.Hash()
			got, err := c.l.HeightOf(hashes[h])
			require.NoError(t, err)
			require.Equal(t, h, got)
		}
	}
	all()
	other := hashes[3] // the index holds only the first half of a hash
	other[31] ^= 1
	for _, unknown := range []crypto.Hash{other, {}, {1}, genesisHash} {
		_, err := c.l.HeightOf(unknown)
		require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	}
	require.NoError(t, c.l.Close())
	rows := rawRows(t, fs)["blocks/H"]
	require.Len(t, rows, 5) // genesis has no header
	db, err := pebbledb.Opener{FS: fs}.Open("chain/blocks", driver.ProfileBlocks)
	require.NoError(t, err)
	b := db.Batch()
	for _, row := range rows {
		b.Delete(row.key)
	}
	require.NoError(t, b.Commit(true))
	require.NoError(t, db.Close())
	require.False(t, check(t, fs).OK(), "blocks without an entry are found")
	c.open(fs)
	all()
	require.NoError(t, c.l.Close())
	require.True(t, check(t, fs).OK())
}

// TestHistoryOfAKey walks a key's writings backwards along the write sets.
//
// covers: T.05
func TestHistoryOfAKey(t *testing.T) {
	c := newChain(t, vfs.NewMem())
	c.commit(3)
	type writing struct {
		height uint64
		tx     uint32
		value  string
	}
	var want []writing
	for range 30 {
		c.commit(6)
		for _, w := range c.last.Writes {
			if string(w.Key) == "record/7" || string(w.Key) == "record/8" {
				if string(w.Key) == "record/7" {
					v := string(w.Value)
					if w.Delete {
						v = ""
					}
					want = append(want, writing{c.last.Height, w.TxIndex, v})
				}
			}
		}
	}
	require.NotEmpty(t, want)
	row, found, err := c.l.GetRow("evidence", []byte("record/7"))
	require.NoError(t, err)
	require.True(t, found)
	h := row.Height
	for i := len(want) - 1; i >= 0; i-- {
		ch, err := c.l.ChangeAt("evidence", []byte("record/7"), h)
		require.NoError(t, err)
		require.Equal(t, want[i], writing{h, ch.TxIndex, string(ch.Value)})
		require.Equal(t, i > 0, ch.HasPrevious)
		h = ch.PrevHeight
	}
	_, err = c.l.ChangeAt("evidence", []byte("no such key"), 3)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))

	last := len(want) - 1
	for want[last].height > c.l.Certified() {
		last--
	}
	past, err := c.l.ProveHistory("evidence", []byte("record/7"), want[last].height, proof.MaxHistory)
	require.NoError(t, err)
	complete, err := past.Verify(func(uint64) (proof.Trust, error) { return c.trust(), nil })
	require.NoError(t, err)
	require.True(t, complete)
	require.Len(t, past, last+1)
	for i, p := range past {
		require.Equal(t, want[last-i], writing{p.Header.Height, p.Write.TxIndex, string(p.Write.Value)})
	}
	short, err := c.l.ProveHistory("evidence", []byte("record/7"), want[last].height, 2)
	require.NoError(t, err)
	require.Len(t, short, min(2, last+1))
	_, err = c.l.ProveHistory("evidence", []byte("no such key"), 0, 1)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	_, err = c.l.ProveHistory("evidence", []byte("record/7"), 0, 0)
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	_, err = c.l.ProveWrite("evidence", []byte("record/7"), 0)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	require.NoError(t, c.l.Close())
}

// TestManyFacts proves keys and transactions of one block at once.
//
// covers: T.09
func TestManyFacts(t *testing.T) {
	c := newChain(t, vfs.NewMem())
	for range 12 {
		c.commit(9)
	}
	var keys []proof.StateKey
	for i := range 60 {
		keys = append(keys, proof.StateKey{NS: "evidence", Key: fmt.Appendf(nil, "record/%d", i*3)})
	}
	p, err := c.l.ProveStates(keys)
	require.NoError(t, err)
	results, err := p.Verify(c.trust())
	require.NoError(t, err)
	for i, k := range p.State.Keys {
		one, err := c.l.ProveState(k.NS, k.Key)
		require.NoError(t, err)
		require.Equal(t, one.State.Proof.Result(), results[i])
	}
	height := c.l.Certified()
	txs, err := c.l.ProveTxs(height, []uint64{0, 2, 3, 8})
	require.NoError(t, err)
	_, err = txs.Verify(c.trust())
	require.NoError(t, err)
	for _, it := range txs.List.Items {
		raw, err := c.l.Tx(Ref{Height: height, Index: uint32(it.Index)})
		require.NoError(t, err)
		require.Equal(t, raw, it.Bytes)
	}
	_, err = c.l.ProveTxs(height, []uint64{9})
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	_, err = c.l.ProveStates(nil)
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	require.NoError(t, c.l.Close())
}

// TestIndexesAreSwitchable lists by key, and refuses listings that are switched off.
func TestIndexesAreSwitchable(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	require.NoError(t, c.l.Close())
	p := memParams(fs)
	p.Indexes = IndexKey
	var err error
	c.l, err = Open("chain", c.genesis, p)
	require.NoError(t, err)
	want := map[string][]Ref{}
	for range 20 {
		c.commit(5)
		for _, w := range c.last.Writes {
			want[string(w.Key)] = append(want[string(w.Key)], Ref{Height: c.last.Height, Index: w.TxIndex})
		}
	}
	for key, refs := range want {
		require.Equal(t, refs, pages(t, 2, true, func(q Page) ([]Ref, Cursor, error) { return c.l.TxsByKey("evidence", []byte(key), q) }))
	}
	_, _, err = c.l.TxsBySender(types.AddressOf(c.user.Public()), Page{})
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
	_, _, err = c.l.EventsByContract("evidence", "", Page{})
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
	require.NoError(t, c.l.Close())
	require.True(t, check(t, fs).OK())
}

// TestUsedIDsCoverTheWindow checks that used ids stay for types.Window of block time.
func TestUsedIDsCoverTheWindow(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	c.commit(1)
	times := map[uint64]int64{}
	var last int64
	for i := range 20 {
		b := c.block(2)
		b.Time = 1_800_000_000_000_000_000 + int64(i)*(types.Window.Nanoseconds()/4)
		last, times[b.Height] = b.Time, b.Time
		cand, err := c.l.Prepare(b)
		require.NoError(t, err)
		require.NoError(t, c.l.Commit(cand))
	}
	for range 2 {
		seen := map[uint64]bool{}
		require.NoError(t, c.l.UsedIDs(func(h uint64, at int64, ids []crypto.Hash) error {
			require.Equal(t, times[h], at)
			require.Len(t, ids, 2)
			seen[h] = true
			return nil
		}))
		for h, at := range times {
			require.Equal(t, at >= last-types.Window.Nanoseconds(), seen[h])
		}
		require.NoError(t, c.l.Close())
		c.open(fs)
	}
	require.NoError(t, c.l.Close())
}

// TestRefusals are the calls a ledger turns down without a trace.
func TestRefusals(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	_, err := c.l.Prepare(&Block{Height: 1, Time: 1})
	require.Error(t, err, "genesis comes first")
	c.commit(2)
	c.commit(2)
	root := c.l.ContentRoot()
	stale, err := c.l.Prepare(c.block(3))
	require.NoError(t, err)
	other, err := c.l.Prepare(c.block(1))
	require.NoError(t, err)
	require.NotEqual(t, stale.ContentRoot, other.ContentRoot)
	require.Equal(t, root, c.l.ContentRoot(), "prepared blocks leave no trace")
	require.NoError(t, c.l.Commit(other))
	require.Error(t, c.l.Commit(stale), "the tip has moved on")
	require.Error(t, c.l.Commit(other), "a block is committed once")

	for name, spoil := range map[string]func(*Block){
		"height":         func(b *Block) { b.Height++ },
		"no time":        func(b *Block) { b.Time = 0 },
		"ids":            func(b *Block) { b.TxIDs = b.TxIDs[:1] },
		"receipts":       func(b *Block) { b.Receipts = nil },
		"senders":        func(b *Block) { b.Senders = b.Senders[:1] },
		"unordered":      func(b *Block) { b.Writes[0], b.Writes[1] = b.Writes[1], b.Writes[0] },
		"repeated write": func(b *Block) { b.Writes[0] = b.Writes[1] },
		"long key":       func(b *Block) { b.Writes[0].Key = make([]byte, types.MaxKeyBytes+1) },
		"long value":     func(b *Block) { b.Writes[0].Value = make([]byte, types.MaxValueBytes+1) },
		"no namespace":   func(b *Block) { b.Writes[0].NS = "" },
	} {
		b := c.block(3)
		spoil(b)
		_, err := c.l.Prepare(b)
		require.Error(t, err, name)
	}
	h, err := c.l.Header(1)
	require.NoError(t, err)
	bad := c.certify(&h)
	bad.Signatures[1].Signature[5] ^= 1
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(c.l.PutCertificate(bad)))
	require.Zero(t, c.l.Certified())
	_, err = c.l.ProveState("evidence", []byte("x"))
	require.Equal(t, types.CodeNotReady, types.CodeOf(err))
	require.NoError(t, c.l.PutCertificate(c.certify(&h)))
	require.Equal(t, uint64(1), c.l.Certified())
	_, err = c.l.ProveState("evidence", []byte("x"))
	require.NoError(t, err)
	require.NoError(t, c.l.Close())

	_, err = Open("chain", crypto.Hash{9}, memParams(fs))
	require.Equal(t, types.CodeWrongGenesis, types.CodeOf(err))
}

// TestAppHashSettles: the content root of empty blocks is that of the state alone.
func TestAppHashSettles(t *testing.T) {
	c := newChain(t, vfs.NewMem())
	g := c.commit(3)
	first := c.commit(0)
	require.Equal(t, g.ContentRoot, first.ContentRoot, "an empty block on the genesis state")
	busy := c.commit(2)
	require.NotEqual(t, first.ContentRoot, busy.ContentRoot)
	idle := c.commit(0)
	require.NotEqual(t, busy.ContentRoot, idle.ContentRoot)
	require.Equal(t, idle.ContentRoot, c.commit(0).ContentRoot)
	require.Equal(t, idle.ContentRoot, c.commit(0).ContentRoot)
	require.NoError(t, c.l.Close())
}
