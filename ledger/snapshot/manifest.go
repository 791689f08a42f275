package snapshot

import (
	"bytes"
	"encoding/binary"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Bounds of the forms.
const (
	// Format is the version of the forms; it ends the magic bytes.
	Format = 1
	// MaxManifestBytes bounds a manifest: it travels in one message.
	MaxManifestBytes = 3 << 20
	// MaxChunkBytes bounds a chunk.
	MaxChunkBytes = 15 << 20
	// MaxChunks bounds the chunks of a snapshot.
	MaxChunks = 1 << 17

	magic     = "HCSNAP\x00\x01"
	maxSets   = 2 * keptHeads
	keptHeads = 8 // blocks whose header is kept whatever the window of used ids needs
)

// Kinds of subtrees.
const (
	kindEmpty = 0 // no row, no chunk
	kindLeaf  = 1 // one row: key hash and value hash
	kindInner = 2 // the hashes of its two halves
)

// Subtree is the part of the state tree that one state chunk holds.
type Subtree struct {
	Depth uint8 // bits that its keys share
	Kind  uint8
	A, B  crypto.Hash // kh and vh of a leaf, left and right of an inner node
}

// hash is the subtree's root. What an entry gives are the hash's preimages, so that it
// cannot pass for a subtree of another kind.
func (s *Subtree) hash() crypto.Hash {
	switch s.Kind {
	case kindLeaf:
		return proof.StateLeaf(s.A, s.B)
	case kindInner:
		return proof.Inner(s.A, s.B)
	}
	return crypto.Hash{}
}

// Manifest says what a snapshot is made of.
type Manifest struct {
	Header  types.Header // of the snapshot's height
	Content proof.Content
	Sets    []types.ValidatorSet // named by the headers that are kept
	History uint32               // history chunks, which come first
	State   []Subtree            // in key order, covering all keys
}

// Encode returns the bytes of the manifest.
func (m *Manifest) Encode() []byte {
	h := m.Header.Encode()
	b := append(make([]byte, 0, 1024+66*len(m.State)), magic...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(h))), h...)
	b = append(append(b, m.Content.Encode()...), byte(len(m.Sets)))
	for _, s := range m.Sets {
		e := s.Encode()
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(e))), e...)
	}
	b = binary.BigEndian.AppendUint32(b, m.History)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.State)))
	for i := range m.State {
		s := &m.State[i]
		b = append(b, s.Depth, s.Kind)
		if s.Kind != kindEmpty {
			b = append(append(b, s.A[:]...), s.B[:]...)
		}
	}
	return b
}

// Hash identifies the snapshot: SM3 of the manifest.
func (m *Manifest) Hash() crypto.Hash { return crypto.Sum(m.Encode()) }

// Chunks is the number of chunks.
func (m *Manifest) Chunks() uint32 {
	n := m.History
	for i := range m.State {
		if m.State[i].Kind != kindEmpty {
			n++
		}
	}
	return n
}

// invalid makes the error of a snapshot that does not hold, HC-4301.
func invalid(format string, args ...any) error {
	return types.Errorf(types.CodeSnapshotInvalid, format, args...)
}

// DecodeManifest reads a manifest and checks that everything in it follows from its
// header: the content from the content root, the subtrees from the state root, the sets
// from their hashes. Whether the header is to be trusted is for the caller to know. The
// error is HC-4301.
func DecodeManifest(in []byte) (*Manifest, error) {
	if len(in) > MaxManifestBytes {
		return nil, invalid("manifest of %d bytes, at most %d", len(in), MaxManifestBytes)
	}
	r := reader{rest: in}
	if string(r.take(len(magic))) != magic {
		return nil, invalid("not a snapshot manifest of format %d", Format)
	}
	m := &Manifest{}
	var err error
	if m.Header, err = types.DecodeHeader(r.take(int(r.u16()))); err != nil {
		return nil, invalid("manifest: %w", err)
	}
	if m.Content, err = proof.DecodeContent(r.take(proof.ContentSize)); err != nil {
		return nil, invalid("manifest: %w", err)
	}
	if err := r.sets(m); err != nil {
		return nil, err
	}
	m.History = r.u32()
	n := r.u32()
	if r.short || n > MaxChunks || m.History == 0 || m.History > MaxChunks || uint64(len(r.rest)) > uint64(n)*66 {
		return nil, invalid("manifest: malformed")
	}
	m.State = make([]Subtree, n)
	for i := range m.State {
		s := &m.State[i]
		s.Depth, s.Kind = r.u8(), r.u8()
		if s.Kind > kindInner {
			return nil, invalid("manifest: subtree of kind %d", s.Kind)
		}
		if s.Kind != kindEmpty {
			s.A, s.B = r.hash(), r.hash()
		}
	}
	if r.short || len(r.rest) > 0 {
		return nil, invalid("manifest: malformed")
	}
	return m, m.check()
}

