// Package main is a contract of every kind of type the generator knows, against which
// its output is tested.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Colour is an enumeration.
type Colour string

// The colours.
const (
	Red  Colour = "red"
	Blue Colour = "blue"
)

// Count is a named number.
type Count uint32

// Tags is a named list.
type Tags []string

// Inner is embedded in All.
type Inner struct {
	Text string `json:"text,omitempty"`
	N    int8   `json:"n,omitempty"`
}

// All has a field of each kind.
type All struct {
	First   string            `json:"first,omitempty"`
	Text    string            `json:"text"`
	Bool    bool              `json:"bool"`
	U8      uint8             `json:"u8"`
	U16     uint16            `json:"u16"`
	U32     uint32            `json:"u32"`
	U64     uint64            `json:"u64"`
	I8      int8              `json:"i8"`
	I16     int16             `json:"i16"`
	I32     int32             `json:"i32"`
	I64     int64             `json:"i64"`
	Raw     []byte            `json:"raw"`
	Fixed   [4]byte           `json:"fixed"`
	Hash    contract.Hash     `json:"hash"`
	Time    contract.Time     `json:"time"`
	Member  contract.Member   `json:"member"`
	Colour  Colour            `json:"colour"`
	Count   Count             `json:"count"`
	Tags    Tags              `json:"tags"`
	Grid    [][]uint64        `json:"grid"`
	Inner   Inner             `json:"inner"`
	Inners  []Inner           `json:"inners"`
	Maybe   *Inner            `json:"maybe,omitempty"`
	MaybeN  *uint64           `json:"maybeN,omitempty"`
	OptHash contract.Hash     `json:"optHash,omitempty"`
	OptTags Tags              `json:"optTags,omitempty"`
	OptBool bool              `json:"optBool,omitempty"`
	Members []contract.Member `json:"members,omitempty"`
}

var all = state.NewItem[All]("all")

var _ = contract.Methods(
	contract.Call("put", put),
	contract.Query("get", get),
)

func put(ctx *contract.Ctx, in All) (contract.None, error) {
	all.Put(ctx, in)
	return contract.None{}, nil
}

func get(v *contract.View, _ contract.None) (All, error) {
	a, _ := all.Get(v)
	return a, nil
}

func main() { contract.Main() }
