// Package timestamp is a time-stamp authority and its verifier: the requests, responses and
// tokens of RFC 3161, signed with SM2 as GM/T 0033-2014 does it. A token says that a digest
// was known at a time; it holds beyond the life of the signature it was made for.
package timestamp

import (
	"context"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/cms"
)

// MaxRequestBytes and MaxResponseBytes bound what is read.
const (
	MaxRequestBytes  = 1 << 10
	MaxResponseBytes = 16 << 10
)

var (
	oidSM3 = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 401}
	// policy is that of this package: the clock of the machine, to a second. The arc needs
	// no registration (ITU-T X.667).
	policy = asn1.ObjectIdentifier{2, 25, 1302611190}
)

// Request asks for a time stamp of a digest.
type Request struct {
	Digest crypto.Hash // SM3 of what is to be stamped
	Nonce  *big.Int    // that the token repeats, at most 128 bits; nil for none
}

// NewRequest draws a nonce, by which the answer cannot be an older one.
func NewRequest(digest crypto.Hash) (*Request, error) {
	n, err := draw()
	return &Request{digest, n}, err
}

func draw() (*big.Int, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	b[0] &= 0x7f
	b[15] |= 1
	return new(big.Int).SetBytes(b[:]), nil
}

func imprint(b *cryptobyte.Builder, digest crypto.Hash) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidSM3) })
		b.AddASN1OctetString(digest[:])
	})
}

// readImprint accepts SM3 alone, with or without NULL parameters.
func readImprint(in *cryptobyte.String) (crypto.Hash, bool) {
	var seq, alg, digest cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) ||
		!oid.Equal(oidSM3) || !alg.SkipOptionalASN1(cbasn1.NULL) || !alg.Empty() ||
		!seq.ReadASN1(&digest, cbasn1.OCTET_STRING) || !seq.Empty() || len(digest) != crypto.HashSize {
		return crypto.Hash{}, false
	}
	return crypto.Hash(digest), true
}

// Encode returns the DER of the TimeStampReq, which asks for the certificate too.
func (r *Request) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		imprint(b, r.Digest)
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		b.AddASN1Boolean(true)
	})
	return b.Bytes()
}

// DecodeRequest reads a TimeStampReq, without extensions.
func DecodeRequest(der []byte) (*Request, error) {
	errForm := errors.New("not a request for a time stamp over SM3")
	var seq cryptobyte.String
	in := cryptobyte.String(der)
	var version int64
	if len(der) > MaxRequestBytes || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version != 1 {
		return nil, errForm
	}
	r := &Request{}
	var ok bool
	if r.Digest, ok = readImprint(&seq); !ok {
		return nil, errForm
	}
	if seq.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) {
		var oid asn1.ObjectIdentifier
		if !seq.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(policy) {
			return nil, errors.New("a policy that this authority does not have")
		}
	}
	if seq.PeekASN1Tag(cbasn1.INTEGER) {
		r.Nonce = new(big.Int)
		if !seq.ReadASN1Integer(r.Nonce) || r.Nonce.BitLen() > 128 || r.Nonce.Sign() < 0 {
			return nil, errForm
		}
	}
	var certReq bool
	if seq.PeekASN1Tag(cbasn1.BOOLEAN) && !seq.ReadASN1Boolean(&certReq) || !seq.Empty() {
		return nil, errForm
	}
	return r, nil
}

// Token is a checked time stamp.
type Token struct {
	Digest    crypto.Hash
	Time      time.Time         // UTC, whole seconds
	Serial    *big.Int          // of the token
	Nonce     *big.Int          // nil for none
	Authority *cert.Certificate // who stamped it
}

// Authority stamps.
type Authority struct {
	Key         crypto.Signer
	Certificate *cert.Certificate
	Now         func() time.Time // the clock; it MUST be right
}

// Stamp makes the token, a signed TSTInfo, for a request.
func (a *Authority) Stamp(r *Request) ([]byte, error) {
	now := a.Now().UTC().Truncate(time.Second)
	if now.Before(a.Certificate.NotBefore) || now.After(a.Certificate.NotAfter) {
		return nil, errors.New("the certificate of the authority is not valid now")
	}
	serial, err := draw()
	if err != nil {
		return nil, err
	}
	t := &Token{Digest: r.Digest, Time: now, Serial: serial, Nonce: r.Nonce}
	info, err := t.encode()
	if err != nil {
		return nil, err
	}
	s, err := cms.Sign(a.Key, a.Certificate, cms.TimeStamp, info)
	if err != nil {
		return nil, err
	}
	s.Content = info
	return s.Encode()
}

