package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/ledger/backup"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/types"
)

// BackupConfig says where encrypted copies of a chain's data go, and when.
type BackupConfig struct {
	Folder     string        `koanf:"folder"`
	S3         S3Config      `koanf:"s3"`
	KeyFile    string        `koanf:"keyFile"`    // SM2 key, relative to the chain's folder; opened like the validator's
	Recipients []string      `koanf:"recipients"` // further SM2 public keys that may restore
	Every      time.Duration `koanf:"every"`      // how often the running node makes one; 0: only on order
}

func (c *BackupConfig) enabled() bool { return c.Folder != "" || c.S3.Endpoint != "" }

// place is the configuration of the target, which an archive shares.
func (c *BackupConfig) place() *ArchiveConfig { return &ArchiveConfig{Folder: c.Folder, S3: c.S3} }

func (c *BackupConfig) validate() error {
	if !c.enabled() {
		return nil
	}
	switch {
	case c.Folder != "" && c.S3.Endpoint != "":
		return errors.New("backup: a folder or an object store, not both")
	case c.S3.Endpoint != "" && c.S3.Bucket == "":
		return errors.New("backup.s3.bucket: needed")
	case c.KeyFile == "":
		return errors.New("backup.keyFile: the key that backups are encrypted to")
	case c.Every < 0 || c.Every > 0 && c.Every < time.Second:
		return errors.New("backup.every: at least 1s, or 0")
	}
	for _, s := range c.Recipients {
		if _, err := parseRecipient(s); err != nil {
			return fmt.Errorf("backup.recipients: %w", err)
		}
	}
	return nil
}

// backupParams opens the place of a chain's backups.
func backupParams(home ChainHome, cfg *ChainConfig, genesis crypto.Hash) (*backup.Params, error) {
	c := &cfg.Backup
	if !c.enabled() {
		return nil, types.Errorf(types.CodeConfig, "chain.toml of %s names no place for backups: set backup.folder or backup.s3", home.Name)
	}
	secret, err := keystore.ReadPassphrase(passphraseFile(home, *cfg))
	if err != nil {
		return nil, err
	}
	p := &backup.Params{Genesis: genesis}
	if p.Key, err = keystore.Load(under(home, c.KeyFile), secret); err != nil {
		return nil, fmt.Errorf("backup key: %w", err)
	}
	for _, s := range c.Recipients {
		to, err := parseRecipient(s)
		if err != nil {
			return nil, types.Errorf(types.CodeConfig, "backup.recipients: %w", err)
		}
		p.Recipients = append(p.Recipients, to)
	}
	p.Target, err = c.place().target(home)
	return p, err
}

// StageBackup is the stage that progress is told of backups.
const StageBackup = "backup"

func bytesProgress(progress repo.Progress) backup.Progress {
	if progress == nil {
		return nil
	}
	return func(done, of uint64) { progress(StageBackup, 0, done, of) }
}

// copyAndStore has lay put a copy of a chain's data into a folder, and stores it.
func copyAndStore(ctx context.Context, home ChainHome, evidence EvidenceFiles, p *backup.Params, progress repo.Progress, lay func(dir string) (*ledger.Copied, error)) (out *backup.Outcome, err error) {
	work := home.BackupWorkDir()
	if err := os.RemoveAll(work); err == nil {
		err = os.MkdirAll(filepath.Join(work, "scratch"), 0o700)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	dir := filepath.Join(work, "data")
	beside, err := besideLedger(home, dir)
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(beside)) }()
	c, err := lay(dir)
	if err == nil {
		err = c.Finish(ctx)
	}
	if err == nil {
		err = copyEvidence(ctx, home, evidence, dir)
	}
	if err == nil {
		err = copyRestart(home, dir)
	}
	if err != nil {
		return nil, err
	}
	info := backup.Info{Chain: home.Name, Height: c.Height, Content: c.Content, State: c.State, TimeMs: time.Now().UnixMilli()}
	return backup.Create(ctx, p, info, dir, filepath.Join(work, "scratch"), bytesProgress(progress))
}

