package chain

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// The namespaces of the native contracts and the layout of their rows; all values are JSON.
const (
	// org/<org>, member/<org>/<name>, addr/<address>, certificate/<address>,
	// serial/<org>/<serial>, revoked/<org>/<serial>
	NSMembership = "membership"
	NSContracts  = "contracts" // record/<name>, package/<hash>/<part, four digits>
	// params, validators, organisations, node/<org>/<name>, rule/<contract>.<method>,
	// proposal/<id>, vote/<id>/<org>/<name>
	NSGovernance = "governance"
)

// Status of a member, an organisation or a contract.
type Status string

// The states an on-chain subject can be in.
const (
	StatusActive  Status = "active"
	StatusFrozen  Status = "frozen"  // refused until unfrozen
	StatusRevoked Status = "revoked" // refused for good
)

// Member is what the chain knows of one key of a member: the row addr/<address>.
type Member struct {
	Member   types.MemberID   `json:"member"`
	Key      crypto.PublicKey `json:"key"`
	Roles    []types.Role     `json:"roles"`
	NotAfter time.Time        `json:"notAfter"` // end of the certificate's validity
	Status   Status           `json:"status"`
	Since    uint64           `json:"since"` // height of registration
	// Root is SM3 of the root certificate that certifies the key; absent for a key that
	// an admin of the organisation vouched for.
	Root *crypto.Hash `json:"root,omitempty"`
}

// Organisation is the row org/<org>.
type Organisation struct {
	Name   string   `json:"name"`
	Roots  [][]byte `json:"roots"` // DER
	Status Status   `json:"status"`
	// Retired are roots that certify nobody from a time on. They stay listed until then,
	// so that members move to the next root while both are valid.
	Retired []RetiredRoot `json:"retired,omitempty"`
}

// RetiredRoot says when a root ends before its certificate does.
type RetiredRoot struct {
	Root crypto.Hash `json:"root"` // SM3 of its DER
	At   time.Time   `json:"at"`
}

// ends is when a root of the organisation no longer certifies anybody.
func (o *Organisation) ends(root crypto.Hash, notAfter time.Time) time.Time {
	for _, r := range o.Retired {
		if r.Root == root && r.At.Before(notAfter) {
			return r.At
		}
	}
	return notAfter
}

// memberPointer is the row member/<org>/<name>: the stable identity's present key.
type memberPointer struct {
	Address types.Address `json:"address"`
}

func orgKey(org string) []byte          { return []byte("org/" + org) }
func memberKey(m types.MemberID) []byte { return []byte("member/" + string(m)) }
func addrKey(a types.Address) []byte {
	return hex.AppendEncode(append(make([]byte, 0, len("addr/")+2*len(a)), "addr/"...), a[:])
}
func certificateKey(a types.Address) []byte { return []byte("certificate/" + a.String()) }

func serialKey(org, serial string) []byte  { return []byte("serial/" + org + "/" + serial) }
func revokedKey(org, serial string) []byte { return []byte("revoked/" + org + "/" + serial) }

// errCorrupt marks a row that this chain wrote and can no longer read.
func errCorrupt(what string, err error) error {
	return types.Errorf(types.CodeLedgerCorrupt, "%s: %w", what, err)
}

func getJSON(st State, ns string, key []byte, into any) (bool, error) {
	raw, found, err := st.Get(ns, key)
	if err != nil || !found {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, errCorrupt(ns+" row "+string(key), err)
	}
	return true, nil
}

func putJSON(o *overlay, ns string, key []byte, v any, txIndex uint32) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s row %s: %w", ns, key, err)
	}
	o.put(ns, key, raw, txIndex)
	return nil
}

// Member looks up the member that an address belongs to.
func (c *Chain) Member(st State, a types.Address) (*Member, bool, error) {
	raw, found, err := st.Get(NSMembership, addrKey(a))
	if err != nil || !found {
		return nil, false, err
	}
	m, err := c.members.get(a, raw, func(raw []byte) (*Member, error) {
		m := new(Member)
		return m, json.Unmarshal(raw, m)
	})
	if err != nil {
		return nil, false, errCorrupt("member "+a.String(), err)
	}
	return m, true, nil
}

