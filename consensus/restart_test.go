package consensus

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	sm "github.com/cometbft/cometbft/state"
	cmtstore "github.com/cometbft/cometbft/store"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/types"
)

// records reads the records of blocks of a range from a node.
func (n *testNode) records(from, to uint64) (out []*archive.Record) {
	for h := from; h <= to; h++ {
		rec, err := n.ledger.Record(h)
		require.NoError(n.net.t, err)
		out = append(out, rec)
	}
	return out
}

// rebuildIn makes a ledger of records and returns what its newest block carries, or why
// it cannot be made.
func (net *network) rebuildIn(dir string, records []*archive.Record) ([]byte, error) {
	l, err := ledger.Open(dir, net.genesis.Hash(), net.opt)
	require.NoError(net.t, err)
	defer l.Close()
	c, err := chain.New(net.genesis, net.vm, chain.DefaultOptions())
	require.NoError(net.t, err)
	r, err := NewRebuild(net.t.Context(), c, l, net.packages)
	require.NoError(net.t, err)
	for _, rec := range records {
		if err := r.Apply(rec); err != nil {
			return nil, err
		}
	}
	return r.Commit(), nil
}

// act has the first n validators restart the chain above the last of records.
func (net *network) act(records []*archive.Record, n int) *types.Restart {
	last, before := &records[len(records)-1].Header, &records[len(records)-2].Header
	r := &types.Restart{Genesis: net.genesis.Hash(), Height: last.Height, Header: last.Hash(), Time: time.Now().Truncate(time.Millisecond).UnixNano()}
	r.Before.Height = before.Height
	set, err := net.genesis.ValidatorSet()
	require.NoError(net.t, err)
	for i := range set {
		for _, node := range net.nodes[:n] {
			if node.keys.Header.Public() != set[i].Key {
				continue
			}
			sig, err := node.keys.Header.Sign(r.SignBytes())
			require.NoError(net.t, err)
			r.Signatures = append(r.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [64]byte(sig)})
			if sig, err = node.keys.Header.Sign(before.SignBytes()); err == nil {
				r.Before.Signatures = append(r.Before.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [64]byte(sig)})
			}
			require.NoError(net.t, err)
		}
	}
	return r
}

// Four validators lose all data but the records of the blocks up to some height. They restart
// the chain above it by act, one of them later than the others, and one of them once more
// between storing the first block and executing it. Whoever rebuilds the chain again comes
// across the act and follows it, and an anchor of a snapshot leads past it.
// covers: T.12
func TestRestartAboveTheArchive(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	net.up()
	net.ready()
	var kept *Committed
	for i := range 3 {
		kept = net.nodes[i].commit(net.call(fmt.Sprint("k", i), "v"))
	}
	net.settled(kept.Height + 2)
	records := net.nodes[0].records(1, kept.Height) // the newest blocks are lost
	for _, n := range net.nodes {
		n.down()
		n.wipe()
	}
	last := records[len(records)-1].Header
	rebuild := func(n *testNode) []byte {
		commit, err := net.rebuildIn(filepath.Join(n.home, "data", "ledger"), records)
		require.NoError(t, err)
		return commit
	}
	var commit []byte
	for _, n := range net.nodes {
		commit = rebuild(n)
	}
	require.NotEmpty(t, commit)
	few := net.act(records, 2)
	o := &Options{Genesis: net.genesis, Restart: &Restart{Act: few, Commit: commit}}
	l, err := ledger.Open(filepath.Join(net.nodes[0].home, "data", "ledger"), net.genesis.Hash(), net.opt)
	require.NoError(t, err)
	o.Ledger = l
	_, err = newRestart(o)
	require.Equal(t, types.CodeRestartRefused, types.CodeOf(err), "half of the validators: %v", err)
	require.NoError(t, l.Close())

	act := net.act(records, 3)
	net.restart = &Restart{Act: act, Commit: commit}
	for _, n := range net.nodes {
		n.keys.VoteFile += ".restarted"
	}
	for _, n := range net.nodes[:3] {
		n.up()
	}
	net.ready()
	first := net.nodes[0].commit(net.call("after", "restart"))
	require.Greater(t, first.Height, last.Height)
	net.nodes[3].up() // syncs the blocks from the restart on
	net.ready()
	net.nodes[3].commit(net.call("late", "node"))
	next, err := net.nodes[3].ledger.Header(last.Height + 1)
	require.NoError(t, err)
	require.Equal(t, last.Hash(), next.Previous, "the headers link on")
	require.Equal(t, act.Time, next.Time)
	for h := act.Height - 1; h <= act.Height; h++ {
		_, err = net.nodes[3].ledger.Certificate(h)
		require.NoError(t, err, "height %d", h)
	}

	require.True(t, net.nodes[3].app.restart.before(&last), "a snapshot of it is offered to nobody")
	require.False(t, net.nodes[3].app.restart.before(&next))
	n := net.nodes[3] // a crash once the first block is stored
	n.down()
	dir := filepath.Join(n.home, "data", "comet")
	require.NoError(t, os.RemoveAll(filepath.Join(n.home, "data", "ledger")))
	for _, name := range []string{"consensus", "wal"} {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, name)))
	}
	rebuild(n)
	db, err := openStore(filepath.Join(dir, "blocks"), 1<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	for blocks := cmtstore.NewBlockStore(db); blocks.Height() > int64(act.Height)+1; {
		require.NoError(t, blocks.DeleteLatestBlock())
	}
	require.NoError(t, db.Close())
	n.open()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "consensus"), 0o700))
	db, err = openStore(filepath.Join(dir, "consensus"), 1<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, n.app.restart.resume(n.app, n.parts.origin.doc, sm.NewStore(db, sm.StoreOptions{DiscardABCIResponses: true})))
	require.NoError(t, db.Close())
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(n.down)
	net.ready()
	top := n.commit(net.call("once", "more"))
	net.settled(top.Height + 2)
	net.same()

	all := append(records, net.nodes[0].records(last.Height+1, top.Height)...)
	require.True(t, bytes.Contains(all[act.Height].Certificate, []byte(types.RestartPurpose)), "the first block's record holds the act")
	_, err = net.rebuildIn(filepath.Join(t.TempDir(), "again"), all)
	require.NoError(t, err)
	forged := *all[act.Height]
	forged.Certificate = few.Encode()
	_, err = net.rebuildIn(filepath.Join(t.TempDir(), "forged"), append(records[:act.Height:act.Height], &forged))
	require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), "%v", err)

	e := net.nodes[0].engine.Load()
	a, err := makeAnchor(net.nodes[0].ledger, e.states, e.blocks, last.Height+2)
	require.NoError(t, err)
	require.NotNil(t, a)
	raw, err := a.encode()
	require.NoError(t, err)
	h, err := net.nodes[0].ledger.Header(last.Height + 2)
	require.NoError(t, err)
	_, _, err = CheckAnchor(net.genesis, act, raw, &h)
	require.NoError(t, err)
	_, _, err = CheckAnchor(net.genesis, nil, raw, &h)
	require.Equal(t, types.CodeSnapshotInvalid, types.CodeOf(err), "without the act: %v", err)
}
