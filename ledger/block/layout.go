package block

import (
	"encoding/binary"
	"math"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Kind is the byte behind the epoch in a key, or before an item in a section.
type Kind byte

// Kinds of rows.
const (
	KindHeader      Kind = 'h'
	KindSection     Kind = 'b'
	KindDirectory   Kind = 'd'
	KindCertificate Kind = 'F'
	KindCommit      Kind = 'L'
	KindRestart     Kind = 'R'
	KindID          Kind = 'i'
	KindHash        Kind = 'H'
	KindSender      Kind = 's'
	KindContract    Kind = 'c'
	KindEvent       Kind = 'v'
	KindEventName   Kind = 'n'
	KindKey         Kind = 'k'
)

// Kinds of items in sections.
const (
	KindTxs      Kind = 't'
	KindReceipts Kind = 'r'
	KindEvents   Kind = 'e'
	KindWrites   Kind = 'w'
	kindIndexed  Kind = 'x' // the block's Indexes
)

// Indexes is the set of optional indexes that a block has rows in.
type Indexes byte

// Optional indexes. That by transaction id is always kept.
const (
	IndexSender   Indexes = 1 << iota // transactions by sender
	IndexContract                     // transactions by contract
	IndexEvent                        // events by contract, and by contract and name
	IndexKey                          // transactions by the keys they wrote
)

// AllIndexes are all optional indexes.
const AllIndexes = IndexSender | IndexContract | IndexEvent | IndexKey

const (
	// EpochBits is log2 of the number of blocks in an epoch.
	EpochBits = 17
	// CertificateLag is how far below a block the one is whose certificate it carries.
	CertificateLag = 2
	// IDBytes is how much of a transaction id, or of a header's hash, its index row holds.
	IDBytes = 16
	// MaxItems bounds the items of one list of a block.
	MaxItems = 1 << 20

	epochSize = 4
)

var tipKey = []byte("\xfftip")

// Pair is a row.
type Pair struct{ Key, Value []byte }

// key returns u32 epoch ‖ kind ‖ parts.
func key(height uint64, k Kind, parts ...[]byte) []byte {
	return epochKey(height>>EpochBits, k, parts...)
}

func epochKey(epoch uint64, k Kind, parts ...[]byte) []byte {
	b := make([]byte, 0, 64)
	b = append(binary.BigEndian.AppendUint32(b, uint32(epoch)), byte(k))
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// appendName appends u8 len ‖ s; longer names than 255 bytes are cut (none exist).
func appendName(b []byte, s string) []byte {
	if len(s) > 255 {
		s = s[:255]
	}
	return append(append(b, byte(len(s))), s...)
}

func name(s string) []byte { return appendName(nil, s) }

// Ref is the position of a transaction, or of an event, in the chain.
type Ref struct {
	Height uint64
	Index  uint32
}

// append appends uvarint height ‖ uvarint index.
func (r Ref) append(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, r.Height), uint64(r.Index))
}

// DecodeRef reads the value of an index row by id.
func DecodeRef(b []byte) (Ref, error) {
	h, n := binary.Uvarint(b)
	if n > 0 {
		i, m := binary.Uvarint(b[n:])
		if m > 0 && n+m == len(b) && i <= math.MaxUint32 {
			return Ref{h, uint32(i)}, nil
		}
	}
	return Ref{}, state.Corrupt("malformed index row")
}

// appendPosition appends a position to the list of an index row, whose last is before; the
// first is behind -1. The list holds uvarint differences, less one.
func appendPosition(list []byte, before, position int) []byte {
	return binary.AppendUvarint(list, uint64(position-before-1))
}

// DecodePositions reads the value of an index row: ascending positions in the block.
func DecodePositions(b []byte) ([]uint32, error) {
	var out []uint32
	next := uint64(0)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || d > math.MaxUint32 || next+d > math.MaxUint32 {
			return nil, state.Corrupt("malformed index row")
		}
		out = append(out, uint32(next+d))
		next, b = next+d+1, b[n:]
	}
	if len(out) == 0 {
		return nil, state.Corrupt("empty index row")
	}
	return out, nil
}

// Change is one entry of a block's write set with the row it wrote:
//
//	u8 flags (1 deleted, 2 has previous) ‖ u64 prevHeight ‖ u32 prevTx ‖ u32 txIndex ‖
//	u8 len(ns) ‖ ns ‖ u16 len(key) ‖ key ‖ value
type Change struct {
	types.Write
	HasPrevious bool   // the key was written before,
	PrevHeight  uint64 // by this block
	PrevTx      uint32 // and transaction
}

