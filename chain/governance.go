package chain

import (
	"encoding/json"

	"github.com/huchain/huchain/types"
)

// The native contract governance: the chain's parameters and voters.
var governanceMethods = map[string]nativeMethod{
	"params":     {run: (*callScope).getParams},
	"validators": {run: (*callScope).getValidators},
}

func (s *callScope) getParams(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	p, _, err := s.c.Params(s.o)
	return p, err
}

func (s *callScope) getValidators(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	set, err := s.c.Validators(s.o)
	if err != nil {
		return nil, err
	}
	type row struct {
		Key     string `json:"key"`
		Ed25519 string `json:"ed25519"`
		Power   int64  `json:"power"`
	}
	items := make([]row, 0, len(set))
	for i := range set {
		items = append(items, row{set[i].Key.String(), hexString(set[i].Ed25519[:]), set[i].Power})
	}
	return map[string]any{"items": items, "next": nil}, nil
}

func (s *callScope) getContract(args []byte) (any, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	r, found, err := s.c.Contract(s.o, in.Name)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeUnknownContract, "contract %q", in.Name)
	}
	return r, nil
}

func (s *callScope) listContracts(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	list, err := s.c.Contracts(s.o)
	return map[string]any{"items": list, "next": nil}, err
}

// organisationCount is how many organisations the chain has, for MAJORITY and ALL rules.
func (c *Chain) organisationCount(st State) (int, error) {
	raw, found, err := st.Get(NSGovernance, []byte("organisations"))
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, errCorrupt("organisation count", types.Errorf(types.CodeNotFound, "row is missing"))
	}
	n, err := c.orgCount.get(raw, func(raw []byte) (int, error) {
		var n struct {
			Count int `json:"count"`
		}
		err := json.Unmarshal(raw, &n)
		return n.Count, err
	})
	if err != nil {
		return 0, errCorrupt("organisation count", err)
	}
	return n, nil
}
