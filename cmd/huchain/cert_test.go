package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

// Wherever the exchange of an organisation's root was interrupted, doing it again ends
// with the next root in place and key and certificate of the old one kept.
func TestPromoteRootAfterInterruption(t *testing.T) {
	root := func() *cert.Certificate {
		key, err := crypto.GenerateKey(rand.Reader)
		require.NoError(t, err)
		ca, err := cert.NewCA("archives", key, time.Now(), time.Now().AddDate(1, 0, 0))
		require.NoError(t, err)
		return ca.Root()
	}
	old, next := root(), root()
	pem := func(c *cert.Certificate) string { return string(cert.EncodePEM(c.Raw)) }
	kept := "ca-" + old.Serial
	for name, left := range map[string]map[string]string{
		"before":               {"ca.key": "old", "ca.pem": pem(old), "ca-next.key": "next", "ca-next.pem": pem(next)},
		"old key kept":         {"ca.key": "old", kept + ".key": "old", "ca.pem": pem(old), "ca-next.key": "next", "ca-next.pem": pem(next)},
		"key replaced":         {"ca.key": "next", kept + ".key": "old", "ca.pem": pem(old), "ca-next.pem": pem(next)},
		"old certificate kept": {"ca.key": "next", kept + ".key": "old", "ca.pem": pem(old), kept + ".pem": pem(old), "ca-next.pem": pem(next)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range left {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
			require.NoError(t, promoteRoot(dir))
			for file, want := range map[string]string{"ca.key": "next", "ca.pem": pem(next), kept + ".key": "old", kept + ".pem": pem(old)} {
				text, err := os.ReadFile(filepath.Join(dir, file))
				require.NoError(t, err)
				require.Equal(t, want, string(text), file)
			}
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, files, 4)
		})
	}
}
