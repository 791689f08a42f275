package proof

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
)

// Kinds of state rows. The first byte of a row's stored bytes, and of what is hashed.
const (
	RowValue     = 0x02 // RowValue ‖ u64 height ‖ u32 txIndex ‖ value
	RowTombstone = 0x03 // RowTombstone ‖ u64 height ‖ u32 txIndex

	// RowHeaderSize is the number of bytes in front of a row's value.
	RowHeaderSize = 1 + 8 + 4
	// MaxNamespaceBytes bounds a namespace.
	MaxNamespaceBytes = 255
	// MaxDepth is the greatest number of siblings on a path of the state tree.
	MaxDepth = 256
)

// StateKeyHash is where a key stands in the state tree: SM3(u8 len(ns) ‖ ns ‖ key).
// ns is at most MaxNamespaceBytes long.
func StateKeyHash(ns string, key []byte) crypto.Hash {
	return crypto.Sum(AppendStateKey(make([]byte, 0, 1+len(ns)+len(key)), ns, key))
}

// AppendStateKey appends the bytes whose SM3 is StateKeyHash.
func AppendStateKey(b []byte, ns string, key []byte) []byte {
	return append(append(append(b, byte(len(ns))), ns...), key...)
}

// RowBytes returns the bytes of a row that holds value, whose SM3 is the row's value hash.
func RowBytes(height uint64, txIndex uint32, value []byte) []byte {
	return AppendRow(make([]byte, 0, RowHeaderSize+len(value)), height, txIndex, value)
}

// AppendRow appends the bytes of a row that holds value.
func AppendRow(b []byte, height uint64, txIndex uint32, value []byte) []byte {
	return append(appendRowHeader(b, RowValue, height, txIndex), value...)
}

// TombstoneBytes returns the bytes of the row of a deleted key.
func TombstoneBytes(height uint64, txIndex uint32) []byte {
	return AppendTombstone(make([]byte, 0, RowHeaderSize), height, txIndex)
}

// AppendTombstone appends the bytes of the row of a deleted key.
func AppendTombstone(b []byte, height uint64, txIndex uint32) []byte {
	return appendRowHeader(b, RowTombstone, height, txIndex)
}

func appendRowHeader(b []byte, kind byte, height uint64, txIndex uint32) []byte {
	b = binary.BigEndian.AppendUint64(append(b, kind), height)
	return binary.BigEndian.AppendUint32(b, txIndex)
}

// ValueHash is the value hash of a row that holds value, written by transaction txIndex
// of the block at height (0, 0 for rows of the genesis state).
func ValueHash(height uint64, txIndex uint32, value []byte) crypto.Hash {
	return crypto.Sum(RowBytes(height, txIndex, value))
}

// TombstoneHash is the value hash of a key deleted by transaction txIndex of the block at height.
func TombstoneHash(height uint64, txIndex uint32) crypto.Hash {
	return crypto.Sum(TombstoneBytes(height, txIndex))
}

// StateLeaf is the hash of a leaf of the state tree: SM3(0x00 ‖ kh ‖ vh).
func StateLeaf(keyHash, valueHash crypto.Hash) crypto.Hash {
	var m [1 + 2*crypto.HashSize]byte
	m[0] = tagLeaf
	copy(m[1:], keyHash[:])
	copy(m[33:], valueHash[:])
	return crypto.Sum(m[:])
}

// Bit returns bit i of h, most significant first.
func Bit(h *crypto.Hash, i int) byte { return h[i>>3] >> (7 - i&7) & 1 }

// samePrefix reports whether a and b agree in their first n bits.
func samePrefix(a, b *crypto.Hash, n int) bool {
	for i := range n {
		if Bit(a, i) != Bit(b, i) {
			return false
		}
	}
	return true
}

// Terminal says what a path of the state tree ends in.
type Terminal uint8

// What a path may end in.
const (
	EndsEmpty     Terminal = iota // an empty subtree: the key is absent
	EndsValue                     // the key's own leaf, which holds a value
	EndsTombstone                 // the key's own leaf: it was deleted
	EndsForeign                   // another key's leaf, alone in the subtree: the key is absent
)

