package chain

import (
	"fmt"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// The native contract membership: who belongs to the chain. Freezing and revoking a
// member is for an admin of its own organisation, or for whom the rule of the method
// allows besides: the majority, unless governance has set another one.
var membershipMethods = map[string]nativeMethod{
	"register": {writes: true, run: (*callScope).registerMember},
	"vouch":    {writes: true, run: (*callScope).vouch},
	"freeze":   {writes: true, run: func(s *callScope, a []byte) (any, error) { return s.setMemberStatus(a, "freeze", StatusFrozen) }},
	"unfreeze": {writes: true, run: func(s *callScope, a []byte) (any, error) { return s.setMemberStatus(a, "unfreeze", StatusActive) }},
	"revoke":   {writes: true, run: func(s *callScope, a []byte) (any, error) { return s.setMemberStatus(a, "revoke", StatusRevoked) }},
	"get":      {run: (*callScope).getMember},
	"members":  {run: (*callScope).listMembers},

	"revokeCertificates": {writes: true, run: (*callScope).revokeCertificates},
	"revoked":            {run: (*callScope).listRevoked},

	"addOrganisation": {writes: true, allow: allowMajority, run: (*callScope).addOrganisation},
	"freezeOrganisation": {writes: true, allow: allowMajority,
		run: func(s *callScope, a []byte) (any, error) { return s.setOrganisationStatus(a, StatusFrozen) }},
	"unfreezeOrganisation": {writes: true, allow: allowMajority,
		run: func(s *callScope, a []byte) (any, error) { return s.setOrganisationStatus(a, StatusActive) }},
	"revokeOrganisation": {writes: true, allow: allowMajority,
		run: func(s *callScope, a []byte) (any, error) { return s.setOrganisationStatus(a, StatusRevoked) }},
	"setRoots":      {writes: true, allow: allowMajority, run: (*callScope).setRoots},
	"addRoot":       {writes: true, run: (*callScope).addRoot},
	"retireRoot":    {writes: true, run: (*callScope).retireRoot},
	"organisations": {run: (*callScope).listOrganisations},
}

type memberArgs struct {
	Member types.MemberID `json:"member"`
	Reason string         `json:"reason,omitempty"`
}

// registerMember does nothing of its own: authentication has registered the sender by
// the certificate that came with the transaction.
func (s *callScope) registerMember(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	m, _, err := s.c.Member(s.o, s.caller().Address)
	if err != nil {
		return nil, err
	}
	return m, s.emit(NSMembership, "registered", map[string]any{"member": m.Member, "address": s.caller().Address})
}

func (s *callScope) getMember(args []byte) (any, error) {
	m, _, err := s.findMember(args)
	return m, err
}

func (s *callScope) findMember(args []byte) (*Member, *memberArgs, error) {
	var in memberArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, nil, err
	}
	if _, err := types.ParseMemberID(string(in.Member)); err != nil {
		return nil, nil, types.Errorf(types.CodeBadArguments, "%w", err)
	}
	a, found, err := s.c.MemberAddress(s.o, in.Member)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, types.Errorf(types.CodeNotFound, "member %s", in.Member)
	}
	m, found, err := s.c.Member(s.o, a)
	if err == nil && !found {
		err = errCorrupt("member "+string(in.Member), types.Errorf(types.CodeNotFound, "row addr/%s", a))
	}
	return m, &in, err
}

// setMemberStatus freezes, unfreezes or revokes a member. Revocation is final.
func (s *callScope) setMemberStatus(args []byte, method string, to Status) (any, error) {
	m, in, err := s.findMember(args)
	if err != nil {
		return nil, err
	}
	if err := s.ownAdmin(m.Member.Org()); err != nil {
		if err := s.permit(NSMembership, method, allowMajority); err != nil {
			return nil, fmt.Errorf("besides admins of %s: %w", m.Member.Org(), err)
		}
	}
	if m.Status == StatusRevoked && to != StatusRevoked {
		return nil, types.Errorf(types.CodeMemberFrozen, "%s is revoked for good", m.Member)
	}
	changed := *m
	changed.Status = to
	if err := putJSON(s.o, NSMembership, addrKey(types.AddressOf(m.Key)), &changed, s.txIndex); err != nil {
		return nil, err
	}
	event := map[string]any{"member": m.Member, "status": to, "by": s.caller().Member, "reason": in.Reason}
	return &changed, s.emit(NSMembership, "statusChanged", event)
}

// maxVouched is how long an organisation can vouch for a key at a time.
const maxVouched = 5 * 365 * 24 * time.Hour

// vouch binds a key without a certificate to a member, such as a citizen whose key the
// organisation has checked. Nobody becomes admin or validator that way, and a member with
// a certificate keeps it.
func (s *callScope) vouch(args []byte) (any, error) {
	var in struct {
		Member   types.MemberID   `json:"member"`
		Key      crypto.PublicKey `json:"key"`
		Roles    []types.Role     `json:"roles"`
		NotAfter time.Time        `json:"notAfter"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if _, err := types.ParseMemberID(string(in.Member)); err != nil {
		return nil, types.Errorf(types.CodeBadArguments, "%w", err)
	}
	if err := s.ownAdmin(in.Member.Org()); err != nil {
		return nil, err
	}
	now := s.block.time()
	if len(in.Roles) == 0 || !in.NotAfter.After(now) || in.NotAfter.After(now.Add(maxVouched)) || in.Key == (crypto.PublicKey{}) {
		return nil, types.Errorf(types.CodeBadArguments, "a vouched key has a role and ends within %s of block time", maxVouched)
	}
	for i, r := range in.Roles {
		if r != types.RoleClient && r != types.RoleLight && r != types.RoleAuditor || slices.Contains(in.Roles[:i], r) {
			return nil, types.Errorf(types.CodeBadArguments, "an organisation vouches for client, auditor and light alone, not for %q", r)
		}
	}
	if err := s.checkFree(in.Member, in.Key); err != nil {
		return nil, err
	}
	m := &Member{Member: in.Member, Key: in.Key, Roles: in.Roles, NotAfter: in.NotAfter.UTC().Truncate(time.Second), Status: StatusActive, Since: s.block.height}
	if err := s.c.bind(s.o, m, nil, s.txIndex); err != nil {
		return nil, err
	}
	return m, s.emit(NSMembership, "vouched", map[string]any{"member": m.Member, "address": types.AddressOf(m.Key), "by": s.caller().Member})
}

// checkFree refuses a key or a member that is bound otherwise.
func (s *callScope) checkFree(id types.MemberID, key crypto.PublicKey) error {
	bound, found, err := s.c.Member(s.o, types.AddressOf(key))
	if err != nil {
		return err
	}
	if found && (bound.Member != id || bound.Status != StatusActive) {
		return types.Errorf(types.CodeIdentityBound, "the key belongs to %s, which is %s", bound.Member, bound.Status)
	}
	a, found, err := s.c.MemberAddress(s.o, id)
	if err != nil || !found {
		return err
	}
	m, found, err := s.c.Member(s.o, a)
	if err == nil && found && m.Root != nil {
		err = types.Errorf(types.CodeIdentityBound, "%s has a certificate", id)
	}
	return err
}
