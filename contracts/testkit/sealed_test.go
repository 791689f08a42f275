package testkit

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client/sealed"
	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/vm/engine"
)

// Sealed content goes through a contract in WASM: readers open it, a revoked one opens
// no version after.
func TestSealedRecords(t *testing.T) {
	t.Parallel()
	p := build.DefaultParams()
	p.Write = false
	res, err := build.Build(t.Context(), filepath.Join("testdata", "records"), p)
	require.NoError(t, err)
	vm, err := engine.New(t.Context(), engineParams())
	require.NoError(t, err)
	defer vm.Close(t.Context()) //nolint:errcheck // frees memory only
	params := DefaultParams()
	params.Orgs, params.Packages, params.Lanes = []string{"archives", "court"}, [][]byte{res.Package}, []Lane{{"WASM", vm}}
	c, err := New(t.Context(), params)
	require.NoError(t, err)
	clerk, judge := newReader(t, c, "archives", "clerk"), newReader(t, c, "court", "judge")

	place := sealed.Place{Genesis: crypto.Sum([]byte("genesis")), Contract: "records", Record: "secret", Key: "s1", Field: "name"}
	call := func(method string, args any) (out secret) {
		raw, err := json.Marshal(args)
		require.NoError(t, err)
		o, err := c.Call(t.Context(), "clerk", "records", method, string(raw))
		require.NoError(t, err)
		require.Empty(t, o.Code, o.Detail)
		require.NoError(t, json.Unmarshal(o.Result, &out))
		return out
	}
	first, err := sealed.NewKey()
	require.NoError(t, err)
	name, err := first.Seal(place, "张某")
	require.NoError(t, err)
	keys, err := first.WrapAll(clerk.Reader)
	require.NoError(t, err)
	call("putSecret", map[string]any{"secret": "s1", "title": "申请", "name": name, "keys": keys})
	wrap, err := first.Wrap(judge.Reader)
	require.NoError(t, err)
	s := call("shareSecret", map[string]any{"secret": "s1", "to": "court/judge", "wrap": wrap})
	require.Equal(t, "张某", judge.open(t, place, s))

	second, err := sealed.NewKey()
	require.NoError(t, err)
	name, err = second.Seal(place, "张某某")
	require.NoError(t, err)
	keys, err = second.WrapAll(clerk.Reader)
	require.NoError(t, err)
	s = call("unshareSecret", map[string]any{"secret": "s1", "to": "court/judge", "name": name, "keys": keys})
	require.Equal(t, "张某某", clerk.open(t, place, s))
	_, err = sealed.Unwrap(s.Keys, "court/judge", judge.private)
	require.ErrorIs(t, err, sealed.ErrNotReader)
	require.Error(t, first.Open(place, s.Name, new(string)), "the key the judge knows opens no later version")
}

// secret is the record as a client sees it.
type secret struct {
	Name sealed.Bytes `json:"name"`
	Keys sealed.Keys  `json:"keys"`
}

type reader struct {
	sealed.Reader
	private *crypto.PrivateKey
}

func newReader(t *testing.T, c *Chain, org, name string) reader {
	require.NoError(t, c.AddMember(t.Context(), name, org, "client"))
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return reader{sealed.Reader{Party: fmt.Sprintf("%s/%s", org, name), Key: k.Public()}, k}
}

func (r reader) open(t *testing.T, at sealed.Place, s secret) (out string) {
	k, err := sealed.Unwrap(s.Keys, r.Party, r.private)
	require.NoError(t, err)
	require.NoError(t, k.Open(at, s.Name, &out))
	return out
}
