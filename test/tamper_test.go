package test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// stateDir finds the state database of a stopped validator.
func (n *network) stateDir(i int) string {
	n.t.Helper()
	var found string
	err := filepath.WalkDir(n.dataDir(i), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "state" {
			if files, _ := filepath.Glob(filepath.Join(path, "MANIFEST-*")); len(files) > 0 {
				found = path
			}
		}
		return err
	})
	require.NoError(n.t, err)
	require.NotEmpty(n.t, found, "no state database below %s", n.dataDir(i))
	return found
}

// tamper changes rows of a stopped validator's state database, as somebody with access
// to its disk could: through the database, so that its own checksums hold.
func (n *network) tamper(i int, change func(driver.DB, driver.Batch)) {
	n.t.Helper()
	db, err := pebbledb.Opener{}.Open(n.stateDir(i), driver.ProfileState)
	require.NoError(n.t, err)
	b := db.Batch()
	change(db, b)
	require.NoError(n.t, b.Commit(true))
	require.NoError(n.t, db.Close())
}

// TestTamperedLedger: a byte changed in a row of one validator's ledger, in keys and in
// values, is found when the row is read, or at start where the tree is rebuilt. That
// validator refuses to serve; the others go on; emptied, it recovers.
// covers: T.05
func TestTamperedLedger(t *testing.T) {
	n := shared(t, "tampered", beside, nil)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	d := newDeposit()
	_, err = n.client(0).Call(ctx, clerk, "evidence", "deposit", d)
	require.NoError(t, err)
	n.settle()
	n.stop(3)
	backup := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(backup, os.DirFS(n.dataDir(3))))

	row := state.RowKey("evidence", evidenceKey(d.Hash))
	leaf := state.LeafKey(state.RowKeyHash(row))
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	get := func(db driver.DB, key []byte) []byte {
		v, found, err := db.Get(key)
		require.NoError(t, err)
		require.True(t, found, "no row %x", key)
		return v
	}
	move := func(key []byte, at int) func(driver.DB, driver.Batch) {
		return func(db driver.DB, b driver.Batch) {
			b.Set(flip(key, at), get(db, key))
			b.Delete(key)
		}
	}
	for _, c := range []struct {
		name   string
		change func(driver.DB, driver.Batch)
	}{
		{"last byte of a record", func(db driver.DB, b driver.Batch) { v := get(db, row); b.Set(row, flip(v, len(v)-1)) }},
		{"height of a record", func(db driver.DB, b driver.Batch) { b.Set(row, flip(get(db, row), 8)) }},
		{"key of a record", move(row, len(row)-1)},
		{"record removed", func(_ driver.DB, b driver.Batch) { b.Delete(row) }},
		{"value hash in a leaf", func(db driver.DB, b driver.Batch) { b.Set(leaf, flip(get(db, leaf), 0)) }},
		{"key of a leaf", move(leaf, len(leaf)-1)},
		{"leaf removed", func(_ driver.DB, b driver.Batch) { b.Delete(leaf) }},
	} {
		require.NoError(t, os.RemoveAll(n.dataDir(3)))
		require.NoError(t, os.CopyFS(n.dataDir(3), os.DirFS(backup)))
		n.tamper(3, c.change)
		n.start(3)
		n.catches(c.name, d)
		n.kill(3)
	}
	for i := range 3 {
		st, err := n.client(i).State(ctx, "evidence", evidenceKey(d.Hash), false)
		require.NoError(t, err)
		require.True(t, st.Found, "the others serve it")
	}

	require.NoError(t, os.RemoveAll(n.dataDir(3)))
	n.start(3)
	n.ready(3)
	n.eventually("emptied, it recovers", func() error {
		st, err := n.client(3).State(ctx, "evidence", evidenceKey(d.Hash), false)
		if err == nil && !st.Found {
			return fmt.Errorf("not there at height %d", st.Height)
		}
		return err
	})
	n.settle()
	n.sameHeaders(0, 1, 2, 3)
}

// catches requires that validator 3 finds the damage at start and ends, or, if it runs,
// serves the row neither as it is, nor as absent, nor in a query of the contract.
func (n *network) catches(what string, d Deposit) {
	t, ctx := n.t, context.Background()
	t.Helper()
	log := len(n.logOf(3))
	n.eventually(what+": found", func() error {
		select {
		case <-n.procs[3].done:
			require.NotZero(t, n.procs[3].cmd.ProcessState.ExitCode(), what)
			require.Regexp(t, types.CodeLedgerCorrupt.String()+"|"+types.CodeLedgerMismatch.String(), n.logOf(3)[log:], what)
			return nil
		default:
		}
		_, err := n.dial(3)
		if err != nil {
			return err
		}
		_, err = n.client(3).State(ctx, "evidence", evidenceKey(d.Hash), false)
		require.Error(t, err, "%s: served", what)
		if types.CodeOf(err) != types.CodeLedgerCorrupt {
			return err // starting, or ending
		}
		_, err = n.client(3).State(ctx, "evidence", evidenceKey(d.Hash), true)
		require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), "%s: proven", what)
		_, err = n.client(3).Query(ctx, nil, "evidence", "get", map[string]string{"hash": d.Hash})
		require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), "%s: read by the contract", what)
		return nil
	})
}
