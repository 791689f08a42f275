package light

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// world is a chain of headers with all its validators' keys: the truth that a light
// client is judged against. It keeps what a node's ledger keeps and is a Source.
type world struct {
	t       testing.TB
	genesis crypto.Hash
	keys    map[crypto.PublicKey]*crypto.PrivateKey
	sets    map[crypto.Hash]types.ValidatorSet
	next    types.ValidatorSet // nextSigners of the newest header
	headers []types.Header     // from height 1
	certs   []types.FinalityCertificate
	changes []uint64
	family  byte // worlds of different families share no keys
}

func newWorld(t testing.TB, validators int) *world {
	w := &world{t: t, genesis: crypto.Sum([]byte("genesis")), keys: map[crypto.PublicKey]*crypto.PrivateKey{}, sets: map[crypto.Hash]types.ValidatorSet{}}
	for range validators {
		w.next = append(w.next, w.validator())
	}
	w.keep()
	return w
}

// validator makes a validator with keys nobody else has.
func (w *world) validator() types.Validator {
	n := len(w.keys) + 1
	k, err := crypto.NewPrivateKey(append(bytes.Repeat([]byte{7 + w.family}, 30), byte(n>>8), byte(n)))
	require.NoError(w.t, err)
	w.keys[k.Public()] = k
	return types.Validator{Key: k.Public(), Ed25519: crypto.Sum(fmt.Append(nil, n)), Power: 10}
}

func (w *world) keep() {
	slices.SortFunc(w.next, func(a, b types.Validator) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	w.sets[w.next.Hash()] = slices.Clone(w.next)
}

// block adds a height after which next signs; change alters the set.
func (w *world) block(change func(types.ValidatorSet) types.ValidatorSet) {
	signers := w.sets[w.next.Hash()]
	height := uint64(len(w.headers) + 1)
	if change != nil {
		w.next = change(slices.Clone(w.next))
		w.keep()
		w.changes = append(w.changes, height)
	}
	h := types.Header{Genesis: w.genesis, Height: height, Time: int64(height) * 1e9, CometHash: crypto.Sum(fmt.Append(nil, "comet", height)),
		Content: crypto.Sum(fmt.Append(nil, "content", height)), Signers: signers.Hash(), NextSigners: w.next.Hash(), Protocol: 1}
	if height > 1 {
		h.Previous = w.headers[height-2].Hash()
	}
	w.headers = append(w.headers, h)
	w.certs = append(w.certs, w.sign(&h, signers, len(signers)*2/3+1))
}

// sign makes a certificate of the first n validators of a set.
func (w *world) sign(h *types.Header, set types.ValidatorSet, n int) types.FinalityCertificate {
	c := types.FinalityCertificate{Height: h.Height}
	for i := range set[:n] {
		sig, err := w.keys[set[i].Key].Sign(h.SignBytes())
		require.NoError(w.t, err)
		c.Signatures = append(c.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [crypto.SignatureSize]byte(sig)})
	}
	return c
}

// replace swaps n validators for new ones.
func (w *world) replace(r *rand.Rand, n int) func(types.ValidatorSet) types.ValidatorSet {
	return func(s types.ValidatorSet) types.ValidatorSet {
		r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		for i := range n {
			s[i] = w.validator()
		}
		return s
	}
}

func (w *world) anchor() *Trusted {
	return &Trusted{Genesis: w.genesis, Next: w.sets[w.headers[0].Signers]}
}

// Header implements Source, as the next two do.
func (w *world) Header(height uint64) (types.Header, error) { return w.headers[height-1], nil }

func (w *world) Certificate(height uint64) (*types.FinalityCertificate, error) {
	return &w.certs[height-1], nil
}

func (w *world) ValidatorSet(hash crypto.Hash) (types.ValidatorSet, error) { return w.sets[hash], nil }

func (w *world) link(height uint64) *Link {
	l, err := MakeLink(w, height)
	require.NoError(w.t, err)
	return l
}
