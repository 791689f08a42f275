package archive

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Source is where the bytes of a segment are: a file, or an object of a store.
type Source interface {
	Size() int64
	// ReadRange fills b from offset on, or fails.
	ReadRange(ctx context.Context, b []byte, offset int64) error
}

// Reader reads a segment. It keeps the directory in memory (4 bytes a page, 20 a block).
// It is safe for concurrent use.
type Reader struct {
	src   Source
	head  head
	foot  footer
	pages []uint64 // offsets of the pages in the file, and where the last one ends
	parts []uint64 // offsets of the parts in the plaintext, and where the last one ends

	mu     sync.Mutex // of packer and ids
	packer *packer
	ids    []byte // the id table, once it was needed
	page   []byte // the plaintext of the page read last
	pageNo uint64
}

// Open reads head, footer and directory. key is nil for a segment that is not encrypted.
// What it reads is checked as far as that goes without the records: HC-4101.
func Open(ctx context.Context, src Source, key *envelope.Key) (*Reader, error) {
	r := &Reader{src: src}
	if src.Size() < headSize+footerSize {
		return nil, damaged("the file is cut")
	}
	raw, err := r.read(ctx, 0, headSize)
	if err == nil {
		r.head, err = decodeFileHead(raw)
	}
	if err != nil {
		return nil, err
	}
	if r.packer, err = newPacker(&r.head, key); err != nil {
		return nil, err
	}
	if raw, err = r.read(ctx, uint64(src.Size())-footerSize, footerSize); err == nil {
		r.foot, err = decodeFooter(raw, src.Size())
	}
	if err == nil {
		err = r.directory(ctx)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Identity says which segment this claims to be; Verify proves it.
func (r *Reader) Identity() Identity { return r.head.Identity }

// Close frees what decompression holds. The source stays open.
func (r *Reader) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packer.close()
}

func (r *Reader) read(ctx context.Context, offset, n uint64) ([]byte, error) {
	b := make([]byte, n)
	if err := r.src.ReadRange(ctx, b, int64(offset)); err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return b, nil
}

func (r *Reader) unpack(section uint32, stored []byte, limit int) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.packer.unpack(section, stored, limit)
}

// directory reads the sizes of pages and parts.
func (r *Reader) directory(ctx context.Context) error {
	end := uint64(r.src.Size()) - footerSize
	want := int(r.foot.pages)*4 + SegmentBlocks*blockSize
	if end-r.foot.dir > uint64(want)+1<<16 {
		return damaged("the directory is too large")
	}
	stored, err := r.read(ctx, r.foot.dir, end-r.foot.dir)
	if err != nil {
		return err
	}
	b, err := r.unpack(sectionDir, stored, want)
	if err != nil {
		return err
	}
	if len(b) != want {
		return damaged("the directory does not fit the footer")
	}
	at := uint64(headSize)
	r.pages = append(make([]uint64, 0, r.foot.pages+1), at)
	for i := 0; i < int(r.foot.pages); i++ {
		at += uint64(binary.BigEndian.Uint32(b[4*i:]))
		r.pages = append(r.pages, at)
	}
	plain := uint64(0)
	r.parts = append(make([]uint64, 0, SegmentBlocks*int(parts)+1), plain)
	for b = b[4*r.foot.pages:]; len(b) > 0; b = b[4:] {
		n := binary.BigEndian.Uint32(b)
		if n > MaxPartBytes {
			return damaged("the directory names a part of %d bytes", n)
		}
		plain += uint64(n)
		r.parts = append(r.parts, plain)
	}
	if at != r.foot.ids || plain != r.foot.plain {
		return damaged("the directory does not fit the footer")
	}
	return nil
}

