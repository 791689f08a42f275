package chain

import (
	"context"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// Query is a call that changes nothing.
type Query struct {
	Contract string
	Method   string
	Args     []byte
	// Caller, where set, is a signed transaction whose body names the same contract,
	// method and arguments: it proves who asks, for methods that are not public.
	Caller   *types.Tx
	GasLimit uint64 // 0: the chain's limit for a transaction
}

// Query runs a reading method on committed state at a height and block time (Unix
// nanoseconds) and returns its result and gas. Permissions hold as in transactions;
// without a Caller only public methods answer.
func (c *Chain) Query(ctx context.Context, st State, q *Query, height uint64, timeNs int64) ([]byte, uint64, error) {
	params, _, err := c.Params(st)
	if err != nil {
		return nil, 0, err
	}
	gas := q.GasLimit
	if gas == 0 || gas > params.MaxTxGas {
		gas = params.MaxTxGas
	}
	var fatal error
	var events []types.Event
	var packages []crypto.Hash
	s := &callScope{
		c: c, ctx: ctx, o: newOverlay(st), events: &events, fatal: &fatal,
		gasLeft: gas, staged: &packages,
		block: &blockScope{height: height, timeNs: timeNs, params: params},
	}
	if s.sup, err = c.supervision(st, &params); err != nil {
		return nil, 0, err
	}
	if q.Caller != nil {
		if s.signers, err = c.askers(s.o, q, s.block); err != nil {
			return nil, 0, err
		}
		s.txID = q.Caller.ID()
		if err := s.checkBlacklist(q.Contract); err != nil {
			return nil, 0, err
		}
	}
	if n, ok := natives[q.Contract]; ok {
		if err := n.find(q.Method, false); err != nil {
			return nil, 0, err
		}
		out, err := n.call(s, q.Method, q.Args)
		return out, 0, err
	}
	out, used, err := s.contract(q.Contract, q.Method, q.Args, gas, host.KindQuery)
	return out, used, err
}

// askers authenticates the signed body of a query.
func (c *Chain) askers(o *overlay, q *Query, b *blockScope) ([]host.Caller, error) {
	body := &q.Caller.Body
	if body.Contract != q.Contract || body.Method != q.Method || string(body.Args) != string(q.Args) {
		return nil, types.Errorf(types.CodeBadArguments, "the signed body asks for %s.%s with other arguments", body.Contract, body.Method)
	}
	if err := c.checkGenesis(body); err != nil {
		return nil, err
	}
	book := keyBook{c: c, st: o}
	book.learn(q.Caller)
	keys, members, err := book.keys(q.Caller, nil, nil)
	if err != nil {
		return nil, err
	}
	if !c.verifier.verify(q.Caller, keys) {
		return nil, types.Errorf(types.CodeBadSignature, "query %s", q.Caller.ID())
	}
	return c.signers(o, q.Caller, members, b, 0, nil)
}

// Simulate executes a signed transaction on committed state without committing it and
// returns its receipt, events and writes: a dry run.
func (c *Chain) Simulate(ctx context.Context, st State, tx *types.Tx, height uint64, timeNs int64) (*Result, error) {
	return c.Execute(ctx, st, NewIDWindow(), &BlockInput{Height: height, Time: timeNs, Txs: [][]byte{tx.Bytes()}})
}

// Authenticate returns who signed a transaction that is never to be executed, such as a
// login: its sender, who must be a member that may act at a block time, with signatures
// and certificate judged as in a block. It says nothing of how long the signature holds.
func (c *Chain) Authenticate(st State, tx *types.Tx, height uint64, timeNs int64) (*host.Caller, error) {
	params, _, err := c.Params(st)
	if err != nil {
		return nil, err
	}
	b := &tx.Body
	signers, err := c.askers(newOverlay(st), &Query{Contract: b.Contract, Method: b.Method, Args: b.Args, Caller: tx},
		&blockScope{height: height, timeNs: timeNs, params: params})
	if err != nil {
		return nil, err
	}
	return &signers[0], nil
}

// Standing returns a member that may act at a time: HC-2108 if the chain does not know it,
// HC-2113 if it or its organisation is frozen or revoked, HC-2110 if its certificate ended.
func (c *Chain) Standing(st State, a types.Address, at time.Time) (*Member, error) {
	m, found, err := c.Member(st, a)
	if err == nil && !found {
		err = types.Errorf(types.CodeUnknownSender, "no member has the address %s", a)
	}
	if err == nil {
		err = c.checkActive(st, m, at)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}
