// Package main keeps orchard plots: the bundle that no code mentions.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Grade is the quality of a harvest.
type Grade string

// The grades.
const (
	First  Grade = "first"
	Second Grade = "second"
)

// Tree is a kind of tree on a plot.
type Tree struct {
	Kind  string `json:"kind"`
	Count uint32 `json:"count"`
}

// Plot is an orchard plot and its last harvest.
type Plot struct {
	Plot    string          `json:"plot"`
	Trees   []Tree          `json:"trees"`
	Owner   contract.Member `json:"owner"`
	Planted contract.Time   `json:"planted"`
	Grams   int64           `json:"grams"`
	Grade   Grade           `json:"grade,omitempty"`
	Resting bool            `json:"resting"`
}

// PlotArgs are the arguments of register.
type PlotArgs struct {
	Plot    string        `json:"plot"`
	Trees   []Tree        `json:"trees"`
	Planted contract.Time `json:"planted"`
}

// HarvestArgs are the arguments of harvest.
type HarvestArgs struct {
	Plot  string `json:"plot"`
	Grams int64  `json:"grams"`
	Grade Grade  `json:"grade"`
}

// PlotID names a plot.
type PlotID struct {
	Plot string `json:"plot"`
}

// PageArgs say which part of a list is wanted.
type PageArgs struct {
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Settings are the parameters.
type Settings struct {
	MaxTrees uint32 `json:"maxTrees"`
}

var (
	plots    = state.NewMap[string, Plot]("plot")
	settings = state.NewItem[Settings]("settings")
)

var harvested = contract.NewEvent[Plot]("harvested")

var (
	errNotFound = contract.NewError("not_found")
	errNotOwner = contract.NewError("not_owner")
	errCrowded  = contract.NewError("crowded")
	errNoLimit  = contract.NewError("no_limit")
)

var _ = contract.Methods(
	contract.Init(configure),
	contract.Call("register", register),
	contract.Call("harvest", harvest),
	contract.Query("get", get),
	contract.Query("list", list),
	contract.Query("audit", audit),
)

// configure checks and keeps the parameters.
func configure(ctx *contract.Ctx, in Settings) error {
	if in.MaxTrees == 0 {
		return errNoLimit
	}
	settings.Put(ctx, in)
	return nil
}

// register enters a plot.
func register(ctx *contract.Ctx, in PlotArgs) (Plot, error) {
	limits, _ := settings.Get(ctx)
	var trees uint32
	for _, t := range in.Trees {
		trees += t.Count
	}
	if trees > limits.MaxTrees {
		return Plot{}, errCrowded
	}
	p := Plot{Plot: in.Plot, Trees: in.Trees, Owner: ctx.Caller().Member, Planted: in.Planted}
	plots.Put(ctx, p.Plot, p)
	return p, nil
}

// harvest records what a plot gave, by its owner alone.
func harvest(ctx *contract.Ctx, in HarvestArgs) (Plot, error) {
	p, ok := plots.Get(ctx, in.Plot)
	if !ok {
		return Plot{}, errNotFound
	}
	if p.Owner != ctx.Caller().Member {
		return Plot{}, errNotOwner
	}
	p.Grams, p.Grade = in.Grams, in.Grade
	plots.Put(ctx, p.Plot, p)
	harvested.Emit(ctx, p)
	return p, nil
}

// get returns a plot.
func get(v *contract.View, in PlotID) (Plot, error) {
	p, ok := plots.Get(v, in.Plot)
	if !ok {
		return Plot{}, errNotFound
	}
	return p, nil
}

// list returns the plots by name.
func list(v *contract.View, in PageArgs) (contract.Page[Plot], error) {
	return plots.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

// audit returns a plot to auditors.
func audit(v *contract.View, in PlotID) (Plot, error) { return get(v, in) }

func main() { contract.Main() }