const (
	flagDeleted  = 1
	flagPrevious = 2
)

// Encode returns the bytes of the change.
func (c *Change) Encode() []byte { return c.AppendTo(make([]byte, 0, c.SizeHint())) }

// SizeHint is about how many bytes that takes.
func (c *Change) SizeHint() int { return 20 + len(c.NS) + len(c.Key) + len(c.Value) }

// AppendTo appends the bytes of the change.
func (c *Change) AppendTo(b []byte) []byte {
	var flags byte
	if c.Delete {
		flags |= flagDeleted
	}
	if c.HasPrevious {
		flags |= flagPrevious
	}
	b = binary.BigEndian.AppendUint64(append(b, flags), c.PrevHeight)
	b = binary.BigEndian.AppendUint32(b, c.PrevTx)
	b = binary.BigEndian.AppendUint32(b, c.TxIndex)
	b = appendName(b, c.NS)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Key)))
	b = append(b, c.Key...)
	if !c.Delete {
		b = append(b, c.Value...)
	}
	return b
}

// DecodeChange reads a change. Key and Value alias the input.
func DecodeChange(b []byte) (Change, error) {
	var c Change
	if len(b) < 18 || b[0] > flagDeleted|flagPrevious {
		return c, errChange()
	}
	c.Delete, c.HasPrevious = b[0]&flagDeleted != 0, b[0]&flagPrevious != 0
	c.PrevHeight = binary.BigEndian.Uint64(b[1:])
	c.PrevTx = binary.BigEndian.Uint32(b[9:])
	c.TxIndex = binary.BigEndian.Uint32(b[13:])
	n, b := int(b[17]), b[18:]
	if len(b) < n+2 {
		return c, errChange()
	}
	c.NS, b = string(b[:n]), b[n:]
	n, b = int(binary.BigEndian.Uint16(b)), b[2:]
	if len(b) < n || c.Delete && len(b) != n {
		return c, errChange()
	}
	c.Key = b[:n:n]
	if !c.Delete {
		c.Value = b[n:]
	}
	return c, nil
}

func errChange() error { return state.Corrupt("malformed write-set entry") }

// changeTx is the transaction of an encoded change.
func changeTx(b []byte) uint32 {
	if len(b) < 17 {
		return math.MaxUint32
	}
	return binary.BigEndian.Uint32(b[13:])
}

// Record is what the write-set root holds of a change made at a height.
func (c *Change) Record(height uint64) proof.WriteRecord {
	vh := proof.ValueHash(height, c.TxIndex, c.Value)
	if c.Delete {
		vh = proof.TombstoneHash(height, c.TxIndex)
	}
	return proof.WriteRecord{KeyHash: proof.StateKeyHash(c.NS, c.Key), ValueHash: vh,
		HasPrevious: c.HasPrevious, PrevHeight: c.PrevHeight, PrevTx: c.PrevTx, TxIndex: c.TxIndex}
}

// Records reads the encoded changes of a height, and returns what its write-set root holds
// of them: Record of each, hashed together.
func Records(height uint64, changes [][]byte) ([]proof.WriteRecord, error) {
	out := make([]proof.WriteRecord, len(changes))
	size := 0
	for _, raw := range changes {
		size += len(raw) + 2*proof.RowHeaderSize
	}
	buf := make([]byte, 0, size) // never moved, since messages lie in it
	msgs := make([][]byte, 0, 2*len(changes))
	for i, raw := range changes {
		c, err := DecodeChange(raw)
		if err != nil {
			return nil, err
		}
		at := len(buf)
		buf = proof.AppendStateKey(buf, c.NS, c.Key)
		mid := len(buf)
		if c.Delete {
			buf = append(buf, proof.TombstoneBytes(height, c.TxIndex)...)
		} else {
			buf = proof.AppendRow(buf, height, c.TxIndex, c.Value)
		}
		msgs = append(msgs, buf[at:mid:mid], buf[mid:len(buf):len(buf)])
		out[i] = proof.WriteRecord{HasPrevious: c.HasPrevious, PrevHeight: c.PrevHeight, PrevTx: c.PrevTx, TxIndex: c.TxIndex}
	}
	for i, h := range crypto.SumEach(msgs) {
		if i%2 == 0 {
			out[i/2].KeyHash = h
		} else {
			out[i/2].ValueHash = h
		}
	}
	return out, nil
}

