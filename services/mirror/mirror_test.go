package mirror

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// covers: T.02
func TestFollow(t *testing.T) {
	places(t, func(t *testing.T, at Place) {
		w := newWorld(t)
		story(w, 23)
		m := w.follow(at)
		st := w.await(m)
		require.Equal(t, "following", st.State)
		require.Equal(t, uint64(23), st.Height)
		require.Equal(t, w.blocks[22].Header.Hash(), st.Hash)

		story(w, 3) // the same permits again: they change
		w.await(m)
		v, err := m.Verify(t.Context(), t.TempDir())
		require.NoError(t, err)
		require.True(t, v.Equal, v.Differ)
		require.Equal(t, map[string]uint64{"block": 26, "tx": 56, "event": 26, "activity": 56, "record": 23}, v.Rows)

		s, _, err := m.opened(t.Context())
		require.NoError(t, err)
		_, err = s.w.Exec("UPDATE record SET updated_at = updated_at + 1 WHERE key = 'P-010'")
		require.NoError(t, err)
		v, err = m.Verify(t.Context(), t.TempDir())
		require.NoError(t, err)
		require.False(t, v.Equal, "an altered row")
		require.Contains(t, v.Differ, "P-010")

		require.NoError(t, w.mirror(at).Rebuild(t.Context()), "by another process")
		require.Eventually(t, func() bool {
			v, err := m.Verify(t.Context(), t.TempDir())
			return err == nil && v.Equal && v.Height == 26
		}, 30*time.Second, 20*time.Millisecond, "what was altered is made good")
	})
}

// TestRebuiltUnderLoad: the database is deleted while the chain goes on, and filled anew
// to the same content.
//
// covers: T.02
func TestRebuiltUnderLoad(t *testing.T) {
	w := newWorld(t)
	story(w, 30)
	dir := t.TempDir()
	m := w.follow(Place{Dir: dir})
	w.await(m)
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		for n := 0; n < 40 && ctx.Err() == nil; n++ {
			story(w, 1)
		}
	}()
	for _, f := range []string{DatabaseFile, DatabaseFile + "-wal", DatabaseFile + "-shm"} {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, f)))
	}
	<-loaded
	cancel()
	w.await(m)
	v, err := m.Verify(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.True(t, v.Equal, v.Differ)
	require.Equal(t, uint64(70), v.Height)
	require.FileExists(t, filepath.Join(dir, DatabaseFile))
}

// TestRestart: each batch is written with its height, so a mirror that was cut off at any
// point goes on where its database stands, and two that write to one database do not
// write a block twice.
func TestRestart(t *testing.T) {
	places(t, func(t *testing.T, at Place) {
		w := newWorld(t)
		story(w, 40)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			w.mirror(at).Run(ctx)
			cancel()
		}
		a, b := w.follow(at), w.follow(at)
		w.await(a)
		w.await(b)
		v, err := a.Verify(t.Context(), t.TempDir())
		require.NoError(t, err)
		require.True(t, v.Equal, v.Differ)
	})
}

// covers: T.02
func TestLyingNode(t *testing.T) {
	alter := func(list func(c *proof.Contents) [][]byte) func(uint64, *proof.Contents) {
		return func(_ uint64, c *proof.Contents) {
			it := list(c)[0]
			it[len(it)-1] ^= 1
		}
	}
	for name, lie := range map[string]func(uint64, *proof.Contents){
		"transaction": alter(func(c *proof.Contents) [][]byte { return c.Txs }),
		"receipt":     alter(func(c *proof.Contents) [][]byte { return c.Receipts }),
		"event":       alter(func(c *proof.Contents) [][]byte { return c.Events }),
		"row":         func(_ uint64, c *proof.Contents) { c.Writes[0].Value = []byte(`{"permit":"P-666"}`) },
		"left out":    func(_ uint64, c *proof.Contents) { c.Writes = c.Writes[1:] },
		"content":     func(_ uint64, c *proof.Contents) { c.Content.EventCount++ },
		"own chain": func(_ uint64, c *proof.Contents) { // true to its own header, which nobody attests
			c.Events = nil
			seal(c)
		},
		"other height": func(_ uint64, c *proof.Contents) { c.Header.Height++; seal(c) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			story(w, 5)
			m := w.follow(Place{Dir: t.TempDir()})
			w.await(m)
			w.mu.Lock()
			w.lie = lie
			w.mu.Unlock()
			story(w, 1)
			require.Eventually(t, func() bool {
				st, err := m.Status(t.Context())
				return err == nil && st.State == "refusing" && st.Error.Code == types.CodeMirrorSource.String()
			}, 10*time.Second, time.Millisecond)
			st, err := m.Status(t.Context())
			require.NoError(t, err)
			require.Contains(t, st.Error.Detail, w.Name(), "the node is named")
			require.Equal(t, uint64(5), st.Height, "nothing of it was written")
			w.mu.Lock()
			w.lie = nil
			w.mu.Unlock()
			require.Equal(t, "following", w.await(m).State, "an honest node is followed")
		})
	}
}

