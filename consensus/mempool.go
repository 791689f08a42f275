package consensus

import (
	abci "github.com/cometbft/cometbft/abci/types"
	mempl "github.com/cometbft/cometbft/mempool"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/types"
)

// cometMempool shows the pool to CometBFT, which needs of it no more than the signal
// that there is something to propose: PrepareProposal packs the frames, and committed
// transactions leave in Commit.
type cometMempool struct{ *pool }

var _ mempl.Mempool = cometMempool{}

// Lock and Unlock have nothing to exclude. CometBFT holds them around Commit and
// Update, which run on the goroutine that also proposes; a transaction added meanwhile
// is judged by its id.
func (cometMempool) Lock()   {}
func (cometMempool) Unlock() {}

// EnableTxsAvailable makes the pool announce transactions. It must be called before
// CometBFT's consensus state is made, which looks at the channel once.
func (m cometMempool) EnableTxsAvailable() { m.avail = make(chan struct{}, 1) }

// TxsAvailable fires once per height while transactions wait.
func (m cometMempool) TxsAvailable() <-chan struct{} { return m.avail }

// Update arms the signal for the next height.
func (m cometMempool) Update(int64, cmttypes.Txs, []*abci.ExecTxResult, mempl.PreCheckFunc, mempl.PostCheckFunc) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notified = false
	m.notify()
	return nil
}

// Size returns the number of waiting transactions.
func (m cometMempool) Size() int { n, _ := m.size(); return n }

// SizeBytes returns their bytes.
func (m cometMempool) SizeBytes() int64 { _, b := m.size(); return b }

// CheckTx is CometBFT's way in, for its RPC server; transactions come in by Submit.
func (cometMempool) CheckTx(cmttypes.Tx, func(*abci.ResponseCheckTx), mempl.TxInfo) error {
	return types.Errorf(types.CodeNotReady, "transactions are submitted to the node, not to CometBFT")
}

func (cometMempool) RemoveTxByKey(cmttypes.TxKey) error           { return nil }
func (cometMempool) ReapMaxBytesMaxGas(int64, int64) cmttypes.Txs { return nil }
func (cometMempool) ReapMaxTxs(int) cmttypes.Txs                  { return nil }
func (cometMempool) FlushAppConn() error                          { return nil }
func (cometMempool) Flush()                                       {}
