package node

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
)

// SnapshotInfo describes a snapshot and says where it lies.
type SnapshotInfo struct {
	Chain string `json:"chain"`
	Path  string `json:"path"`
	snapshot.Info
}

// openSnapshots opens the folder of a chain's snapshots.
func openSnapshots(home ChainHome) (*snapshot.Store, error) {
	return snapshot.OpenStore(home.SnapshotsDir(), snapshot.DefaultParams())
}

func snapshotInfo(home ChainHome, i *snapshot.Info) *SnapshotInfo {
	return &SnapshotInfo{Chain: home.Name, Path: filepath.Join(home.SnapshotsDir(), strconv.FormatUint(i.Height, 10)), Info: *i}
}

// onlyChain is the named chain of a home, or its only one.
func onlyChain(home Home, name string) (ChainHome, error) {
	chains, err := home.Chains()
	if err != nil {
		return ChainHome{}, err
	}
	if name == "" && len(chains) > 1 {
		return ChainHome{}, types.Errorf(types.CodeUsage, "%s holds several chains: name one (--chain)", home.Dir)
	}
	for _, c := range chains {
		if name == "" || c.Name == name {
			return c, nil
		}
	}
	return ChainHome{}, types.Errorf(types.CodeNotFound, "%s holds no chain %s", home.Dir, name)
}

// stoppedChain is onlyChain, locked for an operation that the chain may not run beside. The
// lock MUST be released.
func stoppedChain(home Home, name string) (ChainHome, *Lock, error) {
	c, err := onlyChain(home, name)
	if err != nil {
		return c, nil, err
	}
	lock, err := Acquire(c.LockFile())
	return c, lock, err
}

// emptyChain is stoppedChain for an operation that fills the data folder, which what names.
func emptyChain(home Home, name, what string) (ChainHome, *Lock, error) {
	c, lock, err := stoppedChain(home, name)
	if err != nil {
		return c, nil, err
	}
	if entries, err := os.ReadDir(c.DataDir()); err == nil && len(entries) > 0 {
		lock.Release()
		return c, nil, types.Errorf(types.CodeAlreadyExists, "%s is in use; %s into an empty data folder", c.DataDir(), what)
	}
	return c, lock, nil
}

// CreateSnapshot makes a snapshot of the newest height of a chain: the running node does
// it beside its work; where none runs it is done here.
func CreateSnapshot(ctx context.Context, home Home, chain string) (*SnapshotInfo, error) {
	c, err := onlyChain(home, chain)
	if err != nil {
		return nil, err
	}
	lock, err := Acquire(c.LockFile())
	if types.CodeOf(err) == types.CodeHomeLocked {
		var info snapshot.Info
		if err := control(ctx, home, http.MethodPost, "/snapshots?chain="+url.QueryEscape(c.Name), &info); err != nil {
			return nil, err
		}
		return snapshotInfo(c, &info), nil
	}
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	return createStopped(ctx, c)
}

// createStopped makes a snapshot of a chain that does not run. It gets its anchor when the
// node is started.
func createStopped(ctx context.Context, c ChainHome) (info *SnapshotInfo, err error) {
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, err
	}
	store, err := openSnapshots(c)
	if err == nil {
		err = store.Clean()
	}
	if err != nil {
		return nil, err
	}
	params, err := ledgerParams(c)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(c.LedgerDir(), g.Hash(), params)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	f, err := l.Freeze()
	if err != nil {
		return nil, err
	}
	i, err := store.Create(ctx, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return snapshotInfo(c, i), nil
}

// ListSnapshots lists the snapshots of a chain, or of all chains, by height.
func ListSnapshots(home Home, chain string) ([]SnapshotInfo, error) {
	chains, err := home.Chains()
	if err != nil {
		return nil, err
	}
	out := []SnapshotInfo{}
	known := false
	for _, c := range chains {
		if chain != "" && c.Name != chain {
			continue
		}
		known = true
		store, err := openSnapshots(c)
		if err != nil {
			return nil, err
		}
		heights, err := store.Heights()
		if err != nil {
			return nil, err
		}
		for _, h := range heights {
			i, err := store.Info(h)
			if err != nil {
				return nil, err
			}
			out = append(out, *snapshotInfo(c, i))
		}
	}
	if !known {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no chain %s", home.Dir, chain)
	}
	return out, nil
}

