package crypto

import (
	"errors"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/ecdh"
	"github.com/emmansun/gmsm/sm2"
)

// Decrypter opens what was encrypted to one SM2 key (GB/T 32918.4-2016). Implementations
// are safe for concurrent use and take the same time whether or not a ciphertext opens.
type Decrypter interface {
	Public() PublicKey
	// Decrypt takes the ciphertext in the ASN.1 form of GB/T 35276-2017 section 7.2.
	Decrypt(ciphertext []byte) ([]byte, error)
}

// Exchanger agrees on keys as one SM2 key (GB/T 32918.3-2016). Implementations are safe
// for concurrent use.
type Exchanger interface {
	Public() PublicKey
	Exchange(x Exchange) ([]byte, error)
}

// Exchange is what one side of an SM2 key exchange knows besides its own key. Both sides
// use the user id 1234567812345678.
type Exchange struct {
	Initiator     bool        // side A of the standard; exactly one side is
	Ephemeral     *PrivateKey // made for this exchange alone
	Peer          PublicKey
	PeerEphemeral PublicKey
	Size          int // bytes of key wanted
}

var (
	_ Decrypter = (*PrivateKey)(nil)
	_ Exchanger = (*PrivateKey)(nil)
)

// Encrypt encrypts msg, of 1 byte to 64 KiB, to k with the randomness of rand
// (crypto/rand.Reader outside tests) and returns ASN.1 SEQUENCE{x, y, hash, ciphertext}.
func (k PublicKey) Encrypt(rand io.Reader, msg []byte) ([]byte, error) {
	if len(msg) == 0 || len(msg) > 64<<10 {
		return nil, fmt.Errorf("SM2 encrypts 1 to 65536 bytes, not %d", len(msg))
	}
	pub, err := sm2.NewPublicKey(k[:])
	if err != nil {
		return nil, fmt.Errorf("SM2 encrypt: %w", err)
	}
	out, err := sm2.EncryptASN1(rand, pub, msg)
	if err != nil {
		return nil, fmt.Errorf("SM2 encrypt: %w", err)
	}
	return out, nil
}

// Decrypt implements Decrypter.
func (k *PrivateKey) Decrypt(ciphertext []byte) ([]byte, error) {
	out, err := k.key.Decrypt(nil, ciphertext, sm2.ASN1DecrypterOpts)
	if err != nil {
		return nil, errors.New("SM2 ciphertext does not open")
	}
	return out, nil
}

// Exchange implements Exchanger. The peer's points must lie on the curve; one that makes
// the shared point infinite is refused.
func (k *PrivateKey) Exchange(x Exchange) ([]byte, error) {
	if x.Ephemeral == nil || x.Size < 1 || x.Size > 1<<10 {
		return nil, errors.New("SM2 key exchange needs an ephemeral key and a size of 1 to 1024 bytes")
	}
	static, err := k.key.ECDH()
	if err != nil {
		return nil, errors.New("SM2 key exchange: own key is out of range")
	}
	ephemeral, err := x.Ephemeral.key.ECDH()
	if err != nil {
		return nil, errors.New("SM2 key exchange: ephemeral key is out of range")
	}
	peer, err := ecdh.P256().NewPublicKey(x.Peer[:])
	if err != nil {
		return nil, fmt.Errorf("SM2 key exchange: peer's key: %w", err)
	}
	peerEphemeral, err := ecdh.P256().NewPublicKey(x.PeerEphemeral[:])
	if err != nil {
		return nil, fmt.Errorf("SM2 key exchange: peer's ephemeral key: %w", err)
	}
	shared, err := static.SM2MQV(ephemeral, peer, peerEphemeral)
	if err != nil {
		return nil, fmt.Errorf("SM2 key exchange: %w", err)
	}
	out, err := shared.SM2SharedKey(!x.Initiator, x.Size, static.PublicKey(), peer, userID, userID)
	if err != nil {
		return nil, fmt.Errorf("SM2 key exchange: %w", err)
	}
	return out, nil
}