// StateProof shows what the state tree holds for one key: a value, a tombstone, or nothing.
type StateProof struct {
	Siblings []crypto.Hash // from the root down; the zero Hash for an empty sibling
	Ends     Terminal
	Height   uint64 // EndsValue, EndsTombstone: the block that wrote the row
	TxIndex  uint32 // and the transaction in it
	Value    []byte // EndsValue
	// EndsForeign: the other leaf, given by both hashes so that the verifier rebuilds it
	// and sees that it is another key on the same path.
	ForeignKey, ForeignValue crypto.Hash
}

// StateResult is what a verified StateProof says.
type StateResult struct {
	Found   bool   // the key holds Value
	Deleted bool   // the key was deleted at Height, TxIndex
	Value   []byte // aliases the proof
	Height  uint64
	TxIndex uint32
}

// Verify checks the proof for a key against a state root the caller trusts.
func (p *StateProof) Verify(root crypto.Hash, ns string, key []byte) (StateResult, error) {
	if len(ns) > MaxNamespaceBytes {
		return StateResult{}, errors.New("state proof: namespace too long")
	}
	got, err := p.Root(StateKeyHash(ns, key))
	if err != nil {
		return StateResult{}, err
	}
	if got != root {
		return StateResult{}, errors.New("state proof: root differs")
	}
	return p.Result(), nil
}

// Result is what the proof claims, verified or not.
func (p *StateProof) Result() StateResult {
	switch p.Ends {
	case EndsValue:
		return StateResult{Found: true, Value: p.Value, Height: p.Height, TxIndex: p.TxIndex}
	case EndsTombstone:
		return StateResult{Deleted: true, Height: p.Height, TxIndex: p.TxIndex}
	}
	return StateResult{}
}

// Root computes the state root that the proof claims for a key hash.
func (p *StateProof) Root(kh crypto.Hash) (crypto.Hash, error) {
	depth := len(p.Siblings)
	if depth > MaxDepth {
		return crypto.Hash{}, fmt.Errorf("state proof: %d siblings", depth)
	}
	var h crypto.Hash
	switch p.Ends {
	case EndsEmpty:
	case EndsValue:
		h = StateLeaf(kh, ValueHash(p.Height, p.TxIndex, p.Value))
	case EndsTombstone:
		h = StateLeaf(kh, TombstoneHash(p.Height, p.TxIndex))
	case EndsForeign:
		if p.ForeignKey == kh || !samePrefix(&p.ForeignKey, &kh, depth) {
			return crypto.Hash{}, errors.New("state proof: foreign leaf is not on the key's path")
		}
		h = StateLeaf(p.ForeignKey, p.ForeignValue)
	default:
		return crypto.Hash{}, errors.New("state proof: unknown ending")
	}
	for i := depth - 1; i >= 0; i-- {
		if Bit(&kh, i) == 0 {
			h = Inner(h, p.Siblings[i])
		} else {
			h = Inner(p.Siblings[i], h)
		}
	}
	return h, nil
}

// WriteRecord is one entry of a block's write set: who wrote what when, and where the
// previous writing of the same key is found.
type WriteRecord struct {
	KeyHash, ValueHash crypto.Hash
	HasPrevious        bool
	PrevHeight         uint64 // where the key was written before, if HasPrevious
	PrevTx             uint32
	TxIndex            uint32
}

// WriteRecordSize is the number of bytes of an encoded WriteRecord.
const WriteRecordSize = 2*crypto.HashSize + 1 + 8 + 4 + 4

// Hash is the item under the write-set root: SM3(kh ‖ vh ‖ u8 hasPrevious ‖
// u64 prevHeight ‖ u32 prevTx ‖ u32 txIndex).
func (w *WriteRecord) Hash() crypto.Hash {
	return crypto.Sum(w.append(make([]byte, 0, WriteRecordSize)))
}

func (w *WriteRecord) append(b []byte) []byte {
	b = append(append(b, w.KeyHash[:]...), w.ValueHash[:]...)
	previous := byte(0)
	if w.HasPrevious {
		previous = 1
	}
	b = binary.BigEndian.AppendUint64(append(b, previous), w.PrevHeight)
	b = binary.BigEndian.AppendUint32(b, w.PrevTx)
	return binary.BigEndian.AppendUint32(b, w.TxIndex)
}

// HashRecords hashes all records of a write set at once.
func HashRecords(records []WriteRecord) []crypto.Hash {
	msgs := make([]byte, 0, len(records)*WriteRecordSize)
	for i := range records {
		msgs = records[i].append(msgs)
	}
	out := make([]crypto.Hash, len(records))
	crypto.SumMany(out, msgs, WriteRecordSize)
	return out
}
