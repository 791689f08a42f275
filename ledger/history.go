package ledger

import (
	"encoding/hex"
	"sort"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Ref is the position of a transaction, or of an event, in the chain.
type Ref = block.Ref

// Change is one entry of a block's write set.
type Change = block.Change

// head returns header and content of a height: from the state store, or, where it no
// longer keeps it, from the block store.
func (l *Ledger) head(height uint64) (types.Header, proof.Content, error) {
	k := heightKey(prefixHeader, height)
	body, found, err := l.sealed(k)
	if err != nil {
		return types.Header{}, proof.Content{}, err
	}
	if !found {
		return l.blocks.Header(height)
	}
	return block.DecodeHead(height, body)
}

// checkedHead is head, checked: the header against the hash that the next header, or the
// tip, holds of it, the content against the header.
func (l *Ledger) checkedHead(height uint64) (types.Header, proof.Content, error) {
	var none types.Header
	t := l.tipNow()
	if !t.initialized || height > t.height {
		return none, proof.Content{}, types.Errorf(types.CodeHeightUnknown, "height %d is not committed; the newest is %d", height, t.height)
	}
	h, c, err := l.head(height)
	if err != nil {
		return none, c, err
	}
	hash := t.header
	if height < t.height {
		next, _, err := l.head(height + 1)
		if err != nil {
			return none, c, err
		}
		hash = next.Previous
	}
	content := h.Content
	if height == 0 {
		content = c.Root() // sealed; the genesis state has no header to compare with
	}
	if height > 0 && h.Hash() != hash || c.Root() != content {
		return none, c, state.Corrupt("header or content of height %d was altered", height)
	}
	return h, c, nil
}

// Header returns the header of a committed height from 1 on: HC-4104 if it is not
// committed or no longer kept, HC-4101 if it was altered.
func (l *Ledger) Header(height uint64) (types.Header, error) {
	if err := l.usable(); err != nil {
		return types.Header{}, err
	}
	if height == 0 {
		return types.Header{}, types.Errorf(types.CodeHeightUnknown, "the genesis state has no header")
	}
	h, _, err := l.checkedHead(height)
	return h, err
}

// Content returns what the content root of a committed height is made of.
func (l *Ledger) Content(height uint64) (proof.Content, error) {
	if err := l.usable(); err != nil {
		return proof.Content{}, err
	}
	_, c, err := l.checkedHead(height)
	return c, err
}

// Signers returns signers(height): the set that votes at height+1 and signs the header of height.
func (l *Ledger) Signers(height uint64) (types.ValidatorSet, error) {
	hash, _, err := l.setHashes(height)
	if err != nil {
		return nil, err
	}
	return l.namedSet(hash)
}

// NextSigners returns nextSigners(height): the set that votes at height+2.
func (l *Ledger) NextSigners(height uint64) (types.ValidatorSet, error) {
	_, hash, err := l.setHashes(height)
	if err != nil {
		return nil, err
	}
	return l.namedSet(hash)
}

// namedSet is the set with a hash that a kept header names; it must be there.
func (l *Ledger) namedSet(hash crypto.Hash) (types.ValidatorSet, error) {
	set, err := l.ValidatorSet(hash)
	if types.CodeOf(err) == types.CodeNotFound {
		err = state.Corrupt("validator set %s is missing", hash)
	}
	return set, err
}

func (l *Ledger) setHashes(height uint64) (signers, next crypto.Hash, err error) {
	if height > 0 {
		h, err := l.Header(height)
		return h.Signers, h.NextSigners, err
	}
	body, found, err := l.sealed(heightKey(prefixSigners, 0))
	if err != nil {
		return signers, next, err
	}
	if !found || len(body) != 2*crypto.HashSize {
		return signers, next, types.Errorf(types.CodeHeightUnknown, "the genesis state is not committed")
	}
	copy(signers[:], body)
	copy(next[:], body[crypto.HashSize:])
	return signers, next, nil
}

// ValidatorSet returns the set with a hash that some header names; HC-1003 if unknown.
func (l *Ledger) ValidatorSet(hash crypto.Hash) (types.ValidatorSet, error) {
	body, found, err := l.sealed(append([]byte{prefixSet}, hash[:]...))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeNotFound, "validator set %s", hash)
	}
	set, err := types.DecodeValidatorSet(body)
	if err != nil || crypto.Sum(body) != hash {
		return nil, state.Corrupt("validator set %s was altered", hash)
	}
	return set, nil
}

