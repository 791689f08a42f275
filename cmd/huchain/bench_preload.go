package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/bench/preload"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/node"
)

// maxRecords bounds what a measured chain is founded with.
const maxRecords = 50_000_000

// preload lays records into the ledgers of a devnet that has not started: once, and then
// copies, since all validators begin with the same state.
func (a *app) preload(ctx context.Context, n *devnet.Network, packages map[string][]byte, records int) error {
	if records == 0 {
		return nil
	}
	fmt.Fprintf(a.err, "%s %d …\n", a.say("铺设记录", "laying records:"), records)
	genesis, _, err := node.ReadGenesis(n.NodeHome(n.Nodes[0].Name).Chain(n.Chain))
	if err != nil {
		return err
	}
	p := preload.Params{
		Dir: n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).LedgerDir(), Genesis: genesis, Packages: map[crypto.Hash][]byte{},
		CacheDir: n.CacheDir(), Records: records,
	}
	for _, raw := range packages {
		p.Packages[crypto.Sum(raw)] = raw
	}
	if err := os.MkdirAll(filepath.Dir(p.Dir), 0o700); err != nil {
		return err
	}
	if err := preload.Evidence(ctx, p); err != nil {
		return err
	}
	for i := 1; i < len(n.Nodes); i++ {
		if err := copyLedger(p.Dir, n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).LedgerDir()); err != nil {
			return err
		}
	}
	return nil
}

// copyLedger copies a closed ledger. Tables of the store never change once written, so
// they are linked, as the store's own checkpoints do it.
func copyLedger(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case pebbledb.Unchanging(path) && os.Link(path, target) == nil:
			return nil
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