// TestChainRestartedBelow: a node that has fewer blocks than the mirror catches up with it, and
// is waited for; a chain that its validators restarted below the mirror's newest block is
// refused until the mirror is made anew. What was given up is not shown as the chain's.
//
// covers: T.12
func TestChainRestartedBelow(t *testing.T) {
	w := newWorld(t)
	story(w, 9)
	m := w.follow(Place{Dir: t.TempDir()})
	w.await(m)
	w.mu.Lock()
	w.blocks = w.blocks[:4:4]
	w.mu.Unlock()
	s, tip, err := m.opened(t.Context())
	require.NoError(t, err)
	require.NoError(t, m.idle(t.Context(), s, w, tip), "it catches up")
	w.block(did{method: "apply"})
	err = m.idle(t.Context(), s, w, tip)
	require.Equal(t, types.CodeMirrorSource, types.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "its block 5 is ")
	w.block(did{method: "apply"})
	require.Eventually(t, func() bool {
		st, err := m.Status(t.Context())
		return err == nil && st.State == "refusing" && strings.Contains(st.Error.Detail, "block 6 does not follow block 5")
	}, 2*time.Minute, 5*time.Millisecond)
	require.NoError(t, m.Rebuild(t.Context()))
	require.Eventually(t, func() bool {
		st, err := m.Status(t.Context())
		return err == nil && st.Height == 6 && st.Error == nil
	}, 2*time.Minute, 5*time.Millisecond)
}

// TestHostileRecords: contracts store what databases have no place for; the mirror goes on.
func TestHostileRecords(t *testing.T) {
	places(t, func(t *testing.T, at Place) {
		w := newWorld(t)
		puts := map[string]string{}
		for i, v := range []string{
			`{"permit":"a\u0000b"}`, `{"permit":"\ud800"}`, "{\"permit\":\"\xff\xfe\"}", `{"fee":1e999999}`, `{"fee":123456789012345678901234567890123456789012345}`,
			`{"permit":` + nested(500) + `}`, `{"permit":"x","permit":"y"}`, `{"\u0000":1}`, `{"permit":"';DROP TABLE record;--"}`, `{`, `"text"`, `{} {}`, `{}]`,
		} {
			puts[fmt.Sprintf("permit/H-%02d", i)] = v
		}
		puts["permit/\x00\xff"], puts["permit/0xab"], puts["permit"] = `{"permit":"key"}`, `{"permit":"hex"}`, `{"permit":"item"}`
		w.block(did{method: "apply", event: "a\u0001", data: "\xff not JSON", puts: puts})
		m := w.follow(at)
		w.await(m)
		v, err := m.Verify(t.Context(), t.TempDir())
		require.NoError(t, err)
		require.True(t, v.Equal, v.Differ)
		require.Equal(t, uint64(11), v.Rows["record"])
	})
}

func nested(n int) (s string) {
	for range n {
		s += "["
	}
	for range n {
		s += "]"
	}
	return s
}

// TestOtherChain: a database is filled from one chain alone.
func TestOtherChain(t *testing.T) {
	w := newWorld(t)
	story(w, 2)
	at := Place{Dir: t.TempDir()}
	w.await(w.follow(at))
	w.genesis[0] ^= 1
	st, err := w.mirror(at).Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, "failing", st.State)
	require.Equal(t, types.CodeMirrorDatabase.String(), st.Error.Code)
}

// BenchmarkApply: rows of a block of 100 evidence-like calls.
func BenchmarkApply(b *testing.B) {
	w := newWorld(b)
	const txs = 100
	for i := range b.N {
		var calls []did
		for j := range txs {
			id := fmt.Sprintf("P-%d-%d", i, j)
			p := permit(id, "S-1", "1", "draft", "某某路段临时占道施工许可申请")
			calls = append(calls, did{method: "apply", event: "decided", data: p, puts: map[string]string{"permit/" + id: p}})
		}
		w.block(calls...)
	}
	m := w.mirror(Place{Dir: b.TempDir()})
	s, at, err := m.opened(b.Context())
	require.NoError(b, err)
	require.NoError(b, m.index(b.Context(), s, w))
	b.ResetTimer()
	for i := range b.N {
		batch := newBatch()
		require.NoError(b, batch.add(w.blocks[i]))
		at, err = s.apply(b.Context(), batch, at)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*txs), "µs/tx")
}
