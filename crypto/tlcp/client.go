package tlcp

import (
	"io"
	"slices"

	"github.com/huchain/huchain/crypto"
)

const preMasterSize = 48

// client runs the client's side, GB/T 38636-2020 section 6.4.2. The caller holds inMu.
func (hs *handshake) client() error {
	if err := hs.hello(); err != nil {
		return err
	}
	body, err := hs.read(typeCertificate)
	if err != nil {
		return err
	}
	chain, err := decoded(parseCertificates(body))
	if err != nil {
		return err
	}
	if hs.peer, err = hs.c.config.judgePeer(chain, true); err != nil {
		return err
	}
	if body, err = hs.read(typeServerKeyExchange); err != nil {
		return err
	}
	ske, err := decoded(parseServerKeyExchange(body, hs.suite.ephemeral()))
	if err != nil {
		return err
	}
	if err := verify(hs.peer.Sign.PublicKey, hs.signed(ske.params, hs.peer.Encrypt.Raw), ske.signature); err != nil {
		return err
	}
	asked, err := hs.readHelloDone()
	if err != nil {
		return err
	}
	if err := hs.answer(ske, asked); err != nil {
		return err
	}
	if err := hs.sendFinished(clientFinished); err != nil {
		return hs.prefer(err)
	}
	return hs.readFinished(serverFinished)
}

// prefer returns the alert that a server sent before it cut the connection, rather than
// the failed write that followed.
func (hs *handshake) prefer(err error) error {
	if rerr := hs.c.readChange(); rerr != nil {
		return rerr
	}
	return err
}

func (hs *handshake) hello() error {
	offered := hs.c.config.suites(hs.id)
	if len(offered) == 0 {
		return faultf(AlertInternalError, "no suite that the own keys can speak")
	}
	var err error
	if hs.clientRandom, err = hs.random(); err != nil {
		return err
	}
	out := &clientHello{version: version, random: hs.clientRandom, suites: offered, compression: []byte{0}}
	if err := hs.send(out.marshal()); err != nil {
		return err
	}
	if err := hs.flush(); err != nil {
		return err
	}
	body, err := hs.read(typeServerHello)
	if err != nil {
		return err
	}
	in, err := decoded(parseServerHello(body))
	if err != nil {
		return err
	}
	switch {
	case in.version != version:
		return faultf(AlertProtocolVersion, "the server chose version 0x%04X", in.version)
	case !slices.Contains(offered, in.suite):
		return faultf(AlertIllegalParameter, "the server chose %v, which was not offered", in.suite)
	case in.compression != 0:
		return faultf(AlertIllegalParameter, "the server chose a compression")
	}
	hs.serverRandom, hs.suite = in.random, in.suite
	return nil
}

// readHelloDone reports whether the server asks for certificates.
func (hs *handshake) readHelloDone() (asked bool, err error) {
	next, err := hs.peek()
	if err != nil {
		return false, err
	}
	if next == typeCertificateRequest {
		body, err := hs.read(typeCertificateRequest)
		if err != nil {
			return false, err
		}
		request, err := decoded(parseCertificateRequest(body))
		if err != nil {
			return false, err
		}
		if !slices.Contains(request.types, ecdsaSign) {
			return false, faultf(AlertHandshakeFailure, "the server takes no SM2 certificates")
		}
		asked = true
	}
	if hs.suite.ephemeral() && !asked {
		return false, faultf(AlertHandshakeFailure, "the server chose %v and asks for no certificate", hs.suite)
	}
	_, err = hs.read(typeServerHelloDone)
	return asked, err
}

// answer sends certificates, key exchange and the proof of the signing key.
func (hs *handshake) answer(ske *serverKeyExchange, asked bool) error {
	if asked {
		if err := hs.send(marshalCertificates(hs.id.chain())); err != nil {
			return err
		}
	}
	var pre, payload []byte
	var err error
	if hs.suite.ephemeral() {
		var own *crypto.PrivateKey
		if own, err = crypto.GenerateKey(hs.c.config.rand()); err != nil {
			return err
		}
		payload = ecdheParams(own.Public())
		pre, err = hs.exchange(own, ske.point)
	} else {
		pre = make([]byte, preMasterSize)
		pre[0], pre[1] = version>>8, version&0xff
		if _, err = io.ReadFull(hs.c.config.rand(), pre[2:]); err != nil {
			return err
		}
		payload, err = hs.peer.Encrypt.PublicKey.Encrypt(hs.c.config.rand(), pre)
	}
	if err != nil {
		return err
	}
	if err := hs.send(marshalClientKeyExchange(payload)); err != nil {
		return err
	}
	if asked {
		signature, err := sign(hs.id.Signer, hs.transcript.sum())
		if err != nil {
			return err
		}
		if err := hs.send(marshalCertificateVerify(signature)); err != nil {
			return err
		}
	}
	return hs.deriveKeys(pre)
}

// exchange runs the SM2 key exchange, in which the server is the initiator.
func (hs *handshake) exchange(own *crypto.PrivateKey, point crypto.PublicKey) ([]byte, error) {
	pre, err := hs.id.exchanger().Exchange(crypto.Exchange{
		Initiator: !hs.c.client, Ephemeral: own, Peer: hs.peer.Encrypt.PublicKey, PeerEphemeral: point, Size: preMasterSize,
	})
	if err != nil {
		return nil, &AlertError{Alert: AlertIllegalParameter, Err: err}
	}
	return pre, nil
}
