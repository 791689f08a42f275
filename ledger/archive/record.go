package archive

import (
	"encoding/binary"
	"errors"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Part is one of the lists of a record, stored apart so that it can be read alone.
type Part int

// The parts of a record, in the order in which they are stored.
const (
	PartHead     Part = iota // header, content and commit
	PartTxs                  // complete transactions
	PartReceipts             // encoded receipts, one per transaction
	PartEvents               // encoded events
	PartWrites               // encoded changes of package block
	parts
)

var partNames = [parts]string{"head", "transactions", "receipts", "events", "writes"}

// String is the part's name in messages.
func (p Part) String() string { return partNames[p] }

// tagRecord separates record hashes from all other hashes.
const tagRecord = 0x04

// Record is what every validator has of one block.
type Record struct {
	Head
	Txs      [][]byte // complete transactions
	Receipts [][]byte // encoded, one per transaction
	Events   [][]byte // encoded
	Writes   [][]byte // encoded, see block.Change
}

// Head is the part of a record that its hash covers directly.
type Head struct {
	Header  types.Header
	Content proof.Content
	// Commit is CometBFT's commit of the block before, in protobuf, as this block carries
	// it; of at most MaxCommitBytes. Nodes' own (seen, extended) commits differ from it.
	Commit []byte
	// Certificate is the finality certificate, encoded, of the block before that one, as
	// this block carries it; of at most MaxCommitBytes, and empty where it carries none.
	Certificate []byte
}

// MaxCommitBytes bounds the commit and the certificate in a record.
const MaxCommitBytes = 1 << 20

// Hash is SM3(0x04 ‖ header hash ‖ SM3(commit) ‖ SM3(certificate)): the header's content
// root binds the lists.
func (h *Head) Hash() crypto.Hash {
	return RecordHash(h.Header.Hash(), crypto.Sum(h.Commit), crypto.Sum(h.Certificate))
}

// RecordHash is the hash of a record by those of its header, commit and certificate.
func RecordHash(header, commit, certificate crypto.Hash) crypto.Hash {
	return crypto.Sum([]byte{tagRecord}, header[:], commit[:], certificate[:])
}

// encode returns u16 len ‖ header ‖ content ‖ u32 len ‖ commit ‖ u32 len ‖ certificate.
func (h *Head) encode() []byte {
	header := h.Header.Encode()
	b := binary.BigEndian.AppendUint16(nil, uint16(len(header)))
	b = append(append(b, header...), h.Content.Encode()...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(h.Commit))), h.Commit...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(h.Certificate))), h.Certificate...)
}

// decodeHead reads what encode wrote and nothing else, and checks the content against the
// header.
func decodeHead(b []byte) (Head, error) {
	var h Head
	cut := errors.New("head is cut")
	if len(b) < 2 {
		return h, cut
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < n+proof.ContentSize {
		return h, cut
	}
	var err error
	if h.Header, err = types.DecodeHeader(b[2:n]); err != nil {
		return h, err
	}
	if h.Content, err = proof.DecodeContent(b[n : n+proof.ContentSize]); err != nil {
		return h, err
	}
	b = b[n+proof.ContentSize:]
	for _, field := range []*[]byte{&h.Commit, &h.Certificate} {
		if len(b) < 4 {
			return h, cut
		}
		size := binary.BigEndian.Uint32(b)
		if b = b[4:]; size > MaxCommitBytes || int(size) > len(b) {
			return h, cut
		}
		*field, b = b[:size:size], b[size:]
	}
	if len(b) > 0 {
		return h, errors.New("head is too long")
	}
	if h.Content.Root() != h.Header.Content {
		return h, errors.New("content is not that of the header")
	}
	return h, nil
}

// txIDs are the ids of the transactions, hashed together.
func (r *Record) txIDs() ([]crypto.Hash, error) {
	bodies := make([][]byte, len(r.Txs))
	for i, raw := range r.Txs {
		var err error
		if bodies[i], err = types.TxBody(raw); err != nil {
			return nil, damaged("block %d transaction %d: %w", r.Header.Height, i, err)
		}
	}
	return crypto.SumEach(bodies), nil
}

// list is the list that a part other than the head holds.
func (r *Record) list(p Part) *[][]byte {
	return [parts]*[][]byte{PartTxs: &r.Txs, PartReceipts: &r.Receipts, PartEvents: &r.Events, PartWrites: &r.Writes}[p]
}

// Verify checks that the lists are those of the header's content root.
func (r *Record) Verify() error {
	if r.Content.Root() != r.Header.Content {
		return damaged("block %d: content is not that of the header", r.Header.Height)
	}
	for p := PartTxs; p < parts; p++ {
		if err := r.Head.verify(p, *r.list(p)); err != nil {
			return err
		}
	}
	return nil
}

// verify checks one list against the content.
func (h *Head) verify(p Part, items [][]byte) error {
	var hashes []crypto.Hash
	if p == PartWrites {
		records, err := block.Records(h.Header.Height, items)
		if err != nil {
			return damaged("block %d: %w", h.Header.Height, err)
		}
		hashes = proof.HashRecords(records)
	} else {
		hashes = crypto.SumEach(items)
	}
	want, count := h.wanted(p)
	if uint64(len(items)) != count || proof.ListRoot(hashes) != want {
		return damaged("block %d: the %s are not those of the header", h.Header.Height, p)
	}
	return nil
}

// wanted is the root and the count that the content names for a list.
func (h *Head) wanted(p Part) (crypto.Hash, uint64) {
	c := &h.Content
	switch p {
	case PartTxs:
		return c.Txs, c.TxCount
	case PartReceipts:
		return c.Receipts, c.TxCount
	case PartEvents:
		return c.Events, c.EventCount
	}
	return c.WriteSet, c.WriteCount
}
