package node

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// An order keeps its chain open until it is done, and ends when the chain is stopped; a
// chain that is not there is refused and gets no place.
func TestOrdersHoldTheirChain(t *testing.T) {
	r := &running{name: "gov", ended: make(chan struct{})}
	n := &node{chains: map[string]*hosted{"gov": {name: "gov", state: ChainRunning, run: r}}}
	_, _, _, err := n.hold(t.Context(), "apps")
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	require.Len(t, n.chains, 1)

	got, ctx, release, err := n.hold(t.Context(), "gov")
	require.NoError(t, err)
	require.Same(t, r, got)
	n.chains["gov"].set(ChainStopped, nil, nil) // as end does, in this order
	close(r.ended)
	select {
	case <-ctx.Done():
	case <-time.After(2 * time.Minute):
		t.Fatal("the order goes on after its chain ended")
	}
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	free := make(chan struct{})
	go func() { r.tending.Wait(); close(free) }()
	select {
	case <-free:
		t.Fatal("the chain is closed under an order")
	case <-time.After(50 * time.Millisecond):
	}
	release()
	<-free
	_, _, _, err = n.hold(t.Context(), "gov")
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
}
