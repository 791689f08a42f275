package engine

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// at is where a guest's buffer for results begins; strings of data begin at 0.
const at = 4096

// guest calls one host function with constant arguments on data placed at 0, and gives
// back its result and n bytes from at.
func guest(t *testing.T, env *memEnv, data, fn string, n int, args ...int) (int32, string, error) {
	t.Helper()
	e := newEngine(t, nil)
	text := fmt.Sprintf("i32.const %d ", at-4)
	void := true
	code := load(t, e, hostile(func(b *wasmtest.Builder, f map[string]uint32) {
		for _, x := range host.Functions() {
			if x.Module == host.Module && x.Name == fn {
				void = len(x.Results) == 0
			}
		}
		call := ""
		for _, a := range args {
			call += fmt.Sprintf("i32.const %d ", a)
		}
		call += fmt.Sprintf("call %d ", f[fn])
		if void {
			text = call
		} else {
			text += call + "i32.store 0 "
		}
		b.Data(0, data).Call("", text+fmt.Sprintf("i32.const %d i32.const %d call %d", at-4, n+4, f["output"]))
	}))
	out, err := call(e, code, env, "the arguments")
	if err != nil {
		return 0, "", err
	}
	return int32(binary.LittleEndian.Uint32(out.Result)), string(out.Result[4:]), nil
}

func TestCopyingFunctions(t *testing.T) {
	env := newEnv("deposit")
	for _, c := range []struct {
		fn   string
		cap  int
		n    int32
		want string
	}{
		{"method", 100, 7, "deposit\x00"},
		{"method", 3, 7, "dep\x00\x00\x00\x00\x00"}, // the length is told in full
		{"method", 0, 7, "\x00\x00"},
		{"args", 100, 13, "the arguments"},
		{"call_result", 100, 0, "\x00"},
	} {
		n, got, err := guest(t, env, "", c.fn, len(c.want), at, c.cap)
		require.NoError(t, err)
		require.Equal(t, c.n, n, c.fn)
		require.Equal(t, c.want, got, c.fn)
	}
}

func TestCallerBlockAndID(t *testing.T) {
	env := newEnv("x")
	env.info.Caller.Address = types.Address{1, 2, 3}
	env.did = "did:hu:1"
	env.info.Chain = "gov"
	want := "\x0earchives/clerk\x08archives\x14" + string(env.info.Caller.Address[:]) + "\x0cclient,admin"
	n, got, err := guest(t, env, "", "caller", len(want), at, 200)
	require.NoError(t, err)
	require.EqualValues(t, len(want), n)
	require.Equal(t, want, got)

	n, got, err = guest(t, env, "", "caller_did", 9, at, 9)
	require.NoError(t, err)
	require.EqualValues(t, 8, n)
	require.Equal(t, "did:hu:1\x00", got)

	n, got, err = guest(t, env, "", "chain", 35, at, 40)
	require.NoError(t, err)
	require.EqualValues(t, 35, n)
	require.Equal(t, string(env.info.Genesis[:])+"gov", got)

	_, got, err = guest(t, env, "", "block", 16, at)
	require.NoError(t, err)
	require.EqualValues(t, 7, binary.LittleEndian.Uint64([]byte(got)))
	require.EqualValues(t, 1_700_000_000_123, binary.LittleEndian.Uint64([]byte(got)[8:]))

	_, got, err = guest(t, env, "", "tx_id", 32, at)
	require.NoError(t, err)
	require.Equal(t, string(env.info.TxID[:]), got)
}

func TestState(t *testing.T) {
	env := newEnv("x")
	env.state["key"] = []byte("value")
	n, got, err := guest(t, env, "key", "state_get", 6, 0, 3, at, 5)
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
	require.Equal(t, "value\x00", got)
	n, got, err = guest(t, env, "key", "state_get", 6, 0, 3, at, 4)
	require.NoError(t, err)
	require.EqualValues(t, 5, n, "too small a buffer: the length alone")
	require.Equal(t, "\x00\x00\x00\x00\x00\x00", got)
	n, _, err = guest(t, env, "nokey", "state_get", 6, 0, 5, at, 4)
	require.NoError(t, err)
	require.EqualValues(t, -1, n)
	_, _, err = guest(t, env, "keynew value", "state_put", 0, 0, 3, 3, 9)
	require.NoError(t, err)
	require.Equal(t, "new value", string(env.state["key"]))
	_, _, err = guest(t, env, "key", "state_delete", 0, 0, 3)
	require.NoError(t, err)
	require.Empty(t, env.state)
}

// entry is how a scan writes a pair.
func entry(k, v string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(k)))
	b = binary.LittleEndian.AppendUint32(append(b, k...), uint32(len(v)))
	return string(append(b, v...))
}

