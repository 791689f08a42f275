package proof

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
)

// Positions of the leaves under the content root.
const (
	LeafState    = 0 // state root
	LeafWrites   = 1 // write-set root ‖ u64 count
	LeafTxs      = 2 // transaction root ‖ u64 count
	LeafReceipts = 3 // receipt root ‖ u64 count (that of the transactions)
	LeafEvents   = 4 // event root ‖ u64 count
	LeafConfig   = 5 // config hash ‖ u32 protocol version
	leafReserved = 6 // 6 and 7: 32 zero bytes

	contentLeaves = 8
	// ContentDepth is the number of siblings between a content leaf and the root.
	ContentDepth = 3
	// ContentSize is the size of an encoded Content in bytes.
	ContentSize = 6*crypto.HashSize + 3*8 + 4
)

// Content is what a block did: the leaves under the content root, which is CometBFT's
// AppHash. It holds neither height nor time, so that it settles once a chain is idle.
type Content struct {
	State      crypto.Hash // root of the state tree after the block
	WriteSet   crypto.Hash // ListRoot over WriteRecord hashes; zero at genesis
	WriteCount uint64
	Txs        crypto.Hash // ListRoot over SM3 of the complete transactions
	TxCount    uint64
	Receipts   crypto.Hash // ListRoot over SM3 of the encoded receipts, one per transaction
	Events     crypto.Hash // ListRoot over SM3 of the encoded events
	EventCount uint64
	Config     crypto.Hash // hash of the chain's configuration
	Protocol   uint32      // protocol version
}

// Encode returns ContentSize bytes: the fields in order, big-endian.
func (c *Content) Encode() []byte {
	b := make([]byte, 0, ContentSize)
	b = append(b, c.State[:]...)
	b = binary.BigEndian.AppendUint64(append(b, c.WriteSet[:]...), c.WriteCount)
	b = binary.BigEndian.AppendUint64(append(b, c.Txs[:]...), c.TxCount)
	b = append(b, c.Receipts[:]...)
	b = binary.BigEndian.AppendUint64(append(b, c.Events[:]...), c.EventCount)
	return binary.BigEndian.AppendUint32(append(b, c.Config[:]...), c.Protocol)
}

// DecodeContent reads exactly ContentSize bytes.
func DecodeContent(b []byte) (Content, error) {
	if len(b) != ContentSize {
		return Content{}, fmt.Errorf("content of %d bytes, want %d", len(b), ContentSize)
	}
	var c Content
	u64 := binary.BigEndian.Uint64
	copy(c.State[:], b)
	copy(c.WriteSet[:], b[32:])
	c.WriteCount = u64(b[64:])
	copy(c.Txs[:], b[72:])
	c.TxCount = u64(b[104:])
	copy(c.Receipts[:], b[112:])
	copy(c.Events[:], b[144:])
	c.EventCount = u64(b[176:])
	copy(c.Config[:], b[184:])
	c.Protocol = binary.BigEndian.Uint32(b[216:])
	return c, nil
}

// rootLeaf is the leaf of a position that holds a bare root.
func rootLeaf(position byte, root crypto.Hash) crypto.Hash {
	return crypto.Sum([]byte{tagLeaf, position}, root[:])
}

// countedLeaf is the leaf of a position that holds a list root and the list's length.
func countedLeaf(position byte, root crypto.Hash, count uint64) crypto.Hash {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], count)
	return crypto.Sum([]byte{tagLeaf, position}, root[:], n[:])
}

func (c *Content) leaves() [contentLeaves]crypto.Hash {
	var v [4]byte
	binary.BigEndian.PutUint32(v[:], c.Protocol)
	return [contentLeaves]crypto.Hash{
		rootLeaf(LeafState, c.State),
		countedLeaf(LeafWrites, c.WriteSet, c.WriteCount),
		countedLeaf(LeafTxs, c.Txs, c.TxCount),
		countedLeaf(LeafReceipts, c.Receipts, c.TxCount),
		countedLeaf(LeafEvents, c.Events, c.EventCount),
		crypto.Sum([]byte{tagLeaf, LeafConfig}, c.Config[:], v[:]),
		rootLeaf(leafReserved, crypto.Hash{}),
		rootLeaf(leafReserved+1, crypto.Hash{}),
	}
}

// Root is the content root: a Merkle tree of three levels over the eight leaves.
func (c *Content) Root() crypto.Hash {
	l := c.leaves()
	return Inner(
		Inner(Inner(l[0], l[1]), Inner(l[2], l[3])),
		Inner(Inner(l[4], l[5]), Inner(l[6], l[7])))
}

// ContentPath leads from one leaf to the content root: its siblings from the leaf up.
type ContentPath [ContentDepth]crypto.Hash

// Prove returns the path of the leaf at a position (LeafState … LeafConfig).
func (c *Content) Prove(position int) (ContentPath, error) {
	var p ContentPath
	if position < 0 || position >= contentLeaves {
		return p, errors.New("content has eight leaves")
	}
	all := c.leaves()
	level := all[:]
	for i := range p {
		p[i] = level[position^1]
		next := make([]crypto.Hash, len(level)/2)
		for j := range next {
			next[j] = Inner(level[2*j], level[2*j+1])
		}
		level, position = next, position/2
	}
	return p, nil
}

// root folds a leaf at a position up to the content root.
func (p *ContentPath) root(position int, leaf crypto.Hash) crypto.Hash {
	for _, sib := range p {
		if position&1 == 0 {
			leaf = Inner(leaf, sib)
		} else {
			leaf = Inner(sib, leaf)
		}
		position /= 2
	}
	return leaf
}
