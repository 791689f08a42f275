package archive

import (
	"bytes"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// history makes linked records of evidence deposits, as a chain of four validators has them.
type history struct {
	t        testing.TB
	rng      *rand.Rand
	genesis  crypto.Hash
	keys     []*crypto.PrivateKey
	previous crypto.Hash
	now      time.Time
}

func newHistory(t testing.TB, seed int64) *history {
	h := &history{t: t, rng: rand.New(rand.NewSource(seed)), genesis: crypto.Sum(fmt.Append(nil, "chain ", seed)),
		now: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)}
	for range 20 {
		k, err := crypto.GenerateKey(h.rng)
		require.NoError(t, err)
		h.keys = append(h.keys, k)
	}
	return h
}

func (h *history) random(n int) []byte {
	b := make([]byte, n)
	h.rng.Read(b)
	return b
}

// deposit appends one transaction with what it leaves behind.
func (h *history) deposit(r *Record) {
	i := uint32(len(r.Txs))
	key := h.keys[h.rng.Intn(len(h.keys))]
	sender := types.AddressOf(key.Public())
	hash := h.random(32)
	owner := fmt.Sprintf("archives/load-%04d", h.rng.Intn(1000))
	body := &types.Body{Genesis: h.genesis, Sender: sender, Contract: "evidence", Method: "deposit", GasLimit: 10_000_000,
		Args: fmt.Appendf(nil, `{"hash":"%x","title":"采购合同 %d","metadata":{"batch":"2026-03"}}`, hash, h.rng.Intn(1e6)),
		Salt: [types.SaltSize]byte(h.random(types.SaltSize)), ValidUntil: h.now.Add(time.Minute).UnixMilli()}
	tx, err := types.SignTx(body, nil, key)
	require.NoError(h.t, err)
	row := fmt.Appendf(nil, `{"hash":"%x","title":"采购合同 %d","metadata":{"batch":"2026-03"},"owner":%q,"time":%q}`,
		hash, h.rng.Intn(1e6), owner, h.now.Format(time.RFC3339))
	receipt := types.Receipt{TxID: tx.ID(), Result: row, GasUsed: 61_234, Events: 1}
	event := types.Event{TxIndex: i, Contract: "evidence", Name: "deposited", Data: row}
	r.Txs = append(r.Txs, tx.Bytes())
	r.Receipts = append(r.Receipts, receipt.Encode())
	r.Events = append(r.Events, event.Encode())
	for _, w := range []types.Write{
		{NS: "evidence", Key: fmt.Appendf(nil, "evidence/%x", hash), Value: row, TxIndex: i},
		{NS: "evidence", Key: fmt.Appendf(nil, "evidenceByOwner/%s\x00%s\x00%x", owner, h.now.Format(time.RFC3339), hash), TxIndex: i},
	} {
		c := block.Change{Write: w}
		r.Writes = append(r.Writes, c.Encode())
	}
}

// record makes the record of a height with n transactions.
func (h *history) record(height uint64, n int) Record {
	h.now = h.now.Add(700 * time.Millisecond)
	r := Record{Head: Head{Commit: h.random(100 + 4*100), Certificate: h.random(4 * 72)}}
	for range n {
		h.deposit(&r)
	}
	records := make([]crypto.Hash, len(r.Writes))
	for i, w := range r.Writes {
		c, err := block.DecodeChange(w)
		require.NoError(h.t, err)
		rec := c.Record(height)
		records[i] = rec.Hash()
	}
	sums := func(items [][]byte) crypto.Hash {
		var out []crypto.Hash
		for _, it := range items {
			out = append(out, crypto.Sum(it))
		}
		return proof.ListRoot(out)
	}
	r.Content = proof.Content{State: crypto.Hash(h.random(32)), WriteSet: proof.ListRoot(records), WriteCount: uint64(len(records)),
		Txs: sums(r.Txs), TxCount: uint64(n), Receipts: sums(r.Receipts), Events: sums(r.Events), EventCount: uint64(n), Protocol: 1}
	r.Header = types.Header{Genesis: h.genesis, Height: height, Time: h.now.UnixNano(), Previous: h.previous,
		CometHash: crypto.Hash(h.random(32)), Content: r.Content.Root(), Protocol: 1}
	h.previous = r.Header.Hash()
	return r
}

// segment makes the records of a segment, of which every nth has one transaction and one
// has many.
func (h *history) segment(n uint64, many int) ([]Record, Identity) {
	var records []Record
	var hashes []crypto.Hash
	for i := range uint64(SegmentBlocks) {
		txs := 0
		switch {
		case i == 500:
			txs = many
		case i%16 == 0:
			txs = 1
		}
		r := h.record(First(n)+i, txs)
		records, hashes = append(records, r), append(hashes, r.Hash())
	}
	return records, Identity{Genesis: h.genesis, First: First(n), Root: proof.ListRoot(hashes)}
}

// build writes a segment into memory.
func build(t testing.TB, id Identity, key *envelope.Key, records []Record) ([]byte, Info) {
	var out bytes.Buffer
	w, err := NewWriter(&out, id, key)
	require.NoError(t, err)
	for i := range records {
		require.NoError(t, w.Add(&records[i]))
	}
	info, err := w.Close()
	require.NoError(t, err)
	require.EqualValues(t, out.Len(), info.Bytes)
	return out.Bytes(), info
}

func source(b []byte) FileSource { return FileSource{R: bytes.NewReader(b), N: int64(len(b))} }

func testKey(t testing.TB, seed byte) *envelope.Key {
	k, err := envelope.NewKey(bytes.Repeat([]byte{seed}, envelope.KeySize))
	require.NoError(t, err)
	return k
}
