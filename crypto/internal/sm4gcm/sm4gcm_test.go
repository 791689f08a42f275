package sm4gcm

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"
)

// forms are all implementations that this machine can run.
func forms(t testing.TB, key []byte) map[string]cipher.AEAD {
	usual, err := New(key)
	require.NoError(t, err)
	all := map[string]cipher.AEAD{"usual": usual}
	if fast {
		all["AES-NI"] = newAEAD((*[keySize]byte)(key), false)
	}
	if vaes {
		all["VAES"] = newAEAD((*[keySize]byte)(key), true)
	}
	return all
}

func reference(t testing.TB, key []byte) cipher.AEAD {
	block, err := sm4.NewCipher(key)
	require.NoError(t, err)
	g, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return g
}

// TestKnownAnswer is appendix A.1 of RFC 8998.
func TestKnownAnswer(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	key, nonce := unhex("0123456789abcdeffedcba9876543210"), unhex("00001234567800000000abcd")
	data := unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
	plaintext := unhex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd" +
		"eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa")
	sealed := unhex("17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735" +
		"d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d" + "83de3541e4c2b58177e065a9bf7b62ec")
	for name, g := range forms(t, key) {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, sealed, g.Seal(nil, nonce, plaintext, data))
			got, err := g.Open(nil, nonce, sealed, data)
			require.NoError(t, err)
			require.Equal(t, plaintext, got)
		})
	}
}

// TestEveryLength compares with gmsm, in place and not, with a nonce, additional data and
// a key of their own for each length.
func TestEveryLength(t *testing.T) {
	src := rand.NewChaCha8([32]byte{1})
	var key [keySize]byte
	var nonce [nonceSize]byte
	text, data := make([]byte, 4096), make([]byte, 600)
	for n := range len(text) + 1 {
		if n%64 == 0 {
			src.Read(key[:]) //nolint:errcheck // never fails
		}
		src.Read(nonce[:])              //nolint:errcheck // never fails
		src.Read(text[:n])              //nolint:errcheck // never fails
		bound := data[:(n*7)%len(data)] // all lengths and remainders
		src.Read(bound)                 //nolint:errcheck // never fails
		want := reference(t, key[:]).Seal(nil, nonce[:], text[:n], bound)
		for name, g := range forms(t, key[:]) {
			buf := append(make([]byte, 0, n+tagSize), text[:n]...)
			require.True(t, bytes.Equal(want, g.Seal(buf[:0], nonce[:], buf, bound)), "%s: seal %d bytes in place", name, n)
			require.True(t, bytes.Equal(want, g.Seal(nil, nonce[:], text[:n], bound)), "%s: seal %d bytes", name, n)
			sealed := buf[:n+tagSize]
			got, err := g.Open(sealed[:0], nonce[:], sealed, bound)
			require.NoError(t, err, "%s: open %d bytes", name, n)
			require.True(t, bytes.Equal(text[:n], got), "%s: open %d bytes", name, n)
		}
	}
}

// TestAltered flips every bit of an envelope, its nonce and its additional data, and cuts
// it anywhere: it does not open, and what it would be opened to stays as it was.
func TestAltered(t *testing.T) {
	key, nonce, data := bytes.Repeat([]byte{7}, keySize), make([]byte, nonceSize), []byte("additional data of some blocks, and a bit")
	for name, g := range forms(t, key) {
		for _, size := range []int{0, 1, 16, 255, 300} {
			sealed := g.Seal(nil, nonce, bytes.Repeat([]byte{0x55}, size), data)
			dst := make([]byte, len(sealed))
			refused := func(what string) {
				_, err := g.Open(dst[:0], nonce, sealed, data)
				require.Error(t, err, "%s: %s of an envelope of %d bytes", name, what, size)
				require.Equal(t, make([]byte, len(dst)), dst)
			}
			for part, b := range map[string][]byte{"envelope": sealed, "nonce": nonce, "data": data} {
				for i := range 8 * len(b) {
					b[i/8] ^= 1 << (i % 8)
					refused(fmt.Sprintf("bit %d of the %s", i, part))
					b[i/8] ^= 1 << (i % 8)
				}
			}
			for n := range sealed {
				_, err := g.Open(nil, nonce, sealed[:n], data)
				require.Error(t, err)
			}
			_, err := g.Open(nil, nonce, sealed, data)
			require.NoError(t, err)
		}
	}
}

