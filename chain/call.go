package chain

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/host"
)

// callScope is what the calls of one transaction, or of one query, have in common.
type callScope struct {
	c       *Chain
	ctx     context.Context
	o       *overlay
	block   *blockScope
	signers []host.Caller // sender first; empty for an anonymous query
	txID    crypto.Hash
	txIndex uint32
	stack   []string // contracts under way, outermost first
	gasLeft uint64   // for native contracts and what they enter
	gasUsed uint64   // by them
	staged  *[]crypto.Hash
	sup     *supervision // nil without rules
	guarded bool         // the transaction's contract has asked for a judgment

	// Room for what most transactions need one of.
	outermost callEnv
	room      [1]string // for stack

	events     *[]types.Event
	firstEvent int    // of this transaction
	fatal      *error // storage failure or cancellation, above any contract's reach
}

// caller is who the contract sees: the sender, or nobody.
func (s *callScope) caller() host.Caller {
	if len(s.signers) == 0 {
		return host.Caller{}
	}
	return s.signers[0]
}

// charge takes gas for the work of a native contract.
func (s *callScope) charge(gas uint64) error {
	if gas > s.gasLeft {
		s.gasUsed, s.gasLeft = s.gasUsed+s.gasLeft, 0
		return types.Errorf(types.CodeOutOfGas, "%d gas needed", gas)
	}
	s.gasUsed, s.gasLeft = s.gasUsed+gas, s.gasLeft-gas
	return nil
}

// fail keeps the node's own failures apart from the contract's.
func (s *callScope) fail(err error) error {
	if err != nil && *s.fatal == nil {
		*s.fatal = err
	}
	return err
}

// contract calls a method of an installed contract after checking permission. On error
// the caller reverts the overlay.
func (s *callScope) contract(name, method string, args []byte, gas uint64, kind host.Kind) ([]byte, uint64, error) {
	rec, m, err := s.c.target(s.o, name, method, s.signers)
	if err != nil {
		return nil, 0, err
	}
	if !m.Writes {
		kind = host.KindQuery
	}
	return s.enter(rec, method, args, gas, kind)
}

// enter runs one method of a contract, whatever the permissions.
func (s *callScope) enter(rec *ContractRecord, method string, args []byte, gas uint64, kind host.Kind) ([]byte, uint64, error) {
	if slices.Contains(s.stack, rec.Name) {
		return nil, 0, types.Errorf(types.CodeReentrancy, "%s is already being called", rec.Name)
	}
	if len(s.stack) >= s.c.protocol.CallDepth {
		return nil, 0, types.Errorf(types.CodeLimitExceeded, "contracts call one another more than %d deep", s.c.protocol.CallDepth)
	}
	env := &s.outermost
	if len(s.stack) == 0 {
		s.stack = s.room[:0]
	} else {
		env = new(callEnv)
	}
	s.stack = append(s.stack, rec.Name)
	defer func() { s.stack = s.stack[:len(s.stack)-1] }()
	*env = callEnv{}
	env.s, env.ns, env.rec = s, rec.Name, rec
	info := &env.info
	info.Kind, info.Contract, info.Method, info.Caller = kind, rec.Name, method, s.caller()
	info.Height, info.TimeMs, info.TxID = s.block.height, s.block.timeMs(), s.txID
	info.Chain, info.Genesis = s.c.genesis.Chain, s.c.genesis.Hash()
	out, err := s.run(rec, &engine.Call{Code: rec.Current().Code, Schedule: &s.block.params.Gas, Env: env, Args: args, GasLimit: gas})
	if err != nil && s.ctx.Err() != nil {
		return nil, out.GasUsed, s.fail(s.ctx.Err())
	}
	if *s.fatal != nil {
		return nil, out.GasUsed, *s.fatal
	}
	if err == nil && len(out.Result) > types.MaxResultBytes {
		err = types.Errorf(types.CodeLimitExceeded, "result of %d bytes, at most %d", len(out.Result), types.MaxResultBytes)
	}
	var f *host.Failure
	if errors.As(err, &f) && f.Contract == "" {
		f.Contract = rec.Name
	}
	return out.Result, out.GasUsed, err
}

// run calls the VM, and has the code loaded where it is not, or no longer. What is the
// node's own trouble is kept from contracts: on another node it does not happen.
func (s *callScope) run(rec *ContractRecord, call *engine.Call) (engine.Outcome, error) {
	for {
		out, err := s.c.vm.Call(s.ctx, call)
		if errors.Is(err, engine.ErrNotLoaded) {
			if err = s.c.load(s.ctx, s.o, rec, call.Schedule); err == nil {
				continue
			}
		}
		var f *host.Failure
		if err != nil && !errors.As(err, &f) && ownTrouble(types.CodeOf(err)) {
			return out, s.fail(err)
		}
		return out, err
	}
}

// ownTrouble reports codes that say that this node, not the transaction, is at fault.
func ownTrouble(c types.Code) bool {
	return c == types.CodeLedgerCorrupt || c == types.CodeDiskFailure || c == types.CodeInternal
}

