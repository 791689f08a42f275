package chain

import (
	"encoding/json"

	"github.com/huchain/huchain/types"
)

// native is a contract that is part of the protocol.
type native struct {
	name    string
	methods map[string]nativeMethod
}

type nativeMethod struct {
	writes bool
	// allow is who may enter unless governance has set another rule; empty: the method
	// judges by its arguments, or anyone may read.
	allow string
	run   func(s *callScope, args []byte) (any, error)
}

// Rules of native methods that governance has not changed.
const (
	allowMember   = "self"
	allowAdmin    = "ANY role:admin"
	allowMajority = "MAJORITY role:admin"
	// allowLifecycle stands for the chain parameter of this name.
	allowLifecycle = "lifecycle"
)

// natives is fixed by the protocol version; lookups only, never ranged over.
var natives map[string]*native

func init() { // breaks the initialisation cycle natives → method → chain → natives
	natives = map[string]*native{
		NSMembership: {NSMembership, membershipMethods},
		NSContracts:  {NSContracts, contractsMethods},
		NSGovernance: {NSGovernance, governanceMethods},
		NSPolicy:     {NSPolicy, policyMethods},
	}
}

func isNative(name string) bool { _, ok := natives[name]; return ok }

// find checks that a method exists and, for a query, that it only reads.
func (n *native) find(method string, mayWrite bool) error {
	m, ok := n.methods[method]
	if !ok {
		return types.Errorf(types.CodeUnknownMethod, "contract %s has no method %q", n.name, method)
	}
	if m.writes && !mayWrite {
		return types.Errorf(types.CodeReadOnly, "%s.%s changes state: send it as a transaction", n.name, method)
	}
	return nil
}

func (n *native) call(s *callScope, method string, args []byte) ([]byte, error) {
	if err := n.find(method, true); err != nil {
		return nil, err
	}
	m := n.methods[method]
	if m.allow != "" {
		if err := s.permit(n.name, method, m.allow); err != nil {
			return nil, err
		}
	}
	out, err := m.run(s, args)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "encode result of %s.%s: %w", n.name, method, err)
	}
	return raw, nil
}

// decodeArgs reads a native method's arguments; empty bytes stand for {}.
func decodeArgs(args []byte, into any) error {
	if len(args) == 0 {
		return nil
	}
	if err := decodeStrict(args, into); err != nil {
		return types.Errorf(types.CodeBadArguments, "%w", err)
	}
	return nil
}

func (s *callScope) emit(contract, name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return types.Errorf(types.CodeInternal, "encode event %s.%s: %w", contract, name, err)
	}
	*s.events = append(*s.events, types.Event{TxIndex: s.txIndex, Contract: contract, Name: name, Data: raw})
	return nil
}
