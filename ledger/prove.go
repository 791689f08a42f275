package ledger

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// ProveState proves what a key holds, or that it holds nothing, at the newest height that
// has a certificate. HC-5101 while there is none that is recent enough.
func (l *Ledger) ProveState(ns string, key []byte) (*proof.Proof, error) {
	for {
		height := l.Certified()
		p, err := l.proveStateAt(height, ns, key)
		// Commits may have pushed the height out of the kept ones meanwhile.
		if types.CodeOf(err) != types.CodeHeightUnknown || l.Certified() == height {
			return p, err
		}
	}
}

func (l *Ledger) proveStateAt(height uint64, ns string, key []byte) (*proof.Proof, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	oldest, ok := l.st.Oldest()
	if height == 0 || !ok || height < oldest && height == l.Certified() {
		return nil, types.Errorf(types.CodeNotReady, "no recent height has a finality certificate yet")
	}
	p, content, err := l.anchor(height)
	if err != nil {
		return nil, err
	}
	part, root, err := l.st.Prove(height, ns, key)
	if err != nil {
		return nil, err
	}
	if root != content.State {
		return nil, types.Errorf(types.CodeLedgerMismatch, "kept state of height %d has another root than its header", height)
	}
	p.State = &proof.StatePart{NS: ns, Key: append([]byte(nil), key...), Proof: *part}
	return finish(p, content, proof.LeafState)
}

// ProveTx proves that a transaction stands in its block. HC-1003 if it is unknown, HC-5101
// while its block has no certificate.
func (l *Ledger) ProveTx(id crypto.Hash) (*proof.Proof, error) {
	ref, err := l.ref(id)
	if err != nil {
		return nil, err
	}
	p, s, list, content, err := l.provePart(ref, block.KindTxs)
	if err != nil {
		return nil, err
	}
	p.Tx = &proof.TxPart{Raw: s.items[ref.Index], List: *list}
	return finish(p, content, proof.LeafTxs)
}

// ProveReceipt proves what became of a transaction.
func (l *Ledger) ProveReceipt(id crypto.Hash) (*proof.Proof, error) {
	ref, err := l.ref(id)
	if err != nil {
		return nil, err
	}
	p, s, list, content, err := l.provePart(ref, block.KindReceipts)
	if err != nil {
		return nil, err
	}
	p.Receipt = &proof.ReceiptPart{Receipt: s.receipts[ref.Index], List: *list}
	return finish(p, content, proof.LeafReceipts)
}

// ProveEvent proves the event at a position among the events of a block.
func (l *Ledger) ProveEvent(r Ref) (*proof.Proof, error) {
	p, s, list, content, err := l.provePart(r, block.KindEvents)
	if err != nil {
		return nil, err
	}
	p.Event = &proof.EventPart{Event: s.events[r.Index], List: *list}
	return finish(p, content, proof.LeafEvents)
}

// ProveStates proves what several keys hold, at the newest height that has a certificate:
// at most proof.MaxMulti.
func (l *Ledger) ProveStates(keys []proof.StateKey) (*proof.MultiProof, error) {
	if len(keys) == 0 || len(keys) > proof.MaxMulti {
		return nil, types.Errorf(types.CodeUsage, "a proof is of 1 to %d keys, not %d", proof.MaxMulti, len(keys))
	}
	for {
		height := l.Certified()
		p, err := l.proveStatesAt(height, keys)
		if types.CodeOf(err) != types.CodeHeightUnknown || l.Certified() == height {
			return p, err
		}
	}
}

func (l *Ledger) proveStatesAt(height uint64, keys []proof.StateKey) (*proof.MultiProof, error) {
	var parts []*proof.StateProof
	var out *proof.MultiProof
	for i := range keys {
		p, err := l.proveStateAt(height, keys[i].NS, keys[i].Key)
		if err != nil {
			return nil, err
		}
		parts = append(parts, &p.State.Proof)
		out = &proof.MultiProof{Header: p.Header, Certificate: p.Certificate, Signers: p.Signers, Path: p.Path}
	}
	var err error
	if out.State, err = proof.JoinStates(keys, parts); err == nil {
		_, err = out.VerifyContent()
	}
	if err != nil {
		return nil, state.Corrupt("proofs of height %d do not fit together: %w", height, err)
	}
	return out, nil
}

