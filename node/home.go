package node

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/huchain/huchain/types"
)

// Home is the folder of one node:
//
//	node.toml              configuration of the process
//	lock                   held while the node runs; names its process
//	logs/node.log
//	access/keys.json       keys of applications, see package access
//	audit/audit.log        administrative calls, see package audit
//	control.sock           orders of the operator, while the node runs
//	cache/wasm/            compiled contracts; may be deleted
//	chains/<name>/         one folder per chain, see ChainHome
//	left/<name>-<time>/    folders of chains that the node has left
type Home struct{ Dir string }

// DefaultHome returns the folder HUCHAIN_HOME names, else ~/.huchain.
func DefaultHome() string {
	if dir := os.Getenv("HUCHAIN_HOME"); dir != "" {
		return dir
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return ".huchain"
	}
	return filepath.Join(user, ".huchain")
}

// ConfigFile is the path of node.toml.
func (h Home) ConfigFile() string { return filepath.Join(h.Dir, "node.toml") }

// LockFile is the path of the lock.
func (h Home) LockFile() string { return filepath.Join(h.Dir, "lock") }

// ControlSocket is where a running node takes orders.
func (h Home) ControlSocket() string { return filepath.Join(h.Dir, "control.sock") }

// AuditLog is the log of administrative calls.
func (h Home) AuditLog() string { return filepath.Join(h.Dir, "audit", "audit.log") }

// APIKeys is the file of the keys of applications, as hashes.
func (h Home) APIKeys() string { return filepath.Join(h.Dir, "access", "keys.json") }

// CacheDir is where compiled contracts are kept unless node.toml says otherwise.
func (h Home) CacheDir() string { return filepath.Join(h.Dir, "cache", "wasm") }

// path is a path of node.toml, relative to the home.
func (h Home) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(h.Dir, p)
}

// Chain returns the folder of the named chain.
func (h Home) Chain(name string) ChainHome {
	return ChainHome{Name: name, Dir: filepath.Join(h.Dir, "chains", name)}
}

// Chains lists the chains of the home in order of name: each folder under chains/ that
// holds a genesis file.
func (h Home) Chains() ([]ChainHome, error) {
	entries, err := os.ReadDir(filepath.Join(h.Dir, "chains"))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	var out []ChainHome
	for _, e := range entries {
		c := h.Chain(e.Name())
		if _, err := os.Stat(c.GenesisFile()); err != nil || !e.IsDir() {
			continue
		}
		if !types.ValidName(e.Name()) {
			return nil, types.Errorf(types.CodeConfig, "folder %s: %q is no valid chain name", c.Dir, e.Name())
		}
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// Volumes are the folders that may lie on disks of their own: the home, and the ledgers of
// its chains, each of which can be moved.
func (h Home) Volumes() []string {
	out := []string{h.Dir}
	chains, err := h.Chains()
	if err != nil {
		return out // starting the chains says so
	}
	for _, c := range chains {
		if _, err := os.Stat(c.LedgerDir()); err == nil {
			out = append(out, c.LedgerDir())
		}
	}
	return out
}

// Exists reports whether dir is the home of a node.
func (h Home) Exists() bool {
	_, err := os.Stat(h.ConfigFile())
	return err == nil
}

// ChainHome is the folder of one chain in a node's home:
//
//	genesis.json           its SM3 is the genesis hash
//	restart.json           the act that the chain was restarted with, if it was
//	chain.toml             listener, peers, limits of this chain
//	bundles/*.hcp          contract packages the genesis names by hash
//	keys/                  validator.key, consensus.json, vote.json (vote-<act>.json after a
//	                       restart), link.key, link.pem, link-enc.key, link-enc.pem
//	data/                  the ledger and CometBFT's stores; may be deleted, keys may not
//	snapshots/<height>/    snapshots, see package ledger/snapshot
//	rebuild.work/          a ledger that is being rebuilt from the archive
//	mirror/                the mirror in SQLite, and subscriptions to events
//	evidence/              the evidence service: its database, key, and originals
//	archive/               catalogue of the archive, see package ledger/archive/repo
//	lock                   held while the chain runs, or is being set up
type ChainHome struct{ Name, Dir string }

// GenesisFile is the path of genesis.json.
func (c ChainHome) GenesisFile() string { return filepath.Join(c.Dir, "genesis.json") }

// RestartFile holds the act by which the chain was restarted, where it was.
func (c ChainHome) RestartFile() string { return filepath.Join(c.Dir, "restart.json") }

// LockFile is the path of the chain's lock.
func (c ChainHome) LockFile() string { return filepath.Join(c.Dir, "lock") }

// ConfigFile is the path of chain.toml.
func (c ChainHome) ConfigFile() string { return filepath.Join(c.Dir, "chain.toml") }

// BundlesDir holds the contract packages of the genesis.
func (c ChainHome) BundlesDir() string { return filepath.Join(c.Dir, "bundles") }

// KeysDir holds the keys and the vote state. It is never part of a backup of data.
func (c ChainHome) KeysDir() string { return filepath.Join(c.Dir, "keys") }

// DataDir holds what can be fetched again from peers.
func (c ChainHome) DataDir() string { return filepath.Join(c.Dir, "data") }

// LedgerDir holds the ledger's stores.
func (c ChainHome) LedgerDir() string { return filepath.Join(c.DataDir(), "ledger") }

// ConsensusDir holds CometBFT's stores.
func (c ChainHome) ConsensusDir() string { return filepath.Join(c.DataDir(), "consensus") }

// SnapshotsDir holds the chain's snapshots, a folder each.
func (c ChainHome) SnapshotsDir() string { return filepath.Join(c.Dir, "snapshots") }

// MirrorDir holds the mirror of the chain, which may be deleted, and subscriptions to it.
func (c ChainHome) MirrorDir() string { return filepath.Join(c.Dir, "mirror") }

// EvidenceDir holds what the evidence service keeps: it MUST be part of a backup.
func (c ChainHome) EvidenceDir() string { return filepath.Join(c.Dir, "evidence") }

// ArchiveDir holds what the node knows of the chain's archive: the catalogue, and segments
// under way.
func (c ChainHome) ArchiveDir() string { return filepath.Join(c.Dir, "archive") }

// BackupWorkDir holds a copy of the data while a backup is made of it; on the same disk, so
// that files can be linked.
func (c ChainHome) BackupWorkDir() string { return filepath.Join(c.Dir, "backup.work") }

// WriteFile writes a file whole or not at all: to a temporary name, synced, renamed.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
