package ledger

import (
	"bytes"
	"encoding/binary"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// readMeta reads format, genesis and tip, and writes the first two into a new store and the
// first into one of an older format.
func (l *Ledger) readMeta() error {
	format, found, err := l.sealed(formatKey)
	if err != nil {
		return err
	}
	if !found {
		b := l.db.Batch()
		setSealed(b, formatKey, binary.BigEndian.AppendUint32(nil, FormatVersion))
		setSealed(b, genesisKey, l.genesis[:])
		return state.ReadError(b.Commit(true))
	}
	if len(format) != 4 || binary.BigEndian.Uint32(format) < oldestFormat || binary.BigEndian.Uint32(format) > FormatVersion {
		return types.Errorf(types.CodeLedgerMismatch, "ledger format %x, this program reads %d to %d", format, oldestFormat, FormatVersion)
	}
	older := binary.BigEndian.Uint32(format) < FormatVersion
	g, _, err := l.sealed(genesisKey)
	if err != nil {
		return err
	}
	if string(g) != string(l.genesis[:]) {
		return types.Errorf(types.CodeWrongGenesis, "the ledger belongs to the chain with genesis %x, not %s", g, l.genesis)
	}
	if older { // before anything is written in the new form
		b := l.db.Batch()
		setSealed(b, formatKey, binary.BigEndian.AppendUint32(nil, FormatVersion))
		if err := b.Commit(true); err != nil {
			return state.ReadError(err)
		}
	}
	t, found, err := l.sealed(tipKey)
	if err != nil || !found {
		return err
	}
	if l.tip, err = decodeTip(t); err != nil {
		return err
	}
	base, found, err := l.sealed(baseKey)
	if err != nil {
		return err
	}
	if found {
		if len(base) != 8 {
			return state.Corrupt("malformed row of the lowest height")
		}
		l.base = binary.BigEndian.Uint64(base)
	}
	if err := l.readHot(); err != nil {
		return err
	}
	if err := l.readRecords(); err != nil {
		return err
	}
	return l.readUsed()
}

// repair cuts or fills the block store to the state's height.
func (l *Ledger) repair() error {
	have, ok, err := l.blocks.Tip()
	if err != nil {
		return err
	}
	if !l.tip.initialized {
		if ok {
			return types.Errorf(types.CodeLedgerMismatch, "the block store holds blocks to height %d, but the state store is empty", have)
		}
		return nil
	}
	if ok && have > l.tip.height {
		if err := l.blocks.Cut(l.tip.height, have); err != nil {
			return err
		}
		have = l.tip.height
	}
	next := uint64(0)
	if ok {
		next = have + 1
	}
	if err := l.redo(next); err != nil {
		return err
	}
	have, ok, err = l.blocks.Tip()
	if err == nil && (!ok || have != l.tip.height) {
		err = types.Errorf(types.CodeLedgerMismatch, "the block store ends at height %d, the state at %d, and no redo row bridges them", have, l.tip.height)
	}
	return err
}

// redo applies the redo rows from a height on, the first that the block store lacks, in
// order, and removes all that are left. Of the blocks below the store holds everything: it
// loses nothing without what was written after that.
func (l *Ledger) redo(next uint64) error {
	var keys [][]byte
	err := state.EachRow(l.db, []byte{prefixRedo}, []byte{prefixRedo + 1}, func(key, row []byte) error {
		if len(key) != 9 {
			return state.Corrupt("malformed key of a redo row")
		}
		keys = append(keys, bytes.Clone(key))
		switch height := binary.BigEndian.Uint64(key[1:]); {
		case height < next:
			return nil
		case height > next:
			return types.Errorf(types.CodeLedgerMismatch, "the block store lacks block %d, and no redo row has it", next)
		}
		next++
		body, err := state.Unseal(key, row)
		if err != nil {
			return err
		}
		pairs, err := block.DecodePairs(body)
		if err != nil {
			return err
		}
		return l.blocks.Apply(pairs, true)
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	b := l.db.Batch()
	for _, k := range keys {
		b.Delete(k)
	}
	return state.ReadError(b.Commit(true))
}

// checkTip compares the rebuilt tree with the newest header, and that with the tip row.
func (l *Ledger) checkTip() error {
	if !l.tip.initialized {
		if n := l.st.Leaves(); n > 0 {
			return types.Errorf(types.CodeLedgerMismatch, "%d state leaves without a committed height", n)
		}
		return nil
	}
	h, c, err := l.head(l.tip.height)
	if err != nil {
		return err
	}
	switch {
	case c.Root() != l.tip.content, l.tip.height > 0 && h.Content != l.tip.content:
		return types.Errorf(types.CodeLedgerMismatch, "content of height %d does not have the root of its header", l.tip.height)
	case l.st.Root() != c.State:
		return types.Errorf(types.CodeLedgerMismatch, "the state of height %d has root %s, its header says %s", l.tip.height, l.st.Root(), c.State)
	case l.st.Leaves() != l.tip.leaves:
		return types.Errorf(types.CodeLedgerMismatch, "%d leaves, the tip row says %d", l.st.Leaves(), l.tip.leaves)
	}
	l.certified, err = l.blocks.LastCertified(l.tip.height)
	return err
}

// restoreRing keeps the heights that proofs may be asked for next: those from the newest
// certified one, and those whose certificates are still to come. What each key held then
// is taken from the write sets since.
func (l *Ledger) restoreRing() error {
	if !l.tip.initialized {
		return nil
	}
	lowest := l.tip.height - min(l.tip.height, block.CertificateLag)
	if c := l.certified; c > 0 && l.tip.height-c < uint64(l.p.ProofHeights) {
		lowest = min(lowest, c)
	}
	for h := lowest; h < l.tip.height; h++ {
		err := l.restoreHeight(h)
		if types.CodeOf(err) == types.CodeHeightUnknown {
			continue // what a key held then stands in history that is not kept here
		}
		if err != nil {
			return err
		}
	}
	return l.st.KeepTip(l.tip.height)
}

func (l *Ledger) restoreHeight(height uint64) error {
	var former []state.Former
	seen := map[string]bool{}
	for h := height + 1; h <= l.tip.height; h++ {
		changes, err := l.Writes(h)
		if err != nil {
			return err
		}
		for i := range changes {
			c := &changes[i]
			id := string(state.RowKey(c.NS, c.Key))
			if seen[id] {
				continue // an older change since height says what the key held
			}
			seen[id] = true
			f := state.Former{NS: c.NS, Key: c.Key, Existed: c.HasPrevious}
			if f.Existed {
				f.Row, err = l.RowAt(c.NS, c.Key, c.PrevHeight)
				if err != nil && c.PrevHeight > 0 && c.PrevHeight < l.hot {
					// What is wrong with an archive, or the way to it, is no reason not to start.
					return types.Errorf(types.CodeHeightUnknown, "archived block %d: %w", c.PrevHeight, err)
				}
				if err != nil {
					return err
				}
			}
			former = append(former, f)
		}
	}
	root, err := l.st.KeepPast(height, former)
	if err != nil {
		return err
	}
	_, c, err := l.head(height)
	if err != nil {
		return err
	}
	if root != c.State {
		return types.Errorf(types.CodeLedgerMismatch, "write sets lead from height %d back to another state of height %d", l.tip.height, height)
	}
	return nil
}

// readUsed lists the used-id rows.
func (l *Ledger) readUsed() error {
	return l.usedRows(func(height uint64, time int64, _ []crypto.Hash) error {
		l.used = append(l.used, usedAt{height, time})
		return nil
	})
}

func (l *Ledger) usedRows(fn func(height uint64, time int64, ids []crypto.Hash) error) error {
	rows := uint32(0)
	err := state.EachRow(l.db, []byte{prefixUsed}, []byte{prefixUsed + 1}, func(key, row []byte) error {
		rows++
		body, err := state.Unseal(key, row)
		if err != nil {
			return err
		}
		if len(key) != 9 || len(body) < 8 || (len(body)-8)%crypto.HashSize != 0 {
			return state.Corrupt("malformed row of used ids")
		}
		ids := make([]crypto.Hash, (len(body)-8)/crypto.HashSize)
		for i := range ids {
			copy(ids[i][:], body[8+i*crypto.HashSize:])
		}
		return fn(binary.BigEndian.Uint64(key[1:]), int64(binary.BigEndian.Uint64(body)), ids)
	})
	if want := l.tipNow().usedRows; err == nil && rows != want {
		err = state.Corrupt("%d rows of used ids, the tip row says %d", rows, want)
	}
	return err
}

// UsedIDs calls fn, in ascending order, for every committed block of the last
// types.Window of block time that used ids up.
func (l *Ledger) UsedIDs(fn func(height uint64, timeNs int64, ids []crypto.Hash) error) error {
	if err := l.usable(); err != nil {
		return err
	}
	return l.usedRows(fn)
}
