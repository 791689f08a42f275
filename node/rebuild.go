package node

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/types"
)

// Rebuilt says what a chain's archive gave back: a ledger that can be read.
type Rebuilt struct {
	Chain   string      `json:"chain"`
	Height  uint64      `json:"height"`
	Header  crypto.Hash `json:"headerHash"`
	State   crypto.Hash `json:"stateRoot"`
	Blocks  uint64      `json:"blocks"` // restored this time; the others were there from an attempt before
	Genesis crypto.Hash `json:"genesis"`
}

// RebuildChain makes the ledger of a chain that has no data here out of its genesis and its
// archive, with no peer and no node. Every block is checked against the one below it and
// against the certificate that the validators gave it, from those of the genesis on. What is
// missing or altered is named, HC-4402 or HC-4101, and nothing of it is served; after it was
// mended, or an interruption, the next attempt goes on with the segment.
//
// The chain can then be read and not written, until its validators restart it.
func RebuildChain(ctx context.Context, home Home, name string, engines VMConfig, progress repo.Progress) (*Rebuilt, error) {
	c, lock, err := emptyChain(home, name, "a chain is rebuilt")
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	store, err := OpenArchive(c)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	segments, err := store.Found(ctx)
	if err != nil {
		return nil, err
	}
	if engines.CacheDir == "" {
		engines.CacheDir = home.CacheDir()
	}
	draft := ChainHome{Name: c.Name, Dir: filepath.Join(c.Dir, "rebuild.work")}
	out, err := rebuild(ctx, c, draft.LedgerDir(), engines, store, segments, progress)
	if err != nil {
		return nil, err
	}
	if err = out.write(draft.DataDir()); err == nil {
		if err = os.Remove(c.DataDir()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(draft.DataDir(), c.DataDir())
	}
	if err == nil {
		err = os.Remove(draft.Dir)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return &out.Rebuilt, nil
}

// rebuild fills the ledger in a folder, which may hold the segments of an attempt before.
func rebuild(ctx context.Context, c ChainHome, dir string, engines VMConfig, store *repo.Repo, segments []uint64, progress repo.Progress) (out *rebuiltMark, err error) {
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, err
	}
	packages, err := readPackages(c, g)
	if err != nil {
		return nil, err
	}
	r := &running{name: c.Name, genesis: g}
	defer r.close()
	if err := r.loadMachine(ctx, engines); err != nil {
		return nil, err
	}
	if r.ledger, err = ledger.Open(dir, g.Hash(), ledger.DefaultParams()); err != nil {
		return nil, err
	}
	from := r.ledger.Height()
	b, err := consensus.NewRebuild(ctx, r.machine, r.ledger, packages)
	if err != nil {
		return nil, err
	}
	for n := archive.Segment(max(from, 1)); n < uint64(len(segments)); n++ {
		if err := rebuildSegment(ctx, r.ledger, b, store, n, progress); err != nil {
			return nil, err
		}
	}
	h, err := r.ledger.Header(r.ledger.Height())
	out = &rebuiltMark{Rebuilt: Rebuilt{Chain: c.Name, Genesis: g.Hash(), Blocks: h.Height - from}, Commit: b.Commit()}
	out.Height, out.Header, out.State = h.Height, h.Hash(), r.ledger.StateRoot()
	return out, err
}

// rebuildSegment commits the blocks of one segment. Whatever stops it within the segment,
// the next attempt begins with the first block that is not there.
func rebuildSegment(ctx context.Context, l *ledger.Ledger, b *consensus.Rebuild, store *repo.Repo, n uint64, progress repo.Progress) error {
	return store.TakeUp(ctx, n, progress, func(m *archive.Manifest, rec *archive.Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.Apply(rec); err != nil {
			return err
		}
		if progress != nil {
			progress(StageRestore, n, rec.Header.Height-m.First+1, archive.SegmentBlocks)
		}
		if rec.Header.Height < m.Last {
			return nil
		}
		return attested(l, m)
	})
}

// attested checks that validators whom the chain names signed for the end of a segment: a
// header above it, which its manifest holds, leads to the segment's root. The certificates
// inside the segment leave out its last two blocks.
func attested(l *ledger.Ledger, m *archive.Manifest) error {
	certain := m.Last - 2
	h, err := l.Header(certain)
	if err != nil {
		return err
	}
	next, err := l.NextSigners(certain)
	if err != nil {
		return err
	}
	t, err := light.TrustHeader(&h, next)
	if err == nil {
		err = t.Check(&m.Evidence.Header, &m.Evidence.Certificate, m.Evidence.Signers)
	}
	if err != nil {
		return types.Errorf(types.CodeOf(err), "evidence of its last blocks: %w", err)
	}
	return nil
}

func (r *running) warnReadOnly(log *slog.Logger) {
	if r.readOnly {
		log.Warn("this chain was rebuilt from its archive: it is served, and takes no transaction", "height", r.ledger.Height())
	}
}
