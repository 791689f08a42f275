package tlcp

import (
	"errors"
	"math"

	"golang.org/x/crypto/cryptobyte"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

// version is TLCP 1.1, the only one (GB/T 38636-2020 section 6.4.5.2.1).
const version = 0x0101

// Types of handshake messages.
const (
	typeClientHello        = 1
	typeServerHello        = 2
	typeCertificate        = 11
	typeServerKeyExchange  = 12
	typeCertificateRequest = 13
	typeServerHelloDone    = 14
	typeCertificateVerify  = 15
	typeClientKeyExchange  = 16
	typeFinished           = 20
)

const (
	randomSize = 32
	verifySize = 12 // of Finished
	// maxCertificates a peer may show; those after the second are not read.
	maxCertificates = 8
	// curveSM2 names the SM2 curve (RFC 8998 section 3.2.2); peers may send another
	// value, which the standard says to ignore.
	curveSM2     = 41
	namedCurve   = 3
	ecdsaSign    = 64 // certificate type of CertificateRequest
	paramsLength = 4 + crypto.PublicKeySize
)

var errDecode = errors.New("malformed message")

// maxBody bounds the body of a handshake message of a type, in bytes; 0 for a type that
// does not exist here. ClientHello leaves room for extensions of other implementations.
func maxBody(msgType uint8) int {
	switch msgType {
	case typeClientHello:
		return 8 << 10
	case typeServerHello, typeServerKeyExchange, typeCertificateVerify, typeClientKeyExchange:
		return 1 << 10
	case typeCertificate:
		return 3 + maxCertificates*(3+cert.MaxSize)
	case typeCertificateRequest:
		return 32 << 10
	case typeFinished:
		return verifySize
	case typeServerHelloDone:
		return 0
	}
	return -1
}

// message frames a handshake message; body failures are programmer errors.
func message(msgType uint8, body func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddUint8(msgType)
	b.AddUint24LengthPrefixed(body)
	return b.BytesOrPanic()
}

func bytes8(v []byte) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { b.AddBytes(v) }
}

type clientHello struct {
	version     uint16
	random      [randomSize]byte
	session     []byte // at most 32 bytes; not used
	suites      []Suite
	compression []byte
	extensions  []byte // of other implementations; not read
}

func (m *clientHello) marshal() []byte {
	return message(typeClientHello, func(b *cryptobyte.Builder) {
		b.AddUint16(m.version)
		b.AddBytes(m.random[:])
		b.AddUint8LengthPrefixed(bytes8(m.session))
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, s := range m.suites {
				b.AddUint16(uint16(s))
			}
		})
		b.AddUint8LengthPrefixed(bytes8(m.compression))
		if m.extensions != nil {
			b.AddUint16LengthPrefixed(bytes8(m.extensions))
		}
	})
}

func parseClientHello(body []byte) (*clientHello, error) {
	in := cryptobyte.String(body)
	m := new(clientHello)
	var session, suites, compression, extensions cryptobyte.String
	if !in.ReadUint16(&m.version) || !in.CopyBytes(m.random[:]) ||
		!in.ReadUint8LengthPrefixed(&session) || len(session) > 32 ||
		!in.ReadUint16LengthPrefixed(&suites) || len(suites) == 0 || len(suites)%2 != 0 ||
		!in.ReadUint8LengthPrefixed(&compression) || len(compression) == 0 {
		return nil, errDecode
	}
	if !in.Empty() {
		if !in.ReadUint16LengthPrefixed(&extensions) || !in.Empty() {
			return nil, errDecode
		}
		m.extensions = append([]byte{}, extensions...)
	}
	for len(suites) > 0 {
		var s uint16
		suites.ReadUint16(&s)
		m.suites = append(m.suites, Suite(s))
	}
	m.session, m.compression = session, compression
	return m, nil
}

type serverHello struct {
	version     uint16
	random      [randomSize]byte
	session     []byte
	suite       Suite
	compression uint8
}

func (m *serverHello) marshal() []byte {
	return message(typeServerHello, func(b *cryptobyte.Builder) {
		b.AddUint16(m.version)
		b.AddBytes(m.random[:])
		b.AddUint8LengthPrefixed(bytes8(m.session))
		b.AddUint16(uint16(m.suite))
		b.AddUint8(m.compression)
	})
}

// parseServerHello refuses extensions, since none are offered.
func parseServerHello(body []byte) (*serverHello, error) {
	in := cryptobyte.String(body)
	m := new(serverHello)
	var session cryptobyte.String
	var suite uint16
	if !in.ReadUint16(&m.version) || !in.CopyBytes(m.random[:]) ||
		!in.ReadUint8LengthPrefixed(&session) || len(session) > 32 ||
		!in.ReadUint16(&suite) || !in.ReadUint8(&m.compression) || !in.Empty() {
		return nil, errDecode
	}
	m.session, m.suite = session, Suite(suite)
	return m, nil
}

func marshalCertificates(chain [][]byte) []byte {
	return message(typeCertificate, func(b *cryptobyte.Builder) {
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, der := range chain {
				b.AddUint24LengthPrefixed(bytes8(der))
			}
		})
	})
}

