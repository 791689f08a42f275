package state

import (
	"bytes"
	"encoding/binary"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// rowHost is a host that knows storage alone.
type rowHost struct {
	abi.Host
	m map[string][]byte
}

func (r rowHost) Get(key []byte) ([]byte, bool) { v, ok := r.m[string(key)]; return v, ok }
func (r rowHost) Put(key, value []byte)         { r.m[string(key)] = bytes.Clone(value) }
func (r rowHost) Delete(key []byte)             { delete(r.m, string(key)) }

func (r rowHost) Scan(start, end []byte, limit uint32) (out []byte, more bool) {
	var keys []string
	for k := range r.m {
		if k >= string(start) && (end == nil || k < string(end)) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	if len(keys) > int(limit) {
		keys, more = keys[:limit], true
	}
	for _, k := range keys {
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(k))), k...)
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(r.m[k]))), r.m[k]...)
	}
	return out, more
}

func withRows(t *testing.T) rowHost {
	r := rowHost{m: make(map[string][]byte)}
	before := abi.Current
	abi.Current = r
	t.Cleanup(func() { abi.Current = before })
	return r
}

var ctx = new(contract.Ctx)

func TestLayout(t *testing.T) {
	r := withRows(t)
	NewItem[uint64]("total").Put(ctx, 7)
	NewMap[uint64, string]("byNumber").Put(ctx, 255, "x")
	NewMap[int64, bool]("bySigned").Put(ctx, -1, true)
	NewMap[contract.Hash, uint32]("byHash").Put(ctx, contract.Hash{0xAB}, 1)
	NewIndex[contract.Member, Pair[contract.Time, string]]("byOwner").Put(ctx, "a/b", Pair[contract.Time, string]{0, "k"})
	require.Equal(t, map[string][]byte{
		"total":                     []byte(`"7"`),
		"byNumber/00000000000000ff": []byte(`"x"`),
		"bySigned/7fffffffffffffff": []byte(`true`),
		"byHash/ab" + string(bytes.Repeat([]byte("0"), 62)): []byte(`1`),
		"byOwner/a/b\x001970-01-01T00:00:00Z\x00k":          []byte(`1`),
	}, r.m)
}

func TestKeyTooLong(t *testing.T) {
	withRows(t)
	m := NewMap[string, bool]("m")
	require.Panics(t, func() { m.Put(ctx, string(make([]byte, abi.MaxKeyBytes)), true) })
	require.Panics(t, func() { NewMap[bool, bool]("m") })
}

// Keys of pairs keep the order of their parts, whatever bytes these hold, and are
// read back as they were.
func TestPairOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringOfN(rapid.RuneFrom([]rune{0, 1, 'a', 0xFF, '世'}), 0, 4, -1)
		p := Pair[string, uint32]{part.Draw(t, "a"), rapid.Uint32().Draw(t, "b")}
		q := Pair[string, uint32]{part.Draw(t, "c"), rapid.Uint32().Draw(t, "d")}
		kp, kq := p.AppendKey(nil), q.AppendKey(nil)
		want := bytes.Compare([]byte(p.A), []byte(q.A))
		if want == 0 {
			want = int(min(1, max(-1, int64(p.B)-int64(q.B))))
		}
		require.Equal(t, want, bytes.Compare(kp, kq))
		var back Pair[string, uint32]
		require.True(t, back.DecodeKey(kp))
		require.Equal(t, p, back)
	})
}

func FuzzDecodeKey(f *testing.F) {
	f.Add([]byte("a\x00b\x00\xffc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Pair[string, string]
		if p.DecodeKey(b) {
			require.Equal(t, b, p.AppendKey(nil))
		}
	})
}

// Map and Index behave like a sorted map, over pages, ranges and batches.
func TestMapAgainstOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rowHost{m: make(map[string][]byte)}
		abi.Current = r
		defer func() { abi.Current = nil }()
		m, other := NewMap[uint32, uint64]("m"), NewMap[uint32, uint64]("m2")
		x := NewIndex[string, uint32]("x")
		oracle := map[uint32]uint64{}
		for range rapid.IntRange(0, 200).Draw(rt, "writes") {
			k := rapid.Uint32Range(0, 150).Draw(rt, "k")
			if rapid.Bool().Draw(rt, "delete") {
				delete(oracle, k)
				m.Delete(ctx, k)
				x.Delete(ctx, "p", k)
				continue
			}
			oracle[k] = uint64(k) * 3
			m.Put(ctx, k, oracle[k])
			x.Put(ctx, "p", k)
			other.Put(ctx, k, 0)
			x.Put(ctx, "p2", k)
		}
		var want []uint32
		for k := range oracle {
			want = append(want, k)
		}
		sort.Slice(want, func(i, j int) bool { return want[i] < want[j] })
		var got, listed []uint32
		m.Prefix(ctx, "", func(k uint32, v uint64) bool {
			require.Equal(rt, oracle[k], v)
			got = append(got, k)
			return true
		})
		require.Equal(rt, want, got)
		page := contract.Paging{Limit: rapid.Uint32Range(1, 100).Draw(rt, "limit")}
		for more := true; more; more = page.After != "" {
			keys, next := x.Page(ctx, "p", page)
			values := m.List(ctx, page)
			require.Len(rt, values.Items, len(keys))
			require.LessOrEqual(rt, len(keys), int(page.Size()))
			listed = append(listed, keys...)
			require.Equal(rt, next != "", values.Next != "")
			page.After = next
		}
		require.Equal(rt, want, listed)
		from, to := rapid.Uint32Range(0, 160).Draw(rt, "from"), rapid.Uint32Range(0, 160).Draw(rt, "to")
		var ranged, inRange []uint32
		x.Range(ctx, "p", from, to, func(k uint32) bool { ranged = append(ranged, k); return true })
		for _, k := range want {
			if k >= from && k < to {
				inRange = append(inRange, k)
			}
		}
		require.Equal(rt, inRange, ranged)
	})
}
