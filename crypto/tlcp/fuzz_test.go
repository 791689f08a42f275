package tlcp

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/huchain/huchain/crypto"
)

// round checks that a body that parses has one form: marshalled again it is the same.
func round(f *testing.F, seeds [][]byte, parse func([]byte) (again []byte, err error)) {
	for _, s := range seeds {
		f.Add(s)
		if len(s) > 4 {
			f.Add(s[4:])
		}
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		again, err := parse(bytes.Clone(body))
		if err == nil && !bytes.Equal(again[4:], body) {
			t.Fatalf("%x parses and is written as %x", body, again[4:])
		}
	})
}

func FuzzClientHello(f *testing.F) {
	m := clientHello{version: version, suites: allSuites(), compression: []byte{0}}
	extended := m
	extended.extensions = []byte{0, 0, 0, 0}
	round(f, [][]byte{m.marshal(), extended.marshal()}, func(b []byte) ([]byte, error) {
		m, err := parseClientHello(b)
		if err != nil {
			return nil, err
		}
		return m.marshal(), nil
	})
}

func FuzzServerHello(f *testing.F) {
	m := serverHello{version: version, suite: ECCSM4GCMSM3, session: make([]byte, 32)}
	round(f, [][]byte{m.marshal()}, func(b []byte) ([]byte, error) {
		m, err := parseServerHello(b)
		if err != nil {
			return nil, err
		}
		return m.marshal(), nil
	})
}

func FuzzCertificates(f *testing.F) {
	round(f, [][]byte{marshalCertificates([][]byte{{1, 2}, {3}}), marshalCertificates(nil)}, func(b []byte) ([]byte, error) {
		chain, err := parseCertificates(b)
		if err != nil {
			return nil, err
		}
		return marshalCertificates(chain), nil
	})
}

func FuzzCertificateRequest(f *testing.F) {
	m := certificateRequest{types: []byte{ecdsaSign, 1}, authorities: []byte{0, 1, 2}}
	round(f, [][]byte{m.marshal()}, func(b []byte) ([]byte, error) {
		m, err := parseCertificateRequest(b)
		if err != nil {
			return nil, err
		}
		return m.marshal(), nil
	})
}

func FuzzServerKeyExchange(f *testing.F) {
	point := newKey(f).Public()
	ecc, ecdhe := serverKeyExchange{signature: []byte{1, 2, 3}}, serverKeyExchange{params: ecdheParams(point), signature: []byte{4}}
	round(f, [][]byte{ecc.marshal(), ecdhe.marshal()}, func(b []byte) ([]byte, error) {
		if m, err := parseServerKeyExchange(b, true); err == nil {
			if (m.point == crypto.PublicKey{}) {
				panic("no point")
			}
			return m.marshal(), nil
		}
		m, err := parseServerKeyExchange(b, false)
		if err != nil {
			return nil, err
		}
		return m.marshal(), nil
	})
}

// FuzzClientKeyExchange covers CertificateVerify too, which has the form of a ciphertext.
func FuzzClientKeyExchange(f *testing.F) {
	point := ecdheParams(newKey(f).Public())
	round(f, [][]byte{marshalClientKeyExchange(point), marshalCertificateVerify([]byte{1, 2}), append([]byte{16, 0, 0, 69}, point...)}, func(b []byte) ([]byte, error) {
		if _, err := parseClientParams(b); err == nil && len(b) != paramsLength && len(b) != paramsLength+2 {
			panic("parameters of another size")
		}
		payload, err := parseCiphertext(b)
		if err != nil {
			return nil, err
		}
		return marshalClientKeyExchange(payload), nil
	})
}

// FuzzRecords: bytes that the peer did not protect never come out of a protected
// direction, in either mode.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{recordApplication, 1, 1, 0, 64}, uint8(0))
	f.Add(append([]byte{recordApplication, 1, 1, 0, 80}, make([]byte, 80)...), uint8(1))
	f.Add(append([]byte{recordApplication, 1, 1, 1, 64}, make([]byte, 320)...), uint8(1))
	f.Fuzz(func(t *testing.T, raw []byte, mode uint8) {
		var p protection
		var err error
		if mode%2 == 0 {
			p, err = newGCM(make([]byte, keySize), make([]byte, saltSize))
		} else {
			p, err = newCBC(make([]byte, keySize), make([]byte, macSize), bytes.NewReader(nil))
		}
		if err != nil {
			t.Fatal(err)
		}
		inner, outer := net.Pipe()
		defer outer.Close()
		c := Server(inner, &Config{})
		c.in.active = p
		inner.SetDeadline(time.Now().Add(time.Second))
		go func() {
			outer.Write(raw)
			outer.Close()
		}()
		if recordType, payload, err := c.readRecord(); err == nil {
			t.Fatalf("record of type %d with %x came out", recordType, payload)
		}
	})
}

// FuzzServer gives a server raw bytes instead of a client.
func FuzzServer(f *testing.F) {
	w := newWorld(f, "archives")
	config := w.config("bob")
	hello := (&clientHello{version: version, suites: allSuites(), compression: []byte{0}}).marshal()
	f.Add(append([]byte{recordHandshake, 1, 1, 0, byte(len(hello))}, hello...))
	f.Fuzz(func(t *testing.T, raw []byte) { feed(t, raw, func(c net.Conn) *Conn { return Server(c, config) }) })
}

// FuzzClient gives a client raw bytes instead of a server.
func FuzzClient(f *testing.F) {
	w := newWorld(f, "archives")
	config := w.config("alice")
	hello := (&serverHello{version: version, suite: ECCSM4GCMSM3}).marshal()
	certs := marshalCertificates(w.identity("bob", time.Now().AddDate(1, 0, 0), "validator").chain())
	both := append(hello, certs...)
	f.Add(append([]byte{recordHandshake, 1, 1, byte(len(both) >> 8), byte(len(both))}, both...))
	f.Fuzz(func(t *testing.T, raw []byte) { feed(t, raw, func(c net.Conn) *Conn { return Client(c, config) }) })
}

func feed(t *testing.T, raw []byte, side func(net.Conn) *Conn) {
	inner, outer := net.Pipe()
	defer outer.Close()
	go func() {
		outer.SetReadDeadline(time.Now().Add(time.Second))
		buf := make([]byte, 4096)
		for {
			if _, err := outer.Read(buf); err != nil {
				return
			}
		}
	}()
	go func() {
		outer.Write(raw)
		outer.Close()
	}()
	if side(inner).Handshake() == nil {
		t.Fatal("a handshake succeeded without a peer")
	}
}
