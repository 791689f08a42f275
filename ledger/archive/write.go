package archive

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/proof"
)

// Writer builds a segment. It holds one page and the tables in memory.
type Writer struct {
	to     io.Writer
	sum    hash.Hash
	packer *packer
	head   head
	page   []byte // plaintext not written yet
	dir    []byte // sizes of pages
	blocks []byte // sizes of parts
	ids    []idEntry
	hashes []crypto.Hash
	at     uint64 // bytes written
	foot   footer
	err    error // the first failure; it stays
}

type idEntry struct {
	id    uint64
	block uint16
	index uint32
}

// Info is what a finished segment is.
type Info struct {
	Identity
	Cipher Cipher
	Bytes  uint64      // of the file
	Plain  uint64      // of the records
	Sum    crypto.Hash // SM3 of the file
}

// NewWriter begins the segment id on to. key is nil for a segment that is not encrypted;
// it MUST be used for one segment alone.
func NewWriter(to io.Writer, id Identity, key *envelope.Key) (*Writer, error) {
	w := &Writer{to: to, sum: crypto.NewHash(), head: head{Identity: id}, page: make([]byte, 0, PageBytes)}
	if key != nil {
		w.head.cipher = SM4GCM
	}
	if id.First == 0 || (id.First-1)%SegmentBlocks != 0 {
		return nil, fmt.Errorf("no segment begins at height %d", id.First)
	}
	var err error
	if w.packer, err = newPacker(&w.head, key); err != nil {
		return nil, err
	}
	w.write(w.packer.head)
	return w, w.err
}

// Add appends the record of the next height. It verifies the record: HC-4101.
func (w *Writer) Add(r *Record) error {
	if w.err != nil {
		return w.err
	}
	n := len(w.hashes)
	if want := w.head.First + uint64(n); n == SegmentBlocks || r.Header.Height != want || r.Header.Genesis != w.head.Genesis {
		return fmt.Errorf("block %d of chain %s is not the next of the segment", r.Header.Height, r.Header.Genesis)
	}
	if err := r.Verify(); err != nil {
		return err
	}
	ids, err := r.txIDs()
	if err != nil {
		return err
	}
	for i, id := range ids {
		w.ids = append(w.ids, idEntry{binary.BigEndian.Uint64(id[:]), uint16(n), uint32(i)})
	}
	if len(w.ids) > maxIDs {
		return fmt.Errorf("more than %d transactions in a segment", maxIDs)
	}
	for p := PartHead; p < parts; p++ {
		n := w.part(r, p)
		if n > MaxPartBytes {
			w.fail(fmt.Errorf("block %d: %d bytes of %s, at most %d", r.Header.Height, n, p, MaxPartBytes))
		}
		w.blocks = binary.BigEndian.AppendUint32(w.blocks, uint32(n))
	}
	w.hashes = append(w.hashes, r.Hash())
	return w.err
}

// part appends one part, as types.EncodeList would, and returns its size; an empty list has
// no bytes.
func (w *Writer) part(r *Record, p Part) int {
	if p == PartHead {
		b := r.encode()
		w.plain(b)
		return len(b)
	}
	size := 0
	var head [binary.MaxVarintLen64]byte
	for _, it := range *r.list(p) {
		n := binary.PutUvarint(head[:], uint64(len(it)))
		w.plain(head[:n])
		w.plain(it)
		size += n + len(it)
	}
	return size
}

// plain appends to the plaintext.
func (w *Writer) plain(b []byte) {
	w.foot.plain += uint64(len(b))
	for len(b) > 0 {
		n := min(len(b), PageBytes-len(w.page))
		w.page, b = append(w.page, b[:n]...), b[n:]
		if len(w.page) == PageBytes {
			w.flush()
		}
	}
}

// flush writes the page.
func (w *Writer) flush() {
	if len(w.page) == 0 {
		return
	}
	if w.foot.pages == maxPages {
		w.fail(fmt.Errorf("more than %d pages", maxPages))
	}
	n := w.section(w.foot.pages, w.page)
	w.dir = binary.BigEndian.AppendUint32(w.dir, n)
	w.foot.pages++
	w.page = w.page[:0]
}

// section writes one packed section and returns its size in the file.
func (w *Writer) section(n uint32, plain []byte) uint32 {
	if w.err != nil {
		return 0
	}
	b, err := w.packer.pack(n, plain)
	if err == nil && len(b) > math.MaxUint32 {
		err = fmt.Errorf("section %d is too large", n)
	}
	if err != nil {
		w.fail(err)
		return 0
	}
	w.write(b)
	return uint32(len(b))
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	if _, err := w.to.Write(b); err != nil {
		w.fail(err)
		return
	}
	w.sum.Write(b)
	w.at += uint64(len(b))
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Close writes the tables and the footer, and checks that the records have the root that
// the segment was begun with. It does not close the file.
func (w *Writer) Close() (Info, error) {
	defer w.packer.close()
	if w.err == nil && len(w.hashes) != SegmentBlocks {
		w.fail(fmt.Errorf("%d of %d blocks are in the segment", len(w.hashes), SegmentBlocks))
	}
	if w.err == nil && proof.ListRoot(w.hashes) != w.head.Root {
		w.fail(damaged("the blocks from %d on do not have the root %s", w.head.First, w.head.Root))
	}
	w.flush()
	slices.SortFunc(w.ids, func(a, b idEntry) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.block, b.block), cmp.Compare(a.index, b.index))
	})
	table := make([]byte, 0, len(w.ids)*idSize)
	for _, e := range w.ids {
		table = binary.BigEndian.AppendUint64(table, e.id)
		table = binary.BigEndian.AppendUint16(table, e.block)
		table = binary.BigEndian.AppendUint32(table, e.index)
	}
	w.foot.ids = w.at
	w.section(sectionIDs, table)
	w.foot.dir = w.at
	w.section(sectionDir, append(w.dir, w.blocks...))

	foot := w.foot.encode()
	w.write(foot[:sumOffset])
	if w.err == nil {
		w.sum.Sum(w.foot.sum[:0])
	}
	w.write(w.foot.encode()[sumOffset:])
	return Info{Identity: w.head.Identity, Cipher: w.head.cipher, Bytes: w.at, Plain: w.foot.plain, Sum: crypto.Hash(w.sum.Sum(nil))}, w.err
}
