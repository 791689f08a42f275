package snapshot

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// A state chunk is a list of rows, ascending by key hash:
//
//	u16 len ‖ key ‖ u32 len ‖ value
//
// with key and value of a state row as package state lays them out, the key without its
// first byte: what stands under the key hash.

// maxRowKey is the greatest length of a key in a chunk.
const maxRowKey = 1 + proof.MaxNamespaceBytes + types.MaxKeyBytes

func appendRow(b, key, value []byte) []byte {
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(key))), key...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

func rowSize(key, value []byte) int { return 2 + len(key) + 4 + len(value) }

// decodeRows reads a state chunk, hashes its rows, and checks that they ascend.
func decodeRows(chunk []byte) ([]ledger.ImportRow, error) {
	r := reader{rest: chunk}
	var rows []ledger.ImportRow
	var keys, values [][]byte
	for len(r.rest) > 0 {
		key := r.take(int(r.u16()))
		value := r.take(int(r.u32()))
		if r.short || len(key) == 0 || len(key) > maxRowKey || len(value) > proof.RowHeaderSize+types.MaxValueBytes {
			return nil, invalid("state chunk: malformed")
		}
		if _, err := state.DecodeRow(value); err != nil {
			return nil, invalid("state chunk: %w", err)
		}
		rowKey := append(make([]byte, 0, 1+len(key)), state.PrefixRow)
		rowKey = append(rowKey, key...)
		if _, _, err := state.SplitRowKey(rowKey); err != nil {
			return nil, invalid("state chunk: %w", err)
		}
		rows = append(rows, ledger.ImportRow{RowKey: rowKey, Row: value})
		keys, values = append(keys, key), append(values, value)
	}
	khs, vhs := crypto.SumEach(keys), crypto.SumEach(values)
	for i := range rows {
		rows[i].KH, rows[i].VH = khs[i], vhs[i]
		if i > 0 && bytes.Compare(rows[i-1].KH[:], rows[i].KH[:]) >= 0 {
			return nil, invalid("state chunk: rows do not ascend")
		}
	}
	return rows, nil
}

// leafOf is a leaf with its hash.
type leafOf struct{ kh, vh, hash crypto.Hash }

// hashLeaves makes the leaves of rows.
func hashLeaves(khs, vhs []crypto.Hash) []leafOf {
	pairs := make([]crypto.Hash, 0, 2*len(khs))
	for i := range khs {
		pairs = append(pairs, khs[i], vhs[i])
	}
	out := make([]crypto.Hash, len(khs))
	crypto.SumPairs(out, 0, pairs)
	leaves := make([]leafOf, len(khs))
	for i := range leaves {
		leaves[i] = leafOf{khs[i], vhs[i], out[i]}
	}
	return leaves
}

// subtreeOf is the subtree at a depth over all leaves that share so many bits.
func subtreeOf(leaves []leafOf, depth int) Subtree {
	s := Subtree{Depth: uint8(depth)}
	switch len(leaves) {
	case 0:
	case 1:
		s.Kind, s.A, s.B = kindLeaf, leaves[0].kh, leaves[0].vh
	default:
		mid := halves(leaves, depth)
		s.Kind = kindInner
		s.A, _ = rootOf(leaves[:mid], depth+1)
		s.B, _ = rootOf(leaves[mid:], depth+1)
	}
	return s
}

// rootOf is the root of the subtree over sorted leaves that share their first level bits,
// straight from the tree's definition.
func rootOf(leaves []leafOf, level int) (crypto.Hash, uint8) {
	switch len(leaves) {
	case 0:
		return crypto.Hash{}, kindEmpty
	case 1:
		return leaves[0].hash, kindLeaf
	}
	mid := halves(leaves, level)
	left, lk := rootOf(leaves[:mid], level+1)
	right, rk := rootOf(leaves[mid:], level+1)
	return join(left, lk, right, rk)
}

// halves is where the leaves with a set bit at level begin.
func halves(leaves []leafOf, level int) int {
	i, _ := slices.BinarySearchFunc(leaves, byte(1), func(l leafOf, b byte) int { return int(proof.Bit(&l.kh, level)) - int(b) })
	return i
}

// checkState verifies a state chunk against its subtree, whose keys begin with prefix.
func checkState(s *Subtree, prefix *crypto.Hash, chunk []byte) ([]ledger.ImportRow, error) {
	rows, err := decodeRows(chunk)
	if err != nil {
		return nil, err
	}
	khs, vhs := make([]crypto.Hash, len(rows)), make([]crypto.Hash, len(rows))
	for i := range rows {
		if !shares(&rows[i].KH, prefix, int(s.Depth)) {
			return nil, invalid("state chunk: a row of another subtree")
		}
		khs[i], vhs[i] = rows[i].KH, rows[i].VH
	}
	if subtreeOf(hashLeaves(khs, vhs), int(s.Depth)) != *s {
		return nil, invalid("state chunk: the rows do not have the root of their subtree")
	}
	return rows, nil
}
