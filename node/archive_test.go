package node_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// A running node archives by its policy, drills, and releases, and is stopped on the way; it serves what it released
// out of the archive; whoever has the files alone verifies them; damage is named and never
// served; contents come back into the ledger.
//
// covers: T.12
func TestNodeArchives(t *testing.T) {
	home, n := soloHome(t)
	c := home.Chain("gov")
	config, err := os.ReadFile(c.ConfigFile())
	require.NoError(t, err)
	cold := filepath.Join(t.TempDir(), "cold")
	set := func(more string) {
		text := fmt.Sprintf("%s\n[archive]\nfolder = %q\nkeepBlocks = 1000\nkeyFile = \"keys/validator.key\"\n%s\n", config, cold, more)
		require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(text), 0o600))
	}
	set("[consensus]\nheartbeat = \"1s\"\n")
	r := run(t, home)
	fill(t, n, archive.SegmentBlocks+node.MinKeepBlocks+50)
	require.NoError(t, r.end(t))
	set("every = \"1s\"\ndrillEvery = \"1s\"\n[consensus]\nheartbeat = \"1s\"\n")
	stoppedWhileArchiving(t, home)
	r = run(t, home)
	var plan node.ArchivePlan
	require.Eventually(t, func() bool {
		require.NoError(t, node.OrderArchive(t.Context(), home, "", node.ArchiveOrderPlan, nil, &plan))
		return plan.Hot > archive.SegmentBlocks
	}, 3*time.Minute, 200*time.Millisecond)
	require.EqualValues(t, archive.SegmentBlocks, plan.Archived)
	require.Greater(t, plan.Height, uint64(archive.SegmentBlocks+node.MinKeepBlocks))
	require.Eventually(t, func() bool {
		_, metrics := get(t, "http://"+n.Nodes[0].Metrics+"/metrics")
		return strings.Contains(metrics, `huchain_archive_height{chain="gov"} 1024`) && strings.Contains(metrics, `huchain_archive_drill_seconds{chain="gov"}`) &&
			strings.Contains(metrics, `huchain_archive_failures_total{chain="gov"} 0`)
	}, 30*time.Second, 100*time.Millisecond)
	var ran node.ArchiveRun
	require.NoError(t, node.OrderArchive(t.Context(), home, "gov", node.ArchiveOrderRun, func(string, uint64, uint64, uint64) {}, &ran))
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(restore(t, home)), "not under a running node")
	require.NoError(t, r.end(t))

	set("")
	_, err = node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	r = run(t, home)
	var block, before string
	var code int
	height := 3
	for ; !strings.Contains(before, `"txCount":1`); height++ { // an empty block needs no archive
		block = fmt.Sprint("/api/v1/chains/gov/blocks/", height)
		code, before = get(t, r.web+block)
		require.Equal(t, http.StatusOK, code, before)
		require.Less(t, height, 100)
	}
	height--
	require.NoError(t, r.end(t))
	store, err := node.OpenArchive(c)
	require.NoError(t, err)
	list := store.List()
	require.NotEmpty(t, list)
	read, err := node.ReadArchived(t.Context(), store, fmt.Sprint(height))
	require.NoError(t, err)
	require.Contains(t, before, read.HeaderHash.String())
	require.Len(t, read.Txs, 1)
	same, err := node.ReadArchived(t.Context(), store, read.Txs[0].ID.String())
	require.NoError(t, err)
	require.Equal(t, read, same, "by id")
	_, err = node.ReadArchived(t.Context(), store, "x")
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	store.Close()
	examined(t, home, cold)

	file := filepath.Join(cold, filepath.FromSlash(list[0].File))
	keys, err := filepath.Glob(strings.TrimSuffix(file, ".hcs") + ".*.key")
	require.NoError(t, err)
	require.Len(t, keys, 1)
	alone := node.OfflineSegment{File: file, Manifest: filepath.Join(filepath.Dir(file), "seg-00000000.json"), Genesis: c.GenesisFile(),
		WrappedKey: keys[0], Key: filepath.Join(c.KeysDir(), "validator.key"), PassphraseFile: n.PassphraseFile()}
	m, err := node.VerifySegmentFile(t.Context(), &alone)
	require.NoError(t, err)
	byHeader := alone
	byHeader.Genesis, byHeader.Header = "", m.Evidence.Header.Hash().String()
	_, err = node.VerifySegmentFile(t.Context(), &byHeader)
	require.NoError(t, err)
	byHeader.Header = m.Root.String()
	_, err = node.VerifySegmentFile(t.Context(), &byHeader)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), "another header than the trusted one")
	alone.Key, alone.WrappedKey = "", ""
	_, err = node.VerifySegmentFile(t.Context(), &alone)
	require.Equal(t, types.CodeArchiveKey, types.CodeOf(err))

	good, err := os.ReadFile(file)
	require.NoError(t, err)
	write := func(b []byte) {
		require.NoError(t, os.Remove(file))
		require.NoError(t, os.WriteFile(file, b, 0o600))
	}
	bad := append([]byte(nil), good...)
	bad[200] ^= 1
	write(bad)
	r = run(t, home)
	code, got := get(t, r.web+block)
	require.Equal(t, http.StatusInternalServerError, code, got)
	require.Contains(t, got, "HC-4101")
	require.NoError(t, r.end(t))
	require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(restore(t, home)))
	write(good)
	rebuilt(t, home, n, file, block, before, func(b []byte) { write(b) })

	require.NoError(t, restore(t, home))
	var pruned node.ArchiveRun
	require.NoError(t, node.OrderArchive(t.Context(), home, "", node.ArchiveOrderPrune, nil, &pruned))
	require.Empty(t, pruned.Stored, "nothing is archived")
	require.EqualValues(t, archive.SegmentBlocks+1, pruned.Hot, "what is archived and due is released again")
	require.NoError(t, restore(t, home))
	require.NoError(t, os.RemoveAll(cold))
	_, err = node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	r = run(t, home)
	code, got = get(t, r.web+block)
	require.Equal(t, http.StatusOK, code, got)
	require.Equal(t, before, got, "without the archive")
	require.NoError(t, r.end(t))
}

