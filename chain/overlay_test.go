package chain

import (
	"fmt"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// mapState is a naive State over sorted keys.
type mapState map[string]string

func (m mapState) Get(ns string, key []byte) ([]byte, bool, error) {
	v, ok := m[ns+"\x00"+string(key)]
	return []byte(v), ok, nil
}

func (m mapState) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	for _, k := range m.keys(ns, start, end) {
		if !fn([]byte(k), []byte(m[ns+"\x00"+k])) {
			return nil
		}
	}
	return nil
}

func (m mapState) keys(ns string, start, end []byte) []string {
	var out []string
	for k := range m {
		if len(k) > len(ns) && k[:len(ns)+1] == ns+"\x00" {
			if rest := k[len(ns)+1:]; rest >= string(start) && (end == nil || rest < string(end)) {
				out = append(out, rest)
			}
		}
	}
	sort.Strings(out)
	return out
}

// The overlay must read, scan, revert and report exactly as a map that is copied at each mark.
func TestOverlayAgainstMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a", "ab", "b"})
		key := rapid.Custom(func(t *rapid.T) []byte {
			return fmt.Appendf(nil, "%d", rapid.IntRange(0, 20).Draw(t, "k"))
		})
		base := mapState{}
		for range rapid.IntRange(0, 30).Draw(t, "base") {
			base[name.Draw(t, "ns")+"\x00"+string(key.Draw(t, "key"))] = "base"
		}
		o := newOverlay(base)
		model := clone(base)
		type saved struct {
			mark  int
			model mapState
		}
		var marks []saved
		for range rapid.IntRange(0, 60).Draw(t, "ops") {
			ns, k := name.Draw(t, "ns"), key.Draw(t, "key")
			switch rapid.IntRange(0, 5).Draw(t, "op") {
			case 0, 1:
				v := rapid.StringN(0, 3, -1).Draw(t, "v")
				o.put(ns, k, []byte(v), 1)
				model[ns+"\x00"+string(k)] = v
			case 2:
				require.NoError(t, o.remove(ns, k, 1))
				delete(model, ns+"\x00"+string(k))
			case 3:
				marks = append(marks, saved{o.mark(), clone(model)})
			case 4:
				if n := len(marks); n > 0 {
					o.revert(marks[n-1].mark)
					model = marks[n-1].model
					marks = marks[:n-1]
				}
			case 5:
				v, found, err := o.Get(ns, k)
				require.NoError(t, err)
				want, ok := model[ns+"\x00"+string(k)]
				require.Equal(t, ok, found)
				if ok {
					require.Equal(t, want, string(v))
				}
			}
			start := key.Draw(t, "start")
			var end []byte
			if rapid.Bool().Draw(t, "bounded") {
				end = key.Draw(t, "end")
			}
			limit := rapid.IntRange(1, 30).Draw(t, "limit")
			var got []string
			require.NoError(t, o.Scan(ns, start, end, func(k, v []byte) bool {
				got = append(got, string(k)+"="+string(v))
				return len(got) < limit
			}))
			var want []string
			for _, k := range model.keys(ns, start, end) {
				if len(want) < limit {
					want = append(want, k+"="+model[ns+"\x00"+k])
				}
			}
			require.Equal(t, want, got)
		}
		writes, err := o.writes()
		require.NoError(t, err)
		after := clone(base)
		for i, w := range writes {
			if i > 0 {
				require.Less(t, joinKey(writes[i-1].NS, writes[i-1].Key), joinKey(w.NS, w.Key))
			}
			if w.Delete {
				require.Contains(t, after, joinKey(w.NS, w.Key), "a tombstone for what never was")
				delete(after, joinKey(w.NS, w.Key))
			} else {
				after[joinKey(w.NS, w.Key)] = string(w.Value)
			}
		}
		require.Equal(t, model, after)
	})
}

func clone(m mapState) mapState {
	c := mapState{}
	for k, v := range m {
		c[k] = v
	}
	return c
}
