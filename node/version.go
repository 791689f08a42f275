package node

import (
	"runtime"
	"runtime/debug"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/ledger"
)

// Release is the release this source tree leads to.
const Release = "0.1.0-dev"

// Version says what a binary is and which formats it reads and writes.
type Version struct {
	Release      string `json:"release"`
	Commit       string `json:"commit"` // "unknown" in a build without version control
	Modified     bool   `json:"modified,omitempty"`
	Toolchain    string `json:"toolchain"`
	Platform     string `json:"platform"`
	Protocol     uint32 `json:"protocol"`     // newest protocol version
	LedgerFormat int    `json:"ledgerFormat"` // layout of the stores
	BundleFormat int    `json:"bundleFormat"`
}

// BuildVersion describes the running binary.
func BuildVersion() Version {
	v := Version{
		Release: Release, Commit: "unknown", Toolchain: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Protocol: chain.ProtocolVersion, LedgerFormat: ledger.Format, BundleFormat: bundle.Format,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	return v
}

// String returns release and short commit.
func (v Version) String() string { return v.Release + "+" + v.Commit[:min(len(v.Commit), 12)] }
