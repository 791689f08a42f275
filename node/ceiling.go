package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
)

// CeilingParams say how RunCeiling loads its validator.
type CeilingParams struct {
	Warmup, Duration time.Duration
	TxBytes          int // of a transaction
	InFlight         int // of own transactions waiting
}

// CeilingResult is what one validator measured.
type CeilingResult struct {
	Seconds float64 `json:"seconds"`
	Txs     uint64  `json:"txs"` // committed, whoever made them
	Blocks  uint64  `json:"blocks"`
}

// RunCeiling runs CometBFT alone on a chain of a home that has not begun, see
// consensus.Ceiling: it loads it, calls begin and end around the time that counts, hands
// the outcome to measured, and goes on under load until ctx ends.
func RunCeiling(ctx context.Context, home ChainHome, p CeilingParams, begin, end func(), measured func(CeilingResult) error) (err error) {
	log := slog.New(slog.DiscardHandler)
	cfg, err := LoadChainConfig(home.ConfigFile())
	if err != nil {
		return err
	}
	genesis, _, err := ReadGenesis(home)
	if err != nil {
		return err
	}
	if len(genesis.Bundles) > 0 {
		return types.Errorf(types.CodeConfig, "the chain of a ceiling has no contracts")
	}
	secret, err := keystore.ReadPassphrase(passphraseFile(home, cfg))
	if err != nil {
		return err
	}
	header, err := headerKey(home, secret)
	if err != nil {
		return err
	}
	vm, err := engine.New(ctx, engine.DefaultParams())
	if err != nil {
		return fmt.Errorf("start contract engine: %w", err)
	}
	defer vm.Close(context.Background()) //nolint:errcheck // frees memory only
	machine, err := chain.New(genesis, vm, chain.DefaultOptions())
	if err != nil {
		return err
	}
	store, err := ledger.Open(home.LedgerDir(), genesis.Hash(), ledger.DefaultParams())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	link := &linkSource{files: home.LinkFiles(), secret: secret, log: log}
	c, err := consensus.NewCeiling(consensusParams(cfg), consensus.Options{
		DataDir: home.ConsensusDir(), Chain: machine, Ledger: store, Genesis: genesis, Keys: ConsensusKeys(home.KeysDir(), header),
		Link: link.identity, Peers: cfg.P2P.Peers, Listen: cfg.P2P.Listen, Logger: log,
	})
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Start(ctx); err != nil {
		return err
	}
	return measureCeiling(ctx, c, p, begin, end, measured)
}

func measureCeiling(ctx context.Context, c *consensus.Ceiling, p CeilingParams, begin, end func(), measured func(CeilingResult) error) error {
	load, stop := context.WithCancel(ctx)
	defer stop()
	loaded := make(chan error, 1)
	go func() { loaded <- c.Load(load, p.TxBytes, p.InFlight) }()
	wait := func(d time.Duration) error {
		select {
		case err := <-loaded:
			return errors.Join(types.Errorf(types.CodeNotReady, "the load ended early"), err)
		case <-c.Done():
			return c.Err()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
	for c.Count().Txs == 0 {
		if err := wait(10 * time.Millisecond); err != nil {
			return err
		}
	}
	if err := wait(p.Warmup); err != nil {
		return err
	}
	begin()
	from, start := c.Count(), time.Now()
	if err := wait(p.Duration); err != nil {
		return err
	}
	to, took := c.Count(), time.Since(start)
	end()
	if err := measured(CeilingResult{Seconds: took.Seconds(), Txs: to.Txs - from.Txs, Blocks: to.Blocks - from.Blocks}); err != nil {
		return err
	}
	if err := wait(time.Hour); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
