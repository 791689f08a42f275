package chain

import (
	"encoding/json"
	"slices"

	"github.com/huchain/huchain/types"
)

// The native contract governance: rules, parameters, voters, and proposals by which
// several organisations change them together.
var governanceMethods = map[string]nativeMethod{
	"params":     {run: (*callScope).getParams},
	"setParams":  {writes: true, allow: allowMajority, run: (*callScope).setParams},
	"rules":      {run: (*callScope).listRules},
	"setRule":    {writes: true, allow: allowMajority, run: (*callScope).setRule},
	"validators": {run: (*callScope).getValidators},
	"evidence":   {run: (*callScope).listEvidence},

	"addValidator":    {writes: true, allow: allowMajority, run: (*callScope).addValidator},
	"removeValidator": {writes: true, allow: allowMajority, run: (*callScope).removeValidator},

	"propose":   {writes: true, allow: allowAdmin, run: (*callScope).propose},
	"vote":      {writes: true, allow: allowMember, run: (*callScope).vote},
	"endorse":   {writes: true, allow: allowMember, run: (*callScope).endorse},
	"withdraw":  {writes: true, allow: allowMember, run: (*callScope).withdraw},
	"proposal":  {run: (*callScope).getProposal},
	"proposals": {run: (*callScope).listProposals},
}

func (s *callScope) getParams(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	p, _, err := s.c.Params(s.o)
	return p, err
}

// setParams changes the parameters that the arguments name; they hold from the next
// block on.
func (s *callScope) setParams(args []byte) (any, error) {
	p, _, err := s.c.Params(s.o)
	if err != nil {
		return nil, err
	}
	if err := decodeArgs(args, &p); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, types.Errorf(types.CodeBadArguments, "%w", err)
	}
	if err := putJSON(s.o, NSGovernance, []byte("params"), p, s.txIndex); err != nil {
		return nil, err
	}
	return p, s.emit(NSGovernance, "paramsChanged", p)
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

// orgIndex is the row organisations, which every transaction reads.
type orgIndex struct {
	Count    int      `json:"count"`              // active ones, for MAJORITY and ALL rules
	Inactive []string `json:"inactive,omitempty"` // frozen and revoked ones, ascending
}

var organisationsKey = []byte("organisations")

// organisations reads which organisations there are. Every call asks for them: as long as a
// block has not changed them it reads them once.
func (c *Chain) organisations(st State) (orgIndex, error) {
	o, ok := st.(*overlay)
	if !ok || slices.Contains(o.spaces, NSGovernance) {
		return c.readOrganisations(st)
	}
	if o.orgs == nil {
		n, err := c.readOrganisations(o.base)
		if err != nil {
			return orgIndex{}, err
		}
		o.orgs = &n
	}
	return *o.orgs, nil
}

func (c *Chain) readOrganisations(st State) (orgIndex, error) {
	raw, found, err := st.Get(NSGovernance, organisationsKey)
	if err != nil {
		return orgIndex{}, err
	}
	if !found {
		return orgIndex{}, errCorrupt("organisations", types.Errorf(types.CodeNotFound, "row is missing"))
	}
	n, err := c.orgs.get(raw, func(raw []byte) (orgIndex, error) {
		var n orgIndex
		err := json.Unmarshal(raw, &n)
		return n, err
	})
	if err != nil {
		return n, errCorrupt("organisations", err)
	}
	return n, nil
}
