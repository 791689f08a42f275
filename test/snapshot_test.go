package test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/node"
)

// onNode runs a command on a validator's home and reads its JSON answer.
func (n *network) onNode(i int, out any, args ...string) error {
	n.t.Helper()
	cmd := exec.Command(binary, append(args, "--home", n.NodeHome(n.Nodes[i].Name).Dir, "-o", "json")...)
	var text strings.Builder
	cmd.Stderr = &text
	raw, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, text.String())
	}
	return json.Unmarshal(raw, out)
}

// TestSnapshots: a running validator makes a snapshot on demand; another whose data is
// gone begins from a copy of it, and once more from its peers, and votes on. An altered
// copy is refused.
// covers: T.05
func TestSnapshots(t *testing.T) {
	n := shared(t, "snapshots", beside, nil)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	deposit := func(i int) Deposit {
		d := newDeposit()
		_, err := n.client(i).Call(ctx, clerk, "evidence", "deposit", d)
		require.NoError(t, err)
		return d
	}
	first := deposit(0)
	var made, other node.SnapshotInfo
	require.NoError(t, n.onNode(0, &made, "snapshot", "create"))
	require.NoError(t, n.onNode(1, &other, "snapshot", "create"))
	for range 6 {
		deposit(1)
	}
	for i := range 2 {
		n.eventually("anchored", func() error {
			var list []node.SnapshotInfo
			if err := n.onNode(i, &list, "snapshot", "list"); err != nil {
				return err
			}
			if len(list) != 1 || !list[0].Anchored {
				return fmt.Errorf("%+v", list)
			}
			return nil
		})
	}
	if made.Height == other.Height {
		require.Equal(t, made.Hash, other.Hash, "two validators' snapshots of one height")
	}

	// From a copied folder.
	chain := n.NodeHome(n.Nodes[3].Name).Chain(n.Chain)
	folder := filepath.Join(t.TempDir(), filepath.Base(made.Path))
	require.NoError(t, os.CopyFS(folder, os.DirFS(made.Path)))
	var info node.SnapshotInfo
	require.ErrorContains(t, n.onNode(3, &info, "snapshot", "restore", folder), "HC-1005", "it runs")
	n.stop(3)
	require.ErrorContains(t, n.onNode(3, &info, "snapshot", "restore", folder), "HC-1011", "it has data")
	require.NoError(t, os.RemoveAll(n.dataDir(3)))
	bad := filepath.Join(t.TempDir(), filepath.Base(made.Path))
	require.NoError(t, os.CopyFS(bad, os.DirFS(made.Path)))
	last := filepath.Join(bad, fmt.Sprintf("chunk-%06d", made.Chunks-1))
	raw, err := os.ReadFile(last)
	require.NoError(t, err)
	raw[len(raw)-1] ^= 1
	require.NoError(t, os.WriteFile(last, raw, 0o600))
	require.ErrorContains(t, n.onNode(3, &info, "snapshot", "restore", bad), "HC-4301")
	entries, err := os.ReadDir(n.dataDir(3))
	require.NoError(t, err)
	require.Empty(t, entries, "nothing half restored")
	require.NoError(t, n.onNode(3, &info, "snapshot", "restore", folder))
	require.Equal(t, made.Height, info.Height)
	n.votesOn(3, first)

	// From its peers.
	n.stop(3)
	require.NoError(t, os.RemoveAll(n.dataDir(3)))
	config, err := os.ReadFile(chain.ConfigFile())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(chain.ConfigFile(), append(config, []byte("\n[stateSync]\nenable = true\n")...), 0o600))
	n.votesOn(3, first)
	require.Contains(t, n.logOf(3), "joined by snapshot")

	// The damage of a snapshot at rest is found and named.
	n.stop(0)
	path := filepath.Join(made.Path, "chunk-000000")
	raw, err = os.ReadFile(path)
	require.NoError(t, err)
	raw[len(raw)/2] ^= 1
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	var report []node.FsckReport
	require.ErrorContains(t, n.onNode(0, &report, "fsck"), fmt.Sprintf("snapshot %d", made.Height))
	raw[len(raw)/2] ^= 1
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	require.NoError(t, n.onNode(0, &report, "fsck"))
	require.Len(t, report[0].Snapshots, 1)
	n.start(0)
	n.ready(0)
}

// votesOn starts a validator, requires that it knows a deposit, and that the chain goes on
// with its vote while another is down.
func (n *network) votesOn(i int, d Deposit) {
	n.t.Helper()
	ctx := context.Background()
	n.start(i)
	n.ready(i)
	n.reaches(n.height(0), i)
	_, err := n.client(i).Query(ctx, nil, "evidence", "get", map[string]string{"hash": d.Hash})
	require.NoError(n.t, err)
	n.kill(2)
	clerk, err := n.Member("clerk")
	require.NoError(n.t, err)
	_, err = n.client(i).Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(n.t, err)
	n.start(2)
	n.ready(2)
	n.sameState(0, 1, 2, 3)
	n.nobodySignedTwice()
}
