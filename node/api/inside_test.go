package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
)

// Parts of the process read what strangers must log in for, until the server ends.
func TestInside(t *testing.T) {
	s, _ := guarded(t)
	_, code := s.browser().ask(http.MethodGet, base, "", "", nil)
	require.Equal(t, types.CodeLoginRequired.String(), code)

	p := client.DefaultParams("http://node")
	p.Chain, p.Genesis, p.HTTP = s.chain.Name, s.chain.Genesis.Hash(), s.api.Inside()
	c, err := client.New(t.Context(), p)
	require.NoError(t, err)
	st, err := c.Status(t.Context())
	require.NoError(t, err)
	_, err = c.Contents(t.Context(), 1, time.Second)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err), "nothing is committed: %v", err)
	require.Equal(t, "node0", st.Node)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, s.api.Stop(ctx))
	_, err = c.Status(ctx)
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "answered at once")
}
