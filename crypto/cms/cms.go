// Package cms makes and reads signatures in the form of GM/T 0010-2012, which is that of
// CMS (RFC 5652) with its own object identifiers: one signer, SM2 with SM3 over signed
// attributes, the signer's certificate within, and room for a time stamp of the signature.
//
// Only one encoding of a signature is accepted, the DER that this package writes: there is
// no byte in it that could be changed without notice.
package cms

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

// MaxSize bounds an encoded signature in bytes.
const MaxSize = 1 << 20

// Type is the kind of content that is signed.
type Type int

// The kinds there are.
const (
	Data      Type = iota // any bytes: GM/T 0010 data
	TimeStamp             // TSTInfo of RFC 3161
)

var (
	oidSignedData         = asn1.ObjectIdentifier{1, 2, 156, 10197, 6, 1, 4, 2, 2}
	oidTypes              = []asn1.ObjectIdentifier{{1, 2, 156, 10197, 6, 1, 4, 2, 1}, {1, 2, 840, 113549, 1, 9, 16, 1, 4}}
	oidSM3                = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 401}
	oidSM2                = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301, 1}
	oidContentType        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5035
	oidTimeStampToken     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14} // RFC 3161 appendix A
)

// Signed is a signature with what it says.
type Signed struct {
	Type        Type
	Content     []byte            // that is signed; nil if it is kept elsewhere
	Digest      crypto.Hash       // SM3 of the content
	Certificate *cert.Certificate // of the signer
	Signature   []byte            // r‖s over Attributes
	TimeStamp   []byte            // a token over SignatureDigest; nil for none. It is not covered by Signature.
}

// Sign signs content, which may come in parts. The certificate MUST be that of the key.
func Sign(key crypto.Signer, c *cert.Certificate, t Type, content ...[]byte) (*Signed, error) {
	if key.Public() != c.PublicKey {
		return nil, errors.New("the certificate is of another key")
	}
	s := &Signed{Type: t, Digest: crypto.Sum(content...), Certificate: c}
	a, err := s.Attributes()
	if err != nil {
		return nil, err
	}
	s.Signature, err = key.Sign(a)
	return s, err
}

// Verify reports whether the signature holds for the content, under the key of the
// certificate within. Whose that is, and whether it was valid, is for the caller to judge.
func (s *Signed) Verify(content ...[]byte) error {
	if crypto.Sum(content...) != s.Digest {
		return errors.New("the content is not what was signed")
	}
	a, err := s.Attributes()
	if err != nil {
		return err
	}
	if s.Certificate.Encryption || s.Certificate.IsCA || !s.Certificate.PublicKey.Verify(a, s.Signature) {
		return errors.New("the signature does not hold under the signer's certificate")
	}
	return nil
}

// SignatureDigest is what a time stamp of the signature is over (RFC 3161 appendix A): SM3
// of its value as it is encoded.
func (s *Signed) SignatureDigest() (crypto.Hash, error) {
	der, err := crypto.EncodeSignature(s.Signature)
	return crypto.Sum(der), err
}

func algorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
}

// attribute is SEQUENCE{type, SET{value}}.
func attribute(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.SET, value)
	})
	return b.Bytes()
}

// attributes are what is signed, ascending as DER demands: the type of the content, its
// digest, and which certificate signs, so that no other of the same key can be put there.
func (s *Signed) attributes() ([]byte, error) {
	sum := crypto.Sum(s.Certificate.Raw)
	parts := make([][]byte, 3)
	var errs [3]error
	parts[0], errs[0] = attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidTypes[s.Type]) })
	parts[1], errs[1] = attribute(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(s.Digest[:]) })
	parts[2], errs[2] = attribute(oidSigningCertificate, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
					algorithm(b, oidSM3)
					b.AddASN1OctetString(sum[:])
				})
			})
		})
	})
	slices.SortFunc(parts, bytes.Compare)
	return slices.Concat(parts...), errors.Join(errs[:]...)
}

// Attributes returns the bytes that Signature is over: the DER of the attributes as a SET.
func (s *Signed) Attributes() ([]byte, error) {
	a, err := s.attributes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(a) })
	return b.Bytes()
}

// Encode returns the DER of the ContentInfo.
func (s *Signed) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, s.signedData)
		})
	})
	return b.Bytes()
}

func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func (s *Signed) signedData(b *cryptobyte.Builder) {
	b.AddASN1Int64(1)
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { algorithm(b, oidSM3) })
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidTypes[s.Type])
		if s.Content != nil {
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(s.Content) })
		}
	})
	b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddBytes(s.Certificate.Raw) })
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, s.signerInfo) })
}