// MemberAddress returns the present address of a stable member id.
func (c *Chain) MemberAddress(st State, id types.MemberID) (types.Address, bool, error) {
	var p memberPointer
	found, err := getJSON(st, NSMembership, memberKey(id), &p)
	return p.Address, found, err
}

// Organisation looks an organisation up.
func (c *Chain) Organisation(st State, name string) (*Organisation, bool, error) {
	var o Organisation
	found, err := getJSON(st, NSMembership, orgKey(name), &o)
	if err != nil || !found {
		return nil, false, err
	}
	return &o, true, nil
}

// parseCertificate parses a certificate once; equal bytes give the same result.
func (c *Chain) parseCertificate(der []byte) (*cert.Certificate, error) {
	if p, ok := c.certs.Get(string(der)); ok {
		return p, nil
	}
	p, err := cert.Parse(der)
	if err != nil {
		return nil, types.Errorf(types.CodeBadCertificate, "%w", err)
	}
	c.certs.Add(string(der), p)
	return p, nil
}

// certifiedMember judges a certificate by the organisations of st at a block time and
// returns the member it makes of its key. It does not look at existing registrations.
func (c *Chain) certifiedMember(st State, der []byte, at time.Time, height uint64) (*Member, error) {
	crt, err := c.parseCertificate(der)
	if err != nil {
		return nil, err
	}
	id, err := types.NewMemberID(crt.Org, crt.Name)
	if err != nil || crt.IsCA {
		return nil, types.Errorf(types.CodeBadCertificate, "certificate of %s/%s is no member's certificate", crt.Org, crt.Name)
	}
	org, found, err := c.Organisation(st, crt.Org)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeForeignCA, "organisation %q is not on this chain", crt.Org)
	}
	if org.Status != StatusActive {
		return nil, types.Errorf(types.CodeMemberFrozen, "organisation %s is %s", crt.Org, org.Status)
	}
	if _, revoked, err := st.Get(NSMembership, revokedKey(crt.Org, crt.Serial)); err != nil {
		return nil, err
	} else if revoked {
		return nil, types.Errorf(types.CodeCertRevoked, "serial number %s of %s", crt.Serial, crt.Org)
	}
	root, until, err := c.issuer(org, crt, at)
	if err != nil {
		return nil, err
	}
	m := &Member{Member: id, Key: crt.PublicKey, NotAfter: until, Status: StatusActive, Since: height, Root: &root}
	for _, r := range crt.Roles {
		if !types.ValidRole(types.Role(r)) {
			return nil, types.Errorf(types.CodeBadCertificate, "unknown role %q", r)
		}
		m.Roles = append(m.Roles, types.Role(r))
	}
	return m, nil
}

// issuer finds the root that certifies a member's certificate at a time, and until when.
func (c *Chain) issuer(org *Organisation, crt *cert.Certificate, at time.Time) (root crypto.Hash, until time.Time, err error) {
	err = cert.ErrForeignCA
	for _, der := range org.Roots {
		parsed, perr := c.parseCertificate(der)
		if perr != nil {
			return root, until, errCorrupt("root of "+org.Name, perr)
		}
		cerr := crt.Check([]*cert.Certificate{parsed}, at)
		if cerr == nil {
			root = crypto.Sum(der)
			if until = org.ends(root, crt.NotAfter.UTC()); until.After(at) {
				return root, until, nil
			}
			cerr = fmt.Errorf("%w: its root was retired", cert.ErrExpired)
		}
		if !errors.Is(cerr, cert.ErrForeignCA) {
			err = cerr
		}
	}
	return root, until, certificateError(fmt.Errorf("%s/%s: %w", crt.Org, crt.Name, err))
}