// examined: the doctor tells an archive that is there, cannot be reached, or is not what this
// node stored, and keys that do not open it, and leaves nothing in it.
func examined(t *testing.T, home node.Home, cold string) {
	c := home.Chain("gov")
	config, err := os.ReadFile(c.ConfigFile())
	require.NoError(t, err)
	files := func() (list []string) {
		require.NoError(t, filepath.WalkDir(cold, func(path string, _ fs.DirEntry, err error) error { list = append(list, path); return err }))
		return list
	}
	before := files()
	f := finding(t, home, "archive target")
	require.True(t, f.OK, f)
	require.Contains(t, f.Detail, cold+": the newest segment is there and opens")
	for code, change := range map[types.Code][2]string{
		types.CodeArchiveKey:     {"keys/validator.key", "keys/link.key"},
		types.CodeArchiveTarget:  {cold, c.GenesisFile() + "/cold"},
		types.CodeArchiveMissing: {cold, t.TempDir()},
	} {
		require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(strings.Replace(string(config), change[0], change[1], 1)), 0o600))
		f := finding(t, home, "archive target")
		require.False(t, f.OK, code)
		require.Contains(t, f.Detail, code.String())
		x, ok := types.Explain(code)
		require.True(t, ok)
		require.Equal(t, x.Fix, f.Fix)
	}
	require.NoError(t, os.WriteFile(c.ConfigFile(), config, 0o600))
	require.Equal(t, before, files())
}