// ProveTxs proves that the transactions at several positions stand in a block. Indexes
// MUST ascend; at most proof.MaxMulti.
func (l *Ledger) ProveTxs(height uint64, indexes []uint64) (*proof.MultiProof, error) {
	s, err := l.serve(height, block.KindTxs)
	if err != nil {
		return nil, err
	}
	list, err := proof.ProveItems(proof.LeafTxs, s.hashes(height, block.KindTxs), indexes)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	for i := range list.Items {
		list.Items[i].Bytes = s.items[list.Items[i].Index]
	}
	p, content, err := l.anchor(height)
	if err != nil {
		return nil, err
	}
	out := &proof.MultiProof{Header: p.Header, Certificate: p.Certificate, Signers: p.Signers, List: list}
	if out.Path, err = content.Prove(proof.LeafTxs); err == nil {
		_, err = out.VerifyContent()
	}
	if err != nil {
		return nil, state.Corrupt("transactions of block %d do not lead to its header: %w", height, err)
	}
	return out, nil
}

// ProveWrite proves what the block at a height from 1 on did to a key, and where the key
// was written before. HC-1003 if it did nothing to it.
func (l *Ledger) ProveWrite(ns string, key []byte, height uint64) (*proof.Proof, error) {
	if height == 0 {
		return nil, types.Errorf(types.CodeNotFound, "the genesis state has no header that proves its rows")
	}
	i, c, err := l.changeAt(ns, key, height)
	if err != nil {
		return nil, err
	}
	p, _, list, content, err := l.provePart(Ref{Height: height, Index: uint32(i)}, block.KindWrites)
	if err != nil {
		return nil, err
	}
	p.Write = &proof.WritePart{NS: c.NS, Key: c.Key, Deleted: c.Delete, Value: c.Value, TxIndex: c.TxIndex,
		HasPrevious: c.HasPrevious, PrevHeight: c.PrevHeight, PrevTx: c.PrevTx, List: *list}
	return finish(p, content, proof.LeafWrites)
}

// ProveHistory proves who wrote a key before: up to limit writings, at most
// proof.MaxHistory, from the one at height from, or from the newest if it is 0, back.
// HC-1003 if the key was never written, HC-5101 while the newest writing has no certificate.
func (l *Ledger) ProveHistory(ns string, key []byte, from uint64, limit int) (proof.History, error) {
	if limit < 1 || limit > proof.MaxHistory {
		return nil, types.Errorf(types.CodeUsage, "a history holds 1 to %d writings, not %d", proof.MaxHistory, limit)
	}
	if from == 0 {
		row, found, err := l.GetRow(ns, key)
		if err != nil {
			return nil, err
		}
		if !found || row.Height == 0 {
			return nil, types.Errorf(types.CodeNotFound, "no block wrote that key")
		}
		from = row.Height
	}
	var out proof.History
	for height, more := from, true; more && height > 0 && len(out) < limit; {
		p, err := l.ProveWrite(ns, key, height)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
		height, more = p.Write.PrevHeight, p.Write.HasPrevious
	}
	return out, nil
}

func (l *Ledger) ref(id crypto.Hash) (Ref, error) {
	h, i, err := l.TxByID(id)
	return Ref{Height: h, Index: i}, err
}

// provePart makes anchor and list proof of an item of a block.
func (l *Ledger) provePart(r Ref, kind block.Kind) (*proof.Proof, *served, *proof.ListProof, *proof.Content, error) {
	s, err := l.serve(r.Height, kind)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if _, err := at(s.items, r, kindName(kind)); err != nil {
		return nil, nil, nil, nil, err
	}
	p, content, err := l.anchor(r.Height)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	list, err := proof.ProveList(s.hashes(r.Height, kind), int(r.Index))
	return p, s, list, content, err
}

// anchor makes the part of a proof that every fact of a height shares.
func (l *Ledger) anchor(height uint64) (*proof.Proof, *proof.Content, error) {
	h, content, err := l.checkedHead(height)
	if err != nil {
		return nil, nil, err
	}
	cert, err := l.blocks.Certificate(height)
	if types.CodeOf(err) == types.CodeNotFound {
		return nil, nil, types.Errorf(types.CodeNotReady, "height %d has no finality certificate yet", height)
	}
	if err != nil {
		return nil, nil, err
	}
	signers, err := l.namedSet(h.Signers)
	if err != nil {
		return nil, nil, err
	}
	return &proof.Proof{Header: h, Certificate: *cert, Signers: signers}, &content, nil
}

// finish adds the content path and checks that the proof holds before it is handed out.
func finish(p *proof.Proof, content *proof.Content, position int) (*proof.Proof, error) {
	var err error
	if p.Path, err = content.Prove(position); err != nil {
		return nil, err
	}
	if err := p.VerifyContent(); err != nil {
		return nil, state.Corrupt("proof at height %d: %w", p.Header.Height, err)
	}
	return p, nil
}
