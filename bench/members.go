package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// member is a key that signs load. Keys live in memory only.
type member struct {
	key  *crypto.PrivateKey
	addr types.Address
	cert []byte // DER
}

// newMembers makes n keys and has the organisation's CA certify them as clients for a day.
func newMembers(ctx context.Context, ca *cert.CA, n int) ([]*member, error) {
	var tag [4]byte // runs against one chain must not share member ids
	if _, err := rand.Read(tag[:]); err != nil {
		return nil, fmt.Errorf("name bench members: %w", err)
	}
	now := time.Now()
	out := make([]*member, n)
	for i := range out {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		key, err := crypto.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		c, err := ca.Issue(cert.Request{
			Name: fmt.Sprintf("bench-%x-%d", tag, i), Roles: []string{string(types.RoleClient)},
			PublicKey: key.Public(), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		})
		if err != nil {
			return nil, fmt.Errorf("certify bench member: %w", err)
		}
		out[i] = &member{key: key, addr: types.AddressOf(key.Public()), cert: c.Raw}
	}
	return out, nil
}

// gasLimit is what a bench transaction offers; unused gas costs nothing.
const gasLimit = 50_000_000

// validity is how long a bench transaction may wait for its commit.
const validity = 4 * time.Minute

// sign makes the transaction of a call by m.
func (m *member) sign(genesis crypto.Hash, c call, withCert bool) (*types.Tx, error) {
	b := types.Body{
		Genesis: genesis, Sender: m.addr, Contract: c.contract, Method: c.method, Args: c.args,
		GasLimit: gasLimit, ValidUntil: time.Now().Add(validity).UnixMilli(),
	}
	if _, err := rand.Read(b.Salt[:]); err != nil {
		return nil, fmt.Errorf("random salt: %w", err)
	}
	var der []byte
	if withCert {
		der = m.cert
	}
	return types.SignTx(&b, der, m.key)
}
