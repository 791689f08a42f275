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
