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

// Data is what a source reported about an object. Data of a chain is linked: Digest is
// SM3 over its JSON with 64 zeros in the digest's place, and covers Previous.
type Data struct {
	Chain    string          `json:"chain"`
	Position uint32          `json:"position"` // from 1
	Source   string          `json:"source"`
	Kind     string          `json:"kind"`
	Object   string          `json:"object"`
	Content  string          `json:"content"`
	Previous contract.Hash   `json:"previous"`
	By       contract.Member `json:"by"`
	Time     contract.Time   `json:"time"`
	Digest   contract.Hash   `json:"digest"`
}

// ReportArgs are the arguments of report.
type ReportArgs struct {
	Source  string `json:"source"`
	Chain   string `json:"chain"`
	Kind    string `json:"kind"`
	Object  string `json:"object"`
	Content string `json:"content"`
}

type objectKey = state.Pair[string, state.Pair[string, string]]

// Storage.
var (
	sources = state.NewMap[string, Source]("source")
	objects = state.NewMap[objectKey, Object]("object")
	reports = state.NewMap[itemKey, Data]("data")
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
	d := Data{
		Chain: in.Chain, Position: h.Data, Source: s.ID, Kind: in.Kind, Object: in.Object, Content: in.Content,
		Previous: h.DataDigest, By: s.Member, Time: ctx.Time(),
	}
	d.Digest = d.digest()
	h.DataDigest = d.Digest
	heads.Put(ctx, in.Chain, h)
	reports.Put(ctx, itemKey{A: d.Chain, B: d.Position}, d)
	reported.Emit(ctx, d)
	return d, nil
}

func (d Data) digest() contract.Hash {
	d.Digest = contract.Hash{}
	return contract.SM3(contract.JSON(d))
}

func listData(v *contract.View, in ChainPage) (contract.Page[Data], error) {
	return state.ListUnder(v, reports, in.Chain, in.paging()), nil
}

// verifyData recomputes the links of a chain's data.
func verifyData(v *contract.View, in VerifyArgs) (Verdict, error) {
	if _, err := findChain(v, in.Chain); err != nil {
		return Verdict{}, err
	}
	h, _ := heads.Get(v, in.Chain)
	return in.verify(h.Data, h.DataDigest, func(n uint32) (link, bool) {
		d, ok := reports.Get(v, itemKey{A: in.Chain, B: n})
		return link{d.Position, d.Previous, d.Digest, d.digest()}, ok
	})
}
