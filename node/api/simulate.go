package api

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

const (
	// simulations bounds how many run at a time: they take the processors that blocks need.
	simulations = 2
	// maxSimulatedWrites bounds the rows of an answer.
	maxSimulatedWrites = 1000
)

type simulateInput struct {
	ChainPath
	RawBody []byte `contentType:"application/octet-stream"`
}

// simulate executes a transaction on the newest state as a block would, signatures,
// permissions, rules and gas included, and commits nothing.
func (s *Server) simulate(ctx context.Context, in *simulateInput) (*answer[rest.Simulation], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	tx, err := types.DecodeTx(bytes.Clone(in.RawBody))
	if err != nil {
		return nil, err
	}
	if height, _, err := c.Ledger.TxByID(tx.ID()); err == nil {
		return nil, types.Errorf(types.CodeTxDuplicate, "transaction %s is part of block %d", tx.ID(), height)
	} else if types.CodeOf(err) != types.CodeNotFound {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.p.QueryTimeout)
	defer cancel()
	select {
	case s.simulating <- struct{}{}:
		defer func() { <-s.simulating }()
	case <-ctx.Done():
		return nil, &types.Error{Code: types.CodeNotReady, Detail: "other simulations are under way", RetryAfterMs: 1000}
	}
	st, at, err := c.view()
	if err != nil {
		return nil, err
	}
	defer st.Release()
	out, err := c.Machine.Simulate(ctx, st, tx, st.Height()+1, max(at+1, time.Now().UnixNano())) // block time is the clock, and an idle chain's is old
	switch {
	case ctx.Err() != nil:
		return nil, types.Errorf(types.CodeNotReady, "the simulation took longer than %s", s.p.QueryTimeout)
	case err != nil:
		return nil, err
	}
	body := rest.Simulation{
		ID: tx.ID(), Height: st.Height(), Receipt: rest.NewReceipt(&out.Receipts[0]), GasLimit: tx.Body.GasLimit,
		Events: []rest.SimulatedEvent{}, WriteCount: len(out.Writes), Writes: []rest.SimulatedWrite{},
	}
	for i := range out.Events {
		e := &out.Events[i]
		body.Events = append(body.Events, rest.SimulatedEvent{Contract: e.Contract, Name: e.Name, Data: rest.JSON(e.Data)})
	}
	for i := range out.Writes[:min(len(out.Writes), maxSimulatedWrites)] {
		body.Writes = append(body.Writes, simulatedWrite(&out.Writes[i]))
	}
	return &answer[rest.Simulation]{body}, nil
}

func simulatedWrite(w *types.Write) rest.SimulatedWrite {
	out := rest.SimulatedWrite{NS: w.NS, Key: w.Key, Text: rest.Printable(w.Key), Deleted: w.Delete}
	if !w.Delete {
		out.Value = w.Value
		if json.Valid(w.Value) {
			out.JSON = json.RawMessage(w.Value)
		}
	}
	return out
}
