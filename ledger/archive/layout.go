package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
)

// Layout of a segment file; integers are big-endian.
//
//	head    8 magic ‖ u8 cipher ‖ 32 genesis ‖ u64 first height ‖ 32 segment root
//	pages   one after another; page i holds the plaintext from i·PageBytes on
//	ids     the id table
//	dir     the directory
//	footer  u64 offset of ids ‖ u64 offset of dir ‖ u32 pages ‖ u64 plaintext bytes ‖
//	        32 SM3 of the file up to here ‖ 8 end magic
//
// A page, the id table and the directory are each one zstd frame; with cipher 1 that frame
// is sealed (package envelope) and bound to head ‖ u32 section.
//
//	plaintext  the records; of each its parts, one after another
//	ids        per transaction u64 first bytes of the id ‖ u16 block ‖ u32 index, ascending
//	dir        u32 stored size per page, then five u32 sizes per block, of its parts
var (
	magicHead = [8]byte{'h', 'c', 's', 'e', 'g', 0, 0, 1}
	magicEnd  = [8]byte{'h', 'c', 's', 'e', 'g', 'e', 'n', 'd'}
)

const (
	headSize   = 8 + 1 + crypto.HashSize + 8 + crypto.HashSize
	footerSize = 8 + 8 + 4 + 8 + crypto.HashSize + 8
	sumOffset  = 8 + 8 + 4 + 8 // of the SM3 in the footer
	idSize     = 8 + 2 + 4
	blockSize  = int(parts) * 4

	sectionIDs = math.MaxUint32 - 1
	sectionDir = math.MaxUint32

	maxPages = 1 << 24 // 4 TiB of plaintext
	maxIDs   = 1 << 28
)

// Cipher says how pages and tables are encrypted.
type Cipher byte

// The ciphers of a segment.
const (
	Plain  Cipher = 0
	SM4GCM Cipher = 1
)

// Identity says which segment of which chain a file is.
type Identity struct {
	Genesis crypto.Hash
	First   uint64 // first height
	Root    crypto.Hash
}

type head struct {
	Identity
	cipher Cipher
}

func (h *head) encode() []byte {
	b := append(make([]byte, 0, headSize), magicHead[:]...)
	b = append(append(b, byte(h.cipher)), h.Genesis[:]...)
	return append(binary.BigEndian.AppendUint64(b, h.First), h.Root[:]...)
}

func decodeFileHead(b []byte) (head, error) {
	var h head
	if len(b) != headSize || !bytes.Equal(b[:8], magicHead[:]) {
		return h, damaged("this is no segment, or one of a later format")
	}
	if h.cipher = Cipher(b[8]); h.cipher > SM4GCM {
		return h, damaged("cipher %d is unknown", b[8])
	}
	h.Genesis, h.Root = crypto.Hash(b[9:41]), crypto.Hash(b[49:81])
	if h.First = binary.BigEndian.Uint64(b[41:]); h.First == 0 || (h.First-1)%SegmentBlocks != 0 {
		return h, damaged("no segment begins at height %d", h.First)
	}
	return h, nil
}

type footer struct {
	ids, dir uint64 // offsets
	pages    uint32
	plain    uint64 // bytes of plaintext
	sum      crypto.Hash
}

func (f *footer) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, footerSize), f.ids)
	b = binary.BigEndian.AppendUint64(b, f.dir)
	b = binary.BigEndian.AppendUint32(b, f.pages)
	b = binary.BigEndian.AppendUint64(b, f.plain)
	return append(append(b, f.sum[:]...), magicEnd[:]...)
}

// decodeFooter reads the footer of a file of size bytes.
func decodeFooter(b []byte, size int64) (footer, error) {
	var f footer
	if len(b) != footerSize || !bytes.Equal(b[footerSize-8:], magicEnd[:]) {
		return f, damaged("the file is cut")
	}
	f.ids, f.dir = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	f.pages, f.plain = binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint64(b[20:])
	f.sum = crypto.Hash(b[sumOffset:])
	end := uint64(size) - footerSize
	if f.pages > maxPages || f.plain > uint64(f.pages)*PageBytes || f.plain+PageBytes <= uint64(f.pages)*PageBytes ||
		f.ids < headSize || f.dir < f.ids || end < f.dir {
		return f, damaged("the footer does not fit the file")
	}
	return f, nil
}

// packer turns sections of plaintext into what stands in the file, and back.
type packer struct {
	head []byte
	key  *envelope.Key // nil: not encrypted
	enc  *zstd.Encoder
	dec  *zstd.Decoder

	packed, sealed []byte // room for one section
}

func newPacker(h *head, key *envelope.Key) (*packer, error) {
	if (h.cipher == SM4GCM) != (key != nil) {
		return nil, fmt.Errorf("a key is needed for an encrypted segment, and for no other")
	}
	return &packer{head: h.encode(), key: key}, nil
}

func (p *packer) bound(section uint32) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), p.head...), section)
}

// pack returns what stands in the file for a section, until the next call.
func (p *packer) pack(section uint32, plain []byte) ([]byte, error) {
	if p.enc == nil {
		var err error
		if p.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(PageBytes)); err != nil {
			return nil, err
		}
	}
	p.packed = p.enc.EncodeAll(plain, p.packed[:0])
	if p.key == nil {
		return p.packed, nil
	}
	var err error
	p.sealed, err = p.key.AppendSeal(p.sealed[:0], p.packed, p.bound(section))
	return p.sealed, err
}

// unpack returns the plaintext of a section, of at most limit bytes.
func (p *packer) unpack(section uint32, stored []byte, limit int) ([]byte, error) {
	if p.key != nil {
		var err error
		if stored, err = p.key.Open(stored, p.bound(section)); err != nil {
			return nil, damaged("section %d: %w", section, err)
		}
	}
	if p.dec == nil {
		var err error
		if p.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20)); err != nil {
			return nil, err
		}
	}
	var h zstd.Header
	if err := h.Decode(stored); err != nil || !h.HasFCS || h.FrameContentSize > uint64(limit) {
		return nil, damaged("section %d holds more than it may", section)
	}
	out, err := p.dec.DecodeAll(stored, make([]byte, 0, h.FrameContentSize))
	if err != nil {
		return nil, damaged("section %d: %w", section, err)
	}
	return out, nil
}

func (p *packer) close() {
	if p.enc != nil {
		_ = p.enc.Close() // it writes nowhere
	}
	if p.dec != nil {
		p.dec.Close()
	}
}
