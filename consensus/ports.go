package consensus

import (
	"context"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/types"
)

// Machine says what blocks mean: *chain.Chain.
type Machine interface {
	InitGenesis(ctx context.Context, packages map[crypto.Hash][]byte) (*chain.Result, error)
	AdmitEach(st chain.State, raws [][]byte, nowMs int64) ([]*types.Tx, []error)
	CheckBlock(st chain.State, ids *chain.IDWindow, blk *chain.BlockInput) error
	Settled(txs [][]byte)
	Execute(ctx context.Context, st chain.State, ids *chain.IDWindow, blk *chain.BlockInput) (*chain.Result, error)
	Validators(st chain.State) (types.ValidatorSet, error)
	Params(st chain.State) (chain.Params, crypto.Hash, error)
	LoadCode(ctx context.Context, st chain.State) error
	LoadStaged(ctx context.Context, st chain.State, pkg crypto.Hash) error
	LinkRoots(st chain.State, org string, at time.Time) ([]*cert.Certificate, error)
	CheckLink(st chain.State, certificates ...*cert.Certificate) error
}

// Ledger keeps the outcome of blocks: *ledger.Ledger. Reads may run beside one another
// and beside Prepare.
type Ledger interface {
	chain.State
	headers
	Height() uint64
	Initialized() bool
	ContentRoot() crypto.Hash
	Prepare(b *ledger.Block) (*ledger.Candidate, error)
	Commit(c *ledger.Candidate) error
	Certified() uint64
	LastCommit(height uint64) ([]byte, error)
	Base() uint64
	Prune(below uint64) error
	Records(height uint64) (archive.Peaks, error)
	Anchor() (anchor []byte, found bool, err error)
	SetChanges(to uint64) ([]ledger.SetChange, error)
	Freeze() (*ledger.Frozen, error)
	View() (*ledger.View, error)
	UsedIDs(fn func(height uint64, timeNs int64, ids []crypto.Hash) error) error
}
