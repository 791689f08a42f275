package proof

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Bounds of an encoded proof.
const (
	// MaxProofBytes bounds an encoded proof.
	MaxProofBytes = 1 << 20

	sealSize       = 8
	maxHeaderBytes = 1 << 10
	maxCertBytes   = 16 << 10
	maxSetBytes    = 32 << 10
)

// magic begins every encoded proof: "HCP" and the version of the form.
var magic = []byte{'H', 'C', 'P', 1}

// Kinds of facts in an encoded proof.
const (
	kindState   = 1
	kindTx      = 2
	kindReceipt = 3
	kindEvent   = 4
	kindWrite   = 5
)

// Encode returns the canonical bytes of the proof; docs/proofs.md fixes them. It fails if
// the proof does not hold exactly one fact or exceeds a bound.
func (p *Proof) Encode() ([]byte, error) {
	b := append(make([]byte, 0, 2048), magic...)
	kind, body, err := p.encodePart()
	if err != nil {
		return nil, err
	}
	b = append(b, kind)
	b = appendBlob(b, p.Header.Encode())
	b = appendBlob(b, p.Certificate.Encode())
	b = appendBlob(b, p.Signers.Encode())
	for i := range p.Path {
		b = append(b, p.Path[i][:]...)
	}
	b = append(b, body...)
	seal := crypto.Sum(b)
	b = append(b, seal[:sealSize]...)
	if len(b) > MaxProofBytes {
		return nil, fmt.Errorf("encode proof: %d bytes, at most %d", len(b), MaxProofBytes)
	}
	return b, nil
}

func (p *Proof) encodePart() (kind byte, b []byte, err error) {
	if err := p.oneFact(); err != nil {
		return 0, nil, fmt.Errorf("encode proof: %w", err)
	}
	switch {
	case p.State != nil:
		s := p.State
		b = append(append(b, byte(len(s.NS))), s.NS...)
		b = appendBlob(b, s.Key)
		return kindState, s.Proof.append(b), nil
	case p.Tx != nil:
		return kindTx, p.Tx.List.append(appendBlob(b, p.Tx.Raw)), nil
	case p.Receipt != nil:
		return kindReceipt, p.Receipt.List.append(appendBlob(b, p.Receipt.Receipt.Encode())), nil
	case p.Write != nil:
		return kindWrite, p.Write.List.append(appendBlob(b, p.Write.item())), nil
	default:
		return kindEvent, p.Event.List.append(appendBlob(b, p.Event.Event.Encode())), nil
	}
}

// appendBlob appends u32 length ‖ bytes.
func appendBlob(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
}

// append appends u64 index ‖ u64 count ‖ siblings, whose number follows from the two.
func (l *ListProof) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, l.Index)
	b = binary.BigEndian.AppendUint64(b, l.Count)
	for i := range l.Siblings {
		b = append(b, l.Siblings[i][:]...)
	}
	return b
}

// append appends u8 ending ‖ u16 depth ‖ bitmap ‖ siblings ‖ the ending's fields. The
// bitmap has one bit per level from the root, first bit highest, set where the sibling is
// not empty; only those siblings follow.
func (s *StateProof) append(b []byte) []byte {
	depth := len(s.Siblings)
	b = binary.BigEndian.AppendUint16(append(b, byte(s.Ends)), uint16(depth))
	at := len(b)
	b = append(b, make([]byte, (depth+7)/8)...)
	for i := range s.Siblings {
		if !s.Siblings[i].IsZero() {
			b[at+i/8] |= 0x80 >> (i % 8)
			b = append(b, s.Siblings[i][:]...)
		}
	}
	switch s.Ends {
	case EndsValue, EndsTombstone:
		b = binary.BigEndian.AppendUint64(b, s.Height)
		b = binary.BigEndian.AppendUint32(b, s.TxIndex)
		if s.Ends == EndsValue {
			b = appendBlob(b, s.Value)
		}
	case EndsForeign:
		b = append(append(b, s.ForeignKey[:]...), s.ForeignValue[:]...)
	}
	return b
}

// Decode reads an encoded proof: canonical, bounded, sealed. It does not verify anything
// else. The result aliases in. The error is HC-4201.
func Decode(in []byte) (*Proof, error) {
	p, err := decode(in)
	if err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "decode proof: %w", err)
	}
	return p, nil
}

// unseal checks size, checksum and version, and returns what follows the kind.
func unseal(in, magic []byte, max int) (*decoder, byte, error) {
	if len(in) > max || len(in) < len(magic)+1+sealSize {
		return nil, 0, fmt.Errorf("%d bytes", len(in))
	}
	end := len(in) - sealSize
	seal := crypto.Sum(in[:end])
	if subtle.ConstantTimeCompare(seal[:sealSize], in[end:]) != 1 {
		return nil, 0, errors.New("altered or truncated: the checksum differs")
	}
	d := &decoder{rest: in[:end]}
	if string(d.take(len(magic))) != string(magic) {
		return nil, 0, errors.New("not a proof of a known version")
	}
	return d, d.u8(), nil
}