func TestMisuse(t *testing.T) {
	for _, n := range []int{0, 15, 17, 32} {
		_, err := New(make([]byte, n))
		require.Error(t, err)
	}
	buf, nonce := make([]byte, 1024), make([]byte, nonceSize)
	for name, g := range forms(t, make([]byte, keySize)) {
		require.Panics(t, func() { g.Seal(nil, nonce[:11], buf, nil) }, name)
		require.Panics(t, func() { g.Open(nil, nonce[:11], buf, nil) }, name)       //nolint:errcheck // it panics
		require.Panics(t, func() { g.Seal(buf[1:1], nonce, buf[:100], nil) }, name) // written before it is read
		require.Panics(t, func() { g.Open(buf[1:1], nonce, buf[:100], nil) }, name) //nolint:errcheck // it panics
		require.Panics(t, func() { g.Seal(buf[:0], nonce, nil, buf[10:20]) }, name)
	}
}

func TestNoAllocation(t *testing.T) {
	buf, nonce, data := make([]byte, 1000, 1016), make([]byte, nonceSize), make([]byte, 13)
	for name, g := range forms(t, make([]byte, keySize)) {
		if name == "usual" && !fast {
			continue // gmsm allocates
		}
		require.Zero(t, testing.AllocsPerRun(10, func() {
			sealed := g.Seal(buf[:0], nonce, buf, data)
			if _, err := g.Open(buf[:0], nonce, sealed, data); err != nil {
				t.Fatal(err)
			}
		}), name)
	}
}

// FuzzAgainstGmsm compares with gmsm on any input, and opens what the fuzzer makes up.
func FuzzAgainstGmsm(f *testing.F) {
	f.Add(make([]byte, 16), make([]byte, 12), []byte("text"), []byte("data"))
	f.Add(bytes.Repeat([]byte{0xff}, 16), bytes.Repeat([]byte{0xff}, 12), make([]byte, 4097), make([]byte, 257))
	f.Fuzz(func(t *testing.T, key, nonce, text, data []byte) {
		if len(key) != keySize || len(nonce) != nonceSize {
			return
		}
		r := reference(t, key)
		want := r.Seal(nil, nonce, text, data)
		made, failed := r.Open(nil, nonce, text, data)
		for name, g := range forms(t, key) {
			require.Equal(t, want, g.Seal(nil, nonce, text, data), name)
			got, err := g.Open(nil, nonce, want, data)
			require.NoError(t, err)
			require.True(t, bytes.Equal(text, got), name)
			got, err = g.Open(nil, nonce, text, data)
			require.Equal(t, failed == nil, err == nil, name)
			require.True(t, bytes.Equal(made, got), name)
		}
	})
}

// BenchmarkSeal measures one core, beside gmsm.
func BenchmarkSeal(b *testing.B) {
	key, nonce, data := make([]byte, keySize), make([]byte, nonceSize), make([]byte, 13)
	all := forms(b, key)
	delete(all, "usual")
	all["gmsm"] = reference(b, key)
	for _, size := range []int{64, 256, 1024, 16384} {
		for _, name := range []string{"VAES", "AES-NI", "gmsm"} {
			g, ok := all[name]
			if !ok {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				buf := make([]byte, size, size+tagSize)
				b.SetBytes(int64(size))
				for b.Loop() {
					g.Seal(buf[:0], nonce, buf, data)
				}
			})
		}
	}
}
