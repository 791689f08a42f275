// Package chaintest builds chains for tests: organisations with certificate authorities,
// members with keys, a genesis, and state in memory.
package chaintest

import (
	"sort"
	"strings"
	"sync"

	"github.com/huchain/huchain/types"
)

// State is chain state in memory; it satisfies chain.State. Reads may run beside one
// another, Apply excludes them.
type State struct {
	mu   sync.RWMutex
	rows map[string][]byte // ns ‖ 0x00 ‖ key
}

// NewState returns an empty state.
func NewState() *State { return &State{rows: map[string][]byte{}} }

// Get returns a copy of a value.
func (s *State) Get(ns string, key []byte) ([]byte, bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.rows[ns+"\x00"+string(key)]
	return append([]byte(nil), v...), ok, nil
}

// Scan walks [start, end) of a namespace in ascending order.
func (s *State) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	s.mu.RLock()
	var keys []string
	prefix := ns + "\x00"
	for k := range s.rows {
		if rest, ok := strings.CutPrefix(k, prefix); ok && rest >= string(start) && (end == nil || rest < string(end)) {
			keys = append(keys, rest)
		}
	}
	s.mu.RUnlock()
	sort.Strings(keys)
	for _, k := range keys {
		v, _, _ := s.Get(ns, []byte(k))
		if !fn([]byte(k), v) {
			return nil
		}
	}
	return nil
}

// Apply makes the writes of a block part of the state.
func (s *State) Apply(writes []types.Write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range writes {
		k := w.NS + "\x00" + string(w.Key)
		if w.Delete {
			delete(s.rows, k)
		} else {
			s.rows[k] = append([]byte(nil), w.Value...)
		}
	}
}

// Len returns the number of rows.
func (s *State) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.rows)
}
