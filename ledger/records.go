package ledger

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// records is what a height knows of the records of blocks. A header names the root over
// the records below it: a block's own record holds its header and cannot stand under it.
type records struct {
	peaks archive.Peaks // over the records below the height; of an imported height up to it
	// certificate is the hash of what the block carries: its record needs it once the
	// block's commit is known, with the next one.
	certificate crypto.Hash
	closed      bool        // the last of the records completes a segment,
	segment     crypto.Hash // which has this root
}

// recordsBefore appends the record of the block before b to the records.
func (l *Ledger) recordsBefore(b *Block, base *tip) (*records, error) {
	if len(b.LastCommit) > archive.MaxCommitBytes {
		return nil, types.Errorf(types.CodeLimitExceeded, "the commit in block %d has %d bytes", b.Height-1, len(b.LastCommit))
	}
	l.mu.RLock()
	last := l.records
	l.mu.RUnlock()
	next := &records{peaks: last.peaks, certificate: crypto.Sum(b.carried())}
	if last.peaks.Count+1 == base.height {
		record := archive.RecordHash(base.header, crypto.Sum(b.LastCommit), last.certificate)
		next.peaks, next.segment, next.closed = last.peaks.Append(record)
	}
	if next.peaks.Count != base.height {
		return nil, types.Errorf(types.CodeLedgerMismatch, "peaks over %d records at height %d", last.peaks.Count, base.height)
	}
	return next, nil
}

// carried is what the block's record holds of the blocks before it.
func (b *Block) carried() []byte {
	switch {
	case len(b.Restart) > 0:
		return b.Restart
	case b.Certificate != nil:
		return b.Certificate.Encode()
	}
	return nil
}

// write adds the rows of a height.
func (r *records) write(b driver.Batch, height uint64) {
	setSealed(b, heightKey(prefixPeaks, height), append(r.certificate[:], r.peaks.Encode()...))
	if r.closed {
		setSealed(b, heightKey(prefixSegment, r.peaks.Count/archive.SegmentBlocks-1), r.segment[:])
	}
}

// recordsAt reads the row of a height; false if it is no longer kept.
func (l *Ledger) recordsAt(height uint64) (r records, found bool, err error) {
	body, found, err := l.sealed(heightKey(prefixPeaks, height))
	if err != nil || !found {
		return r, false, err
	}
	if len(body) < crypto.HashSize {
		return r, false, state.Corrupt("malformed row of peaks at height %d", height)
	}
	r.certificate = crypto.Hash(body)
	if r.peaks, err = archive.DecodePeaks(body[crypto.HashSize:]); err != nil {
		return r, false, state.Corrupt("peaks at height %d: %w", height, err)
	}
	return r, true, nil
}

// readRecords takes up the records where the tip left them.
func (l *Ledger) readRecords() error {
	if l.tip.height == 0 {
		return nil
	}
	r, found, err := l.recordsAt(l.tip.height)
	if err == nil && !found {
		err = state.Corrupt("the row of peaks at height %d is missing", l.tip.height)
	}
	l.records = r
	return err
}

// Records returns the peaks over the records up to a height, whose root the next header
// names. HC-4104 unless that is one of the last 1,024 heights below the newest.
func (l *Ledger) Records(height uint64) (archive.Peaks, error) {
	r, found, err := l.recordsAt(height + 1)
	if err == nil && (!found || r.peaks.Count != height) {
		err = types.Errorf(types.CodeHeightUnknown, "the peaks over the records up to height %d are not kept here", height)
	}
	return r.peaks, err
}

// SegmentRoot returns the root of a complete segment of records; HC-1003 if it is not
// complete, or was complete before this ledger began.
func (l *Ledger) SegmentRoot(segment uint64) (crypto.Hash, error) {
	body, found, err := l.sealed(heightKey(prefixSegment, segment))
	if err == nil && !found {
		err = types.Errorf(types.CodeNotFound, "the root of segment %d", segment)
	}
	if err == nil && len(body) != crypto.HashSize {
		err = state.Corrupt("malformed root of segment %d", segment)
	}
	if err != nil {
		return crypto.Hash{}, err
	}
	return crypto.Hash(body), nil
}

// Record returns the record of a block below the newest, whose lists the caller MUST check
// against its header (archive.Record.Verify, which archive.Writer does). HC-4104 if it is
// not kept here.
func (l *Ledger) Record(height uint64) (*archive.Record, error) {
	h, err := l.Header(height)
	if err != nil {
		return nil, err
	}
	r := &archive.Record{Head: archive.Head{Header: h}}
	if r.Content, err = l.Content(height); err != nil {
		return nil, err
	}
	if r.Commit, err = l.blocks.Commit(height); err != nil {
		return nil, types.Errorf(types.CodeHeightUnknown, "record of block %d: %w", height, err)
	}
	if r.Certificate, err = l.blocks.Carried(height); err != nil {
		return nil, err
	}
	if height < l.Hot() {
		return nil, types.Errorf(types.CodeHeightUnknown, "the contents of block %d are archived", height)
	}
	parts, err := l.blocks.Parts(height)
	if err != nil {
		return nil, err
	}
	r.Txs, r.Receipts, r.Events, r.Writes = parts.Txs, parts.Receipts, parts.Events, parts.Writes
	return r, nil
}

// SegmentEvidence proves the root of a complete segment under the newest header that has a
// certificate. HC-5101 while none above the segment has.
func (l *Ledger) SegmentEvidence(segment uint64) (*archive.Evidence, error) {
	height := l.Certified()
	if height <= archive.First(segment+1)-1 {
		return nil, types.Errorf(types.CodeNotReady, "no header above segment %d has a finality certificate yet", segment)
	}
	p, _, err := l.anchor(height)
	if err != nil {
		return nil, err
	}
	peaks, err := l.Records(height - 1)
	if err != nil {
		return nil, err
	}
	path, err := peaks.Prove(segment, l.SegmentRoot)
	if err != nil {
		return nil, types.Errorf(types.CodeOf(err), "prove segment %d: %w", segment, err)
	}
	return &archive.Evidence{Header: p.Header, Certificate: p.Certificate, Signers: p.Signers, Path: *path}, nil
}
