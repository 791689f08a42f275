package tlcp

import (
	"crypto/rand"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

// Issue makes fresh keys and issues the pair of certificates for them. PublicKey and
// Encryption of the request are set here.
func Issue(ca *cert.CA, r cert.Request) (*Identity, error) {
	id := new(Identity)
	for _, encryption := range []bool{false, true} {
		key, err := crypto.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		r.PublicKey, r.Encryption = key.Public(), encryption
		c, err := ca.Issue(r)
		if err != nil {
			return nil, err
		}
		if encryption {
			id.Encrypt, id.Decrypter = c, key
		} else {
			id.Sign, id.Signer = c, key
		}
	}
	return id, id.Validate()
}
