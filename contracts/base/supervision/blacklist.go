package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Entry stops a member, or all members of an organisation, on a chain. That chain reads
// this row before it executes a transaction.
type Entry struct {
	Chain   string          `json:"chain"`
	Subject string          `json:"subject"` // org/name or organisation
	Rule    string          `json:"rule"`    // of kind user, that the entry rests on
	Reason  string          `json:"reason"`
	By      contract.Member `json:"by"`
	Time    contract.Time   `json:"time"`
}

// BlockArgs are the arguments of block.
type BlockArgs struct {
	Chain   string `json:"chain"`
	Subject string `json:"subject"`
	Rule    string `json:"rule"`
	Reason  string `json:"reason"`
}

// UnblockArgs are the arguments of unblock.
type UnblockArgs struct {
	Chain   string `json:"chain"`
	Subject string `json:"subject"`
	Reason  string `json:"reason"`
}

// EntryID names an entry.
type EntryID struct {
	Chain   string `json:"chain"`
	Subject string `json:"subject"`
}

type entryKey = state.Pair[string, string]

var blacklist = state.NewMap[entryKey, Entry]("blacklist")

// Events.
var (
	blocked   = contract.NewEvent[Entry]("blocked")
	unblocked = contract.NewEvent[Entry]("unblocked")
)

// Refusals.
var (
	errBadSubject = contract.NewError("bad_subject")
	errBlocked    = contract.NewError("already_blocked")
)

// block puts a member or an organisation on a chain's blacklist.
func block(ctx *contract.Ctx, in BlockArgs) (Entry, error) {
	c, err := findChain(ctx, in.Chain)
	if err != nil {
		return Entry{}, err
	}
	if !contract.ValidMember(in.Subject) && !contract.ValidOrg(in.Subject) {
		return Entry{}, errBadSubject
	}
	r, ok := rules.Get(ctx, in.Rule)
	if !ok || r.Kind != "user" || r.counts(in.Chain) == 0 {
		return Entry{}, errUnknownRule.With("an active rule of kind user for this chain is needed")
	}
	if err := checkText(in.Reason, maxText); err != nil {
		return Entry{}, err
	}
	key := entryKey{A: in.Chain, B: in.Subject}
	if blacklist.Has(ctx, key) {
		return Entry{}, errBlocked
	}
	e := Entry{in.Chain, in.Subject, in.Rule, in.Reason, ctx.Caller().Member, ctx.Time()}
	blacklist.Put(ctx, key, e)
	c.Blacklisted++
	chains.Put(ctx, c.ID, c)
	blocked.Emit(ctx, e)
	return e, nil
}

// unblock takes an entry back; the event keeps who did so and why.
func unblock(ctx *contract.Ctx, in UnblockArgs) (Entry, error) {
	key := entryKey{A: in.Chain, B: in.Subject}
	e, ok := blacklist.Get(ctx, key)
	if !ok {
		return Entry{}, errNotFound
	}
	c, err := findChain(ctx, in.Chain)
	if err != nil {
		return Entry{}, err
	}
	if err := checkText(in.Reason, maxText); err != nil {
		return Entry{}, err
	}
	blacklist.Delete(ctx, key)
	c.Blacklisted--
	chains.Put(ctx, c.ID, c)
	e.Reason, e.By, e.Time = in.Reason, ctx.Caller().Member, ctx.Time()
	unblocked.Emit(ctx, e)
	return e, nil
}

func getEntry(v *contract.View, in EntryID) (Entry, error) {
	e, ok := blacklist.Get(v, entryKey{A: in.Chain, B: in.Subject})
	if !ok {
		return Entry{}, errNotFound
	}
	return e, nil
}

// listEntries gives a chain's blacklist, ascending by subject.
func listEntries(v *contract.View, in ChainPage) (contract.Page[Entry], error) {
	return state.ListUnder(v, blacklist, in.Chain, in.paging()), nil
}
