package chain

import (
	"bytes"
	"slices"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// verifier checks signatures and remembers transactions whose signatures held, decoded,
// until a block settles them. Only what depends on nothing but the bytes is remembered, and
// with it the very keys that were used: a signature pasted onto a known body, or another
// key for a known sender, is a new question. Failures are not remembered: they would let
// anyone flush the cache.
type verifier struct {
	workers  int
	maxTxs   int // per generation
	maxBytes int // of their transactions

	mu         sync.Mutex
	young, old map[tail]*verified
	bytes      int // of young
}

// verified is a transaction whose signatures hold under keys.
type verified struct {
	tx   *types.Tx
	keys []crypto.PublicKey // of the sender and the co-signers
}

// tail is the end of a transaction, half of its last signature, which is as good as random:
// finding a transaction by it costs no hash. Those with the same end push one another out.
type tail [16]byte

func tailOf(raw []byte) (t tail) {
	copy(t[:], raw[max(0, len(raw)-len(t)):])
	return t
}

func newVerifier(workers, txs, bytes int) *verifier {
	return &verifier{workers: workers, maxTxs: (txs + 1) / 2, maxBytes: (bytes + 1) / 2,
		young: map[tail]*verified{}, old: map[tail]*verified{}}
}

// verify checks all signatures of tx under keys: the sender's, then the co-signers'.
func (v *verifier) verify(tx *types.Tx, keys []crypto.PublicKey) bool {
	if len(keys) != len(tx.Signatures) || len(keys) == 0 {
		return false
	}
	if v.knows(tx, keys) {
		return true
	}
	for i := range keys {
		if !keys[i].Verify(tx.BodyBytes, tx.Signatures[i]) {
			return false
		}
	}
	v.remember(&verified{tx, keys})
	return true
}

// knows reports whether the signatures of tx were found to hold under keys before.
func (v *verifier) knows(tx *types.Tx, keys []crypto.PublicKey) bool {
	known := v.find(tx.Bytes())
	return known != nil && slices.Equal(known.keys, keys)
}

// verifyEach is verify of several transactions, at less cost each; nil ones do not hold.
func (v *verifier) verifyEach(txs []*types.Tx, keys [][]crypto.PublicKey) []bool {
	good := make([]bool, len(txs))
	checks := make([]crypto.Check, 0, len(txs))
	of := make([]int, 0, len(txs)) // per check, the transaction
	for i, tx := range txs {
		if tx == nil || len(keys[i]) != len(tx.Signatures) || len(keys[i]) == 0 {
			continue
		}
		if good[i] = true; v.knows(tx, keys[i]) {
			continue
		}
		for k := range keys[i] {
			checks = append(checks, crypto.Check{Pub: (*[crypto.PublicKeySize]byte)(&keys[i][k]), Msg: tx.BodyBytes, Sig: tx.Signatures[k]})
			of = append(of, i)
		}
	}
	held := make([]bool, len(checks))
	crypto.VerifyEach(checks, held)
	for n, ok := range held {
		good[of[n]] = good[of[n]] && ok
	}
	for n, i := range of {
		if good[i] && (n == 0 || of[n-1] != i) {
			v.remember(&verified{txs[i], keys[i]})
		}
	}
	return good
}

// find returns what is remembered of a transaction, by its complete bytes.
func (v *verifier) find(raw []byte) *verified {
	at := tailOf(raw)
	v.mu.Lock()
	known := v.young[at]
	if known == nil {
		known = v.old[at]
	}
	v.mu.Unlock()
	if known == nil || !bytes.Equal(known.tx.Bytes(), raw) {
		return nil
	}
	return known
}

func (v *verifier) remember(known *verified) {
	raw := known.tx.Bytes()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.young) >= v.maxTxs || v.bytes >= v.maxBytes {
		v.old, v.young, v.bytes = v.young, map[tail]*verified{}, 0
	}
	v.young[tailOf(raw)] = known
	v.bytes += len(raw)
}

// forget drops transactions that no block will hold any more.
func (v *verifier) forget(raws [][]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, raw := range raws {
		at := tailOf(raw)
		if _, ok := v.young[at]; ok {
			delete(v.young, at)
			v.bytes -= len(raw)
		}
		delete(v.old, at)
	}
}

// verifyGroup is how many transactions a worker verifies at a time.
const verifyGroup = 64

// verifyAll checks the transactions at some indices, ascending, side by side and returns the
// first index whose signatures do not hold, or -1.
func (v *verifier) verifyAll(indices []int, txs []*types.Tx, keys [][]crypto.PublicKey) int {
	if len(indices) == 0 {
		return -1
	}
	bad := make([]int, v.workers)
	var wg sync.WaitGroup
	for w := range v.workers {
		wg.Add(1)
		//lint:deterministic each worker fills its own slot; the smallest index is taken after all are done
		go func() {
			defer wg.Done()
			bad[w] = -1
			for from := w * verifyGroup; from < len(indices); from += v.workers * verifyGroup {
				if bad[w] = v.firstBad(indices[from:min(from+verifyGroup, len(indices))], txs, keys); bad[w] >= 0 {
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

// firstBad is verifyAll of a few by one worker.
func (v *verifier) firstBad(indices []int, txs []*types.Tx, keys [][]crypto.PublicKey) int {
	group, groupKeys := make([]*types.Tx, len(indices)), make([][]crypto.PublicKey, len(indices))
	for n, i := range indices {
		group[n], groupKeys[n] = txs[i], keys[i]
	}
	if n := slices.Index(v.verifyEach(group, groupKeys), false); n >= 0 {
		return indices[n]
	}
	return -1
}
