// Package version says which build of HuChain this is.
package version

import "runtime"

// Release is the version of the product, as in CHANGELOG.md.
const Release = "0.1.0-dev"

// Set by the linker; see the Makefile. A build without it says "unknown".
var (
	commit = "unknown"
	date   = "unknown"
)

// Info describes a build.
type Info struct {
	Release  string `json:"release"`
	Commit   string `json:"commit"` // of the source; "-dirty" where files were changed
	Date     string `json:"date"`   // of the commit, RFC 3339 UTC: equal sources give equal binaries
	Go       string `json:"go"`     // toolchain
	Platform string `json:"platform"`
}

// Get returns the description of this build.
func Get() Info {
	return Info{Release: Release, Commit: commit, Date: date, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
}
