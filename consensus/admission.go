package consensus

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/cometbft/cometbft/p2p"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// admission says who may link with a node, by the state of the chain as this node has it:
// nodes (role node) with certificates of an organisation that is active on the chain,
// whose member the chain has not revoked or frozen. Members of other roles are served
// under the same conditions, see Node.ServeTLCP.
type admission struct {
	genesis *chain.Genesis
	machine Machine
	ledger  Ledger // nil while there is none
	log     *slog.Logger
}

// self reads the name in the own link certificate; HC-1004 if it is of no use.
func (a *admission) self(link func() (*tlcp.Identity, error)) (p2p.ID, error) {
	id, err := link()
	if err != nil {
		return "", err
	}
	if err := id.Validate(); err != nil {
		return "", types.Errorf(types.CodeCertFile, "link certificates: %w", err)
	}
	if id.Encrypt == nil {
		return "", types.Errorf(types.CodeCertFile, "links need an encryption certificate")
	}
	return p2p.ID(id.Sign.Org + "/" + id.Sign.Name), nil
}

func (a *admission) config(link func() (*tlcp.Identity, error)) *tlcp.Config {
	return &tlcp.Config{Identity: link, Roots: a.roots, VerifyPeer: a.permitNode}
}

// ServeTLCP is the configuration of a server for members of the chain: it shows the
// node's link certificates and takes clients of any role with a certificate, by the same
// rules as peers. Its Check judges a client anew.
func (n *Node) ServeTLCP() *tlcp.Config {
	return &tlcp.Config{Identity: n.o.Link, Roots: n.admission.roots, VerifyPeer: n.admission.permit}
}

// roots are the CA certificates of an organisation: those on the chain, or in its genesis
// while this node has no state.
func (a *admission) roots(org string) []*cert.Certificate {
	if a.ledger != nil && a.ledger.Initialized() {
		out, err := a.rootsNow(org)
		if err != nil {
			a.log.Error("roots of an organisation not read", "org", org, "err", err)
		}
		return out
	}
	var out []*cert.Certificate
	for i := range a.genesis.Organisations {
		if o := &a.genesis.Organisations[i]; o.Name == org {
			for _, der := range o.Roots {
				if c, err := cert.Parse(der); err == nil { // the genesis was checked
					out = append(out, c)
				}
			}
		}
	}
	return out
}

func (a *admission) rootsNow(org string) ([]*cert.Certificate, error) {
	st, err := a.ledger.View()
	if err != nil {
		return nil, err
	}
	defer st.Release()
	return a.machine.LinkRoots(st, org, time.Now())
}

func (a *admission) permitNode(p *tlcp.Peer) error {
	if !p.HasRole(string(types.RoleNode)) {
		return fmt.Errorf("the certificate of %s/%s has no role node", p.Org, p.Name)
	}
	if p.Encrypt == nil {
		return fmt.Errorf("%s/%s shows no encryption certificate", p.Org, p.Name)
	}
	return a.permit(p)
}

func (a *admission) permit(p *tlcp.Peer) error {
	if a.ledger == nil || !a.ledger.Initialized() {
		return nil
	}
	shown := []*cert.Certificate{p.Sign}
	if p.Encrypt != nil {
		shown = append(shown, p.Encrypt)
	}
	st, err := a.ledger.View()
	if err != nil {
		return err
	}
	defer st.Release()
	err = a.machine.CheckLink(st, shown...)
	if code := types.CodeOf(err); code == types.CodeCertRevoked || code == types.CodeMemberFrozen {
		return fmt.Errorf("%w: %w", tlcp.ErrRevoked, err)
	}
	return err
}
