package main

import (
	"slices"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Source is a component that reports: its member signs what it reports.
type Source struct {
	ID     string          `json:"source"`
	Title  string          `json:"title"`
	Kind   string          `json:"kind"` // management, business, audit, identity, crosschain or platform
	Member contract.Member `json:"member"`
	By     contract.Member `json:"by"`
	Time   contract.Time   `json:"time"`
}

// SourceArgs are the arguments of registerSource.
type SourceArgs struct {
	ID     string          `json:"source"`
	Title  string          `json:"title"`
	Kind   string          `json:"kind"`
	Member contract.Member `json:"member"`
}

// SourceID names a source.
type SourceID struct {
	ID string `json:"source"`
}

// Object is a chain, contract, user, node or class of transactions under supervision.
type Object struct {
	Chain  string          `json:"chain"`
	Kind   string          `json:"kind"`
	Object string          `json:"object"`
	Title  string          `json:"title"`
	By     contract.Member `json:"by"`
	Time   contract.Time   `json:"time"`
}

// ObjectArgs are the arguments of registerObject.
type ObjectArgs struct {
	Chain  string `json:"chain"`
	Kind   string `json:"kind"`
	Object string `json:"object"`
	Title  string `json:"title"`
}

// Data is what a source reported about an object.
type Data struct {
	Chain    string          `json:"chain"`
	Position uint32          `json:"position"` // from 1
	Source   string          `json:"source"`
	Kind     string          `json:"kind"`
	Object   string          `json:"object"`
	Content  string          `json:"content"`
	By       contract.Member `json:"by"`
	Time     contract.Time   `json:"time"`
}

// ReportArgs are the arguments of report.
type ReportArgs struct {
	Source  string `json:"source"`
	Chain   string `json:"chain"`
	Kind    string `json:"kind"`
	Object  string `json:"object"`
	Content string `json:"content"`
}

// PositionArgs ask for the items of a chain above a position.
type PositionArgs struct {
	Chain string `json:"chain"`
	After uint32 `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Head says how much is on record about a chain. It is a row of its own, so that what is
// recorded does not touch the rows that the chain takes rules from.
type Head struct {
	Data    uint32        `json:"data"`
	Results uint32        `json:"results"`
	Digest  contract.Hash `json:"digest"` // of the last result
}

type itemKey = state.Pair[string, uint32]
type objectKey = state.Pair[string, state.Pair[string, string]]

// Storage.
var (
	sources = state.NewMap[string, Source]("source")
	objects = state.NewMap[objectKey, Object]("object")
	reports = state.NewMap[itemKey, Data]("data")
	heads   = state.NewMap[string, Head]("head")
)

// Events.
var (
	sourceRegistered = contract.NewEvent[Source]("sourceRegistered")
	sourceRemoved    = contract.NewEvent[Source]("sourceRemoved")
	objectRegistered = contract.NewEvent[Object]("objectRegistered")
	reported         = contract.NewEvent[Data]("reported")
)

// Refusals.
var (
	errSourceExists  = contract.NewError("source_exists")
	errUnknownSource = contract.NewError("unknown_source")
	errNotSource     = contract.NewError("not_source")
	errUnmanaged     = contract.NewError("unmanaged")
)

// registerSource admits a source and names the member that signs for it.
func registerSource(ctx *contract.Ctx, in SourceArgs) (Source, error) {
	if !validID(in.ID) {
		return Source{}, errBadID.With("source")
	}
	if !slices.Contains([]string{"management", "business", "audit", "identity", "crosschain", "platform"}, in.Kind) {
		return Source{}, errBadKind.With("kind")
	}
	if err := checkText(in.Title, maxTitle); err != nil {
		return Source{}, err
	}
	if sources.Has(ctx, in.ID) {
		return Source{}, errSourceExists
	}
	s := Source{in.ID, in.Title, in.Kind, in.Member, ctx.Caller().Member, ctx.Time()}
	sources.Put(ctx, s.ID, s)
	sourceRegistered.Emit(ctx, s)
	return s, nil
}

// removeSource ends a source's right to report; what it reported stays.
func removeSource(ctx *contract.Ctx, in SourceID) (Source, error) {
	s, ok := sources.Get(ctx, in.ID)
	if !ok {
		return Source{}, errUnknownSource
	}
	sources.Delete(ctx, in.ID)
	sourceRemoved.Emit(ctx, s)
	return s, nil
}

func getSource(v *contract.View, in SourceID) (Source, error) {
	s, ok := sources.Get(v, in.ID)
	if !ok {
		return Source{}, errUnknownSource
	}
	return s, nil
}

func keyOf(chain, kind, object string) objectKey {
	return objectKey{A: chain, B: state.Pair[string, string]{A: kind, B: object}}
}

// registerObject puts an object under supervision, or changes its title.
func registerObject(ctx *contract.Ctx, in ObjectArgs) (Object, error) {
	if _, err := findChain(ctx, in.Chain); err != nil {
		return Object{}, err
	}
	if !slices.Contains([]string{"chain", "contract", "user", "node", "transaction"}, in.Kind) {
		return Object{}, errBadKind.With("kind")
	}
	if err := checkText(in.Title, maxTitle); err != nil {
		return Object{}, err
	}
	if err := checkText(in.Object, maxID); err != nil {
		return Object{}, err
	}
	o := Object{in.Chain, in.Kind, in.Object, in.Title, ctx.Caller().Member, ctx.Time()}
	objects.Put(ctx, keyOf(in.Chain, in.Kind, in.Object), o)
	objectRegistered.Emit(ctx, o)
	return o, nil
}

// report records supervision data. The signature of the source is that of the
// transaction, so only the source's member may send it.
func report(ctx *contract.Ctx, in ReportArgs) (Data, error) {
	s, ok := sources.Get(ctx, in.Source)
	if !ok {
		return Data{}, errUnknownSource
	}
	if s.Member != ctx.Caller().Member {
		return Data{}, errNotSource.With(string(s.Member))
	}
	if !objects.Has(ctx, keyOf(in.Chain, in.Kind, in.Object)) {
		return Data{}, errUnmanaged
	}
	if err := checkText(in.Content, maxText); err != nil {
		return Data{}, err
	}
	h, _ := heads.Get(ctx, in.Chain)
	h.Data++
	d := Data{in.Chain, h.Data, s.ID, in.Kind, in.Object, in.Content, s.Member, ctx.Time()}
	heads.Put(ctx, in.Chain, h)
	reports.Put(ctx, itemKey{A: d.Chain, B: d.Position}, d)
	reported.Emit(ctx, d)
	return d, nil
}

func listData(v *contract.View, in PositionArgs) (contract.Page[Data], error) {
	var out contract.Page[Data]
	size := int(contract.Paging{Limit: in.Limit}.Size())
	reports.Range(v, itemKey{A: in.Chain, B: in.After + 1}, itemKey{A: in.Chain, B: 1<<32 - 1}, func(_ itemKey, d Data) bool {
		out.Items = append(out.Items, d)
		return len(out.Items) < size
	})
	return out, nil
}
