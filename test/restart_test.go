package test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/backup"
	"github.com/huchain/huchain/node"
)

// Four processes lose all that is on their disks but configuration and keys. Each rebuilds
// the chain from its genesis and one archive; three sign the act, one of them for a signer in a
// process of its own; all apply it and start; the chain takes transactions again, and files that
// were proven before and after are verified with the genesis file alone. A backup made then
// brings a node back with the act. A segment of blocks and a thousand more take some minutes, so
// the test runs in a soak alone.
func TestRestartOfFourProcesses(t *testing.T) {
	if soak == 1 {
		t.Log("runs with HUCHAIN_SOAK")
		return
	}
	occupy(t)
	n := foundNetwork(t, t.TempDir(), "evidence")
	defer n.killAll()
	defer func() {
		if t.Failed() {
			n.showLogs()
		}
	}()
	n.hasPlaces(filepath.Join(t.TempDir(), "cold"), filepath.Join(t.TempDir(), "backups"))
	all := []int{0, 1, 2, 3}
	n.start(all...)
	n.ready(all...)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	ctx := context.Background()
	first, err := n.client(0).Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.fill(clerk, archive.SegmentBlocks+node.MinKeepBlocks+8)
	var ran node.ArchiveRun
	require.NoError(t, n.onNode(0, &ran, "archive", "run"))
	require.EqualValues(t, archive.SegmentBlocks, ran.Archived)
	lost, err := n.client(0).Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	lostProof := n.proofFile(lost.ID.String())

	for i := range n.Nodes {
		n.stop(i)
		require.NoError(t, os.RemoveAll(n.dataDir(i)))
		require.NoError(t, os.RemoveAll(n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).ArchiveDir()))
	}
	act, signer := n.restarted(3)
	defer func() { signer.kill() }()
	n.start(all...)
	n.ready(all...)
	for i := range n.Nodes {
		c, err := n.client(i).Call(ctx, clerk, "evidence", "deposit", newDeposit())
		require.NoError(t, err)
		require.Greater(t, c.Height, uint64(archive.SegmentBlocks))
		for _, file := range []string{n.proofFile(first.ID.String()), n.proofFile(c.ID.String())} {
			require.NoError(t, n.verify(file))
			require.NoError(t, n.verify(file, "--restart", act))
			require.ErrorContains(t, n.verify(file, "--restart", act+".0"), "HC-5107", "signed by one of four")
		}
	}
	require.NoError(t, n.verify(lostProof), "by its signatures alone it holds")
	require.ErrorContains(t, n.verify(lostProof, "--restart", act), "HC-4205")

	n.kill(2) // the votes of the signer are needed now
	_, err = n.client(0).Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.start(2)
	n.ready(2)
	n.comesBackFromBackup(1)
	n.sameHeaders(all...)
	n.nobodySignedTwice()
}

// hasPlaces gives all nodes an archive, and a place for backups.
func (n *network) hasPlaces(archive, backups string) {
	n.t.Helper()
	for i := range n.Nodes {
		file := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).ConfigFile()
		config, err := os.ReadFile(file)
		require.NoError(n.t, err)
		text := fmt.Sprintf("%s\n[archive]\nfolder = %q\nplaintext = true\nkeepBlocks = %d\n\n[backup]\nfolder = %q\nkeyFile = \"keys/link.key\"\n",
			config, archive, node.MinKeepBlocks, filepath.Join(backups, n.Nodes[i].Name))
		require.NoError(n.t, os.WriteFile(file, []byte(text), 0o600))
	}
}

// fill makes blocks beyond a height.
func (n *network) fill(as *client.Identity, height uint64) {
	n.t.Helper()
	for at := uint64(0); at < height; {
		c, err := n.client(1).Call(context.Background(), as, "membership", "register", struct{}{})
		require.NoError(n.t, err)
		at = c.Height
	}
}

// restarted rebuilds the stopped chain in every home and has its validators restart it, one of
// them with its keys in a process of their own from now on. It returns the act with all its
// signatures, beside which lies, as .0, the copy that one has signed, and the signer.
func (n *network) restarted(away int) (act string, signer *process) {
	t := n.t
	t.Helper()
	work := t.TempDir()
	act = filepath.Join(work, "gov.restart")
	keys, address := filepath.Join(work, "keys"), freeAddress(t)
	require.NoError(t, os.Mkdir(keys, 0o700))
	for _, f := range []string{"validator.key", "consensus.json", "vote.json"} {
		require.NoError(t, os.Rename(filepath.Join(n.NodeHome(n.Nodes[away].Name).Chain(n.Chain).KeysDir(), f), filepath.Join(keys, f)))
	}
	n.signsAt(away, address)
	var rebuilt node.Rebuilt
	for i := range n.Nodes {
		require.NoError(t, n.onNode(i, &rebuilt, "archive", "restore", "--chain-from-genesis"))
		require.EqualValues(t, archive.SegmentBlocks, rebuilt.Height)
	}
	var view struct {
		Short    string
		SignedBy []string
	}
	require.NoError(t, n.onNode(0, &view, "archive", "restart", "propose", "--out", act))
	short := view.Short
	copies := []string{act + ".0", act + ".1", act + ".2"}
	for i, home := range []int{0, 1, away} {
		args := []string{"archive", "restart", "sign", act, "--passphrase-file", n.PassphraseFile(), "--out", copies[i]}
		if home == away {
			require.ErrorContains(t, n.onNode(home, &view, args...), "HC-6101", "its key is elsewhere")
			args = append(args, "--key", filepath.Join(keys, "validator.key"))
		}
		require.NoError(t, n.onNode(home, &view, args...))
		require.NoError(t, n.onNode(home, &view, "archive", "restart", "show", copies[i]))
		require.Equal(t, short, view.Short)
	}
	require.ErrorContains(t, n.onNode(2, &view, "archive", "restart", "apply", act, copies[0], copies[1]), "HC-5107", "two of four")
	for i := range n.Nodes {
		require.NoError(t, n.onNode(i, &view, append([]string{"archive", "restart", "apply", act}, copies...)...))
		require.Len(t, view.SignedBy, 3)
	}
	signed := n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).RestartFile()
	text, err := os.ReadFile(signed)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(act, text, 0o600))
	return act, n.serveKeys(keys, away, address, "--restart", act, "--begin-votes")
}

// comesBackFromBackup: a validator is lost but for its keys, and restored from a backup of after
// the restart.
func (n *network) comesBackFromBackup(i int) {
	t := n.t
	t.Helper()
	home := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain)
	var made, same backup.Outcome
	require.NoError(t, n.onNode(i, &made, "backup", "create"))
	require.NoError(t, n.onNode(i, &same, "backup", "verify"))
	require.Equal(t, made.Height, same.Height)
	n.stop(i)
	require.NoError(t, os.RemoveAll(home.DataDir()))
	require.NoError(t, os.Remove(home.RestartFile()))
	require.NoError(t, n.onNode(i, &same, "backup", "restore"))
	require.FileExists(t, home.RestartFile())
	n.start(i)
	n.ready(i)
	n.reaches(n.height(0), i)
}

// proofFile exports the proof of a transaction.
func (n *network) proofFile(id string) string {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), id[:8]+".proof")
	n.huchain("proof", "export", "tx", id, "--out", file)
	return file
}

// verify verifies a proof with the genesis file alone.
func (n *network) verify(file string, more ...string) error {
	n.t.Helper()
	var out json.RawMessage
	return n.onNode(0, &out, append([]string{"proof", "verify", file, "--genesis", n.GenesisFile()}, more...)...)
}
