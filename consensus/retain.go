package consensus

// pruneStep bounds how many blocks CometBFT removes after one block: it does so before the
// next may begin.
const pruneStep = 100

// retention is what decides which blocks this node keeps.
type retention struct {
	keep     uint64 // blocks to keep; 0: all
	snapshot uint64 // oldest snapshot that others may join by; 0: none
	making   bool   // snapshots are made regularly
	archived uint64 // newest archived height
	archives bool   // history must be archived before it goes
}

// target is the lowest height to keep at a tip; 0 keeps all. Blocks above the oldest
// snapshot stay, since whoever joins by it needs them; where snapshots are made none goes
// before there is one; what must be archived stays until it is. What CometBFT needs to
// judge evidence it keeps by itself, for as long as evidence may be brought forward.
func (r retention) target(tip uint64) uint64 {
	if r.keep == 0 || tip <= r.keep || r.making && r.snapshot == 0 {
		return 0
	}
	low := tip - r.keep
	if r.snapshot > 0 {
		low = min(low, r.snapshot)
	}
	if r.archives {
		low = min(low, r.archived+1)
	}
	return low
}

// prune gives up what the node need not keep, and returns the lowest height that CometBFT
// shall keep; 0 for no change.
func (a *app) prune(height uint64) (int64, error) {
	r := retention{keep: a.p.KeepBlocks, making: a.p.SnapshotEvery > 0}
	if r.keep == 0 {
		return 0, nil
	}
	if a.snapshots != nil {
		r.snapshot = a.snapshots.oldest.Load()
	}
	if a.archived != nil {
		r.archived, r.archives = a.archived(), true
	}
	low := r.target(height)
	if low == 0 || a.blockBase == nil {
		return 0, nil
	}
	if !r.archives { // where there is an archive, the indexes lead to it
		if err := a.ledger.Prune(low); err != nil {
			return 0, err
		}
	}
	a.m.ledgerBase.Set(float64(a.ledger.Base()))
	base := a.blockBase()
	if base == 0 || int64(low) <= base {
		return 0, nil
	}
	retain := min(int64(low), base+pruneStep)
	a.m.retainHeight.Set(float64(retain))
	return retain, nil
}
