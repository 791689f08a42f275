package block

import (
	"encoding/binary"
	"sort"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
)

// A Directory says which section of a block holds an item, and leads from the items of one
// section to the block's roots, so that one transaction is read and checked without the
// others. A block of a single section has none.
type Directory struct {
	sections []entries
	lists    [len(listed)]proof.Runs
}

// listed are the kinds a directory is about: those that are looked up one by one.
var listed = [...]Kind{KindTxs, KindReceipts, KindEvents}

// entries are what a section holds, by kind.
type entries [len(listed)]struct {
	first, count uint64
	nodes        []crypto.Hash // proof.RunNodes
}

// listOf is the place of a kind in listed.
func listOf(k Kind) int {
	for i := range listed {
		if listed[i] == k {
			return i
		}
	}
	return -1
}

// add takes the next section, by the hashes of its items, or by their nodes.
func (d *Directory) add(counts [len(listed)]uint64, nodes [len(listed)][]crypto.Hash) error {
	var e entries
	for k := range listed {
		e[k].first, e[k].count, e[k].nodes = d.lists[k].Count(), counts[k], nodes[k]
		if err := d.lists[k].Add(counts[k], nodes[k]); err != nil {
			return err
		}
	}
	d.sections = append(d.sections, e)
	return nil
}

// MakeDirectory makes the directory of a block out of the hashes of the items of its
// sections, as Parts.Hashes returns them.
func MakeDirectory(sections [][3][]crypto.Hash) (*Directory, error) {
	d := &Directory{}
	for i := range sections {
		var counts [len(listed)]uint64
		var nodes [len(listed)][]crypto.Hash
		for k, hashes := range sections[i] {
			counts[k], nodes[k] = uint64(len(hashes)), proof.RunNodes(d.lists[k].Count(), hashes)
		}
		if err := d.add(counts, nodes); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Encode returns, for each section and kind, uvarint count ‖ nodes.
func (d *Directory) Encode() []byte {
	var b []byte
	for i := range d.sections {
		for _, e := range d.sections[i] {
			b = binary.AppendUvarint(b, e.count)
			for n := range e.nodes {
				b = append(b, e.nodes[n][:]...)
			}
		}
	}
	return b
}

// DecodeDirectory reads what Encode wrote and nothing else. The error is HC-4101.
func DecodeDirectory(b []byte) (*Directory, error) {
	d, bad := &Directory{}, state.Corrupt("malformed directory of sections")
	for len(b) > 0 {
		var counts [len(listed)]uint64
		var nodes [len(listed)][]crypto.Hash
		for k := range listed {
			count, n := binary.Uvarint(b)
			if n <= 0 || n > 1 && b[n-1] == 0 || count > MaxItems || d.lists[k].Count()+count > MaxItems {
				return nil, bad
			}
			b = b[n:]
			size := proof.RunSize(d.lists[k].Count(), count)
			if len(b) < size*crypto.HashSize {
				return nil, bad
			}
			for range size {
				nodes[k] = append(nodes[k], crypto.Hash(b))
				b = b[crypto.HashSize:]
			}
			counts[k] = count
		}
		if d.add(counts, nodes) != nil {
			return nil, bad
		}
	}
	return d, nil
}

// Leads reports whether the directory leads to the roots and counts of a block.
func (d *Directory) Leads(c *proof.Content) bool {
	want := [len(listed)]struct {
		root  crypto.Hash
		count uint64
	}{{c.Txs, c.TxCount}, {c.Receipts, c.TxCount}, {c.Events, c.EventCount}}
	for k := range listed {
		if d.lists[k].Count() != want[k].count || d.lists[k].Root() != want[k].root {
			return false
		}
	}
	return true
}

// Sections is the number of sections.
func (d *Directory) Sections() uint32 { return uint32(len(d.sections)) }

// Find returns the section that holds an item, and the item's place among those of its kind
// there; false if the block has no such item. kind is one of transactions, receipts and events.
func (d *Directory) Find(kind Kind, index uint32) (section uint32, at int, ok bool) {
	k := listOf(kind)
	if uint64(index) >= d.lists[k].Count() {
		return 0, 0, false
	}
	i := sort.Search(len(d.sections), func(i int) bool { return d.sections[i][k].first+d.sections[i][k].count > uint64(index) })
	return uint32(i), int(uint64(index) - d.sections[i][k].first), true
}

// First is the position in the block of the first item of a kind in a section.
func (d *Directory) First(kind Kind, section uint32) uint32 {
	return uint32(d.sections[section][listOf(kind)].first)
}

// Holds reports whether the items of a section, as read, are those the directory speaks of.
func (d *Directory) Holds(section uint32, p *Parts) bool {
	for k, hashes := range p.Hashes() {
		e := &d.sections[section][k]
		if uint64(len(hashes)) != e.count {
			return false
		}
		for i, n := range proof.RunNodes(e.first, hashes) {
			if n != e.nodes[i] {
				return false
			}
		}
	}
	return true
}

// Hashes are SM3 of the transactions, receipts and events.
func (p *Parts) Hashes() (out [3][]crypto.Hash) {
	for k := range listed {
		out[k] = crypto.SumEach(p.Of(listed[k]))
	}
	return out
}

// Directory returns the directory of a block; nil if it has none. The caller checks it
// against the block's content.
func (s *Store) Directory(height uint64) (*Directory, error) {
	k := key(height, KindDirectory, u64(height))
	row, ok, err := s.db.Get(k)
	if err != nil || !ok {
		return nil, state.ReadError(err)
	}
	b, err := state.Unseal(k, row)
	if err != nil {
		return nil, err
	}
	return DecodeDirectory(b)
}

// Section reads one section of a block; HC-4101 if it is missing.
func (s *Store) Section(height uint64, number uint32) (*Parts, error) {
	k := key(height, KindSection, u64(height), u32(number))
	section, ok, err := s.db.Get(k)
	if err != nil {
		return nil, state.ReadError(err)
	}
	if !ok {
		return nil, state.Corrupt("section %d of block %d is missing", number, height)
	}
	p := &Parts{}
	raw, err := expandRow(k, section)
	if err == nil {
		err = unpack(raw, p.add)
	}
	if err != nil {
		return nil, state.Corrupt("section %d of block %d: %w", number, height, err)
	}
	return p, nil
}
