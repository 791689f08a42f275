package testkit

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// emptyEnv is a chain without state that counts what is written.
type emptyEnv struct {
	info host.Info
	puts int
}

func (e *emptyEnv) Info() *host.Info                                   { return &e.info }
func (e *emptyEnv) DID() (string, error)                               { return "", nil }
func (e *emptyEnv) Get([]byte) ([]byte, bool, error)                   { return nil, false, nil }
func (e *emptyEnv) Put(_, _ []byte) error                              { e.puts++; return nil }
func (e *emptyEnv) Delete([]byte) error                                { return nil }
func (e *emptyEnv) Emit(string, []byte) error                          { return nil }
func (e *emptyEnv) Log(string)                                         {}
func (e *emptyEnv) Scan(_, _ []byte, _ int) ([]host.Pair, bool, error) { return nil, false, nil }
func (e *emptyEnv) Call(_, _ string, _ []byte, _ uint64) ([]byte, uint64, error) {
	return nil, 0, types.Errorf(types.CodeUnknownContract, "")
}

// BenchmarkDeposit is one evidence deposit in WASM, compiled, without the chain.
func BenchmarkDeposit(b *testing.B) {
	p := build.DefaultParams()
	code, err := build.Compile(b.Context(), filepath.Join("..", "base", "evidence"), "go", p)
	require.NoError(b, err)
	prices := instrument.ScheduleV1()
	e, err := engine.New(context.Background(), engineParams())
	require.NoError(b, err)
	hash, err := e.Load(b.Context(), code, &prices)
	require.NoError(b, err)
	env := &emptyEnv{info: host.Info{Contract: "evidence", Method: "deposit", TimeMs: 1772413200000,
		Caller: host.Caller{Member: "archives/clerk", Org: "archives", Roles: []types.Role{types.RoleClient}}}}
	args := []byte(fmt.Sprintf(`{"hash":"%064x","title":"采购合同 2026-017"}`, 77))
	var gas uint64
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		out, err := e.Call(b.Context(), &engine.Call{Code: hash, Schedule: &prices, Env: env, Args: args, GasLimit: 1 << 40})
		if err != nil {
			b.Fatal(err)
		}
		gas = out.GasUsed
	}
	b.ReportMetric(float64(gas), "gas/op")
	b.ReportMetric(float64(env.puts)/float64(b.N), "puts/op")
}
