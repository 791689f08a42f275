package client

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// A profile names a key and a private CA for https nodes; the key is shown to nobody that it
// would reach in clear, and a node that another CA certifies is not spoken to.
func TestProfileOfWebNode(t *testing.T) {
	var shown string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = r.Header.Get("Authorization")
		json.NewEncoder(w).Encode(rest.Chains{Items: []rest.Chain{{Chain: "gov", Genesis: crypto.Sum([]byte("gov"))}}}) //nolint:errcheck // a test
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	roots := file("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	key := file("key", "hck_0123\n")

	p := Profile{Nodes: []string{srv.URL}, APIKeyFile: key, WebRoots: []string{roots}}
	c, err := p.Connect(t.Context())
	require.NoError(t, err)
	require.Equal(t, "gov", c.chain)
	require.Equal(t, "Bearer hck_0123", shown)

	raw, err := p.Encode()
	require.NoError(t, err)
	require.NotContains(t, string(raw), "hck_")
	p.WebRoots, shown = nil, ""
	_, err = p.Connect(t.Context())
	require.Equal(t, types.CodeUnreachable, types.CodeOf(err), "the system knows no such CA")
	require.Empty(t, shown)
	for _, bad := range []Profile{
		{Nodes: []string{"http://node.example:7100"}, APIKeyFile: key}, {Nodes: p.Nodes, APIKeyFile: file("empty", "\n")},
		{Nodes: p.Nodes, APIKeyFile: dir}, {Nodes: p.Nodes, APIKeyFile: file("two", "a\r\nX: b")},
	} {
		_, err = bad.Connect(t.Context())
		require.Equal(t, types.CodeConfig, types.CodeOf(err), "%+v", bad)
	}
	p.WebRoots = []string{key}
	_, err = p.Connect(t.Context())
	require.Equal(t, types.CodeCertFile, types.CodeOf(err))
}
