package fsck

import (
	"bytes"
	"encoding/binary"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// recordChecker recomputes the mountain range of records while the walk goes up. It holds
// the roots of all perfect subtrees by their size, straight from the definition.
type recordChecker struct {
	known bool          // trees is the range over the records up to next-1
	next  uint64        // height of the next record
	trees []crypto.Hash // by bit of next-1, the lowest first
	// closed is the root of the segment that was completed last.
	closed crypto.Hash
}

// record checks what the header of a height says of the records below it, and appends its
// own. A ledger that does not begin at genesis begins where it keeps peaks.
func (c *checker) record(st *block.Store, h uint64, header *types.Header) error {
	r := &c.records
	if h == 0 {
		*r = recordChecker{known: true, next: 1}
		return nil
	}
	if c.released(h) { // its commit is in the archive
		r.known = false
		return nil
	}
	if !r.known || r.next != h {
		if !r.take(c.peaks[h], h) {
			return nil
		}
	}
	if root := r.root(); root != header.Archive {
		return c.found(at(h), "the records below it have the root %s, the header says %s", root, header.Archive)
	}
	if h > 2 && h-2 < c.base { // what it carries was pruned
		r.known = false
		return nil
	}
	if h+1024 > c.tip.height && !bytes.Equal(c.peaks[h], r.row(st, h)) {
		if err := c.found(at(h), "the row of peaks is missing or says something else"); err != nil {
			return err
		}
	}
	if h == c.tip.height {
		return nil // its record is complete with the next block
	}
	commit, err := st.Commit(h)
	if err != nil {
		r.known = false
		return c.found(at(h), "commit: %v", err)
	}
	r.add(archive.RecordHash(header.Hash(), crypto.Sum(commit), carried(st, h)))
	if n := (r.next - 1) / archive.SegmentBlocks; (r.next-1)%archive.SegmentBlocks == 0 {
		if got, ok := c.segments[n-1]; !ok || got != r.closed {
			return c.found(at(h), "the root of segment %d is missing or another", n-1)
		}
	}
	return nil
}

// carried is the hash of the certificate or act that a block carries.
func carried(st *block.Store, h uint64) crypto.Hash {
	b, err := st.Carried(h)
	if err != nil {
		return crypto.Sum()
	}
	return crypto.Sum(b)
}

// row is what the row of peaks of a height, the next one, must hold.
func (r *recordChecker) row(st *block.Store, height uint64) []byte {
	hash := carried(st, height)
	b := binary.BigEndian.AppendUint64(hash[:], height-1)
	for bit := len(r.trees) - 1; bit >= 0; bit-- {
		if (height-1)>>bit&1 == 1 {
			b = append(b, r.trees[bit][:]...)
		}
	}
	return b
}

// take begins with a row of peaks over the records below a height.
func (r *recordChecker) take(body []byte, height uint64) bool {
	if len(body) < 40 || binary.BigEndian.Uint64(body[32:]) != height-1 {
		return false
	}
	r.known, r.next, r.trees = true, height, nil
	body = body[40:]
	for bit := 63; bit >= 0; bit-- {
		if (height-1)>>bit&1 == 0 {
			continue
		}
		if len(body) < crypto.HashSize {
			return false
		}
		r.set(bit, crypto.Hash(body))
		body = body[crypto.HashSize:]
	}
	return len(body) == 0
}

func (r *recordChecker) set(bit int, h crypto.Hash) {
	for len(r.trees) <= bit {
		r.trees = append(r.trees, crypto.Hash{})
	}
	r.trees[bit] = h
}

func (r *recordChecker) add(record crypto.Hash) {
	node, bit := proof.ListRoot([]crypto.Hash{record}), 0
	for ; (r.next-1)>>bit&1 == 1; bit++ {
		node = proof.Inner(r.trees[bit], node)
		if 2<<bit == archive.SegmentBlocks {
			r.closed = node
		}
	}
	r.set(bit, node)
	r.next++
}

func (r *recordChecker) root() crypto.Hash {
	var root crypto.Hash
	for bit := range r.trees {
		switch {
		case (r.next-1)>>bit&1 == 0:
		case root.IsZero():
			root = r.trees[bit]
		default:
			root = proof.Inner(r.trees[bit], root)
		}
	}
	return root
}
