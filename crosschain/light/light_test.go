package light

import (
	"encoding/json"
	"flag"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

var mutations = flag.Int("mutations", 10_000, "number of forged and altered links to try")

// A light client follows validator changes through 1,000 heights by skipping, and from
// header to header without skipping; both end at the same header.
// covers: T.18
func TestFollowsValidatorChanges(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	w := newWorld(t, 4)
	for h := 1; h <= 1000; h++ {
		switch {
		case h%50 == 0:
			w.block(w.replace(r, 1))
		case h == 333:
			w.block(w.replace(r, 4)) // all at once: nothing but the next header leads there
		case h == 500:
			w.block(func(s types.ValidatorSet) types.ValidatorSet {
				return append(s, w.validator(), w.validator(), w.validator())
			})
		case h == 700:
			w.block(func(s types.ValidatorSet) types.ValidatorSet { s[0].Power = 25; return s[:5] })
		default:
			w.block(nil)
		}
	}
	at := w.anchor()
	_, err := at.Advance(w.link(1000))
	require.Equal(t, types.CodeTrustGap, types.CodeOf(err), "too much has changed for one step: %v", err)
	links, err := Path(w, 0, at.Next, 1000, w.changes, 100)
	require.NoError(t, err)
	skipped, err := at.Follow(links)
	require.NoError(t, err)
	require.EqualValues(t, 1000, skipped.Height)
	require.Less(t, len(links), len(w.changes), "skipping takes fewer steps than there were changes")
	t.Logf("%d changes followed in %d steps", len(w.changes), len(links))

	for h := uint64(1); h <= 1000; h++ {
		at, err = at.Advance(w.link(h))
		require.NoError(t, err)
	}
	require.Equal(t, at, skipped)
	require.Equal(t, 5*time.Second, at.Age(time.Unix(1005, 0)))

	part, err := Path(w, 0, w.anchor().Next, 1000, w.changes, 3)
	require.NoError(t, err)
	require.Len(t, part, 3, "a bounded path is the beginning of one")
	_, err = Path(w, 0, w.anchor().Next, 1000, nil, 100)
	require.Equal(t, types.CodeTrustGap, types.CodeOf(err))
}

// What a client must refuse, each for its own reason.
// covers: T.18
func TestRefusals(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	w := newWorld(t, 4)
	w.block(nil)
	w.block(nil)
	w.block(w.replace(r, 2))
	w.block(nil)
	w.block(w.replace(r, 1))
	w.block(nil)
	two, err := w.anchor().Advance(w.link(2))
	require.NoError(t, err)

	resigned := func(height uint64, n int, change func(*Link)) *Link {
		l := *w.link(height)
		change(&l)
		l.Certificate = w.sign(&l.Header, l.Signers, n)
		return &l
	}
	foreign := newWorld(t, 0)
	foreign.family = 1
	for range 4 {
		foreign.next = append(foreign.next, foreign.validator())
	}
	foreign.keep()
	thieves := foreign.next
	own := func(height uint64) *Link {
		l := *w.link(height)
		l.Signers, l.Next = thieves, thieves
		l.Header.Signers, l.Header.NextSigners = thieves.Hash(), thieves.Hash()
		l.Certificate = foreign.sign(&l.Header, thieves, 4)
		return &l
	}
	for _, c := range []struct {
		name string
		link *Link
		code types.Code
	}{
		{"another chain", resigned(4, 3, func(l *Link) { l.Header.Genesis = crypto.Hash{1} }), types.CodeProofInvalid},
		{"two thirds are not more than two thirds", resigned(3, 2, func(*Link) {}), types.CodeProofInvalid},
		{"not later", resigned(4, 3, func(l *Link) { l.Header.Time = two.Time }), types.CodeProofInvalid},
		{"older than the anchor", w.link(1), types.CodeProofInvalid},
		{"a set of one's own, next", own(3), types.CodeProofInvalid},
		{"a set of one's own, skipped to", own(4), types.CodeTrustGap},
		{"another header of the anchor's height", resigned(2, 3, func(l *Link) { l.Header.Content = crypto.Hash{9} }), types.CodeFork},
		{"another header, unsigned", func() *Link { l := *w.link(2); l.Header.Content = crypto.Hash{9}; return &l }(), types.CodeProofInvalid},
		{"next header on another one", resigned(3, 3, func(l *Link) { l.Header.Previous = crypto.Hash{9} }), types.CodeFork},
		{"next signers are not those of the header", func() *Link { l := *w.link(4); l.Next = thieves; return &l }(), types.CodeProofInvalid},
	} {
		_, err := two.Advance(c.link)
		require.Equal(t, c.code, types.CodeOf(err), "%s: %v", c.name, err)
	}
	same, err := two.Advance(w.link(2))
	require.NoError(t, err, "the header it trusts already")
	require.Equal(t, two, same)
}

// Altered bytes of links, and forgeries by somebody who holds the keys of a third of the
// validators, all former keys and any number of own keys, are refused.
// covers: T.18
func TestForgeries(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	w := newWorld(t, 4)
	for h := 1; h <= 12; h++ {
		if h%3 == 0 {
			w.block(w.replace(r, 1))
		} else {
			w.block(nil)
		}
	}
	anchor, err := w.anchor().Follow([]*Link{w.link(3), w.link(6)})
	require.NoError(t, err)
	inside := map[crypto.PublicKey]bool{anchor.Next[r.Intn(4)].Key: true} // one of four has turned
	for key := range w.keys {
		if !contains(anchor.Next, key) && !contains(w.next, key) {
			inside[key] = true // the key of a validator that has left
		}
	}
	for i := range *mutations {
		if l := forge(r, w, anchor, inside, i); l != nil {
			_, err := anchor.Advance(l)
			require.Error(t, err, "forgery %d", i)
		}
		height := 7 + r.Intn(6)
		raw := w.link(uint64(height)).Encode()
		switch at := r.Intn(len(raw)); i % 3 {
		case 0:
			raw[at] ^= 1 << r.Intn(8)
		case 1:
			raw = raw[:at]
		default:
			raw[at] = byte(r.Int())
			raw = append(raw, byte(r.Int()))
		}
		l, err := DecodeLink(raw)
		if err != nil {
			require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
			continue
		}
		_, err = anchor.Advance(l)
		require.Error(t, err, "altered link %d of height %d", i, height)
	}
}

func contains(s types.ValidatorSet, key crypto.PublicKey) bool {
	for i := range s {
		if s[i].Key == key {
			return true
		}
	}
	return false
}

// forge makes a header of one's own, with signatures of the keys inside alone.
func forge(r *rand.Rand, w *world, anchor *Trusted, inside map[crypto.PublicKey]bool, n int) *Link {
	l := *w.link(uint64(7 + r.Intn(6)))
	l.Header.Content = crypto.Hash{byte(n), byte(n >> 8)}
	l.Signers = nil
	switch n % 3 {
	case 0: // the true set, signed where a key is at hand
		l.Signers = w.sets[l.Header.Signers]
	case 1: // the inside keys and copies of honest ones for show
		for i := range anchor.Next {
			if inside[anchor.Next[i].Key] || r.Intn(2) == 0 {
				l.Signers = append(l.Signers, anchor.Next[i])
			}
		}
	default: // the same, with nearly all power on the inside keys
		l.Signers = append(types.ValidatorSet(nil), anchor.Next...)
		for i := range l.Signers {
			if inside[l.Signers[i].Key] {
				l.Signers[i].Power = 1000
			}
		}
	}
	if len(l.Signers) == 0 {
		return nil
	}
	l.Next = l.Signers
	l.Header.Signers, l.Header.NextSigners = l.Signers.Hash(), l.Signers.Hash()
	l.Certificate = types.FinalityCertificate{Height: l.Header.Height}
	for i := range l.Signers {
		s := types.HeaderSignature{Index: uint32(i)}
		switch {
		case inside[l.Signers[i].Key]:
			sig, _ := w.keys[l.Signers[i].Key].Sign(l.Header.SignBytes())
			copy(s.Signature[:], sig)
		case r.Intn(2) == 0: // a signature of another header
			old := w.certs[l.Header.Height-1].Signatures
			s.Signature = old[r.Intn(len(old))].Signature
		default:
			continue
		}
		l.Certificate.Signatures = append(l.Certificate.Signatures, s)
	}
	return &l
}

func TestLinkEncoding(t *testing.T) {
	w := newWorld(t, 4)
	w.block(nil)
	w.block(w.replace(rand.New(rand.NewSource(4)), 1))
	for h := uint64(1); h <= 2; h++ {
		raw := w.link(h).Encode()
		l, err := DecodeLink(raw)
		require.NoError(t, err)
		require.Equal(t, w.link(h), l)
		require.Equal(t, raw, l.Encode())
	}
}

func TestTrustGenesisRefuses(t *testing.T) {
	for _, bad := range []string{"", "{}", `{"validators":[{}]}`, `{"validators":[{"key":"00"}]}`} {
		_, err := TrustGenesis([]byte(bad))
		require.Equal(t, types.CodeGenesisInvalid, types.CodeOf(err), bad)
	}
}

func FuzzDecodeLink(f *testing.F) {
	w := newWorld(f, 2)
	w.block(nil)
	f.Add(w.link(1).Encode())
	f.Add([]byte(linkMagic))
	f.Fuzz(func(t *testing.T, in []byte) {
		if l, err := DecodeLink(in); err == nil {
			require.Equal(t, in, l.Encode(), "there is one encoding per link")
		}
	})
}

func FuzzDossier(f *testing.F) {
	f.Add([]byte(`{"format":"huchain-dossier/1","links":[],"proofs":[],"checksum":""}`))
	anchor := &Trusted{Genesis: crypto.Sum([]byte("x"))}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d Dossier
		if json.Unmarshal(in, &d) == nil {
			require.Error(t, d.Verify(anchor), "nothing verifies against a chain without validators")
		}
	})
}

// BenchmarkHeader is the cost of one header with four validators, keys in use and new.
func BenchmarkHeader(b *testing.B) {
	w := newWorld(b, 4)
	w.block(nil)
	w.block(nil)
	one, err := w.anchor().Advance(w.link(1))
	require.NoError(b, err)
	l := w.link(2)
	l.Certificate = w.sign(&l.Header, l.Signers, 4)
	for b.Loop() {
		if _, err := one.Advance(l); err != nil {
			b.Fatal(err)
		}
	}
}
