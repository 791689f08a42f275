package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
	"github.com/huchain/huchain/vm/host"
)

type submitInput struct {
	ChainPath
	Mode    string `query:"mode" enum:"committed,accepted" default:"committed" doc:"When to answer"`
	RawBody []byte `contentType:"application/octet-stream"`
}

func (s *Server) submit(ctx context.Context, in *submitInput) (*answer[rest.Submitted], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	raw := bytes.Clone(in.RawBody) // the pool keeps it, and huma uses the body's buffer again
	tx, err := types.DecodeTx(raw)
	if err != nil {
		return nil, err
	}
	id := tx.ID()
	if in.Mode == "accepted" {
		if _, err := c.Consensus.Submit(raw); err != nil {
			return nil, err
		}
		return &answer[rest.Submitted]{rest.Submitted{ID: id, State: "accepted"}}, nil
	}
	s.metrics.waiting.Inc()
	defer s.metrics.waiting.Dec()
	out, err := s.submitAndWait(ctx, c, raw, id)
	if err != nil {
		return nil, err
	}
	return &answer[rest.Submitted]{*out}, nil
}

// submitAndWait answers for a transaction however it got here: submitted now, waiting in
// the pool from an earlier request, or committed long ago.
func (s *Server) submitAndWait(ctx context.Context, c *Chain, raw []byte, id crypto.Hash) (*rest.Submitted, error) {
	w := c.Consensus.Watch(id) // before Submit, or the commit might slip in between
	defer w.Stop()
	if _, err := c.Consensus.Submit(raw); err != nil {
		switch types.CodeOf(err) {
		case types.CodeTxKnown, types.CodeTxDuplicate, types.CodeTxExpired:
			out, ferr := c.findCommitted(id)
			if ferr == nil {
				return out, nil
			}
			if types.CodeOf(ferr) != types.CodeNotFound {
				return nil, ferr
			}
			if types.CodeOf(err) != types.CodeTxKnown {
				return nil, err
			}
		default:
			return nil, err
		}
	}
	wait, cancel := context.WithTimeout(ctx, s.p.SubmitTimeout)
	defer cancel()
	height, index, receipt, err := w.Wait(wait)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			err = errors.New("not committed within " + s.p.SubmitTimeout.String())
		}
		return nil, &rest.UnknownOutcome{ID: id, Err: err}
	}
	return c.submitted(id, height, index, receipt)
}

func (c *Chain) findCommitted(id crypto.Hash) (*rest.Submitted, error) {
	height, index, err := c.Ledger.TxByID(id)
	if err != nil {
		return nil, err
	}
	receipt, err := c.Ledger.Receipt(ledger.Ref{Height: height, Index: index})
	if err != nil {
		return nil, err
	}
	return c.submitted(id, height, index, &receipt)
}

func (c *Chain) submitted(id crypto.Hash, height uint64, index uint32, r *types.Receipt) (*rest.Submitted, error) {
	h, err := c.Ledger.Header(height)
	if err != nil {
		return nil, err
	}
	at, receipt := rest.Time(h.Time), rest.NewReceipt(r)
	return &rest.Submitted{ID: id, State: "committed", Height: height, Index: index, BlockTime: &at, Receipt: &receipt}, nil
}

func (s *Server) query(ctx context.Context, in *struct {
	ChainPath
	Body rest.Query
}) (*answer[rest.Answer], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	q := &chain.Query{Contract: in.Body.Contract, Method: in.Body.Method, Args: in.Body.Args}
	if len(q.Args) > types.MaxArgsBytes {
		return nil, types.Errorf(types.CodeRequestTooLarge, "arguments of %d bytes, at most %d", len(q.Args), types.MaxArgsBytes)
	}
	if len(in.Body.Tx) > 0 {
		if q.Caller, err = types.DecodeTx(in.Body.Tx); err != nil {
			return nil, err
		}
		q.Args = q.Caller.Body.Args
		if len(in.Body.Args) > 0 && !sameJSON(in.Body.Args, q.Args) {
			return nil, types.Errorf(types.CodeBadArguments, "the signed transaction names other arguments than the query")
		}
	}
	result, gas, height, err := s.ask(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return &answer[rest.Answer]{rest.Answer{Result: rest.JSON(result), GasUsed: gas, Height: height}}, nil
}

// ask runs a query on the newest state.
func (s *Server) ask(ctx context.Context, c *Chain, q *chain.Query) (result []byte, gas, height uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.p.QueryTimeout)
	defer cancel()
	st, at, err := c.view()
	if err != nil {
		return nil, 0, 0, err
	}
	defer st.Release()
	result, gas, err = c.Machine.Query(ctx, st, q, st.Height(), at)
	return result, gas, st.Height(), contractError(err)
}

// contractError gives an error that a contract raised the code a receipt would carry.
func contractError(err error) error {
	var f *host.Failure
	switch {
	case !errors.As(err, &f):
		return err
	case f.Name == bundle.ReservedError:
		return &types.Error{Code: types.CodeBadArguments, Detail: types.CleanText(f.Error(), types.MaxErrorBytes)}
	default:
		return &types.Error{Code: types.CodeContractError, Detail: types.CleanText(f.Error(), types.MaxErrorBytes)}
	}
}

// view is the state that a query runs on, that of the newest block, and the block's time
// (Unix nanoseconds). It MUST be released.
func (c *Chain) view() (*ledger.View, int64, error) {
	st, err := c.Ledger.View()
	if err != nil {
		return nil, 0, err
	}
	if st.Height() == 0 {
		return st, c.Genesis.Time.UnixNano(), nil
	}
	return st, st.Header.Time, nil
}

func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return string(a) == string(b)
	}
	ra, _ := json.Marshal(x)
	rb, _ := json.Marshal(y)
	return string(ra) == string(rb)
}
