package api

import (
	"bytes"
	"context"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// maxRehearsedCalls bounds one rehearsal over the API.
const maxRehearsedCalls = 1000

func (s *Server) stagedPackage(_ context.Context, in *struct {
	ChainPath
	Package string `path:"package" maxLength:"64" doc:"SM3 of the package file"`
}) (*answer[rest.Package], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	hash, err := crypto.ParseHash(in.Package)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "package: %w", err)
	}
	row, ready, err := c.Machine.Staged(c.Ledger, hash)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, types.Errorf(types.CodeNotFound, "package %s is not staged", hash)
	}
	return &answer[rest.Package]{rest.Package{
		Package: hash, Name: row.Name, Version: row.Version, Code: row.Code, Publisher: row.Publisher, Height: row.Height, Ready: ready,
	}}, nil
}

type rehearseInput struct {
	ChainPath
	Calls   int    `query:"calls" minimum:"1" maximum:"1000" default:"100" doc:"How many of the newest calls to replay"`
	RawBody []byte `contentType:"application/octet-stream"`
}

// rehearse replays a contract's newest calls under the package of an upgrade. Nothing is
// committed. One rehearsal runs at a time.
func (s *Server) rehearse(ctx context.Context, in *rehearseInput) (*answer[rest.Rehearsal], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	select {
	case s.rehearsing <- struct{}{}:
		defer func() { <-s.rehearsing }()
	default:
		return nil, &types.Error{Code: types.CodeNotReady, Detail: "another rehearsal is under way", RetryAfterMs: 2000}
	}
	raw := bytes.Clone(in.RawBody)
	p, err := bundle.Open(raw)
	if err != nil {
		return nil, err
	}
	calls, err := c.newestCalls(p.Manifest.Name, min(in.Calls, maxRehearsedCalls))
	if err != nil {
		return nil, err
	}
	st, at, err := c.view()
	if err != nil {
		return nil, err
	}
	defer st.Release()
	ctx, cancel := context.WithTimeout(ctx, s.p.SubmitTimeout)
	defer cancel()
	list, err := c.Machine.Rehearse(ctx, st, raw, calls, st.Height(), at)
	if err != nil {
		return nil, err
	}
	out := rest.Rehearsal{Name: p.Manifest.Name, Calls: len(list), Items: []rest.RehearsedCall{}}
	for i := range list {
		if len(list[i].Differs) > 0 {
			out.Differs++
			out.Items = append(out.Items, rest.RehearsedCall{
				TxID: list[i].TxID, Method: list[i].Method, Differs: list[i].Differs,
				Present: newRehearsed(&list[i].Present), Upgrade: newRehearsed(&list[i].Upgrade),
			})
		}
	}
	return &answer[rest.Rehearsal]{out}, nil
}

func newRehearsed(o *chain.RehearsedOutcome) rest.RehearsedOutcome {
	return rest.RehearsedOutcome{
		Code: o.Code.String(), Error: o.Error, Result: rest.JSON(o.Result), GasUsed: o.GasUsed, Events: len(o.Events), Writes: len(o.Writes),
	}
}

// newestCalls reads the newest transactions that called a contract.
func (c *Chain) newestCalls(name string, n int) ([]*types.Tx, error) {
	refs, _, err := c.Ledger.TxsByContract(name, ledger.Page{Limit: n})
	if err != nil {
		return nil, err
	}
	out := make([]*types.Tx, 0, len(refs))
	for _, ref := range refs {
		raw, err := c.Ledger.Tx(ref)
		if err != nil {
			return nil, err
		}
		tx, err := types.DecodeTx(raw)
		if err != nil {
			return nil, types.Errorf(types.CodeLedgerCorrupt, "transaction %d of block %d: %w", ref.Index, ref.Height, err)
		}
		out = append(out, tx)
	}
	return out, nil
}
