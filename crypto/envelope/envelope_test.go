package envelope

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func testKey(t testing.TB, fill byte) *Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{fill}, KeySize))
	require.NoError(t, err)
	return k
}

// The SM4-GCM vector of RFC 8998 appendix A.1.
// covers: T.20
func TestVector(t *testing.T) {
	k, err := NewKey(unhex(t, "0123456789abcdeffedcba9876543210"))
	require.NoError(t, err)
	nonce := unhex(t, "00001234567800000000abcd")
	aad := unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2")
	plain := unhex(t, "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"+
		"eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa")
	want := unhex(t, "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"+
		"d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"+
		"83de3541e4c2b58177e065a9bf7b62ec")
	require.Equal(t, want, k.aead.Seal(nil, nonce, plain, aad))
}

// An envelope made once opens for ever: the format is on disk.
func TestFormatStands(t *testing.T) {
	got, err := testKey(t, 7).Open(unhex(t, golden), []byte("segment 1"))
	require.NoError(t, err)
	require.Equal(t, "存证", string(got))
}

func TestSealOpen(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		k, other := testKey(t, 1), testKey(t, 2)
		plain := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "plain")
		bound := rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(r, "bound")
		sealed, err := k.Seal(plain, bound)
		require.NoError(r, err)
		require.Len(r, sealed, len(plain)+Overhead)
		got, err := k.Open(sealed, bound)
		require.NoError(r, err)
		require.True(r, bytes.Equal(plain, got))

		again, err := k.Seal(plain, bound)
		require.NoError(r, err)
		require.NotEqual(r, sealed, again, "a nonce never repeats")
		_, err = other.Open(sealed, bound)
		require.ErrorIs(r, err, ErrOpen)
		_, err = k.Open(sealed, append(bytes.Clone(bound), 0))
		require.ErrorIs(r, err, ErrOpen)
		_, err = k.Open(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(r, "cut")], bound)
		require.ErrorIs(r, err, ErrOpen)
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(r, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		_, err = k.Open(sealed, bound)
		require.ErrorIs(r, err, ErrOpen)
	})
}

func TestKeySizeAndSecrecy(t *testing.T) {
	for _, n := range []int{0, 15, 17, 32} {
		_, err := NewKey(make([]byte, n))
		require.Error(t, err)
	}
	require.Equal(t, "SM4 key SM4 key SM4 key", fmt.Sprintf("%v %+v %#v", testKey(t, 1), testKey(t, 1), testKey(t, 1)))
}

// FuzzOpen: nothing but a sealed envelope opens.
func FuzzOpen(f *testing.F) {
	k := testKey(f, 7)
	f.Add(unhex(f, golden), []byte("segment 1"))
	f.Add([]byte("HCE\x01"), []byte{})
	f.Fuzz(func(t *testing.T, sealed, bound []byte) {
		plain, err := k.Open(sealed, bound)
		if err == nil {
			require.Equal(t, "存证", string(plain))
		}
	})
}

// golden is "存证" sealed under the key 07…07, bound to "segment 1".
const golden = "48434501d3e11539df624aa8cdd8b10dcebccc0eb6b69b72e3c233232aad468ac551501fc0db"