// besideLedger has the copy of a ledger that was moved to another volume made there, where
// its files can be linked, and returns that folder; "" for a ledger in its place.
func besideLedger(home ChainHome, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	to, err := os.Readlink(home.LedgerDir())
	if err != nil {
		return "", nil //nolint:nilerr // no link, or no ledger, which the copying tells
	}
	beside := to + ".backup"
	err = os.RemoveAll(beside)
	if err == nil {
		err = os.MkdirAll(beside, 0o700)
	}
	if err == nil {
		err = os.Symlink(beside, filepath.Join(dir, "ledger"))
	}
	return beside, err
}

// createBackup makes a backup of a running chain beside its work.
func (r *running) createBackup(ctx context.Context, home Home, evidence EvidenceFiles, progress repo.Progress) (*backup.Outcome, error) {
	if !r.backing.TryLock() {
		return nil, &types.Error{Code: types.CodeNotReady, Detail: "a backup is being made already", RetryAfterMs: 10_000}
	}
	defer r.backing.Unlock()
	c := home.Chain(r.name)
	p, err := backupParams(c, &r.cfg, r.genesis.Hash())
	if err != nil {
		return nil, err
	}
	return copyAndStore(ctx, c, evidence, p, progress, func(dir string) (copied *ledger.Copied, err error) {
		err = r.consensus.Checkpoint(filepath.Join(dir, "consensus"), func() error {
			copied, err = r.ledger.Checkpoint(filepath.Join(dir, "ledger"))
			return err
		})
		return copied, err
	})
}

// CreateBackup makes a backup of a chain: the running node does it beside its work; where
// none runs it is done here. evidence copies the evidence service; nil leaves it out.
func CreateBackup(ctx context.Context, home Home, chain string, evidence EvidenceFiles, progress repo.Progress) (*backup.Outcome, error) {
	c, err := onlyChain(home, chain)
	if err != nil {
		return nil, err
	}
	lock, err := Acquire(c.LockFile())
	if types.CodeOf(err) == types.CodeHomeLocked {
		out := &backup.Outcome{}
		return out, controlLines(ctx, home, "/backup", url.Values{"chain": {c.Name}}, progress, out)
	}
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	p, g, err := backupPlace(c)
	if err != nil {
		return nil, err
	}
	return copyAndStore(ctx, c, evidence, p, progress, func(dir string) (*ledger.Copied, error) {
		if err := consensus.CheckpointStopped(c.ConsensusDir(), filepath.Join(dir, "consensus")); err != nil {
			return nil, err
		}
		l, err := openStopped(c, g.Hash())
		if err != nil {
			return nil, err
		}
		copied, err := l.Checkpoint(filepath.Join(dir, "ledger"))
		if err == nil {
			err = copied.Finish(ctx) // needs the ledger open
		}
		return copied, errors.Join(err, l.Close())
	})
}

func backupPlace(c ChainHome) (*backup.Params, *chain.Genesis, error) {
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := LoadChainConfig(c.ConfigFile())
	if err != nil {
		return nil, nil, err
	}
	p, err := backupParams(c, &cfg, g.Hash())
	return p, g, err
}

// openStopped opens the ledger of a chain that does not run.
func openStopped(c ChainHome, genesis crypto.Hash) (*ledger.Ledger, error) {
	params, err := ledgerParams(c)
	if err != nil {
		return nil, err
	}
	return ledger.Open(c.LedgerDir(), genesis, params)
}

// ListBackups lists the names of a chain's backups, the oldest first.
func ListBackups(ctx context.Context, home Home, chain string) ([]string, error) {
	c, err := onlyChain(home, chain)
	if err != nil {
		return nil, err
	}
	p, _, err := backupPlace(c)
	if err != nil {
		return nil, err
	}
	return backup.List(ctx, p)
}