func certificateError(err error) error {
	switch {
	case errors.Is(err, cert.ErrExpired):
		return types.Errorf(types.CodeCertExpired, "%w", err)
	case errors.Is(err, cert.ErrForeignCA):
		return types.Errorf(types.CodeForeignCA, "%w", err)
	}
	return types.Errorf(types.CodeBadCertificate, "%w", err)
}

// register binds the sender's key to the member its certificate names. A renewed key of
// the same member replaces the old one; a key bound to another member is refused.
func (c *Chain) register(o *overlay, der []byte, sender types.Address, b *blockScope, txIndex uint32) (*Member, error) {
	m, err := c.certifiedMember(o, der, b.time(), b.height)
	if err != nil {
		return nil, err
	}
	if types.AddressOf(m.Key) != sender {
		return nil, types.Errorf(types.CodeBadCertificate, "the certificate's key is not the sender's")
	}
	bound, found, err := c.Member(o, sender)
	if err != nil {
		return nil, err
	}
	if found {
		if bound.Member != m.Member {
			return nil, types.Errorf(types.CodeIdentityBound, "the key belongs to %s", bound.Member)
		}
		newRoot := bound.Root == nil || *bound.Root != *m.Root
		if bound.Status != StatusActive || bound.NotAfter.After(m.NotAfter) || !newRoot && bound.NotAfter.Equal(m.NotAfter) {
			return bound, nil // nothing new; a frozen or revoked key is not revived
		}
		m.Since = bound.Since
	}
	return m, c.bind(o, m, der, txIndex)
}

// bind makes a key the present one of its member; the one before is revoked.
func (c *Chain) bind(o *overlay, m *Member, der []byte, txIndex uint32) error {
	old, found, err := c.MemberAddress(o, m.Member)
	if err != nil {
		return err
	}
	if found && old != types.AddressOf(m.Key) {
		if err := c.retire(o, old, txIndex); err != nil {
			return err
		}
	}
	return c.storeMember(o, m, der, txIndex)
}

// retire revokes the previous key of a member whose identity moves on to a new one. A
// frozen or revoked member cannot renew its way out.
func (c *Chain) retire(o *overlay, old types.Address, txIndex uint32) error {
	prev, found, err := c.Member(o, old)
	if err != nil || !found {
		return err
	}
	if prev.Status != StatusActive {
		return types.Errorf(types.CodeMemberFrozen, "%s is %s", prev.Member, prev.Status)
	}
	retired := *prev
	retired.Status = StatusRevoked
	return putJSON(o, NSMembership, addrKey(old), &retired, txIndex)
}

func (c *Chain) storeMember(o *overlay, m *Member, der []byte, txIndex uint32) error {
	a := types.AddressOf(m.Key)
	if err := putJSON(o, NSMembership, addrKey(a), m, txIndex); err != nil {
		return err
	}
	if err := putJSON(o, NSMembership, memberKey(m.Member), memberPointer{a}, txIndex); err != nil {
		return err
	}
	if der == nil { // vouched for
		return o.remove(NSMembership, certificateKey(a), txIndex)
	}
	o.put(NSMembership, certificateKey(a), der, txIndex)
	crt, err := c.parseCertificate(der)
	if err != nil {
		return err
	}
	return putJSON(o, NSMembership, serialKey(crt.Org, crt.Serial), memberPointer{a}, txIndex)
}

// checkActive refuses a member that may not act at a block time.
func (c *Chain) checkActive(st State, m *Member, at time.Time) error {
	if m.Status != StatusActive {
		return types.Errorf(types.CodeMemberFrozen, "%s is %s", m.Member, m.Status)
	}
	orgs, err := c.organisations(st)
	if err != nil {
		return err
	}
	if slices.Contains(orgs.Inactive, m.Member.Org()) {
		return types.Errorf(types.CodeMemberFrozen, "organisation %s is not active", m.Member.Org())
	}
	if at.After(m.NotAfter) {
		return types.Errorf(types.CodeCertExpired, "the certificate of %s ended %s", m.Member, m.NotAfter.Format(time.RFC3339))
	}
	return nil
}
