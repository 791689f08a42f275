package tlcp

import (
	"crypto/subtle"
	"io"
	"slices"

	"github.com/huchain/huchain/crypto"
)

// server runs the server's side, GB/T 38636-2020 section 6.4.2. The caller holds inMu.
func (hs *handshake) server() error {
	if hs.id.Encrypt == nil {
		return faultf(AlertInternalError, "a server needs an encryption certificate")
	}
	if err := hs.choose(); err != nil {
		return err
	}
	own, err := hs.offer()
	if err != nil {
		return err
	}
	if err := hs.flush(); err != nil {
		return err
	}
	if err := hs.readCertificates(); err != nil {
		return err
	}
	pre, err := hs.readKeyExchange(own)
	if err != nil {
		return err
	}
	if hs.peer != nil {
		digest := hs.transcript.sum()
		body, err := hs.read(typeCertificateVerify)
		if err != nil {
			return err
		}
		signature, err := decoded(parseCiphertext(body)) // the same form
		if err != nil {
			return err
		}
		if err := verify(hs.peer.Sign.PublicKey, digest, signature); err != nil {
			return err
		}
	}
	if err := hs.deriveKeys(pre); err != nil {
		return err
	}
	if err := hs.readFinished(clientFinished); err != nil {
		return err
	}
	return hs.sendFinished(serverFinished)
}

// choose reads ClientHello and picks the suite.
func (hs *handshake) choose() error {
	body, err := hs.read(typeClientHello)
	if err != nil {
		return err
	}
	in, err := decoded(parseClientHello(body))
	if err != nil {
		return err
	}
	if in.version != version {
		return faultf(AlertProtocolVersion, "the client speaks version 0x%04X", in.version)
	}
	if !slices.Contains(in.compression, 0) {
		return faultf(AlertIllegalParameter, "the client insists on compression")
	}
	hs.clientRandom = in.random
	for _, s := range hs.c.config.suites(hs.id) {
		if slices.Contains(in.suites, s) && !(s.ephemeral() && hs.c.config.AnonymousClients) {
			hs.suite = s
			hs.serverRandom, err = hs.random()
			return err
		}
	}
	return faultf(AlertHandshakeFailure, "no suite in common: the client offers %v", in.suites)
}

// offer sends the server's first flight and returns the fresh key of ECDHE.
func (hs *handshake) offer() (own *crypto.PrivateKey, err error) {
	var params []byte
	if hs.suite.ephemeral() {
		if own, err = crypto.GenerateKey(hs.c.config.rand()); err != nil {
			return nil, err
		}
		params = ecdheParams(own.Public())
	}
	signature, err := sign(hs.id.Signer, hs.signed(params, hs.id.Encrypt.Raw))
	if err != nil {
		return nil, err
	}
	hello := &serverHello{version: version, random: hs.serverRandom, suite: hs.suite}
	flight := [][]byte{
		hello.marshal(), marshalCertificates(hs.id.chain()),
		(&serverKeyExchange{params: params, signature: signature}).marshal(),
	}
	if !hs.c.config.AnonymousClients {
		flight = append(flight, (&certificateRequest{types: []byte{ecdsaSign}}).marshal())
	}
	return own, hs.send(append(flight, marshalHelloDone())...)
}

// readCertificates judges the client, unless nobody asked it who it is.
func (hs *handshake) readCertificates() error {
	if hs.c.config.AnonymousClients {
		return nil
	}
	body, err := hs.read(typeCertificate)
	if err != nil {
		return err
	}
	chain, err := decoded(parseCertificates(body))
	if err != nil {
		return err
	}
	hs.peer, err = hs.c.config.judgePeer(chain, hs.suite.ephemeral())
	return err
}

// readKeyExchange returns the secret both sides share.
func (hs *handshake) readKeyExchange(own *crypto.PrivateKey) ([]byte, error) {
	body, err := hs.read(typeClientKeyExchange)
	if err != nil {
		return nil, err
	}
	if own != nil {
		point, err := decoded(parseClientParams(body))
		if err != nil {
			return nil, err
		}
		return hs.exchange(own, point)
	}
	ciphertext, err := decoded(parseCiphertext(body))
	if err != nil {
		return nil, err
	}
	// A ciphertext that does not open gives a random secret, so that the peer learns
	// nothing before Finished.
	pre := make([]byte, preMasterSize)
	if _, err := io.ReadFull(hs.c.config.rand(), pre); err != nil {
		return nil, err
	}
	opened, err := hs.id.Decrypter.Decrypt(ciphertext)
	if err != nil || len(opened) != preMasterSize {
		opened = make([]byte, preMasterSize) // of no version
	}
	good := subtle.ConstantTimeByteEq(opened[0], version>>8) & subtle.ConstantTimeByteEq(opened[1], version&0xff)
	subtle.ConstantTimeCopy(good, pre, opened)
	clear(opened)
	return pre, nil
}
