package chain_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// didReads counts the reads of contract identity's rows.
type didReads struct {
	chain.State
	n int
}

func (s *didReads) Get(ns string, key []byte) ([]byte, bool, error) {
	if ns == chain.IdentityContract {
		s.n++
	}
	return s.State.Get(ns, key)
}

// A caller's DID is what contract identity's row says, for the sender alone, and is read
// only when a contract asks.
// covers: B5.04
func TestCallerDID(t *testing.T) {
	w := chaintest.NewWorld(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), "archives")
	vm := chaintest.NewGoVM()
	vm.Install(w, "asker", map[string]string{"getDID": "public", "getNothing": "public"}, func(env host.Env, _ []byte) ([]byte, error) {
		if env.Info().Method == "getNothing" {
			return []byte("{}"), nil
		}
		did, err := env.DID()
		if err != nil {
			return nil, err
		}
		return json.Marshal(did + "@" + env.Info().Chain + "/" + env.Info().Genesis.String())
	})
	g, packages := w.Seal()
	c, err := chain.New(g, vm, chain.DefaultOptions())
	require.NoError(t, err)
	res, err := c.InitGenesis(t.Context(), packages)
	require.NoError(t, err)
	rows := chaintest.NewState()
	rows.Apply(res.Writes)
	st := &didReads{State: rows}
	clerk, other := w.Member("archives", "clerk", "client"), w.Member("archives", "other", "client")
	at := w.Start.Add(time.Minute)
	ask := func(m *chaintest.Member, method string) string {
		q := &chain.Query{Contract: "asker", Method: method, Args: []byte("{}")}
		if m != nil {
			q.Caller = chaintest.Call(g, m, at, "asker", method, "{}", true)
		}
		raw, _, err := c.Query(t.Context(), st, q, 1, at.UnixNano())
		require.NoError(t, err)
		return string(raw)
	}
	here := "@test/" + g.Hash().String() + `"`
	set := func(row string) {
		rows.Apply([]types.Write{{NS: chain.IdentityContract, Key: []byte("member/archives/clerk"), Value: []byte(row)}})
	}
	require.Equal(t, `"`+here, ask(clerk, "getDID"), "no contract identity, no DID")
	set(`"did:huchain:test:1"`)
	require.Equal(t, `"did:huchain:test:1`+here, ask(clerk, "getDID"))
	require.Equal(t, `"`+here, ask(other, "getDID"))
	for _, row := range []string{`""`, `{}`, `no JSON`} {
		set(row)
		require.Equal(t, `"`+here, ask(clerk, "getDID"), row)
	}
	st.n = 0
	require.Equal(t, `"`+here, ask(nil, "getDID"))
	require.Equal(t, "{}", ask(clerk, "getNothing"))
	require.Zero(t, st.n, "nobody asked")
	ask(clerk, "getDID")
	require.Equal(t, 1, st.n)
}
