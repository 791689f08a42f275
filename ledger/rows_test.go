package ledger

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/types"
)

// A ledger on any driver is copied while it commits: the copy holds the height of the
// checkpoint, on whatever driver it is laid; damage is named by file and place.
//
// covers: T.11 T.13
func TestCheckpointOfEveryDriver(t *testing.T) {
	ctx := context.Background()
	r := record(t, 12)
	for name, d := range drivers(t) {
		if name == "pebble" {
			continue // its files are linked, see TestBackup of package node
		}
		p := DefaultParams()
		p.Driver = d
		dir := t.TempDir()
		l, err := Open(filepath.Join(dir, "chain"), genesisHash, p)
		require.NoError(t, err, name)
		commit := func(from, to int) {
			for _, b := range r.blocks[from:to] {
				c, err := l.Prepare(b)
				require.NoError(t, err, name)
				require.NoError(t, l.Commit(c), name)
			}
		}
		commit(0, 8)
		copied, err := l.Checkpoint(filepath.Join(dir, "copy"))
		require.NoError(t, err, name)
		commit(8, 12) // goes on beside it
		require.NoError(t, copied.Finish(ctx), name)
		require.NoError(t, l.Close(), name)
		require.Equal(t, r.roots[7], copied.Content, name)
		rows := filepath.Join(dir, "copy", RowsDir)
		for to, opener := range map[string]driver.Opener{"bolt": boltdb.Opener{MaxBytes: 1 << 30}, "pebble": pebbledb.Opener{}} {
			at := filepath.Join(dir, to)
			require.NoError(t, LoadRows(ctx, rows, opener, at), to)
			require.Equal(t, types.CodeAlreadyExists, types.CodeOf(LoadRows(ctx, rows, opener, at)), to)
			report, err := fsck.Check(ctx, opener, at, nil)
			require.NoError(t, err)
			require.True(t, report.OK(), "%v", report.Findings)
			p.Driver = opener
			l, err = Open(at, genesisHash, p)
			require.NoError(t, err, to)
			require.Equal(t, r.roots[7], l.ContentRoot(), to)
			commit(8, 10)
			require.NoError(t, l.Close())
		}
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, writeRows(stopped, frozenRows{}, filepath.Join(dir, "stopped")), context.Canceled)

		file := filepath.Join(rows, "state", "000000.rows")
		good, err := os.ReadFile(file)
		require.NoError(t, err)
		for what, bad := range map[string][]byte{"cut": good[:len(good)-3], "magic": append([]byte("x"), good[1:]...), "length": append(bytes.Clone(good), 0xff, 0xff, 0xff, 0xff, 0x7f)} {
			require.NoError(t, os.WriteFile(file, bad, 0o600))
			err := LoadRows(ctx, rows, boltdb.Opener{MaxBytes: 1 << 30}, filepath.Join(dir, what))
			require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), what)
			require.ErrorContains(t, err, "000000.rows", what)
			require.ErrorContains(t, err, "byte", what)
		}
		require.NoError(t, os.WriteFile(file, append(bytes.Clone(good), good[len(rowsMagic):]...), 0o600))
		require.ErrorContains(t, LoadRows(ctx, rows, boltdb.Opener{MaxBytes: 1 << 30}, filepath.Join(dir, "order")), "out of order")
	}
}

// frozenRows is a store of many rows, of which some are changed.
type frozenRows struct{ changed int }

func (s frozenRows) Get([]byte) ([]byte, bool, error) { return nil, false, nil }

func (s frozenRows) Iter([]byte, []byte) (driver.Iterator, error) {
	return &rowsIterator{s: s, at: -1}, nil
}

type rowsIterator struct {
	driver.Iterator
	s  frozenRows
	at int
}

func (i *rowsIterator) First() bool { i.at = 0; return true }
func (i *rowsIterator) Next() bool  { i.at++; return i.at < 40_000 }
func (i *rowsIterator) Key() []byte { return fmt.Appendf(nil, "key%08d", i.at) }
func (i *rowsIterator) Value() []byte {
	return bytes.Repeat([]byte{byte(i.at)}, 600+len(fmt.Sprint(i.at == i.s.changed)))
}
func (i *rowsIterator) Error() error { return nil }
func (i *rowsIterator) Close() error { return nil }

// A second copy of a store in which one row has changed shares all files but those around it.
func TestRowFilesStayWhereRowsStay(t *testing.T) {
	sums := func(changed int) map[string]bool {
		dir := t.TempDir()
		require.NoError(t, writeRows(context.Background(), frozenRows{changed}, dir))
		files, err := filepath.Glob(filepath.Join(dir, "*.rows"))
		require.NoError(t, err)
		out := map[string]bool{}
		rows := 0
		for _, f := range files {
			raw, err := os.ReadFile(f)
			require.NoError(t, err)
			require.NoError(t, readRows(bytes.NewReader(raw), func(_, _ []byte) error { rows++; return nil }))
			out[string(raw)] = true
		}
		require.Equal(t, 40_000, rows)
		return out
	}
	before, after := sums(-1), sums(100)
	require.Greater(t, len(before), 2)
	same := 0
	for f := range after {
		if before[f] {
			same++
		}
	}
	require.GreaterOrEqual(t, same, len(before)-2)
}

// FuzzReadRows: files of rows from a store that others can write to are refused, never
// believed in their lengths.
func FuzzReadRows(f *testing.F) {
	f.Add(append(bytes.Clone(rowsMagic), 1, 2, 'k', 'v', 'v'))
	f.Add(append(bytes.Clone(rowsMagic), 1, 0xff, 0xff, 0xff, 0xff, 3))
	f.Add([]byte("hcrows"))
	f.Fuzz(func(t *testing.T, in []byte) {
		total := len(rowsMagic)
		err := readRows(bytes.NewReader(in), func(key, value []byte) error {
			total += len(key) + len(value) + uvarintLen(uint64(len(key))) + uvarintLen(uint64(len(value)))
			return nil
		})
		if err == nil && total > len(in) {
			t.Fatalf("%d bytes out of %d", total, len(in))
		}
		if err != nil && types.CodeOf(err) != types.CodeLedgerCorrupt {
			t.Fatal(err)
		}
	})
}
