package archive

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// Peaks is a Merkle mountain range over the record hashes of a chain: the roots of the
// perfect subtrees that the list of records falls into, the largest first. It grows by one
// record at O(1) hashes on average and holds at most 64 hashes.
type Peaks struct {
	Count uint64
	nodes []crypto.Hash // one per set bit of Count, the highest bit first
}

// Append adds the hash of the next record; p is left as it is. Where the record completes
// a segment, closed is true and segment the root of that segment.
func (p *Peaks) Append(record crypto.Hash) (next Peaks, segment crypto.Hash, closed bool) {
	node := proof.ListRoot([]crypto.Hash{record})
	kept, level := len(p.nodes), 0
	for n := p.Count; n&1 == 1; n >>= 1 {
		kept--
		node = proof.Inner(p.nodes[kept], node)
		if level++; level == segmentLevel {
			segment, closed = node, true
		}
	}
	nodes := append(make([]crypto.Hash, 0, kept+1), p.nodes[:kept]...)
	return Peaks{Count: p.Count + 1, nodes: append(nodes, node)}, segment, closed
}

// Root is the list root (package proof) over all record hashes; zero while there is none.
func (p *Peaks) Root() crypto.Hash {
	if len(p.nodes) == 0 {
		return crypto.Hash{}
	}
	root := p.nodes[len(p.nodes)-1]
	for i := len(p.nodes) - 2; i >= 0; i-- {
		root = proof.Inner(p.nodes[i], root)
	}
	return root
}

// Encode returns u64 count ‖ the peaks, the largest first.
func (p *Peaks) Encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(p.nodes)*crypto.HashSize), p.Count)
	for i := range p.nodes {
		b = append(b, p.nodes[i][:]...)
	}
	return b
}

// DecodePeaks reads what Encode wrote and nothing else.
func DecodePeaks(b []byte) (Peaks, error) {
	if len(b) < 8 {
		return Peaks{}, errors.New("peaks are cut")
	}
	p := Peaks{Count: binary.BigEndian.Uint64(b)}
	b = b[8:]
	if len(b) != bits.OnesCount64(p.Count)*crypto.HashSize {
		return Peaks{}, errors.New("peaks do not fit their count")
	}
	for ; len(b) > 0; b = b[crypto.HashSize:] {
		p.nodes = append(p.nodes, crypto.Hash(b))
	}
	return p, nil
}
