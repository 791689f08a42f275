package ledger

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/types"
)

// MaxPage bounds the length of a page.
const MaxPage = 1000

// Cursor continues a listing behind its last entry: 24 hex digits of height and index. It
// stays good while blocks are added. Empty: from the start, and after the last page.
type Cursor string

// Page says which part of a listing to return.
type Page struct {
	Limit  int    // 1 to MaxPage; 0: 100
	Cursor Cursor // of the page before
	Oldest bool   // oldest first; else newest first
}

// TxByID returns where a transaction stands; HC-1003 if no committed block holds it.
func (l *Ledger) TxByID(id crypto.Hash) (height uint64, index uint32, err error) {
	if err := l.usable(); err != nil {
		return 0, 0, err
	}
	tip := l.Height()
	ref, ok, err := l.blocks.TxByID(id, l.Base(), tip)
	if err != nil {
		return 0, 0, err
	}
	none := types.Errorf(types.CodeNotFound, "transaction %s", id)
	if !ok || ref.Height > tip || ref.Height < l.Base() {
		return 0, 0, none
	}
	// The index holds the first half of each id, the receipt the whole.
	r, err := l.Receipt(ref)
	if err != nil {
		return 0, 0, err
	}
	if r.TxID != id {
		return 0, 0, none
	}
	return ref.Height, ref.Index, nil
}

// HeightOf returns the height of the block whose header has a hash; HC-1003 if no kept
// block has.
func (l *Ledger) HeightOf(hash crypto.Hash) (uint64, error) {
	if err := l.usable(); err != nil {
		return 0, err
	}
	base, tip := l.Base(), l.Height()
	height, ok, err := l.blocks.ByHeaderHash(hash, base, tip)
	if err != nil {
		return 0, err
	}
	none := types.Errorf(types.CodeNotFound, "block %s", hash)
	if !ok || height == 0 || height > tip || height < base {
		return 0, none
	}
	h, err := l.Header(height) // the index holds the first half of the hash
	if err == nil && h.Hash() != hash {
		err = none
	}
	if err != nil {
		return 0, err
	}
	return height, nil
}

// indexHashes completes the index by header hash of a ledger that began before there was
// one: its newest block is not in it.
func (l *Ledger) indexHashes() error {
	base, tip := l.Base(), l.Height()
	if tip == 0 || tip < base {
		return nil
	}
	h, err := l.Header(tip)
	if err != nil {
		return err
	}
	if _, ok, err := l.blocks.ByHeaderHash(h.Hash(), tip, tip); err != nil || ok {
		return err
	}
	return l.blocks.IndexHashes(base, tip)
}

// TxsBySender lists the transactions an address sent.
func (l *Ledger) TxsBySender(a types.Address, q Page) ([]Ref, Cursor, error) {
	kind, prefix := block.BySender(a)
	return l.list(IndexSender, kind, prefix, q)
}

// TxsByContract lists the transactions that called a contract.
func (l *Ledger) TxsByContract(name string, q Page) ([]Ref, Cursor, error) {
	kind, prefix := block.ByContract(name)
	return l.list(IndexContract, kind, prefix, q)
}

// EventsByContract lists the events of a contract, of one name or, if it is empty, of all;
// Ref.Index is the event's position among the events of its block.
func (l *Ledger) EventsByContract(name, eventName string, q Page) ([]Ref, Cursor, error) {
	kind, prefix := block.ByEvent(name, eventName)
	return l.list(IndexEvent, kind, prefix, q)
}

// TxsByKey lists the transactions that wrote a key, one for each block that changed it.
func (l *Ledger) TxsByKey(ns string, key []byte, q Page) ([]Ref, Cursor, error) {
	kind, prefix := block.ByKey(ns, key)
	return l.list(IndexKey, kind, prefix, q)
}

// list reads a page of an index. HC-1004 if the index is switched off.
func (l *Ledger) list(index Indexes, kind block.Kind, prefix []byte, q Page) ([]Ref, Cursor, error) {
	if err := l.usable(); err != nil {
		return nil, "", err
	}
	if l.p.Indexes&index == 0 {
		return nil, "", types.Errorf(types.CodeConfig, "this node does not keep that index")
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return nil, "", types.Errorf(types.CodeUsage, "a page holds 1 to %d entries, not %d", MaxPage, q.Limit)
	}
	after, err := q.Cursor.ref()
	if err != nil {
		return nil, "", err
	}
	refs, more, err := l.blocks.List(block.Query{Kind: kind, Prefix: prefix, Base: l.Base(), Tip: l.Height(), After: after, Oldest: q.Oldest, Limit: q.Limit})
	if err != nil || !more {
		return refs, "", err
	}
	return refs, cursorOf(refs[len(refs)-1]), nil
}

func cursorOf(r Ref) Cursor {
	b := binary.BigEndian.AppendUint64(nil, r.Height)
	return Cursor(hex.EncodeToString(binary.BigEndian.AppendUint32(b, r.Index)))
}

func (c Cursor) ref() (*Ref, error) {
	if c == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(string(c))
	if err != nil || len(b) != 12 {
		return nil, types.Errorf(types.CodeUsage, "%q is no cursor", string(c))
	}
	return &Ref{Height: binary.BigEndian.Uint64(b), Index: binary.BigEndian.Uint32(b[8:])}, nil
}

func at[T any](all []T, r Ref, what string) (T, error) {
	if uint64(r.Index) >= uint64(len(all)) {
		var none T
		return none, types.Errorf(types.CodeNotFound, "%s %d of block %d, which holds %d", what, r.Index, r.Height, len(all))
	}
	return all[r.Index], nil
}
