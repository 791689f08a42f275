package api

import (
	"context"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func (s *Server) contracts(_ context.Context, in *ChainPath) (*answer[rest.Contracts], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	list, err := c.Machine.Contracts(c.Ledger)
	if err != nil {
		return nil, err
	}
	out := rest.Contracts{Items: []rest.Contract{}}
	for _, r := range list {
		item := newContract(r)
		item.Methods, item.Params = nil, nil
		out.Items = append(out.Items, item)
	}
	return &answer[rest.Contracts]{out}, nil
}

func (s *Server) contract(_ context.Context, in *struct {
	ChainPath
	Name string `path:"name" maxLength:"32"`
}) (*answer[rest.Contract], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	r, ok, err := c.Machine.Contract(c.Ledger, in.Name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, types.Errorf(types.CodeUnknownContract, "%s", in.Name)
	}
	return &answer[rest.Contract]{newContract(r)}, nil
}

func newContract(r *chain.ContractRecord) rest.Contract {
	v := r.Current()
	out := rest.Contract{
		Name: r.Name, Version: v.Version, State: string(r.Status), Language: r.Language,
		Package: v.Package.String(), Code: v.Code.String(), Height: v.Height, Params: r.Params,
	}
	for _, m := range r.Methods {
		out.Methods = append(out.Methods, rest.Method{Name: m.Name, Writes: m.Writes, Allow: m.Allow})
	}
	return out
}

func (s *Server) member(_ context.Context, in *struct {
	ChainPath
	ID string `query:"id" required:"true" maxLength:"65" example:"archives/clerk" doc:"Member id, or address"`
}) (*answer[rest.Member], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	addr, err := c.address(in.ID)
	if err != nil {
		return nil, err
	}
	m, ok, err := c.Machine.Member(c.Ledger, addr)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, types.Errorf(types.CodeNotFound, "member %s: the chain has not seen its certificate yet", in.ID)
	}
	out := rest.Member{ID: m.Member, Address: addr, State: string(m.Status), NotAfter: m.NotAfter, Since: m.Since}
	// A member that is active may still act for nothing: its organisation is frozen, its
	// certificate revoked or at its end.
	if m.Status == chain.StatusActive {
		switch _, err := c.Machine.Standing(c.Ledger, addr, time.Now()); types.CodeOf(err) {
		case types.CodeMemberFrozen:
			out.State = string(chain.StatusFrozen)
		case types.CodeCertRevoked:
			out.State = string(chain.StatusRevoked)
		case types.CodeCertExpired:
			out.State = "expired"
		}
	}
	for _, r := range m.Roles {
		out.Roles = append(out.Roles, string(r))
	}
	return &answer[rest.Member]{out}, nil
}

// address reads an address or looks up that of a member id.
func (c *Chain) address(s string) (types.Address, error) {
	if a, err := types.ParseAddress(s); err == nil {
		return a, nil
	}
	id, err := types.ParseMemberID(s)
	if err != nil {
		return types.Address{}, types.Errorf(types.CodeUsage, "%q is neither an address nor a member id", s)
	}
	a, ok, err := c.Machine.MemberAddress(c.Ledger, id)
	if err != nil {
		return a, err
	}
	if !ok {
		return a, types.Errorf(types.CodeNotFound, "member %s: the chain has not seen its certificate yet", id)
	}
	return a, nil
}
