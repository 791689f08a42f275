// Package main puts the same content bare and as a record, to compare what it costs.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/record"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Deed is the content, bare.
type Deed struct {
	ID     string          `json:"deed"`
	Title  string          `json:"title"`
	Parcel string          `json:"parcel"`
	Holder contract.Member `json:"holder"`
	Area   uint32          `json:"area"`
	Hash   contract.Hash   `json:"hash"`
}

// Kept is the content as a record.
type Kept struct {
	ID     string          `json:"kept"`
	Title  string          `json:"title"`
	Parcel string          `json:"parcel"`
	Holder contract.Member `json:"holder"`
	Area   uint32          `json:"area"`
	Hash   contract.Hash   `json:"hash"`
	Meta   record.Meta     `json:"meta"`
}

// DeedArgs are the content.
type DeedArgs struct {
	ID     string          `json:"deed"`
	Title  string          `json:"title"`
	Parcel string          `json:"parcel"`
	Holder contract.Member `json:"holder"`
	Area   uint32          `json:"area"`
	Hash   contract.Hash   `json:"hash"`
}

// Deeds is a batch.
type Deeds struct {
	Deeds []DeedArgs `json:"deeds"`
}

// IDArgs name a deed.
type IDArgs struct {
	ID string `json:"deed"`
}

// GrantArgs are a grant.
type GrantArgs struct {
	ID    string       `json:"deed"`
	Grant record.Grant `json:"grant"`
}

// Storage.
var (
	deeds        = state.NewMap[string, Deed]("deed")
	kept         = record.New("kept", func(k *Kept) string { return k.ID })
	keptByParcel = record.NewIndex(kept, "keptByParcel", func(k *Kept) string { return k.Parcel })
	keptByHolder = record.NewIndex(kept, "keptByHolder", func(k *Kept) contract.Member { return k.Holder })
	visits       = record.NewCounter[string]("visit")
	requests     = record.NewOnce[Deed]("request")
)

var _ = contract.Methods(
	contract.Call("bare", bare),
	contract.Query("bareGet", bareGet),
	contract.Call("put", put),
	contract.Call("create", create),
	contract.Call("batch", batch),
	contract.Call("grant", grant),
	contract.Call("remove", remove),
	contract.Call("count", count),
	contract.Call("once", once),
	contract.Query("get", get),
	contract.Query("list", list),
	contract.Query("history", history),
)

func bare(ctx *contract.Ctx, in DeedArgs) (Deed, error) {
	d := Deed(in)
	deeds.Put(ctx, d.ID, d)
	return d, nil
}

func bareGet(v *contract.View, in IDArgs) (Deed, error) {
	d, _ := deeds.Get(v, in.ID)
	return d, nil
}

func (in *DeedArgs) kept() Kept {
	return Kept{ID: in.ID, Title: in.Title, Parcel: in.Parcel, Holder: in.Holder, Area: in.Area, Hash: in.Hash}
}

func put(ctx *contract.Ctx, in DeedArgs) (Kept, error) { return kept.Put(ctx, in.kept()) }

func create(ctx *contract.Ctx, in DeedArgs) (Kept, error) { return kept.Create(ctx, in.kept()) }

func batch(ctx *contract.Ctx, in Deeds) (record.Results[Kept], error) {
	return record.Batch(ctx, in.Deeds, func(d *DeedArgs) (Kept, error) { return kept.Create(ctx, d.kept()) })
}

func grant(ctx *contract.Ctx, in GrantArgs) (Kept, error) { return kept.Grant(ctx, in.ID, in.Grant) }

func remove(ctx *contract.Ctx, in IDArgs) (Kept, error) { return kept.Delete(ctx, in.ID) }

func count(ctx *contract.Ctx, in IDArgs) (contract.None, error) {
	return contract.None{}, visits.Add(ctx, in.ID, 1)
}

func once(ctx *contract.Ctx, in DeedArgs) (Deed, error) {
	return requests.Do(ctx, in.ID, func() (Deed, error) { return bare(ctx, in) })
}

func get(v *contract.View, in IDArgs) (Kept, error) { return kept.Get(v, in.ID) }

func list(v *contract.View, in IDArgs) (contract.Page[Kept], error) {
	return keptByParcel.List(v, in.ID, contract.Paging{}), nil
}

func history(v *contract.View, in IDArgs) (contract.Page[Kept], error) {
	return kept.History(v, in.ID, contract.Paging{})
}

func main() { contract.Main() }
