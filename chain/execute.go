package chain

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// rowsPerTx is how many rows a transaction changes, as a guess at the room that a block takes.
const rowsPerTx = 2

// Execute runs a decided block on the state of the height before and returns what it
// changes. It changes neither st nor ids. An error means the node cannot go on (storage
// failed, ctx was cancelled), never that the block is at fault: a transaction at fault
// gets a receipt that says so and has no effect.
func (c *Chain) Execute(ctx context.Context, st State, ids *IDWindow, blk *BlockInput) (*Result, error) {
	params, config, err := c.Params(st)
	if err != nil {
		return nil, err
	}
	x := &execution{
		c: c, ctx: ctx, o: newBlockOverlay(st, rowsPerTx*len(blk.Txs)), ids: ids,
		scope: &blockScope{height: blk.Height, timeNs: blk.Time, params: params, txs: len(blk.Txs)},
		seen:  make(map[crypto.Hash]struct{}, len(blk.Txs)),
		res: &Result{
			Config: config, Protocol: c.protocol.Version,
			Txs: make([]*types.Tx, 0, len(blk.Txs)), Receipts: make([]types.Receipt, 0, len(blk.Txs)),
		},
	}
	if x.sup, err = c.supervision(st, &params); err != nil {
		return nil, err
	}
	if err := x.transactions(blk); err != nil {
		return nil, err
	}
	if err := x.keepEvidence(blk); err != nil {
		return nil, err
	}
	// Parameters changed by this block show in its content root.
	var after Params
	if after, x.res.Config, err = c.Params(x.o); err != nil {
		return nil, err
	}
	x.res.Repriced = after.Gas != params.Gas
	if err := c.closeRules(x.o, x.sup, &params, &after, uint32(max(len(blk.Txs), 1)-1)); err != nil {
		return nil, err
	}
	if x.res.Writes, err = x.o.writes(); err != nil {
		return nil, err
	}
	return x.res, nil
}

// execution is one block under way.
type execution struct {
	c     *Chain
	ctx   context.Context
	o     *overlay
	ids   *IDWindow
	scope *blockScope
	sup   *supervision
	seen  map[crypto.Hash]struct{}
	res   *Result
	run   txRun // the transaction under way
}

// transactions executes all transactions of a block, in order or as if.
func (x *execution) transactions(blk *BlockInput) error {
	run := func(i uint32) error { return x.transaction(i, blk) }
	if x.c.workers > 1 && len(blk.Txs) >= x.c.parallelFrom {
		s := x.speculate(blk, x.c.workers)
		defer s.stop()
		run = s.settle
	}
	for i := range blk.Txs {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		if err := run(uint32(i)); err != nil {
			return err
		}
	}
	return nil
}

// transaction executes one transaction and appends its receipt. A returned error is
// fatal for the block's execution.
func (x *execution) transaction(index uint32, blk *BlockInput) error {
	tx, err := blk.tx(index)
	x.res.Txs = append(x.res.Txs, tx)
	var r types.Receipt
	if err != nil {
		r.TxID = crypto.Sum(blk.Txs[index]) // for bytes that have no id
	} else {
		r.TxID = tx.ID()
		mark, events, stagedBefore := x.o.mark(), len(x.res.Events), len(x.res.Staged)
		run := &x.run
		*run = txRun{}
		run.x, run.tx, run.checked, run.index = x, tx, blk.checked(index), index
		r.Result, err = run.do()
		r.GasUsed = run.gasUsed
		if run.fatal != nil {
			return run.fatal
		}
		if err != nil {
			x.o.revert(mark)
			x.res.Events, x.res.Staged = x.res.Events[:events], x.res.Staged[:stagedBefore]
		}
		x.sup.settle(err == nil, index)
		r.Events = uint32(len(x.res.Events) - events)
		x.res.GasUsed += run.gasUsed
	}
	if err != nil {
		r.Result = nil
		r.Code, r.Error = receiptError(err)
		if ownTrouble(r.Code) {
			return err
		}
	}
	x.res.Receipts = append(x.res.Receipts, r)
	return nil
}

// receiptError turns a failure into what a receipt carries: a code and bounded text.
func receiptError(err error) (types.Code, string) {
	var f *host.Failure
	if errors.As(err, &f) {
		if f.Name == bundle.ReservedError {
			return types.CodeBadArguments, types.CleanText(f.Error(), types.MaxErrorBytes)
		}
		return types.CodeContractError, types.CleanText(f.Error(), types.MaxErrorBytes)
	}
	var e *types.Error
	if errors.As(err, &e) {
		return e.Code, types.CleanText(e.Detail, types.MaxErrorBytes)
	}
	return types.CodeInternal, types.CleanText(err.Error(), types.MaxErrorBytes)
}

// txRun is one transaction under way.
type txRun struct {
	x       *execution
	tx      *types.Tx
	checked []crypto.PublicKey // under which its signatures were found to hold
	index   uint32
	gasUsed uint64
	fatal   error // the node's own failure, which no receipt can express
	call    callScope

	// Room for what most transactions need one of.
	keyRoom    [1]crypto.PublicKey
	memberRoom [1]*Member
	callerRoom [1]host.Caller
}

