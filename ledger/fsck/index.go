package fsck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/types"
)

// Index rows lie in the order of what they are about, blocks in the order of their heights.
// Both are therefore read once, in order, and summed up; only where the sums differ are the
// entries of those blocks compared one by one, to name what is wrong.

// entry is one entry of an index: that the block at a height has at a position, among its
// transactions or its events, what name says.
type entry struct {
	kind     block.Kind
	height   uint64
	position uint32
	name     []byte
}

// digest stands for an entry.
type digest [16]byte

func (e *entry) digest() digest {
	var head [1 + 8 + 4]byte
	head[0] = byte(e.kind)
	binary.BigEndian.PutUint64(head[1:], e.height)
	binary.BigEndian.PutUint32(head[9:], e.position)
	sum := crypto.Sum(head[:], e.name)
	return digest(sum[:])
}

// groupBits is log2 of the number of blocks whose entries are summed up together.
const groupBits = 6

// entrySums holds sums of entries, which do not depend on their order, by height >> groupBits.
type entrySums map[uint64]entrySum

type entrySum struct{ n, hi, lo uint64 }

func (s entrySums) add(e *entry) {
	d, sum := e.digest(), s[e.height>>groupBits]
	var carry uint64
	sum.lo, carry = bits.Add64(sum.lo, binary.BigEndian.Uint64(d[8:]), 0)
	sum.hi, _ = bits.Add64(sum.hi, binary.BigEndian.Uint64(d[:]), carry)
	sum.n++
	s[e.height>>groupBits] = sum
}

// items is what a block holds, decoded.
type items struct {
	indexes  block.Indexes
	txs      []*types.Tx
	receipts []types.Receipt
	events   []types.Event
	writes   []block.Change
}

func decode(p *block.Parts) (*items, error) {
	if len(p.Txs) != len(p.Receipts) {
		return nil, errors.New("not one receipt for each transaction")
	}
	out := &items{indexes: p.Indexes}
	for i, raw := range p.Txs {
		tx, err := types.DecodeTx(raw)
		if err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
		r, err := types.DecodeReceipt(p.Receipts[i])
		if err != nil {
			return nil, fmt.Errorf("receipt %d: %w", i, err)
		}
		out.txs, out.receipts = append(out.txs, tx), append(out.receipts, r)
	}
	for i, raw := range p.Events {
		e, err := types.DecodeEvent(raw)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		out.events = append(out.events, e)
	}
	for _, raw := range p.Writes {
		w, err := block.DecodeChange(raw)
		if err != nil {
			return nil, err
		}
		out.writes = append(out.writes, w)
	}
	return out, nil
}

// hashEntry is what the index by header hash must hold of a block.
func hashEntry(height uint64, hash crypto.Hash) *entry {
	return &entry{kind: block.KindHash, height: height, name: hash[:block.IDBytes]}
}

// entries calls fn for what the indexes must hold of the block's contents.
func (b *items) entries(height uint64, fn func(*entry)) {
	add := func(index block.Indexes, position int, kind block.Kind, name []byte) {
		if b.indexes&index == index {
			fn(&entry{kind, height, uint32(position), name})
		}
	}
	for i, tx := range b.txs {
		id := tx.ID()
		add(0, i, block.KindID, id[:block.IDBytes])
		add(block.IndexSender, i, block.KindSender, tx.Body.Sender[:])
		kind, name := block.ByContract(tx.Body.Contract)
		add(block.IndexContract, i, kind, name)
	}
	for i := range b.events {
		e := &b.events[i]
		kind, name := block.ByEvent(e.Contract, "")
		add(block.IndexEvent, i, kind, name)
		add(block.IndexEvent, i, block.KindEventName, append(append(bytes.Clone(name), byte(len(e.Name))), e.Name...))
	}
	for i := range b.writes {
		w := &b.writes[i]
		kind, name := block.ByKey(w.NS, w.Key)
		add(block.IndexKey, int(w.TxIndex), kind, name)
	}
}

// indexes checks that index rows and history agree, entry by entry.
func (c *checker) indexes() error {
	have := entrySums{}
	err := c.indexRows(func(_ string, e *entry) error {
		have.add(e)
		return nil
	}, c.found)
	if err != nil {
		return err
	}
	groups := map[uint64]bool{} // those that differ
	for g := range have {
		groups[g] = have[g] != c.due[g]
	}
	for g := range c.due {
		groups[g] = have[g] != c.due[g]
	}
	maps.DeleteFunc(groups, func(_ uint64, differ bool) bool { return !differ })
	if len(groups) == 0 {
		return nil
	}
	return c.compare(groups)
}

// maxCompared bounds the entries that are compared one by one.
const maxCompared = 1 << 20

