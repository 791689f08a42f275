package chain

import (
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// verifier checks signatures and remembers which ones held. Only the mathematics is
// remembered, under the hash of the complete transaction bytes and the very keys used,
// so a signature pasted onto a known body, or another key for a known sender, is a new
// question. Failures are not remembered: they would let anyone flush the cache.
type verifier struct {
	workers int
	limit   int // entries per generation

	mu    sync.Mutex
	young map[verifiedKey]struct{}
	old   map[verifiedKey]struct{}
}

type verifiedKey struct {
	leaf   crypto.Hash      // SM3 of the complete bytes
	sender crypto.PublicKey // key of the first signature
	others crypto.Hash      // SM3 of the co-signers' keys, zero without any
}

func newVerifier(workers, entries int) *verifier {
	return &verifier{workers: workers, limit: (entries + 1) / 2,
		young: map[verifiedKey]struct{}{}, old: map[verifiedKey]struct{}{}}
}

// verify checks all signatures of tx under keys: the sender's, then the co-signers'.
func (v *verifier) verify(tx *types.Tx, keys []crypto.PublicKey) bool {
	if len(keys) != len(tx.Signatures) || len(keys) == 0 {
		return false
	}
	id := verifiedKey{leaf: tx.Leaf(), sender: keys[0]}
	if len(keys) > 1 {
		parts := make([][]byte, 0, len(keys)-1)
		for i := range keys[1:] {
			parts = append(parts, keys[1+i][:])
		}
		id.others = crypto.Sum(parts...)
	}
	if v.known(id) {
		return true
	}
	for i := range keys {
		if !keys[i].Verify(tx.BodyBytes, tx.Signatures[i]) {
			return false
		}
	}
	v.remember(id)
	return true
}

func (v *verifier) known(id verifiedKey) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.young[id]; ok {
		return true
	}
	_, ok := v.old[id]
	return ok
}

func (v *verifier) remember(id verifiedKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.young) >= v.limit {
		v.old, v.young = v.young, make(map[verifiedKey]struct{}, v.limit)
	}
	v.young[id] = struct{}{}
}

// verifyAll checks many transactions side by side and returns the index of the first
// whose signatures do not hold, or -1.
func (v *verifier) verifyAll(txs []*types.Tx, keys [][]crypto.PublicKey) int {
	bad := make([]int, v.workers)
	var wg sync.WaitGroup
	for w := range v.workers {
		wg.Add(1)
		//lint:deterministic each worker fills its own slot; the smallest index is taken after all are done
		go func() {
			defer wg.Done()
			bad[w] = -1
			for i := w; i < len(txs); i += v.workers {
				if !v.verify(txs[i], keys[i]) {
					bad[w] = i
					return
				}
			}
		}()
	}
	wg.Wait()
	first := -1
	for _, b := range bad {
		if b >= 0 && (first < 0 || b < first) {
			first = b
		}
	}
	return first
}
