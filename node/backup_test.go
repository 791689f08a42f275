package node_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/ledger/backup"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// A backup of a running chain restores to its height and roots and goes on; a second one
// stores little more; what is damaged, cut or missing is refused with the place named.
//
// covers: T.11
func TestBackup(t *testing.T) {
	home, n := soloHome(t)
	c := home.Chain("gov")
	config, err := os.ReadFile(c.ConfigFile())
	require.NoError(t, err)
	place := filepath.Join(t.TempDir(), "backups")
	text := fmt.Sprintf("%s\n[backup]\nfolder = %q\nkeyFile = \"keys/validator.key\"\n", config, place)
	require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(text), 0o600))
	_, err = node.VerifyBackup(t.Context(), home, "", "", nil)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err), "there is none yet")
	r := run(t, home)
	fill(t, n, 30)
	made, err := node.CreateBackup(t.Context(), home, "", nil, func(string, uint64, uint64, uint64) {})
	require.NoError(t, err)
	require.GreaterOrEqual(t, made.Height, uint64(30))
	fill(t, n, made.Height+9)
	again, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	require.Greater(t, again.Height, made.Height)
	require.Less(t, again.Stored, again.Bytes, "what is there is not stored again")
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(restoreBackup(t, home, "")), "not under a running node")
	require.NoError(t, r.end(t))
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(restoreBackup(t, home, "")), "not over data")
	stopped, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	names, err := node.ListBackups(t.Context(), home, "")
	require.NoError(t, err)
	require.Contains(t, names, made.Name)
	require.Contains(t, names, stopped.Name)
	refuseDamaged(t, home, place, made.Name)

	// Everything is gone but keys and configuration; the vote state even that.
	require.NoError(t, os.RemoveAll(c.DataDir()))
	require.NoError(t, restoreBackup(t, home, made.Name))
	reports, err := node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	require.Equal(t, made.Height, reports[0].Height)
	require.Equal(t, made.State, reports[0].StateRoot)
	require.NoFileExists(t, filepath.Join(c.DataDir(), "consensus", "wal", "wal"))
	require.NoError(t, filepath.WalkDir(c.DataDir(), func(path string, _ fs.DirEntry, err error) error {
		require.NotContains(t, path, "vote")
		return err
	}))

	// The newest one goes on with the votes that the validator still knows of.
	require.NoError(t, os.RemoveAll(c.DataDir()))
	require.NoError(t, restoreBackup(t, home, ""))
	r = run(t, home)
	fill(t, n, stopped.Height+9)
	require.NoError(t, r.end(t))

	// A second disk: CometBFT's stores move by hand, the ledger by command, most of it ahead.
	old, now := c.ConsensusDir(), filepath.Join(t.TempDir(), "volume")
	require.NoError(t, os.Rename(old, now))
	require.NoError(t, os.Symlink(now, old))
	moveLedger(t, home, n, stopped.Height+15)
	r = run(t, home)
	fill(t, n, stopped.Height+30)
	last, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	require.Greater(t, last.Height, stopped.Height)
	require.NoError(t, r.end(t))
	_, err = node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	// What the validator has voted for since a backup it cannot vote for again: alone it goes
	// on from one that was made after its last vote.
	final, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	backupOfBolt(t, home, n, text, final.Height)
}

// backupOfBolt: a driver that links no files is copied row by row beside the running chain;
// the copy restores to that driver or to another one.
func backupOfBolt(t *testing.T, home node.Home, n *devnet.Network, config string, height uint64) {
	c := home.Chain("gov")
	require.NoError(t, os.RemoveAll(c.DataDir()))
	use := func(driver string) {
		require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(config+"\n[ledger]\ndriver = \""+driver+"\"\n"), 0o600))
	}
	use("bbolt")
	require.NoError(t, restoreBackup(t, home, "")) // made on Pebble
	r := run(t, home)
	fill(t, n, height+9)
	made, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	require.Greater(t, made.Height, height)
	fill(t, n, made.Height+9)
	require.NoError(t, r.end(t))
	again, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	for _, driver := range []string{"bbolt", "pebble"} {
		for _, b := range []*backup.Outcome{made, again} {
			require.NoError(t, os.RemoveAll(c.DataDir()))
			use(driver)
			require.NoError(t, restoreBackup(t, home, b.Name))
			reports, err := node.Fsck(t.Context(), home, "", nil)
			require.NoError(t, err)
			require.Equal(t, b.Height, reports[0].Height)
			require.Equal(t, b.State, reports[0].StateRoot)
		}
	}
	r = run(t, home)
	fill(t, n, again.Height+9)
	require.NoError(t, r.end(t))
}

