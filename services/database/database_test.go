package database

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
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

// A copy of a database in use is of one moment and whole; one that is damaged is refused, by
// who copies it and by who is about to use it.
func TestCopyOfADatabaseInUse(t *testing.T) {
	dir := t.TempDir()
	path, to := filepath.Join(dir, "service.db"), filepath.Join(dir, "copy.db")
	one := Schema{"things", []string{"CREATE TABLE thing (n INTEGER PRIMARY KEY, text TEXT)"}}
	d, err := Open(path, one)
	require.NoError(t, err)
	add := func(from int) {
		require.NoError(t, d.Write(t.Context(), func(tx *sql.Tx) error {
			for i := range 1000 {
				if _, err := tx.Exec("INSERT INTO thing VALUES (?, ?)", from+i, fmt.Sprintf("%0100d", i)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	add(0)
	require.NoError(t, Copy(t.Context(), path, to))
	add(1000)
	require.Equal(t, types.CodeServiceDatabase, types.CodeOf(Copy(t.Context(), path, to)), "not over a file")
	require.Equal(t, types.CodeServiceDatabase, types.CodeOf(Copy(t.Context(), filepath.Join(dir, "none.db"), filepath.Join(dir, "x.db"))))
	require.NoError(t, d.Close())
	require.NoError(t, Check(t.Context(), to))
	c, err := Open(to, one)
	require.NoError(t, err)
	var n int
	_, err = c.Row(t.Context(), "SELECT count(*) FROM thing", nil, &n)
	require.NoError(t, err)
	require.Equal(t, 1000, n)
	require.NoError(t, c.Close())

	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := len(raw) / 2; i < len(raw)/2+5000; i++ {
		raw[i] ^= 0x5a
	}
	bad := filepath.Join(dir, "bad.db")
	require.NoError(t, os.WriteFile(bad, raw, 0o600))
	require.Equal(t, types.CodeServiceDatabase, types.CodeOf(Check(t.Context(), bad)))
	require.Equal(t, types.CodeServiceDatabase, types.CodeOf(Copy(t.Context(), bad, filepath.Join(dir, "y.db"))))
}
