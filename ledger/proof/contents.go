package proof

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Contents is everything a block holds, so that whoever keeps a copy of a chain can check
// each part against the block's header.
type Contents struct {
	Header   types.Header
	Content  Content
	Txs      [][]byte // complete transactions
	Receipts [][]byte // encoded, one per transaction
	Events   [][]byte // encoded
	Writes   []WritePart
}

// Bounds of encoded Contents.
const (
	MaxContentsBytes = 56 << 20
	maxContentsItems = 1 << 20
)

// Encode returns u32 len ‖ header ‖ content ‖ four lists, each u32 len ‖ list of types.EncodeList:
// transactions, receipts, events, writes.
func (c *Contents) Encode() []byte {
	writes := make([][]byte, len(c.Writes))
	for i := range c.Writes {
		writes[i] = c.Writes[i].item()
	}
	b := append(appendBlob(nil, c.Header.Encode()), c.Content.Encode()...)
	for _, list := range [][][]byte{c.Txs, c.Receipts, c.Events, writes} {
		b = appendBlob(b, types.EncodeList(list))
	}
	return b
}

// DecodeContents reads what Encode wrote and nothing else. It verifies nothing; the result
// aliases in. The error is HC-4201.
func DecodeContents(in []byte) (*Contents, error) {
	c, err := decodeContents(in)
	if err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "decode contents of a block: %w", err)
	}
	return c, nil
}

func decodeContents(in []byte) (*Contents, error) {
	if len(in) > MaxContentsBytes {
		return nil, fmt.Errorf("%d bytes, at most %d", len(in), MaxContentsBytes)
	}
	d := &decoder{rest: in}
	header, content := d.blob(maxHeaderBytes), d.take(ContentSize)
	var lists [4][][]byte
	for i := range lists {
		raw := d.blob(MaxContentsBytes)
		if d.err != nil {
			return nil, d.err
		}
		if len(raw) == 0 {
			continue
		}
		var err error
		if lists[i], err = types.DecodeList(raw, maxContentsItems); err != nil {
			return nil, err
		}
	}
	if len(d.rest) > 0 {
		return nil, errors.New("trailing bytes")
	}
	c := &Contents{Txs: lists[0], Receipts: lists[1], Events: lists[2], Writes: make([]WritePart, len(lists[3]))}
	var err error
	if c.Header, err = types.DecodeHeader(header); err != nil {
		return nil, err
	}
	if c.Content, err = DecodeContent(content); err != nil {
		return nil, err
	}
	for i, raw := range lists[3] {
		w, err := decodeWrite(raw)
		if err != nil {
			return nil, fmt.Errorf("write %d: %w", i, err)
		}
		c.Writes[i] = *w
	}
	return c, nil
}

// Verify checks that content and lists are those of the header. That the header is of a
// trusted chain is for the caller to show. The error is HC-4201.
func (c *Contents) Verify() error {
	if c.Content.Root() != c.Header.Content {
		return types.Errorf(types.CodeProofInvalid, "block %d: the content is not that of the header", c.Header.Height)
	}
	for _, list := range []struct {
		name   string
		hashes []crypto.Hash
		root   crypto.Hash
		count  uint64
	}{
		{"transactions", crypto.SumEach(c.Txs), c.Content.Txs, c.Content.TxCount},
		{"receipts", crypto.SumEach(c.Receipts), c.Content.Receipts, c.Content.TxCount},
		{"events", crypto.SumEach(c.Events), c.Content.Events, c.Content.EventCount},
		{"writes", HashRecords(c.records()), c.Content.WriteSet, c.Content.WriteCount},
	} {
		if uint64(len(list.hashes)) != list.count || ListRoot(list.hashes) != list.root {
			return types.Errorf(types.CodeProofInvalid, "block %d: the %s are not those of the header", c.Header.Height, list.name)
		}
	}
	return nil
}

// records are what the write set's root is over.
func (c *Contents) records() []WriteRecord {
	out := make([]WriteRecord, len(c.Writes))
	keys, rows := make([][]byte, len(out)), make([][]byte, len(out))
	for i := range out {
		w := &c.Writes[i]
		keys[i] = AppendStateKey(nil, w.NS, w.Key)
		if w.Deleted {
			rows[i] = TombstoneBytes(c.Header.Height, w.TxIndex)
		} else {
			rows[i] = RowBytes(c.Header.Height, w.TxIndex, w.Value)
		}
	}
	keyHashes, valueHashes := crypto.SumEach(keys), crypto.SumEach(rows)
	for i := range out {
		w := &c.Writes[i]
		out[i] = WriteRecord{KeyHash: keyHashes[i], ValueHash: valueHashes[i], TxIndex: w.TxIndex, HasPrevious: w.HasPrevious, PrevHeight: w.PrevHeight, PrevTx: w.PrevTx}
	}
	return out
}
