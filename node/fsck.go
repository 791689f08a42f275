package node

import (
	"context"
	"fmt"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/types"
)

// FsckReport says what was found in the ledger of one chain.
type FsckReport struct {
	Chain     string   `json:"chain"`
	Snapshots []uint64 `json:"snapshots"` // heights of those checked
	*fsck.Report
}

// Fsck checks the ledgers of chains that do not run, of one or of all in the home, by
// means of their own (package ledger/fsck) and against the genesis file. progress, if
// not nil, is told how far it is. The error is HC-4101 if anything was found.
func Fsck(ctx context.Context, home Home, only string, progress func(what string, done uint64)) ([]FsckReport, error) {
	chains, err := home.Chains()
	if err != nil {
		return nil, err
	}
	var out []FsckReport
	var found error
	for _, c := range chains {
		if only != "" && c.Name != only {
			continue
		}
		lock, err := Acquire(c.LockFile())
		if err != nil {
			return out, err
		}
		r, err := fsckChain(ctx, c, progress)
		lock.Release()
		if err != nil {
			return out, err
		}
		out = append(out, *r)
		if !r.OK() && found == nil {
			f := r.Findings[0]
			found = types.Errorf(types.CodeLedgerCorrupt, "chain %s: %d findings, the first: %s: %s", c.Name, len(r.Findings), f.Where, f.What)
		}
	}
	if len(out) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no chain %s", home.Dir, only)
	}
	return out, found
}

func fsckChain(ctx context.Context, home ChainHome, progress func(what string, done uint64)) (*FsckReport, error) {
	g, _, err := ReadGenesis(home)
	if err != nil {
		return nil, err
	}
	params, err := ledgerParams(home)
	if err != nil {
		return nil, err
	}
	r, err := fsck.Check(ctx, params.Driver, home.LedgerDir(), progress)
	if err != nil {
		return nil, fmt.Errorf("check ledger of chain %s: %w", home.Name, err)
	}
	if r.Genesis != g.Hash() {
		r.Findings = append(r.Findings, fsck.Finding{Where: "genesis", What: fmt.Sprintf("the ledger is of %s, the genesis file of %s", r.Genesis, g.Hash())})
	}
	out := &FsckReport{Chain: home.Name, Snapshots: []uint64{}, Report: r}
	return out, out.checkSnapshots(ctx, home, g, progress)
}

// checkSnapshots verifies every chunk of every snapshot against its header, and that
// against its anchor, if it has one by now.
func (r *FsckReport) checkSnapshots(ctx context.Context, home ChainHome, g *chain.Genesis, progress func(what string, done uint64)) error {
	store, err := openSnapshots(home)
	if err != nil {
		return err
	}
	act, err := actOf(home, g)
	if err != nil {
		return err
	}
	heights, err := store.Heights()
	if err != nil {
		return err
	}
	for i, h := range heights {
		if progress != nil {
			progress("snapshots", uint64(i))
		}
		m, err := store.Check(ctx, h)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			var anchor []byte
			anchor, err = store.Anchor(h)
			switch {
			case err == nil:
				_, _, err = consensus.CheckAnchor(g, act, anchor, &m.Header)
			case types.CodeOf(err) == types.CodeNotFound:
				err = nil // it comes three blocks later
			}
		}
		if err != nil {
			r.Findings = append(r.Findings, fsck.Finding{Where: fmt.Sprintf("snapshot %d", h), What: err.Error()})
		}
		r.Snapshots = append(r.Snapshots, h)
	}
	return nil
}
