package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/loadsign"
	"github.com/huchain/huchain/types"
)

// member is a key that signs load. Keys live in memory only.
type member struct {
	id   types.MemberID
	key  *crypto.PrivateKey
	load *loadsign.Signer // signs transactions under key
	addr types.Address
	cert []byte // DER
}

func (m *member) identity() *client.Identity {
	return &client.Identity{Signer: m.key, Certificate: m.cert, Member: m.id}
}

// newMembers makes n keys and has the organisation's CA certify them for a day.
func newMembers(ctx context.Context, ca *cert.CA, n int, roles ...types.Role) ([]*member, error) {
	var tag [4]byte // runs against one chain must not share member ids
	if _, err := rand.Read(tag[:]); err != nil {
		return nil, fmt.Errorf("name bench members: %w", err)
	}
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
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
		name := fmt.Sprintf("bench-%x-%d", tag, i)
		id, err := types.NewMemberID(ca.Root().Org, name)
		if err != nil {
			return nil, fmt.Errorf("name bench members: %w", err)
		}
		c, err := ca.Issue(cert.Request{
			Name: name, Roles: names, PublicKey: key.Public(), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		})
		if err != nil {
			return nil, fmt.Errorf("certify bench member: %w", err)
		}
		load, err := loadsign.New(key)
		if err != nil {
			return nil, err
		}
		out[i] = &member{id: id, key: key, load: load, addr: types.AddressOf(key.Public()), cert: c.Raw}
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
	return types.SignTx(&b, der, m.load)
}
