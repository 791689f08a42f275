package testkit

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/vm/engine"
)

// engines are the ways in which validators may run the same contracts.
func engines(t *testing.T) (lanes []Lane) {
	for _, mode := range []struct {
		name   string
		change func(p *engine.Params)
	}{
		{"compiled", func(*engine.Params) {}},
		{"compiled, memory copied", func(p *engine.Params) { p.NoCopyOnWrite = true }},
		{"interpreted", func(p *engine.Params) { p.Interpreter = true }},
	} {
		p := engineParams()
		mode.change(&p)
		vm, err := engine.New(t.Context(), p)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, vm.Close(context.Background())) })
		lanes = append(lanes, Lane{mode.name, vm})
	}
	return lanes
}

// The sample in both languages gives equal receipts, gas included, equal events and equal
// writes on every call, compiled and interpreted, and on a second run.
// covers: T.08, T.21
func TestEnginesAgree(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return // compiling WASM takes minutes under the race detector
	}
	lanes := engines(t)
	p := build.DefaultParams()
	p.Write = false
	for _, name := range []string{"asset-go", "asset-rust"} {
		dir := filepath.Join(root, "samples", name)
		res, err := build.Build(t.Context(), dir, p)
		require.NoError(t, err)
		for _, file := range []string{"01-demo.txt", "02-refusals.txt"} {
			raw, err := os.ReadFile(filepath.Join(dir, "testdata", file))
			require.NoError(t, err)
			story, err := ParseTranscript(file, string(raw))
			require.NoError(t, err)
			var first *Replay
			for range 2 {
				c, err := New(t.Context(), story.params(name, [][]byte{res.Package}, nil, lanes))
				require.NoError(t, err)
				out, err := story.Play(t.Context(), c, name)
				require.NoError(t, err, "%s %s", name, file)
				require.Empty(t, out.Failures)
				if first == nil {
					first = out
				}
				require.Equal(t, first.Gas, out.Gas)
			}
		}
	}
}

// When the chain changes its gas schedule, calls cost as it says from the next block on, in
// every engine; a schedule under which a contract cannot run refuses its calls, and the
// chain goes on and can change it back.
func TestGasScheduleChanges(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return
	}
	p := build.DefaultParams()
	p.Write = false
	res, err := build.Build(t.Context(), filepath.Join(root, "samples", "asset-rust"), p)
	require.NoError(t, err)
	params := DefaultParams()
	params.Packages, params.Lanes = [][]byte{res.Package}, engines(t)
	c, err := New(t.Context(), params)
	require.NoError(t, err)
	ctx := t.Context()
	require.NoError(t, c.AddMember(ctx, "clerk", "archives", "client"))
	supply := func() *Outcome {
		out, err := c.Call(ctx, "clerk", "asset-rust", "transfer", `{"to":"archives/clerk","amount":"1"}`)
		require.NoError(t, err)
		return out
	}
	set := func(gas string) {
		out, err := c.Call(ctx, adminName, chain.NSGovernance, "setParams", `{"gas":`+gas+`}`)
		require.NoError(t, err)
		require.Empty(t, out.Code, out.Detail)
		var now chain.Params
		require.NoError(t, json.Unmarshal(out.Result, &now))
	}
	before := supply()
	set(`{"op":2}`)
	dear := supply()
	require.Greater(t, dear.Gas, before.Gas)
	require.Equal(t, before.Code, dear.Code)
	set(`{"op":1,"base":105000}`)
	require.Equal(t, before.Gas+100_000, supply().Gas)
	set(`{"stackSlots":128}`)
	require.Equal(t, "HC-3301", supply().Code, "no room for a frame")
	set(`{"base":5000,"stackSlots":131072}`)
	require.Equal(t, before, supply())
}

// A story plays on the same chain in every run, down to the bytes of its calls: gas depends
// on what a contract reads, ids and signatures too.
func TestStoriesRepeat(t *testing.T) {
	native := NewNative()
	defer native.Close()
	var genesis [2]crypto.Hash
	var calls [2][]byte
	for i := range 2 {
		p := DefaultParams()
		p.Lanes = []Lane{{"native", native}}
		c, err := New(t.Context(), p)
		require.NoError(t, err)
		require.NoError(t, c.AddMember(t.Context(), "clerk", "archives", "client"))
		m, err := c.member("clerk")
		require.NoError(t, err)
		genesis[i] = c.genesis.Hash()
		calls[i] = chaintest.Sign(c.body(m, "notes", "put", "{}"), m, true).Bytes()
		require.NotEqual(t, calls[i], chaintest.Sign(c.body(m, "notes", "put", "{}"), m, true).Bytes(), "each call is another one")
	}
	require.Equal(t, genesis[0], genesis[1])
	require.Equal(t, calls[0], calls[1], "certificate and signature too")
}