// callEnv is the chain as one running call sees it; it implements host.Env.
type callEnv struct {
	s    *callScope
	ns   string
	rec  *ContractRecord
	info host.Info
}

var _ host.Env = (*callEnv)(nil)

func (e *callEnv) Info() *host.Info { return &e.info }

// DID reads which DID contract identity binds to the caller.
func (e *callEnv) DID() (string, error) {
	did, err := callerDID(e.s.o, e.info.Caller.Member)
	return did, e.s.fail(err)
}

func (e *callEnv) readOnly() error {
	if e.info.Kind == host.KindQuery {
		return types.Errorf(types.CodeReadOnly, "%s.%s is declared as reading only", e.ns, e.info.Method)
	}
	return nil
}

func (e *callEnv) Get(key []byte) ([]byte, bool, error) {
	if err := checkKey(key); err != nil {
		return nil, false, err
	}
	v, found, err := e.s.o.Get(e.ns, key)
	return v, found, e.s.fail(err)
}

func (e *callEnv) Put(key, value []byte) error {
	if err := e.readOnly(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if len(value) > types.MaxValueBytes {
		return types.Errorf(types.CodeLimitExceeded, "state value of %d bytes, at most %d", len(value), types.MaxValueBytes)
	}
	if err := e.s.sup.mayWrite(e.s.c, e.ns, key, value); err != nil {
		return err
	}
	e.s.o.put(e.ns, key, bytes.Clone(value), e.s.txIndex)
	return nil
}

func (e *callEnv) Delete(key []byte) error {
	if err := e.readOnly(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if err := e.s.sup.mayWrite(e.s.c, e.ns, key, nil); err != nil {
		return err
	}
	return e.s.fail(e.s.o.remove(e.ns, key, e.s.txIndex))
}

func checkKey(key []byte) error {
	if len(key) == 0 || len(key) > types.MaxKeyBytes {
		return types.Errorf(types.CodeLimitExceeded, "state key of %d bytes, 1 to %d allowed", len(key), types.MaxKeyBytes)
	}
	return nil
}

func (e *callEnv) Scan(start, end []byte, limit int) (pairs []host.Pair, more bool, err error) {
	err = e.s.o.Scan(e.ns, start, end, func(key, value []byte) bool {
		if len(pairs) == limit {
			more = true
			return false
		}
		pairs = append(pairs, host.Pair{Key: bytes.Clone(key), Value: bytes.Clone(value)})
		return true
	})
	return pairs, more, e.s.fail(err)
}

func (e *callEnv) Emit(name string, data []byte) error {
	if err := e.readOnly(); err != nil {
		return err
	}
	switch {
	case name == "" || len(name) > types.MaxEventNameBytes:
		return types.Errorf(types.CodeLimitExceeded, "event name of %d bytes, 1 to %d allowed", len(name), types.MaxEventNameBytes)
	case !utf8.ValidString(name):
		return types.Errorf(types.CodeHostMisuse, "event name is not UTF-8")
	case len(data) > types.MaxEventBytes:
		return types.Errorf(types.CodeLimitExceeded, "event of %d bytes, at most %d", len(data), types.MaxEventBytes)
	case len(*e.s.events)-e.s.firstEvent >= e.s.c.protocol.MaxEvents:
		return types.Errorf(types.CodeLimitExceeded, "more than %d events in a transaction", e.s.c.protocol.MaxEvents)
	}
	*e.s.events = append(*e.s.events, types.Event{TxIndex: e.s.txIndex, Contract: e.ns, Name: name, Data: bytes.Clone(data)})
	return nil
}

// Call runs another contract for this one, if the package declares it under uses. A
// callee that fails leaves nothing behind and its failure is the caller's to handle.
func (e *callEnv) Call(contract, method string, args []byte, gas uint64) ([]byte, uint64, error) {
	kind := host.KindCall
	if e.info.Kind == host.KindQuery {
		kind = host.KindQuery
	}
	if contract == NSPolicy {
		return e.callPolicy(method, args, gas)
	}
	if !e.rec.mayCall(contract) {
		return nil, 0, types.Errorf(types.CodePermissionDenied, "the package of %s does not declare that it uses %s", e.ns, contract)
	}
	mark, events := e.s.o.mark(), len(*e.s.events)
	var out []byte
	var used uint64
	err := e.s.judgeCall(contract, method, args, e.ns)
	if err == nil {
		out, used, err = e.s.contract(contract, method, args, gas, kind)
	}
	if err == nil {
		return out, used, nil
	}
	e.s.o.revert(mark)
	*e.s.events = (*e.s.events)[:events]
	var f *host.Failure
	if *e.s.fatal == nil && !errors.As(err, &f) {
		code, text := receiptError(err)
		err = &host.Failure{Contract: contract, Name: code.String(), Text: text}
	}
	return nil, used, err
}

// Log is for debugging contracts; it has no part in results.
func (e *callEnv) Log(string) {}
