package chain

import (
	"slices"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// The native contract membership: who belongs to the chain.
var membershipMethods = map[string]nativeMethod{
	"register": {writes: true, run: (*callScope).registerMember},
	"freeze":   {writes: true, run: func(s *callScope, a []byte) (any, error) { return s.setMemberStatus(a, StatusFrozen) }},
	"unfreeze": {writes: true, run: func(s *callScope, a []byte) (any, error) { return s.setMemberStatus(a, StatusActive) }},
	"revoke":   {writes: true, run: func(s *callScope, a []byte) (any, error) { return s.setMemberStatus(a, StatusRevoked) }},
	"get":      {run: (*callScope).getMember},
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

// setMemberStatus freezes, unfreezes or revokes a member: by an admin of the member's own
// organisation. Revocation is final.
func (s *callScope) setMemberStatus(args []byte, to Status) (any, error) {
	m, in, err := s.findMember(args)
	if err != nil {
		return nil, err
	}
	isAdmin := func(c host.Caller) bool {
		return c.Org == m.Member.Org() && slices.Contains(c.Roles, types.RoleAdmin)
	}
	if !slices.ContainsFunc(s.signers, isAdmin) {
		return nil, types.Errorf(types.CodePermissionDenied, "only an admin of %s may change %s", m.Member.Org(), m.Member)
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
