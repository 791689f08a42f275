package api

import (
	"context"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Chain is one chain as the API serves it.
type Chain struct {
	Name        string
	Genesis     *chain.Genesis
	GenesisFile []byte
	Machine     *chain.Chain
	Ledger      *ledger.Ledger
	Consensus   Consensus
	Mirror      Mirror   // nil: this node keeps none
	Evidence    Evidence // nil: this node offers none
}

// Consensus is what the API needs of the consensus engine of a chain.
type Consensus interface {
	// Submit admits a transaction and puts it into the pool.
	Submit(raw []byte) (crypto.Hash, error)
	// SubmitEach is Submit of several, which take less time together; one that is refused
	// stops no other.
	SubmitEach(raws [][]byte) ([]crypto.Hash, []error)
	// Watch begins to look out for the commit of a transaction.
	Watch(id crypto.Hash) Watch
	Status() Status
	// Peers lists the other nodes it is linked to, wants to reach, or has cut off.
	Peers() rest.Peers
	// Voted returns who was to vote on the block of a height and who did; HC-1003 where that
	// is not known.
	Voted(height uint64) (types.ValidatorSet, []bool, error)
	// AwaitHeight returns once a height is committed; HC-4104 if ctx ends first.
	AwaitHeight(ctx context.Context, height uint64) error
	// Err is why the engine has stopped, nil while it runs.
	Err() error
}

// Watch waits for the commit of one transaction.
type Watch interface {
	// Wait returns the receipt and where it stands, once the block is committed.
	Wait(ctx context.Context) (height uint64, index uint32, r *types.Receipt, err error)
	// Stop forgets the watch.
	Stop()
}

// Status is how consensus is doing.
type Status struct {
	CatchingUp bool
	Peers      int
	PoolTxs    int
	Validator  bool
	BlockTime  time.Time
}
