// Package main is a business contract on trial in a sandbox: before it does anything it
// asks the supervision contract, whose rules may refuse or record what it is about to do.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Payment is money that one member has said to pay another.
type Payment struct {
	ID     string          `json:"payment"`
	From   contract.Member `json:"from"`
	To     contract.Member `json:"to"`
	Amount string          `json:"amount"` // decimal
	Time   contract.Time   `json:"time"`
}

// PayArgs are the arguments of pay.
type PayArgs struct {
	ID     string          `json:"payment"`
	To     contract.Member `json:"to"`
	Amount string          `json:"amount"`
}

// PaymentID names a payment.
type PaymentID struct {
	ID string `json:"payment"`
}

// GuardArgs and Judgment are what the supervision contract takes and answers.
type GuardArgs struct {
	Method string `json:"method"`
	Data   string `json:"data"`
}

// Judgment is the answer of supervision.guard.
type Judgment struct {
	Chain  string `json:"chain"`
	Caller string `json:"caller"`
	Hits   []Hit  `json:"hits"`
}

// Hit is a rule that was met.
type Hit struct {
	Rule    string `json:"rule"`
	Version uint32 `json:"version"`
	Title   string `json:"title"`
	Action  string `json:"action"`
	Failed  string `json:"failed"`
}

var payments = state.NewMap[string, Payment]("payment")

var paid = contract.NewEvent[Payment]("paid")

// Refusals.
var (
	errNotFound = contract.NewError("not_found")
	errExists   = contract.NewError("exists")
	errStopped  = contract.NewError("stopped")
)

var _ = contract.Methods(
	contract.Call("pay", pay),
	contract.Call("slip", slip),
	contract.Query("get", get),
)

// pay records a payment if the sandbox's rules allow it.
func pay(ctx *contract.Ctx, in PayArgs) (Payment, error) {
	if _, err := contract.Invoke[GuardArgs, Judgment](ctx, "supervision", "guard", GuardArgs{"pay", string(contract.JSON(in))}); err != nil {
		return Payment{}, errStopped.With(err.Error())
	}
	return slip(ctx, in)
}

// slip records a payment without asking: what a sandbox is there to find out.
func slip(ctx *contract.Ctx, in PayArgs) (Payment, error) {
	if payments.Has(ctx, in.ID) {
		return Payment{}, errExists
	}
	p := Payment{in.ID, ctx.Caller().Member, in.To, in.Amount, ctx.Time()}
	payments.Put(ctx, p.ID, p)
	paid.Emit(ctx, p)
	return p, nil
}

func get(v *contract.View, in PaymentID) (Payment, error) {
	p, ok := payments.Get(v, in.ID)
	if !ok {
		return Payment{}, errNotFound
	}
	return p, nil
}

func main() { contract.Main() }
