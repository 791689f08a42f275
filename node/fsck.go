package node

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// FsckReport says what was found in the ledger of one chain.
type FsckReport struct {
	Chain        string `json:"chain"`
	Height       uint64 `json:"height"`
	Txs          int    `json:"txs"`
	Certificates int    `json:"certificates"` // finality certificates that verify
	Fault        string `json:"fault,omitempty"`
}

// Fsck checks the ledgers of a node that is not running. Opening a ledger rebuilds its
// tree; serving a block checks it against its header. The error is the first fault.
func Fsck(ctx context.Context, home Home, only string) ([]FsckReport, error) {
	lock, err := Acquire(home.LockFile())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	chains, err := home.Chains()
	if err != nil {
		return nil, err
	}
	var out []FsckReport
	var first error
	for _, c := range chains {
		if only != "" && c.Name != only {
			continue
		}
		r := FsckReport{Chain: c.Name}
		if err := fsckChain(ctx, c, &r); err != nil {
			r.Fault = err.Error()
			if first == nil {
				first = err
			}
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no chain %s", home.Dir, only)
	}
	return out, first
}

func fsckChain(ctx context.Context, home ChainHome, r *FsckReport) error {
	g, _, err := ReadGenesis(home)
	if err != nil {
		return err
	}
	l, err := ledger.Open(filepath.Join(home.DataDir(), "ledger"), g.Hash(), ledger.DefaultParams())
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // opened for reading
	r.Height = l.Height()
	var previous types.Header
	for h := uint64(1); h <= r.Height; h++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := fsckBlock(l, h, r)
		if err != nil {
			return fmt.Errorf("height %d: %w", h, err)
		}
		if h > 1 && header.Previous != previous.Hash() {
			return types.Errorf(types.CodeLedgerCorrupt, "header %d does not follow header %d", h, h-1)
		}
		previous = header
	}
	return nil
}

func fsckBlock(l *ledger.Ledger, h uint64, r *FsckReport) (types.Header, error) {
	header, err := l.Header(h)
	if err != nil {
		return header, err
	}
	txs, err := l.BlockTxs(h)
	if err != nil {
		return header, err
	}
	r.Txs += len(txs)
	if _, err := l.Receipts(h); err != nil {
		return header, err
	}
	if _, err := l.Events(h); err != nil {
		return header, err
	}
	if _, err := l.Writes(h); err != nil {
		return header, err
	}
	cert, err := l.Certificate(h)
	if types.CodeOf(err) == types.CodeNotFound {
		return header, nil
	}
	if err != nil {
		return header, err
	}
	signers, err := l.Signers(h)
	if err != nil {
		return header, err
	}
	if err := cert.Verify(&header, signers); err != nil {
		return header, types.Errorf(types.CodeLedgerCorrupt, "finality certificate: %w", err)
	}
	r.Certificates++
	return header, nil
}