// RestoreSnapshot makes the ledger of a chain that has none out of a snapshot's folder,
// copied from another node perhaps. It trusts nothing in it: the anchor must lead from the
// home's genesis file to the header, and every chunk from the header. The node must be
// stopped. HC-4302 if the snapshot has no anchor, HC-4301 if it does not hold, HC-1011 if
// there is a ledger.
func RestoreSnapshot(ctx context.Context, home Home, chain, dir string, progress func(done, of uint32)) (*SnapshotInfo, error) {
	c, lock, err := stoppedChain(home, chain)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(c.ConsensusDir()); err == nil {
		return nil, types.Errorf(types.CodeAlreadyExists, "%s is in use; a snapshot is restored into an empty data folder", c.DataDir())
	}
	height, err := strconv.ParseUint(filepath.Base(dir), 10, 62)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%s is no snapshot: its folder bears its height", dir)
	}
	store, err := snapshot.OpenStore(filepath.Dir(dir), snapshot.DefaultParams())
	if err != nil {
		return nil, err
	}
	m, err := store.Manifest(height)
	if err != nil {
		return nil, err
	}
	anchor, err := store.Anchor(height)
	if types.CodeOf(err) == types.CodeNotFound {
		return nil, types.Errorf(types.CodeSnapshotUnavailable, "the snapshot of height %d has no anchor; its node adds it three blocks later", height)
	}
	if err != nil {
		return nil, err
	}
	act, err := actOf(c, g)
	if err != nil {
		return nil, err
	}
	changes, records, err := consensus.CheckAnchor(g, act, anchor, &m.Header)
	if err != nil {
		return nil, err
	}
	r, err := snapshot.NewRestore(m, c.LedgerDir(), g.Hash(), ledger.DefaultParams().Driver)
	if err != nil {
		return nil, err
	}
	if err := restoreChunks(ctx, store, m, r, progress); err != nil {
		return nil, errors.Join(err, r.Discard())
	}
	if err := r.Finish(anchor, changes, records); err != nil {
		return nil, err
	}
	i, err := store.Info(height)
	if err != nil {
		return nil, err
	}
	return &SnapshotInfo{Chain: c.Name, Path: dir, Info: *i}, nil
}

func restoreChunks(ctx context.Context, store *snapshot.Store, m *snapshot.Manifest, r *snapshot.Restore, progress func(done, of uint32)) error {
	for i := range m.Chunks() {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk, err := store.Chunk(m.Header.Height, i)
		if err == nil {
			err = r.Apply(chunk)
		}
		if err != nil {
			return types.Errorf(types.CodeOf(err), "chunk %d: %w", i, err)
		}
		if progress != nil {
			progress(i+1, m.Chunks())
		}
	}
	return nil
}

// join makes the ledger of a chain out of a snapshot of its peers, if chain.toml asks for
// it and there is none yet.
func (r *running) join(ctx context.Context, home ChainHome, cfg ChainConfig, link *linkSource, log *slog.Logger) error {
	if !cfg.StateSync.Enable {
		return nil
	}
	if _, err := os.Stat(home.LedgerDir()); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	act, err := actOf(home, r.genesis)
	if err != nil {
		return err
	}
	log.Info("joining by snapshot", "peers", cfg.P2P.Peers)
	height, err := consensus.Join(ctx, consensusParams(cfg), consensus.JoinOptions{
		LedgerDir: home.LedgerDir(), Driver: ledger.DefaultParams().Driver, Genesis: r.genesis, Restart: act,
		Link: link.identity, Peers: cfg.P2P.Peers, Logger: log,
	})
	if err != nil {
		return err
	}
	log.Info("joined by snapshot", "height", height)
	return nil
}
