package chain

import (
	"bytes"
	"slices"
	"time"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// maxRoots bounds the root certificates of an organisation.
const maxRoots = 4

func (s *callScope) organisation(name string) (*Organisation, error) {
	org, found, err := s.c.Organisation(s.o, name)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeNotFound, "organisation %q", name)
	}
	return org, nil
}

func (s *callScope) saveOrganisation(o *Organisation, event string, by any) (any, error) {
	if err := putJSON(s.o, NSMembership, orgKey(o.Name), o, s.txIndex); err != nil {
		return nil, err
	}
	return o, s.emit(NSMembership, event, map[string]any{"org": o.Name, "status": o.Status, "roots": len(o.Roots), "detail": by})
}

// checkRoot parses a root certificate of an organisation that is valid now.
func (s *callScope) checkRoot(org string, der []byte) (*cert.Certificate, error) {
	c, err := s.c.parseCertificate(der)
	if err != nil {
		return nil, err
	}
	if c.Org != org {
		return nil, types.Errorf(types.CodeBadCertificate, "the root certificate is of %q", c.Org)
	}
	if err := c.CheckRoot(s.block.time()); err != nil {
		return nil, certificateError(err)
	}
	return c, nil
}

type rootsArgs struct {
	Org   string   `json:"org"`
	Roots [][]byte `json:"roots"` // base64 DER
}

func (s *callScope) checkRoots(in *rootsArgs) error {
	if !types.ValidName(in.Org) || len(in.Roots) == 0 || len(in.Roots) > maxRoots {
		return types.Errorf(types.CodeBadArguments, "an organisation has a name and 1 to %d root certificates", maxRoots)
	}
	for _, der := range in.Roots {
		if _, err := s.checkRoot(in.Org, der); err != nil {
			return err
		}
	}
	return nil
}

// addOrganisation takes an organisation in; its members register by their certificates.
func (s *callScope) addOrganisation(args []byte) (any, error) {
	var in rootsArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if err := s.checkRoots(&in); err != nil {
		return nil, err
	}
	if _, found, err := s.c.Organisation(s.o, in.Org); err != nil {
		return nil, err
	} else if found {
		return nil, types.Errorf(types.CodeAlreadyExists, "organisation %s", in.Org)
	}
	n, err := s.c.organisations(s.o)
	if err != nil {
		return nil, err
	}
	if n.Count+len(n.Inactive) >= MaxOrganisations {
		return nil, types.Errorf(types.CodeLimitExceeded, "%d organisations", MaxOrganisations)
	}
	n.Count++
	if err := putJSON(s.o, NSGovernance, organisationsKey, n, s.txIndex); err != nil {
		return nil, err
	}
	return s.saveOrganisation(&Organisation{Name: in.Org, Roots: in.Roots, Status: StatusActive}, "organisationAdded", nil)
}

// setRoots replaces the roots of an organisation that has lost its root key. Members
// certified by a root that is gone end at once.
func (s *callScope) setRoots(args []byte) (any, error) {
	var in rootsArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if err := s.checkRoots(&in); err != nil {
		return nil, err
	}
	old, err := s.organisation(in.Org)
	if err != nil {
		return nil, err
	}
	for _, der := range old.Roots {
		if !slices.ContainsFunc(in.Roots, func(r []byte) bool { return bytes.Equal(r, der) }) {
			if err := s.endMembers(in.Org, crypto.Sum(der), s.block.time()); err != nil {
				return nil, err
			}
		}
	}
	return s.saveOrganisation(&Organisation{Name: in.Org, Roots: in.Roots, Status: old.Status}, "rootsSet", nil)
}

