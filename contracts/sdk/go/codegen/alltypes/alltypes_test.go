package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

func drawAll(t *rapid.T) All {
	var h contract.Hash
	copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	inner := rapid.Custom(func(t *rapid.T) Inner {
		return Inner{rapid.String().Draw(t, "text"), rapid.Int8().Draw(t, "n")}
	})
	a := All{
		First: rapid.String().Draw(t, "first"), Text: rapid.String().Draw(t, "text"), Bool: rapid.Bool().Draw(t, "bool"),
		U8: rapid.Uint8().Draw(t, "u8"), U16: rapid.Uint16().Draw(t, "u16"), U32: rapid.Uint32().Draw(t, "u32"), U64: rapid.Uint64().Draw(t, "u64"),
		I8: rapid.Int8().Draw(t, "i8"), I16: rapid.Int16().Draw(t, "i16"), I32: rapid.Int32().Draw(t, "i32"), I64: rapid.Int64().Draw(t, "i64"),
		Raw: rapid.SliceOf(rapid.Byte()).Draw(t, "raw"), Fixed: [4]byte{1, 2, 3, rapid.Byte().Draw(t, "fixed")}, Hash: h,
		Time:   contract.Time(rapid.Int64Range(int64(contract.MinTime), int64(contract.MaxTime)).Draw(t, "time")),
		Member: "archives/clerk", Colour: rapid.SampledFrom([]Colour{Red, Blue}).Draw(t, "colour"), Count: Count(rapid.Uint32().Draw(t, "count")),
		Tags: rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "tags"), Grid: [][]uint64{{rapid.Uint64().Draw(t, "grid")}, {1, 2}},
		Inner: inner.Draw(t, "inner"), Inners: rapid.SliceOfN(inner, 1, 2).Draw(t, "inners"),
		OptBool: rapid.Bool().Draw(t, "optBool"),
	}
	if rapid.Bool().Draw(t, "maybe") {
		in, n := inner.Draw(t, "maybeInner"), rapid.Uint64().Draw(t, "maybeN")
		a.Maybe, a.MaybeN, a.OptHash, a.OptTags, a.Members = &in, &n, h, Tags{"x"}, []contract.Member{"a/b"}
	}
	return a
}

// What the generated codec writes is JSON, and is read back as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAll(t)
		raw := a.AppendJSON(nil)
		require.True(t, json.Valid(raw), "%s", raw)
		var back All
		r := codec.NewReader(raw)
		back.DecodeJSON(&r)
		require.True(t, r.Done(), r.Fault())
		require.Equal(t, string(raw), string(back.AppendJSON(nil)))
		require.Equal(t, a, back)
	})
}

// Each field that may not be missing is missed, and each unknown one is refused.
func TestEveryFieldCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAll(t)
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(a.AppendJSON(nil), &fields))
		optional := map[string]bool{"first": true, "maybe": true, "maybeN": true, "optHash": true, "optTags": true, "optBool": true, "members": true}
		decode := func() bool {
			raw, err := json.Marshal(fields)
			require.NoError(t, err)
			var back All
			r := codec.NewReader(raw)
			back.DecodeJSON(&r)
			return r.Done()
		}
		require.True(t, decode())
		for name := range fields {
			value := fields[name]
			delete(fields, name)
			require.Equal(t, optional[name], decode(), name)
			fields[name] = json.RawMessage(`{"x":null}`)
			require.False(t, decode(), name)
			fields[name] = value
		}
		fields["more"] = json.RawMessage(`1`)
		require.False(t, decode())
	})
}

func TestEnumRefusesOthers(t *testing.T) {
	var c Colour
	r := codec.NewReader([]byte(`"green"`))
	c.DecodeJSON(&r)
	require.Contains(t, r.Fault(), "one of the declared values")
}

// The generated decoder never panics, and what it accepts survives a round trip.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"text":"a"}`))
	f.Add((&All{Member: "a/b", Colour: Red, Grid: [][]uint64{{1}}}).AppendJSON(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a, b All
		r := codec.NewReader(raw)
		a.DecodeJSON(&r)
		if !r.Done() {
			return
		}
		require.True(t, json.Valid(raw))
		again := a.AppendJSON(nil)
		r = codec.NewReader(again)
		b.DecodeJSON(&r)
		require.True(t, r.Done(), r.Fault())
		require.Equal(t, string(again), string(b.AppendJSON(nil)))
	})
}
