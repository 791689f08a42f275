package wasm_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// Decoding finds all parts, and encoding the sections gives the module back.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(50) {
		code := wasmtest.Generate(seed, true).Code
		m, err := wasm.Decode(code)
		require.NoError(t, err)
		require.Equal(t, code, wasm.Encode(m.Sections))
		require.Equal(t, len(m.Functions), len(m.Code))
		require.Len(t, m.Globals, 4)
		require.Len(t, m.Tables, 1)
		require.Equal(t, 2, m.DataItems)
		for i := range m.Code { // instructions cover each body without a gap
			c := m.Code[i].Instructions(i)
			var in wasm.Instr
			at := 0
			for c.More() {
				require.NoError(t, c.Next(&in))
				require.Equal(t, at, in.Start)
				at = in.End
			}
			require.Equal(t, len(m.Code[i].Expr), at)
			require.EqualValues(t, wasm.OpEnd, in.Op)
		}
	}
}

func TestIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v")
		n := rapid.Int32().Draw(t, "n")
		for _, c := range []struct {
			op byte
			v  int64
		}{{0x42, v}, {0x42, math.MinInt64}, {0x41, int64(n)}, {0x41, math.MinInt32}} {
			b := wasm.AppendS([]byte{c.op}, c.v)
			body := wasm.Body{Expr: b}
			code := body.Instructions(0)
			var in wasm.Instr
			require.NoError(t, code.Next(&in))
			require.Equal(t, len(b), in.End)
		}
	})
	for _, bad := range [][]byte{
		{0x41, 0x80, 0x80, 0x80, 0x80, 0x10},                                      // more than 32 bits
		{0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00},                                // too long
		{0x41, 0xff, 0xff, 0xff, 0xff, 0x4f},                                      // unused bits unlike the sign
		{0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02},        // more than 64 bits
		{0x20, 0xff, 0xff, 0xff, 0xff, 0x1f},                                      // index of 33 bits
		{0x41},                                                                    // cut
		{0x44, 1, 2, 3}, {0x0e, 0xff, 0xff, 0xff, 0x0f}, {0xfc, 18}, {0x02, 0x50}, // others
	} {
		body := wasm.Body{Expr: bad}
		var in wasm.Instr
		require.Error(t, body.Instructions(0).Next(&in), "% x", bad)
	}
}

func TestFunctionNames(t *testing.T) {
	b := wasmtest.New()
	f := b.Func(wasmtest.T("", ""), "", "nop")
	m, err := wasm.Decode(b.Name(f, "main.f").Bytes())
	require.NoError(t, err)
	require.Equal(t, map[uint32]string{0: "main.f"}, m.FuncNames)
	// A broken name section is no fault of the contract's.
	_, err = wasm.Decode(append(wasmtest.New().Bytes(), 0, 7, 4, 'n', 'a', 'm', 'e', 1, 0xff))
	require.NoError(t, err)
}

// covers: T.08
func FuzzDecode(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(wasmtest.Generate(seed, true).Code)
	}
	f.Add([]byte(wasm.Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.Decode(b)
		if err != nil {
			var e *wasm.Error
			require.ErrorAs(t, err, &e)
			return
		}
		for i := range m.Code {
			c := m.Code[i].Instructions(i)
			var in wasm.Instr
			for c.More() {
				if c.Next(&in) != nil {
					break
				}
			}
		}
		again, err := wasm.Decode(wasm.Encode(m.Sections))
		require.NoError(t, err)
		require.Equal(t, m.Types, again.Types)
		require.Equal(t, m.Exports, again.Exports)
	})
}
