package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// WritePart is an entry of the block's write set: what the block did to a key, which
// transaction did it, and where the key was written before.
type WritePart struct {
	NS          string
	Key         []byte
	Deleted     bool
	Value       []byte // unless Deleted
	TxIndex     uint32
	HasPrevious bool   // the key was written before,
	PrevHeight  uint64 // by this block (0: the genesis state)
	PrevTx      uint32 // and transaction
	List        ListProof
}

const (
	writeDeleted  = 1
	writePrevious = 2
)

// Record is what the write-set root of a height holds of the write.
func (w *WritePart) Record(height uint64) WriteRecord {
	r := WriteRecord{KeyHash: StateKeyHash(w.NS, w.Key), ValueHash: ValueHash(height, w.TxIndex, w.Value), TxIndex: w.TxIndex,
		HasPrevious: w.HasPrevious, PrevHeight: w.PrevHeight, PrevTx: w.PrevTx}
	if w.Deleted {
		r.ValueHash = TombstoneHash(height, w.TxIndex)
	}
	return r
}

func (w *WritePart) check() error {
	switch {
	case len(w.NS) > MaxNamespaceBytes || !utf8.ValidString(w.NS):
		return errors.New("namespace too long or not UTF-8")
	case w.Deleted && len(w.Value) > 0:
		return errors.New("a deletion has no value")
	case !w.HasPrevious && (w.PrevHeight != 0 || w.PrevTx != 0):
		return errors.New("a first writing has none before it")
	}
	return nil
}

// item returns the write without its place in the list: u8 len ‖ ns ‖ u32 len ‖ key ‖
// u8 flags ‖ u32 txIndex ‖ u64 prevHeight ‖ u32 prevTx ‖ value.
func (w *WritePart) item() []byte {
	b := append([]byte{byte(len(w.NS))}, w.NS...)
	b = appendBlob(b, w.Key)
	flags := byte(0)
	if w.Deleted {
		flags |= writeDeleted
	}
	if w.HasPrevious {
		flags |= writePrevious
	}
	b = binary.BigEndian.AppendUint32(append(b, flags), w.TxIndex)
	b = binary.BigEndian.AppendUint64(b, w.PrevHeight)
	b = binary.BigEndian.AppendUint32(b, w.PrevTx)
	return append(b, w.Value...)
}

func decodeWrite(in []byte) (*WritePart, error) {
	d := &decoder{rest: in}
	w := &WritePart{NS: string(d.take(int(d.u8()))), Key: d.blob(types.MaxKeyBytes)}
	flags := d.u8()
	w.Deleted, w.HasPrevious = flags&writeDeleted != 0, flags&writePrevious != 0
	w.TxIndex, w.PrevHeight, w.PrevTx = uint32(d.number(4)), d.number(8), uint32(d.number(4))
	if d.err != nil {
		return nil, d.err
	}
	if w.Value = d.rest; flags > writeDeleted|writePrevious || len(w.Value) > types.MaxValueBytes {
		return nil, errors.New("unknown flags, or value too long")
	}
	return w, w.check()
}

func (d *decoder) write() *WritePart {
	raw, list := d.blob(types.MaxValueBytes+types.MaxKeyBytes+MaxNamespaceBytes+32), d.list()
	if d.err != nil {
		return nil
	}
	w, err := decodeWrite(raw)
	if err != nil {
		d.fail(err)
		return nil
	}
	w.List = list
	return w
}

// History is the proven past of one key, newest writing first: each is a proof of one
// write, and each names the height and transaction of the next.
type History []*Proof

// MaxHistory bounds the writings of an encoded History.
const MaxHistory = 1000

var historyMagic = []byte{'H', 'C', 'H', 1}

// Verify checks every link under the trust for its height, and that each leads to the
// next: same key, and the height and transaction that the later one names as the writing
// before. complete tells that nothing came before the last link but perhaps the genesis
// state. That the first link is the newest writing is for a state proof of a later header
// to show. The error is HC-4201.
func (h History) Verify(trust func(height uint64) (Trust, error)) (complete bool, err error) {
	for _, p := range h {
		t, err := trust(p.Header.Height)
		if err != nil {
			return false, err
		}
		if err := p.Verify(t); err != nil {
			return false, err
		}
	}
	return h.Linked()
}

// Linked checks that each link leads to the next, and nothing else: the caller MUST have
// verified each. complete is as in Verify. The error is HC-4201.
func (h History) Linked() (complete bool, err error) {
	if len(h) == 0 {
		return false, types.Errorf(types.CodeProofInvalid, "the history is empty")
	}
	for i, p := range h {
		if p.Write == nil {
			return false, types.Errorf(types.CodeProofInvalid, "link %d of the history is no write", i)
		}
		if i == 0 {
			continue
		}
		if err := h[i-1].leadsTo(p); err != nil {
			return false, types.Errorf(types.CodeProofInvalid, "link %d of the history: %w", i, err)
		}
	}
	last := h[len(h)-1].Write
	return !last.HasPrevious || last.PrevHeight == 0, nil
}

func (p *Proof) leadsTo(q *Proof) error {
	a, b := p.Write, q.Write
	switch {
	case a.NS != b.NS || string(a.Key) != string(b.Key):
		return errors.New("it is of another key")
	case !a.HasPrevious || a.PrevHeight != q.Header.Height || a.PrevTx != b.TxIndex:
		return errors.New("it is not the writing before")
	}
	return nil
}

// Encode returns "HCH" ‖ 0x01 ‖ u32 count ‖ (u32 len ‖ encoded proof) for each.
func (h History) Encode() ([]byte, error) {
	if len(h) == 0 || len(h) > MaxHistory {
		return nil, fmt.Errorf("encode history of %d writings", len(h))
	}
	b := binary.BigEndian.AppendUint32(append([]byte(nil), historyMagic...), uint32(len(h)))
	for _, p := range h {
		one, err := p.Encode()
		if err != nil {
			return nil, err
		}
		b = appendBlob(b, one)
	}
	return b, nil
}

// DecodeHistory reads an encoded history; it verifies nothing. The error is HC-4201.
func DecodeHistory(in []byte) (History, error) {
	d := &decoder{rest: in}
	if string(d.take(len(historyMagic))) != string(historyMagic) {
		return nil, types.Errorf(types.CodeProofInvalid, "not a history of a known version")
	}
	n := d.number(4)
	if n == 0 || n > MaxHistory {
		return nil, types.Errorf(types.CodeProofInvalid, "history of %d writings", n)
	}
	var h History
	for range n {
		one := d.blob(MaxProofBytes)
		if d.err != nil {
			return nil, types.Errorf(types.CodeProofInvalid, "decode history: %w", d.err)
		}
		p, err := Decode(one)
		if err != nil {
			return nil, err
		}
		h = append(h, p)
	}
	if len(d.rest) > 0 {
		return nil, types.Errorf(types.CodeProofInvalid, "decode history: trailing bytes")
	}
	return h, nil
}

func (w *WritePart) leaf(height uint64) (int, crypto.Hash, error) {
	r := w.Record(height)
	if err := w.check(); err != nil {
		return 0, crypto.Hash{}, err
	}
	return listPart(LeafWrites, &w.List, r.Hash())
}
