package node

import (
	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/internal/version"
	"github.com/huchain/huchain/ledger"
)

// Version says what a binary is and which formats it reads and writes.
type Version struct {
	version.Info
	Protocol     uint32 `json:"protocol"`     // newest protocol version
	LedgerFormat int    `json:"ledgerFormat"` // layout of the stores
	BundleFormat int    `json:"bundleFormat"`
}

// BuildVersion describes the running binary.
func BuildVersion() Version {
	return Version{
		Info: version.Get(), Protocol: chain.ProtocolVersion, LedgerFormat: ledger.FormatVersion, BundleFormat: bundle.Format,
	}
}

// String returns release and short commit.
func (v Version) String() string { return v.Release + "+" + v.Commit[:min(len(v.Commit), 12)] }
