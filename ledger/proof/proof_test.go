package proof

import (
	"encoding/json"
	"flag"
	"math/rand"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

var mutations = flag.Int("mutations", 100_000, "number of altered proofs to try; a tenth with -short")

// tries is the number of altered proofs to try.
func tries() int {
	if testing.Short() {
		return *mutations / 10
	}
	return *mutations
}

func sorted(m map[string]*Proof) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// rfc6962 is the recursive definition of the list root.
func rfc6962(items []crypto.Hash) crypto.Hash {
	switch len(items) {
	case 0:
		return crypto.Hash{}
	case 1:
		return crypto.Sum([]byte{0}, items[0][:])
	}
	k := 1
	for 2*k < len(items) {
		k *= 2
	}
	l, r := rfc6962(items[:k]), rfc6962(items[k:])
	return crypto.Sum([]byte{1}, l[:], r[:])
}

func TestListProofs(t *testing.T) {
	var items []crypto.Hash
	for n := range 70 {
		require.Equal(t, rfc6962(items), ListRoot(items))
		for i := range items {
			p, err := ProveList(items, i)
			require.NoError(t, err)
			require.NoError(t, p.Verify(ListRoot(items), uint64(n), items[i]))
			require.Error(t, p.Verify(ListRoot(items), uint64(n), crypto.Hash{1}))
			require.Error(t, p.Verify(ListRoot(items), uint64(n)+1, items[i]))
		}
		items = append(items, crypto.Sum([]byte{byte(n)}))
	}
	_, err := ProveList(items, len(items))
	require.Error(t, err)
}

func TestContentPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Content
		raw := rapid.SliceOfN(rapid.Byte(), ContentSize, ContentSize).Draw(t, "bytes")
		c, err := DecodeContent(raw)
		require.NoError(t, err)
		require.Equal(t, raw, c.Encode())
		leaves := c.leaves()
		for i := range leaves {
			p, err := c.Prove(i)
			require.NoError(t, err)
			require.Equal(t, c.Root(), p.root(i, leaves[i]))
			require.NotEqual(t, c.Root(), p.root(i^1, leaves[i]))
		}
	})
	_, err := DecodeContent(make([]byte, ContentSize-1))
	require.Error(t, err)
}

// covers: T.09
func TestProofsVerifyOffline(t *testing.T) {
	for _, size := range []int{60, 200} {
		w := newWorld(t, size, 9)
		all := w.samples(t)
		for _, name := range sorted(all) {
			p := all[name]
			require.NoError(t, p.Verify(w.trust), name)
			require.True(t, w.true(p), name)

			compact, err := p.Encode()
			require.NoError(t, err)
			again, err := Decode(compact)
			require.NoError(t, err)
			require.NoError(t, again.Verify(w.trust))
			twice, err := again.Encode()
			require.NoError(t, err)
			require.Equal(t, compact, twice)

			file, err := json.MarshalIndent(p, "", "  ")
			require.NoError(t, err)
			var read Proof
			require.NoError(t, json.Unmarshal(file, &read), name)
			require.NoError(t, read.Verify(w.trust))
			twice, err = read.Encode()
			require.NoError(t, err)
			require.Equal(t, compact, twice)
		}
	}
}

// covers: T.09
func TestProofsAreBoundToChainHeightAndSigners(t *testing.T) {
	w := newWorld(t, 60, 5)
	p := w.proveState("record/1")
	other := w.trust
	other.Genesis = crypto.Hash{1}
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(p.Verify(other)))
	other = w.trust
	other.Validators = append(types.ValidatorSet(nil), w.trust.Validators...)
	other.Validators[0].Power = 11
	require.Error(t, p.Verify(other))

	later := newWorld(t, 60, 5)
	r := later.rows["record/1"]
	r.value = []byte("changed")
	later.rows["record/1"] = r
	later.seal(t)
	stale := *p
	stale.Header, stale.Certificate = later.header, later.cert
	require.Error(t, stale.Verify(w.trust), "a state proof holds at its own height only")

	few := *p
	few.Certificate.Signatures = few.Certificate.Signatures[:2]
	require.Error(t, few.Verify(w.trust), "two of four signatures")
	two := *p
	two.Tx = w.proveItem(t, LeafTxs, 0).Tx
	require.Error(t, two.Verify(w.trust), "two facts")
	require.Error(t, (&Proof{Header: w.header, Certificate: w.cert, Signers: w.trust.Validators}).Verify(w.trust), "no fact")
}

