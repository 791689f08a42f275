package repo

import (
	"context"
	"time"

	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/types"
)

// History serves a ledger what it has released.
type History struct {
	Repo *Repo
	// Timeout bounds one answer of the target.
	Timeout time.Duration
}

// Items implements ledger.History.
func (h History) Items(height uint64, kind block.Kind) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), h.Timeout)
	defer cancel()
	parts := [...]struct {
		kind block.Kind
		part archive.Part
	}{
		{block.KindTxs, archive.PartTxs}, {block.KindReceipts, archive.PartReceipts},
		{block.KindEvents, archive.PartEvents}, {block.KindWrites, archive.PartWrites},
	}
	for _, p := range parts {
		if p.kind == kind {
			return h.Repo.Items(ctx, height, p.part)
		}
	}
	return nil, types.Errorf(types.CodeInternal, "no part of an archived block is of kind %q", byte(kind))
}
