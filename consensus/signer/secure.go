package signer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
)

// Secure is the TLCP configuration of either side: it shows identity and takes peers
// (organisation/name) alone, with a certificate that roots of their organisation vouch for.
// Who may have a validator's votes signed is for its operator to say, not for the chain.
func Secure(identity func() (*tlcp.Identity, error), roots func(org string) []*cert.Certificate, peers ...string) *tlcp.Config {
	return &tlcp.Config{
		Identity: identity, Roots: roots,
		VerifyPeer: func(p *tlcp.Peer) error {
			if id := p.Org + "/" + p.Name; !slices.Contains(peers, id) {
				return fmt.Errorf("the peer is %s, not %s", id, strings.Join(peers, " or "))
			}
			return nil
		},
	}
}