func restoreBackup(t *testing.T, home node.Home, name string) error {
	_, err := node.RestoreBackup(t.Context(), home, "", name, nil, nil)
	return err
}

func refuseDamaged(t *testing.T, home node.Home, place, name string) {
	var objects []string
	require.NoError(t, filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".hcb") {
			objects = append(objects, path)
		}
		return err
	}))
	require.NotEmpty(t, objects)
	check := func() error {
		_, err := node.VerifyBackup(t.Context(), home, "", name, nil)
		return err
	}
	require.NoError(t, check())
	damage := func(path string, change func([]byte) []byte, want types.Code, place string) (found bool) {
		good, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(good) == 0 {
			return false
		}
		require.NoError(t, os.Remove(path))
		if bad := change(append([]byte(nil), good...)); bad != nil {
			require.NoError(t, os.WriteFile(path, bad, 0o600))
		}
		err = check()
		if err != nil { // an object of another backup is none of this one's concern
			require.Equal(t, want, types.CodeOf(err))
			require.ErrorContains(t, err, place)
		} else {
			require.NotContains(t, path, ".json")
		}
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, os.WriteFile(path, good, 0o600))
		return err != nil
	}
	hit := 0
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	for _, o := range objects {
		if hit == 3 { // each reads the whole backup
			break
		}
		if damage(o, flip, types.CodeBackupDamaged, filepath.Base(o)) {
			hit++
		}
		damage(o, func(b []byte) []byte { return b[:len(b)-1] }, types.CodeBackupDamaged, filepath.Base(o))
		damage(o, func([]byte) []byte { return nil }, types.CodeArchiveMissing, filepath.Base(o))
	}
	require.Positive(t, hit)
	list := filepath.Join(place, filepath.FromSlash(name))
	damage(list, flip, types.CodeBackupDamaged, name)
	damage(list, func(b []byte) []byte { return b[:len(b)/2] }, types.CodeBackupDamaged, name)
	require.NoError(t, check())
	require.Equal(t, types.CodeArchiveMissing, types.CodeOf(func() error {
		_, err := node.VerifyBackup(t.Context(), home, "", strings.Replace(name, "0", "9", 1), nil)
		return err
	}()))
}

// moveLedger moves the ledger to another folder while the node runs and after it stopped,
// with interruptions; nothing but this very ledger is taken up.
func moveLedger(t *testing.T, home node.Home, n *devnet.Network, height uint64) {
	c := home.Chain("gov")
	volume := t.TempDir()
	move := func() (*node.Moved, error) {
		return node.MoveLedger(t.Context(), home, "", volume, func(string, uint64) {})
	}
	r := run(t, home)
	m, err := move()
	require.NoError(t, err)
	require.False(t, m.Done)
	require.Positive(t, m.Files)
	fill(t, n, height)
	require.NoError(t, r.end(t))
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = node.MoveLedger(stopped, home, "", volume, nil)
	require.ErrorIs(t, err, context.Canceled)
	info, err := os.Lstat(c.LedgerDir())
	require.NoError(t, err)
	require.True(t, info.IsDir(), "where it was")

	to := filepath.Join(volume, "gov-ledger")
	mark, err := os.ReadFile(filepath.Join(to, "moving.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "moving.json"), []byte(strings.Replace(string(mark), "Inode\":", "Inode\":1", 1)), 0o644))
	_, err = move()
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err), "the copy of another ledger")
	require.NoError(t, os.WriteFile(filepath.Join(to, "moving.json"), mark, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(to, "state", "999999.sst"), []byte("gone meanwhile"), 0o644))

	m, err = move()
	require.NoError(t, err)
	require.True(t, m.Done)
	require.Positive(t, m.Before, "what was copied ahead")
	require.NoFileExists(t, filepath.Join(to, "state", "999999.sst"))
	require.NoFileExists(t, filepath.Join(to, "moving.json"))
	require.NoError(t, os.RemoveAll(m.Kept))
	link, err := os.Readlink(c.LedgerDir())
	require.NoError(t, err)
	require.Equal(t, to, link)
	_, err = move()
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err))
	_, err = node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
}
