package light

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/huchain/huchain/types"
)

// Bounds of an encoded link.
const (
	// MaxLinkBytes bounds an encoded link.
	MaxLinkBytes = 4 + 4*4 + maxHeaderBytes + maxCertificateBytes + 2*maxSetBytes

	maxHeaderBytes      = 1 << 10
	maxCertificateBytes = 16 << 10
	maxSetBytes         = 32 << 10
)

// linkMagic begins every encoded link: "HCL" and the version of the form.
const linkMagic = "HCL\x01"

// Link is one step of a light client: a header with its certificate and the two
// validator sets that it names.
type Link struct {
	Header      types.Header
	Certificate types.FinalityCertificate
	Signers     types.ValidatorSet // they signed the header
	Next        types.ValidatorSet // they sign the header after it
}

// Encode returns the canonical bytes: "HCL" ‖ 0x01, then header, certificate, signers
// and next signers, each behind its length as u32. The last is empty where the header
// names the same set twice.
func (l *Link) Encode() []byte {
	next := l.Next.Encode()
	if l.Header.NextSigners == l.Header.Signers {
		next = nil
	}
	b := []byte(linkMagic)
	for _, part := range [][]byte{l.Header.Encode(), l.Certificate.Encode(), l.Signers.Encode(), next} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return b
}

// DecodeLink reads the canonical bytes of a link, whose sets must be those the header
// names. Signatures are not verified. The error is HC-4201.
func DecodeLink(in []byte) (*Link, error) {
	l, err := decodeLink(in)
	if err != nil {
		return nil, invalid("decode link: %w", err)
	}
	return l, nil
}

func decodeLink(in []byte) (*Link, error) {
	if len(in) < len(linkMagic) || string(in[:len(linkMagic)]) != linkMagic {
		return nil, errors.New("not a link of a known version")
	}
	rest := in[len(linkMagic):]
	var parts [4][]byte
	for i, limit := range []uint64{maxHeaderBytes, maxCertificateBytes, maxSetBytes, maxSetBytes} {
		if len(rest) < 4 {
			return nil, errors.New("truncated")
		}
		n := uint64(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; n > limit || n > uint64(len(rest)) {
			return nil, fmt.Errorf("field %d has %d bytes: too long, or truncated", i+1, n)
		}
		parts[i], rest = rest[:n], rest[n:]
	}
	if len(rest) > 0 {
		return nil, errors.New("trailing bytes")
	}
	l := &Link{}
	var err error
	if l.Header, err = types.DecodeHeader(parts[0]); err != nil {
		return nil, err
	}
	if l.Certificate, err = types.DecodeFinalityCertificate(parts[1]); err != nil {
		return nil, err
	}
	if l.Signers, err = types.DecodeValidatorSet(parts[2]); err != nil {
		return nil, err
	}
	if l.Header.NextSigners == l.Header.Signers {
		if len(parts[3]) > 0 {
			return nil, errors.New("next signers are written out though they are the signers")
		}
		l.Next = l.Signers
	} else if l.Next, err = types.DecodeValidatorSet(parts[3]); err != nil {
		return nil, err
	}
	if l.Signers.Hash() != l.Header.Signers || l.Next.Hash() != l.Header.NextSigners {
		return nil, errors.New("a validator set is not the one the header names")
	}
	return l, nil
}
