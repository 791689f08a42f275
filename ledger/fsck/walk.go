package fsck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

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
		if err := c.found("blocks", "the block store ends at height %d, the state at %d (opening the ledger repairs that)", tip, c.tip.height); err != nil {
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
	if err := c.lists(st, h, ct); err != nil {
		return err
	}
	if err := c.certificate(st, h, header); err != nil {
		return err
	}
	return c.record(st, h, header)
}

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
	return err
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
	c.count(parts, ct)
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
	return nil
}

// count adds what the indexes must hold of a block.
func (c *checker) count(parts *block.Parts, ct *proof.Content) {
	for _, n := range []struct {
		index block.Indexes
		kinds []block.Kind
		n     uint64
	}{
		{0, []block.Kind{block.KindID}, ct.TxCount},
		{block.IndexSender, []block.Kind{block.KindSender}, ct.TxCount},
		{block.IndexContract, []block.Kind{block.KindContract}, ct.TxCount},
		{block.IndexEvent, []block.Kind{block.KindEvent, block.KindEventName}, ct.EventCount},
		{block.IndexKey, []block.Kind{block.KindKey}, uint64(len(parts.Writes))},
	} {
		for _, k := range n.kinds {
			if n.index&parts.Indexes == n.index {
				c.due[k] += n.n
			}
		}
	}
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

// indexer checks index rows against the blocks they lead to, which it holds one at a time.
type indexer struct {
	c      *checker
	st     *block.Store
	loaded bool
	height uint64
	txs    []*types.Tx // nil for one that does not decode
	events []types.Event
	writes []block.Change

	have map[block.Kind]uint64 // entries found
}

// indexes checks that index rows and history agree: every entry leads to what it says, and
// every transaction, event and write has its entries (counted, since each was checked).
func (c *checker) indexes() error {
	x := &indexer{c: c, st: block.NewStore(c.blocks), have: map[block.Kind]uint64{}}
	if err := c.each(c.blocks, nil, []byte{0xff}, x.row); err != nil {
		return err
	}
	for _, k := range []block.Kind{block.KindID, block.KindSender, block.KindContract, block.KindEvent, block.KindEventName, block.KindKey} {
		if x.have[k] != c.due[k] {
			if err := c.found("indexes", "%d entries of kind %q, the blocks have %d", x.have[k], byte(k), c.due[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// load reads transactions and events of a block.
func (x *indexer) load(height uint64) error {
	if x.loaded && x.height == height {
		return nil
	}
	x.loaded, x.height, x.txs, x.events, x.writes = true, height, nil, nil, nil
	parts, err := x.st.Parts(height)
	if err != nil {
		return err
	}
	for _, r := range parts.Txs {
		tx, err := types.DecodeTx(r)
		if err != nil {
			tx = nil
		}
		x.txs = append(x.txs, tx)
	}
	for _, r := range parts.Events {
		e, derr := types.DecodeEvent(r)
		err = errors.Join(err, derr)
		x.events = append(x.events, e)
	}
	for _, r := range parts.Writes {
		w, derr := block.DecodeChange(r)
		err = errors.Join(err, derr)
		x.writes = append(x.writes, w)
	}
	return err
}

func (x *indexer) row(key, value []byte) error {
	if len(key) < 5 {
		return x.c.found(fmt.Sprintf("block row %q", key), "belongs to nothing")
	}
	where := fmt.Sprintf("index row %q", key)
	kind, height, positions, name, err := indexRow(key, value)
	switch {
	case err != nil:
		return x.c.found(where, "%v", err)
	case name == nil:
		return x.c.plainRow(key)
	}
	x.c.r.IndexRows++
	if height > x.c.tip.height || uint64(binary.BigEndian.Uint32(key)) != height>>block.EpochBits {
		return x.c.found(where, "leads above the newest height, or to another epoch")
	}
	if err := x.load(height); err != nil {
		return x.c.found(where, "leads to block %d, which cannot be read", height)
	}
	for _, i := range positions {
		if !x.holds(kind, int(i), name) {
			return x.c.found(where, "leads to something else")
		}
		x.have[kind]++
	}
	return nil
}

// holds reports whether the block has, at a position, what an index row says.
func (x *indexer) holds(kind block.Kind, i int, name []byte) bool {
	if kind != block.KindKey {
		return bytes.Equal(name, x.name(kind, i))
	}
	for k := range x.writes {
		w := &x.writes[k]
		if _, n := block.ByKey(w.NS, w.Key); int(w.TxIndex) == i && bytes.Equal(n, name) {
			return true
		}
	}
	return false
}

// name is what the index row of a transaction or event must be about; nil if there is none.
func (x *indexer) name(kind block.Kind, i int) []byte {
	short := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	if kind == block.KindEvent || kind == block.KindEventName {
		if i >= len(x.events) {
			return nil
		}
		out := short(x.events[i].Contract)
		if kind == block.KindEventName {
			out = append(out, short(x.events[i].Name)...)
		}
		return out
	}
	if i >= len(x.txs) || x.txs[i] == nil {
		return nil
	}
	tx := x.txs[i]
	switch kind {
	case block.KindSender:
		return tx.Body.Sender[:]
	case block.KindContract:
		return short(tx.Body.Contract)
	}
	id := tx.ID()
	return id[:block.IDBytes]
}

// indexRow splits an index row into its kind, what it is about, and where it leads; name is
// nil if it is no index row.
func indexRow(key, value []byte) (kind block.Kind, height uint64, positions []uint32, name []byte, err error) {
	kind, name = block.Kind(key[4]), key[5:]
	switch kind {
	case block.KindID:
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
func (c *checker) plainRow(key []byte) error {
	where := fmt.Sprintf("block row %q", key)
	size := 13
	switch block.Kind(key[4]) {
	case block.KindSection:
		size = 17
	case block.KindHeader, block.KindCertificate, block.KindCommit:
	default:
		return c.found(where, "belongs to nothing")
	}
	if len(key) != size {
		return c.found(where, "malformed")
	}
	h := binary.BigEndian.Uint64(key[5:])
	if h > c.tip.height || uint64(binary.BigEndian.Uint32(key)) != h>>block.EpochBits {
		return c.found(where, "belongs to no block")
	}
	return nil
}
