// Package main keeps what supervision knows and demands: rules and blacklists, which the
// chain itself obeys (contract.go, rule.go, blacklist.go), the data that sources report
// about supervised objects (source.go) and audit results (result.go), both chained
// (link.go), and what contracts in a sandbox ask (sandbox.go).
package main

import (
	"slices"
	"unicode/utf8"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Bounds; bundle.yaml says the same to people.
const (
	maxID     = 64
	maxTitle  = 200
	maxText   = 2000
	maxRules  = 2000 // of a chain
	maxBroad  = 64   // of them for every contract
	maxVerify = 1000 // links at once
)

// Chain is a supervised chain. The chain of that name reads blacklisted.
type Chain struct {
	ID          string          `json:"chain"`
	Title       string          `json:"title"`
	Kind        string          `json:"kind"`        // business, base, sandbox or supervision
	Revision    uint32          `json:"revision"`    // counts changes of its rules
	Rules       uint32          `json:"rules"`       // active ones
	Broad       uint32          `json:"broad"`       // of them for every contract
	Blacklisted uint32          `json:"blacklisted"` // entries of its blacklist
	By          contract.Member `json:"by"`
	Time        contract.Time   `json:"time"`
}

// ChainArgs are the arguments of registerChain.
type ChainArgs struct {
	ID    string `json:"chain"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
}

// ChainID names a chain.
type ChainID struct {
	ID string `json:"chain"`
}

// PageArgs ask for a page of a list.
type PageArgs struct {
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// ChainPage asks for a page of what is kept about one chain.
type ChainPage struct {
	Chain string `json:"chain"`
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

func (p *ChainPage) paging() contract.Paging { return contract.Paging{After: p.After, Limit: p.Limit} }

// Storage.
var chains = state.NewMap[string, Chain]("chain")

var chainRegistered = contract.NewEvent[Chain]("chainRegistered")

// Refusals.
var (
	errBadID        = contract.NewError("bad_id")
	errBadKind      = contract.NewError("bad_kind")
	errTooLong      = contract.NewError("too_long")
	errChainExists  = contract.NewError("chain_exists")
	errUnknownChain = contract.NewError("unknown_chain")
	errNotFound     = contract.NewError("not_found")
)

var _ = contract.Methods(
	contract.Call("registerChain", registerChain),
	contract.Query("getChain", getChain),
	contract.Query("listChains", listChains),
	contract.Call("putRule", putRule),
	contract.Call("withdrawRule", withdrawRule),
	contract.Call("syncRules", syncRules),
	contract.Query("getRule", getRule),
	contract.Query("fetchRules", fetchRules),
	contract.Query("history", history),
	contract.Call("block", block),
	contract.Call("unblock", unblock),
	contract.Query("getEntry", getEntry),
	contract.Query("listEntries", listEntries),
	contract.Call("registerSource", registerSource),
	contract.Call("removeSource", removeSource),
	contract.Call("registerObject", registerObject),
	contract.Call("report", report),
	contract.Query("getSource", getSource),
	contract.Query("listData", listData),
	contract.Query("verifyData", verifyData),
	contract.Call("recordResult", recordResult),
	contract.Call("auditNode", auditNode),
	contract.Call("recordScan", recordScan),
	contract.Query("getScan", getScan),
	contract.Query("listResults", listResults),
	contract.Query("verifyResults", verifyResults),
	contract.Call("guard", guard),
)

// registerChain puts a chain under supervision.
func registerChain(ctx *contract.Ctx, in ChainArgs) (Chain, error) {
	if !contract.ValidOrg(in.ID) { // chains are named like organisations
		return Chain{}, errBadID.With("chain")
	}
	if !slices.Contains([]string{"business", "base", "sandbox", "supervision"}, in.Kind) {
		return Chain{}, errBadKind.With("kind")
	}
	if err := checkText(in.Title, maxTitle); err != nil {
		return Chain{}, err
	}
	if chains.Has(ctx, in.ID) {
		return Chain{}, errChainExists
	}
	c := Chain{ID: in.ID, Title: in.Title, Kind: in.Kind, By: ctx.Caller().Member, Time: ctx.Time()}
	chains.Put(ctx, c.ID, c)
	chainRegistered.Emit(ctx, c)
	return c, nil
}

func getChain(v *contract.View, in ChainID) (Chain, error) { return findChain(v, in.ID) }

func listChains(v *contract.View, in PageArgs) (contract.Page[Chain], error) {
	return chains.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

func findChain(v contract.Reader, id string) (Chain, error) {
	c, ok := chains.Get(v, id)
	if !ok {
		return Chain{}, errUnknownChain.With(id)
	}
	return c, nil
}

// checkText refuses an empty text and one of more than max characters.
func checkText(s string, max int) error {
	if s == "" || utf8.RuneCountInString(s) > max {
		return errTooLong
	}
	return nil
}

func validID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

func main() { contract.Main() }
