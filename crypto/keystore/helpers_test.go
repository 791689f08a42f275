package keystore

import (
	"encoding/asn1"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/require"
)

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
}

func derOf(t testing.TB, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	return block.Bytes
}

func mustUnmarshal(t testing.TB, der []byte, v any) {
	t.Helper()
	_, err := asn1.Unmarshal(der, v)
	require.NoError(t, err)
}