func decode(in []byte) (*Proof, error) {
	d, kind, err := unseal(in, magic, MaxProofBytes)
	if err != nil {
		return nil, err
	}
	p := &Proof{}
	d.anchor(p)
	switch kind {
	case kindState:
		p.State = d.state()
	case kindTx:
		p.Tx = &TxPart{Raw: d.blob(types.MaxTxBytes), List: d.list()}
	case kindReceipt:
		p.Receipt = d.receipt()
	case kindEvent:
		p.Event = d.event()
	case kindWrite:
		p.Write = d.write()
	default:
		return nil, fmt.Errorf("unknown kind %d", kind)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail(errors.New("trailing bytes"))
	}
	return p, d.err
}

// decoder reads fields; the first fault sticks.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.fail(errors.New("truncated"))
	}
	if d.err != nil {
		return nil
	}
	v := d.rest[:n:n]
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) number(n int) uint64 {
	var v uint64
	for _, b := range d.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (d *decoder) u8() byte { return byte(d.number(1)) }

func (d *decoder) hash() crypto.Hash {
	var h crypto.Hash
	copy(h[:], d.take(len(h)))
	return h
}

func (d *decoder) blob(max int) []byte {
	n := d.number(4)
	if n > uint64(max) {
		d.fail(fmt.Errorf("field of %d bytes, at most %d", n, max))
		return nil
	}
	return d.take(int(n))
}

// anchor reads header, certificate, signers and content path.
func (d *decoder) anchor(p *Proof) {
	header, cert, set := d.blob(maxHeaderBytes), d.blob(maxCertBytes), d.blob(maxSetBytes)
	for i := range p.Path {
		p.Path[i] = d.hash()
	}
	if d.err != nil {
		return
	}
	var err error
	if p.Header, err = types.DecodeHeader(header); err != nil {
		d.fail(err)
	}
	if p.Certificate, err = types.DecodeFinalityCertificate(cert); err != nil {
		d.fail(err)
	}
	if p.Signers, err = types.DecodeValidatorSet(set); err != nil {
		d.fail(err)
	}
}

func (d *decoder) state() *StatePart {
	s := &StatePart{NS: string(d.take(int(d.u8()))), Key: d.blob(types.MaxKeyBytes)}
	p := &s.Proof
	p.Ends = Terminal(d.u8())
	depth := int(d.number(2))
	if !utf8.ValidString(s.NS) {
		d.fail(errors.New("namespace is not UTF-8"))
		return nil
	}
	if p.Ends > EndsForeign || depth > MaxDepth {
		d.fail(errors.New("unknown ending, or path too long"))
		return nil
	}
	bitmap := d.take((depth + 7) / 8)
	if d.err != nil {
		return nil
	}
	if depth%8 != 0 && bitmap[len(bitmap)-1]<<(depth%8) != 0 {
		d.fail(errors.New("bitmap longer than the path"))
	}
	p.Siblings = make([]crypto.Hash, depth)
	for i := range p.Siblings {
		if bitmap[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		if p.Siblings[i] = d.hash(); d.err == nil && p.Siblings[i].IsZero() {
			d.fail(errors.New("empty sibling written out"))
		}
	}
	switch p.Ends {
	case EndsValue, EndsTombstone:
		p.Height, p.TxIndex = d.number(8), uint32(d.number(4))
		if p.Ends == EndsValue {
			p.Value = d.blob(types.MaxValueBytes)
		}
	case EndsForeign:
		p.ForeignKey, p.ForeignValue = d.hash(), d.hash()
	}
	return s
}

func (d *decoder) list() ListProof {
	l := ListProof{Index: d.number(8), Count: d.number(8)}
	if d.err == nil && (l.Index >= l.Count || l.Count > MaxListCount) {
		d.fail(errors.New("index outside the list"))
		return l
	}
	n := listSiblings(l.Index, l.Count)
	if d.err != nil || n*crypto.HashSize > len(d.rest) {
		d.fail(errors.New("truncated"))
		return l
	}
	for range n {
		l.Siblings = append(l.Siblings, d.hash())
	}
	return l
}

func (d *decoder) receipt() *ReceiptPart {
	raw := d.blob(types.MaxResultBytes + 4096)
	r := &ReceiptPart{List: d.list()}
	if d.err != nil {
		return nil
	}
	var err error
	if r.Receipt, err = types.DecodeReceipt(raw); err != nil {
		d.fail(err)
	}
	return r
}

func (d *decoder) event() *EventPart {
	raw := d.blob(types.MaxEventBytes + 4096)
	e := &EventPart{List: d.list()}
	if d.err != nil {
		return nil
	}
	var err error
	if e.Event, err = types.DecodeEvent(raw); err != nil {
		d.fail(err)
	}
	return e
}