// named is a backup by name, or the newest.
func named(ctx context.Context, p *backup.Params, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	names, err := backup.List(ctx, p)
	if err == nil && len(names) == 0 {
		err = types.Errorf(types.CodeNotFound, "there is no backup in %s", p.Target)
	}
	if err != nil {
		return "", err
	}
	return names[len(names)-1], nil
}

// VerifyBackup reads a backup, or the newest, back from end to end.
func VerifyBackup(ctx context.Context, home Home, chain, name string, progress repo.Progress) (*backup.Outcome, error) {
	c, err := onlyChain(home, chain)
	if err != nil {
		return nil, err
	}
	p, _, err := backupPlace(c)
	if err != nil {
		return nil, err
	}
	if name, err = named(ctx, p, name); err != nil {
		return nil, err
	}
	return backup.Verify(ctx, p, name, bytesProgress(progress))
}

// RestoreBackup makes the data of a chain that has none out of a backup, or the newest. The
// node must be stopped. What was restored is opened and must have the height and roots of
// the backup, and follow the act that the chain was restarted with, if it was, which comes
// back beside the genesis file; else nothing is left of it. Keys and vote state are not
// touched. The evidence service comes back where its database is gone.
func RestoreBackup(ctx context.Context, home Home, chain, name string, evidence EvidenceFiles, progress repo.Progress) (*backup.Outcome, error) {
	c, lock, err := emptyChain(home, chain, "a backup is restored")
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	p, g, err := backupPlace(c)
	if err != nil {
		return nil, err
	}
	to, err := newLedgerDriver(c)
	if err != nil {
		return nil, err
	}
	if name, err = named(ctx, p, name); err != nil {
		return nil, err
	}
	draft := c.DataDir() + ".restoring"
	if err := os.RemoveAll(draft); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	out, err := backup.Restore(ctx, p, name, draft, bytesProgress(progress))
	if err == nil {
		err = to.lay(ctx, filepath.Join(draft, "ledger"))
	}
	if err == nil {
		err = checkRestored(c, draft, to.opener, g, &out.Info)
	}
	found := false
	if err == nil {
		found, err = checkEvidence(ctx, c, evidence, draft)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(draft))
	}
	if found {
		if err := placeEvidence(c, evidence, draft); err != nil {
			return nil, err
		}
	}
	if err := placeRestart(c, draft); err != nil {
		return nil, err
	}
	if err := os.Remove(c.DataDir()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := os.Rename(draft, c.DataDir()); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return out, nil
}

// checkRestored opens the ledger of a restored chain, which rebuilds its state tree, and
// compares it with what the backup says, and with the act that the chain was restarted with.
func checkRestored(home ChainHome, draft string, with driver.Opener, g *chain.Genesis, want *backup.Info) error {
	p := ledger.DefaultParams()
	p.Driver, p.PageBytes = with, 0 // nothing changes here
	l, err := ledger.Open(filepath.Join(draft, "ledger"), g.Hash(), p)
	if err != nil {
		return err
	}
	if l.Height() != want.Height || l.ContentRoot() != want.Content || l.StateRoot() != want.State {
		err = types.Errorf(types.CodeBackupDamaged, "the restored ledger is at height %d with state %s, the backup says %d with %s",
			l.Height(), l.StateRoot(), want.Height, want.State)
	} else {
		err = checkRestart(home, draft, g, l)
	}
	return errors.Join(err, l.Close())
}

func (n *node) backUp(ctx context.Context, r *running, log *slog.Logger) {
	out, err := r.createBackup(ctx, n.home, n.evidenceFiles, nil)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		n.care.backupFailures.WithLabelValues(r.name).Inc()
		log.Error("backup failed", "code", types.CodeOf(err).String(), "error", err)
		return
	}
	n.care.backups.WithLabelValues(r.name).Set(float64(out.Height))
	log.Info("backup made", "name", out.Name, "height", out.Height, "files", out.Files, "bytes", out.Bytes, "stored", out.Stored)
}