// Time makes a token over a digest, without a nonce: for callers in the same process.
func (a *Authority) Time(_ context.Context, digest crypto.Hash) ([]byte, error) {
	return a.Stamp(&Request{Digest: digest})
}

// encode returns the DER of the TSTInfo.
func (t *Token) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(policy)
		imprint(b, t.Digest)
		b.AddASN1BigInt(t.Serial)
		b.AddASN1GeneralizedTime(t.Time)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }) // accurate to a second
		if t.Nonce != nil {
			b.AddASN1BigInt(t.Nonce)
		}
	})
	return b.Bytes()
}

// Verify checks a token over a digest: its form, its signature, and that the authority's
// certificate was valid then. Whether to believe that authority is for the caller.
func Verify(der []byte, digest crypto.Hash) (*Token, error) {
	if len(der) > MaxResponseBytes {
		return nil, errors.New("time stamp: too long")
	}
	s, err := cms.Decode(der)
	if err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	if s.Type != cms.TimeStamp || s.Content == nil || s.TimeStamp != nil {
		return nil, errors.New("time stamp: the signed content is none")
	}
	if err := s.Verify(s.Content); err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	t := &Token{Authority: s.Certificate, Serial: new(big.Int)}
	var seq, accuracy cryptobyte.String
	var oid asn1.ObjectIdentifier
	var version int64
	ok := false
	in := cryptobyte.String(s.Content)
	if in.ReadASN1(&seq, cbasn1.SEQUENCE) && in.Empty() && seq.ReadASN1Integer(&version) && version == 1 &&
		seq.ReadASN1ObjectIdentifier(&oid) && oid.Equal(policy) {
		t.Digest, ok = readImprint(&seq)
	}
	ok = ok && seq.ReadASN1Integer(t.Serial) && seq.ReadASN1GeneralizedTime(&t.Time) && seq.ReadASN1(&accuracy, cbasn1.SEQUENCE)
	if ok && !seq.Empty() {
		t.Nonce = new(big.Int)
		ok = seq.ReadASN1Integer(t.Nonce) && seq.Empty()
	}
	switch {
	case !ok:
		return nil, errors.New("time stamp: malformed")
	case t.Digest != digest:
		return nil, errors.New("time stamp: of something else")
	case t.Time.Before(t.Authority.NotBefore) || t.Time.After(t.Authority.NotAfter):
		return nil, errors.New("time stamp: the authority's certificate was not valid then")
	}
	return t, nil
}

// Respond answers a TimeStampReq with a TimeStampResp: a token, or a refusal (PKIFailureInfo
// badRequest or systemFailure).
func (a *Authority) Respond(request []byte) ([]byte, error) {
	r, err := DecodeRequest(request)
	if err != nil {
		return response(2, err.Error(), 2, nil) // rejection, badRequest
	}
	token, err := a.Stamp(r)
	if err != nil {
		return response(2, err.Error(), 25, nil) // systemFailure
	}
	return response(0, "", 0, token)
}

func response(status int64, text string, failure uint, token []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(status)
			if status != 0 {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
				})
				bits := make([]byte, failure/8+1)
				bits[failure/8] = 0x80 >> (failure % 8)
				b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
					b.AddUint8(byte(7 - failure%8))
					b.AddBytes(bits)
				})
			}
		})
		b.AddBytes(token)
	})
	return b.Bytes()
}

// ReadResponse returns the token of a TimeStampResp after it was checked against the
// request.
func ReadResponse(der []byte, r *Request) ([]byte, error) {
	var seq, status, texts, text cryptobyte.String
	var code int64
	in := cryptobyte.String(der)
	if len(der) > MaxResponseBytes || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&status, cbasn1.SEQUENCE) || !status.ReadASN1Integer(&code) {
		return nil, errors.New("not an answer of a time-stamp authority")
	}
	if code != 0 {
		if status.ReadASN1(&texts, cbasn1.SEQUENCE) {
			texts.ReadASN1(&text, cbasn1.UTF8String)
		}
		return nil, fmt.Errorf("the time-stamp authority refuses (status %d): %q", code, string(text))
	}
	t, err := Verify(seq, r.Digest)
	if err != nil {
		return nil, err
	}
	if r.Nonce != nil && (t.Nonce == nil || t.Nonce.Cmp(r.Nonce) != 0) {
		return nil, errors.New("time stamp: an older answer")
	}
	return append([]byte{}, seq...), nil
}
