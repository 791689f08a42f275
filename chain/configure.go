package chain

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// configureContract gives a contract other parameters: its init is entered again with
// them, and refuses what it does not take. Its state stays.
func (s *callScope) configureContract(args []byte) (any, error) {
	var in struct {
		Name   string          `json:"name"`
		Params json.RawMessage `json:"params"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if len(in.Params) == 0 || in.Params[0] != '{' || len(in.Params) > bundle.MaxParamsBytes {
		return nil, types.Errorf(types.CodeBadArguments, "params must be a JSON object of at most %d bytes", bundle.MaxParamsBytes)
	}
	old, err := s.changeable(in.Name)
	if err != nil {
		return nil, err
	}
	p, err := s.c.Package(s.o, old)
	if err != nil {
		return nil, err
	}
	if err := s.charge(openGas * uint64(len(p.Code))); err != nil {
		return nil, err
	}
	if !p.Manifest.Init {
		return nil, types.Errorf(types.CodeBadArguments, "contract %s takes no parameters", in.Name)
	}
	rec := *old
	rec.Params = in.Params
	if err := s.saveRecord(&rec); err != nil {
		return nil, err
	}
	if err := s.runEntry(&rec, bundle.InitMethod, in.Params, host.KindInit); err != nil {
		return nil, err
	}
	event := map[string]any{"name": rec.Name, "params": in.Params, "by": s.caller().Member}
	return &rec, s.emit(NSContracts, "configured", event)
}

// changeable finds a contract that was not revoked.
func (s *callScope) changeable(name string) (*ContractRecord, error) {
	r, found, err := s.c.Contract(s.o, name)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeUnknownContract, "contract %q", name)
	}
	if r.Status == StatusRevoked {
		return nil, types.Errorf(types.CodeContractFrozen, "contract %s is revoked for good", name)
	}
	return r, nil
}

// refuseInUse refuses to take a contract, or its major version, away from others.
func (s *callScope) refuseInUse(name string) error {
	list, err := s.c.Contracts(s.o)
	if err != nil {
		return err
	}
	for _, r := range list {
		uses := slices.ContainsFunc(r.Uses, func(use string) bool { return strings.HasPrefix(use, name+"@") })
		if uses && r.Status != StatusRevoked {
			return types.Errorf(types.CodeContractInUse, "contract %s is used by %s", name, r.Name)
		}
	}
	return nil
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}
