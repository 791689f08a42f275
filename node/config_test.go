package node

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

func writeFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "x.toml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestLoadConfig(t *testing.T) {
	c, err := LoadConfig(writeFile(t, "name = \"a\"\n[web]\nlisten = \"127.0.0.1:1\"\nsubmitTimeout = \"5s\"\n[log]\nstderr = false\n"))
	require.NoError(t, err)
	want := DefaultConfig()
	want.Name, want.Web.Listen, want.Web.SubmitTimeout, want.Log.Stderr = "a", "127.0.0.1:1", 5*time.Second, false
	require.Equal(t, want, c)
	c, err = LoadConfig(writeFile(t, ""))
	require.NoError(t, err)
	require.Equal(t, DefaultConfig(), c)

	c, err = LoadConfig(writeFile(t, "[web]\nlisten = \"0.0.0.0:7443\"\ncertificate = \"web.pem\"\nkey = \"web.key\"\n"))
	require.NoError(t, err, "others may reach it over TLS")
	require.True(t, c.Web.loginRequired())
	require.Equal(t, exposedRate, c.Web.rate())
	require.False(t, want.Web.loginRequired(), "reading on loopback needs no login")

	for name, text := range map[string]string{
		"unknown key":             "[web]\nlisten = \"127.0.0.1:1\"\nport = 3\n",
		"unknown section":         "[server]\nx = 1\n",
		"other case":              "[web]\nLISTEN = \"127.0.0.1:1\"\n",
		"not loopback":            "[web]\nlisten = \"0.0.0.0:7100\"\n",
		"certificate without key": "[web]\ncertificate = \"web.pem\"\n",
		"unknown login":           "[web]\nlogin = \"perhaps\"\n",
		"open to all origins":     "[web]\norigins = [\"*\"]\n",
		"metrics outside":         "[metrics]\nlisten = \"10.0.0.1:7300\"\n",
		"no port":                 "[web]\nlisten = \"127.0.0.1\"\n",
		"bad level":               "[log]\nlevel = \"loud\"\n",
		"bad duration":            "[web]\nsubmitTimeout = \"soon\"\n",
		"bad type":                "[disk]\nminFreeMiB = \"many\"\n",
		"not TOML":                "{",
	} {
		_, err := LoadConfig(writeFile(t, text))
		require.Equal(t, types.CodeConfig, types.CodeOf(err), name)
	}
	_, err = LoadConfig(filepath.Join(t.TempDir(), "missing.toml"))
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
}

func TestLoadChainConfig(t *testing.T) {
	c, err := LoadChainConfig(writeFile(t, "[p2p]\nlisten = \"10.0.0.1:7200\"\npeers = [\"archives/node1@10.0.0.2:7200\"]\n[pool]\nmaxTxs = 10\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"archives/node1@10.0.0.2:7200"}, c.P2P.Peers)
	p := consensusParams(c)
	require.Equal(t, 10, p.PoolTxs)
	require.NoError(t, p.Validate())
	for _, text := range []string{"[p2p]\npeers = [\"10.0.0.2:7200\"]\n", "[pool]\nmaxTxs = -1\n", "[p2p]\nlisten = \"x\"\n"} {
		_, err := LoadChainConfig(writeFile(t, text))
		require.Equal(t, types.CodeConfig, types.CodeOf(err), text)
	}
}

func TestHome(t *testing.T) {
	h := Home{Dir: t.TempDir()}
	require.False(t, h.Exists())
	chains, err := h.Chains()
	require.NoError(t, err)
	require.Empty(t, chains)
	for _, name := range []string{"b", "a", "notachain"} {
		require.NoError(t, os.MkdirAll(h.Chain(name).Dir, 0o755))
	}
	require.NoError(t, WriteFile(h.Chain("a").GenesisFile(), []byte("{}"), 0o644))
	require.NoError(t, WriteFile(h.Chain("b").GenesisFile(), []byte("{}"), 0o644))
	chains, err = h.Chains()
	require.NoError(t, err)
	require.Equal(t, []ChainHome{h.Chain("a"), h.Chain("b")}, chains)
	require.NoError(t, WriteFile(h.Chain("Bad Name").GenesisFile(), []byte("{}"), 0o644))
	_, err = h.Chains()
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
}

func TestWriteFileLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "f")
	require.NoError(t, WriteFile(path, []byte("1"), 0o600))
	require.NoError(t, WriteFile(path, []byte("2"), 0o600))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "2", string(raw))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	list, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, list, 1)
}