// Data is everything the store keeps of one block.
type Data struct {
	Height      uint64
	Header      []byte // encoded; empty at genesis
	Content     []byte // encoded
	Txs         [][]byte
	IDs         []crypto.Hash   // per transaction
	Senders     []types.Address // per transaction, if IndexSender
	Contracts   []string        // per transaction, if IndexContract
	Receipts    [][]byte        // encoded
	Events      []types.Event
	EventBytes  [][]byte // encoded
	Changes     [][]byte // encoded, ascending by (NS, Key)
	Certificate *types.FinalityCertificate
	LastCommit  []byte // CometBFT's commit that the block before carries; from height 2 on
	Restart     []byte // the encoded act that the block opens with; empty for most
	Indexes     Indexes

	Lists [len(listed)]*proof.ListTree // over SM3 of Txs, Receipts and EventBytes, see Hash
}

// Hash makes the trees of the lists.
func (d *Data) Hash() {
	for k, items := range [...][][]byte{d.Txs, d.Receipts, d.EventBytes} {
		d.Lists[k] = proof.NewListTree(crypto.SumEach(items))
	}
}

// Rows returns the block as rows, the tip row among them.
func (d *Data) Rows() []Pair {
	h := u64(d.Height)
	out := make([]Pair, 0, 16+2*len(d.Txs))
	hk := key(d.Height, KindHeader, h)
	head := binary.BigEndian.AppendUint16(nil, uint16(len(d.Header)))
	out = append(out, Pair{hk, state.Seal(hk, append(append(head, d.Header...), d.Content...))})
	out = d.sectionRows(out)
	if len(d.Header) > 0 {
		out = append(out, hashRow(d.Height, crypto.Sum(d.Header)))
	}
	if d.Certificate != nil {
		out = append(out, certificateRow(d.Certificate))
	}
	if len(d.Restart) > 0 {
		k := key(d.Height, KindRestart, h)
		out = append(out, Pair{k, state.Seal(k, d.Restart)})
	}
	if d.Height > 1 {
		k := key(d.Height-1, KindCommit, u64(d.Height-1))
		out = append(out, Pair{k, state.Seal(k, d.LastCommit)})
	}
	out = d.indexRows(out)
	return append(out, Pair{tipKey, state.Seal(tipKey, u64(d.Height))})
}

// sectionRows appends the contents of the block in sections, and their directory.
func (d *Data) sectionRows(out []Pair) []Pair {
	h := u64(d.Height)
	dir := d.pack(func(number uint32, section []byte) {
		k := key(d.Height, KindSection, h, u32(number))
		out = append(out, Pair{k, state.Seal(k, section)})
	})
	if dir != nil {
		k := key(d.Height, KindDirectory, h)
		out = append(out, Pair{k, state.Seal(k, dir.Encode())})
	}
	return out
}

func hashRow(height uint64, hash crypto.Hash) Pair {
	return Pair{key(height, KindHash, hash[:IDBytes]), Ref{Height: height}.append(nil)}
}

func certificateRow(c *types.FinalityCertificate) Pair {
	k := key(c.Height, KindCertificate, u64(c.Height))
	return Pair{k, state.Seal(k, c.Encode())}
}

// EncodePairs is the form of rows in the redo row: u32 len ‖ key ‖ u32 len ‖ value, repeated.
func EncodePairs(pairs []Pair) []byte {
	n := 0
	for i := range pairs {
		n += 8 + len(pairs[i].Key) + len(pairs[i].Value)
	}
	b := make([]byte, 0, n+4)
	for i := range pairs {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(pairs[i].Key))), pairs[i].Key...)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(pairs[i].Value))), pairs[i].Value...)
	}
	return b
}

// DecodePairs is the reverse of EncodePairs. The pairs alias the input.
func DecodePairs(b []byte) ([]Pair, error) {
	var out []Pair
	take := func() ([]byte, bool) {
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, false
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		v := b[4:n:n]
		b = b[n:]
		return v, true
	}
	for len(b) > 0 {
		k, ok1 := take()
		v, ok2 := take()
		if !ok1 || !ok2 {
			return nil, state.Corrupt("malformed redo row")
		}
		out = append(out, Pair{k, v})
	}
	return out, nil
}
