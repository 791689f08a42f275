package sm2fast

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var userID = []byte("1234567812345678")

// signer is a gmsm key with its public half in wire form.
type signer struct {
	key *sm2.PrivateKey
	pub [65]byte
}

func newSigner(t testing.TB) *signer {
	key, err := sm2.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s := &signer{key: key}
	s.pub[0] = 4
	key.X.FillBytes(s.pub[1:33])
	key.Y.FillBytes(s.pub[33:])
	return s
}

func (s *signer) sign(t testing.TB, msg []byte) (raw []byte, der []byte) {
	der, err := s.key.Sign(rand.Reader, msg, sm2.NewSM2SignerOption(true, userID))
	require.NoError(t, err)
	var seq cryptobyte.String
	in := cryptobyte.String(der)
	r, sv := make([]byte, 0), make([]byte, 0)
	require.True(t, in.ReadASN1(&seq, asn1.SEQUENCE) && seq.ReadASN1Integer(&r) && seq.ReadASN1Integer(&sv))
	raw = make([]byte, 64)
	copy(raw[32-len(r):], r)
	copy(raw[64-len(sv):], sv)
	return raw, der
}

// A key passes its stages at the promised counts, and verdicts do not depend on them.
func TestStages(t *testing.T) {
	v := New(userID, 0)
	s := newSigner(t)
	for i := 1; i <= 30; i++ {
		msg := binary.BigEndian.AppendUint32(nil, uint32(i))
		sig, _ := s.sign(t, msg)
		require.True(t, v.Verify(&s.pub, msg, sig))
		sig[5] ^= 1
		require.False(t, v.Verify(&s.pub, msg, sig))
		_, tables := v.lookup((*[64]byte)(s.pub[1:]))
		require.Equal(t, i >= combAfter, tables.comb != nil, "after %d", i)
		require.Equal(t, i >= wideAfter, tables.wide != nil, "after %d", i)
	}
	require.Equal(t, Stats{Keys: 1, Windows: 1, Cold: 2, Comb: 18, Wide: 10, SizeBytes: keySize + wideSize}, v.Stats())
}

// Keys that never signed anything leave nothing behind, however often they are tried.
func TestFailuresAreForgotten(t *testing.T) {
	v := New(userID, 0)
	s := newSigner(t)
	sig, _ := s.sign(t, []byte("a"))
	for range 30 {
		require.False(t, v.Verify(&s.pub, []byte("b"), sig))
	}
	require.Equal(t, Stats{}, v.Stats())
	require.True(t, v.Verify(&s.pub, []byte("a"), sig))
	for range 30 {
		require.False(t, v.Verify(&s.pub, []byte("b"), sig))
	}
	_, tables := v.lookup((*[64]byte)(s.pub[1:]))
	require.Nil(t, tables.comb)
}

func TestMalformedInput(t *testing.T) {
	v := New(userID, 0)
	s := newSigner(t)
	sig, _ := s.sign(t, []byte("a"))
	require.True(t, v.Verify(&s.pub, []byte("a"), sig))
	for _, bad := range [][]byte{nil, sig[:63], append(sig[:64:64], 0), make([]byte, 64)} {
		require.False(t, v.Verify(&s.pub, []byte("a"), bad))
	}
	for prefix := range 256 {
		pub := s.pub
		pub[0] = byte(prefix)
		require.Equal(t, prefix == 4, v.Verify(&pub, []byte("a"), sig), "prefix %d", prefix)
	}
	for i := range 64 {
		pub := s.pub
		pub[1+i] ^= 1
		require.False(t, v.Verify(&pub, []byte("a"), sig))
	}
	require.Equal(t, 1, v.Stats().Keys)
	require.False(t, New([]byte("other"), 0).Verify(&s.pub, []byte("a"), sig))
}