// compare names the entries that differ in some groups of blocks.
func (c *checker) compare(groups map[uint64]bool) error {
	st := block.NewStore(c.blocks)
	due := map[digest]entry{}
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		if len(due) > maxCompared {
			if err := c.found("indexes", "entries of block %d and of further ones differ from the history", g<<groupBits); err != nil {
				return err
			}
			delete(groups, g)
			continue
		}
		for h := max(g<<groupBits, c.base); h < (g+1)<<groupBits && h <= c.tip.height; h++ {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			if c.released(h) {
				continue
			}
			keep := func(e *entry) {
				kept := *e
				kept.name = bytes.Clone(e.name)
				due[e.digest()] = kept
			}
			if header, _, err := st.Header(h); err == nil && h > 0 {
				keep(hashEntry(h, header.Hash()))
			}
			parts, err := st.Parts(h)
			if err != nil {
				continue // it was found before
			}
			if b, err := decode(parts); err == nil {
				b.entries(h, keep)
			}
		}
	}
	err := c.indexRows(func(where string, e *entry) error {
		d := e.digest()
		if _, ok := due[d]; !ok && groups[e.height>>groupBits] {
			return c.found(where, "leads to something else")
		}
		delete(due, d)
		return nil
	}, func(string, string, ...any) error { return nil }) // what is malformed was found before
	if err != nil {
		return err
	}
	for _, d := range slices.SortedFunc(maps.Keys(due), func(a, b digest) int { return bytes.Compare(a[:], b[:]) }) {
		e := due[d]
		if err := c.found(at(e.height), "position %d has no entry of kind %q for %q", e.position, byte(e.kind), e.name); err != nil {
			return err
		}
	}
	return nil
}

// indexRows reads all rows of the block store, and calls fn for the entries of its indexes.
func (c *checker) indexRows(fn func(where string, e *entry) error, found func(where, format string, args ...any) error) error {
	c.r.IndexRows = 0
	return c.each(c.blocks, nil, []byte{0xff}, func(key, value []byte) error {
		if len(key) < 5 {
			return found(fmt.Sprintf("block row %q", key), "belongs to nothing")
		}
		where := fmt.Sprintf("index row %q", key)
		kind, height, positions, name, err := indexRow(key, value)
		switch {
		case err != nil:
			return found(where, "%v", err)
		case name == nil:
			return c.plainRow(key, found)
		}
		c.r.IndexRows++
		if height > c.tip.height || uint64(binary.BigEndian.Uint32(key)) != height>>block.EpochBits {
			return found(where, "leads above the newest height, or to another epoch")
		}
		if c.released(height) {
			return nil // what it leads to is checked where it is
		}
		for _, i := range positions {
			if err := fn(where, &entry{kind, height, i, name}); err != nil {
				return err
			}
		}
		return nil
	})
}

// indexRow splits an index row into its kind, what it is about, and where it leads; name is
// nil if it is no index row.
func indexRow(key, value []byte) (kind block.Kind, height uint64, positions []uint32, name []byte, err error) {
	kind, name = block.Kind(key[4]), key[5:]
	switch kind {
	case block.KindID, block.KindHash:
		ref, err := block.DecodeRef(value)
		if err == nil && !bytes.Equal(value, binary.AppendUvarint(binary.AppendUvarint(nil, ref.Height), uint64(ref.Index))) {
			err = errors.New("not in its one form")
		}
		return kind, ref.Height, []uint32{ref.Index}, name, err
	case block.KindSender, block.KindContract, block.KindEvent, block.KindEventName, block.KindKey:
		if len(name) < 8 {
			return kind, 0, nil, name, errors.New("malformed")
		}
		name, height = name[:len(name)-8], binary.BigEndian.Uint64(name[len(name)-8:])
		positions, err = block.DecodePositions(value)
		return kind, height, positions, name, err
	}
	return kind, 0, nil, nil, nil
}

// plainRow checks that a row that is not of an index belongs to a block in its epoch.
func (c *checker) plainRow(key []byte, found func(where, format string, args ...any) error) error {
	where := fmt.Sprintf("block row %q", key)
	size := 13
	switch block.Kind(key[4]) {
	case block.KindSection:
		size = 17
	case block.KindHeader, block.KindDirectory, block.KindCertificate, block.KindCommit, block.KindRestart:
	default:
		return found(where, "belongs to nothing")
	}
	if len(key) != size {
		return found(where, "malformed")
	}
	h := binary.BigEndian.Uint64(key[5:])
	if h > c.tip.height || uint64(binary.BigEndian.Uint32(key)) != h>>block.EpochBits {
		return found(where, "belongs to no block")
	}
	return nil
}
