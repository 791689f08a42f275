package tlcp

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"

	"github.com/huchain/huchain/crypto"
)

// handshake is the state of one side until Finished. Its steps run in one order; a
// message out of order ends the connection.
type handshake struct {
	c          *Conn
	id         *Identity
	transcript transcript
	suite      Suite
	peer       *Peer
	// Of both hellos.
	clientRandom, serverRandom [randomSize]byte
	master                     []byte
}

// read returns the body of the next handshake message, which must be of msgType, and
// adds the message to the transcript. The caller holds inMu.
func (hs *handshake) read(msgType uint8) ([]byte, error) {
	raw, err := hs.c.readMessage()
	if err != nil {
		return nil, err
	}
	if raw[0] != msgType {
		return nil, faultf(AlertUnexpectedMessage, "handshake message of type %d where %d is due", raw[0], msgType)
	}
	hs.transcript.add(raw)
	return raw[4:], nil
}

// peek returns the type of the next handshake message.
func (hs *handshake) peek() (uint8, error) {
	if err := hs.c.fillMessage(); err != nil {
		return 0, err
	}
	return hs.c.hand[0], nil
}

// fillMessage reads until hand holds a whole message.
func (c *Conn) fillMessage() error {
	for {
		if len(c.hand) >= 4 {
			size, err := limitOf(c.hand)
			if err != nil {
				return err
			}
			if len(c.hand) >= size {
				return nil
			}
		}
		recordType, payload, err := c.readRecord()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if recordType != recordHandshake {
			return faultf(AlertUnexpectedMessage, "record of type %d during the handshake", recordType)
		}
		c.hand = append(c.hand, payload...)
	}
}

// readMessage returns the next handshake message with its header.
func (c *Conn) readMessage() ([]byte, error) {
	if err := c.fillMessage(); err != nil {
		return nil, err
	}
	size, err := limitOf(c.hand)
	if err != nil {
		return nil, err
	}
	raw := c.hand[:size:size]
	c.hand = c.hand[size:]
	return raw, nil
}

// readChange takes the peer's ChangeCipherSpec, at a message boundary alone.
func (c *Conn) readChange() error {
	if len(c.hand) != 0 {
		return faultf(AlertUnexpectedMessage, "handshake bytes before ChangeCipherSpec")
	}
	recordType, payload, err := c.readRecord()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if recordType != recordChangeCipherSpec {
		return faultf(AlertUnexpectedMessage, "record of type %d where ChangeCipherSpec is due", recordType)
	}
	if len(payload) != 1 || payload[0] != 1 {
		return faultf(AlertDecodeError, "ChangeCipherSpec of %d bytes", len(payload))
	}
	if !c.in.change() {
		return faultf(AlertUnexpectedMessage, "ChangeCipherSpec before the keys")
	}
	return nil
}

// send adds messages to the transcript and queues them.
func (hs *handshake) send(messages ...[]byte) error {
	hs.c.outMu.Lock()
	defer hs.c.outMu.Unlock()
	for _, m := range messages {
		hs.transcript.add(m)
		for len(m) > 0 {
			n := min(len(m), maxPlaintext)
			if err := hs.c.queue(recordHandshake, m[:n]); err != nil {
				return err
			}
			m = m[n:]
		}
	}
	return nil
}

func (hs *handshake) flush() error {
	hs.c.outMu.Lock()
	defer hs.c.outMu.Unlock()
	return hs.c.flush()
}

// deriveKeys makes the master secret and prepares the protection of both directions.
func (hs *handshake) deriveKeys(pre []byte) error {
	hs.master = masterSecret(pre, &hs.clientRandom, &hs.serverRandom)
	clear(pre)
	k := deriveKeys(hs.suite, hs.master, &hs.clientRandom, &hs.serverRandom)
	protect := func(key, mac, salt []byte) (protection, error) {
		if hs.suite.gcm() {
			return newGCM(key, salt)
		}
		return newCBC(key, mac, hs.c.config.rand())
	}
	fromClient, err := protect(k.clientKey, k.clientMAC, k.clientSalt)
	if err != nil {
		return err
	}
	fromServer, err := protect(k.serverKey, k.serverMAC, k.serverSalt)
	if err != nil {
		return err
	}
	hs.c.outMu.Lock()
	defer hs.c.outMu.Unlock()
	if hs.c.client {
		hs.c.in.next, hs.c.out.next = fromServer, fromClient
	} else {
		hs.c.in.next, hs.c.out.next = fromClient, fromServer
	}
	return nil
}

// sendFinished sends ChangeCipherSpec and Finished.
func (hs *handshake) sendFinished(label string) error {
	verify := hs.transcript.finished(hs.master, label)
	hs.c.outMu.Lock()
	err := hs.c.queue(recordChangeCipherSpec, []byte{1})
	hs.c.out.change()
	hs.c.outMu.Unlock()
	if err != nil {
		return err
	}
	if err := hs.send(marshalFinished(verify)); err != nil {
		return err
	}
	return hs.flush()
}

// readFinished takes the peer's ChangeCipherSpec and Finished.
func (hs *handshake) readFinished(label string) error {
	want := hs.transcript.finished(hs.master, label)
	if err := hs.c.readChange(); err != nil {
		return err
	}
	got, err := hs.read(typeFinished)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, got) != 1 {
		return faultf(AlertDecryptError, "Finished does not match the handshake")
	}
	return nil
}

// random is four bytes of time and 28 random ones, as the standard asks.
func (hs *handshake) random() (out [randomSize]byte, err error) {
	binary.BigEndian.PutUint32(out[:], uint32(hs.c.config.now().Unix()))
	_, err = io.ReadFull(hs.c.config.rand(), out[4:])
	return out, err
}

// signed is what the server's signature covers (section 6.4.5.4): both randoms, then its
// parameters for ECDHE, or its encryption certificate for ECC.
func (hs *handshake) signed(params, encrypt []byte) []byte {
	out := append(append([]byte{}, hs.clientRandom[:]...), hs.serverRandom[:]...)
	if hs.suite.ephemeral() {
		return append(out, params...)
	}
	out = append(out, byte(len(encrypt)>>16), byte(len(encrypt)>>8), byte(len(encrypt)))
	return append(out, encrypt...)
}

func sign(key crypto.Signer, message []byte) ([]byte, error) {
	raw, err := key.Sign(message)
	if err != nil {
		return nil, &AlertError{Alert: AlertInternalError, Err: err}
	}
	der, err := crypto.EncodeSignature(raw)
	if err != nil {
		return nil, &AlertError{Alert: AlertInternalError, Err: err}
	}
	return der, nil
}

func verify(key crypto.PublicKey, message, der []byte) error {
	raw, err := crypto.DecodeSignature(der)
	if err != nil || !key.Verify(message, raw) {
		return faultf(AlertDecryptError, "the peer's signature over the handshake is wrong")
	}
	return nil
}

// decoded turns a parser's error into a fault of the peer.
func decoded[T any](v T, err error) (T, error) {
	var own *AlertError
	if err != nil && !errors.As(err, &own) {
		err = &AlertError{Alert: AlertDecodeError, Err: err}
	}
	return v, err
}
