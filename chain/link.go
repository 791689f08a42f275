package chain

import (
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// LinkRoots returns the roots that certify nodes of an organisation at a time: none if
// the organisation is not active on the chain, and not those that were retired.
func (c *Chain) LinkRoots(st State, org string, at time.Time) ([]*cert.Certificate, error) {
	o, found, err := c.Organisation(st, org)
	if err != nil || !found || o.Status != StatusActive {
		return nil, err
	}
	var out []*cert.Certificate
	for _, der := range o.Roots {
		root, err := c.parseCertificate(der)
		if err != nil {
			return nil, errCorrupt("root of "+org, err)
		}
		if o.ends(crypto.Sum(der), root.NotAfter).After(at) {
			out = append(out, root)
		}
	}
	return out, nil
}

// CheckLink judges the certificates that a node or a client shows, by the chain: HC-2116
// if the organisation has revoked one, HC-2113 if the member of its name is frozen or
// revoked. A name need not be registered; its organisation vouches for it.
func (c *Chain) CheckLink(st State, certificates ...*cert.Certificate) error {
	for _, crt := range certificates {
		if _, revoked, err := st.Get(NSMembership, revokedKey(crt.Org, crt.Serial)); err != nil {
			return err
		} else if revoked {
			return types.Errorf(types.CodeCertRevoked, "serial number %s of %s", crt.Serial, crt.Org)
		}
		id, err := types.NewMemberID(crt.Org, crt.Name)
		if err != nil {
			return types.Errorf(types.CodeBadCertificate, "%w", err)
		}
		address, found, err := c.MemberAddress(st, id)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		m, found, err := c.Member(st, address)
		if err != nil {
			return err
		}
		if found && m.Status != StatusActive {
			return types.Errorf(types.CodeMemberFrozen, "%s is %s", id, m.Status)
		}
	}
	return nil
}
