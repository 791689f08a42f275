package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// MultiList is several transactions, receipts or events of the block.
type MultiList struct {
	Position byte // LeafTxs, LeafReceipts or LeafEvents
	Count    uint64
	Items    []ListItem    // ascending by Index
	Siblings []crypto.Hash // level by level from the leaves up, left to right
}

// ListItem is an item with its place.
type ListItem struct {
	Index uint64
	Bytes []byte // complete transaction, encoded receipt or encoded event
}

// ProveItems makes the proof of several items of a list from the hashes of all; indexes
// ascend. Bytes are for the caller to fill in.
func ProveItems(position byte, items []crypto.Hash, indexes []uint64) (*MultiList, error) {
	m := &MultiList{Position: position, Count: uint64(len(items))}
	for _, i := range indexes {
		m.Items = append(m.Items, ListItem{Index: i})
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	level := make([]crypto.Hash, len(items))
	crypto.SumItems(level, tagLeaf, items)
	known := slices.Clone(indexes)
	for len(level) > 1 {
		var up []uint64
		for i := 0; i < len(known); i++ {
			at := known[i]
			switch sib := at ^ 1; {
			case i+1 < len(known) && known[i+1] == sib:
				i++
			case sib < uint64(len(level)):
				m.Siblings = append(m.Siblings, level[sib])
			}
			up = append(up, at/2)
		}
		known = up
		n := len(level) / 2
		odd := len(level)%2 == 1
		last := level[len(level)-1]
		crypto.SumPairs(level[:n], tagInner, level[:2*n])
		if odd {
			level[n] = last
			n++
		}
		level = level[:n]
	}
	return m, nil
}

func (m *MultiList) check() error {
	if m.Position != LeafTxs && m.Position != LeafReceipts && m.Position != LeafEvents {
		return fmt.Errorf("multi-proof of list %d", m.Position)
	}
	if len(m.Items) == 0 || len(m.Items) > MaxMulti || m.Count > MaxListCount {
		return fmt.Errorf("multi-proof of %d items of %d", len(m.Items), m.Count)
	}
	for i := range m.Items {
		if m.Items[i].Index >= m.Count || i > 0 && m.Items[i].Index <= m.Items[i-1].Index {
			return errors.New("multi-proof: indexes do not ascend within the list")
		}
	}
	return nil
}

// Root computes the list root that the proof claims. The root alone does not bind Count:
// the caller MUST compare both.
func (m *MultiList) Root() (crypto.Hash, error) {
	if err := m.check(); err != nil {
		return crypto.Hash{}, err
	}
	type node struct {
		at   uint64
		hash crypto.Hash
	}
	level := make([]node, len(m.Items))
	for i := range m.Items {
		level[i] = node{m.Items[i].Index, listLeaf(crypto.Sum(m.Items[i].Bytes))}
	}
	sibs := m.Siblings
	for n := m.Count; n > 1; n = (n + 1) / 2 {
		var up []node
		for i := 0; i < len(level); i++ {
			at, h := level[i].at, level[i].hash
			switch sib := at ^ 1; {
			case i+1 < len(level) && level[i+1].at == sib:
				h = Inner(h, level[i+1].hash)
				i++
			case sib < n && len(sibs) == 0:
				return crypto.Hash{}, errors.New("multi-proof: a sibling is missing")
			case sib < at:
				h, sibs = Inner(sibs[0], h), sibs[1:]
			case sib < n:
				h, sibs = Inner(h, sibs[0]), sibs[1:]
			}
			up = append(up, node{at / 2, h})
		}
		level = up
	}
	if len(sibs) > 0 {
		return crypto.Hash{}, errors.New("multi-proof: siblings are left over")
	}
	return level[0].hash, nil
}

func (m *MultiList) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(append(b, m.Position), m.Count)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Items)))
	for i := range m.Items {
		b = binary.BigEndian.AppendUint64(b, m.Items[i].Index)
		b = appendBlob(b, m.Items[i].Bytes)
	}
	for i := range m.Siblings {
		b = append(b, m.Siblings[i][:]...)
	}
	return b
}

func (d *decoder) multiList() *MultiList {
	m := &MultiList{Position: d.u8(), Count: d.number(8)}
	n := d.number(4)
	if n > MaxMulti {
		d.fail(fmt.Errorf("multi-proof of %d items", n))
		return m
	}
	for range n {
		m.Items = append(m.Items, ListItem{Index: d.number(8), Bytes: d.blob(types.MaxTxBytes)})
	}
	for d.err == nil && len(d.rest) > 0 {
		m.Siblings = append(m.Siblings, d.hash())
	}
	if d.err == nil {
		if err := m.check(); err != nil {
			d.fail(err)
		}
	}
	return m
}

// Encode returns the canonical bytes of the proof; docs/proofs.md fixes them.
func (p *MultiProof) Encode() ([]byte, error) {
	b := append(make([]byte, 0, 4096), multiMagic...)
	kind := byte(kindState)
	if p.List != nil {
		kind = kindTx
	}
	b = append(b, kind)
	b = appendBlob(b, p.Header.Encode())
	b = appendBlob(b, p.Certificate.Encode())
	b = appendBlob(b, p.Signers.Encode())
	for i := range p.Path {
		b = append(b, p.Path[i][:]...)
	}
	switch {
	case (p.State != nil) == (p.List != nil):
		return nil, errors.New("encode multi-proof: it is of keys or of a list")
	case p.State != nil:
		b = p.State.append(b)
	default:
		b = p.List.append(b)
	}
	seal := crypto.Sum(b)
	b = append(b, seal[:sealSize]...)
	if len(b) > MaxMultiBytes {
		return nil, fmt.Errorf("encode multi-proof: %d bytes, at most %d", len(b), MaxMultiBytes)
	}
	return b, nil
}

// DecodeMulti reads an encoded MultiProof: canonical, bounded, sealed. It does not verify
// anything else. The result aliases in. The error is HC-4201.
func DecodeMulti(in []byte) (*MultiProof, error) {
	p, err := decodeMulti(in)
	if err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "decode multi-proof: %w", err)
	}
	return p, nil
}

func decodeMulti(in []byte) (*MultiProof, error) {
	d, kind, err := unseal(in, multiMagic, MaxMultiBytes)
	if err != nil {
		return nil, err
	}
	var anchor Proof
	d.anchor(&anchor)
	p := &MultiProof{Header: anchor.Header, Certificate: anchor.Certificate, Signers: anchor.Signers, Path: anchor.Path}
	switch kind {
	case kindState:
		p.State = d.multiState()
	case kindTx:
		p.List = d.multiList()
	default:
		return nil, fmt.Errorf("unknown kind %d", kind)
	}
	return p, d.err
}
