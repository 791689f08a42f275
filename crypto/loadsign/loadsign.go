// Package loadsign signs the transactions of load generators: signatures that verify like
// any other, at half of what crypto.PrivateKey takes, so that the generator leaves the
// machine to the chain it measures.
//
// It runs in variable time: whoever can measure it learns the key. Keys MUST protect
// nothing and end with the run. A fence in internal/lint lets package bench alone import it.
package loadsign

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/emmansun/gmsm/sm2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/internal/sm2fast"
)

// userID is that of all signatures, GM/T 0009-2012 section 10.
const userID = "1234567812345678"

var order = sm2.P256().Params().N

// Signer is a key that signs load. It is safe for concurrent use.
type Signer struct {
	pub     crypto.PublicKey
	za      []byte
	inverse *big.Int // of d+1 modulo n
}

var _ crypto.Signer = (*Signer)(nil)

// New takes over a key.
func New(key *crypto.PrivateKey) (*Signer, error) {
	k := key.Unwrap()
	za, err := sm2.CalculateZA(&k.PublicKey, []byte(userID))
	if err != nil {
		return nil, fmt.Errorf("key of load: %w", err)
	}
	d1 := new(big.Int).Add(k.D, big.NewInt(1))
	return &Signer{pub: key.Public(), za: za, inverse: d1.ModInverse(d1, order)}, nil
}

// Public returns the public half.
func (s *Signer) Public() crypto.PublicKey { return s.pub }

// Sign implements crypto.Signer after GB/T 32918.2-2016 section 6.1, with random nonces.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	digest := crypto.Sum(s.za, msg)
	e := new(big.Int).SetBytes(digest[:])
	for {
		var nonce [32]byte
		if _, err := rand.Read(nonce[:]); err != nil {
			return nil, fmt.Errorf("sign load: %w", err)
		}
		x, ok := sm2fast.BaseX(&nonce)
		if !ok {
			continue
		}
		k, r := new(big.Int).SetBytes(nonce[:]), new(big.Int).SetBytes(x[:])
		r.Mod(r.Add(r, e), order)
		sum := new(big.Int).Add(r, k)
		if r.Sign() == 0 || sum.Cmp(order) == 0 {
			continue
		}
		// s = (k - r·d)/(d+1) = (k + r)/(d+1) - r
		sum.Mul(sum, s.inverse)
		sum.Mod(sum.Sub(sum, r), order)
		if sum.Sign() == 0 {
			continue
		}
		out := make([]byte, crypto.SignatureSize)
		r.FillBytes(out[:32])
		sum.FillBytes(out[32:])
		return out, nil
	}
}
