package preload

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
)

// What is laid is a ledger like any other: the contract finds the records and lists them
// by depositor, another run gives the same root, and blocks go on top of it.
func TestLaidRecordsAreTheContracts(t *testing.T) {
	ctx := context.Background()
	p := build.DefaultParams()
	p.Write = false
	built, err := build.Build(ctx, filepath.Join("..", "..", "contracts", "base", "evidence"), p)
	require.NoError(t, err)
	pkg, err := bundle.Open(built.Package)
	require.NoError(t, err)

	world := chaintest.NewWorld(time.Now().Add(-time.Minute), "archives")
	world.AddValidator("archives", "node0", [32]byte{1})
	world.AddBundle(pkg.Manifest.Name, pkg.Manifest.Version, pkg.CodeHash, built.Package)
	g, packages := world.Seal()

	const records = 3000
	home := t.TempDir()
	params := Params{Genesis: g, Packages: packages, CacheDir: filepath.Join(home, "cache"), Records: records}
	var roots []crypto.Hash
	for i := range 2 {
		params.Dir = filepath.Join(home, fmt.Sprint(i))
		require.NoError(t, Evidence(ctx, params))
		l, err := ledger.Open(params.Dir, g.Hash(), ledger.DefaultParams())
		require.NoError(t, err)
		require.True(t, l.Initialized())
		require.Zero(t, l.Height())
		roots = append(roots, l.ContentRoot())
		require.NoError(t, l.Close())
	}
	require.Equal(t, roots[0], roots[1])

	l, err := ledger.Open(params.Dir, g.Hash(), ledger.DefaultParams())
	require.NoError(t, err)
	vm := engine.DefaultParams()
	vm.CacheDir = params.CacheDir
	e, err := engine.New(ctx, vm)
	require.NoError(t, err)
	defer e.Close(ctx)
	machine, err := chain.New(g, e, chain.DefaultOptions())
	require.NoError(t, err)
	require.NoError(t, machine.LoadCode(ctx, l))
	query := func(method, args string) string {
		out, _, err := machine.Query(ctx, l, &chain.Query{Contract: "evidence", Method: method, Args: []byte(args)}, 0, g.Time.UnixNano())
		require.NoError(t, err)
		return string(out)
	}
	for _, i := range []int{0, 1, records - 1} {
		require.Contains(t, query("verify", fmt.Sprintf(`{"hash":"%s"}`, bench.ExistingHash(i))), `"found":true`)
	}
	require.NotContains(t, query("verify", fmt.Sprintf(`{"hash":"%s"}`, bench.ExistingHash(records))), `"found":true`)
	require.Contains(t, query("list", `{"owner":"archives/existing-7"}`), bench.ExistingHash(7).String())
	require.Contains(t, query("list", `{"owner":"archives/existing-7"}`), bench.ExistingHash(1007).String())

	key := bench.RecordKey(bench.ExistingHash(5))
	c, err := l.Prepare(&ledger.Block{
		Height: 1, Time: time.Now().UnixNano(), Protocol: 1, Writes: []types.Write{{NS: "evidence", Key: key, Value: []byte("{}")}},
		Signers: set(t, g), NextSigners: set(t, g),
	})
	require.NoError(t, err)
	require.NoError(t, l.Commit(c))
	require.NoError(t, l.Close())
	l, err = ledger.Open(params.Dir, g.Hash(), ledger.DefaultParams())
	require.NoError(t, err)
	v, found, err := l.Get("evidence", key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "{}", string(v))
	require.NoError(t, l.Close())

	params.Dir = filepath.Join(home, "1")
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(Evidence(ctx, params)), "a ledger is never overwritten")
}

func set(t *testing.T, g *chain.Genesis) types.ValidatorSet {
	s, err := g.ValidatorSet()
	require.NoError(t, err)
	return s
}
