package consensus

import (
	"bytes"
	"log/slog"
	"sort"
	"testing"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stores are the implementations the suite runs against; CometBFT's own in memory is
// the oracle.
func stores(t *testing.T) map[string]func() dbm.DB {
	return map[string]func() dbm.DB{
		"pebble": func() dbm.DB {
			s, err := openStore(t.TempDir(), 1<<20, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			return s
		},
		"memory": func() dbm.DB { return dbm.NewMemDB() },
	}
}

func TestStoreConformance(t *testing.T) {
	for name, open := range stores(t) {
		t.Run(name, func(t *testing.T) {
			db := open()
			defer db.Close()
			testStoreValues(t, db)
			testStoreBatch(t, db)
			testStoreIterators(t, db)
			require.NoError(t, db.Compact(nil, nil))
			require.NotNil(t, db.Stats())
		})
	}
}

func testStoreValues(t *testing.T, db dbm.DB) {
	v, err := db.Get([]byte("a"))
	require.NoError(t, err)
	require.Nil(t, v)
	for _, set := range []func(k, v []byte) error{db.Set, db.SetSync} {
		require.NoError(t, set([]byte("a"), []byte{1}))
		v, err = db.Get([]byte("a"))
		require.NoError(t, err)
		require.Equal(t, []byte{1}, v)
		require.Error(t, set(nil, []byte{1}))
		require.Error(t, set([]byte{}, []byte{1}))
		require.Error(t, set([]byte("x"), nil))
		require.NoError(t, set([]byte("x"), []byte{}))
		v, err = db.Get([]byte("x"))
		require.NoError(t, err)
		require.Equal(t, []byte{}, v, "an empty value is no absent one")
	}
	for _, del := range []func(k []byte) error{db.Delete, db.DeleteSync} {
		require.NoError(t, db.Set([]byte("a"), []byte{1}))
		ok, err := db.Has([]byte("a"))
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, del([]byte("a")))
		require.NoError(t, del([]byte("a")))
		require.Error(t, del(nil))
		ok, err = db.Has([]byte("a"))
		require.NoError(t, err)
		require.False(t, ok)
	}
	_, err = db.Get(nil)
	require.Error(t, err)
	_, err = db.Has([]byte{})
	require.Error(t, err)
	require.NoError(t, db.Delete([]byte("x")))
}

func testStoreBatch(t *testing.T, db dbm.DB) {
	b := db.NewBatch()
	require.NoError(t, b.Set([]byte("b1"), []byte{1}))
	require.NoError(t, b.Set([]byte("b2"), []byte{2}))
	require.NoError(t, b.Delete([]byte("b1")))
	require.Error(t, b.Set(nil, []byte{1}))
	require.Error(t, b.Set([]byte("k"), nil))
	require.Error(t, b.Delete(nil))
	v, err := db.Get([]byte("b2"))
	require.NoError(t, err)
	require.Nil(t, v, "nothing is visible before the write")
	require.NoError(t, b.WriteSync())
	require.Error(t, b.Write())
	require.Error(t, b.Set([]byte("k"), []byte{1}))
	require.Error(t, b.Delete([]byte("k")))
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	v, err = db.Get([]byte("b2"))
	require.NoError(t, err)
	require.Equal(t, []byte{2}, v)
	require.NoError(t, db.Delete([]byte("b2")))
}

func testStoreIterators(t *testing.T, db dbm.DB) {
	for _, it := range []func(a, b []byte) (dbm.Iterator, error){db.Iterator, db.ReverseIterator} {
		_, err := it([]byte{}, nil)
		require.Error(t, err)
		_, err = it(nil, []byte{})
		require.Error(t, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 7, 255}), 1, 3)
		model := map[string]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			k := key.Draw(t, "key")
			model[string(k)] = true
			require.NoError(t, db.Set(k, []byte{1}))
		}
		var start, end []byte
		if rapid.Bool().Draw(t, "start") {
			start = key.Draw(t, "from")
		}
		if rapid.Bool().Draw(t, "end") {
			end = key.Draw(t, "to")
		}
		var want []string
		for k := range model {
			if (start == nil || bytes.Compare([]byte(k), start) >= 0) && (end == nil || bytes.Compare([]byte(k), end) < 0) {
				want = append(want, k)
			}
		}
		sort.Strings(want)
		it, err := db.Iterator(start, end)
		require.NoError(t, err)
		require.Equal(t, want, drain(t, it))
		it, err = db.ReverseIterator(start, end)
		require.NoError(t, err)
		sort.Sort(sort.Reverse(sort.StringSlice(want)))
		require.Equal(t, want, drain(t, it))
		for k := range model {
			require.NoError(t, db.Delete([]byte(k)))
		}
	})
}

func drain(t *rapid.T, it dbm.Iterator) (keys []string) {
	for ; it.Valid(); it.Next() {
		keys = append(keys, string(it.Key()))
		require.Equal(t, []byte{1}, it.Value())
	}
	require.NoError(t, it.Error())
	require.Panics(t, it.Next)
	require.NoError(t, it.Close())
	return keys
}

// What was synced is there after the store is opened again.
func TestStoreReopen(t *testing.T) {
	dir := t.TempDir()
	s, err := openStore(dir, 1<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, s.SetSync([]byte("k"), []byte("v")))
	require.NoError(t, s.Close())
	s, err = openStore(dir, 1<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.Close()
	v, err := s.Get([]byte("k"))
	require.NoError(t, err)
	require.Equal(t, "v", string(v))
}

// A closed store reads as empty: CometBFT's goroutines that are still about must not
// take the process down.
func TestStoreAfterClose(t *testing.T) {
	s, err := openStore(t.TempDir(), 1<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, s.SetSync([]byte("k"), []byte("v")))
	late := s.NewBatch()
	require.NoError(t, late.Set([]byte("k"), []byte("w")))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	v, err := s.Get([]byte("k"))
	require.NoError(t, err)
	require.Nil(t, v)
	ok, err := s.Has([]byte("k"))
	require.NoError(t, err)
	require.False(t, ok)
	it, err := s.Iterator(nil, nil)
	require.NoError(t, err)
	require.False(t, it.Valid())
	require.NoError(t, it.Close())
	require.ErrorIs(t, s.SetSync([]byte("k"), []byte("w")), errStoreClosed)
	require.ErrorIs(t, s.Delete([]byte("k")), errStoreClosed)
	require.ErrorIs(t, late.Write(), errStoreClosed)
	require.Error(t, s.NewBatch().Set([]byte("k"), []byte("v")))
	require.Empty(t, s.Stats())
}
