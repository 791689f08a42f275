package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// MaxRehearsal bounds the calls of one rehearsal.
const MaxRehearsal = 10_000

// RehearsedCall compares what one past call gives under the present code and under the
// code of an upgrade, both on the same state.
type RehearsedCall struct {
	TxID    crypto.Hash      `json:"txId"`
	Method  string           `json:"method"`
	Present RehearsedOutcome `json:"present"`
	Upgrade RehearsedOutcome `json:"upgrade"`
	Differs []string         `json:"differs"` // of result, error, events, writes; gas is not compared
}

// RehearsedOutcome is what a call gave.
type RehearsedOutcome struct {
	Code    types.Code      `json:"code"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	GasUsed uint64          `json:"gasUsed"`
	Events  []types.Event   `json:"events"`
	Writes  []types.Write   `json:"writes"`
}

// Rehearse runs past calls of a contract against the package of an upgrade, and against
// the present code, each call on committed state as it is now. The upgrade's migrate
// entry runs first. Nothing is committed. HC-3301 and HC-3302 refuse the package itself;
// an error of migrate is returned as it is.
func (c *Chain) Rehearse(ctx context.Context, st State, raw []byte, calls []*types.Tx, height uint64, timeNs int64) ([]RehearsedCall, error) {
	if len(calls) > MaxRehearsal {
		return nil, types.Errorf(types.CodeLimitExceeded, "%d calls, at most %d", len(calls), MaxRehearsal)
	}
	p, err := bundle.Open(raw)
	if err != nil {
		return nil, err
	}
	old, found, err := c.Contract(st, p.Manifest.Name)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeUnknownContract, "contract %q", p.Manifest.Name)
	}
	params, _, err := c.Params(st)
	if err != nil {
		return nil, err
	}
	if _, err := c.vm.Load(ctx, p.Code, &params.Gas); err != nil {
		return nil, err
	}
	r := &rehearsal{c: c, ctx: ctx, st: st, block: &blockScope{height: height, timeNs: timeNs, params: params}}
	upgraded, err := r.upgrade(old, p, len(raw))
	if err != nil {
		return nil, err
	}
	out := make([]RehearsedCall, 0, len(calls))
	for _, tx := range calls {
		rc := RehearsedCall{TxID: tx.ID(), Method: tx.Body.Method}
		if rc.Present, err = r.run(newOverlay(st), tx); err != nil {
			return nil, err
		}
		if rc.Upgrade, err = r.run(newOverlay(upgraded), tx); err != nil {
			return nil, err
		}
		rc.Differs = differences(&rc.Present, &rc.Upgrade)
		out = append(out, rc)
	}
	return out, nil
}

type rehearsal struct {
	c     *Chain
	ctx   context.Context
	st    State
	block *blockScope
}

// upgrade returns the state as it would be right after the upgrade.
func (r *rehearsal) upgrade(old *ContractRecord, p *bundle.Package, size int) (State, error) {
	o := newOverlay(r.st)
	s := r.scope(o, nil)
	s.gasLeft = r.block.params.MaxTxGas
	rec := newRecord(p, old.Params, size, Version{Version: p.Manifest.Version, Package: p.Hash, Code: p.CodeHash})
	rec.Versions = append(slices.Clone(old.Versions), rec.Versions...)
	if err := s.saveRecord(rec); err != nil {
		return nil, err
	}
	if !p.Manifest.Migrate {
		return o, nil
	}
	arg, err := json.Marshal(map[string]string{"from": old.Current().Version})
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "encode migrate argument: %w", err)
	}
	return o, s.runEntry(rec, bundle.MigrateMethod, arg, host.KindMigrate)
}

func (r *rehearsal) scope(o *overlay, tx *types.Tx) *callScope {
	var fatal error
	var events []types.Event
	var packages []crypto.Hash
	s := &callScope{c: r.c, ctx: r.ctx, o: o, block: r.block, events: &events, staged: &packages, fatal: &fatal}
	if tx != nil {
		s.txID = tx.ID()
	}
	return s
}

// run executes one past call on o, whatever its time and signatures: those were judged
// when it was committed.
func (r *rehearsal) run(o *overlay, tx *types.Tx) (RehearsedOutcome, error) {
	s := r.scope(o, tx)
	for _, a := range append([]types.Address{tx.Body.Sender}, tx.Body.Cosigners...) {
		m, found, err := r.c.Member(r.st, a)
		if err != nil {
			return RehearsedOutcome{}, err
		}
		if found {
			s.signers = append(s.signers, host.Caller{Member: m.Member, Org: m.Member.Org(), Address: a, Roles: m.Roles})
		}
	}
	result, used, err := s.contract(tx.Body.Contract, tx.Body.Method, tx.Body.Args, tx.Body.GasLimit, host.KindCall)
	if *s.fatal != nil {
		return RehearsedOutcome{}, *s.fatal
	}
	if err != nil {
		out := RehearsedOutcome{GasUsed: used}
		out.Code, out.Error = receiptError(err)
		return out, nil
	}
	writes, err := o.writes()
	return RehearsedOutcome{Result: result, GasUsed: used, Events: *s.events, Writes: writes}, err
}

func differences(a, b *RehearsedOutcome) []string {
	out := []string{}
	note := func(differs bool, what string) {
		if differs {
			out = append(out, what)
		}
	}
	note(!bytes.Equal(a.Result, b.Result), "result")
	note(a.Code != b.Code || a.Error != b.Error, "error")
	note(!slices.EqualFunc(a.Events, b.Events, func(x, y types.Event) bool { return bytes.Equal(x.Encode(), y.Encode()) }), "events")
	note(!slices.EqualFunc(a.Writes, b.Writes, sameWrite), "writes")
	return out
}

func sameWrite(x, y types.Write) bool {
	return x.NS == y.NS && x.Delete == y.Delete && bytes.Equal(x.Key, y.Key) && bytes.Equal(x.Value, y.Value)
}