// Tables stay within the budget, and busy keys keep theirs against keys in rotation.
func TestBudget(t *testing.T) {
	v := New(userID, MinBudgetBytes)
	require.Equal(t, 17, v.maxWindows)
	msg := []byte("m")
	type signed struct {
		*signer
		sig []byte
	}
	all := make([]signed, 60) // more than have room, 51 keys and 17 windows
	for i := range all {
		all[i].signer = newSigner(t)
		all[i].sig, _ = all[i].sign(t, msg)
	}
	use := func(s signed) { require.True(t, v.Verify(&s.pub, msg, s.sig)) }
	wide := func(s signed) bool {
		_, tables := v.lookup((*[64]byte)(s.pub[1:]))
		return tables.wide != nil
	}
	busy, rotating, others := all[:17], all[17:40], all[40:]
	for range wideAfter {
		for _, s := range busy {
			use(s)
		}
	}
	require.Equal(t, 17, v.Stats().Windows)
	for range 3 * wideAfter { // the same rate for all: the first comers keep their tables
		for _, s := range all[:40] {
			use(s)
		}
	}
	for _, s := range busy {
		require.True(t, wide(s))
	}
	for range 3 * wideAfter { // the busy ones are gone: the others inherit
		for _, s := range rotating[:10] {
			use(s)
		}
	}
	for _, s := range rotating[:10] {
		require.True(t, wide(s))
	}
	for _, s := range others {
		use(s)
	}
	st := v.Stats()
	require.Equal(t, MinBudgetBytes/8/keySize, st.Keys)
	require.LessOrEqual(t, st.Windows, 17)
	require.LessOrEqual(t, st.SizeBytes, MinBudgetBytes)
	for _, s := range all { // forgotten or not
		use(s)
	}
}

// Goroutines share keys while tables come and go (run it with -race).
func TestConcurrentUse(t *testing.T) {
	v := New(userID, MinBudgetBytes)
	const keys = 60
	var signers [keys]*signer
	var sigs [keys][]byte
	msg := []byte("m")
	for i := range signers {
		signers[i] = newSigner(t)
		sigs[i], _ = signers[i].sign(t, msg)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range scale(1500) {
				k := (i*7 + g) % keys
				if i%3 != 0 {
					k %= 20
				}
				if !v.Verify(&signers[k].pub, msg, sigs[k]) || v.Verify(&signers[k].pub, msg, sigs[(k+1)%keys]) {
					t.Error("wrong verdict")
					return
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, v.Stats().SizeBytes, MinBudgetBytes)
}

func TestNoAllocation(t *testing.T) {
	v := New(userID, 0)
	s := newSigner(t)
	msg := make([]byte, 300)
	sig, _ := s.sign(t, msg)
	for range wideAfter {
		require.True(t, v.Verify(&s.pub, msg, sig))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { v.Verify(&s.pub, msg, sig) }))
	sig[0] ^= 1
	require.Zero(t, testing.AllocsPerRun(100, func() { v.Verify(&s.pub, msg, sig) }))
}

// FuzzVerify: any key, message and signature, against gmsm, with one verifier all the
// while so that its memory is part of the question.
func FuzzVerify(f *testing.F) {
	v := New(userID, 0)
	s := newSigner(f)
	sig, _ := s.sign(f, []byte("message"))
	f.Add(s.pub[:], []byte("message"), sig, byte(0))
	f.Fuzz(func(t *testing.T, pub, msg, sig []byte, own byte) {
		if len(pub) != 65 || len(sig) != 64 {
			return
		}
		if own&1 == 1 {
			pub = s.pub[:]
		}
		if own&2 == 2 && len(msg) > 0 { // gmsm signs no empty message
			sig, _ = s.sign(t, msg)
		}
		want := false
		if key, err := sm2.NewPublicKey(pub); err == nil && pub[0] == 4 {
			der := asn1Signature(toBig(limbs(sig[:32])), toBig(limbs(sig[32:])))
			want = sm2.VerifyASN1WithSM2(key, userID, msg, der)
		}
		require.Equal(t, want, v.Verify((*[65]byte)(pub), msg, sig))
	})
}
