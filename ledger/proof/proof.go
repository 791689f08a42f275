package proof

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Trust is what a verifier must know beforehand: the chain, and who must have signed.
type Trust struct {
	Genesis    crypto.Hash        // genesis hash of the chain
	Validators types.ValidatorSet // the set that signs headers at the proof's height
}

// Proof shows, without any other source, that one fact belongs to a block that more than
// two thirds of the validators signed. Exactly one of State, Tx, Receipt, Event and Write is
// set.
type Proof struct {
	Header      types.Header
	Certificate types.FinalityCertificate
	Signers     types.ValidatorSet // the set the header names as its signers
	Path        ContentPath        // from the part's leaf to the content root
	State       *StatePart
	Tx          *TxPart
	Receipt     *ReceiptPart
	Event       *EventPart
	Write       *WritePart
}

// StatePart is what the state held for a key after the block.
type StatePart struct {
	NS    string
	Key   []byte
	Proof StateProof
}

// TxPart is a transaction of the block.
type TxPart struct {
	Raw  []byte // complete transaction
	List ListProof
}

// ReceiptPart is what became of a transaction of the block.
type ReceiptPart struct {
	Receipt types.Receipt
	List    ListProof
}

// EventPart is an event of the block.
type EventPart struct {
	Event types.Event
	List  ListProof
}

// Verify checks everything the proof claims: the part leads to the header's content root,
// the header is of the trusted chain, and more than two thirds of the trusted validators
// signed it. The error is HC-4201.
func (p *Proof) Verify(t Trust) error {
	if err := p.verify(t); err != nil {
		return types.Errorf(types.CodeProofInvalid, "%w", err)
	}
	return nil
}

func (p *Proof) verify(t Trust) error {
	if p.Header.Genesis != t.Genesis {
		return errors.New("proof is of another chain: the genesis hash differs")
	}
	if p.Signers.Hash() != t.Validators.Hash() {
		return errors.New("proof was signed by another validator set than the trusted one")
	}
	if err := p.VerifyContent(); err != nil {
		return err
	}
	return p.Certificate.Verify(&p.Header, t.Validators)
}

// VerifyContent checks that the part leads to the header's content root. It does not look
// at signatures: the caller MUST trust the header by other means.
func (p *Proof) VerifyContent() error {
	position, leaf, err := p.part()
	if err != nil {
		return err
	}
	if p.Path.root(position, leaf) != p.Header.Content {
		return errors.New("proof does not lead to the header's content root")
	}
	return nil
}

// oneFact checks that exactly one part is set and has a shape that can be encoded.
func (p *Proof) oneFact() error {
	n := 0
	for _, set := range []bool{p.State != nil, p.Tx != nil, p.Receipt != nil, p.Event != nil, p.Write != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return errors.New("a proof holds exactly one fact")
	}
	if s := p.State; s != nil && (len(s.NS) > MaxNamespaceBytes || len(s.Proof.Siblings) > MaxDepth || s.Proof.Ends > EndsForeign) {
		return errors.New("namespace or path too long, or unknown ending")
	}
	if p.Write != nil {
		return p.Write.check()
	}
	return nil
}

// part returns position and hash of the content leaf that the part leads to.
func (p *Proof) part() (position int, leaf crypto.Hash, err error) {
	if err := p.oneFact(); err != nil {
		return 0, leaf, err
	}
	switch {
	case p.State != nil:
		s := p.State
		if s.Proof.Height > p.Header.Height {
			return 0, leaf, fmt.Errorf("row of height %d in a state of height %d", s.Proof.Height, p.Header.Height)
		}
		root, err := s.Proof.Root(StateKeyHash(s.NS, s.Key))
		return LeafState, rootLeaf(LeafState, root), err
	case p.Tx != nil:
		return listPart(LeafTxs, &p.Tx.List, crypto.Sum(p.Tx.Raw))
	case p.Receipt != nil:
		return listPart(LeafReceipts, &p.Receipt.List, crypto.Sum(p.Receipt.Receipt.Encode()))
	case p.Write != nil:
		return p.Write.leaf(p.Header.Height)
	default:
		return listPart(LeafEvents, &p.Event.List, crypto.Sum(p.Event.Event.Encode()))
	}
}

func listPart(position byte, l *ListProof, item crypto.Hash) (int, crypto.Hash, error) {
	root, err := l.Root(item)
	return int(position), countedLeaf(position, root, l.Count), err
}
