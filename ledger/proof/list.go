package proof

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
)

const (
	tagLeaf  = 0x00
	tagInner = 0x01
)

// Inner is the hash of an inner node of any of the trees: SM3(0x01 ‖ left ‖ right).
func Inner(left, right crypto.Hash) crypto.Hash {
	var m [1 + 2*crypto.HashSize]byte
	m[0] = tagInner
	copy(m[1:], left[:])
	copy(m[33:], right[:])
	return crypto.Sum(m[:])
}

func listLeaf(item crypto.Hash) crypto.Hash {
	var m [1 + crypto.HashSize]byte
	m[0] = tagLeaf
	copy(m[1:], item[:])
	return crypto.Sum(m[:])
}

// ListRoot is the Merkle root of a list in the shape of RFC 6962 over SM3: leaves
// SM3(0x00 ‖ item), inner nodes SM3(0x01 ‖ left ‖ right). The empty list has the zero Hash.
func ListRoot(items []crypto.Hash) crypto.Hash {
	if len(items) == 0 {
		return crypto.Hash{}
	}
	level := make([]crypto.Hash, len(items))
	crypto.SumItems(level, tagLeaf, items)
	return foldList(level)
}

// foldList reduces hashed leaves pairwise in place; an odd last node moves up unchanged,
// which gives the RFC 6962 split at the largest power of two.
func foldList(level []crypto.Hash) crypto.Hash {
	for len(level) > 1 {
		n := len(level) / 2
		crypto.SumPairs(level[:n], tagInner, level[:2*n])
		if len(level)%2 == 1 {
			level[n] = level[len(level)-1]
			n++
		}
		level = level[:n]
	}
	return level[0]
}

// MaxListCount bounds the length of a list a proof may speak of.
const MaxListCount = 1 << 32

// ListProof shows that an item stands at Index of a list of Count items.
type ListProof struct {
	Index, Count uint64
	Siblings     []crypto.Hash // from the leaf up
}

// ProveList makes the proof of items[index].
func ProveList(items []crypto.Hash, index int) (*ListProof, error) {
	if index < 0 || index >= len(items) {
		return nil, fmt.Errorf("prove list item %d of %d", index, len(items))
	}
	p := &ListProof{Index: uint64(index), Count: uint64(len(items))}
	level := make([]crypto.Hash, len(items))
	for i := range items {
		level[i] = listLeaf(items[i])
	}
	for at := index; len(level) > 1; at /= 2 {
		if sib := at ^ 1; sib < len(level) {
			p.Siblings = append(p.Siblings, level[sib])
		}
		n := 0
		for i := 0; i < len(level); i += 2 {
			if i+1 < len(level) {
				level[n] = Inner(level[i], level[i+1])
			} else {
				level[n] = level[i]
			}
			n++
		}
		level = level[:n]
	}
	return p, nil
}

// Root computes the list root that the proof claims for item at Index. The caller MUST
// compare it, and Count, with values it trusts: the root alone does not bind Count.
func (p *ListProof) Root(item crypto.Hash) (crypto.Hash, error) {
	if p.Index >= p.Count || p.Count > MaxListCount {
		return crypto.Hash{}, fmt.Errorf("list proof: index %d of %d items", p.Index, p.Count)
	}
	if want := listSiblings(p.Index, p.Count); len(p.Siblings) != want {
		return crypto.Hash{}, fmt.Errorf("list proof: %d siblings, want %d", len(p.Siblings), want)
	}
	h, used := listLeaf(item), 0
	for at, n := p.Index, p.Count; n > 1; at, n = at/2, (n+1)/2 {
		switch {
		case at&1 == 1:
			h = Inner(p.Siblings[used], h)
			used++
		case at+1 < n:
			h = Inner(h, p.Siblings[used])
			used++
		}
	}
	return h, nil
}

// Verify checks that item stands at Index of the list of count items under root.
func (p *ListProof) Verify(root crypto.Hash, count uint64, item crypto.Hash) error {
	if p.Count != count {
		return fmt.Errorf("list proof: of %d items, want %d", p.Count, count)
	}
	got, err := p.Root(item)
	if err != nil {
		return err
	}
	if got != root {
		return errors.New("list proof: root differs")
	}
	return nil
}

// listSiblings is the number of siblings on the path of leaf index among count leaves.
func listSiblings(index, count uint64) int {
	n := 0
	for at, c := index, count; c > 1; at, c = at/2, (c+1)/2 {
		if at&1 == 1 || at+1 < c {
			n++
		}
	}
	return n
}
