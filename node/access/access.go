// Package access knows who may use a node's web listener: members of a chain who logged
// in with their certificates, in sessions, and applications with keys. Both carry roles of
// the chain; what a transaction may do is judged by the chain alone.
package access

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Kinds of principals.
const (
	KindSession = "session"
	KindKey     = "key"
)

// Principal is who is behind a request.
type Principal struct {
	Kind    string
	ID      string // of the session or the key; no secret
	Name    string // member id, or the key's name
	Chain   string // the one chain it sees; empty: all of the node
	Roles   []types.Role
	Expires time.Time
	Address types.Address // of a member
	By      string        // how a session began: ByCertificate or ByProvider
}

// HasAny reports whether the principal has one of some roles.
func (p *Principal) HasAny(roles ...types.Role) bool {
	return slices.ContainsFunc(roles, func(r types.Role) bool { return slices.Contains(p.Roles, r) })
}

// random returns n random bytes as hex digits.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // it never fails
	return hex.EncodeToString(b)
}

// hashOf is what is kept of a secret. The secret has 256 random bits, so one hash is enough.
func hashOf(secret string) crypto.Hash {
	return crypto.Sum([]byte("huchain/access/1"), []byte(secret))
}
