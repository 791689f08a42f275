package proof

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// world is a block whose every fact is known: the truth proofs are judged against.
type world struct {
	keys     []*crypto.PrivateKey
	trust    Trust
	header   types.Header
	cert     types.FinalityCertificate
	content  Content
	rows     map[string]row // by key, namespace "evidence"
	txs      [][]byte
	receipts []types.Receipt
	events   []types.Event
	writes   []WritePart
}

type row struct {
	height  uint64
	tx      uint32
	deleted bool
	value   []byte
}

func (r row) hash() crypto.Hash {
	if r.deleted {
		return TombstoneHash(r.height, r.tx)
	}
	return ValueHash(r.height, r.tx, r.value)
}

const testNS = "evidence"

func newWorld(t testing.TB, keys, txs int) *world {
	w := &world{rows: map[string]row{}}
	for i := range 4 {
		k, err := crypto.NewPrivateKey(bytes.Repeat([]byte{byte(i + 1)}, 32))
		require.NoError(t, err)
		w.keys = append(w.keys, k)
	}
	slices.SortFunc(w.keys, func(a, b *crypto.PrivateKey) int {
		x, y := a.Public(), b.Public()
		return bytes.Compare(x[:], y[:])
	})
	for i, k := range w.keys {
		w.trust.Validators = append(w.trust.Validators, types.Validator{Key: k.Public(), Ed25519: [32]byte{byte(i + 1)}, Power: 10})
	}
	w.trust.Genesis = crypto.Sum([]byte("genesis"))
	for i := range keys {
		w.rows[fmt.Sprintf("record/%d", i)] = row{height: uint64(i % 40), tx: uint32(i % 5), deleted: i%7 == 3, value: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	for i := range txs {
		body := &types.Body{Genesis: w.trust.Genesis, Sender: types.AddressOf(w.keys[0].Public()), Contract: testNS, Method: "deposit",
			Args: fmt.Appendf(nil, `{"n":%d}`, i), GasLimit: 1000, ValidUntil: 1_800_000_000_000}
		tx, err := types.SignTx(body, nil, w.keys[0])
		require.NoError(t, err)
		w.txs = append(w.txs, tx.Bytes())
		w.receipts = append(w.receipts, types.Receipt{TxID: tx.ID(), Result: body.Args, GasUsed: 7, Events: 1})
		w.events = append(w.events, types.Event{TxIndex: uint32(i), Contract: testNS, Name: "deposited", Data: body.Args})
	}
	for i := range 5 {
		w.writes = append(w.writes, WritePart{NS: testNS, Key: fmt.Appendf(nil, "record/%d", i), Deleted: i == 3, TxIndex: uint32(i % 3),
			HasPrevious: i%2 == 1, PrevHeight: uint64(i%2) * 40, PrevTx: uint32(i % 2)})
		if i != 3 {
			w.writes[i].Value = fmt.Appendf(nil, `{"w":%d}`, i)
		}
	}
	w.seal(t)
	return w
}

func (w *world) seal(t testing.TB) { w.sealAt(t, 42) }

func (w *world) sealAt(t testing.TB, height uint64) {
	root, _ := w.subtree(w.leaves(), 0)
	w.content = Content{State: root, WriteSet: ListRoot(w.writeItems(height)), WriteCount: uint64(len(w.writes)), Txs: ListRoot(w.items(LeafTxs)), TxCount: uint64(len(w.txs)),
		Receipts: ListRoot(w.items(LeafReceipts)), Events: ListRoot(w.items(LeafEvents)), EventCount: uint64(len(w.events)),
		Config: crypto.Sum([]byte("config")), Protocol: 1}
	w.header = types.Header{Genesis: w.trust.Genesis, Height: height, Time: 1_800_000_000_123_456_789, CometHash: crypto.Sum([]byte("comet")),
		Previous: crypto.Sum([]byte("previous")), Content: w.content.Root(), Signers: w.trust.Validators.Hash(), NextSigners: w.trust.Validators.Hash(), Protocol: 1}
	w.cert = types.FinalityCertificate{Height: height}
	for i, k := range w.keys[:3] {
		sig, err := k.Sign(w.header.SignBytes())
		require.NoError(t, err)
		w.cert.Signatures = append(w.cert.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [64]byte(sig)})
	}
}

func (w *world) items(position int) []crypto.Hash {
	var out []crypto.Hash
	if position == LeafWrites {
		return w.writeItems(w.header.Height)
	}
	for i := range w.txs {
		switch position {
		case LeafTxs:
			out = append(out, crypto.Sum(w.txs[i]))
		case LeafReceipts:
			out = append(out, crypto.Sum(w.receipts[i].Encode()))
		default:
			out = append(out, crypto.Sum(w.events[i].Encode()))
		}
	}
	return out
}

func (w *world) writeItems(height uint64) []crypto.Hash {
	var out []crypto.Hash
	for i := range w.writes {
		r := w.writes[i].Record(height)
		out = append(out, r.Hash())
	}
	return out
}

type leafPair struct{ kh, vh crypto.Hash }

func (w *world) leaves() []leafPair {
	var out []leafPair
	for k, r := range w.rows {
		out = append(out, leafPair{StateKeyHash(testNS, []byte(k)), r.hash()})
	}
	slices.SortFunc(out, func(a, b leafPair) int { return bytes.Compare(a.kh[:], b.kh[:]) })
	return out
}

// subtree is the naive tree: root of the leaves, and where those with a set bit begin.
func (w *world) subtree(in []leafPair, level int) (crypto.Hash, int) {
	mid := 0
	for mid < len(in) && level < 256 && Bit(&in[mid].kh, level) == 0 {
		mid++
	}
	switch len(in) {
	case 0:
		return crypto.Hash{}, 0
	case 1:
		return StateLeaf(in[0].kh, in[0].vh), mid
	}
	l, _ := w.subtree(in[:mid], level+1)
	r, _ := w.subtree(in[mid:], level+1)
	return Inner(l, r), mid
}

func (w *world) prove(position int) *Proof {
	path, err := w.content.Prove(position)
	if err != nil {
		panic(err)
	}
	return &Proof{Header: w.header, Certificate: w.cert, Signers: w.trust.Validators, Path: path}
}

func (w *world) proveState(key string) *Proof {
	p := w.prove(LeafState)
	kh := StateKeyHash(testNS, []byte(key))
	sp := StateProof{}
	in := w.leaves()
	for level := 0; len(in) > 1; level++ {
		_, mid := w.subtree(in, level)
		other := in[mid:]
		if Bit(&kh, level) == 1 {
			other, in = in[:mid], in[mid:]
		} else {
			in = in[:mid]
		}
		sib, _ := w.subtree(other, level+1)
		sp.Siblings = append(sp.Siblings, sib)
	}
	if len(in) == 1 && in[0].kh == kh {
		r := w.rows[key]
		sp.Ends, sp.Height, sp.TxIndex, sp.Value = EndsValue, r.height, r.tx, r.value
		if r.deleted {
			sp.Ends, sp.Value = EndsTombstone, nil
		}
	} else if len(in) == 1 {
		sp.Ends, sp.ForeignKey, sp.ForeignValue = EndsForeign, in[0].kh, in[0].vh
	}
	p.State = &StatePart{NS: testNS, Key: []byte(key), Proof: sp}
	return p
}

func (w *world) proveItem(t testing.TB, position, i int) *Proof {
	l, err := ProveList(w.items(position), i)
	require.NoError(t, err)
	p := w.prove(position)
	switch position {
	case LeafTxs:
		p.Tx = &TxPart{Raw: w.txs[i], List: *l}
	case LeafReceipts:
		p.Receipt = &ReceiptPart{Receipt: w.receipts[i], List: *l}
	case LeafWrites:
		write := w.writes[i]
		write.List = *l
		p.Write = &write
	default:
		p.Event = &EventPart{Event: w.events[i], List: *l}
	}
	return p
}

// true reports whether what a proof says is so.
func (w *world) true(p *Proof) bool {
	index := func(l *ListProof) int {
		if l.Index >= uint64(len(w.txs)) {
			return 0
		}
		return int(l.Index)
	}
	switch {
	case p.State != nil:
		return w.holds(StateKey{p.State.NS, p.State.Key}, p.State.Proof.Result())
	case p.Write != nil:
		if p.Write.List.Index >= uint64(len(w.writes)) {
			return false
		}
		return bytes.Equal(p.Write.item(), w.writes[p.Write.List.Index].item())
	case p.Tx != nil:
		return bytes.Equal(p.Tx.Raw, w.txs[index(&p.Tx.List)])
	case p.Receipt != nil:
		return bytes.Equal(p.Receipt.Receipt.Encode(), w.receipts[index(&p.Receipt.List)].Encode())
	}
	return bytes.Equal(p.Event.Event.Encode(), w.events[index(&p.Event.List)].Encode())
}

// holds reports whether what is said of a row is so.
func (w *world) holds(k StateKey, res StateResult) bool {
	r, ok := w.rows[string(k.Key)]
	if !ok || k.NS != testNS {
		return !res.Found && !res.Deleted
	}
	return res.Found == !r.deleted && res.Deleted == r.deleted && res.Height == r.height && res.TxIndex == r.tx &&
		(r.deleted || bytes.Equal(res.Value, r.value))
}

// proveMany is a multi-proof of rows.
func (w *world) proveMany(t require.TestingT, keys ...string) *MultiProof {
	var names []StateKey
	var proofs []*StateProof
	for _, k := range keys {
		names, proofs = append(names, StateKey{testNS, []byte(k)}), append(proofs, &w.proveState(k).State.Proof)
	}
	m, err := JoinStates(names, proofs)
	require.NoError(t, err)
	a := w.prove(LeafState)
	return &MultiProof{Header: a.Header, Certificate: a.Certificate, Signers: a.Signers, Path: a.Path, State: m}
}

// proveItems is a multi-proof of transactions, receipts or events.
func (w *world) proveItems(t require.TestingT, position byte, indexes ...uint64) *MultiProof {
	m, err := ProveItems(position, w.items(int(position)), indexes)
	require.NoError(t, err)
	for i := range m.Items {
		m.Items[i].Bytes = w.bytes(position, m.Items[i].Index)
	}
	a := w.prove(int(position))
	return &MultiProof{Header: a.Header, Certificate: a.Certificate, Signers: a.Signers, Path: a.Path, List: m}
}

func (w *world) bytes(position byte, i uint64) []byte {
	switch position {
	case LeafTxs:
		return w.txs[i]
	case LeafReceipts:
		return w.receipts[i].Encode()
	}
	return w.events[i].Encode()
}

// trueMany reports whether what a multi-proof says is so.
func (w *world) trueMany(p *MultiProof, results []StateResult) bool {
	if p.List != nil {
		for _, it := range p.List.Items {
			if it.Index >= uint64(len(w.txs)) || !bytes.Equal(it.Bytes, w.bytes(p.List.Position, it.Index)) {
				return false
			}
		}
		return true
	}
	for i := range results {
		if !w.holds(p.State.Keys[i], results[i]) {
			return false
		}
	}
	return len(results) == len(p.State.Keys)
}

// samples returns one proof of every shape.
func (w *world) samples(t testing.TB) map[string]*Proof {
	out := map[string]*Proof{
		"state-value":     w.proveState("record/1"),
		"state-tombstone": w.proveState("record/3"),
		"tx":              w.proveItem(t, LeafTxs, len(w.txs)-1),
		"receipt":         w.proveItem(t, LeafReceipts, 0),
		"event":           w.proveItem(t, LeafEvents, len(w.txs)/2),
		"write":           w.proveItem(t, LeafWrites, 1),
		"write-deleted":   w.proveItem(t, LeafWrites, 3),
	}
	for i := 0; len(out) < 9 && i < 10000; i++ {
		p := w.proveState(fmt.Sprintf("absent/%d", i))
		switch p.State.Proof.Ends {
		case EndsForeign:
			out["state-absent-foreign"] = p
		case EndsEmpty:
			out["state-absent-empty"] = p
		}
	}
	require.Len(t, out, 9)
	return out
}
