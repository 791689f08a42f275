package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// memEnv is a chain of one contract in memory.
type memEnv struct {
	info   host.Info
	did    string
	state  map[string][]byte
	events []string
	logs   []string
	call   func(contract, method string, args []byte, gas uint64) ([]byte, uint64, error)
	reads  int
}

func newEnv(method string) *memEnv {
	return &memEnv{
		info: host.Info{Contract: "evidence", Method: method, Height: 7, TimeMs: 1_700_000_000_123,
			TxID: crypto.Sum([]byte("tx")), Genesis: crypto.Sum([]byte("genesis")), Caller: host.Caller{Member: "archives/clerk", Org: "archives", Roles: []types.Role{types.RoleClient, types.RoleAdmin}}},
		state: map[string][]byte{},
	}
}

func (e *memEnv) Info() *host.Info     { return &e.info }
func (e *memEnv) DID() (string, error) { return e.did, nil }
func (e *memEnv) Get(key []byte) ([]byte, bool, error) {
	e.reads++
	v, ok := e.state[string(key)]
	return v, ok, nil
}
func (e *memEnv) Put(key, value []byte) error {
	if e.info.Kind == host.KindQuery {
		return types.Errorf(types.CodeReadOnly, "")
	}
	e.state[string(key)] = append([]byte{}, value...)
	return nil
}
func (e *memEnv) Delete(key []byte) error { delete(e.state, string(key)); return nil }
func (e *memEnv) Scan(start, end []byte, limit int) (out []host.Pair, more bool, err error) {
	var keys []string
	for k := range e.state {
		if k >= string(start) && (end == nil || k < string(end)) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for i, k := range keys {
		if i == limit {
			return out, true, nil
		}
		e.reads++
		out = append(out, host.Pair{Key: []byte(k), Value: e.state[k]})
	}
	return out, false, nil
}
func (e *memEnv) Emit(name string, data []byte) error {
	e.events = append(e.events, fmt.Sprintf("%s %q", name, data))
	return nil
}
func (e *memEnv) Call(c, m string, args []byte, gas uint64) ([]byte, uint64, error) {
	if e.call == nil {
		return nil, 0, types.Errorf(types.CodeUnknownContract, "%s", c)
	}
	return e.call(c, m, args, gas)
}
func (e *memEnv) Log(text string) { e.logs = append(e.logs, text) }

// effects lists what a call did, in order.
func (e *memEnv) effects() string {
	var keys []string
	for k := range e.state {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%q=%x\n", k, e.state[k])
	}
	return b.String() + strings.Join(e.events, "\n") + strings.Join(e.logs, "\n")
}

var built sync.Map // folder -> []byte

// goModule compiles a Go contract of testdata.
func goModule(t testing.TB, name string) []byte {
	t.Helper()
	if b, ok := built.Load(name); ok {
		return b.([]byte)
	}
	out := filepath.Join(t.TempDir(), "contract.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = filepath.Join("testdata", name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, msg)
	}
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	built.Store(name, b)
	return b
}

// v1 is the schedule of all tests but those about schedules.
var v1 = instrument.ScheduleV1()

// modeVariable names the mode, of those in modes, that tests run in unless they choose
// one themselves.
const modeVariable = "HUCHAIN_VM_MODE"

func newEngine(t testing.TB, change func(*Params)) *Engine {
	t.Helper()
	p := DefaultParams()
	if name := os.Getenv(modeVariable); name != "" {
		require.Contains(t, modes, name, modeVariable)
		modes[name](&p)
	}
	if change != nil {
		change(&p)
	}
	e, err := New(context.Background(), p)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	return e
}

func load(t testing.TB, e *Engine, code []byte) crypto.Hash {
	t.Helper()
	h, err := e.Load(context.Background(), code, &v1)
	require.NoError(t, err)
	return h
}

const gasLimit = 50_000_000

func call(e *Engine, code crypto.Hash, env *memEnv, args string) (Outcome, error) {
	return e.Call(context.Background(), &Call{Code: code, Schedule: &v1, Env: env, Args: []byte(args), GasLimit: gasLimit})
}

const sample = `{"id":"ev-000001","hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","uri":"s3://bucket/evidence/2026/11/ev-000001.bin","size":123456,"tags":["cam-7","site-b","raw"]}`

func TestGoContract(t *testing.T) {
	e := newEngine(t, nil)
	code := load(t, e, goModule(t, "deposit"))
	require.True(t, e.Loaded(code, &v1))

	env := newEnv("deposit")
	env.state["count"] = binary.BigEndian.AppendUint64(nil, 41)
	first, err := call(e, code, env, sample)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSuffix(sample, "}")+`,"owner":"archives/clerk"}`, string(first.Result))
	require.Equal(t, first.Result, env.state["ev/ev-000001"])
	require.Equal(t, binary.BigEndian.AppendUint64(nil, 42), env.state["count"])
	require.Equal(t, []string{`deposited "ev/ev-000001"`}, env.events)

	for range 20 { // fresh state and equal gas every time
		env := newEnv("deposit")
		env.state["count"] = binary.BigEndian.AppendUint64(nil, 41)
		again, err := call(e, code, env, sample)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}

	env.info.Method = "get"
	got, err := call(e, code, env, "ev-000001")
	require.NoError(t, err)
	require.Equal(t, first.Result, got.Result)

	out, err := call(e, code, env, "nothing")
	require.Equal(t, &host.Failure{Contract: "evidence", Name: "not_found", Text: "no such record"}, err)
	require.Nil(t, out.Result)
	require.Positive(t, out.GasUsed)

	env.info.Method = "panic"
	_, err = call(e, code, env, "x")
	require.Equal(t, types.CodeTrap, types.CodeOf(err))
	require.ErrorContains(t, err, "panic: assignment to entry in nil map")

	env.info.Method = "get"
	got, err = call(e, code, env, "ev-000001")
	require.NoError(t, err)
	require.Equal(t, first.Result, got.Result)

	env.info.Method, env.info.Kind = "deposit", host.KindQuery
	_, err = call(e, code, env, strings.ReplaceAll(sample, "ev-000001", "ev-2"))
	require.Equal(t, types.CodeReadOnly, types.CodeOf(err))
	require.NotContains(t, env.state, "ev/ev-2")
}

func TestOutOfGasAtEveryPoint(t *testing.T) {
	e := newEngine(t, nil)
	code := load(t, e, goModule(t, "deposit"))
	env := newEnv("deposit")
	full, err := call(e, code, env, sample)
	require.NoError(t, err)
	for gas := uint64(0); gas < full.GasUsed; gas += full.GasUsed/97 + 1 {
		env := newEnv("deposit")
		out, err := e.Call(context.Background(), &Call{Code: code, Schedule: &v1, Env: env, Args: []byte(sample), GasLimit: gas})
		require.Equal(t, types.CodeOutOfGas, types.CodeOf(err), "gas %d: %v", gas, err)
		require.Equal(t, gas, out.GasUsed)
		env = newEnv("deposit")
		out, err = e.Call(context.Background(), &Call{Code: code, Schedule: &v1, Env: env, Args: []byte(sample), GasLimit: full.GasUsed})
		require.NoError(t, err)
		require.Equal(t, full, out)
	}
}
