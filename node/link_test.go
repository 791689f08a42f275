package node

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// A running node shows renewed certificates, and keeps the old ones while the files are of
// no use.
func TestLinkFiles(t *testing.T) {
	w := chaintest.NewWorld(time.Now(), "archives")
	id := w.LinkIdentity("archives", "node0", time.Now().AddDate(0, 1, 0), "node")
	files := LinkFiles{filepath.Join(t.TempDir(), "link")}
	secret := []byte("a passphrase of some length")
	require.NoError(t, files.Save(id, secret))

	var log bytes.Buffer
	s := &linkSource{files: files, secret: secret, log: slog.New(slog.NewTextHandler(&log, nil))}
	got, err := s.identity()
	require.NoError(t, err)
	require.Equal(t, id.Sign.Serial, got.Sign.Serial)
	require.Equal(t, id.Encrypt.Serial, got.Encrypt.Serial)

	write := func(name, text string, ahead time.Duration) {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		at := time.Now().Add(ahead) // clocks of file systems are coarse
		require.NoError(t, os.Chtimes(name, at, at))
	}
	write(files.Base+".pem", "damaged", time.Minute)
	again, err := s.identity()
	require.NoError(t, err)
	require.Same(t, got, again)
	require.Contains(t, log.String(), types.CodeCertFile.String())

	renewed, err := w.Orgs["archives"].Issue(cert.Request{Name: "node0", Roles: []string{"node"}, PublicKey: id.Sign.PublicKey,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)})
	require.NoError(t, err)
	write(files.Base+".pem", string(cert.EncodePEM(renewed.Raw)), 2*time.Minute)
	again, err = s.identity()
	require.NoError(t, err)
	require.Equal(t, renewed.Serial, again.Sign.Serial)
	require.Equal(t, id.Encrypt.Serial, again.Encrypt.Serial)

	// Files that do not belong together, or are missing.
	other := w.LinkIdentity("archives", "node1", time.Now().AddDate(1, 0, 0), "node")
	write(files.Base+"-enc.pem", string(cert.EncodePEM(other.Encrypt.Raw)), 3*time.Minute)
	_, err = files.Load(secret)
	require.Equal(t, types.CodeCertFile, types.CodeOf(err))
	require.NoError(t, os.Remove(files.Base+"-enc.pem"))
	_, err = files.Load(secret)
	require.Equal(t, types.CodeCertFile, types.CodeOf(err))

	id.Signer = struct{ crypto.Signer }{id.Signer}
	require.Error(t, LinkFiles{filepath.Join(t.TempDir(), "link")}.Save(id, secret), "a key elsewhere cannot be written")
}