// rebuilt has a chain come back from nothing but its genesis and archive: it answers as
// before and takes no transaction; a segment that is altered or missing is named, and
// nothing of the chain is served then.
func rebuilt(t *testing.T, home node.Home, n *devnet.Network, file, block, before string, write func([]byte)) {
	c := home.Chain("gov")
	rebuild := func() (*node.Rebuilt, error) {
		return node.RebuildChain(t.Context(), home, "", node.VMConfig{}, func(string, uint64, uint64, uint64) {})
	}
	_, err := rebuild()
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err), "not over data")
	for _, dir := range []string{c.DataDir(), c.ArchiveDir()} {
		require.NoError(t, os.Rename(dir, dir+".aside"))
	}
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	refused := func(want types.Code, place string) {
		t.Helper()
		_, err := rebuild()
		require.Equal(t, want, types.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "segment 0 (blocks 1 to 1024)")
		require.ErrorContains(t, err, place)
		require.NoDirExists(t, c.DataDir())
	}
	bad := append([]byte(nil), good...)
	bad[len(bad)/2] ^= 1
	write(bad)
	refused(types.CodeLedgerCorrupt, filepath.Base(file))
	write(good)
	manifest := filepath.Join(filepath.Dir(file), "seg-00000000.json")
	require.NoError(t, os.Rename(manifest, manifest+".aside"))
	refused(types.CodeArchiveMissing, "seg-00000000.json")
	require.NoError(t, os.Rename(manifest+".aside", manifest))
	cancelled, cancel := context.WithCancel(t.Context())
	_, err = node.RebuildChain(cancelled, home, "", node.VMConfig{}, func(stage string, _, done, _ uint64) {
		if stage == node.StageRestore && done == 600 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NoDirExists(t, c.DataDir())

	r, err := rebuild() // goes on with block 601
	require.NoError(t, err)
	require.EqualValues(t, archive.SegmentBlocks, r.Height)
	reports, err := node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	require.Equal(t, r.State, reports[0].StateRoot)
	f := restartFinding(t, home)
	require.False(t, f.OK)
	require.Contains(t, f.Fix.EN, "huchain archive restart")
	run := run(t, home)
	code, got := get(t, run.web+block)
	require.Equal(t, http.StatusOK, code, got)
	require.Equal(t, before, got, "as the chain itself answered")
	code, _ = get(t, run.web+"/readyz")
	require.Equal(t, http.StatusOK, code)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	cl, err := client.New(t.Context(), client.DefaultParams(n.URLs()...))
	require.NoError(t, err)
	_, err = cl.Call(t.Context(), clerk, "membership", "register", struct{}{})
	require.Equal(t, types.CodeChainReadOnly, types.CodeOf(err), "%v", err)
	require.NoError(t, run.end(t))
	act := restarted(t, home, n, block, before)
	for _, dir := range []string{c.DataDir(), c.ArchiveDir()} {
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.Rename(dir+".aside", dir))
	}
	config := backUp(t, home)
	require.NoError(t, os.WriteFile(c.RestartFile(), act, 0o600))
	err = node.Run(t.Context(), home, node.Options{Stderr: io.Discard})
	require.Equal(t, types.CodeRestartRefused, types.CodeOf(err), "a node that has the blocks which the act gives up: %v", err)
	require.NoError(t, os.RemoveAll(c.DataDir()))
	err = restoreBackup(t, home, "")
	require.Equal(t, types.CodeRestartRefused, types.CodeOf(err), "a backup of them: %v", err)
	require.NoError(t, os.Remove(c.RestartFile()))
	require.NoError(t, restoreBackup(t, home, ""))
	require.NoFileExists(t, c.RestartFile())
	require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(config), 0o600))
}

// fill makes blocks up to a height: a transaction makes three. Then the chain rests: no vote
// is under way which a backup would lack.
func fill(t *testing.T, n *devnet.Network, height uint64) {
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	c, err := client.New(t.Context(), client.DefaultParams(n.URLs()...))
	require.NoError(t, err)
	for {
		r, err := c.Call(t.Context(), clerk, "membership", "register", struct{}{})
		require.NoError(t, err)
		if r.Height > height {
			rests(t, c, r.Height)
			return
		}
	}
}

// rests waits until the blocks are there that follow a transaction.
func rests(t *testing.T, c *client.Client, height uint64) {
	require.Eventually(t, func() bool {
		st, err := c.Status(t.Context())
		return err == nil && st.Height >= height+2
	}, 3*time.Minute, 20*time.Millisecond)
}

func restore(t *testing.T, home node.Home) error {
	_, err := node.RestoreArchived(t.Context(), home, "", 0, nil)
	return err
}

func TestArchiveConfigRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain.toml")
	for text, want := range map[string]string{
		"folder = \"a\"": "archive.keyFile",
		"folder = \"a\"\nplaintext = true\nkeyFile = \"k\"":                  "archive.keyFile",
		"folder = \"a\"\nplaintext = true\nkeepBlocks = 10":                  "archive.keepBlocks",
		"folder = \"a\"\nplaintext = true\n[archive.s3]\nendpoint = \"h:1\"": "not both",
		"keyFile = \"k\"\n[archive.s3]\nendpoint = \"h:1\"":                  "archive.s3.bucket",
		"folder = \"a\"\nkeyFile = \"k\"\nrecipients = [\"04\"]":             "archive.recipients",
		"folder = \"a\"\nplaintext = true\n[prune]\nkeepBlocks = 5000":       "prune.keepBlocks",
	} {
		require.NoError(t, os.WriteFile(path, []byte("[archive]\n"+text+"\n"), 0o600))
		_, err := node.LoadChainConfig(path)
		require.ErrorContains(t, err, want, text)
		require.Equal(t, types.CodeConfig, types.CodeOf(err))
	}
	require.NoError(t, os.WriteFile(path, []byte("[archive]\nfolder = \"a\"\nplaintext = true\nminAge = \"720h\"\n"), 0o600))
	_, err := node.LoadChainConfig(path)
	require.NoError(t, err)
}
