package chain

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/huchain/huchain/types"
)

// nodeKey is the row of a validating node: a GenesisValidator.
func nodeKey(org, name string) []byte { return []byte("node/" + org + "/" + name) }

type addValidatorArgs struct {
	GenesisValidator
	Possession []byte `json:"possession"` // base64: signature of types.PossessionSignBytes
}

// addValidator lets a node vote, or changes keys or power of one that does. The change
// takes effect two blocks later at every node.
func (s *callScope) addValidator(args []byte) (any, error) {
	var in addValidatorArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	v := &in.GenesisValidator
	ed, err := hex.DecodeString(v.Ed25519)
	if err != nil || len(ed) != 32 || !types.ValidName(v.Org) || !types.ValidName(v.Name) || v.Power <= 0 {
		return nil, types.Errorf(types.CodeBadArguments, "a validator has organisation, name, key, ed25519 (64 hex digits) and a power of at least 1")
	}
	org, found, err := s.c.Organisation(s.o, v.Org)
	if err != nil {
		return nil, err
	}
	if !found || org.Status != StatusActive {
		return nil, types.Errorf(types.CodeForeignCA, "organisation %q is not active on this chain", v.Org)
	}
	msg := types.PossessionSignBytes(s.c.genesis.hash, v.Org, v.Name, v.Key, [32]byte(ed))
	if !v.Key.Verify(msg, in.Possession) {
		return nil, types.Errorf(types.CodeValidatorRefused, "possession of the key of %s/%s is not proven", v.Org, v.Name)
	}
	if err := s.ownKey(v); err != nil {
		return nil, err
	}
	set, err := s.withoutNode(v.Org, v.Name)
	if err != nil {
		return nil, err
	}
	set = append(set, types.Validator{Key: v.Key, Ed25519: [32]byte(ed), Power: v.Power})
	if err := putJSON(s.o, NSGovernance, nodeKey(v.Org, v.Name), v, s.txIndex); err != nil {
		return nil, err
	}
	return v, s.saveValidators(set, "validatorAdded", v, "")
}

// ownKey refuses a key that the chain knows as another member's.
func (s *callScope) ownKey(v *GenesisValidator) error {
	m, found, err := s.c.Member(s.o, types.AddressOf(v.Key))
	if err != nil || !found {
		return err
	}
	if string(m.Member) != v.Org+"/"+v.Name {
		return types.Errorf(types.CodeValidatorRefused, "the key belongs to %s", m.Member)
	}
	return nil
}

// removeValidator ends a node's vote two blocks later. It may name the evidence it is for,
// which the chain must hold against this node.
func (s *callScope) removeValidator(args []byte) (any, error) {
	var in struct {
		Org      string `json:"org"`
		Name     string `json:"name"`
		Evidence string `json:"evidence,omitempty"` // id
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	var v GenesisValidator
	found, err := getJSON(s.o, NSGovernance, nodeKey(in.Org, in.Name), &v)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeNotFound, "validator %s/%s", in.Org, in.Name)
	}
	if in.Evidence != "" {
		if err := s.checkEvidence(in.Evidence, in.Org, in.Name); err != nil {
			return nil, err
		}
	}
	set, err := s.withoutNode(in.Org, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.o.remove(NSGovernance, nodeKey(in.Org, in.Name), s.txIndex); err != nil {
		return nil, err
	}
	return &v, s.saveValidators(set, "validatorRemoved", &v, in.Evidence)
}

// withoutNode is the present set without the keys of a node, which may be in it.
func (s *callScope) withoutNode(org, name string) (types.ValidatorSet, error) {
	set, err := s.c.Validators(s.o)
	if err != nil {
		return nil, err
	}
	var v GenesisValidator
	found, err := getJSON(s.o, NSGovernance, nodeKey(org, name), &v)
	if err != nil || !found {
		return slices.Clone(set), err
	}
	return slices.DeleteFunc(slices.Clone(set), func(x types.Validator) bool { return x.Key == v.Key }), nil
}

func (s *callScope) saveValidators(set types.ValidatorSet, event string, v *GenesisValidator, evidence string) error {
	slices.SortFunc(set, func(a, b types.Validator) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	if err := set.Validate(); err != nil {
		return types.Errorf(types.CodeValidatorRefused, "%w", err)
	}
	s.o.put(NSGovernance, validatorsKey, set.Encode(), s.txIndex)
	data := map[string]any{"org": v.Org, "name": v.Name, "power": v.Power, "votesFrom": s.block.height + 2}
	if evidence != "" {
		data["evidence"] = evidence
	}
	return s.emit(NSGovernance, event, data)
}

// getValidators lists the nodes that vote two blocks after the state.
func (s *callScope) getValidators(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	items, err := validatorRows(s.o)
	return map[string]any{"items": items, "next": nil}, err
}

// validatorRows are the nodes that vote two blocks after the state.
func validatorRows(st State) ([]GenesisValidator, error) {
	items := []GenesisValidator{}
	var bad error
	err := st.Scan(NSGovernance, []byte("node/"), []byte("node0"), func(_, value []byte) bool {
		var v GenesisValidator
		if bad = decodeStrict(value, &v); bad != nil {
			return false
		}
		items = append(items, v)
		return true
	})
	if err == nil && bad != nil {
		err = errCorrupt("validator row", bad)
	}
	return items, err
}