// Certificate returns the finality certificate of a height; HC-1003 if none is kept.
func (l *Ledger) Certificate(height uint64) (*types.FinalityCertificate, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	return l.blocks.Certificate(height)
}

// LastCommit returns CometBFT's commit of the block before, in protobuf, as the block of a
// height carries it; HC-1003 if it is not kept, as that of the newest block is not.
func (l *Ledger) LastCommit(height uint64) ([]byte, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	return l.blocks.Commit(height)
}

// PutCertificate keeps the certificate of a committed height ahead of the block that
// carries it, after verifying it. It may be lost in a crash. One that is kept already stays.
func (l *Ledger) PutCertificate(c *types.FinalityCertificate) error {
	h, err := l.Header(c.Height)
	if err != nil {
		return err
	}
	if _, err := l.blocks.Certificate(c.Height); err == nil {
		return nil
	}
	signers, err := l.Signers(c.Height)
	if err != nil {
		return err
	}
	if err := c.Verify(&h, signers); err != nil {
		return types.Errorf(types.CodeProofInvalid, "%w", err)
	}
	if err := l.putCertificate(c); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.certified = max(l.certified, c.Height)
	return nil
}

// putCertificate keeps a certificate unless there is one: that which a block carries is
// part of its record and is not replaced by another.
func (l *Ledger) putCertificate(c *types.FinalityCertificate) error {
	l.certificates.Lock()
	defer l.certificates.Unlock()
	if _, err := l.blocks.Certificate(c.Height); err == nil {
		return nil
	}
	return l.blocks.PutCertificate(c)
}

// Certified is the newest height with a certificate; 0 if there is none.
func (l *Ledger) Certified() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.certified
}

// Writes returns the write set of a block, checked against its root.
func (l *Ledger) Writes(height uint64) ([]Change, error) {
	s, err := l.serve(height, block.KindWrites)
	if err != nil {
		return nil, err
	}
	return s.changes, nil
}

// RowAt returns the row that the block at height wrote for a key; HC-1003 if it wrote none.
func (l *Ledger) RowAt(ns string, key []byte, height uint64) (state.Row, error) {
	c, err := l.ChangeAt(ns, key, height)
	if err != nil {
		return state.Row{}, err
	}
	return state.Row{Height: height, TxIndex: c.TxIndex, Deleted: c.Delete, Value: c.Value}, nil
}

// ChangeAt returns what the block at height did to a key; HC-1003 if nothing. Its
// PrevHeight leads to the writing before: the history of a key is a walk along it.
func (l *Ledger) ChangeAt(ns string, key []byte, height uint64) (*Change, error) {
	_, c, err := l.changeAt(ns, key, height)
	return c, err
}

// changeAt is ChangeAt with the place in the write set.
func (l *Ledger) changeAt(ns string, key []byte, height uint64) (int, *Change, error) {
	all, err := l.Writes(height)
	if err != nil {
		return 0, nil, err
	}
	i := sort.Search(len(all), func(i int) bool {
		if all[i].NS != ns {
			return all[i].NS > ns
		}
		return strings.Compare(string(all[i].Key), string(key)) >= 0
	})
	if i == len(all) || all[i].NS != ns || string(all[i].Key) != string(key) {
		return 0, nil, types.Errorf(types.CodeNotFound, "block %d does not write %s/%s", height, ns, hex.EncodeToString(key))
	}
	return i, &all[i], nil
}