func (s *Signed) signerInfo(b *cryptobyte.Builder) {
	fail := func(err error) {
		if err != nil {
			b.SetError(err)
		}
	}
	issuer, serial, err := issuerAndSerial(s.Certificate.Raw)
	fail(err)
	a, err := s.attributes()
	fail(err)
	der, err := crypto.EncodeSignature(s.Signature)
	fail(err)
	b.AddASN1Int64(1)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(issuer)
		b.AddBytes(serial)
	})
	algorithm(b, oidSM3)
	b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddBytes(a) })
	algorithm(b, oidSM2)
	b.AddASN1OctetString(der)
	if s.TimeStamp != nil {
		token, err := attribute(oidTimeStampToken, func(b *cryptobyte.Builder) { b.AddBytes(s.TimeStamp) })
		fail(err)
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(token) })
	}
}

// issuerAndSerial cuts two elements out of a certificate.
func issuerAndSerial(der []byte) (issuer, serial []byte, err error) {
	var outer, tbs, version, no, alg, name cryptobyte.String
	in := cryptobyte.String(der)
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) || !tbs.ReadASN1(&version, explicit(0)) ||
		!tbs.ReadASN1Element(&no, cbasn1.INTEGER) || !tbs.ReadASN1(&alg, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&name, cbasn1.SEQUENCE) {
		return nil, nil, errors.New("malformed certificate")
	}
	return name, no, nil
}

var errForm = errors.New("not a signature of GM/T 0010 in the form of this platform")

// Decode reads what Encode wrote, and nothing else. Signatures are not verified.
func Decode(der []byte) (*Signed, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("signature of %d bytes, at most %d", len(der), MaxSize)
	}
	s, err := decode(der)
	if err != nil {
		return nil, err
	}
	again, err := s.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, der) {
		return nil, errForm
	}
	return s, nil
}

// decode picks the parts that vary; all others are compared by Decode.
func decode(der []byte) (*Signed, error) {
	var info, wrapped, data, skip, content, certificates, signers, signer, attributes cryptobyte.String
	var oid asn1.ObjectIdentifier
	in := cryptobyte.String(der)
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&oid) || !info.ReadASN1(&wrapped, explicit(0)) ||
		!wrapped.ReadASN1(&data, cbasn1.SEQUENCE) || !data.ReadASN1(&skip, cbasn1.INTEGER) || !data.ReadASN1(&skip, cbasn1.SET) ||
		!data.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1ObjectIdentifier(&oid) ||
		!data.ReadASN1(&certificates, explicit(0)) || !data.ReadASN1(&signers, cbasn1.SET) || !signers.ReadASN1(&signer, cbasn1.SEQUENCE) {
		return nil, errForm
	}
	t := slices.IndexFunc(oidTypes, oid.Equal)
	if t < 0 {
		return nil, errForm
	}
	s := &Signed{Type: Type(t)}
	var attached cryptobyte.String
	var has bool
	if !content.ReadOptionalASN1(&attached, &has, explicit(0)) {
		return nil, errForm
	}
	if has {
		var octets cryptobyte.String
		if !attached.ReadASN1(&octets, cbasn1.OCTET_STRING) {
			return nil, errForm
		}
		s.Content = append([]byte{}, octets...)
	}
	var err error
	if s.Certificate, err = cert.Parse(certificates); err != nil {
		return nil, err
	}
	var sig, unsigned cryptobyte.String
	if !signer.ReadASN1(&skip, cbasn1.INTEGER) || !signer.ReadASN1(&skip, cbasn1.SEQUENCE) || !signer.ReadASN1(&skip, cbasn1.SEQUENCE) ||
		!signer.ReadASN1(&attributes, explicit(0)) || !signer.ReadASN1(&skip, cbasn1.SEQUENCE) || !signer.ReadASN1(&sig, cbasn1.OCTET_STRING) ||
		!signer.ReadOptionalASN1(&unsigned, &has, explicit(1)) {
		return nil, errForm
	}
	if s.Signature, err = crypto.DecodeSignature(sig); err != nil {
		return nil, err
	}
	if s.Digest, err = digestOf(attributes); err != nil {
		return nil, err
	}
	if has {
		var a, token cryptobyte.String
		if !unsigned.ReadASN1(&a, cbasn1.SEQUENCE) || !a.ReadASN1ObjectIdentifier(&oid) || !a.ReadASN1(&token, cbasn1.SET) || len(token) == 0 {
			return nil, errForm
		}
		s.TimeStamp = bytes.Clone(token)
	}
	return s, nil
}

// digestOf finds the digest among the attributes.
func digestOf(attributes cryptobyte.String) (crypto.Hash, error) {
	for !attributes.Empty() {
		var a, set, digest cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attributes.ReadASN1(&a, cbasn1.SEQUENCE) || !a.ReadASN1ObjectIdentifier(&oid) || !a.ReadASN1(&set, cbasn1.SET) {
			return crypto.Hash{}, errForm
		}
		if oid.Equal(oidMessageDigest) {
			if !set.ReadASN1(&digest, cbasn1.OCTET_STRING) {
				return crypto.Hash{}, errForm
			}
			return crypto.HashFromBytes(digest)
		}
	}
	return crypto.Hash{}, errForm
}
