package consensus

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetention(t *testing.T) {
	for _, c := range []struct {
		r    retention
		tip  uint64
		want uint64
	}{
		{retention{}, 1000, 0},
		{retention{keep: 100}, 100, 0},
		{retention{keep: 100}, 1000, 900},
		{retention{keep: 100, making: true}, 1000, 0}, // nobody could join
		{retention{keep: 100, making: true, snapshot: 500}, 1000, 500},
		{retention{keep: 100, making: true, snapshot: 950}, 1000, 900},
		{retention{keep: 100, archives: true}, 1000, 1}, // nothing is archived yet
		{retention{keep: 100, archives: true, archived: 700}, 1000, 701},
		{retention{keep: 100, archives: true, archived: 2000}, 1000, 900},
	} {
		require.Equal(t, c.want, c.r.target(c.tip), "%+v", c.r)
	}
}

// Validators that prune keep what others need to join, and go on after a restart; one that
// lost its data can join by snapshot alone, since the first blocks are gone.
func TestPruningValidators(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	net.params.KeepBlocks, net.params.SnapshotEvery, net.params.SnapshotKeep = 8, 5, 1
	net.up()
	net.ready()
	for i := range 30 {
		net.nodes[i%4].commit(net.call(fmt.Sprintf("k%d", i), "1"))
	}
	for _, n := range net.nodes {
		eventually(t, "pruned", func() bool {
			i := net.nodes[0].ledger.Height()
			net.nodes[0].commit(net.call(fmt.Sprintf("more%d", i), "1"))
			base := n.engine.Load().blocks.Base()
			return base > 5 && uint64(base) <= newestAnchored(n)
		})
	}
	for _, n := range net.nodes[:2] {
		n.down()
		n.up()
	}
	net.ready()
	f := net.nodes[3]
	f.down()
	f.wipe()
	height := f.join()
	f.up()
	net.ready()
	require.True(t, f.commit(net.call("joined", "1")).Receipt.OK())
	net.quiet(300 * time.Millisecond)
	net.sameFrom(height)
}
