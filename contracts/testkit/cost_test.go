package testkit

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// rowsEnv is a chain whose rows are kept between calls while keep is set.
type rowsEnv struct {
	emptyEnv
	keep bool
	rows map[string][]byte
}

func (e *rowsEnv) Get(key []byte) ([]byte, bool, error) {
	v, ok := e.rows[string(key)]
	return v, ok, nil
}

func (e *rowsEnv) Put(key, value []byte) error {
	if e.keep {
		e.rows[string(key)] = slices.Clone(value)
	}
	return nil
}

func (e *rowsEnv) Scan(start, end []byte, limit int) (out []host.Pair, more bool, err error) {
	var keys []string
	for k := range e.rows {
		if k >= string(start) && (end == nil || k < string(end)) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys[:min(limit, len(keys))] {
		out = append(out, host.Pair{Key: []byte(k), Value: e.rows[k]})
	}
	return out, len(keys) > limit, nil
}

// costs is the contract of testdata/costs, compiled, with some rows.
type costs struct {
	engine *engine.Engine
	prices instrument.Schedule
	code   crypto.Hash
	env    rowsEnv
}

func newCosts(t testing.TB) *costs {
	code, err := build.Compile(t.Context(), filepath.Join("testdata", "costs"), "go", build.DefaultParams())
	require.NoError(t, err)
	c := &costs{prices: instrument.ScheduleV1(), env: rowsEnv{keep: true, rows: make(map[string][]byte)}}
	c.env.info = host.Info{Contract: "costs", TimeMs: 1772413200000,
		Caller: host.Caller{Member: "archives/clerk", Org: "archives", Roles: []types.Role{types.RoleClient}}}
	c.engine, err = engine.New(t.Context(), engineParams())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.engine.Close(t.Context()) }) //nolint:usetesting // frees memory only
	c.code, err = c.engine.Load(t.Context(), code, &c.prices)
	require.NoError(t, err)
	for i := range 3 {
		c.call(t, "bare", deed(i, "p-1"))
		c.call(t, "create", deed(i, "p-1"))
		c.call(t, "put", deed(i, "p-1"))
	}
	c.env.keep = false
	return c
}

func deed(i int, parcel string) string {
	return fmt.Sprintf(`{"deed":"d-2026-%04d","title":"不动产权证 2026 第 0017 号","parcel":"310115-%s","holder":"archives/clerk","area":128,"hash":"%064x"}`, i, parcel, i)
}

func (c *costs) call(t testing.TB, method, args string) uint64 {
	c.env.info.Method = method
	out, err := c.engine.Call(t.Context(), &engine.Call{Code: c.code, Schedule: &c.prices, Env: &c.env, Args: []byte(args), GasLimit: 1 << 40})
	require.NoError(t, err)
	return out.GasUsed
}

// operations are what is compared with the first of them.
func operations() [][3]string {
	id := `{"deed":"d-2026-0001"}`
	moved := strings.ReplaceAll(deed(1, "p-9"), `"holder":"archives/clerk"`, `"holder":"archives/chief"`)
	return [][3]string{
		{"bare put", "bare", deed(9, "p-1")},
		{"record put, new, two indexes", "create", deed(9, "p-1")},
		{"record put, next version, indexes stay", "put", deed(1, "p-1")},
		{"record put, next version, both indexes move", "put", moved},
		{"grant", "grant", `{"deed":"d-2026-0001","grant":{"to":"court","rights":["read"],"until":"2027-01-01T00:00:00Z"}}`},
		{"delete", "remove", id},
		{"batch of 10, per item", "batch", `{"deeds":[` + strings.Join(tenDeeds(), ",") + `]}`},
		{"counter", "count", id},
		{"bare put once", "once", deed(9, "p-1")},
		{"bare get", "bareGet", id},
		{"record get", "get", id},
		{"index page of 3", "list", `{"deed":"310115-p-1"}`},
		{"history of 2", "history", id},
	}
}

func tenDeeds() (out []string) {
	for i := range 10 {
		out = append(out, deed(100+i, "p-1"))
	}
	return out
}

// A record put with two indexes and history uses at most three times the gas of a bare
// put of the same content, be it new or another version, and a half of one more where it
// moves both index entries.
func TestRecordPutCost(t *testing.T) {
	if testing.Short() {
		return // compiling WASM takes minutes under the race detector
	}
	c := newCosts(t)
	ops := operations()
	bare := c.call(t, ops[0][1], ops[0][2])
	for i, most := range []uint64{3 * bare, 3 * bare, 7 * bare / 2} {
		op := ops[1+i]
		gas := c.call(t, op[1], op[2])
		require.LessOrEqual(t, gas, most, "%s: %d gas, a bare put %d", op[0], gas, bare)
	}
}

// BenchmarkRecordInterleaved compares operations of package record with a bare put, call
// by call in turn, so that a busy machine slows all of them alike.
func BenchmarkRecordInterleaved(b *testing.B) {
	c := newCosts(b)
	ops := operations()
	const rounds, calls = 401, 5 // slices so short that few of them are interrupted
	times := make([][]time.Duration, len(ops))
	b.ResetTimer()
	for range rounds {
		for i, op := range ops {
			start := time.Now()
			for range calls {
				c.call(b, op[1], op[2])
			}
			times[i] = append(times[i], time.Since(start)/calls)
		}
	}
	bareGas := float64(c.call(b, ops[0][1], ops[0][2]))
	slices.Sort(times[0])
	bare := times[0][rounds/2]
	for i, op := range ops {
		slices.Sort(times[i])
		median, gas := times[i][rounds/2], c.call(b, op[1], op[2])
		if op[1] == "batch" {
			median, gas = median/10, gas/10
		}
		b.Logf("%-46s %7d gas %5.2f×  %8s %5.2f×", op[0], gas, float64(gas)/bareGas, median, float64(median)/float64(bare))
	}
}
