// Package main keeps evidence: a hash is deposited once and never changes; chained
// evidence (chain.go) grows node by node along a template.
package main

import (
	"unicode/utf8"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Bounds in characters; bundle.yaml says the same to people.
const (
	maxTitle    = 200
	maxMetadata = 2000
)

// Evidence is the record of one deposit.
type Evidence struct {
	Hash     contract.Hash   `json:"hash"`
	Title    string          `json:"title"`
	Metadata string          `json:"metadata,omitempty"`
	Owner    contract.Member `json:"owner"`
	Time     contract.Time   `json:"time"`
}

// DepositArgs are the arguments of deposit.
type DepositArgs struct {
	Hash     contract.Hash `json:"hash"`
	Title    string        `json:"title"`
	Metadata string        `json:"metadata,omitempty"`
}

// HashArgs name one deposit.
type HashArgs struct {
	Hash contract.Hash `json:"hash"`
}

// ListArgs ask for a page of one depositor's evidence.
type ListArgs struct {
	Owner contract.Member `json:"owner"`
	After string          `json:"after,omitempty"`
	Limit uint32          `json:"limit,omitempty"`
}

// Verification says whether a hash was deposited, and as what.
type Verification struct {
	Found    bool      `json:"found"`
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Storage.
var (
	evidence        = state.NewMap[contract.Hash, Evidence]("evidence")
	evidenceByOwner = state.NewIndex[contract.Member, state.Pair[contract.Time, contract.Hash]]("evidenceByOwner")
)

var deposited = contract.NewEvent[Evidence]("deposited")

// Refusals.
var (
	errNotFound = contract.NewError("not_found")
	errTooLong  = contract.NewError("too_long")
	errNoTitle  = contract.NewError("no_title")
)

var _ = contract.Methods(
	contract.Call("deposit", deposit),
	contract.Query("verify", verify),
	contract.Query("get", get),
	contract.Query("list", list),
	contract.Call("defineTemplate", defineTemplate),
	contract.Query("getTemplate", getTemplate),
	contract.Query("listTemplates", listTemplates),
	contract.Call("openChain", openChain),
	contract.Call("addNode", addNode),
	contract.Query("getChain", getChain),
	contract.Query("listChains", listChains),
	contract.Query("verifyChain", verifyChain),
)

// deposit records a hash with its title, metadata, depositor and time. The first
// deposit of a hash stands: a repeat changes nothing and returns it.
func deposit(ctx *contract.Ctx, in DepositArgs) (Evidence, error) {
	if e, ok := evidence.Get(ctx, in.Hash); ok {
		return e, nil
	}
	if err := checkText(in.Title, in.Metadata); err != nil {
		return Evidence{}, err
	}
	e := Evidence{in.Hash, in.Title, in.Metadata, ctx.Caller().Member, ctx.Time()}
	evidence.Put(ctx, e.Hash, e)
	evidenceByOwner.Put(ctx, e.Owner, state.Pair[contract.Time, contract.Hash]{A: e.Time, B: e.Hash})
	deposited.Emit(ctx, e)
	return e, nil
}

// verify says whether a hash was deposited, by whom and when.
func verify(v *contract.View, in HashArgs) (Verification, error) {
	e, ok := evidence.Get(v, in.Hash)
	if !ok {
		return Verification{}, nil
	}
	return Verification{true, &e}, nil
}

// get returns the record of a hash.
func get(v *contract.View, in HashArgs) (Evidence, error) {
	e, ok := evidence.Get(v, in.Hash)
	if !ok {
		return Evidence{}, errNotFound
	}
	return e, nil
}

// list returns one depositor's evidence, oldest first.
func list(v *contract.View, in ListArgs) (contract.Page[Evidence], error) {
	keys, next := evidenceByOwner.Page(v, in.Owner, contract.Paging{After: in.After, Limit: in.Limit})
	page := contract.Page[Evidence]{Next: next}
	for _, k := range keys {
		if e, ok := evidence.Get(v, k.B); ok {
			page.Items = append(page.Items, e)
		}
	}
	return page, nil
}

func checkText(title, metadata string) error {
	switch {
	case title == "":
		return errNoTitle
	case utf8.RuneCountInString(title) > maxTitle:
		return errTooLong.With("title")
	case utf8.RuneCountInString(metadata) > maxMetadata:
		return errTooLong.With("metadata")
	}
	return nil
}

func main() { contract.Main() }
