package consensus

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// covers: T.03
func TestFourValidators(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	net.up()
	net.ready()
	before := net.quiet(2 * time.Second)

	t.Run("silence and wake-up", func(t *testing.T) {
		for i, n := range net.nodes {
			start := time.Now()
			c := n.commit(net.call(fmt.Sprintf("wake%d", i), "1"))
			t.Logf("node %d: committed in %v", i, time.Since(start))
			require.True(t, c.Receipt.OK(), "%+v", c.Receipt)
			after := net.settled(before + 3)
			require.Equal(t, before+3, after, "one block and two empty ones")
			before = after
		}
		net.same()
	})

	t.Run("failing call", func(t *testing.T) {
		c := net.nodes[0].commit(net.call("bad", "1"))
		require.Equal(t, types.CodeContractError, c.Receipt.Code)
	})

	t.Run("a killed node catches up", func(t *testing.T) {
		net.nodes[3].down()
		for i := range 5 {
			net.nodes[i%3].commit(net.call(fmt.Sprintf("gone%d", i), "1"))
		}
		tip := net.quiet(300 * time.Millisecond)
		net.nodes[3].up()
		start := time.Now()
		net.ready()
		t.Logf("back after %v", time.Since(start))
		c := net.nodes[3].commit(net.call("back", "1"))
		require.Greater(t, c.Height, tip)
		net.quiet(300 * time.Millisecond)
		net.same()
	})

	t.Run("a wiped node recovers and votes on", func(t *testing.T) {
		n := net.nodes[2]
		n.down()
		n.wipe()
		n.up()
		start := time.Now()
		net.ready()
		t.Logf("back after %v", time.Since(start))
		net.nodes[1].down() // now its vote is needed
		c := n.commit(net.call("wiped", "1"))
		require.True(t, c.Receipt.OK())
		net.quiet(300 * time.Millisecond)
		net.same()
		net.nodes[1].up()
		net.ready()
	})

	// A node that knows of no transaction waits for one before it takes part in a block; if
	// it is needed, those that have what the origin told only them must tell it.
	t.Run("an origin dies after it told some", func(t *testing.T) {
		origin := net.nodes[3]
		for i := range 4 { // each of four has its turn to propose
			net.quiet(300 * time.Millisecond)
			tx := net.call(fmt.Sprintf("orphan%d", i), "1")
			w := net.nodes[2].Watch(tx.ID())
			for _, n := range net.nodes[:2] {
				require.Nil(t, n.pool.add([]*types.Tx{tx}, origin.id))
			}
			if i == 0 {
				origin.down()
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			c, err := w.Wait(ctx)
			cancel()
			w.Stop()
			require.NoError(t, err, "two of three know the transaction")
			require.True(t, c.Receipt.OK())
		}
		origin.up()
		net.ready()
		net.same()
	})

	t.Run("two down: no block, then resumed", func(t *testing.T) {
		net.nodes[0].down()
		net.nodes[1].down()
		height := net.nodes[2].ledger.Height()
		tx := net.call("stalled", "1")
		w := net.nodes[2].Watch(tx.ID())
		defer w.Stop()
		_, err := net.nodes[2].Submit(tx.Bytes())
		require.NoError(t, err)
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, height, net.nodes[2].ledger.Height())
		net.nodes[0].up()
		eventually(t, "resumed", func() bool { return net.nodes[0].ledger.Height() > height })
		net.nodes[1].up()
		net.ready()
		net.quiet(300 * time.Millisecond)
		net.same()
	})

	t.Run("all down and up again", func(t *testing.T) {
		for _, n := range net.nodes {
			n.down()
		}
		net.up()
		start := time.Now()
		net.ready()
		t.Logf("ready after %v", time.Since(start))
		c := net.nodes[1].commit(net.call("again", "1"))
		require.True(t, c.Receipt.OK())
		net.quiet(300 * time.Millisecond)
		net.same()
	})

	t.Run("a lost ledger is replayed from the block store", func(t *testing.T) {
		n := net.nodes[0]
		n.down()
		require.NoError(t, os.RemoveAll(n.home+"/data/ledger"))
		n.up()
		net.ready()
		net.same()
		require.Nil(t, n.Err())
	})

	t.Run("a lost block store under a ledger is refused", func(t *testing.T) {
		n := net.nodes[0]
		n.down()
		require.NoError(t, os.RemoveAll(n.home+"/data/comet"))
		n.open()
		err := n.Start(t.Context())
		require.Equal(t, types.CodeLedgerMismatch, types.CodeOf(err), "%v", err)
		n.down()
	})
}
