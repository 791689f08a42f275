package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// Encrypted is a field that clients seal and open, holding a T within: the chain sees
// an SM4-GCM envelope, or nothing. Its JSON is lower-case hex.
//
// A record with such fields has one field of type [Keys]. All its envelopes are sealed
// under one SM4 key, which Keys holds wrapped to the owner and to each reader. Package
// client/sealed of the platform makes and opens both.
type Encrypted[T any] []byte

// DecodeJSON reads hex.
func (e *Encrypted[T]) DecodeJSON(r *codec.Reader) { *e = r.Bytes() }

// AppendJSON appends hex.
func (e *Encrypted[T]) AppendJSON(b []byte) []byte { return codec.AppendHex(b, *e) }

// KeyID tells the SM4 keys of a record apart: the first 16 bytes of
// SM3("huchain-record-key" ‖ key). It proves nothing about who knows the key.
type KeyID [16]byte

// Keys is the SM4 key of a record's envelopes, wrapped to those who may read them.
type Keys struct {
	ID    KeyID
	Wraps []Wrap
}

// Wrap is the SM4 key encrypted with SM2 (GB/T 32918.4, C1‖C3‖C2) to one party.
type Wrap struct {
	To  Party
	Key []byte // 113 bytes: 0x04‖X‖Y, SM3 digest, 16 bytes of ciphertext
}

// Sizes of what clients make.
const (
	wrapBytes        = 65 + 32 + 16
	envelopeOverhead = 4 + 12 + 16 // header, nonce and tag around the ciphertext
)

var (
	keysFields = codec.Fields{Names: []string{"id", "wraps"}, Required: 3}
	wrapFields = codec.Fields{Names: []string{"to", "key"}, Required: 3}
)

// AppendJSON appends {"id":…,"wraps":[…]}.
func (k *Keys) AppendJSON(b []byte) []byte {
	b = codec.AppendHex(codec.AppendRaw(b, `{"id":`), k.ID[:])
	b = codec.AppendRaw(b, `,"wraps":[`)
	for i := range k.Wraps {
		b = k.Wraps[i].AppendJSON(codec.Comma(b))
	}
	return append(b, "]}"...)
}

// DecodeJSON reads what AppendJSON wrote.
func (k *Keys) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&keysFields, &seen) {
		case 0:
			r.Hex(k.ID[:])
		case 1:
			r.List()
			for r.More() {
				var w Wrap
				w.DecodeJSON(r)
				k.Wraps = append(k.Wraps, w)
			}
		default:
			return
		}
	}
}

// AppendJSON appends {"to":…,"key":…}.
func (w *Wrap) AppendJSON(b []byte) []byte {
	b = w.To.AppendJSON(codec.AppendRaw(b, `{"to":`))
	return append(codec.AppendHex(codec.AppendRaw(b, `,"key":`), w.Key), '}')
}

// DecodeJSON reads what AppendJSON wrote.
func (w *Wrap) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&wrapFields, &seen) {
		case 0:
			w.To.DecodeJSON(r)
		case 1:
			w.Key = r.Bytes()
		default:
			return
		}
	}
}

// sealer is implemented by records with encrypted fields, through generated code.
type sealer interface {
	RecordKeys() *Keys
	RecordSealed() [][]byte
}

// seal is a record's encrypted content.
type seal struct {
	keys      Keys
	envelopes [][]byte
}

func sealOf(v any) seal {
	s := v.(sealer)
	return seal{*s.RecordKeys(), s.RecordSealed()}
}

// empty reports whether no field holds an envelope.
func (s *seal) empty() bool {
	for _, e := range s.envelopes {
		if len(e) > 0 {
			return false
		}
	}
	return true
}

// check refuses encrypted content that is malformed, that others than owner and
// readers could open, or that somebody could still open who must not any more.
func (s *seal) check(ctx *contract.Ctx, m *Meta, before *seal) error {
	if s.empty() {
		if len(s.keys.Wraps) > 0 {
			return ErrBadReaders.With("keys without an envelope")
		}
		return nil
	}
	for _, e := range s.envelopes {
		if len(e) > 0 && (len(e) < envelopeOverhead || string(e[:4]) != "HCE\x01") {
			return ErrBadSeal.With("an envelope is malformed")
		}
	}
	if err := s.keys.check(ctx, m); err != nil {
		return err
	}
	return s.checkKey(before)
}

// check compares the parties of the wraps with owner and readers.
func (k *Keys) check(ctx *contract.Ctx, m *Meta) error {
	for i := range k.Wraps {
		if w := &k.Wraps[i]; len(w.Key) != wrapBytes || w.Key[0] != 4 {
			return ErrBadSeal.With("the key wrapped to " + string(w.To) + " is malformed")
		}
	}
	readers := 1
	if m.Owner == "" || !k.holds(m.Owner) {
		return ErrBadReaders.With("no key for the owner")
	}
	for i := range m.Grants {
		g := &m.Grants[i]
		if g.Rights&Read == 0 || !g.holds(ctx.Time()) {
			continue
		}
		if g.To == m.Owner {
			continue
		}
		readers++
		if !k.holds(g.To) {
			return ErrBadReaders.With("no key for " + string(g.To))
		}
	}
	if len(k.Wraps) != readers {
		return ErrBadReaders.With("a key for somebody who may not read, or twice for one")
	}
	return nil
}

func (k *Keys) holds(p Party) bool {
	for i := range k.Wraps {
		if k.Wraps[i].To == p {
			return true
		}
	}
	return false
}

// checkKey asks for a fresh key where a party left, and for fresh envelopes where the
// key is fresh.
func (s *seal) checkKey(before *seal) error {
	fresh := s.keys.ID != before.keys.ID
	for i := range before.keys.Wraps {
		if to := before.keys.Wraps[i].To; !fresh && !s.keys.holds(to) {
			return ErrRekey.With(string(to) + " knows the key")
		}
	}
	if !fresh {
		return nil
	}
	for _, e := range s.envelopes {
		if len(e) > 0 && before.holds(e) {
			return ErrRekey.With("an envelope is still sealed under the key before")
		}
	}
	return nil
}

func (s *seal) holds(envelope []byte) bool {
	for _, e := range s.envelopes {
		if string(e) == string(envelope) {
			return true
		}
	}
	return false
}