// reseal gives altered bytes a fitting checksum, as a forger would.
func reseal(b []byte) []byte {
	sum := crypto.Sum(b[:len(b)-sealSize])
	copy(b[len(b)-sealSize:], sum[:])
	return b
}

// mutate truncates, extends, swaps stretches of the size of a hash, or flips bits.
func mutate(rng *rand.Rand, b []byte) []byte {
	switch rng.Intn(10) {
	case 0:
		if n := rng.Intn(len(b)); rng.Intn(2) == 0 {
			return b[:n]
		} else {
			return append(b, b[:n]...)
		}
	case 1:
		i, j := rng.Intn(len(b)-64), rng.Intn(len(b)-64)
		var tmp [32]byte
		copy(tmp[:], b[i:])
		copy(b[i:i+32], b[j:j+32])
		copy(b[j:j+32], tmp[:])
	default:
		for range 1 + rng.Intn(3) {
			b[rng.Intn(len(b))] ^= 1 << rng.Intn(8)
		}
	}
	return b
}

// covers: T.09
func TestAlteredProofsAreRefused(t *testing.T) {
	w := newWorld(t, 300, 13)
	all := w.samples(t)
	names := sorted(all)
	rng := rand.New(rand.NewSource(7))
	decoded := 0
	for i := range tries() {
		compact, err := all[names[i%len(names)]].Encode()
		require.NoError(t, err)
		original := string(compact)
		compact = mutate(rng, compact)
		if string(compact) == original {
			continue
		}
		_, err = Decode(compact)
		require.Error(t, err, "altered bytes must not decode")
		if len(compact) < sealSize {
			continue
		}
		p, err := Decode(reseal(compact))
		if err != nil || string(compact) == original {
			continue
		}
		decoded++
		if p.Verify(w.trust) == nil {
			require.True(t, w.true(p), "mutation %d made a proof of something untrue", i)
		}
	}
	t.Logf("%d of %d altered proofs decoded with a forged checksum; none proved an untruth", decoded, tries())
}

// bend alters what a proof is made of, as a forger who knows its form would: siblings
// swapped, left out, repeated or taken from another proof, another place, another leaf.
func bend(rng *rand.Rand, p *Proof, other *Proof, leaves []leafPair) {
	hashes := func(p *Proof) *[]crypto.Hash {
		switch {
		case p.State != nil:
			return &p.State.Proof.Siblings
		case p.Tx != nil:
			return &p.Tx.List.Siblings
		case p.Receipt != nil:
			return &p.Receipt.List.Siblings
		case p.Write != nil:
			return &p.Write.List.Siblings
		}
		return &p.Event.List.Siblings
	}
	s, o := hashes(p), hashes(other)
	n := len(*s)
	switch k := rng.Intn(8); {
	case k == 0 && n > 1:
		i, j := rng.Intn(n), rng.Intn(n)
		(*s)[i], (*s)[j] = (*s)[j], (*s)[i]
	case k == 1 && n > 0:
		i := rng.Intn(n)
		*s = append((*s)[:i], (*s)[i+1:]...)
	case k == 2 && n > 0:
		i := rng.Intn(n)
		*s = append((*s)[:i+1], (*s)[i:]...)
	case k == 3 && n > 0 && len(*o) > 0:
		(*s)[rng.Intn(n)] = (*o)[rng.Intn(len(*o))]
	case k == 4:
		i, j := rng.Intn(len(p.Path)), rng.Intn(len(p.Path))
		p.Path[i], p.Path[j] = p.Path[j], p.Path[i]
	case p.State != nil && k < 7: // a foreign leaf, or none, where the path ends
		l := leaves[rng.Intn(len(leaves))]
		st := &p.State.Proof
		st.Ends, st.ForeignKey, st.ForeignValue = Terminal(rng.Intn(4)), l.kh, l.vh
		if rng.Intn(2) == 0 {
			st.ForeignKey = StateKeyHash(p.State.NS, p.State.Key)
			st.ForeignKey[31] ^= byte(rng.Intn(256))
		}
		st.Siblings = st.Siblings[:rng.Intn(len(st.Siblings)+1)]
	case p.State != nil:
		p.State.Key = other.keyOr(p.State.Key)
	case k == 5:
		p.list().Index = uint64(rng.Intn(int(p.list().Count) + 1))
	default:
		p.list().Count += uint64(rng.Intn(3)) - 1
	}
}

func (p *Proof) keyOr(key []byte) []byte {
	if p.State != nil {
		return p.State.Key
	}
	return append(append([]byte{}, key...), '0')
}