// setOrganisationStatus stops or resumes all members of an organisation. Revocation is
// final. The organisation no longer counts in rules while it is not active.
func (s *callScope) setOrganisationStatus(args []byte, to Status) (any, error) {
	var in struct {
		Org    string `json:"org"`
		Reason string `json:"reason,omitempty"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	old, err := s.organisation(in.Org)
	if err != nil {
		return nil, err
	}
	if old.Status == StatusRevoked && to != StatusRevoked {
		return nil, types.Errorf(types.CodeMemberFrozen, "organisation %s is revoked for good", in.Org)
	}
	n, err := s.c.organisations(s.o)
	if err != nil {
		return nil, err
	}
	inactive := slices.DeleteFunc(slices.Clone(n.Inactive), func(x string) bool { return x == in.Org })
	if to != StatusActive {
		inactive = append(inactive, in.Org)
		slices.Sort(inactive)
	}
	n.Count, n.Inactive = n.Count+len(n.Inactive)-len(inactive), inactive
	if n.Count == 0 {
		return nil, types.Errorf(types.CodeBadArguments, "no organisation would be left")
	}
	if err := putJSON(s.o, NSGovernance, organisationsKey, n, s.txIndex); err != nil {
		return nil, err
	}
	changed := *old
	changed.Status = to
	out, err := s.saveOrganisation(&changed, "organisationStatusChanged", in.Reason)
	if err != nil {
		return nil, err
	}
	return out, s.checkGovernable()
}

// ownAdmin refuses signers among whom there is no admin of an organisation.
func (s *callScope) ownAdmin(org string) error {
	if slices.ContainsFunc(s.signers, func(c host.Caller) bool { return c.Org == org && slices.Contains(c.Roles, types.RoleAdmin) }) {
		return nil
	}
	return types.Errorf(types.CodePermissionDenied, "only an admin of %s may do this", org)
}

// addRoot introduces an organisation's next root beside the present one: sent by an admin
// of its own and signed with the key of a present root, so that an admin's key alone
// cannot take the organisation over. Both roots certify from now on.
func (s *callScope) addRoot(args []byte) (any, error) {
	var in struct {
		Org       string `json:"org"`
		Root      []byte `json:"root"`      // base64 DER
		Signature []byte `json:"signature"` // base64, over types.RootSignBytes
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if err := s.ownAdmin(in.Org); err != nil {
		return nil, err
	}
	org, err := s.organisation(in.Org)
	if err != nil {
		return nil, err
	}
	if len(org.Roots) >= maxRoots {
		return nil, types.Errorf(types.CodeLimitExceeded, "%d roots; those that are retired go first", maxRoots)
	}
	if _, err := s.checkRoot(in.Org, in.Root); err != nil {
		return nil, err
	}
	signed := false
	for _, der := range org.Roots {
		if bytes.Equal(der, in.Root) {
			return nil, types.Errorf(types.CodeAlreadyExists, "this root of %s", in.Org)
		}
		present, err := s.c.parseCertificate(der)
		if err != nil {
			return nil, errCorrupt("root of "+in.Org, err)
		}
		until := org.ends(crypto.Sum(der), present.NotAfter)
		signed = signed || until.After(s.block.time()) && present.PublicKey.Verify(types.RootSignBytes(s.c.genesis.hash, in.Root), in.Signature)
	}
	if !signed {
		return nil, types.Errorf(types.CodeBadSignature, "the next root is not signed with the key of a present root of %s", in.Org)
	}
	changed := *org
	changed.Roots = append(slices.Clone(org.Roots), in.Root)
	return s.saveOrganisation(&changed, "rootAdded", crypto.Sum(in.Root))
}

// retireRoot says until when a root certifies. Members under it end then, unless they
// have registered with a certificate of another root. What has been retired by now goes.
func (s *callScope) retireRoot(args []byte) (any, error) {
	var in struct {
		Org  string      `json:"org"`
		Root crypto.Hash `json:"root"` // SM3 of its DER
		At   time.Time   `json:"at"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if err := s.ownAdmin(in.Org); err != nil {
		return nil, err
	}
	org, err := s.organisation(in.Org)
	if err != nil {
		return nil, err
	}
	now, at := s.block.time(), in.At.UTC().Truncate(time.Second)
	changed := Organisation{Name: org.Name, Status: org.Status}
	lasting := 0
	found := false
	for _, der := range org.Roots {
		h := crypto.Sum(der)
		root, err := s.c.parseCertificate(der)
		if err != nil {
			return nil, errCorrupt("root of "+in.Org, err)
		}
		until := org.ends(h, root.NotAfter)
		if h == in.Root {
			found, until = true, at
		}
		if !until.After(now) && h != in.Root {
			continue
		}
		changed.Roots = append(changed.Roots, der)
		if until.Before(root.NotAfter) {
			changed.Retired = append(changed.Retired, RetiredRoot{h, until})
		} else {
			lasting++
		}
	}
	if !found {
		return nil, types.Errorf(types.CodeNotFound, "root %s of %s", in.Root, in.Org)
	}
	if lasting == 0 || !at.After(now) {
		return nil, types.Errorf(types.CodeBadArguments, "a root is retired at a time to come, and another one must stay")
	}
	if err := s.endMembers(in.Org, in.Root, at); err != nil {
		return nil, err
	}
	return s.saveOrganisation(&changed, "rootRetired", in.Root)
}

// memberGas is charged for each member row that is looked at in passing.
const memberGas = 2_000

// endMembers ends the registrations under a root at a time, at the latest.
func (s *callScope) endMembers(org string, root crypto.Hash, at time.Time) error {
	var list []types.MemberID
	prefix := "member/" + org
	err := s.o.Scan(NSMembership, []byte(prefix+"/"), []byte(prefix+"0"), func(key, _ []byte) bool {
		list = append(list, types.MemberID(key[len("member/"):]))
		return true
	})
	if err != nil {
		return err
	}
	if err := s.charge(memberGas * uint64(len(list))); err != nil {
		return err
	}
	for _, id := range list {
		a, _, err := s.c.MemberAddress(s.o, id)
		if err != nil {
			return err
		}
		m, found, err := s.c.Member(s.o, a)
		if err != nil {
			return err
		}
		if !found || m.Root == nil || *m.Root != root || !m.NotAfter.After(at) {
			continue
		}
		changed := *m
		changed.NotAfter = at
		if err := putJSON(s.o, NSMembership, addrKey(a), &changed, s.txIndex); err != nil {
			return err
		}
	}
	return nil
}

// electorate is one signer with every role for each active organisation.
func (s *callScope) electorate() ([]host.Caller, error) {
	var out []host.Caller
	var bad error
	err := s.o.Scan(NSMembership, []byte("org/"), []byte("org0"), func(_, value []byte) bool {
		var o Organisation
		if bad = decodeStrict(value, &o); bad != nil {
			return false
		}
		if o.Status == StatusActive {
			out = append(out, host.Caller{Org: o.Name, Roles: []types.Role{types.RoleAdmin, types.RoleValidator, types.RoleClient, types.RoleAuditor, types.RoleLight}})
		}
		return true
	})
	if err == nil && bad != nil {
		err = errCorrupt("organisation row", bad)
	}
	return out, err
}

// satisfiable reports whether all active organisations together satisfy a rule.
func (s *callScope) satisfiable(rule bundle.Rule) (bool, error) {
	all, err := s.electorate()
	return err == nil && rule.Permits(all, len(all)), err
}

// checkGovernable refuses a state in which a rule of governance can be satisfied by
// nobody any more, so that nothing could ever be changed.
func (s *callScope) checkGovernable() error {
	for _, method := range natives[NSGovernance].names() {
		var row ruleRow
		found, err := getJSON(s.o, NSGovernance, ruleKey(NSGovernance, method), &row)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		rule, err := bundle.ParseAllow(row.Allow)
		if err != nil {
			return errCorrupt("rule of "+method, err)
		}
		if ok, err := s.satisfiable(rule); err != nil {
			return err
		} else if !ok {
			return types.Errorf(types.CodeBadArguments, "nobody could satisfy the rule of governance.%s any more: %s", method, row.Allow)
		}
	}
	return nil
}
