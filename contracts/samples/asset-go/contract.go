// Package main is the sample contract: an asset with balances that move between
// members. The Rust sample beside it does the same.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Params are the parameters of init.
type Params struct {
	MaxIssue uint64 `json:"maxIssue"` // units one call may issue
}

// Balance is what a member holds.
type Balance struct {
	Owner  contract.Member `json:"owner"`
	Amount uint64          `json:"amount"`
}

// Transfer is one movement; From is missing where units were issued.
type Transfer struct {
	From   contract.Member `json:"from,omitempty"`
	To     contract.Member `json:"to"`
	Amount uint64          `json:"amount"`
	Time   contract.Time   `json:"time"`
}

// MoveArgs are the arguments of issue and transfer.
type MoveArgs struct {
	To     contract.Member `json:"to"`
	Amount uint64          `json:"amount"`
}

// OwnerArgs name a holder.
type OwnerArgs struct {
	Owner contract.Member `json:"owner"`
}

// PageArgs ask for a page.
type PageArgs struct {
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Supply is how many units there are.
type Supply struct {
	Amount uint64 `json:"amount"`
}

// Storage.
var (
	params   = state.NewItem[Params]("params")
	supply   = state.NewItem[Supply]("supply")
	balances = state.NewMap[contract.Member, Balance]("balance")
)

// Events.
var (
	issued      = contract.NewEvent[Transfer]("issued")
	transferred = contract.NewEvent[Transfer]("transferred")
)

// Refusals.
var (
	errBadAmount    = contract.NewError("bad_amount")
	errInsufficient = contract.NewError("insufficient")
)

var _ = contract.Methods(
	contract.Init(initialize),
	contract.Migrate(migrate),
	contract.Call("issue", issue),
	contract.Call("transfer", transfer),
	contract.Query("getBalance", getBalance),
	contract.Query("getSupply", getSupply),
	contract.Query("list", list),
)

// initialize stores the parameters.
func initialize(ctx *contract.Ctx, in Params) error {
	if in.MaxIssue == 0 {
		return errBadAmount
	}
	params.Put(ctx, in)
	return nil
}

// migrate keeps the state as it is: versions 1.x share one layout.
func migrate(ctx *contract.Ctx, from string) error {
	if len(from) < 2 || from[:2] != "1." {
		return errBadAmount.With("no way from version " + from)
	}
	return nil
}

// issue creates units for a member.
func issue(ctx *contract.Ctx, in MoveArgs) (Balance, error) {
	p, _ := params.Get(ctx)
	s, _ := supply.Get(ctx)
	if in.Amount == 0 || in.Amount > p.MaxIssue || s.Amount+in.Amount < s.Amount {
		return Balance{}, errBadAmount
	}
	supply.Put(ctx, Supply{s.Amount + in.Amount})
	b := credit(ctx, in.To, in.Amount)
	issued.Emit(ctx, Transfer{To: in.To, Amount: in.Amount, Time: ctx.Time()})
	return b, nil
}

// transfer moves units of the caller to another member.
func transfer(ctx *contract.Ctx, in MoveArgs) (Balance, error) {
	me := ctx.Caller().Member
	if in.Amount == 0 || in.To == me {
		return Balance{}, errBadAmount
	}
	b, ok := balances.Get(ctx, me)
	if !ok || b.Amount < in.Amount {
		return Balance{}, errInsufficient
	}
	b.Amount -= in.Amount
	balances.Put(ctx, me, b)
	credit(ctx, in.To, in.Amount)
	transferred.Emit(ctx, Transfer{me, in.To, in.Amount, ctx.Time()})
	return b, nil
}

// credit adds to a balance; the supply bounds the sum.
func credit(ctx *contract.Ctx, to contract.Member, amount uint64) Balance {
	b, _ := balances.Get(ctx, to)
	b.Owner = to
	b.Amount += amount
	balances.Put(ctx, to, b)
	return b
}

// getBalance returns what a member holds.
func getBalance(v *contract.View, in OwnerArgs) (Balance, error) {
	b, _ := balances.Get(v, in.Owner)
	b.Owner = in.Owner
	return b, nil
}

// getSupply returns how many units there are.
func getSupply(v *contract.View, _ contract.None) (Supply, error) {
	s, _ := supply.Get(v)
	return s, nil
}

// list returns all balances by member.
func list(v *contract.View, in PageArgs) (contract.Page[Balance], error) {
	return balances.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

func main() { contract.Main() }