func TestScan(t *testing.T) {
	const more = -1 << 31
	env := newEnv("x")
	var all []string
	for i := range 100 { // more than one group of Env.Scan
		k, v := fmt.Sprintf("k%02d", i), strings.Repeat("v", i%5)
		env.state[k] = []byte(v)
		all = append(all, entry(k, v))
	}
	env.state["z"] = []byte("last")
	for name, c := range map[string]struct {
		data     string // start and end
		slen     int
		elen     int
		limit    int
		cap      int
		want     []string
		more     bool
		negative int
	}{
		"all of a range":          {"k00l", 3, 1, 1000, 9000, all, false, 0},
		"open end":                {"k99", 3, -1, 1000, 9000, append(all[99:100:100], entry("z", "last")), false, 0},
		"limit":                   {"k00l", 3, 1, 10, 9000, all[:10], true, 0},
		"limit is all there is":   {"k90l", 3, 1, 10, 9000, all[90:], false, 0},
		"limit across groups":     {"k00l", 3, 1, 64, 9000, all[:64], true, 0},
		"buffer":                  {"k00l", 3, 1, 10, len(all[0]) + len(all[1]) + 5, all[:2], true, 0},
		"buffer for none":         {"k02l", 3, 1, 10, 3, nil, false, len(all[2])},
		"nothing there":           {"m00n", 3, 1, 10, 100, nil, false, 0},
		"no limit, nothing asked": {"k00l", 3, 1, 0, 100, nil, false, 0},
		"empty end":               {"k00", 3, 0, 10, 100, nil, false, 0},
		"from the beginning":      {"k03", 0, 3, 10, 9000, all[:3], false, 0},
	} {
		want := strings.Join(c.want, "")
		n, got, err := guest(t, env, c.data, "state_scan", 9000, 0, c.slen, c.slen, c.elen, c.limit, at, c.cap)
		require.NoError(t, err, name)
		switch {
		case c.negative > 0:
			require.EqualValues(t, -c.negative, n, name)
		case c.more:
			require.EqualValues(t, len(want)|more, int(n), name)
		default:
			require.EqualValues(t, len(want), n, name)
		}
		require.Equal(t, want, got[:len(want)], name)
	}
}

func TestFail(t *testing.T) {
	long := strings.Repeat("长", 1000)
	_, _, err := guest(t, newEnv("x"), "sold_out"+long, "fail", 0, 0, 8, 8, 3000)
	var f *host.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, "evidence", f.Contract)
	require.Equal(t, "sold_out", f.Name)
	require.True(t, strings.HasPrefix(long, f.Text), "cut between characters")
	require.LessOrEqual(t, len(f.Error()), types.MaxErrorBytes)
	require.Equal(t, "a.b", (&host.Failure{Contract: "a", Name: "b"}).Error())
	_, _, err = guest(t, newEnv("x"), "\xff\xfe", "fail", 0, 0, 2, 0, 0)
	require.Equal(t, types.CodeHostMisuse, types.CodeOf(err))
}

func TestHashAndVerify(t *testing.T) {
	_, got, err := guest(t, newEnv("x"), "abc", "sm3", 32, 0, 3, at)
	require.NoError(t, err)
	require.Equal(t, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", fmt.Sprintf("%x", got)) // GB/T 32905 A.1

	key, err := crypto.NewPrivateKey(append(make([]byte, 31), 9))
	require.NoError(t, err)
	sig, err := key.Sign([]byte("message"))
	require.NoError(t, err)
	pub := key.Public()
	data := string(pub[:]) + "message" + string(sig)
	n, _, err := guest(t, newEnv("x"), data, "sm2_verify", 0, 0, 65, 7, 72)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	n, _, err = guest(t, newEnv("x"), data, "sm2_verify", 0, 0, 65, 6, 72)
	require.NoError(t, err)
	require.EqualValues(t, 0, n)
	n, _, err = guest(t, newEnv("x"), strings.Repeat("\x00", 200), "sm2_verify", 0, 0, 65, 7, 72)
	require.NoError(t, err)
	require.EqualValues(t, 0, n, "no key at all")
}

func TestEventsAndLog(t *testing.T) {
	env := newEnv("x")
	_, _, err := guest(t, env, "named{}", "emit", 0, 0, 5, 5, 2)
	require.NoError(t, err)
	require.Equal(t, []string{`named "{}"`}, env.events)
	_, _, err = guest(t, env, "hello\xff", "log", 0, 0, 6)
	require.NoError(t, err)
	require.Equal(t, []string{"hello?"}, env.logs)
	_, _, err = guest(t, env, strings.Repeat("x", 4000), "log", 0, 0, 4000)
	require.NoError(t, err)
	require.Len(t, env.logs[1], 1024)
}
