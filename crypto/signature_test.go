package crypto_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

func TestSignatureForms(t *testing.T) {
	for _, c := range []struct{ r, s, der string }{
		{"01", "01", "3006020101020101"},
		{"80", "7f", "300702020080" + "02017f"},
	} {
		raw := append(pad(t, c.r), pad(t, c.s)...)
		der, err := crypto.EncodeSignature(raw)
		require.NoError(t, err)
		require.Equal(t, c.der, hex.EncodeToString(der))
		back, err := crypto.DecodeSignature(der)
		require.NoError(t, err)
		require.Equal(t, raw, back)
	}
	for name, der := range map[string]string{
		"empty":           "",
		"zero":            "3006020100020101",
		"negative":        "3006020181020101",
		"long zero":       "300702020001020101",
		"long length":     "308106020101020101",
		"trailing":        "300602010102010100",
		"trailing inside": "3007020101020101" + "00",
		"three":           "3009020101020101020101",
		"257 bits":        "3026022101" + hex.EncodeToString(make([]byte, 32)) + "020101",
	} {
		_, err := crypto.DecodeSignature(unhex(t, der))
		require.Error(t, err, name)
	}
	_, err := crypto.EncodeSignature(make([]byte, 63))
	require.Error(t, err)
}

func pad(t testing.TB, s string) []byte {
	b := unhex(t, s)
	return append(make([]byte, 32-len(b)), b...)
}

// FuzzDecodeSignature: what is accepted has exactly one encoding.
func FuzzDecodeSignature(f *testing.F) {
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Fuzz(func(t *testing.T, der []byte) {
		raw, err := crypto.DecodeSignature(der)
		if err != nil {
			return
		}
		again, err := crypto.EncodeSignature(raw)
		require.NoError(t, err)
		require.True(t, bytes.Equal(der, again))
	})
}
