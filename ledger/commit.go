package ledger

import (
	"encoding/binary"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Block is an executed block. Height 0 is the genesis state, which has no header,
// transactions, receipts or events.
type Block struct {
	Height    uint64
	Time      int64 // Unix nanoseconds
	CometHash crypto.Hash

	Txs       [][]byte        // complete transactions in order
	TxIDs     []crypto.Hash   // per transaction
	Senders   []types.Address // per transaction; nil: not indexed
	Contracts []string        // per transaction; nil: not indexed
	UsedIDs   []crypto.Hash   // ids that count as used from this block on

	Receipts []types.Receipt // per transaction
	Events   []types.Event
	Writes   []types.Write // unique, ascending by (NS, Key)

	Signers, NextSigners types.ValidatorSet
	Config               crypto.Hash
	Protocol             uint32
	Certificate          *types.FinalityCertificate // of an earlier height; nil if none
	// Restart is the encoded act (types.Restart) that the block carries in the certificate's
	// place, which then is the act's; empty for most blocks.
	Restart []byte
	// LastCommit is CometBFT's commit, in protobuf, that the block before carries; it
	// belongs to that block's record. Of no meaning below height 2.
	LastCommit []byte
}

// Candidate is a block whose roots are computed and which may be committed or dropped.
type Candidate struct {
	Header      types.Header // zero at genesis
	ContentRoot crypto.Hash
	Content     proof.Content

	block   *Block
	base    tip
	change  *state.Change
	changes []Change // the write set, with what each wrote over
	head    []byte   // encoded header
	before  *records
	data    *block.Data
}

// Prepare computes header and content of the block after the tip in an overlay. It leaves
// no trace and is safe beside readers. b MUST NOT be changed until the candidate is
// committed or dropped.
func (l *Ledger) Prepare(b *Block) (*Candidate, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	base := l.tipNow()
	if err := checkBlock(b, base); err != nil {
		return nil, err
	}
	change, records, err := l.st.Prepare(b.Height, b.Writes)
	if err != nil {
		return nil, err
	}
	c := &Candidate{block: b, base: base, change: change, data: &block.Data{
		Height: b.Height, Txs: b.Txs, IDs: b.TxIDs, Senders: b.Senders, Contracts: b.Contracts, Events: b.Events,
		Certificate: b.Certificate, LastCommit: b.LastCommit, Restart: b.Restart, Indexes: l.indexes(b),
	}}
	c.content(records)
	c.ContentRoot = c.Content.Root()
	if b.Height > 0 {
		if c.before, err = l.recordsBefore(b, &base); err != nil {
			return nil, err
		}
		c.Header = types.Header{
			Archive: c.before.peaks.Root(), Genesis: l.genesis, Height: b.Height, Time: b.Time, CometHash: b.CometHash, Previous: base.header,
			Content: c.ContentRoot, Signers: b.Signers.Hash(), NextSigners: b.NextSigners.Hash(), Protocol: b.Protocol,
		}
		c.head = c.Header.Encode()
	}
	c.data.Header, c.data.Content = c.head, c.Content.Encode()
	return c, nil
}

// indexes are those that the block is entered in.
func (l *Ledger) indexes(b *Block) Indexes {
	set := l.p.Indexes
	if b.Senders == nil {
		set &^= IndexSender
	}
	if b.Contracts == nil {
		set &^= IndexContract
	}
	return set
}

func checkBlock(b *Block, base tip) error {
	n := len(b.Txs)
	switch {
	case !base.initialized && b.Height != 0, base.initialized && b.Height != base.height+1:
		return types.Errorf(types.CodeInternal, "prepare height %d on top of height %d (genesis committed: %v)", b.Height, base.height, base.initialized)
	case len(b.TxIDs) != n, len(b.Receipts) != n, b.Senders != nil && len(b.Senders) != n, b.Contracts != nil && len(b.Contracts) != n:
		return types.Errorf(types.CodeInternal, "block %d: %d transactions, %d ids, %d receipts, %d senders, %d contracts",
			b.Height, n, len(b.TxIDs), len(b.Receipts), len(b.Senders), len(b.Contracts))
	case b.Height == 0 && (n > 0 || len(b.Events) > 0):
		return types.Errorf(types.CodeInternal, "the genesis state has no transactions and events")
	case b.Height > 0 && b.Time <= 0:
		return types.Errorf(types.CodeInternal, "block %d has no time", b.Height)
	}
	return nil
}

// content fills the content and the encoded parts of the block's data. The write set of
// the genesis state is kept, but not under the content root, which thereby equals that of
// an empty block on the same state.
func (c *Candidate) content(records []proof.WriteRecord) {
	b, d := c.block, c.data
	writes := proof.HashRecords(records)
	changes := make([]Change, len(records))
	for i := range records {
		r := &records[i]
		changes[i] = Change{Write: b.Writes[i], HasPrevious: r.HasPrevious, PrevHeight: r.PrevHeight, PrevTx: r.PrevTx}
	}
	c.changes = changes
	d.Changes, d.Receipts, d.EventBytes = encodeEach(changes), encodeEach(b.Receipts), encodeEach(b.Events)
	d.Hash()
	c.Content = proof.Content{
		State: c.change.Root, Txs: d.Lists[0].Root(), TxCount: uint64(len(b.Txs)), Receipts: d.Lists[1].Root(),
		Events: d.Lists[2].Root(), EventCount: uint64(len(b.Events)), Config: b.Config, Protocol: b.Protocol,
	}
	if b.Height > 0 {
		c.Content.WriteSet, c.Content.WriteCount = proof.ListRoot(writes), uint64(len(writes))
	}
}

// encodeEach encodes items into one piece of memory, since they live and die together.
func encodeEach[T any, P interface {
	*T
	SizeHint() int
	AppendTo([]byte) []byte
}](items []T) [][]byte {
	size := 0
	for i := range items {
		size += P(&items[i]).SizeHint()
	}
	out, b := make([][]byte, len(items)), make([]byte, 0, size)
	for i := range items {
		from := len(b)
		b = P(&items[i]).AppendTo(b)
		out[i] = b[from:len(b):len(b)]
	}
	return out
}

// Commit makes a candidate the newest height: durable when it returns without an error.
// After an error (HC-4103) the outcome is unknown and the ledger serves nothing more; it
// MUST be opened anew, which finds this height or the one before.
func (l *Ledger) Commit(c *Candidate) error {
	if err := l.usable(); err != nil {
		return err
	}
	if c.base != l.tipNow() {
		return types.Errorf(types.CodeInternal, "commit of height %d: prepared on another height", c.block.Height)
	}
	if err := l.commit(c); err != nil {
		e := types.Errorf(types.CodeDiskFailure, "commit of height %d: %w", c.block.Height, err)
		l.failed.CompareAndSwap(nil, e)
		return e
	}
	return nil
}

func (l *Ledger) commit(c *Candidate) error {
	b := c.block
	next := tip{initialized: true, height: b.Height, content: c.ContentRoot, leaves: l.st.Leaves() + uint64(c.change.Added())}
	if b.Height > 0 {
		next.header = crypto.Sum(c.head)
	}
	pairs := c.data.Rows()
	redo := block.EncodePairs(pairs)
	dropped := l.expiredIDs(b.Time)
	next.usedRows = uint32(len(l.used) - dropped)
	if len(b.UsedIDs) > 0 {
		next.usedRows++
	}
	change, err := l.certifiedChange(b.Certificate)
	if err != nil {
		return err
	}
	err = l.st.Commit(c.change, b.Height, func(batch driver.Batch) {
		l.ownRows(batch, c, &next)
		if change != nil {
			change.write(batch)
		}
		for _, u := range l.used[:dropped] {
			batch.Delete(heightKey(prefixUsed, u.height))
		}
		setSealed(batch, heightKey(prefixRedo, b.Height), redo)
	})
	if err != nil {
		return err
	}
	if err := l.applyBlock(pairs, l.redoRows.add(b.Height, len(redo))); err != nil {
		return err
	}
	l.serveTip(c)
	l.show(c.Header)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tip = next
	if c.before != nil {
		l.records = *c.before
	}
	l.used = append(l.used[:0], l.used[dropped:]...)
	if len(b.UsedIDs) > 0 {
		l.used = append(l.used, usedAt{b.Height, b.Time})
	}
	if b.Certificate != nil {
		l.certified = max(l.certified, b.Certificate.Height)
	}
	return nil
}

// applyBlock writes a block into the block store. With sync that, and all blocks before it,
// is durable there, and no redo row is needed any more.
func (l *Ledger) applyBlock(pairs []block.Pair, sync bool) error {
	l.certificates.Lock()
	err := l.blocks.Apply(pairs, sync)
	l.certificates.Unlock()
	if err != nil || !sync {
		return err
	}
	return l.dropRedo()
}

// ownRows adds the ledger's own rows of a block to the state batch.
func (l *Ledger) ownRows(batch driver.Batch, c *Candidate, next *tip) {
	b := c.block
	setSealed(batch, tipKey, next.encode())
	setSealed(batch, heightKey(prefixHeader, b.Height), encodeHead(c.head, &c.Content))
	if b.Height > recentHeaders {
		batch.Delete(heightKey(prefixHeader, b.Height-recentHeaders))
		batch.Delete(heightKey(prefixPeaks, b.Height-recentHeaders))
	}
	if c.before != nil {
		c.before.write(batch, b.Height)
	}
	for _, set := range []types.ValidatorSet{b.Signers, b.NextSigners} {
		if len(set) > 0 {
			h := set.Hash()
			setSealed(batch, append([]byte{prefixSet}, h[:]...), set.Encode())
		}
	}
	if s, n := b.Signers.Hash(), b.NextSigners.Hash(); b.Height == 0 || s != n {
		setSealed(batch, heightKey(prefixSigners, b.Height), append(s[:], n[:]...))
	}
	if len(b.UsedIDs) > 0 {
		setSealed(batch, heightKey(prefixUsed, b.Height), encodeUsed(b.Time, b.UsedIDs))
	}
}

func encodeUsed(timeNs int64, ids []crypto.Hash) []byte {
	body := make([]byte, 0, 8+crypto.HashSize*len(ids)+4)
	body = binary.BigEndian.AppendUint64(body, uint64(timeNs))
	for i := range ids {
		body = append(body, ids[i][:]...)
	}
	return body
}

// Bounds of what redo rows hold: a start after a power cut applies that much again, and the
// state store carries it meanwhile.
const (
	maxRedoRows  = 16
	maxRedoBytes = 16 << 20
)

// redoRows are the redo rows of blocks that the block store holds, but not durably.
type redoRows struct {
	from, to uint64 // heights, half-open
	bytes    int
}

// add notes the redo row of the next height, and reports whether it is time to sync the
// block store.
func (r *redoRows) add(height uint64, bytes int) (full bool) {
	if r.from == r.to {
		r.from = height
	}
	r.to, r.bytes = height+1, r.bytes+bytes
	return r.to-r.from >= maxRedoRows || r.bytes >= maxRedoBytes
}

// dropRedo removes the redo rows once the block store holds their blocks durably. That need
// not be durable itself: a redo row that is found again is passed over.
func (l *Ledger) dropRedo() error {
	batch := l.db.Batch()
	for h := l.redoRows.from; h < l.redoRows.to; h++ {
		batch.Delete(heightKey(prefixRedo, h))
	}
	l.redoRows = redoRows{}
	return state.ReadError(batch.Commit(false))
}

// expiredIDs is how many of the used-id rows lie before the window that ends at now.
func (l *Ledger) expiredIDs(now int64) int {
	n := 0
	for n < len(l.used) && l.used[n].time < types.WindowStart(now) {
		n++
	}
	return n
}
