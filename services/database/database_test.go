package database

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// Writes of many share commits, one that fails takes no other along, and what was
// answered is there after reopening. Steps run once; a later release's file is refused.
func TestWritesShareCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x", "service.db")
	one := Schema{"things", []string{"CREATE TABLE thing (n INTEGER PRIMARY KEY)"}}
	d, err := Open(path, one)
	require.NoError(t, err)
	var all sync.WaitGroup
	bad := errors.New("refused")
	errs := make([]error, 200)
	for i := range errs {
		all.Go(func() {
			errs[i] = d.Write(t.Context(), func(tx *sql.Tx) error {
				if _, err := tx.Exec("INSERT INTO thing VALUES (?)", i); err != nil {
					return err
				}
				if i%10 == 0 {
					return bad
				}
				return nil
			})
		})
	}
	all.Wait()
	for i, err := range errs {
		if i%10 == 0 {
			require.ErrorIs(t, err, bad, fmt.Sprint(i))
		} else {
			require.NoError(t, err)
		}
	}
	require.NoError(t, d.Close())
	require.Equal(t, types.CodeNotReady, types.CodeOf(d.Write(t.Context(), func(*sql.Tx) error { return nil })))

	two := Schema{"things", append(one.Steps, "ALTER TABLE thing ADD COLUMN name TEXT NOT NULL DEFAULT 'x'")}
	d, err = Open(path, two)
	require.NoError(t, err)
	var n int
	found, err := d.Row(t.Context(), "SELECT count(*) FROM thing WHERE name = ?", []any{"x"}, &n)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 180, n)
	require.NoError(t, d.Close())
	_, err = Open(path, one)
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
}
