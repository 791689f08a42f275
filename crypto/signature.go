package crypto

import (
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var errSignatureDER = errors.New("malformed ASN.1 SM2 signature")

// DecodeSignature turns an ASN.1 DER signature SEQUENCE{r, s} (GM/T 0009-2012
// section 7.3), as certificates and openssl hold it, into the 64-byte r‖s used here.
// It refuses other encodings of the same numbers, trailing bytes and numbers outside
// [1, 2^256); whether r and s are below the group order is left to Verify.
func DecodeSignature(der []byte) ([]byte, error) {
	var seq cryptobyte.String
	in := cryptobyte.String(der)
	var r, s big.Int
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) || !seq.Empty() {
		return nil, errSignatureDER
	}
	if r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 256 || s.BitLen() > 256 {
		return nil, errors.New("SM2 signature out of range")
	}
	out := make([]byte, SignatureSize)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

// EncodeSignature is the inverse of DecodeSignature: it turns 64-byte r‖s into DER.
func EncodeSignature(sig []byte) ([]byte, error) {
	if len(sig) != SignatureSize {
		return nil, fmt.Errorf("SM2 signature of %d bytes, want %d", len(sig), SignatureSize)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[:32]))
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[32:]))
	})
	return b.Bytes()
}
