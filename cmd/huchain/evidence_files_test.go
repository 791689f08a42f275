package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/services/database"
	service "github.com/huchain/huchain/services/evidence"
	"github.com/huchain/huchain/types"
)

// startAndStop runs a node until it has made its first blocks.
func startAndStop(t *testing.T, home node.Home) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done, ready := make(chan error, 1), make(chan string, 1)
	go func() {
		done <- node.Run(ctx, home, node.Options{Stderr: io.Discard, Ready: func(_, web string, _ []string) { ready <- web }})
	}()
	web := <-ready
	require.Eventually(t, func() bool {
		resp, err := http.Get(web + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 2*time.Minute, 20*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

// A backup holds the evidence service: database and keys come back together where they are
// gone, a service that is still there stays, other keys are not replaced, and a damaged
// database is neither backed up nor restored.
// covers: T.11
func TestBackupOfAnEvidenceService(t *testing.T) {
	n, err := devnet.Create(t.Context(), devnet.Params{Home: t.TempDir(), Validators: 1})
	require.NoError(t, err)
	home := n.NodeHome("node0")
	c := home.Chain("gov")
	config, err := os.ReadFile(c.ConfigFile())
	require.NoError(t, err)
	text := fmt.Sprintf("%s\n[backup]\nfolder = %q\nkeyFile = \"keys/validator.key\"\n", config, filepath.Join(t.TempDir(), "backups"))
	require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(text), 0o600))
	startAndStop(t, home)

	dir, place := c.EvidenceDir(), filepath.Join(c.EvidenceDir(), service.DatabaseFile)
	require.NoError(t, makeSecrets(dir, []byte("a passphrase for the service")))
	d, err := database.Open(place, database.Schema{Name: "things", Steps: []string{"CREATE TABLE thing (n INTEGER)", "INSERT INTO thing VALUES (7)"}})
	require.NoError(t, err)
	keys, err := openSecrets(dir, []byte("a passphrase for the service"))
	require.NoError(t, err)
	made, err := node.CreateBackup(t.Context(), home, "", evidenceFiles{}, nil)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	restore := func() error {
		require.NoError(t, os.RemoveAll(c.DataDir()))
		_, err := node.RestoreBackup(t.Context(), home, "", made.Name, evidenceFiles{}, nil)
		return err
	}
	before, err := os.ReadFile(place)
	require.NoError(t, err)
	require.NoError(t, restore())
	after, err := os.ReadFile(place)
	require.NoError(t, err)
	require.Equal(t, before, after, "what is there stays")

	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, restore())
	again, err := openSecrets(dir, []byte("a passphrase for the service"))
	require.NoError(t, err)
	require.Equal(t, keys.fields, again.fields)
	d, err = database.Open(place, database.Schema{Name: "things", Steps: []string{"", ""}})
	require.NoError(t, err)
	var seven int
	_, err = d.Row(t.Context(), "SELECT n FROM thing", nil, &seven)
	require.NoError(t, err)
	require.Equal(t, 7, seven)
	require.NoError(t, d.Close())
	require.NoDirExists(t, filepath.Join(c.DataDir(), "evidence"))

	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, makeSecrets(dir, []byte("another")))
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(restore()), "keys of another service")
	require.NoDirExists(t, c.DataDir())
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, restore())
	next := filepath.Join(dir, nextKeyFile)
	require.NoError(t, os.WriteFile(next, nil, 0o600))
	_, err = node.CreateBackup(t.Context(), home, "", evidenceFiles{}, nil)
	require.Equal(t, types.CodeKeyFile, types.CodeOf(err), "a change of keys that was interrupted")
	require.NoError(t, os.Remove(next))
	raw, err := os.ReadFile(place)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(place, raw[:len(raw)/2], 0o600))
	_, err = node.CreateBackup(t.Context(), home, "", evidenceFiles{}, nil)
	require.Equal(t, types.CodeServiceDatabase, types.CodeOf(err), "%v", err)
}
