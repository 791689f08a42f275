package sm2fast

import (
	"sync"

	"github.com/emmansun/gmsm/sm3"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	combAfter = 2  // successes after which a key gets its comb
	wideAfter = 20 // and its wide window

	// keySize is what a remembered key with a comb takes, with map and list entries.
	keySize = combSize + 512
)

// tables are what a key has; none, the comb, or both.
type tables struct {
	comb *comb
	wide *window
}

// knownKey is a public key that has signed something.
type knownKey struct {
	point affine
	za    [32]byte

	// guarded by Verifier.mu; the tables themselves never change
	tables    tables
	successes int    // since it was remembered or last refused a window
	since     uint64 // the tick when that count began
	last      uint64 // the tick of its last success
	building  bool   // one goroutine is making a table
}

// Verifier verifies signatures made under one user id. It is safe for concurrent use.
type Verifier struct {
	idPrefix   []byte // ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG
	maxWindows int

	mu    sync.Mutex
	ticks uint64 // successes so far
	keys  *simplelru.LRU[[64]byte, *knownKey]
	wide  *simplelru.LRU[*knownKey, struct{}] // those with a window
	stats Stats
}

// Stats counts what a Verifier did and holds.
type Stats struct {
	Keys, Windows    int    // remembered keys, and how many of them have a window table
	Cold, Comb, Wide uint64 // successful verifications without a table, with the comb, with the window
	SizeBytes        int    // estimate of the memory held, without the table of the generator
}

// MinBudgetBytes is the smallest budget New accepts.
const MinBudgetBytes = 1 << 20

// New makes a Verifier for signatures under userID, at most 8191 bytes, that keeps
// tables of about budgetBytes at most (MinBudgetBytes if it is less): an eighth for keys
// and combs, the rest for window tables.
func New(userID []byte, budgetBytes int) *Verifier {
	budgetBytes = max(budgetBytes, MinBudgetBytes)
	v := &Verifier{idPrefix: idPrefix(userID), maxWindows: budgetBytes / 8 * 7 / wideSize}
	// The sizes are positive, so neither call fails.
	v.wide, _ = simplelru.NewLRU[*knownKey, struct{}](v.maxWindows, func(k *knownKey, _ struct{}) {
		k.tables.wide = nil
	})
	v.keys, _ = simplelru.NewLRU(budgetBytes/8/keySize, func(_ [64]byte, k *knownKey) {
		v.wide.Remove(k)
	})
	return v
}

// Verify reports whether sig is the signature r‖s of msg under the uncompressed key pub,
// 0x04‖X‖Y. It allocates nothing for a key that it knows and has the tables it will get.
func (v *Verifier) Verify(pub *[65]byte, msg, sig []byte) bool {
	if len(sig) != 64 || pub[0] != 4 {
		return false
	}
	parsed, ok := parseSignature((*[64]byte)(sig))
	if !ok {
		return false
	}
	xy := (*[64]byte)(pub[1:])
	key, tables := v.lookup(xy)
	if key == nil {
		return v.verifyUnknown(xy, msg, &parsed)
	}
	digest := messageDigest(&key.za, msg)
	if !verify(&key.point, tables, &digest, &parsed) {
		return false
	}
	v.succeeded(xy, key)
	return true
}

// verifyUnknown is the first use of a key, or of one that was forgotten.
func (v *Verifier) verifyUnknown(xy *[64]byte, msg []byte, sig *signature) bool {
	point, ok := parsePoint(xy)
	if !ok {
		return false
	}
	za := v.identityDigest(xy)
	digest := messageDigest(&za, msg)
	if !verify(&point, tables{}, &digest, sig) {
		return false
	}
	v.remember(xy, &point, &za)
	return true
}

func (v *Verifier) lookup(xy *[64]byte) (*knownKey, tables) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, ok := v.keys.Peek(*xy)
	if !ok {
		return nil, tables{}
	}
	return key, key.tables
}

func (v *Verifier) remember(xy *[64]byte, point *affine, za *[32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ticks++
	v.stats.Cold++
	if _, ok := v.keys.Peek(*xy); ok {
		return // another goroutine met it at the same time
	}
	v.keys.Add(*xy, &knownKey{point: *point, za: *za, successes: 1, since: v.ticks, last: v.ticks})
}

// succeeded counts a success and makes the table that the key has earned by it. The
// caller of that one success waits for the table, 0.05 or 0.2 ms; all others go on with
// what there is.
func (v *Verifier) succeeded(xy *[64]byte, key *knownKey) {
	switch v.count(xy, key) {
	case buildComb:
		c := newComb(&key.point)
		v.mu.Lock()
		defer v.mu.Unlock()
		key.tables.comb, key.building = c, false
	case buildWide:
		w := newWindow(&key.point, wideWindow)
		v.mu.Lock()
		defer v.mu.Unlock()
		key.building = false
		if now, _ := v.keys.Peek(*xy); now == key { // it may have been forgotten meanwhile
			key.tables.wide = w
			v.wide.Add(key, struct{}{})
		}
	}
}

type buildStep int

const (
	buildNothing buildStep = iota
	buildComb
	buildWide
)

func (v *Verifier) count(xy *[64]byte, key *knownKey) buildStep {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ticks++
	if now, _ := v.keys.Get(*xy); now != key {
		return buildNothing // forgotten meanwhile
	}
	key.last = v.ticks
	switch {
	case key.tables.wide != nil:
		v.stats.Wide++
		v.wide.Get(key)
		return buildNothing
	case key.tables.comb != nil:
		v.stats.Comb++
	default:
		v.stats.Cold++
	}
	key.successes++
	switch {
	case key.building:
		return buildNothing
	case key.tables.comb == nil && key.successes >= combAfter:
		key.building = true
		return buildComb
	case key.successes >= wideAfter && v.mayWiden(key):
		key.building = true
		return buildWide
	}
	return buildNothing
}

// mayWiden decides whether the key deserves a window table: if there is room, or if the
// table longest out of use was not used while this key had its twenty successes.
// Without this condition keys in rotation, more than fit, would build tables only to
// take them from one another. A refused key counts anew.
func (v *Verifier) mayWiden(key *knownKey) bool {
	victim, _, ok := v.wide.GetOldest()
	if !ok || v.wide.Len() < v.maxWindows || victim.last < key.since {
		return true
	}
	key.successes, key.since = combAfter, v.ticks
	return false
}

// Stats returns a snapshot.
func (v *Verifier) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.stats
	s.Keys, s.Windows = v.keys.Len(), v.wide.Len()
	s.SizeBytes = s.Keys*keySize + s.Windows*wideSize
	return s
}

// messageDigest is e = SM3(ZA ‖ M), GB/T 32918.2-2016 section 7.1 steps B3 and B4.
func messageDigest(za *[32]byte, msg []byte) (e [32]byte) {
	h := sm3.New()
	h.Write(za[:])
	h.Write(msg)
	h.Sum(e[:0])
	return e
}

// identityDigest is ZA = SM3(ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xA ‖ yA), section 5.5.
func (v *Verifier) identityDigest(xy *[64]byte) (za [32]byte) {
	h := sm3.New()
	h.Write(v.idPrefix)
	h.Write(xy[:])
	h.Sum(za[:0])
	return za
}