// bytes returns the plaintext of consecutive parts of one block, by one ranged read.
func (r *Reader) bytes(ctx context.Context, height uint64, from, to Part) ([]byte, error) {
	if height < r.head.First || height >= r.head.First+SegmentBlocks {
		return nil, types.Errorf(types.CodeHeightUnknown, "block %d is not in the segment from %d on", height, r.head.First)
	}
	i := int(height-r.head.First) * int(parts)
	begin, end := r.parts[i+int(from)], r.parts[i+int(to)+1]
	if begin == end {
		return nil, nil
	}
	first, last := begin/PageBytes, (end-1)/PageBytes
	if page := r.lastPage(first); page != nil && first == last {
		return page[begin-first*PageBytes : end-first*PageBytes], nil
	}
	stored, err := r.read(ctx, r.pages[first], r.pages[last+1]-r.pages[first])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, (last-first+1)*PageBytes)
	for p := first; p <= last; p++ {
		n := r.pages[p+1] - r.pages[p]
		plain, err := r.unpack(uint32(p), stored[:n], PageBytes)
		if err != nil {
			return nil, err
		}
		if size := min(PageBytes, r.foot.plain-p*PageBytes); uint64(len(plain)) != size {
			return nil, damaged("page %d holds %d bytes, want %d", p, len(plain), size)
		}
		out, stored = append(out, plain...), stored[n:]
	}
	r.mu.Lock()
	r.page, r.pageNo = out[(last-first)*PageBytes:], last
	r.mu.Unlock()
	return out[begin-first*PageBytes : end-first*PageBytes], nil
}

// lastPage is the page read last, if it is page n: blocks smaller than a page share it.
func (r *Reader) lastPage(n uint64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.page == nil || r.pageNo != n {
		return nil
	}
	return r.page
}

// Head returns header, content and commit of a block. The caller checks the header
// against one that it trusts, or the head's hash against the segment.
func (r *Reader) Head(ctx context.Context, height uint64) (*Head, error) {
	b, err := r.bytes(ctx, height, PartHead, PartHead)
	if err != nil {
		return nil, err
	}
	return r.headOf(height, b)
}

func (r *Reader) headOf(height uint64, b []byte) (*Head, error) {
	h, err := decodeHead(b)
	if err == nil && (h.Header.Height != height || h.Header.Genesis != r.head.Genesis) {
		err = fmt.Errorf("it is block %d of chain %s", h.Header.Height, h.Header.Genesis)
	}
	if err != nil {
		return nil, damaged("block %d: %w", height, err)
	}
	return &h, nil
}

// List returns one list of a block, checked against content, which the caller trusts.
func (r *Reader) List(ctx context.Context, height uint64, p Part, content *proof.Content) ([][]byte, error) {
	b, err := r.bytes(ctx, height, p, p)
	if err != nil {
		return nil, err
	}
	h := Head{Content: *content}
	h.Header.Height = height
	items, err := items(b)
	if err != nil {
		return nil, damaged("block %d: %w", height, err)
	}
	return items, h.verify(p, items)
}

// Items is List without the check of the items against the block's content, which the
// caller MUST make.
func (r *Reader) Items(ctx context.Context, height uint64, p Part) ([][]byte, error) {
	b, err := r.bytes(ctx, height, p, p)
	if err != nil {
		return nil, err
	}
	out, err := items(b)
	if err != nil {
		return nil, damaged("block %d: %w", height, err)
	}
	return out, nil
}

// items decodes a list; no bytes are the empty list.
func items(b []byte) ([][]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return types.DecodeList(b, block.MaxItems)
}

// Record returns the whole record of a block, verified against its own header.
func (r *Reader) Record(ctx context.Context, height uint64) (*Record, error) {
	b, err := r.bytes(ctx, height, PartHead, parts-1)
	if err != nil {
		return nil, err
	}
	sizes := r.parts[int(height-r.head.First)*int(parts):]
	cut := func(p Part) []byte { return b[sizes[p]-sizes[0] : sizes[p+1]-sizes[0]] }
	h, err := r.headOf(height, cut(PartHead))
	if err != nil {
		return nil, err
	}
	rec := &Record{Head: *h}
	for p := PartTxs; p < parts; p++ {
		if *rec.list(p), err = items(cut(p)); err != nil {
			return nil, damaged("block %d: %s: %w", height, p, err)
		}
	}
	return rec, rec.Verify()
}