// do authenticates and executes the transaction; its changes are in the overlay even
// where it fails, for the caller to revert.
func (r *txRun) do() (json.RawMessage, error) {
	x, c := r.x, r.x.c
	if err := c.checkPlace(r.tx, x.ids, x.seen, x.scope.timeMs()); err != nil {
		return nil, err
	}
	if x.res.GasUsed >= x.scope.params.MaxBlockGas {
		return nil, types.Errorf(types.CodeBlockFull, "%d gas used in this block", x.res.GasUsed)
	}
	book := keyBook{c: c, st: x.o}
	book.learn(r.tx)
	keys, members, err := book.keys(r.tx, r.keyRoom[:0], r.memberRoom[:0])
	if err != nil {
		return nil, err
	}
	if !slices.Equal(r.checked, keys) && !c.verifier.verify(r.tx, slices.Clone(keys)) {
		return nil, types.Errorf(types.CodeBadSignature, "transaction %s", r.tx.ID())
	}
	x.seen[r.tx.ID()] = struct{}{}
	x.res.UsedIDs = append(x.res.UsedIDs, r.tx.ID())
	intrinsic, err := c.gasFor(r.tx, x.scope.params)
	r.gasUsed = intrinsic
	if err != nil {
		return nil, err
	}
	signers, err := c.signers(x.o, r.tx, members, x.scope, r.index, r.callerRoom[:0])
	if err != nil {
		return nil, err
	}
	return r.dispatch(signers)
}

// gasFor returns the intrinsic gas, and an error if the limit does not cover it or is
// above what the chain allows.
func (c *Chain) gasFor(tx *types.Tx, p Params) (uint64, error) {
	intrinsic := c.protocol.IntrinsicGas(len(tx.Bytes()), len(tx.Signatures))
	if tx.Body.GasLimit > p.MaxTxGas {
		return 0, types.Errorf(types.CodeLimitExceeded, "gas limit %d, at most %d on this chain", tx.Body.GasLimit, p.MaxTxGas)
	}
	if tx.Body.GasLimit < intrinsic {
		return tx.Body.GasLimit, types.Errorf(types.CodeOutOfGas, "gas limit %d is below the %d this transaction costs before any call", tx.Body.GasLimit, intrinsic)
	}
	return intrinsic, nil
}

// signers returns the member behind each signature, sender first, all of them active at
// the block's time, appended to out. known are those that were read already. A certificate
// that comes along registers or renews the sender.
func (c *Chain) signers(o *overlay, tx *types.Tx, known []*Member, b *blockScope, index uint32, out []host.Caller) ([]host.Caller, error) {
	for i := -1; i < len(tx.Body.Cosigners); i++ {
		m := known[1+i]
		var err error
		a := tx.Body.Sender
		if i >= 0 {
			a = tx.Body.Cosigners[i]
		}
		if i < 0 && len(tx.Certificate) > 0 {
			if m, err = c.register(o, tx.Certificate, a, b, index); err != nil {
				return nil, err
			}
		} else if m == nil {
			var found bool
			if m, found, err = c.Member(o, a); err != nil {
				return nil, err
			} else if !found {
				return nil, types.Errorf(types.CodeUnknownSender, "no member has the address %s", a)
			}
		}
		if err := c.checkActive(o, m, b.time()); err != nil {
			return nil, err
		}
		out = append(out, host.Caller{Member: m.Member, Org: m.Member.Org(), Address: a, Roles: m.Roles})
	}
	return out, nil
}

// dispatch calls the native contract or the installed one.
func (r *txRun) dispatch(signers []host.Caller) ([]byte, error) {
	b := &r.tx.Body
	call := &r.call // empty so far; a literal would be made elsewhere and copied
	call.c, call.ctx, call.o, call.block, call.sup = r.x.c, r.x.ctx, r.x.o, r.x.scope, r.x.sup
	call.signers, call.txID, call.txIndex = signers, r.tx.ID(), r.index
	call.events, call.firstEvent, call.staged, call.fatal = &r.x.res.Events, len(r.x.res.Events), &r.x.res.Staged, &r.fatal
	call.gasLeft = b.GasLimit - r.gasUsed
	if err := call.admitCall(b); err != nil {
		return nil, err
	}
	out, err := r.run(call)
	if err == nil {
		err = call.judgeResult(b, out, r.gasUsed)
	}
	return out, err
}

func (r *txRun) run(call *callScope) ([]byte, error) {
	b := &r.tx.Body
	if n, ok := natives[b.Contract]; ok {
		out, err := n.call(call, b.Method, b.Args)
		r.gasUsed += call.gasUsed
		return out, err
	}
	out, used, err := call.contract(b.Contract, b.Method, b.Args, b.GasLimit-r.gasUsed, host.KindCall)
	r.gasUsed += used
	return out, err
}

// target finds the contract and method of a call and checks that the signers may make
// it, be it directly or through another contract.
func (c *Chain) target(st State, name, method string, signers []host.Caller) (*ContractRecord, *bundle.Method, error) {
	rec, found, err := c.Contract(st, name)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, types.Errorf(types.CodeUnknownContract, "contract %q", name)
	}
	if rec.Status != StatusActive {
		return nil, nil, types.Errorf(types.CodeContractFrozen, "contract %s is %s", name, rec.Status)
	}
	m, ok := rec.Method(method)
	if !ok {
		return nil, nil, types.Errorf(types.CodeUnknownMethod, "contract %s has no method %q", name, method)
	}
	orgs, err := c.organisations(st)
	if err != nil {
		return nil, nil, err
	}
	if !rec.rules[method].Permits(signers, orgs.Count) {
		return nil, nil, types.Errorf(types.CodePermissionDenied, "%s.%s is allowed to: %s", name, method, rec.Allow(method))
	}
	return rec, m, nil
}
