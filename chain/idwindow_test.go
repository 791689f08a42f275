package chain

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func TestIDWindowForgetsWhatIsVoid(t *testing.T) {
	w := NewIDWindow()
	second := int64(1_000_000_000)
	for i := range 1000 {
		w.Add(int64(i)*second, hashes(i))
		require.True(t, w.Has(hashes(i)[0]))
	}
	require.LessOrEqual(t, w.Len(), 302)
	require.True(t, w.Has(hashes(999 - 300)[0]), "still replayable at the window's edge")
	require.False(t, w.Has(hashes(999 - 302)[0]))
}

func hashes(n int) []crypto.Hash { return []crypto.Hash{crypto.Sum(fmt.Append(nil, n))} }

// The window answers as a plain set of ids would, through growth, forgetting, idle times
// and numbers that wrap around.
func TestIDWindowEqualsSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewIDWindow()
		w.first = rapid.SampledFrom([]uint32{0, idChunk - 1, 1<<32 - 3, 1<<32 - idChunk}).Draw(t, "first")
		w.next = w.first
		type block struct {
			time int64
			ids  []crypto.Hash
		}
		var blocks []block
		now, serial := int64(1_700_000_000_000_000_000), 0
		for range rapid.IntRange(1, 40).Draw(t, "blocks") {
			now += int64(rapid.IntRange(0, 100).Draw(t, "seconds")) * 1_000_000_000
			b := block{time: now}
			for range rapid.SampledFrom([]int{0, 1, 7, 700}).Draw(t, "ids") {
				serial++
				b.ids = append(b.ids, hashes(serial)...)
			}
			w.Add(now, b.ids)
			blocks = append(blocks, b)
			held := 0
			for _, b := range blocks {
				void := b.time < types.WindowStart(now)
				for i := range b.ids {
					if w.Has(b.ids[i]) == void {
						t.Fatalf("id of %d at %d: void %v", b.time, now, void)
					}
				}
				if !void {
					held += len(b.ids)
				}
			}
			if w.Has(hashes(-1)[0]) || w.Len() != held {
				t.Fatalf("%d ids held, not %d, or one that never was", w.Len(), held)
			}
			if n := len(w.slots); n > idMinSlots && (16*held < n || 3*held > 2*n) || cap(w.chunks) > 0 && len(w.chunks) > held/idChunk+2 {
				t.Fatalf("%d ids in %d slots and %d chunks", held, n, len(w.chunks))
			}
		}
	})
}

// BenchmarkIDWindow is a block of 1,000 unused ids, asked for and added, against a full
// window; bytes are those that the window holds for an id.
func BenchmarkIDWindow(b *testing.B) {
	const window, perBlock = 900_000, 1000
	ids := make([]crypto.Hash, window+2*perBlock)
	for i := range ids {
		ids[i] = hashes(i)[0]
	}
	w := NewIDWindow()
	step := int64(types.Window) / (window / perBlock)
	n := int64(0)
	next := func() {
		at := int(n) % (len(ids) / perBlock) * perBlock
		list := ids[at : at+perBlock]
		for i := range list {
			if w.Has(list[i]) {
				b.Fatal("used")
			}
		}
		n++
		w.Add(n*step, list)
	}
	for range window / perBlock {
		next()
	}
	bytes := len(w.chunks)*idChunk*crypto.HashSize + 8*len(w.slots)
	for b.Loop() {
		next()
	}
	b.ReportMetric(float64(bytes)/float64(window), "B/id")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/perBlock, "ns/id")
}