// Find returns where the transaction of an id may stand: candidates whose ids begin alike.
func (r *Reader) Find(ctx context.Context, id crypto.Hash) ([]block.Ref, error) {
	table, err := r.idTable(ctx)
	if err != nil {
		return nil, err
	}
	want := binary.BigEndian.Uint64(id[:])
	at := func(i int) []byte { return table[i*idSize:] }
	n := len(table) / idSize
	var refs []block.Ref
	for i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(at(i)) >= want }); i < n; i++ {
		e := at(i)
		if binary.BigEndian.Uint64(e) != want {
			break
		}
		refs = append(refs, block.Ref{Height: r.head.First + uint64(binary.BigEndian.Uint16(e[8:])), Index: binary.BigEndian.Uint32(e[10:])})
	}
	return refs, nil
}

func (r *Reader) idTable(ctx context.Context) ([]byte, error) {
	r.mu.Lock()
	table := r.ids
	r.mu.Unlock()
	if table != nil {
		return table, nil
	}
	stored, err := r.read(ctx, r.foot.ids, r.foot.dir-r.foot.ids)
	if err != nil {
		return nil, err
	}
	if table, err = r.unpack(sectionIDs, stored, maxIDs*idSize); err != nil {
		return nil, err
	}
	if len(table)%idSize != 0 {
		return nil, damaged("the id table is cut")
	}
	r.mu.Lock()
	r.ids = slices.Grow(table, 1) // an empty table is not nil
	r.mu.Unlock()
	return table, nil
}

// Verify reads the whole segment once: the file's sum, every record against its header,
// the headers' chain, the id table, and the records against the segment's root. want is
// what the caller trusts; fn, where not nil, is given each record in order.
func (r *Reader) Verify(ctx context.Context, want Identity, fn func(*Record) error) error {
	if r.head.Identity != want {
		return damaged("this is the segment from block %d on of chain %s with root %s, not the one asked for",
			r.head.First, r.head.Genesis, r.head.Root)
	}
	if err := r.verifySum(ctx); err != nil {
		return err
	}
	hashes := make([]crypto.Hash, 0, SegmentBlocks)
	var previous crypto.Hash
	var entries int
	for h := want.First; h < want.First+SegmentBlocks; h++ {
		rec, err := r.Record(ctx, h)
		if err != nil {
			return err
		}
		if h > want.First && rec.Header.Previous != previous {
			return damaged("block %d does not follow block %d", h, h-1)
		}
		if err := r.verifyIDs(ctx, rec); err != nil {
			return err
		}
		entries += len(rec.Txs)
		previous = rec.Header.Hash()
		hashes = append(hashes, rec.Hash())
		if fn != nil {
			if err := fn(rec); err != nil {
				return err
			}
		}
	}
	if len(r.ids) != entries*idSize {
		return damaged("the id table names %d transactions of %d", len(r.ids)/idSize, entries)
	}
	if proof.ListRoot(hashes) != want.Root {
		return damaged("the records do not have the segment's root")
	}
	return nil
}

func (r *Reader) verifyIDs(ctx context.Context, rec *Record) error {
	ids, err := rec.txIDs()
	if err != nil {
		return err
	}
	for i, id := range ids {
		refs, err := r.Find(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(refs, block.Ref{Height: rec.Header.Height, Index: uint32(i)}) {
			return damaged("the id table lacks transaction %s", id)
		}
	}
	return nil
}

// verifySum reads the file through its footer's sum.
func (r *Reader) verifySum(ctx context.Context) error {
	sum := crypto.NewHash()
	end := uint64(r.src.Size()) - footerSize + sumOffset
	for at := uint64(0); at < end; {
		b, err := r.read(ctx, at, min(1<<20, end-at))
		if err != nil {
			return err
		}
		sum.Write(b)
		at += uint64(len(b))
	}
	if crypto.Hash(sum.Sum(nil)) != r.foot.sum {
		return damaged("the file does not have the sum of its footer")
	}
	return nil
}

// FileSource is a Source over a file or anything that reads at offsets.
type FileSource struct {
	R io.ReaderAt
	N int64
}

// Size implements Source.
func (f FileSource) Size() int64 { return f.N }

// ReadRange implements Source.
func (f FileSource) ReadRange(ctx context.Context, b []byte, offset int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := io.ReadFull(io.NewSectionReader(f.R, offset, int64(len(b))), b)
	return err
}
