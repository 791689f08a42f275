package fsck

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// walk goes up the blocks from the oldest kept: header links, content, what stands under
// the roots, certificates; then the tip row and the state root.
func (c *checker) walk(progress func(string, uint64)) error {
	st := block.NewStore(c.blocks)
	tip, ok, err := st.Tip()
	switch {
	case err != nil:
		return c.found("blocks", "tip row: %v", err)
	case !ok:
		return c.found("blocks", "no blocks are kept")
	case tip != c.tip.height:
		if err := c.found("blocks", "%s", c.gap(tip)); err != nil {
			return err
		}
	}
	content, err := c.below()
	if err != nil {
		return err
	}
	for h := c.base; h <= min(tip, c.tip.height); h++ {
		if h%1024 == 0 {
			progress("blocks", h)
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		header, ct, err := st.Header(h)
		if err != nil {
			c.last = crypto.Hash{}
			if err := c.found(at(h), "header: %v", err); err != nil {
				return err
			}
			continue
		}
		*content = ct
		c.r.Blocks++
		if err := c.block(st, h, &header, &ct); err != nil {
			return err
		}
	}
	if tip < c.tip.height {
		return nil // without the newest block there is nothing to hold the state against
	}
	return c.top(content)
}

// below starts the walk with the headers that are kept of blocks that are not: those under
// the lowest block of a ledger made from a snapshot, or pruned. It returns the content of
// the last of them.
func (c *checker) below() (*proof.Content, error) {
	content := &proof.Content{}
	from := c.base - min(c.base, 1<<10)
	for h := from; h < c.base; h++ {
		body, ok := c.headers[h]
		if !ok || h == 0 {
			continue
		}
		header, ct, err := block.DecodeHead(h, body)
		if err != nil {
			return content, c.found(at(h), "header: %v", err)
		}
		linked := c.last.IsZero() || header.Previous == c.last
		if header.Height != h || header.Genesis != c.r.Genesis || header.Content != ct.Root() || !linked {
			if err := c.found(at(h), "the header does not fit its content, its chain or the one before"); err != nil {
				return content, err
			}
		}
		c.last, *content = header.Hash(), ct
	}
	if c.base > c.tip.height && c.last.IsZero() {
		return content, c.found("state", "no block is kept, and no header of height %d", c.tip.height)
	}
	return content, nil
}

// gap says what it means that the block store ends elsewhere than the state.
func (c *checker) gap(tip uint64) string {
	if tip > c.tip.height {
		return fmt.Sprintf("the block store ends at height %d, the state at %d: opening the ledger cuts it", tip, c.tip.height)
	}
	return fmt.Sprintf("the block store ends at height %d, the state at %d: blocks %d to %d are in no redo row either, and were not checked", tip, c.tip.height, tip+1, c.tip.height)
}

func at(height uint64) string { return fmt.Sprintf("block %d", height) }

// top checks what the tip row says against the newest block and the recomputed state.
func (c *checker) top(content *proof.Content) error {
	switch {
	case content.State != c.r.StateRoot:
		return c.found("state", "has root %s, block %d says %s", c.r.StateRoot, c.tip.height, content.State)
	case content.Root() != c.tip.content:
		return c.found("state", "the tip row holds another content root than block %d", c.tip.height)
	case c.tip.height > 0 && c.last != c.tip.header:
		return c.found("state", "the tip row holds another header hash than block %d", c.tip.height)
	}
	return nil
}

func (c *checker) block(st *block.Store, h uint64, header *types.Header, ct *proof.Content) error {
	if body, ok := c.headers[h]; ok {
		again := append(binary.BigEndian.AppendUint16(nil, 0), ct.Encode()...)
		if h > 0 {
			enc := header.Encode()
			again = append(append(binary.BigEndian.AppendUint16(nil, uint16(len(enc))), enc...), ct.Encode()...)
		}
		if !bytes.Equal(body, again) {
			if err := c.found(at(h), "the two stores hold different headers"); err != nil {
				return err
			}
		}
	}
	if h > 0 {
		if err := c.header(h, header, ct); err != nil {
			return err
		}
	}
	if !c.released(h) {
		if h > 0 {
			c.due.add(hashEntry(h, header.Hash()))
		}
		if err := c.lists(st, h, ct); err != nil {
			return err
		}
	}
	if err := c.certificate(st, h, header); err != nil {
		return err
	}
	return c.record(st, h, header)
}

// released reports whether the contents of a block are in the archive alone.
func (c *checker) released(h uint64) bool { return h > 0 && h < c.hot }

func (c *checker) header(h uint64, header *types.Header, ct *proof.Content) error {
	var err error
	switch {
	case header.Height != h, header.Genesis != c.r.Genesis:
		err = c.found(at(h), "the header is of another height or chain")
	case header.Content != ct.Root():
		err = c.found(at(h), "the content does not have the root of the header")
	case h > 1 && !c.last.IsZero() && header.Previous != c.last, h == 1 && !header.Previous.IsZero():
		err = c.found(at(h), "the header does not name the one before as its predecessor")
	}
	c.last = header.Hash()
	if err != nil {
		return err
	}
	return c.setRow(h, header)
}

// setRow checks that the row of a change of validators says what the header says.
func (c *checker) setRow(h uint64, header *types.Header) error {
	row, ok := c.signers[h]
	if changes := header.Signers != header.NextSigners; ok != changes || ok && row != [2]crypto.Hash{header.Signers, header.NextSigners} {
		return c.found(at(h), "the row of its validators does not say what the header says")
	}
	return nil
}

// lists recomputes the roots over transactions, receipts, events and changes.
func (c *checker) lists(st *block.Store, h uint64, ct *proof.Content) error {
	lists := []struct {
		kind  block.Kind
		name  string
		root  crypto.Hash
		count uint64
	}{
		{block.KindTxs, "transactions", ct.Txs, ct.TxCount},
		{block.KindReceipts, "receipts", ct.Receipts, ct.TxCount},
		{block.KindEvents, "events", ct.Events, ct.EventCount},
		{block.KindWrites, "write set", ct.WriteSet, ct.WriteCount},
	}
	parts, err := st.Parts(h)
	if err != nil {
		return c.found(at(h), "%v", err)
	}
	for _, l := range lists {
		items := parts.Of(l.kind)
		hashes, genesis, err := itemHashes(l.kind, h, items)
		switch {
		case err != nil:
			err = c.found(at(h), "%s: %v", l.name, err)
		case h == 0 && l.kind == block.KindWrites:
			if genesis.root() != ct.State {
				err = c.found(at(h), "the genesis write set is not the genesis state")
			}
		case proof.ListRoot(hashes) != l.root || uint64(len(items)) != l.count:
			err = c.found(at(h), "%s do not have the root of the header", l.name)
		}
		if err != nil {
			return err
		}
	}
	c.r.Txs += ct.TxCount
	c.r.Events += ct.EventCount
	if err := c.directory(st, h); err != nil {
		return err
	}
	return c.contents(h, parts)
}

// directory checks that the directory of the block's sections is that of its sections.
func (c *checker) directory(st *block.Store, h uint64) error {
	d, err := st.Directory(h)
	if err != nil {
		return c.found(at(h), "%v", err)
	}
	var sections [][3][]crypto.Hash
	for n := uint32(0); d != nil && n < d.Sections(); n++ {
		p, err := st.Section(h, n)
		if err != nil {
			return c.found(at(h), "%v", err)
		}
		sections = append(sections, p.Hashes())
	}
	if d == nil {
		if _, err := st.Section(h, 1); err == nil {
			return c.found(at(h), "the directory of its sections is missing")
		}
		return nil
	}
	want, err := block.MakeDirectory(sections)
	if err != nil || !bytes.Equal(want.Encode(), d.Encode()) {
		return c.found(at(h), "the directory of its sections is not theirs")
	}
	return nil
}

// contents checks what transactions, receipts, events and used ids say of one another, and
// sums up what the indexes must hold of the block.
func (c *checker) contents(h uint64, parts *block.Parts) error {
	items, err := decode(parts)
	if err != nil {
		return c.found(at(h), "%v", err)
	}
	items.entries(h, c.due.add)
	var used []crypto.Hash
	for i := range items.receipts {
		r := &items.receipts[i]
		if r.TxID != items.txs[i].ID() {
			return c.found(at(h), "receipt %d is of another transaction", i)
		}
		if r.UsesID() {
			used = append(used, r.TxID)
		}
	}
	if ids, ok := c.used[h]; ok && !slices.Equal(ids, used) {
		return c.found(at(h), "the row of used ids holds others than the block used up")
	}
	return nil
}

func itemHashes(kind block.Kind, h uint64, items [][]byte) ([]crypto.Hash, *treeHasher, error) {
	out := make([]crypto.Hash, len(items))
	var leaves []leaf
	for i, it := range items {
		if kind != block.KindWrites {
			out[i] = crypto.Sum(it)
			continue
		}
		ch, err := block.DecodeChange(it)
		if err != nil {
			return nil, nil, err
		}
		r := ch.Record(h)
		out[i] = r.Hash()
		leaves = append(leaves, leaf{r.KeyHash, r.ValueHash})
	}
	if h > 0 || kind != block.KindWrites {
		return out, nil, nil
	}
	return out, treeOf(leaves), nil
}

// certificate verifies the finality certificate, if one is kept.
func (c *checker) certificate(st *block.Store, h uint64, header *types.Header) error {
	cert, err := st.Certificate(h)
	if types.CodeOf(err) == types.CodeNotFound {
		return nil
	}
	if err != nil {
		return c.found(at(h), "certificate: %v", err)
	}
	set, ok := c.sets[header.Signers]
	if !ok {
		return c.found(at(h), "the validator set that signs it is not kept")
	}
	if err := cert.Verify(header, set); err != nil {
		return c.found(at(h), "certificate: %v", err)
	}
	c.r.Certificates++
	return nil
}