func parseCertificates(body []byte) ([][]byte, error) {
	in := cryptobyte.String(body)
	var list cryptobyte.String
	if !in.ReadUint24LengthPrefixed(&list) || !in.Empty() {
		return nil, errDecode
	}
	var out [][]byte
	for !list.Empty() {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || len(der) == 0 || len(der) > cert.MaxSize || len(out) == maxCertificates {
			return nil, errDecode
		}
		out = append(out, der)
	}
	return out, nil
}

// certificateRequest names what clients may show; the list of authorities stays empty
// when sent, as it would tell anyone which organisations run the service.
type certificateRequest struct {
	types       []byte
	authorities []byte // a list of distinguished names; not read
}

func (m *certificateRequest) marshal() []byte {
	return message(typeCertificateRequest, func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(bytes8(m.types))
		b.AddUint16LengthPrefixed(bytes8(m.authorities))
	})
}

func parseCertificateRequest(body []byte) (*certificateRequest, error) {
	in := cryptobyte.String(body)
	var types, authorities cryptobyte.String
	if !in.ReadUint8LengthPrefixed(&types) || len(types) == 0 ||
		!in.ReadUint16LengthPrefixed(&authorities) || !in.Empty() {
		return nil, errDecode
	}
	return &certificateRequest{types: types, authorities: authorities}, nil
}

// ecdheParams are the parameters of either side: named curve, then the point.
func ecdheParams(point crypto.PublicKey) []byte {
	out := append(make([]byte, 0, paramsLength), namedCurve, curveSM2>>8, curveSM2, crypto.PublicKeySize)
	return append(out, point[:]...)
}

func readParams(in *cryptobyte.String) (crypto.PublicKey, error) {
	var point cryptobyte.String
	if !in.Skip(3) || !in.ReadUint8LengthPrefixed(&point) {
		return crypto.PublicKey{}, errDecode
	}
	return crypto.ParsePublicKey(point)
}

// serverKeyExchange is params (ECDHE alone) and the signature of section 6.4.5.4.
type serverKeyExchange struct {
	params    []byte // as transmitted, because it is signed so
	point     crypto.PublicKey
	signature []byte // DER
}

func (m *serverKeyExchange) marshal() []byte {
	return message(typeServerKeyExchange, func(b *cryptobyte.Builder) {
		b.AddBytes(m.params)
		b.AddUint16LengthPrefixed(bytes8(m.signature))
	})
}

func parseServerKeyExchange(body []byte, ephemeral bool) (*serverKeyExchange, error) {
	in := cryptobyte.String(body)
	m := new(serverKeyExchange)
	if ephemeral {
		var err error
		if m.point, err = readParams(&in); err != nil {
			return nil, err
		}
		m.params = body[:len(body)-len(in)]
	}
	var signature cryptobyte.String
	if !in.ReadUint16LengthPrefixed(&signature) || len(signature) == 0 || !in.Empty() {
		return nil, errDecode
	}
	m.signature = signature
	return m, nil
}

// marshalClientKeyExchange takes the SM2 ciphertext, or the parameters, of the client.
func marshalClientKeyExchange(payload []byte) []byte {
	return message(typeClientKeyExchange, func(b *cryptobyte.Builder) { b.AddUint16LengthPrefixed(bytes8(payload)) })
}

func parseCiphertext(body []byte) ([]byte, error) {
	in := cryptobyte.String(body)
	var payload cryptobyte.String
	if !in.ReadUint16LengthPrefixed(&payload) || len(payload) == 0 || !in.Empty() {
		return nil, errDecode
	}
	return payload, nil
}

// parseClientParams takes the client's parameters with the length before them that the
// standard asks for, and without it, as some implementations send them.
func parseClientParams(body []byte) (crypto.PublicKey, error) {
	in := cryptobyte.String(body)
	if len(body) == 2+paramsLength {
		if !in.ReadUint16LengthPrefixed(&in) || len(in) != paramsLength {
			return crypto.PublicKey{}, errDecode
		}
	}
	point, err := readParams(&in)
	if err == nil && !in.Empty() {
		err = errDecode
	}
	return point, err
}

func marshalCertificateVerify(signature []byte) []byte {
	return message(typeCertificateVerify, func(b *cryptobyte.Builder) { b.AddUint16LengthPrefixed(bytes8(signature)) })
}

func marshalFinished(verify []byte) []byte { return message(typeFinished, bytes8(verify)) }

func marshalHelloDone() []byte { return message(typeServerHelloDone, bytes8(nil)) }

// header splits the four bytes before a body.
func header(b []byte) (msgType uint8, size int) {
	_ = b[3]
	return b[0], int(b[1])<<16 | int(b[2])<<8 | int(b[3])
}

// limitOf reports the whole length of the message that starts with head, or an error if
// its type is unknown or it is too long.
func limitOf(head []byte) (int, error) {
	msgType, size := header(head)
	most := maxBody(msgType)
	if most < 0 {
		return 0, faultf(AlertUnexpectedMessage, "handshake message of type %d", msgType)
	}
	if size > most || size > math.MaxUint16*2 {
		return 0, faultf(AlertIllegalParameter, "handshake message of type %d with %d bytes, at most %d", msgType, size, most)
	}
	return 4 + size, nil
}