func (r *reader) sets(m *Manifest) error {
	n := int(r.u8())
	if n > maxSets {
		return invalid("manifest: %d validator sets", n)
	}
	for range n {
		set, err := types.DecodeValidatorSet(r.take(int(r.u32())))
		if err != nil {
			return invalid("manifest: %w", err)
		}
		m.Sets = append(m.Sets, set)
	}
	return nil
}

func (m *Manifest) check() error {
	if m.Header.Height == 0 || m.Content.Root() != m.Header.Content {
		return invalid("manifest: the content does not have the root of the header")
	}
	if m.Chunks() > MaxChunks {
		return invalid("manifest: more than %d chunks", MaxChunks)
	}
	if m.set(m.Header.Signers) == nil || m.set(m.Header.NextSigners) == nil {
		return invalid("manifest: a validator set of its header is missing")
	}
	f := fold{entries: m.State}
	root, _, err := f.node(0, crypto.Hash{})
	switch {
	case err != nil:
		return err
	case f.next != len(m.State):
		return invalid("manifest: subtrees left over")
	case root != m.Content.State:
		return invalid("manifest: the subtrees do not have the state root of the header")
	}
	return nil
}

// set returns the set with a hash, nil if the manifest has none.
func (m *Manifest) set(hash crypto.Hash) types.ValidatorSet {
	for _, s := range m.Sets {
		if s.Hash() == hash {
			return s
		}
	}
	return nil
}

// fold computes the state root from subtrees.
type fold struct {
	entries  []Subtree
	next     int
	prefixes []crypto.Hash // by entry, once passed: the bits its keys share
}

// node is the root of the subtree at level that begins with the next entry, and its kind.
func (f *fold) node(level int, prefix crypto.Hash) (crypto.Hash, uint8, error) {
	if f.next == len(f.entries) || level > proof.MaxDepth {
		return crypto.Hash{}, 0, invalid("manifest: the subtrees do not cover all keys")
	}
	if e := &f.entries[f.next]; int(e.Depth) <= level {
		if int(e.Depth) < level || e.Kind == kindLeaf && !shares(&e.A, &prefix, level) {
			return crypto.Hash{}, 0, invalid("manifest: subtree %d stands in the wrong place", f.next)
		}
		f.next++
		f.prefixes = append(f.prefixes, prefix)
		return e.hash(), e.Kind, nil
	}
	left, lk, err := f.node(level+1, prefix)
	if err != nil {
		return crypto.Hash{}, 0, err
	}
	prefix[level/8] |= 0x80 >> (level % 8)
	right, rk, err := f.node(level+1, prefix)
	if err != nil {
		return crypto.Hash{}, 0, err
	}
	hash, kind := join(left, lk, right, rk)
	return hash, kind, nil
}

// join is the node over two halves.
func join(left crypto.Hash, lk uint8, right crypto.Hash, rk uint8) (crypto.Hash, uint8) {
	switch {
	case rk == kindEmpty && lk != kindInner:
		return left, lk
	case lk == kindEmpty && rk == kindLeaf:
		return right, rk
	}
	return proof.Inner(left, right), kindInner
}

// shares reports whether two hashes have their first n bits in common.
func shares(a, b *crypto.Hash, n int) bool {
	if !bytes.Equal(a[:n/8], b[:n/8]) {
		return false
	}
	return n%8 == 0 || (a[n/8]^b[n/8])>>(8-n%8) == 0
}

// reader takes fields off the front; once input is short everything reads as zero.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) fixed(n int) []byte {
	if b := r.take(n); b != nil {
		return b
	}
	return make([]byte, n)
}

func (r *reader) u8() uint8   { return r.fixed(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.fixed(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.fixed(4)) }
func (r *reader) hash() crypto.Hash {
	return crypto.Hash(r.fixed(crypto.HashSize))
}
