package node

import (
	"context"
	"sort"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/vm/engine"
)

// WarmCache compiles contract packages into a cache of compiled code, for the gas schedule
// of a new chain, so that nodes that share the cache do not all compile the same at their
// first start.
func WarmCache(ctx context.Context, cacheDir string, packages map[string][]byte) error {
	p := engine.DefaultParams()
	p.CacheDir = cacheDir
	e, err := engine.New(ctx, p)
	if err != nil {
		return err
	}
	defer e.Close(ctx) //nolint:errcheck // frees memory only
	params := chain.DefaultParams()
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		pkg, err := bundle.Open(packages[name])
		if err != nil {
			return err
		}
		if e.Recall(ctx, pkg.CodeHash, &params.Gas) {
			continue
		}
		if _, err := e.Load(ctx, pkg.Code, &params.Gas); err != nil {
			return err
		}
	}
	return nil
}