func (p *Proof) list() *ListProof {
	switch {
	case p.Tx != nil:
		return &p.Tx.List
	case p.Receipt != nil:
		return &p.Receipt.List
	case p.Write != nil:
		return &p.Write.List
	}
	return &p.Event.List
}

// TestBentProofsAreRefused: none is accepted but those that came out as they were, or true
// (absence of one key shows that of its neighbours).
//
// covers: T.09
func TestBentProofsAreRefused(t *testing.T) {
	w := newWorld(t, 300, 13)
	all, leaves := w.samples(t), w.leaves()
	names := sorted(all)
	rng := rand.New(rand.NewSource(9))
	fresh := func(name string) *Proof {
		b, err := all[name].Encode()
		require.NoError(t, err)
		p, err := Decode(b)
		require.NoError(t, err)
		return p
	}
	refused := 0
	for i := range tries() {
		p := fresh(names[i%len(names)])
		before, err := p.Encode()
		require.NoError(t, err)
		bend(rng, p, fresh(names[rng.Intn(len(names))]), leaves)
		if p.VerifyContent() != nil {
			refused++
			continue
		}
		after, err := p.Encode()
		require.NoError(t, err)
		require.True(t, string(before) == string(after) || w.true(p), "try %d proved an untruth", i)
	}
	require.Greater(t, refused, tries()/2)
	t.Logf("%d of %d bent proofs refused; the others are as they were, or true", refused, tries())
}

// covers: T.09
func TestForgedAbsenceIsRefused(t *testing.T) {
	w := newWorld(t, 300, 3)
	leaves := w.leaves()
	tried := 0
	for key, r := range w.rows {
		honest := w.proveState(key)
		sib := honest.State.Proof.Siblings
		for depth := 0; depth <= len(sib); depth++ {
			forged := *honest
			forged.State = &StatePart{NS: testNS, Key: []byte(key), Proof: StateProof{Siblings: sib[:depth], Ends: EndsEmpty}}
			require.Error(t, forged.VerifyContent())
			for _, l := range []leafPair{leaves[tried%len(leaves)], {honest.State.Proof.ForeignKey, r.hash()}, {StateKeyHash(testNS, []byte(key)), r.hash()}} {
				forged.State.Proof = StateProof{Siblings: sib[:depth], Ends: EndsForeign, ForeignKey: l.kh, ForeignValue: l.vh}
				require.Error(t, forged.VerifyContent())
				tried++
			}
			// A foreign key hash bent onto the path with the real leaf's value: the leaf
			// hash is rebuilt from both hashes, so this cannot reach the root.
			bent := StateKeyHash(testNS, []byte(key))
			bent[31] ^= 1
			forged.State.Proof = StateProof{Siblings: sib[:depth], Ends: EndsForeign, ForeignKey: bent, ForeignValue: r.hash()}
			require.Error(t, forged.VerifyContent())
		}
	}
	require.Greater(t, tried, 1000)
}

func TestAlteredJSONIsRefused(t *testing.T) {
	w := newWorld(t, 40, 5)
	all := w.samples(t)
	rng := rand.New(rand.NewSource(3))
	for _, name := range sorted(all) {
		file, err := json.Marshal(all[name])
		require.NoError(t, err)
		for range 150 {
			bad := append([]byte(nil), file...)
			bad[rng.Intn(len(bad))] ^= 1 << rng.Intn(8)
			var p Proof
			require.Error(t, json.Unmarshal(bad, &p), "%s: %s", name, bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	w := newWorld(f, 40, 5)
	for _, p := range w.samples(f) {
		b, err := p.Encode()
		require.NoError(f, err)
		f.Add(b[:len(b)-sealSize])
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b := reseal(append(append([]byte(nil), in...), make([]byte, sealSize)...))
		p, err := Decode(b)
		if err != nil {
			return
		}
		if again, err := p.Encode(); err == nil {
			require.Equal(t, b, again, "a decoded proof has one encoding")
		}
		if p.Verify(w.trust) == nil {
			require.True(t, w.true(p))
		}
	})
}

func FuzzUnmarshalJSON(f *testing.F) {
	w := newWorld(f, 40, 5)
	for _, p := range w.samples(f) {
		b, err := json.Marshal(p)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var p Proof
		if json.Unmarshal(in, &p) == nil && p.Verify(w.trust) == nil {
			require.True(t, w.true(&p))
		}
	})
}

func BenchmarkVerifyStateContent(b *testing.B) {
	w := newWorld(b, 500, 5)
	p := w.proveState("record/1")
	for b.Loop() {
		if err := p.VerifyContent(); err != nil {
			b.Fatal(err)
		}
	}
}
